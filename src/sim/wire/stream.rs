//! The gateway's end of a simulated connection: whole messages out, bytes in, in pieces of any
//! size.

use std::collections::VecDeque;

use xmc_hotpath::port::{SendError, StreamPort, TxPort};

/// A stream that a gateway stage owns and the simulator looks into between polls.
#[derive(Debug)]
pub struct SimStream {
    /// Messages that left and have not been taken by the simulator.
    sent: Vec<Vec<u8>>,
    /// Bytes that arrived and have not been read.
    arrived: VecDeque<u8>,
    /// Bytes ever read.
    read: u64,
    /// The most bytes that one read gives.
    pub piece: usize,
    /// So many sends find no room.
    pub busy: u32,
    /// The next send breaks in the middle of a message: no other can follow it, but what is on its
    /// way from the other side still arrives until the connection is closed.
    pub tears: bool,
    is_torn: bool,
    is_closed: bool,
}

impl SimStream {
    /// A connection that is up; a read gives at most `piece` bytes.
    pub fn new(piece: usize) -> Self {
        Self {
            sent: Vec::new(),
            arrived: VecDeque::new(),
            read: 0,
            piece: piece.max(1),
            busy: 0,
            tears: false,
            is_torn: false,
            is_closed: false,
        }
    }

    /// Messages that have left since the last call.
    pub fn take_sent(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.sent)
    }

    /// Bytes arrive.
    pub fn arrive(&mut self, bytes: &[u8]) {
        self.arrived.extend(bytes);
    }

    /// The other side is gone. What has arrived can still be read.
    pub fn close(&mut self) {
        self.is_closed = true;
    }

    /// Whether a send has broken.
    pub fn is_torn(&self) -> bool {
        self.is_torn
    }

    /// Whether the other side is gone.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Bytes ever read by the gateway.
    pub fn read_bytes(&self) -> u64 {
        self.read
    }
}

impl TxPort for SimStream {
    fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        if self.is_closed || self.is_torn {
            return Err(SendError::Closed);
        }
        if self.busy > 0 {
            self.busy -= 1;
            return Err(SendError::Busy);
        }
        if self.tears {
            self.is_torn = true;
            return Err(SendError::Torn);
        }
        self.sent.push(message.to_vec());
        Ok(())
    }
}

impl StreamPort for SimStream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SendError> {
        if self.arrived.is_empty() {
            return if self.is_closed { Err(SendError::Closed) } else { Ok(0) };
        }
        let len = self.arrived.len().min(buffer.len()).min(self.piece);
        for (slot, byte) in buffer.iter_mut().zip(self.arrived.drain(..len)) {
            *slot = byte;
        }
        self.read += len as u64;
        Ok(len)
    }
}
