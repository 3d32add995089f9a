//! Where packets come from and go to: the edge of the engine, behind the port traits of the hot
//! path (`xmc_hotpath::port`).
//!
//! Nothing here knows a venue's protocol. `udp` receives the two lines of a feed, and `xdp` does it
//! past the kernel's network stack; `tcp` carries an order session, `pair` one whose requests leave
//! as datagrams; `interface` finds the network interface that they are on, `membership` follows one
//! that is made again, `overflow` says what the kernel dropped. `capture` reads and writes capture
//! files, `datagram` finds the UDP payload in a captured or raw frame, `memory` lends datagrams
//! that are already here. `namespace` puts the two ends of a cable on one host.

pub mod capture;
pub mod datagram;
pub mod interface;
pub mod membership;
pub mod memory;
pub mod namespace;
pub mod overflow;
pub mod pair;
pub mod tcp;
pub mod udp;
pub mod xdp;

use std::io::{Error, ErrorKind};
use xmc_hotpath::port::SendError;

/// What a failed system call that sends says of a message of which nothing has left.
fn unsent(error: &Error) -> SendError {
    match error.kind() {
        // Out of buffers is a matter of time as well.
        ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::OutOfMemory => SendError::Busy,
        _ if error.raw_os_error() == Some(libc::ENOBUFS) => SendError::Busy,
        _ => SendError::Closed,
    }
}
