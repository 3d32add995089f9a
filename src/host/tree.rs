//! The files of a machine below a root: of this one below `/`, of another one in a directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What came of reading a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// Its text, without blanks at the ends.
    Text(String),
    /// There is none.
    Absent,
    /// There is one, and it does not say: why.
    Unreadable(String),
}

impl Read {
    /// The text, if there is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }
}

/// Where the files of a machine are.
#[derive(Clone, Debug)]
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    /// The files below `root`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether these are the files of this machine, so that system calls are about it as well.
    #[must_use]
    pub fn is_here(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Where `path` of the machine (which begins with `/`) is.
    #[must_use]
    pub fn place(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The text of a file.
    #[must_use]
    pub fn read(&self, path: &str) -> Read {
        match fs::read(self.place(path)) {
            Ok(bytes) => Read::Text(String::from_utf8_lossy(&bytes).trim().to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Read::Absent,
            // A card that is down has no speed, a folder no text: they are there all the same.
            Err(error) => Read::Unreadable(error.to_string()),
        }
    }

    /// The text of a file, if it can be read.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        self.read(path).text().map(str::to_owned)
    }

    /// What is in a folder, sorted, numbers by their size; nothing if there is no such folder.
    #[must_use]
    pub fn names(&self, path: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.place(path)) else { return Vec::new() };
        let names = entries.flatten().map(|entry| entry.file_name());
        let mut names: Vec<_> = names.filter_map(|name| name.into_string().ok()).collect();
        names.sort_by_key(|name| {
            let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
            (letters.to_owned(), name[letters.len()..].parse::<u64>().ok())
        });
        names
    }

    /// Whether there is a file or folder.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.place(path).exists()
    }

    /// Writes a file that is there, as the kernel's are written: in one piece, nothing created.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, path: &str, value: &str) -> io::Result<()> {
        use std::io::Write;
        let mut file = fs::OpenOptions::new().write(true).truncate(true).open(self.place(path))?;
        file.write_all(value.as_bytes())
    }
}
