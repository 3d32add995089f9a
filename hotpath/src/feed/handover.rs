//! What the cold side hands to a feed that has lost its books: whole rows, from one moment.
//!
//! The cold side follows the same lines with books of its own. When the feed asks (`Asked`), it
//! sends `Begin`, every row as it stands after packet `last`, and `End` through a ring of the
//! feed's own. The feed takes all of it or nothing: a hand-over of another generation, one whose
//! count is wrong, or one whose `last` its tail does not reach back to leaves the channel as
//! unbelieved as it was, and is asked for again.
//!
//! A channel that is live and has one row that is known to be wrong asks for that row alone.
//!
//! Not here: what the feed does with it (`rejoin`), where it comes from (the cold side's recovery).

use super::held::Held;
use super::sequence::SeqNo;
use super::stage::Protocol;
use crate::book::{Day, Instrument};
use crate::counter::Counter;
use crate::ring::Receiver;
use crate::time::UnixNs;

/// One message of a hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handed<C, T> {
    /// Rows follow. Whatever was handed over before and has not ended is void.
    Begin {
        /// What it answers: `Asked::generation`.
        generation: u32,
        /// The last packet that is in all rows.
        last: SeqNo,
        /// When the venue had that state.
        exchange: UnixNs,
        /// Which sequence `last` is of.
        course: C,
        /// The venue numbers anew: `last` says nothing about numbers that the feed has seen.
        is_anew: bool,
    },
    /// A row. Those with a row in the desk's table come first.
    Row {
        /// Book, number and status, as they go on.
        instrument: Instrument,
        /// What was said of its day.
        day: Day,
        /// What the protocol knows of it beside its book.
        terms: T,
    },
    /// All rows were told.
    End {
        /// As in `Begin`.
        generation: u32,
        /// How many rows there were.
        count: u32,
    },
    /// The one row that was asked for.
    Alone {
        /// What it answers: `Asked::generation`.
        generation: u32,
        /// The last packet that is in it.
        last: SeqNo,
        /// When the venue had that state.
        exchange: UnixNs,
        /// Book, number and status.
        instrument: Instrument,
        /// What was said of its day.
        day: Day,
        /// What the protocol knows of it beside its book.
        terms: T,
    },
}

/// The messages of a protocol's hand-over.
pub type HandedOf<V> = Handed<<V as Protocol>::Course, <V as Protocol>::Terms>;

/// What a feed asks for: `Request` has it as one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Counts the questions; never 0, which in the word means that nothing is asked.
    pub generation: u32,
    /// Books that do not include this packet are of no use, unless the venue numbers anew.
    pub through: SeqNo,
}

impl Asked {
    /// As one word.
    #[must_use]
    fn to_word(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.through.0)
    }

    /// From the word; `None` if nothing is asked.
    fn from_word(word: u64) -> Option<Self> {
        let half = |word: u64| u32::try_from(word & 0xFFFF_FFFF).unwrap_or(0);
        let (generation, through) = (half(word >> 32), SeqNo(half(word)));
        (generation != 0).then_some(Self { generation, through })
    }
}

crate::counters! {
    /// What is asked, where the cold side polls it: `FeedCounters::request`.
    ///
    /// Two words, and nothing orders them: a question that is read with the row of another one is
    /// answered with what the feed does not expect, and is asked again.
    pub struct Request {
        /// `Asked` as a word; 0: nothing.
        asked: Counter => Gauge "question",
        /// The venue's number of the one row that is asked for, above it a bit; 0: all rows.
        row: Counter => Gauge "row",
    }
}

/// Marks a row's number, which may be 0.
const ONE_ROW: u64 = 1 << 32;

impl Request {
    /// Asks for all rows, or for that of `security_id`.
    pub(super) fn ask(&self, asked: Asked, security_id: Option<i32>) {
        let row = security_id.map_or(0, |id| ONE_ROW | u64::from(id.cast_unsigned()));
        self.row.set(row);
        self.asked.set(asked.to_word());
    }

    /// Nothing is asked any more.
    pub(super) fn clear(&self) {
        self.asked.set(0);
    }

    /// What is asked.
    #[must_use]
    pub fn asked(&self) -> Option<Asked> {
        Asked::from_word(self.asked.get())
    }

    /// The one row that it is about, if it is not about all.
    #[must_use]
    pub fn row(&self) -> Option<i32> {
        let row = self.row.get();
        let id = u32::try_from(row & 0xFFFF_FFFF).unwrap_or(0);
        (row & ONE_ROW != 0).then_some(id.cast_signed())
    }
}

/// What the cold side lends to a feed that can take a hand-over.
#[derive(Debug)]
pub struct RejoinStorage<'a, V: Protocol> {
    /// Where hand-overs come from.
    pub handed: Receiver<HandedOf<V>>,
    /// The newest packets of a channel that is not live: a power of two.
    pub tail: &'a mut [Held],
}
