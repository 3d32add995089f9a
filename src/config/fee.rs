//! Fees as the levels of a spread count them: what is paid for trading one unit of it.
//!
//! Fees are written per instrument (`fee_per_lot`, `fee_fraction`) and go into a spread's value by
//! the weights of its legs, a converted leg's at its reference, if its levels are after fees.

use super::market::Instrument;
use super::rational::Rational;
use super::spread::Leg;

/// What trading a leg takes in fees, whichever way, as a value of one unit of its spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegFees {
    /// By the lot: this, whatever the price is.
    pub by_lot: Rational,
    /// By what is traded: this for each 1 of the leg's price.
    pub by_value: Rational,
}

impl LegFees {
    /// Those of a leg that is not traded.
    pub const NONE: Self = Self { by_lot: Rational::ZERO, by_value: Rational::ZERO };

    /// Those of a leg of this instrument; `None` if they have too many digits to be reckoned
    /// exactly.
    pub fn of(leg: &Leg, instrument: &Instrument) -> Option<Self> {
        if !leg.is_traded {
            return Some(Self::NONE);
        }
        let weight = leg.coefficient.exact.magnitude();
        let multiplier = Rational::from_e9(instrument.multiplier_e9);
        let per_lot = Rational::from_e9(instrument.fee_per_lot_e9).over(multiplier)?;
        Some(Self {
            by_lot: per_lot.times(weight)?,
            by_value: Rational::from_e9(instrument.fee_fraction_e9).times(weight)?,
        })
    }

    /// What they come to at a price, whatever its sign is.
    pub fn at(&self, price: Rational) -> Option<Rational> {
        self.by_value.times(price.magnitude())?.plus(self.by_lot)
    }
}
