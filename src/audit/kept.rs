//! The configuration that a run was made under, kept beside its record.
//!
//! A record holds numbers; what they are called, and from which terms a coefficient came, is in the
//! configuration. Its files lie beside the journal under the SHA-256 that the run's start names, so
//! they are as good as the record: text that does not give that digest is not used. Written when a
//! run begins, by `engine::recording`; read by whoever explains the record.

use crate::config::{self, Configuration, Invalid, SourceFile, Sources};
use crate::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What is in the file, and in which version.
const SCHEMA: &str = "xmc.configuration";
const VERSION: u32 = 1;

/// Why a kept configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The file system, or what is in the file is not what was written.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is another configuration than its name says.
    #[error(
        "{} was changed: its text does not give the digest that the run's start has in the record",
        path.display()
    )]
    Changed {
        /// Which file.
        path: PathBuf,
    },
    /// It was written for another version of this program.
    #[error(
        "{} does not keep this program's rules any more:\n{}", path.display(), why.render(false)
    )]
    Rules {
        /// Which file.
        path: PathBuf,
        /// Which rules.
        why: Box<Invalid>,
    },
}

#[derive(Serialize, Deserialize)]
struct Kept {
    schema: String,
    version: u32,
    files: Vec<File>,
}

#[derive(Serialize, Deserialize)]
struct File {
    path: PathBuf,
    text: String,
}

/// Where the configuration of that digest is kept.
#[must_use]
pub fn path(directory: &Path, digest: &[u8; 32]) -> PathBuf {
    let front = hex::show(&digest[..8]);
    directory.join(format!("configuration.{front}.json"))
}

/// Keeps `sources` in `directory`, unless they are there. A file of that name that holds something
/// else is put right.
///
/// # Errors
/// Whatever the file system says.
pub fn keep(directory: &Path, sources: &Sources) -> io::Result<()> {
    let path = path(directory, &sources.digest());
    let file = |file: &SourceFile| File { path: file.path.clone(), text: file.text.clone() };
    let files = sources.files().iter().map(file).collect();
    let kept = Kept { schema: SCHEMA.to_owned(), version: VERSION, files };
    let bytes = serde_json::to_vec_pretty(&kept)?;
    if fs::read(&path).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    // Whole or not there: a reader may look at any moment.
    let unfinished = path.with_extension("new");
    fs::write(&unfinished, bytes)?;
    fs::rename(unfinished, path)
}

/// The configuration of that digest; `None` if none is kept.
///
/// # Errors
/// See `KeptError`.
pub fn find(directory: &Path, digest: &[u8; 32]) -> Result<Option<Configuration>, KeptError> {
    let path = path(directory, digest);
    let io_error = |source| KeptError::Io { path: path.clone(), source };
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(error)),
    };
    let kept: Kept =
        serde_json::from_slice(&bytes).map_err(|error| io_error(io::Error::from(error)))?;
    if kept.schema != SCHEMA || kept.version != VERSION || digest_of(&kept.files) != *digest {
        return Err(KeptError::Changed { path });
    }
    let file = |file: File| SourceFile { path: file.path, text: file.text };
    match config::load_files(kept.files.into_iter().map(file).collect()) {
        Ok(configuration) => Ok(Some(configuration)),
        Err(why) => Err(KeptError::Rules { path, why: Box::new(why) }),
    }
}

/// As `Sources::digest` has it: recomputed here, because the text is not trusted yet.
fn digest_of(files: &[File]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for file in files {
        hash.update((file.text.len() as u64).to_le_bytes());
        hash.update(file.text.as_bytes());
    }
    hash.finalize().into()
}
