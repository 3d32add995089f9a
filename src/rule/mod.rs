//! Rules of a user as text: `lots(hg) < 5 and opens` becomes the steps that the desk reckons, and
//! steps become text again for whoever reads a record.
//!
//! An expression compares figures that the desk knows (`message::Figure`) with each other and with
//! numbers, by `<`, `<=`, `>`, `>=`, `==` and `!=`, and joins comparisons by `and`, `or` and `not`.
//! Figures can be added, subtracted, negated and multiplied with whole numbers; there are `abs`,
//! `min` and `max`. Everything has a unit, and only what has the same one is compared or added: so
//! a price is never compared with lots. A bare number takes the unit of what it stands beside.
//!
//! There is no division, no float, no variable that lasts, and no loop: a rule is as long as it is
//! written. `hotpath::rule` reckons; `config::rule` reads the section.

mod compile;
mod parse;
mod words;

pub use compile::{Program, compile};
pub use words::{Legs, expression, told};

use std::ops::Range;
use xmc_hotpath::message::Figure;

/// Bytes that an expression can have.
pub const MAX_TEXT: usize = 400;

/// What is wrong with an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It cannot be read.
    Syntax,
    /// It names something that there is not, or not at this point.
    Word,
    /// It compares or adds what has not the same unit, or is neither true nor false.
    Unit,
    /// A number does not fit its unit.
    Number,
    /// It is too long.
    Size,
}

/// Where an expression is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// Bytes of the text that it is about.
    pub span: Range<usize>,
    /// In words.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Fault {
    fn new(
        kind: FaultKind,
        span: &Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { kind, span: span.clone(), message: message.into(), help: help.into() }
    }
}

/// What something counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A bare number, which takes the unit of what it stands beside.
    Number,
    /// True or false.
    Truth,
    /// What levels of the spread count, 1e-9.
    Points,
    /// The price of one leg, 1e-9.
    Price(u8),
    /// Lots.
    Lots,
    /// Units of the spread.
    Units,
    /// Nanoseconds.
    Time,
    /// Nanoseconds of the day.
    Clock,
    /// Money of 1e-9.
    Money,
    /// How many.
    Count,
}

impl Unit {
    /// That of a figure.
    #[must_use]
    pub const fn of(figure: Figure, leg: u8) -> Self {
        match figure {
            Figure::Value | Figure::Level | Figure::Gain => Self::Points,
            Figure::Position | Figure::Size | Figure::Done => Self::Units,
            Figure::Age | Figure::Skew | Figure::SinceFire | Figure::Took => Self::Time,
            Figure::Lots
            | Figure::BidLots
            | Figure::AskLots
            | Figure::Held
            | Figure::Filled
            | Figure::Residual => Self::Lots,
            Figure::Bid | Figure::Ask => Self::Price(leg),
            Figure::Fires | Figure::Tries => Self::Count,
            Figure::Opens | Figure::Buys | Figure::Whole => Self::Truth,
            Figure::Utc => Self::Clock,
            Figure::Slippage | Figure::CompleteCost | Figure::UnwindCost => Self::Money,
        }
    }

    /// What it is called.
    const fn word(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Truth => "true or false",
            Self::Points => "points of the spread",
            Self::Price(_) => "a price of one leg",
            Self::Lots => "lots",
            Self::Units => "units",
            Self::Time => "a time",
            Self::Clock => "a time of day",
            Self::Money => "money",
            Self::Count => "a count",
        }
    }
}
