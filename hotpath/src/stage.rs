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
    /// publishing counters. Called every `Switch::housekeeping_ticks` or so.
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

/// How a running core is stopped, and how often it keeps house.
#[derive(Debug, Default)]
pub struct Switch {
    /// Set by the cold side to end the loop.
    pub stop: CachePadded<AtomicBool>,
    /// Ticks between two housekeepings; what the stages' timers can rely on.
    pub housekeeping_ticks: u64,
}

crate::counters! {
    /// What a running core shows of itself, at each housekeeping.
    #[repr(align(128))]
    pub struct CoreCounters {
        /// When it last kept house: each millisecond, while it gets to it.
        pub heartbeat: Counter => Moment "ticks",
        /// Time in polls that found nothing to do.
        pub idle: Counter => Ticks "ticks",
        /// Time in polls that did something.
        pub busy: Counter => Ticks "ticks",
        /// Time in polls that had something to do and no room to put the result.
        pub blocked: Counter => Ticks "ticks",
        /// Times that all of its stages were polled.
        pub polls: Counter => Count "polls",
        /// The number that the kernel gives to its thread; 0 before it runs.
        pub thread: Counter => Gauge "thread id",
    }
}

/// Polls `stage` on the calling core until `switch` stops it.
///
/// Every tick is charged to what the poll did, so idle + busy + blocked is the time that passed,
/// and a stage that is about to fall behind shows it before anything is lost.
pub fn run<S: Stage + ?Sized>(
    stage: &mut S,
    switch: &Switch,
    counters: &CoreCounters,
    ticks: impl Fn() -> u64,
) {
    let (mut idle, mut busy, mut blocked, mut polls) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut last = ticks();
    let mut housekept = last;
    // Relaxed: the flag carries no data; seeing it one poll late is harmless.
    while !switch.stop.load(Ordering::Relaxed) {
        let spent = match stage.poll() {
            Work::Idle => &mut idle,
            Work::Busy => &mut busy,
            Work::Blocked => &mut blocked,
        };
        let now = ticks();
        *spent = spent.wrapping_add(now.wrapping_sub(last));
        polls = polls.wrapping_add(1);
        last = now;
        if now.wrapping_sub(housekept) < switch.housekeeping_ticks {
            continue;
        }
        housekept = now;
        stage.housekeeping();
        counters.publish(now, [idle, busy, blocked], polls);
    }
    counters.publish(last, [idle, busy, blocked], polls);
}

impl CoreCounters {
    fn publish(&self, now: u64, [idle, busy, blocked]: [u64; 3], polls: u64) {
        self.idle.set(idle);
        self.busy.set(busy);
        self.blocked.set(blocked);
        self.polls.set(polls);
        self.heartbeat.set(now);
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
