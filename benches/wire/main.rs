//! From the wire to books that can be traded on, over loopback multicast, both lines.
//!
//! `slice`: 5,000 instruments of one SMDP topic change in one slice, sent as fast as the sender
//! can; the time from before the first send until the desk's end of the ring has a quote of each.
//! `paced`: MDP 3.0 packets at 100,000 a second, each on both lines; the time from before a
//! packet's first send until the quote that it completed is popped.
//!
//! Sender and receiver have a core each: what a packet takes includes the sender's own call, inside
//! which the receiving half of the network stack runs. Beside each figure the same packets go
//! through the same feed without a socket. Turns of `paced`'s loops that took longer than 10 µs are
//! the host's: they are in the figures, and a second row has what is left without.

#[path = "../measure/mod.rs"]
#[expect(dead_code, reason = "each bench uses a part of it")]
mod measure;
mod paced;
mod slice;

use cross_market_connect::clock::EngineClock;
use cross_market_connect::port::interface::InterfaceChoice;
use cross_market_connect::port::udp::{
    LineSettings, MulticastPort, MulticastSender, Reach, ReceiveSettings,
};
use measure::Bench;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use xmc_hotpath::feed::ArbiterLimits;
use xmc_hotpath::time::Span;

/// A turn of a loop that takes longer was interrupted.
const GAP: Duration = Duration::from_micros(10);
/// A turn of the bench that takes longer has lost something.
const PATIENCE: Duration = Duration::from_secs(5);

/// Nothing is given up and no line is missed while it is measured.
const LIMITS: ArbiterLimits = ArbiterLimits {
    hold_for: Span(1_000_000_000),
    line_reorder: 0,
    silent_after: Span(60_000_000_000),
    lossy_after: Span(60_000_000_000),
    stale_after: Span(60_000_000_000),
};

fn main() {
    let mut bench = Bench::start("wire");
    slice::run(&mut bench);
    paced::run(&mut bench);
}

/// A port for both lines and a sender for each.
fn lines(clock: &EngineClock, channel: u8) -> (MulticastPort<EngineClock>, [MulticastSender; 2]) {
    let [low, high, ..] = std::process::id().to_le_bytes();
    let port = 31_000 + u16::from(channel);
    let [a, b] =
        [1, 2].map(|line| SocketAddrV4::new(Ipv4Addr::new(239, 10 + line, high, low), port));
    let line = |group| LineSettings { group, source: None, interface: InterfaceChoice::LOOPBACK };
    let receive = ReceiveSettings::default();
    let port = MulticastPort::open(clock.clone(), &line(a), &line(b), &receive);
    let senders = [a, b].map(|group| {
        let sender = MulticastSender::open(group, &InterfaceChoice::LOOPBACK, Reach::Host);
        sender.expect("loopback takes multicast")
    });
    (port.expect("loopback takes joins"), senders)
}

/// Puts this thread on a core.
fn pin(core: core_affinity::CoreId) {
    if !core_affinity::set_for_current(core) {
        println!("# not pinned to core {}", core.id);
    }
}
