//! The bytes of iLink 3: the frame around a message, and the blocks that an order session needs.
//!
//! A frame is `Sofh`, the SBE `MessageHeader`, one block, and for some messages groups behind it.
//! Blocks hold raw wire values; `Side` and `TimeInForce` give meaning to the two that the encoders
//! write. Source of every offset, tag and null: CME's `ilinkbinary.xml`, schema 8 version 9
//! (2025-11-04).

mod addendum;
mod block;
mod cl_ord_id;
mod logon;
mod mass;
mod order_report;
mod party;
mod reject_report;
mod request;
mod session;
mod spread_report;
mod status_report;
mod trade_report;

use bytemuck::{Pod, Zeroable};

pub use self::addendum::{
    AddendumEvent, AddendumLeg, LegAddendumEvent, SpreadAddendum, SpreadLegAddendum,
};
pub use self::block::{
    Block, Decimal32, Decimal64, Field, Message, NULL_CHAR, NULL_I32, NULL_I64, NULL_U8, NULL_U16,
    NULL_U32, NULL_U64,
};
pub use self::cl_ord_id::{ClOrdId, NotOurOrder};
pub use self::logon::{
    Establish, EstablishmentAck, EstablishmentReject, Negotiate, NegotiationReject,
    NegotiationResponse,
};
pub use self::mass::{
    AffectedOrder, MassAction, MassActionReport, MassStatusRequest, StatusRequest,
};
pub use self::order_report::{OrderCancelled, OrderEliminated, OrderModified, OrderNew};
pub use self::party::{PartyDetail, PartyDetailsAck, PartyDetailsRequest, Publication};
pub use self::reject_report::{BusinessReject, CancelRejected, OrderRejected, ReplaceRejected};
pub use self::request::{Cancel, NewOrder, Replace};
pub use self::session::{
    NotApplied, Retransmission, RetransmitReject, RetransmitRequest, Sequence, Terminate,
};
pub use self::spread_report::{SpreadFillEvent, SpreadFillLeg, TradeSpread, TradeSpreadLeg};
pub use self::status_report::{OrderStatus, PendingCancel, PendingReplace};
pub use self::trade_report::{FillEvent, FillPart, TradeAddendum, TradeOutright};
use crate::venue::cme::sbe::MessageHeader;
use crate::wire::U16Le;

/// Schema 8 is iLink 3.
pub const SCHEMA_ID: u16 = 8;
/// The oldest version whose blocks are as long as the ones here, but for the environment that
/// version 9 appended to 501, 502, 504 and 505: those are read on the cold side, with or without.
pub const OLDEST_VERSION: u16 = 8;
/// The version of the XML these layouts were checked against.
pub const NEWEST_VERSION: u16 = 9;
/// `Sofh::encoding` of Simple Binary Encoding 1.0, little-endian.
pub const ENCODING: u16 = 0xCAFE;

/// Simple Open Framing Header: starts every message on the stream.
///
/// 4 bytes, little-endian. Source: iLink 3 Message Header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Sofh {
    /// Length of the whole message, bytes, these four included.
    pub frame_len: U16Le,
    /// Always `ENCODING`.
    pub encoding: U16Le,
}
const _: () = assert!(size_of::<Sofh>() == 4);

/// A whole message without groups, as it goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, packed)]
pub struct Framed<M> {
    /// Length and encoding.
    pub sofh: Sofh,
    /// Which message.
    pub header: MessageHeader,
    /// The message.
    pub body: M,
}

impl<M: Message> Framed<M> {
    const FRAME_LEN: u16 = small(size_of::<Self>());
    const BLOCK_LEN: u16 = small(size_of::<M>());

    /// Puts the frame of schema `version` around `body`.
    pub const fn new(version: u16, body: M) -> Self {
        Self {
            sofh: Sofh { frame_len: U16Le::new(Self::FRAME_LEN), encoding: U16Le::new(ENCODING) },
            header: MessageHeader {
                block_len: U16Le::new(Self::BLOCK_LEN),
                template_id: U16Le::new(M::TEMPLATE_ID),
                schema_id: U16Le::new(SCHEMA_ID),
                version: U16Le::new(version),
            },
            body,
        }
    }
}

/// A size that the 16-bit length fields can hold. The compiler refuses any that is larger.
#[expect(clippy::as_conversions, reason = "const; the assertion above it makes it lossless")]
const fn small(len: usize) -> u16 {
    assert!(len <= 0xFFFF);
    len as u16
}

/// Tag 54 `Side`, the two that the desk sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Side {
    /// Buys.
    Buy = 1,
    /// Sells.
    Sell = 2,
}

impl Side {
    /// The wire value.
    #[inline(always)]
    pub const fn to_wire(self) -> u8 {
        match self {
            Self::Buy => 1,
            Self::Sell => 2,
        }
    }

    /// The meaning of a wire value; `None` for undisclosed (7) and for what the schema lacks.
    #[inline]
    pub const fn from_wire(value: u8) -> Option<Self> {
        match value {
            1 => Some(Self::Buy),
            2 => Some(Self::Sell),
            _ => None,
        }
    }
}

/// Tag 59 `TimeInForce`, the ones that end with the day or at once.
///
/// Good-till orders are left out on purpose: cancel-on-disconnect does not touch them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TimeInForce {
    /// Rests until the end of the trading day.
    Day = 0,
    /// Fills what it can at once (at least the minimum quantity, if given); the rest is gone.
    FillAndKill = 3,
    /// Fills whole at once or not at all.
    FillOrKill = 4,
}

impl TimeInForce {
    /// The wire value.
    #[inline(always)]
    pub const fn to_wire(self) -> u8 {
        match self {
            Self::Day => 0,
            Self::FillAndKill => 3,
            Self::FillOrKill => 4,
        }
    }

    /// The meaning of a wire value; `None` for the ones we do not send.
    #[inline]
    pub const fn from_wire(value: u8) -> Option<Self> {
        match value {
            0 => Some(Self::Day),
            3 => Some(Self::FillAndKill),
            4 => Some(Self::FillOrKill),
            _ => None,
        }
    }
}

/// Tag 40 `OrdType`: limit.
pub const ORD_TYPE_LIMIT: u8 = b'2';
/// Tag 1028 `ManualOrderIndicator`: sent by a machine.
pub const AUTOMATED: u8 = 0;
