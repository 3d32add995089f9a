//! What a schedule at the wire level comes to: its record under the checker, and against the truth
//! of the exchange and of the feed.

use std::collections::BTreeMap;

use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::{
    Event, OrderAction, OrderCommand, OrderEventKind, OrderId, Quote, QuoteQuality, SessionState,
};
use xmc_hotpath::time::MonoNs;

use super::{Book, Exchange, ORDERS, Run};
use crate::config::Configuration;
use crate::engine::memory::{DeskMemory, DeskSize};
use crate::engine::wire::identity;
use crate::sim::checker::{Checker, Violation};
use crate::sim::endings::FireEnds;
use crate::sim::ledger::Booking;
use crate::sim::tape;
use crate::sim::venue::Venue;
use crate::sim::world::{Ends, Outcome, Watch};

/// What the stages left behind.
pub(super) struct Remains {
    /// The record.
    pub record: Vec<u8>,
    /// By instrument: net lots that the desk holds.
    pub positions: Vec<i64>,
    /// By instrument: the book that the desk saw last.
    pub books: Vec<Book>,
}

/// What the record says, besides what the checker's model keeps.
#[derive(Default)]
struct Said {
    /// By the execution's digest: how often it was told.
    executions: BTreeMap<u64, u32>,
    entered: BTreeMap<OrderId, OrderCommand>,
    cancelled: BTreeMap<OrderId, OrderCommand>,
}

impl Said {
    fn add(&mut self, event: &Event<'_>, outputs: &Outputs) {
        if let Event::Order(event) = event
            && matches!(event.kind, OrderEventKind::Filled | OrderEventKind::Busted)
        {
            *self.executions.entry(event.exec_id).or_default() += 1;
        }
        for order in outputs.orders() {
            let orders = match order.action {
                OrderAction::New => &mut self.entered,
                OrderAction::Cancel | OrderAction::Replace => &mut self.cancelled,
                OrderAction::Status => continue,
            };
            orders.insert(order.order_id, *order);
        }
    }
}

/// The book in a quote.
pub(super) fn book(quote: &Quote) -> Book {
    [&quote.bids, &quote.asks].map(|side| side.levels().collect())
}

impl Run {
    /// Replays the record under the checker and compares it with the venue's truth. `watch` sees
    /// each input of the desk and what followed from it.
    pub(super) fn judge(
        &self,
        config: &Configuration,
        remains: &Remains,
        watch: &mut Watch<'_>,
    ) -> Result<Outcome, Violation> {
        let (instruments, spreads) = (config.instruments.len(), config.spreads.len());
        let mut arenas = DeskMemory::new(DeskSize { instruments, spreads, orders: ORDERS });
        let mut desk = Desk::new(identity(config, 1), arenas.lend());
        let mut checker = Checker::default();
        let mut said = Said::default();
        let mut found = None;
        let record = &remains.record;
        let replayed = tape::replay_watched(record, instruments, &mut desk, |input, out, desk| {
            watch(input, out);
            said.add(&input.event, out);
            let checked = self.quote(input.now, input.event);
            let checked = checked.and_then(|()| checker.check(input, out, desk));
            checked.map_err(|violation| {
                let what = violation.to_string();
                found = Some(violation);
                what
            })
        });
        let inputs = match (replayed, found) {
            (Ok(inputs), _) => inputs,
            (Err(_), Some(violation)) => return Err(violation),
            (Err(what), None) => return Err(self.violation("S15", what)),
        };
        checker.at_rest()?;
        self.bookings(&checker, &remains.positions, &said)?;
        self.requests(&checker, &said)?;
        self.last_books(&remains.books)?;
        Ok(self.outcome(inputs, record, &checker))
    }

    /// S9: a quote that may be traded on is the venue's own book at that packet.
    fn quote(&self, at: MonoNs, event: Event<'_>) -> Result<(), Violation> {
        let Event::Quote { quote, .. } = event else {
            return Ok(());
        };
        let Quote { instrument, packet_seq_no, quality, .. } = quote;
        if *quality != QuoteQuality::Good {
            return Ok(());
        }
        let seen = book(quote);
        let expected = self.books.get(&(*packet_seq_no, instrument.0));
        if expected == Some(&seen) {
            return Ok(());
        }
        let what = format!(
            "instrument {} after packet {packet_seq_no}: {seen:?}, the venue has {expected:?}",
            instrument.0
        );
        Err(Violation { invariant: "S9", at, what })
    }

    /// L1: where each packet came on one line at least, the desk ends with the venue's last books.
    fn last_books(&self, books: &[Book]) -> Result<(), Violation> {
        if self.is_packet_lost {
            return Ok(());
        }
        for (row, seen) in (0..).zip(books) {
            let mut own = self.books.iter().filter(|((_, instrument), _)| *instrument == row);
            let expected = own.next_back().map(|(_, book)| book);
            if expected.is_some_and(|expected| expected != seen) {
                let what = format!("instrument {row} ends with {seen:?}, not with {expected:?}");
                return Err(self.violation("L1", what));
            }
        }
        Ok(())
    }

    /// S1, S5: what is booked is held, or was never told, and then the desk still reckons with it.
    fn bookings(&self, checker: &Checker, positions: &[i64], said: &Said) -> Result<(), Violation> {
        let ledger = self.exchange.venue().ledger();
        let is_told =
            |booking: &&Booking| said.executions.contains_key(&Exchange::digest(booking.exec_id));
        let model = &checker.model;
        for (row, held) in (0..).zip(positions) {
            let own = ledger.bookings().iter().filter(|booking| booking.instrument == row);
            let (known, unknown): (Vec<&Booking>, Vec<_>) = own.partition(is_told);
            let known: i64 = known.iter().map(|booking| booking.signed()).sum();
            if known != *held || Some(*held) != model.instruments.get(&row).map(|row| row.position)
            {
                let what = format!("instrument {row}: {held} held, {known} booked and told");
                return Err(self.violation("S5", what));
            }
            for booking in unknown.iter().filter(|booking| booking.is_honest) {
                let order = model.orders.get(&booking.order_id.0);
                let is_reckoned = order.is_some_and(|order| order.is_live && order.is_unknown);
                if is_up(checker) || !is_reckoned {
                    let what = format!("{booking:?} was never told, and {order:?} ignores it");
                    return Err(self.violation("S1", what));
                }
            }
        }
        Ok(())
    }

    /// S14: what came to the exchange is what the record says was sent, field by field; while the
    /// session lives, all of it came.
    fn requests(&self, checker: &Checker, said: &Said) -> Result<(), Violation> {
        for (id, came) in self.exchange.entered() {
            let sent = said.entered.get(id);
            let is_same = sent.is_some_and(|sent| same_order(sent, came));
            if !is_same {
                let what = format!("{came:?} came to the exchange, the record has {sent:?}");
                return Err(self.violation("S14", what));
            }
        }
        if let Some(id) = self.exchange.cancelled().find(|id| !said.cancelled.contains_key(id)) {
            return Err(self.violation("S14", format!("the record has no cancel of {id:?}")));
        }
        let came = self.exchange.entered().len();
        if is_up(checker) && came != said.entered.len() {
            let what = format!("{} orders in the record, {came} came", said.entered.len());
            return Err(self.violation("S14", what));
        }
        Ok(())
    }

    fn outcome(&self, inputs: u64, record: &[u8], checker: &Checker) -> Outcome {
        let model = &checker.model;
        let mut hits = self.faults.hits().clone();
        hits.add(self.exchange.venue().faults().hits());
        Outcome {
            inputs,
            asks: checker.model.asks,
            orders: model.orders.len() as u64,
            traded: model.spreads.values().map(|spread| spread.traded).sum(),
            bookings: self.exchange.venue().ledger().bookings().len() as u64,
            record_bytes: record.len() as u64,
            snapshots: 0,
            hits,
            gates: checker.gates.clone(),
            alerts: model.alerts.clone(),
            repairs: checker.repairs.clone(),
            repaired: checker.repaired,
            may_meet: checker.may_meet(),
            inside: checker.inside,
            inside_lots: checker.inside_lots,
            removed: checker.removed,
            followed: checker.followed,
            pulled: checker.pulled,
            ruled: checker.ruled,
            ends: Ends::default(),
            fire_ends: FireEnds::default(),
            causes: BTreeMap::new(),
        }
    }
}

fn is_up(checker: &Checker) -> bool {
    checker.model.sessions[0] == Some(SessionState::Up)
}

/// Whether all that an order says about itself on the wire is what the desk asked for.
fn same_order(sent: &OrderCommand, came: &OrderCommand) -> bool {
    let fields = |order: &OrderCommand| {
        (
            (order.instrument, order.security_id, order.side),
            (order.price_e9, order.qty_lots, order.time_in_force),
        )
    };
    fields(sent) == fields(came)
}
