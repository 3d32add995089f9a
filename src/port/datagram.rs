//! From the bytes of a frame to the UDP payload inside: Ethernet, VLAN tags, IPv4, UDP.
//!
//! A pure function of bytes, so that captures, raw sockets and tests agree on it. It does not
//! reassemble fragments (a venue's multicast never fragments; one that does is reported), does
//! not verify checksums (network cards do, and captures of sent packets lack them), and does not
//! know IPv6. Called by `xmc inspect` and the replay port.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::capture::LinkType;

/// A UDP datagram, lent from the frame that carried it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Sender.
    pub source: SocketAddrV4,
    /// Receiver; the multicast group of market data.
    pub target: SocketAddrV4,
    /// What follows the UDP header, without padding of the frame.
    pub payload: &'a [u8],
}

/// Why a frame that claims to carry UDP over IPv4 cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatagramError {
    /// The frame ends before the length its headers state.
    #[error("the frame ends before its headers or their lengths do")]
    Truncated,
    /// More than two VLAN tags.
    #[error("the frame has more than two VLAN tags")]
    TagsTooDeep,
    /// Not version 4, or a header shorter than 20 bytes.
    #[error("the IPv4 header has a version other than 4 or is shorter than 20 bytes")]
    BadIpHeader,
    /// The IPv4 total length is shorter than its header.
    #[error("the IPv4 total length is shorter than its header")]
    BadIpLength,
    /// A fragment of a UDP datagram.
    #[error("the packet is a fragment of a UDP datagram; fragments are not put together")]
    Fragment,
    /// The IPv4 packet has no room for a UDP header, or the UDP length is below 8 or beyond it.
    #[error("the UDP length is below 8 or goes beyond the IPv4 packet")]
    BadUdpLength,
    /// No parser for the link type.
    #[error("frames of this link type are not understood")]
    UnknownLink,
}

const ETHER_IPV4: u16 = 0x0800;
const ETHER_VLAN: u16 = 0x8100;
const ETHER_SERVICE_VLAN: u16 = 0x88a8;
/// Double tagging before it was standardised; still configured on old switches.
const ETHER_OLD_DOUBLE_VLAN: u16 = 0x9100;
const MAX_TAGS: u8 = 2;
const PROTOCOL_UDP: u8 = 17;
const IP_HEADER_BYTES: usize = 20;
const UDP_HEADER_BYTES: usize = 8;
/// The more-fragments bit and the 13 bits of the fragment offset.
const FRAGMENT_MASK: u16 = 0x3fff;
/// The fragment offset alone.
const OFFSET_MASK: u16 = 0x1fff;
/// `AF_INET` in the four bytes of a BSD loopback header, in either byte order.
const FAMILY_INET: [[u8; 4]; 2] = [[2, 0, 0, 0], [0, 0, 0, 2]];

/// Finds the UDP datagram in a frame; `None` if the frame is sound but carries something else.
///
/// # Errors
/// The first rule the frame breaks, outermost header first.
pub fn datagram(link: LinkType, frame: &[u8]) -> Result<Option<Datagram<'_>>, DatagramError> {
    match ip(link, frame)? {
        Some(packet) => ipv4(packet),
        None => Ok(None),
    }
}

/// Whom a frame that `datagram` refuses was sent to: the address, and the port if the frame still
/// says it (a fragment after the first does not). `None` if not even the address is there.
///
/// It tells whether what cannot be used is of a feed.
#[must_use]
pub fn addressee(link: LinkType, frame: &[u8]) -> Option<(Ipv4Addr, Option<u16>)> {
    let packet = ip(link, frame).ok()??;
    let (header, _) = take::<IP_HEADER_BYTES>(packet).ok()?;
    let is_first = be16(header, 6) & OFFSET_MASK == 0;
    let udp = packet.get(usize::from(header[0] & 0x0f) * 4..).unwrap_or_default();
    let ports = udp.first_chunk::<4>().filter(|_| is_first);
    Some((address(header, 16), ports.map(|ports| be16(ports, 2))))
}

/// The IPv4 packet of a frame, however whole; `None` if it carries something else.
fn ip(link: LinkType, frame: &[u8]) -> Result<Option<&[u8]>, DatagramError> {
    match link {
        LinkType::ETHERNET => {
            let (header, rest) = take::<14>(frame)?;
            ether(be16(header, 12), rest)
        }
        LinkType::LINUX_SLL => {
            let (header, rest) = take::<16>(frame)?;
            ether(be16(header, 14), rest)
        }
        LinkType::LINUX_SLL2 => {
            let (header, rest) = take::<20>(frame)?;
            ether(be16(header, 0), rest)
        }
        LinkType::NULL | LinkType::LOOP => {
            let (family, rest) = take::<4>(frame)?;
            Ok(FAMILY_INET.contains(family).then_some(rest))
        }
        LinkType::RAW_IP | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => {
            Ok(frame.first().is_none_or(|first| first >> 4 != 6).then_some(frame))
        }
        LinkType::IPV4 => Ok(Some(frame)),
        LinkType::IPV6 => Ok(None),
        _ => Err(DatagramError::UnknownLink),
    }
}

/// What an Ethernet type announces, past up to two VLAN tags.
fn ether(mut kind: u16, mut bytes: &[u8]) -> Result<Option<&[u8]>, DatagramError> {
    let mut tags = 0;
    while matches!(kind, ETHER_VLAN | ETHER_SERVICE_VLAN | ETHER_OLD_DOUBLE_VLAN) {
        if tags == MAX_TAGS {
            return Err(DatagramError::TagsTooDeep);
        }
        tags += 1;
        let (tag, rest) = take::<4>(bytes)?;
        kind = be16(tag, 2);
        bytes = rest;
    }
    Ok((kind == ETHER_IPV4).then_some(bytes))
}

fn ipv4(bytes: &[u8]) -> Result<Option<Datagram<'_>>, DatagramError> {
    let (header, _) = take::<IP_HEADER_BYTES>(bytes)?;
    let header_len = usize::from(header[0] & 0x0f) * 4;
    if header[0] >> 4 != 4 || header_len < IP_HEADER_BYTES {
        return Err(DatagramError::BadIpHeader);
    }
    let total_len = usize::from(be16(header, 2));
    if total_len < header_len {
        return Err(DatagramError::BadIpLength);
    }
    if header[9] != PROTOCOL_UDP {
        return Ok(None);
    }
    if be16(header, 6) & FRAGMENT_MASK != 0 {
        return Err(DatagramError::Fragment);
    }
    let packet = bytes.get(..total_len).ok_or(DatagramError::Truncated)?;
    udp(address(header, 12), address(header, 16), &packet[header_len..]).map(Some)
}

/// The address at `at` of an IPv4 header.
fn address(header: &[u8; IP_HEADER_BYTES], at: usize) -> Ipv4Addr {
    Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3])
}

fn udp(source: Ipv4Addr, target: Ipv4Addr, bytes: &[u8]) -> Result<Datagram<'_>, DatagramError> {
    let (header, _) = take::<UDP_HEADER_BYTES>(bytes).map_err(|_| DatagramError::BadUdpLength)?;
    let len = usize::from(be16(header, 4));
    // Also refuses 0, which only jumbograms of IPv6 may say.
    let payload = bytes.get(UDP_HEADER_BYTES..len).ok_or(DatagramError::BadUdpLength)?;
    Ok(Datagram {
        source: SocketAddrV4::new(source, be16(header, 0)),
        target: SocketAddrV4::new(target, be16(header, 2)),
        payload,
    })
}

/// Splits a header of `N` bytes off the front.
fn take<const N: usize>(bytes: &[u8]) -> Result<(&[u8; N], &[u8]), DatagramError> {
    bytes.split_first_chunk().ok_or(DatagramError::Truncated)
}

/// The network-order `u16` at `at` of a header that is known to hold it.
fn be16(header: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([header[at], header[at + 1]])
}
