//! Latencies with a gap detector beside them: which samples the host interrupted.
//!
//! The hot loop says after each turn how long it took. One of more than 10 µs is one in which the
//! host ran something else on the core (this loop's own longest turn is a tenth of that): what was
//! recorded in it counts in the figures like everything else, and is left out of a second histogram
//! that shows what the code does when it is let. A packet that came before such a gap was over had
//! to wait for its end, so it is left out as well, in whichever turn its orders left. The feed's
//! thread, if it is another one, notes its own gaps, and the same goes for them.

use crate::engine::latency::Latencies;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use xmc_hotpath::counter::Recorder;
use xmc_hotpath::time::Span;

/// Samples of one turn that are kept until it ends: more than a poll of a gateway can send.
const PER_TURN: usize = 64;

/// Records every sample, and apart those of turns without a gap.
#[derive(Clone, Debug)]
pub struct Detector {
    /// Every sample.
    pub all: Latencies,
    /// Those that no gap was seen in.
    pub undisturbed: Latencies,
    turn: [Span; PER_TURN],
    count: usize,
    /// Tick at which the last gap of this thread ended.
    ended: u64,
    feed: Arc<FeedGaps>,
}

/// The gaps of another thread, as far as the last one.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct FeedGaps {
    /// Tick at which the last gap ended.
    ended: AtomicU64,
}

impl FeedGaps {
    /// A gap has just ended.
    pub fn end(&self, ticks: u64) {
        // Relaxed: it orders nothing; seen late, a sample of the gap counts as undisturbed.
        self.ended.store(ticks, Ordering::Relaxed);
    }
}

impl Detector {
    /// Nothing recorded; `feed` is the other thread's.
    pub fn new(feed: Arc<FeedGaps>) -> Self {
        Self {
            all: Latencies::new(),
            undisturbed: Latencies::new(),
            turn: [Span(0); PER_TURN],
            count: 0,
            ended: 0,
            feed,
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.all.clear();
        self.undisturbed.clear();
        self.count = 0;
    }

    /// The turn is over, at tick `now`. `ticks` are those of a span.
    #[inline]
    pub fn end_turn(&mut self, was_gap: bool, now: u64, ticks: impl Fn(Span) -> u64) {
        if was_gap {
            self.ended = now;
        }
        let ended = self.ended.max(self.feed.ended.load(Ordering::Relaxed));
        for span in &self.turn[..self.count] {
            if now.wrapping_sub(ticks(*span)) > ended {
                self.undisturbed.record(*span);
            }
        }
        self.count = 0;
    }
}

impl Recorder for Detector {
    #[inline]
    fn record(&mut self, span: Span) {
        self.all.record(span);
        if let Some(slot) = self.turn.get_mut(self.count) {
            *slot = span;
            self.count += 1;
        }
    }
}
