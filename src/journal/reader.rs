//! Reads a segment: a pure function of its bytes, for the writer's restart, verify and replay.
//!
//! It checks form, chain and tree: magic, versions, checksums, hashes, what hangs on what. Whether
//! the records in the blocks make sense is `audit::verify`'s question. Who only wants the records
//! may leave out the tree (`Blocks::without_tree`): then every accident is found, and no forgery.

use bytemuck::Zeroable;
use xmc_hotpath::record::frame::{self, VERSION};

use super::segment::{
    BLOCK_MAGIC, BLOCK_OVERHEAD, BlockHeader, ChainHash, FORMAT, HEADER_LEN, Hash, KIND_PEAKS,
    KIND_RECORDS, KIND_SEAL, Left, MAGIC, MAX_PAYLOAD, SEAL_LEN, Seal, SealReason, SegmentHeader,
    block_hash,
};
use super::tree::{Tree, leaf_hashes};

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
    /// It was written by another version of the program.
    #[error(
        "the segment is of format {0}, this build reads format {FORMAT}: read it with the version \
         that wrote it"
    )]
    Format(u16),
    /// The header says what cannot be.
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
    /// The block was changed, or not written whole.
    #[error(
        "the block was changed: its checksum is {written:08x}, that of its bytes {computed:08x}"
    )]
    Checksum {
        /// What is written.
        written: u32,
        /// What the bytes give.
        computed: u32,
    },
    /// The records are not those that the tree was made of.
    #[error("the records were changed: the tree over them has another root than the block says")]
    Tree {
        /// What is written.
        written: Hash,
        /// What the records give.
        computed: Hash,
    },
    /// The tree has another number of records.
    #[error("the tree has {found} records here, the block says {said}")]
    TreeSize {
        /// What the block says.
        said: u64,
        /// What there are.
        found: u64,
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
            Self::HeaderHash { written, computed }
            | Self::BlockHash { written, computed }
            | Self::Tree { written, computed } => Some((written, computed)),
            Self::Chain { written, before } => Some((written, before)),
            _ => None,
        }
    }

    /// Whether a write that was cut short can look like this.
    #[must_use]
    pub fn may_be_torn(&self) -> bool {
        matches!(
            self,
            Self::Truncated | Self::NotABlock | Self::BlockHash { .. } | Self::Checksum { .. }
        )
    }

    /// Its word in JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotASegment => "not_a_segment",
            Self::Format(_) => "format",
            Self::Header(_) => "header",
            Self::HeaderHash { .. } => "header_hash",
            Self::Truncated => "truncated",
            Self::NotABlock => "not_a_block",
            Self::BlockHash { .. } => "block_hash",
            Self::Checksum { .. } => "checksum",
            Self::Tree { .. } => "tree",
            Self::TreeSize { .. } => "tree_size",
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
    if header.format.get() != FORMAT {
        return Err(Fault::Format(header.format.get()));
    }
    let wrong = [
        (header.encoding != VERSION, "encoding of records"),
        (header.chain_hash().is_none(), "hash"),
        (header.sync().is_none(), "policy of syncing"),
        (header.previous().is_none(), "segment before"),
        (!header.is_unused_zero(), "unused part"),
    ];
    match wrong.into_iter().find(|(is_wrong, _)| *is_wrong) {
        Some((_, what)) => Err(Fault::Header(what)),
        None => Ok(header),
    }
}

/// Where the segment before `next` ends if its disk failed. What is behind that may be whole, and
/// is in `next` again.
#[must_use]
pub fn end_of_failed(next: &SegmentHeader) -> Option<u64> {
    let previous = next.previous().filter(|previous| previous.left == Left::Failed)?;
    Some(previous.bytes)
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
    header: SegmentHeader,
    offset: usize,
    hash: Hash,
    chain_hash: ChainHash,
    blocks: u64,
    records: u64,
    /// The tree up to here; `None` before the peaks were read, or if nobody asked for it.
    tree: Option<Tree>,
    has_tree: bool,
    /// Where to stop, whatever follows.
    until: Option<u64>,
    /// Leaves that were hashed before.
    leaves: Option<&'a Leaves>,
}

impl<'a> Blocks<'a> {
    /// Reads the blocks of the segment in `bytes`, whose header is `header`.
    #[must_use]
    pub fn new(bytes: &'a [u8], header: &SegmentHeader) -> Self {
        Self {
            bytes,
            header: *header,
            offset: HEADER_LEN,
            hash: header.hash,
            chain_hash: header.chain_hash().unwrap_or(ChainHash::Sha256),
            blocks: 0,
            records: 0,
            tree: None,
            has_tree: true,
            until: None,
            leaves: None,
        }
    }

    /// Reads without the tree: whether the records are those that were signed for is not known.
    #[must_use]
    pub fn without_tree(bytes: &'a [u8], header: &SegmentHeader) -> Self {
        Self { has_tree: false, ..Self::new(bytes, header) }
    }

    /// Ends at `until`, if it is said, as if the segment had been left open there: see
    /// `end_of_failed`.
    #[must_use]
    pub fn until(self, until: Option<u64>) -> Self {
        Self { until, ..self }
    }

    /// Takes the leaves of the tree from `leaves`, which must be those of the same bytes.
    #[must_use]
    pub fn with_leaves(self, leaves: Option<&'a Leaves>) -> Self {
        Self { leaves, ..self }
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

    /// The tree over all records of the desk up to here; `None` if it is not looked at, or nothing
    /// was read yet.
    #[must_use]
    pub fn tree(&self) -> Option<&Tree> {
        self.tree.as_ref()
    }

    /// The next block of records, or how the segment ends.
    ///
    /// # Errors
    /// `Damage`, again each time: what is before it is good.
    pub fn next_block(&mut self) -> Result<Result<Block<'a>, End>, Damage> {
        if self.offset == HEADER_LEN {
            self.read_peaks().map_err(|fault| Damage { offset: HEADER_LEN as u64, fault })?;
        }
        let offset = self.offset as u64;
        self.read().map_err(|fault| Damage { offset, fault })
    }

    /// The block behind the header. It came with the header, so no crash leaves it out.
    fn read_peaks(&mut self) -> Result<(), Fault> {
        let block = self.follow(HEADER_LEN)?;
        let (peaks, rest) = block.payload.as_chunks::<{ size_of::<Hash>() }>();
        if block.header.kind != KIND_PEAKS || !rest.is_empty() {
            return Err(Fault::NotABlock);
        }
        let said = self.header.tree_size.get();
        let found = block.header.tree_size.get();
        let tree = Tree::from_peaks(said, peaks);
        let tree = tree.filter(|_| said == found).ok_or(Fault::TreeSize { said, found })?;
        let computed = tree.root();
        for written in [self.header.tree_root, block.header.tree_root] {
            if written != computed {
                return Err(Fault::Tree { written, computed });
            }
        }
        self.tree = self.has_tree.then_some(tree);
        self.step(&block);
        Ok(())
    }

    fn read(&mut self) -> Result<Result<Block<'a>, End>, Fault> {
        if self.until == Some(self.offset as u64) {
            return Ok(Err(End::Open));
        }
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        if is_zero(rest) {
            let (said, found) = (self.header.allocated_bytes.get(), self.bytes.len() as u64);
            return if said == found {
                Ok(Err(End::Open))
            } else {
                Err(Fault::OpenLength { said, found })
            };
        }
        let block = self.follow(self.offset)?;
        if block.header.kind == KIND_SEAL {
            let seal = self.seal(block.payload)?;
            self.step(&block);
            return Ok(Err(End::Sealed(seal)));
        }
        if block.header.kind != KIND_RECORDS {
            return Err(Fault::NotABlock);
        }
        self.grow(&block)?;
        self.step(&block);
        self.blocks += 1;
        self.records += u64::from(block.header.record_count.get());
        Ok(Ok(block))
    }

    /// The whole block at `offset`, if it hangs on what was read.
    fn follow(&self, offset: usize) -> Result<Block<'a>, Fault> {
        let rest = self.bytes.get(offset..).unwrap_or_default();
        let block = whole_block(self.chain_hash, rest, offset as u64)?;
        if block.header.previous_hash != self.hash {
            let written = block.header.previous_hash;
            return Err(Fault::Chain { written, before: self.hash });
        }
        Ok(block)
    }

    fn step(&mut self, block: &Block<'_>) {
        self.offset += BLOCK_OVERHEAD + block.payload.len();
        self.hash = block.hash;
    }

    /// Adds the records of a block to the tree, and compares.
    fn grow(&mut self, block: &Block<'_>) -> Result<(), Fault> {
        let Some(tree) = &mut self.tree else {
            return Ok(());
        };
        let before = tree.clone();
        let ready = self.leaves.map(|leaves| leaves.of_block(block.offset)).unwrap_or_default();
        let grown = grow_with(tree, &block.header, block.payload, ready);
        if grown.is_err() {
            *tree = before;
        }
        grown
    }

    /// The length of a segment that ends here. A writer that died between sealing and cutting
    /// leaves it as long as it was allocated, with nothing but zeros behind the seal.
    fn sealed_len(&self) -> u64 {
        let len = self.bytes.len() as u64;
        let end = self.offset + SEAL_LEN;
        let behind = self.bytes.get(end..).unwrap_or_default();
        let is_uncut = len == self.header.allocated_bytes.get() && is_zero(behind);
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

/// The leaves of a segment's records, hashed before anybody has looked whether they are right: so
/// that this can be done elsewhere meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Leaves {
    hashes: Vec<Hash>,
    /// Where a block starts, and the number of its first leaf; rising.
    starts: Vec<(u64, usize)>,
}

impl Leaves {
    /// Those of the segment in `bytes`, as far as it can be walked.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut leaves = Self::default();
        let mut offset = HEADER_LEN;
        while let Some((header, payload)) = walk(bytes, offset) {
            if header.kind == KIND_RECORDS {
                leaves.starts.push((offset as u64, leaves.hashes.len()));
                leaf_hashes(records(payload), &mut leaves.hashes);
            }
            offset += BLOCK_OVERHEAD + payload.len();
        }
        leaves
    }

    /// Those of the block at `offset`.
    fn of_block(&self, offset: u64) -> &[Hash] {
        let Ok(index) = self.starts.binary_search_by_key(&offset, |(start, _)| *start) else {
            return &[];
        };
        let at = |index: usize| self.starts.get(index).map(|(_, first)| *first);
        let end = at(index + 1).unwrap_or(self.hashes.len());
        at(index).and_then(|first| self.hashes.get(first..end)).unwrap_or_default()
    }
}

/// The block at `offset` by its length alone.
fn walk(bytes: &[u8], offset: usize) -> Option<(BlockHeader, &[u8])> {
    let (front, rest) = bytes.get(offset..)?.split_at_checked(size_of::<BlockHeader>())?;
    let header: BlockHeader = bytemuck::pod_read_unaligned(front);
    let payload_len = header.payload_bytes.get() as usize;
    let is_block = header.magic == BLOCK_MAGIC && payload_len <= MAX_PAYLOAD;
    rest.get(..payload_len).filter(|_| is_block).map(|payload| (header, payload))
}

/// Whether nothing was written there. The end of an open segment is long, and looked at each time.
fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<64>();
    words.iter().all(|word| *word == [0; 64]) && rest.iter().all(|&byte| byte == 0)
}

/// Adds `payload`, the records of a block, to `tree`, which then must be as `header` says.
///
/// # Errors
/// `Tree`, `TreeSize`, or `NotABlock` if the payload is not whole records.
pub fn grow(tree: &mut Tree, header: &BlockHeader, payload: &[u8]) -> Result<(), Fault> {
    grow_with(tree, header, payload, &[])
}

/// The whole records at the front of `payload`, by their lengths alone.
pub fn records(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = payload;
    std::iter::from_fn(move || {
        let (record, behind) = frame::split_len(rest)?;
        rest = behind;
        Some(record)
    })
}

/// As `grow`, with leaves that were hashed before, if they are those of all the records.
fn grow_with(
    tree: &mut Tree,
    header: &BlockHeader,
    payload: &[u8],
    ready: &[Hash],
) -> Result<(), Fault> {
    let (mut count, mut len) = (0, 0);
    for record in records(payload) {
        count += 1;
        len += record.len();
    }
    if len != payload.len() {
        return Err(Fault::NotABlock);
    }
    if ready.len() == count {
        tree.extend(ready);
    } else {
        let mut leaves = Vec::with_capacity(count);
        leaf_hashes(records(payload), &mut leaves);
        tree.extend(&leaves);
    }
    let (said, found) = (header.tree_size.get(), tree.size());
    if said != found {
        return Err(Fault::TreeSize { said, found });
    }
    let (written, computed) = (header.tree_root, tree.root());
    if written != computed {
        return Err(Fault::Tree { written, computed });
    }
    Ok(())
}

/// A block at the front of `bytes` that is whole in itself, whatever it follows.
///
/// # Errors
/// The fault. Whether it follows what is before it is the caller's question.
pub fn whole_block(hash: ChainHash, bytes: &[u8], offset: u64) -> Result<Block<'_>, Fault> {
    let (front, rest) = bytes.split_at_checked(size_of::<BlockHeader>()).ok_or(Fault::Truncated)?;
    let mut header = BlockHeader::zeroed();
    bytemuck::bytes_of_mut(&mut header).copy_from_slice(front);
    let payload_len = header.payload_bytes.get() as usize;
    let is_block = header.magic == BLOCK_MAGIC
        && matches!(header.kind, KIND_RECORDS | KIND_SEAL | KIND_PEAKS)
        && (header.unused, header.unused_too) == ([0; 3], [0; 4])
        && payload_len <= MAX_PAYLOAD;
    if !is_block {
        return Err(Fault::NotABlock);
    }
    let (payload, rest) = rest.split_at_checked(payload_len).ok_or(Fault::Truncated)?;
    let written: &Hash = rest.first_chunk().ok_or(Fault::Truncated)?;
    let hash = block_hash(hash, &header, payload);
    if *written != hash {
        return Err(Fault::BlockHash { written: *written, computed: hash });
    }
    let (written, computed) = (header.checksum.get(), header.computed_checksum(payload));
    if written != computed {
        return Err(Fault::Checksum { written, computed });
    }
    Ok(Block { offset, header, payload, hash })
}

/// How many whole blocks lie behind the damage that ends the good part of a segment. A write that
/// was torn is followed by none; more mean that the damage came later, or that the machine lost
/// power with more than one block not synced.
#[must_use]
pub fn whole_blocks_after(bytes: &[u8], good_bytes: u64) -> u64 {
    let hash = header(bytes).ok().and_then(|header| header.chain_hash());
    let hash = hash.unwrap_or(ChainHash::Sha256);
    let mut count = 0;
    let mut at = usize::try_from(good_bytes).unwrap_or(usize::MAX).saturating_add(1);
    while let Some(rest) = bytes.get(at..) {
        let Some(skip) = rest.windows(BLOCK_MAGIC.len()).position(|window| window == BLOCK_MAGIC)
        else {
            break;
        };
        at += skip;
        match bytes.get(at..).map(|rest| whole_block(hash, rest, at as u64)) {
            Some(Ok(block)) => {
                count += 1;
                at += BLOCK_OVERHEAD + block.payload.len();
            }
            _ => at += 1,
        }
    }
    count
}
