//! One leg first: the leg that is the hardest to get leads, the others follow what it has filled.
//!
//! Pure. A leg is as hard to get as it has few units tradable (可成交量): lots that its book shows
//! at the limit of its order or better, by its ratio. What follows are whole units only; lots that
//! the others need for units that have not followed yet are kept for them. `desk::lead` sends.

use super::{Fire, MAX_FIRE_ORDERS, lots_of, most_units};
use crate::execute::offset::MAX_CHILDREN;
use crate::message::{LegSpec, MAX_LEGS};
use crate::risk::NO_LEG;

impl Fire {
    /// Whether one leg leads and others may still follow it.
    #[inline(always)]
    pub(crate) const fn is_led(&self) -> bool {
        self.lead != NO_LEG
    }

    /// Whole units that the leading leg has filled and that the others have not followed.
    pub(crate) fn units_to_follow(&self, legs: &[LegSpec; MAX_LEGS]) -> u32 {
        let lead = usize::from(self.lead);
        let (Some(leg), Some(filled)) = (legs.get(lead), self.filled_lots.get(lead)) else {
            return 0;
        };
        let reached = most_units(self.units, |units| lots_of(leg, units) <= u64::from(*filled));
        reached.saturating_sub(self.followed_units)
    }

    /// Whether the leading leg has filled lots beyond whole units: nobody follows these.
    pub(crate) fn leads_part_of_a_unit(&self, legs: &[LegSpec; MAX_LEGS]) -> bool {
        let lead = usize::from(self.lead);
        let units = self.followed_units.saturating_add(self.units_to_follow(legs));
        let (leg, filled) = (legs.get(lead), self.filled_lots.get(lead));
        leg.zip(filled).is_some_and(|(leg, filled)| lots_of(leg, units) < u64::from(*filled))
    }

    /// Lots of a leg that are kept for units which have not followed yet.
    pub(crate) fn kept_lots(&self, leg: &LegSpec, number: u8) -> u32 {
        if !self.is_led() || number == self.lead {
            return 0;
        }
        let units = self.units.saturating_sub(self.followed_units);
        u32::try_from(lots_of(leg, units)).unwrap_or(u32::MAX)
    }

    /// How many orders may follow now. While the leading leg may still fill (`is_going_on`) there
    /// is room left for a last batch, which then has all that is left to follow.
    pub(crate) fn room_to_follow(&self, legs: &[LegSpec; MAX_LEGS], is_going_on: bool) -> u16 {
        let followers = legs.iter().zip(0_u8..);
        let followers = followers.filter(|(leg, at)| leg.ratio_lots != 0 && *at != self.lead);
        let last = followers.count().saturating_mul(MAX_CHILDREN);
        let used = usize::from(self.order_count).saturating_add(if is_going_on { last } else { 0 });
        u16::try_from(MAX_FIRE_ORDERS.saturating_sub(used)).unwrap_or(0)
    }
}

/// The leg with the fewest units tradable, of those that have `tradable_lots`; the first of equals.
pub(crate) fn least_liquid(
    legs: &[LegSpec; MAX_LEGS],
    tradable_lots: &[Option<u32>; MAX_LEGS],
) -> u8 {
    let (mut lead, mut least) = (NO_LEG, (0_u64, 0_u64));
    for ((leg, tradable), number) in legs.iter().zip(tradable_lots).zip(0_u8..) {
        let Some(lots) = tradable else {
            continue;
        };
        let (lots, ratio) = (u64::from(*lots), u64::from(leg.ratio_lots.unsigned_abs()));
        // lots / ratio < least lots / least ratio, below 2^64.
        if lead == NO_LEG || lots.saturating_mul(least.1) < least.0.saturating_mul(ratio) {
            (lead, least) = (number, (lots, ratio));
        }
    }
    lead
}
