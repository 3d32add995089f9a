//! MIRP as it lies on the wire, little-endian: packet header, field header, and the one field body
//! of fixed size. All others are made of VInts (`varint`).
//!
//! VERIFIED means recomputed from the byte vectors of the specification's appendix; SOURCED, read
//! in two unrelated public decoders.

use crate::time::Span;
use crate::wire::{I16Le, I32Le, U16Le, U32Le};
use bytemuck::{Pod, Zeroable};
use core::mem::offset_of;

/// In front of every MIRP packet. VERIFIED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct MirpHeader {
    /// Low nibble: version, 1. `LAST_OF_MESSAGE`: the message ends with this packet.
    pub flag: u8,
    /// `HEARTBEAT` or `REFRESH`.
    pub type_id: u8,
    /// Bytes after this header.
    pub length: U16Le,
    /// Number of the packet in its topic.
    pub packet_no: I32Le,
    /// Topic: fixes the products and the depth of the book.
    pub topic_id: I16Le,
    /// Time of the slice: milliseconds within `snap_time`.
    pub snap_millisec: U16Le,
    /// Number of the slice.
    pub snap_no: I32Le,
    /// Time of the slice: seconds since 1970-01-01 UTC.
    pub snap_time: U32Le,
    /// Trading day: days, 1980-01-01 is 1. A night session has the number of the day it belongs to.
    pub comm_phase_no: U16Le,
    /// Counts changes of the data centre that publishes.
    pub center_change_no: i8,
    /// Reserved.
    pub reserved: i8,
}

const _: () = assert!(size_of::<MirpHeader>() == 24);
const _: () = assert!(offset_of!(MirpHeader, packet_no) == 4);
const _: () = assert!(offset_of!(MirpHeader, topic_id) == 8);
const _: () = assert!(offset_of!(MirpHeader, snap_millisec) == 10);
const _: () = assert!(offset_of!(MirpHeader, snap_no) == 12);
const _: () = assert!(offset_of!(MirpHeader, snap_time) == 16);
const _: () = assert!(offset_of!(MirpHeader, comm_phase_no) == 20);
const _: () = assert!(offset_of!(MirpHeader, center_change_no) == 22);

/// `MirpHeader::flag`, low nibble: the version that is read here.
pub const VERSION: u8 = 1;
/// `MirpHeader::flag`: the packet is the last one of its message.
pub const LAST_OF_MESSAGE: u8 = 0x10;
/// `MirpHeader::type_id`: nothing to say.
pub const HEARTBEAT: u8 = 0;
/// How often a heartbeat is sent (revision note of V1.21; 5 s before).
pub const HEARTBEAT_EVERY: Span = Span(3_000_000_000);
/// `MirpHeader::type_id`: an incremental refresh.
pub const REFRESH: u8 = 1;

/// In front of every field. VERIFIED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct FieldHeader {
    /// Which field.
    pub id: U16Le,
    /// Bytes of the body that follows.
    pub size: U16Le,
}

const _: () = assert!(size_of::<FieldHeader>() == 4 && offset_of!(FieldHeader, size) == 2);

/// Field 0x0032: another data centre publishes from here on. VERIFIED size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct CenterChange {
    /// Its number, as in `MirpHeader::center_change_no`.
    pub change_no: i8,
    /// Slice with which it takes effect.
    pub snap_no: I32Le,
    /// Packet with which it takes effect.
    pub packet_no: I32Le,
}

const _: () = assert!(size_of::<CenterChange>() == 9);
const _: () = assert!(offset_of!(CenterChange, snap_no) == 1);
const _: () = assert!(offset_of!(CenterChange, packet_no) == 5);

/// Ids of the fields of MIRP.
pub mod field {
    /// Begins an instrument: the fields that follow belong to it. VInts `InstrumentNo`, `ChangeNo`.
    /// VERIFIED.
    pub const INSTRUMENT: u16 = 0x0003;
    /// `CenterChange`. VERIFIED size.
    pub const CENTER_CHANGE: u16 = 0x0032;
    /// Book level: event, side, VInts `PriceLevel`, `PriceOffset`, `Volume`. SOURCED.
    pub const LEVEL: u16 = 0x1001;
    /// Trades of the slice: VInts `LastPriceOffset`, `VolumeChange`, `TurnoverOffset`,
    /// `OpenInterestChange`. SOURCED.
    pub const TRADE: u16 = 0x1002;
    /// VInt offset of the day's highest price. SOURCED.
    pub const HIGH: u16 = 0x1011;
    /// VInt offset of the day's lowest price. SOURCED.
    pub const LOW: u16 = 0x1012;
    /// VInt offset of the opening price. SOURCED.
    pub const OPEN: u16 = 0x1013;
    /// VInt offset of the closing price. SOURCED.
    pub const CLOSE: u16 = 0x1014;
    /// VInt offset of the upper limit price. VERIFIED.
    pub const UPPER_LIMIT: u16 = 0x1015;
    /// VInt offset of the lower limit price. VERIFIED.
    pub const LOWER_LIMIT: u16 = 0x1016;
    /// VInt offset of the settlement price. SOURCED.
    pub const SETTLEMENT: u16 = 0x1017;
    /// The option's delta as a double, 8 bytes. SOURCED.
    pub const DELTA: u16 = 0x1018;
}

/// Field 0x1001, first byte: what happens to the level. SOURCED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelEvent {
    /// `1`: added.
    Add,
    /// `2`: modified.
    Modify,
    /// `3`: deleted.
    Delete,
}

impl LevelEvent {
    /// Its letter on the wire.
    #[must_use]
    pub const fn letter(self) -> u8 {
        match self {
            Self::Add => b'1',
            Self::Modify => b'2',
            Self::Delete => b'3',
        }
    }

    /// What a letter on the wire stands for.
    #[inline(always)]
    #[must_use]
    pub const fn from_wire(letter: u8) -> Option<Self> {
        match letter {
            b'1' => Some(Self::Add),
            b'2' => Some(Self::Modify),
            b'3' => Some(Self::Delete),
            _ => None,
        }
    }
}

/// Field 0x1001, second byte, and MDQP's field 0x0103. SOURCED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelSide {
    /// `0`: buyers.
    Bid,
    /// `1`: sellers.
    Ask,
}

impl LevelSide {
    /// Its letter on the wire.
    #[must_use]
    pub const fn letter(self) -> u8 {
        match self {
            Self::Bid => b'0',
            Self::Ask => b'1',
        }
    }

    /// What a letter on the wire stands for.
    #[inline(always)]
    #[must_use]
    pub const fn from_wire(letter: u8) -> Option<Self> {
        match letter {
            b'0' => Some(Self::Bid),
            b'1' => Some(Self::Ask),
            _ => None,
        }
    }
}

/// Fields 0x1011 to 0x1017: which price an offset is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceKind {
    /// The day's highest.
    High,
    /// The day's lowest.
    Low,
    /// Opening.
    Open,
    /// Closing.
    Close,
    /// Upper limit.
    UpperLimit,
    /// Lower limit.
    LowerLimit,
    /// Settlement.
    Settlement,
}

impl PriceKind {
    /// The field that carries it.
    #[must_use]
    pub const fn field_id(self) -> u16 {
        match self {
            Self::High => field::HIGH,
            Self::Low => field::LOW,
            Self::Open => field::OPEN,
            Self::Close => field::CLOSE,
            Self::UpperLimit => field::UPPER_LIMIT,
            Self::LowerLimit => field::LOWER_LIMIT,
            Self::Settlement => field::SETTLEMENT,
        }
    }
}
