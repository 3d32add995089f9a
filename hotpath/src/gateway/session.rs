//! What a gateway stage asks of an order session, and what the two say to each other.

use crate::message::{GatewayNews, OrderCommand, SessionState};
use crate::record::codec::code;
use crate::time::{MonoNs, UnixNs};

/// The session cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionLost {
    /// The bytes cannot be told apart into messages any more.
    Framing,
    /// A message is not what the venue's schema says.
    Unreadable,
    /// The venue ended the session, with its code.
    Terminated(u16),
    /// A message names another session than ours.
    Stranger,
    /// A message carries a number that has been used. What else is wrong only people can tell:
    /// nobody logs on again by himself.
    SeqNo,
    /// Nothing has come for longer than was agreed, asked or not.
    Silent,
    /// The connection is gone.
    Closed,
    /// We have ended it.
    LoggedOut,
    /// We have ended it, as was planned: its week is over.
    WeekOver,
}

impl SessionLost {
    /// Its word in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Framing => "framing",
            Self::Unreadable => "unreadable",
            Self::Terminated(_) => "terminated",
            Self::Stranger => "stranger",
            Self::SeqNo => "seq_no",
            Self::Silent => "silent",
            Self::Closed => "closed",
            Self::LoggedOut => "logged_out",
            Self::WeekOver => "week_over",
        }
    }
}

/// What was read from the front of the received bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Bytes that the message took; 0 if it has more to say and is to be read again.
    pub len: usize,
    /// What it says, if it concerns the desk.
    pub news: Option<GatewayNews>,
}

code! {
    /// Why a session has no message for a command: the reason of the event that says so.
    pub enum CannotEncode {
        /// The protocol has no message that changes an order.
        Replace = 1 "replace",
        /// The session does not know the instrument.
        Contract = 2 "contract",
        /// The order's id has no room in the protocol's name of an order.
        OrderId = 3 "order_id",
        /// The protocol has no code for what the order does to the position.
        Effect = 4 "effect",
        /// The protocol has no code for the hedge flag.
        Hedge = 5 "hedge",
        /// The protocol has no message that asks how an order stands.
        Status = 6 "status",
        /// The venue's threshold of messages is near.
        Throttle = 7 "throttle",
        /// The venue misses messages of ours: what is sent before it knows would be lost too.
        Unfilled = 8 "unfilled",
        /// It has left, and the venue says that it has not done it.
        NotApplied = 9 "not_applied",
        /// The session is about to be ended, as was planned.
        Closing = 10 "closing",
    }
}

/// An order session of some venue, sans I/O: it turns commands into bytes and bytes into news.
pub trait OrderSession {
    /// Where a new logon leaves it, to go on from.
    type Handover: Copy;
    /// Where it stands when it ends, for the next logon.
    type Left: Copy;

    /// What the desk is to know of it, as far as it does not say so itself in its news.
    fn state(&self) -> SessionState {
        SessionState::Up
    }

    /// Where it stands, since it is over.
    fn left(&self, why: SessionLost) -> Self::Left;

    /// Goes on after another logon.
    fn resume(&mut self, handover: &Self::Handover);

    /// The last message to the venue, if the protocol has one for this end.
    fn farewell(&mut self, _why: SessionLost, _utc: UnixNs) -> Option<&[u8]> {
        None
    }

    /// The bytes of `command`. Asked again for the same command it gives the same message; `sent`
    /// says that it left.
    ///
    /// # Errors
    /// The protocol has no such message. The command is given back to the desk.
    fn encode(&mut self, command: &OrderCommand, utc: UnixNs) -> Result<&[u8], CannotEncode>;

    /// The last encoded message has left.
    fn sent(&mut self, command: &OrderCommand);

    /// Reads the first message of `bytes`; `Ok(None)` if it is not whole yet.
    ///
    /// # Errors
    /// See `SessionLost`.
    fn read(&mut self, bytes: &[u8], received: MonoNs) -> Result<Option<Taken>, SessionLost>;

    /// What the session itself has to say now on the stream that it reads, if anything. Asked in
    /// housekeeping; it gives the same message until `own_message_sent` says that it left.
    ///
    /// # Errors
    /// Time has ended the session.
    fn own_message(&mut self, _now: MonoNs, _utc: UnixNs) -> Result<Option<&[u8]>, SessionLost> {
        Ok(None)
    }

    /// The last own message has left.
    fn own_message_sent(&mut self, _now: MonoNs) {}
}
