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
//! Money is exact; only the line is of floats. Called by `xmc hedge effect`.

use super::book::Book;
use super::exposure;
use super::regression::{Line, line};
use super::series::{Series, SeriesError, day, lines, price};
use super::{HedgeError, held};
use crate::config::Rational;
use jiff::civil::Date;
use std::collections::BTreeMap;

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

/// What the hedges of a client's product did.
#[derive(Clone, Debug)]
pub struct Effect {
    /// Whose.
    pub client: usize,
    /// Of what.
    pub product: usize,
    /// Goods, in the product's unit.
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

/// What hedges did, product by product, of all clients in the book.
///
/// `prices` has a column for every product that is hedged (its price in the book's currency), for
/// every contract traded (as it is quoted) and for every currency traded in.
///
/// # Errors
/// If a price or a contract is missing, or a sum cannot be held exactly.
pub fn of(book: &Book, prices: &Series, trades: &[Trade]) -> Result<Vec<Effect>, HedgeError> {
    let all = exposure::of(book)?;
    let mut pairs: Vec<(usize, usize)> = all.keys().map(|key| (key.client, key.product)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.into_iter().map(|pair| one(book, prices, trades, pair, &all)).collect()
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

fn quoted(book: &Book, prices: &Series, contract: usize) -> Result<Quoted, HedgeError> {
    let of = &book.contracts[contract];
    let rate = match of.currency == book.currency {
        true => None,
        false => Some(column(prices, &of.currency)?),
    };
    let size = held(of.lot.times(of.per_unit), TEXT)?;
    Ok(Quoted { price: column(prices, &of.name)?, rate, size })
}

fn one(
    book: &Book,
    prices: &Series,
    trades: &[Trade],
    (client, product): (usize, usize),
    all: &exposure::Exposure,
) -> Result<Effect, HedgeError> {
    let (Some((first, start)), Some((last, end))) = (prices.rows.first(), prices.rows.last())
    else {
        return Err(HedgeError::Missing("the prices have no day in the period".to_owned()));
    };
    let physical = exposure::total(all, client, product)?.physical;
    let spot = column(prices, &book.products[product].name)?;
    let own = &book.clients[client];
    let is_own = |row: &&Trade| row.client == own.name;
    let mut mine: Vec<(&Trade, usize)> = Vec::new();
    for trade in trades.iter().filter(is_own) {
        let place = book.contracts.iter().position(|row| row.name == trade.contract);
        let is_fx = book.fx_contracts.iter().any(|row| row.name == trade.contract);
        match place {
            Some(place) if book.contracts[place].product == product => mine.push((trade, place)),
            Some(_) => {}
            None if is_fx => {}
            None => {
                let why = format!("trades: no contract is called \"{}\"", trade.contract);
                return Err(HedgeError::Missing(why));
            }
        }
        if !own.accounts.iter().any(|account| account.name == trade.account) {
            let why = format!("trades: {} has no account \"{}\"", own.name, trade.account);
            return Err(HedgeError::Missing(why));
        }
    }
    if let Some((early, _)) = mine.iter().find(|(trade, _)| trade.date > *last) {
        let why = format!("a trade of {} is after the last price, {last}", early.date);
        return Err(HedgeError::Missing(why));
    }
    let mut sums = Sums::default();
    let (mut lots, mut daily): (BTreeMap<usize, i64>, Vec<(f64, f64)>) = Default::default();
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
            *lots.entry(*contract).or_default() += trade.lots;
            next += 1;
        }
        let goods = match before {
            Some(before) => {
                held(row[spot].minus(before[spot]).and_then(|step| step.times(physical)), TEXT)?
            }
            None => Rational::ZERO,
        };
        if before.is_some() {
            daily.push((goods.approximate(), moved.approximate()));
        }
        sums.futures = held(sums.futures.plus(moved), TEXT)?;
        before = Some(row);
    }
    let unhedged = held(end[spot].minus(start[spot]).and_then(|step| step.times(physical)), TEXT)?;
    let basis = held(unhedged.plus(sums.futures), TEXT)?;
    Ok(Effect {
        client,
        product,
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
