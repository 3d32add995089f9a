//! The venue's sending time beside our receive time: how far apart, how that drifts, and steps.
//!
//! Of the delays of each second only the least counts: what a packet waited on its way is not the
//! clock's. A step is a least delay that lies elsewhere for two seconds in a row; one second alone
//! is a pause of this host. Receive times are the engine's own clock, so UTC being set here is no
//! step of a venue; whoever shows an offset adds where that clock stands to UTC.
//!
//! Sans-IO. Called by the replicas for each packet with a time of its own; the figures are read by
//! whoever looks on.

use std::collections::VecDeque;
use xmc_hotpath::counter::Counter;
use xmc_hotpath::counters;
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

/// What one least delay is taken from.
const WINDOW: Span = Span(1_000_000_000);

/// Packets of a second from which on it says anything.
const ENOUGH: u32 = 4;

/// Least delays that the drift is taken from: ten minutes.
const KEPT: usize = 600;

/// Seconds from which on a drift says anything.
const LONG_ENOUGH: Span = Span(10_000_000_000);

/// Delays this far apart are of two clocks. The cold side looks for packets every 0.4 ms, so less
/// is its own pause.
const STEP_NS: u64 = 1_000_000;

counters! {
    /// What is known of a venue's clock. Differences are kept as the bits of an `i64`.
    pub struct ClockCounters {
        /// Packets with a sending time of their own.
        pub packets: Counter => Count "packets",
        /// The engine's clock less the sending time, in the best case of the last second.
        pub delay_ns: Counter => Signed "ns",
        /// By how much that delay grows.
        pub drift_ns_per_s: Counter => Signed "ns/s",
        /// Times that the venue's clock was set.
        pub steps: Counter => Count "times",
        /// By how much the venue's clock was set last.
        pub last_step_ns: Counter => Signed "ns",
    }
}

/// A difference as it is kept in a counter.
#[must_use]
pub fn signed(counter: &Counter) -> i64 {
    counter.get().cast_signed()
}

/// The watch on a venue's clock.
#[derive(Debug, Default)]
pub struct SendingClock {
    began: MonoNs,
    least_ns: i64,
    count: u32,
    /// Where the delay lies, and when it was seen there first.
    level_ns: Option<i64>,
    /// Where it lay in the last second, if that was elsewhere.
    elsewhere_ns: Option<i64>,
    history: VecDeque<(MonoNs, i64)>,
}

impl SendingClock {
    /// A packet that was sent at `sent` came at `now`.
    pub fn take(&mut self, sent: UnixNs, now: MonoNs, counters: &ClockCounters) {
        if sent.0 == 0 {
            return;
        }
        counters.packets.add(1);
        let delay_ns = now.0.wrapping_sub(sent.0).cast_signed();
        if self.count > 0 && now.since(self.began) >= WINDOW {
            self.settle(counters);
        }
        if self.count == 0 {
            (self.began, self.least_ns) = (now, delay_ns);
        }
        self.count += 1;
        self.least_ns = self.least_ns.min(delay_ns);
    }

    /// A second is over.
    fn settle(&mut self, counters: &ClockCounters) {
        let (count, least_ns) = (std::mem::take(&mut self.count), self.least_ns);
        if count < ENOUGH {
            return;
        }
        let is_near = |level: i64| level.abs_diff(least_ns) < STEP_NS;
        match (self.level_ns, self.elsewhere_ns) {
            (Some(level), _) if is_near(level) => self.elsewhere_ns = None,
            (Some(level), Some(elsewhere)) if is_near(elsewhere) => {
                counters.last_step_ns.set(least_ns.wrapping_sub(level).cast_unsigned());
                counters.steps.add(1);
                self.history.clear();
                self.elsewhere_ns = None;
            }
            (Some(_), _) => {
                self.elsewhere_ns = Some(least_ns);
                return;
            }
            (None, _) => {}
        }
        self.level_ns = Some(least_ns);
        counters.delay_ns.set(least_ns.cast_unsigned());
        self.history.push_back((self.began, least_ns));
        if self.history.len() > KEPT {
            self.history.pop_front();
        }
        counters.drift_ns_per_s.set(self.drift_ns_per_s().unwrap_or(0).cast_unsigned());
    }

    /// Between the least delay of the older half and that of the newer one.
    fn drift_ns_per_s(&self) -> Option<i64> {
        let least = |from: usize, to: usize| {
            self.history.range(from..to).min_by_key(|(_, delay_ns)| *delay_ns).copied()
        };
        let (half, all) = (self.history.len() / 2, self.history.len());
        let ((then, before_ns), (now, after_ns)) = (least(0, half)?, least(half, all)?);
        let span = now.since(then);
        let grown = i128::from(after_ns) - i128::from(before_ns);
        let rate = (span >= LONG_ENOUGH).then(|| grown * 1_000_000_000 / i128::from(span.0))?;
        i64::try_from(rate).ok()
    }
}
