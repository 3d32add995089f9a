//! MDQP as it lies on the wire, little-endian: message header and field bodies.
//!
//! A field is `u16 id, u16 size, body`, as in MIRP. Texts are padded with NUL; doubles are kept as
//! their bits. VERIFIED throughout, on the byte vectors of the specification's appendix, but for
//! `LevelField`, which no vector holds (SOURCED in two unrelated public decoders).

use bytemuck::{Pod, Zeroable};
use std::mem::offset_of;
use xmc_hotpath::wire::{I16Le, I32Le, U16Le, U64Le};

/// In front of every MDQP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct MdqpHeader {
    /// Low nibble: version, 1. `LAST_PACKET`: the snapshot ends with this message. On other
    /// messages it means nothing that could be relied on: the vectors have it on snapshots only.
    pub flag: u8,
    /// Which message: `kind`.
    pub type_id: u8,
    /// Bytes after this header.
    pub length: U16Le,
    /// Number that a reply has in common with its request.
    pub request_id: I32Le,
}

const _: () = assert!(size_of::<MdqpHeader>() == 8 && offset_of!(MdqpHeader, request_id) == 4);

/// `MdqpHeader::flag`, low nibble.
pub const VERSION: u8 = 1;
/// `MdqpHeader::flag`.
pub const LAST_PACKET: u8 = 0x10;

/// Message types.
pub mod kind {
    /// No field.
    pub const HEARTBEAT: u8 = 0x00;
    /// `field::LOGIN_REQUEST`.
    pub const LOGIN_REQUEST: u8 = 0x11;
    /// `field::OUTCOME`, `field::LOGIN_SESSION`.
    pub const LOGIN_RESPONSE: u8 = 0x12;
    /// `field::LOGOUT_REQUEST`.
    pub const LOGOUT_REQUEST: u8 = 0x13;
    /// `field::OUTCOME`, `field::LOGOUT_RESPONSE`.
    pub const LOGOUT_RESPONSE: u8 = 0x14;
    /// `field::TOPIC`.
    pub const SNAPSHOT_REQUEST: u8 = 0x31;
    /// The state of a topic: see `field`.
    pub const SNAPSHOT_RESPONSE: u8 = 0x32;
    /// `field::PACKET_RANGE`.
    pub const INCREMENTAL_REQUEST: u8 = 0x33;
    /// `field::MIRP_PACKET`, several.
    pub const INCREMENTAL_RESPONSE: u8 = 0x34;
}

/// Field ids. Which of two meanings an id has, its message says.
pub mod field {
    /// A whole MIRP datagram, header included.
    pub const MIRP_PACKET: u16 = 0x0000;
    /// `OutcomeField`.
    pub const OUTCOME: u16 = 0x0001;
    /// `LoginField`.
    pub const LOGIN_REQUEST: u16 = 0x0002;
    /// `LoginSessionField`.
    pub const LOGIN_SESSION: u16 = 0x0003;
    /// `UserField`, asking.
    pub const LOGOUT_REQUEST: u16 = 0x0004;
    /// `UserField`, answering.
    pub const LOGOUT_RESPONSE: u16 = 0x0005;
    /// `TradingDayField`.
    pub const TRADING_DAY: u16 = 0x0031;
    /// `CenterChange` of MIRP, several.
    pub const CENTER_CHANGE: u16 = 0x0032;
    /// `ContractField`.
    pub const CONTRACT: u16 = 0x0101;
    /// `StateField`.
    pub const STATE: u16 = 0x0102;
    /// `LevelField`.
    pub const LEVEL: u16 = 0x0103;
    /// `PacketRangeField`.
    pub const PACKET_RANGE: u16 = 0x0201;
    /// `TopicField`.
    pub const TOPIC: u16 = 0x1001;
    /// `SnapTimeField`.
    pub const SNAP_TIME: u16 = 0x1002;
    /// `DepthField`.
    pub const DEPTH: u16 = 0x1003;
    /// `PacketNoField`.
    pub const PACKET_NO: u16 = 0x1004;
}

/// 0x0002: who logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct LoginField {
    /// User.
    pub user_id: [u8; 16],
    /// Member of the exchange.
    pub participant_id: [u8; 11],
    /// Password, plain.
    pub password: [u8; 41],
    /// Language of error messages; `0` in the vector.
    pub language: u8,
    /// Name of the user's program.
    pub user_product: [u8; 41],
    /// Name of the interface's program.
    pub interface_product: [u8; 41],
}

const _: () = assert!(size_of::<LoginField>() == 151 && offset_of!(LoginField, language) == 68);

/// 0x0001: whether a request was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct OutcomeField {
    /// 0: it was.
    pub error_id: I32Le,
    /// Why not, in GBK.
    pub error_message: [u8; 81],
}

const _: () = assert!(size_of::<OutcomeField>() == 85);

/// 0x0003: the session that a login began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct LoginSessionField {
    /// YYYYMMDD, the day that a night session belongs to.
    pub trading_day: [u8; 9],
    /// HH:MM:SS.
    pub login_time: [u8; 9],
    /// User.
    pub user_id: [u8; 16],
    /// Member of the exchange.
    pub participant_id: [u8; 11],
    /// Name of the venue's system.
    pub trading_system: [u8; 61],
    /// YYYYMMDD, the day on the calendar.
    pub action_day: [u8; 9],
}

const _: () = assert!(size_of::<LoginSessionField>() == 115);
const _: () = assert!(offset_of!(LoginSessionField, trading_system) == 45);

/// 0x0004 and 0x0005: who logs out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct UserField {
    /// User.
    pub user_id: [u8; 16],
    /// Member of the exchange.
    pub participant_id: [u8; 11],
}

const _: () = assert!(size_of::<UserField>() == 27);

/// 0x1001: a topic at a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct TopicField {
    /// Topic.
    pub topic_id: I16Le,
    /// Slice; `LATEST_SNAP` in a request.
    pub snap_no: I32Le,
}

const _: () = assert!(size_of::<TopicField>() == 6);

/// `TopicField::snap_no`: the newest slice.
pub const LATEST_SNAP: i32 = -1;

/// 0x0031: the day of the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct TradingDayField {
    /// YYYYMMDD, the day that a night session belongs to.
    pub trading_day: [u8; 9],
    /// Settlement group.
    pub settlement_group: [u8; 9],
    /// Number of the settlement.
    pub settlement_id: I32Le,
}

const _: () = assert!(size_of::<TradingDayField>() == 22);

/// 0x1003: depth of the topic, and whether its multicast is enciphered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct DepthField {
    /// Levels a side.
    pub market_data_depth: I32Le,
    /// `NO_CIPHER`, or another letter.
    pub cipher: u8,
    /// Key.
    pub key: [u8; 16],
    /// Initial vector.
    pub iv: [u8; 16],
}

const _: () = assert!(size_of::<DepthField>() == 37 && offset_of!(DepthField, key) == 5);

/// `DepthField::cipher`: plain.
pub const NO_CIPHER: u8 = b'0';

/// 0x1002: when the slice was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SnapTimeField {
    /// YYYYMMDD on the calendar.
    pub snap_date: [u8; 9],
    /// HH:MM:SS.
    pub snap_time: [u8; 9],
    /// Milliseconds within that second.
    pub snap_millis: I32Le,
}

const _: () = assert!(size_of::<SnapTimeField>() == 22);

/// 0x1004: the last packet that the snapshot includes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct PacketNoField {
    /// Its number.
    pub packet_no: I32Le,
}

const _: () = assert!(size_of::<PacketNoField>() == 4);

/// 0x0101: what does not change of an instrument during the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ContractField {
    /// Code of the instrument (`al1201`).
    pub instrument_id: [u8; 31],
    /// Code of what it is derived from (`al`).
    pub underlying_id: [u8; 31],
    /// `1` in the vector, which holds futures.
    pub product_class: u8,
    /// Strike price, bits of a double.
    pub strike: U64Le,
    /// `0` in the vector, which holds no options.
    pub options_type: u8,
    /// Units of the underlying in one lot.
    pub volume_multiple: I32Le,
    /// Bits of a double.
    pub underlying_multiple: U64Le,
    /// Whether it can be traded.
    pub is_trading: I32Le,
    /// Currency of the price (`CNY`).
    pub currency: [u8; 4],
    /// Price tick, bits of a double.
    pub price_tick: U64Le,
    /// Price that all offsets count from, bits of a double.
    pub codec_price: U64Le,
    /// The venue's number of it in MIRP.
    pub instrument_no: I32Le,
}

const _: () = assert!(size_of::<ContractField>() == 112);
const _: () = assert!(offset_of!(ContractField, product_class) == 62);
const _: () = assert!(offset_of!(ContractField, strike) == 63);
const _: () = assert!(offset_of!(ContractField, volume_multiple) == 72);
const _: () = assert!(offset_of!(ContractField, is_trading) == 84);
const _: () = assert!(offset_of!(ContractField, price_tick) == 92);
const _: () = assert!(offset_of!(ContractField, codec_price) == 100);
const _: () = assert!(offset_of!(ContractField, instrument_no) == 108);

/// 0x0102: what has happened to an instrument. All prices and amounts are bits of doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct StateField {
    /// The venue's number.
    pub instrument_no: I32Le,
    /// Price of the last trade.
    pub last: U64Le,
    /// Lots traded today.
    pub volume: I32Le,
    /// Money traded today.
    pub turnover: U64Le,
    /// Lots open.
    pub open_interest: U64Le,
    /// The day's highest price.
    pub high: U64Le,
    /// The day's lowest price.
    pub low: U64Le,
    /// Opening price.
    pub open: U64Le,
    /// Closing price.
    pub close: U64Le,
    /// Settlement price.
    pub settlement: U64Le,
    /// Upper limit.
    pub upper_limit: U64Le,
    /// Lower limit.
    pub lower_limit: U64Le,
    /// Settlement price of the day before.
    pub pre_settlement: U64Le,
    /// Closing price of the day before.
    pub pre_close: U64Le,
    /// Lots open at the end of the day before.
    pub pre_open_interest: U64Le,
    /// Delta of the day before (options).
    pub pre_delta: U64Le,
    /// Delta (options).
    pub delta: U64Le,
    /// YYYYMMDD on the calendar.
    pub action_day: [u8; 9],
    /// HH:MM:SS.
    pub update_time: [u8; 9],
    /// Milliseconds within that second.
    pub update_millis: I32Le,
    /// Number of the instrument's last change.
    pub change_no: I32Le,
}

const _: () = assert!(size_of::<StateField>() == 154);
const _: () = assert!(offset_of!(StateField, last) == 4);
const _: () = assert!(offset_of!(StateField, turnover) == 16);
const _: () = assert!(offset_of!(StateField, high) == 32);
const _: () = assert!(offset_of!(StateField, upper_limit) == 72);
const _: () = assert!(offset_of!(StateField, delta) == 120);
const _: () = assert!(offset_of!(StateField, action_day) == 128);
const _: () = assert!(offset_of!(StateField, change_no) == 150);

/// 0x0103: a level of the book. SOURCED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct LevelField {
    /// The venue's number of the instrument.
    pub instrument_no: I32Le,
    /// `0` bid, `1` ask.
    pub side: u8,
    /// Price, bits of a double.
    pub price: U64Le,
    /// Lots.
    pub volume: I32Le,
}

const _: () = assert!(size_of::<LevelField>() == 17 && offset_of!(LevelField, price) == 5);

/// 0x0201: packets that are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct PacketRangeField {
    /// Topic.
    pub topic_id: I16Le,
    /// The first of them.
    pub start_packet_no: I32Le,
    /// The last of them.
    pub end_packet_no: I32Le,
}

const _: () = assert!(size_of::<PacketRangeField>() == 10);
