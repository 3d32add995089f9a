//! The end of a trading day (逐日盯市): profit of what is held becomes money at the settlement
//! price, and counts from that price on.
//!
//! Domestic exchanges settle so, and overseas variation margin (futures-style) comes to the same.
//! Equity at the settlement price is the same before and after; what may be paid out is not. Orders
//! do not live past it.

use super::book::{Balance, Book};
use crate::config::capital::Capital;
use jiff::civil::Date;
use rust_decimal::Decimal;

/// The book of the next trading day; `settlements` are by contract.
#[must_use]
pub fn settle(terms: &Capital, book: &Book, settlements: &[Decimal], next: Date) -> Book {
    let mut after = book.clone();
    after.day = next;
    after.orders.clear();
    after.prices = settlements.to_vec();
    for (account, balance) in after.balances.iter_mut().enumerate() {
        let own = &terms.accounts[account];
        let rows = book.positions.iter().filter(|row| row.account == account);
        let gained: Decimal = rows
            .map(|row| {
                let contract = &terms.contracts[row.contract];
                let gained = contract.value(settlements[row.contract] - row.reference);
                let rate = book.rate(terms, &contract.currency, &own.currency);
                gained * row.side.sign() * Decimal::from(row.lots) * rate
            })
            .sum();
        let settled = balance.cash() + gained;
        *balance = Balance { settled, frozen: balance.frozen, ..Balance::default() };
    }
    for row in &mut after.positions {
        row.reference = settlements[row.contract];
        row.is_today = false;
    }
    after
}
