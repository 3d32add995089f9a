//! The machine under the measurement: cores to use, and what to print beside the figures.

use crate::cli::CliError;
use crate::topology::host::Host;
use serde::Serialize;
use std::fs;

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
pub fn cores(asked: Option<&[u16]>) -> Result<Cores, CliError> {
    if let Some(&[desk, other]) = asked {
        return Ok(Cores { desk, other });
    }
    let allowed = Host::here().map_err(CliError::could_not_run)?.allowed;
    let mut last = allowed.iter().rev().copied();
    let desk = last.next().ok_or_else(|| {
        CliError::could_not_run("this process may use no core at all: widen its affinity mask")
    })?;
    Ok(Cores { desk, other: last.next().unwrap_or(desk) })
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
