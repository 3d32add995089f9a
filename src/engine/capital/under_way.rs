//! Money that was asked for and is not in the book yet: it is not asked for again.
//!
//! An instruction counts as if it were done until a book shows that so much was paid in since, or
//! until it should have been there and a while longer; then somebody has not done it, and it is
//! asked for anew.

use crate::capital::Book;
use crate::capital::plan::Instruction;
use crate::config::capital::{Capital, Holder};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

/// How long after its time money may come.
const PATIENCE: SignedDuration = SignedDuration::from_mins(30);

/// What may come of what was sent and still count as all of it: 0.99.
const NEARLY: Decimal = Decimal::from_parts(99, 0, 0, false, 2);

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct UnderWay(Vec<Transfer>);

#[derive(Clone, Copy, Debug)]
struct Transfer {
    from: Holder,
    to: Holder,
    /// In the currency of where it leaves, what it costs included.
    leaves: Decimal,
    /// In the currency of where it goes.
    comes: Decimal,
    until: Timestamp,
    /// What the book showed as paid in there, with all that was asked for before: this is there
    /// when a book shows so much more.
    paid_in: Decimal,
}

impl UnderWay {
    /// Something was asked for, by `book`.
    pub fn instructed(&mut self, terms: &Capital, row: &Instruction, book: &Book) {
        let route = &terms.routes[row.route];
        let (from, to) = (route.from, route.to);
        let (here, there) = (terms.holder_currency(from), terms.holder_currency(to));
        let before: Decimal =
            self.0.iter().filter(|known| known.to == to).map(|known| known.comes).sum();
        self.0.push(Transfer {
            from,
            to,
            leaves: row.amount + row.cost,
            comes: row.amount * book.rate(terms, here, there),
            until: row.times.arrives.saturating_add(PATIENCE).unwrap_or(Timestamp::MAX),
            paid_in: paid_in(book, to) + before,
        });
    }

    /// Another book is in use: what it shows is there. On another day deposits are counted anew.
    pub fn seen(&mut self, before: &Book, book: &Book) {
        if before.day != book.day {
            self.0.clear();
        }
        // Whoever changes the currency does so at a rate of their own.
        let most = |known: &Transfer| known.paid_in + known.comes * NEARLY;
        self.0.retain(|known| paid_in(book, known.to) < most(known));
    }

    /// Whether something should have been there by now: it is not counted on any more.
    pub fn expire(&mut self, at: Timestamp) -> bool {
        let before = self.0.len();
        self.0.retain(|known| at < known.until);
        self.0.len() < before
    }

    /// The book as it will be when all of it is done.
    pub fn in_book(&self, book: &Book) -> Book {
        let mut after = book.clone();
        for known in &self.0 {
            match known.from {
                Holder::Account(account) => after.balances[account].withdrawals += known.leaves,
                Holder::Pool(pool) => after.pools[pool] -= known.leaves,
                Holder::Nowhere => {}
            }
            match known.to {
                Holder::Account(account) => after.balances[account].deposits += known.comes,
                Holder::Pool(pool) => after.pools[pool] += known.comes,
                Holder::Nowhere => {}
            }
        }
        after
    }
}

/// What a book shows as paid in: of an account its deposits, of a pool what it has.
fn paid_in(book: &Book, holder: Holder) -> Decimal {
    match holder {
        Holder::Account(account) => book.balances[account].deposits,
        Holder::Pool(pool) => book.pools[pool],
        Holder::Nowhere => Decimal::ZERO,
    }
}
