//! What the exchange has sent to a client this week, by session, and sends again when it is asked.
//!
//! Only numbered messages are kept: those are the recoverable ones. They are sent again as they
//! were, with `PossRetransFlag` set, and keep the UUID under which they were sent first. A
//! retransmission takes its time (`OrderRules`), so that live messages come in between and a second
//! request can find the first one in progress.
//!
//! Codes of refusals: CME's page "Retransmit Reject" (457227584). Simplified: the newest messages
//! of a session are kept, not all of a week. UNPROVEN: that a range which is only partly there is
//! refused as a whole.

use std::collections::VecDeque;
use std::mem::offset_of;
use xmc_hotpath::time::{MonoNs, Span};
use xmc_hotpath::venue::cme::ilink3::layout::{
    BusinessReject, CancelRejected, Message, OrderCancelled, OrderEliminated, OrderModified,
    OrderNew, OrderRejected, OrderStatus, PartyDetailsAck, ReplaceRejected, TradeAddendum,
    TradeOutright,
};

/// Messages of one request, at most: CME's limit.
pub(super) const MOST_RESENT: u16 = 2_500;

/// Messages of one session that are kept.
const MOST_KEPT: usize = 1 << 16;

/// Where a block begins: the frame's length and encoding, then the SBE header.
const BLOCK_AT: usize = 12;

/// Why nothing is sent again: tag 39012 of 510.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum NotResent {
    OutOfRange = 0,
    Uuid = 1,
    Limit = 2,
    InProgress = 3,
    FromSeqNo = 5,
}

impl NotResent {
    pub const fn words(self) -> &'static str {
        match self {
            Self::OutOfRange => "OutOfRange",
            Self::Uuid => "InvalidUUID",
            Self::Limit => "RequestLimitExceeded",
            Self::InProgress => "RetransmitAlreadyInProgress",
            Self::FromSeqNo => "InvalidFromSeqNo",
        }
    }
}

#[derive(Debug)]
struct Kept {
    uuid: u64,
    /// The number of the first message that is kept.
    first: u32,
    frames: VecDeque<Vec<u8>>,
}

/// All of a week, the newest session last.
#[derive(Debug)]
pub(super) struct SentMessages(Vec<Kept>);

impl SentMessages {
    /// A week in which nobody has negotiated anything: what is sent now has UUID 0.
    pub fn new() -> Self {
        let mut all = Self(Vec::new());
        all.begin(0);
        all
    }

    /// A session begins.
    pub fn begin(&mut self, uuid: u64) {
        self.0.push(Kept { uuid, first: 1, frames: VecDeque::new() });
    }

    /// A numbered message of the newest session.
    pub fn push(&mut self, frame: &[u8]) {
        let Some(kept) = self.0.last_mut() else { return };
        kept.frames.push_back(frame.to_vec());
        if kept.frames.len() > MOST_KEPT {
            kept.frames.pop_front();
            kept.first += 1;
        }
    }

    /// Messages `from` on of session `uuid`, as they are sent again; `count` 0 means all there
    /// are, up to the limit.
    pub fn again(&self, uuid: u64, from: u32, count: u16) -> Result<Vec<Vec<u8>>, NotResent> {
        let kept = self.0.iter().rev().find(|kept| kept.uuid == uuid).ok_or(NotResent::Uuid)?;
        if count > MOST_RESENT {
            return Err(NotResent::Limit);
        }
        if from == 0 {
            return Err(NotResent::FromSeqNo);
        }
        let skipped = from.checked_sub(kept.first).ok_or(NotResent::OutOfRange)?;
        let skipped = usize::try_from(skipped).expect("numbers are addresses");
        let there = kept.frames.len().saturating_sub(skipped);
        let wanted = if count == 0 { there.min(MOST_RESENT.into()) } else { count.into() };
        if wanted == 0 || wanted > there {
            return Err(NotResent::OutOfRange);
        }
        Ok(kept.frames.iter().skip(skipped).take(wanted).map(|frame| marked(frame)).collect())
    }
}

/// The message with `PossRetransFlag` set.
fn marked(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let template_id = u16::from_le_bytes([frame[6], frame[7]]);
    if let Some(offset) = poss_retrans(template_id) {
        frame[BLOCK_AT + offset] = 1;
    }
    frame
}

/// Where `PossRetransFlag` is in the block of a message that has a number.
pub(super) const fn poss_retrans(template_id: u16) -> Option<usize> {
    Some(match template_id {
        OrderNew::TEMPLATE_ID => offset_of!(OrderNew, poss_retrans),
        OrderRejected::TEMPLATE_ID => offset_of!(OrderRejected, poss_retrans),
        OrderEliminated::TEMPLATE_ID => offset_of!(OrderEliminated, poss_retrans),
        TradeOutright::TEMPLATE_ID => offset_of!(TradeOutright, poss_retrans),
        TradeAddendum::TEMPLATE_ID => offset_of!(TradeAddendum, poss_retrans),
        OrderModified::TEMPLATE_ID => offset_of!(OrderModified, poss_retrans),
        OrderStatus::TEMPLATE_ID => offset_of!(OrderStatus, poss_retrans),
        OrderCancelled::TEMPLATE_ID => offset_of!(OrderCancelled, poss_retrans),
        CancelRejected::TEMPLATE_ID => offset_of!(CancelRejected, poss_retrans),
        ReplaceRejected::TEMPLATE_ID => offset_of!(ReplaceRejected, poss_retrans),
        PartyDetailsAck::TEMPLATE_ID => offset_of!(PartyDetailsAck, poss_retrans),
        BusinessReject::TEMPLATE_ID => offset_of!(BusinessReject, poss_retrans),
        _ => return None,
    })
}

/// A retransmission that is under way.
#[derive(Debug)]
pub(super) struct Resending {
    frames: VecDeque<Vec<u8>>,
    next_at: MonoNs,
}

impl Resending {
    pub fn new(frames: Vec<Vec<u8>>, now: MonoNs) -> Self {
        Self { frames: frames.into(), next_at: now }
    }

    pub fn next_at(&self) -> MonoNs {
        self.next_at
    }

    pub fn is_done(&self) -> bool {
        self.frames.is_empty()
    }

    /// What is sent now: `at_once` messages each `pause`.
    pub fn take(&mut self, now: MonoNs, at_once: usize, pause: Span) -> Vec<Vec<u8>> {
        if now < self.next_at {
            return Vec::new();
        }
        self.next_at = now.after(pause);
        self.frames.drain(..at_once.min(self.frames.len())).collect()
    }
}
