//! Keeps snapshots of a desk that runs, so that the next start is short.
//!
//! They are taken of the shadow, away from the hot core, and written on a thread of their own:
//! neither a slow disk nor a full one holds anything up. If the last one is still being written
//! when the next is due, that one is left out. A snapshot that cannot be written is counted and
//! said; it costs time at the next start and nothing else, because the record is the truth. Called
//! by `live`.

use crate::journal::snapshot::{self, Snapshot};
use serde::Serialize;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::follower::Follower;
use super::live::{LiveError, Watch};

/// What has become of the snapshots of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Snapshots written.
    pub written: u64,
    /// The last input before the newest.
    pub last_seq_no: u64,
    /// Those that could not be written.
    pub failures: u64,
    /// Why the last one could not; `null` if it could.
    pub fault: Option<String>,
}

/// Where figures and snapshots meet.
#[derive(Debug, Default)]
pub(super) struct Published(Mutex<Figures>);

impl Published {
    /// How things stand.
    pub fn figures(&self) -> Figures {
        self.lock().clone()
    }

    /// The body of the thread that writes: until there is nobody to send it any.
    pub fn write_all(&self, directory: &Path, snapshots: &Receiver<Snapshot>) {
        while let Ok(snapshot) = snapshots.recv() {
            self.write(directory, &snapshot);
        }
    }

    /// Writes one, and counts what came of it.
    pub fn write(&self, directory: &Path, snapshot: &Snapshot) {
        let written = snapshot::write(directory, snapshot);
        let mut figures = self.lock();
        match written {
            Ok(()) => {
                figures.written += 1;
                (figures.last_seq_no, figures.fault) = (snapshot.last_seq_no, None);
            }
            Err(error) => {
                figures.failures += 1;
                figures.fault = Some(error.to_string());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Figures> {
        self.0.lock().expect("nobody panics with it")
    }
}

/// Takes snapshots when they are due.
#[derive(Debug)]
pub(super) struct Snapshots {
    to: SyncSender<Snapshot>,
    every: Duration,
    taken: Instant,
}

impl Snapshots {
    /// Takes one each `every`; the other end goes to the thread that writes them.
    pub fn new(every: Duration) -> (Self, Receiver<Snapshot>) {
        // Nothing waits in between: the thread takes one when it has written the last.
        let (to, from) = sync_channel(0);
        (Self { to, every, taken: Instant::now() }, from)
    }

    /// Takes one of what was followed, if it is time.
    pub fn poll(&mut self, follower: &mut Follower<'_>) {
        if self.taken.elapsed() < self.every {
            return;
        }
        if let Some(snapshot) = follower.snapshot() {
            self.taken = Instant::now();
            let _ = self.to.try_send(snapshot);
        }
    }
}

/// How long the journal is read at a time: a command of an operator does not wait for a follower
/// that is behind.
const MOST_READING: Duration = Duration::from_millis(20);

/// A follower whose state is kept.
pub(super) struct Following<'f, 'a> {
    pub follower: &'f mut Follower<'a>,
    pub snapshots: Snapshots,
    /// The journal holds more than was read.
    pub is_behind: bool,
}

impl<'a> Following<'_, 'a> {
    /// Reads what the journal has got since the last time, for a moment at most, and takes a
    /// snapshot if it is time.
    ///
    /// # Errors
    /// See `Follower::read`.
    pub fn read(&mut self, watch: &mut dyn Watch) -> Result<&mut Follower<'a>, LiveError> {
        let until = Instant::now() + MOST_READING;
        self.is_behind = !self.follower.read_until(watch, Some(until))?;
        self.snapshots.poll(self.follower);
        Ok(self.follower)
    }
}
