//! The simulated CME over real sockets: its venue, the multicast groups of its feed, the TCP ports
//! of iLink 3, of its replay and of its ledgers, on a thread of its own.
//!
//! What was written to its store it still knows after a restart: fills, the start of its time, and
//! how far it may have numbered, so that packets and orders of a new start have numbers that nobody
//! has seen. Sessions it forgets: clients negotiate anew.
//!
//! Called by `xmc venue cme`, the demo and the tests.

use super::{
    ConnectionId, GatewayCounters, Group, LineFaults, OrderFaults, OrderRules, ReplayCounts,
    ReplayRules, Settings as VenueSettings, Silence, Venue,
};
use crate::port::interface::InterfaceChoice;
use crate::port::udp::Reach;
use crate::sim::exchange::{Exchange, ListingIndex, Phase};
use crate::venue::ledger::{LedgerCounts, LedgerServer};
use crate::venue::shell::{
    self, Memory, Multicast, MulticastCounts, Shell, ShellError, StreamCounts, StreamEvent,
    StreamLimits, StreamNo, StreamServer, VenueClock,
};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::{MonoNs, UnixNs};

/// The secret of sessions that have no other, as it is given out: base64url text. It protects
/// nothing.
pub const SIMULATED_KEY: &str = "c2ltdWxhdGVkLWtleS1wcm90ZWN0cy1ub3RoaW5n";

/// Where the venue is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Where the groups are sent to.
    pub interface: InterfaceChoice,
    /// The incremental feed, lines A and B.
    pub incremental: [SocketAddrV4; 2],
    /// Definitions, lines A and B.
    pub definitions: [SocketAddrV4; 2],
    /// Snapshots, lines A and B.
    pub snapshots: [SocketAddrV4; 2],
    /// TCP replay; `None`: there is none.
    pub replay: Option<SocketAddr>,
    /// iLink 3.
    pub orders: SocketAddr,
    /// The ledgers.
    pub ledger: SocketAddr,
}

impl Addresses {
    /// This host only, with whatever ports are free. Groups are of those that an organisation uses
    /// within itself (RFC 2365).
    #[must_use]
    pub fn on_loopback() -> Self {
        let lines =
            |third| [1, 2].map(|last| SocketAddrV4::new(Ipv4Addr::new(239, 192, third, last), 0));
        Self {
            interface: InterfaceChoice::LOOPBACK,
            incremental: lines(31),
            definitions: lines(32),
            snapshots: lines(33),
            replay: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            orders: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            ledger: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }

    /// Group and port of a group.
    #[must_use]
    pub fn group(&self, group: Group) -> SocketAddrV4 {
        let (lines, line) = match group {
            Group::Incremental(line) => (&self.incremental, line),
            Group::Definitions(line) => (&self.definitions, line),
            Group::Snapshots(line) => (&self.snapshots, line),
        };
        let [a, b] = lines;
        match line {
            Line::A => *a,
            Line::B => *b,
        }
    }
}

/// What a venue with its sockets is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The venue. Its start is now, and its first number what the store allows; the start of its
    /// time holds if the store is new.
    pub venue: VenueSettings,
    /// Where it is to be found; a port of 0 takes any that is free.
    pub addresses: Addresses,
    /// How far its packets go.
    pub reach: Reach,
    /// What it must not forget; without it, it forgets.
    pub store: Option<PathBuf>,
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// What it sent to its groups.
    pub feed: MulticastCounts,
    /// The number of the last packet of the incremental feed.
    pub last_seq_no: u32,
    /// Connections of the order port.
    pub orders: StreamCounts,
    /// What was replayed.
    pub replay: ReplayCounts,
    /// Sessions and their messages.
    pub gateway: GatewayCounters,
    /// Fills of clients, those from before a restart included.
    pub fills: u64,
    /// Those who asked for ledgers.
    pub ledger: LedgerCounts,
}

/// The venue and its sockets.
#[derive(Debug)]
pub struct CmeShell {
    venue: Venue,
    feed: Multicast<Group>,
    streams: StreamServer,
    replays: Option<StreamServer>,
    ledger: LedgerServer,
    memory: Memory,
    fills: u64,
    utc_origin: UnixNs,
}

/// The venue, running.
#[derive(Debug)]
pub struct Running {
    shell: shell::Running<CmeShell>,
    addresses: Addresses,
}

/// Opens all sockets and lets the venue run.
///
/// # Errors
/// See `ShellError`.
///
/// # Panics
/// If the settings contradict themselves; see `Venue::new`.
pub fn open(settings: Settings) -> Result<Running, ShellError> {
    let Settings { mut venue, addresses, reach, store } = settings;
    let symbols = venue.exchange.listings.iter().map(|listing| listing.symbol.clone()).collect();
    let origin = venue.channel.utc_origin;
    let (memory, kept) = Memory::open(store.as_deref(), "cme", symbols, origin)?;
    let clock = VenueClock::since(kept.utc_origin)?;
    let groups = Group::ALL.map(|group| (group, addresses.group(group)));
    let feed = Multicast::open(groups, &addresses.interface, reach)?;
    let streams = StreamServer::open(addresses.orders, StreamLimits::default())?;
    let open = |address| StreamServer::open(address, StreamLimits::default());
    let replays = addresses.replay.map(open).transpose()?;
    let ledger = LedgerServer::open(addresses.ledger)?;
    let refused = |source| ShellError::System { what: "the address of a listener", source };
    let both = |group: fn(Line) -> Group| {
        Line::BOTH.map(|line| feed.address(group(line)).expect("it was opened"))
    };
    let addresses = Addresses {
        incremental: both(Group::Incremental),
        definitions: both(Group::Definitions),
        snapshots: both(Group::Snapshots),
        replay: replays.as_ref().map(StreamServer::address).transpose().map_err(refused)?,
        orders: streams.address().map_err(refused)?,
        ledger: ledger.address().map_err(refused)?,
        interface: addresses.interface,
    };
    venue.channel.utc_origin = kept.utc_origin;
    venue.channel.first_seq_no = u32::try_from(kept.reserved_to + 1).unwrap_or(1);
    let mut venue = clock.build(|start| {
        let mut venue = venue.clone();
        venue.exchange.start = start;
        // No market takes an order each microsecond, so no start takes numbers of the one before.
        venue.exchange.rules.first_number += start.0 / 1_000;
        Venue::new(venue)
    });
    venue.recover(&kept.fills);
    let fills = u64::try_from(kept.fills.len()).unwrap_or(u64::MAX);
    let utc_origin = clock.origin();
    let shell = CmeShell { venue, feed, streams, replays, ledger, memory, fills, utc_origin };
    Ok(Running { shell: shell::run("venue_cme", clock, shell)?, addresses })
}

fn connection(no: StreamNo) -> ConnectionId {
    ConnectionId(no.0)
}

impl CmeShell {
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

    /// The start of its time in UTC.
    #[must_use]
    pub fn utc_origin(&self) -> UnixNs {
        self.utc_origin
    }

    /// What has happened.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            feed: self.feed.counts(),
            last_seq_no: self.venue.last_seq_no(),
            orders: self.streams.counts(),
            replay: self.venue.replay_counts(),
            gateway: self.venue.counters(),
            fills: self.fills,
            ledger: self.ledger.counts(),
        }
    }

    /// What clients have sent.
    fn listen(&mut self, now: MonoNs) -> bool {
        let Self { venue, streams, .. } = self;
        streams.poll(now, |event| match event {
            StreamEvent::Opened(no) => venue.connect(connection(no)),
            StreamEvent::Received(no, bytes) => venue.receive(now, connection(no), bytes),
            StreamEvent::Gone(no) => {
                let id = connection(no);
                venue.disconnect(now, id);
                // Nobody takes it any more; then the venue forgets the connection.
                venue.take_bytes(id);
                venue.is_closed(id);
            }
        })
    }

    /// What those who ask for packets have sent, and what they are told.
    fn replay(&mut self, now: MonoNs) -> bool {
        let Self { venue, replays: Some(replays), .. } = self else { return false };
        let is_any = replays.poll(now, |event| match event {
            StreamEvent::Opened(no) => venue.replay_connect(connection(no)),
            StreamEvent::Received(no, bytes) => venue.replay_receive(now, connection(no), bytes),
            StreamEvent::Gone(no) => venue.replay_disconnect(connection(no)),
        });
        for no in replays.numbers() {
            let (bytes, is_over) = venue.replay_take_bytes(connection(no));
            replays.say(no, &bytes);
            // Whoever asks for packets is nobody's stranger.
            replays.know(no, true);
            if is_over {
                replays.end(no);
            }
        }
        replays.flush(now) | is_any
    }

    /// Writes down what must not be forgotten, then tells everybody.
    fn tell(&mut self, now: MonoNs) -> Result<bool, ShellError> {
        let booked = self.venue.take_booked();
        self.memory.keep(&booked)?;
        self.fills += u64::try_from(booked.len()).unwrap_or(0);
        self.memory.number(self.venue.last_seq_no().into())?;
        let mut is_busy = false;
        for no in self.streams.numbers() {
            let id = connection(no);
            self.streams.say(no, &self.venue.take_bytes(id));
            self.streams.know(no, self.venue.is_client(id));
            if self.venue.is_closed(id) {
                self.streams.end(no);
            }
        }
        while let Some(datagram) = self.venue.take_datagram() {
            self.feed.send(datagram.group, &datagram.bytes);
            is_busy = true;
        }
        is_busy |= self.streams.flush(now);
        Ok(is_busy)
    }
}

impl Shell for CmeShell {
    fn poll(&mut self, now: MonoNs) -> Result<bool, ShellError> {
        let mut is_busy = self.listen(now);
        if self.venue.next_at() <= now {
            self.venue.poll(now);
            is_busy = true;
        }
        is_busy |= self.tell(now)?;
        is_busy |= self.replay(now);
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
        let replays = self.replays.as_ref().is_some_and(StreamServer::is_waiting);
        self.streams.is_waiting() || replays
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

    /// What goes wrong on a line of the incremental feed from now on.
    pub fn set_faults(&self, line: Line, faults: LineFaults) {
        self.with(move |shell, _| shell.venue.set_faults(line, faults));
    }

    /// The feed falls silent, or speaks again and tells all that has happened, late.
    pub fn set_silence(&self, silence: Silence) {
        self.with(move |shell, now| shell.venue.set_silence(now, silence));
    }

    /// One instrument, or all of them, is traded differently from now on.
    pub fn set_phase(&self, listing: Option<ListingIndex>, to: Phase) {
        self.with(move |shell, now| shell.venue.set_phase(now, listing, to));
    }

    /// Voids all books and sends them again, as when a component has failed over.
    pub fn reset_channel(&self) {
        self.with(|shell, now| shell.venue.reset_channel(now));
    }

    /// What goes wrong with order sessions from now on.
    pub fn set_order_faults(&self, faults: OrderFaults) {
        self.with(move |shell, now| shell.venue.set_order_faults(now, faults));
    }

    /// What the order gateway allows from now on.
    pub fn set_order_rules(&self, rules: OrderRules) {
        self.with(move |shell, _| shell.venue.set_order_rules(rules));
    }

    /// The connections of all clients are lost, as when a line breaks.
    pub fn cut_orders(&self) {
        self.with(|shell, now| shell.venue.cut_orders(now));
    }

    /// A week of order sessions begins.
    pub fn begin_week(&self) {
        self.with(|shell, now| shell.venue.begin_week(now));
    }

    /// What the TCP replay answers from now on.
    pub fn set_replay_rules(&self, rules: ReplayRules) {
        self.with(move |shell, _| shell.venue.set_replay_rules(rules));
    }

    /// Does something with the venue between two polls; `None` if it has ended.
    pub fn with<T: Send + 'static>(
        &self,
        errand: impl FnOnce(&mut CmeShell, MonoNs) -> T + Send + 'static,
    ) -> Option<T> {
        self.shell.with(errand)
    }

    /// Has something done with the venue and goes on at once; `false` if it has ended.
    pub fn post(&self, errand: impl FnOnce(&mut CmeShell, MonoNs) + Send + 'static) -> bool {
        self.shell.post(errand)
    }

    /// Ends all sessions and the venue, and hands out what is left.
    ///
    /// # Errors
    /// Why it had ended before.
    pub fn stop(self) -> Result<CmeShell, ShellError> {
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
