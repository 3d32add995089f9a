//! The orders of an account at a simulated counter: what may still change and what is newest in
//! memory, all others on the disk. Every one stays known, as a counter knows its day.

use super::ledger::Order;
use super::reply::text;
use crate::sim::exchange::OrderNo;
use crate::sim::shelf::{NEWEST, Row, Slots};
use bytemuck::{Pod, Zeroable};
use std::collections::BTreeMap;
use xmc_hotpath::venue::esunny::double::Double;
use xmc_hotpath::venue::esunny::dstar::layout::OrderState;
use xmc_hotpath::wire::{self, I64Le, U32Le, U64Le};

/// Orders by the counter's number, which rises.
#[derive(Debug, Default)]
pub struct Orders {
    here: BTreeMap<u64, Order>,
    away: Slots<Order, ORDER_BYTES>,
    /// The greatest number.
    last: u64,
}

impl Orders {
    /// One more, or the one of that number anew.
    pub fn insert(&mut self, order: Order) {
        self.last = self.last.max(order.order_id);
        self.here.insert(order.order_id, order);
        if self.here.len() > NEWEST
            && let Some((id, over)) = self.here.iter().find(|(_, order)| !is_live(order.state))
            && self.away.put(*id, over)
        {
            let id = *id;
            self.here.remove(&id);
        }
    }

    /// The order of that number.
    #[must_use]
    pub fn get(&self, order_id: u64) -> Option<Order> {
        let here = self.here.get(&order_id).cloned();
        here.or_else(|| self.away.get(order_id))
    }

    /// The same if it may still change.
    pub fn get_mut(&mut self, order_id: u64) -> Option<&mut Order> {
        self.here.get_mut(&order_id)
    }

    /// The newest order that its sender calls so.
    #[must_use]
    pub fn named(&self, reference: i64) -> Option<Order> {
        let is_it = |order: &Order| order.reference == reference;
        let here = self.here.values().rev().find(|order| is_it(order)).cloned();
        let mut away = (1..=self.last).rev().filter_map(|order_id| self.away.get(order_id));
        here.or_else(|| away.find(is_it))
    }

    /// Those that may still change.
    pub fn live_mut(&mut self) -> impl Iterator<Item = &mut Order> {
        self.here.values_mut().filter(|order| is_live(order.state))
    }

    /// The greatest number; 0 if there are none.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// How many are in memory.
    #[must_use]
    pub fn in_memory(&self) -> usize {
        self.here.len()
    }
}

/// Whether a cancellation may still find it.
pub fn is_live(state: OrderState) -> bool {
    matches!(state, OrderState::Received | OrderState::Queued | OrderState::PartFilled)
}

/// Bytes of an order on the disk.
const ORDER_BYTES: usize = size_of::<KeptOrder>();

/// The fields of an `Order`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct KeptOrder {
    /// 1: an order that is there.
    mark: u8,
    direct: u8,
    offset: u8,
    hedge: u8,
    state: u8,
    /// 1 if the exchange's number is known.
    has_order_no: u8,
    order_id: U64Le,
    client_req_id: U32Le,
    reference: I64Le,
    price: Double,
    qty_lots: U32Le,
    filled_lots: U32Le,
    order_no: U64Le,
    contract_no: [u8; 32],
    system_no: [u8; 32],
}

const _: () = assert!(size_of::<KeptOrder>() == 114);

impl Row<ORDER_BYTES> for Order {
    fn to_bytes(&self) -> [u8; ORDER_BYTES] {
        bytemuck::cast(KeptOrder {
            mark: 1,
            direct: self.direct,
            offset: self.offset,
            hedge: self.hedge,
            state: self.state.to_wire(),
            has_order_no: u8::from(self.order_no.is_some()),
            order_id: U64Le::new(self.order_id),
            client_req_id: U32Le::new(self.client_req_id),
            reference: I64Le::new(self.reference),
            price: self.price,
            qty_lots: U32Le::new(self.qty_lots),
            filled_lots: U32Le::new(self.filled_lots),
            order_no: U64Le::new(self.order_no.map_or(0, |order_no| order_no.0)),
            contract_no: text(&self.contract_no),
            system_no: text(&self.system_no),
        })
    }

    fn from_bytes(bytes: &[u8; ORDER_BYTES]) -> Option<Self> {
        let kept: KeptOrder = bytemuck::cast(*bytes);
        let plain = |field: &[u8]| String::from_utf8_lossy(wire::text(field)).into_owned();
        let order = Self {
            order_id: kept.order_id.get(),
            client_req_id: kept.client_req_id.get(),
            reference: kept.reference.get(),
            contract_no: plain(&kept.contract_no),
            direct: kept.direct,
            offset: kept.offset,
            hedge: kept.hedge,
            price: kept.price,
            qty_lots: kept.qty_lots.get(),
            filled_lots: kept.filled_lots.get(),
            state: OrderState::from_wire(kept.state)?,
            order_no: (kept.has_order_no == 1).then_some(OrderNo(kept.order_no.get())),
            system_no: plain(&kept.system_no),
        };
        (kept.mark == 1).then_some(order)
    }
}
