//! The part of an iLink 3 session that runs on the hot core: commands to frames, frames to news.
//!
//! It starts where the logon ended: identity, sequence numbers and templates come from the cold
//! side (`Handover`). From then on it keeps the session alive and answers when it is asked for a
//! sign of life. Missing messages, of either side, make it `Gapped` (nothing new is sent): asking
//! for them again is the cold side's work, with a new logon. A `Terminate` ends it.
//!
//! That the exchange has fallen silent is not noticed here: the kernel finds a dead peer out.

use super::decode::{self, NewsKind, OrderNews, Report};
use super::encode::{
    CancelFields, CancelTemplate, NO_MIN_QTY, NewOrderFields, NewOrderTemplate, ReplaceFields,
    ReplaceTemplate, SessionIdentity, TemplateError,
};
use super::layout::{self, Block, ClOrdId, Framed, Sequence};
use crate::counter::Counter;
use crate::gateway::{CannotEncode, OrderSession, SessionLost, Taken};
use crate::message::{
    GatewayIndex, GatewayNews, OrderAction, OrderCommand, OrderEvent, OrderEventKind, OrderId,
    SessionState, SessionUpdate, Side, StreamId, TimeInForce,
};
use crate::time::{MonoNs, Span, UnixNs};
use crate::wire::{U32Le, U64Le};

/// Messages sent that are remembered, to know which order a `BusinessReject` speaks of.
const SENT_KEPT: usize = 1024;

/// What the session counts beyond what every gateway counts.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct SessionCounters {
    /// Messages of the venue that do not concern the desk.
    pub ignored: Counter,
    /// Messages that could not be read: their block is too short.
    pub unreadable: Counter,
    /// Reports of orders that carry no id of ours.
    pub foreign: Counter,
}

/// A message that was sent: what it asked for, of which order.
#[derive(Clone, Copy, Debug)]
struct Sent {
    seq_no: u32,
    action: OrderAction,
    order_id: OrderId,
}

impl Sent {
    const NONE: Self = Self { seq_no: 0, action: OrderAction::New, order_id: OrderId::NONE };

    /// What it means that the exchange refused the message as a whole.
    const fn refused(self) -> OrderEventKind {
        match self.action {
            OrderAction::New => OrderEventKind::Rejected,
            OrderAction::Cancel => OrderEventKind::CancelRejected,
            OrderAction::Replace => OrderEventKind::ReplaceRejected,
        }
    }
}

/// Where the logon left a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handover {
    /// The session's number.
    pub uuid: u64,
    /// The number of our next message.
    pub next_seq_no: u32,
    /// The number of the exchange's next message; 0 if its numbers are not followed.
    pub next_report_no: u32,
    /// The longest silence that was agreed on; 0 for no signs of life.
    pub keep_alive: Span,
}

/// One session.
#[derive(Debug)]
pub struct Session<'a> {
    gateway: GatewayIndex,
    stream: StreamId,
    next_seq_no: u32,
    next_request_id: u64,
    new_order: NewOrderTemplate,
    replace: ReplaceTemplate,
    cancel: CancelTemplate,
    /// The last messages, by sequence number.
    sent: [Sent; SENT_KEPT],
    /// The number of the exchange's next message; 0 if its numbers are not followed.
    next_report_no: u32,
    beat: Framed<Sequence>,
    /// From one sign of life to the next; 0 for none.
    beat_every: Span,
    next_beat: MonoNs,
    /// The exchange has asked for one.
    is_beat_asked: bool,
    counters: &'a SessionCounters,
}

impl<'a> Session<'a> {
    /// A session without a logon, whose next message to the exchange is `next_seq_no`: for an
    /// exchange in memory.
    ///
    /// # Errors
    /// What is wrong with the identity.
    pub fn new(
        gateway: GatewayIndex,
        stream: StreamId,
        identity: &SessionIdentity<'_>,
        next_seq_no: u32,
        counters: &'a SessionCounters,
    ) -> Result<Self, TemplateError> {
        let handover = Handover { uuid: 0, next_seq_no, next_report_no: 0, keep_alive: Span(0) };
        Self::take_over(gateway, stream, identity, &handover, counters)
    }

    /// A session that goes on where the logon left it.
    ///
    /// # Errors
    /// What is wrong with the identity.
    pub fn take_over(
        gateway: GatewayIndex,
        stream: StreamId,
        identity: &SessionIdentity<'_>,
        handover: &Handover,
        counters: &'a SessionCounters,
    ) -> Result<Self, TemplateError> {
        let uuid = U64Le::new(handover.uuid);
        Ok(Self {
            gateway,
            stream,
            next_seq_no: handover.next_seq_no,
            next_request_id: 1,
            new_order: NewOrderTemplate::new(identity)?,
            replace: ReplaceTemplate::new(identity)?,
            cancel: CancelTemplate::new(identity)?,
            sent: [Sent::NONE; SENT_KEPT],
            next_report_no: handover.next_report_no,
            beat: Framed::new(identity.schema_version, Sequence { uuid, ..Sequence::BLANK }),
            // Twice as often as agreed: one that is late or lost is no lapse.
            beat_every: Span(handover.keep_alive.0 >> 1),
            next_beat: MonoNs(0),
            is_beat_asked: false,
            counters,
        })
    }

    /// Whether messages of the exchange are missing before this one; said once per gap.
    #[inline]
    fn misses(&mut self, report: &Report<'_>) -> bool {
        let stamp = report.stamp();
        let (said, after) = match (stamp.seq_no, report) {
            (Some(said), _) => (said, said.wrapping_add(1)),
            (None, Report::Sequence(sequence)) => {
                (sequence.next_seq_no.get(), sequence.next_seq_no.get())
            }
            (None, _) => return false,
        };
        if self.next_report_no == 0 || stamp.is_retransmitted {
            return false;
        }
        let beyond = said.wrapping_sub(self.next_report_no).cast_signed();
        if beyond > 0 {
            self.next_report_no = said;
            return true;
        }
        if beyond == 0 {
            self.next_report_no = after;
        }
        false
    }

    const fn gapped(&self) -> GatewayNews {
        GatewayNews::Session(SessionUpdate {
            stream: self.stream,
            gateway: self.gateway,
            state: SessionState::Gapped,
        })
    }

    fn sent_slot(&mut self, seq_no: u32) -> Option<&mut Sent> {
        let row = usize::try_from(seq_no).ok()? % SENT_KEPT;
        self.sent.get_mut(row)
    }

    fn news(&mut self, report: &Report<'_>, received: MonoNs) -> Option<GatewayNews> {
        match report {
            Report::NotApplied(_) => Some(self.gapped()),
            Report::BusinessReject(reject) => {
                let seq_no = reject.ref_seq_no.get();
                let sent = *self.sent_slot(seq_no)?;
                let event = OrderEvent {
                    kind: sent.refused(),
                    order_id: sent.order_id,
                    reason: u32::from(reject.reason.get()),
                    seq_no: reject.seq_no.get(),
                    ..self.blank(received)
                };
                // A message that is not remembered any more is found out by its order's deadline.
                (sent.seq_no == seq_no).then_some(GatewayNews::Order(event))
            }
            Report::Sequence(sequence) => {
                self.is_beat_asked |= sequence.lapsed != 0;
                None
            }
            Report::Terminate(_) => None,
            Report::New(_)
            | Report::Rejected(_)
            | Report::Eliminated(_)
            | Report::Trade(_)
            | Report::Modified(_)
            | Report::Cancelled(_)
            | Report::CancelRejected(_)
            | Report::Addendum(_)
            | Report::ReplaceRejected(_) => {
                let news = report.news()?;
                let seq_no = report.stamp().seq_no.unwrap_or(0);
                Some(GatewayNews::Order(self.order_event(&news, seq_no, received)))
            }
        }
    }

    fn order_event(&self, news: &OrderNews, seq_no: u32, received: MonoNs) -> OrderEvent {
        let order_id = match news.cl_ord_id.order() {
            Ok(number) => OrderId(number),
            Err(_) => {
                self.counters.foreign.add(1);
                OrderId::NONE
            }
        };
        let fill = news.fill.map(|fill| (fill.last_e9, fill.last_lots));
        let (price_e9, qty_lots) = fill.unwrap_or((0, 0));
        let progress = news.progress.map(|progress| (progress.cum_lots, progress.leaves_lots));
        let (cum_lots, leaves_lots) = progress.unwrap_or((0, 0));
        OrderEvent {
            kind: kind(news.kind),
            order_id,
            venue_order_id: news.order_id,
            exec_id: news.exec_id,
            stream: self.stream,
            seq_no,
            side: news.side.map_or(Side::Buy, from_wire_side),
            price_e9,
            qty_lots,
            cum_lots,
            leaves_lots,
            reason: u32::from(news.reason.unwrap_or(0)),
            exchange: UnixNs(news.transact_ns),
            received,
        }
    }

    fn blank(&self, received: MonoNs) -> OrderEvent {
        OrderEvent {
            kind: OrderEventKind::Unknown,
            order_id: OrderId::NONE,
            venue_order_id: 0,
            exec_id: 0,
            stream: self.stream,
            seq_no: 0,
            side: Side::Buy,
            price_e9: 0,
            qty_lots: 0,
            cum_lots: 0,
            leaves_lots: 0,
            reason: 0,
            exchange: UnixNs(0),
            received,
        }
    }
}

impl OrderSession for Session<'_> {
    #[inline]
    fn encode(&mut self, command: &OrderCommand, utc: UnixNs) -> Result<&[u8], CannotEncode> {
        let cl_ord_id = ClOrdId::of_order(command.order_id.0);
        let (request_id, seq_no) = (self.next_request_id, self.next_seq_no);
        let side = to_wire_side(command.side);
        // The exchange's name of the order, or the value that says that it is not known yet.
        let order_id = if command.venue_order_id == 0 { u64::MAX } else { command.venue_order_id };
        Ok(match command.action {
            OrderAction::New => self.new_order.patch(
                &NewOrderFields {
                    price_e9: command.price_e9,
                    qty_lots: command.qty_lots,
                    security_id: command.security_id,
                    side,
                    tif: time_in_force(command.time_in_force),
                    min_qty_lots: NO_MIN_QTY,
                    cl_ord_id,
                    request_id,
                },
                seq_no,
                utc.0,
            ),
            OrderAction::Cancel => self.cancel.patch(
                &CancelFields {
                    order_id,
                    security_id: command.security_id,
                    side,
                    cl_ord_id,
                    request_id,
                },
                seq_no,
                utc.0,
            ),
            OrderAction::Replace => self.replace.patch(
                &ReplaceFields {
                    order_id,
                    price_e9: command.price_e9,
                    qty_lots: command.qty_lots,
                    security_id: command.security_id,
                    side,
                    cl_ord_id,
                    request_id,
                },
                seq_no,
                utc.0,
            ),
        })
    }

    #[inline]
    fn sent(&mut self, command: &OrderCommand) {
        let (seq_no, action) = (self.next_seq_no, command.action);
        if let Some(slot) = self.sent_slot(seq_no) {
            *slot = Sent { seq_no, action, order_id: command.order_id };
        }
        self.next_seq_no = self.next_seq_no.wrapping_add(1);
        self.next_request_id = self.next_request_id.wrapping_add(1);
    }

    #[inline]
    fn read(&mut self, bytes: &[u8], received: MonoNs) -> Result<Option<Taken>, SessionLost> {
        let Some((frame, rest)) = decode::frame(bytes).map_err(|_| SessionLost::Framing)? else {
            return Ok(None);
        };
        let len = bytes.len().wrapping_sub(rest.len());
        let news = match decode::report(&frame) {
            Ok(Some(Report::Terminate(_))) => return Err(SessionLost::Terminated),
            Ok(Some(report)) => {
                if self.misses(&report) {
                    // The report itself is read when the desk knows.
                    return Ok(Some(Taken { len: 0, news: Some(self.gapped()) }));
                }
                self.news(&report, received)
            }
            Ok(None) => {
                self.counters.ignored.add(1);
                None
            }
            Err(_) => {
                self.counters.unreadable.add(1);
                None
            }
        };
        Ok(Some(Taken { len, news }))
    }

    /// A sign of life, when it is time or one was asked for.
    fn own_message(&mut self, now: MonoNs) -> Option<&[u8]> {
        if self.beat_every.0 == 0 || (now < self.next_beat && !self.is_beat_asked) {
            return None;
        }
        self.beat.body.next_seq_no = U32Le::new(self.next_seq_no);
        Some(bytemuck::bytes_of(&self.beat))
    }

    fn own_message_sent(&mut self, now: MonoNs) {
        self.is_beat_asked = false;
        self.next_beat = now.after(self.beat_every);
    }
}

#[inline]
const fn kind(kind: NewsKind) -> OrderEventKind {
    match kind {
        NewsKind::Accepted => OrderEventKind::Accepted,
        NewsKind::Rejected => OrderEventKind::Rejected,
        NewsKind::Eliminated | NewsKind::Cancelled => OrderEventKind::Cancelled,
        NewsKind::Filled => OrderEventKind::Filled,
        NewsKind::Modified => OrderEventKind::Replaced,
        NewsKind::CancelRejected => OrderEventKind::CancelRejected,
        NewsKind::ReplaceRejected => OrderEventKind::ReplaceRejected,
        NewsKind::TradeCancelled => OrderEventKind::Busted,
        NewsKind::TradeCorrected => OrderEventKind::Corrected,
    }
}

#[inline]
const fn to_wire_side(side: Side) -> layout::Side {
    match side {
        Side::Buy => layout::Side::Buy,
        Side::Sell => layout::Side::Sell,
    }
}

#[inline]
const fn from_wire_side(side: layout::Side) -> Side {
    match side {
        layout::Side::Buy => Side::Buy,
        layout::Side::Sell => Side::Sell,
    }
}

#[inline]
const fn time_in_force(tif: TimeInForce) -> layout::TimeInForce {
    match tif {
        TimeInForce::FillAndKill => layout::TimeInForce::FillAndKill,
        TimeInForce::FillOrKill => layout::TimeInForce::FillOrKill,
        TimeInForce::Day => layout::TimeInForce::Day,
    }
}
