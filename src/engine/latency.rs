//! Histograms that hot cores record into: preallocated, never failing, read after the fact.

use hdrhistogram::Histogram;
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
