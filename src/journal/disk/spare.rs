//! Room for the next segment, made while the one before it is written.
//!
//! It is reserved and not written over: that would be every byte twice. A sync of blocks that were
//! never written costs a commit of the file system's own journal besides, which the bench does not
//! find in the window.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::allocate;

/// The name of a segment that has none yet.
const SPARE_NAME: &str = "spare.new";

/// After that long without room it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// A file that is going to be a segment.
#[derive(Debug)]
pub struct Spare {
    path: PathBuf,
    state: State,
    /// Why there was no room, the last time it was tried, and when that was.
    refused: Option<Instant>,
}

#[derive(Debug)]
enum State {
    Nothing,
    Making(u64, JoinHandle<io::Result<File>>),
    Ready(u64, File),
}

impl Spare {
    /// In the directory at `path`. What a dead process left there is removed.
    pub fn new(path: &Path) -> io::Result<Self> {
        let path = path.join(SPARE_NAME);
        remove(&path)?;
        Ok(Self { path, state: State::Nothing, refused: None })
    }

    /// Where the file lies until it gets a name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins to make one of `len` bytes, if that was not begun.
    pub fn prepare(&mut self, len: u64) {
        self.look();
        let has_rested = self.refused.is_none_or(|since| since.elapsed() >= RETRY);
        if matches!(self.state, State::Nothing) && has_rested {
            let path = self.path.clone();
            let made = thread::Builder::new()
                .name("journal spare".to_owned())
                .spawn(move || make(&path, len));
            match made {
                Ok(thread) => self.state = State::Making(len, thread),
                Err(_) => self.refused = Some(Instant::now()),
            }
        }
    }

    /// Whether the last try found no room.
    pub fn is_refused(&mut self) -> bool {
        self.look();
        self.refused.is_some()
    }

    /// A file of `len` bytes at `path`: the one that is ready, else a new one.
    pub fn take(&mut self, len: u64) -> io::Result<File> {
        if let State::Making(len, thread) = std::mem::replace(&mut self.state, State::Nothing) {
            self.state = join(len, thread)?;
        }
        match std::mem::replace(&mut self.state, State::Nothing) {
            State::Ready(ready, file) if ready == len => Ok(file),
            _ => make(&self.path, len),
        }
    }

    fn look(&mut self) {
        match std::mem::replace(&mut self.state, State::Nothing) {
            State::Making(len, thread) if thread.is_finished() => match join(len, thread) {
                Ok(ready) => (self.state, self.refused) = (ready, None),
                Err(_) => self.refused = Some(Instant::now()),
            },
            state => self.state = state,
        }
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        if let State::Making(_, thread) = std::mem::replace(&mut self.state, State::Nothing) {
            // Its file is not wanted, whatever became of it.
            let _ = thread.join();
        }
        // What stays is removed by the next writer.
        let _ = fs::remove_file(&self.path);
    }
}

fn join(len: u64, thread: JoinHandle<io::Result<File>>) -> io::Result<State> {
    match thread.join() {
        Ok(made) => made.map(|file| State::Ready(len, file)),
        Err(_) => Err(io::Error::other("the thread that makes the next segment panicked")),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a file of `len` zero bytes with room on the disk for each.
fn make(path: &Path, len: u64) -> io::Result<File> {
    // What a crash left under this name may be a second name of a segment: never write to it.
    remove(path)?;
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let made = allocate(&file, len).and_then(|()| file.sync_all());
    if made.is_err() {
        // A part of a spare takes room that what is open may need.
        let _ = fs::remove_file(path);
    }
    made.map(|()| file)
}
