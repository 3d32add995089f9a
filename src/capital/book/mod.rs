//! What is held now: a JSON file becomes one checked book, or every reason why not.
//!
//! All money is text (`"88000.5"`): a number in JSON is a float for half of its readers, and is
//! refused. What a broker shows of an account (`equity`, `margin`) is compared with what follows
//! from its parts; a slip in one of them is then a disagreement, and refused.

mod reading;
mod written;

use crate::config::capital::Capital;
use jiff::Timestamp;
use jiff::civil::Date;
use reading::Reading;
use rust_decimal::Decimal;
use serde::Deserialize;
use std::path::Path;
use written::Written;

/// What the file calls itself.
const SCHEMA: &str = "xmc.capital.book";
const VERSION: u32 = 1;
/// A larger file is no book.
const MOST_BYTES: u64 = 64 << 20;

/// One thing that is wrong with a book.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// It is not JSON of this shape.
    #[error("is no book: {0}; money is written as text, \"88000.5\"")]
    Shape(String),
    /// It is something else.
    #[error("says schema {found:?} version {version}, and {SCHEMA:?} version {VERSION} is read")]
    Schema {
        /// What it says.
        found: String,
        /// In which version.
        version: u32,
    },
    /// A name that the terms do not have.
    #[error("{what} {name:?} is not in the terms: add it there, or correct the name")]
    Unknown {
        /// What is called so.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The same thing twice, or something that is missing.
    #[error("{what} {name:?} is there {count} times, and has to be there once")]
    Count {
        /// What.
        what: &'static str,
        /// Its name.
        name: String,
        /// How often.
        count: usize,
    },
    /// A number that is none, or that is not sane.
    #[error("{what} is {text}: {why}")]
    Number {
        /// Which number.
        what: String,
        /// As written.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// An exchange rate that is too old, or from the future.
    #[error("the rate of {currency} is of {at}, and at most {limit} minutes may lie before {now}")]
    Stale {
        /// Whose.
        currency: String,
        /// Of when.
        at: Timestamp,
        /// How old it may be.
        limit: u32,
        /// The book's time.
        now: Timestamp,
    },
    /// The broker says something else.
    #[error(
        "account {account:?} has {what} {shown} by the broker, and {follows} by what it holds: \
         one of both is wrong, and nothing is reckoned with it"
    )]
    Disagrees {
        /// Which account.
        account: String,
        /// Equity or margin.
        what: &'static str,
        /// As shown.
        shown: Decimal,
        /// As it follows.
        follows: Decimal,
    },
}

/// A book that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {}", .errors.iter().map(|error| format!("\n  {error}")).collect::<String>())]
pub struct Refused {
    /// The file.
    pub path: String,
    /// Everything that is wrong; never empty.
    pub errors: Vec<BookError>,
}

/// Bought or sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Bought.
    Long,
    /// Sold.
    Short,
}

impl Side {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Long, Self::Short];

    /// 1 or -1.
    #[must_use]
    pub fn sign(self) -> Decimal {
        match self {
            Self::Long => Decimal::ONE,
            Self::Short => Decimal::NEGATIVE_ONE,
        }
    }
}

/// What an order does to what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It adds.
    Open,
    /// It takes from lots of earlier days.
    Close,
    /// It takes from lots of the same day (平今).
    CloseToday,
}

/// Lots that are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The account's place in the terms.
    pub account: usize,
    /// The contract's.
    pub contract: usize,
    /// Bought or sold.
    pub side: Side,
    /// How many; above 0.
    pub lots: u32,
    /// Opened on this trading day.
    pub is_today: bool,
    /// Profit counts from this price: the last settlement, or where lots of today were opened.
    pub reference: Decimal,
    /// They hedge (套保).
    pub is_hedge: bool,
}

/// An order that is live, or of which nobody can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The account's place in the terms.
    pub account: usize,
    /// The contract's.
    pub contract: usize,
    /// The side of the position that it opens or closes.
    pub side: Side,
    /// Opens or closes.
    pub effect: Effect,
    /// How many lots; above 0.
    pub lots: u32,
    /// Its limit.
    pub price: Decimal,
    /// It hedges.
    pub is_hedge: bool,
}

impl Order {
    /// Whether it buys: to open what is bought, or to close what is sold.
    #[must_use]
    pub fn buys(&self) -> bool {
        (self.side == Side::Long) == (self.effect == Effect::Open)
    }
}

/// Money of an account, in its currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// What the last settlement left.
    pub settled: Decimal,
    /// Paid in since then.
    pub deposits: Decimal,
    /// Paid out since then.
    pub withdrawals: Decimal,
    /// Made by closing since then.
    pub realised: Decimal,
    /// Fees paid since then.
    pub fees: Decimal,
    /// Held back by the broker, for what is asked to be paid out and the like.
    pub frozen: Decimal,
    /// Equity as the broker shows it; `None`: not shown.
    pub equity: Option<Decimal>,
    /// Margin as the broker shows it; `None`: not shown.
    pub margin: Option<Decimal>,
}

impl Balance {
    /// Money without open profit.
    #[must_use]
    pub fn cash(&self) -> Decimal {
        self.settled + self.deposits - self.withdrawals + self.realised - self.fees
    }
}

/// Everything that is held at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book {
    /// When.
    pub at: Timestamp,
    /// The trading day, by which margins step.
    pub day: Date,
    /// It is made up.
    pub is_sample: bool,
    /// Units of the view's currency for one, by the currency's place in the terms.
    pub rates: Vec<Decimal>,
    /// By contract.
    pub prices: Vec<Decimal>,
    /// By account.
    pub balances: Vec<Balance>,
    /// By pool.
    pub pools: Vec<Decimal>,
    /// Lots held.
    pub positions: Vec<Position>,
    /// Orders under way.
    pub orders: Vec<Order>,
    /// Annual volatility of now; `None`: not known, and levels are as written.
    pub volatility: Option<Decimal>,
}

impl Book {
    /// What one of a currency is worth in another, at the book's rates; both are in the terms.
    #[must_use]
    pub fn rate(&self, terms: &Capital, from: &str, to: &str) -> Decimal {
        let to_view = |currency: &str| {
            let place = terms.currencies.iter().position(|known| known.name == currency);
            place.and_then(|place| self.rates.get(place)).copied().unwrap_or(Decimal::ONE)
        };
        if from == to { Decimal::ONE } else { to_view(from) / to_view(to) }
    }
}

/// Reads and checks the book in `path`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(path: &Path, terms: &Capital) -> Result<Book, Refused> {
    let shown = path.display().to_string();
    let unreadable =
        |why: String| Refused { path: shown.clone(), errors: vec![BookError::Unreadable(why)] };
    let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if size > MOST_BYTES {
        return Err(unreadable(format!("it has {size} bytes, and at most {MOST_BYTES} are read")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    of_text(&shown, &text, terms)
}

/// Like `load`, with `text` instead of the contents of `path`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn of_text(path: &str, text: &str, terms: &Capital) -> Result<Book, Refused> {
    let refused = |errors| Refused { path: path.to_owned(), errors };
    let written: Written = serde_json::from_str(text)
        .map_err(|error| refused(vec![BookError::Shape(error.to_string())]))?;
    if written.schema != SCHEMA || written.version != VERSION {
        let (found, version) = (written.schema, written.version);
        return Err(refused(vec![BookError::Schema { found, version }]));
    }
    let mut reading = Reading { terms, errors: Vec::new() };
    let book = reading.book(&written);
    if reading.errors.is_empty() {
        reading.compare(&book);
    }
    if reading.errors.is_empty() { Ok(book) } else { Err(refused(reading.errors)) }
}
