//! A lock on a file that ends with its owner.
//!
//! Closing the file is not enough for that: the lock belongs to the open file, and a child process
//! that another thread is just starting has a copy of it until it runs its program.

use std::fs::{File, TryLockError};
use std::ops::Deref;

/// A file that is locked for as long as this lives.
#[derive(Debug)]
pub struct Locked(File);

impl Locked {
    /// Locks `file`, without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if somebody else has it, or whatever the file system says.
    pub fn take(file: File) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self(file))
    }
}

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // If this fails the lock ends when the file is closed, which follows.
        let _ = self.0.unlock();
    }
}
