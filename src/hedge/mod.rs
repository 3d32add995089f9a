//! Hedging a physical book (套期保值) and pricing against a future (基差点价).
//!
//! `book` is what clients own, owe and hold; `exposure` what of it moves with the market; `ratio`
//! how much of a future offsets it (`regression`, `black76`); `plan` what to do about the rest;
//! `roll` how hedges are moved to a later month; `risk` what positions can cost, netted by what
//! moves them; `effect` what a period's hedges did; `pricing` what a contract at futures plus
//! basis costs.
//! Quantities, prices and money are exact fractions (`config::Rational`), rounded where they are
//! shown; statistics and options are floats, whose results say so.
//!
//! A `Book` is cut down to one client (`Book::of_client`) before anything is reckoned of it, so
//! that no result of one can hold anything of another.
//!
//! Everything is a pure function of files: no clock is read, no order is sent. A plan is a proposal
//! that a person approves. Not here: orders and their gates (the desk), margin and where it comes
//! from (`capital`). Called by `xmc hedge`.

pub mod black76;
pub mod book;
pub mod effect;
pub mod exposure;
pub mod month;
pub mod plan;
pub mod pricing;
pub mod ratio;
pub mod regression;
pub mod risk;
pub mod roll;
pub mod series;
pub mod unit;

pub use book::Book;
pub use month::Month;
pub use unit::Unit;

use thiserror::Error;

/// Why something could not be reckoned.
#[derive(Debug, Error)]
pub enum HedgeError {
    /// A result that cannot be held exactly.
    #[error("{0} has too many digits to be reckoned exactly: write fewer digits")]
    TooFine(String),
    /// A quantity in a unit that does not convert.
    #[error("{what}: {source}")]
    Unit {
        /// Of what.
        what: String,
        /// Why.
        source: unit::UnitError,
    },
    /// A file of prices or trades.
    #[error(transparent)]
    Series(#[from] series::SeriesError),
    /// A regression of prices.
    #[error("{what}: {source}")]
    Regression {
        /// Of what.
        what: String,
        /// Why.
        source: regression::RegressionError,
    },
    /// An option.
    #[error("{what}: {source}")]
    Option {
        /// Which.
        what: String,
        /// Why.
        source: black76::OptionError,
    },
    /// Something asked for that is not there.
    #[error("{0}")]
    Missing(String),
}

/// A result, or what it was that has too many digits.
fn held<T>(value: Option<T>, what: &str) -> Result<T, HedgeError> {
    value.ok_or_else(|| HedgeError::TooFine(what.to_owned()))
}
