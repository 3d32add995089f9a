//! Keys of checkpoints in files: made, read, and refused when others could have read them too.
//!
//! A file holds one line of text, as `note` writes keys. One that signs is readable by its owner
//! alone; its public half lies beside it, for auditors and witnesses.

use super::note::{KeyError, Purpose, SignerKey, VerifierKey};
use crate::config::SecretSource;
use crate::secret::{Secret, SecretError};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What stands behind the name of a key's file for its public half.
const PUBLIC: &str = "pub";
/// Only the owner reads and writes.
const OWNER_ONLY: u32 = 0o600;
/// Where random bytes come from.
const RANDOM: &str = "/dev/urandom";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// What is there is no key.
    #[error("{place}: {source}")]
    Key {
        /// Where.
        place: String,
        /// Why not.
        source: KeyError,
    },
    /// The file system.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A key for another purpose.
    #[error("{place} holds the key of a {found}, and that of a {wanted} is needed")]
    Purpose {
        /// Where.
        place: String,
        /// Whose it is.
        found: &'static str,
        /// Whose it should be.
        wanted: &'static str,
    },
}

/// A new key of that name from the system's random numbers.
///
/// # Errors
/// `Key` if the name cannot be one, `Io` if there are no random numbers.
pub fn generate(name: &str, purpose: Purpose) -> Result<SignerKey, KeyFileError> {
    let mut seed = [0; 32];
    let random = |source| KeyFileError::Io { path: RANDOM.into(), source };
    File::open(RANDOM).and_then(|mut file| file.read_exact(&mut seed)).map_err(random)?;
    let wrong = |source| KeyFileError::Key { place: "the name".to_owned(), source };
    SignerKey::new(name, purpose, &seed).map_err(wrong)
}

/// Writes a key to `path`, for its owner alone, and its public half beside it; where that lies.
/// What is there already stays.
///
/// # Errors
/// `Io`.
pub fn write(path: &Path, key: &SignerKey) -> Result<PathBuf, KeyFileError> {
    let public = public_path(path);
    let texts = [(path, OWNER_ONLY, key.reveal()), (&public, 0o644, key.verifier().to_string())];
    for (path, mode, text) in texts {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)
            .and_then(|mut file| {
                writeln!(file, "{text}")?;
                file.sync_all()
            })
            .map_err(|source| KeyFileError::Io { path: path.to_owned(), source })?;
    }
    Ok(public)
}

/// Where the public half of the key in `path` lies.
#[must_use]
pub fn public_path(path: &Path) -> PathBuf {
    path.with_added_extension(PUBLIC)
}

/// Reads a key that signs.
///
/// # Errors
/// See `KeyFileError`.
pub fn read(source: &SecretSource, wanted: Purpose) -> Result<SignerKey, KeyFileError> {
    let secret = Secret::read(source)?;
    let place = source.to_string();
    let wrong = |source| KeyFileError::Key { place: place.clone(), source };
    let key = SignerKey::parse(secret.reveal()).map_err(wrong)?;
    check_purpose(place, key.verifier().purpose(), wanted)?;
    Ok(key)
}

/// The public key that `text` is, or that lies in the file that it names.
///
/// # Errors
/// See `KeyFileError`.
pub fn public(text: &str, wanted: Purpose) -> Result<VerifierKey, KeyFileError> {
    let path = Path::new(text);
    let (place, found) = match VerifierKey::parse(text) {
        Err(_) if path.exists() => {
            let read = fs::read_to_string(path)
                .map_err(|source| KeyFileError::Io { path: path.to_owned(), source })?;
            (format!("file {text}"), VerifierKey::parse(read.trim()))
        }
        found => (format!("{text:?}"), found),
    };
    let key = found.map_err(|source| KeyFileError::Key { place: place.clone(), source })?;
    check_purpose(place, key.purpose(), wanted)?;
    Ok(key)
}

fn check_purpose(place: String, found: Purpose, wanted: Purpose) -> Result<(), KeyFileError> {
    let word = |purpose| match purpose {
        Purpose::Log => "log",
        Purpose::Witness => "witness",
    };
    if found == wanted {
        return Ok(());
    }
    Err(KeyFileError::Purpose { place, found: word(found), wanted: word(wanted) })
}
