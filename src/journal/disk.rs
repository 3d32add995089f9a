//! Where segments are written: the file system, or in the simulator a disk that fails on purpose.
//!
//! A segment appears whole: its room is allocated and its header written under another name, and
//! only then does it get its own. So a crash leaves no segment without a header.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::lock::Locked;

/// A directory of segments.
pub trait Disk {
    /// A segment that is being written.
    type Segment: Append;

    /// Numbers of the segments that are there, in rising order.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn list(&self) -> io::Result<Vec<u64>>;

    /// All bytes of a segment.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn read(&self, number: u64) -> io::Result<Vec<u8>>;

    /// Makes a segment that is `len` bytes long: `header`, then zeros. It is there whole, and safe
    /// from power loss, or not at all.
    ///
    /// # Errors
    /// `AlreadyExists`, or whatever the file system says.
    fn create(&mut self, number: u64, header: &[u8], len: u64) -> io::Result<Self::Segment>;
}

/// A segment that is being written. After an error nothing more may be asked of it: what of its
/// bytes is on the disk is not known any more, and asking again does not tell.
pub trait Append {
    /// Writes `bytes` at `offset`.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Waits until what was written is safe from power loss.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the segment off at `len` and syncs it: it is sealed.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn close_at(&mut self, len: u64) -> io::Result<()>;
}

/// A directory of the file system, held under a lock: a journal has one writer.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// Holds the lock; never read.
    _lock: Locked,
}

/// The file in it that is locked.
const LOCK_NAME: &str = "journal.lock";

/// What a segment's name ends with.
pub const EXTENSION: &str = "xmj";

impl Directory {
    /// Opens the directory at `path`, making it if it is not there, and locks it.
    ///
    /// # Errors
    /// `ResourceBusy` if another writer has it, or whatever the file system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(LOCK_NAME))?;
        match Locked::take(lock) {
            Ok(lock) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another journal writer has this directory",
            )),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The name of segment `number`.
#[must_use]
pub fn segment_name(number: u64) -> String {
    format!("{number:08}.{EXTENSION}")
}

/// Numbers of the segments in the directory at `path`, in rising order.
///
/// # Errors
/// Whatever the file system says.
pub fn list(path: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".xmj"));
        if let Some(number) = number.and_then(|digits| digits.parse::<u64>().ok())
            && name.to_str() == Some(segment_name(number).as_str())
        {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

impl Disk for Directory {
    type Segment = SegmentFile;

    fn list(&self) -> io::Result<Vec<u64>> {
        list(&self.path)
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(segment_name(number)))
    }

    fn create(&mut self, number: u64, header: &[u8], len: u64) -> io::Result<SegmentFile> {
        let name = self.path.join(segment_name(number));
        let unnamed = self.path.join(format!("{number:08}.new"));
        // What a crash left under this name may be a second name of a segment: never write to it.
        match fs::remove_file(&unnamed) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).open(&unnamed)?;
        allocate(&file, len)?;
        file.write_all_at(header, 0)?;
        file.sync_all()?;
        // A link, unlike a rename, never replaces a segment that is there.
        fs::hard_link(&unnamed, &name)?;
        fs::remove_file(&unnamed)?;
        File::open(&self.path)?.sync_all()?;
        Ok(SegmentFile { file })
    }
}

/// A segment in a `Directory`.
#[derive(Debug)]
pub struct SegmentFile {
    file: File,
}

impl Append for SegmentFile {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn close_at(&mut self, len: u64) -> io::Result<()> {
        // In this order: a segment that is cut off and has no seal would look like a forgery.
        self.file.sync_data()?;
        self.file.set_len(len)?;
        self.file.sync_all()
    }
}

/// Makes `file` `len` bytes long, with room on the disk for each of them.
///
/// # Errors
/// Whatever the file system says; `StorageFull` before anything was written is what it is for.
#[expect(unsafe_code, reason = "std has no call that reserves room")]
pub fn allocate(file: &File, len: u64) -> io::Result<()> {
    let len = libc::off_t::try_from(len)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "longer than a file can be"))?;
    // SAFETY: the descriptor is open while `file` is borrowed; the call takes no pointers.
    match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, len) } {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}
