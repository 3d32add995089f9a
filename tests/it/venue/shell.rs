//! The parts of a simulated venue's shell: connections that behave badly, groups, and the thread.

use cross_market_connect::port::interface::InterfaceChoice;
use cross_market_connect::port::udp::{JoinedSocket, LineSettings, Reach, ReceiveSettings};
use cross_market_connect::venue::shell::{
    self, Multicast, Shell, ShellError, StreamEvent, StreamLimits, StreamNo, StreamServer,
    VenueClock,
};
use std::cell::Cell;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};
use xmc_hotpath::time::{Clock, MonoNs, UnixNs};

const PATIENCE: Duration = Duration::from_secs(20);
const NOW: MonoNs = MonoNs(1);

fn any() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// What happened, with bytes of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Opened(u64),
    Received(u64, Vec<u8>),
    Gone(u64),
}

fn poll(server: &mut StreamServer, now: MonoNs) -> Vec<Seen> {
    let mut seen = Vec::new();
    server.poll(now, |event| {
        seen.push(match event {
            StreamEvent::Opened(no) => Seen::Opened(no.0),
            StreamEvent::Received(no, bytes) => Seen::Received(no.0, bytes.to_vec()),
            StreamEvent::Gone(no) => Seen::Gone(no.0),
        });
    });
    seen
}

fn until(server: &mut StreamServer, count: usize) -> Vec<Seen> {
    let (start, mut seen) = (Instant::now(), Vec::new());
    while seen.len() < count {
        seen.extend(poll(server, NOW));
        assert!(start.elapsed() < PATIENCE, "{seen:?}, and {count} were expected");
    }
    seen
}

fn connect(server: &StreamServer) -> TcpStream {
    let stream = TcpStream::connect(server.address().unwrap()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

#[test]
fn bytes_go_both_ways_and_connections_have_numbers() {
    let mut server = StreamServer::open(any(), StreamLimits::default()).unwrap();
    let mut first = connect(&server);
    assert_eq!(until(&mut server, 1), [Seen::Opened(0)]);
    let second = connect(&server);
    assert_eq!(until(&mut server, 1), [Seen::Opened(1)]);
    first.write_all(b"one").unwrap();
    assert_eq!(until(&mut server, 1), [Seen::Received(0, b"one".to_vec())]);
    server.say(StreamNo(0), b"two");
    assert!(server.is_waiting());
    assert!(server.flush(NOW) && !server.is_waiting());
    let mut answer = [0; 3];
    first.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"two");
    drop(second);
    assert_eq!(until(&mut server, 1), [Seen::Gone(1)]);
    assert_eq!(server.numbers(), [StreamNo(0)]);
    let counts = server.counts();
    assert_eq!((counts.opened, counts.received_bytes, counts.sent_bytes), (2, 3, 3));
    assert_eq!((counts.refused, counts.displaced, counts.slow), (0, 0, 0));
}

/// The last words arrive although the client is still talking, and a client that never closes is
/// not waited for.
#[test]
fn a_connection_that_is_ended_hears_the_last_words() {
    let mut server = StreamServer::open(any(), StreamLimits::default()).unwrap();
    let mut client = connect(&server);
    until(&mut server, 1);
    client.write_all(&[7; 50_000]).unwrap();
    server.say(StreamNo(0), b"farewell");
    server.end(StreamNo(0));
    server.say(StreamNo(0), b"nothing after the end");
    server.flush(NOW);
    assert_eq!(server.numbers(), []);
    // Much of what the client said is still unread: closing now would reset the connection.
    assert_eq!(poll(&mut server, NOW), []);
    let mut said = Vec::new();
    client.read_to_end(&mut said).expect("closed in order");
    assert_eq!(said, b"farewell");
    // What it goes on saying is thrown away.
    client.write_all(b"more").unwrap();
    for _ in 0..5 {
        assert_eq!(poll(&mut server, NOW), []);
    }
    assert_eq!(poll(&mut server, MonoNs(2_000_000_000)), []);
    let start = Instant::now();
    while client.write_all(b"more").is_ok() {
        assert!(start.elapsed() < PATIENCE, "it is closed for good");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whoever does not read is let go, and whoever does is not kept waiting for it.
#[test]
fn a_client_that_does_not_read_is_let_go() {
    let limits = StreamLimits { most: 8, most_waiting_bytes: 100_000 };
    let mut server = StreamServer::open(any(), limits).unwrap();
    let slow = connect(&server);
    let mut good = connect(&server);
    until(&mut server, 2);
    let mut heard = 0;
    let (start, mut gone) = (Instant::now(), Vec::new());
    while gone.is_empty() {
        for no in server.numbers() {
            server.say(no, &[1; 10_000]);
        }
        server.flush(NOW);
        let mut buffer = vec![0; 10_000];
        good.read_exact(&mut buffer).expect("it is served");
        heard += buffer.len();
        gone = poll(&mut server, NOW);
        assert!(start.elapsed() < PATIENCE);
    }
    assert_eq!(gone, [Seen::Gone(0)]);
    assert_eq!(server.counts().slow, 1);
    assert!(heard > 100_000);
    drop(slow);
}

/// A crowd of strangers takes no client's place and does not keep out one that comes.
#[test]
fn a_flood_of_strangers_displaces_strangers_only() {
    let limits = StreamLimits { most: 4, ..StreamLimits::default() };
    let mut server = StreamServer::open(any(), limits).unwrap();
    let mut client = connect(&server);
    until(&mut server, 1);
    server.know(StreamNo(0), true);
    let mut strangers: Vec<_> = (0..30)
        .map(|_| {
            let stranger = connect(&server);
            until(&mut server, 1);
            stranger
        })
        .collect();
    assert_eq!(server.counts().displaced, 27);
    assert_eq!(server.numbers(), [0, 28, 29, 30].map(StreamNo));
    assert!(matches!(strangers[0].read(&mut [0]), Ok(0) | Err(_)), "it was closed");
    client.write_all(b"here").unwrap();
    assert_eq!(until(&mut server, 1), [Seen::Received(0, b"here".to_vec())]);
    // When all places are taken by clients, the next one is refused.
    for no in [28, 29, 30] {
        server.know(StreamNo(no), true);
    }
    let mut late = connect(&server);
    let start = Instant::now();
    while server.counts().refused == 0 {
        poll(&mut server, NOW);
        assert!(start.elapsed() < PATIENCE);
    }
    assert!(matches!(late.read(&mut [0]), Ok(0) | Err(_)));
    assert_eq!(server.numbers().len(), 4);
}

#[test]
fn groups_find_ports_of_their_own() {
    let group = |last| SocketAddrV4::new(Ipv4Addr::new(239, 192, 99, last), 0);
    let open = || {
        let groups = [("a", group(1)), ("b", group(1))];
        Multicast::open(groups, &InterfaceChoice::LOOPBACK, Reach::Host).unwrap()
    };
    let (mut first, second) = (open(), open());
    let addresses = [&first, &second].map(|one| ["a", "b"].map(|name| one.address(name).unwrap()));
    let mut ports: Vec<_> = addresses.as_flattened().iter().map(|one| one.port()).collect();
    ports.sort_unstable();
    ports.dedup();
    assert!(ports.len() == 4 && ports[0] > 0, "{addresses:?}");
    assert_eq!(first.address("c"), None);
    let line =
        LineSettings { group: addresses[0][1], source: None, interface: InterfaceChoice::LOOPBACK };
    let socket = JoinedSocket::open(&line, &ReceiveSettings::default()).expect("nobody has it");
    first.send("a", b"not for b");
    first.send("b", b"for b");
    let (start, mut buffer) = (Instant::now(), [0; 100]);
    let len = loop {
        match socket.receive(&mut buffer) {
            Ok(len) => break len,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        assert!(start.elapsed() < PATIENCE);
    };
    assert_eq!(&buffer[..len], b"for b");
    // Longer than UDP can be.
    first.send("b", &vec![0; 70_000]);
    let counts = first.counts();
    assert_eq!((counts.datagrams, counts.bytes, counts.unsent), (2, 14, 1));
}

#[test]
fn a_clock_begins_at_its_origin_or_not_at_all() {
    let hour = VenueClock::hour();
    let clock = VenueClock::since(hour).unwrap();
    let (now, wall) = (clock.now().0 + hour.0, VenueClock::wall().0);
    assert!(wall.abs_diff(now) < 1_000_000_000, "{now} and {wall}");
    assert!(clock.now() > MonoNs(0) && clock.now() <= clock.now());
    assert_eq!((hour.0 % 3_600_000_000_000, clock.origin()), (0, hour));
    let later = VenueClock::since(UnixNs(wall + 90_000_000_000)).map(drop);
    assert!(matches!(later, Err(ShellError::NotBegun(89..=90))), "{later:?}");
    let week = VenueClock::since(UnixNs(wall - 7 * 24 * 3_600_000_000_000)).map(drop);
    assert!(matches!(week, Err(ShellError::TooOld(168))), "{week:?}");
}

/// One that takes long to build is built for the moment when it is ready.
#[test]
fn a_venue_comes_up_at_the_moment_that_it_was_built_for() {
    let clock = VenueClock::since(VenueClock::hour()).unwrap();
    for ms in [0, 60] {
        let times = Cell::new(0);
        let began = clock.now();
        let start = clock.build(|start| {
            times.set(times.get() + 1);
            std::thread::sleep(Duration::from_millis(ms));
            start
        });
        let late = clock.now().since(start).0;
        println!("built {} times for {ms} ms, {late} ns late", times.get());
        assert!(start >= began && clock.now() >= start);
        // Half of the time that it takes is spare.
        assert!(ms == 0 || (times.get() == 2 && late < 60_000_000), "{late} ns late");
    }
}

/// Counts its polls, and does what it was made for at one of them.
struct Counting {
    polls: u64,
    fails_at: u64,
    panics_at: u64,
    is_parted: bool,
}

impl Counting {
    fn new() -> Self {
        Self { polls: 0, fails_at: u64::MAX, panics_at: u64::MAX, is_parted: false }
    }
}

impl Shell for Counting {
    fn poll(&mut self, _: MonoNs) -> Result<bool, ShellError> {
        self.polls += 1;
        assert!(self.polls < self.panics_at, "as it was told to");
        if self.polls >= self.fails_at {
            return Err(ShellError::NotBegun(1));
        }
        Ok(false)
    }

    fn next_at(&self) -> MonoNs {
        MonoNs::NEVER
    }

    fn part(&mut self, _: MonoNs) {
        self.is_parted = true;
    }

    fn is_waiting(&self) -> bool {
        false
    }
}

fn run(shell: Counting) -> shell::Running<Counting> {
    let clock = VenueClock::since(VenueClock::hour()).unwrap();
    shell::run("counting", clock, shell).expect("there are threads")
}

#[test]
fn a_shell_is_polled_does_errands_and_ends_when_told() {
    let running = run(Counting::new());
    let first = running.with(|shell, _| shell.polls).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    let second = running.with(|shell, _| shell.polls).unwrap();
    // It naps: a poll each 200 µs, not as many as there can be.
    assert!((1..2_000).contains(&(second - first)), "{first} then {second} polls");
    assert!(running.is_running());
    let left = running.stop().unwrap();
    assert!(left.is_parted && left.polls >= second);
    run(Counting::new()).kill().unwrap();
    drop(run(Counting::new()));
}

#[test]
fn a_shell_that_fails_or_panics_says_so_when_it_is_asked() {
    let failing = run(Counting { fails_at: 3, ..Counting::new() });
    let panicking = run(Counting { panics_at: 3, ..Counting::new() });
    let start = Instant::now();
    while failing.is_running() || panicking.is_running() {
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(failing.with(|shell, _| shell.polls), None);
    assert!(matches!(failing.stop().map(drop), Err(ShellError::NotBegun(1))));
    let told = panicking.kill().unwrap_err();
    assert_eq!(told.to_string(), "the venue has failed: as it was told to");
}
