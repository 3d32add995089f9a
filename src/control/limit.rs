//! Limits that can be changed while the engine runs: which there are, what they bound, in which
//! unit, and how a change of one becomes an input of the desk.
//!
//! All of them widen upwards: a higher figure lets more happen, so raising one takes two people.
//! One command changes a figure at most tenfold, either way: what is to change more is changed in
//! the configuration, where it is held against everything else. What is raised here holds until
//! the engine ends, what is lowered until two people raise it (`kept`).

use super::scope::Register;
use crate::config::word_for;
use std::fmt;
use xmc_hotpath::desk::{Desk, SpreadState};
use xmc_hotpath::message::{
    AccountId, AccountLimits, Control, Denial, GatewayLimits, InstrumentSpec, Scope, SpreadSpec,
};
use xmc_hotpath::risk::{FIRE_RATE_MAX, INSTRUMENT_RATE_MAX, RATE_MAX};

/// By how many times one command may change a figure.
pub const MOST_TIMES: u64 = 10;

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Lots of one order.
    MaxOrderLots,
    /// Value of one order, whole units of the instrument's currency.
    MaxOrderValue,
    /// Lots of the position: net for an instrument, gross for accounts and all.
    MaxPositionLots,
    /// Orders that are live or unknown.
    MaxOpenOrders,
    /// Messages in the window that the configuration gives.
    MaxMessages,
    /// Units that a spread may hold.
    MaxUnits,
    /// Units of one fire.
    ClipUnits,
    /// Fires in the window that the configuration gives.
    MaxFires,
}

impl Field {
    /// Every one, with its word, which is its key in the configuration where it has one there.
    pub const WORDS: &[(&'static str, Self)] = &[
        ("max_order_lots", Self::MaxOrderLots),
        ("max_order_value", Self::MaxOrderValue),
        ("max_position_lots", Self::MaxPositionLots),
        ("max_open_orders", Self::MaxOpenOrders),
        ("max_messages", Self::MaxMessages),
        ("max_units", Self::MaxUnits),
        ("clip_units", Self::ClipUnits),
        ("max_fires", Self::MaxFires),
    ];

    /// The field of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, field)| *field)
    }

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        word_for(Self::WORDS, self)
    }

    /// What its figure counts, of something whose money is `currency`.
    #[must_use]
    pub fn unit(self, currency: &str) -> &str {
        match self {
            Self::MaxOrderLots | Self::MaxPositionLots => "lots",
            Self::MaxOrderValue => currency,
            Self::MaxOpenOrders => "orders",
            Self::MaxMessages => "messages",
            Self::MaxUnits | Self::ClipUnits => "units",
            Self::MaxFires => "fires",
        }
    }

    /// The largest figure that the configuration would take too.
    fn most(self, scope: Scope) -> u64 {
        match (self, scope) {
            (Self::MaxOrderLots, _) => 10_000,
            (Self::MaxOrderValue, _) => 10_000_000_000,
            (Self::MaxPositionLots | Self::MaxUnits | Self::ClipUnits, _) => 1_000_000,
            (Self::MaxOpenOrders, _) => 4_096,
            (Self::MaxMessages, Scope::Instrument(_)) => INSTRUMENT_RATE_MAX.into(),
            (Self::MaxMessages, _) => RATE_MAX.into(),
            (Self::MaxFires, _) => FIRE_RATE_MAX.into(),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A figure and what it counts: `10 lots`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    /// The figure.
    pub figure: u64,
    /// The unit.
    pub unit: String,
}

impl Amount {
    /// Reads `10 lots`: a whole number without sign or leading zeros, one blank, letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (figure, unit) = text.split_once(' ')?;
        let is_figure = figure.bytes().all(|byte| byte.is_ascii_digit())
            && (figure == "0" || !figure.starts_with('0'));
        let is_unit = !unit.is_empty()
            && unit.len() <= 8
            && unit.bytes().all(|byte| byte.is_ascii_alphabetic());
        let figure = figure.parse().ok().filter(|_| is_figure && is_unit)?;
        Some(Self { figure, unit: unit.to_owned() })
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.figure, self.unit)
    }
}

/// A limit that is to change: from which figure, which must be the one that holds, to which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub field: Field,
    /// The figure that holds.
    pub from: Amount,
    /// The figure that is to hold.
    pub to: Amount,
}

impl Change {
    /// Whether more can happen after it.
    #[must_use]
    pub fn allows_more(&self) -> bool {
        self.to.figure > self.from.figure
    }

    /// Holds it against everything that is known without the desk.
    ///
    /// # Errors
    /// Why it is not taken, and a sentence for whoever asked.
    pub fn check(&self, scope: Scope, register: &Register) -> Result<(), (Denial, String)> {
        let unit = self.field.unit(register.currency(scope));
        for amount in [&self.from, &self.to] {
            if amount.unit != unit || unit.is_empty() {
                let text = format!("{} is counted in {unit}, not in {}", self.field, amount.unit);
                return Err((Denial::Value, text));
            }
        }
        let (from, to, most) = (self.from.figure, self.to.figure, self.field.most(scope));
        if to == 0 || to > most {
            let text = format!("{} can be 1 to {most}, and is to be {to}", self.field);
            return Err((Denial::Value, text));
        }
        if to == from {
            return Err((Denial::Value, format!("{} is {to} already", self.field)));
        }
        if to > from.saturating_mul(MOST_TIMES) || from > to.saturating_mul(MOST_TIMES) {
            let text = format!(
                "from {from} to {to} is more than {MOST_TIMES} times, which one command does not \
                 do: change the configuration and start again, where it is checked with the rest"
            );
            return Err((Denial::Step, text));
        }
        Ok(())
    }
}

/// What a desk has been told of something that has limits.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "made and used at once, on the cold side")]
pub enum Limited {
    /// An instrument.
    Instrument(InstrumentSpec),
    /// An account, or all.
    Account(AccountLimits),
    /// A gateway.
    Gateway(GatewayLimits),
    /// A spread.
    Spread(SpreadSpec),
}

impl Limited {
    /// What `desk` has been told of `scope`; `None` of what has no limits.
    #[must_use]
    pub fn of(desk: &Desk<'_>, scope: Scope) -> Option<Self> {
        match scope {
            Scope::All => Some(Self::Account(desk.account_risk(AccountId::ALL)?.limits)),
            Scope::Account(account) => Some(Self::Account(desk.account_risk(account)?.limits)),
            Scope::Gateway(gateway) => Some(Self::Gateway(desk.gateway(gateway)?.limits)),
            Scope::Instrument(row) => {
                let spec = desk.instruments().get(row.0 as usize)?.spec?;
                spec.is_tradable.then_some(Self::Instrument(spec))
            }
            Scope::Spread(row) => {
                let row = desk.spreads().get(row.0 as usize)?;
                // It is told as it stands: a change of a limit enables nothing.
                let is_enabled = row.state != SpreadState::Disabled;
                Some(Self::Spread(SpreadSpec { is_enabled, ..row.spec? }))
            }
            Scope::Strategy(_) => None,
        }
    }

    /// What of these inputs a desk has last been told of `scope`.
    #[must_use]
    pub fn told(inputs: &[Control], scope: Scope) -> Option<Self> {
        inputs.iter().rev().find_map(|control| match (control, scope) {
            (Control::Instrument(spec), Scope::Instrument(row)) => {
                (spec.instrument == row && spec.is_tradable).then_some(Self::Instrument(*spec))
            }
            (Control::Account(limits), Scope::All) => {
                (limits.account == AccountId::ALL).then_some(Self::Account(*limits))
            }
            (Control::Account(limits), Scope::Account(of)) => {
                (limits.account == of).then_some(Self::Account(*limits))
            }
            (Control::Gateway(limits), Scope::Gateway(of)) => {
                (limits.gateway == of).then_some(Self::Gateway(*limits))
            }
            (Control::Spread(spec), Scope::Spread(of)) => {
                (spec.spread == of).then_some(Self::Spread(*spec))
            }
            _ => None,
        })
    }

    /// With a lower figure of a field, and with what must not be above it lowered as well; `None`
    /// if it is no lower.
    #[must_use]
    pub fn lowered_to(self, field: Field, figure: u64) -> Option<Self> {
        let lower = |limits: Self, field| {
            let is_lower = limits.figure(field).is_some_and(|now| figure < now);
            is_lower.then(|| limits.with(field, figure)).flatten()
        };
        let limits = lower(self, field)?;
        let is_clip_too = field == Field::MaxUnits;
        Some(is_clip_too.then(|| lower(limits, Field::ClipUnits)).flatten().unwrap_or(limits))
    }

    /// The figure of a field; `None` if this has no such limit.
    #[must_use]
    pub fn figure(&self, field: Field) -> Option<u64> {
        Some(match (self, field) {
            (Self::Instrument(spec), Field::MaxOrderLots) => spec.max_order_lots.into(),
            (Self::Instrument(spec), Field::MaxOrderValue) => {
                u64::try_from(spec.max_order_value).ok()?
            }
            (Self::Instrument(spec), Field::MaxPositionLots) => spec.max_position_lots.into(),
            (Self::Instrument(spec), Field::MaxOpenOrders) => spec.max_open_orders.into(),
            (Self::Instrument(spec), Field::MaxMessages) => spec.max_messages.into(),
            (Self::Account(limits), Field::MaxOrderLots) => limits.max_order_lots.into(),
            (Self::Account(limits), Field::MaxPositionLots) => limits.max_position_lots.into(),
            (Self::Account(limits), Field::MaxOpenOrders) => limits.max_open_orders.into(),
            (Self::Account(limits), Field::MaxMessages) => limits.max_messages.into(),
            (Self::Gateway(limits), Field::MaxOpenOrders) => limits.max_open_orders.into(),
            (Self::Gateway(limits), Field::MaxMessages) => limits.max_messages.into(),
            (Self::Spread(spec), Field::MaxUnits) => spec.max_units.into(),
            (Self::Spread(spec), Field::ClipUnits) => spec.clip_units.into(),
            (Self::Spread(spec), Field::MaxFires) => spec.max_fires.into(),
            _ => return None,
        })
    }

    /// With another figure of a field; `None` if this has no such limit, or no room for it.
    #[must_use]
    pub fn with(mut self, field: Field, figure: u64) -> Option<Self> {
        let (wide, narrow) = (u32::try_from(figure).ok(), u16::try_from(figure).ok());
        match (&mut self, field) {
            (Self::Instrument(spec), Field::MaxOrderLots) => spec.max_order_lots = wide?,
            (Self::Instrument(spec), Field::MaxOrderValue) => {
                spec.max_order_value = i64::try_from(figure).ok()?;
            }
            (Self::Instrument(spec), Field::MaxPositionLots) => spec.max_position_lots = wide?,
            (Self::Instrument(spec), Field::MaxOpenOrders) => spec.max_open_orders = narrow?,
            (Self::Instrument(spec), Field::MaxMessages) => spec.max_messages = narrow?,
            (Self::Account(limits), Field::MaxOrderLots) => limits.max_order_lots = wide?,
            (Self::Account(limits), Field::MaxPositionLots) => limits.max_position_lots = wide?,
            (Self::Account(limits), Field::MaxOpenOrders) => limits.max_open_orders = narrow?,
            (Self::Account(limits), Field::MaxMessages) => limits.max_messages = narrow?,
            (Self::Gateway(limits), Field::MaxOpenOrders) => limits.max_open_orders = narrow?,
            (Self::Gateway(limits), Field::MaxMessages) => limits.max_messages = narrow?,
            (Self::Spread(spec), Field::MaxUnits) => spec.max_units = wide?,
            (Self::Spread(spec), Field::ClipUnits) => spec.clip_units = wide?,
            (Self::Spread(spec), Field::MaxFires) => spec.max_fires = narrow?,
            _ => return None,
        }
        Some(self)
    }

    /// As the desk is told it.
    #[must_use]
    pub const fn control(self) -> Control {
        match self {
            Self::Instrument(spec) => Control::Instrument(spec),
            Self::Account(limits) => Control::Account(limits),
            Self::Gateway(limits) => Control::Gateway(limits),
            Self::Spread(spec) => Control::Spread(spec),
        }
    }
}
