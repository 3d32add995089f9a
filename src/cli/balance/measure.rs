//! `xmc balance measure`: how long the matching of many made-up needs takes.
//!
//! Needs are seeded, over several contracts and groups; each run matches all of them anew, as
//! `balance::matching` does for a plan: no file is read and nothing is priced or shown. The first
//! runs are not counted.

use crate::balance::matching::{self, Match, Need};
use crate::cli::{CliError, Exit, Report};
use crate::engine::latency::{Figures, Latencies};
use serde::Serialize;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;
use xmc_hotpath::counter::Recorder;
use xmc_hotpath::time::Span;

/// Groups that may net, and contracts of each.
const GROUPS: u32 = 8;
const CONTRACTS: u32 = 40;
/// Accounts in all.
const ACCOUNTS: u32 = 64;
/// Runs before those that are counted.
const WARM_UP: u32 = 10;

/// Match made-up needs again and again, and say how long a run takes.
///
/// The report says how this program was built: only a release says how fast matching is.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Needs.
    #[arg(long, value_name = "N", default_value_t = 100_000,
          value_parser = clap::value_parser!(u32).range(2..=10_000_000))]
    needs: u32,
    /// Of which needs.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Runs that are counted.
    #[arg(long, value_name = "N", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    runs: u32,
}

/// What it took.
#[derive(Debug, Serialize)]
struct Measured {
    needs: u32,
    seed: u64,
    cells: u32,
    /// Whether the build has overflow checks and debug assertions, or is a release.
    build: &'static str,
    matches: usize,
    lots: i64,
    /// Whether every cell matched its smaller side whole, and every run was the same.
    is_right: bool,
    /// Nanoseconds of a run.
    run_ns: Figures,
}

struct Made {
    name: String,
    cell: u32,
    account: u32,
    buys: bool,
    lots: i64,
    urgency: u16,
    opens: bool,
}

fn made(count: u32, seed: u64) -> Vec<Made> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut names: Vec<u32> = (0..count).collect();
    random.shuffle(&mut names);
    let one = |name: u32| Made {
        name: format!("need_{name}"),
        cell: random.u32(0..GROUPS * CONTRACTS),
        account: random.u32(0..ACCOUNTS),
        buys: random.bool(),
        lots: random.i64(1..=50),
        urgency: random.u16(0..=1_000),
        opens: random.bool(),
    };
    names.into_iter().map(one).collect()
}

pub(super) fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let made = made(args.needs, args.seed);
    let needs: Vec<_> = made
        .iter()
        .map(|of| Need {
            name: &of.name,
            cell: of.cell,
            account: of.account,
            buys: of.buys,
            lots: of.lots,
            urgency: of.urgency,
            opens: of.opens,
        })
        .collect();
    let mut times = Latencies::new();
    let first = matching::of(&needs);
    let mut is_right = is_whole(&needs, &first);
    for run in 0..WARM_UP + args.runs {
        let began = Instant::now();
        let matches = matching::of(black_box(&needs));
        let took = began.elapsed();
        is_right &= black_box(matches) == first;
        if run >= WARM_UP {
            times.record(Span(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)));
        }
    }
    let measured = Measured {
        needs: args.needs,
        seed: args.seed,
        cells: GROUPS * CONTRACTS,
        build: if cfg!(debug_assertions) { "development" } else { "release" },
        matches: first.len(),
        lots: first.iter().map(|row| row.lots).sum(),
        is_right,
        run_ns: times.figures(),
    };
    if out.is_json() {
        out.json("xmc.balance.measure", 1, &measured)?;
    } else {
        write(&measured, out)?;
    }
    Ok(if is_right { Exit::Ok } else { Exit::Finding })
}

/// Whether each cell's smaller side is matched, and no need beyond what it wants.
fn is_whole(needs: &[Need<'_>], matches: &[Match]) -> bool {
    let mut sides: BTreeMap<u32, [i64; 2]> = BTreeMap::new();
    for need in needs {
        sides.entry(need.cell).or_default()[usize::from(need.buys)] += need.lots;
    }
    let mut left: Vec<i64> = needs.iter().map(|need| need.lots).collect();
    let mut matched: BTreeMap<u32, i64> = BTreeMap::new();
    for row in matches {
        let (buy, sell) = (&needs[row.buy], &needs[row.sell]);
        if buy.cell != sell.cell || !buy.buys || sell.buys || row.lots < 1 {
            return false;
        }
        left[row.buy] -= row.lots;
        left[row.sell] -= row.lots;
        *matched.entry(buy.cell).or_default() += row.lots;
    }
    let is_smaller = |(cell, side): (&u32, &[i64; 2])| {
        matched.get(cell).copied().unwrap_or(0) == side[0].min(side[1])
    };
    left.iter().all(|lots| *lots >= 0) && sides.iter().all(is_smaller)
}

fn write(of: &Measured, out: &mut Report<'_>) -> Result<(), CliError> {
    let ms = |ns: u64| format!("{}.{:03}", ns / 1_000_000, ns / 1_000 % 1_000);
    let figures = of.run_ns;
    writeln!(
        out,
        "{} needs in {} cells, seed {}: {} matches, {} lots\nbuild: {}\nmatching, ms of {} runs: \
         p50 {}, p99 {}, p99.9 {}, max {}",
        of.needs,
        of.cells,
        of.seed,
        of.matches,
        of.lots,
        of.build,
        figures.count,
        ms(figures.p50),
        ms(figures.p99),
        ms(figures.p99_9),
        ms(figures.max)
    )?;
    let verdict = if of.is_right {
        "every cell's smaller side is matched whole, the same in every run"
    } else {
        "WRONG: a cell's smaller side is not matched whole, or runs differ"
    };
    writeln!(out, "{verdict}")?;
    Ok(())
}
