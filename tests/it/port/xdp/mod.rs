//! AF_XDP: its rings in plain memory, its program on frames, and its ports over cables of virtual
//! interfaces between two network namespaces.

mod engine;
mod fault;
mod feed;
mod frame;
mod program;
mod receive;
mod renewal;
mod ring;
mod send;
mod together;

use super::eventually;
use crate::netns::{self, Beside, Namespace, RawWire};
use crate::shared::is_required;
use cross_market_connect::clock::EngineClock;
use cross_market_connect::port::interface::{self, InterfaceChoice};
use cross_market_connect::port::udp::{
    LineSettings, MulticastPort, MulticastSender, Reach, ReceiveSettings,
};
use cross_market_connect::port::xdp::frame::{FrameTemplate, Route, group_link};
use cross_market_connect::port::xdp::host::Host;
use cross_market_connect::port::xdp::receive::{XdpPort, XdpSettings};
use cross_market_connect::port::xdp::{Mode, ModeChoice, XdpError};
use std::net::{Ipv4Addr, SocketAddrV4};
use xmc_hotpath::port::{Line, RxPort};

/// Lines A and B of the tests: each test has namespaces of its own.
const A: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 1, 2, 3), 31_001);
const B: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 1, 2, 4), 31_002);

const NATIVE: ModeChoice = ModeChoice::Only(Mode::Native);
const GENERIC: ModeChoice = ModeChoice::Only(Mode::Generic);

/// Runs `body` in a namespace with another one beside; skips loudly where AF_XDP is not allowed.
pub fn beside(body: impl FnOnce(&Namespace, &Beside) + Send) {
    netns::within(|namespace| {
        let obstacles = Host::here().obstacles();
        if obstacles.is_empty() {
            return body(namespace, &namespace.beside());
        }
        let why = obstacles.join(", ");
        assert!(!is_required("netns"), "XMC_REQUIRE names netns, but AF_XDP cannot be: {why}");
        eprintln!("SKIPPED for want of AF_XDP ({why}): run as root");
    });
}

/// The same with a cable from `near0` to `far0`, of so many queues.
pub fn cabled(queues: u32, body: impl FnOnce(&Namespace, &Beside) + Send) {
    beside(|namespace, beside| {
        let (near, far) = (("near0", "10.78.1.1/24"), ("far0", "10.78.1.2/24"));
        namespace.cable(beside, near, far, queues);
        body(namespace, beside);
    });
}

pub fn named(name: &str) -> InterfaceChoice {
    name.parse().expect("it is a name")
}

fn on(group: SocketAddrV4, name: &str) -> LineSettings {
    LineSettings { group, source: None, interface: named(name) }
}

/// A port that is not attached yet.
fn prepared(
    lines: [LineSettings; 2],
    settings: XdpSettings,
) -> Result<XdpPort<EngineClock>, XdpError> {
    let clock = EngineClock::start();
    let [a, b] = lines;
    let sockets = MulticastPort::open(clock.clone(), &a, &b, &ReceiveSettings::default());
    XdpPort::open(clock, sockets.expect("the groups are joined"), settings)
}

/// A port on lines A and B, both on `near0`.
fn attached(mode: ModeChoice) -> XdpPort<EngineClock> {
    let settings = XdpSettings { mode, ..XdpSettings::default() };
    let mut port = prepared([on(A, "near0"), on(B, "near0")], settings).expect("it may");
    attach(&mut port);
    port
}

/// Takes the frames of its interfaces away. A program that was there a moment ago may still be: a
/// child of another test, about to run `ip`, has all descriptors for that long.
fn attach(port: &mut XdpPort<EngineClock>) {
    eventually("an interface without a program", || match port.attach() {
        Ok(()) => Some(()),
        Err(XdpError::Occupied { .. }) => None,
        Err(error) => panic!("{error}"),
    });
}

/// The next datagram, if there is one.
fn next(port: &mut impl RxPort) -> Option<(Line, Vec<u8>)> {
    let lent = port.peek().map(|lent| (lent.line, lent.payload.to_vec()))?;
    port.release();
    Some(lent)
}

/// A sender to a group at the far end of a cable.
fn far_sender(beside: &Beside, group: SocketAddrV4, name: &str) -> MulticastSender {
    beside.within(|_| {
        MulticastSender::open(group, &named(name), Reach::Link).expect("the cable is plugged")
    })
}

/// Frames as they are, from the far end of a cable.
fn far_wire(beside: &Beside, name: &str) -> RawWire {
    beside.within(|_| RawWire::open(interface::find(&named(name)).expect("it is there").index))
}

/// The frame of a datagram to a group, from the far end of the first cable.
fn frame_to(target: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let route = Route {
        source_link: [2, 0, 0, 0, 0, 2],
        target_link: group_link(*target.ip()),
        source: SocketAddrV4::new(Ipv4Addr::new(10, 78, 1, 2), 9_000),
        target,
    };
    let mut frame = vec![0; 1_600];
    let len = FrameTemplate::new(&route).write(&mut frame, payload).expect("it is short enough");
    frame.truncate(len);
    frame
}
