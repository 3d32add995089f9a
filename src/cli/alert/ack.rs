//! `xmc alert ack`: somebody takes an alert on.

use super::{Of, find};
use crate::alert::ack::{self, Ack};
use crate::alert::message::now_ns;
use crate::cli::{CliError, Exit, Report};
use serde_json::json;
use std::io::Write;
use std::time::{Duration, Instant};

/// How long a running engine is waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Take an alert on: it is told no more, and not escalated.
///
/// It still ends by itself, and then those who were told are told. Nothing is signed: whoever may
/// write beside the record may do it, and the name is what is given.
#[derive(Debug, clap::Args)]
pub struct AckArgs {
    /// The start of its fingerprint.
    fingerprint: String,
    /// Who takes it on.
    #[arg(long, value_name = "NAME", env = "USER")]
    by: String,
    #[command(flatten)]
    of: Of,
}

pub fn run(args: &AckArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let fingerprint = find(&args.of.state()?, &args.fingerprint)?;
    let ack = Ack { fingerprint: fingerprint.clone(), by: args.by.clone(), at_ns: now_ns() };
    if !ack.is_plain() {
        return Err(CliError::usage("--by is a name of 1 to 64 letters, digits and . _ - @"));
    }
    let directory = args.of.directory()?;
    let failed = |error| {
        CliError::could_not_run(format!("cannot write in {}: {error}", directory.display()))
    };
    ack::leave(&directory, &ack).map_err(failed)?;
    let engine = args.of.engine()?;
    let since = Instant::now();
    let mut by = None;
    while engine == "running" && by.is_none() && since.elapsed() < PATIENCE {
        std::thread::sleep(LOOK);
        let state = args.of.state()?;
        let Some(alert) = state.alerts.get(&fingerprint) else { break };
        by = alert.acknowledged.as_ref().map(|by| by.by.clone());
    }
    if out.is_json() {
        let body = json!({ "fingerprint": fingerprint, "engine": engine, "acknowledged_by": by });
        out.json("xmc.alert.ack", 1, &body)?;
    } else {
        match &by {
            Some(by) => writeln!(out, "{fingerprint} is taken by {by}")?,
            None => writeln!(out, "{fingerprint}: left for the engine ({engine})")?,
        }
    }
    Ok(Exit::Ok)
}
