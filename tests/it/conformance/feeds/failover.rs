//! A venue whose other site takes over: the same groups, another source address.

use super::super::rig::{Market, Options, Truth, cme_rig};
use crate::recovery::live::rig::published;
use cross_market_connect::cli::venue::cme_settings;
use cross_market_connect::config::venue;
use cross_market_connect::venue::cme::simulated::Venue;
use cross_market_connect::venue::cme::simulated::shell::Addresses;
use cross_market_connect::venue::shell::{self, Shell, ShellError, VenueClock};
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::Duration;
use xmc_hotpath::time::MonoNs;

/// The address of the other site.
const OTHER_SITE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// The venue at its other site: nothing of it is known but what its groups are told.
struct OtherSite {
    venue: Venue,
    addresses: Addresses,
    socket: UdpSocket,
}

impl Shell for OtherSite {
    fn poll(&mut self, now: MonoNs) -> Result<bool, ShellError> {
        self.venue.poll(now);
        let mut is_busy = false;
        while let Some(datagram) = self.venue.take_datagram() {
            let group = self.addresses.group(datagram.group);
            self.socket.send_to(&datagram.bytes, group).expect("loopback takes it");
            is_busy = true;
        }
        Ok(is_busy)
    }

    fn next_at(&self) -> MonoNs {
        self.venue.next_at()
    }

    fn part(&mut self, _now: MonoNs) {}

    fn is_waiting(&self) -> bool {
        false
    }
}

/// Sends to groups on loopback, from the other site's address.
pub fn sender() -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).expect("a socket");
    socket.bind(&SocketAddr::from((OTHER_SITE, 0)).into()).expect("all of 127/8 is this host");
    socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).expect("loopback");
    socket.into()
}

/// Takes what is sent to a group.
pub fn listener(group: SocketAddrV4) -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).expect("a socket");
    socket.set_reuse_address(true).expect("others listen too");
    socket.bind(&group.into()).expect("others listen too");
    socket.join_multicast_v4(group.ip(), &Ipv4Addr::LOCALHOST).expect("loopback takes joins");
    let socket: UdpSocket = socket.into();
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("it has one");
    socket
}

/// Where the next datagram of a group comes from.
fn source(group: SocketAddrV4) -> std::net::IpAddr {
    listener(group).recv_from(&mut [0; 2_048]).expect("something comes").1.ip()
}

#[test]
fn m20_a_failover_to_other_source_addresses_goes_on() {
    let written = venue::load_cme(&crate::recovery::live::rig::sample("venue_cme.toml"));
    let written = written.expect("the sample is sound");
    cme_rig(&Options::default(), |rig| {
        rig.until_usable();
        rig.follow(200);
        rig.check();
        let addresses = rig.venue().addresses().clone();
        let group = addresses.incremental[0];
        assert_eq!(source(group), Ipv4Addr::LOCALHOST);
        let (last, _) = rig.venue().truth();
        rig.until("to have all of it", |rig| rig.position() >= last);
        drop(rig.venue.take());
        rig.follow(300);

        // Numbers go on behind what the first site may have sent last, with a channel reset.
        let origin = VenueClock::hour();
        let clock = VenueClock::since(origin).expect("it has begun");
        let mut settings = cme_settings(&written, origin).expect("it has no secrets").venue;
        settings.channel.first_seq_no = rig.position() + 1;
        let venue = clock.build(|start| {
            let mut settings = settings.clone();
            settings.exchange.start = start;
            Venue::new(settings)
        });
        let (resets, position) = (rig.counters.resets.get(), rig.position());
        let other = OtherSite { venue, addresses, socket: sender() };
        let running = shell::run("other_site", clock, other).expect("a thread");
        rig.until("to hear of it", |rig| rig.counters.resets.get() > resets);
        rig.until_usable();
        assert_eq!(source(group), OTHER_SITE);
        let truth = |running: &shell::Running<OtherSite>| -> Truth {
            let truth = running.with(|site, _| {
                let books = published(site.venue.exchange()).into_iter().collect();
                (site.venue.last_seq_no(), books)
            });
            truth.expect("it runs")
        };
        for _ in 0..10 {
            rig.follow(50);
            rig.check_with(|_| truth(&running));
        }
        assert!(rig.position() > position + 100, "it goes on");
        assert_eq!(rig.counters.gaps.get(), 0);
    });
}
