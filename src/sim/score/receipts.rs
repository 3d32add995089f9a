//! What a desk did, counted from its receipts: nothing that it did not write down is known here.
//!
//! The market is known as well, but only for what there was to be had in it. Both legs are of one
//! currency, and all orders of a spread between two endings are of one fire, as the desk keeps it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use xmc_hotpath::execute::repair;
use xmc_hotpath::message::{
    CommandKind, Detail, Ending, Gate, InstrumentIndex, MAX_LEGS, OrderAction, OrderCommand,
    OrderEvent, OrderEventKind, OrderId, Quote, Side, SpreadIndex,
};
use xmc_hotpath::record::frame::{self, Body, Image, Images, OwnedEvent};
use xmc_hotpath::time::MonoNs;

use super::market::Opportunity;
use super::play::MOST_WIRE;
use crate::audit::day::unhedged_lots;
use crate::audit::facts::Memory;
use crate::sim::endings::{Endings, FireEnds, Known};
use crate::sim::fires::FireCounts;

/// What came of a market: sums, so that those of several markets add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Opportunities that the market had.
    pub opportunities: u64,
    /// Those in which a fire was decided on that ended in ratio, with units done.
    pub captured: u64,
    /// How fires ended.
    #[serde(flatten)]
    pub fired: FireCounts,
    /// Fires that ended out of ratio: the spread was halted with what was left.
    pub broken: u64,
    /// What became of those that had to be repaired.
    pub ended: FireEnds,
    /// Units asked for by fires that ended.
    pub asked_units: u64,
    /// Units done by fires that ended in ratio.
    pub done_units: u64,
    /// Money traded, units of 1e-9.
    pub traded_e9: u128,
    /// What fires cost beyond what the books showed as they were decided on, those that cost more,
    /// in money of 1e-9; what was traded back cost what it lost.
    pub slipped_e9: u128,
    /// What the other fires cost less.
    pub improved_e9: u128,
    /// What one-sided fires cost beyond what was shown: what repairs cost.
    pub repairs_e9: i128,
    /// What units that were asked for and not done were worth beyond their level, in money of 1e-9.
    pub missed_e9: i128,
    /// Lots beyond whole units, times the nanoseconds for which they stood there.
    pub exposed_lot_ns: u128,
    /// The most of them at once.
    pub most_lots: u64,
}

impl Counts {
    /// Adds what came of another market.
    pub fn add(&mut self, other: &Self) {
        self.opportunities += other.opportunities;
        self.captured += other.captured;
        self.fired.add(&other.fired);
        self.broken += other.broken;
        self.ended.add(&other.ended);
        self.asked_units += other.asked_units;
        self.done_units += other.done_units;
        self.traded_e9 += other.traded_e9;
        self.slipped_e9 += other.slipped_e9;
        self.improved_e9 += other.improved_e9;
        self.repairs_e9 += other.repairs_e9;
        self.missed_e9 += other.missed_e9;
        self.exposed_lot_ns += other.exposed_lot_ns;
        self.most_lots = self.most_lots.max(other.most_lots);
    }
}

/// A fire as its receipts tell it.
#[derive(Clone, Debug)]
struct Fired {
    decided: MonoNs,
    is_buy: bool,
    /// What the books showed for each leg as it was decided on: price times lots, level by level,
    /// and the lots.
    shown: [(i128, u32); MAX_LEGS],
    /// What a unit was worth beyond its level, in money of 1e-9.
    edge_e9: i128,
    /// What was paid, less what was received, money of 1e-9.
    paid_e9: i128,
    repairs: u32,
}

/// A book as the desk saw it.
#[derive(Clone, Copy, Debug)]
struct Shown {
    quote: Quote,
    bought_lots: u32,
    sold_lots: u32,
}

impl Shown {
    /// Price times lots of an order, level by level; at its own price if that is not shown.
    fn take(&mut self, order: &OrderCommand) -> i128 {
        let (depth, taken) = match order.side {
            Side::Buy => (&self.quote.asks, &mut self.bought_lots),
            Side::Sell => (&self.quote.bids, &mut self.sold_lots),
        };
        let trade = repair::trade(order.side, depth, *taken, order.qty_lots);
        *taken += order.qty_lots;
        let at_limit = i128::from(order.price_e9) * i128::from(order.qty_lots);
        trade.map_or(at_limit, |trade| trade.sum_e9)
    }
}

struct Reading<'o> {
    memory: Memory,
    opportunities: &'o [Opportunity],
    is_captured: Vec<bool>,
    counts: Counts,
    /// Each instrument's last quote, and the lots bought from it and sold to it since.
    books: BTreeMap<InstrumentIndex, Shown>,
    /// Orders that were sent by the input that is read.
    batch: Vec<OrderCommand>,
    fires: BTreeMap<SpreadIndex, Fired>,
    endings: Endings,
    /// Lots that each spread's legs hold, bought minus sold.
    legs: BTreeMap<SpreadIndex, [i64; MAX_LEGS]>,
    /// Fills of the venue that were told already.
    told: BTreeSet<(OrderId, u64)>,
    now: MonoNs,
}

/// Counts what is in `record`, of a desk of `instruments` instruments that is measured against
/// `opportunities`.
///
/// # Errors
/// Where the record cannot be read.
pub fn read(
    record: &[u8],
    instruments: usize,
    opportunities: &[Opportunity],
) -> Result<Counts, String> {
    let mut images = vec![Image::EMPTY; instruments];
    let mut images = Images::new(&mut images);
    let mut reading = Reading {
        memory: Memory::default(),
        opportunities,
        is_captured: vec![false; opportunities.len()],
        counts: Counts::default(),
        books: BTreeMap::new(),
        batch: Vec::new(),
        fires: BTreeMap::new(),
        endings: Endings::default(),
        legs: BTreeMap::new(),
        told: BTreeSet::new(),
        now: MonoNs(0),
    };
    let mut rest = record;
    while !rest.is_empty() {
        let at = record.len() - rest.len();
        let unreadable = |error| format!("record at byte {at} cannot be read: {error:?}");
        let (header, body, after) = frame::split(rest).map_err(unreadable)?;
        rest = after;
        let body = frame::decode(header, body, &mut images).map_err(unreadable)?;
        reading.take(&body);
    }
    Ok(reading.end())
}

impl Reading<'_> {
    fn take(&mut self, body: &Body) {
        self.memory.take(body);
        match body {
            Body::Start(_) => {}
            Body::Input(input) => {
                self.expose(input.now);
                self.endings.input(input.now);
                self.batch.clear();
                match &input.event {
                    OwnedEvent::Order(event) => self.news(event),
                    OwnedEvent::Quote { quote, .. } => {
                        let shown = Shown { quote: *quote, bought_lots: 0, sold_lots: 0 };
                        self.books.insert(quote.instrument, shown);
                    }
                    OwnedEvent::Command(command) if command.kind == CommandKind::ClearHalt => {
                        // What was left over is dealt with by hand.
                        self.legs.remove(&command.scope.spread());
                    }
                    _ => {}
                }
            }
            Body::Order(order) if order.action == OrderAction::New => self.batch.push(*order),
            Body::Order(_) => {}
            Body::Detail(detail) => {
                self.read_ending(detail);
                self.detail(detail);
            }
        }
    }

    /// Counts what stood out of ratio until `now`.
    fn expose(&mut self, now: MonoNs) {
        let lasted = u128::from(now.since(self.now).0);
        self.now = self.now.max(now);
        let lots: u64 = self.legs.iter().map(|(spread, legs)| self.unhedged(*spread, legs)).sum();
        self.counts.exposed_lot_ns += u128::from(lots) * lasted;
        self.counts.most_lots = self.counts.most_lots.max(lots);
    }

    fn unhedged(&self, spread: SpreadIndex, legs: &[i64; MAX_LEGS]) -> u64 {
        let spec = self.memory.spread(spread);
        spec.map_or(0, |spec| unhedged_lots(&spec.legs.map(|leg| leg.ratio_lots), legs))
    }

    fn money(&self, instrument: InstrumentIndex, price_lots_e9: i128) -> i128 {
        let multiplier_e9 = self.memory.instrument(instrument).map_or(0, |spec| spec.multiplier_e9);
        price_lots_e9 * i128::from(multiplier_e9) / 1_000_000_000
    }

    fn news(&mut self, event: &OrderEvent) {
        let Some(sent) = self.memory.order(event.order_id).map(|known| known.sent) else { return };
        let is_fill = event.kind == OrderEventKind::Filled;
        if !is_fill || !self.told.insert((event.order_id, event.exec_id)) {
            return;
        }
        let lots = i64::from(event.qty_lots);
        let signed = if event.side == Side::Buy { lots } else { -lots };
        if let Some(held) = self.legs.entry(sent.spread).or_default().get_mut(usize::from(sent.leg))
        {
            *held += signed;
        }
        let paid_e9 = self.money(sent.instrument, i128::from(event.price_e9) * i128::from(signed));
        self.counts.traded_e9 += paid_e9.unsigned_abs();
        if let Some(fire) = self.fires.get_mut(&sent.spread) {
            fire.paid_e9 += paid_e9;
        }
    }

    fn read_ending(&mut self, detail: &Detail) {
        let (memory, books) = (&self.memory, &self.books);
        let known = Known {
            spec: &|spread| memory.spread(spread).copied(),
            value_e9: &|instrument, lots| {
                let multiplier_e9 =
                    memory.instrument(instrument).map_or(0, |row| row.multiplier_e9);
                let price_e9 = books.get(&instrument).map_or(0, |book| book.quote.bids.best_e9());
                let of_lot_e9 = i128::from(price_e9) * i128::from(multiplier_e9) / 1_000_000_000;
                of_lot_e9.unsigned_abs() * u128::from(lots)
            },
        };
        self.endings.detail(detail, &known);
    }

    fn detail(&mut self, detail: &Detail) {
        match detail {
            Detail::Decision(told) if told.gate == Gate::Passed => {
                let mut shown = [(0, 0); MAX_LEGS];
                for order in &self.batch {
                    let sum_e9 = self.books.get_mut(&order.instrument).map(|book| book.take(order));
                    if let Some((sum, lots)) = shown.get_mut(usize::from(order.leg)) {
                        *sum += sum_e9.unwrap_or(0);
                        *lots += order.qty_lots;
                    }
                }
                self.counts.fired.fires += 1;
                let beyond_e9 = i128::from(told.value_e9) - i128::from(told.level_e9);
                let edge_e9 = if told.intent.is_buy() { -beyond_e9 } else { beyond_e9 };
                let money_q32 =
                    self.memory.spread(told.spread).map_or(0, |spec| spec.repair.money_q32);
                let fire = Fired {
                    edge_e9: (edge_e9 * i128::from(money_q32)) >> 32,
                    decided: self.now,
                    is_buy: told.intent.is_buy(),
                    shown,
                    paid_e9: 0,
                    repairs: 0,
                };
                self.fires.insert(told.spread, fire);
            }
            Detail::Repair(told) => {
                self.counts.fired.repaired(told.way);
                for order in &self.batch {
                    self.books.get_mut(&order.instrument).map(|book| book.take(order));
                }
                if let Some(fire) = self.fires.get_mut(&told.spread) {
                    fire.repairs += 1;
                }
            }
            Detail::Ending(ending) => self.ending(ending),
            Detail::Internal(told) => {
                let lots = i64::from(told.lots);
                for (side, signed) in [(&told.buy, lots), (&told.sell, -lots)] {
                    let legs = self.legs.entry(side.spread).or_default();
                    if let Some(held) = legs.get_mut(usize::from(side.leg)) {
                        *held += signed;
                    }
                    let price_lots_e9 = i128::from(told.price_e9) * i128::from(signed);
                    let paid_e9 = self.money(told.instrument, price_lots_e9);
                    if let Some(fire) = self.fires.get_mut(&side.spread) {
                        fire.paid_e9 += paid_e9;
                    }
                }
            }
            Detail::Decision(_)
            | Detail::Alert(_)
            | Detail::State(_)
            | Detail::Follow(_)
            | Detail::Ruling(_) => {}
        }
    }

    fn ending(&mut self, ending: &Ending) {
        let Some(fire) = self.fires.remove(&ending.spread) else { return };
        let counts = &mut self.counts;
        let is_one_sided = counts.fired.ended(ending, fire.repairs);
        counts.asked_units += u64::from(ending.units);
        counts.broken += u64::from(!ending.is_aligned);
        if ending.is_aligned && ending.done_units > 0 {
            counts.done_units += u64::from(ending.done_units);
            self.capture(&fire);
        }
        // What is left over at the end is held at the price that was shown: it has no other.
        let beyond_e9 = fire.paid_e9 - self.shown(ending, &fire);
        let missed_units = ending.units.saturating_sub(ending.done_units);
        let side =
            if beyond_e9 > 0 { &mut self.counts.slipped_e9 } else { &mut self.counts.improved_e9 };
        *side += beyond_e9.unsigned_abs();
        self.counts.missed_e9 += fire.edge_e9 * i128::from(missed_units);
        if is_one_sided {
            self.counts.repairs_e9 += beyond_e9;
        }
    }

    /// What the lots that a fire ended with would have cost as they were shown when it was decided
    /// on, money of 1e-9.
    fn shown(&self, ending: &Ending, fire: &Fired) -> i128 {
        let Some(spec) = self.memory.spread(ending.spread) else { return 0 };
        let legs = spec.legs.iter().zip(&ending.filled_lots).zip(&fire.shown);
        legs.filter(|(_, (_, lots))| *lots > 0)
            .map(|((leg, filled), (sum_e9, lots))| {
                let is_bought = (leg.ratio_lots > 0) == ending.intent.is_buy();
                let filled = i128::from(*filled) * if is_bought { 1 } else { -1 };
                self.money(leg.instrument, sum_e9 * filled / i128::from(*lots))
            })
            .sum()
    }

    /// The opportunity that a fire was decided on in has been used. News of its end take their time
    /// to the desk, so that counts as part of it.
    fn capture(&mut self, fire: &Fired) {
        for (one, is_captured) in self.opportunities.iter().zip(&mut self.is_captured) {
            let is_in = one.from <= fire.decided && fire.decided <= one.until.after(MOST_WIRE);
            *is_captured |= is_in && one.is_buy == fire.is_buy;
        }
    }

    fn end(mut self) -> Counts {
        self.counts.opportunities = self.opportunities.len() as u64;
        self.counts.captured = self.is_captured.iter().filter(|is| **is).count() as u64;
        self.counts.fired.unended = self.fires.len() as u64;
        let runs = |spread| self.fires.contains_key(&spread);
        (self.counts.ended, _) = self.endings.end(runs);
        self.counts
    }
}
