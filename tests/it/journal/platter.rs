//! A disk as the power leaves it: what was synced is there, and of what was not each sector of 512
//! bytes has any of the contents that it had since. Two directories, as a journal can have.
//!
//! Every call is counted, and can be the one before which the power goes, or the one that fails. A
//! sync that fails loses what it should have made safe, though a reader still sees it: that is what
//! the kernel does with pages that it could not write.

use cross_market_connect::audit::{Report, verify_segments};
use cross_market_connect::journal::disk::{Append, Disk};
use std::cell::{RefCell, RefMut};
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

/// What is written as one.
const SECTOR: usize = 512;

/// The disk; clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Platter(Rc<RefCell<State>>);

#[derive(Debug, Default)]
pub struct State {
    /// By number, then directory: the higher one counts.
    files: BTreeMap<(u64, u8), File>,
    /// Calls so far.
    pub calls: u64,
    /// The power goes before this call.
    pub dies_at: Option<u64>,
    /// This call fails, and every later one to the same directory.
    pub fails_at: Option<u64>,
    /// Directories that have failed.
    failed: [bool; 2],
    /// Where new segments go.
    active: u8,
    /// There is a second directory.
    pub has_second: bool,
    /// Nothing happens any more.
    pub is_dead: bool,
    /// Polls that a sync takes.
    pub sync_takes: u8,
}

#[derive(Clone, Debug, Default)]
struct File {
    /// What a process reads.
    seen: Vec<u8>,
    /// What is safe.
    safe: Vec<u8>,
    /// Contents that sectors had since, in order.
    since: BTreeMap<usize, Vec<Vec<u8>>>,
    /// It may have been cut to this length already.
    cut: Option<usize>,
}

impl File {
    fn write(&mut self, bytes: &[u8], at: usize) {
        self.seen[at..at + bytes.len()].copy_from_slice(bytes);
        for sector in at / SECTOR..(at + bytes.len()).div_ceil(SECTOR) {
            let end = ((sector + 1) * SECTOR).min(self.seen.len());
            let content = self.seen[sector * SECTOR..end].to_vec();
            self.since.entry(sector).or_default().push(content);
        }
    }

    /// What was seen when a sync began is safe now that it ends.
    fn end_sync(&mut self, seen: Vec<u8>) {
        self.since.retain(|sector, contents| {
            let from = sector * SECTOR;
            let end = (from + SECTOR).min(seen.len());
            let last = contents.iter().rposition(|content| content[..] == seen[from..end]);
            if let Some(last) = last {
                contents.drain(..=last);
            }
            !contents.is_empty()
        });
        self.safe = seen;
        self.cut = None;
    }

    /// What the power leaves.
    fn left(&self, choose: &mut dyn FnMut(usize) -> usize) -> Vec<u8> {
        let mut left = self.safe.clone();
        for (sector, contents) in &self.since {
            let chosen = choose(contents.len() + 1);
            if let Some(content) = chosen.checked_sub(1).map(|chosen| &contents[chosen]) {
                left[sector * SECTOR..sector * SECTOR + content.len()].copy_from_slice(content);
            }
        }
        match self.cut {
            Some(len) if choose(2) == 1 => left.truncate(len),
            _ => {}
        }
        left
    }
}

impl State {
    /// One call to a directory.
    fn call(&mut self, directory: u8) -> io::Result<()> {
        if self.is_dead || self.dies_at == Some(self.calls) {
            self.is_dead = true;
            return Err(io::Error::other("the power is gone"));
        }
        if self.fails_at == Some(self.calls) {
            self.failed[usize::from(directory)] = true;
        }
        self.calls += 1;
        if self.failed[usize::from(directory)] {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        Ok(())
    }

    fn file(&mut self, key: (u64, u8)) -> &mut File {
        self.files.get_mut(&key).expect("it was made")
    }

    /// Whether a directory has failed.
    pub fn has_failed(&self) -> bool {
        self.failed.contains(&true)
    }
}

impl Platter {
    pub fn state(&self) -> RefMut<'_, State> {
        self.0.borrow_mut()
    }

    /// The disk after the power has gone; `choose(n)` says which of `n` contents a sector has.
    pub fn after_power_loss(&self, choose: &mut dyn FnMut(usize) -> usize) -> Self {
        self.restarted(|file| file.left(choose))
    }

    /// The disk after the process has died: what it had written is there.
    pub fn after_death(&self) -> Self {
        self.restarted(|file| file.seen.clone())
    }

    fn restarted(&self, mut left: impl FnMut(&File) -> Vec<u8>) -> Self {
        let state = self.0.borrow();
        let files = state.files.iter().map(|(key, file)| {
            let left = left(file);
            (*key, File { seen: left.clone(), safe: left, ..File::default() })
        });
        let files = files.collect();
        let (has_second, sync_takes) = (state.has_second, state.sync_takes);
        Self(Rc::new(RefCell::new(State { files, has_second, sync_takes, ..State::default() })))
    }

    /// The segments, as a reader finds them.
    pub fn segments(&self) -> BTreeMap<u64, Vec<u8>> {
        let state = self.0.borrow();
        state.files.iter().map(|((number, _), file)| (*number, file.seen.clone())).collect()
    }

    pub fn verify(&self) -> Report {
        let segments = self.segments();
        verify_segments(segments.iter().map(|(number, bytes)| (*number, bytes.as_slice())))
    }
}

impl Disk for Platter {
    type Segment = Written;

    fn list(&self) -> io::Result<Vec<u64>> {
        Ok(self.segments().into_keys().collect())
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        Ok(self.segments().remove(&number).expect("it was listed"))
    }

    fn create(&mut self, number: u64, front: &[u8], len: u64) -> io::Result<Written> {
        let mut state = self.state();
        let directory = state.active;
        let made = state.call(directory);
        // What fails may have been done all the same.
        if made.is_ok() || (!state.is_dead && number.is_multiple_of(2)) {
            let mut seen = front.to_vec();
            seen.resize(len as usize, 0);
            let file = File { safe: seen.clone(), seen, ..File::default() };
            let before = state.files.insert((number, directory), file);
            assert!(before.is_none(), "never replaced");
        }
        made.map(|()| Written { disk: self.clone(), key: (number, directory), syncing: None })
    }

    fn fail_over(&mut self) -> bool {
        let mut state = self.state();
        let can = !state.is_dead && state.has_second && state.active == 0;
        state.active |= u8::from(can);
        can
    }
}

/// A segment on it.
#[derive(Debug)]
pub struct Written {
    disk: Platter,
    key: (u64, u8),
    /// What was seen when the sync that is under way began, and how long it still takes.
    syncing: Option<(Vec<u8>, u8)>,
}

impl Append for Written {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let (number, directory) = self.key;
        let written = state.call(directory);
        // A write that fails may have been done in part, as may one that the power interrupts.
        let count = if written.is_ok() { bytes.len() } else { bytes.len() / 2 };
        state.file((number, directory)).write(&bytes[..count], offset as usize);
        written
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.call(self.key.1)?;
        let file = state.file(self.key);
        file.end_sync(file.seen.clone());
        Ok(())
    }

    fn begin_sync(&mut self) -> io::Result<bool> {
        let takes = self.disk.state().sync_takes;
        if takes == 0 {
            return self.sync().map(|()| true);
        }
        self.syncing = Some((self.disk.state().file(self.key).seen.clone(), takes));
        Ok(false)
    }

    fn is_synced(&mut self) -> io::Result<bool> {
        let Some((seen, takes)) = self.syncing.take() else {
            return Ok(true);
        };
        if takes > 0 {
            self.syncing = Some((seen, takes - 1));
            return Ok(false);
        }
        let mut state = self.disk.state();
        state.call(self.key.1)?;
        state.file(self.key).end_sync(seen);
        Ok(true)
    }

    fn close_at(&mut self, len: u64) -> io::Result<()> {
        self.syncing = None;
        self.sync()?;
        {
            let mut state = self.disk.state();
            state.call(self.key.1)?;
            let file = state.file(self.key);
            file.seen.truncate(len as usize);
            file.cut = Some(len as usize);
        }
        self.sync()
    }
}
