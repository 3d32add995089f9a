//! Deadlines of the desk: at most one per row, the earliest first. An indexed binary heap.
//!
//! Setting and clearing a deadline moves the row inside the heap, so that a timer that was cleared
//! leaves nothing behind: fires set and clear one a hundred thousand times a second.

use crate::record::codec::{Decoder, Encoder, Field, fields, put_rows, take_rows};
use crate::time::MonoNs;

/// One row's place in the heap and its deadline.
#[derive(Clone, Copy, Debug)]
pub struct Timer {
    /// When it is due; `MonoNs::NEVER` if it is not set.
    due: MonoNs,
    /// Where the row stands in the heap, if it is set.
    place: u32,
    /// The heap itself: the row that stands at this place.
    row: u32,
}

fields! {
    Timer {
        due: MonoNs,
        place: u32,
        row: u32,
    }
}

impl Timer {
    /// Not set.
    pub const EMPTY: Self = Self { due: MonoNs::NEVER, place: 0, row: 0 };
}

/// The deadlines of rows 0 to the length of the storage.
#[derive(Debug)]
pub struct Timers<'a> {
    slots: &'a mut [Timer],
    set: u32,
}

impl<'a> Timers<'a> {
    /// None set; `slots` has one for every row.
    #[must_use]
    pub fn new(slots: &'a mut [Timer]) -> Self {
        slots.fill(Timer::EMPTY);
        Self { slots, set: 0 }
    }

    pub(super) fn save(&self, out: &mut Encoder<'_>) {
        let Self { slots, set } = self;
        put_rows(slots, out);
        set.put(out);
    }

    pub(super) fn load(&mut self, input: &mut Decoder<'_>) -> Option<()> {
        take_rows(self.slots, input)?;
        self.set = Field::take(input)?;
        Some(())
    }

    /// The earliest deadline; `NEVER` if none is set.
    #[inline]
    #[must_use]
    pub fn next(&self) -> MonoNs {
        self.first().map_or(MonoNs::NEVER, |(due, _)| due)
    }

    /// Takes the row whose deadline is the earliest, if that is not after `now`.
    #[inline]
    pub fn pop_due(&mut self, now: MonoNs) -> Option<u32> {
        let (due, row) = self.first()?;
        if due > now {
            return None;
        }
        self.clear(row);
        Some(row)
    }

    /// Sets or moves the deadline of `row`.
    #[inline]
    pub fn set(&mut self, row: u32, due: MonoNs) {
        if due == MonoNs::NEVER {
            self.clear(row);
            return;
        }
        let was = self.due(row);
        let Some(slot) = self.slot_mut(row) else {
            return;
        };
        slot.due = due;
        let place = slot.place;
        if was == MonoNs::NEVER {
            let last = self.set;
            self.set = self.set.wrapping_add(1);
            self.put(last, row);
            self.rise(last);
        } else if due < was {
            self.rise(place);
        } else {
            self.sink(place);
        }
    }

    /// Sets the deadline of `row` if it has none.
    pub fn set_first(&mut self, row: u32, due: MonoNs) {
        if self.due(row) == MonoNs::NEVER {
            self.set(row, due);
        }
    }

    /// Takes the deadline of `row` away, if it has one.
    #[inline]
    pub fn clear(&mut self, row: u32) {
        if self.due(row) == MonoNs::NEVER {
            return;
        }
        if let Some(slot) = self.slot_mut(row) {
            slot.due = MonoNs::NEVER;
        }
        self.remove(row);
    }

    /// Takes a row whose deadline was just cleared out of the heap.
    fn remove(&mut self, row: u32) {
        let Some(place) = self.slot_mut(row).map(|slot| slot.place) else {
            return;
        };
        self.set = self.set.saturating_sub(1);
        let last = self.set;
        if place == last {
            return;
        }
        let moved = self.row_at(last);
        self.put(place, moved);
        self.rise(place);
        let place = self.slot_mut(moved).map_or(place, |slot| slot.place);
        self.sink(place);
    }

    fn first(&self) -> Option<(MonoNs, u32)> {
        (self.set > 0).then(|| {
            let row = self.row_at(0);
            (self.due(row), row)
        })
    }

    /// Moves the row at `place` up while it is earlier than the one above.
    fn rise(&mut self, mut place: u32) {
        while place > 0 {
            let above = place.wrapping_sub(1) >> 1;
            if self.due_at(above) <= self.due_at(place) {
                return;
            }
            self.swap(above, place);
            place = above;
        }
    }

    /// Moves the row at `place` down while one below is earlier.
    fn sink(&mut self, mut place: u32) {
        loop {
            let left = place.wrapping_mul(2).wrapping_add(1);
            let right = left.wrapping_add(1);
            let mut earliest = place;
            if left < self.set && self.due_at(left) < self.due_at(earliest) {
                earliest = left;
            }
            if right < self.set && self.due_at(right) < self.due_at(earliest) {
                earliest = right;
            }
            if earliest == place {
                return;
            }
            self.swap(earliest, place);
            place = earliest;
        }
    }

    fn swap(&mut self, one: u32, other: u32) {
        let (first, second) = (self.row_at(one), self.row_at(other));
        self.put(one, second);
        self.put(other, first);
    }

    fn put(&mut self, place: u32, row: u32) {
        if let Some(slot) = self.slot_mut(place) {
            slot.row = row;
        }
        if let Some(slot) = self.slot_mut(row) {
            slot.place = place;
        }
    }

    #[inline]
    fn slot_mut(&mut self, index: u32) -> Option<&mut Timer> {
        self.slots.get_mut(usize::try_from(index).ok()?)
    }

    #[inline]
    fn slot(&self, index: u32) -> Option<&Timer> {
        self.slots.get(usize::try_from(index).ok()?)
    }

    #[inline]
    fn row_at(&self, place: u32) -> u32 {
        self.slot(place).map_or(u32::MAX, |slot| slot.row)
    }

    #[inline]
    fn due(&self, row: u32) -> MonoNs {
        self.slot(row).map_or(MonoNs::NEVER, |slot| slot.due)
    }

    #[inline]
    fn due_at(&self, place: u32) -> MonoNs {
        self.due(self.row_at(place))
    }
}
