//! What the control socket must remember when the engine ends, in a small file beside the record:
//! which numbers each operator has used, and what was stopped and not allowed again.
//!
//! The file is on the disk before a command is done, so a command that was seen once is not taken
//! again by the next run either, and a restart undoes no stop: what one person has stopped takes
//! two to allow. A desk that was killed begins its next run in `NO_NEW`, where it is armed by
//! command and not by itself.

use super::scope::{Named, Register};
use super::text::Text;
use super::verb::Verb;
use crate::replace::replace;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use xmc_hotpath::message::{Command, CommandKind, Control, Scope};

/// The file's name.
const NAME: &str = "control.json";

/// Why nothing is remembered.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The disk.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Somebody has changed it.
    #[error(
        "{} is not what the control socket has written ({source}): without it old commands could \
         be given again. Put it back, or take [control] out of the configuration",
        path.display()
    )]
    Shape {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// Something that was stopped and has not been allowed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stop {
    /// The word of the command.
    command: String,
    /// About what.
    scope: String,
    /// The operator's number.
    operator: u32,
    /// The command's own number.
    counter: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The last number of each operator.
    counters: BTreeMap<u32, u64>,
    /// In the order in which they were ordered.
    stops: Vec<Stop>,
}

/// What is remembered.
#[derive(Debug)]
pub struct Kept {
    path: PathBuf,
    written: Written,
}

impl Kept {
    /// What is remembered in the directory of a record; nothing if there is nothing.
    ///
    /// # Errors
    /// See `KeptError`.
    pub fn open(directory: &Path) -> Result<Self, KeptError> {
        let path = directory.join(NAME);
        let io = |source| KeptError::Io { what: "read", path: path.clone(), source };
        let written = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Written::default(),
            read => serde_json::from_slice(&read.map_err(io)?)
                .map_err(|source| KeptError::Shape { path: path.clone(), source })?,
        };
        Ok(Self { path, written })
    }

    /// The last number that an operator has used; 0 if none.
    #[must_use]
    pub fn counter(&self, operator: u32) -> u64 {
        self.written.counters.get(&operator).copied().unwrap_or(0)
    }

    /// Whether the desk may not arm itself.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.written.stops.iter().any(|stop| stop.scope == Named::All.to_string())
    }

    /// Remembers that a command of an operator is done from now on; it is on the disk when this
    /// returns.
    ///
    /// # Errors
    /// `Io`. Nothing is remembered then, and nothing may be done.
    pub fn take(&mut self, operator: u32, text: &Text) -> Result<(), KeptError> {
        let mut next = self.written.clone();
        next.counters.insert(operator, text.counter);
        let scope = text.scope.to_string();
        match text.verb {
            Verb::Kill | Verb::NoNew | Verb::Disable => next.stops.push(Stop {
                command: text.verb.word().to_owned(),
                scope,
                operator,
                counter: text.counter,
            }),
            // What spreads are halted by is carried by the record itself.
            Verb::ClearHalt | Verb::ClearDoubt | Verb::Remove | Verb::Limit => {}
            // A desk is armed, and spreads are not enabled by that.
            Verb::Arm => next.stops.retain(|stop| stop.scope != scope || stop.is_disable()),
            Verb::Enable if text.scope == Named::All => {
                let is_of_desk = |stop: &Stop| stop.scope == scope && !stop.is_disable();
                next.stops.retain(is_of_desk);
            }
            Verb::Enable => next.stops.retain(|stop| stop.scope != scope),
        }
        let bytes = serde_json::to_vec_pretty(&next).unwrap_or_default();
        replace(&self.path, &bytes).map_err(|source| KeptError::Io {
            what: "write",
            path: self.path.clone(),
            source,
        })?;
        self.written = next;
        Ok(())
    }

    /// What the desk is told at its start: what was stopped, under the number of who has stopped
    /// it. Names that the configuration does not have any more stand for nothing.
    #[must_use]
    pub fn controls(&self, register: &Register) -> Vec<Control> {
        let stops = self.written.stops.iter();
        stops.filter_map(|stop| stop.control(register)).collect()
    }
}

impl Stop {
    fn is_disable(&self) -> bool {
        self.command == Verb::Disable.word()
    }

    fn control(&self, register: &Register) -> Option<Control> {
        let scope = register.resolve(&self.scope.parse::<Named>().ok()?)?;
        let kind = match (Verb::of_word(&self.command)?, scope) {
            // A desk in HALT could never be armed.
            (Verb::Kill, Scope::All) | (Verb::NoNew, _) => CommandKind::NoNew,
            // A run that goes on finds the spreads halted too, and one that begins flat does not.
            (Verb::Kill | Verb::Disable, _) => CommandKind::Disable,
            _ => return None,
        };
        let Self { operator, counter, .. } = *self;
        Some(Control::Command(Command { kind, scope, operator, command_id: counter }))
    }
}
