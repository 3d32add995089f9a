//! The file of capital's terms: TOML becomes one checked value, or every reason why not.

use super::super::error::{Problem, Rule};
use super::super::market::CURRENCIES;
use super::super::names::Names;
use super::super::section::{Document, Section, Shape, Written};
use super::super::value::{Complaint, exact, line, name, one_of, whole, word};
use super::super::{Invalid, Report, Sources, checked, every, missing_section};
use super::route::{self, pool};
use super::{
    Account, Border, Capital, Contract, Currency, Fees, Holding, LargerSide, Levels, Margin,
    MarginPrice, OpenProfit, Origin, Pair, Shock, Step, Unit, Volatility, walk,
};
use crate::calendar::date;
use jiff::civil::Date;
use rust_decimal::Decimal;
use toml::de::DeValue;

const SHAPE: Shape = Shape {
    single: &["capital", "volatility", "paths"],
    repeated: &["currency", "account", "pool", "contract", "pair", "shock", "route", "walk"],
};

const BORDERS: &[(&str, Border)] =
    &[("domestic", Border::Domestic), ("overseas", Border::Overseas)];
const HOLDINGS: &[(&str, Holding)] = &[("gross", Holding::Gross), ("net", Holding::Net)];
const LARGER_SIDES: &[(&str, LargerSide)] = &[
    ("none", LargerSide::None),
    ("contract", LargerSide::Contract),
    ("product", LargerSide::Product),
];
const MARGIN_PRICES: &[(&str, MarginPrice)] =
    &[("reference", MarginPrice::Reference), ("last", MarginPrice::Last)];
const OPEN_PROFITS: &[(&str, OpenProfit)] =
    &[("counts", OpenProfit::Counts), ("losses_only", OpenProfit::LossesOnly)];
const UNITS: &[(&str, Unit)] = &[("value", Unit::Value), ("lot", Unit::Lot)];

/// Money, in the unit of its currency.
const MOST_MONEY: &str = "1000000000000";
/// Brokers round what they print.
const LOT_TOLERANCE: Decimal = Decimal::from_parts(5, 0, 0, false, 2);
/// Legs of a pair differ by tax, weight and rate, and not by this.
const MOST_UNEVEN: Decimal = Decimal::from_parts(2, 0, 0, false, 0);
/// Towards delivery margins rise by steps; a larger one is a slip of the point.
const MOST_STEP: Decimal = Decimal::from_parts(4, 0, 0, false, 0);

/// A decimal written as text, exactly, within bounds given as text.
pub(super) fn decimal(
    lowest: &'static str,
    highest: &'static str,
) -> impl Fn(&DeValue<'_>) -> Result<Decimal, Complaint> {
    move |value| {
        let text = exact(lowest, highest)(value)?.text;
        text.parse().map_err(|_| {
            Complaint::new(Rule::Decimal, format!("is {text}, with too many digits"), "too fine")
        })
    }
}

/// Money that is not below zero.
pub(super) fn money(value: &DeValue<'_>) -> Result<Decimal, Complaint> {
    decimal("0", MOST_MONEY)(value)
}

pub(super) fn check(sources: Sources, report: Report) -> Result<Capital, Invalid> {
    let (capital, sources) = checked(sources, report, SHAPE, capital)?;
    Ok(Capital { sources, ..capital })
}

fn capital(mut document: Document<'_>, report: &Report) -> Option<Capital> {
    let [currencies, accounts, pools, contracts, pairs, shocks, routes, walks] =
        ["currency", "account", "pool", "contract", "pair", "shock", "route", "walk"]
            .map(|kind| document.take_repeated(kind));
    for (kind, sections) in [("account", &accounts), ("contract", &contracts), ("shock", &shocks)] {
        if sections.is_empty() {
            missing_section(report, &format!("[[{kind}]]"));
        }
    }
    let Some(head) = document.take_single("capital") else {
        missing_section(report, "[capital]");
        return None;
    };
    let holders = route::Holders::gather(&accounts, &pools, report);
    let contract_names = Names::gather("contract", &contracts, report);
    for (kind, sections) in
        [("currency", &currencies), ("pair", &pairs), ("shock", &shocks), ("route", &routes)]
    {
        Names::gather(kind, sections, report);
    }
    let view = head.required("currency", one_of(CURRENCIES)).value;
    let known: Vec<_> = currencies.iter().filter_map(|row| row.peek("name")).collect();
    let known: Vec<&str> = known.iter().map(|(name, _)| *name).chain([view.as_str()]).collect();
    let fx_max_age_minutes = head.required("fx_max_age_minutes", whole(1..=10_080)).value;
    let levels = levels(&head);
    let volatility = document.take_single("volatility").map(volatility);
    let currencies = every(currencies, |section| currency(section, &view));
    let accounts = every(accounts, |section| account(section, &known));
    let pools = every(pools, |section| pool(section, &known));
    let (contracts, written) = contracts_of(contracts, &known);
    let rates = Rates { view: &view, known: currencies.as_deref().unwrap_or_default() };
    let pairs = every(pairs, |section| pair(section, &contract_names, written.as_deref(), &rates));
    let shocks = every(shocks, |section| shock(section, written.as_deref().unwrap_or_default()));
    let routes = every(routes, |section| route::route(section, &holders));
    let paths = walk::paths(document.take_single("paths"), walks, written.as_deref(), report);
    let capital = Capital {
        fx_max_age_minutes,
        levels,
        volatility: match volatility {
            Some(read) => Some(read?),
            None => None,
        },
        currencies: currencies?,
        accounts: accounts?,
        pools: pools?,
        contracts: contracts?,
        pairs: pairs?,
        shocks: shocks?,
        routes: routes?,
        paths: paths.ok()?,
        sources: Sources::default(),
        currency: view.clone(),
    };
    head.finish(capital)
}

/// Where a figure comes from.
pub(crate) fn origin(section: &Section<'_>) -> Origin {
    Origin {
        source: section.required("source", line(300)).value,
        date: section.required("date", date).value.map_or(String::new(), |day| day.to_string()),
    }
}

/// A currency that is that of the view, or has sane rates to it.
pub(super) fn currency_of(section: &Section<'_>, known: &[&str]) -> String {
    let written = section.required("currency", one_of(CURRENCIES));
    if !written.value.is_empty() && !known.contains(&written.value.as_str()) {
        let message = format!(
            "{} is in {}, whose rate to {} nothing is said of",
            section.title(),
            written.value,
            known.last().unwrap_or(&"the view's currency")
        );
        let problem =
            Problem::new(Rule::CurrencyUnknown, message, written.place, "no [[currency]]");
        section.fail(problem.help(format!(
            "write [[currency]] with name = \"{}\", lowest and highest",
            written.value
        )));
    }
    written.value
}

fn levels(head: &Section<'_>) -> Levels {
    let or = |key, otherwise: Decimal| {
        let read = head.optional(key, decimal("0.01", "1.5"));
        read.unwrap_or_else(|| Written { value: otherwise, place: head.place().clone() })
    };
    let hundredths = |count| Decimal::new(count, 2);
    let steps = [
        ("target", or("target", hundredths(70))),
        ("warn", or("warn", hundredths(80))),
        ("reduce_only", or("reduce_only", hundredths(90))),
        ("pair_off", or("pair_off", hundredths(95))),
        ("stop", or("stop", hundredths(100))),
    ];
    for ((lower, below), (upper, above)) in steps.iter().zip(&steps[1..]) {
        if below.value >= above.value && !head.is_broken() {
            let message = format!("`{upper}` is {}, and `{lower}` is {}", above.value, below.value);
            let problem =
                Problem::new(Rule::LevelOrder, message, above.place.clone(), "not above it");
            let help = "target < warn < reduce_only < pair_off < stop";
            head.fail(problem.also(&below.place, "this one").help(help));
        }
    }
    let release = head.optional("release", decimal("0.001", "0.5"));
    let release = release.map_or(hundredths(5), |written| written.value);
    let [target, warn, reduce_only, pair_off, stop] = steps.map(|(_, written)| written.value);
    let within_minutes =
        head.optional("within_minutes", whole(1..=10_080)).map_or(60, |minutes| minutes.value);
    Levels { target, warn, reduce_only, pair_off, stop, release, within_minutes }
}

fn volatility(section: Section<'_>) -> Option<Volatility> {
    let read = Volatility {
        normal: section.required("normal", decimal("0.01", "2")).value,
        tightest: section.required("tightest", decimal("0.2", "1")).value,
    };
    section.finish(read)
}

fn currency(section: Section<'_>, view: &str) -> Option<Currency> {
    let called = section.required("name", one_of(CURRENCIES));
    if called.value == view && !view.is_empty() {
        let message = format!("{view} is the currency of the view: its rate is 1");
        let problem = Problem::new(Rule::CurrencyUnknown, message, called.place, "leave it out");
        section.fail(problem);
    }
    let lowest = section.required("lowest", decimal("0.000001", "1000000"));
    let highest = section.required("highest", decimal("0.000001", "1000000"));
    // A rate that may double says nothing of a slip.
    let is_narrow = highest.value < lowest.value + lowest.value && lowest.value < highest.value;
    if !is_narrow && !section.is_broken() {
        let message = format!("{} to {} are no sane rates", lowest.value, highest.value);
        let label = "must be above the lowest, and below twice that";
        let problem = Problem::new(Rule::OutOfBounds, message, highest.place.clone(), label);
        section.fail(problem.also(&lowest.place, "the lowest"));
    }
    origin(&section);
    let read = Currency { name: called.value, lowest: lowest.value, highest: highest.value };
    section.finish(read)
}

fn account(section: Section<'_>, known: &[&str]) -> Option<Account> {
    let holding = section.required("holding", word(HOLDINGS));
    let larger_side = section.required("larger_side", word(LARGER_SIDES));
    let margin_price = section.required("margin_price", word(MARGIN_PRICES));
    let is_plain = larger_side.value == LargerSide::None && margin_price.value == MarginPrice::Last;
    if holding.value == Holding::Net && !is_plain && !section.is_broken() {
        let message = format!("{} is net, and is charged as if it were gross", section.title());
        let problem =
            Problem::new(Rule::Holding, message, margin_price.place.clone(), "of a net account");
        let help = "a net account has margin_price = \"last\" and larger_side = \"none\"";
        section.fail(problem.also(&larger_side.place, "or this").help(help));
    }
    let account = Account {
        name: section.required("name", name).value,
        border: section.required("border", word(BORDERS)).value,
        broker: section.required("broker", line(80)).value,
        client: section.required("client", line(80)).value,
        currency: currency_of(&section, known),
        holding: holding.value,
        larger_side: larger_side.value,
        margin_price: margin_price.value,
        open_profit: section.required("open_profit", word(OPEN_PROFITS)).value,
        keep: section.required("keep", money).value,
        grace_minutes: section.required("grace_minutes", whole(1..=4_320)).value,
        origin: origin(&section),
    };
    section.finish(account)
}

/// The contracts, and those of them that could be read: what pairs and shocks look at.
fn contracts_of(
    sections: Vec<Section<'_>>,
    known: &[&str],
) -> (Option<Vec<Contract>>, Option<Vec<Contract>>) {
    let read = every(sections, |section| contract(section, known));
    (read.clone(), read)
}

fn contract(section: Section<'_>, known: &[&str]) -> Option<Contract> {
    let price = section.required("price", decimal("0.0001", "10000000"));
    let multiplier = section.required("multiplier", decimal("0.000001", "1000000"));
    let lot_value = section.required("lot_value", decimal("0.01", MOST_MONEY));
    let worth = price.value * multiplier.value;
    if (worth - lot_value.value).abs() > lot_value.value * LOT_TOLERANCE && !section.is_broken() {
        let message = format!(
            "a lot of {} is worth {}, and `lot_value` says {}",
            section.title(),
            worth.normalize(),
            lot_value.value
        );
        let place = lot_value.place.clone();
        let problem = Problem::new(Rule::LotMargin, message, place, "not price times multiplier");
        section.fail(problem.also(&multiplier.place, "the multiplier"));
    }
    let (mut margin, mut hedge_margin) = (None, None);
    for part in section.tables("margin") {
        let Some((is_hedge, read, place)) = margin_of(part, worth) else {
            section.spoil();
            continue;
        };
        let slot = if is_hedge { &mut hedge_margin } else { &mut margin };
        if slot.replace(read).is_some() {
            let message = format!("{} has two margins of one kind", section.title());
            section.fail(Problem::new(Rule::SetTwice, message, place, "again here"));
        }
    }
    if margin.is_none() && !section.is_broken() {
        let message =
            format!("{} has no [[contract.margin]] with for = \"speculate\"", { section.title() });
        let problem = Problem::new(Rule::MissingKey, message, section.place().clone(), "no margin");
        section.fail(problem);
    }
    let last_day = section.required("last_day", date).value;
    let contract = Contract {
        name: section.required("name", line(30)).value,
        product: section.required("product", name).value,
        underlying: section.required("underlying", name).value,
        venue: section.required("venue", line(4)).value,
        currency: currency_of(&section, known),
        multiplier: multiplier.value,
        price: price.value,
        price_band: section.required("price_band", decimal("0.05", "0.6")).value,
        max_lots: section.required("max_lots", whole(1..=1_000_000)).value,
        last_day: last_day.unwrap_or(Date::MAX),
        fees: fees(&section),
        margin: margin.unwrap_or_default(),
        hedge_margin,
        origin: origin(&section),
    };
    section.finish(contract)
}

fn fees(section: &Section<'_>) -> Fees {
    let unit = section.required("fee_unit", word(UNITS)).value;
    // Five percent, or as much money for a lot as only the largest contracts cost.
    let bounds = if unit == Unit::Value { ("0", "0.01") } else { ("0", "1000") };
    let read = |key| section.required(key, decimal(bounds.0, bounds.1)).value;
    Fees {
        unit,
        open: read("fee_open"),
        close: read("fee_close"),
        close_today: read("fee_close_today"),
    }
}

const FLAGS: &[(&str, bool)] = &[("speculate", false), ("hedge", true)];

/// A margin, whether it is that of hedging, and where it is written.
fn margin_of(section: Section<'_>, worth: Decimal) -> Option<(bool, Margin, super::super::Place)> {
    let is_hedge = section.required("for", word(FLAGS)).value;
    let unit = section.required("unit", word(UNITS));
    let most = if unit.value == Unit::Value { "1" } else { "100000000" };
    let rate = |key| section.required(key, decimal("0", most));
    let first = |key| section.required(key, decimal("0.000001", most));
    let (long, short) = (first("long"), first("short"));
    let (broker, stress) = (rate("broker"), rate("stress"));
    let lot_margin = section.required("lot_margin", decimal("0.01", "100000000"));
    if !section.is_broken() {
        let larger = long.value.max(short.value) + broker.value;
        let money = if unit.value == Unit::Value { larger * worth } else { larger };
        if (money - lot_margin.value).abs() > lot_margin.value * LOT_TOLERANCE {
            let message = format!(
                "a lot takes {} of margin by its rates, and `lot_margin` says {}",
                money.round_dp(2).normalize(),
                lot_margin.value
            );
            let label = "not what the rates make";
            let problem = Problem::new(Rule::LotMargin, message, lot_margin.place.clone(), label);
            section.fail(problem.also(&long.place, "the rate").help(
                "the larger side with the broker's part, at the contract's price: both are \
                 printed by brokers, and one of them has slipped",
            ));
        }
        // What the exchange does not ask for now it may ask for tomorrow, and not more.
        if stress.value > long.value.max(short.value) {
            let message = format!("`stress` of {} is above the margin itself", section.title());
            let place = stress.place.clone();
            section.fail(Problem::new(Rule::OutOfBounds, message, place, "more than the margin"));
        }
    }
    let start = Step { from: Date::MIN, long: long.value, short: short.value, is_relieved: true };
    let mut steps = vec![start];
    for part in section.tables("step") {
        let place = part.place().clone();
        let Some(step) = step(part, most) else {
            section.spoil();
            continue;
        };
        let before = steps.last().copied().unwrap_or_default();
        let leaps = |now: Decimal, then: Decimal| now > then * MOST_STEP || now * MOST_STEP < then;
        if step.from <= before.from
            || leaps(step.long, before.long)
            || leaps(step.short, before.short)
        {
            let message = format!(
                "the step of {} from {} does not follow from the one before",
                section.title(),
                step.from
            );
            let label = "earlier than it, or more than four times it";
            section.fail(Problem::new(Rule::MarginSteps, message, place, label));
        }
        steps.push(step);
    }
    let (broker, stress, unit) = (broker.value, stress.value, unit.value);
    let margin = Margin { unit, broker, stress, steps, origin: origin(&section) };
    let place = section.place().clone();
    section.finish((is_hedge, margin, place))
}

fn step(section: Section<'_>, most: &'static str) -> Option<Step> {
    let is_relieved = section.optional("larger_side", super::super::value::boolean);
    let step = Step {
        from: section.required("from", date).value.unwrap_or(Date::MAX),
        long: section.required("long", decimal("0.000001", most)).value,
        short: section.required("short", decimal("0.000001", most)).value,
        is_relieved: is_relieved.is_none_or(|written| written.value),
    };
    section.finish(step)
}

/// Sane rates, as they were read.
struct Rates<'r> {
    view: &'r str,
    known: &'r [Currency],
}

impl Rates<'_> {
    /// The middle of what is sane; `None` if that could not be read.
    fn middle(&self, currency: &str) -> Option<Decimal> {
        if currency == self.view {
            return Some(Decimal::ONE);
        }
        let known = self.known.iter().find(|known| known.name == currency)?;
        Some((known.lowest + known.highest) / Decimal::TWO)
    }
}

fn pair(
    section: Section<'_>,
    names: &Names,
    contracts: Option<&[Contract]>,
    rates: &Rates<'_>,
) -> Option<Pair> {
    let contract = |key| {
        let wanted = section.required(key, line(30));
        let position = names.position(&wanted.value);
        if position.is_none() && !wanted.value.is_empty() {
            let message = format!(
                "`{key}` of {} is \"{}\", and no [[contract]] has that name",
                section.title(),
                wanted.value
            );
            section.fail(Problem::new(Rule::UnknownReference, message, wanted.place, "unknown"));
        }
        position.unwrap_or(0)
    };
    let pair = Pair {
        name: section.required("name", name).value,
        domestic: contract("domestic"),
        overseas: contract("overseas"),
        domestic_lots: section.required("domestic_lots", whole(1..=1_000)).value,
        overseas_lots: section.required("overseas_lots", whole(1..=1_000)).value,
    };
    if let Some(contracts) = contracts
        && !section.is_broken()
    {
        let (one, other) = (&contracts[pair.domestic], &contracts[pair.overseas]);
        if one.underlying != other.underlying || one.currency == other.currency {
            let message = format!("{} and {} are no pair over the border", one.name, other.name);
            let problem =
                Problem::new(Rule::PairSides, message, section.place().clone(), "no pair");
            section.fail(problem.help("one underlying, in two currencies"));
        }
        let worth = |of: &Contract, lots: u32| {
            let rate = rates.middle(&of.currency)?;
            Some(of.value(of.price) * Decimal::from(lots) * rate)
        };
        let worths = worth(one, pair.domestic_lots).zip(worth(other, pair.overseas_lots));
        if let Some((home, abroad)) = worths
            && (home > abroad * MOST_UNEVEN || abroad > home * MOST_UNEVEN)
        {
            let (home, abroad) = (home.round(), abroad.round());
            let message = format!(
                "a unit of {} is worth {home} on one side and {abroad} on the other",
                section.title()
            );
            let place = section.place().clone();
            section.fail(Problem::new(Rule::PairSides, message, place, "legs that do not balance"));
        }
    }
    section.finish(pair)
}

fn shock(section: Section<'_>, contracts: &[Contract]) -> Option<Shock> {
    let fraction = |section: &Section<'_>, key| section.required(key, decimal("-0.5", "0.5")).value;
    let mut moves = Vec::new();
    for part in section.tables("move") {
        let underlying = part.required("underlying", name);
        if !contracts.iter().any(|contract| contract.underlying == underlying.value)
            && !contracts.is_empty()
            && !underlying.value.is_empty()
        {
            let message = format!("no contract is of {}", underlying.value);
            part.fail(Problem::new(Rule::UnknownReference, message, underlying.place, "unknown"));
        }
        let price = fraction(&part, "price");
        match part.finish((underlying.value, price)) {
            Some(read) => moves.push(read),
            None => section.spoil(),
        }
    }
    let shock = Shock {
        name: section.required("name", name).value,
        price: fraction(&section, "price"),
        moves,
        fx: section.required("fx", decimal("-0.2", "0.2")).value,
        origin: origin(&section),
    };
    section.finish(shock)
}
