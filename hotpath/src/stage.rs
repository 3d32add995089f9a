//! The one loop. A stage is a value with a `poll`; a core runs a list of them in turn.

use crate::counter::Counter;
use core::sync::atomic::{AtomicBool, Ordering};
use crossbeam_utils::CachePadded;

/// What a poll found. The order is that of `or`: one thing done outweighs another that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Nothing to do.
    Idle,
    /// Something to do, but no room to put the result: it waits.
    Blocked,
    /// Something was done.
    Busy,
}

impl Work {
    /// What two polls found together: the more telling one.
    #[inline(always)]
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }
}

/// A part of the pipeline that owns its state and is polled by one core.
///
/// Stages, and what each of them counts, begin and end on lines of their own (128 bytes, because
/// the processor fetches lines of 64 in pairs): two cores that write to neighbouring words take the
/// line from each other, some 50 to 300 ns each time.
pub trait Stage {
    /// Does a bounded amount of work and says what it found. Never waits.
    fn poll(&mut self) -> Work;

    /// Does what must be done now and then but not in every poll: timers of the protocol,
    /// publishing counters. Called every `Gauge::housekeeping_ticks` or so.
    fn housekeeping(&mut self) {}
}

impl<S: Stage + ?Sized> Stage for &mut S {
    #[inline]
    fn poll(&mut self) -> Work {
        (**self).poll()
    }

    fn housekeeping(&mut self) {
        (**self).housekeeping();
    }
}

/// What a running core shows, and how it is stopped.
///
/// `stop` and the counters lie on lines of their own: the cold side reads the counters often.
#[derive(Debug, Default)]
pub struct Gauge {
    /// Set by the cold side to end the loop.
    pub stop: CachePadded<AtomicBool>,
    /// Ticks in which polls found nothing.
    pub idle: CachePadded<Counter>,
    /// Ticks in which polls did something.
    pub busy: Counter,
    /// Ticks in which polls had something to do and no room.
    pub blocked: Counter,
    /// Ticks between two housekeepings; what the stages' timers can rely on.
    pub housekeeping_ticks: u64,
}

/// Polls `stage` on the calling core until `gauge.stop` is set.
///
/// Every tick is charged to what the poll did, so idle + busy + blocked is the time that passed,
/// and a stage that is about to fall behind shows it before anything is lost.
pub fn run<S: Stage + ?Sized>(stage: &mut S, gauge: &Gauge, ticks: impl Fn() -> u64) {
    let (mut idle, mut busy, mut blocked) = (0_u64, 0_u64, 0_u64);
    let mut last = ticks();
    let mut housekept = last;
    // Relaxed: the flag carries no data; seeing it one poll late is harmless.
    while !gauge.stop.load(Ordering::Relaxed) {
        let spent = match stage.poll() {
            Work::Idle => &mut idle,
            Work::Busy => &mut busy,
            Work::Blocked => &mut blocked,
        };
        let now = ticks();
        *spent = spent.wrapping_add(now.wrapping_sub(last));
        last = now;
        if now.wrapping_sub(housekept) < gauge.housekeeping_ticks {
            continue;
        }
        housekept = now;
        stage.housekeeping();
        gauge.publish(idle, busy, blocked);
    }
    gauge.publish(idle, busy, blocked);
}

impl Gauge {
    fn publish(&self, idle: u64, busy: u64, blocked: u64) {
        self.idle.set(idle);
        self.busy.set(busy);
        self.blocked.set(blocked);
    }
}

/// Two stages on one core, polled in turn; nest it for more.
#[derive(Debug)]
pub struct Both<A, B>(pub A, pub B);

impl<A: Stage, B: Stage> Stage for Both<A, B> {
    #[inline]
    fn poll(&mut self) -> Work {
        self.0.poll().or(self.1.poll())
    }

    fn housekeeping(&mut self) {
        self.0.housekeeping();
        self.1.housekeeping();
    }
}
