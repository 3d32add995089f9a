//! Follows the journal of a run while it is written, with a shadow of its desk. Called by `live`.

use super::capital::Trades;
use super::live::{LiveError, Watch};
use super::resyncing::Eye;
use super::shadow::{Difference, Shadow};
use crate::journal::snapshot::Snapshot;
use crate::journal::tail::Tail;
use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};
use xmc_hotpath::message::{Carried, Detail, Gate};
use xmc_hotpath::record::frame::{self, Body, Kind, LOGIC_VERSION, OwnedEvent};

/// Inputs of the cold side that are kept until somebody asks what came of them.
const MOST_HEARD: usize = 256;

/// An input that can be the effect of a command, and what the desk has said to it.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    /// Its number.
    pub seq_no: u64,
    /// What the desk was told.
    pub event: OwnedEvent,
    /// What it has said.
    pub details: Vec<Detail>,
    /// It has said all.
    is_whole: bool,
}

/// The shadow and what it reads.
pub(super) struct Follower<'a> {
    tail: Tail,
    pub shadow: Shadow<'a>,
    /// The first place where the shadow did something else than the record says.
    pub difference: Option<Difference>,
    seq_no: u64,
    /// The last command that the desk has read.
    pub command_id: u64,
    /// When the last news of an order was read.
    news: Instant,
    /// The run's first record.
    start: Vec<u8>,
    /// The desk was told all that it begins with.
    has_begun: bool,
    /// What the last snapshot took: the next one is as long.
    state_len: usize,
    heard: VecDeque<Heard>,
    /// Reads what is traded, if somebody wants to know.
    pub trades: Option<Trades>,
    pub counts: Counts,
    /// What a resync sees of it; `None`: there is none.
    pub eye: Option<Eye>,
}

/// What was followed, counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub records: u64,
    pub fires: u64,
    pub refusals: u64,
}

impl Counts {
    fn take(&mut self, body: &Body) {
        self.records += 1;
        match body {
            Body::Detail(Detail::Decision(decision)) if decision.gate == Gate::Passed => {
                self.fires += 1;
                self.refusals += u64::from(decision.repeated);
            }
            Body::Detail(Detail::Decision(decision)) => {
                self.refusals += 1 + u64::from(decision.repeated);
            }
            _ => {}
        }
    }
}

impl<'a> Follower<'a> {
    /// Follows `shadow`'s run in the journal at `directory`, from the segment `first` on.
    pub fn new(directory: &Path, first: u64, shadow: Shadow<'a>) -> Self {
        let tail = Tail::new(directory, first);
        Self {
            tail,
            shadow,
            difference: None,
            seq_no: 0,
            command_id: 0,
            news: Instant::now(),
            start: Vec::new(),
            has_begun: false,
            state_len: 0,
            heard: VecDeque::new(),
            trades: None,
            counts: Counts::default(),
            eye: None,
        }
    }

    /// The desk was told all that it begins with.
    pub fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// The state of the desk where what was read ends; `None` where that is between an input and
    /// its outputs, before the desk was told what it begins with, or if the shadow is none.
    pub fn snapshot(&mut self) -> Option<Snapshot> {
        let mut state = Vec::with_capacity(self.state_len);
        if !self.has_begun || self.difference.is_some() || !self.shadow.save(&mut state) {
            return None;
        }
        self.state_len = state.len();
        let end = self.tail.end();
        Some(Snapshot {
            identity: self.shadow.identity(),
            logic_version: LOGIC_VERSION,
            last_seq_no: self.seq_no,
            segment: end.segment,
            tree_size: end.tree_size,
            tree_root: end.root,
            start: self.start.clone(),
            state,
        })
    }

    /// What the desk was told by the cold side since the last call, with what it has said to it.
    pub fn take_heard(&mut self) -> Vec<Heard> {
        let whole = self.heard.iter().take_while(|heard| heard.is_whole).count();
        self.heard.drain(..whole).collect()
    }

    /// How long there was no news of any order.
    pub fn quiet_for(&self) -> Duration {
        self.news.elapsed()
    }

    /// Reads what the journal has got since the last time, all of it.
    ///
    /// # Errors
    /// The journal cannot be followed, or holds something that is no record.
    pub fn read(&mut self, watch: &mut dyn Watch) -> Result<(), LiveError> {
        self.read_until(watch, None).map(|_| ())
    }

    /// Reads what there is, block by block, and no longer than `until`; whether it was all.
    ///
    /// # Errors
    /// As for `read`.
    pub fn read_until(
        &mut self,
        watch: &mut dyn Watch,
        until: Option<Instant>,
    ) -> Result<bool, LiveError> {
        let Self { tail, shadow, difference, seq_no, command_id, news, heard, .. } = self;
        let (start, has_begun, counts) = (&mut self.start, &mut self.has_begun, &mut self.counts);
        let trades = &mut self.trades;
        let directory = tail.directory().display().to_string();
        while let Some(mut rest) = tail
            .next_block()
            .map_err(|source| LiveError::Follow { directory: directory.clone(), source })?
        {
            let is_late = until.is_some_and(|until| Instant::now() >= until);
            while !rest.is_empty() {
                let wrong = |seq_no: u64| move |fault| LiveError::Record { seq_no, fault };
                let (header, body, after) = frame::split(rest).map_err(wrong(*seq_no))?;
                let whole = &rest[..usize::from(header.len)];
                rest = after;
                if header.kind == Kind::Start {
                    *start = whole.to_vec();
                }
                if header.kind == Kind::Start || difference.is_some() {
                    continue;
                }
                let taken = shadow.take(header, body, whole).map_err(wrong(*seq_no))?;
                *seq_no = header.seq_no;
                *difference = taken.1;
                if let Body::Input(input) = &taken.0 {
                    match &input.event {
                        OwnedEvent::Command(command) if command.operator == 0 => {
                            *command_id = command.command_id;
                        }
                        OwnedEvent::Order(_) => *news = Instant::now(),
                        OwnedEvent::Carried(Carried::Run(_)) => *has_begun = true,
                        _ => {}
                    }
                }
                counts.take(&taken.0);
                if let Some(trades) = trades {
                    trades.take(&taken.0);
                }
                if let Some(eye) = &mut self.eye {
                    eye.take(header.seq_no, &taken.0, shadow.desk());
                }
                hear(heard, header.seq_no, &taken.0, shadow.unwritten() == 0);
                watch.record(&header, &taken.0, shadow.desk());
            }
            if is_late {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Keeps what can be the effect of a command.
fn hear(heard: &mut VecDeque<Heard>, seq_no: u64, body: &Body, is_whole: bool) {
    match body {
        Body::Input(input) => {
            heard.back_mut().into_iter().for_each(|last| last.is_whole = true);
            let is_told = matches!(
                input.event,
                OwnedEvent::Instruction(_)
                    | OwnedEvent::Command(_)
                    | OwnedEvent::Instrument(_)
                    | OwnedEvent::Spread(_)
                    | OwnedEvent::Gateway(_)
                    | OwnedEvent::Account(_)
            );
            if is_told {
                heard.push_back(Heard {
                    seq_no,
                    event: input.event,
                    details: Vec::new(),
                    is_whole,
                });
                if heard.len() > MOST_HEARD {
                    heard.pop_front();
                }
            }
        }
        Body::Order(_) | Body::Detail(_) => {
            if let Some(last) = heard.back_mut().filter(|last| last.seq_no == seq_no) {
                if let Body::Detail(detail) = body {
                    last.details.push(*detail);
                }
                last.is_whole = is_whole;
            }
        }
        Body::Start(_) => {}
    }
}
