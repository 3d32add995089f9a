//! `xmc alert`: what fires, who was told, and whether the ways to people work.
//!
//! All but `test` and `measure` read and write files beside the record, so they work on a running
//! engine and on a dead one alike.

mod ack;
mod list;
mod measure;
mod rules;
mod show;
mod test;

use super::{CliError, Exit, Report};
use crate::alert::outbox::{self, State};
use crate::alert::signal::Labels;
use crate::config::{self, Configuration};
use crate::counters::{Attached, EngineState};
use crate::monitor::Lang;
use std::path::PathBuf;

/// Alerts to people: what fires, who was told, and whether the ways to them work.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Ack(ack::AckArgs),
    Test(test::TestArgs),
    Rules(rules::RulesArgs),
    Measure(measure::MeasureArgs),
}

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    match &args.what {
        What::List(args) => list::run(args, out),
        What::Show(args) => show::run(args, out),
        What::Ack(args) => ack::run(args, out),
        What::Test(args) => test::run(args, out),
        What::Rules(args) => rules::run(args, out),
        What::Measure(args) => measure::run(args, out),
    }
}

/// Whose alerts.
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
    fn record(&self) -> Result<PathBuf, CliError> {
        if let Some(record) = &self.record {
            return Ok(record.clone());
        }
        let nothing = || CliError::usage("say whose alerts: --record DIR or --config FILE");
        let config = self.load()?.ok_or_else(nothing)?;
        Ok(config.engine.record_directory)
    }

    fn load(&self) -> Result<Option<Configuration>, CliError> {
        Ok(self.config.as_ref().map(|path| config::load(path)).transpose()?)
    }

    /// The directory of alerts.
    fn directory(&self) -> Result<PathBuf, CliError> {
        Ok(crate::alert::directory(&self.record()?))
    }

    /// What its outbox holds.
    fn state(&self) -> Result<State, CliError> {
        outbox::read(&self.directory()?).map_err(CliError::could_not_run)
    }

    /// What has become of the engine, in a word.
    fn engine(&self) -> Result<&'static str, CliError> {
        let attached = Attached::open(&self.record()?);
        Ok(match attached.map(|attached| attached.engine()) {
            Ok(EngineState::Running) => "running",
            Ok(EngineState::Stopped) => "stopped",
            Ok(EngineState::Ended(_)) => "ended",
            Ok(EngineState::Gone) => "gone",
            Err(_) => "unknown",
        })
    }
}

/// The one alert whose fingerprint begins so.
fn find(state: &State, start: &str) -> Result<String, CliError> {
    let mut found = state.alerts.keys().filter(|known| known.starts_with(start));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.clone()),
        (Some(_), Some(_)) => {
            Err(CliError::usage(format!("several alerts begin with {start}: write more of it")))
        }
        (None, _) => Err(CliError::could_not_run(format!(
            "no alert that fires begins with {start}: look at `xmc alert list`"
        ))),
    }
}

/// Labels in one cell.
fn shown(labels: &Labels) -> String {
    let all: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    all.join(" ")
}

/// The language asked for, or that of the environment.
fn lang(asked: Option<Lang>) -> Lang {
    asked.unwrap_or_else(Lang::of_environment)
}
