//! What the record says of one spread: its legs' books, its fires, its round trips.

use super::leg::LegBook;
use xmc_hotpath::message::{CarriedUnits, Decision, Gate, MAX_LEGS, SpreadSpec};
use xmc_hotpath::time::MonoNs;

/// One spread.
#[derive(Clone, Debug, Default)]
pub struct SpreadTally {
    /// Lots per unit, by leg; 0 for one that only prices or is not there.
    pub ratios: [i32; MAX_LEGS],
    /// What this run has traded, by leg. Money is counted from these alone.
    pub legs: [LegBook; MAX_LEGS],
    /// Lots that an earlier run left, by leg, bought minus sold.
    pub carried_lots: [i64; MAX_LEGS],
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

    /// An earlier run left these units: they are held, and no money is made by that.
    pub(super) fn carry(&mut self, units: &CarriedUnits, now: MonoNs) {
        let told = self.ratios.iter().zip(&units.residual_lots);
        for (((ratio, residual), carried), leg) in told.zip(&mut self.carried_lots).zip(&self.legs)
        {
            let held = i64::from(units.position_units) * i64::from(*ratio) + residual;
            // It is what is held now, whatever was traded before it was told.
            *carried = held - leg.position_lots;
        }
        self.was_whole = self.whole_units() != 0;
        self.see_unhedged(now);
    }

    /// Lots of each leg, bought minus sold: what was carried and what this run has traded.
    #[must_use]
    pub fn held_lots(&self) -> [i64; MAX_LEGS] {
        let mut lots = self.carried_lots;
        for (lots, leg) in lots.iter_mut().zip(&self.legs) {
            *lots += leg.position_lots;
        }
        lots
    }

    /// Whole units held: above zero bought, below sold. What the legs hold beyond is unhedged.
    #[must_use]
    pub fn whole_units(&self) -> i64 {
        let mut units: Option<i64> = None;
        let held = self.ratios.into_iter().zip(self.held_lots());
        for (ratio, lots) in held.filter(|(ratio, _)| *ratio != 0) {
            let reached = lots / i64::from(ratio);
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
        let mut lots = self.held_lots();
        for (lots, ratio) in lots.iter_mut().zip(&self.ratios) {
            *lots -= units * i64::from(*ratio);
        }
        lots
    }

    /// A leg has traded: notes what follows for the whole.
    pub(super) fn traded_at(&mut self, now: MonoNs) {
        self.see_unhedged(now);
        if self.held_lots() == [0; MAX_LEGS] {
            self.round_trips += u64::from(std::mem::take(&mut self.was_whole));
        } else {
            self.was_whole |= self.whole_units() != 0;
        }
    }

    fn see_unhedged(&mut self, now: MonoNs) {
        let is_unhedged = self.unhedged_lots() != [0; MAX_LEGS];
        self.unhedged_since = match self.unhedged_since {
            Some(since) if is_unhedged => Some(since),
            _ => is_unhedged.then_some(now),
        };
    }
}
