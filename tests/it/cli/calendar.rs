//! `xmc calendar` as a program.

use serde_json::Value;
use std::process::{Command, Output};

fn calendar(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xmc"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("LC_ALL", "C.UTF-8")
        .arg("calendar")
        .args(args)
        .output()
        .expect("xmc runs")
}

fn printed(args: &[&str], code: i32) -> String {
    let output = calendar(args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn json(args: &[&str], code: i32) -> Value {
    let with_json: Vec<_> = args.iter().copied().chain(["--json"]).collect();
    let report: Value = serde_json::from_str(&printed(&with_json, code)).expect("JSON");
    assert_eq!((&report["schema"], &report["version"]), (&"xmc.calendar".into(), &1.into()));
    report
}

#[test]
fn a_pair_may_be_opened_or_only_closed_or_not_be_left() {
    for (instant, code, verdict) in [
        ("2026-11-20T13:00:00Z", 0, "open"),
        ("2026-11-20T16:51:00Z", 1, "only_close"),
        ("2026-11-20T17:00:00Z", 1, "neither"),
        ("2027-01-04T13:30:00Z", 4, "refused"),
    ] {
        let report = json(&["cu-hg", "--at", instant], code);
        assert_eq!((&report["pair"], &report["verdict"]), (&"cu_hg".into(), &verdict.into()));
    }
    let report = json(&["cu_hg", "--at", "2026-11-20T16:51:00Z", "--guard-minutes", "5"], 0);
    assert_eq!(report["closes_first"]["leg"], "cu2609");
    assert_eq!(report["closes_first"]["at"], "2026-11-20T17:00:00Z");
    assert_eq!(report["last_opening"], "2026-11-20T16:55:00Z");
    // The yuan only prices: it need not be left.
    assert_eq!(report["legs"].as_array().map(Vec::len), Some(2));
}

#[test]
fn text_says_it_in_both_languages() {
    let english = printed(&["sc_cl", "--at", "2026-07-14T18:20:00Z"], 1);
    assert!(english.contains("may only be closed: a leg shuts within the guard time"), "{english}");
    assert!(english.contains("sc2609 shuts first: 2026-07-14T18:30:00Z"), "{english}");
    assert!(english.contains("unproven: "), "{english}");
    let chinese = printed(&["sc_cl", "--at", "2026-07-14T18:20:00Z", "--lang", "zh"], 1);
    assert!(chinese.contains("只可平仓") && chinese.contains("上海国际能源交易中心"), "{chinese}");
}

#[test]
fn venues_and_products_are_shown_and_what_is_neither_is_said() {
    let all = json(&["--at", "2026-11-20T13:00:00Z"], 0);
    assert_eq!(all["groups"].as_array().map(Vec::len), Some(13));
    let venue = json(&["XSGE", "--at", "2026-11-20T13:00:00Z", "--changes", "3"], 0);
    assert_eq!(venue["groups"].as_array().map(Vec::len), Some(2));
    assert_eq!(venue["groups"][0]["changes"].as_array().map(Vec::len), Some(4));
    assert_eq!(venue["groups"][0]["phase"], "continuous");
    let brent = printed(&["BRN"], 0);
    assert!(brent.contains("is valid for no day"), "{brent}");
    let expiring = printed(&["cu", "--at", "2026-12-10T00:00:00Z"], 0);
    assert!(expiring.contains("21 days left: bring it up to date"), "{expiring}");
    let output = calendar(&["NOWHERE"]);
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let venues = "is no pair, venue or product; venues are: CCFX (cffex), XCEC (comex)";
    assert!(stderr.contains(venues), "{stderr}");
    assert_eq!(
        json(&["shfe", "--at", "2026-11-20T13:00:00Z"], 0)["groups"],
        json(&["XSGE", "--at", "2026-11-20T13:00:00Z"], 0)["groups"]
    );
    assert_eq!(calendar(&["--calendars", "config/none"]).status.code(), Some(2));
    assert_eq!(calendar(&["cu", "--at", "noon"]).status.code(), Some(3));
    let own =
        printed(&["cu", "--calendars", "config/calendars", "--at", "2026-11-20T13:00:00Z"], 0);
    assert!(own.contains("Fri 11-20 21:00 Shanghai"), "{own}");
}
