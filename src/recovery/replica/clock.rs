//! The venue's sending time beside our receive time: how far apart, how that drifts, and steps.
//!
//! Of the delays of each second only the least counts: what a packet waited on its way is not the
//! clock's. A step is a least delay that lies elsewhere for two seconds in a row; one second alone
//! is a pause of this host. When a packet came is known no better than from the look for packets
//! before it to the look behind it: a host that does other work looks seldom, and a delay that may
//! have been the same is no step. Receive times are the engine's own clock, so UTC being set here
//! is no step of a venue; whoever shows an offset adds where that clock stands to UTC.
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

/// Delays this far apart are of two clocks, if they cannot have been the same.
const STEP_NS: u64 = 1_000_000;

/// How well a delay has to be known to say where the clock stands: two looks for packets, which the
/// cold side makes every 0.4 ms.
const PRECISE_NS: i64 = 2_000_000;

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

/// A delay: what it looks like, and between which two it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Delay {
    seen_ns: i64,
    least_ns: i64,
    most_ns: i64,
}

impl Delay {
    fn is_precise(self) -> bool {
        self.most_ns.saturating_sub(self.least_ns) <= PRECISE_NS
    }

    /// Whether it may be the same as another one.
    fn is_near(self, other: Self) -> bool {
        let may_be_same = self.least_ns <= other.most_ns && other.least_ns <= self.most_ns;
        may_be_same || self.seen_ns.abs_diff(other.seen_ns) < STEP_NS
    }

    /// The least of both.
    fn least(self, other: Self) -> Self {
        Self {
            seen_ns: self.seen_ns.min(other.seen_ns),
            least_ns: self.least_ns.min(other.least_ns),
            most_ns: self.most_ns.min(other.most_ns),
        }
    }
}

/// The least of some delays.
#[derive(Clone, Copy, Debug, Default)]
struct Least {
    count: u32,
    of: Option<Delay>,
}

impl Least {
    fn add(&mut self, delay: Delay, count: u32) {
        self.count += count;
        self.of = Some(self.of.map_or(delay, |of| of.least(delay)));
    }

    fn enough(self) -> Option<Delay> {
        self.of.filter(|_| self.count >= ENOUGH)
    }
}

/// Packets that one look has found: the last of their sending times, and how many.
#[derive(Clone, Copy, Debug)]
struct Found {
    sent: UnixNs,
    count: u32,
}

/// The watch on a venue's clock.
#[derive(Debug, Default)]
pub struct SendingClock {
    /// The last look for packets, and the one before it.
    looked: [MonoNs; 2],
    /// What the last look has found: until when it can have come is known at the next.
    found: Option<Found>,
    began: MonoNs,
    /// Of this second: all delays, and those that are known well.
    all: Least,
    precise: Least,
    /// Where the delay lies.
    level: Option<Delay>,
    /// Where it lay in the last second, if that was elsewhere.
    elsewhere: Option<Delay>,
    history: VecDeque<(MonoNs, i64)>,
}

impl SendingClock {
    /// It was looked for packets at `now`, whether or not any came.
    pub fn look(&mut self, now: MonoNs, counters: &ClockCounters) {
        let [last, before] = self.looked;
        if now == last {
            return;
        }
        if let Some(Found { sent, count }) = self.found.take() {
            let after = |at: MonoNs| at.0.wrapping_sub(sent.0).cast_signed();
            let (seen_ns, least_ns, most_ns) = (after(last), after(before), after(now));
            self.add(Delay { seen_ns, least_ns, most_ns }, count, last, counters);
        }
        self.looked = [now, last];
    }

    /// A packet that was sent at `sent` was found by the look at `now`.
    pub fn take(&mut self, sent: UnixNs, now: MonoNs, counters: &ClockCounters) {
        self.look(now, counters);
        if sent.0 == 0 {
            return;
        }
        counters.packets.add(1);
        let found = self.found.get_or_insert(Found { sent, count: 0 });
        found.sent = found.sent.max(sent);
        found.count += 1;
    }

    fn add(&mut self, delay: Delay, count: u32, at: MonoNs, counters: &ClockCounters) {
        if self.all.count > 0 && at.since(self.began) >= WINDOW {
            self.settle(counters);
        }
        if self.all.count == 0 {
            self.began = at;
        }
        self.all.add(delay, count);
        if delay.is_precise() {
            self.precise.add(delay, count);
        }
    }

    /// A second is over.
    fn settle(&mut self, counters: &ClockCounters) {
        let (precise, all) = (std::mem::take(&mut self.precise), std::mem::take(&mut self.all));
        let Some(least) = precise.enough().or(all.enough()) else { return };
        match (self.level, self.elsewhere) {
            (Some(level), _) if level.is_near(least) => {
                self.elsewhere = None;
                // What is hardly known says nothing against it, and nothing more of it.
                if !least.is_precise() {
                    return;
                }
            }
            (Some(level), Some(elsewhere)) if elsewhere.is_near(least) => {
                let step_ns = least.seen_ns.wrapping_sub(level.seen_ns);
                counters.last_step_ns.set(step_ns.cast_unsigned());
                counters.steps.add(1);
                self.history.clear();
                self.elsewhere = None;
            }
            (Some(_), _) => {
                self.elsewhere = Some(least);
                return;
            }
            (None, _) => {}
        }
        self.level = Some(least);
        counters.delay_ns.set(least.seen_ns.cast_unsigned());
        self.history.push_back((self.began, least.seen_ns));
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
