//! What feeds tell the desk: quotes, and what their channels are worth.

use super::{InstrumentIndex, QUOTE_LEVELS, StreamId};
use crate::price::{NO_ASK_E9, NO_BID_E9};
use crate::record::codec::{code, fields, message};
use crate::time::{MonoNs, UnixNs};

/// One side of a quote: up to five levels, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Depth {
    /// Prices in units of 1e-9; `NO_BID_E9` or `NO_ASK_E9` where there is no level.
    pub price_e9: [i64; QUOTE_LEVELS],
    /// Lots shown at each level; 0 where there is none.
    pub lots: [u32; QUOTE_LEVELS],
    /// Levels present.
    pub count: u32,
}

fields! {
    Depth {
        price_e9: [i64; QUOTE_LEVELS],
        lots: [u32; QUOTE_LEVELS],
        count: u32,
    }
}

impl Depth {
    /// A bid side without a level: nothing can sell to it.
    pub const NO_BIDS: Self =
        Self { price_e9: [NO_BID_E9; QUOTE_LEVELS], lots: [0; QUOTE_LEVELS], count: 0 };
    /// An ask side without a level: nothing can buy from it.
    pub const NO_ASKS: Self =
        Self { price_e9: [NO_ASK_E9; QUOTE_LEVELS], lots: [0; QUOTE_LEVELS], count: 0 };

    /// The best price; the side's absent value if there is none.
    #[inline(always)]
    #[must_use]
    pub const fn best_e9(&self) -> i64 {
        let [best, ..] = self.price_e9;
        best
    }

    /// The lots at the best price.
    #[inline(always)]
    #[must_use]
    pub const fn best_lots(&self) -> u32 {
        let [best, ..] = self.lots;
        best
    }

    /// The levels that are present: price and lots, best first.
    pub fn levels(&self) -> impl Iterator<Item = (i64, u32)> + '_ {
        self.price_e9.iter().copied().zip(self.lots.iter().copied()).filter(|&(_, lots)| lots > 0)
    }
}

code! {
    /// What is known about one quote, apart from the state of its channel.
    pub enum QuoteQuality {
        /// Nothing (the instrument has not been seen).
        Unknown = 0 "unknown",
        /// Built from a whole sequence of messages.
        Good = 1 "good",
        /// The venue's per-instrument sequence has a gap: not to be traded on.
        Gapped = 2 "gapped",
        /// Bid at or above ask, or a price outside what the instrument allows.
        Insane = 3 "insane",
        /// The two copies of a packet about it differ: nobody knows what its book is.
        Divergent = 4 "divergent",
        /// The venue does not trade it continuously now: before the opening, halted, closed.
        Halted = 5 "halted",
    }
}

/// The state of one instrument's book at the end of an event of the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Quote {
    /// When the packet that completed the event was received.
    pub received: MonoNs,
    /// When the venue says it happened (MDP 3.0: tag 60 `TransactTime`). 0 means unknown.
    pub exchange: UnixNs,
    /// Row of the instrument table.
    pub instrument: InstrumentIndex,
    /// The channel's epoch when the book was read: a quote of an older epoch is unusable.
    pub epoch: u32,
    /// The sequence number of the packet that completed the event.
    pub packet_seq_no: u32,
    /// Quotes of this instrument that were overwritten in the feed stage since the last one.
    pub skipped: u32,
    /// The channel.
    pub stream: StreamId,
    /// Whether it may be traded on.
    pub quality: QuoteQuality,
    /// The buyers.
    pub bids: Depth,
    /// The sellers.
    pub asks: Depth,
}

// A quote as state; in the record it is what changed since the last one (`record::frame::quote`).
fields! {
    Quote {
        received: MonoNs,
        exchange: UnixNs,
        instrument: InstrumentIndex,
        epoch: u32,
        packet_seq_no: u32,
        skipped: u32,
        stream: StreamId,
        quality: QuoteQuality,
        bids: Depth,
        asks: Depth,
    }
}

impl Quote {
    /// What is known of an instrument that was never seen: nothing can trade against it.
    pub const EMPTY: Self = Self {
        received: MonoNs(0),
        exchange: UnixNs(0),
        instrument: InstrumentIndex(u32::MAX),
        epoch: 0,
        packet_seq_no: 0,
        skipped: 0,
        stream: StreamId(u16::MAX),
        quality: QuoteQuality::Unknown,
        bids: Depth::NO_BIDS,
        asks: Depth::NO_ASKS,
    };
}

const _: () = assert!(size_of::<Quote>() == 192);

code! {
    /// What a feed channel is worth just now. The desk trades on `Live` and `SingleLine` only.
    pub enum ChannelState {
        /// Not heard of yet.
        Down = 0 "down",
        /// Both lines are whole.
        Live = 1 "live",
        /// One line is whole, the other silent or lossy.
        SingleLine = 2 "single_line",
        /// Packets are missing on both lines: no book of this channel can be believed.
        Suspect = 3 "suspect",
        /// Books are being rebuilt.
        Recovering = 4 "recovering",
        /// Nothing has come for longer than the channel's limit.
        Stale = 5 "stale",
        /// The venue closed it for today.
        Closed = 6 "closed",
        /// It is heard, and nothing has moved for much longer than its longest pauses.
        Frozen = 7 "frozen",
        /// The two copies of a packet differ: no book of this channel can be believed, and what was
        /// done since that packet may be wrong. `ChannelUpdate::packet_seq_no` is its number.
        Divergent = 8 "divergent",
    }
}

impl ChannelState {
    /// Whether books of this channel may be traded on.
    #[inline(always)]
    #[must_use]
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::Live | Self::SingleLine)
    }
}

message! {
    /// A feed channel changed state. One of these makes all its books unusable, or usable again.
    pub struct ChannelUpdate {
        /// The channel.
        pub stream: StreamId,
        /// What it is now.
        pub state: ChannelState,
        /// The epoch that starts with this state; quotes of another epoch are not traded on.
        pub epoch: u32,
        /// The last packet sequence number applied; of a `Divergent` channel the number of the
        /// first packet whose copies differ that was not told yet.
        pub packet_seq_no: u32,
        /// Packets missing, if that is why.
        pub missing: u32,
    }
}
