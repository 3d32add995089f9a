//! `xmc bench`: whether the hot functions of one commit are slower than those of another.
//!
//! Two programs (`examples/counts`, an old and a new one) run in turn, old, new, new, old, each on
//! the last core that it may use and in real-time class if it may. `measure` runs them, `judge`
//! says what the samples mean, `build` makes the programs of two commits, `page` and `text` are the
//! verdict for people, and one line of JSON goes to the history.
//!
//! Medians of minima and their intervals are judged, nothing of a tail: on a machine that does
//! other things as well the tail is what those things make it.

mod build;
pub mod judge;
mod measure;
mod page;
mod text;

use super::latency::host::Machine;
use super::sim::progress;
use super::{CliError, Exit, Report};
use judge::{Effect, Verdict};
use measure::{Key, Minimum, Program, Seen};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Compare the hot functions of two builds: which is slower, by how much, and in which function.
///
/// Each figure's quickest batch, beside a loop that never changes, in ROUNDS rounds of old, new,
/// new, old. A figure is slower when the medians differ by more than 5 %, no resample of the rounds
/// says otherwise, and a second pass says it again: exit code 1. From 3 % on it is told.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Compare two programs that were built from `examples/counts`.
    Compare {
        /// The old program.
        old: PathBuf,
        /// The new one.
        new: PathBuf,
        #[command(flatten)]
        how: How,
    },
    /// Build the baseline's commit and this one, and compare them.
    ///
    /// The baseline is checked out beside (`git worktree`, removed at the end) and built in a
    /// target directory of its own below --out, which the next night uses again.
    Nightly {
        /// The file with the commit to compare with: {"commit": "..", "why": ".."}.
        #[arg(long, value_name = "FILE", default_value = "perf/baseline.json")]
        baseline: PathBuf,
        /// Compare the baseline with itself and this patch, instead of with what is checked out.
        #[arg(long, value_name = "FILE")]
        patch: Option<PathBuf>,
        #[command(flatten)]
        how: How,
    },
}

#[derive(Debug, clap::Args)]
struct How {
    /// Rounds of old, new, new, old.
    #[arg(long, value_name = "N", default_value_t = 8,
          value_parser = clap::value_parser!(u16).range(4..=1_000))]
    rounds: u16,
    /// Where the verdict is written: verdict.md, verdict.html, and history.jsonl, which grows.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// One side of the comparison.
#[derive(Clone, Debug, Serialize)]
struct Side {
    /// The commit, if the program was built here; with a plus if files were changed after it.
    commit: Option<String>,
    /// The file that was run.
    program: String,
    /// Its size.
    bytes: u64,
}

/// One figure of the verdict.
#[derive(Clone, Debug, Serialize)]
struct Row {
    bench: String,
    figure: String,
    /// The function that does what is measured.
    function: String,
    verdict: Verdict,
    /// What the rounds show; of the second pass if there was one.
    effect: Option<Effect>,
    /// What the first pass showed, if there was a second one.
    first: Option<Effect>,
    /// Nanoseconds per item, median of the runs' quickest batches.
    old_ns: Option<f64>,
    new_ns: Option<f64>,
    /// The samples of the old and of the new program, each divided by the median of the old ones.
    #[serde(skip)]
    samples: [Vec<f64>; 2],
}

/// The verdict.
#[derive(Clone, Debug, Serialize)]
struct Judged {
    /// Seconds since 1970, UTC.
    unix_s: u64,
    old: Side,
    new: Side,
    rounds: u16,
    machine: Machine,
    is_real_time: bool,
    rows: Vec<Row>,
}

impl Judged {
    /// Those that are slower, both times.
    fn slower(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.verdict == Verdict::Slower)
    }

    /// One sentence.
    fn sentence(&self) -> String {
        let named: Vec<String> = self
            .slower()
            .map(|row| {
                let change = row.effect.map_or(0.0, |effect| effect.change);
                format!(
                    "{} ({}, {}) by {:.1} %",
                    row.function,
                    row.bench,
                    row.figure,
                    change * 100.0
                )
            })
            .collect();
        if named.is_empty() {
            format!("nothing of {} figures is slower", self.rows.len())
        } else {
            format!("slower: {}", named.join("; "))
        }
    }
}

/// Runs the command.
///
/// # Errors
/// `CouldNotRun` if a program cannot be built or run or is not one of ours, `Usage` if the baseline
/// file is none, `Output` if the report cannot be written.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let (judged, how) = match &args.what {
        What::Compare { old, new, how } => {
            let root = std::env::current_dir().map_err(CliError::could_not_run)?;
            let program = |path: &PathBuf| {
                if !measure::is_there(path) {
                    let path = path.display();
                    return Err(CliError::usage(format!(
                        "there is no program `{path}`: build one with `cargo build --release \
                         --example counts`, it is target/release/examples/counts"
                    )));
                }
                let path = fs::canonicalize(path).map_err(CliError::could_not_run)?;
                Ok(Program { path, root: root.clone() })
            };
            let programs = [program(old)?, program(new)?];
            (compare(&programs, [None, None], how.rounds)?, how)
        }
        What::Nightly { baseline, patch, how } => {
            let place = how.out.clone().unwrap_or_else(|| PathBuf::from("target/bench"));
            let built = build::both(baseline, patch.as_deref(), &place)?;
            let commits = built.commits.clone().map(Some);
            (compare(&built.programs, commits, how.rounds)?, how)
        }
    };
    if let Some(place) = &how.out {
        keep(&judged, place)?;
    }
    if out.is_json() {
        out.json("xmc.bench", 1, &judged)?;
    } else {
        text::write(&judged, out)?;
    }
    Ok(if judged.slower().next().is_some() { Exit::Finding } else { Exit::Ok })
}

fn compare(
    programs: &[Program; 2],
    commits: [Option<String>; 2],
    rounds: u16,
) -> Result<Judged, CliError> {
    let [old, new] = programs;
    let lists = [old.list()?, new.list()?];
    // Functions by the new program's word; what it has no more, by the old one's.
    let functions: BTreeMap<&Key, &String> = lists.iter().flatten().collect();
    let benches: BTreeSet<&str> = functions.keys().map(|(bench, _)| bench.as_str()).collect();
    let machine = Machine::here("time stamp counter");
    let all: Vec<&str> = benches.into_iter().collect();
    let mut first = pass(programs, &lists, &all, rounds)?;
    first.retain(|key, _| functions.contains_key(key));
    let doubtful: BTreeSet<&str> = first
        .iter()
        .filter(|(_, seen)| digests_agree(seen))
        .filter(|(_, seen)| {
            judge::effect(&seen.rounds)
                .is_some_and(|effect| judge::judge(&effect) == Verdict::Slower)
        })
        .map(|((bench, _), _)| bench.as_str())
        .collect();
    let doubtful: Vec<&str> = doubtful.into_iter().collect();
    let second = pass(programs, &lists, &doubtful, rounds)?;
    let row = |(key, function): (&&Key, &&String)| {
        let seen = first.get(*key)?;
        Some(row(key, function, seen, second.get(*key)))
    };
    let [old, new] = [(old, 0), (new, 1)].map(|(program, side)| Side {
        commit: commits[side].clone(),
        program: program.path.display().to_string(),
        bytes: fs::metadata(&program.path).map_or(0, |file| file.len()),
    });
    Ok(Judged {
        unix_s: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        old,
        new,
        rounds,
        machine,
        is_real_time: measure::is_real_time(),
        rows: functions.iter().filter_map(row).collect(),
    })
}

/// All rounds of these benches; one that a program does not list is run by the other alone.
fn pass(
    programs: &[Program; 2],
    lists: &[BTreeMap<Key, String>; 2],
    benches: &[&str],
    rounds: u16,
) -> Result<BTreeMap<Key, Seen>, CliError> {
    let bar = progress(u64::from(rounds) * benches.len() as u64);
    let mut seen = BTreeMap::new();
    for _ in 0..rounds {
        for bench in benches {
            let has = |side: usize| lists[side].keys().any(|(listed, _)| listed == bench);
            match [has(0), has(1)] {
                [true, true] => measure::round(programs, bench, &mut seen)?,
                [old, _] => measure::alone(&programs[usize::from(!old)], old, bench, &mut seen)?,
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(seen)
}

/// Whether both computed the same in all runs.
fn digests_agree(seen: &Seen) -> bool {
    let mut digests = seen.old.iter().chain(&seen.new).map(|minimum| &minimum.digest);
    digests.next().is_none_or(|one| digests.all(|other| other == one))
}

fn row(key: &Key, function: &str, seen: &Seen, second: Option<&Seen>) -> Row {
    let first = judge::effect(&seen.rounds);
    let again = second.and_then(|second| judge::effect(&second.rounds));
    let verdict = match (&first, &again) {
        _ if seen.old.is_empty() => Verdict::New,
        _ if seen.new.is_empty() => Verdict::Gone,
        _ if !digests_agree(seen) => Verdict::ComputesOther,
        (Some(first), Some(again)) if judge::judge(first) == Verdict::Slower => judge::again(again),
        (Some(first), _) => judge::judge(first),
        (None, _) => Verdict::Same,
    };
    let nanoseconds = |runs: &[Minimum]| {
        judge::median(runs.iter().map(|run| measure::lossy(run.quickest_ps) / 1_000.0))
    };
    let [old, new]: [Vec<f64>; 2] = [
        seen.rounds.iter().flat_map(|round| round.old).collect(),
        seen.rounds.iter().flat_map(|round| round.new).collect(),
    ];
    let middle = judge::median(old.iter().copied()).unwrap_or(1.0);
    let relative = |samples: Vec<f64>| samples.into_iter().map(|one| one / middle).collect();
    let is_doubtful = first.as_ref().map(judge::judge) == Some(Verdict::Slower);
    let (effect, first) =
        if is_doubtful && again.is_some() { (again, first) } else { (first, None) };
    Row {
        bench: key.0.clone(),
        figure: key.1.clone(),
        function: function.to_owned(),
        verdict,
        effect,
        first,
        old_ns: nanoseconds(&seen.old),
        new_ns: nanoseconds(&seen.new),
        samples: [relative(old), relative(new)],
    }
}

/// Writes the verdict's files, and one line more to the history.
fn keep(judged: &Judged, place: &Path) -> Result<(), CliError> {
    let failed = |path: &Path, why: std::io::Error| {
        CliError::could_not_run(format!("cannot write `{}`: {why}", path.display()))
    };
    fs::create_dir_all(place).map_err(|why| failed(place, why))?;
    let history = place.join("history.jsonl");
    let past = fs::read_to_string(&history).unwrap_or_default();
    for (name, text) in [
        ("verdict.md", text::markdown(judged)),
        ("verdict.html", page::page(judged, &page::Past::of(&past, judged))),
    ] {
        let path = place.join(name);
        fs::write(&path, text).map_err(|why| failed(&path, why))?;
    }
    let mut line = serde_json::to_string(judged).map_err(CliError::could_not_run)?;
    line.push('\n');
    let file = OpenOptions::new().create(true).append(true).open(&history);
    file.and_then(|mut file| file.write_all(line.as_bytes())).map_err(|why| failed(&history, why))
}
