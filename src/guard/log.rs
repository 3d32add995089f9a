//! What the guard has seen and done, line by line, beside the record: `guard.log`.
//!
//! A line is its CRC-32 and a JSON object, like a line of the alerts' outbox. It is written after
//! what it tells, and what cannot be written is done all the same.

use crate::sealed;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file's name in the guard's directory.
pub const NAME: &str = "guard.log";

/// Something that was seen or done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// When, UTC in nanoseconds since 1970.
    pub at_ns: u64,
    /// Which run; 0 if none is known.
    pub run: u16,
    /// A word: watching, verdict, found, fenced, killed, cancelled, failed, told, lifted ..
    pub event: String,
    /// The rest.
    pub what: Value,
}

/// The file.
#[derive(Clone, Debug)]
pub struct Log(PathBuf);

impl Line {
    /// Of now.
    #[must_use]
    pub fn now(run: u16, event: &str, what: Value) -> Self {
        Self { at_ns: crate::alert::message::now_ns(), run, event: event.to_owned(), what }
    }
}

impl Log {
    /// In the guard's directory.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self(directory.join(NAME))
    }

    /// Appends a line of now; it is on the disk when this returns.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, run: u16, event: &str, what: Value) -> io::Result<()> {
        self.append(&Line::now(run, event, what))
    }

    /// Appends a line; it is on the disk when this returns.
    ///
    /// # Errors
    /// What the file system says.
    pub fn append(&self, line: &Line) -> io::Result<()> {
        let mut file = File::options().append(true).create(true).open(&self.0)?;
        // At once: two guards never write, a person's command beside one may.
        file.write_all(sealed::text(line).as_bytes())?;
        file.sync_data()
    }

    /// All lines that are whole, the oldest first, and how many are not.
    ///
    /// # Errors
    /// What the file system says; no file is no lines.
    pub fn read(&self) -> io::Result<(Vec<Line>, usize)> {
        let bytes = match std::fs::read(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let (mut whole, mut damaged) = (Vec::new(), 0);
        for line in lines {
            match sealed::parse(line) {
                Some(line) => whole.push(line),
                None => damaged += 1,
            }
        }
        Ok((whole, damaged))
    }
}
