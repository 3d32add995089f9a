//! Where a session begins and ends: what the cold side and the session tell each other.

use crate::counter::Counter;
use crate::gateway::SessionLost;
use crate::time::Span;

crate::counters! {
    /// What the session counts beyond what every gateway counts.
    #[repr(align(128))]
    pub struct SessionCounters {
        /// Messages of the venue that do not concern the desk.
        pub ignored: Counter => Count "messages",
        /// Messages that could not be read: their block is too short.
        pub unreadable: Counter => Count "messages",
        /// Reports of orders that carry no id of ours.
        pub foreign: Counter => Count "reports",
        /// Gaps in the exchange's numbers.
        pub gaps: Counter => Count "gaps",
        /// Requests to send messages again.
        pub retransmit_requests: Counter => Count "requests",
        /// Messages that were sent again.
        pub retransmitted: Counter => Count "messages",
        /// Requests to send messages again that were refused.
        pub retransmit_rejects: Counter => Count "requests",
        /// The code of the last refusal to send messages again.
        pub last_retransmit_reject: Counter => Gauge "code",
        /// Ranges of messages that will not come: the session stays `Gapped`.
        pub given_up: Counter => Count "ranges",
        /// Messages of ours that the exchange says it has not applied.
        pub not_applied: Counter => Count "messages",
        /// Of the messages not applied, the ones that are not remembered any more.
        pub forgotten: Counter => Count "messages",
        /// Commands that were kept back below the exchange's thresholds.
        pub throttled: Counter => Count "commands",
        /// Times that the exchange was silent for longer than agreed and was asked for a sign of
        /// life.
        pub lapses: Counter => Count "times",
    }
}

/// Messages of the exchange that did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The session that they are of: 0 or its own number for the one that asks, another for an
    /// earlier one of the week, `BEFORE_ALL` for what was sent before the week's first logon.
    pub uuid: u64,
    /// The number of the first.
    pub from: u32,
    /// How many; 0 for none.
    pub count: u32,
}

impl Missed {
    /// Nothing.
    pub const NONE: Self = Self { uuid: 0, from: 0, count: 0 };
    /// No session's number: the exchange's own, which it asks for as 0.
    pub const BEFORE_ALL: u64 = u64::MAX;
}

/// Where a session stood when it ended: what the next logon, and whoever asks for its orders, goes
/// on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// The session's number.
    pub uuid: u64,
    /// The number of our next message.
    pub next_seq_no: u32,
    /// The number of the exchange's next message; 0 if its numbers are not followed.
    pub next_report_no: u32,
    /// Messages before that one which have not come: of this session, and of the one before.
    pub missing: [Missed; 2],
    /// More is missing than `missing` can tell, or may be: only people can say what.
    pub is_more_missing: bool,
    /// Why it ended.
    pub why: SessionLost,
}

/// Where the logon left a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handover {
    /// The session's number.
    pub uuid: u64,
    /// The number of our next message.
    pub next_seq_no: u32,
    /// The number of the exchange's next message; 0 if its numbers are not followed.
    pub next_report_no: u32,
    /// The longest silence that was agreed on; 0 for no signs of life.
    pub keep_alive: Span,
    /// Messages before `next_report_no`, or of an earlier session of the week, that have not come.
    /// The session asks for them and is `Gapped` until it has them.
    pub missed: [Missed; 2],
}
