//! Evidence: the checkpoints that witnesses kept, and which of them count.
//!
//! A witness keeps signed checkpoints one after the other, a blank line between them, and takes
//! none away; that file is what an auditor gets from the witness, not from the engine's host. Whose
//! signatures count the auditor says. From the first checkpoint that a current key has signed,
//! those of retired keys alone count no more: an old key that was stolen signs nothing that passes.
//!
//! What the journal is against it, `verify` finds.

use super::checkpoint::Checkpoint;
use super::note::{Note, NoteError, SignedBy, VerifierKey};
use super::verify::CouldNotRun;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a witness's file ends with.
pub const EXTENSION: &str = "checkpoints";

/// Whose signatures count.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Keys of the log that are in use.
    pub current: Vec<VerifierKey>,
    /// Keys of the log that were in use before.
    pub retired: Vec<VerifierKey>,
    /// Keys of witnesses: if there are any, what none of them has signed does not count.
    pub witnesses: Vec<VerifierKey>,
}

/// A checkpoint that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// As it was kept.
    pub note: Note,
    /// In which file.
    pub file: PathBuf,
    /// The line that it starts on.
    pub line: usize,
}

/// Something wrong with what a witness kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// In which file.
    pub file: PathBuf,
    /// The line.
    pub line: usize,
    /// A word for the rule.
    pub rule: &'static str,
    /// In words.
    pub text: String,
}

/// What witnesses kept of one journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Checkpoints that count, the smallest first; of each size one.
    pub seen: Vec<Seen>,
    /// Names of the keys that signed them.
    pub signed_by: BTreeSet<String>,
    /// When a witness last signed one, seconds since 1970.
    pub last_time_s: Option<u64>,
    /// Notes of other journals, and those without a witness's signature where one is needed.
    pub passed_over: u64,
    /// The first thing that is wrong with it.
    pub flaw: Option<Flaw>,
}

impl Evidence {
    /// Reads the files of witnesses; of a directory all that end with `EXTENSION`.
    ///
    /// # Errors
    /// `CouldNotRun` if there is nothing to read. What is wrong with it is `flaw`.
    pub fn read(paths: &[PathBuf], trust: &Trust) -> Result<Self, CouldNotRun> {
        let mut texts = Vec::new();
        for path in paths {
            let io_error = |source| CouldNotRun::Io { path: path.clone(), source };
            for file in files(path).map_err(io_error)? {
                let text = fs::read(&file).map_err(io_error)?;
                texts.push((file, String::from_utf8_lossy(&text).into_owned()));
            }
        }
        Ok(Self::of(&texts, trust))
    }

    /// Weighs what witnesses kept: each file's path and text.
    #[must_use]
    pub fn of(texts: &[(PathBuf, String)], trust: &Trust) -> Self {
        let mut evidence = Self::default();
        for (file, text) in texts {
            if let Err(flaw) = evidence.take(file, text, trust) {
                evidence.flaw.get_or_insert(flaw);
            }
        }
        evidence.seen.sort_by_key(|seen| seen.checkpoint.size);
        let twice = evidence.seen.windows(2).find_map(|pair| match pair {
            [one, other]
                if one.checkpoint.size == other.checkpoint.size
                    && one.checkpoint.root != other.checkpoint.root =>
            {
                Some(split_view(one, other))
            }
            _ => None,
        });
        if let Some(flaw) = twice {
            evidence.flaw.get_or_insert(flaw);
        }
        evidence.seen.dedup_by_key(|seen| seen.checkpoint.size);
        if evidence.seen.is_empty() && evidence.flaw.is_none() {
            let file = texts.first().map(|(file, _)| file.clone()).unwrap_or_default();
            let text = format!(
                "the witnesses have no checkpoint of this journal ({} of others)",
                evidence.passed_over
            );
            evidence.flaw = Some(Flaw { file, line: 1, rule: "no_checkpoint", text });
        }
        evidence
    }

    /// Takes what one witness kept, in the order in which it did.
    fn take(&mut self, file: &Path, text: &str, trust: &Trust) -> Result<(), Flaw> {
        let mut order = Order::default();
        for (line, note) in notes(text) {
            let flaw = |rule, text| Flaw { file: file.to_owned(), line, rule, text };
            let Ok(note) = Note::parse(note) else {
                // A write that was torn: what the witness got of it is no checkpoint.
                self.passed_over += 1;
                continue;
            };
            let Ok(checkpoint) = Checkpoint::parse(&note.text) else {
                self.passed_over += 1;
                continue;
            };
            let mut logs = trust.current.iter().chain(&trust.retired);
            if !logs.any(|key| key.name() == checkpoint.origin) {
                self.passed_over += 1;
                continue;
            }
            let by = order.signers(&note, &checkpoint, trust);
            let by = by.map_err(|error| flaw(word(&error), error.to_string()))?;
            let Some(cosigned) =
                cosigned(&note, trust).map_err(|error| flaw(word(&error), error.to_string()))?
            else {
                self.passed_over += 1;
                continue;
            };
            order.check(&checkpoint, &cosigned).map_err(|(rule, text)| flaw(rule, text))?;
            for SignedBy { key, time_s } in by.into_iter().chain(cosigned) {
                self.signed_by.insert(format!("{}+{:08x}", key.name(), key.id()));
                self.last_time_s = self.last_time_s.max(time_s);
            }
            self.seen.push(Seen { checkpoint, note, file: file.to_owned(), line });
        }
        order.end().map_err(|(line, text)| Flaw {
            file: file.to_owned(),
            line,
            rule: "retired_key",
            text,
        })
    }
}

/// What one witness kept so far.
#[derive(Default)]
struct Order {
    /// A current key has signed: retired ones count no more.
    is_handed_over: bool,
    has_retired: bool,
    last: Option<Checkpoint>,
    last_time_s: u64,
}

impl Order {
    /// The keys of the log that signed, if those that did still count.
    fn signers<'k>(
        &mut self,
        note: &Note,
        checkpoint: &Checkpoint,
        trust: &'k Trust,
    ) -> Result<Vec<SignedBy<'k>>, NoteError> {
        let of_log = |by: Vec<SignedBy<'k>>| {
            let is = |by: &SignedBy<'_>| by.key.name() == checkpoint.origin;
            by.into_iter().filter(is).collect::<Vec<_>>()
        };
        let refused = match note.signed_by(&trust.current).map(of_log) {
            Ok(by) if !by.is_empty() => {
                self.is_handed_over = true;
                return Ok(by);
            }
            Ok(_) => NoteError::Form,
            Err(forged @ NoteError::Forged { .. }) => return Err(forged),
            Err(untrusted) => untrusted,
        };
        let by = note.signed_by(&trust.retired).map(of_log).map_err(|error| match error {
            forged @ NoteError::Forged { .. } => forged,
            _ => refused.clone(),
        })?;
        if self.is_handed_over || by.is_empty() {
            return Err(refused);
        }
        self.has_retired = true;
        Ok(by)
    }

    /// A log only grows, and so does the time at which a witness saw it.
    fn check(
        &mut self,
        checkpoint: &Checkpoint,
        cosigned: &[SignedBy<'_>],
    ) -> Result<(), (&'static str, String)> {
        if let Some(last) = &self.last
            && last.size > checkpoint.size
        {
            let text = format!(
                "a checkpoint of {} records after one of {}: the journal was taken back",
                checkpoint.size, last.size
            );
            return Err(("taken_back", text));
        }
        let time_s = cosigned.iter().filter_map(|by| by.time_s).max().unwrap_or(0);
        if time_s < self.last_time_s {
            let text = format!("signed at {time_s} after one of {}", self.last_time_s);
            return Err(("witness_time", text));
        }
        self.last_time_s = time_s;
        self.last = Some(checkpoint.clone());
        Ok(())
    }

    /// Whatever retired keys signed, a current one has taken over.
    fn end(&self) -> Result<(), (usize, String)> {
        if self.is_handed_over || !self.has_retired {
            return Ok(());
        }
        let text = "only retired keys have signed: no current key has taken over".to_owned();
        Err((1, text))
    }
}

/// Signatures of witnesses; `None` if one is needed and there is none.
fn cosigned<'k>(note: &Note, trust: &'k Trust) -> Result<Option<Vec<SignedBy<'k>>>, NoteError> {
    if trust.witnesses.is_empty() {
        return Ok(Some(Vec::new()));
    }
    match note.signed_by(&trust.witnesses) {
        Ok(by) => Ok(Some(by)),
        Err(NoteError::Untrusted { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn word(error: &NoteError) -> &'static str {
    match error {
        NoteError::Forged { .. } => "forged_checkpoint",
        _ => "foreign_key",
    }
}

fn split_view(one: &Seen, other: &Seen) -> Flaw {
    let text = format!(
        "two checkpoints of {} records with different roots were signed, here and in {} at line \
         {}: somebody was shown another journal",
        one.checkpoint.size,
        one.file.display(),
        one.line
    );
    Flaw { file: other.file.clone(), line: other.line, rule: "split_view", text }
}

/// The files that a path stands for.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == EXTENSION) {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// Notes that lie one after the other, each with the line that it starts on. What is not whole is
/// passed on as it is.
pub(super) fn notes(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = text;
    let mut line = 1;
    std::iter::from_fn(move || {
        let blank = rest.len() - rest.trim_start_matches('\n').len();
        line += blank;
        rest = rest.get(blank..).filter(|rest| !rest.is_empty())?;
        let end = note_len(rest);
        let (note, behind) = rest.split_at(end);
        let found = (line, note);
        line += note.matches('\n').count();
        rest = behind;
        Some(found)
    })
}

/// Length of the note at the front of `text`: up to the end of its last line of signature.
fn note_len(text: &str) -> usize {
    let Some(text_end) = text.find("\n\n") else { return text.len() };
    let mut end = text_end + 2;
    while let Some(rest) = text.get(end..)
        && rest.starts_with('\u{2014}')
    {
        end += rest.find('\n').map_or(rest.len(), |at| at + 1);
    }
    end
}
