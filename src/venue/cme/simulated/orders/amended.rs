//! What the exchange does to orders and fills afterwards, unasked: 548 and 534.
//!
//! The ledger keeps what was traded: as at an exchange, a fill that is taken back or corrected is
//! settled apart from the order book. UNPROVEN: which of a trade's names a real 548 repeats.

use super::{Orders, restatement};
use crate::sim::exchange::OrderNo;
use crate::venue::cme::simulated::gateway::Gateway;
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::cme::ilink3::layout::{NewOrder, TradeOutright};

/// What becomes of a fill afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// It is taken back.
    Cancelled,
    /// Its price is another one.
    Corrected {
        /// By how much it is higher, units of 1e-9.
        by_e9: i64,
    },
}

/// A fill as a client was told of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub client: usize,
    pub block: NewOrder,
    pub order_no: OrderNo,
    pub report: TradeOutright,
}

impl Orders {
    /// Tells a client that the last fill is not what it was; whether there was one.
    pub fn amend_last(&mut self, now: MonoNs, gateway: &mut Gateway, what: Amendment) -> bool {
        let Some(Told { client, block, order_no, report }) = self.last_fill else { return false };
        let execution = self.execution(now, gateway, order_no.0);
        let reports = gateway.reports(client);
        let addendum = match what {
            Amendment::Cancelled => reports.trade_cancelled(&block, &execution, &report),
            Amendment::Corrected { by_e9 } => {
                let price_e9 = report.last_e9.get().saturating_add(by_e9);
                reports.trade_corrected(&block, &execution, &report, price_e9)
            }
        };
        let frame = reports.addendum_frame(&addendum);
        gateway.report(now, client, &frame);
        true
    }

    /// What clients are told of orders that are all cancelled: tag 378, until it is `None` again.
    pub fn cancels_for(&mut self, reason: Option<u8>) {
        self.unasked = reason.unwrap_or(restatement::DISCONNECT);
    }
}
