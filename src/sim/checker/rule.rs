//! Rules of the user, asked again: what they hold back is held back, nothing else is, and all that
//! they decide is told with the figures that decided.

use std::collections::VecDeque;

use xmc_hotpath::desk::Outputs;
use xmc_hotpath::message::{
    AlertKind, Decision, Detail, Figure, Follow, Gate, Intent, LegSpec, MAX_LEGS, Measure, Repair,
    RuleAction, RulePoint, RuleStand, Ruling, SpreadSpec,
};

use super::fire::{legs, level, sums};
use super::repair::{money, residual};
use super::{Checker, Violation, alerts};
use crate::sim::model::rule::reckon;
use crate::sim::model::{ModelFire, ModelSpread, Ratio};

/// Rulings that have still to be told.
pub(super) type Due = VecDeque<Ruling>;

/// What rules are asked about.
#[derive(Clone, Copy)]
pub(super) struct Asked<'f> {
    pub point: RulePoint,
    pub intent: Intent,
    pub units: u32,
    pub fire: Option<&'f ModelFire>,
    pub costs_e9: [i64; 2],
}

impl<'f> Asked<'f> {
    pub const fn quote(intent: Intent, units: u32) -> Self {
        Self { point: RulePoint::Quote, intent, units, fire: None, costs_e9: [i64::MAX; 2] }
    }

    fn fire(point: RulePoint, fire: &'f ModelFire) -> Self {
        let (intent, units) = (fire.intent, fire.units);
        Self { point, intent, units, fire: Some(fire), costs_e9: [i64::MAX; 2] }
    }

    fn is_held_by(&self, action: RuleAction) -> bool {
        let opens = self.intent.is_open();
        action == RuleAction::HoldBack || (action == RuleAction::CloseOnly && opens)
    }
}

impl Checker {
    /// Rules of a spread that are met, in their order.
    pub(super) fn met_rules(&self, row: u32, asked: Asked<'_>) -> Vec<Ruling> {
        let Some(spread) = self.model.spreads.get(&row) else { return Vec::new() };
        let rules = self.model.rules.range((row, 0)..=(row, u8::MAX)).map(|(_, rule)| rule);
        let met = rules.filter(|rule| rule.point == asked.point).filter_map(|rule| {
            let figure = |figure, leg| self.figure(spread, asked, figure, leg);
            let (stand, step, [seen, limit]) = reckon(rule, &figure);
            (stand != RuleStand::Unmet).then_some(Ruling {
                spread: rule.spread,
                rule: rule.rule,
                point: asked.point,
                action: rule.action,
                intent: asked.intent,
                stand,
                step,
                seen,
                limit,
            })
        });
        met.collect()
    }

    /// The ruling that holds back what is about to be quoted.
    pub(super) fn held_by_rule(&self, row: u32, asked: Asked<'_>) -> Option<Ruling> {
        let spread = self.model.spreads.get(&row)?;
        if let Some((rule, until)) = spread.cools
            && asked.intent.is_open()
            && until > self.now
        {
            return Some(Ruling {
                spread: spread.spec.spread,
                rule,
                point: RulePoint::After,
                action: RuleAction::CoolDown,
                intent: asked.intent,
                stand: RuleStand::Cooling,
                step: u8::MAX,
                seen: i64::try_from(until.0 - self.now.0).unwrap_or(i64::MAX),
                limit: 0,
            });
        }
        let met = self.met_rules(row, asked);
        met.into_iter().find(|ruling| asked.is_held_by(ruling.action))
    }

    /// A fire passed every rule; what is met all the same is told.
    pub(super) fn passes_rules(&mut self, decision: &Decision) -> Result<(), Violation> {
        let asked = Asked::quote(decision.intent, decision.units);
        let held = self.held_by_rule(decision.spread.0, asked);
        ensure!(self, "user_rule", held.is_none(), "{decision:?}, and {held:?} holds it back");
        let met = self.met_rules(decision.spread.0, asked);
        self.rulings.extend(met);
        Ok(())
    }

    /// A rule holds a trigger back, as the decision says.
    pub(super) fn held_back(&mut self, decision: &Decision) -> Result<(), Violation> {
        let asked = Asked::quote(decision.intent, decision.units);
        let held = self.held_by_rule(decision.spread.0, asked);
        let told = Some((decision.seen, decision.limit));
        let ought = held.map(|held| (held.seen, held.limit));
        ensure!(self, "user_rule", told == ought, "{decision:?}, held back by {held:?}");
        self.rulings.extend(held);
        Ok(())
    }

    /// What rests was taken back for a rule.
    pub(super) fn pulled_by_rule(&mut self, found: &Follow) -> Result<(), Violation> {
        if found.gate != Gate::UserRule {
            return Ok(());
        }
        let held = self.held_resting(found.spread.0);
        let ought = held.map(|held| (held.seen, held.limit));
        let told = Some((found.seen, found.limit));
        ensure!(self, "user_rule", told == ought, "{found:?}, held back by {held:?}");
        // One that only holds back may be left out.
        let left_out = !self.model.detailing.has_refusal(Gate::UserRule);
        let is_told = |held: &Ruling| !left_out || held.action == RuleAction::CloseOnly;
        self.rulings.extend(held.filter(is_told));
        Ok(())
    }

    /// The ruling that does not let stay what rests.
    pub(super) fn held_resting(&self, row: u32) -> Option<Ruling> {
        let fire = self.model.spreads.get(&row).and_then(|spread| spread.fire.as_ref())?;
        self.held_by_rule(row, Asked::quote(fire.intent, fire.units - fire.followed))
    }

    /// What rules say before a fire is brought back into ratio, and whether they want it back.
    pub(super) fn met_on_hedge(&self, told: &Repair, fire: &ModelFire) -> (Vec<Ruling>, bool) {
        let costs_e9 = [told.complete.cost_e9, told.unwind.cost_e9];
        let asked = Asked { costs_e9, ..Asked::fire(RulePoint::Hedge, fire) };
        let met = self.met_rules(told.spread.0, asked);
        let unwinds = met.iter().any(|ruling| ruling.action == RuleAction::Unwind);
        (met, unwinds)
    }

    /// A fire has ended: what rules have to say of it.
    pub(super) fn ended(&mut self, row: u32) {
        let ended = self.model.spreads.get(&row).and_then(|spread| spread.ended.as_ref());
        let met = ended.map(|fire| self.met_rules(row, Asked::fire(RulePoint::After, fire)));
        self.rulings.extend(met.unwrap_or_default());
    }

    /// A ruling is told: it is the next one that is due. What follows from it follows.
    pub(super) fn ruling(&mut self, told: &Ruling) -> Result<(), Violation> {
        let left_out = !self.model.detailing.has_refusal(Gate::UserRule);
        // The decision that it belongs to is left out: how large it was nobody knows.
        let is_of_untold = left_out && told.action == RuleAction::CloseOnly;
        let ought = self.rulings.front().copied();
        if ought == Some(*told) {
            self.rulings.pop_front();
        } else {
            let rule = self.model.rules.get(&(told.spread.0, told.rule));
            let is_it = rule.is_some_and(|rule| rule.action == told.action);
            let is_due = is_of_untold && is_it && told.intent.is_open();
            ensure!(self, "user_rule", is_due, "{told:?}, expected {ought:?}");
        }
        let cool_down = self.model.rules.get(&(told.spread.0, told.rule));
        let until = cool_down.map(|rule| self.now.after(rule.cool_down));
        let Some(spread) = self.model.spreads.get_mut(&told.spread.0) else { return Ok(()) };
        match (told.action, until) {
            (RuleAction::CloseOnly, _) => spread.is_reducing |= spread.is_enabled,
            (RuleAction::CoolDown, Some(until))
                if told.stand != RuleStand::Cooling
                    && spread.cools.is_none_or(|(_, before)| before < until) =>
            {
                spread.cools = Some((told.rule, until));
            }
            _ => {}
        }
        Ok(())
    }

    /// A ruling where two fires may have ended at once, either first: the next one of its spread.
    pub(super) fn ruling_of_spread(&mut self, told: &Ruling) -> Result<(), Violation> {
        let own = self.rulings.iter().position(|due| due.spread == told.spread);
        if let Some(own) = own.and_then(|at| self.rulings.remove(at)) {
            self.rulings.push_front(own);
        }
        self.ruling(told)
    }

    /// Every ruling that was due was told, and each that somebody is to know of as an alert.
    pub(super) fn rulings_told(&mut self, outputs: &Outputs) -> Result<(), Violation> {
        let due = self.rulings.front();
        ensure!(self, "user_rule", due.is_none(), "{due:?} was not told");
        let is_for_people = |ruling: &&Ruling| {
            ruling.stand != RuleStand::Cooling
                && !matches!(ruling.action, RuleAction::HoldBack | RuleAction::Unwind)
        };
        let ought = rulings(outputs).filter(is_for_people).count();
        let told = alerts(outputs).filter(|alert| alert.kind == AlertKind::RuleMet).count();
        ensure!(self, "user_rule", told == ought, "{told} alerts of rules, {ought} are due");
        Ok(())
    }

    /// A figure as the model has it.
    fn figure(
        &self,
        spread: &ModelSpread,
        asked: Asked<'_>,
        figure: Figure,
        leg: u8,
    ) -> Option<i128> {
        let spec = &spread.spec;
        let number = usize::from(leg);
        let done = |fire: &ModelFire| spec.done(fire);
        let since = |ns: u64| i64::try_from(ns).ok().map(i128::from);
        let cost = |cost_e9: i64| (cost_e9 != i64::MAX).then_some(i128::from(cost_e9));
        if figure.has_leg() {
            let leg = legs(spec).nth(number)?;
            return self.of_leg(spec, asked, figure, (number, leg));
        }
        match figure {
            Figure::Value => self.value_of(spec, asked.intent),
            Figure::Level => level_of(spec, asked.intent),
            Figure::Gain => {
                let (value, level) =
                    (self.value_of(spec, asked.intent)?, level_of(spec, asked.intent)?);
                Some(if asked.intent.is_buy() { level - value } else { value - level })
            }
            Figure::Position => Some(spread.units.into()),
            Figure::Size => Some(asked.units.into()),
            Figure::Skew => {
                let ages: Vec<u64> = legs(spec).map(|leg| self.age(leg)).collect();
                let (oldest, youngest) = (ages.iter().max()?, ages.iter().min()?);
                since(oldest - youngest)
            }
            Figure::Fires => {
                let mut fires = 0;
                for (at, _) in &spread.fires {
                    fires += i128::from(self.now.since(*at) < spec.fire_window);
                }
                Some(fires)
            }
            Figure::SinceFire => since(self.now.since(spread.fires.last()?.0).0),
            Figure::Opens => Some(asked.intent.is_open().into()),
            Figure::Buys => Some(asked.intent.is_buy().into()),
            Figure::Utc => {
                let scale = self.model.clock?;
                let since = i128::from(self.now.0) - i128::from(scale.at.0);
                let utc = i128::from(scale.utc.0) + since;
                let is_known = since >= 0 && utc <= i128::from(u64::MAX);
                is_known.then(|| utc.rem_euclid(24 * 3_600 * 1_000_000_000))
            }
            Figure::Done => asked.fire.map(|fire| done(fire).into()),
            Figure::Whole => asked.fire.map(|fire| spec.is_whole(fire).into()),
            Figure::Slippage => {
                asked.fire.map(|fire| money(spec, fire, &[], 0, &[0; MAX_LEGS]).into())
            }
            Figure::Took => since(self.now.since(asked.fire?.started).0),
            Figure::Tries => asked.fire.map(|fire| fire.tries.into()),
            Figure::CompleteCost => cost(asked.costs_e9[0]),
            Figure::UnwindCost => cost(asked.costs_e9[1]),
            other => panic!("{other:?} is of a leg"),
        }
    }

    fn age(&self, leg: &LegSpec) -> u64 {
        self.now.since(self.model.instruments[&leg.instrument.0].quote.received).0
    }

    fn of_leg(
        &self,
        spec: &SpreadSpec,
        asked: Asked<'_>,
        figure: Figure,
        (number, leg): (usize, &LegSpec),
    ) -> Option<i128> {
        let row = &self.model.instruments[&leg.instrument.0];
        let (bids, asks) = (&row.quote.bids, &row.quote.asks);
        let price = |price_e9: i64, lots: u32| (lots > 0).then_some(i128::from(price_e9));
        Some(match figure {
            Figure::Age => i64::try_from(self.age(leg)).ok()?.into(),
            Figure::Bid => price(bids.price_e9[0], bids.lots[0])?,
            Figure::Ask => price(asks.price_e9[0], asks.lots[0])?,
            Figure::BidLots => bids.lots[0].into(),
            Figure::AskLots => asks.lots[0].into(),
            Figure::Lots => {
                let sign = match leg.ratio_lots {
                    0 => leg.coefficient_q32.signum(),
                    ratio => ratio.into(),
                };
                let (shown, taken) = match (sign > 0) == asked.intent.is_buy() {
                    true => (asks.lots[0], row.taken_asks),
                    false => (bids.lots[0], row.taken_bids),
                };
                (i128::from(shown) - i128::from(taken)).max(0)
            }
            Figure::Held => row.position.into(),
            Figure::Filled => asked.fire?.filled[number].into(),
            _ => {
                let fire = asked.fire?;
                residual(spec, fire, spec.done(fire))[number].into()
            }
        })
    }

    /// What one unit costs or brings at crossing prices.
    fn value_of(&self, spec: &SpreadSpec, intent: Intent) -> Option<i128> {
        let mut prices_e9 = [0; MAX_LEGS];
        for (slot, leg) in prices_e9.iter_mut().zip(legs(spec)) {
            *slot = self.price(leg, intent, 1)?;
        }
        let (plus, minus) = sums(spec, intent, &prices_e9);
        let value = match spec.trigger.measure {
            Measure::Difference => (plus - minus).div_euclid(1 << 32),
            Measure::Ratio if minus <= 0 => return None,
            Measure::Ratio => plus.checked_mul(1_000_000_000)?.div_euclid(minus),
        };
        Some(value.clamp(i64::MIN.into(), i64::MAX.into()))
    }
}

fn level_of(spec: &SpreadSpec, intent: Intent) -> Option<i128> {
    let level = level(spec, intent);
    let never = match intent {
        Intent::OpenLong | Intent::CloseShort => i64::MIN,
        Intent::CloseLong | Intent::OpenShort => i64::MAX,
    };
    (level != never).then_some(level.into())
}

/// Whether a ruling is of a fire that has just ended.
pub(super) fn is_after(told: &Ruling) -> bool {
    told.point == RulePoint::After && told.stand != RuleStand::Cooling
}

/// All that were told.
pub(super) fn rulings(outputs: &Outputs) -> impl Iterator<Item = &Ruling> {
    outputs.details().filter_map(|detail| match detail {
        Detail::Ruling(ruling) => Some(ruling),
        _ => None,
    })
}
