//! What is seen of an engine in its counters: attached to whatever run has the record.

use super::watch::{Beat, BeatKind, Doing, Signs};
use crate::counters::{Attached, EngineState, Look, Looker, OwnerKind, ReadError, Run};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use xmc_hotpath::message::DeskIdentity;

/// The engine that records to one directory.
#[derive(Debug)]
pub struct Sight {
    record: PathBuf,
    identity: DeskIdentity,
    looker: Looker,
    attached: Option<Attached>,
}

/// A run that is seen.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which.
    pub run: Run,
    /// Since the last look another run has begun, or the first one was found.
    pub is_new: bool,
    /// What is seen of it.
    pub signs: Signs,
}

impl Sight {
    /// Of the desk `identity`, which records to `record`.
    #[must_use]
    pub fn new(record: &Path, identity: DeskIdentity) -> Self {
        let looker = Looker::default();
        Self { record: record.to_owned(), identity, looker, attached: None }
    }

    /// Looks once; `Ok(None)` if there is no engine yet, or it is just beginning a run.
    ///
    /// # Errors
    /// The counters are there and cannot be read, or are another desk's.
    pub fn look(&mut self) -> Result<Option<Seen>, ReadError> {
        let mut is_new = false;
        if self.attached.as_ref().is_none_or(Attached::is_replaced) {
            match Attached::open(&self.record) {
                Ok(attached) => (self.attached, is_new) = (Some(attached), true),
                // Until the next run's counters stand whole, those of the last are looked at.
                Err(ReadError::None { .. } | ReadError::OtherRun { .. }) => {}
                // A next run that cannot be read is not watched, which is said; one that failed
                // and one that still runs come first.
                Err(error) if self.attached.as_ref().is_none_or(has_ended) => return Err(error),
                Err(_) => {}
            }
        }
        let Some(attached) = &self.attached else { return Ok(None) };
        let (found, wanted) = (attached.run().identity, self.identity);
        if (found.site, found.desk) != (wanted.site, wanted.desk) {
            let (path, what) = (attached.path().to_owned(), "they are another desk's");
            self.attached = None;
            return Err(ReadError::Damaged { path, what });
        }
        let look = self.looker.look(attached)?;
        let signs = signs(attached, &look);
        Ok(Some(Seen { run: *attached.run(), is_new, signs }))
    }
}

/// Whether a run ended in order: nothing has to be seen of it any more.
fn has_ended(attached: &Attached) -> bool {
    matches!(attached.engine(), EngineState::Ended(_))
}

fn signs(attached: &Attached, look: &Look) -> Signs {
    let table = attached.table();
    let (mut beats, mut sent) = (Vec::new(), 0);
    let (mut is_ending, mut live_orders) = (false, 0);
    let rows = || table.rows.iter().zip(look.values());
    let threads = rows().filter(|(row, id)| row.name == "thread" && **id != 0);
    let threads: HashMap<_, _> = threads.map(|(row, id)| (row.owner, *id)).collect();
    for (row, value) in rows() {
        let owner = &table.owners[row.owner];
        match (owner.kind, row.name.as_str()) {
            (OwnerKind::Engine, "is_ending") => is_ending = *value != 0,
            (OwnerKind::Engine, "live_orders") => live_orders = *value,
            (OwnerKind::Gateway, "sent") => sent += *value,
            (OwnerKind::Core | OwnerKind::Thread, "heartbeat") => {
                let is_desk = owner.stages.iter().any(|stage| stage == "desk");
                let kind = match (owner.kind, owner.name.as_str()) {
                    (OwnerKind::Core, _) if is_desk => BeatKind::Desk,
                    (OwnerKind::Core, _) => BeatKind::Core,
                    (_, "journal") => BeatKind::Writer,
                    (_, "main") => BeatKind::Main,
                    // The others keep no order from being cancelled.
                    _ => continue,
                };
                let name = match owner.kind {
                    OwnerKind::Core => format!("core {}", owner.name),
                    _ => owner.name.clone(),
                };
                let age = look.age(attached, *value).map(|age| Duration::from_nanos(age.0));
                let thread = threads.get(&row.owner).copied();
                beats.push(Beat { name, kind, age, thread, doing: Doing::Unknown });
            }
            _ => {}
        }
    }
    Signs { engine: look.engine(), is_ending, sent, live_orders, beats }
}
