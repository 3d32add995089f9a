//! Where the time of a fire goes, by stages: one turn of the hot loop in a few is stamped between
//! its stages, and those in which orders left are kept.
//!
//! A stamp costs some nanoseconds, so the other turns have none, and what is measured beside this
//! stays what it is without.

use crate::clock::EngineClock;
use crate::engine::latency::{Figures, Latencies};
use crate::engine::wire::Pipeline;
use serde::Serialize;
use xmc_hotpath::counter::Recorder;
use xmc_hotpath::port::{RxPort, StreamPort};
use xmc_hotpath::record::RecordSink;
use xmc_hotpath::stage::{Stage, Work};

/// One turn in so many is stamped.
pub const EVERY: u64 = 8;

/// What each stage took in turns that sent orders.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    feed: Latencies,
    desk: Latencies,
    gateway: Latencies,
    turns: u64,
}

/// The same, for reports.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StepFigures {
    /// Looking for packets, and from finding one to its quotes in the desk's ring: decoded,
    /// arbitrated, put into the books.
    pub feed: Figures,
    /// Evaluated, gated, reserved, recorded, and in the gateway's ring.
    pub desk: Figures,
    /// Encoded and handed to the port, all orders of the fire.
    pub gateway: Figures,
}

impl Steps {
    /// Polls all stages once; `sent` says how many orders have left by now.
    #[inline]
    pub fn poll<F, G, R, L>(
        &mut self,
        engine: &mut Pipeline<'_, F, G, EngineClock, R, L>,
        clock: &EngineClock,
        sent: impl Fn(&L) -> u64,
    ) -> Work
    where
        F: RxPort,
        G: StreamPort,
        R: RecordSink,
        L: Recorder,
    {
        self.turns += 1;
        if !self.turns.is_multiple_of(EVERY) {
            return engine.poll();
        }
        let before = sent(engine.gateways[0].latency());
        let mut stamps = [clock.ticks(); 4];
        let work = engine.poll_between(|stage| stamps[stage + 1] = clock.ticks());
        if sent(engine.gateways[0].latency()) > before {
            let steps = [&mut self.feed, &mut self.desk, &mut self.gateway];
            for (step, ends) in steps.into_iter().zip(stamps.windows(2)) {
                step.record(clock.span(ends[1].wrapping_sub(ends[0])));
            }
        }
        work
    }

    /// Takes what another turn found.
    pub fn add(&mut self, other: &Self) {
        self.feed.add(&other.feed);
        self.desk.add(&other.desk);
        self.gateway.add(&other.gateway);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        for step in [&mut self.feed, &mut self.desk, &mut self.gateway] {
            step.clear();
        }
    }

    /// For reports.
    #[must_use]
    pub fn figures(&self) -> StepFigures {
        let [feed, desk, gateway] = [&self.feed, &self.desk, &self.gateway].map(Latencies::figures);
        StepFigures { feed, desk, gateway }
    }
}
