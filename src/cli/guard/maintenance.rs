//! `xmc guard maintenance`: announces that an engine is about to be stopped by hand.

use super::Of;
use crate::alert::message::now_ns;
use crate::cli::{CliError, Exit, Report};
use crate::engine::lease;
use crate::guard::log::Log;
use crate::guard::watcher::GuardError;
use crate::guard::window::{Announced, MOST_S, Window, WindowError};
use serde_json::json;
use std::io::Write;

/// Announce maintenance: for so long the guard does nothing about the stop of the run that there
/// is.
///
/// It ends by itself, and an engine that hangs beyond it is acted on; the next run is none of its
/// business. One window at a time, and together no more in 24 hours than maintenance_s of [guard].
/// An orderly stop needs none. Only who owns the guard's files can announce it. Exit code 4: there
/// is one, or there were enough.
#[derive(Debug, clap::Args)]
pub struct MaintenanceArgs {
    #[command(flatten)]
    of: Of,
    /// For how many seconds, at most 14,400.
    #[arg(long = "for", value_name = "SECONDS", required_unless_present = "end",
          value_parser = clap::value_parser!(u64).range(1..=MOST_S))]
    seconds: Option<u64>,
    /// Who announces it.
    #[arg(long, value_name = "NAME", required_unless_present = "end")]
    by: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT", required_unless_present = "end")]
    reason: Option<String>,
    /// It is over.
    #[arg(long, conflicts_with_all = ["seconds", "by", "reason"])]
    end: bool,
}

pub fn run(args: &MaintenanceArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let (config, places) = args.of.load()?;
    let guard = config.guard.as_ref().ok_or(GuardError::NotConfigured).map_err(CliError::usage)?;
    let log = Log::new(&places.guard);
    if args.end {
        Announced::end(&places.guard, now_ns()).map_err(CliError::could_not_run)?;
        log.write(0, "maintenance", json!({ "is_over": true })).map_err(CliError::could_not_run)?;
        if out.is_json() {
            out.json("xmc.guard.maintenance", 1, &json!({ "window": null }))?;
        } else {
            writeln!(out, "maintenance is over")?;
        }
        return Ok(Exit::Ok);
    }
    let run = lease::last_epoch(&places.leases, places.identity);
    let run = run.map_err(CliError::could_not_run)?;
    if run == 0 {
        let why = "no run of this desk has begun: there is no stop to announce";
        return Err(CliError::could_not_run(why));
    }
    let from_ns = now_ns();
    let window = Window {
        run,
        from_ns,
        until_ns: from_ns + args.seconds.unwrap_or(0) * 1_000_000_000,
        by: args.by.clone().unwrap_or_default(),
        reason: args.reason.clone().unwrap_or_default(),
    };
    Announced::announce(&places.guard, window.clone(), guard.maintenance).map_err(|error| {
        match error {
            WindowError::Io { .. } => CliError::could_not_run(error),
            WindowError::Announced { .. } | WindowError::TooMuch { .. } => CliError::refused(error),
        }
    })?;
    log.write(0, "maintenance", json!(window)).map_err(CliError::could_not_run)?;
    if out.is_json() {
        out.json("xmc.guard.maintenance", 1, &json!({ "window": window }))?;
    } else {
        let seconds = args.seconds.unwrap_or(0);
        writeln!(
            out,
            "maintenance of run {run} for {seconds} s: the guard does nothing about its stop"
        )?;
    }
    Ok(Exit::Ok)
}
