//! The exposure book: what clients own, owe and hold, and how it is to be hedged.
//!
//! A file of its own (`xmc hedge show FILE`), read with the rules and messages of an engine's.
//! Every figure of a contract or a product stands in it with where it comes from. Slips are met by
//! saying things twice: what a lot is worth (`lot_value`) has to agree with price, size and units,
//! and no position is larger than the largest that its client says to deal in.
//!
//! All quantities of a checked book are in the unit of their product.

pub(crate) mod contract;
mod holding;
mod policy;
mod position;
pub(crate) mod read;
mod risk;
mod roll;

pub(crate) use read::fail;

pub use contract::{Contract, FxContract};
pub use holding::{Future, Held, OptionHeld};
pub use policy::{Chance, Policy, Protection, RatioKind, Rounding, Step};
pub use position::{Kind, Position, Pricing};
pub use risk::{Correlation, Estimator, Factor, FactorOf, RiskLimit, RiskTerms, TermLimit};
pub use roll::{Combination, Deadline, DeadlineKind, Due, RollGuard, RollOrder};

use super::unit::{Grade, Unit};
use crate::config::capital::{Border, Origin};
use crate::config::error::Report;
use crate::config::{Invalid, Rational, Sources};
use jiff::civil::Date;
use std::path::Path;

/// Everything that is owned, owed, held and wanted.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// The day it is of.
    pub date: Date,
    /// Whether its figures are made up.
    pub is_sample: bool,
    /// The currency that money is shown in.
    pub currency: String,
    /// Whose positions these are.
    pub clients: Vec<Client>,
    /// What is dealt in.
    pub products: Vec<Product>,
    /// Futures on products.
    pub contracts: Vec<Contract>,
    /// Futures on currencies.
    pub fx_contracts: Vec<FxContract>,
    /// Currencies other than `currency`.
    pub rates: Vec<Rate>,
    /// Goods.
    pub positions: Vec<Position>,
    /// Futures that are held.
    pub futures: Vec<Future>,
    /// Options that are held.
    pub options: Vec<OptionHeld>,
    /// How each client hedges each product.
    pub policies: Vec<Policy>,
    /// How each client's hedges are moved to another month.
    pub rolls: Vec<RollGuard>,
    /// What exchanges trade as one.
    pub combinations: Vec<Combination>,
    /// How risk is reckoned; `None`: nothing is said.
    pub risk: Option<RiskTerms>,
    /// The files it was read from.
    pub sources: Sources,
}

/// A client (客户), with accounts and limits of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// How the file calls it.
    pub name: String,
    /// How people do.
    pub title: String,
    /// Where its futures are held.
    pub accounts: Vec<Account>,
    /// What it may hold, by product.
    pub limits: Vec<Limit>,
    /// What it may leave open in other currencies.
    pub fx_limits: Vec<FxLimit>,
}

/// An account of a client with a broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// How the file and the record call it.
    pub name: String,
    /// On which side of the border.
    pub border: Border,
}

/// What a client may hold of a product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// Which product.
    pub product: usize,
    /// Most lots of it, all contracts and both directions together.
    pub max_lots: u32,
    /// Most that may be without a hedge.
    pub max_unhedged: Rational,
    /// No single position is larger.
    pub max_position: Rational,
    /// None is smaller: less is a slip of the unit.
    pub min_position: Rational,
}

/// What a client may leave open in a currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FxLimit {
    /// Which.
    pub currency: String,
    /// Up to this nothing is done.
    pub band: Rational,
    /// More than this is a finding.
    pub max_open: Rational,
}

/// What is dealt in (品种).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Product {
    /// How the file calls it.
    pub name: String,
    /// How people do, in English and Chinese.
    pub title: [String; 2],
    /// What its quantities are counted in.
    pub unit: Unit,
    /// How it converts from weight.
    pub grade: Grade,
    /// Where that comes from.
    pub origin: Origin,
}

/// What a unit of another currency is worth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// The currency.
    pub currency: String,
    /// In the book's currency.
    pub rate: Rational,
}

impl Book {
    /// The same with nothing of any other client: no name, no account, no position, no figure.
    ///
    /// Products, contracts, combinations, risk factors and rates are of the market, and stay.
    #[must_use]
    pub fn of_client(&self, client: usize) -> Self {
        let keep = |of: usize| of == client;
        let mut own = self.clone();
        // What is left are the client's own things, and it is the first.
        own.clients = self.clients.get(client).cloned().into_iter().collect();
        own.positions.retain(|row| keep(row.client));
        own.futures.retain(|row| keep(row.client));
        own.options.retain(|row| keep(row.client));
        own.policies.retain(|row| keep(row.client));
        own.positions.iter_mut().for_each(|row| row.client = 0);
        own.futures.iter_mut().for_each(|row| row.client = 0);
        own.options.iter_mut().for_each(|row| row.client = 0);
        own.policies.iter_mut().for_each(|row| row.client = 0);
        own.rolls.retain(|row| keep(row.client));
        own.rolls.iter_mut().for_each(|row| row.client = 0);
        if let Some(risk) = &mut own.risk {
            risk.limits.retain(|row| keep(row.client));
            risk.limits.iter_mut().for_each(|row| row.client = 0);
            risk.term_limits.retain(|row| keep(row.client));
            risk.term_limits.iter_mut().for_each(|row| row.client = 0);
        }
        own.sources = Sources::default();
        own
    }

    /// What a unit of a currency is worth in the book's; `None` if that is not known.
    #[must_use]
    pub fn rate(&self, currency: &str) -> Option<Rational> {
        if currency == self.currency {
            return Some(Rational::ONE);
        }
        self.rates.iter().find(|rate| rate.currency == currency).map(|rate| rate.rate)
    }

    /// The limit of a client for a product, if there is one.
    #[must_use]
    pub fn limit(&self, client: usize, product: usize) -> Option<&Limit> {
        self.clients.get(client)?.limits.iter().find(|limit| limit.product == product)
    }
}

/// Reads and checks the book in `path` and in what it includes.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(path: &Path) -> Result<Book, Invalid> {
    let report = Report::default();
    let sources = Sources::read(path, &report);
    read::check(sources, report)
}

/// Like `load`, with `text` instead of the contents of `path`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_text(path: &Path, text: &str) -> Result<Book, Invalid> {
    let report = Report::default();
    let sources = Sources::of_text(path, text.to_owned(), &report);
    read::check(sources, report)
}
