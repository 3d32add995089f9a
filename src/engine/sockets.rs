//! The sockets that a configuration names: opened on the cold side, before the stages run.
//!
//! Nothing here logs on: a gateway's port is a connection, and the session on it is made by the
//! venue's cold side. Called by the commands that trade, for each feed and gateway.

use super::counters::{FeedPortCounters, GatewayPortCounters, KernelCounters};
use crate::config::{Endpoint, Feed, FeedLine, Gateway, PortChoice, RequestPort};
use crate::port::membership::Membership;
use crate::port::overflow::Overflow;
use crate::port::pair::{PairError, PairPort};
use crate::port::tcp::{TcpError, TcpPort, TcpSettings};
use crate::port::udp::{LineSettings, MulticastPort, ReceiveSettings, UdpError};
use crate::port::xdp::XdpError;
use crate::port::xdp::receive::{self, XdpPort, XdpSettings, XdpWarning};
use crate::port::xdp::renewal::Renewal;
use crate::port::xdp::send::XdpSender;
use crate::port::xdp::socket::DropWatch;
use std::net::SocketAddrV4;
use std::time::Duration;
use xmc_hotpath::port::copies::CopyReceiver;
use xmc_hotpath::port::{Datagram, Line, RxPort, SendError, StreamPort, TxPort};
use xmc_hotpath::time::Clock;

/// The transmit queue by which requests leave past the kernel.
const REQUEST_QUEUE: u32 = 0;

/// Why a port of the configuration cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Nobody knows where the line's packets arrive.
    #[error(
        "line {} of feed {feed} names no interface: add interface = \"eth0\" (or its address) to \
         its group and port",
        line.letter()
    )]
    NoInterface {
        /// Which feed.
        feed: String,
        /// Which line.
        line: Line,
    },
    /// A line cannot be received.
    #[error("feed {feed}: {source}")]
    Feed {
        /// Which feed.
        feed: String,
        /// What is wrong.
        source: UdpError,
    },
    /// A feed cannot be received, or requests cannot leave, past the kernel.
    #[error("{end}: {source}")]
    Xdp {
        /// Which feed or gateway.
        end: String,
        /// What is wrong.
        source: XdpError,
    },
    /// The gateway trades within this process.
    #[error("gateway {0} trades on paper: it has no connection to open")]
    Paper(String),
    /// There is no connection.
    #[error("gateway {gateway}: {source}")]
    Stream {
        /// Which gateway.
        gateway: String,
        /// What is wrong.
        source: TcpError,
    },
    /// There is no way for requests.
    #[error("gateway {gateway}: {source}")]
    Requests {
        /// Which gateway.
        gateway: String,
        /// What is wrong.
        source: PairError,
    },
}

/// The port of a feed.
#[derive(Debug)]
pub enum FeedPort<C> {
    /// Ordinary sockets.
    Socket(MulticastPort<C>),
    /// AF_XDP, once it is attached.
    Xdp(Box<XdpPort<C>>),
}

impl<C: Clock> FeedPort<C> {
    /// The ordinary sockets, which every feed has: they keep the memberships.
    pub fn sockets(&self) -> &MulticastPort<C> {
        match self {
            Self::Socket(sockets) => sockets,
            Self::Xdp(port) => port.sockets(),
        }
    }

    /// Takes the frames of `feed` away from the kernel, if it is received so, and is alone on its
    /// interfaces. From then on no other socket of this host hears the feed.
    ///
    /// # Errors
    /// See `SocketError`.
    pub fn attach(&mut self, feed: &Feed) -> Result<(), SocketError> {
        let Self::Xdp(port) = self else { return Ok(()) };
        let end = || format!("feed {}", feed.name.value);
        port.attach().map_err(|source| SocketError::Xdp { end: end(), source })
    }

    /// What opens its interfaces past the kernel again, if it is received so: for the cold side,
    /// once, after it was attached.
    pub fn renewal(&mut self) -> Option<Renewal> {
        match self {
            Self::Socket(_) => None,
            Self::Xdp(port) => Some(port.renewal()),
        }
    }

    /// Goes on counting there.
    pub fn count_in(&mut self, counters: &FeedPortCounters) {
        match self {
            Self::Socket(sockets) => sockets.count_in(&counters.sockets),
            Self::Xdp(port) => port.count_in(&counters.xdp, &counters.sockets),
        }
    }

    /// What the kernel counts of its sockets, for the cold side to ask. The port is attached, if
    /// it is to be.
    pub fn kernel_watch(&self) -> KernelWatch {
        let sockets = self.sockets();
        KernelWatch {
            lines: Line::BOTH.map(|line| Overflow::of(sockets.line(line)).ok()),
            xdp: match self {
                Self::Socket(_) => None,
                Self::Xdp(port) => Some(port.drop_watch()),
            },
        }
    }

    /// The memberships of both lines, to be renewed while a hot core polls the port.
    pub fn memberships(&self) -> [Membership; 2] {
        Line::BOTH.map(|line| self.sockets().line(line).membership())
    }

    /// What works less well than configured.
    pub fn warnings(&self) -> Vec<XdpWarning> {
        match self {
            Self::Socket(port) => port.warnings().cloned().map(XdpWarning::Socket).collect(),
            Self::Xdp(port) => port.warnings().cloned().collect(),
        }
    }
}

impl<C: Clock> RxPort for FeedPort<C> {
    #[inline]
    fn peek(&mut self) -> Option<Datagram<'_>> {
        match self {
            Self::Socket(port) => port.peek(),
            Self::Xdp(port) => port.peek(),
        }
    }

    #[inline]
    fn release(&mut self) {
        match self {
            Self::Socket(port) => port.release(),
            Self::Xdp(port) => port.release(),
        }
    }

    fn take_copies(&mut self) -> Option<CopyReceiver> {
        match self {
            Self::Socket(port) => port.take_copies(),
            Self::Xdp(port) => port.take_copies(),
        }
    }
}

/// Asks the kernel what it has dropped of a feed: for the cold side, while a hot core polls.
#[derive(Debug)]
pub struct KernelWatch {
    lines: [Option<Overflow>; 2],
    xdp: Option<DropWatch>,
}

impl KernelWatch {
    /// Asks, and shows it. What the kernel does not tell stays as it was.
    pub fn ask(&self, counters: &KernelCounters) {
        for (line, shown) in self.lines.iter().zip(&counters.lines) {
            if let Some(Ok(Some(dropped))) = line.map(Overflow::dropped) {
                shown.overflow.set(dropped);
            }
        }
        if let Some(Ok(Some(drops))) = self.xdp.as_ref().map(DropWatch::drops) {
            counters.xdp_dropped.set(drops.dropped);
            counters.xdp_ring_full.set(drops.ring_full);
            counters.xdp_no_frame.set(drops.no_frame);
        }
    }
}

/// Joins both lines of a feed. One that is received past the kernel has everything ready for
/// `FeedPort::attach`, and is received by its sockets until then.
///
/// # Errors
/// See `SocketError`.
pub fn feed_port<C: Clock + Clone>(feed: &Feed, clock: C) -> Result<FeedPort<C>, SocketError> {
    let name = || feed.name.value.clone();
    let settings = |of: &FeedLine, line| match &of.interface {
        Some(interface) => {
            Ok(LineSettings { group: of.group, source: of.source, interface: interface.clone() })
        }
        None => Err(SocketError::NoInterface { feed: name(), line }),
    };
    let (a, b) = (settings(&feed.line_a, Line::A)?, settings(&feed.line_b, Line::B)?);
    let receive = ReceiveSettings {
        buffer_bytes: feed.receive_buffer_bytes,
        is_buffer_required: false,
        busy_poll_us: feed.busy_poll_us,
    };
    let sockets = MulticastPort::open(clock.clone(), &a, &b, &receive)
        .map_err(|source| SocketError::Feed { feed: name(), source })?;
    let PortChoice::Xdp(mode) = feed.port.value else { return Ok(FeedPort::Socket(sockets)) };
    let settings = XdpSettings {
        mode,
        buffer_bytes: feed.receive_buffer_bytes,
        busy_poll_us: feed.busy_poll_us,
    };
    let port = XdpPort::open(clock, sockets, settings)
        .map_err(|source| SocketError::Xdp { end: format!("feed {}", name()), source })?;
    Ok(FeedPort::Xdp(Box::new(port)))
}

/// Takes the frames of all `feeds` away from the kernel that are received so: those on one
/// interface together. From then on no other socket of this host hears them.
///
/// # Errors
/// See `SocketError`.
pub fn attach<C: Clock>(feeds: &[Feed], ports: &mut [FeedPort<C>]) -> Result<(), SocketError> {
    let past_kernel = feeds.iter().zip(ports).filter_map(|(feed, port)| match port {
        FeedPort::Socket(_) => None,
        FeedPort::Xdp(port) => Some((feed, &mut **port)),
    });
    let (feeds, mut ports): (Vec<_>, Vec<_>) = past_kernel.unzip();
    receive::attach(&mut ports).map_err(|(at, source)| SocketError::Xdp {
        end: format!("feed {}", feeds[at].name.value),
        source,
    })
}

/// The port of a gateway that leads out of this process.
#[derive(Debug)]
pub enum GatewayPort {
    /// One TCP connection for everything.
    Stream(TcpPort),
    /// Requests over UDP, answers over TCP.
    Pair(PairPort),
}

impl GatewayPort {
    /// Goes on counting there.
    pub fn count_in(&mut self, counters: &GatewayPortCounters) {
        match self {
            Self::Stream(stream) => stream.count_in(&counters.stream),
            Self::Pair(pair) => pair.count_in(&counters.stream, &counters.xdp),
        }
    }

    /// The TCP connection: what logging on reads and writes.
    pub fn stream_mut(&mut self) -> &mut TcpPort {
        match self {
            Self::Stream(stream) => stream,
            Self::Pair(pair) => pair.answers_mut(),
        }
    }
}

/// Connects a gateway, waiting at most `patience`.
///
/// # Errors
/// See `SocketError`.
pub fn gateway_port(gateway: &Gateway, patience: Duration) -> Result<GatewayPort, SocketError> {
    connected(gateway, gateway.endpoint, patience)
}

/// Connects a gateway at its backup address, or where it always is if it has none.
///
/// # Errors
/// See `SocketError`.
pub fn backup_port(gateway: &Gateway, patience: Duration) -> Result<GatewayPort, SocketError> {
    let backup = gateway.backup.map(Endpoint::Stream);
    connected(gateway, backup.or(gateway.endpoint), patience)
}

/// Connects a gateway at another address of its exchange.
///
/// # Errors
/// See `SocketError`.
pub fn port_at(
    gateway: &Gateway,
    address: SocketAddrV4,
    patience: Duration,
) -> Result<GatewayPort, SocketError> {
    connected(gateway, Some(Endpoint::Stream(address)), patience)
}

fn connected(
    gateway: &Gateway,
    endpoint: Option<Endpoint>,
    patience: Duration,
) -> Result<GatewayPort, SocketError> {
    let name = || gateway.name.value.clone();
    let connect = |address: SocketAddrV4| {
        TcpPort::connect(address.into(), patience, &TcpSettings::default())
            .map_err(|source| SocketError::Stream { gateway: name(), source })
    };
    match endpoint {
        None => Err(SocketError::Paper(name())),
        Some(Endpoint::Stream(address)) => Ok(GatewayPort::Stream(connect(address)?)),
        Some(Endpoint::Pair { requests, answers }) => {
            // First, because then the kernel knows the neighbour that both go by.
            let answers = connect(answers)?;
            let pair = match &gateway.request_port {
                RequestPort::Socket => PairPort::new(requests.into(), answers)
                    .map_err(|source| SocketError::Requests { gateway: name(), source })?,
                RequestPort::Xdp(interface) => {
                    let end = || format!("gateway {}", name());
                    let sender = XdpSender::open(requests, interface, REQUEST_QUEUE)
                        .map_err(|source| SocketError::Xdp { end: end(), source })?;
                    PairPort::past_kernel(sender, answers)
                }
            };
            Ok(GatewayPort::Pair(pair))
        }
    }
}

impl TxPort for GatewayPort {
    #[inline]
    fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        match self {
            Self::Stream(stream) => stream.send(message),
            Self::Pair(pair) => pair.send(message),
        }
    }
}

impl StreamPort for GatewayPort {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SendError> {
        match self {
            Self::Stream(stream) => stream.read(buffer),
            Self::Pair(pair) => pair.read(buffer),
        }
    }

    fn send_on_stream(&mut self, message: &[u8]) -> Result<(), SendError> {
        match self {
            Self::Stream(stream) => stream.send_on_stream(message),
            Self::Pair(pair) => pair.send_on_stream(message),
        }
    }

    fn end(&mut self) {
        match self {
            Self::Stream(stream) => stream.end(),
            Self::Pair(pair) => pair.end(),
        }
    }
}
