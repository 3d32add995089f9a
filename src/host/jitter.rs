//! How quiet a core is: a loop that reads the clock and nothing else, and the gaps in it.
//!
//! A gap is the time between two readings, where it is more than eight times the usual one: the
//! core was doing something else (an interrupt, another thread, the host under a virtual machine).
//! Each core has a thread that pins itself; all begin together. Gaps that a reading falls into by
//! chance are the code's own noise, and the threshold is far above it.

use crate::clock::EngineClock;
use crate::engine::core::{PlaceError, place};
use crate::engine::latency::{Figures, Latencies};
use crate::topology::Sched;
use serde::Serialize;
use std::sync::Barrier;
use std::time::Duration;
use xmc_hotpath::counter::Recorder;
use xmc_hotpath::time::Span;

/// Gaps longer than these are counted apart, nanoseconds.
pub const OVER_NS: [u64; 5] = [300, 1_000, 10_000, 100_000, 1_000_000];

/// A gap is so many times the usual time between two readings.
const TIMES: u64 = 8;

/// Readings from which the usual time is known.
const READINGS: usize = 10_000;

/// The gaps of one core.
#[derive(Clone, Debug, Serialize)]
pub struct Gaps {
    /// Which.
    pub core: u16,
    /// How long it was looked at, nanoseconds.
    pub elapsed_ns: u64,
    /// The usual time between two readings, the median, nanoseconds.
    pub usual_ns: u64,
    /// What is longer is a gap, nanoseconds.
    pub threshold_ns: u64,
    /// Gaps over each of `OVER_NS`.
    pub over: [u64; 5],
    /// All gaps together, nanoseconds.
    pub stolen_ns: u64,
    /// How long gaps were, nanoseconds.
    pub gaps: Figures,
}

impl Gaps {
    /// So many of something, each second.
    #[must_use]
    pub fn per_second(&self, count: u64) -> f64 {
        count as f64 * 1e9 / self.elapsed_ns.max(1) as f64
    }

    /// The part of the time that was lost in gaps, percent.
    #[must_use]
    pub fn stolen_percent(&self) -> f64 {
        self.stolen_ns as f64 * 100.0 / self.elapsed_ns.max(1) as f64
    }
}

/// Looks at each of `cores` for `span`, at all of them at once.
///
/// # Errors
/// A core cannot be used.
pub fn measure(
    cores: &[u16],
    span: Duration,
    clock: &EngineClock,
) -> Result<Vec<Gaps>, PlaceError> {
    let start = Barrier::new(cores.len());
    std::thread::scope(|scope| {
        let threads: Vec<_> = cores
            .iter()
            .map(|core| {
                let start = &start;
                scope.spawn(move || {
                    let placed = place(*core, Sched::Other);
                    let ready = placed.map(|()| Latencies::new());
                    // Also by those that are not where they should be: the others wait.
                    start.wait();
                    ready.map(|latencies| look(*core, span, clock, latencies))
                })
            })
            .collect();
        let done = threads.into_iter().map(|thread| thread.join().expect("it does not panic"));
        done.collect()
    })
}

fn look(core: u16, span: Duration, clock: &EngineClock, mut gaps: Latencies) -> Gaps {
    let mut readings = Vec::with_capacity(READINGS);
    let mut last = clock.ticks();
    for _ in 0..READINGS {
        let now = clock.ticks();
        readings.push(now.wrapping_sub(last));
        last = now;
    }
    readings.sort_unstable();
    // The median: a processor may read its counter twice at once, and the shortest is then nothing.
    let usual = readings[READINGS / 2].max(1);
    let threshold = usual.saturating_mul(TIMES);
    let (wanted, mut over, mut stolen) = (clock.ticks_in(span), [0_u64; 5], 0_u64);
    let begun = clock.ticks();
    let mut last = begun;
    while last.wrapping_sub(begun) < wanted {
        let now = clock.ticks();
        let gap = now.wrapping_sub(last);
        last = now;
        if gap > threshold {
            let gap = clock.span(gap);
            gaps.record(gap);
            stolen += gap.0;
            for (count, bound) in over.iter_mut().zip(OVER_NS) {
                *count += u64::from(gap.0 > bound);
            }
            // Noting it took a while as well, and would be the next gap.
            last = clock.ticks();
        }
    }
    let ns = |ticks| -> u64 {
        let Span(ns) = clock.span(ticks);
        ns
    };
    Gaps {
        core,
        elapsed_ns: ns(last.wrapping_sub(begun)),
        usual_ns: ns(usual),
        threshold_ns: ns(threshold),
        over,
        stolen_ns: stolen,
        gaps: gaps.figures(),
    }
}
