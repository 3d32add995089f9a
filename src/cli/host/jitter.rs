//! `xmc host jitter`: gaps in a loop that reads the clock and nothing else.

use crate::cli::plan::table::{Align, Table, folded};
use crate::cli::{CliError, Exit, Report};
use crate::clock::EngineClock;
use crate::host::jitter::{Gaps, OVER_NS, measure};
use crate::host::{Profile, Tree, Wanted};
use serde::Serialize;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// Show how often something else takes a core away, and for how long.
///
/// A thread on each core reads the clock in a loop. Gaps are the times between two readings that
/// are more than eight times the usual one.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A core to look at, more than once for several; by default the isolated ones or, where there
    /// are none, all but the first.
    #[arg(long = "core", value_name = "N")]
    cores: Vec<u16>,
    /// For how long.
    #[arg(long, value_name = "S", default_value_t = 5,
          value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
}

#[derive(Serialize)]
struct Body<'a> {
    clock: &'a str,
    over_ns: [u64; 5],
    cores: &'a [Gaps],
}

pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let mut cores = args.cores.clone();
    if cores.is_empty() {
        let tree = Tree::new(Path::new("/"));
        cores.extend(Wanted::of_machine(&tree, Profile::default()).hot);
    }
    if cores.is_empty() {
        // One core: it is all there is.
        cores.push(0);
    }
    cores.sort_unstable();
    cores.dedup();
    let clock = EngineClock::start();
    let span = Duration::from_secs(args.seconds);
    let all = measure(&cores, span, &clock).map_err(CliError::could_not_run)?;
    if out.is_json() {
        let body = Body { clock: clock.source().word(), over_ns: OVER_NS, cores: &all };
        out.json("xmc.host.jitter", 1, &body)?;
        return Ok(Exit::Ok);
    }
    writeln!(out, "gaps of {} s, clock: {}", args.seconds, clock.source().word())?;
    let columns: Vec<(&'static str, Align)> =
        ["core", ">300 ns", ">1 us", ">10 us", ">100 us", ">1 ms", "stolen"]
            .map(|name| (name, Align::Right))
            .into();
    let mut table = Table::new("gaps each second", &columns);
    for gaps in &all {
        let [a, b, c, d, e] = gaps.over.map(|count| format!("{:.1}", gaps.per_second(count)));
        let stolen = format!("{:.3} %", gaps.stolen_percent());
        table.row([gaps.core.to_string(), a, b, c, d, e, stolen]);
    }
    table.write(out)?;
    let columns: Vec<(&'static str, Align)> =
        ["core", "p50", "p99", "p99.9", "max", "a gap is over"]
            .map(|name| (name, Align::Right))
            .into();
    let mut table = Table::new("how long gaps were", &columns);
    for Gaps { core, gaps, threshold_ns, .. } in &all {
        let [p50, p99, p99_9, max, over] =
            [gaps.p50, gaps.p99, gaps.p99_9, gaps.max, *threshold_ns].map(time);
        table.row([core.to_string(), p50, p99, p99_9, max, over]);
    }
    table.write(out)?;
    writeln!(out)?;
    folded(out, "  ", "xmc host check --measure 10s judges them and says what to do")?;
    Ok(Exit::Ok)
}

/// Nanoseconds as people read them.
fn time(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{:.1} us", ns as f64 / 1e3),
        _ => format!("{:.1} ms", ns as f64 / 1e6),
    }
}
