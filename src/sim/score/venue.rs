//! A venue of the score's market, sans I/O: it matches orders against what its book shows.
//!
//! What a desk takes is missing from its price until somebody adds to that price or it leaves the
//! book, so nobody takes the same lots twice. Orders are fill-and-kill: what a book does not show
//! at the limit or better is cancelled at once. It makes no faults; `sim::venue` does.

use std::collections::BTreeMap;

use xmc_hotpath::message::{
    Depth, OrderAction, OrderCommand, OrderEvent, OrderEventKind, Side, StreamId,
};
use xmc_hotpath::time::{MonoNs, UnixNs};

use super::market::{Book, Levels, TICK_E9, depth};

/// A venue.
#[derive(Debug)]
pub struct MatchingVenue {
    book: Book,
    /// Lots that the desk took, by price: of bids, of asks.
    taken: [BTreeMap<i64, u32>; 2],
    stream: StreamId,
    next_number: u64,
}

impl MatchingVenue {
    /// A venue that shows nothing yet. `first_number` is that of its first execution: venues must
    /// not share numbers.
    #[must_use]
    pub fn new(stream: StreamId, first_number: u64) -> Self {
        let taken = [BTreeMap::new(), BTreeMap::new()];
        Self { book: Book::default(), taken, stream, next_number: first_number }
    }

    /// The book changes, by others.
    pub fn change(&mut self, book: &Book) {
        self.book = book.clone();
        for (taken, levels) in self.taken.iter_mut().zip([&book.bids, &book.asks]) {
            taken.retain(|ticks, lots| {
                let shown = levels.iter().find(|(known, _)| known == ticks);
                *lots = shown.map_or(0, |(_, shown)| (*lots).min(*shown));
                *lots > 0
            });
        }
    }

    /// What it shows: buyers, sellers.
    #[must_use]
    pub fn shown(&self) -> (Depth, Depth) {
        let [bids, asks] = &self.taken;
        (
            depth(left(&self.book.bids, bids), Depth::NO_BIDS),
            depth(left(&self.book.asks, asks), Depth::NO_ASKS),
        )
    }

    /// Takes a command: what it has to say about it, in order. Its book may show less afterwards.
    pub fn request(&mut self, now: MonoNs, command: &OrderCommand) -> Vec<OrderEvent> {
        let blank = self.blank(now, command);
        match command.action {
            OrderAction::New => self.enter(command, blank),
            // No order is left to cancel or to change.
            OrderAction::Cancel => {
                vec![OrderEvent { kind: OrderEventKind::CancelRejected, ..blank }]
            }
            OrderAction::Replace => {
                vec![OrderEvent { kind: OrderEventKind::ReplaceRejected, ..blank }]
            }
            OrderAction::Status => Vec::new(),
        }
    }

    fn enter(&mut self, command: &OrderCommand, blank: OrderEvent) -> Vec<OrderEvent> {
        let is_buy = command.side == Side::Buy;
        let levels = if is_buy { &self.book.asks } else { &self.book.bids };
        let taken = &mut self.taken[usize::from(is_buy)];
        let mut told = vec![OrderEvent { leaves_lots: command.qty_lots, ..blank }];
        let mut missing = command.qty_lots;
        for (ticks, lots) in left(levels, &taken.clone()) {
            let price_e9 = ticks * TICK_E9;
            let is_worse =
                if is_buy { price_e9 > command.price_e9 } else { price_e9 < command.price_e9 };
            if is_worse || missing == 0 {
                break;
            }
            let traded = lots.min(missing);
            missing -= traded;
            *taken.entry(ticks).or_default() += traded;
            self.next_number += 1;
            told.push(OrderEvent {
                kind: OrderEventKind::Filled,
                exec_id: self.next_number,
                price_e9,
                qty_lots: traded,
                cum_lots: command.qty_lots - missing,
                leaves_lots: missing,
                ..blank
            });
        }
        if missing > 0 {
            let cum_lots = command.qty_lots - missing;
            told.push(OrderEvent { kind: OrderEventKind::Cancelled, cum_lots, ..blank });
        }
        told
    }

    fn blank(&self, now: MonoNs, command: &OrderCommand) -> OrderEvent {
        OrderEvent {
            kind: OrderEventKind::Accepted,
            order_id: command.order_id,
            venue_order_id: command.order_id.0,
            stream: self.stream,
            side: command.side,
            exchange: UnixNs(now.0),
            ..OrderEvent::NONE
        }
    }
}

/// The levels without what was taken of them.
fn left<'l>(
    levels: &'l Levels,
    taken: &'l BTreeMap<i64, u32>,
) -> impl Iterator<Item = (i64, u32)> + 'l {
    let left = |(ticks, lots): &(i64, u32)| {
        (*ticks, lots.saturating_sub(taken.get(ticks).copied().unwrap_or(0)))
    };
    levels.iter().map(left).filter(|(_, lots)| *lots > 0)
}
