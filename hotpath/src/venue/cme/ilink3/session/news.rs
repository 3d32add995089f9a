//! What the exchange says as news of orders.

use super::Session;
use super::sent::SENT_KEPT;
use crate::gateway::CannotEncode;
use crate::message::{GatewayNews, OrderEvent, OrderEventKind, OrderId, Side};
use crate::time::{MonoNs, UnixNs};
use crate::venue::cme::ilink3::decode::{NewsKind, OrderNews, Report};
use crate::venue::cme::ilink3::layout::{self, NotApplied};

impl Session<'_> {
    /// Messages of ours that were not applied, one order at a time, and none at first, so that the
    /// desk knows of the gap before; `None` when all were told.
    ///
    /// CME counts the message that made the gap known among them, and one that is not sent yet
    /// (page "Not Applied", 46179107). Every message of the range that has left is told as never
    /// done: the exchange says that it has not applied it, and takes none with a higher number
    /// before the gap is filled. Those that are not remembered are found out by their deadlines.
    #[cold]
    #[inline(never)]
    pub(super) fn not_applied(
        &mut self,
        block: &NotApplied,
        received: MonoNs,
    ) -> Option<Option<OrderEvent>> {
        let Some((mut next, end)) = self.unapplied else {
            self.is_fill_due = true;
            self.unapplied = Some(self.unapplied_of(block));
            return Some(None);
        };
        while next < end {
            let sent = self.sent.take(next);
            next = next.saturating_add(1);
            self.counters.not_applied.add(1);
            let Some(sent) = sent else {
                self.counters.forgotten.add(1);
                continue;
            };
            let Some(kind) = sent.not_applied() else { continue };
            self.unapplied = Some((next, end));
            return Some(Some(OrderEvent {
                kind,
                order_id: sent.order_id,
                reason: u32::from(CannotEncode::NotApplied.code()),
                ..self.blank(received)
            }));
        }
        self.unapplied = None;
        None
    }

    /// What a message says was not applied, as far as it has left and can be remembered.
    fn unapplied_of(&self, block: &NotApplied) -> (u32, u32) {
        let from = block.from_seq_no.get();
        let end = from.saturating_add(block.msg_count.get()).min(self.next_seq_no);
        let oldest = self.next_seq_no.saturating_sub(SENT_KEPT);
        let forgotten = oldest.min(end).saturating_sub(from);
        self.counters.not_applied.add(forgotten.into());
        self.counters.forgotten.add(forgotten.into());
        (from.max(oldest), end)
    }

    pub(super) fn news(&mut self, report: &Report<'_>, received: MonoNs) -> Option<GatewayNews> {
        match report {
            Report::BusinessReject(reject) => {
                // A message that is not remembered any more is found out by its order's deadline.
                let sent = self.sent.get(reject.ref_seq_no.get())?;
                let event = OrderEvent {
                    kind: sent.refused()?,
                    order_id: sent.order_id,
                    reason: u32::from(reject.reason.get()),
                    seq_no: reject.seq_no.get(),
                    ..self.blank(received)
                };
                Some(GatewayNews::Order(event))
            }
            Report::Sequence(sequence) => {
                self.is_beat_asked |= sequence.lapsed != 0;
                None
            }
            Report::Retransmission(block) => {
                self.recovery.granted(block, received, self.counters);
                None
            }
            Report::RetransmitReject(block) => {
                self.recovery.refused(block, received, self.counters);
                None
            }
            Report::Terminate(_) | Report::NotApplied(_) => None,
            Report::Passed(_) | Report::MassAction(_) => {
                self.counters.ignored.add(1);
                None
            }
            Report::New(_)
            | Report::Rejected(_)
            | Report::Eliminated(_)
            | Report::Trade(_)
            | Report::Modified(_)
            | Report::Status(_)
            | Report::Cancelled(_)
            | Report::CancelRejected(_)
            | Report::SpreadTrade(_)
            | Report::Addendum(_)
            | Report::SpreadAddendum(_)
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
        OrderEvent { stream: self.stream, received, ..OrderEvent::NONE }
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
const fn from_wire_side(side: layout::Side) -> Side {
    match side {
        layout::Side::Buy => Side::Buy,
        layout::Side::Sell => Side::Sell,
    }
}
