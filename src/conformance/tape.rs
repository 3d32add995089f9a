//! What passed over a scenario's connections, and what was done meanwhile: the evidence.
//!
//! A port that is taped hands everything on as it is and keeps a copy with its time. It can also be
//! hung up, as a line breaks: the only thing that happens to an engine at a gateway that nobody
//! scripts.

use crate::config::GatewayProtocol;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use xmc_hotpath::port::{SendError, StreamPort, TxPort};

use super::said;

/// What is kept; a scenario that says more has evidence enough.
const MOST_ROWS: usize = 20_000;

/// Which way bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// On the stream.
    Sent,
    /// On the stream.
    Received,
    /// As a datagram.
    Datagram,
}

#[derive(Clone, Debug)]
enum What {
    Bytes(u32, Way, Vec<u8>),
    Opened(u32),
    Closed(u32),
    Step(String),
    Engine(String),
}

#[derive(Debug)]
struct Kept {
    since: Instant,
    rows: Vec<(Duration, What)>,
    left_out: u64,
    connections: u32,
}

/// The tape of one scenario.
#[derive(Clone, Debug)]
pub struct Tape {
    kept: Arc<Mutex<Kept>>,
    is_hung_up: Arc<AtomicBool>,
    /// Datagrams from now on that do not leave.
    lost: Arc<AtomicU32>,
}

/// Who a line of evidence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The engine said it.
    Client,
    /// The gateway said it.
    Gateway,
    /// It was done to bring the case about.
    Step,
    /// It is what the desk was told.
    Engine,
    /// It is about a connection.
    Line,
}

impl Who {
    /// Its word in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Gateway => "gateway",
            Self::Step => "step",
            Self::Engine => "engine",
            Self::Line => "line",
        }
    }
}

/// A line of evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Since the scenario began.
    pub ms: f64,
    /// Whose it is.
    pub who: Who,
    /// The message's name and what of it counts, or what was done.
    pub said: String,
}

impl Default for Tape {
    fn default() -> Self {
        let since = Instant::now();
        let kept = Kept { since, rows: Vec::new(), left_out: 0, connections: 0 };
        Self { kept: Arc::new(Mutex::new(kept)), is_hung_up: Arc::default(), lost: Arc::default() }
    }
}

impl Tape {
    fn keep(&self, what: What) {
        let mut kept = self.kept.lock().expect("nobody panics with it");
        if kept.rows.len() >= MOST_ROWS {
            kept.left_out += 1;
            return;
        }
        let at = kept.since.elapsed();
        kept.rows.push((at, what));
    }

    /// Something that is done to bring the case about.
    pub fn step(&self, what: impl Into<String>) {
        self.keep(What::Step(what.into()));
    }

    /// Something that the desk is told.
    pub fn engine(&self, what: impl Into<String>) {
        self.keep(What::Engine(what.into()));
    }

    /// Breaks the connection that stands, at this end.
    pub fn hang_up(&self) {
        self.step("this side's line breaks");
        self.is_hung_up.store(true, Ordering::Release);
    }

    /// The next datagrams are lost on their way.
    pub fn lose(&self, datagrams: u32) {
        self.step(format!("datagrams that are lost from now on: {datagrams}"));
        self.lost.store(datagrams, Ordering::Release);
    }

    /// A port of which everything is kept.
    pub fn port<P>(&self, port: P, has_datagrams: bool) -> Taped<P> {
        let mut kept = self.kept.lock().expect("nobody panics with it");
        kept.connections += 1;
        let connection = kept.connections;
        drop(kept);
        self.is_hung_up.store(false, Ordering::Release);
        self.keep(What::Opened(connection));
        Taped { port, tape: self.clone(), connection, has_datagrams, is_closed: false }
    }

    /// What is on it, as people read it, and how much more there was.
    #[must_use]
    pub fn lines(&self, protocol: GatewayProtocol) -> (Vec<Line>, u64) {
        let kept = self.kept.lock().expect("nobody panics with it");
        let mut lines = Vec::new();
        let mut waiting: BTreeMap<(u32, Way), Vec<u8>> = BTreeMap::new();
        for (at, what) in &kept.rows {
            let ms = f64::from(u32::try_from(at.as_micros()).unwrap_or(u32::MAX)) / 1_000.0;
            let mut add = |who, said| lines.push(Line { ms, who, said });
            match what {
                What::Opened(number) => add(Who::Line, format!("connection {number} stands")),
                What::Closed(number) => add(Who::Line, format!("connection {number} is over")),
                What::Step(step) => add(Who::Step, step.clone()),
                What::Engine(told) => add(Who::Engine, told.clone()),
                What::Bytes(number, way, bytes) => {
                    let waiting = waiting.entry((*number, *way)).or_default();
                    waiting.extend_from_slice(bytes);
                    let who = if *way == Way::Received { Who::Gateway } else { Who::Client };
                    for said in said::take(protocol, *way, waiting) {
                        add(who, said);
                    }
                }
            }
        }
        (lines, kept.left_out)
    }
}

/// A port of which everything is kept.
#[derive(Debug)]
pub struct Taped<P> {
    port: P,
    tape: Tape,
    connection: u32,
    /// What is sent, but for the stream, is a datagram.
    has_datagrams: bool,
    is_closed: bool,
}

impl<P: StreamPort> Taped<P> {
    fn closed(&mut self) {
        if !self.is_closed {
            self.is_closed = true;
            self.tape.keep(What::Closed(self.connection));
        }
    }

    fn kept(&mut self, way: Way, message: &[u8], sent: Result<(), SendError>) {
        match sent {
            Ok(()) => self.tape.keep(What::Bytes(self.connection, way, message.to_vec())),
            Err(SendError::Busy) => {}
            Err(SendError::Closed | SendError::Torn) => self.closed(),
        }
    }

    fn is_hung_up(&mut self) -> bool {
        if !self.is_closed && self.tape.is_hung_up.swap(false, Ordering::AcqRel) {
            self.port.end();
            self.closed();
        }
        self.is_closed
    }
}

impl<P: StreamPort> TxPort for Taped<P> {
    fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        if self.is_hung_up() {
            return Err(SendError::Closed);
        }
        let way = if self.has_datagrams { Way::Datagram } else { Way::Sent };
        let lose = |left: u32| left.checked_sub(1);
        if self.has_datagrams
            && self.tape.lost.fetch_update(Ordering::AcqRel, Ordering::Acquire, lose).is_ok()
        {
            self.kept(way, message, Ok(()));
            self.tape.step("that one is lost");
            return Ok(());
        }
        let sent = self.port.send(message);
        self.kept(way, message, sent);
        sent
    }
}

impl<P: StreamPort> StreamPort for Taped<P> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SendError> {
        if self.is_hung_up() {
            return Err(SendError::Closed);
        }
        let read = self.port.read(buffer);
        match read {
            Ok(0) => {}
            Ok(len) => {
                let bytes = buffer[..len].to_vec();
                self.tape.keep(What::Bytes(self.connection, Way::Received, bytes));
            }
            Err(_) => self.closed(),
        }
        read
    }

    fn send_on_stream(&mut self, message: &[u8]) -> Result<(), SendError> {
        if self.is_hung_up() {
            return Err(SendError::Closed);
        }
        let sent = self.port.send_on_stream(message);
        self.kept(Way::Sent, message, sent);
        sent
    }

    fn end(&mut self) {
        self.port.end();
    }
}
