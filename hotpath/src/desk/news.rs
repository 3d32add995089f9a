//! What becomes of orders: events, questions, the kill. What becomes of their fires is `ending`'s.

use super::breaker::Before;
use super::{Cause, Desk, Outputs};
use crate::execute;
use crate::message::{
    Alert, AlertKind, BreakerKind, HedgeFlag, OrderAction, OrderCommand, OrderEvent,
    OrderEventKind, OrderId, SafeState, SessionState, Side, SpreadIndex, StreamId,
};
use crate::order::{Order, OrderState};
use crate::risk::GatewayRisk;

/// Rows of the order arena that a sweep looks at per input.
const SWEPT_ROWS_PER_INPUT: usize = 256;

impl Desk<'_> {
    pub(super) fn on_order(&mut self, event: &OrderEvent, outputs: &mut Outputs) {
        let Some(order) = self.orders.get_mut(event.order_id) else {
            self.stranger(event, outputs);
            return;
        };
        if event.venue_order_id != 0 {
            order.venue_order_id = event.venue_order_id;
        }
        let before = Before::of(order);
        match event.kind {
            OrderEventKind::Accepted => match order.state {
                OrderState::Sent => {
                    order.state = OrderState::Working;
                    self.rest_taken(event.order_id);
                }
                // It was given up on and lives: no deadline would cancel it any more.
                OrderState::Unknown => self.cancel(event.order_id, outputs),
                OrderState::Free
                | OrderState::Working
                | OrderState::Cancelling
                | OrderState::Done => {}
            },
            OrderEventKind::CancelRejected => {
                if order.state == OrderState::Cancelling {
                    order.state = OrderState::Working;
                }
            }
            OrderEventKind::CancelNotSent => {
                if order.state == OrderState::Cancelling {
                    order.state = OrderState::Working;
                }
                order.is_cancel_due = order.is_live();
            }
            OrderEventKind::Filled => self.on_fill(event, outputs),
            OrderEventKind::Cancelled => self.on_cancelled(event, outputs),
            OrderEventKind::Rejected | OrderEventKind::NotSent => {
                if order.is_live() {
                    let spread = order.spread;
                    self.order_alert(AlertKind::OrderRejected, event, spread, outputs);
                    self.rest_refused(event, spread, outputs);
                    self.end_order(event.order_id, outputs);
                }
            }
            OrderEventKind::Unknown => {
                if order.is_live() {
                    self.order_unknown(event.order_id, outputs);
                }
            }
            OrderEventKind::Busted => self.on_bust(event, outputs),
            OrderEventKind::Corrected => {
                let spread = order.spread;
                self.order_alert(AlertKind::FillBusted, event, spread, outputs);
                self.halt_spread(spread, AlertKind::FillBusted, outputs);
            }
            OrderEventKind::Replaced | OrderEventKind::ReplaceRejected => {
                // This desk replaces nothing, so somebody else did.
                let spread = order.spread;
                self.order_alert(AlertKind::UnknownOrder, event, spread, outputs);
                self.halt_spread(spread, AlertKind::UnknownOrder, outputs);
            }
        }
        if self.is_watched(before.spread) {
            self.cancel_if_broken_off(&before, outputs);
            self.watch_answer(&before, event, outputs);
        }
    }

    /// News of an order that is not here. One of an earlier run that was over then has done what it
    /// did before this run, which has been told the outcome: a counter that tells its whole day to
    /// whoever logs on says nothing new. What was taken back or changed may be new, and so may all
    /// be while lots are reserved for orders that were told without their ids.
    #[cold]
    #[inline(never)]
    fn stranger(&mut self, event: &OrderEvent, outputs: &mut Outputs) {
        let mut rows = self.table.instruments.iter();
        let is_over = event.order_id.is_before(self.identity)
            && event.order_id.run() <= self.known_run
            && rows.all(|row| (row.unknown_buy_lots, row.unknown_sell_lots) == (0, 0));
        let is_repeated = match event.kind {
            OrderEventKind::Accepted
            | OrderEventKind::Filled
            | OrderEventKind::Cancelled
            | OrderEventKind::CancelRejected
            | OrderEventKind::CancelNotSent
            | OrderEventKind::Rejected
            | OrderEventKind::NotSent
            | OrderEventKind::Unknown => is_over,
            OrderEventKind::Busted
            | OrderEventKind::Corrected
            | OrderEventKind::Replaced
            | OrderEventKind::ReplaceRejected => false,
        };
        if is_repeated {
            return;
        }
        // Somebody trades under our name, or a run before this one left an order behind.
        self.order_alert(AlertKind::UnknownOrder, event, SpreadIndex::ALL, outputs);
        let state = self.state.max(SafeState::NoNew);
        self.set_state(state, Cause::Alert(AlertKind::UnknownOrder), outputs);
    }

    fn on_fill(&mut self, event: &OrderEvent, outputs: &mut Outputs) {
        let Some(order) = self.orders.get_mut(event.order_id) else {
            return;
        };
        if !order.is_new_fill(event) {
            return;
        }
        let reserved = event.qty_lots.min(order.open_lots());
        let was_live = order.is_live();
        let is_impossible = is_impossible(order, event);
        order.filled_lots = order.filled_lots.saturating_add(event.qty_lots);
        if order.state == OrderState::Sent {
            order.state = OrderState::Working;
        }
        let is_complete = order.filled_lots >= order.qty_lots;
        // The venue's side is believed: that is what it booked.
        let (instrument, spread, leg) = (order.instrument, order.spread, order.leg);
        let (order_id, order_side) = (order.id, order.side);
        let (account, is_open, effect) = (order.account, order.is_open, order.effect);
        let mut missing = 0;
        if let Some(row) = self.table.instrument_mut(instrument) {
            row.exposure.release(order_side, reserved);
            row.exposure.trade(event.side, event.qty_lots);
            row.holding.thaw(order_side, effect, reserved);
            missing = row.holding.fill(event.side, effect, event.qty_lots);
        }
        // Lots that open were counted when they were reserved; only those beyond come on top.
        let unreserved = event.qty_lots.saturating_sub(reserved);
        let held = if is_open {
            i64::from(unreserved)
        } else {
            0_i64.saturating_sub(i64::from(event.qty_lots))
        };
        self.with_accounts(account, |row| {
            row.gross_lots = row.gross_lots.saturating_add(held).max(0)
        });
        // Lots on the other side are no part of what the fire asked for.
        let mut outside = event.qty_lots;
        let (mut planned_e9, mut is_led) = (None, false);
        let is_inside = event.side == order_side
            && self.with_fire(spread, order_id, |fire| {
                let inside = fire.fill(leg, fire.is_toward(is_open), event.qty_lots);
                fire.pay(leg, event.side, event.price_e9, inside);
                outside = outside.saturating_sub(inside);
                planned_e9 = fire.planned_e9.get(usize::from(leg)).copied();
                is_led = fire.lead == leg;
            });
        if is_led {
            self.lead_news(spread);
        }
        if is_impossible {
            self.order_alert(AlertKind::ImpossibleFill, event, spread, outputs);
            self.halt_spread(spread, AlertKind::ImpossibleFill, outputs);
            self.set_state(SafeState::Halt, Cause::Alert(AlertKind::ImpossibleFill), outputs);
        }
        if missing > 0 {
            self.position_unknown(event, missing, spread, outputs);
        }
        if !is_inside || outside > 0 {
            // It stands outside any ratio.
            let is_known = order_id.is_before(self.identity);
            self.leave_over(spread, leg, (event.side, outside), is_known, outputs);
        }
        if is_complete && was_live {
            self.end_order(order_id, outputs);
        } else if is_inside && !was_live {
            // All may have been known but for this.
            self.end_fire(spread, outputs);
        }
        if let Some(planned_e9) = planned_e9 {
            self.watch_price(spread, event, planned_e9, outputs);
        }
    }

    fn on_cancelled(&mut self, event: &OrderEvent, outputs: &mut Outputs) {
        let Some(order) = self.orders.get_mut(event.order_id) else {
            return;
        };
        if !order.is_live() {
            return;
        }
        if event.cum_lots > order.filled_lots && event.cum_lots <= order.qty_lots {
            // The venue filled more than we have heard of: those lots stay reserved until it tells.
            let gone = order.qty_lots.saturating_sub(event.cum_lots);
            order.qty_lots = event.cum_lots;
            let (instrument, side, effect) = (order.instrument, order.side, order.effect);
            let id = order.id;
            let (account, unused) =
                (order.account, if order.is_open { i64::from(gone) } else { 0 });
            if let Some(row) = self.table.instrument_mut(instrument) {
                row.exposure.release(side, gone);
                row.holding.thaw(side, effect, gone);
            }
            self.with_accounts(account, |row| {
                row.gross_lots = row.gross_lots.saturating_sub(unused).max(0);
            });
            self.order_unknown(id, outputs);
            return;
        }
        self.end_order(event.order_id, outputs);
    }

    fn on_bust(&mut self, event: &OrderEvent, outputs: &mut Outputs) {
        let Some(order) = self.orders.get_mut(event.order_id) else {
            return;
        };
        if !order.is_new_bust(event) {
            return;
        }
        let (instrument, spread, leg, id) = (order.instrument, order.spread, order.leg, order.id);
        let order_side = order.side;
        let (account, is_open, effect) = (order.account, order.is_open, order.effect);
        let price_e9 = if event.price_e9 == 0 { order.price_e9 } else { event.price_e9 };
        // A bust can overtake the fill that it takes back: that fill is still to come, and finds
        // the order as large as it was.
        let known = event.qty_lots.min(order.filled_lots);
        order.filled_lots = order.filled_lots.saturating_sub(known);
        if order.is_live() {
            // The lots are not coming back to the market: the order is smaller by them.
            order.qty_lots = order.qty_lots.saturating_sub(known);
        }
        // The venue's side is believed, as for a fill: it takes back what it booked.
        let back = event.side.opposite();
        let mut missing = 0;
        if let Some(row) = self.table.instrument_mut(instrument) {
            row.exposure.trade(back, event.qty_lots);
            missing = row.holding.bust(event.side, effect, event.qty_lots);
        }
        let lots = i64::from(event.qty_lots);
        let held = if is_open { lots.saturating_neg() } else { lots };
        self.with_accounts(account, |row| {
            row.gross_lots = row.gross_lots.saturating_add(held).max(0)
        });
        self.order_alert(AlertKind::FillBusted, event, spread, outputs);
        if missing > 0 {
            self.position_unknown(event, missing, spread, outputs);
        }
        let mut inside = 0;
        if event.side == order_side {
            self.with_fire(spread, id, |fire| {
                inside = fire.bust(leg, fire.is_toward(is_open), event.qty_lots);
                fire.pay(leg, back, price_e9, inside);
            });
        }
        if inside > 0 {
            // What it leaves of a leg that goes first is put right at once, not when that is full.
            self.stop_leading(spread);
        }
        let outside = event.qty_lots.saturating_sub(inside);
        if inside == 0 || outside > 0 || !self.is_repaired(spread) {
            self.halt_spread(spread, AlertKind::FillBusted, outputs);
        }
        if outside > 0 {
            self.leave_over(spread, leg, (back, outside), false, outputs);
        }
        self.end_fire(spread, outputs);
    }

    /// Ends an order's life: what it had reserved is free, its fire has one order less to wait for.
    fn end_order(&mut self, id: OrderId, outputs: &mut Outputs) {
        let Some(order) = self.orders.get_mut(id) else {
            return;
        };
        let (instrument, gateway, spread) = (order.instrument, order.gateway, order.spread);
        let (side, open) = (order.side, order.open_lots());
        let (account, effect) = (order.account, order.effect);
        let unused = if order.is_open { i64::from(open) } else { 0 };
        let (is_ours, is_missed) = (order.fire != 0, order.filled_lots < order.qty_lots);
        let leg = order.leg;
        let is_watched = is_ours && !self.is_of_resting(spread, id);
        let Some(order) = self.orders.get_mut(id) else {
            return;
        };
        order.state = OrderState::Done;
        if let Some(row) = self.table.instrument_mut(instrument) {
            row.exposure.release(side, open);
            row.holding.thaw(side, effect, open);
            row.exposure.close_order();
        }
        if let Some(gateway) = self.gateways.get_mut(usize::from(gateway.0)) {
            gateway.open_orders = gateway.open_orders.saturating_sub(1);
        }
        self.with_accounts(account, |row| {
            row.open_orders = row.open_orders.saturating_sub(1);
            row.gross_lots = row.gross_lots.saturating_sub(unused).max(0);
        });
        self.orders.close(id);
        let mut is_short = false;
        self.with_fire(spread, id, |fire| {
            fire.close_order();
            is_short = is_missed && fire.is_led() && fire.lead != leg;
        });
        if is_short {
            self.stop_leading(spread);
        }
        self.end_fire(spread, outputs);
        if is_watched {
            self.watch(spread, BreakerKind::Unfilled, is_missed, outputs);
        }
    }

    /// Nobody can tell what became of an order: its lots stay reserved and its spread is halted.
    pub(super) fn order_unknown(&mut self, id: OrderId, outputs: &mut Outputs) {
        let Some(order) = self.orders.get_mut(id) else {
            return;
        };
        if order.state == OrderState::Unknown {
            return;
        }
        let was_answered = core::mem::replace(&mut order.is_answered, true);
        order.state = OrderState::Unknown;
        let (spread, open) = (order.spread, order.open_lots());
        outputs.alert(Alert {
            kind: AlertKind::OrderUnknown,
            spread,
            order_id: id,
            stream: StreamId(u16::MAX),
            value: i64::from(open),
        });
        self.halt_spread(spread, AlertKind::OrderUnknown, outputs);
        if !was_answered {
            self.watch(spread, BreakerKind::Latency, true, outputs);
        }
        self.ask(id, outputs);
    }

    /// Asks the venue how an order stands, if its session is up and can. An answer is news like
    /// any other; without one the order stays as it is.
    fn ask(&mut self, id: OrderId, outputs: &mut Outputs) {
        let Some(order) = self.orders.get_mut(id).map(|order| *order) else {
            return;
        };
        let gateway = self.gateways.get(usize::from(order.gateway.0));
        let is_able = |gateway: &GatewayRisk| {
            gateway.limits.asks_status && gateway.session == SessionState::Up
        };
        if gateway.is_some_and(is_able) {
            self.request(&order, OrderAction::Status, outputs);
        }
    }

    /// Goes on with an order whose session may be up again: a cancel that came back unsent is sent
    /// again, of all others the venue is asked how they stand.
    fn go_on(&mut self, id: OrderId, outputs: &mut Outputs) {
        let Some(order) = self.orders.get(id) else {
            return;
        };
        if !order.is_cancel_due {
            return self.ask(id, outputs);
        }
        let (spread, gateway) = (order.spread, order.gateway);
        if self.session(gateway) == SessionState::Up {
            self.cancel(id, outputs);
            self.expect_again(spread);
        }
    }

    /// Does `change` to the fire that order `id` belongs to; `false` if that fire has ended.
    fn with_fire(
        &mut self,
        spread: SpreadIndex,
        id: OrderId,
        change: impl FnOnce(&mut execute::Fire),
    ) -> bool {
        let number = self.orders.get(id).map(|order| order.fire);
        let fire = self.table.spread_mut(spread).and_then(|row| row.fire.as_mut());
        match fire {
            Some(fire) if number == Some(fire.number) => {
                change(fire);
                true
            }
            _ => false,
        }
    }

    /// The venue knows of lots that the desk does not: what is opened and closed from here on is a
    /// guess, so nothing is opened until somebody has looked.
    #[cold]
    #[inline(never)]
    fn position_unknown(
        &mut self,
        event: &OrderEvent,
        lots: u32,
        spread: SpreadIndex,
        outputs: &mut Outputs,
    ) {
        let kind = AlertKind::UnknownPosition;
        outputs.alert(Alert {
            kind,
            spread,
            order_id: event.order_id,
            stream: event.stream,
            value: i64::from(lots),
        });
        let state = self.state.max(SafeState::NoNew);
        self.set_state(state, Cause::Alert(kind), outputs);
    }

    #[cold]
    #[inline(never)]
    fn order_alert(
        &mut self,
        kind: AlertKind,
        event: &OrderEvent,
        spread: SpreadIndex,
        outputs: &mut Outputs,
    ) {
        let value = if kind == AlertKind::OrderRejected {
            i64::from(event.reason)
        } else {
            i64::from(event.qty_lots)
        };
        outputs.alert(Alert {
            kind,
            spread,
            order_id: event.order_id,
            stream: event.stream,
            value,
        });
    }

    pub(super) fn cancel(&mut self, id: OrderId, outputs: &mut Outputs) {
        let Some(order) = self.orders.get_mut(id) else {
            return;
        };
        order.state = OrderState::Cancelling;
        order.is_cancel_due = false;
        let order = *order;
        self.request(&order, OrderAction::Cancel, outputs);
    }

    /// Sends a message about an order that was sent before. No gate holds it back; it counts.
    fn request(&mut self, order: &Order, action: OrderAction, outputs: &mut Outputs) {
        let now = self.now;
        if let Some(gateway) = self.gateways.get_mut(usize::from(order.gateway.0)) {
            gateway.sent(now);
        }
        self.with_accounts(order.account, |row| row.sent(now));
        if let Some(row) = self.table.instrument_mut(order.instrument) {
            row.rate.push(now);
        }
        let spec = self.table.spread(order.spread).and_then(|row| row.spec);
        let security_id = self
            .table
            .instrument(order.instrument)
            .and_then(|row| row.spec)
            .map_or(0, |contract| contract.security_id);
        outputs.order(OrderCommand {
            action,
            order_id: order.id,
            venue_order_id: order.venue_order_id,
            instrument: order.instrument,
            security_id,
            gateway: order.gateway,
            side: order.side,
            time_in_force: spec.map_or(crate::message::TimeInForce::Day, |spec| spec.time_in_force),
            effect: order.effect,
            hedge: spec.map_or(HedgeFlag::Speculate, |spec| spec.hedge),
            price_e9: order.price_e9,
            qty_lots: order.open_lots(),
            spread: order.spread,
            leg: order.leg,
            strategy: spec.map_or(Default::default(), |spec| spec.strategy),
            account: spec.map_or(Default::default(), |spec| spec.account),
            project: spec.map_or(Default::default(), |spec| spec.project),
            orders_left: 0,
            caused: now,
        });
    }

    /// Goes on with what has to be done for every order, as far as there is room.
    #[inline]
    pub(super) fn sweep(&mut self, outputs: &mut Outputs) {
        if let Some(cursor) = self.kill_cursor {
            self.kill_cursor = self.sweep_from(cursor, Self::kill, outputs);
        }
        if let Some(cursor) = self.ask_cursor {
            self.ask_cursor = self.sweep_from(cursor, Self::go_on, outputs);
        }
        if let Some(row) = self.rest_cursor {
            self.rest_cursor = self.sweep_resting(row);
        }
    }

    /// Does `each` to live orders from row `cursor` on; where to go on, `None` at the end.
    #[cold]
    #[inline(never)]
    fn sweep_from(
        &mut self,
        mut cursor: usize,
        each: fn(&mut Self, OrderId, &mut Outputs),
        outputs: &mut Outputs,
    ) -> Option<usize> {
        let end = cursor.saturating_add(SWEPT_ROWS_PER_INPUT);
        while cursor < end && outputs.order_room() > 0 {
            let order = self.orders.at(cursor)?;
            if order.is_live() {
                each(self, order.id, outputs);
            }
            cursor = cursor.saturating_add(1);
        }
        Some(cursor)
    }

    /// Cancels an order of what was killed, unless that was asked already.
    fn kill(&mut self, id: OrderId, outputs: &mut Outputs) {
        let Some(order) = self.orders.get(id) else {
            return;
        };
        let is_meant = self.state == SafeState::Halt
            || self.table.spread(order.spread).is_some_and(|row| row.is_killed);
        if is_meant && order.state != OrderState::Cancelling {
            self.cancel(id, outputs);
        }
    }
}

/// A fill that cannot be: more than asked, beyond the limit price, on the other side, or nothing.
fn is_impossible(order: &Order, event: &OrderEvent) -> bool {
    let total = order.filled_lots.checked_add(event.qty_lots);
    let is_too_much = total.is_none_or(|total| total > order.qty_lots);
    let is_worse = match order.side {
        Side::Buy => event.price_e9 > order.price_e9,
        Side::Sell => event.price_e9 < order.price_e9,
    };
    is_too_much || is_worse || event.side != order.side || event.qty_lots == 0
}
