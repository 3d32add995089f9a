//! The headers of a datagram on Ethernet, made once and completed for each payload.
//!
//! Formats: Ethernet II; IPv4 without options (RFC 791); UDP (RFC 768). Checksums are those of
//! RFC 1071, complete, so that nobody on the way has to finish them.

use std::net::{Ipv4Addr, SocketAddrV4};

/// Ethernet 14, IPv4 20, UDP 8.
pub const HEADERS_BYTES: usize = 42;
/// What an Ethernet frame of the usual length has room for.
pub const MAX_PAYLOAD_BYTES: usize = 1_472;

const IP: usize = 14;
const UDP: usize = 34;
const IP_BYTES: usize = 20;
const UDP_BYTES: usize = 8;

/// From whom to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Our link address.
    pub source_link: [u8; 6],
    /// That of the next host on the way, or of the group.
    pub target_link: [u8; 6],
    /// Our address and port.
    pub source: SocketAddrV4,
    /// Where it goes.
    pub target: SocketAddrV4,
}

/// The link address of a multicast group (RFC 1112, section 6.4).
#[must_use]
pub const fn group_link(group: Ipv4Addr) -> [u8; 6] {
    let [_, b, c, d] = group.octets();
    [0x01, 0x00, 0x5e, b & 0x7f, c, d]
}

/// The headers of all datagrams of a sender.
#[derive(Clone, Debug)]
pub struct FrameTemplate {
    headers: [u8; HEADERS_BYTES],
    /// The sum over the IPv4 header without length and checksum.
    ip_sum: u32,
    /// The sum over addresses, protocol and ports.
    udp_sum: u32,
}

impl FrameTemplate {
    /// Headers of a route. A group is not reached beyond the link (TTL 1), a host is (TTL 64).
    #[must_use]
    pub fn new(route: &Route) -> Self {
        let mut headers = [0; HEADERS_BYTES];
        headers[..6].copy_from_slice(&route.target_link);
        headers[6..12].copy_from_slice(&route.source_link);
        headers[12..14].copy_from_slice(&[0x08, 0x00]);
        let ttl = if route.target.ip().is_multicast() { 1 } else { 64 };
        // Version and length; no class; lengths later; no number, not to be divided; UDP.
        headers[IP..IP + 10].copy_from_slice(&[0x45, 0, 0, 0, 0, 0, 0x40, 0, ttl, 17]);
        headers[IP + 12..IP + 16].copy_from_slice(&route.source.ip().octets());
        headers[IP + 16..IP + 20].copy_from_slice(&route.target.ip().octets());
        headers[UDP..UDP + 2].copy_from_slice(&route.source.port().to_be_bytes());
        headers[UDP + 2..UDP + 4].copy_from_slice(&route.target.port().to_be_bytes());
        let ip_sum = sum(&headers[IP..UDP]);
        let addresses_and_ports = sum(&headers[IP + 12..UDP + 4]);
        Self { headers, ip_sum, udp_sum: addresses_and_ports + 17 }
    }

    /// Writes the frame of a payload and says how long it is; `None` if the payload is longer than
    /// `MAX_PAYLOAD_BYTES`, or `frame` shorter than the frame.
    #[inline]
    pub fn write(&self, frame: &mut [u8], payload: &[u8]) -> Option<usize> {
        if payload.len() > MAX_PAYLOAD_BYTES {
            return None;
        }
        let len = HEADERS_BYTES + payload.len();
        let (headers, body) = frame.get_mut(..len)?.split_first_chunk_mut::<HEADERS_BYTES>()?;
        *headers = self.headers;
        body.copy_from_slice(payload);
        let udp_len = u16::try_from(UDP_BYTES + payload.len()).ok()?;
        let ip_len = u16::try_from(IP_BYTES + UDP_BYTES + payload.len()).ok()?;
        let ip_check = !folded(self.ip_sum + u32::from(ip_len));
        // The length counts twice: in the pseudo-header and in the header.
        let udp_check = !folded(self.udp_sum + 2 * u32::from(udp_len) + sum(payload));
        // Zero would say that there is none.
        let udp_check = if udp_check == 0 { 0xffff } else { udp_check };
        headers[IP + 2..IP + 4].copy_from_slice(&ip_len.to_be_bytes());
        headers[IP + 10..IP + 12].copy_from_slice(&ip_check.to_be_bytes());
        headers[UDP + 4..UDP + 6].copy_from_slice(&udp_len.to_be_bytes());
        headers[UDP + 6..UDP + 8].copy_from_slice(&udp_check.to_be_bytes());
        Some(len)
    }
}

/// The sum of 16-bit words in network order, not folded; what is summed here is short enough not to
/// overflow.
fn sum(bytes: &[u8]) -> u32 {
    let (pairs, last) = bytes.as_chunks::<2>();
    let whole: u32 = pairs.iter().map(|pair| u32::from(u16::from_be_bytes(*pair))).sum();
    whole + last.first().map_or(0, |last| u32::from(*last) << 8)
}

fn folded(sum: u32) -> u16 {
    let once = (sum & 0xffff) + (sum >> 16);
    // At most 0xffff + 1, then one more fold is enough.
    (((once & 0xffff) + (once >> 16)) & 0xffff) as u16
}
