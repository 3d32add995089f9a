//! What the desk is told of a spread: legs, levels, sizes, times, and what follows from what.

use super::{
    AccountId, HedgeFlag, InstrumentIndex, Intent, MAX_LEGS, ProjectId, SpreadIndex, StrategyId,
    TimeInForce,
};
use crate::record::codec::{code, message};
use crate::time::Span;

message! {
    /// One leg of a spread.
    pub struct LegSpec {
        /// Row of the instrument table.
        pub instrument: InstrumentIndex,
        /// Lots to buy (or, below zero, to sell) for one unit of spread bought. 0: it only prices.
        pub ratio_lots: i32,
        /// What a price of 1 adds to the spread's value. Q32; signed as the formula needs.
        pub coefficient_q32: i64,
        /// Added to the limit price of a buy, taken from that of a sell.
        pub pay_up_e9: i64,
        /// Minimum lean quantity (最小依托量): a price of the book counts for a trigger only if so
        /// many lots, taken ones left out, are shown up to it, however few are wanted. 0: none.
        pub min_lean_lots: u32,
    }
}

impl LegSpec {
    /// A leg that is not there.
    pub const NONE: Self = Self {
        instrument: InstrumentIndex(u32::MAX),
        ratio_lots: 0,
        coefficient_q32: 0,
        pay_up_e9: 0,
        min_lean_lots: 0,
    };
}

code! {
    /// Which legs of a fire are sent first.
    #[derive(Default)]
    pub enum LegsFirst {
        /// All of them together (并发下单).
        #[default]
        Together = 0 "together",
        /// The one with the fewest units tradable; the others follow what it fills: `desk::lead`.
        LeastLiquid = 1 "least_liquid",
    }
}

code! {
    /// What the levels of a spread count. Both are taken at crossing prices (对价): each leg at the
    /// worst price that the size wanted needs.
    #[derive(Default)]
    pub enum Measure {
        /// 点差: the sum of constant and weighted prices.
        #[default]
        Difference = 0 "difference",
        /// 比值: what is added over what is taken off.
        Ratio = 1 "ratio",
    }
}

message! {
    /// How the levels of a spread are met.
    pub struct TriggerSpec {
        /// What they count; a ratio in units of 1e-9, as a difference.
        pub measure: Measure,
        /// Of a ratio: the part of the constant that is taken off, as an amount of 1e-9. It is in
        /// the denominator; what `constant_e9` and this come to is in the numerator.
        pub short_constant_e9: i64,
        /// Whether the levels are after fees; if not, there are none here.
        pub is_after_fees: bool,
        /// Fees by the lot, of all legs, as a value of one unit: added where the spread is bought,
        /// taken off where it is sold.
        pub fee_e9: i64,
        /// The part of it that is of legs which are taken off: in the denominator of a ratio.
        pub short_fee_e9: i64,
        /// Fees as a part of what is traded, by the coefficient of each leg, Q32: what it is more
        /// where the spread is bought, and less where it is sold.
        pub fee_q32: [i64; MAX_LEGS],
        /// How long a level that opens must have been met without a break.
        pub open_hold: Span,
        /// How long one that closes.
        pub close_hold: Span,
    }
}

impl TriggerSpec {
    /// Levels of the difference, met at once.
    pub const PLAIN: Self = Self {
        measure: Measure::Difference,
        short_constant_e9: 0,
        is_after_fees: false,
        fee_e9: 0,
        short_fee_e9: 0,
        fee_q32: [0; MAX_LEGS],
        open_hold: Span(0),
        close_hold: Span(0),
    };

    /// How long the level of an intent must have been met.
    #[inline]
    #[must_use]
    pub const fn hold(&self, intent: Intent) -> Span {
        if intent.is_open() { self.open_hold } else { self.close_hold }
    }
}

message! {
    /// A spread: what it is made of, when it fires, how much.
    ///
    /// Its value is `constant + Σ coefficient * price`, or what `trigger` measures instead, with
    /// the fees that it counts. Buying it buys the legs of positive ratio and sells those of
    /// negative ratio. A leg prices at the ask where a higher price makes the direction worse, else
    /// at the bid.
    pub struct SpreadSpec {
        /// Row of the table of spreads.
        pub spread: SpreadIndex,
        /// Whose idea.
        pub strategy: StrategyId,
        /// Whose money.
        pub account: AccountId,
        /// For which project.
        pub project: ProjectId,
        /// Whether it may fire.
        pub is_enabled: bool,
        /// How many of `legs` are there: 2 to 4.
        pub leg_count: u8,
        /// The legs.
        pub legs: [LegSpec; MAX_LEGS],
        /// Added to the value.
        pub constant_e9: i64,
        /// What the levels count, and how they are met.
        pub trigger: TriggerSpec,
        /// Open long at or below this value; `i64::MIN` means never.
        pub buy_open_e9: i64,
        /// Close long at or above this value; `i64::MAX` means never.
        pub buy_close_e9: i64,
        /// Open short at or above this value; `i64::MAX` means never.
        pub sell_open_e9: i64,
        /// Close short at or below this value; `i64::MIN` means never.
        pub sell_close_e9: i64,
        /// Largest position in units, long or short.
        pub max_units: u32,
        /// Largest fire in units.
        pub clip_units: u32,
        /// How far away from a level that fired the value must have been, and a bit more, before
        /// that level can fire again. 0 leaves this out.
        pub hysteresis_e9: i64,
        /// Shortest time between two fires.
        pub cool_down: Span,
        /// Fires in `fire_window` after which the spread halts: something is wrong. At most
        /// `risk::FIRE_RATE_MAX`.
        pub max_fires: u16,
        /// The sliding window.
        pub fire_window: Span,
        /// Oldest quote that may fire it.
        pub max_quote_age: Span,
        /// Largest difference between the ages of two legs' quotes.
        pub max_quote_skew: Span,
        /// When a leg's order has not been answered for this long it is unknown.
        pub ack_timeout: Span,
        /// How long the legs' orders live.
        pub time_in_force: TimeInForce,
        /// The flag on its orders.
        pub hedge: HedgeFlag,
        /// What is done about a fire whose legs end out of ratio.
        pub repair: RepairSpec,
        /// The most that a fire may lose by ending one-sided.
        pub loss: LossSpec,
        /// Which legs are sent first.
        pub legs_first: LegsFirst,
        /// The leg that rests while the level is not met at crossing prices, if one does.
        pub work: WorkSpec,
    }
}

impl SpreadSpec {
    /// The legs that are there.
    #[inline(always)]
    #[must_use]
    pub fn legs(&self) -> &[LegSpec] {
        self.legs.get(..usize::from(self.leg_count)).unwrap_or(&self.legs)
    }

    /// The level of an intent, and what stands for never.
    #[must_use]
    pub const fn level(&self, intent: Intent) -> (i64, i64) {
        match intent {
            Intent::OpenLong => (self.buy_open_e9, i64::MIN),
            Intent::CloseLong => (self.buy_close_e9, i64::MAX),
            Intent::OpenShort => (self.sell_open_e9, i64::MAX),
            Intent::CloseShort => (self.sell_close_e9, i64::MIN),
        }
    }
}

code! {
    /// What follows when a fire could not be repaired.
    #[derive(Default)]
    pub enum RepairEnd {
        /// The spread is halted with what is left over.
        #[default]
        Halt = 0 "halt",
        /// What opens nothing is tried as often once more, whatever it costs and in as much time
        /// again; then the spread is halted.
        Flatten = 1 "flatten",
    }
}

message! {
    /// How fires whose legs end out of ratio are repaired, and what that costs: see `desk::repair`.
    pub struct RepairSpec {
        /// Tries by the cheaper way, at most `execute::repair::MAX_TRIES`; then as many again by
        /// the one that opens nothing. 0: none, the spread is halted at once.
        pub tries: u8,
        /// What follows when they did not help.
        pub then: RepairEnd,
        /// Time for it, from when the fate of all orders is known to the last order that is sent.
        pub within: Span,
        /// The most that a fire may come to cost by a repair, in money of 1e-9, fees included;
        /// `i64::MAX` means no bound.
        pub max_cost_e9: i64,
        /// Money of a value of 1 in one unit of the spread, Q32; above zero.
        pub money_q32: i64,
        /// Fee of one lot, per leg, as a price of the leg in 1e-9.
        pub fee_e9: [i64; MAX_LEGS],
        /// Fee as a part of what is traded, per leg, Q32.
        pub fee_q32: [u32; MAX_LEGS],
        /// Legs whose needs may be met inside, by those of another spread of the same account
        /// (`desk::internal`): a bit each, the first leg the lowest. 0: none.
        pub inside_legs: u8,
        /// Spreads of other strategies may meet them as well, if these say so too.
        pub inside_across: bool,
    }
}

message! {
    /// What a fire may lose at worst by ending one-sided: see `execute::loss`.
    pub struct LossSpec {
        /// In money of 1e-9, as `RepairSpec::max_cost_e9`; `i64::MAX` means no bound.
        pub max_e9: i64,
        /// By which part of its price a leg may have moved against us when it is traded back, Q32.
        pub stress_q32: u32,
    }
}

impl LossSpec {
    /// No bound.
    pub const NONE: Self = Self { max_e9: i64::MAX, stress_q32: 0 };
}

message! {
    /// A leg that rests at the price which the others allow, instead of crossing (挂单): see
    /// `desk::work`. All distances are prices of that leg in 1e-9, none below zero.
    pub struct WorkSpec {
        /// Its number; 255: none rests.
        pub leg: u8,
        /// By how much its order may stand better for the market than the level allows (slop)
        /// before it is taken back.
        pub slop_e9: i64,
        /// By how much more than one price step its order may stand behind the price that it
        /// could have, if others stand before it, before it is taken back to stand there.
        pub lag_e9: i64,
        /// By how much its order improves the best price of its side at most; it never crosses.
        pub improve_e9: i64,
        /// By how much its order is behind the best price of its side at most.
        pub behind_e9: i64,
    }
}

impl WorkSpec {
    /// No leg rests.
    pub const NONE: Self =
        Self { leg: u8::MAX, slop_e9: 0, lag_e9: 0, improve_e9: 0, behind_e9: 0 };

    /// Whether a leg rests.
    #[inline(always)]
    #[must_use]
    pub const fn is_asked_for(&self) -> bool {
        self.leg != u8::MAX
    }
}

impl RepairSpec {
    /// Nothing is repaired.
    pub const NONE: Self = Self {
        tries: 0,
        then: RepairEnd::Halt,
        within: Span(0),
        max_cost_e9: i64::MAX,
        money_q32: 1 << 32,
        fee_e9: [0; MAX_LEGS],
        fee_q32: [0; MAX_LEGS],
        inside_legs: 0,
        inside_across: false,
    };

    /// Whether what a leg needs may be met inside.
    #[must_use]
    pub(crate) fn is_inside(&self, leg: u8) -> bool {
        self.inside_legs.checked_shr(u32::from(leg)).unwrap_or(0) & 1 == 1
    }
}
