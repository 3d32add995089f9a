//! The balance book: inventories, needs, targets, walls, capacities and price policies.
//!
//! A file of its own (`xmc balance show FILE`), read with the rules and messages of an engine's.
//! Products, contracts and rates are those of an exposure book (`hedge::book`), each contract with
//! its venue, tick and margin.

mod read;
mod whole;
mod wish;

pub(in crate::balance) use read::is_on;

use crate::config::capital::{Border, Origin};
use crate::config::error::Report;
use crate::config::{Invalid, Rational, Sources};
use crate::hedge::book::{Contract, Product, Rate};
use jiff::Timestamp;
use jiff::civil::Date;
use std::path::Path;

/// Everything that is held, wanted and allowed.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// The time it is of: urgencies and the age of quotes are reckoned to it.
    pub now: Timestamp,
    /// Its day, where that was written.
    pub day: Date,
    /// Whether its figures are made up.
    pub is_sample: bool,
    /// The currency that money is shown in.
    pub currency: String,
    /// The file of quotes, beside the book.
    pub quotes: String,
    /// Older quotes price nothing, seconds.
    pub max_age_s: u32,
    /// What is dealt in.
    pub products: Vec<Product>,
    /// In which contracts.
    pub contracts: Vec<Traded>,
    /// Currencies other than `currency`.
    pub rates: Vec<Rate>,
    /// Whose accounts these are.
    pub clients: Vec<Client>,
    /// Where futures are held.
    pub accounts: Vec<Account>,
    /// Who may net with each other.
    pub groups: Vec<Group>,
    /// Whose inventories these are.
    pub strategies: Vec<String>,
    /// What is held.
    pub inventories: Vec<Inventory>,
    /// What is wanted.
    pub needs: Vec<Need>,
    /// Where inventories belong.
    pub targets: Vec<Target>,
    /// What accounts may hold.
    pub capacities: Vec<Capacity>,
    /// How matches are priced, and what a rule may approve.
    pub policies: Vec<Policy>,
    /// What bases are expected to move.
    pub bases: Vec<Basis>,
    /// The files it was read from.
    pub sources: Sources,
}

/// A contract with what matching and proposals need of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traded {
    /// The contract.
    pub of: Contract,
    /// Where it is traded.
    pub venue: String,
    /// The smallest step of its price.
    pub tick: Rational,
    /// Margin of an open lot, in its currency, each side by itself (no relief for the larger one).
    pub margin_per_lot: Rational,
}

/// A client (客户).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// How the file calls it.
    pub name: String,
    /// How people do.
    pub title: String,
    /// Who owns it in the end (实际控制人); the client itself where nothing is written.
    pub owner: String,
}

/// An account with a broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// How the file and the record call it.
    pub name: String,
    /// Whose.
    pub client: usize,
    /// On which side of the border.
    pub border: Border,
    /// With whom it may net: a place in `groups`.
    pub group: usize,
}

/// Accounts that may net with each other (隔离组): those behind one wall, or, where none is
/// written, of one owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The wall's name, or the owner's.
    pub name: String,
    /// Whether a `[[wall]]` says so.
    pub is_wall: bool,
    /// What allows it to hold several owners; `None`: it holds one.
    pub allowed_by: Option<String>,
}

/// What a strategy holds of a contract in an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Whose: a place in `strategies`.
    pub strategy: usize,
    /// Where.
    pub account: usize,
    /// Of what.
    pub contract: usize,
    /// Above zero for bought lots, below for sold ones.
    pub lots: i64,
}

/// When something is wanted, and how much it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Who asked for it.
    pub by: String,
    /// Urgency when it begins, thousandths.
    pub urgency: u16,
    /// When it begins.
    pub from: Timestamp,
    /// Until when it is wanted; its urgency is 1,000 then.
    pub until: Timestamp,
}

/// Lots that a strategy wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// How the file calls it.
    pub name: String,
    /// Whose.
    pub strategy: usize,
    /// In which account.
    pub account: usize,
    /// Of what.
    pub contract: usize,
    /// Above zero to buy, below to sell.
    pub lots: i64,
    /// Whether it opens a position, or closes one (开平).
    pub opens: bool,
    /// When, by whom, how urgent.
    pub wish: Wish,
    /// Contracts of the same product that it would take instead.
    pub instead: Vec<usize>,
}

/// What a strategy is to hold of a product in an account, all months together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Whose.
    pub strategy: usize,
    /// In which account.
    pub account: usize,
    /// In which contract it is restored.
    pub contract: usize,
    /// What is to be held, in the product's unit.
    pub quantity: Rational,
    /// So far from it nothing is done.
    pub band: Rational,
    /// When, by whom, how urgent.
    pub wish: Wish,
}

/// What an account may hold of a product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// Which account.
    pub account: usize,
    /// Of which product.
    pub product: usize,
    /// Most lots, both directions and all strategies and contracts together.
    pub max_lots: i64,
}

/// How the price of a match is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PriceKind {
    /// The middle of bid and ask.
    #[default]
    Mid,
    /// The last trade.
    Last,
    /// The volume-weighted average so far.
    Vwap,
    /// Another contract's middle, and a basis to it.
    FairBasis,
}

/// The words of files and reports.
pub const PRICES: &[(&str, PriceKind)] = &[
    ("mid", PriceKind::Mid),
    ("last", PriceKind::Last),
    ("vwap", PriceKind::Vwap),
    ("fair_basis", PriceKind::FairBasis),
];

/// How a product is matched, and what of it a rule may approve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Which product.
    pub product: usize,
    /// How the price of a match is found.
    pub price: PriceKind,
    /// The anchors of contracts, where the price is a fair basis.
    pub fair: Vec<Fair>,
    /// Proposals of one group are approved by rule up to this cost together, in the book's
    /// currency.
    pub max_cost: Rational,
    /// And up to so many lots together.
    pub max_lots: i64,
    /// Who approves the others.
    pub approver: String,
}

/// A contract's price by another one's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fair {
    /// Which contract.
    pub contract: usize,
    /// By which other one's middle.
    pub anchor: usize,
    /// What is added to it, in the contract's own price.
    pub basis: Rational,
}

/// What the difference between two contracts is expected to move against whoever holds the other
/// one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Basis {
    /// The two.
    pub between: [usize; 2],
    /// By one unit of the product, in the book's currency.
    pub expected_move: Rational,
    /// Where that comes from.
    pub origin: Origin,
}

impl Book {
    /// What a unit of a currency is worth in the book's; `None` if that is not known.
    #[must_use]
    pub fn rate(&self, currency: &str) -> Option<Rational> {
        if currency == self.currency {
            return Some(Rational::ONE);
        }
        self.rates.iter().find(|rate| rate.currency == currency).map(|rate| rate.rate)
    }

    /// The policy of a contract's product.
    #[must_use]
    pub fn policy(&self, contract: usize) -> Option<&Policy> {
        let product = self.contracts[contract].of.product;
        self.policies.iter().find(|policy| policy.product == product)
    }

    /// What a strategy holds of a contract in an account, lots.
    #[must_use]
    pub fn held(&self, strategy: usize, account: usize, contract: usize) -> i64 {
        let key = (strategy, account, contract);
        let found =
            self.inventories.iter().find(|row| (row.strategy, row.account, row.contract) == key);
        found.map_or(0, |row| row.lots)
    }

    /// Lots of a product in an account, both directions and all strategies together.
    #[must_use]
    pub fn gross(&self, account: usize, product: usize) -> i64 {
        let of = |row: &&Inventory| {
            row.account == account && self.contracts[row.contract].of.product == product
        };
        self.inventories.iter().filter(of).map(|row| row.lots.abs()).sum()
    }

    /// Most lots of a product in an account; `None`: nothing is said of it.
    #[must_use]
    pub fn capacity(&self, account: usize, product: usize) -> Option<i64> {
        let of = |row: &&Capacity| row.account == account && row.product == product;
        self.capacities.iter().find(of).map(|row| row.max_lots)
    }
}

/// Reads and checks the book in `path` and in what it includes.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(path: &Path) -> Result<Book, Invalid> {
    let report = Report::default();
    let sources = Sources::read(path, &report);
    read::check(sources, report)
}

/// Like `load`, with `text` instead of the contents of `path`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_text(path: &Path, text: &str) -> Result<Book, Invalid> {
    let report = Report::default();
    let sources = Sources::of_text(path, text.to_owned(), &report);
    read::check(sources, report)
}
