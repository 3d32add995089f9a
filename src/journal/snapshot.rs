//! Snapshots beside the segments: the state of a desk as it was where a block of the journal ends.
//!
//! A snapshot is a shortcut and never the truth: everything in it follows from the records before
//! it, `xmc replay --verify` works each of them out again, and whoever starts from one checks that
//! the journal has the tree that the snapshot was taken over. So it is not synced (one that a loss
//! of power tore is refused by its hash, and the one before is taken), and a directory without
//! any is whole. What the state means is its reader's business: here it is bytes and their hash.
//!
//! A file is a header of 192 bytes and the run's first record and the state, both in one Zstandard
//! frame. The newest few are kept, and of each segment the first, so that a reader who looks for a
//! moment of the day need not begin at its start. Integers are little-endian.

use bytemuck::{Pod, Zeroable};
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::mem::offset_of;
use std::path::{Path, PathBuf};
use xmc_hotpath::message::{DeskId, DeskIdentity, SiteId};
use xmc_hotpath::record::frame::{self, LOGIC_VERSION};
use xmc_hotpath::wire::{U16Le, U32Le, U64Le};

use super::segment::Hash;

/// The first bytes of a snapshot.
const MAGIC: [u8; 8] = *b"XMCSNAP\n";
/// Version of the file's form.
const FORMAT: u16 = 1;
/// What a snapshot's name ends with.
const EXTENSION: &str = "xms";
/// The name of one that is being written.
const UNNAMED: &str = "snapshot.new";
/// How many of the newest are kept.
const KEPT: usize = 3;
/// No state of a desk is longer.
const MAX_STATE: usize = 1 << 30;
/// Fast: a state is mostly rows that were never used.
const LEVEL: i32 = 1;

/// Why a file is not a snapshot that can be gone on from.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It does not begin as one, or ends too soon.
    #[error("this is not a snapshot of a desk")]
    NotASnapshot,
    /// Another program wrote it.
    #[error("the snapshot is of format {0}, this build reads format {FORMAT}")]
    Format(u16),
    /// It was changed, or not written whole.
    #[error("the snapshot was changed or is not whole: its hash does not match its bytes")]
    Hash,
    /// What is in it is not as long as it says.
    #[error("the snapshot's {0} has not the length that its header says")]
    Length(&'static str),
}

/// The state of a desk after the last input of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Whose, and of which run.
    pub identity: DeskIdentity,
    /// Version of the logic that the state is one of.
    pub logic_version: u16,
    /// The last input before it.
    pub last_seq_no: u64,
    /// The segment that the block is in.
    pub segment: u64,
    /// Records of the desk up to its end, over all runs.
    pub tree_size: u64,
    /// Root of the tree over them.
    pub tree_root: Hash,
    /// The run's first record.
    pub start: Vec<u8>,
    /// The state: `engine::shadow` reads it.
    pub state: Vec<u8>,
}

/// The first bytes of a file.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Header {
    magic: [u8; 8],
    format: U16Le,
    logic_version: U16Le,
    site: u8,
    desk: u8,
    run: U16Le,
    segment: U64Le,
    last_seq_no: U64Le,
    tree_size: U64Le,
    tree_root: Hash,
    /// Bytes of the run's first record.
    start_bytes: U32Le,
    /// Bytes of the state.
    state_bytes: U32Le,
    /// Bytes of the Zstandard frame behind the header.
    packed_bytes: U64Le,
    reserved: [u8; 40],
    /// SHA-256 of the state: that of every desk that stands so.
    state_hash: Hash,
    /// SHA-256 of all bytes before it, and then those of the frame.
    hash: Hash,
}

const HEADER_LEN: usize = size_of::<Header>();
const _: () = assert!(HEADER_LEN == 192);
const _: () = assert!(offset_of!(Header, state_hash) == 128);

impl Header {
    fn computed_hash(&self, packed: &[u8]) -> Hash {
        let (covered, _) = bytemuck::bytes_of(self).split_at(offset_of!(Self, hash));
        Sha256::new().chain_update(covered).chain_update(packed).finalize().into()
    }
}

/// SHA-256 of a state.
#[must_use]
pub fn state_hash(state: &[u8]) -> Hash {
    Sha256::digest(state).into()
}

/// Where a snapshot lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotPath {
    /// The segment that it was taken in.
    pub segment: u64,
    /// The last input before it.
    pub last_seq_no: u64,
    /// The file.
    pub path: PathBuf,
}

/// The snapshots of the journal at `directory`, in the order of the journal.
///
/// # Errors
/// Whatever the file system says.
pub fn list(directory: &Path) -> io::Result<Vec<SnapshotPath>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if let Some((segment, last_seq_no)) = place_of(&path) {
            found.push(SnapshotPath { segment, last_seq_no, path });
        }
    }
    found.sort();
    Ok(found)
}

/// Those of segment `first` and later.
///
/// # Errors
/// As for `list`.
pub fn since(directory: &Path, first: u64) -> io::Result<Vec<SnapshotPath>> {
    let mut found = list(directory)?;
    found.retain(|snapshot| snapshot.segment >= first);
    Ok(found)
}

fn name(segment: u64, last_seq_no: u64) -> String {
    format!("{segment:08}-{last_seq_no:014}.{EXTENSION}")
}

fn place_of(path: &Path) -> Option<(u64, u64)> {
    let found = path.file_name()?.to_str()?;
    let (segment, rest) = found.split_once('-')?;
    let last_seq_no = rest.strip_suffix(EXTENSION)?.strip_suffix('.')?;
    let place = (segment.parse().ok()?, last_seq_no.parse().ok()?);
    (name(place.0, place.1) == found).then_some(place)
}

/// Writes a snapshot, and removes those that are in the way of none (see the module).
///
/// # Errors
/// Whatever the file system says. No snapshot that was there is lost then.
pub fn write(directory: &Path, snapshot: &Snapshot) -> io::Result<()> {
    let too_long = |_| io::Error::new(io::ErrorKind::InvalidInput, "a state of 4 GiB or more");
    let body = [&snapshot.start[..], &snapshot.state].concat();
    let packed = zstd::bulk::compress(&body, LEVEL)?;
    let identity = snapshot.identity;
    let mut header = Header {
        magic: MAGIC,
        format: U16Le::new(FORMAT),
        logic_version: U16Le::new(snapshot.logic_version),
        site: identity.site.0,
        desk: identity.desk.0,
        run: U16Le::new(identity.run),
        segment: U64Le::new(snapshot.segment),
        last_seq_no: U64Le::new(snapshot.last_seq_no),
        tree_size: U64Le::new(snapshot.tree_size),
        tree_root: snapshot.tree_root,
        start_bytes: U32Le::new(u32::try_from(snapshot.start.len()).map_err(too_long)?),
        state_bytes: U32Le::new(u32::try_from(snapshot.state.len()).map_err(too_long)?),
        packed_bytes: U64Le::new(packed.len() as u64),
        reserved: [0; 40],
        state_hash: state_hash(&snapshot.state),
        hash: [0; 32],
    };
    header.hash = header.computed_hash(&packed);
    let unnamed = directory.join(UNNAMED);
    fs::write(&unnamed, [bytemuck::bytes_of(&header), &packed].concat())?;
    fs::rename(unnamed, directory.join(name(snapshot.segment, snapshot.last_seq_no)))?;
    prune(directory)
}

/// Removes all but the newest, and the first of each segment.
fn prune(directory: &Path) -> io::Result<()> {
    let all = list(directory)?;
    let old = all.len().saturating_sub(KEPT);
    let mut before = None;
    for snapshot in all.iter().take(old) {
        if before.replace(snapshot.segment) == Some(snapshot.segment) {
            fs::remove_file(&snapshot.path)?;
        }
    }
    Ok(())
}

/// Removes the snapshots of segments before number `first`, which are no longer kept.
///
/// # Errors
/// Whatever the file system says.
pub fn remove_before(directory: &Path, first: u64) -> io::Result<()> {
    let over = |snapshot: &&SnapshotPath| snapshot.segment < first;
    list(directory)?.iter().filter(over).try_for_each(|snapshot| fs::remove_file(&snapshot.path))
}

/// Reads the snapshot in the file at `path`.
///
/// # Errors
/// See `SnapshotError`.
pub fn read(path: &Path) -> Result<Snapshot, SnapshotError> {
    of_bytes(&fs::read(path)?)
}

/// Reads a snapshot in the bytes of its file.
///
/// # Errors
/// See `SnapshotError`.
pub fn of_bytes(bytes: &[u8]) -> Result<Snapshot, SnapshotError> {
    if !bytes.starts_with(&MAGIC) {
        return Err(SnapshotError::NotASnapshot);
    }
    let (front, packed) = bytes.split_at_checked(HEADER_LEN).ok_or(SnapshotError::NotASnapshot)?;
    let header: Header = bytemuck::pod_read_unaligned(front);
    if header.format.get() != FORMAT {
        return Err(SnapshotError::Format(header.format.get()));
    }
    if header.computed_hash(packed) != header.hash {
        return Err(SnapshotError::Hash);
    }
    let lengths = (header.start_bytes.get() as usize, header.state_bytes.get() as usize);
    let (start_len, state_len) = lengths;
    if start_len > frame::MAX_LEN || state_len > MAX_STATE {
        return Err(SnapshotError::Length("content"));
    }
    if header.packed_bytes.get() != packed.len() as u64 {
        return Err(SnapshotError::Length("frame"));
    }
    let mut start = zstd::bulk::decompress(packed, start_len + state_len)?;
    if start.len() != start_len + state_len {
        return Err(SnapshotError::Length("content"));
    }
    let state = start.split_off(start_len);
    if state_hash(&state) != header.state_hash {
        return Err(SnapshotError::Hash);
    }
    let (site, desk) = (SiteId(header.site), DeskId(header.desk));
    Ok(Snapshot {
        identity: DeskIdentity { site, desk, run: header.run.get() },
        logic_version: header.logic_version.get(),
        last_seq_no: header.last_seq_no.get(),
        segment: header.segment.get(),
        tree_size: header.tree_size.get(),
        tree_root: header.tree_root,
        start,
        state,
    })
}

impl Snapshot {
    /// Whether this program's desk can go on from it.
    #[must_use]
    pub fn is_of_this_logic(&self) -> bool {
        self.logic_version == LOGIC_VERSION
    }
}
