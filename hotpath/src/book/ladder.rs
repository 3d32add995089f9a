//! One side of a book: price levels in their places, the best first.
//!
//! A side is an array with holes, not a list: a level that was never told (a book that is built
//! from the middle of the day) leaves a hole, and holes shift as levels do. Presence is `lots > 0`,
//! never the price: a price of zero and prices below zero are levels like others.

use crate::message::{Depth, QUOTE_LEVELS};

/// One price level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Level {
    /// Price in units of 1e-9.
    pub price_e9: i64,
    /// Lots shown; 0 means that there is no level.
    pub lots: u32,
    /// Orders behind it; 0 means not told (implied levels).
    pub orders: u32,
}

impl Level {
    /// No level.
    pub const EMPTY: Self = Self { price_e9: 0, lots: 0, orders: 0 };

    /// Whether there is one.
    #[inline(always)]
    #[must_use]
    pub const fn is_present(&self) -> bool {
        self.lots > 0
    }
}

/// What a venue does to a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Inserts a level; it and those below shift down, the deepest falls off and is forgotten.
    Insert,
    /// Replaces lots and orders; the price stays.
    Change,
    /// Removes a level; those below shift up and the deepest place becomes empty.
    Delete,
    /// Removes the levels from the best one through this one; those below shift up.
    ///
    /// INFERENCE: FIX 5.0 SP2 tag 279 = 3. No page of CME defines it for books by price, and open
    /// clients disagree (one clears the whole side), so it is applied and reported as `Inferred`.
    DeleteThru,
    /// Removes this level and those below.
    ///
    /// INFERENCE: FIX 5.0 SP2 tag 279 = 4; as for `DeleteThru` (one open client removes from the
    /// best level instead).
    DeleteFrom,
    /// Replaces the level, price and all.
    ///
    /// INFERENCE: FIX 5.0 SP2 tag 279 = 5; open clients agree.
    Overlay,
}

/// One instruction of a venue to one side of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// What to do.
    pub action: Action,
    /// Where: 1 is the best level.
    pub level: u8,
    /// Price in units of 1e-9, if told.
    pub price_e9: Option<i64>,
    /// Lots; 0 means not told.
    pub lots: u32,
    /// Orders; 0 means not told.
    pub orders: u32,
}

/// Why a book can no longer be believed, or could not take an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BookError {
    /// The level is 0 or deeper than the book. Nothing was done.
    Level,
    /// A level without lots, or with fewer than none. Nothing was done.
    Lots,
    /// A level without a price. Nothing was done.
    Price,
    /// The action or the side stands for nothing known. Nothing was done.
    Unknown,
    /// Changed or deleted a level that is not there: a change puts it there, a delete shifts those
    /// below up, as at the venue.
    Vacant,
    /// Changed or deleted a level that has another price here than at the venue; it was done.
    OtherPrice,
    /// Done as FIX has it, which the venue does not promise (`Action::DeleteThru`, `DeleteFrom`).
    Inferred,
}

impl BookError {
    /// Every variant, in the order of `index`: one counter each.
    pub const ALL: [Self; 7] = [
        Self::Level,
        Self::Lots,
        Self::Price,
        Self::Unknown,
        Self::Vacant,
        Self::OtherPrice,
        Self::Inferred,
    ];

    /// The place of this variant among the counters.
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Level => 0,
            Self::Lots => 1,
            Self::Price => 2,
            Self::Unknown => 3,
            Self::Vacant => 4,
            Self::OtherPrice => 5,
            Self::Inferred => 6,
        }
    }
}

/// One side with room for `N` levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Ladder<const N: usize> {
    levels: [Level; N],
}

impl<const N: usize> Ladder<N> {
    /// No level at all.
    pub const EMPTY: Self = Self { levels: [Level::EMPTY; N] };

    /// The places, best first; those without a level are `Level::EMPTY`.
    #[inline(always)]
    #[must_use]
    pub const fn levels(&self) -> &[Level; N] {
        &self.levels
    }

    /// Whether levels are there but the best one is not.
    #[inline(always)]
    #[must_use]
    pub fn has_hole_at_top(&self) -> bool {
        let mut levels = self.levels.iter();
        levels.next().is_some_and(|best| !best.is_present()) && levels.any(Level::is_present)
    }

    /// Carries out one instruction on a side that the venue keeps `depth` levels deep.
    ///
    /// # Errors
    /// See `BookError`: each says what was done all the same.
    #[inline(always)]
    pub fn apply(&mut self, depth: u8, change: &Change) -> Result<(), BookError> {
        let places = self.levels.get_mut(..usize::from(depth)).ok_or(BookError::Level)?;
        let index = usize::from(change.level).checked_sub(1).ok_or(BookError::Level)?;
        match change.action {
            Action::Insert => {
                let tail = places.get_mut(index..).filter(|tail| !tail.is_empty());
                push_front(tail.ok_or(BookError::Level)?, change.as_level()?);
                Ok(())
            }
            Action::Change => {
                let place = places.get_mut(index).ok_or(BookError::Level)?;
                let told = change.price_e9.or_else(|| place.is_present().then_some(place.price_e9));
                let old = *place;
                *place = Change { price_e9: told, ..*change }.as_level()?;
                compare(&old, change.price_e9)
            }
            Action::Delete => {
                let tail = places.get_mut(index..).ok_or(BookError::Level)?;
                let old = *tail.first().ok_or(BookError::Level)?;
                // The venue's levels shift whether or not we were told of this one.
                pop_front(tail);
                compare(&old, change.price_e9)
            }
            Action::DeleteThru | Action::DeleteFrom | Action::Overlay => {
                apply_rare(places, index, change)
            }
        }
    }

    /// Forgets the levels below the best `depth`; whether there were any.
    pub fn cut(&mut self, depth: u8) -> bool {
        let Some(below) = self.levels.get_mut(usize::from(depth)..) else { return false };
        let were_any = below.iter().any(Level::is_present);
        below.fill(Level::EMPTY);
        were_any
    }

    /// The best levels down to the first hole, over an absent side (`Depth::NO_BIDS`, `NO_ASKS`).
    #[inline(always)]
    #[must_use]
    pub fn depth(&self, absent: Depth) -> Depth {
        let mut depth = absent;
        let places = depth.price_e9.iter_mut().zip(&mut depth.lots);
        for ((price_e9, lots), level) in places.zip(&self.levels) {
            if !level.is_present() {
                break;
            }
            *price_e9 = level.price_e9;
            *lots = level.lots;
            depth.count = depth.count.wrapping_add(1);
        }
        depth
    }
}

impl Change {
    #[inline(always)]
    fn as_level(&self) -> Result<Level, BookError> {
        if self.lots == 0 {
            return Err(BookError::Lots);
        }
        let price_e9 = self.price_e9.ok_or(BookError::Price)?;
        Ok(Level { price_e9, lots: self.lots, orders: self.orders })
    }
}

/// Whether the level that was touched is the one that the venue meant.
#[inline(always)]
fn compare(old: &Level, told_e9: Option<i64>) -> Result<(), BookError> {
    if !old.is_present() {
        return Err(BookError::Vacant);
    }
    match told_e9 {
        Some(price_e9) if price_e9 != old.price_e9 => Err(BookError::OtherPrice),
        _ => Ok(()),
    }
}

// Loops with a carried level instead of `copy_within` or `rotate`: those check their ranges with a
// panic, and at ten levels the loop is as fast.

/// Puts `level` first; the others shift down and the last one falls off.
#[inline(always)]
fn push_front(places: &mut [Level], level: Level) {
    let mut carried = level;
    for place in places {
        carried = core::mem::replace(place, carried);
    }
}

/// Takes the first one out; the others shift up.
#[inline(always)]
fn pop_front(places: &mut [Level]) {
    let mut carried = Level::EMPTY;
    for place in places.iter_mut().rev() {
        carried = core::mem::replace(place, carried);
    }
}

#[cold]
#[inline(never)]
fn apply_rare(places: &mut [Level], index: usize, change: &Change) -> Result<(), BookError> {
    let place = places.get_mut(index).ok_or(BookError::Level)?;
    match change.action {
        Action::Overlay => *place = change.as_level()?,
        Action::DeleteFrom => {
            if let Some(tail) = places.get_mut(index..) {
                tail.fill(Level::EMPTY);
            }
            return Err(BookError::Inferred);
        }
        Action::DeleteThru => {
            for _ in 0..=index {
                pop_front(places);
            }
            return Err(BookError::Inferred);
        }
        // Carried out where they are common.
        Action::Insert | Action::Change | Action::Delete => return Err(BookError::Unknown),
    }
    Ok(())
}

/// Which way the prices of a side get worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Bids: the highest first.
    Falling,
    /// Asks: the lowest first.
    Rising,
}

impl Order {
    /// Whether `first` is strictly better than `second`.
    #[inline(always)]
    #[must_use]
    pub const fn is_better(self, first_e9: i64, second_e9: i64) -> bool {
        match self {
            Self::Falling => first_e9 > second_e9,
            Self::Rising => first_e9 < second_e9,
        }
    }

    /// Whether the levels of `depth` get strictly worse, as a side's must.
    #[inline(always)]
    #[must_use]
    pub fn holds(self, depth: &Depth) -> bool {
        let pairs = depth.price_e9.iter().zip(depth.price_e9.iter().skip(1));
        let below = depth.lots.iter().skip(1);
        // Branch-free over all places: absent ones pass.
        pairs.zip(below).fold(true, |holds, ((&upper, &lower), &lots)| {
            holds & (lots == 0 || self.is_better(upper, lower))
        })
    }
}

/// Two sides of one book as one: levels merged in order, lots of equal prices added.
#[inline]
#[must_use]
pub fn consolidate(order: Order, absent: Depth, first: &Depth, second: &Depth) -> Depth {
    let mut merged = absent;
    let mut first = first.levels().peekable();
    let mut second = second.levels().peekable();
    for (price_e9, lots) in merged.price_e9.iter_mut().zip(&mut merged.lots) {
        let level = match (first.peek().copied(), second.peek().copied()) {
            (Some(left), Some(right)) if left.0 == right.0 => {
                first.next();
                second.next();
                (left.0, left.1.saturating_add(right.1))
            }
            (Some(left), Some(right)) if order.is_better(right.0, left.0) => {
                second.next();
                right
            }
            (Some(left), _) => {
                first.next();
                left
            }
            (None, Some(right)) => {
                second.next();
                right
            }
            (None, None) => break,
        };
        (*price_e9, *lots) = level;
        merged.count = merged.count.wrapping_add(1);
    }
    merged
}

const _: () = assert!(size_of::<Level>() == 16 && QUOTE_LEVELS <= 10);
