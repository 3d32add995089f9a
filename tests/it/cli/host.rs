//! `xmc host` as a program: what it prints, and how it ends.

use crate::host::Machine;
use serde_json::Value;
use std::process::{Command, Output};

fn host(args: &[&str]) -> Output {
    let mut xmc = Command::new(env!("CARGO_BIN_EXE_xmc"));
    xmc.arg("host").args(args).output().expect("xmc runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn a_tuned_machine_ends_with_0_and_a_stock_one_with_1() {
    for (name, code) in [("tuned-intel", 0), ("stock-ubuntu", 1)] {
        let machine = Machine::new(name);
        let root = machine.root.to_str().expect("UTF-8");
        let output = host(&["check", "--profile", "colo", "--root", root]);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.lines().last().is_some_and(|last| last.starts_with("57 checks: ")), "{said}");
    }
}

#[test]
fn sentences_fit_a_narrow_screen() {
    let machine = Machine::new("stock-ubuntu");
    let root = machine.root.to_str().expect("UTF-8");
    for all in [&["--all"][..], &[]] {
        let said = text(&host(&[&["check", "--root", root], all].concat()).stdout);
        // A command is copied and a path is looked up: both stay whole.
        let is_sentence = |line: &&str| !line.contains(['/', '|']);
        let longest = said.lines().filter(is_sentence).map(|line| line.chars().count()).max();
        assert!(longest.is_some_and(|columns| (60..=80).contains(&columns)), "{longest:?}");
    }
}

#[test]
fn json_holds_every_check() {
    let machine = Machine::new("stock-ubuntu");
    let root = machine.root.to_str().expect("UTF-8");
    let output = host(&["check", "--profile", "colo", "--root", root, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (&report["schema"], &report["hot_cores"]),
        (&"xmc.host.check".into(), &"1-7".into())
    );
    let checks = report["checks"].as_array().expect("a list");
    assert_eq!(checks.len(), 57);
    let filter = &checks[44];
    assert_eq!((&filter["number"], &filter["verdict"]), (&45.into(), &"bad".into()));
    assert_eq!(filter["read"][1]["path"], "/proc/sys/net/ipv4/conf/eth0/rp_filter");
    assert_eq!(
        (&filter["do"][0]["kind"], &filter["do"][0]["value"]),
        (&"write".into(), &"2".into())
    );
}

#[test]
fn what_is_no_machine_ends_with_2_and_a_wrong_line_with_3() {
    let output = host(&["check", "--root", "tests"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("not the root of a machine"));
    let machine = Machine::new("small-vm");
    let root = machine.root.to_str().expect("UTF-8");
    for wrong in [&["--measure", "1s"][..], &["--measure", "soon"], &["--profile", "home"]] {
        let output = host(&[&["check", "--root", root], wrong].concat());
        assert_eq!(output.status.code(), Some(3), "{wrong:?}: {}", text(&output.stderr));
    }
    assert_eq!(host(&["revert", "--root", root]).status.code(), Some(2));
}

#[test]
fn apply_shows_then_does_and_revert_undoes() {
    let machine = Machine::new("stock-ubuntu");
    let root = machine.root.to_str().expect("UTF-8");
    let swappiness = || machine.tree().text("/proc/sys/vm/swappiness");
    let output = host(&["apply", "--root", root]);
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stdout);
    assert!(said.contains("sudo sysctl -w vm.swappiness=10  # now 60"), "{said}");
    assert_eq!(swappiness().as_deref(), Some("60"), "nothing is done unless it is said");
    let output = host(&["apply", "--root", root, "--run"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert_eq!(swappiness().as_deref(), Some("10"));
    let output = host(&["revert", "--root", root]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert_eq!(swappiness().as_deref(), Some("60"));
}

#[test]
fn jitter_has_a_row_for_each_core() {
    let output = host(&["jitter", "--core", "0", "--seconds", "1", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["cores"][0]["core"], 0);
    let output = host(&["jitter", "--core", "1023", "--seconds", "1"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("core 1023"));
}
