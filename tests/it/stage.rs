//! The loop and the pair of stages, under a clock that only moves when it is read.

use proptest::prelude::*;
use std::cell::Cell;
use std::sync::atomic::Ordering;
use xmc_hotpath::stage::{self, Both, CoreCounters, Stage, Switch, Work};

/// What one reading of the clock takes.
const STEP_TICKS: u64 = 100;

/// A clock that moves by `STEP_TICKS` each time it is read, and starts near the end of its range.
struct Steps(Cell<u64>);

impl Steps {
    fn read(&self) -> u64 {
        self.0.set(self.0.get().wrapping_add(STEP_TICKS));
        self.0.get()
    }
}

/// Finds what it is told to find, then stops the loop.
struct Scripted<'a> {
    finds: Vec<Work>,
    polled: usize,
    housekept_at: Vec<usize>,
    switch: &'a Switch,
}

impl<'a> Scripted<'a> {
    fn new(finds: Vec<Work>, switch: &'a Switch) -> Self {
        Self { finds, polled: 0, housekept_at: Vec::new(), switch }
    }
}

impl Stage for Scripted<'_> {
    fn poll(&mut self) -> Work {
        let found = self.finds[self.polled];
        self.polled += 1;
        if self.polled == self.finds.len() {
            self.switch.stop.store(true, Ordering::Relaxed);
        }
        found
    }

    fn housekeeping(&mut self) {
        self.housekept_at.push(self.polled);
    }
}

fn work() -> impl Strategy<Value = Work> {
    prop_oneof![Just(Work::Idle), Just(Work::Blocked), Just(Work::Busy)]
}

proptest! {
    /// Every tick is charged to what was found in it, and none twice, whenever the clock started.
    #[test]
    fn idle_and_busy_and_blocked_are_the_time_that_passed(
        finds in prop::collection::vec(work(), 1..200),
        started in prop_oneof![Just(0), Just(u64::MAX - 5 * STEP_TICKS), any::<u64>()],
        housekeeping_polls in 1_u64..20,
    ) {
        let switch = Switch {
            housekeeping_ticks: housekeeping_polls * STEP_TICKS,
            ..Switch::default()
        };
        let counters = CoreCounters::default();
        let clock = Steps(Cell::new(started));
        let mut stage = Scripted::new(finds.clone(), &switch);
        stage::run(&mut stage, &switch, &counters, || clock.read());

        prop_assert_eq!(stage.polled, finds.len(), "the loop ends when it is told to");
        let spent = |work| {
            finds.iter().filter(|found| **found == work).count() as u64 * STEP_TICKS
        };
        prop_assert_eq!(counters.idle.get(), spent(Work::Idle));
        prop_assert_eq!(counters.busy.get(), spent(Work::Busy));
        prop_assert_eq!(counters.blocked.get(), spent(Work::Blocked));
        prop_assert_eq!(counters.polls.get(), finds.len() as u64);
        prop_assert_eq!(counters.heartbeat.get(), clock.0.get(), "the last reading");
        // The first reading is the start; the others are one after each poll.
        let passed = clock.0.get().wrapping_sub(started).wrapping_sub(STEP_TICKS);
        prop_assert_eq!(counters.idle.get() + counters.busy.get() + counters.blocked.get(), passed);

        let cadence = usize::try_from(housekeeping_polls).unwrap();
        let expected: Vec<_> = (1..=finds.len()).filter(|poll| poll % cadence == 0).collect();
        prop_assert_eq!(stage.housekept_at, expected);
    }

    /// Nested pairs poll each stage once, in order, and report the most telling find.
    #[test]
    fn a_core_polls_all_its_stages(finds in prop::array::uniform3(work())) {
        let switch = Switch::default();
        let [first, second, third] = finds.map(|found| Scripted::new(vec![found], &switch));
        let mut core = Both(first, Both(second, third));
        let found = core.poll();
        core.housekeeping();
        let expected = if finds.contains(&Work::Busy) {
            Work::Busy
        } else if finds.contains(&Work::Blocked) {
            Work::Blocked
        } else {
            Work::Idle
        };
        prop_assert_eq!(found, expected);
        for stage in [&core.0, &core.1.0, &core.1.1] {
            prop_assert_eq!((stage.polled, &stage.housekept_at[..]), (1, &[1][..]));
        }
    }
}

/// A loop that is stopped before it starts polls nothing.
#[test]
fn a_stopped_loop_polls_nothing() {
    let switch = Switch::default();
    switch.stop.store(true, Ordering::Relaxed);
    let mut stage = Scripted::new(Vec::new(), &switch);
    stage::run(&mut stage, &switch, &CoreCounters::default(), || 0);
    assert_eq!((stage.polled, stage.housekept_at.len()), (0, 0));
}

/// Both stages of a core are polled even when the first is busy: none starves the other.
#[test]
fn a_busy_stage_does_not_starve_the_next() {
    struct Trace<'a>(&'a Cell<Vec<char>>, char);
    impl Stage for Trace<'_> {
        fn poll(&mut self) -> Work {
            let mut seen = self.0.take();
            seen.push(self.1);
            self.0.set(seen);
            Work::Busy
        }
    }
    let seen = Cell::new(Vec::new());
    let mut core = Both(Both(Trace(&seen, 'a'), Trace(&seen, 'b')), Trace(&seen, 'c'));
    core.poll();
    core.poll();
    assert_eq!(seen.take(), ['a', 'b', 'c', 'a', 'b', 'c']);
}
