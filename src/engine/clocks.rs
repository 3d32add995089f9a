//! The engine's clock beside UTC: steps, drift, and the bound of the error.
//!
//! Every timeout is measured on the engine's own clock, so whatever UTC does moves no order; but
//! stamps in UTC are wrong by a step until it is seen, and what a venue or a supervisor compares
//! them with is not ours. Each second both clocks are read once (`EngineClock::utc`); where UTC has
//! moved by more than the limit beyond what the drift so far explains, it was set. A host that does
//! other work reads them seldom: then the limit is that of each second that has passed, because
//! what the drift is now is known no better than that.
//!
//! How far UTC itself is from the truth is the time daemon's to say. Called by `telling`.

use crate::config::Configuration;
use crate::recovery::replica::ReplicaCounters;
use crate::recovery::replica::clock::signed;
use xmc_hotpath::message::{ClockScale, Finding, FindingKind, InstrumentIndex, StreamId};
use xmc_hotpath::time::Span;

/// How long the drift is measured for: shorter, the errors of two readings weigh too much.
const WINDOW: Span = Span(60_000_000_000);

const SECOND_NS: u64 = 1_000_000_000;

/// A clock that gains or loses more is not kept by anybody: time daemons steer by at most 500
/// parts per million, and a counter that is read as another than it is is off by more.
const MOST_DRIFT_NS_PER_S: u64 = 600_000;

/// What is known of the two clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ClockFigures {
    /// Readings.
    pub readings: u64,
    /// Times that UTC was set.
    pub steps: u64,
    /// By how much it was last.
    pub last_step_ns: i64,
    /// The largest, whichever way.
    pub most_step_ns: u64,
    /// By how much UTC gains on the engine's clock; 0 until it has been measured.
    pub drift_ns_per_s: i64,
    /// The error of the last reading, at most.
    pub error_ns: u64,
}

/// The watch on all clocks of an engine.
#[derive(Debug)]
pub struct Clocks {
    limit_ns: u64,
    stops: bool,
    last: Option<ClockScale>,
    /// Where the drift is measured from.
    from: Option<ClockScale>,
    has_drifted: bool,
    figures: ClockFigures,
    /// By feed: its stream, and the steps of the venue's clock that were told.
    feeds: Vec<(StreamId, u64)>,
}

impl Clocks {
    /// Nothing is known yet.
    #[must_use]
    pub fn of(config: &Configuration) -> Self {
        let streams = config.feeds.iter().map(|feed| (StreamId(feed.stream_id.value), 0));
        Self {
            limit_ns: u64::from(config.engine.clock_step_us) * 1_000,
            stops: config.engine.clock_steps_stop,
            last: None,
            from: None,
            has_drifted: false,
            figures: ClockFigures::default(),
            feeds: streams.collect(),
        }
    }

    /// What is known.
    #[must_use]
    pub fn figures(&self) -> &ClockFigures {
        &self.figures
    }

    /// Takes a reading of both clocks, and what replicas have seen of venues' clocks. What the
    /// desk has to be told.
    pub fn take(&mut self, scale: &ClockScale, replicas: &[ReplicaCounters]) -> Vec<Finding> {
        let mut found = Vec::new();
        self.figures.readings += 1;
        self.figures.error_ns = scale.error.0;
        if let Some(last) = self.last.replace(*scale) {
            let moved = self.moved_ns(&last, scale);
            // The errors of both readings are known, and no step.
            let known_ns = last.error.0.saturating_add(scale.error.0);
            let seconds =
                (scale.at.since(last.at).0.saturating_add(SECOND_NS / 2) / SECOND_NS).max(1);
            let limit_ns = self.limit_ns.saturating_mul(seconds);
            if moved.unsigned_abs() > limit_ns.saturating_add(known_ns) {
                self.figures.steps += 1;
                self.figures.last_step_ns = moved;
                self.figures.most_step_ns = self.figures.most_step_ns.max(moved.unsigned_abs());
                self.from = None;
                found.push(self.finding(FindingKind::ClockStep, StreamId::NONE, moved));
            }
        }
        self.measure(scale, &mut found);
        let mut feeds = std::mem::take(&mut self.feeds);
        for ((stream, told), replica) in feeds.iter_mut().zip(replicas) {
            let steps = replica.clock.steps.get();
            if steps != std::mem::replace(told, steps) {
                let step_ns = signed(&replica.clock.last_step_ns);
                found.push(self.finding(FindingKind::ClockStep, *stream, step_ns));
            }
        }
        self.feeds = feeds;
        found
    }

    /// By how much UTC has moved beside the engine's clock, its drift apart.
    fn moved_ns(&self, last: &ClockScale, scale: &ClockScale) -> i64 {
        let elapsed = i128::from(scale.at.0) - i128::from(last.at.0);
        let drifted = elapsed * i128::from(self.figures.drift_ns_per_s) / 1_000_000_000;
        let moved = i128::from(scale.utc.0) - i128::from(last.utc.0) - elapsed - drifted;
        i64::try_from(moved).unwrap_or(if moved < 0 { i64::MIN } else { i64::MAX })
    }

    fn measure(&mut self, scale: &ClockScale, found: &mut Vec<Finding>) {
        let from = *self.from.get_or_insert(*scale);
        let elapsed = scale.at.since(from.at);
        if elapsed < WINDOW {
            return;
        }
        let gained = i128::from(scale.utc.0) - i128::from(from.utc.0) - i128::from(elapsed.0);
        let rate = gained * 1_000_000_000 / i128::from(elapsed.0);
        self.figures.drift_ns_per_s = i64::try_from(rate).unwrap_or(0);
        self.from = Some(*scale);
        let is_drifting = rate.unsigned_abs() > u128::from(MOST_DRIFT_NS_PER_S);
        if is_drifting && !self.has_drifted {
            let rate = self.figures.drift_ns_per_s;
            found.push(self.finding(FindingKind::ClockDrift, StreamId::NONE, rate));
        }
        self.has_drifted = is_drifting;
    }

    fn finding(&self, kind: FindingKind, stream: StreamId, value: i64) -> Finding {
        Finding {
            kind,
            instrument: InstrumentIndex::NONE,
            stream,
            packet_seq_no: 0,
            value,
            opens_nothing: self.stops,
        }
    }
}
