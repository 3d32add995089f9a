//! Secrets: read from where the configuration says they lie, when they are used, and never shown.
//!
//! Called by the cold side before a logon. Not here: what a secret is (a key, a password).

use crate::config::SecretSource;
use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// The longest secret that is read.
const MOST_BYTES: usize = 4_096;

/// A secret in memory. `Debug` does not show it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
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
    /// The variable is not set.
    #[error("the variable {0} is not set, or is no text: set it to the secret before the start")]
    Variable(String),
    /// Nothing is there, or too much, or no line of text.
    #[error("{0} has no secret: one line of 1 to 4096 printable characters must stand there")]
    Shape(SecretSource),
}

impl Secret {
    /// A secret that is known already, as a test's or a demonstration's.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Reads a secret; blanks around it are not part of it.
    ///
    /// # Errors
    /// See `SecretError`.
    pub fn read(source: &SecretSource) -> Result<Self, SecretError> {
        let text = match source {
            SecretSource::File(path) => std::fs::read_to_string(path)
                .map_err(|source| SecretError::File { path: path.clone(), source })?,
            SecretSource::Environment(variable) => {
                std::env::var(variable).map_err(|_| SecretError::Variable(variable.clone()))?
            }
        };
        let secret = text.trim();
        let is_plain = secret.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if secret.is_empty() || secret.len() > MOST_BYTES || !is_plain {
            return Err(SecretError::Shape(source.clone()));
        }
        Ok(Self(secret.to_owned()))
    }

    /// Reads a secret that nobody but its owner may be able to read: a key that signs.
    ///
    /// # Errors
    /// See `SecretError`.
    pub fn read_owned(source: &SecretSource) -> Result<Self, SecretError> {
        if let SecretSource::File(path) = source {
            let found = std::fs::metadata(path)
                .map_err(|source| SecretError::File { path: path.clone(), source })?;
            let mode = found.mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(SecretError::Open { path: path.clone(), mode });
            }
        }
        Self::read(source)
    }

    /// The secret itself, for the one place that uses it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}
