//! Lots held long and short, counted one by one, and the orders that a leg becomes of them.
//!
//! What live orders close is not kept: it is counted anew from the orders that live.

use super::{Model, ModelInstrument};
use xmc_hotpath::message::{CloseFirst, HeldLots, OffsetRule, PositionEffect, Side};

/// Lots of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelLots {
    /// Opened today.
    pub today: u32,
    /// Carried over.
    pub yesterday: u32,
}

impl ModelLots {
    /// Takes one lot away, of one kind or of either; `false` if there is none.
    fn take(&mut self, effect: PositionEffect) -> bool {
        let lots = match effect {
            PositionEffect::CloseToday => &mut self.today,
            PositionEffect::CloseYesterday => &mut self.yesterday,
            _ if self.yesterday > 0 => &mut self.yesterday,
            _ => &mut self.today,
        };
        let is_there = *lots > 0;
        *lots -= u32::from(is_there);
        is_there
    }
}

impl ModelInstrument {
    /// Lots that orders of `side` open, and those that they close.
    fn lots(&mut self, side: Side) -> (&mut ModelLots, &mut ModelLots) {
        match side {
            Side::Buy => (&mut self.long, &mut self.short),
            Side::Sell => (&mut self.short, &mut self.long),
        }
    }

    /// A fill, lot by lot. Gives the lots that it closes and that are not there.
    pub(super) fn fill(&mut self, side: Side, effect: PositionEffect, lots: u32) -> u32 {
        let (opened, closed) = self.lots(side);
        match effect {
            PositionEffect::Net => 0,
            PositionEffect::Open => {
                opened.today += lots;
                0
            }
            _ => (0..lots).map(|_| u32::from(!closed.take(effect))).sum(),
        }
    }

    /// A fill is taken back. Gives the lots that it had opened and that are not there.
    pub(super) fn bust(&mut self, side: Side, effect: PositionEffect, lots: u32) -> u32 {
        let (opened, closed) = self.lots(side);
        match effect {
            PositionEffect::Net => return 0,
            PositionEffect::Open => {
                let back = PositionEffect::CloseToday;
                return (0..lots).map(|_| u32::from(!opened.take(back))).sum();
            }
            PositionEffect::CloseToday => closed.today += lots,
            PositionEffect::Close | PositionEffect::CloseYesterday => closed.yesterday += lots,
        }
        0
    }
}

impl Model {
    /// What the venue says is held counts when no order of the instrument lives.
    pub(super) fn held(&mut self, held: &HeldLots) {
        let (_, _, live) = self.reserved(held.instrument.0);
        let row = self.instruments.get_mut(&held.instrument.0).filter(|_| live == 0);
        let Some(row) = row else {
            return;
        };
        row.long = ModelLots { today: held.long_today, yesterday: held.long_yesterday };
        row.short = ModelLots { today: held.short_today, yesterday: held.short_yesterday };
        let sum = |lots: ModelLots| i64::from(lots.today) + i64::from(lots.yesterday);
        let position = sum(row.long) - sum(row.short);
        row.carried += position - row.position;
        row.position = position;
        self.surprises.insert(held.instrument.0);
    }

    /// Lots of a side that live orders close: today's, and all others.
    pub fn frozen(&self, instrument: u32, held: Side) -> (u32, u32) {
        let (mut today, mut other) = (0, 0);
        for id in &self.live {
            let order = &self.orders[id];
            let command = &order.command;
            if command.instrument.0 != instrument || command.side == held {
                continue;
            }
            match command.effect {
                PositionEffect::Net | PositionEffect::Open => {}
                PositionEffect::CloseToday => today += order.open(),
                PositionEffect::Close | PositionEffect::CloseYesterday => other += order.open(),
            }
        }
        (today, other)
    }

    /// The orders that `lots` of `side` ought to become: for each lot what is held and not being
    /// closed, else a new one.
    pub fn children(&self, instrument: u32, side: Side, lots: u64) -> Vec<(PositionEffect, u64)> {
        let row = &self.instruments[&instrument];
        let held = if side == Side::Buy { row.short } else { row.long };
        let (frozen_today, frozen) = self.frozen(instrument, side.opposite());
        let mut today = i64::from(held.today) - i64::from(frozen_today);
        let mut yesterday = i64::from(held.yesterday) - i64::from(frozen);
        let mut children: Vec<(PositionEffect, u64)> = Vec::new();
        for _ in 0..lots {
            let from_today = (&mut today, PositionEffect::CloseToday);
            let from_yesterday = (&mut yesterday, PositionEffect::CloseYesterday);
            let wishes = match (row.spec.offset_rule, row.spec.close_first) {
                (OffsetRule::Net, _) => return vec![(PositionEffect::Net, lots)],
                (OffsetRule::Close, _) => {
                    let sum = *from_today.0 + *from_yesterday.0;
                    *from_yesterday.0 -= 1;
                    let effect = if sum > 0 { PositionEffect::Close } else { PositionEffect::Open };
                    push(&mut children, effect);
                    continue;
                }
                (OffsetRule::CloseToday, CloseFirst::Today) => [from_today, from_yesterday],
                (OffsetRule::CloseToday, CloseFirst::Yesterday) => [from_yesterday, from_today],
            };
            let found = wishes.into_iter().find(|(left, _)| **left > 0);
            let effect = found.map_or(PositionEffect::Open, |(left, effect)| {
                *left -= 1;
                effect
            });
            push(&mut children, effect);
        }
        children
    }
}

/// Adds one lot, to the last order if it is of the same effect.
fn push(children: &mut Vec<(PositionEffect, u64)>, effect: PositionEffect) {
    match children.last_mut() {
        Some((last, lots)) if *last == effect => *lots += 1,
        _ => children.push((effect, 1)),
    }
}
