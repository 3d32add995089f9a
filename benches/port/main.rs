//! Ports: what a look at sockets costs, and how long a datagram and a message are on the way.
//!
//! `cable`: the same over a cable of virtual interfaces between two network namespaces, by sockets
//! and by AF_XDP.
//!
//! Over loopback the receiving half of the network stack runs inside the sender's call, so these
//! figures rank ways to receive; they do not predict a network card. One-way times are from the
//! stamp in the payload, taken before the send, to the receiver's own, on two cores. Ways that are
//! compared take turns, so that both meet the same machine. A spinning receiver that shares its
//! core with others waits for its time slice: on a busy machine run this under `chrt -f 50`.

mod cable;
#[path = "../measure/mod.rs"]
#[expect(dead_code, reason = "each bench uses a part of it")]
mod measure;
#[path = "../../tests/it/netns.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod netns;
#[path = "../../tests/it/shared.rs"]
#[expect(dead_code, reason = "only what must not be skipped is asked")]
mod shared;

use cross_market_connect::clock::EngineClock;
use cross_market_connect::port::interface::InterfaceChoice;
use cross_market_connect::port::tcp::{Listener, TcpPort, TcpSettings};
use cross_market_connect::port::udp::{
    LineSettings, MulticastPort, MulticastSender, Reach, ReceiveSettings,
};
use measure::{Bench, fold};
use socket2::{Domain, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::Barrier;
use std::time::{Duration, Instant};
use xmc_hotpath::port::{RxPort, StreamPort, TxPort};
use xmc_hotpath::time::{Clock, MonoNs};

/// Datagrams of one batch.
const BATCH: u64 = 32;
/// The length of an order, and of a short packet.
const MESSAGE_BYTES: usize = 136;
/// Messages of one turn, and turns of each way.
const MESSAGES: u32 = 2_000;
const TURNS: u32 = 5;
const TINY_MESSAGES: u32 = 50;
/// From one message to the next.
const GAP: Duration = Duration::from_micros(100);
/// A turn that takes longer has lost something.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() {
    let mut bench = Bench::start("port");
    bench.note(&format!("{MESSAGE_BYTES}-byte messages over loopback"));
    let clock = bench.clock().clone();
    let lines = Lines::open(&clock);
    same_thread(&mut bench, lines);
    across(&bench, &clock);
    cable::run(&mut bench, &clock);
}

/// A port and the sender of its line A.
struct Lines {
    port: MulticastPort<EngineClock>,
    sender: MulticastSender,
    group: SocketAddrV4,
}

impl Lines {
    fn open(clock: &EngineClock) -> Self {
        let [low, high, ..] = std::process::id().to_le_bytes();
        let [group, other] =
            [1, 2].map(|line| SocketAddrV4::new(Ipv4Addr::new(239, line, high, low), 31_000));
        let line =
            |group| LineSettings { group, source: None, interface: InterfaceChoice::LOOPBACK };
        let receive = ReceiveSettings::default();
        let port = MulticastPort::open(clock.clone(), &line(group), &line(other), &receive);
        Self { port: port.expect("loopback takes joins"), sender: sender(group), group }
    }
}

fn sender(group: SocketAddrV4) -> MulticastSender {
    let sender = MulticastSender::open(group, &InterfaceChoice::LOOPBACK, Reach::Host);
    sender.expect("loopback takes multicast")
}

/// A socket that waits in the kernel for its datagrams, on loopback.
fn blocking(group: SocketAddrV4) -> UdpSocket {
    blocking_on(group, Ipv4Addr::LOCALHOST)
}

/// The same on the interface of this address.
fn blocking_on(group: SocketAddrV4, interface: Ipv4Addr) -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("an option");
    socket.bind(&group.into()).expect("a shared port");
    socket.join_multicast_v4(group.ip(), &interface).expect("a join");
    socket.set_read_timeout(Some(PATIENCE)).expect("an option");
    socket.into()
}

/// Both ends of a connection.
fn connection() -> (TcpPort, TcpPort) {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let settings = TcpSettings::default();
    let mut listener = Listener::open(any, settings).expect("a free port");
    let address = listener.address().expect("it listens");
    let client = TcpPort::connect(address, PATIENCE, &settings).expect("it listens");
    let start = Instant::now();
    loop {
        if let Some((server, _)) = listener.accept() {
            return (client, server);
        }
        assert!(start.elapsed() < PATIENCE, "the connection comes");
    }
}

fn same_thread(bench: &mut Bench, lines: Lines) {
    let Lines { mut port, mut sender, group } = lines;
    bench.figure("both lines empty", BATCH, || {
        (0..BATCH).fold(0, |digest, _| fold(digest, u64::from(port.peek().is_some())))
    });
    let message = [7; MESSAGE_BYTES];
    bench.parts("datagram received", |watch| {
        for _ in 0..BATCH {
            sender.send(&message).expect("loopback has room");
        }
        let mut digest = 0;
        for _ in 0..BATCH {
            // Sent on this thread, so it is there.
            digest = watch.time(|| {
                let len = port.peek().map_or(0, |lent| lent.payload.len());
                port.release();
                fold(digest, len as u64)
            });
        }
        (BATCH, digest)
    });
    drop(port);
    let _joined = blocking(group);
    let (mut client, mut server) = connection();
    let mut buffer = [0; 4 * MESSAGE_BYTES];
    bench.parts("order sent over TCP", |watch| {
        let mut digest = 0;
        for _ in 0..BATCH {
            let sent = watch.time(|| client.send(&message).is_ok());
            let read = server.read(&mut buffer).unwrap_or(0);
            digest = fold(fold(digest, u64::from(sent)), read as u64);
        }
        (BATCH, digest)
    });
}

/// One-way times between two cores.
fn across(bench: &Bench, clock: &EngineClock) {
    let Some(other) = bench.core_apart() else {
        return;
    };
    let (messages, turns) = if bench.is_full() { (MESSAGES, TURNS) } else { (TINY_MESSAGES, 1) };
    let [mut spun, mut blocked, mut streamed] = [const { Vec::new() }; 3];
    let run = Across { clock, other, messages };
    for _ in 0..turns {
        run.spinning(&mut spun);
        run.blocking(&mut blocked);
        run.stream(&mut streamed);
    }
    for (name, spans, ways) in [
        ("UDP one way, spinning", &spun, "datagrams"),
        ("UDP one way, blocking", &blocked, "datagrams"),
        ("TCP one way, spinning", &streamed, "messages"),
    ] {
        let lost = u64::from(messages) * u64::from(turns) - spans.len() as u64;
        bench.spans(name, spans.iter().copied());
        if lost > 0 {
            bench.note(&format!("{lost} {ways} were lost"));
        }
    }
}

struct Across<'c> {
    clock: &'c EngineClock,
    other: core_affinity::CoreId,
    messages: u32,
}

impl Across<'_> {
    /// Sends stamped messages from the other core while `receive` takes their spans.
    fn turn<P: TxPort + Send>(
        &self,
        mut sender: P,
        spans: &mut Vec<u64>,
        mut receive: impl FnMut() -> Option<(u64, MonoNs)>,
    ) {
        let wanted = spans.len() + usize::try_from(self.messages).expect("a few thousand");
        let ready = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                core_affinity::set_for_current(self.other);
                ready.wait();
                let gap = self.clock.ticks_in(GAP);
                let mut message = [0; MESSAGE_BYTES];
                for _ in 0..self.messages {
                    let start = self.clock.ticks();
                    while self.clock.ticks().wrapping_sub(start) < gap {}
                    message[..8].copy_from_slice(&self.clock.now().0.to_le_bytes());
                    sender.send(&message).expect("loopback has room");
                }
                // A stream that ends would take its last message along.
                sender
            });
            // A real-time spinner would keep the sender from ever leaving this core.
            ready.wait();
            let start = Instant::now();
            while spans.len() < wanted && start.elapsed() < PATIENCE {
                if let Some((sent_ns, received)) = receive() {
                    spans.push(received.since(MonoNs(sent_ns)).0);
                }
            }
        });
    }

    fn spinning(&self, spans: &mut Vec<u64>) {
        let Lines { mut port, sender, .. } = Lines::open(self.clock);
        self.turn(sender, spans, || {
            let lent = port.peek()?;
            let read = (stamp(lent.payload), lent.received);
            port.release();
            Some(read)
        });
    }

    fn blocking(&self, spans: &mut Vec<u64>) {
        let group = Lines::open(self.clock).group;
        let socket = blocking(group);
        let mut buffer = [0; 2 * MESSAGE_BYTES];
        self.turn(sender(group), spans, || {
            let len = socket.recv(&mut buffer).ok()?;
            Some((stamp(&buffer[..len]), self.clock.now()))
        });
    }

    fn stream(&self, spans: &mut Vec<u64>) {
        let (client, mut server) = connection();
        let mut buffer = [0; MESSAGE_BYTES];
        let mut filled = 0;
        self.turn(client, spans, || {
            filled += server.read(&mut buffer[filled..]).expect("the sender is there");
            if filled < MESSAGE_BYTES {
                return None;
            }
            filled = 0;
            Some((stamp(&buffer), self.clock.now()))
        });
    }
}

/// The sender's stamp.
fn stamp(message: &[u8]) -> u64 {
    message.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
