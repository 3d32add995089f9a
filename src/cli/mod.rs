//! The command line: one file per subcommand, each `parse → validate → act`.
//!
//! Exit codes, the same for every command: 0 ok, 1 a finding, 2 could not run, 3 usage or
//! configuration, 4 refused for safety. Errors go to stderr and say what to do; `--json` turns the
//! report on stdout into JSON with `schema` and `version`.
//!
//! A subcommand is a module with `pub struct Args` (clap) and
//! `pub fn run(args: &Args, out: &mut Report) -> Result<Exit, CliError>`, and two lines here: its
//! variant in `Command` and its arm in `Command::run`. It writes its report to `out` and nothing
//! else to stdout.

pub mod alert;
pub mod audit;
pub mod backtest;
pub mod balance;
pub mod bench;
pub mod calendar;
pub mod capital;
pub mod compliance;
pub mod config;
pub mod conformance;
pub mod control;
mod counted;
mod day;
pub mod decode_check;
pub mod demo;
pub mod dump;
pub mod explain;
pub mod feeds;
pub mod frame;
pub mod govern;
pub mod guard;
pub mod hedge;
pub mod host;
pub mod inspect;
pub mod latency;
pub mod manual;
pub mod metrics;
mod once;
mod page;
pub mod percentiles;
pub mod plan;
pub mod replay;
pub(crate) mod report;
pub mod resync;
pub mod run;
pub mod score;
pub mod sim;
pub mod stress;
pub mod top;
mod trade;
pub mod venue;
pub mod viewers;

pub use report::Report;

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Invalid;
use crate::control::verb::Verb;
use crate::interrupt;

/// How a command ended; the number is the process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It did what was asked and found nothing wrong.
    Ok = 0,
    /// It ran, and found something wrong (a gap, a corrupt record, a difference).
    Finding = 1,
    /// It could not run: a file missing, a permission refused.
    CouldNotRun = 2,
    /// The command line or a configuration file is wrong.
    Usage = 3,
    /// It refused to go on because that would not be safe.
    Refused = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Why a command gave up. The text is for the operator: what is wrong, with the value, and what
/// to do.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The world is not as the command needs it.
    #[error("{0}")]
    CouldNotRun(Box<dyn Error + Send + Sync>),
    /// The arguments or a configuration file are wrong in a way that clap cannot see.
    #[error("{0}")]
    Usage(Box<dyn Error + Send + Sync>),
    /// What was asked would not be safe.
    #[error("{0}")]
    Refused(Box<dyn Error + Send + Sync>),
    /// A configuration was refused; shown at its places rather than as a sentence.
    #[error("{0}")]
    Configuration(#[from] Invalid),
    /// The report could not be written. A closed pipe is the reader's decision, not an error.
    #[error("cannot write the report: {0}")]
    Output(#[from] io::Error),
}

impl CliError {
    /// `CouldNotRun` from an error or a sentence.
    pub fn could_not_run(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::CouldNotRun(why.into())
    }

    /// `Usage` from an error or a sentence.
    pub fn usage(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Usage(why.into())
    }

    /// `Refused` from an error or a sentence.
    pub fn refused(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Refused(why.into())
    }

    /// The exit code that goes with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::CouldNotRun(_) => Exit::CouldNotRun,
            Self::Usage(_) => Exit::Usage,
            Self::Refused(_) => Exit::Refused,
            Self::Configuration(invalid) => invalid.exit(),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
            Self::Output(_) => Exit::CouldNotRun,
        }
    }
}

/// Cross-market arbitrage and hedging: engine, simulator and the tools around them.
///
/// Exit codes: 0 ok, 1 a finding, 2 could not run, 3 usage or configuration, 4 refused for safety.
#[derive(Debug, Parser)]
#[command(name = "xmc", version)]
struct Cli {
    /// Write the report as JSON (one object, or one per line where there are many).
    #[arg(long, global = true)]
    json: bool,
    /// Be killed when the process of this number ends, which is the one that started this one.
    #[arg(long, hide = true, value_name = "PID")]
    ends_with: Option<i32>,
    #[command(subcommand)]
    command: Command,
}

/// One variant per subcommand.
#[derive(Debug, Subcommand)]
enum Command {
    Alert(alert::Args),
    Audit(audit::Args),
    Backtest(backtest::Args),
    Balance(balance::Args),
    Bench(bench::Args),
    Calendar(calendar::Args),
    Capital(capital::Args),
    Compliance(compliance::Args),
    Completions(manual::Completions),
    Config(config::Args),
    Conformance(conformance::Args),
    Control(control::Args),
    /// Allow a running engine to open positions again (two people).
    Arm(control::order::Args),
    /// Believe books again that a snapshot of the venue contradicted (two people).
    ClearDoubt(control::order::Args),
    /// Take a spread of a running engine out of HALT (two people).
    ClearHalt(control::order::Args),
    /// Keep spreads of a running engine from firing.
    Disable(control::order::Args),
    /// Let spreads of a running engine fire again (two people).
    Enable(control::order::Args),
    /// Stop a running engine: no new order, and every order that lives is cancelled.
    Kill(control::order::Args),
    Limits(control::limits::Args),
    /// Keep a running engine from opening positions.
    NoNew(control::order::Args),
    /// Take a spread that holds nothing out of a running engine.
    Remove(control::order::Args),
    DecodeCheck(decode_check::Args),
    Demo(demo::Args),
    Dump(dump::Args),
    Explain(explain::Args),
    Feeds(feeds::Args),
    Frame(frame::Args),
    Govern(govern::Args),
    Guard(guard::Args),
    Hedge(hedge::Args),
    Host(host::Args),
    Inspect(inspect::Args),
    Latency(latency::Args),
    Man(manual::Pages),
    Metrics(metrics::Args),
    Percentiles(percentiles::Args),
    Plan(plan::Args),
    Replay(replay::Args),
    Resync(resync::Args),
    Run(run::Args),
    Score(score::Args),
    #[command(visible_alias = "simulate")]
    Sim(sim::Args),
    Stress(stress::Args),
    Top(top::Args),
    Venue(venue::Args),
    Viewers(viewers::Args),
}

impl Command {
    fn run(&self, out: &mut Report<'_>) -> Result<Exit, CliError> {
        match self {
            Self::Alert(args) => alert::run(args, out),
            Self::Audit(args) => audit::run(args, out),
            Self::Backtest(args) => backtest::run(args, out),
            Self::Balance(args) => balance::run(args, out),
            Self::Bench(args) => bench::run(args, out),
            Self::Calendar(args) => calendar::run(args, out),
            Self::Capital(args) => capital::run(args, out),
            Self::Compliance(args) => compliance::run(args, out),
            Self::Completions(args) => manual::completions(args, out),
            Self::Config(args) => config::run(args, out),
            Self::Conformance(args) => conformance::run(args, out),
            Self::Control(args) => control::run(args, out),
            Self::Arm(args) => args.run(Verb::Arm, out),
            Self::ClearDoubt(args) => args.run(Verb::ClearDoubt, out),
            Self::ClearHalt(args) => args.run(Verb::ClearHalt, out),
            Self::Disable(args) => args.run(Verb::Disable, out),
            Self::Enable(args) => args.run(Verb::Enable, out),
            Self::Kill(args) => args.run(Verb::Kill, out),
            Self::Limits(args) => control::limits::run(args, out),
            Self::NoNew(args) => args.run(Verb::NoNew, out),
            Self::Remove(args) => args.run(Verb::Remove, out),
            Self::DecodeCheck(args) => decode_check::run(args, out),
            Self::Demo(args) => demo::run(args, out),
            Self::Dump(args) => dump::run(args, out),
            Self::Explain(args) => explain::run(args, out),
            Self::Feeds(args) => feeds::run(args, out),
            Self::Frame(args) => frame::run(args, out),
            Self::Govern(args) => govern::run(args, out),
            Self::Guard(args) => guard::run(args, out),
            Self::Hedge(args) => hedge::run(args, out),
            Self::Host(args) => host::run(args, out),
            Self::Inspect(args) => inspect::run(args, out),
            Self::Latency(args) => latency::run(args, out),
            Self::Man(args) => manual::man(args, out),
            Self::Metrics(args) => metrics::run(args, out),
            Self::Percentiles(args) => percentiles::run(args, out),
            Self::Plan(args) => plan::run(args, out),
            Self::Replay(args) => replay::run(args, out),
            Self::Resync(args) => resync::run(args, out),
            Self::Run(args) => run::run(args, out),
            Self::Score(args) => score::run(args, out),
            Self::Sim(args) => sim::run(args, out),
            Self::Stress(args) => stress::run(args, out),
            Self::Top(args) => top::run(args, out),
            Self::Venue(args) => venue::run(args, out),
            Self::Viewers(args) => viewers::run(args, out),
        }
    }
}

impl Command {
    /// Where it writes: an engine waits for nobody who reads.
    fn report(&self, is_json: bool) -> io::Result<Report<'static>> {
        match self {
            Self::Demo(_) | Self::Run(_) => Report::aside(io::stdout(), is_json),
            _ => Ok(Report::new(io::stdout().lock(), is_json)),
        }
    }
}

/// Parses the process's arguments, runs the subcommand, and says how it ended.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            // Also `--help` and `--version`, which clap hands over as errors for stdout. If even
            // that cannot be written there is nobody to tell.
            let _ = told.print();
            return if told.use_stderr() { Exit::Usage } else { Exit::Ok }.into();
        }
    };
    if let Some(error) = cli.ends_with.and_then(|parent| end_with(parent).err()) {
        complain(&format!("error: cannot end with the process that started this one: {error}\n"));
        return Exit::CouldNotRun.into();
    }
    let mut out = match cli.command.report(cli.json) {
        Ok(out) => out,
        Err(error) => {
            complain(&format!("error: {error}\n"));
            return Exit::CouldNotRun.into();
        }
    };
    let ended = cli.command.run(&mut out);
    // What was written before an error is part of the report.
    let flushed = out.finish();
    match ended.and_then(|exit| flushed.map(|()| exit).map_err(CliError::from)) {
        Ok(exit) => exit,
        Err(error) => {
            let exit = error.exit();
            match error {
                CliError::Configuration(invalid) => complain(&invalid.render(in_colour())),
                _ if exit != Exit::Ok => complain(&format!("error: {error}\n")),
                _ => {}
            }
            exit
        }
    }
    .into()
}

/// Has the system kill this process when the thread that started it ends (prctl(2),
/// `PR_SET_PDEATHSIG`); an error if `parent` has ended already.
fn end_with(parent: i32) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // It may have ended before that was asked for.
    match rustix::process::getppid() {
        Some(now) if now.as_raw_nonzero().get() == parent => Ok(()),
        _ => Err(io::Error::other(format!("process {parent} is gone"))),
    }
}

/// Writes to stderr. If that takes nothing there is nobody to tell; the exit code still says it.
fn complain(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Whether stderr takes colour: a terminal whose owner did not say `NO_COLOR`.
fn in_colour() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
}
