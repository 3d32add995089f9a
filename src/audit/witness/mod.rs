//! Witnesses: who keeps a journal's checkpoints elsewhere, and takes none back.
//!
//! A witness has seen a journal at some size. It is asked to go on to a larger one, with the proof
//! that nothing of what it saw was changed, and refuses what does not follow: `keep` is that rule,
//! for a file on another machine's disk and for the witness that answers over HTTP (`serve`). The
//! log's side reaches them through `Witness`, each on a thread of its own (`post`), so that a
//! witness that does not answer holds up nobody.
//!
//! Requests and answers are those of C2SP's `tlog-witness`, so that other witnesses fit too.

mod file;
mod http;
pub mod keep;
mod post;
pub mod request;
pub mod serve;

pub use file::FileWitness;
pub use http::HttpWitness;
pub use post::{Answer, Post};
pub use request::Request;

use super::note::SignatureLine;
use crate::journal::tree::ProofError;
use std::io;

/// Somebody who keeps checkpoints.
pub trait Witness: Send {
    /// Asks to keep a checkpoint; what the witness signed, if it signs.
    ///
    /// # Errors
    /// See `WitnessError`.
    fn add(&mut self, request: &Request) -> Result<Vec<SignatureLine>, WitnessError>;
}

/// The word for a witness that has seen another journal.
pub const CONTRADICTS: &str = "contradicts";

/// Why a witness did not keep a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// It does not answer, or its disk does not.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// It saw the journal at another size than was assumed: ask again from there.
    #[error("saw {0} records last")]
    Has(u64),
    /// It has seen another journal: this one was taken back or changed.
    #[error("refuses: {0}")]
    Contradicts(String),
    /// It answers what is no answer, or signs with another key.
    #[error("answers wrongly: {0}")]
    Answer(String),
}

impl WitnessError {
    /// Its word in JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Has(_) => "behind",
            Self::Contradicts(_) => CONTRADICTS,
            Self::Answer(_) => "answers_wrongly",
        }
    }
}

impl From<io::Error> for WitnessError {
    fn from(error: io::Error) -> Self {
        Self::Unreachable(error.to_string())
    }
}

impl From<ProofError> for WitnessError {
    fn from(error: ProofError) -> Self {
        Self::Contradicts(error.to_string())
    }
}
