//! What a witness is asked: a signed checkpoint, and the proof from the one that it saw last.
//!
//! The text is the body of C2SP's `add-checkpoint`.

use crate::audit::base64;
use crate::audit::checkpoint::{Checkpoint, CheckpointError, decimal};
use crate::audit::note::{Note, NoteError};
use crate::journal::segment::Hash;
use std::fmt;

/// More hashes than any proof has.
const MOST_HASHES: usize = 63;

/// To keep a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The size that the witness saw last; 0: none.
    pub old_size: u64,
    /// That the checkpoint's tree begins with that one.
    pub proof: Vec<Hash>,
    /// The checkpoint, signed.
    pub note: Note,
    /// What the note says.
    pub checkpoint: Checkpoint,
}

/// Why a text is no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not as it is written.
    #[error("a request is `old SIZE`, hashes, an empty line and a checkpoint")]
    Form,
    /// The note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

impl Request {
    /// Reads a request. Nothing is checked but its form.
    ///
    /// # Errors
    /// See `RequestError`.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        let (front, note) = text.split_once("\n\n").ok_or(RequestError::Form)?;
        let mut lines = front.split('\n');
        let old_size = lines.next().and_then(|line| line.strip_prefix("old "));
        let old_size = old_size.and_then(decimal).ok_or(RequestError::Form)?;
        let proof: Option<Vec<Hash>> = lines.map(base64::decode_hash).collect();
        let proof = proof.filter(|proof| proof.len() <= MOST_HASHES).ok_or(RequestError::Form)?;
        let note = Note::parse(note)?;
        let checkpoint = Checkpoint::parse(&note.text)?;
        Ok(Self { old_size, proof, note, checkpoint })
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        for hash in &self.proof {
            writeln!(f, "{}", base64::encode(hash))?;
        }
        write!(f, "\n{}", self.note)
    }
}
