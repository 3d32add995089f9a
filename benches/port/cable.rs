//! Over a cable between two network namespaces: one way by AF_XDP at both ends, by a socket that
//! spins and by one that waits; and what a datagram that is already there costs.
//!
//! Sender and receiver have a core each, and the ways take turns. The program is on the interface
//! only in the turns of AF_XDP, because it makes the sockets slower. As over loopback the receiving
//! half of the stack runs inside the sender's call, and the kernel copies each frame once: a card
//! with a driver of its own does neither.

use super::measure::{Bench, fold};
use super::netns::{self, Beside};
use super::{Across, BATCH, MESSAGE_BYTES, MESSAGES, TINY_MESSAGES, TURNS, blocking_on, stamp};
use cross_market_connect::clock::EngineClock;
use cross_market_connect::port::interface::InterfaceChoice;
use cross_market_connect::port::udp::{
    LineSettings, MulticastPort, MulticastSender, Reach, ReceiveSettings,
};
use cross_market_connect::port::xdp::host::Host;
use cross_market_connect::port::xdp::receive::{XdpPort, XdpSettings};
use cross_market_connect::port::xdp::send::XdpSender;
use std::net::{Ipv4Addr, SocketAddrV4};
use xmc_hotpath::port::{RxPort, TxPort};
use xmc_hotpath::time::{Clock, MonoNs};

const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 1, 2, 3), 31_000);
const OTHER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 1, 2, 4), 31_000);
const NEAR: Ipv4Addr = Ipv4Addr::new(10, 78, 1, 1);

/// Measures, where namespaces and AF_XDP may be had.
pub fn run(bench: &mut Bench, clock: &EngineClock) {
    let cores = bench.two_cores();
    netns::within(|namespace| {
        let obstacles = Host::here().obstacles();
        if !obstacles.is_empty() {
            return bench.note(&format!("no cable is measured: {}", obstacles.join(", ")));
        }
        if let Some((own, _)) = cores {
            core_affinity::set_for_current(own);
        }
        let beside = namespace.beside();
        namespace.cable(&beside, ("near0", "10.78.1.1/24"), ("far0", "10.78.1.2/24"), 1);
        let cable = Cable { beside: &beside, clock };
        bench.note(&format!("{MESSAGE_BYTES}-byte messages over a cable of virtual interfaces"));
        cable.costs(bench);
        if let Some((_, other)) = cores {
            cable.one_way(bench, other);
        }
    });
}

struct Cable<'c> {
    beside: &'c Beside,
    clock: &'c EngineClock,
}

fn named(name: &str) -> InterfaceChoice {
    name.parse().expect("it is a name")
}

impl Cable<'_> {
    fn sockets(&self) -> MulticastPort<EngineClock> {
        let line = |group| LineSettings { group, source: None, interface: named("near0") };
        let receive = ReceiveSettings::default();
        MulticastPort::open(self.clock.clone(), &line(GROUP), &line(OTHER), &receive)
            .expect("the groups are joined")
    }

    fn past_kernel(&self) -> XdpPort<EngineClock> {
        let settings = XdpSettings::default();
        let port = XdpPort::open(self.clock.clone(), self.sockets(), settings);
        let mut port = port.expect("there are no obstacles");
        port.attach().expect("there are no obstacles");
        port
    }

    fn sender(&self) -> MulticastSender {
        self.beside.within(|_| {
            MulticastSender::open(GROUP, &named("far0"), Reach::Link).expect("it is plugged")
        })
    }

    fn sender_past_kernel(&self) -> XdpSender {
        self.beside
            .within(|_| XdpSender::open(GROUP, &named("far0"), 0).expect("there are no obstacles"))
    }

    /// What the receiving side pays for a datagram that is there, and for a look at nothing.
    fn costs(&self, bench: &mut Bench) {
        let mut sender = self.sender();
        let mut port = self.past_kernel();
        bench.figure("AF_XDP: nothing there", BATCH, || {
            (0..BATCH).fold(0, |digest, _| fold(digest, u64::from(port.peek().is_some())))
        });
        filled(bench, "AF_XDP: datagram received", &mut sender, &mut port);
        let mut copies = port.take_copies().expect("nobody else hears it");
        let mut buffer = [0; 2 * MESSAGE_BYTES];
        let message = [7; MESSAGE_BYTES];
        bench.parts("AF_XDP: received and copied", |watch| {
            send(&mut sender, &message);
            let digest = watch.time(|| receive(&mut port));
            while copies.receive(&mut buffer).is_some() {}
            (BATCH, digest)
        });
        drop(port);
        filled(bench, "socket: datagram received", &mut sender, &mut self.sockets());
        let mut sender = self.sender_past_kernel();
        bench.figure("AF_XDP: datagram sent", 1, || u64::from(sender.send(&message).is_ok()));
        let mut sender = self.sender();
        bench.figure("socket: datagram sent", 1, || u64::from(sender.send(&message).is_ok()));
    }

    fn one_way(&self, bench: &Bench, other: core_affinity::CoreId) {
        let (messages, turns) =
            if bench.is_full() { (MESSAGES, TURNS) } else { (TINY_MESSAGES, 1) };
        let run = Across { clock: self.clock, other, messages };
        let [mut past, mut spun, mut blocked] = [const { Vec::new() }; 3];
        for _ in 0..turns {
            let mut port = self.past_kernel();
            run.turn(self.sender_past_kernel(), &mut past, || polled(&mut port));
            drop(port);
            let mut port = self.sockets();
            run.turn(self.sender(), &mut spun, || polled(&mut port));
            drop(port);
            let socket = blocking_on(GROUP, NEAR);
            let mut buffer = [0; 2 * MESSAGE_BYTES];
            run.turn(self.sender(), &mut blocked, || {
                let len = socket.recv(&mut buffer).ok()?;
                Some((stamp(&buffer[..len]), self.clock.now()))
            });
        }
        let sent = u64::from(messages) * u64::from(turns);
        let base = median(&mut past);
        for (name, spans) in [
            ("cable, AF_XDP both ways", &mut past),
            ("cable, socket spinning", &mut spun),
            ("cable, socket blocking", &mut blocked),
        ] {
            bench.spans(name, spans.iter().copied());
            let lost = sent - spans.len() as u64;
            let ratio = median(spans) as f64 / base.max(1) as f64;
            bench.note(&format!("{name}: {ratio:.1} times AF_XDP's median, {lost} lost"));
        }
    }
}

fn median(spans: &mut [u64]) -> u64 {
    spans.sort_unstable();
    spans.get(spans.len() / 2).copied().unwrap_or(0)
}

/// The stamps of the next datagram, if there is one.
fn polled(port: &mut impl RxPort) -> Option<(u64, MonoNs)> {
    let lent = port.peek()?;
    let read = (stamp(lent.payload), lent.received);
    port.release();
    Some(read)
}

/// Sends a batch, which is there when the last call returns.
fn send(sender: &mut impl TxPort, message: &[u8]) {
    for _ in 0..BATCH {
        sender.send(message).expect("the cable has room");
    }
}

/// Receives a batch.
fn receive(port: &mut impl RxPort) -> u64 {
    let mut digest = 0;
    for _ in 0..BATCH {
        // Sent before, so it is there, or the kernel is just at it.
        let len = loop {
            if let Some(lent) = port.peek() {
                break lent.payload.len();
            }
        };
        port.release();
        digest = fold(digest, len as u64);
    }
    digest
}

/// The queue filled first, then emptied.
fn filled(bench: &mut Bench, name: &str, sender: &mut impl TxPort, port: &mut impl RxPort) {
    let message = [7; MESSAGE_BYTES];
    bench.parts(name, |watch| {
        send(sender, &message);
        (BATCH, watch.time(|| receive(port)))
    });
}
