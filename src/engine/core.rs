//! A core and what runs on it: pinning, scheduling, beginning together, resting, and a list of
//! stages polled in turn.

use crate::config::Configuration;
use crate::topology::{Executor, Idle, Sched, Stage as StageName};
use std::io;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;
use xmc_hotpath::stage::{Stage, Work};

/// How long a core that may sleep does so when it found nothing.
const NAP: Duration = Duration::from_micros(50);

/// Why a thread was not put where the topology wants it.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The core does not exist, or this process may not use it.
    #[error(
        "core {core} cannot be used by this process (it may use {allowed}): choose another in the \
         topology, or widen the process's affinity mask"
    )]
    Core {
        /// The core asked for.
        core: u16,
        /// The cores allowed, as a list.
        allowed: String,
    },
    /// The scheduler refused.
    #[error(
        "the real-time priority {priority} was refused ({source}): run with CAP_SYS_NICE, raise \
         LimitRTPRIO, or write sched = \"other\""
    )]
    Priority {
        /// The priority asked for.
        priority: u8,
        /// What the system says.
        source: io::Error,
    },
}

/// The executors that run hot stages.
pub fn hot(config: &Configuration) -> impl Iterator<Item = &Executor> {
    let is_hot = |executor: &&Executor| executor.stages.iter().any(|one| one.value.is_hot());
    config.executors.iter().filter(is_hot)
}

/// Where the topology puts a stage.
#[must_use]
pub fn core_of(config: &Configuration, stage: StageName) -> Option<u16> {
    let runs = |executor: &&Executor| executor.stages.iter().any(|one| one.value == stage);
    config.executors.iter().find(runs).map(|executor| executor.core.value)
}

/// Pins the calling thread to a core and gives it its scheduling class.
///
/// # Errors
/// See `PlaceError`.
pub fn place(core: u16, sched: Sched) -> Result<(), PlaceError> {
    pin(core)?;
    promote(sched)
}

/// Pins the calling thread to a core.
///
/// # Errors
/// The process may not use it.
pub fn pin(core: u16) -> Result<(), PlaceError> {
    // `core_affinity::get_core_ids` shows the affinity mask of now, which misses isolated cores: so
    // the id is made directly, and the mask is read back to see whether it took.
    let wanted = usize::from(core);
    core_affinity::set_for_current(core_affinity::CoreId { id: wanted });
    let allowed = core_affinity::get_core_ids().unwrap_or_default();
    if !matches!(allowed[..], [only] if only.id == wanted) {
        let list: Vec<String> = allowed.iter().map(|core| core.id.to_string()).collect();
        return Err(PlaceError::Core { core, allowed: list.join(", ") });
    }
    Ok(())
}

/// Gives the calling thread its scheduling class. Threads that it makes afterwards inherit it, and
/// one that polls on the same core keeps them from ever running: so it comes last.
///
/// # Errors
/// The scheduler refuses.
pub fn promote(sched: Sched) -> Result<(), PlaceError> {
    match sched {
        Sched::Other => Ok(()),
        Sched::Fifo(priority) => {
            fifo(priority).map_err(|source| PlaceError::Priority { priority, source })
        }
    }
}

#[expect(unsafe_code, reason = "the scheduling class has no safe interface")]
fn fifo(priority: u8) -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: libc::c_int::from(priority) };
    // SAFETY: 0 names the calling thread; the pointer is to a live struct of the right type, which
    // the call only reads.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Where threads that poll wait until all of them are there and on their cores.
///
/// A real-time thread that polls starves whatever is on its core, also a thread that has been made
/// and is not on its own yet: it would wait for ever.
#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    count: usize,
    is_open: bool,
}

impl Gate {
    /// Says that the calling thread is where it should be, and waits for the others.
    pub fn wait(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.count += 1;
        self.changed.notify_all();
        while !state.is_open {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets them begin when `count` of them wait.
    pub fn open(&self, count: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.count < count {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_open = true;
        self.changed.notify_all();
    }
}

/// Stages of one core, polled in the order of the topology.
pub struct Turn<'s> {
    stages: Vec<Box<dyn Stage + Send + 's>>,
}

impl<'s> Turn<'s> {
    /// The stages, in the order in which they are polled.
    #[must_use]
    pub fn new(stages: Vec<Box<dyn Stage + Send + 's>>) -> Self {
        Self { stages }
    }
}

impl Stage for Turn<'_> {
    #[inline]
    fn poll(&mut self) -> Work {
        self.stages.iter_mut().fold(Work::Idle, |work, stage| work.or(stage.poll()))
    }

    fn housekeeping(&mut self) {
        for stage in &mut self.stages {
            stage.housekeeping();
        }
    }
}

/// A stage on a core that it does not have for itself: it gives way when there is nothing to do.
pub struct Resting<S> {
    stage: S,
    idle: Idle,
}

impl<S> Resting<S> {
    /// Rests as `idle` says. `Idle::Spin` does not rest.
    pub fn new(stage: S, idle: Idle) -> Self {
        Self { stage, idle }
    }
}

impl<S: Stage> Stage for Resting<S> {
    #[inline]
    fn poll(&mut self) -> Work {
        let work = self.stage.poll();
        if work != Work::Busy {
            match self.idle {
                Idle::Spin => {}
                Idle::Yield => std::thread::yield_now(),
                Idle::Sleep => std::thread::sleep(NAP),
            }
        }
        work
    }

    fn housekeeping(&mut self) {
        self.stage.housekeeping();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel says of the calling thread.
    fn allowed() -> String {
        let status = std::fs::read_to_string("/proc/thread-self/status").expect("Linux has it");
        let row = status.lines().find_map(|row| row.strip_prefix("Cpus_allowed_list:"));
        row.expect("it has that row").trim().to_owned()
    }

    #[test]
    fn a_thread_is_on_its_core_and_no_other() {
        let cores = core_affinity::get_core_ids().expect("the mask can be read");
        for core in cores {
            let core = u16::try_from(core.id).expect("few cores");
            std::thread::spawn(move || {
                place(core, Sched::Other).expect("the process may use it");
                assert_eq!(allowed(), core.to_string());
            })
            .join()
            .expect("it is placed");
        }
    }

    #[test]
    fn nobody_begins_before_all_are_there() {
        let (gate, begun) = (Gate::default(), std::sync::atomic::AtomicUsize::new(0));
        let count = || begun.load(std::sync::atomic::Ordering::SeqCst);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    gate.wait();
                    begun.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                });
            }
            // Both wait, and nothing opens.
            while gate.state.lock().expect("nobody panics").count < 2 {
                std::thread::yield_now();
            }
            assert_eq!(count(), 0);
            let third = scope.spawn(|| gate.open(3));
            while gate.state.lock().expect("nobody panics").count < 2 {
                std::thread::yield_now();
            }
            assert!(!third.is_finished() && count() == 0, "one is missing");
            gate.wait();
        });
        assert_eq!(count(), 2);
    }

    #[test]
    fn a_core_that_is_not_there_is_refused_with_those_that_are() {
        let before = allowed();
        let error = place(1_023, Sched::Other).expect_err("no machine of ours has it");
        let cores: Vec<_> = core_affinity::get_core_ids().expect("the mask can be read");
        let listed = format!("may use {}", cores[0].id);
        assert!(error.to_string().contains("core 1023"), "{error}");
        assert!(error.to_string().contains(&listed), "{error}");
        assert_eq!(allowed(), before, "the thread stays where it was");
    }
}
