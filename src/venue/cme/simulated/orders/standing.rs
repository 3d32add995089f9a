//! How orders stand: 532 in answer to 533 (one order) and 530 (those that work).
//!
//! Orders that have ended are told of by 533 as long as they are among the last `ENDED_KEPT`.
//! UNPROVEN: that CME answers with status `U` where it knows of no such order, and with one such
//! report where a 530 finds none.

use super::{Orders, Placed};
use crate::sim::exchange::OrderNo;
use crate::venue::cme::ilink3::{Asked, Standing};
use crate::venue::cme::simulated::gateway::Gateway;
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::cme::ilink3::layout::{
    Block, ClOrdId, MassStatusRequest, NewOrder, StatusRequest,
};

/// Orders that have ended and are remembered.
const ENDED_KEPT: usize = 4_096;

/// Tag 585: all orders of the session, whatever they trade.
const ALL_ORDERS: u8 = 7;
/// Tag 585: those of one instrument.
const OF_INSTRUMENT: u8 = 1;

/// Tag 39 of an order that is not known.
const UNDEFINED: u8 = b'U';

impl Orders {
    /// An order works no more; what it was.
    pub(super) fn end(&mut self, order_no: OrderNo, ord_status: u8) -> Option<Placed> {
        let placed = self.placed.remove(&order_no)?;
        self.ended.insert(order_no, (placed, ord_status));
        if self.ended.len() > ENDED_KEPT {
            self.ended.pop_first();
        }
        Some(placed)
    }

    /// 533: how one order stands.
    pub(super) fn tell_one(
        &mut self,
        now: MonoNs,
        gateway: &mut Gateway,
        client: usize,
        ask: &StatusRequest,
    ) {
        let order_no = OrderNo(ask.order_id.get());
        let works = self.placed.get(&order_no).map(|placed| (*placed, working(placed)));
        let ended = || self.ended.get(&order_no).map(|(placed, how)| (*placed, over(placed, *how)));
        let known = works.or_else(ended).filter(|(placed, _)| placed.client == client);
        let asked = Asked { one: Some(ask.status_id), many: None, is_last: false };
        match known {
            Some((placed, standing)) => {
                self.tell(now, gateway, client, (order_no, &placed.block), &standing, &asked);
            }
            None => self.tell_undefined(now, gateway, client, order_no, &asked),
        }
    }

    /// 530: how all orders stand that work, of an instrument or of the session.
    pub(super) fn tell_many(
        &mut self,
        now: MonoNs,
        gateway: &mut Gateway,
        client: usize,
        ask: &MassStatusRequest,
    ) {
        let is_meant = |placed: &Placed| {
            placed.client == client
                && match ask.scope {
                    OF_INSTRUMENT => placed.block.security_id == ask.security_id,
                    ALL_ORDERS => true,
                    _ => false,
                }
        };
        let meant = self.placed.iter().filter(|(_, placed)| is_meant(placed));
        let meant: Vec<_> = meant.map(|(order_no, placed)| (*order_no, *placed)).collect();
        let asked = |is_last| Asked { one: None, many: Some(ask.mass_status_id), is_last };
        for (place, (order_no, placed)) in meant.iter().enumerate() {
            let standing = working(placed);
            let asked = asked(place + 1 == meant.len());
            self.tell(now, gateway, client, (*order_no, &placed.block), &standing, &asked);
        }
        if meant.is_empty() {
            self.tell_undefined(now, gateway, client, OrderNo(0), &asked(true));
        }
    }

    fn tell_undefined(
        &mut self,
        now: MonoNs,
        gateway: &mut Gateway,
        client: usize,
        order_no: OrderNo,
        asked: &Asked,
    ) {
        let standing = Standing { ord_status: UNDEFINED, cum_lots: 0, leaves_lots: 0 };
        let nothing = NewOrder { cl_ord_id: ClOrdId::EMPTY, ..NewOrder::BLANK };
        self.tell(now, gateway, client, (order_no, &nothing), &standing, asked);
    }

    fn tell(
        &mut self,
        now: MonoNs,
        gateway: &mut Gateway,
        client: usize,
        (order_no, block): (OrderNo, &NewOrder),
        standing: &Standing,
        asked: &Asked,
    ) {
        let execution = self.execution(now, gateway, order_no.0);
        let reports = gateway.reports(client);
        let report = reports.status(block, &execution, standing, asked);
        let frame = reports.frame(&report);
        gateway.report(now, client, &frame);
    }
}

fn working(placed: &Placed) -> Standing {
    let leaves_lots = placed.block.qty_lots.get().saturating_sub(placed.cum_lots);
    let ord_status = if placed.cum_lots == 0 { b'0' } else { b'1' };
    Standing { ord_status, cum_lots: placed.cum_lots, leaves_lots }
}

const fn over(placed: &Placed, ord_status: u8) -> Standing {
    Standing { ord_status, cum_lots: placed.cum_lots, leaves_lots: 0 }
}
