//! Which account and contract an instrument of the engine is, and which of its quotes are exchange
//! rates: checked once, when the engine starts.

use crate::config::capital::{self as terms, Capital};
use crate::config::{CapitalWatch, Configuration, Instrument, Invalid};
use crate::monitor::Setting;
use jiff::Timestamp;
use rust_decimal::Decimal;
use std::io;
use std::path::PathBuf;
use xmc_hotpath::time::MonoNs;

/// Why capital cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum CapitalError {
    /// The terms.
    #[error("the terms of capital are refused\n{0}")]
    Terms(#[from] Box<Invalid>),
    /// The book.
    #[error(
        "the book of capital is refused: {0}\nask the brokers for a new one; `xmc capital show \
         TERMS BOOK` says whether it is right"
    )]
    Book(String),
    /// The book is not of this time.
    #[error(
        "the book of capital is of {0}, which has not come yet: write its time in UTC, or set this \
         host's clock"
    )]
    Future(Timestamp),
    /// The record, or the file beside it.
    #[error("cannot watch capital beside the record in {}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A name that the terms do not have.
    #[error(
        "[[capital.leg]] of {instrument:?} names the {what} {name:?}, which {} does not have: \
         add it there, or correct the name", terms.display()
    )]
    Unknown {
        /// The instrument.
        instrument: String,
        /// Account or contract.
        what: &'static str,
        /// As written.
        name: String,
        /// The terms.
        terms: PathBuf,
    },
    /// Sizes or currencies that cannot both be right.
    #[error(
        "{instrument:?} has {engine} in the engine's configuration, and the contract {contract:?} \
         of {} has {terms}: one of both is wrong", path.display()
    )]
    Disagrees {
        /// The instrument.
        instrument: String,
        /// The contract.
        contract: String,
        /// What the engine says.
        engine: String,
        /// What the terms say.
        terms: String,
        /// The terms.
        path: PathBuf,
    },
    /// An exchange rate that nobody quotes.
    #[error(
        "no instrument is the price of {0} in the currency that accounts are shown in: quote it, \
         or keep no account in it"
    )]
    NoRate(String),
}

/// Where an instrument is held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg {
    /// The account's place in the terms.
    pub account: usize,
    /// The contract's.
    pub contract: usize,
    /// A quoted price times this is a price of the contract.
    pub factor: Decimal,
}

/// A rate that the engine quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct QuotedRate {
    /// The currency's place in the terms.
    pub currency: usize,
    /// Row of the instrument that is its price.
    pub instrument: usize,
    /// The price is of the other currency: it is divided by.
    pub is_divided: bool,
    /// When the quote that is used came.
    pub good: Option<MonoNs>,
}

/// Where each row of the instrument table is held.
pub(super) fn legs(
    watch: &CapitalWatch,
    config: &Configuration,
    terms: &Capital,
) -> Result<Vec<Option<Leg>>, CapitalError> {
    let mut legs = vec![None; config.instruments.len()];
    for leg in &watch.legs {
        let instrument = &config.instruments[leg.instrument];
        let unknown = |what, name: &str| CapitalError::Unknown {
            instrument: instrument.name.value.clone(),
            what,
            name: name.to_owned(),
            terms: watch.terms.clone(),
        };
        let account = terms.accounts.iter().position(|row| row.name == leg.account);
        let account = account.ok_or_else(|| unknown("account", &leg.account))?;
        let contract = terms.contracts.iter().position(|row| row.name == leg.contract);
        let contract = contract.ok_or_else(|| unknown("contract", &leg.contract))?;
        let factor = factor(watch, instrument, &terms.contracts[contract])?;
        legs[leg.instrument] = Some(Leg { account, contract, factor });
    }
    Ok(legs)
}

/// By what a quoted price is a price of the contract: 1, or what screens multiply it with.
fn factor(
    watch: &CapitalWatch,
    instrument: &Instrument,
    contract: &terms::Contract,
) -> Result<Decimal, CapitalError> {
    let disagrees = |engine: String, terms: String| CapitalError::Disagrees {
        instrument: instrument.name.value.clone(),
        contract: contract.name.clone(),
        engine,
        terms,
        path: watch.terms.clone(),
    };
    if instrument.currency != contract.currency {
        let (engine, terms) = (instrument.currency.clone(), contract.currency.clone());
        return Err(disagrees(engine, terms));
    }
    let (multiplier, display) = (e9(instrument.multiplier_e9), e9(instrument.display_factor_e9));
    if multiplier == contract.multiplier {
        return Ok(Decimal::ONE);
    }
    if multiplier == contract.multiplier * display {
        return Ok(display);
    }
    let shown = |value: Decimal| format!("the multiplier {}", value.normalize());
    Err(disagrees(shown(multiplier), shown(contract.multiplier)))
}

/// Rates that the engine quotes, of all currencies that accounts or contracts of it have.
pub(super) fn rates(
    config: &Configuration,
    terms: &Capital,
) -> Result<Vec<QuotedRate>, CapitalError> {
    let setting = Setting::of(config);
    let mut rates = Vec::new();
    for (currency, of) in terms.currencies.iter().enumerate() {
        let Some((instrument, is_divided)) = setting.rate(&of.name, &terms.currency) else {
            return Err(CapitalError::NoRate(of.name.clone()));
        };
        rates.push(QuotedRate { currency, instrument, is_divided, good: None });
    }
    Ok(rates)
}

/// Units of 1e-9.
pub(super) fn e9(value_e9: i64) -> Decimal {
    Decimal::new(value_e9, 9).normalize()
}
