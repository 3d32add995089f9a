//! Seeded price paths over both markets: the same capital run siloed, and run pooled.
//!
//! SIMULATED, in floats, with sample parameters of the file: what the command prints is about this
//! model and no market.
//!
//! Capital is all equity and all pools of the book, positions are those of the book, scaled so that
//! margin is the wanted fraction of all capital at the start; lots are fractions. Utilisation is
//! margin used as a fraction of ALL capital (accounts, pools and money under way), averaged over
//! hours and paths. Both runs have the same prices, the same margins, the same rule of when a
//! broker calls and liquidates, and both reduce pairs before it comes to that.
//!
//! - Siloed: each account alone. Money is moved once in `siloed_every_days`, then all at once, at
//!   no cost and within the hour, which favours it. In between, an account that has lost reduces
//!   its pairs, and money that the other side has gained lies idle.
//! - Pooled: money goes to accounts that are above `call`, over the routes of the file with their
//!   hours, limits and costs, through a simulated bank in which some transfers fail or are late.
//!
//! A breach is a broker's call that was not met within its grace; a forced liquidation follows from
//! it, or from equity below `floor` of the margin at any hour. Prices are looked at once an hour.
//!
//! Deliberately absent: margin steps towards delivery and the roll of contracts (margins stay those
//! of the book's day), what reducing a pair costs beyond fees, the time that approval takes.

mod market;
mod run;

pub use market::{Hours, Market};
pub use run::{Outcome, Policy, World, play};

use std::sync::atomic::{AtomicU64, Ordering};

/// What came of many paths.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Total {
    /// Paths.
    pub paths: u64,
    /// Mean utilisation.
    pub utilisation: f64,
    /// The lowest mean of a path.
    pub lowest: f64,
    /// Broker's calls.
    pub calls: u64,
    /// Calls that were not met in time.
    pub breaches: u64,
    /// Forced liquidations.
    pub liquidations: u64,
    /// Times that pairs were reduced.
    pub reductions: u64,
    /// Transfers that were sent.
    pub transfers: u64,
    /// Of them, failed.
    pub failed: u64,
    /// Of them, late.
    pub late: u64,
    /// Cost of transfers and of trading to reduce and to grow back, of all capital and by year.
    pub cost_a_year: f64,
    /// The largest move of one hour that any account's price made.
    pub largest_move: f64,
}

impl Total {
    fn add(&mut self, outcome: &Outcome) {
        let paths = self.paths as f64;
        let mean = |so_far: f64, next: f64| (so_far * paths + next) / (paths + 1.0);
        self.utilisation = mean(self.utilisation, outcome.utilisation);
        self.cost_a_year = mean(self.cost_a_year, outcome.cost_a_year);
        let is_first = self.paths == 0;
        self.lowest =
            if is_first { outcome.utilisation } else { self.lowest.min(outcome.utilisation) };
        self.largest_move = self.largest_move.max(outcome.largest_move);
        self.calls += outcome.calls;
        self.breaches += outcome.breaches;
        self.liquidations += outcome.liquidations;
        self.reductions += outcome.reductions;
        self.transfers += outcome.transfers;
        self.failed += outcome.failed;
        self.late += outcome.late;
        self.paths += 1;
    }
}

/// Plays `count` paths from seed `first` under each policy; the order of threads changes nothing.
pub fn paths<const N: usize>(
    world: &World,
    policies: [Policy; N],
    (first, count): (u64, u64),
    threads: usize,
    done: &(dyn Fn(u64) + Sync),
) -> [Total; N] {
    let next = AtomicU64::new(0);
    let work = || {
        let mut found = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return found;
            }
            let seed = first.wrapping_add(at);
            found.push((at, policies.map(|policy| play(world, policy, seed))));
            done(1);
        }
    };
    let mut all: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        // A worker that panicked has told why; its paths are missing then, and so is the report.
        workers.into_iter().flat_map(|worker| worker.join().expect("a path is played")).collect()
    });
    // Floats are added in the order of seeds, so that the sum does not depend on threads.
    all.sort_by_key(|(at, _)| *at);
    let mut totals = [Total::default(); N];
    for (_, outcomes) in &all {
        for (total, outcome) in totals.iter_mut().zip(outcomes) {
            total.add(outcome);
        }
    }
    totals
}
