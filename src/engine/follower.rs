//! Follows the journal of a run while it is written, with a shadow of its desk. Called by `live`.

use super::live::{LiveError, Watch};
use super::shadow::{Difference, Shadow};
use crate::journal::snapshot::Snapshot;
use crate::journal::tail::Tail;
use std::path::Path;
use std::time::{Duration, Instant};
use xmc_hotpath::message::{Carried, Detail, Gate};
use xmc_hotpath::record::frame::{self, Body, Kind, LOGIC_VERSION, OwnedEvent};

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
    pub counts: Counts,
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
            counts: Counts::default(),
        }
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

    /// How long there was no news of any order.
    pub fn quiet_for(&self) -> Duration {
        self.news.elapsed()
    }

    /// Reads what the journal has got since the last time.
    ///
    /// # Errors
    /// The journal cannot be followed, or holds something that is no record.
    pub fn read(&mut self, watch: &mut dyn Watch) -> Result<(), LiveError> {
        let Self { tail, shadow, difference, seq_no, command_id, news, .. } = self;
        let (start, has_begun, counts) = (&mut self.start, &mut self.has_begun, &mut self.counts);
        let directory = tail.directory().display().to_string();
        while let Some(mut rest) = tail
            .next_block()
            .map_err(|source| LiveError::Follow { directory: directory.clone(), source })?
        {
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
                        OwnedEvent::Command(command) => *command_id = command.command_id,
                        OwnedEvent::Order(_) => *news = Instant::now(),
                        OwnedEvent::Carried(Carried::Run(_)) => *has_begun = true,
                        _ => {}
                    }
                }
                counts.take(&taken.0);
                watch.record(&header, &taken.0, shadow.desk());
            }
        }
        Ok(())
    }
}
