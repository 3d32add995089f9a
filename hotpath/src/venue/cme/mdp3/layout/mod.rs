//! MDP 3.0 on the wire: packet and message headers, null values, and one file per message family.
//!
//! Structs hold what the sender wrote, prices as mantissas: the same entry comes with exponent -7
//! or -9 depending on the template. Fields that only a newer version has are read through the
//! decoded message, which knows the version; here they are bytes that an older sender left as
//! padding.

mod definition;
mod incremental;
mod replay;
mod snapshot;
mod status;

pub use definition::*;
pub use incremental::*;
pub use replay::*;
pub use snapshot::*;
pub use status::*;

use crate::venue::cme::sbe::MessageHeader;
use crate::wire::{I64Le, U16Le, U32Le, U64Le};
use bytemuck::{Pod, Zeroable};

/// The schema id of MDP 3.0 in every message header.
pub const SCHEMA_ID: u16 = 1;

/// "Absent" of a nullable price or decimal (`PRICENULL`, `PRICENULL9`, `Decimal9NULL`).
pub const MANTISSA_NULL: i64 = i64::MAX;
/// "Absent" of a nullable `int32`: sizes, counts, security ids.
pub const I32_NULL: i32 = i32::MAX;
/// "Absent" of a nullable `int8`.
pub const I8_NULL: i8 = i8::MAX;
/// "Absent" of a nullable `uint8` and of the enums encoded in it.
pub const U8_NULL: u8 = u8::MAX;
/// "Absent" of a date (`LocalMktDate`, days since 1970-01-01) and of a nullable `uint16`.
pub const U16_NULL: u16 = u16::MAX;
/// "Absent" of a nullable `uint32`.
pub const U32_NULL: u32 = u32::MAX;
/// "Absent" of a nullable `uint64`.
pub const U64_NULL: u64 = u64::MAX;
/// "Absent" of tag 731 `SettlPriceType`, a set: its bit 7.
pub const SETTLE_BITS_NULL: u8 = 1 << 7;

/// What stands at the front of every packet. 12 bytes, little-endian.
///
/// Source: client wiki page 46214795.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct PacketHeader {
    /// `MsgSeqNum`: number of the packet on its channel, from 1 each week.
    pub seq_no: U32Le,
    /// `SendingTime`: nanoseconds since 1970-01-01 UTC.
    pub sent_ns: U64Le,
}
const _: () = assert!(size_of::<PacketHeader>() == 12);

/// What stands at the front of every message of a packet. 10 bytes.
///
/// Source: client wiki pages 46214795 and 457325932.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct MessageFrame {
    /// `MsgSize`: length of the whole message, this field included, in bytes.
    pub size: U16Le,
    /// The SBE header.
    pub sbe: MessageHeader,
}
const _: () = assert!(size_of::<MessageFrame>() == 10);

/// The mantissa of a price or decimal; `PriceScale` of its message gives the exponent.
#[derive(Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Mantissa(pub I64Le);

impl Mantissa {
    /// The value for "absent".
    pub const NULL: Self = Self::new(MANTISSA_NULL);

    /// Encodes `mantissa`.
    #[inline(always)]
    pub const fn new(mantissa: i64) -> Self {
        Self(I64Le::new(mantissa))
    }

    /// The mantissa as sent, `MANTISSA_NULL` included.
    #[inline(always)]
    pub const fn get(self) -> i64 {
        self.0.get()
    }
}

impl core::fmt::Debug for Mantissa {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.get().fmt(f)
    }
}

/// Tag 5799 `MatchEventIndicator`: which parts of an event a message is the last of.
///
/// A book is consistent, and may be published or traded on, only after a message with
/// `END_OF_EVENT`. One packet may hold several events and one event may span several packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct MatchEvent(pub u8);

impl MatchEvent {
    /// Bit 0: last trade message of the event.
    pub const LAST_TRADE: Self = Self(1);
    /// Bit 1: last electronic volume message.
    pub const LAST_VOLUME: Self = Self(1 << 1);
    /// Bit 2: last message of real quotes.
    pub const LAST_QUOTE: Self = Self(1 << 2);
    /// Bit 3: last statistics message.
    pub const LAST_STATISTICS: Self = Self(1 << 3);
    /// Bit 4: last message of implied quotes.
    pub const LAST_IMPLIED: Self = Self(1 << 4);
    /// Bit 5: sent during recovery.
    pub const RECOVERY: Self = Self(1 << 5);
    /// Bit 6: reserved, 0.
    pub const RESERVED: Self = Self(1 << 6);
    /// Bit 7: last message of the event.
    pub const END_OF_EVENT: Self = Self(1 << 7);

    /// Whether all bits of `other` are set.
    #[inline(always)]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These bits and those of `other`.
    #[inline(always)]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the event is complete with this message.
    #[inline(always)]
    pub const fn is_end_of_event(self) -> bool {
        self.has(Self::END_OF_EVENT)
    }
}

/// Declares an enum of wire values: `from_wire` is `None` for a value that the schema lacks.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$each:meta])* $variant:ident = $value:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$each])* $variant = $value,)* }

        impl $name {
            /// Every value that the schema knows.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The meaning of a raw value; `None` if the schema does not know it.
            #[inline]
            pub const fn from_wire(raw: u8) -> Option<Self> {
                match raw {
                    $($value => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The raw value.
            #[inline(always)]
            pub const fn to_wire(self) -> u8 {
                match self { $(Self::$variant => $value,)* }
            }
        }
    };
}
use wire_enum;
