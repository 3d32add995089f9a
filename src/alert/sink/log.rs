//! The local log: JSON Lines, one for each notice, in a file that is only appended to.
//!
//! It is opened for each message, so that it may be moved away at any time. Above a size it is
//! moved aside once; what was aside before goes. Not synced: the outbox is what survives.

use super::{SendError, Sink};
use crate::alert::message::Message;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that is larger is moved aside.
const MOST_BYTES: u64 = 64 << 20;

/// Appends to a file.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
}

impl Log {
    /// Appends to the file at `path`.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    fn append(&self, text: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        // One write, so that lines of others are not cut in two.
        file.write_all(text.as_bytes())?;
        if file.metadata()?.len() > MOST_BYTES {
            let mut aside = self.path.as_os_str().to_owned();
            aside.push(".1");
            fs::rename(&self.path, aside)?;
        }
        Ok(())
    }
}

impl Sink for Log {
    fn send(&mut self, message: &Message) -> Result<String, SendError> {
        self.append(&message.lines()).map(|()| "written".to_owned()).map_err(|error| {
            SendError::later(format!("cannot write {}: {error}", self.path.display()))
        })
    }
}
