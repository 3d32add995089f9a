//! Tells a thread that the host does not run from one that hangs, by what the kernel says of it.
//!
//! A thread whose heartbeat becomes old is looked at: off the run queue it is blocked; on it, it
//! has run since (it burns its core without coming round) or it has not (it waits for a core). A
//! heartbeat follows within a millisecond of running, so little is enough to tell.
//!
//! Sources: proc_pid_stat(5) for state, utime and stime; the kernel's
//! Documentation/scheduler/sched-stats.rst, `/proc/PID/schedstat`, for the time on the processor.
//! The larger of both is taken: one is counted in ticks of the scheduler, which a core without a
//! tick may have seldom.

use super::watch::{Doing, Signs};
use crate::config::Guard;
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// A thread that has run for so long without a heartbeat hangs.
const BURNT: Duration = Duration::from_millis(20);
/// A tick of utime and stime: `USER_HZ` is 100 on x86-64 (include/asm-generic/param.h).
const TICK: Duration = Duration::from_millis(10);

/// How long a thread has run, as two clocks of the kernel have it.
#[derive(Clone, Copy, Debug)]
struct Ran {
    by_ticks: Duration,
    by_scheduler: Duration,
}

/// The threads of one run that are looked at, with what each had run when that began.
#[derive(Clone, Debug, Default)]
pub struct Activity(HashMap<u64, Ran>);

impl Activity {
    /// Says of each heartbeat of `pid` that is older than half its limit what its thread does.
    pub fn observe(&mut self, pid: u32, signs: &mut Signs, limits: &Guard) {
        for beat in &mut signs.beats {
            let Some(thread) = beat.thread else { continue };
            if beat.age.is_some_and(|age| age > limits.limit(beat.kind) / 2) {
                beat.doing = self.doing(pid, thread);
            } else {
                self.0.remove(&thread);
            }
        }
    }

    fn doing(&mut self, pid: u32, thread: u64) -> Doing {
        let Some((state, ran)) = read(pid, thread) else { return Doing::Unknown };
        let before = *self.0.entry(thread).or_insert(ran);
        let by_ticks = ran.by_ticks.saturating_sub(before.by_ticks);
        let since = ran.by_scheduler.saturating_sub(before.by_scheduler).max(by_ticks);
        match state {
            'R' if since >= BURNT => Doing::Running,
            'R' => Doing::Queued,
            _ => Doing::Blocked,
        }
    }
}

/// The state of a thread, and how long it has run.
fn read(pid: u32, thread: u64) -> Option<(char, Ran)> {
    let directory = PathBuf::from(format!("/proc/{pid}/task/{thread}"));
    let stat = fs::read_to_string(directory.join("stat")).ok()?;
    // The name is in brackets and may hold anything; behind it stands field 3, and utime and stime
    // are fields 14 and 15.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let (user, system): (u32, u32) = (fields.nth(10)?.parse().ok()?, fields.next()?.parse().ok()?);
    // Absent where the kernel keeps no such statistics.
    let text = fs::read_to_string(directory.join("schedstat")).unwrap_or_default();
    let run = text.split_ascii_whitespace().next().and_then(|ns| ns.parse().ok());
    let by_scheduler = run.map_or(Duration::ZERO, Duration::from_nanos);
    Some((state, Ran { by_ticks: TICK * user.saturating_add(system), by_scheduler }))
}
