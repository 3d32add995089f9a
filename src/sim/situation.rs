//! Where a desk stands when something strikes: its safe state, and how far its fires are.
//!
//! The cells of the matrix that says of each fault where it was tried. Taken from the desk itself,
//! after each input.

use xmc_hotpath::desk::{Desk, Spread};
use xmc_hotpath::message::SafeState;

/// How far a fire is. Of several spreads the one that has the most to lose counts, in the order of
/// these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Legs {
    /// Nothing is under way, nothing is left over.
    #[default]
    None,
    /// Lots are out of ratio, and no order works on them: left over, or waiting for a repair.
    Residual,
    /// The orders of two legs or more live, and nothing is filled.
    BothLive,
    /// Those of one leg live, the others are over and nothing is filled.
    OneLive,
    /// Something is filled, and something may still be.
    OneFilled,
    /// Orders of a repair live.
    Repair,
}

impl Legs {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::None, Self::Residual, Self::BothLive, Self::OneLive, Self::OneFilled, Self::Repair];

    /// Its word in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "no_leg",
            Self::Residual => "residual",
            Self::BothLive => "both_live",
            Self::OneLive => "one_live",
            Self::OneFilled => "one_filled",
            Self::Repair => "repair",
        }
    }

    fn of(desk: &Desk<'_>, spread: &Spread) -> Self {
        let Some(fire) = &spread.fire else {
            let is_left = spread.residual_lots.iter().any(|lots| *lots != 0);
            return if is_left { Self::Residual } else { Self::None };
        };
        if fire.open_orders == 0 {
            return Self::Residual;
        }
        if fire.tries > 0 {
            return Self::Repair;
        }
        if fire.filled_lots.iter().any(|lots| *lots != 0) {
            return Self::OneFilled;
        }
        let orders = fire.orders.iter().take(usize::from(fire.order_count));
        let live = orders.filter_map(|id| desk.orders().get(*id)).filter(|order| order.is_live());
        let legs = live.fold(0_u32, |legs, order| legs | 1 << order.leg);
        if legs.count_ones() > 1 { Self::BothLive } else { Self::OneLive }
    }
}

/// Where a desk stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// Its safe state.
    pub state: SafeState,
    /// How far its fires are.
    pub legs: Legs,
}

impl Default for Situation {
    /// A desk before its first input.
    fn default() -> Self {
        Self { state: SafeState::NoNew, legs: Legs::None }
    }
}

/// Situations that there are.
pub const SITUATIONS: usize = SafeState::ALL.len() * Legs::ALL.len();

impl Situation {
    /// Where `desk` stands now.
    #[must_use]
    pub fn of(desk: &Desk<'_>) -> Self {
        let legs = desk.spreads().iter().map(|spread| Legs::of(desk, spread));
        Self { state: desk.state(), legs: legs.max().unwrap_or_default() }
    }

    /// All of them, state by state.
    pub fn all() -> impl Iterator<Item = Self> {
        let states = SafeState::ALL.iter();
        states.flat_map(|state| Legs::ALL.map(|legs| Self { state: *state, legs }))
    }

    /// Its place among all.
    #[must_use]
    pub fn index(self) -> usize {
        let state = SafeState::ALL.iter().position(|state| *state == self.state).unwrap_or(0);
        state * Legs::ALL.len() + self.legs as usize
    }
}
