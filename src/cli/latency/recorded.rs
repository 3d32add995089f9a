//! What a record says of a measurement: the orders in it, and what was held back.

use crate::venue::digest::OrderDigest;
use std::collections::{BTreeMap, HashMap};
use xmc_hotpath::message::{Decision, Gate, OrderAction, OrderCommand, Side, SpreadIndex};
use xmc_hotpath::record::codec::{Decoder, Field};
use xmc_hotpath::record::frame::{self, Kind};

/// The orders of a record, added up, and the triggers that were met and held back.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// Records read.
    pub records: u64,
    /// Refusals are counted of inputs behind this one.
    since: u64,
    orders: OrderDigest,
    refusals: BTreeMap<Gate, u64>,
    /// By spread: the gate of the refusal that was told last.
    told: HashMap<SpreadIndex, Gate>,
    faults: u64,
}

impl Recorded {
    /// Counts refusals of inputs behind number `since` only.
    pub fn counting_since(since: u64) -> Self {
        Self { since, ..Self::default() }
    }

    /// Takes whole records, one behind the other.
    pub fn take(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let Ok((header, body, after)) = frame::split(rest) else {
                self.faults += 1;
                return;
            };
            self.records += 1;
            match header.kind {
                Kind::Order => self.order(body),
                Kind::Decision if header.seq_no > self.since => self.decision(body),
                _ => {}
            }
            rest = after;
        }
    }

    fn order(&mut self, body: &[u8]) {
        let Some(order) = OrderCommand::take(&mut Decoder::new(body)) else {
            self.faults += 1;
            return;
        };
        if order.action == OrderAction::New {
            let is_buy = order.side == Side::Buy;
            let OrderCommand { order_id, security_id, price_e9, qty_lots, .. } = order;
            self.orders.add(order_id.0, security_id, is_buy, price_e9, qty_lots);
        }
    }

    fn decision(&mut self, body: &[u8]) {
        let Some(decision) = Decision::take(&mut Decoder::new(body)) else {
            self.faults += 1;
            return;
        };
        // What was repeated without being told is of the refusal before.
        if let Some(gate) = self.told.get(&decision.spread) {
            *self.refusals.entry(*gate).or_default() += u64::from(decision.repeated);
        }
        if decision.gate != Gate::Passed {
            self.told.insert(decision.spread, decision.gate);
            *self.refusals.entry(decision.gate).or_default() += 1;
        }
    }

    /// How often each gate has held a trigger back, if it has.
    pub fn refusals(&self) -> impl Iterator<Item = (Gate, u64)> + '_ {
        self.refusals.iter().map(|(gate, count)| (*gate, *count))
    }

    /// Whether its orders are those that an exchange read off the wire, and there are some.
    pub fn equals(&self, sent: OrderDigest) -> bool {
        self.faults == 0 && self.orders == sent && sent.count > 0
    }
}
