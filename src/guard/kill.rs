//! Ends a process that is known by its number and by when it began: process ids come again.
//!
//! The process is held by a descriptor before it is looked at once more, so whoever gets its number
//! afterwards is not hit. A stopped process is killed as well as a running one.

use crate::counters::Run;
use crate::counters::read;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::time::{Duration, Instant};

/// What has become of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Killed {
    /// It was there, and is gone.
    Ended,
    /// It was gone before.
    WasGone,
    /// It was killed and has not ended in time: it waits for a device.
    Lingers,
}

/// Why a process could not be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KillError {
    /// It may not be.
    #[error("process {0} may not be killed by this user: run the guard as the engine's user")]
    Permission(u32),
    /// The system.
    #[error("process {pid} could not be killed: {error}")]
    System {
        /// Which.
        pid: u32,
        /// What the system says.
        error: Errno,
    },
}

/// Kills the process of a run and waits at most `patience` for its end.
///
/// # Errors
/// See `KillError`.
pub fn kill(run: &Run, patience: Duration) -> Result<Killed, KillError> {
    let failed = |error| match error {
        Errno::PERM => KillError::Permission(run.pid),
        error => KillError::System { pid: run.pid, error },
    };
    let Some(pid) = i32::try_from(run.pid).ok().and_then(Pid::from_raw) else {
        return Ok(Killed::WasGone);
    };
    let held = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(held) => held,
        Err(Errno::SRCH) => return Ok(Killed::WasGone),
        Err(error) => return Err(failed(error)),
    };
    // Held first: the number is this process's for as long as that is looked at.
    if !read::is_of(run) {
        return Ok(Killed::WasGone);
    }
    match pidfd_send_signal(&held, Signal::KILL) {
        Ok(()) => {}
        Err(Errno::SRCH) => return Ok(Killed::WasGone),
        Err(error) => return Err(failed(error)),
    }
    let since = Instant::now();
    loop {
        let rest = patience.saturating_sub(since.elapsed());
        let timeout = Timespec {
            tv_sec: i64::try_from(rest.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: rest.subsec_nanos().into(),
        };
        match poll(&mut [PollFd::new(&held, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => return Ok(Killed::Lingers),
            Ok(_) => return Ok(Killed::Ended),
            Err(Errno::INTR) => {}
            Err(error) => return Err(failed(error)),
        }
    }
}
