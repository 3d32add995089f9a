//! The venue's own account of the day, and what an operator does to it: trades that are taken back,
//! the close, other limits.
//!
//! It is kept from what traded, not from entries: whoever asks whether an engine has understood the
//! feed compares with it (`Venue::day`). A start begins a new day.
//!
//! Settlement and limits are told at the start, and not again after a reset: snapshots have them.
//! UNPROVEN: CME says that daily statistics are not sent again, and nothing of limits.

use super::channel::{Channel, RESENT_ENTRIES, Row, signed};
use crate::sim::generator::event::Told;
use crate::venue::cme::mdp3::{
    DailyFigure, EventMark, TradePrint, limits_entry, session_statistic, snapshot_level,
    volume_entry,
};
use crate::venue::lines::Silence;
use std::collections::{BTreeMap, VecDeque};
use xmc_hotpath::message::Side;
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::cme::mdp3::layout::{
    Action, AggressorSide, DailyStatisticsEntry, EntryKind, I8_NULL, I32_NULL, LimitsEntry,
    Mantissa, MatchEvent, SETTLE_BITS_NULL, SessionStatisticsEntry, SnapshotEntry, TradeEntry,
    VolumeEntry,
};

/// Prints that can still be taken back.
const MOST_KEPT: usize = 256;

/// Tag 731: final and actual.
const FINAL: u8 = 3;
/// Tag 731: actual, and neither final nor rounded.
const PRELIMINARY: u8 = 2;

/// What an order traded at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    /// Price, units of 1e-9.
    pub price_e9: i64,
    /// Lots.
    pub lots: u32,
    /// Who took.
    pub aggressor: Side,
    /// Tag 37711.
    pub trade_id: u32,
}

impl Print {
    /// Its entry.
    pub(super) fn entry(
        &self,
        (security_id, rpt_seq): (i32, u32),
        order_count: usize,
    ) -> TradeEntry {
        TradeEntry::from(TradePrint {
            security_id,
            rpt_seq,
            price: Mantissa::new(self.price_e9),
            size_lots: signed(self.lots),
            order_count: i32::try_from(order_count).expect("orders of a price are few"),
            aggressor: match self.aggressor {
                Side::Buy => AggressorSide::Buy,
                Side::Sell => AggressorSide::Sell,
            },
            trade_id: self.trade_id,
        })
    }
}

/// What is said once a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Settlement, units of 1e-9.
    pub settlement_e9: i64,
    /// Whether it is final.
    pub is_final: bool,
    /// Lots that are open, where it is told.
    pub open_interest_lots: Option<u32>,
    /// Lots that were cleared, where it is told.
    pub cleared_lots: Option<u32>,
    /// The trading day, days since 1970-01-01, where it is told.
    pub day: Option<u16>,
}

impl Closing {
    fn figures(&self) -> Vec<DailyFigure> {
        let day = self.day;
        let settle_bits = if self.is_final { FINAL } else { PRELIMINARY };
        let price = Mantissa::new(self.settlement_e9);
        let settlement =
            DailyFigure { kind: EntryKind::SettlementPrice, price, lots: None, settle_bits, day };
        let lots = |kind, lots: Option<u32>| {
            let (price, settle_bits) = (Mantissa::NULL, SETTLE_BITS_NULL);
            lots.map(|lots| DailyFigure { kind, price, lots: Some(signed(lots)), settle_bits, day })
        };
        let interest = lots(EntryKind::OpenInterest, self.open_interest_lots);
        let cleared = lots(EntryKind::ClearedVolume, self.cleared_lots);
        [Some(settlement), interest, cleared].into_iter().flatten().collect()
    }
}

/// An instrument's day as the venue knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayAccount {
    /// The last trade that stands.
    pub last: Option<Print>,
    /// Lots of all trades that stand.
    pub volume_lots: u64,
    /// The first trade that stands, units of 1e-9.
    pub open_e9: Option<i64>,
    /// The highest one.
    pub high_e9: Option<i64>,
    /// The lowest one.
    pub low_e9: Option<i64>,
    /// Trades that were taken back.
    pub busts: u32,
    /// What was said once a day.
    pub closing: Option<Closing>,
    /// The lowest and the highest price that is taken, units of 1e-9.
    pub limits_e9: Option<(i64, i64)>,
}

/// What the account is made from.
#[derive(Clone, Debug, Default)]
pub(super) struct DayBook {
    /// The newest prints that stand, in order.
    prints: VecDeque<Print>,
    /// Lots that stand, by price.
    lots: BTreeMap<i64, u64>,
    open_e9: Option<i64>,
    busts: u32,
    closing: Option<Closing>,
    limits_e9: Option<(i64, i64)>,
}

impl DayBook {
    pub fn print(&mut self, print: Print) {
        self.open_e9.get_or_insert(print.price_e9);
        *self.lots.entry(print.price_e9).or_default() += u64::from(print.lots);
        if self.prints.len() == MOST_KEPT {
            self.prints.pop_front();
        }
        self.prints.push_back(print);
    }

    /// Takes back the print that `later` ones came after; `None` if it is not known any more.
    fn bust(&mut self, later: usize) -> Option<Print> {
        let place = self.prints.len().checked_sub(later + 1)?;
        let print = self.prints.remove(place)?;
        self.busts += 1;
        let left = self.lots.get_mut(&print.price_e9).expect("it was counted");
        *left -= u64::from(print.lots);
        if *left == 0 {
            self.lots.remove(&print.price_e9);
        }
        if self.is_all() {
            self.open_e9 = self.prints.front().map(|first| first.price_e9);
        }
        Some(print)
    }

    /// Whether every print that stands is kept.
    fn is_all(&self) -> bool {
        let kept: u64 = self.prints.iter().map(|print| u64::from(print.lots)).sum();
        kept == self.lots.values().sum::<u64>()
    }

    pub fn account(&self) -> DayAccount {
        DayAccount {
            last: self.prints.back().copied(),
            volume_lots: self.lots.values().sum(),
            open_e9: self.open_e9,
            high_e9: self.lots.last_key_value().map(|(price_e9, _)| *price_e9),
            low_e9: self.lots.first_key_value().map(|(price_e9, _)| *price_e9),
            busts: self.busts,
            closing: self.closing,
            limits_e9: self.limits_e9,
        }
    }
}

impl DayAccount {
    fn prices(&self) -> [(EntryKind, Option<i64>); 3] {
        [
            (EntryKind::OpenPrice, self.open_e9),
            (EntryKind::HighTrade, self.high_e9),
            (EntryKind::LowTrade, self.low_e9),
        ]
    }

    /// High limit, low limit and band, as they are sent.
    pub(super) fn limits(&self) -> [Mantissa; 3] {
        let (low, high) = self.limits_e9.unzip();
        [high, low, None].map(|price_e9| price_e9.map_or(Mantissa::NULL, Mantissa::new))
    }

    /// What a snapshot has beside the levels.
    pub(super) fn snapshot_entries(&self) -> Vec<SnapshotEntry> {
        let entry = |kind, price_e9, lots| {
            snapshot_level(kind, I8_NULL, Mantissa::new(price_e9), lots, None)
        };
        let mut entries = Vec::new();
        if let Some(last) = self.last {
            entries.push(entry(EntryKind::Trade, last.price_e9, signed(last.lots)));
        }
        for (kind, price_e9) in self.prices() {
            entries.extend(price_e9.map(|price_e9| entry(kind, price_e9, I32_NULL)));
        }
        if self.volume_lots > 0 || self.busts > 0 {
            let volume = i32::try_from(self.volume_lots).unwrap_or(i32::MAX - 1);
            let (kind, price) = (EntryKind::ElectronicVolume, Mantissa::NULL);
            entries.push(snapshot_level(kind, I8_NULL, price, volume, None));
        }
        let figures = self.closing.iter().flat_map(Closing::figures);
        entries.extend(figures.map(|figure| figure.snapshot_entry()));
        entries
    }
}

impl Row {
    fn closing_entries(&mut self) -> Vec<DailyStatisticsEntry> {
        let figures = self.day.closing.iter().flat_map(Closing::figures).collect::<Vec<_>>();
        let id = self.contract.security_id;
        let entry = |figure: DailyFigure| figure.entry((id, self.next_rpt_seq()), Action::New);
        figures.into_iter().map(entry).collect()
    }

    fn limits_entry(&mut self) -> LimitsEntry {
        let limits = self.day.account().limits();
        limits_entry((self.contract.security_id, self.next_rpt_seq()), limits)
    }

    /// The volume, if there is any to tell.
    pub(super) fn volume_again(&mut self) -> Option<VolumeEntry> {
        let is_any = self.volume_lots > 0;
        is_any.then(|| self.volume_entry())
    }

    pub(super) fn volume_entry(&mut self) -> VolumeEntry {
        let rpt_seq = self.next_rpt_seq();
        volume_entry(self.contract.security_id, rpt_seq, self.volume_lots)
    }

    /// The statistics of the session that there are.
    pub(super) fn statistics_again(&mut self) -> Vec<SessionStatisticsEntry> {
        let id = self.contract.security_id;
        let known = self.day.account().prices().into_iter();
        let known = known.filter_map(|(kind, price_e9)| Some((kind, price_e9?)));
        let entry = |(kind, price_e9)| {
            let of = (id, self.next_rpt_seq());
            session_statistic(of, kind, Action::New, Mantissa::new(price_e9))
        };
        known.map(entry).collect()
    }

    fn bust(&mut self, later: usize) -> Option<(Print, Told)> {
        let before = self.day.account();
        let print = self.day.bust(later)?;
        let after = self.day.account();
        self.volume_lots = i32::try_from(after.volume_lots).unwrap_or(i32::MAX - 1);
        self.extremes = after.low_e9.zip(after.high_e9);
        let id = self.contract.security_id;
        let gone = print.entry((id, self.next_rpt_seq()), 0);
        let mut told = Told::default();
        told.trades.push(TradeEntry { action: Action::Delete.to_wire(), ..gone });
        told.volumes.push(self.volume_entry());
        for ((kind, was), (_, is)) in before.prices().into_iter().zip(after.prices()) {
            if was != is {
                let action = if is.is_some() { Action::New } else { Action::Delete };
                let price = is.or(was).map_or(Mantissa::NULL, Mantissa::new);
                let of = (id, self.next_rpt_seq());
                told.statistics.push(session_statistic(of, kind, action, price));
            }
        }
        Some((print, told))
    }
}

impl Channel {
    /// Tells what holds at the start of the day: the settlements of the day before, and limits.
    pub fn announce(&mut self, now: MonoNs, days: &[(Closing, (i64, i64))]) {
        let (mut closings, mut limits) = (Vec::new(), Vec::new());
        for (row, (closing, limits_e9)) in self.rows.iter_mut().zip(days) {
            row.day.closing = Some(*closing);
            row.day.limits_e9 = Some(*limits_e9);
            closings.extend(row.closing_entries());
            limits.push(row.limits_entry());
        }
        let transact_ns = self.utc(now);
        let match_event = MatchEvent::RECOVERY.and(MatchEvent::END_OF_EVENT);
        let mark = EventMark { transact_ns, match_event };
        for chunk in closings.chunks(RESENT_ENTRIES) {
            self.send(now, |packet| packet.daily_statistics(mark, chunk));
        }
        for chunk in limits.chunks(RESENT_ENTRIES) {
            self.send(now, |packet| packet.limits(mark, chunk));
        }
    }

    /// Takes back the trade that `later` ones of the instrument came after. `None`: it is not known
    /// any more, or the channel is silent.
    pub fn bust(&mut self, now: MonoNs, index: usize, later: usize) -> Option<Print> {
        if self.silence() != Silence::Off {
            return None;
        }
        let (print, told) = self.rows.get_mut(index)?.bust(later)?;
        self.send_event(now, &told);
        Some(print)
    }

    /// Tells what is said once a day.
    pub fn close_day(&mut self, now: MonoNs, index: usize, closing: Closing) {
        let row = &mut self.rows[index];
        row.day.closing = Some(closing);
        let entries = row.closing_entries();
        let mark = EventMark::end(self.utc(now));
        self.send(now, |packet| packet.daily_statistics(mark, &entries));
    }

    /// Tells other limits.
    pub fn set_limits(&mut self, now: MonoNs, index: usize, limits_e9: (i64, i64)) {
        let row = &mut self.rows[index];
        row.day.limits_e9 = Some(limits_e9);
        let entry = row.limits_entry();
        let mark = EventMark::end(self.utc(now));
        self.send(now, |packet| packet.limits(mark, &[entry]));
    }
}
