//! Breakers: what goes wrong too often with the orders of a spread, and what follows then.
//!
//! Four things are watched, each among the last so many: fills at worse prices than were decided
//! on, first answers that came late or not in time, refusals, orders that were not filled whole. A
//! breaker that trips says so and begins anew; an action follows that can only take away. Lots that
//! are held and fires that run are finished as ever.

use super::{Desk, Outputs, SpreadState};
use crate::message::{
    Alert, AlertKind, BREAKERS, BreakerAction, BreakerKind, BreakerRule, Breakers, OrderEvent,
    OrderEventKind, OrderId, SafeState, Side, SpreadIndex, StateChange, StreamId,
};
use crate::order::{Order, OrderState};
use crate::price;
use crate::record::codec::fields;
use crate::risk::BREAKER_MAX;
use crate::time::MonoNs;

/// The breakers of a spread and what they have seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watched {
    spec: Breakers,
    /// By the code of `BreakerKind`: a bit for each of the last things, the newest lowest, set if
    /// it was bad.
    bad: [u64; BREAKERS],
    /// When each has tripped last.
    tripped: [MonoNs; BREAKERS],
}

fields! {
    Watched {
        spec: Breakers,
        bad: [u64; BREAKERS],
        tripped: [MonoNs; BREAKERS],
    }
}

impl Watched {
    const fn new(spec: Breakers) -> Self {
        Self { spec, bad: [0; BREAKERS], tripped: [MonoNs(0); BREAKERS] }
    }

    /// Notes one thing more. If that is one too many, how many bad ones there are and what follows;
    /// once in a moment, so that what one input can cause stays bounded.
    fn note(
        &mut self,
        kind: BreakerKind,
        is_bad: bool,
        now: MonoNs,
    ) -> Option<(u32, BreakerAction)> {
        let row = usize::from(kind.code());
        let rule = *self.spec.rules.get(row)?;
        let bad = self.bad.get_mut(row)?;
        *bad = (*bad << 1) | u64::from(is_bad);
        let all_older = u64::MAX.checked_shl(rule.of.into()).unwrap_or(0);
        let count = (*bad & !all_older).count_ones();
        if rule.of == 0 || count <= u32::from(rule.most) {
            return None;
        }
        *bad = 0;
        let last = self.tripped.get_mut(row)?;
        let is_told = *last == now;
        *last = now;
        (!is_told).then_some((count, rule.action))
    }
}

/// An order as it stood before news of it came.
#[derive(Clone, Copy)]
pub(super) struct Before {
    id: OrderId,
    pub(super) spread: SpreadIndex,
    fire: u32,
    state: OrderState,
    sent: MonoNs,
}

impl Before {
    #[inline]
    pub(super) const fn of(order: &Order) -> Self {
        let Order { id, spread, fire, state, sent, .. } = *order;
        Self { id, spread, fire, state, sent }
    }

    /// It could still fill.
    const fn is_live(&self) -> bool {
        !matches!(self.state, OrderState::Free | OrderState::Done)
    }
}

/// The alert of a breaker.
const fn alert_of(kind: BreakerKind) -> AlertKind {
    match kind {
        BreakerKind::Slippage => AlertKind::SlippageBreaker,
        BreakerKind::Latency => AlertKind::LatencyBreaker,
        BreakerKind::Rejects => AlertKind::RejectBreaker,
        BreakerKind::Unfilled => AlertKind::FillBreaker,
    }
}

/// Whether it is the alert of a breaker.
pub(super) fn is_breaker(kind: AlertKind) -> bool {
    BreakerKind::ALL.iter().any(|watched| alert_of(*watched) == kind)
}

fn is_sane(rule: &BreakerRule) -> bool {
    rule.of == 0 || (rule.of <= BREAKER_MAX && rule.most < rule.of)
}

impl Desk<'_> {
    pub(super) fn on_breakers(&mut self, breakers: &Breakers, outputs: &mut Outputs) {
        let is_sane = breakers.slippage_e9 >= 0 && breakers.rules.iter().all(is_sane);
        match self.table.spread_mut(breakers.spread) {
            Some(row) if is_sane && row.spec.is_some() => {
                let was_watched = row.watched.replace(Watched::new(*breakers)).is_some();
                if !was_watched {
                    // Nobody has noted which orders under way are answered: none is waited for.
                    let orders = self.orders.rows_mut().iter_mut();
                    let of_it = orders.filter(|order| order.spread == breakers.spread);
                    of_it.for_each(|order| order.is_answered = true);
                }
            }
            _ => self.bad_input(breakers.spread, i64::from(breakers.spread.0), outputs),
        }
    }

    /// Whether the spread has breakers, or a fire of which one leg leads: what rests of it may be
    /// broken off.
    #[inline(always)]
    pub(super) fn is_watched(&self, spread: SpreadIndex) -> bool {
        self.table.spread(spread).is_some_and(|row| row.watched.is_some() || row.is_led())
    }

    /// Notes one thing that a breaker of the spread watches, and trips it if it was one too many.
    #[inline]
    pub(super) fn watch(
        &mut self,
        spread: SpreadIndex,
        kind: BreakerKind,
        is_bad: bool,
        outputs: &mut Outputs,
    ) {
        let now = self.now;
        let watched = self.table.spread_mut(spread).and_then(|row| row.watched.as_mut());
        if let Some((count, action)) = watched.and_then(|watched| watched.note(kind, is_bad, now)) {
            self.trip(spread, alert_of(kind), count, action, outputs);
        }
    }

    /// The venue's first word about an order: how long it took, and whether it was a refusal.
    #[inline(never)]
    pub(super) fn watch_answer(
        &mut self,
        before: &Before,
        event: &OrderEvent,
        outputs: &mut Outputs,
    ) {
        let is_refused = event.kind == OrderEventKind::Rejected;
        let is_word = matches!(
            event.kind,
            OrderEventKind::Accepted
                | OrderEventKind::Filled
                | OrderEventKind::Cancelled
                | OrderEventKind::Rejected
        );
        let Some(order) = self.orders.get_mut(before.id).filter(|_| is_word && before.fire != 0)
        else {
            return;
        };
        let is_first = !core::mem::replace(&mut order.is_answered, true);
        if !(is_first || is_refused && before.is_live()) {
            return;
        }
        let Some(watched) = self.table.spread(before.spread).and_then(|row| row.watched) else {
            return;
        };
        if is_first {
            let is_late = self.now.since(before.sent) > watched.spec.latency;
            self.watch(before.spread, BreakerKind::Latency, is_late, outputs);
        }
        self.watch(before.spread, BreakerKind::Rejects, is_refused, outputs);
    }

    /// A fill that counts in a fire, against what its leg was decided on at.
    #[inline]
    pub(super) fn watch_price(
        &mut self,
        spread: SpreadIndex,
        event: &OrderEvent,
        planned_e9: i64,
        outputs: &mut Outputs,
    ) {
        let Some(watched) = self.table.spread(spread).and_then(|row| row.watched) else {
            return;
        };
        let more = price::widen(event.price_e9).wrapping_sub(price::widen(planned_e9));
        let worse = match event.side {
            Side::Buy => more,
            Side::Sell => more.wrapping_neg(),
        };
        // worse / |planned| > slippage, without the division. Below 2^65 * 2^30 and 2^64 * 2^63.
        let part =
            price::widen(planned_e9).abs().wrapping_mul(price::widen(watched.spec.slippage_e9));
        let is_bad = worse.wrapping_mul(1_000_000_000) > part;
        self.watch(spread, BreakerKind::Slippage, is_bad, outputs);
    }

    #[cold]
    #[inline(never)]
    fn trip(
        &mut self,
        spread: SpreadIndex,
        kind: AlertKind,
        count: u32,
        action: BreakerAction,
        outputs: &mut Outputs,
    ) {
        outputs.alert(Alert {
            kind,
            spread,
            order_id: OrderId::NONE,
            stream: StreamId::NONE,
            value: i64::from(count),
        });
        match action {
            BreakerAction::Alert => {}
            BreakerAction::Repair => self.break_off(spread),
            BreakerAction::Reduce => self.reduce_spread(spread, kind, outputs),
            BreakerAction::Halt => self.halt_spread(spread, kind, outputs),
        }
    }

    /// The spread opens nothing from now on.
    pub(super) fn reduce_spread(
        &mut self,
        spread: SpreadIndex,
        kind: AlertKind,
        outputs: &mut Outputs,
    ) {
        let Some(row) = self.table.spread_mut(spread) else {
            return;
        };
        // What is disabled or halted opens nothing as it is, and closes nothing either.
        if row.state != SpreadState::Enabled {
            return;
        }
        row.state = SpreadState::Reducing;
        outputs.state(StateChange {
            spread,
            from: SafeState::Normal,
            to: SafeState::NoNew,
            by_alert: true,
            cause: kind.code(),
        });
        self.touch_resting(spread);
    }

    /// Brings the first deadline of the spread's fire forward to now: what rests is cancelled.
    pub(super) fn break_off(&mut self, spread: SpreadIndex) {
        let now = self.now;
        let Some(fire) = self.table.spread_mut(spread).and_then(|row| row.fire.as_mut()) else {
            return;
        };
        let is_going_on = fire.open_orders > 0 || fire.is_led();
        if is_going_on && fire.deadlines == 0 && !fire.is_broken_off {
            fire.is_broken_off = true;
            self.timers.set(spread.0, now);
        }
    }

    /// The venue has an order that was on its way when its fire was broken off: it goes, as those
    /// did that rested then.
    #[inline(never)]
    pub(super) fn cancel_if_broken_off(&mut self, before: &Before, outputs: &mut Outputs) {
        if before.state != OrderState::Sent {
            return;
        }
        let fire = self.table.spread(before.spread).and_then(|row| row.fire.as_ref());
        let is_off = fire.is_some_and(|fire| {
            fire.number == before.fire && fire.is_broken_off && fire.deadlines > 0
        });
        // What follows a leg that is being taken back is not taken back with it.
        let follows = |order: &Order| {
            fire.is_some_and(|fire| fire.rests && fire.is_led() && fire.lead != order.leg)
        };
        let is_there = self
            .orders
            .get(before.id)
            .is_some_and(|order| order.state == OrderState::Working && !follows(order));
        if is_off && is_there {
            self.cancel(before.id, outputs);
        }
    }
}
