//! What the measurement came to, as text or JSON.

use super::Measured;
use super::near::HOST_GAP;
use crate::cli::latency::commit;
use crate::cli::latency::host::{Cores, Machine};
use crate::cli::latency::market::Market;
use crate::cli::latency::steps::{EVERY, StepFigures};
use crate::cli::{CliError, Exit, Report};
use crate::engine::latency::Figures;
use serde::Serialize;
use std::io::Write;

/// One way.
#[derive(Debug, Serialize)]
struct Row {
    way: &'static str,
    #[serde(skip)]
    name: &'static str,
    to_first_order_ns: Figures,
    to_last_order_ns: Figures,
    to_first_order_undisturbed_ns: Figures,
    to_last_order_undisturbed_ns: Figures,
    in_engine_ns: Figures,
    steps_ns: StepFigures,
    target_first_order_p50_ns: Option<u64>,
    packets: u64,
    torn_fires: u64,
    host_gaps: u64,
    host_gap_sum_ns: u64,
    host_gap_max_ns: u64,
    measured_ns: u64,
    allocations: u64,
    frames_equal_record: bool,
}

/// The whole report.
#[derive(Debug, Serialize)]
pub(super) struct Wire {
    packets_from: String,
    commit: String,
    cores: Cores,
    machine: Machine,
    rounds: u32,
    ways: Vec<Row>,
    not_measured: Vec<String>,
}

impl Wire {
    /// Puts the parts together.
    pub fn new(
        market: &Market,
        cores: Cores,
        machine: Machine,
        rounds: u32,
        measured: Vec<Measured>,
        not_measured: Vec<String>,
    ) -> Self {
        let row = |one: Measured| Row {
            way: one.way.word(),
            name: one.way.name(),
            to_first_order_ns: one.first.figures(),
            to_last_order_ns: one.last.figures(),
            to_first_order_undisturbed_ns: one.first_undisturbed.figures(),
            to_last_order_undisturbed_ns: one.last_undisturbed.figures(),
            in_engine_ns: one.inside.figures(),
            steps_ns: one.steps.figures(),
            target_first_order_p50_ns: one.way.target_ns(),
            packets: one.packets,
            torn_fires: one.torn,
            host_gaps: one.gaps,
            host_gap_sum_ns: one.gap_sum_ns,
            host_gap_max_ns: one.gap_max_ns,
            measured_ns: one.measured_ns,
            allocations: one.allocations,
            frames_equal_record: one.frames_equal_record,
        };
        Self {
            packets_from: market.source.clone(),
            commit: commit(),
            cores,
            machine,
            rounds,
            ways: measured.into_iter().map(row).collect(),
            not_measured,
        }
    }

    /// A finding if frames and record disagree, an order of a fire did not come, or the hot thread
    /// allocated.
    pub fn exit(&self) -> Exit {
        let is_sound =
            |row: &Row| row.frames_equal_record && row.allocations == 0 && row.torn_fires == 0;
        if self.ways.iter().all(is_sound) { Exit::Ok } else { Exit::Finding }
    }

    /// Writes it for a person.
    pub fn write(&self, out: &mut Report<'_>) -> Result<(), CliError> {
        writeln!(out, "machine  {}", self.machine.line())?;
        writeln!(out, "cores    engine {}, venue {}", self.cores.desk, self.cores.other)?;
        writeln!(out, "commit   {}", self.commit)?;
        writeln!(out, "packets  {}, looped, one at a time, on both lines", self.packets_from)?;
        writeln!(out, "turns    {} of each way, interleaved; the fills are on paper", self.rounds)?;
        self.table(out, "to the first order", |row| &row.to_first_order_ns)?;
        self.table(out, "to the last order of the fire", |row| &row.to_last_order_ns)?;
        let us = HOST_GAP.as_micros();
        let title = format!("to the first order, where the host ran nothing else for over {us} µs");
        self.table(out, &title, |row| &row.to_first_order_undisturbed_ns)?;
        let title = "in the engine: packet received to the last order handed to the kernel";
        self.table(out, title, |row| &row.in_engine_ns)?;
        let title = |step: &str| format!("in the engine, one turn in {EVERY}: {step}");
        let feed = title("feed: looked, decoded, arbitrated, booked");
        self.table(out, &feed, |row| &row.steps_ns.feed)?;
        let desk = title("desk: evaluated, gated, reserved, recorded");
        self.table(out, &desk, |row| &row.steps_ns.desk)?;
        let gateway = title("gateway: both orders encoded and handed to the kernel");
        self.table(out, &gateway, |row| &row.steps_ns.gateway)?;
        writeln!(out)?;
        for row in &self.ways {
            let equal = if row.frames_equal_record { "equal" } else { "DO NOT EQUAL" };
            let seconds = row.measured_ns as f64 / 1e9;
            let share = 100.0 * row.host_gap_sum_ns as f64 / row.measured_ns.max(1) as f64;
            writeln!(
                out,
                "{}\n  {} fires of two orders from {} packets in {seconds:.1} s; orders read by \
                 the venue {equal} the record\n  host gaps {} ({share:.2} % of the time, longest \
                 {:.1} µs); fires not whole {}; allocations {}",
                row.name,
                row.to_first_order_ns.count,
                row.packets,
                row.host_gaps,
                row.host_gap_max_ns as f64 / 1e3,
                row.torn_fires,
                row.allocations,
            )?;
        }
        for reason in &self.not_measured {
            writeln!(out, "\n{reason}")?;
        }
        writeln!(
            out,
            "\nFrom before the venue's call that sends the packet until its call that read the \
             order has returned.\nOn virtual cables the receiving half of the network stack runs \
             inside the sender's call: these\nfigures rank ways, they do not predict a network \
             card."
        )?;
        Ok(())
    }

    fn table(
        &self,
        out: &mut Report<'_>,
        title: &str,
        of: impl Fn(&Row) -> &Figures,
    ) -> Result<(), CliError> {
        let columns = ["p50", "p90", "p99", "p99.9", "max", "target"];
        writeln!(out, "\n{title}, µs")?;
        let [p50, p90, p99, p99_9, max, target] = columns;
        writeln!(out, "{:<30}{p50:>8}{p90:>8}{p99:>8}{p99_9:>8}{max:>9}{target:>8}", "")?;
        for row in &self.ways {
            let Figures { p50, p90, p99, p99_9, max, .. } = of(row);
            let [p50, p90, p99, p99_9, max] =
                [p50, p90, p99, p99_9, max].map(|ns| *ns as f64 / 1e3);
            let target = match row.target_first_order_p50_ns {
                Some(ns) if title.starts_with("to the first order") => {
                    format!("{:.0}", ns as f64 / 1e3)
                }
                _ => String::new(),
            };
            writeln!(
                out,
                "{:<30}{p50:>8.2}{p90:>8.2}{p99:>8.2}{p99_9:>8.2}{max:>9.1}{target:>8}",
                row.name
            )?;
        }
        Ok(())
    }
}
