//! The market's prices beside a book: `contract,time,bid,ask,last,vwap`, a line for a contract.
//!
//! Times have their offset from UTC. `last` and `vwap` may be empty: nothing was traded. What is
//! wrong is told with file, line and the code of its rule. Nothing here reads a feed.

use super::Book;
use super::book::is_on;
use crate::config::Rational;
use crate::config::error::Rule;
use crate::hedge::book::contract::is_of_one_size;
use crate::hedge::series::{SeriesError, lines, price, text_of};
use jiff::Timestamp;
use std::path::Path;
use thiserror::Error;

/// What a contract's market was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// When.
    pub at: Timestamp,
    /// The best price that somebody buys at.
    pub bid: Rational,
    /// The best price that somebody sells at; not below `bid`.
    pub ask: Rational,
    /// The last trade; `None`: there was none.
    pub last: Option<Rational>,
    /// The volume-weighted average; `None`: there was no trade.
    pub vwap: Option<Rational>,
}

/// The quotes of a book's contracts, each by its place; `None`: the file has none of it.
pub type Quotes = Vec<Option<Quote>>;

/// Why a file was refused.
#[derive(Debug, Error)]
pub enum QuoteError {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] SeriesError),
    /// A line is not what it must be.
    #[error("{file}:{line}: {}: {why}", Rule::BalanceQuote.code())]
    Line {
        /// The file.
        file: String,
        /// Its line, from 1.
        line: usize,
        /// Why.
        why: String,
    },
}

const HEAD: [&str; 6] = ["contract", "time", "bid", "ask", "last", "vwap"];

impl Quote {
    /// The middle of bid and ask; `None` if it cannot be held.
    #[must_use]
    pub fn mid(&self) -> Option<Rational> {
        self.bid.plus(self.ask)?.over(Rational::whole(2))
    }

    /// Half of what bid and ask are apart.
    #[must_use]
    pub fn half_spread(&self) -> Option<Rational> {
        self.ask.minus(self.bid)?.over(Rational::whole(2))
    }
}

/// Reads a file.
///
/// # Errors
/// What is wrong with it, with the line.
pub fn read(path: &Path, book: &Book) -> Result<Quotes, QuoteError> {
    of_text(&path.display().to_string(), &text_of(path)?, book)
}

/// Reads a text as if it stood in `file`.
///
/// # Errors
/// What is wrong with it, with the line.
pub fn of_text(file: &str, text: &str, book: &Book) -> Result<Quotes, QuoteError> {
    let refuse = |line: usize, why: String| QuoteError::Line { file: file.to_owned(), line, why };
    let mut lines = lines(text);
    match lines.next() {
        Some((_, head)) if head == HEAD => {}
        other => {
            let line = other.map_or(1, |(line, _)| line);
            return Err(refuse(line, format!("the first line is \"{}\"", HEAD.join(","))));
        }
    }
    let mut quotes = vec![None; book.contracts.len()];
    for (line, cells) in lines {
        let (place, quote) = row(&cells, book).map_err(|why| refuse(line, why))?;
        if quotes[place].is_some() {
            return Err(refuse(line, format!("{} has a line already", cells[0])));
        }
        quotes[place] = Some(quote);
    }
    Ok(quotes)
}

fn row(cells: &[&str], book: &Book) -> Result<(usize, Quote), String> {
    let [name, time, bid, ask, last, vwap] = cells else {
        return Err(format!("{} cells for {} columns", cells.len(), HEAD.len()));
    };
    let place = book.contracts.iter().position(|row| row.of.name == *name);
    let place = place.ok_or_else(|| format!("the book has no contract {name:?}"))?;
    let contract = &book.contracts[place];
    let at = time.parse().map_err(|_| {
        format!("{time:?} is no time with its offset: write it as 2026-01-31T10:00:00+08:00")
    })?;
    let near = |cell: &str| {
        let price = price(cell).map_err(|why| format!("{cell:?}: {why}"))?;
        if is_of_one_size(price, contract.of.price) {
            return Ok(price);
        }
        let reference = contract.of.price.show(6).unwrap_or_default();
        Err(format!("{cell} is far from {reference}, the price of {name} in the book"))
    };
    let on_tick = |cell: &str| {
        let price = near(cell)?;
        let tick = || contract.tick.show(6).unwrap_or_default();
        if is_on(price, contract.tick) {
            return Ok(price);
        }
        Err(format!("{cell} is not on the tick of {name}, which is {}", tick()))
    };
    let (bid, ask) = (on_tick(bid)?, on_tick(ask)?);
    if ask.is_below(bid) {
        return Err(format!("the ask of {name} is below its bid"));
    }
    let last = if last.is_empty() { None } else { Some(on_tick(last)?) };
    let vwap = if vwap.is_empty() { None } else { Some(near(vwap)?) };
    Ok((place, Quote { at, bid, ask, last, vwap }))
}
