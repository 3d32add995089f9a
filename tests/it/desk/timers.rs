//! Deadlines against a sorted set.

use proptest::prelude::*;
use std::collections::BTreeSet;
use xmc_hotpath::desk::timers::{Timer, Timers};
use xmc_hotpath::time::MonoNs;

#[derive(Clone, Debug)]
enum Step {
    Set(u32, u64),
    Clear(u32),
    Pop(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let due = prop_oneof![9 => 0_u64..20, 1 => Just(u64::MAX)];
    prop_oneof![
        4 => (0_u32..10, due).prop_map(|(row, due)| Step::Set(row, due)),
        2 => (0_u32..10).prop_map(Step::Clear),
        3 => (0_u64..20).prop_map(Step::Pop),
    ]
}

proptest! {
    /// Rows beyond the storage are ignored; of the rows that are due, an earliest comes first.
    #[test]
    fn deadlines_come_in_order(steps in prop::collection::vec(step(), 1..200)) {
        const ROWS: u32 = 8;
        let mut slots = [Timer::EMPTY; ROWS as usize];
        let mut timers = Timers::new(&mut slots);
        let mut model: BTreeSet<(u64, u32)> = BTreeSet::new();
        for step in steps {
            match step {
                Step::Set(row, due) => {
                    timers.set(row, MonoNs(due));
                    model.retain(|(_, other)| *other != row);
                    if row < ROWS && due != u64::MAX {
                        model.insert((due, row));
                    }
                }
                Step::Clear(row) => {
                    timers.clear(row);
                    model.retain(|(_, other)| *other != row);
                }
                Step::Pop(now) => {
                    let popped = timers.pop_due(MonoNs(now));
                    let earliest = model.first().filter(|(due, _)| *due <= now).copied();
                    match (popped, earliest) {
                        (Some(row), Some((due, _))) => {
                            prop_assert!(model.remove(&(due, row)), "{} was not due first", row);
                        }
                        (popped, earliest) => {
                            prop_assert_eq!(popped, earliest.map(|found| found.1));
                        }
                    }
                }
            }
            let next = model.first().map_or(MonoNs::NEVER, |(due, _)| MonoNs(*due));
            prop_assert_eq!(timers.next(), next);
        }
    }
}
