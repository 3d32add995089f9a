//! Price levels of instruments, as a venue tells them: an outright book and, apart from it, an
//! implied one.
//!
//! The rows lie in one arena that the cold side made, what a venue says of each instrument's day in
//! another (`day`); an open-addressing table finds a row by the venue's number without a division.
//! Called by the feed stage for every entry, and on the cold side by whoever shows or rebuilds
//! books.
//!
//! Not here: wire formats, packet sequence, channel state. A book says what is in it and whether it
//! contradicts itself; whether it may be traded on is for the feed (epoch) and the desk to say.

mod day;
mod ladder;
mod shelf;

pub use day::{Day, DayLots, PriceLimits, Settlement, Traded};
pub use ladder::{Action, BookError, Change, Ladder, Level, Order, consolidate};
pub use shelf::{Books, Row, Slot, StorageError};

use crate::message::{Depth, InstrumentIndex, Quote, QuoteQuality};

/// Levels that an outright side can have.
pub const OUTRIGHT_LEVELS: usize = 10;
/// Levels that an implied side can have.
pub const IMPLIED_LEVELS: usize = 2;

/// A side of an instrument's books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookSide {
    /// Outright buyers.
    Bid,
    /// Outright sellers.
    Ask,
    /// Implied buyers.
    ImpliedBid,
    /// Implied sellers.
    ImpliedAsk,
}

/// Which books a quote is made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// The outright book alone.
    #[default]
    Outright,
    /// Outright and implied: lots of equal prices added, levels merged.
    Consolidated,
}

/// How an instrument's sequence number stands to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuity {
    /// The next one, or the first.
    Whole,
    /// Numbers are missing, or it went backwards.
    Broken,
}

/// What a venue groups instruments by, as its definitions have it: texts padded with NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// The group (CME: tag 1151 `SecurityGroup`).
    pub group: [u8; 6],
    /// The product (CME: tag 6937 `Asset`).
    pub asset: [u8; 6],
}

impl Family {
    /// Not told.
    pub const UNKNOWN: Self = Self { group: [0; 6], asset: [0; 6] };

    /// Whether an instrument of this family is among those that `named` means: all whose group and
    /// product are those that it names. One that names neither means none.
    #[must_use]
    pub fn is_of(self, named: Self) -> bool {
        let is_blank = |text: [u8; 6]| text.iter().all(|byte| matches!(byte, 0 | b' '));
        let fits = |own: [u8; 6], named: [u8; 6]| is_blank(named) || own == named;
        let is_any = !(is_blank(named.group) && is_blank(named.asset));
        is_any && fits(self.group, named.group) && fits(self.asset, named.asset)
    }
}

/// What is kept of one instrument. A row of `Books`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Instrument {
    security_id: i32,
    index: InstrumentIndex,
    change_seq_no: u32,
    depth: u8,
    implied_depth: u8,
    has_sequence: bool,
    is_damaged: bool,
    is_touched: bool,
    /// The venue's raw trading status; 255 means not told.
    status: u8,
    /// The venue says that it is not traded continuously now.
    is_shut: bool,
    /// What the venue groups it by.
    family: Family,
    bids: Ladder<OUTRIGHT_LEVELS>,
    asks: Ladder<OUTRIGHT_LEVELS>,
    implied_bids: Ladder<IMPLIED_LEVELS>,
    implied_asks: Ladder<IMPLIED_LEVELS>,
}

const _: () = assert!(size_of::<Instrument>() == 448);

impl Instrument {
    /// No instrument: what a row is before it is taken.
    pub const EMPTY: Self = Self {
        security_id: 0,
        index: NO_INDEX,
        change_seq_no: 0,
        depth: 10,
        implied_depth: 2,
        has_sequence: false,
        is_damaged: false,
        is_touched: false,
        status: u8::MAX,
        is_shut: false,
        family: Family::UNKNOWN,
        bids: Ladder::EMPTY,
        asks: Ladder::EMPTY,
        implied_bids: Ladder::EMPTY,
        implied_asks: Ladder::EMPTY,
    };

    /// The venue's number.
    #[inline(always)]
    #[must_use]
    pub const fn security_id(&self) -> i32 {
        self.security_id
    }

    /// Row of the desk's instrument table, or `None`: the book is kept, nobody is told.
    #[inline(always)]
    #[must_use]
    pub const fn index(&self) -> Option<InstrumentIndex> {
        if self.index.0 == NO_INDEX.0 { None } else { Some(self.index) }
    }

    /// Limits the depth to what the venue keeps of this instrument (CME: tag 264 `MarketDepth`).
    /// More than there is room for is cut.
    pub fn set_depth(&mut self, outright: u8, implied: u8) {
        self.depth = outright.min(10);
        self.implied_depth = implied.min(2);
    }

    /// The same while books are there: levels that are deeper are forgotten, and whether there were
    /// any is said. `None`: not told, and stays as it is.
    pub fn limit_depth(&mut self, outright: Option<u8>, implied: Option<u8>) -> bool {
        self.set_depth(outright.unwrap_or(self.depth), implied.unwrap_or(self.implied_depth));
        let mut is_cut = false;
        for side in [&mut self.bids, &mut self.asks] {
            is_cut |= side.cut(self.depth);
        }
        for side in [&mut self.implied_bids, &mut self.implied_asks] {
            is_cut |= side.cut(self.implied_depth);
        }
        is_cut
    }

    /// Outright buyers, best first.
    #[inline(always)]
    #[must_use]
    pub const fn bids(&self) -> &Ladder<OUTRIGHT_LEVELS> {
        &self.bids
    }

    /// Outright sellers, best first.
    #[inline(always)]
    #[must_use]
    pub const fn asks(&self) -> &Ladder<OUTRIGHT_LEVELS> {
        &self.asks
    }

    /// Implied buyers, best first.
    #[inline(always)]
    #[must_use]
    pub const fn implied_bids(&self) -> &Ladder<IMPLIED_LEVELS> {
        &self.implied_bids
    }

    /// Implied sellers, best first.
    #[inline(always)]
    #[must_use]
    pub const fn implied_asks(&self) -> &Ladder<IMPLIED_LEVELS> {
        &self.implied_asks
    }

    /// The last sequence number of this instrument, if one was seen.
    #[inline(always)]
    #[must_use]
    pub const fn change_seq_no(&self) -> Option<u32> {
        if self.has_sequence { Some(self.change_seq_no) } else { None }
    }

    /// The venue's raw trading status, if told.
    #[inline(always)]
    #[must_use]
    pub const fn status(&self) -> Option<u8> {
        if self.status == u8::MAX { None } else { Some(self.status) }
    }

    /// Notes the venue's raw trading status, and whether it is traded continuously with it.
    #[inline]
    pub const fn set_status(&mut self, raw: u8, is_open: bool) {
        self.status = raw;
        self.is_shut = !is_open;
    }

    /// Whether the venue says that it is not traded continuously now. What was not told is open.
    #[inline(always)]
    #[must_use]
    pub const fn is_shut(&self) -> bool {
        self.is_shut
    }

    /// What the venue groups it by.
    #[inline]
    #[must_use]
    pub const fn family(&self) -> Family {
        self.family
    }

    /// Notes what the venue groups it by.
    pub const fn set_family(&mut self, family: Family) {
        self.family = family;
    }

    /// Takes the sequence number of one entry, of whatever kind. A break damages the books; the
    /// number is followed all the same, so that one gap is found once.
    #[inline(always)]
    pub const fn follow(&mut self, seq_no: u32) -> Continuity {
        if self.follow_next(seq_no) {
            Continuity::Whole
        } else {
            self.break_at(seq_no);
            Continuity::Broken
        }
    }

    /// Takes the sequence number of one entry if it is the next one, or the first. Otherwise
    /// nothing changes.
    #[inline(always)]
    pub const fn follow_next(&mut self, seq_no: u32) -> bool {
        let is_next = seq_no == self.change_seq_no.wrapping_add(1);
        let is_whole = is_next || !self.has_sequence;
        if is_whole {
            self.expect_after(seq_no);
        }
        is_whole
    }

    /// Numbers before `seq_no` are missing, or it went backwards: the books are damaged, and the
    /// next number is its successor.
    #[inline]
    pub const fn break_at(&mut self, seq_no: u32) {
        self.expect_after(seq_no);
        self.is_damaged = true;
    }

    /// Says that `seq_no` was the last number: the next one must be its successor.
    #[inline]
    pub const fn expect_after(&mut self, seq_no: u32) {
        self.change_seq_no = seq_no;
        self.has_sequence = true;
    }

    /// Carries out one instruction. Whether an error damages the books is the caller's to say:
    /// books that start empty in the middle of a day see `Vacant` for a while.
    ///
    /// # Errors
    /// See `BookError`.
    #[inline(always)]
    pub fn apply(&mut self, side: BookSide, change: &Change) -> Result<(), BookError> {
        match side {
            BookSide::Bid => self.bids.apply(self.depth, change),
            BookSide::Ask => self.asks.apply(self.depth, change),
            BookSide::ImpliedBid => self.implied_bids.apply(self.implied_depth, change),
            BookSide::ImpliedAsk => self.implied_asks.apply(self.implied_depth, change),
        }
    }

    /// Something is known to be wrong: the books are not to be traded on until they are emptied.
    #[inline]
    pub const fn damage(&mut self) {
        self.is_damaged = true;
    }

    /// Whether something is known to be wrong.
    #[inline(always)]
    #[must_use]
    pub const fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// Notes that the current event touched it; whether that is new.
    #[inline(always)]
    pub const fn touch(&mut self) -> bool {
        let is_new = !self.is_touched;
        self.is_touched = true;
        is_new
    }

    /// The event that touched it is over.
    #[inline(always)]
    pub const fn untouch(&mut self) {
        self.is_touched = false;
    }

    /// Empties the books; sequence and damage stay.
    pub const fn empty(&mut self) {
        self.bids = Ladder::EMPTY;
        self.asks = Ladder::EMPTY;
        self.implied_bids = Ladder::EMPTY;
        self.implied_asks = Ladder::EMPTY;
    }

    /// Empties the books and forgets damage and sequence.
    pub const fn clear(&mut self) {
        *self = Self {
            security_id: self.security_id,
            index: self.index,
            depth: self.depth,
            implied_depth: self.implied_depth,
            status: self.status,
            is_shut: self.is_shut,
            family: self.family,
            ..Self::EMPTY
        };
    }

    /// Fills sides and quality of a quote.
    #[inline]
    pub fn show(&self, view: View, quote: &mut Quote) {
        let mut has_hole = self.bids.has_hole_at_top() | self.asks.has_hole_at_top();
        quote.bids = self.bids.depth(Depth::NO_BIDS);
        quote.asks = self.asks.depth(Depth::NO_ASKS);
        let mut is_ordered = Order::Falling.holds(&quote.bids) & Order::Rising.holds(&quote.asks);
        if view == View::Consolidated {
            has_hole |= self.implied_bids.has_hole_at_top() | self.implied_asks.has_hole_at_top();
            let bids = self.implied_bids.depth(Depth::NO_BIDS);
            let asks = self.implied_asks.depth(Depth::NO_ASKS);
            is_ordered &= Order::Falling.holds(&bids) & Order::Rising.holds(&asks);
            quote.bids = consolidate(Order::Falling, Depth::NO_BIDS, &quote.bids, &bids);
            quote.asks = consolidate(Order::Rising, Depth::NO_ASKS, &quote.asks, &asks);
        }
        // Absent sides cannot cross: their prices lie at the ends of the range.
        let is_crossed = quote.bids.best_e9() >= quote.asks.best_e9();
        quote.quality = if self.is_damaged | has_hole {
            QuoteQuality::Gapped
        } else if self.is_shut {
            QuoteQuality::Halted
        } else if is_crossed | !is_ordered {
            QuoteQuality::Insane
        } else {
            QuoteQuality::Good
        };
    }
}

const NO_INDEX: InstrumentIndex = InstrumentIndex(u32::MAX);
