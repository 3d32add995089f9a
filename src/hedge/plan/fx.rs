//! What stays open in another currency, and the futures that close it.

use super::super::book::{Book, Client, FxContract, Held, Kind};
use super::super::exposure::delta;
use super::super::{HedgeError, held};
use super::cost::fx_contract;
use super::{Effect, Finding, Laid, Order, Proposal, Rounding, Why, lots};
use crate::config::Rational;
use crate::config::capital::Border;
use std::collections::BTreeSet;

/// What a client has open in a currency, and what to do about it.
#[derive(Clone, Debug)]
pub struct Fx {
    /// Whose.
    pub client: usize,
    /// Which.
    pub currency: String,
    /// Prices agreed in it: to be received, less to be paid.
    pub agreed: Rational,
    /// Worth of goods that are hedged in it, as all orders of the plan leave it.
    pub hedged: Rational,
    /// Futures on it that are held.
    pub futures: Rational,
    /// The sum: above zero earns when the currency rises.
    pub open: Rational,
    /// The sum after the orders.
    pub after: Rational,
    /// What is proposed.
    pub orders: Vec<Order>,
}

const TEXT: &str = "what is open in a currency";

pub(super) fn of(
    book: &Book,
    proposals: &[Proposal],
    findings: &mut Vec<Finding>,
) -> Result<Vec<Fx>, HedgeError> {
    let mut all = Vec::new();
    for client in 0..book.clients.len() {
        let goods = book.positions.iter().filter(|row| row.client == client);
        let futures = book.futures.iter().filter(|row| row.client == client);
        let of_futures = futures.map(|row| match row.contract {
            Held::Product(contract) => &book.contracts[contract].currency,
            Held::Fx(contract) => &book.fx_contracts[contract].currency,
        });
        let opened = proposals.iter().flat_map(|row| &row.orders);
        let opened =
            opened.filter(|row| row.client == client).filter_map(|row| match row.contract {
                Held::Product(contract) => Some(&book.contracts[contract].currency),
                Held::Fx(_) => None,
            });
        let options = book.options.iter().filter(|row| row.client == client);
        let of_options = options.map(|row| &book.contracts[row.contract].currency);
        let currencies: BTreeSet<&String> = goods
            .map(|row| &row.currency)
            .chain(of_futures)
            .chain(of_options)
            .chain(opened)
            .filter(|currency| **currency != book.currency)
            .collect();
        for currency in currencies {
            all.push(open(book, proposals, client, currency, findings)?);
        }
    }
    Ok(all)
}

fn open(
    book: &Book,
    proposals: &[Proposal],
    client: usize,
    currency: &str,
    findings: &mut Vec<Finding>,
) -> Result<Fx, HedgeError> {
    let agreed = held(agreed(book, client, currency), TEXT)?;
    let hedged = hedged(book, proposals, client, currency)?;
    let futures = held(futures(book, client, currency), TEXT)?;
    let open = held(agreed.plus(hedged).and_then(|sum| sum.plus(futures)), TEXT)?;
    let limit = book.clients[client].fx_limits.iter().find(|limit| limit.currency == currency);
    let mut fx = Fx {
        client,
        currency: currency.to_owned(),
        agreed,
        hedged,
        futures,
        open,
        after: open,
        orders: Vec::new(),
    };
    let is_outside = limit.is_some_and(|limit| limit.band.is_below(open.magnitude()));
    if orders(book, &mut fx, is_outside)? {
        findings.push(Finding::NoFxContract { client, currency: currency.to_owned() });
    }
    let most = limit.map(|limit| limit.max_open);
    // Of a currency that nothing is said of, anything that is open is a finding.
    if most.unwrap_or_default().is_below(fx.after.magnitude()) {
        let (currency, open) = (currency.to_owned(), fx.after);
        findings.push(Finding::Currency { client, currency, open, most });
    }
    Ok(fx)
}

/// Futures on a currency that are hedges.
fn futures(book: &Book, client: usize, currency: &str) -> Option<Rational> {
    futures_of(book, client, currency, true)
}

/// Futures on a currency, those that are hedges or those that are not.
pub(in crate::hedge) fn futures_of(
    book: &Book,
    client: usize,
    currency: &str,
    is_hedge: bool,
) -> Option<Rational> {
    let own = |row: &&super::super::book::Future| row.client == client && row.is_hedge == is_hedge;
    book.futures.iter().filter(own).try_fold(Rational::ZERO, |sum, row| match row.contract {
        Held::Fx(contract) if book.fx_contracts[contract].currency == currency => {
            sum.plus(book.fx_contracts[contract].lot.times(Rational::whole(row.lots))?)
        }
        _ => Some(sum),
    })
}

/// Prices agreed in a currency that are still to be received, less those to be paid.
pub(in crate::hedge) fn agreed(book: &Book, client: usize, currency: &str) -> Option<Rational> {
    let own =
        |row: &&super::super::book::Position| row.client == client && row.currency == currency;
    book.positions.iter().filter(own).try_fold(Rational::ZERO, |sum, row| {
        let worth = match row.price {
            Some(price) => row.priced.times(price)?,
            None => Rational::ZERO,
        };
        match row.kind {
            Kind::Bought => sum.minus(worth),
            Kind::Sold => sum.plus(worth),
            Kind::Stock | Kind::Need | Kind::Output => Some(sum),
        }
    })
}

/// Worth of the goods that hedges in a currency stand for, after the plan.
fn hedged(
    book: &Book,
    proposals: &[Proposal],
    client: usize,
    currency: &str,
) -> Result<Rational, HedgeError> {
    let mut lots_of = vec![Rational::ZERO; book.contracts.len()];
    let mut add = |contract: usize, lots: Rational| -> Result<(), HedgeError> {
        lots_of[contract] = held(lots_of[contract].plus(lots), TEXT)?;
        Ok(())
    };
    let planned = proposals.iter().flat_map(|row| &row.orders);
    let planned = planned.filter(|row| row.client == client).map(|row| (row.contract, row.lots));
    let own = book.futures.iter().filter(|row| row.client == client && row.is_hedge);
    for (contract, lots) in own.map(|row| (row.contract, row.lots)).chain(planned) {
        if let Held::Product(contract) = contract {
            add(contract, Rational::whole(lots))?;
        }
    }
    for row in book.options.iter().filter(|row| row.client == client && row.is_hedge) {
        add(row.contract, held(delta(book, row)?.times(Rational::whole(row.lots)), TEXT)?)?;
    }
    let abroad = book.contracts.iter().zip(lots_of).filter(|(row, _)| row.currency == currency);
    let sum = abroad
        .map(|(row, lots)| lots.times(row.lot_value()?))
        .try_fold(Rational::ZERO, |sum, worth| sum.minus(worth?));
    held(sum, TEXT)
}

/// Leaves futures whose roll day has come, closes those that stand against what is wanted, then
/// opens what is missing; whether that had to be left out for want of a contract.
fn orders(book: &Book, fx: &mut Fx, is_outside: bool) -> Result<bool, HedgeError> {
    let client = fx.client;
    let need = if is_outside { fx.open.negated() } else { Rational::ZERO };
    let target = held(fx.futures.plus(need), TEXT)?;
    let mut laid = Laid::new(need, fx.futures, target);
    let mut place = |account, contract: usize, lots: i64, effect, why| {
        let contract = Held::Fx(contract);
        fx.orders.push(Order { client, account, contract, lots, effect, why });
    };
    let own = book.futures.iter().filter(|row| row.client == client && row.is_hedge);
    let held_in: Vec<_> = own
        .filter_map(|row| match row.contract {
            Held::Fx(at) if book.fx_contracts[at].currency == fx.currency => {
                Some((row, at, &book.fx_contracts[at]))
            }
            _ => None,
        })
        .collect();
    let is_near = |of: &FxContract| book.date >= of.roll_day();
    for (row, at, of) in held_in.iter().filter(|(_, _, of)| is_near(of)) {
        held(laid.roll(of.lot, row.lots), TEXT)?;
        place(Some(row.account), *at, -row.lots, Effect::Close, Why::Roll);
    }
    for (row, at, of) in held_in.iter().filter(|(_, _, of)| !is_near(of)) {
        let closed = held(laid.closed(of.lot, row.lots, Rounding::Nearest), TEXT)?;
        if closed != 0 {
            held(laid.trade(of.lot, closed), TEXT)?;
            place(Some(row.account), *at, closed, Effect::Close, Why::Fx);
        }
    }
    let (openable, next) = (laid.openable(), fx_contract(book, &fx.currency));
    if let Some((at, of)) = next {
        let opened = held(lots(openable, of.lot, Rounding::Nearest), TEXT)?;
        if opened != 0 {
            held(laid.trade(of.lot, opened), TEXT)?;
            let why = if is_outside { Why::Fx } else { Why::Roll };
            place(abroad(&book.clients[client]), at, opened, Effect::Open, why);
        }
    }
    fx.after = held(fx.open.minus(fx.futures).and_then(|sum| sum.plus(laid.after)), TEXT)?;
    Ok(next.is_none() && !openable.is_zero())
}

/// Futures on currencies are held abroad.
fn abroad(client: &Client) -> Option<usize> {
    client.accounts.iter().position(|account| account.border == Border::Overseas)
}
