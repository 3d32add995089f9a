//! What an engine holds of its host while it runs: its memory, the latency of idle states, and the
//! hot cores for the hot threads alone.
//!
//! Held are: all pages of the process, so that none is missing when it is touched; the latency that
//! idle states may cause, at nothing, if a core spins; and the mask of the cold threads, without
//! the cores that spin, if at least two are left. (On two cores everything else would queue for one
//! of them while the other has time: there the scheduler decides.) What the host refuses is told
//! and not needed to run. All of it ends with the value, and with the process whatever becomes of
//! it. Called by `live`.

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
    /// Cold threads stay off the cores that spin; `null` if no core spins, or if fewer than two are
    /// left.
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
    _kept: Option<KeptOff>,
}

/// The calling thread, and those that it makes, stay off the cores that spin until this goes.
#[derive(Debug)]
struct KeptOff {
    before: CpuSet,
}

/// The cores that spin.
fn spinning(config: &Configuration) -> BTreeSet<u16> {
    let spins = |executor: &&crate::topology::Executor| executor.idle.value == Idle::Spin;
    hot(config).filter(spins).map(|executor| executor.core.value).collect()
}

/// What `mask` leaves to cold threads; `None`: it is not worth it.
fn left(mask: &CpuSet, taken: &BTreeSet<u16>) -> Option<CpuSet> {
    let mut left = *mask;
    for core in taken {
        left.unset(usize::from(*core));
    }
    (left.count() >= FEWEST).then_some(left)
}

/// Keeps the calling thread off the cores that spin, if that leaves it any. For threads that were
/// made before the engine took hold of its host.
pub fn stay_cold(config: &Configuration) {
    if let Ok(mut mask) = sched_getaffinity(None) {
        spinning(config).iter().for_each(|core| mask.unset(usize::from(*core)));
        if mask.count() > 0 {
            // Where it may not say where it runs, it runs where it may.
            let _ = sched_setaffinity(None, &mask);
        }
    }
}

/// Cold threads are the journal's, recovery's, one for each session, and whoever looks on.
const FEWEST: u32 = 2;

impl KeptOff {
    /// Takes the cores out of the calling thread's mask, which threads inherit; `None` if too few
    /// are left.
    ///
    /// # Errors
    /// The system refuses.
    fn take(taken: &BTreeSet<u16>) -> io::Result<Option<Self>> {
        let before = sched_getaffinity(None)?;
        let Some(left) = left(&before, taken) else { return Ok(None) };
        sched_setaffinity(None, &left)?;
        Ok(Some(Self { before }))
    }
}

impl Drop for KeptOff {
    fn drop(&mut self) {
        // What was there before is allowed; if not, nothing is to be done about it.
        let _ = sched_setaffinity(None, &self.before);
    }
}

impl Hold {
    /// Takes hold, for the calling thread and those that it will make.
    #[must_use]
    pub fn take(config: &Configuration) -> Self {
        let mut held = Held::default();
        match lock() {
            Ok(()) => held.is_memory_locked = true,
            Err(why) => held.refused.push(why),
        }
        let (mut latency, mut kept) = (None, None);
        let taken = spinning(config);
        if !taken.is_empty() {
            match ask_for_latency() {
                Ok(file) => latency = Some(file),
                Err(why) => held.refused.push(format!(
                    "{LATENCY}: {why}; give its group the right to write (a udev rule), or \
                     processor.max_cstate=1 at boot"
                )),
            }
            held.is_latency_held = Some(latency.is_some());
            match KeptOff::take(&taken) {
                Ok(off) => kept = off,
                Err(why) => {
                    held.refused.push(format!("cold threads may run on hot cores: {why}"));
                    held.are_cores_kept = Some(false);
                }
            }
            if kept.is_some() {
                held.are_cores_kept = Some(true);
            }
        }
        Self { held, _latency: latency, _kept: kept }
    }

    /// What is held.
    #[must_use]
    pub fn held(&self) -> &Held {
        &self.held
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // It cannot fail for what is locked.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(cores: &[usize]) -> CpuSet {
        let mut mask = CpuSet::new();
        cores.iter().for_each(|core| mask.set(*core));
        mask
    }

    #[test]
    fn cold_threads_have_what_is_not_hot_if_that_is_two_cores() {
        let hot = |cores: &[u16]| cores.iter().copied().collect();
        assert_eq!(left(&mask(&[0, 1, 2]), &hot(&[2])), Some(mask(&[0, 1])));
        assert_eq!(left(&mask(&[0, 1]), &hot(&[1])), None);
        assert_eq!(left(&mask(&[0, 1]), &hot(&[7])), Some(mask(&[0, 1])), "isolated ones");
    }

    #[test]
    fn the_mask_is_as_before_when_it_goes() {
        let before = sched_getaffinity(None).expect("it can be read");
        // No machine of ours has it: every core is left.
        let kept = KeptOff::take(&[1_000].into()).expect("it is allowed");
        let now = sched_getaffinity(None).expect("it can be read");
        assert_eq!(kept.is_some(), before.count() >= FEWEST);
        assert_eq!(now, before);
        drop(kept);
        assert_eq!(sched_getaffinity(None).expect("it can be read"), before);
    }
}
