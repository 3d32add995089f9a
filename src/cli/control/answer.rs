//! What an engine has answered to a command, for people and programs.

use crate::cli::{CliError, Exit, Report};
use crate::control::reply::{Answer, Outcome};
use std::io::Write;

/// Shows it. 0 if the record shows that it was done, 4 if it was refused, 2 if nobody can tell yet.
pub fn show(answer: &Answer, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let exit = match answer.outcome {
        Outcome::Done => Exit::Ok,
        Outcome::Refused => Exit::Refused,
        Outcome::Taken => Exit::CouldNotRun,
    };
    if out.is_json() {
        out.json("xmc.control.answer", 1, answer)?;
        return Ok(exit);
    }
    match answer.outcome {
        Outcome::Done => {
            let input = answer.input.unwrap_or_default();
            writeln!(out, "DONE: recorded as input {input} of run {}", answer.run)?;
            if let Some(but) = &answer.why {
                writeln!(out, "  BUT: {but}")?;
            }
        }
        Outcome::Refused => {
            let denial = answer.denial.as_deref().unwrap_or("refused");
            let why = answer.why.as_deref().unwrap_or("no reason was given");
            writeln!(out, "REFUSED ({denial}): {why}")?;
        }
        Outcome::Taken => writeln!(
            out,
            "TAKEN, NOT YET RECORDED: `xmc control status` says whether it has come about"
        )?,
    }
    for changed in &answer.changes {
        let of = changed.spread.as_deref().unwrap_or("the desk");
        writeln!(out, "  {of}: {} -> {}", changed.from, changed.to)?;
    }
    if !answer.state.is_empty() {
        writeln!(out, "  the desk is {}; {} orders live", answer.state, answer.live_orders)?;
    }
    for open in &answer.positions {
        writeln!(out, "  open: {} {:+} units", open.spread, open.units)?;
    }
    writeln!(out, "  sha256 of what was signed: {}", answer.digest)?;
    Ok(exit)
}
