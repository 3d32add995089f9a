//! A grid of backtests: which points, what came of each, and which was best in what.

use super::{Args, Job, commit, currency, failed, pair_names};
use crate::audit::export::{Cell, Sheet, column, count, text};
use crate::cli::sim::progress;
use crate::cli::{CliError, Exit, Report};
use crate::monitor::Lang;
use crate::sim::backtest::counts::Counts;
use crate::sim::backtest::play::Terms;
use crate::sim::backtest::sweep::{Axis, Point, grid, sweep};
use serde::Serialize;
use std::io::Write;
use std::thread;
use std::time::Instant;

/// What a point is best in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Best {
    /// The most profit after fees.
    Profit,
    /// The smallest drawdown.
    Drawdown,
    /// The fewest lot seconds out of ratio.
    Exposure,
    /// The largest share of fires that were filled whole.
    Whole,
}

impl Best {
    /// More of it is better; in millionths where it is a share.
    fn of(self, counts: &Counts) -> i128 {
        match self {
            Self::Profit => counts.profit_e9,
            Self::Drawdown => -counts.drawdown_e9,
            Self::Exposure => -i128::try_from(counts.exposed_lot_ns).unwrap_or(i128::MAX),
            Self::Whole => {
                i128::from(counts.fired.whole) * 1_000_000 / i128::from(counts.fired.fires.max(1))
            }
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Profit => "the most profit after fees",
            Self::Drawdown => "the smallest drawdown",
            Self::Exposure => "the fewest lot seconds out of ratio",
            Self::Whole => "the largest share of fires filled whole",
        }
    }
}

/// One point and what came of it.
#[derive(Debug, Serialize)]
struct Row<'s> {
    point: &'s str,
    /// All of it, or what is in sample.
    in_sample: Counts,
    out_of_sample: Option<Counts>,
}

#[derive(Debug, Serialize)]
struct Figures<'s> {
    commit: String,
    is_simulated: bool,
    seed: u64,
    points: Vec<Row<'s>>,
    best_in: Best,
    best: Option<&'s str>,
    warning: &'static str,
}

const WARNING: [&str; 2] = [
    "the best point was chosen on the very days that it is shown for: what it earned there says \
     little about other days; --split keeps some of them apart",
    "the best point was chosen in sample; its figures out of sample were not looked at for the \
     choice, and tell something as long as nobody chooses by them",
];

/// Plays the grid.
pub fn run(
    args: &Args,
    job: &Job<'_>,
    terms: &Terms,
    out: &mut Report<'_>,
) -> Result<Exit, CliError> {
    let pairs = pair_names(job, terms);
    let axes = args.sweep.iter().map(|text| Axis::read(text, &pairs));
    let axes = axes.collect::<Result<Vec<_>, _>>().map_err(CliError::usage)?;
    let points = grid(&axes).map_err(CliError::usage)?;
    let unit = unit(job, &axes)?;
    let is_swept = |row: usize| axes.iter().any(|axis| axis.spread.0 as usize == row);
    let cores = || thread::available_parallelism().map_or(1, |count| count.get());
    let threads = args.threads.map_or_else(cores, usize::from);
    let start = Instant::now();
    let bar = progress(points.len() as u64);
    let outcomes = sweep(&job.market, terms, &points, threads, &|| bar.inc(1));
    bar.finish_and_clear();
    let outcomes = outcomes.map_err(failed)?;
    let has_split = terms.split_ns.is_some();
    let of = |period: usize| {
        outcomes.iter().map(|outcome| outcome.period_of(period, is_swept)).collect::<Vec<_>>()
    };
    let (first, second) = (of(0), has_split.then(|| of(1)));
    let best = best(args.best, &first);
    let warning = WARNING[usize::from(has_split)];
    if out.is_json() {
        let figures = Figures {
            commit: commit(),
            is_simulated: true,
            seed: terms.model.seed,
            points: rows(&points, &first, second.as_deref()),
            best_in: args.best,
            best: best.map(|place| &*points[place].text),
            warning,
        };
        out.json("xmc.backtest.sweep", 1, &figures)?;
        return Ok(Exit::Ok);
    }
    let events: u64 = outcomes.iter().map(|outcome| outcome.events).sum();
    let seconds = start.elapsed().as_secs_f64();
    writeln!(out, "commit     {}", commit())?;
    writeln!(out, "source     {}", args.path.display())?;
    writeln!(
        out,
        "played     {} points on {threads} threads in {seconds:.1} s, seed {}, {:.2} million \
         events/s together",
        points.len(),
        terms.model.seed,
        events as f64 / seconds.max(1e-9) / 1e6
    )?;
    let lang = args.lang.unwrap_or_else(Lang::of_environment);
    let rows = rows(&points, &first, second.as_deref());
    text::write(&table(&rows, &unit), lang, out)?;
    if let Some(place) = best {
        writeln!(out, "\nbest       {}: {}", points[place].text, args.best.words())?;
    }
    writeln!(out, "warning    {warning}")?;
    Ok(Exit::Ok)
}

/// The points with what came of each.
fn rows<'s>(points: &'s [Point], first: &[Counts], second: Option<&[Counts]>) -> Vec<Row<'s>> {
    let row = |(place, (point, counts)): (usize, (&'s Point, &Counts))| Row {
        point: &point.text,
        in_sample: counts.clone(),
        out_of_sample: second.and_then(|second| second.get(place)).cloned(),
    };
    points.iter().zip(first).enumerate().map(row).collect()
}

/// The first of those that are best; none if nothing fired at any.
fn best(best: Best, counts: &[Counts]) -> Option<usize> {
    let places = (0..counts.len()).filter(|place| counts[*place].fired.fires > 0);
    places.rev().max_by_key(|place| best.of(&counts[*place]))
}

/// The currency of the pairs that are swept.
fn unit(job: &Job<'_>, axes: &[Axis]) -> Result<String, CliError> {
    let mut units = axes.iter().map(|axis| (&axis.pair, currency(&job.labels, &axis.pair)));
    let Some((first, unit)) = units.next() else { return Ok(String::new()) };
    match units.find(|(_, other)| *other != unit) {
        None => Ok(unit),
        Some((pair, other)) => Err(CliError::usage(format!(
            "{first} is in {unit} and {pair} in {other}: there is no profit of both, sweep them \
             apart"
        ))),
    }
}

/// What was swept, together: its other pairs are not in it.
fn table(points: &[Row<'_>], unit: &str) -> Sheet {
    let figures = |of: &Counts| {
        [
            Cell::Fixed(of.profit_e9, 4),
            Cell::Fixed(of.drawdown_e9, 4),
            count(of.fired.fires),
            Cell::Ratio(of.fired.whole, of.fired.fires),
            count(of.fired.one_sided),
            Cell::E9(i128::try_from(of.exposed_lot_ns).unwrap_or(i128::MAX)),
        ]
    };
    let rows = points.iter().map(|point| {
        let mut row = vec![Cell::Text(point.point.to_owned()), Cell::Text(unit.to_owned())];
        row.extend(figures(&point.in_sample));
        row.extend(point.out_of_sample.iter().flat_map(figures));
        row
    });
    let mut columns = vec![
        column("point", "point", "参数"),
        column("currency", "currency", "币种"),
        column("profit", "profit", "费后损益"),
        column("drawdown", "drawdown", "最大回撤"),
        column("fires", "fires", "触发"),
        column("whole", "whole", "足额率"),
        column("one_sided", "one-sided", "单边"),
        column("exposure", "lot s", "单边手秒"),
    ];
    if points.iter().any(|point| point.out_of_sample.is_some()) {
        columns.extend([
            column("profit_out", "out: profit", "样本外损益"),
            column("drawdown_out", "drawdown", "最大回撤"),
            column("fires_out", "fires", "触发"),
            column("whole_out", "whole", "足额率"),
            column("one_sided_out", "one-sided", "单边"),
            column("exposure_out", "lot s", "单边手秒"),
        ]);
    }
    let title = ["Points, the swept pairs together", "参数网格（所扫组合合计）"];
    Sheet { name: "sweep", title, columns, rows: rows.collect() }
}
