//! A slip in any single figure, of the terms or of the book, is refused or listed as harmless.

use super::{book_text, terms_of, terms_text};
use crate::config::mutation::{accepted_by, listed};
use cross_market_connect::capital::book::{BookError, of_text};
use cross_market_connect::config::capital::load_text;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What is accepted of the terms together with the book, and what still stands in between.
const HARMLESS_TERMS: &[(&str, &[&str], &str)] = &[
    ("account.broker", &["misspelt"], "a label for people"),
    ("account.client", &["misspelt"], "a label for people"),
    ("account.grace_minutes", &["times 10"], "read by `paths` alone: its calls may stand longer"),
    (
        "account.keep",
        &["ten decimals", "times 10", "times 100", "times 10^6", "zero"],
        "another account's plan takes more or less from it; its own target holds either way",
    ),
    ("account.source", &["misspelt"], "a label for people"),
    (
        "capital.fx_max_age_minutes",
        &["times 10", "times 100"],
        "an older rate is taken, a week at most, and within its sane bounds",
    ),
    ("capital.pair_off", &["key removed"], "the default, 95 %"),
    ("capital.reduce_only", &["key removed"], "the default, 90 %"),
    ("capital.release", &["key removed", "times 10"], "a level is left later"),
    ("capital.stop", &["key removed"], "the default, 100 %"),
    ("capital.target", &["key removed"], "the default, 70 %"),
    ("capital.warn", &["key removed"], "the default, 80 %"),
    (
        "capital.within_minutes",
        &["key removed", "times 10", "times 100"],
        "money that arrives later counts as in time; when it does is shown",
    ),
    (
        "contract.fee_close",
        &["ten decimals", "times 10", "times 100", "zero"],
        "fees of closing, 1 % at most: a part of the worst case",
    ),
    ("contract.fee_close_today", &["ten decimals", "times 10", "times 100", "zero"], "likewise"),
    ("contract.fee_open", &["ten decimals", "times 10", "times 100", "zero"], "likewise"),
    ("contract.margin.source", &["misspelt"], "a label for people"),
    (
        "contract.margin.step.larger_side",
        &["key removed"],
        "relieved for longer than it is: the broker's own figure disagrees",
    ),
    (
        "contract.margin.stress",
        &["ten decimals", "zero"],
        "no reserve: the worst case is still every fill and every shock",
    ),
    ("contract.max_lots", &["times 10", "times 100"], "money bounds what can be held before that"),
    ("contract.product", &["misspelt"], "the larger side of fewer contracts: more margin"),
    ("contract.source", &["misspelt"], "a label for people"),
    ("contract.venue", &["misspelt"], "the larger side of fewer contracts: more margin"),
    ("currency.source", &["misspelt"], "a label for people"),
    ("pair.name", &["misspelt"], "a label for people"),
    ("paths.correlation", &["ten decimals", "zero"], "the model of `paths` alone"),
    ("paths.floor", &["ten decimals", "zero"], "likewise"),
    ("paths.fx_volatility", &["ten decimals", "times 10", "zero"], "likewise"),
    ("paths.source", &["misspelt"], "a label for people"),
    (
        "pool.keep",
        &["ten decimals", "times 10", "times 100", "times 10^6", "zero"],
        "plans take more or less of it; what it has bounds them",
    ),
    ("pool.source", &["misspelt"], "a label for people"),
    ("route.approver", &["misspelt"], "a label for people"),
    (
        "route.cost_fraction",
        &["ten decimals", "times 10", "zero"],
        "a dearer or cheaper route is preferred; the money is the same",
    ),
    ("route.cut_off", &["misspelt"], "an hour that is one: a person sees when it leaves"),
    ("route.fee", &["ten decimals", "times 10", "times 100", "zero"], "as its cost by amount"),
    (
        "route.holidays",
        &["empty list", "key removed"],
        "a bank that is closed takes no transfer: it is late, which is seen",
    ),
    ("route.limit", &["times 10", "times 100"], "the bank refuses more than it allows"),
    ("route.name", &["misspelt"], "a label for people"),
    ("route.opens", &["misspelt"], "as its cut-off"),
    ("route.source", &["misspelt"], "a label for people"),
    (
        "route.takes_minutes",
        &["times 10", "times 100"],
        "it counts as late, and others go before it",
    ),
    (
        "shock.fx",
        &["negative", "ten decimals", "times 10", "zero"],
        "one of the named shocks is another one: the others stand",
    ),
    ("shock.move.price", &["negative", "ten decimals", "times 10", "zero"], "likewise"),
    ("shock.name", &["misspelt"], "a label for people"),
    ("shock.price", &["negative", "ten decimals", "times 10", "zero"], "likewise"),
    ("shock.source", &["misspelt"], "a label for people"),
    ("walk.basis", &["ten decimals", "times 10", "zero"], "the model of `paths` alone"),
    ("walk.jump", &["ten decimals", "times 10", "zero"], "likewise"),
    ("walk.jumps_a_year", &["ten decimals", "times 10", "zero"], "likewise"),
    ("walk.most_jump", &["ten decimals", "zero"], "likewise"),
];

#[test]
fn a_slip_in_the_terms_is_refused_or_listed_as_harmless() {
    let book = book_text();
    let accepts = |text: &str| {
        let terms = load_text(Path::new("capital.toml"), text);
        terms.is_ok_and(|terms| of_text("book.json", &book, &terms).is_ok())
    };
    assert_eq!(accepted_by(accepts, &terms_text(), |_| true, 1_000), listed(HARMLESS_TERMS));
}

/// What a figure of a book may turn into.
fn slips(value: &Value) -> Vec<(&'static str, Value)> {
    let mut slips: Vec<(&'static str, Value)> =
        vec![("null", Value::Null), ("list", Value::Array(vec![]))];
    match value {
        Value::String(text) if text.parse::<f64>().is_ok() => {
            let number: f64 = text.parse().expect("a number");
            slips.push(("zero", "0".into()));
            slips.push(("negative", format!("-{text}").into()));
            slips.push((
                "times 10",
                super::decimal(text).checked_mul(10.into()).expect("fits").to_string().into(),
            ));
            slips.push((
                "times 100",
                super::decimal(text).checked_mul(100.into()).expect("fits").to_string().into(),
            ));
            slips.push(("nan", "NaN".into()));
            slips.push(("infinite", "inf".into()));
            slips.push(("exponent", format!("{text}e1").into()));
            slips.push(("comma", format!("{text},5").into()));
            slips.push(("number", number.into()));
        }
        Value::String(text) => {
            slips.push(("empty", "".into()));
            slips.push(("misspelt", format!("{text}x").into()));
            slips.push(("other currency", "EUR".into()));
        }
        Value::Number(number) => {
            let whole = number.as_i64().expect("whole");
            slips.push(("zero", 0.into()));
            slips.push(("negative", (-whole).into()));
            slips.push(("times 10", (whole * 10).into()));
            slips.push(("times 100", (whole * 100).into()));
            slips.push(("text", whole.to_string().into()));
            slips.push(("fraction", (whole as f64 + 0.5).into()));
        }
        Value::Bool(flag) => slips.push(("other", (!flag).into())),
        _ => {}
    }
    slips
}

/// Every leaf, as its path without numbers and with them.
fn leaves(value: &Value, path: &str, name: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let dot = if name.is_empty() { "" } else { "." };
                leaves(value, &format!("{path}/{key}"), &format!("{name}{dot}{key}"), found);
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                leaves(value, &format!("{path}/{at}"), name, found);
            }
        }
        _ => found.push((path.to_owned(), name.to_owned())),
    }
}

/// What is accepted of the book.
const HARMLESS_BOOK: &[(&str, &[&str], &str)] = &[
    ("accounts.equity", &["null"], "not shown by the broker: not compared"),
    ("accounts.fees", &["times 10", "zero"], "less than the tolerance of what the broker shows"),
    ("accounts.margin", &["null"], "not shown by the broker: not compared"),
    ("orders.lots", &["times 10", "times 100"], "the worst case is worse"),
    (
        "pools.balance",
        &["times 10", "times 100", "zero"],
        "money that is not there fails when it is sent; none that is there is lost",
    ),
    ("positions.today", &["other"], "the fee of closing, which is the same or seen"),
    ("sample", &["other"], "a label"),
    ("volatility", &["null", "times 10"], "levels as written, or lower"),
];

#[test]
fn a_slip_in_the_book_is_refused_or_listed_as_harmless() {
    let terms = terms_of(&terms_text());
    let base: Value = serde_json::from_str(&book_text()).expect("JSON");
    let mut places = Vec::new();
    leaves(&base, "", "", &mut places);
    let mut accepted: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    let mut count = 0;
    for (path, name) in places {
        let value = base.pointer(&path).expect("a leaf").clone();
        for (slip, with) in slips(&value).into_iter().filter(|(_, with)| *with != value) {
            let mut mutant = base.clone();
            *mutant.pointer_mut(&path).expect("a leaf") = with;
            count += 1;
            if of_text("book.json", &mutant.to_string(), &terms).is_ok() {
                accepted.entry(name.clone()).or_default().insert(slip);
            }
        }
    }
    assert!(count > 500, "{count} mutants");
    assert_eq!(accepted, listed(HARMLESS_BOOK));
}

#[test]
fn a_rate_that_is_too_old_is_refused() {
    let terms = terms_of(&terms_text());
    let at = |time: &str| {
        let text = book_text().replace("2026-07-15T05:58:00Z", time);
        of_text("book.json", &text, &terms)
    };
    assert!(at("2026-07-15T05:00:00Z").is_ok(), "an hour is allowed");
    for time in ["2026-07-15T04:59:59Z", "2026-07-15T06:01:01Z", "2026-07-14T06:00:00Z"] {
        let refused = at(time).expect_err("too old, or from the future");
        assert!(matches!(refused.errors[..], [BookError::Stale { .. }]), "{refused}");
    }
}

#[test]
fn everything_wrong_is_told_at_once() {
    let terms = terms_of(&terms_text());
    let text = book_text().replace("\"88900\"", "\"889000\"").replace("\"4015\"", "\"NaN\"");
    let refused = of_text("book.json", &text, &terms).expect_err("two slips");
    assert_eq!(refused.errors.len(), 2, "{refused}");
    assert!(refused.to_string().contains("the price of cu2609 is 889000"), "{refused}");
}

/// What a broker shows is compared: a figure that slipped is a disagreement.
#[test]
fn what_a_broker_shows_has_to_agree() {
    let terms = terms_of(&terms_text());
    for (find, replace) in [
        ("\"settled\": \"28600000\"", "\"settled\": \"28900000\""),
        ("\"margin\": \"23923200\"", "\"margin\": \"24000000\""),
        ("\"lots\": 90", "\"lots\": 91"),
    ] {
        assert!(book_text().contains(find), "{find}");
        let refused = of_text("book.json", &book_text().replace(find, replace), &terms);
        let refused = refused.expect_err(replace);
        let is_told = |error: &BookError| matches!(error, BookError::Disagrees { .. });
        assert!(refused.errors.iter().all(is_told), "{refused}");
    }
}
