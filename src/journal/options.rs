//! How a journal is written, and why it cannot be.

use std::io;

use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::record::frame;
use xmc_hotpath::time::Span;

use super::reader::Damage;
use super::segment::{ChainHash, MAX_PAYLOAD, MAX_SEGMENT, MIN_SEGMENT, SyncPolicy};

/// Why the journal cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// An option is out of bounds.
    #[error("journal: {what} is {value}, but must be from {min} to {max}")]
    Option {
        /// Which.
        what: &'static str,
        /// Its value.
        value: u64,
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// The disk refused. The writer is done.
    #[error("journal: cannot {action} segment {number}: {source}; nothing more is written to it")]
    Disk {
        /// What was tried.
        action: &'static str,
        /// Which segment; 0 is the directory.
        number: u64,
        /// Why not.
        source: io::Error,
    },
    /// An error came before: nothing is written any more.
    #[error("journal: stopped by an earlier error of the disk; start a new writer")]
    Stopped,
    /// The last segment is damaged in a way that no crash explains.
    #[error(
        "journal: segment {number} is damaged {damage}, and {whole_blocks_after} whole blocks \
         follow: no crash leaves that; run `xmc audit verify`, keep the files, use a new directory"
    )]
    Damaged {
        /// Which segment.
        number: u64,
        /// What is wrong.
        damage: Damage,
        /// Blocks behind it that are whole.
        whole_blocks_after: u64,
    },
    /// The directory belongs to another desk, or to a later run.
    #[error(
        "journal: the directory ends with site {}, desk {}, run {}, the ring is of site {}, desk \
         {}, run {}: use the directory of this desk",
        journal.site.0, journal.desk.0, journal.run, ring.site.0, ring.desk.0, ring.run
    )]
    OtherRun {
        /// Whose journal.
        journal: DeskIdentity,
        /// Whose ring.
        ring: DeskIdentity,
    },
    /// The ring's memory was damaged.
    #[error(
        "journal: the record ring is damaged: {0}; what was before that is written. Compare with \
         the venues what is missing, then move the ring's file away"
    )]
    Ring(&'static str),
}

/// How a journal is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes allocated for a segment.
    pub segment_bytes: u64,
    /// A block is written when the ring holds this much, at the latest.
    pub block_bytes: usize,
    /// A block is written when its first record has waited this long.
    pub linger: Span,
    /// When blocks are made safe from power loss.
    pub sync: SyncPolicy,
    /// What new segments are chained with; those of before stay with theirs.
    pub chain_hash: ChainHash,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            block_bytes: MAX_PAYLOAD,
            linger: Span(1_000_000),
            sync: SyncPolicy::IntervalMs(10),
            chain_hash: ChainHash::of_this_machine(),
        }
    }
}

impl Options {
    /// How long a record waits until it is made safe, but for the disk's own time and for how often
    /// the writer is polled.
    #[must_use]
    pub fn window(&self) -> Span {
        match self.sync {
            SyncPolicy::EveryBlock => self.linger,
            SyncPolicy::IntervalMs(ms) => self.linger.max(Span(u64::from(ms) * 1_000_000)),
            SyncPolicy::Never => Span(u64::MAX),
        }
    }

    pub(super) fn check(&self) -> Result<(), JournalError> {
        let within = |what, value, min, max| {
            if (min..=max).contains(&value) {
                Ok(())
            } else {
                Err(JournalError::Option { what, value, min, max })
            }
        };
        let block_bytes = self.block_bytes as u64;
        within("segment_bytes", self.segment_bytes, MIN_SEGMENT, MAX_SEGMENT)?;
        within("block_bytes", block_bytes, frame::MAX_LEN as u64, MAX_PAYLOAD as u64)?;
        within("linger in nanoseconds", self.linger.0, 0, 1_000_000_000)?;
        match self.sync {
            SyncPolicy::IntervalMs(ms) => within("sync interval_ms", ms.into(), 1, 10_000),
            SyncPolicy::EveryBlock | SyncPolicy::Never => Ok(()),
        }
    }
}
