//! The file of a run's counters, beside its record ring: made under another name and put into place
//! when it is whole, so that whoever opens it sees all of it, and whoever has the last one open
//! keeps that.
//!
//! ```text
//! word  0  magic            word  8  pid
//!       1  version                9  when the process began, in the kernel's ticks since the boot
//!       2  bytes of the file     10  digest of the boot's id
//!       3  bytes before the table   11  start of the run, UTC, ns since 1970
//!       4  bytes of the table    12  tick that is the engine's zero
//!       5  digest of the table   13  ns per tick, times 2^32
//!       6  (zero)                14  what the ticks are: 0 TSC, 1 the system's clock
//!       7  site, desk, run       15  digest of words 1 to 14
//!                                16  end of the run, UTC; 0 while it runs, or if it died
//! byte 256  the counters, each struct on lines of 128 bytes of its own; then the table, as JSON
//! ```

use super::memory::{LINE_BYTES, Memory};
use super::table::{Placer, Table};
use crate::clock::{EngineClock, Source};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use xmc_hotpath::message::{DeskId, DeskIdentity, SiteId};
use xmc_hotpath::time::{TickScale, UnixNs};

/// The file's name in the directory of the record.
pub const NAME: &str = "counters.shm";

/// The first word.
pub const MAGIC: u64 = u64::from_le_bytes(*b"XMCcount");

/// Version of the header.
pub const VERSION: u64 = 1;

/// Words of the header that do not change while the run goes on.
pub(super) const WORDS: usize = 16;

/// Where the end of the run is told.
pub(super) const ENDED_AT: usize = LINE_BYTES;

/// Why the counters of a run cannot be shown.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot {action} the counters {}: {source}; correct the directory of the record (its \
     permissions, its room), or name another",
    path.display()
)]
pub struct CountersError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// What the header says of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Whose.
    pub identity: DeskIdentity,
    /// The process.
    pub pid: u32,
    /// When it began, in the kernel's ticks since the boot (field 22 of proc_pid_stat(5)): process
    /// ids come again. 0 if not known.
    pub process_began: u64,
    /// The boot of the host, digested; 0 if not known.
    pub boot: u64,
    /// When the run began.
    pub started: UnixNs,
    /// What the ticks of the counters are in nanoseconds of the engine.
    pub scale: TickScale,
    /// What the ticks are.
    pub source: Source,
}

impl Run {
    /// A run of this process that begins now.
    #[must_use]
    pub fn beginning(identity: DeskIdentity, clock: &EngineClock) -> Self {
        let pid = std::process::id();
        Self {
            identity,
            pid,
            process_began: super::read::process(pid).map_or(0, |process| process.began),
            boot: boot(),
            started: clock.utc().utc,
            scale: clock.scale(),
            source: clock.source(),
        }
    }

    /// As the header has it; the word of the digest is 0.
    pub(super) fn words(&self, [bytes, table_at, table_bytes, digest]: [u64; 4]) -> [u64; WORDS] {
        let [low, high] = self.identity.run.to_le_bytes();
        let DeskIdentity { site, desk, .. } = self.identity;
        let source = match self.source {
            Source::InvariantTsc => 0,
            Source::System => 1,
        };
        [
            MAGIC,
            VERSION,
            bytes,
            table_at,
            table_bytes,
            digest,
            0,
            u64::from_le_bytes([site.0, desk.0, low, high, 0, 0, 0, 0]),
            u64::from(self.pid),
            self.process_began,
            self.boot,
            self.started.0,
            self.scale.origin_ticks,
            self.scale.ns_per_tick_q32,
            source,
            0,
        ]
    }

    /// What a header says; `None` if it cannot be.
    pub(super) fn of_words(words: &[u64; WORDS]) -> Option<Self> {
        let [site, desk, low, high, 0, 0, 0, 0] = words[7].to_le_bytes() else { return None };
        Some(Self {
            identity: DeskIdentity {
                site: SiteId(site),
                desk: DeskId(desk),
                run: u16::from_le_bytes([low, high]),
            },
            pid: u32::try_from(words[8]).ok()?,
            process_began: words[9],
            boot: words[10],
            started: UnixNs(words[11]),
            scale: TickScale { origin_ticks: words[12], ns_per_tick_q32: words[13] },
            source: match words[14] {
                0 => Source::InvariantTsc,
                1 => Source::System,
                _ => return None,
            },
        })
    }
}

/// The digest of the words of a header that say something.
pub(super) fn digest_of(words: &[u64; WORDS]) -> u64 {
    let bytes: Vec<u8> = words[1..WORDS - 1].iter().flat_map(|word| word.to_le_bytes()).collect();
    digest(&bytes)
}

/// Eight bytes of BLAKE3.
pub(super) fn digest(bytes: &[u8]) -> u64 {
    let hash = blake3::hash(bytes);
    let (first, _) = hash.as_bytes().split_first_chunk().expect("a hash has 32 bytes");
    u64::from_le_bytes(*first)
}

/// The boot of this host, digested; 0 if the system does not tell.
pub(super) fn boot() -> u64 {
    std::fs::read("/proc/sys/kernel/random/boot_id").map_or(0, |id| digest(&id))
}

/// A file that is being made.
#[derive(Debug)]
pub struct CountersFile {
    path: PathBuf,
    beside: PathBuf,
    file: File,
}

/// A file that is in its place, for the end of the run.
#[derive(Debug)]
pub struct Shown(Arc<Memory>);

impl CountersFile {
    /// Begins the file of the next run in the directory of its record, with room for so many bytes
    /// of counters, and says where they can be placed. The last run's stays until `finish`.
    ///
    /// # Errors
    /// What the file system says.
    pub fn begin(directory: &Path, bytes: usize) -> Result<(Self, Placer), CountersError> {
        let path = directory.join(NAME);
        let beside = directory.join(format!("{NAME}.new"));
        let failed = |action| {
            let path = path.clone();
            move |source| CountersError { action, path, source }
        };
        // One that a killed engine left half made.
        let _ = std::fs::remove_file(&beside);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&beside)
            .map_err(failed("make"))?;
        // Every block exists before it is mapped: a full disk is an error here, not a SIGBUS.
        let allocated = crate::journal::disk::allocate(&file, bytes as u64);
        allocated.map_err(failed("allocate"))?;
        let memory = Memory::of_file(&file, bytes).map_err(failed("map"))?;
        Ok((Self { path, beside, file }, Placer::new(memory)))
    }

    /// Writes what the counters are, and puts the file into its place.
    ///
    /// # Errors
    /// What the file system says.
    pub fn finish(self, placer: Placer, run: &Run) -> Result<Shown, CountersError> {
        let failed = |action| {
            let path = self.path.clone();
            move |source| CountersError { action, path, source }
        };
        let (memory, end, table) = placer.end();
        let table = json(&table);
        let table_at = memory.bytes();
        debug_assert!(end <= table_at, "placing has seen to it");
        self.file.write_all_at(&table, table_at as u64).map_err(failed("write"))?;
        let bytes = (table_at + table.len()) as u64;
        let parts = [bytes, table_at as u64, table.len() as u64, digest(&table)];
        let mut words = run.words(parts);
        words[WORDS - 1] = digest_of(&words);
        for (word, place) in words.iter().zip(0..).skip(1) {
            memory.word(place * size_of::<u64>()).store(*word, Ordering::Relaxed);
        }
        // Whoever opens the file finds all of it: it has no name yet that anybody knows.
        memory.word(0).store(words[0], Ordering::Release);
        std::fs::rename(&self.beside, &self.path).map_err(failed("put into place"))?;
        Ok(Shown(memory))
    }
}

impl Shown {
    /// Says that the run has ended in order.
    pub fn end(&self, now: UnixNs) {
        self.0.word(ENDED_AT).store(now.0.max(1), Ordering::Release);
    }
}

fn json(table: &Table) -> Vec<u8> {
    serde_json::to_vec(table).expect("a table is plain text and numbers")
}
