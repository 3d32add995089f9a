//! The orders that the record speaks of, and which of their news are new.
//!
//! Kept apart from the desk's own arena on purpose: what the summary prints must follow from the
//! record, not from what the desk believes. Memory is bounded: of orders that are over, the last
//! few thousand are kept, for news that come late.

use std::collections::{HashMap, VecDeque};
use xmc_hotpath::message::{
    CarriedOrder, InstrumentIndex, OrderCommand, OrderEvent, OrderId, PositionEffect, Side,
    SpreadIndex,
};

/// Orders that are over and still known.
const KEPT: usize = 4_096;

/// One order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The spread that it is a leg of.
    pub spread: SpreadIndex,
    /// Which leg.
    pub leg: u8,
    /// What it trades.
    pub instrument: InstrumentIndex,
    /// What was asked for.
    pub side: Side,
    /// What it does to the position.
    pub effect: PositionEffect,
    /// Lots asked for.
    pub qty_lots: u32,
    /// Lots filled, what was taken back left out.
    pub filled_lots: u32,
    /// Nobody can tell, or could not at some time.
    pub is_unknown: bool,
    /// Its fate is known.
    pub is_over: bool,
    fills: Vec<KnownFill>,
    busts: Vec<u64>,
    most_cum: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct KnownFill {
    exec_id: u64,
    price_e9: i64,
}

impl Known {
    /// Notes a fill; `false` if it was noted before, by its id or else by the running total.
    pub fn is_new_fill(&mut self, event: &OrderEvent) -> bool {
        let is_old = match (event.exec_id, event.cum_lots) {
            (0, 0) => false,
            (0, total) => total <= self.most_cum,
            (id, _) => self.fills.iter().any(|fill| fill.exec_id == id),
        };
        if is_old {
            return false;
        }
        self.fills.push(KnownFill { exec_id: event.exec_id, price_e9: event.price_e9 });
        self.most_cum = self.most_cum.max(event.cum_lots);
        self.filled_lots = self.filled_lots.saturating_add(event.qty_lots);
        true
    }

    /// Notes a bust and says at which price its lots were booked; `None` if it was noted before.
    pub fn bust_price_e9(&mut self, event: &OrderEvent) -> Option<i64> {
        if event.exec_id != 0 && self.busts.contains(&event.exec_id) {
            return None;
        }
        self.busts.push(event.exec_id);
        self.filled_lots = self.filled_lots.saturating_sub(event.qty_lots);
        self.most_cum = self.most_cum.saturating_sub(event.qty_lots);
        let named = self.fills.iter().find(|fill| fill.exec_id == event.exec_id);
        let last = named.or(self.fills.last());
        Some(match event.price_e9 {
            0 => last.map_or(0, |fill| fill.price_e9),
            price_e9 => price_e9,
        })
    }
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    known: HashMap<OrderId, Known>,
    over: VecDeque<OrderId>,
}

impl Orders {
    /// A new order was sent.
    pub fn sent(&mut self, order: &OrderCommand) {
        let known = Known {
            spread: order.spread,
            leg: order.leg,
            instrument: order.instrument,
            side: order.side,
            effect: order.effect,
            qty_lots: order.qty_lots,
            filled_lots: 0,
            is_unknown: false,
            is_over: false,
            fills: Vec::new(),
            busts: Vec::new(),
            most_cum: 0,
        };
        self.known.insert(order.order_id, known);
    }

    /// An order of an earlier run goes on.
    pub fn carried(&mut self, order: &CarriedOrder) {
        // Prices of fills that the other run had are not known here.
        let noted = order.exec_ids.iter().filter(|id| **id != 0);
        let known = Known {
            spread: order.spread,
            leg: order.leg,
            instrument: order.instrument,
            side: order.side,
            effect: order.effect,
            qty_lots: order.qty_lots,
            filled_lots: order.filled_lots,
            is_unknown: true,
            is_over: false,
            fills: noted.map(|id| KnownFill { exec_id: *id, price_e9: 0 }).collect(),
            busts: order.bust_ids.iter().copied().filter(|id| *id != 0).collect(),
            most_cum: order.most_cum,
        };
        self.known.insert(order.order_id, known);
    }

    /// The order of that id.
    pub fn get_mut(&mut self, id: OrderId) -> Option<&mut Known> {
        self.known.get_mut(&id)
    }

    /// The fate of an order is known; says whether that is news.
    pub fn end(&mut self, id: OrderId) -> bool {
        let Some(known) = self.known.get_mut(&id) else {
            return false;
        };
        if std::mem::replace(&mut known.is_over, true) {
            return false;
        }
        self.over.push_back(id);
        if self.over.len() > KEPT
            && let Some(oldest) = self.over.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }

    /// Orders whose fate is not known yet.
    #[must_use]
    pub fn live(&self) -> usize {
        self.known.len() - self.over.len()
    }
}
