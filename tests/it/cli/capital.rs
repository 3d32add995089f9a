//! `xmc capital` as a program, on the samples and on what is wrong.

use serde_json::Value;
use std::process::{Command, Output};

const SAMPLE: &str = "config/capital_demo.toml";

fn capital(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xmc"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg("capital")
        .args(args)
        .output()
        .expect("xmc runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn told(args: &[&str], code: i32) -> String {
    let output = capital(args);
    assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn json(args: &[&str], code: i32) -> Value {
    let with_json: Vec<_> = args.iter().copied().chain(["--json"]).collect();
    serde_json::from_str(&told(&with_json, code)).expect("JSON")
}

#[test]
fn show_tells_how_every_account_stands() {
    let page = told(&["show", SAMPLE], 1);
    for words in ["SAMPLE", "metals_home", "WARNING", "all accounts in CNY", "headroom", "made up"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    let report = json(&["show", SAMPLE], 1);
    assert_eq!((report["schema"].as_str(), report["version"].as_u64()), {
        (Some("xmc.capital.show"), Some(1))
    });
    assert_eq!(report["is_sample"], true);
    assert_eq!(report["accounts"][0]["stage"], "warn");
    assert_eq!(report["accounts"][0]["margin"], "23923200");
    let all = &report["all"];
    let number = |value: &Value| value.as_str().and_then(|text| text.parse::<f64>().ok());
    let sum: f64 = report["accounts"]
        .as_array()
        .expect("accounts")
        .iter()
        .filter_map(|row| {
            let rate = if row["currency"] == "USD" { 7.1 } else { 1.0 };
            number(&row["equity"]).map(|money| money * rate)
        })
        .sum();
    assert!((sum - number(&all["equity"]).expect("a sum")).abs() < 1.0, "{all}");
}

#[test]
fn plan_instructs_and_names_the_approver() {
    let page = told(&["plan", SAMPLE], 1);
    for words in ["补仓", "treasury_cny", "approver: treasurer", "the least over these routes"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let report = json(&["plan", SAMPLE], 1);
    assert_eq!(report["schema"], "xmc.capital.plan");
    assert_eq!(report["instructions"][0]["kind"], "top_up");
    assert_eq!(report["instructions"][0]["is_late"], false);
}

#[test]
fn shock_says_who_is_called_first_on_both_sides() {
    let report = json(&["shock", SAMPLE, "--moves", "2,6"], 0);
    assert_eq!(report["schema"], "xmc.capital.shock");
    let moves: Vec<_> = report["moves"]
        .as_array()
        .expect("moves")
        .iter()
        .map(|row| row["move"].as_str().expect("a move").to_owned())
        .collect();
    assert_eq!(moves, ["-0.06", "-0.02", "0", "0.02", "0.06"]);
    // Copper and gold at home are held against each other, and their profit carries nothing before
    // it is settled: that account is called first either way, then the side that holds oil.
    for (way, second) in [("falling", "energy_abroad"), ("rising", "energy_home")] {
        assert_eq!(report[way][0]["account"], "metals_home");
        assert_eq!(report[way][1]["account"], second);
    }
    assert!(told(&["shock", SAMPLE], 0).contains("when prices FALL"));
    for wrong in ["0", "-3", "41"] {
        assert_eq!(capital(&["shock", SAMPLE, &format!("--moves={wrong}")]).status.code(), Some(3));
    }
}

#[test]
fn paths_say_what_was_simulated() {
    let output = capital(&["paths", SAMPLE, "--seeds", "6", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["schema"], "xmc.capital.paths");
    assert_eq!((&report["is_simulated"], &report["is_sample"]), (&true.into(), &true.into()));
    assert_eq!(report["pooled"]["paths"], 6);
    assert_eq!(report["pooled"]["liquidations"], 0);
    let page = capital(&["paths", SAMPLE, "--seeds", "2"]);
    assert!(text(&page.stdout).contains("margin of ALL capital"), "{}", text(&page.stdout));
}

#[test]
fn what_is_wrong_is_refused_with_what_to_do() {
    let missing = capital(&["show", SAMPLE, "config/nowhere.json"]);
    assert_eq!(missing.status.code(), Some(3));
    assert!(text(&missing.stderr).contains("nowhere.json"), "{}", text(&missing.stderr));
    let not_terms = capital(&["show", "config/demo.toml", "config/capital_demo.book.json"]);
    assert_eq!(not_terms.status.code(), Some(3));
    assert!(text(&not_terms.stderr).contains("XMC-C006"), "{}", text(&not_terms.stderr));
}
