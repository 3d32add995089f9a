//! `xmc guard maintenance`: announces that an engine is about to be stopped by hand.

use super::Of;
use crate::alert::message::now_ns;
use crate::cli::{CliError, Exit, Report};
use crate::guard::log::Log;
use crate::guard::window::{MOST_S, Window};
use serde_json::json;
use std::io::Write;

/// Announce maintenance: for so long the guard does nothing about an engine that is stopped.
///
/// It ends by itself, and an engine that hangs beyond it is acted on. An orderly stop needs none.
/// Only who owns the guard's files can announce it.
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
    let (_, places) = args.of.load()?;
    let log = Log::new(&places.guard);
    if args.end {
        Window::end(&places.guard).map_err(CliError::could_not_run)?;
        log.write(0, "maintenance", json!({ "is_over": true })).map_err(CliError::could_not_run)?;
        if out.is_json() {
            out.json("xmc.guard.maintenance", 1, &json!({ "window": null }))?;
        } else {
            writeln!(out, "maintenance is over")?;
        }
        return Ok(Exit::Ok);
    }
    let from_ns = now_ns();
    let window = Window {
        from_ns,
        until_ns: from_ns + args.seconds.unwrap_or(0) * 1_000_000_000,
        by: args.by.clone().unwrap_or_default(),
        reason: args.reason.clone().unwrap_or_default(),
    };
    window.announce(&places.guard).map_err(CliError::could_not_run)?;
    log.write(0, "maintenance", json!(window)).map_err(CliError::could_not_run)?;
    if out.is_json() {
        out.json("xmc.guard.maintenance", 1, &json!({ "window": window }))?;
    } else {
        let seconds = args.seconds.unwrap_or(0);
        writeln!(
            out,
            "maintenance for {seconds} s: the guard does nothing about a stopped engine"
        )?;
    }
    Ok(Exit::Ok)
}
