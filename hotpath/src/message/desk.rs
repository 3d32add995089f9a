//! The input of the desk and what comes out of it besides orders.

use super::{
    AccountLimits, Breakers, Carried, ChannelUpdate, ClockScale, Command, Detailing, Finding,
    GatewayLimits, HeldLots, Hours, Instruction, InstrumentSpec, Internal, MAX_GATEWAYS, MAX_LEGS,
    OrderEvent, OrderId, Quote, Ruling, SessionUpdate, Sizing, SpreadIndex, SpreadSpec, StreamId,
    UserRule,
};
use crate::record::codec::{code, message};
use crate::time::{MonoNs, Span};

/// Free room in what the desk writes to, sampled by the shell when the input was taken.
///
/// With it the desk itself refuses a fire that would not fit, and the record shows why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credits {
    /// Free slots of each gateway's order ring, at most 255.
    pub gateway_slots: [u8; MAX_GATEWAYS],
    /// How full the record ring is, in percent.
    pub record_used_pct: u8,
}

impl Credits {
    /// All rings empty: what tests and the simulator start from.
    pub const FULL: Self = Self { gateway_slots: [u8::MAX; MAX_GATEWAYS], record_used_pct: 0 };
}

/// What the desk is told. Everything that can change an output comes in here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A book changed. `more` says that another quote is already waiting: evaluate after that.
    Quote {
        /// The book now.
        quote: &'a Quote,
        /// Another quote follows in the same batch.
        more: bool,
    },
    /// A feed channel changed state.
    Channel(ChannelUpdate),
    /// News of an order.
    Order(OrderEvent),
    /// An order session changed state.
    Session(SessionUpdate),
    /// Contract data and limits.
    Instrument(&'a InstrumentSpec),
    /// A spread added or changed.
    Spread(&'a SpreadSpec),
    /// Limits of a gateway.
    Gateway(GatewayLimits),
    /// Limits of an account, or of the whole desk.
    Account(AccountLimits),
    /// What is held in an instrument.
    Held(HeldLots),
    /// What an earlier run left.
    Carried(&'a Carried),
    /// What operators have asked for.
    Instruction(Instruction),
    /// An operator's command.
    Command(Command),
    /// What is told in detail.
    Detailing(Detailing),
    /// When an instrument may be traded.
    Hours(Hours),
    /// What the cold side has found.
    Finding(Finding),
    /// How much is opened while a channel has one line only.
    Sizing(Sizing),
    /// The breakers of a spread.
    Breakers(Breakers),
    /// A rule of a spread.
    Rule(&'a UserRule),
    /// The clock against UTC.
    Clock(ClockScale),
    /// Nothing but time: the deadline that the desk asked for has come.
    Tick,
}

/// One input: when it was consumed, what room there was, what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input<'a> {
    /// The moment of consumption. Never decreases.
    pub now: MonoNs,
    /// Room in the rings.
    pub credits: Credits,
    /// What happened.
    pub event: Event<'a>,
}

code! {
    /// Why the desk did not do what a trigger asked for. Each is a gate, or a state.
    pub enum Gate {
        /// None: it passed.
        Passed = 0 "passed",
        /// The desk is not allowed to open (not armed, NO_NEW, HALT).
        SafeState = 1 "safe_state",
        /// The spread is disabled.
        Disabled = 2 "disabled",
        /// The spread is halted.
        Halted = 3 "halted",
        /// The last fire of the spread has not ended.
        InFlight = 4 "in_flight",
        /// The last fire was too recent. Value and limit in nanoseconds.
        CoolDown = 5 "cool_down",
        /// A leg's channel is not live. Value: the state's code.
        ChannelState = 6 "channel_state",
        /// A leg's quote is gapped or insane, or of another epoch or channel than the leg is read
        /// from. Value: the quality's code; that of a good one if only epoch or channel differ.
        QuoteQuality = 7 "quote_quality",
        /// A leg's quote is too old. Value and limit in nanoseconds.
        QuoteAge = 8 "quote_age",
        /// Two legs' quotes differ too much in age. Value and limit in nanoseconds.
        QuoteSkew = 9 "quote_skew",
        /// The spread's position limit. Value and limit in units.
        SpreadPosition = 10 "spread_position",
        /// The order is too large. Value and limit in lots.
        OrderSize = 11 "order_size",
        /// The order is worth too much. Value, rounded up, and limit in whole units of currency.
        OrderValue = 12 "order_value",
        /// Too far from the book, or no reference. Value and limit in price units of 1e-9.
        Collar = 13 "collar",
        /// The instrument's worst-case position. Value and limit in lots.
        Position = 14 "position",
        /// Too many open orders. Value and limit: orders.
        OpenOrders = 15 "open_orders",
        /// Too many messages in the window. Value and limit: messages.
        Rate = 16 "rate",
        /// An own order may still fill on the other side. Value: lots of such orders.
        SelfMatch = 17 "self_match",
        /// The order session is not up. Value: the state's code.
        SessionState = 18 "session_state",
        /// A gateway's ring has no room for all legs. Value: free slots; limit: needed.
        RingRoom = 19 "ring_room",
        /// The record ring is too full to open. Value and limit in percent.
        RecordRoom = 20 "record_room",
        /// The desk's own arenas are full. Value and limit: rows.
        Arena = 21 "arena",
        /// Not tradable, or not known to the desk.
        Instrument = 22 "instrument",
        /// Arithmetic would overflow: refused, never wrapped.
        Overflow = 23 "overflow",
        /// The price is outside what is sane for the instrument. Limit: the bound that it broke.
        PriceBand = 24 "price_band",
        /// Too far from the book as a fraction. Value: the distance; limit: the fraction times 1e9.
        CollarFraction = 25 "collar_fraction",
        /// Too many messages about the instrument in the window. Value and limit: messages.
        InstrumentRate = 26 "instrument_rate",
        /// The order is too large for the account or the whole desk. Value and limit in lots.
        AccountOrderSize = 27 "account_order_size",
        /// The account or the whole desk would hold too much. Value and limit in lots.
        AccountPosition = 28 "account_position",
        /// Too many open orders of the account or the whole desk. Value and limit: orders.
        AccountOpenOrders = 29 "account_open_orders",
        /// Too many messages of the account or the whole desk. Value and limit: messages.
        AccountRate = 30 "account_rate",
        /// The value has not left the level since it fired last. Value: how far it stands away now,
        /// below 0 if it meets the level; limit: how far away it must have been. In units of 1e-9.
        Hysteresis = 31 "hysteresis",
        /// Too many fires in the window: the spread halts. Value and limit: fires.
        FireRate = 32 "fire_rate",
        /// A leg's market does not trade, or it shuts too soon to open. Value: nanoseconds for
        /// which the order may still be sent, below 1 until it opens or since it shut; limit: 1.
        Hours = 33 "hours",
        /// A snapshot of the venue shows another book of a leg, or the leg has stopped moving:
        /// nothing is opened with it.
        Doubt = 34 "doubt",
        /// The level has not been met for long enough. Value and limit in nanoseconds.
        Hold = 35 "hold",
        /// A breaker has left the spread closing only.
        Reducing = 36 "reducing",
        /// The fire could lose too much by ending one-sided, or a leg's book does not show what
        /// trading it back takes (`i64::MAX`). Value and limit in money of 1e-9.
        Loss = 37 "loss",
        /// A rule of the user holds it back. Value and limit: what its deciding comparison had on
        /// its left and right, in the rule's own units; the ruling beside names the rule.
        UserRule = 38 "user_rule",
    }
}

code! {
    /// What a fire is for.
    pub enum Intent {
        /// Opens or adds to a long position in the spread.
        OpenLong = 1 "open_long",
        /// Reduces a long position.
        CloseLong = 2 "close_long",
        /// Opens or adds to a short position.
        OpenShort = 3 "open_short",
        /// Reduces a short position.
        CloseShort = 4 "close_short",
    }
}

impl Intent {
    /// Whether the spread is bought.
    #[inline(always)]
    #[must_use]
    pub const fn is_buy(self) -> bool {
        matches!(self, Self::OpenLong | Self::CloseShort)
    }

    /// Whether the position grows.
    #[inline(always)]
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::OpenLong | Self::OpenShort)
    }
}

message! {
    /// A trigger was met, and this is what came of it.
    pub struct Decision {
        /// The spread.
        pub spread: SpreadIndex,
        /// What the trigger asked for.
        pub intent: Intent,
        /// `Gate::Passed` if it fired, else what held it back.
        pub gate: Gate,
        /// The leg that the gate looked at; 255 if none.
        pub leg: u8,
        /// Units fired, or asked for.
        pub units: u32,
        /// The spread's value at the prices that the orders carry (before pay-up).
        pub value_e9: i64,
        /// The level that it met.
        pub level_e9: i64,
        /// What the gate saw, in the gate's unit; 0 if it passed.
        pub seen: i64,
        /// What the gate allows, in the gate's unit.
        pub limit: i64,
        /// Age of each leg's quote at the decision; 0 for a leg that is not there.
        pub quote_age: [Span; MAX_LEGS],
        /// How often the last refusal of the spread that was written came again since.
        pub repeated: u32,
        /// The leg whose order rests, the others follow it; 255 if every leg crosses.
        pub rests: u8,
    }
}

code! {
    /// What must be looked at by a person, or at least known to one.
    pub enum AlertKind {
        /// A fire ended with legs out of ratio: the spread is halted with a residual.
        BrokenSpread = 1 "broken_spread",
        /// An order was not answered in time.
        OrderUnknown = 2 "order_unknown",
        /// The venue filled more than was asked, at a worse price, or on the wrong side.
        ImpossibleFill = 3 "impossible_fill",
        /// A message names an order that this desk does not know.
        UnknownOrder = 4 "unknown_order",
        /// A feed channel lost packets on both lines.
        FeedGap = 5 "feed_gap",
        /// An order session went down.
        SessionDown = 6 "session_down",
        /// The kill switch was used.
        Killed = 7 "killed",
        /// A venue took a fill back.
        FillBusted = 8 "fill_busted",
        /// An order was refused by the venue.
        OrderRejected = 9 "order_rejected",
        /// The cold side sent something that the desk cannot use (bad row, bad leg).
        BadInput = 10 "bad_input",
        /// Outputs of one input did not fit: the desk halts.
        OutputOverflow = 11 "output_overflow",
        /// A spread fired too often: it is halted until somebody has looked.
        FireThrottle = 12 "fire_throttle",
        /// A fill closed, or a bust took back, lots that the desk did not know to be held.
        UnknownPosition = 13 "unknown_position",
        /// The record of the run before does not reach to its end: more may have happened.
        RecordGap = 14 "record_gap",
        /// The run before left a spread halted, or with orders under way: somebody has to look.
        CarriedHalt = 15 "carried_halt",
        /// The two copies of a packet differ. Value: its number.
        CopiesDiffer = 16 "copies_differ",
        /// An order was priced off a quote that had such a packet in it. Value: its number.
        OrderDoubted = 17 "order_doubted",
        /// A snapshot of the venue shows another book than its changes have made. Value: the
        /// venue's number of the instrument.
        BookDiffers = 18 "book_differs",
        /// A clock was set. Value: by how much, nanoseconds.
        ClockStep = 19 "clock_step",
        /// The engine's clock and UTC do not go at one rate. Value: nanoseconds per second.
        ClockDrift = 20 "clock_drift",
        /// A channel, or an instrument of it, has stopped moving. Value: the venue's number of the
        /// instrument; 0: the whole channel.
        FeedFrozen = 21 "feed_frozen",
        /// A channel has one line only, and less is opened.
        FeedSingle = 22 "feed_single",
        /// A fire out of ratio could not be repaired by its tries, or within its time. Value: the
        /// tries.
        RepairFailed = 23 "repair_failed",
        /// A spread is not removed. Value: the code of what keeps it (`Keeper`).
        RemoveRefused = 24 "remove_refused",
        /// Fills of a spread were too much worse than decided on. Value: how many of the last.
        SlippageBreaker = 25 "slippage_breaker",
        /// First answers to a spread's orders took too long. Value: how many of the last.
        LatencyBreaker = 26 "latency_breaker",
        /// Too many orders of a spread were refused. Value: how many of the last.
        RejectBreaker = 27 "reject_breaker",
        /// Too many orders of a spread were not filled whole. Value: how many of the last.
        FillBreaker = 28 "fill_breaker",
        /// Something asked at the control socket was not done. Value: the code of why (`Denial`).
        CommandDenied = 29 "command_denied",
        /// A rule of the user is met, and somebody is to be told. Value: which of the spread's.
        RuleMet = 180 "rule_met",
    }
}

code! {
    /// What keeps a spread from being removed.
    pub enum Keeper {
        /// It is not there; one is removed at a time.
        Nothing = 0 "not_there",
        /// Its last fire has not ended.
        Fire = 1 "fire",
        /// An order of it may still fill.
        Order = 2 "order",
        /// It holds units.
        Position = 3 "position",
        /// It holds lots out of ratio.
        Residual = 4 "residual",
        /// It is halted, or a breaker has left it closing only: somebody has to look first.
        Halt = 5 "halt",
    }
}

message! {
    /// Something for a person.
    pub struct Alert {
        /// What.
        pub kind: AlertKind,
        /// The spread, or `SpreadIndex::ALL` if none in particular.
        pub spread: SpreadIndex,
        /// The order, or `OrderId::NONE`.
        pub order_id: OrderId,
        /// The stream, or `StreamId(u16::MAX)`.
        pub stream: StreamId,
        /// A figure that explains it: residual lots, missing packets, a reason code.
        pub value: i64,
    }
}

code! {
    /// The desk's safe state. Down by itself, up only on evidence and by command.
    pub enum SafeState {
        /// Everything is allowed.
        Normal = 0 "NORMAL",
        /// One line of a feed is missing: smaller size.
        SingleFeed = 1 "SINGLE_FEED",
        /// Nothing is opened; what is open may be finished or closed.
        NoNew = 2 "NO_NEW",
        /// Positions are worked out under limits.
        Flatten = 3 "FLATTEN",
        /// Nothing is sent but cancels.
        Halt = 4 "HALT",
    }
}

message! {
    /// The desk's state, or that of one spread, changed.
    pub struct StateChange {
        /// The spread, or `SpreadIndex::ALL` for the desk.
        pub spread: SpreadIndex,
        /// Before.
        pub from: SafeState,
        /// After.
        pub to: SafeState,
        /// Whether an alert caused it; if not, a command did.
        pub by_alert: bool,
        /// The alert kind's code, or the command kind's.
        pub cause: u8,
    }
}

message! {
    /// A fire ended: what was asked for and what was done, leg by leg.
    pub struct Ending {
        /// The spread.
        pub spread: SpreadIndex,
        /// What it was for.
        pub intent: Intent,
        /// Units asked for.
        pub units: u32,
        /// Lots asked for, per leg.
        pub asked_lots: [u32; MAX_LEGS],
        /// Lots filled, per leg.
        pub filled_lots: [u32; MAX_LEGS],
        /// Whether the fills stand in the ratio of the legs.
        pub is_aligned: bool,
        /// Units that the position changed by, if aligned.
        pub done_units: u32,
        /// From the first order to the ending.
        pub took: Span,
    }
}

code! {
    /// How a fire out of ratio can be brought back into ratio.
    pub enum RepairWay {
        /// Neither is possible now: it waits.
        Neither = 0 "neither",
        /// 补单: what misses of the units that were begun is traded.
        Complete = 1 "complete",
        /// 回退: what lies beyond the units that are whole is traded back.
        Unwind = 2 "unwind",
    }
}

code! {
    /// What stands in a way.
    pub enum Obstacle {
        /// Nothing: it can be taken.
        Nothing = 0 "nothing",
        /// A gate: it is named beside.
        Gate = 1 "gate",
        /// A leg's book does not show the lots; of legs that follow: not one within the limit.
        Depth = 2 "depth",
        /// It costs more than a repair may.
        Cost = 3 "cost",
        /// It would open, and nothing may be opened.
        Opens = 4 "opens",
        /// More was filled than the units that were asked for have.
        Beyond = 5 "beyond",
        /// The fire would have more orders than one can have.
        Orders = 6 "orders",
        /// An order that rests stands at another price than the other legs allow now.
        Price = 7 "price",
        /// What rests has filled a part of a unit, and the rest of it has not come for as long as
        /// an answer may take.
        Part = 8 "part_of_a_unit",
    }
}

message! {
    /// One way, as it looked when it was decided on.
    pub struct Way {
        /// What the whole fire would then have cost beyond what was decided on, fees of the lots
        /// to come included, in money of 1e-9; below zero it is better. `i64::MAX`: not priced.
        pub cost_e9: i64,
        /// What stands in it.
        pub obstacle: Obstacle,
        /// The gate, if it is one.
        pub gate: Gate,
        /// The leg that the obstacle is of; 255 if of none.
        pub leg: u8,
    }
}

message! {
    /// A fire out of ratio was looked at: both ways, and which was taken.
    pub struct Repair {
        /// The spread.
        pub spread: SpreadIndex,
        /// What the fire was for.
        pub intent: Intent,
        /// The way whose orders follow from the same input.
        pub way: RepairWay,
        /// Which try it is, from 1; of a fire that waits the tries that were made.
        pub attempt: u8,
        /// Nothing else helped: only what opens nothing is done, whatever it costs.
        pub is_flattening: bool,
        /// Units that all legs have filled: what trading back leaves.
        pub done_units: u32,
        /// Units that cover all fills: what completing comes to; 0 if those asked for do not.
        pub full_units: u32,
        /// Lots filled beyond `done_units`, per leg, bought minus sold.
        pub residual_lots: [i64; MAX_LEGS],
        /// What completing costs.
        pub complete: Way,
        /// What trading back costs.
        pub unwind: Way,
        /// For how long the residual has been known.
        pub open_for: Span,
    }
}

code! {
    /// What becomes of legs that wait for the one that leads.
    pub enum FollowStep {
        /// The leading leg was sent, and nothing else yet.
        Waits = 0 "waits",
        /// Their orders follow from the same input.
        Followed = 1 "followed",
        /// A gate or a book, named beside, holds them back: they are looked at again with each
        /// quote of a leg and each fill of the leading one.
        HeldBack = 2 "held_back",
        /// They are not sent any more: the leading leg has filled no more whole units.
        Unfilled = 3 "unfilled",
        /// They are not sent any more: the leading leg filled them after the fire's deadline, or a
        /// breaker had broken the fire off.
        Late = 4 "late",
        /// They are not sent any more: HALT, a kill, or, of what opens, FLATTEN or a halt.
        Barred = 5 "barred",
        /// They are not sent any more: a gate or a book, named beside, holds them back, and all
        /// orders are known.
        GivenUp = 6 "given_up",
        /// What rests of the leading leg is taken back, for what is named beside: a gate, the depth
        /// of the others, or its price, with the one it may have now as the limit.
        Pulled = 7 "pulled",
    }
}

impl FollowStep {
    /// Nothing follows after it.
    #[must_use]
    pub const fn is_last(self) -> bool {
        matches!(self, Self::Unfilled | Self::Late | Self::Barred | Self::GivenUp)
    }
}

message! {
    /// Legs that wait for the one that leads their fire: what became of them.
    pub struct Follow {
        /// The spread.
        pub spread: SpreadIndex,
        /// What the fire is for.
        pub intent: Intent,
        /// What became of them.
        pub step: FollowStep,
        /// The leg that leads.
        pub lead: u8,
        /// Lots of it that are filled.
        pub lead_lots: u32,
        /// Units that this is about: of each other leg so many times its ratio.
        pub units: u32,
        /// Units that have followed, with these if their orders follow now.
        pub followed_units: u32,
        /// What holds them back: a gate, or a leg's book that shows no lot within the limit.
        pub obstacle: Obstacle,
        /// The gate, if it is one.
        pub gate: Gate,
        /// The leg that the obstacle is of; 255 if of none.
        pub leg: u8,
        /// What the gate saw, in the gate's unit.
        pub seen: i64,
        /// What the gate allows, in the gate's unit.
        pub limit: i64,
    }
}

/// One thing that the desk says about itself; never an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A trigger was met.
    Decision(Decision),
    /// A person should know.
    Alert(Alert),
    /// A safe state changed.
    State(StateChange),
    /// A fire ended.
    Ending(Ending),
    /// A fire out of ratio was looked at.
    Repair(Repair),
    /// Legs that wait for another one: what became of them.
    Follow(Follow),
    /// What two spreads needed was met inside.
    Internal(Internal),
    /// A rule of the user has decided something, or somebody is told of it.
    Ruling(Ruling),
}
