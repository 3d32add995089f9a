//! Simple Binary Encoding, as much of it as CME uses: the message header, repeating groups and the
//! rule that a block is strided by the length the sender declares.
//!
//! Called by the decoders of MDP 3.0 and iLink 3. What a block means is theirs; variable-length
//! data is not here because no message that the engine reads depends on it.
//!
//! Source: composites `messageHeader`, `groupSize` and `groupSize8Byte` of CME's
//! `templates_FixBinary.xml` (schema 1, versions 6 to 13) and `ilinkbinary.xml` (schema 8,
//! version 9).

use crate::wire::{self, Truncated, U16Le};
use bytemuck::{AnyBitPattern, Pod, Zeroable};
use core::marker::PhantomData;

/// What stands before the root block of every message. 8 bytes, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct MessageHeader {
    /// Length of the root block that follows, in bytes.
    pub block_len: U16Le,
    /// Which message this is.
    pub template_id: U16Le,
    /// Which schema: 1 is MDP 3.0, 8 is iLink 3.
    pub schema_id: U16Le,
    /// The version of the schema that the sender wrote.
    pub version: U16Le,
}
const _: () = assert!(size_of::<MessageHeader>() == 8);

/// What stands before the entries of most groups (`groupSize`). 3 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct GroupSize {
    /// Length of one entry, in bytes.
    pub block_len: U16Le,
    /// How many entries follow.
    pub count: u8,
}
const _: () = assert!(size_of::<GroupSize>() == 3);

/// What stands before the entries of `NoOrderIDEntries` (`groupSize8Byte`). 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct GroupSize8Byte {
    /// Length of one entry, in bytes.
    pub block_len: U16Le,
    /// Padding, zero when written.
    pub pad: [u8; 5],
    /// How many entries follow.
    pub count: u8,
}
const _: () = assert!(size_of::<GroupSize8Byte>() == 8);

/// Why a block or a group was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SbeError {
    /// The message ended inside a block or a group.
    Truncated,
    /// The sender's block is shorter than the oldest version of it that is accepted.
    BlockTooShort,
}

impl From<Truncated> for SbeError {
    fn from(_: Truncated) -> Self {
        Self::Truncated
    }
}

/// Reads a block of `block_len` bytes as a `T`.
///
/// Returns the record, the bytes of the block beyond it (fields of a newer version), and what
/// follows the block.
///
/// # Errors
/// `BlockTooShort` if the sender's block cannot hold a `T`, `Truncated` if the bytes end inside it.
#[inline(always)]
pub fn block<T: AnyBitPattern>(
    bytes: &[u8],
    block_len: u16,
) -> Result<(&T, &[u8], &[u8]), SbeError> {
    let block_len = usize::from(block_len);
    if block_len < size_of::<T>() {
        return Err(SbeError::BlockTooShort);
    }
    let (block, rest) = bytes.split_at_checked(block_len).ok_or(SbeError::Truncated)?;
    let (record, extra) = wire::take(block)?;
    Ok((record, extra, rest))
}

/// The entries of one repeating group, strided by the sender's block length.
///
/// A newer schema that only appends fields to an entry still decodes. Cheap to copy, so a caller
/// may walk it more than once.
#[derive(Debug)]
pub struct Entries<'a, T> {
    bytes: &'a [u8],
    stride: usize,
    count: u8,
    entry: PhantomData<&'a T>,
}

impl<'a, T: AnyBitPattern> Entries<'a, T> {
    /// A group without entries.
    pub const EMPTY: Self =
        Self { bytes: &[], stride: size_of::<T>(), count: 0, entry: PhantomData };

    /// Reads a group announced by a `groupSize`: its entries and what follows them.
    ///
    /// # Errors
    /// As for `block`. An empty group is not asked for its block length.
    #[inline(always)]
    pub fn read(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), SbeError> {
        let (size, rest) = wire::take::<GroupSize>(bytes)?;
        Self::strided(rest, size.block_len, size.count)
    }

    /// Reads a group announced by a `groupSize8Byte`: its entries and what follows them.
    ///
    /// # Errors
    /// As for `block`. An empty group is not asked for its block length.
    #[inline(always)]
    pub fn read_8byte(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), SbeError> {
        let (size, rest) = wire::take::<GroupSize8Byte>(bytes)?;
        Self::strided(rest, size.block_len, size.count)
    }

    #[inline(always)]
    fn strided(bytes: &'a [u8], block_len: U16Le, count: u8) -> Result<(Self, &'a [u8]), SbeError> {
        // Also keeps the stride above zero, so that the walk always ends.
        const { assert!(size_of::<T>() > 0) }
        let stride = usize::from(block_len.get());
        if stride < size_of::<T>() && count > 0 {
            return Err(SbeError::BlockTooShort);
        }
        // At most 65_535 * 255: cannot overflow.
        let len = stride.wrapping_mul(usize::from(count));
        let (bytes, rest) = bytes.split_at_checked(len).ok_or(SbeError::Truncated)?;
        Ok((Self { bytes, stride, count, entry: PhantomData }, rest))
    }
}

impl<T> Entries<'_, T> {
    /// How many entries are left.
    #[inline(always)]
    pub const fn len(&self) -> usize {
        // A widening conversion: `usize::from` is not `const`.
        #[expect(clippy::as_conversions, reason = "u8 to usize loses nothing")]
        let count = self.count as usize;
        count
    }

    /// Whether no entry is left.
    #[inline(always)]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The sender's block length: how far apart the entries lie.
    #[inline(always)]
    pub const fn stride(&self) -> usize {
        self.stride
    }
}

impl<T> Clone for Entries<'_, T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Entries<'_, T> {}

impl<'a, T: AnyBitPattern> Iterator for Entries<'a, T> {
    type Item = &'a T;

    // Not `chunks_exact`: that divides by the stride, which is not a constant.
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let (entry, _) = wire::take(self.bytes).ok()?;
        self.bytes = self.bytes.get(self.stride..)?;
        self.count = self.count.wrapping_sub(1);
        Some(entry)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), Some(self.len()))
    }
}

impl<T: AnyBitPattern> ExactSizeIterator for Entries<'_, T> {}
