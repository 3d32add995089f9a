//! Interfaces that are made again, moved and renamed by their addresses under feeds that are
//! received past the kernel: each feed comes past it again, whoever shares its interface.

use super::together::drain;
use super::{A, B, beside, eventually, far_sender, named, next};
use crate::netns::{Beside, Namespace, give_up};
use crate::port::interface::{plug, switch};
use crate::recovery::live::rig;
use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::PortChoice;
use cross_market_connect::engine::counters::Counters;
use cross_market_connect::engine::interfaces::{Found, Interfaces, Published};
use cross_market_connect::engine::sockets::{self, FeedPort, feed_port};
use cross_market_connect::port::interface::LinkState;
use cross_market_connect::port::udp::MulticastSender;
use cross_market_connect::port::xdp::ModeChoice;
use cross_market_connect::port::xdp::send::XdpSender;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};
use xmc_hotpath::port::{Line, TxPort};

/// The lines of a second feed.
const C: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 1, 2, 5), 31_003);
const D: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 1, 2, 6), 31_004);

/// The ports of two feeds, who watches their interfaces, and who sends to them.
struct Watch {
    ports: Vec<FeedPort<EngineClock>>,
    counters: Counters,
    published: Published,
    watched: Interfaces,
    senders: [[MulticastSender; 2]; 2],
}

impl Watch {
    /// Each feed's lines on these interfaces, from the switch at the far end.
    fn new(beside: &Beside, interfaces: [[&str; 2]; 2], buffer_bytes: usize) -> Self {
        let groups = [[A, B], [C, D]];
        let mut config = rig::engine();
        for (feed, at) in config.feeds.iter_mut().zip(0..) {
            feed.port.value = PortChoice::Xdp(ModeChoice::Best);
            feed.receive_buffer_bytes = buffer_bytes;
            for (line, of) in [&mut feed.line_a, &mut feed.line_b].into_iter().zip(0..) {
                (line.group, line.interface) = (groups[at][of], Some(named(interfaces[at][of])));
            }
        }
        let clock = EngineClock::start();
        let ports = config.feeds.iter().map(|feed| feed_port(feed, clock.clone()));
        let mut ports: Vec<FeedPort<_>> = ports.map(|port| port.expect("it may")).collect();
        sockets::attach(&config.feeds, &mut ports).unwrap_or_else(|error| panic!("{error}"));
        let counters = Counters::new(&config);
        for (port, counters) in ports.iter_mut().zip(&counters.feed_ports) {
            port.count_in(counters);
        }
        let watched = Interfaces::new(&config, &mut ports);
        let senders = groups.map(|lines| lines.map(|of| far_sender(beside, of, "switch0")));
        let mut made = Self { ports, counters, published: Published::default(), watched, senders };
        made.settle();
        made
    }

    /// Looks once; the ports take what they were handed.
    fn look(&mut self) -> Found {
        self.watched.look(&self.counters, &self.published);
        self.ports.iter_mut().for_each(drain);
        self.published.found()
    }

    /// Whether what is sent to a line comes past the kernel. It comes.
    fn is_past_kernel(&mut self, feed: usize, line: Line) -> bool {
        let Self { ports, counters, senders, .. } = self;
        let sender = &mut senders[feed][usize::from(line == Line::B)];
        let port = &mut ports[feed];
        drain(port);
        let by_socket = &counters.feed_ports[feed].xdp.by_socket;
        let (before, mut looks) = (by_socket.get(), 0_u32);
        let came = eventually("a datagram", || {
            if looks.is_multiple_of(10_000) {
                let _ = sender.send(b"here");
            }
            looks += 1;
            next(port)
        });
        assert_eq!(came, (line, b"here".to_vec()));
        drain(port);
        by_socket.get() == before
    }

    fn are_past_kernel(&mut self) -> bool {
        let all = [0, 1].map(|feed| Line::BOTH.map(|line| self.is_past_kernel(feed, line)));
        all.as_flattened().iter().all(|is_past| *is_past)
    }

    /// Looks until all comes past the kernel, as it does from then on.
    fn settle(&mut self) {
        eventually("everything past the kernel", || {
            let found = self.look();
            (found == Found::default() && self.are_past_kernel()).then_some(())
        });
        for _ in 0..3 {
            assert_eq!(self.look(), Found::default());
            assert!(self.are_past_kernel());
        }
    }
}

/// Runs `body` with a switch at the far end and two cables to it.
fn cabled(body: impl FnOnce(&Namespace, &Beside) + Send) {
    beside(|namespace, beside| {
        switch(beside);
        plug(namespace, beside, 0);
        plug(namespace, beside, 1);
        body(namespace, beside);
    });
}

/// What a feed holds by default in these tests.
const BYTES: usize = 1 << 18;

const NEAR0: &str = "10.79.1.10";
const NEAR1: &str = "10.79.1.11";

/// The address is away while it is looked, and comes back: nothing is cut or opened again.
#[test]
fn an_address_that_is_away_for_a_while_disturbs_nothing() {
    cabled(|namespace, beside| {
        let mut watch = Watch::new(beside, [[NEAR0; 2], [NEAR1; 2]], BYTES);
        namespace.ip("address delete 10.79.1.10/24 dev near0");
        assert_eq!(watch.look(), Found::default());
        let shown = watch.counters.feed_ports[0].interface.clone();
        assert_eq!(Line::BOTH.map(|line| shown.state(line)), [LinkState::NoAddress; 2]);
        assert_eq!(watch.counters.feeds[0].told.lines.get(), 0);
        assert!(watch.are_past_kernel());
        namespace.ip("address add 10.79.1.10/24 dev near0");
        watch.look();
        assert_eq!(Line::BOTH.map(|line| shown.state(line)), [LinkState::Up; 2]);
        assert!(watch.are_past_kernel(), "nothing was opened again");
        assert_eq!(shown.renewed.get(), 0);
    });
}

/// One feed names its interface, the other one its address, which comes later than the interface.
#[test]
fn feeds_that_name_one_interface_in_two_ways_come_back_together() {
    cabled(|namespace, beside| {
        let mut watch = Watch::new(beside, [["near0"; 2], [NEAR0; 2]], BYTES);
        namespace.ip("link delete near0");
        namespace.cable(beside, ("near0", "10.80.9.8/24"), ("port0", "10.80.9.9/24"), 1);
        beside.within(|far| far.ip("link set port0 master switch0"));
        eventually("the first feed past the kernel", || {
            assert_eq!(watch.look().by_sockets, Vec::new());
            watch.is_past_kernel(0, Line::A).then_some(())
        });
        namespace.ip("address add 10.79.1.10/24 dev near0");
        watch.settle();
    });
}

/// Each line's address goes to the interface of the other: both are our own.
#[test]
fn lines_whose_addresses_change_places_come_past_the_kernel_again() {
    cabled(|namespace, beside| {
        let mut watch = Watch::new(beside, [[NEAR0, NEAR1], [NEAR1, NEAR0]], BYTES);
        for [zero, one] in [[11, 10], [10, 11]] {
            namespace.ip("address flush dev near0");
            namespace.ip("address flush dev near1");
            namespace.ip(&format!("address add 10.79.1.{zero}/24 dev near0"));
            namespace.ip(&format!("address add 10.79.1.{one}/24 dev near1"));
            watch.settle();
        }
    });
}

/// The kernel leaves the program on an interface that it moves to another namespace.
#[test]
fn an_interface_that_was_in_another_namespace_comes_past_the_kernel_again() {
    cabled(|namespace, beside| {
        let mut watch = Watch::new(beside, [["near0"; 2], ["near1"; 2]], BYTES);
        let [here, there] = beside.places();
        namespace.ip(&format!("link set near0 netns {there}"));
        eventually("that it is gone", || (!watch.look().cut.is_empty()).then_some(()));
        beside.within(|far| far.ip(&format!("link set near0 netns {here}")));
        namespace.ip("address add 10.79.1.10/24 dev near0");
        namespace.ip("link set near0 up");
        watch.settle();
    });
}

/// There is room for one memory of frames, not for an old and a new one.
#[test]
fn an_interface_that_was_made_again_needs_no_more_locked_memory() {
    const IPC_LOCK: u8 = 14;
    cabled(|namespace, beside| {
        let limits = std::fs::read_to_string("/proc/self/limits").expect("the kernel tells");
        let limit = limits.lines().find_map(|row| row.strip_prefix("Max locked memory"));
        let limit = limit.and_then(|row| row.split_whitespace().next()).expect("it is told");
        // The largest power of two in it: more than half of it.
        let bytes = limit.parse().ok().map(|most: usize| 1_usize << most.max(1).ilog2());
        let Some(bytes @ ..=0x200_0000) = bytes else {
            return eprintln!("SKIPPED: {limit} bytes may be locked: `ulimit -l 8192`");
        };
        // What is locked at first is not counted: who has the capability may lock what it likes.
        let mut watch = Watch::new(beside, [["near0"; 2], ["near1"; 2]], bytes);
        namespace.ip("link delete near1");
        give_up(&[IPC_LOCK]);
        for _ in 0..2 {
            eventually("that it is gone", || (!watch.look().cut.is_empty()).then_some(()));
            plug(namespace, beside, 1);
            watch.settle();
            namespace.ip("link delete near1");
        }
    });
}

/// Two addresses of one interface at first, of two later.
#[test]
fn lines_that_no_longer_share_an_interface_come_past_the_kernel_each_on_its_own() {
    cabled(|namespace, beside| {
        namespace.ip("address add 10.79.1.12/24 dev near0");
        let mut watch = Watch::new(beside, [[NEAR0, "10.79.1.12"], ["near1"; 2]], BYTES);
        namespace.ip("address delete 10.79.1.12/24 dev near0");
        namespace.ip("address add 10.79.1.12/24 dev near1");
        watch.settle();
        namespace.ip("address delete 10.79.1.12/24 dev near1");
        namespace.ip("address add 10.79.1.12/24 dev near0");
        watch.settle();
    });
}

/// A queue that somebody else has holds nobody up, and is said.
#[test]
fn an_interface_that_cannot_be_opened_does_not_hold_up_the_watch() {
    cabled(|namespace, beside| {
        let mut watch = Watch::new(beside, [["near0"; 2], ["near1"; 2]], BYTES);
        namespace.ip("link delete near0");
        plug(namespace, beside, 0);
        let stranger = XdpSender::open(D, &named("near0"), 0).expect("nobody has the queue");
        let mut longest = Duration::ZERO;
        let mut look = |watch: &mut Watch| {
            let since = Instant::now();
            watch.watched.look(&watch.counters, &watch.published);
            longest = longest.max(since.elapsed());
            watch.ports.iter_mut().for_each(drain);
            watch.published.found()
        };
        let told = eventually("that it comes by sockets", || {
            let found = look(&mut watch);
            (!found.by_sockets.is_empty()).then_some(found.by_sockets)
        });
        assert_eq!((told.len(), &*told[0].interface), (1, "near0"), "{told:?}");
        assert!(told[0].why.contains("belongs to another AF_XDP socket"), "{told:?}");
        assert!(!watch.is_past_kernel(0, Line::A) && watch.is_past_kernel(1, Line::A));
        for _ in 0..20 {
            assert_eq!(look(&mut watch).by_sockets, told);
        }
        assert!(longest < Duration::from_secs(1), "{longest:?}");
        drop(stranger);
        // The next one closes what it had.
        XdpSender::open(D, &named("nosuch0"), 0).expect_err("there is none");
        watch.settle();
    });
}
