//! Rules of a user: what a spread is asked at three points, as postfix steps, and what came of it.
//!
//! `crate::rule` reckons them, `desk::rule` asks them. The text that they are written in is the
//! cold side's: it checks units and writes the steps.

use super::{Intent, SpreadIndex};
use crate::record::codec::{code, message};
use crate::time::Span;

/// Rules that a spread can have.
pub const RULES: usize = 6;
/// Steps that a rule can have.
pub const RULE_STEPS: usize = 32;
/// Numbers that can stand in a rule.
pub const RULE_NUMBERS: usize = 8;
/// Bytes of the name of a rule.
pub const RULE_NAME: usize = 48;

code! {
    /// When a rule is asked.
    pub enum RulePoint {
        /// Before a fire, and before and while an order rests: after every gate has let it pass.
        Quote = 0 "quote",
        /// Before a fire out of ratio is brought back into ratio.
        Hedge = 1 "hedge",
        /// When a fire has ended.
        After = 2 "after",
    }
}

code! {
    /// What follows when a rule is met.
    pub enum RuleAction {
        /// Somebody is told.
        Alert = 0 "alert",
        /// The fire is not sent, or what rests is taken back.
        HoldBack = 1 "hold back",
        /// The spread opens nothing until a command enables it again; somebody is told.
        CloseOnly = 2 "close only",
        /// The spread opens nothing for a time; somebody is told.
        CoolDown = 3 "cool down",
        /// What is filled is traded back if it can be, whatever completing costs.
        Unwind = 4 "unwind",
    }
}

impl RuleAction {
    /// Whether it can follow at a point. Nothing that keeps a missing leg from being dealt with can
    /// follow before hedging.
    #[must_use]
    pub const fn is_of(self, point: RulePoint) -> bool {
        match self {
            Self::Alert => true,
            Self::HoldBack => matches!(point, RulePoint::Quote),
            Self::CloseOnly => matches!(point, RulePoint::Quote | RulePoint::After),
            Self::CoolDown => matches!(point, RulePoint::After),
            Self::Unwind => matches!(point, RulePoint::Hedge),
        }
    }
}

code! {
    /// What a rule can look at. Where nothing is said otherwise it is known at every point.
    pub enum Figure {
        /// What one unit costs (the spread is bought) or brings at crossing prices, as levels
        /// count it: 1e-9. Not known while a leg shows no price.
        Value = 0 "value",
        /// The level of the intent: 1e-9. Not known if that has none by now.
        Level = 1 "level",
        /// By how much `value` is better than `level`: 1e-9.
        Gain = 2 "gain",
        /// Units held, above zero bought.
        Position = 3 "position",
        /// Units that are about to be fired, that rest, or that the fire asked for.
        Size = 4 "size",
        /// Nanoseconds since a leg's quote came.
        Age = 5 "age",
        /// By how much the ages of the legs' quotes differ: nanoseconds.
        Skew = 6 "skew",
        /// Lots shown at the best price of a leg, on the side that the intent takes, less what was
        /// taken of them.
        Lots = 7 "lots",
        /// A leg's best bid: 1e-9. Not known if there is none.
        Bid = 8 "bid",
        /// A leg's best ask: 1e-9. Not known if there is none.
        Ask = 9 "ask",
        /// Lots shown at a leg's best bid.
        BidLots = 10 "bid_lots",
        /// Lots shown at a leg's best ask.
        AskLots = 11 "ask_lots",
        /// Net lots held in a leg's instrument by the whole desk, above zero bought.
        Held = 12 "held",
        /// Fires of the spread within its window.
        Fires = 13 "fires",
        /// Nanoseconds since the spread fired last. Not known if it never has.
        SinceFire = 14 "since_fire",
        /// Whether the intent opens.
        Opens = 15 "opens",
        /// Whether the spread is bought.
        Buys = 16 "buys",
        /// Nanoseconds of the day in UTC. Not known until the desk was told its clock.
        Utc = 17 "utc",
        /// Units that all legs have filled. Not before quoting.
        Done = 18 "done",
        /// Lots of a leg that are filled and not traded back. Not before quoting.
        Filled = 19 "filled",
        /// Lots of a leg beyond whole units, bought minus sold. Not before quoting.
        Residual = 20 "residual",
        /// What the fire has cost beyond what was decided on, in money of 1e-9; below zero it is
        /// better. Not before quoting.
        Slippage = 21 "slippage",
        /// Nanoseconds since the first order of the fire. Not before quoting.
        Took = 22 "took",
        /// Repairs that were sent. Not before quoting.
        Tries = 23 "tries",
        /// Whether the legs are in ratio. After hedging only.
        Whole = 24 "whole",
        /// What the whole fire would have cost, completed: money of 1e-9. Before hedging only; not
        /// known if that cannot be priced.
        CompleteCost = 25 "complete_cost",
        /// The same, traded back.
        UnwindCost = 26 "unwind_cost",
    }
}

impl Figure {
    /// Whether there is one for each leg.
    #[must_use]
    pub const fn has_leg(self) -> bool {
        matches!(
            self,
            Self::Age
                | Self::Lots
                | Self::Bid
                | Self::Ask
                | Self::BidLots
                | Self::AskLots
                | Self::Held
                | Self::Filled
                | Self::Residual
        )
    }

    /// Whether it is true or false.
    #[must_use]
    pub const fn is_truth(self) -> bool {
        matches!(self, Self::Opens | Self::Buys | Self::Whole)
    }

    /// Whether there is such a thing at a point.
    #[must_use]
    pub const fn is_of(self, point: RulePoint) -> bool {
        match self {
            Self::Done
            | Self::Filled
            | Self::Residual
            | Self::Slippage
            | Self::Took
            | Self::Tries => !matches!(point, RulePoint::Quote),
            Self::Whole => matches!(point, RulePoint::After),
            Self::CompleteCost | Self::UnwindCost => matches!(point, RulePoint::Hedge),
            Self::Value
            | Self::Level
            | Self::Gain
            | Self::Position
            | Self::Size
            | Self::Age
            | Self::Skew
            | Self::Lots
            | Self::Bid
            | Self::Ask
            | Self::BidLots
            | Self::AskLots
            | Self::Held
            | Self::Fires
            | Self::SinceFire
            | Self::Opens
            | Self::Buys
            | Self::Utc => true,
        }
    }
}

code! {
    /// What a step does with what stands on the stack: `a` is below `b`.
    pub enum RuleOp {
        /// There is no step.
        Nothing = 0 "nothing",
        /// Puts a number of the rule there.
        Number = 1 "number",
        /// Puts a figure there.
        Figure = 2 "figure",
        /// `a + b`.
        Add = 3 "+",
        /// `a - b`.
        Subtract = 4 "-",
        /// `a * b`.
        Multiply = 5 "*",
        /// `-b`.
        Negate = 6 "neg",
        /// `abs(b)`.
        Abs = 7 "abs",
        /// `min(a, b)`.
        Min = 8 "min",
        /// `max(a, b)`.
        Max = 9 "max",
        /// `a < b`.
        Less = 10 "<",
        /// `a <= b`.
        AtMost = 11 "<=",
        /// `a > b`.
        More = 12 ">",
        /// `a >= b`.
        AtLeast = 13 ">=",
        /// `a == b`.
        Equal = 14 "==",
        /// `a != b`.
        Differs = 15 "!=",
        /// `a and b`.
        And = 16 "and",
        /// `a or b`.
        Or = 17 "or",
        /// `not b`.
        Not = 18 "not",
    }
}

message! {
    /// One step.
    pub struct RuleStep {
        /// What it does.
        pub op: RuleOp,
        /// The place of a number, or the code of a figure; else 0.
        pub of: u8,
        /// The leg of a figure that there is one of for each; else 0.
        pub leg: u8,
    }
}

impl RuleStep {
    /// There is none.
    pub const NONE: Self = Self { op: RuleOp::Nothing, of: 0, leg: 0 };
}

message! {
    /// One rule of a spread. It is of the legs that the spread has: whoever tells other legs tells
    /// the rules again. What cannot be reckoned (a figure that is not known, a sum that does not
    /// fit) counts as met.
    pub struct UserRule {
        /// Row of the table of spreads.
        pub spread: SpreadIndex,
        /// Which of its rules, below `RULES`; told again, it takes the place of the one before.
        pub rule: u8,
        /// When it is asked.
        pub point: RulePoint,
        /// What follows.
        pub action: RuleAction,
        /// For how long nothing is opened, if that follows; else 0.
        pub cool_down: Span,
        /// What it is called, in UTF-8, with zeros behind.
        pub name: [u8; RULE_NAME],
        /// Numbers that steps put on the stack, in the units of what they are compared with.
        pub numbers: [i64; RULE_NUMBERS],
        /// The steps, in the order in which they are done; none: the rule is taken away.
        pub steps: [RuleStep; RULE_STEPS],
    }
}

impl UserRule {
    /// The steps that there are.
    pub fn steps(&self) -> impl Iterator<Item = &RuleStep> {
        self.steps.iter().take_while(|step| step.op != RuleOp::Nothing)
    }

    /// What it is called; empty if that is not text.
    #[must_use]
    pub fn name(&self) -> &str {
        let len = self.name.iter().position(|byte| *byte == 0).unwrap_or(self.name.len());
        core::str::from_utf8(self.name.get(..len).unwrap_or_default()).unwrap_or_default()
    }
}

code! {
    /// How a rule stood.
    pub enum RuleStand {
        /// It was not met.
        Unmet = 0 "unmet",
        /// It was met.
        Met = 1 "met",
        /// It could not be reckoned: it counts as met.
        Unknown = 2 "unknown",
        /// It was met before, and its time is not over.
        Cooling = 3 "cooling",
    }
}

message! {
    /// A rule has decided something, or somebody is told of it.
    pub struct Ruling {
        /// The spread.
        pub spread: SpreadIndex,
        /// Which of its rules.
        pub rule: u8,
        /// Where it was asked.
        pub point: RulePoint,
        /// What follows.
        pub action: RuleAction,
        /// What the fire is for.
        pub intent: Intent,
        /// How it stood.
        pub stand: RuleStand,
        /// The step of the comparison that decided; 255 if none did.
        pub step: u8,
        /// What stood on its left; `i64::MIN` if that is not known. Of a rule that cools down, the
        /// nanoseconds that are left.
        pub seen: i64,
        /// What stood on its right; `i64::MIN` if that is not known.
        pub limit: i64,
    }
}

impl Ruling {
    /// No comparison decided.
    pub const NO_STEP: u8 = u8::MAX;
    /// What could not be reckoned.
    pub const UNKNOWN: i64 = i64::MIN;
}
