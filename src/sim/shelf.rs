//! Rows that are kept for good in little memory: the newest here, the older ones in a file.
//!
//! The file has no name: it is gone with whoever made it, and nobody else finds it. It lies in the
//! system's temporary directory and is made when the first row goes there, so that short lives
//! never touch the disk. A file system that refuses costs memory and nothing else: rows stay here
//! then. What was put away and cannot be read again is a panic: half a ledger is worse than none.
//!
//! What it deliberately does not do: survive its process (`venue::store` does), or be read by two.
//! Called by the accounts of the simulated exchange and by the simulated counter.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::marker::PhantomData;
use std::os::unix::fs::FileExt;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// Rows in memory before the oldest of them goes to the file.
pub const NEWEST: usize = 1_024;

/// What can be put away: in `N` bytes, the first of which is not zero.
pub trait Row<const N: usize>: Clone {
    /// As it lies in the file.
    fn to_bytes(&self) -> [u8; N];

    /// What `to_bytes` gave; `None` for anything else.
    fn from_bytes(bytes: &[u8; N]) -> Option<Self>;
}

/// Bytes of any length that fits, as a row: a mark, the length, the bytes.
///
/// # Panics
/// If they do not fit.
#[must_use]
pub fn packed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut row = [0; N];
    let len = u16::try_from(bytes.len()).expect("a row is short");
    row[0] = 1;
    row[1..3].copy_from_slice(&len.to_le_bytes());
    row[3..3 + bytes.len()].copy_from_slice(bytes);
    row
}

/// What `packed` was given.
#[must_use]
pub fn unpacked<const N: usize>(row: &[u8; N]) -> Option<Vec<u8>> {
    let [1, low, high, rest @ ..] = &row[..] else { return None };
    let len = usize::from(u16::from_le_bytes([*low, *high]));
    rest.get(..len).map(<[u8]>::to_vec)
}

/// Rows by number, in the file, in any order.
#[derive(Debug)]
pub struct Slots<T, const N: usize> {
    file: Option<File>,
    is_refused: bool,
    rows: PhantomData<T>,
}

impl<T, const N: usize> Default for Slots<T, N> {
    fn default() -> Self {
        Self { file: None, is_refused: false, rows: PhantomData }
    }
}

impl<T: Row<N>, const N: usize> Slots<T, N> {
    /// Puts a row away, in the place of any that has the number; `false` if it has to stay where it
    /// is.
    pub fn put(&mut self, number: u64, row: &T) -> bool {
        if self.is_refused {
            return false;
        }
        let mut put = || {
            let file = match self.file.take() {
                Some(file) => file,
                None => nameless()?,
            };
            let file = self.file.insert(file);
            file.write_all_at(&row.to_bytes(), number * N as u64)
        };
        self.is_refused = put().is_err();
        !self.is_refused
    }

    /// The row of that number; `None` if none was put there.
    ///
    /// # Panics
    /// If the file cannot be read any more.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<T> {
        let mut bytes = [0; N];
        match self.file.as_ref()?.read_exact_at(&mut bytes, number * N as u64) {
            Ok(()) => T::from_bytes(&bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => panic!("what was put away can be read again, and not: {error}"),
        }
    }
}

/// A file that nobody else has.
fn nameless() -> io::Result<File> {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("xmc-shelf-{}-{number}", process::id()));
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

/// Rows in the order in which they came.
#[derive(Debug)]
pub struct Shelf<T, const N: usize> {
    newest: VecDeque<T>,
    /// How many lie in the file: those before the newest.
    away: usize,
    slots: Slots<T, N>,
}

impl<T, const N: usize> Default for Shelf<T, N> {
    fn default() -> Self {
        Self { newest: VecDeque::new(), away: 0, slots: Slots::default() }
    }
}

impl<T: Row<N>, const N: usize> Shelf<T, N> {
    /// One more.
    pub fn push(&mut self, row: T) {
        self.newest.push_back(row);
        while self.newest.len() > NEWEST
            && let Some(oldest) = self.newest.front()
            && self.slots.put(self.away as u64, oldest)
        {
            self.newest.pop_front();
            self.away += 1;
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.away + self.newest.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of them are in memory.
    #[must_use]
    pub fn in_memory(&self) -> usize {
        self.newest.len()
    }

    /// The row at a place, counted from 0.
    ///
    /// # Panics
    /// If the file cannot be read any more.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<T> {
        match place.checked_sub(self.away) {
            Some(here) => self.newest.get(here).cloned(),
            None => {
                let row = self.slots.get(place as u64);
                Some(row.expect("a row that was put away is there"))
            }
        }
    }

    /// The newest row.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.newest.back()
    }

    /// All rows from a place on.
    pub fn since(&self, place: usize) -> impl Iterator<Item = T> {
        (place..self.len()).filter_map(|place| self.get(place))
    }

    /// The first place whose row `is_before` does not hold for; it holds for all before that and
    /// none behind.
    pub fn partition_point(&self, is_before: impl Fn(&T) -> bool) -> usize {
        // Mostly it is among the newest, and then the file is left alone.
        if self.newest.front().is_none_or(&is_before) {
            return self.away + self.newest.partition_point(is_before);
        }
        let (mut from, mut to) = (0, self.away);
        while from < to {
            let middle = from.midpoint(to);
            match self.get(middle) {
                Some(row) if is_before(&row) => from = middle + 1,
                _ => to = middle,
            }
        }
        from
    }
}
