//! What the guard must remember when it is killed, in a small file beside the record that is
//! replaced as a whole: which run it has watched, and how far it is with one that failed.
//!
//! A step is handed to the disk before it is done (`disk`). A guard that starts and finds a case
//! goes on with it; to fence, kill and cancel twice does no harm.

use crate::clock::Source;
use crate::counters::Run;
use crate::replace::replace;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use xmc_hotpath::message::{DeskId, DeskIdentity, SiteId};
use xmc_hotpath::time::{TickScale, UnixNs};

/// The file's name.
const NAME: &str = "guard.json";

/// Why nothing is remembered.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The disk.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Somebody has changed it.
    #[error(
        "{} is not what a guard has written ({source}): see at the venues whether orders live, \
         then remove it",
        path.display()
    )]
    Shape {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// A run, by what tells its process from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The site.
    pub site: u8,
    /// The desk.
    pub desk: u8,
    /// Which start of it.
    pub run: u16,
    /// The process.
    pub pid: u32,
    /// When it began, in the kernel's ticks since the boot; 0 if not known.
    pub began: u64,
    /// The boot of the host, digested; 0 if not known.
    pub boot: u64,
}

impl Process {
    /// Of a run.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let DeskIdentity { site, desk, run: number } = run.identity;
        let (pid, began, boot) = (run.pid, run.process_began, run.boot);
        Self { site: site.0, desk: desk.0, run: number, pid, began, boot }
    }

    /// Enough of the run to find its process.
    #[must_use]
    pub fn run(&self) -> Run {
        let identity =
            DeskIdentity { site: SiteId(self.site), desk: DeskId(self.desk), run: self.run };
        Run {
            identity,
            pid: self.pid,
            process_began: self.began,
            boot: self.boot,
            started: UnixNs(0),
            scale: TickScale { origin_ticks: 0, ns_per_tick_q32: 0 },
            source: Source::System,
        }
    }
}

/// How far a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It is about to be fenced and killed.
    Found,
    /// Its process was killed, or could not be: orders are about to be cancelled.
    Killed,
    /// Every gateway has answered, or was given up.
    Done,
}

/// What has come of the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ProcessEnd {
    /// It was not tried yet.
    Waiting,
    /// It is gone.
    Gone,
    /// It was killed and waits for a device: it runs nothing more.
    Lingers,
    /// It could not be killed, and may send again.
    Failed {
        /// Why.
        why: String,
    },
}

impl ProcessEnd {
    /// Nothing more is sent by it.
    #[must_use]
    pub const fn is_silent(&self) -> bool {
        matches!(self, Self::Gone | Self::Lingers)
    }
}

/// What has come of a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Outcome {
    /// It has not answered yet.
    Waiting,
    /// The venue has confirmed that nothing lives.
    Cancelled {
        /// Orders that were cancelled; 0: nothing was live.
        orders: u32,
        /// By which session.
        by: String,
        /// From when it was found to the venue's word, ms.
        after_ms: u64,
    },
    /// It did not confirm in time.
    Failed {
        /// Why the last attempt failed.
        why: String,
    },
}

/// One gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayCase {
    /// Its name.
    pub name: String,
    /// What has come of it.
    pub outcome: Outcome,
}

/// An engine that failed, and what was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Which.
    pub process: Process,
    /// What was found.
    pub why: String,
    /// When, UTC in nanoseconds since 1970.
    pub found_ns: u64,
    /// How far it is.
    pub phase: Phase,
    /// What has come of its process.
    pub end: ProcessEnd,
    /// Its fence is on the disk.
    pub is_fenced: bool,
    /// What was not on the disk yet when its process was killed.
    pub unwritten: Vec<String>,
    /// What could not be done on the way: the fence, the kill, the lease.
    pub troubles: Vec<String>,
    /// Every gateway that leads out of the engine.
    pub gateways: Vec<GatewayCase>,
    /// The code of the alert that says what came of it; empty: nobody was told.
    pub told: String,
    /// Sinks of alerts that have not taken it yet.
    pub untold: Vec<String>,
    /// People have lifted the fence before it was done: nobody goes on with it.
    #[serde(default)]
    pub is_lifted: bool,
}

impl Case {
    /// Its desk is shut, its process sends nothing more, and every venue has said that nothing
    /// lives.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.phase == Phase::Done
            && self.is_fenced
            && self.end.is_silent()
            && self.gateways.iter().all(|one| matches!(one.outcome, Outcome::Cancelled { .. }))
    }
}

/// All that is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The last run that was seen alive.
    pub watched: Option<Process>,
    /// The last that failed.
    pub case: Option<Case>,
    /// The last that ended in announced maintenance.
    #[serde(default)]
    pub excused: Option<Process>,
}

impl State {
    /// What is remembered in the guard's directory; nothing if there is nothing.
    ///
    /// # Errors
    /// See `StateError`.
    pub fn read(directory: &Path) -> Result<Self, StateError> {
        let path = directory.join(NAME);
        match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(StateError::Io { what: "read", path, source }),
            Ok(text) => {
                serde_json::from_slice(&text).map_err(|source| StateError::Shape { path, source })
            }
        }
    }

    /// Replaces it; it is on the disk when this returns.
    ///
    /// # Errors
    /// `Io`.
    pub fn write(&self, directory: &Path) -> Result<(), StateError> {
        let path = directory.join(NAME);
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        replace(&path, &text).map_err(|source| StateError::Io { what: "write", path, source })
    }
}
