//! Counters that one hot core writes and the cold side reads, and the seam for latency recorders.

use crate::time::Span;
use core::sync::atomic::{AtomicU64, Ordering};

/// A count with one writer. Reading it costs the writer at most a cache miss.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Starts at zero.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds `n`. Only the owning core may call it: load and store, not a locked add.
    #[inline(always)]
    pub fn add(&self, n: u64) {
        // Relaxed: a count orders nothing else.
        self.set(self.get().wrapping_add(n));
    }

    /// Sets the count.
    #[inline(always)]
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// The count.
    #[inline(always)]
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Takes latencies from a hot core. Implementations are preallocated and never fail: a value out of
/// range is recorded at the edge and counted.
pub trait Recorder {
    /// Takes one.
    fn record(&mut self, span: Span);
}

/// Drops every latency: for tests and for cores that are not measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRecorder;

impl Recorder for NoRecorder {
    #[inline(always)]
    fn record(&mut self, _span: Span) {}
}
