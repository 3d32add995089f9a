//! The scenario `margin`: accounts that are too small for what is traded, and money that comes.
//!
//! Terms and book are samples, and whoever approves and sends money is SIMULATED: the instruction
//! is read from `capital.log` as a treasury's own program would, and some seconds later there is a
//! new book with the money in it. What the engine does about it is what it does anywhere.

use crate::config::{CapitalLeg, CapitalWatch, Configuration};
use crate::engine::capital::LOG;
use crate::replace::replace;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The terms, as they lie in `config/`.
const TERMS: &str = include_str!("../../../config/demo_capital.toml");
/// What they are called beside the record.
const TERMS_FILE: &str = "capital.toml";
const BOOK_FILE: &str = "capital.book.json";
/// Where the domestic instruments are held, and the overseas ones.
const LEGS: [(&str, &str); 7] = [
    ("cu", "home"),
    ("bc", "home"),
    ("au", "home"),
    ("sc", "home"),
    ("hg", "abroad"),
    ("gc", "abroad"),
    ("cl", "abroad"),
];
/// Prices of the book; the engine has its own from the first quote on.
const PRICES: [(&str, &str, &str); 7] = [
    ("cu", "CNY", "88500"),
    ("bc", "CNY", "78300"),
    ("au", "CNY", "915"),
    ("sc", "CNY", "500"),
    ("hg", "USD", "5"),
    ("gc", "USD", "4000"),
    ("cl", "USD", "70"),
];
/// From an instruction to the money, instead of a quarter of an hour.
const BANK: Duration = Duration::from_secs(3);
const NAP: Duration = Duration::from_millis(50);

/// A treasurer and a bank that are SIMULATED. They stop when this goes.
#[derive(Debug)]
pub(super) struct Treasury {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Treasury {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // One that has panicked has said so.
            let _ = thread.join();
        }
    }
}

fn price((contract, currency, price): &(&str, &str, &str)) -> Value {
    json!({ "contract": contract, "currency": currency, "price": price })
}

fn pool((pool, currency, balance): &(&str, &str, Decimal)) -> Value {
    json!({ "pool": pool, "currency": currency, "balance": balance.to_string() })
}

/// What accounts and pools have.
struct Money {
    at: Timestamp,
    deposits: [(&'static str, &'static str, &'static str, Decimal); 2],
    pools: [(&'static str, &'static str, Decimal); 2],
}

impl Money {
    fn new(at: Timestamp) -> Self {
        Self {
            at,
            deposits: [
                ("home", "CNY", "2400000", Decimal::ZERO),
                ("abroad", "USD", "400000", Decimal::ZERO),
            ],
            pools: [
                ("treasury_cny", "CNY", Decimal::from(9_000_000)),
                ("treasury_usd", "USD", Decimal::from(900_000)),
            ],
        }
    }

    fn book(&self) -> Value {
        let at = self.at.to_string();
        let account = |(account, currency, settled, deposits): &(&str, &str, &str, Decimal)| {
            json!({
                "account": account, "currency": currency, "settled": settled,
                "deposits": deposits.to_string(), "withdrawals": "0", "realised": "0",
                "fees": "0", "frozen": "0",
            })
        };
        json!({
            "schema": "xmc.capital.book",
            "version": 1,
            "at": at,
            "trading_day": self.at.strftime("%Y-%m-%d").to_string(),
            "sample": true,
            "fx": [{ "currency": "USD", "rate": "7.10", "at": at }],
            "prices": PRICES.iter().map(price).collect::<Vec<_>>(),
            "accounts": self.deposits.iter().map(account).collect::<Vec<_>>(),
            "pools": self.pools.iter().map(pool).collect::<Vec<_>>(),
            "positions": [],
            "orders": [],
        })
    }

    /// Does what an instruction says; whether it is one that can be done.
    fn send(&mut self, instruction: &Value) -> bool {
        let text = |key: &str| instruction[key].as_str().unwrap_or_default();
        let amount = text("amount").parse().unwrap_or(Decimal::ZERO);
        let to = self.deposits.iter_mut().find(|row| row.0 == text("to"));
        let from = self.pools.iter_mut().find(|row| row.0 == text("from"));
        match (from, to) {
            (Some(from), Some(to)) if from.2 >= amount => {
                from.2 -= amount;
                to.3 += amount;
                true
            }
            _ => false,
        }
    }
}

/// Puts terms and book beside the record, has the engine watch them, and begins with the money.
pub(super) fn begin(config: &mut Configuration, directory: &Path) -> io::Result<Treasury> {
    std::fs::create_dir_all(directory)?;
    let [terms, book] = [TERMS_FILE, BOOK_FILE].map(|name| directory.join(name));
    let money = Money::new(Timestamp::now());
    replace(&terms, TERMS.as_bytes())?;
    replace(&book, money.book().to_string().as_bytes())?;
    let leg = |(name, account): &(&str, &str)| {
        let mut rows = config.instruments.iter();
        rows.position(|row| row.name.value == *name).map(|instrument| CapitalLeg {
            instrument,
            account: (*account).to_owned(),
            contract: (*name).to_owned(),
        })
    };
    let legs = LEGS.iter().filter_map(leg).collect();
    config.capital =
        Some(CapitalWatch { terms, book: book.clone(), look_ms: 20, book_hours: 24, legs });
    let is_over = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&is_over);
    // What an earlier demonstration was told is done.
    let log = directory.join(LOG);
    let seen = std::fs::read_to_string(&log).unwrap_or_default().lines().count();
    let body = move || serve(money, &log, seen, &book, &ends);
    let thread = std::thread::Builder::new().name("demo-treasury".to_owned()).spawn(body)?;
    Ok(Treasury { is_over, thread: Some(thread) })
}

/// Sends what is instructed, some seconds later, until it is over.
fn serve(mut money: Money, log: &Path, mut seen: usize, book: &Path, is_over: &AtomicBool) {
    let mut waiting: Vec<(Instant, Value)> = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        std::thread::sleep(NAP);
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<_> = text.lines().skip(seen).collect();
        seen += lines.len();
        let told = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let told = told.filter(|line| line["event"] == "instruction");
        waiting.extend(told.map(|line| (Instant::now() + BANK, line)));
        let due = waiting.iter().take_while(|(at, _)| *at <= Instant::now()).count();
        let mut has_sent = false;
        for (_, instruction) in waiting.drain(..due) {
            has_sent |= money.send(&instruction);
        }
        if has_sent {
            // A disk that refuses leaves the book as it was, and the engine says what it sees.
            let _ = replace(book, money.book().to_string().as_bytes());
        }
    }
}
