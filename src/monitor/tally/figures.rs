//! What the tally counts and adds up: plain figures, to be shown, printed and compared.

use serde::Serialize;
use xmc_hotpath::message::{
    Decision, Ending, Gate, InstrumentIndex, MAX_LEGS, OrderEventKind, PositionEffect, Repair,
    Side, SpreadIndex,
};
use xmc_hotpath::time::MonoNs;

/// What can be counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Inputs of the desk.
    pub inputs: u64,
    /// Quotes among them.
    pub quotes: u64,
    /// Decisions that were written.
    pub decisions: u64,
    /// Decisions that fired.
    pub fires: u64,
    /// Times that a gate held a trigger back, repetitions that were not written included.
    pub refusals: u64,
    /// New orders.
    pub orders: u64,
    /// Cancels that were asked for.
    pub cancel_requests: u64,
    /// Orders that a venue said it has.
    pub accepted: u64,
    /// Fills; one that a venue tells twice is one.
    pub fills: u64,
    /// Lots of these fills.
    pub filled_lots: u64,
    /// Orders that ended with lots not filled.
    pub cancelled: u64,
    /// Orders that a venue refused.
    pub rejects: u64,
    /// Orders that never left.
    pub not_sent: u64,
    /// Orders of which nobody could tell, for a while at least.
    pub unknown: u64,
    /// Fills that a venue took back.
    pub busts: u64,
    /// Fills that a venue changed afterwards: money and positions here are wrong from then on.
    pub corrections: u64,
    /// News of orders that the record does not know.
    pub strangers: u64,
    /// News of orders of earlier runs that were over then: told again, and not new.
    pub earlier: u64,
    /// Fires that ended, all legs in ratio.
    pub aligned: u64,
    /// Fires that ended out of ratio.
    pub broken: u64,
    /// Repairs that were sent for fires out of ratio.
    pub repairs: u64,
    /// Round trips of all spreads.
    pub round_trips: u64,
    /// Alerts.
    pub alerts: u64,
}

/// What one gate held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateTally {
    /// Which.
    pub gate: Gate,
    /// How often, repetitions that were not written included.
    pub count: u64,
    /// When last, as far as it was written.
    pub at: MonoNs,
    /// The last decision of it.
    pub last: Decision,
}

/// A fill, to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// When the desk heard of it.
    pub at: MonoNs,
    /// The spread.
    pub spread: SpreadIndex,
    /// Which leg of it.
    pub leg: u8,
    /// What was traded.
    pub instrument: InstrumentIndex,
    /// The side that the venue booked.
    pub side: Side,
    /// Opened or closed, where the market asks.
    pub effect: PositionEffect,
    /// Lots.
    pub lots: u32,
    /// Price.
    pub price_e9: i64,
}

/// Something that a person follows as it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happening {
    /// Its place among all of them, from 0.
    pub number: u64,
    /// When the desk heard of it, or did it.
    pub at: MonoNs,
    /// What it was.
    pub what: Happened,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// A trigger fired, or, among decisions, a gate held it back.
    Decided(Decision),
    /// A new order left.
    Ordered {
        /// The spread.
        spread: SpreadIndex,
        /// What is to be traded, at which price at worst.
        order: OrderTold,
    },
    /// A venue traded.
    Filled(Fill),
    /// A venue ended an order without filling it, or nobody can tell what it did.
    Missed {
        /// The spread.
        spread: SpreadIndex,
        /// What became of it.
        kind: OrderEventKind,
        /// Which leg of it.
        leg: u8,
        /// What was to be traded.
        instrument: InstrumentIndex,
    },
    /// A fire that ended out of ratio is completed or traded back.
    Repaired(Repair),
    /// A fire ended.
    Ended(Ending),
}

/// A new order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderTold {
    /// Which leg of the spread.
    pub leg: u8,
    /// What is to be traded.
    pub instrument: InstrumentIndex,
    /// The side.
    pub side: Side,
    /// Opens or closes, where the market asks.
    pub effect: PositionEffect,
    /// Lots.
    pub lots: u32,
    /// The worst price that it takes.
    pub price_e9: i64,
}

impl Happened {
    /// The spread that it is of.
    #[must_use]
    pub const fn spread(&self) -> SpreadIndex {
        match self {
            Self::Decided(decision) => decision.spread,
            Self::Ordered { spread, .. } | Self::Missed { spread, .. } => *spread,
            Self::Filled(fill) => fill.spread,
            Self::Repaired(repair) => repair.spread,
            Self::Ended(ending) => ending.spread,
        }
    }
}

/// What is held of an instrument. Where a market nets, one side is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Lots bought and not sold.
    pub long_lots: i64,
    /// Lots sold and not bought.
    pub short_lots: i64,
}

impl Held {
    /// Long minus short.
    #[must_use]
    pub const fn net_lots(self) -> i64 {
        self.long_lots - self.short_lots
    }

    pub(super) fn trade(&mut self, side: Side, effect: PositionEffect, signed_lots: i64) {
        match (effect, side) {
            (PositionEffect::Net, _) => {
                let net = self.net_lots() + signed_lots;
                *self = Self { long_lots: net.max(0), short_lots: (-net).max(0) };
            }
            (PositionEffect::Open, Side::Buy) => self.long_lots += signed_lots,
            (PositionEffect::Open, Side::Sell) => self.short_lots -= signed_lots,
            (_, Side::Buy) => self.short_lots -= signed_lots,
            (_, Side::Sell) => self.long_lots += signed_lots,
        }
    }
}

/// What is known of an instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InstrumentTally {
    /// Money per lot for a price of 1, units of 1e-9.
    pub multiplier_e9: i64,
    /// The last best bid that could be trusted.
    pub bid_e9: Option<i64>,
    /// The last best ask that could be trusted.
    pub ask_e9: Option<i64>,
    /// What is held, over all spreads.
    pub held: Held,
}

/// Money of one leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LegProfit {
    /// Lots bought minus lots sold in this run; what an earlier one left is not in it.
    pub position_lots: i64,
    /// Of lots that were traded back; units of 1e-18 of the leg's currency.
    pub realised_e18: i128,
    /// Of the rest, at the other side's best price; `None` if there was never one.
    pub open_e18: Option<i128>,
}

/// Money of one spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Profit {
    /// By leg.
    pub legs: [LegProfit; MAX_LEGS],
    /// All legs in the spread's currency at the rate of now, units of 1e-9; `None` if a rate or a
    /// price is not known.
    pub total_e9: Option<i128>,
    /// What of it exchange rates have done to realised money since it was made.
    pub fx_e9: Option<i128>,
}
