//! The thread of the resync: reads the sources, writes reports and what must be remembered.

use crate::replace::replace;
use crate::resync::report;
use crate::resync::source::{Source, Told};
use crate::resync::{NOW, STATE, path};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use xmc_hotpath::time::UnixNs;

/// Between two looks at the sources.
const NAP: Duration = Duration::from_millis(10);

/// What the thread tells.
#[derive(Debug)]
pub(super) enum Heard {
    /// Of the source with that place.
    Told(usize, Told),
    /// A person has asked for a cycle of all.
    Asked,
}

/// What the thread writes.
#[derive(Debug)]
pub(super) enum Writing {
    /// A line of the log.
    Line(Value),
    /// All that is remembered.
    State(Vec<u8>),
}

/// Who reads and writes.
pub(in crate::engine) struct Reader {
    sources: Vec<Box<dyn Source>>,
    directory: PathBuf,
    to: Sender<Heard>,
    writing: Receiver<Writing>,
}

impl Reader {
    /// Of `sources`, for the record in `directory`; with the other ends.
    pub(super) fn new(
        sources: Vec<Box<dyn Source>>,
        directory: PathBuf,
    ) -> (Self, Receiver<Heard>, Sender<Writing>) {
        let (to, heard) = channel();
        let (write, writing) = channel();
        (Self { sources, directory, to, writing }, heard, write)
    }

    /// Until `stop`; what was to be written by then is.
    pub fn run(mut self, stop: &AtomicBool) {
        let mut told = Vec::new();
        // Another engine's question, of before.
        let _ = std::fs::remove_file(path(&self.directory, NOW));
        while !stop.load(Ordering::Acquire) {
            if std::fs::remove_file(path(&self.directory, NOW)).is_ok() {
                let _ = self.to.send(Heard::Asked);
            }
            for (place, source) in self.sources.iter_mut().enumerate() {
                source.poll(now(), &mut told);
                for one in told.drain(..) {
                    let _ = self.to.send(Heard::Told(place, one));
                }
            }
            self.write();
            std::thread::sleep(NAP);
        }
        self.write();
    }

    /// Writes what there is. A report that the disk does not take is lost; the record has what the
    /// desk was told.
    fn write(&mut self) {
        let (mut lines, mut state) = (Vec::new(), None);
        for writing in self.writing.try_iter() {
            match writing {
                Writing::Line(line) => lines.push(line),
                Writing::State(bytes) => state = Some(bytes),
            }
        }
        // First what closes pairs after a restart.
        if let Some(bytes) = state
            && let Err(error) = replace(&path(&self.directory, STATE), &bytes)
        {
            eprintln!("what the resync must remember cannot be written: {error}");
        }
        if !lines.is_empty()
            && let Err(error) = report::append(&self.directory, &lines)
        {
            eprintln!("a report of the resync cannot be written: {error}");
        }
    }
}

fn now() -> UnixNs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixNs(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
