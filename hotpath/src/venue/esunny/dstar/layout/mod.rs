//! The bytes of DSTAR: two generations of headers, three requests, and the replies.
//!
//! Everything is byte-packed and little-endian. The generations differ in their header, in the
//! width of `Reference`, in the key that a cancellation names an order by, and in their message
//! codes; `Generation` holds these differences, the structs are shared. Source of every offset: the
//! vendor's trade API headers, v2 of 2020-21 and v3 (`DSTAR_API_PROTOCOL_VERSION` 3).
//!
//! Not here: two-sided quotes (`OfferInsert`) and combination orders, which the desk does not send.

mod generation;
mod reply;
mod request;

pub use self::generation::{
    Framed, Generation, Header, HeaderV2, HeaderV3, Key, KeyV2, KeyV3, Reference, V2, V3,
};
pub use self::reply::{InsertReply, Match, OrderNotice, OrderState, UdpAuthReply};
pub use self::request::{OrderDelete, OrderInsert, UdpAuth};

/// Longest datagram that a v3 counter takes, bytes; several messages may lie in one.
pub const MAX_DATAGRAM_LEN: usize = 1_024;

/// `Direct`: buy.
pub const DIRECT_BUY: u8 = b'B';
/// `Direct`: sell.
pub const DIRECT_SELL: u8 = b'S';

/// `Offset`: opens.
pub const OFFSET_OPEN: u8 = b'O';
/// `Offset`: closes. UNPROVEN: what it closes where the exchange tells today's position from
/// yesterday's; taken as yesterday's here.
pub const OFFSET_CLOSE: u8 = b'C';

/// `Hedge`: 投机.
pub const HEDGE_SPECULATE: u8 = b'T';
/// `Hedge`: 套保.
pub const HEDGE_HEDGE: u8 = b'B';

/// `OrderType`: limit.
pub const ORDER_TYPE_LIMIT: u8 = b'2';

/// `ValidType`: all at once or nothing.
pub const VALID_FOK: u8 = b'1';
/// `ValidType`: what is there, the rest is gone.
pub const VALID_IOC: u8 = b'2';
/// `ValidType`: until the end of the trading day.
pub const VALID_GFD: u8 = b'3';

/// `SeatIndex`: the counter takes its seats in turn.
pub const SEAT_ROUND_ROBIN: u8 = 0;

/// How the counter checks `ClientReqId`: `UdpAuth.ReqIdMode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ReqIdMode {
    /// Not at all: a datagram that the network doubles is two orders.
    Unchecked = 0,
    /// Each must be greater than all before.
    Increasing = 1,
    /// Each must be the one after the last.
    Consecutive = 2,
}

impl ReqIdMode {
    /// The wire value.
    #[must_use]
    pub const fn to_wire(self) -> u8 {
        match self {
            Self::Unchecked => 0,
            Self::Increasing => 1,
            Self::Consecutive => 2,
        }
    }

    /// The meaning of a wire value.
    #[must_use]
    pub const fn from_wire(value: u8) -> Option<Self> {
        match value {
            0 => Some(Self::Unchecked),
            1 => Some(Self::Increasing),
            2 => Some(Self::Consecutive),
            _ => None,
        }
    }
}
