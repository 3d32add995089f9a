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
        ("sequences", "ran       484 sequences over 22 events in"),
    ] {
        let args = ["--level", level, "--seeds", "30", "--seed", "7", "--depth", "2"];
        let printed = printed(&sim(&args));
        assert!(printed.contains(ran), "{printed}");
        assert!(printed.contains("result    every invariant held"), "{printed}");
    }
}

/// The schedule that is told is that of the level: it has as many inputs.
#[test]
fn each_level_tells_its_own_schedules() {
    let seed = Seed { seed: 7, mask: 0, most_steps: 40 };
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
