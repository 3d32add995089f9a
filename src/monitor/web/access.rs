//! Who may look: whoever brings the token.

use crate::hex;
use crate::secret::is_same;
use axum::http::{HeaderMap, header};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};

/// Where random bytes come from.
const RANDOM: &str = "/dev/urandom";
/// As many as nobody guesses.
const TOKEN_BYTES: usize = 16;

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

/// What the cookie is called: cookies do not know ports, and one host may run several engines.
pub fn cookie_name(port: u16) -> String {
    format!("xmc_view_{port}")
}

/// The token of a request: `Authorization: Bearer`, the cookie, or `token` in the address.
pub fn brought(headers: &HeaderMap, query: Option<&str>, port: u16) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    let name = cookie_name(port);
    let cookie = text(header::COOKIE).and_then(|value| {
        let pairs = value.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    });
    let pairs = query.unwrap_or("").split('&').filter_map(|pair| pair.split_once('='));
    let asked = pairs.into_iter().find(|(key, _)| *key == "token").map(|(_, value)| value);
    bearer.or(asked).or(cookie).map(str::to_owned)
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
}
