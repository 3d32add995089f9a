//! The ports allocate nothing per packet and per message: both lines received by sockets and past
//! the kernel, orders sent and answers read, whole and in parts, with refusals and an end in
//! between.

#[path = "it/netns.rs"]
#[expect(dead_code, reason = "the tests of ports use more of it")]
mod netns;
#[path = "it/shared.rs"]
#[expect(dead_code, reason = "only what must not be skipped is asked")]
mod shared;

use cross_market_connect::allocation::{self, Counting};
use cross_market_connect::clock::EngineClock;
use cross_market_connect::port::interface::{self, InterfaceChoice};
use cross_market_connect::port::pair::{PairPort, RequestSocket};
use cross_market_connect::port::tcp::{Listener, TcpPort, TcpSettings};
use cross_market_connect::port::udp::{
    LineSettings, MAX_PAYLOAD_BYTES, MulticastPort, MulticastSender, Reach, ReceiveSettings,
};
use cross_market_connect::port::xdp::host::Host;
use cross_market_connect::port::xdp::receive::{XdpPort, XdpSettings};
use cross_market_connect::port::xdp::renewal::Renewals;
use cross_market_connect::port::xdp::send::XdpSender;
use socket2::SockRef;
use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::{Duration, Instant};
use xmc_hotpath::port::{Line, RxPort, SendError, StreamPort, TxPort};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PATIENCE: Duration = Duration::from_secs(10);
const ROUNDS: u32 = 2_000;

/// Allocations in `body`.
fn counted(body: impl FnOnce()) -> u64 {
    let before = allocation::count();
    body();
    allocation::count() - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(counted(|| drop(black_box(Box::new(1_u8)))), 1);
}

/// Asks until it is so.
fn until(what: &str, mut ask: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ask() {
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::yield_now();
    }
}

#[test]
fn receiving_both_lines_allocates_nothing() {
    let [low, high, ..] = std::process::id().to_le_bytes();
    let groups = [1, 2].map(|line| {
        let port = 30_000 + u16::from_le_bytes([low, high]) % 10_000;
        SocketAddrV4::new(Ipv4Addr::new(239, 196 | line, high, low), port)
    });
    let [a, b] = groups.map(|group| LineSettings {
        group,
        source: None,
        interface: InterfaceChoice::LOOPBACK,
    });
    let receive = ReceiveSettings::default();
    let port = MulticastPort::open(EngineClock::start(), &a, &b, &receive);
    let mut port = port.expect("loopback takes joins");
    let mut senders = groups.map(|group| {
        MulticastSender::open(group, &InterfaceChoice::LOOPBACK, Reach::Host).expect("a sender")
    });
    let (mut received, oversize) = ([0_u32; 2], [7; MAX_PAYLOAD_BYTES + 1]);
    let allocations = counted(|| {
        for round in 1..=ROUNDS {
            let [a, b] = &mut senders;
            a.send(&oversize[..500]).expect("room");
            b.send(&oversize).expect("room");
            b.send(&oversize[..500]).expect("room");
            until("both", || {
                while let Some(lent) = port.peek() {
                    received[usize::from(lent.line == Line::B)] += 1;
                    port.release();
                }
                received == [round; 2]
            });
        }
    });
    assert_eq!(port.counters().line(Line::B).oversize.get(), u64::from(ROUNDS));
    assert_eq!(allocations, 0, "in {} datagrams", 3 * ROUNDS);
}

#[test]
fn receiving_and_sending_past_the_kernel_allocates_nothing() {
    netns::within(|namespace| {
        let obstacles = Host::here().obstacles();
        if !obstacles.is_empty() {
            assert!(!shared::is_required("netns"), "{obstacles:?}");
            return eprintln!("SKIPPED for want of AF_XDP ({}): run as root", obstacles.join(", "));
        }
        let beside = namespace.beside();
        namespace.cable(&beside, ("near0", "10.78.1.1/24"), ("far0", "10.78.1.2/24"), 1);
        let [near, far]: [InterfaceChoice; 2] =
            ["near0", "far0"].map(|name| name.parse().expect("it is a name"));
        let groups = [1, 2].map(|line| SocketAddrV4::new(Ipv4Addr::new(239, 1, 2, line), 31_000));
        let [a, b] =
            groups.map(|group| LineSettings { group, source: None, interface: near.clone() });
        let clock = EngineClock::start();
        let sockets = MulticastPort::open(clock.clone(), &a, &b, &ReceiveSettings::default());
        let sockets = sockets.expect("the groups are joined");
        let mut port = XdpPort::open(clock, sockets, XdpSettings::default()).expect("it may");
        port.attach().expect("it may");
        let mut copies = port.take_copies().expect("nobody else hears it");
        let (mut by_socket, mut past_kernel) = beside.within(|_| {
            let by_socket = MulticastSender::open(groups[0], &far, Reach::Link);
            let past_kernel = XdpSender::open(groups[1], &far, 0);
            (by_socket.expect("a sender"), past_kernel.expect("a sender"))
        });
        let (mut received, mut buffer) = ([0_u32; 2], [0; 2_048]);
        let long = [7; 1_600];
        let allocations = counted(|| {
            for round in 1..=ROUNDS {
                by_socket.send(&long[..500]).expect("room");
                assert_eq!(past_kernel.send(&long), Err(SendError::Closed));
                until("room", || past_kernel.send(&long[..500]).is_ok());
                until("both", || {
                    while let Some(lent) = port.peek() {
                        received[usize::from(lent.line == Line::B)] += 1;
                        port.release();
                    }
                    received == [round; 2]
                });
                while copies.receive(&mut buffer).is_some() {}
            }
        });
        assert_eq!(port.counters().by_socket.get(), 0);
        assert_eq!(allocations, 0, "in {} datagrams", 2 * ROUNDS);
    });
}

/// The interface was made again, and the cold side has opened it: the port takes what it was
/// handed.
#[test]
fn taking_over_an_interface_that_was_made_again_allocates_nothing() {
    netns::within(|namespace| {
        let obstacles = Host::here().obstacles();
        if !obstacles.is_empty() {
            assert!(!shared::is_required("netns"), "{obstacles:?}");
            return eprintln!("SKIPPED for want of AF_XDP ({}): run as root", obstacles.join(", "));
        }
        let beside = namespace.beside();
        let plug = || {
            namespace.cable(&beside, ("near0", "10.78.1.1/24"), ("far0", "10.78.1.2/24"), 1);
        };
        plug();
        let [near, far]: [InterfaceChoice; 2] =
            ["near0", "far0"].map(|name| name.parse().expect("it is a name"));
        let groups = [1, 2].map(|line| SocketAddrV4::new(Ipv4Addr::new(239, 1, 2, line), 31_000));
        let [a, b] =
            groups.map(|group| LineSettings { group, source: None, interface: near.clone() });
        let clock = EngineClock::start();
        let sockets = MulticastPort::open(clock.clone(), &a, &b, &ReceiveSettings::default());
        let sockets = sockets.expect("the groups are joined");
        let mut port = XdpPort::open(clock, sockets, XdpSettings::default()).expect("it may");
        port.attach().expect("it may");
        let mut renewals = Renewals::new([Some(port.renewal())]);
        for _ in 0..3 {
            namespace.ip("link delete near0");
            plug();
            let found = interface::find(&near).expect("it is there");
            let mut sender = beside
                .within(|_| MulticastSender::open(groups[0], &far, Reach::Link).expect("a sender"));
            // An empty tap, one that is open, and what comes by it.
            let mut allocations = 0;
            until("a datagram", || {
                renewals.look(|_, _| Some(found.clone()));
                let _ = sender.send(b"here");
                let mut is_any = false;
                allocations += counted(|| {
                    for _ in 0..1_000 {
                        is_any |= port.peek().is_some();
                        while port.peek().is_some() {
                            port.release();
                        }
                    }
                });
                is_any
            });
            assert_eq!(allocations, 0);
        }
        // No socket has joined there: it came past the kernel.
        assert_eq!(port.counters().by_socket.get(), 0);
    });
}

/// Both ends of a connection.
fn connection() -> (TcpPort, TcpPort) {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut listener = Listener::open(any, TcpSettings::default()).expect("a free port");
    let address = listener.address().expect("it listens");
    let client = TcpPort::connect(address, PATIENCE, &TcpSettings::default()).expect("it listens");
    let mut server = None;
    until("the connection", || {
        server = listener.accept();
        server.is_some()
    });
    (client, server.expect("it came").0)
}

#[test]
fn a_stream_allocates_nothing() {
    let (mut client, mut server) = connection();
    SockRef::from(&client).set_send_buffer_size(50_000).expect("less than the default");
    let counters = client.counters();
    let (message, mut buffer) = ([7; 60_000], [0; 20_000]);
    let (mut taken, mut arrived, mut busy) = (0, 0, 0);
    let allocations = counted(|| {
        for _ in 0..ROUNDS {
            match client.send(&message) {
                Ok(()) => taken += message.len(),
                Err(SendError::Busy) => busy += 1,
                Err(error) => panic!("{error:?}"),
            }
            arrived += server.read(&mut buffer).expect("the sender is there");
            assert_eq!(client.read(&mut buffer), Ok(0));
        }
        until("all", || {
            assert_eq!(client.read(&mut buffer), Ok(0));
            arrived += server.read(&mut buffer).expect("the sender is there");
            arrived == taken
        });
        until("a part", || {
            let sent = client.send(&message);
            assert!(matches!(sent, Ok(()) | Err(SendError::Busy)), "{sent:?}");
            sent == Err(SendError::Busy)
        });
        server.reset();
        until("the end", || client.read(&mut buffer).is_err());
        assert_eq!(client.send(&message), Err(SendError::Closed));
    });
    assert!(busy > 0 && counters.short.get() > 0, "{busy} times busy, {:?}", counters.short);
    assert_eq!(allocations, 0, "in {ROUNDS} messages");
}

#[test]
fn requests_allocate_nothing() {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut requests = RequestSocket::open(any).expect("a free port");
    let (client, mut answers) = connection();
    let mut port = PairPort::new(requests.address().expect("bound"), client).expect("a socket");
    let mut buffer = [0; 100];
    let allocations = counted(|| {
        for _ in 0..ROUNDS {
            port.send(&[1; 64]).expect("room");
            until("the request", || requests.receive().is_some());
            answers.send(&[2; 80]).expect("room");
            until("the answer", || port.read(&mut buffer) != Ok(0));
        }
    });
    assert_eq!(allocations, 0, "in {ROUNDS} requests");
}
