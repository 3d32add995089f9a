//! Maintenance that people have announced: the stop of one run, within a window, is no failure.
//!
//! A file in the guard's directory that its owner alone can write. It has all windows of the last
//! 24 hours, so that they can be bounded together. A window is for the run that it was announced
//! in: what happens to a later one in the same hours was announced by nobody.

use crate::replace::replace;
use serde::{Deserialize, Serialize};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file's name.
const NAME: &str = "maintenance.json";
/// No window is longer: seconds.
pub const MOST_S: u64 = 4 * 3_600;
/// What windows are bounded in: seconds.
pub const DAY_S: u32 = 86_400;
const S: u64 = 1_000_000_000;
const DAY: u64 = DAY_S as u64 * S;
const OWNER_ONLY: u32 = 0o600;
/// Who else may do what with the file.
const OTHERS: u32 = 0o077;

/// Why a window is not announced.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// There is one.
    #[error(
        "maintenance of run {run} is announced for {left_s} s more: let it end, or end it with \
         --end"
    )]
    Announced {
        /// Of which run.
        run: u16,
        /// Seconds.
        left_s: u64,
    },
    /// There were enough.
    #[error(
        "{wanted_s} s would make {total_s} s of maintenance in 24 hours, and {most_s} s are \
         allowed (maintenance_s of [guard])"
    )]
    TooMuch {
        /// Seconds that are asked for.
        wanted_s: u64,
        /// Seconds with them.
        total_s: u64,
        /// Seconds that are allowed.
        most_s: u64,
    },
    /// The disk.
    #[error("the announcements {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The run whose stop is announced.
    pub run: u16,
    /// From when on, UTC in nanoseconds since 1970.
    pub from_ns: u64,
    /// Until when.
    pub until_ns: u64,
    /// Who has announced it.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Window {
    fn holds(&self, now_ns: u64) -> bool {
        (self.from_ns..self.until_ns).contains(&now_ns)
    }

    fn is_bounded(&self) -> bool {
        self.until_ns.checked_sub(self.from_ns).is_some_and(|length| length <= MOST_S * S)
    }
}

/// All that were announced in the last 24 hours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// The oldest first.
    windows: Vec<Window>,
}

fn path(directory: &Path) -> PathBuf {
    directory.join(NAME)
}

impl Announced {
    /// What the file in the guard's directory says. One that others can write, that is another
    /// user's, or that cannot be read says nothing.
    #[must_use]
    pub fn read(directory: &Path) -> Self {
        let path = path(directory);
        let Ok(told) = fs::metadata(&path) else { return Self::default() };
        let owner = rustix::process::geteuid().as_raw();
        let is_ours = told.uid() == owner || told.uid() == 0;
        if !is_ours || told.mode() & OTHERS != 0 {
            return Self::default();
        }
        let text = fs::read(&path).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn write(&self, directory: &Path) -> Result<(), WindowError> {
        let path = path(directory);
        let write = || {
            fs::create_dir_all(directory)?;
            replace(&path, &serde_json::to_vec(self).unwrap_or_default())?;
            fs::set_permissions(&path, Permissions::from_mode(OWNER_ONLY))
        };
        write().map_err(|source| WindowError::Io { path: path.clone(), source })
    }

    /// What the 24 hours before the end of the last window hold together, ns.
    fn total(&self) -> u64 {
        let end = self.windows.iter().map(|window| window.until_ns).max().unwrap_or(0);
        let from = end.saturating_sub(DAY);
        let inside = |one: &Window| one.until_ns.saturating_sub(one.from_ns.max(from));
        self.windows.iter().map(inside).fold(0, u64::saturating_add)
    }

    /// The window that holds at `now_ns`, of all that are allowed together `most`. One that is too
    /// long, or makes too much of them, is none.
    #[must_use]
    pub fn at(&self, now_ns: u64, most: Duration) -> Option<&Window> {
        let is_allowed = u128::from(self.total()) <= most.as_nanos();
        let window = self.windows.iter().find(|window| window.holds(now_ns));
        window.filter(|window| window.is_bounded() && is_allowed)
    }

    /// Announces another one, which begins at its `from_ns`.
    ///
    /// # Errors
    /// See `WindowError`.
    pub fn announce(directory: &Path, window: Window, most: Duration) -> Result<(), WindowError> {
        let (now_ns, mut all) = (window.from_ns, Self::read(directory));
        if let Some(one) = all.windows.iter().find(|one| one.holds(now_ns)) {
            let left_s = (one.until_ns - now_ns).div_ceil(S);
            return Err(WindowError::Announced { run: one.run, left_s });
        }
        let wanted_s = window.until_ns.saturating_sub(now_ns) / S;
        all.windows.push(window);
        if u128::from(all.total()) > most.as_nanos() {
            let (total_s, most_s) = (all.total() / S, most.as_secs());
            return Err(WindowError::TooMuch { wanted_s, total_s, most_s });
        }
        all.windows.retain(|one| one.until_ns.saturating_add(DAY) > now_ns);
        all.write(directory)
    }

    /// Ends the window that holds at `now_ns`, if one does.
    ///
    /// # Errors
    /// `Io`.
    pub fn end(directory: &Path, now_ns: u64) -> Result<(), WindowError> {
        let mut all = Self::read(directory);
        let Some(window) = all.windows.iter_mut().find(|one| one.holds(now_ns)) else {
            return Ok(());
        };
        window.until_ns = now_ns;
        all.write(directory)
    }
}
