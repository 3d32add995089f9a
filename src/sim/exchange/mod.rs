//! A simulated exchange without a protocol: instruments, orders, trades, books.
//!
//! Requests and time go in, events come out (`Sink`), and everything follows from the settings, the
//! seed and the requests: no clock, no sockets, no threads, no floats. A venue of the simulator is
//! this plus a protocol: one reads requests off the wire and calls `submit`, `cancel`, `change`;
//! takes events and writes down what its protocol says of them; and lets time pass with `step`.
//!
//! Time is the exchange's own: nanoseconds from its start of time. Calls never go back in it.
//!
//! ```
//! use cross_market_connect::sim::exchange::{
//!     Event, Exchange, Listing, ListingIndex, Order, Phase, Price, Rules, Settings,
//! };
//! use xmc_hotpath::message::{AccountId, PositionEffect, Side, TimeInForce};
//! use xmc_hotpath::time::MonoNs;
//!
//! let copper = Listing {
//!     symbol: "HG".into(),
//!     tick_e9: 500_000,
//!     multiplier: 25_000,
//!     reference_e9: 4_500_000_000,
//!     lower_e9: 4_000_000_000,
//!     upper_e9: 5_000_000_000,
//!     min_order_lots: 1,
//!     max_order_lots: 100,
//!     fees: Default::default(),
//! };
//! let mut exchange = Exchange::new(Settings::quiet(Rules::cme(), vec![copper]), 1);
//! exchange.set_phase(MonoNs(0), None, Phase::Open, &mut ());
//! let mut order = Order {
//!     account: AccountId(1),
//!     client_id: 100,
//!     listing: ListingIndex(0),
//!     side: Side::Buy,
//!     price: Price::Limit(4_500_000_000),
//!     time_in_force: TimeInForce::Day,
//!     lots: 3,
//!     min_lots: 0,
//!     effect: PositionEffect::Net,
//! };
//! exchange.submit(MonoNs(10), &order, &mut ());
//! order.account = AccountId(2);
//! order.side = Side::Sell;
//! let mut events = Vec::new();
//! exchange.submit(MonoNs(20), &order, &mut events);
//! let fills = events.iter().filter(|(_, event)| matches!(event, Event::Filled(_)));
//! assert_eq!(fills.count(), 2);
//! ```
//!
//! With a background (`flow`) it opens by itself, and markets of one world seed hang together:
//!
//! ```
//! use cross_market_connect::sim::exchange::{Exchange, Settings};
//! use xmc_hotpath::time::MonoNs;
//!
//! let mut domestic = Exchange::new(Settings::shfe(42, "2609"), 1);
//! let mut overseas = Exchange::new(Settings::cme(42, "U6"), 2);
//! let mut events = Vec::new();
//! while domestic.next_at().min(overseas.next_at()) < MonoNs(1_000_000_000) {
//!     let now = domestic.next_at().min(overseas.next_at());
//!     domestic.step(now, &mut events);
//!     overseas.step(now, &mut events);
//! }
//! assert!(events.len() > 100);
//! ```
//!
//! What it deliberately does not do: auctions, implied and combined orders, hidden quantities, stop
//! orders, margin. What venues do against their own rules is `sim::venue`'s business, which has no
//! book; bytes of a whole channel for benches are `sim::generator`'s, which has no orders.
//!
//! Called by the simulated venues and the tests.

mod accounts;
mod engine;
mod event;
mod figures;
pub mod flow;
mod kept;
mod order;
mod publication;
pub mod query;
mod rules;
mod shown;

pub use accounts::{Accounts, Booked, CLEARING, Holding, Position};
pub use engine::{Engine, Live};
pub use event::{Accepted, CancelCause, Event, Fill, Phase, Refusal, Sink, Slice, Ticket, Trade};
pub use figures::Figures;
pub use order::{Cancel, Change, FillNo, ListingIndex, Order, OrderNo, Price, Request, TradeNo};
pub use rules::{CloseRule, Fee, Fees, Listing, Positions, Publish, Rules, SelfMatch};
pub use shown::{Action, Level, Rung, Shown};

use engine::Numbers;
use flow::{Deed, Flow};
use publication::Publication;
use std::collections::{BTreeMap, BTreeSet};
use xmc_hotpath::message::{AccountId, Side};
use xmc_hotpath::time::MonoNs;

/// A market and its instruments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What holds for all of them.
    pub rules: Rules,
    /// By `ListingIndex`.
    pub listings: Vec<Listing>,
    /// When it comes up. Later than 0, it finds the world as it then is, and no orders.
    pub start: MonoNs,
    /// The background, if there is one.
    pub flow: Option<flow::Settings>,
}

impl Settings {
    /// An exchange where nothing happens by itself but slices.
    #[must_use]
    pub fn quiet(rules: Rules, listings: Vec<Listing>) -> Self {
        Self { rules, listings, start: MonoNs(0), flow: None }
    }
}

/// Accounts from this number on belong to the simulation's own participants.
pub const CROWD_FROM: AccountId = AccountId(0xF000_0000);

/// The exchange.
#[derive(Debug)]
pub struct Exchange {
    rules: Rules,
    engines: Vec<Engine>,
    figures: Vec<Figures>,
    public: Publication,
    numbers: Numbers,
    accounts: Accounts,
    /// Live orders by account.
    orders: BTreeMap<AccountId, BTreeSet<(ListingIndex, OrderNo)>>,
    flow: Option<Flow>,
    now: MonoNs,
    events: Vec<Event>,
}

impl Exchange {
    /// An exchange whose instruments are not open yet. What its background does follows from
    /// `seed`; what things are worth, from the seed of its world.
    ///
    /// # Panics
    /// If the settings contradict themselves.
    #[must_use]
    pub fn new(settings: Settings, seed: u64) -> Self {
        let Settings { rules, listings, start, flow } = settings;
        let is_net = rules.positions == Positions::Net;
        assert!(is_net || !rules.takes_changes, "orders change only where positions are net");
        let flow = flow.map(|flow| Flow::new(&flow, &rules, &listings, start, seed));
        let indexed = listings
            .into_iter()
            .zip(0..)
            .map(|(listing, index)| Engine::new(ListingIndex(index), listing, rules));
        let engines: Vec<_> = indexed.collect();
        Self {
            figures: vec![Figures::default(); engines.len()],
            public: Publication::new(&rules, engines.len(), start),
            engines,
            numbers: Numbers::after(rules.first_number),
            rules,
            accounts: Accounts::new(rules.positions, CROWD_FROM),
            orders: BTreeMap::new(),
            flow,
            now: start,
            events: Vec::new(),
        }
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How many instruments there are.
    #[must_use]
    pub fn listing_count(&self) -> usize {
        self.engines.len()
    }

    /// All instruments, by `ListingIndex`.
    pub fn listings(&self) -> impl Iterator<Item = (ListingIndex, &Engine)> {
        (0..).map(ListingIndex).zip(&self.engines)
    }

    /// One instrument's market as it is now.
    #[must_use]
    pub fn engine(&self, listing: ListingIndex) -> Option<&Engine> {
        self.engines.get(usize::from(listing.0))
    }

    /// The book and the figures as the public was last told, so that what is told next goes on from
    /// them: what a snapshot holds.
    #[must_use]
    pub fn published(&self, listing: ListingIndex) -> Option<(&Shown, &Figures)> {
        self.public.told(listing)
    }

    /// The day's figures of an instrument as they are now.
    #[must_use]
    pub fn figures(&self, listing: ListingIndex) -> Option<&Figures> {
        self.figures.get(usize::from(listing.0))
    }

    /// The live orders of an account, by instrument and age.
    pub fn orders_of(&self, account: AccountId) -> impl Iterator<Item = &Live> {
        let orders = self.orders.get(&account).into_iter().flatten();
        orders.filter_map(|(listing, order_no)| self.engine(*listing)?.order(*order_no))
    }

    /// The youngest live order that an account gave this number.
    #[must_use]
    pub fn find_order(&self, account: AccountId, client_id: u64) -> Option<&Live> {
        let orders = self.orders_of(account);
        let named = orders.filter(|live| live.ticket.client_id == client_id);
        named.max_by_key(|live| live.ticket.order_no)
    }

    /// What every account holds, has paid and has traded.
    #[must_use]
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Takes orders of an instrument from the lower to the upper price alone from now on. Orders
    /// that lie beyond stay.
    ///
    /// # Panics
    /// If there is no such instrument.
    pub fn set_limits(&mut self, listing: ListingIndex, (lower_e9, upper_e9): (i64, i64)) {
        self.engines[usize::from(listing.0)].set_limits(lower_e9, upper_e9);
    }

    /// An account brings `lots` from the day before, bought or sold at the reference price.
    ///
    /// # Panics
    /// If there is no such instrument.
    pub fn carry(&mut self, account: AccountId, listing: ListingIndex, side: Side, lots: u32) {
        let index = usize::from(listing.0);
        self.accounts.carry(account, listing, self.engines[index].listing(), side, lots);
        self.count_interest(listing);
    }

    /// Ticks between the best prices of an instrument's quoter from now on; `None`: its usual ones.
    ///
    /// # Panics
    /// If there is no such instrument, or no background.
    pub fn set_width(&mut self, listing: ListingIndex, ticks: Option<i64>) {
        self.flow.as_mut().expect("there is a background").set_width(listing, ticks);
    }

    /// Interruptions of the background do not begin any more; those under way end in their time.
    pub fn undisturb(&mut self) {
        if let Some(flow) = &mut self.flow {
            flow.undisturb();
        }
    }

    /// Fills of one trading day from before a restart, the oldest first: they are booked again, and
    /// numbers go on behind them. Orders that were live are not: a restart cancels them. The part
    /// of the crowd in these trades is booked to `CLEARING`.
    ///
    /// # Panics
    /// If there is no such instrument, or they close what was not held.
    pub fn recover(&mut self, fills: &[Booked]) {
        for booked in fills {
            let listing = booked.fill.ticket.listing;
            let engine = &self.engines[usize::from(listing.0)];
            self.accounts.recover(booked, engine.listing());
            self.numbers.pass(&booked.fill);
            self.count_interest(listing);
        }
    }

    /// Open interest where positions came in otherwise than by trades.
    fn count_interest(&mut self, listing: ListingIndex) {
        if self.rules.positions != Positions::Net {
            let long = self.accounts.holders(listing).map(|(_, holding)| holding.long.lots());
            self.figures[usize::from(listing.0)].hold(long.map(i64::from).sum());
        }
    }

    /// The next trading day: what was opened today was opened yesterday, figures start anew.
    ///
    /// # Panics
    /// If an instrument is not closed.
    pub fn next_day(&mut self) {
        let is_closed = |engine: &Engine| engine.phase() == Phase::Closed;
        assert!(self.engines.iter().all(is_closed), "a day ends when all instruments are closed");
        self.accounts.next_day();
        self.figures.iter_mut().for_each(Figures::next_day);
    }

    /// When `step` has something to do by itself; `MonoNs::NEVER` if nothing is planned.
    #[must_use]
    pub fn next_at(&self) -> MonoNs {
        self.flow_at().min(self.public.slice_at())
    }

    /// The number of the next slice; 0 where events are told.
    #[must_use]
    pub fn next_slice(&self) -> u64 {
        self.public.next_slice()
    }

    fn flow_at(&self) -> MonoNs {
        self.flow.as_ref().map_or(MonoNs::NEVER, Flow::next_at)
    }

    /// Lets time pass: does all that is due by `now`, each thing at its own moment.
    pub fn step(&mut self, now: MonoNs, sink: &mut impl Sink) {
        while self.next_at() <= now {
            self.now = self.now.max(self.next_at());
            if self.flow_at() <= self.public.slice_at() {
                self.run_flow(sink);
            } else {
                self.public.slice(self.now, &self.engines, &self.figures, sink);
            }
        }
        self.now = self.now.max(now);
    }

    /// The background does what is next.
    fn run_flow(&mut self, sink: &mut impl Sink) {
        let Some(mut flow) = self.flow.take() else {
            return;
        };
        match flow.act(self) {
            Some(Deed::Requests(requests)) => self.perform(&requests, sink),
            Some(Deed::Phase(listing, to)) => self.enter_phase(listing, to, sink),
            None => {}
        }
        self.flow = Some(flow);
    }

    /// An order comes.
    pub fn submit(&mut self, now: MonoNs, order: &Order, sink: &mut impl Sink) {
        self.request(now, &[Request::Submit(*order)], sink);
    }

    /// A cancel comes.
    pub fn cancel(&mut self, now: MonoNs, cancel: &Cancel, sink: &mut impl Sink) {
        self.request(now, &[Request::Cancel(*cancel)], sink);
    }

    /// A change comes.
    pub fn change(&mut self, now: MonoNs, change: &Change, sink: &mut impl Sink) {
        self.request(now, &[Request::Change(*change)], sink);
    }

    /// Several requests that make one event: books are told when all are done.
    pub fn request(&mut self, now: MonoNs, requests: &[Request], sink: &mut impl Sink) {
        self.step(now, sink);
        self.perform(requests, sink);
    }

    fn perform(&mut self, requests: &[Request], sink: &mut impl Sink) {
        for request in requests {
            let mut out = std::mem::take(&mut self.events);
            match request {
                Request::Submit(order) => self.enter(order, &mut out),
                Request::Cancel(cancel) => self.withdraw(cancel, &mut out),
                Request::Change(change) => self.alter(change, &mut out),
            }
            self.settle(out, sink);
        }
        self.end_event(sink);
    }

    /// All orders of an account are cancelled, as when its session has broken.
    pub fn mass_cancel(&mut self, now: MonoNs, account: AccountId, sink: &mut impl Sink) {
        self.step(now, sink);
        let mut out = std::mem::take(&mut self.events);
        for (listing, order_no) in self.orders.get(&account).into_iter().flatten() {
            let engine = &mut self.engines[usize::from(listing.0)];
            engine.remove(*order_no, CancelCause::Mass, &mut out);
        }
        self.settle(out, sink);
        self.end_event(sink);
    }

    /// One instrument, or all of them, is traded differently from now on.
    pub fn set_phase(
        &mut self,
        now: MonoNs,
        listing: Option<ListingIndex>,
        to: Phase,
        sink: &mut impl Sink,
    ) {
        self.step(now, sink);
        self.enter_phase(listing, to, sink);
    }

    fn enter_phase(&mut self, listing: Option<ListingIndex>, to: Phase, sink: &mut impl Sink) {
        let mut out = std::mem::take(&mut self.events);
        for (index, engine) in (0..).map(ListingIndex).zip(&mut self.engines) {
            if listing.is_none_or(|listing| listing == index) {
                engine.enter_phase(to, &mut out);
            }
        }
        self.settle(out, sink);
        self.end_event(sink);
    }

    fn enter(&mut self, order: &Order, out: &mut Vec<Event>) {
        match self.admit(order) {
            Ok(price_e9) => {
                let engine = &mut self.engines[usize::from(order.listing.0)];
                engine.enter(order, price_e9, &mut self.numbers, out);
            }
            Err(reason) => out.push(Event::Rejected { order: *order, reason }),
        }
    }

    fn admit(&self, order: &Order) -> Result<i64, Refusal> {
        let price_e9 = self.engine(order.listing).ok_or(Refusal::UnknownListing)?.check(order)?;
        self.accounts.check(order)?;
        Ok(price_e9)
    }

    /// Where a live order of an account is.
    fn find(&self, account: AccountId, order_no: OrderNo) -> Option<ListingIndex> {
        let mut orders = self.orders.get(&account)?.iter();
        orders.find(|(_, other)| *other == order_no).map(|(listing, _)| *listing)
    }

    fn withdraw(&mut self, cancel: &Cancel, out: &mut Vec<Event>) {
        let Some(listing) = self.find(cancel.account, cancel.order_no) else {
            out.push(Event::CancelRejected { cancel: *cancel, reason: Refusal::UnknownOrder });
            return;
        };
        let cause = CancelCause::Requested { client_id: cancel.client_id };
        self.engines[usize::from(listing.0)].remove(cancel.order_no, cause, out);
    }

    fn alter(&mut self, change: &Change, out: &mut Vec<Event>) {
        let done = match self.find(change.account, change.order_no) {
            _ if !self.rules.takes_changes => Err(Refusal::NoChanges),
            None => Err(Refusal::UnknownOrder),
            Some(listing) => {
                let engine = &mut self.engines[usize::from(listing.0)];
                engine.change(change, &mut self.numbers, out)
            }
        };
        if let Err(reason) = done {
            out.push(Event::ReplaceRejected { change: *change, reason });
        }
    }

    /// Books what happened and says it.
    fn settle(&mut self, mut out: Vec<Event>, sink: &mut impl Sink) {
        for event in out.drain(..) {
            self.book(&event);
            sink.take(self.now, &event);
        }
        self.events = out;
    }

    fn book(&mut self, event: &Event) {
        match event {
            Event::Accepted(accepted) => self.list(&accepted.ticket),
            Event::Filled(fill) => {
                self.figures[usize::from(fill.ticket.listing.0)].fill(fill);
                if fill.leaves_lots == 0 {
                    self.delist(&fill.ticket);
                }
            }
            Event::Cancelled { ticket, .. } => self.delist(ticket),
            Event::Trade(trade) => self.figures[usize::from(trade.listing.0)].trade(trade),
            _ => {}
        }
        let ticket = match event {
            Event::Accepted(Accepted { ticket, .. })
            | Event::Filled(Fill { ticket, .. })
            | Event::Cancelled { ticket, .. }
            | Event::Replaced { ticket, .. } => ticket,
            _ => return,
        };
        let index = usize::from(ticket.listing.0);
        self.accounts.take(self.now, event, self.engines[index].listing());
        self.public.touch(ticket.listing);
    }

    fn list(&mut self, ticket: &Ticket) {
        let orders = self.orders.entry(ticket.account).or_default();
        orders.insert((ticket.listing, ticket.order_no));
    }

    fn delist(&mut self, ticket: &Ticket) {
        if let Some(orders) = self.orders.get_mut(&ticket.account) {
            orders.remove(&(ticket.listing, ticket.order_no));
        }
    }

    fn end_event(&mut self, sink: &mut impl Sink) {
        self.public.end_event(self.now, &self.engines, &self.figures, sink);
    }
}
