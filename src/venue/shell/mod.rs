//! The thin shell of a simulated venue: the parts that join a sans-IO venue to sockets, a clock, a
//! file and a thread.
//!
//! A venue's own shell (`cme::simulated::shell`) holds its venue and the parts that it needs:
//! `Multicast` for the lines of its feed, a `StreamServer` for each port that clients connect to,
//! `port::pair::RequestSocket` for requests in datagrams, `venue::ledger::LedgerServer`, and a
//! `Memory` of what was told. It implements `Shell`; `run` gives it a thread that polls it.
//!
//! What whoever sends, floods, never reads or never speaks can do is bounded here and counted: it
//! costs them their connection and the venue nothing. Not here: protocols, and anything that
//! decides.

mod clock;
mod memory;
mod multicast;
mod streams;
mod thread;

pub use clock::VenueClock;
pub use memory::Memory;
pub use multicast::{Multicast, MulticastCounts};
pub use streams::{StreamCounts, StreamEvent, StreamLimits, StreamNo, StreamServer};
pub use thread::{Running, Shell, run};

use crate::port::pair::PairError;
use crate::port::tcp::TcpError;
use crate::port::udp::UdpError;
use crate::venue::store::StoreError;
use std::io;

/// Why a venue cannot be opened, or has ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// A line of its feed cannot be sent.
    #[error("{0}")]
    Line(#[from] UdpError),
    /// It cannot be connected to.
    #[error("{0}")]
    Stream(#[from] TcpError),
    /// It cannot be sent requests.
    #[error("{0}")]
    Requests(#[from] PairError),
    /// What has to be written down cannot be; then nobody is told of it.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// Its time begins later than now.
    #[error("the venue's time begins {0} s from now: set this host's clock, or another start")]
    NotBegun(u64),
    /// Its time began so long ago that its world cannot be caught up with.
    #[error(
        "the venue's time began {0} h ago, and at most {most} h are caught up with: move its store \
         away to start anew",
        most = clock::MOST_HOURS
    )]
    TooOld(u64),
    /// The system does not give what it needs.
    #[error("{what} was refused: {source}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// Its thread has panicked.
    #[error("the venue has failed: {0}")]
    Panicked(String),
}
