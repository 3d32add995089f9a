//! The files a configuration was written in, and places in them.
//!
//! One file may include others (`include = ["instruments.toml"]`, relative to itself). All are
//! read before anything is understood, so that an error can show any place. Nothing here knows
//! what the keys mean; called by `config::load`.

use super::error::{Problem, Report, Rule};
use super::section::kind_of;
use sha2::{Digest, Sha256};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A larger file is not a configuration but a mistake.
const MAX_FILE_BYTES: usize = 1 << 20;

/// Which of the files: its position in reading order, the one that was named first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileIndex(pub usize);

/// A stretch of a file, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: FileIndex,
    /// Byte offsets in its text.
    pub span: Range<usize>,
}

/// One file, as it was read.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// As the command line or an `include` named it, joined to the including file's folder.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// All files of a configuration, in reading order.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// Reads `path` and everything it includes; what went wrong is in the report.
    pub(crate) fn read(path: &Path, report: &Report) -> Self {
        let mut reading = Reading { sources: Self::default(), chain: Vec::new(), report };
        reading.file(path, None);
        reading.sources
    }

    /// Takes `text` as if it had been read from `path`; includes are read from the disk.
    pub(crate) fn of_text(path: &Path, text: String, report: &Report) -> Self {
        let mut reading = Reading { sources: Self::default(), chain: Vec::new(), report };
        reading.text(path, text);
        reading.sources
    }

    /// Takes files that were read before, includes and all, in the order in which they were.
    pub(super) fn of_files(files: Vec<SourceFile>) -> Self {
        Self { files }
    }

    /// The files in reading order.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// The file a place is in.
    pub fn file(&self, place: &Place) -> &SourceFile {
        &self.files[place.file.0]
    }

    /// The text of a place.
    pub fn quote(&self, place: &Place) -> &str {
        self.file(place).text.get(place.span.clone()).unwrap_or("")
    }

    /// Line and column of a place's start, both from 1; the column counts characters.
    pub fn line_and_column(&self, place: &Place) -> (usize, usize) {
        let before = self.file(place).text.get(..place.span.start).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// SHA-256 over every file's length and text, in reading order: the identity under which a
    /// configuration is recorded.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for file in &self.files {
            hash.update((file.text.len() as u64).to_le_bytes());
            hash.update(file.text.as_bytes());
        }
        hash.finalize().into()
    }
}

struct Reading<'r> {
    sources: Sources,
    /// The files being read, outermost first.
    chain: Vec<FileIndex>,
    report: &'r Report,
}

impl Reading<'_> {
    fn file(&mut self, path: &Path, named_at: Option<&Place>) {
        match read_text(path) {
            Ok(text) => self.text(path, text),
            Err(reason) => self.report.add(unreadable(path, reason, named_at)),
        }
    }

    fn text(&mut self, path: &Path, text: String) {
        let file = FileIndex(self.sources.files.len());
        let includes = includes_of(file, &text, self.report);
        self.sources.files.push(SourceFile { path: path.to_owned(), text });
        self.chain.push(file);
        for (name, place) in includes {
            let target = path.parent().unwrap_or(Path::new("")).join(&name);
            if self.is_new(&target, &place) {
                self.file(&target, Some(&place));
            }
        }
        self.chain.pop();
    }

    /// Whether `target` was not read yet; a file within its own chain is a cycle.
    fn is_new(&self, target: &Path, place: &Place) -> bool {
        let same = |file: &SourceFile| identity(&file.path) == identity(target);
        let Some(known) = self.sources.files.iter().position(same) else {
            return true;
        };
        let in_chain = self.chain.iter().position(|file| file.0 == known);
        self.report.add(match in_chain {
            Some(start) => self.cycle(start, place),
            None => Problem::new(
                Rule::IncludedTwice,
                format!("{} is included twice", target.display()),
                place.clone(),
                "read before",
            )
            .help("include a file once, from one place"),
        });
        false
    }

    fn cycle(&self, start: usize, place: &Place) -> Problem {
        let name = |file: &FileIndex| self.sources.files[file.0].path.display().to_string();
        let mut chain: Vec<_> = self.chain[start..].iter().map(name).collect();
        chain.push(chain[0].clone());
        Problem::new(
            Rule::IncludeCycle,
            format!("a file includes itself: {}", chain.join(" -> ")),
            place.clone(),
            "this closes the circle",
        )
        .help("move what both need into a third file")
    }
}

fn identity(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn read_text(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(format!("{} bytes, and at most {MAX_FILE_BYTES} are read", bytes.len()));
    }
    String::from_utf8(bytes).map_err(|error| format!("not UTF-8: {error}"))
}

fn unreadable(path: &Path, reason: String, named_at: Option<&Place>) -> Problem {
    let message = format!("cannot read {}: {reason}", path.display());
    match named_at {
        Some(place) => Problem::new(Rule::Unreadable, message, place.clone(), "included here"),
        None => Problem::nowhere(Rule::Unreadable, message),
    }
}

/// The names in `include = [...]` with their places; a text that is not TOML has none here, its
/// errors are reported when it is parsed for its contents.
fn includes_of(file: FileIndex, text: &str, report: &Report) -> Vec<(String, Place)> {
    let (table, _) = DeTable::parse_recoverable(text);
    let Some(list) = table.get_ref().get("include") else {
        return Vec::new();
    };
    let wrong = |value: &Spanned<DeValue<'_>>| {
        let found = kind_of(value.get_ref());
        report.add(
            Problem::new(
                Rule::WrongType,
                format!("`include` is a list of file names, not {found}"),
                Place { file, span: value.span() },
                found,
            )
            .help("write it as include = [\"instruments.toml\"]"),
        );
    };
    let Some(items) = list.get_ref().as_array() else {
        wrong(list);
        return Vec::new();
    };
    let mut names = Vec::new();
    for item in items {
        match item.get_ref().as_str() {
            Some(name) => names.push((name.to_owned(), Place { file, span: item.span() })),
            None => wrong(item),
        }
    }
    names
}
