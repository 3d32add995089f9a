//! Why an auditor gets no answer: there is nothing to look at.

use crate::journal::disk;
use crate::journal::reader::Fault;
use std::io;
use std::path::PathBuf;

/// Why a journal could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum CouldNotRun {
    /// The file system.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is something else.
    #[error("{}: {fault}", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What it is not.
        fault: Fault,
    },
    /// There is nothing there.
    #[error(
        "no segments (NNNNNNNN.{}) in {}: name the journal's directory or one segment",
        disk::EXTENSION,
        path.display()
    )]
    NoSegments {
        /// Where.
        path: PathBuf,
    },
}
