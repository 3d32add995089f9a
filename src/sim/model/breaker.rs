//! Breakers as the model has them: all that was watched, in a list, counted again each time.

use xmc_hotpath::message::{BREAKERS, BreakerAction, BreakerKind, Breakers};
use xmc_hotpath::time::MonoNs;

/// What the breakers of one spread have seen since they were told.
#[derive(Clone, Debug)]
pub struct ModelBreakers {
    /// As told.
    pub spec: Breakers,
    seen: [Vec<bool>; BREAKERS],
    tripped: [Option<MonoNs>; BREAKERS],
}

/// A breaker that should have tripped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trip {
    /// Row of the spread.
    pub spread: u32,
    /// Which one.
    pub kind: BreakerKind,
    /// Bad things among the last.
    pub count: i64,
    /// What should follow.
    pub action: BreakerAction,
}

impl ModelBreakers {
    /// Nothing was seen yet.
    pub fn new(spec: Breakers) -> Self {
        Self { spec, seen: Default::default(), tripped: Default::default() }
    }

    /// One thing more; the trip that it is, which is told once in a moment.
    pub(super) fn see(&mut self, kind: BreakerKind, is_bad: bool, now: MonoNs) -> Option<Trip> {
        let row = usize::from(kind.code());
        let (rule, seen) = (self.spec.rules[row], &mut self.seen[row]);
        seen.push(is_bad);
        let last = seen.iter().rev().take(rule.of.into());
        let count = last.filter(|is_bad| **is_bad).count();
        if rule.of == 0 || count <= usize::from(rule.most) {
            return None;
        }
        seen.clear();
        let is_told = self.tripped[row].replace(now) == Some(now);
        let count = i64::try_from(count).expect("at most 64");
        let trip = Trip { spread: self.spec.spread.0, kind, count, action: rule.action };
        (!is_told).then_some(trip)
    }
}
