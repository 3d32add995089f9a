//! `xmc run`: an engine on the sockets of its configuration.

use super::trade::{self, Show, Wanted};
use super::{CliError, Exit, Report};
use crate::config;
use crate::engine::logon;
use crate::topology::host::{self, Host};
use std::path::PathBuf;

/// Trade as a configuration says, on the sockets that it names.
///
/// Feeds are joined and their books learnt, gateways logged on to, and the stages run on the cores
/// of the topology until Ctrl-C, `q` or the end of the time given. Then nothing new is opened, live
/// orders are waited for, and the record is verified and replayed. Only paper mode is part of this
/// build: the venues are to be simulated ones (`xmc venue`).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Ends after so many seconds.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// Where the record goes; by default where the configuration says.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Leave threads where the system puts them.
    #[arg(long)]
    unpinned: bool,
    /// Begin with nothing held, whatever the last run in the directory held: for when the venues
    /// have been asked, and say so.
    #[arg(long)]
    begin_flat: bool,
    #[command(flatten)]
    show: Show,
}

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let config = config::load(&args.config)?;
    if !args.unpinned {
        host::check(&config, &Host::here().map_err(CliError::could_not_run)?)?;
    }
    let directory = args.record.as_ref().unwrap_or(&config.engine.record_directory);
    let secret = |row: usize| logon::secret(&config.gateways[row]);
    let wanted = Wanted {
        config: &config,
        directory,
        secret: &secret,
        show: args.show,
        seconds: args.seconds,
        is_pinned: !args.unpinned,
        goes_on: !args.begin_flat,
        held: Vec::new(),
    };
    let summary = trade::trade(&wanted, out, || Ok(None))?;
    summary.write("xmc.run", out)?;
    Ok(summary.exit())
}
