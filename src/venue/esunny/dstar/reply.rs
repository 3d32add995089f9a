//! Replies as the simulated counter writes them: the vendor's structs in the framing of the
//! simulation.
//!
//! Says what it is told; deciding what happened is the counter's.

use super::ledger::Order;
use xmc_hotpath::venue::esunny::double::Double;
use xmc_hotpath::venue::esunny::dstar::layout::{
    Generation, InsertReply, Key, KeyV2, KeyV3, Match, OrderNotice, Reference, UdpAuthReply,
};
use xmc_hotpath::venue::esunny::dstar::simulated_counter::{Framed, Kind};
use xmc_hotpath::wire::{I32Le, I64Le, U16Le, U32Le, U64Le};

/// Bytes of the longest reply: a fill's.
pub const LONGEST_BYTES: usize = size_of::<Framed<Match<I64Le>>>();

const _: () = assert!(size_of::<Framed<Match<I32Le>>>() <= LONGEST_BYTES);
const _: () = assert!(size_of::<Framed<InsertReply<I64Le, KeyV3>>>() <= LONGEST_BYTES);
const _: () = assert!(size_of::<Framed<OrderNotice<I64Le, KeyV3>>>() <= LONGEST_BYTES);

/// A reference as a number, whatever its width.
pub trait Numbered: Reference {
    /// The number.
    fn number(self) -> i64;

    /// The reference of a number; `NONE` if it does not fit.
    fn of_number(number: i64) -> Self;
}

impl Numbered for I64Le {
    fn number(self) -> i64 {
        self.get()
    }

    fn of_number(number: i64) -> Self {
        Self::new(number)
    }
}

impl Numbered for I32Le {
    fn number(self) -> i64 {
        self.get().into()
    }

    fn of_number(number: i64) -> Self {
        i32::try_from(number).map_or(Self::NONE, Self::new)
    }
}

/// An order key as this counter makes it: from its own number and the exchange's.
pub trait Made: Key {
    /// The key of an order.
    fn of(order_id: u64, system_no: &str) -> Self;

    /// The counter's number behind it; `None` if it is not one of this counter's.
    fn order_id(&self) -> Option<u64>;
}

impl Made for KeyV3 {
    fn of(order_id: u64, system_no: &str) -> Self {
        Self { order_id: U64Le::new(order_id), system_no: text(system_no) }
    }

    fn order_id(&self) -> Option<u64> {
        Some(self.order_id.get()).filter(|order_id| *order_id != 0)
    }
}

impl Made for KeyV2 {
    fn of(order_id: u64, _system_no: &str) -> Self {
        Self { order_no: text(&order_id.to_string()) }
    }

    fn order_id(&self) -> Option<u64> {
        let text = std::str::from_utf8(xmc_hotpath::wire::text(&self.order_no)).ok()?;
        text.parse().ok()
    }
}

/// A generation that this counter speaks.
pub trait Spoken: Generation<Reference: Numbered, Key: Made> {}
impl<G: Generation<Reference: Numbered, Key: Made>> Spoken for G {}

/// One fill of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Number of the reply on the counter's stream.
    pub serial: u64,
    /// Lots of this fill.
    pub lots: u32,
    /// Its price, units of 1e-9.
    pub price_e9: i64,
    /// The exchange's number of the fill.
    pub fill_no: u64,
    /// The exchange's number of the trade.
    pub trade_no: u64,
}

/// Whether the counter takes an account's datagrams.
#[must_use]
pub fn udp_auth(account_index: u16, udp_auth_code: u32, mode: u8, error: i32) -> Vec<u8> {
    let body = UdpAuthReply {
        account_index: U16Le::new(account_index),
        udp_auth_code: U32Le::new(udp_auth_code),
        req_id_mode: mode,
        error: I32Le::new(error),
    };
    bytemuck::bytes_of(&Framed::new(Kind::UdpAuth, body)).to_vec()
}

/// An order was taken (`error` 0) or refused.
#[must_use]
pub fn insert<G: Spoken>(order: &Order, account_no: &str, max_req_id: u32, error: i32) -> Vec<u8> {
    let body = InsertReply {
        seat: 1,
        account_no: text(account_no),
        client_req_id: U32Le::new(order.client_req_id),
        reference: G::Reference::of_number(order.reference),
        max_client_req_id: U32Le::new(max_req_id),
        key: if error == 0 { key::<G>(order) } else { G::Key::NONE },
        insert_time: [0; 20],
        error: I32Le::new(error),
    };
    bytemuck::bytes_of(&Framed::new(Kind::Insert, body)).to_vec()
}

/// Where an order stands; `error` says that something was not done to it.
#[must_use]
pub fn notice<G: Spoken>(order: &Order, error: i32) -> Vec<u8> {
    let body = OrderNotice {
        contract_no: text(&order.contract_no),
        direct: order.direct,
        state: order.state.to_wire(),
        reference: G::Reference::of_number(order.reference),
        key: key::<G>(order),
        qty_lots: U32Le::new(order.qty_lots),
        filled_lots: U32Le::new(order.filled_lots),
        price: order.price,
        time: [0; 20],
        error: I32Le::new(error),
    };
    bytemuck::bytes_of(&Framed::new(Kind::Notice, body)).to_vec()
}

/// An order was filled.
#[must_use]
pub fn fill<G: Spoken>(order: &Order, account_no: &str, fill: &Fill) -> Vec<u8> {
    let body = Match {
        contract_no: text(&order.contract_no),
        qty_lots: U32Le::new(fill.lots),
        price: Double::of_price(fill.price_e9),
        direct: order.direct,
        marks: [order.offset, order.hedge, 0],
        reference: G::Reference::of_number(order.reference),
        serial_id: U64Le::new(fill.serial),
        order_no: text(&order.order_id.to_string()),
        match_no: text(&fill.fill_no.to_string()),
        match_time: [0; 20],
        exchange_match_no: text(&fill.trade_no.to_string()),
        system_no: text(&order.system_no),
        amounts: [Double::ZERO; 4],
        account_no: text(account_no),
    };
    bytemuck::bytes_of(&Framed::new(Kind::Match, body)).to_vec()
}

/// The greatest `ClientReqId` that the counter has taken.
#[must_use]
pub fn last_request(max_req_id: u32) -> Vec<u8> {
    let body = U32Le::new(max_req_id);
    bytemuck::bytes_of(&Framed::new(Kind::LastRequest, body)).to_vec()
}

fn key<G: Spoken>(order: &Order) -> G::Key {
    G::Key::of(order.order_id, &order.system_no)
}

/// `value` with NULs up to the length of its field; what does not fit is cut off.
pub(super) fn text<const N: usize>(value: &str) -> [u8; N] {
    let mut out = [0; N];
    let len = value.len().min(N);
    out[..len].copy_from_slice(&value.as_bytes()[..len]);
    out
}
