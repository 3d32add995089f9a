//! One receipt, proved: the record itself, that it is in the journal, and who has seen the journal.
//!
//! The form is C2SP's `tlog-proof`, with the record as its extra bytes, so that the file needs
//! nothing beside it but the keys that are trusted: no journal, no network, not this program.

use super::base64;
use super::checkpoint::{Checkpoint, CheckpointError, decimal};
use super::evidence::{Evidence, Trust};
use super::note::{Note, NoteError};
use crate::journal::disk::{self, SegmentPath};
use crate::journal::reader::{self, Blocks};
use crate::journal::segment::Hash;
use crate::journal::tree::{Gathering, ProofError, Tree, check_inclusion, leaf_hash};
use std::fmt;
use std::io;
use std::str::FromStr;
use xmc_hotpath::record::frame::{self, Kind};

/// The first line of a proof.
const HEADING: &str = "c2sp.org/tlog-proof@v1";

/// Which record: its run, sequence number and index, or its place among all records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Leaf of the tree, from 0 on.
    Leaf(u64),
    /// By what the record says of itself.
    Place {
        /// The run; `None`: the last that has such a record.
        run: Option<u16>,
        /// The sequence number of its input.
        seq_no: u64,
        /// The input itself is 0.
        index: u16,
    },
}

/// What `Which` is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record is [RUN:]SEQUENCE[.INDEX], as in 2:1500.1, or #LEAF, counted from 0")]
pub struct NoSuchForm;

impl FromStr for Which {
    type Err = NoSuchForm;

    fn from_str(text: &str) -> Result<Self, NoSuchForm> {
        if let Some(leaf) = text.strip_prefix('#') {
            return leaf.parse().map(Self::Leaf).map_err(|_| NoSuchForm);
        }
        let (run, rest) = match text.split_once(':') {
            Some((run, rest)) => (Some(run.parse().map_err(|_| NoSuchForm)?), rest),
            None => (None, text),
        };
        let (seq_no, index) = rest.split_once('.').unwrap_or((rest, "0"));
        let seq_no = seq_no.parse().map_err(|_| NoSuchForm)?;
        Ok(Self::Place { run, seq_no, index: index.parse().map_err(|_| NoSuchForm)? })
    }
}

/// Why nothing could be proved.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The journal has no such record.
    #[error("the journal has no record {0}")]
    NoRecord(String),
    /// The record is behind what witnesses have seen.
    #[error(
        "record #{index} is not witnessed yet: the largest checkpoint has {size} records; a \
         running engine signs the next one within its interval"
    )]
    NotWitnessed {
        /// The record's leaf.
        index: u64,
        /// The largest checkpoint.
        size: u64,
    },
    /// The file system.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The journal is not what was witnessed.
    #[error("the journal is not what was witnessed ({0}): run `xmc audit verify` with the witness")]
    Differs(ProofError),
}

/// A record of a journal and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its leaf.
    pub index: u64,
    /// As it lies in the journal.
    pub record: Vec<u8>,
}

/// Finds a record among those that `walk` tells in order, of which the first is leaf `first`.
///
/// # Errors
/// Whatever `walk` says.
pub fn find(walk: impl Walk, first: u64, which: Which) -> io::Result<Option<Found>> {
    let mut found = None;
    let (mut run, mut index) = (0, first);
    walk(&mut |record| {
        let leaf = index;
        index += 1;
        let Ok((header, body, _)) = frame::split(record) else { return };
        if header.kind == Kind::Start {
            run = start_run(header, body).unwrap_or(run);
        }
        let is_it = match which {
            Which::Leaf(wanted) => wanted == leaf,
            Which::Place { run: wanted, seq_no, index } => {
                (header.seq_no, header.index) == (seq_no, index)
                    && wanted.is_none_or(|wanted| wanted == run)
            }
        };
        if is_it {
            found = Some(Found { index: leaf, record: record.to_vec() });
        }
    })?;
    Ok(found)
}

fn start_run(header: frame::Header, body: &[u8]) -> Option<u16> {
    match frame::decode(header, body, &mut frame::Images::new(&mut [])).ok()? {
        frame::Body::Start(start) => Some(start.identity.run),
        _ => None,
    }
}

/// Tells every record of a journal in order.
pub trait Walk: FnOnce(&mut dyn FnMut(&[u8])) -> io::Result<()> {}

impl<W: FnOnce(&mut dyn FnMut(&[u8])) -> io::Result<()>> Walk for W {}

/// Walks the segments `files` in order, one of them in memory besides the next, up to the first
/// damage, which is `verify`'s to explain.
///
/// # Errors
/// Whatever the file system says.
pub fn walk(files: &[SegmentPath], visit: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut files = files.iter();
    let mut loaded = files.next().map(|file| disk::load(&file.path)).transpose()?;
    while let Some(segment) = loaded {
        loaded = files.next().map(|file| disk::load(&file.path)).transpose()?;
        let next = loaded.as_deref().and_then(|next| reader::header(next).ok());
        let until = next.and_then(|next| reader::end_of_failed(&next));
        let Ok(header) = reader::header(&segment) else { return Ok(()) };
        let mut blocks = Blocks::without_tree(&segment, &header).until(until);
        while let Ok(Ok(block)) = blocks.next_block() {
            split(block.payload).for_each(&mut *visit);
        }
    }
    Ok(())
}

/// The records in the payload of a block.
pub fn split(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = payload;
    std::iter::from_fn(move || {
        let (_, _, behind) = frame::split(rest).ok()?;
        let record = rest.get(..rest.len() - behind.len())?;
        rest = behind;
        Some(record)
    })
}

/// Proves `found` against the newest checkpoint of `evidence`, with all records of the journal that
/// are still there, and the tree over those that are not.
///
/// # Errors
/// See `ProveError`.
pub fn prove(
    found: &Found,
    before: &Tree,
    walk: impl Walk,
    evidence: &Evidence,
) -> Result<Proof, ProveError> {
    let Some((checkpoint, note)) = &evidence.newest else {
        return Err(ProveError::NotWitnessed { index: found.index, size: 0 });
    };
    let (index, size, root) = (found.index, checkpoint.size, &checkpoint.root);
    let Some(gathering) = Gathering::inclusion(index, size) else {
        return Err(ProveError::NotWitnessed { index, size });
    };
    let gathering = gathering.starting_with(before);
    let mut gathering = gathering.ok_or(ProveError::Differs(ProofError::Root))?;
    let mut left = size.saturating_sub(before.size());
    walk(&mut |record| {
        if left > 0 {
            gathering.push(leaf_hash(record));
            left -= 1;
        }
    })?;
    let hashes = gathering.proof().ok_or(ProveError::Differs(ProofError::Root))?;
    check_inclusion(&leaf_hash(&found.record), index, size, root, &hashes)
        .map_err(ProveError::Differs)?;
    Ok(Proof { record: found.record.clone(), index, hashes, note: note.clone() })
}

/// A record, its place in the tree, and the signed root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// As it lies in the journal.
    pub record: Vec<u8>,
    /// Its leaf.
    pub index: u64,
    /// From the leaf up.
    pub hashes: Vec<Hash>,
    /// The checkpoint, signed.
    pub note: Note,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADING}\nextra {}", base64::encode(&self.record))?;
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", base64::encode(hash))?;
        }
        write!(f, "\n{}", self.note)
    }
}

/// Why a proof does not prove its record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotProved {
    /// It is not one.
    #[error("this is not a proof: {0}")]
    Form(&'static str),
    /// The checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The signatures.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The hashes.
    #[error(transparent)]
    Hashes(#[from] ProofError),
    /// The key that signed is another journal's.
    #[error("the checkpoint is of {origin}, and no key of that name has signed it")]
    Origin {
        /// As the checkpoint says.
        origin: String,
    },
    /// Keys of witnesses were given, and none of them has signed.
    #[error("no witness that is trusted has signed the checkpoint")]
    NoWitness,
}

/// Who says that a record is in a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Keys that signed it: names and ids.
    pub signed_by: Vec<String>,
    /// When a witness did, seconds since 1970.
    pub time_s: Option<u64>,
}

impl Proof {
    /// Reads a proof. Nothing is checked but its form.
    ///
    /// # Errors
    /// See `NotProved`.
    pub fn parse(text: &str) -> Result<Self, NotProved> {
        let wrong = NotProved::Form;
        let rest = text.strip_prefix(HEADING).and_then(|rest| rest.strip_prefix('\n'));
        let rest = rest.ok_or(wrong("it does not begin with c2sp.org/tlog-proof@v1"))?;
        let (front, note) = rest.split_once("\n\n").ok_or(wrong("it has no checkpoint"))?;
        let mut lines = front.split('\n');
        let line = |line: Option<&str>, what| {
            line.and_then(|line| line.strip_prefix(what).map(str::to_owned))
        };
        let record = line(lines.next(), "extra ").and_then(|text| base64::decode(&text));
        let record = record.ok_or(wrong("its second line is not `extra` and the record"))?;
        let index = line(lines.next(), "index ").and_then(|text| decimal(&text));
        let index = index.ok_or(wrong("its third line is not `index` and a number"))?;
        let hashes: Option<Vec<Hash>> = lines.map(base64::decode_hash).collect();
        let hashes = hashes.ok_or(wrong("one of its hashes is not 32 bytes in base 64"))?;
        Ok(Self { record, index, hashes, note: Note::parse(note)? })
    }

    /// Checks it with the keys that are trusted.
    ///
    /// # Errors
    /// See `NotProved`.
    pub fn check(&self, trust: &Trust) -> Result<Proved, NotProved> {
        let checkpoint = Checkpoint::parse(&self.note.text)?;
        let logs: Vec<_> = trust.current.iter().chain(&trust.retired).cloned().collect();
        let mut by = self.note.signed_by(&logs)?;
        if by.iter().all(|by| by.key.name() != checkpoint.origin) {
            return Err(NotProved::Origin { origin: checkpoint.origin });
        }
        if !trust.witnesses.is_empty() {
            let witnesses = self.note.signed_by(&trust.witnesses).map_err(|error| match error {
                NoteError::Untrusted { .. } => NotProved::NoWitness,
                other => other.into(),
            })?;
            by.extend(witnesses);
        }
        let Checkpoint { size, root, .. } = &checkpoint;
        check_inclusion(&leaf_hash(&self.record), self.index, *size, root, &self.hashes)?;
        let named = by.iter().map(|by| format!("{}+{:08x}", by.key.name(), by.key.id()));
        let (signed_by, time_s) = (named.collect(), by.iter().filter_map(|by| by.time_s).max());
        Ok(Proved { checkpoint, signed_by, time_s })
    }
}
