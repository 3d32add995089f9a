//! What it costs to hedge one unit of a product in each contract: domestic against overseas.
//!
//! In the book's currency, opened and closed again: fees twice, expected slippage twice, what
//! carrying it to its month costs (a long pays `carry`, a short earns it) and, for a contract in
//! another currency, the same two for the future on that currency over the worth of the unit.

use super::super::book::{Book, FxContract, Policy};
use super::super::{HedgeError, held};
use crate::config::Rational;

/// What a unit of the product costs in one contract.
#[derive(Clone, Debug)]
pub struct Cost {
    /// The contract, by its place in the book.
    pub contract: usize,
    /// What it is made of, in the book's currency.
    pub terms: [(Term, Rational); 5],
    /// Their sum.
    pub total: Rational,
}

/// A part of the cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// Fees, both ways.
    Fees,
    /// Expected slippage, both ways.
    Slippage,
    /// What carrying it costs; below zero: earns.
    Carry,
    /// Fees of the future on its currency, both ways.
    FxFees,
    /// Expected slippage of that, both ways.
    FxSlippage,
}

impl Term {
    /// All of them, in order.
    pub const ALL: [Self; 5] =
        [Self::Fees, Self::Slippage, Self::Carry, Self::FxFees, Self::FxSlippage];
}

const TEXT: &str = "the cost of a hedge";

/// The future on a currency that can be opened today, the earliest.
pub(super) fn fx_contract<'b>(book: &'b Book, currency: &str) -> Option<(usize, &'b FxContract)> {
    let all = book.fx_contracts.iter().enumerate();
    let open = all.filter(|(_, row)| row.currency == currency && book.date < row.roll_day());
    open.min_by_key(|(_, row)| row.last_day)
}

/// What a unit costs in the contract at a place of the book; `None` if its currency has no rate.
///
/// # Errors
/// If it cannot be reckoned exactly.
pub fn of_unit(book: &Book, place: usize, is_short: bool) -> Result<Option<Cost>, HedgeError> {
    let contract = &book.contracts[place];
    let Some(rate) = book.rate(&contract.currency) else {
        return Ok(None);
    };
    let fx = fx_contract(book, &contract.currency);
    let is_abroad = contract.currency != book.currency;
    let quote = fx.map(|(_, fx)| book.rate(&fx.quote).unwrap_or(Rational::ONE));
    let reckon = || {
        let twice = Rational::whole(2);
        let worth = contract.unit_price()?.magnitude();
        let by_lot = contract.fee_per_lot.over(contract.lot)?;
        let fees = by_lot.plus(worth.times(contract.fee_fraction)?)?.times(twice)?.times(rate)?;
        let slip = contract.slippage.times(contract.per_unit)?.times(twice)?.times(rate)?;
        let carry = contract.carry.times(contract.per_unit)?.times(rate)?;
        let carry = if is_short { carry.negated() } else { carry };
        let (fx_fees, fx_slip) = match (fx, quote) {
            (Some((_, fx)), Some(quote)) if is_abroad => (
                fx.fee_per_lot.over(fx.lot)?.times(worth)?.times(twice)?.times(quote)?,
                fx.slippage.times(worth)?.times(twice)?.times(quote)?,
            ),
            _ => (Rational::ZERO, Rational::ZERO),
        };
        let parts = [fees, slip, carry, fx_fees, fx_slip];
        let total = parts.iter().try_fold(Rational::ZERO, |sum, part| sum.plus(*part))?;
        let [a, b, c, d, e] = Term::ALL;
        let terms = [(a, fees), (b, slip), (c, carry), (d, fx_fees), (e, fx_slip)];
        Some(Cost { contract: place, terms, total })
    };
    held(reckon(), TEXT).map(Some)
}

/// Contracts of a policy that can be opened today, the cheapest first; of equals the file's first.
///
/// # Errors
/// As `of_unit`.
pub fn cheapest(book: &Book, policy: &Policy, is_short: bool) -> Result<Vec<Cost>, HedgeError> {
    let mut costs = Vec::new();
    for contract in policy.contracts.iter().copied() {
        if book.date < book.contracts[contract].roll_day() {
            costs.extend(of_unit(book, contract, is_short)?);
        }
    }
    costs.sort_by(|one, other| {
        let order = |one: &Cost, other: &Cost| one.total.is_below(other.total);
        match (order(one, other), order(other, one)) {
            (true, _) => std::cmp::Ordering::Less,
            (_, true) => std::cmp::Ordering::Greater,
            _ => std::cmp::Ordering::Equal,
        }
    });
    Ok(costs)
}
