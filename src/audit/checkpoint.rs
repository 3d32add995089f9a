//! A checkpoint: how many records a journal has, and the root of the tree over them, to be signed.
//!
//! The text is C2SP's `tlog-checkpoint`: the origin, which is the name of the log's key, the size
//! in decimal, the root in base 64. Lines behind these are kept and say nothing.

use super::base64;
use super::note::{Note, SignerKey};
use crate::journal::segment::Hash;
use std::fmt;

/// What a journal was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which journal: the name of its key.
    pub origin: String,
    /// Records, over all runs of the desk.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

/// Why a text is no checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Fewer than three lines, or an empty one.
    #[error("a checkpoint has at least three lines, none empty: origin, size, root")]
    Lines,
    /// The size.
    #[error("{0:?} is not the size of a tree: a decimal number without zeros in front")]
    Size(String),
    /// The root.
    #[error("{0:?} is not the root of a tree: 32 bytes in base 64")]
    Root(String),
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, size, root } = self;
        write!(f, "{origin}\n{size}\n{}\n", base64::encode(root))
    }
}

impl Checkpoint {
    /// Reads the text of a note.
    ///
    /// # Errors
    /// See `CheckpointError`.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let lines = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        if lines.split('\n').any(str::is_empty) {
            return Err(CheckpointError::Lines);
        }
        let mut lines = lines.split('\n');
        let [Some(origin), Some(size), Some(root)] = [lines.next(), lines.next(), lines.next()]
        else {
            return Err(CheckpointError::Lines);
        };
        Ok(Self {
            origin: origin.to_owned(),
            size: decimal(size).ok_or_else(|| CheckpointError::Size(size.to_owned()))?,
            root: base64::decode_hash(root)
                .ok_or_else(|| CheckpointError::Root(root.to_owned()))?,
        })
    }

    /// Signs it.
    #[must_use]
    pub fn sign(&self, keys: &[&SignerKey]) -> Note {
        let text = self.to_string();
        // A log's key signs no time.
        let signatures = keys.iter().map(|key| key.sign(&text, 0)).collect();
        Note { text, signatures }
    }
}

/// A number in the one form that is allowed: no sign, no zeros in front.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
