//! Hedging: units and exposure against a recount in whole numbers of any size, options against a
//! library, plans and pricing against their definitions, clients apart from each other.

mod black76;
mod clients;
mod effect;
mod exposure;
mod plan;
mod pricing;
mod regression;
mod risk;
mod roll;
mod rules;
mod slips;
mod unit;

use cross_market_connect::config::Rational;
use cross_market_connect::hedge::book::{Book, load_text};
use num_bigint::BigInt;
use std::path::Path;

/// A file of the sample, as text.
pub fn sample(name: &str) -> String {
    std::fs::read_to_string(crate::config::sample(name)).expect("the sample")
}

/// A book of a text.
pub fn book_of(text: &str) -> Book {
    load_text(Path::new("hedge.toml"), text)
        .unwrap_or_else(|invalid| panic!("{}", invalid.render(false)))
}

/// A text with the first of each pair replaced by the second, where it occurs first.
pub fn edited(text: &str, edits: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (find, replace) in edits {
        assert!(text.contains(find), "the sample has no {find:?}");
        text = text.replacen(find, replace, 1);
    }
    text
}

/// A number.
pub fn number(text: &str) -> Rational {
    Rational::parse(text).expect("a decimal")
}

/// A fraction of whole numbers of any size, never shortened: it shares nothing with `Rational`.
#[derive(Clone, Debug)]
pub struct Big(BigInt, BigInt);

impl Big {
    pub fn of(numerator: i128, denominator: i128) -> Self {
        Self(numerator.into(), denominator.into())
    }

    pub fn zero() -> Self {
        Self::of(0, 1)
    }

    pub fn parse(text: &str) -> Self {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits: BigInt = format!("{whole}{part}").parse().expect("digits");
        Self(digits, BigInt::from(10).pow(u32::try_from(part.len()).expect("few")))
    }

    pub fn plus(&self, other: &Self) -> Self {
        Self(&self.0 * &other.1 + &other.0 * &self.1, &self.1 * &other.1)
    }

    pub fn minus(&self, other: &Self) -> Self {
        self.plus(&Self(-&other.0, other.1.clone()))
    }

    pub fn times(&self, other: &Self) -> Self {
        Self(&self.0 * &other.0, &self.1 * &other.1)
    }

    pub fn over(&self, other: &Self) -> Self {
        self.times(&Self(other.1.clone(), other.0.clone()))
    }

    /// Whether it is exactly that number.
    pub fn is(&self, other: Rational) -> bool {
        let (numerator, denominator) = other.parts();
        &self.0 * BigInt::from(denominator) == &self.1 * BigInt::from(numerator)
    }
}
