//! A port that clients connect to: numbered connections, bytes in and out of each.
//!
//! Nothing is lost between the venue and the kernel: what a client does not read at once waits
//! here, up to a bound beyond which the client is let go. There are so many places; when all are
//! taken, the oldest connection that nobody vouched for (`know`) makes room, so that a crowd of
//! strangers keeps out neither clients nor other strangers for long.

use crate::port::tcp::{Listener, TcpError, TcpPort, TcpSettings};
use socket2::SockRef;
use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr};
use xmc_hotpath::port::{SendError, StreamPort, TxPort};
use xmc_hotpath::time::{MonoNs, Span};

/// A connection's number; none is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamNo(pub u64);

/// What happened to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEvent<'a> {
    /// It is there.
    Opened(StreamNo),
    /// Bytes have come.
    Received(StreamNo, &'a [u8]),
    /// It is gone: nothing more comes, and nothing more can be sent.
    Gone(StreamNo),
}

/// What a port takes upon itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// Connections at a time.
    pub most: usize,
    /// Bytes that wait for one client to read.
    pub most_waiting_bytes: usize,
}

impl Default for StreamLimits {
    /// More clients than any simulated venue has sessions, and many thousand reports for each.
    fn default() -> Self {
        Self { most: 64, most_waiting_bytes: 4 << 20 }
    }
}

/// What happened at a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamCounts {
    /// Connections that came.
    pub opened: u64,
    /// Connections that were taken and closed at once: all places were taken by clients.
    pub refused: u64,
    /// Connections that were closed to make room.
    pub displaced: u64,
    /// Connections that were closed because they did not read.
    pub slow: u64,
    /// Bytes that came.
    pub received_bytes: u64,
    /// Bytes that left.
    pub sent_bytes: u64,
}

/// Connections that are taken in one poll.
const TAKEN_AT_ONCE: usize = 8;

/// Bytes that are read of a connection in one poll.
const READ_BYTES: usize = 16 << 10;

/// How long a connection that is ended may take to read the last words. Closing it while bytes of
/// the client are still unread would destroy them on their way.
const FAREWELL: Span = Span(1_000_000_000);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Closed when what waits has left.
    Ending,
    /// All has left and was closed with; what comes is thrown away until the client closes too, or
    /// this moment.
    Ended(MonoNs),
}

#[derive(Debug)]
struct Stream {
    port: TcpPort,
    waiting: Vec<u8>,
    state: State,
    /// A client.
    is_known: bool,
    /// It did not read.
    is_slow: bool,
}

/// The port.
#[derive(Debug)]
pub struct StreamServer {
    listener: Listener,
    limits: StreamLimits,
    message_bytes: usize,
    streams: BTreeMap<StreamNo, Stream>,
    next: u64,
    counts: StreamCounts,
    buffer: Box<[u8; READ_BYTES]>,
}

impl StreamServer {
    /// Listens; port 0 takes any that is free.
    ///
    /// # Errors
    /// See `TcpError`.
    pub fn open(address: SocketAddr, limits: StreamLimits) -> Result<Self, TcpError> {
        let settings = TcpSettings::default();
        Ok(Self {
            listener: Listener::open(address, settings)?,
            limits,
            message_bytes: settings.max_message_bytes,
            streams: BTreeMap::new(),
            next: 0,
            counts: StreamCounts::default(),
            buffer: Box::new([0; READ_BYTES]),
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.address()
    }

    /// What happened here.
    #[must_use]
    pub fn counts(&self) -> StreamCounts {
        self.counts
    }

    /// Connections that are open.
    #[must_use]
    pub fn numbers(&self) -> Vec<StreamNo> {
        let is_open = |stream: &Stream| stream.state == State::Open;
        self.streams.iter().filter(|(_, one)| is_open(one)).map(|(no, _)| *no).collect()
    }

    /// Takes connections, reads each once, and says whether anything happened.
    pub fn poll(&mut self, now: MonoNs, mut take: impl FnMut(StreamEvent<'_>)) -> bool {
        let mut is_busy = false;
        for _ in 0..TAKEN_AT_ONCE {
            let Some((port, _)) = self.listener.accept() else { break };
            is_busy = true;
            self.enter(port, &mut take);
        }
        let Self { streams, counts, buffer, .. } = self;
        streams.retain(|no, stream| {
            let is_open = stream.state == State::Open;
            if stream.is_slow {
                take(StreamEvent::Gone(*no));
                return false;
            }
            match stream.port.read(&mut buffer[..]) {
                Ok(0) => {}
                Ok(len) => {
                    is_busy = true;
                    counts.received_bytes += u64::try_from(len).unwrap_or(0);
                    if is_open {
                        take(StreamEvent::Received(*no, &buffer[..len]));
                    }
                }
                Err(_) => {
                    is_busy = true;
                    if is_open {
                        take(StreamEvent::Gone(*no));
                    }
                    return false;
                }
            }
            !matches!(stream.state, State::Ended(until) if until <= now)
        });
        is_busy
    }

    fn enter(&mut self, port: TcpPort, take: &mut impl FnMut(StreamEvent<'_>)) {
        if self.streams.len() >= self.limits.most {
            let stranger = self.streams.iter().find(|(_, stream)| !stream.is_known);
            let Some(no) = stranger.map(|(no, _)| *no) else {
                self.counts.refused += 1;
                return port.reset();
            };
            self.counts.displaced += 1;
            if let Some(stream) = self.streams.remove(&no) {
                if stream.state == State::Open {
                    take(StreamEvent::Gone(no));
                }
                stream.port.reset();
            }
        }
        let no = StreamNo(self.next);
        self.next += 1;
        self.counts.opened += 1;
        let (state, is_known, is_slow) = (State::Open, false, false);
        self.streams.insert(no, Stream { port, waiting: Vec::new(), state, is_known, is_slow });
        take(StreamEvent::Opened(no));
    }

    /// The connection is a client's, or is no longer.
    pub fn know(&mut self, no: StreamNo, is_known: bool) {
        if let Some(stream) = self.streams.get_mut(&no) {
            stream.is_known = is_known;
        }
    }

    /// Says something; `flush` sends it. What is said to a connection that is gone is lost with it.
    pub fn say(&mut self, no: StreamNo, bytes: &[u8]) {
        let Self { streams, limits, counts, .. } = self;
        let open = streams.get_mut(&no).filter(|stream| stream.state == State::Open);
        let Some(stream) = open.filter(|stream| !stream.is_slow) else { return };
        stream.waiting.extend_from_slice(bytes);
        if stream.waiting.len() > limits.most_waiting_bytes {
            stream.is_slow = true;
            counts.slow += 1;
        }
    }

    /// Bytes that were said and have not left.
    #[must_use]
    pub fn waiting_bytes(&self, no: StreamNo) -> usize {
        self.streams.get(&no).map_or(0, |stream| stream.waiting.len())
    }

    /// Closes a connection when all that was said has left. It is not told as gone.
    pub fn end(&mut self, no: StreamNo) {
        if let Some(stream) = self.streams.get_mut(&no)
            && stream.state == State::Open
        {
            (stream.state, stream.is_known) = (State::Ending, false);
        }
    }

    /// Sends what can be sent, and says whether anything was.
    pub fn flush(&mut self, now: MonoNs) -> bool {
        let mut is_busy = false;
        for stream in self.streams.values_mut() {
            let sent = stream.flush(self.message_bytes);
            self.counts.sent_bytes += u64::try_from(sent).unwrap_or(0);
            is_busy |= sent > 0;
            if stream.state == State::Ending && stream.is_flushed() {
                // Whoever is gone already needs no end.
                let _ = SockRef::from(&stream.port).shutdown(Shutdown::Write);
                stream.state = State::Ended(now.after(FAREWELL));
                is_busy = true;
            }
        }
        is_busy
    }

    /// Whether something still waits to be sent.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        let waits = |stream: &Stream| stream.state == State::Ending || !stream.waiting.is_empty();
        self.streams.values().any(|stream| !stream.is_slow && waits(stream))
    }
}

impl Stream {
    /// Bytes that were handed to the port. Errors show when it is read.
    fn flush(&mut self, message_bytes: usize) -> usize {
        let mut sent = 0;
        while sent < self.waiting.len() {
            let end = self.waiting.len().min(sent + message_bytes);
            match self.port.send(&self.waiting[sent..end]) {
                Ok(()) => sent = end,
                Err(SendError::Busy) => break,
                Err(SendError::Closed | SendError::Torn) => {
                    self.waiting.clear();
                    return sent;
                }
            }
        }
        self.waiting.drain(..sent);
        sent
    }

    /// Nothing waits, in the port neither.
    fn is_flushed(&mut self) -> bool {
        self.waiting.is_empty() && self.port.send(&[]) != Err(SendError::Busy)
    }
}
