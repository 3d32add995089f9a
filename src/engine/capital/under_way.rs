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

    /// Another book is in use: what it shows is there.
    pub fn seen(&mut self, book: &Book) {
        // Whoever changes the currency does so at a rate of their own.
        let most = |known: &Transfer| known.paid_in + known.comes * NEARLY;
        self.0.retain(|known| paid_in(book, known.to) < most(known));
    }

    /// The book as it will be when all of it is done.
    pub fn in_book(&mut self, book: &Book, at: Timestamp) -> Book {
        self.0.retain(|known| at < known.until);
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
