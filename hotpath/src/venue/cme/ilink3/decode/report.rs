//! What the exchange says, by message, and one flat account of it for whoever follows orders.
//!
//! `Report` borrows the block where it lies, so every field is at hand; `Report::news` boils the
//! messages about orders down to the fields that all of them can answer. Of messages that tell the
//! desk nothing (legs of a listed spread, whose fill is told whole; requests that wait; quotes,
//! party details) only the number is read: they count in the session's sequence.

use super::Frame;
use crate::venue::cme::ilink3::layout::{
    BusinessReject, CancelRejected, ClOrdId, FillEvent, FillPart, MassActionReport, Message,
    NULL_U8, NotApplied, OrderCancelled, OrderEliminated, OrderModified, OrderNew, OrderRejected,
    OrderStatus, PartyDetailsAck, PendingCancel, PendingReplace, ReplaceRejected, Retransmission,
    RetransmitReject, Sequence, Side, SpreadAddendum, SpreadLegAddendum, Terminate, TradeAddendum,
    TradeOutright, TradeSpread, TradeSpreadLeg,
};
use crate::venue::cme::sbe::{Entries, SbeError};
use crate::wire::{self, U16Le, U32Le, U64Le};
use bytemuck::{Pod, Zeroable};
use core::mem::offset_of;

/// A message of the exchange that concerns the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report<'a> {
    /// 506: heartbeat, its request, or gap fill.
    Sequence(&'a Sequence),
    /// 507: the exchange ends the session.
    Terminate(&'a Terminate),
    /// 509: messages that were asked for follow.
    Retransmission(&'a Retransmission),
    /// 510: they do not.
    RetransmitReject(&'a RetransmitReject),
    /// 513: messages of ours are missing there.
    NotApplied(&'a NotApplied),
    /// 521: a message of ours was refused as a whole; `ref_seq_no` says which.
    BusinessReject(&'a BusinessReject),
    /// 522: in the book.
    New(&'a OrderNew),
    /// 523: refused.
    Rejected(&'a OrderRejected),
    /// 524: what was left of an order that may not rest is gone.
    Eliminated(&'a OrderEliminated),
    /// 525: a fill.
    Trade(Trade<'a>),
    /// 526: a fill of a spread that the exchange lists.
    SpreadTrade(&'a TradeSpread),
    /// 548: a fill is taken back or corrected.
    Addendum(&'a TradeAddendum),
    /// 549: a fill of a listed spread is.
    SpreadAddendum(&'a SpreadAddendum),
    /// 531: changed.
    Modified(&'a OrderModified),
    /// 532: how an order stands, as it was asked.
    Status(&'a OrderStatus),
    /// 562: what came of a mass action. The orders that it cancels are told one by one besides.
    MassAction(&'a MassActionReport),
    /// 534: cancelled.
    Cancelled(&'a OrderCancelled),
    /// 535: cancellation refused.
    CancelRejected(&'a CancelRejected),
    /// 536: change refused.
    ReplaceRejected(&'a ReplaceRejected),
    /// Another numbered message: nothing of it is read but its place in the session.
    Passed(Stamp),
}

/// What every numbered message of the exchange begins with.
///
/// 12 bytes, little-endian. Source: schema 8 version 9, all messages with `PossRetransFlag`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Numbered {
    /// Tag 9726 `SeqNum`.
    seq_no: U32Le,
    /// Tag 39001 `UUID`.
    uuid: U64Le,
}
const _: () = assert!(size_of::<Numbered>() == 12);

/// A fill and the groups behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade<'a> {
    /// The fill.
    pub block: &'a TradeOutright,
    groups: &'a [u8],
}

impl<'a> Trade<'a> {
    /// Which algorithm and which counterparties the fill came from.
    ///
    /// The fill itself does not depend on them, so they are only read on request.
    ///
    /// # Errors
    /// The groups are cut short, or their entries are shorter than ours.
    pub fn groups(&self) -> Result<(Entries<'a, FillPart>, Entries<'a, FillEvent>), SbeError> {
        let (parts, rest) = Entries::read(self.groups)?;
        let (events, _) = Entries::read(rest)?;
        Ok((parts, events))
    }
}

/// Reads a frame as a report; `Ok(None)` if it is none of those that concern the desk.
///
/// # Errors
/// `BlockTooShort` if the sender's block is shorter than ours.
#[inline]
pub fn report<'a>(frame: &Frame<'a>) -> Result<Option<Report<'a>>, SbeError> {
    Ok(Some(match frame.template_id {
        Sequence::TEMPLATE_ID => Report::Sequence(frame.block()?.0),
        Terminate::TEMPLATE_ID => Report::Terminate(frame.block()?.0),
        Retransmission::TEMPLATE_ID => Report::Retransmission(frame.block()?.0),
        RetransmitReject::TEMPLATE_ID => Report::RetransmitReject(frame.block()?.0),
        NotApplied::TEMPLATE_ID => Report::NotApplied(frame.block()?.0),
        BusinessReject::TEMPLATE_ID => Report::BusinessReject(frame.block()?.0),
        OrderNew::TEMPLATE_ID => Report::New(frame.block()?.0),
        OrderRejected::TEMPLATE_ID => Report::Rejected(frame.block()?.0),
        OrderEliminated::TEMPLATE_ID => Report::Eliminated(frame.block()?.0),
        TradeOutright::TEMPLATE_ID => {
            let (block, groups) = frame.block()?;
            Report::Trade(Trade { block, groups })
        }
        TradeSpread::TEMPLATE_ID => Report::SpreadTrade(frame.block()?.0),
        TradeAddendum::TEMPLATE_ID => Report::Addendum(frame.block()?.0),
        SpreadAddendum::TEMPLATE_ID => Report::SpreadAddendum(frame.block()?.0),
        OrderModified::TEMPLATE_ID => Report::Modified(frame.block()?.0),
        OrderStatus::TEMPLATE_ID => Report::Status(frame.block()?.0),
        MassActionReport::TEMPLATE_ID => Report::MassAction(frame.block()?.0),
        OrderCancelled::TEMPLATE_ID => Report::Cancelled(frame.block()?.0),
        CancelRejected::TEMPLATE_ID => Report::CancelRejected(frame.block()?.0),
        ReplaceRejected::TEMPLATE_ID => Report::ReplaceRejected(frame.block()?.0),
        _ => return passed(frame),
    }))
}

/// The place in the session of a message that is numbered and not read.
#[cold]
#[inline(never)]
fn passed<'a>(frame: &Frame<'a>) -> Result<Option<Report<'a>>, SbeError> {
    let Some(offset) = poss_retrans_offset(frame.template_id) else { return Ok(None) };
    let block = frame.body.get(..usize::from(frame.block_len)).unwrap_or(frame.body);
    let flag = *block.get(offset).ok_or(SbeError::BlockTooShort)?;
    let (numbered, _) = wire::take::<Numbered>(block).map_err(|_| SbeError::BlockTooShort)?;
    Ok(Some(Report::Passed(Stamp::business(numbered.uuid, numbered.seq_no, flag))))
}

/// Where `PossRetransFlag` lies in a message of the exchange that is numbered and not read; `None`
/// of all others. A template that no version up to 9 has cannot be told from one without a number:
/// if it has one, the message after it shows a gap, which is the safe side.
///
/// Source: schema 8 version 9, tag 9765, of the messages that have no layout here.
const fn poss_retrans_offset(template_id: u16) -> Option<usize> {
    Some(match template_id {
        PartyDetailsAck::TEMPLATE_ID => offset_of!(PartyDetailsAck, poss_retrans),
        TradeSpreadLeg::TEMPLATE_ID => offset_of!(TradeSpreadLeg, poss_retrans),
        SpreadLegAddendum::TEMPLATE_ID => offset_of!(SpreadLegAddendum, poss_retrans),
        PendingCancel::TEMPLATE_ID => offset_of!(PendingCancel, poss_retrans),
        PendingReplace::TEMPLATE_ID => offset_of!(PendingReplace, poss_retrans),
        538 => 91,
        545 => 341,
        546 => 349,
        561 => 428,
        563 => 342,
        571 => 339,
        _ => return None,
    })
}

/// Where a message stands in its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The session.
    pub uuid: u64,
    /// The message's number in it; `None` for messages of the session itself.
    pub seq_no: Option<u32>,
    /// Sent again in answer to a retransmit request: its number may be old.
    pub is_retransmitted: bool,
}

impl Stamp {
    const fn session(uuid: U64Le) -> Self {
        Self { uuid: uuid.get(), seq_no: None, is_retransmitted: false }
    }

    const fn business(uuid: U64Le, seq_no: U32Le, poss_retrans: u8) -> Self {
        Self { uuid: uuid.get(), seq_no: Some(seq_no.get()), is_retransmitted: poss_retrans != 0 }
    }
}

/// What happened to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewsKind {
    /// It is in the book.
    Accepted,
    /// It was refused.
    Rejected,
    /// The rest of an order that may not rest is gone.
    Eliminated,
    /// It traded.
    Filled,
    /// A fill of it is taken back; `fill` says which price and quantity.
    TradeCancelled,
    /// A fill of it is corrected; `fill` says to what.
    TradeCorrected,
    /// It was changed.
    Modified,
    /// It was cancelled.
    Cancelled,
    /// It could not be cancelled.
    CancelRejected,
    /// It could not be changed.
    ReplaceRejected,
}

/// How far an order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Filled so far, contracts.
    pub cum_lots: u32,
    /// Still open, contracts.
    pub leaves_lots: u32,
}

/// One fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Price, units of 1e-9.
    pub last_e9: i64,
    /// Quantity, contracts.
    pub last_lots: u32,
}

/// What a report says about one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderNews {
    /// What happened.
    pub kind: NewsKind,
    /// Our name of the order; `ClOrdId::order` gives the number if it is ours.
    pub cl_ord_id: ClOrdId,
    /// The exchange's name of the order.
    pub order_id: u64,
    /// The request that this answers, as we numbered it; 0 if it answers none.
    pub request_id: u64,
    /// `exec_digest` of the execution's name.
    pub exec_id: u64,
    /// Buy or sell; `None` if the message does not say.
    pub side: Option<Side>,
    /// The fill, if this is one.
    pub fill: Option<Fill>,
    /// How far the order has come; `None` if the message does not say.
    pub progress: Option<Progress>,
    /// Code of the refusal, or of a change that nobody asked for.
    pub reason: Option<u16>,
    /// When the exchange did it, ns since 1970.
    pub transact_ns: u64,
}

/// Sixty-four bits that stand for the 40 characters of an `ExecID`; 0 for no text.
///
/// Not cryptographic. Each word is folded in by steps that can be undone, so two names that differ
/// in only one of the five eight-character words never share a digest.
#[inline]
pub fn exec_digest(exec_id: &[u8; 40]) -> u64 {
    let words: &[U64Le; 5] = bytemuck::cast_ref(exec_id);
    words.iter().fold(0, |digest: u64, word| {
        let mixed = (digest ^ word.get()).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed ^ (mixed >> 29)
    })
}

/// The fields that all reports of an order have under the same names.
macro_rules! news {
    ($kind:ident, $block:expr) => {
        OrderNews {
            kind: NewsKind::$kind,
            cl_ord_id: $block.cl_ord_id,
            order_id: $block.order_id.get(),
            request_id: $block.request_id.get(),
            exec_id: exec_digest(&$block.exec_id),
            side: None,
            fill: None,
            progress: None,
            reason: None,
            transact_ns: $block.transact_ns.get(),
        }
    };
}

/// A fill that is taken back or corrected, of whatever was traded.
macro_rules! amended {
    ($block:expr) => {
        OrderNews {
            kind: match $block.exec_type {
                b'G' => NewsKind::TradeCorrected,
                // `H`; the schema knows no third.
                _ => NewsKind::TradeCancelled,
            },
            cl_ord_id: $block.cl_ord_id,
            order_id: $block.order_id.get(),
            request_id: 0,
            exec_id: exec_digest(&$block.exec_id),
            side: Side::from_wire($block.side),
            fill: Some(Fill { last_e9: $block.last_e9.get(), last_lots: $block.last_lots.get() }),
            progress: None,
            reason: None,
            transact_ns: $block.transact_ns.get(),
        }
    };
}

impl Report<'_> {
    /// Where the message stands in its session.
    #[inline]
    pub fn stamp(&self) -> Stamp {
        match *self {
            Self::Sequence(block) => Stamp::session(block.uuid),
            Self::Terminate(block) => Stamp::session(block.uuid),
            Self::Retransmission(block) => Stamp::session(block.uuid),
            Self::RetransmitReject(block) => Stamp::session(block.uuid),
            Self::NotApplied(block) => Stamp::session(block.uuid),
            Self::BusinessReject(b) => Stamp::business(b.uuid, b.seq_no, b.poss_retrans),
            Self::New(b) => Stamp::business(b.uuid, b.seq_no, b.poss_retrans),
            Self::Rejected(b) => Stamp::business(b.uuid, b.seq_no, b.poss_retrans),
            Self::Eliminated(b) => Stamp::business(b.uuid, b.seq_no, b.poss_retrans),
            Self::Trade(t) => Stamp::business(t.block.uuid, t.block.seq_no, t.block.poss_retrans),
            Self::SpreadTrade(b) => Stamp::business(b.uuid, b.seq_no, b.poss_retrans),
            Self::Addendum(b) => Stamp::business(b.uuid, b.seq_no, b.poss_retrans),
            Self::SpreadAddendum(b) => Stamp::business(b.uuid, b.seq_no, b.poss_retrans),
            Self::Status(b) => Stamp::business(b.uuid, b.seq_no, b.poss_retrans),
            Self::MassAction(b) => Stamp::business(b.uuid, b.seq_no, b.poss_retrans),
            Self::Passed(stamp) => stamp,
            Self::Modified(b) => Stamp::business(b.uuid, b.seq_no, b.poss_retrans),
            Self::Cancelled(b) => Stamp::business(b.uuid, b.seq_no, b.poss_retrans),
            Self::CancelRejected(b) => Stamp::business(b.uuid, b.seq_no, b.poss_retrans),
            Self::ReplaceRejected(b) => Stamp::business(b.uuid, b.seq_no, b.poss_retrans),
        }
    }

    /// What the report says about an order; `None` if it is about the session or a message.
    #[inline]
    pub fn news(&self) -> Option<OrderNews> {
        Some(match *self {
            Self::Sequence(_)
            | Self::Terminate(_)
            | Self::Retransmission(_)
            | Self::RetransmitReject(_)
            | Self::NotApplied(_)
            | Self::MassAction(_)
            | Self::Passed(_)
            | Self::BusinessReject(_) => return None,
            Self::New(block) => OrderNews {
                side: Side::from_wire(block.side),
                progress: progress(0, block.qty_lots.get()),
                ..news!(Accepted, block)
            },
            Self::Rejected(block) => OrderNews {
                side: Side::from_wire(block.side),
                progress: progress(0, 0),
                reason: reason(block.reject_reason),
                ..news!(Rejected, block)
            },
            Self::Eliminated(block) => OrderNews {
                side: Side::from_wire(block.side),
                progress: progress(block.cum_lots.get(), 0),
                ..news!(Eliminated, block)
            },
            Self::Trade(Trade { block, .. }) => filled(block),
            Self::SpreadTrade(block) => OrderNews {
                side: Side::from_wire(block.side),
                fill: Some(Fill { last_e9: block.last_e9.get(), last_lots: block.last_lots.get() }),
                progress: progress(block.cum_lots.get(), block.leaves_lots.get()),
                ..news!(Filled, block)
            },
            Self::Addendum(block) => {
                OrderNews { reason: restatement(block.restatement), ..amended!(block) }
            }
            Self::SpreadAddendum(block) => amended!(block),
            Self::Modified(block) => OrderNews {
                side: Side::from_wire(block.side),
                progress: progress(block.cum_lots.get(), block.leaves_lots.get()),
                ..news!(Modified, block)
            },
            Self::Status(block) => OrderNews {
                side: Side::from_wire(block.side),
                progress: progress(block.cum_lots.get(), block.leaves_lots.get()),
                kind: standing(block.ord_status)?,
                ..news!(Accepted, block)
            },
            Self::Cancelled(block) => OrderNews {
                side: Side::from_wire(block.side),
                progress: progress(block.cum_lots.get(), 0),
                reason: restatement(block.restatement),
                ..news!(Cancelled, block)
            },
            Self::CancelRejected(block) => {
                OrderNews { reason: reason(block.reject_reason), ..news!(CancelRejected, block) }
            }
            Self::ReplaceRejected(block) => {
                OrderNews { reason: reason(block.reject_reason), ..news!(ReplaceRejected, block) }
            }
        })
    }
}

/// What the state of an order (tag 39) says, as news; `None` if nothing follows from it.
const fn standing(ord_status: u8) -> Option<NewsKind> {
    Some(match ord_status {
        // New, partially filled, replaced; a cancel or a change is pending: it works.
        b'0' | b'1' | b'5' | b'6' | b'E' => NewsKind::Accepted,
        // Filled, cancelled, expired. How much of it was filled stands beside it.
        b'2' | b'4' | b'C' => NewsKind::Cancelled,
        b'8' => NewsKind::Rejected,
        // Undefined, and what the schema does not know.
        _ => return None,
    })
}

#[inline]
fn filled(block: &TradeOutright) -> OrderNews {
    OrderNews {
        side: Side::from_wire(block.side),
        fill: Some(Fill { last_e9: block.last_e9.get(), last_lots: block.last_lots.get() }),
        progress: progress(block.cum_lots.get(), block.leaves_lots.get()),
        reason: restatement(block.restatement),
        ..news!(Filled, block)
    }
}

const fn progress(cum_lots: u32, leaves_lots: u32) -> Option<Progress> {
    Some(Progress { cum_lots, leaves_lots })
}

const fn reason(code: U16Le) -> Option<u16> {
    Some(code.get())
}

fn restatement(code: u8) -> Option<u16> {
    (code != NULL_U8).then_some(u16::from(code))
}
