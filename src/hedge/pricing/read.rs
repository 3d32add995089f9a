//! The file of pricing contracts: TOML becomes one checked value, or every reason why not.

use super::{Contract, Deemed, Fixing, Instruction, Party, Sheet, Step, Term};
use crate::calendar::date;
use crate::config::capital::origin;
use crate::config::error::{Report, Rule};
use crate::config::names::Names;
use crate::config::section::{Document, Section, Shape, Written};
use crate::config::value::{Exact, boolean, exact, line, name, one_of, whole, word};
use crate::config::{CURRENCIES, Invalid, Rational, Sources, checked, every, missing_section};
use crate::hedge::book::fail;
use crate::hedge::unit::{Grade, UNITS, Unit, factor};
use jiff::civil::Date;
use std::path::Path;

const SHAPE: Shape = Shape { single: &["pricing"], repeated: &["contract"] };

const PARTIES: &[(&str, Party)] = &[("buyer", Party::Buyer), ("seller", Party::Seller)];
const DEEMED: &[(&str, Deemed)] = &[
    ("nothing", Deemed::Nothing),
    ("window_average", Deemed::WindowAverage),
    ("last_settlement", Deemed::LastSettlement),
];
const STOPS: &[(&str, bool)] = &[("limit", false), ("stop", true)];

/// A price that is this far from the market is a slip of the point.
const MOST_APART: i64 = 4;
/// What a contract is said to cost may be off by one part in so many.
const MOST_OFF: i128 = 200;

/// Reads and checks the contracts in `path` and in what it includes.
///
/// # Errors
/// Everything that is wrong with them.
pub fn load(path: &Path) -> Result<Sheet, Invalid> {
    let report = Report::default();
    let sources = Sources::read(path, &report);
    check(sources, report)
}

/// Like `load`, with `text` instead of the contents of `path`.
///
/// # Errors
/// Everything that is wrong with them.
pub fn load_text(path: &Path, text: &str) -> Result<Sheet, Invalid> {
    let report = Report::default();
    let sources = Sources::of_text(path, text.to_owned(), &report);
    check(sources, report)
}

fn check(sources: Sources, report: Report) -> Result<Sheet, Invalid> {
    let (sheet, sources) = checked(sources, report, SHAPE, sheet)?;
    Ok(Sheet { sources, ..sheet })
}

fn sheet(mut document: Document<'_>, report: &Report) -> Option<Sheet> {
    let Some(head) = document.take_single("pricing") else {
        missing_section(report, "[pricing]");
        return None;
    };
    let contracts = document.take_repeated("contract");
    if contracts.is_empty() {
        missing_section(report, "[[contract]]");
    }
    Names::gather("contract", &contracts, report);
    let today = head.required("date", date).value.unwrap_or_default();
    let is_sample = head.required("sample", boolean).value;
    let contracts = every(contracts, |section| contract(section, today))?;
    head.finish(Sheet { date: today, is_sample, contracts, sources: Sources::default() })
}

fn contract(section: Section<'_>, today: Date) -> Option<Contract> {
    let quantity = section.required("quantity", exact("0.000001", "100000000"));
    let lot = section.required("lot", exact("0.000001", "10000000"));
    let market = section.required("market", exact("-100000", "10000000"));
    let may_be_negative = section.optional("negative_prices", boolean);
    let may_be_negative = may_be_negative.is_some_and(|written| written.value);
    let (from, until) = (section.required("from", date), section.required("until", date));
    let days = (from.value.unwrap_or_default(), until.value.unwrap_or_default());
    if days.1 < days.0 && !section.is_broken() {
        let message = format!("the window of {} ends before it begins", section.title());
        fail(&section, Rule::Delivery, &until.place, message);
    }
    let per_t = |key, bounds: (&'static str, &'static str)| {
        section.optional(key, exact(bounds.0, bounds.1)).map(|written| written.value.exact)
    };
    let grade = Grade {
        bbl_per_t: per_t("bbl_per_t", ("5", "13")),
        mmbtu_per_t: per_t("mmbtu_per_t", ("8", "60")),
    };
    let currency = section.required("currency", one_of(CURRENCIES));
    let text = |key| section.required(key, line(80)).value;
    let mut contract = Contract {
        name: section.required("name", name).value,
        buyer: text("buyer"),
        seller: text("seller"),
        goods: [text("goods"), text("goods_zh")],
        quantity: quantity.value.exact,
        unit: section.required("unit", word(UNITS)).value,
        lot: lot.value.exact,
        future: section.required("future", line(30)).value,
        future_currency: section.required("future_currency", one_of(CURRENCIES)).value,
        future_unit: section.required("future_unit", word(UNITS)).value,
        grade,
        market: market.value.exact,
        may_be_negative,
        from: days.0,
        until: days.1,
        party: section.required("party", word(PARTIES)).value,
        deemed: section.required("deemed", word(DEEMED)).value,
        currency: currency.value.clone(),
        digits: section.required("digits", whole(0..=4)).value,
        origin: origin(&section),
        ..Contract::default()
    };
    contract.lots = lots(&section, &quantity, &lot);
    is_positive(&section, &contract, &market);
    for part in section.tables("settlement") {
        let row = (part.required("date", date).value.unwrap_or_default(), price(&part, &contract));
        match part.finish(row) {
            Some(row) => contract.settlements.push(row),
            None => section.spoil(),
        }
    }
    if contract.settlements.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        let message = format!("settlements of {} do not follow each other", section.title());
        fail(&section, Rule::FixingDay, section.place(), message);
    }
    for part in section.tables("fixing") {
        match fixing(part, &contract, today) {
            Some(row) => contract.fixings.push(row),
            None => section.spoil(),
        }
    }
    let fixed: u64 = contract.fixings.iter().map(|row| u64::from(row.lots)).sum();
    if fixed > contract.lots.into() && !section.is_broken() {
        let message =
            format!("{fixed} lots of {} are fixed, of {}", section.title(), contract.lots);
        fail(&section, Rule::Fixings, &quantity.place, message);
    }
    for part in section.tables("instruction") {
        let row = Instruction {
            is_stop: part.required("kind", word(STOPS)).value,
            lots: part.required("lots", whole(1..=1_000_000)).value,
            price: price(&part, &contract),
        };
        match part.finish(row) {
            Some(row) => contract.instructions.push(row),
            None => section.spoil(),
        }
    }
    let asked: u64 = contract.instructions.iter().map(|row| u64::from(row.lots)).sum();
    if fixed + asked > contract.lots.into() && !section.is_broken() {
        let message =
            format!("instructions of {} are for more lots than are left", section.title());
        fail(&section, Rule::Fixings, &quantity.place, message);
    }
    terms(&section, &mut contract, &currency);
    section.finish(contract)
}

/// How many lots a quantity is, which is said twice.
fn lots(section: &Section<'_>, quantity: &Written<Exact>, lot: &Written<Exact>) -> u32 {
    let lots = section.required("lots", whole(1..=1_000_000));
    let count = lot.value.exact.times(Rational::whole(lots.value.into()));
    if count != Some(quantity.value.exact) && !section.is_broken() {
        let message = format!(
            "{} is for {}, which is not {} lots of {}",
            section.title(),
            quantity.value.text,
            lots.value,
            lot.value.text
        );
        fail(section, Rule::Fixings, &lots.place, message);
    }
    lots.value
}

/// Prices are above zero unless the contract says that they may be negative.
fn is_positive(section: &Section<'_>, of: &Contract, price: &Written<Exact>) {
    let is_above = Rational::ZERO.is_below(price.value.exact);
    if !is_above && !of.may_be_negative && !section.is_broken() {
        let message = format!("the price {} is not above zero", price.value.text);
        fail(section, Rule::NegativePrices, &price.place, message);
    }
}

/// A price of the future, which is not far from the market's.
fn price(part: &Section<'_>, of: &Contract) -> Rational {
    let price = part.required("price", exact("-100000", "10000000"));
    is_positive(part, of, &price);
    let times = |value: Rational| value.magnitude().times(Rational::whole(MOST_APART));
    let is_far = |one: Rational, other: Rational| {
        times(one).is_none_or(|most| most.is_below(other.magnitude()))
    };
    let (price_now, market) = (price.value.exact, of.market);
    let apart = is_far(price_now, market) || is_far(market, price_now);
    // Prices that may fall through zero have no size that others could be compared with.
    if !part.is_broken() && !of.may_be_negative && apart {
        let message = format!("the price {} is far from the market's", price.value.text);
        fail(part, Rule::OutOfBounds, &price.place, message);
    }
    price_now
}

fn fixing(part: Section<'_>, of: &Contract, today: Date) -> Option<Fixing> {
    let day = part.required("date", date);
    let fixing = Fixing {
        date: day.value.unwrap_or_default(),
        lots: part.required("lots", whole(1..=1_000_000)).value,
        price: price(&part, of),
        is_deemed: false,
    };
    // A window that is none was complained of where it is written.
    let is_window = of.from <= of.until;
    let is_in = !is_window || (of.from..=of.until).contains(&fixing.date) && fixing.date <= today;
    if !is_in && !part.is_broken() {
        let message = format!("{} is outside of the window, or still to come", fixing.date);
        fail(&part, Rule::FixingDay, &day.place, message);
    }
    part.finish(fixing)
}

fn terms(section: &Section<'_>, contract: &mut Contract, currency: &Written<String>) {
    let mut unit: Unit = contract.future_unit;
    let mut money = contract.future_currency.clone();
    for part in section.tables("term") {
        let place = part.place().clone();
        let Some(term) = term(part) else {
            section.spoil();
            continue;
        };
        if term.step == Step::Unit {
            if let Err(error) = factor(contract.unit, unit, &contract.grade) {
                fail(section, Rule::UnitKind, &place, error.to_string());
            }
            unit = contract.unit;
        }
        if let Some([from, to]) = &term.change {
            if money != *from {
                let message = format!("a rate is from {from}, and the price is in {money}");
                fail(section, Rule::PriceTerms, &place, message);
            }
            money.clone_from(to);
        }
        contract.terms.push(term);
    }
    let about = section.required("price_at_market", exact("-100000000", "100000000"));
    if (money != contract.currency || unit != contract.unit) && !section.is_broken() {
        let message = format!(
            "the terms of {} end in {money} for one {}, and not in {} for one {}",
            section.title(),
            unit.word(),
            contract.currency,
            contract.unit.word()
        );
        fail(section, Rule::PriceTerms, &currency.place, message);
    }
    let at_market = contract.at_market().unwrap_or_default();
    let apart = at_market.minus(about.value.exact).unwrap_or(at_market).magnitude();
    let most = Rational::new(1, MOST_OFF).and_then(|part| part.times(at_market.magnitude()));
    if !section.is_broken() && most.is_none_or(|most| most.is_below(apart)) {
        let message = format!(
            "the terms of {} make {} of the market's price, and `price_at_market` says {}",
            section.title(),
            at_market.show(4).unwrap_or_default(),
            about.value.text
        );
        fail(section, Rule::PriceTerms, &about.place, message);
    }
}

fn term(part: Section<'_>) -> Option<Term> {
    let name = [part.required("name", line(60)).value, part.required("name_zh", line(60)).value];
    let factor = |key| part.optional(key, exact("0.000001", "1000000"));
    let (times, divided_by) = (factor("times"), factor("divided_by"));
    let plus = part.optional("plus", exact("-1000000", "1000000"));
    let unit = part.optional("unit", boolean).filter(|is_unit| is_unit.value);
    let [from, to] = ["from", "to"].map(|key| part.optional(key, one_of(CURRENCIES)));
    let has_one = from.is_some() != to.is_some();
    let change = from.zip(to).map(|(from, to)| [from.value, to.value]);
    let mut steps = [
        times.map(|with| Step::Times(with.value.exact)),
        divided_by.map(|with| Step::DividedBy(with.value.exact)),
        plus.map(|with| Step::Plus(with.value.exact)),
        unit.map(|_| Step::Unit),
    ]
    .into_iter()
    .flatten();
    let (first, second) = (steps.next(), steps.next());
    let complain = |message: String| fail(&part, Rule::PriceTerms, part.place(), message);
    if !part.is_broken() && (first.is_none() || second.is_some()) {
        complain(format!(
            "{} does one thing: `times`, `divided_by`, `plus`, or `unit = true`",
            part.title()
        ));
    }
    let is_rate = matches!(first, Some(Step::Times(_) | Step::DividedBy(_)));
    let is_change = change.as_ref().is_none_or(|[from, to]| is_rate && from != to);
    if (has_one || !is_change) && !part.is_broken() {
        complain(format!(
            "{} changes the currency by a rate, `from` one `to` another",
            part.title()
        ));
    }
    part.finish(Term { name, step: first.unwrap_or_default(), change })
}
