//! How fires ended, counted: the same for a score and for a backtest.

use serde::Serialize;
use xmc_hotpath::message::{Ending, RepairWay};

/// How fires ended. Each is one of `whole`, `partial`, `empty`, `one_sided` and `unended`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FireCounts {
    /// Fires.
    pub fires: u64,
    /// Fires that did all that was asked by their first orders.
    pub whole: u64,
    /// Fires that did less than was asked, all legs alike, by their first orders.
    pub partial: u64,
    /// Fires that did nothing by their first orders.
    pub empty: u64,
    /// Fires whose first orders left legs out of ratio: repaired, or not.
    pub one_sided: u64,
    /// Fires that have not ended.
    pub unended: u64,
    /// Repairs sent that completed what missed.
    pub completed: u64,
    /// Repairs sent that traded back what was beyond whole units.
    pub traded_back: u64,
}

impl FireCounts {
    /// Adds what came of another market, pair or period.
    pub const fn add(&mut self, other: &Self) {
        self.fires += other.fires;
        self.whole += other.whole;
        self.partial += other.partial;
        self.empty += other.empty;
        self.one_sided += other.one_sided;
        self.unended += other.unended;
        self.completed += other.completed;
        self.traded_back += other.traded_back;
    }

    /// Counts the ending of a fire for which so many repairs were looked at: whether it was
    /// one-sided.
    pub const fn ended(&mut self, ending: &Ending, repairs: u32) -> bool {
        let is_one_sided = repairs > 0 || !ending.is_aligned;
        let kind = match (is_one_sided, ending.done_units) {
            (true, _) => &mut self.one_sided,
            (false, 0) => &mut self.empty,
            (false, done) if done == ending.units => &mut self.whole,
            (false, _) => &mut self.partial,
        };
        *kind += 1;
        is_one_sided
    }

    /// Counts a repair.
    pub const fn repaired(&mut self, way: RepairWay) {
        match way {
            RepairWay::Complete => self.completed += 1,
            RepairWay::Unwind => self.traded_back += 1,
            RepairWay::Neither => {}
        }
    }
}
