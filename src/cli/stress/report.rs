//! What the stress run came to, as text or JSON.

use super::Args;
use super::run::Run;
use crate::cli::latency::commit;
use crate::cli::latency::host::{Cores, Machine};
use crate::cli::{CliError, Exit, Report};
use crate::engine::latency::Figures;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;

/// The whole report.
#[derive(Debug, Serialize)]
pub struct Stress {
    commit: String,
    machine: Machine,
    cores: Cores,
    fires_per_second: u64,
    spreads: u16,
    seconds: f64,
    fires_wanted: u64,
    fires: u64,
    refusals: BTreeMap<&'static str, u64>,
    conflated_quotes: u64,
    tick_to_order_ns: Figures,
    tick_to_order_undisturbed_ns: Figures,
    waited_ns: Figures,
    leg_skew_ns: Figures,
    host_gaps: u64,
    host_gap_max_ns: u64,
    host_gap_sum_ns: u64,
    blocked_polls: u64,
    allocations: u64,
    journal_records: u64,
    journal_bytes: u64,
    journal_syncs: u64,
    records_read_back: u64,
    frames_equal_record: bool,
}

impl Stress {
    /// Puts the parts together.
    pub fn new(args: &Args, cores: Cores, run: Run) -> Self {
        let refusals = run.refusals.iter().map(|(gate, count)| (gate.word(), *count));
        Self {
            commit: commit(),
            machine: run.machine,
            cores,
            fires_per_second: args.fires_per_second,
            spreads: args.spreads,
            seconds: run.seconds,
            fires_wanted: run.wanted,
            fires: run.fired,
            refusals: refusals.collect(),
            conflated_quotes: run.conflated,
            tick_to_order_ns: run.tick_to_order.figures(),
            tick_to_order_undisturbed_ns: run.undisturbed.figures(),
            waited_ns: run.waited.figures(),
            leg_skew_ns: run.skew.figures(),
            host_gaps: run.noted.gaps,
            host_gap_max_ns: run.gaps_ns[0],
            host_gap_sum_ns: run.gaps_ns[1],
            blocked_polls: run.blocked,
            allocations: run.noted.allocations,
            journal_records: run.journal.records,
            journal_bytes: run.journal.bytes,
            journal_syncs: run.journal.syncs,
            records_read_back: run.records_read,
            frames_equal_record: run.frames_equal_record,
        }
    }

    /// A finding if something that was due did not fire, or the journal lacks what left.
    pub fn exit(&self) -> Exit {
        let is_whole = self.fires == self.fires_wanted && self.refusals.is_empty();
        let is_sound = self.frames_equal_record
            && self.records_read_back == self.journal_records
            && self.allocations == 0;
        if is_whole && is_sound { Exit::Ok } else { Exit::Finding }
    }

    /// Writes it for a person.
    pub fn write(&self, out: &mut Report<'_>) -> Result<(), CliError> {
        writeln!(out, "machine  {}", self.machine.line())?;
        let Cores { desk, other } = self.cores;
        writeln!(out, "cores    feed, desk and gateway {desk}, journal {other}")?;
        writeln!(out, "commit   {}", self.commit)?;
        writeln!(
            out,
            "packets  GENERATED, one instrument in each; {} spreads fire in turn; the exchange is \
             on PAPER",
            self.spreads
        )?;
        writeln!(
            out,
            "\n{} fires due in {:.1} s, {} per second, open loop: {} fired ({:.4} %)",
            self.fires_wanted,
            self.seconds,
            self.fires_per_second,
            self.fires,
            100.0 * self.fires as f64 / self.fires_wanted.max(1) as f64
        )?;
        if self.refusals.is_empty() {
            writeln!(
                out,
                "  no gate held anything back; {} quotes conflated",
                self.conflated_quotes
            )?;
        } else {
            let held = self.refusals.iter().map(|(gate, count)| format!("{gate} {count}"));
            let held: Vec<_> = held.collect();
            writeln!(
                out,
                "  held back by gates: {}; {} quotes conflated",
                held.join(", "),
                self.conflated_quotes
            )?;
        }
        let line = |figures: Figures| {
            let Figures { p50, p99, p99_9, max, .. } = figures;
            format!("p50 {p50} ns  p99 {p99} ns  p99.9 {p99_9} ns  max {max} ns")
        };
        writeln!(out, "due to last frame        {}", line(self.tick_to_order_ns))?;
        let clean = self.tick_to_order_undisturbed_ns;
        writeln!(out, "  outside of host gaps   {}", line(clean))?;
        writeln!(out, "  of that, packets waited {}", line(self.waited_ns))?;
        writeln!(out, "first to last leg        {}", line(self.leg_skew_ns))?;
        writeln!(
            out,
            "host gaps over 10 µs: {}, {:.2} % of the time, longest {:.1} µs",
            self.host_gaps,
            self.host_gap_sum_ns as f64 / 1e7 / self.seconds.max(1e-9),
            self.host_gap_max_ns as f64 / 1000.0
        )?;
        writeln!(
            out,
            "journal: {} records, {:.1} MB ({:.0} MB/s), {} syncs; allocations on the hot thread: \
             {}; blocked polls: {}",
            self.journal_records,
            self.journal_bytes as f64 / 1e6,
            self.journal_bytes as f64 / 1e6 / self.seconds.max(1e-9),
            self.journal_syncs,
            self.allocations,
            self.blocked_polls
        )?;
        let equal = if self.frames_equal_record { "equal" } else { "DO NOT EQUAL" };
        writeln!(
            out,
            "order frames as the exchange read them {equal} the orders in the journal; {} records \
             read back",
            self.records_read_back
        )?;
        Ok(())
    }
}
