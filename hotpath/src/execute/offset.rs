//! Open or close: what is held where the market keeps long and short apart, and the child orders
//! that one leg becomes there.
//!
//! Pure and total. Markets that ask (China) hold long and short side by side, and SHFE and INE also
//! today's and yesterday's lots of each. `split` takes the lots that a leg wants and closes what is
//! held on the other side first, as far as nothing live is closing it already; the rest opens. The
//! lots of the children are always those of the leg. The desk holds a `Holding` per instrument and
//! tells it every order, end, fill and bust.
//!
//! It does not choose to hold both sides at once (锁仓), and knows no fees: in which order today's
//! and yesterday's lots are closed is configured, because closing today's costs more in some
//! contracts and less in others.

use crate::message::{CloseFirst, OffsetRule, PositionEffect, Side};
use crate::record::codec::fields;

/// Child orders that one leg can become: close one, close the other, open the rest.
pub const MAX_CHILDREN: usize = 3;

/// Lots of one side of an instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lots {
    /// Opened today.
    pub today: u32,
    /// Carried over.
    pub yesterday: u32,
    /// Of today's, lots that live orders close.
    pub frozen_today: u32,
    /// Of yesterday's, lots that live orders close. Where the market does not tell them apart, all
    /// that live orders close.
    pub frozen_yesterday: u32,
}

fields! {
    Lots {
        today: u32,
        yesterday: u32,
        frozen_today: u32,
        frozen_yesterday: u32,
    }
}

impl Lots {
    /// None.
    pub const NONE: Self = Self { today: 0, yesterday: 0, frozen_today: 0, frozen_yesterday: 0 };

    /// All lots, frozen or not.
    #[must_use]
    pub const fn held(&self) -> u32 {
        self.today.saturating_add(self.yesterday)
    }

    const fn free_today(&self) -> u32 {
        self.today.saturating_sub(self.frozen_today)
    }

    const fn free_yesterday(&self) -> u32 {
        self.yesterday.saturating_sub(self.frozen_yesterday)
    }

    const fn free(&self) -> u32 {
        self.held().saturating_sub(self.frozen_today.saturating_add(self.frozen_yesterday))
    }

    /// What an order of that effect freezes.
    fn frozen(&mut self, effect: PositionEffect) -> Option<&mut u32> {
        match effect {
            PositionEffect::Net | PositionEffect::Open => None,
            PositionEffect::CloseToday => Some(&mut self.frozen_today),
            PositionEffect::Close | PositionEffect::CloseYesterday => {
                Some(&mut self.frozen_yesterday)
            }
        }
    }
}

/// What is held in one instrument of a market that asks open or close.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Bought and not sold.
    pub long: Lots,
    /// Sold and not bought.
    pub short: Lots,
}

fields! {
    Holding {
        long: Lots,
        short: Lots,
    }
}

impl Holding {
    /// Nothing.
    pub const NONE: Self = Self { long: Lots::NONE, short: Lots::NONE };

    /// The lots that an order of `side` opens.
    #[inline(always)]
    const fn opened_by(&mut self, side: Side) -> &mut Lots {
        match side {
            Side::Buy => &mut self.long,
            Side::Sell => &mut self.short,
        }
    }

    /// The lots that an order of `side` closes.
    #[inline(always)]
    const fn closed_by(&mut self, side: Side) -> &mut Lots {
        self.opened_by(side.opposite())
    }

    /// An order is made: what it closes is not closed by another.
    #[inline]
    pub fn freeze(&mut self, side: Side, effect: PositionEffect, lots: u32) {
        if let Some(frozen) = self.closed_by(side).frozen(effect) {
            *frozen = frozen.saturating_add(lots);
        }
    }

    /// Lots of an order can no longer fill, or have filled.
    #[inline]
    pub fn thaw(&mut self, side: Side, effect: PositionEffect, lots: u32) {
        if let Some(frozen) = self.closed_by(side).frozen(effect) {
            *frozen = frozen.saturating_sub(lots);
        }
    }

    /// A fill. Says how many of the lots that it closes were not known to be held: the venue knows
    /// of a position that this does not.
    #[inline]
    pub fn fill(&mut self, side: Side, effect: PositionEffect, lots: u32) -> u32 {
        match effect {
            PositionEffect::Net => 0,
            PositionEffect::Open => {
                let held = &mut self.opened_by(side).today;
                *held = held.saturating_add(lots);
                0
            }
            PositionEffect::CloseToday => take(&mut self.closed_by(side).today, lots),
            PositionEffect::CloseYesterday => take(&mut self.closed_by(side).yesterday, lots),
            PositionEffect::Close => {
                let held = self.closed_by(side);
                let left = take(&mut held.yesterday, lots);
                take(&mut held.today, left)
            }
        }
    }

    /// A fill is taken back: what it closed is held again, what it opened is not. Says how many of
    /// the lots that it had opened were not known to be held.
    pub fn bust(&mut self, side: Side, effect: PositionEffect, lots: u32) -> u32 {
        let held = match effect {
            PositionEffect::Net => return 0,
            PositionEffect::Open => return take(&mut self.opened_by(side).today, lots),
            PositionEffect::CloseToday => &mut self.closed_by(side).today,
            PositionEffect::Close | PositionEffect::CloseYesterday => {
                &mut self.closed_by(side).yesterday
            }
        };
        *held = held.saturating_add(lots);
        0
    }

    /// Long less short: what the market's net position would be.
    #[must_use]
    pub fn net(&self) -> i64 {
        i64::from(self.long.held()).saturating_sub(i64::from(self.short.held()))
    }
}

/// Takes `lots` from what is held, and gives back what was not there.
#[inline(always)]
const fn take(held: &mut u32, lots: u32) -> u32 {
    let missing = lots.saturating_sub(*held);
    *held = held.saturating_sub(lots);
    missing
}

/// One order of several that a leg becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child {
    /// What it does to the position.
    pub effect: PositionEffect,
    /// Lots, at least 1.
    pub lots: u32,
}

/// The orders that a leg becomes, in the order in which they are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Children {
    orders: [Child; MAX_CHILDREN],
    count: u8,
}

impl Children {
    /// No orders.
    pub const NONE: Self =
        Self { orders: [Child { effect: PositionEffect::Net, lots: 0 }; MAX_CHILDREN], count: 0 };

    /// One order of all lots, where the market asks nothing.
    #[inline(always)]
    #[must_use]
    pub fn one(effect: PositionEffect, lots: u32) -> Self {
        let mut children = Self::NONE;
        children.add(effect, lots);
        children
    }

    /// How many there are.
    #[inline(always)]
    #[must_use]
    pub const fn count(&self) -> u8 {
        self.count
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Child> {
        self.orders.iter().take(usize::from(self.count))
    }

    #[inline(always)]
    fn add(&mut self, effect: PositionEffect, lots: u32) {
        if lots == 0 {
            return;
        }
        if let Some(slot) = self.orders.get_mut(usize::from(self.count)) {
            *slot = Child { effect, lots };
            self.count = self.count.saturating_add(1);
        }
    }
}

/// The orders that `lots` of `side` become, with what is held: all of them together, no more and no
/// less.
#[inline]
#[must_use]
pub fn split(
    side: Side,
    lots: u32,
    held: &Holding,
    rule: OffsetRule,
    first: CloseFirst,
) -> Children {
    let other = match side {
        Side::Buy => &held.short,
        Side::Sell => &held.long,
    };
    let mut children = Children::NONE;
    let mut left = lots;
    let mut close = |effect, free: u32| {
        let closed = left.min(free);
        children.add(effect, closed);
        left = left.saturating_sub(closed);
    };
    match (rule, first) {
        (OffsetRule::Net, _) => return Children::one(PositionEffect::Net, lots),
        (OffsetRule::Close, _) => close(PositionEffect::Close, other.free()),
        (OffsetRule::CloseToday, CloseFirst::Yesterday) => {
            close(PositionEffect::CloseYesterday, other.free_yesterday());
            close(PositionEffect::CloseToday, other.free_today());
        }
        (OffsetRule::CloseToday, CloseFirst::Today) => {
            close(PositionEffect::CloseToday, other.free_today());
            close(PositionEffect::CloseYesterday, other.free_yesterday());
        }
    }
    children.add(PositionEffect::Open, left);
    children
}
