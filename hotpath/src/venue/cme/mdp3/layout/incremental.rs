//! The incremental feed: book, orders, trades, volume, statistics, limits.
//!
//! One root block for all, one entry layout per kind. Every entry but those of single orders
//! counts in `RptSeq`, so a reader that wants to notice a gap must walk all of them (`Sequenced`).

use super::{Mantissa, MatchEvent, wire_enum};
use crate::wire::{I32Le, U16Le, U32Le, U64Le};
use bytemuck::{Pod, Zeroable};
use core::mem::offset_of;

/// The root block of every incremental message but `ChannelReset4`. 11 bytes.
///
/// Source: `templates_FixBinary.xml`, versions 6, 9 and 13, ids 32 to 37, 42, 43, 46 to 51.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct IncrementalRoot {
    /// Tag 60 `TransactTime`: start of the event, nanoseconds since 1970-01-01 UTC.
    pub transact_ns: U64Le,
    /// Tag 5799 `MatchEventIndicator`.
    pub match_event: MatchEvent,
    /// Padding.
    pub pad: [u8; 2],
}
const _: () = assert!(size_of::<IncrementalRoot>() == 11);

/// One price level change: an entry of group 268 of the book messages. 32 bytes.
///
/// Source: `MDIncrementalRefreshBook46` (versions 9 and 13) and `MDIncrementalRefreshBook32`
/// (versions 6 and 9): the same bytes but for the price's exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct BookEntry {
    /// Tag 270 `MDEntryPx`. `MANTISSA_NULL` means absent.
    pub price: Mantissa,
    /// Tag 271 `MDEntrySize`: contracts. `I32_NULL` means absent.
    pub size_lots: I32Le,
    /// Tag 48 `SecurityID`.
    pub security_id: I32Le,
    /// Tag 83 `RptSeq`: per-instrument sequence number.
    pub rpt_seq: U32Le,
    /// Tag 346 `NumberOfOrders`: orders at this level. `I32_NULL` means absent (implied levels).
    pub order_count: I32Le,
    /// Tag 1023 `MDPriceLevel`: 1 is the top of the book.
    pub level: u8,
    /// Tag 279 `MDUpdateAction`, raw; `Action::from_wire` gives it meaning.
    pub action: u8,
    /// Tag 269 `MDEntryType`, raw ASCII; `EntryKind::from_wire` gives it meaning.
    pub kind: u8,
    /// Tag 37719 `TradeableSize`: contracts. `I32_NULL` means absent. Padding before version 10:
    /// read it through `BookUpdate::tradeable_lots`.
    pub tradeable_lots: I32Le,
    /// Padding.
    pub pad: [u8; 1],
}
const _: () = assert!(size_of::<BookEntry>() == 32 && offset_of!(BookEntry, tradeable_lots) == 27);

/// One order behind a level change: an entry of group 37705 of the book messages. 24 bytes.
///
/// Source: `MDIncrementalRefreshBook46` (versions 9 and 13), `MDIncrementalRefreshBook32`
/// (since version 7; read from version 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct BookOrderEntry {
    /// Tag 37 `OrderID`.
    pub order_id: U64Le,
    /// Tag 37707 `MDOrderPriority`: lower is earlier. `U64_NULL` means absent.
    pub priority: U64Le,
    /// Tag 37706 `MDDisplayQty`: contracts shown. `I32_NULL` means absent.
    pub display_lots: I32Le,
    /// Tag 9633 `ReferenceID`: 1-based entry of group 268 that it belongs to. `U8_NULL` absent.
    pub reference: u8,
    /// Tag 37708 `OrderUpdateAction`, raw: 0 new, 1 update, 2 delete.
    pub action: u8,
    /// Padding.
    pub pad: [u8; 2],
}
const _: () =
    assert!(size_of::<BookOrderEntry>() == 24 && offset_of!(BookOrderEntry, action) == 21);

/// One order of the full-depth order book: an entry of group 268. 40 bytes, not in `RptSeq`.
///
/// Source: `MDIncrementalRefreshOrderBook47` (versions 9 and 13),
/// `MDIncrementalRefreshOrderBook43` (version 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct OrderBookEntry {
    /// Tag 37 `OrderID`. `U64_NULL` means absent.
    pub order_id: U64Le,
    /// Tag 37707 `MDOrderPriority`: lower is earlier. `U64_NULL` means absent.
    pub priority: U64Le,
    /// Tag 270 `MDEntryPx`. `MANTISSA_NULL` means absent.
    pub price: Mantissa,
    /// Tag 37706 `MDDisplayQty`: contracts shown. `I32_NULL` means absent.
    pub display_lots: I32Le,
    /// Tag 48 `SecurityID`.
    pub security_id: I32Le,
    /// Tag 279 `MDUpdateAction`, raw.
    pub action: u8,
    /// Tag 269 `MDEntryType`, raw ASCII.
    pub kind: u8,
    /// Padding.
    pub pad: [u8; 6],
}
const _: () = assert!(size_of::<OrderBookEntry>() == 40 && offset_of!(OrderBookEntry, kind) == 33);

/// One price at which an event traded: an entry of group 268. 32 bytes.
///
/// Source: `MDIncrementalRefreshTradeSummary48` (versions 9 and 13),
/// `MDIncrementalRefreshTradeSummary42` (versions 6 and 9). Constant: tag 269 is `2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct TradeEntry {
    /// Tag 270 `MDEntryPx`.
    pub price: Mantissa,
    /// Tag 271 `MDEntrySize`: contracts.
    pub size_lots: I32Le,
    /// Tag 48 `SecurityID`.
    pub security_id: I32Le,
    /// Tag 83 `RptSeq`: per-instrument sequence number.
    pub rpt_seq: U32Le,
    /// Tag 346 `NumberOfOrders`: orders that took part. `I32_NULL` means absent (template 42).
    pub order_count: I32Le,
    /// Tag 5797 `AggressorSide`, raw: 0 none, 1 buy, 2 sell. `U8_NULL` means absent.
    pub aggressor: u8,
    /// Tag 279 `MDUpdateAction`, raw.
    pub action: u8,
    /// Tag 37711 `MDTradeEntryID`. `U32_NULL` means absent. Padding before version 7: read it
    /// through `TradeSummary::trade_id`.
    pub trade_id: U32Le,
    /// Padding.
    pub pad: [u8; 2],
}
const _: () = assert!(size_of::<TradeEntry>() == 32 && offset_of!(TradeEntry, trade_id) == 26);

/// One order that took part in a trade: an entry of group 37705. 16 bytes.
///
/// Source: `MDIncrementalRefreshTradeSummary48` (versions 9 and 13),
/// `MDIncrementalRefreshTradeSummary42` (versions 6 and 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct TradeOrderEntry {
    /// Tag 37 `OrderID`; 0 occurs in real data.
    pub order_id: U64Le,
    /// Tag 32 `LastQty`: contracts of this order that traded.
    pub last_lots: I32Le,
    /// Padding.
    pub pad: [u8; 4],
}
const _: () = assert!(size_of::<TradeOrderEntry>() == 16);

/// One trade of the generation before trade summaries: an entry of group 268. 32 bytes.
///
/// Source: `MDIncrementalRefreshTrade36` (version 6). Constant: tag 269 is `2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SingleTradeEntry {
    /// Tag 270 `MDEntryPx`.
    pub price: Mantissa,
    /// Tag 271 `MDEntrySize`: contracts.
    pub size_lots: I32Le,
    /// Tag 48 `SecurityID`.
    pub security_id: I32Le,
    /// Tag 83 `RptSeq`: per-instrument sequence number.
    pub rpt_seq: U32Le,
    /// Tag 346 `NumberOfOrders`. `I32_NULL` means absent.
    pub order_count: I32Le,
    /// Tag 1003 `TradeID`.
    pub trade_id: I32Le,
    /// Tag 5797 `AggressorSide`, raw: 0 none, 1 buy, 2 sell. `U8_NULL` means absent.
    pub aggressor: u8,
    /// Tag 279 `MDUpdateAction`, raw.
    pub action: u8,
    /// Padding.
    pub pad: [u8; 2],
}
const _: () =
    assert!(size_of::<SingleTradeEntry>() == 32 && offset_of!(SingleTradeEntry, action) == 29);

/// The session's volume so far: an entry of group 268. 16 bytes.
///
/// Source: `MDIncrementalRefreshVolume37` (versions 6, 9 and 13). Constant: tag 269 is `e`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct VolumeEntry {
    /// Tag 271 `MDEntrySize`: contracts traded in the session, cumulative.
    pub size_lots: I32Le,
    /// Tag 48 `SecurityID`.
    pub security_id: I32Le,
    /// Tag 83 `RptSeq`: per-instrument sequence number.
    pub rpt_seq: U32Le,
    /// Tag 279 `MDUpdateAction`, raw.
    pub action: u8,
    /// Padding.
    pub pad: [u8; 3],
}
const _: () = assert!(size_of::<VolumeEntry>() == 16 && offset_of!(VolumeEntry, action) == 12);

/// Settlement, cleared volume, open interest or fixing: an entry of group 268. 32 bytes.
///
/// Source: `MDIncrementalRefreshDailyStatistics49` (versions 9 and 13),
/// `MDIncrementalRefreshDailyStatistics33` (versions 6 and 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct DailyStatisticsEntry {
    /// Tag 270 `MDEntryPx`. `MANTISSA_NULL` means absent.
    pub price: Mantissa,
    /// Tag 271 `MDEntrySize`: contracts. `I32_NULL` means absent.
    pub size_lots: I32Le,
    /// Tag 48 `SecurityID`.
    pub security_id: I32Le,
    /// Tag 83 `RptSeq`: per-instrument sequence number.
    pub rpt_seq: U32Le,
    /// Tag 5796 `TradingReferenceDate`: days since 1970-01-01. `U16_NULL` means absent.
    pub reference_date: U16Le,
    /// Tag 731 `SettlPriceType`: bits, 0 final, 1 actual, 2 rounded, 3 intraday, 7 absent.
    pub settle_bits: u8,
    /// Tag 279 `MDUpdateAction`, raw.
    pub action: u8,
    /// Tag 269 `MDEntryType`, raw ASCII.
    pub kind: u8,
    /// Padding.
    pub pad: [u8; 7],
}
const _: () = assert!(
    size_of::<DailyStatisticsEntry>() == 32 && offset_of!(DailyStatisticsEntry, kind) == 24
);

/// Price limits and the price band: an entry of group 268. 32 bytes.
///
/// Source: `MDIncrementalRefreshLimitsBanding50` (versions 9 and 13),
/// `MDIncrementalRefreshLimitsBanding34` (versions 6 and 9). Constants: tag 279 is 0, tag 269 `g`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct LimitsEntry {
    /// Tag 1149 `HighLimitPrice`. `MANTISSA_NULL` means absent.
    pub high_limit: Mantissa,
    /// Tag 1148 `LowLimitPrice`. `MANTISSA_NULL` means absent.
    pub low_limit: Mantissa,
    /// Tag 1143 `MaxPriceVariation`: for price banding. `MANTISSA_NULL` means absent.
    pub max_variation: Mantissa,
    /// Tag 48 `SecurityID`.
    pub security_id: I32Le,
    /// Tag 83 `RptSeq`: per-instrument sequence number.
    pub rpt_seq: U32Le,
}
const _: () = assert!(size_of::<LimitsEntry>() == 32);

/// Open, high, low, best bid and offer of the session: an entry of group 268. 24 bytes.
///
/// Source: `MDIncrementalRefreshSessionStatistics51` (versions 9 and 13),
/// `MDIncrementalRefreshSessionStatistics35` (versions 6 and 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SessionStatisticsEntry {
    /// Tag 270 `MDEntryPx`.
    pub price: Mantissa,
    /// Tag 48 `SecurityID`.
    pub security_id: I32Le,
    /// Tag 83 `RptSeq`: per-instrument sequence number.
    pub rpt_seq: U32Le,
    /// Tag 286 `OpenCloseSettlFlag`, raw: 0 daily open, 5 indicative. `U8_NULL` means absent.
    pub open_close_settle: u8,
    /// Tag 279 `MDUpdateAction`, raw.
    pub action: u8,
    /// Tag 269 `MDEntryType`, raw ASCII.
    pub kind: u8,
    /// Tag 271 `MDEntrySize`: contracts. `I32_NULL` means absent. Padding before version 8: read
    /// it through `SessionStatistics::size_lots`.
    pub size_lots: I32Le,
    /// Padding.
    pub pad: [u8; 1],
}
const _: () = assert!(
    size_of::<SessionStatisticsEntry>() == 24
        && offset_of!(SessionStatisticsEntry, size_lots) == 19
);

/// An entry that takes a number in its instrument's `RptSeq`.
pub trait Sequenced {
    /// Tag 48 `SecurityID`.
    fn security_id(&self) -> i32;
    /// Tag 83 `RptSeq`: per-instrument sequence number.
    fn rpt_seq(&self) -> u32;
}

macro_rules! sequenced {
    ($($entry:ident),*) => {$(
        impl Sequenced for $entry {
            #[inline(always)]
            fn security_id(&self) -> i32 {
                self.security_id.get()
            }

            #[inline(always)]
            fn rpt_seq(&self) -> u32 {
                self.rpt_seq.get()
            }
        }
    )*};
}
sequenced!(
    BookEntry,
    TradeEntry,
    SingleTradeEntry,
    VolumeEntry,
    DailyStatisticsEntry,
    LimitsEntry,
    SessionStatisticsEntry
);

wire_enum! {
    /// Tag 279 `MDUpdateAction`.
    Action {
        /// Insert at the level; deeper levels shift down.
        New = 0,
        /// Replace size and count at the level; the price is the same.
        Change = 1,
        /// Remove the level; deeper levels shift up.
        Delete = 2,
        /// Remove this and all better levels.
        DeleteThru = 3,
        /// Remove this and all worse levels.
        DeleteFrom = 4,
        /// Replace the level, price included.
        Overlay = 5,
    }
}

wire_enum! {
    /// Tag 269 `MDEntryType`.
    EntryKind {
        /// Real bid level.
        Bid = b'0',
        /// Real offer level.
        Offer = b'1',
        /// Trade.
        Trade = b'2',
        /// Opening price, daily or indicative.
        OpenPrice = b'4',
        /// Settlement price.
        SettlementPrice = b'6',
        /// Highest trade of the session.
        HighTrade = b'7',
        /// Lowest trade of the session.
        LowTrade = b'8',
        /// Volume-weighted average price.
        Vwap = b'9',
        /// Cleared volume.
        ClearedVolume = b'B',
        /// Open interest.
        OpenInterest = b'C',
        /// Implied bid level.
        ImpliedBid = b'E',
        /// Implied offer level.
        ImpliedOffer = b'F',
        /// The book of the instrument is empty now.
        BookReset = b'J',
        /// Highest bid of the session.
        HighBid = b'N',
        /// Lowest offer of the session.
        LowOffer = b'O',
        /// Fixing price.
        FixingPrice = b'W',
        /// Volume traded electronically.
        ElectronicVolume = b'e',
        /// Price limits and band.
        Limits = b'g',
        /// Best offer of the market (version 12).
        MarketBestOffer = b'w',
        /// Best bid of the market (version 12).
        MarketBestBid = b'x',
    }
}

wire_enum! {
    /// Tag 5797 `AggressorSide`.
    AggressorSide {
        /// No aggressor, for example at the opening.
        NoAggressor = 0,
        /// A buy order took.
        Buy = 1,
        /// A sell order took.
        Sell = 2,
    }
}
