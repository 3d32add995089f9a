//! A disk in memory that loses what was not synced, tears writes, and fails when it is told to.

use cross_market_connect::journal::disk::{Append, Disk};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

/// The disk; clones are the same one, so it outlives the writer that "died".
#[derive(Clone, Debug, Default)]
pub struct Memory(Rc<RefCell<State>>);

#[derive(Debug, Default)]
pub struct State {
    /// What a process sees.
    pub segments: BTreeMap<u64, Vec<u8>>,
    /// What is left when the power goes.
    pub synced: BTreeMap<u64, Vec<u8>>,
    /// Bytes that can be written before the writer dies in the middle of a write.
    pub dies_after: Option<u64>,
    /// Calls until one fails.
    pub fails_in: Option<u64>,
    /// Whether the writer has died: nothing it asks for happens any more.
    pub is_dead: bool,
}

impl Memory {
    /// Its state.
    pub fn state(&self) -> std::cell::RefMut<'_, State> {
        self.0.borrow_mut()
    }

    /// All segments, as `verify_segments` takes them.
    pub fn verify(&self) -> cross_market_connect::audit::Report {
        let state = self.0.borrow();
        let segments = state.segments.iter().map(|(number, bytes)| (*number, bytes.as_slice()));
        cross_market_connect::audit::verify_segments(segments)
    }
}

impl State {
    /// One call of the writer: it may be the one that fails.
    fn call(&mut self) -> io::Result<()> {
        if self.is_dead {
            return Err(io::Error::other("the process is dead"));
        }
        match &mut self.fails_in {
            Some(0) => Err(io::Error::from_raw_os_error(5)),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Disk for Memory {
    type Segment = MemorySegment;

    fn list(&self) -> io::Result<Vec<u64>> {
        Ok(self.0.borrow().segments.keys().copied().collect())
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        Ok(self.0.borrow().segments[&number].clone())
    }

    fn create(&mut self, number: u64, header: &[u8], len: u64) -> io::Result<MemorySegment> {
        let mut state = self.0.borrow_mut();
        state.call()?;
        let mut bytes = header.to_vec();
        bytes.resize(len as usize, 0);
        assert!(state.segments.insert(number, bytes.clone()).is_none(), "never replaced");
        state.synced.insert(number, bytes);
        Ok(MemorySegment { disk: self.clone(), number })
    }
}

/// A segment on it.
#[derive(Debug)]
pub struct MemorySegment {
    disk: Memory,
    number: u64,
}

impl Append for MemorySegment {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.call()?;
        let mut count = bytes.len();
        if let Some(left) = &mut state.dies_after {
            count = count.min(*left as usize);
            *left -= count as u64;
        }
        let at = offset as usize;
        let segment = state.segments.get_mut(&self.number).expect("created");
        segment[at..at + count].copy_from_slice(&bytes[..count]);
        if count < bytes.len() {
            state.is_dead = true;
            return Err(io::Error::other("the process died"));
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.call()?;
        let bytes = state.segments[&self.number].clone();
        state.synced.insert(self.number, bytes);
        Ok(())
    }

    fn close_at(&mut self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.call()?;
        let segment = state.segments.get_mut(&self.number).expect("created");
        segment.truncate(len as usize);
        let bytes = segment.clone();
        state.synced.insert(self.number, bytes);
        Ok(())
    }
}
