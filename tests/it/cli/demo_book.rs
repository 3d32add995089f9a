//! `xmc demo --scenario basis|hedge|roll`: a sample book on simulated venues, against their ledgers
//! and against plain arithmetic.

use super::report_of;
use crate::journal::scratch::Scratch;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

/// Lots of the near month that the account has sold when it begins: see `config/demo_book.toml`.
const HELD: i64 = 22;

fn demo(scenario: &str, scratch: &Scratch) -> (i32, Value, String) {
    let record = scratch.path("record");
    let path = record.to_str().expect("it is text").to_owned();
    let words = ["demo", "--scenario", scenario, "--seconds", "12", "--record", &path];
    let (exit, report) = report_of(&words);
    (exit, report, path)
}

fn number(value: &Value) -> f64 {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().unwrap_or_else(|_| panic!("{value} is no number"))
}

/// What the venue's ledger holds of an instrument.
fn ledger(report: &Value, instrument: &str) -> i64 {
    let rows = report["run"]["positions"].as_array().expect("positions");
    let row = rows.iter().find(|row| row["instrument"] == instrument).expect("the instrument");
    assert_eq!(row["desk_lots"], row["ledger_lots"], "{row}");
    row["ledger_lots"].as_i64().expect("lots")
}

/// What holds of both plans that the desk sends.
fn sent(scenario: &str, report: &Value, path: &str) {
    assert_eq!(report["schema"], format!("xmc.demo.{scenario}"), "{report}");
    assert_eq!((&report["is_good"], &report["is_simulated"]), (&json!(true), &json!(true)));
    assert_eq!(report["run"]["positions_agree"], true, "{report}");
    assert_eq!(report["done"], report["sent"], "{report}");
    // The exchange has closed the old lots with the new ones, and holds nothing on both sides.
    // A repair on the way may have traded some back, and closed them once more.
    assert_eq!(ledger(report, "cu"), 0, "{report}");
    assert!(report["closed_lots"].as_i64() >= Some(HELD), "{report}");
    let replay = report_of(&["replay", "--verify", path]);
    assert_eq!(replay.0, 0, "{}", replay.1);
    // The files are those of the commands, which say the same of them by themselves.
    let command = if scenario == "roll" { "roll" } else { "plan" };
    for (file, key) in [("book.toml", "plan"), ("book_after.toml", "after")] {
        let (_, said) = report_of(&["hedge", command, &format!("{path}/{file}")]);
        let rows = if scenario == "roll" { "due" } else { "orders" };
        assert_eq!(said[rows], report[key][rows], "{file}");
        assert!(said[rows].is_array(), "{said}");
    }
    // Goods of 125 t, by the prices of both moments.
    let table = fs::read_to_string(format!("{path}/prices.csv")).expect("prices");
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    let price = |row: usize| -> f64 { rows[row][1].parse().expect("a price") };
    let result = &report["effect"]["results"][0];
    let goods = 125.0 * (price(2) - price(1));
    assert!((number(&result["unhedged"]) - goods).abs() < 0.01, "{goods} and {result}");
}

#[test]
fn a_roll_is_sent_slice_by_slice_and_nothing_of_it_is_left() {
    let _alone = super::alone();
    let scratch = Scratch::new("demo_roll");
    let (exit, report, path) = demo("roll", &scratch);
    assert_eq!(exit, 0, "{report}");
    sent("roll", &report, &path);
    assert_eq!(ledger(&report, "cu_next"), -HELD);
    assert_eq!(report["plan"]["due"][0]["lots"], -HELD);
    assert_eq!((&report["units"], &report["clip_units"]), (&json!(HELD), &json!(6)));
    assert_eq!(report["after"]["due"], json!([]));
    assert_eq!(report["not_sent"], json!([]));
    // No fire is larger than a slice of the guard: 22 lots are at least four.
    assert!(report["run"]["fires"].as_u64() >= Some(4), "{report}");
}

#[test]
fn a_hedge_is_moved_across_the_border_and_what_is_not_sent_is_said() {
    let _alone = super::alone();
    let scratch = Scratch::new("demo_hedge");
    let (exit, report, path) = demo("hedge", &scratch);
    assert_eq!(exit, 0, "{report}");
    sent("hedge", &report, &path);
    // 125 t are 11.02 lots of 25,000 lb.
    assert_eq!(ledger(&report, "hg"), -11);
    let left = report["not_sent"].as_array().expect("a list");
    let [order] = &left[..] else { panic!("{left:?}") };
    assert_eq!(order["contract"], "CUSU6");
    assert!(order["lots"].as_i64().is_some_and(|lots| lots < 0), "{order}");
    let orders = report["after"]["orders"].as_array().expect("a list");
    assert!(orders.iter().all(|row| row["why"] == "fx"), "{orders:?}");
}

/// The price is worked out here in floats from what was fixed.
#[test]
fn instructions_are_fixed_at_the_market_and_no_order_is_sent() {
    let scratch = Scratch::new("demo_basis");
    let (exit, report, path) = demo("basis", &scratch);
    assert_eq!(exit, 0, "{report}");
    assert_eq!(report["schema"], "xmc.demo.basis");
    assert_eq!((&report["orders_sent"], &report["is_good"]), (&json!(0), &json!(true)));
    let fixings = report["fixings"].as_array().expect("a list");
    assert!(!fixings.is_empty(), "{report}");
    let (mut lots, mut worth) = (0.0, 0.0);
    for row in fixings {
        let (price, asked) = (number(&row["price"]), number(&row["instruction"]));
        let is_reached = if row["kind"] == "stop" { price >= asked } else { price <= asked };
        assert!(is_reached, "{row}");
        lots += number(&row["lots"]);
        worth += number(&row["lots"]) * price;
    }
    let average = worth / lots;
    let price = ((average + 0.05) * (1_000.0 / 0.453_592_37) + 85.0) * 7.1 * 1.13;
    let standing = &report["after"]["standings"][0];
    assert_eq!(number(&standing["fixed"]), lots, "{standing}");
    assert!((number(&standing["average"]) - average).abs() < 1e-6, "{average} {standing}");
    assert!((number(&standing["price"]) - price).abs() < 1e-3, "{price} {standing}");
    let amount = price * 25.0 * lots;
    assert!((number(&standing["amount"]) - amount).abs() < 0.02, "{amount} {standing}");
    assert_eq!(report["before"]["standings"][0]["fixed"], 0);
    let (_, said) = report_of(&["hedge", "pricing", &format!("{path}/pricing.toml")]);
    assert_eq!(said["standings"], report["after"]["standings"]);
}

#[test]
fn what_is_simulated_and_not_sent_is_said_in_both_languages() {
    let _alone = super::alone();
    let told = |scenario: &str, lang: &str| {
        let scratch = Scratch::new("demo_book_lines");
        let record = scratch.path("record");
        let words = ["demo", "--scenario", scenario, "--lang", lang, "--seconds", "12", "--record"];
        let mut xmc = Command::new(env!("CARGO_BIN_EXE_xmc"));
        let output = xmc.args(words).arg(&record).output().expect("xmc runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let why = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{text}{why}");
        text
    };
    for (scenario, lang, words) in [
        ("basis", "en", ["SIMULATED counterparty", "no order was sent"]),
        ("basis", "zh", ["模拟对手方", "未发送任何委托"]),
        ("hedge", "en", ["NOT sent by the desk", "nothing of it is left"]),
        ("roll", "zh", ["模拟场所账本", "方案已全部完成"]),
    ] {
        let text = told(scenario, lang);
        // Lines are folded for a terminal.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(text.contains(word), "{scenario} {lang} {word}: {text}");
        }
    }
}
