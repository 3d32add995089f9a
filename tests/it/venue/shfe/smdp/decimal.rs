//! Doubles and integers of 1e-9: nothing is rounded away, and what is no price is refused.

use cross_market_connect::venue::shfe::smdp::decimal::{NO_VALUE, e9_from_f64, f64_from_e9};
use proptest::prelude::*;

#[test]
fn prices_of_every_tick_come_through() {
    for (value, price_e9) in [
        (0.0, 0),
        (0.02, 20_000_000),
        (0.1, 100_000_000),
        (-37.63, -37_630_000_000),
        (18_720.0, 18_720_000_000_000),
        (781.98, 781_980_000_000),
        (0.000_000_001, 1),
        (9_000_000_000.0, 9_000_000_000_000_000_000),
    ] {
        assert_eq!(e9_from_f64(value), Ok(Some(price_e9)));
        assert_eq!(f64_from_e9(Some(price_e9)).to_bits(), f64::to_bits(value));
    }
    assert_eq!(e9_from_f64(NO_VALUE), Ok(None));
    assert_eq!(f64_from_e9(None), f64::MAX);
}

/// A sender that reckons in doubles multiplies the tick: every price of gold from 200 to 600 is the
/// price that was meant, and so is one that was summed.
#[test]
fn prices_that_were_reckoned_in_doubles_are_those_that_were_meant() {
    let mut noisy = 0;
    for number in 10_000_i64..=30_000 {
        let meant = Ok(Some(number * 20_000_000));
        let reckoned = number as f64 * 0.02;
        noisy += usize::from(reckoned.to_string().len() > 12);
        assert_eq!(e9_from_f64(reckoned), meant, "{number} x 0.02");
        assert_eq!(e9_from_f64(number as f64 / 50.0), meant);
        assert_eq!(e9_from_f64(-reckoned), meant.map(|price| price.map(|price_e9: i64| -price_e9)));
    }
    assert!(noisy > 1_000, "{noisy} products are not the nearest double");
    assert_eq!(e9_from_f64(0.1 + 0.2), Ok(Some(300_000_000)));
}

#[test]
fn what_is_no_price_is_refused() {
    for value in [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -f64::MAX,
        1e10,
        9_300_000_000.0,
        -9_300_000_000.0,
        0.000_000_000_1,
        0.123_456_789_123,
        200.000_000_000_1,
        f64::MIN_POSITIVE,
    ] {
        assert!(e9_from_f64(value).is_err(), "{value}");
    }
}

proptest! {
    /// Every price of at most 15 digits survives the way there and back, wherever its point is.
    #[test]
    fn there_and_back(
        digits in -999_999_999_999_999_i64..=999_999_999_999_999,
        factor in prop::sample::select(vec![1_i64, 10, 100, 1_000]),
    ) {
        let price_e9 = digits * factor;
        prop_assert_eq!(e9_from_f64(f64_from_e9(Some(price_e9))), Ok(Some(price_e9)));
    }

    /// Any double either says the same after the way there and back, but for noise in its last
    /// bits, or is refused.
    #[test]
    fn no_double_is_changed(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        if let Ok(price_e9) = e9_from_f64(value) {
            let back = f64_from_e9(price_e9);
            prop_assert!(back.to_bits().abs_diff(value.to_bits()) <= 4, "{} and {}", back, value);
        }
    }
}
