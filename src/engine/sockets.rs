//! The sockets that a configuration names: opened on the cold side, before the stages run.
//!
//! Nothing here logs on: a gateway's port is a connection, and the session on it is made by the
//! venue's cold side. Called by the commands that trade, for each feed and gateway.

use crate::config::{Endpoint, Feed, FeedLine, Gateway};
use crate::port::pair::{PairError, PairPort};
use crate::port::tcp::{TcpError, TcpPort, TcpSettings};
use crate::port::udp::{LineSettings, MulticastPort, ReceiveSettings, UdpError};
use std::net::SocketAddrV4;
use std::time::Duration;
use xmc_hotpath::port::{Line, SendError, StreamPort, TxPort};
use xmc_hotpath::time::Clock;

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

/// Joins both lines of a feed.
///
/// # Errors
/// See `SocketError`.
pub fn feed_port<C: Clock>(feed: &Feed, clock: C) -> Result<MulticastPort<C>, SocketError> {
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
    MulticastPort::open(clock, &a, &b, &receive)
        .map_err(|source| SocketError::Feed { feed: name(), source })
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
            let pair = PairPort::new(requests.into(), connect(answers)?);
            let pair = pair.map_err(|source| SocketError::Requests { gateway: name(), source })?;
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
