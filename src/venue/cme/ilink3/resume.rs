//! From where a session stood to the next one: what has been missed, and what to ask for.
//!
//! A session that is lost is established again under its UUID; if the exchange does not know it any
//! more, a new one is negotiated, and the exchange says how far it came in the last. What was not
//! received goes into the hand-over, and the hot session asks for it. What is known of sessions
//! that are over (`Known`) is enough to work that out after a restart as well: a session that was
//! not seen to its end is asked for from where it began, and whoever is told counts nothing twice.
//!
//! Pure: connecting and waiting is `engine::sessions`' work, which calls this.

use super::logon::LogonError;
use super::parties;
use serde::{Deserialize, Serialize};
use xmc_hotpath::gateway::SessionLost;
use xmc_hotpath::venue::cme::ilink3::session::{Handover, Left, Missed};

/// How much of a session's messages has been received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The session; `Missed::BEFORE_ALL` for what was sent before the week's first.
    pub uuid: u64,
    /// All before this number are here.
    pub next_report_no: u32,
    /// The last number that the exchange used in it, as far as it has said so; 0 if it has not.
    pub last: u32,
}

/// The session and the last number in it that the exchange has sent, before a logon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Previous {
    /// Tag 39015; 0 if nothing has been sent this week, or what was, before any session.
    pub uuid: u64,
    /// Tag 39021; 0 if nothing has been sent.
    pub seq_no: u32,
}

/// What is known of a gateway's sessions while `handover`'s runs, should nothing more be heard of
/// it: the newest last.
#[must_use]
pub fn begun(handover: &Handover) -> Vec<Known> {
    known(handover.uuid, handover.next_report_no, &handover.missed)
}

/// What is known of a gateway's sessions when one has ended: the newest last.
#[must_use]
pub fn ended(left: &Left) -> Vec<Known> {
    known(left.uuid, left.next_report_no, &left.missing)
}

fn known(uuid: u64, next_report_no: u32, missed: &[Missed]) -> Vec<Known> {
    let is_own = |one: &&Missed| one.uuid == 0 || one.uuid == uuid;
    let missing = missed.iter().filter(|one| one.count > 0);
    let (own, others): (Vec<&Missed>, Vec<&Missed>) = missing.partition(is_own);
    let others = others.iter().rev().map(|one| Known {
        uuid: one.uuid,
        next_report_no: one.from,
        last: one.from.saturating_add(one.count - 1),
    });
    let from = own.iter().map(|one| one.from).min().unwrap_or(next_report_no);
    others.chain([Known { uuid, next_report_no: from, last: 0 }]).collect()
}

/// What a logon has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// For the gateway's stage.
    pub handover: Handover,
    /// Sessions whose messages nobody asks for, since a hand-over names two ranges: what they told
    /// is not known, and orders of theirs stay as they are.
    pub unasked: usize,
}

/// Adds to the hand-over of a logon what has been missed, by what is `known` of the sessions
/// before. A UUID that is not among them is asked for from its first message, if any is known.
#[must_use]
pub fn resumed(known: &[Known], handover: &Handover, previous: Previous) -> Resumed {
    let next = handover.next_report_no;
    // What was sent before the week's first session has no UUID.
    let previous = match previous {
        Previous { uuid: 0, seq_no } if seq_no > 0 => Previous { uuid: Missed::BEFORE_ALL, seq_no },
        other => other,
    };
    let own = known.iter().find(|one| one.uuid == handover.uuid);
    // A new session may have been sent something before it was established.
    let mut all = vec![missed(0, own.map_or(1, |one| one.next_report_no), next.wrapping_sub(1))];
    for one in known.iter().rev().filter(|one| one.uuid != handover.uuid) {
        let said = if previous.uuid == one.uuid { previous.seq_no } else { 0 };
        all.push(missed(one.uuid, one.next_report_no, said.max(one.last)));
    }
    let is_known = previous.uuid == handover.uuid
        || known.is_empty()
        || known.iter().any(|one| one.uuid == previous.uuid);
    if !is_known && previous.seq_no > 0 {
        all.insert(1, missed(previous.uuid, 1, previous.seq_no));
    }
    all.retain(|one| one.count > 0);
    let mut missed = [Missed::NONE; 2];
    for (place, one) in missed.iter_mut().zip(&all) {
        *place = *one;
    }
    let unasked = all.len().saturating_sub(missed.len());
    Resumed { handover: Handover { missed, ..*handover }, unasked }
}

fn missed(uuid: u64, from: u32, last: u32) -> Missed {
    if last < from {
        return Missed::NONE;
    }
    Missed { uuid, from, count: (last - from).saturating_add(1) }
}

/// How to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// Establish the same session again.
    Same,
    /// Negotiate another one.
    New,
    /// Nobody logs on by himself: people have to look.
    Stop,
}

/// How to go on when a session has ended.
#[must_use]
pub fn after_loss(why: SessionLost) -> Course {
    match why {
        SessionLost::Closed
        | SessionLost::Silent
        | SessionLost::Stranger
        | SessionLost::Framing
        | SessionLost::Unreadable => Course::Same,
        SessionLost::Terminated(code) => after_code(code),
        SessionLost::WeekOver => Course::New,
        SessionLost::SeqNo | SessionLost::LoggedOut => Course::Stop,
    }
}

/// Tag 39012 of 507, by CME's page "Terminate" (46440124). What it does not name is fatal.
fn after_code(code: u16) -> Course {
    match code {
        // Finished; a logon that is still in progress or has been done; silence of ours.
        0 | 4..=7 | 20 => Course::Same,
        // Not established in time, not negotiated, not established; numbers and UUIDs that do not
        // follow: another session has its own.
        1..=3 | 10 | 13 => Course::New,
        // 8 the port was closed by CME, 9 too many messages, 11 a number of ours twice, 18 and 19
        // bytes of ours that are no message.
        _ => Course::Stop,
    }
}

/// How to go on when a logon has failed.
#[must_use]
pub fn after_refusal(course: Course, error: &LogonError) -> Course {
    match error {
        LogonError::Closed { .. } | LogonError::TimedOut { .. } | LogonError::NotOurs { .. } => {
            course
        }
        LogonError::Backup => course,
        LogonError::Terminated { code, .. } => match after_code(*code) {
            // The connection before is still there for the exchange.
            Course::Same => course,
            other => other,
        },
        // CME's pages "Negotiation Reject" (457227444) and "Establishment Reject" (46439924).
        LogonError::Refused { code, .. } => match code {
            // The HMAC component does not respond; too many messages; messages that were split.
            1 | 15..=17 => course,
            // A UUID or a time that was used before; the next ones are above them.
            2 | 3 => Course::New,
            // The primary must be used first, or stands.
            27 | 28 => course,
            // Keys, names, ports and intervals that are wrong stay so.
            _ => Course::Stop,
        },
        LogonError::Parties { code, .. } if parties::is_retryable(*code) => course,
        LogonError::Parties { .. } | LogonError::PartiesStatus { .. } => Course::Stop,
        LogonError::Text { .. }
        | LogonError::Unexpected { .. }
        | LogonError::Framing(_)
        | LogonError::Block { .. } => Course::Stop,
    }
}
