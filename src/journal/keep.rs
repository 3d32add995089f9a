//! Keeping a journal: packs sealed segments, says in a manifest what is kept until when, and
//! removes what nobody has to keep any more.
//!
//! The manifest is a file of JSON lines in the journal's directory, one for each sealed segment:
//! what it holds, the tree and chain it ends with, the digest of its file, and the day until which
//! it is kept. The line of a segment that was removed stays, so that what is left is still proved
//! to be the rest. Nothing is removed unless it is asked for, and only from the front.
//!
//! The last segments are left alone: writers, screens and restarts read them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use xmc_hotpath::time::UnixNs;

use super::disk::{self, SegmentPath};
use super::lock::Locked;
use super::reader::{self, Blocks, End};
use super::segment::Hash;

/// The manifest's name.
pub const MANIFEST_NAME: &str = "retention.jsonl";

/// What keepers of one journal lock.
const LOCK_NAME: &str = "keep.lock";

/// Segments at the end that are not touched.
const LEFT_ALONE: usize = 2;

/// Nanoseconds of a day.
const DAY_NS: u64 = 86_400_000_000_000;

/// How a journal is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Sealed segments are packed.
    pub is_packed: bool,
    /// Days that a segment is kept after it was sealed.
    pub keep_days: u32,
    /// Segments whose time is over are removed.
    pub is_removed: bool,
}

impl Default for Keeping {
    fn default() -> Self {
        // Five years (17 CFR 1.31), and a leap day more.
        Self { is_packed: true, keep_days: 5 * 366, is_removed: false }
    }
}

/// A line of the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The segment's number.
    pub segment: u64,
    /// Its file's name; in the second directory, its path.
    pub file: String,
    /// The run.
    pub run: u16,
    /// When it was made, nanoseconds since 1970 (UTC).
    pub created_utc_ns: u64,
    /// When it was sealed.
    pub sealed_utc_ns: u64,
    /// Records before it, over all runs.
    pub first_record: u64,
    /// Records up to its end.
    pub tree_size: u64,
    /// The tree's root over them.
    pub tree_root: String,
    /// The chain's hash at its end.
    pub last_hash: String,
    /// Bytes of the sealed segment.
    pub bytes: u64,
    /// Bytes of its file.
    pub file_bytes: u64,
    /// SHA-256 of its file.
    pub file_sha256: String,
    /// It is kept until then, nanoseconds since 1970 (UTC).
    pub keep_until_utc_ns: u64,
    /// When it was removed.
    pub removed_utc_ns: Option<u64>,
}

impl Line {
    /// Whether the segment is gone because its time was over.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.removed_utc_ns.is_some()
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Segments that the manifest names.
    pub segments: u64,
    /// Segments packed.
    pub packed: u64,
    /// Bytes that this saved.
    pub saved_bytes: u64,
    /// Segments removed.
    pub removed: u64,
}

/// Keeps the journal in the directory at `path`.
///
/// # Errors
/// `WouldBlock` if another keeper is at it, `InvalidData` if a sealed segment or the manifest is
/// damaged (`xmc audit verify` says how), or whatever the file system says.
pub fn keep(path: &Path, keeping: &Keeping, now: UnixNs) -> io::Result<Kept> {
    let lock =
        OpenOptions::new().write(true).create(true).truncate(false).open(path.join(LOCK_NAME))?;
    let _lock = Locked::take(lock).map_err(io::Error::from)?;
    let mut lines = manifest(path)?;
    let before = lines.clone();
    let mut kept = Kept::default();
    let mut segments = disk::segments(path)?;
    segments.truncate(segments.len().saturating_sub(LEFT_ALONE));
    for segment in segments {
        // What is packed and named is done with.
        let is_named = lines.iter().any(|line| line.segment == segment.number);
        if is_named && (disk::is_packed(&segment.path) || !keeping.is_packed) {
            continue;
        }
        let Some(mut line) = describe(path, &segment, keeping.keep_days)? else {
            continue;
        };
        if keeping.is_packed && !disk::is_packed(&segment.path) {
            let packed_bytes = disk::pack_file(&segment.path)?;
            kept.packed += 1;
            kept.saved_bytes += line.bytes.saturating_sub(packed_bytes);
            name_file(path, &disk::packed_path(&segment.path), &mut line)?;
        }
        lines.retain(|known| known.segment != line.segment);
        lines.push(line);
    }
    lines.sort_by_key(|line| line.segment);
    if keeping.is_removed {
        kept.removed = remove(path, &mut lines, now)?;
    }
    kept.segments = lines.len() as u64;
    if lines != before {
        write_manifest(path, &lines)?;
    }
    Ok(kept)
}

/// The manifest of the journal at `path`; empty if it has none.
///
/// # Errors
/// Whatever the file system says; `InvalidData` if a line is not one.
pub fn manifest(path: &Path) -> io::Result<Vec<Line>> {
    let text = match fs::read_to_string(path.join(MANIFEST_NAME)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    text.lines().map(|line| serde_json::from_str::<Line>(line).map_err(invalid)).collect()
}

fn write_manifest(path: &Path, lines: &[Line]) -> io::Result<()> {
    let unnamed = path.join("retention.new");
    let mut file = File::create(&unnamed)?;
    for line in lines {
        serde_json::to_writer(&mut file, line)?;
        file.write_all(b"\n")?;
    }
    file.sync_all()?;
    fs::rename(unnamed, path.join(MANIFEST_NAME))?;
    File::open(path)?.sync_all()
}

/// What a segment holds; `None` if it was not sealed: such a one is evidence as it is.
fn describe(path: &Path, segment: &SegmentPath, keep_days: u32) -> io::Result<Option<Line>> {
    let invalid = |damage| io::Error::new(io::ErrorKind::InvalidData, damage);
    let bytes = disk::load(&segment.path)?;
    let header = reader::header(&bytes).map_err(invalid)?;
    let mut blocks = Blocks::new(&bytes, &header);
    let seal = loop {
        match blocks.next_block() {
            Ok(Ok(_)) => {}
            Ok(Err(End::Sealed(seal))) => break seal,
            Ok(Err(End::Open)) => return Ok(None),
            Err(damage) if damage.fault.may_be_torn() => return Ok(None),
            Err(damage) => return Err(invalid(damage)),
        }
    };
    let sealed_utc_ns = seal.sealed_utc.get();
    let kept_ns = u64::from(keep_days).saturating_mul(DAY_NS);
    let tree = blocks.tree();
    let mut line = Line {
        segment: segment.number,
        file: String::new(),
        run: header.run.get(),
        created_utc_ns: header.created_utc.get(),
        sealed_utc_ns,
        first_record: header.tree_size.get(),
        tree_size: tree.map_or(0, |tree| tree.size()),
        tree_root: tree.map_or(String::new(), |tree| hex(&tree.root())),
        last_hash: hex(&blocks.hash()),
        bytes: bytes.len() as u64,
        file_bytes: 0,
        file_sha256: String::new(),
        keep_until_utc_ns: sealed_utc_ns.saturating_add(kept_ns),
        removed_utc_ns: None,
    };
    name_file(path, &segment.path, &mut line)?;
    Ok(Some(line))
}

/// Notes a segment's file in its line.
fn name_file(path: &Path, file: &Path, line: &mut Line) -> io::Result<()> {
    let bytes = fs::read(file)?;
    line.file_bytes = bytes.len() as u64;
    line.file_sha256 = hex(&Sha256::digest(&bytes).into());
    line.file = file.strip_prefix(path).unwrap_or(file).to_string_lossy().into_owned();
    Ok(())
}

/// Removes segments from the front whose time is over. The manifest says so first: a crash leaves a
/// file that is said to be gone, never one that is gone and was not said to be.
fn remove(path: &Path, lines: &mut [Line], now: UnixNs) -> io::Result<u64> {
    let mut over = Vec::new();
    for line in lines.iter_mut() {
        if line.keep_until_utc_ns >= now.0 {
            break;
        }
        if line.removed_utc_ns.is_none() {
            line.removed_utc_ns = Some(now.0);
            over.push(path.join(&line.file));
        }
    }
    if !over.is_empty() {
        write_manifest(path, lines)?;
    }
    for file in &over {
        fs::remove_file(file)?;
    }
    if let Some(last) = lines.iter().rfind(|line| line.is_removed()) {
        super::snapshot::remove_before(path, last.segment + 1)?;
    }
    Ok(over.len() as u64)
}

fn hex(hash: &Hash) -> String {
    crate::hex::show(hash)
}
