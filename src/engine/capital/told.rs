//! What people and programs are told of capital: where each account stands, what should be sent
//! where, and a line in a file for each change.

use crate::alert::signal::{Labels, labels};
use crate::capital::plan::{Instruction, Plan};
use crate::capital::stand::Stand;
use crate::capital::{Book, Stage};
use crate::config::capital::{Capital, Levels};
use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// The file beside the record: JSON Lines, only ever added to.
pub const LOG: &str = "capital.log";

/// Where an account stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AccountFigures {
    /// Its name in the terms.
    pub account: String,
    /// What it is kept in.
    pub currency: String,
    /// Money and open profit.
    pub equity: Decimal,
    /// Margin used.
    pub margin: Decimal,
    /// Used of what carries it; `None`: nothing does.
    pub utilisation: Option<Decimal>,
    /// The same in the worst case; `None`: nothing would carry it.
    pub worst: Option<Decimal>,
    /// The shock of the worst case; `None`: prices stay.
    pub shock: Option<String>,
    /// What it may do: its own level, or less where the figures are not relied on.
    pub stage: Stage,
    /// Its own level.
    #[serde(skip)]
    pub own_stage: Stage,
}

/// Money that should go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Transfer {
    /// Instructions are numbered from 1 on.
    pub number: u64,
    /// The route.
    pub route: String,
    /// From which account or pool.
    pub from: String,
    /// To which.
    pub to: String,
    /// How much leaves.
    pub amount: Decimal,
    /// In which currency.
    pub currency: String,
    /// It comes from another account (调拨) and not from a pool (补仓).
    pub is_transfer: bool,
    /// When it leaves.
    pub leaves: Timestamp,
    /// When it is there.
    pub arrives: Timestamp,
    /// That is too late.
    pub is_late: bool,
    /// Who approves it.
    pub approver: String,
}

/// Money that no route can bring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unmet {
    /// They are numbered from 1 on.
    pub number: u64,
    /// Who lacks it.
    pub account: String,
    /// In which currency.
    pub currency: String,
    /// How much.
    pub amount: Decimal,
}

/// Why the figures are not relied on: then nothing is opened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "doubt", rename_all = "snake_case")]
pub enum Doubt {
    /// The book is older than it may be.
    BookOld,
    /// An exchange rate is.
    RateOld {
        /// Of which currency.
        currency: String,
    },
    /// Lots were closed that the book does not have.
    Unmatched {
        /// Where.
        account: String,
        /// Of what.
        contract: String,
    },
    /// The market is outside the prices that the terms believe: marks of it stand still, at the
    /// last one that was inside.
    PriceOutside {
        /// Of what.
        contract: String,
        /// From which price on the terms believe it.
        lowest: Decimal,
        /// To which.
        highest: Decimal,
    },
    /// Something was traded of which nobody here knows what it did.
    Unexplained,
    /// The record cannot be followed: the shadow of the desk does something else.
    NotFollowed,
}

impl Transfer {
    /// What an alert of it is about.
    #[must_use]
    pub fn labels(&self) -> Labels {
        labels([
            ("route", &self.route),
            ("from", &self.from),
            ("account", &self.to),
            ("amount", &self.amount.to_string()),
            ("currency", &self.currency),
            ("approver", &self.approver),
            ("arrives", &self.arrives.strftime("%Y-%m-%dT%H:%MZ").to_string()),
        ])
    }
}

impl Doubt {
    /// What an alert of it is about.
    #[must_use]
    pub fn labels(&self) -> Labels {
        let mut all = labels([("doubt", self.word())]);
        match self {
            Self::RateOld { currency } => {
                all.insert("currency".to_owned(), currency.clone());
            }
            Self::Unmatched { account, contract } => {
                all.insert("account".to_owned(), account.clone());
                all.insert("instrument".to_owned(), contract.clone());
            }
            Self::PriceOutside { contract, lowest, highest } => {
                all.insert("instrument".to_owned(), contract.clone());
                all.insert("lowest".to_owned(), lowest.normalize().to_string());
                all.insert("highest".to_owned(), highest.normalize().to_string());
            }
            Self::BookOld | Self::Unexplained | Self::NotFollowed => {}
        }
        all
    }

    /// Its word, as in the file.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::BookOld => "book_old",
            Self::RateOld { .. } => "rate_old",
            Self::Unmatched { .. } => "unmatched",
            Self::PriceOutside { .. } => "price_outside",
            Self::Unexplained => "unexplained",
            Self::NotFollowed => "not_followed",
        }
    }
}

/// How capital stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// When it was reckoned.
    pub at: Timestamp,
    /// The book that it goes on from.
    pub book_at: Timestamp,
    /// That book is made up.
    pub is_sample: bool,
    /// Accounts, in the order of the terms.
    pub accounts: Vec<AccountFigures>,
    /// From which utilisation on what is done, now.
    #[serde(skip)]
    pub levels: Levels,
    /// Why none of it is relied on; empty: it is.
    pub doubts: Vec<Doubt>,
    /// Books that were gone on from, the first included.
    pub books: u64,
    /// Why the newest book was not taken; `None`: it was.
    pub refused: Option<String>,
    /// What should go where: the last instructions.
    pub transfers: VecDeque<Transfer>,
    /// What no route reaches: the last ones.
    pub unmet: VecDeque<Unmet>,
    /// Times that it was reckoned.
    pub looks: u64,
    /// The longest that took, microseconds.
    pub slowest_look_us: u64,
    /// From the last input that an account was found below a level at, to the desk's taking of what
    /// followed: the longest of all, microseconds; `None`: nothing was done.
    pub slowest_action_us: Option<u64>,
    /// Commands that the desk has taken.
    pub actions: u64,
}

/// Figures for whoever looks on.
#[derive(Debug, Default)]
pub struct Published {
    figures: Mutex<Option<Arc<Figures>>>,
    /// Counts what people have to be told.
    changes: AtomicU64,
}

impl Published {
    /// As they are now; `None` before the first look.
    ///
    /// # Panics
    /// Never: nobody panics with the lock.
    #[must_use]
    pub fn figures(&self) -> Option<Arc<Figures>> {
        self.lock().clone()
    }

    /// Grows when a level, a doubt or a refused book comes or goes.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    pub(super) fn put(&self, figures: Figures, is_change: bool) {
        *self.lock() = Some(Arc::new(figures));
        if is_change {
            self.changes.fetch_add(1, Ordering::Release);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Figures>>> {
        self.figures.lock().expect("nobody panics with it")
    }
}

/// Money for people: no more places than it has, and no more than six.
pub(super) fn shown(value: Decimal) -> Decimal {
    value.round_dp(6).normalize()
}

pub(super) fn account(
    terms: &Capital,
    stand: &Stand,
    (own_stage, stage): (Stage, Stage),
) -> AccountFigures {
    let own = &terms.accounts[stand.account];
    AccountFigures {
        account: own.name.clone(),
        currency: own.currency.clone(),
        equity: shown(stand.equity),
        margin: shown(stand.used),
        utilisation: stand.utilisation.map(shown),
        worst: stand.worst.utilisation().map(shown),
        shock: stand.worst.shock.map(|at| terms.shocks[at].name.clone()),
        stage,
        own_stage,
    }
}

pub(super) fn transfers(terms: &Capital, plan: &Plan, last: u64) -> Vec<Transfer> {
    let transfer = |(row, number): (&Instruction, u64)| {
        let route = &terms.routes[row.route];
        Transfer {
            number,
            route: route.name.clone(),
            from: terms.holder_name(route.from).to_owned(),
            to: terms.holder_name(route.to).to_owned(),
            amount: shown(row.amount),
            currency: terms.holder_currency(route.from).to_owned(),
            is_transfer: row.is_transfer,
            leaves: row.times.leaves,
            arrives: row.times.arrives,
            is_late: row.is_late,
            approver: route.approver.clone(),
        }
    };
    plan.instructions.iter().zip(last + 1..).map(transfer).collect()
}

/// A fraction in percent, rounded to the nearest.
#[must_use]
pub fn percent(fraction: Decimal) -> i64 {
    (fraction * Decimal::ONE_HUNDRED).round().to_i64().unwrap_or(i64::MAX)
}

/// A line of the file.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Line<'l> {
    /// A book is gone on from.
    Book { at: Timestamp, book_at: Timestamp, is_sample: bool },
    /// A book was not taken.
    Refused { at: Timestamp, why: &'l str },
    /// An account has come to another level.
    Stage {
        at: Timestamp,
        from: Stage,
        #[serde(flatten)]
        account: &'l AccountFigures,
    },
    /// Money should go; somebody approves it.
    Instruction {
        at: Timestamp,
        #[serde(flatten)]
        transfer: &'l Transfer,
    },
    /// What no route reaches.
    Unmet {
        at: Timestamp,
        #[serde(flatten)]
        unmet: &'l Unmet,
    },
    /// The figures are not relied on, or are again.
    Doubts { at: Timestamp, doubts: &'l [Doubt] },
}

impl Line<'_> {
    pub(super) fn book(at: Timestamp, book: &Book) -> Self {
        Self::Book { at, book_at: book.at, is_sample: book.is_sample }
    }
}

/// The file.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    /// Lines that could not be written.
    pub failures: u64,
}

impl Log {
    pub fn open(directory: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(directory.join(LOG))?;
        Ok(Self { file, failures: 0 })
    }

    pub fn write(&mut self, line: &Line<'_>) {
        let written = serde_json::to_string(line).map_err(io::Error::other);
        let written = written.and_then(|text| self.file.write_all(format!("{text}\n").as_bytes()));
        self.failures += u64::from(written.is_err());
    }
}
