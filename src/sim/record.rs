//! A schedule's record as a journal on the disk, as an engine would have written it: for `xmc
//! replay --verify`, `xmc audit` and whoever wants to look.

use std::io;
use std::path::Path;
use std::sync::atomic::AtomicU64;

use xmc_hotpath::record::frame::{self, MAX_LEN, Start, Writer};
use xmc_hotpath::record::ring::{self, Consumer, Producer};
use xmc_hotpath::time::UnixNs;

use crate::journal::disk::{self, Directory};
use crate::journal::{JournalError, JournalWriter, Moment, Options, SealReason};

/// Words of the ring between the record and the journal's writer, at least.
const RING_WORDS: u64 = 1 << 16;

/// Why there is no journal.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The directory.
    #[error("cannot write a journal there: {0}")]
    Directory(#[from] io::Error),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The directory holds another record.
    #[error("there is a journal already: name a directory that is empty or not there")]
    Taken,
    /// The record does not fit into one ring.
    #[error("the record is too long for one ring: play fewer inputs")]
    Long,
    /// One input's records are more than a ring, which is emptied after each.
    #[error("the ring of the record is full: this is a fault in the program, please report it")]
    Full,
}

/// Checks that a journal can begin in `directory`, which is there.
///
/// # Errors
/// `Directory`, `Taken`.
pub fn must_be_free(directory: &Path) -> Result<(), RecordError> {
    if disk::list(directory)?.is_empty() { Ok(()) } else { Err(RecordError::Taken) }
}

/// Writes a journal of one run into `directory`: its start, and the records of `tape`.
///
/// # Errors
/// See `RecordError`.
pub fn write(directory: &Path, start: &Start, tape: &[u8]) -> Result<(), RecordError> {
    let disk = Directory::open(directory)?;
    must_be_free(directory)?;
    // Room for all of it: every record takes whole words.
    let capacity = (tape.len() as u64 / 4).next_power_of_two().max(RING_WORDS);
    let count = ring::words(capacity).ok_or(RecordError::Long)?;
    let words: Vec<_> = (0..count).map(|_| AtomicU64::new(0)).collect();
    ring::format(&words, start.identity).expect("words of a ring");
    let mut producer = Producer::attach(&words).expect("a fresh ring");
    let mut buffer = [0; MAX_LEN];
    let len = Writer { identity: start.identity }.start(start, &mut buffer);
    let mut record = &buffer[..len.expect("a record fits into MAX_LEN")];
    let mut rest = tape;
    loop {
        producer.stage(record).map_err(|_| RecordError::Long)?;
        if rest.is_empty() {
            break;
        }
        let (_, _, after) = frame::split(rest).expect("a tape holds whole records");
        (record, rest) = rest.split_at(rest.len() - after.len());
    }
    producer.publish();
    let consumer = Consumer::attach(&words).expect("a fresh ring");
    let (writer, _) = JournalWriter::start(disk, consumer, start.identity, Options::default())?;
    let moment = Moment { mono: start.now, utc: UnixNs(0) };
    writer.finish(SealReason::Stopped, moment)?;
    Ok(())
}
