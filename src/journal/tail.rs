//! Follows a journal while it is written: for screens, metrics and whoever else looks on.
//!
//! It only reads files, so it costs the writer nothing and may live in another process. What is not
//! whole yet is simply not there yet; blocks are checked as they come, chain included. Damage is
//! `audit`'s to explain: here it looks like a journal that does not go on.

use super::disk::segment_name;
use super::reader::{self, Fault};
use super::segment::{BLOCK_OVERHEAD, BlockHeader, HEADER_LEN, Hash, KIND_SEAL, MAX_PAYLOAD};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Where a reader is in a journal that grows.
#[derive(Debug)]
pub struct Tail {
    directory: PathBuf,
    /// The segment that is read, or waited for.
    number: u64,
    open: Option<Open>,
    block: Vec<u8>,
}

#[derive(Debug)]
struct Open {
    segment: File,
    offset: u64,
    hash: Hash,
}

impl Tail {
    /// Reads the journal in `directory` from segment `number` on, which need not be there yet.
    #[must_use]
    pub fn new(directory: &Path, number: u64) -> Self {
        Self { directory: directory.to_owned(), number, open: None, block: Vec::new() }
    }

    /// Where the journal lies.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The whole records of the next block; `None` if there is none yet.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn next_block(&mut self) -> io::Result<Option<&[u8]>> {
        loop {
            if self.open.is_none() {
                self.open = self.open_segment()?;
            }
            let Some(open) = &mut self.open else { return Ok(None) };
            let Some(kind) = open.read(&mut self.block)? else { return Ok(None) };
            if kind == KIND_SEAL {
                self.open = None;
                self.number += 1;
                continue;
            }
            let payload = size_of::<BlockHeader>()..self.block.len() - size_of::<Hash>();
            return Ok(self.block.get(payload));
        }
    }

    /// The segment, if it has come. It appears whole: see `disk`.
    fn open_segment(&self) -> io::Result<Option<Open>> {
        let segment = match File::open(self.directory.join(segment_name(self.number))) {
            Ok(segment) => segment,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = [0; HEADER_LEN];
        segment.read_exact_at(&mut bytes, 0)?;
        match reader::header(&bytes) {
            Ok(header) => Ok(Some(Open { segment, offset: HEADER_LEN as u64, hash: header.hash })),
            Err(damage) => Err(io::Error::new(io::ErrorKind::InvalidData, damage)),
        }
    }
}

impl Open {
    /// Reads the block at `offset` into `block` and steps over it; its kind, or `None` if it is not
    /// whole, which is how a block looks while it is being written.
    fn read(&mut self, block: &mut Vec<u8>) -> io::Result<Option<u8>> {
        block.resize(size_of::<BlockHeader>(), 0);
        if !fill(&self.segment, block, self.offset)? {
            return Ok(None);
        }
        let header: BlockHeader = bytemuck::pod_read_unaligned(block);
        let payload_bytes = header.payload_bytes.get() as usize;
        if payload_bytes > MAX_PAYLOAD {
            return Ok(None);
        }
        block.resize(BLOCK_OVERHEAD + payload_bytes, 0);
        if !fill(&self.segment, block, self.offset)? {
            return Ok(None);
        }
        match reader::whole_block(block, self.offset) {
            Ok(found) if found.header.previous_hash == self.hash => {
                self.offset += block.len() as u64;
                self.hash = found.hash;
                Ok(Some(header.kind))
            }
            Ok(found) => {
                let written = found.header.previous_hash;
                let chain = Fault::Chain { written, before: self.hash };
                Err(io::Error::new(io::ErrorKind::InvalidData, chain))
            }
            Err(_) => Ok(None),
        }
    }
}

/// Whether all of `bytes` were there to be read.
fn fill(segment: &File, bytes: &mut [u8], offset: u64) -> io::Result<bool> {
    match segment.read_exact_at(bytes, offset) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
