//! From what a file says to a book, with everything that is wrong on the way.

use super::written::{
    State, Written, WrittenBalance, WrittenOrder, WrittenPool, WrittenPosition, WrittenPrice,
    WrittenRate,
};
use super::{Balance, Book, BookError, Order, Position, Side};
use crate::capital::{margin, stand};
use crate::config::capital::{Account, Capital, Contract};
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

/// Most money in one place, either way.
const MOST_MONEY: Decimal = Decimal::from_parts(0xD4A5_1000, 0xE8, 0, false, 0);
/// What is shown by a broker and what follows from its parts may differ by so much of the latter:
/// brokers round, and by the cent of every position.
const TOLERANCE: Decimal = Decimal::from_parts(1, 0, 0, false, 3);
/// Lots of one order or position.
const MOST_LOTS: u32 = 1_000_000;
/// A rate may have been taken so long after the book: clocks differ.
const AHEAD_SECONDS: i64 = 60;

/// A book that is being read, and what is wrong so far.
pub(super) struct Reading<'t> {
    pub terms: &'t Capital,
    pub errors: Vec<BookError>,
}

impl Reading<'_> {
    pub fn book(&mut self, written: &Written) -> Book {
        let at = self.instant("at", &written.at);
        let day = written.trading_day.parse::<Date>().unwrap_or_else(|_| {
            self.wrong("trading_day", &written.trading_day, "write a day: 2026-07-15");
            Date::MIN
        });
        let since = day.at(0, 0, 0, 0).in_tz("UTC").map(|day| day.timestamp());
        let hours = since.map_or(0, |since| at.duration_since(since).as_hours());
        // The night before a holiday belongs to the day after: ten days are the longest.
        if !(-240..=48).contains(&hours) {
            let why = format!("it is not the trading day of {at}");
            self.wrong("trading_day", &written.trading_day, &why);
        }
        let volatility = written
            .volatility
            .as_ref()
            .map(|text| self.decimal("volatility", text, Decimal::new(1, 3), Decimal::new(5, 0)));
        Book {
            at,
            day,
            is_sample: written.sample,
            rates: self.rates(&written.fx, at),
            prices: self.prices(&written.prices),
            balances: self.balances(&written.accounts),
            pools: self.pools(&written.pools),
            positions: written.positions.iter().filter_map(|row| self.position(row)).collect(),
            orders: written.orders.iter().filter_map(|row| self.order(row)).collect(),
            volatility,
        }
    }

    fn wrong(&mut self, what: impl Into<String>, text: &str, why: &str) {
        let (what, text, why) = (what.into(), text.to_owned(), why.to_owned());
        self.errors.push(BookError::Number { what, text, why });
    }

    fn instant(&mut self, what: &str, text: &str) -> Timestamp {
        text.parse().unwrap_or_else(|_| {
            self.wrong(what, text, "write an instant: 2026-07-15T06:30:00Z");
            Timestamp::UNIX_EPOCH
        })
    }

    /// A decimal in the one spelling of the configuration, from `least` to `most`.
    fn decimal(&mut self, what: &str, text: &str, least: Decimal, most: Decimal) -> Decimal {
        let read = crate::config::Rational::parse(text).map_err(|error| error.to_string());
        let read = read.and_then(|_| text.parse::<Decimal>().map_err(|error| error.to_string()));
        match read {
            Ok(value) if (least..=most).contains(&value) => value,
            Ok(_) => {
                let why = format!("it must be from {} to {}", least.normalize(), most.normalize());
                self.wrong(what, text, &why);
                least
            }
            Err(why) => {
                self.wrong(what, text, &why);
                least
            }
        }
    }

    fn lots(&mut self, what: &str, lots: u32) -> u32 {
        if !(1..=MOST_LOTS).contains(&lots) {
            self.wrong(what, &lots.to_string(), &format!("it must be from 1 to {MOST_LOTS} lots"));
        }
        lots
    }

    /// By the place of each name: the one row that has it.
    fn each<'w, W, T: Clone>(
        &mut self,
        what: &'static str,
        (names, rows): (&[String], &'w [W]),
        name: impl Fn(&W) -> &String,
        empty: T,
        mut read: impl FnMut(&mut Self, usize, &'w W) -> T,
    ) -> Vec<T> {
        for row in rows.iter().filter(|row| !names.contains(name(row))) {
            self.errors.push(BookError::Unknown { what, name: name(row).clone() });
        }
        let mut values = vec![empty; names.len()];
        for (place, wanted) in names.iter().enumerate() {
            let mut found = rows.iter().filter(|row| name(row) == wanted);
            let (first, more) = (found.next(), found.count());
            match first {
                Some(row) if more == 0 => values[place] = read(self, place, row),
                _ => {
                    let count = usize::from(first.is_some()) + more;
                    self.errors.push(BookError::Count { what, name: wanted.clone(), count });
                }
            }
        }
        values
    }

    fn same_currency(&mut self, what: &str, written: &str, wanted: &str) {
        if written != wanted {
            self.wrong(format!("the currency of {what}"), written, &format!("it is in {wanted}"));
        }
    }

    fn rates(&mut self, rows: &[WrittenRate], now: Timestamp) -> Vec<Decimal> {
        let terms = self.terms;
        let names: Vec<_> = terms.currencies.iter().map(|row| row.name.clone()).collect();
        self.each(
            "currency",
            (&names, rows),
            |row| &row.currency,
            Decimal::ONE,
            |us, place, row| {
                let sane = &terms.currencies[place];
                let at = us.instant("the time of a rate", &row.at);
                let age = now.duration_since(at).as_secs();
                let limit = terms.fx_max_age_minutes;
                if !(-AHEAD_SECONDS..=i64::from(limit) * 60).contains(&age) {
                    let currency = row.currency.clone();
                    us.errors.push(BookError::Stale { currency, at, limit, now });
                }
                us.decimal(
                    &format!("the rate of {}", sane.name),
                    &row.rate,
                    sane.lowest,
                    sane.highest,
                )
            },
        )
    }

    fn prices(&mut self, rows: &[WrittenPrice]) -> Vec<Decimal> {
        let terms = self.terms;
        let names: Vec<_> = terms.contracts.iter().map(|row| row.name.clone()).collect();
        self.each(
            "contract",
            (&names, rows),
            |row| &row.contract,
            Decimal::ONE,
            |us, place, row| {
                let contract = &terms.contracts[place];
                us.same_currency(&format!("the price of {}", contract.name), &row.currency, {
                    &contract.currency
                });
                us.price(&format!("the price of {}", contract.name), contract, &row.price)
            },
        )
    }

    fn price(&mut self, what: &str, contract: &Contract, text: &str) -> Decimal {
        let (lowest, highest) = contract.sane_prices();
        self.decimal(what, text, lowest, highest)
    }

    fn balances(&mut self, rows: &[WrittenBalance]) -> Vec<Balance> {
        let terms = self.terms;
        let names: Vec<_> = terms.accounts.iter().map(|row| row.name.clone()).collect();
        let none = Balance::default();
        self.each(
            "account",
            (&names, rows),
            |row| &row.account,
            none,
            |us, place, row| {
                let account = &terms.accounts[place];
                us.same_currency(&format!("account {}", account.name), &row.currency, {
                    &account.currency
                });
                let mut money = |key: &str, text: &str, least: Decimal| {
                    us.decimal(
                        &format!("`{key}` of account {}", account.name),
                        text,
                        least,
                        MOST_MONEY,
                    )
                };
                let (any, some) = (-MOST_MONEY, Decimal::ZERO);
                Balance {
                    settled: money("settled", &row.settled, any),
                    deposits: money("deposits", &row.deposits, some),
                    withdrawals: money("withdrawals", &row.withdrawals, some),
                    realised: money("realised", &row.realised, any),
                    fees: money("fees", &row.fees, some),
                    frozen: money("frozen", &row.frozen, some),
                    equity: row.equity.as_ref().map(|text| money("equity", text, any)),
                    margin: row.margin.as_ref().map(|text| money("margin", text, some)),
                }
            },
        )
    }

    fn pools(&mut self, rows: &[WrittenPool]) -> Vec<Decimal> {
        let terms = self.terms;
        let names: Vec<_> = terms.pools.iter().map(|row| row.name.clone()).collect();
        self.each(
            "pool",
            (&names, rows),
            |row| &row.pool,
            Decimal::ZERO,
            |us, place, row| {
                let pool = &terms.pools[place];
                us.same_currency(&format!("pool {}", pool.name), &row.currency, &pool.currency);
                us.decimal(&format!("pool {}", pool.name), &row.balance, Decimal::ZERO, MOST_MONEY)
            },
        )
    }

    /// The account and the contract of a row.
    fn places(&mut self, account: &str, contract: &str) -> Option<(usize, usize)> {
        let terms = self.terms;
        let of = terms.accounts.iter().position(|row| row.name == account);
        let in_what = terms.contracts.iter().position(|row| row.name == contract);
        if of.is_none() {
            self.errors.push(BookError::Unknown { what: "account", name: account.to_owned() });
        }
        if in_what.is_none() {
            self.errors.push(BookError::Unknown { what: "contract", name: contract.to_owned() });
        }
        of.zip(in_what)
    }

    fn position(&mut self, row: &WrittenPosition) -> Option<Position> {
        let (account, contract) = self.places(&row.account, &row.contract)?;
        let what = format!("{} in account {}", row.contract, row.account);
        let reference = {
            let of = format!("the reference of {what}");
            self.price(&of, &self.terms.contracts[contract], &row.reference)
        };
        Some(Position {
            account,
            contract,
            side: row.side,
            lots: self.lots(&format!("the lots of {what}"), row.lots),
            is_today: row.today,
            reference,
            is_hedge: row.hedge,
        })
    }

    fn order(&mut self, row: &WrittenOrder) -> Option<Order> {
        let (account, contract) = self.places(&row.account, &row.contract)?;
        let what = format!("an order for {} in account {}", row.contract, row.account);
        // Both may be filled, and both are reckoned with as if they were.
        let (State::Live | State::Unknown) = row.state;
        Some(Order {
            account,
            contract,
            side: row.side,
            effect: row.effect,
            lots: self.lots(&format!("the lots of {what}"), row.lots),
            price: {
                let of = format!("the price of {what}");
                self.price(&of, &self.terms.contracts[contract], &row.price)
            },
            is_hedge: row.hedge,
        })
    }

    /// What brokers show against what follows.
    pub fn compare(&mut self, book: &Book) {
        for (place, account) in self.terms.accounts.iter().enumerate() {
            let balance = &book.balances[place];
            let equity = stand::equity(self.terms, book, place, &stand::Moved::NONE);
            let used = margin::used(self.terms, book, place);
            self.close("equity", account, balance.equity, equity);
            self.close("margin", account, balance.margin, used);
            if balance.frozen > equity.max(Decimal::ZERO) {
                let what = format!("`frozen` of account {}", account.name);
                self.wrong(what, &balance.frozen.to_string(), "it is more than the equity");
            }
            for contract in 0..self.terms.contracts.len() {
                self.fits(book, place, contract);
            }
        }
    }

    fn close(
        &mut self,
        what: &'static str,
        account: &Account,
        shown: Option<Decimal>,
        follows: Decimal,
    ) {
        let Some(shown) = shown else { return };
        if (shown - follows).abs() > follows.abs() * TOLERANCE + Decimal::ONE {
            let (account, follows) = (account.name.clone(), follows.round_dp(2).normalize());
            self.errors.push(BookError::Disagrees { account, what, shown, follows });
        }
    }

    /// Lots within what the terms allow in one account.
    fn fits(&mut self, book: &Book, account: usize, contract: usize) {
        for side in Side::BOTH {
            let held = book
                .positions
                .iter()
                .filter(|row| (row.account, row.contract, row.side) == (account, contract, side));
            let lots: u64 = held.map(|row| u64::from(row.lots)).sum();
            let (terms, most) = (self.terms, self.terms.contracts[contract].max_lots);
            if lots > u64::from(most) {
                let (name, of) = (&terms.contracts[contract].name, &terms.accounts[account].name);
                let what = format!("{name} of one side in account {of}");
                self.wrong(what, &lots.to_string(), &format!("the terms allow {most} lots"));
            }
        }
    }
}
