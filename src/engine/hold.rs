//! What an engine holds of its host while it runs: its memory, the latency of idle states, and the
//! hot cores for the hot threads alone.
//!
//! Held are: all pages of the process, so that none is missing when it is touched; the latency that
//! idle states may cause, at nothing, if a core spins; and the mask of the cold threads, without
//! the cores that spin. What the host refuses is told and not needed to run. All of it ends with
//! the value, and with the process whatever becomes of it. Called by `live`.

use super::core::hot;
use crate::config::Configuration;
use crate::host::kernel::LATENCY;
use crate::host::process::{IPC_LOCK, capability};
use crate::topology::Idle;
use rustix::mm::{MlockAllFlags, mlockall, munlockall};
use rustix::process::{Resource, getrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};

/// What is held, for reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Held {
    /// All pages are in memory and stay there.
    pub is_memory_locked: bool,
    /// No core sleeps deeper than it can leave at once; `null` if no core spins.
    pub is_latency_held: Option<bool>,
    /// Cold threads stay off the cores that spin; `null` if no core spins.
    pub are_cores_kept: Option<bool>,
    /// What the host refused, and what to do.
    pub refused: Vec<String>,
}

/// What is held until it goes.
#[derive(Debug)]
pub struct Hold {
    held: Held,
    /// The request counts as long as the file is open (`Documentation/power/pm_qos_interface.rst`).
    _latency: Option<File>,
    mask: Option<CpuSet>,
}

impl Hold {
    /// Takes hold, for the calling thread and those that it will make.
    #[must_use]
    pub fn take(config: &Configuration) -> Self {
        let spins = |executor: &&crate::topology::Executor| executor.idle.value == Idle::Spin;
        let taken: BTreeSet<u16> =
            hot(config).filter(spins).map(|executor| executor.core.value).collect();
        let mut held = Held::default();
        match lock() {
            Ok(()) => held.is_memory_locked = true,
            Err(why) => held.refused.push(why),
        }
        let (mut latency, mut mask) = (None, None);
        if !taken.is_empty() {
            match ask_for_latency() {
                Ok(file) => latency = Some(file),
                Err(why) => held.refused.push(format!(
                    "{LATENCY}: {why}; give its group the right to write (a udev rule), or \
                     processor.max_cstate=1 at boot"
                )),
            }
            match keep_off(&taken) {
                Ok(before) => mask = Some(before),
                Err(why) => held.refused.push(format!(
                    "cold threads may run on the hot cores: {why}; leave a core to them"
                )),
            }
            held.is_latency_held = Some(latency.is_some());
            held.are_cores_kept = Some(mask.is_some());
        }
        Self { held, _latency: latency, mask }
    }

    /// What is held.
    #[must_use]
    pub fn held(&self) -> &Held {
        &self.held
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Neither can fail for what was there before; and then nothing is to be done about it.
        if let Some(mask) = &self.mask {
            let _ = sched_setaffinity(None, mask);
        }
        if self.held.is_memory_locked {
            let _ = munlockall();
        }
    }
}

/// Locks all pages that are there and all that come. Only without a limit: under one, memory that
/// comes later would be refused, which ends the process.
fn lock() -> Result<(), String> {
    let limit = getrlimit(Resource::Memlock).current;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(bytes) = limit
        && capability(&status, IPC_LOCK) != Some(true)
    {
        return Err(format!(
            "memory is not locked: at most {bytes} bytes may be; run with LimitMEMLOCK=infinity, \
             `ulimit -l unlimited` or CAP_IPC_LOCK"
        ));
    }
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE;
    mlockall(flags).map_err(|error| {
        // Half of it may be locked, and what comes later would be.
        let _ = munlockall();
        format!("memory is not locked: {error}; give the machine more of it")
    })
}

/// Asks that no idle state take any time to leave: a number of microseconds, native and signed.
fn ask_for_latency() -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).open(LATENCY)?;
    file.write_all(&0_i32.to_ne_bytes())?;
    Ok(file)
}

/// Takes cores out of the calling thread's mask, which threads inherit; the mask from before.
fn keep_off(taken: &BTreeSet<u16>) -> io::Result<CpuSet> {
    let before = sched_getaffinity(None)?;
    let mut left = before;
    for core in taken {
        left.unset(usize::from(*core));
    }
    if left.count() == 0 {
        return Err(io::Error::other("no other core is left to this process"));
    }
    sched_setaffinity(None, &left)?;
    Ok(before)
}
