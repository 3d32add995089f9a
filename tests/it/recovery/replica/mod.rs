//! Recovery while a feed runs: the hot stage, its replica and the simulated venue, stepped by hand.
//!
//! `schedules` are seeded: `XMC_RECOVERY` sets how many (500 of each venue), `XMC_SIM_SEED` where
//! they begin. 10^5 of both: `XMC_RECOVERY=50000 cargo test --release --test it schedules`.

mod anew;
mod cme;
mod net;
mod shfe;

use net::{Faults, Net};
use std::sync::atomic::{AtomicU64, Ordering};

/// Schedules of each venue in the gate.
const GATE: u64 = 500;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

/// What a schedule came to.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    rejoined: u64,
    refused: u64,
    gaps: u64,
    /// Resets, changes of the data centre, other days and restarts.
    failovers: u64,
    /// Steps in which everything could be traded on, and all of them.
    usable: u64,
    steps: u64,
}

/// Runs the gate's schedules on all cores. One that fails says its seed.
fn schedules(what: &str, one: impl Fn(u64) -> Outcome + Sync) {
    let (first, count) = (number("XMC_SIM_SEED", 1), number("XMC_RECOVERY", GATE));
    let next = AtomicU64::new(first);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let since = std::time::Instant::now();
    let totals = std::thread::scope(|scope| {
        let run = || {
            let mut total = Outcome::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= first + count {
                    return total;
                }
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| one(seed)));
                let Ok(outcome) = outcome else {
                    next.store(u64::MAX / 2, Ordering::Relaxed);
                    panic!("{what}: XMC_SIM_SEED={seed} XMC_RECOVERY=1 does it again");
                };
                total.rejoined += outcome.rejoined;
                total.refused += outcome.refused;
                total.gaps += outcome.gaps;
                total.failovers += outcome.failovers;
                total.usable += outcome.usable;
                total.steps += outcome.steps;
            }
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no schedule fails")).fold(
            Outcome::default(),
            |left, right| Outcome {
                rejoined: left.rejoined + right.rejoined,
                refused: left.refused + right.refused,
                gaps: left.gaps + right.gaps,
                failovers: left.failovers + right.failovers,
                usable: left.usable + right.usable,
                steps: left.steps + right.steps,
            },
        )
    });
    println!("{what}: {count} schedules from {first} in {:.1?}: {totals:?}", since.elapsed());
    // One alone may have had none.
    let is_faulty = totals.gaps * 4 > count && totals.rejoined > count;
    assert!(count < 50 || is_faulty, "a network without faults");
    assert!(totals.usable * 10 > totals.steps, "hardly ever usable");
}
