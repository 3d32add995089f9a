//! The part of a book that the public sees, and its changes level by level.
//!
//! Changes are differences between two states of the book, so one rule serves a market that tells
//! each event and one that tells slices. Applied in order they lead from the one to the other: an
//! insertion pushes the levels below it down, and the last one off without a word; a deletion draws
//! them up, and what comes into sight at the bottom is inserted. Deletions on both sides come
//! first, so that no state between two changes is crossed.

use super::order::ListingIndex;
use xmc_hotpath::message::Side;

/// A price level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Units of 1e-9.
    pub price_e9: i64,
    /// All lots at this price.
    pub lots: u32,
    /// All orders at this price.
    pub orders: u32,
}

/// What happens to a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It appears.
    Insert,
    /// Lots or orders are others.
    Modify,
    /// It is gone.
    Delete,
}

/// A change of one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Which instrument.
    pub listing: ListingIndex,
    /// Buyers or sellers.
    pub side: Side,
    /// What happens.
    pub action: Action,
    /// Where, when all changes before it are done; 1 is the best.
    pub place: u8,
    /// What is there, or for a deletion what was.
    pub rung: Rung,
}

/// The shown levels of both sides, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Buyers.
    pub bids: Vec<Rung>,
    /// Sellers.
    pub asks: Vec<Rung>,
}

impl Shown {
    /// One side.
    #[must_use]
    pub fn side(&self, side: Side) -> &[Rung] {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    /// Becomes `next`, and says how in `levels`.
    pub(super) fn become_next(
        &mut self,
        next: Shown,
        depth: usize,
        listing: ListingIndex,
        levels: &mut Vec<Level>,
    ) {
        let mut tell = |side, action, place: usize, rung| {
            let place = u8::try_from(place + 1).expect("at most 10 levels are shown");
            levels.push(Level { listing, side, action, place, rung });
        };
        let mut sides =
            [(Side::Buy, &mut self.bids, &next.bids), (Side::Sell, &mut self.asks, &next.asks)];
        for (side, old, new) in &mut sides {
            vanish(*side, old, new, depth, |place, rung| tell(*side, Action::Delete, place, rung));
        }
        for (side, old, new) in &mut sides {
            for (place, rung) in new.iter().enumerate() {
                match old.get(place) {
                    Some(there) if there == rung => continue,
                    Some(there) if there.price_e9 == rung.price_e9 => {
                        old[place] = *rung;
                        tell(*side, Action::Modify, place, *rung);
                    }
                    _ => {
                        old.insert(place, *rung);
                        old.truncate(depth);
                        tell(*side, Action::Insert, place, *rung);
                    }
                }
            }
        }
        debug_assert_eq!(*self, next, "the changes lead to the next state");
    }
}

/// Deletes the levels that are gone, the deepest first; one that insertions will push off the end
/// is left to them.
fn vanish(
    side: Side,
    old: &mut Vec<Rung>,
    new: &[Rung],
    depth: usize,
    mut tell: impl FnMut(usize, Rung),
) {
    let last = new.get(depth.wrapping_sub(1)).map(|rung| rung.price_e9);
    let is_pushed_off = |price_e9: i64| match (side, last) {
        (_, None) => false,
        (Side::Buy, Some(last)) => price_e9 < last,
        (Side::Sell, Some(last)) => price_e9 > last,
    };
    for place in (0..old.len()).rev() {
        let rung = old[place];
        let is_there = new.iter().any(|other| other.price_e9 == rung.price_e9);
        if !is_there && !is_pushed_off(rung.price_e9) {
            old.remove(place);
            tell(place, rung);
        }
    }
}
