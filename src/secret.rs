//! Secrets: read from where the configuration says they lie, when they are used, and never shown.
//!
//! They lie in files that their owner alone may read, or among the credentials that systemd hands
//! to a service (`LoadCredential=`). They are read anew each time, so that they can be changed
//! while the engine runs, and overwritten in memory as soon as they have been used. Called by the
//! cold side before a logon. Not here: what a secret is (a key, a password).

use crate::config::SecretSource;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Where systemd puts the credentials of a service (systemd.exec(5), "Credentials").
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// The longest secret that is read.
const MOST_BYTES: usize = 4_096;

/// A secret in memory, which is overwritten when it is dropped. `Debug` does not show it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Whether two texts are the same, in a time that does not say where they differ.
#[must_use]
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    let differ = one.iter().zip(other).fold(0, |differ, (one, other)| differ | (one ^ other));
    differ == 0 && one.len() == other.len()
}

/// Why a secret could not be read. None of these shows any of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file is not there or not ours.
    #[error(
        "the secret in {} cannot be read: {source}; check the path and who may read it",
        path.display()
    )]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others than the owner may read the file.
    #[error(
        "the secret in {} is open to others (mode {mode:03o}): let its owner alone read it \
         (chmod 600), and take a new one if somebody may have read it",
        path.display()
    )]
    Open {
        /// Which.
        path: PathBuf,
        /// Who may do what with it.
        mode: u32,
    },
    /// The process was not started by systemd, or without credentials.
    #[error(
        "there are no credentials to find {0} among: start the service with \
         LoadCredential={0}:PATH, or say in which file the secret lies"
    )]
    NoCredentials(String),
    /// The process may not keep its memory to itself.
    #[error("no secret is read, since core images of this process cannot be forbidden: {0}")]
    Memory(io::Error),
    /// Nothing is there, or too much, or no line of text.
    #[error("{0} has no secret: one line of 1 to 4096 printable characters must stand there")]
    Shape(SecretSource),
}

impl Secret {
    /// A secret that is known already, as a test's or a demonstration's.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Reads a secret that nobody but the owner of its file may be able to read; blanks around it
    /// are not part of it. From then on no core image is written of this process.
    ///
    /// # Errors
    /// See `SecretError`.
    pub fn read(source: &SecretSource) -> Result<Self, SecretError> {
        let path = match source {
            SecretSource::File(path) => path.clone(),
            SecretSource::Credential(name) => {
                let directory = std::env::var_os(CREDENTIALS);
                let directory =
                    directory.ok_or_else(|| SecretError::NoCredentials(name.clone()))?;
                PathBuf::from(directory).join(name)
            }
        };
        shut_memory().map_err(SecretError::Memory)?;
        let bytes = read_owned(&path)?;
        let secret = std::str::from_utf8(&bytes).unwrap_or_default().trim();
        let is_plain = secret.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if secret.is_empty() || secret.len() > MOST_BYTES || !is_plain {
            return Err(SecretError::Shape(source.clone()));
        }
        Ok(Self::new(secret))
    }

    /// The secret itself, for the one place that uses it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What a file holds that its owner alone may read, as far as it can be a secret. Read at once into
/// memory that is overwritten when it is given back, so that no copy stays behind.
fn read_owned(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let failed = |source| SecretError::File { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SecretError::Open { path: path.to_owned(), mode });
    }
    // Blanks around it may be there too.
    let mut bytes = Zeroizing::new(vec![0; 2 * MOST_BYTES]);
    let mut len = 0;
    while len < bytes.len() {
        match file.read(&mut bytes[len..]).map_err(failed)? {
            0 => break,
            read => len += read,
        }
    }
    bytes.truncate(len);
    Ok(bytes)
}

/// Keeps the memory of this process to itself: no core image is written of it, and nobody but root
/// may look into it (`prctl(2)`, `PR_SET_DUMPABLE`).
fn shut_memory() -> io::Result<()> {
    let nothing = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, nothing)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}
