//! The recovery feed: the whole state of one instrument, by price level or by order.

use super::Mantissa;
use crate::wire::{I32Le, U16Le, U32Le, U64Le};
use bytemuck::{Pod, Zeroable};
use core::mem::offset_of;

/// The root block of a snapshot by price. 59 bytes.
///
/// Source: `SnapshotFullRefresh52` (versions 9 and 13), `SnapshotFullRefresh38` (versions 6 and 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SnapshotRoot {
    /// Tag 369 `LastMsgSeqNumProcessed`: the last packet of the incremental feed included here.
    pub last_seq_no: U32Le,
    /// Tag 911 `TotNumReports`: messages in one loop.
    pub report_count: U32Le,
    /// Tag 48 `SecurityID`.
    pub security_id: I32Le,
    /// Tag 83 `RptSeq`: the last entry of the instrument included here.
    pub rpt_seq: U32Le,
    /// Tag 60 `TransactTime`: last event, nanoseconds since 1970-01-01 UTC.
    pub transact_ns: U64Le,
    /// Tag 779 `LastUpdateTime`: last change of the definition, nanoseconds since 1970-01-01 UTC.
    pub last_update_ns: U64Le,
    /// Tag 75 `TradeDate`: days since 1970-01-01. `U16_NULL` means absent.
    pub trade_date: U16Le,
    /// Tag 1682 `MDSecurityTradingStatus`, raw. `U8_NULL` means absent.
    pub trading_status: u8,
    /// Tag 1149 `HighLimitPrice`. `MANTISSA_NULL` means absent.
    pub high_limit: Mantissa,
    /// Tag 1148 `LowLimitPrice`. `MANTISSA_NULL` means absent.
    pub low_limit: Mantissa,
    /// Tag 1143 `MaxPriceVariation`. `MANTISSA_NULL` means absent.
    pub max_variation: Mantissa,
}
const _: () =
    assert!(size_of::<SnapshotRoot>() == 59 && offset_of!(SnapshotRoot, high_limit) == 35);

/// One level or statistic of a snapshot by price: an entry of group 268. 22 bytes.
///
/// Source: as `SnapshotRoot`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SnapshotEntry {
    /// Tag 270 `MDEntryPx`. `MANTISSA_NULL` means absent.
    pub price: Mantissa,
    /// Tag 271 `MDEntrySize`: contracts. `I32_NULL` means absent.
    pub size_lots: I32Le,
    /// Tag 346 `NumberOfOrders`. `I32_NULL` means absent.
    pub order_count: I32Le,
    /// Tag 1023 `MDPriceLevel`: 1 is the top of the book. `I8_NULL` means absent.
    pub level: i8,
    /// Tag 5796 `TradingReferenceDate`: days since 1970-01-01. `U16_NULL` means absent.
    pub reference_date: U16Le,
    /// Tag 286 `OpenCloseSettlFlag`, raw. `U8_NULL` means absent.
    pub open_close_settle: u8,
    /// Tag 731 `SettlPriceType`: bits, 0 final, 1 actual, 2 rounded, 3 intraday, 7 absent.
    pub settle_bits: u8,
    /// Tag 269 `MDEntryType`, raw ASCII.
    pub kind: u8,
}
const _: () = assert!(size_of::<SnapshotEntry>() == 22 && offset_of!(SnapshotEntry, kind) == 21);

/// The root block of a snapshot by order. 28 bytes.
///
/// Source: `SnapshotFullRefreshOrderBook53` (versions 9 and 13),
/// `SnapshotFullRefreshOrderBook44` (version 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct OrderSnapshotRoot {
    /// Tag 369 `LastMsgSeqNumProcessed`: the last packet of the incremental feed included here.
    pub last_seq_no: U32Le,
    /// Tag 911 `TotNumReports`: messages in one loop.
    pub report_count: U32Le,
    /// Tag 48 `SecurityID`.
    pub security_id: I32Le,
    /// Tag 37709 `NoChunks`: messages that make up this instrument.
    pub chunk_count: U32Le,
    /// Tag 37710 `CurrentChunk`: which of them this is, from 1.
    pub chunk: U32Le,
    /// Tag 60 `TransactTime`: last event, nanoseconds since 1970-01-01 UTC.
    pub transact_ns: U64Le,
}
const _: () = assert!(size_of::<OrderSnapshotRoot>() == 28);

/// One order of a snapshot by order: an entry of group 268. 29 bytes.
///
/// Source: as `OrderSnapshotRoot`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct OrderSnapshotEntry {
    /// Tag 37 `OrderID`.
    pub order_id: U64Le,
    /// Tag 37707 `MDOrderPriority`: lower is earlier. `U64_NULL` means absent.
    pub priority: U64Le,
    /// Tag 270 `MDEntryPx`.
    pub price: Mantissa,
    /// Tag 37706 `MDDisplayQty`: contracts shown.
    pub display_lots: I32Le,
    /// Tag 269 `MDEntryType`, raw ASCII.
    pub kind: u8,
}
const _: () =
    assert!(size_of::<OrderSnapshotEntry>() == 29 && offset_of!(OrderSnapshotEntry, kind) == 28);
