//! Runs the two programs in turn and reads what they print.

use super::judge::Round;
use crate::cli::CliError;
use crate::engine::core::promote;
use crate::topology::Sched;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

/// Above everything ordinary, below whatever else is real-time.
const PRIORITY: u8 = 1;

/// One program that has `list` and `BENCH --minima`.
#[derive(Clone, Debug)]
pub(super) struct Program {
    /// The file.
    pub path: PathBuf,
    /// Where its fixtures are read from.
    pub root: PathBuf,
}

/// What is measured: bench and figure.
pub(super) type Key = (String, String);

/// What one run of a bench said of one figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Minimum {
    /// Picoseconds per item of the quickest batch.
    pub quickest_ps: u64,
    /// Picoseconds of the quickest run of the loop that never changes.
    pub reference_ps: u64,
    /// Of what the first batches computed.
    pub digest: String,
}

impl Minimum {
    /// What is compared.
    fn ratio(&self) -> f64 {
        lossy(self.quickest_ps) / lossy(self.reference_ps.max(1))
    }
}

/// A count as the number it is compared as: above 2^53 to the nearest.
#[expect(clippy::cast_precision_loss, reason = "said: to the nearest above 2^53")]
pub(super) fn lossy(count: u64) -> f64 {
    count as f64
}

/// What all rounds said of one figure.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Rounds in which both programs had it.
    pub rounds: Vec<Round>,
    /// Of each run of the old program, in the order of the runs.
    pub old: Vec<Minimum>,
    /// Of each run of the new one.
    pub new: Vec<Minimum>,
}

impl Program {
    /// Bench and figure, with the function that does what the figure counts.
    pub(super) fn list(&self) -> Result<BTreeMap<Key, String>, CliError> {
        let output = self.ran(&["list"])?;
        let figures: BTreeMap<Key, String> = output
            .lines()
            .filter_map(|line| {
                let mut fields = line.split('|');
                let [bench, figure, function] = std::array::from_fn(|_| fields.next());
                Some(((bench?.to_owned(), figure?.to_owned()), function?.to_owned()))
            })
            .collect();
        if figures.is_empty() {
            return Err(self.not_one("printed no figure with `list`"));
        }
        Ok(figures)
    }

    /// One run of one bench, in real-time class if this process may.
    pub(super) fn minima(&self, bench: &str) -> Result<Vec<(String, Minimum)>, CliError> {
        let printed = self.ran(&[bench, "--minima"])?;
        let minimum = |line: &str| {
            let mut fields = line.strip_prefix("minimum|")?.split('|');
            let [name, quickest, reference, digest] = std::array::from_fn(|_| fields.next());
            let minimum = Minimum {
                quickest_ps: quickest?.parse().ok()?,
                reference_ps: reference?.parse().ok()?,
                digest: digest?.to_owned(),
            };
            Some((name?.to_owned(), minimum))
        };
        let minima: Vec<_> = printed.lines().filter_map(minimum).collect();
        if minima.iter().any(|(_, one)| one.quickest_ps == 0 || one.reference_ps == 0) {
            return Err(self.not_one(&format!("says that a figure of `{bench}` takes no time")));
        }
        if minima.is_empty() {
            return Err(self.not_one(&format!("printed no line `minimum|..` for `{bench}`")));
        }
        Ok(minima)
    }

    fn ran(&self, arguments: &[&str]) -> Result<String, CliError> {
        let mut command = Command::new(&self.path);
        command.args(arguments).current_dir(&self.root);
        let shown = format!("{} {}", self.path.display(), arguments.join(" "));
        let output = run(command).map_err(|why| {
            CliError::could_not_run(format!("cannot run `{shown}`: {why}; name another program"))
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.trim().lines().last().unwrap_or("and said nothing").to_owned();
            return Err(CliError::could_not_run(format!(
                "`{shown}` ended with {}: {last}",
                output.status
            )));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn not_one(&self, what: &str) -> CliError {
        CliError::could_not_run(format!(
            "`{}` {what}: it is to be `examples/counts` of this project, of a commit that has \
             `--minima`",
            self.path.display()
        ))
    }
}

/// Runs it to its end in a thread that asked for real time first: what it starts inherits that.
fn run(mut command: Command) -> std::io::Result<Output> {
    let promoted = thread::Builder::new().name("xmc-bench".to_owned()).spawn(move || {
        // Refused without the right to it; `is_real_time` says so in the report.
        let _ = promote(Sched::Fifo(PRIORITY));
        command.output()
    })?;
    promoted.join().unwrap_or_else(|_| Err(std::io::Error::other("its thread panicked")))
}

/// Whether this process may run what it measures in real-time class.
pub(super) fn is_real_time() -> bool {
    let asked = thread::spawn(|| promote(Sched::Fifo(PRIORITY)).is_ok());
    asked.join().unwrap_or(false)
}

/// One round of one bench: old, new, new, old. What only one of them has is in `old` or `new`.
pub(super) fn round(
    programs: &[Program; 2],
    bench: &str,
    seen: &mut BTreeMap<Key, Seen>,
) -> Result<(), CliError> {
    let [old, new] = programs;
    let runs = [old.minima(bench)?, new.minima(bench)?, new.minima(bench)?, old.minima(bench)?];
    let [first, second, third, fourth] =
        runs.map(|run| run.into_iter().collect::<BTreeMap<_, _>>());
    let names: BTreeSet<&String> = first.keys().chain(second.keys()).collect();
    for name in names {
        let one = seen.entry((bench.to_owned(), name.clone())).or_default();
        let both = |run: [&BTreeMap<String, Minimum>; 2]| {
            Some([run[0].get(name)?.clone(), run[1].get(name)?.clone()])
        };
        let (old, new) = (both([&first, &fourth]), both([&second, &third]));
        if let (Some(old), Some(new)) = (&old, &new) {
            let ratios = |pair: &[Minimum; 2]| [pair[0].ratio(), pair[1].ratio()];
            one.rounds.push(Round { old: ratios(old), new: ratios(new) });
        }
        one.old.extend(old.into_iter().flatten());
        one.new.extend(new.into_iter().flatten());
    }
    Ok(())
}

/// One run of a bench that only one of them has.
pub(super) fn alone(
    program: &Program,
    is_old: bool,
    bench: &str,
    seen: &mut BTreeMap<Key, Seen>,
) -> Result<(), CliError> {
    for (name, minimum) in program.minima(bench)? {
        let one = seen.entry((bench.to_owned(), name)).or_default();
        if is_old { one.old.push(minimum) } else { one.new.push(minimum) }
    }
    Ok(())
}

/// Whether a file is there to be run.
pub(super) fn is_there(path: &Path) -> bool {
    path.is_file()
}
