//! The memory of frames that the kernel, the driver and this process share.
//!
//! A frame belongs to one of them at a time: to the kernel from the moment when its address was
//! published in a fill or transmit ring, to this process again when it comes back by a receive or
//! completion ring. The kernel keeps the memory for as long as a socket needs it.

use super::XdpError;
use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use xmc_hotpath::port::xdp::FrameLayout;

/// A frame is 2048 bytes: the headroom that XDP keeps for itself and an Ethernet frame of any usual
/// length.
const FRAME_SHIFT: u32 = 11;
/// `XDP_PACKET_HEADROOM`.
const HEADROOM: i32 = 256;
/// The longest Ethernet frame that there is room for. The kernel drops what is longer.
pub const MOST_BYTES: i32 = (1 << FRAME_SHIFT) - HEADROOM;

/// The memory.
#[derive(Debug)]
pub struct Umem {
    base: NonNull<u8>,
    layout: FrameLayout,
}

// SAFETY: it is memory of the process and no thread's own; who may touch which frame is said by
// `bytes` and `bytes_mut`.
#[expect(unsafe_code, reason = "mapped memory may be used by any thread")]
unsafe impl Send for Umem {}
// SAFETY: as above.
#[expect(unsafe_code, reason = "mapped memory may be used by any thread")]
unsafe impl Sync for Umem {}

impl Umem {
    /// Maps so many frames, all of them present, so that nothing is faulted in later.
    ///
    /// # Errors
    /// The system has no room.
    #[expect(unsafe_code, reason = "memory that is shared with the kernel is mapped")]
    pub fn map(frames: u32) -> Result<Self, XdpError> {
        let layout = FrameLayout::new(FRAME_SHIFT, frames).expect("a socket has frames");
        let len = usize::try_from(layout.total_bytes()).expect("a process has that many addresses");
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_POPULATE;
        // SAFETY: the call takes no memory of ours; it makes a mapping of its own.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), len, access, kind, -1, 0) };
        let failed =
            || XdpError::System { what: "memory for frames", source: io::Error::last_os_error() };
        if base == libc::MAP_FAILED {
            return Err(failed());
        }
        let base = NonNull::new(base.cast()).ok_or_else(failed)?;
        Ok(Self { base, layout })
    }

    /// How it is divided.
    pub fn layout(&self) -> FrameLayout {
        self.layout
    }

    /// Where it begins.
    pub fn address(&self) -> u64 {
        self.base.as_ptr().expose_provenance() as u64
    }

    /// Bytes of a frame that is this process's.
    ///
    /// # Safety
    /// The range was given by `FrameLayout::locate` of this memory's layout, and the frame is not
    /// the kernel's for as long as the bytes are lent.
    #[expect(unsafe_code, reason = "who owns a frame is known to the rings, not to the compiler")]
    #[inline(always)]
    pub unsafe fn bytes(&self, range: Range<usize>) -> &[u8] {
        debug_assert!(range.end as u64 <= self.layout.total_bytes());
        // SAFETY: the range lies within the mapping, which lives as long as `self`; nobody writes
        // to a frame that is not the kernel's, but for who has it by `bytes_mut`.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr().add(range.start), range.len()) }
    }

    /// The same, to be written.
    ///
    /// # Safety
    /// As for `bytes`; and nobody else has bytes of the frame.
    #[expect(unsafe_code, reason = "who owns a frame is known to the rings, not to the compiler")]
    #[expect(clippy::mut_from_ref, reason = "one memory, many frames, each with one owner")]
    #[inline(always)]
    pub unsafe fn bytes_mut(&self, range: Range<usize>) -> &mut [u8] {
        debug_assert!(range.end as u64 <= self.layout.total_bytes());
        // SAFETY: as in `bytes`, and the caller is the only one who has bytes of this frame.
        unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr().add(range.start), range.len()) }
    }
}

impl Drop for Umem {
    #[expect(unsafe_code, reason = "memory that is shared with the kernel is mapped")]
    fn drop(&mut self) {
        let len = usize::try_from(self.layout.total_bytes()).unwrap_or(0);
        // SAFETY: the mapping was made by `map` and is unmapped once, here. The kernel holds its
        // pages by itself as long as it needs them.
        unsafe { libc::munmap(self.base.as_ptr().cast(), len) };
    }
}
