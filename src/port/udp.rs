//! UDP multicast: the two lines of a feed received by spinning, and the sender of a simulated
//! venue.
//!
//! Each line has a socket of its own, bound to its group and port and joined on a named interface;
//! `IP_MULTICAST_ALL` is off, so that what others on this host join elsewhere stays out. A receive
//! is one system call into one kept buffer: batches (`recvmmsg`) save 4 % per datagram and make the
//! first one wait longer, so they are not used. Stamps are the engine's own, taken when the call
//! returns. Nothing here knows what a datagram says, recovers anything, or asks the kernel for its
//! stamps. Opened by the cold side; polled by a feed stage.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use xmc_hotpath::counter::Counter;
use xmc_hotpath::counters;
use xmc_hotpath::feed::HELD_BYTES;
use xmc_hotpath::port::{Datagram, Line, RxPort, SendError, TxPort};
use xmc_hotpath::time::{Clock, MonoNs};

use super::interface::{self, Interface, InterfaceChoice, InterfaceError};
use super::membership::Membership;
use crate::counters::Placed;

/// The longest payload that is lent: what an arbiter can hold, and more than an Ethernet frame.
pub const MAX_PAYLOAD_BYTES: usize = HELD_BYTES;

/// Where a line is received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineSettings {
    /// Group and port.
    pub group: SocketAddrV4,
    /// The only sender that is listened to (a source-specific join); `None` for any.
    pub source: Option<Ipv4Addr>,
    /// Where its packets arrive.
    pub interface: InterfaceChoice,
}

/// How a line's socket receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveSettings {
    /// What waits while the core is elsewhere, in bytes as the kernel counts them (several hundred
    /// for a datagram of any size).
    pub buffer_bytes: usize,
    /// A smaller buffer is an error, not a warning.
    pub is_buffer_required: bool,
    /// `SO_BUSY_POLL`: how long a receive polls the network card, in µs; `None` leaves it alone.
    pub busy_poll_us: Option<u32>,
}

impl Default for ReceiveSettings {
    /// 4 MiB: at 512 bytes of the kernel's per small datagram, 80 ms of 100,000 packets a second.
    fn default() -> Self {
        Self { buffer_bytes: 4 << 20, is_buffer_required: false, busy_poll_us: None }
    }
}

/// Something that works, but less well than configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// The kernel gave less than was asked for.
    #[error(
        "the receive buffer of {group} is {granted} bytes, and {asked} were asked for: raise it \
         with `sysctl -w net.core.rmem_max={asked}`, or ask for less"
    )]
    ReceiveBuffer {
        /// Group and port.
        group: SocketAddrV4,
        /// Bytes asked for.
        asked: usize,
        /// Bytes that the kernel grants.
        granted: usize,
    },
    /// Nothing can arrive just now.
    #[error("{interface}, where {group} is joined, is down: nothing arrives before it is up")]
    Down {
        /// Group and port.
        group: SocketAddrV4,
        /// The interface.
        interface: Interface,
    },
    /// The kernel does not let this process poll the network card.
    #[error(
        "SO_BUSY_POLL of {us} µs was refused for {group}: run with CAP_NET_ADMIN, or leave it out"
    )]
    BusyPoll {
        /// Group and port.
        group: SocketAddrV4,
        /// What was asked for.
        us: u32,
    },
}

/// Why a line cannot be received or sent.
#[derive(Debug, thiserror::Error)]
pub enum UdpError {
    /// No such group.
    #[error("{0} is not a multicast group: write one in 224.0.0.0/4")]
    NotMulticast(SocketAddrV4),
    /// No such sender.
    #[error("{sender} sends nothing to {group}: write the unicast address of the one that does")]
    NotSender {
        /// Group and port.
        group: SocketAddrV4,
        /// The only sender that should be listened to.
        sender: Ipv4Addr,
    },
    /// No such interface.
    #[error("{group} has no interface to be on: {source}")]
    Interface {
        /// Group and port.
        group: SocketAddrV4,
        /// What is wrong with the interface.
        source: InterfaceError,
    },
    /// The interface has no address, and the kernel tells interfaces apart by it here.
    #[error("{interface} cannot be used for {group}: give it an IPv4 address, or choose another")]
    NoAddress {
        /// Group and port.
        group: SocketAddrV4,
        /// The interface.
        interface: Interface,
    },
    /// The port is taken.
    #[error(
        "{group} cannot be bound: {source}; end the process that holds the port without \
         SO_REUSEADDR, or receive elsewhere"
    )]
    Bind {
        /// Group and port.
        group: SocketAddrV4,
        /// What the system says.
        source: io::Error,
    },
    /// The group cannot be joined.
    #[error(
        "join of {group} on {interface} failed: {source}; choose another interface for this feed"
    )]
    Join {
        /// Group and port.
        group: SocketAddrV4,
        /// The interface.
        interface: Interface,
        /// What the system says.
        source: io::Error,
    },
    /// The receive buffer is too small, and the configuration insists.
    #[error("{0} (this feed requires it)")]
    ReceiveBuffer(Warning),
    /// A socket cannot be made as it must be.
    #[error("{what} of the socket for {group} was refused: {source}")]
    Socket {
        /// What was asked for.
        what: &'static str,
        /// Group and port.
        group: SocketAddrV4,
        /// What the system says.
        source: io::Error,
    },
}

/// Makes the error for a refused socket option.
fn refused(what: &'static str, group: SocketAddrV4) -> impl FnOnce(io::Error) -> UdpError {
    move |source| UdpError::Socket { what, group, source }
}

fn located(group: SocketAddrV4, choice: &InterfaceChoice) -> Result<Interface, UdpError> {
    if !group.ip().is_multicast() {
        return Err(UdpError::NotMulticast(group));
    }
    interface::find(choice).map_err(|source| UdpError::Interface { group, source })
}

/// A socket that has joined one group: one line of a feed, or of a recovery.
#[derive(Debug)]
pub struct JoinedSocket {
    /// Its membership is renewed by the cold side while a hot core receives.
    socket: Arc<UdpSocket>,
    line: Box<LineSettings>,
    interface: Interface,
    warnings: Box<[Warning]>,
}

impl JoinedSocket {
    /// Binds and joins.
    ///
    /// # Errors
    /// See `UdpError`.
    pub fn open(line: &LineSettings, receive: &ReceiveSettings) -> Result<Self, UdpError> {
        let group = line.group;
        let interface = located(group, &line.interface)?;
        if let Some(sender) = line.source
            && (sender.is_multicast() || sender.is_broadcast() || sender.is_unspecified())
        {
            return Err(UdpError::NotSender { group, sender });
        }
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))
            .map_err(refused("creation", group))?;
        socket.set_nonblocking(true).map_err(refused("non-blocking mode", group))?;
        // A second engine, a recovery or a capture may listen to the same group on this host.
        socket.set_reuse_address(true).map_err(refused("SO_REUSEADDR", group))?;
        socket.set_multicast_all_v4(false).map_err(refused("IP_MULTICAST_ALL=0", group))?;
        let mut warnings = Vec::new();
        if !interface.is_up {
            warnings.push(Warning::Down { group, interface: interface.clone() });
        }
        reserve(&socket, group, receive, &mut warnings)?;
        if let Some(us) = receive.busy_poll_us
            && socket.set_busy_poll(us).is_err()
        {
            warnings.push(Warning::BusyPoll { group, us });
        }
        socket.bind(&group.into()).map_err(|source| UdpError::Bind { group, source })?;
        join(&socket, group, line.source, &interface)?;
        let (socket, line) = (Arc::new(socket.into()), Box::new(line.clone()));
        Ok(Self { socket, line, interface, warnings: warnings.into() })
    }

    /// What works less well than configured.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Group and port.
    #[must_use]
    pub fn group(&self) -> SocketAddrV4 {
        self.line.group
    }

    /// The only sender that is listened to; `None` for any.
    #[must_use]
    pub fn source(&self) -> Option<Ipv4Addr> {
        self.line.source
    }

    /// How its interface was chosen.
    #[must_use]
    pub fn choice(&self) -> &InterfaceChoice {
        &self.line.interface
    }

    /// Where it was joined first.
    #[must_use]
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// What renews its membership when its interface is made again.
    #[must_use]
    pub fn membership(&self) -> Membership {
        Membership::of(&self.socket, self.line.group, self.line.source, self.interface.index)
    }

    /// The next datagram's length, or that there is none, or an error of the socket, which is
    /// reported once. One that is longer than `buffer` fills it and loses the rest.
    ///
    /// # Errors
    /// `WouldBlock` if there is none.
    #[inline]
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.recv(buffer)
    }
}

impl AsFd for JoinedSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Asks for a receive buffer and looks what came of it: the kernel cuts it silently.
fn reserve(
    socket: &Socket,
    group: SocketAddrV4,
    receive: &ReceiveSettings,
    warnings: &mut Vec<Warning>,
) -> Result<(), UdpError> {
    let asked = receive.buffer_bytes;
    socket.set_recv_buffer_size(asked).map_err(refused("SO_RCVBUF", group))?;
    // The kernel doubles what it is given, for its own book-keeping (socket(7)).
    let granted = socket.recv_buffer_size().map_err(refused("SO_RCVBUF", group))? / 2;
    if granted >= asked {
        return Ok(());
    }
    let warning = Warning::ReceiveBuffer { group, asked, granted };
    if receive.is_buffer_required {
        return Err(UdpError::ReceiveBuffer(warning));
    }
    warnings.push(warning);
    Ok(())
}

/// Joins a group, from one sender or any.
pub(super) fn join(
    socket: &Socket,
    group: SocketAddrV4,
    source: Option<Ipv4Addr>,
    interface: &Interface,
) -> Result<(), UdpError> {
    let joined = match source {
        None => {
            let index = InterfaceIndexOrAddress::Index(interface.index);
            socket.join_multicast_v4_n(group.ip(), &index)
        }
        Some(source) => {
            let interface = interface.clone();
            let Some(address) = interface.address else {
                return Err(UdpError::NoAddress { group, interface });
            };
            socket.join_ssm_v4(&source, group.ip(), &address)
        }
    };
    joined.map_err(|source| UdpError::Join { group, interface: interface.clone(), source })
}

counters! {
    /// What a line's socket could not deliver. What it delivered is counted by the feed.
    pub struct SocketCounters {
        /// Datagrams that are longer than what is lent, refused whole: truncated.
        pub oversize: Counter => Count "packets",
        /// Errors that the socket reported instead of a datagram.
        pub errors: Counter => Count "errors",
    }
}

counters! {
    /// What both lines' sockets could not deliver: written by the core that polls the port.
    #[repr(align(128))]
    pub struct MulticastCounters {
        /// Line A, then line B.
        lines: [SocketCounters; 2],
    }
}

impl MulticastCounters {
    /// The counters of one line.
    #[must_use]
    pub fn line(&self, line: Line) -> &SocketCounters {
        let [a, b] = &self.lines;
        match line {
            Line::A => a,
            Line::B => b,
        }
    }

    /// Datagrams of both lines that were too long.
    #[must_use]
    pub fn oversize(&self) -> u64 {
        Line::BOTH.map(|line| self.line(line).oversize.get()).iter().sum()
    }
}

/// The datagram that is lent.
#[derive(Clone, Copy, Debug)]
struct Lent {
    line: Line,
    len: usize,
    received: MonoNs,
}

/// Both lines of a feed.
#[derive(Debug)]
pub struct MulticastPort<C> {
    clock: C,
    sockets: [JoinedSocket; 2],
    /// One byte more than is lent: a datagram that reaches it is too long.
    buffer: Box<[u8; MAX_PAYLOAD_BYTES + 1]>,
    lent: Option<Lent>,
    /// The line that is looked at first.
    turn: Line,
    counters: Placed<MulticastCounters>,
}

impl<C: Clock> MulticastPort<C> {
    /// Joins line A and line B.
    ///
    /// # Errors
    /// See `UdpError`.
    pub fn open(
        clock: C,
        line_a: &LineSettings,
        line_b: &LineSettings,
        receive: &ReceiveSettings,
    ) -> Result<Self, UdpError> {
        let sockets = [JoinedSocket::open(line_a, receive)?, JoinedSocket::open(line_b, receive)?];
        Ok(Self {
            clock,
            sockets,
            buffer: Box::new([0; MAX_PAYLOAD_BYTES + 1]),
            lent: None,
            turn: Line::A,
            counters: Placed::default(),
        })
    }

    /// What works less well than configured.
    pub fn warnings(&self) -> impl Iterator<Item = &Warning> {
        self.sockets.iter().flat_map(|socket| socket.warnings())
    }

    /// The socket of one line, to be looked at.
    #[must_use]
    pub fn line(&self, line: Line) -> &JoinedSocket {
        let [a, b] = &self.sockets;
        match line {
            Line::A => a,
            Line::B => b,
        }
    }

    /// The counters, for the cold side to keep.
    #[must_use]
    pub fn counters(&self) -> Placed<MulticastCounters> {
        self.counters.clone()
    }

    /// Goes on counting there.
    pub fn count_in(&mut self, counters: &Placed<MulticastCounters>) {
        self.counters = self.counters.moved_to(counters);
    }

    /// Looks at each line once, the one that did not deliver last first, so that a flood on one
    /// line does not keep the other waiting.
    #[inline]
    fn receive(&mut self) -> Option<Lent> {
        for _ in Line::BOTH {
            let line = self.turn;
            let [a, b] = &self.sockets;
            let (socket, other) = match line {
                Line::A => (a, Line::B),
                Line::B => (b, Line::A),
            };
            self.turn = other;
            match socket.receive(&mut self.buffer[..]) {
                Ok(len) if len <= MAX_PAYLOAD_BYTES => {
                    return Some(Lent { line, len, received: self.clock.now() });
                }
                Ok(_) => self.counters.line(line).oversize.add(1),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => self.counters.line(line).errors.add(1),
            }
        }
        None
    }
}

impl<C: Clock> RxPort for MulticastPort<C> {
    #[inline]
    fn peek(&mut self) -> Option<Datagram<'_>> {
        if self.lent.is_none() {
            self.lent = self.receive();
        }
        let Lent { line, len, received } = self.lent?;
        Some(Datagram { payload: &self.buffer[..len], received, line })
    }

    #[inline]
    fn release(&mut self) {
        assert!(self.lent.take().is_some(), "only a datagram that was lent is released");
    }
}

/// How far a sender's packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// They stay on this host, whatever the interface: TTL 0.
    Host,
    /// To the hosts on the interface's link: TTL 1.
    Link,
}

/// Sends the packets of one line: simulated venues and tests. Hosts hear what they send themselves.
#[derive(Debug)]
pub struct MulticastSender {
    socket: UdpSocket,
}

impl MulticastSender {
    /// A sender to `group` on an interface.
    ///
    /// # Errors
    /// See `UdpError`.
    pub fn open(
        group: SocketAddrV4,
        choice: &InterfaceChoice,
        reach: Reach,
    ) -> Result<Self, UdpError> {
        let interface = located(group, choice)?;
        let Some(address) = interface.address else {
            return Err(UdpError::NoAddress { group, interface });
        };
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))
            .map_err(refused("creation", group))?;
        socket.set_nonblocking(true).map_err(refused("non-blocking mode", group))?;
        socket.set_multicast_if_v4(&address).map_err(refused("IP_MULTICAST_IF", group))?;
        socket.set_multicast_loop_v4(true).map_err(refused("IP_MULTICAST_LOOP", group))?;
        let ttl = match reach {
            Reach::Host => 0,
            Reach::Link => 1,
        };
        socket.set_multicast_ttl_v4(ttl).map_err(refused("IP_MULTICAST_TTL", group))?;
        socket.connect(&group.into()).map_err(refused("connection", group))?;
        Ok(Self { socket: socket.into() })
    }
}

impl TxPort for MulticastSender {
    /// Sends one datagram.
    ///
    /// # Errors
    /// `Busy` if the kernel has no room; `Closed` if the interface is gone.
    #[inline]
    fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.socket.send(message).map(drop).map_err(|error| super::unsent(&error))
    }
}
