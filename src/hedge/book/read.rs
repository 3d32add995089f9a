//! The file of a book: TOML becomes one checked value, or every reason why not.

use super::{
    Account, Book, Client, Contract, FxLimit, Limit, Product, Rate, RiskTerms, contract, holding,
    policy, position, risk, roll,
};
use crate::calendar::date;
use crate::config::capital::origin;
use crate::config::error::{Problem, Report, Rule};
use crate::config::names::Names;
use crate::config::section::{Document, Section, Shape, Written};
use crate::config::value::{Exact, boolean, exact, line, name, one_of, whole, word};
use crate::config::{
    CURRENCIES, Invalid, Place, Rational, Sources, checked, every, missing_section,
};
use crate::hedge::unit::{Grade, UNITS, Unit, convert};
use jiff::civil::Date;

const SHAPE: Shape = Shape {
    single: &["hedge", "risk"],
    repeated: &[
        "client",
        "product",
        "contract",
        "fx_contract",
        "fx",
        "position",
        "future",
        "option",
        "policy",
        "roll",
        "deadline",
        "combination",
        "factor",
        "correlation",
        "risk_limit",
        "term_limit",
    ],
};

/// What sections refer to, as far as it could be read.
pub(crate) struct Known<'k> {
    pub date: Date,
    pub currency: &'k str,
    pub client_names: Names,
    pub product_names: Names,
    pub contract_names: Names,
    pub fx_names: Names,
    pub currencies: Vec<String>,
    pub products: Option<Vec<Product>>,
    pub contracts: Option<Vec<Contract>>,
    pub clients: Option<Vec<Client>>,
    pub rates: Vec<Rate>,
}

impl Known<'_> {
    pub(crate) fn product(&self, place: usize) -> Option<&Product> {
        self.products.as_ref()?.get(place)
    }

    pub(crate) fn contract(&self, place: usize) -> Option<&Contract> {
        self.contracts.as_ref()?.get(place)
    }

    pub(crate) fn client(&self, place: usize) -> Option<&Client> {
        self.clients.as_ref()?.get(place)
    }

    pub(crate) fn rate(&self, currency: &str) -> Option<Rational> {
        if currency == self.currency {
            return Some(Rational::ONE);
        }
        self.rates.iter().find(|rate| rate.currency == currency).map(|rate| rate.rate)
    }
}

/// Says that a section is wrong at a place.
pub(crate) fn fail(section: &Section<'_>, rule: Rule, place: &Place, message: String) {
    section.fail(Problem::new(rule, message, place.clone(), rule.meaning()));
}

/// Reads a key that holds the name of something, as its position.
pub(crate) fn refer(section: &Section<'_>, names: &Names, key: &'static str) -> Written<usize> {
    let wanted = section.required(key, line(32));
    let position = names.position(&wanted.value);
    if position.is_none() && !wanted.value.is_empty() {
        unknown(section, key, &wanted.value, &wanted.place);
    }
    Written { value: position.unwrap_or(0), place: wanted.place }
}

/// The same for a list of them.
pub(crate) fn refers(
    section: &Section<'_>,
    names: &Names,
    key: &'static str,
) -> Vec<Written<usize>> {
    let mut found: Vec<Written<usize>> = Vec::new();
    for wanted in section.list(key, line(32)) {
        match names.position(&wanted.value) {
            Some(value) if found.iter().any(|row| row.value == value) => {
                let message = format!("`{key}` of {} has {} twice", section.title(), wanted.value);
                fail(section, Rule::NameTwice, &wanted.place, message);
            }
            Some(value) => found.push(Written { value, place: wanted.place }),
            None => unknown(section, key, &wanted.value, &wanted.place),
        }
    }
    found
}

fn unknown(section: &Section<'_>, key: &str, wanted: &str, place: &Place) {
    let message = format!("`{key}` of {} is \"{wanted}\", which is not defined", section.title());
    fail(section, Rule::UnknownReference, place, message);
}

/// A currency that is that of the book, or has a rate to it.
pub(crate) fn currency_of(section: &Section<'_>, known: &Known<'_>) -> String {
    let written = section.required("currency", one_of(CURRENCIES));
    let has_rate = written.value == known.currency || known.currencies.contains(&written.value);
    if !has_rate && !written.value.is_empty() {
        let message = format!(
            "{} is in {}, whose rate to {} nothing is said of: write [[fx]]",
            section.title(),
            written.value,
            known.currency
        );
        fail(section, Rule::CurrencyUnknown, &written.place, message);
    }
    written.value
}

/// A quantity in the unit of its product.
pub(crate) fn in_unit(
    section: &Section<'_>,
    quantity: &Written<Exact>,
    unit: Unit,
    product: &Product,
) -> Rational {
    convert(quantity.value.exact, unit, product.unit, &product.grade).unwrap_or_else(|error| {
        let message = format!("`quantity` of {}: {error}", section.title());
        fail(section, Rule::UnitKind, &quantity.place, message);
        Rational::ZERO
    })
}

pub(super) fn check(sources: Sources, report: Report) -> Result<Book, Invalid> {
    let (book, sources) = checked(sources, report, SHAPE, book)?;
    Ok(Book { sources, ..book })
}

fn book(mut document: Document<'_>, report: &Report) -> Option<Book> {
    let Some(head) = document.take_single("hedge") else {
        missing_section(report, "[hedge]");
        return None;
    };
    let [clients, products, contracts, fx_contracts, fx] =
        ["client", "product", "contract", "fx_contract", "fx"]
            .map(|kind| document.take_repeated(kind));
    let [positions, futures, options, policies] =
        ["position", "future", "option", "policy"].map(|kind| document.take_repeated(kind));
    let [rolls, deadlines, combinations] =
        ["roll", "deadline", "combination"].map(|kind| document.take_repeated(kind));
    let risk = document.take_single("risk");
    let of_risk = ["factor", "correlation", "risk_limit", "term_limit"]
        .map(|kind| document.take_repeated(kind));
    for (kind, sections) in [("client", &clients), ("product", &products), ("contract", &contracts)]
    {
        if sections.is_empty() {
            missing_section(report, &format!("[[{kind}]]"));
        }
    }
    Names::gather("position", &positions, report);
    let date = head.required("date", date).value.unwrap_or_default();
    let currency = head.required("currency", one_of(CURRENCIES)).value;
    let is_sample = head.required("sample", boolean).value;
    let currencies = fx.iter().filter_map(|row| Some(row.peek("currency")?.0.to_owned()));
    let mut known = Known {
        date,
        currency: &currency,
        client_names: Names::gather("client", &clients, report),
        product_names: Names::gather("product", &products, report),
        contract_names: Names::gather("contract", &contracts, report),
        fx_names: Names::gather("fx_contract", &fx_contracts, report),
        currencies: currencies.collect(),
        products: None,
        contracts: None,
        clients: None,
        rates: Vec::new(),
    };
    let rates = every(fx, |section| rate(section, &currency));
    known.rates = rates.clone().unwrap_or_default();
    is_one_rate(&head, &known.rates);
    known.products = every(products, product);
    known.contracts = every(contracts, |section| {
        let contract = contract::contract(&section, &known);
        section.finish(contract)
    });
    is_one_size(&head, &known);
    let deadlines = every(deadlines, |section| roll::deadline(section, &known));
    for (contract, deadline) in deadlines.clone().unwrap_or_default() {
        if let Some(row) = known.contracts.as_mut().and_then(|all| all.get_mut(contract)) {
            row.deadlines.push(deadline);
        }
    }
    known.clients = every(clients, |section| client(section, &known));
    let fx_contracts = every(fx_contracts, |section| contract::fx_contract(section, &known));
    let positions = every(positions, |section| position::position(section, &known));
    let futures = every(futures, |section| holding::future(section, &known));
    let options = every(options, |section| holding::option(section, &known));
    let policies = every(policies, |section| policy::policy(section, &known));
    Names::gather("combination", &combinations, report);
    let combinations = every(combinations, |section| roll::combination(section, &known));
    let rolls = every(rolls, |section| roll::guard(section, &known));
    for (place, row) in rolls.iter().flatten().enumerate() {
        let before = rolls.iter().flatten().take(place);
        if before.into_iter().any(|of| (of.client, of.product) == (row.client, row.product)) {
            let message = "a client has two [[roll]] for one product".to_owned();
            fail(&head, Rule::RollGuard, head.place(), message);
        }
    }
    let risk = risk_terms(&head, risk, of_risk, &known, report);
    if let Some(policies) = &policies {
        for (place, row) in policies.iter().enumerate() {
            let is_same =
                |other: &super::Policy| (other.client, other.product) == (row.client, row.product);
            if policies[..place].iter().any(is_same) {
                let message = "a client has two policies for one product".to_owned();
                fail(&head, Rule::HedgePolicy, head.place(), message);
            }
        }
    }
    let book = Book {
        date,
        is_sample,
        clients: known.clients?,
        products: known.products?,
        contracts: known.contracts?,
        fx_contracts: fx_contracts?,
        rates: rates?,
        positions: positions?,
        futures: futures?,
        options: options?,
        policies: policies?,
        rolls: rolls?,
        combinations: combinations?,
        risk: risk?,
        sources: Sources::default(),
        currency: currency.clone(),
    };
    deadlines?;
    head.finish(book)
}

/// `[risk]` and what belongs to it; `Some(None)` where nothing is said.
fn risk_terms(
    head: &Section<'_>,
    risk: Option<Section<'_>>,
    [factors, correlations, limits, term_limits]: [Vec<Section<'_>>; 4],
    known: &Known<'_>,
    report: &Report,
) -> Option<Option<RiskTerms>> {
    let names = Names::gather("factor", &factors, report);
    let is_alone =
        [&factors, &correlations, &limits, &term_limits].iter().any(|row| !row.is_empty());
    if risk.is_none() && is_alone {
        missing_section(report, "[risk]");
    }
    let has_risk = risk.is_some();
    let risk = risk.map(risk::terms);
    let factors = every(factors, |section| risk::factor(section, known));
    let correlations = every(correlations, |section| risk::correlation(section, &names));
    let limits = every(limits, |section| risk::limit(section, known));
    let term_limits = every(term_limits, |section| risk::term_limit(section, known));
    if !has_risk {
        return Some(None);
    }
    let terms = RiskTerms {
        factors: factors?,
        correlations: correlations?,
        limits: limits?,
        term_limits: term_limits?,
        ..risk.flatten()?
    };
    if terms.factors.is_empty() {
        missing_section(report, "[[factor]]");
    }
    risk::whole_terms(head, &terms, known);
    Some(Some(terms))
}

/// A currency has one rate.
pub(crate) fn is_one_rate(head: &Section<'_>, rates: &[Rate]) {
    for (place, row) in rates.iter().enumerate() {
        if rates[..place].iter().any(|other| other.currency == row.currency) {
            let message = format!("{} has two rates", row.currency);
            fail(head, Rule::SetTwice, head.place(), message);
        }
    }
}

/// Futures on one product are of one size, in whatever currency and unit they are quoted.
pub(crate) fn is_one_size(head: &Section<'_>, known: &Known<'_>) {
    let worth = |of: &Contract| of.unit_price()?.times(known.rate(&of.currency)?);
    for (place, one) in known.contracts.iter().flatten().enumerate() {
        let before = known.contracts.iter().flatten().take(place);
        let is_same = |other: &&Contract| other.product == one.product;
        for other in before.filter(is_same) {
            let both = worth(one).zip(worth(other));
            if both.is_some_and(|(one, other)| !contract::is_of_one_size(one, other)) {
                let message = format!(
                    "{} and {} are of one product, and one is worth more than twice the \
                     other: look at currency and units",
                    other.name, one.name
                );
                fail(head, Rule::LotWorth, head.place(), message);
            }
        }
    }
}

pub(crate) fn rate(section: Section<'_>, view: &str) -> Option<Rate> {
    let currency = section.required("currency", one_of(CURRENCIES));
    let bounds = ("0.000001", "1000000");
    let [lowest, rate, highest] =
        ["lowest", "rate", "highest"].map(|key| section.required(key, exact(bounds.0, bounds.1)));
    origin(&section);
    let twice = lowest.value.exact.times(Rational::whole(2)).unwrap_or_default();
    // A rate that may double says nothing of a slip.
    let is_narrow = lowest.value.exact.is_below(highest.value.exact)
        && highest.value.exact.is_below(twice)
        && !rate.value.exact.is_below(lowest.value.exact)
        && !highest.value.exact.is_below(rate.value.exact);
    if !section.is_broken() && (!is_narrow || currency.value == view) {
        let message = format!(
            "{} of {} is no rate between {} and less than twice that",
            rate.value.text, currency.value, lowest.value.text
        );
        fail(&section, Rule::OutOfBounds, &rate.place, message);
    }
    section.finish(Rate { currency: currency.value, rate: rate.value.exact })
}

pub(crate) fn product(section: Section<'_>) -> Option<Product> {
    let per_t = |key, bounds: (&'static str, &'static str)| {
        section.optional(key, exact(bounds.0, bounds.1)).map(|written| written.value.exact)
    };
    let grade = Grade {
        // From light naphtha to heavy crude; from lignite to liquefied gas.
        bbl_per_t: per_t("bbl_per_t", ("5", "13")),
        mmbtu_per_t: per_t("mmbtu_per_t", ("8", "60")),
    };
    let product = Product {
        name: section.required("name", name).value,
        title: [
            section.required("title", line(60)).value,
            section.required("title_zh", line(60)).value,
        ],
        unit: section.required("unit", word(UNITS)).value,
        grade,
        origin: origin(&section),
    };
    section.finish(product)
}

fn client(section: Section<'_>, known: &Known<'_>) -> Option<Client> {
    let mut client = Client {
        name: section.required("name", name).value,
        title: section.required("title", line(80)).value,
        ..Client::default()
    };
    for part in section.tables("account") {
        let account = Account {
            name: part.required("name", name).value,
            border: part.required("border", word(contract::BORDERS)).value,
        };
        let place = part.place().clone();
        match part.finish(account) {
            Some(account) if client.accounts.iter().any(|row| row.name == account.name) => {
                let message = format!("{} has an account twice", section.title());
                fail(&section, Rule::NameTwice, &place, message);
            }
            Some(account) => client.accounts.push(account),
            None => section.spoil(),
        }
    }
    for part in section.tables("limit") {
        match limit(part, known) {
            Some(limit) => client.limits.push(limit),
            None => section.spoil(),
        }
    }
    for part in section.tables("fx_limit") {
        let band = part.required("band", exact("0", "1000000000"));
        let max_open = part.required("max_open", exact("1", "1000000000"));
        if max_open.value.exact.is_below(band.value.exact) && !part.is_broken() {
            let message = format!("the band of {} is wider than its limit", part.title());
            fail(&part, Rule::HedgePolicy, &band.place, message);
        }
        let limit = FxLimit {
            currency: currency_of(&part, known),
            band: band.value.exact,
            max_open: max_open.value.exact,
        };
        match part.finish(limit) {
            Some(limit) => client.fx_limits.push(limit),
            None => section.spoil(),
        }
    }
    section.finish(client)
}

fn limit(part: Section<'_>, known: &Known<'_>) -> Option<Limit> {
    let product = refer(&part, &known.product_names, "product");
    let unit = part.required("unit", word(UNITS));
    let [unhedged, largest, smallest] = ["max_unhedged", "max_position", "min_position"]
        .map(|key| part.required(key, exact("0.000001", "1000000000")));
    let max_lots = part.required("max_lots", whole(1..=1_000_000)).value;
    let mut limit = Limit { product: product.value, max_lots, ..Limit::default() };
    if let (false, Some(of)) = (part.is_broken(), known.product(product.value)) {
        limit.max_unhedged = in_unit(&part, &unhedged, unit.value, of);
        limit.max_position = in_unit(&part, &largest, unit.value, of);
        limit.min_position = in_unit(&part, &smallest, unit.value, of);
        if limit.max_position.is_below(limit.min_position) {
            let message = format!("the smallest position of {} is above the largest", part.title());
            fail(&part, Rule::PositionSize, &smallest.place, message);
        }
    }
    part.finish(limit)
}
