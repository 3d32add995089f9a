//! Decimal text as exact integers: prices in units of 1e-9, coefficients in Q32.
//!
//! No float takes part, so `"0.1"` is exactly 100,000,000 e-9. One spelling per number is legal:
//! an optional minus, digits without needless leading zeros, and a point only between digits.
//! There is no plus, exponent, blank or grouping. Called by the configuration's readers and by
//! reports that show such integers to people.

use thiserror::Error;

/// One in units of 1e-9.
pub const ONE_E9: i64 = 1_000_000_000;

/// One in Q32.
pub const ONE_Q32: i64 = 1 << 32;

/// Why a text is not a number that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecimalError {
    /// It does not follow the one legal spelling.
    #[error("this is not a decimal number: write digits, with a point between digits if needed")]
    Spelling,
    /// More digits after the point than the unit can hold exactly.
    #[error("{digits} digits after the point, and at most {most} can be held exactly")]
    TooFine {
        /// How many were written.
        digits: usize,
        /// How many are held.
        most: usize,
    },
    /// Outside of what 64 bits hold in this unit.
    #[error("the number is too large to be held")]
    TooLarge,
    /// Not zero, but nearer to zero than half a unit.
    #[error("the number is too small: it would be rounded to zero")]
    TooSmall,
}

/// The text as units of 1e-9; more than nine digits after the point are refused, never rounded.
pub fn parse_e9(text: &str) -> Result<i64, DecimalError> {
    let parts = split(text, 9)?;
    let scale = 10_u128.pow(9 - parts.fraction_digits);
    let magnitude = parts.mantissa.checked_mul(scale).ok_or(DecimalError::TooLarge)?;
    signed(magnitude, parts.negative)
}

/// The text as Q32: the number times 2^32, rounded to the nearest, at most 18 digits after the
/// point. A number that is not zero is never rounded to zero: it is refused.
///
/// Ties are not in question (half to even and half up are the same here): a tie has 33 digits.
pub fn parse_q32(text: &str) -> Result<i64, DecimalError> {
    let parts = split(text, 18)?;
    if parts.mantissa >= 1 << 96 {
        return Err(DecimalError::TooLarge);
    }
    let (scaled, unit) = (parts.mantissa << 32, 10_u128.pow(parts.fraction_digits));
    let (whole, rest) = (scaled / unit, scaled % unit);
    let magnitude = whole + u128::from(rest * 2 > unit);
    if magnitude == 0 && parts.mantissa != 0 {
        return Err(DecimalError::TooSmall);
    }
    signed(magnitude, parts.negative)
}

/// The text as a whole number and how many of its digits stand after the point, at most 18.
pub(super) fn parse_whole(text: &str) -> Result<(i128, u32), DecimalError> {
    let parts = split(text, 18)?;
    let mantissa = i128::try_from(parts.mantissa).map_err(|_| DecimalError::TooLarge)?;
    if parts.negative && mantissa == 0 {
        return Err(DecimalError::Spelling);
    }
    Ok((if parts.negative { -mantissa } else { mantissa }, parts.fraction_digits))
}

/// The shortest text that `parse_e9` reads back as `value_e9`.
pub fn show_e9(value_e9: i64) -> String {
    let sign = if value_e9 < 0 { "-" } else { "" };
    let unit = ONE_E9.unsigned_abs();
    let (whole, rest) = (value_e9.unsigned_abs() / unit, value_e9.unsigned_abs() % unit);
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    let fraction = format!("{rest:09}");
    format!("{sign}{whole}.{}", fraction.trim_end_matches('0'))
}

struct Parts {
    negative: bool,
    /// All digits read as one integer.
    mantissa: u128,
    fraction_digits: u32,
}

fn split(text: &str, most: usize) -> Result<Parts, DecimalError> {
    let digits = text.strip_prefix('-');
    let (negative, digits) = (digits.is_some(), digits.unwrap_or(text));
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return Err(DecimalError::Spelling),
        Some(both) => both,
        None => (digits, ""),
    };
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let padded = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || padded || !plain(whole) || !plain(fraction) {
        return Err(DecimalError::Spelling);
    }
    if fraction.len() > most {
        return Err(DecimalError::TooFine { digits: fraction.len(), most });
    }
    // 19 + 18 digits stay below 2^127.
    if whole.len() > 19 {
        return Err(DecimalError::TooLarge);
    }
    let mantissa = whole
        .bytes()
        .chain(fraction.bytes())
        .fold(0_u128, |sum, digit| sum * 10 + u128::from(digit - b'0'));
    let fraction_digits = u32::try_from(fraction.len()).map_err(|_| DecimalError::Spelling)?;
    Ok(Parts { negative, mantissa, fraction_digits })
}

fn signed(magnitude: u128, negative: bool) -> Result<i64, DecimalError> {
    // A minus before zero is a slip: of the digits or of the sign.
    if negative && magnitude == 0 {
        return Err(DecimalError::Spelling);
    }
    let magnitude = i128::try_from(magnitude).map_err(|_| DecimalError::TooLarge)?;
    let value = if negative { -magnitude } else { magnitude };
    i64::try_from(value).map_err(|_| DecimalError::TooLarge)
}
