//! Many orders cancelled at once: 562 in answer to 529, and 534 for each order to whoever sent it.
//!
//! Schema 8: without tag 6115 all orders of the session and firm are meant, and 9937 names another
//! session and firm for which orders are cancelled. CME's page "Submitting orders on behalf of"
//! (46175626): within one firm, after registration, which everybody has here. Instruments and all
//! orders can be meant; segments and groups are refused. UNPROVEN: that CME takes scope 7 (its page
//! on iLink 2 has 1, 9 and 10), that a name of another firm is refused with reason 0, and which tag
//! 378 the 534s have (here 111).

use super::{Orders, Placed, exchange};
use crate::sim::exchange::{OrderNo, Request};
use crate::venue::cme::simulated::gateway::Gateway;
use xmc_hotpath::message::AccountId;
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::cme::ilink3::layout::{AffectedOrder, MassAction};
use xmc_hotpath::wire::{self, U32Le, U64Le};

/// Tag 1374: orders of one instrument.
const OF_INSTRUMENT: u8 = 1;
/// Tag 1374: all orders.
const ALL: u8 = 7;

/// An order that is about to be cancelled.
#[derive(Clone, Copy, Debug)]
pub struct Affected {
    order_no: OrderNo,
    placed: Placed,
    account: AccountId,
}

impl Affected {
    /// What is asked of the exchange.
    pub fn cancel(&self) -> Request {
        Request::Cancel(exchange::Cancel {
            account: self.account,
            client_id: self.placed.block.cl_ord_id.order().unwrap_or(0),
            order_no: self.order_no,
        })
    }

    fn row(&self) -> AffectedOrder {
        let Placed { block, cum_lots, .. } = self.placed;
        AffectedOrder {
            orig_cl_ord_id: block.cl_ord_id,
            order_id: U64Le::new(self.order_no.0),
            cancelled_lots: U32Le::new(block.qty_lots.get().saturating_sub(cum_lots)),
        }
    }
}

impl Orders {
    /// The orders that a 529 means; `None` if it is refused.
    pub(in crate::venue::cme::simulated) fn mass_asked(
        &self,
        gateway: &Gateway,
        client: usize,
        ask: &MassAction,
    ) -> Option<Vec<Affected>> {
        let owner = match wire::text(&ask.orig_order_user) {
            [] => Some(client),
            named => gateway.client_of(named),
        };
        let owner = owner.filter(|owner| gateway.firm(*owner) == gateway.firm(client))?;
        if !matches!(ask.scope, OF_INSTRUMENT | ALL) {
            return None;
        }
        let account = gateway.account(owner);
        let is_meant = |placed: &Placed| {
            placed.client == owner
                && (ask.scope == ALL || placed.block.security_id == ask.security_id)
        };
        let meant = self.placed.iter().filter(|(_, placed)| is_meant(placed));
        let affected = meant.map(|(order_no, placed)| Affected {
            order_no: *order_no,
            placed: *placed,
            account,
        });
        Some(affected.collect())
    }

    /// They are cancelled: 562 says which.
    pub(in crate::venue::cme::simulated) fn mass_done(
        &mut self,
        now: MonoNs,
        gateway: &mut Gateway,
        client: usize,
        ask: &MassAction,
        affected: Option<&[Affected]>,
    ) {
        self.executions += 1;
        let (report_id, utc_ns) = (self.executions, gateway.utc_ns(now));
        let rows: Option<Vec<_>> =
            affected.map(|affected| affected.iter().map(Affected::row).collect());
        let reports = gateway.reports(client);
        for frame in reports.mass_action(ask, report_id, utc_ns, rows.as_deref()) {
            gateway.report(now, client, &frame);
        }
    }
}
