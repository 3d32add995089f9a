//! The score: the desk against the same desk leg after leg, in the same seeded markets.
//!
//! A market is drawn from its seed before anybody trades in it (`market`); venues match against it
//! (`venue`). A desk with one spread is played in it twice (`play`): once as it is, once with the
//! orders of the later legs held back on their way. Configuration, limits, time-outs and repair are
//! the same. Both write records, and all figures but what there was to be had are counted from them
//! (`receipts`, `figure`); every record is replayed byte for byte, and the invariants are looked at
//! after each event, as in any schedule. `interval` says how sure the differences are.
//!
//! What it deliberately does not do: faults (`world` does), and money: see `market`.
//!
//! Called by `xmc score` and by the tests.

pub mod figure;
pub mod interval;
pub mod market;
pub mod play;
pub mod receipts;
pub mod venue;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde::Serialize;

use super::checker::Violation;
use interval::Pair;
use market::{MarketTerms, Path};
use play::{Apart, LEVEL_TICKS, Played, START, WIRE, play};

/// What a score is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Terms {
    /// The markets.
    pub market: MarketTerms,
    /// How far legs are apart.
    pub apart: Apart,
}

/// What was seen of one market.
#[derive(Clone, Debug)]
pub struct Scored {
    /// The desk, and the same desk leg after leg.
    pub counts: Pair,
    /// Their records.
    pub played: [Played; 2],
}

/// Why there is no score.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ScoreError {
    /// The desk broke an invariant.
    #[error("seed {seed}: {violation}")]
    Broken {
        /// The market.
        seed: u64,
        /// What it broke.
        violation: Violation,
    },
    /// A record that was just written.
    #[error("seed {seed}: {what}")]
    Unreadable {
        /// The market.
        seed: u64,
        /// Where.
        what: String,
    },
}

/// Takes the score of one market.
///
/// # Errors
/// See `ScoreError`.
pub fn score(seed: u64, terms: &Terms) -> Result<Scored, ScoreError> {
    let path = Path::draw(seed, &terms.market, START);
    let opportunities = path.opportunities(-LEVEL_TICKS, LEVEL_TICKS);
    let run = |apart| {
        let played = play(&path, &play::spread(), WIRE, apart, seed)
            .map_err(|violation| ScoreError::Broken { seed, violation })?;
        let counts = receipts::read(&played.record, 2, &opportunities)
            .map_err(|what| ScoreError::Unreadable { seed, what })?;
        Ok((counts, played))
    };
    let (desk, apart) = (run(None)?, run(Some(terms.apart))?);
    Ok(Scored { counts: [desk.0, apart.0], played: [desk.1, apart.1] })
}

/// Takes the scores of `count` markets from seed `first` on, on `threads` threads, in the order of
/// their seeds; tells `done` how many more are there. Which they are does not depend on the
/// threads.
///
/// # Errors
/// The one with the lowest seed.
pub fn scores(
    first: u64,
    count: u64,
    threads: usize,
    terms: &Terms,
    done: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Pair>, ScoreError> {
    let next = AtomicU64::new(0);
    let all = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    // Relaxed: only the count itself is shared.
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    let scored = score(first.wrapping_add(number), terms);
                    let scored = scored.map(|scored| scored.counts);
                    if scored.is_err() {
                        // Those before this one are taken already.
                        next.store(count, Ordering::Relaxed);
                    }
                    all.lock().unwrap_or_else(PoisonError::into_inner).push((number, scored));
                    done(1);
                }
            });
        }
    });
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.sort_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, scored)| scored).collect()
}
