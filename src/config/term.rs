//! `[[spread.leg.term]]`: why a leg is weighed as it is, factor by factor.
//!
//! A leg's coefficient is the product of its terms, taken exactly and rounded once. A term is a
//! number that the price is multiplied with or divided by (a unit, a tax), or the price of another
//! leg (a currency). The hot path adds weighted prices and multiplies none with another, so there
//! the product of two prices is made linear around the references of both:
//!
//! `k * p * q` is taken for `k * (q0 * p + p0 * q - p0 * q0)`
//!
//! which leaves out `k * (p - p0) * (q - q0)`. The leg of `q` has no terms of its own: it is
//! weighed by what its price is multiplied with elsewhere, and the last part is added to the
//! spread's constant. Called by `spread`; `xmc explain` shows what was read here.

use super::decimal::DecimalError;
use super::error::{Problem, Rule};
use super::market::InstrumentIndex;
use super::names::Registry;
use super::rational::Rational;
use super::section::{Section, Written};
use super::source::Place;
use super::spread::Leg;
use super::value::{Coefficient, Exact, exact, line};

/// One factor of a leg, and what it is for people.
#[derive(Clone, Debug)]
pub struct Term {
    /// What it is: `pounds in a tonne`.
    pub name: String,
    /// The same in Chinese.
    pub name_zh: Option<String>,
    /// What it does.
    pub factor: Factor,
    /// Where it is written.
    pub place: Place,
}

/// What a term does to a leg's price.
#[derive(Clone, Debug)]
pub enum Factor {
    /// Multiplies it.
    Times(Exact),
    /// Divides it.
    DividedBy(Exact),
    /// Multiplies it with the price of another leg.
    PriceOf {
        /// Whose price.
        instrument: Written<InstrumentIndex>,
        /// The price that stands for it in the coefficient.
        reference: Written<Exact>,
    },
}

/// The product of two prices within a leg, as the linear form has it.
#[derive(Clone, Copy, Debug)]
pub struct PriceProduct<'l> {
    /// What multiplies both prices, with the leg's direction.
    pub scale: Rational,
    /// The leg's price that the form stands on.
    pub reference: &'l Written<Exact>,
    /// Whose price it is multiplied with.
    pub other: &'l Written<InstrumentIndex>,
    /// That price that the form stands on.
    pub other_reference: &'l Written<Exact>,
}

/// No factor is larger, and none is smaller than one part of it.
const FACTORS: [&str; 2] = ["0.000001", "1000000"];
/// What a coefficient or a constant can be, as where they are written as numbers.
const MOST: i64 = 1_000_000;

/// Reads the terms of a leg.
pub(super) fn terms(leg: &Section<'_>, names: &Registry) -> Vec<Term> {
    let mut terms = Vec::new();
    for section in leg.tables("term") {
        match term(section, names) {
            Some(term) => terms.push(term),
            None => leg.spoil(),
        }
    }
    let live = |term: &&Term| matches!(term.factor, Factor::PriceOf { .. });
    if let Some(second) = terms.iter().filter(live).nth(1) {
        leg.fail(Problem::new(
            Rule::Terms,
            format!("{} multiplies its price with two other prices", leg.title()),
            second.place.clone(),
            "the second one",
        ));
    }
    terms
}

fn term(section: Section<'_>, names: &Registry) -> Option<Term> {
    let name = section.required("name", line(60)).value;
    let name_zh = section.optional("name_zh", line(60)).map(|name| name.value);
    let number = |key| section.optional(key, exact(FACTORS[0], FACTORS[1]));
    let (times, divided_by) = (number("times"), number("divided_by"));
    let price_of = match section.has("price_of") {
        true => Some(Factor::PriceOf {
            instrument: names.instruments.resolve(&section, "price_of"),
            reference: section.required("reference", exact(FACTORS[0], FACTORS[1])),
        }),
        false => section.absent("price_of"),
    };
    let mut factors = [
        times.map(|number| Factor::Times(number.value)),
        divided_by.map(|number| Factor::DividedBy(number.value)),
        price_of,
    ]
    .into_iter()
    .flatten();
    let (first, second) = (factors.next(), factors.next());
    if !section.is_broken() && (first.is_none() || second.is_some()) {
        let what = if second.is_some() { "does two things" } else { "does nothing" };
        section.fail(
            Problem::new(
                Rule::Terms,
                format!("{} {what}", section.title()),
                section.place().clone(),
                "one of `times`, `divided_by` and `price_of`",
            )
            .help("make two terms of two factors: each has its own name"),
        );
    }
    let place = section.place().clone();
    section.finish(Term { name, name_zh, factor: first?, place })
}

impl Leg {
    /// The product of its price with another one, if its terms say so.
    pub fn price_product(&self) -> Option<PriceProduct<'_>> {
        let reference = self.reference.as_ref()?;
        let live = self.terms.iter().find_map(|term| match &term.factor {
            Factor::PriceOf { instrument, reference } => Some((instrument, reference)),
            Factor::Times(_) | Factor::DividedBy(_) => None,
        });
        let (other, other_reference) = live?;
        let scale = product(&self.terms, false)?;
        let scale = if self.ratio.value < 0 { scale.negated() } else { scale };
        Some(PriceProduct { scale, reference, other, other_reference })
    }
}

impl PriceProduct<'_> {
    /// What the other price is weighed with.
    fn other_weight(&self) -> Option<Rational> {
        self.scale.times(self.reference.exact)
    }

    /// What is added to the linear form.
    fn constant(&self) -> Option<Rational> {
        let both = self.reference.exact.times(self.other_reference.exact)?;
        Some(self.scale.times(both)?.negated())
    }
}

/// The part of the constant of linear forms that the legs which are sold take off, as an amount in
/// units of 1e-9.
pub(super) fn short_constant_e9(legs: &[Leg]) -> i64 {
    let sold = legs.iter().filter(|leg| leg.ratio.value < 0);
    let mut constants = sold.filter_map(Leg::price_product).map(|product| product.constant());
    let sum = constants.try_fold(Rational::ZERO, |sum, constant| sum.plus(constant?));
    sum.and_then(Rational::nearest_e9).map_or(0, i64::saturating_neg)
}

/// The factors multiplied; with `references`, prices stand for themselves as they are referred to.
fn product(terms: &[Term], references: bool) -> Option<Rational> {
    terms.iter().try_fold(Rational::ONE, |product, term| match &term.factor {
        Factor::Times(number) => product.times(number.exact),
        Factor::DividedBy(number) => product.over(number.exact),
        Factor::PriceOf { reference, .. } if references => product.times(reference.exact),
        Factor::PriceOf { .. } => Some(product),
    })
}

/// The coefficient that follows from a leg's own terms; `None` after a complaint.
pub(super) fn coefficient(section: &Section<'_>, terms: &[Term]) -> Option<Written<Coefficient>> {
    let place = terms.first()?.place.clone();
    held(section, product(terms, true), place)
}

/// A coefficient that the hot path can hold; complains if it cannot.
fn held(
    section: &Section<'_>,
    product: Option<Rational>,
    place: Place,
) -> Option<Written<Coefficient>> {
    let complain = |why: String| {
        let message = format!("the terms of {} {why}", section.title());
        section.fail(Problem::new(Rule::Terms, message, place.clone(), "these terms"));
    };
    let Some(exact) = product else {
        complain("have too many digits to be multiplied exactly".to_owned());
        return None;
    };
    let q32 = exact.nearest_q32().filter(|q32| (q32 >> 32).abs() <= MOST);
    match (q32, exact.show(12)) {
        (Some(0), _) => complain(format!("are nothing together: {}", DecimalError::TooSmall)),
        (Some(q32), Some(text)) => {
            return Some(Written { value: Coefficient { q32, text, exact }, place });
        }
        _ => complain(format!("are more than {MOST} together")),
    }
    None
}

/// Weighs the legs that others multiply their prices with, and says what is to be added to the
/// spread's constant.
pub(super) fn resolve(section: &Section<'_>, legs: &mut [Leg]) -> Option<Rational> {
    let mut constant = Some(Rational::ZERO);
    let mut weights: Vec<(usize, Option<Rational>)> = Vec::new();
    for leg in legs.iter() {
        let product = leg.price_product();
        if let Some(problem) = unfinished(leg, product.is_some()) {
            section.fail(problem);
            return None;
        }
        let Some(product) = product else { continue };
        let other = legs.iter().position(|leg| leg.instrument.value == product.other.value);
        let Some(position) = other.filter(|other| !legs[*other].is_traded) else {
            section.fail(
                Problem::new(
                    Rule::Terms,
                    "the price that a leg is multiplied with has no pricing leg of its own",
                    product.other.place.clone(),
                    "not a leg with trade = false",
                )
                .help("add a [[spread.leg]] of this instrument with trade = false and no terms"),
            );
            return None;
        };
        constant = constant.and_then(|sum| sum.plus(product.constant()?));
        let weight = product.other_weight();
        match weights.iter_mut().find(|(other, _)| *other == position) {
            Some((_, sum)) => *sum = sum.and_then(|sum| sum.plus(weight?)),
            None => weights.push((position, weight)),
        }
    }
    for (position, weight) in weights {
        let leg = &mut legs[position];
        if !leg.coefficient.text.is_empty() {
            section.fail(Problem::new(
                Rule::Terms,
                "a leg whose price another leg is multiplied with has a coefficient of its own",
                leg.coefficient.place.clone(),
                "follows from the other leg's terms",
            ));
            return None;
        }
        leg.coefficient = held(section, weight, leg.instrument.place.clone())?;
        leg.weight_q32 = leg.coefficient.q32;
    }
    if let Some(leg) = legs.iter().find(|leg| leg.coefficient.text.is_empty()) {
        section.fail(
            Problem::new(
                Rule::MissingKey,
                format!("a leg of {} has no `coefficient`", section.title()),
                leg.instrument.place.clone(),
                "`coefficient` is required, or a [[spread.leg.term]]",
            )
            .help("only a leg whose price is the `price_of` of another one needs neither"),
        );
        return None;
    }
    let held = constant.filter(|sum| sum.nearest_e9().is_some_and(|e9| e9.abs() <= MOST * ONE_E9));
    if held.is_none() {
        section.fail(Problem::new(
            Rule::Terms,
            format!("the references of {} add more than {MOST} to its constant", section.title()),
            section.place().clone(),
            "beyond what can be held",
        ));
    }
    held
}

const ONE_E9: i64 = super::decimal::ONE_E9;

/// A reference and a price to be multiplied with need each other.
fn unfinished(leg: &Leg, has_product: bool) -> Option<Problem> {
    let live = leg.terms.iter().find(|term| matches!(term.factor, Factor::PriceOf { .. }));
    match (&leg.reference, live) {
        (Some(reference), None) => Some(Problem::new(
            Rule::Terms,
            "a leg has a `reference`, and none of its terms is the `price_of` another one",
            reference.place.clone(),
            "refers to nothing",
        )),
        (None, Some(term)) => Some(
            Problem::new(
                Rule::Terms,
                "a leg whose price is multiplied with another one has no `reference`",
                term.place.clone(),
                "the product is made linear around the references of both",
            )
            .help("give the leg a `reference`: a price near those of the day"),
        ),
        (Some(reference), Some(_)) if !has_product => Some(Problem::new(
            Rule::Terms,
            "the terms of a leg have too many digits to be multiplied exactly",
            reference.place.clone(),
            "of this leg",
        )),
        _ => None,
    }
}
