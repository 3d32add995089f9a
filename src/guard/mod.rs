//! The guard: a process beside an engine that works when the engine does not.
//!
//! It looks at the counters that the engine leaves in shared memory (`sight`), at what the kernel
//! says of threads that are late (`activity`), and judges both (`watch`): healthy, starved, wedged,
//! gone, or ended in order. What is wedged or gone without an orderly end is acted on, in this
//! order (`act`): a fence, so that no engine of the desk starts again (`engine::lease`); the
//! process is killed, known by its start and held by a descriptor (`kill`); then every order is
//! cancelled at every gateway (`cancel`), the guard's own session or the engine's taken over. Each
//! step is handed to the disk before it is done (`state`, `disk`), so that a guard that was killed
//! goes on where it was. People are told (`tell`), and everything is written down (`log`). A stop
//! for maintenance is no failure: the engine says that it ends, or people have announced it
//! (`window`).
//!
//! What it can do it does with what the host still gives it: a disk that refuses or hangs keeps it
//! from writing down, not from killing and cancelling. Deliberately absent: closing positions,
//! deciding whether the engine trades well, starting it again. Called by `xmc guard`.

pub mod act;
pub mod activity;
pub mod beat;
pub mod cancel;
pub mod disk;
pub mod kill;
pub mod log;
pub mod sight;
pub mod standing;
pub mod state;
pub mod tell;
pub mod watch;
pub mod watcher;
pub mod window;

use crate::config::Configuration;
use crate::engine::wire::identity;
use std::path::{Path, PathBuf};
use xmc_hotpath::message::DeskIdentity;

/// The directory of the guard in the directory of a record.
pub const DIRECTORY: &str = "guard";

/// Where everything lies that concerns one desk and its guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The engine's record.
    pub record: PathBuf,
    /// The desk's leases.
    pub leases: PathBuf,
    /// What the guard writes.
    pub guard: PathBuf,
    /// Whose; the run is of no meaning.
    pub identity: DeskIdentity,
}

impl Places {
    /// Of the engine of a configuration, which records to `record` or where that says.
    #[must_use]
    pub fn of(config: &Configuration, record: Option<&Path>) -> Self {
        let record = record.unwrap_or(&config.engine.record_directory).to_owned();
        let leases = config.engine.lease_directory.clone().unwrap_or_else(|| record.clone());
        let guard = record.join(DIRECTORY);
        Self { record, leases, guard, identity: identity(config, 0) }
    }
}
