//! The record folded into figures: what was decided, sent, filled and made, and what is held.
//!
//! It takes every entry of the record in order and keeps books of its own, so that what a screen or
//! a closing summary says can be held against the desk and the venues' ledgers. It reads no desk.
//!
//! Definitions, the same wherever these figures are shown:
//! - A *round trip* of a spread: from flat through at least one whole unit back to flat in all
//!   legs, by fills. One that was built up or taken down in several fires is one. One that an
//!   earlier run began counts where it ends.
//! - *Unhedged* lots: what a leg holds beyond the whole units that all legs hold together. While a
//!   fire is in the air its first fills are unhedged, too.
//! - *Profit* is counted by leg in the leg's own currency, first in first out, before fees.
//!   *Realised* is of lots that were traded back; *open* is what the rest would make if it were
//!   traded back at the best price of the other side (the bid for what is long). A side that is
//!   empty or not to be trusted keeps its last price.
//! - The *total* of a spread is in its own currency: its legs' money at the exchange rate of now.
//!   The *FX part* of it is what the rate has done to realised money since it was made. Open money
//!   has none. Rates are at the middle of the quote; onshore and offshore yuan count as one.
//! - Lots that were held before the record began (`HeldLots`, and `CarriedUnits` of a spread) count
//!   as held. Profit is only of what this run traded: it does not know at which price they came, so
//!   what trades them back stands open in it, as if it had begun there.
//! - A bust is undone as a trade back at its price: positions and the sum of realised and open are
//!   right, the split between these two may not be.
//!
//! Called by whoever drains the record: `view` and `plain` read it, the summary of a run prints it.

mod figures;
mod leg;
mod order;
mod spread;

pub use figures::{
    Fill, GateTally, Happened, Happening, Held, InstrumentTally, LegProfit, OrderTold, Profit,
    Totals,
};
pub use leg::{LegBook, Traded, convert};
pub use order::{Known, Orders};
pub use spread::SpreadTally;

use super::setting::{Setting, is_same_money};
use leg::signed_lots;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use xmc_hotpath::message::{
    Alert, AlertKind, Carried, ChannelState, ChannelUpdate, Decision, DeskIdentity, Detail, Event,
    Gate, HeldLots, Input, InstrumentSpec, Internal, OrderAction, OrderCommand, OrderEvent,
    OrderEventKind, OrderId, Quote, QuoteQuality, RepairWay, SafeState, SessionState,
    SessionUpdate, Side, SpreadIndex, StateChange, StreamId,
};
use xmc_hotpath::record::frame::Body;
use xmc_hotpath::time::MonoNs;

/// Fills and alerts that are kept to be shown.
const RECENT: usize = 32;
/// Happenings of all kinds that are kept: some rounds of orders and fills.
const HAPPENINGS: usize = 96;

/// The figures of a record.
#[derive(Clone, Debug)]
pub struct Tally {
    setting: Arc<Setting>,
    identity: Option<DeskIdentity>,
    now: MonoNs,
    totals: Totals,
    state: SafeState,
    instruments: Vec<InstrumentTally>,
    spreads: Vec<SpreadTally>,
    gates: Vec<GateTally>,
    orders: Orders,
    fills: VecDeque<Fill>,
    alerts: VecDeque<(MonoNs, Alert)>,
    happenings: VecDeque<Happening>,
    decisions: VecDeque<Happening>,
    happened: u64,
    channels: Vec<ChannelUpdate>,
    sessions: Vec<SessionUpdate>,
    left_out: BTreeSet<&'static str>,
}

impl Tally {
    /// Before the first entry.
    #[must_use]
    pub fn new(setting: Arc<Setting>) -> Self {
        Self {
            instruments: vec![InstrumentTally::default(); setting.instruments.len()],
            spreads: vec![SpreadTally::default(); setting.spreads.len()],
            setting,
            identity: None,
            now: MonoNs(0),
            totals: Totals::default(),
            state: SafeState::NoNew,
            gates: Vec::new(),
            orders: Orders::default(),
            fills: VecDeque::new(),
            alerts: VecDeque::new(),
            happenings: VecDeque::new(),
            decisions: VecDeque::new(),
            happened: 0,
            channels: Vec::new(),
            sessions: Vec::new(),
            left_out: BTreeSet::new(),
        }
    }

    /// The names behind the rows.
    #[must_use]
    pub fn setting(&self) -> &Arc<Setting> {
        &self.setting
    }

    /// When the last input was consumed.
    #[must_use]
    pub fn now(&self) -> MonoNs {
        self.now
    }

    /// What was counted.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The desk's safe state, as the record says.
    #[must_use]
    pub fn state(&self) -> SafeState {
        self.state
    }

    /// Instruments, by row.
    #[must_use]
    pub fn instruments(&self) -> &[InstrumentTally] {
        &self.instruments
    }

    /// Spreads, by row.
    #[must_use]
    pub fn spreads(&self) -> &[SpreadTally] {
        &self.spreads
    }

    /// Gates that have held something back, the busiest first.
    #[must_use]
    pub fn gates(&self) -> Vec<GateTally> {
        let mut gates = self.gates.clone();
        gates.sort_by_key(|row| (std::cmp::Reverse(row.count), row.gate));
        gates
    }

    /// What the record leaves out by configuration, for some of the time at least: figures that
    /// need it count too little.
    pub fn left_out(&self) -> impl Iterator<Item = &'static str> {
        self.left_out.iter().copied()
    }

    /// The last fills, the newest first.
    pub fn fills(&self) -> impl Iterator<Item = &Fill> {
        self.fills.iter()
    }

    /// The last alerts, the newest first.
    pub fn alerts(&self) -> impl Iterator<Item = &(MonoNs, Alert)> {
        self.alerts.iter()
    }

    /// The last decisions, those that a gate held back as well, the newest first. They are numbered
    /// by themselves.
    pub fn decisions(&self) -> impl Iterator<Item = &Happening> {
        self.decisions.iter()
    }

    /// What fired last and what followed from it, the newest first.
    pub fn happenings(&self) -> impl Iterator<Item = &Happening> {
        self.happenings.iter()
    }

    /// Orders whose fate is not known yet.
    #[must_use]
    pub fn live_orders(&self) -> usize {
        self.orders.live()
    }

    /// What a feed's channel is worth.
    #[must_use]
    pub fn channel(&self, stream: StreamId) -> ChannelState {
        let known = self.channels.iter().find(|update| update.stream == stream);
        known.map_or(ChannelState::Down, |update| update.state)
    }

    /// Whether orders can be sent on a session.
    #[must_use]
    pub fn session(&self, stream: StreamId) -> SessionState {
        let known = self.sessions.iter().find(|update| update.stream == stream);
        known.map_or(SessionState::Down, |update| update.state)
    }

    /// What a unit of `from` is worth in `to`, units of 1e-9, at the middle of the quote.
    #[must_use]
    pub fn rate_e9(&self, from: &str, to: &str) -> Option<i64> {
        if is_same_money(from, to) {
            return Some(1_000_000_000);
        }
        let (instrument, is_divided) = self.setting.rate(from, to)?;
        let row = self.instruments.get(instrument)?;
        let middle = row.bid_e9?.midpoint(row.ask_e9?);
        match (is_divided, middle) {
            (_, ..=0) => None,
            (false, _) => Some(middle),
            (true, _) => Some(1_000_000_000_000_000_000 / middle),
        }
    }

    /// Money of a spread.
    #[must_use]
    pub fn profit(&self, spread: usize) -> Profit {
        let mut profit = Profit { total_e9: Some(0), fx_e9: Some(0), ..Profit::default() };
        let (Some(row), Some(setting)) =
            (self.spreads.get(spread), self.setting.spreads.get(spread))
        else {
            return profit;
        };
        for ((leg, book), made) in setting.legs.iter().zip(&row.legs).zip(&mut profit.legs) {
            let instrument = self.instruments[leg.instrument];
            let mark = if book.position_lots > 0 { instrument.bid_e9 } else { instrument.ask_e9 };
            let open = match book.position_lots {
                0 => Some(0),
                _ => mark.map(|mark| book.open_e18(mark, instrument.multiplier_e9)),
            };
            *made = LegProfit {
                position_lots: book.position_lots,
                realised_e18: book.realised_e18,
                open_e18: open,
            };
            if leg.ratio_lots == 0 {
                continue;
            }
            let currency = &self.setting.instruments[leg.instrument].currency;
            let rate_e9 = self.rate_e9(currency, &setting.currency);
            let realised = rate_e9.map(|rate_e9| book.realised_at(rate_e9));
            let open = rate_e9.zip(open).map(|(rate_e9, open)| convert(open, rate_e9));
            let add = |sum: Option<i128>, part: Option<i128>| sum.zip(part).map(|(a, b)| a + b);
            profit.total_e9 = add(profit.total_e9, realised.map(|(now, _)| now));
            profit.total_e9 = add(profit.total_e9, open);
            profit.fx_e9 = add(profit.fx_e9, realised.map(|(_, fx)| fx));
        }
        profit
    }

    /// Takes one entry of the record.
    pub fn take(&mut self, body: &Body) {
        match body {
            Body::Input(input) => self.input(&input.as_input()),
            Body::Order(order) => self.order(order),
            Body::Detail(detail) => self.detail(detail),
            Body::Start(start) => self.identity = Some(start.identity),
        }
    }

    /// Takes an input of the desk.
    pub fn input(&mut self, input: &Input<'_>) {
        self.now = self.now.max(input.now);
        self.totals.inputs += 1;
        match input.event {
            Event::Quote { quote, .. } => self.quote(quote),
            Event::Order(event) => self.news(&event),
            Event::Channel(update) => {
                put(&mut self.channels, update, |row| row.stream == update.stream);
            }
            Event::Session(update) => {
                put(&mut self.sessions, update, |row| row.stream == update.stream);
            }
            Event::Instrument(spec) => self.instrument(spec),
            Event::Spread(spec) => {
                if let Some(row) = self.spreads.get_mut(spec.spread.0 as usize) {
                    row.set(spec);
                }
            }
            Event::Held(held) => self.held(&held),
            Event::Carried(Carried::Units(units)) => {
                if let Some(row) = self.spreads.get_mut(units.spread.0 as usize) {
                    row.carry(units, self.now);
                }
            }
            Event::Carried(Carried::Order(order)) => self.orders.carried(order),
            Event::Detailing(detailing) => self.left_out.extend(detailing.left_out()),
            // Lots of instruments are told as held, and runs and accounts are not shown.
            Event::Carried(Carried::Run(_) | Carried::Unknown(_) | Carried::Account(_))
            | Event::Gateway(_)
            | Event::Account(_)
            | Event::Instruction(_)
            | Event::Command(_)
            | Event::Hours(_)
            | Event::Finding(_)
            | Event::Sizing(_)
            | Event::Breakers(_)
            | Event::Rule(_)
            | Event::Clock(_)
            | Event::Tick => {}
        }
    }

    /// Takes an order that the last input caused.
    pub fn order(&mut self, order: &OrderCommand) {
        match order.action {
            OrderAction::New => {
                self.totals.orders += 1;
                self.orders.sent(order);
                let told = OrderTold {
                    leg: order.leg,
                    instrument: order.instrument,
                    side: order.side,
                    effect: order.effect,
                    lots: order.qty_lots,
                    price_e9: order.price_e9,
                };
                self.happen(Happened::Ordered { spread: order.spread, order: told });
            }
            OrderAction::Cancel => self.totals.cancel_requests += 1,
            OrderAction::Replace | OrderAction::Status => {}
        }
    }

    /// Takes what the desk said about the last input.
    pub fn detail(&mut self, detail: &Detail) {
        match detail {
            Detail::Decision(decision) => self.decision(decision),
            Detail::Alert(alert) => self.alert(alert),
            Detail::State(StateChange { spread: SpreadIndex::ALL, to, .. }) => self.state = *to,
            Detail::State(_) => {}
            Detail::Ending(ending) => {
                self.totals.aligned += u64::from(ending.is_aligned);
                self.totals.broken += u64::from(!ending.is_aligned);
                self.happen(Happened::Ended(*ending));
            }
            Detail::Repair(repair) => {
                self.totals.repairs += u64::from(repair.way != RepairWay::Neither);
                self.happen(Happened::Repaired(*repair));
            }
            Detail::Follow(_) | Detail::Ruling(_) => {}
            Detail::Internal(internal) => self.met_inside(internal),
        }
    }

    /// Lots went from one spread to another: what the account holds stays as it is.
    fn met_inside(&mut self, internal: &Internal) {
        let sides = [(&internal.buy, Side::Buy), (&internal.sell, Side::Sell)];
        for (of, side) in sides {
            let place = (internal.instrument.0 as usize, of.spread.0 as usize, of.leg.into());
            self.trade(place, side, internal.lots, internal.price_e9);
        }
    }

    fn quote(&mut self, quote: &Quote) {
        self.totals.quotes += 1;
        let Some(row) = self.instruments.get_mut(quote.instrument.0 as usize) else {
            return;
        };
        if quote.quality != QuoteQuality::Good {
            return;
        }
        if quote.bids.best_lots() > 0 {
            row.bid_e9 = Some(quote.bids.best_e9());
        }
        if quote.asks.best_lots() > 0 {
            row.ask_e9 = Some(quote.asks.best_e9());
        }
    }

    fn instrument(&mut self, spec: &InstrumentSpec) {
        if let Some(row) = self.instruments.get_mut(spec.instrument.0 as usize) {
            row.multiplier_e9 = spec.multiplier_e9;
        }
    }

    fn held(&mut self, held: &HeldLots) {
        if let Some(row) = self.instruments.get_mut(held.instrument.0 as usize) {
            let sum = |today: u32, yesterday: u32| i64::from(today) + i64::from(yesterday);
            row.held = Held {
                long_lots: sum(held.long_today, held.long_yesterday),
                short_lots: sum(held.short_today, held.short_yesterday),
            };
        }
    }

    fn decision(&mut self, decision: &Decision) {
        self.totals.decisions += 1;
        let decided = Happening {
            number: self.totals.decisions,
            at: self.now,
            what: Happened::Decided(*decision),
        };
        recent(&mut self.decisions, decided);
        if decision.gate == Gate::Passed {
            self.happen(Happened::Decided(*decision));
        }
        let now = self.now;
        let mut repeated = None;
        if let Some(row) = self.spreads.get_mut(decision.spread.0 as usize) {
            row.last_decision = Some((now, *decision));
            repeated = row.last_refusal;
            let fired = decision.gate == Gate::Passed;
            row.fires += u64::from(fired);
            row.last_refusal = (!fired).then_some(decision.gate);
        }
        // They are repetitions of the refusal before this decision.
        let times = u64::from(decision.repeated);
        if let Some(row) = self.gates.iter_mut().find(|row| Some(row.gate) == repeated) {
            row.count += times;
            self.totals.refusals += times;
        }
        if decision.gate == Gate::Passed {
            self.totals.fires += 1;
            return;
        }
        self.totals.refusals += 1;
        let known = self.gates.iter().find(|row| row.gate == decision.gate);
        let count = known.map_or(0, |row| row.count) + 1;
        let row = GateTally { gate: decision.gate, count, at: now, last: *decision };
        put(&mut self.gates, row, |row| row.gate == decision.gate);
    }

    fn alert(&mut self, alert: &Alert) {
        self.totals.alerts += 1;
        if alert.kind == AlertKind::OrderUnknown {
            self.unknown(alert.order_id);
        }
        recent(&mut self.alerts, (self.now, *alert));
    }

    fn unknown(&mut self, id: OrderId) {
        if let Some(order) = self.orders.get_mut(id)
            && !std::mem::replace(&mut order.is_unknown, true)
        {
            self.totals.unknown += 1;
            self.miss(id, OrderEventKind::Unknown);
        }
    }

    fn news(&mut self, event: &OrderEvent) {
        let Some(order) = self.orders.get_mut(event.order_id) else {
            let is_earlier = self.identity.is_some_and(|run| event.order_id.is_before(run));
            let count =
                if is_earlier { &mut self.totals.earlier } else { &mut self.totals.strangers };
            *count += 1;
            return;
        };
        match event.kind {
            OrderEventKind::Accepted => self.totals.accepted += 1,
            OrderEventKind::Filled => {
                if order.is_new_fill(event) {
                    self.fill(event);
                }
            }
            OrderEventKind::Cancelled => {
                self.totals.cancelled += self.end(event);
            }
            OrderEventKind::Rejected => {
                self.totals.rejects += self.end(event);
            }
            OrderEventKind::NotSent => {
                self.totals.not_sent += self.end(event);
            }
            OrderEventKind::Unknown => self.unknown(event.order_id),
            OrderEventKind::Busted => {
                if let Some(price_e9) = order.bust_price_e9(event) {
                    self.totals.busts += 1;
                    let back = OrderEvent { side: event.side.opposite(), price_e9, ..*event };
                    self.book(&back, -signed_lots(event.side, event.qty_lots));
                }
            }
            OrderEventKind::Corrected => self.totals.corrections += 1,
            OrderEventKind::CancelRejected
            | OrderEventKind::CancelNotSent
            | OrderEventKind::Replaced
            | OrderEventKind::ReplaceRejected => {}
        }
    }

    /// The order is over without being filled whole: 1 if that is news.
    fn end(&mut self, event: &OrderEvent) -> u64 {
        let is_news = self.orders.end(event.order_id);
        if is_news {
            self.miss(event.order_id, event.kind);
        }
        u64::from(is_news)
    }

    fn miss(&mut self, id: OrderId, kind: OrderEventKind) {
        if let Some(order) = self.orders.get_mut(id) {
            let (spread, leg, instrument) = (order.spread, order.leg, order.instrument);
            self.happen(Happened::Missed { spread, kind, leg, instrument });
        }
    }

    fn happen(&mut self, what: Happened) {
        self.happenings.truncate(HAPPENINGS - 1);
        self.happenings.push_front(Happening { number: self.happened, at: self.now, what });
        self.happened += 1;
    }

    fn fill(&mut self, event: &OrderEvent) {
        self.totals.fills += 1;
        self.totals.filled_lots += u64::from(event.qty_lots);
        self.book(event, signed_lots(event.side, event.qty_lots));
        let Some(order) = self.orders.get_mut(event.order_id) else {
            return;
        };
        let fill = Fill {
            at: self.now,
            spread: order.spread,
            leg: order.leg,
            instrument: order.instrument,
            side: event.side,
            effect: order.effect,
            lots: event.qty_lots,
            price_e9: event.price_e9,
        };
        if order.filled_lots >= order.qty_lots {
            self.orders.end(event.order_id);
        }
        recent(&mut self.fills, fill);
        self.happen(Happened::Filled(fill));
    }

    /// Books lots that changed hands, on `event.side`.
    fn book(&mut self, event: &OrderEvent, signed_lots: i64) {
        let Some(order) = self.orders.get_mut(event.order_id) else {
            return;
        };
        let (instrument, spread) = (order.instrument.0 as usize, order.spread.0 as usize);
        let (leg, effect) = (usize::from(order.leg), order.effect);
        // Lots that are taken back leave the side that they came to.
        let booked =
            if event.kind == OrderEventKind::Busted { event.side.opposite() } else { event.side };
        let Some(row) = self.instruments.get_mut(instrument) else {
            return;
        };
        row.held.trade(booked, effect, signed_lots);
        self.trade((instrument, spread, leg), event.side, event.qty_lots, event.price_e9);
    }

    /// Books lots in the legs of a spread: instrument, spread and leg by their places.
    fn trade(
        &mut self,
        (instrument, spread, leg): (usize, usize, usize),
        side: Side,
        lots: u32,
        price_e9: i64,
    ) {
        let multiplier_e9 = self.instruments.get(instrument).map_or(0, |row| row.multiplier_e9);
        let currencies =
            self.setting.instruments.get(instrument).zip(self.setting.spreads.get(spread));
        let rate_e9 = currencies.and_then(|(from, to)| self.rate_e9(&from.currency, &to.currency));
        let Some(row) = self.spreads.get_mut(spread) else {
            return;
        };
        if let Some(book) = row.legs.get_mut(leg) {
            book.trade(Traded { side, lots, price_e9, multiplier_e9, rate_e9 });
        }
        let before = row.round_trips;
        row.traded_at(self.now);
        self.totals.round_trips += row.round_trips - before;
    }
}

/// Puts `row` in the place of the one that `is_it`, or behind all.
fn put<T>(rows: &mut Vec<T>, row: T, is_it: impl Fn(&T) -> bool) {
    match rows.iter_mut().find(|row| is_it(row)) {
        Some(place) => *place = row,
        None => rows.push(row),
    }
}

fn recent<T>(rows: &mut VecDeque<T>, row: T) {
    rows.truncate(RECENT - 1);
    rows.push_front(row);
}
