//! The life of one fire: the orders of all legs, from the moment they are made until each one's
//! fate is known, and what came of it.
//!
//! Pure: it counts what was asked, what was filled and what that cost beyond what was planned, per
//! leg. The desk gives it the news and acts on the ending. `repair` says what bringing a fire back
//! into ratio takes and costs, `loss` what that can be at worst, before it is fired; `lead` which
//! leg goes first where they go one after the other.

pub(crate) mod lead;
pub mod loss;
pub mod offset;
pub mod repair;

use self::offset::MAX_CHILDREN;
use crate::message::{
    Ending, Gate, Intent, LegSpec, MAX_LEGS, Obstacle, OrderId, RepairSpec, Side, SpreadIndex,
    SpreadSpec,
};
use crate::price;
use crate::record::codec::fields;
use crate::risk::NO_LEG;
use crate::time::{MonoNs, Span};

/// Orders that one fire can have: a leg may become several.
pub const MAX_FIRE_ORDERS: usize = MAX_LEGS * MAX_CHILDREN;

/// One fire of a spread. A spread has at most one that has not ended: some of its orders may still
/// fill, or all are known and the legs are out of ratio, and that may be repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fire {
    /// Which of the spread's fires it is: its orders bear the same number. Never 0.
    pub number: u32,
    /// What for.
    pub intent: Intent,
    /// Units asked for.
    pub units: u32,
    /// The level that was met.
    pub level_e9: i64,
    /// The price that each leg was decided on at, pay-up left out.
    pub planned_e9: [i64; MAX_LEGS],
    /// The orders that were sent last, in the order in which they were sent; `NONE` after the last.
    pub orders: [OrderId; MAX_FIRE_ORDERS],
    /// How many there are.
    pub order_count: u8,
    /// Lots asked for, per leg.
    pub asked_lots: [u32; MAX_LEGS],
    /// Lots filled and not traded back, per leg.
    pub filled_lots: [u32; MAX_LEGS],
    /// What all that was traded cost beyond the planned prices, per leg: price times lots.
    pub slip_e9: [i128; MAX_LEGS],
    /// Orders whose fate is not known.
    pub open_orders: u8,
    /// When the orders were made.
    pub started: MonoNs,
    /// How long its last orders may take; what follows one of them has no longer than that one.
    pub ack_timeout: Span,
    /// How often the deadline of its last orders has come.
    pub deadlines: u8,
    /// Repairs that were sent.
    pub tries: u8,
    /// Since when its legs are known to be out of ratio.
    pub open_since: Option<MonoNs>,
    /// Only what opens nothing is sent any more.
    pub is_flattening: bool,
    /// What rests of it is cancelled before its deadline: a breaker has tripped.
    pub is_broken_off: bool,
    /// Nothing has happened that a person must look at first.
    pub may_repair: bool,
    /// What stood in both ways (completing, trading back) when that was told last.
    pub waits_for: Option<(Obstacle, Obstacle)>,
    /// The leg that was sent first, while others may follow it; `NO_LEG` if none does.
    pub lead: u8,
    /// Units that the others were sent for since.
    pub followed_units: u32,
    /// Units are to follow and have not, or nobody has looked yet.
    pub is_follow_due: bool,
    /// What held them back when that was told last.
    pub held_by: Option<(Obstacle, Gate)>,
    /// The leading leg rests: it has no deadline until it is taken back.
    pub rests: bool,
    /// Since when the leading leg has filled lots beyond whole units.
    pub parted: Option<MonoNs>,
    /// Messages that are kept for it, per leg.
    pub kept_messages: [u8; MAX_LEGS],
}

fields! {
    Fire {
        number: u32,
        intent: Intent,
        units: u32,
        level_e9: i64,
        planned_e9: [i64; MAX_LEGS],
        orders: [OrderId; MAX_FIRE_ORDERS],
        order_count: u8,
        asked_lots: [u32; MAX_LEGS],
        filled_lots: [u32; MAX_LEGS],
        slip_e9: [i128; MAX_LEGS],
        open_orders: u8,
        started: MonoNs,
        ack_timeout: Span,
        deadlines: u8,
        tries: u8,
        open_since: Option<MonoNs>,
        is_flattening: bool,
        is_broken_off: bool,
        may_repair: bool,
        waits_for: Option<(Obstacle, Obstacle)>,
        lead: u8,
        followed_units: u32,
        is_follow_due: bool,
        held_by: Option<(Obstacle, Gate)>,
        rests: bool,
        parted: Option<MonoNs>,
        kept_messages: [u8; MAX_LEGS],
    }
}

impl Fire {
    /// A fire without orders.
    #[must_use]
    pub const fn new(intent: Intent, units: u32, started: MonoNs) -> Self {
        Self {
            number: 1,
            intent,
            units,
            level_e9: 0,
            planned_e9: [0; MAX_LEGS],
            orders: [OrderId::NONE; MAX_FIRE_ORDERS],
            order_count: 0,
            asked_lots: [0; MAX_LEGS],
            filled_lots: [0; MAX_LEGS],
            slip_e9: [0; MAX_LEGS],
            open_orders: 0,
            started,
            ack_timeout: Span(0),
            deadlines: 0,
            tries: 0,
            open_since: None,
            is_flattening: false,
            is_broken_off: false,
            may_repair: true,
            waits_for: None,
            lead: NO_LEG,
            followed_units: 0,
            is_follow_due: false,
            held_by: None,
            rests: false,
            parted: None,
            kept_messages: [0; MAX_LEGS],
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

    /// Begins another try with no orders yet; what was asked for at first stays as it is.
    pub fn begin_try(&mut self) {
        self.orders = [OrderId::NONE; MAX_FIRE_ORDERS];
        self.order_count = 0;
        self.deadlines = 0;
        self.is_broken_off = false;
        self.tries = self.tries.saturating_add(1);
        self.waits_for = None;
    }

    /// Whether only what opens nothing is tried any more: as many tries as were asked for have gone
    /// the cheaper way, or it is flattened.
    #[inline]
    #[must_use]
    pub(crate) fn is_last_resort(&self, spec: &RepairSpec) -> bool {
        self.is_flattening || self.tries >= spec.tries
    }

    /// Whether no try is left to repair it, or no time. What opens nothing has tries of its own:
    /// those that were used up on completing are none of it.
    #[must_use]
    pub(crate) fn is_spent(&self, spec: &RepairSpec, now: MonoNs) -> bool {
        let most = if self.is_flattening { spec.tries } else { spec.tries.saturating_mul(2) };
        let is_late = |since: MonoNs| now >= since.after(spec.within);
        self.tries >= most || self.open_since.is_some_and(is_late)
    }

    /// Whether orders of that kind (`is_open`: they open) do what the fire is for; the others trade
    /// back.
    #[inline]
    #[must_use]
    pub const fn is_toward(&self, is_open: bool) -> bool {
        self.intent.is_open() == is_open
    }

    /// Adds a fill of `leg`, of an order toward what it is for or back from there. Says how many of
    /// its lots that were: no more can be traded back than was filled.
    #[inline]
    pub fn fill(&mut self, leg: u8, is_toward: bool, lots: u32) -> u32 {
        let Some(filled) = self.filled_lots.get_mut(usize::from(leg)) else {
            return 0;
        };
        if is_toward {
            *filled = filled.saturating_add(lots);
            return lots;
        }
        let counted = lots.min(*filled);
        *filled = filled.saturating_sub(counted);
        counted
    }

    /// Takes such a fill back, as far as it was counted; says how many lots that were.
    pub fn bust(&mut self, leg: u8, is_toward: bool, lots: u32) -> u32 {
        self.fill(leg, !is_toward, lots)
    }

    /// Counts what `lots` of `leg` at `price_e9` cost beyond the planned price.
    #[inline]
    pub fn pay(&mut self, leg: u8, side: Side, price_e9: i64, lots: u32) {
        let leg = usize::from(leg);
        if let (Some(slip), Some(planned)) = (self.slip_e9.get_mut(leg), self.planned_e9.get(leg)) {
            *slip = slip.saturating_add(beyond(side, price_e9, *planned, lots));
        }
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

/// What `lots` at one price cost beyond another one: price times lots.
#[inline]
fn beyond(side: Side, price_e9: i64, planned_e9: i64, lots: u32) -> i128 {
    let more = price::widen(price_e9).wrapping_sub(price::widen(planned_e9));
    // Below 2^65 * 2^32.
    let cost = more.wrapping_mul(i128::from(lots));
    match side {
        Side::Buy => cost,
        Side::Sell => cost.wrapping_neg(),
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
    most_units(most, |units| {
        legs.iter().zip(filled).all(|(leg, filled)| lots_of(leg, units) <= u64::from(*filled))
    })
}

/// The largest number of units, at most `most`, for which `reached` holds; it does for none.
#[inline]
pub(crate) fn most_units(most: u32, reached: impl Fn(u32) -> bool) -> u32 {
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
