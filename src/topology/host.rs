//! The rules of a topology that depend on the machine it is to run on.
//!
//! Facts are read without privilege and handed to `check` as a value, so that the rules can be
//! tested against machines that are not here. Tuning of the machine is not judged here.

use super::{Executor, Idle, Sched};
use crate::config::error::{Problem, Report, Rule};
use crate::config::{Configuration, Invalid};
use std::collections::BTreeSet;
use std::fs;
use thiserror::Error;

/// The cores of a machine that matter to a topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Cores the kernel runs on.
    pub online: BTreeSet<u16>,
    /// Cores this process may run on. Isolated ones are among them: they are missing from the mask
    /// that a process starts with, and a thread may be pinned to one all the same.
    pub allowed: BTreeSet<u16>,
}

/// Why the facts could not be read.
#[derive(Debug, Error)]
pub enum HostError {
    /// A file of the kernel could not be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: &'static str,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// A list of cores had another shape than `0-3,5`.
    #[error("{path} says {text:?}, which is no list of cores such as 0-3,5")]
    Shape {
        /// The file.
        path: &'static str,
        /// What it said.
        text: String,
    },
}

impl Host {
    /// The machine this process runs on.
    pub fn here() -> Result<Self, HostError> {
        let status = read(STATUS)?;
        let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        // Not every kernel has it.
        let isolated = fs::read_to_string("/sys/devices/system/cpu/isolated").unwrap_or_default();
        Self::of(&read(ONLINE)?, list.unwrap_or(""), &isolated)
    }

    /// The machine of three lists: cores online, those of the process's mask, and isolated ones.
    pub fn of(online: &str, mask: &str, isolated: &str) -> Result<Self, HostError> {
        let online = cores(ONLINE, online)?;
        let mut allowed = cores(STATUS, mask)?;
        allowed.extend(of_list(isolated).unwrap_or_default());
        Ok(Self { online, allowed })
    }
}

const ONLINE: &str = "/sys/devices/system/cpu/online";
const STATUS: &str = "/proc/self/status";

fn read(path: &'static str) -> Result<String, HostError> {
    fs::read_to_string(path).map_err(|source| HostError::Unreadable { path, source })
}

fn cores(path: &'static str, text: &str) -> Result<BTreeSet<u16>, HostError> {
    let cores = of_list(text).filter(|cores| !cores.is_empty());
    cores.ok_or_else(|| HostError::Shape { path, text: text.trim().to_owned() })
}

/// Reads the kernel's list format, `0-3,5`; an empty text is no core, `None` is no list.
pub fn of_list(text: &str) -> Option<BTreeSet<u16>> {
    let mut cores = BTreeSet::new();
    for part in text.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        cores.extend(first.parse::<u16>().ok()?..=last.parse().ok()?);
    }
    Some(cores)
}

/// Whether `host` can run the configuration's topology.
pub fn check(configuration: &Configuration, host: &Host) -> Result<(), Invalid> {
    let report = Report::default();
    present(&configuration.executors, host, &report);
    spinning(&configuration.executors, host, &report);
    fifo(&configuration.executors, host, &report);
    if report.is_empty() {
        return Ok(());
    }
    Err(Invalid { sources: configuration.sources.clone(), problems: report.into_problems() })
}

fn present(executors: &[Executor], host: &Host, report: &Report) {
    for executor in executors {
        let core = executor.core.value;
        let reason = if !host.online.contains(&core) {
            "not online"
        } else if !host.allowed.contains(&core) {
            "outside this process's affinity mask"
        } else {
            continue;
        };
        report.add(
            Problem::new(
                Rule::CoreAbsent,
                format!("core {core} is {reason}"),
                executor.core.place.clone(),
                reason,
            )
            .help(format!(
                "cores here: {}; `xmc plan --elsewhere` checks a file for another machine, and \
                 `xmc run --unpinned` runs it on any core",
                list(&host.allowed)
            )),
        );
    }
}

fn spinning(executors: &[Executor], host: &Host, report: &Report) {
    let spinning: Vec<_> =
        executors.iter().filter(|executor| executor.idle.value == Idle::Spin).collect();
    let most = host.online.len().saturating_sub(1);
    if let Some(excess) = spinning.get(most) {
        let mut problem = Problem::new(
            Rule::TooManySpinning,
            format!(
                "{} executors spin on a machine with {} cores online",
                spinning.len(),
                host.online.len()
            ),
            excess.idle.place.clone(),
            "leaves no core to the rest of the machine",
        )
        .help("write idle = \"yield\", or put all stages on fewer executors");
        for executor in &spinning[..most] {
            problem = problem.also(&executor.idle.place, "spins as well");
        }
        report.add(problem);
    }
}

/// The core that everything else needs must not be held by a thread that never lets go. A real-time
/// one that yields does so to its like alone: only one that sleeps lets others run.
fn fifo(executors: &[Executor], host: &Host, report: &Report) {
    let holds = |executor: &&Executor| {
        let is_real_time = matches!(executor.sched.value, Sched::Fifo(_));
        match executor.idle.value {
            Idle::Spin => true,
            Idle::Yield => is_real_time,
            Idle::Sleep => false,
        }
    };
    let taken: BTreeSet<_> = executors.iter().filter(holds).map(|hold| hold.core.value).collect();
    let free = host.online.difference(&taken).count();
    for executor in executors.iter().filter(holds) {
        if free == 0 && matches!(executor.sched.value, Sched::Fifo(_)) {
            report.add(
                Problem::new(
                    Rule::FifoOnHousekeeping,
                    format!(
                        "a real-time thread polls on core {}, and no core is left for the rest",
                        executor.core.value
                    ),
                    executor.sched.place.clone(),
                    "would starve everything, this process included",
                )
                .help("write idle = \"sleep\", or sched = \"other\""),
            );
        }
    }
}

/// A set of cores as people write it.
pub fn list(cores: &BTreeSet<u16>) -> String {
    let mut parts: Vec<(u16, u16)> = Vec::new();
    for core in cores {
        match parts.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*core) => *last = *core,
            _ => parts.push((*core, *core)),
        }
    }
    let shown = parts.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    shown.collect::<Vec<_>>().join(",")
}
