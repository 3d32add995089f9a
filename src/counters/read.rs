//! Looks at a file of counters from outside: whose it is, what its words are, and how they stand.
//!
//! Nothing here writes, and nothing is asked of the engine: it may be stopped, or dead.

use super::file::{self, ENDED_AT, MAGIC, NAME, Run, VERSION, WORDS};
use super::memory::Seen;
use super::table::{HEADER_BYTES, Table};
use crate::journal::shm;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use xmc_hotpath::time::UnixNs;

/// Why counters cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There are none.
    #[error(
        "no counters in {}: name the directory where an engine keeps its record (xmc run --record \
         DIR, or record_directory of its configuration)",
        directory.display()
    )]
    None {
        /// Where they were looked for.
        directory: PathBuf,
    },
    /// They cannot be read.
    #[error(
        "cannot read the counters {}: {source}; look at them as the user of the engine, or let \
         yours read them",
        path.display()
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is something else.
    #[error(
        "{} holds no counters: it begins with other bytes; name the directory of a record",
        path.display()
    )]
    NotCounters {
        /// The file.
        path: PathBuf,
    },
    /// It is of another build, whose header is another one.
    #[error(
        "the counters {} are of version {found}, and this xmc reads {VERSION}: look at them with \
         the xmc that runs the engine",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// Its end is missing.
    #[error(
        "the counters {} are cut off: {found} bytes of {wanted}; they were copied in part, or the \
         disk was full: look at the original",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes that are there.
        found: u64,
        /// Bytes that should be, as far as is known.
        wanted: u64,
    },
    /// It says what cannot be.
    #[error(
        "the counters {} are damaged ({what}): the next start of the engine makes them anew",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// The record beside it is of another run.
    #[error(
        "the counters {} are of run {found}, and the record ring beside them of run {wanted}: its \
         engine is just starting, or the directory was put together from several",
        path.display()
    )]
    OtherRun {
        /// The file.
        path: PathBuf,
        /// Its run.
        found: u16,
        /// The run of the ring.
        wanted: u16,
    },
}

/// What has become of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineState {
    /// Its process is there.
    Running,
    /// Its process is there and held still by a signal or a debugger.
    Stopped,
    /// It has ended in order, then.
    Ended(UnixNs),
    /// Its process is gone.
    Gone,
}

/// A file of counters that is being looked at.
#[derive(Debug)]
pub struct Attached {
    path: PathBuf,
    file: File,
    /// Which file it was: another one may have its name by now.
    found: (u64, u64),
    seen: Seen,
    run: Run,
    table: Table,
    bytes: u64,
}

impl Attached {
    /// Opens the counters in the directory of a record, which are those of the run that its ring is
    /// of.
    ///
    /// # Errors
    /// See `ReadError`.
    pub fn open(directory: &Path) -> Result<Self, ReadError> {
        let attached = Self::open_file(&directory.join(NAME))?;
        let found = attached.run.identity.run;
        match shm::identity_in(directory) {
            Some(ring) if ring.run != found => {
                let path = attached.path;
                Err(ReadError::OtherRun { path, found, wanted: ring.run })
            }
            _ => Ok(attached),
        }
    }

    /// Opens a file of counters.
    ///
    /// # Errors
    /// See `ReadError`.
    pub fn open_file(path: &Path) -> Result<Self, ReadError> {
        let unreadable = |source| ReadError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => {
                let directory = path.parent().unwrap_or(Path::new(".")).to_owned();
                ReadError::None { directory }
            }
            _ => unreadable(source),
        })?;
        let told = file.metadata().map_err(unreadable)?;
        let found = told.len();
        let truncated = |wanted| ReadError::Truncated { path: path.to_owned(), found, wanted };
        let damaged = |what| ReadError::Damaged { path: path.to_owned(), what };
        if !told.is_file() {
            return Err(ReadError::NotCounters { path: path.to_owned() });
        }
        let mut bytes = [0; WORDS * size_of::<u64>()];
        let len = (found as usize).min(bytes.len());
        file.read_exact_at(&mut bytes[..len], 0).map_err(unreadable)?;
        // What there is of the first word is that of such a file, or it is none.
        let magic = MAGIC.to_le_bytes();
        if bytes[..len.min(8)] != magic[..len.min(8)] {
            return Err(ReadError::NotCounters { path: path.to_owned() });
        }
        if len < bytes.len() {
            return Err(truncated(HEADER_BYTES as u64));
        }
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        if words[1] != VERSION {
            return Err(ReadError::Version { path: path.to_owned(), found: words[1] });
        }
        if words[WORDS - 1] != file::digest_of(&words) {
            return Err(damaged("its header does not have the digest that it names"));
        }
        let run = Run::of_words(&words).ok_or_else(|| damaged("its header cannot be"))?;
        let [whole, table_at, table_bytes] = [words[2], words[3], words[4]];
        if found < whole {
            return Err(truncated(whole));
        }
        if found > whole || table_at.checked_add(table_bytes) != Some(whole) {
            return Err(damaged("its parts are not as long as it is"));
        }
        let mut table = vec![0; table_bytes as usize];
        file.read_exact_at(&mut table, table_at).map_err(unreadable)?;
        if file::digest(&table) != words[5] {
            return Err(damaged("its table does not have the digest that its header names"));
        }
        let table: Table =
            serde_json::from_slice(&table).map_err(|_| damaged("its table cannot be read"))?;
        let inside = HEADER_BYTES..table_at as usize;
        let is_good = |row: &super::Row| {
            inside.contains(&row.offset)
                && row.offset.is_multiple_of(8)
                && row.owner < table.owners.len()
        };
        if !table.rows.iter().all(is_good) {
            return Err(damaged("its table names a counter outside of it"));
        }
        let seen = Seen::of_file(&file, table_at as usize).map_err(unreadable)?;
        let path = path.to_owned();
        Ok(Self { path, file, found: identity(&told), seen, run, table, bytes: whole })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whose counters they are.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// What they are.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Whether another file has its name, or none: another run has begun, or the directory is gone.
    #[must_use]
    pub fn is_replaced(&self) -> bool {
        std::fs::metadata(&self.path).map_or(true, |told| identity(&told) != self.found)
    }

    /// All counters as they are now, in the order of the table's rows.
    ///
    /// # Errors
    /// Somebody has shortened the file.
    pub fn values(&self) -> Result<Vec<u64>, ReadError> {
        let path = || self.path.clone();
        let told = self.file.metadata().map_err(|source| ReadError::Io { path: path(), source })?;
        if told.len() < self.bytes {
            let (found, wanted) = (told.len(), self.bytes);
            return Err(ReadError::Truncated { path: path(), found, wanted });
        }
        let value = |row: &super::Row| self.seen.word(row.offset).unwrap_or(0);
        Ok(self.table.rows.iter().map(value).collect())
    }

    /// What has become of its engine.
    #[must_use]
    pub fn engine(&self) -> EngineState {
        if let Some(ended @ 1..) = self.seen.word(ENDED_AT) {
            return EngineState::Ended(UnixNs(ended));
        }
        match process_of(&self.run) {
            None | Some(Process { state: 'Z' | 'X', .. }) => EngineState::Gone,
            Some(Process { state: 'T' | 't', .. }) => EngineState::Stopped,
            Some(_) => EngineState::Running,
        }
    }
}

/// Whether the process of a run is there.
#[must_use]
pub fn is_of(run: &Run) -> bool {
    process_of(run).is_some_and(|process| !matches!(process.state, 'Z' | 'X'))
}

fn process_of(run: &Run) -> Option<Process> {
    let is_same_boot = run.boot == 0 || run.boot == file::boot();
    let is_same = |process: &Process| run.process_began == 0 || run.process_began == process.began;
    process(run.pid).filter(is_same).filter(|_| is_same_boot)
}

fn identity(told: &Metadata) -> (u64, u64) {
    (told.dev(), told.ino())
}

/// A process as the kernel lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    /// One letter: `R`, `S`, `T`, `Z` and so on.
    pub state: char,
    /// When it began, in ticks since the boot.
    pub began: u64,
}

/// The process of that number, if there is one.
pub(super) fn process(pid: u32) -> Option<Process> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program is in brackets, and may hold anything. Behind it stands field 3, and
    // the start is field 22 (proc_pid_stat(5)).
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some(Process { state, began: fields.nth(18)?.parse().ok()? })
}
