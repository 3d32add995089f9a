//! Volatility and correlation of columns of prices, by a stated window and estimator, in floats.
//!
//! Equal weights: the sample covariance, around the mean, over one less than the number of changes.
//! Weighted: around zero, each change `lambda` times the one behind it, weights summing to one
//! (J.P. Morgan/Reuters, "RiskMetrics - Technical Document", 4th edition, 1996, section 5.2).
//! Called by `risk`.

use super::super::HedgeError;
use super::super::book::{Estimator, RiskTerms};
use super::super::series::Series;
use jiff::civil::Date;

/// What the window's changes say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estimate {
    /// First and last day of prices; `None`: nothing was asked of them.
    pub days: Option<(Date, Date)>,
    /// Standard deviation of a day, as a part of the price.
    pub sigma: Vec<f64>,
    /// Correlations, a row for every column.
    pub correlation: Vec<Vec<f64>>,
}

/// What the last changes until `today` say of `columns`.
///
/// # Errors
/// `Missing` if a column is not there, changes are too few, a price has no logarithm, or one never
/// changes.
pub fn of(
    terms: &RiskTerms,
    series: &Series,
    columns: &[&str],
    today: Date,
) -> Result<Estimate, HedgeError> {
    let missing = |why: String| HedgeError::Missing(format!("{}: {why}", terms.series));
    let known = series.between(None, Some(today));
    let Some(start) = known.rows.len().checked_sub(terms.days + 1) else {
        let (days, has) = (terms.days, known.rows.len().saturating_sub(1));
        let why = format!("the window is of {days} changes until {today}, and there are {has}");
        return Err(missing(why));
    };
    let rows = &known.rows[start..];
    let mut changes = Vec::new();
    for name in columns {
        let at = series.place(name).ok_or_else(|| missing(format!("no column \"{name}\"")))?;
        let prices: Vec<f64> = rows.iter().map(|(_, row)| row[at].approximate()).collect();
        let now = prices.last().copied().unwrap_or_default();
        if prices.iter().any(|price| terms.is_log && *price <= 0.0) || now == 0.0 {
            let why = "has a price that is not above zero: write of = \"differences\"";
            return Err(missing(format!("\"{name}\" {why}")));
        }
        let change = |pair: &[f64]| match terms.is_log {
            true => (pair[1] / pair[0]).ln(),
            false => (pair[1] - pair[0]) / now.abs(),
        };
        if prices.iter().all(|price| *price == prices[0]) {
            return Err(missing(format!("\"{name}\" never changes in the window")));
        }
        changes.push(prices.windows(2).map(change).collect::<Vec<f64>>());
    }
    let covariance = |one: &[f64], other: &[f64]| match terms.estimator {
        Estimator::Equal => equal(one, other),
        Estimator::Weighted(lambda) => weighted(one, other, lambda.approximate()),
    };
    let sigma: Vec<f64> = changes.iter().map(|own| covariance(own, own).sqrt()).collect();
    let correlation = changes.iter().enumerate().map(|(at, one)| {
        let with = changes.iter().enumerate().map(|(of, other)| match at == of {
            true => 1.0,
            false => (covariance(one, other) / sigma[at] / sigma[of]).clamp(-1.0, 1.0),
        });
        with.collect()
    });
    let days = rows.first().zip(rows.last()).map(|(first, last)| (first.0, last.0));
    Ok(Estimate { days, correlation: correlation.collect(), sigma })
}

fn equal(one: &[f64], other: &[f64]) -> f64 {
    let size = one.len() as f64;
    let mean = |of: &[f64]| of.iter().sum::<f64>() / size;
    let (mean, means) = (mean(one), mean(other));
    let sum: f64 = one.iter().zip(other).map(|(x, y)| (x - mean) * (y - means)).sum();
    sum / (size - 1.0)
}

fn weighted(one: &[f64], other: &[f64], lambda: f64) -> f64 {
    let (mut weight, mut sum, mut weights) = (1.0, 0.0, 0.0);
    for (x, y) in one.iter().zip(other).rev() {
        sum += weight * x * y;
        weights += weight;
        weight *= lambda;
    }
    sum / weights
}
