//! The words of arbitration: what comes in, and what becomes of it.

use super::sequence::SeqNo;
use crate::port::Line;
use crate::time::{MonoNs, Span};

/// Times and distances of arbitration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArbiterLimits {
    /// Longest time that a packet is held for those before it.
    pub hold_for: Span,
    /// Packets that one line may be out of order by. 0: a line delivers in order.
    pub line_reorder: u32,
    /// A line counts as gone when the other has been further for this long and it said nothing.
    pub silent_after: Span,
    /// A line that has been losing packets for this long counts as lossy.
    pub lossy_after: Span,
    /// A channel of which nothing came for this long is stale.
    pub stale_after: Span,
}

/// A packet as it came, framing checked.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    /// On which line.
    pub line: Line,
    /// Its number.
    pub seq_no: SeqNo,
    /// When.
    pub received: MonoNs,
    /// The UDP payload.
    pub payload: &'a [u8],
}

/// What to do with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The next one: apply it, then say `applied`, then look for `ready` ones.
    Apply,
    /// Too early; it is kept here until it is `ready`.
    Held,
    /// Too early and there is no room: `give_up`, apply what is `ready`, and place it again.
    NoRoom,
    /// A copy of a packet that was applied or is held, with the same bytes.
    Duplicate,
    /// A copy whose bytes differ from those that were used: the channel cannot be believed.
    Divergent,
    /// It was given up before, or is too old to be compared.
    Late,
    /// Far behind: an old copy, or the beginning of a new numbering that is not proved yet.
    Stray,
    /// The venue numbers anew from `to`, and packets of it are `ready`.
    Restart {
        /// The number that was expected.
        from: SeqNo,
        /// The first number of the new numbering that was received.
        to: SeqNo,
    },
}

/// Packets that will not come any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first of them.
    pub from: SeqNo,
    /// How many.
    pub missing: u32,
}

/// Lines that can bring nothing, because the interface that they come by is down or gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CutLines {
    /// Line A.
    pub a: bool,
    /// Line B.
    pub b: bool,
}

impl CutLines {
    /// Neither line can bring anything.
    #[must_use]
    pub const fn are_both(self) -> bool {
        self.a && self.b
    }

    /// As a word.
    #[must_use]
    pub const fn to_word(self) -> u64 {
        match (self.a, self.b) {
            (false, false) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (true, true) => 3,
        }
    }

    /// From the word.
    #[must_use]
    pub const fn from_word(word: u64) -> Self {
        Self { a: word & 1 != 0, b: word & 2 != 0 }
    }
}

/// What the lines are worth together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineHealth {
    /// Both deliver.
    Both,
    /// One is silent, or lossy.
    Single,
    /// Neither has delivered for too long.
    Stale,
    /// They deliver, and nothing moves.
    Frozen,
}
