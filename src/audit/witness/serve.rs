//! A witness that answers over HTTP: `POST …/add-checkpoint` of C2SP's `tlog-witness`.
//!
//! It knows the keys of the logs that it keeps, checks that each checkpoint follows the one before,
//! and signs what it kept with the time. Connections are served one after the other, each within a
//! bound of time and bytes: a witness has one question a second to answer. Encryption is the
//! business of a proxy in front; nothing that it says is secret, and what it is told is signed.

use super::keep::{Kept, Refusal};
use super::{Request, request::RequestError};
use crate::audit::note::{NoteError, VerifierKey};
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A connection is served within this time, or not at all.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks for a new connection.
const NAP: Duration = Duration::from_millis(5);
/// Head and body of a request together.
const MOST_BYTES: usize = 1 << 16;
/// The last part of the path that is served.
const ADD: &str = "/add-checkpoint";

/// A witness on a socket.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    kept: Kept,
    logs: Vec<VerifierKey>,
}

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    reason: &'static str,
    content: &'static str,
    body: String,
}

impl Answer {
    fn text(status: u16, reason: &'static str, body: impl fmt::Display) -> Self {
        Self { status, reason, content: "text/plain; charset=utf-8", body: format!("{body}\n") }
    }
}

impl Server {
    /// Listens on `address`, for checkpoints that `logs` have signed.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn bind(address: SocketAddr, kept: Kept, logs: Vec<VerifierKey>) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, kept, logs })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `is_over`. What goes wrong with one connection is that connection's end.
    ///
    /// # Errors
    /// That no connection can be taken any more.
    pub fn run(&mut self, is_over: impl Fn() -> bool) -> io::Result<()> {
        while !is_over() {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    let _ = self.serve(stream);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(NAP),
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn serve(&mut self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let answer = match read(&mut stream)? {
            Ok(body) => self.add(&body),
            Err(answer) => answer,
        };
        let Answer { status, reason, content, body } = answer;
        write!(
            stream,
            "HTTP/1.1 {status} {reason}\r\nContent-Type: {content}\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        )
    }

    /// The answer to the body of a request.
    fn add(&mut self, body: &str) -> Answer {
        let request = match Request::parse(body) {
            Ok(request) => request,
            Err(RequestError::Note(error @ NoteError::TooMany(_))) => {
                return Answer::text(413, "Content Too Large", error);
            }
            Err(error) => return Answer::text(400, "Bad Request", error),
        };
        let origin = &request.checkpoint.origin;
        let logs = self.logs.iter().filter(|key| key.name() == origin).cloned();
        let logs: Vec<_> = logs.collect();
        if logs.is_empty() {
            let text = format!("the log {origin:?} is not known here");
            return Answer::text(404, "Not Found", text);
        }
        if let Err(error) = request.note.signed_by(&logs) {
            return Answer::text(403, "Forbidden", error);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        match self.kept.add(&request, now.map_or(0, |since| since.as_secs())) {
            Ok(signed) => Answer {
                body: signed.iter().map(ToString::to_string).collect(),
                ..Answer::text(200, "OK", "")
            },
            Err(error) => refused(&error),
        }
    }
}

fn refused(refusal: &Refusal) -> Answer {
    match refusal {
        Refusal::OldSize { has } => {
            Answer { content: "text/x.tlog.size", ..Answer::text(409, "Conflict", has) }
        }
        Refusal::Shrinks { .. } => Answer::text(400, "Bad Request", refusal),
        Refusal::SplitView(_) => Answer::text(409, "Conflict", refusal),
        Refusal::Inconsistent(_) => Answer::text(422, "Unprocessable Content", refusal),
        Refusal::Io(_) => Answer::text(500, "Internal Server Error", "it cannot be kept now"),
    }
}

/// Reads a request; its body, or what is answered to one that is not served.
fn read(stream: &mut TcpStream) -> io::Result<Result<String, Answer>> {
    let until = Instant::now() + PATIENCE;
    let mut bytes = Vec::new();
    let mut chunk = [0; 4_096];
    loop {
        if let Some(parsed) = parse(&bytes) {
            return Ok(parsed);
        }
        if bytes.len() > MOST_BYTES {
            return Ok(Err(Answer::text(413, "Content Too Large", "at most 65536 bytes")));
        }
        let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
        stream.set_read_timeout(Some(left.ok_or(ErrorKind::TimedOut)?))?;
        match stream.read(&mut chunk)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            count => bytes.extend_from_slice(chunk.get(..count).unwrap_or_default()),
        }
    }
}

/// The body of a request that is there whole; `None` if more is to come.
fn parse(bytes: &[u8]) -> Option<Result<String, Answer>> {
    let head_end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(bytes.get(..head_end)?);
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, path) = (words.next(), words.next());
    if !path.is_some_and(|path| path.ends_with(ADD)) {
        return Some(Err(Answer::text(404, "Not Found", "only add-checkpoint is served")));
    }
    if method != Some("POST") {
        return Some(Err(Answer::text(405, "Method Not Allowed", "POST")));
    }
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok());
    let Some(length) = length else {
        return Some(Err(Answer::text(411, "Length Required", "say how long the body is")));
    };
    if length > MOST_BYTES {
        return Some(Err(Answer::text(413, "Content Too Large", "at most 65536 bytes")));
    }
    let body = bytes.get(head_end + 4..)?.get(..length)?;
    let body = String::from_utf8(body.to_vec());
    Some(body.map_err(|_| Answer::text(400, "Bad Request", "the body is not UTF-8")))
}
