//! Every record of a journal in order, with the place where it lies.
//!
//! Blocks are checked as they come, chain included; the first damage ends the scan and is told, so
//! that nobody answers from half a journal without saying so. Memory is that of one block, whatever
//! the journal's size. Whether the records make sense one after the other is `verify`'s question.

use super::CouldNotRun;
use super::rows::MAX_ROWS;
use crate::engine::recording::Segments;
use crate::journal::disk::{self, Source};
use crate::journal::reader::{self, Block, Blocks, Damage};
use crate::journal::segment::{HEADER_LEN, Hash, Left, SegmentHeader};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;
use xmc_hotpath::message::{DeskIdentity, InstrumentIndex, MAX_GATEWAYS};
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
    /// The last block that was told whole.
    pub end: Option<Cursor>,
    /// What ended it before the end of the journal.
    pub damage: Option<(PathBuf, Damaged)>,
}

/// What ends a scan.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum Damaged {
    /// A segment.
    #[error("{0}")]
    Segment(Damage),
    /// The block that was read last is not there any more: the journal is another one.
    #[error("the journal does not hold what was read of it before")]
    Gone,
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
    visit: impl FnMut(Entry<'_>) -> ControlFlow<()>,
) -> Result<Scanned, CouldNotRun> {
    scan_from(path, None, visit)
}

/// As `scan`, from the beginning of the segment `first` on.
///
/// # Errors
/// As `scan`.
pub fn scan_since(
    path: &Path,
    first: u64,
    visit: impl FnMut(Entry<'_>) -> ControlFlow<()>,
) -> Result<Scanned, CouldNotRun> {
    scan_files(path, &files(path, first)?, None, visit)
}

/// The first segment of the newest run that `is_early_enough`, by the header of that segment; of
/// the oldest run if none is.
///
/// # Errors
/// As `scan`.
pub fn run_since(
    path: &Path,
    is_early_enough: impl Fn(&SegmentHeader) -> bool,
) -> Result<u64, CouldNotRun> {
    let mut first: Option<SegmentHeader> = None;
    for file in files(path, 0)?.iter().rev() {
        let failed = |source| CouldNotRun::Io { path: file.clone(), source };
        let mut bytes = vec![0; HEADER_LEN];
        let source = Source::open(file).map_err(failed)?;
        source.read_exact_at(&mut bytes, 0).map_err(failed)?;
        // One that is damaged is told by whoever reads it.
        let Ok(header) = reader::header(&bytes) else { break };
        if let Some(known) = first.filter(|known| known.run != header.run)
            && is_early_enough(&known)
        {
            return Ok(known.number.get());
        }
        first = Some(header);
    }
    Ok(first.map_or(0, |header| header.number.get()))
}

/// As `scan`, from behind the block `from` on. If that is not where it was, the damage is
/// `Damaged::Gone`.
///
/// # Errors
/// As `scan`.
pub fn scan_from(
    path: &Path,
    from: Option<Cursor>,
    visit: impl FnMut(Entry<'_>) -> ControlFlow<()>,
) -> Result<Scanned, CouldNotRun> {
    scan_files(path, &files(path, from.map_or(0, |from| from.segment))?, from, visit)
}

fn scan_files(
    path: &Path,
    files: &[PathBuf],
    from: Option<Cursor>,
    mut visit: impl FnMut(Entry<'_>) -> ControlFlow<()>,
) -> Result<Scanned, CouldNotRun> {
    let open = |file: &PathBuf| {
        Segments::open(file).map_err(|source| CouldNotRun::Io { path: file.clone(), source })
    };
    let mut walk = Walk { scanned: Scanned::default(), from, visit: &mut visit };
    // Two at a time, because the next one may declare the tail of this one torn: packed segments
    // are unpacked in memory.
    let mut next = files.first().map(open).transpose()?;
    for place in 0..files.len() {
        let current = std::mem::replace(&mut next, files.get(place + 1).map(open).transpose()?);
        let header = next.iter().flat_map(Segments::iter).next();
        let header = header.and_then(|(_, bytes)| reader::header(bytes).ok());
        for (file, bytes) in current.iter().flat_map(Segments::iter) {
            match walk.segment(bytes, header.as_ref()) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return Ok(walk.scanned),
                Err(damaged) => {
                    walk.scanned.damage = Some((file.to_owned(), damaged));
                    return Ok(walk.scanned);
                }
            }
        }
    }
    if walk.from.is_some() && walk.scanned.damage.is_none() {
        walk.scanned.damage = Some((path.to_owned(), Damaged::Gone));
    }
    Ok(walk.scanned)
}

/// The segments of a journal from number `first` on, or the one that `path` names.
fn files(path: &Path, first: u64) -> Result<Vec<PathBuf>, CouldNotRun> {
    let io_error = |source| CouldNotRun::Io { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(io_error)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let found = disk::segments(path).map_err(io_error)?;
    if found.is_empty() {
        return Err(CouldNotRun::NoSegments { path: path.to_owned() });
    }
    let wanted = found.into_iter().filter(|segment| segment.number >= first);
    Ok(wanted.map(|segment| segment.path).collect())
}

/// The newest segment of a journal as the file system tells it: its number, its length, and when it
/// was written last. While that stays the same, nothing has come.
///
/// # Errors
/// As `scan`.
pub fn newest(path: &Path) -> Result<Option<(u64, u64, u128)>, CouldNotRun> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| CouldNotRun::Io { path, source }
    };
    if !fs::metadata(path).map_err(failed(path))?.is_dir() {
        return Ok(None);
    }
    let Some(last) = disk::segments(path).map_err(failed(path))?.pop() else { return Ok(None) };
    let metadata = fs::metadata(&last.path).map_err(failed(&last.path))?;
    let modified = metadata.modified().map_err(failed(&last.path))?;
    let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok(Some((last.number, metadata.len(), since.as_nanos())))
}

/// A block that was read to its end: where a scan can go on later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Number of its segment.
    pub segment: u64,
    /// Where it starts there.
    pub block: u64,
    /// Its hash.
    pub hash: Hash,
}

/// How long somebody reads; looked at once in so many records.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deadline {
    until: Option<Instant>,
    records: u32,
    is_over: bool,
}

impl Deadline {
    /// Between two looks at the clock: far less than a millisecond.
    const LOOK: u32 = 1 << 10;

    /// Until then.
    #[must_use]
    pub fn at(until: Instant) -> Self {
        Self { until: Some(until), records: 0, is_over: false }
    }

    /// Whether it was reached.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Counts a record; whether to read on.
    pub fn check(&mut self) -> ControlFlow<()> {
        let Some(until) = self.until else { return ControlFlow::Continue(()) };
        if self.records.is_multiple_of(Self::LOOK) {
            self.is_over |= Instant::now() >= until;
        }
        self.records = self.records.wrapping_add(1);
        if self.is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

struct Walk<'w, V> {
    scanned: Scanned,
    from: Option<Cursor>,
    visit: &'w mut V,
}

impl<V: FnMut(Entry<'_>) -> ControlFlow<()>> Walk<'_, V> {
    /// Walks one segment; `next` is the header of the one behind it, which may declare its tail
    /// torn.
    fn segment(
        &mut self,
        bytes: &[u8],
        next: Option<&SegmentHeader>,
    ) -> Result<ControlFlow<()>, Damaged> {
        let header = reader::header(bytes).map_err(Damaged::Segment)?;
        let number = header.number.get();
        if self.from.is_some_and(|from| number < from.segment) {
            return Ok(ControlFlow::Continue(()));
        }
        let until = next.and_then(reader::end_of_failed);
        let mut blocks = Blocks::without_tree(bytes, &header).until(until);
        loop {
            let good = blocks.good_bytes();
            match blocks.next_block() {
                Ok(Ok(block)) => {
                    if self.is_known(number, &block)? {
                        continue;
                    }
                    if self.block(number, &block)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(Err(_)) => return Ok(ControlFlow::Continue(())),
                Err(damage) => {
                    let declared = next.and_then(SegmentHeader::previous);
                    let is_declared =
                        declared.is_some_and(|of| of.left == Left::Torn && of.bytes == good);
                    return if is_declared {
                        Ok(ControlFlow::Continue(()))
                    } else {
                        Err(Damaged::Segment(damage))
                    };
                }
            }
        }
    }

    /// Whether a block was read before; fails if what was read before is not there any more.
    fn is_known(&mut self, segment: u64, block: &Block<'_>) -> Result<bool, Damaged> {
        let Some(from) = self.from else { return Ok(false) };
        if segment > from.segment || block.offset > from.block {
            return Err(Damaged::Gone);
        }
        if segment == from.segment && block.offset == from.block {
            if block.hash != from.hash {
                return Err(Damaged::Gone);
            }
            self.from = None;
        }
        Ok(true)
    }

    fn block(&mut self, segment: u64, block: &Block<'_>) -> Result<ControlFlow<()>, Damaged> {
        let mut at = At { segment, block: block.offset, record: 0 };
        let mut rest = block.payload;
        while !rest.is_empty() {
            let split = frame::split(rest).map_err(|error| Damaged::Record(block.offset, error));
            let (header, body, after) = split?;
            let whole = &rest[..usize::from(header.len)];
            self.scanned.records += 1;
            if (self.visit)(Entry { at, hash: &block.hash, header, body, whole }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            at.record += 1;
            rest = after;
        }
        self.scanned.end = Some(Cursor { segment, block: block.offset, hash: block.hash });
        Ok(ControlFlow::Continue(()))
    }
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

    /// The moment of the last input in UTC; 0 if the record does not say how the clock stood.
    #[must_use]
    pub fn utc(&self) -> UnixNs {
        self.scale.date(self.now).unwrap_or(UnixNs(0))
    }

    /// Whose quote a record is, read without the rest: it is behind the moment, the credits and
    /// whether more follow.
    #[must_use]
    pub fn quoted(kind: Kind, body: &[u8]) -> Option<InstrumentIndex> {
        const FRONT: usize = 8 + MAX_GATEWAYS + 1 + 1;
        let bytes = body.get(FRONT..)?.first_chunk().filter(|_| kind == Kind::Quote)?;
        Some(InstrumentIndex(u32::from_le_bytes(*bytes)))
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
