//! The rules of a balance book: each broken once, and refused for that alone.

use super::{edited, text};
use cross_market_connect::balance::book::load_text;
use cross_market_connect::config::Rule;
use std::path::Path;

#[test]
fn every_rule_is_broken_once() {
    let wall = "accounts = [\"fund_home\"]";
    let fund = "account = \"fund_home\"\nproduct = \"copper\"\nmax_lots = 40";
    let fair = "price = \"fair_basis\"";
    let again = "[[inventory]]\nstrategy = \"hedging\"\naccount = \"house_second\"\n\
                 contract = \"cu2609\"\nside = \"short\"\nlots = 1\n\n[[inventory]]\n";
    let anchor = "approver = \"head of the desk\"\n\n[[policy.fair]]\ncontract = \"cu2610\"\n";
    let with_anchor = |more: &str| format!("{anchor}{more}");
    let missing = with_anchor("anchor = \"HGU6\"\nbasis = \"10200\"");
    let itself = with_anchor("anchor = \"cu2610\"\nbasis = \"10200\"");
    for (rule, edits) in [
        (Rule::BalanceTwice, vec![("[[inventory]]\n", again)]),
        (
            Rule::BalanceTwice,
            vec![("between = [\"cu2609\", \"HGU6\"]", { "between = [\"cu2610\", \"cu2609\"]" })],
        ),
        (
            Rule::BalanceTwice,
            vec![(fund, {
                "account = \"house_home\"\nproduct = \"copper\"\nmax_lots = 40\n\n[[capacity]]\n\
             account = \"fund_home\"\nproduct = \"copper\"\nmax_lots = 40"
            })],
        ),
        (
            Rule::BalanceSide,
            vec![("account = \"house_abroad\"\ncontract = \"HGU6\"\nside", {
                "account = \"house_home\"\ncontract = \"HGU6\"\nside"
            })],
        ),
        (
            Rule::BalanceClosing,
            vec![("lots = 5\neffect = \"close\"", { "lots = 16\neffect = \"close\"" })],
        ),
        (
            Rule::BalanceClosing,
            vec![("lots = 7\neffect = \"open\"", { "lots = 7\neffect = \"close\"" })],
        ),
        (
            Rule::BalanceClosing,
            vec![("lots = 12\neffect = \"open\"", { "lots = 12\neffect = \"close\"" })],
        ),
        (
            Rule::BalanceTarget,
            vec![(
                "strategy = \"arbitrage\"\naccount = \"house_abroad\"\ncontract = \"HGU6\"\nunit",
                "strategy = \"arbitrage\"\naccount = \"house_home\"\ncontract = \"cu2609\"\nunit",
            )],
        ),
        (Rule::BalanceTarget, vec![("instead = [\"cu2610\", ", "instead = [\"cu2609\", ")]),
        (Rule::BalanceWall, vec![(wall, "accounts = [\"fund_home\", \"house_home\"]")]),
        (
            Rule::BalanceWall,
            vec![(wall, { "accounts = [\"fund_home\"]\nacross_owners = \"an agreement\"" })],
        ),
        (
            Rule::BalanceWall,
            vec![(wall, {
                "accounts = [\"fund_home\"]\n\n[[wall]]\nname = \"other\"\n\
                 accounts = [\"fund_home\"]"
            })],
        ),
        (Rule::BalanceWall, vec![(wall, "accounts = []")]),
        (Rule::BalanceWall, vec![("name = \"fund_wall\"", "name = \"house\"")]),
        (
            Rule::BalanceCapacity,
            vec![(fund, { "account = \"fund_home\"\nproduct = \"copper\"\nmax_lots = 14" })],
        ),
        (Rule::BalanceCapacity, vec![(&*format!("[[capacity]]\n{fund}\n"), "")]),
        (Rule::BalancePolicy, vec![("price = \"mid\"", fair)]),
        (Rule::BalancePolicy, vec![("approver = \"head of the desk\"", &*missing)]),
        (
            Rule::BalancePolicy,
            vec![("price = \"mid\"", fair), { ("approver = \"head of the desk\"", &*missing) }],
        ),
        (
            Rule::BalancePolicy,
            vec![("price = \"mid\"", fair), { ("approver = \"head of the desk\"", &*itself) }],
        ),
        (
            Rule::BalanceTime,
            vec![("now = 2026-07-15T10:00:00+08:00", { "now = 2026-07-15T10:00:00" })],
        ),
        (
            Rule::BalanceTime,
            vec![("until = 2026-07-15T11:30:00+08:00", { "until = 2026-07-15T09:30:00+08:00" })],
        ),
        (Rule::BalanceQuote, vec![("tick = \"10\"", "tick = \"7\"")]),
        (Rule::OutOfBounds, vec![("margin_per_lot = \"48000\"", "margin_per_lot = \"480000\"")]),
        (Rule::OutOfBounds, vec![("urgency = 900", "urgency = 1001")]),
        (Rule::LotWorth, vec![("lot = \"25000\"", "lot = \"2500\"")]),
        (
            Rule::UnknownReference,
            vec![("account = \"fund_home\"\ncontract", { "account = \"fund_hom\"\ncontract" })],
        ),
    ] {
        let changed = edited(&text(), &edits);
        let Err(invalid) = load_text(Path::new("balance.toml"), &changed) else {
            panic!("{rule:?}: {edits:?} is accepted")
        };
        let rules: Vec<_> = invalid.problems.iter().map(|problem| problem.rule).collect();
        assert!(rules.iter().all(|found| *found == rule), "{edits:?}: {invalid}");
        let rendered = invalid.render(false);
        assert!(rendered.contains(rule.code()) && rendered.contains(".toml:"), "{rendered}");
    }
}

#[test]
fn a_wall_around_several_owners_says_what_allows_it() {
    let both = "accounts = [\"fund_home\", \"house_home\"]\nacross_owners = \"both mandates\"";
    let changed = edited(&text(), &[("accounts = [\"fund_home\"]", both)]);
    let book = super::book_of(&changed);
    let wall = book.groups.iter().find(|group| group.is_wall).expect("the wall");
    assert_eq!(wall.allowed_by.as_deref(), Some("both mandates"));
}
