//! Products of prices and coefficients, against checked arithmetic in 128 bits and fractions.

use proptest::prelude::*;
use xmc_hotpath::price::{ONE_Q32, floor_div, from_q32, saturate, signed, to_q32, weighted, widen};
use xmc_hotpath::spread::MAX_COEFFICIENT_Q32;

fn edge() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(i64::MIN),
        Just(i64::MAX),
        -2_i64..3,
        any::<i64>(),
        -1_000_000_000_000_000_i64..1_000_000_000_000_000,
    ]
}

fn coefficient() -> impl Strategy<Value = i64> {
    let most = MAX_COEFFICIENT_Q32;
    prop_oneof![Just(-most), Just(most), Just(ONE_Q32), -most..=most]
}

/// The largest integer at or below `sum / 2^32`, by Euclid and not by shifting, kept inside `i64`.
fn nearest_lower(sum_q32: i128) -> i64 {
    let lower = sum_q32.div_euclid(1 << 32);
    i64::try_from(lower).unwrap_or(if lower < 0 { i64::MIN } else { i64::MAX })
}

proptest! {
    /// Against Euclid's division, which the hot path must not call.
    #[test]
    fn quotients_are_rounded_down(
        numerator in prop_oneof![any::<i128>(), (-99_i128..99)],
        denominator in prop_oneof![1..i128::MAX, (1_i128..9)],
    ) {
        let found = floor_div(numerator, denominator.unsigned_abs());
        prop_assert_eq!(found, numerator.checked_div_euclid(denominator));
        prop_assert_eq!(floor_div(numerator, 0), None);
    }

    /// No product of a price and a coefficient of a spread overflows, and no sum of four and a
    /// constant does.
    #[test]
    fn four_legs_cannot_overflow(
        legs in prop::array::uniform4((edge(), coefficient())),
        constant in edge(),
    ) {
        let mut sum = i128::from(constant).checked_mul(1 << 32).unwrap();
        prop_assert_eq!(to_q32(constant), sum);
        for (price_e9, coefficient_q32) in legs {
            let product = i128::from(price_e9).checked_mul(i128::from(coefficient_q32)).unwrap();
            prop_assert_eq!(weighted(price_e9, coefficient_q32), product);
            sum = sum.checked_add(product).unwrap();
        }
        prop_assert_eq!(from_q32(sum), nearest_lower(sum));
    }

    #[test]
    fn sums_are_rounded_down_and_kept_inside(sum in any::<i128>(), shift in 0_u32..128) {
        let sum = sum >> shift;
        prop_assert_eq!(from_q32(sum), nearest_lower(sum));
        let kept = sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        prop_assert_eq!(i128::from(saturate(sum)), kept);
    }

    #[test]
    fn a_price_times_one_is_itself(price_e9 in edge(), count in any::<u32>()) {
        prop_assert_eq!(from_q32(weighted(price_e9, ONE_Q32)), price_e9);
        prop_assert_eq!(from_q32(to_q32(price_e9)), price_e9);
        prop_assert_eq!(widen(price_e9), i128::from(price_e9));
        prop_assert_eq!(signed(count), i64::from(count));
    }
}
