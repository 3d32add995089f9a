//! The other end of the control socket: asks once, reads the answer.

use super::reply::{Answer, Status};
use serde::de::DeserializeOwned;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What asks how the engine stands.
pub const STATUS: &str = "xmc-status/v1\n";
/// How long an answer may take: longer than the engine waits for its own record.
const PATIENCE: Duration = Duration::from_secs(10);
/// No answer is longer.
const MOST_BYTES: u64 = 1 << 22;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error(
        "no engine answers at {}: {source}. Is it running, has its configuration [control], and is \
         this its user?",
        path.display()
    )]
    Connect {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The connection.
    #[error(
        "the engine at {} was asked and has not answered ({source}): whether it was done, \
         `xmc control status` and the record say",
        path.display()
    )]
    Io {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Something else answers.
    #[error("what answers at {} is not an engine of this version: {source}", path.display())]
    Shape {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// Gives a signed command.
///
/// # Errors
/// See `ClientError`.
pub fn give(path: &Path, request: &str) -> Result<Answer, ClientError> {
    ask(path, request)
}

/// Asks how the engine stands.
///
/// # Errors
/// See `ClientError`.
pub fn status(path: &Path) -> Result<Status, ClientError> {
    ask(path, STATUS)
}

fn ask<T: DeserializeOwned>(path: &Path, request: &str) -> Result<T, ClientError> {
    let at = || path.to_owned();
    let mut stream =
        UnixStream::connect(path).map_err(|source| ClientError::Connect { path: at(), source })?;
    let bytes = exchange(&mut stream, request.as_bytes());
    let bytes = bytes.map_err(|source| ClientError::Io { path: at(), source })?;
    serde_json::from_slice(&bytes).map_err(|source| ClientError::Shape { path: at(), source })
}

fn exchange(stream: &mut UnixStream, request: &[u8]) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    stream.shutdown(Shutdown::Write)?;
    let mut bytes = Vec::new();
    stream.take(MOST_BYTES).read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}
