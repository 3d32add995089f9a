//! `xmc latency`: from a packet in memory to the orders in memory, measured.
//!
//! Real packets go through the very stages, rings and record that trade: `Stage::poll` of feed,
//! desk and gateway, the topology's rings, the record ring with its reader running. Every quote of
//! the chosen instruments meets a trigger, so every one of them is decided and most are fired; all
//! gates are on, with limits that are wide. The exchange on the other side takes the frames as a
//! wire would and fills them on paper, 2 µs later; what it read is compared with the record
//! afterwards. With `--wire` the packet comes from a venue's end over a virtual cable and the
//! orders go back there (`wire`).
//!
//! A sample begins when the feed first sees the packet and ends when the last leg's frame has been
//! handed to the port. Packets come one at a time: a busy feed is another figure.

mod decode;
pub(super) mod gaps;
pub(super) mod host;
pub(super) mod market;
pub(super) mod recorded;
mod report;
mod run;
mod steps;
mod wire;

pub(super) use report::commit;
pub(super) use run::{HOST_GAP, Noted, widen};

use super::{CliError, Exit, Report};
use crate::percentiles;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Measure tick to order and decoding on this machine.
///
/// Exit code 0 if every order frame agrees with the record and nothing was allocated on hot
/// threads, 1 otherwise, 2 could not run. The figures themselves never make it fail: machines
/// differ.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The capture whose packets are looped. Without it the shared capture is looked for, below
    /// XMC_SHARED (default ../shared); if that is missing, packets of the same shape are generated.
    #[arg(long, value_name = "FILE")]
    capture: Option<PathBuf>,
    /// Measure from a market packet that leaves a venue to the order packets that reach it: over
    /// loopback and over virtual cables between network namespaces (needs root), by sockets and by
    /// AF_XDP, in turn. Venue and engine have a core each.
    #[arg(long, conflicts_with_all = ["topology", "spacing_ns", "spreads"])]
    wire: bool,
    /// With --wire: turns of each way.
    #[arg(long, value_name = "N", default_value_t = 5, requires = "wire",
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
    /// Fires to be measured, in each topology; with --wire of each way. Default: 1,000,000; with
    /// --wire 20,000.
    #[arg(long, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    decisions: Option<u64>,
    /// All hot stages on one core, or the feed on one and desk and gateway on another.
    #[arg(long, value_enum, default_value_t = Topology::Both)]
    topology: Topology,
    /// The core of the desk, then the other one. Default: the last two that this process may use.
    #[arg(long, value_name = "CORE", num_args = 1..=2, value_delimiter = ',')]
    cores: Option<Vec<u16>>,
    /// Spreads that are traded, each over two of the busiest instruments. Every quote of a leg
    /// makes its spread fire; with more than one, a packet often makes several fire, and the later
    /// ones wait for the first.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u8).range(1..=8))]
    spreads: u8,
    /// On two cores: the time between packets, in nanoseconds.
    #[arg(long, value_name = "NS", default_value_t = 4_000)]
    spacing_ns: u64,
    /// Keep the distributions here, for `xmc percentiles` and the tools of HdrHistogram:
    /// tick_to_order_one and _two, with and without host gaps, as .hgrm and .hlog; with --wire
    /// wire_.. by way, to the first and to the last order.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Fires of each topology without a wish.
const DECISIONS: u64 = 1_000_000;

/// Which cores do what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Topology {
    /// Feed, desk and gateway on one core; the reader of the record on the other.
    One,
    /// Feed and the reader of the record on one core; desk and gateway on the other.
    Two,
    /// First one, then the other.
    Both,
}

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    if args.wire {
        return wire::run(args, out);
    }
    let market = market::load(args.capture.as_deref(), args.spreads)?;
    let cores = host::cores(args.cores.as_deref())?;
    let mut runs = Vec::new();
    if args.topology != Topology::Two {
        runs.push(run::one_core(args, &market, cores)?);
    }
    if args.topology != Topology::One {
        if cores.desk == cores.other && args.topology == Topology::Two {
            return Err(CliError::could_not_run(
                "two cores are needed and this process may use one: choose --topology one",
            ));
        }
        if cores.desk != cores.other {
            runs.push(run::two_cores(args, &market, cores)?);
        }
    }
    if let Some(directory) = &args.out {
        keep(directory, &runs)?;
    }
    let decoding = decode::measure(&market, cores)?;
    let report = report::Latency::new(&market, cores, runs, decoding);
    if out.is_json() {
        out.json("xmc.latency", 1, &report)?;
    } else {
        report.write(out)?;
    }
    Ok(report.exit())
}

/// Writes the distributions of all runs, as they have just ended.
fn keep(directory: &Path, runs: &[run::Run]) -> Result<(), CliError> {
    std::fs::create_dir_all(directory).map_err(CliError::could_not_run)?;
    for run in runs {
        let cores = if run.topology.starts_with("one") { "one" } else { "two" };
        let took = Duration::from_nanos(run.measured_ns);
        for (name, latencies) in [("", &run.tick_to_order), ("_undisturbed", &run.undisturbed)] {
            let path = directory.join(format!("tick_to_order_{cores}{name}"));
            percentiles::keep(latencies.histogram(), &path, took)
                .map_err(CliError::could_not_run)?;
        }
    }
    Ok(())
}
