//! `xmc explain` as a program: every term of every pair, and examples reckoned by hand.

use serde_json::Value;
use std::process::{Command, Output};

/// Runs `xmc explain` in the project's folder.
fn explain(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xmc"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("LC_ALL", "C.UTF-8")
        .arg("explain")
        .args(args)
        .output()
        .expect("xmc runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn printed(args: &[&str]) -> String {
    let output = explain(args);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn json(args: &[&str]) -> Value {
    let with_json: Vec<_> = args.iter().copied().chain(["--json"]).collect();
    let report: Value = serde_json::from_str(&printed(&with_json)).expect("JSON");
    assert_eq!(report["schema"], "xmc.explain");
    report
}

/// A decimal text as a float: these comparisons have tolerances.
fn number(value: &Value) -> f64 {
    value.as_str().expect("a decimal text").parse().expect("a number")
}

/// Reckoned with fractions by another program: the linear value and the one with the product of
/// both prices, 18 digits after the point.
const EXAMPLES: &[(&str, &[&str], &str, &str)] = &[
    ("cu_bc", &["cu=88510", "bc=78320"], "8.4", "8.4"),
    ("cu_hg", &["cu=88460", "hg=5.01", "cnh=7.11"], "-279.8745265983005", "-280.12364895456955"),
    (
        "au_gc",
        &["au=915.5", "gc=4010.5", "cnh=7.0955"],
        "0.600672732509440874",
        "0.602191855284808546",
    ),
    ("sc_cl", &["sc=501.3", "cl=70.62", "cnh=7.1003"], "-0.123", "-0.123186"),
];

#[test]
fn examples_are_what_fractions_say() {
    for (pair, prices, linear, product) in EXAMPLES {
        let mut args = vec![*pair];
        prices.iter().for_each(|price| args.extend(["--price", price]));
        let example = &json(&args)["example"];
        let rows = example["rows"].as_array().expect("rows");
        assert!(rows.iter().all(|row| row["given"] == true));
        // A weight is held to half of 2^-32, the constant to half of 1e-9.
        let prices: f64 = rows.iter().map(|row| number(&row["price"])).sum();
        let held = prices / 2_f64.powi(33) + 1e-9;
        let near = |value: &Value, expected: &str, within: f64| {
            let expected: f64 = expected.parse().expect("a number");
            assert!((number(value) - expected).abs() <= within, "{pair}: {value}, not {expected}");
        };
        near(&example["exact"], linear, 1e-9);
        near(&example["not_linear"], product, 1e-9);
        near(&example["hot"], linear, held);
        near(&example["difference"], "0", held);
    }
}

/// A round-off that the evaluator can be blamed for is not hidden: where a weight has no end in
/// Q32 the difference is there, and small; where all are whole it is nothing.
#[test]
fn the_difference_is_the_rounding_of_weights() {
    assert_eq!(
        json(&["sc_cl", "--price", "sc=500"])["example"]["difference"],
        "-0.000000006519258022"
    );
    let copper = json(&["cu_hg"]);
    assert_ne!(number(&copper["example"]["difference"]), 0.0);
}

#[test]
fn every_term_is_named_in_both_languages() {
    let english = printed(&["cu-hg", "--lang", "en"]);
    for part in [
        "cu_hg [CNY per tonne with VAT]",
        "= + cu - 2204.62262185 x 1.13 x cnh x hg",
        "hg (XCEC HGU6): sold 1 lot a unit",
        "x 2204.62262185",
        "pounds in a tonne",
        "= 2491.2235626905",
        "value added tax, 13 %",
        "yuan per dollar: live price of cnh, here its reference",
        "weight - 17687.68729510255",
        "weight - 12456.1178134525",
        "of the linear form + 88438.43647551275",
        "buy_open           -22   buy to open at or below",
        "10 CNY",
        "160 CNY a unit before fees",
        "EXAMPLE",
    ] {
        assert!(english.contains(part), "no {part:?} in:\n{english}");
    }
    let chinese = printed(&["cu_hg", "--lang", "zh"]);
    for part in ["一吨的磅数", "增值税 13%", "美元兑人民币", "卖出 每单位 1 手", "线性化", "算例"]
    {
        assert!(chinese.contains(part), "no {part:?} in:\n{chinese}");
    }
    assert_eq!(chinese.lines().count(), english.lines().count());
}

#[test]
fn every_pair_of_the_demonstration_is_explained_within_its_columns() {
    for pair in ["cu_bc", "cu_hg", "au_gc", "sc_cl"] {
        for lang in ["en", "zh"] {
            let printed = printed(&[pair, "--lang", lang]);
            // A Chinese character takes two cells.
            let cells = |line: &str| {
                line.chars().map(|c| if u32::from(c) > 0x2E7F { 2 } else { 1 }).sum::<usize>()
            };
            let widest = printed.lines().map(cells).max();
            assert!(widest.is_some_and(|cells| cells <= 100), "{widest:?} cells:\n{printed}");
        }
    }
}

/// What a point is in money, by hand: 2 lots of 5 t; 25,000 lb over 2204.62262185 * 1.13; 3 kg;
/// 100 ounces in grams; 1,000 barrels.
#[test]
fn money_is_lots_and_units() {
    let money = |pair: &str, leg: usize| json(&[pair])["legs"][leg]["money_per_point"].clone();
    assert_eq!(money("cu_hg", 0)["amount"], "10");
    let copper = money("cu_hg", 1);
    assert!((number(&copper["converted"]) - 10.035229).abs() < 1e-6, "{copper}");
    assert!((number(&copper["amount"]) - 1.413413).abs() < 1e-6, "{copper}");
    assert_eq!(copper["converted_currency"], "CNH");
    assert_eq!(money("au_gc", 0)["amount"], "3000");
    assert_eq!(money("au_gc", 1)["converted"], "3110.34768");
    assert_eq!(money("sc_cl", 1)["converted"], "1000");
    assert_eq!(money("cu_bc", 0)["amount"], "40");
    assert!((number(&money("cu_bc", 1)["amount"]) - 45.0 / 1.13).abs() < 1e-9);
}

#[test]
fn without_terms_a_coefficient_stands_for_itself() {
    let printed = printed(&["crush", "--config", "config/generated.toml", "--lang", "en"]);
    assert!(printed.contains("= - beans + 2.2 x meal + 11 x oil"), "{printed}");
}

#[test]
fn what_is_not_there_is_named_and_ends_with_3() {
    for (args, said) in [
        (&["cu_lme"][..], "there are: cu_bc, cu_hg, au_gc, sc_cl"),
        (&["cu_hg", "--price", "gc=4000"], "its legs are: cu, hg, cnh"),
        (&["cu_hg", "--price", "hg=5", "--price", "hg=6"], "two prices are given for \"hg\""),
        (&["cu_hg", "--price", "hg"], "write the leg"),
        (&["cu_hg", "--price", "hg=5e0"], "not a decimal number"),
        (&["cu_hg", "--lang", "fr"], "possible values"),
    ] {
        let output = explain(args);
        assert_eq!(output.status.code(), Some(3), "{args:?}");
        assert_eq!(text(&output.stdout), "");
        let shown = text(&output.stderr);
        assert!(shown.contains(said), "no {said:?} in {shown}");
    }
}

#[test]
fn a_desk_told_the_configuration_stands_alike_after_a_snapshot() {
    let state = |pair: &str| json(&[pair])["state"].clone();
    let copper = state("cu_hg");
    assert_eq!(copper["restored_equal"], true);
    assert_eq!(copper["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(copper, state("sc_cl"), "it is that of the whole configuration");
    assert!(printed(&["cu_hg"]).contains(copper["sha256"].as_str().expect("a hash")));
}

/// A price below zero may be meant; a sign that slipped in is seen.
#[test]
fn a_price_below_zero_is_marked() {
    for (lang, mark) in [("en", "BELOW ZERO"), ("zh", "低于零")] {
        let of = |price| printed(&["cu_hg", "--price", price, "--lang", lang]);
        let below = of("hg=-1");
        // What brings the value near zero is below it too.
        let mut rows = below.lines().filter(|line| line.contains(mark));
        assert!(rows.any(|row| row.trim().starts_with("hg ")), "{below}");
        assert!(!of("hg=1").contains(mark));
    }
}
