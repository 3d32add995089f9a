//! A leg that rests (挂单): while its spread's level is not met at crossing prices, one leg waits at
//! the price that the others allow, and each of its fills has the others sent at once.
//!
//! It is a fire of which one leg leads (`lead`), that was sent to rest: it has passed every gate
//! with all its legs, and the worst case of all of them is reserved. `spread::work` says at which
//! price. It has no deadline while it rests. It is looked at with each quote of a leg, when one of
//! them becomes too old or its hours end, and after everything that is not a quote or news of an
//! order; and it is taken back as soon as its price is not the one that the others allow, or what
//! let it be sent does not hold any more. That is told, with the reason (`FollowStep::Pulled`).
//! What it still fills before it is gone is followed like any fill. When all is known of it, the
//! next one is sent in the same input, at the price of that moment: that is how an order moves.
//!
//! What rests makes way for a repair: while a pair is out of ratio that trades the same contract,
//! and was held back because its order would meet what rests (`self_match`), nothing rests there.
//!
//! What follows is never held back for long: if a gate holds a follower back, or one comes back
//! short, what rests is taken back, and what then misses is repaired as after any other fire.
//!
//! Called by `fire`, `ending` and the desk's `learn`.

use super::age::is_aged;
use super::fire::{NO_BOOK, legs, usable};
use super::lead::told;
use super::repair::Barred;
use super::rule::Asked;
use super::table::{Table, standing};
use super::{Desk, Instrument, Outputs, Spread};
use crate::execute::Fire;
use crate::message::{
    AlertKind, Credits, FollowStep, Gate, MAX_LEGS, Obstacle, OrderEvent, OrderEventKind, OrderId,
    SessionState, Side, SpreadIndex, SpreadSpec,
};
use crate::order::{Order, OrderState};
use crate::record::codec::fields;
use crate::risk::{Draft, RECORD_CLOSE_MAX_PCT, RECORD_OPEN_MAX_PCT, Refusal};
use crate::spread::work::{self, Gone, Standing};
use crate::spread::{LegBook, Trigger};
use crate::time::{MonoNs, Span};

/// Refusals in a row after which nothing more is sent to rest.
const MOST_REFUSED: u8 = 3;

/// Spreads that are looked at in one input for orders that rest.
const ROWS_PER_INPUT: usize = 256;

/// Repairs for which what rests makes way at one time.
pub(super) const MOST_BLOCKED: usize = 4;

/// The last order of a spread that was sent to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rested {
    leg: u8,
    side: Side,
    price_e9: i64,
    lots: u32,
    /// When the quote came that its market had when it had gone; `NEVER` while it has not.
    quoted: MonoNs,
}

fields! {
    Rested {
        leg: u8,
        side: Side,
        price_e9: i64,
        lots: u32,
        quoted: MonoNs,
    }
}

impl Rested {
    /// What is about to be sent.
    pub(super) fn sent(leg: u8, draft: &Draft) -> Self {
        let Draft { side, price_e9, qty_lots: lots, .. } = *draft;
        Self { leg, side, price_e9, lots, quoted: MonoNs::NEVER }
    }

    /// It has gone, its market being as `instruments` have it.
    fn go(&mut self, spec: &SpreadSpec, instruments: &[Instrument]) {
        let leg = spec.legs.get(usize::from(self.leg));
        let row = leg.and_then(|leg| usize::try_from(leg.instrument.0).ok());
        let market = row.and_then(|row| instruments.get(row));
        self.quoted = market.map_or(MonoNs::NEVER, |market| market.quote.received);
    }

    /// What a quote that came at `received` may still show of it.
    fn still_shown(&self, received: MonoNs) -> Option<Gone> {
        let Self { leg, side, price_e9, lots, quoted } = *self;
        (quoted == received).then_some(Gone { leg, side, price_e9, lots })
    }
}

impl Fire {
    /// Whether its leading leg rests and nobody has taken it back.
    pub(super) const fn is_resting(&self) -> bool {
        self.rests && self.is_led() && !self.is_broken_off
    }
}

impl Spread {
    /// Whether a leg of it rests that nobody has taken back.
    #[inline]
    pub(super) fn is_resting(&self) -> bool {
        self.fire.as_ref().is_some_and(Fire::is_resting)
    }
}

impl Desk<'_> {
    /// What may rest while no level is met at crossing prices.
    #[inline]
    pub(super) fn resting(
        &self,
        row: &Spread,
        spec: &SpreadSpec,
        legs: &[Option<&Instrument>; MAX_LEGS],
        books: &[LegBook<'_>; MAX_LEGS],
    ) -> Option<Trigger> {
        if spec.work.is_asked_for() { self.rests(row, spec, legs, books) } else { None }
    }

    #[inline(never)]
    fn rests(
        &self,
        row: &Spread,
        spec: &SpreadSpec,
        legs: &[Option<&Instrument>; MAX_LEGS],
        books: &[LegBook<'_>; MAX_LEGS],
    ) -> Option<Trigger> {
        if row.fire.is_some() {
            // Whatever runs is not met again by itself.
            return None;
        }
        let tick_e9 = tick_e9(spec, legs)?;
        let market = legs.get(usize::from(spec.work.leg)).copied().flatten()?;
        let gone = row.rested.and_then(|rested| rested.still_shown(market.quote.received));
        let open_clip = self.open_clip(spec, legs);
        work::resting(spec, row.position_units, books, tick_e9, open_clip, gone)
    }

    /// Looks at a leg that rests: it stays, or is taken back.
    #[inline(never)]
    pub(super) fn look_at_resting(
        &mut self,
        index: SpreadIndex,
        credits: &Credits,
        outputs: &mut Outputs,
    ) {
        match self.pulled_by(index, credits) {
            Some(by) if by.refusal.gate == Gate::UserRule => {
                let rulings = self.ruling_of_resting(index);
                self.pull(index, by, outputs);
                let is_told = self.detailing.has_refusal(Gate::UserRule);
                self.tell_rulings(&rulings, is_told, outputs);
            }
            Some(by) => self.pull(index, by, outputs),
            None => self.wake_resting(index),
        }
    }

    /// What an order that rests is to be taken back for; `None` if it stays.
    fn pulled_by(&self, index: SpreadIndex, credits: &Credits) -> Option<Barred> {
        let row = self.table.spread(index)?;
        let (spec, fire) = (row.spec.as_ref()?, row.fire.as_ref()?);
        let price_e9 = self.leading_order(fire)?.price_e9;
        let is_open = fire.intent.is_open();
        if let Some(gate) = standing(self.state, row.state, is_open) {
            return Some(Refusal::new(gate, i64::from(self.state.code()), 0).into());
        }
        let full = if is_open { RECORD_OPEN_MAX_PCT } else { RECORD_CLOSE_MAX_PCT };
        if credits.record_used_pct > full {
            let used = i64::from(credits.record_used_pct);
            return Some(Refusal::new(Gate::RecordRoom, used, i64::from(full)).into());
        }
        if fire.parted.is_some_and(|since| self.now >= since.after(fire.ack_timeout)) {
            return Some(Barred::by(Obstacle::Part, fire.lead));
        }
        if let Err(refusal) = self.makes_way(index, spec) {
            return Some(refusal.into());
        }
        let legs = legs(spec, self.table.instruments)?;
        if let Err(refusal) = self.still_holds(spec, &legs, is_open) {
            return Some(refusal.into());
        }
        if row.rules.are_for_quotes()
            && let Err(refusal) = self.pass_rules(index, Asked::of_resting(fire))
        {
            return Some(refusal.into());
        }
        let books = legs.map(|leg| leg.map_or(NO_BOOK, Instrument::book));
        let units = fire.units.saturating_sub(fire.followed_units).max(1);
        let tick_e9 = tick_e9(spec, &legs).filter(|_| spec.work.leg == fire.lead);
        let standing = tick_e9.map_or(Standing::Moves(None), |tick_e9| {
            work::standing(spec, &books, tick_e9, (fire.intent, units), price_e9)
        });
        let (obstacle, next_e9) = match standing {
            Standing::Stays => return None,
            Standing::Moves(next_e9) => (Obstacle::Price, next_e9.unwrap_or(i64::MIN)),
            Standing::Unleaned => (Obstacle::Depth, i64::MIN),
        };
        let seen = Refusal::new(Gate::Passed, price_e9, next_e9);
        Some(Barred { obstacle, refusal: Refusal { leg: fire.lead, ..seen } })
    }

    /// Nothing rests where it holds back the repair of another pair.
    pub(super) fn makes_way(&self, index: SpreadIndex, spec: &SpreadSpec) -> Result<(), Refusal> {
        let leg = spec.work.leg;
        let own = spec.legs.get(usize::from(leg)).map(|leg| leg.instrument);
        let meets = |by: &SpreadIndex| {
            let row = self.table.spread(*by).filter(|row| *by != index && row.is_being_repaired());
            let mut legs =
                row.and_then(|row| row.spec.as_ref()).into_iter().flat_map(|of| of.legs());
            legs.any(|leg| leg.ratio_lots != 0 && Some(leg.instrument) == own)
        };
        match self.blocked_repairs.iter().flatten().copied().find(meets) {
            Some(by) => Err(Refusal { leg, ..Refusal::new(Gate::SelfMatch, i64::from(by.0), 0) }),
            None => Ok(()),
        }
    }

    /// A repair would meet an order that rests: that one makes way. With `begins` it has not waited
    /// for that before.
    #[cold]
    #[inline(never)]
    pub(super) fn ask_for_way(&mut self, index: SpreadIndex, begins: bool) {
        if !self.has_work {
            return;
        }
        let is_known = self.blocked_repairs.contains(&Some(index));
        if !is_known {
            let table = &self.table;
            let is_free = |slot: &&mut Option<SpreadIndex>| {
                let row = slot.and_then(|by| table.spread(by));
                !row.is_some_and(Spread::is_being_repaired)
            };
            // More than there is room for wait for quotes.
            if let Some(slot) = self.blocked_repairs.iter_mut().find(is_free) {
                *slot = Some(index);
            }
        }
        if begins || !is_known {
            self.doubt_resting();
        }
    }

    /// The fire of a spread has ended: nothing makes way for it any more.
    pub(super) fn needs_no_way(&mut self, index: SpreadIndex) {
        for slot in self.blocked_repairs.iter_mut().filter(|slot| **slot == Some(index)) {
            *slot = None;
        }
    }

    /// What rested has gone. The next one rests at the price of now; what was looked at with this
    /// input is looked at again with the next one, so that a decision follows from what an input
    /// has told. A repair that waits for that comes first.
    #[inline(never)]
    pub(super) fn rested(&mut self, index: SpreadIndex) {
        let Table { instruments, spreads, .. } = &mut self.table;
        let row = usize::try_from(index.0).ok().and_then(|row| spreads.get_mut(row));
        if let Some(row) = row
            && let (Some(rested), Some(spec)) = (&mut row.rested, &row.spec)
        {
            rested.go(spec, instruments);
        }
        if self.is_acting {
            self.timers.set(index.0, self.now);
        } else if let Some(touched) = self.table.touch(index) {
            self.dirty.mark_first(touched, self.turn);
        }
        for by in self.blocked_repairs.into_iter().flatten() {
            if let Some(touched) = self.table.touch(by) {
                self.dirty.mark_first(touched, self.turn);
            }
        }
    }

    /// The gates of state and time, of all legs, that let it be sent.
    fn still_holds(
        &self,
        spec: &SpreadSpec,
        legs: &[Option<&Instrument>; MAX_LEGS],
        is_open: bool,
    ) -> Result<(), Refusal> {
        let mut ages = [Span(0); MAX_LEGS];
        for (age, leg) in ages.iter_mut().zip(legs.iter().flatten()) {
            *age = self.now.since(leg.quote.received);
        }
        is_aged(spec, &ages)?;
        for ((instrument, leg), number) in legs.iter().flatten().zip(&spec.legs).zip(0_u8..) {
            let at_leg = |refusal: Refusal| Refusal { leg: number, ..refusal };
            usable(instrument, &self.channels).map_err(at_leg)?;
            if is_open && instrument.doubts != 0 {
                return Err(at_leg(Refusal::new(Gate::Doubt, i64::from(instrument.doubts), 0)));
            }
            if leg.ratio_lots == 0 {
                continue;
            }
            // As for what opens: it has to be gone before a market shuts.
            instrument.hours.admit(true, self.now).map_err(at_leg)?;
            let unknown = Refusal::new(Gate::Instrument, 0, 1);
            let contract = instrument.spec.as_ref().filter(|spec| spec.is_tradable);
            let session = self.session(contract.ok_or(at_leg(unknown))?.gateway);
            if session != SessionState::Up {
                let (is, ought) = (i64::from(session.code()), i64::from(SessionState::Up.code()));
                return Err(at_leg(Refusal::new(Gate::SessionState, is, ought)));
            }
        }
        Ok(())
    }

    /// An order of the leading leg that may still fill.
    fn leading_order(&self, fire: &Fire) -> Option<&Order> {
        let mut orders = fire.orders.iter().filter_map(|id| self.orders.get(*id));
        orders.find(|order| order.leg == fire.lead && order.is_live())
    }

    /// Takes back what rests: at once what the venue has, the rest as soon as it has it.
    fn pull(&mut self, index: SpreadIndex, by: Barred, outputs: &mut Outputs) {
        let now = self.now;
        let Some(row) = self.table.spread_mut(index) else {
            return;
        };
        let Some(fire) = &mut row.fire else {
            return;
        };
        (fire.is_broken_off, fire.deadlines) = (true, 1);
        let units = fire.units.saturating_sub(fire.followed_units);
        let fire = *fire;
        outputs.follow(told(index, &fire, FollowStep::Pulled, units, by));
        for id in fire.orders {
            let order = self.orders.get(id);
            let is_there =
                |order: &Order| order.leg == fire.lead && order.state == OrderState::Working;
            if order.is_some_and(is_there) {
                self.cancel(id, outputs);
            }
        }
        self.timers.set(index.0, now.after(fire.ack_timeout));
    }

    /// Asks to be called when something that rests has to be looked at, though nothing happens: a
    /// quote becomes too old, hours end, an order is not answered.
    pub(super) fn wake_resting(&mut self, index: SpreadIndex) {
        let Some(row) = self.table.spread(index) else {
            return;
        };
        let (Some(fire), Some(spec)) = (&row.fire, &row.spec) else {
            return;
        };
        let mut due = MonoNs::NEVER;
        // What has filled waits for nothing but its followers.
        let is_left = self.leading_order(fire).is_some();
        let legs = legs(spec, self.table.instruments).filter(|_| is_left);
        for leg in legs.iter().flatten().flatten() {
            // Too old is what is older than that.
            let aged = leg.quote.received.after(spec.max_quote_age).after(Span(1));
            due = due.min(aged);
            let left_ns = leg.hours.left_ns(true, self.now);
            if let Ok(left_ns) = u64::try_from(left_ns)
                && left_ns < u64::MAX >> 1
            {
                due = due.min(self.now.after(Span(left_ns)));
            }
        }
        if let Some(parted) = fire.parted.filter(|_| is_left) {
            due = due.min(parted.after(fire.ack_timeout));
        }
        for order in fire.orders.iter().filter_map(|id| self.orders.get(*id)) {
            due = due.min(answer_due(order, fire));
        }
        // Not before the next input: what is due now has been looked at.
        self.timers.set(index.0, due.max(self.now.after(Span(1))));
    }

    /// A deadline of a fire of which a leg rests: what the venue has not answered is unknown, what
    /// followed and is not over goes, and the rest is looked at.
    #[cold]
    #[inline(never)]
    pub(super) fn resting_deadline(&mut self, index: SpreadIndex, outputs: &mut Outputs) {
        let Some(fire) = self.table.spread(index).and_then(|row| row.fire) else {
            return;
        };
        for id in fire.orders {
            let Some(order) = self.orders.get(id).copied() else {
                continue;
            };
            if self.now < answer_due(&order, &fire) {
                continue;
            }
            let last = order.sent.after(fire.ack_timeout).after(fire.ack_timeout);
            match order.state {
                OrderState::Working if self.now < last => self.cancel(id, outputs),
                OrderState::Sent | OrderState::Working | OrderState::Cancelling => {
                    self.order_unknown(id, outputs);
                }
                OrderState::Free | OrderState::Unknown | OrderState::Done => {}
            }
        }
        self.touch_resting(index);
    }

    /// Has a spread looked at first of all if a leg of it rests.
    pub(super) fn touch_resting(&mut self, index: SpreadIndex) {
        if self.table.spread(index).is_some_and(Spread::is_resting)
            && let Some(touched) = self.table.touch(index)
        {
            self.dirty.mark_first(touched, self.turn);
        }
    }

    /// Something has happened that no quote tells: whatever rests is looked at.
    #[inline]
    pub(super) fn doubt_resting(&mut self) {
        if self.has_work {
            self.rest_cursor = Some(0);
        }
    }

    /// Goes on with that, from a row on; where to go on next, `None` at the end.
    #[cold]
    #[inline(never)]
    pub(super) fn sweep_resting(&mut self, from: usize) -> Option<usize> {
        let end = from.saturating_add(ROWS_PER_INPUT);
        let last = self.table.spreads.len();
        for row in from..end.min(last) {
            if let Ok(row) = u32::try_from(row) {
                self.touch_resting(SpreadIndex(row));
            }
        }
        (end < last).then_some(end)
    }

    /// The venue has taken an order: one that is to rest may.
    pub(super) fn rest_taken(&mut self, id: OrderId) {
        let spread = self.orders.get(id).map(|order| order.spread);
        if let Some(spread) = spread.filter(|spread| self.is_of_resting(*spread, id))
            && let Some(row) = self.table.spread_mut(spread)
        {
            row.refused_rests = 0;
        }
    }

    /// The venue has refused an order. One that is to rest would be sent again at once: what is
    /// refused again and again halts its spread.
    pub(super) fn rest_refused(
        &mut self,
        event: &OrderEvent,
        spread: SpreadIndex,
        outputs: &mut Outputs,
    ) {
        if event.kind != OrderEventKind::Rejected || !self.is_of_resting(spread, event.order_id) {
            return;
        }
        if let Some(row) = self.table.spread_mut(spread) {
            row.refused_rests = row.refused_rests.saturating_add(1);
            if row.refused_rests >= MOST_REFUSED {
                row.refused_rests = 0;
                self.halt_spread(spread, AlertKind::OrderRejected, outputs);
            }
        }
    }

    /// Whether an order is of a leg that rests or rested: it may well end without a fill.
    pub(super) fn is_of_resting(&self, spread: SpreadIndex, id: OrderId) -> bool {
        let fire = self.table.spread(spread).and_then(|row| row.fire.as_ref());
        let order = self.orders.get(id);
        fire.zip(order).is_some_and(|(fire, order)| {
            fire.rests && fire.tries == 0 && fire.number == order.fire && fire.lead == order.leg
        })
    }
}

/// When something has to be done about an order of a fire of which a leg rests; `NEVER` of what
/// rests, and of what nothing can be done about.
fn answer_due(order: &Order, fire: &Fire) -> MonoNs {
    let is_leading = order.leg == fire.lead;
    let first = order.sent.after(fire.ack_timeout);
    match order.state {
        OrderState::Sent => first,
        OrderState::Working if is_leading => MonoNs::NEVER,
        OrderState::Working if !order.is_cancel_due => first,
        OrderState::Working | OrderState::Cancelling => first.after(fire.ack_timeout),
        OrderState::Free | OrderState::Unknown | OrderState::Done => MonoNs::NEVER,
    }
}

/// The price step of the leg that rests.
fn tick_e9(spec: &SpreadSpec, legs: &[Option<&Instrument>; MAX_LEGS]) -> Option<i64> {
    let leg = legs.get(usize::from(spec.work.leg)).copied().flatten()?;
    leg.spec.as_ref().map(|contract| contract.tick_e9)
}
