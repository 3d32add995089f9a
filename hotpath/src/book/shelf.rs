//! The arena of instruments: rows, and the table that finds a row by the venue's number.

use super::{Day, Instrument, NO_INDEX};
use crate::message::InstrumentIndex;

/// A row of `Books`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row(u32);

impl Row {
    /// No row: what storage for rows is filled with.
    pub const NONE: Self = Self(u32::MAX);

    /// Its place in a table beside the rows.
    #[inline(always)]
    #[must_use]
    pub fn place(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// A place in the table from the venue's numbers to rows.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    security_id: i32,
    row: u32,
}

impl Slot {
    /// Free.
    pub const FREE: Self = Self { security_id: 0, row: u32::MAX };
}

/// Why storage cannot be used. The cold side sizes it, so this is a fault in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageError {
    /// The length must be a power of two, and at least 2.
    NotPowerOfTwo,
    /// The table must have at least twice as many places as there are rows.
    TooSmall,
}

/// All instruments of one channel.
#[derive(Debug)]
pub struct Books<'a> {
    rows: &'a mut [Instrument],
    /// Beside `rows`; empty where nobody asks for days.
    days: &'a mut [Day],
    slots: &'a mut [Slot],
    used: u32,
    shift: u32,
    /// The last instrument asked for: entries of one instrument follow each other.
    last: Slot,
}

impl<'a> Books<'a> {
    /// Empty books in `rows`, found through `slots`. Both are cleared.
    ///
    /// # Errors
    /// See `StorageError`.
    pub fn new(rows: &'a mut [Instrument], slots: &'a mut [Slot]) -> Result<Self, StorageError> {
        if !slots.len().is_power_of_two() || slots.len() < 2 {
            return Err(StorageError::NotPowerOfTwo);
        }
        let shift = 32_u32.checked_sub(slots.len().trailing_zeros());
        let shift = shift.filter(|&shift| shift > 0).ok_or(StorageError::TooSmall)?;
        if slots.len() >> 1 < rows.len() {
            return Err(StorageError::TooSmall);
        }
        rows.fill(Instrument::EMPTY);
        slots.fill(Slot::FREE);
        Ok(Self { rows, days: &mut [], slots, used: 0, shift, last: Slot::FREE })
    }

    /// Keeps what is said of each instrument's day in `days`, which is cleared: one for each row,
    /// or none, where nothing of it is kept.
    ///
    /// # Errors
    /// `TooSmall` if there are days, and fewer than rows.
    pub fn with_days(self, days: &'a mut [Day]) -> Result<Self, StorageError> {
        if !days.is_empty() && days.len() < self.rows.len() {
            return Err(StorageError::TooSmall);
        }
        days.fill(Day::UNKNOWN);
        Ok(Self { days, ..self })
    }

    /// How many instruments there can be.
    #[inline]
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.rows.len()
    }

    /// How many instruments there are.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.used
    }

    /// Whether there are none.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// The row of an instrument.
    #[inline(always)]
    pub fn find(&mut self, security_id: i32) -> Option<Row> {
        if self.last.security_id == security_id && self.last.row != u32::MAX {
            return Some(Row(self.last.row));
        }
        let slot = *self.probe(security_id)?;
        if slot.row == u32::MAX {
            return None;
        }
        self.last = slot;
        Some(Row(slot.row))
    }

    /// Adds an instrument, or finds it; `None` if all rows are taken. `index` is its row in the
    /// desk's table: without one the book is kept and nobody is told.
    pub fn add(&mut self, security_id: i32, index: Option<InstrumentIndex>) -> Option<Row> {
        let row = match self.find(security_id) {
            Some(row) => row,
            None => self.take(security_id)?,
        };
        if index.is_some() {
            self.get_mut(row)?.index = index.unwrap_or(NO_INDEX);
        }
        Some(row)
    }

    /// Puts an instrument and its day as they stand elsewhere, desk's row and all; `None` if all
    /// rows are taken.
    pub fn put(&mut self, instrument: &Instrument, day: &Day) -> Option<Row> {
        let row = self.add(instrument.security_id, None)?;
        *self.get_mut(row)? = Instrument { is_touched: false, ..*instrument };
        if let Some(place) = self.day_mut(row) {
            *place = *day;
        }
        Some(row)
    }

    /// Forgets all instruments: the venue numbers them anew.
    pub fn clear(&mut self) {
        self.rows.fill(Instrument::EMPTY);
        self.days.fill(Day::UNKNOWN);
        self.slots.fill(Slot::FREE);
        self.used = 0;
        self.last = Slot::FREE;
    }

    /// An instrument.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, row: Row) -> Option<&Instrument> {
        self.rows.get(usize::try_from(row.0).ok()?)
    }

    /// An instrument, to be changed.
    #[inline(always)]
    pub fn get_mut(&mut self, row: Row) -> Option<&mut Instrument> {
        self.rows.get_mut(usize::try_from(row.0).ok()?)
    }

    /// What was said of an instrument's day; `None` where nothing of it is kept.
    #[inline(always)]
    #[must_use]
    pub fn day(&self, row: Row) -> Option<&Day> {
        self.days.get(row.place())
    }

    /// What was said of an instrument's day, to be changed.
    #[inline(always)]
    pub fn day_mut(&mut self, row: Row) -> Option<&mut Day> {
        self.days.get_mut(row.place())
    }

    /// Forgets what was said of all days.
    pub fn forget_days(&mut self) {
        self.days.fill(Day::UNKNOWN);
    }

    /// The rows taken, in the order in which they were.
    pub fn rows(&self) -> impl Iterator<Item = Row> + use<> {
        (0..self.used).map(Row)
    }

    /// All instruments, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Instrument> {
        self.taken().iter()
    }

    /// All instruments, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Instrument> {
        let used = usize::try_from(self.used).unwrap_or(usize::MAX);
        self.rows.get_mut(..used).unwrap_or_default().iter_mut()
    }

    fn taken(&self) -> &[Instrument] {
        let used = usize::try_from(self.used).unwrap_or(usize::MAX);
        self.rows.get(..used).unwrap_or_default()
    }

    #[cold]
    #[inline(never)]
    fn take(&mut self, security_id: i32) -> Option<Row> {
        let row = self.used;
        let place = self.rows.get_mut(usize::try_from(row).ok()?)?;
        *place = Instrument { security_id, ..Instrument::EMPTY };
        *self.probe(security_id)? = Slot { security_id, row };
        self.used = row.wrapping_add(1);
        Some(Row(row))
    }

    /// The place where an instrument is, or would be put. At most half of the places are taken, so
    /// the walk ends at a free one.
    #[inline(always)]
    fn probe(&mut self, security_id: i32) -> Option<&mut Slot> {
        // Fibonacci hashing: the high bits of a product with 2^32 / golden ratio.
        let hash = security_id.cast_unsigned().wrapping_mul(0x9E37_79B1).wrapping_shr(self.shift);
        let mask = self.slots.len().wrapping_sub(1);
        let mut place = usize::try_from(hash).ok()?;
        for _ in 0..=mask {
            let slot = self.slots.get(place)?;
            if slot.row == u32::MAX || slot.security_id == security_id {
                return self.slots.get_mut(place);
            }
            place = place.wrapping_add(1) & mask;
        }
        None
    }
}
