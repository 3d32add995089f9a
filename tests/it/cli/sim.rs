//! `xmc sim` as a program: what it runs, what it tells, and how it ends.

use std::process::{Command, Output};

use cross_market_connect::sim::plan::Seed;
use cross_market_connect::sim::sweep::Level;

fn sim(args: &[&str]) -> Output {
    let xmc = env!("CARGO_BIN_EXE_xmc");
    Command::new(xmc).arg("sim").args(args).output().expect("xmc runs")
}

fn printed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

#[test]
fn each_level_says_what_it_ran() {
    for (level, ran) in [
        ("desk", "ran       30 schedules from seed 7 in"),
        ("wire", "ran       30 schedules from seed 7 in"),
        ("sequences", "ran       990 sequences over 22 events in"),
    ] {
        let args = ["--level", level, "--seeds", "30", "--seed", "7", "--depth", "2"];
        let printed = printed(&sim(&args));
        assert!(printed.contains(ran), "{printed}");
        assert!(printed.contains("result    every invariant held"), "{printed}");
    }
}

#[test]
fn every_sequence_of_a_length_can_be_asked_for_by_its_name() {
    let printed = printed(&sim(&["--exhaustive", "2"]));
    assert!(printed.contains("ran       990 sequences over 22 events in"), "{printed}");
    let refused = sim(&["--exhaustive", "2", "--level", "wire"]);
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
}

/// Whoever ends out of ratio is counted, and more than that has happened at these rates.
#[test]
fn a_sweep_says_how_spreads_have_ended() {
    let xmc = Command::new(env!("CARGO_BIN_EXE_xmc"))
        .args(["--json", "sim", "--seeds", "200", "--seed", "1"])
        .output()
        .expect("xmc runs");
    let report: serde_json::Value = serde_json::from_slice(&xmc.stdout).expect("JSON");
    let of = |key: &str| report["ends"][key].as_u64().expect("a count");
    assert!(of("spreads") > 200 && of("halted") > 0, "{report}");
    assert!(of("one_sided") > 0 && of("most_lots") > 0 && of("longest_ns") > 0, "{report}");
    assert!(of("halted") < of("spreads") && of("answered") < of("spreads"), "{report}");
    let accounted = of("answered_flat") + of("answered_halted");
    assert!(accounted * 10 > of("answered") * 7 && accounted <= of("answered"), "{report}");
}

/// Where venues answer nearly every fire out of ratio is mended; each is counted once, and the
/// share that is asked for decides how the command ends.
#[test]
fn a_regime_says_how_fires_have_ended() {
    let args = ["--regime", "answering", "--seeds", "150", "--seed", "1"];
    let told = printed(&sim(&args));
    for words in ["fires had to be repaired", "all fires", "money;", "flat by tries 3, flatten"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let json = printed(&sim(&[&args[..], &["--json"]].concat()));
    let report: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(report["regime"], "answering");
    let of = |key: &str| report["fire_ends"][key].as_u64().expect("a count");
    assert_eq!(of("flat") + of("halted") + of("left_over") + of("unended"), of("repaired"));
    assert!(of("fires") > 2 * of("repaired") && of("repaired") > 1_000, "{report}");
    let code = |least: &str| sim(&[&args[..], &["--least-flat", least]].concat()).status.code();
    assert_eq!([code("90"), code("100.5")], [Some(0), Some(3)]);
    let swarm = sim(&["--seeds", "150", "--least-flat", "99.9"]);
    assert_eq!(swarm.status.code(), Some(1), "half of what goes wrong there nobody can mend");
    assert!(String::from_utf8_lossy(&swarm.stdout).contains("FAILED    fewer than 99.9 %"));
    let wire = sim(&["--regime", "answering", "--level", "wire"]);
    assert_eq!(wire.status.code(), Some(3));
}

/// The schedule that is told is that of the level: it has as many inputs.
#[test]
fn each_level_tells_its_own_schedules() {
    let seed = Seed { mask: 0, most_steps: 40, ..Seed::whole(7) };
    for (word, level) in [("desk", Level::Desk), ("wire", Level::Wire)] {
        let args = ["--level", word, "--seed", "7", "--tell", "0x0", "--steps", "40"];
        let told = printed(&sim(&args));
        let inputs = told.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
        let outcome = level.run(seed).expect("every invariant holds");
        assert_eq!(inputs.count() as u64, outcome.inputs, "{word}");
        assert!(told.ends_with("every invariant holds\n"), "{word}");
    }
    let args = ["--level", "sequences", "--seed", "7", "--depth", "2", "--tell", "0"];
    assert!(printed(&sim(&args)).ends_with("every invariant holds\n"));
}

/// Faults are counted where they struck, and no hit is lost between the table and the sums.
#[test]
fn the_matrix_has_every_hit() {
    let args = ["--json", "--seeds", "400", "--seed", "1"];
    let told: serde_json::Value = serde_json::from_str(&printed(&sim(&args))).expect("JSON");
    let cells = |fault: &str| told["matrix"][fault].as_object().cloned().unwrap_or_default();
    let legs = |state: &serde_json::Value| state.as_object().cloned().unwrap_or_default();
    let mut seen = std::collections::BTreeSet::new();
    for (fault, hits) in told["faults"].as_object().expect("faults") {
        let cells = cells(fault);
        let counts = cells.values().flat_map(|state| legs(state).into_iter());
        let counts: Vec<_> = counts.map(|(legs, count)| (legs, count.as_u64())).collect();
        let sum: u64 = counts.iter().filter_map(|(_, count)| *count).sum();
        assert_eq!(Some(sum), hits.as_u64(), "{fault}");
        seen.extend(counts.into_iter().map(|(legs, _)| legs));
    }
    let words = ["both_live", "no_leg", "one_filled", "one_live", "repair", "residual"];
    assert!(seen.iter().eq(&words), "{seen:?}");
    let table = printed(&sim(&["--seeds", "30", "--matrix"]));
    assert!(table.contains("cells") && table.contains("bust  "), "{table}");
}

#[test]
fn a_scenario_is_played_and_recorded() {
    let scratch = std::env::temp_dir().join(format!("xmc-scenario-{}", std::process::id()));
    let directory = scratch.to_str().expect("UTF-8");
    let told = printed(&sim(&["--scenario", "knight", "--record", directory]));
    assert!(told.contains("orders    0 before the fault, 2 after it"), "{told}");
    assert!(told.contains("result    stopped, and every invariant held"), "{told}");
    let journal = scratch.join("knight");
    let xmc = env!("CARGO_BIN_EXE_xmc");
    let replay = Command::new(xmc).args(["replay", "--verify"]).arg(&journal).output();
    let replayed = printed(&replay.expect("xmc runs"));
    let again = sim(&["--scenario", "knight", "--record", directory]);
    std::fs::remove_dir_all(&scratch).expect("it was made here");
    assert!(!replayed.is_empty());
    assert_eq!(again.status.code(), Some(2), "a journal that is there stays as it is");
}

#[test]
fn scenarios_are_listed_and_an_unknown_one_is_refused() {
    let list = printed(&sim(&["--scenario", "list"]));
    assert!(list.contains("everbright") && list.contains("not played"), "{list}");
    let unknown = sim(&["--scenario", "nobody"]);
    assert_eq!(unknown.status.code(), Some(3));
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(said.contains("no scenario is called nobody"), "{said}");
    let xmc = env!("CARGO_BIN_EXE_xmc");
    let alias = Command::new(xmc).args(["simulate", "--scenario", "list"]).output();
    assert_eq!(printed(&alias.expect("xmc runs")), list);
}
