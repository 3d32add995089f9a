//! The memory of rings: mapped from the socket, and unmapped with the ring. A mapping keeps the
//! socket alive, and with it the queue busy, after the socket has been closed.

use super::XdpError;
use super::error::refused;
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64};
use xmc_hotpath::port::xdp::{BadRing, Cells, Consumer, Entry, Producer};

/// Which of a socket's rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Free frames for the kernel.
    Fill,
    /// Frames that were sent.
    Completion,
    /// Frames that came.
    Receive,
    /// Frames to be sent.
    Transmit,
}

impl Kind {
    /// The socket option that sets its size.
    pub const fn option(self) -> libc::c_int {
        match self {
            Self::Fill => libc::XDP_UMEM_FILL_RING,
            Self::Completion => libc::XDP_UMEM_COMPLETION_RING,
            Self::Receive => libc::XDP_RX_RING,
            Self::Transmit => libc::XDP_TX_RING,
        }
    }

    /// Where in the socket's file it is mapped from.
    const fn page(self) -> libc::off_t {
        match self {
            Self::Fill => libc::XDP_UMEM_PGOFF_FILL_RING as libc::off_t,
            Self::Completion => libc::XDP_UMEM_PGOFF_COMPLETION_RING as libc::off_t,
            Self::Receive => libc::XDP_PGOFF_RX_RING,
            Self::Transmit => libc::XDP_PGOFF_TX_RING,
        }
    }

    fn of(self, offsets: &libc::xdp_mmap_offsets) -> &libc::xdp_ring_offset {
        match self {
            Self::Fill => &offsets.fr,
            Self::Completion => &offsets.cr,
            Self::Receive => &offsets.rx,
            Self::Transmit => &offsets.tx,
        }
    }
}

/// Memory of the kernel's, mapped.
#[derive(Debug)]
struct Mapping {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: it is memory of the process and no thread's own, and only atomics are made of it.
#[expect(unsafe_code, reason = "mapped memory may be used by any thread")]
unsafe impl Send for Mapping {}

impl Drop for Mapping {
    #[expect(unsafe_code, reason = "rings are mapped")]
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `map` and is unmapped once, here; the ring that looked
        // into it is private to `Mapped`, which goes with it.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}

/// A ring with the memory that it lies in.
#[derive(Debug)]
pub struct Mapped<R> {
    ring: R,
    _mapping: Mapping,
}

impl<R> Deref for Mapped<R> {
    type Target = R;

    #[inline(always)]
    fn deref(&self) -> &R {
        &self.ring
    }
}

impl<R> DerefMut for Mapped<R> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut R {
        &mut self.ring
    }
}

/// Our side of a ring that the kernel consumes.
pub fn producer<E: Entry>(
    socket: BorrowedFd<'_>,
    offsets: &libc::xdp_mmap_offsets,
    kind: Kind,
    entries: u32,
) -> Result<Mapped<Producer<'static, E>>, XdpError> {
    mapped::<E, _>(socket, offsets, kind, entries, Producer::new)
}

/// Our side of a ring that the kernel produces.
pub fn consumer<E: Entry>(
    socket: BorrowedFd<'_>,
    offsets: &libc::xdp_mmap_offsets,
    kind: Kind,
    entries: u32,
) -> Result<Mapped<Consumer<'static, E>>, XdpError> {
    mapped::<E, _>(socket, offsets, kind, entries, Consumer::new)
}

fn mapped<E: Entry, R>(
    socket: BorrowedFd<'_>,
    offsets: &libc::xdp_mmap_offsets,
    kind: Kind,
    entries: u32,
    make: impl FnOnce(Cells<'static>) -> Result<R, BadRing>,
) -> Result<Mapped<R>, XdpError> {
    let offset = kind.of(offsets);
    let words = usize::try_from(entries).expect("a few thousand") << E::SHIFT;
    let mapping = map(socket, kind, offset, words * size_of::<u64>())?;
    let cells = cells(&mapping, offset, words);
    let ring = make(cells).map_err(|BadRing| XdpError::System {
        what: "a ring of AF_XDP",
        source: io::ErrorKind::InvalidData.into(),
    })?;
    Ok(Mapped { ring, _mapping: mapping })
}

#[expect(unsafe_code, reason = "rings are mapped")]
fn map(
    socket: BorrowedFd<'_>,
    kind: Kind,
    offset: &libc::xdp_ring_offset,
    entry_bytes: usize,
) -> Result<Mapping, XdpError> {
    let len = usize::try_from(offset.desc).expect("within a page") + entry_bytes;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_SHARED | libc::MAP_POPULATE;
    let descriptor = socket.as_raw_fd();
    // SAFETY: the call takes no memory of ours; it makes a mapping of its own.
    let base =
        unsafe { libc::mmap(std::ptr::null_mut(), len, access, flags, descriptor, kind.page()) };
    let failed = || refused("the mapping of a ring of AF_XDP")(io::Error::last_os_error());
    if base == libc::MAP_FAILED {
        return Err(failed());
    }
    Ok(Mapping { base: NonNull::new(base.cast()).ok_or_else(failed)?, len })
}

/// The parts of a ring. They live as long as the mapping, which `Mapped` keeps beside them.
#[expect(unsafe_code, reason = "rings are mapped")]
fn cells(mapping: &Mapping, offset: &libc::xdp_ring_offset, words: usize) -> Cells<'static> {
    let at = |offset: u64, align: usize, bytes: usize| {
        let offset = usize::try_from(offset).expect("within a page");
        assert!(offset + bytes <= mapping.len && offset.is_multiple_of(align), "{offset}");
        mapping.base.as_ptr().wrapping_add(offset)
    };
    let index = |offset: u64| {
        let index = at(offset, align_of::<AtomicU32>(), size_of::<AtomicU32>());
        // SAFETY: it lies within the mapping, aligned, and is only used as an atomic by both sides;
        // the mapping lives as long as the ring (`Mapped`).
        unsafe { &*index.cast::<AtomicU32>() }
    };
    let first = at(offset.desc, align_of::<AtomicU64>(), words * size_of::<AtomicU64>());
    Cells {
        producer: index(offset.producer),
        consumer: index(offset.consumer),
        flags: index(offset.flags),
        // SAFETY: as above, of all words of the ring.
        words: unsafe { std::slice::from_raw_parts(first.cast::<AtomicU64>(), words) },
    }
}
