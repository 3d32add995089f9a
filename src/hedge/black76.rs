//! Options on futures by Black's formula of 1976, in floats: price, delta, gamma, vega, theta, and
//! the volatility that a price implies.
//!
//! `price = D (w F N(w d1) - w K N(w d2))` with `D = exp(-r T)`, `s = v sqrt(T)`,
//! `d1 = ln(F / K) / s + s / 2`, `d2 = d1 - s`, and `w` 1 for a call, -1 for a put. Source: F.
//! Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976). Delta and
//! gamma are by the price of the future; vega is for 1.00 of volatility, theta for a year gone by.
//!
//! European exercise: an American option on a future is worth no less. Prices that are not above
//! zero have no logarithm and are refused. Called by `exposure`, `ratio` and `xmc hedge option`.

use std::f64::consts::{PI, SQRT_2};
use thiserror::Error;

/// The right that an option gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Right {
    /// To buy (看涨).
    #[default]
    Call,
    /// To sell (看跌).
    Put,
}

/// The words of files.
pub const RIGHTS: &[(&str, Right)] = &[("call", Right::Call), ("put", Right::Put)];

/// An option on a future.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OptionTerms {
    /// Call or put.
    pub right: Right,
    /// Price of the future; above zero.
    pub future: f64,
    /// Strike, in the same unit; above zero.
    pub strike: f64,
    /// Years to expiry; not below zero.
    pub years: f64,
    /// Interest for a year, continuous: 0.02 is 2 %.
    pub rate: f64,
}

/// What an option is worth, and by what that changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worth {
    /// In the unit of the future's price.
    pub price: f64,
    /// For 1 of the future's price.
    pub delta: f64,
    /// Of delta, for 1 of the future's price. `None`: it has no limit there (at the strike, with no
    /// time or no volatility left).
    pub gamma: Option<f64>,
    /// For 1.00 of volatility.
    pub vega: f64,
    /// For a year that goes by. `None`: it has no limit there.
    pub theta: Option<f64>,
}

/// Why an option has no worth, or a price no volatility.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum OptionError {
    /// A figure that the formula is not made for.
    #[error("{name} is {value}, and must be from {lowest} to {highest}")]
    Bounds {
        /// Which.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The least.
        lowest: f64,
        /// The most.
        highest: f64,
    },
    /// Worth less than exercising it.
    #[error("the price {price} is below {least}, what exercise brings: no volatility gives it")]
    BelowExercise {
        /// The price.
        price: f64,
        /// What exercise brings, discounted.
        least: f64,
    },
    /// Worth as much as all it can bring.
    #[error("the price {price} is not below {most}, all that it can bring: no volatility gives it")]
    NotBelowMost {
        /// The price.
        price: f64,
        /// The bound.
        most: f64,
    },
    /// Nothing is left in which volatility could matter.
    #[error("the option is at its expiry: no volatility follows from its price")]
    Expired,
}

/// Volatility of a year that is looked for at most: 5,000 %.
const MOST_VOLATILITY: f64 = 50.0;

fn bounded(name: &'static str, value: f64, lowest: f64, highest: f64) -> Result<(), OptionError> {
    // Also what is not a number.
    if (lowest..=highest).contains(&value) {
        return Ok(());
    }
    Err(OptionError::Bounds { name, value, lowest, highest })
}

/// The distribution function of the standard normal.
fn normal(x: f64) -> f64 {
    0.5 * libm::erfc(-x / SQRT_2)
}

/// Its density.
fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// The logarithm of `one / other`, also where they are near each other.
fn log_ratio(one: f64, other: f64) -> f64 {
    let apart = (one - other) / other;
    if apart.abs() < 0.5 { apart.ln_1p() } else { (one / other).ln() }
}

impl OptionTerms {
    fn check(&self) -> Result<(), OptionError> {
        bounded("the price of the future", self.future, 1e-9, 1e12)?;
        bounded("the strike", self.strike, 1e-9, 1e12)?;
        bounded("the time in years", self.years, 0.0, 100.0)?;
        bounded("the rate", self.rate, -1.0, 1.0)
    }

    /// 1 for a call, -1 for a put.
    fn sign(&self) -> f64 {
        match self.right {
            Right::Call => 1.0,
            Right::Put => -1.0,
        }
    }

    fn discount(&self) -> f64 {
        (-self.rate * self.years).exp()
    }

    /// What it is worth at a volatility of a year (0.2 is 20 %).
    ///
    /// # Errors
    /// `Bounds` for a figure that the formula is not made for, or that is not a number.
    pub fn worth(&self, volatility: f64) -> Result<Worth, OptionError> {
        self.check()?;
        bounded("the volatility", volatility, 0.0, MOST_VOLATILITY)?;
        let spread = volatility * self.years.sqrt();
        if spread == 0.0 {
            return Ok(self.certain(volatility));
        }
        let (sign, discount) = (self.sign(), self.discount());
        let d1 = log_ratio(self.future, self.strike) / spread + 0.5 * spread;
        let d2 = d1 - spread;
        let price = self.discounted(d1, d2);
        let dense = discount * density(d1);
        let decay = dense * self.future * volatility / (2.0 * self.years.sqrt());
        Ok(Worth {
            price,
            delta: sign * discount * normal(sign * d1),
            gamma: Some(dense / (self.future * spread)),
            vega: dense * self.future * self.years.sqrt(),
            theta: Some(self.rate * price - decay),
        })
    }

    fn discounted(&self, d1: f64, d2: f64) -> f64 {
        let sign = self.sign();
        let (get, give) = (self.future * normal(sign * d1), self.strike * normal(sign * d2));
        // Of two numbers that are nearly the same nothing is left but what was rounded.
        (self.discount() * sign * (get - give)).max(0.0)
    }

    /// The limit when nothing is left to chance: no time, or no volatility.
    fn certain(&self, volatility: f64) -> Worth {
        let (sign, discount) = (self.sign(), self.discount());
        let inside = sign * (self.future - self.strike);
        let price = discount * inside.max(0.0);
        let is_at_strike = inside == 0.0;
        let share = if is_at_strike {
            0.5
        } else if inside > 0.0 {
            1.0
        } else {
            0.0
        };
        // At the strike, with no time left, whatever volatility there is decays without bound.
        let decays = is_at_strike && volatility > 0.0;
        let vega = if is_at_strike {
            discount * self.future * density(0.0) * self.years.sqrt()
        } else {
            0.0
        };
        Worth {
            price,
            delta: sign * discount * share,
            gamma: (!is_at_strike).then_some(0.0),
            vega,
            theta: (!decays).then_some(self.rate * price),
        }
    }

    /// The volatility at which it is worth `price`.
    ///
    /// Bisection that is hastened by Newton's steps where these stay inside: it always ends.
    ///
    /// # Errors
    /// If no volatility gives that price, or a figure is out of bounds.
    pub fn implied_volatility(&self, price: f64) -> Result<f64, OptionError> {
        self.check()?;
        bounded("the price", price, 0.0, 1e12)?;
        if self.years == 0.0 {
            return Err(OptionError::Expired);
        }
        let least = self.certain(0.0).price;
        let best = if self.right == Right::Call { self.future } else { self.strike };
        let most = self.discount() * best;
        if price < least {
            return Err(OptionError::BelowExercise { price, least });
        }
        let (mut low, mut high) = (0.0, MOST_VOLATILITY);
        if price >= most || self.worth(high)?.price < price {
            return Err(OptionError::NotBelowMost { price, most });
        }
        if price == least {
            return Ok(0.0);
        }
        let mut guess = 0.3;
        for _ in 0..200 {
            let worth = self.worth(guess)?;
            let over = worth.price - price;
            if over == 0.0 {
                return Ok(guess);
            }
            if over > 0.0 {
                high = guess;
            } else {
                low = guess;
            }
            let step = guess - over / worth.vega;
            let middle = 0.5 * (low + high);
            let next = if step > low && step < high { step } else { middle };
            if (next - guess).abs() <= f64::EPSILON * guess || high - low <= f64::EPSILON * high {
                return Ok(next);
            }
            guess = next;
        }
        Ok(guess)
    }
}
