//! What a backtest counts, by pair and by period.

use std::collections::BTreeMap;

use serde::Serialize;
use xmc_hotpath::message::{Intent, MAX_LEGS, Repair};
use xmc_hotpath::time::Span;

use super::curve::Curve;
use crate::sim::fires::FireCounts;

/// The two periods: in sample, and out of sample behind the split. Without a split all is the
/// first.
pub const PERIODS: usize = 2;

/// One leg in one period. Money is of the leg's own currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LegCounts {
    /// Orders sent.
    pub orders: u64,
    /// Orders that the venue refused.
    pub rejects: u64,
    /// Lots asked for.
    pub asked_lots: u64,
    /// Lots bought.
    pub bought_lots: u64,
    /// Lots sold.
    pub sold_lots: u64,
    /// Money traded, units of 1e-9.
    pub turnover_e9: i128,
    /// Profit of lots that were bought and sold again, or the other way round, at average cost,
    /// before fees; units of 1e-9.
    pub realised_e9: i128,
    /// Fees, units of 1e-9.
    pub fees_e9: i128,
}

/// One pair in one period. Money is of the pair's currency: each leg's own, put into it at the rate
/// of the configuration (`money`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// How fires ended.
    #[serde(flatten)]
    pub fired: FireCounts,
    /// Fires that ended out of ratio: the pair was halted with what was left.
    pub halted: u64,
    /// Units asked for by fires that ended.
    pub asked_units: u64,
    /// Units done by fires that ended in ratio.
    pub done_units: u64,
    /// What fires cost beyond what the books showed as they were decided on, those that cost more,
    /// units of 1e-9.
    pub slipped_e9: i128,
    /// What the other fires cost less.
    pub improved_e9: i128,
    /// What one-sided fires cost beyond what was shown.
    pub repairs_e9: i128,
    /// Lots beyond whole units, times the nanoseconds for which they stood there.
    pub exposed_lot_ns: u128,
    /// The most of them at once.
    pub most_residual_lots: u64,
    /// The most lots that its legs held, all together.
    pub most_lots: u64,
    /// What the pair came to be worth in the period, after fees, open lots at the middle of the
    /// book; units of 1e-9.
    pub profit_e9: i128,
    /// Fees of all its legs.
    pub fees_e9: i128,
    /// The furthest that it fell below what it had been worth before, units of 1e-9.
    pub drawdown_e9: i128,
    /// By leg.
    pub legs: [LegCounts; MAX_LEGS],
    /// What each fire that traded cost beyond what was shown; below zero it was cheaper.
    #[serde(skip)]
    pub slips_e9: Vec<i64>,
}

impl Counts {
    /// Adds what came of another pair or period. What is largest is that of either: a sum of
    /// drawdowns is nobody's.
    pub fn add(&mut self, other: &Self) {
        self.fired.add(&other.fired);
        self.halted += other.halted;
        self.asked_units += other.asked_units;
        self.done_units += other.done_units;
        self.slipped_e9 += other.slipped_e9;
        self.improved_e9 += other.improved_e9;
        self.repairs_e9 += other.repairs_e9;
        self.exposed_lot_ns += other.exposed_lot_ns;
        self.most_residual_lots = self.most_residual_lots.max(other.most_residual_lots);
        self.most_lots = self.most_lots.max(other.most_lots);
        self.profit_e9 += other.profit_e9;
        self.fees_e9 += other.fees_e9;
        self.drawdown_e9 = self.drawdown_e9.max(other.drawdown_e9);
        for (leg, other) in self.legs.iter_mut().zip(&other.legs) {
            leg.orders += other.orders;
            leg.rejects += other.rejects;
            leg.asked_lots += other.asked_lots;
            leg.bought_lots += other.bought_lots;
            leg.sold_lots += other.sold_lots;
            leg.turnover_e9 += other.turnover_e9;
            leg.realised_e9 += other.realised_e9;
            leg.fees_e9 += other.fees_e9;
        }
        self.slips_e9.extend_from_slice(&other.slips_e9);
    }

    /// What so many thousandths of the fires that traded cost at most beyond what was shown; `None`
    /// if none traded.
    #[must_use]
    pub fn slip_e9(&self, thousandths: usize) -> Option<i64> {
        let mut slips = self.slips_e9.clone();
        slips.sort_unstable();
        let last = slips.len().checked_sub(1)?;
        slips.get(last * thousandths.min(1_000) / 1_000).copied()
    }
}

/// A leg out of ratio was looked at, with the price of both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepairRow {
    /// When, in UTC nanoseconds; after the beginning if UTC is not known.
    pub at_ns: u64,
    /// What the desk wrote.
    pub told: Repair,
}

/// One fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FireRow {
    /// When it was decided on, as for repairs.
    pub at_ns: u64,
    /// The pair.
    pub pair: usize,
    /// What for.
    pub intent: Intent,
    /// What was seen, and the level that it met, units of 1e-9.
    pub value_e9: i64,
    /// The level.
    pub level_e9: i64,
    /// Units asked for and done.
    pub units: [u32; 2],
    /// Whether it ended in ratio.
    pub is_aligned: bool,
    /// Repairs that were sent.
    pub repairs: u32,
    /// What it cost beyond what was shown.
    pub slip_e9: i128,
    /// From the first order to the ending.
    pub took: Span,
}

/// Fires and repairs that are kept one by one: beyond them they are only counted.
pub const MOST_ROWS: usize = 2_000;

/// One pair.
#[derive(Clone, Debug, Default)]
pub struct PairResult {
    /// By period.
    pub periods: [Counts; PERIODS],
    /// Over time.
    pub curve: Curve,
    /// Lots that its legs hold at the end.
    pub lots: [i64; MAX_LEGS],
    /// Rows of its legs' instruments; `None` where there is no leg that trades.
    pub instruments: [Option<u32>; MAX_LEGS],
    /// What one of each leg's currency is in the pair's, units of 1e-9.
    pub rates_e9: [i64; MAX_LEGS],
    /// Profit of the lots that are held, at the middle of the last book and average cost, by leg,
    /// in money of the leg; units of 1e-9.
    pub open_e9: [i128; MAX_LEGS],
}

impl PairResult {
    /// Both periods together.
    #[must_use]
    pub fn whole(&self) -> Counts {
        let [mut whole, later] = self.periods.clone();
        whole.add(&later);
        whole
    }
}

/// What came of a backtest.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// By row.
    pub pairs: Vec<PairResult>,
    /// Inputs of the source that the desk was told.
    pub events: u64,
    /// All that it was told: with its own orders' news and the times that it asked for.
    pub inputs: u64,
    /// Orders and cancels that it sent.
    pub orders: u64,
    /// Triggers that were held back, by gate.
    pub refusals: BTreeMap<&'static str, u64>,
    /// Orders that venues refused, by reason.
    pub rejects: BTreeMap<&'static str, u64>,
    /// Alerts, by kind.
    pub alerts: BTreeMap<&'static str, u64>,
    /// The first fires.
    pub fires: Vec<FireRow>,
    /// The first repairs.
    pub repairs: Vec<RepairRow>,
    /// From the beginning to the end, in nanoseconds.
    pub lasted_ns: u64,
    /// When it began, UTC; 0 if not known.
    pub begins_utc_ns: u64,
    /// Where the second period begins, after the beginning; `None` without one.
    pub split_ns: Option<u64>,
}

impl Outcome {
    /// All pairs in a period: counts, and money added up as if it were of one currency.
    #[must_use]
    pub fn period(&self, period: usize) -> Counts {
        self.period_of(period, |_| true)
    }

    /// The pairs whose row `is_in` takes, in a period; money as for `period`.
    #[must_use]
    pub fn period_of(&self, period: usize, is_in: impl Fn(usize) -> bool) -> Counts {
        let mut sum = Counts::default();
        let pairs = self.pairs.iter().enumerate().filter(|(row, _)| is_in(*row));
        pairs.filter_map(|(_, pair)| pair.periods.get(period)).for_each(|of| sum.add(of));
        sum
    }

    /// All pairs in both periods.
    #[must_use]
    pub fn whole(&self) -> Counts {
        let mut sum = self.period(0);
        sum.add(&self.period(1));
        sum
    }
}
