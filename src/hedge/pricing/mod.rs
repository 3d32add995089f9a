//! Basis pricing (基差点价): what goods cost whose price is a future's plus terms, fixed lot by lot.
//!
//! A contract is for a quantity, to be fixed by one of the two parties within a window. Every
//! fixing sets some lots at the future's price of a moment; the price of all is the average of the
//! fixings by lots, put through the contract's terms (unit, basis, currency, freight, tax) in the
//! order of the file. All of it is exact; the amount is rounded once, at the end, to the digits
//! that the file says.
//!
//! Lots that the window leaves open are deemed fixed as the contract says: at the average of the
//! window's settlements, at that of its last day, or not at all, which is a finding. They are dated
//! on the last settlement that the file has, and weekdays before or behind those that have none are
//! told (`Settled`): nothing here knows holidays. Resting
//! instructions (`limit` at that price or better, `stop` at that price or worse) are compared with
//! the market's price in the file. It confirms and proposes; it sends nothing. Called by `xmc hedge
//! pricing`.

mod read;

pub use read::{load, load_text};

use super::unit::{Grade, Unit};
use crate::config::capital::Origin;
use crate::config::{Rational, Sources};
use jiff::ToSpan;
use jiff::civil::Date;

/// A file of contracts.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// The day it is of.
    pub date: Date,
    /// Whether its figures are made up.
    pub is_sample: bool,
    /// The contracts.
    pub contracts: Vec<Contract>,
    /// The files it was read from.
    pub sources: Sources,
}

/// Who chooses the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Party {
    /// 买方点价: wants a low price.
    #[default]
    Buyer,
    /// 卖方点价: wants a high one.
    Seller,
}

/// What becomes of lots that the window leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deemed {
    /// Nothing: it is a finding.
    #[default]
    Nothing,
    /// They are fixed at the average of the window's settlements.
    WindowAverage,
    /// They are fixed at the settlement of its last day.
    LastSettlement,
}

/// A contract whose price is still to be set, or was.
#[derive(Clone, Debug, Default)]
pub struct Contract {
    /// Its number.
    pub name: String,
    /// Who buys.
    pub buyer: String,
    /// Who sells.
    pub seller: String,
    /// What, in English and Chinese.
    pub goods: [String; 2],
    /// How much.
    pub quantity: Rational,
    /// In what.
    pub unit: Unit,
    /// A lot of pricing, in `unit`.
    pub lot: Rational,
    /// How many lots.
    pub lots: u32,
    /// The future.
    pub future: String,
    /// What its price is in.
    pub future_currency: String,
    /// What its price is of.
    pub future_unit: Unit,
    /// How the goods convert.
    pub grade: Grade,
    /// Its price now.
    pub market: Rational,
    /// Whether prices may be zero or less.
    pub may_be_negative: bool,
    /// First day on which lots may be fixed.
    pub from: Date,
    /// The last.
    pub until: Date,
    /// Who fixes.
    pub party: Party,
    /// What becomes of lots that are left.
    pub deemed: Deemed,
    /// Settlements of the window, by day.
    pub settlements: Vec<(Date, Rational)>,
    /// What has been fixed.
    pub fixings: Vec<Fixing>,
    /// What is to be fixed by itself.
    pub instructions: Vec<Instruction>,
    /// How the average becomes a price.
    pub terms: Vec<Term>,
    /// What is paid in.
    pub currency: String,
    /// Digits that the amount is rounded to.
    pub digits: u32,
    /// Where its words come from.
    pub origin: Origin,
}

/// Lots at a price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fixing {
    /// When.
    pub date: Date,
    /// How many.
    pub lots: u32,
    /// At which price of the future.
    pub price: Rational,
    /// Whether the window did it, and no party.
    pub is_deemed: bool,
}

/// Lots that are to be fixed when the market is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instruction {
    /// At this price or worse, and not at it or better.
    pub is_stop: bool,
    /// How many lots.
    pub lots: u32,
    /// The price.
    pub price: Rational,
}

/// One step from the future's price to the contract's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Term {
    /// What it is, in English and Chinese.
    pub name: [String; 2],
    /// What it does.
    pub step: Step,
    /// What the price was in, and is in from here on, where that changes.
    pub change: Option<[String; 2]>,
}

/// What a term does to the price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    /// From the future's unit to the contract's.
    #[default]
    Unit,
    /// Added.
    Plus(Rational),
    /// Multiplied with.
    Times(Rational),
    /// Divided by.
    DividedBy(Rational),
}

/// A term with what the price is behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its name.
    pub name: [String; 2],
    /// What it did: `x`, `/`, `+`, and with what.
    pub sign: char,
    /// With what.
    pub with: Rational,
    /// The price behind it.
    pub price: Rational,
    /// What that is in.
    pub currency: String,
    /// What it is of.
    pub unit: Unit,
}

/// Settlements that lots were deemed fixed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The first in the window.
    pub first: Date,
    /// The last in it.
    pub last: Date,
    /// How many there are.
    pub count: usize,
    /// First and last weekday of the window before those, where that matters: of an average.
    pub lacks_before: Option<(Date, Date)>,
    /// First and last weekday of the window behind them.
    pub lacks_behind: Option<(Date, Date)>,
}

/// How a contract stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What has been fixed, deemed fixings last.
    pub fixings: Vec<Fixing>,
    /// What deemed fixings follow from; `None`: nothing was deemed fixed.
    pub settled: Option<Settled>,
    /// Lots that are fixed.
    pub fixed: u32,
    /// Lots that are left.
    pub left: u32,
    /// Days to the window's end; below zero: it is over.
    pub days_left: i32,
    /// The future's average price; `None`: nothing is fixed.
    pub average: Option<Rational>,
    /// From that average to the price, term by term.
    pub lines: Vec<Line>,
    /// The price of one unit; `None`: nothing is fixed.
    pub price: Option<Rational>,
    /// What the fixed lots cost, rounded once.
    pub amount: Option<Rational>,
    /// What lots cost that were fixed now, of one unit.
    pub at_market: Rational,
    /// Instructions that the market has reached, by their place.
    pub due: Vec<usize>,
    /// Lots that the window left and nothing was said of.
    pub stranded: u32,
}

impl Contract {
    /// How it stands on a day; `None` if a figure cannot be held exactly.
    #[must_use]
    pub fn standing(&self, today: Date) -> Option<Standing> {
        let mut fixings = self.fixings.clone();
        let fixed: u32 = fixings.iter().map(|row| row.lots).sum();
        let mut left = self.lots.checked_sub(fixed)?;
        let is_over = today > self.until;
        let mut settled = None;
        if is_over
            && left > 0
            && let Some(price) = self.deemed_price()?
            && let Some(found) = self.settled()
        {
            fixings.push(Fixing { date: found.last, lots: left, price, is_deemed: true });
            left = 0;
            settled = Some(found);
        }
        let fixed = self.lots - left;
        let average = average(&fixings)?;
        let (mut lines, mut price) = (Vec::new(), None);
        if let Some(average) = average {
            lines = self.lines(average)?;
            price = Some(lines.last().map_or(average, |line| line.price));
        }
        let amount = match price {
            Some(price) => {
                let fixed = self.lot.times(Rational::whole(fixed.into()))?;
                Some(rounded(price.times(fixed)?, self.digits)?)
            }
            None => None,
        };
        let at_market = self.at_market()?;
        let is_open = today >= self.from && !is_over && left > 0;
        let reached = |row: &&Instruction| {
            let below = !row.price.is_below(self.market);
            let above = !self.market.is_below(row.price);
            match (self.party, row.is_stop) {
                (Party::Buyer, false) | (Party::Seller, true) => below,
                (Party::Buyer, true) | (Party::Seller, false) => above,
            }
        };
        let due = self.instructions.iter().enumerate();
        let due = due.filter(|(_, row)| is_open && reached(row)).map(|(at, _)| at).collect();
        Some(Standing {
            fixings,
            settled,
            fixed,
            left,
            days_left: today.until(self.until).map_or(0, |span| span.get_days()),
            average,
            lines,
            price,
            amount,
            at_market,
            due,
            stranded: if is_over { left } else { 0 },
        })
    }

    /// What one unit costs if it is fixed at the market's price; `None` if that cannot be held.
    #[must_use]
    pub fn at_market(&self) -> Option<Rational> {
        Some(self.lines(self.market)?.last().map_or(self.market, |line| line.price))
    }

    /// Settlements of the window, as far as the file has them.
    fn settled(&self) -> Option<Settled> {
        let is_in = |row: &&(Date, Rational)| (self.from..=self.until).contains(&row.0);
        let mut days = self.settlements.iter().filter(is_in).map(|(day, _)| *day);
        let count = days.clone().count();
        let first = days.next()?;
        let last = days.next_back().unwrap_or(first);
        let is_average = self.deemed == Deemed::WindowAverage;
        let before = first.yesterday().ok().filter(|_| is_average);
        let behind = last.tomorrow().ok();
        Some(Settled {
            first,
            last,
            count,
            lacks_before: before.and_then(|day| weekdays(self.from, day)),
            lacks_behind: behind.and_then(|day| weekdays(day, self.until)),
        })
    }

    /// The price of lots that the window left; `Some(None)` if there is none.
    fn deemed_price(&self) -> Option<Option<Rational>> {
        let inside = || {
            let is_in = |day: &Date| (self.from..=self.until).contains(day);
            self.settlements.iter().filter(move |(day, _)| is_in(day)).map(|(_, price)| *price)
        };
        Some(match self.deemed {
            Deemed::Nothing => None,
            Deemed::LastSettlement => inside().next_back(),
            Deemed::WindowAverage => {
                let count = i64::try_from(inside().count()).ok()?;
                let sum = inside().try_fold(Rational::ZERO, |sum, price| sum.plus(price))?;
                if count == 0 { None } else { Some(sum.over(Rational::whole(count))?) }
            }
        })
    }

    /// From a price of the future to that of the contract.
    fn lines(&self, future: Rational) -> Option<Vec<Line>> {
        let (mut price, mut unit) = (future, self.future_unit);
        let mut currency = self.future_currency.clone();
        let mut lines = Vec::new();
        for term in &self.terms {
            let (sign, with) = match term.step {
                Step::Unit => {
                    let count = super::unit::factor(self.unit, unit, &self.grade).ok()?;
                    unit = self.unit;
                    ('x', count)
                }
                Step::Plus(with) => ('+', with),
                Step::Times(with) => ('x', with),
                Step::DividedBy(with) => ('/', with),
            };
            price = match sign {
                '+' => price.plus(with)?,
                'x' => price.times(with)?,
                _ => price.over(with)?,
            };
            if let Some([_, to]) = &term.change {
                currency.clone_from(to);
            }
            let (name, currency) = (term.name.clone(), currency.clone());
            lines.push(Line { name, sign, with, price, currency, unit });
        }
        Some(lines)
    }
}

/// First and last weekday from one day to another; `None`: there is none.
fn weekdays(from: Date, until: Date) -> Option<(Date, Date)> {
    let is_weekday = |day: &Date| day.weekday().to_monday_zero_offset() < 5;
    // One of three days that follow each other is a weekday.
    let near = |day: Date, step: i64| {
        let days = (0..3).filter_map(move |by| day.checked_add((step * by).days()).ok());
        days.filter(|day| (from..=until).contains(day)).find(is_weekday)
    };
    near(from, 1).zip(near(until, -1))
}

/// The average by lots; `Some(None)` of nothing.
fn average(fixings: &[Fixing]) -> Option<Option<Rational>> {
    let lots: i64 = fixings.iter().map(|row| i64::from(row.lots)).sum();
    let worth = fixings.iter().try_fold(Rational::ZERO, |sum, row| {
        sum.plus(row.price.times(Rational::whole(row.lots.into()))?)
    })?;
    Some(if lots == 0 { None } else { Some(worth.over(Rational::whole(lots))?) })
}

/// To so many digits, the nearest; a half away from nothing.
fn rounded(value: Rational, digits: u32) -> Option<Rational> {
    let unit = 10_i128.checked_pow(digits)?;
    Rational::new(value.nearest(unit)?, unit)
}
