//! Any bytes whatever: samples of what venues and files bring, changed at random, for everything
//! that reads them.
//!
//! The gate runs some thousands of each; `XMC_FUZZ` says how many, and `scripts/fuzz` runs the
//! nightly amount. What breaks is printed as hex with the seed that made it. `tests/fuzz` gives the
//! same bodies to a fuzzer that sees which code it reaches.

#[path = "../fuzz/bodies.rs"]
mod bodies;
mod samples;

use crate::sim::{number, say};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Executions of each body in the gate.
const EXECUTIONS: u64 = 4_000;
/// Changes of one sample, at most.
const CHANGES: u32 = 6;
/// An input is not made longer than this.
const LONGEST: usize = 1 << 14;

/// Numbers at which formats turn: bounds of types, absent values.
const TURNS: [u64; 10] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0xffff_ffff_ffff_ffff,
];

/// Runs `body` on `samples`, as they are and changed.
fn run(name: &str, samples: &[Vec<u8>], body: fn(&[u8])) {
    assert!(!samples.is_empty(), "{name} has no sample");
    let seed = number("XMC_SEED", 1);
    let executions = number("XMC_FUZZ", EXECUTIONS);
    let mut rng = fastrand::Rng::with_seed(seed);
    for sample in samples {
        execute(name, seed, sample, body);
    }
    for _ in 0..executions {
        let mut input = samples[rng.usize(..samples.len())].clone();
        for _ in 0..rng.u32(1..=CHANGES) {
            change(&mut input, samples, &mut rng);
        }
        input.truncate(LONGEST);
        execute(name, seed, &input, body);
    }
    say(&format!(
        "fuzz {name}: {executions} executions from seed {seed}, {} samples",
        samples.len()
    ));
}

fn execute(name: &str, seed: u64, input: &[u8], body: fn(&[u8])) {
    let ran = catch_unwind(AssertUnwindSafe(|| body(input)));
    if let Err(panic) = ran {
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        say(&format!("fuzz {name}: seed {seed}, input {hex}"));
        std::panic::resume_unwind(panic);
    }
}

/// One change of the kind that finds faults: bits, numbers where formats turn, pieces that are
/// lost, told twice, moved, or another sample's.
fn change(input: &mut Vec<u8>, samples: &[Vec<u8>], rng: &mut fastrand::Rng) {
    if input.is_empty() {
        input.push(rng.u8(..));
        return;
    }
    let at = rng.usize(..input.len());
    let len = rng.usize(1..=(input.len() - at).min(64));
    match rng.u8(..8) {
        0 => input[at] ^= 1 << rng.u8(..8),
        1 => input[at] = rng.u8(..),
        2 => {
            let width = 1 << rng.u8(..4);
            let number = TURNS[rng.usize(..TURNS.len())].wrapping_add(rng.u64(..3)).wrapping_sub(1);
            let bytes = number.to_le_bytes();
            for (to, byte) in input.iter_mut().skip(at).zip(&bytes[..width]) {
                *to = *byte;
            }
        }
        3 => {
            input.drain(at..at + len);
        }
        4 => {
            let piece = input[at..at + len].to_vec();
            let to = rng.usize(..=input.len());
            input.splice(to..to, piece);
        }
        5 => input.truncate(at),
        6 => {
            let other = &samples[rng.usize(..samples.len())];
            let from = rng.usize(..=other.len());
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        _ => {
            let piece: Vec<_> = (0..len).map(|_| rng.u8(..)).collect();
            input.splice(at..at, piece);
        }
    }
}

#[test]
fn mdp3_packets() {
    run("mdp3_packets", &samples::mdp3_packets(), bodies::mdp3_packets);
}

#[test]
fn mdp3_recovery() {
    run("mdp3_recovery", &samples::mdp3_recovery(), bodies::mdp3_recovery);
}

#[test]
fn smdp_packets() {
    run("smdp_packets", &samples::smdp_packets(), bodies::smdp_packets);
}

#[test]
fn mdqp_stream() {
    run("mdqp_stream", &samples::mdqp_stream(), bodies::mdqp_stream);
}

#[test]
fn mdp3_replay() {
    run("mdp3_replay", &samples::mdp3_replay(), bodies::mdp3_replay);
}

#[test]
fn captures() {
    run("captures", &samples::captures(), bodies::capture);
}

#[test]
fn config_xml() {
    run("config_xml", &samples::config_xml(), bodies::config_xml);
}

#[test]
fn ilink3_sessions() {
    run("ilink3_session", &samples::ilink3_sessions(), bodies::ilink3_session);
}

#[test]
fn calendar_files() {
    run("calendar_files", &samples::calendar_files(), bodies::calendar_file);
}
