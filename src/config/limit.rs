//! `[[limit]]`: what may never be exceeded, for an instrument, an account, and everything.
//!
//! Each scope has its own keys and needs all of them: a limit that is left out is a limit that
//! is not there.

use super::error::{Problem, Report, Rule};
use super::market::{InstrumentIndex, Rate, rate};
use super::names::Registry;
use super::section::{Section, Written};
use super::value::{decimal_e9, name, whole, word};
use xmc_hotpath::risk::{INSTRUMENT_RATE_MAX, RATE_MAX};

/// How far from its references an order's price may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collar {
    /// In steps of the instrument's tick.
    Ticks(u32),
    /// As a fraction of the reference, units of 1e-9.
    FractionE9(i64),
}

/// What bounds orders and positions in every scope.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Lots of one order.
    pub max_order_lots: Written<u32>,
    /// Lots of the position: net for an instrument, gross over instruments for the others.
    pub max_position_lots: Written<u32>,
    /// Orders that are live or whose fate is unknown.
    pub max_open_orders: Written<u16>,
    /// Messages of any kind, cancels included.
    pub rate: Rate,
    /// Where the limit is written.
    pub place: super::Place,
}

/// The limit of one instrument.
#[derive(Clone, Debug)]
pub struct InstrumentLimit {
    /// What it bounds.
    pub instrument: InstrumentIndex,
    /// Lots, orders and messages.
    pub bounds: Bounds,
    /// Value of one order, whole units of the instrument's currency.
    pub max_order_value: Written<i64>,
    /// The price collar.
    pub collar: Written<Collar>,
}

/// The limit of one account, over all its instruments.
#[derive(Clone, Debug)]
pub struct AccountLimit {
    /// Whose.
    pub account: Written<String>,
    /// Lots, orders and messages.
    pub bounds: Bounds,
}

/// Every limit.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// By instrument; what is not traded has none.
    pub instruments: Vec<InstrumentLimit>,
    /// By account.
    pub accounts: Vec<AccountLimit>,
    /// Over everything; always there in a checked configuration.
    pub global: Option<Bounds>,
}

impl Limits {
    /// The limit of an instrument.
    pub fn of_instrument(&self, instrument: InstrumentIndex) -> Option<&InstrumentLimit> {
        self.instruments.iter().find(|limit| limit.instrument == instrument)
    }

    /// The limit of an account.
    pub fn of_account(&self, account: &str) -> Option<&AccountLimit> {
        self.accounts.iter().find(|limit| *limit.account == *account)
    }

    fn twice(&self, limit: &Limit) -> Option<(&super::Place, String)> {
        match limit {
            Limit::Instrument(new) => {
                let place = &self.of_instrument(new.instrument)?.bounds.place;
                Some((place, "this instrument".to_owned()))
            }
            Limit::Account(new) => {
                let place = &self.of_account(&new.account)?.bounds.place;
                Some((place, format!("account \"{}\"", new.account.value)))
            }
            Limit::Global(_) => Some((&self.global.as_ref()?.place, "everything".to_owned())),
        }
    }
}

enum Limit {
    Instrument(InstrumentLimit),
    Account(AccountLimit),
    Global(Bounds),
}

impl Limit {
    fn place(&self) -> &super::Place {
        match self {
            Self::Instrument(limit) => &limit.bounds.place,
            Self::Account(limit) => &limit.bounds.place,
            Self::Global(bounds) => &bounds.place,
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
enum Scope {
    #[default]
    Instrument,
    Account,
    Global,
}

const SCOPES: &[(&str, Scope)] =
    &[("instrument", Scope::Instrument), ("account", Scope::Account), ("global", Scope::Global)];

/// Reads all limits; `None` when one of them is wrong.
pub(crate) fn limits(
    sections: Vec<Section<'_>>,
    names: &Registry,
    report: &Report,
) -> Option<Limits> {
    let mut limits = Limits::default();
    let mut is_whole = true;
    for section in sections {
        let Some(limit) = limit(section, names) else {
            is_whole = false;
            continue;
        };
        if let Some((first, what)) = limits.twice(&limit) {
            report.add(
                Problem::new(
                    Rule::LimitTwice,
                    format!("{what} is limited twice"),
                    limit.place().clone(),
                    "again here",
                )
                .also(first, "first limited here"),
            );
            is_whole = false;
            continue;
        }
        match limit {
            Limit::Instrument(limit) => limits.instruments.push(limit),
            Limit::Account(limit) => limits.accounts.push(limit),
            Limit::Global(bounds) => limits.global = Some(bounds),
        }
    }
    is_whole.then_some(limits)
}

fn limit(section: Section<'_>, names: &Registry) -> Option<Limit> {
    let scope = section.required("scope", word(SCOPES));
    if section.is_broken() {
        return None;
    }
    let most_messages = match scope.value {
        Scope::Instrument => INSTRUMENT_RATE_MAX,
        Scope::Account | Scope::Global => RATE_MAX,
    };
    let bounds = Bounds {
        max_order_lots: section.required("max_order_lots", whole(1..=10_000)),
        max_position_lots: section.required("max_position_lots", whole(1..=1_000_000)),
        max_open_orders: section.required("max_open_orders", whole(1..=4_096)),
        rate: rate(&section, most_messages),
        place: section.place().clone(),
    };
    if bounds.max_order_lots.value > bounds.max_position_lots.value && !section.is_broken() {
        section.fail(
            Problem::new(
                Rule::LimitTooSmall,
                "one order may be larger than the whole position",
                bounds.max_order_lots.place.clone(),
                "must be at most the position",
            )
            .also(&bounds.max_position_lots.place, "the position"),
        );
    }
    let limit = match scope.value {
        Scope::Global => Limit::Global(bounds),
        Scope::Account => {
            Limit::Account(AccountLimit { account: section.required("account", name), bounds })
        }
        Scope::Instrument => Limit::Instrument(InstrumentLimit {
            instrument: names.instruments.resolve(&section, "instrument").value,
            bounds,
            max_order_value: section.required("max_order_value", whole(1..=10_000_000_000)),
            collar: collar(&section),
        }),
    };
    section.finish(limit)
}

fn collar(section: &Section<'_>) -> Written<Collar> {
    let ticks = section.optional("collar_ticks", whole(1..=100_000));
    let fraction = section.optional("collar_fraction", decimal_e9("0.0001", "0.5"));
    match (ticks, fraction) {
        (Some(ticks), None) => Written { value: Collar::Ticks(ticks.value), place: ticks.place },
        (None, Some(fraction)) => {
            Written { value: Collar::FractionE9(fraction.value), place: fraction.place }
        }
        (Some(ticks), Some(fraction)) => {
            section.fail(
                Problem::new(
                    Rule::CollarOnce,
                    "the collar is given in ticks and as a fraction",
                    fraction.place,
                    "given again",
                )
                .also(&ticks.place, "given here"),
            );
            Written { value: Collar::Ticks(ticks.value), place: ticks.place }
        }
        (None, None) => {
            section.fail(
                Problem::new(
                    Rule::LimitMissing,
                    "an instrument's limit has no price collar",
                    section.place().clone(),
                    "`collar_ticks` or `collar_fraction` is required",
                )
                .help("every order is held against a collar around the book and the last trade"),
            );
            Written { value: Collar::Ticks(1), place: section.place().clone() }
        }
    }
}
