//! What met inside, asked again: who needs what by the model's own books, whom that may meet, at
//! which price, and what it leaves. Nothing of it goes to a venue: positions are compared with what
//! venues have traded as ever (S4).

use xmc_hotpath::desk::Outputs;
use xmc_hotpath::message::{
    AccountId, Detail, Event, Input, Intent, Internal, InternalSide, PositionEffect, RepairEnd,
    RepairWay, SafeState, Side, SpreadIndex, SpreadSpec,
};

use super::fire::legs;
use super::repair::full;
use super::{Checker, Violation};
use crate::balance::price::on_tick;
use crate::config::Rational;
use crate::sim::model::{ModelEnding, ModelFire, ModelSpread};

/// What a fire out of ratio needs of one leg, by one way.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    way: RepairWay,
    leg: usize,
    instrument: u32,
    side: Side,
    lots: u32,
    cost_e9: i64,
    /// By how much more the account holds, for each lot.
    sign: i64,
}

/// What ought to meet.
#[derive(Clone, Copy, Debug)]
struct Meets {
    own: Wanted,
    by: u32,
    theirs: Wanted,
}

impl Checker {
    /// The price of what meets in an instrument: rounded as internal balancing does.
    pub(super) fn inside_e9(&self, instrument: u32) -> Option<i64> {
        let row = self.model.instruments.get(&instrument)?;
        let (bids, asks) = (&row.quote.bids, &row.quote.asks);
        let (bid, ask) = (bids.best_e9(), asks.best_e9());
        if bids.best_lots() == 0 || asks.best_lots() == 0 || bid > ask {
            return None;
        }
        let middle = Rational::new(i128::from(bid) + i128::from(ask), 2)?;
        let rounded = on_tick(middle, Rational::whole(row.spec.tick_e9))?;
        let (whole, one) = rounded.parts();
        assert_eq!(one, 1, "a tick is a whole number of 1e-9");
        Some(i64::try_from(whole).ok()?.clamp(bid, ask))
    }

    /// 1 if a spread has legs whose needs may meet inside and is repaired, else 0.
    pub fn may_meet(&self) -> u64 {
        let mut repairs = self.model.spreads.values().map(|row| row.spec.repair);
        u64::from(repairs.any(|repair| repair.inside_legs != 0 && repair.tries > 0))
    }

    /// Whether a way may be taken at its cost, whatever the gates say.
    fn may_take(&self, row: &ModelSpread, fire: &ModelFire, way: RepairWay, cost_e9: i64) -> bool {
        let opens = fire.intent.is_open() == (way == RepairWay::Complete);
        let is_shut = self.opens_nothing(row, fire);
        let is_dear = !fire.is_flattening && cost_e9 > row.spec.repair.max_cost_e9;
        !(is_dear || opens && is_shut)
    }

    /// What a fire needs that may meet something, the cheaper way first.
    fn wanted(&self, number: u32) -> Vec<Wanted> {
        let Some(row) = self.model.spreads.get(&number) else { return Vec::new() };
        let Some(fire) = &row.fire else { return Vec::new() };
        let stands = self.model.safe() < SafeState::Halt && !self.model.is_killed;
        let is_open = fire.open_since.is_some() && !self.is_live(fire) && fire.lead.is_none();
        let is_repaired = row.spec.repair.tries > 0 && fire.may_repair;
        if !stands || !is_open || !is_repaired || self.is_spent(&row.spec, fire) {
            return Vec::new();
        }
        let ways = [RepairWay::Complete, RepairWay::Unwind];
        let found = ways.iter().zip(ways.iter().rev());
        let mut found: Vec<_> =
            found.filter_map(|(way, other)| self.wants(row, fire, *way, *other)).collect();
        found.sort_by_key(|wanted| wanted.cost_e9);
        found
    }

    fn wants(
        &self,
        row: &ModelSpread,
        fire: &ModelFire,
        way: RepairWay,
        other: RepairWay,
    ) -> Option<Wanted> {
        let spec = &row.spec;
        let most = full(spec, fire);
        let seen = self.see(row, fire, way, most, true);
        let cost_e9 = seen.cost_e9.ok().filter(|cost| self.may_take(row, fire, way, *cost))?;
        let [need] = seen.needs[..] else { return None };
        let instrument = spec.legs[need.leg].instrument.0;
        let market = &self.model.instruments[&instrument];
        let opens = fire.intent.is_open() == (way == RepairWay::Complete);
        let is_trading = self.model.hours.get(&instrument).is_none_or(|hours| {
            let until = if opens { hours.opening_until } else { hours.until };
            hours.from <= self.now && self.now < until
        });
        let is_doubted = opens && self.model.doubted.iter().any(|(row, _)| *row == instrument);
        let is_allowed = spec.repair.inside_legs & (1 << need.leg) != 0;
        if !is_allowed || !is_trading || is_doubted || !market.spec.is_tradable {
            return None;
        }
        let in_books = self.see(row, fire, other, most, false).cost_e9;
        let in_books = in_books.ok().filter(|cost| self.may_take(row, fire, other, *cost));
        if in_books.is_some_and(|cost| cost < cost_e9) {
            return None;
        }
        let (leg, side, lots) = (need.leg, need.side, need.lots);
        Some(Wanted { way, leg, instrument, side, lots, cost_e9, sign: if opens { 1 } else { -1 } })
    }

    /// What a fire that is looked at meets; `None` if nothing.
    fn find_met(&self, number: u32) -> Option<Meets> {
        let spec = &self.model.spreads.get(&number)?.spec;
        for own in self.wanted(number) {
            for (by, row) in self.model.spreads.iter().filter(|(by, _)| **by != number) {
                let other = &row.spec;
                let is_walled = other.account != spec.account
                    || (other.strategy != spec.strategy
                        && !(spec.repair.inside_across && other.repair.inside_across));
                if is_walled {
                    continue;
                }
                let fits = |theirs: &&Wanted| {
                    theirs.instrument == own.instrument
                        && theirs.side != own.side
                        && self.has_room(spec, &own, theirs)
                };
                if let Some(theirs) = self.wanted(*by).iter().find(fits) {
                    return Some(Meets { own, by: *by, theirs: *theirs });
                }
            }
        }
        None
    }

    fn has_room(&self, spec: &SpreadSpec, own: &Wanted, theirs: &Wanted) -> bool {
        let more = (own.sign + theirs.sign) * i64::from(own.lots.min(theirs.lots));
        let fits = |account: AccountId| {
            let limits = self.model.accounts.get(&account);
            let most = limits.map_or(0, |limits| i64::from(limits.max_position_lots));
            self.model.gross.get(&account).copied().unwrap_or(0) + more <= most
        };
        more <= 0 || (fits(spec.account) && fits(AccountId::ALL))
    }

    /// Nothing goes to a market, or waits for it, that another spread's need would meet.
    pub(super) fn nothing_meets(&self, spread: SpreadIndex) -> Result<(), Violation> {
        let missed = self.find_met(spread.0);
        ensure!(self, "inside", missed.is_none(), "{spread:?} is not met by {missed:?}");
        Ok(())
    }

    /// Of what was quoted nothing is left that ought to meet. What is sent, or meets, is seen with
    /// the next quote.
    pub(super) fn left_apart(&self, input: &Input<'_>, outputs: &Outputs) -> Result<(), Violation> {
        let Event::Quote { quote, more: false } = input.event else { return Ok(()) };
        let has_met = outputs.details().any(|detail| matches!(detail, Detail::Internal(_)));
        if has_met || outputs.order_count() > 0 {
            return Ok(());
        }
        for (number, row) in &self.model.spreads {
            if legs(&row.spec).any(|leg| leg.instrument == quote.instrument) {
                self.nothing_meets(SpreadIndex(*number))?;
            }
        }
        Ok(())
    }

    /// What met inside: that it ought to, at which price, and how many; then both have it. Returns
    /// the fires that it ended.
    pub(super) fn met_inside(
        &mut self,
        told: &Internal,
        input: &Input<'_>,
        outputs: &Outputs,
    ) -> Result<Vec<ModelEnding>, Violation> {
        let pair = [told.buy.spread, told.sell.spread];
        for spread in pair {
            self.unfollowed(spread, input, outputs)?;
        }
        let [buyer, seller] = pair.map(|spread| self.model.spreads.get(&spread.0));
        let accounts = [buyer, seller].map(|row| row.map(|row| row.spec.account));
        let is_one_account = accounts == [Some(told.account); 2];
        ensure!(self, "inside", is_one_account, "{told:?} between {accounts:?}");
        // One that has just begun to flatten is the one that was looked at.
        let begun = pair.into_iter().find(|spread| self.flattens(*spread));
        let looked_at = begun.map_or(pair.to_vec(), |spread| vec![spread]);
        let found = looked_at.iter().filter_map(|own| {
            let found = self.find_met(own.0)?;
            let other = if *own == pair[0] { pair[1] } else { pair[0] };
            (found.by == other.0).then_some((*own, found))
        });
        // Of two that wait either may have been looked at, and may want another leg first.
        let found: Vec<_> = found.collect();
        let is_told =
            |(_, found): &&(SpreadIndex, Meets)| found.own.instrument == told.instrument.0;
        let found = found.iter().find(is_told).or(found.first()).copied();
        let Some((own, found)) = found else {
            ensure!(self, "inside", false, "{told:?}, and nothing ought to meet");
            return Ok(Vec::new());
        };
        let (buy, sell) = match own == pair[0] {
            true => (found.own, found.theirs),
            false => (found.theirs, found.own),
        };
        let lots = buy.lots.min(sell.lots);
        let instrument = told.instrument.0;
        let is_same = (told.lots, instrument) == (lots, buy.instrument)
            && (buy.side, sell.side) == (Side::Buy, Side::Sell);
        ensure!(self, "inside", is_same, "{told:?}, expected {buy:?} and {sell:?}");
        let quote = &self.model.instruments[&instrument].quote;
        let (bid_e9, ask_e9) = (quote.bids.best_e9(), quote.asks.best_e9());
        let is_between = bid_e9 <= told.price_e9 && told.price_e9 <= ask_e9;
        ensure!(self, "inside", is_between, "{told:?} outside of {bid_e9} and {ask_e9}");
        let price_e9 = self.inside_e9(instrument);
        let prices = (Some(told.price_e9), told.bid_e9, told.ask_e9);
        let ought = (price_e9, bid_e9, ask_e9);
        ensure!(self, "inside", prices == ought, "{told:?}, the price is {price_e9:?}");
        for (side, wanted) in [(&told.buy, &buy), (&told.sell, &sell)] {
            let expected = self.told_of(side.spread, wanted, lots, told.price_e9);
            ensure!(self, "inside", *side == expected, "{side:?}, expected {expected:?}");
        }
        // What one has more the other has less: the lots of the account stay.
        let mut sum = 0;
        for (side, wanted) in [(told.buy, buy), (told.sell, sell)] {
            let row = self.model.spreads.get_mut(&side.spread.0);
            let fire = row.and_then(|row| row.fire.as_mut());
            let Some(fire) = fire else { continue };
            let counted = fire.count(wanted.leg, wanted.way == RepairWay::Complete, lots);
            fire.pay(wanted.leg, wanted.side, told.price_e9, counted);
            let signed = i64::from(counted);
            sum += if wanted.side == Side::Buy { signed } else { -signed };
        }
        ensure!(self, "inside", sum == 0, "{told:?} leaves {sum} lots to nobody");
        self.model.hold(told.account, (buy.sign + sell.sign) * i64::from(lots));
        self.inside += 1;
        self.inside_lots += u64::from(lots);
        let ended = pair.into_iter().filter_map(|spread| self.model.settle(self.now, spread));
        Ok(ended.collect())
    }

    /// Whether a fire that is spent begins to flatten now; then the model's does.
    fn flattens(&mut self, spread: SpreadIndex) -> bool {
        let now = self.now;
        let Some(row) = self.model.spreads.get(&spread.0) else { return false };
        let spec = row.spec;
        let begins = row.fire.as_ref().is_some_and(|fire| {
            !fire.is_flattening
                && spec.repair.then == RepairEnd::Flatten
                && self.is_spent(&spec, fire)
        });
        let row = self.model.spreads.get_mut(&spread.0).filter(|_| begins);
        if let Some(fire) = row.and_then(|row| row.fire.as_mut()) {
            (fire.is_flattening, fire.tries, fire.open_since) = (true, 0, Some(now));
        }
        begins
    }

    /// What ought to be told of one side.
    fn told_of(
        &self,
        spread: SpreadIndex,
        wanted: &Wanted,
        lots: u32,
        price_e9: i64,
    ) -> InternalSide {
        let row = &self.model.spreads[&spread.0];
        let (spec, leg) = (&row.spec, &row.spec.legs[wanted.leg]);
        let many = i128::from(lots);
        let by_lot = i128::from(spec.repair.fee_e9[wanted.leg]) * many;
        let value = (i128::from(price_e9) * many).abs();
        let by_value = (value * i128::from(spec.repair.fee_q32[wanted.leg])) >> 32;
        let of_unit = i128::from(leg.coefficient_q32 / i64::from(leg.ratio_lots));
        let saved = ((by_lot + by_value) * of_unit) >> 32;
        let saved = (saved * i128::from(spec.repair.money_q32)) >> 32;
        let children = self.model.children(wanted.instrument, wanted.side, lots.into());
        let opens = children.iter().filter(|(effect, _)| *effect == PositionEffect::Open);
        let opens: u64 = opens.map(|(_, lots)| *lots).sum();
        InternalSide {
            spread,
            intent: row.fire.as_ref().map_or(Intent::OpenLong, |fire| fire.intent),
            leg: u8::try_from(wanted.leg).unwrap_or(u8::MAX),
            way: wanted.way,
            needed_lots: wanted.lots,
            cost_e9: wanted.cost_e9,
            saved_e9: i64::try_from(saved).unwrap_or(i64::MAX),
            opens_lots: u32::try_from(opens).unwrap_or(u32::MAX),
        }
    }
}
