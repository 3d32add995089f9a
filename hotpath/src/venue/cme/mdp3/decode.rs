//! Walks a packet and decodes its messages: bounds-checked, in place, no panic, no division.
//!
//! `packet` checks the framing of the whole packet before anything is read from it, so a truncated
//! datagram is refused whole. Each message is then decoded on its own: a damaged one yields an
//! error, never a silent stop, and the caller treats the packet as a gap. Groups are strided by the
//! sender's block length: a longer block (a newer schema) is accepted, one shorter than in version
//! 5 (or the version that introduced the template) is refused. No version number is refused: the
//! block lengths say what is there.
//!
//! Called by the feed stage for every packet, and by recovery and inspection on the cold side.
//! Not here: sequence numbers, arbitration, what an entry does to a book. The second group of a
//! message (single orders) and the groups of definitions are decoded only when asked for.
//!
//! Known but not decoded, passed over as `Message::Skipped`: 57, 58 and 63 (fixed income, repo and
//! FX definitions), 59 to 62 (top orders, workups, TCP snapshots, collateral), and 64 to 69 (long
//! quantities: 64 book, 65 trades, 66 volume, 67 session statistics, 68 TCP snapshot, 69 snapshot).

use super::layout::{
    BookEntry, BookOrderEntry, DailyStatisticsEntry, I32_NULL, IncrementalRoot, LimitsEntry,
    LogonRoot, LogoutRoot, MANTISSA_NULL, Mantissa, MatchEvent, MessageFrame, OrderBookEntry,
    OrderSnapshotEntry, OrderSnapshotRoot, PacketHeader, QuoteRequestEntry, QuoteRequestRoot,
    ResetEntry, ResetRoot, SCHEMA_ID, SessionStatisticsEntry, SingleTradeEntry, SnapshotEntry,
    SnapshotRoot, StatusRoot, TradeEntry, TradeOrderEntry, U32_NULL, VolumeEntry,
};
use super::layout::{FutureDefinition, OptionDefinition, SpreadDefinition};
use crate::venue::cme::sbe::{self, Entries, SbeError};
use crate::wire::{self, Truncated};
use bytemuck::AnyBitPattern;

pub use super::definition::{Definition, FutureGroups, OptionGroups, SpreadGroups};

/// Why a packet or a message was refused. It is dropped and counted, never retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DecodeError {
    /// The bytes ended inside a header, a message, a block or a group.
    Truncated,
    /// The packet has a header and no message.
    NoMessage,
    /// A message declares a size smaller than its own headers.
    BadMessageSize,
    /// A message is of another schema than MDP 3.0.
    WrongSchema,
    /// A block or an entry is shorter than in the oldest version that is accepted.
    BlockTooShort,
    /// A price does not fit in 1e-9 units.
    PriceOverflow,
}

impl DecodeError {
    /// Every variant, in the order of `index`: one counter each.
    pub const ALL: [Self; 6] = [
        Self::Truncated,
        Self::NoMessage,
        Self::BadMessageSize,
        Self::WrongSchema,
        Self::BlockTooShort,
        Self::PriceOverflow,
    ];

    /// The place of this variant among the counters.
    #[inline]
    pub const fn index(self) -> usize {
        match self {
            Self::Truncated => 0,
            Self::NoMessage => 1,
            Self::BadMessageSize => 2,
            Self::WrongSchema => 3,
            Self::BlockTooShort => 4,
            Self::PriceOverflow => 5,
        }
    }
}

impl From<Truncated> for DecodeError {
    fn from(_: Truncated) -> Self {
        Self::Truncated
    }
}

impl From<SbeError> for DecodeError {
    #[inline(always)]
    fn from(error: SbeError) -> Self {
        match error {
            SbeError::Truncated => Self::Truncated,
            SbeError::BlockTooShort => Self::BlockTooShort,
        }
    }
}

/// Whose exponent the mantissas of a message have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceScale {
    /// `PRICE` and `PRICENULL`: units of 1e-7, templates up to 44.
    E7,
    /// `PRICE9` and `PRICENULL9`: units of 1e-9, templates from 46.
    E9,
}

impl PriceScale {
    /// The decimal exponent of a mantissa.
    #[inline]
    pub const fn exponent(self) -> i8 {
        match self {
            Self::E7 => -7,
            Self::E9 => -9,
        }
    }

    /// The price in units of 1e-9; `None` if it is absent.
    ///
    /// # Errors
    /// `PriceOverflow` if an older mantissa is beyond what 1e-9 units can say (9.2e9).
    #[inline(always)]
    pub const fn price_e9(self, mantissa: Mantissa) -> Result<Option<i64>, DecodeError> {
        let raw = mantissa.get();
        if raw == MANTISSA_NULL {
            return Ok(None);
        }
        match self {
            Self::E9 => Ok(Some(raw)),
            Self::E7 => match raw.checked_mul(100) {
                Some(price_e9) => Ok(Some(price_e9)),
                None => Err(DecodeError::PriceOverflow),
            },
        }
    }
}

/// `None` if a nullable `int32` is absent.
#[inline(always)]
pub const fn present(raw: i32) -> Option<i32> {
    if raw == I32_NULL { None } else { Some(raw) }
}

/// Reads a packet and checks that its messages fill it exactly.
///
/// # Errors
/// `Truncated`, `NoMessage`, `BadMessageSize`, `WrongSchema`: the packet must not be used at all.
#[inline]
pub fn packet(bytes: &[u8]) -> Result<Packet<'_>, DecodeError> {
    let (header, body) = wire::take::<PacketHeader>(bytes)?;
    let mut rest = body;
    while !rest.is_empty() {
        (_, rest) = framed(rest)?;
    }
    if body.is_empty() {
        return Err(DecodeError::NoMessage);
    }
    Ok(Packet { header, body })
}

/// Splits the first message off `bytes`.
#[inline(always)]
fn framed(bytes: &[u8]) -> Result<(Framed<'_>, &[u8]), DecodeError> {
    let (frame, _) = wire::take::<MessageFrame>(bytes)?;
    let size = usize::from(frame.size.get());
    if size < size_of::<MessageFrame>() {
        return Err(DecodeError::BadMessageSize);
    }
    if frame.sbe.schema_id.get() != SCHEMA_ID {
        return Err(DecodeError::WrongSchema);
    }
    let (message, rest) = bytes.split_at_checked(size).ok_or(DecodeError::Truncated)?;
    let (_, body) = wire::take::<MessageFrame>(message)?;
    Ok((Framed { frame, body }, rest))
}

/// A packet whose messages fill it exactly.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    header: &'a PacketHeader,
    body: &'a [u8],
}

impl<'a> Packet<'a> {
    /// `MsgSeqNum`: number of the packet on its channel.
    #[inline(always)]
    pub const fn seq_no(&self) -> u32 {
        self.header.seq_no.get()
    }

    /// `SendingTime`: nanoseconds since 1970-01-01 UTC.
    #[inline(always)]
    pub const fn sent_ns(&self) -> u64 {
        self.header.sent_ns.get()
    }

    /// The messages, in the order sent; at least one.
    #[inline(always)]
    pub const fn messages(&self) -> Messages<'a> {
        Messages { rest: self.body }
    }
}

/// The messages of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Messages<'a> {
    type Item = Framed<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Framed<'a>> {
        // `packet` has walked these bytes: the only error left is the end.
        let (message, rest) = framed(self.rest).ok()?;
        self.rest = rest;
        Some(message)
    }
}

/// A message that is delimited but not yet decoded.
#[derive(Clone, Copy, Debug)]
pub struct Framed<'a> {
    frame: &'a MessageFrame,
    body: &'a [u8],
}

impl<'a> Framed<'a> {
    /// Which message this is.
    #[inline(always)]
    pub const fn template_id(&self) -> u16 {
        self.frame.sbe.template_id.get()
    }

    /// The schema version that the sender wrote.
    #[inline(always)]
    pub const fn version(&self) -> u16 {
        self.frame.sbe.version.get()
    }

    /// Length of the whole message, in bytes.
    #[inline(always)]
    pub const fn size(&self) -> u16 {
        self.frame.size.get()
    }

    /// Decodes the message.
    ///
    /// # Errors
    /// `Truncated` and `BlockTooShort`: whatever this message held is lost.
    #[inline]
    pub fn decode(&self) -> Result<Message<'a>, DecodeError> {
        use PriceScale::{E7, E9};
        Ok(match self.template_id() {
            46 => Message::Book(self.incremental(E9)?),
            32 => Message::Book(self.incremental(E7)?),
            48 => Message::Trade(self.incremental(E9)?),
            42 => Message::Trade(self.incremental(E7)?),
            37 => Message::Volume(self.incremental(E9)?),
            51 => Message::SessionStatistics(self.incremental(E9)?),
            35 => Message::SessionStatistics(self.incremental(E7)?),
            47 => Message::OrderBook(self.incremental(E9)?),
            43 => Message::OrderBook(self.incremental(E7)?),
            _ => return self.decode_rare(),
        })
    }

    /// What arrives seldom enough to stay out of the hot function's way.
    #[cold]
    #[inline(never)]
    fn decode_rare(&self) -> Result<Message<'a>, DecodeError> {
        use PriceScale::{E7, E9};
        Ok(match self.template_id() {
            4 => Message::Reset(self.reset()?),
            12 => Message::Heartbeat,
            15 => Message::Logon(self.root::<LogonRoot>()?.0),
            16 => Message::Logout(self.root::<LogoutRoot>()?.0),
            27 => Message::Future(self.definition(E7)?),
            29 => Message::Spread(self.definition(E7)?),
            30 => Message::Status(self.root::<StatusRoot>()?.0),
            33 => Message::DailyStatistics(self.incremental(E7)?),
            34 => Message::Limits(self.incremental(E7)?),
            36 => Message::SingleTrade(self.incremental(E7)?),
            38 => Message::Snapshot(self.snapshot(E7)?),
            39 => Message::QuoteRequest(self.quote_request()?),
            41 => Message::Option(self.definition(E7)?),
            44 => Message::OrderSnapshot(self.order_snapshot(E7)?),
            49 => Message::DailyStatistics(self.incremental(E9)?),
            50 => Message::Limits(self.incremental(E9)?),
            52 => Message::Snapshot(self.snapshot(E9)?),
            53 => Message::OrderSnapshot(self.order_snapshot(E9)?),
            54 => Message::Future(self.definition(E9)?),
            55 => Message::Option(self.definition(E9)?),
            56 => Message::Spread(self.definition(E9)?),
            template_id => Message::Skipped { template_id, event: self.passed_over() },
        })
    }

    /// Where a message that is passed over stands in its event: tag 5799 of its root block, before
    /// which tag 60 stands if it has one (`templates_FixBinary.xml`, version 13).
    #[cold]
    fn passed_over(&self) -> Option<SkippedEvent> {
        let (place, has_time) = match self.template_id() {
            57 | 58 | 63 => (0, false),
            59 | 61 | 62 | 64..=68 => (8, true),
            60 => (20, true),
            _ => return None,
        };
        let root = self.body.get(..usize::from(self.frame.sbe.block_len.get()))?;
        let time = root.first_chunk().filter(|_| has_time);
        Some(SkippedEvent {
            match_event: MatchEvent(*root.get(place)?),
            transact_ns: time.map_or(0, |bytes| u64::from_le_bytes(*bytes)),
        })
    }

    #[inline(always)]
    fn root<T: AnyBitPattern>(&self) -> Result<(&'a T, &'a [u8], &'a [u8]), DecodeError> {
        Ok(sbe::block(self.body, self.frame.sbe.block_len.get())?)
    }

    #[inline(always)]
    fn incremental<T: AnyBitPattern>(
        &self,
        scale: PriceScale,
    ) -> Result<Incremental<'a, T>, DecodeError> {
        let (root, _, rest) = self.root()?;
        let (entries, tail) = Entries::read(rest)?;
        Ok(Incremental { root, entries, scale, version: self.version(), tail })
    }

    fn snapshot(&self, scale: PriceScale) -> Result<Snapshot<'a>, DecodeError> {
        let (root, _, rest) = self.root()?;
        let (entries, _) = Entries::read(rest)?;
        Ok(Snapshot { root, entries, scale })
    }

    fn order_snapshot(&self, scale: PriceScale) -> Result<OrderSnapshot<'a>, DecodeError> {
        let (root, _, rest) = self.root()?;
        let (entries, _) = Entries::read(rest)?;
        Ok(OrderSnapshot { root, entries, scale })
    }

    fn reset(&self) -> Result<Reset<'a>, DecodeError> {
        let (root, _, rest) = self.root()?;
        let (entries, _) = Entries::read(rest)?;
        Ok(Reset { root, entries })
    }

    fn quote_request(&self) -> Result<QuoteRequest<'a>, DecodeError> {
        let (root, _, rest) = self.root()?;
        let (entries, _) = Entries::read(rest)?;
        Ok(QuoteRequest { root, entries })
    }

    fn definition<T: AnyBitPattern>(
        &self,
        scale: PriceScale,
    ) -> Result<Definition<'a, T>, DecodeError> {
        let (root, extra, groups) = self.root()?;
        Ok(Definition::new(root, extra, groups, scale, self.version()))
    }
}

/// A decoded message. Template ids of both generations stand in the variant's text.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// 46, 32: price levels changed.
    Book(BookUpdate<'a>),
    /// 48, 42: trades, summed per price and event.
    Trade(TradeSummary<'a>),
    /// 36: one trade (version 6 only).
    SingleTrade(Incremental<'a, SingleTradeEntry>),
    /// 37: volume of the session. Has no price; its scale means nothing.
    Volume(Incremental<'a, VolumeEntry>),
    /// 51, 35: open, high, low, best bid and offer of the session.
    SessionStatistics(SessionStatistics<'a>),
    /// 49, 33: settlement, cleared volume, open interest, fixing.
    DailyStatistics(Incremental<'a, DailyStatisticsEntry>),
    /// 50, 34: limits and bands.
    Limits(Incremental<'a, LimitsEntry>),
    /// 47, 43: single orders of the full-depth book.
    OrderBook(Incremental<'a, OrderBookEntry>),
    /// 4: everything known of the channel is void.
    Reset(Reset<'a>),
    /// 12: nothing to say.
    Heartbeat,
    /// 15: the TCP replay lets us in.
    Logon(&'a LogonRoot),
    /// 16: the TCP replay has done, or refuses.
    Logout(&'a LogoutRoot),
    /// 30: trading status.
    Status(&'a StatusRoot),
    /// 39: someone asks for quotes.
    QuoteRequest(QuoteRequest<'a>),
    /// 52, 38: the state of one instrument by price.
    Snapshot(Snapshot<'a>),
    /// 53, 44: the state of one instrument by order.
    OrderSnapshot(OrderSnapshot<'a>),
    /// 54, 27: definition of a future.
    Future(Definition<'a, FutureDefinition>),
    /// 55, 41: definition of an option.
    Option(Definition<'a, OptionDefinition>),
    /// 56, 29: definition of a spread.
    Spread(Definition<'a, SpreadDefinition>),
    /// Any other template: passed over by its size; to be counted.
    Skipped {
        /// Its template id.
        template_id: u16,
        /// Where it stands in its event; `None` if it is not known to say so.
        event: Option<SkippedEvent>,
    },
}

/// What a message that is passed over says of its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkippedEvent {
    /// Tag 5799 `MatchEventIndicator`.
    pub match_event: MatchEvent,
    /// Tag 60 `TransactTime`: nanoseconds since 1970-01-01 UTC, 0 if the message has none.
    pub transact_ns: u64,
}

/// An incremental message: its root block and the entries of group 268.
#[derive(Clone, Copy, Debug)]
pub struct Incremental<'a, T> {
    /// Time and place in the event.
    pub root: &'a IncrementalRoot,
    /// The entries, in the order sent.
    pub entries: Entries<'a, T>,
    /// Exponent of the entries' prices.
    pub scale: PriceScale,
    /// The schema version that the sender wrote.
    pub version: u16,
    tail: &'a [u8],
}

/// Price levels that changed.
pub type BookUpdate<'a> = Incremental<'a, BookEntry>;
/// Prices at which an event traded.
pub type TradeSummary<'a> = Incremental<'a, TradeEntry>;
/// Statistics of the session.
pub type SessionStatistics<'a> = Incremental<'a, SessionStatisticsEntry>;

impl<'a> BookUpdate<'a> {
    /// The single orders behind the level changes. Template 32 has them since version 7.
    ///
    /// # Errors
    /// `Truncated`, `BlockTooShort`.
    pub fn orders(&self) -> Result<Entries<'a, BookOrderEntry>, DecodeError> {
        match self.scale {
            PriceScale::E7 if self.version < 7 => Ok(Entries::EMPTY),
            PriceScale::E7 | PriceScale::E9 => Ok(Entries::read_8byte(self.tail)?.0),
        }
    }

    /// Tag 37719 of an entry, since version 10: contracts that can be traded.
    #[inline]
    pub const fn tradeable_lots(&self, entry: &BookEntry) -> Option<i32> {
        if self.version < 10 { None } else { present(entry.tradeable_lots.get()) }
    }
}

impl<'a> TradeSummary<'a> {
    /// The single orders that took part, in the order of the entries.
    ///
    /// # Errors
    /// `Truncated`, `BlockTooShort`.
    pub fn orders(&self) -> Result<Entries<'a, TradeOrderEntry>, DecodeError> {
        Ok(Entries::read_8byte(self.tail)?.0)
    }

    /// Tag 37711 of an entry, since version 7.
    #[inline]
    pub const fn trade_id(&self, entry: &TradeEntry) -> Option<u32> {
        let raw = entry.trade_id.get();
        if self.version < 7 || raw == U32_NULL { None } else { Some(raw) }
    }
}

impl SessionStatistics<'_> {
    /// Whether the sender's entries have tag 271 at all: since version 8.
    #[inline]
    pub const fn has_size(&self) -> bool {
        self.version >= 8
    }

    /// Tag 271 of an entry, contracts.
    #[inline]
    pub const fn size_lots(&self, entry: &SessionStatisticsEntry) -> Option<i32> {
        if self.has_size() { present(entry.size_lots.get()) } else { None }
    }
}

/// The state of one instrument by price level.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// Which instrument, and what the snapshot includes.
    pub root: &'a SnapshotRoot,
    /// Levels and statistics.
    pub entries: Entries<'a, SnapshotEntry>,
    /// Exponent of all prices.
    pub scale: PriceScale,
}

/// The state of one instrument by order; one of several chunks.
#[derive(Clone, Copy, Debug)]
pub struct OrderSnapshot<'a> {
    /// Which instrument, and what the snapshot includes.
    pub root: &'a OrderSnapshotRoot,
    /// The orders of this chunk.
    pub entries: Entries<'a, OrderSnapshotEntry>,
    /// Exponent of all prices.
    pub scale: PriceScale,
}

/// The channel's state is void.
#[derive(Clone, Copy, Debug)]
pub struct Reset<'a> {
    /// Time of the reset.
    pub root: &'a ResetRoot,
    /// The channels meant.
    pub entries: Entries<'a, ResetEntry>,
}

/// Someone asks for quotes.
#[derive(Clone, Copy, Debug)]
pub struct QuoteRequest<'a> {
    /// Time and identity of the request.
    pub root: &'a QuoteRequestRoot,
    /// The instruments.
    pub entries: Entries<'a, QuoteRequestEntry>,
}
