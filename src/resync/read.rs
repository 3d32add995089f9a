//! One statement held against the desk: what is not the same, as far as one reading can tell.
//!
//! A statement is of a moment that has passed, and the desk hears of fills later than the venue. So
//! a reading decides nothing. It keeps what each side has, by order where fills are told: then a
//! fill that only one of them knows yet is named, and what is left of a position is exact however
//! busy the desk is. Where fills are not told, a position is compared with the least and the most
//! that can be: what the desk had by the moment of the statement, what it has now, and what live
//! orders may still turn out to have filled.

use super::book::{Book, Filled};
use super::statement::{Fill, Statement};
use crate::config::Configuration;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use xmc_hotpath::desk::Desk;
use xmc_hotpath::message::{GatewayIndex, OrderId};
use xmc_hotpath::order::OrderState;
use xmc_hotpath::time::UnixNs;

/// An instrument that a gateway trades.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Row of the instrument table.
    pub instrument: u32,
    /// Its name here.
    pub name: String,
    /// As the venue calls it.
    pub symbol: String,
    /// Its money.
    pub currency: String,
    /// Money of a price of 1 in one lot, times 1e9.
    pub multiplier_e9: i128,
}

/// What a gateway trades.
#[must_use]
pub fn rows(config: &Configuration, gateway: usize) -> Vec<Row> {
    let (controls, _) = crate::engine::inputs::controls(config);
    let specs: BTreeMap<u32, i64> = controls.iter().filter_map(multiplier).collect();
    let rows = config.instruments.iter().zip(0_u32..);
    let ours = rows.filter(|(row, _)| row.gateway == Some(gateway));
    let row = |(row, instrument): (&crate::config::Instrument, u32)| Row {
        instrument,
        name: row.name.value.clone(),
        symbol: row.symbol.clone(),
        currency: row.currency.clone(),
        multiplier_e9: specs.get(&instrument).copied().unwrap_or(0).into(),
    };
    ours.map(row).collect()
}

fn multiplier(control: &xmc_hotpath::message::Control) -> Option<(u32, i64)> {
    match control {
        xmc_hotpath::message::Control::Instrument(spec) => {
            Some((spec.instrument.0, spec.multiplier_e9))
        }
        _ => None,
    }
}

/// A position on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The instrument.
    pub instrument: String,
    /// What the statement says.
    pub venue: i64,
    /// What the desk counts.
    pub desk: i64,
    /// The least that the venue could have said of what the desk knows.
    pub least: i64,
    /// The most.
    pub most: i64,
}

/// An order of which the two sides know different fills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Off {
    /// The order, or the execution where no order is told.
    pub order: String,
    /// The instrument.
    pub instrument: String,
    /// What the statement has, bought above zero.
    pub venue: i64,
    /// What the desk has.
    pub desk: i64,
    /// The statement's money, units of 1e-9.
    #[serde(skip)]
    pub venue_cash_e9: i128,
    /// The desk's; `None`: not known.
    #[serde(skip)]
    pub desk_cash_e9: Option<i128>,
}

/// An order that lives on one side alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Alone {
    /// The order.
    pub order: String,
    /// The instrument.
    pub instrument: String,
    /// Lots that may still fill, bought above zero.
    pub lots: i64,
    /// It lives at the venue; else at the desk.
    pub is_at_venue: bool,
}

/// Money on both sides, units of 1e-9.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cash {
    /// Which.
    pub currency: String,
    /// What the statement says.
    pub venue_e9: i128,
    /// What the desk's fills come to.
    pub desk_e9: i128,
    /// Nothing of it is on its way, or all of that is named.
    pub is_certain: bool,
    /// What is traded in it.
    pub instruments: Vec<String>,
}

/// A statement beside the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// As of when.
    pub as_of: UnixNs,
    /// The statement's number.
    pub sequence: u64,
    /// The desk's last input.
    pub seq_no: u64,
    /// Fills were compared by order.
    pub has_fills: bool,
    /// Positions; `None`: not told.
    pub positions: Option<Vec<Held>>,
    /// Orders with different fills.
    pub off: Vec<Off>,
    /// Orders that live on one side; `None`: not told.
    pub alone: Option<Vec<Alone>>,
    /// Money; `None`: not told.
    pub money: Option<Vec<Cash>>,
    /// Orders compared by their fills.
    pub orders: usize,
}

/// What is read.
pub struct Sides<'s, 'd> {
    /// What the venue says.
    pub statement: &'s Statement,
    /// What the desk has done.
    pub book: &'s Book,
    /// The desk, as of the same input.
    pub desk: &'s Desk<'d>,
    /// What the gateway trades.
    pub rows: &'s [Row],
    /// The gateway.
    pub gateway: GatewayIndex,
    /// How much earlier than the statement says it may have been made, ns.
    pub slack_ns: u64,
}

/// The same order as both sides know it.
#[derive(Default)]
struct Pair<'s> {
    venue: i64,
    venue_cash_e9: i128,
    desk: Option<&'s Filled>,
    symbol: &'s str,
}

impl Sides<'_, '_> {
    /// Reads it.
    #[must_use]
    pub fn read(&self) -> Reading {
        let has_fills = self.statement.fills.is_some() && self.book.is_complete();
        let (off, orders) = if has_fills { self.fills() } else { (Vec::new(), 0) };
        Reading {
            as_of: self.statement.as_of.0,
            sequence: self.statement.sequence,
            seq_no: self.book.seq_no(),
            has_fills,
            positions: self.positions(has_fills),
            money: self.money(has_fills, &off),
            off,
            alone: self.alone(),
            orders,
        }
    }

    fn row(&self, symbol: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.symbol == symbol)
    }

    /// What an order is called: by our number where that is known.
    fn called(&self, order: Option<u64>, venue_order: Option<u64>) -> Option<String> {
        match self.book.ours(order, venue_order) {
            Some(id) => Some(format!("{:016X}", id.0)),
            None => venue_order.map(|number| format!("venue {number}")),
        }
    }

    /// Whether a fill is part of what this run has counted, or should have.
    fn is_of_run(&self, fill: &Fill) -> bool {
        match self.book.ours(fill.order, fill.venue_order) {
            Some(id) if self.book.is_of_run(id) || self.book.filled(id).is_some() => true,
            _ => fill.at.0 >= self.book.since(),
        }
    }

    fn fills(&self) -> (Vec<Off>, usize) {
        let mut pairs: BTreeMap<String, Pair<'_>> = BTreeMap::new();
        for fill in self.statement.fills.iter().flatten().filter(|fill| self.is_of_run(fill)) {
            let Some(row) = self.row(&fill.instrument) else { continue };
            let called = self.called(fill.order, fill.venue_order);
            let called = called.unwrap_or_else(|| format!("execution {}", fill.execution));
            let pair = pairs.entry(called).or_default();
            let lots = fill.side.signed(fill.lots.into());
            let price_e9 = i128::from(fill.price.to_e9().unwrap_or(0));
            pair.venue += lots;
            pair.venue_cash_e9 -= i128::from(lots) * price_e9 * row.multiplier_e9 / 1_000_000_000;
            pair.symbol = &row.symbol;
        }
        let ours: BTreeMap<u32, &Row> = self.rows.iter().map(|row| (row.instrument, row)).collect();
        for (id, filled) in self.book.orders() {
            let Some(row) = ours.get(&filled.instrument) else { continue };
            let pair = pairs.entry(format!("{:016X}", id.0)).or_default();
            pair.desk = Some(filled);
            pair.symbol = &row.symbol;
        }
        let count = pairs.len();
        let off = pairs.into_iter().filter_map(|(order, pair)| {
            let desk = pair.desk.map_or(0, |filled| filled.lots);
            let desk_cash_e9 = pair.desk.map_or(Some(0), |filled| filled.cash_e9);
            let is_same_money = desk_cash_e9.is_none_or(|cash| cash == pair.venue_cash_e9);
            if pair.venue == desk && is_same_money {
                return None;
            }
            let instrument = self.row(pair.symbol)?.name.clone();
            let (venue, venue_cash_e9) = (pair.venue, pair.venue_cash_e9);
            Some(Off { order, instrument, venue, desk, venue_cash_e9, desk_cash_e9 })
        });
        (off.collect(), count)
    }

    fn positions(&self, has_fills: bool) -> Option<Vec<Held>> {
        let held = self.statement.held()?;
        let slack = UnixNs(self.statement.as_of.0.0.saturating_sub(self.slack_ns));
        let rows = self.rows.iter().filter_map(|row| {
            let traded = self.desk.instruments().get(row.instrument as usize)?;
            let desk = traded.exposure.position_lots;
            let venue = held.get(row.symbol.as_str()).map_or(0, |one| one.net_lots());
            let [then, now] = self.book.turned(row.instrument, slack);
            let (bought, sold) = (now.bought - then.bought, now.sold - then.sold);
            let (buys, sells) = (traded.exposure.live_buy_lots, traded.exposure.live_sell_lots);
            let (least, most) = match has_fills {
                true => (desk, desk),
                false => (desk - bought - sells, desk + sold + buys),
            };
            Some(Held { instrument: row.name.clone(), venue, desk, least, most })
        });
        Some(rows.collect())
    }

    fn alone(&self) -> Option<Vec<Alone>> {
        let told = self.statement.orders.as_ref()?;
        let (mut alone, mut seen) = (Vec::new(), BTreeSet::new());
        for order in told {
            let lots = order.side.signed(order.lots.into());
            let id = self.book.ours(order.order, order.venue_order);
            seen.extend(id);
            let ours = id.and_then(|id| self.desk.orders().get(id));
            if ours.is_some_and(|order| order.is_live()) {
                continue;
            }
            let called = self.called(order.order, order.venue_order);
            let order_name = called.unwrap_or_else(|| format!("{lots:+} {}", order.instrument));
            let instrument = self.row(&order.instrument).map(|row| row.name.clone());
            let instrument = instrument.unwrap_or_else(|| order.instrument.clone());
            alone.push(Alone { order: order_name, instrument, lots, is_at_venue: true });
        }
        let ours = self.desk.orders().rows().iter().filter(|order| {
            // Of one whose fate is unknown the desk says so itself, and it stays reserved.
            let is_there = matches!(order.state, OrderState::Working | OrderState::Cancelling);
            order.gateway == self.gateway && is_there && !seen.contains(&OrderId(order.id.0))
        });
        alone.extend(ours.filter_map(|order| {
            let row = self.rows.iter().find(|row| row.instrument == order.instrument.0)?;
            let lots = super::statement::Side::from(order.side).signed(order.open_lots().into());
            let called = format!("{:016X}", order.id.0);
            Some(Alone { order: called, instrument: row.name.clone(), lots, is_at_venue: false })
        }));
        Some(alone)
    }

    fn money(&self, has_fills: bool, off: &[Off]) -> Option<Vec<Cash>> {
        let told = self.statement.money.as_ref()?;
        let slack = UnixNs(self.statement.as_of.0.0.saturating_sub(self.slack_ns));
        let rows = told.iter().map(|money| {
            let (mut desk_e9, mut is_certain, mut instruments) = (0, true, Vec::new());
            for row in self.rows.iter().filter(|row| row.currency == money.currency) {
                instruments.push(row.name.clone());
                desk_e9 += self.book.cash_e9(row.instrument);
                let [then, now] = self.book.turned(row.instrument, slack);
                let traded = self.desk.instruments().get(row.instrument as usize);
                let is_quiet = traded.is_some_and(|row| row.exposure.open_orders == 0);
                is_certain &= has_fills || (then == now && is_quiet);
                // What carries no money in this run says nothing of it.
                let mut of_row = off.iter().filter(|off| off.instrument == row.name);
                is_certain &= of_row.all(|off| off.desk_cash_e9.is_some());
            }
            let venue = money.cash.0.checked_mul(1_000_000_000.into());
            let venue_e9 = venue.and_then(|venue| i128::try_from(venue).ok());
            is_certain &= venue_e9.is_some();
            let (currency, venue_e9) = (money.currency.clone(), venue_e9.unwrap_or(0));
            Cash { currency, venue_e9, desk_e9, is_certain, instruments }
        });
        Some(rows.collect())
    }
}
