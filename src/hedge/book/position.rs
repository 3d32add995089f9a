//! `[[position]]`: goods that are owned, bought, sold, needed or made.

use super::contract::is_of_one_size;
use super::read::{Known, currency_of, fail, in_unit, refer};
use super::{Limit, Product};
use crate::calendar::date;
use crate::config::Rational;
use crate::config::error::Rule;
use crate::config::section::{Section, Written};
use crate::config::value::{Complaint, Exact, exact, line, text_of, word};
use crate::hedge::month::Month;
use crate::hedge::unit::{UNITS, Unit, factor};
use jiff::civil::Date;
use toml::de::DeValue;

/// What a position is; `exposure` says what each means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Owned (库存).
    #[default]
    Stock,
    /// Bought, and still to come (采购).
    Bought,
    /// Sold, and still to go (销售).
    Sold,
    /// Will have to be bought, and is not yet (原料需求).
    Need,
    /// Will be made and have to be sold, and is not yet (计划产量).
    Output,
}

/// How a position's price is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pricing {
    /// It is known (一口价).
    #[default]
    Fixed,
    /// A future plus a basis, on a day that is still to be chosen (点价).
    Floating {
        /// Which future.
        contract: usize,
        /// What is added to its price, of one unit of that price.
        basis: Rational,
    },
    /// Not agreed.
    Unpriced,
}

/// Goods of one kind, price basis and delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// What the client calls it.
    pub name: String,
    /// Whose.
    pub client: usize,
    /// Of what.
    pub product: usize,
    /// What it is.
    pub kind: Kind,
    /// Pure product in it, after purity and yield, in the product's unit.
    pub quantity: Rational,
    /// How its price is set.
    pub pricing: Pricing,
    /// The part of it whose price is known: all of `Fixed`.
    pub priced: Rational,
    /// That price, of one unit of the product; `None` where nothing is priced.
    pub price: Option<Rational>,
    /// What it is paid in.
    pub currency: String,
    /// First day of delivery; that of the book for stock.
    pub from: Date,
    /// The last.
    pub until: Date,
}

pub(super) const KINDS: &[(&str, Kind)] = &[
    ("stock", Kind::Stock),
    ("bought", Kind::Bought),
    ("sold", Kind::Sold),
    ("need", Kind::Need),
    ("output", Kind::Output),
];

impl Kind {
    /// What people call it.
    #[must_use]
    pub const fn titles(self) -> [&'static str; 2] {
        match self {
            Self::Stock => ["stock", "库存"],
            Self::Bought => ["bought", "采购"],
            Self::Sold => ["sold", "销售"],
            Self::Need => ["need", "原料需求"],
            Self::Output => ["output", "计划产量"],
        }
    }

    /// 1 if it gains when prices rise, -1 if it loses; of the part whose price is known, or all of
    /// a need or an output.
    #[must_use]
    pub const fn direction(self) -> i64 {
        match self {
            Self::Stock | Self::Bought | Self::Output => 1,
            Self::Sold | Self::Need => -1,
        }
    }

    /// Whether nothing has been agreed about it.
    #[must_use]
    pub const fn is_planned(self) -> bool {
        matches!(self, Self::Need | Self::Output)
    }
}

impl Pricing {
    /// What people call it.
    #[must_use]
    pub const fn titles(self) -> [&'static str; 2] {
        match self {
            Self::Fixed => ["fixed", "一口价"],
            Self::Floating { .. } => ["floating", "点价"],
            Self::Unpriced => ["unpriced", "未定价"],
        }
    }
}

/// A month: `2026-09`.
pub(super) fn month(value: &DeValue<'_>) -> Result<Month, Complaint> {
    let text = text_of(value)?;
    Month::parse(text).ok_or_else(|| {
        Complaint::new(Rule::Delivery, format!("is {text:?}, which is no month"), "not a month")
            .help("write it as \"2026-09\"")
    })
}

pub(super) fn position(section: Section<'_>, known: &Known<'_>) -> Option<Position> {
    let client = refer(&section, &known.client_names, "client");
    let product = refer(&section, &known.product_names, "product");
    let kind = section.required("kind", word(KINDS));
    let quantity = section.required("quantity", exact("0.000001", "1000000000"));
    let unit = section.required("unit", word(UNITS));
    let part = |key| section.optional(key, exact("0.0001", "1"));
    let parts = [part("purity"), part("yield")];
    let currency = currency_of(&section, known);
    let (from, until) = delivery(&section, kind.value, known);
    let mut position = Position {
        name: section.required("name", line(60)).value,
        client: client.value,
        product: product.value,
        kind: kind.value,
        currency,
        from,
        until,
        ..Position::default()
    };
    let terms = Terms::read(&section, known);
    if !section.is_broken() {
        terms.fit(&section, &position);
    }
    if let (false, Some(of)) = (section.is_broken(), known.product(position.product)) {
        let mut pure = in_unit(&section, &quantity, unit.value, of);
        for part in parts.into_iter().flatten() {
            pure = exactly(&section, pure.times(part.value.exact), &part);
        }
        position.quantity = pure;
        terms.price(&section, &mut position, &quantity, of, known);
        if let Pricing::Floating { contract, basis } = position.pricing
            && let Some(of) = known.contract(contract)
        {
            let fifth = Rational::new(1, 5).and_then(|part| part.times(of.price.magnitude()));
            let message = if of.product != position.product {
                "floats on a contract of another product"
            } else if fifth.is_some_and(|fifth| fifth.is_below(basis.magnitude())) {
                "has a basis of more than a fifth of the price"
            } else {
                ""
            };
            if !message.is_empty() {
                let message = format!("{} {message}", section.title());
                fail(&section, Rule::PriceBasis, section.place(), message);
            }
        }
        is_sized(&section, &position, &quantity, known);
    }
    section.finish(position)
}

/// A price is of the size of the product's futures, in whatever currency.
fn is_near(section: &Section<'_>, of: &Position, at: &Written<Exact>, known: &Known<'_>) {
    let own = of.price.zip(known.rate(&of.currency)).and_then(|(price, rate)| price.times(rate));
    let contracts = known.contracts.iter().flatten().filter(|row| row.product == of.product);
    let mut theirs =
        contracts.filter_map(|row| row.unit_price()?.times(known.rate(&row.currency)?));
    let Some(own) = own else {
        return;
    };
    if !section.is_broken() && theirs.any(|other| !is_of_one_size(own, other)) {
        let message =
            format!("the price {} is far from that of the product's futures", at.value.text);
        fail(section, Rule::OutOfBounds, &at.place, message);
    }
}

/// No position is larger than the largest of its client, or smaller than the smallest.
fn is_sized(section: &Section<'_>, of: &Position, at: &Written<Exact>, known: &Known<'_>) {
    let Some(client) = known.client(of.client).filter(|_| !section.is_broken()) else {
        return;
    };
    let limit = client.limits.iter().find(|limit| limit.product == of.product);
    let shown = |value: Rational| value.show(4).unwrap_or_default();
    let message = match limit {
        Some(Limit { max_position: most, min_position: least, .. })
            if most.is_below(of.quantity) || of.quantity.is_below(*least) =>
        {
            format!(
                "{} is of {}, and positions of its client are from {} to {}",
                section.title(),
                shown(of.quantity),
                shown(*least),
                shown(*most)
            )
        }
        Some(_) => return,
        None => format!("the client of {} has no limit for that product", section.title()),
    };
    fail(section, Rule::PositionSize, &at.place, message);
}

fn exactly(section: &Section<'_>, value: Option<Rational>, at: &Written<Exact>) -> Rational {
    value.unwrap_or_else(|| {
        let message = format!("{} has too many digits to be held exactly", section.title());
        fail(section, Rule::Decimal, &at.place, message);
        Rational::ZERO
    })
}

/// What is written about the price.
struct Terms {
    pricing: Written<Word>,
    contract: Option<Written<usize>>,
    basis: Option<Written<Exact>>,
    price: Option<Written<Exact>>,
    price_unit: Option<Written<Unit>>,
    priced: Option<Written<Exact>>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Word {
    #[default]
    Fixed,
    Floating,
    Unpriced,
}

const WORDS: &[(&str, Word)] =
    &[("fixed", Word::Fixed), ("floating", Word::Floating), ("unpriced", Word::Unpriced)];

impl Terms {
    fn read(section: &Section<'_>, known: &Known<'_>) -> Self {
        let contract =
            section.has("contract").then(|| refer(section, &known.contract_names, "contract"));
        if contract.is_none() {
            section.absent::<u8>("contract");
        }
        Self {
            pricing: section.required("pricing", word(WORDS)),
            contract,
            basis: section.optional("basis", exact("-100000", "100000")),
            price: section.optional("price", exact("-100000", "100000000")),
            price_unit: section.optional("price_unit", word(UNITS)),
            priced: section.optional("priced", exact("0.000001", "1000000000")),
        }
    }

    /// Whether what is written belongs together.
    fn fit(&self, section: &Section<'_>, of: &Position) {
        let title = section.title();
        let is_floating = self.pricing.value == Word::Floating;
        let is_fixed = self.pricing.value == Word::Fixed;
        let is_priced = is_fixed || self.priced.is_some();
        let why = if of.kind.is_planned() && (self.pricing.value != Word::Unpriced || is_priced) {
            let [kind, _] = of.kind.titles();
            format!("{title} is a {kind}: once a price is agreed it is a purchase or a sale")
        } else if is_floating != self.contract.is_some() || is_floating != self.basis.is_some() {
            format!("{title} has a `contract` and a `basis` if its price floats, and only then")
        } else if is_fixed && self.priced.is_some() {
            format!("{title} is fixed: all of it is priced")
        } else if is_priced != self.price.is_some() || is_priced != self.price_unit.is_some() {
            format!("{title} has `price` and `price_unit` if some of it is priced, and only then")
        } else {
            return;
        };
        fail(section, Rule::PriceBasis, &self.pricing.place, why);
    }

    /// Puts the price into the product's unit.
    fn price(
        &self,
        section: &Section<'_>,
        position: &mut Position,
        quantity: &Written<Exact>,
        product: &Product,
        known: &Known<'_>,
    ) {
        let contract = self.contract.as_ref().map_or(0, |contract| contract.value);
        let basis = self.basis.as_ref().map_or(Rational::ZERO, |basis| basis.value.exact);
        position.pricing = match self.pricing.value {
            Word::Fixed => Pricing::Fixed,
            Word::Floating => Pricing::Floating { contract, basis },
            Word::Unpriced => Pricing::Unpriced,
        };
        position.priced = match &self.priced {
            // Of what is pure in it, the same part as of the whole.
            Some(priced) => {
                let part = priced.value.exact.over(quantity.value.exact);
                if part.is_none_or(|part| Rational::ONE.is_below(part)) {
                    let message = format!("more of {} is priced than there is", section.title());
                    fail(section, Rule::PriceBasis, &priced.place, message);
                }
                exactly(section, part.and_then(|part| part.times(position.quantity)), priced)
            }
            None if position.pricing == Pricing::Fixed => position.quantity,
            None => Rational::ZERO,
        };
        if let (Some(price), Some(of)) = (&self.price, &self.price_unit) {
            match factor(product.unit, of.value, &product.grade) {
                Ok(count) => {
                    let each = price.value.exact.times(count);
                    position.price = Some(exactly(section, each, price));
                    is_near(section, position, price, known);
                }
                Err(error) => fail(section, Rule::UnitKind, &of.place, error.to_string()),
            }
        }
    }
}

/// First and last day of delivery.
fn delivery(section: &Section<'_>, kind: Kind, known: &Known<'_>) -> (Date, Date) {
    let month = section.optional("month", month);
    let days = (section.optional("from", date), section.optional("until", date));
    match (month, days) {
        (Some(month), (None, None)) => (month.value.first(), month.value.last()),
        (None, (Some(from), Some(until))) => {
            let both = (from.value.unwrap_or_default(), until.value.unwrap_or_default());
            let days = both.0.until(both.1).map_or(i32::MAX, |span| span.get_days());
            if !(0..=3 * 366).contains(&days) && !section.is_broken() {
                let message = format!("{} to {} are no days of delivery", both.0, both.1);
                fail(section, Rule::Delivery, &until.place, message);
            }
            both
        }
        (None, (None, None)) if kind == Kind::Stock => (known.date, known.date),
        _ => {
            let message = format!("{} has a `month`, or `from` and `until`", section.title());
            fail(section, Rule::Delivery, section.place(), message);
            Default::default()
        }
    }
}
