//! From a touched spread to its orders: evaluate, gate, reserve, fire.

use core::cmp::Ordering;

use super::age::timing;
use super::loss::bounded_loss;
use super::queue::LOOKS_PER_INPUT;
use super::rule::Asked;
use super::send::{Sender, Sending};
use super::table::{Table, standing};
use super::work::Rested;
use super::{AccountRow, Channel, Desk, Instrument, MAX_CHANNELS, Outputs, Spread, hold, lead};
use crate::execute::offset::{self, Children};
use crate::execute::{Fire, MAX_FIRE_ORDERS};
use crate::message::{
    Alert, AlertKind, Credits, Decision, Depth, Gate, InstrumentSpec, Intent, LegSpec, LegsFirst,
    MAX_GATEWAYS, MAX_LEGS, OrderId, QuoteQuality, RULES, Side, SpreadIndex, SpreadSpec, StreamId,
    TimeInForce,
};
use crate::price;
use crate::risk::{self, Batch, Draft, FireSize, NO_LEG, Reference, Refusal, Room};
use crate::spread::{self, LegBook, Trigger};
use crate::time::{MonoNs, Span};

/// Details that one evaluation can cause, with room to spare: a repair that is given up tells five,
/// and the decision comes on top; so do two for each rule, and the state that they bring about.
const DETAILS_PER_SPREAD: usize = 8 + 2 * RULES + 1;

/// The orders of a fire before they exist: one draft per leg, `None` for a leg that only prices.
pub(super) type Drafts = [Option<Draft>; MAX_LEGS];

impl Desk<'_> {
    /// Evaluates touched spreads until one fires, or there is no room for what they may cause: so
    /// the orders of a fire wait for no other. The rest, and what is more than one slice, is taken
    /// up by the next input, which `next_deadline` asks for at once.
    #[inline]
    pub(super) fn evaluate_dirty(&mut self, credits: &Credits, outputs: &mut Outputs) {
        let orders_before = outputs.order_count();
        let mut looks_left = LOOKS_PER_INPUT;
        while looks_left > 0
            && outputs.order_count() == orders_before
            && outputs.order_room() >= MAX_FIRE_ORDERS
            && outputs.detail_room() >= DETAILS_PER_SPREAD
        {
            let Some(index) = self.dirty.pop(&mut self.table, looks_left) else {
                return;
            };
            looks_left = looks_left.wrapping_sub(1);
            self.decide(index, credits, outputs);
        }
    }

    #[inline]
    fn decide(&mut self, index: SpreadIndex, credits: &Credits, outputs: &mut Outputs) {
        if self.table.spread(index).is_some_and(Spread::is_worked_on) {
            // Nothing else is decided of it meanwhile.
            if let Some(row) = self.table.spread_mut(index) {
                row.looked();
                row.met = None;
            }
            if self.table.spread(index).is_some_and(Spread::is_led) {
                self.follow(index, credits, outputs);
            } else {
                self.repair(index, credits, outputs);
            }
            if self.table.spread(index).is_some_and(Spread::is_resting) {
                self.look_at_resting(index, credits, outputs);
            }
            return;
        }
        if self.table.spread(index).is_some_and(Spread::is_resting) {
            if let Some(row) = self.table.spread_mut(index) {
                row.looked();
                row.met = None;
            }
            self.look_at_resting(index, credits, outputs);
            return;
        }
        let mut drafts: Drafts = [None; MAX_LEGS];
        let decided = self.look(index, credits, &mut drafts);
        let rulings = match &decided {
            Some(Seen { found: Some((trigger, gated)), .. }) if self.is_ruled(index) => {
                Some(self.rulings_of(index, trigger, gated.err().map(|held| held.gate)))
            }
            _ => None,
        };
        let (detailing, now) = (self.detailing, self.now);
        let Some(row) = self.table.spread_mut(index) else {
            return;
        };
        row.looked();
        let Some(Seen { spent, ages, found }) = decided else {
            return;
        };
        row.spent = spent;
        let Some((trigger, gated)) = found else {
            (row.refused, row.met) = (None, None);
            return;
        };
        let crosses = trigger.rests == NO_LEG;
        row.met = crosses.then(|| (trigger.intent, row.met_since(trigger.intent, now)));
        let outcome = gated.err().map(|refusal| (trigger.intent, refusal.gate));
        if let Some((intent, Gate::Hold)) = outcome {
            let hold = row.spec.as_ref().map_or(Span(0), |spec| spec.trigger.hold(intent));
            self.timers.set(index.0, row.met_since(intent, now).after(hold));
        }
        let is_told = outcome.is_none_or(|(_, gate)| detailing.has_refusal(gate));
        if outcome.is_some() && outcome == row.refused {
            row.repeated = row.repeated.saturating_add(is_told.into());
            return;
        }
        row.refused = outcome;
        // They belong to the last refusal that was told.
        let repeated = if is_told { core::mem::take(&mut row.repeated) } else { 0 };
        let is_worked = row.spec.as_ref().is_some_and(|spec| spec.work.is_asked_for());
        match &gated {
            Ok(account) => {
                self.fire(index, &trigger, &drafts, *account, outputs);
                if trigger.rests != NO_LEG {
                    self.wake_resting(index);
                }
            }
            Err(refusal) if refusal.gate == Gate::FireRate && !is_worked => {
                self.throttle(index, outputs);
            }
            Err(_) => {}
        }
        if !is_told {
            outputs.leave_out();
            if let Some(rulings) = rulings {
                self.tell_rulings(&rulings, false, outputs);
            }
            return;
        }
        let refusal = gated.err().unwrap_or(Refusal::new(Gate::Passed, 0, 0));
        outputs.decision(Decision {
            spread: index,
            intent: trigger.intent,
            gate: refusal.gate,
            leg: refusal.leg,
            units: trigger.units,
            value_e9: trigger.value_e9,
            level_e9: trigger.level_e9,
            seen: refusal.seen,
            limit: refusal.limit,
            quote_age: ages,
            repeated,
            rests: trigger.rests,
        });
        if let Some(rulings) = rulings {
            self.tell_rulings(&rulings, true, outputs);
        }
        if gated.is_ok() && self.table.spread(index).is_some_and(Spread::is_led) {
            self.tell_waiting(index, outputs);
        }
    }

    /// Looks whether a spread meets a trigger, and whether that passes every gate. Nothing is
    /// changed but `drafts`.
    #[inline]
    fn look(&self, index: SpreadIndex, credits: &Credits, drafts: &mut Drafts) -> Option<Seen> {
        let row = self.table.spread(index)?;
        let spec = row.spec.as_ref()?;
        let legs = legs(spec, self.table.instruments)?;
        let books = legs.map(|leg| leg.map_or(NO_BOOK, Instrument::book));
        // Without hysteresis nothing is spent, nor what was spent while there was one.
        let is_none_spent = row.spent == 0 || spec.hysteresis_e9 == 0;
        let spent = if is_none_spent { 0 } else { still_spent(row.spent, spec, &books) };
        let mut ages = [Span(0); MAX_LEGS];
        let Some(trigger) = self.trigger(row, spec, &legs, &books) else {
            return Some(Seen { spent, ages, found: None });
        };
        for (age, leg) in ages.iter_mut().zip(legs.iter().flatten()) {
            *age = self.now.since(leg.quote.received);
        }
        let candidate = Candidate { row, spec, legs: &legs, trigger: &trigger, spent, ages: &ages };
        let gated = self.gate(&candidate, credits, drafts);
        Some(Seen { spent, ages, found: Some((trigger, gated)) })
    }

    /// Passes a trigger through every gate, or says which one holds it back. Says which of the
    /// accounts it is for.
    #[inline]
    fn gate(
        &self,
        candidate: &Candidate<'_>,
        credits: &Credits,
        drafts: &mut Drafts,
    ) -> Result<AccountRow, Refusal> {
        let Candidate { row, spec, legs, trigger, spent, ages } = *candidate;
        let is_open = trigger.intent.is_open();
        if let Some(gate) = standing(self.state, row.state, is_open) {
            return Err(Refusal::new(gate, i64::from(self.state.code()), 0));
        }
        if row.fire.is_some() {
            return Err(Refusal::new(Gate::InFlight, 1, 0));
        }
        if trigger.rests == NO_LEG {
            hold::admit(row, spec, trigger.intent, self.now)?;
        } else {
            self.makes_way(spec.spread, spec)?;
        }
        timing(row, spec, ages, self.now)?;
        repetition(row, spec, trigger, spent, self.now)?;
        for (leg, number) in legs.iter().flatten().zip(0_u8..) {
            usable(leg, &self.channels).map_err(|refusal| Refusal { leg: number, ..refusal })?;
            if is_open && leg.doubts != 0 {
                let doubts = i64::from(leg.doubts);
                return Err(Refusal { leg: number, ..Refusal::new(Gate::Doubt, doubts, 0) });
            }
        }
        if trigger.units == 0 {
            let held = i64::from(row.position_units.unsigned_abs());
            return Err(Refusal::new(Gate::SpreadPosition, held, i64::from(spec.max_units)));
        }
        let full = if is_open { risk::RECORD_OPEN_MAX_PCT } else { risk::RECORD_CLOSE_MAX_PCT };
        if credits.record_used_pct > full {
            let used = i64::from(credits.record_used_pct);
            return Err(Refusal::new(Gate::RecordRoom, used, i64::from(full)));
        }
        let room = Room::of_fire(keeps_room(spec));
        let batch = self::drafts(spec, trigger, legs, self.now, drafts)?;
        if spec.loss.is_bounded() {
            bounded_loss(row, spec, legs, drafts)?;
        }
        let account = self.admit_all(spec, drafts, &batch, Asking { is_open, room }, credits)?;
        if row.rules.are_for_quotes() {
            self.pass_rules(spec.spread, Asked::of_trigger(trigger))?;
        }
        Ok(account)
    }

    /// The gates of all orders together, which have passed those of their instruments. Says which
    /// of the accounts they are for.
    #[inline]
    pub(super) fn admit_all(
        &self,
        spec: &SpreadSpec,
        drafts: &Drafts,
        batch: &Batch,
        Asking { is_open, room }: Asking,
        credits: &Credits,
    ) -> Result<AccountRow, Refusal> {
        let size = fire_size(drafts, is_open, room);
        if self.orders.free_count() < usize::from(size.orders) {
            let free = i64::try_from(self.orders.free_count()).unwrap_or(i64::MAX);
            return Err(Refusal::new(Gate::Arena, free, i64::from(size.orders)));
        }
        let (account, limits) = self.account(spec.account);
        limits.admit(&size, self.now)?;
        self.whole.admit(&size, self.now)?;
        risk::admit_batch(batch, room, &self.gateways, credits, self.now)?;
        Ok(account)
    }

    /// A spread that fires too often is wrong about something: somebody has to look.
    #[cold]
    #[inline(never)]
    fn throttle(&mut self, spread: SpreadIndex, outputs: &mut Outputs) {
        outputs.alert(Alert {
            kind: AlertKind::FireThrottle,
            spread,
            order_id: OrderId::NONE,
            stream: StreamId(u16::MAX),
            value: 0,
        });
        self.halt_spread(spread, AlertKind::FireThrottle, outputs);
    }

    /// Makes, reserves and hands out the orders of a trigger that passed every gate.
    #[inline]
    fn fire(
        &mut self,
        index: SpreadIndex,
        trigger: &Trigger,
        drafts: &Drafts,
        account: AccountRow,
        outputs: &mut Outputs,
    ) {
        let Self { table, orders, gateways, accounts, whole, timers, recent, now, .. } = self;
        let Table { instruments, spreads, .. } = table;
        let Some(row) = usize::try_from(index.0).ok().and_then(|row| spreads.get_mut(row)) else {
            return;
        };
        let Some(spec) = &row.spec else {
            return;
        };
        let now = *now;
        let mut fire = Fire::new(trigger.intent, trigger.units, now);
        row.met = None;
        row.fires_made = row.fires_made.wrapping_add(1).max(1);
        fire.number = row.fires_made;
        fire.level_e9 = trigger.level_e9;
        fire.planned_e9 = trigger.prices_e9;
        fire.ack_timeout = spec.ack_timeout;
        let account = accounts.get_mut(usize::from(account.0)).and_then(Option::as_mut);
        let rests = trigger.rests != NO_LEG;
        let batch = Sending {
            is_open: trigger.intent.is_open(),
            time_in_force: if rests { TimeInForce::Day } else { spec.time_in_force },
            caused: newest_quote(spec, instruments).unwrap_or(now),
            now,
            rests,
        };
        let mut sender = Sender { instruments, orders, gateways, whole, account };
        if spec.legs_first == LegsFirst::Together && !rests {
            sender.send(spec, &batch, drafts, &mut fire, outputs);
            if keeps_room(spec) {
                sender.keep_messages(spec, (drafts, drafts), &mut fire);
            }
        } else {
            (fire.rests, fire.lead) = (rests, trigger.rests);
            let first = lead::leading(spec, sender.instruments, drafts, &mut fire);
            if let Some(draft) = first.get(usize::from(trigger.rests)).and_then(Option::as_ref) {
                row.rested = Some(Rested::sent(trigger.rests, draft));
            }
            sender.send(spec, &batch, &first, &mut fire, outputs);
            sender.keep(spec, drafts, &fire);
            if !rests {
                sender.keep_messages(spec, (drafts, &first), &mut fire);
            }
        }
        recent.note(index, &fire.orders, spec, instruments);
        timers.set(index.0, now.after(spec.ack_timeout));
        if spec.hysteresis_e9 > 0 && !rests {
            row.spent |= bit(trigger.intent);
        }
        row.fire = Some(fire);
        row.last_fired = now;
        row.has_fired = true;
        row.fires.push(now);
    }
}

/// What the gates of a batch look at besides its orders.
#[derive(Clone, Copy)]
pub(super) struct Asking {
    pub is_open: bool,
    /// For messages.
    pub room: Room,
}

/// Whether a fire of the spread keeps room for messages that repair it.
#[inline]
pub(super) const fn keeps_room(spec: &SpreadSpec) -> bool {
    spec.repair.tries > 0
}

/// What was seen of a spread.
struct Seen {
    /// `Spread::spent` now.
    spent: u8,
    /// The ages of the legs' quotes.
    ages: [Span; MAX_LEGS],
    /// The trigger that is met, and whether it passed the gates.
    found: Option<(Trigger, Result<AccountRow, Refusal>)>,
}

/// A trigger that is met, before the gates.
#[derive(Clone, Copy)]
struct Candidate<'c> {
    row: &'c Spread,
    spec: &'c SpreadSpec,
    legs: &'c [Option<&'c Instrument>; MAX_LEGS],
    trigger: &'c Trigger,
    spent: u8,
    ages: &'c [Span; MAX_LEGS],
}

/// The receive stamp of the newest quote of a spread's legs: what caused it to fire now.
#[inline]
fn newest_quote(spec: &SpreadSpec, instruments: &[Instrument]) -> Option<MonoNs> {
    let rows = spec
        .legs()
        .iter()
        .filter_map(|leg| instruments.get(usize::try_from(leg.instrument.0).ok()?));
    rows.map(|row| row.quote.received).max()
}

pub(super) const NO_BOOK: LegBook<'static> =
    LegBook { bids: &Depth::NO_BIDS, asks: &Depth::NO_ASKS, taken_bid_lots: 0, taken_ask_lots: 0 };

impl Instrument {
    #[inline]
    pub(super) fn book(&self) -> LegBook<'_> {
        LegBook {
            bids: &self.quote.bids,
            asks: &self.quote.asks,
            taken_bid_lots: self.taken_bid_lots,
            taken_ask_lots: self.taken_ask_lots,
        }
    }

    /// The gates of one draft: those of the order, and its messages.
    #[inline]
    pub(super) fn admit(
        &self,
        draft: &Draft,
        contract: &InstrumentSpec,
        room: Room,
        now: MonoNs,
    ) -> Result<(), Refusal> {
        let bests = &self.quote;
        let reference = Reference { bid_e9: bests.bids.best_e9(), ask_e9: bests.asks.best_e9() };
        risk::admit(draft, contract, self.value_limit, &self.exposure, reference)?;
        let messages = room.messages(u16::from(draft.orders), self.kept_messages);
        risk::admit_rate(&self.rate, contract, messages, now)
    }

    /// The orders that `lots` of a leg become.
    #[inline]
    pub(super) fn children(&self, side: Side, lots: u32) -> Children {
        let Some(contract) = &self.spec else {
            return Children::NONE;
        };
        offset::split(side, lots, &self.holding, contract.offset_rule, contract.close_first)
    }

    #[inline]
    pub(super) fn take(&mut self, side: Side, lots: u32) {
        let taken = match side {
            Side::Buy => &mut self.taken_ask_lots,
            Side::Sell => &mut self.taken_bid_lots,
        };
        *taken = taken.saturating_add(lots);
    }
}

/// The instruments of a spread's legs; `None` if one is not in the table.
#[inline]
pub(super) fn legs<'t>(
    spec: &SpreadSpec,
    instruments: &'t [Instrument],
) -> Option<[Option<&'t Instrument>; MAX_LEGS]> {
    let mut legs = [None; MAX_LEGS];
    for (leg, instrument) in spec.legs().iter().zip(&mut legs) {
        *instrument = Some(instruments.get(usize::try_from(leg.instrument.0).ok()?)?);
    }
    Some(legs)
}

/// The gates of repetition: the level must have been left since it fired, and fires may not come
/// too often.
#[inline]
fn repetition(
    row: &Spread,
    spec: &SpreadSpec,
    trigger: &Trigger,
    spent: u8,
    now: MonoNs,
) -> Result<(), Refusal> {
    if trigger.rests == NO_LEG && spent & bit(trigger.intent) != 0 {
        let above = price::widen(trigger.value_e9).wrapping_sub(price::widen(trigger.level_e9));
        // A buy leaves its level upwards, a sale downwards.
        let left = if trigger.intent.is_buy() { above } else { above.wrapping_neg() };
        return Err(Refusal::new(Gate::Hysteresis, price::saturate(left), spec.hysteresis_e9));
    }
    if !row.fires.has_room(1, spec.max_fires, now, spec.fire_window) {
        let limit = i64::from(spec.max_fires);
        return Err(Refusal::new(Gate::FireRate, limit.saturating_add(1), limit));
    }
    Ok(())
}

/// The bit of an intent in `Spread::spent`.
#[inline(always)]
pub(super) const fn bit(intent: Intent) -> u8 {
    1 << (intent.code() & 7)
}

/// The intents among `spent` whose level the value has not left yet by the hysteresis.
pub(super) fn still_spent(spent: u8, spec: &SpreadSpec, books: &[LegBook<'_>; MAX_LEGS]) -> u8 {
    let levels = [
        (Intent::OpenLong, spec.buy_open_e9),
        (Intent::CloseLong, spec.buy_close_e9),
        (Intent::OpenShort, spec.sell_open_e9),
        (Intent::CloseShort, spec.sell_close_e9),
    ];
    let away = price::widen(spec.hysteresis_e9);
    let mut left = spent;
    for (intent, level_e9) in levels {
        if spent & bit(intent) == 0 {
            continue;
        }
        let Some(value) = spread::value(spec, books, intent.is_buy(), 1) else {
            continue;
        };
        let level = price::widen(level_e9);
        let (bound, beyond) = if intent.is_buy() {
            (level.wrapping_add(away), Ordering::Greater)
        } else {
            (level.wrapping_sub(away), Ordering::Less)
        };
        if value.compare(spec, intent.is_buy(), bound) == Some(beyond) {
            left &= !bit(intent);
        }
    }
    left
}

/// Whether an instrument's quote may be traded on.
pub(super) fn is_usable(row: &Instrument, channels: &[Channel; MAX_CHANNELS]) -> bool {
    usable(row, channels).is_ok()
}

/// How much the orders of a fire are together.
#[inline]
pub(super) fn fire_size(drafts: &Drafts, is_open: bool, room: Room) -> FireSize {
    let mut size = FireSize { room, ..FireSize::default() };
    for draft in drafts.iter().flatten() {
        size.orders = size.orders.saturating_add(u16::from(draft.orders));
        size.largest_lots = size.largest_lots.max(draft.qty_lots);
        if is_open {
            size.opened_lots = size.opened_lots.saturating_add(price::signed(draft.qty_lots));
        }
    }
    size
}

/// A leg's quote may be traded on: its channel is live, it is of the channel's epoch, and whole.
#[inline]
pub(super) fn usable(leg: &Instrument, channels: &[Channel; MAX_CHANNELS]) -> Result<(), Refusal> {
    let channel = channels.get(usize::from(leg.channel)).copied().unwrap_or(Channel::UNUSED);
    if !channel.state.is_usable() {
        return Err(Refusal::new(Gate::ChannelState, i64::from(channel.state.code()), 1));
    }
    let quality = leg.quote.quality;
    let is_current = leg.quote.epoch == channel.epoch && leg.quote.stream == channel.stream;
    if quality != QuoteQuality::Good || !is_current {
        let good = i64::from(QuoteQuality::Good.code());
        return Err(Refusal::new(Gate::QuoteQuality, i64::from(quality.code()), good));
    }
    Ok(())
}

/// The drafts of all legs, each passed through the gates of its instrument, and how many go to each
/// gateway.
#[inline]
fn drafts(
    spec: &SpreadSpec,
    trigger: &Trigger,
    legs: &[Option<&Instrument>; MAX_LEGS],
    now: MonoNs,
    drafts: &mut Drafts,
) -> Result<Batch, Refusal> {
    let mut batch: Batch = [0; MAX_GATEWAYS];
    let rows = spec.legs.iter().zip(legs).zip(&trigger.prices_e9).zip(drafts).zip(0_u8..);
    for ((((leg, instrument), worst_e9), slot), number) in rows {
        let Some(instrument) = instrument else {
            continue;
        };
        if leg.ratio_lots == 0 {
            continue;
        }
        let at_leg = |refusal: Refusal| Refusal { leg: number, ..refusal };
        let unknown = Refusal::new(Gate::Instrument, 0, 1);
        let contract = instrument.spec.as_ref().ok_or(at_leg(unknown))?;
        let is_opening = trigger.intent.is_open() || trigger.rests != NO_LEG;
        instrument.hours.admit(is_opening, now).map_err(at_leg)?;
        let draft = draft((leg, number), instrument, trigger, *worst_e9).map_err(at_leg)?;
        let room = Room::of_fire(keeps_room(spec));
        instrument.admit(&draft, contract, room, now).map_err(at_leg)?;
        *slot = Some(draft);
        if let Some(count) = batch.get_mut(usize::from(contract.gateway.0)) {
            *count = count.saturating_add(u16::from(draft.orders));
        }
    }
    Ok(batch)
}

/// What a leg needs.
#[inline]
pub(super) fn draft(
    (leg, number): (&LegSpec, u8),
    instrument: &Instrument,
    trigger: &Trigger,
    worst_e9: i64,
) -> Result<Draft, Refusal> {
    let is_buy = (leg.ratio_lots > 0) == trigger.intent.is_buy();
    let lots = u64::from(leg.ratio_lots.unsigned_abs()).saturating_mul(u64::from(trigger.units));
    let overflow = Refusal::new(Gate::Overflow, i64::MAX, i64::from(u32::MAX));
    let qty_lots = u32::try_from(lots).map_err(|_| overflow)?;
    // What rests pays nothing up.
    let pay_up_e9 = if trigger.rests == number { 0 } else { leg.pay_up_e9 };
    let (side, price_e9) = if is_buy {
        (Side::Buy, worst_e9.checked_add(pay_up_e9))
    } else {
        (Side::Sell, worst_e9.checked_sub(pay_up_e9))
    };
    let orders = instrument.children(side, qty_lots).count();
    Ok(Draft { side, price_e9: price_e9.ok_or(overflow)?, qty_lots, orders })
}
