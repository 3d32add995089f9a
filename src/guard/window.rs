//! Maintenance that people have announced: for so long an engine may stop however it does.
//!
//! A file in the guard's directory that its owner alone can write; it ends by itself.

use crate::replace::replace;
use serde::{Deserialize, Serialize};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The file's name.
const NAME: &str = "maintenance.json";
/// No window is longer: seconds.
pub const MOST_S: u64 = 4 * 3_600;
const OWNER_ONLY: u32 = 0o600;
/// Who else may do what with the file.
const OTHERS: u32 = 0o077;

/// A window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// From when on, UTC in nanoseconds since 1970.
    pub from_ns: u64,
    /// Until when.
    pub until_ns: u64,
    /// Who has announced it.
    pub by: String,
    /// Why.
    pub reason: String,
}

fn path(directory: &Path) -> PathBuf {
    directory.join(NAME)
}

impl Window {
    /// Announces it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn announce(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)?;
        let path = path(directory);
        replace(&path, &serde_json::to_vec(self).unwrap_or_default())?;
        fs::set_permissions(&path, Permissions::from_mode(OWNER_ONLY))
    }

    /// Ends it early.
    ///
    /// # Errors
    /// What the file system says.
    pub fn end(directory: &Path) -> io::Result<()> {
        match fs::remove_file(path(directory)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// The window that holds at `now_ns`. One that others can write, that is another user's, too
    /// long, or no window is none.
    #[must_use]
    pub fn of(directory: &Path, now_ns: u64) -> Option<Self> {
        let path = path(directory);
        let told = fs::metadata(&path).ok()?;
        let owner = rustix::process::geteuid().as_raw();
        let is_ours = told.uid() == owner || told.uid() == 0;
        if !is_ours || told.mode() & OTHERS != 0 {
            return None;
        }
        let window: Self = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        let length = window.until_ns.checked_sub(window.from_ns)?;
        let is_bounded = length <= MOST_S * 1_000_000_000;
        (is_bounded && (window.from_ns..window.until_ns).contains(&now_ns)).then_some(window)
    }
}
