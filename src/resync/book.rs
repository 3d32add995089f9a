//! What the desk has done, as of an input of its record: fills by order, and lots over time.
//!
//! It is fed by whoever follows the record, so it never looks at a hot core and is exact as of one
//! input. A fill counts as the desk counted it: what came twice came once, what it did not know it
//! did not count.

use super::statement::Side;
use std::collections::{BTreeMap, HashMap, VecDeque};
use xmc_hotpath::desk::Desk;
use xmc_hotpath::message::{
    Carried, ClockScale, DeskIdentity, OrderEvent, OrderEventKind, OrderId,
};
use xmc_hotpath::record::frame::{Body, OwnedEvent};
use xmc_hotpath::time::{MonoNs, UnixNs};

/// Orders that are kept; beyond it fills are compared no longer, and that is said.
pub const MOST_ORDERS: usize = 500_000;
/// Moments of lots that are kept for each instrument.
const MOST_MOMENTS: usize = 65_536;

/// What an order has filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// Row of the instrument table.
    pub instrument: u32,
    /// Bought above zero, sold below.
    pub lots: i64,
    /// Sold less bought, units of 1e-9; `None` of an order of an earlier run.
    pub cash_e9: Option<i128>,
}

/// Lots that an instrument has bought and sold since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turned {
    /// Bought.
    pub bought: i64,
    /// Sold.
    pub sold: i64,
}

/// The desk's side of a comparison.
#[derive(Debug)]
pub struct Book {
    identity: DeskIdentity,
    scale: ClockScale,
    /// The start of the run.
    since: UnixNs,
    now: MonoNs,
    seq_no: u64,
    orders: HashMap<u64, Filled>,
    /// Ours by the venue's number.
    ours: HashMap<u64, u64>,
    /// By row of the instrument table.
    turned: BTreeMap<u32, VecDeque<(UnixNs, Turned)>>,
    /// By row of the instrument table: sold less bought in this run, units of 1e-9.
    cash_e9: BTreeMap<u32, i128>,
    is_complete: bool,
}

impl Book {
    /// Of a run of `identity` that begins at `scale`.
    #[must_use]
    pub fn new(identity: DeskIdentity, scale: ClockScale) -> Self {
        Self {
            identity,
            scale,
            since: scale.utc,
            now: scale.at,
            seq_no: 0,
            orders: HashMap::new(),
            ours: HashMap::new(),
            turned: BTreeMap::new(),
            cash_e9: BTreeMap::new(),
            is_complete: true,
        }
    }

    /// Takes one record, after `desk` has followed it.
    pub fn take(&mut self, seq_no: u64, body: &Body, desk: &Desk<'_>) {
        let Body::Input(input) = body else { return };
        (self.seq_no, self.now) = (seq_no, self.now.max(input.now));
        match &input.event {
            OwnedEvent::Clock(scale) => self.scale = *scale,
            OwnedEvent::Order(event) => self.order(event, desk),
            OwnedEvent::Carried(Carried::Order(order)) => {
                let lots = Side::from(order.side).signed(order.filled_lots.into());
                let filled = Filled { instrument: order.instrument.0, lots, cash_e9: None };
                self.enter(order.order_id, order.venue_order_id, filled);
            }
            _ => {}
        }
    }

    fn enter(&mut self, id: OrderId, venue_order: u64, filled: Filled) {
        if self.orders.len() >= MOST_ORDERS && !self.orders.contains_key(&id.0) {
            self.is_complete = false;
            return;
        }
        self.orders.insert(id.0, filled);
        if venue_order != 0 {
            self.ours.insert(venue_order, id.0);
        }
    }

    fn order(&mut self, event: &OrderEvent, desk: &Desk<'_>) {
        let Some(order) = desk.orders().get(event.order_id) else { return };
        if order.venue_order_id != 0 && self.ours.len() < MOST_ORDERS {
            self.ours.insert(order.venue_order_id, order.id.0);
        }
        if !matches!(event.kind, OrderEventKind::Filled | OrderEventKind::Busted) {
            return;
        }
        let side = Side::from(event.side);
        let before = self.orders.get(&order.id.0).copied().unwrap_or(Filled {
            instrument: order.instrument.0,
            lots: 0,
            cash_e9: Some(0),
        });
        // The desk's own count says whether this was news.
        let counted = i64::from(order.filled_lots) - before.lots.abs();
        if counted == 0 {
            return;
        }
        let lots = side.signed(counted);
        let price_e9 = if event.price_e9 == 0 { order.price_e9 } else { event.price_e9 };
        let spec = desk.instruments().get(order.instrument.0 as usize).and_then(|row| row.spec);
        let multiplier_e9 = spec.map_or(0, |spec| i128::from(spec.multiplier_e9));
        let cash = -i128::from(lots) * i128::from(price_e9) * multiplier_e9 / 1_000_000_000;
        let filled = Filled {
            lots: before.lots + lots,
            cash_e9: before.cash_e9.map(|before| before + cash),
            ..before
        };
        self.enter(order.id, order.venue_order_id, filled);
        *self.cash_e9.entry(filled.instrument).or_default() += cash;
        self.turn(filled.instrument, lots);
    }

    fn turn(&mut self, instrument: u32, lots: i64) {
        let at = self.utc();
        let moments = self.turned.entry(instrument).or_default();
        let mut turned = moments.back().map_or(Turned::default(), |(_, turned)| *turned);
        match lots > 0 {
            true => turned.bought += lots,
            false => turned.sold -= lots,
        }
        moments.push_back((at, turned));
        if moments.len() > MOST_MOMENTS {
            moments.pop_front();
        }
    }

    /// The moment of the last input, in UTC.
    #[must_use]
    pub fn utc(&self) -> UnixNs {
        UnixNs(self.scale.utc.0.saturating_add(self.now.0).saturating_sub(self.scale.at.0))
    }

    /// The start of the run, in UTC.
    #[must_use]
    pub fn since(&self) -> UnixNs {
        self.since
    }

    /// The number of the last input.
    #[must_use]
    pub fn seq_no(&self) -> u64 {
        self.seq_no
    }

    /// All fills of the run are here.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// What an instrument had turned over by `at`, and what it has by now.
    #[must_use]
    pub fn turned(&self, instrument: u32, at: UnixNs) -> [Turned; 2] {
        let Some(moments) = self.turned.get(&instrument) else {
            return [Turned::default(); 2];
        };
        let until = moments.partition_point(|(moment, _)| *moment <= at);
        let by_then = until.checked_sub(1).and_then(|place| moments.get(place));
        let now = moments.back().map_or(Turned::default(), |(_, turned)| *turned);
        [by_then.map_or(Turned::default(), |(_, turned)| *turned), now]
    }

    /// Sold less bought of an instrument in this run, units of 1e-9.
    #[must_use]
    pub fn cash_e9(&self, instrument: u32) -> i128 {
        self.cash_e9.get(&instrument).copied().unwrap_or(0)
    }

    /// Our number of an order that a venue names by ours, by its own, or by both.
    #[must_use]
    pub fn ours(&self, order: Option<u64>, venue_order: Option<u64>) -> Option<OrderId> {
        let known = venue_order.and_then(|number| self.ours.get(&number).copied());
        order.or(known).map(OrderId)
    }

    /// Whether this run has sent it.
    #[must_use]
    pub fn is_of_run(&self, id: OrderId) -> bool {
        let first = OrderId::new(self.identity, 0, 0).0;
        (first..=first | 0xFFFF_FFFF).contains(&id.0)
    }

    /// What it has filled; `None` if nothing that is known.
    #[must_use]
    pub fn filled(&self, id: OrderId) -> Option<&Filled> {
        self.orders.get(&id.0)
    }

    /// All orders that have filled something.
    pub fn orders(&self) -> impl Iterator<Item = (OrderId, &Filled)> {
        self.orders.iter().map(|(id, filled)| (OrderId(*id), filled))
    }
}
