//! Schedules at the wire level.
//!
//! `swarm` is the gate: `XMC_SIM_WIRE` sets how many (5 000), `XMC_SIM_SEED` where they begin.
//! `one` runs a single schedule and tells it: `XMC_SIM_SEED`, `XMC_SIM_MASK` (faults) and
//! `XMC_SIM_STEPS` (packets) are printed by whatever found it.

use std::thread;
use std::time::Instant;

use cross_market_connect::sim::fault::Fault;
use cross_market_connect::sim::plan::{Regime, Seed};
use cross_market_connect::sim::{sweep, wire};
use xmc_hotpath::message::{AlertKind, Event};

use super::{number, say};

/// Schedules of the gate.
const GATE: u64 = 5_000;

/// What can go wrong between these stages and this exchange.
const FAULTS: [Fault; 20] = [
    Fault::Reject,
    Fault::PartialFill,
    Fault::NoFill,
    Fault::ManyFills,
    Fault::LateAck,
    Fault::FillBeforeAck,
    Fault::RejectAfterAck,
    Fault::UnsolicitedCancel,
    Fault::FillDuringCancel,
    Fault::FillAfterCancel,
    Fault::CancelRefused,
    Fault::Bust,
    Fault::Overfill,
    Fault::WorsePrice,
    Fault::WrongSide,
    Fault::DuplicateReport,
    Fault::Disconnect,
    Fault::TornSend,
    Fault::FullRing,
    Fault::FullRecord,
];

#[test]
fn swarm() {
    let (first, count) = (number("XMC_SIM_SEED", 1), number("XMC_SIM_WIRE", GATE));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let start = Instant::now();
    let sweep = sweep::run(sweep::Level::Wire, first, count, threads);
    if let Some(failure) = &sweep.failure {
        panic!("{failure}");
    }
    let took = start.elapsed();
    say(&format!("wire level: {} schedules from seed {first} in {took:.1?}", sweep.schedules));
    println!("{:#?}", sweep.total);
    assert_eq!(sweep.schedules, count, "every schedule ran");
    // A simulation in which nothing happens finds nothing.
    assert!(sweep.trading * 5 > count, "{} schedules traded", sweep.trading);
    if count >= GATE {
        let hits = &sweep.total.hits;
        let silent: Vec<_> = FAULTS.iter().filter(|fault| hits.of(**fault) == 0).collect();
        assert!(silent.is_empty(), "faults that never struck: {silent:?}");
        assert!(sweep.total.alerts.contains_key(&AlertKind::FeedGap), "no line lost a packet");
    }
}

#[test]
fn one() {
    let seed = Seed {
        seed: number("XMC_SIM_SEED", 1),
        regime: Regime::Swarm,
        mask: number("XMC_SIM_MASK", u64::MAX),
        most_steps: u32::try_from(number("XMC_SIM_STEPS", 1_000)).expect("a few packets"),
    };
    let outcome = wire::run_watched(seed, &mut |input, outputs| {
        if !matches!(input.event, Event::Quote { .. }) || outputs.order_count() > 0 {
            println!("{} {:?}", input.now.0, input.event);
        }
        outputs.orders().for_each(|order| println!("    {order:?}"));
        outputs.details().for_each(|detail| println!("    {detail:?}"));
    });
    match outcome {
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
