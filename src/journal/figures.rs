//! What a writer says of itself: what it has done, what is safe, and how long that took.

use super::recover::Place;
use super::segment::Hash;
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

/// The two clocks at the moment of a poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// For intervals.
    pub mono: MonoNs,
    /// For stamps; 0 if not known.
    pub utc: UnixNs,
}

/// Records that are neither in the journal nor in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The last record before; `None` if the run's start is missing.
    pub after: Option<Place>,
    /// The first record behind.
    pub before: Place,
}

/// What is safe from power loss: all before it is, and what is behind it may be lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Durable {
    /// The segment that it ends in; 0 if nothing was written.
    pub segment: u64,
    /// Bytes of that segment.
    pub bytes: u64,
    /// The chain's hash there.
    pub hash: Hash,
    /// Records of the desk, over all its runs.
    pub tree_size: u64,
    /// The root of the tree over them; zeros if nothing was written by this writer.
    pub root: Hash,
    /// The last of them that is of this run.
    pub last: Option<Place>,
}

/// How long records waited, from the poll that saw them first until they were safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// What the options promise but for the disk's own time: the linger and the interval.
    pub stated: Span,
    /// The last group.
    pub last: Span,
    /// The worst group.
    pub worst: Span,
    /// All groups together; divided by their count it is the mean.
    pub total: Span,
    /// Groups.
    pub count: u64,
}

impl Window {
    pub(super) fn note(&mut self, waited: Span) {
        self.last = waited;
        self.worst = self.worst.max(waited);
        self.total = Span(self.total.0.saturating_add(waited.0));
        self.count += 1;
    }
}

/// What a writer has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Records written.
    pub records: u64,
    /// Records of the ring that the journal had already.
    pub dropped: u64,
    /// Blocks written.
    pub blocks: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Syncs.
    pub syncs: u64,
    /// The first hole in what came from the ring: only a loss of power can make one.
    pub gap: Option<Gap>,
    /// What is safe.
    pub durable: Durable,
    /// How long that took.
    pub window: Window,
    /// Errors of a disk that another directory was there for.
    pub failures: u64,
    /// There is no room for a segment after this one.
    pub is_low: bool,
}

impl Figures {
    /// Whether nothing new may be opened: the next error, or the end of this segment, stops the
    /// record.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        self.failures > 0 || self.is_low
    }
}
