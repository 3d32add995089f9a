//! What an exchange asks of whoever sends it orders: O1 to O32, over real TCP. The scenarios are
//! those that `xmc conformance` runs; each is a test of its own here.

mod catalogue;
mod counter;
mod engine;
mod logons;
mod schedules;
mod sequences;
mod single;

use crate::recovery::live::rig::engine as sample;
use cross_market_connect::config::GatewayProtocol;
use cross_market_connect::conformance::{self, Bench, Gateway, Verdict};

/// Lines of evidence that a test shows when it fails.
const LAST_LINES: usize = 60;

/// A simulated gateway that speaks a protocol, and the engine of the samples.
fn bench(protocol: GatewayProtocol, seed: u64) -> Bench {
    let config = sample();
    let row = config.gateways.iter().position(|gateway| gateway.protocol == protocol);
    Bench { config, row: row.expect("the sample has it"), gateway: Gateway::Simulated { seed } }
}

/// Runs a scenario by its case's number and its name.
fn passes(protocol: GatewayProtocol, number: &str, name: &str) {
    let cases = conformance::catalogue(protocol);
    let scenario = conformance::find(cases, number, name);
    let scenario = scenario.unwrap_or_else(|| panic!("{number} has no scenario {name:?}"));
    let ran = conformance::run_one(&bench(protocol, 3), scenario);
    let lines = &ran.evidence.lines;
    for line in &lines[lines.len().saturating_sub(LAST_LINES)..] {
        println!("{:>12.3} ms  {:<8} {}", line.ms, line.who.word(), line.said);
    }
    assert_eq!(ran.verdict, Verdict::Passed, "{}", ran.why.unwrap_or_default());
}

/// Tests that run a scenario each, and the list of what they run.
macro_rules! scenarios {
    ($protocol:ident: $($test:ident = $number:literal $name:literal;)*) => {
        $(
            #[test]
            fn $test() {
                let protocol = cross_market_connect::config::GatewayProtocol::$protocol;
                super::passes(protocol, $number, $name);
            }
        )*

        pub const TESTED: &[(&str, &str)] = &[$(($number, $name)),*];
    };
}
use scenarios;
