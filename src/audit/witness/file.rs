//! A witness that is a file in a directory of another machine or disk, mounted here.
//!
//! It has no key: that it was not changed is the promise of whoever owns that directory.

use super::keep::Kept;
use super::{Request, Witness, WitnessError};
use crate::audit::evidence::EXTENSION;
use crate::audit::note::SignatureLine;
use std::fs;
use std::path::{Path, PathBuf};

/// Appends checkpoints to a file.
#[derive(Debug)]
pub struct FileWitness {
    path: PathBuf,
    /// Opened when it is first asked: the mount may come later than the engine.
    kept: Option<Kept>,
}

impl FileWitness {
    /// Keeps checkpoints of the journal `origin` in `directory`.
    #[must_use]
    pub fn new(directory: &Path, origin: &str) -> Self {
        Self { path: directory.join(file_name(origin)), kept: None }
    }
}

/// The name of the file for a journal: its origin, as far as a name can say it.
fn file_name(origin: &str) -> String {
    let plain = |sign: char| if sign.is_ascii_alphanumeric() || sign == '.' { sign } else { '-' };
    let name: String = origin.chars().map(plain).collect();
    format!("{}.{EXTENSION}", name.trim_start_matches('.'))
}

impl Witness for FileWitness {
    fn add(&mut self, request: &Request) -> Result<Vec<SignatureLine>, WitnessError> {
        let kept = match &mut self.kept {
            Some(kept) => kept,
            none => {
                if let Some(directory) = self.path.parent() {
                    fs::create_dir_all(directory)?;
                }
                none.insert(Kept::open(&self.path, None)?)
            }
        };
        let added = kept.add(request, 0).map_err(WitnessError::from);
        if matches!(added, Err(WitnessError::Unreachable(_))) {
            // What of the write is there is not known: look again.
            self.kept = None;
        }
        added
    }
}
