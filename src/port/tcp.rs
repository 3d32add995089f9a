//! TCP: the stream of an order session, and the listener of a simulated venue.
//!
//! A message is one system call and, with `TCP_NODELAY`, one segment: venues penalise messages
//! that are split. When the kernel takes only a part, the port keeps the rest and sends it before
//! anything else, so messages never interleave. Nothing here reconnects, frames or times out
//! sessions: the cold side connects and logs on, the gateway stage polls. No threads: the listener
//! is polled as well.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use crate::counters::Placed;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use xmc_hotpath::counter::Counter;
use xmc_hotpath::counters;
use xmc_hotpath::port::{SendError, StreamPort, TxPort};

/// How a connection is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpSettings {
    /// The longest message that can be sent, in bytes: so much of one may have to wait.
    pub max_message_bytes: usize,
    /// `TCP_USER_TIMEOUT`: bytes that are not acknowledged for so long end the connection.
    pub user_timeout: Duration,
    /// Silence after which the kernel asks whether the other side is there.
    pub keepalive_idle: Duration,
    /// Time between two such questions.
    pub keepalive_interval: Duration,
    /// `SO_BUSY_POLL`: how long a read polls the network card, in µs; `None` leaves it alone.
    pub busy_poll_us: Option<u32>,
}

impl Default for TcpSettings {
    /// A dead peer is found within 5 s, the shortest interval that CME advises for its own
    /// keep-alive; messages of up to 64 KiB, the most that a frame's 16-bit length can say.
    fn default() -> Self {
        Self {
            max_message_bytes: 1 << 16,
            user_timeout: Duration::from_secs(5),
            keepalive_idle: Duration::from_secs(2),
            keepalive_interval: Duration::from_secs(1),
            busy_poll_us: None,
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum TcpError {
    /// Nobody there, or not reachable.
    #[error(
        "connection to {address} failed: {source}; check the address, and that this host may \
         reach it"
    )]
    Connect {
        /// The venue's address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on: {source}; choose an address and port that are free")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A socket cannot be made as it must be.
    #[error("{what} of the connection with {address} was refused: {source}")]
    Socket {
        /// What was asked for.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The option was taken and had no effect.
    #[error("the connection with {0} still gathers small messages: TCP_NODELAY had no effect")]
    Delays(SocketAddr),
}

counters! {
    /// What became of messages that did not leave at once.
    #[repr(align(128))]
    pub struct StreamCounters {
        /// Messages of which the kernel took only a part at first.
        pub short: Counter => Count "messages",
        /// Connections that ended before a message was out of which the kernel had a part.
        pub torn: Counter => Count "connections",
    }
}

/// The part of a message that waits.
#[derive(Debug)]
struct Kept {
    bytes: Box<[u8]>,
    first: usize,
    end: usize,
}

impl Kept {
    fn waiting(&self) -> &[u8] {
        &self.bytes[self.first..self.end]
    }

    fn is_empty(&self) -> bool {
        self.first == self.end
    }
}

/// One connection.
///
/// What `send` says is about its own message: `Ok` means that all of it has left or follows before
/// anything else; `Busy` and `Closed` that nothing of it has or will. A message that was taken and
/// cannot be finished because the connection ended is told by `read`: it ends with `Torn` instead
/// of `Closed`.
#[derive(Debug)]
pub struct TcpPort {
    stream: TcpStream,
    kept: Kept,
    /// Nothing more can be sent.
    is_down: bool,
    /// Nothing more can be read.
    is_read_out: bool,
    is_torn: bool,
    counters: Placed<StreamCounters>,
}

impl TcpPort {
    /// Connects, waiting at most `patience`. For the cold side.
    ///
    /// # Errors
    /// See `TcpError`.
    pub fn connect(
        address: SocketAddr,
        patience: Duration,
        settings: &TcpSettings,
    ) -> Result<Self, TcpError> {
        let stream = TcpStream::connect_timeout(&address, patience)
            .map_err(|source| TcpError::Connect { address, source })?;
        Self::new(stream, address, settings)
    }

    /// Takes over a connection.
    ///
    /// # Errors
    /// See `TcpError`.
    pub fn new(
        stream: TcpStream,
        address: SocketAddr,
        settings: &TcpSettings,
    ) -> Result<Self, TcpError> {
        let refused = |what| move |source| TcpError::Socket { what, address, source };
        stream.set_nonblocking(true).map_err(refused("non-blocking mode"))?;
        stream.set_nodelay(true).map_err(refused("TCP_NODELAY"))?;
        if !stream.nodelay().map_err(refused("TCP_NODELAY"))? {
            return Err(TcpError::Delays(address));
        }
        let socket = SockRef::from(&stream);
        let keepalive = TcpKeepalive::new()
            .with_time(settings.keepalive_idle)
            .with_interval(settings.keepalive_interval);
        socket.set_tcp_keepalive(&keepalive).map_err(refused("SO_KEEPALIVE"))?;
        socket
            .set_tcp_user_timeout(Some(settings.user_timeout))
            .map_err(refused("TCP_USER_TIMEOUT"))?;
        if let Some(us) = settings.busy_poll_us {
            socket.set_busy_poll(us).map_err(refused("SO_BUSY_POLL"))?;
        }
        let bytes = vec![0; settings.max_message_bytes].into_boxed_slice();
        Ok(Self {
            stream,
            kept: Kept { bytes, first: 0, end: 0 },
            is_down: false,
            is_read_out: false,
            is_torn: false,
            counters: Placed::default(),
        })
    }

    /// The counters, for the cold side to keep.
    #[must_use]
    pub fn counters(&self) -> Placed<StreamCounters> {
        self.counters.clone()
    }

    /// Goes on counting there.
    pub fn count_in(&mut self, counters: &Placed<StreamCounters>) {
        self.counters = self.counters.moved_to(counters);
    }

    /// Whether nothing more can be sent.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.is_down
    }

    /// Ends the connection at once, with a reset: what has not left is dropped.
    pub fn reset(self) {
        // Without the option the connection is closed in order, which ends it as well.
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }

    /// Keeps what the kernel did not take.
    #[cold]
    #[inline(never)]
    fn keep(&mut self, rest: &[u8]) {
        self.counters.short.add(1);
        self.kept.bytes[..rest.len()].copy_from_slice(rest);
        self.kept.first = 0;
        self.kept.end = rest.len();
    }

    /// Sends what waits; `Busy` while some of it still does.
    #[cold]
    #[inline(never)]
    fn finish(&mut self) -> Result<(), SendError> {
        match self.stream.write(self.kept.waiting()) {
            Ok(len) => self.kept.first += len,
            Err(error) => return Err(self.failed(&error)),
        }
        if self.kept.is_empty() { Ok(()) } else { Err(SendError::Busy) }
    }

    #[cold]
    #[inline(never)]
    fn failed(&mut self, error: &io::Error) -> SendError {
        let unsent = super::unsent(error);
        if unsent != SendError::Busy {
            self.lose();
        }
        unsent
    }

    #[cold]
    #[inline(never)]
    fn lose(&mut self) {
        self.is_down = true;
        if !self.kept.is_empty() {
            self.is_torn = true;
            self.counters.torn.add(1);
            self.kept.first = self.kept.end;
        }
    }

    /// The connection brings nothing more.
    #[cold]
    #[inline(never)]
    fn brings_no_more(&mut self) -> SendError {
        self.is_read_out = true;
        self.lose();
        if self.is_torn { SendError::Torn } else { SendError::Closed }
    }
}

impl AsFd for TcpPort {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl TxPort for TcpPort {
    /// A second system call is made only after a part of an earlier message had to wait.
    ///
    /// # Panics
    /// The message is longer than `TcpSettings::max_message_bytes`.
    #[inline]
    fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        assert!(message.len() <= self.kept.bytes.len(), "messages keep to the longest configured");
        if self.is_down {
            return Err(SendError::Closed);
        }
        if !self.kept.is_empty() {
            self.finish()?;
        }
        match self.stream.write(message) {
            Ok(len) if len == message.len() => Ok(()),
            Ok(len) => {
                self.keep(&message[len..]);
                Ok(())
            }
            Err(error) => Err(self.failed(&error)),
        }
    }
}

impl StreamPort for TcpPort {
    /// Also sends on what waits of a message.
    ///
    /// # Errors
    /// When everything that arrived has been read: `Torn` if part of a message could not leave,
    /// `Closed` otherwise.
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SendError> {
        if !self.kept.is_empty() {
            // Whatever came of it shows below, or in the next call.
            let _ = self.finish();
        }
        if self.is_read_out {
            return Err(self.brings_no_more());
        }
        if buffer.is_empty() {
            // A read of nothing looks like the end.
            return Ok(0);
        }
        match self.stream.read(buffer) {
            Ok(0) => Err(self.brings_no_more()),
            Ok(len) => Ok(len),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted if !self.is_down => Ok(0),
                _ => Err(self.brings_no_more()),
            },
        }
    }

    /// In order: what the kernel has taken is sent before the end.
    fn end(&mut self) {
        self.is_read_out = true;
        self.lose();
        // One that has ended already cannot end again.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// What a listener could not make a port of.
#[derive(Debug, Default)]
pub struct ListenerCounters {
    /// Connections that were gone, or for which there was no room, when they were taken.
    pub refused: Counter,
}

/// The listening side of a simulated venue.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    settings: TcpSettings,
    counters: Arc<ListenerCounters>,
}

impl Listener {
    /// Connections that may wait to be taken.
    const BACKLOG: i32 = 128;

    /// Listens; port 0 takes any that is free.
    ///
    /// # Errors
    /// See `TcpError`.
    pub fn open(address: SocketAddr, settings: TcpSettings) -> Result<Self, TcpError> {
        let listen = || {
            let socket =
                Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
            socket.set_nonblocking(true)?;
            // A venue that comes back takes its port again, though old connections linger.
            socket.set_reuse_address(true)?;
            socket.bind(&address.into())?;
            socket.listen(Self::BACKLOG)?;
            Ok(TcpListener::from(socket))
        };
        let listener = listen().map_err(|source| TcpError::Listen { address, source })?;
        Ok(Self { listener, settings, counters: Arc::default() })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The counters, to be kept.
    #[must_use]
    pub fn counters(&self) -> Arc<ListenerCounters> {
        Arc::clone(&self.counters)
    }

    /// The next connection that waits, with its peer's address; `None` if there is none just now.
    pub fn accept(&mut self) -> Option<(TcpPort, SocketAddr)> {
        let refused = match self.listener.accept() {
            Ok((stream, peer)) => match TcpPort::new(stream, peer, &self.settings) {
                Ok(port) => return Some((port, peer)),
                Err(_) => true,
            },
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        self.counters.refused.add(u64::from(refused));
        None
    }
}
