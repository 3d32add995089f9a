//! Requests to a simulated counter, received past the kernel: the datagrams to one address, off
//! every queue of the interface that it is on.
//!
//! A venue's end that measures does not want to be measured: a socket costs the sender the kernel's
//! receiving half, which on a virtual cable runs inside the sender's call, and the reader a call
//! for every look. What the program passes on (VLAN tags, fragments, IP options) is not received.

use super::XdpError;
use super::program::Filter;
use super::receive::XdpSettings;
use super::socket::BUSY_PATIENCE;
use super::tap::{self, Share, Tap};
use crate::port::capture::LinkType;
use crate::port::datagram::datagram;
use crate::port::interface::{self, InterfaceChoice};
use std::net::SocketAddrV4;

/// The datagrams to one address.
#[derive(Debug)]
pub struct XdpRequests {
    tap: Tap,
}

impl XdpRequests {
    /// Hangs a program for `target` on an interface. A sender needs to learn the link address from
    /// something else: nothing here answers it.
    ///
    /// # Errors
    /// See `XdpError`.
    pub fn open(target: SocketAddrV4, choice: &InterfaceChoice) -> Result<Self, XdpError> {
        let interface = interface::find(choice)?;
        let filters = vec![Filter { target, source: None }];
        let share = Share { filters, settings: XdpSettings::default() };
        let (tap, _) =
            tap::open(&interface, &[share], BUSY_PATIENCE)?.pop().expect("one share, one tap");
        Ok(Self { tap })
    }

    /// Lends the oldest datagram of the first queue that has one; `None` if none has come.
    #[inline]
    pub fn receive<T>(&mut self, take: impl FnOnce(&[u8]) -> T) -> Option<T> {
        for queue in self.tap.queues_mut() {
            if !queue.has_known() && !queue.look() {
                continue;
            }
            let taken = queue.pop()?;
            // The program lets nothing else through.
            let found = queue
                .bytes(&taken)
                .and_then(|frame| datagram(LinkType::ETHERNET, frame).ok().flatten())
                .map(|found| take(found.payload));
            queue.give_back(&taken);
            return found;
        }
        None
    }
}
