//! A straight line through pairs of numbers, by ordinary least squares, in floats.
//!
//! Sums are taken around the means, so that prices which are large against their changes lose
//! nothing. Called by `ratio` and `effect`.

use thiserror::Error;

/// `y = intercept + slope x`, and how well that holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Change of `y` for 1 of `x`.
    pub slope: f64,
    /// `y` where `x` is zero.
    pub intercept: f64,
    /// Part of the variance of `y` that the line explains: 0 to 1.
    pub r_squared: f64,
    /// Standard error of the slope, with two degrees of freedom spent.
    pub standard_error: f64,
    /// Pairs it was drawn through.
    pub count: usize,
}

/// Why there is no line.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum RegressionError {
    /// Too few pairs say nothing.
    #[error("{count} observations, and at least {least} are needed")]
    TooFew {
        /// How many there are.
        count: usize,
        /// How many are needed.
        least: usize,
    },
    /// One side does not move.
    #[error("{0} never changes: no line follows from that")]
    Constant(&'static str),
    /// A number that is none.
    #[error("an observation is not a finite number")]
    NotFinite,
}

/// Draws the line through `pairs` of (x, y).
///
/// # Errors
/// If there are fewer than `least` (and never fewer than three), or one side is constant.
pub fn line(pairs: &[(f64, f64)], least: usize) -> Result<Line, RegressionError> {
    let (count, least) = (pairs.len(), least.max(3));
    if count < least {
        return Err(RegressionError::TooFew { count, least });
    }
    if !pairs.iter().all(|(x, y)| x.is_finite() && y.is_finite()) {
        return Err(RegressionError::NotFinite);
    }
    let size = count as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / size;
    let (mean_x, mean_y) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        let (x, y) = (x - mean_x, y - mean_y);
        xx += x * x;
        xy += x * y;
        yy += y * y;
    }
    // Below this a sum holds nothing but what the means were rounded by.
    let is_nothing = |sum: f64, mean: f64| sum <= size * (mean * f64::EPSILON * 4.0).powi(2);
    if is_nothing(xx, mean_x) {
        return Err(RegressionError::Constant("what explains"));
    }
    if is_nothing(yy, mean_y) {
        return Err(RegressionError::Constant("what is to be explained"));
    }
    let slope = xy / xx;
    let left = pairs
        .iter()
        .map(|(x, y)| (y - mean_y) - slope * (x - mean_x))
        .map(|left| left * left)
        .sum::<f64>();
    Ok(Line {
        slope,
        intercept: mean_y - slope * mean_x,
        r_squared: (1.0 - left / yy).clamp(0.0, 1.0),
        standard_error: (left / (size - 2.0) / xx).sqrt(),
        count,
    })
}
