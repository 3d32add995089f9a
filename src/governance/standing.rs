//! How a proposal stands, in words.

use super::person::{Role, words};
use jiff::Timestamp;

/// How a proposal stands at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may be traded with.
    InEffect {
        /// Since when.
        from: Timestamp,
        /// Until when, if nothing is approved of or withdrawn.
        until: Option<Timestamp>,
    },
    /// It may not: a later one is in effect.
    Superseded {
        /// Its version.
        by: u64,
    },
    /// People are missing who approve.
    Waiting {
        /// How many.
        people: usize,
        /// With which roles among them.
        roles: Vec<Role>,
    },
    /// Its time has not come.
    NotYet {
        /// When it comes.
        from: Timestamp,
    },
    /// Its time is over.
    Ended {
        /// Since when.
        until: Timestamp,
    },
    /// It was withdrawn.
    Withdrawn {
        /// By whom.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// What it was compared with is not in effect when it would begin.
    Overtaken {
        /// The entry of that.
        base: Option<u64>,
    },
}

impl Standing {
    /// The word for it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::InEffect { .. } => "in effect",
            Self::Superseded { .. } => "superseded",
            Self::Waiting { .. } => "waiting",
            Self::NotYet { .. } => "not yet",
            Self::Ended { .. } => "ended",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Overtaken { .. } => "overtaken",
        }
    }

    /// It in a sentence.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::InEffect { from, until: None } => format!("in effect from {from}"),
            Self::InEffect { from, until: Some(until) } => {
                format!("in effect from {from} until {until}")
            }
            Self::Superseded { by } => format!("superseded by version {by}"),
            Self::Waiting { people, roles } => {
                let people = match people {
                    0 => "somebody".to_owned(),
                    1 => "one more person".to_owned(),
                    more => format!("{more} more people"),
                };
                let roles = match &roles[..] {
                    [] => String::new(),
                    [one] => format!(" with the role {}", one.word()),
                    roles => format!(" with the roles {} among them", words(roles)),
                };
                format!("waits for the approval of {people}{roles}")
            }
            Self::NotYet { from } => format!("approved of, in effect only from {from}"),
            Self::Ended { until } => format!("its approval ended at {until}"),
            Self::Withdrawn { by, at } => format!("withdrawn by {by} at {at}"),
            Self::Overtaken { base } => {
                let base = base.map_or("nothing".to_owned(), |base| format!("entry {base}"));
                format!("it was compared with {base}, which is not what it would follow")
            }
        }
    }
}
