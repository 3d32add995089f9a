//! What was gathered, and how it goes into a hot feed.

use super::super::Wanted;
use super::super::tail::Kept;
use std::collections::BTreeMap;
use thiserror::Error;
use xmc_hotpath::book::{Action, BookSide, Change, Day, Family, Instrument};
use xmc_hotpath::feed::{Feed, Protocol, SeqNo};
use xmc_hotpath::message::InstrumentIndex;
use xmc_hotpath::time::{MonoNs, UnixNs};
use xmc_hotpath::venue::cme::mdp3::feed::{Mdp3, is_open};

/// Levels that the venue keeps of an instrument, where it says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Depths {
    pub outright: Option<u8>,
    pub implied: Option<u8>,
}

/// One level of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::recovery) struct Level {
    pub side: BookSide,
    /// From 1, the best.
    pub place: u8,
    pub price_e9: i64,
    pub lots: u32,
    pub orders: u32,
}

/// One instrument as a snapshot shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Book {
    /// The last packet that is in it.
    pub last: SeqNo,
    /// The last entry of the instrument that is in it.
    pub rpt_seq: u32,
    pub taken: UnixNs,
    pub status: Option<u8>,
    pub levels: Vec<Level>,
    pub day: Day,
}

impl Book {
    /// Whether nothing happened between the two.
    pub fn is_as_of(&self, other: &Self) -> bool {
        (self.last, self.rpt_seq) == (other.last, other.rpt_seq)
    }
}

/// What a feed begins with.
#[derive(Clone, Debug)]
pub struct Start {
    wanted: Vec<Wanted>,
    depths: BTreeMap<i32, (Depths, Family)>,
    books: BTreeMap<i32, Book>,
    last: SeqNo,
    covered: SeqNo,
    taken: UnixNs,
    newest: Option<SeqNo>,
    /// What came after `last`.
    kept: Vec<Kept>,
}

/// Why a start does not go into a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SeedError {
    /// The feed has too little room.
    #[error("instrument {security_id} has no room: the feed keeps {capacity} instruments")]
    Full {
        /// Tag 48 of the first instrument without room.
        security_id: i32,
        /// What the feed was made for.
        capacity: usize,
    },
    /// A book refuses a level.
    #[error("instrument {security_id}: level {level} is deeper than its definition allows")]
    Level {
        /// Tag 48.
        security_id: i32,
        /// Which level.
        level: u8,
    },
}

/// Puts the levels of a snapshot into an empty book. The level that it refuses is given back.
pub(in crate::recovery) fn put_levels(
    instrument: &mut Instrument,
    levels: &[Level],
) -> Result<(), u8> {
    for level in levels {
        let change = Change {
            action: Action::Overlay,
            level: level.place,
            price_e9: Some(level.price_e9),
            lots: level.lots,
            orders: level.orders,
        };
        instrument.apply(level.side, &change).map_err(|_| level.place)?;
    }
    Ok(())
}

impl Start {
    pub(super) fn new(
        wanted: Vec<Wanted>,
        depths: BTreeMap<i32, (Depths, Family)>,
        books: BTreeMap<i32, Book>,
        newest: Option<SeqNo>,
        kept: &[Kept],
    ) -> Self {
        let lasts = || books.values().map(|book| book.last.0);
        let oldest = books.values().min_by_key(|book| book.last.0);
        let (last, covered) = (lasts().min().unwrap_or(0), lasts().max().unwrap_or(0));
        let taken = oldest.map_or(UnixNs(0), |book| book.taken);
        let (last, covered) = (SeqNo(last), SeqNo(covered));
        let kept = Kept::after(kept, last);
        Self { wanted, depths, books, last, covered, taken, newest, kept }
    }

    /// All books include everything through this packet: the feed goes on with the next.
    #[must_use]
    pub const fn last(&self) -> SeqNo {
        self.last
    }

    /// No book includes anything beyond this packet.
    #[must_use]
    pub const fn covered(&self) -> SeqNo {
        self.covered
    }

    /// The newest packet of the incremental lines that was seen meanwhile.
    #[must_use]
    pub const fn newest(&self) -> Option<SeqNo> {
        self.newest
    }

    /// Books that were told; those of other instruments that are wanted are empty.
    #[must_use]
    pub fn book_count(&self) -> usize {
        self.books.len()
    }

    /// Fills `feed`, makes it live and gives it what was kept. What its sockets have comes next.
    ///
    /// # Errors
    /// See `SeedError`: no book of the feed is believed then.
    pub fn seed(&self, feed: &mut Feed<'_, Mdp3>, now: MonoNs) -> Result<(), SeedError> {
        let outcome = self.fill(feed);
        match outcome {
            Ok(()) => {
                feed.protocol_mut().resume(());
                feed.begin_between(self.last, self.covered, self.taken, now);
                Kept::give(&self.kept, feed, now);
            }
            Err(_) => feed.channel_mut().over(),
        }
        outcome
    }

    fn fill(&self, feed: &mut Feed<'_, Mdp3>) -> Result<(), SeedError> {
        feed.channel_mut().books_mut().clear();
        // What is traded has room before what is only followed.
        for wanted in &self.wanted {
            let instrument = self.add(feed, wanted.security_id, Some(wanted.row))?;
            instrument.expect_after(0);
        }
        for (security_id, book) in &self.books {
            // What nobody trades and has no room is not followed.
            let Ok(instrument) = self.add(feed, *security_id, None) else { continue };
            put_levels(instrument, &book.levels)
                .map_err(|level| SeedError::Level { security_id: *security_id, level })?;
            instrument.expect_after(book.rpt_seq);
            if let Some(status) = book.status {
                instrument.set_status(status, is_open(status));
            }
            let books = feed.channel_mut().books_mut();
            let row = books.find(*security_id);
            if let Some(place) = row.and_then(|row| books.day_mut(row)) {
                *place = book.day;
            }
        }
        Ok(())
    }

    fn add<'f>(
        &self,
        feed: &'f mut Feed<'_, Mdp3>,
        security_id: i32,
        row: Option<InstrumentIndex>,
    ) -> Result<&'f mut Instrument, SeedError> {
        let books = feed.channel_mut().books_mut();
        let full = SeedError::Full { security_id, capacity: books.capacity() };
        let place = books.add(security_id, row).ok_or(full)?;
        let instrument = books.get_mut(place).ok_or(full)?;
        // What a definition does not say stays at the most that there can be.
        let known = self.depths.get(&security_id).copied();
        let (Depths { outright, implied }, family) =
            known.unwrap_or((Depths::default(), Family::UNKNOWN));
        instrument.set_depth(outright.unwrap_or(u8::MAX), implied.unwrap_or(u8::MAX));
        instrument.set_family(family);
        Ok(instrument)
    }
}
