//! What the control socket must remember when the engine ends, in a small file beside the record:
//! which numbers each operator has used, what was stopped and not allowed again, and which figures
//! limits were changed to.
//!
//! Each command that is done lies there too, as it was signed, in a file that is called by the
//! digest which the record has of it: an auditor reads the reason and checks the signatures.
//!
//! Both are on the disk before a command is done, so a command that was seen once is not taken
//! again by the next run either, and a restart undoes no stop: what one person has stopped takes
//! two to allow. A desk that was killed begins its next run in `NO_NEW` with every spread disabled:
//! it is armed and its spreads are enabled by command, and not by itself. A limit that was lowered
//! stays so in the next run: a figure of its configuration that is higher takes two as well. One
//! that was raised is the configuration's again.

use super::limit::{Field, Limited};
use super::scope::{Named, Register};
use super::text::Text;
use super::verb::Verb;
use crate::hex;
use crate::replace::replace;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use xmc_hotpath::message::{Command, Control, Scope};

/// The file's name.
const NAME: &str = "control.json";
/// Where the commands lie that were done.
const COMMANDS: &str = "commands";

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
    /// The word of what the next run is told: no_new or disable.
    command: String,
    /// About what.
    scope: String,
    /// The operator's number.
    operator: u32,
    /// The command's own number.
    counter: u64,
}

/// The figure that a limit was changed to last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Figure {
    /// Of what.
    scope: String,
    /// The limit's word.
    limit: String,
    /// The figure.
    figure: u64,
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
    /// One of each limit that was changed.
    #[serde(default)]
    figures: Vec<Figure>,
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
        let all = Named::All.to_string();
        let no_new = Verb::NoNew.word();
        self.written.stops.iter().any(|stop| stop.scope == all && stop.command == no_new)
    }

    /// Remembers that a command of an operator is done from now on, and keeps the `request` as it
    /// was signed; both are on the disk when this returns.
    ///
    /// # Errors
    /// `Io`. Of a command that only stops this process knows all the same, the next one will not;
    /// of another nothing is remembered, and it may not be done.
    pub fn take(&mut self, operator: u32, text: &Text, request: &str) -> Result<(), KeptError> {
        let next = self.with(operator, text);
        let kept = self.keep(&next, text, request);
        if kept.is_ok() || text.verb.only_stops() {
            self.written = next;
        }
        kept
    }

    fn keep(&self, next: &Written, text: &Text, request: &str) -> Result<(), KeptError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| KeptError::Io { what: "write", path, source }
        };
        let directory = self.path.with_file_name(COMMANDS);
        match fs::create_dir(&directory) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => made.map_err(failed(&directory))?,
        }
        let file = directory.join(format!("{}.note", hex::show(&text.digest())));
        replace(&file, request.as_bytes()).map_err(failed(&file))?;
        let bytes = serde_json::to_vec_pretty(next).unwrap_or_default();
        replace(&self.path, &bytes).map_err(failed(&self.path))
    }

    /// What is remembered once a command is done.
    fn with(&self, operator: u32, text: &Text) -> Written {
        let mut next = self.written.clone();
        next.counters.insert(operator, text.counter);
        let scope = text.scope.to_string();
        for verb in stopped(text) {
            let command = verb.word().to_owned();
            next.stops.retain(|stop| stop.scope != scope || stop.command != command);
            let counter = text.counter;
            next.stops.push(Stop { command, scope: scope.clone(), operator, counter });
        }
        let disable = Verb::Disable.word();
        next.stops.retain(|stop| match text.verb {
            // A desk is armed, and spreads are not enabled by that.
            Verb::Arm => stop.scope != scope || stop.command == disable,
            Verb::Enable if text.scope == Named::All => {
                stop.scope == scope && stop.command != disable
            }
            Verb::Enable => stop.scope != scope,
            _ => true,
        });
        if let Some(change) = &text.change {
            let limit = change.field.word().to_owned();
            next.figures.retain(|kept| (&kept.scope, &kept.limit) != (&scope, &limit));
            let (figure, counter) = (change.to.figure, text.counter);
            next.figures.push(Figure { scope, limit, figure, operator, counter });
        }
        next
    }

    /// What the desk is told behind `told`, the inputs of the configuration, at its start: what has
    /// a limit there that is above the figure it was changed to, with that figure.
    #[must_use]
    pub fn lowered(&self, register: &Register, told: &[Control]) -> Vec<Control> {
        let mut lowered: Vec<(Scope, Limited)> = Vec::new();
        for kept in &self.written.figures {
            let scope = kept.scope.parse::<Named>().ok().and_then(|named| register.resolve(&named));
            let (Some(scope), Some(field)) = (scope, Field::of_word(&kept.limit)) else { continue };
            let at = lowered.iter().position(|(known, _)| *known == scope);
            let known = at.map(|at| lowered[at].1);
            let Some(limits) = known.or_else(|| Limited::told(told, scope)) else { continue };
            let Some(limits) = limits.lowered_to(field, kept.figure) else { continue };
            match at {
                Some(at) => lowered[at].1 = limits,
                None => lowered.push((scope, limits)),
            }
        }
        lowered.into_iter().map(|(_, limits)| limits.control()).collect()
    }

    /// What the desk is told at its start: what was stopped, under the number of who has stopped
    /// it. Names that the configuration does not have any more stand for nothing.
    #[must_use]
    pub fn controls(&self, register: &Register) -> Vec<Control> {
        let stops = self.written.stops.iter();
        stops.filter_map(|stop| stop.control(register)).collect()
    }
}

/// What the next run must begin with if nothing allows it before: a killed desk neither opens nor
/// closes anything, and could not be armed in HALT.
fn stopped(text: &Text) -> &'static [Verb] {
    match (text.verb, &text.scope) {
        (Verb::Kill, Named::All) => &[Verb::NoNew, Verb::Disable],
        (Verb::NoNew, _) => &[Verb::NoNew],
        // A run that goes on finds the spreads halted too, and one that begins flat does not.
        (Verb::Kill | Verb::Disable, _) => &[Verb::Disable],
        // What spreads are halted by is carried by the record itself.
        (
            Verb::Arm
            | Verb::Enable
            | Verb::ClearHalt
            | Verb::ClearDoubt
            | Verb::Remove
            | Verb::Explain
            | Verb::Acknowledge
            | Verb::Limit
            | Verb::Lift
            | Verb::LiftUnconfirmed,
            _,
        ) => &[],
    }
}

impl Stop {
    fn control(&self, register: &Register) -> Option<Control> {
        let scope = register.resolve(&self.scope.parse::<Named>().ok()?)?;
        let kind = Verb::of_word(&self.command)?.kind()?;
        let Self { operator, counter, .. } = *self;
        Some(Control::Command(Command { kind, scope, operator, command_id: counter }))
    }
}
