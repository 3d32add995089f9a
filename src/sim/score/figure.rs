//! The figures of a score: what each is made of, and which way is better.

use super::interval::Pair;
use super::receipts::Counts;

/// One figure, of sums over markets.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Its key in JSON.
    pub key: &'static str,
    /// Its name, in both languages.
    pub title: [&'static str; 2],
    /// What it counts.
    pub unit: &'static str,
    /// How it is made.
    pub what: &'static str,
    /// More of it is better.
    pub is_more_better: bool,
    /// It is one of those in which the desk must not be worse.
    pub is_required: bool,
    of: fn(&Counts) -> Option<f64>,
}

/// All of them.
pub const FIGURES: &[Figure] = &[
    Figure {
        key: "capture",
        title: ["opportunity capture", "机会捕捉率"],
        unit: "%",
        what: "opportunities in which a fire was decided on that ended in ratio with units done, \
               of all that the market had",
        is_more_better: true,
        is_required: true,
        of: |counts| percent(counts.captured, counts.opportunities),
    },
    Figure {
        key: "success",
        title: ["execution success", "执行成功率"],
        unit: "%",
        what: "fires that did all that was asked by their first orders, of all fires",
        is_more_better: true,
        is_required: true,
        of: |counts| percent(counts.fired.whole, counts.fired.fires),
    },
    Figure {
        key: "failures",
        title: ["failures", "失败率"],
        unit: "%",
        what: "fires whose first orders left legs out of ratio, or that never ended, of all fires",
        is_more_better: false,
        is_required: true,
        of: |counts| percent(counts.fired.one_sided + counts.fired.unended, counts.fired.fires),
    },
    Figure {
        key: "mended",
        title: ["mended", "补单回退成功率"],
        unit: "%",
        what: "fires whose first orders left legs out of ratio that ended in ratio without a halt, \
               of all of those",
        is_more_better: true,
        is_required: false,
        of: |counts| percent(counts.ended.flat, counts.ended.repaired),
    },
    Figure {
        key: "slippage",
        title: ["slippage", "滑点"],
        unit: "%",
        what: "what fires cost beyond what the books showed as they were decided on, repairs \
               included, those that cost more, of the money traded",
        is_more_better: false,
        is_required: true,
        of: |counts| share(counts.slipped_e9 as f64 * 100.0, counts.traded_e9 as f64),
    },
    Figure {
        key: "improvement",
        title: ["price improvement", "价格改善"],
        unit: "%",
        what: "what the other fires cost less than that; a leg that comes later is only filled if \
               its price has not got worse, and that picks those where it got better",
        is_more_better: true,
        is_required: false,
        of: |counts| share(counts.improved_e9 as f64 * 100.0, counts.traded_e9 as f64),
    },
    Figure {
        key: "shortfall",
        title: ["shortfall", "执行落差"],
        unit: "money a unit",
        what: "slippage less improvement, and what units that were asked for and not done were \
               worth beyond their level, of the units asked for",
        is_more_better: false,
        is_required: false,
        of: |counts| {
            let net_e9 = counts.slipped_e9 as f64 - counts.improved_e9 as f64;
            share((net_e9 + counts.missed_e9 as f64) / 1e9, counts.asked_units as f64)
        },
    },
    Figure {
        key: "exposure",
        title: ["one-sided exposure", "单边敞口"],
        unit: "lot seconds a fire",
        what: "lots beyond whole units by the seconds for which they stood there, by fire",
        is_more_better: false,
        is_required: false,
        of: |counts| share(counts.exposed_lot_ns as f64 / 1e9, counts.fired.fires as f64),
    },
    Figure {
        key: "repairs",
        title: ["cost of repairs", "补单回退成本"],
        unit: "money a fire",
        what: "what fires whose first orders left legs out of ratio cost beyond what the books \
               showed as they were decided on, by fire, all fires counted",
        is_more_better: false,
        is_required: false,
        of: |counts| share(counts.repairs_e9 as f64 / 1e9, counts.fired.fires as f64),
    },
];

fn percent(part: u64, whole: u64) -> Option<f64> {
    share(part as f64 * 100.0, whole as f64)
}

fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then_some(part / whole)
}

impl Figure {
    /// Its value; `None` if there is nothing to count.
    #[must_use]
    pub fn of(&self, counts: &Counts) -> Option<f64> {
        (self.of)(counts)
    }

    /// What the desk has more of it than the same desk leg after leg.
    #[must_use]
    pub fn difference(&self, [desk, apart]: &Pair) -> Option<f64> {
        Some(self.of(desk)? - self.of(apart)?)
    }
}
