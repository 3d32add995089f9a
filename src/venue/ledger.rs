//! The ledgers of a simulated venue over TCP: a server that its shell polls, and a client that
//! asks and waits.
//!
//! What is asked and answered is `sim::exchange::query`. Anybody who can reach the port may ask:
//! these are books of made-up money.

use crate::port::tcp::{Listener, ListenerCounters, TcpError, TcpPort, TcpSettings};
use crate::sim::exchange::Exchange;
use crate::sim::exchange::query::{
    Answer, FILLS_PER_ANSWER, FillRow, OrderRow, PositionRow, Requests, StatementRow,
};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use xmc_hotpath::message::AccountId;
use xmc_hotpath::port::{SendError, StreamPort, TxPort};

/// Connections at a time; for one more, the one that has been silent for longest is closed.
const MOST_CONNECTIONS: usize = 32;

/// Longer than the longest answer: 1,000 fills of some 400 bytes.
const LONGEST_ANSWER_BYTES: usize = 1 << 20;

/// Answers that wait on one connection: who asks without reading is let go.
const MOST_WAITING_BYTES: usize = 4 << 20;

/// Connections that are taken in one poll.
const TAKEN_AT_ONCE: usize = 8;

/// Bytes that are read at once.
const READ_BYTES: usize = 4_096;

/// One who asks.
#[derive(Debug)]
struct Asker {
    port: TcpPort,
    requests: Requests,
    waiting: Vec<u8>,
    /// Nothing more is read; what waits is sent.
    is_ending: bool,
    /// In this poll.
    has_asked: bool,
}

/// What happened at a ledger's port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerCounts {
    /// Connections that came.
    pub opened: u64,
    /// Connections that were closed to make room.
    pub displaced: u64,
    /// Connections that were closed because what came was no request.
    pub ended: u64,
    /// Bytes that came.
    pub received_bytes: u64,
}

/// Where ledgers are asked.
#[derive(Debug)]
pub struct LedgerServer {
    listener: Listener,
    /// The one that has been silent for longest is the first.
    askers: Vec<Asker>,
    counts: LedgerCounts,
}

impl LedgerServer {
    /// Listens; port 0 takes any that is free.
    ///
    /// # Errors
    /// See `TcpError`.
    pub fn open(address: SocketAddr) -> Result<Self, TcpError> {
        let settings =
            TcpSettings { max_message_bytes: LONGEST_ANSWER_BYTES, ..TcpSettings::default() };
        let listener = Listener::open(address, settings)?;
        Ok(Self { listener, askers: Vec::new(), counts: LedgerCounts::default() })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.address()
    }

    /// What the listener refused.
    #[must_use]
    pub fn counters(&self) -> Arc<ListenerCounters> {
        self.listener.counters()
    }

    /// What happened here.
    #[must_use]
    pub fn counts(&self) -> LedgerCounts {
        self.counts
    }

    /// Takes connections, answers what was asked, and says whether anything happened.
    pub fn poll(&mut self, exchange: &Exchange) -> bool {
        let mut is_busy = false;
        for _ in 0..TAKEN_AT_ONCE {
            let Some((port, _)) = self.listener.accept() else { break };
            is_busy = true;
            self.counts.opened += 1;
            if self.askers.len() >= MOST_CONNECTIONS {
                self.counts.displaced += 1;
                self.askers.remove(0);
            }
            let (requests, waiting) = (Requests::default(), Vec::new());
            self.askers.push(Asker { port, requests, waiting, is_ending: false, has_asked: false });
        }
        let counts = &mut self.counts;
        self.askers.retain_mut(|asker| asker.poll(exchange, counts, &mut is_busy));
        self.askers.sort_by_key(|asker| asker.has_asked);
        is_busy
    }
}

impl Asker {
    /// Whether it stays.
    fn poll(&mut self, exchange: &Exchange, counts: &mut LedgerCounts, is_busy: &mut bool) -> bool {
        self.has_asked = false;
        let mut bytes = [0; READ_BYTES];
        if !self.is_ending && self.waiting.len() <= MOST_WAITING_BYTES {
            match self.port.read(&mut bytes) {
                Ok(0) => {}
                Ok(len) => {
                    *is_busy = true;
                    let read = &bytes[..len];
                    self.is_ending = !self.requests.receive(read, exchange, &mut self.waiting);
                    self.has_asked = true;
                    counts.received_bytes += u64::try_from(len).unwrap_or(0);
                    counts.ended += u64::from(self.is_ending);
                }
                Err(_) => return false,
            }
        }
        while !self.waiting.is_empty() {
            let len = self.waiting.len().min(LONGEST_ANSWER_BYTES);
            match self.port.send(&self.waiting[..len]) {
                Ok(()) => {
                    *is_busy = true;
                    self.waiting.drain(..len);
                }
                Err(SendError::Busy) => return true,
                Err(SendError::Closed | SendError::Torn) => return false,
            }
        }
        !self.is_ending
    }
}

/// Why a ledger gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Nobody there, or no longer.
    #[error("the ledger at {address} does not answer: {source}; is the venue running?")]
    Connection {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Something else answers there.
    #[error("what came from {address} is no answer of a ledger: {text:?}")]
    Answer {
        /// Where.
        address: SocketAddr,
        /// The beginning of what came.
        text: String,
    },
}

/// Asks a ledger, and waits for each answer.
#[derive(Debug)]
pub struct LedgerClient {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

impl LedgerClient {
    /// Connects; every answer may take as long as `patience`.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn connect(address: SocketAddr, patience: Duration) -> Result<Self, LedgerError> {
        let connect = || {
            let stream = TcpStream::connect_timeout(&address, patience)?;
            stream.set_read_timeout(Some(patience))?;
            stream.set_write_timeout(Some(patience))?;
            stream.set_nodelay(true)?;
            Ok(BufReader::new(stream))
        };
        let stream = connect().map_err(|source| LedgerError::Connection { address, source })?;
        Ok(Self { address, stream })
    }

    fn ask(&mut self, request: &str) -> Result<Answer, LedgerError> {
        let address = self.address;
        let mut line = String::new();
        let asked = self.stream.get_mut().write_all(format!("{request}\n").as_bytes());
        let read = asked.and_then(|()| self.stream.read_line(&mut line));
        read.map_err(|source| LedgerError::Connection { address, source })?;
        if line.is_empty() {
            let source = io::ErrorKind::UnexpectedEof.into();
            return Err(LedgerError::Connection { address, source });
        }
        serde_json::from_str(&line).map_err(|_| self.strange(&line))
    }

    fn strange(&self, text: &str) -> LedgerError {
        let text = text.chars().take(80).collect();
        LedgerError::Answer { address: self.address, text }
    }

    /// What an account has.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn positions(&mut self, account: AccountId) -> Result<Vec<PositionRow>, LedgerError> {
        match self.ask(&format!("positions {}", account.0))? {
            Answer::Positions(rows) => Ok(rows),
            other => Err(self.strange(&format!("{other:?}"))),
        }
    }

    /// The live orders of an account.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn orders(&mut self, account: AccountId) -> Result<Vec<OrderRow>, LedgerError> {
        match self.ask(&format!("orders {}", account.0))? {
            Answer::Orders(rows) => Ok(rows),
            other => Err(self.strange(&format!("{other:?}"))),
        }
    }

    /// All that an account has as of one moment, with its fills that are numbered above `after`.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn statement(
        &mut self,
        account: AccountId,
        after: u64,
    ) -> Result<StatementRow, LedgerError> {
        let (mut earlier, mut after) = (Vec::new(), after);
        loop {
            match self.ask(&format!("statement {} {after}", account.0))? {
                Answer::Statement(mut row) => {
                    let is_last = row.fills.len() < FILLS_PER_ANSWER;
                    after = row.fills.last().map_or(after, |fill| fill.fill_no);
                    earlier.append(&mut row.fills);
                    if is_last {
                        return Ok(StatementRow { fills: earlier, ..row });
                    }
                }
                other => return Err(self.strange(&format!("{other:?}"))),
            }
        }
    }

    /// All fills of an account that are numbered above `after`.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn fills(&mut self, account: AccountId, after: u64) -> Result<Vec<FillRow>, LedgerError> {
        let (mut all, mut after) = (Vec::new(), after);
        loop {
            match self.ask(&format!("fills {} {after}", account.0))? {
                Answer::Fills(rows) => {
                    let is_last = rows.len() < FILLS_PER_ANSWER;
                    after = rows.last().map_or(after, |row| row.fill_no);
                    all.extend(rows);
                    if is_last {
                        return Ok(all);
                    }
                }
                other => return Err(self.strange(&format!("{other:?}"))),
            }
        }
    }
}
