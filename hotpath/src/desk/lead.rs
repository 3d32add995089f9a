//! Legs in order: the least liquid one is sent first, the others follow each of its fills.
//!
//! A fire passes all gates with all its legs, and the worst case of all of them is reserved: lots
//! of the others count in their instruments and accounts as if they were ordered. Then only the
//! leading leg is sent. With each of its fills, in the same input, the others are sent for the
//! whole units that it has come to, fill-and-kill; never for lots that it has not filled. They go
//! at the limits that the fire was decided on at, pay-up included: what the book shows better than
//! that is got anyway, and what a leg costs beyond it is for the repair to weigh against trading
//! back. So a leg whose book shows no lot within its limit now is not sent either.
//!
//! Each batch passes the gates of a repair: usable and fresh quotes, doubts, hours, those of
//! instruments, accounts and gateways. What is held back is looked at again with each quote of a
//! leg and each fill of the leading one. Nothing follows any more once the fire is as old as its
//! orders may take, while it is broken off, in HALT, once its spread was killed or a person must
//! look at it, or, of what opens, while its spread is halted or the desk stands in FLATTEN. What
//! rests of the leading leg is cancelled then, and when one that follows came back short or the
//! spread was halted under what opens. When all orders are known and nothing follows, what is kept
//! is free, and the fire ends or is repaired as any other. What becomes of the legs that wait is
//! told: `Follow`.
//!
//! Called by `fire`, and by `news` for a fire that is led.

use super::fire::{Asking, Drafts, fire_size, legs};
use super::repair::{Barred, fresh};
use super::send::{Sender, Sending};
use super::table::Table;
use super::{AccountRow, Desk, Instrument, Outputs, Spread, SpreadState};
use crate::execute::{Fire, lead};
use crate::message::{
    Credits, Depth, Follow, FollowStep, Gate, MAX_LEGS, Obstacle, SafeState, Side, SpreadIndex,
    SpreadSpec, TimeInForce,
};
use crate::risk::{Batch, Draft, NO_LEG, Refusal, Room};

/// Picks the leg that leads, if there are others to follow it and none is picked, and gives its
/// draft alone.
#[cold]
#[inline(never)]
pub(super) fn leading(
    spec: &SpreadSpec,
    instruments: &[Instrument],
    drafts: &Drafts,
    fire: &mut Fire,
) -> Drafts {
    if drafts.iter().flatten().count() < 2 {
        // Nobody follows.
        return *drafts;
    }
    if !fire.is_led() {
        fire.lead = least_liquid(spec, instruments, drafts);
    }
    let mut first: Drafts = [None; MAX_LEGS];
    let at = usize::from(fire.lead);
    if let (Some(slot), Some(draft)) = (first.get_mut(at), drafts.get(at)) {
        *slot = *draft;
    }
    first
}

fn least_liquid(spec: &SpreadSpec, instruments: &[Instrument], drafts: &Drafts) -> u8 {
    let mut tradable = [None; MAX_LEGS];
    for ((leg, draft), slot) in spec.legs.iter().zip(drafts).zip(&mut tradable) {
        let row = usize::try_from(leg.instrument.0).ok().and_then(|row| instruments.get(row));
        if let (Some(draft), Some(instrument)) = (draft, row) {
            *slot = Some(tradable_lots(draft, instrument));
        }
    }
    lead::least_liquid(&spec.legs, &tradable)
}

/// Lots that the book shows at the limit of a draft or better, without those that were taken.
fn tradable_lots(draft: &Draft, instrument: &Instrument) -> u32 {
    let book = instrument.book();
    let (depth, taken): (&Depth, u32) = match draft.side {
        Side::Buy => (book.asks, book.taken_ask_lots),
        Side::Sell => (book.bids, book.taken_bid_lots),
    };
    let levels = depth.price_e9.iter().zip(&depth.lots);
    let is_within = |price_e9: i64| match draft.side {
        Side::Buy => price_e9 <= draft.price_e9,
        Side::Sell => price_e9 >= draft.price_e9,
    };
    let within = levels.take_while(|(price_e9, lots)| **lots > 0 && is_within(**price_e9));
    within.fold(0_u32, |sum, (_, lots)| sum.saturating_add(*lots)).saturating_sub(taken)
}

impl Sender<'_, '_> {
    /// Keeps the lots of all legs but the leading one for what follows it.
    pub(super) fn keep(&mut self, spec: &SpreadSpec, drafts: &Drafts, fire: &Fire) {
        for ((leg, draft), number) in spec.legs.iter().zip(drafts).zip(0_u8..) {
            let row = usize::try_from(leg.instrument.0).ok();
            let instrument = row.and_then(|row| self.instruments.get_mut(row));
            if let (Some(draft), Some(instrument)) = (draft, instrument)
                && fire.is_led()
                && number != fire.lead
            {
                instrument.exposure.keep(draft.side, draft.qty_lots);
                self.hold(fire.intent.is_open(), i64::from(draft.qty_lots));
            }
        }
    }

    /// Lots that open count in the accounts from now on, or, below zero, no more.
    fn hold(&mut self, is_open: bool, lots: i64) {
        if !is_open {
            return;
        }
        for row in [Some(&mut *self.whole), self.account.as_deref_mut()].into_iter().flatten() {
            row.gross_lots = row.gross_lots.saturating_add(lots).max(0);
        }
    }
}

impl Desk<'_> {
    /// The leading leg has news: the others are looked at first of all, as soon as this input
    /// has been taken in.
    #[cold]
    #[inline(never)]
    pub(super) fn lead_news(&mut self, index: SpreadIndex) {
        let now = self.now;
        let Some(row) = self.table.spread_mut(index) else {
            return;
        };
        let (Some(fire), Some(spec)) = (&mut row.fire, &row.spec) else {
            return;
        };
        fire.is_follow_due = true;
        fire.parted = match (fire.leads_part_of_a_unit(&spec.legs), fire.parted) {
            (false, _) => None,
            (true, since) => Some(since.unwrap_or(now)),
        };
        if let Some(touched) = self.table.touch(index) {
            self.dirty.mark_first(touched, self.turn);
        }
    }

    /// The leading leg was sent, and the others wait.
    #[cold]
    #[inline(never)]
    pub(super) fn tell_waiting(&self, index: SpreadIndex, outputs: &mut Outputs) {
        let fire = self.table.spread(index).and_then(|row| row.fire.as_ref());
        if let Some(fire) = fire {
            outputs.follow(told(index, fire, FollowStep::Waits, fire.units, NOTHING));
        }
    }

    /// All orders of a fire that is led are known: `true` if something has still to follow. If not,
    /// what is kept is free.
    #[cold]
    #[inline(never)]
    pub(super) fn is_still_led(&mut self, index: SpreadIndex, outputs: &mut Outputs) -> bool {
        let row = self.table.spread(index);
        let units = row.and_then(|row| Some(row.fire?.units_to_follow(&row.spec?.legs)));
        if units.is_some_and(|units| units > 0) {
            self.lead_news(index);
            return true;
        }
        self.free_kept(index, FollowStep::Unfilled, NOTHING, outputs);
        false
    }

    /// Frees what is kept: nothing follows any more, and why.
    fn free_kept(
        &mut self,
        index: SpreadIndex,
        why: FollowStep,
        held: Barred,
        outputs: &mut Outputs,
    ) {
        let Some(row) = self.table.spread_mut(index) else {
            return;
        };
        let (Some(fire), Some(spec)) = (&mut row.fire, row.spec) else {
            return;
        };
        let was = *fire;
        let units = was.units.saturating_sub(was.followed_units);
        if units > 0 {
            outputs.follow(told(index, &was, why, units, held));
        }
        (fire.lead, fire.is_follow_due) = (NO_LEG, false);
        let is_open = was.intent.is_open();
        for (leg, number) in spec.legs.iter().zip(0_u8..) {
            let lots = was.kept_lots(leg, number);
            let side = side(leg.ratio_lots, was.intent.is_buy());
            if lots == 0 {
                continue;
            }
            if let Some(instrument) = self.table.instrument_mut(leg.instrument) {
                instrument.exposure.free_kept(side, lots);
            }
            if is_open {
                self.with_accounts(spec.account, |row| {
                    row.gross_lots = row.gross_lots.saturating_sub(i64::from(lots)).max(0);
                });
            }
        }
    }

    /// Sends what follows the fills of the leading leg, if a gate does not hold it back.
    #[cold]
    #[inline(never)]
    pub(super) fn follow(&mut self, index: SpreadIndex, credits: &Credits, outputs: &mut Outputs) {
        let bar = self.bar(index);
        let Some(row) = self.table.spread_mut(index) else {
            return;
        };
        let (Some(fire), Some(spec)) = (&mut row.fire, row.spec) else {
            return;
        };
        fire.is_follow_due = false;
        let fire = *fire;
        let units = fire.units_to_follow(&spec.legs);
        let (mut why, mut held) = (FollowStep::Unfilled, NOTHING);
        if let Some(bar) = bar.filter(|_| units > 0) {
            why = bar;
        } else if units > 0 {
            let mut drafts: Drafts = [None; MAX_LEGS];
            match self.admit_followers(&spec, &fire, units, credits, &mut drafts) {
                Ok(account) => {
                    self.send_followers(index, units, &drafts, account, outputs);
                    return;
                }
                Err(by) if fire.open_orders > 0 => {
                    self.hold_back(index, units, by, outputs);
                    if fire.rests {
                        // No more of it is to be filled that cannot be followed.
                        self.stop_leading(index);
                    }
                }
                Err(by) => (why, held) = (FollowStep::GivenUp, by),
            }
        }
        if fire.open_orders > 0 {
            return;
        }
        self.free_kept(index, why, held, outputs);
        self.end_fire(index, outputs);
        if self.table.spread(index).is_some_and(Spread::is_unrepaired) {
            self.repair(index, credits, outputs);
        }
    }

    /// What follows is held back, and looked at again; told if it was something else before.
    fn hold_back(&mut self, index: SpreadIndex, units: u32, by: Barred, outputs: &mut Outputs) {
        let fire = self.table.spread_mut(index).and_then(|row| row.fire.as_mut());
        let Some(fire) = fire else {
            return;
        };
        fire.is_follow_due = true;
        let held_by = Some((by.obstacle, by.refusal.gate));
        if fire.held_by == held_by {
            return;
        }
        fire.held_by = held_by;
        let fire = *fire;
        if by.obstacle == Obstacle::Gate && !self.detailing.has_refusal(by.refusal.gate) {
            outputs.leave_out();
            return;
        }
        outputs.follow(told(index, &fire, FollowStep::HeldBack, units, by));
    }

    /// Why nothing may follow at all; `None` if something may.
    fn bar(&self, index: SpreadIndex) -> Option<FollowStep> {
        let row = self.table.spread(index)?;
        let fire = row.fire.as_ref()?;
        let opens_nothing = self.state == SafeState::Flatten || row.state == SpreadState::Halted;
        let is_barred = !fire.may_repair
            || self.state == SafeState::Halt
            || (fire.intent.is_open() && opens_nothing);
        if is_barred {
            return Some(FollowStep::Barred);
        }
        // What rests has no deadline, and what it fills while it is taken back is followed.
        let is_late = fire.is_broken_off || self.now >= fire.started.after(fire.ack_timeout);
        (is_late && !fire.rests).then_some(FollowStep::Late)
    }

    /// Nothing may follow what the leading leg of a spread's fire still fills: what rests of it is
    /// cancelled.
    pub(super) fn stop_leading(&mut self, index: SpreadIndex) {
        let fire = self.table.spread(index).and_then(|row| row.fire.as_ref());
        if fire.is_some_and(|fire| fire.is_led() && !self.has_lead_ended(fire)) {
            self.break_off(index);
        }
    }

    /// Whether no order of the leading leg can fill any more.
    fn has_lead_ended(&self, fire: &Fire) -> bool {
        let mut orders = fire.orders.iter().filter_map(|id| self.orders.get(*id));
        !orders.any(|order| order.leg == fire.lead && order.is_live())
    }

    /// Passes the followers of `units` through their gates.
    fn admit_followers(
        &self,
        spec: &SpreadSpec,
        fire: &Fire,
        units: u32,
        credits: &Credits,
        drafts: &mut Drafts,
    ) -> Result<AccountRow, Barred> {
        let is_open = fire.intent.is_open();
        let mut batch: Batch = Batch::default();
        let overflow = Refusal::new(Gate::Overflow, i64::MAX, i64::from(u32::MAX));
        let legs = legs(spec, self.table.instruments).ok_or(overflow)?;
        let rows = spec.legs.iter().zip(&legs).zip(&fire.planned_e9).zip(drafts.iter_mut());
        for ((((leg, instrument), planned_e9), slot), number) in rows.zip(0_u8..) {
            let Some(instrument) = instrument else {
                continue;
            };
            if leg.ratio_lots == 0 || number == fire.lead {
                continue;
            }
            let at_leg = |refusal: Refusal| Refusal { leg: number, ..refusal };
            let unknown = Refusal::new(Gate::Instrument, 0, 1);
            let contract = instrument.spec.as_ref().ok_or(at_leg(unknown))?;
            fresh(instrument, &self.channels, self.now, spec.max_quote_age).map_err(at_leg)?;
            if is_open && instrument.doubts != 0 {
                let doubts = i64::from(instrument.doubts);
                return Err(at_leg(Refusal::new(Gate::Doubt, doubts, 0)).into());
            }
            instrument.hours.admit(is_open, self.now).map_err(at_leg)?;
            let lots = u64::from(leg.ratio_lots.unsigned_abs()).saturating_mul(u64::from(units));
            let qty_lots = u32::try_from(lots).map_err(|_| at_leg(overflow))?;
            let side = side(leg.ratio_lots, fire.intent.is_buy());
            let price_e9 = match side {
                Side::Buy => planned_e9.checked_add(leg.pay_up_e9),
                Side::Sell => planned_e9.checked_sub(leg.pay_up_e9),
            };
            let price_e9 = price_e9.ok_or(at_leg(overflow))?;
            let orders = instrument.children(side, qty_lots).count();
            let draft = Draft { side, price_e9, qty_lots, orders };
            if tradable_lots(&draft, instrument) == 0 {
                let best_e9 = match side {
                    Side::Buy => instrument.quote.asks.best_e9(),
                    Side::Sell => instrument.quote.bids.best_e9(),
                };
                let seen = Refusal::new(Gate::Passed, best_e9, price_e9);
                return Err(Barred { obstacle: Obstacle::Depth, refusal: at_leg(seen) });
            }
            // They are reserved already.
            let mut freed = **instrument;
            freed.exposure.free_kept(side, qty_lots);
            freed.admit(&draft, contract, Room::Kept, self.now).map_err(at_leg)?;
            *slot = Some(draft);
            if let Some(count) = batch.get_mut(usize::from(contract.gateway.0)) {
                *count = count.saturating_add(u16::from(orders));
            }
        }
        let orders = fire_size(drafts, false, Room::Kept).orders;
        let room = fire.room_to_follow(&spec.legs, !self.has_lead_ended(fire));
        if orders > room {
            let seen = Refusal::new(Gate::Passed, i64::from(orders), i64::from(room));
            return Err(Barred { obstacle: Obstacle::Orders, refusal: seen });
        }
        // As lots that close: what opens is counted in the accounts already, whose limits may have
        // been lowered since.
        let asking = Asking { is_open: false, room: Room::Kept };
        let account = self.admit_all(spec, drafts, &batch, asking, credits)?;
        if is_open {
            self.account(spec.account).1.admit_counted()?;
            self.whole.admit_counted()?;
        }
        Ok(account)
    }

    /// Makes, reserves and hands out the followers of `units`.
    fn send_followers(
        &mut self,
        index: SpreadIndex,
        units: u32,
        drafts: &Drafts,
        account: AccountRow,
        outputs: &mut Outputs,
    ) {
        let Self { table, orders, gateways, accounts, whole, timers, recent, now, .. } = self;
        let Table { instruments, spreads, .. } = table;
        let Some(row) = usize::try_from(index.0).ok().and_then(|row| spreads.get_mut(row)) else {
            return;
        };
        let (Some(spec), Some(fire)) = (&row.spec, &mut row.fire) else {
            return;
        };
        let now = *now;
        let account = accounts.get_mut(usize::from(account.0)).and_then(Option::as_mut);
        let batch = Sending {
            is_open: fire.intent.is_open(),
            time_in_force: TimeInForce::FillAndKill,
            caused: now,
            now,
            rests: false,
        };
        let mut sender = Sender { instruments, orders, gateways, whole, account };
        for (leg, draft) in spec.legs.iter().zip(drafts) {
            let row = usize::try_from(leg.instrument.0).ok();
            let instrument = row.and_then(|row| sender.instruments.get_mut(row));
            if let (Some(draft), Some(instrument)) = (draft, instrument) {
                instrument.exposure.free_kept(draft.side, draft.qty_lots);
                sender.hold(batch.is_open, i64::from(draft.qty_lots).saturating_neg());
            }
        }
        sender.send(spec, &batch, drafts, fire, outputs);
        fire.followed_units = fire.followed_units.saturating_add(units);
        fire.held_by = None;
        outputs.follow(told(index, fire, FollowStep::Followed, units, NOTHING));
        recent.note(index, &fire.orders, spec, instruments);
        if fire.rests {
            // All deadlines of what led may have been.
            timers.set_first(index.0, now.after(fire.ack_timeout));
        }
    }
}

/// Nothing is held back.
const NOTHING: Barred = Barred::by(Obstacle::Nothing, NO_LEG);

/// What is told of the legs that wait.
pub(super) fn told(
    spread: SpreadIndex,
    fire: &Fire,
    step: FollowStep,
    units: u32,
    Barred { obstacle, refusal }: Barred,
) -> Follow {
    Follow {
        spread,
        intent: fire.intent,
        step,
        lead: fire.lead,
        lead_lots: fire.filled_lots.get(usize::from(fire.lead)).copied().unwrap_or(0),
        units,
        followed_units: fire.followed_units,
        obstacle,
        gate: refusal.gate,
        leg: refusal.leg,
        seen: refusal.seen,
        limit: refusal.limit,
    }
}

/// The side of a leg's orders.
fn side(ratio_lots: i32, is_buy: bool) -> Side {
    if (ratio_lots > 0) == is_buy { Side::Buy } else { Side::Sell }
}
