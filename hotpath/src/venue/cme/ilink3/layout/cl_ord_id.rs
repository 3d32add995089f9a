//! Tag 11 `ClOrdID`: our order's number as the exchange's 20 characters of text.
//!
//! Sixteen upper-case hexadecimal digits and four NULs. Hexadecimal, because it needs no division
//! and its length does not depend on the number. Any other text is somebody else's.

use bytemuck::{Pod, Zeroable};

use crate::wire::U64Be;

/// Tag 11 `ClOrdID`, as it lies on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ClOrdId {
    /// Eight characters, the first in the most significant byte: the upper half of the number.
    high: U64Be,
    /// Eight characters: the lower half of the number.
    low: U64Be,
    /// Always NUL in ours.
    tail: [u8; 4],
}
const _: () = assert!(size_of::<ClOrdId>() == 20 && align_of::<ClOrdId>() == 1);

/// The text is not one that `ClOrdId::of_order` writes: the order is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOurOrder;

impl ClOrdId {
    /// No text at all.
    pub const EMPTY: Self = Self { high: U64Be::new(0), low: U64Be::new(0), tail: [0; 4] };

    /// The text of an order number.
    #[inline(always)]
    pub const fn of_order(number: u64) -> Self {
        Self {
            high: U64Be::new(digits(number >> 32)),
            low: U64Be::new(digits(number & 0xFFFF_FFFF)),
            tail: [0; 4],
        }
    }

    /// The text as it stands, for identifiers that came from elsewhere.
    pub fn of_text(text: [u8; 20]) -> Self {
        bytemuck::cast(text)
    }

    /// The text, NUL padded.
    #[inline]
    pub fn bytes(&self) -> &[u8; 20] {
        bytemuck::cast_ref(self)
    }

    /// The order number behind the text.
    ///
    /// # Errors
    /// `NotOurOrder` unless writing the number again gives the very same text.
    #[inline]
    pub fn order(&self) -> Result<u64, NotOurOrder> {
        let number = (number(self.high.get()) << 32) | number(self.low.get());
        if Self::of_order(number) == *self { Ok(number) } else { Err(NotOurOrder) }
    }
}

/// Eight hexadecimal digits of a 32-bit number, most significant digit in the top byte.
///
/// All at once: nibbles are spread to one per byte, then 10 to 15 are lifted from `:` to `A`.
#[inline(always)]
const fn digits(number: u64) -> u64 {
    let spread = number & 0xFFFF_FFFF;
    let spread = (spread | (spread << 16)) & 0x0000_FFFF_0000_FFFF;
    let spread = (spread | (spread << 8)) & 0x00FF_00FF_00FF_00FF;
    let spread = (spread | (spread << 4)) & 0x0F0F_0F0F_0F0F_0F0F;
    let is_letter = (spread.wrapping_add(0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101;
    spread.wrapping_add(0x3030_3030_3030_3030).wrapping_add(is_letter.wrapping_mul(7))
}

/// Undoes `digits`; anything that is no digit gives some number, which `order` then refuses.
#[inline(always)]
const fn number(digits: u64) -> u64 {
    let is_letter = (digits >> 6) & 0x0101_0101_0101_0101;
    let nibbles = (digits & 0x0F0F_0F0F_0F0F_0F0F).wrapping_add(is_letter.wrapping_mul(9));
    let nibbles = nibbles & 0x0F0F_0F0F_0F0F_0F0F;
    let packed = (nibbles | (nibbles >> 4)) & 0x00FF_00FF_00FF_00FF;
    let packed = (packed | (packed >> 8)) & 0x0000_FFFF_0000_FFFF;
    (packed | (packed >> 16)) & 0xFFFF_FFFF
}
