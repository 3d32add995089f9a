//! What is wanted now: needs in their time, and targets that are left by more than their band.
//!
//! Urgency rises in a straight line from what is written at `from` to 1,000 at `until`; before the
//! one and after the other nothing is wanted. A target asks for what is missing to the target, not
//! to the edge of its band, in whole lots towards zero: first closed as far as its strategy holds
//! the other side of the contract, the rest opened.
//!
//! What an account may not hold is cut before anything is matched, since nothing may depend on a
//! closing that may not happen: opening lots get what the capacity leaves beside everything that is
//! held, the most urgent first, then by name.

use super::book::{Book, Target, Wish};
use super::{BalanceError, held};
use crate::config::Rational;
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Lots that are wanted now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The need's name; `target ..` for what follows from a target.
    pub name: String,
    /// Who asked for it.
    pub by: String,
    /// Whose: a place in the book, as those below.
    pub strategy: usize,
    /// In which account.
    pub account: usize,
    /// Of what.
    pub contract: usize,
    /// Above zero to buy, below to sell.
    pub lots: i64,
    /// The part of it that the account may hold, with the same sign.
    pub admitted: i64,
    /// Whether it opens a position.
    pub opens: bool,
    /// Now, thousandths.
    pub urgency: u16,
    /// Until when.
    pub until: Timestamp,
    /// Contracts that it would take instead.
    pub instead: Vec<usize>,
}

impl Want {
    /// Whether it would open its contract on the contract's roll day or later.
    #[must_use]
    pub fn is_late(&self, book: &Book) -> bool {
        self.opens && book.day >= book.contracts[self.contract].of.roll_day()
    }
}

/// Where an inventory stands beside its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The target, by its place in the book.
    pub target: usize,
    /// What is held, in the product's unit.
    pub held: Rational,
    /// The target less that.
    pub missing: Rational,
    /// Whether that is more than the band.
    pub is_out: bool,
    /// The lots that follow from it; zero inside the band, and outside of the target's time.
    pub lots: i64,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Wants {
    /// What is wanted, in the order of names.
    pub wants: Vec<Want>,
    /// Inventories beside their targets, in the order of the book.
    pub standings: Vec<Standing>,
    /// Needs that have not begun, by their places.
    pub early: Vec<usize>,
    /// Needs whose time is over.
    pub over: Vec<usize>,
    /// What accounts may still hold of products beside what is held and admitted.
    pub rooms: BTreeMap<(usize, usize), i64>,
}

/// The urgency of a wish at a time, thousandths; `None`: it has not begun, or it is over.
#[must_use]
pub fn urgency(wish: &Wish, now: Timestamp) -> Option<u16> {
    if now < wish.from || now > wish.until {
        return None;
    }
    let gone = now.duration_since(wish.from).as_nanos();
    let whole = wish.until.duration_since(wish.from).as_nanos();
    let begun = i128::from(wish.urgency);
    let risen = (1_000 - begun).checked_mul(gone)?.checked_div(whole)?;
    u16::try_from(begun + risen).ok()
}

/// What is wanted now.
///
/// # Errors
/// If it cannot be reckoned exactly.
pub fn of(book: &Book) -> Result<Wants, BalanceError> {
    let mut all = Wants::default();
    for (place, need) in book.needs.iter().enumerate() {
        match urgency(&need.wish, book.now) {
            Some(urgency) => all.wants.push(Want {
                name: need.name.clone(),
                by: need.wish.by.clone(),
                strategy: need.strategy,
                account: need.account,
                contract: need.contract,
                lots: need.lots,
                admitted: need.lots,
                opens: need.opens,
                urgency,
                until: need.wish.until,
                instead: need.instead.clone(),
            }),
            None if book.now < need.wish.from => all.early.push(place),
            None => all.over.push(place),
        }
    }
    for (place, target) in book.targets.iter().enumerate() {
        standing(book, place, target, &mut all)?;
    }
    all.wants.sort_by(|one, other| one.name.cmp(&other.name));
    admit(book, &mut all);
    Ok(all)
}

fn standing(
    book: &Book,
    place: usize,
    target: &Target,
    all: &mut Wants,
) -> Result<(), BalanceError> {
    const TEXT: &str = "an inventory beside its target";
    let contract = &book.contracts[target.contract].of;
    let own = book.inventories.iter().filter(|row| {
        (row.strategy, row.account) == (target.strategy, target.account)
            && book.contracts[row.contract].of.product == contract.product
    });
    let sum = own.map(|row| book.contracts[row.contract].of.lot.times(Rational::whole(row.lots)));
    let sum = sum.into_iter().try_fold(Rational::ZERO, |sum, part| sum.plus(part?));
    let held_now = held(sum, TEXT)?;
    let missing = held(target.quantity.minus(held_now), TEXT)?;
    let is_out = target.band.is_below(missing.magnitude());
    let urgency = urgency(&target.wish, book.now);
    let mut lots = 0;
    if let (true, Some(urgency)) = (is_out, urgency) {
        let whole = held(missing.magnitude().over(contract.lot), TEXT)?.floor();
        let whole = held(i64::try_from(whole).ok(), TEXT)?;
        lots = if missing.is_negative() { -whole } else { whole };
        let there = book.held(target.strategy, target.account, target.contract);
        let is_against = there.signum() == -lots.signum();
        let closes = if is_against { whole.min(there.abs()) } else { 0 };
        let name = format!(
            "target {} {} {}",
            book.strategies[target.strategy],
            book.accounts[target.account].name,
            book.products[contract.product].name
        );
        for (lots, opens) in [(closes, false), (whole - closes, true)] {
            if lots > 0 {
                let lots = if missing.is_negative() { -lots } else { lots };
                all.wants.push(Want {
                    name: if opens { name.clone() } else { format!("{name} (close)") },
                    by: target.wish.by.clone(),
                    strategy: target.strategy,
                    account: target.account,
                    contract: target.contract,
                    lots,
                    admitted: lots,
                    opens,
                    urgency,
                    until: target.wish.until,
                    instead: Vec::new(),
                });
            }
        }
    }
    all.standings.push(Standing { target: place, held: held_now, missing, is_out, lots });
    Ok(())
}

/// Cuts opening lots to what accounts may hold.
fn admit(book: &Book, all: &mut Wants) {
    for row in &book.capacities {
        let room = row.max_lots - book.gross(row.account, row.product);
        all.rooms.insert((row.account, row.product), room);
    }
    let mut order: Vec<usize> = (0..all.wants.len()).collect();
    order.sort_by_key(|at| (Reverse(all.wants[*at].urgency), *at));
    for want in order {
        let want = &mut all.wants[want];
        if want.opens {
            let product = book.contracts[want.contract].of.product;
            let room = all.rooms.entry((want.account, product)).or_default();
            let admitted = want.lots.abs().min(*room);
            *room -= admitted;
            want.admitted = want.lots.signum() * admitted;
        }
    }
}
