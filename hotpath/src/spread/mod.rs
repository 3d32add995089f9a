//! Spreads: what they are worth on executable prices, and when that is a trigger.
//!
//! `evaluate` is pure and total: it reads quotes and a specification and says what to do, for which
//! size, at which limit prices. It does not know whether the quotes may be trusted or the orders
//! sent; the gates (`risk`) and the desk decide that. Called by the desk for each spread touched.
//!
//! Every leg is priced at the worst level that the size needs, not at an average: if all orders
//! fill at their limits, the spread still meets its level. A leg may ask for more than the size
//! (its minimum lean quantity): then it is priced where so many lots are shown. Nothing fires on a
//! last or a best price.
//!
//! What a level counts is the difference of the legs (点差) or their ratio (比值): the sum of all
//! that is added over the sum of all that is taken off. A ratio is compared by multiplying the
//! level with its denominator, so that nothing is divided unless a level is met; one whose
//! denominator is not above zero meets no level.
//!
//! Levels may be after fees: then what is bought costs its fees more and what is sold brings them
//! less, leg by leg, so that both directions are worse by what trading them takes.
//!
//! `work` says at which price one leg may rest instead, by what the others cost.

pub mod work;

use core::cmp::Ordering;

use crate::message::{Depth, Intent, LegSpec, MAX_LEGS, Measure, SpreadSpec};
use crate::price;
use crate::risk::NO_LEG;

/// Largest magnitude of a coefficient: 2^20 in Q32. Four products with any price fit in `i128`.
pub const MAX_COEFFICIENT_Q32: i64 = 1 << 52;

/// One, in units of 1e-9.
const ONE_E9: i128 = 1_000_000_000;

/// What a leg can be traded against: the book, and what of it was taken already and not yet
/// updated by the venue.
#[derive(Clone, Copy, Debug)]
pub struct LegBook<'a> {
    /// The buyers.
    pub bids: &'a Depth,
    /// The sellers.
    pub asks: &'a Depth,
    /// Lots sold to `bids` since the quote came.
    pub taken_bid_lots: u32,
    /// Lots bought from `asks` since the quote came.
    pub taken_ask_lots: u32,
}

/// A trigger that is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// What for.
    pub intent: Intent,
    /// The level that is met.
    pub level_e9: i64,
    /// The spread's value at `prices_e9`, rounded down.
    pub value_e9: i64,
    /// The largest number of units, at most the one allowed, that meets the level.
    pub units: u32,
    /// The worst price that each leg needs; for a leg that only prices, the price used; for one
    /// that rests, the price it rests at.
    pub prices_e9: [i64; MAX_LEGS],
    /// The leg that rests; `risk::NO_LEG` if every leg crosses.
    pub rests: u8,
}

/// The spread's value for one direction and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// The difference, with 32 fractional bits more than `_e9`.
    pub sum_q32: i128,
    /// The price of each leg.
    pub prices_e9: [i64; MAX_LEGS],
}

impl Value {
    /// Whether a level is met: at or below it to buy, at or above it to sell. A ratio whose
    /// denominator is not above zero, or that cannot be counted, meets none.
    #[inline(always)]
    fn meets(&self, spec: &SpreadSpec, is_buy: bool, level_e9: i64) -> bool {
        match spec.trigger.measure {
            Measure::Difference => {
                let level_q32 = price::to_q32(level_e9);
                if is_buy { self.sum_q32 <= level_q32 } else { self.sum_q32 >= level_q32 }
            }
            Measure::Ratio => {
                let stands = self.compare(spec, is_buy, price::widen(level_e9));
                stands.is_some_and(if is_buy { Ordering::is_le } else { Ordering::is_ge })
            }
        }
    }

    /// How what is measured stands to a level; `None` for a ratio whose denominator is not above
    /// zero, or that cannot be counted.
    #[inline(never)]
    #[must_use]
    pub fn compare(&self, spec: &SpreadSpec, is_buy: bool, level_e9: i128) -> Option<Ordering> {
        match spec.trigger.measure {
            Measure::Difference => Some(self.sum_q32.cmp(&level_e9.wrapping_shl(32))),
            Measure::Ratio => {
                let short_q32 = self.short_q32(spec, is_buy);
                let level = short_q32.checked_mul(level_e9)?;
                let long = self.sum_q32.wrapping_add(short_q32).checked_mul(ONE_E9)?;
                (short_q32 > 0).then_some(long.cmp(&level))
            }
        }
    }

    /// What is measured, in units of 1e-9, rounded down; 0 where nothing can be compared.
    #[inline]
    #[must_use]
    pub fn measured_e9(&self, spec: &SpreadSpec, is_buy: bool) -> i64 {
        match spec.trigger.measure {
            Measure::Difference => price::from_q32(self.sum_q32),
            Measure::Ratio => ratio_e9(self.sum_q32, self.short_q32(spec, is_buy)).unwrap_or(0),
        }
    }

    /// All that is taken off, as an amount: the denominator of the ratio.
    #[inline(never)]
    fn short_q32(&self, spec: &SpreadSpec, is_buy: bool) -> i128 {
        let mut short_q32 = price::to_q32(spec.trigger.short_constant_e9);
        let fee_q32 = price::to_q32(spec.trigger.short_fee_e9);
        // What is sold brings its fees less.
        short_q32 =
            if is_buy { short_q32.wrapping_sub(fee_q32) } else { short_q32.wrapping_add(fee_q32) };
        let legs = spec.legs().iter().zip(&spec.trigger.fee_q32).zip(&self.prices_e9);
        for ((leg, fee_q32), price_e9) in legs.filter(|((leg, _), _)| leg.coefficient_q32 < 0) {
            let weight_q32 = weight_q32(leg, *fee_q32, is_buy, *price_e9);
            short_q32 = short_q32.wrapping_sub(price::weighted(*price_e9, weight_q32));
        }
        short_q32
    }
}

/// What a leg's price is multiplied with: its coefficient, and the fee on what is traded, which is
/// paid whatever the signs of coefficient and price are. Bought with the spread or sold, it makes
/// the value worse.
#[inline(always)]
#[must_use]
pub fn weight_q32(leg: &LegSpec, fee_q32: i64, is_buy: bool, price_e9: i64) -> i64 {
    // Neither overflows: the fee is no larger than the coefficient, which is bounded.
    if is_buy == (price_e9 >= 0) {
        leg.coefficient_q32.wrapping_add(fee_q32)
    } else {
        leg.coefficient_q32.wrapping_sub(fee_q32)
    }
}

/// A ratio in units of 1e-9, rounded down: of the difference and all that is taken off in it.
#[inline(never)]
#[must_use]
pub fn ratio_e9(sum_q32: i128, short_q32: i128) -> Option<i64> {
    let long_e9_q32 = sum_q32.wrapping_add(short_q32).checked_mul(ONE_E9)?;
    let short_q32 = u128::try_from(short_q32).ok()?;
    price::floor_div(long_e9_q32, short_q32).map(price::saturate)
}

/// Whether `leg` takes asks when the spread is bought (`is_buy`) or sold.
///
/// A traded leg by the sign of its ratio; one that only prices by that of its coefficient, so that
/// it is always priced on the side that makes the trade look worse.
#[inline(always)]
#[must_use]
pub const fn takes_asks(leg: &LegSpec, is_buy: bool) -> bool {
    let is_positive =
        if leg.ratio_lots == 0 { leg.coefficient_q32 > 0 } else { leg.ratio_lots > 0 };
    is_positive == is_buy
}

/// The worst price that `lots` need beyond `taken` ones; `None` if the levels do not hold them.
#[inline]
#[must_use]
pub fn worst_price(depth: &Depth, taken: u32, lots: u64) -> Option<i64> {
    let mut missing = lots.saturating_add(u64::from(taken)).max(1);
    for (price_e9, shown) in depth.price_e9.iter().zip(&depth.lots) {
        let shown = u64::from(*shown);
        // Never at a level that shows nothing: something is missing.
        if missing <= shown {
            return Some(*price_e9);
        }
        if shown == 0 {
            return None;
        }
        missing = missing.wrapping_sub(shown);
    }
    None
}

/// What `units` cost (`is_buy`) or bring, per unit and with the fees that are counted; `None` if a
/// leg's levels do not hold the size.
#[inline]
#[must_use]
pub fn value(
    spec: &SpreadSpec,
    legs: &[LegBook<'_>; MAX_LEGS],
    is_buy: bool,
    units: u32,
) -> Option<Value> {
    if spec.trigger.is_after_fees {
        return priced::<true>(spec, legs, is_buy, units);
    }
    priced::<false>(spec, legs, is_buy, units)
}

/// `value`; fees are looked for only with `FEES`.
#[inline]
fn priced<const FEES: bool>(
    spec: &SpreadSpec,
    legs: &[LegBook<'_>; MAX_LEGS],
    is_buy: bool,
    units: u32,
) -> Option<Value> {
    let mut sum_q32 = price::to_q32(spec.constant_e9);
    let mut prices_e9 = [0; MAX_LEGS];
    for ((leg, book), price_e9) in spec.legs().iter().zip(legs).zip(&mut prices_e9) {
        // Cannot overflow: a product of two `u32`.
        let lots = u64::from(leg.ratio_lots.unsigned_abs()).wrapping_mul(u64::from(units));
        let lots = lots.max(u64::from(leg.min_lean_lots)).max(1);
        let worst = if takes_asks(leg, is_buy) {
            worst_price(book.asks, book.taken_ask_lots, lots)?
        } else {
            worst_price(book.bids, book.taken_bid_lots, lots)?
        };
        *price_e9 = worst;
        // Cannot overflow: coefficients are bounded by MAX_COEFFICIENT_Q32 and there are four.
        sum_q32 = sum_q32.wrapping_add(price::weighted(worst, leg.coefficient_q32));
    }
    if FEES {
        sum_q32 = after_fees_q32(spec, sum_q32, &prices_e9, is_buy);
    }
    Some(Value { sum_q32, prices_e9 })
}

/// A sum with what trading at these prices takes in fees, which is paid whatever their signs are.
/// Cannot overflow: a fee is no larger than its coefficient.
#[inline(never)]
fn after_fees_q32(
    spec: &SpreadSpec,
    sum_q32: i128,
    prices_e9: &[i64; MAX_LEGS],
    is_buy: bool,
) -> i128 {
    let mut fees_q32 = price::to_q32(spec.trigger.fee_e9);
    for (fee_q32, price_e9) in spec.trigger.fee_q32.iter().zip(prices_e9) {
        let paid = price::weighted(*price_e9, *fee_q32);
        fees_q32 = fees_q32.wrapping_add(paid.wrapping_abs());
    }
    if is_buy { sum_q32.wrapping_add(fees_q32) } else { sum_q32.wrapping_sub(fees_q32) }
}

/// The trigger that is met, if any. Closing comes before opening. A trigger of 0 units is one that
/// the position limit leaves no room for.
#[inline]
#[must_use]
pub fn evaluate(
    spec: &SpreadSpec,
    position_units: i32,
    legs: &[LegBook<'_>; MAX_LEGS],
) -> Option<Trigger> {
    if spec.trigger.is_after_fees {
        return evaluate_after_fees(spec, position_units, legs);
    }
    evaluated::<false>(spec, position_units, legs)
}

/// Apart, so that who looks for no fees does not pay for them.
#[inline(never)]
fn evaluate_after_fees(
    spec: &SpreadSpec,
    position_units: i32,
    legs: &[LegBook<'_>; MAX_LEGS],
) -> Option<Trigger> {
    evaluated::<true>(spec, position_units, legs)
}

/// `evaluate`; fees are looked for only with `FEES`.
#[inline]
fn evaluated<const FEES: bool>(
    spec: &SpreadSpec,
    position_units: i32,
    legs: &[LegBook<'_>; MAX_LEGS],
) -> Option<Trigger> {
    let held = position_units.unsigned_abs();
    let close = held.min(spec.clip_units);
    let open = spec.max_units.saturating_sub(held).min(spec.clip_units);
    if position_units > 0 && spec.buy_close_e9 != i64::MAX {
        let found = meets::<FEES>(spec, legs, Intent::CloseLong, spec.buy_close_e9, close);
        if found.is_some() {
            return found;
        }
    }
    if position_units < 0 && spec.sell_close_e9 != i64::MIN {
        let found = meets::<FEES>(spec, legs, Intent::CloseShort, spec.sell_close_e9, close);
        if found.is_some() {
            return found;
        }
    }
    // A position on one side is closed, not crossed: the other side opens only from flat.
    if position_units >= 0 && spec.buy_open_e9 != i64::MIN {
        let found = meets::<FEES>(spec, legs, Intent::OpenLong, spec.buy_open_e9, open);
        if found.is_some() {
            return found;
        }
    }
    if position_units <= 0 && spec.sell_open_e9 != i64::MAX {
        return meets::<FEES>(spec, legs, Intent::OpenShort, spec.sell_open_e9, open);
    }
    None
}

/// A trigger for `most` units, if it is for more. Smaller sizes only have better prices.
#[inline]
#[must_use]
pub fn at_most(
    spec: &SpreadSpec,
    legs: &[LegBook<'_>; MAX_LEGS],
    trigger: Trigger,
    most: u32,
) -> Trigger {
    if trigger.units <= most {
        return trigger;
    }
    let found = value(spec, legs, trigger.intent.is_buy(), most);
    found.map_or(trigger, |found| Trigger {
        value_e9: found.measured_e9(spec, trigger.intent.is_buy()),
        units: most,
        prices_e9: found.prices_e9,
        ..trigger
    })
}

/// The trigger for one intent, sized; `None` if one unit does not meet the level.
#[inline]
fn meets<const FEES: bool>(
    spec: &SpreadSpec,
    legs: &[LegBook<'_>; MAX_LEGS],
    intent: Intent,
    level_e9: i64,
    most: u32,
) -> Option<Trigger> {
    let is_buy = intent.is_buy();
    let at = |units: u32| {
        priced::<FEES>(spec, legs, is_buy, units)
            .filter(|found| found.meets(spec, is_buy, level_e9))
    };
    let mut best = at(1)?;
    let mut units = 1_u32;
    // Values only get worse with size, so the largest size that meets is found by halving.
    let mut step = most.saturating_sub(1);
    while step > 0 {
        let tried = units.saturating_add(step);
        match (tried <= most).then(|| at(tried)).flatten() {
            Some(found) => (best, units) = (found, tried),
            None => step >>= 1,
        }
    }
    Some(Trigger {
        intent,
        level_e9,
        value_e9: best.measured_e9(spec, is_buy),
        units: units.min(most),
        prices_e9: best.prices_e9,
        rests: NO_LEG,
    })
}
