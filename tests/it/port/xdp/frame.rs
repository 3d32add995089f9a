//! Headers and checksums against another implementation of them.

use cross_market_connect::port::xdp::frame::{
    FrameTemplate, HEADERS_BYTES, MAX_PAYLOAD_BYTES, Route, group_link,
};
use etherparse::{Ipv4Header, PacketBuilder, UdpHeader};
use proptest::prelude::*;
use std::net::{Ipv4Addr, SocketAddrV4};

fn route(source: [u8; 4], target: [u8; 4], ports: (u16, u16)) -> Route {
    Route {
        source_link: [2, 1, 3, 5, 7, 9],
        target_link: [4, 2, 4, 6, 8, 0],
        source: SocketAddrV4::new(source.into(), ports.0),
        target: SocketAddrV4::new(target.into(), ports.1),
    }
}

proptest! {
    /// Byte for byte what `etherparse` builds: one template for many payloads, checksums included.
    #[test]
    fn a_template_makes_the_frames_that_others_make(
        source: [u8; 4],
        target: [u8; 4],
        ports: (u16, u16),
        payloads in prop::collection::vec(
            prop::collection::vec(prop_oneof![any::<u8>(), Just(0xff)], 0..=MAX_PAYLOAD_BYTES),
            1..4,
        ),
    ) {
        let route = route(source, target, ports);
        let template = FrameTemplate::new(&route);
        for payload in payloads {
            let mut frame = [0xa5; 2_048];
            let len = template.write(&mut frame, &payload).expect("there is room");
            let ttl = if Ipv4Addr::from(target).is_multicast() { 1 } else { 64 };
            let builder = PacketBuilder::ethernet2(route.source_link, route.target_link)
                .ipv4(source, target, ttl)
                .udp(ports.0, ports.1);
            let mut expected = Vec::new();
            builder.write(&mut expected, &payload).expect("it is a short one");
            prop_assert_eq!(&frame[..len], &expected[..]);
            prop_assert!(frame[len..].iter().all(|byte| *byte == 0xa5), "nothing beyond its end");
            let ip = Ipv4Header::from_slice(&frame[14..]).expect("a header").0;
            let udp = UdpHeader::from_slice(&frame[34..]).expect("a header").0;
            prop_assert_eq!(ip.calc_header_checksum(), ip.header_checksum);
            prop_assert_ne!(udp.checksum, 0, "0 would say that there is none");
        }
    }
}

#[test]
fn what_does_not_fit_is_not_written() {
    let template = FrameTemplate::new(&route([10, 0, 0, 1], [10, 0, 0, 2], (1, 2)));
    let mut frame = [0; 2_048];
    assert_eq!(template.write(&mut frame, &[1; MAX_PAYLOAD_BYTES + 1]), None);
    assert_eq!(template.write(&mut frame[..HEADERS_BYTES + 9], &[1; 10]), None);
    assert_eq!(frame, [0; 2_048]);
    assert_eq!(template.write(&mut frame[..HEADERS_BYTES], &[]), Some(HEADERS_BYTES));
}

/// The sum of the payload makes the checksum come out as zero, which is sent as all ones.
#[test]
fn a_checksum_of_zero_is_sent_as_ones() {
    let template = FrameTemplate::new(&route([0, 0, 0, 0], [0, 0, 0, 0], (0, 0)));
    let mut frame = [0; 64];
    // 17 for the protocol and the length twice; the rest up to 0xffff.
    let rest = 0xffff_u16 - 17 - 2 * 10;
    template.write(&mut frame, &rest.to_be_bytes()).expect("there is room");
    assert_eq!(frame[40..42], [0xff, 0xff]);
}

#[test]
fn groups_have_the_link_addresses_of_rfc_1112() {
    let link = group_link(Ipv4Addr::new(239, 0x81, 2, 3));
    assert_eq!(link, [0x01, 0x00, 0x5e, 0x01, 2, 3]);
}
