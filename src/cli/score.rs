//! `xmc score`: the desk against the same desk leg after leg, in the same seeded markets.
//!
//! Everything follows from the seeds. What is printed is counted from the records of both, and says
//! what the market was and in what the two differ; it is a simulation, and says so.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use serde::Serialize;

use super::latency::commit;
use super::sim::progress;
use super::{CliError, Exit, Report};
use crate::sim::network::Delay;
use crate::sim::record;
use crate::sim::score::figure::{FIGURES, Figure};
use crate::sim::score::interval::{DRAWS, Interval, Pair, SURE_PCT, differences, sum};
use crate::sim::score::market::{JUMP_TICKS, MarketTerms, REQUOTE_MS, REST_MS, TAKE_MS};
use crate::sim::score::play::{Apart, CLEARED_AFTER, LEVEL_TICKS, WIRE, spread};
use crate::sim::score::receipts::Counts;
use crate::sim::score::{Terms, score, scores};

/// Compare the desk with the same desk run leg after leg, in the same simulated markets.
///
/// Opportunity capture, execution success, failures, slippage, one-sided exposure and the cost of
/// repairs, counted from the records of both, with intervals over the seeds. Exit code 1 if the
/// desk is worse in one of the first four.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Markets to trade in; each has a seed of its own.
    #[arg(long, value_name = "N", default_value_t = 200,
          value_parser = clap::value_parser!(u64).range(2..=1_000_000))]
    seeds: u64,
    /// The first seed.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// How long each market trades.
    #[arg(long, value_name = "SECONDS", default_value_t = 60,
          value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// For how long a spread stands open, on average.
    #[arg(long, value_name = "MS", default_value_t = 500,
          value_parser = clap::value_parser!(u64).range(1..=60_000))]
    life_ms: u64,
    /// The later leg leaves at least so long after the first one, in the desk that is compared
    /// with.
    #[arg(long, value_name = "MS", default_value_t = 20)]
    least_ms: u64,
    /// At most so long; beyond 500 its orders would be taken for lost.
    #[arg(long, value_name = "MS", default_value_t = 200,
          value_parser = clap::value_parser!(u64).range(0..=500))]
    most_ms: u64,
    /// Threads; by default as many as there are cores.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Write the journals of the first seed's two desks into directories of their names in this
    /// one.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
}

/// The two desks, as they are called.
const NAMES: [&str; 2] = ["all_at_once", "leg_after_leg"];

/// How a figure came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// The desk is better: zero is outside the interval.
    Better,
    /// The desk is worse.
    Worse,
    /// Zero is inside.
    Undecided,
}

/// One figure, of both.
#[derive(Clone, Copy, Debug, Serialize)]
struct Row {
    title: [&'static str; 2],
    unit: &'static str,
    what: &'static str,
    all_at_once: Option<f64>,
    leg_after_leg: Option<f64>,
    difference: Option<f64>,
    interval: Option<Interval>,
    is_required: bool,
    verdict: Verdict,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Figures {
    commit: String,
    is_simulated: bool,
    first_seed: u64,
    seeds: u64,
    seconds: f64,
    terms: Terms,
    market: Vec<String>,
    differs: Vec<String>,
    interval: String,
    figures: BTreeMap<&'static str, Row>,
    counts: BTreeMap<&'static str, Counts>,
}

/// Runs the command.
///
/// # Errors
/// `Usage` if the delays are the wrong way round, `CouldNotRun` if the desk broke an invariant or a
/// journal cannot be written.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let Args { least_ms, most_ms, .. } = *args;
    if least_ms > most_ms {
        let what = format!("--least-ms {least_ms} is above --most-ms {most_ms}: swap them");
        return Err(CliError::usage(what));
    }
    let terms = Terms {
        market: MarketTerms { seconds: args.seconds, life_ms: args.life_ms },
        apart: Apart { least_ms, most_ms },
    };
    if let Some(directory) = &args.record {
        write_journals(directory, args.seed, &terms)?;
    }
    let threads = args
        .threads
        .unwrap_or_else(|| thread::available_parallelism().map_or(1, |count| count.get()));
    let start = Instant::now();
    let bar = progress(args.seeds);
    let pairs = scores(args.seed, args.seeds, threads, &terms, &|count| bar.inc(count));
    bar.finish_and_clear();
    let pairs = pairs.map_err(|error| CliError::could_not_run(error.to_string()))?;
    let figures = Figures::of(args, terms, &pairs, start.elapsed().as_secs_f64());
    figures.write(out)?;
    let is_worse =
        figures.figures.values().any(|row| row.is_required && row.verdict == Verdict::Worse);
    Ok(if is_worse { Exit::Finding } else { Exit::Ok })
}

fn write_journals(directory: &Path, seed: u64, terms: &Terms) -> Result<(), CliError> {
    let scored = score(seed, terms).map_err(|error| CliError::could_not_run(error.to_string()))?;
    for (name, played) in NAMES.iter().zip(&scored.played) {
        let directory = directory.join(name);
        record::write(&directory, &played.start, &played.record).map_err(|error| {
            CliError::could_not_run(format!("{}: {error}", directory.display()))
        })?;
    }
    Ok(())
}

impl Row {
    fn of(figure: &Figure, sums: &Pair, interval: Option<Interval>) -> Self {
        let [desk, apart] = sums;
        let verdict = match interval {
            Some(Interval { low, .. }) if low > 0.0 && figure.is_more_better => Verdict::Better,
            Some(Interval { high, .. }) if high < 0.0 && !figure.is_more_better => Verdict::Better,
            Some(Interval { low, high }) if low > 0.0 || high < 0.0 => Verdict::Worse,
            _ => Verdict::Undecided,
        };
        Self {
            title: figure.title,
            unit: figure.unit,
            what: figure.what,
            all_at_once: figure.of(desk),
            leg_after_leg: figure.of(apart),
            difference: figure.difference(sums),
            interval,
            is_required: figure.is_required,
            verdict,
        }
    }
}

impl Figures {
    fn of(args: &Args, terms: Terms, pairs: &[Pair], seconds: f64) -> Self {
        let sums = sum(pairs);
        let intervals = differences(pairs, FIGURES);
        let rows = FIGURES.iter().zip(intervals);
        Self {
            commit: commit(),
            is_simulated: true,
            first_seed: args.seed,
            seeds: args.seeds,
            seconds,
            terms,
            market: market(&terms),
            differs: differs(&terms),
            interval: format!(
                "{SURE_PCT} % percentile bootstrap of the difference over seeds, both runs of a \
                 seed drawn together, {DRAWS} draws"
            ),
            figures: rows.map(|(of, interval)| (of.key, Row::of(of, &sums, interval))).collect(),
            counts: NAMES.into_iter().zip(sums).collect(),
        }
    }

    fn write(&self, out: &mut Report<'_>) -> Result<(), CliError> {
        if out.is_json() {
            out.json("xmc.score", 1, self)?;
            return Ok(());
        }
        writeln!(out, "commit    {}", self.commit)?;
        let (seeds, first) = (self.seeds, self.first_seed);
        writeln!(out, "ran       {seeds} markets from seed {first} in {:.1} s", self.seconds)?;
        for (title, lines) in [("simulated", &self.market), ("differs", &self.differs)] {
            for (number, line) in lines.iter().enumerate() {
                writeln!(out, "{:<9} {line}", if number == 0 { title } else { "" })?;
            }
        }
        writeln!(out, "interval  {}", self.interval)?;
        writeln!(out)?;
        let [desk, apart] = NAMES.map(|name| name.replace('_', " "));
        writeln!(out, "{:<20} {desk:>12} {apart:>14}  difference", "")?;
        for figure in FIGURES {
            let row = &self.figures[figure.key];
            let number = |value: Option<f64>| value.map_or("-".to_owned(), figures);
            let interval = row.interval.map_or(String::new(), |Interval { low, high }| {
                format!(" [{}, {}]", figures(low), figures(high))
            });
            let verdict = match row.verdict {
                Verdict::Better => "better",
                Verdict::Worse => "worse",
                Verdict::Undecided => "undecided",
            };
            writeln!(
                out,
                "{:<20} {:>12} {:>14}  {}{interval} {}: {verdict}  {}",
                row.title[0],
                number(row.all_at_once),
                number(row.leg_after_leg),
                number(row.difference),
                row.unit,
                row.title[1],
            )?;
        }
        writeln!(out)?;
        let [desk, apart] = NAMES.map(|name| &self.counts[name]);
        for (title, count) in COUNTS {
            writeln!(out, "{title:<20} {:>12} {:>14}", count(desk), count(apart))?;
        }
        writeln!(out)?;
        for figure in FIGURES {
            writeln!(out, "{:<20} {}", figure.title[0], figure.what)?;
        }
        Ok(())
    }
}

/// A count and how it is called.
type Count = (&'static str, fn(&Counts) -> u64);

/// What is counted beneath the figures.
const COUNTS: &[Count] = &[
    ("opportunities", |counts| counts.opportunities),
    ("captured", |counts| counts.captured),
    ("fires", |counts| counts.fired.fires),
    ("  whole", |counts| counts.fired.whole),
    ("  in part, in ratio", |counts| counts.fired.partial),
    ("  empty", |counts| counts.fired.empty),
    ("  one-sided", |counts| counts.fired.one_sided),
    ("    mended, flat", |counts| counts.ended.flat),
    ("    flat, but halted", |counts| counts.ended.halted),
    ("    lots left over", |counts| counts.ended.left_over),
    ("  not ended", |counts| counts.fired.unended),
    ("repairs: completed", |counts| counts.fired.completed),
    ("repairs: traded back", |counts| counts.fired.traded_back),
    ("ended out of ratio", |counts| counts.broken),
    ("units done", |counts| counts.done_units),
    ("most lots one-sided", |counts| counts.most_lots),
];

/// Four significant figures, more or less: enough for what an interval says.
fn figures(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 1,
        size if size >= 1.0 => 2,
        size if size >= 0.01 => 4,
        _ => 6,
    };
    format!("{value:.digits$}")
}

fn market(terms: &Terms) -> Vec<String> {
    let MarketTerms { seconds, life_ms } = terms.market;
    let [least, most] = JUMP_TICKS;
    let wire = WIRE.map(|Delay { least_ns, spread_ns }| {
        format!("{} to {} us", least_ns / 1_000, (least_ns + spread_ns) / 1_000)
    });
    vec![
        format!("two venues that quote the same thing, {seconds} s each; no real market's figures"),
        format!("a venue quotes every {REQUOTE_MS} ms and jumps by {least} to {most} ticks every"),
        format!("{REST_MS} ms on average; the spread stands open for {life_ms} ms on average (all"),
        "exponential), then the other follows or it comes back, either as often".to_owned(),
        format!("others take 1 to 4 lots every {TAKE_MS} ms while it does, where it is the best"),
        format!("messages take {} to the venue at home, {} abroad, one way", wire[0], wire[1]),
        format!("an opportunity is a time in which one unit is to be had at {LEVEL_TICKS} ticks"),
        "or more, as the market would be without either desk".to_owned(),
    ]
}

fn differs(terms: &Terms) -> Vec<String> {
    let Apart { least_ms, most_ms } = terms.apart;
    let timeout_ms = spread().ack_timeout.0 / 1_000_000;
    let cleared_s = CLEARED_AFTER.0 / 1_000_000_000;
    vec![
        "in nothing but when orders leave: of those that one input leads to, the later leg's are"
            .to_owned(),
        format!("held back on their way to the venue, {least_ms} to {most_ms} ms drawn evenly for"),
        "each batch; repairs of one leg leave at once; the desk is not told".to_owned(),
        format!("both wait {timeout_ms} ms for an answer, so that none is given up for that; both"),
        "have the same repair, limits and levels, and no breakers; a person sees to a spread that"
            .to_owned(),
        format!("was halted after {cleared_s} s"),
    ]
}
