//! A stream of drop copies over TCP: lines of JSON with numbers that grow by one, from somebody who
//! sees what the venue has booked and not what the engine thinks.
//!
//! The form is ours. CME's Drop Copy is FIX and is not spoken here: a program between the two
//! writes these lines. Whoever connects sends `{"resume_after":N}` and is given what is numbered
//! above N, then what comes:
//!
//! ```text
//! {"seq":8,"fill":{"execution":"E17","order":72057598332895236,"instrument":"HGU6",..}}
//! {"seq":9,"statement":{"schema":"xmc.statement",..}}
//! {"seq":10,"heartbeat":"2026-11-22T07:00:01Z"}
//! ```
//!
//! A statement comes behind all fills that it counts. Fills that were streamed stand in for `fills`
//! of a statement that has none. What comes twice is dropped. A number that is left out, or comes
//! too early, is asked for again by a new connection; if it still is not there it is gone: that is
//! told, and fills are not compared from then on.

use super::{Gate, Source, Told};
use crate::resync::statement::{Fill, MOST_BYTES, Moment, Statement, StatementError, Wanted};
use serde::{Deserialize, Serialize};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use xmc_hotpath::time::UnixNs;

/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(2);
/// Between two connections.
const AGAIN: Duration = Duration::from_millis(200);
/// How long there may be nothing to read before the next source is looked at.
const LOOK: Duration = Duration::from_millis(2);
/// Bytes that are read in one look.
const AT_ONCE: usize = 1 << 20;
/// Fills that are kept; beyond it they are not compared.
const MOST_FILLS: usize = 500_000;

/// A line of the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its number.
    pub seq: u64,
    /// A fill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fill: Option<Fill>,
    /// A statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Statement>,
    /// Nothing but life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Moment>,
}

/// What is said first by whoever connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// What is numbered above is wanted.
    pub resume_after: u64,
}

/// A stream that is followed.
#[derive(Debug)]
pub struct StreamSource {
    address: SocketAddr,
    gate: Gate,
    link: Option<TcpStream>,
    bytes: Vec<u8>,
    last: u64,
    /// What was missing when the connection was last made anew for it.
    asked_for: Option<u64>,
    tried: Option<Instant>,
    is_broken: bool,
    /// Fills since the start; `None`: some are gone.
    fills: Option<Vec<Fill>>,
    /// Lines that came twice.
    pub repeated: u64,
}

impl StreamSource {
    /// Statements of `wanted` from `address`, behind the line `last`.
    #[must_use]
    pub const fn new(address: SocketAddr, wanted: Wanted, last: u64) -> Self {
        Self {
            address,
            gate: Gate::new(wanted),
            link: None,
            bytes: Vec::new(),
            last,
            asked_for: None,
            tried: None,
            is_broken: false,
            fills: Some(Vec::new()),
            repeated: 0,
        }
    }

    fn connect(&mut self) -> io::Result<()> {
        let mut link = TcpStream::connect_timeout(&self.address, CONNECTING)?;
        link.set_read_timeout(Some(LOOK))?;
        link.set_write_timeout(Some(CONNECTING))?;
        let resume = serde_json::to_string(&Resume { resume_after: self.last })?;
        link.write_all(format!("{resume}\n").as_bytes())?;
        self.bytes.clear();
        self.link = Some(link);
        Ok(())
    }

    /// Reads what has come.
    fn receive(&mut self) -> io::Result<()> {
        let Some(link) = &mut self.link else { return Ok(()) };
        let (mut part, mut got) = ([0; 16_384], 0);
        while got < AT_ONCE {
            match link.read(&mut part) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(len) => {
                    got += len;
                    self.bytes.extend_from_slice(&part[..len]);
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        if self.bytes.len() as u64 > MOST_BYTES {
            return Err(io::Error::other("a line is longer than any statement"));
        }
        Ok(())
    }

    /// Takes whole lines; `false` if the connection has to be made anew.
    fn lines(&mut self, now: UnixNs, told: &mut Vec<Told>) -> bool {
        let bytes = std::mem::take(&mut self.bytes);
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.bytes = bytes[whole..].to_vec();
        for line in bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line = match serde_json::from_slice::<Line>(line) {
                Ok(line) => line,
                Err(error) => {
                    let why = StatementError::Form(error.to_string());
                    self.gate.take(Err(why), now, told);
                    return false;
                }
            };
            if !self.line(line, now, told) {
                return false;
            }
        }
        true
    }

    fn line(&mut self, line: Line, now: UnixNs, told: &mut Vec<Told>) -> bool {
        if line.seq <= self.last {
            self.repeated += 1;
            return true;
        }
        let next = self.last + 1;
        if line.seq > next {
            if self.asked_for != Some(next) {
                self.asked_for = Some(next);
                return false;
            }
            // It was asked for, and is not given.
            told.push(Told::Gap { from: next, to: line.seq - 1 });
            self.fills = None;
        }
        self.last = line.seq;
        told.push(Told::Alive);
        if let Some(fill) = line.fill {
            self.fills = self.fills.take().filter(|fills| fills.len() < MOST_FILLS);
            self.fills.iter_mut().for_each(|fills| fills.push(fill.clone()));
        }
        if let Some(mut statement) = line.statement {
            if statement.fills.is_none() {
                statement.fills.clone_from(&self.fills);
            }
            self.gate.take(Ok(statement), now, told);
            told.push(Told::Read(self.last));
        }
        true
    }
}

impl Source for StreamSource {
    fn poll(&mut self, now: UnixNs, told: &mut Vec<Told>) {
        if self.link.is_none() {
            if self.tried.is_some_and(|tried| tried.elapsed() < AGAIN) {
                return;
            }
            self.tried = Some(Instant::now());
            match self.connect() {
                Ok(()) if std::mem::take(&mut self.is_broken) => told.push(Told::Mended),
                Ok(()) => {}
                Err(error) => {
                    if !std::mem::replace(&mut self.is_broken, true) {
                        told.push(Told::Broken(format!("{}: {error}", self.address)));
                    }
                    return;
                }
            }
        }
        let received = self.receive();
        let is_well = self.lines(now, told);
        if let Err(error) = received {
            self.link = None;
            if !std::mem::replace(&mut self.is_broken, true) {
                told.push(Told::Broken(format!("{}: {error}", self.address)));
            }
        } else if !is_well {
            (self.link, self.tried) = (None, None);
            self.bytes.clear();
        }
    }
}
