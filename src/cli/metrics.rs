//! `xmc metrics`: what an engine counts, for Prometheus, from another process.

use super::counted::{Place, could_not};
use super::demo::{self, Topology};
use super::{CliError, Exit, Report};
use crate::config::{self, Configuration};
use crate::engine::counters::Counters;
use crate::interrupt;
use crate::metrics::{self, Exporter, Family, Format, MetricsError, Source, catalogue};
use serde_json::json;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Export what an engine counts to Prometheus, from its file of counters.
///
/// Nothing is asked of the engine: it may be held still, or dead, or not there yet. /metrics is
/// served until Ctrl-C, as text 0.0.4 or `OpenMetrics`, whichever a scrape accepts. `names` lists
/// all metrics.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    place: Option<Place>,
    /// Where /metrics is served; port 0 is any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9481")]
    listen: SocketAddr,
    /// Other machines may reach that address. There is no token and no TLS.
    #[arg(long)]
    open: bool,
    /// Write the metrics once and end.
    #[arg(long, conflicts_with_all = ["listen", "open"])]
    once: bool,
    /// How --once writes them.
    #[arg(long, value_enum, default_value_t, requires = "once")]
    format: Format,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Names(Names),
}

/// List every metric: its name, type, unit, labels, and what it says.
#[derive(Debug, clap::Args)]
struct Names {
    /// Those of an engine of this configuration; by default of `xmc demo`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// How long until the end is looked for again.
const NAP: Duration = Duration::from_millis(50);

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let place = match (&args.what, &args.place) {
        (Some(What::Names(wanted)), _) => return names(wanted, out),
        (None, Some(place)) => place,
        (None, None) => return Err(CliError::usage("name a directory, or --config FILE")),
    };
    let config = place.configuration()?;
    if args.once {
        place.open(config.as_ref())?;
        let mut source = Source::new(place.path(config.as_ref())?);
        let families = source.read().map_err(could_not)?;
        match out.is_json() {
            true => out.json("xmc.metrics", 1, &json!({ "families": families }))?,
            false => write!(out, "{}", args.format.write(&families))?,
        }
        return Ok(Exit::Ok);
    }
    // An exporter may be there before its engine.
    if let Err(error) = place.open(config.as_ref()) {
        writeln!(std::io::stderr(), "note: {error}; looked for again at each scrape")?;
    }
    let served = metrics::Place { address: args.listen, is_open_to_others: args.open };
    let source = Source::new(place.path(config.as_ref())?);
    interrupt::watch();
    let exporter = Exporter::open(served, "--open", source, || {}).map_err(refused)?;
    match out.is_json() {
        true => out.json("xmc.metrics.served", 1, &json!({ "url": exporter.url() }))?,
        false => writeln!(out, "Metrics: {}", exporter.url())?,
    }
    out.flush()?;
    while !interrupt::is_asked() {
        std::thread::sleep(NAP);
    }
    Ok(Exit::Ok)
}

/// As the command line says it.
pub(super) fn refused(error: MetricsError) -> CliError {
    match error {
        MetricsError::Open(..) => CliError::refused(error),
        MetricsError::Bind { .. } | MetricsError::System(_) => CliError::could_not_run(error),
    }
}

fn names(wanted: &Names, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let config: Configuration = match &wanted.config {
        Some(path) => config::load(path)?,
        None => demo::sample(Topology::OneCore)?,
    };
    let families = catalogue(&Counters::table(&config));
    if out.is_json() {
        out.json("xmc.metrics.names", 1, &json!({ "families": families }))?;
        return Ok(Exit::Ok);
    }
    for Family { name, kind, unit, labels, about, .. } in &families {
        let labels = if labels.is_empty() { "-".to_owned() } else { labels.join(",") };
        let unit = if unit.is_empty() { "-" } else { unit };
        writeln!(out, "{name:<52} {:<9} {unit:<7} {labels:<18} {about}", kind.word())?;
    }
    Ok(Exit::Ok)
}
