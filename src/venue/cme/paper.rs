//! Paper fills for iLink 3: an exchange in memory that fills every order whole, at its limit price.
//!
//! It is not a market: it has no book, no queue and no other traders, so what it earns says nothing
//! about what a market would have paid. What it proves is the way of the bytes: the gateway sends
//! real frames and reads real reports. Simulated venues with books live in `sim` and beside the
//! venues they imitate. Used by `xmc replay` and `xmc latency` for gateways of protocol `paper`.
//!
//! It allocates only at the start, so it may share a core with the hot stages.

use super::ilink3::{Execution, Fill, ReportWriter};
use xmc_hotpath::port::{SendError, StreamPort, TxPort};
use xmc_hotpath::venue::cme::ilink3::decode::{self, Request};
use xmc_hotpath::venue::cme::ilink3::layout::{
    Cancel, FillEvent, FillPart, Framed, Message, NEWEST_VERSION, NewOrder, Replace, Sofh,
};
use xmc_hotpath::venue::cme::sbe::GroupSize;
use xmc_hotpath::wire::U16Le;

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
    inbox: Vec<u8>,
    read: usize,
    /// Every frame that came, when they are kept.
    kept: Option<Vec<u8>>,
    orders: u64,
}

impl PaperExchange {
    /// An exchange that knows nobody yet; `uuid` is the session's.
    #[must_use]
    pub fn new(uuid: u64) -> Self {
        Self {
            reports: ReportWriter::new(uuid, NEWEST_VERSION, 1),
            executions: 0,
            inbox: Vec::with_capacity(INBOX_BYTES),
            read: 0,
            kept: None,
            orders: 0,
        }
    }

    /// Keeps every frame that comes, up to `bytes` of them, to be compared afterwards. Frames
    /// beyond are answered and not kept.
    #[must_use]
    pub fn keeping(mut self, bytes: usize) -> Self {
        self.kept = Some(Vec::with_capacity(bytes));
        self
    }

    /// The frames kept, one after the other.
    #[must_use]
    pub fn kept(&self) -> &[u8] {
        self.kept.as_deref().unwrap_or(&[])
    }

    /// New orders that came.
    #[must_use]
    pub fn orders(&self) -> u64 {
        self.orders
    }

    fn fill(&mut self, order: &NewOrder) {
        self.orders += 1;
        let execution = self.execution(self.orders, order.sent_ns.get());
        let accepted = self.reports.accepted(order, &execution);
        self.answer(&accepted, &[]);
        let execution = self.execution(self.orders, order.sent_ns.get());
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
    fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        if self.read == self.inbox.len() {
            self.inbox.clear();
            self.read = 0;
        }
        if self.inbox.capacity() - self.inbox.len() < ANSWER_BYTES {
            return Err(SendError::Busy);
        }
        let Ok(Some((frame, _))) = decode::frame(message) else {
            return Err(SendError::Closed);
        };
        match decode::request(&frame) {
            Ok(Some(Request::New(order))) => self.fill(order),
            Ok(Some(Request::Cancel(cancel))) => self.refuse_cancel(cancel),
            Ok(Some(Request::Replace(change))) => self.refuse_replace(change),
            Ok(Some(Request::Sequence(_) | Request::Terminate(_)) | None) => {}
            Err(_) => return Err(SendError::Closed),
        }
        if let Some(kept) = &mut self.kept
            && kept.capacity() - kept.len() >= message.len()
        {
            kept.extend_from_slice(message);
        }
        Ok(())
    }
}

impl StreamPort for PaperExchange {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SendError> {
        let waiting = &self.inbox[self.read..];
        let len = waiting.len().min(buffer.len());
        buffer[..len].copy_from_slice(&waiting[..len]);
        self.read += len;
        Ok(len)
    }
}
