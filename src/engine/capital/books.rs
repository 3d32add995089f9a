//! Books as they come: the file is looked at, read and checked on a thread of its own, so that a
//! disk that hangs holds up nobody who commands the engine.

use crate::capital::Book;
use crate::capital::book;
use crate::config::capital::Capital;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// Between two looks at the file.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
/// Positions that are reckoned fifty times a second.
const MOST_POSITIONS: usize = 10_000;

/// Which file a book was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    modified_ns: (i64, i64),
}

impl Stamp {
    /// `None` if no plain file is there: one that is being replaced is there in a moment.
    fn of(path: &Path) -> Option<Self> {
        let about = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        let modified_ns = (about.mtime(), about.mtime_nsec());
        Some(Self { inode: about.ino(), bytes: about.len(), modified_ns })
    }
}

/// Reads a book that is to be watched.
///
/// # Errors
/// Everything that is wrong with it, in words.
pub(super) fn read(path: &Path, terms: &Capital) -> Result<Book, String> {
    if !path.is_file() {
        return Err(format!("{} is no file", path.display()));
    }
    let book = book::load(path, terms).map_err(|refused| refused.to_string())?;
    match book.positions.len() {
        0..=MOST_POSITIONS => Ok(book),
        more => Err(format!("it has {more} positions, and {MOST_POSITIONS} are watched at most")),
    }
}

/// What comes of the file from now on.
#[derive(Debug)]
pub(super) struct Books {
    read: Receiver<Result<Book, String>>,
    is_over: Arc<AtomicBool>,
}

impl Drop for Books {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

impl Books {
    /// Reads the book in `path`, and from then on each that takes its place.
    ///
    /// # Errors
    /// The thread; the inner one is what is wrong with the book of now.
    pub fn watch(path: &Path, terms: &Arc<Capital>) -> io::Result<Result<(Self, Book), String>> {
        let (sender, receiver) = mpsc::channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let mut stamp = Stamp::of(path);
        let book = match read(path, terms) {
            Ok(book) => book,
            Err(why) => return Ok(Err(why)),
        };
        let (path, terms, ends): (PathBuf, _, _) =
            (path.to_owned(), Arc::clone(terms), Arc::clone(&is_over));
        let body = move || {
            while !ends.load(Ordering::Relaxed) {
                std::thread::sleep(BETWEEN_LOOKS);
                let now = Stamp::of(&path);
                if now.is_some() && now != stamp {
                    stamp = now;
                    if sender.send(read(&path, &terms)).is_err() {
                        return;
                    }
                }
            }
        };
        std::thread::Builder::new().name("xmc-capital".to_owned()).spawn(body)?;
        Ok(Ok((Self { read: receiver, is_over }, book)))
    }

    /// The next one, if there is one.
    pub fn next(&self) -> Option<Result<Book, String>> {
        self.read.try_recv().ok()
    }
}
