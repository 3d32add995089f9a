//! A book carried on by what is traded after it was made.
//!
//! A `Book` is what brokers said at an instant. Each fill since then changes positions, takes fees,
//! and books the profit of what it closes, exactly. Lots of one price stay apart from lots of
//! another, since an account may count losses of each by itself. What a fill closes is taken from
//! the lots of the day that its effect names, oldest first, then from those of the other day: the
//! exchange's own choice is known only by the next book. Lots that close what is not there are
//! told: the book was not what the account held.
//!
//! A fill that is taken back is traded back at its price, without fees; positions and equity are
//! right then, and the parts of equity may not be.

use super::book::{Book, Effect, Position, Side};
use super::stand;
use crate::config::capital::{Capital, Holding};
use rust_decimal::Decimal;

/// What a fill does to what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As an order said.
    As(Effect),
    /// Closes what there is on the other side, and opens with the rest.
    Net,
}

/// Lots that were traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The account's place in the terms.
    pub account: usize,
    /// The contract's.
    pub contract: usize,
    /// Bought, or sold.
    pub buys: bool,
    /// What that did.
    pub way: Way,
    /// How many; above 0.
    pub lots: u32,
    /// At which price.
    pub price: Decimal,
    /// The order was a hedge.
    pub is_hedge: bool,
    /// It pays fees: a fill that is taken back does not.
    pub pays: bool,
}

/// Takes a fill into the book; lots that closed what is not there.
pub fn take(terms: &Capital, book: &mut Book, fill: &Fill) -> u32 {
    let opens = if fill.buys { Side::Long } else { Side::Short };
    let is_net = terms.accounts[fill.account].holding == Holding::Net;
    match fill.way {
        Way::As(Effect::Open) if !is_net => {
            open(terms, book, fill, opens, fill.lots);
            0
        }
        Way::As(effect) if !is_net => close(terms, book, fill, opens, effect),
        Way::As(_) | Way::Net => {
            let rest = close(terms, book, fill, opens, Effect::Close);
            open(terms, book, fill, opens, rest);
            0
        }
    }
}

fn open(terms: &Capital, book: &mut Book, fill: &Fill, side: Side, lots: u32) {
    if lots == 0 {
        return;
    }
    let Fill { account, contract, price, is_hedge, .. } = *fill;
    pay(terms, book, fill, Effect::Open, lots);
    let is_same = |row: &Position| {
        (row.account, row.contract, row.side) == (account, contract, side)
            && (row.is_today, row.reference, row.is_hedge) == (true, price, is_hedge)
    };
    match book.positions.iter_mut().find(|row| is_same(row)) {
        Some(row) => row.lots = row.lots.saturating_add(lots),
        None => {
            let reference = price;
            let is_today = true;
            let row = Position { account, contract, side, lots, is_today, reference, is_hedge };
            book.positions.push(row);
        }
    }
}

/// Closes what is held on the other side than `opens`; lots that found nothing.
fn close(terms: &Capital, book: &mut Book, fill: &Fill, opens: Side, effect: Effect) -> u32 {
    let Fill { account, contract, price, is_hedge, .. } = *fill;
    let side = if opens == Side::Long { Side::Short } else { Side::Long };
    let is_meant =
        |row: &Position| (row.account, row.contract, row.side) == (account, contract, side);
    let mut places: Vec<_> =
        (0..book.positions.len()).filter(|place| is_meant(&book.positions[*place])).collect();
    // Stable: what was opened first stays first.
    places.sort_by_key(|place| {
        let row = &book.positions[*place];
        (row.is_hedge != is_hedge, row.is_today != (effect == Effect::CloseToday))
    });
    let mut left = fill.lots;
    let rate = rate(terms, book, fill);
    let mut realised = Decimal::ZERO;
    for place in places {
        let row = &mut book.positions[place];
        let lots = row.lots.min(left);
        row.lots -= lots;
        left -= lots;
        let gained = terms.contracts[contract].value(price - row.reference) * row.side.sign();
        realised += gained * Decimal::from(lots) * rate;
    }
    book.positions.retain(|row| row.lots > 0);
    book.balances[account].realised += realised;
    pay(terms, book, fill, effect, fill.lots - left);
    left
}

fn pay(terms: &Capital, book: &mut Book, fill: &Fill, effect: Effect, lots: u32) {
    if fill.pays {
        let contract = &terms.contracts[fill.contract];
        let fee = stand::fee(&contract.fees, effect, contract.value(fill.price));
        let paid = fee * Decimal::from(lots) * rate(terms, book, fill);
        book.balances[fill.account].fees += paid;
    }
}

fn rate(terms: &Capital, book: &Book, fill: &Fill) -> Decimal {
    let (contract, own) = (&terms.contracts[fill.contract], &terms.accounts[fill.account]);
    book.rate(terms, &contract.currency, &own.currency)
}
