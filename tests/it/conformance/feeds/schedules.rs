//! Schedules over sockets: whatever goes wrong with a feed, drawn from a seed, then quiet. In the
//! end the books are the venue's own, and at no time could a quote be traded on while the channel
//! was not live.
//!
//! `XMC_SOCKET_SCHEDULES` sets how many there are (20), `XMC_SIM_SEED` where they begin: 10^3 of
//! them are `XMC_SOCKET_SCHEDULES=1000 cargo test --release --test it socket_schedules`. Even
//! seeds are CME's, odd ones SHFE's. What is drawn follows from the seed; when it happens, from the
//! machine.

use super::super::rig::{Market, Options, Rig, cme_rig, shfe_rig};
use cross_market_connect::venue::cme::simulated::{LineFaults, Silence};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use xmc_hotpath::feed::Protocol;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::Span;

/// Schedules in the gate.
const GATE: u64 = 20;
/// Schedules at a time in the gate, beside other tests, and otherwise: most of the time they wait.
const THREADS: [u64; 2] = [4, 8];

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

/// What schedules came to.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    gaps: u64,
    missing: u64,
    divergent: u64,
    refused: u64,
    failovers: u64,
    restarts: u64,
    silences: u64,
    deaf: u64,
    rejoined: u64,
    quotes: u64,
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.gaps += other.gaps;
        self.missing += other.missing;
        self.divergent += other.divergent;
        self.refused += other.refused;
        self.failovers += other.failovers;
        self.restarts += other.restarts;
        self.silences += other.silences;
        self.deaf += other.deaf;
        self.rejoined += other.rejoined;
        self.quotes += other.quotes;
    }
}

/// Any mixture on one line, up to 30 % loss. Damage spares the only sound copy: UDP's checksum is
/// what finds damage to the only one, and it is done behind that.
fn any(rng: &mut fastrand::Rng) -> LineFaults {
    LineFaults {
        lost_per_mille: rng.u32(..=300),
        duplicated_per_mille: rng.u32(..=100),
        swapped_per_mille: rng.u32(..=100),
        swap_depth: rng.u32(1..=4),
        truncated_per_mille: rng.u32(..=20),
        oversized_per_mille: rng.u32(..=20),
        divergent_per_mille: rng.u32(..=20),
        keeps_one_sound: true,
        delay_packets: rng.u32(..=3),
        delay: Span(rng.u64(..=1_000_000)),
        ..LineFaults::NONE
    }
}

/// Faults for a while, then quiet.
fn schedule<V: Protocol, M: Market>(
    rig: &mut Rig<'_, '_, V, M>,
    rng: &mut fastrand::Rng,
    pace_millis: u64,
) -> Outcome {
    let mut outcome = Outcome::default();
    rig.until_usable();
    for _ in 0..2 {
        let faults = [any(rng), any(rng)];
        let together = rng.u32(..=20);
        let set = |rig: &Rig<'_, '_, V, M>, faults: [LineFaults; 2], together| {
            for (line, faults) in Line::BOTH.into_iter().zip(faults) {
                rig.venue().set_faults(line, faults);
            }
            rig.venue().set_lost_together(together);
        };
        set(rig, faults, together);
        rig.follow(pace_millis);
        match rng.u8(..8) {
            0 => {
                rig.venue().fail_over();
                outcome.failovers += 1;
            }
            1 => {
                rig.restart(rng.u64(..100));
                set(rig, faults, together);
                outcome.restarts += 1;
            }
            2 => {
                let silence = if rng.bool() { Silence::Frozen } else { Silence::Total };
                rig.venue().set_silence(silence);
                rig.follow(rng.u64(..pace_millis));
                rig.venue().set_silence(Silence::Off);
                outcome.silences += 1;
            }
            3 => {
                rig.is_deaf.set(true);
                rig.follow(rng.u64(..pace_millis));
                rig.is_deaf.set(false);
                outcome.deaf += 1;
            }
            _ => {}
        }
        rig.follow(pace_millis);
        set(rig, [LineFaults::NONE; 2], 0);
    }
    rig.follow(pace_millis / 2);
    rig.check();
    let counters = rig.counters;
    Outcome {
        gaps: counters.gaps.get(),
        missing: counters.missing.get(),
        divergent: counters.divergent.get(),
        refused: counters.refused.iter().map(|counter| counter.get()).sum(),
        rejoined: counters.rejoined.get(),
        quotes: rig.desk.count,
        ..outcome
    }
}

fn one(seed: u64) -> Outcome {
    let mut rng = fastrand::Rng::with_seed(seed);
    let options = Options {
        seed: rng.u64(..),
        loops: Span(rng.u64(10_000_000..60_000_000)),
        ..Options::default()
    };
    match seed % 2 {
        0 => cme_rig(&options, |rig| schedule(rig, &mut rng, 120)),
        _ => shfe_rig(&options, |rig| schedule(rig, &mut rng, 700)),
    }
}

#[test]
fn socket_schedules_end_with_the_venue_s_books() {
    let (first, count) = (number("XMC_SIM_SEED", 1), number("XMC_SOCKET_SCHEDULES", GATE));
    let next = AtomicU64::new(first);
    let since = Instant::now();
    let run = || {
        let mut total = Outcome::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                return total;
            }
            match catch_unwind(AssertUnwindSafe(|| one(seed))) {
                Ok(outcome) => total.add(outcome),
                Err(_) => {
                    next.store(u64::MAX / 2, Ordering::Relaxed);
                    panic!("XMC_SIM_SEED={seed} XMC_SOCKET_SCHEDULES=1 does it again");
                }
            }
        }
    };
    let total = std::thread::scope(|scope| {
        let threads = THREADS[usize::from(count > GATE)].min(count);
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        let mut total = Outcome::default();
        for thread in threads {
            total.add(thread.join().expect("no schedule fails"));
        }
        total
    });
    println!("{count} socket schedules from {first} in {:.1?}: {total:?}", since.elapsed());
    assert!(total.gaps > count / 2 && total.rejoined > count, "a network without faults");
}
