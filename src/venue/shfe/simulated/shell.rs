//! The simulated SHFE over real sockets: its venue, the multicast groups of its topics, the TCP
//! port of its query service, the TCP and UDP ports of the SIMULATED counter, and its ledgers, on a
//! thread of its own.
//!
//! What was written to its store it still knows after a restart: fills, the start of its time, what
//! its counter has told, and how far it may have numbered. A restart is another data centre to
//! whoever has listened: a new snapshot is needed. Sessions it forgets: clients log on anew and are
//! told what they have missed, the end of their orders included.
//!
//! Called by `xmc venue shfe`, the demo and the tests.

use super::{
    ConnectionId, Group, LineFaults, QueryCounters, Service, Settings as VenueSettings, Silence,
    Venue,
};
use crate::port::interface::InterfaceChoice;
use crate::port::pair::RequestSocket;
use crate::port::udp::Reach;
use crate::sim::exchange::{Exchange, ListingIndex, Phase};
use crate::venue::esunny::dstar::counter::Counts as CounterCounts;
use crate::venue::ledger::{LedgerCounts, LedgerServer};
use crate::venue::shell::{
    self, Memory, Multicast, MulticastCounts, Shell, ShellError, StreamCounts, StreamEvent,
    StreamLimits, StreamNo, StreamServer, VenueClock,
};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::{MonoNs, UnixNs};

/// The password of accounts that have no other. It protects nothing.
pub const SIMULATED_PASSWORD: &str = "simulated";

/// Where the venue is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Where the groups are sent to.
    pub interface: InterfaceChoice,
    /// Topics with their lines A and B.
    pub topics: Vec<(i16, [SocketAddrV4; 2])>,
    /// The query service: snapshots and missed packets.
    pub query: SocketAddr,
    /// The counter's stream: logon and replies.
    pub counter: SocketAddr,
    /// Where the counter takes requests, by UDP.
    pub requests: SocketAddr,
    /// The ledgers.
    pub ledger: SocketAddr,
}

impl Addresses {
    /// This host only, with whatever ports are free, and the one topic of `FeedSettings::new`.
    /// Groups are of those that an organisation uses within itself (RFC 2365).
    #[must_use]
    pub fn on_loopback() -> Self {
        let lines = [1, 2].map(|last| SocketAddrV4::new(Ipv4Addr::new(239, 192, 21, last), 0));
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            interface: InterfaceChoice::LOOPBACK,
            topics: vec![(1_001, lines)],
            query: free,
            counter: free,
            requests: free,
            ledger: free,
        }
    }

    /// Group and port of a topic's line.
    #[must_use]
    pub fn group(&self, group: Group) -> Option<SocketAddrV4> {
        let (_, [a, b]) = self.topics.iter().find(|(topic, _)| *topic == group.topic)?;
        Some(match group.line {
            Line::A => *a,
            Line::B => *b,
        })
    }
}

/// What a venue with its sockets is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The venue. Its start is now, and its first number what the store allows; the start of its
    /// time holds if the store is new. The counter's UDP port is that of the addresses.
    pub venue: VenueSettings,
    /// Where it is to be found; a port of 0 takes any that is free.
    pub addresses: Addresses,
    /// How far its packets go.
    pub reach: Reach,
    /// What it must not forget; without it, it forgets.
    pub store: Option<PathBuf>,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// What it sent to its groups.
    pub feed: MulticastCounts,
    /// The number of the last packet of each topic.
    pub last_packet_nos: Vec<(i16, i32)>,
    /// Connections to the query service.
    pub query: StreamCounts,
    /// What was asked there.
    pub queries: QueryCounters,
    /// Connections to the counter.
    pub counter: StreamCounts,
    /// What the counter refused without a word.
    pub refusals: CounterCounts,
    /// Datagrams that came to the counter.
    pub requests: u64,
    /// Datagrams that were longer than any request, or errors that came instead.
    pub bad_requests: u64,
    /// Fills of clients, those from before a restart included.
    pub fills: u64,
    /// Those who asked for ledgers.
    pub ledger: LedgerCounts,
}

/// The venue and its sockets.
#[derive(Debug)]
pub struct ShfeShell {
    venue: Venue,
    topics: Vec<i16>,
    feed: Multicast<Group>,
    query: StreamServer,
    counter: StreamServer,
    requests: Requests,
    ledger: LedgerServer,
    memory: Memory,
    fills: u64,
}

/// The venue, running.
#[derive(Debug)]
pub struct Running {
    shell: shell::Running<ShfeShell>,
    addresses: Addresses,
}

/// Opens all sockets and lets the venue run.
///
/// # Errors
/// See `ShellError`.
///
/// # Panics
/// If the settings contradict themselves: see `Venue::new`; or topics and groups differ.
pub fn open(settings: Settings) -> Result<Running, ShellError> {
    let Settings { mut venue, addresses, reach, store } = settings;
    let symbols = venue.exchange.listings.iter().map(|listing| listing.symbol.clone()).collect();
    let origin = venue.feed.utc_origin;
    let (memory, kept) = Memory::open(store.as_deref(), "shfe", symbols, origin)?;
    let clock = VenueClock::since(kept.utc_origin)?;
    let topics: Vec<_> = venue.feed.topics.iter().map(|topic| topic.topic).collect();
    let both = |topic: &i16| Line::BOTH.map(|line| Group { topic: *topic, line });
    let groups = topics.iter().flat_map(both);
    let groups =
        groups.map(|group| (group, addresses.group(group).expect("each topic has its groups")));
    let feed = Multicast::open(groups, &addresses.interface, reach)?;
    let query = StreamServer::open(addresses.query, StreamLimits::default())?;
    let counter = StreamServer::open(addresses.counter, StreamLimits::default())?;
    let requests = RequestSocket::open(addresses.requests)?;
    let ledger = LedgerServer::open(addresses.ledger)?;
    let refused = |source| ShellError::System { what: "the address of a socket", source };
    let lines = |topic: &i16| {
        (*topic, both(topic).map(|group| feed.address(group).expect("it was opened")))
    };
    let addresses = Addresses {
        topics: topics.iter().map(lines).collect(),
        query: query.address().map_err(refused)?,
        counter: counter.address().map_err(refused)?,
        requests: requests.address().map_err(refused)?,
        ledger: ledger.address().map_err(refused)?,
        interface: addresses.interface,
    };
    let trading_day = super::trading_day(kept.utc_origin);
    if kept.utc_origin != origin {
        venue.feed.trading_day = trading_day;
    }
    venue.feed.utc_origin = kept.utc_origin;
    venue.feed.first_packet_no = i32::try_from(kept.reserved_to + 1).unwrap_or(1);
    venue.feed.center_change_no = center_change_no(kept.reserved_to, store.is_some());
    venue.counter.udp_port = addresses.requests.port();
    let mut venue = clock.build(|start| {
        let mut venue = venue.clone();
        venue.exchange.start = start;
        // No market takes an order each microsecond, so no start takes numbers of the one before.
        venue.exchange.rules.first_number += start.0 / 1_000;
        Venue::new(venue)
    });
    venue.recover(&kept.fills, &kept.told);
    let fills = u64::try_from(kept.fills.len()).unwrap_or(u64::MAX);
    let requests = Requests { socket: requests, count: 0 };
    let shell = ShfeShell { venue, topics, feed, query, counter, requests, ledger, memory, fills };
    Ok(Running { shell: shell::run("venue_shfe", clock, shell)?, addresses })
}

/// Which data centre this start is. A venue that remembers counts its starts by the blocks of
/// numbers that they have reserved; one that forgets goes by the clock.
fn center_change_no(reserved_to: u64, remembers: bool) -> i8 {
    const BLOCK: u64 = 65_536;
    let start = match remembers {
        true => reserved_to / BLOCK,
        false => VenueClock::wall().0 / 1_000_000_000,
    };
    let wrapped = u8::try_from(start % 256).expect("it was divided by 256");
    wrapped.cast_signed()
}

/// Datagrams that are taken in one poll.
const REQUESTS_AT_ONCE: usize = 256;

/// Datagrams that may wait in the socket's buffer, which has 4 MiB for them: more than can.
const MOST_REQUESTS: usize = 16_384;

/// Connections of the two ports have numbers of their own.
fn query_connection(no: StreamNo) -> ConnectionId {
    ConnectionId(2 * no.0)
}

fn counter_connection(no: StreamNo) -> ConnectionId {
    ConnectionId(2 * no.0 + 1)
}

impl ShfeShell {
    /// The venue.
    #[must_use]
    pub fn venue(&self) -> &Venue {
        &self.venue
    }

    /// The venue, for an operator's hand; what it says leaves with the next poll.
    pub fn venue_mut(&mut self) -> &mut Venue {
        &mut self.venue
    }

    /// The market behind it.
    #[must_use]
    pub fn exchange(&self) -> &Exchange {
        self.venue.exchange()
    }

    /// When its time began.
    #[must_use]
    pub fn utc_origin(&self) -> UnixNs {
        self.venue.utc_origin()
    }

    /// What has happened.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let last = |topic: &i16| Some((*topic, self.venue.last_packet_no(*topic)?));
        Counts {
            feed: self.feed.counts(),
            last_packet_nos: self.topics.iter().filter_map(last).collect(),
            query: self.query.counts(),
            queries: self.venue.query_counters(),
            counter: self.counter.counts(),
            refusals: self.venue.counter_counts(),
            requests: self.requests.count,
            bad_requests: self.requests.bad(),
            fills: self.fills,
            ledger: self.ledger.counts(),
        }
    }

    /// What clients have sent.
    fn listen(&mut self, now: MonoNs) -> bool {
        let Self { venue, query, counter, requests, .. } = self;
        let mut is_busy = hear(venue, now, query, Service::Query, query_connection, |_| {});
        is_busy |= hear(venue, now, counter, Service::Counter, counter_connection, |venue| {
            // A question for the last request comes after the requests that it is about.
            requests.bring(venue, now, MOST_REQUESTS);
        });
        is_busy | requests.bring(venue, now, REQUESTS_AT_ONCE)
    }

    /// Writes down what must not be forgotten, then tells everybody.
    fn tell(&mut self, now: MonoNs) -> Result<bool, ShellError> {
        let (booked, told) = (self.venue.take_booked(), self.venue.take_told());
        self.memory.keep_told(&booked, &told)?;
        self.fills += u64::try_from(booked.len()).unwrap_or(0);
        let last = self.topics.iter().filter_map(|topic| self.venue.last_packet_no(*topic)).max();
        let last = last.and_then(|last| u64::try_from(last).ok());
        self.memory.number(last.unwrap_or(0))?;
        let Self { venue, query, counter, feed, .. } = self;
        let mut is_busy = answer(venue, now, query, query_connection);
        is_busy |= answer(venue, now, counter, counter_connection);
        while let Some(datagram) = venue.take_datagram() {
            feed.send(datagram.group, &datagram.bytes);
            is_busy = true;
        }
        Ok(is_busy)
    }
}

/// The counter's UDP port.
#[derive(Debug)]
struct Requests {
    socket: RequestSocket,
    /// Datagrams that came.
    count: u64,
}

impl Requests {
    /// Datagrams that were no requests.
    fn bad(&self) -> u64 {
        let counters = self.socket.counters();
        counters.oversize.get() + counters.errors.get()
    }

    /// Brings what came to the venue, and says whether anything did.
    fn bring(&mut self, venue: &mut Venue, now: MonoNs, most: usize) -> bool {
        let mut is_busy = false;
        for _ in 0..most {
            let bad = self.bad();
            if let Some((request, from)) = self.socket.receive() {
                self.count += 1;
                venue.request(now, from, request);
            } else if self.bad() == bad {
                break;
            }
            // One that was refused may have others behind it.
            is_busy = true;
        }
        is_busy
    }
}

/// Brings what came on a port to the venue, after whatever has to come before it.
fn hear(
    venue: &mut Venue,
    now: MonoNs,
    streams: &mut StreamServer,
    service: Service,
    connection: fn(StreamNo) -> ConnectionId,
    mut before: impl FnMut(&mut Venue),
) -> bool {
    streams.poll(now, |event| match event {
        StreamEvent::Opened(no) => venue.connect(now, connection(no), service),
        StreamEvent::Received(no, bytes) => {
            before(venue);
            venue.receive(now, connection(no), bytes);
        }
        StreamEvent::Gone(no) => {
            let id = connection(no);
            venue.disconnect(id);
            // Nobody takes it any more; then the venue forgets the connection.
            venue.take_bytes(id);
            venue.is_closed(id);
        }
    })
}

/// Takes what the venue says to the clients of a port.
fn answer(
    venue: &mut Venue,
    now: MonoNs,
    streams: &mut StreamServer,
    connection: fn(StreamNo) -> ConnectionId,
) -> bool {
    for no in streams.numbers() {
        let id = connection(no);
        if !venue.is_behind(id) || streams.waiting_bytes(no) == 0 {
            streams.say(no, &venue.take_bytes(id));
        }
        streams.know(no, venue.is_client(id));
        if venue.is_closed(id) {
            streams.end(no);
        }
    }
    streams.flush(now)
}

impl Shell for ShfeShell {
    fn poll(&mut self, now: MonoNs) -> Result<bool, ShellError> {
        let mut is_busy = self.listen(now);
        if self.venue.next_at() <= now {
            self.venue.poll(now);
            is_busy = true;
        }
        is_busy |= self.tell(now)?;
        is_busy |= self.ledger.poll(self.venue.exchange());
        Ok(is_busy)
    }

    fn next_at(&self) -> MonoNs {
        self.venue.next_at()
    }

    fn part(&mut self, now: MonoNs) {
        self.venue.part(now);
    }

    fn is_waiting(&self) -> bool {
        self.query.is_waiting() || self.counter.is_waiting()
    }
}

impl Running {
    /// Where it is found. Settings that name these addresses bring it back to the same place.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Whether it still goes; `stop` says why not.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.shell.is_running()
    }

    /// What has happened; `None` if it has ended by itself.
    #[must_use]
    pub fn counts(&self) -> Option<Counts> {
        self.with(|shell, _| shell.counts())
    }

    /// What goes wrong on a line of all topics from now on.
    pub fn set_faults(&self, line: Line, faults: LineFaults) {
        self.with(move |shell, _| shell.venue.set_faults(line, faults));
    }

    /// All topics fall silent, or speak again and tell all that has happened, late.
    pub fn set_silence(&self, silence: Silence) {
        self.with(move |shell, now| shell.venue.set_silence(now, silence));
    }

    /// One instrument, or all of them, is traded differently from now on.
    pub fn set_phase(&self, listing: Option<ListingIndex>, to: Phase) {
        self.with(move |shell, now| shell.venue.set_phase(now, listing, to));
    }

    /// The counter ends all its connections without a word, and refuses so many logons after.
    pub fn cut_orders(&self, refused_logons: u32) {
        self.with(move |shell, _| shell.venue.cut_orders(refused_logons));
    }

    /// Another data centre publishes from now on: everybody needs a new snapshot.
    pub fn change_center(&self) {
        self.with(|shell, now| shell.venue.change_center(now));
    }

    /// Does something with the venue between two polls; `None` if it has ended.
    pub fn with<T: Send + 'static>(
        &self,
        errand: impl FnOnce(&mut ShfeShell, MonoNs) -> T + Send + 'static,
    ) -> Option<T> {
        self.shell.with(errand)
    }

    /// Has something done with the venue and goes on at once; `false` if it has ended.
    pub fn post(&self, errand: impl FnOnce(&mut ShfeShell, MonoNs) + Send + 'static) -> bool {
        self.shell.post(errand)
    }

    /// Ends all sessions and the venue, and hands out what is left.
    ///
    /// # Errors
    /// Why it had ended before.
    pub fn stop(self) -> Result<ShfeShell, ShellError> {
        self.shell.stop()
    }

    /// Has it do nothing any more once what it does now is over; `kill` then waits for its end.
    pub fn condemn(&mut self) {
        self.shell.condemn();
    }

    /// Ends without a word, as when a process is killed. Dropping it does the same.
    ///
    /// # Errors
    /// Why it had ended before.
    pub fn kill(self) -> Result<(), ShellError> {
        self.shell.kill()
    }
}
