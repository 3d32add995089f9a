//! Orders of clients at the exchange: requests translated, events turned into reports.
//!
//! Each live order keeps the message that made it, since reports echo it. What the exchange says of
//! orders of its own crowd is passed over.
//!
//! Limit orders and market-to-limit orders, for the day, FAK (with a minimum) and FOK; everything
//! else is refused. Codes of refusals (tags 102 and 103) are those that CME's clients list; which
//! of them CME would choose in a case is UNPROVEN. `ExecID`s are unique over restarts.

mod amended;
mod mass;
mod standing;

pub use amended::Amendment;

use super::channel::trade_id;
use super::gateway::{Demand, Gateway};
use crate::sim::exchange::{
    self, Accepted, CancelCause, Event, ListingIndex, Order, OrderNo, Phase, Price, Refusal,
    Request, Ticket,
};
use crate::venue::cme::ilink3::{self, Execution, changed, text};
use std::collections::BTreeMap;
use xmc_hotpath::message::{AccountId, PositionEffect, Side, TimeInForce};
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::cme::ilink3::layout::{self, ClOrdId, NULL_U32, NewOrder, ORD_TYPE_LIMIT};

/// Tag 40: what is left of a market order is a limit order.
const MARKET_TO_LIMIT: u8 = b'K';

/// Why a request is refused: tags 102 and 103.
mod reason {
    pub const CLOSED: u16 = 3;
    pub const PAUSED: u16 = 1003;
    pub const FIELD: u16 = 1011;
    pub const QUALIFIER: u16 = 1013;
    pub const NO_OPPOSITE: u16 = 2013;
    pub const NOT_ON_BOOK: u16 = 2045;
    pub const UNKNOWN_CONTRACT: u16 = 2047;
    pub const QUANTITY: u16 = 2115;
    pub const PRICE_LIMIT: u16 = 2137;
    pub const ORDER_TYPE: u16 = 2311;
    pub const REJECTED: u16 = 7000;
}

/// Why an order was cancelled unasked: tag 378 `ExecRestatementReason`.
mod restatement {
    pub const DISCONNECT: u8 = 100;
    pub const SELF_MATCH_OLDEST: u8 = 103;
    pub const SELF_MATCH_NEWEST: u8 = 107;
    pub const SYSTEM: u8 = 111;
}

/// A live order.
#[derive(Clone, Copy, Debug)]
struct Placed {
    client: usize,
    /// The order as it stands, changes included.
    block: NewOrder,
    cum_lots: u32,
}

/// A request while the exchange works on it.
#[derive(Clone, Copy, Debug)]
struct Pending {
    client: usize,
    demand: Demand,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Orders {
    /// Tags 48 by `ListingIndex`.
    security_ids: Vec<i32>,
    first_number: u64,
    placed: BTreeMap<OrderNo, Placed>,
    /// The last orders that have ended, and how.
    ended: BTreeMap<OrderNo, (Placed, u8)>,
    pending: Option<Pending>,
    /// Reports so far; with the start they name executions that are no fills.
    executions: u64,
    /// Names this start.
    run: u64,
    /// Tag 378 of orders that are all cancelled unasked.
    unasked: u8,
    /// The last fill that a client was told of.
    last_fill: Option<amended::Told>,
}

impl Orders {
    pub fn new(security_ids: Vec<i32>, first_number: u64, run: u64) -> Self {
        Self {
            security_ids,
            first_number,
            placed: BTreeMap::new(),
            ended: BTreeMap::new(),
            pending: None,
            executions: 0,
            run,
            unasked: restatement::DISCONNECT,
            last_fill: None,
        }
    }

    /// What a demand asks of the exchange, if it can be asked; a refusal is said at once.
    pub fn translate(
        &mut self,
        now: MonoNs,
        gateway: &mut Gateway,
        client: usize,
        demand: Demand,
    ) -> Option<Request> {
        let account = gateway.account(client);
        let request = match demand {
            Demand::New(block) => match self.order(account, &block) {
                Ok(order) => Request::Submit(order),
                Err(code) => {
                    self.reject(now, gateway, client, &block, code);
                    return None;
                }
            },
            Demand::Cancel(block) => Request::Cancel(exchange::Cancel {
                account,
                client_id: block.cl_ord_id.order().unwrap_or(0),
                order_no: self.find(client, block.order_id.get(), &block.cl_ord_id),
            }),
            Demand::Replace(block) => Request::Change(exchange::Change {
                account,
                client_id: block.cl_ord_id.order().unwrap_or(0),
                order_no: self.find(client, block.order_id.get(), &block.cl_ord_id),
                price_e9: block.price_e9.get(),
                lots: block.qty_lots.get(),
            }),
            Demand::Status(ask) => {
                self.tell_one(now, gateway, client, &ask);
                return None;
            }
            Demand::MassStatus(ask) => {
                self.tell_many(now, gateway, client, &ask);
                return None;
            }
            // Done with what it means for all orders at once: see `mass`.
            Demand::MassAction(_) | Demand::Gone => return None,
        };
        self.pending = Some(Pending { client, demand });
        Some(request)
    }

    /// The exchange has done what was asked.
    pub fn done(&mut self) {
        self.pending = None;
    }

    fn order(&self, account: AccountId, block: &NewOrder) -> Result<Order, u16> {
        let id = block.security_id.get();
        let row = self.security_ids.iter().position(|known| *known == id);
        let row = row.ok_or(reason::UNKNOWN_CONTRACT)?;
        let side = match layout::Side::from_wire(block.side) {
            Some(layout::Side::Buy) => Side::Buy,
            Some(layout::Side::Sell) => Side::Sell,
            None => return Err(reason::FIELD),
        };
        let price = match block.ord_type {
            ORD_TYPE_LIMIT if block.price_e9.get() != i64::MAX => {
                Price::Limit(block.price_e9.get())
            }
            MARKET_TO_LIMIT => Price::MarketToLimit,
            ORD_TYPE_LIMIT => return Err(reason::FIELD),
            _ => return Err(reason::ORDER_TYPE),
        };
        let time_in_force = match layout::TimeInForce::from_wire(block.tif) {
            Some(layout::TimeInForce::Day) => TimeInForce::Day,
            Some(layout::TimeInForce::FillAndKill) => TimeInForce::FillAndKill,
            Some(layout::TimeInForce::FillOrKill) => TimeInForce::FillOrKill,
            None => return Err(reason::QUALIFIER),
        };
        Ok(Order {
            account,
            client_id: block.cl_ord_id.order().unwrap_or(0),
            listing: ListingIndex(u16::try_from(row).expect("instruments are few")),
            side,
            price,
            time_in_force,
            lots: block.qty_lots.get(),
            min_lots: if block.min_qty_lots == NULL_U32 { 0 } else { block.min_qty_lots.get() },
            effect: PositionEffect::Net,
        })
    }

    /// The live order that a request means: by the exchange's name, or else by the client's.
    fn find(&self, client: usize, order_id: u64, cl_ord_id: &ClOrdId) -> OrderNo {
        if order_id != u64::MAX {
            return OrderNo(order_id);
        }
        let mut named = self.placed.iter().rev();
        let found =
            named.find(|(_, one)| one.client == client && one.block.cl_ord_id == *cl_ord_id);
        found.map_or(OrderNo(0), |(order_no, _)| *order_no)
    }

    fn execution(&mut self, now: MonoNs, gateway: &Gateway, order_no: u64) -> Execution {
        self.executions += 1;
        let exec_id = text(&format!("R{:020}{:012}", self.run, self.executions));
        let utc_ns = gateway.utc_ns(now);
        Execution { exec_id, order_id: order_no, transact_ns: utc_ns, sent_ns: utc_ns }
    }

    fn reject(
        &mut self,
        now: MonoNs,
        gateway: &mut Gateway,
        client: usize,
        block: &NewOrder,
        code: u16,
    ) {
        let execution = self.execution(now, gateway, 0);
        let reports = gateway.reports(client);
        let report = reports.rejected(block, &execution, code, words(code));
        let frame = reports.frame(&report);
        gateway.report(now, client, &frame);
    }

    /// What the exchange says of orders.
    pub fn take(&mut self, now: MonoNs, event: &Event, gateway: &mut Gateway) {
        match event {
            Event::Accepted(accepted) => self.accepted(now, accepted, gateway),
            Event::Rejected { reason, .. } => {
                if let Some(Pending { client, demand: Demand::New(block) }) = self.pending {
                    self.reject(now, gateway, client, &block, code(*reason));
                }
            }
            Event::Filled(fill) => self.filled(now, fill, gateway),
            Event::Cancelled { ticket, cause, .. } => self.cancelled(now, ticket, *cause, gateway),
            Event::Replaced { ticket, price_e9, lots, .. } => {
                self.replaced(now, ticket, (*price_e9, *lots), gateway);
            }
            Event::CancelRejected { reason, .. } => {
                if let Some(Pending { client, demand: Demand::Cancel(block) }) = self.pending {
                    let execution = self.execution(now, gateway, block.order_id.get());
                    let (reports, code) = (gateway.reports(client), code(*reason));
                    let report = reports.cancel_rejected(&block, &execution, code, words(code));
                    let frame = reports.frame(&report);
                    gateway.report(now, client, &frame);
                }
            }
            Event::ReplaceRejected { reason, .. } => {
                if let Some(Pending { client, demand: Demand::Replace(block) }) = self.pending {
                    let execution = self.execution(now, gateway, block.order_id.get());
                    let (reports, code) = (gateway.reports(client), code(*reason));
                    let report = reports.replace_rejected(&block, &execution, code, words(code));
                    let frame = reports.frame(&report);
                    gateway.report(now, client, &frame);
                }
            }
            _ => {}
        }
    }

    fn accepted(&mut self, now: MonoNs, accepted: &Accepted, gateway: &mut Gateway) {
        let Some(Pending { client, demand: Demand::New(mut block) }) = self.pending else {
            return;
        };
        // An order that came without a limit has one now.
        block.price_e9 = xmc_hotpath::wire::I64Le::new(accepted.price_e9);
        let order_no = accepted.ticket.order_no;
        self.placed.insert(order_no, Placed { client, block, cum_lots: 0 });
        let execution = self.execution(now, gateway, order_no.0);
        let reports = gateway.reports(client);
        let report = reports.accepted(&block, &execution);
        let frame = reports.frame(&report);
        gateway.report(now, client, &frame);
    }

    fn filled(&mut self, now: MonoNs, fill: &exchange::Fill, gateway: &mut Gateway) {
        let order_no = fill.ticket.order_no;
        let Some(placed) = self.placed.get_mut(&order_no) else { return };
        placed.cum_lots = fill.cum_lots;
        let Placed { client, block, .. } = *placed;
        if fill.leaves_lots == 0 {
            self.end(order_no, b'2');
        }
        let utc_ns = gateway.utc_ns(now);
        let execution = Execution {
            exec_id: text(&format!("F{:020}", fill.fill_no.0)),
            order_id: order_no.0,
            transact_ns: utc_ns,
            sent_ns: utc_ns,
        };
        let reports = gateway.reports(client);
        let report = reports.traded(
            &block,
            &execution,
            &ilink3::Fill {
                last_e9: fill.price_e9,
                last_lots: fill.lots,
                cum_lots: fill.cum_lots,
                is_aggressor: fill.is_taker,
                trade_id: trade_id(fill.trade_no.0, self.first_number),
            },
        );
        let frame = reports.trade_frame(&report, &[], &[]);
        self.last_fill = Some(amended::Told { client, block, order_no, report });
        gateway.report(now, client, &frame);
    }

    fn cancelled(
        &mut self,
        now: MonoNs,
        ticket: &Ticket,
        cause: CancelCause,
        gateway: &mut Gateway,
    ) {
        let is_expired = matches!(
            cause,
            CancelCause::Remainder | CancelCause::NotEnough | CancelCause::EndOfDay
        );
        let ord_status = if is_expired { b'C' } else { b'4' };
        let Some(placed) = self.end(ticket.order_no, ord_status) else { return };
        let Placed { client, block, cum_lots } = placed;
        let execution = self.execution(now, gateway, ticket.order_no.0);
        let own = self.pending.filter(|pending| pending.client == client);
        let is_taker = own.is_some_and(|pending| {
            matches!(pending.demand, Demand::New(new) if new.cl_ord_id == block.cl_ord_id)
        });
        let reports = gateway.reports(client);
        let unasked = |restatement| ilink3::CancelCause::Exchange(restatement);
        let cause = match (cause, own.map(|pending| pending.demand)) {
            // What may not rest, and what the day has ended for, is eliminated.
            (CancelCause::Remainder | CancelCause::NotEnough | CancelCause::EndOfDay, _) => {
                let report = reports.eliminated(&block, &execution, cum_lots);
                let frame = reports.frame(&report);
                return gateway.report(now, client, &frame);
            }
            (CancelCause::Requested { .. }, Some(Demand::Cancel(cancel))) => {
                let report = reports.cancelled(
                    &block,
                    &execution,
                    cum_lots,
                    ilink3::CancelCause::Asked(&cancel),
                );
                let frame = reports.frame(&report);
                return gateway.report(now, client, &frame);
            }
            (CancelCause::Mass, _) => unasked(self.unasked),
            (CancelCause::SelfMatch, _) if is_taker => unasked(restatement::SELF_MATCH_NEWEST),
            (CancelCause::SelfMatch, _) => unasked(restatement::SELF_MATCH_OLDEST),
            (CancelCause::Requested { .. } | CancelCause::ChangedToNothing, _) => {
                unasked(restatement::SYSTEM)
            }
        };
        let report = reports.cancelled(&block, &execution, cum_lots, cause);
        let frame = reports.frame(&report);
        gateway.report(now, client, &frame);
    }

    fn replaced(
        &mut self,
        now: MonoNs,
        ticket: &Ticket,
        (price_e9, lots): (i64, u32),
        gateway: &mut Gateway,
    ) {
        let (Some(placed), Some(Pending { client, demand: Demand::Replace(change) })) =
            (self.placed.get_mut(&ticket.order_no), self.pending)
        else {
            return;
        };
        placed.block = changed(&placed.block, &change);
        debug_assert_eq!(placed.block.price_e9.get(), price_e9, "as it was asked for");
        debug_assert_eq!(placed.block.qty_lots.get(), lots, "as it was asked for");
        let Placed { block, cum_lots, .. } = *placed;
        let execution = self.execution(now, gateway, ticket.order_no.0);
        let reports = gateway.reports(client);
        let report = reports.modified(&block, &execution, cum_lots);
        let frame = reports.frame(&report);
        gateway.report(now, client, &frame);
    }
}

fn code(refusal: Refusal) -> u16 {
    match refusal {
        Refusal::UnknownListing => reason::UNKNOWN_CONTRACT,
        Refusal::NotOpen(Phase::Halted) => reason::PAUSED,
        Refusal::NotOpen(_) => reason::CLOSED,
        Refusal::Lots | Refusal::MinLots => reason::QUANTITY,
        Refusal::OffTick | Refusal::Effect => reason::FIELD,
        Refusal::PriceLimit => reason::PRICE_LIMIT,
        Refusal::NeedsLimit => reason::ORDER_TYPE,
        Refusal::NoOpposite => reason::NO_OPPOSITE,
        Refusal::UnknownOrder => reason::NOT_ON_BOOK,
        Refusal::NotEnoughPosition | Refusal::SelfMatch | Refusal::NoChanges => reason::REJECTED,
    }
}

fn words(code: u16) -> &'static str {
    match code {
        reason::CLOSED => "the market is closed",
        reason::PAUSED => "the market is paused",
        reason::FIELD => "a field is incorrect",
        reason::QUALIFIER => "invalid order qualifier",
        reason::NO_OPPOSITE => "no opposite limit",
        reason::NOT_ON_BOOK => "this order is not on the book",
        reason::UNKNOWN_CONTRACT => "order contract is unknown",
        reason::QUANTITY => "order quantity is outside of the allowable range",
        reason::PRICE_LIMIT => "order price is outside the limits",
        reason::ORDER_TYPE => "order type not permitted",
        _ => "order rejected",
    }
}
