//! What is known of a gateway's sessions, on the disk: written when one begins and when one ends.
//!
//! One small file for each gateway beside the journal, replaced as a whole. A process that is
//! killed leaves what was written when its session began, so that all of that session is asked for
//! again; what was told already is not counted twice. Called by `sessions` and before a run.

use crate::replace::replace;
use crate::venue::cme::ilink3::resume::Known;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The disk.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else has written it.
    #[error(
        "{} is no record of sessions ({source}): ask the venue what it has sent this week, then \
         remove the file",
        path.display()
    )]
    Shape {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// The file of one gateway.
#[derive(Clone, Debug)]
pub struct SessionBook(PathBuf);

impl SessionBook {
    /// Of a gateway whose journal is in `directory`.
    #[must_use]
    pub fn new(directory: &Path, gateway: &str) -> Self {
        Self(directory.join(format!("sessions_{gateway}.json")))
    }

    fn io(&self, what: &'static str) -> impl FnOnce(io::Error) -> BookError {
        let path = self.0.clone();
        move |source| BookError::Io { what, path, source }
    }

    /// What is known, the newest session last; nothing if there is no file.
    ///
    /// # Errors
    /// See `BookError`.
    pub fn read(&self) -> Result<Vec<Known>, BookError> {
        let text = match fs::read(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            read => read.map_err(self.io("read"))?,
        };
        serde_json::from_slice(&text)
            .map_err(|source| BookError::Shape { path: self.0.clone(), source })
    }

    /// Replaces what is known; it is on the disk when this returns.
    ///
    /// # Errors
    /// `Io`.
    pub fn write(&self, known: &[Known]) -> Result<(), BookError> {
        let text = serde_json::to_vec(known).expect("numbers are JSON");
        replace(&self.0, &text).map_err(self.io("write"))
    }
}
