//! A directory of the file system that a writer holds.
//!
//! A segment appears whole: its room is allocated and its header written under another name, and
//! only then does it get its own. So a crash leaves no segment without a header.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread;

use super::files::{self, note_second};
use super::spare::Spare;
use super::{Append, Disk, segment_name};
use crate::journal::lock::Locked;

/// The file in a directory that is locked.
const LOCK_NAME: &str = "journal.lock";

/// A directory of the file system, held under a lock: a journal has one writer. It may have a
/// second one on another disk, for when the first fails.
#[derive(Debug)]
pub struct Directory {
    first: Held,
    second: Option<Held>,
    /// The first has failed.
    is_on_second: bool,
}

/// One directory.
#[derive(Debug)]
struct Held {
    path: PathBuf,
    /// The directory itself, to be synced: open, so that this needs no descriptor later.
    file: File,
    spare: Spare,
    /// Holds the lock; never read.
    _lock: Locked,
}

impl Held {
    fn open(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(LOCK_NAME))?;
        match Locked::take(lock) {
            Ok(lock) => Ok(Self {
                path: path.to_owned(),
                file: File::open(path)?,
                spare: Spare::new(path)?,
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another journal writer has this directory",
            )),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn create(&mut self, number: u64, front: &[u8], len: u64) -> io::Result<SegmentFile> {
        let name = self.path.join(segment_name(number));
        let file = self.spare.take(len)?;
        file.write_all_at(front, 0)?;
        file.sync_all()?;
        // A link, unlike a rename, never replaces a segment that is there.
        fs::hard_link(self.spare.path(), &name)?;
        // If it stays, the next spare takes its place.
        let _ = fs::remove_file(self.spare.path());
        if let Err(error) = self.file.sync_all() {
            // It is not this one's name then; a disk that refuses this too leaves a stray.
            let _ = fs::remove_file(&name);
            return Err(error);
        }
        Ok(SegmentFile { file: Arc::new(file), syncer: None })
    }
}

impl Directory {
    /// Opens the directory at `path`, making it if it is not there, and locks it.
    ///
    /// # Errors
    /// `ResourceBusy` if another writer has it, or whatever the file system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { first: Held::open(path)?, second: None, is_on_second: false })
    }

    /// As `open`, with a second directory at `second`, which should be on another disk.
    ///
    /// # Errors
    /// As for `open`. `InvalidInput` if both are one.
    pub fn open_with_second(path: &Path, second: &Path) -> io::Result<Self> {
        let first = Held::open(path)?;
        fs::create_dir_all(second)?;
        if fs::canonicalize(path)? == fs::canonicalize(second)? {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the second directory of a journal cannot be its first",
            ));
        }
        let second = Held::open(second)?;
        note_second(path, &second.path)?;
        Ok(Self { first, second: Some(second), is_on_second: false })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.first.path
    }

    /// The directory that new segments are made in.
    fn active(&mut self) -> &mut Held {
        match &mut self.second {
            Some(second) if self.is_on_second => second,
            _ => &mut self.first,
        }
    }

    fn path_of(&self, number: u64) -> io::Result<PathBuf> {
        let found = files::segments(&self.first.path)?;
        match found.into_iter().find(|segment| segment.number == number) {
            Some(segment) => Ok(segment.path),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "the segment has gone")),
        }
    }
}

impl Disk for Directory {
    type Segment = SegmentFile;

    fn list(&self) -> io::Result<Vec<u64>> {
        files::list(&self.first.path)
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        files::load(&self.path_of(number)?)
    }

    fn settle(&mut self, number: u64) -> io::Result<()> {
        let file = File::open(self.path_of(number)?)?;
        file.sync_all()?;
        forget_pages(&file);
        Ok(())
    }

    fn create(&mut self, number: u64, front: &[u8], len: u64) -> io::Result<SegmentFile> {
        self.active().create(number, front, len)
    }

    fn prepare(&mut self, len: u64) {
        self.active().spare.prepare(len);
    }

    fn fail_over(&mut self) -> bool {
        let has_second = self.second.is_some() && !self.is_on_second;
        self.is_on_second |= has_second;
        has_second
    }

    fn is_low(&mut self) -> bool {
        self.active().spare.is_refused()
    }
}

/// Has the kernel drop what it has of `file` in memory. After a sync that failed it may call pages
/// written that are not: only what is read from the disk itself is there.
#[expect(unsafe_code, reason = "std has no call that does it")]
fn forget_pages(file: &File) {
    // SAFETY: the descriptor is open while `file` is borrowed; the call takes no pointers. It is
    // advice: that it may be refused changes nothing.
    unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
}

/// A segment in a `Directory`.
#[derive(Debug)]
pub struct SegmentFile {
    file: Arc<File>,
    /// The thread that waits for the disk, once one was needed.
    syncer: Option<Syncer>,
}

/// A thread that syncs when it is asked to, one time after the other.
#[derive(Debug)]
struct Syncer {
    requests: Sender<()>,
    results: Receiver<io::Result<()>>,
    is_asked: bool,
}

impl Syncer {
    fn start(file: Arc<File>) -> io::Result<Self> {
        let (requests, asked) = mpsc::channel();
        let (answers, results) = mpsc::channel();
        thread::Builder::new().name("journal sync".to_owned()).spawn(move || {
            // Both ends go with the segment.
            while asked.recv().is_ok() && answers.send(file.sync_data()).is_ok() {}
        })?;
        Ok(Self { requests, results, is_asked: false })
    }

    fn ask(&mut self) -> io::Result<()> {
        self.is_asked = true;
        self.requests.send(()).map_err(|_| io::Error::other("the thread that syncs has gone"))
    }

    /// Waits for what was asked.
    fn wait(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.is_asked) {
            return Ok(());
        }
        self.results.recv().unwrap_or_else(|_| Err(io::Error::other("the thread that syncs died")))
    }
}

impl Append for SegmentFile {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn begin_sync(&mut self) -> io::Result<bool> {
        let syncer = match &mut self.syncer {
            Some(syncer) => syncer,
            none => none.insert(Syncer::start(Arc::clone(&self.file))?),
        };
        syncer.ask().map(|()| false)
    }

    fn is_synced(&mut self) -> io::Result<bool> {
        let Some(syncer) = &mut self.syncer else {
            return Ok(true);
        };
        match syncer.results.try_recv() {
            Ok(result) => {
                syncer.is_asked = false;
                result.map(|()| true)
            }
            Err(TryRecvError::Empty) => Ok(false),
            Err(TryRecvError::Disconnected) => Err(io::Error::other("the thread that syncs died")),
        }
    }

    fn close_at(&mut self, len: u64) -> io::Result<()> {
        if let Some(syncer) = &mut self.syncer {
            syncer.wait()?;
        }
        // In this order: a segment that is cut off and has no seal would look like a forgery.
        self.file.sync_data()?;
        self.file.set_len(len)?;
        self.file.sync_all()
    }
}
