//! The gates as an auditor reads them against the desk's own decisions: two ways to the same.

use cross_market_connect::engine::memory::{DeskMemory, DeskSize};
use cross_market_connect::sim::plan::{Plan, Seed};
use cross_market_connect::sim::world::{self, IDENTITY};
use std::collections::{BTreeMap, BTreeSet};
use xmc_hotpath::desk::gates::{Of, Reading};
use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::{Decision, Detail, Gate, Input, SpreadIndex};
use xmc_hotpath::risk::NO_LEG;

/// Gates whose refusal says the same figures as the reading; the others count differently there.
const SAME_FIGURES: [Gate; 20] = [
    Gate::InFlight,
    Gate::CoolDown,
    Gate::QuoteAge,
    Gate::QuoteSkew,
    Gate::Hysteresis,
    Gate::ChannelState,
    Gate::QuoteQuality,
    Gate::RecordRoom,
    Gate::OrderSize,
    Gate::OrderValue,
    Gate::PriceBand,
    Gate::Collar,
    Gate::CollarFraction,
    Gate::Position,
    Gate::SelfMatch,
    Gate::AccountOrderSize,
    Gate::AccountPosition,
    Gate::AccountOpenOrders,
    Gate::SessionState,
    Gate::RingRoom,
];

fn check(decision: &Decision, readings: &[Reading]) {
    let closed = readings.iter().find(|reading| !reading.is_open);
    let gate = closed.map_or(Gate::Passed, |reading| reading.gate);
    assert_eq!(gate, decision.gate, "{decision:?}\n{readings:#?}");
    if gate == Gate::Passed || !SAME_FIGURES.contains(&gate) {
        return;
    }
    let figures = (decision.seen, decision.limit);
    let is_it = |reading: &&Reading| {
        let leg = match reading.of {
            Of::Leg(leg) => leg,
            _ => NO_LEG,
        };
        // The skew is of two legs; the refusal names the older one.
        let is_leg = leg == decision.leg || gate == Gate::QuoteSkew;
        reading.gate == gate
            && !reading.is_open
            && is_leg
            && (reading.seen, reading.limit) == figures
    };
    assert!(readings.iter().any(|reading| is_it(&reading)), "{decision:?}\n{readings:#?}");
}

/// A desk beside the real one stops before it acts, and every gate is read.
#[test]
fn readings_say_what_the_desk_decides() {
    let mut seen: BTreeMap<Gate, u64> = BTreeMap::new();
    for seed in (1..1_500).map(Seed::whole) {
        let plan = Plan::draw(seed);
        let (instruments, spreads) = (plan.instruments.len(), plan.spreads.len());
        let size = DeskSize { instruments, spreads, orders: plan.orders };
        let mut memory = DeskMemory::new(size);
        let mut desk = Desk::new(IDENTITY, memory.lend());
        let mut mine = Outputs::new();
        let watched = world::run_watched(seed, &mut |input: &Input<'_>, outputs: &Outputs| {
            desk.learn(input, &mut mine);
            let read = |spread: u32| {
                let mut readings = Vec::new();
                let visit = &mut |reading| readings.push(reading);
                let trigger = desk.read_gates(SpreadIndex(spread), &input.credits, visit);
                trigger.map(|trigger| (trigger, readings))
            };
            let read: Vec<_> = (0..u32::try_from(spreads).unwrap()).map(read).collect();
            desk.act(&input.credits, &mut mine);
            assert!(mine.details().eq(outputs.details()) && mine.orders().eq(outputs.orders()));
            let mut met_before = BTreeSet::new();
            for detail in outputs.details() {
                if let Detail::Internal(internal) = detail {
                    met_before.extend([internal.buy.spread.0, internal.sell.spread.0]);
                }
                let Detail::Decision(decision) = detail else { continue };
                // What met inside has ended the fire that it had, after the gates were read.
                if met_before.contains(&decision.spread.0) {
                    continue;
                }
                let (trigger, readings) =
                    read[decision.spread.0 as usize].as_ref().expect("a level was met");
                assert_eq!(trigger.value_e9, decision.value_e9);
                assert_eq!(trigger.units, decision.units);
                check(decision, readings);
                *seen.entry(decision.gate).or_default() += 1;
            }
        });
        watched.unwrap_or_else(|violation| panic!("{violation}"));
    }
    println!("{seen:?}");
    assert!(seen[&Gate::Passed] > 1_000, "{seen:?}");
    assert!(seen.len() > 20, "gates that never held anything back: {seen:?}");
}
