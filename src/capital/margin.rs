//! What brokers ask for: margin of every lot by contract, side and day, with its reliefs.
//!
//! The margin of a lot is the exchange's, plus the broker's part, plus (in a worst case alone) this
//! house's own reserve. It is a fraction of the lot's value or money by the lot. Hedging positions
//! have their own where the terms say so. Where an account is charged for the larger side alone,
//! both sides are added up first, over the contract or over the product.

use super::book::{Book, Side};
use crate::config::capital::{Capital, Contract, Holding, LargerSide, Margin, MarginPrice, Unit};
use rust_decimal::Decimal;

/// What is asked for on the two sides of one contract, in the account's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides {
    /// The contract's place in the terms.
    pub contract: usize,
    /// Of hedging positions.
    pub is_hedge: bool,
    /// For what is bought.
    pub long: Decimal,
    /// For what is sold.
    pub short: Decimal,
}

/// Which parts are added to what the exchange asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// None.
    Exchange,
    /// The broker's.
    Broker,
    /// The broker's, and this house's reserve.
    Stressed,
}

/// The margin that holds for hedgers, or for everybody else.
#[must_use]
pub fn of(contract: &Contract, is_hedge: bool) -> &Margin {
    match &contract.hedge_margin {
        Some(margin) if is_hedge => margin,
        _ => &contract.margin,
    }
}

/// Margin of one lot at a price on a day, in the contract's currency.
#[must_use]
pub fn of_lot(
    contract: &Contract,
    (side, is_hedge): (Side, bool),
    price: Decimal,
    day: jiff::civil::Date,
    parts: Parts,
) -> Decimal {
    let margin = of(contract, is_hedge);
    let step = margin.on(day);
    let exchange = match side {
        Side::Long => step.long,
        Side::Short => step.short,
    };
    let rate = match parts {
        Parts::Exchange => exchange,
        Parts::Broker => exchange + margin.broker,
        Parts::Stressed => exchange + margin.broker + margin.stress,
    };
    match margin.unit {
        // A price below zero is worth as much to lose as one above.
        Unit::Value => contract.value(price).abs() * rate,
        Unit::Lot => rate,
    }
}

/// What an account is charged for all its contracts.
#[must_use]
pub fn charge(terms: &Capital, account: usize, day: jiff::civil::Date, all: &[Sides]) -> Decimal {
    let account = &terms.accounts[account];
    let mut sum = Decimal::ZERO;
    // Groups of which the larger side alone is charged, with both sides so far.
    let mut groups: Vec<(Group<'_>, Decimal, Decimal)> = Vec::new();
    for sides in all {
        let contract = &terms.contracts[sides.contract];
        let is_relieved = of(contract, sides.is_hedge).on(day).is_relieved;
        let group = match (account.holding, account.larger_side) {
            (Holding::Net, _) => Group::Net(sides.contract, sides.is_hedge),
            (_, LargerSide::Contract) if is_relieved => Group::Contract(sides.contract),
            (_, LargerSide::Product) if is_relieved => {
                Group::Product(&contract.venue, &contract.product)
            }
            _ => {
                sum += sides.long + sides.short;
                continue;
            }
        };
        match groups.iter_mut().find(|(known, ..)| *known == group) {
            Some((_, long, short)) => {
                *long += sides.long;
                *short += sides.short;
            }
            None => groups.push((group, sides.long, sides.short)),
        }
    }
    sum + groups.iter().map(|(_, long, short)| long.max(short)).sum::<Decimal>()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Group<'t> {
    Net(usize, bool),
    Contract(usize),
    Product(&'t str, &'t str),
}

/// Margin used by what an account holds now, in its currency.
#[must_use]
pub fn used(terms: &Capital, book: &Book, account: usize) -> Decimal {
    charge(terms, account, book.day, &sides_now(terms, book, account, Parts::Broker))
}

/// The same by the exchange's rates alone: below that nobody carries an account.
#[must_use]
pub fn exchange(terms: &Capital, book: &Book, account: usize) -> Decimal {
    charge(terms, account, book.day, &sides_now(terms, book, account, Parts::Exchange))
}

/// What is asked for by contract, of what is held.
fn sides_now(terms: &Capital, book: &Book, account: usize, parts: Parts) -> Vec<Sides> {
    let mut all: Vec<Sides> = Vec::new();
    // Lots of a net account by contract and flag, bought minus sold.
    let mut net: Vec<(usize, bool, i64)> = Vec::new();
    let own = &terms.accounts[account];
    for row in book.positions.iter().filter(|row| row.account == account) {
        if own.holding == Holding::Net {
            let lots = if row.side == Side::Long { 1 } else { -1 } * i64::from(row.lots);
            match net
                .iter_mut()
                .find(|(of, hedge, _)| (*of, *hedge) == (row.contract, row.is_hedge))
            {
                Some((.., sum)) => *sum += lots,
                None => net.push((row.contract, row.is_hedge, lots)),
            }
            continue;
        }
        let contract = &terms.contracts[row.contract];
        let price = match own.margin_price {
            MarginPrice::Reference => row.reference,
            MarginPrice::Last => book.prices[row.contract],
        };
        let lot = of_lot(contract, (row.side, row.is_hedge), price, book.day, parts);
        let rate = book.rate(terms, &contract.currency, &own.currency);
        add(&mut all, row.contract, row.is_hedge, row.side, lot * Decimal::from(row.lots) * rate);
    }
    for (contract, is_hedge, lots) in net {
        let side = if lots < 0 { Side::Short } else { Side::Long };
        let of = &terms.contracts[contract];
        let lot = of_lot(of, (side, is_hedge), book.prices[contract], book.day, parts);
        let rate = book.rate(terms, &of.currency, &own.currency);
        let money = lot * Decimal::from(lots.unsigned_abs()) * rate;
        add(&mut all, contract, is_hedge, side, money);
    }
    all
}

/// Adds money to a side of a contract.
pub(super) fn add(
    all: &mut Vec<Sides>,
    contract: usize,
    is_hedge: bool,
    side: Side,
    money: Decimal,
) {
    let known = all.iter_mut().find(|row| (row.contract, row.is_hedge) == (contract, is_hedge));
    let (long, short) = match side {
        Side::Long => (money, Decimal::ZERO),
        Side::Short => (Decimal::ZERO, money),
    };
    match known {
        Some(row) => {
            row.long += long;
            row.short += short;
        }
        None => all.push(Sides { contract, is_hedge, long, short }),
    }
}
