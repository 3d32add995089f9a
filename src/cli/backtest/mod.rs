//! `xmc backtest`: recorded or captured days through the desk again, with a model of the venues.
//!
//! The market is that of a journal or of a capture, the desk is the one that trades, and its orders
//! meet venues with delays, queues and books of their own (`sim::backtest`). What comes of it is a
//! model's word, and every report says what the model assumes.

pub(in crate::cli) mod capture;
mod page;
mod report;
mod sheets;
mod sweep;

use super::latency::commit;
use super::replay::capture::{Loaded, load};
use super::sim::progress;
use super::{CliError, Exit, Report};
use crate::audit;
use crate::audit::kept;
use crate::audit::labels::Labels;
use crate::config::{self, Backtest, Configuration};
use crate::engine::recording::Segments;
use crate::governance::lineage;
use crate::journal::segment;
use crate::monitor::Lang;
use crate::sim::backtest::counts::Outcome;
use crate::sim::backtest::money::{self, Money};
use crate::sim::backtest::play::{PlayError, Terms, play_with};
use crate::sim::backtest::sink::{self, Journal, Nowhere};
use crate::sim::backtest::source::{Setup, Source};
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;
use xmc_hotpath::message::SpreadIndex;

/// Run the desk on recorded or captured days, with venues that take their time.
///
/// The source is a journal (a directory or a segment) or, with --config, a capture (pcap, pcapng).
/// Of a journal the desk is told what its market did and what operators commanded; its orders and
/// their fills are not used: the desk under test decides anew. Orders leave with delays drawn from
/// a seed, take what the book shows as they arrive, or rest in its queue: `[backtest]` in the
/// configuration says how. With --sweep a grid of levels and limits is played on all cores.
///
/// Exit code 0 ok; 1 the journal is not whole; 2 could not run; 3 configuration or usage.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A journal (a directory or one segment), or a capture.
    path: PathBuf,
    /// Feeds, instruments, spreads, limits and `[backtest]`, instead of the journal's own.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Play this run of a journal alone, as `xmc audit verify` counts them. Runs of different
    /// configurations are played together with --config only.
    #[arg(long, value_name = "N")]
    run: Option<u16>,
    /// What delays are drawn from, instead of the configuration's seed.
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Leave out what operators and the engine commanded; the desk is armed at the first quote.
    #[arg(long)]
    without_commands: bool,
    /// Where the days that settings are chosen on end and those begin that tell: a moment as
    /// 2026-11-21T06:00:00Z, or a share as 70%.
    #[arg(long, value_name = "TIME|SHARE")]
    split: Option<String>,
    /// Write the backtest's own journal into this directory, empty or not there.
    #[arg(long, value_name = "DIR", conflicts_with = "sweep")]
    record: Option<PathBuf>,
    /// Write a page with plots and every fire and repair into this file.
    #[arg(long, value_name = "FILE", conflicts_with = "sweep")]
    html: Option<PathBuf>,
    /// The language of tables and page; by default the environment's.
    #[arg(long, value_name = "LANG")]
    lang: Option<Lang>,
    /// Play a grid: PAIR.KEY=FROM:TO:STEP, as often as wanted. Keys are those of `[[spread]]`:
    /// buy_open, buy_close, sell_open, sell_close, hysteresis, clip_units, max_units, cool_down_ms,
    /// max_quote_age_ms, max_quote_skew_ms.
    #[arg(long, value_name = "AXIS", allow_hyphen_values = true)]
    sweep: Vec<String>,
    /// What the best point of a grid is best in.
    #[arg(long, value_enum, default_value_t = sweep::Best::Profit, requires = "sweep")]
    best: sweep::Best,
    /// Threads of a grid; by default as many as there are cores.
    #[arg(long, value_name = "N", requires = "sweep",
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

/// What a backtest is made of, and what came of it.
pub(super) struct Played<'p> {
    source: String,
    kind: &'static str,
    market: &'p Source<'p>,
    model: &'p Backtest,
    labels: &'p Labels,
    outcome: &'p Outcome,
    record: Option<String>,
    seconds: f64,
    /// The command that makes it again.
    command: String,
    /// The digest of the source, if it is told.
    source_digest: Option<String>,
}

impl Played<'_> {
    /// The currency of a pair's money; nothing where nobody knows.
    fn currency(&self, pair: &str) -> String {
        currency(self.labels, pair)
    }
}

/// The currency of a pair's money; nothing where nobody knows.
fn currency(labels: &Labels, pair: &str) -> String {
    let Some(config) = &labels.configuration else { return String::new() };
    let spread = config.spreads.iter().find(|spread| spread.name.value == pair);
    spread.map_or_else(String::new, |spread| money::currency(config, spread).to_owned())
}

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let config = args.config.as_deref().map(config::load).transpose()?;
    if !is_journal(&args.path)? {
        let config = config.ok_or_else(|| {
            CliError::usage(format!(
                "{} is no journal, and a capture needs --config: it says which groups are feeds",
                args.path.display()
            ))
        })?;
        if args.run.is_some() {
            return Err(CliError::usage("--run is of a journal: a capture has no runs"));
        }
        return of_capture(args, config, out);
    }
    let audited = audit::verify(&args.path).map_err(CliError::could_not_run)?;
    if audited.finding.is_some() {
        let path = args.path.display();
        writeln!(out, "the journal is not whole: run `xmc audit verify {path}` for the place")?;
        return Ok(Exit::Finding);
    }
    let unreadable = |error| {
        let path = args.path.display();
        CliError::could_not_run(format!("cannot read the journal {path}: {error}"))
    };
    let segments = Segments::open(&args.path).map_err(unreadable)?;
    let mut market = Source::of_blocks(segments.payloads()).map_err(CliError::could_not_run)?;
    if let Some(run) = args.run {
        market.keep_run(run).map_err(CliError::usage)?;
    }
    let labels = match config {
        Some(config) => Labels::of(config),
        None => {
            let digest = market.config_digest().map_err(CliError::usage)?;
            Labels::find(&args.path, &digest).map_err(CliError::could_not_run)?
        }
    };
    act(args, &Job { market, labels, kind: "journal", is_setup_new: args.config.is_some() }, out)
}

fn of_capture(args: &Args, config: Configuration, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let loaded: Loaded = load(&args.path, &config)?;
    if let Some(damage) = &loaded.damage {
        eprintln!("DAMAGED, read only up to there: {damage}");
    }
    let tape = capture::record(&loaded, &config)?;
    let mut market = Source::of_blocks([&tape[..]]).map_err(CliError::could_not_run)?;
    market.prints = capture::prints(&loaded, &config);
    market.has_trades = !market.prints.is_empty();
    let labels = Labels::of(config);
    act(args, &Job { market, labels, kind: "capture", is_setup_new: false }, out)
}

/// Whether there is a journal: a directory, or a file that begins as a segment or as one that was
/// packed.
pub(in crate::cli) fn is_journal(path: &Path) -> Result<bool, CliError> {
    if path.is_dir() {
        return Ok(true);
    }
    let unreadable =
        |error| CliError::could_not_run(format!("cannot read {}: {error}", path.display()));
    let mut front = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(segment::MAGIC.len() as u64).read_to_end(&mut front).map_err(unreadable)?;
    Ok(front == segment::MAGIC || path.extension().is_some_and(|end| end == "zst"))
}

/// What is to be played.
struct Job<'j> {
    market: Source<'j>,
    labels: Labels,
    kind: &'static str,
    /// Whether desk and pairs are those of a configuration, and not those that were recorded.
    is_setup_new: bool,
}

fn act(args: &Args, job: &Job<'_>, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let config = job.labels.configuration.as_ref();
    let mut model = config.and_then(|config| config.backtest.clone()).unwrap_or_default();
    model.seed = args.seed.unwrap_or(model.seed);
    let split_ns = args.split.as_deref().map(|text| split(text, &job.market)).transpose()?;
    let terms = Terms {
        model,
        setup: config.filter(|_| job.is_setup_new).map(Setup::of),
        leaves_commands: args.without_commands,
        split_ns,
        changes: Vec::new(),
        money: config.map(Money::of).transpose().map_err(CliError::usage)?,
    };
    if !args.sweep.is_empty() {
        return sweep::run(args, job, &terms, out);
    }
    let start = Instant::now();
    let bar = progress(job.market.inputs());
    let mut done = |count| bar.inc(count);
    let outcome = match &args.record {
        None => play_with(&job.market, &terms, |_| Ok(Nowhere), |_, _| Ok(()), &mut done),
        Some(directory) => record(directory, job, &terms, &mut done)?,
    };
    bar.finish_and_clear();
    let outcome = outcome.map_err(failed)?;
    let source_digest = out.is_json().then(|| {
        let unreadable = |error| {
            CliError::could_not_run(format!("cannot read {}: {error}", args.path.display()))
        };
        lineage::digest(&args.path).map(|(digest, _)| digest).map_err(unreadable)
    });
    let played = Played {
        source: args.path.display().to_string(),
        kind: job.kind,
        market: &job.market,
        model: &terms.model,
        labels: &job.labels,
        outcome: &outcome,
        record: args.record.as_ref().map(|path| path.display().to_string()),
        seconds: start.elapsed().as_secs_f64(),
        command: command(args, terms.model.seed),
        source_digest: source_digest.transpose()?,
    };
    let lang = args.lang.unwrap_or_else(Lang::of_environment);
    if let Some(path) = &args.html {
        let unwritten =
            |error| CliError::could_not_run(format!("cannot write {}: {error}", path.display()));
        let mut file = BufWriter::new(File::create(path).map_err(unwritten)?);
        page::write(&played, lang, &mut file).map_err(unwritten)?;
        file.flush().map_err(unwritten)?;
    }
    report::write(&played, lang, out)?;
    Ok(Exit::Ok)
}

/// The command that makes a report again: what it says follows from these words.
fn command(args: &Args, seed: u64) -> String {
    let mut words = vec!["xmc backtest".to_owned(), args.path.display().to_string()];
    let config = args.config.as_ref().map(|path| path.display().to_string());
    let run = args.run.map(|run| run.to_string());
    let options = [
        ("--config", config),
        ("--run", run),
        ("--seed", Some(seed.to_string())),
        ("--split", args.split.clone()),
    ];
    for (option, value) in options {
        words.extend(value.map(|value| format!("{option} {value}")));
    }
    if args.without_commands {
        words.push("--without-commands".to_owned());
    }
    words.join(" ")
}

/// Plays into a journal of its own.
fn record(
    directory: &Path,
    job: &Job<'_>,
    terms: &Terms,
    done: &mut dyn FnMut(u64),
) -> Result<Result<Outcome, PlayError>, CliError> {
    let failed = |error: &dyn std::fmt::Display| {
        CliError::could_not_run(format!("{}: {error}", directory.display()))
    };
    sink::prepare(directory).map_err(|error| failed(&error))?;
    // Beside the record, so that whoever reads it later knows what its numbers were called.
    if let Some(config) = &job.labels.configuration {
        kept::keep(directory, &config.sources).map_err(|error| failed(&error))?;
    }
    let words = sink::words();
    let begin = |start: &_| Journal::begin(directory, &words, start);
    Ok(play_with(&job.market, terms, begin, Journal::finish, done))
}

fn failed(error: PlayError) -> CliError {
    match error {
        PlayError::Source(error @ crate::sim::backtest::source::SourceError::NoQuotes(_)) => {
            CliError::usage(error)
        }
        error => CliError::could_not_run(error),
    }
}

/// Where the second period begins, in nanoseconds since the beginning.
fn split(text: &str, market: &Source<'_>) -> Result<u64, CliError> {
    let lasted_ns = market.lasted_ns();
    if let Some(share) = text.strip_suffix('%') {
        let share = share.parse::<u64>().ok().filter(|share| (1..=99).contains(share));
        let share = share
            .ok_or_else(|| CliError::usage(format!("--split {text}: a share is from 1% to 99%")))?;
        return Ok(u64::try_from(u128::from(lasted_ns) * u128::from(share) / 100).unwrap_or(0));
    }
    let moment: jiff::Timestamp = text.parse().map_err(|error| {
        CliError::usage(format!(
            "--split {text}: {error}; write 2026-11-21T06:00:00Z, or a share as 70%"
        ))
    })?;
    let utc_ns = u64::try_from(moment.as_nanosecond()).ok();
    utc_ns.and_then(|utc_ns| market.elapsed_ns(utc_ns)).ok_or_else(|| {
        CliError::usage(format!("--split {text}: the source has no run at that moment"))
    })
}

/// What the pairs are called, by row.
fn pair_names(job: &Job<'_>, terms: &Terms) -> Vec<String> {
    let sizes = job.market.runs.iter().map(|run| crate::sim::backtest::play::size(run, terms));
    let rows = sizes.map(|size| size.spreads).max().unwrap_or(0);
    let rows = u32::try_from(rows).unwrap_or(u32::MAX);
    (0..rows).map(|row| job.labels.spread(SpreadIndex(row))).collect()
}
