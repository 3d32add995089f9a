//! The record ring: one writer, one reader, whole records, in memory that outlives the process.
//!
//! The desk's shell stages the records of an input, then makes them visible at once with one store.
//! The journal writer copies them out, and gives the room back only when they are safe elsewhere:
//! whoever dies between the two reads them again, so the journal drops what it already has by
//! sequence number. Everything is words of atomics, so that the memory may be a mapped file that
//! another process reads: the worst that a hostile other side can do is `Corrupt`.
//!
//! It never overwrites and never waits: a record that does not fit is refused, and the shell sees
//! that coming in `used_pct`. Mapping and locking the file is the cold side's work
//! (`cross_market_connect::journal::shm`), as is keeping each side to one owner.
//!
//! ```text
//! word  0  magic        word 16  head: words published since the start; the writer's line
//!       1  version      word 32  tail: words released since the start; the reader's line
//!       2  capacity     word 48  (unused line)
//!       3  identity     word 64  the records, each padded to whole words
//! ```

use super::WORST_INPUT_LEN;
use super::frame::{HEADER_LEN, MAX_LEN};
use crate::message::{DeskId, DeskIdentity, SiteId};
use crate::sync::{AtomicU64, Ordering};

/// The first word of a ring.
pub const MAGIC: u64 = u64::from_le_bytes(*b"XMC ring");

/// Version of the layout.
pub const VERSION: u64 = 1;

/// Words before the records. Head and tail lie on 128-byte lines of their own, because the
/// processor fetches lines of 64 bytes in pairs.
pub const HEADER_WORDS: usize = 64;

/// Fewest words that records may have: all that one input can cause must fit. The model checker
/// needs a ring that wraps after two records.
pub const MIN_CAPACITY: u64 = if cfg!(loom) { 4 } else { 1 << 13 };

/// Most words that records may have: 512 MiB. `used_pct` multiplies by a hundred.
pub const MAX_CAPACITY: u64 = 1 << 26;

const _: () = assert!(WORST_INPUT_LEN <= 8 << 13);

const VERSION_AT: usize = 1;
const CAPACITY_AT: usize = 2;
const IDENTITY_AT: usize = 3;
const HEAD_AT: usize = 16;
const TAIL_AT: usize = 32;

/// Words behind the staged records whose memory `Producer::warm` fetches: eight lines, which is
/// what a quote and the orders of a fire of two legs take. The model checker's ring is smaller.
const WARM_WORDS: u64 = if cfg!(loom) { 2 } else { 64 };

/// Words of a line.
const LINE_WORDS: u64 = if cfg!(loom) { 1 } else { 8 };

/// The record does not fit now: nothing was staged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingFull;

/// What lies where a record should start is none: the memory was damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

/// Why words are not a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingError {
    /// They do not start with `MAGIC`.
    NotARing,
    /// The layout is of another version.
    UnknownVersion,
    /// The capacity is not a power of two in bounds, or is not what the memory has.
    BadCapacity,
    /// The head is behind the tail, or further ahead than there is room.
    BadPositions,
}

/// A place between two records, counted in words since the ring was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(u64);

/// The parts of a ring that both sides use.
#[derive(Clone, Copy, Debug)]
struct Cells<'a> {
    head: &'a AtomicU64,
    tail: &'a AtomicU64,
    records: &'a [AtomicU64],
    capacity: u64,
}

/// Words that a ring of `capacity` words of records takes, or `None` if that is not a capacity.
#[must_use]
pub fn words(capacity: u64) -> Option<usize> {
    let is_good = capacity.is_power_of_two() && (MIN_CAPACITY..=MAX_CAPACITY).contains(&capacity);
    let records = usize::try_from(capacity).ok().filter(|_| is_good)?;
    records.checked_add(HEADER_WORDS)
}

/// Makes an empty ring of all of `words`, for the records of `identity`. Nobody may use it yet.
///
/// # Errors
/// `BadCapacity` if the words are not `HEADER_WORDS` and a power of two in bounds.
pub fn format(words: &[AtomicU64], identity: DeskIdentity) -> Result<(), RingError> {
    let capacity = capacity_of(words)?;
    cell(words, 0)?.store(0, Ordering::Relaxed);
    cell(words, VERSION_AT)?.store(VERSION, Ordering::Relaxed);
    cell(words, CAPACITY_AT)?.store(capacity, Ordering::Relaxed);
    cell(words, IDENTITY_AT)?.store(pack(identity), Ordering::Relaxed);
    cell(words, HEAD_AT)?.store(0, Ordering::Relaxed);
    cell(words, TAIL_AT)?.store(0, Ordering::Relaxed);
    // Pairs with the acquire in `cells`: who sees the magic sees the rest.
    cell(words, 0)?.store(MAGIC, Ordering::Release);
    Ok(())
}

/// Whose records are in the ring.
///
/// # Errors
/// See `RingError`.
pub fn identity(words: &[AtomicU64]) -> Result<DeskIdentity, RingError> {
    cells(words)?;
    Ok(unpack(cell(words, IDENTITY_AT)?.load(Ordering::Relaxed)))
}

/// What the word of the identity says.
#[must_use]
pub const fn unpack(identity: u64) -> DeskIdentity {
    let [site, desk, run @ .., _, _, _, _] = identity.to_le_bytes();
    DeskIdentity { site: SiteId(site), desk: DeskId(desk), run: u16::from_le_bytes(run) }
}

fn pack(identity: DeskIdentity) -> u64 {
    let [low, high] = identity.run.to_le_bytes();
    u64::from_le_bytes([identity.site.0, identity.desk.0, low, high, 0, 0, 0, 0])
}

fn cell(words: &[AtomicU64], at: usize) -> Result<&AtomicU64, RingError> {
    words.get(at).ok_or(RingError::BadCapacity)
}

fn capacity_of(memory: &[AtomicU64]) -> Result<u64, RingError> {
    let records = memory.len().checked_sub(HEADER_WORDS).ok_or(RingError::BadCapacity)?;
    let capacity = u64::try_from(records).map_err(|_| RingError::BadCapacity)?;
    words(capacity).map(|_| capacity).ok_or(RingError::BadCapacity)
}

fn cells(words: &[AtomicU64]) -> Result<Cells<'_>, RingError> {
    // Pairs with the release at the end of `format`.
    if words.first().map(|magic| magic.load(Ordering::Acquire)) != Some(MAGIC) {
        return Err(RingError::NotARing);
    }
    if cell(words, VERSION_AT)?.load(Ordering::Relaxed) != VERSION {
        return Err(RingError::UnknownVersion);
    }
    let capacity = capacity_of(words)?;
    if cell(words, CAPACITY_AT)?.load(Ordering::Relaxed) != capacity {
        return Err(RingError::BadCapacity);
    }
    let head = cell(words, HEAD_AT)?;
    let tail = cell(words, TAIL_AT)?;
    // The tail first: it only grows towards the head. Pairs with the release in `release`.
    let released = tail.load(Ordering::Acquire);
    // Pairs with the release in `publish`.
    let published = head.load(Ordering::Acquire);
    if published.checked_sub(released).is_none_or(|used| used > capacity) {
        return Err(RingError::BadPositions);
    }
    let records = words.get(HEADER_WORDS..).ok_or(RingError::BadCapacity)?;
    Ok(Cells { head, tail, records, capacity })
}

impl<'a> Cells<'a> {
    /// The words from `position` on: those up to the end of the memory, and those at its front.
    #[inline(always)]
    fn at(&self, position: u64) -> (&'a [AtomicU64], &'a [AtomicU64]) {
        let index = usize::try_from(position & self.capacity.wrapping_sub(1)).unwrap_or(0);
        let (front, back) = self.records.split_at_checked(index).unwrap_or((&[], &[]));
        (back, front)
    }
}

/// Whole words that `len` bytes take.
#[inline(always)]
fn words_for(len: usize) -> u64 {
    u64::try_from(len.wrapping_add(7) >> 3).unwrap_or(u64::MAX)
}

/// The writing end. There must be one only; the cold side's lock sees to it.
#[derive(Debug)]
pub struct Producer<'a> {
    cells: Cells<'a>,
    /// Where the next record goes.
    staged: u64,
    /// What the reader sees as the end.
    published: u64,
    /// The tail when it was last looked at. The real one is not behind it.
    released: u64,
    /// Up to where lines have been fetched to be written.
    warmed: u64,
}

impl<'a> Producer<'a> {
    /// Writes into the ring in `words`, after what is there.
    ///
    /// # Errors
    /// See `RingError`.
    pub fn attach(words: &'a [AtomicU64]) -> Result<Self, RingError> {
        let cells = cells(words)?;
        let released = cells.tail.load(Ordering::Acquire);
        let published = cells.head.load(Ordering::Relaxed);
        Ok(Self { cells, staged: published, published, released, warmed: published })
    }

    /// Copies a record into the ring. The reader does not see it before `publish`.
    ///
    /// `record` is what `frame::Writer` wrote: its first two bytes are its length.
    ///
    /// # Errors
    /// `RingFull` if it does not fit now.
    #[inline]
    pub fn stage(&mut self, record: &[u8]) -> Result<(), RingFull> {
        debug_assert!(
            record.first_chunk().map(|len| usize::from(u16::from_le_bytes(*len)))
                == Some(record.len()),
            "a record starts with its length"
        );
        let words = words_for(record.len());
        if self.free_words() < words && self.look_at_tail() < words {
            return Err(RingFull);
        }
        let (back, front) = self.cells.at(self.staged);
        match usize::try_from(words).ok().and_then(|words| back.get(..words)) {
            Some(cells) => store(cells, record),
            None => {
                let (front_part, back_part) =
                    record.split_at_checked(back.len() << 3).unwrap_or((record, &[]));
                store(back, front_part);
                store(front, back_part);
            }
        }
        self.staged = self.staged.wrapping_add(words);
        Ok(())
    }

    /// Makes everything that was staged visible, at once.
    #[inline]
    pub fn publish(&mut self) {
        self.published = self.staged;
        // Release: the words stored by `stage` are seen by whoever sees this. Pairs with the
        // acquire in `Consumer::head`.
        self.cells.head.store(self.staged, Ordering::Release);
    }

    /// Fetches the memory that the next records go to, so that staging them does not wait for it:
    /// done when there is time, after a publish. It clears words that hold nothing yet.
    #[inline]
    pub fn warm(&mut self) {
        let until = self.staged.wrapping_add(WARM_WORDS);
        if self.free_words() < WARM_WORDS {
            return;
        }
        self.warmed = self.warmed.max(self.staged);
        while self.warmed < until {
            self.clear(self.warmed);
            self.warmed = self.warmed.wrapping_add(LINE_WORDS);
        }
    }

    /// Takes back the two lines that the reader had when it last looked: that of the head, and the
    /// one in which the published records end. Done when something is about to be written: they are
    /// under way while the desk decides.
    #[inline]
    pub fn reclaim(&mut self) {
        if self.free_words() > 0 {
            self.clear(self.staged);
        }
        // The same value as there is. Release, as in `publish`: a reader that sees this store is to
        // see the records before it.
        self.cells.head.store(self.published, Ordering::Release);
    }

    /// Clears a word that is free: nobody reads it before it is staged and published.
    #[inline(always)]
    fn clear(&self, position: u64) {
        let (back, _) = self.cells.at(position);
        if let Some(cell) = back.first() {
            // Relaxed: it says nothing to anybody.
            cell.store(0, Ordering::Relaxed);
        }
    }

    /// Forgets what was staged and not published.
    #[inline]
    pub fn rollback(&mut self) {
        self.staged = self.published;
    }

    /// Bytes that are free for sure. A record takes its length rounded up to 8. Looks at the
    /// reader's line only when fewer than `wanted` bytes are known to be free.
    #[inline]
    #[must_use]
    pub fn free_bytes(&mut self, wanted: u64) -> u64 {
        let known = self.free_words() << 3;
        if known >= wanted { known } else { self.look_at_tail() << 3 }
    }

    /// How full the ring is, in percent, rounded down: what goes into `Credits`.
    ///
    /// Below a quarter it may say more than is true, because the reader's line, which costs a cache
    /// miss, is looked at only from there on.
    #[inline]
    #[must_use]
    pub fn used_pct(&mut self) -> u8 {
        if self.free_words() < self.cells.capacity.wrapping_sub(self.cells.capacity >> 2) {
            self.look_at_tail();
        }
        let used = self.cells.capacity.wrapping_sub(self.free_words());
        // Below 100 * 2^26: no overflow. The capacity is a power of two, so this divides by it.
        let pct = used.wrapping_mul(100) >> self.cells.capacity.trailing_zeros();
        u8::try_from(pct).unwrap_or(100)
    }

    /// Up to where the reader has given room back, in words since the ring was made; `None` if that
    /// is all that was published. Costs a cache miss.
    #[must_use]
    pub fn released(&mut self) -> Option<u64> {
        self.look_at_tail();
        (self.released != self.published).then_some(self.released)
    }

    #[inline(always)]
    fn free_words(&self) -> u64 {
        self.cells.capacity.saturating_sub(self.staged.wrapping_sub(self.released))
    }

    #[inline(never)]
    fn look_at_tail(&mut self) -> u64 {
        // Acquire: the reader has read the words before this tail. Pairs with the release in
        // `Consumer::release`; without it they could be overwritten before they are read.
        self.released = self.cells.tail.load(Ordering::Acquire);
        self.free_words()
    }
}

/// Stores `record` word by word, the last one filled up with zeros.
#[inline(always)]
fn store(cells: &[AtomicU64], record: &[u8]) {
    let (words, rest) = record.as_chunks::<8>();
    // Relaxed, all of them: `publish` orders them.
    for (cell, word) in cells.iter().zip(words) {
        cell.store(u64::from_le_bytes(*word), Ordering::Relaxed);
    }
    if let (false, Some(cell)) = (rest.is_empty(), cells.get(words.len())) {
        cell.store(last_word(record, rest), Ordering::Relaxed);
    }
}

/// `rest`, the end of `record` that fills no word, as a word.
#[inline(always)]
fn last_word(record: &[u8], rest: &[u8]) -> u64 {
    if let Some(last) = record.last_chunk() {
        // The last eight bytes of the record, less those that went with the word before.
        let shift = 64_u32.wrapping_sub(u32::try_from(rest.len()).unwrap_or(8) << 3);
        return u64::from_le_bytes(*last).wrapping_shr(shift);
    }
    let mut word = [0; 8];
    for (to, byte) in word.iter_mut().zip(rest) {
        *to = *byte;
    }
    u64::from_le_bytes(word)
}

/// The reading end. There must be one only; the cold side's lock sees to it.
#[derive(Debug)]
pub struct Consumer<'a> {
    cells: Cells<'a>,
    /// The next record to read.
    next: u64,
}

impl<'a> Consumer<'a> {
    /// Reads the ring in `words` from the oldest record that was not released.
    ///
    /// # Errors
    /// See `RingError`.
    pub fn attach(words: &'a [AtomicU64]) -> Result<Self, RingError> {
        let cells = cells(words)?;
        let next = cells.tail.load(Ordering::Relaxed);
        Ok(Self { cells, next })
    }

    /// Copies published records, whole and one after the other without padding, as many as there
    /// are and `out` can take, and says how many bytes that is. `MAX_LEN` bytes take any record.
    ///
    /// # Errors
    /// `Corrupt` if the next bytes are not a record. It stays so: there is no way to find the next.
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize, Corrupt> {
        let head = self.head();
        if head.wrapping_sub(self.next) > self.cells.capacity {
            return Err(Corrupt);
        }
        let mut rest = out;
        let mut written = 0_usize;
        while self.next != head {
            let len = match self.record_len(head) {
                Ok(len) => len,
                Err(Corrupt) if written > 0 => break,
                Err(Corrupt) => return Err(Corrupt),
            };
            let Some((record, behind)) = core::mem::take(&mut rest).split_at_mut_checked(len)
            else {
                break;
            };
            let (back, front) = self.cells.at(self.next);
            load(back.iter().chain(front), record);
            rest = behind;
            written = written.wrapping_add(len);
            self.next = self.next.wrapping_add(words_for(len));
        }
        Ok(written)
    }

    /// Up to where records have been read.
    #[must_use]
    pub fn position(&self) -> Position {
        Position(self.next)
    }

    /// Gives the room of the records before `until` back to the writer: they are safe elsewhere.
    /// A position that was not read, or was released before, changes nothing.
    pub fn release(&mut self, until: Position) {
        // Relaxed: this end is the only one that writes the tail.
        if until.0 <= self.next && until.0 > self.cells.tail.load(Ordering::Relaxed) {
            // Release: the loads of `read` come before it. Pairs with the acquire in
            // `Producer::look_at_tail`.
            self.cells.tail.store(until.0, Ordering::Release);
        }
    }

    /// Goes back to the oldest record that was not released: all from there is read again.
    pub fn rewind(&mut self) {
        self.next = self.cells.tail.load(Ordering::Relaxed);
    }

    /// Bytes that are published and not read, padding included.
    #[must_use]
    pub fn pending_bytes(&self) -> u64 {
        self.head().saturating_sub(self.next) << 3
    }

    fn head(&self) -> u64 {
        // Acquire: the words of what is published are seen. Pairs with the release in
        // `Producer::publish`.
        self.cells.head.load(Ordering::Acquire)
    }

    fn record_len(&self, head: u64) -> Result<usize, Corrupt> {
        let (back, _) = self.cells.at(self.next);
        let first = back.first().ok_or(Corrupt)?.load(Ordering::Relaxed);
        let [low, high, ..] = first.to_le_bytes();
        let len = usize::from(u16::from_le_bytes([low, high]));
        let is_published = words_for(len) <= head.wrapping_sub(self.next);
        let is_record = (HEADER_LEN..=MAX_LEN).contains(&len) && is_published;
        is_record.then_some(len).ok_or(Corrupt)
    }
}

/// Loads `record` word by word.
fn load<'a>(cells: impl Iterator<Item = &'a AtomicU64>, record: &mut [u8]) {
    // Relaxed, all of them: the acquire of the head came before.
    for (bytes, cell) in record.chunks_mut(8).zip(cells) {
        let word = cell.load(Ordering::Relaxed).to_le_bytes();
        for (byte, value) in bytes.iter_mut().zip(word) {
            *byte = value;
        }
    }
}

#[cfg(all(test, loom))]
mod model;
