//! `xmc stress` (压测): fires at a rate that does not wait for the engine, journaled.
//!
//! Packets come when they are due, whatever the engine is doing (an open loop), and each makes one
//! spread fire. A sample begins when its packet was due, not when the engine got to it: time that
//! packets spent waiting counts. How long that was is shown beside. Every order goes through the
//! stages, rings and gates that trade, into the record and the journal on disk; the exchange on the
//! other side is on paper (`venue::cme::paper`). Afterwards the journal is read back and compared
//! with what the exchange read off the wire.

mod market;
mod report;
mod run;
mod schedule;

use super::latency::host;
use super::{CliError, Exit, Report};
use std::path::PathBuf;

/// Fire at a steady rate for a while, everything recorded on disk, and say what was held back.
///
/// Exit code 0 if every packet made its spread fire and the journal has every order that left, 1
/// otherwise, 2 could not run. Latencies never make it fail: machines differ.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Spread fires per second.
    #[arg(long, value_name = "N", default_value_t = 100_000,
          value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    fires_per_second: u64,
    /// How long, after a second of the same that is not counted.
    #[arg(long, value_name = "N", default_value_t = 60,
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Spreads that fire in turn.
    #[arg(long, value_name = "N", default_value_t = 256,
          value_parser = clap::value_parser!(u16).range(1..=400))]
    spreads: u16,
    /// The core of feed, desk and gateway, then that of the journal. Default: the last two that
    /// this process may use.
    #[arg(long, value_name = "CORE", num_args = 2, value_delimiter = ',')]
    cores: Option<Vec<u16>>,
    /// Where the journal goes, and stays. By default a new folder below the system's temporary one,
    /// removed at the end. A minute at the default rate takes about five gigabytes.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let market = market::of(args.spreads)?;
    let cores = host::cores(args.cores.as_deref())?;
    let place = Place::new(args.record.as_deref())?;
    let run = run::measure(args, market, cores, &place.directory)?;
    let report = report::Stress::new(args, cores, run);
    if out.is_json() {
        out.json("xmc.stress", 1, &report)?;
    } else {
        report.write(out)?;
    }
    Ok(report.exit())
}

/// A journal's directory; one that nobody asked for goes with it.
struct Place {
    directory: PathBuf,
    is_kept: bool,
}

impl Place {
    fn new(asked: Option<&std::path::Path>) -> Result<Self, CliError> {
        let is_kept = asked.is_some();
        let directory = asked.map_or_else(
            || std::env::temp_dir().join(format!("xmc-stress-{}", std::process::id())),
            ToOwned::to_owned,
        );
        std::fs::create_dir_all(&directory).map_err(|error| {
            CliError::could_not_run(format!("cannot make {}: {error}", directory.display()))
        })?;
        Ok(Self { directory, is_kept })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed is left to the system, as all that is temporary.
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}
