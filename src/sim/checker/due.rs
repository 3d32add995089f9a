//! What has to happen: deadlines are kept, repairs end, and what went wrong is told.

use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::SessionState;
use xmc_hotpath::message::{AlertKind, ChannelState, Event, OrderEventKind, SafeState};
use xmc_hotpath::time::Span;

use super::{Checker, Violation, alerts};

impl Checker {
    /// S17, and before the model takes the event in: what somebody has to know is told at once.
    pub(super) fn alerted(&self, event: &Event<'_>, outputs: &Outputs) -> Result<(), Violation> {
        let due = match event {
            Event::Session(update) => {
                let was = self.model.sessions[usize::from(update.gateway.0)];
                let is_lost = was == Some(SessionState::Up) && update.state != SessionState::Up;
                is_lost.then_some(AlertKind::SessionDown)
            }
            Event::Channel(update) => {
                let was = self.model.channels.get(&update.stream.0);
                let was_usable = was.is_some_and(|(state, _)| state.is_usable());
                match update.state {
                    ChannelState::Suspect if was_usable => Some(AlertKind::FeedGap),
                    ChannelState::Frozen if was_usable => Some(AlertKind::FeedFrozen),
                    ChannelState::Divergent => Some(AlertKind::CopiesDiffer),
                    _ => None,
                }
            }
            Event::Order(event) => {
                let order = self.model.known(event.order_id);
                let is_refused =
                    matches!(event.kind, OrderEventKind::Rejected | OrderEventKind::NotSent);
                let is_live = order.is_some_and(|order| order.is_live);
                (is_refused && is_live).then_some(AlertKind::OrderRejected)
            }
            _ => None,
        };
        let is_told = |kind| alerts(outputs).any(|alert| alert.kind == kind);
        ensure!(self, "S17", due.is_none_or(is_told), "{event:?} raised no {due:?}");
        Ok(())
    }

    /// A fill that cannot be is told, and everything stops (F26).
    pub(super) fn impossible(&self, outputs: &Outputs) -> Result<(), Violation> {
        let is_due = self.model.is_impossible;
        let is_told = alerts(outputs).any(|alert| alert.kind == AlertKind::ImpossibleFill);
        ensure!(self, "impossible_fill", is_told == is_due, "it is {is_due}, told {is_told}");
        let safe = self.model.safe();
        ensure!(self, "impossible_fill", !is_due || safe == SafeState::Halt, "and {safe:?}");
        Ok(())
    }

    /// An order that the venue has is cancelled at its deadline; one that is not known by the next
    /// one is said to be unknown. A desk that asks to be called at once has still to come to it.
    pub(super) fn overdue(&mut self, desk: &Desk<'_>) -> Result<(), Violation> {
        if desk.next_deadline() <= self.now {
            return Ok(());
        }
        self.broken_off();
        self.model.past_first(self.now);
        for id in self.model.live.clone() {
            if self.model.is_left_resting(id) {
                continue;
            }
            let Some(order) = self.model.orders.get_mut(&id) else { continue };
            if order.is_unknown || self.now < order.due {
                continue;
            }
            let late = self.now.since(order.due);
            let is_missed = order.was_due || order.cancels == 0;
            let spread = self.model.spreads.get(&order.command.spread.0);
            let fire = spread.and_then(|row| row.fire.as_ref());
            let timeout = fire.map_or(Span(0), |fire| fire.timeout);
            let first = order.due.since(order.sent);
            (order.was_due, order.due) = (true, self.now.after(timeout.max(first)));
            ensure!(self, "deadline", !is_missed, "order {id:#x} is {late:?} over its deadline");
        }
        Ok(())
    }

    /// What a breaker has broken off had its deadline with that: the next one is as far away again.
    fn broken_off(&mut self) {
        for spread in self.model.spreads.values_mut() {
            let Some(fire) = &mut spread.fire else { continue };
            // The one that it began with, whatever its spread was told since.
            let timeout = fire.timeout;
            if !fire.is_broken_off || fire.was_broken_off {
                continue;
            }
            fire.was_broken_off = true;
            for id in &fire.orders {
                let Some(order) = self.model.orders.get_mut(&id.0) else { continue };
                order.due = order.due.max(self.now.after(timeout));
                order.was_due |= order.cancels > 0;
            }
        }
    }

    /// L2: a fire out of ratio is brought back or given up within its tries and its time.
    pub(super) fn open_too_long(&self, desk: &Desk<'_>) -> Result<(), Violation> {
        if desk.next_deadline() <= self.now {
            return Ok(());
        }
        for (number, spread) in &self.model.spreads {
            let Some(fire) = &spread.fire else { continue };
            let is_open = fire.open_since.is_some() && !self.is_live(fire);
            let is_left = is_open && self.is_spent(&spread.spec, fire);
            let (tries, since) = (fire.tries, fire.open_since);
            let what = "is out of ratio still";
            ensure!(self, "L2", !is_left, "spread {number} {what}: {tries} tries since {since:?}");
        }
        Ok(())
    }
}
