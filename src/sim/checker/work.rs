//! A leg that rests, asked again: at which price it may, and that it is taken back as soon as it
//! may not stand there.

use xmc_hotpath::desk::Outputs;
use xmc_hotpath::message::{
    Credits, Decision, Event, Follow, FollowStep, Gate, Input, LegSpec, MAX_LEGS, Obstacle,
    OrderAction, OrderCommand, SafeState, SessionState, Side, SpreadIndex, SpreadSpec,
};
use xmc_hotpath::time::MonoNs;

use super::fire::{is_met, legs, level, stands};
use super::{Checker, Violation};
use crate::sim::model::lead::told;
use crate::sim::model::{ModelFire, ModelSpread};

/// The book of the leg that rests, prices counted so that more is better for the market.
struct Best {
    sign: i64,
    own: i64,
    other: Option<i64>,
    tick: i64,
}

impl Best {
    /// The best that an order may have, whatever its level.
    fn most(&self, improve: i64) -> i64 {
        self.other.map_or(self.own, |other| (self.own + improve).min(other - self.tick))
    }
}

impl Checker {
    /// An order rests at the best price for the market that the level and the spread allow.
    pub(super) fn rests(
        &self,
        spec: &SpreadSpec,
        decision: &Decision,
        planned_e9: &[i64; MAX_LEGS],
    ) -> Result<(), Violation> {
        let is_asked = decision.rests == spec.work.leg;
        ensure!(self, "work", is_asked, "{decision:?}: another leg is to rest");
        let gone = self.model.spreads[&decision.spread.0].rested;
        let Some(best) = self.best(spec, decision.intent.is_buy(), gone) else {
            ensure!(self, "work", false, "{decision:?}: nobody is on its side of the book");
            return Ok(());
        };
        let price = best.sign * planned_e9[usize::from(decision.rests)];
        let is_on_grid = (price - best.own) % best.tick == 0;
        ensure!(self, "work", is_on_grid, "{decision:?}: {price} is between two steps");
        let most = best.most(spec.work.improve_e9);
        ensure!(self, "work", price <= most, "{decision:?}: {price} is beyond {most}");
        let behind = best.own - price;
        let is_near = behind <= spec.work.behind_e9;
        ensure!(self, "work", is_near, "{decision:?}: {behind} behind the others");
        // Or one step more would not meet the level.
        let mut nearer = *planned_e9;
        nearer[usize::from(decision.rests)] += best.sign * best.tick;
        let level = level(spec, decision.intent);
        let stands = stands(spec, decision.intent, &nearer, level.into());
        let meets = stands.is_some_and(|stands| is_met(decision.intent, stands));
        let is_best = price == most || !meets;
        ensure!(self, "work", is_best, "{decision:?}: {price} could be one step better");
        Ok(())
    }

    /// The market of the leg that rests. What the same quote showed of an order that has `gone` is
    /// nobody's.
    fn best(
        &self,
        spec: &SpreadSpec,
        is_buy: bool,
        gone: Option<(OrderCommand, Option<MonoNs>)>,
    ) -> Option<Best> {
        let leg = spec.legs.get(usize::from(spec.work.leg))?;
        let row = &self.model.instruments[&leg.instrument.0];
        let (bids, asks) = (&row.quote.bids, &row.quote.asks);
        let (sign, own, other) =
            if (leg.ratio_lots > 0) == is_buy { (1, bids, asks) } else { (-1, asks, bids) };
        let is_own = |price_e9: i64, lots: u32| {
            gone.is_some_and(|(order, quoted)| {
                quoted == Some(row.quote.received)
                    && order.leg == spec.work.leg
                    && (order.side == Side::Buy) == (sign == 1)
                    && order.price_e9 == price_e9
                    && order.qty_lots >= lots
            })
        };
        let levels = own.price_e9.iter().copied().zip(own.lots);
        let mut others = levels.filter(|(price_e9, lots)| *lots > 0 && !is_own(*price_e9, *lots));
        Some(Best {
            sign,
            own: sign * others.next()?.0,
            other: (other.best_lots() > 0).then(|| sign * other.best_e9()),
            tick: row.spec.tick_e9,
        })
    }

    /// What rests was taken back: there was something, and a reason.
    pub(super) fn pulled(&mut self, found: &Follow, credits: &Credits) -> Result<(), Violation> {
        let spread = self.model.spreads.get(&found.spread.0);
        let fire = spread.and_then(|row| row.fire.as_ref()).filter(|fire| fire.is_resting());
        let Some((spread, fire)) = spread.zip(fire) else {
            ensure!(self, "work", false, "{found:?}, and nothing rests");
            return Ok(());
        };
        let lead = fire.lead.unwrap_or_default();
        let units = fire.units - fire.followed;
        let Follow { obstacle, gate, leg, seen, limit, .. } = *found;
        let ought = told(found.spread, fire, lead, FollowStep::Pulled, units);
        let ought = Follow { obstacle, gate, leg, seen, limit, ..ought };
        ensure!(self, "work", *found == ought, "{found:?}, expected {ought:?}");
        let reason = self.reason(spread, fire, credits);
        let is_explained = reason == Some(obstacle)
            || (gate == Gate::SelfMatch && self.holds_back_a_repair(found.spread, &spread.spec));
        ensure!(self, "work", is_explained, "{found:?}, and the reason is {reason:?}");
        let is_named = (obstacle == Obstacle::Gate) == (gate != Gate::Passed);
        ensure!(self, "work", is_named, "{found:?} names no reason");
        // What the venue has is asked to go with that.
        let rests = self.resting(fire);
        ensure!(self, "work", rests.is_none(), "{found:?}, and {rests:?} is not cancelled");
        self.pulled_by_rule(found)?;
        self.pulled += 1;
        if let Some(row) = self.model.spreads.get_mut(&found.spread.0) {
            row.fire.iter_mut().for_each(|fire| fire.is_broken_off = true);
        }
        Ok(())
    }

    /// Whether another pair that trades what rests is out of ratio.
    fn holds_back_a_repair(&self, index: SpreadIndex, spec: &SpreadSpec) -> bool {
        let own = spec.legs[usize::from(spec.work.leg)].instrument;
        let mut others = self.model.spreads.iter().filter(|(row, _)| **row != index.0);
        others.any(|(_, row)| {
            let is_open = |fire: &ModelFire| fire.open_since.is_some();
            let trades = |leg: &LegSpec| leg.ratio_lots != 0 && leg.instrument == own;
            row.fire.as_ref().is_some_and(is_open) && legs(&row.spec).any(trades)
        })
    }

    /// Why what rests may not stay; `None` if it may.
    fn reason(
        &self,
        spread: &ModelSpread,
        fire: &ModelFire,
        credits: &Credits,
    ) -> Option<Obstacle> {
        let (spec, opens) = (&spread.spec, fire.intent.is_open());
        let safe = self.model.safe();
        let stands = safe < SafeState::NoNew || (safe == SafeState::NoNew && !opens);
        let may = spread.is_enabled && !spread.is_halted && !(opens && spread.is_reducing);
        let is_full = credits.record_used_pct > if opens { 50 } else { 75 };
        if !stands || !may || is_full {
            return Some(Obstacle::Gate);
        }
        if self.is_parted_long(fire) {
            return Some(Obstacle::Part);
        }
        if !self.holds(spec, opens) || self.held_resting(spec.spread.0).is_some() {
            return Some(Obstacle::Gate);
        }
        let lead = fire.lead.filter(|lead| *lead == usize::from(spec.work.leg));
        let units = (fire.units - fire.followed).max(1);
        let mut prices = [0; MAX_LEGS];
        for (number, (slot, leg)) in prices.iter_mut().zip(legs(spec)).enumerate() {
            if fire.lead == Some(number) {
                continue;
            }
            match self.price(leg, fire.intent, units) {
                Some(price_e9) => *slot = price_e9,
                // The leg that is to rest now is none that the others lean on.
                None if lead.is_none() => {}
                None => return Some(Obstacle::Depth),
            }
        }
        let stays = lead.is_some_and(|lead| self.stays(spec, fire, (lead, prices)));
        (!stays).then_some(Obstacle::Price)
    }

    /// Whether the price of what rests is still one that it may have.
    fn stays(
        &self,
        spec: &SpreadSpec,
        fire: &ModelFire,
        (lead, prices): (usize, [i64; MAX_LEGS]),
    ) -> bool {
        let level = level(spec, fire.intent);
        let meets = |price: i64| {
            let mut prices = prices;
            prices[lead] = price;
            let stands = stands(spec, fire.intent, &prices, level.into());
            stands.is_some_and(|stands| is_met(fire.intent, stands))
        };
        let Some(best) = self.best(spec, fire.intent.is_buy(), None) else { return false };
        let mut orders = fire.orders.iter().map(|id| &self.model.orders[&id.0]);
        let Some(order) = orders.find(|of| of.is_live && usize::from(of.command.leg) == lead)
        else {
            return true;
        };
        let price = best.sign * order.command.price_e9;
        let is_level = ![i64::MIN, i64::MAX].contains(&level);
        if !is_level || !meets(best.sign * (price - spec.work.slop_e9)) {
            return false;
        }
        if price >= best.own {
            return true;
        }
        let next = price + spec.work.lag_e9 + best.tick;
        let is_free = next <= best.most(spec.work.improve_e9) && meets(best.sign * next);
        !is_free && best.own - price <= spec.work.behind_e9 + spec.work.lag_e9
    }

    /// The gates of state and time of all legs.
    fn holds(&self, spec: &SpreadSpec, opens: bool) -> bool {
        let received = |leg: &LegSpec| {
            self.now.since(self.model.instruments[&leg.instrument.0].quote.received).0
        };
        let ages: Vec<u64> = legs(spec).map(received).collect();
        let skew = ages.iter().max().unwrap_or(&0) - ages.iter().min().unwrap_or(&0);
        let leg_holds = |leg: &LegSpec| {
            let row = leg.instrument.0;
            let contract = &self.model.instruments[&row].spec;
            let is_doubted = self.model.doubted.iter().any(|(doubted, _)| *doubted == row);
            let session = self.model.sessions[usize::from(contract.gateway.0)];
            let can_trade = contract.is_tradable && session == Some(SessionState::Up);
            self.is_fresh(spec, leg)
                && !(opens && is_doubted)
                && (leg.ratio_lots == 0 || (self.is_open(row) && can_trade))
        };
        skew <= spec.max_quote_skew.0 && legs(spec).all(leg_holds)
    }

    /// Whether something may rest in an instrument now: as long as something may be opened.
    fn is_open(&self, row: u32) -> bool {
        let hours = self.model.hours.get(&row);
        hours.is_none_or(|hours| hours.from <= self.now && self.now < hours.opening_until)
    }

    /// Whether a part of a unit has been filled for as long as an answer may take.
    fn is_parted_long(&self, fire: &ModelFire) -> bool {
        fire.parted.is_some_and(|since| self.now >= since.after(fire.timeout))
    }

    /// What rests and was looked at may stay; and no time has passed for any.
    pub(super) fn still_rests(
        &self,
        input: &Input<'_>,
        outputs: &Outputs,
    ) -> Result<(), Violation> {
        // What these take from a book is seen with its next quote.
        let takes = outputs.orders().any(|order| order.action == OrderAction::New);
        if matches!(input.event, Event::Quote { more: true, .. }) {
            return Ok(());
        }
        for (number, spread) in &self.model.spreads {
            let Some(fire) = spread.fire.as_ref().filter(|fire| fire.is_resting()) else {
                continue;
            };
            if !self.model.leads_on(fire) {
                continue;
            }
            let index = SpreadIndex(*number);
            let is_timely = |leg: &LegSpec| {
                let row = leg.instrument.0;
                let age = self.now.since(self.model.instruments[&row].quote.received);
                age <= spread.spec.max_quote_age && (leg.ratio_lots == 0 || self.is_open(row))
            };
            let timely = legs(&spread.spec).all(is_timely) && !self.is_parted_long(fire);
            ensure!(self, "work", timely, "{index:?} rests beyond its time");
            let is_looked_at = match input.event {
                Event::Quote { quote, .. } => {
                    let is_leg = |leg: &LegSpec| leg.instrument == quote.instrument;
                    !takes && legs(&spread.spec).any(is_leg)
                }
                Event::Order(_) | Event::Clock(_) | Event::Tick => false,
                _ => !takes,
            };
            let reason = self.reason(spread, fire, &input.credits).filter(|_| is_looked_at);
            ensure!(self, "work", reason.is_none(), "{index:?} rests on, by {reason:?}: {fire:?}");
        }
        Ok(())
    }
}
