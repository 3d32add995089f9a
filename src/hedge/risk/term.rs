//! How far goods and hedges of a product stand apart in time.
//!
//! What is long in some months is set against what is short in others: a lot that has to wait a
//! month for what it is set against is one lot-month. `mismatch` is the fewest there can be; what
//! finds nothing against it is not in it, since that is the net, which has a limit of its own.
//! `slope` is the first moment of the months around the book's: what is earned if every month rises
//! by 1 against the one before it.
//!
//! The fewest are a flow of least cost along the months, found by successive cheapest paths (R.
//! Ahuja, T. Magnanti, J. Orlin, "Network Flows", 1993, section 9.7); between two months there is
//! one path. Exact. Called by `risk`.

use crate::config::Rational;

/// What stands apart, in lots times months.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Term {
    /// The fewest lot-months by which what is long meets what is short.
    pub mismatch: Rational,
    /// Lots times months from the book's; above zero: what is long is later.
    pub slope: Rational,
    /// Lots that find nothing against them, with their sign.
    pub unmatched: Rational,
}

/// The term of lots by month, months counted from the book's; `None` if it cannot be held.
#[must_use]
pub fn of(net: &[(i64, Rational)]) -> Option<Term> {
    let mut months: Vec<(i64, Rational)> = net.to_vec();
    months.sort_by_key(|(month, _)| *month);
    let unmatched = months.iter().try_fold(Rational::ZERO, |sum, (_, lots)| sum.plus(*lots))?;
    let slope = months.iter().try_fold(Rational::ZERO, |sum, (month, lots)| {
        sum.plus(lots.times(Rational::whole(*month))?)
    })?;
    // The side of which there is less finds a place for all of it.
    let is_short_less = !unmatched.is_negative();
    let is_less = |lots: Rational| lots.is_negative() == is_short_less && !lots.is_zero();
    let mut line = Line { months: &months, flows: vec![Rational::ZERO; months.len()] };
    let mut room: Vec<Rational> = months
        .iter()
        .map(|(_, lots)| if is_less(*lots) { Rational::ZERO } else { lots.magnitude() })
        .collect();
    for (from, (_, lots)) in months.iter().enumerate().filter(|(_, (_, lots))| is_less(*lots)) {
        let mut left = lots.magnitude();
        while !left.is_zero() {
            let places = (0..room.len()).filter(|to| !room[*to].is_zero());
            // Rounding nothing, both sides sum up: there is room for all that is left.
            let to = places.min_by_key(|to| line.cost(from, *to))?;
            let most = line.most(from, to).map_or(room[to], |most| least(most, room[to]));
            let part = least(left, most);
            line.push(from, to, part)?;
            room[to] = room[to].minus(part)?;
            left = left.minus(part)?;
        }
    }
    let gaps = months.windows(2).map(|pair| Rational::whole(pair[1].0 - pair[0].0));
    let parts = gaps.zip(&line.flows).map(|(gap, flow)| gap.times(flow.magnitude()));
    let mismatch = parts.into_iter().try_fold(Rational::ZERO, |sum, part| sum.plus(part?))?;
    Some(Term { mismatch, slope, unmatched })
}

fn least(one: Rational, other: Rational) -> Rational {
    if other.is_below(one) { other } else { one }
}

/// Months in a row, and what is carried from each to the next; below zero: back.
struct Line<'m> {
    months: &'m [(i64, Rational)],
    flows: Vec<Rational>,
}

impl Line<'_> {
    /// The steps of a path, each with whether it takes back what flows against it.
    fn path(&self, from: usize, to: usize) -> impl Iterator<Item = (usize, bool)> {
        let is_on = from < to;
        (from.min(to)..from.max(to)).map(move |at| {
            let flow = self.flows[at];
            (at, !flow.is_zero() && flow.is_negative() == is_on)
        })
    }

    /// Months that one more lot is carried, less those that it spares another.
    fn cost(&self, from: usize, to: usize) -> i64 {
        let gap = |at: usize| self.months[at + 1].0 - self.months[at].0;
        self.path(from, to).map(|(at, is_back)| if is_back { -gap(at) } else { gap(at) }).sum()
    }

    /// How much can go that way at that cost; `None`: any amount.
    fn most(&self, from: usize, to: usize) -> Option<Rational> {
        let back = self.path(from, to).filter(|(_, is_back)| *is_back);
        back.map(|(at, _)| self.flows[at].magnitude()).reduce(least)
    }

    fn push(&mut self, from: usize, to: usize, part: Rational) -> Option<()> {
        let part = if from < to { part } else { part.negated() };
        for at in from.min(to)..from.max(to) {
            self.flows[at] = self.flows[at].plus(part)?;
        }
        Some(())
    }
}
