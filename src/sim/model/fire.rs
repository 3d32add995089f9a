//! A fire as the model has it, and prices counted out lot by lot.

use xmc_hotpath::message::{
    Depth, Gate, Intent, MAX_LEGS, Obstacle, OrderCommand, OrderEvent, OrderId, Side, SpreadIndex,
    SpreadSpec,
};
use xmc_hotpath::time::{MonoNs, Span};

use super::{ModelEnding, ModelSpread};

/// A fire that has not ended.
#[derive(Clone, Debug)]
pub struct ModelFire {
    /// What for.
    pub intent: Intent,
    /// Units asked for.
    pub units: u32,
    /// When.
    pub started: MonoNs,
    /// Its orders: one or several for each leg.
    pub orders: Vec<OrderId>,
    /// Lots filled on the leg's side and not traded back, per leg.
    pub filled: [u32; MAX_LEGS],
    /// The level that was met.
    pub level_e9: i64,
    /// What each leg was decided on at.
    pub planned_e9: [i64; MAX_LEGS],
    /// What was paid beyond that, price times lots, per leg.
    pub slip_e9: [i128; MAX_LEGS],
    /// Repairs that were sent.
    pub tries: u8,
    /// Since when it is known to be out of ratio.
    pub open_since: Option<MonoNs>,
    /// Only what opens nothing is sent.
    pub is_flattening: bool,
    /// A breaker has tripped that has what rests cancelled.
    pub is_broken_off: bool,
    /// That has been done: its orders have as much time again.
    pub was_broken_off: bool,
    /// Nothing has happened that ends it as it is.
    pub may_repair: bool,
    /// The leg that was sent first, while others may follow it.
    pub lead: Option<usize>,
    /// Units that they were sent for.
    pub followed: u32,
    /// What held back the others when that was told last.
    pub held_by: Option<(Obstacle, Gate)>,
    /// When something has to be done about its orders.
    pub due: MonoNs,
    /// How long its orders may take.
    pub timeout: Span,
    /// Its leading leg rests.
    pub rests: bool,
    /// Since when that has filled lots beyond whole units.
    pub parted: Option<MonoNs>,
    /// Orders that it may still need: those that follow, and as many again if it may be repaired.
    pub kept: Vec<OrderCommand>,
}

impl ModelFire {
    /// Whether its leading leg rests and nobody has taken it back.
    pub fn is_resting(&self) -> bool {
        self.rests && self.lead.is_some() && !self.is_broken_off
    }

    /// Counts lots in, or out as far as there are any; says how many.
    pub fn count(&mut self, leg: usize, is_toward: bool, lots: u32) -> u32 {
        let counted = if is_toward { lots } else { lots.min(self.filled[leg]) };
        if is_toward {
            self.filled[leg] += counted;
        } else {
            self.filled[leg] -= counted;
        }
        counted
    }

    /// Whether a fill is worse than decided on by more than so large a part, in 1e-9.
    pub(super) fn is_worse(&self, leg: usize, fill: &OrderEvent) -> impl Fn(i64) -> bool + use<> {
        let planned = i128::from(self.planned_e9[leg]);
        let more = i128::from(fill.price_e9) - planned;
        let worse = if fill.side == Side::Buy { more } else { -more };
        move |part_e9| worse * 1_000_000_000 > planned.abs() * i128::from(part_e9)
    }

    /// Adds what lots cost beyond the planned price.
    pub fn pay(&mut self, leg: usize, side: Side, price_e9: i64, lots: u32) {
        let more = (i128::from(price_e9) - i128::from(self.planned_e9[leg])) * i128::from(lots);
        self.slip_e9[leg] += if side == Side::Buy { more } else { -more };
    }
}

/// What follows from the ratio of the legs, counted out.
pub trait Ratio {
    /// Lots of a leg in so many units.
    fn lots(&self, leg: usize, units: u32) -> u64;

    /// The most units that all legs of a fire have filled.
    fn done(&self, fire: &ModelFire) -> u32;

    /// Nothing is left over.
    fn is_whole(&self, fire: &ModelFire) -> bool {
        let done = self.done(fire);
        (0..MAX_LEGS).all(|leg| self.lots(leg, done) == u64::from(fire.filled[leg]))
    }
}

impl Ratio for SpreadSpec {
    fn lots(&self, leg: usize, units: u32) -> u64 {
        u64::from(self.legs[leg].ratio_lots.unsigned_abs()) * u64::from(units)
    }

    fn done(&self, fire: &ModelFire) -> u32 {
        let is_reached = |units: &u32| {
            (0..MAX_LEGS).all(|leg| self.lots(leg, *units) <= u64::from(fire.filled[leg]))
        };
        (1..=fire.units).take_while(is_reached).last().unwrap_or(0)
    }
}

/// The worst price of `lots` after `taken` ones, counted out lot by lot.
pub fn worst_price(depth: &Depth, taken: u32, lots: u64) -> Option<i64> {
    let mut prices = depth
        .price_e9
        .iter()
        .zip(&depth.lots)
        .take_while(|(_, lots)| **lots > 0)
        .flat_map(|(price, lots)| std::iter::repeat_n(*price, *lots as usize));
    let last = u64::from(taken) + lots.max(1) - 1;
    prices.nth(usize::try_from(last).ok()?)
}

/// What `lots` after `taken` ones cost together, counted out lot by lot: the worst price and the
/// sum of all.
pub fn cost(depth: &Depth, taken: u32, lots: u32) -> Option<(i64, i128)> {
    let worst = worst_price(depth, taken, lots.into())?;
    let prices = depth.price_e9.iter().zip(&depth.lots);
    let prices = prices.flat_map(|(price, lots)| std::iter::repeat_n(*price, *lots as usize));
    let traded = prices.skip(taken as usize).take(lots as usize);
    Some((worst, traded.map(i128::from).sum()))
}

impl ModelSpread {
    /// Counts a fire out: whole units one by one, what is beyond them is residual.
    pub fn close(&mut self, spread: SpreadIndex, fire: &ModelFire) -> ModelEnding {
        let done = self.spec.done(fire);
        let mut is_aligned = true;
        for leg in 0..MAX_LEGS {
            let over = u64::from(fire.filled[leg]) - self.spec.lots(leg, done);
            is_aligned &= over == 0;
            let is_bought = (self.spec.legs[leg].ratio_lots > 0) == fire.intent.is_buy();
            let over = i64::try_from(over).expect("a schedule trades few lots");
            self.residual[leg] += if is_bought { over } else { -over };
        }
        self.units += if fire.intent.is_buy() { i64::from(done) } else { -i64::from(done) };
        self.traded += u64::from(is_aligned && done > 0);
        let (filled, started, tries) = (fire.filled, fire.started, fire.tries);
        ModelEnding { spread, filled, done, is_aligned, started, tries }
    }
}
