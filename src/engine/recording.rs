//! Where a desk's record goes: a directory with the shared-memory ring and the journal's segments.
//!
//! Opening it finishes what a dead engine left behind: whatever its ring still holds is written to
//! the journal first. Then the next run begins.

use super::lease::{Lease, LeaseError};
use crate::audit::kept;
use crate::config::Configuration;
use crate::journal::disk::{self, Directory, Disk, Source};
use crate::journal::reader::{self, Block, Blocks, End};
use crate::journal::segment::{BLOCK_OVERHEAD, HEADER_LEN, Hash};
use crate::journal::shm::{self, Found, RingFile, ShmError};
use crate::journal::tree::Tree;
use crate::journal::{JournalError, Moment, Options, RecoverError, Recovered, recover};
use memmap2::Mmap;
use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use xmc_hotpath::message::DeskIdentity;

/// The boot of this host that the last run began in.
const BOOT_NAME: &str = "boot_id";
/// Numbers of runs whose record may end before they did.
const GAPS_NAME: &str = "gaps";

/// Why a record cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The directory.
    #[error("record directory {}: {source}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The ring.
    #[error(transparent)]
    Ring(#[from] ShmError),
    /// What a dead engine left could not be finished.
    #[error("the record of the last run cannot be finished: {0}")]
    Recover(#[from] RecoverError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The record is another desk's.
    #[error(
        "{} holds the record of site {} desk {}, and this is site {} desk {}: name another \
         directory",
        path.display(), found.site.0, found.desk.0, wanted.site.0, wanted.desk.0
    )]
    OtherDesk {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        found: DeskIdentity,
        /// Whose it should be.
        wanted: DeskIdentity,
    },
    /// Another engine trades as this desk, or none may any more.
    #[error(transparent)]
    Lease(#[from] LeaseError),
}

/// A place to record one run.
#[derive(Debug)]
pub struct Recording {
    /// Where.
    pub path: PathBuf,
    /// The journal's directory, locked.
    pub directory: Directory,
    /// The ring, locked.
    pub ring: RingFile,
    /// The run that begins.
    pub identity: DeskIdentity,
    /// What a dead engine had left, if it had.
    pub recovered: Option<Recovered>,
    /// The run before, if there was one.
    pub left: Option<LeftRun>,
    /// How the journal is written.
    pub options: Options,
    /// Nobody else is this desk while it is held.
    pub lease: Lease,
}

/// A run of before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftRun {
    /// Whose.
    pub identity: DeskIdentity,
    /// Its record ends where it ended.
    pub is_whole: bool,
}

impl LeftRun {
    /// The last run in the journal at `path` before the one of `later`. Its record is whole if it
    /// was sealed: nothing else is known of one that others have come after.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn before(path: &Path, later: DeskIdentity) -> io::Result<Option<Self>> {
        for segment in disk::segments(path)?.into_iter().rev() {
            let bytes = map(&segment.path)?;
            let Ok(header) = reader::header(&bytes) else { continue };
            let identity = header.identity();
            if identity.run < later.run {
                let is_whole = is_sealed(&bytes) && !has_gap(path, identity.run)?;
                return Ok(Some(Self { identity, is_whole }));
            }
        }
        Ok(None)
    }
}

/// Whether a segment reads without damage up to its seal.
fn is_sealed(bytes: &[u8]) -> bool {
    let Ok(header) = reader::header(bytes) else { return false };
    let mut blocks = Blocks::without_tree(bytes, &header);
    loop {
        match blocks.next_block() {
            Ok(Ok(_)) => {}
            Ok(Err(end)) => return matches!(end, End::Sealed(_)),
            Err(_) => return false,
        }
    }
}

impl Recording {
    /// Opens the record of `config`'s desk in `path` for its next run. The lease of the desk is
    /// that of this record: for runs whose orders reach nobody else.
    ///
    /// # Errors
    /// See `RecordingError`.
    pub fn open(path: &Path, config: &Configuration, now: Moment) -> Result<Self, RecordingError> {
        Self::open_under(path, path, config, now)
    }

    /// Opens the record of `config`'s desk in `path` for its next run, under the desk's lease in
    /// the directory `leases`.
    ///
    /// # Errors
    /// See `RecordingError`.
    pub fn open_under(
        leases: &Path,
        path: &Path,
        config: &Configuration,
        now: Moment,
    ) -> Result<Self, RecordingError> {
        let in_directory = |source| RecordingError::Directory { path: path.to_owned(), source };
        let second = config.engine.record_second.as_deref();
        let wanted = super::wire::identity(config, 1);
        let mut lease = Lease::take(leases, wanted)?;
        let directory = open_directory(path, second).map_err(in_directory)?;
        let ring_path = path.join(shm::NAME);
        let capacity = config.engine.record_ring_bytes;
        let mut ring = RingFile::open(&ring_path, capacity, wanted)?;
        let last = last_run(path, &directory, &ring).map_err(in_directory)?;
        if let Some(found) = last
            && (found.site, found.desk) != (wanted.site, wanted.desk)
        {
            return Err(RecordingError::OtherDesk { path: path.to_owned(), found, wanted });
        }
        // Beside the record, so that whoever reads it later knows what its numbers were called.
        kept::keep(path, &config.sources).map_err(in_directory)?;
        let is_same_boot = is_same_boot(path).map_err(in_directory)?;
        let was_sealed = was_sealed(path).map_err(in_directory)?;
        let places = (path, second);
        let (directory, recovered) = finish(places, directory, &ring, was_sealed, now)?;
        let left = last.map(|identity| left(path, identity, was_sealed, is_same_boot)).transpose();
        let left = left.map_err(in_directory)?;
        let identity = lease.begin(last.map(|last| last.run), path)?;
        ring.renew(identity)?;
        Ok(Self {
            path: path.to_owned(),
            directory,
            ring,
            identity,
            recovered,
            left,
            options: Options::default(),
            lease,
        })
    }
}

/// How the run before was left: `was_sealed` before anything was added now. The ring outlives a
/// process, so what a run has published is in the journal by now, unless this host has been off.
/// That something may be missing is noted, because the journal is sealed and gone on from all the
/// same.
fn left(
    path: &Path,
    identity: DeskIdentity,
    was_sealed: bool,
    is_same_boot: bool,
) -> io::Result<LeftRun> {
    let is_whole = (was_sealed || is_same_boot) && !has_gap(path, identity.run)?;
    if !is_whole && !has_gap(path, identity.run)? {
        let mut file = File::options().append(true).create(true).open(path.join(GAPS_NAME))?;
        writeln!(file, "{}", identity.run)?;
        file.sync_all()?;
    }
    Ok(LeftRun { identity, is_whole })
}

/// Whether a run was found to have a record that ends before it did.
fn has_gap(path: &Path, run: u16) -> io::Result<bool> {
    match std::fs::read_to_string(path.join(GAPS_NAME)) {
        Ok(runs) => Ok(runs.lines().any(|line| line.parse() == Ok(run))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the newest segment was sealed; there is nothing to seal without one.
fn was_sealed(path: &Path) -> io::Result<bool> {
    disk::segments(path)?.pop().map_or(Ok(true), |last| Ok(is_sealed(&map(&last.path)?)))
}

/// Whether this host has been on since the last run began; says for the next that this one has.
fn is_same_boot(path: &Path) -> io::Result<bool> {
    let now = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let file = path.join(BOOT_NAME);
    let is_same = std::fs::read_to_string(&file).is_ok_and(|then| then == now);
    if !is_same {
        std::fs::write(&file, now)?;
    }
    Ok(is_same)
}

/// The newest run that the ring or the journal knows of.
fn last_run(
    path: &Path,
    directory: &Directory,
    ring: &RingFile,
) -> io::Result<Option<DeskIdentity>> {
    let in_ring = match ring.found() {
        Found::New => None,
        Found::Left { identity, .. } => Some(identity),
    };
    let Some(number) = directory.list()?.pop() else {
        return Ok(in_ring);
    };
    let file = disk::find(path, number)?.ok_or(io::ErrorKind::NotFound)?;
    let segment = map(&file)?;
    let in_journal = reader::header(&segment).ok().map(|header| header.identity());
    Ok([in_ring, in_journal].into_iter().flatten().max_by_key(|identity| identity.run))
}

fn open_directory(path: &Path, second: Option<&Path>) -> io::Result<Directory> {
    match second {
        Some(second) => Directory::open_with_second(path, second),
        None => Directory::open(path),
    }
}

/// Writes what the ring of a dead engine still holds.
fn finish(
    (path, second): (&Path, Option<&Path>),
    directory: Directory,
    ring: &RingFile,
    was_sealed: bool,
    now: Moment,
) -> Result<(Directory, Option<Recovered>), RecordingError> {
    match ring.found() {
        Found::New => return Ok((directory, None)),
        // All of it is in the journal, whose end says so when it is sealed.
        Found::Left { pending_bytes: 0, .. } if was_sealed => return Ok((directory, None)),
        Found::Left { .. } => {}
    }
    let recovered = recover(directory, ring, Options::default(), now)?;
    // The lock went with the writer; take it again.
    let directory = open_directory(path, second)
        .map_err(|source| RecordingError::Directory { path: path.to_owned(), source })?;
    Ok((directory, Some(recovered)))
}

/// Journal segments, mapped to be read.
#[derive(Debug)]
pub struct Segments {
    files: Vec<PathBuf>,
    maps: Vec<Bytes>,
}

/// All bytes of a segment.
#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
    Unpacked(Vec<u8>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Unpacked(bytes) => bytes,
        }
    }
}

impl Segments {
    /// Maps all segments of the journal at `path`, or the one that it names.
    ///
    /// # Errors
    /// Whatever the file system says; `NotFound` if there is none.
    pub fn open(path: &Path) -> io::Result<Self> {
        if path.is_dir() { Self::since(path, 0) } else { Self::of_files(&[path.to_owned()]) }
    }

    /// Maps the segments of the journal in the directory at `path` from number `first` on.
    ///
    /// # Errors
    /// As for `open`.
    pub fn since(path: &Path, first: u64) -> io::Result<Self> {
        let segments = disk::segments(path)?.into_iter();
        let wanted = segments.filter(|segment| segment.number >= first);
        let files: Vec<_> = wanted.map(|segment| segment.path).collect();
        Self::of_files(&files)
    }

    /// Maps the segments of one run of the journal at `path`, from number `first` on.
    ///
    /// # Errors
    /// As for `open`.
    pub fn of_run(path: &Path, run: u16, first: u64) -> io::Result<Self> {
        let mut files = Vec::new();
        // From the newest back: what is older may be much, and packed.
        let segments = disk::segments(path)?.into_iter().rev();
        for segment in segments.take_while(|segment| segment.number >= first) {
            let bytes = map(&segment.path)?;
            let Ok(header) = reader::header(&bytes) else { continue };
            match header.identity().run.cmp(&run) {
                Ordering::Greater => {}
                Ordering::Equal => files.insert(0, segment.path),
                Ordering::Less => break,
            }
        }
        Self::of_files(&files)
    }

    fn of_files(files: &[PathBuf]) -> io::Result<Self> {
        if files.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "no journal segments there"));
        }
        let maps = files.iter().map(|file| map(file)).collect::<io::Result<_>>()?;
        Ok(Self { files: files.to_vec(), maps })
    }

    /// The segments in order: where each lies, and its bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.files.iter().zip(&self.maps).map(|(file, bytes)| (file.as_path(), &bytes[..]))
    }

    /// Payloads of all blocks, in order, up to the first damage (which `audit` reports).
    pub fn payloads(&self) -> impl Iterator<Item = &[u8]> {
        self.blocks().map(|block| block.payload)
    }

    /// Payloads of the blocks behind the first `size` records of the desk, if the tree over those
    /// has the root `root`; `None` if no block begins there, or it has another.
    pub fn payloads_after(&self, size: u64, root: &Hash) -> Option<impl Iterator<Item = &[u8]>> {
        let first = reader::header(self.maps.first()?).ok()?;
        let mut end = (first.tree_size.get(), first.tree_root);
        let mut blocks = self.blocks();
        while end.0 < size {
            let block = blocks.next()?;
            end = (block.header.tree_size.get(), block.header.tree_root);
        }
        (end == (size, *root)).then(|| blocks.map(|block| block.payload))
    }

    fn blocks(&self) -> impl Iterator<Item = Block<'_>> {
        let next = self.maps.iter().skip(1).map(Some).chain([None]);
        self.maps.iter().zip(next).flat_map(|(segment, next)| {
            let next = next.and_then(|next| reader::header(next).ok());
            let until = next.and_then(|next| reader::end_of_failed(&next));
            let header = reader::header(segment).ok();
            let blocks = header.map(|header| Blocks::without_tree(segment, &header).until(until));
            let mut blocks = blocks.into_iter();
            let mut current = blocks.next();
            std::iter::from_fn(move || match current.as_mut()?.next_block() {
                Ok(Ok(block)) => Some(block),
                Ok(Err(_)) | Err(_) => None,
            })
        })
    }
}

/// The tree over all records before the segment at `path`, from the front of its file.
///
/// # Errors
/// Whatever the file system says; `InvalidData` if it is no segment.
pub fn start_tree(path: &Path) -> io::Result<Tree> {
    let invalid = |damage| io::Error::new(io::ErrorKind::InvalidData, damage);
    let source = Source::open(path)?;
    let mut front = vec![0; HEADER_LEN];
    source.read_exact_at(&mut front, 0)?;
    let header = reader::header(&front).map_err(invalid)?;
    let peaks = header.tree_size.get().count_ones() as usize * size_of::<Hash>();
    let end = HEADER_LEN + BLOCK_OVERHEAD + peaks;
    front.resize(end, 0);
    source.read_exact_at(&mut front, 0)?;
    // What is behind the peaks is not looked at.
    let mut blocks = Blocks::new(&front, &header).until(Some(end as u64));
    let _ = blocks.next_block().map_err(invalid)?;
    Ok(blocks.tree().cloned().unwrap_or_default())
}

#[expect(unsafe_code, reason = "mapping a file has no safe interface")]
fn map(path: &Path) -> io::Result<Bytes> {
    if disk::is_packed(path) {
        return disk::load(path).map(Bytes::Unpacked);
    }
    let file = File::open(path)?;
    // SAFETY: segments are only ever appended to by the one writer that holds the directory's lock,
    // and never shortened below what was written; a reader sees bytes that may grow, never dangle.
    unsafe { Mmap::map(&file) }.map(Bytes::Mapped)
}
