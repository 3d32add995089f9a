//! The most that a fire can lose by ending one-sided, before any of its orders exists.
//!
//! Every leg may be filled at its limit, and every leg but one may have to be traded back, at what
//! the other side of its book shows and a stress move worse than that. Which leg is the one that
//! was not filled decides how much that is; the worst is where it is the cheapest one. A fire that
//! is filled in part only, or in whole units first, loses less: the first lots trade back at better
//! prices than the last. Fees are paid twice. Pure and total, and without a division.

use super::repair::Trade;
use crate::message::{LossSpec, MAX_LEGS, Side, SpreadSpec};
use crate::price;

/// A leg that may be all that is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alone {
    /// The limit of its order: what it is filled at, at worst.
    pub limit_e9: i64,
    /// Trading all of it back, as the book prices it now.
    pub back: Trade,
}

impl LossSpec {
    /// Whether there is a bound.
    #[inline(always)]
    #[must_use]
    pub const fn is_bounded(&self) -> bool {
        self.max_e9 != i64::MAX
    }
}

/// The most that a fire of `legs` can lose by ending one-sided, in money of 1e-9; `None` if that
/// cannot be counted. A leg that is `None` only prices.
#[must_use]
pub fn worst_e9(
    spec: &SpreadSpec,
    lot_q32: &[i64; MAX_LEGS],
    legs: &[Option<Alone>; MAX_LEGS],
) -> Option<i64> {
    let (mut all, mut least) = (0_i128, i128::MAX);
    let fees = spec.repair.fee_e9.iter().zip(&spec.repair.fee_q32);
    for (((leg, lot_q32), fee_e9), fee_q32) in
        legs.iter().zip(lot_q32).zip(fees.clone().map(|fee| fee.0)).zip(fees.map(|fee| fee.1))
    {
        let Some(Alone { limit_e9, back }) = leg else {
            continue;
        };
        let lots = i128::from(back.lots);
        let paid = price::widen(*limit_e9).checked_mul(lots)?;
        let spread = match back.side {
            Side::Sell => paid.checked_sub(back.sum_e9)?,
            Side::Buy => back.sum_e9.checked_sub(paid)?,
        };
        let part = |sum: i128, q32: u32| Some(sum.abs().checked_mul(i128::from(q32))? >> 32);
        let stress = part(back.sum_e9, spec.loss.stress_q32)?;
        let of_lots = price::widen(*fee_e9).checked_mul(lots)?.checked_mul(2)?;
        let of_value = part(back.sum_e9, *fee_q32)?.checked_add(part(paid, *fee_q32)?)?;
        let lost = spread.checked_add(stress)?.checked_add(of_lots)?.checked_add(of_value)?;
        let lost = lost.max(0).checked_mul(price::widen(*lot_q32).abs())?;
        all = all.checked_add(lost)?;
        least = least.min(lost);
    }
    let worst = all.checked_sub(least.min(all))?;
    let money = (worst >> 32).checked_mul(price::widen(spec.repair.money_q32))? >> 32;
    Some(price::saturate(money))
}
