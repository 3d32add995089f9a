//! `xmc demo`: both venues, the engine and the ledgers, as a newcomer starts them.

use crate::journal::scratch::Scratch;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn xmc(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.args(args).output().expect("xmc runs")
}

fn report(output: &Output) -> Value {
    let report = serde_json::from_slice(&output.stdout);
    report.unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn count(report: &Value, key: &str) -> u64 {
    report[key].as_u64().unwrap_or_else(|| panic!("{key} in {report}"))
}

/// The first segment of a record.
fn segment(record: &Path) -> PathBuf {
    let names = fs::read_dir(record).expect("the record is there");
    let mut names: Vec<_> = names.map(|name| name.expect("it has a name").path()).collect();
    names.retain(|name| name.extension().is_some_and(|extension| extension == "xmj"));
    names.sort();
    names.swap_remove(0)
}

/// Amounts are small: other tests run beside this one, and nothing here is optimised. The README's
/// command is held to 50 round trips by `.ci/run`.
#[test]
fn the_demo_trades_and_everybody_agrees_about_it() {
    let scratch = Scratch::new("demo");
    let record = scratch.path("record");
    let path = record.to_str().expect("it is text");
    let output = xmc(&["demo", "--json", "--seconds", "8", "--record", path]);
    let demo = report(&output);
    assert_eq!(output.status.code(), Some(0), "{demo}");
    assert!(count(&demo, "round_trips") >= 2, "{demo}");
    assert!(count(&demo, "fills") >= 8 && count(&demo, "fires") >= 4, "{demo}");
    assert_eq!(demo["positions_agree"], true, "{demo}");
    assert_eq!(demo["ledger_fills"], demo["fills"], "{demo}");
    assert_eq!(demo["hot_allocations"], 0, "{demo}");
    assert!(count(&demo, "decisions") >= count(&demo, "fires"));
    let latency = &demo["tick_to_order_ns"];
    assert_eq!(count(latency, "count"), count(&demo, "fires"), "{demo}");
    let histogram = latency["histogram"].as_str().expect("its path");
    assert!(fs::read_to_string(histogram).expect("it is there").contains("Percentile"));

    let audit = xmc(&["audit", "verify", "--json", path]);
    assert_eq!(audit.status.code(), Some(0), "{audit:?}");
    let replay = xmc(&["replay", "--json", "--verify", path]);
    assert_eq!(replay.status.code(), Some(0), "{replay:?}");

    let segment = segment(&record);
    let mut bytes = fs::read(&segment).expect("it is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&segment, bytes).expect("it is ours");
    assert_eq!(xmc(&["audit", "verify", path]).status.code(), Some(1));
}

#[test]
fn lines_in_a_pipe_say_that_the_venues_are_simulated() {
    let scratch = Scratch::new("demo_lines");
    let record = scratch.path("record");
    let path = record.to_str().expect("it is text");
    for (lang, simulated) in [("en", "SIMULATED"), ("zh", "模拟")] {
        let output = xmc(&["demo", "--lang", lang, "--seconds", "2", "--record", path]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let why = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{text}{why}");
        assert!(text.contains(simulated), "{text}");
        assert!(text.contains("xmc audit verify"), "{text}");
    }
}
