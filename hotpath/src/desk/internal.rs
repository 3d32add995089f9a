//! Opposite needs of two spreads out of ratio, met inside before either goes to a market
//! (内部撮合).
//!
//! When a fire out of ratio is looked at, each way back into ratio that trades one leg only is
//! held against those of the other spreads that are out of ratio then. Where one needs to buy what
//! the other needs to sell, as many lots as both need change hands in the desk: both fires count
//! them as filled, no order is sent, no venue knows, and what the account holds does not change. It
//! is told (`Internal`), and what is left of either is looked at again, as if it had just come out
//! of ratio.
//!
//! - *Who*: spreads of one account that may (`RepairSpec::inside_legs`), and of one strategy unless
//!   both may meet others. Different accounts never meet, whatever is told: that is the wall
//!   (信息隔离).
//! - *Price*: the middle of best bid and ask, to the nearest tick, halves to the even one, held to
//!   bid and ask. There is none unless both sides are shown and do not cross, and for each fire the
//!   quote is as fresh as for its repairs.
//! - *Ways*: as for repairs, what opens only while something may be opened, and no dearer than
//!   they may be, fees counted as if they were paid; never one that is dearer than the other way
//!   would be in the books. Of two the cheaper comes first. Hours and doubts hold as for orders.
//!   Limits of orders and of messages do not: there is no order. Lots that open count against the
//!   limits of the account and the desk.
//! - *With whom*: of those that could the one in the lowest row.
//!
//! It chooses no best pairing of many, and knows nothing of margins: it tells how many lots would
//! have opened.
//!
//! Called by `repair`, only of spreads that may.

use super::fire::legs;
use super::repair::{Open, Supply};
use super::{Desk, Instrument, Outputs};
use crate::execute::repair::{self, Trade};
use crate::message::{
    InstrumentIndex, Internal, InternalSide, PositionEffect, RepairWay, Side, SpreadIndex,
    SpreadSpec,
};
use crate::price;
use core::cmp::Ordering;

/// What a fire out of ratio needs of one leg to come back into ratio by one way.
#[derive(Clone, Copy)]
struct Need {
    way: RepairWay,
    leg: u8,
    instrument: InstrumentIndex,
    side: Side,
    lots: u32,
    is_open: bool,
    price_e9: i64,
    cost_e9: i64,
}

/// What is met.
struct Met {
    own: Need,
    by: SpreadIndex,
    theirs: Need,
}

impl Instrument {
    /// `lots` at the price of what is met inside; `None` if the book does not say one.
    pub(super) fn inside(&self, side: Side, lots: u32) -> Option<Trade> {
        let (bids, asks) = (&self.quote.bids, &self.quote.asks);
        let is_shown = bids.best_lots() > 0 && asks.best_lots() > 0;
        let (bid_e9, ask_e9) = (bids.best_e9(), asks.best_e9());
        let tick_e9 = self.spec.as_ref()?.tick_e9;
        if !is_shown || bid_e9 > ask_e9 {
            return None;
        }
        let worst_e9 = middle_e9(bid_e9, ask_e9, tick_e9)?;
        // Below 2^63 * 2^32.
        let sum_e9 = price::widen(worst_e9).wrapping_mul(i128::from(lots));
        Some(Trade { side, lots, worst_e9, sum_e9 })
    }
}

/// The middle of bid and ask on a tick: the nearest, of two the even one; never outside of both.
fn middle_e9(bid_e9: i64, ask_e9: i64, tick_e9: i64) -> Option<i64> {
    let twice = price::widen(bid_e9).wrapping_add(price::widen(ask_e9));
    let two_ticks = u128::try_from(tick_e9).ok()?.checked_mul(2)?;
    let ticks = price::floor_div(twice, two_ticks)?;
    let below = ticks.checked_mul(price::widen(tick_e9))?;
    // Twice what is above the tick below, less than two ticks.
    let rest = twice.checked_sub(below.checked_mul(2)?)?;
    let is_up = match rest.cmp(&price::widen(tick_e9)) {
        Ordering::Less => false,
        Ordering::Equal => ticks & 1 == 1,
        Ordering::Greater => true,
    };
    let nearest = if is_up { below.checked_add(price::widen(tick_e9))? } else { below };
    Some(price::saturate(nearest).max(bid_e9).min(ask_e9))
}

/// Whether lots of the two may change hands: no wall is between them.
fn is_open_between(one: &SpreadSpec, other: &SpreadSpec) -> bool {
    let may_cross = one.repair.inside_across && other.repair.inside_across;
    one.account == other.account && (one.strategy == other.strategy || may_cross)
}

impl Desk<'_> {
    /// Whether anything of a spread may be met inside.
    pub(super) fn may_meet(&self, index: SpreadIndex) -> bool {
        let spec = self.table.spread(index).and_then(|row| row.spec.as_ref());
        spec.is_some_and(|spec| spec.repair.inside_legs != 0)
    }

    /// Meets what a fire out of ratio needs by what another one needs; says whether there was such
    /// a one. What is left of both is then to be looked at again.
    #[cold]
    #[inline(never)]
    pub(super) fn meet_inside(&mut self, index: SpreadIndex, outputs: &mut Outputs) -> bool {
        let Some(Met { own, by, theirs }) = self.find_met(index) else {
            return false;
        };
        let account = self.table.spread(index).and_then(|row| row.spec.as_ref());
        let Some(account) = account.map(|spec| spec.account) else {
            return false;
        };
        let lots = own.lots.min(theirs.lots);
        let [own_side, their_side] =
            [(index, &own), (by, &theirs)].map(|(row, need)| self.side_of(row, need, lots));
        let (Some(own_side), Some(their_side)) = (own_side, their_side) else {
            return false;
        };
        let (buy, sell) = match own.side {
            Side::Buy => (own_side, their_side),
            Side::Sell => (their_side, own_side),
        };
        let Some(market) = self.table.instrument(own.instrument) else {
            return false;
        };
        let told = Internal {
            instrument: own.instrument,
            account,
            lots,
            price_e9: own.price_e9,
            bid_e9: market.quote.bids.best_e9(),
            ask_e9: market.quote.asks.best_e9(),
            buy,
            sell,
        };
        for (row, need) in [(index, &own), (by, &theirs)] {
            if let Some(fire) = self.table.spread_mut(row).and_then(|row| row.fire.as_mut()) {
                fire.fill(need.leg, need.way == RepairWay::Complete, lots);
                fire.pay(need.leg, need.side, need.price_e9, lots);
                fire.waits_for = None;
            }
        }
        let more = opened(&own, &theirs, lots);
        self.with_accounts(account, |row| {
            row.gross_lots = row.gross_lots.saturating_add(more).max(0);
        });
        outputs.internal(told);
        self.end_fire(index, outputs);
        self.end_fire(by, outputs);
        true
    }

    /// What is told of one side.
    fn side_of(&self, index: SpreadIndex, need: &Need, lots: u32) -> Option<InternalSide> {
        let row = self.table.spread(index)?;
        let (fire, spec) = (row.fire.as_ref()?, row.spec.as_ref()?);
        let saved = repair::fee_e9(&spec.repair, &row.lot_q32, need.leg, lots, need.price_e9);
        let children = self.table.instrument(need.instrument)?.children(need.side, lots);
        let opens = children.iter().filter(|child| child.effect == PositionEffect::Open);
        Some(InternalSide {
            spread: index,
            intent: fire.intent,
            leg: need.leg,
            way: need.way,
            needed_lots: need.lots,
            cost_e9: need.cost_e9,
            saved_e9: saved.unwrap_or(i64::MAX),
            opens_lots: opens.map(|child| child.lots).fold(0, u32::saturating_add),
        })
    }

    /// What of a fire can be met, and by which other one.
    fn find_met(&self, index: SpreadIndex) -> Option<Met> {
        let spec = self.table.spread(index)?.spec.as_ref()?;
        self.needs(index).into_iter().flatten().find_map(|own| {
            let others = self.table.spreads_of(own.instrument).filter(|other| *other != index);
            let found = others.filter_map(|by| Some((by, self.met_by(spec, &own, by)?)));
            let (by, theirs) = found.min_by_key(|(by, _)| by.0)?;
            Some(Met { own, by, theirs })
        })
    }

    /// What another fire needs the other way round; `None` if nothing, or a wall is between.
    fn met_by(&self, spec: &SpreadSpec, own: &Need, by: SpreadIndex) -> Option<Need> {
        let other = self.table.spread(by)?.spec.as_ref()?;
        if !is_open_between(spec, other) {
            return None;
        }
        self.needs(by).into_iter().flatten().find(|need| {
            need.instrument == own.instrument
                && need.side != own.side
                && self.has_room(spec, own, need)
        })
    }

    /// Whether account and desk may hold what would be opened.
    fn has_room(&self, spec: &SpreadSpec, own: &Need, theirs: &Need) -> bool {
        let more = opened(own, theirs, own.lots.min(theirs.lots));
        let (_, account) = self.account(spec.account);
        more <= 0
            || [account, &self.whole].iter().all(|row| {
                let gross = row.gross_lots.saturating_add(more);
                gross <= i64::from(row.limits.max_position_lots)
            })
    }

    /// What a fire needs that may be met inside, the cheaper way first; nothing if it is not out of
    /// ratio, or not worked on any more.
    fn needs(&self, index: SpreadIndex) -> [Option<Need>; 2] {
        let none = [None; 2];
        let Some(row) = self.table.spread(index) else {
            return none;
        };
        let (Some(fire), Some(spec)) = (&row.fire, &row.spec) else {
            return none;
        };
        let is_spent = fire.is_spent(&spec.repair, self.now);
        let is_worked_on = row.is_unrepaired() && !row.is_led() && self.is_repaired(index);
        if spec.repair.inside_legs == 0 || !is_worked_on || is_spent {
            return none;
        }
        let Some(legs) = legs(spec, self.table.instruments) else {
            return none;
        };
        let ends = repair::ends(&spec.legs, fire);
        let open = Open { row, spec, fire, ends, legs: &legs };
        let [complete, unwind] = [
            self.need(&open, RepairWay::Complete, RepairWay::Unwind),
            self.need(&open, RepairWay::Unwind, RepairWay::Complete),
        ];
        match (&complete, &unwind) {
            (Some(one), Some(other)) if other.cost_e9 < one.cost_e9 => [unwind, complete],
            _ => [complete, unwind],
        }
    }

    /// What one way needs; `None` if it cannot be met inside, or the other way is cheaper in the
    /// books.
    fn need(&self, open: &Open<'_>, way: RepairWay, other: RepairWay) -> Option<Need> {
        let priced = self.price(open, way, Supply::Inside).ok()?;
        let cost_e9 = priced.cost_e9;
        self.allow(open, way, cost_e9).ok()?;
        let trades = priced.trades.iter().zip(0_u8..);
        let mut traded = trades.filter_map(|(trade, leg)| Some((trade.as_ref()?, leg)));
        let (trade, leg) = traded.next()?;
        if traded.next().is_some() || !open.spec.repair.is_inside(leg) {
            return None;
        }
        let market = open.legs.get(usize::from(leg)).copied().flatten()?;
        let instrument = open.spec.legs.get(usize::from(leg))?.instrument;
        let is_open = open.is_open(way);
        let is_tradable = market.spec.as_ref().is_some_and(|contract| contract.is_tradable);
        let is_doubted = is_open && market.doubts != 0;
        if !is_tradable || is_doubted || market.hours.admit(is_open, self.now).is_err() {
            return None;
        }
        let in_books = self.price(open, other, Supply::Book).ok();
        let in_books = in_books.filter(|of| self.allow(open, other, of.cost_e9).is_ok());
        if in_books.is_some_and(|of| of.cost_e9 < cost_e9) {
            return None;
        }
        let Trade { side, lots, worst_e9: price_e9, .. } = *trade;
        Some(Need { way, leg, instrument, side, lots, is_open, price_e9, cost_e9 })
    }
}

/// Lots that an account comes to hold by that, all legs counted; below zero: holds no more.
fn opened(own: &Need, theirs: &Need, lots: u32) -> i64 {
    let signed = |need: &Need| {
        let lots = i64::from(lots);
        if need.is_open { lots } else { lots.saturating_neg() }
    };
    signed(own).saturating_add(signed(theirs))
}
