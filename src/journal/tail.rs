//! Follows a journal while it is written: for screens, metrics and whoever else looks on.
//!
//! It only reads files, so it costs the writer nothing and may live in another process. What is not
//! whole yet is simply not there yet; blocks are checked as they come, chain included. A segment
//! that its writer left open is left when the next one comes; records that a failing disk was given
//! and another one again are told once. Damage is `audit`'s to explain: here it looks like a
//! journal that does not go on.
//!
//! A disk that refuses to make a segment may leave one of that name behind, with nothing in it: as
//! soon as the second directory has the segment, that is the one that is read.

use super::disk::{self, Source};
use super::reader::{self, Fault};
use super::segment::{
    BLOCK_OVERHEAD, BlockHeader, ChainHash, HEADER_LEN, Hash, KIND_RECORDS, KIND_SEAL, Left,
    MAX_PAYLOAD, SegmentHeader,
};
use super::writer::Durable;
use std::io;
use std::path::{Path, PathBuf};
use xmc_hotpath::record::frame;

/// Where a reader is in a journal that grows.
#[derive(Debug)]
pub struct Tail {
    directory: PathBuf,
    /// The segment that is read, or waited for.
    number: u64,
    open: Option<Open>,
    block: Vec<u8>,
    /// How far it has read.
    end: Durable,
}

#[derive(Debug)]
struct Open {
    path: PathBuf,
    segment: Source,
    /// How far was read before it.
    before: Durable,
    offset: u64,
    hash: Hash,
    chain_hash: ChainHash,
    /// Blocks read: the first holds the tree's peaks, and came with the segment.
    blocks: u64,
}

impl Tail {
    /// Reads the journal in `directory` from segment `number` on, which need not be there yet.
    #[must_use]
    pub fn new(directory: &Path, number: u64) -> Self {
        let end = Durable::default();
        Self { directory: directory.to_owned(), number, open: None, block: Vec::new(), end }
    }

    /// Where the journal lies.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// How far it has read: the tree's size and root there, and the chain's hash. It is what was
    /// written; `sync` makes it safe.
    #[must_use]
    pub fn end(&self) -> &Durable {
        &self.end
    }

    /// Waits until what was read of the segment is safe from power loss.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn sync(&self) -> io::Result<()> {
        self.open.as_ref().map_or(Ok(()), |open| open.segment.sync())
    }

    /// The whole records of the next block; `None` if there is none yet.
    ///
    /// # Errors
    /// Whatever the file system says; `InvalidData` if the journal does not hang together.
    pub fn next_block(&mut self) -> io::Result<Option<&[u8]>> {
        loop {
            if self.open.is_none() {
                self.open = self.open_segment()?;
            }
            let Some(open) = &mut self.open else { return Ok(None) };
            let read = open.read(&mut self.block)?;
            let header = match read {
                Some(header) => header,
                None if self.is_stray()? => continue,
                // A writer that died left it so if the next segment is there; it may just have
                // been sealed too.
                None if disk::find(&self.directory, self.number + 1)?.is_some() => {
                    match self.open.as_mut().and_then(|open| open.read(&mut self.block).transpose())
                    {
                        Some(header) => header?,
                        None => {
                            self.leave();
                            continue;
                        }
                    }
                }
                None => return Ok(None),
            };
            if let Some(open) = &self.open {
                (self.end.bytes, self.end.hash) = (open.offset, open.hash);
            }
            if header.kind == KIND_SEAL {
                self.leave();
            } else if header.kind == KIND_RECORDS && header.tree_size.get() > self.end.tree_size {
                let count = header.tree_size.get() - self.end.tree_size;
                self.end.tree_size = header.tree_size.get();
                self.end.root = header.tree_root;
                let payload = size_of::<BlockHeader>()..self.block.len() - size_of::<Hash>();
                let records = self.block.get(payload).unwrap_or_default();
                let known = u64::from(header.record_count.get()).saturating_sub(count);
                return Ok(Some(without_first(records, known)));
            }
        }
    }

    /// Whether another file is the segment by now: then it is as if this one had never been read.
    fn is_stray(&mut self) -> io::Result<bool> {
        let Some(open) = self.open.take_if(|open| open.is_empty()) else { return Ok(false) };
        let found = disk::find(&self.directory, self.number)?;
        if found.is_none_or(|path| path == open.path) {
            self.open = Some(open);
            return Ok(false);
        }
        self.end = open.before;
        Ok(true)
    }

    fn leave(&mut self) {
        self.open = None;
        self.number += 1;
    }

    /// The segment, if it has come. It appears whole: see `disk`.
    fn open_segment(&mut self) -> io::Result<Option<Open>> {
        let Some(path) = disk::find(&self.directory, self.number)? else {
            return Ok(None);
        };
        let segment = Source::open(&path)?;
        let mut bytes = [0; HEADER_LEN];
        segment.read_exact_at(&mut bytes, 0)?;
        let header = reader::header(&bytes).map_err(invalid)?;
        let before = self.end;
        if self.end.segment == 0 {
            self.end.tree_size = header.tree_size.get();
            self.end.root = header.tree_root;
        } else {
            self.follow_on(&header)?;
        }
        let (offset, hash) = (HEADER_LEN as u64, header.hash);
        (self.end.segment, self.end.bytes, self.end.hash) = (self.number, offset, hash);
        let chain_hash = header.chain_hash().unwrap_or(ChainHash::Sha256);
        Ok(Some(Open { path, segment, before, offset, hash, chain_hash, blocks: 0 }))
    }

    /// Whether a segment follows what was read of the one before.
    fn follow_on(&self, header: &SegmentHeader) -> io::Result<()> {
        let previous = header.previous().unwrap_or_default();
        let follows = match previous.left {
            Left::Failed => previous.bytes <= self.end.bytes,
            _ => (previous.bytes, previous.hash) == (self.end.bytes, self.end.hash),
        };
        if follows && header.tree_size.get() <= self.end.tree_size {
            return Ok(());
        }
        Err(invalid(Fault::Chain { written: previous.hash, before: self.end.hash }))
    }
}

fn invalid(why: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// Records without the first `count` of them.
fn without_first(records: &[u8], count: u64) -> &[u8] {
    let mut rest = records;
    for _ in 0..count {
        rest = frame::split_len(rest).map_or(&[][..], |(_, behind)| behind);
    }
    rest
}

impl Open {
    /// Whether nothing was written to it, as far as was read.
    fn is_empty(&self) -> bool {
        self.blocks <= 1
    }

    /// Reads the block at `offset` into `block` and steps over it; its header, or `None` if it is
    /// not whole, which is how a block looks while it is being written.
    fn read(&mut self, block: &mut Vec<u8>) -> io::Result<Option<BlockHeader>> {
        block.resize(size_of::<BlockHeader>(), 0);
        if !fill(&self.segment, block, self.offset)? {
            return Ok(None);
        }
        // This may be half a header: no more than a length is taken from it.
        let half: BlockHeader = bytemuck::pod_read_unaligned(block);
        let payload_bytes = half.payload_bytes.get() as usize;
        if payload_bytes > MAX_PAYLOAD {
            return Ok(None);
        }
        block.resize(BLOCK_OVERHEAD + payload_bytes, 0);
        if !fill(&self.segment, block, self.offset)? {
            return Ok(None);
        }
        match reader::whole_block(self.chain_hash, block, self.offset) {
            Ok(found) if found.header.previous_hash == self.hash => {
                let header = found.header;
                self.hash = found.hash;
                self.offset += block.len() as u64;
                self.blocks += 1;
                Ok(Some(header))
            }
            Ok(found) => {
                let written = found.header.previous_hash;
                Err(invalid(Fault::Chain { written, before: self.hash }))
            }
            Err(_) => Ok(None),
        }
    }
}

/// Whether all of `bytes` were there to be read.
fn fill(segment: &Source, bytes: &mut [u8], offset: u64) -> io::Result<bool> {
    match segment.read_exact_at(bytes, offset) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
