//! Watches the money that a running engine's orders use, and acts when it runs short.
//!
//! It goes on from the book that the brokers gave (`capital::book`): fills are read from the record
//! (`trades`, also those of runs that have ended), marks and exchange rates are the middles of what
//! the desk's shadow has, live orders are the shadow's. Some fifty times a second every account is
//! reckoned anew, now and in its worst case. An account that has come to its warning is told, with
//! instructions where money can come from (once: `under_way`); above that spreads with a traded leg
//! in it close only, then are closed at what the books give, both legs together, then are halted
//! (`hold`). What is done reaches the desk as commands and specifications in its control ring, so
//! it is recorded and replayed like everything else. `told` is what others see, and the lines
//! beside the record.
//!
//! A book is replaced as a whole by whoever asks the brokers; it is read again when its file is
//! another one (`books`), and what was traded after its instant is added: a book is to be taken
//! while nothing of its accounts trades, or what trades at that instant counts twice or not at all.
//! A book that is refused changes nothing. Where the figures cannot be relied on (an old book or
//! rate, closes of what is not there, fills that nobody can explain) accounts are treated as ones
//! that only reduce.
//!
//! Not here: the rates themselves and what they make of a book (`capital`). Called by `telling`, on
//! the cold side.

mod books;
mod hold;
mod legs;
mod told;
mod trades;
mod under_way;

pub use legs::CapitalError;
pub use told::{AccountFigures, Doubt, Figures, LOG, Published, Transfer, Unmet, percent};
pub use trades::{Trade, Trades};

use self::books::Books;
use self::hold::Holds;
use self::legs::{Leg, QuotedRate, e9};
use self::told::{Line, Log};
use self::under_way::UnderWay;
use crate::capital::Book;
use crate::capital::book::{Effect, Order, Side};
use crate::capital::ledger::{self, Fill, Way};
use crate::capital::level::{self, Ladder, Stage};
use crate::capital::plan::plan;
use crate::capital::stand::{Stand, View};
use crate::config::capital::{self as terms, Capital};
use crate::config::{CapitalWatch, Configuration};
use crate::engine::recording::LeftRun;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use xmc_hotpath::desk::Desk;
use xmc_hotpath::message::{CommandKind, Control, PositionEffect, Quote, QuoteQuality, Scope};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

/// A book may be so much newer than this clock: clocks differ.
const AHEAD: SignedDuration = SignedDuration::from_secs(60);
/// Instructions that are shown.
const SHOWN: usize = 16;

/// When it is looked, and how far the desk's shadow has come by then.
#[derive(Clone, Copy, Debug)]
pub struct When {
    /// The engine's clock.
    pub now: MonoNs,
    /// Where the record is, as far as the shadow has followed it.
    pub read: MonoNs,
    /// UTC.
    pub utc: UnixNs,
    /// The shadow shows all that the desk was told.
    pub is_caught_up: bool,
    /// The shadow has done something else than the record says.
    pub has_difference: bool,
    /// The run is over: nobody is told anything any more.
    pub is_last: bool,
}

/// Watches capital.
#[derive(Debug)]
pub struct CapitalDesk {
    terms: Arc<Capital>,
    watch: CapitalWatch,
    /// By row of the instrument table.
    legs: Vec<Option<Leg>>,
    rates: Vec<QuotedRate>,
    books_to_come: Books,
    /// As the book says, then as fills have changed it.
    book: Book,
    /// When the brokers said it.
    book_at: Timestamp,
    /// Its orders for what the engine does not trade.
    others: Vec<Order>,
    /// Everything traded since then.
    traded: Vec<Trade>,
    unexplained_ns: Option<u64>,
    /// Lots that closed what is not there: where and what.
    unmatched: Vec<(usize, usize)>,
    /// Contracts whose last price is none that the terms believe.
    outside: BTreeSet<usize>,
    ladders: Vec<Ladder>,
    holds: Holds,
    published: Arc<Published>,
    log: Log,
    doubts: Vec<Doubt>,
    books: u64,
    refused: Option<String>,
    transfers: VecDeque<Transfer>,
    instructed: u64,
    unmet: VecDeque<Unmet>,
    unmet_count: u64,
    sent_money: UnderWay,
    looked: Option<MonoNs>,
    /// The shadow does something else than the record says: nothing here is known any more.
    is_blind: bool,
    /// Where the record was at the last look.
    before: MonoNs,
    /// Commands on their way: from what number on, and where the record was at the look before.
    sent: Vec<(u64, MonoNs)>,
    looks: u64,
    slowest_look_us: u64,
    slowest_action_us: Option<u64>,
    actions: u64,
}

impl CapitalDesk {
    /// Reads terms and book, and what was traded since the book was made by the runs up to number
    /// `last_run` in the record in `directory`.
    ///
    /// # Errors
    /// See `CapitalError`.
    pub fn open(
        watch: &CapitalWatch,
        config: &Configuration,
        directory: &Path,
        last_run: Option<LeftRun>,
        utc: UnixNs,
    ) -> Result<Self, CapitalError> {
        let terms = Arc::new(terms::load(&watch.terms).map_err(Box::new)?);
        let legs = legs::legs(watch, config, &terms)?;
        let rates = legs::rates(config, &terms)?;
        let io = |source| CapitalError::Io { path: directory.to_owned(), source };
        let read = Books::watch(&watch.book, &terms).map_err(io)?;
        let (books_to_come, book) = read.map_err(CapitalError::Book)?;
        if is_of_the_future(&book, timestamp(utc)) {
            return Err(CapitalError::Future(book.at));
        }
        let (traded, unexplained_ns) = match last_run {
            Some(last) => {
                let from_ns = ns(book.at);
                trades::since(config, directory, last, (from_ns, utc.0)).map_err(io)?
            }
            None => (Vec::new(), None),
        };
        let mut log = Log::open(directory).map_err(io)?;
        log.write(&Line::book(timestamp(utc), &book));
        let account_of = |row: usize| legs[row].map(|leg: Leg| leg.account);
        let mut us = Self {
            holds: Holds::new(config, account_of, trades::FIRST_COMMAND),
            ladders: vec![Ladder::default(); terms.accounts.len()],
            terms,
            watch: watch.clone(),
            legs,
            rates,
            books_to_come,
            book_at: book.at,
            book: book.clone(),
            others: Vec::new(),
            traded,
            unexplained_ns,
            unmatched: Vec::new(),
            outside: BTreeSet::new(),
            published: Arc::new(Published::default()),
            log,
            doubts: Vec::new(),
            books: 0,
            refused: None,
            transfers: VecDeque::new(),
            instructed: 0,
            unmet: VecDeque::new(),
            unmet_count: 0,
            sent_money: UnderWay::default(),
            looked: None,
            is_blind: false,
            before: MonoNs(0),
            sent: Vec::new(),
            looks: 0,
            slowest_look_us: 0,
            slowest_action_us: None,
            actions: 0,
        };
        us.go_on_from(book);
        Ok(us)
    }

    /// Where others see how it stands.
    #[must_use]
    pub fn published(&self) -> Arc<Published> {
        Arc::clone(&self.published)
    }

    /// Whether a row of the spread table is not to open.
    #[must_use]
    pub fn holds(&self, row: usize) -> bool {
        self.holds.holds(row)
    }

    /// Looks, if it is time to: what the desk has to be told. `is_free` says of which rows of the
    /// spread table nobody else wants that they stay closed.
    pub fn look(
        &mut self,
        trades: &mut Trades,
        desk: &Desk<'_>,
        when: When,
        is_free: &dyn Fn(usize) -> bool,
    ) -> Vec<Control> {
        let When { now, read, utc, .. } = when;
        let pause = Span(u64::from(self.watch.look_ms) * 1_000_000);
        if self.looked.is_some_and(|looked| now.since(looked) < pause) && !when.is_last {
            return Vec::new();
        }
        let began = Instant::now();
        self.looked = Some(now);
        let at = timestamp(utc);
        self.hear(trades, desk);
        self.read_again(at);
        self.mark(desk, now, at, when.has_difference);
        let view = View::of(&self.terms, &self.book);
        let is_change = self.judge(&view, at);
        let stages: Vec<_> = self.ladders.iter().map(|ladder| self.stage(ladder)).collect();
        let first = self.holds.next_command();
        let told = if when.has_difference {
            // What the desk holds is not seen any more: nothing is opened, and people are told.
            let is_new = !std::mem::replace(&mut self.is_blind, true);
            let order = |holds: &mut Holds| holds.order(CommandKind::NoNew, Scope::All);
            is_new.then(|| order(&mut self.holds)).into_iter().collect()
        } else {
            self.holds.due(desk, &stages, now, when.is_caught_up, is_free)
        };
        if self.holds.next_command() > first {
            self.sent.push((first, self.before));
        }
        self.before = read;
        self.looks += 1;
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.slowest_look_us = self.slowest_look_us.max(took);
        self.publish(&view, &stages, at, is_change);
        told
    }

    /// Takes up what the record has said since the last look.
    fn hear(&mut self, trades: &mut Trades, desk: &Desk<'_>) {
        for trade in trades.take_traded() {
            self.traded.push(trade);
            if trade.at_ns > ns(self.book_at) {
                self.take(&trade);
            }
        }
        self.unexplained_ns = self.unexplained_ns.max(trades.unexplained_ns);
        for scope in trades.touched.drain(..) {
            self.holds.touched(scope, desk);
        }
        for (number, taken) in trades.done.drain(..) {
            let sent = self.sent.iter().rev().find(|(first, _)| *first <= number);
            if let Some((_, from)) = sent {
                let took_us = taken.since(*from).0 / 1_000;
                self.slowest_action_us = self.slowest_action_us.max(Some(took_us));
                self.actions += 1;
            }
        }
        let keep = self.sent.len().saturating_sub(64);
        self.sent.drain(..keep);
    }

    /// A fill of the engine in the book.
    fn take(&mut self, trade: &Trade) {
        let Some(leg) = self.legs.get(trade.instrument).copied().flatten() else { return };
        let Leg { account, contract, factor } = leg;
        let way = match trade.effect {
            PositionEffect::Net => Way::Net,
            PositionEffect::Open => Way::As(Effect::Open),
            PositionEffect::Close | PositionEffect::CloseYesterday => Way::As(Effect::Close),
            PositionEffect::CloseToday => Way::As(Effect::CloseToday),
        };
        let fill = Fill {
            account,
            contract,
            buys: trade.buys,
            way,
            lots: trade.lots,
            price: e9(trade.price_e9) * factor,
            is_hedge: trade.is_hedge,
            pays: trade.pays,
        };
        let unmatched = ledger::take(&self.terms, &mut self.book, &fill);
        if unmatched > 0 && !self.unmatched.contains(&(account, contract)) {
            self.unmatched.push((account, contract));
        }
    }

    /// Takes another book if there is one.
    fn read_again(&mut self, at: Timestamp) {
        while let Some(read) = self.books_to_come.next() {
            match read {
                Ok(book) if book.at < self.book_at => {
                    self.refuse(at, format!("it is of {}, before the one in use", book.at));
                }
                Ok(book) if is_of_the_future(&book, at) => {
                    self.refuse(at, format!("it is of {}, and now is {at}", book.at));
                }
                Ok(book) => {
                    self.log.write(&Line::book(at, &book));
                    self.refused = None;
                    self.go_on_from(book);
                }
                Err(why) => self.refuse(at, why),
            }
        }
    }

    fn refuse(&mut self, at: Timestamp, why: String) {
        self.log.write(&Line::Refused { at, why: &why });
        self.refused = Some(why);
    }

    /// Begins with a book, and adds what was traded since it was made.
    fn go_on_from(&mut self, book: Book) {
        self.books += 1;
        self.sent_money.seen(&self.book, &book);
        self.book_at = book.at;
        let from_ns = ns(book.at);
        // What the engine trades, it knows better than a book of a while ago.
        let trades = |order: &Order| {
            let mut legs = self.legs.iter().flatten();
            legs.any(|leg| (leg.account, leg.contract) == (order.account, order.contract))
        };
        self.others = book.orders.iter().filter(|order| !trades(order)).copied().collect();
        self.book = book;
        self.unmatched.clear();
        self.outside.clear();
        self.unexplained_ns = self.unexplained_ns.filter(|at_ns| *at_ns > from_ns);
        self.traded.retain(|trade| trade.at_ns > from_ns);
        for trade in std::mem::take(&mut self.traded) {
            self.take(&trade);
            self.traded.push(trade);
        }
    }

    /// Prices, rates and orders of now, and what cannot be relied on.
    fn mark(&mut self, desk: &Desk<'_>, now: MonoNs, at: Timestamp, has_difference: bool) {
        let mut doubts = Vec::new();
        let quotes = desk.instruments();
        for (leg, row) in self.legs.iter().zip(quotes) {
            if let (Some(leg), Some(mark)) = (leg, mark_of(&row.quote)) {
                let (lowest, highest) = self.terms.contracts[leg.contract].sane_prices();
                let price = mark * leg.factor;
                // What the terms would refuse in a book is no price here either; that it is asked
                // for is told, since the mark then stands still.
                if (lowest..=highest).contains(&price) {
                    self.book.prices[leg.contract] = price;
                    self.outside.remove(&leg.contract);
                } else {
                    self.outside.insert(leg.contract);
                }
            }
        }
        let oldest = Span(u64::from(self.terms.fx_max_age_minutes) * 60_000_000_000);
        let is_book_fresh = self.is_fresh(at);
        for rate in &mut self.rates {
            let currency = &self.terms.currencies[rate.currency];
            let quote = quotes.get(rate.instrument).map(|row| &row.quote);
            let middle = quote.and_then(|quote| Some((mark_of(quote)?, quote.received)));
            if let Some((value, received)) = middle.filter(|(value, _)| !value.is_zero()) {
                let value = if rate.is_divided { Decimal::ONE / value } else { value };
                let is_sane = (currency.lowest..=currency.highest).contains(&value);
                if is_sane && now.since(received) <= oldest {
                    self.book.rates[rate.currency] = value;
                    rate.good = Some(received);
                }
            }
            let is_old = rate.good.is_none_or(|good| now.since(good) > oldest);
            if is_old && !is_book_fresh {
                doubts.push(Doubt::RateOld { currency: currency.name.clone() });
            }
        }
        let hours = SignedDuration::from_hours(self.watch.book_hours.into());
        if at.duration_since(self.book_at) > hours {
            doubts.push(Doubt::BookOld);
        }
        for (account, contract) in &self.unmatched {
            let account = self.terms.accounts[*account].name.clone();
            let contract = self.terms.contracts[*contract].name.clone();
            doubts.push(Doubt::Unmatched { account, contract });
        }
        doubts.extend(self.outside.iter().map(|contract| {
            let contract = &self.terms.contracts[*contract];
            let (lowest, highest) = contract.sane_prices();
            Doubt::PriceOutside { contract: contract.name.clone(), lowest, highest }
        }));
        doubts.extend(self.unexplained_ns.map(|_| Doubt::Unexplained));
        doubts.extend(has_difference.then_some(Doubt::NotFollowed));
        self.book.at = at;
        self.book.orders = self.orders(desk);
        if self.doubts != doubts {
            self.log.write(&Line::Doubts { at, doubts: &doubts });
            self.doubts = doubts;
        }
    }

    /// Whether the rates of the book may still be used.
    fn is_fresh(&self, at: Timestamp) -> bool {
        let limit = SignedDuration::from_mins(self.terms.fx_max_age_minutes.into());
        at.duration_since(self.book_at) <= limit
    }

    /// Orders that are live, or of which nobody can tell: the engine's, and those of others that
    /// the book has.
    fn orders(&self, desk: &Desk<'_>) -> Vec<Order> {
        let live = desk.orders().rows().iter().filter(|row| row.is_live());
        let own = live.filter_map(|row| {
            let leg = self.legs.get(row.instrument.0 as usize).copied().flatten()?;
            let buys = row.side == xmc_hotpath::message::Side::Buy;
            let effect = match row.effect {
                PositionEffect::Net | PositionEffect::Open => Effect::Open,
                PositionEffect::Close | PositionEffect::CloseYesterday => Effect::Close,
                PositionEffect::CloseToday => Effect::CloseToday,
            };
            let side = match buys == (effect == Effect::Open) {
                true => Side::Long,
                false => Side::Short,
            };
            let lots = row.open_lots();
            (lots > 0).then_some(Order {
                account: leg.account,
                contract: leg.contract,
                side,
                effect,
                lots,
                price: e9(row.price_e9) * leg.factor,
                is_hedge: false,
            })
        });
        own.chain(self.others.iter().copied()).collect()
    }

    /// What an account may do: where there is a doubt, it reduces at most.
    fn stage(&self, ladder: &Ladder) -> Stage {
        let floor = if self.doubts.is_empty() { Stage::Normal } else { Stage::ReduceOnly };
        ladder.stage().max(floor)
    }

    /// Takes each account to its level; whether somebody has to be told.
    fn judge(&mut self, view: &View, at: Timestamp) -> bool {
        let levels = level::levels(&self.terms, self.book.volatility);
        let (mut is_change, mut is_higher) = (false, false);
        for (stand, ladder) in view.stands.iter().zip(&mut self.ladders) {
            let from = ladder.stage();
            let stage = ladder.take(&levels, stand.utilisation);
            if stage == from {
                continue;
            }
            (is_change, is_higher) = (true, is_higher || stage > from);
            let account = told::account(&self.terms, stand, (stage, stage));
            self.log.write(&Line::Stage { at, from, account: &account });
        }
        // What should have come and has not is asked for anew.
        let is_late = self.sent_money.expire(at);
        let is_short = self.ladders.iter().any(|ladder| ladder.stage() >= Stage::Warn);
        if is_higher || (is_late && is_short) {
            self.instruct(at);
        }
        is_change
    }

    /// Works out where money should come from, as if what is under way were there already.
    fn instruct(&mut self, at: Timestamp) {
        let book = self.sent_money.in_book(&self.book);
        let view = View::of(&self.terms, &book);
        let levels = level::levels(&self.terms, book.volatility);
        let stages: Vec<_> =
            view.stands.iter().map(|stand| Stage::of(&levels, stand.utilisation)).collect();
        let found = plan(&self.terms, &book, &view, &stages);
        if found.needs.is_empty() {
            return;
        }
        let transfers = told::transfers(&self.terms, &found, self.instructed);
        for (row, transfer) in found.instructions.iter().zip(transfers) {
            self.log.write(&Line::Instruction { at, transfer: &transfer });
            self.sent_money.instructed(&self.terms, row, &self.book);
            self.instructed = transfer.number;
            self.transfers.push_back(transfer);
        }
        for (need, unmet) in found.needs.iter().zip(&found.unmet) {
            if *unmet > Decimal::ZERO {
                self.unmet_count += 1;
                let own = &self.terms.accounts[need.account];
                let unmet = Unmet {
                    number: self.unmet_count,
                    account: own.name.clone(),
                    currency: own.currency.clone(),
                    amount: told::shown(*unmet),
                };
                self.log.write(&Line::Unmet { at, unmet: &unmet });
                self.unmet.push_back(unmet);
            }
        }
        let over = self.transfers.len().saturating_sub(SHOWN);
        self.transfers.drain(..over);
        let over = self.unmet.len().saturating_sub(SHOWN);
        self.unmet.drain(..over);
    }

    fn publish(&mut self, view: &View, stages: &[Stage], at: Timestamp, is_change: bool) {
        let own = self.ladders.iter().map(Ladder::stage).zip(stages.iter().copied());
        let shown = |(stand, stages): (&Stand, _)| told::account(&self.terms, stand, stages);
        let figures = Figures {
            at,
            book_at: self.book_at,
            is_sample: self.book.is_sample,
            accounts: view.stands.iter().zip(own).map(shown).collect(),
            levels: level::levels(&self.terms, self.book.volatility),
            doubts: self.doubts.clone(),
            books: self.books,
            refused: self.refused.clone(),
            transfers: self.transfers.clone(),
            unmet: self.unmet.clone(),
            looks: self.looks,
            slowest_look_us: self.slowest_look_us,
            slowest_action_us: self.slowest_action_us,
            actions: self.actions,
        };
        let last = self.published.figures();
        let is_news = last.is_none_or(|last| {
            (&last.doubts, &last.refused) != (&figures.doubts, &figures.refused)
        });
        self.published.put(figures, is_change || is_news);
    }
}

/// The middle of a quote, or the side that it has: a market that is locked at a limit has one.
fn mark_of(quote: &Quote) -> Option<Decimal> {
    let (bid, ask) = (e9(quote.bids.best_e9()), e9(quote.asks.best_e9()));
    let is_good = quote.quality == QuoteQuality::Good;
    match (quote.bids.best_lots() > 0, quote.asks.best_lots() > 0) {
        _ if !is_good => None,
        (true, true) => Some((bid + ask) / Decimal::TWO),
        (true, false) => Some(bid),
        (false, true) => Some(ask),
        (false, false) => None,
    }
}

fn is_of_the_future(book: &Book, at: Timestamp) -> bool {
    book.at.duration_since(at) > AHEAD
}

fn ns(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or(0)
}

fn timestamp(utc: UnixNs) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(utc.0)).unwrap_or(Timestamp::MAX)
}
