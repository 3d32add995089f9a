//! Addresses of one test that no other takes, also while nobody listens there: ports that no system
//! gives out by itself, and multicast groups of the test alone.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports of one place, at most.
const PORTS: u16 = 4;

/// Where the venue of a test is.
pub struct Place {
    first_port: u16,
    groups: u8,
}

impl Place {
    pub fn new() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Other processes begin elsewhere.
        let process = std::process::id() % 50 * 97;
        let place = u16::try_from((process + u32::from(number)) % 5_000).expect("below 5,000");
        let first_port = 10_240 + place * PORTS;
        Self { first_port, groups: u8::try_from(number % 200).expect("below 200") }
    }

    /// A port of it, below 4.
    pub fn port(&self, offset: u16) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.first_port + offset))
    }

    /// Lines A and B of its feed number `feed`; the ports are found.
    pub fn lines(&self, feed: u8) -> [SocketAddrV4; 2] {
        let group = |line| Ipv4Addr::new(239, 193 + feed, self.groups, line);
        [1, 2].map(|line| SocketAddrV4::new(group(line), 0))
    }
}
