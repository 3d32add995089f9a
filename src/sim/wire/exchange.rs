//! A simulated CME order gateway: iLink 3 frames in, iLink 3 reports out.
//!
//! What happens to orders is `venue::ToyVenue`'s business; this reads requests and writes down what
//! the venue says, with what CME echoes. The session is established when it starts; heartbeats,
//! gaps and the logon are not simulated.

use std::collections::BTreeMap;

use xmc_hotpath::message::{
    AccountId, GatewayIndex, HedgeFlag, InstrumentIndex, OrderAction, OrderCommand, OrderEvent,
    OrderEventKind, OrderId, PositionEffect, ProjectId, Side, SpreadIndex, StrategyId, TimeInForce,
};
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::cme::ilink3::decode::{self, Request, exec_digest};
use xmc_hotpath::venue::cme::ilink3::layout::{
    Cancel, NEWEST_VERSION, NewOrder, Side as WireSide, TimeInForce as WireTimeInForce,
    TradeOutright,
};
use xmc_hotpath::wire::U32Le;

use crate::sim::venue::{ToyVenue, Venue};
use crate::venue::cme::ilink3::{CancelCause, Execution, Fill, ReportWriter};

/// Tag 103 `OrdRejReason` and the like: other.
const REASON: u16 = 99;

/// The exchange's end of one session.
#[derive(Debug)]
pub struct Exchange {
    venue: ToyVenue,
    reports: ReportWriter,
    /// Instruments of the desk by the exchange's number.
    instruments: BTreeMap<i32, InstrumentIndex>,
    orders: BTreeMap<OrderId, NewOrder>,
    /// The same orders as the venue was given them.
    entered: BTreeMap<OrderId, OrderCommand>,
    cancels: BTreeMap<OrderId, Cancel>,
    fills: BTreeMap<OrderId, TradeOutright>,
    arrived: Vec<u8>,
    /// The number of the next message of the client.
    next_seq_no: u32,
    utc_origin: u64,
    executions: u64,
}

impl Exchange {
    /// An exchange in front of `venue`.
    pub fn new(
        venue: ToyVenue,
        instruments: BTreeMap<i32, InstrumentIndex>,
        utc_origin: u64,
    ) -> Self {
        Self {
            venue,
            reports: ReportWriter::new(1, NEWEST_VERSION, 1),
            instruments,
            orders: BTreeMap::new(),
            entered: BTreeMap::new(),
            cancels: BTreeMap::new(),
            fills: BTreeMap::new(),
            arrived: Vec::new(),
            next_seq_no: 1,
            utc_origin,
            executions: 0,
        }
    }

    /// The venue behind the session.
    pub fn venue(&self) -> &ToyVenue {
        &self.venue
    }

    /// The venue behind the session.
    pub fn venue_mut(&mut self) -> &mut ToyVenue {
        &mut self.venue
    }

    /// The orders that have come, each as it was read from its frame.
    pub fn entered(&self) -> &BTreeMap<OrderId, OrderCommand> {
        &self.entered
    }

    /// The orders that the client has asked to cancel.
    pub fn cancelled(&self) -> impl Iterator<Item = &OrderId> {
        self.cancels.keys()
    }

    /// Bytes of the client arrive.
    ///
    /// # Errors
    /// They are not what iLink 3 allows.
    pub fn take(&mut self, now: MonoNs, bytes: &[u8]) -> Result<(), String> {
        self.arrived.extend_from_slice(bytes);
        let arrived = std::mem::take(&mut self.arrived);
        let mut rest = &arrived[..];
        loop {
            let next = decode::frame(rest).map_err(|error| format!("no frame: {error:?}"))?;
            let Some((frame, after)) = next else {
                break;
            };
            rest = after;
            let request = decode::request(&frame);
            match request.map_err(|error| format!("no request: {error:?}"))? {
                Some(Request::New(order)) => self.enter(now, order)?,
                Some(Request::Cancel(cancel)) => self.cancel(now, cancel)?,
                Some(Request::Replace(_)) => return Err("a replace, which no desk sends".into()),
                Some(Request::Status(_) | Request::MassStatus(_) | Request::MassAction(_)) => {
                    return Err("a question, which this gateway's limits do not allow".into());
                }
                Some(Request::Parties(..)) => {
                    return Err("party details, which this logon does not register".into());
                }
                Some(Request::Sequence(_) | Request::Terminate(_)) | None => {}
            }
        }
        self.arrived = rest.to_vec();
        Ok(())
    }

    fn enter(&mut self, now: MonoNs, order: &NewOrder) -> Result<(), String> {
        self.follow(order.seq_no.get())?;
        let id = order.cl_ord_id.order().map_err(|error| format!("no order id: {error:?}"))?;
        let command = self.command(OrderAction::New, OrderId(id), order)?;
        self.orders.insert(command.order_id, *order);
        if self.entered.insert(command.order_id, command).is_some() {
            return Err(format!("order {id:#x} came twice"));
        }
        self.venue.request(now, &command);
        Ok(())
    }

    fn cancel(&mut self, now: MonoNs, cancel: &Cancel) -> Result<(), String> {
        self.follow(cancel.seq_no.get())?;
        let id = cancel.cl_ord_id.order().map_err(|error| format!("no order id: {error:?}"))?;
        let Some(order) = self.orders.get(&OrderId(id)).copied() else {
            return Err(format!("a cancel of order {id:#x}, which never came"));
        };
        let command = self.command(OrderAction::Cancel, OrderId(id), &order)?;
        self.cancels.insert(command.order_id, *cancel);
        self.venue.request(now, &command);
        Ok(())
    }

    /// A client's messages are numbered without a hole, also where a send found no room at first.
    fn follow(&mut self, seq_no: u32) -> Result<(), String> {
        if seq_no != self.next_seq_no {
            return Err(format!("message {seq_no}, expected {}", self.next_seq_no));
        }
        self.next_seq_no += 1;
        Ok(())
    }

    /// The venue's view of an order: what iLink 3 does not carry is empty.
    fn command(
        &self,
        action: OrderAction,
        order_id: OrderId,
        order: &NewOrder,
    ) -> Result<OrderCommand, String> {
        let security_id = order.security_id.get();
        let instrument = *self
            .instruments
            .get(&security_id)
            .ok_or_else(|| format!("an order of instrument {security_id}, which is not listed"))?;
        let side = match WireSide::from_wire(order.side) {
            Some(WireSide::Buy) => Side::Buy,
            Some(WireSide::Sell) => Side::Sell,
            None => return Err(format!("side {}", order.side)),
        };
        let time_in_force = [
            (WireTimeInForce::Day, TimeInForce::Day),
            (WireTimeInForce::FillAndKill, TimeInForce::FillAndKill),
            (WireTimeInForce::FillOrKill, TimeInForce::FillOrKill),
        ];
        let known = time_in_force.iter().find(|(wire, _)| wire.to_wire() == order.tif);
        let (_, time_in_force) = known.ok_or_else(|| format!("time in force {}", order.tif))?;
        Ok(OrderCommand {
            action,
            order_id,
            venue_order_id: 0,
            instrument,
            security_id,
            gateway: GatewayIndex(0),
            side,
            time_in_force: *time_in_force,
            effect: PositionEffect::Net,
            hedge: HedgeFlag::Speculate,
            price_e9: order.price_e9.get(),
            qty_lots: order.qty_lots.get(),
            spread: SpreadIndex::ALL,
            leg: 0,
            strategy: StrategyId(0),
            account: AccountId(0),
            project: ProjectId(0),
            orders_left: 0,
            caused: MonoNs(0),
        })
    }

    /// The frame of the next report by `now`.
    pub fn report(&mut self, now: MonoNs) -> Option<Vec<u8>> {
        loop {
            let event = self.venue.report(now)?;
            if let Some(bytes) = self.write(now, &event) {
                return Some(bytes);
            }
        }
    }

    /// The digest by which the engine knows execution `number` of a schedule.
    pub fn digest(number: u64) -> u64 {
        exec_digest(&Execution::numbered(number, 0, 0, 0).exec_id)
    }

    fn write(&mut self, now: MonoNs, event: &OrderEvent) -> Option<Vec<u8>> {
        let order = *self.orders.get(&event.order_id)?;
        let utc = self.utc_origin + now.0;
        self.executions += 1;
        // Bookings keep the venue's number; what is no booking has numbers of its own.
        let number = if event.exec_id == 0 { self.executions } else { event.exec_id };
        let execution = Execution::numbered(number, event.venue_order_id, utc, utc);
        let reports = &mut self.reports;
        Some(match event.kind {
            OrderEventKind::Accepted => {
                let block = reports.accepted(&order, &execution);
                reports.frame(&block)
            }
            OrderEventKind::Rejected => {
                let block = reports.rejected(&order, &execution, REASON, "simulated");
                reports.frame(&block)
            }
            OrderEventKind::Filled => {
                let fill = Fill {
                    last_e9: event.price_e9,
                    last_lots: event.qty_lots,
                    cum_lots: event.cum_lots,
                    is_aggressor: true,
                    trade_id: u32::try_from(number & 0xFFFF_FFFF).unwrap_or(0),
                };
                let booked = NewOrder { side: to_wire(event.side), ..order };
                let block = reports.traded(&booked, &execution, &fill);
                self.fills.insert(event.order_id, block);
                reports.trade_frame(&block, &[], &[])
            }
            OrderEventKind::Busted => {
                let original = TradeOutright {
                    last_lots: U32Le::new(event.qty_lots),
                    ..*self.fills.get(&event.order_id)?
                };
                let booked = NewOrder { side: to_wire(event.side), ..order };
                let block = reports.trade_cancelled(&booked, &execution, &original);
                reports.addendum_frame(&block)
            }
            OrderEventKind::Cancelled => match self.cancels.get(&event.order_id) {
                Some(cancel) => {
                    let cause = CancelCause::Asked(cancel);
                    let block = reports.cancelled(&order, &execution, event.cum_lots, cause);
                    reports.frame(&block)
                }
                None => {
                    let block = reports.eliminated(&order, &execution, event.cum_lots);
                    reports.frame(&block)
                }
            },
            OrderEventKind::CancelRejected => {
                let cancel = self.cancels.get(&event.order_id)?;
                let block = reports.cancel_rejected(cancel, &execution, REASON, "simulated");
                reports.frame(&block)
            }
            _ => return None,
        })
    }
}

fn to_wire(side: Side) -> u8 {
    match side {
        Side::Buy => WireSide::Buy.to_wire(),
        Side::Sell => WireSide::Sell.to_wire(),
    }
}
