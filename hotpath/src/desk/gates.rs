//! Every gate of a spread with what it sees and what it allows: what the record leaves out.
//!
//! A decision in the record names the one gate that held it back, or says that all of them passed.
//! Whoever replays the record up to a decision (`Desk::learn` with its input) can read here what
//! each of them saw. The desk itself never calls this: `fire` stops at the first refusal. A test
//! holds both against each other.

use super::fire::{NO_BOOK, bit, draft, fire_size, keeps_room, legs, still_spent};
use super::loss::worst_loss;
use super::table::{Spread, SpreadState};
use super::{Channel, Desk, Instrument};
use crate::message::{
    Credits, Gate, InstrumentSpec, MAX_LEGS, QuoteQuality, SafeState, SessionState, Side,
    SpreadIndex, SpreadSpec,
};
use crate::price::{self, NO_ASK_E9, NO_BID_E9};
use crate::risk::{self, AccountRisk, Draft, FireSize, NO_LEG, Room};
use crate::spread::Trigger;
use crate::time::Span;

/// What a gate looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The spread as a whole.
    Spread,
    /// One of its legs.
    Leg(u8),
    /// Its account.
    Account,
    /// The whole desk.
    Desk,
    /// A gateway, by its place.
    Gateway(u8),
    /// A rule of the user, by its place.
    Rule(u8),
}

/// How a limit bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// What is seen may be at most the limit.
    Most,
    /// It must be at least the limit.
    Least,
    /// It must be the limit: a state.
    Exactly,
}

/// One gate at one moment, both figures in the gate's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Which gate.
    pub gate: Gate,
    /// What it looked at.
    pub of: Of,
    /// What it saw.
    pub seen: i64,
    /// What it allows.
    pub limit: i64,
    /// How.
    pub bound: Bound,
    /// Whether it lets the fire pass.
    pub is_open: bool,
}

impl Reading {
    pub(super) fn most(gate: Gate, of: Of, seen: i64, limit: i64) -> Self {
        Self { gate, of, seen, limit, bound: Bound::Most, is_open: seen <= limit }
    }

    fn least(gate: Gate, of: Of, seen: i64, limit: i64) -> Self {
        Self { gate, of, seen, limit, bound: Bound::Least, is_open: seen >= limit }
    }

    fn exactly(gate: Gate, of: Of, seen: i64, limit: i64) -> Self {
        Self { gate, of, seen, limit, bound: Bound::Exactly, is_open: seen == limit }
    }
}

/// Who is told the readings, in the order in which the desk looks at its gates.
type Visit<'v> = &'v mut dyn FnMut(Reading);

fn ns(span: Span) -> i64 {
    i64::try_from(span.0).unwrap_or(i64::MAX)
}

impl Desk<'_> {
    /// Tells `visit` every gate between the trigger that `spread` meets now and its orders, and
    /// gives the trigger; `None` if there is no such spread or none of its levels is met.
    pub fn read_gates(
        &self,
        spread: SpreadIndex,
        credits: &Credits,
        visit: Visit<'_>,
    ) -> Option<Trigger> {
        let row = self.table.spread(spread)?;
        let spec = row.spec.as_ref()?;
        let legs = legs(spec, self.table.instruments)?;
        let books = legs.map(|leg| leg.map_or(NO_BOOK, Instrument::book));
        let trigger = self.trigger(row, spec, &legs, &books)?;
        self.read_standing(row, &trigger, visit);
        if trigger.rests == NO_LEG {
            let hold = spec.trigger.hold(trigger.intent);
            let held = self.now.since(row.met_since(trigger.intent, self.now));
            visit(Reading::least(Gate::Hold, Of::Spread, ns(held), ns(hold)));
        }
        self.read_timing(row, spec, &legs, visit);
        let spent = trigger.rests == NO_LEG
            && still_spent(row.spent, spec, &books) & bit(trigger.intent) != 0;
        let above = price::widen(trigger.value_e9).wrapping_sub(price::widen(trigger.level_e9));
        let left = if trigger.intent.is_buy() { above } else { above.wrapping_neg() };
        let left = price::saturate(left);
        let limit = if spent { spec.hysteresis_e9 } else { i64::MIN };
        let mut reading = Reading::least(Gate::Hysteresis, Of::Spread, left, limit);
        reading.is_open = !spent;
        visit(reading);
        let fires = row.fires.count(self.now, spec.fire_window).saturating_add(1);
        let (fires, most) = (i64::from(fires), i64::from(spec.max_fires));
        visit(Reading::most(Gate::FireRate, Of::Spread, fires, most));
        for (leg, number) in legs.iter().flatten().zip(0_u8..) {
            self.read_quote(leg, Of::Leg(number), visit);
            let doubt = if trigger.intent.is_open() { i64::from(leg.doubts) } else { 0 };
            visit(Reading::most(Gate::Doubt, Of::Leg(number), doubt, 0));
        }
        let held = i64::from(row.position_units.unsigned_abs());
        let units = i64::from(trigger.units);
        let is_open = trigger.intent.is_open();
        let after = if is_open { held.saturating_add(units) } else { held.saturating_sub(units) };
        let most = i64::from(spec.max_units);
        let mut reading = Reading::most(Gate::SpreadPosition, Of::Spread, after, most);
        reading.is_open = units > 0;
        visit(reading);
        let full = if is_open { risk::RECORD_OPEN_MAX_PCT } else { risk::RECORD_CLOSE_MAX_PCT };
        let used = i64::from(credits.record_used_pct);
        visit(Reading::most(Gate::RecordRoom, Of::Desk, used, i64::from(full)));
        let drafts = self.read_legs(spec, &trigger, &legs, visit);
        if spec.loss.is_bounded() {
            let (seen, of) = match worst_loss(row, spec, &legs, &drafts) {
                Ok(worst) => (worst, Of::Spread),
                Err(refusal) if refusal.leg == NO_LEG => (i64::MAX, Of::Spread),
                Err(refusal) => (i64::MAX, Of::Leg(refusal.leg)),
            };
            visit(Reading::most(Gate::Loss, of, seen, spec.loss.max_e9));
        }
        let room = Room::of_fire(keeps_room(spec));
        let size = fire_size(&drafts, is_open, room);
        let free = i64::try_from(self.orders.free_count()).unwrap_or(i64::MAX);
        visit(Reading::least(Gate::Arena, Of::Desk, free, i64::from(size.orders)));
        let (_, account) = self.account(spec.account);
        self.read_account(account, Of::Account, &size, visit);
        self.read_account(&self.whole, Of::Desk, &size, visit);
        self.read_gateways(&legs, &drafts, room, credits, visit);
        if row.rules.are_for_quotes() {
            self.read_rules(spread, &trigger, visit);
        }
        Some(trigger)
    }

    fn read_standing(&self, row: &Spread, trigger: &Trigger, visit: Visit<'_>) {
        let most = if trigger.intent.is_open() { SafeState::SingleFeed } else { SafeState::NoNew };
        let (state, most) = (i64::from(self.state.code()), i64::from(most.code()));
        visit(Reading::most(Gate::SafeState, Of::Desk, state, most));
        for (gate, state) in
            [(Gate::Disabled, SpreadState::Disabled), (Gate::Halted, SpreadState::Halted)]
        {
            visit(Reading::most(gate, Of::Spread, i64::from(row.state == state), 0));
        }
        let is_kept = trigger.intent.is_open() && row.state == SpreadState::Reducing;
        visit(Reading::most(Gate::Reducing, Of::Spread, i64::from(is_kept), 0));
        visit(Reading::most(Gate::InFlight, Of::Spread, i64::from(row.fire.is_some()), 0));
    }

    fn read_timing(
        &self,
        row: &Spread,
        spec: &SpreadSpec,
        legs: &[Option<&Instrument>; MAX_LEGS],
        visit: Visit<'_>,
    ) {
        let rest = if row.has_fired { ns(self.now.since(row.last_fired)) } else { i64::MAX };
        visit(Reading::least(Gate::CoolDown, Of::Spread, rest, ns(spec.cool_down)));
        let (mut oldest, mut youngest) = (Span(0), Span(u64::MAX));
        for (leg, number) in legs.iter().flatten().zip(0_u8..) {
            let age = self.now.since(leg.quote.received);
            visit(Reading::most(Gate::QuoteAge, Of::Leg(number), ns(age), ns(spec.max_quote_age)));
            (oldest, youngest) = (oldest.max(age), youngest.min(age));
        }
        let skew = Span(oldest.0.saturating_sub(youngest.0));
        visit(Reading::most(Gate::QuoteSkew, Of::Spread, ns(skew), ns(spec.max_quote_skew)));
    }

    fn read_quote(&self, leg: &Instrument, of: Of, visit: Visit<'_>) {
        let channel = self.channels.get(usize::from(leg.channel)).copied();
        let channel = channel.unwrap_or(Channel::UNUSED);
        let mut reading =
            Reading::exactly(Gate::ChannelState, of, i64::from(channel.state.code()), 1);
        reading.is_open = channel.state.is_usable();
        visit(reading);
        let quality = leg.quote.quality;
        let good = i64::from(QuoteQuality::Good.code());
        let is_current = leg.quote.epoch == channel.epoch && leg.quote.stream == channel.stream;
        let mut reading = Reading::exactly(Gate::QuoteQuality, of, i64::from(quality.code()), good);
        reading.is_open &= is_current;
        visit(reading);
    }

    fn read_legs(
        &self,
        spec: &SpreadSpec,
        trigger: &Trigger,
        legs: &[Option<&Instrument>; MAX_LEGS],
        visit: Visit<'_>,
    ) -> [Option<Draft>; MAX_LEGS] {
        let mut drafts = [None; MAX_LEGS];
        let rows = spec.legs.iter().zip(legs).zip(&trigger.prices_e9).zip(&mut drafts);
        for ((((leg, instrument), worst_e9), slot), number) in rows.zip(0_u8..) {
            let of = Of::Leg(number);
            let Some(instrument) = instrument.filter(|_| leg.ratio_lots != 0) else {
                continue;
            };
            let tradable =
                |is_tradable| Reading::exactly(Gate::Instrument, of, i64::from(is_tradable), 1);
            let Some(contract) = &instrument.spec else {
                visit(tradable(false));
                continue;
            };
            let is_opening = trigger.intent.is_open() || trigger.rests != NO_LEG;
            let left_ns = instrument.hours.left_ns(is_opening, self.now);
            visit(Reading::least(Gate::Hours, of, left_ns, 1));
            match draft((leg, number), instrument, trigger, *worst_e9) {
                Err(refusal) => {
                    visit(Reading::most(refusal.gate, of, refusal.seen, refusal.limit));
                    visit(tradable(contract.is_tradable));
                }
                Ok(made) => {
                    visit(tradable(contract.is_tradable));
                    read_order(&made, contract, instrument, of, visit);
                    let count = instrument.rate.count(self.now, contract.rate_window);
                    let room = Room::of_fire(keeps_room(spec));
                    let messages = room.messages(made.orders.into(), instrument.kept_messages);
                    let count = count.saturating_add(messages);
                    let most = i64::from(contract.max_messages);
                    visit(Reading::most(Gate::InstrumentRate, of, i64::from(count), most));
                    *slot = Some(made);
                }
            }
        }
        drafts
    }

    fn read_account(&self, row: &AccountRisk, of: Of, size: &FireSize, visit: Visit<'_>) {
        let limits = &row.limits;
        let largest = i64::from(size.largest_lots);
        let most = i64::from(limits.max_order_lots);
        visit(Reading::most(Gate::AccountOrderSize, of, largest, most));
        let gross = row.gross_lots.saturating_add(size.opened_lots);
        let most = i64::from(limits.max_position_lots);
        let mut reading = Reading::most(Gate::AccountPosition, of, gross, most);
        reading.is_open |= size.opened_lots <= 0;
        visit(reading);
        let open = i64::from(row.open_orders.saturating_add(size.orders));
        let most = i64::from(limits.max_open_orders);
        visit(Reading::most(Gate::AccountOpenOrders, of, open, most));
        let messages = size.room.messages(size.orders, row.kept_messages);
        let sent = i64::from(row.messages(self.now).saturating_add(messages));
        visit(Reading::most(Gate::AccountRate, of, sent, i64::from(limits.max_messages)));
    }

    fn read_gateways(
        &self,
        legs: &[Option<&Instrument>; MAX_LEGS],
        drafts: &[Option<Draft>; MAX_LEGS],
        room: Room,
        credits: &Credits,
        visit: Visit<'_>,
    ) {
        let rows = self.gateways.iter().zip(&credits.gateway_slots).zip(0_u8..);
        for ((gateway, slots), number) in rows {
            let of = Of::Gateway(number);
            let sends = |leg: &Option<&Instrument>| {
                let contract = leg.and_then(|leg| leg.spec);
                contract.is_some_and(|contract| contract.gateway.0 == number)
            };
            let counts = legs.iter().zip(drafts).filter(|(leg, _)| sends(leg));
            let counts = counts.filter_map(|(_, draft)| draft.map(|draft| draft.orders));
            let count = counts.map(u16::from).fold(0, u16::saturating_add);
            if count == 0 {
                continue;
            }
            let up = i64::from(SessionState::Up.code());
            let state = i64::from(gateway.session.code());
            visit(Reading::exactly(Gate::SessionState, of, state, up));
            visit(Reading::least(Gate::RingRoom, of, i64::from(*slots), i64::from(count)));
            let open = i64::from(gateway.open_orders.saturating_add(count));
            let most = i64::from(gateway.limits.max_open_orders);
            visit(Reading::most(Gate::OpenOrders, of, open, most));
            let messages = room.messages(count, gateway.kept_messages);
            let sent = i64::from(gateway.messages(self.now).saturating_add(messages));
            visit(Reading::most(Gate::Rate, of, sent, i64::from(gateway.limits.max_messages)));
        }
    }
}

/// The gates of one order against its instrument, as `risk::admit` has them.
fn read_order(
    draft: &Draft,
    spec: &InstrumentSpec,
    instrument: &Instrument,
    of: Of,
    visit: Visit<'_>,
) {
    let lots = i64::from(draft.qty_lots);
    let mut reading = Reading::most(Gate::OrderSize, of, lots, i64::from(spec.max_order_lots));
    reading.is_open &= lots > 0;
    visit(reading);
    let is_price = draft.price_e9 != NO_BID_E9 && draft.price_e9 != NO_ASK_E9;
    let mut lowest = Reading::least(Gate::PriceBand, of, draft.price_e9, spec.min_price_e9);
    lowest.is_open &= is_price;
    visit(lowest);
    visit(Reading::most(Gate::PriceBand, of, draft.price_e9, spec.max_price_e9));
    let (best_e9, exposure) = match draft.side {
        Side::Buy => (instrument.quote.bids.best_e9(), &instrument.exposure),
        Side::Sell => (instrument.quote.asks.best_e9(), &instrument.exposure),
    };
    if best_e9 == NO_BID_E9 || best_e9 == NO_ASK_E9 {
        let mut none = Reading::most(Gate::Collar, of, i64::MAX, spec.collar_e9);
        none.is_open = false;
        visit(none);
    } else {
        let away = price::widen(draft.price_e9).wrapping_sub(price::widen(best_e9));
        let away = price::saturate(away).saturating_abs();
        visit(Reading::most(Gate::Collar, of, away, spec.collar_e9));
        let away_e18 = price::widen(away).wrapping_mul(1_000_000_000);
        let fraction = price::widen(spec.collar_fraction_e9);
        let most_e18 = price::widen(best_e9).abs().wrapping_mul(fraction);
        let mut part = Reading::most(Gate::CollarFraction, of, away, spec.collar_fraction_e9);
        part.is_open = spec.collar_fraction_e9 == i64::MAX || away_e18 <= most_e18;
        visit(part);
    }
    let value = risk::order_value(draft, spec).unwrap_or(i64::MAX);
    visit(Reading::most(Gate::OrderValue, of, value, spec.max_order_value));
    let worst = match draft.side {
        Side::Buy => exposure.most(),
        Side::Sell => exposure.least().saturating_neg(),
    };
    let most = i64::from(spec.max_position_lots);
    visit(Reading::most(Gate::Position, of, worst.saturating_add(lots), most));
    let against = exposure.against(draft.side);
    visit(Reading::most(Gate::SelfMatch, of, against, 0));
    let open = exposure.open_orders.saturating_add(u16::from(draft.orders));
    let most = i64::from(spec.max_open_orders);
    visit(Reading::most(Gate::OpenOrders, of, i64::from(open), most));
}
