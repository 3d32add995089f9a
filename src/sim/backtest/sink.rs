//! Where the record of a backtest goes: nowhere, into memory, or onto the disk as a journal.
//!
//! A journal is written by the writer that production has, block by block as it fills, with its
//! hash chain and its tree, on the clock of the backtest: the same play gives the same bytes.

use std::path::Path;
use std::sync::atomic::AtomicU64;

use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::record::frame::{MAX_LEN, Start, Writer};
use xmc_hotpath::record::ring::{self, Consumer, Producer};
use xmc_hotpath::time::{MonoNs, UnixNs};

use crate::journal::disk::Directory;
use crate::journal::{JournalWriter, Moment, Options, SealReason, SyncPolicy};
use crate::sim::record::{RecordError, must_be_free};

/// Words of the ring between the play and the journal's writer.
const RING_WORDS: u64 = 1 << 18;

/// Bytes after which the writer is asked to write: some blocks, far below the ring's size.
const BATCH_BYTES: usize = 1 << 18;

/// Bytes that are free in the ring when it has: all but two blocks.
const FREE_BYTES: u64 = (RING_WORDS << 3) - (2 << 16);

/// Takes records, in order.
pub trait Sink {
    /// Whether anything is done with them.
    const WRITES: bool;

    /// Takes one.
    ///
    /// # Errors
    /// See `RecordError`.
    fn add(&mut self, record: &[u8]) -> Result<(), RecordError>;

    /// An input and what followed from it are there.
    ///
    /// # Errors
    /// See `RecordError`.
    fn settle(&mut self, now: MonoNs) -> Result<(), RecordError>;
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl Sink for Nowhere {
    const WRITES: bool = false;

    fn add(&mut self, _: &[u8]) -> Result<(), RecordError> {
        Ok(())
    }

    fn settle(&mut self, _: MonoNs) -> Result<(), RecordError> {
        Ok(())
    }
}

/// Keeps all of it.
impl Sink for Vec<u8> {
    const WRITES: bool = true;

    fn add(&mut self, record: &[u8]) -> Result<(), RecordError> {
        self.extend_from_slice(record);
        Ok(())
    }

    fn settle(&mut self, _: MonoNs) -> Result<(), RecordError> {
        Ok(())
    }
}

/// Checks that a journal can begin in `directory`.
///
/// # Errors
/// `Directory`, `Taken`.
pub fn prepare(directory: &Path) -> Result<(), RecordError> {
    std::fs::create_dir_all(directory)?;
    must_be_free(directory)
}

/// Memory of the ring.
#[must_use]
pub fn words() -> Vec<AtomicU64> {
    let count = ring::words(RING_WORDS).expect("the size is ours");
    (0..count).map(|_| AtomicU64::new(0)).collect()
}

/// A journal that is written.
#[derive(Debug)]
pub struct Journal<'w> {
    producer: Producer<'w>,
    writer: JournalWriter<'w, Directory>,
    staged: usize,
    /// UTC of the run's moment zero.
    utc_ns: u64,
}

impl<'w> Journal<'w> {
    /// Goes on in `directory` with the run of `start`, through the ring in `words`.
    ///
    /// # Errors
    /// See `RecordError`.
    pub fn begin(
        directory: &Path,
        words: &'w [AtomicU64],
        start: &Start,
    ) -> Result<Self, RecordError> {
        let disk = Directory::open(directory)?;
        ring::format(words, start.identity).expect("words of a ring");
        let producer = Producer::attach(words).expect("a fresh ring");
        let consumer = Consumer::attach(words).expect("a fresh ring");
        // What a backtest wrote can be had again: it waits for no disk.
        let options = Options { sync: SyncPolicy::Never, ..Options::default() };
        let (writer, _) = JournalWriter::start(disk, consumer, start.identity, options)?;
        let utc_ns = start.utc.0.wrapping_sub(start.now.0);
        let mut journal = Self { producer, writer, staged: 0, utc_ns };
        journal.add(&written(start))?;
        journal.settle(start.now)?;
        Ok(journal)
    }

    fn moment(&self, now: MonoNs) -> Moment {
        Moment { mono: now, utc: UnixNs(self.utc_ns.wrapping_add(now.0)) }
    }

    /// Seals it.
    ///
    /// # Errors
    /// See `RecordError`.
    pub fn finish(self, now: MonoNs) -> Result<(), RecordError> {
        let moment = self.moment(now);
        self.writer.finish(SealReason::Stopped, moment)?;
        Ok(())
    }

    #[cold]
    fn write(&mut self, now: MonoNs) -> Result<(), RecordError> {
        self.staged = 0;
        let moment = self.moment(now);
        while self.producer.free_bytes(FREE_BYTES) < FREE_BYTES {
            self.writer.poll(moment)?;
        }
        Ok(())
    }
}

impl Sink for Journal<'_> {
    const WRITES: bool = true;

    #[inline]
    fn add(&mut self, record: &[u8]) -> Result<(), RecordError> {
        self.staged += record.len();
        self.producer.stage(record).map_err(|_| RecordError::Full)
    }

    #[inline]
    fn settle(&mut self, now: MonoNs) -> Result<(), RecordError> {
        self.producer.publish();
        if self.staged < BATCH_BYTES { Ok(()) } else { self.write(now) }
    }
}

/// A start as a record.
#[must_use]
pub fn written(start: &Start) -> Vec<u8> {
    let mut buffer = [0; MAX_LEN];
    let identity: DeskIdentity = start.identity;
    let len = Writer { identity }.start(start, &mut buffer);
    buffer[..len.expect("a record fits into MAX_LEN")].to_vec()
}
