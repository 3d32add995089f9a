//! `xmc guard trials`: how long it takes from a fault of an engine until nothing of it lives at the
//! venues, and how often a guard acts without cause.

pub(in crate::cli) mod files;
pub(in crate::cli) mod market;
pub(in crate::cli) mod process;
pub(in crate::cli) mod trial;

use crate::cli::plan::table::Align::{Left, Right};
use crate::cli::plan::table::Table;
use crate::cli::sim::progress;
use crate::cli::{CliError, Exit, Report};
use crate::interrupt;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use trial::{Came, Fault};

/// What a guard promises, ms.
const PROMISED_MS: f64 = 2_000.0;

/// Break an engine on SIMULATED venues, and measure until the venues' own books have none of its
/// orders.
///
/// Each trial has both venues, an engine with resting orders and its guard, as processes on the
/// loopback interface, and a fault by its seed: the engine held still or killed, the guard killed
/// on its way as well; or none, an orderly end, announced maintenance. Exit code 1: one took longer
/// than 2 s, left something alive, or was a false alarm.
#[derive(Debug, clap::Args)]
pub struct TrialsArgs {
    /// How many.
    #[arg(long, value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u64).range(1..=100_000))]
    count: u64,
    /// The seed of the first; each further one has the next.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Where files go, and those of trials that went wrong stay; by default below the system's
    /// temporary directory.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// The trials of one fault.
#[derive(Debug, Serialize)]
struct Row {
    fault: Fault,
    trials: usize,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    max_ms: Option<f64>,
    confirmed_p50_ms: Option<f64>,
    confirmed_p99_ms: Option<f64>,
    confirmed_max_ms: Option<f64>,
    over_2_s: usize,
    live_orders: usize,
    cancelled_by_guard: u64,
    wrong: usize,
}

pub fn run(args: &TrialsArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    interrupt::watch();
    let name = format!("xmc-guard-trials-{}", std::process::id());
    let directory = args.directory.clone().unwrap_or_else(|| std::env::temp_dir().join(name));
    let mut all = Vec::new();
    let seeds = (args.seed..).take(usize::try_from(args.count).unwrap_or(usize::MAX));
    for seed in progress(args.count).wrap_iter(seeds) {
        if interrupt::is_asked() {
            break;
        }
        let own = directory.join(seed.to_string());
        let came = trial::run(seed, &own)?;
        if came.wrong.is_none() && !came.is_void {
            let _ = std::fs::remove_dir_all(&own);
        }
        show(&came, out)?;
        all.push(came);
    }
    // Only if nothing that went wrong is in it.
    let _ = std::fs::remove_dir(&directory);
    let (void, all): (Vec<_>, Vec<_>) = all.into_iter().partition(|came| came.is_void);
    let rows = rows(&all);
    let failures: Vec<_> = all.iter().filter(|came| came.fault.is_failure()).cloned().collect();
    let total = row(Fault::Stopped, &failures);
    let calm = all.len() - failures.len();
    let is_calm_wrong = |came: &&Came| !came.fault.is_failure() && came.wrong.is_some();
    let alarms = all.iter().filter(is_calm_wrong).count();
    if out.is_json() {
        let body = json!({
            "trials": all.len(), "failures": failures.len(), "p50_ms": total.p50_ms,
            "p99_ms": total.p99_ms, "max_ms": total.max_ms, "over_2_s": total.over_2_s,
            "confirmed_p50_ms": total.confirmed_p50_ms, "confirmed_p99_ms": total.confirmed_p99_ms,
            "confirmed_max_ms": total.confirmed_max_ms, "void": void.len(),
            "wrong": total.wrong, "without_failure": calm, "false_alarms": alarms, "by_fault": rows,
        });
        out.json("xmc.guard.trials", 1, &body)?;
    } else {
        let columns = [
            ("fault", Left),
            ("trials", Right),
            ("p50 ms", Right),
            ("p99 ms", Right),
            ("max ms", Right),
            ("confirmed p50", Right),
            ("max", Right),
            ("> 2 s", Right),
            ("live", Right),
            ("by guard", Right),
            ("wrong", Right),
        ];
        let mut table = Table::new("FROM THE FAULT TO NOTHING ALIVE (simulated venues)", &columns);
        let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.0}"));
        for row in &rows {
            table.row([
                json!(row.fault).as_str().unwrap_or_default().replace('_', " "),
                row.trials.to_string(),
                ms(row.p50_ms),
                ms(row.p99_ms),
                ms(row.max_ms),
                ms(row.confirmed_p50_ms),
                ms(row.confirmed_max_ms),
                row.over_2_s.to_string(),
                row.live_orders.to_string(),
                row.cancelled_by_guard.to_string(),
                row.wrong.to_string(),
            ]);
        }
        table.note(format!(
            "all failures: {} trials, nothing alive after p50 {} ms, p99 {} ms, max {} ms; \
             confirmed after p50 {} ms, p99 {} ms, max {} ms; {} over 2 s, {} wrong; \
             without failure: {calm} trials, {alarms} false alarms; \
             {} without orders that rested, not counted",
            failures.len(),
            ms(total.p50_ms),
            ms(total.p99_ms),
            ms(total.max_ms),
            ms(total.confirmed_p50_ms),
            ms(total.confirmed_p99_ms),
            ms(total.confirmed_max_ms),
            total.over_2_s,
            total.wrong,
            void.len()
        ));
        table.write(out)?;
    }
    let is_good = total.over_2_s == 0 && total.wrong == 0 && alarms == 0;
    Ok(if is_good { Exit::Ok } else { Exit::Finding })
}

fn show(came: &Came, out: &mut Report<'_>) -> Result<(), CliError> {
    if out.is_json() {
        out.json("xmc.guard.trial", 1, came)?;
    } else {
        let Came { seed, fault, live: [shfe, cme], cancelled, wrong, .. } = came;
        let fault = json!(fault).as_str().unwrap_or_default().replace('_', " ");
        let ms = |what: &str, ms: Option<f64>| {
            ms.map_or_else(String::new, |ms| format!("  {what} {ms:.0} ms"))
        };
        let flat = ms("nothing after", came.until_flat_ms);
        let confirmed = ms("confirmed after", came.confirmed_ms);
        let void = if came.is_void { "  no orders that rest" } else { "" };
        let wrong = wrong.as_ref().map_or_else(String::new, |why| format!("  WRONG: {why}"));
        writeln!(
            out,
            "seed {seed:<6} {fault:<28} live {shfe} + {cme}  cancelled {cancelled}{flat}{confirmed}\
             {void}{wrong}"
        )?;
    }
    Ok(out.flush()?)
}

fn rows(all: &[Came]) -> Vec<Row> {
    let mut by_fault: BTreeMap<Fault, Vec<Came>> = BTreeMap::new();
    for came in all {
        by_fault.entry(came.fault).or_default().push(came.clone());
    }
    by_fault.iter().map(|(fault, came)| row(*fault, came)).collect()
}

fn row(fault: Fault, came: &[Came]) -> Row {
    let sorted = |of: fn(&Came) -> Option<f64>| {
        let mut times: Vec<_> = came.iter().filter_map(of).collect();
        times.sort_by(f64::total_cmp);
        times
    };
    let (flat, confirmed) = (sorted(|one| one.until_flat_ms), sorted(|one| one.confirmed_ms));
    // The smallest that so many in a hundred do not exceed.
    let at = |times: &[f64], percent: usize| {
        let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
        times.get(place).copied()
    };
    let is_late = |one: &&Came| {
        [one.until_flat_ms, one.confirmed_ms].into_iter().flatten().any(|ms| ms > PROMISED_MS)
    };
    Row {
        fault,
        trials: came.len(),
        p50_ms: at(&flat, 50),
        p99_ms: at(&flat, 99),
        max_ms: flat.last().copied(),
        confirmed_p50_ms: at(&confirmed, 50),
        confirmed_p99_ms: at(&confirmed, 99),
        confirmed_max_ms: confirmed.last().copied(),
        over_2_s: came.iter().filter(is_late).count(),
        live_orders: came.iter().map(|one| one.live.iter().sum::<usize>()).sum(),
        cancelled_by_guard: came.iter().map(|one| u64::from(one.cancelled)).sum(),
        wrong: came.iter().filter(|one| one.wrong.is_some()).count(),
    }
}
