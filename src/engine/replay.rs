//! A record through a fresh desk: the same inputs must give the same outputs, byte for byte.
//!
//! The record holds everything that the desk was ever told, so nothing else is needed: no
//! configuration, no market data, no clock. Byte equality is promised for one version of the desk's
//! logic: a run of another version is replayed as far as it is equal, and what differs is explained
//! and nobody's fault. Snapshots of the desk are worked out again
//! on the way: what a start could have gone on from must be what the record gives. Called by `xmc
//! replay --verify`, the simulator and the tests. Whether the record itself was tampered with is
//! `audit`'s question.

use super::memory::DeskSize;
use super::shadow::{Difference, Shadow, ShadowMemory};
use crate::journal::snapshot::{self, Snapshot, SnapshotPath};
use std::path::PathBuf;
use xmc_hotpath::message::{Detail, Gate};
use xmc_hotpath::record::frame::{
    self, Body, FrameError, Header, Image, Images, Kind, LOGIC_VERSION, Start,
};

/// What a replay found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Runs of the desk: a journal may hold several, one after the other.
    pub runs: u64,
    /// Inputs fed to a fresh desk.
    pub inputs: u64,
    /// Outputs compared and found equal.
    pub outputs: u64,
    /// Orders among them.
    pub orders: u64,
    /// Decisions among them.
    pub decisions: u64,
    /// Decisions that fired.
    pub fires: u64,
    /// Alerts among them.
    pub alerts: u64,
    /// Details of the last input of a run that ended before they were written. Orders never are
    /// among them: they are written together with their input.
    pub unwritten: u64,
    /// The first difference, if there is one.
    pub difference: Option<Difference>,
    /// Snapshots that are the state that the record gives.
    pub snapshots: u64,
    /// Those that do not read as one: nobody goes on from them.
    pub unreadable_snapshots: u64,
    /// Runs that were made by another version of the logic.
    pub other_logic: Vec<OtherLogic>,
    /// Those that are another state: whoever goes on from one goes on from what never was.
    pub wrong_snapshots: Vec<PathBuf>,
}

impl Replayed {
    /// Whether everything is as the record says.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        let is_equal = |run: &OtherLogic| run.difference.is_none();
        self.difference.is_none()
            && self.wrong_snapshots.is_empty()
            && self.other_logic.iter().all(is_equal)
    }
}

/// A run that another version of the logic made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherLogic {
    /// The run.
    pub run: u16,
    /// The version.
    pub logic_version: u16,
    /// Where this program's logic decides otherwise first; what follows from there is another
    /// story, and was not compared.
    pub difference: Option<Difference>,
}

/// Why a record cannot be replayed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReplayError {
    /// Bytes that are no record.
    #[error(
        "record after input {after}: {fault:?}: run `xmc audit verify` to see where the damage is"
    )]
    Damaged {
        /// The last input that was read.
        after: u64,
        /// What is wrong.
        fault: FrameError,
    },
    /// Something comes before the first start.
    #[error("the record begins with input {0} and not with a start: give the journal's first file")]
    NoStart(u64),
    /// More rows than a desk can have: the start is damaged.
    #[error("the start names arenas of {0:?} rows: the record is damaged")]
    Arenas([u32; 3]),
}

/// Rows that no arena of a real record exceeds.
pub const MAX_ARENA_ROWS: u32 = 1 << 20;

/// Replays blocks of whole records, in order, with the snapshots that lie beside them, in the same
/// order.
///
/// # Errors
/// See `ReplayError`. A difference is not an error but a finding: see `Replayed`.
pub fn verify<'b>(
    blocks: impl IntoIterator<Item = &'b [u8]>,
    snapshots: &[SnapshotPath],
) -> Result<Replayed, ReplayError> {
    let mut found = Replayed::default();
    let mut marks = Marks { paths: snapshots.iter(), next: None, state: Vec::new() };
    marks.step(&mut found);
    let mut records = Records { blocks: blocks.into_iter(), rest: &[], after: 0 };
    let mut next = records.next()?;
    while let Some((header, body, _)) = next {
        let start = read_start(header, body)?;
        found.runs += 1;
        next = run(&start, &mut records, &mut marks, &mut found)?;
        if found.difference.is_some() {
            break;
        }
    }
    Ok(found)
}

/// One record and its bytes: header, body, the whole.
type Record<'b> = (Header, &'b [u8], &'b [u8]);

/// Records out of blocks.
struct Records<'b, B> {
    blocks: B,
    rest: &'b [u8],
    after: u64,
}

impl<'b, B: Iterator<Item = &'b [u8]>> Records<'b, B> {
    fn next(&mut self) -> Result<Option<Record<'b>>, ReplayError> {
        while self.rest.is_empty() {
            match self.blocks.next() {
                Some(block) => self.rest = block,
                None => return Ok(None),
            }
        }
        let (header, body, rest) = frame::split(self.rest).map_err(|fault| self.damaged(fault))?;
        let whole = &self.rest[..usize::from(header.len)];
        self.rest = rest;
        self.after = header.seq_no;
        Ok(Some((header, body, whole)))
    }

    /// The run of `start` differs from here on. If this is the logic that made it, that is what was
    /// looked for; else the next run is.
    fn differs(
        &mut self,
        start: &Start,
        difference: Option<Difference>,
        found: &mut Replayed,
    ) -> Result<Option<Record<'b>>, ReplayError> {
        match found.other_logic.last_mut().filter(|run| run.run == start.identity.run) {
            None => {
                found.difference = difference;
                Ok(None)
            }
            Some(run) => {
                run.difference = difference;
                loop {
                    match self.next()? {
                        Some((header, ..)) if header.kind != Kind::Start => {}
                        end => return Ok(end),
                    }
                }
            }
        }
    }

    fn damaged(&self, fault: FrameError) -> ReplayError {
        ReplayError::Damaged { after: self.after, fault }
    }
}

pub(super) fn read_start(header: Header, body: &[u8]) -> Result<Start, ReplayError> {
    if header.kind != Kind::Start {
        return Err(ReplayError::NoStart(header.seq_no));
    }
    let mut no_images: [Image; 0] = [];
    let decoded = frame::decode(header, body, &mut Images::new(&mut no_images));
    let Ok(Body::Start(start)) = decoded else {
        return Err(ReplayError::Damaged { after: 0, fault: FrameError::BadBody });
    };
    if start.arenas.iter().any(|rows| *rows > MAX_ARENA_ROWS) {
        return Err(ReplayError::Arenas(start.arenas));
    }
    Ok(start)
}

/// Snapshots that the replay has still to come to.
struct Marks<'s> {
    paths: std::slice::Iter<'s, SnapshotPath>,
    next: Option<(Snapshot, PathBuf)>,
    state: Vec<u8>,
}

impl Marks<'_> {
    /// On to the next one that can be read.
    fn step(&mut self, found: &mut Replayed) {
        self.next = None;
        for place in self.paths.by_ref() {
            match snapshot::read(&place.path) {
                // What another logic thought cannot be worked out here.
                Ok(snapshot) if !snapshot.is_of_this_logic() => {}
                Ok(snapshot) => {
                    self.next = Some((snapshot, place.path.clone()));
                    return;
                }
                Err(_) => found.unreadable_snapshots += 1,
            }
        }
    }

    /// Compares what was taken of `shadow` behind input `seq_no`, before anything else comes.
    fn compare(&mut self, seq_no: u64, shadow: &Shadow<'_>, found: &mut Replayed) {
        let run = shadow.identity().run;
        while let Some((snapshot, path)) = &self.next {
            let place = (snapshot.identity.run, snapshot.last_seq_no);
            if place > (run, seq_no) {
                return;
            }
            let is_here = place == (run, seq_no) && snapshot.identity == shadow.identity();
            if is_here && shadow.save(&mut self.state) && self.state == snapshot.state {
                found.snapshots += 1;
            } else {
                found.wrong_snapshots.push(path.clone());
            }
            self.step(found);
        }
    }
}

/// Replays one run; returns the start of the next one, if there is one.
fn run<'b, B: Iterator<Item = &'b [u8]>>(
    start: &Start,
    records: &mut Records<'b, B>,
    marks: &mut Marks<'_>,
    found: &mut Replayed,
) -> Result<Option<Record<'b>>, ReplayError> {
    if start.logic_version != LOGIC_VERSION {
        let (run, logic_version) = (start.identity.run, start.logic_version);
        found.other_logic.push(OtherLogic { run, logic_version, difference: None });
    }
    let mut memory = ShadowMemory::new(DeskSize::of_arenas(start.arenas));
    let mut shadow = Shadow::new(start.identity, &mut memory);
    let mut last_seq_no = 0;
    while let Some(record) = records.next()? {
        let (header, body, whole) = record;
        if header.kind == Kind::Start || header.kind.is_input() {
            marks.compare(last_seq_no, &shadow, found);
            last_seq_no = header.seq_no;
        }
        if header.kind == Kind::Start {
            end(&mut shadow, start, found);
            return Ok(Some(record));
        }
        let (body, difference) =
            shadow.take(header, body, whole).map_err(|fault| records.damaged(fault))?;
        if difference.is_some() {
            return records.differs(start, difference, found);
        }
        match body {
            Body::Input(_) => found.inputs += 1,
            Body::Order(_) => {
                found.outputs += 1;
                found.orders += 1;
            }
            Body::Detail(detail) => {
                found.outputs += 1;
                count(&detail, found);
            }
            Body::Start(_) => {}
        }
    }
    marks.compare(last_seq_no, &shadow, found);
    end(&mut shadow, start, found);
    Ok(None)
}

/// The run is over: details of its last input may not have been written any more.
fn end(shadow: &mut Shadow<'_>, start: &Start, found: &mut Replayed) {
    let difference = shadow.unwritten_order();
    match found.other_logic.last_mut().filter(|run| run.run == start.identity.run) {
        Some(run) => run.difference = difference,
        None => found.difference = difference,
    }
    found.unwritten += shadow.unwritten() as u64;
}

fn count(detail: &Detail, found: &mut Replayed) {
    match detail {
        Detail::Decision(decision) => {
            found.decisions += 1;
            found.fires += u64::from(decision.gate == Gate::Passed);
        }
        Detail::Alert(_) => found.alerts += 1,
        Detail::State(_)
        | Detail::Ending(_)
        | Detail::Repair(_)
        | Detail::Follow(_)
        | Detail::Internal(_)
        | Detail::Ruling(_) => {}
    }
}
