//! Why an engine does not run, or stopped by itself.

use crate::engine::core::PlaceError;
use crate::engine::hours::HoursError;
use crate::engine::sessions::BookError;
use crate::engine::threads::ThreadError;
use crate::engine::wire::WireError;
use crate::journal::JournalError;
use crate::journal::shm::ShmError;
use std::io;
use xmc_hotpath::record::frame::FrameError;

/// Why an engine does not run, or stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The record ring.
    #[error(transparent)]
    Ring(#[from] ShmError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The stages do not fit together.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A thread is not where it should be.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// A thread cannot be made.
    #[error(transparent)]
    Thread(#[from] ThreadError),
    /// The topology does not run a stage.
    #[error("no executor of the topology runs {0}: add it to the stages of one")]
    NotRun(String),
    /// The journal cannot be followed.
    #[error("cannot follow the journal in {directory}: {source}")]
    Follow {
        /// Where.
        directory: String,
        /// Why.
        source: io::Error,
    },
    /// The journal holds something that is no record.
    #[error("record {seq_no} of the journal cannot be read ({fault:?}): run `xmc audit verify`")]
    Record {
        /// The last one that could.
        seq_no: u64,
        /// What is wrong.
        fault: FrameError,
    },
    /// The hours of what is traded.
    #[error(transparent)]
    Hours(#[from] HoursError),
    /// What is known of order sessions cannot be kept.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The configuration's commands are more than the control ring holds.
    #[error("the control ring is full: the desk does not read it")]
    Control,
}
