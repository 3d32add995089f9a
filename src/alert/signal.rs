//! What the readers of record and counters find: something that is wrong, or is so no longer.

use super::rule::Rule;
use crate::hex;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What an alert is about, by name: `spread`, `feed`, `gateway`, `thread`, `sink` and so on.
pub type Labels = BTreeMap<String, String>;

/// Labels of some names.
#[must_use]
pub fn labels<const N: usize>(of: [(&str, &str); N]) -> Labels {
    of.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It is so, or has happened.
    Raise(Raised),
    /// It is so no longer.
    Clear {
        /// What.
        rule: Rule,
        /// Of what.
        labels: Labels,
    },
}

/// Something that is so, or has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    /// What.
    pub rule: Rule,
    /// About what.
    pub labels: Labels,
    /// The figure that explains it, in the rule's unit; 0 if there is none.
    pub value: i64,
    /// The limit that it broke; 0 if there is none.
    pub limit: i64,
    /// When, UTC in nanoseconds since 1970.
    pub at_ns: u64,
}

impl Raised {
    /// Something without a figure.
    #[must_use]
    pub fn new(rule: Rule, labels: Labels, at_ns: u64) -> Self {
        Self { rule, labels, value: 0, limit: 0, at_ns }
    }

    /// The same with its figure.
    #[must_use]
    pub fn value(self, value: i64) -> Self {
        Self { value, ..self }
    }

    /// The same with the limit that it broke.
    #[must_use]
    pub fn over(self, limit: i64) -> Self {
        Self { limit, ..self }
    }
}

/// What tells one alert from another: sixteen hexadecimal digits of its rule and labels.
#[must_use]
pub fn fingerprint(rule: Rule, labels: &Labels) -> String {
    let mut hash = Sha256::new();
    hash.update(rule.code());
    for (name, value) in labels {
        // No name and no value holds a zero, so no two sets are one text.
        hash.update([0]);
        hash.update(name);
        hash.update([0]);
        hash.update(value);
    }
    let digest: [u8; 32] = hash.finalize().into();
    hex::show(digest.first_chunk::<8>().unwrap_or(&[0; 8]))
}
