//! Ports: where bytes come in and go out. Sockets, AF_XDP, capture files and the simulator
//! implement these two traits on the cold side; stages know nothing else of the outside.

pub mod copies;
pub mod xdp;

use crate::time::MonoNs;
use copies::CopyReceiver;

/// A line of a feed: the same packets are sent on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Line {
    /// Line A.
    A,
    /// Line B.
    B,
}

impl Line {
    /// Both lines.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// Its letter.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::A => 'A',
            Self::B => 'B',
        }
    }
}

/// One datagram, lent by the port until `RxPort::release`.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// The UDP payload.
    pub payload: &'a [u8],
    /// When it was received.
    pub received: MonoNs,
    /// On which line.
    pub line: Line,
}

/// Where datagrams come from.
pub trait RxPort {
    /// The next datagram, or `None` if there is none just now. The same one is lent again until it
    /// is released.
    fn peek(&mut self) -> Option<Datagram<'_>>;

    /// Gives the datagram back.
    fn release(&mut self);

    /// Begins to copy what it lends, and says where copies come: for the cold side, once, before
    /// the port is polled. `None` from a port whose datagrams other sockets of this host hear too.
    fn take_copies(&mut self) -> Option<CopyReceiver> {
        None
    }
}

/// Why bytes did not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The port has no room now; nothing was sent.
    Busy,
    /// The other side is gone; nothing was sent.
    Closed,
    /// Part of the message left and the rest did not: the session cannot go on.
    Torn,
}

/// Where messages leave. One call is one message and at most one system call.
pub trait TxPort {
    /// Sends all of `message`, or says why not.
    ///
    /// # Errors
    /// See `SendError`.
    fn send(&mut self, message: &[u8]) -> Result<(), SendError>;
}

/// Where an ordered stream of bytes comes from (an order session over TCP).
///
/// Requests leave by `send`, which may be another way than the stream (datagrams to a counter).
pub trait StreamPort: TxPort {
    /// Copies bytes that have arrived into `buffer` and says how many; 0 if there are none.
    ///
    /// # Errors
    /// `Closed` if the other side is gone and everything it sent has been read.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SendError>;

    /// Sends `message` on the stream that is read. A port with one way out needs no own.
    ///
    /// # Errors
    /// See `SendError`.
    fn send_on_stream(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.send(message)
    }

    /// Ends the connection: what has been taken still leaves if it can, nothing more is read.
    fn end(&mut self) {}
}
