//! How a block is written down: one table per message that is the struct, its offsets, its blank
//! and its list of fields at once, so that none of the four can drift from the others.

use bytemuck::{Pod, Zeroable};

use crate::wire::{I32Le, I64Le, U16Le, U32Le, U64Le};

/// Absent price.
pub const NULL_I64: I64Le = I64Le::new(i64::MAX);
/// Absent identifier or time.
pub const NULL_U64: U64Le = U64Le::new(u64::MAX);
/// Absent instrument.
pub const NULL_I32: I32Le = I32Le::new(i32::MAX);
/// Absent quantity or number.
pub const NULL_U32: U32Le = U32Le::new(u32::MAX);
/// Absent day or small number.
pub const NULL_U16: U16Le = U16Le::new(u16::MAX);
/// Absent enumeration in a byte.
pub const NULL_U8: u8 = u8::MAX;
/// Absent enumeration in a character.
pub const NULL_CHAR: u8 = 0;

pub(super) const ZERO_I64: I64Le = I64Le::new(0);
pub(super) const ZERO_I32: I32Le = I32Le::new(0);
pub(super) const ZERO_U64: U64Le = U64Le::new(0);
pub(super) const ZERO_U32: U32Le = U32Le::new(0);
pub(super) const ZERO_U16: U16Le = U16Le::new(0);

/// A decimal with its own exponent: composite `Decimal64NULL`, 9 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Decimal64 {
    /// The digits. `i64::MAX` means absent.
    pub mantissa: I64Le,
    /// The power of ten. 127 means absent.
    pub exponent: i8,
}
const _: () = assert!(size_of::<Decimal64>() == 9);

impl Decimal64 {
    /// Absent.
    pub const NULL: Self = Self { mantissa: NULL_I64, exponent: i8::MAX };
}

/// A small decimal with its own exponent: composite `Decimal32NULL`, 5 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Decimal32 {
    /// The digits. `i32::MAX` means absent.
    pub mantissa: I32Le,
    /// The power of ten. 127 means absent.
    pub exponent: i8,
}
const _: () = assert!(size_of::<Decimal32>() == 5);

impl Decimal32 {
    /// Absent.
    pub const NULL: Self = Self { mantissa: NULL_I32, exponent: i8::MAX };
}

/// Where a field lies in its block, and what the exchange calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The exchange's name.
    pub name: &'static str,
    /// FIX tag.
    pub tag: u16,
    /// Bytes from the start of the block.
    pub offset: usize,
    /// Bytes.
    pub len: usize,
    /// Type of the field of the struct.
    pub kind: &'static str,
}

/// A block of fixed layout, alignment 1.
pub trait Block: Pod {
    /// Optional fields null, all others zero.
    const BLANK: Self;
    /// Every field, in the order of the wire.
    const FIELDS: &'static [Field];
}

/// The root block of a message.
pub trait Message: Block {
    /// The message's number in schema 8.
    const TEMPLATE_ID: u16;
}

/// Defines a block: `offset: name: type = blank, ExchangeName(tag);` per field.
///
/// The size and every offset are checked when it compiles.
macro_rules! wire_block {
    (
        $(#[$doc:meta])*
        pub struct $block:ident: $kind:ident $id:literal, $len:literal bytes {$(
            $(#[$field_doc:meta])*
            $offset:literal: $field:ident: $type:ty = $blank:expr, $name:ident($tag:literal);
        )*}
    ) => {
        $(#[$doc])*
        ///
        #[doc = concat!(
            stringify!($len), " bytes, little-endian. Source: schema 8 version 9, ",
            stringify!($kind), " ", stringify!($id), ". `BLANK` holds what each field has when ",
            "it is absent."
        )]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
        #[repr(C)]
        pub struct $block {$(
            #[doc = concat!("Tag ", stringify!($tag), " `", stringify!($name), "`.")]
            $(#[$field_doc])*
            pub $field: $type,
        )*}

        impl $crate::venue::cme::ilink3::layout::Block for $block {
            const BLANK: Self = Self {$($field: $blank,)*};
            const FIELDS: &'static [$crate::venue::cme::ilink3::layout::Field] = &[$(
                $crate::venue::cme::ilink3::layout::Field {
                    name: stringify!($name),
                    tag: $tag,
                    offset: core::mem::offset_of!($block, $field),
                    len: size_of::<$type>(),
                    kind: stringify!($type),
                },
            )*];
        }

        $crate::venue::cme::ilink3::layout::block::wire_block!(@$kind $block $id);

        const _: () = assert!(size_of::<$block>() == $len && align_of::<$block>() == 1);
        $(const _: () = assert!(core::mem::offset_of!($block, $field) == $offset);)*
    };
    (@template $block:ident $id:literal) => {
        impl $crate::venue::cme::ilink3::layout::Message for $block {
            const TEMPLATE_ID: u16 = $id;
        }
    };
    (@group $block:ident $id:literal) => {};
}
pub(crate) use wire_block;
