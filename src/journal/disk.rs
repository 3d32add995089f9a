//! Where segments are written: the file system, or in the simulator a disk that fails on purpose.
//!
//! `directory` is where a writer writes, and `files` where readers find what was written.

mod directory;
mod files;
mod packed;
mod spare;

pub use directory::{Directory, SegmentFile};
pub use files::{SegmentPath, Source, find, is_packed, list, load, segments};
pub use packed::{pack, pack_file, packed_path, unpack};

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

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

    /// Makes a segment that is `len` bytes long: `front`, then zeros. It is there whole, and safe
    /// from power loss, or not at all.
    ///
    /// # Errors
    /// `AlreadyExists`, or whatever the file system says.
    fn create(&mut self, number: u64, front: &[u8], len: u64) -> io::Result<Self::Segment>;

    /// Makes room for a segment of `len` bytes ahead of `create`, without waiting for it.
    fn prepare(&mut self, len: u64) {
        let _ = len;
    }

    /// Makes safe what a dead process wrote to a segment, so that `read` sees only what stays.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn settle(&mut self, number: u64) -> io::Result<()> {
        let _ = number;
        Ok(())
    }

    /// Makes new segments elsewhere from now on, after an error; `false` if there is nowhere else.
    fn fail_over(&mut self) -> bool {
        false
    }

    /// Whether there is no room for another segment, as far as is known.
    fn is_low(&mut self) -> bool {
        false
    }
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

    /// Begins to make what was written so far safe; `true` if it is already when this returns.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn begin_sync(&mut self) -> io::Result<bool> {
        self.sync().map(|()| true)
    }

    /// Whether what `begin_sync` began has ended.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn is_synced(&mut self) -> io::Result<bool> {
        Ok(true)
    }

    /// Cuts the segment off at `len` and syncs it: it is sealed. A sync that was begun has ended
    /// then.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn close_at(&mut self, len: u64) -> io::Result<()>;
}

/// What a segment's name ends with.
pub const EXTENSION: &str = "xmj";

/// The name of segment `number`.
#[must_use]
pub fn segment_name(number: u64) -> String {
    format!("{number:08}.{EXTENSION}")
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
