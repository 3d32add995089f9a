//! `xmc percentiles`: one distribution, or two beside each other, and whether they are in budget.

mod page;

use super::plan::table::{Align, Table};
use super::{CliError, Exit, Report};
use crate::percentiles::{self, Curve};
use serde::Serialize;
use std::fmt;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::str::FromStr;

/// Shares that the table has.
const SHARES: [(f64, &str); 7] = [
    (0.5, "p50"),
    (0.9, "p90"),
    (0.99, "p99"),
    (0.999, "p99.9"),
    (0.9999, "p99.99"),
    (0.99999, "p99.999"),
    (1.0, "max"),
];

/// Show latencies that were kept in files, one or two beside each other, against a budget.
///
/// Reads what the tools of HdrHistogram write: percentiles (.hgrm), and logs of intervals (.hlog),
/// whose intervals are added. `xmc latency --out DIR`, `xmc run` and `xmc demo` leave both. Exit
/// code 1 if the last file is above the budget somewhere.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to look at; of two, the first is what the second is compared with.
    #[arg(value_name = "FILE", required = true, num_args = 1..=2)]
    files: Vec<PathBuf>,
    /// The unit of the files: ns, us, ms or s.
    #[arg(long, value_enum, default_value_t = Unit::Ns)]
    unit: Unit,
    /// What is allowed: `p50=1us,p99.9=5us,max=1ms`.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    budget: Vec<Allowed>,
    /// Draw them on a page of their own that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// What the values of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Unit {
    /// Nanoseconds.
    Ns,
    /// Microseconds.
    Us,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
}

impl Unit {
    const fn nanoseconds(self) -> f64 {
        match self {
            Self::Ns => 1.0,
            Self::Us => 1e3,
            Self::Ms => 1e6,
            Self::S => 1e9,
        }
    }
}

/// One line of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Allowed {
    /// This share of the samples
    share: f64,
    /// may take so long.
    most_ns: f64,
}

impl FromStr for Allowed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{text}`: {why}; write it as p99.9=5us or max=1ms");
        let (share, most) = text.split_once('=').ok_or_else(|| wrong("there is no `=`"))?;
        let share = match share.trim() {
            "max" => 1.0,
            named => {
                named
                    .strip_prefix('p')
                    .and_then(|percent| percent.parse::<f64>().ok())
                    .filter(|percent| (0.0..=100.0).contains(percent))
                    .ok_or_else(|| wrong("before `=` goes p and a number to 100, or max"))?
                    / 100.0
            }
        };
        let most = most.trim();
        let (number, unit) = most.split_at(most.find(|c: char| c.is_alphabetic()).unwrap_or(0));
        let unit = match unit {
            "ns" => Unit::Ns,
            "us" | "µs" => Unit::Us,
            "ms" => Unit::Ms,
            "s" => Unit::S,
            _ => return Err(wrong("after the number goes its unit: ns, us, ms or s")),
        };
        let number = number.parse::<f64>().ok().filter(|number| *number > 0.0);
        let number = number.filter(|number| number.is_finite());
        let number = number.ok_or_else(|| wrong("after `=` goes a number above zero"))?;
        Ok(Self { share, most_ns: number * unit.nanoseconds() })
    }
}

/// A file and what it holds, in nanoseconds.
pub(super) struct Kept {
    name: String,
    curve: Curve,
}

/// A duration as people read it: four digits at most.
pub(super) struct Shown(pub f64);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, unit) = match self.0 {
            ns if ns < 1e3 => (ns, "ns"),
            ns if ns < 1e6 => (ns / 1e3, "µs"),
            ns if ns < 1e9 => (ns / 1e6, "ms"),
            ns => (ns / 1e9, "s"),
        };
        match value {
            small if small < 10.0 => write!(f, "{small:.2} {unit}"),
            middle if middle < 100.0 => write!(f, "{middle:.1} {unit}"),
            large => write!(f, "{large:.0} {unit}"),
        }
    }
}

#[derive(Serialize)]
struct Told<'k> {
    files: Vec<OfFile<'k>>,
    budget: Vec<Judged>,
}

#[derive(Serialize)]
struct OfFile<'k> {
    file: &'k str,
    count: u64,
    /// By the names that the table has, nanoseconds.
    percentiles_ns: serde_json::Map<String, serde_json::Value>,
}

/// What became of one line of a budget.
#[derive(Serialize)]
pub(super) struct Judged {
    #[serde(flatten)]
    allowed: Allowed,
    /// What the last file has there.
    is_ns: f64,
    is_met: bool,
}

/// Runs the command.
///
/// # Errors
/// `CouldNotRun` if a file cannot be read or the page not be written, `Usage` if a file is none.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let mut kept = Vec::new();
    for path in &args.files {
        let name = path.display().to_string();
        let curve = percentiles::read(path).map_err(|why| {
            let said = format!("`{name}`: {why}");
            match why {
                percentiles::NotOne::Unreadable(_) => CliError::could_not_run(said),
                _ => CliError::usage(said),
            }
        })?;
        kept.push(Kept { name, curve: curve.scaled(args.unit.nanoseconds()) });
    }
    let judged: Vec<Judged> = args
        .budget
        .iter()
        .filter_map(|allowed| {
            let is_ns = kept.last()?.curve.at(allowed.share)?;
            Some(Judged { allowed: *allowed, is_ns, is_met: is_ns <= allowed.most_ns })
        })
        .collect();
    if let Some(path) = &args.html {
        fs::write(path, page::page(&kept, &judged)).map_err(|why| {
            CliError::could_not_run(format!("cannot write `{}`: {why}", path.display()))
        })?;
    }
    let is_met = judged.iter().all(|one| one.is_met);
    if out.is_json() {
        let files = kept.iter().map(of_file).collect();
        out.json("xmc.percentiles", 1, &Told { files, budget: judged })?;
    } else {
        table(&kept, out)?;
        budget(&judged, out)?;
    }
    Ok(if is_met { Exit::Ok } else { Exit::Finding })
}

fn of_file(kept: &Kept) -> OfFile<'_> {
    let figures = SHARES.iter().filter_map(|(share, name)| {
        Some(((*name).to_owned(), serde_json::Value::from(kept.curve.at(*share)?)))
    });
    OfFile { file: &kept.name, count: kept.curve.count, percentiles_ns: figures.collect() }
}

fn table(kept: &[Kept], out: &mut Report<'_>) -> Result<(), CliError> {
    for (name, one) in ["A", "B"].iter().zip(kept) {
        writeln!(out, "{name}  {}: {} samples", one.name, one.curve.count)?;
    }
    let right = Align::Right;
    let mut table = Table::new(
        "Percentiles",
        &[("share", Align::Left), ("A", right), ("B", right), ("B by A", right)],
    );
    for (share, name) in SHARES {
        let at = |row: usize| kept.get(row).and_then(|one| one.curve.at(share));
        let shown = |value: Option<f64>| value.map_or_else(String::new, |ns| Shown(ns).to_string());
        let ratio = at(0).zip(at(1)).filter(|(first, _)| *first > 0.0);
        let ratio = ratio.map_or_else(String::new, |(first, second)| beside(first, second));
        table.row([name.to_owned(), shown(at(0)), shown(at(1)), ratio]);
    }
    table.write(out)?;
    Ok(())
}

fn budget(judged: &[Judged], out: &mut Report<'_>) -> Result<(), CliError> {
    if judged.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nBudget")?;
    for line in judged {
        let word = if line.is_met { "met" } else { "MISSED" };
        let share = percent(line.allowed.share);
        let (is, most) = (Shown(line.is_ns), Shown(line.allowed.most_ns));
        writeln!(out, "  {share}: {is} of {most} {word}")?;
    }
    Ok(())
}

/// How the second stands to the first: `+5.0 %`, and from ten times on `12 times`.
pub(super) fn beside(first: f64, second: f64) -> String {
    let ratio = second / first;
    if ratio < 10.0 {
        format!("{:+.1} %", (ratio - 1.0) * 100.0)
    } else {
        format!("{ratio:.0} times")
    }
}

/// `p99.9`.
pub(super) fn percent(share: f64) -> String {
    if share >= 1.0 {
        return "max".to_owned();
    }
    let text = format!("{:.5}", share * 100.0);
    format!("p{}", text.trim_end_matches('0').trim_end_matches('.'))
}
