//! Backtests of many settings on one source: a grid over figures of pairs, on all cores.
//!
//! Every point is played with the same delays' seed and on the same market, so points differ in
//! nothing but their figures, and nothing depends on the threads. The best point of a grid is the
//! best on the days that it was chosen on: it says little about others. With a split the second
//! period was not looked at for the choice.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use xmc_hotpath::message::{SpreadIndex, SpreadSpec};
use xmc_hotpath::time::Span;

use super::counts::Outcome;
use super::play::{PlayError, Terms, play};
use super::source::Source;
use crate::config::decimal::{self, DecimalError};
use crate::monitor::number;

/// A figure of a pair that can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// The level at or below which it is bought.
    BuyOpen,
    /// The level at or above which that is closed.
    BuyClose,
    /// The level at or above which it is sold.
    SellOpen,
    /// The level at or below which that is closed.
    SellClose,
    /// What a level must have been left by.
    Hysteresis,
    /// The largest fire.
    ClipUnits,
    /// The largest position.
    MaxUnits,
    /// Shortest time between fires, in milliseconds.
    CoolDownMs,
    /// Oldest quote, in milliseconds.
    MaxQuoteAgeMs,
    /// Largest difference of ages, in milliseconds.
    MaxQuoteSkewMs,
}

impl Figure {
    /// Their keys, as in `[[spread]]`.
    pub const KEYS: &[(&str, Self)] = &[
        ("buy_open", Self::BuyOpen),
        ("buy_close", Self::BuyClose),
        ("sell_open", Self::SellOpen),
        ("sell_close", Self::SellClose),
        ("hysteresis", Self::Hysteresis),
        ("clip_units", Self::ClipUnits),
        ("max_units", Self::MaxUnits),
        ("cool_down_ms", Self::CoolDownMs),
        ("max_quote_age_ms", Self::MaxQuoteAgeMs),
        ("max_quote_skew_ms", Self::MaxQuoteSkewMs),
    ];

    /// Its key.
    #[must_use]
    pub fn key(self) -> &'static str {
        let known = Self::KEYS.iter().find(|(_, figure)| *figure == self);
        known.map_or("", |(key, _)| *key)
    }

    /// Whether it counts whole units or milliseconds.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        matches!(
            self,
            Self::ClipUnits
                | Self::MaxUnits
                | Self::CoolDownMs
                | Self::MaxQuoteAgeMs
                | Self::MaxQuoteSkewMs
        )
    }
}

/// One figure of one pair, changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The pair.
    pub spread: SpreadIndex,
    /// Which figure.
    pub figure: Figure,
    /// What it is, units of 1e-9.
    pub value_e9: i64,
}

impl Change {
    /// Changes the pair, if it is of it.
    pub fn apply(&self, spec: &mut SpreadSpec) {
        if spec.spread != self.spread {
            return;
        }
        let whole = u32::try_from(self.value_e9 / 1_000_000_000).unwrap_or(0);
        let span = Span(u64::from(whole) * 1_000_000);
        match self.figure {
            Figure::BuyOpen => spec.buy_open_e9 = self.value_e9,
            Figure::BuyClose => spec.buy_close_e9 = self.value_e9,
            Figure::SellOpen => spec.sell_open_e9 = self.value_e9,
            Figure::SellClose => spec.sell_close_e9 = self.value_e9,
            Figure::Hysteresis => spec.hysteresis_e9 = self.value_e9,
            Figure::ClipUnits => spec.clip_units = whole,
            Figure::MaxUnits => spec.max_units = whole,
            Figure::CoolDownMs => spec.cool_down = span,
            Figure::MaxQuoteAgeMs => spec.max_quote_age = span,
            Figure::MaxQuoteSkewMs => spec.max_quote_skew = span,
        }
    }
}

/// One side of the grid: a figure of a pair, from, to, by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// The pair as it is called.
    pub pair: String,
    /// The pair's row.
    pub spread: SpreadIndex,
    /// Which figure.
    pub figure: Figure,
    /// Its values, units of 1e-9, in order.
    pub values_e9: Vec<i64>,
}

/// Points of a grid at most: more is a mistake more often than not.
pub const MOST_POINTS: usize = 10_000;

/// Why a grid cannot be read.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum AxisError {
    /// Not of the form.
    #[error("{0:?} is no axis: write PAIR.KEY=FROM:TO:STEP, as cu_bc.buy_open=-40:-20:4")]
    Form(String),
    /// No such pair.
    #[error("there is no pair {pair:?}; there are: {known}")]
    Pair {
        /// What was asked for.
        pair: String,
        /// What there is.
        known: String,
    },
    /// No such figure.
    #[error("{key:?} is no figure of a pair that can be swept; there are: {}", keys())]
    Key {
        /// What was asked for.
        key: String,
    },
    /// Not a number.
    #[error("{text:?}: {source}")]
    Decimal {
        /// What was written.
        text: String,
        /// What is wrong.
        source: DecimalError,
    },
    /// Out of bounds.
    #[error("{0:?}: a step is above 0, the end not before the beginning")]
    Order(String),
    /// Not a whole number from 1.
    #[error("{0:?}: {1} counts whole numbers from {2} to {3}")]
    Whole(String, &'static str, i64, i64),
    /// Too many.
    #[error("the grid has more than {MOST_POINTS} points: take larger steps or fewer axes")]
    Many,
    /// Twice the same.
    #[error("{0} is swept twice: keep one of them")]
    Twice(String),
}

fn keys() -> String {
    let keys: Vec<_> = Figure::KEYS.iter().map(|(key, _)| *key).collect();
    keys.join(", ")
}

impl Axis {
    /// An axis as it is written; `pairs` are the names of the desk's pairs, by row.
    ///
    /// # Errors
    /// See `AxisError`.
    pub fn read(text: &str, pairs: &[String]) -> Result<Self, AxisError> {
        let form = || AxisError::Form(text.to_owned());
        let (of, range) = text.split_once('=').ok_or_else(form)?;
        let (pair, key) = of.rsplit_once('.').ok_or_else(form)?;
        let row = pairs
            .iter()
            .position(|known| known == pair)
            .ok_or_else(|| AxisError::Pair { pair: pair.to_owned(), known: pairs.join(", ") })?;
        let figure = Figure::KEYS.iter().find(|(known, _)| *known == key);
        let (_, figure) = figure.ok_or_else(|| AxisError::Key { key: key.to_owned() })?;
        let parts: Vec<_> = range.split(':').collect();
        let number = |text: &str| {
            let decimal = |source| AxisError::Decimal { text: text.to_owned(), source };
            decimal::parse_e9(text).map_err(decimal)
        };
        let [from, to, step] = match parts[..] {
            [one] => [number(one)?, number(one)?, 1_000_000_000],
            [from, to, step] => [number(from)?, number(to)?, number(step)?],
            _ => return Err(form()),
        };
        if step <= 0 || to < from {
            return Err(AxisError::Order(range.to_owned()));
        }
        let count = to.abs_diff(from) / step.unsigned_abs() + 1;
        if count > MOST_POINTS as u64 {
            return Err(AxisError::Many);
        }
        let values = std::iter::successors(Some(from), |value| value.checked_add(step));
        let values_e9: Vec<_> = values.take_while(|value| *value <= to).collect();
        let [least, most] = match figure {
            Figure::CoolDownMs => [0, 3_600_000],
            Figure::ClipUnits | Figure::MaxUnits => [1, 10_000],
            _ => [1, 3_600_000],
        };
        let is_bad = |value: &i64| {
            value % 1_000_000_000 != 0 || !(least..=most).contains(&(value / 1_000_000_000))
        };
        if figure.is_whole() && values_e9.iter().any(is_bad) {
            return Err(AxisError::Whole(range.to_owned(), figure.key(), least, most));
        }
        let spread = SpreadIndex(u32::try_from(row).unwrap_or(u32::MAX));
        Ok(Self { pair: pair.to_owned(), spread, figure: *figure, values_e9 })
    }
}

/// One point of a grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// What is changed.
    pub changes: Vec<Change>,
    /// The same for people.
    pub text: String,
}

/// All points of a grid, the last axis the quickest.
///
/// # Errors
/// `Many`, `Twice`.
pub fn grid(axes: &[Axis]) -> Result<Vec<Point>, AxisError> {
    for (at, axis) in axes.iter().enumerate() {
        let is_same = |other: &&Axis| (other.spread, other.figure) == (axis.spread, axis.figure);
        if axes[..at].iter().any(|other| is_same(&other)) {
            return Err(AxisError::Twice(format!("{}.{}", axis.pair, axis.figure.key())));
        }
    }
    let mut points = vec![Point { changes: Vec::new(), text: String::new() }];
    for axis in axes {
        if points.len().saturating_mul(axis.values_e9.len()) > MOST_POINTS {
            return Err(AxisError::Many);
        }
        let with = |point: &Point, value_e9: i64| {
            let mut point = point.clone();
            point.changes.push(Change { spread: axis.spread, figure: axis.figure, value_e9 });
            let gap = if point.text.is_empty() { "" } else { " " };
            let value = Plain(value_e9);
            point.text += &format!("{gap}{}.{}={value}", axis.pair, axis.figure.key());
            point
        };
        points = points
            .iter()
            .flat_map(|point| axis.values_e9.iter().map(|value| with(point, *value)))
            .collect();
    }
    Ok(points)
}

/// A decimal as it is written in a file.
struct Plain(i64);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = number::e9(self.0.into(), 9).replace(',', "");
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// Plays every point, on `threads` threads, in the order of the grid; `done` is told of each.
///
/// # Errors
/// That of the first point that has one.
pub fn sweep(
    source: &Source<'_>,
    terms: &Terms,
    points: &[Point],
    threads: usize,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<Outcome>, PlayError> {
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..threads.clamp(1, points.len().max(1)) {
            scope.spawn(|| {
                loop {
                    // Relaxed: only the count itself is shared.
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(point) = points.get(number) else { break };
                    let terms = Terms { changes: point.changes.clone(), ..terms.clone() };
                    let played = play(source, &terms);
                    if played.is_err() {
                        // Those before this one are taken already.
                        next.store(points.len(), Ordering::Relaxed);
                    }
                    all.lock().unwrap_or_else(PoisonError::into_inner).push((number, played));
                    done();
                }
            });
        }
    });
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.sort_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, played)| played).collect()
}
