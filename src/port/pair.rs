//! A session whose requests leave as UDP datagrams and whose answers come over TCP, as Esunny's
//! DSTAR has it; and the socket on which a simulated counter takes the requests.
//!
//! A datagram that left may be lost on the way, and nobody says so: the session asks the counter
//! over TCP what it has seen. Nothing here sends a datagram again.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use socket2::SockRef;
use xmc_hotpath::counter::Counter;
use xmc_hotpath::port::{SendError, StreamPort, TxPort};

use super::tcp::{StreamCounters, TcpPort};
use super::xdp::send::{SendCounters, XdpSender};
use crate::counters::Placed;

/// The longest request that is taken: vendor's limit for several messages in one datagram.
pub const MAX_REQUEST_BYTES: usize = 1024;

/// Why requests cannot be sent or taken.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// No socket for requests.
    #[error(
        "requests to {address} cannot be sent: {source}; check the address, and that this host \
         may reach it"
    )]
    Connect {
        /// Where requests go.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The address cannot be bound.
    #[error("{address} cannot be bound: {source}; choose an address and port that are free")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// How requests leave.
#[derive(Debug)]
enum Way {
    Socket(UdpSocket),
    PastKernel(Box<XdpSender>),
}

/// Requests over UDP, answers over TCP.
///
/// An ICMP answer to an earlier request by a socket (nobody listens on that port) is told by the
/// next `send` as `Closed`; nothing of that message has left. Past the kernel nobody hears such
/// answers.
#[derive(Debug)]
pub struct PairPort {
    requests: Way,
    answers: TcpPort,
    is_down: bool,
}

impl PairPort {
    /// Requests go to `address`, answers come from `answers`.
    ///
    /// # Errors
    /// See `PairError`.
    pub fn new(address: SocketAddr, answers: TcpPort) -> Result<Self, PairError> {
        let connect = || {
            let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
            let socket = UdpSocket::bind(any)?;
            socket.set_nonblocking(true)?;
            socket.connect(address)?;
            Ok(socket)
        };
        let requests = connect().map_err(|source| PairError::Connect { address, source })?;
        Ok(Self { requests: Way::Socket(requests), answers, is_down: false })
    }

    /// Requests leave past the kernel, answers come from `answers`.
    #[must_use]
    pub fn past_kernel(requests: XdpSender, answers: TcpPort) -> Self {
        Self { requests: Way::PastKernel(Box::new(requests)), answers, is_down: false }
    }

    /// Goes on counting there.
    pub fn count_in(&mut self, answers: &Placed<StreamCounters>, requests: &Placed<SendCounters>) {
        self.answers.count_in(answers);
        if let Way::PastKernel(sender) = &mut self.requests {
            sender.count_in(requests);
        }
    }

    /// The stream of answers: logging on writes to it.
    pub fn answers_mut(&mut self) -> &mut TcpPort {
        &mut self.answers
    }
}

impl TxPort for PairPort {
    /// One datagram.
    #[inline]
    fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        if self.is_down || self.answers.is_down() {
            return Err(SendError::Closed);
        }
        let sent = match &mut self.requests {
            Way::Socket(socket) => {
                socket.send(message).map(drop).map_err(|error| super::unsent(&error))
            }
            Way::PastKernel(sender) => sender.send(message),
        };
        self.is_down = sent.is_err_and(|error| error != SendError::Busy);
        sent
    }
}

impl StreamPort for PairPort {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SendError> {
        self.answers.read(buffer)
    }

    /// On the stream of answers, where the session asks about its requests.
    fn send_on_stream(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.answers.send(message)
    }

    fn end(&mut self) {
        self.is_down = true;
        self.answers.end();
        // The next session needs its queue, while this port still waits to be taken away.
        if let Way::PastKernel(sender) = &mut self.requests {
            sender.close();
        }
    }
}

/// What a request socket refused.
#[derive(Debug, Default)]
pub struct RequestCounters {
    /// Datagrams longer than `MAX_REQUEST_BYTES`.
    pub oversize: Counter,
    /// Errors that the socket reported instead of a datagram.
    pub errors: Counter,
}

/// Where a simulated counter takes requests.
#[derive(Debug)]
pub struct RequestSocket {
    socket: UdpSocket,
    /// One byte more than is taken: a datagram that reaches it is too long.
    buffer: Box<[u8; MAX_REQUEST_BYTES + 1]>,
    counters: Arc<RequestCounters>,
}

impl RequestSocket {
    /// Asked of the kernel, which cuts it to `net.core.rmem_max`.
    const BUFFER_BYTES: usize = 4 << 20;

    /// Binds; port 0 takes any that is free.
    ///
    /// # Errors
    /// See `PairError`.
    pub fn open(address: SocketAddr) -> Result<Self, PairError> {
        let bind = || {
            let socket = UdpSocket::bind(address)?;
            socket.set_nonblocking(true)?;
            SockRef::from(&socket).set_recv_buffer_size(Self::BUFFER_BYTES)?;
            Ok(socket)
        };
        let socket = bind().map_err(|source| PairError::Bind { address, source })?;
        let buffer = Box::new([0; MAX_REQUEST_BYTES + 1]);
        Ok(Self { socket, buffer, counters: Arc::default() })
    }

    /// Where it is bound.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The counters, to be kept.
    #[must_use]
    pub fn counters(&self) -> Arc<RequestCounters> {
        Arc::clone(&self.counters)
    }

    /// The next request and who sent it; `None` if there is none just now, or one was refused.
    pub fn receive(&mut self) -> Option<(&[u8], SocketAddr)> {
        match self.socket.recv_from(&mut self.buffer[..]) {
            Ok((len, sender)) if len <= MAX_REQUEST_BYTES => {
                return Some((&self.buffer[..len], sender));
            }
            Ok(_) => self.counters.oversize.add(1),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => self.counters.errors.add(1),
        }
        None
    }
}

impl AsFd for RequestSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
