//! `xmc demo --scenario balance`: what met inside the desk, against the record's own receipts, the
//! venues' ledgers and plain arithmetic.

use super::report_of;
use crate::journal::scratch::Scratch;
use serde_json::{Value, json};
use std::process::{Command, Output};

/// Money of 1e-9.
fn e9(value: &Value) -> i128 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no number")).into()
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

/// Lines of JSON.
fn lines(words: &[&str]) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_xmc")).arg("--json").args(words).output();
    let text = String::from_utf8(output.expect("xmc runs").stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

#[test]
fn opposite_needs_of_two_pairs_meet_inside_and_the_rest_goes_out() {
    let _alone = super::alone();
    let scratch = Scratch::new("demo_balance");
    // On a machine that stands still for seconds, pairs halt before anything is refused.
    let mut tries = (0..3).map(|turn| {
        let record = scratch.path(&format!("record{turn}"));
        let path = record.to_str().expect("it is text").to_owned();
        let words = ["demo", "--scenario", "balance", "--seconds", "24", "--record", &path];
        (report_of(&words), path)
    });
    let found = tries.find(|((_, report), _)| report["matches"].get(0).is_some());
    let ((exit, report), path) = found.expect("needs meet in one of three runs");
    assert_eq!(exit, 0, "{report}");
    assert_eq!(report["schema"], "xmc.demo.balance");
    assert_eq!((&report["is_good"], &report["is_simulated"]), (&json!(true), &json!(true)));
    let met = &rows(&report["matches"])[0];
    let (buy, sell) = (&met["buy"], &met["sell"]);
    assert_eq!((&buy["pair"], &sell["pair"]), (&json!("cu_hg"), &json!("cu_bc")), "{met}");
    assert_eq!((&buy["way"], &sell["way"]), (&json!("complete"), &json!("complete")), "{met}");
    // Four lots were to be bought and eight to be sold.
    assert_eq!((&buy["needed_lots"], &sell["needed_lots"]), (&json!(4), &json!(8)), "{met}");
    let lots = [&met["lots"], &buy["left_lots"], &sell["left_lots"]];
    assert_eq!(lots.map(Value::as_u64), [Some(4), Some(0), Some(4)], "{met}");
    // Whichever way was the cheaper one then.
    let then = [&sell["went_out_lots"], &sell["taken_back_lots"]].map(Value::as_u64);
    assert!([[Some(4), Some(0)], [Some(0), Some(4)]].contains(&then), "{met}");
    // 5 t a lot; a tick of 10; 0.00005 of the value for either order.
    let [price, bid, ask] = ["price_e9", "bid_e9", "ask_e9"].map(|key| e9(&met[key]));
    let tick = 10_000_000_000;
    assert!(ask - bid >= 150 * tick, "the book was wide: {met}");
    assert!((2 * price - bid - ask).abs() <= tick && price % tick == 0, "{met}");
    let worth = price * 5 * 4;
    let fees = e9(&met["fees_saved_e9"]);
    // The desk counts in binary fractions: to a tenth of a fen.
    assert!((fees - 2 * worth / 20_000).abs() < 1_000_000, "{fees} of {worth}");
    assert_eq!(fees, e9(&buy["fee_saved_e9"]) + e9(&sell["fee_saved_e9"]));
    assert_eq!(e9(&met["crossing_saved_e9"]), (ask - bid) * 5 * 4);
    // The sample's margin: 12 % of the exchange and 2 % of the broker.
    let opens = e9(&buy["opens_lots"]) + e9(&sell["opens_lots"]);
    assert_eq!(e9(&met["opens_lots"]), opens);
    assert_eq!(e9(&met["margin_saved_e9"]), price * 5 * opens * 14 / 100);
    // Nothing of it is known to the ledgers, and all of it to the pairs.
    assert_eq!(report["run"]["positions_agree"], true, "{report}");
    let held = |name: &str| {
        let rows = rows(&report["run"]["positions"]);
        let row = rows.iter().find(|row| row["instrument"] == name).expect("the instrument");
        row["ledger_lots"].as_i64().expect("lots")
    };
    let mut cu = 0;
    for (pair, ratios) in [("cu_bc", [8, -9]), ("cu_hg", [2, -1])] {
        let row = rows(&report["pairs"]).iter().find(|row| row["pair"] == pair).expect("a pair");
        let legs: Vec<i64> = rows(&row["legs"])
            .iter()
            .map(|leg| {
                leg["outside"].as_i64().expect("lots") + leg["inside"].as_i64().expect("lots")
            })
            .collect();
        assert_eq!(legs[0] * ratios[1], legs[1] * ratios[0], "{row}");
        assert_ne!(legs[0], 0, "{row}");
        assert_eq!(legs[1], held(if pair == "cu_bc" { "bc" } else { "hg" }), "{row}");
        cu += legs[0];
    }
    assert_eq!(cu, held("cu"), "{report}");
    for (check, is_so) in report["checks"].as_object().expect("checks") {
        assert_eq!(is_so, true, "{check}: {report}");
    }

    // Either pair finds the receipt, and no third name does.
    let count = rows(&report["matches"]).len();
    for pair in ["cu_bc", "cu_hg"] {
        for more in [&[][..], &["--no-index"]] {
            let query = ["audit", "query", &path, "--kind", "internal", "--pair", pair];
            let found = lines(&[&query[..], more].concat());
            assert_eq!(found.len(), count, "{pair}: {found:?}");
            assert_eq!(found[0]["place"], met["place"], "{found:?}");
        }
    }
    // Both stories tell of it, and what else was sent to the market in them.
    for (side, sent) in [(buy, 2), (sell, 3)] {
        let fired = side["fired"].as_str().expect("a place");
        let (exit, story) = report_of(&["audit", "show", fired, &path]);
        assert_eq!((exit, rows(&story["internals"]).len()), (0, 1), "{story}");
        assert_eq!(story["internals"][0]["lots"], met["lots"], "{story}");
        // Two legs; of the seller also the rest.
        assert!(rows(&story["orders"]).len() >= sent, "{story}");
    }
    let replay = report_of(&["replay", "--verify", &path]);
    assert_eq!(replay.0, 0, "{}", replay.1);
}

#[test]
fn a_person_is_told_what_met_inside_and_what_it_saved() {
    let _alone = super::alone();
    let scratch = Scratch::new("demo_balance_lines");
    let words = ["demo", "--scenario", "balance", "--lang", "zh", "--seconds", "24", "--record"];
    let mut tries = (0..3).map(|turn| {
        let mut xmc = Command::new(env!("CARGO_BIN_EXE_xmc"));
        let record = scratch.path(&format!("record{turn}"));
        xmc.args(words).arg(&record).output().expect("xmc runs")
    });
    let has_met =
        |output: &Output| String::from_utf8_lossy(&output.stdout).contains("节省手续费  CNY");
    let output = tries.find(has_met).expect("needs meet in one of three runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let why = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{text}{why}");
    for word in ["模拟内盘场所", "少占保证金", "样例条款", "xmc audit query"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}
