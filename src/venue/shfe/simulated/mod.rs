//! A simulated SHFE and INE, sans-IO: the exchange of `sim::exchange` behind SMDP 2.0, and a
//! SIMULATED counter of a futures company in front of it.
//!
//! Time and bytes of clients go in; out come the packets of MIRP for each topic and line, the bytes
//! of MDQP for each who asks, and those of the counter for each who trades. Everything follows from
//! settings, seed and what clients send: no clock, no sockets, no threads.
//!
//! The exchanges publish no order protocol: orders come the way they come from a client of a
//! futures company, by the datagrams of DSTAR (`venue::esunny`); only the stream of replies is made
//! up, and so is what the counter does.
//!
//! What it deliberately does not do: auctions, options, combined orders, quotes of two sides,
//! settlement, margin, news, ciphered topics, a second data centre at the same time.
//!
//! Called by its thin socket `shell` and the tests.

mod contract;
mod message;
mod query;
mod refusing;
mod row;
pub mod shell;
mod topic;

pub use crate::venue::lines::{FeedFaults, Happening, LineFaults, LostPackets, Silence};
pub use contract::{FeedSettings, TopicSettings, trading_day};
pub use query::{QueryCounters, QuerySettings, QueryUser};
pub use refusing::Refusing;
pub use topic::Group;

use crate::sim::exchange::{
    self, Booked, Event, Exchange, FillNo, ListingIndex, Order, Phase, Sink,
};
use crate::venue::esunny::dstar::counter::{self, Counter, Counts, LinkId, Told};
use crate::venue::esunny::dstar::wish::CounterError;
use crate::venue::lines::{self, Plan};
use crate::venue::shfe::smdp::day::TradingDay;
use query::{Desk, QuerySession};
use refusing::Refusals;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use topic::Topic;
use xmc_hotpath::message::{AccountId, Side};
use xmc_hotpath::port::Line;
use xmc_hotpath::time::{MonoNs, UnixNs};

/// A packet on its way to a group.
pub type Datagram = lines::Datagram<Group>;

/// What a venue is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its market, the crowd included.
    pub exchange: exchange::Settings,
    /// What its crowd does follows from this.
    pub seed: u64,
    /// How it tells the public.
    pub feed: FeedSettings,
    /// Who may ask for snapshots and missed packets.
    pub query: QuerySettings,
    /// The counter and who may trade through it.
    pub counter: counter::Settings,
    /// Lots that accounts bring from the day before.
    pub carried: Vec<(AccountId, ListingIndex, Side, u32)>,
}

/// A connection, as the shell numbers it: one number is used once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// To which of the venue's ports a client has connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Snapshots and missed packets.
    Query,
    /// The counter's stream.
    Counter,
}

/// One connection.
#[derive(Debug)]
enum Client {
    Query(QuerySession),
    Counter(LinkId),
}

/// The venue.
#[derive(Debug)]
pub struct Venue {
    exchange: Exchange,
    feed: FeedSettings,
    topics: Vec<Topic>,
    plan: Plan,
    query: QuerySettings,
    query_counters: QueryCounters,
    counter: Counter,
    refusals: Refusals,
    clients: BTreeMap<ConnectionId, Client>,
    /// Accounts of the counter, with the last fill of each that was handed out.
    booked: BTreeMap<AccountId, FillNo>,
}

impl Venue {
    /// A venue at its start, with the first packet of each topic on its way.
    ///
    /// # Panics
    /// If the settings contradict themselves.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let Settings { exchange, seed, feed, query, counter, carried } = settings;
        let listings: Vec<_> = feed.topics.iter().flat_map(|topic| &topic.listings).collect();
        let told: BTreeSet<_> = listings.iter().collect();
        let is_told_once = told.len() == listings.len() && told.len() == exchange.listings.len();
        assert!(is_told_once, "each instrument of the exchange is in one topic");
        let numbers: BTreeSet<_> = feed.topics.iter().map(|topic| topic.topic).collect();
        assert_eq!(numbers.len(), feed.topics.len(), "each topic has a number of its own");
        let booked: BTreeMap<_, _> =
            counter.accounts.iter().map(|one| (one.account, FillNo(0))).collect();
        let are_clients = booked.keys().all(|account| *account < exchange::CROWD_FROM);
        assert!(are_clients, "accounts of clients are below those of the crowd");
        assert_eq!(booked.len(), counter.accounts.len(), "no two have the same account");
        let start = exchange.start;
        let mut exchange = Exchange::new(exchange, seed);
        for (account, listing, side, lots) in carried {
            exchange.carry(account, listing, side, lots);
        }
        let topic =
            |settings: &TopicSettings| Topic::new(settings.clone(), &feed, &exchange, start);
        let mut topics: Vec<_> = feed.topics.iter().map(topic).collect();
        for topic in &mut topics {
            topic.look_at(&exchange);
            topic.begin(start);
        }
        let (query_counters, clients) = (QueryCounters::default(), BTreeMap::new());
        let (counter, plan) = (Counter::new(counter), Plan::new(&feed.faults, start));
        let refusals = Refusals::default();
        Self {
            exchange,
            feed,
            topics,
            plan,
            query,
            query_counters,
            counter,
            refusals,
            clients,
            booked,
        }
    }

    /// Fills of this day and replies of the counter from before a restart, the oldest first:
    /// positions are what they were, orders that were live are gone, and clients will be told so.
    /// Before anything else is asked of the venue.
    ///
    /// # Panics
    /// If a fill is of an instrument that is not listed, or closes what was not held.
    pub fn recover(&mut self, fills: &[Booked], told: &[Told]) {
        self.exchange.recover(fills);
        self.counter.recover(told);
        for (account, last) in &mut self.booked {
            *last = self.exchange.accounts().last_fill(*account);
        }
        self.topics.iter_mut().for_each(|topic| topic.look_at(&self.exchange));
    }

    /// An account comes to hold lots that no order of its sessions has traded.
    ///
    /// # Panics
    /// If there is no such instrument.
    pub fn carry(
        &mut self,
        account: xmc_hotpath::message::AccountId,
        listing: crate::sim::exchange::ListingIndex,
        side: xmc_hotpath::message::Side,
        lots: u32,
    ) {
        self.exchange.carry(account, listing, side, lots);
    }

    /// The market behind it.
    #[must_use]
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// The exchange's nanosecond zero in UTC.
    #[must_use]
    pub fn utc_origin(&self) -> UnixNs {
        self.feed.utc_origin
    }

    /// What its query service counts.
    #[must_use]
    pub fn query_counters(&self) -> QueryCounters {
        self.query_counters
    }

    /// The SIMULATED counter before it.
    #[must_use]
    pub fn counter(&self) -> &Counter {
        &self.counter
    }

    /// The counter ends all its connections without a word, and refuses so many logons after.
    pub fn cut_orders(&mut self, refused_logons: u32) {
        for client in self.clients.values() {
            if let Client::Counter(link) = client {
                self.counter.end(*link);
            }
        }
        self.counter.refuse_logons(refused_logons);
    }

    /// Accounts of that number log on at the counter with another password from now on.
    pub fn set_password(&mut self, account_no: &str, password: &str) {
        self.counter.set_password(account_no, password);
    }

    /// Those alone log in at the query service from now on.
    pub fn set_query_users(&mut self, users: Vec<QueryUser>) {
        self.query.users = users;
    }

    /// What its counter counts.
    #[must_use]
    pub fn counter_counts(&self) -> Counts {
        self.counter.counts()
    }

    /// The number of the last packet of a topic.
    #[must_use]
    pub fn last_packet_no(&self, topic: i16) -> Option<i32> {
        let mut topics = self.topics.iter();
        topics.find(|one| one.settings.topic == topic).map(Topic::last_packet_no)
    }

    /// When `poll` has something to do by itself.
    #[must_use]
    pub fn next_at(&self) -> MonoNs {
        let sessions = self.clients.values().filter_map(|client| match client {
            Client::Query(session) => Some(session.due_at(&self.query)),
            Client::Counter(_) => None,
        });
        let held_up = self.topics.iter().map(Topic::held_up_until);
        let due = sessions.chain(held_up);
        let due = due.chain([self.exchange.next_at(), self.heartbeat_at(), self.plan.next_at()]);
        let due = due.chain([self.refusals.next_at()]);
        due.fold(MonoNs::NEVER, MonoNs::min)
    }

    fn heartbeat_at(&self) -> MonoNs {
        let due = self.topics.iter().map(|topic| topic.heartbeat_at(&self.feed));
        due.fold(MonoNs::NEVER, MonoNs::min)
    }

    /// Lets time pass.
    pub fn poll(&mut self, now: MonoNs) {
        while let Some((at, what)) = self.plan.take(now) {
            self.tell_until(at);
            match what {
                Happening::Silence(silence) => self.set_silence(at, silence),
                Happening::Failover => self.change_center(at),
            }
        }
        self.tell_until(now);
        self.refuse(now);
        let Self { feed, topics, query, query_counters: counters, clients, .. } = self;
        for client in clients.values_mut() {
            if let Client::Query(session) = client {
                session.on_time(now, &mut Desk { settings: query, feed, topics, counters });
            }
        }
    }

    /// Lets the exchange and its feed go on until `now`.
    fn tell_until(&mut self, now: MonoNs) {
        // Each thing at its own moment, however seldom this is called.
        while self.heartbeat_at() <= now {
            let due = self.heartbeat_at();
            self.step(due);
            for topic in &mut self.topics {
                if topic.heartbeat_at(&self.feed) <= due {
                    topic.heartbeat(due, &self.feed);
                }
            }
        }
        self.step(now);
        self.topics.iter_mut().for_each(|topic| topic.lines().release(now));
    }

    fn step(&mut self, now: MonoNs) {
        let Self { exchange, topics, counter, feed, .. } = self;
        exchange.step(now, &mut Tell { topics, counter, utc_origin: feed.utc_origin });
    }

    /// A client has connected.
    pub fn connect(&mut self, now: MonoNs, id: ConnectionId, service: Service) {
        let client = match service {
            Service::Query => Client::Query(QuerySession::new(now)),
            Service::Counter => Client::Counter(self.counter.connect()),
        };
        self.clients.insert(id, client);
    }

    /// A client has sent bytes.
    pub fn receive(&mut self, now: MonoNs, id: ConnectionId, bytes: &[u8]) {
        self.poll(now);
        let Self { feed, topics, query, query_counters: counters, clients, .. } = self;
        match clients.get_mut(&id) {
            Some(Client::Query(session)) => {
                let mut desk = Desk { settings: query, feed, topics, counters };
                session.receive(now, bytes, &mut desk);
            }
            Some(Client::Counter(link)) => {
                self.counter.on_stream(now, *link, bytes);
                self.trade(now);
            }
            None => {}
        }
    }

    /// A datagram has come to the counter.
    pub fn request(&mut self, now: MonoNs, from: SocketAddr, datagram: &[u8]) {
        self.poll(now);
        self.counter.on_datagram(from, datagram);
        self.trade(now);
    }

    /// Takes to the exchange what the counter wants of it.
    fn trade(&mut self, now: MonoNs) {
        for request in self.counter.take_requests() {
            if self.refusals.keep(now, &request) {
                continue;
            }
            let Self { exchange, topics, counter, feed, .. } = self;
            let mut tell = Tell { topics, counter, utc_origin: feed.utc_origin };
            exchange.request(now, &[request], &mut tell);
        }
        self.refuse(now);
    }

    /// The counter refuses what it has kept long enough.
    fn refuse(&mut self, now: MonoNs) {
        for order in self.refusals.take(now) {
            self.counter.refuse(&order, CounterError::Told);
        }
    }

    /// The counter refuses the next orders that are these, each after the one before it, and no
    /// others from now on.
    pub fn set_refusals(&mut self, told: Vec<Refusing>) {
        self.refusals.set(told);
    }

    /// How many of them are to come.
    #[must_use]
    pub fn refusals_left(&self) -> usize {
        self.refusals.left()
    }

    /// Ticks between the best bid and the best ask of an instrument's crowd from now on; `None`:
    /// its usual ones.
    ///
    /// # Panics
    /// If there is no such instrument, or no crowd.
    pub fn set_width(&mut self, now: MonoNs, listing: ListingIndex, ticks: Option<i64>) {
        self.poll(now);
        self.exchange.set_width(listing, ticks);
    }

    /// An order of somebody whom the crowd does not contain and who has another counter.
    pub fn submit(&mut self, now: MonoNs, order: &Order) {
        self.poll(now);
        let Self { exchange, topics, counter, feed, .. } = self;
        let mut tell = Tell { topics, counter, utc_origin: feed.utc_origin };
        exchange.submit(now, order, &mut tell);
    }

    /// A client's connection is gone. Orders stay: nothing is known of a counter that cancels them.
    pub fn disconnect(&mut self, id: ConnectionId) {
        match self.clients.get_mut(&id) {
            Some(Client::Query(session)) => session.disconnect(),
            Some(Client::Counter(link)) => self.counter.disconnect(*link),
            None => {}
        }
    }

    /// Whether a connection is that of somebody who has logged in or on.
    #[must_use]
    pub fn is_client(&self, id: ConnectionId) -> bool {
        match self.clients.get(&id) {
            Some(Client::Query(session)) => session.is_in(),
            Some(Client::Counter(link)) => self.counter.is_logged_on(*link),
            None => false,
        }
    }

    /// Ends all sessions, as at the end of a day.
    pub fn part(&mut self, now: MonoNs) {
        self.poll(now);
        for client in self.clients.values_mut() {
            match client {
                Client::Query(session) => session.end(),
                Client::Counter(link) => self.counter.end(*link),
            }
        }
    }

    /// Bytes for a client.
    pub fn take_bytes(&mut self, id: ConnectionId) -> Vec<u8> {
        match self.clients.get_mut(&id) {
            Some(Client::Query(session)) => session.take_bytes(),
            Some(Client::Counter(link)) => self.counter.take_replies(*link).unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// Whether a client is still to be told of what was before it logged on: `take_bytes` gives a
    /// helping of it, and the next is for when that has been read.
    #[must_use]
    pub fn is_behind(&self, id: ConnectionId) -> bool {
        match self.clients.get(&id) {
            Some(Client::Counter(link)) => self.counter.is_behind(*link),
            Some(Client::Query(_)) | None => false,
        }
    }

    /// Whether a connection is over and all that was said on it has been taken; then it is
    /// forgotten.
    pub fn is_closed(&mut self, id: ConnectionId) -> bool {
        let is_over = match self.clients.get(&id) {
            Some(Client::Query(session)) => session.is_over(),
            Some(Client::Counter(link)) => self.counter.is_over(*link),
            None => true,
        };
        if is_over && let Some(Client::Counter(link)) = self.clients.remove(&id) {
            self.counter.disconnect(link);
        }
        is_over
    }

    /// Fills of clients since the last call, in the order of their numbers: what a venue has to
    /// write down before anybody is told of them.
    pub fn take_booked(&mut self) -> Vec<Booked> {
        let mut all = Vec::new();
        for (account, last) in &mut self.booked {
            all.extend(self.exchange.accounts().fills(*account, *last));
            *last = self.exchange.accounts().last_fill(*account);
        }
        all.sort_unstable_by_key(|booked| booked.fill.fill_no);
        all
    }

    /// What the counter has told of orders since the last call: to be written down with the fills.
    pub fn take_told(&mut self) -> Vec<Told> {
        self.counter.take_told()
    }

    /// Its crowd's interruptions do not begin any more; those under way end in their time.
    pub fn undisturb(&mut self) {
        self.exchange.undisturb();
    }

    /// One instrument, or all of them, is traded differently from now on, as an operator wishes.
    pub fn set_phase(&mut self, now: MonoNs, listing: Option<ListingIndex>, to: Phase) {
        self.poll(now);
        let Self { exchange, topics, counter, feed, .. } = self;
        let mut tell = Tell { topics, counter, utc_origin: feed.utc_origin };
        exchange.set_phase(now, listing, to, &mut tell);
    }

    /// The day ends and the next one begins: orders are gone, lots of today are lots of yesterday,
    /// packets count from 1 again.
    pub fn next_day(&mut self, now: MonoNs) {
        self.set_silence(now, Silence::Off);
        self.set_phase(now, None, Phase::Closed);
        self.exchange.next_day();
        let today = self.feed.trading_day.comm_phase_no;
        self.feed.trading_day = TradingDay { comm_phase_no: today.wrapping_add(1) };
        let next_slice = self.exchange.next_slice();
        for topic in &mut self.topics {
            topic.begin_day(now, self.feed.trading_day, next_slice);
        }
        self.set_phase(now, None, Phase::Open);
    }

    /// Another data centre publishes from now on.
    pub fn change_center(&mut self, now: MonoNs) {
        self.tell_until(now);
        let origin = self.feed.utc_origin;
        self.topics.iter_mut().for_each(|topic| topic.change_center(now, origin));
    }

    /// What goes wrong on a line of all topics from now on.
    pub fn set_faults(&mut self, line: Line, faults: LineFaults) {
        self.topics.iter_mut().for_each(|topic| topic.lines().set_faults(line, faults));
    }

    /// Packets of each topic in a thousand that neither line delivers from now on.
    pub fn set_lost_together(&mut self, per_mille: u32) {
        self.topics.iter_mut().for_each(|topic| topic.lines().set_lost_together(per_mille));
    }

    /// Packets of all topics that do not arrive, by their numbers.
    pub fn lose(&mut self, packets: &LostPackets) {
        self.topics.iter_mut().for_each(|topic| topic.lines().lose(packets.clone()));
    }

    /// All topics fall silent, or speak again and tell all that has happened, late.
    pub fn set_silence(&mut self, now: MonoNs, silence: Silence) {
        self.tell_until(now);
        let origin = self.feed.utc_origin;
        self.topics.iter_mut().for_each(|topic| topic.set_silence(now, origin, silence));
    }

    /// Packets that are sent again at a time from now on; 0: none ever are.
    pub fn set_most_resent(&mut self, most: i32) {
        self.topics.iter_mut().for_each(|topic| topic.set_most_resent(most));
    }

    /// The next datagram that leaves.
    pub fn take_datagram(&mut self) -> Option<Datagram> {
        self.topics.iter_mut().find_map(Topic::take_datagram)
    }
}

/// Everybody who listens to the exchange.
struct Tell<'a> {
    topics: &'a mut [Topic],
    counter: &'a mut Counter,
    utc_origin: UnixNs,
}

impl Sink for Tell<'_> {
    fn take(&mut self, now: MonoNs, event: &Event) {
        self.counter.take(now, event);
        self.topics.iter_mut().for_each(|topic| topic.take(now, event, self.utc_origin));
    }
}
