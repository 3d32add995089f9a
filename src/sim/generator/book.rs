//! One side of the venue's own book, and the entries by which the venue tells of its changes.
//!
//! The venue knows more levels than it shows: what is deleted from the shown ones is refilled from
//! below by an explicit insertion, and what falls off the bottom is not told. Prices are in ticks.

use xmc_hotpath::venue::cme::mdp3::layout::{Action, EntryKind};

/// A price level of the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rung {
    pub ticks: i64,
    pub lots: u32,
    /// 0 in an implied book.
    pub orders: u32,
}

/// One entry to be sent, without the instrument and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub kind: EntryKind,
    pub action: Action,
    /// 1 is the best level.
    pub level: u8,
    pub rung: Rung,
}

/// One side.
#[derive(Clone, Debug)]
pub(super) struct Side {
    kind: EntryKind,
    is_bid: bool,
    /// Levels that are shown.
    depth: usize,
    /// Levels that are known.
    room: usize,
    rungs: Vec<Rung>,
}

impl Side {
    /// An empty side that shows `depth` levels and knows `hidden` more.
    pub fn new(kind: EntryKind, depth: u8, hidden: usize) -> Self {
        let is_bid = matches!(kind, EntryKind::Bid | EntryKind::ImpliedBid);
        let depth = usize::from(depth);
        Self { kind, is_bid, depth, room: depth + hidden, rungs: Vec::new() }
    }

    /// All levels, best first.
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// The levels that the market sees, best first.
    pub fn shown(&self) -> &[Rung] {
        &self.rungs[..self.depth.min(self.rungs.len())]
    }

    /// How many levels it may know.
    pub fn room(&self) -> usize {
        self.room
    }

    /// The best price.
    pub fn best(&self) -> Option<i64> {
        self.rungs.first().map(|rung| rung.ticks)
    }

    /// `ticks` moved by `distance` away from the other side.
    pub fn worse(&self, ticks: i64, distance: i64) -> i64 {
        if self.is_bid { ticks - distance } else { ticks + distance }
    }

    /// Whether `ticks` is a strictly better price than `other`.
    pub fn is_better(&self, ticks: i64, other: i64) -> bool {
        if self.is_bid { ticks > other } else { ticks < other }
    }

    /// The place of a price: where it is, or where it would be.
    fn place(&self, ticks: i64) -> Result<usize, usize> {
        let key = |price: i64| if self.is_bid { -price } else { price };
        self.rungs.binary_search_by_key(&key(ticks), |rung| key(rung.ticks))
    }

    /// Sets what stands at a price; a price that is too far from the best one is forgotten.
    pub fn put(&mut self, rung: Rung, edits: &mut Vec<Edit>) {
        match self.place(rung.ticks) {
            Ok(place) if self.rungs[place] == rung => {}
            Ok(place) => {
                self.rungs[place] = rung;
                self.tell(Action::Change, place, rung, edits);
            }
            Err(place) => {
                self.rungs.insert(place, rung);
                self.rungs.truncate(self.room);
                self.tell(Action::New, place, rung, edits);
            }
        }
    }

    /// Removes the level at a place; the one below the shown ones comes into sight.
    pub fn remove(&mut self, place: usize, edits: &mut Vec<Edit>) {
        let rung = self.rungs.remove(place);
        self.tell(Action::Delete, place, rung, edits);
        if let (true, Some(&risen)) = (place < self.depth, self.rungs.get(self.depth - 1)) {
            self.tell(Action::New, self.depth - 1, risen, edits);
        }
    }

    /// Removes whatever is better than a price.
    pub fn retreat(&mut self, ticks: i64, edits: &mut Vec<Edit>) {
        while self.best().is_some_and(|best| self.is_better(best, ticks)) {
            self.remove(0, edits);
        }
    }

    fn tell(&self, action: Action, place: usize, rung: Rung, edits: &mut Vec<Edit>) {
        if place < self.depth {
            let level = u8::try_from(place + 1).expect("a book shows at most 10 levels");
            edits.push(Edit { kind: self.kind, action, level, rung });
        }
    }
}
