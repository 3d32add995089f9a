//! `xmc resync`: what venues say is held, beside what the desk knows.
//!
//! `show` and `now` read and write files beside the record; `explain` is a signed command.

mod explain;
mod measure;
mod now;
mod show;

use super::{CliError, Exit, Report};
use crate::config;
use crate::resync::kept::Kept;
use crate::resync::report;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What brokers, counters and clearing houses say is held, compared with the desk.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Show(show::ShowArgs),
    Now(now::NowArgs),
    Explain(explain::ExplainArgs),
    Measure(measure::MeasureArgs),
}

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    match &args.what {
        What::Show(args) => show::run(args, out),
        What::Now(args) => now::run(args, out),
        What::Explain(args) => explain::run(args, out),
        What::Measure(args) => measure::run(args, out),
    }
}

/// Whose resync.
#[derive(Debug, clap::Args)]
struct Of {
    /// The directory where the engine keeps its record.
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    record: Option<PathBuf>,
    /// The engine's configuration, which says where it keeps its record.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Of {
    fn directory(&self) -> Result<PathBuf, CliError> {
        if let Some(record) = &self.record {
            return Ok(record.clone());
        }
        let nothing = || CliError::usage("say whose resync: --record DIR or --config FILE");
        Ok(config::load(self.config.as_ref().ok_or_else(nothing)?)?.engine.record_directory)
    }
}

/// What is open and was explained.
fn kept(directory: &Path) -> Result<Kept, CliError> {
    Kept::open(directory).map_err(CliError::could_not_run)
}

/// What was reported; nothing if there is no log.
fn lines(directory: &Path) -> Vec<Value> {
    let path = crate::resync::path(directory, crate::resync::LOG);
    report::lines(&std::fs::read_to_string(path).unwrap_or_default())
}
