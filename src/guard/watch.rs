//! Judges what is seen of an engine. Pure: what was seen and when goes in, a verdict comes out.
//!
//! Something is late when it was so at several looks in a row that followed each other closely: a
//! guard that was itself held up (a paused machine, a busy host) says nothing about the engine
//! until it has been looking again for as long as it waits for a heartbeat. A thread that could run
//! and is not run by the host is starved, which has a longer patience than one that hangs.

use crate::config::Guard;
use crate::counters::EngineState;
use serde::Serialize;
use std::time::Duration;

/// Looks in a row that something has to be late at.
pub const LOOKS: u32 = 3;

/// What a heartbeat is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeatKind {
    /// A hot core.
    Core,
    /// The hot core that the desk is on.
    Desk,
    /// The thread that writes the journal.
    Writer,
    /// The thread that follows the desk and takes commands.
    Main,
}

/// What the thread of a heartbeat does, as the kernel has it (`activity`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Doing {
    /// Not looked at, or not to be seen.
    #[default]
    Unknown,
    /// It waits for something, or is held still.
    Blocked,
    /// It runs.
    Running,
    /// It could run, and the host has not let it.
    Queued,
}

/// A heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Whose, for people: `core 1`, `journal`.
    pub name: String,
    /// Of what.
    pub kind: BeatKind,
    /// How old it is; `None`: there was none yet.
    pub age: Option<Duration>,
    /// The kernel's number of its thread; `None`: it has not begun.
    pub thread: Option<u64>,
    /// What that does, if the heartbeat is old.
    pub doing: Doing,
}

/// What is seen of one run at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signs {
    /// What has become of its process.
    pub engine: EngineState,
    /// It says that it is about to end.
    pub is_ending: bool,
    /// Messages that it has sent to venues.
    pub sent: u64,
    /// Orders that may live, as it has last said.
    pub live_orders: u64,
    /// Its heartbeats.
    pub beats: Vec<Beat>,
}

/// What an engine is taken for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing of it beats yet, and that is not late.
    Starting,
    /// It works.
    Healthy,
    /// Something is late, and may come yet.
    Late {
        /// What.
        who: String,
        /// How late, ms.
        age_ms: u64,
    },
    /// Something is late because the host does not run it.
    Starved {
        /// What.
        who: String,
        /// How late, ms.
        age_ms: u64,
    },
    /// It has said that it ends.
    Ending,
    /// It has ended in order.
    Ended {
        /// Orders that it said may live all the same.
        live_orders: u64,
    },
    /// It ended before it had sent anything.
    NotStarted,
    /// Its process is there and something of it is not.
    Wedged {
        /// What.
        who: String,
        /// How late, ms.
        age_ms: u64,
    },
    /// Its process is gone, and has not said that it ends.
    Gone,
}

impl Verdict {
    /// Whether orders of it have to be cancelled by somebody else.
    #[must_use]
    pub const fn is_failure(&self) -> bool {
        matches!(self, Self::Wedged { .. } | Self::Gone)
    }

    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Starting => "starting: not everything of it beats yet".to_owned(),
            Self::Healthy => "healthy".to_owned(),
            Self::Late { who, age_ms } => format!("{who} is late by {age_ms} ms"),
            Self::Starved { who, age_ms } => {
                format!("starved: the host has not run {who} for {age_ms} ms")
            }
            Self::Ending => "ending in order".to_owned(),
            Self::Ended { live_orders: 0 } => "ended in order".to_owned(),
            Self::Ended { live_orders } => {
                format!("ended in order, with {live_orders} orders that may live: ask the venues")
            }
            Self::NotStarted => "ended before it had sent anything".to_owned(),
            Self::Wedged { who, age_ms } => format!("wedged: {who} has not beaten for {age_ms} ms"),
            Self::Gone => "gone: its process ended without saying so".to_owned(),
        }
    }
}

/// One run, watched.
#[derive(Clone, Debug)]
pub struct Watch {
    limits: Guard,
    looked: Option<Duration>,
    /// Until then heartbeats say nothing: this process was held up.
    blind_until: Duration,
    /// Since when it is held up again and again; `None`: its looks come in time.
    held_since: Option<Duration>,
    late: u32,
    starved: u32,
    gone: u32,
    /// Looks in a row at a run that should have begun to beat.
    silent: u32,
    seen_since: Option<Duration>,
    ending_since: Option<Duration>,
}

impl Watch {
    /// Nothing was seen of the run yet.
    #[must_use]
    pub fn new(limits: &Guard) -> Self {
        let limits = limits.clone();
        Self {
            limits,
            looked: None,
            blind_until: Duration::ZERO,
            held_since: None,
            late: 0,
            starved: 0,
            gone: 0,
            silent: 0,
            seen_since: None,
            ending_since: None,
        }
    }

    /// Judges what is seen at `now`, on a clock of the caller's that only moves forward.
    pub fn judge(&mut self, signs: &Signs, now: Duration) -> Verdict {
        let gap = self.looked.map_or(Duration::ZERO, |looked| now.saturating_sub(looked));
        self.looked = Some(now);
        let shortest = self.limits.core.min(self.limits.desk);
        if gap > shortest / 2 {
            // Whoever is held up again and again would never say anything: what the host may do to
            // a thread of the engine before it counts as hanging, it may do to this one.
            let since = *self.held_since.get_or_insert(now);
            if now.saturating_sub(since) <= self.limits.patience(shortest) {
                (self.blind_until, self.late, self.starved) = (now + shortest, 0, 0);
                self.silent = 0;
            }
        } else if now >= self.blind_until {
            self.held_since = None;
        }
        match signs.engine {
            EngineState::Ended(_) => Verdict::Ended { live_orders: signs.live_orders },
            EngineState::Gone => self.gone(signs),
            EngineState::Running | EngineState::Stopped => self.alive(signs, now),
        }
    }

    /// The last word of a process may be written after its end was looked for, so one look is none.
    fn gone(&mut self, signs: &Signs) -> Verdict {
        self.gone += 1;
        if self.gone < 2 {
            return Verdict::Late { who: "process".to_owned(), age_ms: 0 };
        }
        // What an earlier run has left it lives on, too.
        let is_idle = signs.sent == 0 && signs.live_orders == 0;
        if is_idle { Verdict::NotStarted } else { Verdict::Gone }
    }

    fn alive(&mut self, signs: &Signs, now: Duration) -> Verdict {
        self.gone = 0;
        let ms = |age: Duration| u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        if signs.is_ending {
            let since = *self.ending_since.get_or_insert(now);
            let age = now.saturating_sub(since);
            if age <= self.limits.ending {
                return Verdict::Ending;
            }
            return Verdict::Wedged { who: "the end of the run".to_owned(), age_ms: ms(age) };
        }
        if let Some(silent) = signs.beats.iter().find(|beat| beat.age.is_none()) {
            return self.silent(&silent.name, now);
        }
        let late = signs.beats.iter().filter_map(|beat| {
            let limit = self.limits.limit(beat.kind);
            let age = beat.age.filter(|age| *age > limit)?;
            let is_starved = beat.doing == Doing::Queued && age <= self.limits.patience(limit);
            Some((!is_starved, age.saturating_sub(limit), age, &beat.name))
        });
        // What hangs comes before what is starved.
        let Some((hangs, _, age, who)) = late.max_by_key(|(hangs, over, ..)| (*hangs, *over))
        else {
            (self.late, self.starved) = (0, 0);
            return Verdict::Healthy;
        };
        let (who, age_ms) = (who.clone(), ms(age));
        if now < self.blind_until {
            return Verdict::Late { who, age_ms };
        }
        self.late = if hangs { self.late + 1 } else { 0 };
        self.starved += 1;
        if self.late >= LOOKS {
            Verdict::Wedged { who, age_ms }
        } else if !hangs && self.starved >= LOOKS {
            Verdict::Starved { who, age_ms }
        } else {
            Verdict::Late { who, age_ms }
        }
    }

    /// Not all of it has beaten yet. Its time is this process's own since it first saw the run: a
    /// clock that is set changes nothing about it.
    fn silent(&mut self, who: &str, now: Duration) -> Verdict {
        let since = *self.seen_since.get_or_insert(now);
        let age = now.saturating_sub(since);
        if age <= self.limits.start || now < self.blind_until {
            return Verdict::Starting;
        }
        self.silent += 1;
        if self.silent < LOOKS {
            return Verdict::Starting;
        }
        let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        Verdict::Wedged { who: who.to_owned(), age_ms }
    }
}
