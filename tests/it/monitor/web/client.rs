//! A viewer that is no browser: requests as bytes, answers whole or event by event.

use super::{PATIENCE, token};
use cross_market_connect::monitor::web::Web;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.into_iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, it)| it)
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
    stream
}

/// Sends bytes and reads until the other side closes; `None` if it closes without a word.
pub fn send(address: SocketAddr, bytes: &[u8]) -> Option<Answer> {
    let mut stream = connect(address);
    // It may have closed before it has read everything.
    let _ = stream.write_all(bytes);
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    let text = String::from_utf8(all).expect("answers are text");
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no status in {head}"));
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

/// A request as most of them are; `fields` are more of its head, each with its end.
pub fn request(method: &str, path: &str, fields: &str) -> String {
    format!("{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n{fields}\r\n")
}

/// A question of somebody who has the token.
pub fn get(web: &Web, path: &str) -> Answer {
    let bearer = format!("Authorization: Bearer {}\r\n", token(web));
    let answer = send(web.address(), request("GET", path, &bearer).as_bytes());
    answer.unwrap_or_else(|| panic!("no answer for {path}"))
}

/// Somebody who looks on.
pub struct Viewer {
    reader: BufReader<TcpStream>,
    pub status: u16,
}

impl Viewer {
    /// Asks for moments, and reads the head of the answer.
    pub fn new(web: &Web, path: &str) -> Self {
        let mut stream = connect(web.address());
        let bearer = format!("Authorization: Bearer {}\r\n", token(web));
        stream.write_all(request("GET", path, &bearer).as_bytes()).expect("it is taken");
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).expect("an answer");
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status in {line:?}"));
        while line != "\r\n" {
            line.clear();
            assert!(reader.read_line(&mut line).expect("a head") > 0, "the head ends");
        }
        Self { reader, status }
    }

    /// What is left of an answer that is no stream.
    pub fn rest(mut self) -> String {
        let mut text = String::new();
        self.reader.read_to_string(&mut text).expect("text");
        text
    }

    /// The next moment; `None` when there are no more.
    pub fn next(&mut self) -> Option<Value> {
        let (mut line, begun) = (String::new(), Instant::now());
        loop {
            line.clear();
            // Signs of life come for as long as it is served.
            assert!(begun.elapsed() < PATIENCE, "no moment comes");
            if self.reader.read_line(&mut line).expect("a moment comes in time") == 0 {
                return None;
            }
            if let Some(told) = line.strip_prefix("data: ") {
                return Some(serde_json::from_str(told).expect("a moment is JSON"));
            }
        }
    }

    /// Reads on until the moment of that number, and says which numbers came.
    pub fn until(&mut self, last: u64) -> Vec<u64> {
        let mut numbers = Vec::new();
        while numbers.last() != Some(&last) {
            let moment = self.next().expect("the stream goes on");
            numbers.push(moment["number"].as_u64().expect("it has a number"));
        }
        numbers
    }

    pub fn close(self) {
        let stream = self.reader.into_inner();
        let _ = stream.shutdown(std::net::Shutdown::Both);
    }
}

/// Waits until `is_so`, at most `PATIENCE`.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
