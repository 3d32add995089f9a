//! Asking the exchange again for what it sent and we did not get: `RetransmitRequest508`, one at a
//! time.
//!
//! What comes back may come in any order and between live messages; a number that is missing in it
//! is asked for again. A request that brings nothing within `PATIENCE` counts as a try; after
//! `MOST_TRIES` of them, and when the exchange says that it will never send a range, the range
//! stays missing and the session `Gapped`: whoever looks on has to ask for orders by other means.
//!
//! Codes of refusals: CME's page "Retransmit Reject" (457227584).

use super::missing::{Missing, Range};
use super::{Missed, SessionCounters};
use crate::time::{MonoNs, Span};
use crate::venue::cme::ilink3::decode::Stamp;
use crate::venue::cme::ilink3::layout::{Retransmission, RetransmitReject};

/// Messages that one request may ask for.
const MOST_MESSAGES: u32 = 2_500;
/// How long nothing may come of a request.
const PATIENCE: Span = Span(3_000_000_000);
/// How long messages that were overtaken by the last one of a request are waited for.
const STRAGGLERS: Span = Span(100_000_000);
/// How long is waited when another retransmission is still on its way.
const IN_PROGRESS: Span = Span(1_000_000_000);
/// Requests of which nothing came, one after the other.
const MOST_TRIES: u8 = 10;
/// Tag 39012 of `RetransmitReject510`: another retransmission is not over.
const ALREADY_IN_PROGRESS: u16 = 3;

/// A request that has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub uuid: u64,
    pub from: u32,
    pub count: u16,
    /// When nothing more of it is waited for.
    until: MonoNs,
    /// Messages that the exchange says it sends.
    granted: Option<u16>,
    /// Messages that have come.
    came: u16,
}

impl Asked {
    fn holds(&self, seq_no: u32) -> bool {
        let end = self.from.saturating_add(u32::from(self.count));
        self.from <= seq_no && seq_no < end
    }
}

/// The state of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recovery {
    uuid: u64,
    missing: Missing,
    /// Earlier sessions that messages may come again of.
    earlier: [u64; 2],
    asked: Option<Asked>,
    /// Nothing is asked before.
    not_before: MonoNs,
}

impl Recovery {
    /// Of session `uuid`, with what the logon found missing.
    pub fn new(uuid: u64, missed: &[Missed; 2]) -> Self {
        let named = |one: Missed| Missed {
            uuid: match one.uuid {
                0 => uuid,
                Missed::BEFORE_ALL => 0,
                earlier => earlier,
            },
            ..one
        };
        let missed = missed.map(named);
        Self {
            uuid,
            missing: Missing::of(&missed),
            earlier: missed.map(|one| if one.count > 0 { one.uuid } else { uuid }),
            asked: None,
            not_before: MonoNs(0),
        }
    }

    pub fn is_whole(&self) -> bool {
        self.missing.is_nothing()
    }

    pub fn left(&self) -> ([Missed; 2], bool) {
        let ([own, mut earlier], is_more) = self.missing.left(self.uuid);
        if earlier.count > 0 && earlier.uuid == 0 {
            earlier.uuid = Missed::BEFORE_ALL;
        }
        ([own, earlier], is_more)
    }

    /// Whether a message may carry that session's number.
    pub fn is_known(&self, stamp: &Stamp) -> bool {
        stamp.uuid == self.uuid || stamp.is_retransmitted && self.earlier.contains(&stamp.uuid)
    }

    /// Live messages `from` to before `end` have not come.
    pub fn gap(&mut self, from: u32, end: u32) {
        self.missing.add(self.uuid, from, end);
    }

    /// What to ask for now, if anything.
    pub fn wish(&mut self, now: MonoNs, counters: &SessionCounters) -> Option<Asked> {
        if let Some(asked) = self.asked {
            if now < asked.until {
                return None;
            }
            self.failed(&asked, false, counters);
        }
        if now < self.not_before {
            return None;
        }
        let Range { uuid, from, end, .. } = self.missing.next(self.uuid)?;
        let count = u16::try_from(end.saturating_sub(from).min(MOST_MESSAGES)).unwrap_or(u16::MAX);
        let until = now.after(PATIENCE);
        Some(Asked { uuid, from, count, until, granted: None, came: 0 })
    }

    /// The request has left.
    pub fn asked(&mut self, asked: Asked, counters: &SessionCounters) {
        self.asked = Some(asked);
        counters.retransmit_requests.add(1);
    }

    /// 509: the messages follow.
    pub fn granted(&mut self, block: &Retransmission, now: MonoNs, counters: &SessionCounters) {
        let Some(asked) = self.asked.as_mut().filter(|one| one.from == block.from_seq_no.get())
        else {
            return;
        };
        let count = block.msg_count.get();
        (asked.granted, asked.until) = (Some(count), now.after(PATIENCE));
        if count == 0 {
            let asked = *asked;
            self.failed(&asked, false, counters);
            self.not_before = now.after(IN_PROGRESS);
        }
    }

    /// 510: they do not.
    pub fn refused(&mut self, block: &RetransmitReject, now: MonoNs, counters: &SessionCounters) {
        let code = block.error_code.get();
        counters.retransmit_rejects.add(1);
        counters.last_retransmit_reject.set(u64::from(code));
        let Some(asked) = self.asked else { return };
        let is_final = code != ALREADY_IN_PROGRESS;
        self.failed(&asked, is_final, counters);
        if !is_final {
            self.not_before = now.after(IN_PROGRESS);
        }
    }

    fn failed(&mut self, asked: &Asked, is_final: bool, counters: &SessionCounters) {
        self.asked = None;
        // Of a request that brought something, what is still missing begins elsewhere.
        let end = asked.from.saturating_add(u32::from(asked.count));
        let Some(seq_no) = self.missing.first(asked.uuid, asked.from, end) else { return };
        let is_again = is_final || asked.came == 0;
        if is_again && self.missing.failed(asked.uuid, seq_no, is_final, MOST_TRIES) {
            counters.given_up.add(1);
        }
    }

    /// A message that was sent again has come.
    ///
    /// Which session it is of: the one that it names, or the one that was asked for. UNPROVEN:
    /// whether a message of an earlier session names that one or the one that asks; earlier ones
    /// are asked for first, so that its number alone tells.
    pub fn came(&mut self, uuid: u64, seq_no: u32, now: MonoNs, counters: &SessionCounters) {
        let in_flight = self.asked.filter(|asked| asked.holds(seq_no));
        let is_named = self.missing.has(uuid, seq_no);
        let of = if is_named { uuid } else { in_flight.map_or(uuid, |asked| asked.uuid) };
        let was_missing = self.missing.got(of, seq_no);
        counters.retransmitted.add(1);
        let Some(asked) = self.asked.as_mut().filter(|asked| asked.holds(seq_no)) else { return };
        if was_missing {
            asked.came = asked.came.saturating_add(1);
        }
        let end = asked.from.saturating_add(u32::from(asked.count));
        let is_last = seq_no.saturating_add(1) == end;
        asked.until = now.after(if is_last { STRAGGLERS } else { PATIENCE });
        let has_come = self.missing.first(asked.uuid, asked.from, end).is_none();
        if has_come || asked.granted.is_some_and(|granted| asked.came >= granted) {
            self.asked = None;
        }
    }
}
