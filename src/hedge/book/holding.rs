//! `[[future]]` and `[[option]]`: what clients hold in their accounts.

use super::contract::is_of_one_size;
use super::read::{Known, fail, refer};
use crate::calendar::date;
use crate::config::Rational;
use crate::config::error::Rule;
use crate::config::section::{Section, Written};
use crate::config::value::{Exact, exact, line, whole, word};
use crate::hedge::black76::{RIGHTS, Right};
use jiff::civil::Date;

/// Lots of a future.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Future {
    /// Whose.
    pub client: usize,
    /// In which of the client's accounts.
    pub account: usize,
    /// Of what.
    pub contract: Held,
    /// Above zero for bought lots, below for sold ones.
    pub lots: i64,
    /// Whether they are a hedge (套保), and not speculation.
    pub is_hedge: bool,
}

/// What a holding is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// A contract on a product, by its place in the book.
    Product(usize),
    /// One on a currency.
    Fx(usize),
}

impl Default for Held {
    fn default() -> Self {
        Self::Product(0)
    }
}

/// Lots of an option on a future.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OptionHeld {
    /// Whose.
    pub client: usize,
    /// In which of the client's accounts.
    pub account: usize,
    /// The future that it is on.
    pub contract: usize,
    /// Call or put.
    pub right: Right,
    /// Above zero for bought lots, below for sold ones; a lot is one of the future.
    pub lots: i64,
    /// In the unit of the future's price.
    pub strike: Rational,
    /// The last day of it.
    pub expiry: Date,
    /// Of a year: 0.2 is 20 %.
    pub volatility: Rational,
    /// Interest of a year, continuous.
    pub rate: Rational,
    /// Whether they are a hedge.
    pub is_hedge: bool,
}

const SIDES: &[(&str, i64)] = &[("long", 1), ("short", -1)];
const FLAGS: &[(&str, bool)] = &[("hedge", true), ("speculate", false)];

/// Client, account, signed lots and flag, as both kinds have them.
fn common(section: &Section<'_>, known: &Known<'_>) -> (Written<usize>, usize, i64, bool) {
    let client = refer(section, &known.client_names, "client");
    let side = section.required("side", word(SIDES)).value;
    let lots = section.required("lots", whole(1_i64..=1_000_000)).value;
    let is_hedge = section.required("flag", word(FLAGS)).value;
    let wanted = section.required("account", line(32));
    let own = known.client(client.value);
    let place = own.map(|own| own.accounts.iter().position(|row| row.name == wanted.value));
    if place == Some(None) && !section.is_broken() {
        let message = format!(
            "`account` of {} is \"{}\", which is none of its client's",
            section.title(),
            wanted.value
        );
        fail(section, Rule::OtherClient, &wanted.place, message);
    }
    (client, place.flatten().unwrap_or(0), side * lots, is_hedge)
}

/// A domestic contract is held at home, an overseas one abroad.
fn at_its_border(section: &Section<'_>, known: &Known<'_>, row: [usize; 3], at: &Written<usize>) {
    let [client, account, contract] = row;
    let account = known.client(client).and_then(|own| own.accounts.get(account));
    let both = account.zip(known.contract(contract));
    if both.is_some_and(|(account, of)| account.border != of.border) && !section.is_broken() {
        let message = format!("{} is in an account across the border", section.title());
        fail(section, Rule::OtherClient, &at.place, message);
    }
}

/// A strike is of the size of its future's price.
pub(super) fn is_strike(
    section: &Section<'_>,
    known: &Known<'_>,
    contract: usize,
    strike: &Written<Exact>,
) {
    let price = known.contract(contract).map(|of| of.price);
    let is_near = price.is_none_or(|price| is_of_one_size(strike.value.exact, price));
    if !is_near && !section.is_broken() {
        let message = format!("the strike {} is far from the future's price", strike.value.text);
        fail(section, Rule::OutOfBounds, &strike.place, message);
    }
}

pub(super) fn future(section: Section<'_>, known: &Known<'_>) -> Option<Future> {
    let (client, account, lots, is_hedge) = common(&section, known);
    let fx = section.peek("contract").and_then(|(name, _)| known.fx_names.position(name));
    let contract = match fx {
        Some(fx) => {
            section.required("contract", line(30));
            Held::Fx(fx)
        }
        None => {
            let contract = refer(&section, &known.contract_names, "contract");
            at_its_border(&section, known, [client.value, account, contract.value], &contract);
            Held::Product(contract.value)
        }
    };
    section.finish(Future { client: client.value, account, contract, lots, is_hedge })
}

pub(super) fn option(section: Section<'_>, known: &Known<'_>) -> Option<OptionHeld> {
    let (client, account, lots, is_hedge) = common(&section, known);
    let contract = refer(&section, &known.contract_names, "contract");
    at_its_border(&section, known, [client.value, account, contract.value], &contract);
    let expiry = section.required("expiry", date);
    if expiry.value.is_some_and(|day| day < known.date) && !section.is_broken() {
        let message = format!("{} has expired before the day of the book", section.title());
        fail(&section, Rule::Delivery, &expiry.place, message);
    }
    let strike = section.required("strike", exact("0.000001", "10000000"));
    is_strike(&section, known, contract.value, &strike);
    let option = OptionHeld {
        client: client.value,
        account,
        contract: contract.value,
        right: section.required("right", word(RIGHTS)).value,
        lots,
        strike: strike.value.exact,
        expiry: expiry.value.unwrap_or_default(),
        volatility: section.required("volatility", exact("0.01", "3")).value.exact,
        rate: section.required("rate", exact("-0.05", "0.3")).value.exact,
        is_hedge,
    };
    section.finish(option)
}
