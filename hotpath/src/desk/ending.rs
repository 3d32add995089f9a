//! How fires end: all orders known and the legs in ratio, or given up; and their deadlines.

use super::send::Sender;
use super::table::Table;
use super::{DEADLINES_PER_INPUT, Desk, Outputs, Spread, SpreadState};
use crate::execute::{self, Fire, MAX_FIRE_ORDERS};
use crate::message::{
    Alert, AlertKind, Ending, OrderId, RulePoint, SafeState, SessionState, Side, SpreadIndex,
    StreamId,
};
use crate::order::OrderState;

/// How often a venue is asked to cancel what rests.
const CANCEL_TRIES: u8 = 5;

impl Spread {
    /// Whether all orders of its fire are known and the fire has not ended: it is out of ratio.
    #[inline]
    pub(super) fn is_unrepaired(&self) -> bool {
        self.fire.as_ref().is_some_and(|fire| fire.open_orders == 0)
    }

    /// Whether its fire is out of ratio, or orders of it are out that repair it.
    pub(super) fn is_being_repaired(&self) -> bool {
        self.is_unrepaired() || self.fire.as_ref().is_some_and(|fire| fire.tries > 0)
    }

    /// Whether its fire is out of ratio, or legs of it are to follow another one.
    #[inline]
    pub(super) fn is_worked_on(&self) -> bool {
        self.is_unrepaired() || self.fire.as_ref().is_some_and(|fire| fire.is_follow_due)
    }

    /// Whether legs of its fire may still follow another one.
    pub(super) fn is_led(&self) -> bool {
        self.fire.as_ref().is_some_and(Fire::is_led)
    }

    /// Whether its fire may be brought back into ratio, should it end out of it.
    fn may_repair(&self) -> bool {
        let tries = self.spec.as_ref().map_or(0, |spec| spec.repair.tries);
        tries > 0 && self.fire.as_ref().is_some_and(|fire| fire.may_repair)
    }
}

impl Desk<'_> {
    /// Whether what is out of ratio in the fire of a spread is worked on.
    pub(super) fn is_repaired(&self, index: SpreadIndex) -> bool {
        self.state != SafeState::Halt && self.table.spread(index).is_some_and(Spread::may_repair)
    }

    /// Ends a fire if the fate of all its orders is known; one that is out of ratio and may be
    /// repaired is looked at first of all, as soon as this input has been taken in.
    pub(super) fn end_fire(&mut self, index: SpreadIndex, outputs: &mut Outputs) {
        let now = self.now;
        let is_repaired = self.is_repaired(index);
        let fire = self.table.spread(index).and_then(|row| row.fire.as_ref());
        if fire.is_none_or(|fire| fire.open_orders > 0)
            || (fire.is_some_and(Fire::is_led) && self.is_still_led(index, outputs))
        {
            return;
        }
        let Some(row) = self.table.spread_mut(index) else {
            return;
        };
        let (Some(fire), Some(spec)) = (&mut row.fire, &row.spec) else {
            return;
        };
        let ending = fire.ending(index, spec, now);
        if ending.is_aligned || !is_repaired {
            self.close_fire(&ending, outputs);
            return;
        }
        let since = *fire.open_since.get_or_insert(now);
        self.timers.set(index.0, since.after(spec.repair.within));
        if let Some(touched) = self.table.touch(index) {
            self.dirty.mark_first(touched, self.turn);
        }
    }

    /// Nothing more is done about a fire out of ratio: somebody has to look.
    #[cold]
    #[inline(never)]
    pub(super) fn give_up(&mut self, index: SpreadIndex, outputs: &mut Outputs) {
        let now = self.now;
        let Some(row) = self.table.spread(index) else {
            return;
        };
        let (Some(fire), Some(spec)) = (&row.fire, &row.spec) else {
            return;
        };
        let ending = fire.ending(index, spec, now);
        let value = i64::from(fire.tries);
        let (kind, order_id) = (AlertKind::RepairFailed, OrderId::NONE);
        let stream = StreamId(u16::MAX);
        outputs.alert(Alert { kind, spread: index, order_id, stream, value });
        self.close_fire(&ending, outputs);
    }

    /// Gives back what room for messages is kept for the fire of a spread.
    fn free_messages(&mut self, index: SpreadIndex) {
        let Self { table, orders, gateways, accounts, whole, .. } = self;
        let Table { instruments, spreads, .. } = table;
        let row = usize::try_from(index.0).ok().and_then(|row| spreads.get_mut(row));
        let Some(Spread { spec: Some(spec), fire: Some(fire), .. }) = row else {
            return;
        };
        let of = spec.account;
        let account = accounts.iter_mut().flatten().find(|row| row.limits.account == of);
        let mut sender = Sender { instruments, orders, gateways, whole, account };
        sender.free_messages(spec, fire);
    }

    fn close_fire(&mut self, ending: &Ending, outputs: &mut Outputs) {
        let index = ending.spread;
        self.free_messages(index);
        let Some(row) = self.table.spread_mut(index) else {
            return;
        };
        let Some(spec) = &row.spec else {
            return;
        };
        let is_asked = row.rules.are_at(RulePoint::After);
        let fire = row.fire.take();
        let has_rested = fire.as_ref().is_some_and(|fire| fire.rests);
        let units = i32::try_from(ending.done_units).unwrap_or(i32::MAX);
        row.position_units = if ending.intent.is_buy() {
            row.position_units.saturating_add(units)
        } else {
            row.position_units.saturating_sub(units)
        };
        let residual = execute::residual_lots(&spec.legs, ending);
        for (held, left) in row.residual_lots.iter_mut().zip(&residual) {
            *held = held.saturating_add(*left);
        }
        self.timers.clear(index.0);
        if self.detailing.endings || !ending.is_aligned {
            outputs.ending(*ending);
        } else {
            outputs.leave_out();
        }
        if self.has_work {
            self.needs_no_way(index);
        }
        if has_rested {
            self.rested(index);
        }
        if !ending.is_aligned {
            let most = residual.iter().copied().max_by_key(|lots| lots.unsigned_abs());
            self.broken(index, most.unwrap_or(0), outputs);
        }
        if is_asked && let Some(fire) = fire {
            self.rules_after(index, &fire, outputs);
        }
    }

    /// Lots that were traded or taken back outside any fire: the spread is broken by them. With
    /// `is_known` that is not said of one that an earlier run has left halted: whoever looks at it
    /// sees these lots as well.
    pub(super) fn leave_over(
        &mut self,
        index: SpreadIndex,
        leg: u8,
        (side, lots): (Side, u32),
        is_known: bool,
        outputs: &mut Outputs,
    ) {
        let signed = match side {
            Side::Buy => i64::from(lots),
            Side::Sell => i64::from(lots).saturating_neg(),
        };
        if let Some(row) = self.table.spread_mut(index)
            && let Some(held) = row.residual_lots.get_mut(usize::from(leg))
        {
            *held = held.saturating_add(signed);
        }
        let row = self.table.spread(index);
        if !(is_known && row.is_some_and(|row| row.state == SpreadState::Halted)) {
            self.broken(index, signed, outputs);
        }
    }

    fn broken(&mut self, spread: SpreadIndex, residual: i64, outputs: &mut Outputs) {
        outputs.alert(Alert {
            kind: AlertKind::BrokenSpread,
            spread,
            order_id: OrderId::NONE,
            stream: StreamId(u16::MAX),
            value: residual,
        });
        self.halt_spread(spread, AlertKind::BrokenSpread, outputs);
    }

    /// Handles deadlines that have come, a bounded number of them.
    #[inline]
    pub(super) fn fire_deadlines(&mut self, outputs: &mut Outputs) {
        for _ in 0..DEADLINES_PER_INPUT {
            if outputs.order_room() <= MAX_FIRE_ORDERS {
                return;
            }
            let Some(row) = self.timers.pop_due(self.now) else {
                return;
            };
            self.deadline(SpreadIndex(row), outputs);
        }
    }

    /// A deadline of a spread. Without a fire its level has been held: it is looked at. A fire was
    /// not finished in time: what the venue has is cancelled, once, or until the cancel has left;
    /// what it has not answered is unknown, and never sent again. One that waits to be repaired is
    /// looked at a last time.
    #[cold]
    #[inline(never)]
    fn deadline(&mut self, index: SpreadIndex, outputs: &mut Outputs) {
        let now = self.now;
        let Some(row) = self.table.spread_mut(index) else {
            return;
        };
        if row.is_unrepaired() {
            if let Some(touched) = self.table.touch(index) {
                self.dirty.mark_first(touched, self.turn);
            }
            return;
        }
        let Some(fire) = &mut row.fire else {
            // A level has been held for its time.
            if let Some(touched) = self.table.touch(index) {
                self.dirty.mark_first(touched, self.turn);
            }
            return;
        };
        if fire.is_resting() {
            return self.resting_deadline(index, outputs);
        }
        fire.deadlines = fire.deadlines.saturating_add(1);
        let is_first = fire.deadlines == 1;
        // Before its time nothing is late yet.
        let is_early = is_first && fire.is_broken_off;
        let (orders, timeout) = (fire.orders, fire.ack_timeout);
        let (started, is_in_order) = (fire.started, fire.tries == 0);
        // A venue that has refused to cancel what rests is asked again.
        let lead = fire.lead;
        let is_asked_again = fire.rests && fire.is_led() && fire.deadlines <= CANCEL_TRIES;
        let mut is_again = is_first;
        for id in orders {
            let Some(order) = self.orders.get(id) else {
                continue;
            };
            let is_up = self.session(order.gateway) == SessionState::Up;
            // One that has followed another leg has as long as that one had.
            let is_follower = is_in_order && order.sent > started;
            let late = order.sent.after(timeout).after(timeout);
            if is_follower && !is_early && now < order.sent.after(timeout) {
                is_again |= order.is_live();
                continue;
            }
            let is_its_first = is_first || (is_follower && !order.is_cancel_due && now < late);
            match order.state {
                // The second time it was kept back below the venue's threshold of messages.
                OrderState::Working
                    if is_its_first
                        || (order.is_cancel_due && is_up)
                        || (is_asked_again && order.leg == lead) =>
                {
                    self.cancel(id, outputs);
                    is_again = true;
                }
                OrderState::Sent | OrderState::Cancelling if is_early => {}
                OrderState::Sent | OrderState::Working | OrderState::Cancelling => {
                    self.order_unknown(id, outputs);
                }
                OrderState::Free | OrderState::Unknown | OrderState::Done => {}
            }
        }
        if is_again {
            self.timers.set(index.0, now.after(timeout));
        }
        if !is_first {
            // What it waits for may never come: others need not wait with it.
            self.free_messages(index);
        }
    }

    /// A message about an order was sent again: it has as long to be answered as the first.
    pub(super) fn expect_again(&mut self, index: SpreadIndex) {
        let now = self.now;
        let Some(row) = self.table.spread(index) else {
            return;
        };
        if let Some(fire) = &row.fire
            && fire.open_orders != 0
        {
            self.timers.set(index.0, now.after(fire.ack_timeout));
        }
    }
}
