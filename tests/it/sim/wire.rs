//! Schedules at the wire level. `XMC_SIM_WIRE` sets how many (1 000), `XMC_SIM_SEED` where they
//! begin; `one` runs a single one by `XMC_SIM_SEED`, `XMC_SIM_MASK` and `XMC_SIM_STEPS` (packets).

use std::thread;
use std::time::Instant;

use cross_market_connect::sim::plan::Seed;
use cross_market_connect::sim::{sweep, wire};

use super::number;

#[test]
fn swarm() {
    let (first, count) = (number("XMC_SIM_SEED", 1), number("XMC_SIM_WIRE", 1_000));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let start = Instant::now();
    let sweep = sweep::run(sweep::Level::Wire, first, count, threads);
    if let Some(failure) = &sweep.failure {
        panic!("{failure}");
    }
    println!("{} schedules from seed {first} in {:?}", sweep.schedules, start.elapsed());
    println!("{:#?}", sweep.total);
    assert_eq!(sweep.schedules, count, "every schedule ran");
    assert!(sweep.trading * 5 > count, "{} schedules traded", sweep.trading);
}

#[test]
fn one() {
    let seed = Seed {
        seed: number("XMC_SIM_SEED", 1),
        mask: number("XMC_SIM_MASK", u64::MAX),
        most_steps: u32::try_from(number("XMC_SIM_STEPS", 1_000)).expect("a few packets"),
    };
    match wire::run(seed) {
        Ok(outcome) => println!("{outcome:#?}"),
        Err(violation) => panic!("{violation}"),
    }
}

#[test]
fn the_same_seed_is_the_same_schedule() {
    for seed in (1..10).map(Seed::whole) {
        assert_eq!(wire::run(seed), wire::run(seed), "seed {}", seed.seed);
    }
}
