//! Which spreads are to be looked at, each once, and in which order.
//!
//! A currency may price hundreds of spreads, and one quote of it touches them all. They are looked
//! at in slices: so many spreads in one input and no more (`LOOKS_PER_INPUT`), the rest in the next
//! ones, which are asked for at once; news of orders comes between. Spreads of which a traded leg
//! was quoted go before those that were only priced anew, but a part of each slice
//! (`LATER_PER_INPUT`) is for these, so that none waits for ever. Within each the one touched
//! longest ago comes first.
//!
//! Called by `Desk::on_quote`, which marks, and by `fire`, which takes.

use super::Spread;
use super::table::Table;
use crate::message::SpreadIndex;
use crate::record::codec::{Decoder, Encoder, Field, put_rows, take_rows};

/// Spreads that one input has looked at, at most.
pub(super) const LOOKS_PER_INPUT: u32 = 32;
/// Of these, how many are of the second queue if it has as many.
const LATER_PER_INPUT: u32 = 8;

/// A spread that is to be looked at.
#[derive(Debug)]
pub(super) struct Touched<'t> {
    pub(super) index: u32,
    pub(super) row: &'t mut Spread,
    /// By a leg that only prices.
    pub(super) only_prices: bool,
}

/// Two circles with a row for every spread.
#[derive(Debug)]
pub(super) struct Dirty<'a> {
    first: Circle<'a>,
    later: Circle<'a>,
}

impl<'a> Dirty<'a> {
    /// Nothing is to be looked at; `rows` are two for every spread.
    pub(super) fn new(rows: &'a mut [u32]) -> Self {
        let (first, later) = rows.split_at_mut(rows.len() >> 1);
        Self { first: Circle::new(first), later: Circle::new(later) }
    }

    pub(super) fn save(&self, out: &mut Encoder<'_>) {
        let Self { first, later } = self;
        first.save(out);
        later.save(out);
    }

    pub(super) fn load(&mut self, input: &mut Decoder<'_>) -> Option<()> {
        self.first.load(input)?;
        self.later.load(input)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.first.count == 0 && self.later.count == 0
    }

    /// Marks a spread of which a leg was quoted in this turn.
    #[inline]
    pub(super) fn mark(&mut self, Touched { index, row, only_prices }: Touched<'_>, turn: u32) {
        if !row.is_dirty && !row.is_later {
            row.marked = turn;
        } else if row.marked != turn {
            // It waits with a book that nobody has looked at.
            row.met = None;
        }
        if row.is_dirty {
            return;
        }
        if !only_prices {
            row.is_dirty = self.first.push(index);
            return;
        }
        row.is_later = true;
        row.has_later = row.has_later || self.later.push(index);
    }

    /// As `mark`, but it is taken first if it does not wait in the first queue already.
    pub(super) fn mark_first(&mut self, Touched { index, row, .. }: Touched<'_>, turn: u32) {
        if !row.is_dirty {
            row.marked = if row.is_later { row.marked } else { turn };
            row.is_dirty = self.first.push_front(index);
        }
    }

    /// Takes the next one, with so many looks left in this input. The caller has `looked` at it.
    #[inline]
    pub(super) fn pop(&mut self, table: &mut Table<'_>, looks_left: u32) -> Option<SpreadIndex> {
        if looks_left > LATER_PER_INPUT || self.later.count == 0 {
            let first = self.first.pop();
            if first.is_some() {
                return first;
            }
        }
        while let Some(index) = self.later.pop() {
            let Some(row) = table.spread_mut(index) else {
                continue;
            };
            row.has_later = false;
            // It was looked at meanwhile, or waits in the first queue, out of which it is taken:
            // what is taken out of one and stays in the other would come to be there twice.
            if row.is_later && !row.is_dirty {
                return Some(index);
            }
        }
        self.first.pop()
    }
}

impl Spread {
    /// It is being looked at: it waits no more.
    #[inline]
    pub(super) fn looked(&mut self) {
        (self.is_dirty, self.is_later) = (false, false);
    }
}

/// Rows in the order in which they came.
#[derive(Debug)]
struct Circle<'a> {
    rows: &'a mut [u32],
    first: usize,
    count: usize,
}

impl<'a> Circle<'a> {
    fn new(rows: &'a mut [u32]) -> Self {
        Self { rows, first: 0, count: 0 }
    }

    fn save(&self, out: &mut Encoder<'_>) {
        let Self { rows, first, count } = self;
        put_rows(rows, out);
        first.put(out);
        count.put(out);
    }

    fn load(&mut self, input: &mut Decoder<'_>) -> Option<()> {
        take_rows(self.rows, input)?;
        self.first = Field::take(input)?;
        self.count = Field::take(input)?;
        Some(())
    }

    /// Adds a row behind all others, if there is room.
    #[inline]
    fn push(&mut self, index: u32) -> bool {
        let last = self.wrap(self.first.wrapping_add(self.count));
        self.put(last, index)
    }

    /// Adds one before all others.
    fn push_front(&mut self, index: u32) -> bool {
        let first = self.first.checked_sub(1).unwrap_or(self.rows.len().saturating_sub(1));
        let is_put = self.put(first, index);
        if is_put {
            self.first = first;
        }
        is_put
    }

    #[inline]
    fn put(&mut self, place: usize, index: u32) -> bool {
        // Each row is in it once, so that it is never full before it has all of them.
        if self.count >= self.rows.len() {
            return false;
        }
        let Some(slot) = self.rows.get_mut(place) else {
            return false;
        };
        *slot = index;
        self.count = self.count.wrapping_add(1);
        true
    }

    #[inline]
    fn pop(&mut self) -> Option<SpreadIndex> {
        self.count = self.count.checked_sub(1)?;
        let index = *self.rows.get(self.first)?;
        self.first = self.wrap(self.first.wrapping_add(1));
        Some(SpreadIndex(index))
    }

    #[inline]
    fn wrap(&self, position: usize) -> usize {
        let len = self.rows.len();
        if position >= len { position.wrapping_sub(len) } else { position }
    }
}
