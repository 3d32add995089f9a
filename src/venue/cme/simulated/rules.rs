//! What the order gateway allows, and how it times what is due by itself.
//!
//! Messaging controls: CME's page "Messaging Controls" (46924210). A window of three seconds begins
//! with the first message of a kind; in it so many messages are taken, further ones are refused,
//! and with still more the session is ended. UNPROVEN: the code of the refusal, and that refused
//! messages count towards the end.

use xmc_hotpath::time::{MonoNs, Span};

/// The gateway's rules; the default is what CME has, without delays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRules {
    /// New orders and changes.
    pub orders: MessageLimit,
    /// Cancels.
    pub cancels: MessageLimit,
    /// From the loss of a connection to the cancels that follow from it; orders may be filled in
    /// between, and those that are left are cancelled even if the client is back.
    pub cancel_after: Span,
    /// Messages of a retransmission that are sent at once.
    pub resent_at_once: usize,
    /// Between two such lots.
    pub resend_pause: Span,
    /// Which party details a message may name.
    pub parties: KnownParties,
    /// In how many days each client's key expires; `None`: nothing is said of it.
    pub key_expires_days: Option<u16>,
}

/// Which party details are known: a message that names others is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KnownParties {
    /// All there could be.
    #[default]
    Any,
    /// One set, and those that the client has registered this week.
    These(Option<u64>),
}

impl Default for OrderRules {
    fn default() -> Self {
        Self {
            orders: MessageLimit { refused_above: 1_500, ended_above: 2_250 },
            cancels: MessageLimit { refused_above: 3_000, ended_above: 4_500 },
            cancel_after: Span(0),
            resent_at_once: 100,
            resend_pause: Span(0),
            parties: KnownParties::Any,
            key_expires_days: None,
        }
    }
}

/// Messages of one kind in a window of three seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageLimit {
    /// More are refused.
    pub refused_above: u32,
    /// More end the session.
    pub ended_above: u32,
}

const WINDOW: Span = Span(3_000_000_000);

/// What a message means for the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    Refused,
    Ended,
}

/// Messages of one kind, counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    until: Option<MonoNs>,
    count: u32,
}

impl Rate {
    pub fn count(&mut self, now: MonoNs, limit: MessageLimit) -> Option<Excess> {
        if self.until.is_none_or(|until| now >= until) {
            (self.until, self.count) = (Some(now.after(WINDOW)), 0);
        }
        self.count += 1;
        if self.count > limit.ended_above {
            Some(Excess::Ended)
        } else {
            (self.count > limit.refused_above).then_some(Excess::Refused)
        }
    }
}
