//! How sessions at a counter follow each other: each is logged on from the beginning, and the
//! counter repeats what was not read of its day. Nothing is written down: the first session of a
//! run hears the whole day.
//!
//! A counter that lets somebody else in as the same account ends our session. If requests have been
//! sent meanwhile that are not ours, nobody logs on by himself: two engines would put each other
//! out in turn.

use super::{Begun, End, Failed, Follow};
use crate::engine::logon::LogonError;
use xmc_hotpath::gateway::{Entry, SessionLost};
use xmc_hotpath::venue::esunny::dstar::session::{Handover, Left};

/// Logons that a counter may refuse one after the other: it may be starting, or a password is just
/// being changed. Whoever tries on with a wrong password is shut out. UNPROVEN: after how many.
const MOST_REFUSALS: u32 = 3;

/// What a logon goes on from.
#[derive(Clone, Copy, Debug)]
pub struct CounterAgain<'a> {
    /// Replies about orders that have been read of the counter's day.
    pub replies_seen: u32,
    /// The number of our next request.
    pub next_client_req_id: u32,
    /// `ContractIndex` and `ContractNo` as the first session had them.
    pub contracts: &'a [(u32, String)],
}

/// Connects gateway `row` and logs on.
pub type LogOnCounter<'a, G> =
    dyn Fn(usize, &CounterAgain<'_>) -> Result<Entry<G, Handover>, LogonError> + Send + Sync + 'a;

/// The sessions of one gateway.
pub(super) struct Succession<'s, 'a, G> {
    log_on: &'s LogOnCounter<'a, G>,
    row: usize,
    contracts: Vec<(u32, String)>,
    replies_seen: u32,
    next_client_req_id: u32,
    /// Refusals since the last session.
    refusals: u32,
}

impl<'s, 'a, G> Succession<'s, 'a, G> {
    pub(super) fn new(
        log_on: &'s LogOnCounter<'a, G>,
        row: usize,
        contracts: Vec<(u32, String)>,
    ) -> Self {
        let (replies_seen, next_client_req_id) = (0, 1);
        Self { log_on, row, contracts, replies_seen, next_client_req_id, refusals: 0 }
    }
}

impl<G> Follow<G> for Succession<'_, '_, G> {
    type Handover = Handover;
    type Left = Left;

    fn ended(&mut self, left: &Left) -> End {
        self.replies_seen = left.replies_seen;
        self.next_client_req_id = left.next_client_req_id;
        let goes_on = match left.why {
            SessionLost::Closed
            | SessionLost::Silent
            | SessionLost::Framing
            | SessionLost::Unreadable
            | SessionLost::Terminated(_) => true,
            // The others no counter says, and no week of one ends.
            SessionLost::LoggedOut
            | SessionLost::WeekOver
            | SessionLost::Stranger
            | SessionLost::SeqNo => false,
        };
        End { why: left.why, is_more_missing: false, goes_on, error: None }
    }

    fn enter(&mut self) -> Result<Begun<G, Handover>, Failed> {
        let again = CounterAgain {
            replies_seen: self.replies_seen,
            next_client_req_id: self.next_client_req_id,
            contracts: &self.contracts,
        };
        match (self.log_on)(self.row, &again) {
            Ok(entry) => {
                self.refusals = 0;
                Ok(Begun { entry, unasked: 0, key_expires_days: None })
            }
            Err(error) => {
                let is_refused = matches!(error, LogonError::Dstar { .. });
                self.refusals += u32::from(is_refused);
                let goes_on = may_pass(&error) && self.refusals < MOST_REFUSALS;
                Err(Failed { error: error.to_string(), goes_on })
            }
        }
    }
}

/// Whether another attempt may be better.
fn may_pass(error: &LogonError) -> bool {
    match error {
        LogonError::Socket(_)
        | LogonError::Secret { .. }
        | LogonError::Closed { .. }
        | LogonError::TimedOut { .. }
        | LogonError::Auth { .. }
        | LogonError::Dstar { .. } => true,
        LogonError::Key { .. }
        | LogonError::Ilink3 { .. }
        | LogonError::RequestPort { .. }
        | LogonError::Book { .. }
        | LogonError::NotTraded { .. }
        | LogonError::Renumbered { .. }
        | LogonError::Shared { .. } => false,
    }
}
