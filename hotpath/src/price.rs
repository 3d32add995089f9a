//! Prices, coefficients and money as integers.
//!
//! A price is an `i64` in units of 1e-9 of the quoted unit (`price_e9`); negative prices are legal.
//! A coefficient is Q32: an `i64` with 32 fractional bits. Products are `i128`, where a price times
//! a coefficient cannot overflow; the sum of four and a constant cannot either, because a spread's
//! coefficients are at most `spread::MAX_COEFFICIENT_Q32`.

/// A bid that nothing can sell to: what an empty bid side shows.
pub const NO_BID_E9: i64 = i64::MIN;

/// An ask that nothing can buy from: what an empty ask side shows.
pub const NO_ASK_E9: i64 = i64::MAX;

/// One in Q32.
pub const ONE_Q32: i64 = 1 << 32;

/// `price_e9 * coefficient_q32`, in units of 1e-9 with 32 fractional bits.
#[inline(always)]
#[must_use]
pub const fn weighted(price_e9: i64, coefficient_q32: i64) -> i128 {
    widen(price_e9).wrapping_mul(widen(coefficient_q32))
}

/// `value_e9` with 32 fractional bits, to be compared with sums of `weighted`.
#[inline(always)]
#[must_use]
pub const fn to_q32(value_e9: i64) -> i128 {
    widen(value_e9) << 32
}

/// The nearest lower 1e-9 of a sum of `weighted`, saturated to `i64`.
#[inline(always)]
#[must_use]
pub const fn from_q32(sum_q32: i128) -> i64 {
    saturate(sum_q32 >> 32)
}

/// `i64` as `i128`.
#[inline(always)]
#[must_use]
#[expect(clippy::as_conversions, reason = "i64 to i128 only widens")]
pub const fn widen(value: i64) -> i128 {
    value as i128
}

/// `u32` as `i64`.
#[inline(always)]
#[must_use]
#[expect(clippy::as_conversions, reason = "u32 to i64 only widens")]
pub const fn signed(value: u32) -> i64 {
    value as i64
}

/// `value` limited to what an `i64` can hold.
#[inline(always)]
#[must_use]
#[expect(clippy::as_conversions, reason = "the value is inside i64 where it is narrowed")]
pub const fn saturate(value: i128) -> i64 {
    if value > widen(i64::MAX) {
        i64::MAX
    } else if value < widen(i64::MIN) {
        i64::MIN
    } else {
        value as i64
    }
}

/// `numerator / denominator` rounded down; `None` by zero. Without the signed division of the
/// compiler's own library, which can panic.
#[must_use]
pub fn floor_div(numerator: i128, denominator: u128) -> Option<i128> {
    let amount = numerator.unsigned_abs();
    let whole = amount.checked_div(denominator)?;
    let is_cut = whole.wrapping_mul(denominator) != amount;
    let whole = i128::try_from(whole).ok()?;
    if numerator >= 0 {
        return Some(whole);
    }
    Some(whole.wrapping_neg().wrapping_sub(i128::from(is_cut)))
}
