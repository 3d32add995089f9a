//! The membership of a group, renewed when the interface on which it was joined is made again.
//!
//! The kernel keeps a membership while its interface is set down and up, and forgets it with the
//! interface: one that is made again under the same name has another number, and nothing comes by
//! it. The socket stays as it is, bound to group and port, so a hot core that polls it notices
//! nothing: the cold side joins for it, by the same descriptor. Called by `engine::interfaces`.

use super::interface::Interface;
use super::udp::{self, UdpError};
use socket2::{InterfaceIndexOrAddress, SockRef};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::{Arc, Weak};

/// The membership of a socket that somebody else owns and may close.
#[derive(Clone, Debug)]
pub struct Membership {
    socket: Weak<UdpSocket>,
    group: SocketAddrV4,
    source: Option<Ipv4Addr>,
    /// The kernel's number of the interface on which it was joined last.
    joined: u32,
    /// That interface was seen to be gone, or another one could not be joined.
    is_lost: bool,
}

impl Membership {
    /// That of a socket which has joined `group` on the interface of this number.
    pub(super) fn of(
        socket: &Arc<UdpSocket>,
        group: SocketAddrV4,
        source: Option<Ipv4Addr>,
        interface: u32,
    ) -> Self {
        Self { socket: Arc::downgrade(socket), group, source, joined: interface, is_lost: false }
    }

    /// Notes that the interface was seen to be gone: whatever comes back is another one, even by
    /// the same number.
    pub fn lost(&mut self) {
        self.is_lost = true;
    }

    /// Joins again if `interface` is another one than that on which it is joined, and says whether
    /// it did.
    ///
    /// # Errors
    /// See `UdpError`. Tried again, it may succeed: an address comes after its interface.
    pub fn follow(&mut self, interface: &Interface) -> Result<bool, UdpError> {
        if self.joined == interface.index && !self.is_lost {
            return Ok(false);
        }
        let Some(socket) = self.socket.upgrade() else { return Ok(false) };
        let socket = SockRef::from(&*socket);
        // A socket has few memberships (`net.ipv4.igmp_max_memberships`). What the kernel does not
        // know any more it refuses to leave, and that is as good.
        for known in [self.joined, interface.index] {
            let known = InterfaceIndexOrAddress::Index(known);
            let _ = socket.leave_multicast_v4_n(self.group.ip(), &known);
        }
        (self.joined, self.is_lost) = (interface.index, true);
        udp::join(&socket, self.group, self.source, interface)?;
        self.is_lost = false;
        Ok(true)
    }
}
