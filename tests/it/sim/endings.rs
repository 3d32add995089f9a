//! How fires end where venues answer, and that what is counted is what happened.

use std::collections::BTreeMap;

use cross_market_connect::sim::endings::FireEnds;
use cross_market_connect::sim::fault::Fault;
use cross_market_connect::sim::plan::{Regime, Seed};
use cross_market_connect::sim::{sweep, world};
use xmc_hotpath::message::{AlertKind, Detail, Gate, SafeState};

fn answering(seed: u64) -> Seed {
    Seed { regime: Regime::Answering, ..Seed::whole(seed) }
}

/// All that was told of one spread, in order.
type Told = BTreeMap<u32, Vec<Detail>>;

fn told(seed: Seed) -> (Told, world::Outcome) {
    let mut told = Told::new();
    let outcome = world::run_watched(seed, &mut |_, outputs| {
        for detail in outputs.details() {
            let spread = match detail {
                Detail::Decision(told) if told.gate == Gate::Passed => told.spread,
                Detail::Repair(told) => told.spread,
                Detail::Ending(told) => told.spread,
                Detail::State(told) if told.to == SafeState::Halt => told.spread,
                _ => continue,
            };
            told.entry(spread.0).or_default().push(*detail);
        }
    });
    (told, outcome.expect("every invariant holds"))
}

/// Counted from one decision to the next, over the whole list at its end.
fn counted(told: &Told) -> FireEnds {
    let mut ends = FireEnds::default();
    for details in told.values() {
        let starts = (0..details.len()).filter(|at| matches!(details[*at], Detail::Decision(_)));
        let mut starts: Vec<_> = starts.collect();
        starts.push(details.len());
        for pair in starts.windows(2) {
            let fire = &details[pair[0]..pair[1]];
            let has = |is: fn(&Detail) -> bool| fire.iter().any(is);
            let is_left = has(|detail| matches!(detail, Detail::Ending(end) if !end.is_aligned));
            let is_ended = has(|detail| matches!(detail, Detail::Ending(_)));
            let is_repaired = is_left || has(|detail| matches!(detail, Detail::Repair(_)));
            let is_halted = has(|detail| matches!(detail, Detail::State(_)));
            ends.fires += 1;
            ends.repaired += u64::from(is_repaired);
            ends.left_over += u64::from(is_left);
            ends.unended += u64::from(!is_ended);
            ends.halted += u64::from(is_repaired && is_ended && !is_left && is_halted);
            ends.flat += u64::from(is_repaired && is_ended && !is_halted);
        }
    }
    ends
}

#[test]
fn what_is_counted_is_what_was_told() {
    let mut all = FireEnds::default();
    for seed in 1..=150 {
        let (told, outcome) = told(answering(seed));
        let expected = counted(&told);
        let found = outcome.fire_ends;
        let of = |ends: &FireEnds| {
            let FireEnds { fires, repaired, flat, halted, left_over, unended, .. } = *ends;
            (fires, repaired, flat, halted, left_over, unended)
        };
        assert_eq!(of(&found), of(&expected), "seed {seed}");
        assert_eq!(found.flat + found.halted, outcome.repaired, "seed {seed}: the model knows");
        assert_eq!(outcome.causes.values().sum::<u64>(), found.left_over, "seed {seed}");
        all.add(&found);
    }
    assert!(all.fires > 3_000 && all.repaired > 1_000, "{all:?}");
}

/// Nothing strikes but what is stated, and no venue or book is ever away.
#[test]
fn where_venues_answer_nothing_else_goes_wrong() {
    let sweep = sweep::run_told(sweep::Level::Desk, Regime::Answering, 1, 200, 2, &|_| {});
    assert!(sweep.failure.is_none(), "{:?}", sweep.failure);
    let stated = [
        Fault::Reject,
        Fault::NoFill,
        Fault::PartialFill,
        Fault::ManyFills,
        Fault::FillDuringCancel,
    ];
    for (fault, hits) in sweep.total.hits.iter() {
        let is_stated = stated.contains(&fault);
        assert!(is_stated || hits == 0, "{fault:?} struck {hits} times");
        assert!(!is_stated || hits > 0, "{fault:?} never struck");
    }
    for kind in [AlertKind::SessionDown, AlertKind::FeedGap, AlertKind::OrderUnknown] {
        assert_eq!(sweep.total.alerts.get(&kind), None, "{kind:?}");
    }
    let ends = &sweep.total.fire_ends;
    assert_eq!(ends.unended, 0, "{ends:?}");
}

/// What is asked of the desk: of the fires that have to be repaired 99.9 % end flat, and their
/// spread is not halted meanwhile. `scripts/sim-gate` asks it of more.
#[test]
fn where_venues_answer_fires_end_flat() {
    let sweep = sweep::run_told(sweep::Level::Desk, Regime::Answering, 1, 1_000, 2, &|_| {});
    assert!(sweep.failure.is_none(), "{:?}", sweep.failure);
    let ends = &sweep.total.fire_ends;
    assert!(ends.repaired > 5_000, "{ends:?}");
    assert!(ends.flat * 1_000 >= ends.repaired * 999, "{ends:?}, {:?}", sweep.total.causes);
}
