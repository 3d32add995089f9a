//! Where counters lie: words of atomics in a file that other processes map, or in memory of this
//! process alone, for runs that nobody looks at.
//!
//! The file belongs on a file system in memory, for the same reason as the record ring beside it
//! (`journal::shm`): on a disk a page that the kernel has written back costs its next writer a
//! fault.

use memmap2::{Advice, MmapMut, MmapOptions, MmapRaw};
use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use xmc_hotpath::counter::Counted;

/// What two writers must not share: the processor fetches lines of 64 bytes in pairs.
pub const LINE_BYTES: usize = 128;

const WORD_BYTES: usize = size_of::<AtomicU64>();

/// Words that are written by this process.
#[derive(Debug)]
pub struct Memory(MmapRaw);

impl Memory {
    /// Zeros that no other process sees.
    ///
    /// # Panics
    /// The system has no memory.
    #[must_use]
    pub fn anonymous(bytes: usize) -> Self {
        let map = MmapMut::map_anon(bytes.next_multiple_of(LINE_BYTES));
        Self(MmapRaw::from(map.expect("the system has memory for counters")))
    }

    /// The first `bytes` of a file that has them, with every page there and ready to be written.
    ///
    /// # Errors
    /// What the system says.
    pub fn of_file(file: &File, bytes: usize) -> io::Result<Self> {
        let map = MmapOptions::new().len(bytes).populate().map_raw(file)?;
        // Kernels before 5.14 do not know it: then first counts have their faults.
        let _ = map.advise(Advice::PopulateWrite);
        Ok(Self(map))
    }

    /// How long it is.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    #[expect(unsafe_code, reason = "memory of another process is reached through a mapping")]
    fn words(&self) -> &[AtomicU64] {
        let words = self.0.len() / WORD_BYTES;
        // SAFETY: the mapping starts on a page, so it is aligned for u64; `words` whole words lie
        // inside it; it is writable and stays mapped while `self` is borrowed. Any bytes are an
        // AtomicU64, and everybody who shares the memory reaches it through atomics only.
        unsafe { std::slice::from_raw_parts(self.0.as_mut_ptr().cast::<AtomicU64>(), words) }
    }

    /// The word at byte `offset`.
    ///
    /// # Panics
    /// There is none: a fault in the program.
    #[must_use]
    pub fn word(&self, offset: usize) -> &AtomicU64 {
        &self.words()[offset / WORD_BYTES]
    }
}

/// A struct of counters at its place in memory.
#[derive(Debug)]
pub struct Placed<T> {
    // One pointer, because ports carry it.
    place: Arc<Place>,
    counters: PhantomData<fn() -> T>,
}

#[derive(Debug)]
struct Place {
    memory: Arc<Memory>,
    first_word: usize,
}

impl Place {
    /// The words from the first on.
    fn words(&self) -> &[AtomicU64] {
        &self.memory.words()[self.first_word..]
    }
}

impl<T: Counted> Placed<T> {
    /// The struct of counters at byte `offset` of `memory`.
    ///
    /// # Panics
    /// It does not fit there, or does not begin on a line: a fault in the program.
    #[must_use]
    pub fn at(memory: &Arc<Memory>, offset: usize) -> Self {
        const { assert!(align_of::<T>() <= LINE_BYTES && size_of::<T>().is_multiple_of(8)) };
        assert!(offset.is_multiple_of(LINE_BYTES), "a struct of counters begins on a line");
        assert!(offset + size_of::<T>() <= memory.bytes(), "it lies inside the memory");
        let place = Place { memory: Arc::clone(memory), first_word: offset / WORD_BYTES };
        Self { place: Arc::new(place), counters: PhantomData }
    }
}

impl<T: Counted> Placed<T> {
    /// Adds what was counted here to what `other` has, and is that from now on. Nobody counts
    /// meanwhile.
    #[must_use]
    pub fn moved_to(&self, other: &Self) -> Self {
        let words = self.place.words().iter().zip(other.place.words());
        for (from, to) in words.take(size_of::<T>() / WORD_BYTES) {
            // Relaxed: a count orders nothing else.
            let count = to.load(Ordering::Relaxed).wrapping_add(from.load(Ordering::Relaxed));
            to.store(count, Ordering::Relaxed);
        }
        other.clone()
    }
}

impl<T: Counted> Default for Placed<T> {
    /// In memory of its own, which no other process sees.
    fn default() -> Self {
        Self::at(&Arc::new(Memory::anonymous(size_of::<T>())), 0)
    }
}

impl<T> Clone for Placed<T> {
    /// The same counters once more.
    fn clone(&self) -> Self {
        Self { place: Arc::clone(&self.place), counters: PhantomData }
    }
}

impl<T: Counted> Deref for Placed<T> {
    type Target = T;

    #[expect(unsafe_code, reason = "memory of another process is reached through a mapping")]
    fn deref(&self) -> &T {
        let words = self.place.words();
        // SAFETY: `at`, which alone makes one, has seen that all of `T` lies inside the mapping
        // from this word on, and that the word begins on a line of 128 bytes, which is alignment
        // enough: the mapping starts on a page. `T` is made of counters alone, so any bytes are
        // one, and they are reached through atomics only, as all of the mapping is.
        unsafe { &*words.as_ptr().cast::<T>() }
    }
}

/// Words that another process writes, or has written.
#[derive(Debug)]
pub struct Seen(MmapRaw);

impl Seen {
    /// The first `bytes` of a file that has them. Who shortens it afterwards ends this process when
    /// it looks: engines never do.
    ///
    /// # Errors
    /// What the system says.
    pub fn of_file(file: &File, bytes: usize) -> io::Result<Self> {
        MmapOptions::new().len(bytes).map_raw_read_only(file).map(Self)
    }

    /// The word at byte `offset`; `None` if there is none.
    #[must_use]
    #[expect(unsafe_code, reason = "memory of another process is reached through a mapping")]
    pub fn word(&self, offset: usize) -> Option<u64> {
        let end = offset.checked_add(WORD_BYTES)?;
        if !offset.is_multiple_of(WORD_BYTES) || end > self.0.len() {
            return None;
        }
        // SAFETY: the word lies inside the mapping, which stays while `self` is borrowed, and is
        // aligned: the mapping starts on a page. Others write it through atomics of this size only.
        // It is only loaded, relaxed, which needs no memory that can be written.
        let word = unsafe { &*self.0.as_ptr().add(offset).cast::<AtomicU64>() };
        // Relaxed: a count orders nothing else.
        Some(word.load(Ordering::Relaxed))
    }
}
