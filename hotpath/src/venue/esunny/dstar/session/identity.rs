//! Who a session is, what it works in, and what the cold side and the session tell each other where
//! one ends and the next begins.

use super::super::encode::{Account, InsertTemplate};
use super::super::layout::{Generation, Key, ReqIdMode};
use super::super::requests::Pace;
use crate::counter::Counter;
use crate::gateway::SessionLost;
use crate::message::{DeskIdentity, GatewayIndex, OrderId, Side, StreamId};

crate::counters! {
    /// What the session counts beyond what every gateway counts.
    #[repr(align(128))]
    pub struct SessionCounters {
        /// Replies that do not concern the desk.
        pub ignored: Counter => Count "replies",
        /// Replies that could not be read: wrong length, or a price that is none.
        pub unreadable: Counter => Count "replies",
        /// Replies about orders that carry no reference of ours.
        pub foreign: Counter => Count "replies",
        /// Fills that came twice.
        pub repeated_fills: Counter => Count "fills",
        /// Replies about orders that were read.
        pub replies: Counter => Count "replies",
        /// Questions for the last request.
        pub questions: Counter => Count "questions",
        /// Requests that the counter had not taken.
        pub lost: Counter => Count "requests",
        /// Refusals of copies: of requests that the counter had taken before.
        pub copies: Counter => Count "refusals",
    }
}

/// What the session knows of one order.
#[derive(Clone, Copy, Debug)]
pub struct OrderRow<K> {
    pub(super) id: OrderId,
    pub(super) key: K,
    pub(super) side: Side,
    /// Lots asked for; 0 if a run before this one sent the order and took that with it.
    pub(super) qty_lots: u32,
    pub(super) filled_lots: u32,
    pub(super) insert_number: u32,
    pub(super) cancel_number: u32,
    /// The counter has taken it.
    pub(super) is_taken: bool,
}

impl<K: Key> OrderRow<K> {
    /// A row that was never used.
    pub const FREE: Self = Self {
        id: OrderId::NONE,
        key: K::NONE,
        side: Side::Buy,
        qty_lots: 0,
        filled_lots: 0,
        insert_number: 0,
        cancel_number: 0,
        is_taken: false,
    };

    /// Lots filled and lots left; nothing is said of an order whose fills may not all be known.
    #[inline(always)]
    pub(super) const fn progress(&self) -> (u32, u32) {
        if self.qty_lots == 0 {
            return (0, 0);
        }
        (self.filled_lots, self.qty_lots.saturating_sub(self.filled_lots))
    }
}

/// Fills whose numbers are remembered, to recognise one that comes twice.
pub const SERIALS_KEPT: usize = 4_096;
pub(super) const SERIALS_KEPT_U64: u64 = 4_096;

/// The memory that the sessions of a run work in. The cold side makes it, once.
#[derive(Debug)]
pub struct Storage<'a, G: Generation> {
    /// A row for each row of the desk's instrument table; emptied.
    pub inserts: &'a mut [Option<InsertTemplate<G>>],
    /// A row for each row of the desk's order arena.
    pub orders: &'a mut [OrderRow<G::Key>],
    /// Numbers of fills, each in the place that its lowest bits say.
    pub serials: &'a mut [u64; SERIALS_KEPT],
}

/// Who the session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The gateway.
    pub gateway: GatewayIndex,
    /// The stream.
    pub stream: StreamId,
    /// The desk that it sends for.
    pub desk: DeskIdentity,
    /// The account.
    pub account: Account,
    /// How the counter checks `ClientReqId`.
    pub req_id_mode: ReqIdMode,
    /// The first `ClientReqId` to use: one above the greatest that the counter has taken.
    pub next_client_req_id: u32,
    /// When the counter is asked for lost requests.
    pub pace: Pace,
}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityError {
    /// The site's number is 128 or more: order ids would be negative references, which the counter
    /// does not take.
    Site(u8),
    /// Requests are numbered from 1.
    NoRequestNumber,
}

impl core::fmt::Display for IdentityError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Site(site) => write!(
                f,
                "site {site} makes order ids that are negative references, which the counter \
                 refuses: use a site from 0 to 127"
            ),
            Self::NoRequestNumber => f.write_str("request number is 0: requests count from 1"),
        }
    }
}

impl core::error::Error for IdentityError {}

/// Where a session stood when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Replies about orders that have been read of all that the counter has told of its day: it is
    /// asked for the others.
    pub replies_seen: u32,
    /// The number of its next request: the counter has taken none above those before it, unless
    /// somebody else sends requests for the account.
    pub next_client_req_id: u32,
    /// Why it ended.
    pub why: SessionLost,
}

/// Where another logon leaves a session, which goes on with the contracts that it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handover {
    /// `AccountIndex`.
    pub account_index: u16,
    /// `UdpAuthCode`.
    pub udp_auth_code: u32,
    /// One above the greatest `ClientReqId` that the counter has taken.
    pub next_client_req_id: u32,
    /// Replies about orders that the counter does not repeat.
    pub replies_seen: u32,
}
