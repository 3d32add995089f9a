//! What bringing a fire back into ratio takes, and what it costs: two ways, priced alike.
//!
//! Pure and total, and without a division but for a ratio. Completing (补单) trades what misses of
//! the units that were begun; trading back (回退) what lies beyond the units that are whole. Both are
//! priced level by level on what the books show, fees included, as what the whole fire would then
//! have cost beyond the prices that it was decided on at. Units that completing adds are worth what
//! the fire's level says of them, with legs that only price (a currency) as they are quoted now.
//! So completing is the cheaper way exactly if the spread could be had at its level still, at the
//! prices of the repair: the test that every fire passes. Where the levels are ratios, a unit is
//! beyond its level by what its numerator is above the level times its denominator; what a leg cost
//! more counts at its money there as well, not by the level.
//!
//! Whether a way may be taken is not decided here; `desk::repair` does.

use super::{Fire, lots_of, whole_units};
use crate::message::{Depth, LegSpec, MAX_LEGS, Measure, RepairSpec, Side, SpreadSpec};
use crate::price;

/// Tries that can be asked for at most.
pub const MAX_TRIES: u8 = 9;

/// One, in units of 1e-9.
const ONE_E9: u128 = 1_000_000_000;

/// Where the two ways lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Units that all legs have filled.
    pub done_units: u32,
    /// The fewest units that cover all fills; `None` if those that were asked for do not.
    pub full_units: Option<u32>,
}

/// Where the two ways of a fire lead.
#[must_use]
pub fn ends(legs: &[LegSpec; MAX_LEGS], fire: &Fire) -> Ends {
    let done_units = whole_units(legs, &fire.filled_lots, fire.units);
    let covers = |units: u32| {
        let mut rows = legs.iter().zip(&fire.filled_lots);
        rows.all(|(leg, filled)| lots_of(leg, units) >= u64::from(*filled))
    };
    if !covers(fire.units) {
        return Ends { done_units, full_units: None };
    }
    if covers(done_units) {
        return Ends { done_units, full_units: Some(done_units) };
    }
    // Halving: `low` never covers, `high` always.
    let (mut low, mut high) = (done_units, fire.units);
    while high.wrapping_sub(low) > 1 {
        let middle = low.wrapping_add(high.wrapping_sub(low) >> 1);
        if covers(middle) { high = middle } else { low = middle }
    }
    Ends { done_units, full_units: Some(high) }
}

/// Lots that lead `filled` of a leg to `units` of the spread, whichever way that is.
#[inline]
#[must_use]
pub fn lots_to(leg: &LegSpec, filled: u32, units: u32) -> u32 {
    let lots = lots_of(leg, units).abs_diff(u64::from(filled));
    u32::try_from(lots).unwrap_or(u32::MAX)
}

/// Lots that are to be traded, as the book prices them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Which side.
    pub side: Side,
    /// How many lots.
    pub lots: u32,
    /// The worst price that they need.
    pub worst_e9: i64,
    /// Price times lots, level by level.
    pub sum_e9: i128,
}

/// `lots` beyond `taken` ones, level by level; `None` if the levels do not show them.
#[inline]
#[must_use]
pub fn trade(side: Side, depth: &Depth, taken: u32, lots: u32) -> Option<Trade> {
    let (mut taken, mut missing, mut sum_e9) = (taken, lots, 0_i128);
    for (price_e9, shown) in depth.price_e9.iter().zip(&depth.lots) {
        if *shown == 0 {
            return None;
        }
        let free = shown.saturating_sub(taken);
        taken = taken.saturating_sub(*shown);
        let used = free.min(missing);
        missing = missing.saturating_sub(used);
        // Five times 2^63 * 2^32 at most.
        sum_e9 = sum_e9.wrapping_add(price::widen(*price_e9).wrapping_mul(i128::from(used)));
        if missing == 0 {
            return Some(Trade { side, lots, worst_e9: *price_e9, sum_e9 });
        }
    }
    None
}

/// The value of 1 in the price of a leg that one lot of it adds to the spread, Q32: its coefficient
/// by its ratio. For the cold moment at which a spread is told.
#[must_use]
pub fn lot_q32(leg: &LegSpec) -> i64 {
    leg.coefficient_q32.checked_div(i64::from(leg.ratio_lots)).unwrap_or(0)
}

/// Fees of `lots` of a leg at `price_e9`, in money of 1e-9; `None` if they cannot be counted.
#[must_use]
pub(crate) fn fee_e9(
    spec: &RepairSpec,
    lot_q32: &[i64; MAX_LEGS],
    leg: u8,
    lots: u32,
    price_e9: i64,
) -> Option<i64> {
    let leg = usize::from(leg);
    let (lots, lot_q32) = (i128::from(lots), price::widen(*lot_q32.get(leg)?));
    let of_lots = price::widen(*spec.fee_e9.get(leg)?).checked_mul(lots)?;
    let value = price::widen(price_e9).checked_mul(lots)?.abs();
    let of_value = value.checked_mul(i128::from(*spec.fee_q32.get(leg)?))? >> 32;
    let unit_q32 = of_lots.checked_add(of_value)?.checked_mul(lot_q32)?;
    (unit_q32 >> 32)
        .checked_mul(price::widen(spec.money_q32))
        .map(|money| price::saturate(money >> 32))
}

/// What the fire will have cost, in money of 1e-9, with `trades` done and `more_units` added to
/// those that are whole; `prices_e9` are those of the legs that only price. `None` if that cannot
/// be counted.
#[must_use]
pub fn cost_e9(
    spec: &SpreadSpec,
    lot_q32: &[i64; MAX_LEGS],
    fire: &Fire,
    trades: &[Option<Trade>; MAX_LEGS],
    more_units: u32,
    prices_e9: &[i64; MAX_LEGS],
) -> Option<i64> {
    let mut sum_q32 = 0_i128;
    let fees = spec.repair.fee_e9.iter().zip(&spec.repair.fee_q32);
    let legs = fire.slip_e9.iter().zip(&fire.planned_e9).zip(trades).zip(fees).zip(lot_q32);
    for ((((slip, planned), trade), (fee_e9, fee_q32)), lot_q32) in legs {
        let mut slip = *slip;
        if let Some(trade) = trade {
            let planned = price::widen(*planned).checked_mul(i128::from(trade.lots))?;
            let more = trade.sum_e9.checked_sub(planned)?;
            let of_lots = price::widen(*fee_e9).checked_mul(i128::from(trade.lots))?;
            let of_value = trade.sum_e9.abs().checked_mul(i128::from(*fee_q32))? >> 32;
            let more = if trade.side == Side::Buy { more } else { more.checked_neg()? };
            slip = slip.checked_add(more)?.checked_add(of_lots)?.checked_add(of_value)?;
        }
        sum_q32 = sum_q32.checked_add(slip.checked_mul(price::widen(*lot_q32))?)?;
    }
    if more_units > 0 {
        let mut value_q32 = price::to_q32(spec.constant_e9);
        let mut short_q32 = price::to_q32(spec.trigger.short_constant_e9);
        let legs = spec.legs().iter();
        for ((leg, planned), seen) in legs.zip(&fire.planned_e9).zip(prices_e9) {
            let price_e9 = if leg.ratio_lots == 0 { *seen } else { *planned };
            let part_q32 = price::weighted(price_e9, leg.coefficient_q32);
            value_q32 = value_q32.wrapping_add(part_q32);
            if leg.coefficient_q32 < 0 {
                short_q32 = short_q32.wrapping_sub(part_q32);
            }
        }
        let beyond = match spec.trigger.measure {
            Measure::Difference => value_q32.wrapping_sub(price::to_q32(fire.level_e9)),
            Measure::Ratio => {
                let least_q32 = short_q32.checked_mul(price::widen(fire.level_e9))?;
                let least_q32 = price::floor_div(least_q32, ONE_E9)?;
                value_q32.checked_add(short_q32)?.checked_sub(least_q32)?
            }
        };
        let worse = if fire.intent.is_buy() { beyond } else { beyond.wrapping_neg() };
        sum_q32 = sum_q32.checked_add(worse.checked_mul(i128::from(more_units))?)?;
    }
    let money = (sum_q32 >> 32).checked_mul(price::widen(spec.repair.money_q32))? >> 32;
    Some(price::saturate(money))
}
