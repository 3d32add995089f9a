//! The one kind of request that is taken: GET, a short head, no body.

use std::io::{self, Read};

/// A longer head is refused.
const MOST_BYTES: usize = 8_192;

/// What was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The path, in parts, decoded.
    pub path: Vec<String>,
    /// What stands behind the question mark, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The token that came with it.
    pub token: Option<String>,
}

impl Request {
    /// Reads the head of a request; `Err` has the status that it is refused with.
    ///
    /// # Errors
    /// What the stream says.
    pub fn read(stream: &mut impl Read) -> io::Result<Result<Self, u16>> {
        let mut head = Vec::new();
        let mut chunk = [0; 1_024];
        while !head.windows(4).any(|window| window == b"\r\n\r\n") {
            let read = stream.read(&mut chunk)?;
            if read == 0 {
                return Ok(Err(400));
            }
            head.extend_from_slice(&chunk[..read]);
            if head.len() > MOST_BYTES {
                return Ok(Err(431));
            }
        }
        Ok(Self::parse(&head))
    }

    /// Understands a head.
    ///
    /// # Errors
    /// The status that it is refused with.
    pub fn parse(head: &[u8]) -> Result<Self, u16> {
        let text = std::str::from_utf8(head).map_err(|_| 400_u16)?;
        let mut lines = text.split("\r\n");
        let mut first = lines.next().unwrap_or_default().split(' ');
        let (method, target, version) = (first.next(), first.next(), first.next());
        if !version.is_some_and(|version| version.starts_with("HTTP/1.")) || first.next().is_some()
        {
            return Err(400);
        }
        if method != Some("GET") {
            return Err(405);
        }
        let target = target.filter(|target| target.starts_with('/')).ok_or(400_u16)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = path.split('/').filter(|part| !part.is_empty()).map(decoded);
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(key)?, decoded(value)?))
        });
        let token = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_it = name.eq_ignore_ascii_case("authorization");
            let token = value.trim().strip_prefix("Bearer ").filter(|_| is_it)?;
            Some(token.trim().to_owned())
        });
        Ok(Self {
            path: path.collect::<Option<_>>().ok_or(400_u16)?,
            query: pairs.collect::<Option<_>>().ok_or(400_u16)?,
            token,
        })
    }
}

/// `%2B` as `+`; a bare `+` is itself, because offsets of times have one.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_understood_or_refused() {
        let head = "GET /v1/receipts?pair=cu_hg&from=2026-11-21T09:00:00%2B08:00 HTTP/1.1\r\n\
                    Host: x\r\nauthorization: Bearer abc\r\n\r\n";
        let read = Request::parse(head.as_bytes()).expect("it is one");
        assert_eq!(read.path, ["v1", "receipts"]);
        assert_eq!(read.query[1], ("from".into(), "2026-11-21T09:00:00+08:00".into()));
        assert_eq!(read.token.as_deref(), Some("abc"));
        for (head, status) in [
            ("POST / HTTP/1.1\r\n\r\n", 405),
            ("DELETE /v1/journal HTTP/1.1\r\n\r\n", 405),
            ("GET http://elsewhere/ HTTP/1.1\r\n\r\n", 400),
            ("GET /%zz HTTP/1.1\r\n\r\n", 400),
            ("GET /%ff HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/2\r\n\r\n", 400),
            ("\r\n\r\n", 400),
        ] {
            assert_eq!(Request::parse(head.as_bytes()), Err(status), "{head}");
        }
        let endless = [b'a'; 100_000];
        assert_eq!(Request::read(&mut endless.as_slice()).expect("memory"), Err(431));
        assert_eq!(Request::read(&mut b"GET".as_slice()).expect("memory"), Err(400));
    }
}
