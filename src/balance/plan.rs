//! What is matched inside, at which price, what that saves, and what is left.
//!
//! A match is what an entry between two inventories of the house would be. Between two accounts it
//! moves nothing at any broker: what one account then holds for the other is for the house to
//! settle. What it saves: the fees of both sides at the price of the match, and, for each side that
//! would open a position, its margin, less that of a side that would close one and so have freed
//! it. Margin counts each side by itself, without relief for the larger one.
//!
//! What would open a contract on its roll day or later meets nothing.
//!
//! It sends nothing. Called by `xmc balance plan`.

use super::book::Book;
use super::matching::{self, Need};
use super::price::{self, NoPrice, Priced};
use super::proposal::{self, Proposal};
use super::quote::Quotes;
use super::want::{self, Want, Wants};
use super::{BalanceError, held};
use crate::config::Rational;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Lots of two wants that meet inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// Who may net there: a place in the book.
    pub group: usize,
    /// Of what.
    pub contract: usize,
    /// The want that buys, by its place in `Plan::wants`.
    pub buy: usize,
    /// The one that sells.
    pub sell: usize,
    /// How many.
    pub lots: i64,
    /// At which price.
    pub price: Rational,
    /// Fees of both sides that are not paid, in the contract's currency.
    pub fees: Rational,
    /// Margin that is not bound; below zero: that stays bound. In the contract's currency.
    pub margin: Rational,
}

/// What is matched, what is left, and what could be done about it.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What is wanted.
    pub wants: Wants,
    /// The price of every contract that is wanted or would be taken instead, or why it has none.
    pub prices: BTreeMap<usize, Result<Priced, NoPrice>>,
    /// What meets inside, by group, contract and names.
    pub matches: Vec<Matched>,
    /// What is left of each want, with its sign.
    pub left: Vec<i64>,
    /// What could be done about that, by group, urgency and names.
    pub proposals: Vec<Proposal>,
}

/// The group of a want.
#[must_use]
pub fn group(book: &Book, want: &Want) -> usize {
    book.accounts[want.account].group
}

/// The places of things in the order of their names: whatever order a file has them in.
fn ranks<'n>(names: impl Iterator<Item = &'n str>) -> Vec<u32> {
    let names: Vec<_> = names.collect();
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|at| names[*at]);
    let mut ranks = vec![0; names.len()];
    for (rank, at) in (0..).zip(order) {
        ranks[at] = rank;
    }
    ranks
}

impl Plan {
    /// The plan of a book at its time.
    ///
    /// # Errors
    /// If it cannot be reckoned exactly.
    pub fn of(book: &Book, quotes: &Quotes) -> Result<Self, BalanceError> {
        let mut plan = Self { wants: want::of(book)?, ..Self::default() };
        for want in &plan.wants.wants {
            for contract in std::iter::once(want.contract).chain(want.instead.iter().copied()) {
                if let Entry::Vacant(entry) = plan.prices.entry(contract) {
                    entry.insert(price::of(book, quotes, contract)?);
                }
            }
        }
        let groups = ranks(book.groups.iter().map(|row| row.name.as_str()));
        let contracts = ranks(book.contracts.iter().map(|row| row.of.name.as_str()));
        let accounts = ranks(book.accounts.iter().map(|row| row.name.as_str()));
        let width = u32::try_from(book.contracts.len()).unwrap_or(u32::MAX);
        let is_priced = |want: &Want| plan.prices.get(&want.contract).is_some_and(Result::is_ok);
        let needs = plan.wants.wants.iter().map(|want| Need {
            name: &want.name,
            cell: groups[group(book, want)].saturating_mul(width) + contracts[want.contract],
            account: accounts[want.account],
            buys: want.lots > 0,
            // Without a price nothing meets, and nothing opens what is to be rolled.
            lots: if is_priced(want) && !want.is_late(book) { want.admitted.abs() } else { 0 },
            urgency: want.urgency,
            opens: want.opens,
        });
        let needs: Vec<_> = needs.collect();
        let mut matches = matching::of(&needs);
        // Wants are in the order of names.
        matches.sort_by_key(|row| (needs[row.buy].cell, row.buy, row.sell));
        plan.left = plan.wants.wants.iter().map(|want| want.admitted).collect();
        for row in matches {
            plan.left[row.buy] -= row.lots;
            plan.left[row.sell] += row.lots;
            let matched = matched(book, &plan, row)?;
            plan.matches.push(matched);
        }
        plan.proposals = proposal::of(book, quotes, &plan)?;
        Ok(plan)
    }
}

fn matched(book: &Book, plan: &Plan, row: matching::Match) -> Result<Matched, BalanceError> {
    let [buy, sell] = [row.buy, row.sell].map(|at| &plan.wants.wants[at]);
    let contract = &book.contracts[buy.contract];
    let price = match plan.prices.get(&buy.contract) {
        Some(Ok(priced)) => priced.price,
        _ => return Err(BalanceError::TooFine("the price of a match")),
    };
    let reckon = || {
        let lots = Rational::whole(row.lots);
        let worth = price.times(contract.of.per_unit)?.times(contract.of.lot)?.magnitude();
        let by_lot = contract.of.fee_per_lot.plus(worth.times(contract.of.fee_fraction)?)?;
        let fees = by_lot.times(lots)?.times(Rational::whole(2))?;
        let sides = [buy, sell].map(|want| if want.opens { 1 } else { -1 });
        let margin = contract.margin_per_lot.times(lots)?;
        Some((fees, margin.times(Rational::whole(sides.iter().sum()))?))
    };
    let (fees, margin) = held(reckon(), "what a match saves")?;
    Ok(Matched {
        group: group(book, buy),
        contract: buy.contract,
        buy: row.buy,
        sell: row.sell,
        lots: row.lots,
        price,
        fees,
        margin,
    })
}
