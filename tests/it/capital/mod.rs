//! Capital: margins against a recount, worst cases against every combination of fills, plans
//! against brute force, and slips in either file.

mod flow;
mod ledger;
mod level;
mod margin;
mod paths;
mod plan;
mod route;
mod rules;
mod slips;
mod transfer;
mod worst;

use cross_market_connect::capital::Book;
use cross_market_connect::capital::book::{Balance, Effect, Order, Position, Side, of_text};
use cross_market_connect::config::capital::{Capital, load_text};
use fastrand::Rng;
use rust_decimal::Decimal;
use std::path::Path;
use std::sync::OnceLock;

/// The sample's terms, as text.
pub fn terms_text() -> String {
    std::fs::read_to_string(crate::config::sample("capital_demo.toml")).expect("the sample")
}

/// The sample's book, as text.
pub fn book_text() -> String {
    std::fs::read_to_string(crate::config::sample("capital_demo.book.json")).expect("the sample")
}

/// Terms of a text.
pub fn terms_of(text: &str) -> Capital {
    load_text(Path::new("capital.toml"), text)
        .unwrap_or_else(|invalid| panic!("{}", invalid.render(false)))
}

/// The sample with the first of each pair replaced by the second, wherever it occurs.
pub fn edited(edits: &[(&str, &str)]) -> Capital {
    let mut text = terms_text();
    for (find, replace) in edits {
        assert!(text.contains(find), "the sample has no {find:?}");
        text = text.replace(find, replace);
    }
    terms_of(&text)
}

/// The sample's book under the sample's terms.
pub fn book(terms: &Capital) -> Book {
    of_text("book.json", &book_text(), terms).unwrap_or_else(|refused| panic!("{refused}"))
}

/// The sample's book under its own terms, however others would charge it.
fn base() -> Book {
    static BASE: OnceLock<Book> = OnceLock::new();
    BASE.get_or_init(|| book(&edited(&[]))).clone()
}

/// A decimal.
pub fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

/// A price near that of a contract, on a grid of 1e-4.
fn price(terms: &Capital, contract: usize, rng: &mut Rng) -> Decimal {
    let base = terms.contracts[contract].price;
    (base * Decimal::new(rng.i64(900..1_100), 3)).round_dp(4)
}

/// A random book: up to seven positions and four orders in accounts of their own currency.
pub fn random_book(terms: &Capital, rng: &mut Rng) -> Book {
    let mut book = base();
    for contract in 0..terms.contracts.len() {
        book.prices[contract] = price(terms, contract, rng);
    }
    let days = ["2026-07-15", "2026-08-03", "2026-08-04", "2026-09-01"];
    book.day = rng.choice(days).expect("a day").parse().expect("a day");
    book.volatility = None;
    (book.positions, book.orders) = (Vec::new(), Vec::new());
    for balance in &mut book.balances {
        *balance = Balance { settled: Decimal::from(rng.i64(0..40_000_000)), ..Balance::default() };
    }
    for _ in 0..rng.usize(0..=7) {
        let (account, contract) = fitting(terms, rng);
        book.positions.push(Position {
            account,
            contract,
            side: if rng.bool() { Side::Long } else { Side::Short },
            lots: rng.u32(1..=40),
            is_today: rng.bool(),
            reference: price(terms, contract, rng),
            is_hedge: rng.u8(0..4) == 0,
        });
    }
    for _ in 0..rng.usize(0..=4) {
        let (account, contract) = fitting(terms, rng);
        book.orders.push(Order {
            account,
            contract,
            side: if rng.bool() { Side::Long } else { Side::Short },
            effect: [Effect::Open, Effect::Open, Effect::Close, Effect::CloseToday]
                [rng.usize(0..4)],
            lots: rng.u32(1..=20),
            price: price(terms, contract, rng),
            is_hedge: rng.u8(0..4) == 0,
        });
    }
    book
}

/// An account and a contract in its currency.
fn fitting(terms: &Capital, rng: &mut Rng) -> (usize, usize) {
    loop {
        let account = rng.usize(0..terms.accounts.len());
        let contract = rng.usize(0..terms.contracts.len());
        if terms.accounts[account].currency == terms.contracts[contract].currency {
            return (account, contract);
        }
    }
}

/// The sample with every way of charging: gross or net, larger side or not, either price.
pub fn kinds() -> Vec<Capital> {
    let product = "larger_side = \"product\"";
    let reference = "margin_price = \"reference\"";
    vec![
        edited(&[]),
        edited(&[(product, "larger_side = \"contract\"")]),
        edited(&[(product, "larger_side = \"none\""), (reference, "margin_price = \"last\"")]),
        edited(&[("open_profit = \"losses_only\"", "open_profit = \"counts\"")]),
    ]
}
