//! What an engine leaves beside its record of who had approved of its configuration.
//!
//! `governed.jsonl` has a line for each run: which proposal was in effect and by whom, and how the
//! register stood. The register itself, as it was then, lies in `register.FRONT.jsonl`, under the
//! front of its last line's hash. So whoever has the record has the signatures too, and trusts
//! nothing that the engine said: `check` reads them again. The digest that was signed is the one in
//! the run's start, which the record's own hashes cover.

use super::admission::Admitted;
use super::entry::check_plain;
use super::fold::Approved;
use super::person::{Role, words};
use super::register::Register;
use crate::audit::kept;
use crate::hex;
use crate::journal::disk::{self, Source};
use crate::journal::reader::{self, Blocks};
use crate::journal::segment::HEADER_LEN;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use xmc_hotpath::record::frame::{self, Body, Images, Start};

/// The list of runs.
const NAME: &str = "governed.jsonl";
/// How long after it was let in an engine writes how its run starts.
const MOST_S: i64 = 600;

/// Somebody who had approved when a run started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approver {
    /// Who.
    pub name: String,
    /// With which roles.
    pub roles: Vec<Role>,
    /// In which entry of the register.
    pub entry: u64,
}

impl From<&Approved> for Approver {
    fn from(approved: &Approved) -> Self {
        let (name, roles) = (approved.by.clone(), approved.roles.clone());
        Self { name, roles, entry: approved.entry }
    }
}

/// Under what a run started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Governed {
    /// The run.
    pub run: u16,
    /// When it was let in.
    pub at: Timestamp,
    /// The digest of its configuration.
    pub configuration: String,
    /// The entry of the proposal.
    pub proposal: u64,
    /// Its version.
    pub version: u64,
    /// Who had approved of it.
    pub approved_by: Vec<Approver>,
    /// Since when it was in effect.
    pub from: Timestamp,
    /// Until when; absent if it did not end.
    pub until: Option<Timestamp>,
    /// Entries of the register.
    pub entries: u64,
    /// The hash of the last one's line.
    pub head: String,
}

impl Governed {
    /// It in a sentence.
    #[must_use]
    pub fn in_words(&self) -> String {
        let name = |one: &Approver| format!("{} ({})", one.name, words(&one.roles));
        let names: Vec<_> = self.approved_by.iter().map(name).collect();
        let until = self.until.map_or(String::new(), |until| format!(" until {until}"));
        format!(
            "version {} (entry {}) approved by {}, in effect from {}{until}",
            self.version,
            self.proposal,
            names.join(" and "),
            self.from
        )
    }
}

/// Where the register with that head is kept.
fn copy_of(directory: &Path, head: &str) -> PathBuf {
    directory.join(format!("register.{}.jsonl", head.get(..16).unwrap_or(head)))
}

/// Writes down under what a run starts.
///
/// # Errors
/// Whatever the file system says.
pub fn keep(directory: &Path, run: u16, admitted: &Admitted) -> io::Result<Governed> {
    let governed = Governed { run, ..admitted.governed.clone() };
    let copy = copy_of(directory, &governed.head);
    crate::replace::replace(&copy, admitted.register.as_bytes())?;
    let mut file = OpenOptions::new().append(true).create(true).open(directory.join(NAME))?;
    let mut line = serde_json::to_vec(&governed)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_all()?;
    File::open(directory)?.sync_all()?;
    Ok(governed)
}

/// What was written down in `directory`, in the order of the runs; nothing if none was governed.
///
/// # Errors
/// Whatever the file system says; `InvalidData` of a line that is none, or was cut off.
pub fn read(directory: &Path) -> io::Result<Vec<Governed>> {
    let bytes = match fs::read(directory.join(NAME)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').zip(1_u64..);
    lines.map(|(line, number)| line_of(line, number)).collect()
}

/// One line with its end. An error of the reader's own would be another kind where a line is cut
/// off than where it is changed.
fn line_of(line: &[u8], number: u64) -> io::Result<Governed> {
    let bad = |why: String| {
        let why = format!(
            "{NAME}, line {number}: {why}: an engine that was stopped while it started leaves a \
             last line that is cut off, and no run: remove that line then, or take the file from \
             where else it is kept"
        );
        io::Error::new(io::ErrorKind::InvalidData, why)
    };
    let Some(line) = line.strip_suffix(b"\n") else { return Err(bad("it has no end".to_owned())) };
    let governed: Governed =
        serde_json::from_slice(line).map_err(|error| bad(error.to_string()))?;
    // Names in it are shown.
    check_plain(&serde_json::to_string(&governed)?).map_err(|refusal| bad(refusal.to_string()))?;
    Ok(governed)
}

/// A run that was governed, or should have been, and whether that holds.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// The run.
    pub run: u16,
    /// What was written down.
    pub governed: Option<Governed>,
    /// What does not hold; absent if all does.
    pub finding: Option<String>,
    /// What a reader should know besides.
    pub note: Option<&'static str>,
}

/// Of a run whose start was dropped (`xmc audit keep --remove`): the signatures hold.
const NO_START: &str = "its start is not in the journal any more, which would say that they are \
                        about this run";
/// Of a run that nothing is written down of, in a record that never was governed.
const NOBODY: &str = "its configuration has [governance], and nothing here says who approved of \
                      it: a backtest or a replay asks nobody, an engine does";

/// Looks at every run of the record in `directory` again: whether what is beside it was signed by
/// whom it says, for the configuration that the run's start names. Nothing of a record that no
/// configuration in it wants governed.
///
/// # Errors
/// Whatever the file system says.
pub fn check(directory: &Path, runs: &[u16]) -> io::Result<Vec<Checked>> {
    let known = match read(directory) {
        Ok(known) => known,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            let finding = Some(format!("{NAME} is not as it was written: {error}"));
            return Ok(vec![Checked { run: 0, governed: None, finding, note: None }]);
        }
        Err(error) => return Err(error),
    };
    let was_governed = !known.is_empty() || is_any(directory, "register.", ".jsonl", "")?;
    if !was_governed && !is_any(directory, "configuration.", ".json", "governance")? {
        return Ok(Vec::new());
    }
    let firsts = first_segments(directory)?;
    let mut checked = Vec::new();
    for run in runs {
        let mut lines = known.iter().filter(|line| line.run == *run);
        let start = match firsts.get(run) {
            Some(path) => start_in(path)?,
            None => None,
        };
        let governed = lines.next();
        let (finding, note) = match (governed, &start) {
            (None, Some(start)) if wants_people(directory, start) => match was_governed {
                true => (Some("nothing here says who approved of its configuration".into()), None),
                false => (None, Some(NOBODY)),
            },
            (None, _) => continue,
            (Some(_), _) if lines.next().is_some() => {
                (Some(format!("{NAME} has this run twice")), None)
            }
            (Some(governed), start) => {
                let note = start.is_none().then_some(NO_START);
                (wrong(directory, governed, start.as_ref()), note)
            }
        };
        checked.push(Checked { run: *run, governed: governed.cloned(), finding, note });
    }
    Ok(checked)
}

/// Whether there is a file of such a name with `word` in it.
fn is_any(directory: &Path, front: &str, end: &str, word: &str) -> io::Result<bool> {
    for file in fs::read_dir(directory)? {
        let file = file?;
        let name = file.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(front)
            && name.ends_with(end)
            && fs::read_to_string(file.path())?.contains(word)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The first segment of each run that is there, by their headers.
fn first_segments(directory: &Path) -> io::Result<BTreeMap<u16, PathBuf>> {
    let mut firsts = BTreeMap::new();
    for segment in disk::segments(directory)? {
        let mut front = vec![0; HEADER_LEN];
        // One that is damaged is told by whoever verifies the journal.
        let read = Source::open(&segment.path).and_then(|of| of.read_exact_at(&mut front, 0));
        if read.is_ok()
            && let Ok(header) = reader::header(&front)
        {
            firsts.entry(header.identity().run).or_insert(segment.path);
        }
    }
    Ok(firsts)
}

/// The start that a segment begins with, if it does.
fn start_in(path: &Path) -> io::Result<Option<Start>> {
    let bytes = disk::load(path)?;
    let Ok(header) = reader::header(&bytes) else { return Ok(None) };
    let mut blocks = Blocks::without_tree(&bytes, &header);
    while let Ok(Ok(block)) = blocks.next_block() {
        if block.payload.is_empty() {
            continue;
        }
        let Ok((header, body, _)) = frame::split(block.payload) else { return Ok(None) };
        let decoded = frame::decode(header, body, &mut Images::new(&mut []));
        return Ok(match decoded {
            Ok(Body::Start(start)) => Some(start),
            _ => None,
        });
    }
    Ok(None)
}

/// Whether the configuration that a run starts with is governed.
fn wants_people(directory: &Path, start: &Start) -> bool {
    let config = kept::find(directory, &start.config_digest).ok().flatten();
    config.is_some_and(|config| config.governance.is_some())
}

/// What does not hold of what was written down of a run.
fn wrong(directory: &Path, governed: &Governed, start: Option<&Start>) -> Option<String> {
    if let Some(start) = start {
        if hex::show(&start.config_digest) != governed.configuration {
            return Some("its start names another configuration than was approved of".to_owned());
        }
        let utc_s = i64::try_from(start.utc.0 / 1_000_000_000).unwrap_or(i64::MAX);
        if start.utc.0 > 0 && (utc_s - governed.at.as_second()).abs() > MOST_S {
            return Some(format!("it was let in at {}, and starts at another time", governed.at));
        }
    }
    let register = match Register::read(&copy_of(directory, &governed.head)) {
        Ok(register) => register,
        Err(error) => return Some(error.to_string()),
    };
    if let Some((entry, refusal)) = &register.broken {
        return Some(format!("{}: entry {entry}: {refusal}", register.path.display()));
    }
    if let Err(refusal) = register.holds(governed.entries, &governed.head) {
        return Some(format!("{}: {refusal}", register.path.display()));
    }
    let in_effect = register.fold.in_effect(governed.at);
    let case = in_effect.filter(|case| case.proposal.configuration == governed.configuration);
    let Some(case) = case.filter(|case| case.entry == governed.proposal) else {
        return Some("by its register this configuration was not in effect then".to_owned());
    };
    let approvers: Vec<_> = case.approvals_at(governed.at).map(Approver::from).collect();
    (approvers != governed.approved_by || case.proposal.version != governed.version)
        .then(|| "by its register others had approved of it then".to_owned())
}
