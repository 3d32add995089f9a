//! The Merkle tree over the records of a journal, in the form of RFC 6962.
//!
//! A leaf is one record as it lies in the journal, frame included; leaves are numbered from 0 over
//! all runs of a desk. The root over the first n leaves says which records they are, in which
//! order, so a signed root (a checkpoint) fixes the journal up to there. Two short proofs hang on
//! it: that one record is among the n (inclusion), and that a later tree only added to an earlier
//! one (consistency).
//!
//! Nothing here holds the leaves or does I/O: a tree of n leaves is the roots of its at most 64
//! whole subtrees, and a proof is gathered while the leaves go by once, in order.
//!
//! Not here: what a record is (`record::frame`), who signs a root (`audit::checkpoint`).

use sha2::{Digest, Sha256};
use std::ops::Range;

use super::pairs::{self, Pairs};
use super::segment::Hash;

/// What a leaf is hashed with. It keeps a leaf from being passed off as a node.
const LEAF: u8 = 0;

/// What a node is hashed with. It keeps a node from being passed off as a leaf.
const NODE: u8 = 1;

/// The hash of a record as a leaf.
#[must_use]
pub fn leaf_hash(record: &[u8]) -> Hash {
    pairs::hash(LEAF, record)
}

/// The hash of a node over its two halves.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    pairs::hash(NODE, [*left, *right].as_flattened())
}

/// Adds the hashes of `records` as leaves to `leaves`: as `leaf_hash` of each, and sooner.
pub fn leaf_hashes<'r>(mut records: impl Iterator<Item = &'r [u8]>, leaves: &mut Vec<Hash>) {
    let mut pairs = Pairs::of_this_machine();
    while let Some(first) = records.next() {
        match records.next() {
            Some(second) => leaves.extend(pairs.hashes(LEAF, [first, second])),
            None => leaves.push(leaf_hash(first)),
        }
    }
}

/// The nodes over each two of `halves`, which are an even number.
fn node_hashes(pairs: &mut Pairs, halves: &[Hash]) -> Vec<Hash> {
    let mut nodes = Vec::with_capacity(halves.len() / 2);
    let (fours, rest) = halves.as_chunks::<4>();
    for four in fours {
        let (first, second) = four.as_flattened().split_at(2 * size_of::<Hash>());
        nodes.extend(pairs.hashes(NODE, [first, second]));
    }
    if let [left, right] = rest {
        nodes.push(node_hash(left, right));
    }
    nodes
}

/// The tree over leaves 0 to `size`: the roots of its whole subtrees, the largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    stretch: Stretch,
}

impl Tree {
    /// The tree without a leaf.
    #[must_use]
    pub fn new() -> Self {
        Self { stretch: Stretch::starting_at(0) }
    }

    /// The tree that had these `peaks`; `None` if a tree of `size` has not as many.
    #[must_use]
    pub fn from_peaks(size: u64, peaks: &[Hash]) -> Option<Self> {
        let is_fitting = u32::try_from(peaks.len()).is_ok_and(|count| count == size.count_ones());
        let stretch = Stretch { start: 0, end: size, nodes: peaks.to_vec() };
        is_fitting.then_some(Self { stretch })
    }

    /// Adds the next leaf.
    pub fn push(&mut self, leaf: Hash) {
        self.stretch.push(leaf);
    }

    /// Adds the next leaves: as `push` of each, and sooner.
    pub fn extend(&mut self, leaves: &[Hash]) {
        let Stretch { end: size, nodes: peaks, .. } = &mut self.stretch;
        let mut pairs = Pairs::of_this_machine();
        // What has no right half yet, the smallest first.
        let mut halves = Vec::new();
        let mut level = leaves.to_vec();
        let mut bits = *size;
        while !level.is_empty() {
            // A peak of this size is the left half of the first node.
            if bits & 1 == 1 {
                level.splice(0..0, peaks.pop());
            }
            if !level.len().is_multiple_of(2) {
                halves.extend(level.pop());
            }
            level = node_hashes(&mut pairs, &level);
            bits >>= 1;
        }
        peaks.extend(halves.into_iter().rev());
        *size += leaves.len() as u64;
    }

    /// How many leaves it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.stretch.end
    }

    /// The roots of its whole subtrees, the largest first: all that is needed to go on from here.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.stretch.nodes
    }

    /// The hash over all leaves; of no leaves it is the hash of nothing.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold(&self.stretch.nodes).unwrap_or_else(|| Sha256::digest([]).into())
    }
}

/// Leaves `start` to `end` as the fewest nodes of the whole tree that cover them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Stretch {
    start: u64,
    end: u64,
    nodes: Vec<Hash>,
}

impl Stretch {
    fn starting_at(start: u64) -> Self {
        Self { start, end: start, nodes: Vec::new() }
    }

    fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        let mut level = 0;
        // The node at `level` that ends with this leaf is a right half if that bit of its index is
        // set; its left half is ours only if it does not reach back before the start.
        while self.end >> level & 1 == 1 && self.end >> (level + 1) << (level + 1) >= self.start {
            let Some(left) = self.nodes.pop() else { break };
            node = node_hash(&left, &node);
            level += 1;
        }
        self.nodes.push(node);
        self.end += 1;
    }

    /// The hash over leaves `range`, which must be made of whole nodes of this stretch.
    fn hash_of(&self, range: &Range<u64>) -> Option<Hash> {
        let mut at = self.start;
        let mut first = None;
        for (index, _) in self.nodes.iter().enumerate() {
            if at == range.start {
                first = Some(index);
            }
            at += self.node_len(at);
            if at == range.end {
                return fold(self.nodes.get(first?..=index)?);
            }
        }
        None
    }

    /// The part of it from leaf `start` on, where a node must begin.
    fn from(&self, start: u64) -> Option<Self> {
        let mut at = self.start;
        for (index, _) in self.nodes.iter().enumerate() {
            if at == start {
                return Some(Self {
                    start,
                    end: self.end,
                    nodes: self.nodes.get(index..)?.to_vec(),
                });
            }
            at += self.node_len(at);
        }
        None
    }

    /// How many leaves the node that starts with leaf `at` covers.
    fn node_len(&self, at: u64) -> u64 {
        let most = self.end - at;
        let aligned = if at == 0 { u64::MAX } else { 1 << at.trailing_zeros() };
        if aligned <= most { aligned } else { 1 << most.ilog2() }
    }
}

/// One node over several, the largest first, as RFC 6962 splits a tree.
fn fold(nodes: &[Hash]) -> Option<Hash> {
    let (last, rest) = nodes.split_last()?;
    Some(rest.iter().rev().fold(*last, |right, left| node_hash(left, &right)))
}

/// The largest power of two that is smaller than `len`, which is 2 or more.
fn split_point(len: u64) -> u64 {
    1 << (len - 1).ilog2()
}

/// The subtrees whose roots prove that leaf `index` is in the tree of `size`, from the leaf up;
/// `None` if it has no such leaf.
#[must_use]
pub fn inclusion_ranges(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    let mut ranges = Vec::new();
    let mut within = 0..size;
    if index >= size {
        return None;
    }
    while within.end - within.start > 1 {
        let middle = within.start + split_point(within.end - within.start);
        if index < middle {
            ranges.push(middle..within.end);
            within.end = middle;
        } else {
            ranges.push(within.start..middle);
            within.start = middle;
        }
    }
    ranges.reverse();
    Some(ranges)
}

/// The subtrees whose roots prove that the tree of `size` begins with the tree of `old_size`;
/// `None` if it is smaller. Nothing needs to be shown of an empty tree, or of the same one.
#[must_use]
pub fn consistency_ranges(old_size: u64, size: u64) -> Option<Vec<Range<u64>>> {
    let mut ranges = Vec::new();
    let mut within = 0..size;
    if old_size > size {
        return None;
    }
    if old_size == 0 {
        return Some(ranges);
    }
    while old_size != within.end {
        let middle = within.start + split_point(within.end - within.start);
        if old_size <= middle {
            ranges.push(middle..within.end);
            within.end = middle;
        } else {
            ranges.push(within.start..middle);
            within.start = middle;
        }
    }
    // Where the old tree ends in a node of the new one that is not the old root itself, the check
    // starts from that node.
    if within.start > 0 {
        ranges.push(within);
    }
    ranges.reverse();
    Some(ranges)
}

/// Gathers the roots of some subtrees while the leaves go by, once and in order.
#[derive(Clone, Debug)]
pub struct Gathering {
    /// The subtrees, in the order of the proof.
    ranges: Vec<Range<u64>>,
    found: Vec<Option<Hash>>,
    /// Which of them, by its first leaf, comes next.
    order: Vec<usize>,
    next: usize,
    open: Stretch,
    index: u64,
}

impl Gathering {
    /// Gathers what proves that leaf `index` is in the tree of `size`; `None` if it is not.
    #[must_use]
    pub fn inclusion(index: u64, size: u64) -> Option<Self> {
        inclusion_ranges(index, size).map(Self::of)
    }

    /// Gathers what proves that the tree of `size` begins with that of `old_size`.
    #[must_use]
    pub fn consistency(old_size: u64, size: u64) -> Option<Self> {
        consistency_ranges(old_size, size).map(Self::of)
    }

    /// Starts behind `before`, all of whose leaves are gone but for its peaks; `None` if more of
    /// them would be needed, as when the proof is of one of them.
    #[must_use]
    pub fn starting_with(mut self, before: &Tree) -> Option<Self> {
        self.index = before.size();
        while let Some(&at) = self.order.get(self.next) {
            let range = self.ranges.get(at)?.clone();
            if range.end > before.size() {
                // What of it is gone is made of peaks.
                if range.start < before.size() {
                    self.open = before.stretch.from(range.start)?;
                }
                break;
            }
            *self.found.get_mut(at)? = Some(before.stretch.hash_of(&range)?);
            self.next += 1;
        }
        Some(self)
    }

    fn of(ranges: Vec<Range<u64>>) -> Self {
        let found = vec![None; ranges.len()];
        let mut order: Vec<_> = (0..ranges.len()).collect();
        order.sort_by_key(|&at| ranges.get(at).map(|range| range.start));
        Self { ranges, found, order, next: 0, open: Stretch::starting_at(0), index: 0 }
    }

    /// Takes the next leaf, from leaf 0 on.
    pub fn push(&mut self, leaf: Hash) {
        let index = self.index;
        self.index += 1;
        let Some(&at) = self.order.get(self.next) else { return };
        let range = &self.ranges[at];
        if index < range.start {
            return;
        }
        if index == range.start {
            self.open = Stretch::starting_at(index);
        }
        self.open.push(leaf);
        if index + 1 == range.end {
            self.found[at] = fold(&self.open.nodes);
            self.next += 1;
        }
    }

    /// The proof; `None` if the leaves ended too soon.
    #[must_use]
    pub fn proof(self) -> Option<Vec<Hash>> {
        self.found.into_iter().collect()
    }
}

/// A tree as it grows since a witness saw it, so that the next consistency proof is at hand without
/// another look at the leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    old: Tree,
    since: Stretch,
    tree: Tree,
}

impl Growth {
    /// From `tree` on.
    #[must_use]
    pub fn since(tree: Tree) -> Self {
        Self { since: Stretch::starting_at(tree.size()), old: tree.clone(), tree }
    }

    /// Adds the next leaf.
    pub fn push(&mut self, leaf: Hash) {
        self.since.push(leaf);
        self.tree.push(leaf);
    }

    /// The tree as the witness saw it.
    #[must_use]
    pub fn old(&self) -> &Tree {
        &self.old
    }

    /// The tree as it is.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// That the tree only added to the old one.
    #[must_use]
    pub fn proof(&self) -> Vec<Hash> {
        let ranges = consistency_ranges(self.old.size(), self.tree.size()).unwrap_or_default();
        let hash_of = |range: &Range<u64>| {
            let stretch =
                if range.start < self.old.size() { &self.old.stretch } else { &self.since };
            stretch.hash_of(range)
        };
        ranges.iter().filter_map(hash_of).collect()
    }
}

/// Why a proof does not prove what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The sizes contradict each other.
    #[error("a tree of {size} leaves has no leaf {index}")]
    NoSuchLeaf {
        /// Which leaf.
        index: u64,
        /// Of how many.
        size: u64,
    },
    /// The later tree is the smaller one.
    #[error("the later tree has {size} leaves, fewer than the {old_size} of the earlier one")]
    Shrunk {
        /// Of the earlier tree.
        old_size: u64,
        /// Of the later tree.
        size: u64,
    },
    /// Another number of hashes than trees of these sizes need.
    #[error("the proof has {found} hashes, trees of these sizes need {needed}")]
    Length {
        /// How many there are.
        found: usize,
        /// How many there must be.
        needed: usize,
    },
    /// The hashes lead to another root: the earlier tree's.
    #[error("the proof does not lead to the root of the earlier tree")]
    OldRoot,
    /// The hashes lead to another root.
    #[error("the proof does not lead to the root of the tree")]
    Root,
}

/// Checks that `leaf` is leaf `index` of the tree of `size` with this `root`.
///
/// # Errors
/// See `ProofError`.
pub fn check_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    let Some(ranges) = inclusion_ranges(index, size) else {
        return Err(ProofError::NoSuchLeaf { index, size });
    };
    if ranges.len() != proof.len() {
        return Err(ProofError::Length { found: proof.len(), needed: ranges.len() });
    }
    let found = ranges.iter().zip(proof).fold(*leaf, |hash, (range, sibling)| {
        if range.start > index { node_hash(&hash, sibling) } else { node_hash(sibling, &hash) }
    });
    if found == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Checks that the tree of `size` with `root` begins with the tree of `old_size` with `old_root`.
///
/// # Errors
/// See `ProofError`.
pub fn check_consistency(
    old_size: u64,
    old_root: &Hash,
    size: u64,
    root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    let Some(ranges) = consistency_ranges(old_size, size) else {
        return Err(ProofError::Shrunk { old_size, size });
    };
    if ranges.len() != proof.len() {
        return Err(ProofError::Length { found: proof.len(), needed: ranges.len() });
    }
    if old_size == 0 || old_size == size {
        let is_same = old_size == 0 || old_root == root;
        return if is_same { Ok(()) } else { Err(ProofError::Root) };
    }
    let mut parts = ranges.iter().zip(proof);
    // The node that both trees end with at the old size: the old root itself if that is whole.
    let start = match ranges.first() {
        Some(range) if range.start < old_size => parts.next().map_or(*old_root, |(_, node)| *node),
        _ => *old_root,
    };
    let (mut old, mut new) = (start, start);
    for (range, node) in parts {
        if range.start < old_size {
            (old, new) = (node_hash(node, &old), node_hash(node, &new));
        } else {
            new = node_hash(&new, node);
        }
    }
    match (old == *old_root, new == *root) {
        (false, _) => Err(ProofError::OldRoot),
        (true, false) => Err(ProofError::Root),
        (true, true) => Ok(()),
    }
}
