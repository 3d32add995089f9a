//! What the measurement came to, as text or JSON.

use super::decode::Decoding;
use super::host::{Cores, Machine};
use super::market::Market;
use super::run::Run;
use super::steps::{EVERY, StepFigures};
use crate::cli::{CliError, Exit, Report};
use crate::engine::latency::Figures;
use serde::Serialize;
use std::io::Write;
use std::process::Command;

/// Targets, for scale: tick to order p50 and p99.9, and decoding, in nanoseconds.
const TARGETS: (u64, u64, f64) = (1_000, 5_000, 10.0);

/// Percentiles of something measured in fractions of a nanosecond.
#[derive(Clone, Copy, Debug, Serialize)]
struct Fine {
    p50: f64,
    p99: f64,
    p99_9: f64,
    max: f64,
    count: u64,
}

/// One topology.
#[derive(Debug, Serialize)]
struct Measured {
    tick_to_order_ns: Figures,
    tick_to_order_undisturbed_ns: Figures,
    #[serde(flatten)]
    run: Run,
    load: String,
}

/// The whole report.
#[derive(Debug, Serialize)]
pub struct Latency {
    /// Of the first topology measured.
    tick_to_order_ns: Figures,
    decode_ns_per_entry: Fine,
    topology: &'static str,
    rings_crossed: usize,
    gates_run: usize,
    records_written: u64,
    packets_from: String,
    commit: String,
    cores: Cores,
    machine: Machine,
    load: String,
    decoded_entries: u64,
    decode_digest: String,
    runs: Vec<Measured>,
}

impl Latency {
    /// Puts the parts together.
    pub fn new(market: &Market, cores: Cores, runs: Vec<Run>, decoding: Decoding) -> Self {
        let figures = decoding.ps_per_entry.figures();
        let ns = |picoseconds: u64| picoseconds as f64 / 1000.0;
        let runs: Vec<_> = runs
            .into_iter()
            .map(|run| Measured {
                tick_to_order_ns: run.tick_to_order.figures(),
                tick_to_order_undisturbed_ns: run.undisturbed.figures(),
                load: run.machine.load().to_owned(),
                run,
            })
            .collect();
        let first = runs.first().expect("at least one topology is measured");
        Self {
            tick_to_order_ns: first.tick_to_order_ns,
            decode_ns_per_entry: Fine {
                p50: ns(figures.p50),
                p99: ns(figures.p99),
                p99_9: ns(figures.p99_9),
                max: ns(figures.max),
                count: figures.count,
            },
            topology: first.run.topology,
            rings_crossed: first.run.rings_crossed.len(),
            // All but `passed`.
            gates_run: xmc_hotpath::message::Gate::ALL.len() - 1,
            records_written: first.run.records_written,
            packets_from: market.source.clone(),
            commit: commit(),
            cores,
            machine: first.run.machine.clone(),
            load: first.load.clone(),
            decoded_entries: decoding.entries,
            decode_digest: format!("{:016x}", decoding.digest),
            runs,
        }
    }

    /// A finding if a frame and the record disagree, or a hot thread allocated.
    pub fn exit(&self) -> Exit {
        let is_sound = |run: &Measured| run.run.frames_equal_record && run.run.allocations == 0;
        if self.runs.iter().all(is_sound) { Exit::Ok } else { Exit::Finding }
    }

    /// Writes it for a person.
    pub fn write(&self, out: &mut Report<'_>) -> Result<(), CliError> {
        writeln!(out, "machine  {}", self.machine.line())?;
        writeln!(out, "cores    desk {}, other {}", self.cores.desk, self.cores.other)?;
        writeln!(out, "commit   {}", self.commit)?;
        writeln!(out, "packets  {}, looped", self.packets_from)?;
        for measured in &self.runs {
            write_run(measured, self.gates_run, out)?;
        }
        let decode = self.decode_ns_per_entry;
        writeln!(
            out,
            "\ndecode per entry, warm   p50 {:.1} ns  p99 {:.1} ns  p99.9 {:.1} ns  max {:.1} ns  \
             (target {:.0} ns)",
            decode.p50, decode.p99, decode.p99_9, decode.max, TARGETS.2
        )?;
        writeln!(
            out,
            "  {} samples of 256 entries or more, {} entries, digest {}",
            decode.count, self.decoded_entries, self.decode_digest
        )?;
        Ok(())
    }
}

fn write_run(measured: &Measured, gates: usize, out: &mut Report<'_>) -> Result<(), CliError> {
    let Measured { tick_to_order_ns: figures, run, load, .. } = measured;
    let clean = measured.tick_to_order_undisturbed_ns;
    writeln!(out, "\n{}", run.topology)?;
    writeln!(
        out,
        "tick to order            p50 {} ns  p99 {} ns  p99.9 {} ns  max {} ns  \
         (target {} / {} ns)",
        figures.p50, figures.p99, figures.p99_9, figures.max, TARGETS.0, TARGETS.1
    )?;
    writeln!(
        out,
        "  {} fires of two legs, from {} packets; {} gates on, rings: {}",
        figures.count,
        run.packets,
        gates,
        run.rings_crossed.join(", ")
    )?;
    let seconds = run.measured_ns as f64 / 1e9;
    writeln!(
        out,
        "  host gaps over 10 µs: {} in {seconds:.1} s, {:.2} % of the time, longest {:.1} µs",
        run.host_gaps,
        100.0 * run.host_gap_sum_ns as f64 / run.measured_ns.max(1) as f64,
        run.host_gap_max_ns as f64 / 1000.0
    )?;
    writeln!(
        out,
        "  samples that no such gap fell into: p50 {} ns  p99 {} ns  p99.9 {} ns  max {} ns  \
         ({:.2} % left out)",
        clean.p50,
        clean.p99,
        clean.p99_9,
        clean.max,
        100.0 * (figures.count - clean.count) as f64 / figures.count.max(1) as f64
    )?;
    if let Some(StepFigures { feed, desk, gateway }) = run.steps_ns {
        let [feed, desk, gateway] =
            [feed, desk, gateway].map(|step| format!("p50 {} ns, p99 {} ns", step.p50, step.p99));
        writeln!(
            out,
            "  by stages, one turn in {EVERY}: feed {feed}; desk {desk}; gateway, both orders \
             {gateway}"
        )?;
    }
    if let [Some(before), Some(after)] = run.cache_line_round_trip_ns {
        writeln!(
            out,
            "  a cache line to the other core and back: {before} ns before, {after} ns after"
        )?;
    }
    writeln!(
        out,
        "  {} records written, {} read; allocations on hot threads: {}; blocked polls: {}; \
         load {load}",
        run.records_written, run.records_read, run.allocations, run.blocked
    )?;
    let equal = if run.frames_equal_record { "equal" } else { "DO NOT EQUAL" };
    writeln!(out, "  order frames, decoded back, {equal} the orders in the record")?;
    Ok(())
}

/// The commit that is checked out, for whoever compares reports.
pub fn commit() -> String {
    let printed = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    match printed {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => "unknown".to_owned(),
    }
}
