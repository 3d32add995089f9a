//! The counter's replies: from the bytes of a struct to what it says about an order.
//!
//! Which struct it is comes with it (from the library's call-back, or from the simulated framing).
//! A struct is read in place, never trusted: a length, a state or a price that is not known is a
//! typed error or `Unknown`, never a guess. What an order's earlier replies said is the session's.

use super::super::double::Double;
use super::layout::{
    DIRECT_BUY, DIRECT_SELL, Generation, InsertReply, Match, OrderNotice, OrderState, UdpAuthReply,
};
use crate::message::{OrderEventKind, Side};
use crate::wire::{self, U32Le};

/// Which struct a reply is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// `UdpAuthReply`.
    UdpAuth,
    /// `InsertReply`.
    Insert,
    /// `OrderNotice`.
    Notice,
    /// `Match`.
    Match,
    /// The greatest `ClientReqId` that the counter has taken, as four bytes.
    LastRequest,
}

/// A reply whose length is not that of its struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLen {
    /// Which struct.
    pub kind: ReplyKind,
    /// Bytes that came.
    pub len: usize,
}

/// A reply, read in place.
#[derive(Clone, Copy, Debug)]
pub enum Reply<'a, G: Generation> {
    /// Whether the counter takes our datagrams.
    UdpAuth(&'a UdpAuthReply),
    /// An order was taken or refused.
    Insert(&'a InsertReply<G::Reference, G::Key>),
    /// Where an order stands.
    Notice(&'a OrderNotice<G::Reference, G::Key>),
    /// A fill.
    Match(&'a Match<G::Reference>),
    /// The greatest `ClientReqId` that the counter has taken.
    LastRequest(u32),
}

/// Reads the struct of that kind.
///
/// # Errors
/// `BadLen` if `bytes` is not exactly as long as the struct.
#[inline]
pub fn reply<G: Generation>(kind: ReplyKind, bytes: &[u8]) -> Result<Reply<'_, G>, BadLen> {
    let read = match kind {
        ReplyKind::UdpAuth => whole(bytes).map(Reply::UdpAuth),
        ReplyKind::Insert => whole(bytes).map(Reply::Insert),
        ReplyKind::Notice => whole(bytes).map(Reply::Notice),
        ReplyKind::Match => whole(bytes).map(Reply::Match),
        ReplyKind::LastRequest => {
            whole::<U32Le>(bytes).map(|number| Reply::LastRequest(number.get()))
        }
    };
    read.ok_or(BadLen { kind, len: bytes.len() })
}

#[inline(always)]
fn whole<T: bytemuck::AnyBitPattern>(bytes: &[u8]) -> Option<&T> {
    wire::take(bytes).ok().filter(|(_, rest)| rest.is_empty()).map(|(record, _)| record)
}

/// The side of a `Direct`; `None` if it is neither.
#[inline]
#[must_use]
pub fn side(direct: u8) -> Option<Side> {
    match direct {
        DIRECT_BUY => Some(Side::Buy),
        DIRECT_SELL => Some(Side::Sell),
        _ => None,
    }
}

/// The price of a double that a price can be.
#[inline]
#[must_use]
pub fn price_e9(price: Double) -> Option<i64> {
    price.price_e9()
}

/// What a notice says has happened to its order; `None` if it is no news.
///
/// Fills are told by their own struct, so the states of filling are none. A state that our orders
/// cannot be in, or that is not in the table, is `Unknown`: somebody has to look. UNPROVEN: that
/// `CancelOk` speaks of the order and not of the request.
#[inline]
#[must_use]
pub fn notice_kind(state: u8, error: i32) -> Option<OrderEventKind> {
    let Some(state) = OrderState::from_wire(state) else {
        return Some(OrderEventKind::Unknown);
    };
    match state {
        OrderState::Received
        | OrderState::Accepted
        | OrderState::Queued
        | OrderState::PartFilled
        | OrderState::Filled
            if error != 0 =>
        {
            Some(OrderEventKind::CancelRejected)
        }
        OrderState::Received | OrderState::Accepted | OrderState::Queued => {
            Some(OrderEventKind::Accepted)
        }
        OrderState::PartFilled | OrderState::Filled => None,
        OrderState::Failed => Some(OrderEventKind::Rejected),
        OrderState::CancelFailed => Some(OrderEventKind::CancelRejected),
        OrderState::CancelOk | OrderState::Cancelled | OrderState::RemainderCancelled => {
            Some(OrderEventKind::Cancelled)
        }
        OrderState::Applied
        | OrderState::Suspended
        | OrderState::Triggered
        | OrderState::Deleted => Some(OrderEventKind::Unknown),
    }
}
