//! The way out for a venue's feeds: one sender per multicast group.
//!
//! What the kernel has no room for is dropped and counted, as a switch would: a venue never waits
//! for those who listen.

use super::ShellError;
use crate::port::interface::{self, InterfaceChoice};
use crate::port::udp::{MulticastSender, Reach, UdpError};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use xmc_hotpath::port::TxPort;

/// What was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MulticastCounts {
    /// Datagrams that left.
    pub datagrams: u64,
    /// Their payloads.
    pub bytes: u64,
    /// Datagrams that did not: no room, or no interface any more.
    pub unsent: u64,
}

/// The groups of a venue, each called `G`.
#[derive(Debug)]
pub struct Multicast<G> {
    groups: Vec<Group<G>>,
    counts: MulticastCounts,
}

#[derive(Debug)]
struct Group<G> {
    name: G,
    address: SocketAddrV4,
    sender: MulticastSender,
    /// Keeps a port that was found from being found again while the venue is there.
    _found: Option<Socket>,
}

impl<G: Copy + PartialEq> Multicast<G> {
    /// Senders to groups, by name; a port of 0 becomes one that nobody on this host uses.
    ///
    /// # Errors
    /// `Line`, or `System` if no port is found.
    pub fn open(
        groups: impl IntoIterator<Item = (G, SocketAddrV4)>,
        interface: &InterfaceChoice,
        reach: Reach,
    ) -> Result<Self, ShellError> {
        let open = |(name, asked): (G, SocketAddrV4)| {
            let (address, found) = match asked.port() {
                0 => {
                    let (port, found) = free_port(asked, interface)?;
                    (SocketAddrV4::new(*asked.ip(), port), Some(found))
                }
                _ => (asked, None),
            };
            let sender = MulticastSender::open(address, interface, reach)?;
            Ok(Group { name, address, sender, _found: found })
        };
        let groups: Result<_, ShellError> = groups.into_iter().map(open).collect();
        Ok(Self { groups: groups?, counts: MulticastCounts::default() })
    }

    /// Group and port.
    #[must_use]
    pub fn address(&self, name: G) -> Option<SocketAddrV4> {
        self.groups.iter().find(|group| group.name == name).map(|group| group.address)
    }

    /// Sends one datagram.
    pub fn send(&mut self, name: G, bytes: &[u8]) {
        let group = self.groups.iter_mut().find(|group| group.name == name);
        match group.map(|group| group.sender.send(bytes)) {
            Some(Ok(())) => {
                self.counts.datagrams += 1;
                self.counts.bytes += u64::try_from(bytes.len()).unwrap_or(0);
            }
            _ => self.counts.unsent += 1,
        }
    }

    /// What was sent.
    #[must_use]
    pub fn counts(&self) -> MulticastCounts {
        self.counts
    }
}

/// A UDP port that nobody on this host uses, and the socket that keeps it so: bound to the
/// interface's own address, where no datagram of a group arrives.
fn free_port(group: SocketAddrV4, choice: &InterfaceChoice) -> Result<(u16, Socket), ShellError> {
    let found = interface::find(choice).map_err(|source| UdpError::Interface { group, source })?;
    let own = found.address.unwrap_or(Ipv4Addr::LOCALHOST);
    let bind = || {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.bind(&SocketAddr::from((own, 0)).into())?;
        let bound = socket.local_addr()?.as_socket();
        bound.map(|bound| (bound.port(), socket)).ok_or(io::ErrorKind::AddrNotAvailable.into())
    };
    bind().map_err(|source| ShellError::System { what: "a free UDP port", source })
}
