//! What a simulated counter remembers: accounts, their orders, and all that it has told them.

use std::net::SocketAddr;

use xmc_hotpath::message::AccountId;
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::esunny::double::Double;
use xmc_hotpath::venue::esunny::dstar::layout::{OrderState, ReqIdMode};

use super::counter::{AccountSettings, LinkId};
use super::orders::Orders;
use super::reply::LONGEST_BYTES;
use crate::sim::exchange::OrderNo;
use crate::sim::shelf::{Row, Shelf, packed, unpacked};

/// An order as the counter keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The counter's number.
    pub order_id: u64,
    /// The client's number of the request that brought it.
    pub client_req_id: u32,
    /// The client's name for it.
    pub reference: i64,
    /// What, as text.
    pub contract_no: String,
    /// `Direct` of the request.
    pub direct: u8,
    /// `Offset` of the request.
    pub offset: u8,
    /// `Hedge` of the request.
    pub hedge: u8,
    /// Limit price.
    pub price: Double,
    /// Lots asked for.
    pub qty_lots: u32,
    /// Lots filled.
    pub filled_lots: u32,
    /// Where it stands.
    pub state: OrderState,
    /// The exchange's number, once it is known.
    pub order_no: Option<OrderNo>,
    /// The same as text; empty until then.
    pub system_no: String,
}

/// A reply about an order: the whole message of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply(pub Vec<u8>);

/// Bytes of a reply on the disk: a mark, its length, and the longest that there can be.
pub const KEPT_BYTES: usize = 3 + LONGEST_BYTES;

impl Row<KEPT_BYTES> for Reply {
    fn to_bytes(&self) -> [u8; KEPT_BYTES] {
        packed(&self.0)
    }

    fn from_bytes(bytes: &[u8; KEPT_BYTES]) -> Option<Self> {
        unpacked(bytes).map(Self)
    }
}

/// An account with all its orders of the day.
#[derive(Debug)]
pub struct Account {
    /// What was configured.
    pub settings: AccountSettings,
    /// What its requests carry.
    pub udp_auth_code: u32,
    /// The generation that its client speaks, from its first logon on.
    pub version: Option<u8>,
    /// Its connection.
    pub link: Option<LinkId>,
    /// The socket that was made known, and how its requests are checked.
    pub socket: Option<(SocketAddr, ReqIdMode)>,
    /// The greatest `ClientReqId` taken.
    pub max_client_req_id: u32,
    /// When it last asked for that.
    pub last_question: Option<MonoNs>,
    /// Its orders, by the counter's number.
    pub orders: Orders,
    /// Every reply about its orders, to be told again after a new logon.
    pub told: Shelf<Reply, KEPT_BYTES>,
}

impl Account {
    /// An account that nobody is logged on to.
    pub fn new(settings: AccountSettings, udp_auth_code: u32) -> Self {
        Self {
            settings,
            udp_auth_code,
            version: None,
            link: None,
            socket: None,
            max_client_req_id: 0,
            last_question: None,
            orders: Orders::default(),
            told: Shelf::default(),
        }
    }

    /// Whose money it is at the exchange.
    pub fn account(&self) -> AccountId {
        self.settings.account
    }

    /// Takes the number of a request, or refuses it.
    pub fn takes_number(&mut self, mode: ReqIdMode, number: u32) -> bool {
        let is_fine = match mode {
            ReqIdMode::Unchecked => true,
            ReqIdMode::Increasing => number > self.max_client_req_id,
            ReqIdMode::Consecutive => number == self.max_client_req_id.wrapping_add(1),
        };
        if is_fine {
            self.max_client_req_id = self.max_client_req_id.max(number);
        }
        is_fine
    }

    /// The order that a cancellation names: by the counter's number, else by its reference.
    pub fn named(&self, order_id: Option<u64>, reference: i64) -> Option<Order> {
        match order_id {
            Some(order_id) => self.orders.get(order_id),
            None => self.orders.named(reference),
        }
    }
}
