//! When statements are read, and what comes of a cycle: the double read.
//!
//! A cycle begins for a cause and waits for a statement of a moment after that. It is read once the
//! desk's record is `settle` past that moment, so that what the venue knew then has been heard. If
//! both sides have the same, that is the end. If not, a second statement is waited for, of a moment
//! by which all that was under way at the first reading has settled, and read the same way; what is
//! different in both is a difference. A statement that does not come in time ends the cycle too.

use super::confirm::{Difference, Judged, ahead_e9, confirm, is_clean};
use super::read::Reading;
use super::statement::Statement;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use xmc_hotpath::time::UnixNs;

/// Why a cycle begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Time has come.
    Schedule,
    /// The market of something has shut.
    Close,
    /// A person has asked.
    Asked,
    /// The gateway has a session again.
    Reconnect,
    /// The run has begun.
    Start,
}

/// What has come of a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Both sides have the same.
    Agree,
    /// What differed at first was on its way.
    Settled,
    /// They differ.
    Differ(Vec<Difference>),
    /// No statement came that was new enough.
    Old,
}

/// A cycle that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Its number among those of the source, from 1.
    pub cycle: u64,
    /// Why it began.
    pub cause: Cause,
    /// When.
    pub begun: UnixNs,
    /// What came of it.
    pub outcome: Outcome,
    /// The last reading.
    pub reading: Option<Reading>,
    /// The statement that was read last.
    pub statement: Option<Statement>,
}

#[derive(Debug)]
enum Phase {
    Idle,
    First,
    Second { first: Box<Reading>, from: UnixNs },
}

/// When the desk has settled, and how long statements are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// After so long, ns, everything that a venue has done has been heard.
    pub settle_ns: u64,
    /// A statement that is waited for comes within this, ns.
    pub max_age_ns: u64,
    /// Between two cycles, ns.
    pub every_ns: u64,
}

/// The cycles of one source.
#[derive(Debug)]
pub struct Cycles {
    name: String,
    gateway: String,
    tolerance_e9: i128,
    pace: Pace,
    phase: Phase,
    /// The statement that is read once the desk has settled, whatever comes meanwhile.
    chosen: Option<Statement>,
    cycle: u64,
    cause: Cause,
    begun: UnixNs,
    wanted: Option<Cause>,
    due: UnixNs,
    begun_e9: BTreeMap<String, i128>,
}

impl Cycles {
    /// Of the source `name` of `gateway`; the first is due at once.
    #[must_use]
    pub fn new(name: &str, gateway: &str, tolerance_e9: i128, pace: Pace) -> Self {
        Self {
            name: name.to_owned(),
            gateway: gateway.to_owned(),
            tolerance_e9,
            pace,
            phase: Phase::Idle,
            chosen: None,
            cycle: 0,
            cause: Cause::Start,
            begun: UnixNs(0),
            wanted: Some(Cause::Start),
            due: UnixNs(0),
            begun_e9: BTreeMap::new(),
        }
    }

    /// Wants a cycle; one that runs is broken off by a session that comes back, and else is
    /// followed by another.
    pub fn want(&mut self, cause: Cause) {
        self.wanted = self.wanted.max(Some(cause));
        if cause == Cause::Reconnect {
            (self.phase, self.chosen) = (Phase::Idle, None);
        }
    }

    /// The number of the last cycle that has begun.
    #[must_use]
    pub fn cycle(&self) -> u64 {
        self.cycle
    }

    /// Goes on at `now` with the newest statement; `heard` is how far the desk's record was read.
    pub fn poll(
        &mut self,
        now: UnixNs,
        heard: UnixNs,
        statement: Option<&Statement>,
        read: impl FnOnce(&Statement) -> Reading,
    ) -> Option<Verdict> {
        if matches!(self.phase, Phase::Idle) {
            let due = (now >= self.due).then_some(Cause::Schedule);
            self.cause = self.wanted.take().max(due)?;
            self.cycle += 1;
            (self.phase, self.begun) = (Phase::First, now);
            self.due = UnixNs(now.0.saturating_add(self.pace.every_ns));
        }
        let from = match &self.phase {
            Phase::Second { from, .. } => *from,
            Phase::Idle | Phase::First => self.begun,
        };
        if self.chosen.is_none() {
            self.chosen = statement.filter(|one| one.as_of.0 >= from).cloned();
        }
        let Some(statement) = &self.chosen else {
            let is_old = now.0 > from.0.saturating_add(self.pace.max_age_ns);
            return is_old.then(|| self.end(Outcome::Old, None));
        };
        let settled = UnixNs(statement.as_of.0.0.saturating_add(self.pace.settle_ns));
        if heard < settled {
            return None;
        }
        let reading = read(statement);
        self.begin_money(&reading);
        let judged = Judged {
            source: &self.name,
            gateway: &self.gateway,
            tolerance_e9: self.tolerance_e9,
            begun_e9: &self.begun_e9,
        };
        match &self.phase {
            Phase::Second { first, .. } => {
                let found = confirm(first, &reading, &judged);
                let outcome =
                    if found.is_empty() { Outcome::Settled } else { Outcome::Differ(found) };
                Some(self.end(outcome, Some(reading)))
            }
            Phase::Idle | Phase::First if is_clean(&reading, &judged) => {
                Some(self.end(Outcome::Agree, Some(reading)))
            }
            Phase::Idle | Phase::First => {
                // Whatever either side knew by now is known to both by then.
                let from = UnixNs(now.0.max(settled.0));
                self.phase = Phase::Second { first: Box::new(reading), from };
                self.chosen = None;
                None
            }
        }
    }

    /// Money is compared by how it changes: from where it was when it could first be told.
    fn begin_money(&mut self, reading: &Reading) {
        for cash in reading.money.iter().flatten() {
            if let Some(ahead) = ahead_e9(cash, reading, &BTreeSet::new()) {
                self.begun_e9.entry(cash.currency.clone()).or_insert(ahead);
            }
        }
    }

    fn end(&mut self, outcome: Outcome, reading: Option<Reading>) -> Verdict {
        self.phase = Phase::Idle;
        let Self { cycle, cause, begun, .. } = *self;
        let statement = self.chosen.take();
        Verdict { cycle, cause, begun, outcome, reading, statement }
    }
}
