//! A slip in any single figure of a book or of pricing contracts is refused or listed as harmless.

use super::sample;
use crate::config::mutation::{accepted_by, listed};
use cross_market_connect::hedge::book::load_text;
use cross_market_connect::hedge::pricing;
use std::collections::BTreeSet;
use std::path::Path;

/// What is accepted of a book, and what still stands in between.
const HARMLESS: &[(&str, &[&str], &str)] = &[
    ("client.account.name", &["misspelt"], "an account that holds nothing yet is called otherwise"),
    (
        "client.fx_limit.band",
        &["ten decimals", "times 10", "zero"],
        "more or fewer proposals, which a person approves; `max_open` holds",
    ),
    (
        "client.fx_limit.max_open",
        &["times 10", "times 100"],
        "a wider limit: what is open is shown, and the band still asks for orders",
    ),
    ("client.limit.max_lots", &["times 10", "times 100"], "the same for lots"),
    ("client.limit.max_position", &["times 10", "times 100"], "slips of positions are shown only"),
    (
        "client.limit.max_unhedged",
        &["times 10", "times 100", "times 10^6"],
        "a wider limit: what is open is shown, and the band still asks for orders",
    ),
    ("client.title", &["misspelt"], "a label for people"),
    (
        "contract.carry",
        &["negative", "ten decimals", "times 10", "zero"],
        "another contract counts as the cheapest: its cost is shown term by term",
    ),
    ("contract.fee_fraction", &["ten decimals", "times 10", "times 100", "zero"], "likewise"),
    ("contract.fee_per_lot", &["ten decimals", "times 10", "times 100", "zero"], "likewise"),
    ("contract.roll_days", &["times 10", "zero"], "rolled earlier, or on the last day itself"),
    (
        "contract.slippage",
        &["ten decimals", "times 10", "times 100", "zero"],
        "as the fees; beyond one hundredth of the price it is refused",
    ),
    ("contract.source", &["misspelt"], "a label for people"),
    (
        "future.lots",
        &["times 10", "times 100"],
        "the broker's statement has another number, and the limits of the client are passed",
    ),
    ("fx.source", &["misspelt"], "a label for people"),
    ("fx_contract.fee_per_lot", &["ten decimals", "times 10", "times 100", "zero"], "as above"),
    ("fx_contract.name", &["misspelt"], "a symbol that the counter does not know"),
    ("fx_contract.roll_days", &["times 10", "zero"], "as above"),
    ("fx_contract.slippage", &["ten decimals", "times 10", "times 100", "zero"], "as above"),
    ("fx_contract.source", &["misspelt"], "a label for people"),
    ("option.lots", &["times 10", "times 100"], "as lots of futures"),
    ("option.rate", &["negative", "ten decimals", "zero"], "a delta that differs by a percent"),
    ("policy.approver", &["misspelt"], "a label for people"),
    ("policy.band", &["ten decimals", "times 10", "zero"], "more or fewer proposals"),
    ("policy.min_lots", &["times 10", "times 100"], "fewer proposals; `max_unhedged` holds"),
    ("policy.series.file", &["misspelt"], "refused when the plan reads it"),
    ("policy.series.future", &["misspelt"], "likewise"),
    ("policy.series.least", &["times 10", "times 100"], "likewise: too few observations"),
    ("policy.series.spot", &["misspelt"], "likewise"),
    ("policy.step.share", &["ten decimals", "zero"], "nothing is hedged: `max_unhedged` is passed"),
    (
        "position.basis",
        &["negative", "ten decimals", "times 10", "zero"],
        "goods that float do not move; prices are those of the pricing contract",
    ),
    ("position.name", &["misspelt"], "a label for people"),
    ("position.purity", &["key removed"], "all of it counts as pure: shown beside the quantity"),
    (
        "position.quantity",
        &["times 10"],
        "no larger than the largest position that its client deals in",
    ),
    ("position.yield", &["key removed"], "as purity"),
    ("product.source", &["misspelt"], "a label for people"),
    ("product.title", &["misspelt"], "a label for people"),
    ("product.title_zh", &["misspelt"], "a label for people"),
];

/// The same of rolls and risk.
const HARMLESS_ROLL: &[(&str, &[&str], &str)] = &[
    (
        "combination.bid",
        &["negative", "ten decimals", "zero"],
        "still within a hundredth of the price: its cost is shown beside that of two legs",
    ),
    (
        "combination.fee_fraction",
        &["ten decimals", "times 10", "times 100", "zero"],
        "the other way counts as the cheaper one: fees of both are shown",
    ),
    ("combination.fee_per_lot", &["ten decimals"], "likewise"),
    ("combination.name", &["misspelt"], "a symbol that the counter does not know"),
    ("combination.source", &["misspelt"], "a label for people"),
    (
        "deadline.max_lots",
        &["times 10", "times 100"],
        "rolled for the last day instead: the venue refuses more lots than its limit",
    ),
    ("deadline.source", &["misspelt"], "a label for people"),
    ("factor.name", &["misspelt"], "a label for people"),
    ("risk.days", &["times 10"], "refused when the risk is reckoned: too few changes"),
    ("risk.file", &["misspelt"], "refused when the risk is reckoned"),
    ("risk.horizon_days", &["times 10"], "a larger risk: told with its days"),
    ("risk.source", &["misspelt"], "a label for people"),
    (
        "risk_limit.max_risk",
        &["times 10", "times 100"],
        "a wider limit: the risk is shown beside it",
    ),
    ("roll.done_days", &["zero"], "done on the deadline itself, which is shown"),
    (
        "roll.max_lots",
        &["times 10"],
        "larger slices, no larger than what the client may hold: the worst is shown",
    ),
    (
        "term_limit.max_lot_months",
        &["ten decimals", "times 10", "times 100", "zero"],
        "as limits of risk",
    ),
];

/// The same of pricing contracts.
const HARMLESS_PRICING: &[(&str, &[&str], &str)] = &[
    ("contract.buyer", &["misspelt"], "a label for people"),
    ("contract.digits", &["zero"], "rounded to whole money: the sheet says to how many digits"),
    ("contract.future", &["misspelt"], "a label for people"),
    ("contract.goods", &["misspelt"], "a label for people"),
    ("contract.goods_zh", &["misspelt"], "a label for people"),
    ("contract.name", &["misspelt"], "a label for people"),
    ("contract.seller", &["misspelt"], "a label for people"),
    ("contract.source", &["misspelt"], "a label for people"),
    ("contract.term.name", &["misspelt"], "a label for people"),
    ("contract.term.name_zh", &["misspelt"], "a label for people"),
];

#[test]
fn a_slip_in_a_book_is_refused_or_listed_as_harmless() {
    let accepts = |text: &str| load_text(Path::new("hedge.toml"), text).is_ok();
    let found = accepted_by(accepts, &sample("hedge_demo.toml"), |_| true, 1_000);
    assert_eq!(found, listed(HARMLESS));
}

#[test]
fn a_slip_in_rolls_or_risk_is_refused_or_listed_as_harmless() {
    let path = crate::config::sample("hedge_demo_roll.toml");
    let accepts = |text: &str| load_text(&path, text).is_ok();
    let found = accepted_by(accepts, &sample("hedge_demo_roll.toml"), |_| true, 200);
    assert_eq!(found, listed(HARMLESS_ROLL));
}

#[test]
fn a_slip_in_a_pricing_contract_is_refused_or_listed_as_harmless() {
    let accepts = |text: &str| pricing::load_text(Path::new("pricing.toml"), text).is_ok();
    let found = accepted_by(accepts, &sample("pricing_demo.toml"), |_| true, 300);
    assert_eq!(found, listed(HARMLESS_PRICING));
}

/// Every unit and currency of a text replaced by every other one: what is accepted, by key.
fn swapped(text: &str, accepts: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let words: [&[&str]; 2] =
        [&["t", "kg", "lb", "oz", "g", "bbl", "MMBtu"], &["CNY", "CNH", "USD", "EUR", "JPY"]];
    let (mut section, mut at, mut found) = ("", 0, BTreeSet::new());
    let mut count = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_end();
        if trimmed.starts_with('[') {
            section = trimmed.trim_matches(['[', ']']);
        }
        let row = trimmed.split_once(" = ").map(|(key, value)| (key, value.trim_matches('"')));
        let sets = words.iter().filter(|set| row.is_some_and(|(_, value)| set.contains(&value)));
        for (other, (key, value)) in
            sets.flat_map(|set| set.iter().copied()).zip(row.iter().cycle())
        {
            if other == *value {
                continue;
            }
            let start = at + key.len() + 4;
            let mut mutant = text.to_owned();
            mutant.replace_range(start..start + value.len(), other);
            count += 1;
            if accepts(&mutant) {
                found.insert(format!("{section}.{key} {value} {other}"));
            }
        }
        at += line.len();
    }
    assert!(count > 40, "{count}");
    found
}

/// What passes is still of the size that its client deals in, or money that is as good.
#[test]
fn another_unit_or_currency_is_refused_or_listed_as_harmless() {
    let book = |text: &str| load_text(Path::new("hedge.toml"), text).is_ok();
    let found = swapped(&sample("hedge_demo.toml"), book);
    let expected = [
        // What a currency may be open by is a finding where nothing is written of it.
        "client.fx_limit.currency USD CNH",
        "client.fx_limit.currency USD CNY",
        // One money at two prices that are near each other.
        "contract.currency CNY CNH",
        "fx_contract.quote CNH CNY",
        "position.currency CNY CNH",
        // A need has no price that could be in another currency.
        "position.currency CNY USD",
        // Still a quantity that its client deals in.
        "position.unit bbl t",
        // What quantities are shown in; a band is then wider or narrower.
        "product.unit bbl g",
        "product.unit bbl kg",
        "product.unit bbl lb",
        "product.unit bbl oz",
        "product.unit bbl t",
        "product.unit t g",
        "product.unit t kg",
        "product.unit t lb",
        "product.unit t oz",
    ];
    assert_eq!(found, expected.map(str::to_owned).into());
    let contracts = |text: &str| pricing::load_text(Path::new("pricing.toml"), text).is_ok();
    let found = swapped(&sample("pricing_demo.toml"), contracts);
    let expected: [&str; 0] = [];
    assert_eq!(found, expected.map(str::to_owned).into());
}
