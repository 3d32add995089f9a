//! Notes that lie one after the other in a file, a blank line between them: what a witness keeps.
//!
//! They are read one by one, so a file may be as long as it likes. What is not whole, as the end of
//! a write that was torn, is handed on as it is: reading it as a note finds that out.

use std::io::{self, BufRead};

/// What a line of signature begins with.
const MARK: char = '\u{2014}';
/// More than any note has: what is longer is none, and is handed on in pieces.
const MOST_BYTES: usize = 1 << 20;

/// Reads notes.
#[derive(Debug)]
pub struct Notes<R> {
    file: R,
    /// A line that was read and belongs to the next note.
    ahead: Option<String>,
    /// Lines that were handed on or skipped.
    line: usize,
}

impl<R: BufRead> Notes<R> {
    /// Reads the notes of `file`.
    pub fn new(file: R) -> Self {
        Self { file, ahead: None, line: 0 }
    }

    /// The next line with its end, if there is one.
    fn take(&mut self) -> io::Result<Option<String>> {
        let line = match self.ahead.take() {
            Some(line) => line,
            None => {
                let mut bytes = Vec::new();
                let most = MOST_BYTES as u64;
                io::Read::take(&mut self.file, most).read_until(b'\n', &mut bytes)?;
                String::from_utf8_lossy(&bytes).into_owned()
            }
        };
        self.line += 1;
        Ok(Some(line).filter(|line| !line.is_empty()))
    }

    fn put_back(&mut self, line: String) {
        self.ahead = Some(line);
        self.line -= 1;
    }

    fn note(&mut self) -> io::Result<Option<(usize, String)>> {
        let mut note = String::new();
        let mut start = self.line + 1;
        while let Some(line) = self.take()? {
            if line != "\n" {
                note.push_str(&line);
                if note.len() > MOST_BYTES {
                    return Ok(Some((start, note)));
                }
            } else if note.is_empty() {
                start = self.line + 1;
            } else {
                note.push('\n');
                break;
            }
        }
        while let Some(line) = self.take()? {
            if !line.starts_with(MARK) || note.len() > MOST_BYTES {
                self.put_back(line);
                break;
            }
            note.push_str(&line);
        }
        Ok((!note.is_empty()).then_some((start, note)))
    }
}

impl<R: BufRead> Iterator for Notes<R> {
    /// The line that the note begins with, counted from 1, and the note.
    type Item = io::Result<(usize, String)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.note().transpose()
    }
}
