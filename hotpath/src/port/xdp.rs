//! The arithmetic of AF_XDP that is plain memory: rings that are shared with the kernel, and which
//! frame of the common memory belongs to whom.
//!
//! A ring is two free-running `u32` indices and a power of two of entries; an index wraps around
//! after 2^32 entries, and the difference of the two is what lies in the ring (Linux,
//! `Documentation/networking/af_xdp.rst`, section Rings; `net/xdp/xsk_queue.h`). Of each ring the
//! kernel has the other side. It is not trusted: indices that cannot be leave a ring empty, or
//! full, for ever, and a descriptor is looked at before it is followed (`FrameLayout::locate`).
//!
//! Mapping the memory, and every system call, is the cold side's
//! (`cross_market_connect::port::xdp`).

use crate::sync::{AtomicU32, AtomicU64, Ordering};
use core::marker::PhantomData;
use core::ops::Range;

/// Bit 0 of a ring's flags: the kernel sleeps until it is called (`XDP_RING_NEED_WAKEUP`).
const NEEDS_WAKEUP: u32 = 1;

/// The memory of one ring.
#[derive(Clone, Copy, Debug)]
pub struct Cells<'a> {
    /// Entries that were produced since the ring was made.
    pub producer: &'a AtomicU32,
    /// Entries that were consumed since then.
    pub consumer: &'a AtomicU32,
    /// What the kernel says of itself.
    pub flags: &'a AtomicU32,
    /// The entries.
    pub words: &'a [AtomicU64],
}

/// What lies in a ring.
pub trait Entry: Copy {
    /// An entry is two to this power words.
    const SHIFT: u32;

    /// Reads it; absent words are zeros.
    fn load(words: &[AtomicU64]) -> Self;

    /// Writes it.
    fn store(self, words: &[AtomicU64]);
}

/// A place in the common memory, in bytes from its beginning: an entry of the fill and completion
/// rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameAddress(pub u64);

impl Entry for FrameAddress {
    const SHIFT: u32 = 0;

    #[inline(always)]
    fn load(words: &[AtomicU64]) -> Self {
        Self(words.first().map_or(0, |word| word.load(Ordering::Relaxed)))
    }

    #[inline(always)]
    fn store(self, words: &[AtomicU64]) {
        if let [word] = words {
            word.store(self.0, Ordering::Relaxed);
        }
    }
}

/// A frame with its length: an entry of the receive and transmit rings, `struct xdp_desc` of
/// `linux/if_xdp.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Where the frame's bytes begin.
    pub address: FrameAddress,
    /// How many there are.
    pub len: u32,
    /// Bit 0: the packet goes on in the next frame (`XDP_PKT_CONTD`). Never asked for here.
    pub options: u32,
}

impl Entry for Descriptor {
    const SHIFT: u32 = 1;

    #[inline(always)]
    #[expect(clippy::as_conversions, reason = "the two halves of a word")]
    fn load(words: &[AtomicU64]) -> Self {
        let [address, rest] = words else {
            return Self { address: FrameAddress(0), len: 0, options: 0 };
        };
        let rest = rest.load(Ordering::Relaxed);
        Self {
            address: FrameAddress(address.load(Ordering::Relaxed)),
            len: rest as u32,
            options: (rest >> 32) as u32,
        }
    }

    #[inline(always)]
    fn store(self, words: &[AtomicU64]) {
        if let [address, rest] = words {
            address.store(self.address.0, Ordering::Relaxed);
            rest.store(u64::from(self.options) << 32 | u64::from(self.len), Ordering::Relaxed);
        }
    }
}

/// The memory does not have a power of two of entries, at most 2^31.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRing;

/// The ring has no room: nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingFull;

/// What both sides of a ring do alike.
#[derive(Clone, Copy, Debug)]
struct Ring<'a, E> {
    cells: Cells<'a>,
    capacity: u32,
    entry: PhantomData<E>,
}

impl<'a, E: Entry> Ring<'a, E> {
    fn new(cells: Cells<'a>) -> Result<Self, BadRing> {
        let words = u32::try_from(cells.words.len()).map_err(|_| BadRing)?;
        let capacity = words.checked_shr(E::SHIFT).unwrap_or(0);
        if !capacity.is_power_of_two() || words != capacity << E::SHIFT {
            return Err(BadRing);
        }
        Ok(Self { cells, capacity, entry: PhantomData })
    }

    #[inline(always)]
    fn slot(&self, index: u32) -> &'a [AtomicU64] {
        let index = index & self.capacity.wrapping_sub(1);
        let start = usize::try_from(index).unwrap_or(0) << E::SHIFT;
        let end = start.wrapping_add(1 << E::SHIFT);
        self.cells.words.get(start..end).unwrap_or_default()
    }
}

/// Our side of a ring that the kernel consumes: fill and transmit.
#[derive(Debug)]
pub struct Producer<'a, E> {
    ring: Ring<'a, E>,
    /// The next entry to be written.
    next: u32,
    /// What the kernel had consumed when that was last looked at.
    consumed: u32,
}

impl<'a, E: Entry> Producer<'a, E> {
    /// The only producer of a ring, going on where the ring stands.
    ///
    /// # Errors
    /// `BadRing` if the memory is none.
    pub fn new(cells: Cells<'a>) -> Result<Self, BadRing> {
        let ring = Ring::new(cells)?;
        let next = cells.producer.load(Ordering::Relaxed);
        Ok(Self { ring, next, consumed: cells.consumer.load(Ordering::Acquire) })
    }

    /// Entries that the ring has.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.ring.capacity
    }

    /// Entries that are free. Looks at the kernel's index only if none is known to be.
    #[inline]
    #[must_use]
    pub fn room(&mut self) -> u32 {
        let known = self.known_room();
        if known > 0 {
            return known;
        }
        // Pairs with the kernel's release: what it has consumed it reads no more.
        self.consumed = self.ring.cells.consumer.load(Ordering::Acquire);
        self.known_room()
    }

    #[inline(always)]
    fn known_room(&self) -> u32 {
        self.ring.capacity.saturating_sub(self.next.wrapping_sub(self.consumed))
    }

    /// Writes an entry, which the kernel sees after `publish`.
    ///
    /// # Errors
    /// `RingFull` if the kernel has not consumed enough.
    #[inline]
    pub fn push(&mut self, entry: E) -> Result<(), RingFull> {
        if self.room() == 0 {
            return Err(RingFull);
        }
        entry.store(self.ring.slot(self.next));
        self.next = self.next.wrapping_add(1);
        Ok(())
    }

    /// Shows the kernel everything that was written.
    #[inline]
    pub fn publish(&mut self) {
        // Pairs with the kernel's acquire: who sees the index sees the entries.
        self.ring.cells.producer.store(self.next, Ordering::Release);
    }

    /// Entries that were published and not yet consumed.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.next.wrapping_sub(self.ring.cells.consumer.load(Ordering::Relaxed))
    }

    /// Whether the kernel looks at this ring only when it is called.
    #[inline]
    #[must_use]
    pub fn needs_wakeup(&self) -> bool {
        self.ring.cells.flags.load(Ordering::Relaxed) & NEEDS_WAKEUP != 0
    }
}

/// Our side of a ring that the kernel produces: receive and completion.
#[derive(Debug)]
pub struct Consumer<'a, E> {
    ring: Ring<'a, E>,
    /// The next entry to be read.
    next: u32,
    /// What the kernel had produced when that was last looked at.
    produced: u32,
}

impl<'a, E: Entry> Consumer<'a, E> {
    /// The only consumer of a ring, going on where the ring stands.
    ///
    /// # Errors
    /// `BadRing` if the memory is none.
    pub fn new(cells: Cells<'a>) -> Result<Self, BadRing> {
        let ring = Ring::new(cells)?;
        let next = cells.consumer.load(Ordering::Relaxed);
        Ok(Self { ring, next, produced: next })
    }

    /// Entries that are known to be there without a look at the kernel's index.
    #[inline]
    #[must_use]
    pub fn known(&self) -> u32 {
        self.produced.wrapping_sub(self.next)
    }

    /// Looks at the kernel's index: how many entries are there now. None if it is further ahead
    /// than the ring is long.
    #[inline]
    pub fn look(&mut self) -> u32 {
        // Pairs with the kernel's release: who sees the index sees the entries.
        let produced = self.ring.cells.producer.load(Ordering::Acquire);
        if produced.wrapping_sub(self.next) <= self.ring.capacity {
            self.produced = produced;
        }
        self.known()
    }

    /// Takes an entry that is known to be there. The kernel may use its place after `release`.
    #[inline]
    pub fn pop(&mut self) -> Option<E> {
        if self.known() == 0 {
            return None;
        }
        let entry = E::load(self.ring.slot(self.next));
        self.next = self.next.wrapping_add(1);
        Some(entry)
    }

    /// Gives the kernel the places of everything that was taken.
    #[inline]
    pub fn release(&mut self) {
        // Pairs with the kernel's acquire: what was taken has been read.
        self.ring.cells.consumer.store(self.next, Ordering::Release);
    }
}

/// How the common memory is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLayout {
    /// A frame is two to this power bytes: 11 or 12, as the kernel has it.
    frame_shift: u32,
    frames: u32,
}

impl FrameLayout {
    /// So many frames of two to the power `frame_shift` bytes; `None` if they are more than a
    /// descriptor can name, or no power that a page can be divided by.
    #[must_use]
    pub const fn new(frame_shift: u32, frames: u32) -> Option<Self> {
        let is_good = (frame_shift == 11 || frame_shift == 12) && frames > 0;
        if is_good { Some(Self { frame_shift, frames }) } else { None }
    }

    /// Bytes of a frame.
    #[inline(always)]
    #[must_use]
    pub const fn frame_bytes(self) -> u32 {
        1 << self.frame_shift
    }

    /// How many frames there are.
    #[inline(always)]
    #[must_use]
    pub const fn frames(self) -> u32 {
        self.frames
    }

    /// Bytes of all frames.
    #[inline(always)]
    #[must_use]
    pub fn total_bytes(self) -> u64 {
        u64::from(self.frames) << self.frame_shift
    }

    /// Where the frame of this number begins.
    #[inline(always)]
    #[must_use]
    pub fn address(self, frame: u32) -> FrameAddress {
        FrameAddress(u64::from(frame) << self.frame_shift)
    }

    /// The number of the frame in which an address lies; `None` if it lies in none.
    #[inline]
    #[must_use]
    pub fn frame(self, address: FrameAddress) -> Option<u32> {
        u32::try_from(address.0 >> self.frame_shift).ok().filter(|frame| *frame < self.frames)
    }

    /// The bytes that a descriptor names; `None` if they do not lie within one frame.
    #[inline]
    #[must_use]
    pub fn locate(self, descriptor: Descriptor) -> Option<Range<usize>> {
        let frame = self.frame(descriptor.address)?;
        let frame_end = self.address(frame).0.wrapping_add(u64::from(self.frame_bytes()));
        // Below 2^44 + 2^32: it cannot overflow.
        let end = descriptor.address.0.wrapping_add(u64::from(descriptor.len));
        if end > frame_end {
            return None;
        }
        Some(usize::try_from(descriptor.address.0).ok()?..usize::try_from(end).ok()?)
    }
}

/// Frames that one sender can have under way.
pub const MAX_SEND_FRAMES: u32 = 1 << 10;

const SET_WORDS: usize = 16;
const _: () = assert!(SET_WORDS * 64 == 1 << 10);

/// Which frames of a sender are free. The others are the kernel's, from the transmit ring until
/// they come back by the completion ring.
#[derive(Clone, Debug)]
pub struct FreeFrames {
    /// Bit n: frame n is free.
    words: [u64; SET_WORDS],
    count: u32,
}

impl FreeFrames {
    /// Frames 0 to `frames`, at most `MAX_SEND_FRAMES`, all free.
    #[must_use]
    pub fn new(frames: u32) -> Self {
        let mut free = Self { words: [0; SET_WORDS], count: 0 };
        for frame in 0..frames.min(MAX_SEND_FRAMES) {
            let _ = free.put_back(frame);
        }
        free
    }

    /// How many are free.
    #[inline]
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Takes the free one with the lowest number, which was used last and is the warmest.
    #[inline]
    pub fn take(&mut self) -> Option<u32> {
        for (word, first) in self.words.iter_mut().zip((0..).step_by(64)) {
            if *word != 0 {
                let bit = word.trailing_zeros();
                *word &= word.wrapping_sub(1);
                self.count = self.count.wrapping_sub(1);
                return Some(bit.wrapping_add(first));
            }
        }
        None
    }

    /// Gives one back. `false`, and nothing done, if it is none of them or free already.
    #[inline]
    #[must_use]
    pub fn put_back(&mut self, frame: u32) -> bool {
        let at = usize::try_from(frame >> 6).unwrap_or(usize::MAX);
        let Some(word) = self.words.get_mut(at) else { return false };
        let bit = 1_u64.wrapping_shl(frame & 63);
        if *word & bit != 0 {
            return false;
        }
        *word |= bit;
        self.count = self.count.wrapping_add(1);
        true
    }
}
