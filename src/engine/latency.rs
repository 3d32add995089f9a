//! Histograms that hot cores record into: preallocated, never failing.
//!
//! `Latencies` is one of them. To be looked at while a core records, two go back and forth between
//! the core (`Exchanged`) and the cold side (`Exchange`) through rings: neither ever waits.

use hdrhistogram::Histogram;
use rtrb::{Consumer, Producer, RingBuffer};
use serde::Serialize;
use xmc_hotpath::counter::Recorder;
use xmc_hotpath::time::Span;

/// Longest latency kept apart: ten seconds. Longer ones are recorded as this and counted.
const HIGHEST_NS: u64 = 10_000_000_000;

/// Significant decimal digits kept: an error of at most 0.1 %.
const DIGITS: u8 = 3;

/// A histogram of nanoseconds that a hot core records into. It allocates when it is made.
#[derive(Clone, Debug)]
pub struct Latencies {
    histogram: Histogram<u64>,
    beyond: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

impl Latencies {
    /// An empty histogram from 1 ns to 10 s.
    #[must_use]
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, HIGHEST_NS, DIGITS)
            .expect("the bounds are a valid range");
        Self { histogram, beyond: 0 }
    }

    /// The figures that are stated everywhere.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let at = |quantile| self.histogram.value_at_quantile(quantile);
        Figures {
            p50: at(0.50),
            p90: at(0.90),
            p99: at(0.99),
            p99_9: at(0.999),
            max: self.histogram.max(),
            count: self.histogram.len(),
            beyond: self.beyond,
        }
    }

    /// How many were recorded.
    #[inline]
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// Takes all that `other` holds.
    pub fn add(&mut self, other: &Self) {
        self.histogram.add(&other.histogram).expect("both have the same bounds");
        self.beyond += other.beyond;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.histogram.reset();
        self.beyond = 0;
    }

    /// The histogram itself, for reports that draw it.
    #[must_use]
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.histogram
    }
}

impl Recorder for Latencies {
    #[inline]
    fn record(&mut self, span: Span) {
        if span.0 > HIGHEST_NS {
            self.beyond += 1;
        }
        self.histogram.saturating_record(span.0);
    }
}

/// Percentiles of a histogram, nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Half are at most this.
    pub p50: u64,
    /// 90 % are at most this.
    pub p90: u64,
    /// 99 % are at most this.
    pub p99: u64,
    /// 99.9 % are at most this.
    pub p99_9: u64,
    /// The largest.
    pub max: u64,
    /// How many were recorded.
    pub count: u64,
    /// How many were above ten seconds and are counted as that.
    pub beyond: u64,
}

/// What a hot core records into while the cold side looks on.
#[derive(Debug)]
pub struct Exchanged {
    current: Box<Latencies>,
    emptied: Consumer<Box<Latencies>>,
    filled: Producer<Box<Latencies>>,
}

/// The cold side of an `Exchanged`.
#[derive(Debug)]
pub struct Exchange {
    total: Latencies,
    emptied: Producer<Box<Latencies>>,
    filled: Consumer<Box<Latencies>>,
}

/// A recorder for a hot core, and where the cold side looks at what it records.
#[must_use]
pub fn exchanged() -> (Exchanged, Exchange) {
    let (mut emptied, for_hot) = RingBuffer::new(1);
    let (filled, for_cold) = RingBuffer::new(1);
    let is_given = emptied.push(Box::default()).is_ok();
    debug_assert!(is_given, "a new ring has room");
    let hot = Exchanged { current: Box::default(), emptied: for_hot, filled };
    (hot, Exchange { total: Latencies::new(), emptied, filled: for_cold })
}

impl Exchanged {
    /// What the cold side has not taken.
    #[must_use]
    pub fn current(&self) -> &Latencies {
        &self.current
    }
}

impl Recorder for Exchanged {
    /// Records, and gives what it has to the cold side if that has emptied what it got before.
    #[inline]
    fn record(&mut self, span: Span) {
        self.current.record(span);
        if let Ok(empty) = self.emptied.pop() {
            let full = std::mem::replace(&mut self.current, empty);
            // There is room: of two histograms the other one is here.
            let is_given = self.filled.push(full).is_ok();
            debug_assert!(is_given, "only one of the two is on its way");
        }
    }
}

impl Exchange {
    /// Everything recorded until the last time that the core handed over: with every record that
    /// follows a call of this.
    pub fn total(&mut self) -> &Latencies {
        if let Ok(mut full) = self.filled.pop() {
            self.total.add(&full);
            full.clear();
            let is_given = self.emptied.push(full).is_ok();
            debug_assert!(is_given, "only one of the two is on its way");
        }
        &self.total
    }

    /// Everything, once the core has stopped and gives its recorder back.
    pub fn end(mut self, recorder: &Exchanged) -> Latencies {
        self.total();
        self.total.add(&recorder.current);
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_between_the_two() {
        let (mut hot, mut cold) = exchanged();
        let mut seen = 0;
        for value in 1..=1_000 {
            hot.record(Span(value));
            if value % 7 == 0 {
                let count = cold.total().count();
                assert!(count >= seen && count <= value, "{count} of {value}");
                seen = count;
            }
        }
        assert!(seen > 900, "the cold side is at most a few records behind: {seen}");
        assert_eq!(cold.end(&hot).count(), 1_000);
    }

    #[test]
    fn a_core_that_nobody_looks_at_goes_on_recording() {
        let (mut hot, cold) = exchanged();
        (0..10_000).for_each(|_| hot.record(Span(100)));
        assert_eq!(cold.end(&hot).count(), 10_000);
    }

    #[test]
    fn what_passes_between_threads_is_whole() {
        let (mut hot, mut cold) = exchanged();
        std::thread::scope(|scope| {
            let recording = scope.spawn(move || {
                (1..=100_000).for_each(|value| hot.record(Span(value)));
                hot
            });
            while !recording.is_finished() {
                let total = cold.total();
                assert!(total.figures().max <= 100_100, "rounding aside");
            }
            let hot = recording.join().expect("recording does not panic");
            let all = cold.end(&hot);
            assert_eq!((all.count(), all.figures().beyond), (100_000, 0));
        });
    }
}
