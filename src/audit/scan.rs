//! Every record of a journal in order, with the place where it lies.
//!
//! Blocks are checked as they come, chain included; the first damage ends the scan and is told, so
//! that nobody answers from half a journal without saying so. Memory is that of one block, whatever
//! the journal's size. Whether the records make sense one after the other is `verify`'s question.

use super::CouldNotRun;
use crate::engine::recording::Segments;
use crate::journal::reader::{self, Blocks, Damage};
use crate::journal::segment::Hash;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::record::frame::{
    self, Body, FrameError, Header, Image, Images, Kind, OwnedInput, Start,
};
use xmc_hotpath::time::{MonoNs, UnixNs};

/// Where a record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// Number of the segment.
    pub segment: u64,
    /// Where its block starts in the segment.
    pub block: u64,
    /// Which of the block's records it is, from 0.
    pub record: u32,
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'e> {
    /// Where it lies.
    pub at: At,
    /// The hash of its block.
    pub hash: &'e Hash,
    /// Its header.
    pub header: Header,
    /// Its body.
    pub body: &'e [u8],
    /// All of its bytes.
    pub whole: &'e [u8],
}

/// What a scan came to.
#[derive(Clone, Debug, Default)]
pub struct Scanned {
    /// Records that were told.
    pub records: u64,
    /// What ended it before the end of the journal.
    pub damage: Option<(PathBuf, Damaged)>,
}

/// What ends a scan.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum Damaged {
    /// A segment.
    #[error("{0}")]
    Segment(Damage),
    /// A record.
    #[error("what lies in the block at byte {0} is not a record ({1:?})")]
    Record(u64, FrameError),
}

/// Tells `visit` every record of the journal at `path`, or of the one segment, until it has heard
/// enough.
///
/// # Errors
/// `CouldNotRun` if there is nothing to read. Damage is no error: it is in what comes back.
pub fn scan(
    path: &Path,
    mut visit: impl FnMut(Entry<'_>) -> ControlFlow<()>,
) -> Result<Scanned, CouldNotRun> {
    let segments = Segments::open(path).map_err(|source| {
        if source.kind() == std::io::ErrorKind::NotFound && path.is_dir() {
            CouldNotRun::NoSegments { path: path.to_owned() }
        } else {
            CouldNotRun::Io { path: path.to_owned(), source }
        }
    })?;
    let mut scanned = Scanned::default();
    for (file, bytes) in segments.iter() {
        let damaged = |damage| (file.to_owned(), Damaged::Segment(damage));
        let header = match reader::header(bytes) {
            Ok(header) => header,
            Err(damage) => {
                scanned.damage = Some(damaged(damage));
                return Ok(scanned);
            }
        };
        let mut blocks = Blocks::new(bytes, &header);
        loop {
            let block = match blocks.next_block() {
                Ok(Ok(block)) => block,
                Ok(Err(_)) => break,
                Err(damage) => {
                    scanned.damage = Some(damaged(damage));
                    return Ok(scanned);
                }
            };
            let mut at = At { segment: header.number.get(), block: block.offset, record: 0 };
            let mut rest = block.payload;
            while !rest.is_empty() {
                let (header, body, after) = match frame::split(rest) {
                    Ok(split) => split,
                    Err(error) => {
                        let damaged = Damaged::Record(block.offset, error);
                        scanned.damage = Some((file.to_owned(), damaged));
                        return Ok(scanned);
                    }
                };
                let whole = &rest[..usize::from(header.len)];
                scanned.records += 1;
                if visit(Entry { at, hash: &block.hash, header, body, whole }).is_break() {
                    return Ok(scanned);
                }
                at.record += 1;
                rest = after;
            }
        }
    }
    Ok(scanned)
}

/// The clock of a run against UTC, as its record tells: the newest word at or before a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scale {
    /// A moment on the engine's clock.
    pub at: MonoNs,
    /// The same in UTC; 0 if not known.
    pub utc: UnixNs,
}

impl Scale {
    /// A moment in UTC; `None` if the record does not say how the clock stood.
    #[must_use]
    pub fn date(&self, moment: MonoNs) -> Option<UnixNs> {
        let since = i128::from(moment.0) - i128::from(self.at.0);
        let utc = u64::try_from(i128::from(self.utc.0) + since).ok()?;
        (self.utc.0 != 0).then_some(UnixNs(utc))
    }
}

/// Follows the runs of a journal: decodes records, and knows whose they are and when.
#[derive(Debug)]
pub struct Decoding {
    /// The start of the run that is read; `None` before the first.
    pub start: Option<Start>,
    /// The clock of that run.
    pub scale: Scale,
    /// The moment of the last input.
    pub now: MonoNs,
    images: Vec<Image>,
}

/// Rows that no table of a real record exceeds.
const MAX_ROWS: u32 = 1 << 17;

impl Default for Decoding {
    fn default() -> Self {
        // A journal may begin in the middle of a run; quotes are understood from full images on.
        let images = vec![Image::EMPTY; MAX_ROWS as usize];
        Self { start: None, scale: Scale::default(), now: MonoNs(0), images }
    }
}

impl Decoding {
    /// Reads a record; `None` of a quote whose full image was not read, and of what does not
    /// decode.
    pub fn read(&mut self, header: Header, body: &[u8]) -> Option<Body> {
        let body = frame::decode(header, body, &mut Images::new(&mut self.images)).ok()?;
        match &body {
            Body::Start(start) => {
                let [instruments, ..] = start.arenas;
                self.images.clear();
                self.images.resize(instruments.min(MAX_ROWS) as usize, Image::EMPTY);
                self.scale = Scale { at: start.now, utc: start.utc };
                self.now = start.now;
                self.start = Some(*start);
            }
            Body::Input(OwnedInput { now, event, .. }) => {
                self.now = *now;
                if let frame::OwnedEvent::Clock(clock) = event {
                    self.scale = Scale { at: clock.at, utc: clock.utc };
                }
            }
            Body::Order(_) | Body::Detail(_) => {}
        }
        Some(body)
    }

    /// Reads only when something happened: the first eight bytes of every input's body.
    pub fn read_moment(&mut self, header: Header, body: &[u8]) {
        if header.kind.is_input()
            && let Some(now) = body.first_chunk()
        {
            self.now = MonoNs(u64::from_le_bytes(*now));
        }
    }

    /// Whose records are read.
    #[must_use]
    pub fn identity(&self) -> Option<DeskIdentity> {
        self.start.map(|start| start.identity)
    }

    /// Whether a record's body is worth reading by one who cares for neither books nor time alone.
    #[must_use]
    pub fn is_rare(kind: Kind) -> bool {
        !matches!(kind, Kind::Quote | Kind::Tick)
    }
}
