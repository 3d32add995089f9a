//! One leg that rests (挂单): the price that the others and the level allow it.
//!
//! Pure and total, as `evaluate`. The other legs are priced where they could be crossed for the
//! size wanted. The leg that rests gets the best price for the market at which the level is still
//! met with them: never one that crosses, never one more than `improve_e9` better than the best
//! price of its own side, and none at all more than `behind_e9` behind it. Prices are found by
//! steps of the contract from that best price on, so nothing is divided.
//!
//! An order that rests stays while it stands at such a price, or nearly: not better for the market
//! than the level allows by more than the slop, and not so far behind that others who stand before
//! it could be overtaken. Who stands first of its side has no reason to move, so that an order
//! never overtakes itself. Nor does the next one overtake an order that has gone and that the book
//! still shows (`Gone`): a level of no more lots than that one had is nobody's.

use super::{LegBook, Trigger, Value, after_fees_q32, takes_asks, worst_price};
use crate::execute::most_units;
use crate::message::{Depth, Intent, LegSpec, MAX_LEGS, Side, SpreadSpec};
use crate::price::{self, NO_ASK_E9, NO_BID_E9};

/// What all legs but the one that rests cost, for one direction and size.
#[derive(Clone, Copy, Debug)]
pub struct Lean {
    is_buy: bool,
    units: u32,
    /// Their weighted prices and the constant.
    sum_q32: i128,
    prices_e9: [i64; MAX_LEGS],
}

/// An order of the spread's own that rested: until its market is quoted again, the book may show it
/// though it has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// The leg that rested.
    pub leg: u8,
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price_e9: i64,
    /// The lots that it was sent for.
    pub lots: u32,
}

/// A leg that rests and its market.
#[derive(Clone, Copy, Debug)]
struct Market<'b> {
    number: u8,
    leg: &'b LegSpec,
    side: Side,
    /// The best price of its side.
    own_e9: i64,
    /// The best price of the other one, if there is any.
    other_e9: Option<i64>,
    tick_e9: i64,
}

/// How an order that rests stands to what the others allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It stays.
    Stays,
    /// It is to be taken back; the price that it may have now, if there is one.
    Moves(Option<i64>),
    /// The others do not show the lots.
    Unleaned,
}

impl Lean {
    /// What the others cost for so many units; `None` if their books do not show the lots.
    #[must_use]
    pub fn of(
        spec: &SpreadSpec,
        books: &[LegBook<'_>; MAX_LEGS],
        is_buy: bool,
        units: u32,
    ) -> Option<Self> {
        let mut sum_q32 = price::to_q32(spec.constant_e9);
        let mut prices_e9 = [0; MAX_LEGS];
        let legs = spec.legs().iter().zip(books).zip(&mut prices_e9).zip(0_u8..);
        for (((leg, book), price_e9), number) in legs {
            if number == spec.work.leg {
                continue;
            }
            // Cannot overflow: a product of two `u32`.
            let lots = u64::from(leg.ratio_lots.unsigned_abs()).wrapping_mul(u64::from(units));
            let lots = lots.max(u64::from(leg.min_lean_lots)).max(1);
            *price_e9 = if takes_asks(leg, is_buy) {
                worst_price(book.asks, book.taken_ask_lots, lots)?
            } else {
                worst_price(book.bids, book.taken_bid_lots, lots)?
            };
            // Cannot overflow, as in `value`.
            sum_q32 = sum_q32.wrapping_add(price::weighted(*price_e9, leg.coefficient_q32));
        }
        Some(Self { is_buy, units, sum_q32, prices_e9 })
    }

    /// The spread's value with the leg that rests at `price_e9`.
    fn at(&self, spec: &SpreadSpec, market: &Market<'_>, price_e9: i64) -> Value {
        let mut prices_e9 = self.prices_e9;
        if let Some(slot) = prices_e9.get_mut(usize::from(market.number)) {
            *slot = price_e9;
        }
        let part_q32 = price::weighted(price_e9, market.leg.coefficient_q32);
        let mut sum_q32 = self.sum_q32.wrapping_add(part_q32);
        if spec.trigger.is_after_fees {
            sum_q32 = after_fees_q32(spec, sum_q32, &prices_e9, self.is_buy);
        }
        Value { sum_q32, prices_e9 }
    }

    fn meets(&self, spec: &SpreadSpec, market: &Market<'_>, level_e9: i64, price_e9: i64) -> bool {
        self.at(spec, market, price_e9).meets(spec, self.is_buy, level_e9)
    }
}

impl<'b> Market<'b> {
    /// Of the leg of a spread that rests; `None` if there is none, or nobody else on its side.
    fn of(
        spec: &'b SpreadSpec,
        books: &[LegBook<'_>; MAX_LEGS],
        is_buy: bool,
        tick_e9: i64,
        gone: Option<Gone>,
    ) -> Option<Self> {
        let number = spec.work.leg;
        let (leg, book) = (spec.legs().get(usize::from(number))?, books.get(usize::from(number))?);
        let (side, own, other) = if (leg.ratio_lots > 0) == is_buy {
            (Side::Buy, book.bids, book.asks)
        } else {
            (Side::Sell, book.asks, book.bids)
        };
        let is_there = |price_e9: &i64| *price_e9 != NO_BID_E9 && *price_e9 != NO_ASK_E9;
        let gone = gone.filter(|gone| gone.leg == number && gone.side == side);
        let own_e9 = best_of_others(own, gone).filter(is_there)?;
        let other_e9 = Some(other.best_e9()).filter(is_there);
        Some(Self { number, leg, side, own_e9, other_e9, tick_e9 })
    }

    /// A price that is better for the market by so much, or with a distance below zero worse.
    #[inline]
    fn toward(&self, price_e9: i64, by_e9: i64) -> i64 {
        match self.side {
            Side::Buy => price_e9.saturating_add(by_e9),
            Side::Sell => price_e9.saturating_sub(by_e9),
        }
    }

    /// By how much `price_e9` is better for the market than another one.
    #[inline]
    fn lead(&self, price_e9: i64, other_e9: i64) -> i64 {
        match self.side {
            Side::Buy => price_e9.saturating_sub(other_e9),
            Side::Sell => other_e9.saturating_sub(price_e9),
        }
    }

    /// The best price for the market, whatever the level. Without another side nothing is improved.
    fn most(&self, improve_e9: i64) -> i64 {
        let Some(other_e9) = self.other_e9 else {
            return self.own_e9;
        };
        let beside_e9 = self.toward(other_e9, self.tick_e9.saturating_neg());
        let improved_e9 = self.toward(self.own_e9, improve_e9);
        if self.lead(improved_e9, beside_e9) > 0 { beside_e9 } else { improved_e9 }
    }

    /// The best price for the market that meets the level.
    fn resting(&self, spec: &SpreadSpec, lean: &Lean, level_e9: i64) -> Option<i64> {
        let most_e9 = self.most(spec.work.improve_e9);
        if lean.meets(spec, self, level_e9, most_e9) {
            return (self.lead(self.own_e9, most_e9) <= spec.work.behind_e9).then_some(most_e9);
        }
        let mut best_e9 = self.toward(self.own_e9, spec.work.behind_e9.saturating_neg());
        if self.lead(most_e9, best_e9) < 0 || !lean.meets(spec, self, level_e9, best_e9) {
            return None;
        }
        // The better for the market, the worse for the level: by steps that double, then halve.
        let reaches = |price_e9: i64| {
            self.lead(most_e9, price_e9) > 0 && lean.meets(spec, self, level_e9, price_e9)
        };
        let mut step_e9 = self.tick_e9;
        while step_e9 < i64::MAX >> 2 && reaches(self.toward(best_e9, step_e9)) {
            best_e9 = self.toward(best_e9, step_e9);
            step_e9 <<= 1;
        }
        while step_e9 >= self.tick_e9 {
            let tried_e9 = self.toward(best_e9, step_e9);
            if reaches(tried_e9) {
                best_e9 = tried_e9;
            }
            step_e9 >>= 1;
        }
        Some(best_e9)
    }
}

/// The best price of a side, without what an order has left there that has gone.
fn best_of_others(own: &Depth, gone: Option<Gone>) -> Option<i64> {
    let Some(gone) = gone else {
        return Some(own.best_e9());
    };
    let mut shown = own.price_e9.iter().zip(&own.lots).take_while(|(_, lots)| **lots > 0);
    let is_others =
        |(price_e9, lots): &(&i64, &u32)| **price_e9 != gone.price_e9 || **lots > gone.lots;
    shown.find(is_others).map(|(price_e9, _)| *price_e9)
}

/// What a leg may rest for, if for anything: closing comes before opening, and of two ways to open
/// the one that is nearer to its market. At most `open_clip` units are opened. An
/// order that has `gone` is nobody's.
#[must_use]
pub fn resting(
    spec: &SpreadSpec,
    position_units: i32,
    books: &[LegBook<'_>; MAX_LEGS],
    tick_e9: i64,
    open_clip: u32,
    gone: Option<Gone>,
) -> Option<Trigger> {
    let held = position_units.unsigned_abs();
    let close = held.min(spec.clip_units);
    let open = spec.max_units.saturating_sub(held).min(open_clip);
    let at = |intent, level_e9, never_e9, most| {
        if level_e9 == never_e9 {
            return None;
        }
        found(spec, books, (tick_e9, gone), (intent, level_e9), most)
    };
    let closing = match position_units {
        1.. => at(Intent::CloseLong, spec.buy_close_e9, i64::MAX, close),
        0 => None,
        _ => at(Intent::CloseShort, spec.sell_close_e9, i64::MIN, close),
    };
    if let Some((trigger, _)) = closing {
        return Some(trigger);
    }
    let long = if position_units >= 0 {
        at(Intent::OpenLong, spec.buy_open_e9, i64::MIN, open)
    } else {
        None
    };
    let short = if position_units <= 0 {
        at(Intent::OpenShort, spec.sell_open_e9, i64::MAX, open)
    } else {
        None
    };
    match (long, short) {
        (Some((_, away)), Some((trigger, nearer))) if nearer < away => Some(trigger),
        (Some((trigger, _)), _) | (None, Some((trigger, _))) => Some(trigger),
        (None, None) => None,
    }
}

/// What rests for one intent, and how far behind the best price of its side; `None` if nothing
/// may.
fn found(
    spec: &SpreadSpec,
    books: &[LegBook<'_>; MAX_LEGS],
    (tick_e9, gone): (i64, Option<Gone>),
    (intent, level_e9): (Intent, i64),
    most: u32,
) -> Option<(Trigger, i64)> {
    let is_buy = intent.is_buy();
    let market = Market::of(spec, books, is_buy, tick_e9, gone)?;
    let units = most_units(most, |units| Lean::of(spec, books, is_buy, units).is_some());
    let lean = Lean::of(spec, books, is_buy, units).filter(|_| units > 0)?;
    let price_e9 = market.resting(spec, &lean, level_e9)?;
    let value = lean.at(spec, &market, price_e9);
    let trigger = Trigger {
        intent,
        level_e9,
        value_e9: value.measured_e9(spec, is_buy),
        units: lean.units,
        prices_e9: value.prices_e9,
        rests: market.number,
    };
    Some((trigger, market.lead(market.own_e9, price_e9)))
}

/// How an order that rests at `price_e9` for so many units of an intent stands now.
#[must_use]
pub fn standing(
    spec: &SpreadSpec,
    books: &[LegBook<'_>; MAX_LEGS],
    tick_e9: i64,
    (intent, units): (Intent, u32),
    price_e9: i64,
) -> Standing {
    let is_buy = intent.is_buy();
    let Some(lean) = Lean::of(spec, books, is_buy, units) else {
        return Standing::Unleaned;
    };
    let Some(market) = Market::of(spec, books, is_buy, tick_e9, None) else {
        return Standing::Moves(None);
    };
    let (level_e9, never_e9) = spec.level(intent);
    let slack_e9 = market.toward(price_e9, spec.work.slop_e9.saturating_neg());
    let is_allowed = level_e9 != never_e9 && lean.meets(spec, &market, level_e9, slack_e9);
    if is_allowed && stays(spec, &lean, &market, level_e9, price_e9) {
        return Standing::Stays;
    }
    let next = Some(level_e9).filter(|level_e9| *level_e9 != never_e9);
    Standing::Moves(next.and_then(|level_e9| market.resting(spec, &lean, level_e9)))
}

/// Whether an order at a price that the level allows stays: it is first, or it could not come
/// nearer to those that stand before it and is not too far behind them.
fn stays(
    spec: &SpreadSpec,
    lean: &Lean,
    market: &Market<'_>,
    level_e9: i64,
    price_e9: i64,
) -> bool {
    let behind_e9 = market.lead(market.own_e9, price_e9);
    if behind_e9 <= 0 {
        return true;
    }
    let next_e9 = market.toward(price_e9, spec.work.lag_e9.saturating_add(market.tick_e9));
    let is_free = market.lead(market.most(spec.work.improve_e9), next_e9) >= 0
        && lean.meets(spec, market, level_e9, next_e9);
    !is_free && behind_e9 <= spec.work.behind_e9.saturating_add(spec.work.lag_e9)
}
