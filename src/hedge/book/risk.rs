//! `[risk]`, `[[factor]]`, `[[correlation]]`, `[[risk_limit]]` and `[[term_limit]]`: what positions
//! are netted by, how it moves, and how much of that a client may have.

use super::read::{Known, currency_of, fail, refer};
use crate::config::Rational;
use crate::config::capital::{Origin, origin};
use crate::config::error::Rule;
use crate::config::names::Names;
use crate::config::section::Section;
use crate::config::value::{exact, line, whole, word};
use crate::hedge::month::Month;

/// How risk is reckoned, and how much of it there may be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RiskTerms {
    /// CSV beside the book: `date`, and a column for every factor that has no `volatility`.
    pub series: String,
    /// Daily changes of the window, the last of them on the book's day or before.
    pub days: usize,
    /// How they are weighed.
    pub estimator: Estimator,
    /// Whether logarithms of prices are compared, and not prices.
    pub is_log: bool,
    /// Trading days of a year, by which volatilities of a year become those of a day.
    pub days_per_year: u32,
    /// Trading days that positions are held.
    pub horizon_days: u32,
    /// Standard deviations that are called the risk.
    pub multiple: Rational,
    /// Where these choices come from.
    pub origin: Origin,
    /// What positions are netted by.
    pub factors: Vec<Factor>,
    /// What is said of pairs of them.
    pub correlations: Vec<Correlation>,
    /// What clients may have.
    pub limits: Vec<RiskLimit>,
    /// What clients may have of a product across its months.
    pub term_limits: Vec<TermLimit>,
}

/// How the changes of a window are weighed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Estimator {
    /// All alike, around their mean, divided by one less than their number.
    #[default]
    Equal,
    /// Each so many times the one behind it, around zero, weights summing to one.
    Weighted(Rational),
}

/// What moves by itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Factor {
    /// How the file calls it.
    pub name: String,
    /// Which positions it moves.
    pub of: FactorOf,
    /// How much it moves in a year and where that comes from; `None`: as the prices of the file.
    pub given: Option<(Rational, Origin)>,
}

/// Which positions a factor moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactorOf {
    /// Those of a product's months that are priced in the currency of a contract.
    Months {
        /// The product.
        product: usize,
        /// The first month.
        from: Month,
        /// The last.
        until: Month,
        /// The contract whose price it is.
        contract: usize,
    },
    /// What is open in a currency.
    Currency(String),
}

impl Default for FactorOf {
    fn default() -> Self {
        Self::Currency(String::new())
    }
}

/// How two factors move together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Correlation {
    /// Both, by their places.
    pub pair: [usize; 2],
    /// From -1 to 1.
    pub value: Rational,
    /// Where that comes from.
    pub origin: Origin,
}

/// The risk that a client may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RiskLimit {
    /// Whose.
    pub client: usize,
    /// In the book's currency.
    pub max_risk: Rational,
}

/// How far goods and hedges of a client's product may stand apart in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TermLimit {
    /// Whose.
    pub client: usize,
    /// The contract whose lots are counted; its product is meant.
    pub contract: usize,
    /// Lots times months.
    pub max_lot_months: Rational,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Word {
    #[default]
    Equal,
    Weighted,
}

const ESTIMATORS: &[(&str, Word)] = &[("equal", Word::Equal), ("weighted", Word::Weighted)];

pub(super) fn terms(section: Section<'_>) -> Option<RiskTerms> {
    let kind = section.required("estimator", word(ESTIMATORS));
    let lambda = section.optional("lambda", exact("0.5", "0.999"));
    if (kind.value == Word::Weighted) != lambda.is_some() && !section.is_broken() {
        let message = "`lambda` is written if the estimator is \"weighted\", and only then";
        fail(&section, Rule::RiskSource, &kind.place, message.to_owned());
    }
    let terms = RiskTerms {
        series: section.required("file", line(120)).value,
        days: section.required("days", whole(10..=2_000)).value,
        estimator: lambda.map_or(Estimator::Equal, |row| Estimator::Weighted(row.value.exact)),
        is_log: section.required("of", word(super::policy::CHANGES)).value,
        days_per_year: section.required("days_per_year", whole(200..=366)).value,
        horizon_days: section.required("horizon_days", whole(1..=60)).value,
        multiple: section.required("multiple", exact("1", "5")).value.exact,
        origin: origin(&section),
        ..RiskTerms::default()
    };
    section.finish(terms)
}

pub(super) fn factor(section: Section<'_>, known: &Known<'_>) -> Option<Factor> {
    let volatility = section.optional("volatility", exact("0.001", "3"));
    let name = section.required("name", line(40)).value;
    let of = if section.has("product") {
        let product = refer(&section, &known.product_names, "product");
        let contract = refer(&section, &known.contract_names, "contract");
        let month = super::position::month;
        let (from, until) = (section.required("from", month), section.required("until", month));
        let is_of = known.contract(contract.value).is_none_or(|row| row.product == product.value);
        if (!is_of || until.value < from.value) && !section.is_broken() {
            let message = format!(
                "{} has a contract of its product, and a first month that is not after its last",
                section.title()
            );
            fail(&section, Rule::RiskFactor, &contract.place, message);
        }
        let (product, contract) = (product.value, contract.value);
        FactorOf::Months { product, from: from.value, until: until.value, contract }
    } else {
        section.absent::<u8>("product");
        let currency = currency_of(&section, known);
        if currency == known.currency && !section.is_broken() {
            let message = format!("{} is the book's own currency", section.title());
            fail(&section, Rule::RiskFactor, section.place(), message);
        }
        FactorOf::Currency(currency)
    };
    let given = volatility.map(|row| (row.value.exact, origin(&section)));
    section.finish(Factor { name, of, given })
}

pub(super) fn correlation(section: Section<'_>, names: &Names) -> Option<Correlation> {
    let [one, other] = ["one", "other"].map(|key| refer(&section, names, key));
    let correlation = Correlation {
        pair: [one.value.min(other.value), one.value.max(other.value)],
        value: section.required("value", exact("-1", "1")).value.exact,
        origin: origin(&section),
    };
    if one.value == other.value && !section.is_broken() {
        let message = format!("{} is of a factor with itself", section.title());
        fail(&section, Rule::RiskSource, &one.place, message);
    }
    section.finish(correlation)
}

pub(super) fn limit(section: Section<'_>, known: &Known<'_>) -> Option<RiskLimit> {
    let limit = RiskLimit {
        client: refer(&section, &known.client_names, "client").value,
        max_risk: section.required("max_risk", exact("1", "10000000000")).value.exact,
    };
    section.finish(limit)
}

pub(super) fn term_limit(section: Section<'_>, known: &Known<'_>) -> Option<TermLimit> {
    let limit = TermLimit {
        client: refer(&section, &known.client_names, "client").value,
        contract: refer(&section, &known.contract_names, "contract").value,
        max_lot_months: section.required("max_lot_months", exact("0", "10000000")).value.exact,
    };
    section.finish(limit)
}

impl FactorOf {
    /// Whether a position can be of both.
    fn meets(&self, other: &Self, known: &Known<'_>) -> bool {
        let currency = |at: usize| known.contract(at).map(|row| &row.currency);
        match (self, other) {
            (Self::Currency(one), Self::Currency(other)) => one == other,
            (
                Self::Months { product, from, until, contract },
                Self::Months { product: of, from: first, until: last, contract: at },
            ) => {
                product == of
                    && currency(*contract) == currency(*at)
                    && from <= last
                    && first <= until
            }
            _ => false,
        }
    }
}

/// What no section of its own can tell: nothing is said twice, and of every pair something is said.
pub(super) fn whole_terms(head: &Section<'_>, terms: &RiskTerms, known: &Known<'_>) {
    let complain = |rule, message: String| fail(head, rule, head.place(), message);
    for (at, one) in terms.factors.iter().enumerate() {
        for (before, other) in terms.factors[..at].iter().enumerate() {
            let names = format!("{} and {}", other.name, one.name);
            if one.of.meets(&other.of, known) {
                complain(Rule::RiskFactor, format!("factors {names} move the same positions"));
            }
            let is_given = one.given.is_some() || other.given.is_some();
            let said = terms.correlations.iter().filter(|row| row.pair == [before, at]).count();
            if said != usize::from(is_given) {
                let why = if is_given {
                    "one of them has a `volatility`, so one [[correlation]] is written"
                } else {
                    "both follow from the prices, so no [[correlation]] is written"
                };
                complain(Rule::RiskSource, format!("factors {names}: {why}"));
            }
        }
    }
    let twice =
        |keys: &[(usize, usize)]| keys.iter().enumerate().any(|(at, key)| keys[..at].contains(key));
    let limits: Vec<_> = terms.limits.iter().map(|row| (row.client, 0)).collect();
    let product = |at: usize| known.contract(at).map_or(at, |row| row.product);
    let term_limits: Vec<_> =
        terms.term_limits.iter().map(|row| (row.client, product(row.contract))).collect();
    if twice(&limits) || twice(&term_limits) {
        complain(Rule::RiskLimit, "a client has two limits for the same".to_owned());
    }
}
