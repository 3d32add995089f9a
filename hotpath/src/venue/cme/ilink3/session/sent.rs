//! The last messages that left: which order each one was about, for whoever names it by number.

use crate::message::{OrderAction, OrderEventKind, OrderId};

/// Messages that are remembered: 2.5 seconds of the most that the exchange takes.
pub(super) const SENT_KEPT: u32 = 1024;
const ROWS: usize = 1024;

/// A message that was sent: what it asked for, of which order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    seq_no: u32,
    pub action: OrderAction,
    pub order_id: OrderId,
}

impl Sent {
    const NONE: Self = Self { seq_no: 0, action: OrderAction::New, order_id: OrderId::NONE };

    /// What it means that the exchange refused the message as a whole; nothing, of a question.
    pub const fn refused(self) -> Option<OrderEventKind> {
        Some(match self.action {
            OrderAction::New => OrderEventKind::Rejected,
            OrderAction::Cancel => OrderEventKind::CancelRejected,
            OrderAction::Replace => OrderEventKind::ReplaceRejected,
            OrderAction::Status => return None,
        })
    }

    /// What it means that the exchange has never done it.
    pub const fn not_applied(self) -> Option<OrderEventKind> {
        match self.action {
            OrderAction::New => Some(OrderEventKind::NotSent),
            OrderAction::Cancel => Some(OrderEventKind::CancelNotSent),
            OrderAction::Replace | OrderAction::Status => self.refused(),
        }
    }
}

/// They, by sequence number.
#[derive(Debug)]
pub(super) struct SentTable {
    rows: [Sent; ROWS],
}

impl SentTable {
    pub const EMPTY: Self = Self { rows: [Sent::NONE; ROWS] };

    pub fn clear(&mut self) {
        self.rows.fill(Sent::NONE);
    }

    #[inline]
    fn row(&mut self, seq_no: u32) -> Option<&mut Sent> {
        let row = usize::try_from(seq_no).ok()? % ROWS;
        self.rows.get_mut(row)
    }

    pub fn keep(&mut self, seq_no: u32, action: OrderAction, order_id: OrderId) {
        if let Some(row) = self.row(seq_no) {
            *row = Sent { seq_no, action, order_id };
        }
    }

    /// The message of that number, unless it is forgotten.
    pub fn get(&mut self, seq_no: u32) -> Option<Sent> {
        self.row(seq_no).copied().filter(|sent| sent.seq_no == seq_no && seq_no != 0)
    }

    /// The same, and it is forgotten from then on.
    pub fn take(&mut self, seq_no: u32) -> Option<Sent> {
        let sent = self.get(seq_no)?;
        if let Some(row) = self.row(seq_no) {
            *row = Sent::NONE;
        }
        Some(sent)
    }
}
