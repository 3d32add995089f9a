//! Orders that the SIMULATED counter refuses because it is told to, and keeps until then: the
//! exchange never hears of them.
//!
//! Called by the venue with what its counter wants of the exchange.

use crate::sim::exchange::{ListingIndex, Order, Request};
use std::collections::VecDeque;
use xmc_hotpath::message::Side;
use xmc_hotpath::time::{MonoNs, Span};

/// An order that is to be refused: the next of this side in this instrument, with those that come
/// while it is kept, as when a client closes a part and opens the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusing {
    /// The instrument.
    pub listing: ListingIndex,
    /// The side.
    pub side: Side,
    /// How long the counter keeps the order first.
    pub after: Span,
}

/// Those that are to come, one after the other, and those that have come.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    told: VecDeque<Refusing>,
    kept: Vec<(MonoNs, Order)>,
}

impl Refusals {
    /// These and no others from now on. What is kept is refused in its time.
    pub fn set(&mut self, told: Vec<Refusing>) {
        self.told = told.into();
    }

    /// How many are to come.
    pub fn left(&self) -> usize {
        self.told.len()
    }

    /// Whether a request is one of them, and kept now.
    pub fn keep(&mut self, now: MonoNs, request: &Request) -> bool {
        let Request::Submit(order) = request else { return false };
        let is_it = |next: &mut Refusing| (next.listing, next.side) == (order.listing, order.side);
        let is_with = |(at, kept): &&(MonoNs, Order)| {
            *at > now && (kept.listing, kept.side) == (order.listing, order.side)
        };
        let at = match self.kept.iter().find(is_with) {
            Some((at, _)) => Some(*at),
            None => self.told.pop_front_if(is_it).map(|next| now.after(next.after)),
        };
        self.kept.extend(at.map(|at| (at, *order)));
        at.is_some()
    }

    /// When the next one is refused.
    pub fn next_at(&self) -> MonoNs {
        self.kept.iter().map(|(at, _)| *at).fold(MonoNs::NEVER, MonoNs::min)
    }

    /// Those to be refused by now, in the order in which they came.
    pub fn take(&mut self, now: MonoNs) -> Vec<Order> {
        self.kept.extract_if(.., |(at, _)| *at <= now).map(|(_, order)| order).collect()
    }
}
