//! What a story came to in lots, prices and money. Exact integers; averages are cut towards zero.

use super::{OrderStory, Story};
use std::collections::HashSet;
use xmc_hotpath::message::{
    FollowStep, Internal, MAX_LEGS, Measure, OrderEventKind, RepairWay, Side,
};
use xmc_hotpath::price;
use xmc_hotpath::spread::{ratio_e9, weight_q32};

/// What was filled of a leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// Lots asked for.
    pub asked_lots: u64,
    /// Lots filled, busts taken back.
    pub lots: u64,
    /// Sum of price times lots, units of 1e-9.
    pub cost_e9: i128,
    /// Which side; `None` if nothing was asked for.
    pub side: Option<Side>,
    /// The limit price of its orders.
    pub limit_e9: i64,
}

impl Filled {
    /// The average price of the fills; `None` if there are none.
    #[must_use]
    pub fn average_e9(&self) -> Option<i64> {
        let average = self.cost_e9.checked_div(i128::from(self.lots))?;
        i64::try_from(average).ok()
    }

    /// How much better than `planned_e9` all fills were together, price times lots, units of 1e-9;
    /// below zero is worse.
    #[must_use]
    pub fn better_e9(&self, planned_e9: i64) -> i128 {
        let planned = i128::from(planned_e9) * i128::from(self.lots);
        match self.side {
            Some(Side::Buy) => planned - self.cost_e9,
            Some(Side::Sell) => self.cost_e9 - planned,
            None => 0,
        }
    }
}

/// The spread's value at the prices that were got, beside that of the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Achieved {
    /// At the average prices of the fills; legs that only price at what was seen.
    pub value_e9: i64,
    /// How much better than the value that was decided on, per unit.
    pub better_e9: i64,
}

impl OrderStory {
    /// Lots filled and price times lots, each fill once, busts taken back.
    #[must_use]
    pub fn fills(&self) -> (u64, i128) {
        let mut known = HashSet::new();
        let (mut lots, mut cost_e9, mut last_e9) = (0_i128, 0_i128, 0_i64);
        for told in &self.news {
            let event = &told.what;
            let is_fill = event.kind == OrderEventKind::Filled;
            if !is_fill && event.kind != OrderEventKind::Busted {
                continue;
            }
            if event.exec_id != 0 && !known.insert((event.kind.code(), event.exec_id)) {
                continue;
            }
            // A fill's price may be nought; a bust that tells none is of the last fill.
            let is_priced = is_fill || event.price_e9 != 0;
            let price_e9 = if is_priced { event.price_e9 } else { last_e9 };
            let sign = if is_fill { 1 } else { -1 };
            lots += sign * i128::from(event.qty_lots);
            cost_e9 += sign * i128::from(price_e9) * i128::from(event.qty_lots);
            last_e9 = if is_fill { price_e9 } else { last_e9 };
        }
        (u64::try_from(lots).unwrap_or(0), cost_e9)
    }
}

impl Story {
    /// What was filled, leg by leg.
    #[must_use]
    pub fn filled(&self) -> [Filled; MAX_LEGS] {
        let mut legs = [Filled::default(); MAX_LEGS];
        for order in &self.orders {
            let Some(leg) = legs.get_mut(usize::from(order.sent.what.leg)) else { continue };
            let (lots, cost_e9) = order.fills();
            let is_first = self.is_first(order);
            if is_first {
                leg.asked_lots += u64::from(order.sent.what.qty_lots);
                leg.limit_e9 = order.sent.what.price_e9;
            }
            if leg.side.is_none_or(|side| side == order.sent.what.side) {
                leg.side = Some(order.sent.what.side);
                leg.lots += lots;
                leg.cost_e9 += cost_e9;
            } else {
                // Traded back.
                leg.lots = leg.lots.saturating_sub(lots);
                leg.cost_e9 -= cost_e9;
            }
        }
        for told in &self.internals {
            let Internal { lots, price_e9, buy, sell, .. } = told.what;
            let is_buy = buy.spread == self.spec.spread;
            let side = if is_buy { buy } else { sell };
            let Some(leg) = legs.get_mut(usize::from(side.leg)) else { continue };
            let (lots, cost_e9) = (u64::from(lots), i128::from(price_e9) * i128::from(lots));
            if side.way == RepairWay::Complete {
                leg.side.get_or_insert(if is_buy { Side::Buy } else { Side::Sell });
                leg.lots += lots;
                leg.cost_e9 += cost_e9;
            } else {
                leg.lots = leg.lots.saturating_sub(lots);
                leg.cost_e9 -= cost_e9;
            }
        }
        legs
    }

    /// Whether an order does what was decided: it was sent at once, or follows the leg that leads;
    /// the others repair what came of it.
    #[must_use]
    pub fn is_first(&self, order: &OrderStory) -> bool {
        let input = order.sent.place.0;
        let mut followed =
            self.follows.iter().filter(|told| told.what.step == FollowStep::Followed);
        input == self.cause.place.0 || followed.any(|told| told.place.0 == input)
    }

    /// The value that was got; `None` while a traded leg has no fill.
    #[must_use]
    pub fn achieved(&self) -> Option<Achieved> {
        let trigger = self.trigger?;
        let filled = self.filled();
        let (counts, is_buy) = (&self.spec.trigger, trigger.intent.is_buy());
        let fee_q32 = price::to_q32(counts.fee_e9);
        let mut sum_q32 = price::to_q32(self.spec.constant_e9);
        sum_q32 += if is_buy { fee_q32 } else { -fee_q32 };
        let short_fee_q32 = price::to_q32(counts.short_fee_e9);
        let mut short_q32 = price::to_q32(counts.short_constant_e9);
        short_q32 -= if is_buy { short_fee_q32 } else { -short_fee_q32 };
        let legs = self.legs.iter().zip(counts.fee_q32).zip(&filled).zip(trigger.prices_e9);
        for (((leg, fee_q32), filled), seen_e9) in legs {
            let price_e9 = if leg.spec.ratio_lots == 0 { seen_e9 } else { filled.average_e9()? };
            let weight_q32 = weight_q32(&leg.spec, fee_q32, is_buy, price_e9);
            let part_q32 = price::weighted(price_e9, weight_q32);
            sum_q32 += part_q32;
            if leg.spec.coefficient_q32 < 0 {
                short_q32 -= part_q32;
            }
        }
        let value_e9 = match counts.measure {
            Measure::Difference => price::from_q32(sum_q32),
            Measure::Ratio => ratio_e9(sum_q32, short_q32).unwrap_or(0),
        };
        let more = value_e9.saturating_sub(trigger.value_e9);
        let better_e9 = if is_buy { more.saturating_neg() } else { more };
        Some(Achieved { value_e9, better_e9 })
    }
}
