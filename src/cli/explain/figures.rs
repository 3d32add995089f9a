//! What there is to say of a pair, as plain values: legs, terms, money. Both languages and the
//! JSON report are written from these.

use crate::config::rational::Rational;
use crate::config::{Configuration, Factor, Instrument, Leg, Spread, UserRule, Written};
use xmc_hotpath::message::Measure;

/// What a leg does when the spread is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is bought.
    Bought,
    /// It is sold.
    Sold,
    /// It is not traded.
    Prices,
}

/// One factor of a leg's coefficient.
#[derive(Clone, Debug)]
pub struct TermFigures {
    /// What it is, in English and in Chinese if that is written.
    pub name: String,
    /// See `name`.
    pub name_zh: Option<String>,
    /// Whether the price is divided by it.
    pub divides: bool,
    /// The number as it is written.
    pub number: String,
    /// Whose price it stands for, if it is a reference.
    pub price_of: Option<String>,
    /// The product of this and all factors before it; `None` if that has too many digits.
    pub product: Option<Rational>,
}

/// A pricing leg is weighed with what another leg's price is multiplied with.
#[derive(Clone, Debug)]
pub struct Share {
    /// The other leg.
    pub leg: String,
    /// What multiplies both prices, with the other leg's direction.
    pub scale: Rational,
    /// The other leg's reference, as it is written.
    pub reference: String,
}

/// What one point of the spread's value is, per unit, by one traded leg.
#[derive(Clone, Debug)]
pub struct Money {
    /// In the leg's currency.
    pub amount: Rational,
    /// The leg's currency.
    pub currency: String,
    /// In the money of the price that the leg's is multiplied with, at its reference.
    pub converted: Option<(Rational, String)>,
}

/// One leg.
#[derive(Clone, Debug)]
pub struct LegFigures {
    /// How the configuration calls it.
    pub name: String,
    /// How the venue calls it.
    pub symbol: String,
    /// The venue's market identifier code.
    pub mic: String,
    /// What it does.
    pub role: Role,
    /// Lots of one unit; 0 for one that only prices.
    pub lots: u32,
    /// Lots that a price of it must have behind it; 0 if none in particular.
    pub lean_lots: u32,
    /// Units of the quoted quantity in a lot.
    pub multiplier: Rational,
    /// The smallest step of its price.
    pub tick: Rational,
    /// Of its money.
    pub currency: String,
    /// What trading it takes, in its currency by the lot and as a part of the value; `None` for
    /// nothing.
    pub fees: Option<(Rational, Rational)>,
    /// What its price counts.
    pub quote_unit: String,
    /// The factors, in their order.
    pub terms: Vec<TermFigures>,
    /// Where the weight comes from, if from another leg's terms.
    pub shares: Vec<Share>,
    /// What its price is multiplied with, with its direction.
    pub weight: Rational,
    /// The same as the hot path has it.
    pub weight_q32: i64,
    /// What a point is in money; `None` for a leg that only prices.
    pub money: Option<Money>,
}

/// A product of two prices, made linear.
#[derive(Clone, Debug)]
pub struct Product {
    /// The leg with the terms, and the one that its price is multiplied with.
    pub legs: [String; 2],
    /// The prices that the form stands on, as they are written.
    pub references: [String; 2],
    /// The same as numbers.
    pub exact: [Rational; 2],
    /// What multiplies both prices, with the direction.
    pub scale: Rational,
}

impl Product {
    /// What the linear form leaves out at these prices.
    #[must_use]
    pub fn left_out(&self, prices: [Rational; 2]) -> Option<Rational> {
        let [one, other] = prices;
        let [one_reference, other_reference] = self.exact;
        let both = one.minus(one_reference)?.times(other.minus(other_reference)?)?;
        self.scale.times(both)
    }

    /// The same with the first price 1 % and the second 0.1 % above its reference, as an amount.
    #[must_use]
    pub fn typical(&self) -> Option<Rational> {
        let [one, other] = self.exact;
        let away = |price: Rational, part: i128| price.plus(price.times(Rational::new(1, part)?)?);
        Some(self.left_out([away(one, 100)?, away(other, 1_000)?])?.magnitude())
    }
}

/// A value at which something is done.
#[derive(Clone, Debug)]
pub struct Level {
    /// Its key.
    pub key: &'static str,
    /// In the spread's unit.
    pub value: Rational,
}

/// Everything there is to say.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The pair.
    pub name: String,
    /// What its value counts.
    pub unit: String,
    /// The legs.
    pub legs: Vec<LegFigures>,
    /// The written constant, and what it is.
    pub constant: (Rational, Option<String>),
    /// What making products linear adds.
    pub linear_constant: Rational,
    /// The products.
    pub products: Vec<Product>,
    /// What the levels count.
    pub measure: Measure,
    /// Whether they are after fees.
    pub is_after_fees: bool,
    /// The levels that are set.
    pub levels: Vec<Level>,
    /// The distance that a value must leave a level by.
    pub hysteresis: Rational,
    /// How long levels that open and that close must have been met, milliseconds.
    pub holds_ms: (u32, u32),
    /// Units of a fire, and at most.
    pub units: (u32, u32),
    /// What the user has it asked.
    pub rules: Vec<UserRule>,
}

impl Explanation {
    /// Explains a spread of a configuration.
    ///
    /// # Panics
    /// If there is no such spread.
    #[must_use]
    pub fn of(configuration: &Configuration, index: usize) -> Self {
        let spread = &configuration.spreads[index];
        let level = |(key, level): (&'static str, &Written<i64>)| Level {
            key,
            value: Rational::from_e9(level.value),
        };
        Self {
            name: spread.name.value.clone(),
            unit: spread.unit.clone(),
            legs: spread.legs.iter().map(|leg| leg_figures(configuration, spread, leg)).collect(),
            constant: (Rational::from_e9(spread.own_constant_e9), spread.constant_name.clone()),
            linear_constant: spread.linear_constant,
            products: products(configuration, spread),
            measure: spread.measure,
            is_after_fees: spread.is_after_fees(),
            levels: spread.triggers.set().map(level).collect(),
            hysteresis: Rational::from_e9(spread.hysteresis_e9.value),
            holds_ms: (spread.open_hold_ms, spread.close_hold_ms),
            rules: spread.rules.clone(),
            units: (spread.clip_units.value, spread.max_units.value),
        }
    }

    /// What is between opening and closing: long, then short, where both levels are set. In points
    /// or, if the levels are ratios, as a part.
    #[must_use]
    pub fn spans(&self) -> [Option<Rational>; 2] {
        let level = |key| self.levels.iter().find(|level| level.key == key).map(|of| of.value);
        let between = |low, high| -> Option<Rational> { level(high)?.minus(level(low)?) };
        [between("buy_open", "buy_close"), between("sell_close", "sell_open")]
    }

    /// By how much the money of the traded legs differs, as a part of the first one's; `None` if
    /// that cannot be compared.
    #[must_use]
    pub fn mismatch(&self) -> Option<Rational> {
        let mut amounts = self.legs.iter().filter_map(|leg| {
            let money = leg.money.as_ref()?;
            Some(money.converted.as_ref().map_or(money.amount, |(amount, _)| *amount))
        });
        let (first, second) = (amounts.next()?, amounts.next()?);
        second.over(first)?.minus(Rational::ONE)
    }
}

fn name(configuration: &Configuration, index: usize) -> String {
    configuration.instruments[index].name.value.clone()
}

fn products(configuration: &Configuration, spread: &Spread) -> Vec<Product> {
    let product = |leg: &Leg| {
        let product = leg.price_product()?;
        Some(Product {
            legs: [leg.instrument.value, product.other.value]
                .map(|index| name(configuration, index)),
            references: [product.reference.text.clone(), product.other_reference.text.clone()],
            exact: [product.reference.exact, product.other_reference.exact],
            scale: product.scale,
        })
    };
    spread.legs.iter().filter_map(product).collect()
}

fn leg_figures(configuration: &Configuration, spread: &Spread, leg: &Leg) -> LegFigures {
    let instrument = &configuration.instruments[leg.instrument.value];
    let exact = leg.coefficient.exact;
    let share = |other: &Leg| {
        let product = other.price_product().filter(|of| of.other.value == leg.instrument.value)?;
        Some(Share {
            leg: name(configuration, other.instrument.value),
            scale: product.scale,
            reference: product.reference.text.clone(),
        })
    };
    let per_lot = Rational::from_e9(instrument.fee_per_lot_e9);
    let has_fees = instrument.fee_per_lot_e9 != 0 || instrument.fee_fraction_e9 != 0;
    LegFigures {
        name: instrument.name.value.clone(),
        symbol: instrument.symbol.clone(),
        mic: configuration.venues[instrument.venue].mic.clone(),
        role: match (leg.is_traded, leg.ratio.value > 0) {
            (false, _) => Role::Prices,
            (true, true) => Role::Bought,
            (true, false) => Role::Sold,
        },
        lots: leg.ratio.unsigned_abs(),
        lean_lots: leg.min_lean_lots,
        multiplier: Rational::from_e9(instrument.multiplier_e9),
        tick: Rational::from_e9(instrument.tick_e9),
        currency: instrument.currency.clone(),
        fees: (leg.is_traded && has_fees)
            .then(|| (per_lot, Rational::from_e9(instrument.fee_fraction_e9))),
        quote_unit: instrument.quote_unit.clone(),
        terms: terms(configuration, leg),
        shares: spread.legs.iter().filter_map(share).collect(),
        weight: if leg.ratio.value < 0 { exact.negated() } else { exact },
        weight_q32: leg.weight_q32,
        money: leg.is_traded.then(|| money(configuration, leg, instrument)).flatten(),
    }
}

fn terms(configuration: &Configuration, leg: &Leg) -> Vec<TermFigures> {
    let mut product = Some(Rational::ONE);
    let figures = |term: &crate::config::Term| {
        let (number, divides, price_of) = match &term.factor {
            Factor::Times(number) => (number, false, None),
            Factor::DividedBy(number) => (number, true, None),
            Factor::PriceOf { instrument, reference } => {
                (&reference.value, false, Some(name(configuration, instrument.value)))
            }
        };
        product = product.and_then(|product| match divides {
            true => product.over(number.exact),
            false => product.times(number.exact),
        });
        TermFigures {
            name: term.name.clone(),
            name_zh: term.name_zh.clone(),
            divides,
            number: number.text.clone(),
            price_of,
            product,
        }
    };
    leg.terms.iter().map(figures).collect()
}

/// A point of value is so much of the leg's price, and that so much money.
fn money(configuration: &Configuration, leg: &Leg, instrument: &Instrument) -> Option<Money> {
    let lots = Rational::whole(leg.ratio.unsigned_abs().into());
    let per_price = lots.times(Rational::from_e9(instrument.multiplier_e9))?;
    let amount = per_price.over(leg.coefficient.exact)?;
    let converted = leg.price_product().and_then(|product| {
        let currency = configuration.instruments[product.other.value].currency.clone();
        Some((amount.times(product.other_reference.exact)?, currency))
    });
    Some(Money { amount, currency: instrument.currency.clone(), converted })
}
