//! Integers and records as they lie on a wire: unaligned, little- or big-endian, read in place.
//!
//! Every type here has alignment 1, so a layout made of them can be laid over any bytes without a
//! copy. Endianness is in the type name; nothing else in the crate swaps bytes.

use bytemuck::{AnyBitPattern, Pod, Zeroable};
use core::fmt;

/// The bytes ended before the record that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncated;

macro_rules! wire_integers {
    ($($(#[$doc:meta])* $name:ident = $int:ident, $bytes:literal, $from:ident, $to:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Pod, Zeroable)]
        #[repr(transparent)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Encodes `value`.
            #[inline(always)]
            pub const fn new(value: $int) -> Self {
                Self(value.$to())
            }

            /// Decodes the value.
            #[inline(always)]
            pub const fn get(self) -> $int {
                $int::$from(self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.get().fmt(f)
            }
        }
    )*};
}

wire_integers! {
    /// Little-endian `u16`.
    U16Le = u16, 2, from_le_bytes, to_le_bytes;
    /// Little-endian `u32`.
    U32Le = u32, 4, from_le_bytes, to_le_bytes;
    /// Little-endian `u64`.
    U64Le = u64, 8, from_le_bytes, to_le_bytes;
    /// Little-endian `i16`.
    I16Le = i16, 2, from_le_bytes, to_le_bytes;
    /// Little-endian `i32`.
    I32Le = i32, 4, from_le_bytes, to_le_bytes;
    /// Little-endian `i64`.
    I64Le = i64, 8, from_le_bytes, to_le_bytes;
    /// Big-endian (network order) `u16`.
    U16Be = u16, 2, from_be_bytes, to_be_bytes;
    /// Big-endian (network order) `u32`.
    U32Be = u32, 4, from_be_bytes, to_be_bytes;
    /// Big-endian (network order) `u64`.
    U64Be = u64, 8, from_be_bytes, to_be_bytes;
}

/// Splits `bytes` into a record at its front, read in place, and the rest.
///
/// # Errors
/// `Truncated` if fewer than `size_of::<T>()` bytes are left.
#[inline(always)]
pub fn take<T: AnyBitPattern>(bytes: &[u8]) -> Result<(&T, &[u8]), Truncated> {
    const { assert!(align_of::<T>() == 1) }
    let (front, rest) = bytes.split_at_checked(size_of::<T>()).ok_or(Truncated)?;
    match bytemuck::try_from_bytes(front) {
        Ok(record) => Ok((record, rest)),
        // The size is right by construction and the alignment is 1, so this arm is never taken;
        // the optimiser sees that too.
        Err(_) => Err(Truncated),
    }
}

/// Text in a fixed field: the bytes before the first NUL, or all of them.
#[inline]
pub fn text(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or(&[])
}
