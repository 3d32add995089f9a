//! How people outside the engine say that they have taken an alert on: a small file each, which the
//! engine's alert thread reads and takes away.
//!
//! Whoever may write into the directory of the record may acknowledge; the name is what was given,
//! and nothing is signed: an acknowledgement allows nothing, it only ends repeats and escalation.
//! While no engine runs, the files wait for the next one.

use crate::replace::replace;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The directory of the files in the directory of alerts.
const SPOOL: &str = "acknowledged";
/// No such file is longer.
const MOST_BYTES: u64 = 4_096;

/// Somebody has taken an alert on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Which.
    pub fingerprint: String,
    /// Who, as was given.
    pub by: String,
    /// When, UTC in nanoseconds since 1970.
    pub at_ns: u64,
}

impl Ack {
    /// Whether it can be one: sixteen hexadecimal digits, and a name that fits a message.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let is_hex = self.fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_word = |sign: char| sign.is_alphanumeric() || " ._-@".contains(sign);
        let len = self.by.chars().count();
        is_hex
            && self.fingerprint.len() == 16
            && (1..=64).contains(&len)
            && self.by.chars().all(is_word)
    }
}

/// Leaves word for the engine whose alerts lie in `directory`.
///
/// # Errors
/// Whatever the file system says.
pub fn leave(directory: &Path, ack: &Ack) -> io::Result<()> {
    let spool = directory.join(SPOOL);
    fs::create_dir_all(&spool)?;
    let json = serde_json::to_vec(ack)?;
    replace(&spool.join(format!("{}-{}.json", ack.fingerprint, ack.at_ns)), &json)
}

/// What was left, and where; what cannot be one is taken away.
///
/// # Errors
/// Whatever the file system says.
pub fn left(directory: &Path) -> io::Result<Vec<(PathBuf, Ack)>> {
    let entries = match fs::read_dir(directory.join(SPOOL)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        // One that is still being written has another name.
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let is_short = fs::metadata(&path).is_ok_and(|told| told.len() <= MOST_BYTES);
        let read = is_short.then(|| fs::read(&path).ok()).flatten();
        let ack = read.and_then(|bytes| serde_json::from_slice::<Ack>(&bytes).ok());
        match ack.filter(Ack::is_plain) {
            Some(ack) => found.push((path, ack)),
            // One that stays is no reason not to read the others.
            None => drop(fs::remove_file(&path)),
        }
    }
    found.sort_by_key(|(_, ack)| ack.at_ns);
    Ok(found)
}
