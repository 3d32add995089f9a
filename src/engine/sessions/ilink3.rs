//! How iLink 3 sessions follow each other: under the same UUID first, with a new one if the
//! exchange does not know it any more, at the primary and the backup address in turn. What is known
//! of them is written down when one begins and when one ends (`book`).

use super::{Begun, BookError, End, Failed, Follow, SessionBook};
use crate::engine::logon::LogonError;
use crate::venue::cme::ilink3::resume::{self, Course, Known};
use xmc_hotpath::gateway::Entry;
use xmc_hotpath::venue::cme::ilink3::session::{Handover, Left};

/// What a logon is to ask for.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// What is known of the sessions before, the newest last.
    pub known: &'a [Known],
    /// The session that is established again, and the number of our next message in it; `None` for
    /// a new one.
    pub again: Option<(u64, u32)>,
    /// At the backup address, if there is one.
    pub is_backup: bool,
    /// This run has had a session before: what it registers was registered.
    pub is_later: bool,
}

impl Attempt<'_> {
    /// The first session of a gateway of which nothing is known.
    pub const FIRST: Self = Self { known: &[], again: None, is_backup: false, is_later: false };
}

/// A session that a logon has led to.
#[derive(Debug)]
pub struct Entered<G> {
    /// For the stage.
    pub entry: Entry<G, Handover>,
    /// Sessions before of which messages are missing for good.
    pub unasked: usize,
    /// In how many days the key expires; `None`: it was not said.
    pub key_expires_days: Option<u16>,
}

/// Connects gateway `row` and logs on.
pub type LogOn<'a, G> =
    dyn Fn(usize, &Attempt<'_>) -> Result<Entered<G>, LogonError> + Send + Sync + 'a;

/// The sessions of one gateway.
pub(super) struct Succession<'s, 'a, G> {
    log_on: &'s LogOn<'a, G>,
    row: usize,
    book: SessionBook,
    known: Vec<Known>,
    /// Number and next message of the session that has ended.
    last: (u64, u32),
    course: Course,
    is_backup: bool,
}

impl<'s, 'a, G> Succession<'s, 'a, G> {
    pub(super) fn new(log_on: &'s LogOn<'a, G>, row: usize, book: SessionBook) -> Self {
        let course = Course::Stop;
        Self { log_on, row, book, known: Vec::new(), last: (0, 1), course, is_backup: false }
    }
}

impl<G> Follow<G> for Succession<'_, '_, G> {
    type Handover = Handover;
    type Left = Left;

    fn ended(&mut self, left: &Left) -> End {
        self.known = resume::ended(left);
        self.last = (left.uuid, left.next_seq_no);
        self.course = resume::after_loss(left.why);
        self.is_backup = false;
        // What was written when it began still holds: it is only less.
        let error = self.book.write(&self.known).err().map(|error| error.to_string());
        let goes_on = self.course != Course::Stop;
        End { why: left.why, is_more_missing: left.is_more_missing, goes_on, error }
    }

    fn week_over(&mut self) -> Result<(), BookError> {
        (self.known, self.course) = (Vec::new(), Course::New);
        self.book.write(&self.known)
    }

    /// Without a note of it no session begins.
    fn enter(&mut self) -> Result<Begun<G, Handover>, Failed> {
        let again = (self.course == Course::Same).then_some(self.last);
        let is_backup = self.is_backup;
        let attempt = Attempt { known: &self.known, again, is_backup, is_later: true };
        self.is_backup = !self.is_backup;
        let entered = (self.log_on)(self.row, &attempt);
        let Entered { entry, unasked, key_expires_days } = entered.map_err(|error| {
            self.course = after(self.course, &error);
            Failed { error: error.to_string(), goes_on: self.course != Course::Stop }
        })?;
        self.book
            .write(&resume::begun(&entry.handover))
            .map_err(|error| Failed { error: error.to_string(), goes_on: true })?;
        let unasked = u64::try_from(unasked).unwrap_or(u64::MAX);
        Ok(Begun { entry, unasked, key_expires_days })
    }
}

/// How to go on when an attempt has failed.
fn after(course: Course, error: &LogonError) -> Course {
    match error {
        LogonError::Ilink3 { source, .. } => resume::after_refusal(course, source),
        // Nobody there, or a key that is just being changed.
        LogonError::Socket(_) | LogonError::Secret { .. } => course,
        _ => Course::Stop,
    }
}
