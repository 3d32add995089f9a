//! What is to be told and was not yet: a file that is only appended to, so that what was accepted
//! outlives a kill and a restart.
//!
//! One line is one fact: its CRC-32 in eight hexadecimal digits, a blank, JSON. A line that is
//! damaged is passed over and counted, and nothing behind it is lost; one that a kill has cut off
//! is not there yet.
//!
//! What is promised:
//! - What `accept` has written survives the death of the process at once, and a loss of power once
//!   it is synced, which another thread does meanwhile. The place in the record is written behind
//!   what follows from it, so most of what a loss of power takes is found in the record again; not
//!   all: before a sync a disk may keep a later block of the file and lose an earlier one.
//! - What was delivered is told to the file after the sink has taken it. A death in between sends
//!   it again, with the same `id` of each notice: at least once, and a receiver that keeps ids has
//!   it once.
//! - Each sink has room for so many notices. When they are more, the least severe and oldest go
//!   first; they are counted, and the next message of the sink says how many.
//!
//! The file is longer than what it holds: zeros stand behind, over which lines are written. A sync
//! then has no new length to write, which takes a disk many times as long, and holds up whoever
//! writes meanwhile.
//!
//! The file is written anew when it has grown, with what still matters. `read` looks at one from
//! outside, of a running engine or of a dead one.

mod line;
mod state;

pub use line::Line;
pub use state::{Cursor, Dead, How, RunMark, SinkState, State, Waiting};

use super::life::Notice;
use crate::replace::replace;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The file's name in the directory of alerts.
pub const NAME: &str = "outbox.log";
/// It is written anew above this size, if that makes it at most half as long.
const COMPACT_ABOVE: u64 = 4 << 20;
/// Zeros that are written ahead.
const AHEAD: usize = 1 << 20;
/// A file that is longer is none of ours: reading it would take all memory.
const MOST_BYTES: u64 = 1 << 30;

/// Why there is no outbox.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot {action} the outbox of alerts {}: {source}; correct the directory of the record (its \
     permissions, its room)",
    path.display()
)]
pub struct OutboxError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// The outbox of a running engine.
#[derive(Debug)]
pub struct Outbox {
    path: PathBuf,
    file: File,
    /// Bytes of lines.
    bytes: u64,
    /// Bytes of the file.
    room: u64,
    /// Bytes of lines when it was written anew.
    compacted: u64,
    state: State,
    /// Notices that one sink may have waiting.
    keep: usize,
    /// Why the file is not written, while it is not.
    fault: Option<String>,
}

/// What an outbox holds, read from outside.
///
/// # Errors
/// It is not there, or cannot be read.
pub fn read(directory: &Path) -> Result<State, OutboxError> {
    let path = directory.join(NAME);
    let read = || {
        let mut file = File::open(&path)?;
        read_all(&mut file)
    };
    let bytes = read().map_err(|source| OutboxError { action: "read", path, source })?;
    Ok(State::of_bytes(&bytes))
}

fn read_all(file: &mut File) -> io::Result<Vec<u8>> {
    if file.metadata()?.len() > MOST_BYTES {
        return Err(io::Error::other("it is longer than any outbox"));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Outbox {
    /// Opens the outbox in `directory`, which is made if it is not there, with room for `keep`
    /// notices of each sink. `epoch` names a new one.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(directory: &Path, keep: usize, epoch: &str) -> Result<Self, OutboxError> {
        let path = directory.join(NAME);
        let failed = |action| {
            let path = path.clone();
            move |source| OutboxError { action, path, source }
        };
        fs::create_dir_all(directory).map_err(failed("make the directory of"))?;
        let bytes = match File::open(&path) {
            Ok(mut file) => read_all(&mut file).map_err(failed("read"))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed("open")(error)),
        };
        let mut state = State::of_bytes(&bytes);
        if state.epoch.is_empty() {
            epoch.clone_into(&mut state.epoch);
        }
        // A cut-off end goes with that, too.
        let (file, bytes) = write_anew(&path, &state).map_err(failed("write"))?;
        let (compacted, room) = (bytes, bytes + AHEAD as u64);
        Ok(Self { path, file, bytes, room, compacted, state, keep, fault: None })
    }

    /// What it holds.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Why it is not written any more; what it holds is in memory alone then.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Accepts notices, and notes `lines` behind them, in one write. Notices that had to go to make
    /// room are counted with their sinks.
    pub fn accept(&mut self, notices: Vec<Notice>, lines: Vec<Line>, at_ns: u64) {
        let mut all = Vec::new();
        for notice in notices {
            let seq = self.state.next;
            let sink = notice.sink.clone();
            let line = Line::Accepted { seq, at_ns, notice };
            self.state.apply(&line);
            all.push(line);
            if self.state.waiting_of(&sink).count() > self.keep
                && let Some(seq) = self.state.least_of(&sink)
            {
                let how = How::Dropped;
                let line = Line::Done { sink, seqs: vec![seq], how, at_ns, why: None };
                self.state.apply(&line);
                all.push(line);
            }
        }
        for line in lines {
            self.state.apply(&line);
            all.push(line);
        }
        self.write(&all);
    }

    /// Notes facts.
    pub fn note(&mut self, lines: &[Line]) {
        lines.iter().for_each(|line| self.state.apply(line));
        self.write(lines);
    }

    /// What waits for a sink, the oldest first, by its number.
    #[must_use]
    pub fn waiting(&self, sink: &str) -> BTreeMap<u64, Waiting> {
        let of = self.state.waiting_of(sink);
        of.map(|(seq, waiting)| (*seq, waiting.clone())).collect()
    }

    /// The identity of a notice: a receiver that keeps it has each once.
    #[must_use]
    pub fn id(&self, seq: u64) -> String {
        format!("{}-{seq}", self.state.epoch)
    }

    /// A handle to sync what was written, without holding up whoever else uses the outbox.
    ///
    /// # Errors
    /// What the system says.
    pub fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    fn write(&mut self, lines: &[Line]) {
        let text: String = lines.iter().map(Line::text).collect();
        if let Err(error) = self.append(&text) {
            self.fault = Some(error.to_string());
        }
    }

    fn append(&mut self, text: &str) -> io::Result<()> {
        // After an error the file is written anew with all that matters, so that nothing is
        // missing from it once there is room again.
        let is_grown = self.bytes > COMPACT_ABOVE && self.bytes > 2 * self.compacted;
        if self.fault.is_some() || is_grown {
            (self.file, self.bytes) = write_anew(&self.path, &self.state)?;
            (self.compacted, self.room) = (self.bytes, self.bytes + AHEAD as u64);
            self.fault = None;
            return Ok(());
        }
        let end = self.bytes + text.len() as u64;
        if end > self.room {
            self.file.write_all_at(&vec![0; AHEAD.max(text.len())], self.bytes)?;
            self.room = self.bytes + AHEAD.max(text.len()) as u64;
        }
        self.file.write_all_at(text.as_bytes(), self.bytes)?;
        self.bytes = end;
        Ok(())
    }
}

/// The file of `state` with zeros behind, and the bytes of its lines.
fn write_anew(path: &Path, state: &State) -> io::Result<(File, u64)> {
    let mut bytes = state.lines().into_bytes();
    let len = bytes.len();
    bytes.resize(len + AHEAD, 0);
    replace(path, &bytes)?;
    Ok((OpenOptions::new().write(true).open(path)?, len as u64))
}
