//! Follows the journal of a run while it is written, with a shadow of its desk. Called by `live`.

use super::live::{LiveError, Watch};
use super::shadow::{Difference, Shadow};
use crate::journal::tail::Tail;
use std::path::Path;
use std::time::{Duration, Instant};
use xmc_hotpath::record::frame::{self, Body, Kind, OwnedEvent};

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
}

impl<'a> Follower<'a> {
    /// Follows `shadow`'s run in the journal at `directory`, from the segment `first` on.
    pub fn new(directory: &Path, first: u64, shadow: Shadow<'a>) -> Self {
        let tail = Tail::new(directory, first);
        Self { tail, shadow, difference: None, seq_no: 0, command_id: 0, news: Instant::now() }
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
        let Self { tail, shadow, difference, seq_no, command_id, news } = self;
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
                        _ => {}
                    }
                }
                watch.record(&header, &taken.0, shadow.desk());
            }
        }
        Ok(())
    }
}
