//! A simulated CME, sans-IO: the exchange of `sim::exchange` behind CME's own protocols.
//!
//! Time and bytes of clients go in; out come the packets of MDP 3.0 for each multicast group and
//! the bytes of iLink 3 for each connection. Everything follows from settings, seed and what
//! clients send: no clock, no sockets, no threads.
//!
//! What it deliberately does not do: single orders (MBO), implied books, options, TCP replay,
//! orders before the opening, user-defined spreads, mass quotes, retransmission, a backup gateway.
//!
//! Called by its thin socket `shell` and the tests.

mod channel;
mod client;
mod contract;
mod gateway;
mod lines;
mod orders;
mod recovery;
pub mod shell;

pub use crate::venue::lines::LineFaults;
pub use client::SessionSettings;
pub use contract::{ChannelSettings, Contract};
pub use gateway::{ConnectionId, GatewayCounters};
pub use lines::{Datagram, Group};

use crate::sim::exchange::{
    self, Booked, Event, Exchange, FillNo, ListingIndex, Phase, Shown, Sink,
};
use channel::Channel;
use gateway::{Demand, Gateway};
use lines::Lines;
use orders::Orders;
use recovery::Loops;
use std::collections::{BTreeMap, BTreeSet};
use xmc_hotpath::message::AccountId;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::{MonoNs, Span};

/// What a venue is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its market, the crowd included.
    pub exchange: exchange::Settings,
    /// What its crowd does follows from this.
    pub seed: u64,
    /// How it tells the public; its contracts are those of the exchange, in the same order.
    pub channel: ChannelSettings,
    /// Who may trade: one account each, since a lost session's account is cleared of orders.
    pub sessions: Vec<SessionSettings>,
}

/// The venue.
#[derive(Debug)]
pub struct Venue {
    exchange: Exchange,
    channel: Channel,
    gateway: Gateway,
    orders: Orders,
    loops: Loops,
    lines: Lines,
    /// The last fill of each client's account that was handed out.
    booked: BTreeMap<AccountId, FillNo>,
}

impl Venue {
    /// A venue at its start, with the first packets of its feed on their way.
    ///
    /// # Panics
    /// If the settings contradict themselves.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let Settings { exchange, seed, channel, sessions } = settings;
        let (contracts, listings) = (channel.contracts.len(), exchange.listings.len());
        assert_eq!(contracts, listings, "each instrument of the exchange has a contract");
        let is_client = |session: &SessionSettings| session.account < exchange::CROWD_FROM;
        assert!(sessions.iter().all(is_client), "accounts of clients are below those of the crowd");
        let accounts: BTreeSet<_> = sessions.iter().map(|session| session.account).collect();
        assert_eq!(accounts.len(), sessions.len(), "each session has an account of its own");
        let (start, first_number) = (exchange.start, exchange.rules.first_number);
        let security_ids = channel.contracts.iter().map(|contract| contract.security_id).collect();
        let run = channel::utc(channel.utc_origin, start);
        let mut venue = Self {
            exchange: Exchange::new(exchange, seed),
            gateway: Gateway::new(sessions, channel.utc_origin),
            orders: Orders::new(security_ids, first_number, run),
            channel: Channel::new(channel, first_number),
            loops: Loops::new(start),
            lines: Lines::new(seed),
            booked: BTreeMap::new(),
        };
        venue.reset_channel(start);
        venue
    }

    /// Fills from before a restart, the oldest first: positions are what they were.
    ///
    /// # Panics
    /// If a fill is of an instrument that is not listed.
    pub fn recover(&mut self, fills: &[Booked]) {
        self.exchange.recover(fills);
        for account in self.gateway.accounts() {
            self.booked.insert(account, self.exchange.accounts().last_fill(account));
        }
    }

    /// The market behind it.
    #[must_use]
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// What its gateway counts.
    #[must_use]
    pub fn counters(&self) -> GatewayCounters {
        self.gateway.counters
    }

    /// The number of the last packet of the incremental feed.
    #[must_use]
    pub fn last_seq_no(&self) -> u32 {
        self.channel.last_seq_no()
    }

    /// Between two loops of snapshots.
    #[must_use]
    pub fn snapshot_period(&self) -> Span {
        self.channel.settings.snapshots
    }

    /// When `poll` has something to do by itself.
    #[must_use]
    pub fn next_at(&self) -> MonoNs {
        let due = [
            self.exchange.next_at(),
            self.channel.heartbeat_at(),
            self.loops.next_at(),
            self.gateway.due_at(),
        ];
        due.into_iter().fold(MonoNs::NEVER, MonoNs::min)
    }

    /// Lets time pass.
    pub fn poll(&mut self, now: MonoNs) {
        self.step(now);
        self.gateway.on_time(now);
        for id in self.gateway.ids() {
            self.answer(now, id);
        }
        if self.channel.heartbeat_at() <= now {
            self.channel.heartbeat(now);
        }
        self.forward();
        self.loops.run(now, &self.channel, &self.exchange, &mut self.lines);
    }

    fn step(&mut self, now: MonoNs) {
        let Self { exchange, channel, gateway, orders, .. } = self;
        exchange.step(now, &mut Tell { channel, gateway, orders });
    }

    /// A client has connected.
    pub fn connect(&mut self, id: ConnectionId) {
        self.gateway.connect(id);
    }

    /// A client has sent bytes.
    pub fn receive(&mut self, now: MonoNs, id: ConnectionId, bytes: &[u8]) {
        self.step(now);
        self.gateway.receive(id, bytes);
        self.answer(now, id);
        self.forward();
    }

    /// A client's connection is gone: its orders are cancelled.
    pub fn disconnect(&mut self, now: MonoNs, id: ConnectionId) {
        self.step(now);
        self.gateway.disconnect(id);
        self.answer(now, id);
        self.forward();
    }

    /// Whether a connection is that of somebody who may trade.
    #[must_use]
    pub fn is_client(&self, id: ConnectionId) -> bool {
        self.gateway.is_client(id)
    }

    /// Ends all sessions, as at the end of a week: their orders are cancelled.
    pub fn part(&mut self, now: MonoNs) {
        self.step(now);
        self.gateway.end_all(now);
        for id in self.gateway.ids() {
            self.answer(now, id);
        }
        self.forward();
    }

    /// Bytes for a client.
    pub fn take_bytes(&mut self, id: ConnectionId) -> Vec<u8> {
        self.gateway.take_bytes(id)
    }

    /// Whether a connection is over and all that was said on it has been taken; then it is
    /// forgotten.
    pub fn is_closed(&mut self, id: ConnectionId) -> bool {
        self.gateway.close(id)
    }

    /// Fills of clients since the last call, in the order of their numbers: what a venue has to
    /// write down before anybody is told of them.
    pub fn take_booked(&mut self) -> Vec<Booked> {
        let mut all = Vec::new();
        for account in self.gateway.accounts() {
            let last = self.booked.entry(account).or_default();
            all.extend(self.exchange.accounts().fills(account, *last));
            *last = self.exchange.accounts().last_fill(account);
        }
        all.sort_unstable_by_key(|booked| booked.fill.fill_no);
        all
    }

    /// Does all that a connection demands.
    fn answer(&mut self, now: MonoNs, id: ConnectionId) {
        while let Some((client, demand)) = self.gateway.demand(now, id) {
            let Self { exchange, channel, gateway, orders, .. } = self;
            if let Demand::Gone = demand {
                let account = gateway.account(client);
                exchange.mass_cancel(now, account, &mut Tell { channel, gateway, orders });
                continue;
            }
            if let Some(request) = orders.translate(now, gateway, client, demand) {
                exchange.request(now, &[request], &mut Tell { channel, gateway, orders });
                self.orders.done();
            }
        }
    }

    /// One instrument, or all of them, is traded differently from now on, as an operator wishes.
    pub fn set_phase(&mut self, now: MonoNs, listing: Option<ListingIndex>, to: Phase) {
        let Self { exchange, channel, gateway, orders, .. } = self;
        exchange.set_phase(now, listing, to, &mut Tell { channel, gateway, orders });
        self.forward();
    }

    /// Voids all books and sends them again, as CME does when a component has failed over.
    pub fn reset_channel(&mut self, now: MonoNs) {
        let empty = Shown::default();
        let listings: Vec<_> = self.exchange.listings().map(|(listing, _)| listing).collect();
        let books = listings
            .iter()
            .map(|listing| self.exchange.published(*listing).map_or(&empty, |(shown, _)| shown));
        self.channel.reset(now, books);
        self.forward();
    }

    /// What goes wrong on a line of the incremental feed from now on.
    pub fn set_faults(&mut self, line: Line, faults: LineFaults) {
        self.lines.set_faults(line, faults);
    }

    /// The next datagram that leaves.
    pub fn take_datagram(&mut self) -> Option<Datagram> {
        self.lines.take()
    }

    /// New packets go onto the lines.
    fn forward(&mut self) {
        for packet in self.channel.take_sent() {
            self.lines.send(Group::Incremental, &packet);
        }
    }
}

/// Everybody who listens to the exchange.
struct Tell<'a> {
    channel: &'a mut Channel,
    gateway: &'a mut Gateway,
    orders: &'a mut Orders,
}

impl Sink for Tell<'_> {
    fn take(&mut self, now: MonoNs, event: &Event) {
        self.channel.take(now, event);
        self.orders.take(now, event, self.gateway);
    }
}
