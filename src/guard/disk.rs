//! The guard's work on the disk, on threads of its own: a disk that hangs holds up neither the kill
//! nor the cancels.
//!
//! What is to be written is handed over before the step that it announces, and waited for at most
//! `BOUND`; a case says what was not on the disk by then. The fence has a thread apart from the
//! guard's own files, since leases may lie on another disk, and what is read has a third. Not here:
//! what is read when a guard starts, which may take its time.

use super::Places;
use super::beat::GuardBeat;
use super::log::{Line, Log};
use super::state::{State, StateError};
use crate::engine::lease::{Fence, LeaseError};
use serde_json::Value;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// The longest that any step waits for the disk.
pub const BOUND: Duration = Duration::from_millis(50);
/// How long the end of a guard waits for what is still to be written.
const LAST: Duration = Duration::from_secs(1);
/// What waits for a disk that hangs; more is dropped.
const MOST_WAITING: usize = 1_024;

type Job = Box<dyn FnOnce() + Send>;

/// A thread that does one thing after the other. It ends with the last handle, and a thing that
/// hangs ends with the process.
#[derive(Clone, Debug)]
pub struct Disk {
    jobs: SyncSender<Job>,
    waiting: Arc<AtomicUsize>,
}

/// Something that was handed over.
#[derive(Debug)]
pub struct Handed<T>(Receiver<T>);

impl<T> Handed<T> {
    /// What came of it, if that is known by then; `None` too if it was dropped.
    pub fn until(&self, until: Instant) -> Option<T> {
        self.0.recv_timeout(until.saturating_duration_since(Instant::now())).ok()
    }
}

impl Disk {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn start(name: &str) -> io::Result<Self> {
        let (jobs, taken) = sync_channel::<Job>(MOST_WAITING);
        let waiting = Arc::new(AtomicUsize::new(0));
        let done = Arc::clone(&waiting);
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            while let Ok(job) = taken.recv() {
                job();
                done.fetch_sub(1, Ordering::Relaxed);
            }
        })?;
        Ok(Self { jobs, waiting })
    }

    /// Hands something over, which is done after all that was handed over before.
    pub fn hand<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Handed<T> {
        let (sender, came) = channel();
        self.waiting.fetch_add(1, Ordering::Relaxed);
        // Nobody may wait for what comes of it.
        let job: Job = Box::new(move || drop(sender.send(job())));
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.jobs.try_send(job)
        {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        Handed(came)
    }

    /// Whether something is still to be done.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Does something and waits at most `BOUND` for it; `None` if it takes longer, or if something
    /// before it still does.
    pub fn ask<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        if self.is_busy() {
            return None;
        }
        self.hand(job).until(Instant::now() + BOUND)
    }
}

/// The threads of one guard.
#[derive(Clone, Debug)]
pub struct Disks {
    /// The guard's own files.
    pub files: Disk,
    /// The fence.
    pub fence: Disk,
    /// What is read.
    pub reads: Disk,
    directory: PathBuf,
    log: Log,
    /// Nothing is written.
    is_dry: bool,
}

impl Disks {
    /// Of the guard of `places`; a dry one writes nothing.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn start(places: &Places, is_dry: bool) -> io::Result<Self> {
        Ok(Self {
            files: Disk::start("xmc-guard-files")?,
            fence: Disk::start("xmc-guard-fence")?,
            reads: Disk::start("xmc-guard-reads")?,
            directory: places.guard.clone(),
            log: Log::new(&places.guard),
            is_dry,
        })
    }

    /// Has a line written into the log, with the time of now.
    pub fn note(&self, run: u16, event: &str, what: Value) {
        if !self.is_dry {
            let (log, line) = (self.log.clone(), Line::now(run, event, what));
            // Others know it all the same: the state, the venues, the terminal.
            self.files.hand(move || drop(log.append(&line)));
        }
    }

    /// Has the state written.
    pub fn keep(&self, state: &State) -> Handed<Result<(), StateError>> {
        let (is_dry, directory, state) = (self.is_dry, self.directory.clone(), state.clone());
        self.files.hand(move || if is_dry { Ok(()) } else { state.write(&directory) })
    }

    /// Has a sign of life written. Nobody looks at one that comes late, so none waits.
    pub fn beat(&self, beat: GuardBeat) {
        if !self.is_dry && !self.files.is_busy() {
            let directory = self.directory.clone();
            self.files.hand(move || drop(beat.write(&directory)));
        }
    }

    /// Has a fence put.
    pub fn put(&self, fence: Fence, places: &Places) -> Handed<Result<(), LeaseError>> {
        let (leases, identity) = (places.leases.clone(), places.identity);
        self.fence.hand(move || fence.put(&leases, identity))
    }

    /// Takes the sign of life away, after all that was to be written.
    pub fn end(&self) {
        if !self.is_dry {
            let directory = self.directory.clone();
            let last = self.files.hand(move || drop(GuardBeat::remove(&directory)));
            let _ = last.until(Instant::now() + LAST);
        }
    }
}
