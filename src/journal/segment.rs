//! The layout of a segment: a header, blocks of whole records one after the other, and a seal.
//!
//! Three things hold a journal together, each for its own reader. A checksum over each block finds
//! what a disk did to it, at the cost of a checksum: screens and indices need no more. The Merkle
//! tree over all records of the desk (`tree`) binds every byte of every record to one root, which
//! each block carries: a witness keeps it, and one receipt is proved against it. The hash chain
//! binds each block, root included, to all before it, over segments and runs: a block in another
//! place and a block from elsewhere show. Records are hashed once, as leaves; the chain hashes the
//! blocks' headers.
//!
//! The tree is always SHA-256, because that is what transparency-log tools read. The chain is
//! SHA-256 where the processor has instructions for it, else BLAKE3; the header says which.
//!
//! The block after the header holds the tree's peaks, so that a journal whose first segments are
//! no longer kept is still proved from what is left. An open segment is as long as its header
//! says, zeros after the last block; sealing cuts it off and writes how long it is. So an end that
//! is cut off shows in either state. All integers are little-endian.

use bytemuck::{Pod, Zeroable};
use sha2::{Digest, Sha256};
use std::mem::offset_of;
use xmc_hotpath::message::{DeskId, DeskIdentity, SiteId};
use xmc_hotpath::record::frame::{LOGIC_VERSION, VERSION};
use xmc_hotpath::wire::{U16Le, U32Le, U64Le};

use super::tree::Tree;

/// A hash of the chain or of the tree.
pub type Hash = [u8; 32];

/// The first bytes of a segment.
pub const MAGIC: [u8; 8] = *b"XMCJRNL\n";

/// Version of this layout. Version 1 had neither checksums nor the tree.
pub const FORMAT: u16 = 2;

/// How headers and blocks are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainHash {
    /// FIPS 180-4.
    Sha256,
    /// For processors without instructions for SHA-256.
    Blake3,
}

impl ChainHash {
    /// The one that this machine is faster with.
    #[must_use]
    pub fn of_this_machine() -> Self {
        if has_sha256() { Self::Sha256 } else { Self::Blake3 }
    }

    /// Its name in a header.
    #[must_use]
    pub fn name(self) -> [u8; 16] {
        match self {
            Self::Sha256 => *b"SHA-256\0\0\0\0\0\0\0\0\0",
            Self::Blake3 => *b"BLAKE3\0\0\0\0\0\0\0\0\0\0",
        }
    }

    /// The one of a name.
    #[must_use]
    pub fn from_name(name: [u8; 16]) -> Option<Self> {
        [Self::Sha256, Self::Blake3].into_iter().find(|hash| hash.name() == name)
    }

    /// The hash of `front` and then `back`.
    #[must_use]
    pub fn of(self, front: &[u8], back: &[u8]) -> Hash {
        match self {
            Self::Sha256 => Sha256::new().chain_update(front).chain_update(back).finalize().into(),
            Self::Blake3 => *blake3::Hasher::new().update(front).update(back).finalize().as_bytes(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn has_sha256() -> bool {
    std::arch::is_x86_feature_detected!("sha")
}

#[cfg(target_arch = "aarch64")]
fn has_sha256() -> bool {
    std::arch::is_aarch64_feature_detected!("sha2")
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn has_sha256() -> bool {
    false
}

/// The first bytes of a block. Not zero: zeros are the end of an open segment.
pub const BLOCK_MAGIC: [u8; 4] = *b"XMB\n";

/// Records of one block take at most this.
pub const MAX_PAYLOAD: usize = 1 << 16;

/// Bytes of a segment's header.
pub const HEADER_LEN: usize = size_of::<SegmentHeader>();

/// Bytes of a block beside its payload.
pub const BLOCK_OVERHEAD: usize = size_of::<BlockHeader>() + size_of::<Hash>();

/// Bytes of the block that seals a segment.
pub const SEAL_LEN: usize = BLOCK_OVERHEAD + size_of::<Seal>();

/// Most peaks that a tree has: one for each bit of its size.
pub const MAX_PEAKS: usize = u64::BITS as usize;

/// The header and the peaks at the front of a segment take at most this.
pub const MAX_FRONT: usize = HEADER_LEN + BLOCK_OVERHEAD + MAX_PEAKS * size_of::<Hash>();

/// The shortest segment: one block of any size and the seal fit.
pub const MIN_SEGMENT: u64 = (MAX_FRONT + BLOCK_OVERHEAD + MAX_PAYLOAD + SEAL_LEN) as u64;

/// The longest segment: it is read into memory whole.
pub const MAX_SEGMENT: u64 = 1 << 30;

/// When what was written is made safe from power loss. Until then the ring keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncPolicy {
    /// After each block.
    EveryBlock,
    /// At least this often, in milliseconds.
    IntervalMs(u32),
    /// When the segment is sealed: a crash of the machine loses what the kernel had not written.
    Never,
}

impl SyncPolicy {
    /// Its code and interval in a header.
    #[must_use]
    pub fn code(self) -> (u8, u32) {
        match self {
            Self::EveryBlock => (1, 0),
            Self::IntervalMs(interval_ms) => (2, interval_ms),
            Self::Never => (3, 0),
        }
    }

    /// The policy of a code and interval.
    #[must_use]
    pub fn from_code(code: u8, interval_ms: u32) -> Option<Self> {
        match (code, interval_ms) {
            (1, 0) => Some(Self::EveryBlock),
            (2, interval_ms) => Some(Self::IntervalMs(interval_ms)),
            (3, 0) => Some(Self::Never),
            _ => None,
        }
    }
}

/// The first bytes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SegmentHeader {
    /// `MAGIC`.
    pub magic: [u8; 8],
    /// `FORMAT`.
    pub format: U16Le,
    /// Version of the encoding of records.
    pub encoding: u8,
    /// Code of the policy of syncing.
    pub sync_code: u8,
    /// The site.
    pub site: u8,
    /// The desk.
    pub desk: u8,
    /// The run whose records are here; a segment has those of one run only.
    pub run: U16Le,
    /// Version of the desk's logic.
    pub logic_version: U16Le,
    /// How the segment before was left: a `Left`.
    pub previous_left: u8,
    _pad: [u8; 1],
    /// Milliseconds between two syncs; 0 unless the policy is an interval.
    pub sync_interval_ms: U32Le,
    /// Number of the segment, as in its name.
    pub number: U64Le,
    /// Bytes of the segment while it is open.
    pub allocated_bytes: U64Le,
    /// When it was made, nanoseconds since 1970 (UTC); 0 if not known.
    pub created_utc: U64Le,
    /// Bytes of the segment before that count. What is behind them there is a torn tail. 0: there
    /// is none before.
    pub previous_bytes: U64Le,
    /// The name of a `ChainHash`: what this segment's hashes are.
    pub hash_name: [u8; 16],
    /// The hash of the last block of the segment before; zeros if there is none.
    pub previous_hash: Hash,
    /// Root of the tree over all records before this segment.
    pub tree_root: Hash,
    /// Records before this segment, over all runs of the desk.
    pub tree_size: U64Le,
    reserved: [u8; 80],
    /// The hash of all bytes before.
    pub hash: Hash,
}

const _: () = assert!(size_of::<SegmentHeader>() == 256);
const _: () = assert!(offset_of!(SegmentHeader, previous_hash) == 72);
const _: () = assert!(offset_of!(SegmentHeader, tree_size) == 136);
const _: () = assert!(offset_of!(SegmentHeader, hash) == 224);

/// How a segment was left by its writer, as the next one found it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Left {
    /// There is none.
    #[default]
    Nothing = 0,
    /// It was sealed.
    Sealed = 1,
    /// It was open, and good to its end: the writer died.
    Open = 2,
    /// It was open and the last write torn: bytes that do not count are behind the good part.
    Torn = 3,
    /// The disk refused a write or a sync: what was safe before that counts. What is behind it may
    /// be whole all the same; it is written again in the next segment, on another disk.
    Failed = 4,
}

impl Left {
    /// The state of a code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Nothing, Self::Sealed, Self::Open, Self::Torn, Self::Failed]
            .into_iter()
            .find(|left| *left as u8 == code)
    }
}

/// What a new segment follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Previous {
    /// How it was left.
    pub left: Left,
    /// Number of the segment before; 0 if there is none.
    pub number: u64,
    /// Bytes of it that count.
    pub bytes: u64,
    /// Hash of its last block that counts.
    pub hash: Hash,
}

impl SegmentHeader {
    /// The header of a new segment.
    #[must_use]
    pub fn new(
        identity: DeskIdentity,
        (sync, chain_hash): (SyncPolicy, ChainHash),
        allocated_bytes: u64,
        created_utc: u64,
        previous: Previous,
        tree: &Tree,
    ) -> Self {
        let (sync_code, sync_interval_ms) = sync.code();
        let mut header = Self {
            magic: MAGIC,
            format: U16Le::new(FORMAT),
            encoding: VERSION,
            sync_code,
            site: identity.site.0,
            desk: identity.desk.0,
            run: U16Le::new(identity.run),
            logic_version: U16Le::new(LOGIC_VERSION),
            previous_left: previous.left as u8,
            _pad: [0; 1],
            sync_interval_ms: U32Le::new(sync_interval_ms),
            number: U64Le::new(previous.number + 1),
            allocated_bytes: U64Le::new(allocated_bytes),
            created_utc: U64Le::new(created_utc),
            previous_bytes: U64Le::new(previous.bytes),
            hash_name: chain_hash.name(),
            previous_hash: previous.hash,
            tree_root: tree.root(),
            tree_size: U64Le::new(tree.size()),
            reserved: [0; 80],
            hash: [0; 32],
        };
        header.hash = header.computed_hash();
        header
    }

    /// Whose records are in the segment.
    #[must_use]
    pub fn identity(&self) -> DeskIdentity {
        DeskIdentity { site: SiteId(self.site), desk: DeskId(self.desk), run: self.run.get() }
    }

    /// What it follows; `None` if that cannot be.
    #[must_use]
    pub fn previous(&self) -> Option<Previous> {
        let previous = Previous {
            left: Left::from_code(self.previous_left)?,
            number: self.number.get().checked_sub(1)?,
            bytes: self.previous_bytes.get(),
            hash: self.previous_hash,
        };
        let is_first = previous.number == 0;
        let is_nothing = previous == Previous::default();
        (is_first == is_nothing && is_first == (previous.left == Left::Nothing)).then_some(previous)
    }

    /// The policy of syncing; `None` if the code stands for none.
    #[must_use]
    pub fn sync(&self) -> Option<SyncPolicy> {
        SyncPolicy::from_code(self.sync_code, self.sync_interval_ms.get())
    }

    /// How it and its blocks are hashed; `None` if the name stands for none.
    #[must_use]
    pub fn chain_hash(&self) -> Option<ChainHash> {
        ChainHash::from_name(self.hash_name)
    }

    /// What `hash` must be. A header whose hash is not known is hashed as the first version was.
    #[must_use]
    pub fn computed_hash(&self) -> Hash {
        let (covered, _) = bytemuck::bytes_of(self).split_at(offset_of!(Self, hash));
        self.chain_hash().unwrap_or(ChainHash::Sha256).of(covered, &[])
    }

    /// Whether everything that this version leaves unused is zero.
    #[must_use]
    pub fn is_unused_zero(&self) -> bool {
        self._pad == [0; 1] && self.reserved == [0; 80]
    }
}

/// A block of records.
pub const KIND_RECORDS: u8 = 1;

/// The block that seals a segment.
pub const KIND_SEAL: u8 = 2;

/// The block after the header: the peaks of the tree that the header names, the largest first.
pub const KIND_PEAKS: u8 = 3;

/// The first bytes of a block. The payload follows, then the block's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct BlockHeader {
    /// `BLOCK_MAGIC`.
    pub magic: [u8; 4],
    /// `KIND_RECORDS`, `KIND_SEAL` or `KIND_PEAKS`.
    pub kind: u8,
    /// Zero.
    pub unused: [u8; 3],
    /// Bytes of the payload.
    pub payload_bytes: U32Le,
    /// Records in it; 0 unless they are its payload.
    pub record_count: U32Le,
    /// Sequence number of the first record; 0 unless it has records.
    pub first_seq_no: U64Le,
    /// Sequence number of the last record; 0 unless it has records.
    pub last_seq_no: U64Le,
    /// Hash of the block before, or of the segment's header.
    pub previous_hash: Hash,
    /// Root of the tree over all records up to the end of this block.
    pub tree_root: Hash,
    /// Records up to the end of this block, over all runs of the desk.
    pub tree_size: U64Le,
    /// Of them those that were safe from power loss when the block was made.
    pub durable_size: U64Le,
    /// CRC-32 (IEEE 802.3) of the header up to here, then the payload.
    pub checksum: U32Le,
    /// Zero.
    pub unused_too: [u8; 4],
}

const _: () = assert!(size_of::<BlockHeader>() == 120);
const _: () = assert!(offset_of!(BlockHeader, previous_hash) == 32);
const _: () = assert!(offset_of!(BlockHeader, checksum) == 112);

impl BlockHeader {
    /// What `checksum` must be.
    #[must_use]
    pub fn computed_checksum(&self, payload: &[u8]) -> u32 {
        let (covered, _) = bytemuck::bytes_of(self).split_at(offset_of!(Self, checksum));
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(covered);
        checksum.update(payload);
        checksum.finalize()
    }
}

/// Why a segment was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SealReason {
    /// It was full.
    Full = 1,
    /// The run ended as it should.
    Stopped = 2,
    /// A later process wrote what the ring still held of a run that had died.
    Recovered = 3,
}

impl SealReason {
    /// The reason of a code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Full, Self::Stopped, Self::Recovered]
            .into_iter()
            .find(|reason| *reason as u8 == code)
    }

    /// Its word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Stopped => "stopped",
            Self::Recovered => "recovered",
        }
    }
}

/// The payload of the block that seals a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Seal {
    /// Blocks of records before it.
    pub blocks: U64Le,
    /// Records in them.
    pub records: U64Le,
    /// Bytes of the segment with this block.
    pub bytes: U64Le,
    /// When it was sealed, nanoseconds since 1970 (UTC); 0 if not known.
    pub sealed_utc: U64Le,
    /// A `SealReason`.
    pub reason: u8,
    /// Zero.
    pub unused: [u8; 7],
}

const _: () = assert!(size_of::<Seal>() == 40);

/// The hash of a block: of its header, which holds the hash before it. The header binds records by
/// the tree's root; any other payload is hashed with it.
#[must_use]
pub fn block_hash(hash: ChainHash, header: &BlockHeader, payload: &[u8]) -> Hash {
    let direct = if header.kind == KIND_RECORDS { &[] } else { payload };
    hash.of(bytemuck::bytes_of(header), direct)
}
