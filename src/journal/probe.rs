//! What the disk does without a journal: the same groups, written and synced one after the other.
//!
//! A durability window means nothing without it: run beside the journal, on the same disk, in the
//! same run, it says which part of the window is the disk's own. It writes a file of its own into
//! the directory and removes it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};
use xmc_hotpath::time::Span;

/// The file's name; a writer does not take it for a segment.
const NAME: &str = "probe.new";

/// The file is that long at most, and then written again from its start.
const MAX_FILE: u64 = 64 << 20;

/// What a disk did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// Bytes of a group.
    pub group_bytes: u64,
    /// Groups written and synced.
    pub groups: u64,
    /// How long that took.
    pub elapsed: Span,
    /// The median of one write and its sync.
    pub median: Span,
    /// The worst.
    pub worst: Span,
}

impl Probe {
    /// Bytes made safe in a second.
    #[must_use]
    pub fn bytes_per_second(&self) -> u64 {
        let bytes = u128::from(self.group_bytes) * u128::from(self.groups) * 1_000_000_000;
        let elapsed = u128::from(self.elapsed.0.max(1));
        u64::try_from(bytes / elapsed).unwrap_or(u64::MAX)
    }
}

/// Writes and syncs `groups` groups of `group_bytes` in `directory`, or as many as `patience`
/// allows, at least one.
///
/// # Errors
/// Whatever the file system says.
pub fn probe(
    directory: &Path,
    group_bytes: usize,
    groups: u64,
    patience: Duration,
) -> io::Result<Probe> {
    fs::create_dir_all(directory)?;
    let path = directory.join(NAME);
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
    let probed = run(&file, group_bytes, groups, patience);
    fs::remove_file(&path)?;
    probed
}

fn run(file: &File, group_bytes: usize, groups: u64, patience: Duration) -> io::Result<Probe> {
    // Written over first, as segments are, so that the file system's own journal stays out of it.
    let group: Vec<u8> = (0..group_bytes).map(|at| at.to_le_bytes()[0]).collect();
    let len = group_bytes as u64;
    let in_file = (MAX_FILE / len).clamp(1, groups.max(1));
    for number in 0..in_file {
        file.write_all_at(&group, number * len)?;
    }
    file.sync_all()?;
    let begun = Instant::now();
    let mut spans = Vec::new();
    while (spans.len() as u64) < groups.max(1) {
        let start = Instant::now();
        file.write_all_at(&group, spans.len() as u64 % in_file * len)?;
        file.sync_data()?;
        spans.push(start.elapsed());
        if begun.elapsed() >= patience {
            break;
        }
    }
    let elapsed = begun.elapsed();
    spans.sort_unstable();
    let span = |duration: Duration| Span(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    let at = |index: usize| spans.get(index).copied().map_or(Span(0), span);
    Ok(Probe {
        group_bytes: len,
        groups: spans.len() as u64,
        elapsed: span(elapsed),
        median: at(spans.len() / 2),
        worst: at(spans.len() - 1),
    })
}
