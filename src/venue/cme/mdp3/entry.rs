//! Blocks and entries from plain numbers; what is not asked for is sent as absent.

use bytemuck::Zeroable;
use xmc_hotpath::venue::cme::mdp3::layout::{
    Action, AggressorSide, BookEntry, DailyStatisticsEntry, DefinitionAction, DefinitionHead,
    EntryKind, FutureDefinition, I8_NULL, I32_NULL, LimitsEntry, Mantissa, MatchEvent,
    MaturityMonthYear, SETTLE_BITS_NULL, SessionStatisticsEntry, SnapshotEntry, SnapshotRoot,
    TradeEntry, U8_NULL, U16_NULL, VolumeEntry,
};
use xmc_hotpath::wire::{I16Le, I32Le, U16Le, U32Le, U64Le};

/// A price level change in plain numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookChange {
    /// The instrument.
    pub security_id: i32,
    /// Its entry number.
    pub rpt_seq: u32,
    /// Side, real or implied, or a reset of the book.
    pub kind: EntryKind,
    /// What happened to the level.
    pub action: Action,
    /// 1 is the top of the book.
    pub level: u8,
    /// Price, or `Mantissa::NULL`.
    pub price: Mantissa,
    /// Contracts; `None` is sent as absent.
    pub size_lots: Option<i32>,
    /// Orders at the level; `None` (implied levels) is sent as absent.
    pub order_count: Option<i32>,
}

impl From<BookChange> for BookEntry {
    fn from(change: BookChange) -> Self {
        Self {
            price: change.price,
            size_lots: I32Le::new(change.size_lots.unwrap_or(I32_NULL)),
            security_id: I32Le::new(change.security_id),
            rpt_seq: U32Le::new(change.rpt_seq),
            order_count: I32Le::new(change.order_count.unwrap_or(I32_NULL)),
            level: change.level,
            action: change.action.to_wire(),
            kind: change.kind.to_wire(),
            tradeable_lots: I32Le::new(I32_NULL),
            pad: [0; 1],
        }
    }
}

/// A trade at one price in plain numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradePrint {
    /// The instrument.
    pub security_id: i32,
    /// Its entry number.
    pub rpt_seq: u32,
    /// Price.
    pub price: Mantissa,
    /// Contracts.
    pub size_lots: i32,
    /// Orders that took part.
    pub order_count: i32,
    /// Who took.
    pub aggressor: AggressorSide,
    /// Identity of the trade; sent by version 13 only.
    pub trade_id: u32,
}

impl From<TradePrint> for TradeEntry {
    fn from(trade: TradePrint) -> Self {
        Self {
            price: trade.price,
            size_lots: I32Le::new(trade.size_lots),
            security_id: I32Le::new(trade.security_id),
            rpt_seq: U32Le::new(trade.rpt_seq),
            order_count: I32Le::new(trade.order_count),
            aggressor: trade.aggressor.to_wire(),
            action: Action::New.to_wire(),
            trade_id: U32Le::new(trade.trade_id),
            pad: [0; 2],
        }
    }
}

/// A volume entry.
pub fn volume_entry(security_id: i32, rpt_seq: u32, size_lots: i32) -> VolumeEntry {
    VolumeEntry {
        size_lots: I32Le::new(size_lots),
        security_id: I32Le::new(security_id),
        rpt_seq: U32Le::new(rpt_seq),
        action: Action::New.to_wire(),
        pad: [0; 3],
    }
}

/// A statistic of the session: a price.
pub fn session_statistic(
    (security_id, rpt_seq): (i32, u32),
    kind: EntryKind,
    action: Action,
    price: Mantissa,
) -> SessionStatisticsEntry {
    SessionStatisticsEntry {
        price,
        security_id: I32Le::new(security_id),
        rpt_seq: U32Le::new(rpt_seq),
        // 0: the opening price of the day.
        open_close_settle: if kind == EntryKind::OpenPrice { 0 } else { U8_NULL },
        action: action.to_wire(),
        kind: kind.to_wire(),
        size_lots: I32Le::new(I32_NULL),
        pad: [0; 1],
    }
}

/// A statistic of the day: a price, or contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyFigure {
    /// Settlement, cleared volume, open interest or fixing.
    pub kind: EntryKind,
    /// Price, or `Mantissa::NULL`.
    pub price: Mantissa,
    /// Contracts; `None` is sent as absent.
    pub lots: Option<i32>,
    /// Tag 731: what kind of settlement.
    pub settle_bits: u8,
    /// The trading day, days since 1970-01-01; `None` is sent as absent.
    pub day: Option<u16>,
}

impl DailyFigure {
    /// Its entry.
    pub fn entry(
        &self,
        (security_id, rpt_seq): (i32, u32),
        action: Action,
    ) -> DailyStatisticsEntry {
        DailyStatisticsEntry {
            price: self.price,
            size_lots: I32Le::new(self.lots.unwrap_or(I32_NULL)),
            security_id: I32Le::new(security_id),
            rpt_seq: U32Le::new(rpt_seq),
            reference_date: U16Le::new(self.day.unwrap_or(U16_NULL)),
            settle_bits: self.settle_bits,
            action: action.to_wire(),
            kind: self.kind.to_wire(),
            pad: [0; 7],
        }
    }

    /// The same in a snapshot.
    pub fn snapshot_entry(&self) -> SnapshotEntry {
        let lots = self.lots.unwrap_or(I32_NULL);
        SnapshotEntry {
            reference_date: U16Le::new(self.day.unwrap_or(U16_NULL)),
            settle_bits: self.settle_bits,
            ..snapshot_level(self.kind, I8_NULL, self.price, lots, None)
        }
    }
}

/// Limits and the band, each `Mantissa::NULL` where there is none.
pub fn limits_entry(
    (security_id, rpt_seq): (i32, u32),
    [high_limit, low_limit, max_variation]: [Mantissa; 3],
) -> LimitsEntry {
    LimitsEntry {
        high_limit,
        low_limit,
        max_variation,
        security_id: I32Le::new(security_id),
        rpt_seq: U32Le::new(rpt_seq),
    }
}

/// What a snapshot of one instrument says before its levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotMark {
    /// The last packet of the incremental feed included.
    pub last_seq_no: u32,
    /// Messages in one loop.
    pub report_count: u32,
    /// The instrument.
    pub security_id: i32,
    /// Its last entry included.
    pub rpt_seq: u32,
    /// Its last event, nanoseconds since 1970-01-01 UTC.
    pub transact_ns: u64,
    /// Raw trading status; `u8::MAX` for none.
    pub trading_status: u8,
}

impl From<SnapshotMark> for SnapshotRoot {
    fn from(mark: SnapshotMark) -> Self {
        Self {
            last_seq_no: U32Le::new(mark.last_seq_no),
            report_count: U32Le::new(mark.report_count),
            security_id: I32Le::new(mark.security_id),
            rpt_seq: U32Le::new(mark.rpt_seq),
            transact_ns: U64Le::new(mark.transact_ns),
            last_update_ns: U64Le::new(mark.transact_ns),
            trade_date: U16Le::new(U16_NULL),
            trading_status: mark.trading_status,
            high_limit: Mantissa::NULL,
            low_limit: Mantissa::NULL,
            max_variation: Mantissa::NULL,
        }
    }
}

/// One level of a snapshot; `order_count` is `None` for an implied one.
pub fn snapshot_level(
    kind: EntryKind,
    level: i8,
    price: Mantissa,
    size_lots: i32,
    order_count: Option<i32>,
) -> SnapshotEntry {
    SnapshotEntry {
        price,
        size_lots: I32Le::new(size_lots),
        order_count: I32Le::new(order_count.unwrap_or(I32_NULL)),
        level,
        reference_date: U16Le::new(U16_NULL),
        open_close_settle: U8_NULL,
        settle_bits: SETTLE_BITS_NULL,
        kind: kind.to_wire(),
    }
}

/// What the engine needs to know of a future; the rest of its definition is sent as absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FutureTerms<'a> {
    /// Instruments in the replay loop; `u32::MAX` on the incremental feed.
    pub report_count: u32,
    /// Added, changed or removed.
    pub action: DefinitionAction,
    /// The channel.
    pub channel: i16,
    /// The market segment that order entry is partitioned by.
    pub market_segment: u8,
    /// Exchange, up to 4 characters.
    pub exchange: &'a str,
    /// Security group, up to 6 characters.
    pub security_group: &'a str,
    /// Product code, up to 6 characters.
    pub asset: &'a str,
    /// Symbol, up to 20 characters.
    pub symbol: &'a str,
    /// The instrument.
    pub security_id: i32,
    /// Year and month of the contract.
    pub maturity: (u16, u8),
    /// ISO 4217.
    pub currency: &'a str,
    /// The constant tick.
    pub tick: Mantissa,
    /// Globex price to display price.
    pub display_factor: Mantissa,
    /// Largest order, contracts.
    pub max_lots: u32,
    /// Levels of the real book, and of the implied book if there is one.
    pub depths: (i8, Option<i8>),
    /// Activation and last trade time, nanoseconds since 1970-01-01 UTC.
    pub active_ns: (u64, u64),
}

impl FutureTerms<'_> {
    fn head(&self) -> DefinitionHead {
        DefinitionHead {
            match_event: MatchEvent::END_OF_EVENT,
            report_count: U32Le::new(self.report_count),
            update_action: self.action.to_wire(),
            last_update_ns: U64Le::new(self.active_ns.0),
            trading_status: U8_NULL,
            channel: I16Le::new(self.channel),
            market_segment: self.market_segment,
            product_complex: U8_NULL,
            exchange: ascii(self.exchange),
            security_group: ascii(self.security_group),
            asset: ascii(self.asset),
            symbol: ascii(self.symbol),
            security_id: I32Le::new(self.security_id),
            security_type: ascii("FUT"),
            cfi_code: ascii("FXXXXX"),
        }
    }

    /// The root block; what versions 6 and 10 appended to it is not in it.
    pub(super) fn root(&self) -> FutureDefinition {
        let (year, month) = self.maturity;
        FutureDefinition {
            head: self.head(),
            maturity: MaturityMonthYear {
                year: U16Le::new(year),
                month,
                day: U8_NULL,
                week: U8_NULL,
            },
            currency: ascii(self.currency),
            settle_currency: ascii(self.currency),
            match_algorithm: b'F',
            min_lots: U32Le::new(1),
            max_lots: U32Le::new(self.max_lots),
            tick: self.tick,
            display_factor: self.display_factor,
            main_fraction: U8_NULL,
            sub_fraction: U8_NULL,
            display_format: U8_NULL,
            unit_qty: Mantissa::NULL,
            reference_price: Mantissa::NULL,
            settle_bits: SETTLE_BITS_NULL,
            open_interest_lots: I32Le::new(I32_NULL),
            cleared_lots: I32Le::new(I32_NULL),
            high_limit: Mantissa::NULL,
            low_limit: Mantissa::NULL,
            max_variation: Mantissa::NULL,
            decay_qty: I32Le::new(I32_NULL),
            decay_start_date: U16Le::new(U16_NULL),
            original_size: I32Le::new(I32_NULL),
            multiplier: I32Le::new(I32_NULL),
            multiplier_unit: I8_NULL,
            flow_schedule: I8_NULL,
            tick_value: Mantissa::NULL,
            user_defined: b'N',
            ..Zeroable::zeroed()
        }
    }
}

/// Text in a fixed field, NUL-padded.
///
/// # Panics
/// If the text is longer than the field.
fn ascii<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [0; N];
    assert!(text.len() <= N, "{text:?} fits in {N} characters");
    field[..text.len()].copy_from_slice(text.as_bytes());
    field
}
