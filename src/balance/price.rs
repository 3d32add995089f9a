//! The one price of a contract: by its stated policy, on its tick, inside the market.
//!
//! What the policy says is rounded to the nearest tick, halves to the even one, so that neither
//! buyer nor seller is favoured over many; then held to bid and ask, so that neither gets a price
//! that the market would have bettered. All matches of a contract have this price.

use super::book::{Book, Fair, PriceKind};
use super::quote::{Quote, Quotes};
use super::{BalanceError, held};
use crate::config::Rational;

/// A price, and what it was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priced {
    /// By which policy; an anchor of fair bases has its own middle.
    pub by: PriceKind,
    /// The contract whose middle it follows, where it is a fair basis.
    pub anchor: Option<usize>,
    /// What the policy says, before it is rounded.
    pub said: Rational,
    /// The price.
    pub price: Rational,
    /// Whether bid or ask changed it.
    pub is_held: bool,
    /// The quote that it lies in.
    pub quote: Quote,
}

/// Why a contract has no price, so that nothing of it is matched or proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPrice {
    /// The file has no quote of this contract.
    NoQuote(usize),
    /// The quote of this contract is older than the book allows.
    Old(usize),
    /// The quote of this contract is of later than the book.
    Later(usize),
    /// Nothing was traded in it yet, and the policy is of trades.
    NoTrade,
    /// Nothing says its price, or the rate of its currency.
    NoPolicy,
}

/// The nearest multiple of a tick; of two that are equally near the even one.
#[must_use]
pub fn on_tick(price: Rational, tick: Rational) -> Option<Rational> {
    let (numerator, denominator) = price.over(tick)?.parts();
    let below = numerator.div_euclid(denominator);
    let twice = numerator.rem_euclid(denominator).checked_mul(2)?;
    let is_up = twice > denominator || (twice == denominator && below.rem_euclid(2) == 1);
    let ticks = below.checked_add(i128::from(is_up))?;
    Rational::new(ticks, 1)?.times(tick)
}

/// A contract's quote that is fresh at the time of the book.
///
/// # Errors
/// Why there is none.
pub fn fresh(book: &Book, quotes: &Quotes, contract: usize) -> Result<Quote, NoPrice> {
    let quote = quotes.get(contract).copied().flatten().ok_or(NoPrice::NoQuote(contract))?;
    let age = book.now.duration_since(quote.at);
    if age.is_negative() {
        return Err(NoPrice::Later(contract));
    }
    if age > jiff::SignedDuration::from_secs(i64::from(book.max_age_s)) {
        return Err(NoPrice::Old(contract));
    }
    Ok(quote)
}

/// The price of a contract; `Err` within `Ok`: it has none.
///
/// # Errors
/// If it cannot be reckoned exactly.
pub fn of(
    book: &Book,
    quotes: &Quotes,
    contract: usize,
) -> Result<Result<Priced, NoPrice>, BalanceError> {
    let quote = match fresh(book, quotes, contract) {
        Ok(quote) => quote,
        Err(why) => return Ok(Err(why)),
    };
    let Some(policy) = book.policy(contract) else {
        return Ok(Err(NoPrice::NoPolicy));
    };
    const TEXT: &str = "the price of a match";
    let mid = || held(quote.mid(), TEXT);
    let fair = policy.fair.iter().find(|row| row.contract == contract);
    let (by, said) = match (policy.price, fair) {
        (PriceKind::FairBasis, Some(fair)) => match fresh(book, quotes, fair.anchor) {
            Ok(anchor) => (PriceKind::FairBasis, Some(held(follow(book, fair, &anchor), TEXT)?)),
            Err(why) => return Ok(Err(why)),
        },
        (PriceKind::Mid | PriceKind::FairBasis, _) => (PriceKind::Mid, Some(mid()?)),
        (PriceKind::Last, _) => (PriceKind::Last, quote.last),
        (PriceKind::Vwap, _) => (PriceKind::Vwap, quote.vwap),
    };
    let Some(said) = said else {
        return Ok(Err(NoPrice::NoTrade));
    };
    let rounded = held(on_tick(said, book.contracts[contract].tick), TEXT)?;
    let price = if rounded.is_below(quote.bid) {
        quote.bid
    } else if quote.ask.is_below(rounded) {
        quote.ask
    } else {
        rounded
    };
    let anchor = fair.filter(|_| by == PriceKind::FairBasis).map(|fair| fair.anchor);
    Ok(Ok(Priced { by, anchor, said, price, is_held: price != rounded, quote }))
}

/// The anchor's middle in the contract's currency and unit, and the basis; `None` if there is no
/// rate or it cannot be held.
fn follow(book: &Book, fair: &Fair, anchor: &Quote) -> Option<Rational> {
    let [own, other] = [fair.contract, fair.anchor].map(|place| &book.contracts[place].of);
    let unit_price = anchor.mid()?.times(other.per_unit)?;
    let rate = book.rate(&other.currency)?.over(book.rate(&own.currency)?)?;
    unit_price.times(rate)?.over(own.per_unit)?.plus(fair.basis)
}
