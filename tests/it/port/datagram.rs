//! Frames taken apart, compared with `etherparse`.

use std::net::SocketAddrV4;

use cross_market_connect::port::capture::LinkType;
use cross_market_connect::port::datagram::{Datagram, DatagramError, addressee, datagram};
use etherparse::{NetSlice, PacketBuilder, SlicedPacket, TransportSlice, VlanId};
use proptest::prelude::*;

/// What `etherparse` finds: a whole, unfragmented UDP datagram over IPv4 or not.
fn reference(frame: &[u8]) -> Option<(SocketAddrV4, SocketAddrV4, Vec<u8>)> {
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    let Some(NetSlice::Ipv4(ip)) = packet.net else { return None };
    let Some(TransportSlice::Udp(udp)) = packet.transport else { return None };
    let header = ip.header();
    Some((
        SocketAddrV4::new(header.source_addr(), udp.source_port()),
        SocketAddrV4::new(header.destination_addr(), udp.destination_port()),
        udp.payload().to_vec(),
    ))
}

fn ours(frame: &[u8]) -> Option<(SocketAddrV4, SocketAddrV4, Vec<u8>)> {
    let Datagram { source, target, payload } = datagram(LinkType::ETHERNET, frame).ok()??;
    Some((source, target, payload.to_vec()))
}

/// A frame to a market-data group with `tags` VLAN tags and `options` words of IP options.
fn frame(tags: u16, options: u8, payload: &[u8]) -> Vec<u8> {
    let ethernet = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [1, 0, 0x5e, 0, 0x1f, 0x40]);
    let vlan = |id| VlanId::try_new(id).unwrap();
    let options = vec![1; usize::from(options) * 4];
    let mut ip = etherparse::Ipv4Header::new(
        8 + payload.len() as u16,
        16,
        etherparse::ip_number::UDP,
        [69, 50, 112, 95],
        [224, 0, 31, 64],
    )
    .unwrap();
    ip.options = options.as_slice().try_into().unwrap();
    let ip = etherparse::IpHeaders::Ipv4(ip, Default::default());
    let step = match tags {
        0 => ethernet.ip(ip),
        1 => ethernet.single_vlan(vlan(7)).ip(ip),
        _ => ethernet.double_vlan(vlan(7), vlan(8)).ip(ip),
    }
    .udp(14_340, 14_340);
    let mut out = Vec::new();
    step.write(&mut out, payload).unwrap();
    out
}

/// Where the IPv4 header of a frame with `tags` VLAN tags begins.
fn ip_at(tags: u16) -> usize {
    14 + 4 * usize::from(tags)
}

#[test]
fn tags_and_options_are_stepped_over() {
    for tags in 0..=2 {
        for options in 0..=10 {
            let mut frame = frame(tags, options, b"payload");
            // Ethernet pads short frames: the padding is not payload.
            frame.resize(frame.len() + 9, 0xee);
            let (source, target, payload) = ours(&frame).expect("a datagram");
            assert_eq!(source, "69.50.112.95:14340".parse().unwrap());
            assert_eq!(target, "224.0.31.64:14340".parse().unwrap());
            assert_eq!(payload, b"payload");
            assert_eq!(ours(&frame), reference(&frame));
        }
    }
}

/// One IPv4 packet behind every link type that can carry it.
#[test]
fn every_link_type_leads_to_the_same_datagram() {
    let whole = frame(0, 0, b"payload");
    let packet = &whole[14..];
    for (link, before) in
        [(0, &[2, 0, 0, 0][..]), (108, &[0, 0, 0, 2]), (12, &[]), (14, &[]), (101, &[]), (228, &[])]
    {
        let bytes = [before, packet].concat();
        let found = datagram(LinkType(link), &bytes).expect("sound").expect("UDP");
        assert_eq!(found.target, "224.0.31.64:14340".parse().unwrap(), "link type {link}");
        assert_eq!(found.payload, b"payload");
    }
    let six = [0x60; 48];
    for link in [12, 14, 101, 229] {
        assert_eq!(datagram(LinkType(link), &six), Ok(None), "link type {link}");
    }
    assert_eq!(datagram(LinkType(197), packet), Err(DatagramError::UnknownLink));
}

#[test]
fn whom_an_unusable_frame_was_sent_to_is_told_as_far_as_it_says() {
    let whole = frame(1, 2, b"payload");
    let ip = ip_at(1);
    let to = |frame: &[u8]| addressee(LinkType::ETHERNET, frame);
    let address = "224.0.31.64".parse().unwrap();
    for len in 0..whole.len() {
        let expected = match len {
            _ if len < ip + 20 => None,
            _ if len < ip + 20 + 8 + 4 => Some((address, None)),
            _ => Some((address, Some(14_340))),
        };
        assert_eq!(to(&whole[..len]), expected, "cut at {len}");
    }
    for (offset, port) in [([0x20, 0], Some(14_340)), ([0x20, 1], None), ([0, 185], None)] {
        let mut fragment = whole.clone();
        fragment[ip + 6..ip + 8].copy_from_slice(&offset);
        assert_eq!(to(&fragment), Some((address, port)), "{offset:?}");
    }
    assert_eq!(addressee(LinkType(197), &whole), None);
}

#[test]
fn every_truncation_is_refused() {
    for tags in 0..=2 {
        let frame = frame(tags, 3, b"payload");
        for len in 0..frame.len() {
            let found = datagram(LinkType::ETHERNET, &frame[..len]);
            assert_eq!(found, Err(DatagramError::Truncated), "{tags} tags, {len} bytes");
            assert_eq!(reference(&frame[..len]), None);
        }
    }
}

/// Flips reach every field of every header, so this meets bad versions, lengths, fragments, other
/// protocols and other Ethernet types, and both must draw the same line.
#[test]
fn every_single_bit_flip_reads_as_the_reference_does() {
    for tags in 0..=2 {
        for options in [0, 2] {
            let good = frame(tags, options, b"0123456789abcdef");
            for bit in 0..good.len() * 8 {
                let mut frame = good.clone();
                frame[bit / 8] ^= 1 << (bit % 8);
                let (ours, reference) = (ours(&frame), reference(&frame));
                assert_eq!(ours, reference, "{tags} tags, {options} options, bit {bit}");
            }
        }
    }
}

#[test]
fn each_broken_rule_has_its_name() {
    let good = frame(0, 0, b"payload");
    let ip = ip_at(0);
    let read = |edits: &[(usize, u8)]| {
        let mut frame = good.clone();
        for &(at, byte) in edits {
            frame[at] = byte;
        }
        datagram(LinkType::ETHERNET, &frame).map(|found| found.is_some())
    };
    assert_eq!(read(&[]), Ok(true));
    assert_eq!(read(&[(ip, 0x65)]), Err(DatagramError::BadIpHeader));
    assert_eq!(read(&[(ip, 0x44)]), Err(DatagramError::BadIpHeader));
    assert_eq!(read(&[(ip + 3, 19)]), Err(DatagramError::BadIpLength));
    assert_eq!(read(&[(ip + 3, 27)]), Err(DatagramError::BadUdpLength));
    assert_eq!(read(&[(ip + 2, 1)]), Err(DatagramError::Truncated));
    assert_eq!(read(&[(ip + 6, 0x20)]), Err(DatagramError::Fragment));
    assert_eq!(read(&[(ip + 7, 1)]), Err(DatagramError::Fragment));
    // "Do not fragment" is no fragment, and a fragment of something else is not ours.
    assert_eq!(read(&[(ip + 6, 0x40)]), Ok(true));
    assert_eq!(read(&[(ip + 6, 0x20), (ip + 9, 6)]), Ok(false));
    for udp_len in [0, 7, 16] {
        assert_eq!(read(&[(ip + 25, udp_len)]), Err(DatagramError::BadUdpLength));
    }
    assert_eq!(read(&[(ip + 25, 8)]), Ok(true));
    // ARP, IPv6, an 802.3 length.
    for (high, low) in [(8, 6), (0x86, 0xdd), (0, 46)] {
        assert_eq!(read(&[(12, high), (13, low)]), Ok(false));
    }
    let tags = [&good[..12], &[0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3], &good[12..]];
    assert_eq!(datagram(LinkType::ETHERNET, &tags.concat()), Err(DatagramError::TagsTooDeep));
    assert_eq!(datagram(LinkType(147), &good), Err(DatagramError::UnknownLink));
}

#[test]
fn the_other_link_types_lead_to_the_same_datagram() {
    let ethernet = frame(0, 1, b"payload");
    let expected = datagram(LinkType::ETHERNET, &ethernet).unwrap();
    assert!(expected.is_some());
    let ip = &ethernet[14..];
    let cooked = [&[0; 14], &[8, 0][..]].concat();
    let cooked2 = [&[8, 0], &[0; 18][..]].concat();
    for (link, header) in [
        (LinkType::RAW_IP, &[][..]),
        (LinkType::LINUX_SLL, &cooked),
        (LinkType::LINUX_SLL2, &cooked2),
        (LinkType::NULL, &[2, 0, 0, 0]),
        (LinkType::NULL, &[0, 0, 0, 2]),
    ] {
        let frame = [header, ip].concat();
        assert_eq!(datagram(link, &frame), Ok(expected), "{link:?}");
        for len in 0..frame.len() {
            let found = datagram(link, &frame[..len]);
            assert_eq!(found, Err(DatagramError::Truncated), "{link:?}, {len} bytes");
        }
    }
    assert_eq!(datagram(LinkType::NULL, &[30, 0, 0, 0, 0x60]), Ok(None));
    assert_eq!(datagram(LinkType::RAW_IP, &[0x60, 0, 0, 0]), Ok(None));
}

proptest! {
    /// Arbitrary damage to a frame, and arbitrary link types: an outcome, never a panic, and a
    /// payload that lies inside the frame.
    #[test]
    fn no_frame_can_panic_the_parser(
        link in prop::sample::select(vec![0_u16, 1, 101, 113, 276]),
        tags in 0_u16..3,
        skip in 0_usize..24,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut frame = frame(tags, 1, b"0123456789");
        for (at, byte) in edits {
            let at = at.index(frame.len());
            frame[at] = byte;
        }
        frame.drain(..skip);
        frame.truncate(cut.index(frame.len() + 1));
        if let Ok(Some(found)) = datagram(LinkType(link), &frame) {
            let inside = frame.as_ptr_range();
            prop_assert!(inside.start <= found.payload.as_ptr());
            prop_assert!(found.payload.as_ptr_range().end <= inside.end);
        }
    }
}
