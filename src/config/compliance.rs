//! `[compliance]`: what exchanges and supervisors count, from when on people are warned, and where
//! each figure is from.
//!
//! No figure is built in: thresholds differ by exchange, product and date, so each says its source
//! and whether it was checked against that.

use super::access::Refused;
use super::error::{Problem, Report, Rule};
use super::market::{Gateway, Instrument, Rate, Venue};
use super::names::Registry;
use super::section::Section;
use super::spread::Spread;
use super::value::{Complaint, boolean, decimal_e9, identity, line, name, text_of, whole, word};
use jiff::civil::Date;

/// From which share of a threshold on people are warned, if nothing is written: percent.
const WARN_PERCENT: u32 = 80;

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum What {
    /// New orders of a trading day.
    #[default]
    OrdersPerDay,
    /// Cancels of a trading day.
    CancelsPerDay,
    /// Orders, cancels and changes of a trading day.
    MessagesPerDay,
    /// The most new orders of a second.
    OrdersPerSecond,
    /// The most cancels of a second.
    CancelsPerSecond,
    /// Orders, cancels and changes for each order with a fill, of a trading day.
    MessagesPerTrade,
    /// Trades of a day that may be with oneself.
    SelfTradesPerDay,
    /// Net lots, either way.
    PositionLots,
    /// Fees of orders of a trading day.
    OrderFeesPerDay,
}

impl What {
    const WORDS: &[(&'static str, Self)] = &[
        ("orders_per_day", Self::OrdersPerDay),
        ("cancels_per_day", Self::CancelsPerDay),
        ("messages_per_day", Self::MessagesPerDay),
        ("orders_per_second", Self::OrdersPerSecond),
        ("cancels_per_second", Self::CancelsPerSecond),
        ("messages_per_trade", Self::MessagesPerTrade),
        ("self_trades_per_day", Self::SelfTradesPerDay),
        ("position_lots", Self::PositionLots),
        ("order_fees_per_day", Self::OrderFeesPerDay),
    ];

    /// Its word in files and reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        super::word_for(Self::WORDS, self)
    }
}

/// What a threshold is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Each contract of an account group.
    #[default]
    Contract,
    /// All contracts of an exchange of an account group together.
    Exchange,
}

const LEVELS: &[(&str, Level)] = &[("contract", Level::Contract), ("exchange", Level::Exchange)];

/// A threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// What is counted.
    pub what: What,
    /// Of what.
    pub level: Level,
    /// At one exchange only, by the name of its `[[venue]]`.
    pub venue: Option<String>,
    /// Of one contract only, as its exchange calls it.
    pub contract: Option<String>,
    /// The figure, units of 1e-9; above 0.
    pub limit_e9: i64,
    /// Where it is from: a document and its section.
    pub source: String,
    /// Of which date that is.
    pub as_of: String,
    /// It was checked against that source.
    pub is_proven: bool,
}

/// Accounts that are counted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountGroup {
    /// Its name.
    pub name: String,
    /// Its accounts.
    pub accounts: Vec<String>,
}

/// What an order, a cancel or a change costs beyond those that are free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderFee {
    /// At one exchange only, by the name of its `[[venue]]`.
    pub venue: Option<String>,
    /// Of one contract only.
    pub contract: Option<String>,
    /// So many of a contract and a trading day cost nothing.
    pub free_messages: u64,
    /// What each further one costs, units of 1e-9.
    pub fee_e9: i64,
    /// Of which currency.
    pub currency: String,
    /// Where it is from.
    pub source: String,
    /// Of which date that is.
    pub as_of: String,
}

/// Whether something of one venue or contract, or of all, is of these.
fn is_of(venue: Option<&str>, contract: Option<&str>, exchange: &str, symbol: &str) -> bool {
    venue.is_none_or(|one| one == exchange) && contract.is_none_or(|one| one == symbol)
}

impl OrderFee {
    /// Whether it is of this contract of this exchange.
    #[must_use]
    pub fn is_of(&self, exchange: &str, contract: &str) -> bool {
        is_of(self.venue.as_deref(), self.contract.as_deref(), exchange, contract)
    }
}

/// What was reported to an exchange before anything was traded: no more may be configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// The exchange, by the name of its `[[venue]]`.
    pub venue: String,
    /// The most messages of a second, through all gateways to it together.
    pub messages_per_second: u32,
    /// Where it is from.
    pub source: String,
    /// Of which date that is.
    pub as_of: String,
}

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compliance {
    /// From which share of a threshold on people are warned, percent.
    pub warn_percent: u32,
    /// Thresholds.
    pub thresholds: Vec<Threshold>,
    /// Account groups; an account in none is one of its own.
    pub groups: Vec<AccountGroup>,
    /// Fees of orders; the first that fits holds.
    pub fees: Vec<OrderFee>,
    /// What was reported.
    pub filed: Vec<Filed>,
}

/// What a section can refer to.
struct Known<'k> {
    names: &'k Registry,
    venues: &'k [Option<Venue>],
    gateways: &'k [Option<Gateway>],
    instruments: &'k [Option<Instrument>],
}

/// Reads the section, if there is one.
pub(super) fn compliance(
    section: Option<Section<'_>>,
    names: &Registry,
    (venues, gateways): (&[Option<Venue>], &[Option<Gateway>]),
    instruments: &[Option<Instrument>],
    spreads: &[Option<Spread>],
    report: &Report,
) -> Result<Option<Compliance>, Refused> {
    let Some(section) = section else { return Ok(None) };
    let known = Known { names, venues, gateways, instruments };
    let warn_percent = section.optional("warn_percent", whole(1..=100));
    let [thresholds, groups, fees, filed] =
        ["threshold", "group", "order_fee", "filed"].map(|kind| section.tables(kind));
    let thresholds: Vec<_> = thresholds.into_iter().map(|one| threshold(one, &known)).collect();
    let groups: Vec<_> = groups.into_iter().map(group).collect();
    let fees: Vec<_> = fees.into_iter().map(|one| order_fee(one, &known)).collect();
    let filed: Vec<_> = filed.into_iter().map(|one| reported(one, &known)).collect();
    let place = section.place().clone();
    let read = section.finish(warn_percent.map_or(WARN_PERCENT, |percent| percent.value));
    let (Some(warn_percent), Some(thresholds), Some(groups), Some(fees), Some(filed)) = (
        read,
        thresholds.into_iter().collect::<Option<Vec<Threshold>>>(),
        groups.into_iter().collect::<Option<Vec<AccountGroup>>>(),
        fees.into_iter().collect::<Option<Vec<OrderFee>>>(),
        filed.into_iter().collect::<Option<Vec<Filed>>>(),
    ) else {
        return Err(Refused);
    };
    if let Some(unpriced) = unpriced(&thresholds, &fees, &known) {
        let message = format!("no [[compliance.order_fee]] is of what {unpriced} counts fees of");
        let problem = Problem::new(Rule::ComplianceNothing, message, place, "in here");
        report.add(problem.help("write the fee, with its venue or contract, or leave it out"));
        return Err(Refused);
    }
    let wrong = misplaced(&groups, spreads);
    if let Some(message) = wrong {
        let problem = Problem::new(Rule::ComplianceGroup, message, place, "in here");
        report.add(problem.help("a group has accounts of spreads, each in one group at most"));
        return Err(Refused);
    }
    Ok(Some(Compliance { warn_percent, thresholds, groups, fees, filed }))
}

/// The most messages that any second can have.
fn per_second(rate: &Rate) -> u64 {
    u64::from(rate.messages) * u64::from(1_000_u32.div_ceil(rate.window_ms.max(1)))
}

/// What was reported for an exchange, which the gateways to it may not exceed.
fn reported(section: Section<'_>, known: &Known<'_>) -> Option<Filed> {
    let place = known.names.venues.resolve(&section, "venue");
    let most = section.required("messages_per_second", whole(1..=1_000_000_u32));
    let (source, as_of) = origin(&section);
    // Venues and gateways with a mistake in them are reported there.
    let gateways: Option<Vec<&Gateway>> = known.gateways.iter().map(Option::as_ref).collect();
    let venue = known.venues.get(place.value).and_then(Option::as_ref);
    let name = venue.map_or_else(String::new, |venue| venue.name.value.clone());
    let own = gateways.into_iter().flatten().filter(|gateway| gateway.venue == place.value);
    let can: u64 = own.map(|gateway| per_second(&gateway.rate)).sum();
    if can > u64::from(most.value) && !section.is_broken() {
        let message = format!(
            "the gateways to \"{name}\" may send {can} messages in a second, and {} were reported",
            most.value
        );
        let problem = Problem::new(Rule::ComplianceFiled, message, most.place, "was reported");
        section.fail(problem.help(
            "lower the `rate` of the [[gateway]]s, or report the change before it is traded with",
        ));
    }
    let messages_per_second = most.value;
    section.finish(Filed { venue: name, messages_per_second, source, as_of })
}

/// What is wrong with groups, if anything is.
fn misplaced(groups: &[AccountGroup], spreads: &[Option<Spread>]) -> Option<String> {
    if let Some(empty) = groups.iter().find(|group| group.accounts.is_empty()) {
        return Some(format!("group \"{}\" has no account", empty.name));
    }
    let mut accounts: Vec<_> = groups.iter().flat_map(|group| &group.accounts).collect();
    accounts.sort_unstable();
    if let Some(twice) = accounts.windows(2).find(|pair| pair[0] == pair[1]) {
        return Some(format!("account \"{}\" is in two groups", twice[0]));
    }
    // Spreads with a mistake in them are reported there.
    let known: Option<Vec<_>> =
        spreads.iter().map(|spread| Some(&spread.as_ref()?.account.value)).collect();
    let known = known?;
    let stranger = accounts.into_iter().find(|account| !known.contains(account))?;
    Some(format!("no spread trades on account \"{stranger}\""))
}

impl Known<'_> {
    /// What is traded: exchange and contract; `None` if one of them has a mistake in it, which is
    /// reported there.
    fn traded(&self) -> Option<Vec<(&str, &str)>> {
        let rows: Option<Vec<&Instrument>> = self.instruments.iter().map(Option::as_ref).collect();
        let traded = rows?.into_iter().filter(|row| row.gateway.is_some());
        let named = traded.map(|row| {
            let venue = self.venues.get(row.venue)?.as_ref()?;
            Some((&*venue.name.value, &*row.symbol))
        });
        named.collect()
    }

    /// Complains of a table about something that is not traded: it would never match.
    fn must_match(&self, section: &Section<'_>, venue: Option<&str>, contract: Option<&str>) {
        let is_there = |(exchange, symbol): &(&str, &str)| is_of(venue, contract, exchange, symbol);
        if section.is_broken() || self.traded().is_none_or(|rows| rows.iter().any(is_there)) {
            return;
        }
        let message = format!("{} is of nothing that is traded", section.title());
        let problem = Problem::new(
            Rule::ComplianceNothing,
            message,
            section.place().clone(),
            "never matches",
        );
        section.fail(problem.help(
            "name a venue that has the contract, and a contract whose [[instrument]] has a gateway",
        ));
    }
}

/// The first threshold of fees that no fee is of, in words, if there is one.
fn unpriced(thresholds: &[Threshold], fees: &[OrderFee], known: &Known<'_>) -> Option<String> {
    let traded = known.traded()?;
    let is_priced = |one: &Threshold| {
        let (venue, contract) = (one.venue.as_deref(), one.contract.as_deref());
        let mut rows = traded.iter().filter(|of| is_of(venue, contract, of.0, of.1));
        rows.any(|of| fees.iter().any(|fee| fee.is_of(of.0, of.1)))
    };
    let of_fees = thresholds.iter().filter(|one| one.what == What::OrderFeesPerDay);
    let found = of_fees.into_iter().find(|one| !is_priced(one))?;
    Some(format!("the threshold of order_fees_per_day ({})", found.source))
}

/// The venue and the contract that a table is about, if it names them.
fn about(section: &Section<'_>, known: &Known<'_>) -> (Option<String>, Option<String>) {
    let venue = section.has("venue").then(|| known.names.venues.resolve(section, "venue"));
    let venue = venue.and_then(|found| known.venues.get(found.value)?.as_ref());
    let venue = venue.map(|venue| venue.name.value.clone());
    let contract = section.optional("contract", |value| {
        let symbol = text_of(value)?;
        let mut rows = known.instruments.iter().flatten();
        if rows.any(|row| row.symbol == symbol) {
            return Ok(symbol.to_owned());
        }
        let message = format!("is {symbol:?}, which no [[instrument]] is called by its exchange");
        Err(Complaint::new(Rule::ComplianceThreshold, message, "no such contract"))
    });
    (venue, contract.map(|contract| contract.value))
}

/// Where a figure is from.
fn origin(section: &Section<'_>) -> (String, String) {
    let as_of = section.required("as_of", |value| {
        let text = text_of(value)?;
        let wrong = |_| {
            let message = format!("is {text:?}, and must be a date, as \"2026-11-01\"");
            Complaint::new(Rule::ComplianceThreshold, message, "not a date")
        };
        text.parse::<Date>().map(|date| date.to_string()).map_err(wrong)
    });
    (section.required("source", line(200)).value, as_of.value)
}

fn threshold(section: Section<'_>, known: &Known<'_>) -> Option<Threshold> {
    let what = section.required("what", word(What::WORDS)).value;
    let level = section.required("level", word(LEVELS));
    let (venue, contract) = about(&section, known);
    let limit = section.required("limit", decimal_e9("0.000000001", "9000000000"));
    let (source, as_of) = origin(&section);
    let is_proven = section.optional("proven", boolean).is_some_and(|proven| proven.value);
    let is_of_contracts = matches!(what, What::PositionLots | What::OrderFeesPerDay);
    let wrong = match level.value {
        Level::Exchange if is_of_contracts => Some("is counted by contract"),
        Level::Exchange if contract.is_some() => Some("names a contract"),
        Level::Exchange | Level::Contract => None,
    };
    if let Some(why) = wrong.filter(|_| !section.is_broken()) {
        let message = format!("{} is of an exchange, and {why}", section.title());
        let problem =
            Problem::new(Rule::ComplianceThreshold, message, level.place, "of an exchange");
        section.fail(problem.help("write level = \"contract\""));
    }
    known.must_match(&section, venue.as_deref(), contract.as_deref());
    let level = level.value;
    section.finish(Threshold {
        what,
        level,
        venue,
        contract,
        limit_e9: limit.value,
        source,
        as_of,
        is_proven,
    })
}

fn group(section: Section<'_>) -> Option<AccountGroup> {
    let accounts = section.list("accounts", name);
    let group = AccountGroup {
        name: section.required("name", name).value,
        accounts: accounts.into_iter().map(|account| account.value).collect(),
    };
    section.finish(group)
}

fn order_fee(section: Section<'_>, known: &Known<'_>) -> Option<OrderFee> {
    let (venue, contract) = about(&section, known);
    let (source, as_of) = origin(&section);
    let fee = OrderFee {
        venue,
        contract,
        free_messages: section
            .optional("free_messages", whole(0..=1_000_000_000_u64))
            .map_or(0, |free| free.value),
        fee_e9: section.required("fee", decimal_e9("0.000000001", "9000000000")).value,
        currency: section.required("currency", identity(3..=3)).value,
        source,
        as_of,
    };
    known.must_match(&section, fee.venue.as_deref(), fee.contract.as_deref());
    section.finish(fee)
}
