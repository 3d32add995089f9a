//! `xmc guard`: watches an engine from beside, and ends what it has at the venues when the engine
//! is wedged or gone.

mod lift;
mod maintenance;
mod status;
pub(super) mod trials;

use super::{CliError, Exit, Report};
use crate::config::{self, Configuration, GatewayIndex, SessionIdentity};
use crate::engine::logon;
use crate::guard::Places;
use crate::guard::watch::Verdict;
use crate::guard::watcher::{Conclusion, GuardError, Manner, News, Watcher};
use crate::interrupt;
use crate::secret::Secret;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Between two looks whether the end is asked for.
const NAP: Duration = Duration::from_millis(20);

/// Watch an engine from beside; when it is wedged or gone: fence its desk, kill it, cancel its
/// orders.
///
/// Reads the engine's configuration, which needs a `[guard]`, and asks the engine nothing. It goes
/// on with any later run of the same record until Ctrl-C, and with what a killed guard had begun.
/// Exit code 0: it has not acted; 1: it has, and every venue has confirmed that nothing lives (with
/// --once: a finding); 2: it could not run, or a venue has not confirmed; 4: another guard watches.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    of: Option<Of>,
    /// Say what is seen now, and end.
    #[arg(long)]
    once: bool,
    /// Watch and say what is seen, do nothing about it and write nothing; another guard may watch.
    #[arg(long)]
    dry_run: bool,
    /// End once it has acted; without it the guard waits for the fence to be lifted.
    #[arg(long)]
    until_acted: bool,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Lift(lift::LiftArgs),
    Maintenance(maintenance::MaintenanceArgs),
    Status(status::StatusArgs),
    Trials(trials::TrialsArgs),
}

/// Whose guard.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Of {
    /// The engine's configuration.
    #[arg(value_name = "CONFIG")]
    config: PathBuf,
    /// Where the engine records, if not where its configuration says.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
}

impl Of {
    fn load(&self) -> Result<(Configuration, Places), CliError> {
        let config = config::load(&self.config)?;
        let places = Places::of(&config, self.record.as_deref());
        Ok((config, places))
    }
}

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    match (&args.what, &args.of) {
        (Some(What::Lift(args)), _) => lift::run(args, out),
        (Some(What::Maintenance(args)), _) => maintenance::run(args, out),
        (Some(What::Status(args)), _) => status::run(args, out),
        (Some(What::Trials(args)), _) => trials::run(args, out),
        (None, Some(of)) => watch(args, of, out),
        (None, None) => Err(CliError::usage("name the engine's configuration")),
    }
}

/// The secret of whoever logs on.
fn secret(
    config: &Configuration,
    row: GatewayIndex,
    own: Option<&SessionIdentity>,
) -> Result<Secret, String> {
    match own {
        Some(own) => Secret::read(&own.key).map_err(|error| error.to_string()),
        None => logon::secret(&config.gateways[row]).map_err(|error| error.to_string()),
    }
}

fn refused(error: GuardError) -> CliError {
    match error {
        GuardError::NotConfigured => CliError::usage(error),
        GuardError::Held { .. } => CliError::refused(error),
        _ => CliError::could_not_run(error),
    }
}

fn watch(args: &Args, of: &Of, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let (config, places) = of.load()?;
    let secrets = |row, own: Option<&SessionIdentity>| secret(&config, row, own);
    let manner = Manner { is_dry: args.dry_run, until_acted: args.until_acted };
    let mut watcher = Watcher::open(places, &config, &secrets, manner).map_err(refused)?;
    if args.once {
        return once(&mut watcher, out);
    }
    interrupt::watch();
    let is_over = AtomicBool::new(false);
    let has_ended = AtomicBool::new(false);
    let concluded = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !interrupt::is_asked() && !has_ended.load(Ordering::Acquire) {
                std::thread::sleep(NAP);
            }
            is_over.store(true, Ordering::Relaxed);
        });
        let concluded = watcher.run(&is_over, &mut |news| {
            // Nobody who reads this holds the guard up.
            let _ = say(news, out);
        });
        has_ended.store(true, Ordering::Release);
        concluded
    });
    match concluded {
        Conclusion::Quiet => Ok(Exit::Ok),
        Conclusion::Acted { is_confirmed: true } => Ok(Exit::Finding),
        Conclusion::Acted { is_confirmed: false } => Ok(Exit::CouldNotRun),
    }
}

fn say(news: &News, out: &mut Report<'_>) -> std::io::Result<()> {
    if out.is_json() {
        let News { event, run, text, what } = news;
        out.json(
            "xmc.guard",
            1,
            &json!({ "event": event, "run": run, "text": text, "what": what }),
        )?;
    } else {
        writeln!(out, "{:<12} {}", news.event, news.text)?;
    }
    out.flush()
}

fn once(watcher: &mut Watcher<'_>, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let fence = watcher.fence().cloned();
    let (process, verdict) = watcher.once();
    let words = match &verdict {
        Ok(verdict) => verdict.words(),
        Err(why) => why.clone(),
    };
    if out.is_json() {
        let body = json!({
            "process": process, "verdict": verdict.as_ref().ok(), "text": words, "fence": fence,
        });
        out.json("xmc.guard.once", 1, &body)?;
    } else {
        if let Some(process) = process {
            writeln!(out, "run {}, process {}: {words}", process.run, process.pid)?;
        } else {
            writeln!(out, "{words}")?;
        }
        if let Some(fence) = &fence {
            writeln!(out, "FENCED: {fence}")?;
        }
    }
    let is_failure = verdict.as_ref().is_ok_and(Verdict::is_failure);
    Ok(if is_failure || fence.is_some() { Exit::Finding } else { Exit::Ok })
}
