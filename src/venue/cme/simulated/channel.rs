//! The incremental feed: what the exchange says to the public, as packets of MDP 3.0 version 13.
//!
//! An event of the exchange becomes an event of the channel: trades first, one entry per price of
//! an order that came, then volume, then levels, then statistics, then an empty message of implied
//! quotes, which this market does not have; the last one has `END_OF_EVENT`. A change of phase is a
//! security status of its own, ahead of what it does to books.
//!
//! It begins with a channel reset, so that books from before a restart are void whatever became of
//! the packets in between; `reset` may be called later too, and then sends all levels again.
//!
//! Simplified: volumes and statistics begin at zero with each start (`day`). A reset sends volume
//! and statistics of the session again, and not those of the day. UNPROVEN: heartbeats take a
//! number of the sequence.

use super::contract::{ChannelSettings, Contract};
use super::day::{DayBook, Print};
use crate::sim::exchange::{Action as LevelAction, Event, Level, Phase, Shown, Trade};
use crate::sim::generator::event::{Told, packets};
use crate::venue::cme::mdp3::{
    BookChange, EventMark, Generation, PacketBuilder, session_statistic,
};
use crate::venue::lines::Silence;
use xmc_hotpath::message::Side;
use xmc_hotpath::time::{MonoNs, UnixNs};
use xmc_hotpath::venue::cme::mdp3::layout::{
    Action, BookEntry, EntryKind, HaltReason, Mantissa, MatchEvent, SessionStatisticsEntry,
    StatusRoot, TradeEntry, TradeOrderEntry, TradingEvent, TradingStatus, U16_NULL,
};
use xmc_hotpath::wire::{I32Le, U16Le, U64Le};

/// Levels of one message that is sent again: so many fill a packet.
pub(super) const RESENT_ENTRIES: usize = 40;

/// One instrument as the public was told of it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub contract: Contract,
    /// Number of its last entry; 0 before the first.
    pub rpt_seq: u32,
    pub phase: Phase,
    pub volume_lots: i32,
    /// Lowest and highest trade, units of 1e-9.
    pub extremes: Option<(i64, i64)>,
    /// What the venue itself knows of the day.
    pub day: DayBook,
}

impl Row {
    pub fn next_rpt_seq(&mut self) -> u32 {
        self.rpt_seq = self.rpt_seq.wrapping_add(1);
        self.rpt_seq
    }

    fn change(
        &mut self,
        side: Side,
        action: Action,
        place: u8,
        level: (i64, u32, u32),
    ) -> BookEntry {
        let (price_e9, lots, orders) = level;
        BookEntry::from(BookChange {
            security_id: self.contract.security_id,
            rpt_seq: self.next_rpt_seq(),
            kind: kind(side),
            action,
            level: place,
            price: Mantissa::new(price_e9),
            size_lots: Some(signed(lots)),
            order_count: Some(signed(orders)),
        })
    }

    fn level(&mut self, level: &Level) -> BookEntry {
        let action = match level.action {
            LevelAction::Insert => Action::New,
            LevelAction::Modify => Action::Change,
            LevelAction::Delete => Action::Delete,
        };
        let rung = level.rung;
        self.change(level.side, action, level.place, (rung.price_e9, rung.lots, rung.orders))
    }

    /// What an order traded at one price.
    fn print(&mut self, trades: &[Trade], trade_id: u32) -> (TradeEntry, Vec<TradeOrderEntry>) {
        let first = trades[0];
        let lots = trades.iter().map(|trade| trade.lots).sum();
        self.volume_lots = self.volume_lots.saturating_add(signed(lots));
        let order = |order_id, lots| TradeOrderEntry {
            order_id: U64Le::new(order_id),
            last_lots: I32Le::new(signed(lots)),
            pad: [0; 4],
        };
        let mut orders = vec![order(first.taker.0, lots)];
        orders.extend(trades.iter().map(|trade| order(trade.maker.0, trade.lots)));
        let Trade { price_e9, aggressor, .. } = first;
        let print = Print { price_e9, lots, aggressor, trade_id };
        self.day.print(print);
        let of = (self.contract.security_id, self.next_rpt_seq());
        (print.entry(of, orders.len()), orders)
    }

    /// New extremes of the session, and its first price.
    fn statistics(&mut self, price_e9: i64, out: &mut Vec<SessionStatisticsEntry>) {
        let (low, high) = self.extremes.unwrap_or((i64::MAX, i64::MIN));
        for (kind, is_new) in [
            (EntryKind::OpenPrice, self.extremes.is_none()),
            (EntryKind::HighTrade, price_e9 > high),
            (EntryKind::LowTrade, price_e9 < low),
        ] {
            if is_new {
                let of = (self.contract.security_id, self.next_rpt_seq());
                out.push(session_statistic(of, kind, Action::New, Mantissa::new(price_e9)));
            }
        }
        self.extremes = Some((low.min(price_e9), high.max(price_e9)));
    }
}

/// The place of a packet that this venue would never send, between those that it does.
#[derive(Debug)]
pub struct Interjection<'c> {
    /// The packet's number.
    pub seq_no: u32,
    /// When it is sent, in UTC.
    pub sent_ns: u64,
    rows: &'c mut [Row],
}

impl Interjection<'_> {
    /// The number of the next entry of an instrument; `None` if the channel does not carry it.
    pub fn rpt_seq(&mut self, security_id: i32) -> Option<u32> {
        let mut rows = self.rows.iter_mut();
        rows.find(|row| row.contract.security_id == security_id).map(Row::next_rpt_seq)
    }
}

/// The channel.
#[derive(Debug)]
pub(super) struct Channel {
    pub settings: ChannelSettings,
    /// By `ListingIndex`.
    pub rows: Vec<Row>,
    /// Numbers of trades of the exchange are above this.
    first_trade: u64,
    next_seq_no: u32,
    last_sent: MonoNs,
    /// Of the event that is under way.
    trades: Vec<Trade>,
    levels: Vec<Level>,
    /// Packets that were not taken yet, with their numbers.
    sent: Vec<(u32, Vec<u8>)>,
    silence: Silence,
    /// What has happened and is not told.
    untold: Vec<Event>,
}

impl Channel {
    pub fn new(settings: ChannelSettings, first_trade: u64) -> Self {
        let row = |contract: &Contract| Row {
            contract: contract.clone(),
            rpt_seq: 0,
            phase: Phase::PreOpen,
            volume_lots: 0,
            extremes: None,
            day: DayBook::default(),
        };
        Self {
            rows: settings.contracts.iter().map(row).collect(),
            next_seq_no: settings.first_seq_no,
            settings,
            first_trade,
            last_sent: MonoNs(0),
            trades: Vec::new(),
            levels: Vec::new(),
            sent: Vec::new(),
            silence: Silence::Off,
            untold: Vec::new(),
        }
    }

    /// The number of the last packet.
    pub fn last_seq_no(&self) -> u32 {
        self.next_seq_no.wrapping_sub(1)
    }

    pub fn utc(&self, now: MonoNs) -> u64 {
        utc(self.settings.utc_origin, now)
    }

    /// The packets since the last call, with their numbers.
    pub fn take_sent(&mut self) -> Vec<(u32, Vec<u8>)> {
        std::mem::take(&mut self.sent)
    }

    /// A name of a trade that fits both market data and reports.
    pub fn trade_id(&self, trade_no: u64) -> u32 {
        trade_id(trade_no, self.first_trade)
    }

    /// When silence has lasted long enough for a heartbeat.
    pub fn heartbeat_at(&self) -> MonoNs {
        match self.silence {
            Silence::Off | Silence::Frozen => self.last_sent.after(self.settings.heartbeat),
            Silence::Total => MonoNs::NEVER,
        }
    }

    /// Whether it tells what happens.
    pub fn silence(&self) -> Silence {
        self.silence
    }

    /// Falls silent, or tells all that has happened in the meantime as if it happened now.
    pub fn set_silence(&mut self, now: MonoNs, silence: Silence) {
        self.silence = silence;
        if silence == Silence::Off {
            let untold = std::mem::take(&mut self.untold);
            untold.iter().for_each(|event| self.take(now, event));
        }
    }

    /// Says that it is there.
    pub fn heartbeat(&mut self, now: MonoNs) {
        self.send(now, PacketBuilder::heartbeat);
    }

    /// What the exchange says.
    pub fn take(&mut self, now: MonoNs, event: &Event) {
        if self.silence != Silence::Off {
            self.untold.push(event.clone());
            return;
        }
        match event {
            Event::Trade(trade) => self.trades.push(*trade),
            Event::Level(level) => self.levels.push(*level),
            Event::Phase { listing, to, .. } => {
                self.rows[usize::from(listing.0)].phase = *to;
                self.status(now, usize::from(listing.0));
            }
            Event::EndOfEvent => self.end_event(now),
            _ => {}
        }
    }

    /// All books are void, and what they show is sent again, with volume and statistics of the
    /// session.
    pub fn reset<'b>(&mut self, now: MonoNs, books: impl Iterator<Item = &'b Shown>) {
        let (transact_ns, channel) = (self.utc(now), self.settings.channel);
        self.send(now, |packet| packet.reset(EventMark::end(transact_ns), channel));
        let (mut volumes, mut entries, mut statistics) = (Vec::new(), Vec::new(), Vec::new());
        for (row, shown) in self.rows.iter_mut().zip(books) {
            row.rpt_seq = 0;
            volumes.extend(row.volume_again());
            statistics.extend(row.statistics_again());
            for side in [Side::Buy, Side::Sell] {
                for (rung, place) in shown.side(side).iter().zip(1..) {
                    let level = (rung.price_e9, rung.lots, rung.orders);
                    entries.push(row.change(side, Action::New, place, level));
                }
            }
        }
        let resent = |match_event| EventMark {
            transact_ns,
            match_event: MatchEvent::RECOVERY.and(match_event),
        };
        for chunk in volumes.chunks(RESENT_ENTRIES) {
            self.send(now, |packet| packet.volumes(resent(MatchEvent::LAST_VOLUME), chunk));
        }
        for chunk in statistics.chunks(RESENT_ENTRIES) {
            let mark = resent(MatchEvent::LAST_STATISTICS);
            self.send(now, |packet| packet.session_statistics(mark, chunk));
        }
        let mut chunks = entries.chunks(RESENT_ENTRIES).peekable();
        while let Some(chunk) = chunks.next() {
            let is_last = chunks.peek().is_none();
            let ends = MatchEvent::LAST_QUOTE.and(MatchEvent::END_OF_EVENT);
            let mark = resent(if is_last { ends } else { MatchEvent(0) });
            self.send(now, |packet| packet.book(mark, chunk, &[]));
        }
        (0..self.rows.len()).for_each(|index| self.status(now, index));
    }

    /// Takes a number for a packet that somebody else makes.
    pub fn interject(&mut self, now: MonoNs) -> Interjection<'_> {
        let seq_no = self.next_seq_no;
        self.next_seq_no = seq_no.wrapping_add(1);
        self.last_sent = now;
        let sent_ns = self.utc(now);
        Interjection { seq_no, sent_ns, rows: &mut self.rows }
    }

    fn status(&mut self, now: MonoNs, index: usize) {
        let row = &self.rows[index];
        let (status, reason) = match row.phase {
            Phase::PreOpen => (TradingStatus::PreOpen, HaltReason::GroupSchedule),
            Phase::Open => (TradingStatus::ReadyToTrade, HaltReason::GroupSchedule),
            Phase::Halted => (TradingStatus::TradingHalt, HaltReason::MarketEvent),
            Phase::Closed => (TradingStatus::Close, HaltReason::GroupSchedule),
        };
        let mut asset = [0; 6];
        let text = row.contract.asset.as_bytes();
        asset[..text.len()].copy_from_slice(text);
        let root = StatusRoot {
            transact_ns: U64Le::new(self.utc(now)),
            security_group: asset,
            asset,
            security_id: I32Le::new(row.contract.security_id),
            trade_date: U16Le::new(U16_NULL),
            match_event: MatchEvent::END_OF_EVENT,
            trading_status: status.to_wire(),
            halt_reason: reason.to_wire(),
            trading_event: TradingEvent::NoEvent.to_wire(),
        };
        self.send(now, |packet| packet.status(&root));
    }

    fn end_event(&mut self, now: MonoNs) {
        let trades = std::mem::take(&mut self.trades);
        let levels = std::mem::take(&mut self.levels);
        if trades.is_empty() && levels.is_empty() {
            return;
        }
        let mut told = Told::default();
        let mut traded = Vec::new();
        let is_one_print = |left: &Trade, right: &Trade| {
            (left.taker, left.listing, left.price_e9)
                == (right.taker, right.listing, right.price_e9)
        };
        for print in trades.chunk_by(is_one_print) {
            let index = usize::from(print[0].listing.0);
            let id = self.trade_id(print[0].trade_no.0);
            let (entry, orders) = self.rows[index].print(print, id);
            told.trades.push(entry);
            told.trade_orders.extend(orders);
            traded.push((index, print[0].price_e9));
        }
        let mut rows: Vec<_> = traded.iter().map(|(index, _)| *index).collect();
        rows.sort_unstable();
        rows.dedup();
        for index in rows {
            told.volumes.push(self.rows[index].volume_entry());
        }
        let rows = &mut self.rows;
        told.outright
            .extend(levels.iter().map(|level| rows[usize::from(level.listing.0)].level(level)));
        for (index, price_e9) in traded {
            self.rows[index].statistics(price_e9, &mut told.statistics);
        }
        self.send_event(now, &told);
    }

    pub(super) fn send_event(&mut self, now: MonoNs, told: &Told) {
        let transact_ns = self.utc(now);
        let messages = told.messages();
        for packet in packets(&messages) {
            self.send(now, |mut builder| {
                for (message, match_event) in packet {
                    let mark = EventMark { transact_ns, match_event: *match_event };
                    builder = message.write(builder, mark);
                }
                builder
            });
        }
    }

    /// Gives a packet the next number.
    pub(super) fn send(&mut self, now: MonoNs, fill: impl FnOnce(PacketBuilder) -> PacketBuilder) {
        let builder = PacketBuilder::new(Generation::V13, self.next_seq_no, self.utc(now));
        self.sent.push((self.next_seq_no, fill(builder).finish()));
        self.next_seq_no = self.next_seq_no.wrapping_add(1);
        self.last_sent = now;
    }
}

/// A moment of the exchange in UTC.
pub(super) fn utc(origin: UnixNs, now: MonoNs) -> u64 {
    origin.0.wrapping_add(now.0)
}

/// A trade's number in the 32 bits that both protocols have for it.
pub(super) fn trade_id(trade_no: u64, first: u64) -> u32 {
    let number = trade_no.wrapping_sub(first) % u64::from(u32::MAX);
    u32::try_from(number).expect("it was divided by the largest")
}

fn kind(side: Side) -> EntryKind {
    match side {
        Side::Buy => EntryKind::Bid,
        Side::Sell => EntryKind::Offer,
    }
}

pub(super) fn signed(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX - 1)
}
