//! What the hedges of a period did (套保效果): with them against without them, and what they cost.
//!
//! Goods are as the book has them, held over the whole period: their result is exposure times the
//! change of the product's price. Hedges are the trades of a file, from their own prices to the
//! period's last, each day's change turned into the book's currency at that day's rate. So
//!
//! `hedged = unhedged + futures - fees`, and `futures = price moves - slippage`
//!
//! where slippage is what trades lost against the price that was expected of them, and is part of
//! the futures' result already. What neither goods nor futures lost to each other is the change of
//! the basis: `unhedged + futures`. Effectiveness is told in two ways: the dollar offset, `-futures
//! / unhedged`, and the line through daily results of both (slope -1 and R^2 1 are perfect). From
//! 80 % to 125 % an offset was called highly effective by IAS 39, AG105(b); IFRS 9 has no such
//! line, and neither has this.
//!
//! A product that was traded has a row also when nothing of it is held any more; so has a currency
//! of which futures were traded, whose goods are the prices agreed in it, at the currency's rate.
//!
//! Money is exact; only the line is of floats. Called by `xmc hedge effect`.

use super::book::{Book, Held};
use super::exposure;
use super::plan::agreed;
use super::regression::{Line, line};
use super::series::{Series, SeriesError, day, lines, price};
use super::{HedgeError, held};
use crate::config::Rational;
use jiff::civil::Date;
use std::collections::BTreeSet;

/// A trade of a hedge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trade {
    /// The day.
    pub date: Date,
    /// Whose, by name.
    pub client: String,
    /// In which account.
    pub account: String,
    /// Of what, by name.
    pub contract: String,
    /// Above zero for bought lots.
    pub lots: i64,
    /// At which price.
    pub price: Rational,
    /// Which was expected.
    pub expected: Rational,
    /// What was paid for it, in the contract's currency.
    pub fee: Rational,
    /// Whether it is half of a roll.
    pub is_roll: bool,
}

const COLUMNS: &str = "date,client,account,contract,side,lots,price,expected,fee,why";

/// Reads trades: a line each, `side` buy or sell, `why` hedge or roll.
///
/// # Errors
/// What is wrong with the file, with the line.
pub fn trades(file: &str, text: &str) -> Result<Vec<Trade>, SeriesError> {
    let refuse = |line: usize, why: String| SeriesError::Line { file: file.to_owned(), line, why };
    let mut all = lines(text);
    match all.next() {
        Some((_, head)) if head.join(",") == COLUMNS => {}
        _ => return Err(refuse(1, format!("the first line is {COLUMNS}"))),
    }
    let mut trades: Vec<Trade> = Vec::new();
    for (at, cells) in all {
        let [date, client, account, contract, side, lots, paid, expected, fee, why] = cells[..]
        else {
            return Err(refuse(at, format!("{} cells, not {COLUMNS}", cells.len())));
        };
        let date = day(date).ok_or_else(|| refuse(at, format!("{date:?} is no day")))?;
        if trades.last().is_some_and(|before| before.date > date) {
            return Err(refuse(at, format!("{date} is before the trade above it")));
        }
        let count: u32 =
            lots.parse().ok().filter(|lots| (1..=1_000_000).contains(lots)).ok_or_else(|| {
                refuse(at, format!("{lots:?} is no number of lots from 1 to 1000000"))
            })?;
        let lots = match side {
            "buy" => i64::from(count),
            "sell" => -i64::from(count),
            _ => return Err(refuse(at, format!("{side:?} is not buy or sell"))),
        };
        let is_roll = match why {
            "hedge" => false,
            "roll" => true,
            _ => return Err(refuse(at, format!("{why:?} is not hedge or roll"))),
        };
        let number = |text: &str| price(text).map_err(|why| refuse(at, format!("{text:?}: {why}")));
        let fee = number(fee)?;
        if fee.is_negative() {
            return Err(refuse(at, "a fee is below zero".to_owned()));
        }
        trades.push(Trade {
            date,
            client: client.to_owned(),
            account: account.to_owned(),
            contract: contract.to_owned(),
            lots,
            price: number(paid)?,
            expected: number(expected)?,
            fee,
            is_roll,
        });
    }
    Ok(trades)
}

/// What a hedge is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    /// A product, by its place in the book.
    Product(usize),
    /// A currency.
    Currency(String),
}

/// What the hedges of a client's product, or of a currency, did.
#[derive(Clone, Debug)]
pub struct Effect {
    /// Whose.
    pub client: usize,
    /// Of what.
    pub of: Of,
    /// Goods, in the product's unit; of a currency, prices agreed in it: to be received, less to be
    /// paid.
    pub physical: Rational,
    /// First and last day of prices.
    pub days: (Date, Date),
    /// Result of the goods, in the book's currency.
    pub unhedged: Rational,
    /// Result of the futures before fees.
    pub futures: Rational,
    /// Both, after fees.
    pub hedged: Rational,
    /// Fees.
    pub fees: Rational,
    /// What trades lost against the expected price; below zero: gained.
    pub slippage: Rational,
    /// Of fees and slippage, what rolls cost.
    pub rolls: Rational,
    /// What goods and futures did not take from each other: change of basis and what is not
    /// covered.
    pub basis: Rational,
    /// `-futures / unhedged`; `None` if the goods' price ended where it began.
    pub offset: Option<Rational>,
    /// Daily results of futures over those of goods; why not, where there is none.
    pub line: Result<Line, super::regression::RegressionError>,
    /// Trades of the period.
    pub trades: usize,
}

const TEXT: &str = "the effect of hedges";

/// What hedges did, product by product and then currency by currency, of all clients in the book.
///
/// `prices` has a column for every product with goods (its price in the book's currency), for every
/// contract traded (as it is quoted), for every currency traded in and every one hedged.
///
/// # Errors
/// If a price or a contract is missing, or a sum cannot be held exactly.
pub fn of(book: &Book, prices: &Series, trades: &[Trade]) -> Result<Vec<Effect>, HedgeError> {
    let all = exposure::of(book)?;
    let mut pairs: BTreeSet<(usize, Of)> =
        all.keys().map(|key| (key.client, Of::Product(key.product))).collect();
    for trade in trades {
        let client = book.clients.iter().position(|client| client.name == trade.client);
        let Some(client) = client else {
            continue;
        };
        match traded(book, &trade.contract) {
            Some(Held::Product(place)) => {
                pairs.insert((client, Of::Product(book.contracts[place].product)))
            }
            Some(Held::Fx(place)) => {
                let currency = book.fx_contracts[place].currency.clone();
                pairs.insert((client, Of::Currency(currency)))
            }
            None => {
                let why = format!("trades: no contract is called \"{}\"", trade.contract);
                return Err(HedgeError::Missing(why));
            }
        };
        if !book.clients[client].accounts.iter().any(|account| account.name == trade.account) {
            let (name, account) = (&trade.client, &trade.account);
            let why = format!("trades: {name} has no account \"{account}\"");
            return Err(HedgeError::Missing(why));
        }
    }
    pairs.into_iter().map(|pair| one(book, prices, trades, pair, &all)).collect()
}

/// The contract of a name.
fn traded(book: &Book, name: &str) -> Option<Held> {
    let product = book.contracts.iter().position(|row| row.name == name).map(Held::Product);
    let fx = || book.fx_contracts.iter().position(|row| row.name == name).map(Held::Fx);
    product.or_else(fx)
}

fn column(prices: &Series, name: &str) -> Result<usize, HedgeError> {
    let missing = || HedgeError::Missing(format!("the prices have no column \"{name}\""));
    prices.place(name).ok_or_else(missing)
}

/// Where the prices of a contract are, and what a lot of it moves for 1 of them.
struct Quoted {
    price: usize,
    rate: Option<usize>,
    size: Rational,
}

fn quoted(book: &Book, prices: &Series, contract: Held) -> Result<Quoted, HedgeError> {
    let (name, currency, size) = match contract {
        Held::Product(place) => {
            let of = &book.contracts[place];
            (&of.name, &of.currency, held(of.lot.times(of.per_unit), TEXT)?)
        }
        Held::Fx(place) => {
            let of = &book.fx_contracts[place];
            (&of.name, &of.quote, of.lot)
        }
    };
    let rate = match *currency == book.currency {
        true => None,
        false => Some(column(prices, currency)?),
    };
    Ok(Quoted { price: column(prices, name)?, rate, size })
}

/// Whether a contract is one that hedges this.
fn is_hedge_of(book: &Book, contract: Held, of: &Of) -> bool {
    match (contract, of) {
        (Held::Product(place), Of::Product(product)) => book.contracts[place].product == *product,
        (Held::Fx(place), Of::Currency(currency)) => book.fx_contracts[place].currency == *currency,
        _ => false,
    }
}

fn one(
    book: &Book,
    prices: &Series,
    trades: &[Trade],
    (client, of): (usize, Of),
    all: &exposure::Exposure,
) -> Result<Effect, HedgeError> {
    let (Some((first, start)), Some((last, end))) = (prices.rows.first(), prices.rows.last())
    else {
        return Err(HedgeError::Missing("the prices have no day in the period".to_owned()));
    };
    let (physical, name) = match &of {
        Of::Product(product) => {
            let name = &book.products[*product].name;
            (exposure::total(all, client, *product)?.physical, name)
        }
        Of::Currency(currency) => (held(agreed(book, client, currency), TEXT)?, currency),
    };
    // Where there are no goods their price is of no use, and need not be in the file.
    let spot = if physical.is_zero() { None } else { Some(column(prices, name)?) };
    let goods_of = |from: &[Rational], until: &[Rational]| match spot {
        Some(spot) => held(until[spot].minus(from[spot]).and_then(|by| by.times(physical)), TEXT),
        None => Ok(Rational::ZERO),
    };
    let own = &book.clients[client];
    let is_own = |row: &&Trade| row.client == own.name;
    let mut mine: Vec<(&Trade, Held)> = Vec::new();
    for trade in trades.iter().filter(is_own) {
        let contract = traded(book, &trade.contract);
        mine.extend(contract.filter(|row| is_hedge_of(book, *row, &of)).map(|row| (trade, row)));
    }
    if let Some((early, _)) = mine.iter().find(|(trade, _)| trade.date > *last) {
        let why = format!("a trade of {} is after the last price, {last}", early.date);
        return Err(HedgeError::Missing(why));
    }
    let mut sums = Sums::default();
    let mut lots: Vec<(Held, i64)> = Vec::new();
    let mut daily: Vec<(f64, f64)> = Vec::new();
    let mut next = 0;
    let mut before: Option<&Vec<Rational>> = None;
    let mut count = 0;
    for (date, row) in &prices.rows {
        let mut moved = Rational::ZERO;
        if let Some(before) = before {
            for (contract, lots) in &lots {
                let at = quoted(book, prices, *contract)?;
                let change = row[at.price].minus(before[at.price]);
                moved = held(sum(moved, change, *lots, &at, row), TEXT)?;
            }
        }
        while let Some((trade, contract)) = mine.get(next).filter(|(trade, _)| trade.date <= *date)
        {
            let at = quoted(book, prices, *contract)?;
            // What was done before the period is a position that it begins with.
            if trade.date >= *first {
                let change = row[at.price].minus(trade.price);
                moved = held(sum(moved, change, trade.lots, &at, row), TEXT)?;
                held(sums.cost(trade, &at, row), TEXT)?;
                count += 1;
            }
            lots.push((*contract, trade.lots));
            next += 1;
        }
        let goods = match before {
            Some(before) => goods_of(before, row)?,
            None => Rational::ZERO,
        };
        if before.is_some() {
            daily.push((goods.approximate(), moved.approximate()));
        }
        sums.futures = held(sums.futures.plus(moved), TEXT)?;
        before = Some(row);
    }
    let unhedged = goods_of(start, end)?;
    let basis = held(unhedged.plus(sums.futures), TEXT)?;
    Ok(Effect {
        client,
        of,
        physical,
        days: (*first, *last),
        unhedged,
        futures: sums.futures,
        hedged: held(basis.minus(sums.fees), TEXT)?,
        fees: sums.fees,
        slippage: sums.slippage,
        rolls: sums.rolls,
        basis,
        offset: sums.futures.negated().over(unhedged),
        line: line(&daily, 10),
        trades: count,
    })
}

#[derive(Default)]
struct Sums {
    futures: Rational,
    fees: Rational,
    slippage: Rational,
    rolls: Rational,
}

/// Adds what lots earn by a change of price, in the book's currency.
fn sum(
    so_far: Rational,
    change: Option<Rational>,
    lots: i64,
    at: &Quoted,
    row: &[Rational],
) -> Option<Rational> {
    let money = change?.times(Rational::whole(lots))?.times(at.size)?;
    so_far.plus(money.times(at.rate.map_or(Rational::ONE, |rate| row[rate]))?)
}

impl Sums {
    fn cost(&mut self, trade: &Trade, at: &Quoted, row: &[Rational]) -> Option<()> {
        let rate = at.rate.map_or(Rational::ONE, |rate| row[rate]);
        let fee = trade.fee.times(rate)?;
        let lost = trade.price.minus(trade.expected);
        let lost = sum(Rational::ZERO, lost, trade.lots, at, row)?;
        self.fees = self.fees.plus(fee)?;
        self.slippage = self.slippage.plus(lost)?;
        if trade.is_roll {
            self.rolls = self.rolls.plus(fee)?.plus(lost)?;
        }
        Some(())
    }
}
