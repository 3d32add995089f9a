//! A fire, asked again: every gate that it should have passed, from what the model knows.

use std::cmp::Ordering;

use xmc_hotpath::message::{
    AccountId, ChannelState, Credits, Decision, Intent, LegSpec, LegsFirst, MAX_GATEWAYS, MAX_LEGS,
    Measure, OrderCommand, QuoteQuality, SafeState, SessionState, Side, Sizing, SpreadSpec,
    TimeInForce,
};
use xmc_hotpath::time::{MonoNs, Span};

use super::{Checker, Violation};
use crate::sim::model::{ModelFire, worst_price};

impl Checker {
    /// One fire: its decision and all its orders.
    pub(super) fn fire(
        &mut self,
        decision: &Decision,
        orders: &[&OrderCommand],
        credits: &Credits,
    ) -> Result<(), Violation> {
        let Some(spread) = self.model.spreads.get(&decision.spread.0) else {
            ensure!(self, "S3", false, "{decision:?} of a spread that is not there");
            return Ok(());
        };
        let (spec, units, safe) = (spread.spec, spread.units, self.model.safe());
        let is_open = decision.intent.is_open();
        ensure!(
            self,
            "S8",
            safe < SafeState::NoNew || (safe == SafeState::NoNew && !is_open),
            "{:?} while {safe:?}",
            decision.intent
        );
        ensure!(self, "S16", !self.model.is_killed, "{:?} after a kill", decision.intent);
        ensure!(self, "S8", !spread.is_halted, "spread {} fires while halted", decision.spread.0);
        ensure!(self, "S8", spread.is_enabled, "spread {} fires disabled", decision.spread.0);
        let opens = is_open && spread.is_reducing;
        ensure!(self, "S8", !opens, "spread {} opens after a breaker", decision.spread.0);
        ensure!(self, "S7", spread.fire.is_none(), "a second fire before the first has ended");
        if let Some((last, _)) = spread.fires.last() {
            let rest = self.now.since(*last);
            ensure!(self, "cool_down", rest >= spec.cool_down, "fires again after {rest:?}");
        }
        let fires = spread.fires.iter().filter(|(at, _)| self.now.since(*at) < spec.fire_window);
        let fires = fires.count();
        ensure!(self, "fire_rate", fires < usize::from(spec.max_fires), "{fires} fires before");
        let rests = spec.legs.get(usize::from(decision.rests));
        let is_spent = spread.spent.contains(&decision.intent) && rests.is_none();
        ensure!(self, "hysteresis", !is_spent, "{:?} before its level was left", decision.intent);
        let hold = if is_open { spec.trigger.open_hold } else { spec.trigger.close_hold };
        let since = spread.met.get(&decision.intent).copied();
        let is_held = since.is_some_and(|since| self.now >= since.after(hold));
        ensure!(
            self,
            "hold",
            hold.0 == 0 || is_held || rests.is_some(),
            "{:?} met since {since:?}, {hold:?} asked",
            decision.intent
        );
        self.passes_rules(decision)?;
        self.size(&spec, units, decision)?;
        self.fresh_quotes(&spec)?;
        let planned_e9 = self.planned(&spec, decision, orders);
        self.value(&spec, decision, planned_e9.as_ref())?;
        let planned_e9 = planned_e9.unwrap_or_default();
        let traded = legs(&spec).filter(|leg| leg.ratio_lots != 0).count();
        let is_led = spec.legs_first == LegsFirst::LeastLiquid && traded > 1;
        let lead = match rests {
            Some(_) => Some(usize::from(decision.rests)),
            None => is_led.then(|| self.leads(&spec, decision)),
        };
        if rests.is_some() {
            self.rests(&spec, decision, &planned_e9)?;
        }
        self.legs(&spec, decision, orders, (lead, &planned_e9))?;
        let later = self.later(&spec, decision, lead, &planned_e9);
        for order in orders.iter().copied().chain(&later) {
            let Some(hours) = self.model.hours.get(&order.instrument.0) else { continue };
            let is_opening = is_open || rests.is_some();
            let until = if is_opening { hours.opening_until } else { hours.until };
            let is_within = hours.from <= self.now && self.now < until;
            ensure!(self, "hours", is_within, "{order:?} outside {hours:?}");
        }
        for leg in legs(&spec).filter(|_| is_open) {
            let mut doubts = self.model.doubted.iter();
            let doubt = doubts.find(|(row, _)| *row == leg.instrument.0);
            ensure!(self, "doubt", doubt.is_none(), "opens with {leg:?}, of which {doubt:?}");
        }
        self.loss(&spec, decision, &planned_e9)?;
        let full = if is_open { 50 } else { 75 };
        let used = credits.record_used_pct;
        ensure!(self, "record_room", used <= full, "fires with the record {used} % full");
        for (place, order) in orders.iter().enumerate() {
            let before = orders[..place].iter();
            let before: Vec<_> =
                before.filter(|other| other.instrument == order.instrument).collect();
            let lots = before.iter().map(|other| i64::from(other.qty_lots)).sum();
            self.admitted(order, lots, before.len())?;
            self.new_id(order)?;
        }
        let mut fire = ModelFire {
            level_e9: decision.level_e9,
            planned_e9,
            due: if rests.is_some() { MonoNs::NEVER } else { self.now.after(spec.ack_timeout) },
            timeout: spec.ack_timeout,
            lead,
            rests: rests.is_some(),
            ..ModelFire::new(decision.intent, decision.units, self.now)
        };
        for order in &later {
            self.admitted(order, 0, 0)?;
        }
        fire.keep(&spec, orders, &later);
        for (order, left) in orders.iter().zip((0..orders.len()).rev()) {
            ensure!(self, "orders_left", usize::from(order.orders_left) == left, "{order:?}");
            fire.orders.push(order.order_id);
            self.model.fired(self.now, order, true, is_open);
            if rests.is_some() {
                self.model.takes_nothing(order);
            }
        }
        if let Some(spread) = self.model.spreads.get_mut(&decision.spread.0) {
            spread.fire = Some(fire);
            if rests.is_some() {
                let lots = orders.iter().map(|order| order.qty_lots).sum();
                let first = orders.first().map(|order| OrderCommand { qty_lots: lots, ..**order });
                spread.rested = first.map(|first| (first, None));
            }
            spread.met.clear();
            self.model.touched.insert(decision.spread.0);
            spread.fires.push((self.now, decision.intent));
            if spec.hysteresis_e9 > 0 && rests.is_none() {
                spread.spent.insert(decision.intent);
            }
        }
        self.model.led(decision.spread.0);
        self.holdings(&spec, is_open, 0)?;
        self.batches(orders, credits, true, &self.kept())
    }

    /// What each leg was decided on at: the price of the order for one that rests.
    fn planned(
        &self,
        spec: &SpreadSpec,
        decision: &Decision,
        orders: &[&OrderCommand],
    ) -> Option<[i64; MAX_LEGS]> {
        let mut planned = [0; MAX_LEGS];
        for (number, (slot, leg)) in planned.iter_mut().zip(legs(spec)).enumerate() {
            *slot = if usize::from(decision.rests) == number {
                orders.first()?.price_e9
            } else {
                self.price(leg, decision.intent, decision.units)?
            };
        }
        Some(planned)
    }

    fn size(&self, spec: &SpreadSpec, held: i64, decision: &Decision) -> Result<(), Violation> {
        let units = i64::from(decision.units);
        let after = if decision.intent.is_buy() { held + units } else { held - units };
        let fits = match decision.intent {
            Intent::OpenLong => held >= 0 && after <= i64::from(spec.max_units),
            Intent::CloseLong => held > 0 && after >= 0,
            Intent::OpenShort => held <= 0 && -after <= i64::from(spec.max_units),
            Intent::CloseShort => held < 0 && after <= 0,
        };
        let mut states = legs(spec).map(|leg| {
            let row = &self.model.instruments[&leg.instrument.0];
            self.model.channels[&row.spec.feed.0].0
        });
        let is_single = states.any(|state| state == ChannelState::SingleLine);
        let share = self.model.sizing.filter(|_| is_single && decision.intent.is_open());
        // By division, not as the desk does it.
        let part = |sizing: Sizing| {
            let lots = u128::from(spec.clip_units) * (u128::from(sizing.single_line_q32) + 1);
            (lots / (1 << 32)).max(1)
        };
        let most = share.map_or(u128::from(spec.clip_units), part);
        let clips = units >= 1 && u128::from(decision.units) <= most;
        ensure!(self, "S7", fits && clips, "{decision:?} with {held} units held");
        Ok(())
    }

    /// S9: every leg, also one that only prices, from a usable channel, of its epoch, in time.
    fn fresh_quotes(&self, spec: &SpreadSpec) -> Result<(), Violation> {
        let mut stamps = Vec::new();
        for leg in legs(spec) {
            let row = &self.model.instruments[&leg.instrument.0];
            let (state, epoch) = self.model.channels[&row.spec.feed.0];
            ensure!(self, "S9", state.is_usable(), "{:?} is {state:?}", row.spec.feed);
            ensure!(
                self,
                "S9",
                row.quote.epoch == epoch && row.quote.stream == row.spec.feed,
                "a quote of epoch {} of {:?}, now {epoch}",
                row.quote.epoch,
                row.quote.stream
            );
            let quality = row.quote.quality;
            ensure!(self, "S9", quality == QuoteQuality::Good, "a {quality:?} quote");
            let age = self.now.since(row.quote.received);
            ensure!(self, "S9", age <= spec.max_quote_age, "a quote {age:?} old");
            stamps.push(age.0);
        }
        let skew = stamps.iter().max().unwrap_or(&0) - stamps.iter().min().unwrap_or(&0);
        ensure!(self, "S9", skew <= spec.max_quote_skew.0, "quotes {skew} ns apart");
        Ok(())
    }

    /// The level is met at the prices that the size needs, counted out lot by lot.
    fn value(
        &self,
        spec: &SpreadSpec,
        decision: &Decision,
        prices_e9: Option<&[i64; MAX_LEGS]>,
    ) -> Result<(), Violation> {
        let level = level(spec, decision.intent);
        ensure!(self, "levels", decision.level_e9 == level, "{decision:?}, level {level}");
        let stands = |at_e9| stands(spec, decision.intent, prices_e9?, at_e9);
        let met = stands(level.into()).is_some_and(|stands| is_met(decision.intent, stands));
        ensure!(self, "levels", met, "{decision:?} does not meet its level");
        // It is told cut to 1e-9: not above what there is, and the next one is.
        let told = i128::from(decision.value_e9);
        let [at, next] = [told, told + 1].map(stands);
        // What no `i64` holds is told as the nearest that one does.
        let is_cut = (at.is_some_and(Ordering::is_ge) || decision.value_e9 == i64::MIN)
            && (next.is_some_and(Ordering::is_lt) || decision.value_e9 == i64::MAX);
        ensure!(self, "levels", is_cut, "{decision:?} tells another value");
        Ok(())
    }

    fn meets(&self, spec: &SpreadSpec, intent: Intent, level_e9: i64, units: u32) -> bool {
        let stands = self.stands_at(spec, intent, units, level_e9.into());
        stands.is_some_and(|stands| is_met(intent, stands))
    }

    /// How the difference or the ratio at the worst prices that `units` need stands to a number.
    fn stands_at(
        &self,
        spec: &SpreadSpec,
        intent: Intent,
        units: u32,
        at_e9: i128,
    ) -> Option<Ordering> {
        let mut prices_e9 = [0; MAX_LEGS];
        for (slot, leg) in prices_e9.iter_mut().zip(legs(spec)) {
            *slot = self.price(leg, intent, units)?;
        }
        stands(spec, intent, &prices_e9, at_e9)
    }

    /// What a leg is priced at for so many units: where as many lots are shown, and no fewer than
    /// it leans on.
    pub(super) fn price(&self, leg: &LegSpec, intent: Intent, units: u32) -> Option<i64> {
        let lots = u64::from(leg.ratio_lots.unsigned_abs()) * u64::from(units);
        self.price_of(
            leg,
            intent,
            if lots < leg.min_lean_lots.into() { leg.min_lean_lots.into() } else { lots },
        )
    }

    pub(super) fn price_of(&self, leg: &LegSpec, intent: Intent, lots: u64) -> Option<i64> {
        let row = &self.model.instruments[&leg.instrument.0];
        let sign =
            if leg.ratio_lots == 0 { leg.coefficient_q32.signum() } else { leg.ratio_lots.into() };
        if (sign > 0) == intent.is_buy() {
            worst_price(&row.quote.asks, row.taken_asks, lots)
        } else {
            worst_price(&row.quote.bids, row.taken_bids, lots)
        }
    }

    /// All legs or none, or the one that leads: the orders of each leg, in the exact ratio, at the
    /// price needed, opening and closing as what is held says.
    fn legs(
        &self,
        spec: &SpreadSpec,
        decision: &Decision,
        orders: &[&OrderCommand],
        (lead, planned_e9): (Option<usize>, &[i64; MAX_LEGS]),
    ) -> Result<(), Violation> {
        let mut rest = orders.iter();
        let is_sent = |number: usize| lead.is_none_or(|lead| lead == number);
        let traded = legs(spec).enumerate().filter(|(_, leg)| leg.ratio_lots != 0);
        for (number, leg) in traded.filter(|(number, _)| is_sent(*number)) {
            let is_buy = (leg.ratio_lots > 0) == decision.intent.is_buy();
            let side = if is_buy { Side::Buy } else { Side::Sell };
            let lots = u64::from(leg.ratio_lots.unsigned_abs()) * u64::from(decision.units);
            let rests = usize::from(decision.rests) == number;
            let pay_up_e9 = if rests { 0 } else { leg.pay_up_e9 };
            let pay = if is_buy { pay_up_e9 } else { -pay_up_e9 };
            let tif = if rests { TimeInForce::Day } else { spec.time_in_force };
            let row = &self.model.instruments[&leg.instrument.0];
            for (effect, lots) in self.model.children(leg.instrument.0, side, lots) {
                let Some(order) = rest.next() else {
                    ensure!(self, "both_legs", false, "leg {number} of {decision:?} is not whole");
                    return Ok(());
                };
                let fits = usize::from(order.leg) == number
                    && order.instrument == leg.instrument
                    && order.side == side
                    && u64::from(order.qty_lots) == lots
                    && order.price_e9 - pay == planned_e9[number];
                ensure!(self, "S13", fits, "{order:?} is not leg {number} of {decision:?}");
                let copied = order.time_in_force == tif
                    && order.effect == effect
                    && order.gateway == row.spec.gateway
                    && order.security_id == row.spec.security_id
                    && (order.strategy, order.account, order.project)
                        == (spec.strategy, spec.account, spec.project);
                ensure!(self, "order_fields", copied, "{order:?} does not carry {effect:?}");
            }
        }
        ensure!(self, "both_legs", rest.next().is_none(), "more orders than {decision:?} has");
        Ok(())
    }

    /// The gates of the instrument, asked again, before the order is counted.
    /// `ahead` lots and `others` orders of the same leg go before it.
    pub(super) fn admitted(
        &self,
        order: &OrderCommand,
        ahead: i64,
        others: usize,
    ) -> Result<(), Violation> {
        let row = &self.model.instruments[&order.instrument.0];
        let (spec, quote) = (row.spec, &row.quote);
        let (buys, sells, count) = self.model.reserved(order.instrument.0);
        // What is still to come meets nobody.
        let kept = self.model.kept(order.instrument.0);
        let qty = i64::from(order.qty_lots) + ahead;
        let (worst, against) = match order.side {
            Side::Buy => (row.position + buys + qty, sells - kept.1),
            Side::Sell => (-(row.position - sells - qty), buys - kept.0),
        };
        let limit = i64::from(spec.max_position_lots);
        ensure!(self, "S2", worst <= limit, "{order:?} makes {worst} lots, limit {limit}");
        ensure!(self, "S11", against == 0, "{order:?} meets {against} own lots");
        let count = usize::from(count) + others;
        let most = usize::from(spec.max_open_orders);
        ensure!(self, "open_orders", count < most, "{count} orders open");
        ensure!(self, "tradable", spec.is_tradable, "{order:?} of what may not be traded");
        let max = spec.max_order_lots;
        ensure!(self, "order_size", (1..=max).contains(&order.qty_lots), "{order:?}, {max}");
        let best = if order.side == Side::Buy { &quote.bids } else { &quote.asks };
        let distance = i128::from(order.price_e9) - i128::from(best.best_e9());
        let is_near = best.best_lots() > 0 && distance.abs() <= i128::from(spec.collar_e9);
        ensure!(self, "collar", is_near, "{order:?} is {distance} from {}", best.best_e9());
        let share = i128::from(best.best_e9()).abs() * i128::from(spec.collar_fraction_e9);
        let has_share = spec.collar_fraction_e9 != i64::MAX;
        let is_near = !has_share || distance.abs() * 1_000_000_000 <= share;
        ensure!(self, "collar", is_near, "{order:?} is {distance} from {}", best.best_e9());
        let band = spec.min_price_e9..=spec.max_price_e9;
        ensure!(self, "price_band", band.contains(&order.price_e9), "{order:?}, {band:?}");
        let worth = i128::from(order.price_e9.unsigned_abs())
            * i128::from(order.qty_lots)
            * i128::from(spec.multiplier_e9);
        let most = i128::from(spec.max_order_value) * 1_000_000_000_000_000_000;
        ensure!(self, "order_value", worth <= most, "{order:?} is worth {worth}e-18");
        let session = self.model.sessions[usize::from(order.gateway.0)];
        let is_up = session == Some(SessionState::Up);
        ensure!(self, "session", is_up, "{order:?} while {session:?}");
        Ok(())
    }

    /// What an account and the whole desk hold is within limits, with so many lots more.
    pub(super) fn holdings(
        &self,
        spec: &SpreadSpec,
        opens: bool,
        more: i64,
    ) -> Result<(), Violation> {
        for account in [spec.account, AccountId::ALL] {
            let limit = self.model.accounts.get(&account).map(|limits| limits.max_position_lots);
            let limit = i64::from(limit.unwrap_or(0));
            let gross = self.model.gross.get(&account).copied().unwrap_or(0) + more;
            let fits = !opens || gross <= limit;
            ensure!(self, "account_position", fits, "{account:?} comes to {gross}, limit {limit}");
        }
        Ok(())
    }

    pub(super) fn new_id(&mut self, order: &OrderCommand) -> Result<(), Violation> {
        let is_new = order.order_id.0 != 0 && self.ids.insert(order.order_id.0);
        ensure!(self, "unique_ids", is_new, "order id {:#x} is used again", order.order_id.0);
        Ok(())
    }

    /// S10 and the other limits of gateways, recounted from every message ever sent, these orders
    /// included: with `is_sent` they have been counted already. `spare` messages must have room as
    /// well.
    pub(super) fn batches(
        &self,
        orders: &[&OrderCommand],
        credits: &Credits,
        is_sent: bool,
        spare: &[&OrderCommand],
    ) -> Result<(), Violation> {
        let unsent = if is_sent { &[] } else { orders };
        let messages = if is_sent { spare } else { orders };
        for gateway in 0..MAX_GATEWAYS {
            let of_gateway = |id: &usize| *id == gateway;
            let own = orders.iter().map(|order| usize::from(order.gateway.0));
            let count = own.filter(of_gateway).count();
            if count == 0 {
                continue;
            }
            let Some(limits) = self.model.limits[gateway] else {
                ensure!(self, "S10", false, "gateway {gateway} has no limits");
                continue;
            };
            let of_gateway = |order: &OrderCommand| usize::from(order.gateway.0) == gateway;
            self.rate(limits.max_messages, limits.rate_window, messages, of_gateway)?;
            let live = self.model.live.iter().map(|id| &self.model.orders[id].command);
            let live = live.chain(unsent.iter().copied());
            let live = live.filter(|order| usize::from(order.gateway.0) == gateway).count();
            let most = usize::from(limits.max_open_orders);
            ensure!(self, "open_orders", live <= most, "{live} orders open, {most} allowed");
            let slots = usize::from(credits.gateway_slots[gateway]);
            ensure!(self, "ring_room", count <= slots, "{count} orders into {slots} slots");
        }
        for order in orders {
            let spec = self.model.instruments[&order.instrument.0].spec;
            let of_instrument = |other: &OrderCommand| other.instrument == order.instrument;
            self.rate(spec.max_messages, spec.rate_window, messages, of_instrument)?;
            for account in [order.account, AccountId::ALL] {
                let Some(limits) = self.model.accounts.get(&account) else {
                    ensure!(self, "S10", false, "{account:?} has no limits");
                    continue;
                };
                let is_own =
                    |other: &OrderCommand| account == AccountId::ALL || other.account == account;
                self.rate(limits.max_messages, limits.rate_window, messages, is_own)?;
                let live = self.model.live.iter().map(|id| &self.model.orders[id].command);
                let live = live.chain(unsent.iter().copied());
                let live = live.filter(|order| is_own(order)).count();
                let most = usize::from(limits.max_open_orders);
                ensure!(self, "open_orders", live <= most, "{live} of {account:?}, {most}");
                let fits = order.qty_lots <= limits.max_order_lots;
                ensure!(self, "order_size", fits, "{order:?} is too large for {account:?}");
            }
        }
        Ok(())
    }

    /// Counts the messages of one kind that were sent in the window, `unsent` ones included.
    fn rate(
        &self,
        most: u16,
        window: Span,
        unsent: &[&OrderCommand],
        is_counted: impl Fn(&OrderCommand) -> bool,
    ) -> Result<(), Violation> {
        let recent = self.model.messages.iter().rev();
        let recent = recent.take_while(|(at, _)| self.now.since(*at) < window);
        let recent = recent.filter(|(_, order)| is_counted(order)).count();
        let recent = recent + unsent.iter().filter(|order| is_counted(order)).count();
        let fits = recent <= usize::from(most);
        ensure!(self, "S10", fits, "{recent} messages in the window, {most} allowed");
        Ok(())
    }

    /// Looks which levels are met, of the spreads of which a leg was quoted.
    pub(super) fn met_levels(&mut self) {
        let touched = std::mem::take(&mut self.model.touched);
        let mut seen = Vec::new();
        for (number, spread) in &self.model.spreads {
            let spec = &spread.spec;
            if touched.contains(number) {
                let met = Intent::ALL.iter().copied().filter(|intent| {
                    let level = level(spec, *intent);
                    // A level that is never met is at an end of what there is.
                    ![i64::MIN, i64::MAX].contains(&level) && self.meets(spec, *intent, level, 1)
                });
                seen.push((*number, met.collect::<Vec<_>>()));
            }
        }
        for (number, met) in seen {
            if let Some(spread) = self.model.spreads.get_mut(&number) {
                spread.met.retain(|intent, _| met.contains(intent));
                met.into_iter().for_each(|intent| {
                    spread.met.entry(intent).or_insert(self.now);
                });
            }
        }
    }

    /// What a fire took from a book can bring another spread to its level: a ratio whose
    /// denominator comes above zero with that.
    pub(super) fn met_by_taking(&mut self) {
        let mut seen = Vec::new();
        for (number, spread) in self.model.spreads.iter().filter(|(_, row)| row.fire.is_none()) {
            for intent in Intent::ALL {
                let level = level(&spread.spec, *intent);
                let is_level = ![i64::MIN, i64::MAX].contains(&level);
                if is_level && self.meets(&spread.spec, *intent, level, 1) {
                    seen.push((*number, *intent));
                }
            }
        }
        for (number, intent) in seen {
            if let Some(spread) = self.model.spreads.get_mut(&number) {
                spread.met.entry(intent).or_insert(self.now);
            }
        }
    }

    /// Forgets which levels have fired where the value of one unit has left them.
    pub(super) fn left_levels(&mut self) {
        let mut left = Vec::new();
        for (number, spread) in &self.model.spreads {
            for intent in &spread.spent {
                let spec = &spread.spec;
                let away = spec.hysteresis_e9;
                let level = level(spec, *intent);
                let bound = if intent.is_buy() { level + away } else { level - away };
                let stands = self.stands_at(spec, *intent, 1, bound.into());
                let is_there = stands.is_none_or(|stands| {
                    if intent.is_buy() { stands.is_le() } else { stands.is_ge() }
                });
                if !is_there || away == 0 {
                    left.push((*number, *intent));
                }
            }
        }
        for (number, intent) in left {
            if let Some(spread) = self.model.spreads.get_mut(&number) {
                spread.spent.remove(&intent);
            }
        }
    }
}

pub(super) fn legs(spec: &SpreadSpec) -> impl Iterator<Item = &LegSpec> {
    spec.legs.iter().take(usize::from(spec.leg_count))
}

pub(super) fn level(spec: &SpreadSpec, intent: Intent) -> i64 {
    match intent {
        Intent::OpenLong => spec.buy_open_e9,
        Intent::CloseLong => spec.buy_close_e9,
        Intent::OpenShort => spec.sell_open_e9,
        Intent::CloseShort => spec.sell_close_e9,
    }
}

/// Whether a value that stands so to a level meets it.
pub(super) fn is_met(intent: Intent, stands: Ordering) -> bool {
    if intent.is_buy() { stands.is_le() } else { stands.is_ge() }
}

/// How the difference or the ratio at these prices stands to a number.
pub(super) fn stands(
    spec: &SpreadSpec,
    intent: Intent,
    prices_e9: &[i64; MAX_LEGS],
    at_e9: i128,
) -> Option<Ordering> {
    let (plus, minus) = sums(spec, intent, prices_e9);
    match spec.trigger.measure {
        Measure::Difference => Some((plus - minus).cmp(&(at_e9 << 32))),
        Measure::Ratio if minus <= 0 => None,
        // The remainder decides where the quotients are the same.
        Measure::Ratio => {
            let whole = plus.checked_mul(1_000_000_000)?;
            let (quotient, rest) = (whole.div_euclid(minus), whole.rem_euclid(minus));
            Some(quotient.cmp(&at_e9).then(rest.cmp(&0)))
        }
    }
}

/// All that is added and all that is taken off at these prices, Q32.
pub(super) fn sums(spec: &SpreadSpec, intent: Intent, prices_e9: &[i64; MAX_LEGS]) -> (i128, i128) {
    let short = i128::from(spec.trigger.short_constant_e9);
    let (mut plus, mut minus) = (i128::from(spec.constant_e9) + short, short);
    (plus, minus) = (plus << 32, minus << 32);
    // Fees are paid either way: what is bought costs them more, what is sold brings them less.
    let paid = if intent.is_buy() { 1 } else { -1 };
    let of_short = i128::from(spec.trigger.short_fee_e9);
    plus += ((i128::from(spec.trigger.fee_e9) - of_short) << 32) * paid;
    minus -= (of_short << 32) * paid;
    for ((leg, fee), price_e9) in legs(spec).zip(spec.trigger.fee_q32).zip(prices_e9) {
        let price = i128::from(*price_e9);
        let weight = i128::from(leg.coefficient_q32);
        let fee = price.abs() * i128::from(fee) * paid;
        if weight > 0 {
            plus += price * weight + fee;
        } else {
            minus += price * -weight - fee;
        }
    }
    (plus, minus)
}
