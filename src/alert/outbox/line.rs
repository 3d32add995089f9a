//! A line of the outbox: one fact.

use super::state::{Cursor, Dead, How, RunMark, SinkState};
use crate::alert::life::{Alert, Notice};
use crate::sealed;
use serde::{Deserialize, Serialize};

/// What became known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Line {
    /// The file begins: its name, and the number of the next notice.
    Begin {
        /// Goes before the number of each notice.
        epoch: String,
        /// The next number.
        next: u64,
        /// Lines of files before it that were damaged.
        damaged: u64,
    },
    /// A notice is to be told.
    Accepted {
        /// Its number.
        seq: u64,
        /// When, UTC in nanoseconds since 1970.
        at_ns: u64,
        /// What, and to whom.
        notice: Notice,
    },
    /// Nothing more is to be done about some notices.
    Done {
        /// Of which sink.
        sink: String,
        /// Which.
        seqs: Vec<u64>,
        /// How they ended.
        how: How,
        /// When, UTC in nanoseconds since 1970.
        at_ns: u64,
        /// Why, if they came to nothing.
        why: Option<String>,
    },
    /// A sink has not taken what it was given.
    Failed {
        /// Which sink.
        sink: String,
        /// When, UTC in nanoseconds since 1970.
        at_ns: u64,
        /// Why.
        why: String,
    },
    /// An alert, as it is now.
    Alert {
        /// All of it.
        alert: Box<Alert>,
    },
    /// An alert fires no longer.
    Over {
        /// Which.
        fingerprint: String,
    },
    /// Where the record was read to.
    Read(Cursor),
    /// A run has begun or ended.
    Run(RunMark),
    /// A sink, when the file was written anew.
    Sink {
        /// Which.
        sink: String,
        /// How it stands.
        state: SinkState,
    },
    /// A notice that came to nothing, when the file was written anew.
    Dead(Box<Dead>),
}

impl Line {
    /// As it stands in the file.
    #[must_use]
    pub fn text(&self) -> String {
        sealed::text(self)
    }

    /// Reads a line without its end; `None` if it is damaged.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        sealed::parse(line)
    }
}
