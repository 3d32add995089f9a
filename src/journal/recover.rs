//! Where the last writer left the journal, and how the ring of a dead engine completes it.
//!
//! A segment that was open when its writer died is never written to again: it is evidence as it is.
//! The segment that follows says how many bytes of it count, and the hash that they end with.

use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::record::frame;

use super::disk::Disk;
use super::options::{JournalError, Options};
use super::reader::{self, Blocks, Damage, End, Fault};
use super::segment::{HEADER_LEN, Left, Previous, SealReason, SegmentHeader, SyncPolicy};
use super::shm::{RingFile, RingReader, ShmError};
use super::tree::Tree;
use super::writer::{Figures, JournalWriter, Moment};

/// A record's place in its run: the sequence number of its input, and its index there.
pub type Place = (u64, u16);

/// What a writer found when it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// How the last segment was left.
    pub left: Left,
    /// Where and how it is torn, if it is.
    pub torn: Option<Damage>,
    /// Whose it is.
    pub identity: Option<DeskIdentity>,
    /// The last record of this run that the journal has.
    pub last: Option<Place>,
}

/// Why the record could not be completed.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The ring.
    #[error(transparent)]
    Ring(#[from] ShmError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What completing the record of a dead engine came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Whose record was in the ring.
    pub identity: DeskIdentity,
    /// How the journal was found.
    pub start: Start,
    /// What was added to it.
    pub figures: Figures,
}

/// Writes what `ring` still holds to the journal on `disk`, less what that has already. After this
/// every record that was ever published is in the journal, and the ring can be renewed.
///
/// # Errors
/// See `RecoverError`.
pub fn recover<D: Disk>(
    disk: D,
    ring: &RingFile,
    options: Options,
    now: Moment,
) -> Result<Recovered, RecoverError> {
    let mut reader = RingReader::attach(ring.path())?;
    let identity = reader.identity()?;
    let (writer, start) = JournalWriter::start(disk, reader.consumer()?, identity, options)?;
    let figures = writer.finish(SealReason::Recovered, now)?;
    Ok(Recovered { identity, start, figures })
}

/// Where a journal ends.
pub(super) struct Ending {
    pub end: Previous,
    /// The tree over all that counts of it.
    pub tree: Tree,
    pub start: Start,
}

/// The end of the journal on `disk`, to be gone on from with the run `identity`.
pub(super) fn find_end<D: Disk>(
    disk: &mut D,
    identity: DeskIdentity,
) -> Result<Ending, JournalError> {
    let refused = |action, number| move |source| JournalError::Disk { action, number, source };
    let mut numbers = disk.list().map_err(refused("list", 0))?;
    let nothing = Start { left: Left::Nothing, torn: None, identity: None, last: None };
    let Some(number) = numbers.pop() else {
        return Ok(Ending { end: Previous::default(), tree: Tree::new(), start: nothing });
    };
    disk.settle(number).map_err(refused("sync", number))?;
    let segment = read_segment(number, &disk.read(number).map_err(refused("read", number))?, None)?;
    let found = segment.header.identity();
    let is_ours = (found.site, found.desk) == (identity.site, identity.desk);
    if !is_ours || found.run > identity.run {
        return Err(JournalError::OtherRun { journal: found, ring: identity });
    }
    let mut last = (found.run == identity.run).then_some(segment.last);
    let mut after = segment.header;
    // A segment may have died before its first block: the run's last record is further back.
    while last == Some(None) {
        let Some(number) = numbers.pop() else {
            break;
        };
        let bytes = disk.read(number).map_err(refused("read", number))?;
        let before = read_segment(number, &bytes, reader::end_of_failed(&after))?;
        last = (before.header.identity().run == identity.run).then_some(before.last);
        after = before.header;
    }
    let end =
        Previous { left: segment.left, number, bytes: segment.good_bytes, hash: segment.hash };
    let start = Start {
        left: segment.left,
        torn: segment.torn,
        identity: Some(found),
        last: last.flatten(),
    };
    Ok(Ending { end, tree: segment.tree, start })
}

/// A segment, as far as it is good.
struct Good {
    header: SegmentHeader,
    left: Left,
    torn: Option<Damage>,
    good_bytes: u64,
    hash: super::segment::Hash,
    tree: Tree,
    last: Option<Place>,
}

/// Reads a segment, up to `until` if the next one says that it failed there.
fn read_segment(number: u64, bytes: &[u8], until: Option<u64>) -> Result<Good, JournalError> {
    let damaged =
        |damage, whole_blocks_after| JournalError::Damaged { number, damage, whole_blocks_after };
    // A segment gets its name when its header is on the disk: no crash leaves a damaged one.
    let header = reader::header(bytes).map_err(|damage| damaged(damage, 0))?;
    if header.number.get() != number {
        return Err(damaged(Damage { offset: 0, fault: Fault::Header("number") }, 0));
    }
    let mut blocks = Blocks::new(bytes, &header).until(until);
    let mut last = None;
    let mut torn = None;
    let left = loop {
        match blocks.next_block() {
            Ok(Ok(block)) => last = last_place(block.payload).or(last),
            Ok(Err(End::Sealed(_))) => break Left::Sealed,
            Ok(Err(End::Open)) => break Left::Open,
            Err(damage) => {
                let after = reader::whole_blocks_after(bytes, blocks.good_bytes());
                // Only an open segment can have been torn, and those have all their length.
                let is_cut_off = bytes.len() as u64 != header.allocated_bytes.get();
                let is_synced = header.sync() == Some(SyncPolicy::EveryBlock);
                let is_forged = !damage.fault.may_be_torn();
                if is_cut_off || is_forged || (is_synced && after > 0) {
                    return Err(damaged(damage, after));
                }
                torn = Some(damage);
                break Left::Torn;
            }
        }
    };
    let (good_bytes, hash) = (blocks.good_bytes(), blocks.hash());
    // The peaks come with the header: without them no crash leaves it.
    let tree = blocks.tree().cloned().ok_or_else(|| {
        let offset = HEADER_LEN as u64;
        damaged(Damage { offset, fault: Fault::NotABlock }, 0)
    })?;
    Ok(Good { header, left, torn, good_bytes, hash, tree, last })
}

/// The place of the last record in a block.
fn last_place(payload: &[u8]) -> Option<Place> {
    let mut rest = payload;
    let mut last = None;
    while let Ok((header, _, behind)) = frame::split(rest) {
        last = Some((header.seq_no, header.index));
        rest = behind;
    }
    last
}
