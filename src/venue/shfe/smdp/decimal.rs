//! Prices between the venue's doubles and the house's integers of 1e-9, without loss both ways.
//!
//! A double stands for the shortest decimal that no other double is nearer to: what a person wrote
//! who meant it. Every decimal of at most 15 digits survives that, so every price does. Systems
//! that reckon in doubles (a tick times a number) leave noise in the last bits: what is within a
//! few of the smallest steps of a double from a multiple of 1e-9 is that multiple. A double further
//! away needs more than nine places and is no price. Amounts of money do not fit in 1e-9 units (a
//! day's turnover is beyond 9.2e9) and are not converted.

/// What the venue writes where there is no value: the largest double.
pub const NO_VALUE: f64 = f64::MAX;

/// A double that is no price.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{value:e} is no price: it must be a decimal of at most nine places, below 9.2e9")]
pub struct PriceError {
    /// The double.
    pub value: f64,
}

/// The price in units of 1e-9; `None` for the venue's "no value".
///
/// # Errors
/// It is not finite, too large, or has more than nine places.
pub fn e9_from_f64(value: f64) -> Result<Option<i64>, PriceError> {
    if value == NO_VALUE {
        return Ok(None);
    }
    let error = PriceError { value };
    // The standard library writes the shortest decimal, and never an exponent.
    let text = value.to_string();
    let (units, places) = text.split_once('.').unwrap_or((&text, ""));
    if places.len() > 9 {
        return nearest(value).map(Some).ok_or(error);
    }
    format!("{units}{places:0<9}").parse().map(Some).map_err(|_| error)
}

/// Steps of a double that a reckoning may be off: two roundings of half a step each, doubled.
const NOISE_ULPS: u64 = 4;

/// The multiple of 1e-9 that `value` is no further from than noise is; `None` if there is none.
fn nearest(value: f64) -> Option<i64> {
    // The standard library rounds the exact value: no product of doubles is rounded here.
    let price_e9 = format!("{value:.9}").replace('.', "").parse().ok()?;
    let meant = f64_from_e9(Some(price_e9));
    let is_noise = meant.to_bits().abs_diff(value.to_bits()) <= NOISE_ULPS;
    is_noise.then_some(price_e9)
}

/// The nearest double; the venue's "no value" for `None`.
pub fn f64_from_e9(price_e9: Option<i64>) -> f64 {
    let Some(price_e9) = price_e9 else { return NO_VALUE };
    let (units, places) = (price_e9.unsigned_abs() / E9, price_e9.unsigned_abs() % E9);
    let sign = if price_e9 < 0 { "-" } else { "" };
    // The parser of the standard library rounds correctly, whatever the number of digits.
    format!("{sign}{units}.{places:09}").parse().expect("digits, a point and digits are a number")
}

const E9: u64 = 1_000_000_000;
