//! `xmc control`, and the commands that order something of a running engine: `xmc kill`, `no-new`,
//! `disable`, `remove`, `arm`, `enable`, `clear-halt`, `clear-doubt`, `limits`.
//!
//! All of them ask the engine first how it stands, say in words what is about to be signed, sign,
//! and show what the engine answers.

pub mod limits;
pub mod order;

mod answer;
mod keygen;
mod sign;
mod status;

pub(in crate::cli) use order::read_key;

use super::{CliError, Exit, Report};
use crate::config;
use crate::control::client;
use crate::engine::controlling::socket_path;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;

/// Keys and signatures of operators, and how a running engine stands.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Keygen(keygen::KeygenArgs),
    Sign(sign::SignArgs),
    Send(sign::SendArgs),
    Status(status::StatusArgs),
}

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    match &args.what {
        What::Keygen(args) => keygen::run(args, out),
        What::Sign(args) => sign::sign(args, out),
        What::Send(args) => sign::send(args, out),
        What::Status(args) => status::run(args, out),
    }
}

/// Where the engine is commanded.
#[derive(Debug, clap::Args)]
pub struct At {
    /// The engine's control socket.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The engine's configuration, which says where the socket is.
    #[arg(long, value_name = "FILE", conflicts_with = "socket")]
    config: Option<PathBuf>,
    /// Where the engine records, if not where its configuration says.
    #[arg(long, value_name = "DIR", conflicts_with = "socket")]
    record: Option<PathBuf>,
}

impl At {
    fn path(&self) -> Result<PathBuf, CliError> {
        if let Some(socket) = &self.socket {
            return Ok(socket.clone());
        }
        let nothing = || {
            CliError::usage(
                "say which engine: --socket PATH, or --config FILE, with --record DIR if it \
                 records elsewhere than that says",
            )
        };
        let config = config::load(self.config.as_ref().ok_or_else(nothing)?).inspect_err(|_| {
            eprintln!("a running engine is reached without its configuration by --socket PATH");
        })?;
        let control = config.control.as_ref().ok_or_else(|| {
            CliError::usage("the configuration has no [control]: its engine takes no commands")
        })?;
        let directory = self.record.as_ref().unwrap_or(&config.engine.record_directory);
        Ok(socket_path(control, directory))
    }

    /// Where the engine records: beside its socket, if nothing else is said.
    pub(super) fn directory(&self) -> Result<PathBuf, CliError> {
        if let Some(record) = &self.record {
            return Ok(record.clone());
        }
        if let Some(socket) = &self.socket {
            return Ok(socket.parent().map(PathBuf::from).unwrap_or_default());
        }
        let nothing = || CliError::usage("say which engine: --socket PATH or --config FILE");
        Ok(config::load(self.config.as_ref().ok_or_else(nothing)?)?.engine.record_directory)
    }

    fn status(&self) -> Result<crate::control::reply::Status, CliError> {
        client::status(&self.path()?).map_err(CliError::could_not_run)
    }
}

/// Asks the person at the terminal whether to sign.
pub(in crate::cli) fn confirm(is_told: bool) -> Result<(), CliError> {
    if is_told {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(CliError::usage("nobody is there to be asked: add --yes to sign this"));
    }
    eprint!("Sign this? yes/no: ");
    io::stderr().flush()?;
    let mut said = String::new();
    io::stdin().lock().read_line(&mut said)?;
    if said.trim() == "yes" {
        return Ok(());
    }
    Err(CliError::refused("nothing was signed"))
}
