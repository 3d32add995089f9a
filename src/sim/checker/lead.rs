//! Legs in order, asked again: which one leads, that the others follow what it has filled and no
//! more, at once, and that it is told what holds them back.

use xmc_hotpath::desk::Outputs;
use xmc_hotpath::message::{
    Credits, Decision, Detail, Event, Gate, Input, MAX_LEGS, OrderCommand, SafeState, Side,
    SpreadIndex, SpreadSpec,
};

use super::fire::legs;
use super::repair::{BELIEVED, Need};
use super::{Checker, Violation};
use crate::sim::model::{ModelFire, ModelSpread, Ratio};

impl Checker {
    /// The leg with the fewest units tradable: lots shown at its limit or better, by its ratio.
    pub(super) fn leads(&self, spec: &SpreadSpec, decision: &Decision) -> usize {
        let tradable = |number: usize| {
            let leg = &spec.legs[number];
            let row = &self.model.instruments[&leg.instrument.0];
            let worst = self.price(leg, decision.intent, decision.units).unwrap_or(0);
            let is_buy = (leg.ratio_lots > 0) == decision.intent.is_buy();
            let (depth, taken) = if is_buy {
                (&row.quote.asks, row.taken_asks)
            } else {
                (&row.quote.bids, row.taken_bids)
            };
            let shown = depth.price_e9.iter().zip(&depth.lots).take_while(|(_, lots)| **lots > 0);
            let within = shown.filter(|(price_e9, _)| {
                if is_buy {
                    **price_e9 <= worst + leg.pay_up_e9
                } else {
                    **price_e9 >= worst - leg.pay_up_e9
                }
            });
            let lots: u64 = within.map(|(_, lots)| u64::from(*lots)).sum();
            lots.saturating_sub(taken.into())
        };
        let mut lead = None;
        for number in (0..legs(spec).count()).filter(|leg| spec.legs[*leg].ratio_lots != 0) {
            let units = |leg: usize| {
                let ratio = u64::from(spec.legs[leg].ratio_lots.unsigned_abs());
                (tradable(leg), ratio)
            };
            let is_less = lead.is_none_or(|lead| {
                let ((lots, ratio), (least, by)) = (units(number), units(lead));
                lots * by < least * ratio
            });
            lead = if is_less { Some(number) } else { lead };
        }
        lead.unwrap_or(0)
    }

    /// What each leg but `lead` trades in so many units, at the prices that were decided on.
    pub(super) fn followers(
        &self,
        spec: &SpreadSpec,
        decided: (&ModelFire, usize),
        units: u32,
    ) -> Vec<Need> {
        let (fire, lead) = decided;
        let numbers = (0..MAX_LEGS).filter(|leg| *leg != lead && spec.legs[*leg].ratio_lots != 0);
        let need = |leg: usize| Need {
            leg,
            side: if (spec.legs[leg].ratio_lots > 0) == fire.intent.is_buy() {
                Side::Buy
            } else {
                Side::Sell
            },
            lots: u32::try_from(spec.lots(leg, units)).unwrap_or(u32::MAX),
            worst_e9: fire.planned_e9[leg],
            sum_e9: 0,
        };
        numbers.map(need).collect()
    }

    /// Orders of the legs that will follow, as they may become at most; one for each leg.
    pub(super) fn later(
        &self,
        spec: &SpreadSpec,
        decision: &Decision,
        lead: Option<usize>,
    ) -> Vec<OrderCommand> {
        let Some(lead) = lead else { return Vec::new() };
        let mut fire = ModelFire::new(decision.intent, decision.units, self.now);
        fire.planned_e9 = self.planned(spec, decision);
        let needs = self.followers(spec, (&fire, lead), decision.units);
        let whole = |need: &Need| {
            let commands = self.commands(spec, need);
            let lots = commands.iter().map(|order| order.qty_lots).sum();
            commands.first().map(|first| OrderCommand { qty_lots: lots, ..*first })
        };
        needs.iter().filter_map(whole).collect()
    }

    /// Orders that no decision or repair leads to: those that follow a leg.
    pub(super) fn followed(
        &mut self,
        orders: &[&OrderCommand],
        credits: &Credits,
    ) -> Result<(), Violation> {
        let Some(first) = orders.first() else { return Ok(()) };
        let index = first.spread;
        let spread = self.model.spreads.get(&index.0);
        let Some((spread, fire)) = spread.and_then(|row| Some((row, row.fire.as_ref()?))) else {
            ensure!(self, "S3", false, "orders without a decision: {orders:?}");
            return Ok(());
        };
        let Some(lead) = fire.lead else {
            ensure!(self, "S3", false, "orders without a decision: {orders:?}");
            return Ok(());
        };
        let (spec, units, fire) = (spread.spec, spread.to_follow(), fire.clone());
        ensure!(self, "lead", units > 0, "{orders:?} follow what is not filled: {fire:?}");
        ensure!(self, "lead", self.is_free(spread), "{orders:?} must not follow: {fire:?}");
        let is_over = !self.leads_on(&fire);
        let fits = is_over || spread.has_room(&fire, orders.len());
        ensure!(self, "lead", fits, "{orders:?} leave no room for what else may follow");
        let is_open = fire.intent.is_open();
        let needs = self.followers(&spec, (&fire, lead), units);
        for need in &needs {
            let leg = &spec.legs[need.leg];
            ensure!(self, "S9", self.is_fresh(&spec, leg), "{orders:?} by a quote that is not");
        }
        self.model.follow(self.now, index, units);
        let expected: Vec<_> = needs.iter().flat_map(|need| self.commands(&spec, need)).collect();
        self.same_orders(orders, &expected)?;
        let passes = self.passes(&spec, is_open, &needs, credits);
        ensure!(self, "lead", passes, "{orders:?} ought to be held back");
        for order in orders {
            self.new_id(order)?;
        }
        for order in orders {
            self.model.fired(self.now, order, true, is_open);
        }
        self.holdings(&spec, is_open, 0)?;
        if let Some(fire) = self.model.spreads.get_mut(&index.0).and_then(|row| row.fire.as_mut()) {
            fire.orders.extend(orders.iter().map(|order| order.order_id));
        }
        self.followed += 1;
        self.batches(orders, credits, true, &[])
    }

    /// Whether an order of the leading leg may still fill.
    fn leads_on(&self, fire: &ModelFire) -> bool {
        let mut live = fire.orders.iter().filter(|id| self.model.live.contains(&id.0));
        live.any(|id| Some(usize::from(self.model.orders[&id.0].command.leg)) == fire.lead)
    }

    /// Whether anything may follow, its deadline apart.
    fn is_free(&self, spread: &ModelSpread) -> bool {
        let Some(fire) = &spread.fire else { return false };
        let safe = self.model.safe();
        let opens_nothing = spread.is_halted || safe == SafeState::Flatten;
        let is_barred = fire.intent.is_open() && opens_nothing;
        fire.may_repair && !fire.is_broken_off && !is_barred && safe != SafeState::Halt
    }

    /// Whether its deadline has come: then something was cancelled or is not known.
    fn is_past(&self, fire: &ModelFire) -> bool {
        let mut orders = fire.orders.iter().map(|id| &self.model.orders[&id.0]);
        orders.any(|order| order.cancels > 0 || order.is_unknown)
    }

    /// Legs that should have followed are given up: what is told says why.
    pub(super) fn unfollowed(
        &mut self,
        index: SpreadIndex,
        input: &Input<'_>,
        outputs: &Outputs,
    ) -> Result<(), Violation> {
        let Some(spread) = self.model.spreads.get(&index.0) else { return Ok(()) };
        let Some(fire) = spread.fire.clone().filter(|fire| fire.lead.is_some()) else {
            return Ok(());
        };
        ensure!(self, "S7", !self.is_live(&fire), "{index:?} is given up, orders of it are live");
        let is_over = spread.to_follow() == 0 || !self.is_free(spread) || self.is_past(&fire);
        let is_held = self.is_held_back(index, input, outputs)?;
        ensure!(self, "lead", is_over || is_held, "nothing follows, nothing says why: {fire:?}");
        self.model.unled(index.0);
        let (now, row) = (self.now, self.model.spreads.get_mut(&index.0));
        if let Some(fire) = row.and_then(|row| row.fire.as_mut()) {
            fire.open_since.get_or_insert(now);
        }
        Ok(())
    }

    /// Whether a gate was told that holds back what follows, and really does.
    fn is_held_back(
        &mut self,
        index: SpreadIndex,
        input: &Input<'_>,
        outputs: &Outputs,
    ) -> Result<bool, Violation> {
        let told = outputs.details().find_map(|detail| match detail {
            Detail::Decision(told)
                if told.spread == index && !matches!(told.gate, Gate::Passed | Gate::InFlight) =>
            {
                Some(told)
            }
            _ => None,
        });
        let is_free = self.would_follow(index, &input.credits);
        match told {
            Some(told) if !BELIEVED.contains(&told.gate) => {
                ensure!(self, "lead", !is_free, "{told:?}, and nothing holds it back");
                Ok(true)
            }
            Some(_) => Ok(true),
            // It may have been left out.
            None => Ok(!is_free && self.model.detailing != Default::default()),
        }
    }

    /// Whether what is to follow would pass every gate that the model keeps.
    fn would_follow(&mut self, index: SpreadIndex, credits: &Credits) -> bool {
        let spread = &self.model.spreads[&index.0];
        let (spec, units) = (spread.spec, spread.to_follow());
        let Some((fire, lead)) = spread.fire.as_ref().and_then(|fire| Some((fire, fire.lead?)))
        else {
            return false;
        };
        let (needs, is_open) = (self.followers(&spec, (fire, lead), units), fire.intent.is_open());
        if needs.iter().any(|need| !self.is_fresh(&spec, &spec.legs[need.leg])) {
            return false;
        }
        // What is kept for them is theirs.
        let gross = self.model.gross.clone();
        self.model.count_followed(index.0, |followed| followed + units);
        let passes = self.passes(&spec, is_open, &needs, credits);
        self.model.count_followed(index.0, |followed| followed - units);
        self.model.gross = gross;
        passes
    }

    /// At once: after a fill of the leading leg nothing is left to follow that could.
    pub(super) fn at_once(
        &mut self,
        input: &Input<'_>,
        outputs: &Outputs,
    ) -> Result<(), Violation> {
        let Event::Order(event) = &input.event else { return Ok(()) };
        let order = self.model.known(event.order_id);
        let Some(order) = order.filter(|_| self.model.is_new_fill) else {
            return Ok(());
        };
        let index = order.command.spread;
        let Some(spread) = self.model.spreads.get(&index.0) else { return Ok(()) };
        let Some(fire) = spread.fire.clone() else { return Ok(()) };
        let is_lead = fire.lead == Some(usize::from(order.command.leg));
        if !is_lead || spread.to_follow() == 0 || !self.is_free(spread) || self.is_past(&fire) {
            return Ok(());
        }
        let lead = fire.lead.unwrap_or(0);
        let needs = self.followers(&spread.spec, (&fire, lead), spread.to_follow());
        let count = needs.iter().map(|need| self.commands(&spread.spec, need).len()).sum();
        if self.leads_on(&fire) && !spread.has_room(&fire, count) {
            return Ok(());
        }
        let is_held = self.is_held_back(index, input, outputs)?;
        ensure!(self, "lead", is_held, "{event:?} is not followed: {fire:?}");
        Ok(())
    }
}
