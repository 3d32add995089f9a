//! `xmc host apply` and `xmc host revert`: what the checks want, written and undone.

use super::{About, Host};
use crate::cli::{CliError, Exit, Report};
use crate::host::apply::{self, Outcome, Step, state_path};
use crate::host::{self, Change, Survey};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;

/// Set what the findings of `check` ask for; by default only show it.
///
/// Files of /proc and /sys are written; values that are better than wanted stay. What was there
/// before is saved first, and `revert` writes it back. Commands and parameters of the kernel are
/// shown and left to you. Exit code 1 if a file refused.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    about: About,
    /// Do it.
    #[arg(long)]
    run: bool,
    /// Where the values from before are kept; by default var/lib/xmc/host_before.json below the
    /// root.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

/// Write back what was there before `apply --run`.
///
/// What somebody has changed since stays as it is, and is told. Exit code 1 if that is so, or a
/// file refused.
#[derive(Debug, clap::Args)]
pub struct RevertArgs {
    /// Where the files of the machine are.
    #[arg(long, default_value = "/", value_name = "DIR")]
    root: PathBuf,
    /// Where the values from before are kept; by default var/lib/xmc/host_before.json below the
    /// root.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

#[derive(Serialize)]
struct Body<'a> {
    is_run: bool,
    steps: &'a [Step],
    outcomes: Option<&'a [Outcome]>,
    by_hand: Vec<ByHand<'a>>,
}

/// What is left to a person.
#[derive(Serialize)]
struct ByHand<'a> {
    number: u8,
    change: &'a Change,
}

pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let Host { tree, wanted, kernel } = args.about.host()?;
    let checks = host::checks(&Survey::new(&tree, &kernel, &wanted));
    let (steps, rest) = apply::plan(&tree, &checks);
    let state = state_path(&tree, args.state.as_deref());
    let outcomes = match args.run && !steps.is_empty() {
        true => Some(apply::apply(&tree, &steps, &state).map_err(CliError::could_not_run)?),
        false => None,
    };
    if out.is_json() {
        let by_hand = rest.iter().map(|(number, change)| ByHand { number: *number, change });
        let by_hand = by_hand.collect();
        let body = Body { is_run: args.run, steps: &steps, outcomes: outcomes.as_deref(), by_hand };
        out.json("xmc.host.apply", 1, &body)?;
    } else {
        match &outcomes {
            Some(outcomes) => {
                done(outcomes, "set", out)?;
                writeln!(out, "\nfrom before: {} (xmc host revert)", state.display())?;
            }
            None => planned(&steps, out)?,
        }
        by_hand(&rest, out)?;
    }
    Ok(exit(outcomes.as_deref().unwrap_or_default()))
}

pub fn revert(args: &RevertArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let tree = super::tree(&args.root)?;
    let state = state_path(&tree, args.state.as_deref());
    let outcomes = apply::revert(&tree, &state).map_err(CliError::could_not_run)?;
    if out.is_json() {
        #[derive(Serialize)]
        struct Body<'a> {
            outcomes: &'a [Outcome],
        }
        out.json("xmc.host.revert", 1, &Body { outcomes: &outcomes })?;
    } else {
        done(&outcomes, "written back", out)?;
    }
    Ok(exit(&outcomes))
}

fn exit(outcomes: &[Outcome]) -> Exit {
    let is_refused = outcomes.iter().any(|outcome| outcome.refused.is_some());
    if is_refused { Exit::Finding } else { Exit::Ok }
}

fn planned(steps: &[Step], out: &mut impl Write) -> io::Result<()> {
    if steps.is_empty() {
        return writeln!(out, "no file is to be written");
    }
    writeln!(out, "would be done by --run, {} files (number of the check, command)", steps.len())?;
    for step in steps {
        let now = if step.now.is_empty() { "empty" } else { &step.now };
        writeln!(out, "  {:>2}  {}  # now {now}", step.number, step.command())?;
    }
    Ok(())
}

fn done(outcomes: &[Outcome], what: &str, out: &mut impl Write) -> io::Result<()> {
    let good = outcomes.iter().filter(|outcome| outcome.refused.is_none()).count();
    writeln!(out, "{good} of {} files {what}", outcomes.len())?;
    for Outcome { path, now, refused } in outcomes {
        match refused {
            None => writeln!(out, "  {path} = {now}")?,
            Some(why) => writeln!(out, "  {path} = {now}\n      refused: {why}")?,
        }
    }
    Ok(())
}

fn by_hand(rest: &[(u8, Change)], out: &mut impl Write) -> io::Result<()> {
    if rest.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nleft to you (check, what to do)")?;
    for (number, change) in rest {
        writeln!(out, "  {number:>2}  {}", change.command())?;
    }
    Ok(())
}
