//! `xmc guard status`: whether a guard watches, what it has done, and whether the desk is open.

use super::Of;
use crate::alert::message::now_ns;
use crate::cli::{CliError, Exit, Report};
use crate::engine::lease::Fence;
use crate::guard::beat::{self, GuardBeat};
use crate::guard::log::Log;
use crate::guard::state::{Outcome, ProcessEnd, State};
use crate::guard::window::Announced;
use serde_json::json;
use std::io::Write;
use std::time::Duration;

/// A guard that has not beaten for so long does not watch.
const SILENT: Duration = beat::EVERY.saturating_mul(6);
/// Lines of the log that are shown.
const LINES: usize = 8;

/// Show whether a guard watches, what it has done, and whether the desk is fenced.
///
/// Reads files only. Exit code 1: no guard watches, or the desk is fenced.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    #[command(flatten)]
    of: Of,
}

pub fn run(args: &StatusArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let (config, places) = args.of.load()?;
    let most = config.guard.as_ref().map_or(Duration::ZERO, |guard| guard.maintenance);
    let now = now_ns();
    let beat = GuardBeat::read(&places.guard);
    let age = beat.as_ref().map(|beat| beat.age(now));
    let is_watching = age.is_some_and(|age| age <= SILENT);
    let fence = Fence::of(&places.leases, places.identity).map_err(CliError::could_not_run)?;
    let state = State::read(&places.guard).map_err(CliError::could_not_run)?;
    let announced = Announced::read(&places.guard);
    let window = announced.at(now, most);
    let (lines, damaged) = Log::new(&places.guard).read().map_err(CliError::could_not_run)?;
    let last = &lines[lines.len().saturating_sub(LINES)..];
    if out.is_json() {
        let body = json!({
            "is_watching": is_watching, "beat": beat, "fence": fence, "case": state.case,
            "maintenance": window, "log": last, "damaged_lines": damaged,
        });
        out.json("xmc.guard.status", 1, &body)?;
    } else {
        match (&beat, age) {
            (Some(beat), Some(age)) if is_watching => writeln!(
                out,
                "guard       process {}, looked {} ms ago: {}",
                beat.pid,
                age.as_millis(),
                beat.verdict
            )?,
            (Some(_), Some(age)) => {
                writeln!(out, "guard       NOT WATCHING for {} s", age.as_secs())?;
            }
            _ => writeln!(out, "guard       none watches")?,
        }
        match &fence {
            Some(fence) => writeln!(out, "desk        FENCED: {fence}")?,
            None => writeln!(out, "desk        open")?,
        }
        if let Some(case) = &state.case {
            writeln!(out, "last case   run {}: {}", case.process.run, case.why)?;
            match &case.end {
                ProcessEnd::Waiting => writeln!(out, "  process   not killed yet")?,
                ProcessEnd::Gone => writeln!(out, "  process   gone")?,
                ProcessEnd::Lingers => writeln!(out, "  process   killed, waits for a device")?,
                ProcessEnd::Failed { why } => writeln!(out, "  process   NOT KILLED: {why}")?,
            }
            for what in &case.unwritten {
                writeln!(out, "  disk      {what} was not on it yet when the process was killed")?;
            }
            for one in &case.gateways {
                let what = match &one.outcome {
                    Outcome::Waiting => "not confirmed yet".to_owned(),
                    Outcome::Cancelled { orders: 0, by, after_ms } => {
                        format!("nothing was live, confirmed after {after_ms} ms ({by})")
                    }
                    Outcome::Cancelled { orders, by, after_ms } => {
                        format!("{orders} orders cancelled, confirmed after {after_ms} ms ({by})")
                    }
                    Outcome::Failed { why } => format!("NOT CONFIRMED: {why}"),
                };
                writeln!(out, "  {:<10}{what}", one.name)?;
            }
            for trouble in &case.troubles {
                writeln!(out, "  TROUBLE   {trouble}")?;
            }
        }
        if let Some(window) = window {
            let left = (window.until_ns - now) / 1_000_000_000;
            let (run, by, why) = (window.run, &window.by, &window.reason);
            writeln!(out, "maintenance {left} s more of run {run}, by {by}: {why}")?;
        }
    }
    Ok(if is_watching && fence.is_none() { Exit::Ok } else { Exit::Finding })
}
