//! The terms of capital: accounts, contracts with their margin, levels, and the ways money can go.
//!
//! A file of its own (`xmc capital show FILE BOOK`), read with the rules and messages of an
//! engine's. It holds what is agreed with brokers and banks and changes rarely; what is held and
//! what it is worth now is a `capital::book`. Nothing about an exchange is known to the program:
//! every rate stands in the file with where it comes from (`source`) and when it was read (`date`).
//!
//! Slips are met by saying things twice: what one lot is worth and its margin (`lot_value`,
//! `lot_margin`) have to agree with what price, multiplier and rate make of them, as brokers print
//! both.

mod read;
mod route;
mod walk;

use super::source::Sources;
use super::{Invalid, Report};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use std::path::Path;

pub(crate) use read::origin;
pub use walk::{Paths, Walk};

/// Everything that is agreed.
#[derive(Clone, Debug)]
pub struct Capital {
    /// The currency that all accounts are shown in together.
    pub currency: String,
    /// An exchange rate that is older is refused.
    pub fx_max_age_minutes: u32,
    /// From which utilisation on what is done.
    pub levels: Levels,
    /// How levels follow volatility; `None`: they do not.
    pub volatility: Option<Volatility>,
    /// Currencies other than `currency`, with the rates that are sane.
    pub currencies: Vec<Currency>,
    /// Accounts with brokers.
    pub accounts: Vec<Account>,
    /// Money outside of accounts that can be called on.
    pub pools: Vec<Pool>,
    /// What can be held.
    pub contracts: Vec<Contract>,
    /// Contracts that are held against each other.
    pub pairs: Vec<Pair>,
    /// Moves that the worst case is taken over.
    pub shocks: Vec<Shock>,
    /// Ways that money can go.
    pub routes: Vec<Route>,
    /// What `xmc capital paths` plays; `None`: nothing.
    pub paths: Option<Paths>,
    /// The files it was read from.
    pub sources: Sources,
}

/// Where a figure comes from; shown beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// A notice, a contract, a page; or that it is a sample.
    pub source: String,
    /// When it was read.
    pub date: String,
}

/// Utilisations: margin used as a fraction of equity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// What a top-up brings an account back to.
    pub target: Decimal,
    /// Warning, and an instruction at once.
    pub warn: Decimal,
    /// Only orders that reduce.
    pub reduce_only: Decimal,
    /// Both legs of pairs are closed together.
    pub pair_off: Decimal,
    /// Nothing goes out any more.
    pub stop: Decimal,
    /// A level is left when utilisation is below it by this much.
    pub release: Decimal,
    /// A top-up that arrives later is late.
    pub within_minutes: u32,
}

/// Levels are lowered as volatility rises above normal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Volatility {
    /// Annual volatility at which the levels hold as they are written.
    pub normal: Decimal,
    /// They are never multiplied by less.
    pub tightest: Decimal,
}

/// A currency that is not that of the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Currency {
    /// Code of ISO 4217, or CNH.
    pub name: String,
    /// The lowest rate that is sane: units of the view's currency for one.
    pub lowest: Decimal,
    /// The highest.
    pub highest: Decimal,
}

/// On which side of the border an account is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Border {
    /// 内盘.
    #[default]
    Domestic,
    /// 外盘.
    Overseas,
}

/// How bought and sold lots of a contract stand beside each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Holding {
    /// Both are kept, as domestic counters do.
    #[default]
    Gross,
    /// One against the other.
    Net,
}

/// For what the larger side alone is charged (单向大边).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LargerSide {
    /// Nothing: both sides are charged.
    #[default]
    None,
    /// Each contract by itself.
    Contract,
    /// All months of a product together.
    Product,
}

/// The price that margin by value is taken of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MarginPrice {
    /// What the position was opened or last settled at.
    #[default]
    Reference,
    /// The price of now.
    Last,
}

/// What open profit is good for before it is settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenProfit {
    /// It is equity like any other.
    #[default]
    Counts,
    /// It carries no margin; the losses of each position do count.
    LossesOnly,
}

/// An account with a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// How books call it.
    pub name: String,
    /// On which side of the border.
    pub border: Border,
    /// Who keeps it.
    pub broker: String,
    /// Whose it is.
    pub client: String,
    /// What it is kept in.
    pub currency: String,
    /// Gross or net.
    pub holding: Holding,
    /// What the larger side alone is charged for.
    pub larger_side: LargerSide,
    /// The price of margins.
    pub margin_price: MarginPrice,
    /// What open profit is good for.
    pub open_profit: OpenProfit,
    /// Equity that no plan takes away from it.
    pub keep: Decimal,
    /// Within this a call has to be met.
    pub grace_minutes: u32,
    /// Where that comes from.
    pub origin: Origin,
}

/// Money outside of accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// How books call it.
    pub name: String,
    /// What it is kept in.
    pub currency: String,
    /// What no plan takes.
    pub keep: Decimal,
    /// Where that comes from.
    pub origin: Origin,
}

/// Whether a figure is money for a lot, or a part of what the lot is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// A fraction of price times multiplier.
    #[default]
    Value,
    /// Money for each lot, in the contract's currency.
    Lot,
}

/// What an order of a kind pays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fees {
    /// By value or by lot.
    pub unit: Unit,
    /// To open.
    pub open: Decimal,
    /// To close lots of earlier days.
    pub close: Decimal,
    /// To close lots of the same day (平今).
    pub close_today: Decimal,
}

/// A contract of one delivery month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// How books call it.
    pub name: String,
    /// All months of which share the larger side.
    pub product: String,
    /// What it is of, on both sides of the border: `copper`.
    pub underlying: String,
    /// Market identifier code of ISO 10383.
    pub venue: String,
    /// What it is priced in.
    pub currency: String,
    /// Money of a lot for a price of 1.
    pub multiplier: Decimal,
    /// What it was worth when the file was written.
    pub price: Decimal,
    /// A price that is further away than this fraction is refused.
    pub price_band: Decimal,
    /// Most lots of one side in one account.
    pub max_lots: u32,
    /// The last day that it trades.
    pub last_day: Date,
    /// Fees.
    pub fees: Fees,
    /// Margin of those who do not hedge.
    pub margin: Margin,
    /// Margin of hedging positions (套保); `None`: the same.
    pub hedge_margin: Option<Margin>,
    /// Where sizes and fees come from.
    pub origin: Origin,
}

impl Contract {
    /// What one lot is worth at a price.
    #[must_use]
    pub fn value(&self, price: Decimal) -> Decimal {
        price * self.multiplier
    }

    /// The lowest and the highest price that is not refused.
    #[must_use]
    pub fn sane_prices(&self) -> (Decimal, Decimal) {
        let away = self.price * self.price_band;
        (self.price - away, self.price + away)
    }
}

/// What a contract asks for, by side and by day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Margin {
    /// By value or by lot.
    pub unit: Unit,
    /// What the broker asks for above the exchange.
    pub broker: Decimal,
    /// What this house reserves above that in its worst case.
    pub stress: Decimal,
    /// From the first day on, then from later ones; never empty in a checked file.
    pub steps: Vec<Step>,
    /// Where that comes from.
    pub origin: Origin,
}

impl Margin {
    /// The step that holds on a day.
    #[must_use]
    pub fn on(&self, day: Date) -> Step {
        let begun = self.steps.iter().rev().find(|step| step.from <= day);
        begun.or(self.steps.first()).copied().unwrap_or_default()
    }
}

/// What the exchange asks for from a day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The first day.
    pub from: Date,
    /// For a bought lot.
    pub long: Decimal,
    /// For a sold one.
    pub short: Decimal,
    /// Whether it takes part in what the larger side alone is charged for.
    pub is_relieved: bool,
}

impl Default for Step {
    fn default() -> Self {
        let (long, short) = (Decimal::ZERO, Decimal::ZERO);
        Self { from: Date::MIN, long, short, is_relieved: true }
    }
}

/// Two contracts that are held against each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// What it is called.
    pub name: String,
    /// One leg's place among the contracts, the domestic one.
    pub domestic: usize,
    /// The other leg's.
    pub overseas: usize,
    /// Lots of a unit.
    pub domestic_lots: u32,
    /// Lots of a unit, on the other side.
    pub overseas_lots: u32,
}

/// A move that has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shock {
    /// Its name.
    pub name: String,
    /// Fraction by which prices move, on both sides of the border.
    pub price: Decimal,
    /// Underlyings that move by another one.
    pub moves: Vec<(String, Decimal)>,
    /// Fraction by which other currencies move against that of the view.
    pub fx: Decimal,
    /// Where that comes from.
    pub origin: Origin,
}

impl Shock {
    /// By what an underlying moves.
    #[must_use]
    pub fn of(&self, underlying: &str) -> Decimal {
        let own = self.moves.iter().find(|(name, _)| name == underlying);
        own.map_or(self.price, |(_, price)| *price)
    }
}

/// Who has money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Holder {
    /// An account, by its place in the file.
    Account(usize),
    /// A pool.
    Pool(usize),
    /// Not known; never in a checked file.
    #[default]
    Nowhere,
}

/// A way that money can go.
#[derive(Clone, Debug)]
pub struct Route {
    /// What it is called.
    pub name: String,
    /// From where.
    pub from: Holder,
    /// To where.
    pub to: Holder,
    /// Most that goes at once, in the currency it leaves in.
    pub limit: Decimal,
    /// What each transfer costs, in the currency it leaves in.
    pub fee: Decimal,
    /// What it costs by amount: fees, and what changing the currency loses.
    pub cost_fraction: Decimal,
    /// From when on transfers are taken.
    pub opens: Time,
    /// Until when.
    pub cut_off: Time,
    /// Whose time that is.
    pub zone: TimeZone,
    /// Days besides Saturday and Sunday on which none are.
    pub holidays: Vec<Date>,
    /// How long one takes.
    pub takes_minutes: u32,
    /// Who approves it.
    pub approver: String,
    /// Where that comes from.
    pub origin: Origin,
}

impl Capital {
    /// What a holder is called.
    #[must_use]
    pub fn holder_name(&self, holder: Holder) -> &str {
        match holder {
            Holder::Account(index) => self.accounts.get(index).map_or("", |found| &found.name),
            Holder::Pool(index) => self.pools.get(index).map_or("", |found| &found.name),
            Holder::Nowhere => "",
        }
    }

    /// What money of a holder is in.
    #[must_use]
    pub fn holder_currency(&self, holder: Holder) -> &str {
        match holder {
            Holder::Account(index) => self.accounts.get(index).map_or("", |found| &found.currency),
            Holder::Pool(index) => self.pools.get(index).map_or("", |found| &found.currency),
            Holder::Nowhere => "",
        }
    }
}

/// Reads and checks the terms in `path` and in what it includes.
///
/// # Errors
/// Everything that is wrong with them.
pub fn load(path: &Path) -> Result<Capital, Invalid> {
    let report = Report::default();
    let sources = Sources::read(path, &report);
    read::check(sources, report)
}

/// Like `load`, with `text` instead of the contents of `path`.
///
/// # Errors
/// Everything that is wrong with them.
pub fn load_text(path: &Path, text: &str) -> Result<Capital, Invalid> {
    let report = Report::default();
    let sources = Sources::of_text(path, text.to_owned(), &report);
    read::check(sources, report)
}
