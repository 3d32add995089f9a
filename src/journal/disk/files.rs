//! The files of a journal, wherever they lie: in its directory, and in the second one that its
//! writer went to when the first one's disk failed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::packed::{self, PACKED, packed_path};
use super::segment_name;

/// A file in a journal's directory that holds the path of the second directory.
const SECOND_NAME: &str = "second-directory";

/// A segment's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentPath {
    /// The segment's number.
    pub number: u64,
    /// The file.
    pub path: PathBuf,
}

/// The segments of the journal in the directory at `path` and its second directory, in rising
/// order.
///
/// A number that both have is the second's: its disk had refused to make that segment, and left an
/// empty one behind.
///
/// # Errors
/// Whatever the file system says. A second directory that is not there has no segments.
pub fn segments(path: &Path) -> io::Result<Vec<SegmentPath>> {
    let mut found = Vec::new();
    if let Some(second) = second_of(path)? {
        match in_directory(&second, &mut found) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    in_directory(path, &mut found)?;
    // Stable: of one number the second directory's stays in front. A segment that was just being
    // packed is there in both forms, which are the same.
    found.sort_by_key(|segment| segment.number);
    found.dedup_by_key(|segment| segment.number);
    Ok(found)
}

/// Numbers of the segments that `segments` finds, in rising order.
///
/// # Errors
/// As for `segments`.
pub fn list(path: &Path) -> io::Result<Vec<u64>> {
    Ok(segments(path)?.into_iter().map(|segment| segment.number).collect())
}

/// The file of segment `number` of the journal in the directory at `path`, if it has come.
///
/// # Errors
/// Whatever the file system says.
pub fn find(path: &Path, number: u64) -> io::Result<Option<PathBuf>> {
    let directories = second_of(path)?.into_iter().chain([path.to_owned()]);
    for directory in directories {
        let file = directory.join(segment_name(number));
        for file in [packed_path(&file), file] {
            if file.try_exists()? {
                return Ok(Some(file));
            }
        }
    }
    Ok(None)
}

/// All bytes of a segment, unpacked if it is.
///
/// # Errors
/// Whatever the file system says; `InvalidData` if a packed one was changed.
pub fn load(path: &Path) -> io::Result<Vec<u8>> {
    let bytes = fs::read(path)?;
    if is_packed(path) { packed::unpack(&bytes) } else { Ok(bytes) }
}

/// Whether the segment at `path` is packed.
#[must_use]
pub fn is_packed(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.ends_with(PACKED))
}

/// A segment that is read piece by piece.
#[derive(Debug)]
pub enum Source {
    /// As it lies on the disk.
    Plain(File),
    /// Unpacked.
    Unpacked(Vec<u8>),
}

impl Source {
    /// Opens the segment at `path`.
    ///
    /// # Errors
    /// As for `load`.
    pub fn open(path: &Path) -> io::Result<Self> {
        if is_packed(path) {
            return load(path).map(Self::Unpacked);
        }
        File::open(path).map(Self::Plain)
    }

    /// Fills `bytes` from `offset` on.
    ///
    /// # Errors
    /// `UnexpectedEof` if there are not as many, or whatever the file system says.
    pub fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.read_exact_at(bytes, offset),
            Self::Unpacked(segment) => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX);
                let found = segment.get(from..).and_then(|rest| rest.get(..bytes.len()));
                bytes.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }

    /// Waits until what was written to it is safe from power loss.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn sync(&self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.sync_data(),
            Self::Unpacked(_) => Ok(()),
        }
    }
}

fn in_directory(path: &Path, found: &mut Vec<SegmentPath>) -> io::Result<()> {
    let from = found.len();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if let Some(number) = entry.file_name().to_str().and_then(number_of) {
            found.push(SegmentPath { number, path: entry.path() });
        }
    }
    if let Some(new) = found.get_mut(from..) {
        new.sort_by_key(|segment| (segment.number, is_packed(&segment.path)));
    }
    Ok(())
}

/// The number that a file's name stands for.
fn number_of(name: &str) -> Option<u64> {
    let name = name.strip_suffix(PACKED).unwrap_or(name);
    let number = name.strip_suffix(".xmj")?.parse().ok()?;
    (segment_name(number) == name).then_some(number)
}

/// The second directory of the journal at `path`, if it has one.
pub(super) fn second_of(path: &Path) -> io::Result<Option<PathBuf>> {
    match fs::read_to_string(path.join(SECOND_NAME)) {
        Ok(second) => Ok(Some(path.join(second.trim_end_matches('\n')))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Notes in the journal's directory at `path` that `second` is its second one.
pub(super) fn note_second(path: &Path, second: &Path) -> io::Result<()> {
    let second = fs::canonicalize(second)?;
    let Some(text) = second.to_str() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "its path is not UTF-8"));
    };
    fs::write(path.join(SECOND_NAME), format!("{text}\n"))
}
