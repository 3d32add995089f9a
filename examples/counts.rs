//! The benches whose instructions are counted, in one program: `scripts/instructions` runs it as
//! `counts BENCH --count FIGURE`, `xmc bench` as `counts BENCH --minima`, and `counts list` prints
//! what there is to count: `BENCH|FIGURE|FUNCTION`. It is an example and no bench because examples
//! are built as what trades is built (the release profile, a panic ends the process), and once:
//! benches are not.

#![expect(clippy::duplicate_mod, reason = "each bench brings what it measures with")]

#[path = "../benches/decode.rs"]
mod decode;
#[path = "../benches/desk.rs"]
mod desk;
#[path = "../benches/encode.rs"]
mod encode;
#[path = "../benches/evaluate.rs"]
mod evaluate;
#[path = "../benches/ring.rs"]
mod ring;

use std::process::ExitCode;

/// Bench, figure, and the function that does what the figure counts.
const FIGURES: [[&str; 3]; 14] = [
    ["decode", "decode", "hot_decode"],
    ["decode", "feed", "hot_feed"],
    ["evaluate", "2 legs, trigger", "hot_evaluate"],
    ["evaluate", "2 legs, no trigger", "hot_evaluate"],
    ["evaluate", "3 legs, trigger", "hot_evaluate"],
    ["evaluate", "3 legs, no trigger", "hot_evaluate"],
    ["desk", "no trigger", "hot_quotes"],
    ["desk", "refused by the last gate", "hot_quotes"],
    ["desk", "fire", "hot_fire"],
    ["desk", "taken back", "hot_taken"],
    ["desk", "sent anew", "hot_anew"],
    ["encode", "template 514", "hot_patch"],
    ["encode", "session 514", "hot_encode"],
    ["ring", "record stage and publish", "hot_record"],
];

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    match name.as_str() {
        "decode" => decode::main(),
        "desk" => desk::main(),
        "encode" => encode::main(),
        "evaluate" => evaluate::main(),
        "ring" => ring::main(),
        "list" => FIGURES.iter().for_each(|figure| println!("{}", figure.join("|"))),
        other => {
            eprintln!(
                "counts: no bench `{other}`; usage: counts list, or counts \
                 decode|desk|encode|evaluate|ring --count FIGURE|--minima"
            );
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
