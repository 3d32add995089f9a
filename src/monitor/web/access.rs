//! Who may look: whoever brings the token, once in the address and from then on a session's cookie.
//!
//! A session has two random numbers: the cookie, which scripts do not see, and the mark, which the
//! page reads and sends with the one request that is more than a question. Another page's request
//! may carry the cookie, but cannot know the mark.

use crate::hex;
use crate::secret::is_same;
use axum::http::{HeaderMap, header};
use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::time::{Duration, Instant};

/// Where random bytes come from.
const RANDOM: &str = "/dev/urandom";
/// As many as nobody guesses.
const TOKEN_BYTES: usize = 16;
/// Sessions that are known; the one goes that was not used for longest.
const SESSIONS: usize = 256;
/// A session ends so long after it began: a trading day and its night.
const SESSION_LASTS: Duration = Duration::from_secs(16 * 3_600);

/// What a viewer has to bring. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn new() -> io::Result<Self> {
        let mut bytes = [0; TOKEN_BYTES];
        File::open(RANDOM)?.read_exact(&mut bytes)?;
        Ok(Self(hex::show(&bytes)))
    }

    /// Its text, for the address that is printed.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `brought` is it.
    #[must_use]
    pub fn is(&self, brought: &str) -> bool {
        is_same(self.0.as_bytes(), brought.as_bytes())
    }
}

/// A browser that has come with the token.
#[derive(Debug)]
struct Session {
    cookie: Token,
    mark: Token,
    begun: Instant,
}

impl Session {
    fn lives(&self) -> bool {
        self.begun.elapsed() < SESSION_LASTS
    }
}

/// The sessions of one screen, the one that was used last at the end: whoever comes again and again
/// without a cookie puts out others like that, and no page that is open.
#[derive(Debug, Default)]
pub struct Sessions(VecDeque<Session>);

impl Sessions {
    /// Begins one; the cookie that it is known by.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn begin(&mut self) -> io::Result<Token> {
        let session = Session { cookie: Token::new()?, mark: Token::new()?, begun: Instant::now() };
        let cookie = session.cookie.clone();
        while self.0.len() >= SESSIONS {
            self.0.pop_front();
        }
        self.0.push_back(session);
        Ok(cookie)
    }

    /// The mark of the session whose cookie was brought: it is used.
    pub fn mark(&mut self, cookie: &str) -> Option<&Token> {
        let at = self.0.iter().position(|one| one.lives() && one.cookie.is(cookie))?;
        let session = self.0.remove(at)?;
        self.0.push_back(session);
        self.0.back().map(|session| &session.mark)
    }
}

/// What the cookie is called: cookies do not know ports, and one host may run several engines.
pub fn cookie_name(port: u16) -> String {
    format!("xmc_view_{port}")
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The token of a request: `Authorization: Bearer`, or `token` in the address.
pub fn brought<'r>(headers: &'r HeaderMap, query: Option<&'r str>) -> Option<&'r str> {
    let bearer = text(headers, header::AUTHORIZATION);
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    let pairs = query.unwrap_or("").split('&').filter_map(|pair| pair.split_once('='));
    let asked = pairs.into_iter().find(|(key, _)| *key == "token").map(|(_, value)| value);
    bearer.or(asked)
}

/// The session's cookie of a request.
pub fn cookie(headers: &HeaderMap, port: u16) -> Option<&str> {
    let name = cookie_name(port);
    let all = text(headers, header::COOKIE)?.split(';');
    let mut pairs = all.filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_shown_and_is_no_other() {
        let [one, other] = [Token::new(), Token::new()].map(|token| token.expect("random bytes"));
        assert_eq!(format!("{one:?}"), "Token(..)");
        assert_eq!(one.reveal().len(), 32);
        assert!(one.is(one.reveal()) && !one.is(other.reveal()));
        assert!(!one.is("") && !one.is(&one.reveal()[..31]));
    }

    #[test]
    fn sessions_are_told_apart_and_the_one_that_nobody_uses_goes() {
        let mut sessions = Sessions::default();
        let first = sessions.begin().expect("random bytes");
        let mark = sessions.mark(first.reveal()).expect("it has begun").reveal().to_owned();
        assert_ne!(mark, first.reveal());
        let second = sessions.begin().expect("random bytes");
        let other = sessions.mark(second.reveal()).expect("it has begun").reveal().to_owned();
        assert_ne!(mark, other);
        assert!(sessions.mark("").is_none() && sessions.mark(&mark).is_none());
        for _ in 0..2 * SESSIONS {
            sessions.begin().expect("random bytes");
            assert!(sessions.mark(second.reveal()).is_some(), "it is used");
        }
        assert!(sessions.mark(first.reveal()).is_none(), "{} are known", sessions.0.len());
        assert_eq!(sessions.0.len(), SESSIONS);
    }
}
