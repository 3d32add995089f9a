//! The life of one fire: the orders of all legs, from the moment they are made until each one's
//! fate is known, and what came of it.
//!
//! Pure: it counts what was asked and what was filled, per leg. The desk gives it the news and acts
//! on the ending. Repairing a fire whose legs are out of ratio is not here yet: such a fire ends
//! unaligned, and the desk halts the spread with an alert.

pub mod offset;

use self::offset::MAX_CHILDREN;
use crate::message::{Ending, Intent, LegSpec, MAX_LEGS, OrderId, SpreadIndex, SpreadSpec};
use crate::record::codec::fields;
use crate::time::MonoNs;

/// Orders that one fire can have: a leg may become several.
pub const MAX_FIRE_ORDERS: usize = MAX_LEGS * MAX_CHILDREN;

/// One fire of a spread. A spread has at most one that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fire {
    /// What for.
    pub intent: Intent,
    /// Units asked for.
    pub units: u32,
    /// Its orders, in the order in which they were sent; `NONE` after the last.
    pub orders: [OrderId; MAX_FIRE_ORDERS],
    /// How many there are.
    pub order_count: u8,
    /// Lots asked for, per leg.
    pub asked_lots: [u32; MAX_LEGS],
    /// Lots filled, per leg.
    pub filled_lots: [u32; MAX_LEGS],
    /// Orders whose fate is not known.
    pub open_orders: u8,
    /// When the orders were made.
    pub started: MonoNs,
    /// How often its deadline has come.
    pub deadlines: u8,
}

fields! {
    Fire {
        intent: Intent,
        units: u32,
        orders: [OrderId; MAX_FIRE_ORDERS],
        order_count: u8,
        asked_lots: [u32; MAX_LEGS],
        filled_lots: [u32; MAX_LEGS],
        open_orders: u8,
        started: MonoNs,
        deadlines: u8,
    }
}

impl Fire {
    /// A fire without orders.
    #[must_use]
    pub const fn new(intent: Intent, units: u32, started: MonoNs) -> Self {
        Self {
            intent,
            units,
            orders: [OrderId::NONE; MAX_FIRE_ORDERS],
            order_count: 0,
            asked_lots: [0; MAX_LEGS],
            filled_lots: [0; MAX_LEGS],
            open_orders: 0,
            started,
            deadlines: 0,
        }
    }

    /// Adds an order of `leg`.
    #[inline]
    pub fn add(&mut self, leg: usize, order: OrderId, lots: u32) {
        let slot = self.orders.get_mut(usize::from(self.order_count));
        if let (Some(id), Some(asked)) = (slot, self.asked_lots.get_mut(leg)) {
            *id = order;
            *asked = asked.saturating_add(lots);
            self.order_count = self.order_count.saturating_add(1);
            self.open_orders = self.open_orders.saturating_add(1);
        }
    }

    /// Whether the order is one of its own.
    #[inline]
    #[must_use]
    pub fn has(&self, order: OrderId) -> bool {
        order != OrderId::NONE && self.orders.contains(&order)
    }

    /// Adds a fill of `leg`.
    #[inline]
    pub fn fill(&mut self, leg: u8, lots: u32) {
        if let Some(filled) = self.filled_lots.get_mut(usize::from(leg)) {
            *filled = filled.saturating_add(lots);
        }
    }

    /// Takes a fill of `leg` back, as far as it was counted; says how many lots that were.
    pub fn bust(&mut self, leg: u8, lots: u32) -> u32 {
        let Some(filled) = self.filled_lots.get_mut(usize::from(leg)) else {
            return 0;
        };
        let counted = lots.min(*filled);
        *filled = filled.saturating_sub(counted);
        counted
    }

    /// One order's fate is known.
    #[inline]
    pub fn close_order(&mut self) {
        self.open_orders = self.open_orders.saturating_sub(1);
    }

    /// What came of it: the whole units that all legs reached, and whether anything is left over.
    #[must_use]
    pub fn ending(&self, spread: SpreadIndex, spec: &SpreadSpec, now: MonoNs) -> Ending {
        let done_units = whole_units(&spec.legs, &self.filled_lots, self.units);
        let is_aligned = spec
            .legs
            .iter()
            .zip(&self.filled_lots)
            .all(|(leg, filled)| lots_of(leg, done_units) == u64::from(*filled));
        Ending {
            spread,
            intent: self.intent,
            units: self.units,
            asked_lots: self.asked_lots,
            filled_lots: self.filled_lots,
            is_aligned,
            done_units,
            took: now.since(self.started),
        }
    }
}

/// Lots of `leg` in `units` of the spread.
#[inline]
fn lots_of(leg: &LegSpec, units: u32) -> u64 {
    u64::from(leg.ratio_lots.unsigned_abs()).saturating_mul(u64::from(units))
}

/// The largest number of units, at most `most`, that every leg has filled.
#[must_use]
pub fn whole_units(legs: &[LegSpec; MAX_LEGS], filled: &[u32; MAX_LEGS], most: u32) -> u32 {
    let reached = |units: u32| {
        legs.iter().zip(filled).all(|(leg, filled)| lots_of(leg, units) <= u64::from(*filled))
    };
    if reached(most) {
        return most;
    }
    // Halving: `low` is always reached, `high` never.
    let (mut low, mut high) = (0_u32, most);
    while high.wrapping_sub(low) > 1 {
        let middle = low.wrapping_add(high.wrapping_sub(low) >> 1);
        if reached(middle) { low = middle } else { high = middle }
    }
    low
}

/// What each leg has filled beyond the whole units, bought minus sold.
#[must_use]
pub fn residual_lots(legs: &[LegSpec; MAX_LEGS], ending: &Ending) -> [i64; MAX_LEGS] {
    let mut residual = [0_i64; MAX_LEGS];
    for ((leg, filled), left) in legs.iter().zip(&ending.filled_lots).zip(&mut residual) {
        let whole = i64::try_from(lots_of(leg, ending.done_units)).unwrap_or(i64::MAX);
        let over = i64::from(*filled).saturating_sub(whole);
        let is_bought = (leg.ratio_lots > 0) == ending.intent.is_buy();
        *left = if is_bought { over } else { over.saturating_neg() };
    }
    residual
}
