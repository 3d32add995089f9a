//! Paper fills for iLink 3: an exchange in memory that fills every order whole, at its limit price.
//!
//! It is not a market: it has no book, no queue and no other traders, so what it earns says nothing
//! about what a market would have paid. What it proves is the way of the bytes: the gateway sends
//! real frames and reads real reports. Simulated venues with books live in `sim` and beside the
//! venues they imitate. Used by `xmc replay` and `xmc latency` for gateways of protocol `paper`.
//!
//! Sending only lays the frame down, as on a wire; the exchange reads it when it is asked for its
//! answers. So what a sender measures is the sender's work. It allocates only at the start, so it
//! may share a core with the hot stages.

use super::ilink3::{Execution, Fill, ReportWriter};
use crate::clock::EngineClock;
use crate::venue::digest::OrderDigest;
use xmc_hotpath::port::{SendError, StreamPort, TxPort};
use xmc_hotpath::time::{Clock, MonoNs, Span};
use xmc_hotpath::venue::cme::ilink3::decode::{self, Request};
use xmc_hotpath::venue::cme::ilink3::layout::{
    Cancel, FillEvent, FillPart, Framed, Message, NEWEST_VERSION, NewOrder, Replace, Side, Sofh,
};
use xmc_hotpath::venue::cme::sbe::GroupSize;
use xmc_hotpath::wire::U16Le;

/// Bytes of requests that can wait to be looked at.
const ARRIVED_BYTES: usize = 1 << 16;

/// Bytes of reports that can wait to be read: above a thousand fills.
const INBOX_BYTES: usize = 1 << 20;

/// The longest answer to one request: an acceptance and a fill.
const ANSWER_BYTES: usize = 1024;

/// Tags 102 and 103: the exchange does not know the order (any more).
const TOO_LATE: u16 = 0;

/// One session with the paper exchange: the client's end is a port.
#[derive(Debug)]
pub struct PaperExchange {
    reports: ReportWriter,
    executions: u64,
    /// Frames that have come and were not looked at.
    arrived: Vec<u8>,
    /// Reports that were written, from `read` on not fetched.
    inbox: Vec<u8>,
    read: usize,
    orders: OrderDigest,
    delay: Option<Delay>,
}

/// How long the exchange takes to look at what has come.
#[derive(Clone, Debug)]
struct Delay {
    clock: EngineClock,
    span: Span,
    /// When it was first seen that something has come.
    since: Option<MonoNs>,
}

impl PaperExchange {
    /// An exchange that knows nobody yet; `uuid` is the session's.
    #[must_use]
    pub fn new(uuid: u64) -> Self {
        Self {
            reports: ReportWriter::new(uuid, NEWEST_VERSION, 1),
            executions: 0,
            arrived: Vec::with_capacity(ARRIVED_BYTES),
            inbox: Vec::with_capacity(INBOX_BYTES),
            read: 0,
            orders: OrderDigest::default(),
            delay: None,
        }
    }

    /// Answers no sooner than `span` after it is first asked: the orders of one packet then leave
    /// before the first of them is answered, as they do where an exchange is far away.
    #[must_use]
    pub fn answering_after(mut self, clock: EngineClock, span: Span) -> Self {
        self.delay = Some(Delay { clock, span, since: None });
        self
    }

    /// Whether everything that came has been answered, and every answer fetched.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.arrived.is_empty() && self.read == self.inbox.len()
    }

    /// Whether it is time to look at what has come.
    fn is_due(&mut self) -> bool {
        let Some(delay) = &mut self.delay else {
            return true;
        };
        let now = delay.clock.now();
        let since = *delay.since.get_or_insert(now);
        let is_due = now.since(since) >= delay.span;
        if is_due {
            delay.since = None;
        }
        is_due
    }

    /// The new orders that came, as the exchange read them off the wire.
    #[must_use]
    pub fn orders(&self) -> OrderDigest {
        self.orders
    }

    /// Looks at what has come and writes the answers, as far as there is room for them.
    fn work(&mut self) {
        if self.read == self.inbox.len() {
            self.inbox.clear();
            self.read = 0;
        }
        let mut arrived = std::mem::take(&mut self.arrived);
        let mut rest = &arrived[..];
        while self.inbox.capacity() - self.inbox.len() >= ANSWER_BYTES
            && let Ok(Some((frame, after))) = decode::frame(rest)
        {
            match decode::request(&frame) {
                Ok(Some(Request::New(order))) => self.fill(order),
                Ok(Some(Request::Cancel(cancel))) => self.refuse_cancel(cancel),
                Ok(Some(Request::Replace(change))) => self.refuse_replace(change),
                // No desk asks paper how its orders stand.
                Ok(
                    Some(
                        Request::Sequence(_)
                        | Request::Terminate(_)
                        | Request::Parties(..)
                        | Request::Status(_)
                        | Request::MassAction(_)
                        | Request::MassStatus(_),
                    )
                    | None,
                )
                | Err(_) => {}
            }
            rest = after;
        }
        let left = rest.len();
        let read = arrived.len() - left;
        arrived.drain(..read);
        self.arrived = arrived;
    }

    fn fill(&mut self, order: &NewOrder) {
        let is_buy = Side::from_wire(order.side) == Some(Side::Buy);
        let (price_e9, lots) = (order.price_e9.get(), order.qty_lots.get());
        let id = order.cl_ord_id.order().unwrap_or(0);
        self.orders.add(id, order.security_id.get(), is_buy, price_e9, lots);
        let execution = self.execution(self.orders.count, order.sent_ns.get());
        let accepted = self.reports.accepted(order, &execution);
        self.answer(&accepted, &[]);
        let execution = self.execution(self.orders.count, order.sent_ns.get());
        let fill = Fill {
            last_e9: order.price_e9.get(),
            last_lots: order.qty_lots.get(),
            cum_lots: order.qty_lots.get(),
            is_aggressor: true,
            trade_id: u32::try_from(self.executions % u64::from(u32::MAX)).unwrap_or(0),
        };
        let traded = self.reports.traded(order, &execution, &fill);
        self.answer(&traded, &[no_entries::<FillPart>(), no_entries::<FillEvent>()]);
    }

    /// Every order is filled when it comes, so there is nothing left to cancel or change.
    fn refuse_cancel(&mut self, cancel: &Cancel) {
        let execution = self.execution(cancel.order_id.get(), cancel.sent_ns.get());
        let refused = self.reports.cancel_rejected(cancel, &execution, TOO_LATE, "");
        self.answer(&refused, &[]);
    }

    fn refuse_replace(&mut self, change: &Replace) {
        let execution = self.execution(change.order_id.get(), change.sent_ns.get());
        let refused = self.reports.replace_rejected(change, &execution, TOO_LATE, "");
        self.answer(&refused, &[]);
    }

    fn execution(&mut self, order_id: u64, sent_ns: u64) -> Execution {
        self.executions += 1;
        let mut exec_id = [0; 40];
        let mut number = self.executions;
        for digit in exec_id[..20].iter_mut().rev() {
            *digit = b'0' + u8::try_from(number % 10).expect("a digit");
            number /= 10;
        }
        Execution { exec_id, order_id, transact_ns: sent_ns, sent_ns }
    }

    fn answer<M: Message>(&mut self, block: &M, groups: &[GroupSize]) {
        let mut framed = Framed::new(NEWEST_VERSION, *block);
        let tail: &[u8] = bytemuck::cast_slice(groups);
        let frame_len = size_of::<Framed<M>>() + tail.len();
        let frame_len = u16::try_from(frame_len).expect("a report is short");
        framed.sofh = Sofh { frame_len: U16Le::new(frame_len), ..framed.sofh };
        self.inbox.extend_from_slice(bytemuck::bytes_of(&framed));
        self.inbox.extend_from_slice(tail);
    }
}

/// The header of a group without entries.
fn no_entries<B>() -> GroupSize {
    let block_len = u16::try_from(size_of::<B>()).expect("an entry is short");
    GroupSize { block_len: U16Le::new(block_len), count: 0 }
}

impl TxPort for PaperExchange {
    #[inline]
    fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        if self.arrived.capacity() - self.arrived.len() < message.len() {
            return Err(SendError::Busy);
        }
        self.arrived.extend_from_slice(message);
        Ok(())
    }
}

impl StreamPort for PaperExchange {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SendError> {
        if !self.arrived.is_empty() && self.is_due() {
            self.work();
        }
        let waiting = &self.inbox[self.read..];
        let len = waiting.len().min(buffer.len());
        buffer[..len].copy_from_slice(&waiting[..len]);
        self.read += len;
        Ok(len)
    }
}
