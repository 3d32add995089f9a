//! What must outlive a run: differences that are open, what was explained and by whom, and how far
//! streams were read. A small file beside the record, replaced as a whole.

use super::confirm::{Difference, Kind};
use super::statement::Moment;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Explanations that are remembered; beyond it the oldest are forgotten.
const MOST_EXPLAINED: usize = 10_000;

/// A difference that closes pairs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Which.
    #[serde(flatten)]
    pub difference: Difference,
    /// The cycle of its source that found it.
    pub cycle: u64,
    /// When.
    pub at: Moment,
    /// The desk was told the venue's position.
    pub adopted: bool,
}

/// A difference that somebody has explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    /// Which.
    #[serde(flatten)]
    pub difference: Difference,
    /// Numbers of the operators who have signed it.
    pub by: Vec<u32>,
    /// The digest of what was signed: `commands/DIGEST.note` has the reason.
    pub digest: String,
    /// When.
    pub at: Moment,
}

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Open differences.
    pub open: Vec<Open>,
    /// Explained ones, the oldest first.
    pub explained: Vec<Explained>,
    /// The last number that was read of each stream.
    pub streams: BTreeMap<String, u64>,
}

/// Why nothing is remembered.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The disk.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Somebody has changed it.
    #[error(
        "{} is not what a resync has written ({source}): pairs may be closed by what stood in it. \
         Put it back; or compare with the venues by hand, and take it away",
        path.display()
    )]
    Shape {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
}

impl Kept {
    /// What is remembered beside the record in `directory`; nothing if there is nothing.
    ///
    /// # Errors
    /// See `KeptError`.
    pub fn open(directory: &Path) -> Result<Self, KeptError> {
        let path = super::path(directory, super::STATE);
        match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(KeptError::Io { path, source }),
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|source| KeptError::Shape { path, source })
            }
        }
    }

    /// As it is written.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// Whether somebody has explained it.
    #[must_use]
    pub fn is_explained(&self, id: &str) -> bool {
        self.explained.iter().any(|one| one.difference.id == id)
    }

    /// Somebody has explained a difference that is open; `false` if none is called so.
    pub fn explain(&mut self, id: &str, by: Vec<u32>, digest: String, at: Moment) -> bool {
        let Some(place) = self.open.iter().position(|one| one.difference.id == id) else {
            return false;
        };
        let Open { difference, .. } = self.open.remove(place);
        self.explained.push(Explained { difference, by, digest, at });
        if self.explained.len() > MOST_EXPLAINED {
            self.explained.remove(0);
        }
        true
    }

    /// What a cycle of `source` has found takes the place of what was open there, as far as
    /// `is_compared` (by kind, and when it was found) says that it was looked for: what was not
    /// compared stays. What was adopted stays until somebody explains it, unless `forgets`; one
    /// that differs again was not taken by the desk. An explanation holds until both sides
    /// agree in all (`agrees`): the next difference like it is a new one.
    pub fn found(
        &mut self,
        source: &str,
        (cycle, at): (u64, Moment),
        found: &[Difference],
        (forgets, agrees): (bool, bool),
        is_compared: impl Fn(Kind, Moment) -> bool,
    ) {
        let ids: BTreeSet<&str> = found.iter().map(|one| one.id.as_str()).collect();
        self.open.retain_mut(|open| {
            let of = &open.difference;
            let is_again = ids.contains(of.id.as_str());
            let stays = of.source != source
                || is_again
                || (open.adopted && !forgets)
                || !is_compared(of.kind, open.at);
            open.adopted &= !(is_again && of.source == source);
            stays
        });
        self.explained.retain(|one| {
            let of = &one.difference;
            of.source != source || !agrees || !is_compared(of.kind, one.at)
        });
        for difference in found {
            let is_known = self.open.iter().any(|open| open.difference.id == difference.id);
            if !is_known && !self.is_explained(&difference.id) {
                let difference = difference.clone();
                self.open.push(Open { difference, cycle, at, adopted: false });
            }
        }
    }
}
