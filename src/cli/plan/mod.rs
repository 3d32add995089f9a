//! `xmc plan`: reads and checks a configuration, and prints what would run.
//!
//! It starts nothing and opens no socket. What it prints is the checked value that the engine
//! would be wired from, so a person can compare it with what was meant.

mod json;
mod port;
mod spread;
pub(super) mod table;
mod text;

use std::path::PathBuf;

use super::{CliError, Exit, Report};
use crate::config::{self, Configuration, Invalid};
use crate::topology::host::{self, Host};

/// Check a configuration and show what would run.
///
/// Every mistake is shown at its place. Exit code 3 if there is one, or if this machine cannot
/// run it; 4 if only safety stands in the way.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file; what it includes is read as well.
    file: PathBuf,
    /// The file is for another machine: do not compare its cores with those of this one.
    #[arg(long)]
    elsewhere: bool,
}

/// Runs the command.
///
/// # Errors
/// `Configuration` if the file breaks a rule or this machine cannot run it, `CouldNotRun` if this
/// machine's cores cannot be read, `Output` if the report cannot be written.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let host = match args.elsewhere {
        true => None,
        false => Some(Host::here().map_err(CliError::could_not_run)?),
    };
    match checked(args, host.as_ref()) {
        Ok(configuration) if out.is_json() => {
            out.json("xmc.plan", 1, &json::plan(&configuration, host.as_ref()))?;
        }
        Ok(configuration) => text::plan(&configuration, host.as_ref(), out)?,
        Err(invalid) if out.is_json() => {
            out.json("xmc.plan", 1, &json::problems(&invalid))?;
            return Ok(invalid.exit());
        }
        Err(invalid) => return Err(invalid.into()),
    }
    Ok(Exit::Ok)
}

fn checked(args: &Args, host: Option<&Host>) -> Result<Configuration, Invalid> {
    let configuration = config::load(&args.file)?;
    if let Some(host) = host {
        host::check(&configuration, host)?;
    }
    Ok(configuration)
}
