//! Reads a segment: a pure function of its bytes, for the writer's restart, verify and replay.
//!
//! It checks form and chain: magic, versions, hashes, what hangs on what. Whether the records in
//! the blocks make sense is `audit::verify`'s question.

use bytemuck::Zeroable;
use xmc_hotpath::record::frame::VERSION;

use super::segment::{
    BLOCK_MAGIC, BLOCK_OVERHEAD, BlockHeader, FORMAT, HASH_NAME, HEADER_LEN, Hash, KIND_RECORDS,
    KIND_SEAL, MAGIC, MAX_PAYLOAD, SEAL_LEN, Seal, SealReason, SegmentHeader, block_hash,
};

/// What is wrong with a segment, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {fault}")]
pub struct Damage {
    /// Where what is damaged starts: the header, or a block.
    pub offset: u64,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It does not start as one.
    #[error("this is not a segment of a journal")]
    NotASegment,
    /// The header is of another version, or says what cannot be.
    #[error("the header's {0} is not one that this build knows")]
    Header(&'static str),
    /// The header was changed.
    #[error("the header was changed: its hash does not match its bytes")]
    HeaderHash {
        /// What is written.
        written: Hash,
        /// What the bytes give.
        computed: Hash,
    },
    /// The bytes end inside a header or a block.
    #[error("the bytes end inside a block")]
    Truncated,
    /// What lies where a block should start is neither a block nor zeros to the end.
    #[error("this is neither a block nor the end")]
    NotABlock,
    /// The block was changed.
    #[error("the block was changed: its hash does not match its bytes")]
    BlockHash {
        /// What is written.
        written: Hash,
        /// What the bytes give.
        computed: Hash,
    },
    /// The block is whole, but it does not belong here.
    #[error("the block does not follow the one before: it was moved, or others were taken out")]
    Chain {
        /// The hash that the block says is before it.
        written: Hash,
        /// The hash that is before it.
        before: Hash,
    },
    /// The seal does not fit the segment.
    #[error("the seal says {said} {what}, the segment has {found}")]
    Seal {
        /// Which figure.
        what: &'static str,
        /// What it says.
        said: u64,
        /// What there is.
        found: u64,
    },
    /// An open segment has not the length that its header says.
    #[error("the segment is open but {found} bytes long instead of {said}: its end was cut off")]
    OpenLength {
        /// What the header says.
        said: u64,
        /// What there is.
        found: u64,
    },
}

impl Fault {
    /// The two hashes that should be equal: written in the segment, and what they should be.
    #[must_use]
    pub fn hashes(&self) -> Option<(Hash, Hash)> {
        match *self {
            Self::HeaderHash { written, computed } | Self::BlockHash { written, computed } => {
                Some((written, computed))
            }
            Self::Chain { written, before } => Some((written, before)),
            _ => None,
        }
    }

    /// Its word in JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotASegment => "not_a_segment",
            Self::Header(_) => "header",
            Self::HeaderHash { .. } => "header_hash",
            Self::Truncated => "truncated",
            Self::NotABlock => "not_a_block",
            Self::BlockHash { .. } => "block_hash",
            Self::Chain { .. } => "chain",
            Self::Seal { .. } => "seal",
            Self::OpenLength { .. } => "open_length",
        }
    }
}

/// Reads the header at the front of `bytes`.
///
/// # Errors
/// `Damage` at byte 0.
pub fn header(bytes: &[u8]) -> Result<SegmentHeader, Damage> {
    checked_header(bytes).map_err(|fault| Damage { offset: 0, fault })
}

fn checked_header(bytes: &[u8]) -> Result<SegmentHeader, Fault> {
    if !bytes.starts_with(&MAGIC) {
        return Err(Fault::NotASegment);
    }
    let bytes = bytes.get(..HEADER_LEN).ok_or(Fault::Truncated)?;
    let mut header = SegmentHeader::zeroed();
    bytemuck::bytes_of_mut(&mut header).copy_from_slice(bytes);
    let computed = header.computed_hash();
    if header.hash != computed {
        return Err(Fault::HeaderHash { written: header.hash, computed });
    }
    let wrong = [
        (header.format.get() != FORMAT, "format"),
        (header.encoding != VERSION, "encoding of records"),
        (header.hash_name != HASH_NAME, "hash"),
        (header.sync().is_none(), "policy of syncing"),
        (header.previous().is_none(), "segment before"),
        (!header.is_unused_zero(), "unused part"),
    ];
    match wrong.into_iter().find(|(is_wrong, _)| *is_wrong) {
        Some((_, what)) => Err(Fault::Header(what)),
        None => Ok(header),
    }
}

/// A block of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// Where it starts in the segment.
    pub offset: u64,
    /// Its header.
    pub header: BlockHeader,
    /// Whole records, one after the other.
    pub payload: &'a [u8],
    /// Its hash.
    pub hash: Hash,
}

/// How a segment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was sealed.
    Sealed(Seal),
    /// It is, or was, being written: zeros follow.
    Open,
}

/// The blocks of a segment, in order, up to its end or the first damage.
#[derive(Clone, Debug)]
pub struct Blocks<'a> {
    bytes: &'a [u8],
    /// The length of the segment while it is open.
    allocated: u64,
    offset: usize,
    hash: Hash,
    blocks: u64,
    records: u64,
}

impl<'a> Blocks<'a> {
    /// Reads the blocks of the segment in `bytes`, whose header is `header`.
    #[must_use]
    pub fn new(bytes: &'a [u8], header: &SegmentHeader) -> Self {
        Self {
            bytes,
            allocated: header.allocated_bytes.get(),
            offset: HEADER_LEN,
            hash: header.hash,
            blocks: 0,
            records: 0,
        }
    }

    /// Bytes of the segment that have been read and are good.
    #[must_use]
    pub fn good_bytes(&self) -> u64 {
        self.offset as u64
    }

    /// The hash of the last good block, or of the header.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Blocks of records read.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// The next block, or how the segment ends.
    ///
    /// # Errors
    /// `Damage`, again each time: what is before it is good.
    pub fn next_block(&mut self) -> Result<Result<Block<'a>, End>, Damage> {
        let offset = self.offset as u64;
        self.read().map_err(|fault| Damage { offset, fault })
    }

    fn read(&mut self) -> Result<Result<Block<'a>, End>, Fault> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        if rest.iter().all(|&byte| byte == 0) {
            let found = self.bytes.len() as u64;
            if found != self.allocated {
                return Err(Fault::OpenLength { said: self.allocated, found });
            }
            return Ok(Err(End::Open));
        }
        let block = whole_block(rest, self.offset as u64)?;
        if block.header.previous_hash != self.hash {
            let written = block.header.previous_hash;
            return Err(Fault::Chain { written, before: self.hash });
        }
        let next = self.offset + BLOCK_OVERHEAD + block.payload.len();
        if block.header.kind == KIND_SEAL {
            let seal = self.seal(block.payload)?;
            (self.offset, self.hash) = (next, block.hash);
            return Ok(Err(End::Sealed(seal)));
        }
        (self.offset, self.hash) = (next, block.hash);
        self.blocks += 1;
        self.records += u64::from(block.header.record_count.get());
        Ok(Ok(block))
    }

    /// The length of a segment that ends here. A writer that died between sealing and cutting
    /// leaves it as long as it was allocated, with nothing but zeros behind the seal.
    fn sealed_len(&self) -> u64 {
        let len = self.bytes.len() as u64;
        let end = self.offset + SEAL_LEN;
        let behind = self.bytes.get(end..).unwrap_or_default();
        let is_uncut = len == self.allocated && behind.iter().all(|&byte| byte == 0);
        if is_uncut { end as u64 } else { len }
    }

    fn seal(&self, payload: &[u8]) -> Result<Seal, Fault> {
        let mut seal = Seal::zeroed();
        if payload.len() != size_of::<Seal>() {
            return Err(Fault::NotABlock);
        }
        bytemuck::bytes_of_mut(&mut seal).copy_from_slice(payload);
        let figures = [
            ("blocks", seal.blocks.get(), self.blocks),
            ("records", seal.records.get(), self.records),
            ("bytes", seal.bytes.get(), self.sealed_len()),
            ("bytes", seal.bytes.get(), (self.offset + SEAL_LEN) as u64),
        ];
        if let Some(&(what, said, found)) = figures.iter().find(|(_, said, found)| said != found) {
            return Err(Fault::Seal { what, said, found });
        }
        if SealReason::from_code(seal.reason).is_none() || seal.unused != [0; 7] {
            return Err(Fault::NotABlock);
        }
        Ok(seal)
    }
}

/// A block at the front of `bytes` that is whole in itself, whatever it follows.
pub(super) fn whole_block(bytes: &[u8], offset: u64) -> Result<Block<'_>, Fault> {
    let (front, rest) = bytes.split_at_checked(size_of::<BlockHeader>()).ok_or(Fault::Truncated)?;
    let mut header = BlockHeader::zeroed();
    bytemuck::bytes_of_mut(&mut header).copy_from_slice(front);
    let payload_len = header.payload_bytes.get() as usize;
    let is_block = header.magic == BLOCK_MAGIC
        && matches!(header.kind, KIND_RECORDS | KIND_SEAL)
        && header.unused == [0; 3]
        && payload_len <= MAX_PAYLOAD;
    if !is_block {
        return Err(Fault::NotABlock);
    }
    let (payload, rest) = rest.split_at_checked(payload_len).ok_or(Fault::Truncated)?;
    let written: &Hash = rest.first_chunk().ok_or(Fault::Truncated)?;
    let computed = block_hash(&header, payload);
    if *written != computed {
        return Err(Fault::BlockHash { written: *written, computed });
    }
    Ok(Block { offset, header, payload, hash: computed })
}

/// How many whole blocks lie behind the damage that ends the good part of a segment. A write that
/// was torn is followed by none; more mean that the damage came later, or that the machine lost
/// power with more than one block not synced.
#[must_use]
pub fn whole_blocks_after(bytes: &[u8], good_bytes: u64) -> u64 {
    let mut count = 0;
    let mut at = usize::try_from(good_bytes).unwrap_or(usize::MAX).saturating_add(1);
    while let Some(rest) = bytes.get(at..) {
        let Some(skip) = rest.windows(BLOCK_MAGIC.len()).position(|window| window == BLOCK_MAGIC)
        else {
            break;
        };
        at += skip;
        match bytes.get(at..).map(|rest| whole_block(rest, at as u64)) {
            Some(Ok(block)) => {
                count += 1;
                at += BLOCK_OVERHEAD + block.payload.len();
            }
            _ => at += 1,
        }
    }
    count
}
