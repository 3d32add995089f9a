//! AF_XDP: frames that the driver puts into memory that this process shares, past the kernel's
//! network stack; and datagrams that leave the same way.
//!
//! A program that is assembled from the groups of all feeds on an interface (`program`) and loaded
//! with `bpf(2)` (`bpf`) looks at each of its frames first (`tap`). Exactly the datagrams of a feed
//! go into the rings of sockets (`queue`, `socket`, `rings`, `umem`) that its port polls
//! (`receive`), also after the interface was made again (`renewal`); all else goes to the kernel
//! as before: frames with VLAN tags, fragments, IP options, TCP, other groups, frames of more than
//! 1,792 bytes. What of that belongs
//! to the feed still arrives, by the ordinary sockets that have joined its groups. `send` is the
//! way out for datagrams; `requests` is how a simulated counter takes them. `host` says what all of
//! this needs and whether it is there.
//!
//! The program hangs on the interface by a link that the kernel takes away with the process,
//! whatever ends it. While it is there, nobody else on this host sees the feed's datagrams on that
//! interface: sockets of other processes stay empty, and captures too. What the cold side needs of
//! them the port copies (`copies`).
//!
//! Checksums of received frames are not verified. A card drops a frame whose frame check sequence
//! is wrong. A wrong checksum of IP or UDP it only marks, and the mark is not in the frame: the
//! kernel's own stack would drop such a datagram, this port does not. It could not tell one by
//! itself, because virtual interfaces leave checksums unfinished. Of two lines, a copy that differs
//! from the other is counted as divergent by the feed. Packets of more than one frame are not
//! received (`XDP_USE_SG`).
//!
//! Source of every fact about the kernel: Linux `Documentation/networking/af_xdp.rst`,
//! `linux/if_xdp.h`, `linux/bpf.h`, and `net/xdp` of 6.18 where the pages are silent.

pub mod bpf;
mod error;
mod ethtool;
pub mod frame;
pub mod host;
pub mod program;
mod queue;
pub mod receive;
pub mod renewal;
pub mod requests;
mod rings;
pub mod send;
pub mod socket;
mod tap;
mod umem;

pub use error::XdpError;

/// Where the program stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In the driver, before the kernel has made anything of the frame.
    Native,
    /// Behind the driver, on any interface.
    Generic,
}

impl Mode {
    /// How people call it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Generic => "generic",
        }
    }
}

/// Which mode is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModeChoice {
    /// Native, or generic with a warning.
    #[default]
    Best,
    /// This one or none.
    Only(Mode),
}
