//! Who is called first: how accounts on both sides of the border stand when prices move.
//!
//! Every price moves by the same fraction, both markets together: what one side gains the other
//! loses, and the money is on the wrong side of the border. No order is filled and no money moves.

use super::book::Book;
use super::{level, stand};
use crate::config::capital::Capital;
use rust_decimal::Decimal;

/// Moves are looked at so finely: 0.1 %.
const STEP: Decimal = Decimal::from_parts(1, 0, 0, false, 3);
/// And so far, either way: 40 %.
const STEPS: u32 = 400;

/// An account that is called as prices move one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// The account's place in the terms.
    pub account: usize,
    /// The smallest move at which it warns; `None`: none within reach.
    pub warns_at: Option<Decimal>,
    /// The smallest move at which its margin is more than its equity.
    pub called_at: Option<Decimal>,
    /// What it lacks to its target at the call, in its currency.
    pub lacks: Decimal,
}

/// The accounts in the order in which they are called, as prices rise or fall.
#[must_use]
pub fn order(terms: &Capital, book: &Book, is_up: bool) -> Vec<Called> {
    let sign = if is_up { Decimal::ONE } else { Decimal::NEGATIVE_ONE };
    let levels = level::levels(terms, book.volatility);
    let mut rows: Vec<_> = (0..terms.accounts.len())
        .map(|account| {
            let mut row = Called { account, warns_at: None, called_at: None, lacks: Decimal::ZERO };
            for step in 0..=STEPS {
                let by = STEP * Decimal::from(step) * sign;
                let case = stand::moved_by(terms, book, account, by);
                let used = case.utilisation();
                if row.warns_at.is_none() && used.is_none_or(|used| used >= levels.warn) {
                    row.warns_at = Some(by);
                }
                if used.is_none_or(|used| used >= Decimal::ONE) {
                    row.called_at = Some(by);
                    row.lacks = case.used / levels.target - case.equity;
                    break;
                }
            }
            row
        })
        .collect();
    let far = Decimal::MAX;
    rows.sort_by_key(|row| {
        let size = |at: Option<Decimal>| at.map_or(far, |at| at.abs());
        (size(row.called_at), size(row.warns_at))
    });
    rows
}

/// Utilisation of every account at each of these moves; `None` where nothing carries the margin.
#[must_use]
pub fn table(terms: &Capital, book: &Book, moves: &[Decimal]) -> Vec<Vec<Option<Decimal>>> {
    let at = |by: &Decimal| {
        let accounts = 0..terms.accounts.len();
        accounts.map(|of| stand::moved_by(terms, book, of, *by).utilisation()).collect()
    };
    moves.iter().map(at).collect()
}
