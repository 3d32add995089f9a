//! How much of a future offsets a quantity of goods.
//!
//! Fixed: as the policy says. Minimum variance: the slope of the goods' price changes over the
//! future's (L. Ederington, "The hedging performance of the new futures markets", Journal of
//! Finance 34, 1979); of logarithms the slope is one of values, so it is multiplied with spot over
//! future of the last day to be one of quantities. Delta: that of an option which would protect the
//! goods, without its sign, so that the hedge follows the option that was not bought.
//!
//! What follows from floats is rounded to 1e-6 and exact from there on. Called by `plan`.

use super::black76::OptionTerms;
use super::book::{Book, Chance, Protection, RatioKind};
use super::exposure::{to_millionths, years};
use super::regression::{Line, RegressionError, line};
use super::series::Series;
use super::{HedgeError, held};
use crate::config::Rational;

/// A ratio, and what it follows from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// Quantity of futures for one of goods.
    pub value: Rational,
    /// The regression, where there was one.
    pub line: Option<Line>,
}

/// The ratio of a policy; `read` brings the prices that it names.
///
/// # Errors
/// If there is none: prices that are missing, too few or constant, or an option without delta.
pub fn of(
    book: &Book,
    kind: &RatioKind,
    read: impl Fn(&str) -> Result<Series, super::series::SeriesError>,
) -> Result<Ratio, HedgeError> {
    match kind {
        RatioKind::Fixed(value) => Ok(Ratio { value: *value, line: None }),
        RatioKind::MinimumVariance(chance) => {
            let series = read(&chance.series)?;
            // What is known on the day of the book.
            minimum_variance(&series.between(None, Some(book.date)), chance)
        }
        RatioKind::Delta(protection) => protective(book, protection),
    }
}

/// Ratios as a fixed one may be, too.
const LEAST_RATIO: f64 = 0.01;
const MOST_RATIO: f64 = 3.0;

/// The ratio that makes the variance of goods and futures together the least.
///
/// # Errors
/// If a column is not there, prices are too few, constant, or have no logarithm.
pub fn minimum_variance(series: &Series, chance: &Chance) -> Result<Ratio, HedgeError> {
    let place = |name: &str| {
        series.place(name).ok_or_else(|| {
            HedgeError::Missing(format!("{}: there is no column \"{name}\"", chance.series))
        })
    };
    let (spot, future) = (place(&chance.spot)?, place(&chance.future)?);
    let what = || format!("{} over {} in {}", chance.spot, chance.future, chance.series);
    let refuse = |source| HedgeError::Regression { what: what(), source };
    let level = |price: Rational| {
        if chance.is_log { price.approximate().ln() } else { price.approximate() }
    };
    let levels: Vec<(f64, f64)> =
        series.rows.iter().map(|(_, row)| (level(row[future]), level(row[spot]))).collect();
    let changes: Vec<(f64, f64)> =
        levels.windows(2).map(|pair| (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1)).collect();
    let found = line(&changes, chance.least).map_err(refuse)?;
    let last =
        series.rows.last().map(|(_, row)| (row[spot].approximate(), row[future].approximate()));
    let (spot, future) = last.ok_or(refuse(RegressionError::NotFinite))?;
    let value = if chance.is_log { found.slope * spot / future } else { found.slope };
    if !value.is_finite() || value <= 0.0 {
        let why = format!("{}: the slope is {value:.6}, and hedges nothing", what());
        return Err(HedgeError::Missing(why));
    }
    if !(LEAST_RATIO..=MOST_RATIO).contains(&value) {
        let why = format!(
            "{}: {value:.6} of futures for one of goods is outside {LEAST_RATIO} to {MOST_RATIO}: \
             are both columns in one currency for one unit?",
            what()
        );
        return Err(HedgeError::Missing(why));
    }
    Ok(Ratio { value: held(to_millionths(value), &what())?, line: Some(found) })
}

fn protective(book: &Book, of: &Protection) -> Result<Ratio, HedgeError> {
    let contract = &book.contracts[of.contract];
    let what = || format!("the option on {}", contract.name);
    let terms = OptionTerms {
        right: of.right,
        future: contract.price.approximate(),
        strike: of.strike.approximate(),
        years: years(book.date, of.expiry),
        rate: of.rate.approximate(),
    };
    let worth = terms.worth(of.volatility.approximate());
    let worth = worth.map_err(|source| HedgeError::Option { what: what(), source })?;
    Ok(Ratio { value: held(to_millionths(worth.delta.abs()), &what())?, line: None })
}
