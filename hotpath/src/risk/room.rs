//! How much a fire is, and the room for messages that it asks for.

/// How much one fire is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FireSize {
    /// Orders.
    pub orders: u16,
    /// The room that they ask for.
    pub room: Room,
    /// Lots of the largest of them.
    pub largest_lots: u32,
    /// Lots of all of them, if they open; 0 if they close.
    pub opened_lots: i64,
}

/// For how many messages there must be room when orders leave.
///
/// What a fire may need to be repaired, and its legs that are still to follow, is kept for it until
/// it ends or its orders are called unknown: other fires are sent beside what is kept, and never
/// out of it. For a leg that rests nothing is kept: it may rest all day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Room {
    /// A fire that nothing repairs.
    #[default]
    Fire,
    /// A fire that may have to be repaired: as many again are kept.
    Repairable,
    /// What repairs a fire, or follows in it: out of what is kept.
    Kept,
}

impl Room {
    /// That of a fire; `is_repaired`: it may be.
    #[inline]
    #[must_use]
    pub const fn of_fire(is_repaired: bool) -> Self {
        if is_repaired { Self::Repairable } else { Self::Fire }
    }

    /// Messages that so many orders of one fire come to, those that repair it among them.
    #[inline]
    #[must_use]
    pub const fn whole(self, orders: u16) -> u16 {
        match self {
            Self::Repairable => orders.saturating_mul(2),
            Self::Fire | Self::Kept => orders,
        }
    }

    /// Messages that there must be room for, with so many `kept` for others.
    #[inline]
    #[must_use]
    pub const fn messages(self, orders: u16, kept: u16) -> u16 {
        match self {
            Self::Fire | Self::Repairable => self.whole(orders).saturating_add(kept),
            Self::Kept => orders,
        }
    }
}
