//! What follows from one input: orders first, then details. Fixed room, checked bounds.

use core::fmt;

use crate::message::{
    Alert, Decision, Detail, Ending, Follow, Internal, OrderCommand, Repair, Ruling, StateChange,
};

/// Orders that one input can cause. Evaluation stops before they would not fit.
pub const ORDERS_MAX: usize = 16;
/// Details that one input can cause.
pub const DETAILS_MAX: usize = 64;

/// The outputs of one input.
pub struct Outputs {
    orders: [OrderCommand; ORDERS_MAX],
    order_count: usize,
    details: [Option<Detail>; DETAILS_MAX],
    detail_count: usize,
    /// Details that nobody wants: they take room all the same, so that what is recorded decides
    /// nothing.
    left_out: usize,
    is_overflowed: bool,
}

impl fmt::Debug for Outputs {
    /// What there is, without the empty places.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let orders = self.orders.get(..self.order_count).unwrap_or_default();
        let details = self.details.get(..self.detail_count).unwrap_or_default();
        f.debug_struct("Outputs")
            .field("orders", &orders)
            .field("details", &details)
            .field("is_overflowed", &self.is_overflowed)
            .finish()
    }
}

impl Default for Outputs {
    fn default() -> Self {
        Self::new()
    }
}

impl Outputs {
    /// Nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            orders: [OrderCommand::NONE; ORDERS_MAX],
            order_count: 0,
            details: [None; DETAILS_MAX],
            detail_count: 0,
            left_out: 0,
            is_overflowed: false,
        }
    }

    /// The orders, in the order in which they are to be sent.
    pub fn orders(&self) -> impl Iterator<Item = &OrderCommand> {
        self.orders.get(..self.order_count).unwrap_or_default().iter()
    }

    /// The details, in the order in which they came about.
    pub fn details(&self) -> impl Iterator<Item = &Detail> {
        self.details.iter().take(self.detail_count).flatten()
    }

    /// How many orders there are.
    #[inline]
    #[must_use]
    pub const fn order_count(&self) -> usize {
        self.order_count
    }

    /// How many details there are.
    #[inline]
    #[must_use]
    pub const fn detail_count(&self) -> usize {
        self.detail_count
    }

    /// Orders for which there is room.
    #[inline]
    #[must_use]
    pub const fn order_room(&self) -> usize {
        ORDERS_MAX.saturating_sub(self.order_count)
    }

    /// Details for which there is room.
    #[inline]
    #[must_use]
    pub const fn detail_room(&self) -> usize {
        DETAILS_MAX.saturating_sub(self.detail_count).saturating_sub(self.left_out)
    }

    /// Whether something did not fit.
    #[inline]
    #[must_use]
    pub const fn is_overflowed(&self) -> bool {
        self.is_overflowed
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        self.order_count = 0;
        self.detail_count = 0;
        self.left_out = 0;
        self.is_overflowed = false;
    }

    /// A detail that nobody wants.
    #[inline]
    pub(super) fn leave_out(&mut self) {
        match self.detail_room() {
            0 => self.is_overflowed = true,
            _ => self.left_out = self.left_out.saturating_add(1),
        }
    }

    #[inline]
    pub(super) fn order(&mut self, order: OrderCommand) {
        match self.orders.get_mut(self.order_count) {
            Some(slot) => {
                *slot = order;
                self.order_count = self.order_count.saturating_add(1);
            }
            None => self.is_overflowed = true,
        }
    }

    #[inline]
    pub(super) fn decision(&mut self, decision: Decision) {
        self.detail(Detail::Decision(decision));
    }

    pub(super) fn alert(&mut self, alert: Alert) {
        self.detail(Detail::Alert(alert));
    }

    pub(super) fn state(&mut self, change: StateChange) {
        self.detail(Detail::State(change));
    }

    #[inline]
    pub(super) fn ending(&mut self, ending: Ending) {
        self.detail(Detail::Ending(ending));
    }

    pub(super) fn repair(&mut self, repair: Repair) {
        self.detail(Detail::Repair(repair));
    }

    pub(super) fn follow(&mut self, follow: Follow) {
        self.detail(Detail::Follow(follow));
    }

    pub(super) fn internal(&mut self, internal: Internal) {
        self.detail(Detail::Internal(internal));
    }

    pub(super) fn ruling(&mut self, ruling: Ruling) {
        self.detail(Detail::Ruling(ruling));
    }

    /// Adds a detail that must be said, in place of another if there is no room.
    pub(super) fn insist(&mut self, detail: Detail) {
        self.left_out = self.left_out.min(DETAILS_MAX.saturating_sub(1));
        let most = DETAILS_MAX.saturating_sub(self.left_out).saturating_sub(1);
        self.detail_count = self.detail_count.min(most);
        self.detail(detail);
    }

    #[inline]
    fn detail(&mut self, detail: Detail) {
        let room = self.detail_room();
        match self.details.get_mut(self.detail_count) {
            Some(slot) if room > 0 => {
                *slot = Some(detail);
                self.detail_count = self.detail_count.saturating_add(1);
            }
            _ => self.is_overflowed = true,
        }
    }
}
