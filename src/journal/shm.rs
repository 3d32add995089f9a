//! The record ring's memory: a mapped file that outlives the process that wrote it.
//!
//! The engine owns the file under a lock, which a second engine is refused; the journal writer, a
//! thread or another process, reads it under a lock of its own. What a dead engine left is read by
//! the next one before it starts its own run (`journal::recover`), and only an empty ring can be
//! renewed. What the words mean is `xmc_hotpath::record::ring`. Power loss is not survived here:
//! that is what the journal's policy of syncing is for.
//!
//! The file belongs on a file system in memory (`/dev/shm`). On a disk the kernel write-protects
//! pages whenever it writes them back, and the next store of the hot core pays a fault for that.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use memmap2::{Advice, MmapOptions, MmapRaw};
use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::record::ring::{self, Consumer, Producer, RingError};

use super::disk::allocate;
use super::lock::Locked;

/// The ring's file in the directory of a record.
pub const NAME: &str = "record.ring";

/// Whose records the ring in the directory of a record has, for those who only look; `None` if
/// there is none that can be read.
#[must_use]
pub fn identity_in(directory: &Path) -> Option<DeskIdentity> {
    let mut words = [0; 32];
    File::open(directory.join(NAME)).ok()?.read_exact_at(&mut words, 0).ok()?;
    let word = |at: usize| words.as_chunks().0.get(at).copied().map(u64::from_le_bytes);
    let is_ring = word(0) == Some(ring::MAGIC) && word(1) == Some(ring::VERSION);
    is_ring.then(|| ring::unpack(word(3).unwrap_or(0)))
}

/// Why a ring file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ShmError {
    /// The file system refused.
    #[error("cannot {action} the record ring {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another engine has it.
    #[error(
        "the record ring {} belongs to an engine that is running: one desk has one engine; stop \
         the other first",
        path.display()
    )]
    Owned {
        /// The file.
        path: PathBuf,
    },
    /// Another journal writer reads it.
    #[error(
        "the record ring {} is being drained by another journal writer: stop that one first",
        path.display()
    )]
    Drained {
        /// The file.
        path: PathBuf,
    },
    /// It is not a ring that this build can read.
    #[error(
        "{} is not a record ring of this version ({error:?}): if no engine uses it, move it away",
        path.display()
    )]
    NotARing {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: RingError,
    },
    /// The size asked for is not one.
    #[error(
        "a record ring of {capacity_bytes} bytes is not possible: the size must be a power of two \
         from {} to {} bytes",
        ring::MIN_CAPACITY * 8,
        ring::MAX_CAPACITY * 8
    )]
    BadCapacity {
        /// What was asked for.
        capacity_bytes: u64,
    },
    /// There are records in it that the journal does not have.
    #[error(
        "the record ring {} still holds {left_bytes} bytes of the last run: they must be written \
         to the journal before a new run starts",
        path.display()
    )]
    NotEmpty {
        /// The file.
        path: PathBuf,
        /// What is left.
        left_bytes: u64,
    },
}

/// A mapped file of words.
#[derive(Debug)]
struct Mapping {
    map: MmapRaw,
    path: PathBuf,
}

impl Mapping {
    /// Maps all of `file` and reads every page into memory.
    fn new(file: &File, path: &Path) -> Result<Self, ShmError> {
        let map = MmapOptions::new()
            .populate()
            .map_raw(file)
            .map_err(|source| io_error("map", path, source))?;
        Ok(Self { map, path: path.to_owned() })
    }

    /// Makes every page ready to be written, so that no hot core takes the page fault: a page of a
    /// shared mapping that was only read takes one more when it is first written. On a disk it
    /// takes another whenever the kernel has written it back, some 30 s later
    /// (`dirty_expire_centisecs`); in a file system of memory it does not.
    fn ready(self) -> Self {
        // Kernels before 5.14 do not know it: then the first lap has its faults.
        let _ = self.map.advise(Advice::PopulateWrite);
        self
    }

    #[expect(unsafe_code, reason = "memory of another process is reached through a mapping")]
    fn words(&self) -> &[AtomicU64] {
        let words = self.map.len() / size_of::<AtomicU64>();
        // SAFETY: the mapping starts on a page, so it is aligned for u64; `words` whole words lie
        // inside it; it is writable and stays mapped while `self` is borrowed. Any bytes are an
        // AtomicU64. Everybody who shares the memory, in this process or another, reaches it
        // through atomics only: nothing else of the mapping is lent out.
        unsafe { std::slice::from_raw_parts(self.map.as_mut_ptr().cast::<AtomicU64>(), words) }
    }

    fn not_a_ring(&self, error: RingError) -> ShmError {
        ShmError::NotARing { path: self.path.clone(), error }
    }
}

/// What was found when a ring file was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing: the ring is new.
    New,
    /// A ring of an earlier run.
    Left {
        /// Whose.
        identity: DeskIdentity,
        /// Bytes of records that were not released.
        pending_bytes: u64,
    },
}

/// The engine's hold of its ring: the lock, and the writing end.
#[derive(Debug)]
pub struct RingFile {
    mapping: Mapping,
    found: Found,
    /// Holds the lock; never read.
    _lock: Locked,
}

impl RingFile {
    /// Opens the ring at `path` as its engine, or makes one with room for `capacity_bytes` of
    /// records for the run `identity`. One that is there keeps its size, identity and records.
    ///
    /// # Errors
    /// `Owned` if another engine has it; else see `ShmError`.
    pub fn open(
        path: &Path,
        capacity_bytes: u64,
        identity: DeskIdentity,
    ) -> Result<Self, ShmError> {
        let words = ring::words(capacity_bytes / 8)
            .filter(|_| capacity_bytes.is_multiple_of(8))
            .ok_or(ShmError::BadCapacity { capacity_bytes })?;
        let owned = || ShmError::Owned { path: path.to_owned() };
        let file = lock(open_file(path, true)?, path, owned)?;
        if is_blank(&file).map_err(|source| io_error("read", path, source))? {
            let len = size_of::<AtomicU64>() * words;
            // Every block exists before it is mapped: a full disk is an error here, not a SIGBUS.
            file.set_len(0)
                .and_then(|()| allocate(&file, len as u64))
                .map_err(|source| io_error("allocate", path, source))?;
            let mapping = Mapping::new(&file, path)?.ready();
            ring::format(mapping.words(), identity).map_err(|error| mapping.not_a_ring(error))?;
            return Ok(Self { mapping, found: Found::New, _lock: file });
        }
        let mapping = Mapping::new(&file, path)?.ready();
        let found = look(&mapping)?;
        Ok(Self { mapping, found, _lock: file })
    }

    /// What was there when it was opened.
    #[must_use]
    pub fn found(&self) -> Found {
        self.found
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.mapping.path
    }

    /// Bytes that it has for records.
    #[must_use]
    pub fn capacity_bytes(&self) -> u64 {
        (size_of::<AtomicU64>() * (self.mapping.words().len() - ring::HEADER_WORDS)) as u64
    }

    /// Makes it the ring of a new run. No reader may be attached.
    ///
    /// # Errors
    /// `NotEmpty` if records of the last run are in it: `journal::recover` first. `Drained` if a
    /// journal writer is attached.
    pub fn renew(&mut self, identity: DeskIdentity) -> Result<(), ShmError> {
        let path = &self.mapping.path;
        let _reader = reader_lock(path)?;
        if let Found::Left { pending_bytes: left_bytes @ 1.., .. } = look(&self.mapping)? {
            return Err(ShmError::NotEmpty { path: path.clone(), left_bytes });
        }
        ring::format(self.mapping.words(), identity).map_err(|error| self.mapping.not_a_ring(error))
    }

    /// The writing end, for the hot core. One at a time, as the borrow sees to.
    ///
    /// # Errors
    /// `NotARing` if the memory was damaged.
    pub fn producer(&mut self) -> Result<Producer<'_>, ShmError> {
        Producer::attach(self.mapping.words()).map_err(|error| self.mapping.not_a_ring(error))
    }
}

/// The journal writer's hold of a ring: a lock, and the reading end.
#[derive(Debug)]
pub struct RingReader {
    mapping: Mapping,
    /// Holds the lock; never read.
    _lock: Locked,
}

impl RingReader {
    /// Attaches to the ring at `path`, whether its engine lives or not.
    ///
    /// # Errors
    /// `Drained` if another reader has it; else see `ShmError`.
    pub fn attach(path: &Path) -> Result<Self, ShmError> {
        let lock = reader_lock(path)?;
        let mapping = Mapping::new(&open_file(path, false)?, path)?;
        look(&mapping)?;
        Ok(Self { mapping, _lock: lock })
    }

    /// Whose records are in it.
    ///
    /// # Errors
    /// `NotARing` if the memory was damaged.
    pub fn identity(&self) -> Result<DeskIdentity, ShmError> {
        ring::identity(self.mapping.words()).map_err(|error| self.mapping.not_a_ring(error))
    }

    /// The reading end, from the oldest record that was not released.
    ///
    /// # Errors
    /// `NotARing` if the memory was damaged.
    pub fn consumer(&mut self) -> Result<Consumer<'_>, ShmError> {
        Consumer::attach(self.mapping.words()).map_err(|error| self.mapping.not_a_ring(error))
    }
}

fn look(mapping: &Mapping) -> Result<Found, ShmError> {
    let identity = ring::identity(mapping.words()).map_err(|error| mapping.not_a_ring(error))?;
    let consumer = Consumer::attach(mapping.words()).map_err(|error| mapping.not_a_ring(error))?;
    Ok(Found::Left { identity, pending_bytes: consumer.pending_bytes() })
}

/// Whether nothing was ever put into `file`: the magic is the last thing that making a ring writes.
fn is_blank(file: &File) -> io::Result<bool> {
    let mut magic = [0; 8];
    match file.read_exact_at(&mut magic, 0) {
        Ok(()) => Ok(magic == [0; 8]),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(true),
        Err(error) => Err(error),
    }
}

fn open_file(path: &Path, create: bool) -> Result<File, ShmError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(create)
        .truncate(false)
        .open(path)
        .map_err(|source| io_error("open", path, source))
}

/// The lock of the reader is on a file of its own, because the engine's lock is on the ring.
fn reader_lock(path: &Path) -> Result<Locked, ShmError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".reader");
    let beside = PathBuf::from(beside);
    let file = open_file(&beside, true)?;
    lock(file, &beside, || ShmError::Drained { path: path.to_owned() })
}

fn lock(file: File, path: &Path, taken: impl FnOnce() -> ShmError) -> Result<Locked, ShmError> {
    Locked::take(file).map_err(|error| match error {
        TryLockError::WouldBlock => taken(),
        TryLockError::Error(source) => io_error("lock", path, source),
    })
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> ShmError {
    ShmError::Io { action, path: path.to_owned(), source }
}
