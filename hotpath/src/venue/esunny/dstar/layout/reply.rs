//! What the counter's library hands over: answers to requests, order notices, fills.
//!
//! Only the structs are known; how they are told apart on the stream is the library's. The structs
//! of v2 are public but for the notice; those of v3 are taken to differ in reference and order key
//! only (UNPROVEN). Widths of error codes are UNPROVEN. Times are text of whole seconds in a
//! format that is UNPROVEN too, so they are carried and not read.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::super::super::double::Double;
use super::generation::{KeyV2, KeyV3};
use crate::wire::{I32Le, I64Le, U16Le, U32Le, U64Le};

/// `RspUdpAuth`: whether the counter takes our datagrams.
///
/// 11 bytes, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct UdpAuthReply {
    /// `AccountIndex`.
    pub account_index: U16Le,
    /// `UdpAuthCode`.
    pub udp_auth_code: U32Le,
    /// `ReqIdMode`: that which will be applied.
    pub req_id_mode: u8,
    /// 0 if it does. UNPROVEN: four bytes.
    pub error: I32Le,
}
const _: () = assert!(size_of::<UdpAuthReply>() == 11 && align_of::<UdpAuthReply>() == 1);
const _: () = assert!(offset_of!(UdpAuthReply, error) == 7);

/// `RspOrderInsert`: the counter has taken an order, or refused it.
///
/// 79 bytes in v2, 91 in v3 (UNPROVEN), little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, packed)]
pub struct InsertReply<R, K> {
    /// `SeatIndex` that the order went to.
    pub seat: u8,
    /// `AccountNo`, NUL padded.
    pub account_no: [u8; 21],
    /// `ClientReqId` of the request.
    pub client_req_id: U32Le,
    /// `Reference` of the request.
    pub reference: R,
    /// `MaxClientReqId`: the greatest that the counter has taken from this account.
    pub max_client_req_id: U32Le,
    /// The counter's name of the order; `OrderNo` in v2.
    pub key: K,
    /// `InsertTime`, NUL padded.
    pub insert_time: [u8; 20],
    /// `ErrCode`: 0 if it was taken. UNPROVEN: four bytes.
    pub error: I32Le,
}
const _: () = assert!(size_of::<InsertReply<I32Le, KeyV2>>() == 79);
const _: () = assert!(size_of::<InsertReply<I64Le, KeyV3>>() == 91);
const _: () = assert!(offset_of!(InsertReply<I32Le, KeyV2>, client_req_id) == 22);
const _: () = assert!(offset_of!(InsertReply<I32Le, KeyV2>, reference) == 26);
const _: () = assert!(offset_of!(InsertReply<I32Le, KeyV2>, max_client_req_id) == 30);
const _: () = assert!(offset_of!(InsertReply<I32Le, KeyV2>, key) == 34);
const _: () = assert!(offset_of!(InsertReply<I32Le, KeyV2>, error) == 75);

/// Where an order stands. A cancellation that failed is told by a notice whose state is the one
/// before, with an error code.
///
/// 83 bytes in v2, 95 in v3, little-endian. UNPROVEN as a whole: that there are notices, their
/// states and how they tell a failed cancellation is known, their layout is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, packed)]
pub struct OrderNotice<R, K> {
    /// `ContractNo`, NUL padded.
    pub contract_no: [u8; 16],
    /// `Direct`, as in the request.
    pub direct: u8,
    /// `OrderState`, ASCII, raw; `OrderState::from_wire` gives it meaning.
    pub state: u8,
    /// `Reference` of the request.
    pub reference: R,
    /// The counter's name of the order.
    pub key: K,
    /// Lots asked for.
    pub qty_lots: U32Le,
    /// Lots filled so far.
    pub filled_lots: U32Le,
    /// Limit price, a double.
    pub price: Double,
    /// When, NUL padded.
    pub time: [u8; 20],
    /// 0 if nothing failed.
    pub error: I32Le,
}
const _: () = assert!(size_of::<OrderNotice<I32Le, KeyV2>>() == 83);
const _: () = assert!(size_of::<OrderNotice<I64Le, KeyV3>>() == 95);

/// A fill.
///
/// 251 bytes in v2, 255 in v3 (UNPROVEN), little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, packed)]
pub struct Match<R> {
    /// `ContractNo`, NUL padded.
    pub contract_no: [u8; 16],
    /// Lots of this fill.
    pub qty_lots: U32Le,
    /// Price of this fill, a double.
    pub price: Double,
    /// `Direct`. UNPROVEN: that it is the first of the four characters here.
    pub direct: u8,
    /// The other three characters. UNPROVEN: `Offset`, `Hedge` and one more.
    pub marks: [u8; 3],
    /// `Reference` of the order.
    pub reference: R,
    /// `SerialId`: number of the message on the counter's stream; names the fill.
    pub serial_id: U64Le,
    /// `OrderNo`, NUL padded.
    pub order_no: [u8; 21],
    /// `MatchNo`, NUL padded.
    pub match_no: [u8; 21],
    /// `MatchTime`, NUL padded.
    pub match_time: [u8; 20],
    /// `ExchMatchNo`: the exchange's name of the trade, NUL padded.
    pub exchange_match_no: [u8; 71],
    /// `SystemNo`: the exchange's name of the order, NUL padded.
    pub system_no: [u8; 21],
    /// Four amounts of money that are not used here.
    pub amounts: [Double; 4],
    /// `AccountNo`, NUL padded.
    pub account_no: [u8; 21],
}
const _: () = assert!(size_of::<Match<I32Le>>() == 251 && size_of::<Match<I64Le>>() == 255);
const _: () = assert!(offset_of!(Match<I32Le>, price) == 20);
const _: () = assert!(offset_of!(Match<I32Le>, reference) == 32);
const _: () = assert!(offset_of!(Match<I32Le>, serial_id) == 36);
const _: () = assert!(offset_of!(Match<I32Le>, system_no) == 177);
const _: () = assert!(offset_of!(Match<I32Le>, account_no) == 230);

/// `OrderState` of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum OrderState {
    /// The counter has received it.
    Received = b'0',
    /// It was accepted.
    Accepted = b'1',
    /// It is queued at the exchange.
    Queued = b'2',
    /// Applied for; of orders that the desk does not send.
    Applied = b'3',
    /// Suspended.
    Suspended = b'4',
    /// Triggered; of conditional orders.
    Triggered = b'5',
    /// Filled in part.
    PartFilled = b'6',
    /// Filled.
    Filled = b'7',
    /// It failed.
    Failed = b'8',
    /// The cancellation went well.
    CancelOk = b'9',
    /// The cancellation failed.
    CancelFailed = b'A',
    /// It was cancelled.
    Cancelled = b'B',
    /// What was left of it was cancelled.
    RemainderCancelled = b'C',
    /// It was deleted.
    Deleted = b'D',
}

impl OrderState {
    /// Every state, in the order of the codes.
    pub const ALL: [Self; 14] = [
        Self::Received,
        Self::Accepted,
        Self::Queued,
        Self::Applied,
        Self::Suspended,
        Self::Triggered,
        Self::PartFilled,
        Self::Filled,
        Self::Failed,
        Self::CancelOk,
        Self::CancelFailed,
        Self::Cancelled,
        Self::RemainderCancelled,
        Self::Deleted,
    ];

    /// The meaning of a wire value; `None` for one that is not in the table.
    #[inline(always)]
    #[must_use]
    pub const fn from_wire(value: u8) -> Option<Self> {
        Some(match value {
            b'0' => Self::Received,
            b'1' => Self::Accepted,
            b'2' => Self::Queued,
            b'3' => Self::Applied,
            b'4' => Self::Suspended,
            b'5' => Self::Triggered,
            b'6' => Self::PartFilled,
            b'7' => Self::Filled,
            b'8' => Self::Failed,
            b'9' => Self::CancelOk,
            b'A' => Self::CancelFailed,
            b'B' => Self::Cancelled,
            b'C' => Self::RemainderCancelled,
            b'D' => Self::Deleted,
            _ => return None,
        })
    }

    /// The wire value.
    #[must_use]
    pub const fn to_wire(self) -> u8 {
        match self {
            Self::Received => b'0',
            Self::Accepted => b'1',
            Self::Queued => b'2',
            Self::Applied => b'3',
            Self::Suspended => b'4',
            Self::Triggered => b'5',
            Self::PartFilled => b'6',
            Self::Filled => b'7',
            Self::Failed => b'8',
            Self::CancelOk => b'9',
            Self::CancelFailed => b'A',
            Self::Cancelled => b'B',
            Self::RemainderCancelled => b'C',
            Self::Deleted => b'D',
        }
    }
}
