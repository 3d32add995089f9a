//! Keeping checkpoints: a file to which they are appended, and the rule of what may follow what.
//!
//! The file is all that a witness has. It only grows: `chattr +a`, or a disk of another machine
//! that this one may only append to, makes that true for everybody. A write that a crash tore is
//! marked and passed over.

use super::{Request, WitnessError};
use crate::audit::checkpoint::Checkpoint;
use crate::audit::note::{Note, SignatureLine, SignerKey};
use crate::audit::notes::Notes;
use crate::journal::tree::check_consistency;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Ends what a torn write left, so that it reads as nothing: a blank stands in no hash, size or
/// signature.
const TORN: &str = " torn\n\n";

/// The checkpoints that a witness has kept.
#[derive(Debug)]
pub struct Kept {
    file: File,
    last: BTreeMap<String, Checkpoint>,
    /// When something was signed last.
    last_time_s: u64,
    key: Option<SignerKey>,
}

/// Why a checkpoint is not kept.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The one before was of another size.
    #[error("the last checkpoint that was kept has {has} records")]
    OldSize {
        /// Of which.
        has: u64,
    },
    /// It is smaller than the one that it is said to follow.
    #[error("{size} records cannot follow {old_size}")]
    Shrinks {
        /// The one before.
        old_size: u64,
        /// This one.
        size: u64,
    },
    /// As many records as before, and another root.
    #[error("{0} records were kept with another root: two journals were signed")]
    SplitView(u64),
    /// It does not begin with what was seen.
    #[error("the journal is not a continuation of what was seen: {0}")]
    Inconsistent(#[from] crate::journal::tree::ProofError),
    /// The file.
    #[error("cannot be kept: {0}")]
    Io(#[from] io::Error),
}

impl Kept {
    /// Goes on with the file at `path`. With a key, what is kept is signed.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn open(path: &Path, key: Option<SignerKey>) -> io::Result<Self> {
        let mut file = OpenOptions::new().append(true).read(true).create(true).open(path)?;
        let own = key.as_ref().map(SignerKey::verifier);
        let mut last = BTreeMap::new();
        let mut last_time_s = 0;
        for note in Notes::new(BufReader::new(&file)) {
            let Ok(note) = Note::parse(&note?.1) else { continue };
            let signed = note.signed_by(own.as_slice()).unwrap_or_default();
            last_time_s = signed.iter().filter_map(|by| by.time_s).fold(last_time_s, u64::max);
            if let Ok(checkpoint) = Checkpoint::parse(&note.text) {
                last.insert(checkpoint.origin.clone(), checkpoint);
            }
        }
        if !is_ended(&mut file)? {
            file.write_all(TORN.as_bytes())?;
        }
        Ok(Self { file, last, last_time_s, key })
    }

    /// The last checkpoint of a journal.
    #[must_use]
    pub fn last(&self, origin: &str) -> Option<&Checkpoint> {
        self.last.get(origin)
    }

    /// Keeps a checkpoint whose signatures were checked, if it follows what was kept; it is on the
    /// disk when this returns. What the witness's key signed, if it has one.
    ///
    /// # Errors
    /// See `Refusal`.
    pub fn add(&mut self, request: &Request, now_s: u64) -> Result<Vec<SignatureLine>, Refusal> {
        let Request { old_size, proof, note, checkpoint } = request;
        let last = self.last.get(&checkpoint.origin);
        let has = last.map_or(0, |last| last.size);
        let (old_size, size) = (*old_size, checkpoint.size);
        if old_size > size {
            return Err(Refusal::Shrinks { old_size, size });
        }
        if old_size != has {
            return Err(Refusal::OldSize { has });
        }
        if let Some(last) = last {
            if size == last.size && checkpoint.root != last.root {
                return Err(Refusal::SplitView(size));
            }
            check_consistency(last.size, &last.root, size, &checkpoint.root, proof)?;
        }
        // A clock that goes back does not make a later checkpoint look like an earlier one.
        self.last_time_s = self.last_time_s.max(now_s);
        let time_s = self.last_time_s;
        let signed: Vec<_> = self.key.iter().map(|key| key.sign(&note.text, time_s)).collect();
        let mut kept = note.clone();
        kept.signatures.extend(signed.iter().cloned());
        self.file.write_all(format!("{kept}\n").as_bytes())?;
        self.file.sync_data()?;
        self.last.insert(checkpoint.origin.clone(), checkpoint.clone());
        Ok(signed)
    }
}

/// Whether what was written last is whole: a note and the blank line behind it.
fn is_ended(file: &mut File) -> io::Result<bool> {
    let len = file.seek(SeekFrom::End(0))?;
    if len < 2 {
        return Ok(len == 0);
    }
    let mut end = [0; 2];
    file.seek(SeekFrom::End(-2))?;
    file.read_exact(&mut end)?;
    Ok(end == *b"\n\n")
}

impl From<Refusal> for WitnessError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::OldSize { has } => Self::Has(has),
            Refusal::Io(error) => error.into(),
            other => Self::Contradicts(other.to_string()),
        }
    }
}
