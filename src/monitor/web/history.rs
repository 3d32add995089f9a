//! What the chart begins with: the last minutes of the first pairs, and what fired.
//!
//! Kept by the thread that serves, from the moments that it is shown. Pairs behind the first ones
//! have a chart from when somebody looks at them.

use super::moment::Moment;
use crate::monitor::tally::{Happened, Happening};
use serde::Serialize;
use std::collections::VecDeque;
use xmc_hotpath::message::Gate;

/// Pairs whose past is kept.
const PAIRS: usize = 64;
/// Points of each: twenty minutes.
const POINTS: usize = 2_400;
/// Marks of each.
const MARKS: usize = 2_000;
/// Between two points.
const BETWEEN_NS: u64 = 500_000_000;

/// The past of the first pairs.
#[derive(Debug, Default)]
pub struct History {
    pairs: Vec<Past>,
    /// When the last points were taken, nanoseconds since the engine began.
    taken_ns: Option<u64>,
    /// The first happening that was not looked at.
    next: u64,
}

/// The past of one pair. Figures are for drawing: what is exact is in the moment.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Past {
    /// Seconds since the engine began, with what one unit cost and brought then; `null` where a
    /// book did not hold it.
    points: VecDeque<(f64, Option<f64>, Option<f64>)>,
    /// What fired.
    marks: VecDeque<Mark>,
}

/// A fire.
#[derive(Clone, Debug, Serialize)]
pub struct Mark {
    /// Its number among all that happened.
    pub number: u64,
    /// Seconds since the engine began.
    pub at: f64,
    /// The value that it fired at.
    pub value: f64,
    /// What it did: a code of `Intent`.
    pub intent: &'static str,
}

/// A value for drawing.
#[expect(clippy::cast_precision_loss, reason = "a chart has a thousand pixels")]
pub fn drawn(value_e9: i64) -> f64 {
    value_e9 as f64 / 1e9
}

/// Seconds for drawing.
#[expect(clippy::cast_precision_loss, reason = "a chart has a thousand pixels")]
pub fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// The fire that happened, if it was one; times count from `begun_ns` of the engine's clock.
pub fn mark(happening: &Happening, begun_ns: u64) -> Option<Mark> {
    match happening.what {
        Happened::Decided(decision) if decision.gate == Gate::Passed => Some(Mark {
            number: happening.number,
            at: seconds(happening.at.0.saturating_sub(begun_ns)),
            value: drawn(decision.value_e9),
            intent: decision.intent.word(),
        }),
        _ => None,
    }
}

impl History {
    /// Takes what is new.
    pub fn take(&mut self, moment: &Moment) {
        let view = &moment.view;
        let begun_ns = moment.begun_ns();
        self.pairs.resize_with(view.pairs.len().min(PAIRS), Past::default);
        for happening in view.happenings.iter().rev().filter(|row| row.number >= self.next) {
            let past = self.pairs.get_mut(happening.what.spread().0 as usize);
            if let Some((past, mark)) = past.zip(mark(happening, begun_ns)) {
                push(&mut past.marks, mark, MARKS);
            }
        }
        self.next = view.happenings.first().map_or(self.next, |last| last.number + 1);
        let now_ns = view.running.0;
        if self.taken_ns.is_some_and(|taken| now_ns.saturating_sub(taken) < BETWEEN_NS) {
            return;
        }
        self.taken_ns = Some(now_ns);
        for (past, pair) in self.pairs.iter_mut().zip(&view.pairs) {
            let point = (seconds(now_ns), pair.buy_e9.map(drawn), pair.sell_e9.map(drawn));
            push(&mut past.points, point, POINTS);
        }
    }

    /// The past of a pair; nothing of one whose past is not kept.
    pub fn of(&self, pair: usize) -> Past {
        self.pairs.get(pair).cloned().unwrap_or_default()
    }
}

fn push<T>(rows: &mut VecDeque<T>, row: T, most: usize) {
    if rows.len() >= most {
        rows.pop_front();
    }
    rows.push_back(row);
}
