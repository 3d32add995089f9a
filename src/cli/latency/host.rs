//! The machine under the measurement: cores to use, and what to print beside the figures.

use crate::cli::CliError;
use crate::clock::EngineClock;
use crate::engine::core::place;
use crate::topology::Sched;
use crate::topology::host::Host;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The two cores of a measurement; the same one twice on a machine with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cores {
    /// The core of the desk.
    pub desk: u16,
    /// The other one.
    pub other: u16,
}

/// The cores asked for, or the last two that this process may use: the first ones have most of the
/// system's own work.
///
/// # Errors
/// `Usage` unless two cores are asked for that this process may use; `CouldNotRun` if it may use
/// none.
pub fn cores(asked: Option<&[u16]>) -> Result<Cores, CliError> {
    let allowed = Host::here().map_err(CliError::could_not_run)?.allowed;
    if let Some(asked) = asked {
        return chosen(asked, &allowed).map_err(CliError::usage);
    }
    let mut last = allowed.iter().rev().copied();
    let desk = last.next().ok_or_else(|| {
        CliError::could_not_run("this process may use no core at all: widen its affinity mask")
    })?;
    Ok(Cores { desk, other: last.next().unwrap_or(desk) })
}

/// The cores asked for, of those that this process may use.
fn chosen(asked: &[u16], allowed: &BTreeSet<u16>) -> Result<Cores, String> {
    let listed = allowed.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let [desk, other] = *asked else {
        return Err("--cores takes two, the core of the desk and then the other one: --cores 1,0"
            .to_owned());
    };
    if let Some(core) = asked.iter().find(|core| !allowed.contains(core)) {
        return Err(format!("this process may not use core {core}; it may use {listed}"));
    }
    if desk == other && allowed.len() > 1 {
        return Err(format!("both are core {desk}: give two of {listed}"));
    }
    Ok(Cores { desk, other })
}

/// A counter on a line of its own.
#[derive(Default)]
#[repr(align(128))]
struct Line(AtomicU64);

/// Round trips of a cache line that are timed.
const TRIPS: u64 = 20_000;
/// At most so long, however slow they are.
const TRIPS_PATIENCE: Duration = Duration::from_millis(200);

/// How long a cache line takes from the desk's core to the other one and back, in the median: what
/// nothing between two cores can be faster than. `None` if the threads cannot be pinned, or there
/// is one core.
///
/// On a virtual machine the host places the cores, near each other or far, and may move them: so it
/// is measured before a run and after it.
pub fn cache_line_round_trip(cores: Cores, clock: &EngineClock) -> Option<u64> {
    if cores.desk == cores.other {
        return None;
    }
    let (there, back, stop) = (Line::default(), Line::default(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let echo = scope.spawn(|| {
            let placed = place(cores.other, Sched::Other).is_ok();
            while placed && !stop.load(Ordering::Relaxed) {
                // Pairs with the release of the other side, and the other way round.
                back.0.store(there.0.load(Ordering::Acquire), Ordering::Release);
            }
            placed
        });
        let timed = scope.spawn(|| {
            let mut spans = Vec::with_capacity(usize::try_from(TRIPS).ok()?);
            let begun = Instant::now();
            let placed = place(cores.desk, Sched::Other).is_ok();
            for number in 1..=TRIPS {
                let start = clock.ticks();
                there.0.store(number, Ordering::Release);
                while placed && back.0.load(Ordering::Acquire) != number {
                    if begun.elapsed() > TRIPS_PATIENCE {
                        break;
                    }
                }
                spans.push(clock.ticks().wrapping_sub(start));
                if !placed || begun.elapsed() > TRIPS_PATIENCE {
                    break;
                }
            }
            spans.sort_unstable();
            placed.then(|| clock.span(spans[spans.len() / 2]).0)
        });
        let median = timed.join().expect("the timed side does not panic");
        stop.store(true, Ordering::Relaxed);
        median.filter(|_| echo.join().expect("the echo does not panic"))
    })
}

/// What the figures were measured on.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    cpu: String,
    cores_online: usize,
    kernel: String,
    governor: String,
    /// Load averages of 1, 5 and 15 minutes.
    load: String,
    clock: &'static str,
}

impl Machine {
    /// This one, now.
    pub fn here(clock: &'static str) -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
        let read = |path: &str| {
            fs::read_to_string(path)
                .map_or_else(|_| "unknown".into(), |text| text.trim().to_owned())
        };
        let load = read("/proc/loadavg");
        Self {
            cpu: model
                .map_or("unknown", |name| name.trim_start_matches([' ', '\t', ':']))
                .to_owned(),
            cores_online: Host::here().map_or(0, |host| host.online.len()),
            kernel: read("/proc/sys/kernel/osrelease"),
            governor: read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            load: load.split(' ').take(3).collect::<Vec<_>>().join(" "),
            clock,
        }
    }

    /// Load averages of 1, 5 and 15 minutes.
    pub fn load(&self) -> &str {
        &self.load
    }

    /// One line for a person.
    pub fn line(&self) -> String {
        let Self { cpu, cores_online, kernel, governor, load, clock } = self;
        format!(
            "{cpu}, {cores_online} cores online, kernel {kernel}, governor {governor}, \
             load {load}, {clock}"
        )
    }
}
