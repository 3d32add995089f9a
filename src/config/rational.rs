//! Fractions of whole numbers: what named terms make a coefficient of, without rounding.
//!
//! A coefficient such as `7.1 / 31.1034768` has no end as a decimal. So factors are multiplied as
//! fractions, and rounded once: to Q32 for the hot path, to 1e-9 for a constant, to some digits for
//! people. What does not fit 127 bits is `None`, never wrapped.
//!
//! Called by the readers of spreads, by `xmc explain`, whose exact values owe nothing to the hot
//! path, and by `hedge`, whose quantities and prices pass through units. Not a number type for
//! general use: it knows what those need.

use super::decimal::{self, DecimalError};

/// A fraction in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rational {
    numerator: i128,
    /// Above zero.
    denominator: i128,
}

impl Default for Rational {
    fn default() -> Self {
        Self::ZERO
    }
}

impl Rational {
    /// 0.
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };
    /// 1.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// `numerator / denominator`; `None` if the latter is zero.
    #[must_use]
    pub fn new(numerator: i128, denominator: i128) -> Option<Self> {
        let divisor = common_divisor(numerator, denominator)?;
        let sign = if denominator < 0 { -1 } else { 1 };
        let (numerator, denominator) = (numerator / divisor, denominator / divisor);
        Some(Self {
            numerator: numerator.checked_mul(sign)?,
            denominator: denominator.checked_mul(sign)?,
        })
    }

    /// A whole number.
    #[must_use]
    pub fn whole(number: i64) -> Self {
        Self { numerator: number.into(), denominator: 1 }
    }

    /// A number of units of 1e-9.
    #[must_use]
    pub fn from_e9(value_e9: i64) -> Self {
        Self::new(value_e9.into(), decimal::ONE_E9.into()).unwrap_or(Self::ZERO)
    }

    /// A number in Q32.
    #[must_use]
    pub fn from_q32(value_q32: i64) -> Self {
        Self::new(value_q32.into(), decimal::ONE_Q32.into()).unwrap_or(Self::ZERO)
    }

    /// The decimal text, exactly; at most 18 digits after the point.
    ///
    /// # Errors
    /// As `decimal::parse_q32` says, but that nothing is too small.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let (mantissa, fraction_digits) = decimal::parse_whole(text)?;
        Self::new(mantissa, 10_i128.pow(fraction_digits)).ok_or(DecimalError::TooLarge)
    }

    /// The product.
    #[must_use]
    pub fn times(self, other: Self) -> Option<Self> {
        // Crosswise first, so that what cancels does not overflow before it does.
        let one = Self::new(self.numerator, other.denominator)?;
        let two = Self::new(other.numerator, self.denominator)?;
        let numerator = one.numerator.checked_mul(two.numerator)?;
        Some(Self { numerator, denominator: one.denominator.checked_mul(two.denominator)? })
    }

    /// The quotient; `None` also where `other` is zero.
    #[must_use]
    pub fn over(self, other: Self) -> Option<Self> {
        self.times(Self::new(other.denominator, other.numerator)?)
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        // What both denominators have in common is not multiplied with itself.
        let common = common_divisor(self.denominator, other.denominator)?;
        let (own, others) = (self.denominator / common, other.denominator / common);
        let one = self.numerator.checked_mul(others)?;
        let two = other.numerator.checked_mul(own)?;
        Self::new(one.checked_add(two)?, self.denominator.checked_mul(others)?)
    }

    /// The difference.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.plus(other.negated())
    }

    /// The number with the other sign.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { numerator: self.numerator.saturating_neg(), ..self }
    }

    /// The number without its sign.
    #[must_use]
    pub fn magnitude(self) -> Self {
        if self.is_negative() { self.negated() } else { self }
    }

    /// Whether it is below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.numerator < 0
    }

    /// Whether it is the smaller one; a difference beyond what can be held counts as none.
    #[must_use]
    pub fn is_below(self, other: Self) -> bool {
        self.minus(other).is_some_and(Self::is_negative)
    }

    /// Numerator and denominator in lowest terms, the latter above zero.
    #[must_use]
    pub fn parts(self) -> (i128, i128) {
        (self.numerator, self.denominator)
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.numerator == 0
    }

    /// The largest whole number that is not above it.
    #[must_use]
    pub fn floor(self) -> i128 {
        self.numerator.div_euclid(self.denominator)
    }

    /// The number as near as a float can say it: for comparisons that keep nothing.
    #[must_use]
    pub fn approximate(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }

    /// The number times 2^32, to the nearest.
    #[must_use]
    pub fn nearest_q32(self) -> Option<i64> {
        i64::try_from(self.nearest(decimal::ONE_Q32.into())?).ok()
    }

    /// The number times 1e9, to the nearest.
    #[must_use]
    pub fn nearest_e9(self) -> Option<i64> {
        i64::try_from(self.nearest(decimal::ONE_E9.into())?).ok()
    }

    /// The number as a decimal of at most so many digits after the point, to the nearest; `None` if
    /// it has too many before it.
    #[must_use]
    pub fn show(self, digits: u32) -> Option<String> {
        let unit = 10_i128.checked_pow(digits)?;
        let nearest = self.nearest(unit)?;
        let (whole, rest) = (nearest.abs() / unit, nearest.abs() % unit);
        let sign = if nearest < 0 { "-" } else { "" };
        let width = usize::try_from(digits).ok()?;
        let fraction = format!("{rest:0width$}");
        let fraction = fraction.trim_end_matches('0');
        let point = if rest == 0 { "" } else { "." };
        Some(format!("{sign}{whole}{point}{}", if rest == 0 { "" } else { fraction }))
    }

    /// The number as a whole number of `1 / unit`, to the nearest; halves go away from zero. `None`
    /// if that is beyond what can be held.
    #[must_use]
    pub fn nearest(self, unit: i128) -> Option<i128> {
        let scaled = Self::new(unit, self.denominator)?;
        let numerator = self.numerator.checked_mul(scaled.numerator)?;
        let half = scaled.denominator / 2;
        let away =
            if numerator < 0 { numerator.checked_sub(half) } else { numerator.checked_add(half) };
        Some(away? / scaled.denominator)
    }
}

/// The greatest number that divides both; `None` if there is none.
fn common_divisor(one: i128, other: i128) -> Option<i128> {
    let (mut one, mut other) = (one.checked_abs()?, other.checked_abs()?);
    if other == 0 {
        return None;
    }
    while other != 0 {
        (one, other) = (other, one % other);
    }
    Some(one)
}
