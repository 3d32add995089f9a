//! Interfaces that go and come back, in namespaces of their own: what the kernel keeps of a
//! membership, what is joined again, and what feeds and onlookers are told.

use super::{eventually, never};
use crate::netns::{self, Beside, Namespace};
use crate::recovery::live::rig;
use cross_market_connect::alert::gauge::{Gauges, Limits};
use cross_market_connect::alert::rule::Rule;
use cross_market_connect::alert::signal::Signal;
use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::Configuration;
use cross_market_connect::engine::counters::Counters;
use cross_market_connect::engine::interfaces::{Interfaces, Published};
use cross_market_connect::engine::sockets::{FeedPort, feed_port};
use cross_market_connect::port::interface::{self, InterfaceChoice, LinkState};
use cross_market_connect::port::membership::Membership;
use cross_market_connect::port::udp::{
    JoinedSocket, LineSettings, MulticastSender, Reach, ReceiveSettings,
};
use std::net::{Ipv4Addr, SocketAddrV4};
use xmc_hotpath::port::{Line, TxPort};

const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 1, 2, 3), 31_001);
/// Where the far end sends from.
const FAR: Ipv4Addr = Ipv4Addr::new(10, 79, 1, 2);

fn named(name: &str) -> InterfaceChoice {
    name.parse().expect("it is a name")
}

/// A switch at the far end, `switch0`, which stays when cables to it are taken away. It has a port
/// of its own, so that it always has a carrier.
pub fn switch(beside: &Beside) {
    beside.within(|far| {
        far.ip("link add switch0 type bridge mcast_snooping 0");
        far.ip("link add keep0 type veth peer name keep1");
        far.ip("link set keep0 master switch0");
        for name in ["keep0", "keep1", "switch0"] {
            far.ip(&format!("link set {name} up"));
        }
        far.ip("address add 10.79.1.2/24 dev switch0");
    });
}

/// A cable from `near{number}` to the switch.
pub fn plug(namespace: &Namespace, beside: &Beside, number: u8) {
    let (near, port) = (format!("near{number}"), format!("port{number}"));
    let address = format!("10.79.1.1{number}/24");
    namespace.cable(beside, (&near, &address), (&port, "10.80.9.9/24"), 1);
    beside.within(|far| far.ip(&format!("link set {port} master switch0")));
}

/// Runs `body` with a switch and a cable to it.
fn switched(body: impl FnOnce(&Namespace, &Beside) + Send) {
    netns::within(|namespace| {
        let beside = namespace.beside();
        switch(&beside);
        plug(namespace, &beside, 0);
        body(namespace, &beside);
    });
}

/// Sends until it is heard: a switch learns of a cable some time after it was plugged.
fn heard(sender: &mut MulticastSender, socket: &JoinedSocket) {
    let mut buffer = [0; 16];
    eventually("a datagram", || {
        let _ = sender.send(b"here");
        socket.receive(&mut buffer).ok()
    });
    while socket.receive(&mut buffer).is_ok() {}
}

fn unheard(sender: &mut MulticastSender, socket: &JoinedSocket) {
    let mut buffer = [0; 16];
    // What was sent before is not meant.
    while socket.receive(&mut buffer).is_ok() {}
    never("a datagram", || {
        let _ = sender.send(b"here");
        socket.receive(&mut buffer).ok()
    });
}

/// The kernel keeps a membership while its interface is down, and forgets it with the interface;
/// the socket stays, and joins again as often as it has to (a socket has twenty memberships).
#[test]
fn a_membership_outlives_down_and_is_renewed_when_the_interface_is_made_again() {
    switched(|namespace, beside| {
        let any = LineSettings { group: GROUP, source: None, interface: named("near0") };
        let one = LineSettings { source: Some(FAR), ..any.clone() };
        let sockets = [any, one].map(|line| {
            JoinedSocket::open(&line, &ReceiveSettings::default()).expect("it is there")
        });
        let mut memberships = sockets.each_ref().map(JoinedSocket::membership);
        let mut sender = beside.within(|_| {
            MulticastSender::open(GROUP, &named("switch0"), Reach::Link).expect("it is there")
        });
        let found = || interface::find(&named("near0")).expect("it is there");
        let follow = |memberships: &mut [Membership; 2]| {
            memberships.each_mut().map(|one| one.follow(&found()).expect("it has an address"))
        };
        sockets.iter().for_each(|socket| heard(&mut sender, socket));
        namespace.ip("link set near0 down");
        assert_eq!(found().state(), LinkState::Down);
        unheard(&mut sender, &sockets[0]);
        namespace.ip("link set near0 up");
        assert_eq!(follow(&mut memberships), [false; 2]);
        sockets.iter().for_each(|socket| heard(&mut sender, socket));
        for turn in 0..25 {
            let before = found().index;
            namespace.ip("link delete near0");
            plug(namespace, beside, 0);
            assert_ne!(found().index, before);
            if turn == 0 {
                unheard(&mut sender, &sockets[0]);
                unheard(&mut sender, &sockets[1]);
            }
            assert_eq!(follow(&mut memberships), [true; 2]);
            assert_eq!(follow(&mut memberships), [false; 2]);
        }
        sockets.iter().for_each(|socket| heard(&mut sender, socket));
        // What was seen to be gone is joined anew, even if nothing tells the two apart.
        memberships.iter_mut().for_each(Membership::lost);
        assert_eq!(follow(&mut memberships), [true; 2]);
        sockets.iter().for_each(|socket| heard(&mut sender, socket));
    });
}

/// An interface that comes back without its address can be joined when it has it.
#[test]
fn a_membership_that_needs_an_address_waits_for_it() {
    switched(|namespace, beside| {
        let line = LineSettings { group: GROUP, source: Some(FAR), interface: named("near0") };
        let socket = JoinedSocket::open(&line, &ReceiveSettings::default()).expect("it is there");
        let mut membership = socket.membership();
        let mut sender = beside.within(|_| {
            MulticastSender::open(GROUP, &named("switch0"), Reach::Link).expect("it is there")
        });
        namespace.ip("link delete near0");
        plug(namespace, beside, 0);
        namespace.ip("address flush dev near0");
        let found = || interface::find(&named("near0")).expect("it is there");
        let refused = membership.follow(&found()).expect_err("it has no address").to_string();
        assert!(refused.contains("give it an IPv4 address"), "{refused}");
        namespace.ip("address add 10.79.1.10/24 dev near0");
        assert!(membership.follow(&found()).expect("it has one"));
        heard(&mut sender, &socket);
    });
}

/// The engine of the samples with line A of one feed on a cable of its own.
fn configured() -> Configuration {
    let mut config = rig::engine();
    let feed = &mut config.feeds[rig::CME];
    feed.line_a.interface = Some(named("near0"));
    feed.line_b.interface = Some(named("near1"));
    config
}

#[test]
fn every_state_of_an_interface_is_told_to_its_feed_and_alerted_until_it_is_over() {
    switched(|namespace, beside| {
        plug(namespace, beside, 1);
        let config = configured();
        let clock = EngineClock::start();
        let mut ports: Vec<FeedPort<_>> = config
            .feeds
            .iter()
            .map(|feed| feed_port(feed, clock.clone()).unwrap_or_else(|error| panic!("{error}")))
            .collect();
        let (counters, published) = (Counters::new(&config), Published::default());
        let mut watched = Interfaces::new(&config, &mut ports);
        let mut gauges = Gauges::new(Limits::default(), Vec::new(), Vec::new());
        let mut look = |wanted: [LinkState; 2], told: u64| {
            let shown = &counters.feed_ports[rig::CME].interface;
            eventually("the state", || {
                watched.look(&counters, &published);
                let states = Line::BOTH.map(|line| shown.state(line));
                (states == wanted).then_some(())
            });
            assert_eq!(counters.feeds[rig::CME].told.lines.get(), told);
            assert_eq!(counters.feeds[rig::SHFE].told.lines.get(), 0, "loopback is always there");
            let mut signals = Vec::new();
            gauges.interfaces(&published.found(), 1, &mut signals);
            let told = signals.into_iter().map(|signal| match signal {
                Signal::Raise(raised) => (raised.rule, "raised", raised.labels),
                Signal::Clear { rule, labels } => (rule, "cleared", labels),
            });
            let told = told.map(|(rule, what, labels)| {
                assert_eq!(rule, Rule::InterfaceDown);
                assert!(labels["used_by"].contains("feed cme line"), "{labels:?}");
                format!("{} {} {what}", labels["interface"], labels["state"])
            });
            (told.collect::<Vec<_>>(), shown.renewed.get())
        };
        use LinkState::{Down, Gone, NoCarrier, Up};
        assert_eq!(look([Up, Up], 0), (vec![], 0));
        namespace.ip("link set near0 down");
        assert_eq!(look([Down, Up], 1), (vec!["near0 down raised".to_owned()], 0));
        assert_eq!(look([Down, Up], 1), (vec![], 0), "once");
        beside.within(|far| far.ip("link set port1 down"));
        assert_eq!(look([Down, NoCarrier], 3), (vec!["near1 no_carrier raised".to_owned()], 0));
        namespace.ip("link delete near0");
        let moved = ["near0 down cleared".to_owned(), "near0 gone raised".to_owned()];
        assert_eq!(look([Gone, NoCarrier], 3), (moved.to_vec(), 0));
        beside.within(|far| far.ip("link set port1 up"));
        assert_eq!(look([Gone, Up], 1), (vec!["near1 no_carrier cleared".to_owned()], 0));
        plug(namespace, beside, 0);
        assert_eq!(look([Up, Up], 0), (vec!["near0 gone cleared".to_owned()], 1));
        // The line's own socket hears the interface that was made again.
        let group = config.feeds[rig::CME].line_a.group;
        let mut sender = beside.within(|_| {
            MulticastSender::open(group, &named("switch0"), Reach::Link).expect("it is there")
        });
        heard(&mut sender, ports[rig::CME].sockets().line(Line::A));
    });
}

/// An interface that loses the address by which it was chosen is still there: only one that is gone
/// is cut, and an address that comes to another interface is followed there.
#[test]
fn an_address_that_is_away_cuts_nothing() {
    use LinkState::{Gone, NoAddress, Up};
    switched(|namespace, beside| {
        plug(namespace, beside, 1);
        let mut config = configured();
        let feed = &mut config.feeds[rig::CME];
        feed.line_a.interface = Some(named("10.79.1.10"));
        feed.line_b.interface = Some(named("near0"));
        let clock = EngineClock::start();
        let ports = config.feeds.iter().map(|feed| feed_port(feed, clock.clone()));
        let mut ports: Vec<_> = ports.map(|port| port.expect("it may")).collect();
        let (counters, published) = (Counters::new(&config), Published::default());
        let mut watched = Interfaces::new(&config, &mut ports);
        let shown = &counters.feed_ports[rig::CME].interface;
        let mut look = |wanted: [LinkState; 2], told: u64, renewed: u64| {
            eventually("the state", || {
                watched.look(&counters, &published);
                (Line::BOTH.map(|line| shown.state(line)) == wanted).then_some(())
            });
            assert_eq!(counters.feeds[rig::CME].told.lines.get(), told);
            assert_eq!(shown.renewed.get(), renewed);
            let cut = published.found().cut;
            assert_eq!(cut.iter().map(|cut| cut.state).collect::<Vec<_>>(), vec![Gone; cut.len()]);
            cut.len()
        };
        assert_eq!(look([Up, Up], 0, 0), 0);
        namespace.ip("address delete 10.79.1.10/24 dev near0");
        assert_eq!(look([NoAddress, Up], 0, 0), 0);
        namespace.ip("address add 10.79.1.10/24 dev near0");
        assert_eq!(look([Up, Up], 0, 0), 0);
        namespace.ip("address delete 10.79.1.10/24 dev near0");
        assert_eq!(look([NoAddress, Up], 0, 0), 0);
        namespace.ip("address add 10.79.1.10/24 dev near1");
        assert_eq!(look([Up, Up], 0, 1), 0);
        namespace.ip("address delete 10.79.1.10/24 dev near1");
        assert_eq!(look([NoAddress, Up], 0, 1), 0);
        namespace.ip("link delete near1");
        assert_eq!(look([Gone, Up], 1, 1), 1);
        // It is not taken for the one that was there.
        plug(namespace, beside, 1);
        assert_eq!(look([Gone, Up], 1, 1), 1);
    });
}
