//! `[[policy]]`: how a client hedges a product.

use super::holding::is_strike;
use super::read::{Known, fail, refer, refers};
use crate::calendar::date;
use crate::config::Rational;
use crate::config::error::Rule;
use crate::config::section::Section;
use crate::config::value::{exact, line, whole, word};
use crate::hedge::black76::{RIGHTS, Right};
use jiff::civil::Date;

/// How a client hedges a product.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// Whose.
    pub client: usize,
    /// Of what.
    pub product: usize,
    /// In which contracts hedges may be opened.
    pub contracts: Vec<usize>,
    /// How much of a future offsets the goods.
    pub ratio: RatioKind,
    /// From when on which part of that is hedged.
    pub steps: Vec<Step>,
    /// Up to this, in the product's unit, nothing is done.
    pub band: Rational,
    /// Fewer lots are not traded.
    pub min_lots: u32,
    /// How a quantity becomes lots.
    pub rounding: Rounding,
    /// Who approves its proposals.
    pub approver: String,
}

/// A part that is hedged from a day on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// From when on.
    pub from: Date,
    /// The part: 0.8 is 80 %.
    pub share: Rational,
}

/// How a quantity becomes a whole number of lots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounding {
    /// Towards nothing: never more than is wanted.
    Down,
    /// Away from nothing: never less.
    Up,
    /// To the nearest; a half away from nothing.
    #[default]
    Nearest,
}

/// How much of a future offsets the goods.
#[derive(Clone, Debug, PartialEq)]
pub enum RatioKind {
    /// This much.
    Fixed(Rational),
    /// What makes the variance of both together the least.
    MinimumVariance(Chance),
    /// The delta of an option that would protect the goods.
    Delta(Protection),
}

impl Default for RatioKind {
    fn default() -> Self {
        Self::Fixed(Rational::ONE)
    }
}

/// Prices that a ratio of least variance is found in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chance {
    /// CSV beside the book: `date`, and the two columns.
    pub series: String,
    /// The goods' price.
    pub spot: String,
    /// The future's price.
    pub future: String,
    /// Whether logarithms of prices are compared, and not prices.
    pub is_log: bool,
    /// Changes that are needed at least.
    pub least: usize,
}

/// The option whose delta a hedge follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protection {
    /// On which future.
    pub contract: usize,
    /// A put protects what is owned, a call what is owed.
    pub right: Right,
    /// In the unit of the future's price.
    pub strike: Rational,
    /// Until when.
    pub expiry: Date,
    /// Of a year.
    pub volatility: Rational,
    /// Interest of a year, continuous.
    pub rate: Rational,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Word {
    #[default]
    Fixed,
    MinimumVariance,
    Delta,
}

const RATIOS: &[(&str, Word)] =
    &[("fixed", Word::Fixed), ("minimum_variance", Word::MinimumVariance), ("delta", Word::Delta)];
const ROUNDINGS: &[(&str, Rounding)] =
    &[("down", Rounding::Down), ("up", Rounding::Up), ("nearest", Rounding::Nearest)];
pub(super) const CHANGES: &[(&str, bool)] = &[("differences", false), ("log_returns", true)];

impl RatioKind {
    /// What people call it.
    #[must_use]
    pub const fn titles(&self) -> [&'static str; 2] {
        match self {
            Self::Fixed(_) => ["fixed", "固定"],
            Self::MinimumVariance(_) => ["minimum variance", "最小方差"],
            Self::Delta(_) => ["delta", "Delta"],
        }
    }
}

pub(super) fn policy(section: Section<'_>, known: &Known<'_>) -> Option<Policy> {
    let client = refer(&section, &known.client_names, "client");
    let product = refer(&section, &known.product_names, "product");
    let contracts = refers(&section, &known.contract_names, "contracts");
    let complain = |message: String| fail(&section, Rule::HedgePolicy, section.place(), message);
    let strange = contracts.iter().find(|row| {
        known.contract(row.value).is_some_and(|contract| contract.product != product.value)
    });
    if let Some(strange) = strange {
        let message = format!("a contract of {} is of another product", section.title());
        fail(&section, Rule::HedgePolicy, &strange.place, message);
    }
    if contracts.is_empty() && !section.is_broken() {
        complain(format!("{} has no contract to hedge in", section.title()));
    }
    let mut steps: Vec<Step> = Vec::new();
    for part in section.tables("step") {
        let place = part.place().clone();
        let step = Step {
            from: part.required("from", date).value.unwrap_or_default(),
            share: part.required("share", exact("0", "1.2")).value.exact,
        };
        let Some(step) = part.finish(step) else {
            section.spoil();
            continue;
        };
        if steps.last().is_some_and(|before| before.from >= step.from) {
            let message = format!("shares of {} do not follow each other", section.title());
            fail(&section, Rule::HedgePolicy, &place, message);
        }
        steps.push(step);
    }
    if steps.is_empty() && !section.is_broken() {
        complain(format!("{} has no [[policy.step]] that says which part", section.title()));
    }
    let policy = Policy {
        client: client.value,
        product: product.value,
        contracts: contracts.into_iter().map(|row| row.value).collect(),
        ratio: ratio(&section, known),
        steps,
        band: section.required("band", exact("0", "10000000")).value.exact,
        min_lots: section.required("min_lots", whole(1..=10_000)).value,
        rounding: section.required("rounding", word(ROUNDINGS)).value,
        approver: section.required("approver", line(80)).value,
    };
    let limit = known
        .client(client.value)
        .and_then(|own| own.limits.iter().find(|limit| limit.product == policy.product).copied());
    if limit.is_some_and(|limit| limit.max_unhedged.is_below(policy.band)) && !section.is_broken() {
        let message = format!(
            "the band of {} is wider than `max_unhedged` of its client: a finding that nothing is \
             done about",
            section.title()
        );
        fail(&section, Rule::HedgePolicy, section.place(), message);
    }
    section.finish(policy)
}

fn ratio(section: &Section<'_>, known: &Known<'_>) -> RatioKind {
    let kind = section.required("ratio", word(RATIOS));
    let value = section.optional("value", exact("0.01", "3"));
    let [series, option] = ["series", "option"].map(|key| section.table(key));
    let is_whole = match kind.value {
        Word::Fixed => value.is_some() && series.is_none() && option.is_none(),
        Word::MinimumVariance => value.is_none() && series.is_some() && option.is_none(),
        Word::Delta => value.is_none() && series.is_none() && option.is_some(),
    };
    if !is_whole && !section.is_broken() {
        let message = format!(
            "{} has a `value` if its ratio is fixed, [policy.series] if of minimum variance, \
             [policy.option] if of delta",
            section.title()
        );
        fail(section, Rule::HedgePolicy, &kind.place, message);
    }
    let read = match (value, series, option) {
        (Some(value), ..) => Some(RatioKind::Fixed(value.value.exact)),
        (_, Some(series), _) => chance(series).map(RatioKind::MinimumVariance),
        (_, _, Some(option)) => protection(option, known).map(RatioKind::Delta),
        _ => None,
    };
    read.unwrap_or_else(|| {
        section.spoil();
        RatioKind::default()
    })
}

fn chance(section: Section<'_>) -> Option<Chance> {
    let chance = Chance {
        series: section.required("file", line(120)).value,
        spot: section.required("spot", line(40)).value,
        future: section.required("future", line(40)).value,
        is_log: section.required("of", word(CHANGES)).value,
        least: section.required("least", whole(10..=10_000)).value,
    };
    section.finish(chance)
}

fn protection(section: Section<'_>, known: &Known<'_>) -> Option<Protection> {
    let expiry = section.required("expiry", date);
    if expiry.value.is_some_and(|day| day < known.date) && !section.is_broken() {
        let message = format!("{} has expired before the day of the book", section.title());
        fail(&section, Rule::Delivery, &expiry.place, message);
    }
    let contract = refer(&section, &known.contract_names, "contract").value;
    let strike = section.required("strike", exact("0.000001", "10000000"));
    is_strike(&section, known, contract, &strike);
    let protection = Protection {
        contract,
        right: section.required("right", word(RIGHTS)).value,
        strike: strike.value.exact,
        expiry: expiry.value.unwrap_or_default(),
        volatility: section.required("volatility", exact("0.01", "3")).value.exact,
        rate: section.required("rate", exact("-0.05", "0.3")).value.exact,
    };
    section.finish(protection)
}
