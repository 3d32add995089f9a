//! The simulator as a test: many schedules in the gate, one by its seed to look at.

mod backtest;
mod clock;
mod desk;
mod details;
mod endings;
mod exchange;
mod exhaustive;
mod generator;
mod hall_of_failures;
mod planted;
mod score;
mod shelf;
mod wire;

use std::io::Write;

/// Says how much was simulated, also where the words of a test that passes are kept back.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A number from the environment, decimal or `0x` hexadecimal.
pub fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| {
        let digits = text.trim_start_matches("0x");
        let radix = if digits.len() < text.len() { 16 } else { 10 };
        u64::from_str_radix(digits, radix).expect("a number, decimal or 0x hexadecimal")
    })
}
