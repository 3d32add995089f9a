//! Fires whose legs go in order: what is kept for those that follow, and when such a fire ends.

use xmc_hotpath::message::{
    AccountId, Follow, FollowStep, Gate, Intent, Obstacle, OrderCommand, OrderId, Side, SpreadIndex,
};
use xmc_hotpath::time::{MonoNs, Span};

use super::{Model, ModelEnding, ModelFire, ModelSpread, Ratio};

/// Orders that a fire can have, and that a leg can become, as the desk has room for them.
const ORDERS: usize = 12;
const CHILDREN: usize = 3;

impl ModelSpread {
    /// Units that the leading leg has filled and nobody has followed, one by one; 0 if none leads.
    pub fn to_follow(&self) -> u32 {
        let Some((fire, lead)) = self.fire.as_ref().and_then(|fire| Some((fire, fire.lead?)))
        else {
            return 0;
        };
        let is_reached = |units: &u32| self.spec.lots(lead, *units) <= u64::from(fire.filled[lead]);
        let reached = (1..=fire.units).take_while(is_reached).last().unwrap_or(0);
        reached.saturating_sub(fire.followed)
    }

    /// Notes whether the leading leg has filled lots beyond whole units, one by one.
    pub fn part(&mut self, now: MonoNs) {
        let (units, spec) = (self.to_follow(), self.spec);
        let Some(fire) = self.fire.as_mut() else { return };
        let Some(lead) = fire.lead else { return };
        let whole = spec.lots(lead, fire.followed + units);
        let is_parted = u64::from(fire.filled[lead]) > whole;
        fire.parted = is_parted.then(|| fire.parted.unwrap_or(now));
    }

    /// Lots of each leg that are kept for what follows: bought, below zero sold.
    pub fn kept(&self) -> Vec<(usize, i64)> {
        let Some((fire, lead)) = self.fire.as_ref().and_then(|fire| Some((fire, fire.lead?)))
        else {
            return Vec::new();
        };
        let units = i64::from(fire.units - fire.followed);
        let legs = self.spec.legs.iter().enumerate().filter(|(leg, _)| *leg != lead);
        let sign = if fire.intent.is_buy() { 1 } else { -1 };
        legs.map(|(leg, spec)| (leg, sign * i64::from(spec.ratio_lots) * units)).collect()
    }

    /// Whether a fire has room for so many orders more; while its leading leg may still fill
    /// (`leads_on`) for a last batch of all followers as well.
    pub fn has_room(&self, fire: &ModelFire, more: usize, leads_on: bool) -> bool {
        let legs = self.spec.legs.iter().enumerate();
        let others = legs.filter(|(leg, spec)| spec.ratio_lots != 0 && Some(*leg) != fire.lead);
        let last = if leads_on { others.count() * CHILDREN } else { 0 };
        fire.orders.len() + more + last <= ORDERS
    }
}

impl Model {
    /// Lots kept in an instrument for what follows: to buy, to sell.
    pub fn kept(&self, instrument: u32) -> (i64, i64) {
        let (mut buys, mut sells) = (0, 0);
        for spread in self.spreads.values() {
            for (leg, lots) in spread.kept() {
                if spread.spec.legs[leg].instrument.0 == instrument {
                    buys += lots.max(0);
                    sells -= lots.min(0);
                }
            }
        }
        (buys, sells)
    }

    /// Counts the kept lots of a spread in its account, or (`sign` -1) out.
    fn hold_kept(&mut self, row: u32, sign: i64) {
        let Some(spread) = self.spreads.get(&row) else { return };
        let opens = spread.fire.as_ref().is_some_and(|fire| fire.intent.is_open());
        let (account, kept): (AccountId, Vec<_>) = (spread.spec.account, spread.kept());
        for (_, lots) in kept {
            self.hold(account, if opens { sign * lots.abs() } else { 0 });
        }
    }

    /// A fire has sent its first leg only: the lots of the others are kept.
    pub fn led(&mut self, row: u32) {
        self.hold_kept(row, 1);
    }

    /// Nothing follows any more, for this: what was kept is free.
    pub fn unled(&mut self, row: u32, why: FollowStep) {
        self.hold_kept(row, -1);
        let Some(fire) = self.spreads.get_mut(&row).and_then(|spread| spread.fire.as_mut()) else {
            return;
        };
        let units = fire.units - fire.followed;
        if let Some(lead) = fire.lead.take().filter(|_| units > 0) {
            self.waived.push(told(SpreadIndex(row), fire, lead, why, units));
        }
    }

    /// An order follows another leg: at the first deadline of its fire it is looked at only if it
    /// is as old as that.
    pub fn is_follower(&mut self, command: &OrderCommand) {
        let Some(row) = self.spreads.get(&command.spread.0) else { return };
        let Some(fire) = &row.fire else { return };
        if let Some(order) = self.orders.get_mut(&command.order_id.0) {
            let first = order.sent.after(fire.timeout);
            order.due = match (fire.rests, fire.is_broken_off) {
                (false, _) => fire.due.after(fire.timeout),
                // It is looked at when the cancel of what rested has had its time, or once more.
                (true, true) => first.after(fire.timeout),
                (true, false) => first,
            };
        }
    }

    /// An order rests: it takes nothing from a book.
    pub fn takes_nothing(&mut self, command: &OrderCommand) {
        if let Some(row) = self.instruments.get_mut(&command.instrument.0) {
            match command.side {
                Side::Buy => row.taken_asks -= command.qty_lots,
                Side::Sell => row.taken_bids -= command.qty_lots,
            }
        }
    }

    /// Whether a venue has an order that rests and that nobody has taken back.
    pub fn is_left_resting(&self, id: u64) -> bool {
        let order = &self.orders[&id];
        let row = self.spreads.get(&order.command.spread.0);
        let is_left = row.and_then(|row| row.fire.as_ref()).is_some_and(ModelFire::is_resting);
        order.has_word && is_left && self.is_of_resting(order.command.order_id)
    }

    /// Whether an order is of the leg of a fire that rests or has rested.
    pub fn is_of_resting(&self, id: OrderId) -> bool {
        let Some(order) = self.orders.get(&id.0) else { return false };
        let row = self.spreads.get(&order.command.spread.0);
        row.and_then(|row| row.fire.as_ref()).is_some_and(|fire| {
            let is_lead = fire.lead == Some(order.command.leg.into());
            fire.rests && fire.tries == 0 && is_lead && fire.orders.contains(&id)
        })
    }

    /// What follows another leg has as long again once the first deadline of its fire has been.
    pub fn past_first(&mut self, now: MonoNs) {
        for spread in self.spreads.values_mut() {
            let Some(fire) = spread.fire.as_mut().filter(|fire| fire.due <= now) else { continue };
            fire.due = MonoNs::NEVER;
            for id in fire.orders.iter().filter(|_| fire.tries == 0) {
                if let Some(order) = self.orders.get_mut(&id.0).filter(|of| of.sent > fire.started)
                {
                    order.due = order.due.max(now.after(fire.timeout));
                }
            }
        }
    }

    /// Whether an order of the leading leg may still fill.
    pub fn leads_on(&self, fire: &ModelFire) -> bool {
        let mut live = fire.orders.iter().filter(|id| self.live.contains(&id.0));
        live.any(|id| Some(usize::from(self.orders[&id.0].command.leg)) == fire.lead)
    }

    /// What rests of the leading leg goes: nothing follows it any more.
    pub fn stop_leading(&mut self, row: u32) {
        let fire = self.spreads.get(&row).and_then(|spread| spread.fire.as_ref());
        let leads_on = fire.is_some_and(|fire| self.leads_on(fire));
        let fire = self.spreads.get_mut(&row).and_then(|spread| spread.fire.as_mut());
        fire.into_iter().for_each(|fire| fire.is_broken_off |= leads_on);
    }

    /// An order is over that was not filled whole: if it follows a leg, that leg stops.
    pub(super) fn missed(&mut self, row: u32, id: OrderId) {
        let leg = usize::from(self.orders[&id.0].command.leg);
        let fire = self.spreads.get(&row).and_then(|spread| spread.fire.as_ref());
        let follows = |fire: &ModelFire| {
            fire.orders.contains(&id) && fire.lead.is_some_and(|lead| lead != leg)
        };
        if fire.is_some_and(follows) {
            self.stop_leading(row);
        }
    }

    /// So many units are about to follow: their lots are those of their orders from now on.
    pub fn follow(&mut self, spread: SpreadIndex, units: u32) {
        self.count_followed(spread.0, |followed| followed + units);
        let row = self.spreads.get_mut(&spread.0);
        if let Some(fire) = row.and_then(|row| row.fire.as_mut()) {
            fire.held_by = None;
        }
    }

    /// Counts units as followed, or not: what is kept changes by that.
    pub fn count_followed(&mut self, row: u32, count: impl FnOnce(u32) -> u32) {
        let Some(spread) = self.spreads.get_mut(&row) else { return };
        let before = spread.kept();
        let Some(fire) = &mut spread.fire else { return };
        fire.followed = count(fire.followed);
        let opens = fire.intent.is_open();
        let (account, after) = (spread.spec.account, spread.kept());
        // By as much as they are fewer: an account never holds less than nothing on the way.
        for ((_, was), (_, is)) in before.into_iter().zip(after) {
            self.hold(account, if opens { is.abs() - was.abs() } else { 0 });
        }
    }

    /// Ends a fire whose orders are all known, unless legs have still to follow, or it is out of
    /// ratio and is to be repaired: then the desk says when it ends, and the checker whether it
    /// may.
    pub fn settle(&mut self, now: MonoNs, index: SpreadIndex) -> Option<ModelEnding> {
        let spread = self.spreads.get(&index.0)?;
        let fire = spread.fire.as_ref()?;
        if fire.orders.iter().any(|id| self.live.contains(&id.0)) || spread.to_follow() > 0 {
            return None;
        }
        self.unled(index.0, FollowStep::Unfilled);
        let spread = self.spreads.get_mut(&index.0)?;
        let fire = spread.fire.as_mut()?;
        let is_aligned = spread.spec.is_whole(fire);
        if spread.spec.repair.tries > 0 && !is_aligned {
            fire.open_since.get_or_insert(now);
            return None;
        }
        let fire = spread.fire.take()?;
        let ending = spread.close(index, &fire);
        spread.ended = Some(fire.clone());
        self.rest_gone(index, &fire);
        Some(ending)
    }

    /// A fire is over: what rested of it has gone, by now.
    pub fn rest_gone(&mut self, index: SpreadIndex, fire: &ModelFire) {
        let Some(spread) = self.spreads.get_mut(&index.0).filter(|_| fire.rests) else { return };
        if let Some((order, gone)) = &mut spread.rested {
            let instrument = spread.spec.legs[usize::from(order.leg)].instrument;
            *gone = Some(self.instruments[&instrument.0].quote.received);
        }
    }
}

/// What is told of legs that wait; what holds them back is left out.
pub fn told(
    spread: SpreadIndex,
    fire: &ModelFire,
    lead: usize,
    step: FollowStep,
    units: u32,
) -> Follow {
    Follow {
        spread,
        intent: fire.intent,
        step,
        lead: u8::try_from(lead).unwrap_or(u8::MAX),
        lead_lots: fire.filled[lead],
        units,
        followed_units: fire.followed,
        obstacle: Obstacle::Nothing,
        gate: Gate::Passed,
        leg: u8::MAX,
        seen: 0,
        limit: 0,
    }
}

impl ModelFire {
    /// A fire of which nothing is known but its decision.
    pub fn new(intent: Intent, units: u32, started: MonoNs) -> Self {
        Self {
            intent,
            units,
            started,
            orders: Vec::new(),
            filled: Default::default(),
            level_e9: 0,
            planned_e9: Default::default(),
            slip_e9: Default::default(),
            tries: 0,
            open_since: None,
            is_flattening: false,
            is_broken_off: false,
            was_broken_off: false,
            may_repair: true,
            lead: None,
            followed: 0,
            held_by: None,
            due: started,
            timeout: Span(0),
            rests: false,
            parted: None,
            kept: Vec::new(),
        }
    }
}
