//! Which messages of the exchange have not come: a few ranges of numbers, of this session and of
//! earlier ones of the week.
//!
//! Bounded: when there are more gaps than rows, two of the same session become one that covers
//! both. What is asked for twice by that is told twice, and the desk knows executions by their ids.

use super::Missed;

/// Ranges that are told apart.
const ROWS: usize = 8;

/// A row that is kept free of splits, so that a new gap finds room or one of its own session.
const SPARE: usize = 2;

/// Numbers `from` to before `end` of session `uuid`; none if they are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub uuid: u64,
    pub from: u32,
    pub end: u32,
    /// How often it was asked for and nothing of it came.
    pub tries: u8,
    /// The exchange will not send it.
    pub is_refused: bool,
}

impl Range {
    const EMPTY: Self = Self { uuid: 0, from: 0, end: 0, tries: 0, is_refused: false };

    pub const fn is_empty(&self) -> bool {
        self.from >= self.end
    }

    pub const fn holds(&self, uuid: u64, seq_no: u32) -> bool {
        self.uuid == uuid && self.from <= seq_no && seq_no < self.end
    }
}

/// All that is missing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Missing {
    rows: [Range; ROWS],
    /// More sessions are missing messages than there are rows: people have to look.
    is_overrun: bool,
}

impl Missing {
    pub const NOTHING: Self = Self { rows: [Range::EMPTY; ROWS], is_overrun: false };

    /// What a handover says.
    pub fn of(missed: &[Missed]) -> Self {
        let mut all = Self::NOTHING;
        for one in missed {
            all.add(one.uuid, one.from, one.from.saturating_add(one.count));
        }
        all
    }

    pub fn is_nothing(&self) -> bool {
        !self.is_overrun && self.rows.iter().all(Range::is_empty)
    }

    /// Whether some message of that session is missing.
    pub fn has(&self, uuid: u64, seq_no: u32) -> bool {
        self.rows.iter().any(|row| row.holds(uuid, seq_no))
    }

    /// The first message that is missing of those.
    pub fn first(&self, uuid: u64, from: u32, end: u32) -> Option<u32> {
        let rows = self.rows.iter().filter(|row| row.uuid == uuid);
        let firsts = rows.map(|row| (row.from.max(from), row.end.min(end)));
        firsts.filter(|(first, end)| first < end).map(|(first, _)| first).min()
    }

    /// Numbers `from` to before `end` have not come.
    pub fn add(&mut self, uuid: u64, from: u32, end: u32) {
        if from >= end {
            return;
        }
        let range = Range { uuid, from, end, ..Range::EMPTY };
        if let Some(free) = self.rows.iter_mut().find(|row| row.is_empty()) {
            *free = range;
        } else if let Some(row) = self.rows.iter_mut().find(|row| row.uuid == uuid) {
            row.from = row.from.min(from);
            row.end = row.end.max(end);
            (row.tries, row.is_refused) = (0, false);
        } else {
            self.is_overrun = true;
        }
    }

    /// A message has come; whether it was missing.
    pub fn got(&mut self, uuid: u64, seq_no: u32) -> bool {
        let free = self.rows.iter().filter(|row| row.is_empty()).count();
        let mut was_missing = false;
        let mut after = Range::EMPTY;
        for row in self.rows.iter_mut().filter(|row| row.holds(uuid, seq_no)) {
            was_missing = true;
            row.tries = 0;
            let next = seq_no.saturating_add(1);
            if seq_no == row.from {
                row.from = next;
            } else if next == row.end {
                row.end = seq_no;
            } else if free > SPARE && after.is_empty() {
                // Merged rows may overlap: one is split, and another is asked for as it stands.
                after = Range { from: next, ..*row };
                row.end = seq_no;
            }
        }
        self.add(after.uuid, after.from, after.end);
        was_missing
    }

    /// What to ask for next: what earlier sessions miss first.
    pub fn next(&self, uuid: u64) -> Option<Range> {
        let wanted = |row: &&Range| !row.is_empty() && !row.is_refused;
        let mut rows = self.rows.iter().filter(wanted);
        let earlier = rows.find(|row| row.uuid != uuid).copied();
        earlier.or_else(|| self.rows.iter().find(wanted).copied())
    }

    /// Nothing of what was asked for has come; with `is_final` nothing will. Also after `most`
    /// times.
    pub fn failed(&mut self, uuid: u64, from: u32, is_final: bool, most: u8) -> bool {
        let mut is_given_up = false;
        for row in self.rows.iter_mut().filter(|row| row.holds(uuid, from)) {
            row.tries = row.tries.saturating_add(1);
            row.is_refused |= is_final || row.tries >= most;
            is_given_up |= row.is_refused;
        }
        is_given_up
    }

    /// What to tell outside: of session `uuid`, of one other, and whether that is not all.
    pub fn left(&self, uuid: u64) -> ([Missed; 2], bool) {
        let mut rows = self.rows.iter().filter(|row| !row.is_empty());
        let other = rows.find(|row| row.uuid != uuid).map(|row| row.uuid);
        let known = |row: &Range| row.is_empty() || row.uuid == uuid || Some(row.uuid) == other;
        let is_all = self.rows.iter().all(known) && !self.is_overrun;
        let earlier = other.map_or(Missed::NONE, |other| self.cover(other));
        ([self.cover(uuid), earlier], !is_all)
    }

    /// One range that covers all that is missing of a session.
    fn cover(&self, uuid: u64) -> Missed {
        let rows = self.rows.iter().filter(|row| !row.is_empty() && row.uuid == uuid);
        let (mut from, mut end) = (u32::MAX, 0);
        for row in rows {
            from = from.min(row.from);
            end = end.max(row.end);
        }
        if from >= end {
            return Missed::NONE;
        }
        Missed { uuid, from, count: end.saturating_sub(from) }
    }
}
