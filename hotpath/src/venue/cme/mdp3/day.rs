//! What MDP 3.0 says of an instrument's day: trades (48, 42, 36), volume (37), statistics of the
//! session (51, 35) and of the day (49, 33), limits (50, 34), and the same in a snapshot (52, 38).
//!
//! A price that does not fit is not known, and no reason to doubt the packet: nothing of a book
//! follows from it. Called by `feed` for each entry, and by the cold side for snapshots.
//!
//! INFERENCE: a trade with `Delete` is taken back, one with `Change` is another one than was told;
//! both are found by tag 37711, or by price and lots where the sender has no such tag. A statistic
//! with `Delete` is not known any more. Source: client wiki pages 46476627 and 46476679, which list
//! the actions and do not say more.

use super::decode::{
    Incremental, Message, PriceScale, SessionStatistics, Snapshot, TradeSummary, present,
};
use super::layout::{
    Action, AggressorSide, DailyStatisticsEntry, EntryKind, LimitsEntry, Mantissa,
    SETTLE_BITS_NULL, Sequenced, SessionStatisticsEntry, SingleTradeEntry, SnapshotEntry,
    TradeEntry, U16_NULL, VolumeEntry,
};
use crate::book::{Day, DayLots, PriceLimits, Settlement, Traded};
use crate::message::Side;
use bytemuck::AnyBitPattern;

/// Tag 286 `OpenCloseSettlFlag`: the price at which it would open.
const INDICATIVE: u8 = 5;
/// Tag 731 `SettlPriceType`: final.
const FINAL: u8 = 1;
/// Tag 731 `SettlPriceType`: of the middle of the day.
const INTRADAY: u8 = 1 << 3;

/// An entry of 48 or 42.
pub(super) fn trade(update: &TradeSummary<'_>, entry: &TradeEntry, day: &mut Day) {
    let Some(price_e9) = price(update.scale, entry.price) else { return };
    let traded = Traded {
        price_e9,
        lots: lots(entry.size_lots.get()),
        aggressor: aggressor(entry.aggressor),
        trade_id: update.trade_id(entry),
    };
    note(day, entry.action, traded);
}

/// An entry of 36, whose trades have a name of another kind: tag 1003 `TradeID`.
pub(super) fn single_trade(
    update: &Incremental<'_, SingleTradeEntry>,
    entry: &SingleTradeEntry,
    day: &mut Day,
) {
    let Some(price_e9) = price(update.scale, entry.price) else { return };
    let traded = Traded {
        price_e9,
        lots: lots(entry.size_lots.get()),
        aggressor: aggressor(entry.aggressor),
        trade_id: present(entry.trade_id.get()).map(i32::cast_unsigned),
    };
    note(day, entry.action, traded);
}

fn note(day: &mut Day, action: u8, traded: Traded) {
    match Action::from_wire(action) {
        Some(Action::New) => day.trade(traded),
        Some(Action::Change) => day.correct(&traded),
        Some(Action::Delete) => day.bust(&traded),
        // Of levels, not of trades.
        Some(Action::DeleteThru | Action::DeleteFrom | Action::Overlay) | None => {}
    }
}

/// An entry of 37.
pub(super) fn volume(_: &Incremental<'_, VolumeEntry>, entry: &VolumeEntry, day: &mut Day) {
    day.volume_lots = held(entry.action, lots(entry.size_lots.get()));
}

/// An entry of 51 or 35.
pub(super) fn session_statistic(
    update: &SessionStatistics<'_>,
    entry: &SessionStatisticsEntry,
    day: &mut Day,
) {
    let price_e9 = held(entry.action, price(update.scale, entry.price));
    session_price(day, entry.kind, entry.open_close_settle, price_e9);
}

fn session_price(day: &mut Day, kind: u8, flag: u8, price_e9: Option<i64>) {
    match EntryKind::from_wire(kind) {
        Some(EntryKind::OpenPrice) if flag == INDICATIVE => day.indicative_open_e9 = price_e9,
        Some(EntryKind::OpenPrice) => day.open_e9 = price_e9,
        Some(EntryKind::HighTrade) => day.high_e9 = price_e9,
        Some(EntryKind::LowTrade) => day.low_e9 = price_e9,
        Some(EntryKind::HighBid) => day.high_bid_e9 = price_e9,
        Some(EntryKind::LowOffer) => day.low_ask_e9 = price_e9,
        Some(EntryKind::Vwap) => day.vwap_e9 = price_e9,
        _ => {}
    }
}

/// An entry of 49 or 33.
pub(super) fn daily_statistic(
    update: &Incremental<'_, DailyStatisticsEntry>,
    entry: &DailyStatisticsEntry,
    day: &mut Day,
) {
    let said = Daily {
        kind: entry.kind,
        price_e9: held(entry.action, price(update.scale, entry.price)),
        lots: held(entry.action, lots(entry.size_lots.get())),
        settle_bits: entry.settle_bits,
        of: date(entry.reference_date.get()),
    };
    daily(day, &said);
}

/// What is said once a day.
struct Daily {
    kind: u8,
    price_e9: Option<i64>,
    lots: Option<u32>,
    settle_bits: u8,
    of: Option<u16>,
}

fn daily(day: &mut Day, said: &Daily) {
    let &Daily { kind, price_e9, lots, settle_bits, of } = said;
    match EntryKind::from_wire(kind) {
        Some(EntryKind::SettlementPrice) => {
            let has = |bit: u8| settle_bits & SETTLE_BITS_NULL == 0 && settle_bits & bit != 0;
            day.settlement = price_e9.map(|price_e9| Settlement {
                price_e9,
                is_final: has(FINAL),
                is_intraday: has(INTRADAY),
                day: of,
            });
        }
        Some(EntryKind::ClearedVolume) => {
            day.cleared = lots.map(|lots| DayLots { lots, day: of });
        }
        Some(EntryKind::OpenInterest) => {
            day.open_interest = lots.map(|lots| DayLots { lots, day: of });
        }
        Some(EntryKind::FixingPrice) => day.fixing_e9 = price_e9,
        _ => {}
    }
}

/// An entry of 50 or 34: all three at once.
pub(super) fn limits(update: &Incremental<'_, LimitsEntry>, entry: &LimitsEntry, day: &mut Day) {
    day.limits = PriceLimits {
        high_e9: price(update.scale, entry.high_limit),
        low_e9: price(update.scale, entry.low_limit),
        max_variation_e9: price(update.scale, entry.max_variation),
    };
}

/// Hands to `at` what each entry of a message does to a day, with the number of its instrument: for
/// whoever keeps days in a way of its own.
pub fn each(message: &Message<'_>, mut at: impl FnMut(i32, &dyn Fn(&mut Day))) {
    let at = &mut at;
    match message {
        Message::Trade(update) => hand(update, trade, at),
        Message::SingleTrade(update) => hand(update, single_trade, at),
        Message::Volume(update) => hand(update, volume, at),
        Message::SessionStatistics(update) => hand(update, session_statistic, at),
        Message::DailyStatistics(update) => hand(update, daily_statistic, at),
        Message::Limits(update) => hand(update, limits, at),
        Message::Snapshot(snapshot) => {
            let day = told(snapshot);
            at(snapshot.root.security_id.get(), &|place| *place = day);
        }
        Message::Book(_)
        | Message::OrderBook(_)
        | Message::Heartbeat
        | Message::Reset(_)
        | Message::Status(_)
        | Message::QuoteRequest(_)
        | Message::Future(_)
        | Message::Option(_)
        | Message::Spread(_)
        | Message::OrderSnapshot(_)
        | Message::Logon(_)
        | Message::Logout(_)
        | Message::Skipped { .. } => {}
    }
}

fn hand<T: AnyBitPattern + Sequenced>(
    update: &Incremental<'_, T>,
    note: impl Fn(&Incremental<'_, T>, &T, &mut Day),
    at: &mut impl FnMut(i32, &dyn Fn(&mut Day)),
) {
    for entry in update.entries {
        at(entry.security_id(), &|day| note(update, entry, day));
    }
}

/// The day as a snapshot tells it.
#[must_use]
pub fn told(snapshot: &Snapshot<'_>) -> Day {
    let Snapshot { root, entries, scale } = *snapshot;
    let limits = PriceLimits {
        high_e9: price(scale, root.high_limit),
        low_e9: price(scale, root.low_limit),
        max_variation_e9: price(scale, root.max_variation),
    };
    let mut day = Day { limits, ..Day::UNKNOWN };
    for entry in entries {
        told_entry(&mut day, entry, scale);
    }
    day
}

fn told_entry(day: &mut Day, entry: &SnapshotEntry, scale: PriceScale) {
    let (price_e9, lots) = (price(scale, entry.price), lots(entry.size_lots.get()));
    match EntryKind::from_wire(entry.kind) {
        Some(EntryKind::Trade) => {
            let traded = |price_e9| Traded { price_e9, lots, aggressor: None, trade_id: None };
            day.last = price_e9.map(traded);
        }
        Some(EntryKind::ElectronicVolume) => day.volume_lots = lots,
        _ => {
            session_price(day, entry.kind, entry.open_close_settle, price_e9);
            let of = date(entry.reference_date.get());
            let (kind, settle_bits) = (entry.kind, entry.settle_bits);
            daily(day, &Daily { kind, price_e9, lots, settle_bits, of });
        }
    }
}

/// What an entry says, unless it takes back what was said.
fn held<T>(action: u8, said: Option<T>) -> Option<T> {
    match Action::from_wire(action) {
        Some(Action::Delete | Action::DeleteThru | Action::DeleteFrom) => None,
        Some(Action::New | Action::Change | Action::Overlay) | None => said,
    }
}

fn price(scale: PriceScale, mantissa: Mantissa) -> Option<i64> {
    scale.price_e9(mantissa).ok().flatten()
}

fn lots(raw: i32) -> Option<u32> {
    present(raw).and_then(|lots| u32::try_from(lots).ok())
}

const fn date(raw: u16) -> Option<u16> {
    if raw == U16_NULL { None } else { Some(raw) }
}

const fn aggressor(raw: u8) -> Option<Side> {
    match AggressorSide::from_wire(raw) {
        Some(AggressorSide::Buy) => Some(Side::Buy),
        Some(AggressorSide::Sell) => Some(Side::Sell),
        Some(AggressorSide::NoAggressor) | None => None,
    }
}
