//! Doubles by integers, against the standard library's parsing and printing.

use proptest::prelude::*;
use xmc_hotpath::venue::esunny::double::Double;

/// The decimal digits of a price.
fn digits(price_e9: i64) -> String {
    let sign = if price_e9 < 0 { "-" } else { "" };
    let size = price_e9.unsigned_abs();
    format!("{sign}{}.{:09}", size / 1_000_000_000, size % 1_000_000_000)
}

fn parsed(price_e9: i64) -> u64 {
    // The library parses "-0.0..." as negative zero, but no price writes that.
    digits(price_e9).parse::<f64>().expect("digits").to_bits()
}

/// The price nearest to a double: its exact digits, rounded as the library prints them.
fn printed(bits: u64) -> Option<i64> {
    let value = f64::from_bits(bits);
    if !value.is_finite() {
        return None;
    }
    let text = format!("{value:.9}");
    let (whole, fraction) = text.split_once('.').expect("nine decimals");
    format!("{whole}{fraction}").parse().ok()
}

fn check(price_e9: i64) {
    let double = Double::of_price(price_e9);
    assert_eq!(double.bits(), parsed(price_e9), "{price_e9}");
    assert_eq!(double.price_e9(), printed(double.bits()), "{price_e9}");
}

#[test]
fn the_ends_and_every_power_are_as_the_compiler_has_them() {
    assert_eq!(Double::of_price(0).bits(), 0);
    assert_eq!(Double::ZERO.price_e9(), Some(0));
    for shift in 0..64 {
        let power = 1_i64.wrapping_shl(shift);
        for near in -3..=3_i64 {
            check(power.wrapping_add(near));
            check(power.wrapping_add(near).wrapping_neg());
        }
    }
    let mut power = 1_i64;
    while let Some(next) = power.checked_mul(10) {
        for near in -3..=3_i64 {
            check(power + near);
            check(-(power + near));
        }
        power = next;
    }
}

#[test]
fn what_is_no_price_is_none() {
    let beyond = 9_223_372_036.854_776_f64;
    assert_eq!(Double::from_bits(beyond.to_bits()).price_e9(), printed(beyond.to_bits()));
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 1e10, -1e10] {
        assert_eq!(Double::from_bits(value.to_bits()).price_e9(), None, "{value}");
    }
    for value in [0.0, -0.0, f64::MIN_POSITIVE, 5e-324, 4.9e-10, -4.9e-10] {
        assert_eq!(Double::from_bits(value.to_bits()).price_e9(), Some(0), "{value}");
    }
    // Ties, to the even neighbour: half a unit, one and a half, and 2^-10.
    assert_eq!(Double::from_bits(0.000_976_562_5_f64.to_bits()).price_e9(), Some(976_562));
    assert_eq!(Double::from_bits(0.002_929_687_5_f64.to_bits()).price_e9(), Some(2_929_688));
}

/// Prices of all sizes: uniform ones almost never have few digits.
fn prices() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0_u32..63).prop_map(|(price, shift)| price >> shift)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn a_price_becomes_the_double_of_its_digits(price_e9 in prices()) {
        prop_assert_eq!(Double::of_price(price_e9).bits(), parsed(price_e9));
    }

    #[test]
    fn a_double_becomes_the_price_of_its_digits(price_e9 in prices(), nudge in -4_i64..=4) {
        let bits = Double::of_price(price_e9).bits().wrapping_add_signed(nudge);
        prop_assert_eq!(Double::from_bits(bits).price_e9(), printed(bits));
    }

    #[test]
    fn any_bits_at_all_become_a_price_or_none(bits in any::<u64>()) {
        prop_assert_eq!(Double::from_bits(bits).price_e9(), printed(bits));
    }

    /// Fifteen digits go through unharmed: every price that a market quotes.
    #[test]
    fn fifteen_digits_come_back(price_e9 in -999_999_999_999_999_i64..=999_999_999_999_999) {
        prop_assert_eq!(Double::of_price(price_e9).price_e9(), Some(price_e9));
    }
}
