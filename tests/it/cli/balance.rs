//! `xmc balance` as a program, on the sample and on what is wrong.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const BOOK: &str = "config/balance_demo.toml";

fn balance(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xmc"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("LANG", "C")
        .env_remove("LC_ALL")
        .arg("balance")
        .args(args)
        .output()
        .expect("xmc runs")
}

fn told(args: &[&str], code: i32) -> String {
    let output = balance(args);
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(code), "{errors}");
    String::from_utf8(output.stdout).expect("UTF-8") + &errors
}

fn json(args: &[&str], code: i32) -> Value {
    let with_json: Vec<_> = args.iter().copied().chain(["--json"]).collect();
    serde_json::from_str(&told(&with_json, code)).expect("JSON")
}

/// A folder with the sample, changed.
fn changed(name: &str, book: &[(&str, &str)], quotes: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    for (file, edits) in [("balance_demo.toml", book), ("balance_demo_quotes.csv", quotes)] {
        let text = crate::hedge::edited(&crate::hedge::sample(file), edits);
        std::fs::write(folder.join(file), text).expect("written");
    }
    folder.join("balance_demo.toml")
}

#[test]
fn show_tells_what_is_out_of_its_band_in_both_languages() {
    let page = told(&["show", BOOK, "--all"], 1);
    for words in ["SAMPLE", "fund_wall: fund_home; behind a wall", "out of its band", "urgency"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let page = told(&["show", BOOK, "--all", "--lang", "zh"], 1);
    for words in ["内部库存与需求", "样例", "信息隔离", "超出目标区间", "紧急度"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    let report = json(&["show", BOOK, "--all"], 1);
    assert_eq!(report["schema"], "xmc.balance.show");
    assert_eq!(report["targets"][0]["lots"], -2);
    assert_eq!(report["needs"].as_array().map(Vec::len), Some(4));
}

#[test]
fn plan_matches_inside_and_sends_nothing() {
    let page = told(&["plan", BOOK, "--all"], 1);
    for words in [
        "out of its band",
        "waits for an approval",
        "nothing is sent",
        "88,500",
        "arb_build",
        "stock_hedge",
        "needs approval",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let page = told(&["plan", BOOK, "--all", "--lang", "zh"], 1);
    for words in ["不发送委托", "内部撮合", "待人工批准", "规则批准", "节省手续费"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    let report = json(&["plan", BOOK, "--all"], 1);
    let row = &report["matches"][0];
    // Both sides' fees: 7 lots of 5 t at 88,500 and 0.00005, twice; both would open.
    assert_eq!((row["lots"].as_i64(), row["fees"].as_str()), (Some(7), Some("309.75")));
    assert_eq!(row["margin"], "672000");
    assert_eq!(report["prices"][0]["policy"], "mid");
}

#[test]
fn one_group_sees_nothing_of_another() {
    for (group, others) in [
        ("fund_wall", &["house", "arb", "hedging", "calendar", "HGU6", "cu2610"][..]),
        ("house", &["fund", "trend"][..]),
    ] {
        for command in ["show", "plan"] {
            // What the fund wants is in its band and approved by rule.
            let code = i32::from(group == "house");
            let page = told(&[command, BOOK, "--group", group], code);
            let report = json(&[command, BOOK, "--group", group], code).to_string();
            for word in others {
                let is_in = page.contains(word) || report.contains(word);
                assert!(!is_in, "{command} of {group} tells of {word}: {page} {report}");
            }
        }
    }
    assert!(told(&["plan", BOOK], 3).contains("--group NAME"));
    let missing = told(&["plan", BOOK, "--group", "nobody"], 3);
    assert!(missing.contains("no group \"nobody\"") && !missing.contains("fund"), "{missing}");
}

#[test]
fn what_is_wrong_is_refused_with_its_place() {
    let book = changed("balance_quote", &[], &[("88490,88520", "88520,88490")]);
    let refused = told(&["plan", book.to_str().expect("UTF-8"), "--all"], 3);
    assert!(refused.contains("balance_demo_quotes.csv:2: XMC-C178"), "{refused}");
    let edits = [("lots = 5\neffect = \"close\"", "lots = 16\neffect = \"close\"")];
    let book = changed("balance_book", &edits, &[]);
    let refused = told(&["show", book.to_str().expect("UTF-8"), "--all"], 3);
    assert!(refused.contains("XMC-C172") && refused.contains("balance_demo.toml:"), "{refused}");
    assert!(told(&["show", "config/nowhere.toml"], 3).contains("nowhere.toml"));
}

#[test]
fn a_quote_that_is_old_is_a_finding() {
    let book = changed(
        "balance_old",
        &[],
        &[("cu2609,2026-07-15T09:59:58", { "cu2609,2026-07-15T09:58:58" })],
    );
    let page = json(&["plan", book.to_str().expect("UTF-8"), "--all"], 1)["findings"].to_string();
    assert!(page.contains("older than 60 s") && page.contains("nothing can be proposed"), "{page}");
}

#[test]
fn what_would_be_taken_instead_and_has_no_price_is_a_finding() {
    let old = ("HGU6,2026-07-15T09:59:59", "HGU6,2026-07-15T09:58:59");
    let without_target = [("quantity = \"-150000\"", "quantity = \"-100000\"")];
    for (edits, is_told) in [(&[][..], false), (&[old][..], true)] {
        let book = changed("balance_instead", &without_target, edits);
        // All else is approved by rule.
        let code = i32::from(is_told);
        let report = json(&["plan", book.to_str().expect("UTF-8"), "--all"], code);
        let found = report["findings"].to_string();
        // Nobody wants HGU6 itself.
        assert!(!found.contains("out of its band"), "{found}");
        assert_eq!(found.contains("arb_build, instead: HGU6"), is_told, "{found}");
    }
}

#[test]
fn an_opening_past_the_roll_day_meets_nothing_and_is_a_finding() {
    let late = ("last_day = 2026-08-31\nroll_days = 10", "last_day = 2026-07-25\nroll_days = 10");
    let book = changed("balance_late", &[late], &[]);
    let report = json(&["plan", book.to_str().expect("UTF-8"), "--all"], 1);
    assert_eq!(report["matches"].as_array().map(Vec::len), Some(0));
    let found = report["findings"].to_string();
    // Ten days before, and that is the day of the book.
    let ought = "stock_hedge: cu2609 is rolled from 2026-07-15 on";
    assert!(found.contains(ought), "{found}");
    assert!(!found.contains("fund_out: cu2609 is rolled"), "what closes may: {found}");
}

#[test]
fn measure_says_how_it_was_built_and_checks_what_it_matched() {
    let report = json(&["measure", "--needs", "3000", "--seed", "1", "--runs", "3"], 0);
    assert_eq!((report["is_right"].as_bool(), report["run_ns"]["count"].as_u64()), {
        (Some(true), Some(3))
    });
    let again = json(&["measure", "--needs", "3000", "--seed", "1", "--runs", "1"], 0);
    assert_eq!(report["lots"], again["lots"]);
    let page = told(&["measure", "--needs", "3000", "--runs", "2"], 0);
    assert!(page.contains("build: ") && page.contains("p99.9"), "{page}");
}
