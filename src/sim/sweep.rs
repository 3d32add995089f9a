//! Many schedules: run, counted, and the first that fails made as small as it gets.

use std::any::Any;
use std::fmt;
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use xmc_hotpath::time::MonoNs;

use super::checker::Violation;
use super::fault::{FAULTS, Fault};
use super::plan::{Plan, Regime, Seed};
use super::wire;
use super::world::{self, Outcome, Watch};

/// A schedule that breaks an invariant.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What was simulated.
    pub level: Level,
    /// The schedule as it was found.
    pub found: Seed,
    /// The smallest one that breaks the same invariant.
    pub seed: Seed,
    /// What the smallest one breaks.
    pub violation: Violation,
}

/// What a sweep came to.
#[derive(Clone, Debug, Default)]
pub struct Sweep {
    /// Schedules that ran.
    pub schedules: u64,
    /// Schedules in which something was traded whole.
    pub trading: u64,
    /// Schedules in which needs of two spreads met inside.
    pub meeting: u64,
    /// Sums over all schedules.
    pub total: Outcome,
    /// The failure with the lowest seed.
    pub failure: Option<Failure>,
}

/// What is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `world`: the desk alone.
    Desk,
    /// `wire`: the stages, from bytes to bytes.
    Wire,
}

impl Level {
    /// Runs one schedule. Where panics unwind, one is a violation like any other, so that the
    /// schedule that caused it is known.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn run(self, seed: Seed) -> Result<Outcome, Violation> {
        let run = || match self {
            Self::Desk => world::run(seed),
            Self::Wire => wire::run(seed),
        };
        panic::catch_unwind(run).unwrap_or_else(|payload| Err(panicked(payload.as_ref())))
    }

    /// Runs one schedule, and shows `watch` each input of the desk and what followed from it.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn run_watched(self, seed: Seed, watch: &mut Watch<'_>) -> Result<Outcome, Violation> {
        match self {
            Self::Desk => world::run_watched(seed, watch),
            Self::Wire => wire::run_watched(seed, watch),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Desk => "desk",
            Self::Wire => "wire",
        }
    }
}

fn panicked(payload: &(dyn Any + Send)) -> Violation {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    let what = text.unwrap_or("a payload that is no text").to_owned();
    Violation { invariant: "panic", at: MonoNs(0), what }
}

/// Runs the schedules of `count` seeds from `first` on, on `threads` threads, up to the first that
/// fails. Which ones those are does not depend on the threads.
pub fn run(level: Level, first: u64, count: u64, threads: usize) -> Sweep {
    run_told(level, Regime::Swarm, first, count, threads, &|_| {})
}

/// As `run` in a regime, of which the wire level has but one, and tells `done` now and then how
/// many more have been run.
pub fn run_told(
    level: Level,
    regime: Regime,
    first: u64,
    count: u64,
    threads: usize,
    done: &(dyn Fn(u64) + Sync),
) -> Sweep {
    /// Seeds that a thread takes at a time.
    const CHUNK: u64 = 64;
    let next = AtomicU64::new(0);
    let all = Mutex::new(Sweep::default());
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                let mut own = Sweep::default();
                while own.failure.is_none() {
                    // Relaxed: only the count itself is shared.
                    let from = next.fetch_add(CHUNK, Ordering::Relaxed);
                    if from >= count {
                        break;
                    }
                    let seed = Seed { regime, ..Seed::whole(first.wrapping_add(from)) };
                    own.chunk(level, seed, CHUNK.min(count - from));
                    done(CHUNK.min(count - from));
                }
                if own.failure.is_some() {
                    // Chunks after this one need not be run; those before it are taken already.
                    next.store(count, Ordering::Relaxed);
                }
                all.lock().unwrap_or_else(PoisonError::into_inner).add(own);
            });
        }
    });
    let mut sweep = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    sweep.failure = sweep.failure.map(|failure| smallest(level, failure.found, failure.violation));
    sweep
}

impl Sweep {
    fn chunk(&mut self, level: Level, first: Seed, count: u64) {
        for offset in 0..count {
            let seed = Seed { seed: first.seed.wrapping_add(offset), ..first };
            self.schedules += 1;
            match level.run(seed) {
                Ok(outcome) => {
                    self.trading += u64::from(outcome.traded > 0);
                    self.meeting += u64::from(outcome.inside > 0);
                    self.total.add(&outcome);
                }
                Err(violation) => {
                    self.failure = Some(Failure { level, found: seed, seed, violation });
                    return;
                }
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.trading += other.trading;
        self.meeting += other.meeting;
        self.total.add(&other.total);
        self.failure = match (self.failure.take(), other.failure) {
            (Some(one), Some(other)) if other.found.seed < one.found.seed => Some(other),
            (one, other) => one.or(other),
        };
    }
}

/// Drops faults one by one, then steps, as long as the same invariant breaks.
pub fn smallest(level: Level, found: Seed, violation: Violation) -> Failure {
    let drawn = match level {
        Level::Desk => {
            let plan = Plan::draw(found);
            Seed { mask: plan.faults.mask(), most_steps: plan.steps, ..found }
        }
        Level::Wire => Seed {
            mask: (1 << FAULTS) - 1,
            most_steps: found.most_steps.min(wire::MOST_PACKETS),
            ..found
        },
    };
    let mut failure = Failure { level, found, seed: drawn, violation };
    failure.shrink(|seed| level.run(seed).map(drop));
    failure
}

impl Failure {
    fn shrink(&mut self, run: impl Fn(Seed) -> Result<(), Violation>) {
        for number in 0..Fault::ALL.len() {
            let mask = self.seed.mask & !(1 << number);
            self.try_smaller(Seed { mask, ..self.seed }, &run);
        }
        let mut step = self.seed.most_steps / 2;
        while step > 0 {
            let most_steps = self.seed.most_steps.saturating_sub(step);
            if !self.try_smaller(Seed { most_steps, ..self.seed }, &run) {
                step /= 2;
            }
        }
    }

    /// Takes `seed` if it is another one and breaks the same invariant.
    fn try_smaller(&mut self, seed: Seed, run: impl Fn(Seed) -> Result<(), Violation>) -> bool {
        // What breaks without a single step would else break at 0 for ever.
        if seed == self.seed {
            return false;
        }
        match run(seed) {
            Err(violation) if violation.invariant == self.violation.invariant => {
                (self.seed, self.violation) = (seed, violation);
                true
            }
            _ => false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = Fault::ALL.iter().filter(|fault| self.seed.mask >> (**fault as u32) & 1 == 1);
        let faults: Vec<_> = faults.map(|fault| fault.word()).collect();
        writeln!(f, "{}", self.violation)?;
        writeln!(
            f,
            "found with seed {}, still there with these faults: {faults:?}",
            self.found.seed
        )?;
        let (level, Seed { seed, mask, most_steps, regime }) = (self.level.word(), self.seed);
        let regime = regime.word();
        writeln!(
            f,
            "XMC_SIM_SEED={seed} XMC_SIM_MASK={mask:#x} XMC_SIM_STEPS={most_steps} \
             XMC_SIM_REGIME={regime} cargo test --test it sim::{level}::one -- --nocapture"
        )?;
        write!(
            f,
            "xmc sim --level {level} --regime {regime} --seed {seed} --tell {mask:#x} \
             --steps {most_steps}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(invariant: &'static str) -> Violation {
        Violation { invariant, at: MonoNs(0), what: String::new() }
    }

    /// What is left of a failure that needs the faults of `mask` and so many steps.
    fn left_of(needed: u64, steps: u32) -> Seed {
        let seed = Seed { mask: (1 << FAULTS) - 1, most_steps: 600, ..Seed::whole(1) };
        let mut failure =
            Failure { level: Level::Wire, found: seed, seed, violation: violation("S1") };
        failure.shrink(|seed| {
            let is_there = seed.mask & needed == needed && seed.most_steps >= steps;
            Err(violation(if is_there { "S1" } else { "S2" }))
        });
        failure.seed
    }

    #[test]
    fn a_failure_keeps_what_it_needs_and_nothing_else() {
        for (needed, steps) in [(0, 0), (0, 1), (0b101, 0), (1 << 7, 17), (1 << 38, 600)] {
            let left = left_of(needed, steps);
            assert_eq!((left.mask, left.most_steps), (needed, steps));
        }
    }

    #[test]
    fn a_panic_keeps_its_words() {
        for (payload, words) in [
            (Box::new("a word") as Box<dyn Any + Send>, "a word"),
            (Box::new("words".to_owned()), "words"),
            (Box::new(5), "a payload that is no text"),
        ] {
            assert_eq!(panicked(payload.as_ref()).what, words);
        }
    }
}
