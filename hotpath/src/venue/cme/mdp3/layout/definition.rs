//! Instrument definitions: futures, options on futures and spreads, with their groups.
//!
//! The three share their first 71 bytes (`DefinitionHead`). Fields that versions 6 and 10 appended
//! to a root block are structs of their own, since an older sender's block ends before them.
//! Fixed income, repo and FX definitions (templates 57, 58, 63) are not read.

use super::{Mantissa, MatchEvent, wire_enum};
use crate::wire::{I16Le, I32Le, U16Le, U32Le, U64Le};
use bytemuck::{Pod, Zeroable};
use core::mem::offset_of;

/// Composite `MaturityMonthYear`. 5 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct MaturityMonthYear {
    /// Year. `U16_NULL` means absent.
    pub year: U16Le,
    /// Month, 1 to 12. `U8_NULL` means absent.
    pub month: u8,
    /// Day of the month. `U8_NULL` means absent.
    pub day: u8,
    /// Week. `U8_NULL` means absent.
    pub week: u8,
}
const _: () = assert!(size_of::<MaturityMonthYear>() == 5);

/// What every definition begins with. 71 bytes.
///
/// Source: templates 54, 55 and 56 (versions 9 and 13), 27, 29 and 41 (versions 6 and 9).
/// Constant: tag 22 is `8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct DefinitionHead {
    /// Tag 5799 `MatchEventIndicator`.
    pub match_event: MatchEvent,
    /// Tag 911 `TotNumReports`: instruments in the replay loop, on the replay feed only.
    /// `U32_NULL` means absent.
    pub report_count: U32Le,
    /// Tag 980 `SecurityUpdateAction`, raw ASCII; `DefinitionAction::from_wire` gives it meaning.
    pub update_action: u8,
    /// Tag 779 `LastUpdateTime`: nanoseconds since 1970-01-01 UTC.
    pub last_update_ns: U64Le,
    /// Tag 1682 `MDSecurityTradingStatus`, raw, on the replay feed only. `U8_NULL` means absent.
    pub trading_status: u8,
    /// Tag 1180 `ApplID`: the channel.
    pub channel: I16Le,
    /// Tag 1300 `MarketSegmentID`: the market segment, which order entry is partitioned by.
    pub market_segment: u8,
    /// Tag 462 `UnderlyingProduct`: product complex. `U8_NULL` means absent (spreads).
    pub product_complex: u8,
    /// Tag 207 `SecurityExchange`: ASCII, NUL-padded, for example `XCBT`.
    pub exchange: [u8; 4],
    /// Tag 1151 `SecurityGroup`: ASCII, NUL-padded.
    pub security_group: [u8; 6],
    /// Tag 6937 `Asset`: product code, ASCII, NUL-padded.
    pub asset: [u8; 6],
    /// Tag 55 `Symbol`: ASCII, NUL-padded, for example `ZCZ6`.
    pub symbol: [u8; 20],
    /// Tag 48 `SecurityID`.
    pub security_id: I32Le,
    /// Tag 167 `SecurityType`: `FUT`, `OOF`, `MLEG` ..., NUL-padded.
    pub security_type: [u8; 6],
    /// Tag 461 `CFICode`: ISO 10962 class.
    pub cfi_code: [u8; 6],
}
const _: () = assert!(size_of::<DefinitionHead>() == 71);

/// The root block of a future, without what versions 6 and 10 appended. 214 bytes.
///
/// Source: `MDInstrumentDefinitionFuture54` (versions 9 and 13), `MDInstrumentDefinitionFuture27`
/// (versions 6 and 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct FutureDefinition {
    /// What all definitions share.
    pub head: DefinitionHead,
    /// Tag 200 `MaturityMonthYear`.
    pub maturity: MaturityMonthYear,
    /// Tag 15 `Currency`: of the price, ISO 4217.
    pub currency: [u8; 3],
    /// Tag 120 `SettlCurrency`: of settlement, ISO 4217; empty if the same.
    pub settle_currency: [u8; 3],
    /// Tag 1142 `MatchAlgorithm`, raw ASCII: `F` first in first out, `K` split, ...
    pub match_algorithm: u8,
    /// Tag 562 `MinTradeVol`: smallest order, contracts.
    pub min_lots: U32Le,
    /// Tag 1140 `MaxTradeVol`: largest order, contracts.
    pub max_lots: U32Le,
    /// Tag 969 `MinPriceIncrement`: the constant tick. `MANTISSA_NULL`: a tick table.
    pub tick: Mantissa,
    /// Tag 9787 `DisplayFactor`: Globex price to display price.
    pub display_factor: Mantissa,
    /// Tag 37702 `MainFraction`: denominator. `U8_NULL` means absent.
    pub main_fraction: u8,
    /// Tag 37703 `SubFraction`: denominator. `U8_NULL` means absent.
    pub sub_fraction: u8,
    /// Tag 9800 `PriceDisplayFormat`: decimals shown. `U8_NULL` means absent.
    pub display_format: u8,
    /// Tag 996 `UnitOfMeasure`: ASCII, NUL-padded, for example `BBL`.
    pub unit: [u8; 30],
    /// Tag 1147 `UnitOfMeasureQty`: contract size in that unit. `MANTISSA_NULL` means absent.
    pub unit_qty: Mantissa,
    /// Tag 1150 `TradingReferencePrice`: last settlement. `MANTISSA_NULL` means absent.
    pub reference_price: Mantissa,
    /// Tag 731 `SettlPriceType`: bits of that settlement, 0 final, 1 actual, 2 rounded,
    /// 3 intraday, 7 absent.
    pub settle_bits: u8,
    /// Tag 5792 `OpenInterestQty`: contracts. `I32_NULL` means absent.
    pub open_interest_lots: I32Le,
    /// Tag 5791 `ClearedVolume`: contracts. `I32_NULL` means absent.
    pub cleared_lots: I32Le,
    /// Tag 1149 `HighLimitPrice`. `MANTISSA_NULL` means absent.
    pub high_limit: Mantissa,
    /// Tag 1148 `LowLimitPrice`. `MANTISSA_NULL` means absent.
    pub low_limit: Mantissa,
    /// Tag 1143 `MaxPriceVariation`: price band. `MANTISSA_NULL` means absent.
    pub max_variation: Mantissa,
    /// Tag 5818 `DecayQuantity`: lost per day. `I32_NULL` means absent.
    pub decay_qty: I32Le,
    /// Tag 5819 `DecayStartDate`: days since 1970-01-01. `U16_NULL` means absent.
    pub decay_start_date: U16Le,
    /// Tag 5849 `OriginalContractSize`. `I32_NULL` means absent.
    pub original_size: I32Le,
    /// Tag 231 `ContractMultiplier`: deliverable units. `I32_NULL` means absent.
    pub multiplier: I32Le,
    /// Tag 1435 `ContractMultiplierUnit`, raw. `I8_NULL` means absent.
    pub multiplier_unit: i8,
    /// Tag 1439 `FlowScheduleType`, raw. `I8_NULL` means absent.
    pub flow_schedule: i8,
    /// Tag 1146 `MinPriceIncrementAmount`: money per tick. `MANTISSA_NULL` means absent.
    pub tick_value: Mantissa,
    /// Tag 9779 `UserDefinedInstrument`: `Y` or `N`.
    pub user_defined: u8,
}
const _: () = assert!(
    size_of::<FutureDefinition>() == 214 && offset_of!(FutureDefinition, user_defined) == 213
);

/// The root block of an option on a future, without what versions 6 and 10 appended. 211 bytes.
///
/// Source: `MDInstrumentDefinitionOption55` (versions 9 and 13), `MDInstrumentDefinitionOption41`
/// (versions 6 and 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct OptionDefinition {
    /// What all definitions share.
    pub head: DefinitionHead,
    /// Tag 201 `PutOrCall`, raw: 0 put, 1 call.
    pub put_or_call: u8,
    /// Tag 200 `MaturityMonthYear`.
    pub maturity: MaturityMonthYear,
    /// Tag 15 `Currency`: of the price, ISO 4217.
    pub currency: [u8; 3],
    /// Tag 202 `StrikePrice`. `MANTISSA_NULL` means absent.
    pub strike: Mantissa,
    /// Tag 947 `StrikeCurrency`: ISO 4217.
    pub strike_currency: [u8; 3],
    /// Tag 120 `SettlCurrency`: of settlement, ISO 4217; empty if the same.
    pub settle_currency: [u8; 3],
    /// Tag 9850 `MinCabPrice`. `MANTISSA_NULL` means absent.
    pub cabinet_price: Mantissa,
    /// Tag 1142 `MatchAlgorithm`, raw ASCII: `F` first in first out, `K` split, ...
    pub match_algorithm: u8,
    /// Tag 562 `MinTradeVol`: smallest order, contracts.
    pub min_lots: U32Le,
    /// Tag 1140 `MaxTradeVol`: largest order, contracts.
    pub max_lots: U32Le,
    /// Tag 969 `MinPriceIncrement`: the constant tick. `MANTISSA_NULL`: a tick table.
    pub tick: Mantissa,
    /// Tag 1146 `MinPriceIncrementAmount`: money per tick. `MANTISSA_NULL` means absent.
    pub tick_value: Mantissa,
    /// Tag 9787 `DisplayFactor`: Globex price to display price.
    pub display_factor: Mantissa,
    /// Tag 6350 `TickRule`: variable tick table. `I8_NULL` means absent.
    pub tick_rule: i8,
    /// Tag 37702 `MainFraction`: denominator. `U8_NULL` means absent.
    pub main_fraction: u8,
    /// Tag 37703 `SubFraction`: denominator. `U8_NULL` means absent.
    pub sub_fraction: u8,
    /// Tag 9800 `PriceDisplayFormat`: decimals shown. `U8_NULL` means absent.
    pub display_format: u8,
    /// Tag 996 `UnitOfMeasure`: ASCII, NUL-padded, for example `BBL`.
    pub unit: [u8; 30],
    /// Tag 1147 `UnitOfMeasureQty`: contract size in that unit. `MANTISSA_NULL` means absent.
    pub unit_qty: Mantissa,
    /// Tag 1150 `TradingReferencePrice`: last settlement. `MANTISSA_NULL` means absent.
    pub reference_price: Mantissa,
    /// Tag 731 `SettlPriceType`: bits of that settlement, 0 final, 1 actual, 2 rounded,
    /// 3 intraday, 7 absent.
    pub settle_bits: u8,
    /// Tag 5791 `ClearedVolume`: contracts. `I32_NULL` means absent.
    pub cleared_lots: I32Le,
    /// Tag 5792 `OpenInterestQty`: contracts. `I32_NULL` means absent.
    pub open_interest_lots: I32Le,
    /// Tag 1148 `LowLimitPrice`. `MANTISSA_NULL` means absent.
    pub low_limit: Mantissa,
    /// Tag 1149 `HighLimitPrice`. `MANTISSA_NULL` means absent.
    pub high_limit: Mantissa,
    /// Tag 9779 `UserDefinedInstrument`: `Y` or `N`.
    pub user_defined: u8,
}
const _: () = assert!(
    size_of::<OptionDefinition>() == 211 && offset_of!(OptionDefinition, user_defined) == 210
);

/// The root block of a spread (futures or options), without what versions 6 and 10 appended.
/// 193 bytes.
///
/// Source: `MDInstrumentDefinitionSpread56` (versions 9 and 13), `MDInstrumentDefinitionSpread29`
/// (versions 6 and 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SpreadDefinition {
    /// What all definitions share.
    pub head: DefinitionHead,
    /// Tag 200 `MaturityMonthYear`.
    pub maturity: MaturityMonthYear,
    /// Tag 15 `Currency`: of the price, ISO 4217.
    pub currency: [u8; 3],
    /// Tag 762 `SecuritySubType`: the kind of spread, for example `SP`, NUL-padded.
    pub sub_type: [u8; 5],
    /// Tag 9779 `UserDefinedInstrument`: `Y` or `N`.
    pub user_defined: u8,
    /// Tag 1142 `MatchAlgorithm`, raw ASCII: `F` first in first out, `K` split, ...
    pub match_algorithm: u8,
    /// Tag 562 `MinTradeVol`: smallest order, contracts.
    pub min_lots: U32Le,
    /// Tag 1140 `MaxTradeVol`: largest order, contracts.
    pub max_lots: U32Le,
    /// Tag 969 `MinPriceIncrement`: the constant tick. `MANTISSA_NULL`: a tick table.
    pub tick: Mantissa,
    /// Tag 9787 `DisplayFactor`: Globex price to display price.
    pub display_factor: Mantissa,
    /// Tag 9800 `PriceDisplayFormat`: decimals shown. `U8_NULL` means absent.
    pub display_format: u8,
    /// Tag 5770 `PriceRatio`: of an inter-commodity spread. `MANTISSA_NULL` means absent.
    pub price_ratio: Mantissa,
    /// Tag 6350 `TickRule`: variable tick table. `I8_NULL` means absent.
    pub tick_rule: i8,
    /// Tag 996 `UnitOfMeasure`: ASCII, NUL-padded, for example `BBL`.
    pub unit: [u8; 30],
    /// Tag 1150 `TradingReferencePrice`: last settlement. `MANTISSA_NULL` means absent.
    pub reference_price: Mantissa,
    /// Tag 731 `SettlPriceType`: bits of that settlement, 0 final, 1 actual, 2 rounded,
    /// 3 intraday, 7 absent.
    pub settle_bits: u8,
    /// Tag 5792 `OpenInterestQty`: contracts. `I32_NULL` means absent.
    pub open_interest_lots: I32Le,
    /// Tag 5791 `ClearedVolume`: contracts. `I32_NULL` means absent.
    pub cleared_lots: I32Le,
    /// Tag 1149 `HighLimitPrice`. `MANTISSA_NULL` means absent.
    pub high_limit: Mantissa,
    /// Tag 1148 `LowLimitPrice`. `MANTISSA_NULL` means absent.
    pub low_limit: Mantissa,
    /// Tag 1143 `MaxPriceVariation`: price band. `MANTISSA_NULL` means absent.
    pub max_variation: Mantissa,
    /// Tag 37702 `MainFraction`: denominator. `U8_NULL` means absent.
    pub main_fraction: u8,
    /// Tag 37703 `SubFraction`: denominator. `U8_NULL` means absent.
    pub sub_fraction: u8,
}
const _: () = assert!(
    size_of::<SpreadDefinition>() == 193 && offset_of!(SpreadDefinition, sub_fraction) == 192
);

/// What version 6 appended to the root blocks of all definitions. 2 bytes.
///
/// Source: `sinceVersion="6"` of the field in templates 27, 29 and 41 (version 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct DefinitionDate {
    /// Tag 5796 `TradingReferenceDate`: days since 1970-01-01. `U16_NULL` means absent.
    pub reference_date: U16Le,
}
const _: () = assert!(size_of::<DefinitionDate>() == 2);

/// What version 10 appended to the root blocks of futures and options. 8 bytes.
///
/// Source: `MDInstrumentDefinitionFuture54`, `MDInstrumentDefinitionOption55` (version 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct DefinitionGuid {
    /// Tag 37513 `InstrumentGUID`. `U64_NULL` means absent.
    pub guid: U64Le,
}
const _: () = assert!(size_of::<DefinitionGuid>() == 8);

/// What version 10 appended to the root block of spreads. 60 bytes.
///
/// Source: `MDInstrumentDefinitionSpread56` (version 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SpreadExtra {
    /// Tag 1196 `PriceQuoteMethod`: NUL-padded.
    pub quote_method: [u8; 5],
    /// Tag 37721 `RiskSet`: NUL-padded.
    pub risk_set: [u8; 6],
    /// Tag 37722 `MarketSet`: NUL-padded.
    pub market_set: [u8; 6],
    /// Tag 37513 `InstrumentGUID`. `U64_NULL` means absent.
    pub guid: U64Le,
    /// Tag 2714 `FinancialInstrumentFullName`: NUL-padded.
    pub full_name: [u8; 35],
}
const _: () = assert!(size_of::<SpreadExtra>() == 60);

/// An entry of group 864: activation or last trade time. 9 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct EventEntry {
    /// Tag 865 `EventType`, raw: 5 activation, 7 last eligible trade date.
    pub kind: u8,
    /// Tag 1145 `EventTime`: nanoseconds since 1970-01-01 UTC.
    pub at_ns: U64Le,
}
const _: () = assert!(size_of::<EventEntry>() == 9);

/// An entry of group 1141: a book that the instrument has, and its depth. 4 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct FeedTypeEntry {
    /// Tag 1022 `MDFeedType`: `GBX` real book, `GBI` implied book.
    pub feed_type: [u8; 3],
    /// Tag 264 `MarketDepth`: levels a side.
    pub depth: i8,
}
const _: () = assert!(size_of::<FeedTypeEntry>() == 4);

/// An entry of group 870: what the instrument is eligible for. 4 bytes. Constant: tag 871 is 24.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct AttributeEntry {
    /// Tag 872 `InstAttribValue`: bits; the schema's `InstAttribValue` names them.
    pub bits: U32Le,
}
const _: () = assert!(size_of::<AttributeEntry>() == 4);

/// An entry of group 1234: a lot size. 5 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct LotTypeEntry {
    /// Tag 1093 `LotType`, raw.
    pub lot_type: i8,
    /// Tag 1231 `MinLotSize`: units of 1e-4. `I32_NULL` means absent.
    pub min_lot_e4: I32Le,
}
const _: () = assert!(size_of::<LotTypeEntry>() == 5);

/// An entry of group 555: one leg of a spread. 18 bytes. Constant: tag 603 is `8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct LegEntry {
    /// Tag 602 `LegSecurityID`.
    pub security_id: I32Le,
    /// Tag 624 `LegSide`, raw: 1 buy, 2 sell.
    pub side: u8,
    /// Tag 623 `LegRatioQty`.
    pub ratio: i8,
    /// Tag 566 `LegPrice`: of a covered spread. `MANTISSA_NULL` means absent.
    pub price: Mantissa,
    /// Tag 1017 `LegOptionDelta`: units of 1e-4. `I32_NULL` means absent.
    pub delta_e4: I32Le,
}
const _: () = assert!(size_of::<LegEntry>() == 18);

/// An entry of group 711: the underlying of an option. 24 bytes. Constant: tag 305 is `8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct UnderlyingEntry {
    /// Tag 309 `UnderlyingSecurityID`.
    pub security_id: I32Le,
    /// Tag 311 `UnderlyingSymbol`: ASCII, NUL-padded.
    pub symbol: [u8; 20],
}
const _: () = assert!(size_of::<UnderlyingEntry>() == 24);

/// An entry of group 1647: an instrument related to an option. 24 bytes. Constant: tag 1651 is `8`.
///
/// Since version 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct RelatedEntry {
    /// Tag 1650 `RelatedSecurityID`.
    pub security_id: I32Le,
    /// Tag 1649 `RelatedSymbol`: ASCII, NUL-padded.
    pub symbol: [u8; 20],
}
const _: () = assert!(size_of::<RelatedEntry>() == 24);

wire_enum! {
    /// Tag 980 `SecurityUpdateAction`.
    DefinitionAction {
        /// A new instrument.
        Add = b'A',
        /// Removed in the middle of the week.
        Delete = b'D',
        /// Changed in the middle of the week.
        Modify = b'M',
    }
}
