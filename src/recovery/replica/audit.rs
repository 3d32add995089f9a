//! Replica and venue, compared while nothing is lost: what differs shows what is not understood.
//!
//! A snapshot of the same moment as the replica's book must show the same levels. The replica reads
//! what the hot feed reads, through the same decoders, so a difference is one of the desk's books
//! too: a fault of ours, or of the venue. It is counted, the last ones are kept for people, and
//! nothing is repaired in silence.

use crate::counters::Placed;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::ops::Deref;
use std::sync::Mutex;
use xmc_hotpath::book::{BookSide, Instrument, Level};
use xmc_hotpath::counter::Counter;
use xmc_hotpath::counters;
use xmc_hotpath::feed::SeqNo;

/// Differences that are kept.
const MOST_KEPT: usize = 32;

/// A level that the venue's snapshot shows differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The venue's number of the instrument.
    pub security_id: i32,
    /// The last packet that is in the snapshot.
    pub last: SeqNo,
    /// Which side.
    pub side: BookSide,
    /// Which level, from 1.
    pub place: u8,
    /// Price in units of 1e-9 and lots here; `None` without a level.
    pub ours: Option<(i64, u32)>,
    /// The same at the venue.
    pub theirs: Option<(i64, u32)>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |level: Option<(i64, u32)>| match level {
            Some((price_e9, lots)) => {
                format!("{lots} at {}", crate::config::decimal::show_e9(price_e9))
            }
            None => "nothing".to_owned(),
        };
        let Self { security_id, last, side, place, ours, theirs } = self;
        write!(
            f,
            "book of {security_id} after packet {}: level {place} of {side:?} is {} here, and the \
             venue's snapshot has {}",
            last.0,
            show(*ours),
            show(*theirs)
        )
    }
}

counters! {
    /// How much was compared.
    #[repr(align(128))]
    pub struct AuditCounters {
        /// Books that were compared with a snapshot of the venue.
        pub books: Counter => Count "books",
        /// Levels that differed from the venue's snapshot.
        pub differences: Counter => Count "levels",
    }
}

/// What came of comparing.
#[derive(Debug, Default)]
pub struct Audit {
    counters: Placed<AuditCounters>,
    /// The last differences.
    last: Mutex<VecDeque<Difference>>,
    /// The last difference of each instrument.
    instruments: Mutex<BTreeMap<i32, Difference>>,
}

impl Deref for Audit {
    type Target = AuditCounters;

    fn deref(&self) -> &AuditCounters {
        &self.counters
    }
}

impl Audit {
    /// Nothing compared yet; it is counted there.
    pub(super) fn counting_in(counters: Placed<AuditCounters>) -> Self {
        Self { counters, ..Self::default() }
    }

    /// The last differences, the oldest first.
    ///
    /// # Panics
    /// Never: nobody panics with them.
    pub fn last(&self) -> Vec<Difference> {
        self.last.lock().expect("nobody panics with it").iter().copied().collect()
    }

    /// The last difference of each instrument that had any.
    ///
    /// # Panics
    /// Never: nobody panics with them.
    pub fn instruments(&self) -> Vec<Difference> {
        self.instruments.lock().expect("nobody panics with it").values().copied().collect()
    }

    /// Compares a side of a book with what a snapshot through `last` has of it, best first.
    pub(super) fn compare_side(
        &self,
        (instrument, last): (&Instrument, SeqNo),
        side: BookSide,
        theirs: &[Option<(i64, u32)>],
    ) {
        let ours: &[Level] = match side {
            BookSide::Bid => instrument.bids().levels(),
            BookSide::Ask => instrument.asks().levels(),
            BookSide::ImpliedBid => instrument.implied_bids().levels(),
            BookSide::ImpliedAsk => instrument.implied_asks().levels(),
        };
        for (level, place) in ours.iter().zip(1_u8..) {
            let ours = level.is_present().then_some((level.price_e9, level.lots));
            let theirs = theirs.get(usize::from(place) - 1).copied().flatten();
            if ours != theirs {
                let security_id = instrument.security_id();
                self.differs(Difference { security_id, last, side, place, ours, theirs });
            }
        }
    }

    /// Notes a difference.
    ///
    /// # Panics
    /// Never: nobody panics with them.
    pub fn differs(&self, difference: Difference) {
        let mut instruments = self.instruments.lock().expect("nobody panics with it");
        instruments.insert(difference.security_id, difference);
        drop(instruments);
        self.differences.add(1);
        let mut last = self.last.lock().expect("nobody panics with it");
        if last.len() == MOST_KEPT {
            last.pop_front();
        }
        last.push_back(difference);
    }
}
