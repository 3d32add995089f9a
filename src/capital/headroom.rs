//! How many more lots each account can carry: what may be opened before the worst case reaches the
//! level from which only reducing orders are sent.
//!
//! It is given by account, contract and side, each as if it were the only one opened. A desk counts
//! lots and knows no money: these are the numbers to hold its limits to. They are told to people
//! and programs, and set by nobody here: limits of a running engine are lowered by signed command
//! (`xmc limits`).

use super::book::{Book, Effect, Order, Side};
use super::{level, stand};
use crate::config::capital::Capital;
use rust_decimal::Decimal;
use serde::Serialize;

/// Lots that fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Headroom {
    /// The account's place in the terms.
    pub account: usize,
    /// The contract's.
    pub contract: usize,
    /// Bought or sold.
    pub side: Side,
    /// How many more lots.
    pub lots: u32,
}

/// What fits, by account, contract and side; contracts that an account cannot hold are left out:
/// those in another currency than its own.
#[must_use]
pub fn all(terms: &Capital, book: &Book) -> Vec<Headroom> {
    let mut rows = Vec::new();
    for (account, own) in terms.accounts.iter().enumerate() {
        for (contract, of) in terms.contracts.iter().enumerate() {
            if of.currency == own.currency {
                rows.extend(Side::BOTH.map(|side| {
                    let lots = lots(terms, book, account, (contract, side));
                    Headroom { account, contract, side, lots }
                }));
            }
        }
    }
    rows
}

/// Lots of one contract that an account can open more, on one side, at the price of now.
///
/// In each case (a shock, or none) what is missing is a convex function of the lots, so what fits
/// is all of 0 to some number, or nothing: it is found by halving.
#[must_use]
pub fn lots(terms: &Capital, book: &Book, account: usize, (contract, side): (usize, Side)) -> u32 {
    let most = level::levels(terms, book.volatility).reduce_only;
    let fits = |lots: u32| {
        let order = Order {
            account,
            contract,
            side,
            effect: Effect::Open,
            lots,
            price: book.prices[contract],
            is_hedge: false,
        };
        let more = if lots == 0 { &[][..] } else { &[order] };
        let worst = stand::worst(terms, book, account, more);
        worst.used <= worst.equity.max(Decimal::ZERO) * most
    };
    let held = book
        .positions
        .iter()
        .filter(|row| (row.account, row.contract, row.side) == { (account, contract, side) });
    let waiting = book.orders.iter().filter(|row| {
        (row.account, row.contract, row.side, row.effect) == (account, contract, side, Effect::Open)
    });
    let taken = held.map(|row| row.lots).chain(waiting.map(|row| row.lots));
    let taken = taken.fold(0_u32, u32::saturating_add);
    let (mut fitting, mut over) = (0, terms.contracts[contract].max_lots.saturating_sub(taken));
    if !fits(0) {
        return 0;
    }
    if fits(over) {
        return over;
    }
    while over - fitting > 1 {
        let middle = fitting + (over - fitting) / 2;
        if fits(middle) {
            fitting = middle;
        } else {
            over = middle;
        }
    }
    fitting
}
