//! The guard's own sign of life: a small file that the engine's alerts and people look at.

use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

/// The file's name in the guard's directory.
const NAME: &str = "beat.json";

/// Between two beats.
pub const EVERY: Duration = Duration::from_millis(500);

/// A sign of life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardBeat {
    /// The guard's process.
    pub pid: u32,
    /// When, UTC in nanoseconds since 1970.
    pub at_ns: u64,
    /// The run that it watches; `None`: there is none.
    pub run: Option<u16>,
    /// What it takes the engine for, in words.
    pub verdict: String,
}

impl GuardBeat {
    /// Replaces the last one. It needs not outlive the host, so nothing waits for the disk.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        let unfinished = directory.join("beat.unfinished");
        fs::write(&unfinished, serde_json::to_vec(self).unwrap_or_default())?;
        fs::rename(&unfinished, directory.join(NAME))
    }

    /// Takes the last one away: nobody watches any more, and nobody is to wait for it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn remove(directory: &Path) -> io::Result<()> {
        fs::remove_file(directory.join(NAME))
    }

    /// The last one; `None` if there is none that can be read.
    #[must_use]
    pub fn read(directory: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(directory.join(NAME)).ok()?).ok()
    }

    /// How old it is at `now_ns`.
    #[must_use]
    pub const fn age(&self, now_ns: u64) -> Duration {
        Duration::from_nanos(now_ns.saturating_sub(self.at_ns))
    }
}
