//! A client's positions netted by what moves them, and what that can cost.
//!
//! A factor is a bucket of a product's months in one currency, or a currency. Goods, futures and
//! options (by delta), hedges or not, are netted in their factor and worth its contract's price;
//! goods are of the currency that they are priced in. A rate moves prices agreed in its currency,
//! the worth of goods priced in it, and futures on it, hedges or not. It does not move what a
//! future on goods stands for: only its price is paid. So this is not what `plan` hedges, which
//! sets goods priced at home against hedges abroad.
//!
//! `x_i = worth_i * sigma_i * sqrt(days held)`, with sigma of one day; the risk is `multiple *
//! sqrt(x' R x)` with R the correlations; the component of a factor is `multiple * x_i (R x)_i /
//! sqrt(x' R x)`, so that components sum to the risk (Euler). Volatility and correlation follow
//! from the prices of a stated window (`estimate`) or are written with their source. A given
//! volatility is of a year, and of one day divided by the root of `days_per_year`.
//!
//! It is a figure of a model: a standard deviation times a number. It says nothing of days unlike
//! those of the window. Quantities and worth are exact, the rest is of floats. Called by `xmc hedge
//! risk`.

pub mod estimate;
pub mod term;

use super::book::{Book, FactorOf, Held, RiskTerms};
use super::exposure;
use super::month::Month;
use super::plan::{agreed, futures_of};
use super::series::{Series, SeriesError};
use super::{HedgeError, held};
use crate::config::Rational;
use estimate::Estimate;
use std::collections::{BTreeMap, BTreeSet};
use term::Term;

/// What a factor has of a client.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// The factor, by its place.
    pub factor: usize,
    /// Goods, in the product's unit; of a currency, prices agreed in it and the worth of goods that
    /// are priced in it.
    pub goods: Rational,
    /// Hedges.
    pub hedges: Rational,
    /// Futures and options that are no hedges.
    pub speculative: Rational,
    /// The sum.
    pub net: Rational,
    /// What that is worth, in the book's currency.
    pub worth: Rational,
    /// Standard deviation of a year, as a part of the price.
    pub volatility: f64,
    /// Its risk if there were nothing else.
    pub alone: f64,
    /// Its part of the risk of all; below zero: it takes from it.
    pub component: f64,
}

/// What a product has across its months.
#[derive(Clone, Debug, PartialEq)]
pub struct TermOf {
    /// The product.
    pub product: usize,
    /// The contract whose lots are counted.
    pub contract: usize,
    /// What stands apart.
    pub term: Term,
    /// Lot-months that may; `None`: nothing is said.
    pub most: Option<Rational>,
}

/// A client's risk.
#[derive(Clone, Debug, PartialEq)]
pub struct Risk {
    /// By factor.
    pub shares: Vec<Share>,
    /// Correlations of the factors of `shares`, a row for each.
    pub correlation: Vec<Vec<f64>>,
    /// First and last day of the prices; `None`: all is given.
    pub days: Option<(jiff::civil::Date, jiff::civil::Date)>,
    /// The risk of all.
    pub total: f64,
    /// The sum of what each would be alone.
    pub sum: f64,
    /// What may be; `None`: nothing is said.
    pub most: Option<Rational>,
    /// By product.
    pub terms: Vec<TermOf>,
    /// What no factor has: product, month and currency, and how much.
    pub uncovered: Vec<(usize, Month, String, Rational)>,
    /// Currencies that no factor has, and what is open in them.
    pub open: Vec<(String, Rational)>,
}

impl Risk {
    /// Whether more is at risk than may be.
    #[must_use]
    pub fn is_beyond(&self) -> bool {
        self.most.is_some_and(|most| most.approximate() < self.total)
    }

    /// The factor with the largest part of the risk.
    #[must_use]
    pub fn largest(&self) -> Option<&Share> {
        self.shares.iter().max_by(|one, other| one.component.total_cmp(&other.component))
    }
}

const TEXT: &str = "the risk";

/// The risk of the one client of a book; `read` brings the prices that `[risk]` names.
///
/// # Errors
/// `Missing` if the book has no `[risk]`, prices are missing, or correlations contradict each
/// other.
pub fn of(
    book: &Book,
    read: impl Fn(&str) -> Result<Series, SeriesError>,
) -> Result<Risk, HedgeError> {
    let why = "the book says nothing of risk: write [risk] and [[factor]]";
    let terms = book.risk.as_ref().ok_or_else(|| HedgeError::Missing(why.to_owned()))?;
    let mut risk = netted(book, terms)?;
    risk.most = terms.limits.first().map(|limit| limit.max_risk);
    let places: Vec<usize> = risk.shares.iter().map(|share| share.factor).collect();
    let (estimate, is_read) = known(book, terms, &places, read)?;
    risk.days = is_read;
    weigh(terms, &mut risk, &estimate)?;
    Ok(risk)
}

/// Currencies that anything of a book is priced in.
fn currencies(book: &Book) -> BTreeSet<&String> {
    let goods = book.positions.iter().map(|row| &row.currency);
    let contracts = book.futures.iter().filter_map(|row| match row.contract {
        Held::Product(at) => Some(&book.contracts[at].currency),
        Held::Fx(_) => None,
    });
    let fx = book.futures.iter().filter_map(|row| match row.contract {
        Held::Product(_) => None,
        Held::Fx(at) => Some(&book.fx_contracts[at].currency),
    });
    let options = book.options.iter().map(|row| &book.contracts[row.contract].currency);
    goods.chain(contracts).chain(fx).chain(options).collect()
}

/// The same book with what is priced in one currency alone.
fn priced_in(book: &Book, currency: &str) -> Book {
    let mut own = book.clone();
    own.positions.retain(|row| row.currency == currency);
    own.futures.retain(|row| match row.contract {
        Held::Product(at) => book.contracts[at].currency == currency,
        Held::Fx(_) => false,
    });
    own.options.retain(|row| book.contracts[row.contract].currency == currency);
    own
}

/// Positions by factor, and by product across the months.
fn netted(book: &Book, terms: &RiskTerms) -> Result<Risk, HedgeError> {
    let mut rows: BTreeMap<usize, exposure::Row> = BTreeMap::new();
    let (mut uncovered, mut open) = (Vec::new(), Vec::new());
    for currency in currencies(book) {
        // Worth of goods priced in the currency: it moves with the rate. What a future stands for
        // does not: what it pays does, which is in its price.
        let mut worth = Rational::ZERO;
        for (key, row) in exposure::of(&priced_in(book, currency))? {
            let is_of = |of: &FactorOf| match of {
                FactorOf::Months { product, from, until, contract } => {
                    *product == key.product
                        && (*from..=*until).contains(&key.month)
                        && book.contracts[*contract].currency == *currency
                }
                FactorOf::Currency(_) => false,
            };
            match terms.factors.iter().position(|factor| is_of(&factor.of)) {
                Some(at) => {
                    if let FactorOf::Months { contract, .. } = terms.factors[at].of {
                        let price = book.contracts[contract].unit_price();
                        let goods = price.and_then(|price| price.times(row.physical));
                        worth = held(goods.and_then(|goods| goods.plus(worth)), TEXT)?;
                    }
                    let sum = rows.entry(at).or_default();
                    *sum = held(sum.plus(&row), TEXT)?;
                }
                None => {
                    let all = row.net().and_then(|net| net.plus(row.speculative));
                    let all = held(all, TEXT)?;
                    if !all.is_zero() {
                        uncovered.push((key.product, key.month, currency.clone(), all));
                    }
                }
            }
        }
        if *currency == book.currency {
            continue;
        }
        let physical = agreed(book, 0, currency).and_then(|agreed| agreed.plus(worth));
        let of_currency = exposure::Row {
            physical: held(physical, TEXT)?,
            futures: held(futures_of(book, 0, currency, true), TEXT)?,
            speculative: held(futures_of(book, 0, currency, false), TEXT)?,
            ..exposure::Row::default()
        };
        let all = of_currency.net().and_then(|net| net.plus(of_currency.speculative));
        let amount = held(all, TEXT)?;
        let is_of = |of: &FactorOf| matches!(of, FactorOf::Currency(of) if of == currency);
        match terms.factors.iter().position(|factor| is_of(&factor.of)) {
            Some(at) => {
                rows.insert(at, of_currency);
            }
            None if amount.is_zero() => {}
            None => open.push((currency.clone(), amount)),
        }
    }
    let mut shares = Vec::new();
    for (factor, row) in rows {
        let hedges = held(row.hedges(), TEXT)?;
        let net = held(row.net().and_then(|net| net.plus(row.speculative)), TEXT)?;
        let price = match &terms.factors[factor].of {
            FactorOf::Months { contract, .. } => {
                let of = &book.contracts[*contract];
                of.unit_price().and_then(|price| price.times(book.rate(&of.currency)?))
            }
            FactorOf::Currency(currency) => book.rate(currency),
        };
        let worth = held(price.and_then(|price| price.times(net)), TEXT)?;
        let (goods, speculative) = (row.physical, row.speculative);
        let (volatility, alone, component) = (0.0, 0.0, 0.0);
        shares.push(Share {
            factor,
            goods,
            hedges,
            speculative,
            net,
            worth,
            volatility,
            alone,
            component,
        });
    }
    let terms = term_of(book, terms)?;
    let (correlation, days, total, sum, most) = (Vec::new(), None, 0.0, 0.0, None);
    Ok(Risk { shares, correlation, days, total, sum, most, terms, uncovered, open })
}

/// Goods and hedges of each product across the months, in lots.
fn term_of(book: &Book, terms: &RiskTerms) -> Result<Vec<TermOf>, HedgeError> {
    let all = exposure::of(book)?;
    let products: BTreeSet<usize> = all.keys().map(|key| key.product).collect();
    let today = months(Month::of(book.date));
    let mut found = Vec::new();
    for product in products {
        let is_of = |contract: usize| book.contracts[contract].product == product;
        let limit = terms.term_limits.iter().find(|limit| is_of(limit.contract));
        let first = || (0..book.contracts.len()).find(|at| is_of(*at));
        let Some(contract) = limit.map(|limit| limit.contract).or_else(first) else {
            continue;
        };
        let lot = book.contracts[contract].lot;
        let mut net = Vec::new();
        for (key, row) in all.iter().filter(|(key, _)| key.product == product) {
            let lots = held(row.net().and_then(|net| net.over(lot)), TEXT)?;
            net.push((months(key.month) - today, lots));
        }
        let term = held(term::of(&net), TEXT)?;
        let most = limit.map(|limit| limit.max_lot_months);
        found.push(TermOf { product, contract, term, most });
    }
    Ok(found)
}

/// Months since the year 0.
fn months(month: Month) -> i64 {
    let day = month.first();
    i64::from(day.year()) * 12 + i64::from(day.month())
}

/// First and last day of prices that were read.
type Days = Option<(jiff::civil::Date, jiff::civil::Date)>;

/// Volatility of one day and correlations of some factors, read or as given.
fn known(
    book: &Book,
    terms: &RiskTerms,
    places: &[usize],
    read: impl Fn(&str) -> Result<Series, SeriesError>,
) -> Result<(Estimate, Days), HedgeError> {
    let is_read = |at: &usize| terms.factors[*at].given.is_none();
    let of_prices: Vec<usize> = places.iter().copied().filter(is_read).collect();
    let columns: Vec<&str> = of_prices
        .iter()
        .map(|at| match &terms.factors[*at].of {
            FactorOf::Months { contract, .. } => book.contracts[*contract].name.as_str(),
            FactorOf::Currency(currency) => currency.as_str(),
        })
        .collect();
    let estimate = match columns.is_empty() {
        true => Estimate::default(),
        false => estimate::of(terms, &read(&terms.series)?, &columns, book.date)?,
    };
    let column = |at: usize| of_prices.iter().position(|of| *of == at);
    let root = f64::from(terms.days_per_year).sqrt();
    let sigma = places.iter().map(|at| match (&terms.factors[*at].given, column(*at)) {
        (Some((volatility, _)), _) => volatility.approximate() / root,
        (None, Some(column)) => estimate.sigma[column],
        (None, None) => f64::NAN,
    });
    let of_pair = |one: usize, other: usize| {
        if one == other {
            return 1.0;
        }
        let pair = [one.min(other), one.max(other)];
        let given = terms.correlations.iter().find(|row| row.pair == pair);
        match (given, column(one).zip(column(other))) {
            (Some(given), _) => given.value.approximate(),
            (None, Some((one, other))) => estimate.correlation[one][other],
            (None, None) => f64::NAN,
        }
    };
    let correlation = places
        .iter()
        .map(|one| places.iter().map(|other| of_pair(*one, *other)).collect())
        .collect();
    let days = estimate.days;
    Ok((Estimate { days, sigma: sigma.collect(), correlation }, days))
}

/// Risk of all, alone and by component.
fn weigh(terms: &RiskTerms, risk: &mut Risk, known: &Estimate) -> Result<(), HedgeError> {
    let (held_for, multiple) = (f64::from(terms.horizon_days).sqrt(), terms.multiple.approximate());
    let moves = risk.shares.iter().zip(&known.sigma);
    let moves: Vec<f64> =
        moves.map(|(share, sigma)| share.worth.approximate() * sigma * held_for).collect();
    let with_all = |row: &Vec<f64>| -> f64 { row.iter().zip(&moves).map(|(r, x)| r * x).sum() };
    let sums: Vec<f64> = known.correlation.iter().map(with_all).collect();
    let variance: f64 = moves.iter().zip(&sums).map(|(x, sum)| x * sum).sum();
    let size: f64 = moves.iter().map(|x| x * x).sum();
    if variance.is_nan() || variance < -1e-9 * size {
        let why = "[[correlation]]: the correlations contradict each other (a variance would be \
                   below zero): look at those that are given";
        return Err(HedgeError::Missing(why.to_owned()));
    }
    let deviation = variance.max(0.0).sqrt();
    for (share, (x, (sum, sigma))) in
        risk.shares.iter_mut().zip(moves.iter().zip(sums.iter().zip(&known.sigma)))
    {
        share.volatility = sigma * f64::from(terms.days_per_year).sqrt();
        share.alone = multiple * x.abs();
        share.component = if deviation > 0.0 { multiple * x * sum / deviation } else { 0.0 };
    }
    risk.total = multiple * deviation;
    risk.sum = risk.shares.iter().map(|share| share.alone).sum();
    risk.correlation.clone_from(&known.correlation);
    Ok(())
}
