//! What may go wrong with the orders of a spread how often, and what follows: see `desk::breaker`.

use super::SpreadIndex;
use crate::record::codec::{code, message};
use crate::time::Span;

code! {
    /// What a breaker of a spread watches.
    pub enum BreakerKind {
        /// Fills at a worse price than was decided on: slippage (滑点).
        Slippage = 0 "slippage",
        /// Orders whose first answer took too long, or that got none in time.
        Latency = 1 "latency",
        /// Orders that the venue refused.
        Rejects = 2 "rejects",
        /// Orders that ended without having been filled whole.
        Unfilled = 3 "unfilled",
    }
}

code! {
    /// What follows when a breaker trips. An alert always does.
    pub enum BreakerAction {
        /// Nothing else.
        Alert = 0 "alert",
        /// What rests of the fire is cancelled at once; what then misses is repaired (补单 / 回退),
        /// if the spread repairs at all.
        Repair = 1 "repair",
        /// The spread opens nothing until a command enables it again; it closes as before.
        Reduce = 2 "reduce",
        /// The spread is halted; a fire that runs is still repaired.
        Halt = 3 "halt",
    }
}

/// Breakers that a spread can have.
pub const BREAKERS: usize = BreakerKind::ALL.len();

message! {
    /// One breaker: of the last `of` things that it watches at most `most` may be bad.
    pub struct BreakerRule {
        /// How many may be bad; the next one trips it.
        pub most: u8,
        /// Of how many, at most `risk::BREAKER_MAX`; 0: nothing is watched.
        pub of: u8,
        /// What follows.
        pub action: BreakerAction,
    }
}

impl BreakerRule {
    /// Nothing is watched.
    pub const NONE: Self = Self { most: 0, of: 0, action: BreakerAction::Alert };
}

message! {
    /// The breakers of one spread. Told again, they begin anew; orders that are under way when the
    /// first ones are told are not waited for.
    pub struct Breakers {
        /// Row of the table of spreads.
        pub spread: SpreadIndex,
        /// A fill is bad if its price is worse than what was decided on by more than this part of
        /// it, times 1e9.
        pub slippage_e9: i64,
        /// An order is bad if its first answer takes longer.
        pub latency: Span,
        /// By the code of `BreakerKind`.
        pub rules: [BreakerRule; BREAKERS],
    }
}
