//! Paper fills for DSTAR: a counter that fills every order whole, at its limit price.
//!
//! Like `venue::cme::paper` it is not a market and earns nothing that means anything; and like
//! every counter of this project it answers in a framing of our own (`simulated_counter`). It takes
//! v3 datagrams, checks that they carry the account's code, and answers each order with its
//! acceptance and its fill. Used by `xmc latency --wire`, whose counter has no time for an exchange
//! behind it.

use super::ledger::Order;
use super::reply::{self, Fill};
use super::request::{self, Request};
use crate::venue::digest::OrderDigest;
use xmc_hotpath::venue::esunny::dstar::layout::{
    DIRECT_BUY, OrderDelete, OrderInsert, OrderState, UdpAuth, V3,
};
use xmc_hotpath::venue::esunny::dstar::simulated_counter::{self, Kind};
use xmc_hotpath::venue::esunny::dstar::{decode, layout::Generation};

/// The one account that may trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaperAccount {
    /// `AccountIndex`.
    pub index: u16,
    /// `AccountNo`, at most 21 characters.
    pub number: String,
    /// `UdpAuthCode` that its requests carry.
    pub udp_auth_code: u32,
}

/// One session with the paper counter, which is logged on from the beginning.
#[derive(Debug)]
pub struct PaperCounter {
    account: PaperAccount,
    max_client_req_id: u32,
    fills: u64,
    orders: OrderDigest,
    strangers: u64,
    /// Bytes of a message of the client's stream that is not whole yet.
    inbox: Vec<u8>,
    replies: Vec<u8>,
}

impl PaperCounter {
    /// A counter that has taken no request.
    #[must_use]
    pub fn new(account: PaperAccount) -> Self {
        Self {
            account,
            max_client_req_id: 0,
            fills: 0,
            orders: OrderDigest::default(),
            strangers: 0,
            inbox: Vec::new(),
            replies: Vec::new(),
        }
    }

    /// The orders that came, as the counter read them; `ContractIndex` stands for the security.
    #[must_use]
    pub fn orders(&self) -> OrderDigest {
        self.orders
    }

    /// Requests that are none, or not this account's.
    #[must_use]
    pub fn strangers(&self) -> u64 {
        self.strangers
    }

    /// New orders in a datagram, whosever they are.
    #[must_use]
    pub fn new_orders(datagram: &[u8]) -> u64 {
        let mut orders = 0;
        request::read::<V3>(datagram, |request| {
            orders += u64::from(matches!(request, Ok(Request::Insert(_))));
        });
        orders
    }

    /// A datagram has come.
    pub fn on_datagram(&mut self, datagram: &[u8]) {
        request::read::<V3>(datagram, |request| match request {
            Ok(Request::Auth(auth)) if self.is_ours(auth.udp_auth_code.get()) => {
                self.authenticate(&auth);
            }
            Ok(Request::Insert(insert)) if self.is_ours({ insert.udp_auth_code }.get()) => {
                self.fill(&insert);
            }
            Ok(Request::Delete(cancel)) if self.is_ours({ cancel.udp_auth_code }.get()) => {
                self.refuse(&cancel);
            }
            _ => self.strangers += 1,
        });
    }

    /// Bytes of the client's stream have come. The question for the last request is answered;
    /// nothing else is asked here.
    pub fn on_stream(&mut self, bytes: &[u8]) {
        self.inbox.extend_from_slice(bytes);
        let inbox = std::mem::take(&mut self.inbox);
        let mut rest = &inbox[..];
        while let Ok(Some((frame, after))) = simulated_counter::frame(rest) {
            match Kind::from_wire(frame.kind) {
                Some(Kind::Question) => {
                    self.replies.extend(reply::last_request(self.max_client_req_id));
                }
                _ => self.strangers += 1,
            }
            rest = after;
        }
        self.inbox = rest.to_vec();
    }

    /// What is to be sent on the stream since the last call.
    pub fn take_replies(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.replies)
    }

    fn is_ours(&self, udp_auth_code: u32) -> bool {
        udp_auth_code == self.account.udp_auth_code
    }

    fn authenticate(&mut self, auth: &UdpAuth) {
        let PaperAccount { index, udp_auth_code, .. } = self.account;
        self.replies.extend(reply::udp_auth(index, udp_auth_code, auth.req_id_mode, 0));
    }

    fn fill(&mut self, insert: &OrderInsert<<V3 as Generation>::Reference>) {
        let insert = *insert;
        let (lots, price) = ({ insert.qty_lots }.get(), insert.price);
        let reference = { insert.reference }.get();
        let Some(price_e9) = decode::price_e9(price) else {
            self.strangers += 1;
            return;
        };
        let contract = { insert.contract_index }.get().cast_signed();
        let is_buy = insert.direct == DIRECT_BUY;
        self.orders.add(reference.cast_unsigned(), contract, is_buy, price_e9, lots);
        self.max_client_req_id = self.max_client_req_id.max({ insert.client_req_id }.get());
        let order = Order {
            order_id: self.orders.count,
            client_req_id: { insert.client_req_id }.get(),
            reference,
            contract_no: text(&{ insert.contract_no }),
            direct: insert.direct,
            offset: insert.offset,
            hedge: insert.hedge,
            price,
            qty_lots: lots,
            filled_lots: lots,
            state: OrderState::Filled,
            order_no: None,
            system_no: self.orders.count.to_string(),
        };
        self.fills += 1;
        let number = &self.account.number;
        let (serial, fill_no, trade_no) = (self.fills, self.fills, self.fills);
        let fill = Fill { serial, lots, price_e9, fill_no, trade_no };
        self.replies.extend(reply::insert::<V3>(&order, number, self.max_client_req_id, 0));
        self.replies.extend(reply::fill::<V3>(&order, number, &fill));
    }

    /// Every order is filled when it comes: a cancellation only uses its number up.
    fn refuse(
        &mut self,
        cancel: &OrderDelete<<V3 as Generation>::Reference, <V3 as Generation>::Key>,
    ) {
        self.max_client_req_id = self.max_client_req_id.max({ cancel.client_req_id }.get());
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(xmc_hotpath::wire::text(bytes)).into_owned()
}
