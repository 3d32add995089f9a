//! What the record says of one spread: its legs' books, its fires, its round trips.

use super::leg::LegBook;
use xmc_hotpath::message::{Decision, Gate, MAX_LEGS, SpreadSpec};
use xmc_hotpath::time::MonoNs;

/// One spread.
#[derive(Clone, Debug, Default)]
pub struct SpreadTally {
    /// Lots per unit, by leg; 0 for one that only prices or is not there.
    pub ratios: [i32; MAX_LEGS],
    /// By leg.
    pub legs: [LegBook; MAX_LEGS],
    /// Fires.
    pub fires: u64,
    /// Round trips: see `Tally`.
    pub round_trips: u64,
    /// The last decision that was written, and when.
    pub last_decision: Option<(MonoNs, Decision)>,
    /// Since when the legs have been out of ratio; `None` if they are not.
    pub unhedged_since: Option<MonoNs>,
    /// The gate of the last refusal that was written: what repetitions belong to.
    pub(super) last_refusal: Option<Gate>,
    /// It has held a whole unit since it was last flat.
    was_whole: bool,
}

impl SpreadTally {
    pub(super) fn set(&mut self, spec: &SpreadSpec) {
        self.ratios = spec.legs.map(|leg| leg.ratio_lots);
    }

    /// Whole units held: above zero bought, below sold. What the legs hold beyond is unhedged.
    #[must_use]
    pub fn whole_units(&self) -> i64 {
        let mut units: Option<i64> = None;
        for (ratio, leg) in self.traded() {
            let reached = leg.position_lots / i64::from(ratio);
            units = Some(match units {
                None => reached,
                // Legs that point to different sides hold nothing together.
                Some(units) if units.signum() * reached.signum() <= 0 => 0,
                Some(units) if units > 0 => units.min(reached),
                Some(units) => units.max(reached),
            });
        }
        units.unwrap_or(0)
    }

    /// Lots of each leg beyond the whole units, bought minus sold: open to the market on one side.
    #[must_use]
    pub fn unhedged_lots(&self) -> [i64; MAX_LEGS] {
        let units = self.whole_units();
        let mut lots = [0; MAX_LEGS];
        for ((lots, ratio), leg) in lots.iter_mut().zip(&self.ratios).zip(&self.legs) {
            *lots = leg.position_lots - units * i64::from(*ratio);
        }
        lots
    }

    /// A leg has traded: notes what follows for the whole.
    pub(super) fn traded_at(&mut self, now: MonoNs) {
        let is_unhedged = self.unhedged_lots().iter().any(|lots| *lots != 0);
        self.unhedged_since = match self.unhedged_since {
            Some(since) if is_unhedged => Some(since),
            _ => is_unhedged.then_some(now),
        };
        if self.legs.iter().all(|leg| leg.position_lots == 0) {
            self.round_trips += u64::from(std::mem::take(&mut self.was_whole));
        } else {
            self.was_whole |= self.whole_units() != 0;
        }
    }

    fn traded(&self) -> impl Iterator<Item = (i32, &LegBook)> {
        self.ratios.iter().copied().zip(&self.legs).filter(|(ratio, _)| *ratio != 0)
    }
}
