//! A place that takes messages over HTTP: its address, which is a secret because it may hold a
//! token, and what it answers.
//!
//! Both secrets are read anew for each message, so that they can be changed while the engine runs.
//! No error of the library is passed on as it is, and no answer: they may hold the address.

use super::SendError;
use crate::config::SecretSource;
use crate::secret::{Secret, SecretError};
use std::io::ErrorKind;
use std::net::IpAddr;
use std::time::Duration;
use ureq::http::Uri;

/// An answer that is longer says nothing to us.
const MOST_ANSWER_BYTES: u64 = 1 << 16;
/// Characters of an answer that people are shown.
const MOST_SHOWN: usize = 160;
/// The longest that a receiver is left alone because it asked for it.
const MOST_PATIENCE: Duration = Duration::from_secs(600);
/// A part of an address that is shorter is no token.
const LEAST_TOKEN: usize = 6;

/// Why there is no such place. None of these shows a secret.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// A secret.
    #[error("alert sink {sink}: {source}")]
    Secret {
        /// Of which sink.
        sink: String,
        /// Why.
        source: SecretError,
    },
    /// The address.
    #[error(
        "alert sink {sink}: what lies in {source_of} is no address that alerts are sent to: write \
         https://HOST/PATH there, or http:// with an address of this host or of a private network"
    )]
    Address {
        /// Of which sink.
        sink: String,
        /// Where it lies.
        source_of: SecretSource,
    },
    /// The proxy.
    #[error("alert sink {0}: `proxy` is no proxy: write http://HOST:PORT")]
    Proxy(String),
}

/// A place.
#[derive(Debug)]
pub struct Target {
    sink: String,
    url: SecretSource,
    secret: Option<SecretSource>,
    agent: ureq::Agent,
}

/// What it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, as far as it is text.
    pub body: String,
    after: Option<Duration>,
}

impl Target {
    /// The place whose address lies in `url`, which is read once to see whether it is one.
    ///
    /// # Errors
    /// See `TargetError`.
    pub fn open(
        sink: &str,
        url: &SecretSource,
        proxy: Option<&str>,
        timeout: Duration,
    ) -> Result<Self, TargetError> {
        let proxy = proxy.map(ureq::Proxy::new).transpose();
        let proxy = proxy.map_err(|_| TargetError::Proxy(sink.to_owned()))?;
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(proxy)
            .user_agent(concat!("xmc/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = config.new_agent();
        let target = Self { sink: sink.to_owned(), url: url.clone(), secret: None, agent };
        target.address()?;
        Ok(target)
    }

    /// The same with what it signs with, which is read once to see whether it is there.
    ///
    /// # Errors
    /// See `TargetError`.
    pub fn with_secret(self, secret: Option<&SecretSource>) -> Result<Self, TargetError> {
        let target = Self { secret: secret.cloned(), ..self };
        target.secret()?;
        Ok(target)
    }

    fn read(&self, source: &SecretSource) -> Result<Secret, TargetError> {
        Secret::read(source)
            .map_err(|source| TargetError::Secret { sink: self.sink.clone(), source })
    }

    /// Its address.
    fn address(&self) -> Result<Secret, TargetError> {
        let url = self.read(&self.url)?;
        if is_address(url.reveal()) {
            return Ok(url);
        }
        Err(TargetError::Address { sink: self.sink.clone(), source_of: self.url.clone() })
    }

    /// What it signs with, if it signs.
    ///
    /// # Errors
    /// See `TargetError`.
    pub fn secret(&self) -> Result<Option<Secret>, TargetError> {
        self.secret.as_ref().map(|source| self.read(source)).transpose()
    }

    /// Posts JSON to the address with `more` behind it; what was answered with a status below 300.
    ///
    /// # Errors
    /// It was not taken.
    pub fn post(
        &self,
        more: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> Result<Answer, SendError> {
        let url = self.address().map_err(|error| SendError::later(error.to_string()))?;
        let whole = Secret::new(join(url.reveal(), more));
        let mut request = self.agent.post(whole.reveal()).content_type("application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let mut answer = request.send(body).map_err(|error| SendError::later(words(&error)))?;
        let status = answer.status().as_u16();
        let after = answer.headers().get("retry-after");
        let after = after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let after = after.map(|seconds| Duration::from_secs(seconds).min(MOST_PATIENCE));
        let text = answer.body_mut().with_config().limit(MOST_ANSWER_BYTES).lossy_utf8(true);
        let body = text.read_to_string().map_err(|error| SendError::later(words(&error)))?;
        let answer = Answer { status, body: shown(&body, &[&whole, &url]), after };
        match status {
            200..300 => Ok(answer),
            // What was asked for is wrong, and will be so again.
            400 | 413 | 415 | 422 => Err(SendError::Refused(answer.words())),
            _ => Err(SendError::Later { why: answer.words(), after: answer.after }),
        }
    }
}

impl Answer {
    /// In a few words.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { status, body, .. } = self;
        let short: String = body.chars().take(MOST_SHOWN).collect();
        if short.is_empty() {
            format!("status {status}")
        } else {
            format!("status {status}: {short}")
        }
    }
}

/// Whether alerts may be sent there: over TLS, or within this host or a private network.
fn is_address(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let Some(host) = uri.host() else { return false };
    let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    let is_near = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            address.is_loopback() || address.is_private() || address.is_link_local()
        }
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
        Err(_) => host == "localhost",
    };
    !has_user
        && match uri.scheme_str() {
            Some("https") => true,
            Some("http") => is_near,
            _ => false,
        }
}

/// An address with a path or more of a query behind it.
fn join(url: &str, more: &str) -> String {
    match more.strip_prefix('&') {
        // Some robots have a query already, some test receivers have none.
        Some(query) if !url.contains('?') => format!("{url}?{query}"),
        Some(_) => format!("{url}{more}"),
        None => format!("{}{more}", url.trim_end_matches('/')),
    }
}

/// What is wrong, in words that hold no address.
fn words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(what) => format!("no answer in time ({what:?})"),
        ureq::Error::HostNotFound => "the host's name is not known".to_owned(),
        ureq::Error::ConnectionFailed => "no connection".to_owned(),
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => {
                "the connection was cut".to_owned()
            }
            ErrorKind::TimedOut | ErrorKind::WouldBlock => "no answer in time".to_owned(),
            kind => format!("no connection ({kind})"),
        },
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => {
            "no TLS session: its certificate or version is not accepted".to_owned()
        }
        ureq::Error::BodyExceedsLimit(_) => "its answer is too long".to_owned(),
        _ => "its answer is no HTTP that can be read".to_owned(),
    }
}

/// A text of somebody else as one line without any part of the secrets.
fn shown(text: &str, secrets: &[&Secret]) -> String {
    let mut text: String =
        text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    for secret in secrets {
        let whole = secret.reveal();
        text = text.replace(whole, "***");
        // The scheme and the host are no secret, whatever stands behind them may be.
        let behind = whole.split_once("://").map_or(whole, |(_, rest)| rest);
        let behind = behind.split_once('/').map_or("", |(_, rest)| rest);
        for token in behind.split(['/', '?', '&', '=', '#']) {
            if token.len() >= LEAST_TOKEN {
                text = text.replace(token, "***");
            }
        }
    }
    text.trim().to_owned()
}
