//! Evidence: the checkpoints that witnesses kept, and which of them count.
//!
//! A witness keeps signed checkpoints one after the other, a blank line between them, and takes
//! none away; that file is what an auditor gets from the witness, not from the engine's host. Whose
//! signatures count the auditor says. From the first checkpoint that a current key has signed,
//! those of retired keys alone count no more: an old key that was stolen signs nothing that passes.
//!
//! What the journal is against it, `verify` finds.

use super::CouldNotRun;
use super::checkpoint::Checkpoint;
use super::note::{Note, NoteError, SignedBy, VerifierKey};
use super::notes::Notes;
use crate::journal::segment::Hash;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
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

/// A checkpoint that counts. There is one for each second of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Records.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
    /// In which of the files.
    file: usize,
    /// The line that it starts on.
    line: usize,
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
    /// The files.
    files: Vec<PathBuf>,
    /// Checkpoints that count, the smallest first; of each size one.
    pub seen: Vec<Seen>,
    /// The largest of them, as it was kept.
    pub newest: Option<(Checkpoint, Note)>,
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
        let mut evidence = Self::default();
        for path in paths {
            let io_error = |source| CouldNotRun::Io { path: path.clone(), source };
            for file in files(path).map_err(io_error)? {
                let open = File::open(&file).map_err(io_error)?;
                evidence.take(&file, BufReader::new(open), trust).map_err(io_error)?;
            }
        }
        Ok(evidence.weighed())
    }

    /// Weighs what one witness kept in a text.
    #[must_use]
    pub fn of_text(text: &str, trust: &Trust) -> Self {
        let mut evidence = Self::default();
        // A text in memory has no errors.
        let _ = evidence.take(Path::new("text"), text.as_bytes(), trust);
        evidence.weighed()
    }

    /// Where a checkpoint was kept.
    #[must_use]
    pub fn place(&self, seen: &Seen) -> String {
        let file = self.files.get(seen.file).map(|file| file.display().to_string());
        format!("{} line {}", file.unwrap_or_default(), seen.line)
    }

    /// When all has been taken.
    fn weighed(mut self) -> Self {
        self.seen.sort_by_key(|seen| seen.size);
        let differ = |one: &Seen, other: &Seen| one.size == other.size && one.root != other.root;
        let twice = self.seen.windows(2).find_map(|pair| match pair {
            [one, other] if differ(one, other) => Some(self.split_view(one, other)),
            _ => None,
        });
        if let Some(flaw) = twice {
            self.flaw.get_or_insert(flaw);
        }
        self.seen.dedup_by_key(|seen| seen.size);
        if self.seen.is_empty() && self.flaw.is_none() {
            let file = self.files.first().cloned().unwrap_or_default();
            let text = format!(
                "the witnesses have no checkpoint of this journal ({} of others)",
                self.passed_over
            );
            self.flaw = Some(Flaw { file, line: 1, rule: "no_checkpoint", text });
        }
        self
    }

    fn split_view(&self, one: &Seen, other: &Seen) -> Flaw {
        let text = format!(
            "two checkpoints of {} records with different roots were signed, here and in {}: \
             somebody was shown another journal",
            one.size,
            self.place(one)
        );
        let file = self.files.get(other.file).cloned().unwrap_or_default();
        Flaw { file, line: other.line, rule: "split_view", text }
    }

    /// Takes what one witness kept, in the order in which it did, up to the first flaw.
    fn take(&mut self, path: &Path, file: impl BufRead, trust: &Trust) -> io::Result<()> {
        let mut order = Order::default();
        self.files.push(path.to_owned());
        for found in Notes::new(file) {
            let (line, note) = found?;
            if let Err((rule, text)) = self.take_note(&mut order, line, &note, trust) {
                self.flaw.get_or_insert(Flaw { file: path.to_owned(), line, rule, text });
                return Ok(());
            }
        }
        if let Err((rule, text)) = order.end() {
            self.flaw.get_or_insert(Flaw { file: path.to_owned(), line: 1, rule, text });
        }
        Ok(())
    }

    fn take_note(
        &mut self,
        order: &mut Order,
        line: usize,
        note: &str,
        trust: &Trust,
    ) -> Result<(), (&'static str, String)> {
        // A write that was torn: what the witness got of it is no checkpoint.
        let read = Note::parse(note).ok().and_then(|note| {
            let checkpoint = Checkpoint::parse(&note.text).ok()?;
            Some((note, checkpoint))
        });
        let logs = || trust.current.iter().chain(&trust.retired);
        let is_ours = |origin: &str| logs().any(|key| key.name() == origin);
        let Some((note, checkpoint)) = read.filter(|(_, one)| is_ours(&one.origin)) else {
            self.passed_over += 1;
            return Ok(());
        };
        let wrong = |error: NoteError| (word(&error), error.to_string());
        let by = order.signers(&note, &checkpoint, trust).map_err(wrong)?;
        let Some(cosigned) = cosigned(&note, trust).map_err(wrong)? else {
            self.passed_over += 1;
            return Ok(());
        };
        order.check(&checkpoint)?;
        for SignedBy { key, time_s } in by.into_iter().chain(cosigned) {
            self.signed_by.insert(format!("{}+{:08x}", key.name(), key.id()));
            self.last_time_s = self.last_time_s.max(time_s);
        }
        let file = self.files.len().saturating_sub(1);
        self.seen.push(Seen { size: checkpoint.size, root: checkpoint.root, file, line });
        if self.newest.as_ref().is_none_or(|(newest, _)| newest.size <= checkpoint.size) {
            self.newest = Some((checkpoint, note));
        }
        Ok(())
    }
}

/// What one witness kept so far.
#[derive(Default)]
struct Order {
    /// A current key has signed: retired ones count no more.
    is_handed_over: bool,
    has_retired: bool,
    last_size: u64,
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

    /// A log only grows. The clock of a witness may go back; its order is that of its file.
    fn check(&mut self, checkpoint: &Checkpoint) -> Result<(), (&'static str, String)> {
        let (last, size) = (self.last_size, checkpoint.size);
        if last > size {
            let text =
                format!("a checkpoint of {size} records after one of {last}: it was taken back");
            return Err(("taken_back", text));
        }
        self.last_size = size;
        Ok(())
    }

    /// Whatever retired keys signed, a current one has taken over.
    fn end(&self) -> Result<(), (&'static str, String)> {
        if self.is_handed_over || !self.has_retired {
            return Ok(());
        }
        let text = "only retired keys have signed: no current key has taken over".to_owned();
        Err(("retired_key", text))
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
