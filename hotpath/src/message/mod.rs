//! What flows between stages, into the desk and out of it.
//!
//! These types are the contract of the house: every ring carries them, the record keeps them in
//! their canonical encoding (`record::codec`), the simulator makes them. They hold no pointers, and
//! no type of a venue: a venue's own numbers (`security_id`, `venue_order_id`) are carried as data.

mod breaker;
mod carried;
mod control;
mod desk;
mod instruction;
mod internal;
mod order;
mod quote;
mod rule;
mod scope;
mod spread;

pub use breaker::{BREAKERS, BreakerAction, BreakerKind, BreakerRule, Breakers};
pub use carried::{
    AccountLots, BUST_IDS, Carried, CarriedOrder, CarriedRun, CarriedUnits, EXEC_IDS, UnknownLots,
};
pub use control::{
    AccountLimits, ClockScale, Command, CommandKind, Control, Detailing, Finding, FindingKind,
    GatewayLimits, HeldLots, Hours, InstrumentSpec, Sizing,
};
pub use desk::{
    Alert, AlertKind, Credits, Decision, Detail, Ending, Event, Follow, FollowStep, Gate, Input,
    Intent, Keeper, Obstacle, Repair, RepairWay, SafeState, StateChange, Way,
};
pub use instruction::{Denial, Instruction};
pub use internal::{Internal, InternalSide};
pub use order::{
    GatewayNews, OrderAction, OrderCommand, OrderEvent, OrderEventKind, SessionState, SessionUpdate,
};
pub use quote::{ChannelState, ChannelUpdate, Depth, Quote, QuoteQuality};
pub use rule::{
    Figure, RULE_NAME, RULE_NUMBERS, RULE_STEPS, RULES, RuleAction, RuleOp, RulePoint, RuleStand,
    RuleStep, Ruling, UserRule,
};
pub use scope::Scope;
pub use spread::{
    LegSpec, LegsFirst, LossSpec, Measure, RepairEnd, RepairSpec, SpreadSpec, TriggerSpec, WorkSpec,
};

use crate::record::codec::{code, newtypes};
use crate::time::{MonoNs, Span, UnixNs};

/// Legs that a spread may have.
pub const MAX_LEGS: usize = 4;
/// Price levels that a quote carries on each side.
pub const QUOTE_LEVELS: usize = 5;
/// Gateways that one desk can send to: its order rings.
pub const MAX_GATEWAYS: usize = 7;

/// A place where parts of the engine run: one colocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteId(pub u8);

/// One desk, which is one deterministic state machine with one record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeskId(pub u8);

/// A feed channel or an order session: whatever has sequence numbers of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u16);

impl StreamId {
    /// No stream.
    pub const NONE: Self = Self(u16::MAX);
}

/// A place in the desk's list of gateways, below `MAX_GATEWAYS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GatewayIndex(pub u8);

/// A row of the desk's instrument table: dense, given by the cold side, not the venue's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstrumentIndex(pub u32);

impl InstrumentIndex {
    /// No instrument of the table.
    pub const NONE: Self = Self(u32::MAX);
}

/// A row of the desk's table of spreads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpreadIndex(pub u32);

impl SpreadIndex {
    /// Every spread (in a `Command`), or none (in a record that concerns no spread).
    pub const ALL: Self = Self(u32::MAX);
}

/// Whose idea a spread is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StrategyId(pub u32);

/// The account that orders are booked to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u32);

/// The project (a client, a mandate) that receipts are searched by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId(pub u32);

/// A client order id, unique over sites, desks and runs; 0 means none.
///
/// From the top: site 8 bits, desk 8, run 16, turn of the slot 20, slot 12. The slot is the order's
/// row in the desk's arena, so finding an order is one bounds check and one comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(pub u64);

newtypes! {
    SiteId(u8);
    DeskId(u8);
    StreamId(u16);
    GatewayIndex(u8);
    InstrumentIndex(u32);
    SpreadIndex(u32);
    StrategyId(u32);
    AccountId(u32);
    ProjectId(u32);
    OrderId(u64);
    MonoNs(u64);
    UnixNs(u64);
    Span(u64);
}

/// Whose desk this is, and which run of it: what makes client order ids unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeskIdentity {
    /// The site.
    pub site: SiteId,
    /// The desk at that site.
    pub desk: DeskId,
    /// Counts the starts of this desk; the cold side keeps it beside the journal.
    pub run: u16,
}

impl OrderId {
    /// No order.
    pub const NONE: Self = Self(0);
    /// Rows that an order arena may have.
    pub const SLOTS: u32 = 1 << 12;
    /// Turns that a slot has in one run.
    pub const TURNS: u32 = 1 << 20;

    /// The id of the order that takes `slot` for the `turn`-th time.
    #[inline]
    #[must_use]
    pub fn new(identity: DeskIdentity, turn: u32, slot: u32) -> Self {
        Self(
            u64::from(identity.site.0) << 56
                | u64::from(identity.desk.0) << 48
                | u64::from(identity.run) << 32
                | u64::from(turn % Self::TURNS) << 12
                | u64::from(slot % Self::SLOTS),
        )
    }

    /// The run that it was sent in.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "the 16 bits that the run has")]
    pub const fn run(self) -> u16 {
        ((self.0 >> 32) & 0xFFFF) as u16
    }

    /// Whether this desk has sent it in an earlier run than that of `identity`.
    #[must_use]
    pub fn is_before(self, identity: DeskIdentity) -> bool {
        let first = Self::new(DeskIdentity { run: 0, ..identity }, 0, 0);
        let end = Self::new(identity, 0, 0);
        self > first && self < end && self.run() > 0
    }

    /// The order's row in the arena.
    #[inline]
    #[must_use]
    pub const fn slot(self) -> u64 {
        self.0 % 4096
    }
}

code! {
    /// The side of an order.
    pub enum Side {
        /// Takes the ask.
        Buy = 1 "buy",
        /// Takes the bid.
        Sell = 2 "sell",
    }
}

impl Side {
    /// The other side.
    #[inline]
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

code! {
    /// How long an order may live.
    pub enum TimeInForce {
        /// Fill what is there, cancel the rest (FAK, IOC).
        FillAndKill = 1 "fak",
        /// Fill all at once, or nothing.
        FillOrKill = 2 "fok",
        /// Until the end of the trading day.
        Day = 3 "day",
    }
}

code! {
    /// What an order does to a position, where the market asks (China).
    pub enum PositionEffect {
        /// Not asked by this market.
        Net = 0 "net",
        /// Opens.
        Open = 1 "open",
        /// Closes, today's or yesterday's as the exchange chooses.
        Close = 2 "close",
        /// Closes a position opened today.
        CloseToday = 3 "close_today",
        /// Closes a position carried over.
        CloseYesterday = 4 "close_yesterday",
    }
}

code! {
    /// What a market asks about the position that an order changes.
    #[derive(Default)]
    pub enum OffsetRule {
        /// Nothing: positions are net.
        #[default]
        Net = 0 "net",
        /// Open or close; the exchange chooses what it closes.
        Close = 1 "close",
        /// Open, close today's or close yesterday's (SHFE, INE).
        CloseToday = 2 "close_today",
    }
}

code! {
    /// What is closed first where today's and yesterday's lots are told apart.
    #[derive(Default)]
    pub enum CloseFirst {
        /// What was carried over.
        #[default]
        Yesterday = 0 "yesterday",
        /// What was opened today.
        Today = 1 "today",
    }
}

code! {
    /// The hedge/speculate flag of an order (套保 / 投机).
    pub enum HedgeFlag {
        /// 投机.
        Speculate = 1 "speculate",
        /// 套保.
        Hedge = 2 "hedge",
        /// 套利.
        Arbitrage = 3 "arbitrage",
    }
}
