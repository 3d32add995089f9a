//! Verify: whether a journal is what was written, whole and in order, and if not, where it first
//! is not.
//!
//! It checks every byte: headers, hashes, the chain over blocks and segments, and every record.
//! What it cannot know without a witness elsewhere is whether whole segments were taken off the
//! end, or everything written anew: signed checkpoints, as `evidence`, tell that for every record
//! up to the last one. What nobody elsewhere has seen it counts. Nor can it know that the last
//! outputs of an input were never written, because how many there are is written nowhere.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use serde::Serialize;
use xmc_hotpath::record::frame;

use super::against::{Against, Witnessed};
use super::evidence::Evidence;
use super::place::{At, hex};
use super::records::{Follower, Is, Wrong};
use super::unreadable::CouldNotRun;
use crate::journal::reader::{self, Block, Blocks, Damage, End, Fault, Leaves};
use crate::journal::segment::{BlockHeader, Hash, Left, SealReason, SegmentHeader};
use crate::journal::{Place, disk, keep};

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Segments.
    pub segments: u64,
    /// Blocks of records.
    pub blocks: u64,
    /// Records.
    pub records: u64,
    /// Of them inputs.
    pub inputs: u64,
    /// Of them orders.
    pub orders: u64,
    /// Of them details.
    pub details: u64,
    /// Bytes of all segments.
    pub bytes: u64,
}

/// The first thing that is wrong. What is before it is as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// In which file.
    pub file: PathBuf,
    /// Where in it.
    pub offset: u64,
    /// The sequence number there, or, of a damaged block, the last one before.
    pub seq_no: Option<u64>,
    /// Which rule is broken.
    pub rule: &'static str,
    /// In words.
    pub text: String,
    /// The hash that is written there, in hexadecimal.
    pub written_hash: Option<String>,
    /// The hash that should be.
    pub expected_hash: Option<String>,
    /// Blocks behind it in the same file that are whole in themselves.
    pub whole_blocks_after: u64,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, offset, rule, text, .. } = self;
        write!(f, "{} at byte {offset}: {rule}: {text}", file.display())
    }
}

/// Something that is in order, but that a reader should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// About which file.
    pub file: PathBuf,
    /// A word for it.
    pub what: &'static str,
    /// In words.
    pub text: String,
}

/// One run of the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// The site.
    pub site: u8,
    /// The desk.
    pub desk: u8,
    /// Its number.
    pub run: u16,
    /// The last sequence number.
    pub last_seq_no: u64,
    /// Index of the last record there.
    pub last_index: u16,
    /// The run ends with orders whose details are missing: the process died between the two.
    pub tail_without_details: bool,
}

/// What verifying a journal came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What was looked at, up to the finding.
    pub counts: Counts,
    /// The runs of the desk.
    pub runs: Vec<Run>,
    /// The hash of the last good block.
    pub last_hash: String,
    /// Records of the tree up to there: over all runs, with those before the first segment.
    pub tree_size: u64,
    /// The tree's root over them: what a witness would keep.
    pub tree_root: String,
    /// Whether the last segment is sealed.
    pub is_sealed: bool,
    /// What witnesses say; `None` if none was asked.
    pub witness: Option<Witnessed>,
    /// What should be known.
    pub notes: Vec<Note>,
    /// What is wrong; `None` if nothing is.
    pub finding: Option<Finding>,
}

/// Verifies the journal in the directory `path`, or the one segment.
///
/// # Errors
/// `CouldNotRun` if there is nothing to look at. What is wrong with it is in the report.
pub fn verify(path: &Path) -> Result<Report, CouldNotRun> {
    verify_against(path, None)
}

/// Verifies a journal, and what witnesses kept of it.
///
/// # Errors
/// As for `verify`.
pub fn verify_against(path: &Path, evidence: Option<&Evidence>) -> Result<Report, CouldNotRun> {
    let io_error = |path: &Path| {
        let path = path.to_owned();
        move |source| CouldNotRun::Io { path, source }
    };
    let metadata = fs::metadata(path).map_err(io_error(path))?;
    let mut files = Vec::new();
    if metadata.is_dir() {
        for segment in disk::segments(path).map_err(io_error(path))? {
            files.push((Some(segment.number), segment.path));
        }
        if files.is_empty() {
            return Err(CouldNotRun::NoSegments { path: path.to_owned() });
        }
    } else {
        files.push((None, path.to_owned()));
    }
    let mut verifier = Verifier::new(evidence);
    if metadata.is_dir() {
        verifier.manifest = keep::manifest(path).map_err(io_error(path))?;
    }
    std::thread::scope(|scope| {
        // Reading and hashing go on ahead. It ends with the receiver, whatever ends this.
        let (send, loaded) = mpsc::sync_channel(0);
        scope.spawn(move || {
            let _ = files.into_iter().map(load).try_for_each(|loaded| send.send(loaded));
        });
        let next = || loaded.recv().ok().transpose();
        let mut coming = next()?;
        while let Some((number, file, found)) = coming.take() {
            // The next one may say where this one ends.
            coming = next()?;
            let after = coming.as_ref().and_then(|(_, _, after)| after.as_ref().ok());
            let until = after.and_then(|(bytes, _)| end_of_failed(bytes));
            let goes_on = match found {
                Ok((bytes, leaves)) => {
                    verifier.segment(number, &file, &bytes, Some(&leaves), until)
                }
                Err(error) => verifier.packed_damage(&file, &error),
            };
            if !goes_on {
                break;
            }
        }
        Ok(())
    })?;
    Ok(verifier.conclude())
}

/// A segment's number and file, and its bytes, or why it cannot be unpacked.
type Loaded = (Option<u64>, PathBuf, io::Result<(Vec<u8>, Leaves)>);

fn load((number, file): (Option<u64>, PathBuf)) -> Result<Loaded, CouldNotRun> {
    match disk::load(&file) {
        Ok(bytes) if let Some(fault) = not_ours(number, &bytes) => {
            Err(CouldNotRun::NotOurs { path: file, fault })
        }
        Ok(bytes) => {
            let leaves = Leaves::of(&bytes);
            Ok((number, file, Ok((bytes, leaves))))
        }
        // A packed segment that was changed is a finding, as any other.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok((number, file, Err(error))),
        Err(source) => Err(CouldNotRun::Io { path: file, source }),
    }
}

/// Why a file is not for this build to judge: it is of another version, or, if it was named alone,
/// no segment at all. In a journal's directory that is a finding.
fn not_ours(number: Option<u64>, bytes: &[u8]) -> Option<Fault> {
    match reader::header(bytes).err()?.fault {
        fault @ Fault::Format(_) => Some(fault),
        fault @ Fault::NotASegment if number.is_none() => Some(fault),
        _ => None,
    }
}

/// Where the segment before the one in `next` ends, if that says that its disk failed.
fn end_of_failed(next: &[u8]) -> Option<u64> {
    reader::end_of_failed(&reader::header(next).ok()?)
}

/// Verifies segments that lie in memory, each with its number: the simulator's disk.
pub fn verify_segments<'a>(segments: impl IntoIterator<Item = (u64, &'a [u8])>) -> Report {
    verify_segments_against(segments, None)
}

/// Verifies segments that lie in memory, and what witnesses kept of them.
pub fn verify_segments_against<'a>(
    segments: impl IntoIterator<Item = (u64, &'a [u8])>,
    evidence: Option<&Evidence>,
) -> Report {
    let mut verifier = Verifier::new(evidence);
    let mut segments = segments.into_iter().peekable();
    while let Some((number, bytes)) = segments.next() {
        let name = disk::segment_name(number);
        let until = segments.peek().and_then(|(_, next)| end_of_failed(next));
        if !verifier.segment(Some(number), Path::new(&name), bytes, None, until) {
            break;
        }
    }
    verifier.conclude()
}

/// A segment that was read, as the next one must describe it.
struct Before {
    file: PathBuf,
    number: u64,
    left: Left,
    good_bytes: u64,
    hash: Hash,
    /// The tree's size and root.
    tree: Option<(u64, Hash)>,
    /// What ended it before its time.
    finding: Option<Finding>,
}

#[derive(Default)]
struct Verifier<'e> {
    report: Report,
    follower: Option<Follower>,
    before: Option<Before>,
    against: Option<Against<'e>>,
    flaw: Option<Finding>,
    /// What the journal's keeper wrote of its segments.
    manifest: Vec<keep::Line>,
}

impl<'e> Verifier<'e> {
    fn new(evidence: Option<&'e Evidence>) -> Self {
        let flaw = evidence.and_then(|evidence| evidence.flaw.as_ref()).map(|flaw| Finding {
            file: flaw.file.clone(),
            offset: 0,
            seq_no: None,
            rule: flaw.rule,
            text: format!("line {}: {}", flaw.line, flaw.text),
            written_hash: None,
            expected_hash: None,
            whole_blocks_after: 0,
        });
        Self { against: evidence.map(Against::new), flaw, ..Self::default() }
    }

    /// Looks at one segment. Returns whether to go on.
    fn segment(
        &mut self,
        number: Option<u64>,
        file: &Path,
        bytes: &[u8],
        leaves: Option<&Leaves>,
        until: Option<u64>,
    ) -> bool {
        self.report.counts.segments += 1;
        self.report.counts.bytes += bytes.len() as u64;
        match self.read_segment(number, file, bytes, leaves, until) {
            Ok(()) => true,
            Err(finding) => {
                self.report.finding = Some(*finding);
                false
            }
        }
    }

    /// The first segment there is is not the journal's first: the manifest may say why.
    fn starts_later(&mut self, place: &At<'_>, header: &SegmentHeader) -> Result<(), Box<Finding>> {
        let number = header.number.get();
        let missing = self.manifest.iter().find(|line| line.segment < number && !line.is_removed());
        if let Some(line) = missing {
            let text = format!("segment {} is missing, and its time was not over", line.segment);
            return Err(place.finding(0, "segment_missing", text));
        }
        let Some(line) = self.manifest.iter().find(|line| line.segment + 1 == number) else {
            let text = format!("the journal is looked at from segment {number} on");
            self.note(place.file, "starts_later", text);
            return Ok(());
        };
        let said = (line.tree_size, line.tree_root.as_str(), line.last_hash.as_str());
        let (root, hash) = (hex(&header.tree_root), hex(&header.previous_hash));
        if said != (header.tree_size.get(), &root, &hash) {
            let text = format!(
                "the segment does not follow segment {}, which was removed: the manifest says \
                 another tree or hash",
                line.segment
            );
            return Err(place.finding(0, "segment_tree", text));
        }
        let text = format!(
            "segments up to {} were removed when their time was over, with {} records",
            line.segment, line.tree_size
        );
        self.note(place.file, "removed", text);
        Ok(())
    }

    /// A packed segment cannot be unpacked.
    fn packed_damage(&mut self, file: &Path, error: &io::Error) -> bool {
        let at = At { file, bytes: &[], last: self.last() };
        let text = format!("the packed segment was changed: {error}");
        self.report.finding = Some(*at.finding(0, "packed", text));
        false
    }

    fn read_segment(
        &mut self,
        number: Option<u64>,
        file: &Path,
        bytes: &[u8],
        leaves: Option<&Leaves>,
        until: Option<u64>,
    ) -> Result<(), Box<Finding>> {
        let mut place = At { file, bytes, last: self.last() };
        let header = reader::header(bytes).map_err(|damage| place.damage(damage))?;
        if number.is_some_and(|number| number != header.number.get()) {
            let fault = Fault::Header("number, other than its name's,");
            return Err(place.damage(Damage { offset: 0, fault }));
        }
        self.follow_on(&place, &header)?;
        let mut blocks = Blocks::new(bytes, &header).until(until).with_leaves(leaves);
        let (left, finding) = loop {
            match blocks.next_block() {
                Ok(Ok(block)) => {
                    self.block(&mut place, &block)?;
                    if let (Some(against), Some(tree)) = (&mut self.against, blocks.tree()) {
                        let found = against.block(&block, tree);
                        found.map_err(|found| place.differs(block.offset, found))?;
                    }
                    self.report.last_hash = hex(&block.hash);
                }
                Ok(Err(End::Sealed(seal))) => {
                    self.note_seal(file, SealReason::from_code(seal.reason));
                    break (Left::Sealed, None);
                }
                Ok(Err(End::Open)) if until.is_some() => {
                    self.note_failed(file, blocks.good_bytes());
                    break (Left::Failed, None);
                }
                Ok(Err(End::Open)) => break (Left::Open, None),
                // The next segment may declare it a torn tail.
                Err(damage) => break (Left::Torn, Some(*place.damage(damage))),
            }
        };
        self.report.is_sealed = left == Left::Sealed;
        self.report.last_hash = hex(&blocks.hash());
        if let Some(tree) = blocks.tree() {
            (self.report.tree_size, self.report.tree_root) = (tree.size(), hex(&tree.root()));
        }
        self.before = Some(Before {
            file: file.to_owned(),
            number: header.number.get(),
            left,
            good_bytes: blocks.good_bytes(),
            hash: blocks.hash(),
            tree: blocks.tree().map(|tree| (tree.size(), tree.root())),
            finding,
        });
        Ok(())
    }

    /// Checks that a segment follows the one before it, and its run the run before.
    fn follow_on(&mut self, place: &At<'_>, header: &SegmentHeader) -> Result<(), Box<Finding>> {
        let wrong = |rule, text: String| Err(place.finding(0, rule, text));
        let identity = header.identity();
        let number = header.number.get();
        if let Some(before) = self.before.take() {
            let previous = header.previous().unwrap_or_default();
            let is_described = (before.number, before.good_bytes, before.hash, before.left)
                == (previous.number, previous.bytes, previous.hash, previous.left);
            match before.finding {
                Some(finding) if !is_described => return Err(Box::new(finding)),
                Some(finding) => {
                    let text = format!("declared by the next segment: {}", finding.text);
                    self.note(&before.file, "torn_tail", text);
                }
                None => {}
            }
            if number != before.number + 1 {
                let text = format!("segment {} is missing", before.number + 1);
                return wrong("segment_missing", text);
            }
            if !is_described {
                let text = format!(
                    "the segment does not follow segment {}: that has {} bytes and is {:?}, this \
                     says {} and {:?}, or the hash differs",
                    before.number, before.good_bytes, before.left, previous.bytes, previous.left
                );
                let mut finding = place.finding(0, "segment_chain", text);
                finding.written_hash = Some(hex(&previous.hash));
                finding.expected_hash = Some(hex(&before.hash));
                return Err(finding);
            }
            let (size, root) = (header.tree_size.get(), header.tree_root);
            if let Some((expected_size, expected_root)) = before.tree
                && (size, root) != (expected_size, expected_root)
            {
                let text = format!(
                    "the segment's tree starts with {size} records, segment {} ends with \
                     {expected_size}, or the root differs",
                    before.number
                );
                let mut finding = place.finding(0, "segment_tree", text);
                finding.written_hash = Some(hex(&root));
                finding.expected_hash = Some(hex(&expected_root));
                return Err(finding);
            }
        } else if (number, header.tree_size.get()) == (1, 0) {
            // The journal starts here.
        } else if number == 1 {
            let text = format!("the first segment starts with {} records", header.tree_size.get());
            return wrong("segment_tree", text);
        } else {
            self.starts_later(place, header)?;
        }
        let is_whole = match &self.follower {
            Some(follower) if follower.identity() == identity => return Ok(()),
            Some(follower) => {
                let last = follower.identity();
                if (last.site, last.desk) != (identity.site, identity.desk)
                    || last.run >= identity.run
                {
                    let text = format!(
                        "the segment is of site {}, desk {}, run {}, the one before of site {}, \
                         desk {}, run {}",
                        identity.site.0,
                        identity.desk.0,
                        identity.run,
                        last.site.0,
                        last.desk.0,
                        last.run
                    );
                    return wrong("run", text);
                }
                true
            }
            None => number == 1,
        };
        self.end_run();
        self.follower = Some(Follower::new(identity, is_whole));
        Ok(())
    }

    fn block(&mut self, place: &mut At<'_>, block: &Block<'_>) -> Result<(), Box<Finding>> {
        let Some(follower) = &mut self.follower else {
            return Ok(());
        };
        let payload_at = block.offset + size_of::<BlockHeader>() as u64;
        let (mut rest, mut count, mut first) = (block.payload, 0_u32, None);
        while !rest.is_empty() {
            let offset = payload_at + (block.payload.len() - rest.len()) as u64;
            let (header, body, behind) = frame::split(rest)
                .map_err(|error| place.wrong(offset, None, Wrong::Frame(error)))?;
            let is = follower
                .take(header, body)
                .map_err(|wrong| place.wrong(offset, Some(header.seq_no), wrong))?;
            let counts = &mut self.report.counts;
            counts.records += 1;
            match is {
                Is::Input => counts.inputs += 1,
                Is::Order => counts.orders += 1,
                Is::Detail => counts.details += 1,
                Is::Start => {}
            }
            first = first.or(Some(header.seq_no));
            place.last = Some((header.seq_no, header.index));
            count += 1;
            rest = behind;
        }
        self.report.counts.blocks += 1;
        let said = (
            block.header.record_count.get(),
            Some(block.header.first_seq_no.get()),
            Some(block.header.last_seq_no.get()),
        );
        let found = (count, first, place.last.map(|(seq_no, _)| seq_no));
        if said != found || count == 0 {
            let text = format!("the block's header says {said:?}, its records are {found:?}");
            return Err(place.finding(block.offset, "block_header", text));
        }
        Ok(())
    }

    fn last(&self) -> Option<Place> {
        self.follower.as_ref().and_then(Follower::last)
    }

    fn note(&mut self, file: &Path, what: &'static str, text: String) {
        self.report.notes.push(Note { file: file.to_owned(), what, text });
    }

    fn note_failed(&mut self, file: &Path, good_bytes: u64) {
        let text = format!(
            "its disk failed: what is behind byte {good_bytes} does not count, and is in the next \
             segment again"
        );
        self.note(file, "disk_failed", text);
    }

    fn note_seal(&mut self, file: &Path, reason: Option<SealReason>) {
        if reason == Some(SealReason::Recovered) {
            let text = "completed from the record ring after its process had died".to_owned();
            self.note(file, "recovered", text);
        }
    }

    fn end_run(&mut self) {
        let Some(follower) = self.follower.take() else {
            return;
        };
        let identity = follower.identity();
        let (last_seq_no, last_index) = follower.last().unwrap_or_default();
        self.report.runs.push(Run {
            site: identity.site.0,
            desk: identity.desk.0,
            run: identity.run,
            last_seq_no,
            last_index,
            tail_without_details: follower.ends_without_details(),
        });
    }

    /// What witnesses say when the journal ends. What is wrong with the journal itself, or with
    /// what they kept, comes first.
    fn end_witnessed(&mut self) {
        let Some(against) = self.against.take() else {
            return;
        };
        if self.report.finding.is_none() {
            self.report.finding = self.flaw.take();
        }
        if self.report.finding.is_none()
            && let Err(found) = against.end()
        {
            let file = self.before.as_ref().map(|before| before.file.clone()).unwrap_or_default();
            let bytes = self.before.as_ref().map_or(0, |before| before.good_bytes);
            let at = At { file: &file, bytes: &[], last: self.last() };
            self.report.finding = Some(*at.differs(bytes, found));
        }
        self.report.witness = Some(against.witnessed());
    }

    fn conclude(mut self) -> Report {
        self.end_witnessed();
        self.end_run();
        if let Some(before) = self.before.take() {
            match before.finding {
                // A torn tail explains nothing that a witness has seen.
                Some(finding) => {
                    self.report.finding.get_or_insert(finding);
                }
                None if before.left == Left::Open => {
                    let text = "still being written, or its writer died; what came last can be \
                                proved whole by a checkpoint only"
                        .to_owned();
                    self.note(&before.file, "open", text);
                }
                None => {}
            }
        }
        self.report
    }
}
