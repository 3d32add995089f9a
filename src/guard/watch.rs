//! Judges what is seen of an engine. Pure: what was seen and when goes in, a verdict comes out.
//!
//! Something is late when it was so at several looks in a row that followed each other closely: a
//! guard that was itself held up (a paused machine, a busy host) says nothing about the engine
//! until it has been looking again for as long as it waits for a heartbeat.

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

/// A heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Whose, for people: `core 1`, `journal`.
    pub name: String,
    /// Of what.
    pub kind: BeatKind,
    /// How old it is; `None`: there was none yet.
    pub age: Option<Duration>,
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
    /// How long ago the run began.
    pub run_for: Duration,
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
    late: u32,
    gone: u32,
    ending_since: Option<Duration>,
}

impl Watch {
    /// Nothing was seen of the run yet.
    #[must_use]
    pub fn new(limits: &Guard) -> Self {
        let limits = limits.clone();
        let (looked, blind_until, ending_since) = (None, Duration::ZERO, None);
        Self { limits, looked, blind_until, late: 0, gone: 0, ending_since }
    }

    const fn limit(&self, kind: BeatKind) -> Duration {
        match kind {
            BeatKind::Core => self.limits.core,
            BeatKind::Desk => self.limits.desk,
            BeatKind::Writer => self.limits.writer,
            BeatKind::Main => self.limits.main,
        }
    }

    /// Judges what is seen at `now`, on a clock of the caller's that only moves forward.
    pub fn judge(&mut self, signs: &Signs, now: Duration) -> Verdict {
        let gap = self.looked.map_or(Duration::ZERO, |looked| now.saturating_sub(looked));
        self.looked = Some(now);
        let shortest = self.limits.core.min(self.limits.desk);
        if gap > shortest / 2 {
            (self.blind_until, self.late) = (now + shortest, 0);
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
        if signs.sent == 0 { Verdict::NotStarted } else { Verdict::Gone }
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
        if signs.beats.iter().any(|beat| beat.age.is_none()) {
            if signs.run_for <= self.limits.start {
                return Verdict::Starting;
            }
            let silent = signs.beats.iter().find(|beat| beat.age.is_none());
            let who = silent.map_or_else(String::new, |beat| beat.name.clone());
            return Verdict::Wedged { who, age_ms: ms(signs.run_for) };
        }
        let late = signs.beats.iter().filter_map(|beat| {
            let age = beat.age?;
            Some((age.checked_sub(self.limit(beat.kind))?, age, &beat.name))
        });
        let Some((_, age, who)) = late.max_by_key(|(over, ..)| *over) else {
            self.late = 0;
            return Verdict::Healthy;
        };
        let (who, age_ms) = (who.clone(), ms(age));
        if now < self.blind_until {
            return Verdict::Late { who, age_ms };
        }
        self.late += 1;
        if self.late < LOOKS {
            return Verdict::Late { who, age_ms };
        }
        Verdict::Wedged { who, age_ms }
    }
}
