//! `xmc score` as a program: what it says, and what it refuses.

use std::process::{Command, Output};

fn score(args: &[&str]) -> Output {
    let xmc = env!("CARGO_BIN_EXE_xmc");
    Command::new(xmc).arg("score").args(args).output().expect("xmc runs")
}

fn printed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

const FEW: [&str; 6] = ["--seeds", "8", "--seconds", "20", "--seed", "7"];

#[test]
fn it_says_what_was_compared_and_how_sure_that_is() {
    let told = printed(&score(&FEW));
    for words in [
        "ran       8 markets from seed 7 in",
        "simulated two venues",
        "held back on their way to the venue, 20 to 200 ms drawn evenly",
        "95 % percentile bootstrap",
        "opportunity capture",
        "机会捕捉率",
        "one-sided exposure",
        "cost of repairs",
        "mended, flat",
        "lots left over",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let json = printed(&score(&[&FEW[..], &["--json"]].concat()));
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["schema"], "xmc.score");
    assert_eq!(json["is_simulated"], true);
    assert_eq!(json["first_seed"], 7);
    for key in ["capture", "success", "failures", "slippage", "mended", "exposure", "repairs"] {
        let row = &json["figures"][key];
        assert!(row["difference"].is_number() && row["interval"]["low"].is_number(), "{row}");
    }
    assert_eq!(json["figures"]["capture"]["verdict"], "better");
}

/// Without a delay there is nothing to tell apart.
#[test]
fn legs_that_are_not_apart_are_no_different() {
    let args = [&FEW[..], &["--least-ms", "0", "--most-ms", "0", "--json"]].concat();
    let json: serde_json::Value = serde_json::from_str(&printed(&score(&args))).expect("JSON");
    for (key, row) in json["figures"].as_object().expect("figures") {
        assert_eq!(row["difference"], 0.0, "{key}");
        assert_eq!(row["verdict"], "undecided", "{key}");
    }
}

/// The records are journals like any other: `xmc replay --verify` reads them.
#[test]
fn both_records_are_written_and_replayed() {
    let scratch = std::env::temp_dir().join(format!("xmc-score-{}", std::process::id()));
    let directory = scratch.to_str().expect("UTF-8");
    printed(&score(&[&FEW[..], &["--record", directory]].concat()));
    for name in ["all_at_once", "leg_after_leg"] {
        let xmc = env!("CARGO_BIN_EXE_xmc");
        let journal = scratch.join(name);
        let replay = Command::new(xmc).args(["replay", "--verify"]).arg(&journal).output();
        let replayed = replay.expect("xmc runs");
        assert!(!printed(&replayed).is_empty(), "{name}");
    }
    std::fs::remove_dir_all(&scratch).expect("it was made here");
}

#[test]
fn delays_the_wrong_way_round_are_refused() {
    let refused = score(&["--least-ms", "300", "--most-ms", "200"]);
    assert_eq!(refused.status.code(), Some(3));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("swap them"), "{said}");
}
