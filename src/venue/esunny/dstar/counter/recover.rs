//! What a counter still knows after a restart: all that it has told of orders.
//!
//! Orders of before are gone with the exchange that had them; clients are told so, behind whatever
//! they have not read yet. Numbers of orders and replies go on.

use super::super::ledger::{Account, Order, Reply as Kept};
use super::super::orders::Orders;
use super::super::reply::{Made, Numbered, Spoken};
use super::{Counter, notice};
use xmc_hotpath::message::AccountId;
use xmc_hotpath::venue::esunny::double::Double;
use xmc_hotpath::venue::esunny::dstar::decode::{self, Reply, ReplyKind};
use xmc_hotpath::venue::esunny::dstar::layout::{
    HEDGE_SPECULATE, InsertReply, Match, OFFSET_OPEN, OrderNotice, OrderState, V2, V3,
};
use xmc_hotpath::venue::esunny::dstar::simulated_counter::{self, Kind};
use xmc_hotpath::wire;

/// A reply about an order, as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Whose.
    pub account: AccountId,
    /// In which generation.
    pub version: u8,
    /// The whole message of the stream.
    pub reply: Vec<u8>,
}

impl Counter {
    /// Replies about orders since the last call: what has to be written down before anybody reads
    /// them.
    pub fn take_told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.fresh)
    }

    /// Takes back all that was told before a restart, the oldest first. Before anybody connects.
    pub fn recover(&mut self, told: &[Told]) {
        for one in told {
            let Some(place) = self.place(one.account) else { continue };
            let account = &mut self.accounts[place];
            account.version = Some(one.version);
            account.told.push(Kept(one.reply.clone()));
            let serial = match one.version {
                2 => relearn::<V2>(account, &one.reply),
                _ => relearn::<V3>(account, &one.reply),
            };
            self.next_serial = self.next_serial.max(serial + 1);
        }
        let last = self.accounts.iter().map(|account| account.orders.last()).max().unwrap_or(0);
        self.next_order_id = self.next_order_id.max(last + 1);
        for place in 0..self.accounts.len() {
            for reply in bury(&mut self.accounts[place]) {
                self.tell(place, reply);
            }
        }
    }
}

/// Ends all live orders of an account, and says so.
fn bury(account: &mut Account) -> Vec<Vec<u8>> {
    let is_v2 = account.version == Some(2);
    let ended = account.orders.live_mut().map(|order| {
        order.state = match order.filled_lots {
            0 => OrderState::Cancelled,
            _ => OrderState::RemainderCancelled,
        };
        notice(is_v2, order, 0)
    });
    ended.collect()
}

/// What a reply says of its account and its order; gives the number of a fill, or 0.
fn relearn<G: Spoken>(account: &mut Account, reply: &[u8]) -> u64 {
    let Ok(Some((frame, _))) = simulated_counter::frame(reply) else { return 0 };
    let kind = match Kind::from_wire(frame.kind) {
        Some(Kind::Insert) => ReplyKind::Insert,
        Some(Kind::Notice) => ReplyKind::Notice,
        Some(Kind::Match) => ReplyKind::Match,
        _ => return 0,
    };
    match decode::reply::<G>(kind, frame.body) {
        Ok(Reply::Insert(insert)) => inserted::<G>(account, insert),
        Ok(Reply::Notice(notice)) => noticed::<G>(&mut account.orders, notice),
        Ok(Reply::Match(fill)) => return matched::<G>(&mut account.orders, fill),
        Ok(Reply::UdpAuth(_) | Reply::LastRequest(_)) | Err(_) => {}
    }
    0
}

fn inserted<G: Spoken>(account: &mut Account, insert: &InsertReply<G::Reference, G::Key>) {
    account.max_client_req_id = account.max_client_req_id.max(insert.max_client_req_id.get());
    let (key, reference) = (insert.key, insert.reference);
    let Some(order_id) = key.order_id().filter(|_| insert.error.get() == 0) else { return };
    let order = Order {
        order_id,
        client_req_id: insert.client_req_id.get(),
        reference: reference.number(),
        // The notices behind it say the rest.
        contract_no: String::new(),
        direct: 0,
        offset: OFFSET_OPEN,
        hedge: HEDGE_SPECULATE,
        price: Double::ZERO,
        qty_lots: 0,
        filled_lots: 0,
        state: OrderState::Received,
        order_no: None,
        system_no: String::new(),
    };
    account.orders.insert(order);
}

fn noticed<G: Spoken>(orders: &mut Orders, notice: &OrderNotice<G::Reference, G::Key>) {
    let key = notice.key;
    let order = key.order_id().and_then(|order_id| orders.get_mut(order_id));
    let Some(order) = order else { return };
    order.contract_no = String::from_utf8_lossy(wire::text(&notice.contract_no)).into_owned();
    order.direct = notice.direct;
    order.state = OrderState::from_wire(notice.state).unwrap_or(OrderState::Failed);
    order.qty_lots = notice.qty_lots.get();
    order.filled_lots = notice.filled_lots.get();
    order.price = notice.price;
}

fn matched<G: Spoken>(orders: &mut Orders, fill: &Match<G::Reference>) -> u64 {
    let (order_no, system_no) = (fill.order_no, fill.system_no);
    let number = |field: &[u8]| String::from_utf8_lossy(wire::text(field)).into_owned();
    let order = number(&order_no).parse().ok().and_then(|order_id| orders.get_mut(order_id));
    if let Some(order) = order {
        [order.offset, order.hedge, _] = fill.marks;
        order.system_no = number(&system_no);
    }
    fill.serial_id.get()
}
