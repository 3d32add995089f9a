//! An explanation for programs: the same facts; numbers as decimal text, to 18 digits after the
//! point where they have no end.

use super::State;
use super::example::{Example, Row};
use super::figures::{Explanation, LegFigures, Level, Product, Role, Share, TermFigures};
use crate::config::decimal::show_e9;
use crate::config::rational::Rational;
use serde_json::{Value, json};

/// The fields of an explanation.
pub fn explanation(of: &Explanation, example: &Example, state: &State) -> Value {
    let (constant, constant_name) = &of.constant;
    let [long_span, short_span] = of.spans().map(|span| span.map(text));
    json!({
        "pair": of.name,
        "unit": of.unit,
        "legs": of.legs.iter().map(leg).collect::<Vec<_>>(),
        "constant": text(*constant),
        "constant_name": constant_name,
        "linear_constant": text(of.linear_constant),
        "products": of.products.iter().map(product).collect::<Vec<_>>(),
        "measure": of.measure.word(),
        "levels": of.levels.iter().map(level).collect::<serde_json::Map<_, _>>(),
        "hysteresis": text(of.hysteresis),
        "open_hold_ms": of.holds_ms.0,
        "close_hold_ms": of.holds_ms.1,
        "rules": of.rules.iter().map(|rule| json!({
            "name": rule.name.value,
            "at": rule.at.word(),
            "when": rule.when.value,
            "then": rule.then.word(),
            "cool_down_ms": (rule.cool_down_ms > 0).then_some(rule.cool_down_ms),
            "steps": rule.steps(),
        })).collect::<Vec<_>>(),
        "clip_units": of.units.0,
        "max_units": of.units.1,
        "long_round_trip": long_span,
        "short_round_trip": short_span,
        "mismatch": of.mismatch().map(text),
        "levels_are": if of.is_after_fees { "after_fees" } else { "before_fees" },
        "state": {
            "sha256": state.hash,
            "bytes": state.bytes,
            "restored_equal": state.is_restored,
        },
        "example": {
            "rows": example.rows.iter().map(row).collect::<Vec<_>>(),
            "constant": text(example.constant),
            "fees": text(example.fees),
            "exact": text(example.exact),
            "hot": text(example.hot),
            "difference": text(example.difference),
            "not_linear": text(example.not_linear),
            "ratio": example.ratio.map(text),
            "intent": example.intent.map(|intent| intent.word()),
        },
    })
}

fn text(number: Rational) -> Option<String> {
    number.show(18)
}

fn level(level: &Level) -> (String, Value) {
    (level.key.to_owned(), json!(text(level.value)))
}

fn leg(of: &LegFigures) -> Value {
    let money = of.money.as_ref().map(|money| {
        let converted = money.converted.as_ref();
        json!({
            "amount": text(money.amount),
            "currency": money.currency,
            "converted": converted.map(|(amount, _)| text(*amount)),
            "converted_currency": converted.map(|(_, currency)| currency),
        })
    });
    json!({
        "leg": of.name,
        "symbol": of.symbol,
        "mic": of.mic,
        "role": match of.role {
            Role::Bought => "bought",
            Role::Sold => "sold",
            Role::Prices => "prices",
        },
        "lots": of.lots,
        "min_lean_lots": of.lean_lots,
        "multiplier": text(of.multiplier),
        "tick": text(of.tick),
        "currency": of.currency,
        "quote_unit": of.quote_unit,
        "terms": of.terms.iter().map(term).collect::<Vec<_>>(),
        "shares": of.shares.iter().map(share).collect::<Vec<_>>(),
        "weight": text(of.weight),
        "weight_q32": of.weight_q32,
        "money_per_point": money,
    })
}

fn term(of: &TermFigures) -> Value {
    json!({
        "name": of.name,
        "name_zh": of.name_zh,
        "divides": of.divides,
        "number": of.number,
        "price_of": of.price_of,
        "product": of.product.map(text),
    })
}

fn share(of: &Share) -> Value {
    json!({ "leg": of.leg, "scale": text(of.scale), "reference": of.reference })
}

fn product(of: &Product) -> Value {
    json!({
        "legs": of.legs,
        "references": of.references,
        "scale": text(of.scale),
        "left_out_at_1_and_0.1_percent": of.typical().map(text),
    })
}

fn row(of: &Row) -> Value {
    json!({
        "leg": of.leg,
        "price": show_e9(of.price_e9),
        "given": of.is_given,
        "weight": text(of.weight),
        "part": text(of.part),
    })
}
