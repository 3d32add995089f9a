//! A slip in any single figure of a balance book is refused or listed as harmless.

use super::text;
use crate::config::mutation::{accepted_by, listed};
use cross_market_connect::balance::book::load_text;
use std::path::Path;

/// What is accepted, and what still stands in between.
const HARMLESS: &[(&str, &[&str], &str)] = &[
    (
        "balance.max_age_s",
        &["times 10", "times 100"],
        "older quotes price matches: the time of each quote is shown",
    ),
    ("balance.quotes", &["misspelt"], "refused when the file is read"),
    (
        "basis.expected_move",
        &["ten decimals", "times 10", "times 100", "zero"],
        "another cost, shown by itself; a rule approves up to `max_cost`",
    ),
    ("basis.source", &["misspelt"], "a label for people"),
    (
        "capacity.max_lots",
        &["times 10", "times 100"],
        "more is admitted: the needs themselves are what was asked for",
    ),
    ("client.owner", &["key removed", "misspelt"], "a client by itself: it nets with nobody else"),
    ("client.title", &["misspelt"], "a label for people"),
    (
        "contract.carry",
        &["negative", "ten decimals", "times 10", "zero"],
        "another cost, shown by itself",
    ),
    ("contract.fee_fraction", &["ten decimals", "times 10", "times 100", "zero"], "likewise"),
    ("contract.fee_per_lot", &["ten decimals", "times 10", "times 100", "zero"], "likewise"),
    (
        "contract.margin_per_lot",
        &["times 10"],
        "what is said to be saved; below what a lot is worth",
    ),
    (
        "contract.roll_days",
        &["times 10", "zero"],
        "opened until earlier, or until the last day itself",
    ),
    (
        "contract.slippage",
        &["ten decimals", "times 10", "times 100", "zero"],
        "as carry; beyond one hundredth of the price it is refused",
    ),
    ("contract.source", &["misspelt"], "a label for people"),
    ("contract.tick", &["times 10", "times 100"], "quotes off the tick are refused"),
    ("contract.venue", &["misspelt"], "a label for people"),
    ("fx.source", &["misspelt"], "a label for people"),
    ("need.by", &["misspelt"], "a label for people"),
    ("need.instead", &["empty list", "key removed"], "nothing else is taken instead"),
    ("need.lots", &["times 10", "times 100"], "capacities hold, and more is approved by a person"),
    ("need.name", &["misspelt"], "a label for people"),
    ("need.urgency", &["times 10", "zero"], "another order of who is served"),
    ("policy.approver", &["misspelt"], "a label for people"),
    (
        "policy.max_cost",
        &["ten decimals", "times 10", "times 100", "zero"],
        "`max_lots` holds, and nothing is sent",
    ),
    (
        "policy.max_lots",
        &["times 10", "times 100", "zero"],
        "`max_cost` holds, and nothing is sent",
    ),
    ("product.source", &["misspelt"], "a label for people"),
    ("product.title", &["misspelt"], "a label for people"),
    ("product.title_zh", &["misspelt"], "a label for people"),
    ("target.band", &["ten decimals", "times 10", "times 100", "zero"], "more or fewer needs"),
    ("target.by", &["misspelt"], "a label for people"),
    (
        "target.quantity",
        &["negative", "ten decimals", "times 10", "times 100", "zero"],
        "capacities hold, and target, held and missing are shown",
    ),
    ("target.urgency", &["zero"], "as that of needs"),
    ("wall.name", &["misspelt"], "a label for people"),
];

#[test]
fn a_slip_in_a_book_is_refused_or_listed_as_harmless() {
    let accepts = |text: &str| load_text(Path::new("balance.toml"), text).is_ok();
    let found = accepted_by(accepts, &text(), |_| true, 1_000);
    assert_eq!(found, listed(HARMLESS));
}
