//! Internal balancing: matching against every possible one, prices against integers, walls and
//! self-trades over random books, what a slip in a file may do.

mod matching;
mod plan;
mod price;
mod rules;
mod slips;

use cross_market_connect::balance::book::{Book, load_text};
use cross_market_connect::balance::quote::{self, Quotes};
use std::path::Path;

pub use crate::hedge::{edited, number, sample};

/// The sample, as text.
pub fn text() -> String {
    sample("balance_demo.toml")
}

/// A book of a text.
pub fn book_of(text: &str) -> Book {
    load_text(Path::new("balance.toml"), text)
        .unwrap_or_else(|invalid| panic!("{}", invalid.render(false)))
}

/// The sample's quotes for a book.
pub fn quotes_of(book: &Book) -> Quotes {
    quote::of_text("quotes.csv", &sample("balance_demo_quotes.csv"), book).expect("the sample")
}

/// The place of a contract.
pub fn contract(book: &Book, name: &str) -> usize {
    book.contracts.iter().position(|row| row.of.name == name).expect("a contract")
}
