//! `xmc sim`: schedules of faults against the desk, counted.
//!
//! The same code as the tests run, for amounts that no test has time for. Every figure is printed
//! with the seed and the commit: zero failures in N schedules says something about these faults,
//! this code and nothing else.

mod matrix;
mod scenario;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::latency::commit;
use super::{CliError, Exit, Report};
use crate::sim::endings::FireEnds;
use crate::sim::exhaustive::{self, ALPHABET, Count, Sequence};
use crate::sim::fault::Hits;
use crate::sim::plan::{self, Seed};
use crate::sim::sweep;
use crate::sim::world::{Ends, Watch};

/// Run the desk through schedules of faults on virtual time, with checkers after every event.
///
/// Everything follows from the seeds: a failure prints the command that shows it again, after the
/// faults and steps that it does not need were taken away. Exit code 1 if an invariant broke.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Schedules to run; each has a seed of its own.
    #[arg(long, value_name = "N", default_value_t = 10_000,
          value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first seed.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// What to run.
    #[arg(long, value_enum, default_value_t = Level::Desk)]
    level: Level,
    /// What schedules are drawn from.
    #[arg(long, value_enum, default_value_t = Regime::Swarm)]
    regime: Regime,
    /// Fail if less of the fires that had to be repaired ended flat without a halt, in percent.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    least_flat: Option<f64>,
    /// Events per sequence, for `--level sequences`: twice 22 to this power are run.
    #[arg(long, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u32).range(1..=8))]
    depth: u32,
    /// Every sequence of so many events: the same as `--level sequences --depth N`.
    #[arg(long, value_name = "DEPTH", conflicts_with_all = ["level", "depth", "seeds", "scenario"],
          value_parser = clap::value_parser!(u32).range(1..=8))]
    exhaustive: Option<u32>,
    /// Threads; by default as many as there are cores.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Tell one schedule, event by event: the first seed, with only the faults of this mask. With
    /// `--level sequences` the sequence of that number.
    #[arg(long, value_name = "MASK", value_parser = number)]
    tell: Option<u64>,
    /// Market steps (at the wire level packets) of the schedule that is told.
    #[arg(long, value_name = "N", default_value_t = u32::MAX, requires = "tell")]
    steps: u32,
    /// Show where each fault struck: the desk's safe state and how far its fires were. With --json
    /// it is always there.
    #[arg(long)]
    matrix: bool,
    /// Play a famous failure again instead: its name, `all`, or `list`.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["tell", "matrix"])]
    scenario: Option<String>,
    /// Write the journal of each scenario into a directory of its name in this one.
    #[arg(long, value_name = "DIR", requires = "scenario")]
    record: Option<PathBuf>,
}

/// What is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
enum Level {
    /// The desk, stepped with inputs.
    Desk,
    /// The stages, from the bytes of a feed to the bytes of orders.
    Wire,
    /// The desk, through every sequence of order news.
    Sequences,
}

/// What schedules are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
enum Regime {
    /// All that can go wrong, in any mixture, and any configuration.
    Swarm,
    /// Venues answer and books are live: no disconnect, no silence, no lost book, nobody who halts
    /// anything. Up to 3 % of orders are refused, up to 20 % find nothing, up to 20 % are filled in
    /// part, drawn per schedule; spreads, tries, deadline and limits are those of the samples in
    /// config/. For how fires end (`--level desk`).
    Answering,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Figures {
    commit: String,
    level: Level,
    regime: Regime,
    first_seed: u64,
    schedules: u64,
    inputs: u64,
    orders: u64,
    fires_done: u64,
    bookings: u64,
    record_bytes: u64,
    snapshots: u64,
    seconds: f64,
    faults: BTreeMap<&'static str, u64>,
    matrix: matrix::Cells,
    #[serde(skip)]
    hits: Option<Hits>,
    gates: BTreeMap<&'static str, u64>,
    alerts: BTreeMap<&'static str, u64>,
    repairs: BTreeMap<&'static str, u64>,
    repaired: u64,
    inside: u64,
    inside_lots: u64,
    may_meet: u64,
    meeting: u64,
    removed: u64,
    followed: u64,
    pulled: u64,
    /// Rulings of the user's rules that were told.
    ruled: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends: Option<Ends>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fire_ends: Option<FireEnds>,
    /// Why fires have left lots over.
    causes: BTreeMap<String, u64>,
    failure: Option<String>,
    broken: Option<Broken>,
}

/// Is told how many more have been run.
type Done<'d> = &'d (dyn Fn(u64) + Sync);

/// What broke, for whoever reads the report as JSON.
#[derive(Clone, Copy, Debug, Serialize)]
struct Broken {
    /// The name of the invariant, or `panic`.
    invariant: &'static str,
    /// The seed that it was found with; the number of a sequence.
    seed: u64,
}

fn percent(text: &str) -> Result<f64, String> {
    let parsed: f64 = text.parse().map_err(|error| format!("{text}: {error}"))?;
    if (0.0..=100.0).contains(&parsed) {
        return Ok(parsed);
    }
    Err(format!("{text}: a share is 0 to 100 percent"))
}

impl From<Regime> for plan::Regime {
    fn from(regime: Regime) -> Self {
        match regime {
            Regime::Swarm => Self::Swarm,
            Regime::Answering => Self::Answering,
        }
    }
}

fn number(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|error| format!("{text}: {error}; write it in decimal or as 0x.."))
}

/// Runs the command.
///
/// # Errors
/// `Output` if the report cannot be written.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    if let Some(depth) = args.exhaustive {
        let args = Args { level: Level::Sequences, depth, exhaustive: None, ..args.clone() };
        return run(&args, out);
    }
    if args.regime != Regime::Swarm && args.level != Level::Desk {
        let what = "--regime answering is of schedules of the desk: leave --level out";
        return Err(CliError::usage(what.to_owned()));
    }
    if let Some(name) = &args.scenario {
        return scenario::run(name, args.record.as_deref(), out);
    }
    if let Some(mask) = args.tell {
        return tell(args, mask, out);
    }
    let threads = args
        .threads
        .unwrap_or_else(|| thread::available_parallelism().map_or(1, |count| count.get()));
    let start = Instant::now();
    let bar = progress(match args.level {
        Level::Desk | Level::Wire => args.seeds,
        Level::Sequences => exhaustive::count(args.depth),
    });
    let done = |count| bar.inc(count);
    let mut figures = match args.level {
        Level::Desk => Figures::of_sweep(args, sweep::Level::Desk, threads, &done),
        Level::Wire => Figures::of_sweep(args, sweep::Level::Wire, threads, &done),
        Level::Sequences => Figures::of_sequences(args, threads, &done),
    };
    bar.finish_and_clear();
    figures.seconds = start.elapsed().as_secs_f64();
    figures.write(out, args.matrix)?;
    let is_short = figures.is_short(args.least_flat);
    if is_short && !out.is_json() {
        let least = args.least_flat.unwrap_or(0.0);
        writeln!(out, "FAILED    fewer than {least} % of the repairs ended flat without a halt")?;
    }
    Ok(if figures.failure.is_some() || is_short { Exit::Finding } else { Exit::Ok })
}

/// On stderr, and only if that is a terminal.
pub(super) fn progress(amount: u64) -> ProgressBar {
    let template = "{elapsed_precise} {bar:40} {pos}/{len} {per_sec}, {eta} left";
    let style = ProgressStyle::with_template(template).expect("the template is ours");
    ProgressBar::new(amount).with_style(style)
}

fn tell(args: &Args, mask: u64, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let regime = args.regime.into();
    let seed = Seed { seed: args.seed, mask, most_steps: args.steps, regime };
    let mut lines = Vec::new();
    let watch: &mut Watch<'_> = &mut |input, outputs| {
        lines.push(format!("{} {:?}", input.now.0, input.event));
        lines.extend(outputs.orders().map(|order| format!("    {order:?}")));
        lines.extend(outputs.details().map(|detail| format!("    {detail:?}")));
    };
    let outcome = match args.level {
        Level::Desk => sweep::Level::Desk.run_watched(seed, watch).map(drop),
        Level::Wire => sweep::Level::Wire.run_watched(seed, watch).map(drop),
        Level::Sequences => {
            let sequence = Sequence { number: args.seed, depth: args.depth };
            exhaustive::run(sequence, &mut Count::default(), watch)
        }
    };
    for line in lines {
        writeln!(out, "{line}")?;
    }
    match outcome {
        Ok(()) => {
            writeln!(out, "every invariant holds")?;
            Ok(Exit::Ok)
        }
        Err(violation) => {
            writeln!(out, "{violation}")?;
            Ok(Exit::Finding)
        }
    }
}

impl Figures {
    fn of_sweep(args: &Args, level: sweep::Level, threads: usize, done: Done<'_>) -> Self {
        let regime = args.regime.into();
        let sweep = sweep::run_told(level, regime, args.seed, args.seeds, threads, done);
        let total = &sweep.total;
        Self {
            schedules: sweep.schedules,
            inputs: total.inputs,
            orders: total.orders,
            fires_done: total.traded,
            bookings: total.bookings,
            record_bytes: total.record_bytes,
            snapshots: total.snapshots,
            faults: total.hits.iter().map(|(fault, hits)| (fault.word(), hits)).collect(),
            matrix: matrix::cells(&total.hits),
            hits: Some(total.hits.clone()),
            gates: total.gates.iter().map(|(gate, count)| (gate.word(), *count)).collect(),
            alerts: total.alerts.iter().map(|(kind, count)| (kind.word(), *count)).collect(),
            repairs: total.repairs.iter().map(|(way, count)| (way.word(), *count)).collect(),
            repaired: total.repaired,
            inside: total.inside,
            inside_lots: total.inside_lots,
            may_meet: total.may_meet,
            meeting: sweep.meeting,
            removed: total.removed,
            followed: total.followed,
            pulled: total.pulled,
            ruled: total.ruled,
            ends: (total.ends.spreads > 0).then(|| total.ends.clone()),
            fire_ends: (total.fire_ends.fires > 0).then_some(total.fire_ends),
            causes: total.causes.iter().fold(BTreeMap::new(), |mut sums, (cause, count)| {
                *sums.entry(cause.word()).or_default() += count;
                sums
            }),
            failure: sweep.failure.as_ref().map(ToString::to_string),
            broken: sweep.failure.as_ref().map(|failure| Broken {
                invariant: failure.violation.invariant,
                seed: failure.found.seed,
            }),
            ..Self::nothing(args)
        }
    }

    fn of_sequences(args: &Args, threads: usize, done: Done<'_>) -> Self {
        match exhaustive::all_told(args.depth, threads, done) {
            Ok(count) => Self {
                schedules: count.sequences,
                inputs: count.inputs,
                orders: count.orders,
                ..Self::nothing(args)
            },
            Err(failure) => Self {
                failure: Some(failure.to_string()),
                broken: Some(Broken {
                    invariant: failure.violation.invariant,
                    seed: failure.sequence.number,
                }),
                ..Self::nothing(args)
            },
        }
    }

    fn nothing(args: &Args) -> Self {
        Self {
            commit: commit(),
            level: args.level,
            regime: args.regime,
            first_seed: args.seed,
            schedules: 0,
            inputs: 0,
            orders: 0,
            fires_done: 0,
            bookings: 0,
            record_bytes: 0,
            snapshots: 0,
            seconds: 0.0,
            faults: BTreeMap::new(),
            matrix: matrix::Cells::new(),
            hits: None,
            gates: BTreeMap::new(),
            alerts: BTreeMap::new(),
            repairs: BTreeMap::new(),
            repaired: 0,
            inside: 0,
            inside_lots: 0,
            may_meet: 0,
            meeting: 0,
            removed: 0,
            followed: 0,
            pulled: 0,
            ruled: 0,
            ends: None,
            fire_ends: None,
            causes: BTreeMap::new(),
            failure: None,
            broken: None,
        }
    }

    /// Whether fewer fires than that have been mended, percent of those that had to be; none that
    /// had to be is too few.
    fn is_short(&self, least: Option<f64>) -> bool {
        let ends = self.fire_ends.unwrap_or_default();
        let mended = 100.0 * ends.flat as f64;
        least.is_some_and(|least| ends.repaired == 0 || mended < least * ends.repaired as f64)
    }

    fn write(&self, out: &mut Report<'_>, shows_matrix: bool) -> Result<(), CliError> {
        if out.is_json() {
            out.json("xmc.sim", 1, self)?;
            return Ok(());
        }
        let what = match self.level {
            Level::Desk | Level::Wire => format!("schedules from seed {}", self.first_seed),
            Level::Sequences => format!("sequences over {ALPHABET} events"),
        };
        writeln!(out, "commit    {}", self.commit)?;
        writeln!(out, "ran       {} {what} in {:.1} s", self.schedules, self.seconds)?;
        writeln!(out, "inputs    {}", self.inputs)?;
        writeln!(out, "orders    {}", self.orders)?;
        if self.level != Level::Sequences {
            writeln!(out, "bookings  {}", self.bookings)?;
            writeln!(out, "fires     {} done whole", self.fires_done)?;
            writeln!(out, "repaired  {} fires out of ratio", self.repaired)?;
            writeln!(
                out,
                "inside    {} needs met, of {} lots, in {} of {} schedules where they may",
                self.inside, self.inside_lots, self.meeting, self.may_meet
            )?;
            writeln!(out, "removed   {} spreads that were flat and at rest", self.removed)?;
            writeln!(
                out,
                "followed  {} batches of legs, after one that was sent first",
                self.followed
            )?;
            writeln!(out, "pulled    {} orders that rested and were taken back", self.pulled)?;
            writeln!(out, "ruled     {} rulings of the user's rules", self.ruled)?;
            writeln!(out, "replayed  {} bytes of record, byte for byte", self.record_bytes)?;
            writeln!(out, "restored  {} desks from a snapshot on the way", self.snapshots)?;
        }
        if let Some(ends) = &self.ends {
            write_ends(ends, out)?;
        }
        if let Some(ends) = &self.fire_ends {
            write_fire_ends(ends, &self.causes, out)?;
        }
        for (title, rows) in [
            ("faults", &self.faults),
            ("gates", &self.gates),
            ("alerts", &self.alerts),
            ("repairs", &self.repairs),
        ] {
            let rows: Vec<_> = rows.iter().map(|(word, count)| format!("{word} {count}")).collect();
            if !rows.is_empty() {
                writeln!(out, "{title:<9} {}", rows.join(", "))?;
            }
        }
        if let Some(hits) = self.hits.as_ref().filter(|_| shows_matrix) {
            matrix::write(out, hits)?;
        }
        match &self.failure {
            Some(failure) => writeln!(out, "FAILED    {failure}")?,
            None => writeln!(out, "result    every invariant held")?,
        }
        Ok(())
    }
}

fn write_ends(ends: &Ends, out: &mut Report<'_>) -> Result<(), CliError> {
    let percent = |part: u64, of: u64| 100.0 * part as f64 / of.max(1) as f64;
    let ms = |ns: u64| ns as f64 / 1e6;
    writeln!(
        out,
        "ended     {} spreads that may be repaired: {} halted ({:.2} %), {} with lots left over \
         ({:.2} %), {} lots and {} of money at most; {:.1} ms out of ratio at most",
        ends.spreads,
        ends.halted,
        percent(ends.halted, ends.spreads),
        ends.one_sided,
        percent(ends.one_sided, ends.spreads),
        ends.most_lots,
        ends.most_value_e9 / 1_000_000_000,
        ms(ends.longest_ns),
    )?;
    writeln!(
        out,
        "answered  {} of them where every venue answers: {:.3} % with nothing left over and not \
         halted, {:.3} % halted by a breaker, a rule or a limit with nothing left over; {:.1} ms \
         out of ratio at most",
        ends.answered,
        percent(ends.answered_flat, ends.answered),
        percent(ends.answered_halted, ends.answered),
        ms(ends.answered_longest_ns),
    )?;
    if !ends.answered_causes.is_empty() {
        writeln!(out, "  why not {}", counted(&ends.answered_causes))?;
    }
    let kinds = ends.answered_kinds.iter();
    let kinds: Vec<_> =
        kinds.map(|(kind, of)| format!("{kind}: {:.3} %", percent(of.flat, of.spreads))).collect();
    writeln!(out, "  flat by {}", kinds.join("; "))?;
    Ok(())
}

fn counted(rows: &BTreeMap<String, u64>) -> String {
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by_key(|(word, count)| (Reverse(**count), word.as_str()));
    let rows: Vec<_> = rows.into_iter().map(|(word, count)| format!("{word} {count}")).collect();
    rows.join(", ")
}

fn write_fire_ends(
    ends: &FireEnds,
    causes: &BTreeMap<String, u64>,
    out: &mut Report<'_>,
) -> Result<(), CliError> {
    let percent = |part: u64, of: u64| 100.0 * part as f64 / of.max(1) as f64;
    writeln!(
        out,
        "repairs   {} of {} fires had to be repaired: {:.3} % of these ended flat without a halt, \
         {} flat and halted by something else, {} with lots left over, {} not at all",
        ends.repaired,
        ends.fires,
        percent(ends.flat, ends.repaired),
        ends.halted,
        ends.left_over,
        ends.unended,
    )?;
    writeln!(
        out,
        "all fires {:.3} % ended flat without a halt; left over at worst {} lots of a leg, {} of \
         money; {:.3} s out of ratio at worst",
        percent(ends.all_flat(), ends.fires),
        ends.most_lots,
        ends.most_value_e9 / 1_000_000_000,
        ends.longest_ns as f64 / 1e9,
    )?;
    if !causes.is_empty() {
        writeln!(out, "  why not {}", counted(causes))?;
    }
    Ok(())
}
