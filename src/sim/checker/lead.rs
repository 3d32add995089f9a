//! Legs in order, asked again: which one leads, that the others follow what it has filled and no
//! more, at once, and that it is told what holds them back.

use xmc_hotpath::desk::Outputs;
use xmc_hotpath::message::{
    Credits, Decision, Detail, Event, Follow, FollowStep, Gate, Input, LegSpec, MAX_LEGS, Obstacle,
    OrderCommand, OrderId, SafeState, Side, SpreadIndex, SpreadSpec,
};

use super::fire::legs;
use super::repair::{BELIEVED, Need};
use super::{Checker, Violation};
use crate::sim::model::lead::told;
use crate::sim::model::{ModelFire, ModelOrder, ModelSpread, Ratio};

impl Checker {
    /// The leg with the fewest units tradable: lots shown at its limit or better, by its ratio.
    pub(super) fn leads(&self, spec: &SpreadSpec, decision: &Decision) -> usize {
        let tradable = |number: usize| {
            let leg = &spec.legs[number];
            let is_buy = (leg.ratio_lots > 0) == decision.intent.is_buy();
            self.shows(
                spec,
                &Need {
                    leg: number,
                    side: if is_buy { Side::Buy } else { Side::Sell },
                    lots: 0,
                    worst_e9: self.price(leg, decision.intent, decision.units).unwrap_or(0),
                    sum_e9: 0,
                },
            )
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

    /// Lots that the book of a leg shows at its limit or better, without what was taken.
    fn shows(&self, spec: &SpreadSpec, need: &Need) -> u64 {
        let leg = &spec.legs[need.leg];
        let row = &self.model.instruments[&leg.instrument.0];
        let (depth, taken) = match need.side {
            Side::Buy => (&row.quote.asks, row.taken_asks),
            Side::Sell => (&row.quote.bids, row.taken_bids),
        };
        let shown = depth.price_e9.iter().zip(&depth.lots).take_while(|(_, lots)| **lots > 0);
        let within = shown.filter(|(price_e9, _)| match need.side {
            Side::Buy => **price_e9 <= need.worst_e9 + leg.pay_up_e9,
            Side::Sell => **price_e9 >= need.worst_e9 - leg.pay_up_e9,
        });
        let lots: u64 = within.map(|(_, lots)| u64::from(*lots)).sum();
        lots.saturating_sub(taken.into())
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
        planned_e9: &[i64; MAX_LEGS],
    ) -> Vec<OrderCommand> {
        let Some(lead) = lead else { return Vec::new() };
        let mut fire = ModelFire::new(decision.intent, decision.units, self.now);
        fire.planned_e9 = *planned_e9;
        let needs = self.followers(spec, (&fire, lead), decision.units);
        let whole = |need: &Need| {
            let commands = self.commands(spec, need);
            let lots = commands.iter().map(|order| order.qty_lots).sum();
            commands.first().map(|first| OrderCommand { qty_lots: lots, ..*first })
        };
        needs.iter().filter_map(whole).collect()
    }

    /// A fire was sent; if one leg leads, that the others wait for it was told.
    pub(super) fn waiting(&self, index: SpreadIndex, outputs: &Outputs) -> Result<(), Violation> {
        let fire = self.model.spreads.get(&index.0).and_then(|row| row.fire.as_ref());
        let ought = fire.is_some_and(|fire| fire.lead.is_some());
        let is_told =
            follows(outputs).any(|told| told.spread == index && told.step == FollowStep::Waits);
        ensure!(self, "lead", is_told == ought, "{fire:?}: that legs wait was told: {is_told}");
        Ok(())
    }

    /// What is told of legs that wait is so, and what follows from it was sent.
    pub(super) fn follow(
        &mut self,
        found: &Follow,
        orders: &[&OrderCommand],
        input: &Input<'_>,
        outputs: &Outputs,
    ) -> Result<(), Violation> {
        let index = found.spread;
        let spread = self.model.spreads.get(&index.0);
        let decided = spread.and_then(|row| {
            let fire = row.fire.as_ref()?;
            Some((row, fire, fire.lead?))
        });
        let step = found.step;
        if step == FollowStep::Pulled {
            return self.pulled(found, &input.credits);
        }
        let is_held = matches!(step, FollowStep::HeldBack | FollowStep::GivenUp);
        let by = (found.obstacle, found.gate);
        let is_named = match found.obstacle {
            Obstacle::Nothing => !is_held && found.gate == Gate::Passed,
            Obstacle::Gate => is_held && found.gate != Gate::Passed,
            Obstacle::Depth | Obstacle::Orders => is_held && found.gate == Gate::Passed,
            _ => false,
        };
        ensure!(self, "lead", is_named, "{found:?}: {by:?}");
        if step.is_last() {
            // It was told with all others: `waived`.
            return Ok(());
        }
        let Some((spread, fire, lead)) = decided else {
            ensure!(self, "lead", false, "{found:?}, and nobody waits");
            return Ok(());
        };
        let units = if step == FollowStep::Waits { fire.units } else { spread.to_follow() };
        let mut expected = told(index, fire, lead, step, units);
        if step == FollowStep::Followed {
            expected.followed_units += units;
        }
        ensure!(self, "lead", plain(found) == expected, "{found:?}, expected {expected:?}");
        match step {
            FollowStep::Followed => self.followed(index, lead, orders, &input.credits),
            FollowStep::HeldBack => {
                let is_live = self.is_live(fire);
                ensure!(self, "lead", is_live, "{found:?}, and nothing of it can fill any more");
                let is_repeated = fire.held_by == Some(by);
                let is_all_told = self.model.detailing == Default::default();
                ensure!(self, "lead", !(is_repeated && is_all_told), "{found:?}, once more");
                self.is_held_back(index, input, outputs)?;
                let row = self.model.spreads.get_mut(&index.0);
                row.into_iter()
                    .filter_map(|row| row.fire.as_mut())
                    .for_each(|fire| fire.held_by = Some(by));
                if self.model.spreads[&index.0].fire.as_ref().is_some_and(|fire| fire.rests) {
                    self.model.stop_leading(index.0);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Legs that are not waited for any more were told, and why.
    pub(super) fn waived(&self, outputs: &Outputs) -> Result<(), Violation> {
        let told: Vec<_> = follows(outputs).filter(|told| told.step.is_last()).collect();
        let is_same = told.iter().map(|told| plain(told)).eq(self.model.waived.iter().copied());
        ensure!(self, "lead", is_same, "{told:?}, expected {:?}", self.model.waived);
        Ok(())
    }

    /// Orders that follow the leading leg of their fire.
    fn followed(
        &mut self,
        index: SpreadIndex,
        lead: usize,
        orders: &[&OrderCommand],
        credits: &Credits,
    ) -> Result<(), Violation> {
        let spread = self.model.spreads.get(&index.0);
        let Some((spread, fire)) = spread.and_then(|row| Some((row, row.fire.as_ref()?))) else {
            return Ok(());
        };
        let (spec, units, fire) = (spread.spec, spread.to_follow(), fire.clone());
        ensure!(self, "S3", !orders.is_empty(), "{index:?}: nothing follows, and that was told");
        ensure!(self, "lead", units > 0, "{orders:?} follow what is not filled: {fire:?}");
        ensure!(self, "lead", self.is_free(spread), "{orders:?} must not follow: {fire:?}");
        let fits = spread.has_room(&fire, orders.len(), self.model.leads_on(&fire));
        ensure!(self, "lead", fits, "{orders:?} leave no room for what else may follow");
        let is_open = fire.intent.is_open();
        let needs = self.followers(&spec, (&fire, lead), units);
        for need in &needs {
            let leg = &spec.legs[need.leg];
            ensure!(self, "S9", self.is_fresh(&spec, leg), "{orders:?} by a quote that is not");
            let is_shown = self.shows(&spec, need) > 0;
            ensure!(self, "lead", is_shown, "{orders:?} at limits at which the book shows nothing");
        }
        self.model.follow(index, units);
        let expected: Vec<_> = needs.iter().flat_map(|need| self.commands(&spec, need)).collect();
        self.same_orders(orders, &expected)?;
        let passes = self.passes(&spec, is_open, &needs, credits);
        ensure!(self, "lead", passes, "{orders:?} ought to be held back");
        for order in orders {
            self.new_id(order)?;
        }
        for order in orders {
            self.model.fired(self.now, order, true, is_open);
            self.model.is_follower(order);
        }
        self.holdings(&spec, is_open, 0)?;
        if let Some(fire) = self.model.spreads.get_mut(&index.0).and_then(|row| row.fire.as_mut()) {
            fire.orders.extend(orders.iter().map(|order| order.order_id));
        }
        self.followed += 1;
        self.batches(orders, credits, true, &[])
    }

    /// Whether anything may follow, its deadline apart.
    fn is_free(&self, spread: &ModelSpread) -> bool {
        let goes_on = |fire: &ModelFire| !fire.is_broken_off || fire.rests;
        spread.fire.as_ref().is_some_and(|fire| !self.is_barred(spread) && goes_on(fire))
    }

    /// Whether the state of the desk or of the spread lets nothing follow.
    fn is_barred(&self, spread: &ModelSpread) -> bool {
        let Some(fire) = &spread.fire else { return true };
        let safe = self.model.safe();
        let opens_nothing = spread.is_halted || safe == SafeState::Flatten;
        !fire.may_repair || safe == SafeState::Halt || (fire.intent.is_open() && opens_nothing)
    }

    /// Whether its fire is as old as its orders may take.
    fn is_past(&self, fire: &ModelFire) -> bool {
        !fire.rests && fire.started.after(fire.timeout) <= self.now
    }

    /// An order of a fire that the venue has and that nobody has asked to go. Nothing rests of what
    /// follows another leg: it is fill-and-kill.
    pub(super) fn resting(&self, fire: &ModelFire) -> Option<OrderId> {
        let rests = |id: &&OrderId| {
            let order = &self.model.orders[&id.0];
            let follows = fire.tries == 0 && order.sent > fire.started;
            let is_there = order.is_live && order.has_word && !order.is_unknown;
            is_there && !follows && order.cancels == 0
        };
        fire.orders.iter().find(rests).copied()
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
        let why = if spread.to_follow() == 0 {
            FollowStep::Unfilled
        } else if self.is_barred(spread) {
            FollowStep::Barred
        } else if is_over {
            FollowStep::Late
        } else {
            FollowStep::GivenUp
        };
        let is_explained = is_over || self.is_held_back(index, input, outputs)?;
        ensure!(self, "lead", is_explained, "nothing follows, nothing says why: {fire:?}");
        self.model.unled(index.0, why);
        let (now, row) = (self.now, self.model.spreads.get_mut(&index.0));
        if let Some(fire) = row.and_then(|row| row.fire.as_mut()) {
            fire.open_since.get_or_insert(now);
        }
        Ok(())
    }

    /// Whether what holds back what follows was told, now or before, and really does.
    fn is_held_back(
        &mut self,
        index: SpreadIndex,
        input: &Input<'_>,
        outputs: &Outputs,
    ) -> Result<bool, Violation> {
        let told = follows(outputs).find(|told| {
            told.spread == index && matches!(told.step, FollowStep::HeldBack | FollowStep::GivenUp)
        });
        let fire = self.model.spreads.get(&index.0).and_then(|row| row.fire.as_ref());
        let before = fire.and_then(|fire| fire.held_by);
        let by = told.map(|told| (told.obstacle, told.gate)).or(before);
        let is_free = self.would_follow(index, &input.credits);
        match by {
            Some((_, gate)) if BELIEVED.contains(&gate) => Ok(true),
            Some(_) => {
                ensure!(self, "lead", !is_free, "{by:?} is told, and nothing holds it back");
                Ok(true)
            }
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
        let is_there =
            |need: &Need| self.is_fresh(&spec, &spec.legs[need.leg]) && self.shows(&spec, need) > 0;
        let count = needs.iter().map(|need| self.commands(&spec, need).len()).sum();
        let leads_on = self.model.leads_on(fire);
        if !needs.iter().all(is_there) || !spread.has_room(fire, count, leads_on) {
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

    /// At once: after a fill of the leading leg, and after each quote while something is held back,
    /// nothing is left to follow that could.
    pub(super) fn at_once(
        &mut self,
        input: &Input<'_>,
        outputs: &Outputs,
    ) -> Result<(), Violation> {
        let looked_at: Vec<SpreadIndex> = match input.event {
            Event::Order(event) => {
                let order = self.model.known(event.order_id).filter(|_| self.model.is_new_fill);
                let is_lead = |order: &&ModelOrder| {
                    let row = self.model.spreads.get(&order.command.spread.0);
                    let fire = row.and_then(|row| row.fire.as_ref());
                    fire.is_some_and(|fire| fire.lead == Some(order.command.leg.into()))
                };
                order.filter(is_lead).map(|order| order.command.spread).into_iter().collect()
            }
            Event::Quote { quote, more: false } => {
                let is_held = |row: &ModelSpread| {
                    let has = |leg: &LegSpec| leg.instrument == quote.instrument;
                    let held = row.fire.as_ref().is_some_and(|fire| fire.held_by.is_some());
                    held && legs(&row.spec).any(has)
                };
                let rows = self.model.spreads.iter().filter(|(_, row)| is_held(row));
                rows.map(|(index, _)| SpreadIndex(*index)).collect()
            }
            _ => Vec::new(),
        };
        for index in looked_at {
            self.followed_at_once(index, input, outputs)?;
        }
        Ok(())
    }

    fn followed_at_once(
        &mut self,
        index: SpreadIndex,
        input: &Input<'_>,
        outputs: &Outputs,
    ) -> Result<(), Violation> {
        let Some(spread) = self.model.spreads.get(&index.0) else { return Ok(()) };
        let Some(fire) = spread.fire.clone().filter(|fire| fire.lead.is_some()) else {
            return Ok(());
        };
        let is_past = self.is_past(&fire);
        if is_past && spread.to_follow() > 0 && !self.is_barred(spread) {
            let rests = self.resting(&fire).filter(|_| self.model.leads_on(&fire));
            ensure!(self, "lead", rests.is_none(), "{rests:?} fills what is followed no more");
        }
        if spread.to_follow() == 0 || !self.is_free(spread) || is_past {
            return Ok(());
        }
        let is_held = self.is_held_back(index, input, outputs)?;
        ensure!(self, "lead", is_held, "{:?} is not followed: {fire:?}", input.event);
        Ok(())
    }
}

fn follows(outputs: &Outputs) -> impl Iterator<Item = &Follow> {
    outputs.details().filter_map(|detail| match detail {
        Detail::Follow(told) => Some(told),
        _ => None,
    })
}

/// Without what holds them back.
fn plain(told: &Follow) -> Follow {
    Follow {
        obstacle: Obstacle::Nothing,
        gate: Gate::Passed,
        leg: u8::MAX,
        seen: 0,
        limit: 0,
        ..*told
    }
}
