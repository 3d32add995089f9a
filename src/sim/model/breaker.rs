//! Breakers as the model has them: all that was watched, in a list, counted again each time.

use xmc_hotpath::message::{
    BREAKERS, BreakerAction, BreakerKind, Breakers, OrderEvent, OrderEventKind, OrderId,
};
use xmc_hotpath::time::MonoNs;

use super::Model;

/// What the breakers of one spread have seen since they were told.
#[derive(Clone, Debug)]
pub struct ModelBreakers {
    /// As told.
    pub spec: Breakers,
    seen: [Vec<bool>; BREAKERS],
    tripped: [Option<MonoNs>; BREAKERS],
}

/// A breaker that should have tripped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trip {
    /// Row of the spread.
    pub spread: u32,
    /// Which one.
    pub kind: BreakerKind,
    /// Bad things among the last.
    pub count: i64,
    /// What should follow.
    pub action: BreakerAction,
}

impl ModelBreakers {
    /// Nothing was seen yet.
    pub fn new(spec: Breakers) -> Self {
        Self { spec, seen: Default::default(), tripped: Default::default() }
    }

    /// One thing more; the trip that it is, which is told once in a moment.
    pub(super) fn see(&mut self, kind: BreakerKind, is_bad: bool, now: MonoNs) -> Option<Trip> {
        let row = usize::from(kind.code());
        let (rule, seen) = (self.spec.rules[row], &mut self.seen[row]);
        seen.push(is_bad);
        let last = seen.iter().rev().take(rule.of.into());
        let count = last.filter(|is_bad| **is_bad).count();
        if rule.of == 0 || count <= usize::from(rule.most) {
            return None;
        }
        seen.clear();
        let is_told = self.tripped[row].replace(now) == Some(now);
        let count = i64::try_from(count).expect("at most 64");
        let trip = Trip { spread: self.spec.spread.0, kind, count, action: rule.action };
        (!is_told).then_some(trip)
    }
}

impl Model {
    /// Breakers are told anew. Orders under way at the first ones are not waited for.
    pub(super) fn breakers(&mut self, breakers: &Breakers) {
        let Some(row) = self.spreads.get_mut(&breakers.spread.0) else { return };
        if row.breakers.replace(ModelBreakers::new(*breakers)).is_none() {
            let orders = self.orders.values_mut();
            let of_it = orders.filter(|order| order.command.spread == breakers.spread);
            of_it.for_each(|order| order.is_answered = true);
        }
    }

    /// The venue's first word about an order, and refusals: what breakers see of them.
    pub(super) fn answered(&mut self, now: MonoNs, event: &OrderEvent) {
        let is_refused = event.kind == OrderEventKind::Rejected;
        let is_word = is_refused
            || matches!(
                event.kind,
                OrderEventKind::Accepted | OrderEventKind::Filled | OrderEventKind::Cancelled
            );
        let order = self.orders.get_mut(&event.order_id.0).expect("it is known");
        let is_first = is_word && !order.is_answered;
        order.is_answered |= is_word;
        order.has_word |= is_word;
        let (spread, took) = (order.command.spread.0, now.since(order.sent));
        let counts = (is_first || is_refused && order.is_live) && !order.is_orphan;
        let row = self.spreads.get(&spread);
        if let Some(breakers) = row.and_then(|row| row.breakers.as_ref()).filter(|_| counts) {
            let is_late = took > breakers.spec.latency;
            if is_first {
                self.see(spread, BreakerKind::Latency, is_late, now);
            }
            self.see(spread, BreakerKind::Rejects, is_refused, now);
        }
    }

    /// The desk says that nobody can tell what became of an order.
    pub fn unknown(&mut self, now: MonoNs, id: OrderId) {
        let Some(order) = self.orders.get_mut(&id.0) else { return };
        let was_answered = core::mem::replace(&mut order.is_answered, true);
        let spread = order.command.spread.0;
        if !was_answered {
            self.see(spread, BreakerKind::Latency, true, now);
        }
    }

    pub(super) fn see(&mut self, spread: u32, kind: BreakerKind, is_bad: bool, now: MonoNs) {
        let Some(row) = self.spreads.get_mut(&spread) else { return };
        let breakers = row.breakers.as_mut();
        let Some(trip) = breakers.and_then(|breakers| breakers.see(kind, is_bad, now)) else {
            return;
        };
        row.is_reducing |= trip.action == BreakerAction::Reduce && row.is_enabled;
        if trip.action == BreakerAction::Repair {
            row.fire.iter_mut().for_each(|fire| fire.is_broken_off = true);
        }
        self.trips.push(trip);
    }
}
