//! What an account has as of a moment, as a venue, broker or clearing house says it.
//!
//! The form is ours: a JSON object with the fields of `Statement`, or lines (`csv`). A part that is
//! absent is not told, which is not the same as empty. Prices and money are decimals in text, lots
//! whole numbers. Whatever does not fit is refused as a whole, with the reason.

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use xmc_hotpath::message;
use xmc_hotpath::time::UnixNs;

/// The word that a statement begins with.
pub const SCHEMA: &str = "xmc.statement";
/// The version of the form.
pub const VERSION: u32 = 1;
/// No statement is longer, in bytes.
pub const MOST_BYTES: u64 = 64 << 20;
/// No count of lots is larger: beyond it somebody has written something else.
pub const MOST_LOTS: u32 = 10_000_000;
/// How far a statement may be ahead of this host's clock, ns.
pub const MOST_AHEAD_NS: u64 = 2_000_000_000;

/// Why a statement is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// It does not read.
    #[error("it is no whole statement ({0}): write it under another name and rename it when whole")]
    Form(String),
    /// It is of another form.
    #[error("it is {0:?}, and not {SCHEMA:?} version {VERSION}")]
    Schema(String),
    /// Another account.
    #[error(
        "it is of account {found:?}, and {wanted:?} is configured: correct the path or `account`"
    )]
    Account {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
    /// Another venue.
    #[error("it is of venue {found:?}, and {wanted:?} is configured: correct the path or `venue`")]
    Venue {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
    /// It is of a later moment than now.
    #[error("it is as of {ahead_ms} ms from now: set the clock of one of the two hosts")]
    Ahead {
        /// By how much.
        ahead_ms: u64,
    },
    /// It is older than what was read before.
    #[error("its number {found} is below {last}, which was read before: numbers only grow")]
    Back {
        /// Its number.
        found: u64,
        /// The last one.
        last: u64,
    },
    /// A figure cannot be.
    #[error("{what} of {of} is {value}, which cannot be")]
    Figure {
        /// Which.
        what: &'static str,
        /// Of what.
        of: String,
        /// The figure.
        value: String,
    },
    /// Something stands in it twice.
    #[error("{what} {of} stands in it twice")]
    Twice {
        /// What.
        what: &'static str,
        /// Which.
        of: String,
    },
    /// A position is told neither net nor by side, or both.
    #[error("the position in {0} is to be told as net, or as long and short")]
    Position(String),
    /// It names an instrument that this gateway does not trade.
    #[error("it has {lots} lots of {symbol}, which no instrument of the gateway is called")]
    Instrument {
        /// The name.
        symbol: String,
        /// What is held.
        lots: i64,
    },
}

/// A moment in UTC, in text as RFC 3339 has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(pub UnixNs);

impl TryFrom<String> for Moment {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let stamp: Timestamp = text.parse().map_err(|_| format!("{text:?} is no moment in UTC"))?;
        let ns = u64::try_from(stamp.as_nanosecond());
        ns.map(|ns| Self(UnixNs(ns))).map_err(|_| format!("{text:?} is before 1970"))
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_nanosecond(self.0.0.into()) {
            Ok(stamp) => write!(f, "{stamp}"),
            Err(_) => write!(f, "{} ns", self.0.0),
        }
    }
}

/// An exact decimal, in text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Exact(pub Decimal);

impl TryFrom<String> for Exact {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte));
        let read = Decimal::from_str_exact(&text).ok().filter(|_| is_plain);
        read.map(Self).ok_or_else(|| format!("{text:?} is no decimal number"))
    }
}

impl From<Exact> for String {
    fn from(exact: Exact) -> Self {
        exact.to_string()
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.normalize())
    }
}

impl Exact {
    /// So many units of 1e-9; `None` where it does not hold them exactly.
    #[must_use]
    pub fn to_e9(self) -> Option<i64> {
        let e9 = self.0.checked_mul(Decimal::from(1_000_000_000))?;
        e9.is_integer().then(|| e9.to_i64()).flatten()
    }

    /// From units of 1e-9; a figure beyond all money is the largest there is.
    #[must_use]
    pub fn of_e9(e9: i128) -> Self {
        let exact = Decimal::try_from_i128_with_scale(e9, 9);
        Self(exact.unwrap_or(if e9 < 0 { Decimal::MIN } else { Decimal::MAX }))
    }
}

/// Which side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Bought.
    Buy,
    /// Sold.
    Sell,
}

impl Side {
    /// Lots with their sign: bought above zero.
    #[must_use]
    pub const fn signed(self, lots: i64) -> i64 {
        match self {
            Self::Buy => lots,
            Self::Sell => -lots,
        }
    }
}

impl From<message::Side> for Side {
    fn from(side: message::Side) -> Self {
        match side {
            message::Side::Buy => Self::Buy,
            message::Side::Sell => Self::Sell,
        }
    }
}

/// What is held of an instrument, in lots: net, or long and short.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// As the venue calls it: `symbol` of `[[instrument]]`.
    pub instrument: String,
    /// Bought less sold, where the market nets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net: Option<i64>,
    /// Bought and not sold, where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<u32>,
    /// Sold and not bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<u32>,
    /// Of `long`, what was opened today; absent: not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_today: Option<u32>,
    /// Of `short`, what was opened today; absent: not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_today: Option<u32>,
}

impl Position {
    /// Bought less sold.
    #[must_use]
    pub fn net_lots(&self) -> i64 {
        let [long, short] = [self.long, self.short].map(|lots| i64::from(lots.unwrap_or(0)));
        self.net.unwrap_or(long - short)
    }

    fn check(&self) -> Result<(), StatementError> {
        let of = &self.instrument;
        let sides = (self.long.is_some(), self.short.is_some());
        let is_right = match (self.net, sides) {
            (Some(_), (false, false)) => self.long_today.is_none() && self.short_today.is_none(),
            (None, (true, true)) => true,
            _ => false,
        };
        if !is_right {
            return Err(StatementError::Position(of.clone()));
        }
        if self.net.is_some_and(|net| net.unsigned_abs() > u64::from(MOST_LOTS)) {
            return Err(figure("the net position", of, self.net.unwrap_or(0)));
        }
        for (all, today) in [(self.long, self.long_today), (self.short, self.short_today)] {
            let (all, today) = (all.unwrap_or(0), today.unwrap_or(0));
            if all > MOST_LOTS || today > all {
                return Err(figure("the position", of, format!("{all}, of today {today}")));
            }
        }
        Ok(())
    }
}

/// An order that lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenOrder {
    /// Our number of it, if the venue tells that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<u64>,
    /// The venue's number of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue_order: Option<u64>,
    /// As the venue calls it.
    pub instrument: String,
    /// Buys or sells.
    pub side: Side,
    /// Lots that may still fill.
    pub lots: u32,
}

/// A fill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fill {
    /// What the venue knows it by; once in a statement.
    pub execution: String,
    /// Our number of its order, if the venue tells that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<u64>,
    /// The venue's number of its order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue_order: Option<u64>,
    /// As the venue calls it.
    pub instrument: String,
    /// Bought or sold.
    pub side: Side,
    /// How many.
    pub lots: u32,
    /// At which price.
    pub price: Exact,
    /// When.
    pub at: Moment,
}

impl Fill {
    fn check(&self) -> Result<(), StatementError> {
        if self.lots == 0 || self.lots > MOST_LOTS {
            return Err(figure("the lots of fill", &self.execution, self.lots));
        }
        if self.price.to_e9().is_none() {
            return Err(figure("the price of fill", &self.execution, self.price));
        }
        Ok(())
    }
}

/// Money of one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// ISO 4217.
    pub currency: String,
    /// What was sold less what was bought, of all fills that the venue counts: price times
    /// multiplier times lots, fees apart. Compared by how it changes.
    pub cash: Exact,
    /// Fees paid; shown, not compared. Absent: not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fees: Option<Exact>,
}

/// What an account has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// `SCHEMA`.
    pub schema: String,
    /// `VERSION`.
    pub version: u32,
    /// Whose.
    pub account: String,
    /// Where.
    pub venue: String,
    /// As of which moment.
    pub as_of: Moment,
    /// Grows from one statement to the next.
    pub sequence: u64,
    /// It is of a simulated venue.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// Held; what is traded here and not named is not held. Absent: not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positions: Option<Vec<Position>>,
    /// Live orders. Absent: not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orders: Option<Vec<OpenOrder>>,
    /// All fills of the day. Absent: not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fills: Option<Vec<Fill>>,
    /// Money. Absent: not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<Vec<Money>>,
}

/// Whose statement is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The account, as statements write it.
    pub account: String,
    /// The venue, as statements write it.
    pub venue: String,
    /// What the gateway trades, by the venue's names.
    pub symbols: BTreeSet<String>,
}

impl Statement {
    /// Reads one as JSON.
    ///
    /// # Errors
    /// `StatementError::Form`.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        serde_json::from_slice(bytes).map_err(|error| StatementError::Form(error.to_string()))
    }

    /// Whether it is one of `wanted` that can be, as far as it goes at `now`.
    ///
    /// # Errors
    /// See `StatementError`.
    pub fn check(&self, wanted: &Wanted, now: UnixNs) -> Result<(), StatementError> {
        if self.schema != SCHEMA || self.version != VERSION {
            return Err(StatementError::Schema(format!("{} {}", self.schema, self.version)));
        }
        if self.account != wanted.account {
            let (found, wanted) = (self.account.clone(), wanted.account.clone());
            return Err(StatementError::Account { found, wanted });
        }
        if self.venue != wanted.venue {
            let (found, wanted) = (self.venue.clone(), wanted.venue.clone());
            return Err(StatementError::Venue { found, wanted });
        }
        let ahead_ns = self.as_of.0.0.saturating_sub(now.0);
        if ahead_ns > MOST_AHEAD_NS {
            return Err(StatementError::Ahead { ahead_ms: ahead_ns / 1_000_000 });
        }
        self.parts(wanted)
    }

    fn parts(&self, wanted: &Wanted) -> Result<(), StatementError> {
        let positions = || self.positions.iter().flatten();
        positions().try_for_each(Position::check)?;
        once("the position in", positions().map(|one| one.instrument.clone()))?;
        let mut strangers = positions().filter(|one| !wanted.symbols.contains(&one.instrument));
        if let Some(stranger) = strangers.find(|one| one.net_lots() != 0) {
            let symbol = stranger.instrument.clone();
            return Err(StatementError::Instrument { symbol, lots: stranger.net_lots() });
        }
        for order in self.orders.iter().flatten() {
            if order.lots == 0 || order.lots > MOST_LOTS {
                return Err(figure("the lots of an order", &order.instrument, order.lots));
            }
        }
        let fills = || self.fills.iter().flatten();
        fills().try_for_each(Fill::check)?;
        once("fill", fills().map(|one| one.execution.clone()))?;
        once("money in", self.money.iter().flatten().map(|one| one.currency.clone()))
    }

    /// What is held by the venue's name of the instrument; `None` if that is not told.
    #[must_use]
    pub fn held(&self) -> Option<BTreeMap<&str, &Position>> {
        let rows = self.positions.as_ref()?.iter();
        Some(rows.map(|one| (one.instrument.as_str(), one)).collect())
    }
}

fn figure(what: &'static str, of: &str, value: impl fmt::Display) -> StatementError {
    StatementError::Figure { what, of: of.to_owned(), value: value.to_string() }
}

fn once(what: &'static str, names: impl Iterator<Item = String>) -> Result<(), StatementError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if let Some(of) = seen.replace(name) {
            return Err(StatementError::Twice { what, of });
        }
    }
    Ok(())
}
