//! `[[contract]]` and `[[fx_contract]]`: futures that hedges are made of.

use super::read::{Known, currency_of, fail, in_unit, refer};
use super::roll::Deadline;
use crate::calendar::date;
use crate::config::capital::{Border, Origin, origin};
use crate::config::error::Rule;
use crate::config::section::{Section, Written};
use crate::config::value::{Exact, exact, line, one_of, whole, word};
use crate::config::{CURRENCIES, Rational};
use crate::hedge::month::Month;
use crate::hedge::unit::{UNITS, Unit, factor};
use jiff::civil::Date;

/// A future on a product.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contract {
    /// Its symbol.
    pub name: String,
    /// On what.
    pub product: usize,
    /// On which side of the border.
    pub border: Border,
    /// What its price is in.
    pub currency: String,
    /// A lot, in the product's unit.
    pub lot: Rational,
    /// Price of one `price_unit`.
    pub price: Rational,
    /// What its price is of.
    pub price_unit: Unit,
    /// `price_unit` in one unit of the product.
    pub per_unit: Rational,
    /// Its month.
    pub month: Month,
    /// The last day on which a hedge may be held.
    pub last_day: Date,
    /// So many days before that a hedge is rolled.
    pub roll_days: u32,
    /// Fee of a lot, each way.
    pub fee_per_lot: Rational,
    /// Fee by value, each way.
    pub fee_fraction: Rational,
    /// What each way is expected to lose against the price, of one `price_unit`.
    pub slippage: Rational,
    /// What holding it long to its month is expected to cost, of one `price_unit`; a short earns
    /// it.
    pub carry: Rational,
    /// Days before the last from which on fewer lots may be held.
    pub deadlines: Vec<Deadline>,
    /// Where that comes from.
    pub origin: Origin,
}

/// A future on a currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FxContract {
    /// Its symbol.
    pub name: String,
    /// The currency that is bought and sold.
    pub currency: String,
    /// What its price is in.
    pub quote: String,
    /// A lot, in `currency`.
    pub lot: Rational,
    /// `quote` for one of `currency`.
    pub price: Rational,
    /// The last day on which it may be held.
    pub last_day: Date,
    /// So many days before that it is rolled, and not opened any more.
    pub roll_days: u32,
    /// Fee of a lot, each way, in `quote`.
    pub fee_per_lot: Rational,
    /// What each way is expected to lose against the price.
    pub slippage: Rational,
    /// Where that comes from.
    pub origin: Origin,
}

impl Contract {
    /// What a lot is worth, in its currency.
    #[must_use]
    pub fn lot_value(&self) -> Option<Rational> {
        self.unit_price()?.times(self.lot)
    }

    /// The price of one unit of the product, in its currency.
    #[must_use]
    pub fn unit_price(&self) -> Option<Rational> {
        self.price.times(self.per_unit)
    }

    /// The first day on which a hedge in it is rolled, of however few lots.
    #[must_use]
    pub fn roll_day(&self) -> Date {
        let all = self.deadlines.iter().filter(|row| row.most == 0).map(|row| row.day);
        self.begins(all.fold(self.last_day, Date::min))
    }

    /// The first day of the window before a deadline.
    #[must_use]
    pub fn begins(&self, deadline: Date) -> Date {
        before(deadline, self.roll_days)
    }
}

impl FxContract {
    /// The first day on which it is rolled, and not opened any more.
    #[must_use]
    pub fn roll_day(&self) -> Date {
        before(self.last_day, self.roll_days)
    }
}

fn before(day: Date, days: u32) -> Date {
    day.saturating_sub(jiff::Span::new().days(i64::from(days)))
}

pub(crate) const BORDERS: &[(&str, Border)] =
    &[("domestic", Border::Domestic), ("overseas", Border::Overseas)];

/// What a lot is worth may differ by one part in so many: by what brokers round.
const WORTH_TOLERANCE: i128 = 1_000;
/// Expected slippage is at most one part in so many of the price.
const MOST_SLIPPAGE: i128 = 100;
/// What carrying costs is at most one part in so many of the price.
const MOST_CARRY: i128 = 10;

/// What a lot is worth is said twice.
fn is_worth(section: &Section<'_>, worth: Option<Rational>, said: &Written<Exact>) {
    let worth = worth.unwrap_or_default();
    let apart = worth.minus(said.value.exact).unwrap_or(worth).magnitude();
    let part = Rational::new(1, WORTH_TOLERANCE);
    let most = part.and_then(|part| part.times(worth.magnitude()));
    if most.is_none_or(|most| most.is_below(apart)) && !section.is_broken() {
        let message = format!(
            "a lot of {} is worth {}, and `lot_value` says {}",
            section.title(),
            worth.show(4).unwrap_or_default(),
            said.value.text
        );
        fail(section, Rule::LotWorth, &said.place, message);
    }
}

/// Whether two prices are of one size: neither is more than twice the other.
///
/// Of prices that fell through zero nothing can be said.
pub(crate) fn is_of_one_size(one: Rational, other: Rational) -> bool {
    if !Rational::ZERO.is_below(other) {
        return true;
    }
    let times = |value: Rational| value.times(Rational::whole(2)).unwrap_or_default();
    !times(one).is_below(other) && !times(other).is_below(one)
}

/// Reads the keys of a contract; whoever calls finishes the section, and may read more of it.
pub(crate) fn contract(section: &Section<'_>, known: &Known<'_>) -> Contract {
    let product = refer(section, &known.product_names, "product");
    let lot = section.required("lot", exact("0.000001", "10000000"));
    let lot_unit = section.required("lot_unit", word(UNITS));
    let price = section.required("price", exact("-100000", "10000000"));
    let price_unit = section.required("price_unit", word(UNITS));
    let lot_value = section.required("lot_value", exact("-10000000000", "10000000000"));
    let fraction = |key| section.required(key, exact("0", "0.05")).value.exact;
    let (slippage, carry) = (
        section.required("slippage", exact("0", "100000")),
        section.required("carry", exact("-100000", "100000")),
    );
    let month = section.required("month", super::position::month);
    let last_day = section.required("last_day", date);
    let mut contract = Contract {
        name: section.required("name", line(30)).value,
        product: product.value,
        border: section.required("border", word(BORDERS)).value,
        currency: currency_of(section, known),
        lot: Rational::ZERO,
        price: price.value.exact,
        price_unit: price_unit.value,
        per_unit: Rational::ONE,
        month: month.value,
        last_day: last_day.value.unwrap_or_default(),
        roll_days: section.required("roll_days", whole(0..=120)).value,
        fee_per_lot: section.required("fee_per_lot", exact("0", "1000")).value.exact,
        fee_fraction: fraction("fee_fraction"),
        slippage: slippage.value.exact,
        carry: carry.value.exact,
        deadlines: Vec::new(),
        origin: origin(section),
    };
    if let (false, Some(product)) = (section.is_broken(), known.product(contract.product)) {
        contract.lot = in_unit(section, &lot, lot_unit.value, product);
        match factor(product.unit, contract.price_unit, &product.grade) {
            Ok(per_unit) => contract.per_unit = per_unit,
            Err(error) => fail(section, Rule::UnitKind, &price_unit.place, error.to_string()),
        }
        is_worth(section, contract.lot_value(), &lot_value);
        for (written, most) in [(&slippage, MOST_SLIPPAGE), (&carry, MOST_CARRY)] {
            let part = Rational::new(1, most);
            let most = part.and_then(|part| part.times(contract.price.magnitude()));
            if most.is_some_and(|most| most.is_below(written.value.exact.magnitude())) {
                let text = &written.value.text;
                let message = format!("{text} is too large a part of the price");
                fail(section, Rule::OutOfBounds, &written.place, message);
            }
        }
        let (year, last) = (month.value.first().year(), contract.last_day.year());
        // Hedges are left before the month, in it or, abroad, some months before it.
        if (year - last).abs() > 1 || contract.last_day > month.value.last() {
            let message = format!("{} is held beyond its month", section.title());
            fail(section, Rule::Delivery, &last_day.place, message);
        }
    }
    contract
}

pub(super) fn fx_contract(section: Section<'_>, known: &Known<'_>) -> Option<FxContract> {
    let quote = section.required("quote", one_of(CURRENCIES));
    let price = section.required("price", exact("0.0001", "100000"));
    let contract = FxContract {
        name: section.required("name", line(30)).value,
        currency: currency_of(&section, known),
        quote: quote.value,
        lot: section.required("lot", exact("1000", "10000000")).value.exact,
        price: price.value.exact,
        last_day: section.required("last_day", date).value.unwrap_or_default(),
        roll_days: section.required("roll_days", whole(0..=120)).value,
        fee_per_lot: section.required("fee_per_lot", exact("0", "1000")).value.exact,
        slippage: section.required("slippage", exact("0", "1")).value.exact,
        origin: origin(&section),
    };
    let lot_value = section.required("lot_value", exact("0.01", "10000000000"));
    is_worth(&section, contract.lot.times(contract.price), &lot_value);
    if known.rate(&contract.quote).is_none() && !section.is_broken() {
        let message = format!("{} is priced in money without an [[fx]] rate", section.title());
        fail(&section, Rule::CurrencyUnknown, &quote.place, message);
    }
    if contract.quote == contract.currency && !section.is_broken() {
        let message = format!("{} is of a currency against itself", section.title());
        fail(&section, Rule::CurrencyUnknown, &quote.place, message);
    }
    // Onshore and offshore renminbi are one money at two prices that are near each other.
    let rate = known.rate(&contract.currency);
    let apart = rate.and_then(|rate| rate.minus(contract.price)?.magnitude().over(rate));
    let tenth = Rational::new(1, 10).unwrap_or_default();
    if !section.is_broken() && apart.is_some_and(|apart| tenth.is_below(apart)) {
        let message = format!("{} is priced far from the rate of the book", section.title());
        fail(&section, Rule::LotWorth, &price.place, message);
    }
    section.finish(contract)
}
