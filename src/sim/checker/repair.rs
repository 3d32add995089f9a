//! A repair, asked again: what the model's own books say of both ways, which is cheaper, and
//! whether anything may be sent at all. S7 and L2.

use xmc_hotpath::message::{
    Credits, Ending, Gate, LegSpec, MAX_LEGS, Measure, Obstacle, OrderAction, OrderCommand,
    QuoteQuality, Repair, RepairEnd, RepairWay, SafeState, Side, SpreadSpec, TimeInForce, Way,
};

use super::fire::legs;
use super::{Checker, Violation};
use crate::sim::model::{ModelEnding, ModelFire, ModelSpread, Ratio, cost};

/// Gates of which the model does not keep the figures: what is told of them is believed.
pub(super) const BELIEVED: [Gate; 2] = [Gate::Arena, Gate::AccountOrderSize];

/// What a leg would trade.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub leg: usize,
    pub side: Side,
    pub lots: u32,
    pub worst_e9: i64,
    pub sum_e9: i128,
}

/// A way as the model sees it.
pub(super) struct Seen {
    pub needs: Vec<Need>,
    /// `Err`: it cannot be priced, for this.
    pub cost_e9: Result<i64, Obstacle>,
}

impl Checker {
    /// Whether an order of the fire may still fill.
    pub(super) fn is_live(&self, fire: &ModelFire) -> bool {
        fire.orders.iter().any(|id| self.model.live.contains(&id.0))
    }

    /// A fire that ended out of ratio: it was not repaired, or that was given up for a reason.
    pub(super) fn given_up(&mut self, told: &Ending) -> Result<Option<ModelEnding>, Violation> {
        let number = told.spread.0;
        let Some(fire) = self.model.spreads.get(&number).and_then(|spread| spread.fire.clone())
        else {
            ensure!(self, "endings", false, "{told:?}, and no fire was on its way");
            return Ok(None);
        };
        let spec = self.model.spreads[&number].spec;
        ensure!(self, "S7", !self.is_live(&fire), "{told:?}, of which orders are live");
        let is_tried = self.is_spent(&spec, &fire)
            && (spec.repair.then == RepairEnd::Halt || fire.is_flattening);
        let is_stopped = self.model.safe() == SafeState::Halt || !fire.may_repair;
        let is_ended = is_tried || is_stopped || spec.repair.tries == 0;
        ensure!(self, "L2", is_ended, "{told:?} is given up, and nothing says why: {fire:?}");
        let spread = self.model.spreads.get_mut(&number);
        let ending = spread.and_then(|spread| {
            let fire = spread.fire.take()?;
            let ending = spread.close(told.spread, &fire);
            spread.ended = Some(fire);
            Some(ending)
        });
        self.model.rest_gone(told.spread, &fire);
        Ok(ending)
    }

    /// No try is left, or no time: twice as many tries as are told, as many of them as are told
    /// once it is flattened.
    pub(super) fn is_spent(&self, spec: &SpreadSpec, fire: &ModelFire) -> bool {
        let since = fire.open_since.unwrap_or(self.now);
        let rounds = if fire.is_flattening { 1 } else { 2 };
        let most = u32::from(spec.repair.tries) * rounds;
        u32::from(fire.tries) >= most || self.now >= since.after(spec.repair.within)
    }

    /// Whether nothing may be opened to mend a fire, whatever the gates say.
    pub(super) fn opens_nothing(&self, spread: &ModelSpread, fire: &ModelFire) -> bool {
        let tried = spread.spec.repair.tries;
        let is_last = fire.is_flattening || (tried..).contains(&fire.tries);
        is_last || spread.is_halted || self.model.safe() == SafeState::Flatten
    }

    /// One look at a fire out of ratio: both ways, the choice and its orders.
    pub(super) fn repair(
        &mut self,
        told: &Repair,
        orders: &[&OrderCommand],
        credits: &Credits,
    ) -> Result<(), Violation> {
        self.flattening(told)?;
        let spread = self.model.spreads.get(&told.spread.0);
        let Some((spread, fire)) = spread.and_then(|spread| Some((spread, spread.fire.as_ref()?)))
        else {
            ensure!(self, "S7", false, "{told:?} of no fire");
            return Ok(());
        };
        let spec = spread.spec;
        ensure!(self, "S7", !self.is_live(fire), "{told:?} while orders of it are live");
        ensure!(self, "S7", !self.is_spent(&spec, fire), "{told:?} after {} tries", fire.tries);
        let safe = self.model.safe();
        ensure!(
            self,
            "S16",
            safe < SafeState::Halt && !self.model.is_killed,
            "{told:?} in {safe:?}"
        );
        ensure!(self, "S8", fire.may_repair, "{told:?} of what a person must look at");
        let is_sent = told.way != RepairWay::Neither;
        let attempt = fire.tries + u8::from(is_sent);
        ensure!(self, "S7", told.attempt == attempt, "{told:?} is number {attempt}");
        self.nothing_meets(told.spread)?;
        let (done, full) = (spec.done(fire), full(&spec, fire));
        let ends = (told.done_units, told.full_units);
        ensure!(self, "repair", ends == (done, full.unwrap_or(0)), "{told:?}, {done} and {full:?}");
        let residual = residual(&spec, fire, done);
        ensure!(self, "repair", told.residual_lots == residual, "{told:?}, {residual:?} left");
        let mut free = Vec::new();
        for way in [RepairWay::Complete, RepairWay::Unwind] {
            let seen = self.see(spread, fire, way, full, false);
            let of = if way == RepairWay::Complete { &told.complete } else { &told.unwind };
            let opens_nothing = self.opens_nothing(spread, fire);
            self.way(told, of, way, (&seen, opens_nothing), credits)?;
            if of.obstacle == Obstacle::Nothing {
                free.push((of.cost_e9, way, seen));
            }
        }
        // The first of the cheapest: completing comes first.
        let (met, unwinds) = self.met_on_hedge(told, fire);
        if unwinds && free.iter().any(|(_, way, _)| *way == RepairWay::Unwind) {
            free.retain(|(_, way, _)| *way == RepairWay::Unwind);
        }
        let best = free.into_iter().min_by_key(|(cost_e9, ..)| *cost_e9);
        let chosen = best.as_ref().map_or(RepairWay::Neither, |(_, way, _)| *way);
        if chosen != RepairWay::Neither {
            self.rulings.extend(met);
        }
        ensure!(self, "cheaper", told.way == chosen, "{told:?}, and {chosen:?} is the cheaper way");
        match best {
            Some((_, way, seen)) => self.sent(told, way, &seen.needs, orders, credits),
            None => Ok(()),
        }
    }

    /// What opens nothing is all that is done from now on, whatever it costs.
    fn flattening(&mut self, told: &Repair) -> Result<(), Violation> {
        let now = self.now;
        let Some(spread) = self.model.spreads.get(&told.spread.0) else { return Ok(()) };
        let (spec, Some(fire)) = (spread.spec, &spread.fire) else { return Ok(()) };
        if fire.is_flattening == told.is_flattening {
            return Ok(());
        }
        let may = spec.repair.then == RepairEnd::Flatten && self.is_spent(&spec, fire);
        ensure!(
            self,
            "S7",
            may,
            "{told:?} flattens, {} of {} tries",
            fire.tries,
            spec.repair.tries
        );
        let fire = self.model.spreads.get_mut(&told.spread.0).and_then(|row| row.fire.as_mut());
        if let Some(fire) = fire {
            (fire.is_flattening, fire.tries, fire.open_since) = (true, 0, Some(now));
        }
        Ok(())
    }

    /// What a way takes and costs, by the model's own books or at the price of what meets inside.
    pub(super) fn see(
        &self,
        spread: &ModelSpread,
        fire: &ModelFire,
        way: RepairWay,
        full: Option<u32>,
        is_inside: bool,
    ) -> Seen {
        let spec = &spread.spec;
        let is_complete = way == RepairWay::Complete;
        let mut needs = Vec::new();
        let none = |obstacle, needs| Seen { needs, cost_e9: Err(obstacle) };
        let Some(units) = (if is_complete { full } else { Some(spec.done(fire)) }) else {
            return none(Obstacle::Beyond, needs);
        };
        let mut pricing = [0; MAX_LEGS];
        for (number, leg) in legs(spec).enumerate() {
            let lots = spec.lots(number, units).abs_diff(fire.filled[number].into());
            let only_prices = leg.ratio_lots == 0;
            if lots == 0 && !(only_prices && is_complete) {
                continue;
            }
            if !self.is_fresh(spec, leg) {
                return none(Obstacle::Gate, needs);
            }
            if only_prices {
                match self.price_of(leg, fire.intent, 1) {
                    Some(price) => pricing[number] = price,
                    None => return none(Obstacle::Depth, needs),
                }
                continue;
            }
            let lots = u32::try_from(lots).unwrap_or(u32::MAX);
            let is_bought = ((leg.ratio_lots > 0) == fire.intent.is_buy()) == is_complete;
            let row = &self.model.instruments[&leg.instrument.0];
            let inside = || {
                let price_e9 = self.inside_e9(leg.instrument.0)?;
                Some((price_e9, i128::from(price_e9) * i128::from(lots)))
            };
            let (side, priced) = if is_inside {
                (if is_bought { Side::Buy } else { Side::Sell }, inside())
            } else if is_bought {
                (Side::Buy, cost(&row.quote.asks, row.taken_asks, lots))
            } else {
                (Side::Sell, cost(&row.quote.bids, row.taken_bids, lots))
            };
            let Some((worst_e9, sum_e9)) = priced else { return none(Obstacle::Depth, needs) };
            needs.push(Need { leg: number, side, lots, worst_e9, sum_e9 });
        }
        let more = units - spec.done(fire);
        let cost_e9 = money(spec, fire, &needs, more, &pricing);
        Seen { needs, cost_e9: Ok(cost_e9) }
    }

    pub(super) fn is_fresh(&self, spec: &SpreadSpec, leg: &LegSpec) -> bool {
        let row = &self.model.instruments[&leg.instrument.0];
        let (state, epoch) = self.model.channels[&row.spec.feed.0];
        let is_current = row.quote.epoch == epoch && row.quote.stream == row.spec.feed;
        let age = self.now.since(row.quote.received);
        let is_good = row.quote.quality == QuoteQuality::Good;
        state.is_usable() && is_current && is_good && age <= spec.max_quote_age
    }

    /// What is told of a way is what the model sees.
    fn way(
        &self,
        told: &Repair,
        of: &Way,
        way: RepairWay,
        (seen, opens_nothing): (&Seen, bool),
        credits: &Credits,
    ) -> Result<(), Violation> {
        let cost_e9 = match seen.cost_e9 {
            Ok(cost_e9) => cost_e9,
            Err(obstacle) => {
                let is_so = of.obstacle == obstacle && of.cost_e9 == i64::MAX;
                ensure!(self, "repair", is_so, "{told:?}: {way:?} has {obstacle:?}");
                return Ok(());
            }
        };
        ensure!(self, "repair", of.cost_e9 == cost_e9, "{told:?}: {way:?} costs {cost_e9}");
        let spread = &self.model.spreads[&told.spread.0];
        let opens = told.intent.is_open() == (way == RepairWay::Complete);
        let is_dear = !told.is_flattening && cost_e9 > spread.spec.repair.max_cost_e9;
        let expected = if opens && opens_nothing {
            Obstacle::Opens
        } else if is_dear {
            Obstacle::Cost
        } else if BELIEVED.contains(&of.gate) {
            of.obstacle
        } else if self.passes(&spread.spec, opens, &seen.needs, credits) {
            Obstacle::Nothing
        } else {
            Obstacle::Gate
        };
        ensure!(self, "repair", of.obstacle == expected, "{told:?}: {way:?} has {expected:?}");
        Ok(())
    }

    /// Whether the orders of a way would pass every gate that the model keeps.
    pub(super) fn passes(
        &self,
        spec: &SpreadSpec,
        opens: bool,
        needs: &[Need],
        credits: &Credits,
    ) -> bool {
        let mut orders = Vec::new();
        for need in needs {
            let commands = self.commands(spec, need);
            let whole = commands.iter().fold(OrderCommand::NONE, |sum, one| OrderCommand {
                qty_lots: sum.qty_lots + one.qty_lots,
                ..*one
            });
            let is_shut = self.model.hours.get(&whole.instrument.0).is_some_and(|hours| {
                let until = if opens { hours.opening_until } else { hours.until };
                self.now < hours.from || self.now >= until
            });
            let is_doubted =
                opens && self.model.doubted.iter().any(|(row, _)| *row == whole.instrument.0);
            let is_admitted = self.admitted(&whole, 0, commands.len().saturating_sub(1)).is_ok();
            if is_shut || is_doubted || !is_admitted {
                return false;
            }
            orders.extend(commands);
        }
        let lots = orders.iter().map(|order| i64::from(order.qty_lots)).sum();
        if self.holdings(spec, opens, lots).is_err() {
            return false;
        }
        self.batches(&orders.iter().collect::<Vec<_>>(), credits, false, &[]).is_ok()
    }

    /// The orders of one leg of a way.
    pub(super) fn commands(&self, spec: &SpreadSpec, need: &Need) -> Vec<OrderCommand> {
        let leg = &spec.legs[need.leg];
        let contract = self.model.instruments[&leg.instrument.0].spec;
        let pay = if need.side == Side::Buy { leg.pay_up_e9 } else { -leg.pay_up_e9 };
        let children = self.model.children(leg.instrument.0, need.side, need.lots.into());
        let command = |(effect, lots): (_, u64)| OrderCommand {
            action: OrderAction::New,
            instrument: leg.instrument,
            security_id: contract.security_id,
            gateway: contract.gateway,
            side: need.side,
            time_in_force: TimeInForce::FillAndKill,
            effect,
            hedge: spec.hedge,
            price_e9: need.worst_e9 + pay,
            qty_lots: u32::try_from(lots).unwrap_or(u32::MAX),
            spread: spec.spread,
            leg: u8::try_from(need.leg).unwrap_or(u8::MAX),
            strategy: spec.strategy,
            account: spec.account,
            project: spec.project,
            ..OrderCommand::NONE
        };
        children.into_iter().map(command).collect()
    }

    /// What was sent is what was expected, order by order.
    pub(super) fn same_orders(
        &self,
        orders: &[&OrderCommand],
        expected: &[OrderCommand],
    ) -> Result<(), Violation> {
        ensure!(self, "S7", expected.len() == orders.len(), "{orders:?}, expected {expected:?}");
        for (number, (order, expected)) in orders.iter().zip(expected).enumerate() {
            let expected = OrderCommand {
                order_id: order.order_id,
                orders_left: u8::try_from(orders.len() - number - 1).unwrap_or(u8::MAX),
                caused: self.now,
                ..*expected
            };
            ensure!(self, "S7", **order == expected, "{order:?}, expected {expected:?}");
        }
        Ok(())
    }

    /// What was sent is what the way takes, order by order, and no more than is out of ratio.
    fn sent(
        &mut self,
        told: &Repair,
        way: RepairWay,
        needs: &[Need],
        orders: &[&OrderCommand],
        credits: &Credits,
    ) -> Result<(), Violation> {
        let spec = self.model.spreads[&told.spread.0].spec;
        let expected: Vec<_> = needs.iter().flat_map(|need| self.commands(&spec, need)).collect();
        self.same_orders(orders, &expected)?;
        for (number, order) in orders.iter().enumerate() {
            let before = orders[..number].iter();
            let before: Vec<_> =
                before.filter(|other| other.instrument == order.instrument).collect();
            let lots = before.iter().map(|other| i64::from(other.qty_lots)).sum();
            self.admitted(order, lots, before.len())?;
            self.new_id(order)?;
        }
        let is_toward = way == RepairWay::Complete;
        let opens = told.intent.is_open() == is_toward;
        for order in orders {
            self.model.fired(self.now, order, is_toward, opens);
        }
        self.holdings(&spec, opens, 0)?;
        let fire = self.model.spreads.get_mut(&told.spread.0).and_then(|row| row.fire.as_mut());
        if let Some(fire) = fire {
            fire.orders.extend(orders.iter().map(|order| order.order_id));
            fire.tries += 1;
            fire.timeout = spec.ack_timeout;
            (fire.is_broken_off, fire.was_broken_off) = (false, false);
        }
        *self.repairs.entry(way).or_default() += 1;
        self.batches(orders, credits, true, &[])
    }
}

/// The fewest units that cover what is filled, if they are not more than were asked for.
pub(super) fn full(spec: &SpreadSpec, fire: &ModelFire) -> Option<u32> {
    (0..=fire.units).find(|units| {
        (0..MAX_LEGS).all(|leg| spec.lots(leg, *units) >= u64::from(fire.filled[leg]))
    })
}

pub(super) fn residual(spec: &SpreadSpec, fire: &ModelFire, done: u32) -> [i64; MAX_LEGS] {
    std::array::from_fn(|leg| {
        let over = u64::from(fire.filled[leg]) - spec.lots(leg, done);
        let over = i64::try_from(over).expect("a schedule trades few lots");
        let is_bought = (spec.legs[leg].ratio_lots > 0) == fire.intent.is_buy();
        if is_bought { over } else { -over }
    })
}

/// What the fire will have cost beyond what was planned, in money.
pub(super) fn money(
    spec: &SpreadSpec,
    fire: &ModelFire,
    needs: &[Need],
    more_units: u32,
    pricing: &[i64; MAX_LEGS],
) -> i64 {
    let mut value = 0_i128;
    for (number, leg) in legs(spec).enumerate().filter(|(_, leg)| leg.ratio_lots != 0) {
        let mut paid = fire.slip_e9[number];
        for need in needs.iter().filter(|need| need.leg == number) {
            let planned = i128::from(fire.planned_e9[number]) * i128::from(need.lots);
            let sign = if need.side == Side::Buy { 1 } else { -1 };
            let fee = i128::from(spec.repair.fee_e9[number]) * i128::from(need.lots);
            let share = need.sum_e9.abs() * i128::from(spec.repair.fee_q32[number]);
            paid += sign * (need.sum_e9 - planned) + fee + (share >> 32);
        }
        value += paid * i128::from(leg.coefficient_q32 / i64::from(leg.ratio_lots));
    }
    let short = i128::from(spec.trigger.short_constant_e9) << 32;
    let (mut at_plan, mut short) = (i128::from(spec.constant_e9) << 32, short);
    for (number, leg) in legs(spec).enumerate() {
        let is_traded = leg.ratio_lots != 0;
        let price = if is_traded { fire.planned_e9[number] } else { pricing[number] };
        at_plan += i128::from(price) * i128::from(leg.coefficient_q32);
        short -= i128::from(price) * i128::from(leg.coefficient_q32.min(0));
    }
    let at_level = match spec.trigger.measure {
        Measure::Difference => i128::from(fire.level_e9) << 32,
        // What may be added at most or is to be at least, less what is taken off.
        Measure::Ratio => (short * i128::from(fire.level_e9)).div_euclid(1_000_000_000) - short,
    };
    let behind = at_plan - at_level;
    let behind = if fire.intent.is_buy() { behind } else { -behind };
    value += behind * i128::from(more_units);
    let money = ((value >> 32) * i128::from(spec.repair.money_q32)) >> 32;
    i64::try_from(money.clamp(i64::MIN.into(), i64::MAX.into())).expect("it was limited to that")
}
