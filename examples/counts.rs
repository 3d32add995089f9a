//! The benches whose instructions are counted, in one program: `scripts/instructions` runs it as
//! `counts BENCH --count FIGURE`. It is an example and no bench because examples are built as what
//! trades is built (the release profile, a panic ends the process), and once: benches are not.

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

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    match name.as_str() {
        "decode" => decode::main(),
        "desk" => desk::main(),
        "encode" => encode::main(),
        "evaluate" => evaluate::main(),
        "ring" => ring::main(),
        other => {
            eprintln!(
                "counts: no bench `{other}`; usage: counts decode|desk|encode|evaluate|ring \
                 --count FIGURE"
            );
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
