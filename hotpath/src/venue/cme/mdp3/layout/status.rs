//! Channel reset, trading status and requests for quotes.

use super::{MatchEvent, wire_enum};
use crate::wire::{I16Le, I32Le, U16Le, U64Le};
use bytemuck::{Pod, Zeroable};
use core::mem::offset_of;

/// The root block of a channel reset. 9 bytes.
///
/// Source: `ChannelReset4` (versions 6, 9 and 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ResetRoot {
    /// Tag 60 `TransactTime`: nanoseconds since 1970-01-01 UTC.
    pub transact_ns: U64Le,
    /// Tag 5799 `MatchEventIndicator`.
    pub match_event: MatchEvent,
}
const _: () = assert!(size_of::<ResetRoot>() == 9);

/// The channel that is reset: an entry of group 268. 2 bytes.
///
/// All books and statistics of the channel are empty after it and `RptSeq` restarts at 1.
/// Source: as `ResetRoot`. Constants: tag 279 is 0, tag 269 is `J`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ResetEntry {
    /// Tag 1180 `ApplID`: the channel.
    pub channel: I16Le,
}
const _: () = assert!(size_of::<ResetEntry>() == 2);

/// The whole of a trading status message, which has no group. 30 bytes.
///
/// Source: `SecurityStatus30` (versions 6, 9 and 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct StatusRoot {
    /// Tag 60 `TransactTime`: nanoseconds since 1970-01-01 UTC.
    pub transact_ns: U64Le,
    /// Tag 1151 `SecurityGroup`: ASCII, NUL-padded.
    pub security_group: [u8; 6],
    /// Tag 6937 `Asset`: product code, ASCII, NUL-padded.
    pub asset: [u8; 6],
    /// Tag 48 `SecurityID`. `I32_NULL` means that the status is the group's or the asset's.
    pub security_id: I32Le,
    /// Tag 75 `TradeDate`: days since 1970-01-01. `U16_NULL` means absent.
    pub trade_date: U16Le,
    /// Tag 5799 `MatchEventIndicator`.
    pub match_event: MatchEvent,
    /// Tag 326 `SecurityTradingStatus`, raw; `TradingStatus::from_wire` gives it meaning.
    /// `U8_NULL` means absent.
    pub trading_status: u8,
    /// Tag 327 `HaltReason`, raw; `HaltReason::from_wire` gives it meaning.
    pub halt_reason: u8,
    /// Tag 1174 `SecurityTradingEvent`, raw; `TradingEvent::from_wire` gives it meaning.
    pub trading_event: u8,
}
const _: () = assert!(size_of::<StatusRoot>() == 30 && offset_of!(StatusRoot, trading_event) == 29);

/// The root block of a request for quotes. 35 bytes.
///
/// Source: `QuoteRequest39` (versions 6, 9 and 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct QuoteRequestRoot {
    /// Tag 60 `TransactTime`: nanoseconds since 1970-01-01 UTC.
    pub transact_ns: U64Le,
    /// Tag 131 `QuoteReqID`: ASCII, NUL-padded.
    pub request_id: [u8; 23],
    /// Tag 5799 `MatchEventIndicator`.
    pub match_event: MatchEvent,
    /// Padding.
    pub pad: [u8; 3],
}
const _: () =
    assert!(size_of::<QuoteRequestRoot>() == 35 && offset_of!(QuoteRequestRoot, match_event) == 31);

/// One instrument that a quote is asked for: an entry of group 146. 32 bytes.
///
/// Source: as `QuoteRequestRoot`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct QuoteRequestEntry {
    /// Tag 55 `Symbol`: ASCII, NUL-padded.
    pub symbol: [u8; 20],
    /// Tag 48 `SecurityID`.
    pub security_id: I32Le,
    /// Tag 38 `OrderQty`: contracts. `I32_NULL` means absent.
    pub order_lots: I32Le,
    /// Tag 537 `QuoteType`: 1 is tradeable.
    pub quote_type: i8,
    /// Tag 54 `Side`: 1 buy, 2 sell. `I8_NULL` means absent.
    pub side: i8,
    /// Padding.
    pub pad: [u8; 2],
}
const _: () =
    assert!(size_of::<QuoteRequestEntry>() == 32 && offset_of!(QuoteRequestEntry, side) == 29);

wire_enum! {
    /// Tags 326 `SecurityTradingStatus` and 1682 `MDSecurityTradingStatus`.
    TradingStatus {
        /// Halted.
        TradingHalt = 2,
        /// Closed.
        Close = 4,
        /// A new price is indicated.
        NewPriceIndication = 15,
        /// Open: continuous trading.
        ReadyToTrade = 17,
        /// Not available.
        NotAvailableForTrading = 18,
        /// Unknown or invalid.
        UnknownOrInvalid = 20,
        /// Pre-open: orders are accepted, nothing trades.
        PreOpen = 21,
        /// Before a cross.
        PreCross = 24,
        /// In a cross.
        Cross = 25,
        /// After the close.
        PostClose = 26,
        /// The status is unchanged; the event field says what happened.
        NoChange = 103,
        /// Private workup (version 11).
        PrivateWorkup = 201,
        /// Public workup (version 11).
        PublicWorkup = 202,
    }
}

wire_enum! {
    /// Tag 327 `HaltReason`.
    HaltReason {
        /// By the group's schedule.
        GroupSchedule = 0,
        /// By surveillance.
        SurveillanceIntervention = 1,
        /// By a market event, for example a velocity or stop-spike pause.
        MarketEvent = 2,
        /// The instrument was activated.
        InstrumentActivation = 3,
        /// The instrument expired.
        InstrumentExpiration = 4,
        /// Unknown.
        Unknown = 5,
        /// Recovery in process.
        RecoveryInProcess = 6,
        /// The trade date rolled (version 12).
        TradeDateRoll = 7,
    }
}

wire_enum! {
    /// Tag 1174 `SecurityTradingEvent`.
    TradingEvent {
        /// No event.
        NoEvent = 0,
        /// Orders may not be cancelled.
        NoCancel = 1,
        /// Statistics restart.
        ResetStatistics = 4,
        /// Implied matching was switched on.
        ImpliedMatchingOn = 5,
        /// Implied matching was switched off.
        ImpliedMatchingOff = 6,
        /// A workup ended (version 10).
        EndOfWorkup = 7,
    }
}
