//! Several feeds on one interface: one program, one memory of frames, a socket for each.

use super::{
    A, B, GENERIC, NATIVE, beside, cabled, eventually, far_sender, frame_to, named, next, on,
    prepared,
};
use crate::port::interface::{plug, switch};
use crate::recovery::live::rig;
use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::PortChoice;
use cross_market_connect::engine::counters::Counters;
use cross_market_connect::engine::interfaces::{Interfaces, Published};
use cross_market_connect::engine::sockets::{self, FeedPort, feed_port};
use cross_market_connect::port::udp::{JoinedSocket, ReceiveSettings};
use cross_market_connect::port::xdp::bpf::Redirect;
use cross_market_connect::port::xdp::program::Filter;
use cross_market_connect::port::xdp::receive::{XdpPort, XdpSettings, attach};
use cross_market_connect::port::xdp::socket::{Drops, XdpSocket};
use cross_market_connect::port::xdp::{ModeChoice, XdpError};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use xmc_hotpath::port::{Line, RxPort, TxPort};

/// The lines of a second feed.
const C: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 1, 2, 5), 31_003);
const D: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 1, 2, 6), 31_004);
const OTHER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 1, 2, 9), 31_001);

const PASS: u32 = 2;
const REDIRECT: u32 = 4;

type Port = XdpPort<EngineClock>;

/// A port on these lines of `near0`, not attached.
fn port(lines: [SocketAddrV4; 2], settings: XdpSettings) -> Port {
    prepared(lines.map(|line| on(line, "near0")), settings).expect("it may")
}

/// Attaches all of them together: see `super::attach`.
fn attach_all(ports: &mut [&mut Port]) {
    eventually("an interface without a program", || match attach(ports) {
        Ok(()) => Some(()),
        Err((_, XdpError::Occupied { .. })) => None,
        Err((_, error)) => panic!("{error}"),
    });
}

fn feeds(settings: XdpSettings) -> [Port; 2] {
    let mut ports = [port([A, B], settings), port([C, D], settings)];
    let [first, second] = &mut ports;
    attach_all(&mut [first, second]);
    ports
}

/// Takes what there is, until many looks at everything have found nothing.
pub(super) fn drain(port: &mut impl RxPort) {
    let (mut empty, mut since) = (0, Instant::now());
    while empty < 1_000 || since.elapsed() < Duration::from_millis(20) {
        match next(port) {
            Some(_) => (empty, since) = (0, Instant::now()),
            None => empty += 1,
        }
    }
}

/// Takes everything that comes until it is told to end and nothing comes any more: how many on each
/// line, in order.
fn take(port: &mut Port, is_over: &AtomicBool) -> [Vec<u32>; 2] {
    let mut got = [Vec::new(), Vec::new()];
    loop {
        let was_over = is_over.load(Ordering::Acquire);
        let mut is_any = false;
        while let Some((line, payload)) = next(port) {
            let number = payload.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
            got[usize::from(line == Line::B)].push(number.expect("as it was sent"));
            is_any = true;
        }
        if was_over && !is_any {
            return got;
        }
        std::thread::yield_now();
    }
}

/// Each feed on a core of its own, four queues, all datagrams to their own feed, in order for each
/// sender, and others to the kernel.
fn divides(mode: ModeChoice) {
    const COUNT: u32 = 20_000;
    cabled(4, |_, beside| {
        let [mut first, mut second] = feeds(XdpSettings { mode, ..XdpSettings::default() });
        let watches = [first.drop_watch(), second.drop_watch()];
        let counters = [first.counters(), second.counters()];
        let other = JoinedSocket::open(&on(OTHER, "near0"), &ReceiveSettings::default()).unwrap();
        let mut senders = [A, B, C, D, OTHER].map(|group| far_sender(beside, group, "far0"));
        let is_over = AtomicBool::new(false);
        let (got, others) = std::thread::scope(|scope| {
            let takers = [&mut first, &mut second].map(|port| scope.spawn(|| take(port, &is_over)));
            let (mut others, mut buffer) = (0_u32, [0; 64]);
            for number in 0..COUNT {
                for sender in &mut senders {
                    sender.send(&number.to_le_bytes()).expect("the cable has room");
                }
                others += u32::from(other.receive(&mut buffer).is_ok());
                if number % 64 == 0 {
                    std::thread::yield_now();
                }
            }
            eventually("the kernel's", || {
                others += u32::from(other.receive(&mut buffer).is_ok());
                (others == COUNT).then_some(())
            });
            is_over.store(true, Ordering::Release);
            (takers.map(|taker| taker.join().expect("it ends")), others)
        });
        assert_eq!(others, COUNT);
        for (feed, lines) in got.iter().enumerate() {
            let dropped = watches[feed].drops().expect("it is open").expect("it is open");
            assert_eq!(dropped.frames(), 0, "{dropped:?}");
            for numbers in lines {
                assert!(numbers.iter().copied().eq(0..COUNT), "feed {feed}: {}", numbers.len());
            }
            let counted = &counters[feed];
            let refused = [&counted.malformed, &counted.foreign, &counted.stray];
            assert_eq!(refused.map(|counter| counter.get()), [0; 3]);
            assert_eq!(counted.by_socket.get(), 0, "none came through the kernel");
        }
    });
}

#[test]
fn two_feeds_of_an_interface_get_their_own_in_native_mode() {
    divides(NATIVE);
}

#[test]
fn two_feeds_of_an_interface_get_their_own_in_generic_mode() {
    divides(GENERIC);
}

/// What a feed does not take is lost to it alone.
#[test]
fn a_feed_that_is_not_polled_takes_no_frames_away_from_the_other() {
    const COUNT: u32 = 3_000;
    cabled(1, |_, beside| {
        // 64 frames each.
        let settings = XdpSettings { buffer_bytes: 1 << 17, ..XdpSettings::default() };
        let [mut first, mut second] = feeds(settings);
        let [mut a, mut c] = [A, C].map(|group| far_sender(beside, group, "far0"));
        for number in 0..COUNT {
            c.send(&number.to_le_bytes()).expect("the cable has room");
            a.send(&number.to_le_bytes()).expect("the cable has room");
            let (_, got) = eventually("the first feed's", || next(&mut first));
            assert_eq!(got, number.to_le_bytes());
        }
        let drops = |port: &Port| port.drop_watch().drops().expect("it is open").expect("open");
        assert_eq!(drops(&first).frames(), 0);
        assert_eq!(drops(&second), Drops { ring_full: u64::from(COUNT) - 64, ..Drops::default() });
        // It has what it had room for, and goes on.
        for number in 0..64_u32 {
            let (_, got) = eventually("the second feed's", || next(&mut second));
            assert_eq!(got, number.to_le_bytes());
        }
        c.send(b"more").expect("the cable has room");
        assert_eq!(eventually("one more", || next(&mut second)).1, b"more");
        // What one of them had goes with it; the other goes on.
        drop(first);
        for _ in 0..COUNT {
            c.send(b"alone").expect("the cable has room");
            assert_eq!(eventually("the second feed's", || next(&mut second)).1, b"alone");
        }
    });
}

/// The key of the map is the feed's and the queue's: a place without a socket passes frames on.
#[test]
fn the_program_sends_each_feed_to_its_own_place() {
    beside(|_, _| {
        let [first, second] =
            [[A, B], [C, D]].map(|lines| lines.map(|target| Filter { target, source: None }));
        let program =
            Redirect::load(&[&first, &second], 1).unwrap_or_else(|error| panic!("{error}"));
        let socket = XdpSocket::open().expect("it may");
        let verdict = |of| program.verdict(&frame_to(of, b"x")).expect("it runs");
        program.set(1, &socket).expect("the second feed's place");
        assert_eq!([A, B, C, D, OTHER].map(verdict), [PASS, PASS, REDIRECT, REDIRECT, PASS]);
        program.set(0, &socket).expect("the first feed's place");
        assert_eq!(
            [A, B, C, D, OTHER].map(verdict),
            [REDIRECT, REDIRECT, REDIRECT, REDIRECT, PASS]
        );
    });
}

#[test]
fn feeds_that_contradict_each_other_are_refused_with_what_to_do() {
    cabled(1, |_, _| {
        let with = |mode| XdpSettings { mode, ..XdpSettings::default() };
        let (mut first, mut other) = (port([A, B], with(NATIVE)), port([C, D], with(GENERIC)));
        let (_, refused) = attach(&mut [&mut first, &mut other]).expect_err("two modes");
        assert!(matches!(refused, XdpError::Modes { .. }), "{refused}");
        assert!(refused.to_string().contains("xdp_mode"), "{refused}");
        let mut same = port([B, D], with(NATIVE));
        let (_, refused) = attach(&mut [&mut first, &mut same]).expect_err("one group twice");
        let is_said = matches!(refused, XdpError::SameGroup { target, .. } if target == B);
        assert!(is_said && refused.to_string().contains("port = \"socket\""), "{refused}");
        // One that leaves the choice to others takes theirs.
        let mut any = port([C, D], XdpSettings::default());
        attach_all(&mut [&mut any, &mut first]);
        assert!(any.modes().chain(first.modes()).all(|mode| ModeChoice::Only(mode) == NATIVE));
    });
}

/// An interface that was made again and has a program of somebody else's already: both feeds come
/// by sockets, which is said, until it is free.
#[test]
fn feeds_come_by_sockets_while_their_interface_cannot_be_opened_again() {
    beside(|namespace, beside| {
        switch(beside);
        plug(namespace, beside, 0);
        let mut config = rig::engine();
        for (feed, lines) in config.feeds.iter_mut().zip([[A, B], [C, D]]) {
            feed.port.value = PortChoice::Xdp(ModeChoice::Best);
            for (line, group) in [&mut feed.line_a, &mut feed.line_b].into_iter().zip(lines) {
                (line.group, line.interface) = (group, Some(named("near0")));
            }
        }
        let clock = EngineClock::start();
        let ports = config.feeds.iter().map(|feed| feed_port(feed, clock.clone()));
        let mut ports: Vec<FeedPort<_>> = ports.map(|port| port.expect("it may")).collect();
        sockets::attach(&config.feeds, &mut ports).unwrap_or_else(|error| panic!("{error}"));
        let (counters, published) = (Counters::new(&config), Published::default());
        for (port, counters) in ports.iter_mut().zip(&counters.feed_ports) {
            port.count_in(counters);
        }
        let mut watched = Interfaces::new(&config, &mut ports);
        let mut senders = [A, D].map(|group| far_sender(beside, group, "switch0"));
        let mut brings = |ports: &mut [FeedPort<_>], by_socket: u64| {
            for ((port, sender), counters) in
                ports.iter_mut().zip(&mut senders).zip(&counters.feed_ports)
            {
                let before = counters.xdp.by_socket.get();
                let mut looks = 0_u32;
                eventually("a datagram", || {
                    if looks.is_multiple_of(10_000) {
                        let _ = sender.send(b"here");
                    }
                    looks += 1;
                    next(port)
                });
                drain(port);
                let by_sockets = counters.xdp.by_socket.get() - before;
                assert!(by_sockets.min(1) == by_socket, "{by_sockets} by sockets");
            }
        };
        brings(&mut ports, 0);
        namespace.ip("link delete near0");
        plug(namespace, beside, 0);
        let mut stranger = port([OTHER, OTHER], XdpSettings::default());
        stranger.attach().expect("it is free");
        let found = eventually("that both come by sockets", || {
            watched.look(&counters, &published);
            ports.iter_mut().for_each(drain);
            let found = published.found();
            (!found.by_sockets.is_empty()).then_some(found)
        });
        assert_eq!((found.cut.len(), found.by_sockets.len()), (0, 2), "{found:?}");
        assert!(found.by_sockets[0].why.contains("has an XDP program already"), "{found:?}");
        brings(&mut ports, 1);
        drop(stranger);
        eventually("both past the kernel", || {
            watched.look(&counters, &published);
            // What they were handed they take with a look that finds nothing.
            ports.iter_mut().for_each(drain);
            published.found().by_sockets.is_empty().then_some(())
        });
        brings(&mut ports, 0);
    });
}
