//! Doing what the checks want, as far as it is files, and undoing it.
//!
//! What was there before is saved before anything is written, so that whatever happens `revert`
//! finds it. A second `apply` keeps the first values. Commands, parameters of the kernel and advice
//! are left to a person. Called by `xmc host apply` and `xmc host revert`.

use super::change::{Change, selected};
use super::{Check, Read, Tree};
use crate::replace::replace;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where the values from before are kept unless somebody says otherwise, below the root.
pub const STATE: &str = "/var/lib/xmc/host_before.json";

/// What is in the file.
const SCHEMA: &str = "xmc.host.before";
const VERSION: u32 = 1;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The values from before cannot be kept.
    #[error(
        "cannot write {path} ({source}), so nothing was changed: run with sudo, or --state FILE"
    )]
    Keep {
        /// Where.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The values from before cannot be read.
    #[error(
        "cannot read {path} ({source}): nothing was applied here, or --state FILE names another"
    )]
    Kept {
        /// Where.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The file does not hold them.
    #[error("{path} is not a list of values from before ({source}): restore it, or move it away")]
    Shape {
        /// Where.
        path: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The file was written by a program that is not this one.
    #[error("{path} is {schema} version {version}, and this program writes {SCHEMA} version 1")]
    Version {
        /// Where.
        path: String,
        /// What it says it is.
        schema: String,
        /// In which version.
        version: u32,
    },
}

/// One file to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The check that wants it.
    pub number: u8,
    /// The file.
    pub path: String,
    /// What it says.
    pub now: String,
    /// What it should say.
    pub value: String,
}

impl Step {
    /// As a person would do it.
    #[must_use]
    pub fn command(&self) -> String {
        Change::Write { path: self.path.clone(), value: self.value.clone() }.command()
    }
}

/// What is to be done for all findings: files to write, and the rest, with the number of its check.
#[must_use]
pub fn plan(tree: &Tree, checks: &[Check]) -> (Vec<Step>, Vec<(u8, Change)>) {
    let (mut steps, mut rest): (Vec<Step>, Vec<(u8, Change)>) = (Vec::new(), Vec::new());
    for check in checks.iter().filter(|check| check.verdict.is_finding()) {
        for change in &check.changes {
            match change {
                Change::Write { path, value } => {
                    if steps.iter().all(|step| step.path != *path) {
                        let (path, value) = (path.clone(), value.clone());
                        let now = tree.text(&path).unwrap_or_default();
                        steps.push(Step { number: check.number, path, now, value });
                    }
                }
                other => {
                    if rest.iter().all(|(_, known)| known != other) {
                        rest.push((check.number, other.clone()));
                    }
                }
            }
        }
    }
    (steps, rest)
}

/// One file as it was and as it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    path: String,
    /// What has to be written to have it as it was.
    before: String,
    /// What it said after it was written; `None`: it has not been, or was refused.
    #[serde(default)]
    after: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    schema: String,
    version: u32,
    files: Vec<Kept>,
}

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The file.
    pub path: String,
    /// What it says now.
    pub now: String,
    /// Why it does not say what it should.
    pub refused: Option<String>,
}

fn load(path: &Path) -> Result<State, ApplyError> {
    let name = || path.display().to_string();
    let bytes = fs::read(path).map_err(|source| ApplyError::Kept { path: name(), source })?;
    let state: State = serde_json::from_slice(&bytes)
        .map_err(|source| ApplyError::Shape { path: name(), source })?;
    if (state.schema.as_str(), state.version) != (SCHEMA, VERSION) {
        let State { schema, version, .. } = state;
        return Err(ApplyError::Version { path: name(), schema, version });
    }
    Ok(state)
}

fn keep(path: &Path, state: &State) -> Result<(), ApplyError> {
    let kept = |source| ApplyError::Keep { path: path.display().to_string(), source };
    let bytes = serde_json::to_vec_pretty(state).map_err(|error| kept(error.into()))?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(kept)?;
    }
    replace(path, &bytes).map_err(kept)
}

/// Where the values from before are kept.
#[must_use]
pub fn state_path(tree: &Tree, asked: Option<&Path>) -> PathBuf {
    asked.map_or_else(|| tree.place(STATE), Path::to_owned)
}

/// Does `steps`, and keeps in `state_path` what was there before. A file that refuses is passed
/// over and told of.
///
/// # Errors
/// The values from before cannot be kept: nothing was written.
pub fn apply(tree: &Tree, steps: &[Step], state_path: &Path) -> Result<Vec<Outcome>, ApplyError> {
    let mut state = if state_path.exists() {
        load(state_path)?
    } else {
        State { schema: SCHEMA.to_owned(), version: VERSION, files: Vec::new() }
    };
    for step in steps {
        if state.files.iter().all(|kept| kept.path != step.path) {
            let before = selected(&step.now).to_owned();
            state.files.push(Kept { path: step.path.clone(), before, after: None });
        }
    }
    keep(state_path, &state)?;
    let mut outcomes = Vec::new();
    for step in steps {
        let refused = tree.write(&step.path, &step.value).err().map(|error| error.to_string());
        let now = said(tree, &step.path);
        let changed = refused.is_none() && now != step.now;
        if let Some(kept) = state.files.iter_mut().find(|kept| kept.path == step.path)
            && changed
        {
            kept.after = Some(now.clone());
        }
        let ignored = || (!changed).then(|| "the kernel took it and did not change".to_owned());
        let refused = refused.or_else(ignored);
        outcomes.push(Outcome { path: step.path.clone(), now, refused });
    }
    // What was refused has nothing to be undone.
    state.files.retain(|kept| kept.after.is_some());
    keep(state_path, &state)?;
    Ok(outcomes)
}

/// Writes back what was there before the first `apply`. A file that somebody has changed since is
/// left as it is and told of, and so is one that refuses; the rest is forgotten.
///
/// # Errors
/// There are no values from before, or what is left of them cannot be kept.
pub fn revert(tree: &Tree, state_path: &Path) -> Result<Vec<Outcome>, ApplyError> {
    let mut state = load(state_path)?;
    let mut outcomes = Vec::new();
    // The last first: a core that was taken away comes back before what is set on it.
    for kept in state.files.iter().rev() {
        let now = said(tree, &kept.path);
        let refused = match &kept.after {
            Some(after) if *after != now => {
                Some(format!("somebody has changed it since it was {after}: left as it is"))
            }
            Some(_) | None => {
                tree.write(&kept.path, &kept.before).err().map(|error| error.to_string())
            }
        };
        outcomes.push(Outcome { path: kept.path.clone(), now: said(tree, &kept.path), refused });
    }
    let is_left = |path: &str| outcomes.iter().any(|one| one.path == path && one.refused.is_some());
    state.files.retain(|kept| is_left(&kept.path));
    if state.files.is_empty() {
        let removed = fs::remove_file(state_path);
        removed.map_err(|source| ApplyError::Keep {
            path: state_path.display().to_string(),
            source,
        })?;
    } else {
        keep(state_path, &state)?;
    }
    Ok(outcomes)
}

fn said(tree: &Tree, path: &str) -> String {
    match tree.read(path) {
        Read::Text(text) => text,
        Read::Absent => "absent".to_owned(),
        Read::Unreadable(why) => why,
    }
}
