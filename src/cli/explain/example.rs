//! The worked example: one price per leg, and the value of the spread at these, reckoned in
//! fractions and by the evaluator that trades.

use super::figures::Product;
use crate::config::rational::Rational;
use crate::config::{Configuration, Leg, LegFees, Spread};
use crate::engine::inputs;
use thiserror::Error;
use xmc_hotpath::message::{Control, Depth, Intent, MAX_LEGS, Measure, SpreadSpec};
use xmc_hotpath::spread::{self, LegBook};

/// Why there is no example.
#[derive(Debug, Error)]
pub enum ExampleError {
    /// A price for what is no leg.
    #[error("a price is given for {leg:?}, which is no leg of {pair}; its legs are: {legs}")]
    NoLeg {
        /// What was given.
        leg: String,
        /// The pair.
        pair: String,
        /// What there is.
        legs: String,
    },
    /// Two prices for one leg.
    #[error("two prices are given for {0:?}: keep one of them")]
    Twice(String),
    /// More digits than can be reckoned with.
    #[error("the numbers of {0} have too many digits to be reckoned exactly: round its terms")]
    TooManyDigits(String),
    /// The evaluator has no value.
    #[error("the evaluator has no value for {0} at these prices: they are beyond what it holds")]
    NoValue(String),
}

/// One leg of the example.
#[derive(Clone, Debug)]
pub struct Row {
    /// The leg.
    pub leg: String,
    /// Its price, units of 1e-9.
    pub price_e9: i64,
    /// Whether the price was given; otherwise it is a reference, or brings the value near zero.
    pub is_given: bool,
    /// What its price is multiplied with, with its direction.
    pub weight: Rational,
    /// Price times weight.
    pub part: Rational,
}

/// The example.
#[derive(Clone, Debug)]
pub struct Example {
    /// The legs.
    pub rows: Vec<Row>,
    /// The constant, before it is rounded.
    pub constant: Rational,
    /// What buying one unit at these prices takes in fees, whether or not the levels are after
    /// them.
    pub fees: Rational,
    /// The sum, in fractions, with fees if the levels are after them.
    pub exact: Rational,
    /// The sum as the evaluator has it, before it is cut to 1e-9.
    pub hot: Rational,
    /// `hot` less `exact`.
    pub difference: Rational,
    /// The value with products of prices as products.
    pub not_linear: Rational,
    /// The ratio of what is added to what is taken off as the evaluator has it, cut to 1e-9, if
    /// that is what the levels count.
    pub ratio: Option<Rational>,
    /// What would be done without a position.
    pub intent: Option<Intent>,
}

impl Example {
    /// Reckons the example of a spread with the prices that are given, and others near them.
    ///
    /// # Errors
    /// See `ExampleError`.
    ///
    /// # Panics
    /// If there is no such spread.
    pub fn of(
        configuration: &Configuration,
        index: usize,
        given: &[(String, i64)],
    ) -> Result<Self, ExampleError> {
        let spread = &configuration.spreads[index];
        let pair = || spread.name.value.clone();
        let given = legs_given(configuration, spread, given)?;
        let too_many = || ExampleError::TooManyDigits(pair());
        let rows = rows(configuration, spread, &given).ok_or_else(too_many)?;
        let own = Rational::from_e9(spread.own_constant_e9);
        let constant = own.plus(spread.linear_constant).ok_or_else(too_many)?;
        let fees = fees(configuration, spread, &rows).ok_or_else(too_many)?;
        let counted = if spread.is_after_fees() { fees } else { Rational::ZERO };
        let exact = sum(&rows, constant).and_then(|of| of.plus(counted)).ok_or_else(too_many)?;
        let not_linear = exact_product(configuration, spread, &rows, exact).ok_or_else(too_many)?;
        let no_value = || ExampleError::NoValue(pair());
        let (hot, ratio, intent) = evaluated(configuration, index, &rows).ok_or_else(no_value)?;
        let difference = hot.minus(exact).ok_or_else(too_many)?;
        Ok(Self { rows, constant, fees, exact, hot, difference, not_linear, ratio, intent })
    }
}

/// The given prices by leg.
fn legs_given(
    configuration: &Configuration,
    spread: &Spread,
    given: &[(String, i64)],
) -> Result<Vec<Option<i64>>, ExampleError> {
    let name = |leg: &Leg| configuration.instruments[leg.instrument.value].name.value.clone();
    let mut prices = vec![None; spread.legs.len()];
    for (leg, price_e9) in given {
        let place = spread.legs.iter().position(|of| name(of) == *leg);
        let Some(place) = place else {
            return Err(ExampleError::NoLeg {
                leg: leg.clone(),
                pair: spread.name.value.clone(),
                legs: spread.legs.iter().map(name).collect::<Vec<_>>().join(", "),
            });
        };
        if prices[place].replace(*price_e9).is_some() {
            return Err(ExampleError::Twice(leg.clone()));
        }
    }
    Ok(prices)
}

/// A price for every leg: the given one, a reference, else one in the middle of what is sane. The
/// first leg that nothing is said of gets the price that brings the value to zero, on its grid.
fn rows(configuration: &Configuration, spread: &Spread, given: &[Option<i64>]) -> Option<Vec<Row>> {
    let products: Vec<_> = spread.legs.iter().filter_map(Leg::price_product).collect();
    let referred = |leg: &Leg| {
        let own = leg.reference.as_ref();
        let of_other = products.iter().find(|of| of.other.value == leg.instrument.value);
        let reference = own.or(of_other.map(|of| of.other_reference))?;
        reference.exact.nearest_e9()
    };
    let mut free = None;
    let mut rows = Vec::new();
    for (place, (leg, given)) in spread.legs.iter().zip(given).enumerate() {
        let instrument = &configuration.instruments[leg.instrument.value];
        let known = given.or_else(|| referred(leg));
        if known.is_none() && free.is_none() {
            free = Some(place);
        }
        let middle_e9 = i64::midpoint(instrument.min_price_e9, instrument.max_price_e9);
        let price_e9 = known.unwrap_or(middle_e9 / instrument.tick_e9 * instrument.tick_e9);
        let exact = leg.coefficient.exact;
        let weight = if leg.ratio.value < 0 { exact.negated() } else { exact };
        let part = weight.times(Rational::from_e9(price_e9))?;
        let name = instrument.name.value.clone();
        rows.push(Row { leg: name, price_e9, is_given: given.is_some(), weight, part });
    }
    if let Some(place) = free {
        let instrument = &configuration.instruments[spread.legs[place].instrument.value];
        let own = Rational::from_e9(spread.own_constant_e9);
        let all = sum(&rows, own.plus(spread.linear_constant)?)?;
        let row = &mut rows[place];
        let fair = row.part.minus(all)?.over(row.weight)?;
        let tick = Rational::from_e9(instrument.tick_e9);
        // To the nearest tick: a value of some ticks is what an example needs.
        let ticks = fair.over(tick)?.show(0)?.parse::<i64>().ok()?;
        row.price_e9 = instrument.tick_e9.checked_mul(ticks)?;
        row.part = row.weight.times(Rational::from_e9(row.price_e9))?;
    }
    Some(rows)
}

fn fees(configuration: &Configuration, spread: &Spread, rows: &[Row]) -> Option<Rational> {
    spread.legs.iter().zip(rows).try_fold(Rational::ZERO, |sum, (leg, row)| {
        let fees = LegFees::of(leg, &configuration.instruments[leg.instrument.value])?;
        sum.plus(fees.at(Rational::from_e9(row.price_e9))?)
    })
}

fn sum(rows: &[Row], constant: Rational) -> Option<Rational> {
    rows.iter().try_fold(constant, |sum, row| sum.plus(row.part))
}

/// The linear value and what its products leave out.
fn exact_product(
    configuration: &Configuration,
    spread: &Spread,
    rows: &[Row],
    linear: Rational,
) -> Option<Rational> {
    let place = |index: usize| spread.legs.iter().position(|leg| leg.instrument.value == index);
    spread.legs.iter().try_fold(linear, |value, leg| {
        let Some(product) = leg.price_product() else {
            return Some(value);
        };
        let both = [leg.instrument.value, product.other.value];
        let prices =
            [place(both[0])?, place(both[1])?].map(|place| Rational::from_e9(rows[place].price_e9));
        let product = Product {
            legs: both.map(|index| configuration.instruments[index].name.value.clone()),
            references: [String::new(), String::new()],
            exact: [product.reference.exact, product.other_reference.exact],
            scale: product.scale,
        };
        value.plus(product.left_out(prices)?)
    })
}

/// The value as the evaluator has it, and what it would do without a position.
fn evaluated(
    configuration: &Configuration,
    index: usize,
    rows: &[Row],
) -> Option<(Rational, Option<Rational>, Option<Intent>)> {
    let spec = spec(configuration, index)?;
    // One price on both sides, and more lots than anybody wants.
    let depth = |row: &Row, mut of: Depth| {
        (of.price_e9[0], of.lots[0], of.count) = (row.price_e9, u32::MAX / 2, 1);
        of
    };
    let depths: Vec<_> =
        rows.iter().map(|row| [depth(row, Depth::NO_BIDS), depth(row, Depth::NO_ASKS)]).collect();
    let nothing = [Depth::NO_BIDS, Depth::NO_ASKS];
    let books: [LegBook<'_>; MAX_LEGS] = std::array::from_fn(|leg| {
        let [bids, asks] = depths.get(leg).unwrap_or(&nothing);
        LegBook { bids, asks, taken_bid_lots: 0, taken_ask_lots: 0 }
    });
    let value = spread::value(&spec, &books, true, 1)?;
    let unit = i128::from(crate::config::decimal::ONE_Q32) * 1_000_000_000;
    let trigger = spread::evaluate(&spec, 0, &books);
    let is_ratio = spec.trigger.measure == Measure::Ratio;
    let ratio = is_ratio.then(|| Rational::from_e9(value.measured_e9(&spec, true)));
    let hot = Rational::new(value.sum_q32, unit)?;
    Some((hot, ratio, trigger.map(|trigger| trigger.intent)))
}

/// The spread as the desk is told of it.
fn spec(configuration: &Configuration, index: usize) -> Option<SpreadSpec> {
    let (controls, _) = inputs::controls(configuration);
    let mut specs = controls.into_iter().filter_map(|control| match control {
        Control::Spread(spec) => Some(spec),
        _ => None,
    });
    specs.nth(index)
}
