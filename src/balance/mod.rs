//! Internal balancing (内部平衡): what strategies want of each other is matched inside, before
//! anything goes to a market.
//!
//! `book` is the file: who holds what, who wants what until when, who may net with whom; `quote`
//! the market's prices beside it; `price` the one price of a contract by its stated policy; `want`
//! what needs and targets ask for now; `matching` which opposite needs meet; `plan` all of it with
//! what is left; `proposal` what could be done about that, with cost.
//!
//! Everything is a pure function of the files: the time is the book's, no clock is read. Nothing is
//! sent, nothing is booked, and no broker's statement changes: a match is what an entry in the
//! house's own books would be, a proposal waits for a rule of the file or for a person. Not here:
//! recording internal fills in the desk, and orders. Called by `xmc balance`.

pub mod book;
pub mod matching;
pub mod plan;
pub mod price;
pub mod proposal;
pub mod quote;
pub mod want;

pub use book::Book;
pub use plan::Plan;

use thiserror::Error;

/// Why something could not be reckoned.
#[derive(Debug, Error)]
pub enum BalanceError {
    /// A result that cannot be held exactly.
    #[error("{0} has too many digits to be reckoned exactly: write fewer digits")]
    TooFine(&'static str),
    /// The file of quotes.
    #[error(transparent)]
    Quote(#[from] quote::QuoteError),
}

/// A result, or what it was that has too many digits.
fn held<T>(value: Option<T>, what: &'static str) -> Result<T, BalanceError> {
    value.ok_or(BalanceError::TooFine(what))
}
