//! Output that holds up nobody: whoever writes hands it over, a thread of its own does the writing.
//!
//! A terminal that was stopped (Ctrl-S), or a pipe that nobody reads, blocks whoever writes to it,
//! for ever. The thread that follows a running engine also brings it what operators order: it must
//! not wait for a reader. What was handed over is kept in memory until it is written; who writes
//! much asks `Behind` first and leaves out what nobody reads.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two looks whether all is written.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// An output whose writing is another thread's. Dropped, it waits until all is written.
#[derive(Debug)]
pub struct Aside {
    /// `None` only while it is dropped.
    sender: Option<Sender<Vec<u8>>>,
    behind: Behind,
    thread: Option<JoinHandle<()>>,
}

/// How far the writing is behind, and what went wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Behind {
    bytes: Arc<AtomicUsize>,
    failed: Arc<Mutex<Option<io::Error>>>,
}

impl Behind {
    /// Bytes that were handed over and are not written.
    #[must_use]
    pub fn bytes(&self) -> usize {
        // Nothing hangs on the order in which this is seen beside other memory.
        self.bytes.load(Ordering::Relaxed)
    }

    /// Waits until all is written, but not longer than `patience`; whether it is.
    #[must_use]
    pub fn settle(&self, patience: Duration) -> bool {
        let start = Instant::now();
        while self.bytes() > 0 && start.elapsed() < patience {
            std::thread::sleep(BETWEEN_LOOKS);
        }
        self.bytes() == 0
    }

    /// What went wrong, if anything did: each is told once, what was handed over since is lost.
    ///
    /// # Errors
    /// What the output has said.
    pub fn check(&self) -> io::Result<()> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.take().map_or(Ok(()), Err)
    }
}

impl Aside {
    /// Writes to `out` from now on, on a thread of that `name`.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn new(name: &str, out: impl Write + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let behind = Behind::default();
        let seen = behind.clone();
        let thread = std::thread::Builder::new().name(name.to_owned());
        let thread = thread.spawn(move || write_all(out, &receiver, &seen))?;
        Ok(Self { sender: Some(sender), behind, thread: Some(thread) })
    }

    /// How far the writing is behind.
    #[must_use]
    pub fn behind(&self) -> Behind {
        self.behind.clone()
    }
}

/// Writes what comes until nobody hands anything over any more. After an error the rest is lost.
fn write_all(mut out: impl Write, receiver: &Receiver<Vec<u8>>, behind: &Behind) {
    let mut has_failed = false;
    for bytes in receiver {
        if !has_failed && let Err(error) = out.write_all(&bytes).and_then(|()| out.flush()) {
            has_failed = true;
            let mut failed = behind.failed.lock().unwrap_or_else(PoisonError::into_inner);
            *failed = Some(error);
        }
        behind.bytes.fetch_sub(bytes.len(), Ordering::Relaxed);
    }
}

impl Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.behind.check()?;
        self.behind.bytes.fetch_add(bytes.len(), Ordering::Relaxed);
        let sender = self.sender.as_ref().map(|sender| sender.send(bytes.to_vec()));
        match sender {
            Some(Ok(())) => Ok(bytes.len()),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// What was handed over is written as soon as somebody reads: it is not waited for.
    fn flush(&mut self) -> io::Result<()> {
        self.behind.check()
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            // A panic of it was told where it happened.
            let _ = thread.join();
        }
    }
}
