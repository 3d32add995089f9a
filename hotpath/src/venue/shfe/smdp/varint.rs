//! VInt: LEB128, least significant group first, zig-zag signed; as in protobuf's `sint64`.
//!
//! A longer form than needed (`80 00` for zero) is read like the short one: nothing forbids it.

/// Why bytes are not a VInt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VarintError {
    /// The bytes ended inside it.
    Truncated,
    /// It has more bits than 64.
    TooLong,
}

/// Splits a VInt off the front of `bytes`.
///
/// # Errors
/// See `VarintError`.
#[inline]
pub fn take(bytes: &[u8]) -> Result<(i64, &[u8]), VarintError> {
    let mut value = 0_u64;
    let mut rest = bytes;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, after) = rest.split_first().ok_or(VarintError::Truncated)?;
        let group = u64::from(byte & 0x7F);
        let placed = group.wrapping_shl(shift);
        if placed.wrapping_shr(shift) != group {
            return Err(VarintError::TooLong);
        }
        value |= placed;
        rest = after;
        if byte & 0x80 == 0 {
            return Ok((from_zigzag(value), rest));
        }
    }
    Err(VarintError::TooLong)
}

/// 0, 1, 2, 3 stand for 0, -1, 1, -2.
#[inline(always)]
const fn from_zigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ (value & 1).cast_signed().wrapping_neg()
}
