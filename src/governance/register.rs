//! The register as a file: lines of JSON that are only ever appended, one writer at a time, each on
//! the disk before anybody is told that it is there.

use super::entry::{Entry, Said, What};
use super::fold::Fold;
use super::refusal::Refusal;
use crate::audit::note::SignerKey;
use jiff::Timestamp;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The name of the file in a directory.
const NAME: &str = "register.jsonl";
/// A larger one is none of ours.
const MOST_BYTES: u64 = 1 << 30;
/// How far ahead of this host's clock that of whoever signs may be.
const AHEAD_S: i64 = 5;

/// Why there is no register, or nothing is added to it.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The file system.
    #[error("register {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not as it was written.
    #[error(
        "register {}: entry {entry} is none: {refusal}: nothing behind it counts; look at it with \
         `xmc govern verify`, and take the register from where else it is kept",
        path.display()
    )]
    Broken {
        /// Which file.
        path: PathBuf,
        /// Where the first bad entry stands.
        entry: u64,
        /// What is wrong with it.
        refusal: Refusal,
    },
    /// An entry that is to be added breaks a rule.
    #[error("{0}")]
    Refused(#[from] Refusal),
}

/// A register that was read.
#[derive(Clone, Debug)]
pub struct Register {
    /// Its file.
    pub path: PathBuf,
    /// Its bytes.
    pub text: String,
    /// The entries up to the first bad one.
    pub entries: Vec<Entry>,
    /// What they come to.
    pub fold: Fold,
    /// The place of the first bad entry, and what is wrong with it.
    pub broken: Option<(u64, Refusal)>,
}

/// The file of the register that a configuration names: itself, or within the directory that it is.
#[must_use]
pub fn file_of(path: &Path) -> PathBuf {
    let is_directory = path.is_dir() || (path.extension().is_none() && !path.exists());
    if is_directory { path.join(NAME) } else { path.to_owned() }
}

impl Register {
    /// Reads the register at `path`, a file or its directory, up to the first bad entry.
    ///
    /// # Errors
    /// `Io`; `NotFound` of one that has no entry yet.
    pub fn read(path: &Path) -> Result<Self, RegisterError> {
        let path = file_of(path);
        let io_error = |source| RegisterError::Io { path: path.clone(), source };
        let mut file = File::open(&path).map_err(io_error)?;
        let text = text_of(&mut file).map_err(io_error)?;
        Ok(Self::of_text(path.clone(), text))
    }

    /// As `read`; one that is not there yet has no entry.
    ///
    /// # Errors
    /// `Io`.
    pub fn read_if_there(path: &Path) -> Result<Self, RegisterError> {
        match Self::read(path) {
            Err(RegisterError::Io { path, source }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(Self::of_text(path, String::new()))
            }
            read => read,
        }
    }

    /// What a text comes to, up to the first bad entry.
    #[must_use]
    pub fn of_text(path: PathBuf, text: String) -> Self {
        let (mut entries, mut fold, mut broken) = (Vec::new(), Fold::default(), None);
        for line in text.split_inclusive('\n') {
            let place = entries.len() as u64 + 1;
            let taken = match line.strip_suffix('\n') {
                None => Err(Refusal::Torn { after: place - 1 }),
                Some(line) => Entry::parse(line),
            };
            match taken.and_then(|entry| fold.take(&entry).map(|()| entry)) {
                Ok(entry) => entries.push(entry),
                Err(refusal) => {
                    broken = Some((place, refusal));
                    break;
                }
            }
        }
        Self { path, text, entries, fold, broken }
    }

    /// The register, if every entry is as it was written.
    ///
    /// # Errors
    /// `Broken`.
    pub fn sound(self) -> Result<Self, RegisterError> {
        match self.broken {
            None => Ok(self),
            Some((entry, refusal)) => {
                Err(RegisterError::Broken { path: self.path, entry, refusal })
            }
        }
    }

    /// Whether the register still holds what was seen of it: so many entries, the last with that
    /// hash.
    ///
    /// # Errors
    /// `Cut`, `Rewritten`.
    pub fn holds(&self, seen: u64, head: &str) -> Result<(), Refusal> {
        let Some(last) = seen.checked_sub(1) else { return Ok(()) };
        let at = usize::try_from(last).ok().and_then(|last| self.entries.get(last));
        match at {
            None => Err(Refusal::Cut { found: self.entries.len() as u64, seen }),
            Some(entry) if entry.hash != head => {
                Err(Refusal::Rewritten { seen: head.to_owned(), found: entry.hash.clone() })
            }
            Some(_) => Ok(()),
        }
    }

    /// Signs and appends what `say` says of the register as it stands, at `now`. It is on the disk
    /// when this returns; of one that is refused nothing is written.
    ///
    /// # Errors
    /// See `RegisterError`.
    pub fn append<E: From<RegisterError>>(
        path: &Path,
        key: &SignerKey,
        now: Timestamp,
        reason: &str,
        say: impl FnOnce(&Self) -> Result<What, E>,
    ) -> Result<Self, E> {
        let path = file_of(path);
        let io_error = |source| RegisterError::Io { path: path.clone(), source };
        let refused = |refusal| E::from(RegisterError::Refused(refusal));
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut file = open(directory, &path).map_err(io_error)?;
        // Held until the file is closed: two who sign at once are two entries, one after the other.
        file.lock().map_err(io_error)?;
        let text = text_of(&mut file).map_err(io_error)?;
        let mut register = Self::of_text(path.clone(), text).sound()?;
        let what = say(&register)?;
        let said = Said {
            entry: register.fold.count() + 1,
            previous: register.fold.head().to_owned(),
            at: seconds(now),
            by: key.verifier().name().to_owned(),
            reason: reason.to_owned(),
            what,
        };
        if let Some(last) = register.entries.last()
            && last.said.at.as_second() > now.as_second() + AHEAD_S
        {
            return Err(refused(Refusal::Ahead { found: last.said.at, now }));
        }
        let entry = Entry::sign(said, key).map_err(refused)?;
        let line = entry.line().map_err(refused)?;
        // As whoever reads it will: what cannot be read is not written.
        let entry = Entry::parse(&line).map_err(refused)?;
        register.fold.take(&entry).map_err(refused)?;
        let whole = file.metadata().map_err(io_error)?.len();
        let written = file.write_all(format!("{line}\n").as_bytes()).and_then(|()| file.sync_all());
        if let Err(source) = written {
            // A part of a line would stop everybody. What cannot be undone `verify` finds.
            let _ = file.set_len(whole).and_then(|()| file.sync_all());
            return Err(io_error(source).into());
        }
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(io_error)?;
        register.text.push_str(&line);
        register.text.push('\n');
        register.entries.push(entry);
        Ok(register)
    }
}

/// A moment without its fraction of a second, as entries have it.
#[must_use]
pub fn seconds(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

fn open(directory: &Path, path: &Path) -> io::Result<File> {
    fs::create_dir_all(directory)?;
    OpenOptions::new().read(true).append(true).create(true).open(path)
}

fn text_of(file: &mut File) -> io::Result<String> {
    let bytes = file.metadata()?.len();
    if bytes > MOST_BYTES {
        let why = format!("{bytes} bytes, and at most {MOST_BYTES} are read");
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}
