//! What a venue says of when it trades what: kept with each instrument, and told with its quotes.
//!
//! Called by protocols. Rare: it walks all rows.

use super::Channel;
use crate::book::{Day, Family, Instrument, Row};

impl Channel<'_> {
    /// A trading status of one instrument; `is_open`: it is traded continuously.
    #[cold]
    #[inline(never)]
    pub fn status(&mut self, security_id: i32, raw: u8, is_open: bool) {
        self.counters.statuses.add(1);
        if let Some(row) = self.books.find(security_id) {
            self.set_status(row, raw, is_open);
        }
    }

    /// A trading status of all instruments that the venue groups together.
    #[cold]
    #[inline(never)]
    pub fn status_of_all(&mut self, named: Family, raw: u8, is_open: bool) {
        self.counters.statuses.add(1);
        for row in self.books.rows() {
            if self.books.get(row).is_some_and(|instrument| instrument.family().is_of(named)) {
                self.set_status(row, raw, is_open);
            }
        }
    }

    /// What the venue says of an instrument when it defines it on the channel: what it groups it
    /// by, and how many levels it keeps of the outright and of the implied book, where it says so.
    #[cold]
    #[inline(never)]
    pub fn defined(
        &mut self,
        security_id: i32,
        family: Family,
        [outright, implied]: [Option<u8>; 2],
    ) {
        let row = self.books.find(security_id);
        let Some((row, instrument)) = row.and_then(|row| Some((row, self.books.get_mut(row)?)))
        else {
            return;
        };
        instrument.set_family(family);
        // A book that stays as it was is not quoted again: a quote says that its lots are there.
        if instrument.limit_depth(outright, implied) {
            self.touch(row);
        }
    }

    /// The venue begins the statistics of the session anew: of one instrument, or of all that it
    /// groups together.
    #[cold]
    #[inline(never)]
    pub fn restart_sessions(&mut self, security_id: Option<i32>, named: Family) {
        let is_meant = |of: &Instrument| match security_id {
            Some(id) => of.security_id() == id,
            None => of.family().is_of(named),
        };
        for row in self.books.rows() {
            if self.books.get(row).is_some_and(is_meant) {
                self.books.day_mut(row).into_iter().for_each(Day::restart_session);
            }
        }
    }

    fn set_status(&mut self, row: Row, raw: u8, is_open: bool) {
        if let Some(instrument) = self.books.get_mut(row) {
            instrument.set_status(raw, is_open);
            self.touch(row);
        }
    }
}
