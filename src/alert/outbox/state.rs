//! What the lines of an outbox come to.

use super::line::Line;
use crate::alert::life::{Alert, Notice};
use crate::alert::rule::Severity;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Notices that came to nothing and are kept to be looked at.
const MOST_DEAD: usize = 100;

/// A notice that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// When it was accepted, UTC in nanoseconds since 1970.
    pub at_ns: u64,
    /// What, and to whom.
    pub notice: Notice,
}

/// How a notice ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The sink has taken it.
    Delivered,
    /// The sink was told that there are more, and not this one.
    Suppressed,
    /// There was no room for it.
    Dropped,
    /// The sink refused it, or did not take it for too long: a dead letter.
    Dead,
}

/// A notice that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dead {
    /// Its number.
    pub seq: u64,
    /// When it was given up, UTC in nanoseconds since 1970.
    pub at_ns: u64,
    /// Why.
    pub why: String,
    /// What, and to whom.
    pub notice: Notice,
}

/// How a sink stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkState {
    /// Notices that it has taken.
    pub delivered: u64,
    /// Notices that it was told the number of.
    pub suppressed: u64,
    /// Notices for which there was no room.
    pub dropped: u64,
    /// Notices that came to nothing.
    pub dead: u64,
    /// Tries that came to nothing.
    pub failures: u64,
    /// Dropped notices that it was not told the number of yet.
    pub untold: u64,
    /// When it last took something, UTC in nanoseconds since 1970; 0: never.
    pub last_ns: u64,
    /// Since when it has taken nothing of what it was given; `None`: it is well.
    pub failing_since_ns: Option<u64>,
    /// Why.
    pub why: Option<String>,
}

/// A place in the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cursor {
    /// The run.
    pub run: u16,
    /// The number of the last input that was read.
    pub seq_no: u64,
    /// The last output of it that was read; 0: the input itself.
    pub index: u16,
    /// The segment of the journal that it is in.
    pub segment: u64,
}

/// A run that alerts have seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunMark {
    /// Its number.
    pub run: u16,
    /// It has ended in order.
    pub is_over: bool,
}

/// What an outbox holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Goes before the number of each notice; empty: there is no outbox.
    pub epoch: String,
    /// The number of the next notice.
    pub next: u64,
    /// What waits, by its number.
    pub waiting: BTreeMap<u64, Waiting>,
    /// What came to nothing, the oldest first.
    pub dead: VecDeque<Dead>,
    /// Sinks, by name.
    pub sinks: BTreeMap<String, SinkState>,
    /// What fires, by fingerprint.
    pub alerts: BTreeMap<String, Alert>,
    /// How far the record was read.
    pub cursor: Option<Cursor>,
    /// The last run that was seen.
    pub run: Option<RunMark>,
    /// Lines that were damaged.
    pub damaged: u64,
}

impl State {
    /// What the lines in `bytes` come to.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let mut state = Self::default();
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let bytes = bytes.get(..end).unwrap_or_default();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, is_ended) = match line.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (line, false),
            };
            match Line::parse(text) {
                Some(line) => state.apply(&line),
                // A kill leaves a last line without its end.
                None => state.damaged += u64::from(is_ended),
            }
        }
        state
    }

    /// Takes up one fact.
    pub fn apply(&mut self, line: &Line) {
        match line {
            Line::Begin { epoch, next, damaged } => {
                self.epoch.clone_from(epoch);
                self.next = self.next.max(*next);
                self.damaged = self.damaged.max(*damaged);
            }
            Line::Accepted { seq, at_ns, notice } => {
                self.next = self.next.max(seq + 1);
                self.sinks.entry(notice.sink.clone()).or_default();
                self.waiting.insert(*seq, Waiting { at_ns: *at_ns, notice: notice.clone() });
            }
            Line::Done { sink, seqs, how, at_ns, why } => self.done(sink, seqs, *how, *at_ns, why),
            Line::Failed { sink, at_ns, why } => {
                let state = self.sinks.entry(sink.clone()).or_default();
                state.failures += 1;
                state.failing_since_ns.get_or_insert(*at_ns);
                state.why = Some(why.clone());
            }
            Line::Alert { alert } => {
                self.alerts.insert(alert.fingerprint.clone(), (**alert).clone());
            }
            Line::Over { fingerprint } => {
                self.alerts.remove(fingerprint);
            }
            Line::Read(cursor) => self.cursor = Some(*cursor),
            Line::Run(run) => self.run = Some(*run),
            Line::Sink { sink, state } => {
                self.sinks.insert(sink.clone(), state.clone());
            }
            Line::Dead(dead) => self.bury((**dead).clone()),
        }
    }

    fn done(&mut self, sink: &str, seqs: &[u64], how: How, at_ns: u64, why: &Option<String>) {
        for seq in seqs {
            // One that was dropped while it was on its way is counted once.
            let Some(waiting) = self.waiting.remove(seq) else { continue };
            let state = self.sinks.entry(sink.to_owned()).or_default();
            match how {
                How::Delivered => state.delivered += 1,
                How::Suppressed => state.suppressed += 1,
                How::Dropped => {
                    state.dropped += 1;
                    state.untold += 1;
                }
                How::Dead => {
                    state.dead += 1;
                    let why = why.clone().unwrap_or_default();
                    self.bury(Dead { seq: *seq, at_ns, why, notice: waiting.notice });
                }
            }
        }
        if how != How::Delivered {
            return;
        }
        // A sign of life that was taken says nothing of alerts that were not.
        let is_life = seqs.is_empty();
        let is_well = !is_life || self.waiting_of(sink).next().is_none();
        let state = self.sinks.entry(sink.to_owned()).or_default();
        state.last_ns = at_ns;
        state.untold = if is_life { state.untold } else { 0 };
        if is_well {
            (state.failing_since_ns, state.why) = (None, None);
        }
    }

    fn bury(&mut self, dead: Dead) {
        self.dead.push_back(dead);
        while self.dead.len() > MOST_DEAD {
            self.dead.pop_front();
        }
    }

    /// What waits for a sink, the oldest first.
    pub fn waiting_of<'s>(&'s self, sink: &'s str) -> impl Iterator<Item = (&'s u64, &'s Waiting)> {
        self.waiting.iter().filter(move |(_, waiting)| waiting.notice.sink == sink)
    }

    /// The oldest of the least severe notices that wait for a sink.
    #[must_use]
    pub fn least_of(&self, sink: &str) -> Option<u64> {
        let least = |(seq, waiting): &(&u64, &Waiting)| -> (Severity, u64) {
            (waiting.notice.alert.severity, **seq)
        };
        self.waiting_of(sink).min_by_key(least).map(|(seq, _)| *seq)
    }

    /// The whole as lines: what a file that is written anew holds.
    #[must_use]
    pub fn lines(&self) -> String {
        let begin =
            Line::Begin { epoch: self.epoch.clone(), next: self.next, damaged: self.damaged };
        let sinks = self.sinks.iter();
        let sinks =
            sinks.map(|(sink, state)| Line::Sink { sink: sink.clone(), state: state.clone() });
        let dead = self.dead.iter().map(|dead| Line::Dead(Box::new(dead.clone())));
        let alerts = self.alerts.values();
        let alerts = alerts.map(|alert| Line::Alert { alert: Box::new(alert.clone()) });
        let waiting = self.waiting.iter().map(|(seq, waiting)| Line::Accepted {
            seq: *seq,
            at_ns: waiting.at_ns,
            notice: waiting.notice.clone(),
        });
        let run = self.run.map(Line::Run);
        let read = self.cursor.map(Line::Read);
        let all = [begin].into_iter().chain(sinks).chain(dead).chain(alerts).chain(waiting);
        all.chain(run).chain(read).map(|line| line.text()).collect()
    }
}
