//! IEEE 754 doubles as integers: prices on the wire, without a float or a division.
//!
//! The counter's prices are doubles. `of_price` gives the double nearest to a price, the one that
//! a compiler gives for the same decimal digits; `to_price` gives the multiple of 1e-9 nearest to a
//! double. Ties go to the even neighbour in both. So a price that is written and read again is the
//! same as long as it has at most 15 digits, and never off by more than the double itself is.
//!
//! Called by the templates and the reply decoder of DSTAR.

use core::fmt;

use bytemuck::{Pod, Zeroable};

use crate::wire::U64Le;

/// 5^9: with 2^9 it makes the 1e9 of a price's unit.
const FIVE_9: u64 = 1_953_125;
/// floor(2^84 / 5^9): a product with it and a shift stand for the division by 5^9.
const RECIPROCAL: u64 = 9_903_520_314_283_042_199;
/// Bits of a double below the exponent.
const FRACTION_BITS: u32 = 52;
/// The bits of infinity without its sign: what is at or above it is no number.
const INFINITY: u64 = 0x7FF << FRACTION_BITS;
const SIGN: u64 = 1 << 63;
const E9: u128 = 1_000_000_000;

const _: () = assert!(FIVE_9 == 5 * 5 * 5 * 5 * 5 * 5 * 5 * 5 * 5);

/// A double on the wire, little-endian, held as its bits.
#[derive(Clone, Copy, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Double(U64Le);

impl Double {
    /// Nothing: 0.0.
    pub const ZERO: Self = Self(U64Le::new(0));

    /// The double nearest to a price.
    #[inline(always)]
    #[must_use]
    pub const fn of_price(price_e9: i64) -> Self {
        Self(U64Le::new(bits_of_price(price_e9)))
    }

    /// The double of these bits.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(U64Le::new(bits))
    }

    /// Its bits.
    #[inline(always)]
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0.get()
    }

    /// The price nearest to it, units of 1e-9; `None` for what is no number or does not fit.
    #[inline(always)]
    #[must_use]
    pub fn price_e9(self) -> Option<i64> {
        price_of_bits(self.bits())
    }
}

impl fmt::Debug for Double {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f64::from_bits(self.bits()).fmt(f)
    }
}

/// The bits of the double nearest to `price_e9` units of 1e-9.
#[inline(always)]
const fn bits_of_price(price_e9: i64) -> u64 {
    let size = price_e9.unsigned_abs();
    if size == 0 {
        return 0;
    }
    // price = size * 2^-9 / 5^9. With the top bit of `size` moved to bit 63, the quotient
    // floor(whole * 2^20 / 5^9) has 63 or 64 bits: more than the 53 of a double.
    let lead = size.leading_zeros();
    let whole = size << lead;
    let (quotient, is_exact) = shifted_quotient(whole);
    let lift = quotient.leading_zeros();
    let digits = quotient << lift;
    // 53 digits, and the 11 below them, which say how to round. What the lift moved in below is
    // zero and the true digit may not be, but then the quotient was not exact and is no tie.
    let kept = digits >> 11;
    let below = digits & 0x7FF;
    let is_up = below > 0x400 || (below == 0x400 && (!is_exact || kept & 1 == 1));
    // The value is digits * 2^(-29 - lead - lift), digits in [2^63, 2^64): exponent 34 - lead -
    // lift, at least -30, so no price is too small for a normal double.
    let exponent = 1_023_u64.wrapping_add(34).wrapping_sub(widen(lead)).wrapping_sub(widen(lift));
    // `kept` holds the leading one, which the encoding leaves out: one exponent less makes room for
    // it. A carry out of the fraction is a carry into the exponent, as it must be.
    let magnitude = (exponent.wrapping_sub(1) << FRACTION_BITS).wrapping_add(kept);
    let rounded = if is_up { magnitude.wrapping_add(1) } else { magnitude };
    if price_e9 < 0 { rounded | SIGN } else { rounded }
}

/// floor(whole * 2^20 / 5^9), and whether nothing is left over. `whole` has its top bit set.
#[inline(always)]
const fn shifted_quotient(whole: u64) -> (u64, bool) {
    // The reciprocal is less than one too small, so the estimate is at most one too small.
    let product = wide(whole).wrapping_mul(wide(RECIPROCAL));
    let estimate = high_half(product);
    // The remainder is below 2 * 5^9, so its low 64 bits are all of it.
    let left = (whole << 20).wrapping_sub(estimate.wrapping_mul(FIVE_9));
    if left >= FIVE_9 { (estimate.wrapping_add(1), left == FIVE_9) } else { (estimate, left == 0) }
}

/// The multiple of 1e-9 nearest to the double of these bits.
#[inline(always)]
fn price_of_bits(bits: u64) -> Option<i64> {
    let magnitude = bits & !SIGN;
    if magnitude >= INFINITY {
        return None;
    }
    let exponent = magnitude >> FRACTION_BITS;
    let fraction = magnitude & ((1 << FRACTION_BITS) - 1);
    // Below 2^-31 every double is nearer to 0 than to 1e-9, zero and subnormals among them.
    let Some(scale) = exponent.checked_sub(BELOW_HALF_UNIT) else {
        return Some(0);
    };
    // A double without digits below 1 is beyond any price.
    let down = u32::try_from(WHOLE.checked_sub(scale)?).ok().filter(|down| *down > 0)?;
    // value = digits * 2^-down, in units of 1e-9: below 2^83 before the shift.
    let digits = wide(fraction | 1 << FRACTION_BITS).wrapping_mul(E9);
    let units = rounded_shift(digits, down);
    let size = u64::try_from(units).ok()?;
    if bits & SIGN == 0 { i64::try_from(size).ok() } else { 0_i64.checked_sub_unsigned(size) }
}

/// The biased exponent of 2^-31, below half of 1e-9.
const BELOW_HALF_UNIT: u64 = 1_023 - 31;
/// The exponent, counted from `BELOW_HALF_UNIT`, at which a double's last digit is worth 1.
const WHOLE: u64 = 1_075 - BELOW_HALF_UNIT;

/// `value / 2^down`, to the nearest, ties to the even one. `down` is 1 to 127.
#[inline(always)]
const fn rounded_shift(value: u128, down: u32) -> u128 {
    let kept = value >> down;
    let half = 1_u128 << down.wrapping_sub(1);
    let below = value & (half << 1).wrapping_sub(1);
    if below > half || (below == half && kept & 1 == 1) { kept.wrapping_add(1) } else { kept }
}

#[inline(always)]
#[expect(clippy::as_conversions, reason = "u64 to u128 only widens")]
const fn wide(value: u64) -> u128 {
    value as u128
}

#[inline(always)]
#[expect(clippy::as_conversions, reason = "u32 to u64 only widens")]
const fn widen(value: u32) -> u64 {
    value as u64
}

#[inline(always)]
#[expect(clippy::as_conversions, reason = "the upper 64 of 128 bits fit 64")]
const fn high_half(value: u128) -> u64 {
    (value >> 64) as u64
}
