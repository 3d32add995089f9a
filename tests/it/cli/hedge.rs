//! `xmc hedge` as a program, on the samples and on what is wrong.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const BOOK: &str = "config/hedge_demo.toml";
const PRICING: &str = "config/pricing_demo.toml";

fn hedge(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xmc"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("LANG", "C")
        .env_remove("LC_ALL")
        .arg("hedge")
        .args(args)
        .output()
        .expect("xmc runs")
}

fn told(args: &[&str], code: i32) -> String {
    let output = hedge(args);
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(code), "{errors}");
    String::from_utf8(output.stdout).expect("UTF-8") + &errors
}

fn json(args: &[&str], code: i32) -> Value {
    let with_json: Vec<_> = args.iter().copied().chain(["--json"]).collect();
    serde_json::from_str(&told(&with_json, code)).expect("JSON")
}

#[test]
fn show_tells_what_moves_in_both_languages() {
    let page = told(&["show", BOOK, "--client", "fabricator"], 0);
    for words in ["SAMPLE", "727.184", "377.184", "cu2608", "by month", "hedge"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let page = told(&["show", BOOK, "--client", "fabricator", "--lang", "zh"], 0);
    for words in ["敞口", "样例", "库存", "点价", "净敞口", "套保"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let report = json(&["show", BOOK, "--all"], 0);
    assert_eq!((report["schema"].as_str(), report["version"].as_u64()), {
        (Some("xmc.hedge.show"), Some(1))
    });
    assert_eq!(report["is_sample"], true);
    assert_eq!(report["products"][0]["net"], "377.184");
    assert_eq!(report["products"][1]["physical"], "59675");
}

#[test]
fn plan_proposes_and_sends_nothing() {
    let page = told(&["plan", BOOK, "--all"], 0);
    for words in ["nothing is sent", "to be approved by head of treasury", "hedge_flag", "HGU6"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let report = json(&["plan", BOOK, "--client", "importer"], 0);
    assert_eq!(report["targets"][0]["by"], "minimum variance");
    assert_eq!(report["targets"][0]["sample"], 47);
    let order = &report["orders"][0];
    let of = ["contract", "side", "effect", "flag"].map(|key| order[key].as_str());
    assert_eq!(of, ["sc2609", "sell", "open", "hedge"].map(Some));
}

#[test]
fn what_passes_a_limit_ends_in_a_finding() {
    let text = std::fs::read_to_string(BOOK).expect("the sample");
    let text = text.replace("max_unhedged = \"400\"", "max_unhedged = \"300\"");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hedge_limit.toml");
    std::fs::write(&path, text).expect("written");
    let path = path.to_str().expect("UTF-8");
    let page = told(&["show", path, "--client", "fabricator"], 1);
    assert!(page.contains("377.184 t of copper are without a hedge, and may be 300"), "{page}");
    let report = json(&["show", path, "--client", "fabricator"], 1);
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(1));
    told(&["show", path, "--client", "importer"], 0);
}

#[test]
fn effect_compares_with_and_without() {
    let args = [
        "effect",
        BOOK,
        "--all",
        "--prices",
        "config/hedge_demo_prices.csv",
        "--trades",
        "config/hedge_demo_trades.csv",
    ];
    let page = told(&args, 0);
    for words in ["result of the period", "offset", "IAS 39", "of which rolls"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let report = json(&args, 0);
    assert_eq!(report["results"][0]["unhedged"], "-887164.48");
    assert_eq!(report["costs"][0]["fees"], "2690.43");
    let empty = [&args[..], &["--from", "2027-01-01"]].concat();
    assert!(told(&empty, 3).contains("no day in the period"));
    let trades = std::fs::read_to_string("config/hedge_demo_trades.csv").expect("the sample");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hedge_trades.csv");
    std::fs::write(&path, trades.replacen("fabricator,", "fabricatro,", 1)).expect("written");
    let args = args.map(|arg| match arg {
        "config/hedge_demo_trades.csv" => path.to_str().expect("UTF-8"),
        arg => arg,
    });
    assert!(told(&args, 3).contains("2026-05-19 is of no client of the book"));
}

/// A page without its line ends.
fn unfolded(page: &str) -> String {
    page.split_whitespace().collect::<Vec<_>>().join(" ")
}

const ROLL: &str = "config/hedge_demo_roll.toml";

#[test]
fn roll_proposes_slices_and_tells_what_the_other_way_costs() {
    let page = told(&["roll", ROLL, "--client", "fabricator"], 0);
    for words in ["nothing is sent", "SP cu2608&cu2609", "costs 2,354.20 CNY less than two legs"] {
        assert!(unfolded(&page).contains(words), "{words}: {page}");
    }
    let page = told(&["roll", ROLL, "--client", "fabricator", "--lang", "zh"], 0);
    for words in ["展期方案", "限仓收紧", "先平后开", "便宜 2,354.20 CNY", "组合"] {
        assert!(unfolded(&page).contains(words), "{words}: {page}");
    }
    let report = json(&["roll", ROLL, "--all"], 0);
    assert_eq!(report["schema"], "xmc.hedge.roll");
    assert_eq!(report["steps"].as_array().map(Vec::len), Some(4));
    assert_eq!(report["due"][0]["done_by"], "2026-07-23");
    // Without a guard it is a finding, and nothing is laid out.
    let unsaid = json(&["roll", BOOK, "--client", "fabricator"], 1);
    assert!(unsaid["findings"][0].as_str().is_some_and(|row| row.contains("write a [[roll]]")));
    assert_eq!(unsaid["steps"].as_array().map(Vec::len), Some(0));
}

#[test]
fn risk_tells_factors_their_source_and_what_is_beyond_a_limit() {
    let page = told(&["risk", ROLL, "--client", "fabricator"], 0);
    for words in ["a figure of a model", "copper to August", "40 daily log returns", "lot-months"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let text = std::fs::read_to_string(ROLL).expect("the sample");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let name = |file: &str| format!("\"{}\"", folder.join(file).display());
    let text = text
        .replace("\"hedge_demo.toml\"", &name("hedge_demo.toml"))
        .replace("\"hedge_demo_prices.csv\"", &name("hedge_demo_prices.csv"))
        .replace("max_risk = \"6000000\"", "max_risk = \"60000\"")
        .replace("max_lot_months = \"200\"", "max_lot_months = \"100\"");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hedge_risk.toml");
    std::fs::write(&path, text).expect("written");
    let path = path.to_str().expect("UTF-8");
    let page = told(&["risk", path, "--client", "fabricator"], 1);
    for words in ["and may be 60,000.00", "bring its net of", "lot-months (cu2609) apart"] {
        assert!(unfolded(&page).contains(words), "{page}");
    }
    let page = told(&["risk", path, "--client", "fabricator", "--lang", "zh"], 1);
    for words in ["期限错配", "风险因子", "相关系数"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(told(&["risk", BOOK, "--all"], 3).contains("write [risk] and [[factor]]"));
}

#[test]
fn pricing_confirms_term_by_term_also_as_a_page() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hedge_pricing.html");
    let file = path.to_str().expect("UTF-8");
    let page = told(&["pricing", PRICING, "--all", "--html", file, "--lang", "zh"], 0);
    for words in ["基差点价", "磅换算吨", "18,061,093.30", "仅最后四舍五入一次"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let html = std::fs::read_to_string(&path).expect("a page");
    for words in ["<html lang=\"zh-CN\">", "18,061,093.30", "增值税", "视同点价"] {
        assert!(html.contains(words), "{words}");
    }
    assert!(!html.contains("<svg"), "nothing is drawn by the hour");
    let report = json(&["pricing", PRICING, "--all", "--contract", "cu_2026_071"], 0);
    assert_eq!(report["standings"][0]["amount"], "18061093.3");
    assert_eq!(report["terms"].as_array().map(Vec::len), Some(6));
    let nothing = told(&["pricing", PRICING, "--all", "--contract", "nothing"], 3);
    assert!(nothing.contains("no such contract"));
}

#[test]
fn an_option_is_priced_and_its_volatility_found() {
    let base = ["option", "--right", "put", "--future", "70", "--strike", "68", "--days", "33"];
    let with = |more: &[&'static str]| [&base[..], more].concat();
    let value = |report: &Value, at: usize| {
        report["worth"][at]["value"].as_str().expect("a number").parse::<f64>().expect("a number")
    };
    let report = json(&with(&["--volatility", "0.32"]), 0);
    let price = value(&report, 1);
    let shown = price.to_string();
    let again = json(&[&base[..], &["--price", &shown]].concat(), 0);
    assert!((value(&again, 0) - 0.32).abs() < 1e-8, "{again}");
    assert!(told(&with(&["--price", "90"]), 3).contains("no volatility gives it"));
    assert!(told(&with(&["--volatility", "nan"]), 3).contains("the volatility is NaN"));
    assert_eq!(hedge(&base).status.code(), Some(3));
}

#[test]
fn what_is_wrong_is_refused_with_what_to_do() {
    let missing = told(&["show", "config/nowhere.toml"], 3);
    assert!(missing.contains("nowhere.toml"), "{missing}");
    let other = told(&["show", "config/capital_demo.toml", "--all"], 3);
    assert!(other.contains("XMC-C006"), "{other}");
}
