//! Statements that a program drops as files: one path that is replaced, or a directory where the
//! last by name is the newest. Files end in `.json` or `.csv`; anything else in a directory is
//! passed over, so a file that is being written has another ending and is renamed when it is whole.

use super::{Gate, Source, Told};
use crate::resync::csv;
use crate::resync::statement::{MOST_BYTES, Statement, StatementError, Wanted};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use xmc_hotpath::time::UnixNs;

/// By what a file is known not to have changed: what a rename or a write changes.
type Mark = (PathBuf, u64, u64, i64, i64);

/// A file, or a directory of files.
#[derive(Debug)]
pub struct FileSource {
    path: PathBuf,
    gate: Gate,
    mark: Option<Mark>,
    is_broken: bool,
}

impl FileSource {
    /// Statements of `wanted` at `path`.
    #[must_use]
    pub const fn new(path: PathBuf, wanted: Wanted) -> Self {
        Self { path, gate: Gate::new(wanted), mark: None, is_broken: false }
    }

    /// The file that is the newest.
    fn newest(&self) -> io::Result<Option<PathBuf>> {
        if !fs::metadata(&self.path)?.is_dir() {
            return Ok(Some(self.path.clone()));
        }
        let mut newest: Option<PathBuf> = None;
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            if form(&path).is_some() && newest.as_ref().is_none_or(|known| *known < path) {
                newest = Some(path);
            }
        }
        Ok(newest)
    }

    /// The newest file, if it has changed since the last look.
    fn read(&mut self) -> io::Result<Option<Result<Statement, StatementError>>> {
        let Some(path) = self.newest()? else { return Ok(None) };
        // What is read is what was looked at, whatever is renamed meanwhile.
        let file = File::open(&path)?;
        let found = file.metadata()?;
        let mark = (path.clone(), found.ino(), found.len(), found.mtime(), found.mtime_nsec());
        if self.mark.as_ref() == Some(&mark) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
        self.mark = Some(mark);
        if bytes.len() as u64 > MOST_BYTES {
            let why = format!("it is longer than {MOST_BYTES} bytes");
            return Ok(Some(Err(StatementError::Form(why))));
        }
        Ok(Some(match form(&path) {
            Some(Form::Csv) => csv::parse(&bytes),
            Some(Form::Json) | None => Statement::parse(&bytes),
        }))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Csv,
}

fn form(path: &Path) -> Option<Form> {
    match path.extension()?.to_str()? {
        "json" => Some(Form::Json),
        "csv" => Some(Form::Csv),
        _ => None,
    }
}

impl Source for FileSource {
    fn poll(&mut self, now: UnixNs, told: &mut Vec<Told>) {
        match self.read() {
            Ok(read) => {
                if std::mem::take(&mut self.is_broken) {
                    told.push(Told::Mended);
                }
                if let Some(read) = read {
                    self.gate.take(read, now, told);
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_broken, true) {
                    told.push(Told::Broken(format!("{}: {error}", self.path.display())));
                }
            }
        }
    }
}
