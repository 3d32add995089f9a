//! What of a book moves with the market: by client, product and month.
//!
//! Exposure is above zero where a rising price earns, below where it costs. Of goods:
//!
//! | kind | fixed | floating on a future, or unpriced |
//! |---|---|---|
//! | stock | long: its worth moves, its cost does not | none but the priced part: cost moves as worth does |
//! | bought | long | none but the priced part |
//! | sold | short: what it will cost to deliver moves | none but the priced part |
//! | need | refused: it is a purchase then | short, all of it: the price it will be bought at moves |
//! | output | refused: it is a sale then | long, all of it |
//!
//! So signs add up: a need of 500 t of which 300 t are bought at a fixed price is short by 200 t;
//! the same purchase at a floating price closes nothing. A need is written only for what is not
//! sold at a fixed price already, and an output only for what is not in stock. Of floating and
//! unpriced goods the open quantity is shown, since its basis and its pricing are still to be dealt
//! with.
//!
//! Quantities are pure product (quantity times purity times yield), in the product's unit. A
//! delivery over several months is shared among them by days. Futures count by their lots, options
//! by Black's delta rounded to 1e-6, each in the month of its future; only those flagged `hedge`
//! are hedges.

use super::black76::{OptionTerms, Right};
use super::book::{Book, Held, OptionHeld, Position};
use super::month::Month;
use super::{HedgeError, held};
use crate::config::Rational;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Whose, of what, in which month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The client, by its place in the book.
    pub client: usize,
    /// The product.
    pub product: usize,
    /// The month.
    pub month: Month,
}

/// What of a product moves in a month, in its unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Goods.
    pub physical: Rational,
    /// Goods whose price is still open: above zero to come, below to go; no exposure.
    pub open: Rational,
    /// Futures that are hedges.
    pub futures: Rational,
    /// Options that are hedges, by delta.
    pub options: Rational,
    /// Futures and options that are not.
    pub speculative: Rational,
}

/// All of it.
pub type Exposure = BTreeMap<Key, Row>;

const TEXT: &str = "the exposure";

impl Row {
    /// Goods and hedges together; `None` if that cannot be held.
    #[must_use]
    pub fn net(&self) -> Option<Rational> {
        self.physical.plus(self.hedges()?)
    }

    /// Hedges of both kinds.
    #[must_use]
    pub fn hedges(&self) -> Option<Rational> {
        self.futures.plus(self.options)
    }

    /// Both rows in one.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Option<Self> {
        Some(Self {
            physical: self.physical.plus(other.physical)?,
            open: self.open.plus(other.open)?,
            futures: self.futures.plus(other.futures)?,
            options: self.options.plus(other.options)?,
            speculative: self.speculative.plus(other.speculative)?,
        })
    }
}

impl Position {
    /// What of it moves with the market.
    #[must_use]
    pub fn exposure(&self) -> Rational {
        let moves = if self.kind.is_planned() { self.quantity } else { self.priced };
        signed(moves, self.kind.direction())
    }

    /// The part whose price is agreed to be set later; `None` if it cannot be held.
    #[must_use]
    pub fn open(&self) -> Option<Rational> {
        if self.kind.is_planned() {
            return Some(Rational::ZERO);
        }
        let left = self.quantity.minus(self.priced)?;
        Some(signed(left, self.kind.direction()))
    }
}

fn signed(value: Rational, direction: i64) -> Rational {
    if direction < 0 { value.negated() } else { value }
}

/// Years from one day to another, of 365 days each (Actual/365 Fixed); none before.
#[must_use]
pub fn years(from: Date, until: Date) -> f64 {
    let days = from.until(until).map_or(0, |span| span.get_days()).max(0);
    f64::from(days) / 365.0
}

/// A float to six places, exactly from there on.
pub(super) fn to_millionths(value: f64) -> Option<Rational> {
    let scaled = (value * 1e6).round();
    (scaled.abs() < 9e15).then(|| Rational::new(scaled as i128, 1_000_000))?
}

/// Delta of one option of a book, rounded to 1e-6.
///
/// # Errors
/// `Option` if Black's formula is not made for it.
pub fn delta(book: &Book, option: &OptionHeld) -> Result<Rational, HedgeError> {
    let contract = &book.contracts[option.contract];
    let right = if option.right == Right::Call { "call" } else { "put" };
    let what = || format!("the {right} on {}", contract.name);
    let terms = OptionTerms {
        right: option.right,
        future: contract.price.approximate(),
        strike: option.strike.approximate(),
        years: years(book.date, option.expiry),
        rate: option.rate.approximate(),
    };
    let worth = terms.worth(option.volatility.approximate());
    let worth = worth.map_err(|source| HedgeError::Option { what: what(), source })?;
    held(to_millionths(worth.delta), &what())
}

/// The exposure of everything in a book.
///
/// # Errors
/// If a sum cannot be held exactly, or an option has no delta.
pub fn of(book: &Book) -> Result<Exposure, HedgeError> {
    let mut all = Exposure::new();
    let mut add = |key: Key, row: Row| -> Result<(), HedgeError> {
        let sum = all.entry(key).or_default();
        *sum = held(sum.plus(&row), TEXT)?;
        Ok(())
    };
    for position in &book.positions {
        let Position { client, product, .. } = *position;
        for (month, part) in shares(position) {
            let of = |whole: Rational| held(whole.times(part), TEXT);
            let open = held(position.open(), TEXT)?;
            let row = Row { physical: of(position.exposure())?, open: of(open)?, ..Row::default() };
            add(Key { client, product, month }, row)?;
        }
    }
    for future in &book.futures {
        let Held::Product(contract) = future.contract else {
            continue;
        };
        let contract = &book.contracts[contract];
        let quantity = held(contract.lot.times(Rational::whole(future.lots)), TEXT)?;
        let mut row = Row::default();
        *(if future.is_hedge { &mut row.futures } else { &mut row.speculative }) = quantity;
        let (client, product, month) = (future.client, contract.product, contract.month);
        add(Key { client, product, month }, row)?;
    }
    for option in &book.options {
        let contract = &book.contracts[option.contract];
        let lots = delta(book, option)?.times(Rational::whole(option.lots));
        let quantity = held(lots.and_then(|lots| lots.times(contract.lot)), TEXT)?;
        let mut row = Row::default();
        *(if option.is_hedge { &mut row.options } else { &mut row.speculative }) = quantity;
        let (client, product, month) = (option.client, contract.product, contract.month);
        add(Key { client, product, month }, row)?;
    }
    Ok(all)
}

/// The months of a delivery, each with its part of the days.
fn shares(position: &Position) -> Vec<(Month, Rational)> {
    let mut days: BTreeMap<Month, i64> = BTreeMap::new();
    let mut day = position.from;
    let mut count = 0;
    while day <= position.until {
        let month = Month::of(day);
        let last = month.last().min(position.until);
        let part = day.until(last).map_or(0, |span| i64::from(span.get_days())) + 1;
        days.insert(month, part);
        count += part;
        match last.tomorrow() {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    let part = |part: i64| Rational::new(part.into(), count.into()).unwrap_or_default();
    days.into_iter().map(|(month, days)| (month, part(days))).collect()
}

/// All months of a client's product together.
///
/// # Errors
/// If a sum cannot be held exactly.
pub fn total(all: &Exposure, client: usize, product: usize) -> Result<Row, HedgeError> {
    let of = all.iter().filter(|(key, _)| (key.client, key.product) == (client, product));
    let sum = of.map(|(_, row)| row).try_fold(Row::default(), |sum, row| sum.plus(row));
    held(sum, TEXT)
}
