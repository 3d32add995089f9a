//! Somebody who scrapes: a request as bytes, and text of version 0.0.4 read again.

use super::PATIENCE;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// The address in `http://ADDRESS/..`.
pub fn address(url: &str) -> SocketAddr {
    let rest = url.strip_prefix("http://").expect("an address of HTTP");
    rest.split('/').next().and_then(|address| address.parse().ok()).expect("a socket's address")
}

/// Sends a request and reads until the other side closes; `None` if it closes without a word.
pub fn send(address: SocketAddr, request: &str) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
    // It may have closed before it has read everything.
    let _ = stream.write_all(request.as_bytes());
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    let text = String::from_utf8(all).expect("answers are text");
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

pub fn get(address: SocketAddr, path: &str, fields: &str) -> Option<Answer> {
    send(address, &format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n{fields}\r\n"))
}

/// The metrics of an exporter, read.
pub fn scrape(url: &str) -> Scraped {
    let answer = get(address(url), "/metrics", "").expect("it answers");
    assert_eq!(answer.status, 200, "{answer:?}");
    Scraped::of(&answer.body)
}

/// One family as a reader sees it.
#[derive(Debug, Default)]
pub struct Seen {
    pub kind: String,
    pub help: String,
    /// Series by what stands before the value, and the value.
    pub series: BTreeMap<String, f64>,
}

/// Text of version 0.0.4, read by rules of this test alone.
#[derive(Debug)]
pub struct Scraped(pub BTreeMap<String, Seen>);

impl Scraped {
    pub fn of(text: &str) -> Self {
        let mut families: BTreeMap<String, Seen> = BTreeMap::new();
        let mut current = String::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a sentence");
                let seen = Seen { help: help.to_owned(), ..Seen::default() };
                assert!(families.insert(name.to_owned(), seen).is_none(), "{name} twice");
                name.clone_into(&mut current);
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type");
                assert_eq!(name, current, "the type follows the sentence");
                kind.clone_into(&mut families.get_mut(name).expect("it began").kind);
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
                let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
                let family = families.get_mut(&current).expect("a family has begun");
                let name = series.split('{').next().expect("a name");
                let is_part = ["_bucket", "_sum", "_count"].iter().any(|end| {
                    name.strip_suffix(end) == Some(&current) && family.kind == "histogram"
                });
                assert!(name == current || is_part, "{line} below {current}");
                assert!(family.series.insert(series.to_owned(), value).is_none(), "twice: {line}");
            }
        }
        Self(families)
    }

    /// The value of a series.
    pub fn value(&self, series: &str) -> Option<f64> {
        self.0.values().find_map(|family| family.series.get(series)).copied()
    }
}
