//! Decimal text against a slow reference that works on digits, not on integers.

use cross_market_connect::config::decimal::{DecimalError, parse_e9, parse_q32, show_e9};
use proptest::prelude::*;

/// Long multiplication and division on decimal digits, most significant first.
mod slow {
    /// The digits times 2^32.
    pub fn times_two_to_the_32(digits: &[u8]) -> Vec<u8> {
        (0..32).fold(digits.to_vec(), |digits, _| doubled(&digits))
    }

    fn doubled(digits: &[u8]) -> Vec<u8> {
        let mut carry = 0;
        let mut result: Vec<u8> = Vec::new();
        for digit in digits.iter().rev() {
            let twice = digit * 2 + carry;
            result.push(twice % 10);
            carry = twice / 10;
        }
        result.push(carry);
        result.reverse();
        result
    }

    /// A number with `fraction` of its digits after the point, rounded half to even.
    pub fn rounded(digits: &[u8], fraction: usize) -> i128 {
        let (whole, rest) = digits.split_at(digits.len() - fraction);
        let value = whole.iter().fold(0_i128, |sum, digit| sum * 10 + i128::from(*digit));
        let mut half = vec![0; fraction];
        if let Some(first) = half.first_mut() {
            *first = 5;
        }
        let up = match rest.cmp(&half) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => fraction > 0 && value % 2 == 1,
            std::cmp::Ordering::Greater => true,
        };
        value + i128::from(up)
    }
}

/// An optional minus, whole digits without leading zeros, and digits after the point.
fn written() -> impl Strategy<Value = (bool, String, String)> {
    let whole = prop_oneof![Just("0".to_owned()), "[1-9][0-9]{0,10}"];
    (any::<bool>(), whole, "[0-9]{0,18}")
}

fn text_of(negative: bool, whole: &str, fraction: &str) -> String {
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{}{whole}{point}{fraction}", if negative { "-" } else { "" })
}

fn digits_of(whole: &str, fraction: &str) -> Vec<u8> {
    whole.bytes().chain(fraction.bytes()).map(|byte| byte - b'0').collect()
}

fn signed(negative: bool, magnitude: i128) -> Result<i64, DecimalError> {
    if negative && magnitude == 0 {
        return Err(DecimalError::Spelling);
    }
    i64::try_from(if negative { -magnitude } else { magnitude }).map_err(|_| DecimalError::TooLarge)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn e9_is_exact((negative, whole, fraction) in written()) {
        let read = parse_e9(&text_of(negative, &whole, &fraction));
        if fraction.len() > 9 {
            prop_assert_eq!(read, Err(DecimalError::TooFine { digits: fraction.len(), most: 9 }));
        } else {
            let padded = format!("{fraction:0<9}");
            prop_assert_eq!(read, signed(negative, slow::rounded(&digits_of(&whole, &padded), 0)));
        }
    }

    #[test]
    fn q32_is_rounded_to_the_nearest((negative, whole, fraction) in written()) {
        let scaled = slow::times_two_to_the_32(&digits_of(&whole, &fraction));
        let magnitude = slow::rounded(&scaled, fraction.len());
        let is_zero = digits_of(&whole, &fraction).iter().all(|digit| *digit == 0);
        let expected = if magnitude == 0 && !is_zero {
            Err(DecimalError::TooSmall)
        } else {
            signed(negative, magnitude)
        };
        prop_assert_eq!(parse_q32(&text_of(negative, &whole, &fraction)), expected);
    }

    /// k / 2^18 has 18 digits after the point, so it can be written exactly, and nothing is lost.
    #[test]
    fn q32_of_short_binary_fractions_is_exact(
        is_negative: bool,
        k in 1_i64..100_000,
        bits in 0_u32..19,
    ) {
        let scale = 10_i128.pow(18) >> bits;
        let numerator = i128::from(k) * scale;
        let (whole, rest) = (numerator / 10_i128.pow(18), numerator % 10_i128.pow(18));
        let text = text_of(is_negative, &whole.to_string(), &format!("{rest:018}"));
        let k = if is_negative { -k } else { k };
        prop_assert_eq!(parse_q32(&text), Ok(k << (32 - bits)));
    }

    #[test]
    fn what_is_shown_reads_back(value_e9 in any::<i64>()) {
        prop_assert_eq!(parse_e9(&show_e9(value_e9)), Ok(value_e9));
    }

    #[test]
    fn no_text_panics(text in "[-+.0-9eE_ ]{0,24}") {
        let (_, _) = (parse_e9(&text), parse_q32(&text));
    }
}

#[test]
fn one_spelling_only() {
    for text in [
        "", "-", ".5", "5.", "+1", "1e3", "1_000", " 1", "1 ", "01", "--1", "1.2.3", "NaN", "inf",
        "0x10", "１",
    ] {
        assert_eq!(parse_e9(text), Err(DecimalError::Spelling), "{text:?}");
        assert_eq!(parse_q32(text), Err(DecimalError::Spelling), "{text:?}");
    }
}

#[test]
fn the_ends_of_the_range() {
    assert_eq!(parse_e9("9223372036.854775807"), Ok(i64::MAX));
    assert_eq!(parse_e9("-9223372036.854775808"), Ok(i64::MIN));
    assert_eq!(parse_e9("9223372036.854775808"), Err(DecimalError::TooLarge));
    assert_eq!(parse_e9("-0"), Err(DecimalError::Spelling), "a slip of digits or sign");
    assert_eq!(parse_q32("2147483648"), Err(DecimalError::TooLarge));
    assert_eq!(parse_q32("-2147483648"), Ok(i64::MIN));
    assert_eq!(parse_q32("0.0000000001"), Err(DecimalError::TooSmall), "0.43 of a unit");
    assert_eq!(parse_q32("0.0000000002"), Ok(1), "0.86 of a unit");
    assert_eq!(show_e9(i64::MIN), "-9223372036.854775808");
}

/// The reference knows ties; that the parser agrees with it shows that none can be written.
#[test]
fn the_reference_rounds_ties_to_even() {
    assert_eq!(slow::rounded(&[2, 5], 1), 2);
    assert_eq!(slow::rounded(&[3, 5], 1), 4);
    assert_eq!(slow::rounded(&[2, 5, 1], 2), 3);
}
