//! Schedules at the desk level.
//!
//! `swarm` is the gate: `XMC_SIM_SCHEDULES` sets how many (100 000), `XMC_SIM_SEED` where they
//! begin. `one` runs a single schedule and tells it: `XMC_SIM_SEED`, `XMC_SIM_MASK` (faults) and
//! `XMC_SIM_STEPS` are printed by whatever found it.

use std::time::Instant;
use std::{env, thread};

use cross_market_connect::sim::plan::{Regime, Seed};
use cross_market_connect::sim::{sweep, world};
use xmc_hotpath::message::{Event, RepairWay};

use super::{number, say};

#[test]
fn swarm() {
    let (first, count) = (number("XMC_SIM_SEED", 1), number("XMC_SIM_SCHEDULES", 100_000));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let start = Instant::now();
    let sweep = sweep::run(sweep::Level::Desk, first, count, threads);
    if let Some(failure) = &sweep.failure {
        panic!("{failure}");
    }
    let took = start.elapsed();
    say(&format!("desk level: {} schedules from seed {first} in {took:.1?}", sweep.schedules));
    println!("{:#?}", sweep.total);
    assert_eq!(sweep.schedules, count, "every schedule ran");
    assert!(
        sweep.total.snapshots >= count / 10,
        "{} went on from snapshots",
        sweep.total.snapshots
    );
    // A simulation in which nothing happens finds nothing.
    assert!(sweep.total.asks * 10 > count, "{} orders were asked for", sweep.total.asks);
    assert!(sweep.trading * 4 > count, "{} schedules traded", sweep.trading);
    for way in [RepairWay::Complete, RepairWay::Unwind] {
        let sent = sweep.total.repairs.get(&way).copied().unwrap_or(0);
        assert!(sent * 50 > count, "{sent} repairs by {way:?}");
    }
    let removed = sweep.total.removed;
    assert!(removed * 50 > count, "{removed} spreads were removed");
    let repaired = sweep.total.repaired;
    assert!(repaired * 25 > count, "{repaired} fires were brought back into ratio");
    let (meeting, may_meet) = (sweep.meeting, sweep.total.may_meet);
    assert!(may_meet * 10 > count, "needs may meet in {may_meet} schedules");
    assert!(meeting * 20 >= may_meet, "in {meeting} of {may_meet} schedules needs met inside");
    if count >= 10_000 {
        let silent: Vec<_> = sweep.total.hits.iter().filter(|(_, hits)| *hits == 0).collect();
        assert!(silent.is_empty(), "faults that never struck: {silent:?}");
    }
}

#[test]
fn one() {
    let is_answering = env::var("XMC_SIM_REGIME").is_ok_and(|regime| regime == "answering");
    let seed = Seed {
        seed: number("XMC_SIM_SEED", 1),
        regime: if is_answering { Regime::Answering } else { Regime::Swarm },
        mask: number("XMC_SIM_MASK", u64::MAX),
        most_steps: u32::try_from(number("XMC_SIM_STEPS", 1_000)).expect("a few steps"),
    };
    let outcome = world::run_watched(seed, &mut |input, outputs| {
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
    for seed in (1..40).map(Seed::whole) {
        let tell = || {
            let mut told = String::new();
            let outcome = world::run_watched(seed, &mut |input, outputs| {
                told.push_str(&format!("{input:?} {outputs:?}"));
            });
            (told, outcome)
        };
        assert_eq!(tell(), tell(), "seed {}", seed.seed);
    }
}
