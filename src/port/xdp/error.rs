//! Why AF_XDP cannot be used, and what to do.

use super::{Mode, host};
use crate::port::interface::InterfaceError;
use std::io;

/// Why an AF_XDP port cannot be opened. The next best port is always the ordinary socket.
#[derive(Debug, thiserror::Error)]
pub enum XdpError {
    /// No such interface.
    #[error(transparent)]
    Interface(#[from] InterfaceError),
    /// The process may not.
    #[error(
        "{what} was refused: {missing}; run as root or with `setcap \
         cap_net_raw,cap_net_admin,cap_bpf+ep` on the program, or write port = \"socket\", the \
         next best"
    )]
    Capability {
        /// What was asked for.
        what: &'static str,
        /// What is missing.
        missing: String,
    },
    /// The kernel cannot.
    #[error(
        "{what} is not known to this kernel ({source}): AF_XDP needs Linux {} or later with \
         CONFIG_XDP_SOCKETS and CONFIG_BPF_SYSCALL; or write port = \"socket\", the next best",
        host::KERNEL
    )]
    Kernel {
        /// What was asked for.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The memory that is shared with the driver counts as locked.
    #[error(
        "{bytes} bytes of frames are more than this process may lock: raise `ulimit -l` \
         (LimitMEMLOCK), add CAP_IPC_LOCK, or ask for less by receive_buffer_bytes"
    )]
    LockedMemory {
        /// Bytes of frames.
        bytes: u64,
    },
    /// The verifier refuses the program: a fault in it.
    #[error("the kernel refuses the program that divides the frames: {reason}")]
    Program {
        /// The end of what the verifier says.
        reason: String,
    },
    /// More groups than a program can hold.
    #[error("{count} groups are more than the {most} that one interface's program can hold")]
    TooManyFilters {
        /// Groups.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// Feeds that share an interface share its program.
    #[error(
        "feeds on {interface} ask for different modes: write the same xdp_mode for all of them, or \
         port = \"socket\" for some"
    )]
    Modes {
        /// The interface.
        interface: String,
    },
    /// A frame goes to one socket.
    #[error(
        "two feeds on {interface} want what is sent to {target}: past the kernel only one can have \
         it; write port = \"socket\" for both"
    )]
    SameGroup {
        /// The interface.
        interface: String,
        /// Group and port.
        target: std::net::SocketAddrV4,
    },
    /// Another program is there.
    #[error(
        "{interface} has an XDP program already (`ip link show {interface}`): take it away, or \
         receive this feed by port = \"socket\""
    )]
    Occupied {
        /// The interface.
        interface: String,
    },
    /// The driver does not take the program.
    #[error(
        "{interface} does not take an XDP program in {} mode ({source}): write {}port = \
         \"socket\"",
        mode.word(),
        if *mode == Mode::Native { "xdp_mode = \"generic\", or " } else { "" }
    )]
    Attach {
        /// The interface.
        interface: String,
        /// The mode.
        mode: Mode,
        /// What the system says.
        source: io::Error,
    },
    /// Somebody else has the queue.
    #[error(
        "queue {queue} of {interface} belongs to another AF_XDP socket: end the process that has \
         it, or receive by port = \"socket\""
    )]
    Taken {
        /// The interface.
        interface: String,
        /// The queue.
        queue: u32,
    },
    /// The socket cannot be bound to the queue.
    #[error(
        "queue {queue} of {interface} cannot be bound ({source}): check that the interface is \
         there and has this queue (`ethtool -l {interface}`), or receive by port = \"socket\""
    )]
    Bind {
        /// The interface.
        interface: String,
        /// The queue.
        queue: u32,
        /// What the system says.
        source: io::Error,
    },
    /// A link address is not known.
    #[error(
        "nobody has told the link address of {next} on {interface}: check that it is up (`ping \
         {next}`), or send by a socket"
    )]
    NoNeighbour {
        /// The next host on the way.
        next: std::net::Ipv4Addr,
        /// The interface.
        interface: String,
    },
    /// Something else.
    #[error("{what} failed: {source}; port = \"socket\" is the next best")]
    System {
        /// What was asked for.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

/// Makes the error of a system call that was to do `what`.
pub(super) fn refused(what: &'static str) -> impl Fn(io::Error) -> XdpError {
    move |source| match source.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => XdpError::Capability { what, missing: host::missing() },
        Some(libc::EAFNOSUPPORT | libc::ENOSYS | libc::ENOPROTOOPT | libc::EPROTONOSUPPORT) => {
            XdpError::Kernel { what, source }
        }
        _ => XdpError::System { what, source },
    }
}
