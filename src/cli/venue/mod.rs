//! `xmc venue`: one simulated venue as a process of its own, on the sockets that a file names.
//!
//! It runs until Ctrl-C, or as long as it is told to, and prints what it listens on and a line of
//! counters each second. Every price, fill and coin here is made up.

mod cme;
mod shfe;

pub use cme::settings as cme_settings;
pub use shfe::settings as shfe_settings;

use super::{CliError, Exit, Report, interrupt};
use crate::config::venue::Restart;
use crate::venue::shell::{ShellError, VenueClock};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use xmc_hotpath::time::Span;
use xmc_hotpath::time::UnixNs;

/// How late the end may be noticed.
const NAP: Duration = Duration::from_millis(20);

/// Run a simulated venue on real sockets: its feed, its order entry, its ledgers.
///
/// Ends with Ctrl-C or after --seconds. Exit code 2 if an address is taken or what must be written
/// down cannot be; 3 if the file is wrong.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which venue.
    #[arg(value_enum)]
    venue: Kind,
    /// What it is made of; see config/venue_cme.toml and config/venue_shfe.toml.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Seconds to run; without it, until Ctrl-C.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// When the time of its world began, in seconds since 1970; by default with the current hour.
    /// Venues of one world have the same. A store that is there has its own, which holds.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..1 << 33))]
    start: Option<u64>,
}

/// Which venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// CME: MDP 3.0 and iLink 3.
    Cme,
    /// SHFE and INE: SMDP 2.0 and a DSTAR counter.
    Shfe,
}

/// A venue that runs.
trait Venue: Sized {
    /// What it is and where: a word and its text each.
    fn listening(&self) -> Vec<(&'static str, String)>;

    /// What has happened; `None` if it has ended by itself.
    fn counts(&self) -> Option<Vec<(&'static str, u64)>>;

    /// When it ends as by a kill and comes back.
    fn restarts(&self) -> &[Restart];

    /// Ends as by a kill after `lived`, and is there again `down` later.
    fn restart(self, lived: Duration, down: Duration) -> Result<Self, CliError>;

    /// Ends it in order.
    fn stop(self) -> Result<(), ShellError>;
}

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let origin = args.start.map_or_else(VenueClock::hour, |s| UnixNs(s * 1_000_000_000));
    match args.venue {
        Kind::Cme => serve(cme::open(&args.config, origin)?, args.seconds, out),
        Kind::Shfe => serve(shfe::open(&args.config, origin)?, args.seconds, out),
    }
}

/// Waits, unless the end is asked for.
fn wait(span: Duration) {
    let since = Instant::now();
    while since.elapsed() < span && !interrupt::is_asked() {
        std::thread::sleep(NAP.min(span));
    }
}

/// What is planned for a venue that begins again `passed` after its last start.
fn later<T>(plan: &mut Vec<(Span, T)>, passed: Duration) {
    let passed = u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX);
    plan.retain_mut(|(after, _)| {
        let is_to_come = after.0 > passed;
        after.0 = after.0.saturating_sub(passed);
        is_to_come
    });
}

/// A line of the report, as JSON.
#[derive(Serialize)]
struct Told<'a, T> {
    /// `listening`, `counts` or `ended`.
    event: &'a str,
    /// Since the start.
    seconds: u64,
    #[serde(flatten)]
    body: BTreeMap<&'static str, T>,
}

fn serve(
    mut venue: impl Venue,
    seconds: Option<u64>,
    out: &mut Report<'_>,
) -> Result<Exit, CliError> {
    interrupt::watch();
    let (start, mut told, mut restarted) = (Instant::now(), 0, 0);
    let mut began = start;
    listening(&venue, out)?;
    loop {
        std::thread::sleep(NAP);
        if let Some(restart) = venue.restarts().get(restarted).copied()
            && start.elapsed() >= restart.after
        {
            restarted += 1;
            venue = venue.restart(began.elapsed(), restart.down)?;
            began = Instant::now();
        }
        let elapsed = start.elapsed().as_secs();
        let Some(counts) = venue.counts() else { break };
        let is_over = interrupt::is_asked() || seconds.is_some_and(|most| elapsed >= most);
        if elapsed > told || is_over {
            told = elapsed;
            let event = if is_over { "ended" } else { "counts" };
            write(event, elapsed, &counts, out)?;
        }
        if is_over {
            break;
        }
    }
    venue.stop().map_err(CliError::could_not_run)?;
    Ok(Exit::Ok)
}

fn listening(venue: &impl Venue, out: &mut Report<'_>) -> Result<(), CliError> {
    let rows = venue.listening();
    if out.is_json() {
        let body = rows.into_iter().collect();
        out.json("xmc.venue", 1, &Told::<String> { event: "listening", seconds: 0, body })?;
    } else {
        for (name, text) in rows {
            writeln!(out, "{name:<16} {text}")?;
        }
    }
    Ok(out.flush()?)
}

fn write(
    event: &str,
    seconds: u64,
    counts: &[(&'static str, u64)],
    out: &mut Report<'_>,
) -> Result<(), CliError> {
    if out.is_json() {
        let body = counts.iter().copied().collect();
        out.json("xmc.venue", 1, &Told::<u64> { event, seconds, body })?;
    } else {
        let shown: Vec<_> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
        writeln!(out, "{seconds:>6} s  {}", shown.join("  ").replace('_', " "))?;
    }
    Ok(out.flush()?)
}
