//! What flows between stages, into the desk and out of it.
//!
//! These types are the contract of the house: every ring carries them, the record keeps them in
//! their canonical encoding (`record::codec`), the simulator makes them. They hold no pointers, and
//! no type of a venue: a venue's own numbers (`security_id`, `venue_order_id`) are carried as data.

use crate::price::{NO_ASK_E9, NO_BID_E9};
use crate::record::codec::{code, message, newtypes};
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

/// A place in the desk's list of gateways, below `MAX_GATEWAYS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GatewayIndex(pub u8);

/// A row of the desk's instrument table: dense, given by the cold side, not the venue's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstrumentIndex(pub u32);

/// A row of the desk's table of spreads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpreadIndex(pub u32);

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

// Quotes ---------------------------------------------------------------------------------------

/// One side of a quote: up to five levels, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Depth {
    /// Prices in units of 1e-9; `NO_BID_E9` or `NO_ASK_E9` where there is no level.
    pub price_e9: [i64; QUOTE_LEVELS],
    /// Lots shown at each level; 0 where there is none.
    pub lots: [u32; QUOTE_LEVELS],
    /// Levels present.
    pub count: u32,
}

impl Depth {
    /// A bid side without a level: nothing can sell to it.
    pub const NO_BIDS: Self =
        Self { price_e9: [NO_BID_E9; QUOTE_LEVELS], lots: [0; QUOTE_LEVELS], count: 0 };
    /// An ask side without a level: nothing can buy from it.
    pub const NO_ASKS: Self =
        Self { price_e9: [NO_ASK_E9; QUOTE_LEVELS], lots: [0; QUOTE_LEVELS], count: 0 };

    /// The best price; the side's absent value if there is none.
    #[inline(always)]
    #[must_use]
    pub const fn best_e9(&self) -> i64 {
        let [best, ..] = self.price_e9;
        best
    }

    /// The lots at the best price.
    #[inline(always)]
    #[must_use]
    pub const fn best_lots(&self) -> u32 {
        let [best, ..] = self.lots;
        best
    }

    /// The levels that are present: price and lots, best first.
    pub fn levels(&self) -> impl Iterator<Item = (i64, u32)> + '_ {
        self.price_e9.iter().copied().zip(self.lots.iter().copied()).filter(|&(_, lots)| lots > 0)
    }
}

code! {
    /// What is known about one quote, apart from the state of its channel.
    pub enum QuoteQuality {
        /// Nothing (the instrument has not been seen).
        Unknown = 0 "unknown",
        /// Built from a whole sequence of messages.
        Good = 1 "good",
        /// The venue's per-instrument sequence has a gap: not to be traded on.
        Gapped = 2 "gapped",
        /// Bid at or above ask, or a price outside what the instrument allows.
        Insane = 3 "insane",
    }
}

/// The state of one instrument's book at the end of an event of the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Quote {
    /// When the packet that completed the event was received.
    pub received: MonoNs,
    /// When the venue says it happened (MDP 3.0: tag 60 `TransactTime`). 0 means unknown.
    pub exchange: UnixNs,
    /// Row of the instrument table.
    pub instrument: InstrumentIndex,
    /// The channel's epoch when the book was read: a quote of an older epoch is unusable.
    pub epoch: u32,
    /// The sequence number of the packet that completed the event.
    pub packet_seq_no: u32,
    /// Quotes of this instrument that were overwritten in the feed stage since the last one.
    pub skipped: u32,
    /// The channel.
    pub stream: StreamId,
    /// Whether it may be traded on.
    pub quality: QuoteQuality,
    /// The buyers.
    pub bids: Depth,
    /// The sellers.
    pub asks: Depth,
}

impl Quote {
    /// What is known of an instrument that was never seen: nothing can trade against it.
    pub const EMPTY: Self = Self {
        received: MonoNs(0),
        exchange: UnixNs(0),
        instrument: InstrumentIndex(u32::MAX),
        epoch: 0,
        packet_seq_no: 0,
        skipped: 0,
        stream: StreamId(u16::MAX),
        quality: QuoteQuality::Unknown,
        bids: Depth::NO_BIDS,
        asks: Depth::NO_ASKS,
    };
}

const _: () = assert!(size_of::<Quote>() == 192);

code! {
    /// What a feed channel is worth just now. The desk trades on `Live` and `SingleLine` only.
    pub enum ChannelState {
        /// Not heard of yet.
        Down = 0 "down",
        /// Both lines are whole.
        Live = 1 "live",
        /// One line is whole, the other silent or lossy.
        SingleLine = 2 "single_line",
        /// Packets are missing on both lines: no book of this channel can be believed.
        Suspect = 3 "suspect",
        /// Books are being rebuilt.
        Recovering = 4 "recovering",
        /// Nothing has come for longer than the channel's limit.
        Stale = 5 "stale",
        /// The venue closed it for today.
        Closed = 6 "closed",
    }
}

impl ChannelState {
    /// Whether books of this channel may be traded on.
    #[inline(always)]
    #[must_use]
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::Live | Self::SingleLine)
    }
}

message! {
    /// A feed channel changed state. One of these makes all its books unusable, or usable again.
    pub struct ChannelUpdate {
        /// The channel.
        pub stream: StreamId,
        /// What it is now.
        pub state: ChannelState,
        /// The epoch that starts with this state; quotes of another epoch are not traded on.
        pub epoch: u32,
        /// The last packet sequence number applied.
        pub packet_seq_no: u32,
        /// Packets missing, if that is why.
        pub missing: u32,
    }
}

// Orders ---------------------------------------------------------------------------------------

code! {
    /// What the desk asks of a gateway.
    pub enum OrderAction {
        /// Enter an order.
        New = 1 "new",
        /// Cancel one.
        Cancel = 2 "cancel",
        /// Change price or quantity of one.
        Replace = 3 "replace",
    }
}

message! {
    /// One thing for a gateway to send. Complete: the gateway adds only what its session owns.
    pub struct OrderCommand {
        /// What to do.
        pub action: OrderAction,
        /// The order (for `New`, the id that it gets).
        pub order_id: OrderId,
        /// The venue's number for the order; 0 for `New` or when not known.
        pub venue_order_id: u64,
        /// Row of the instrument table.
        pub instrument: InstrumentIndex,
        /// The venue's number for the instrument.
        pub security_id: i32,
        /// Which gateway.
        pub gateway: GatewayIndex,
        /// Buy or sell.
        pub side: Side,
        /// How long it may live.
        pub time_in_force: TimeInForce,
        /// Opens or closes, where the market asks.
        pub effect: PositionEffect,
        /// Hedge or speculate, where the market asks.
        pub hedge: HedgeFlag,
        /// Limit price.
        pub price_e9: i64,
        /// Lots.
        pub qty_lots: u32,
        /// The spread that it is a leg of.
        pub spread: SpreadIndex,
        /// Which leg.
        pub leg: u8,
        /// Whose idea.
        pub strategy: StrategyId,
        /// Whose money.
        pub account: AccountId,
        /// For which project.
        pub project: ProjectId,
        /// Orders of the same fire that follow this one.
        pub orders_left: u8,
        /// The receive stamp of the packet that caused it: tick-to-order time starts here.
        pub caused: MonoNs,
    }
}

code! {
    /// What a gateway or venue says about an order.
    pub enum OrderEventKind {
        /// The venue has it.
        Accepted = 1 "accepted",
        /// Some or all of it traded.
        Filled = 2 "filled",
        /// It is gone, by request or because its time in force ended.
        Cancelled = 3 "cancelled",
        /// The venue refused it.
        Rejected = 4 "rejected",
        /// The venue refused to cancel it.
        CancelRejected = 5 "cancel_rejected",
        /// It was changed.
        Replaced = 6 "replaced",
        /// The venue refused to change it.
        ReplaceRejected = 7 "replace_rejected",
        /// It never left: the gateway could not send it.
        NotSent = 8 "not_sent",
        /// Nobody can tell: the session ended while it was in flight.
        Unknown = 9 "unknown",
        /// A fill was taken back by the venue (bust).
        Busted = 10 "busted",
        /// A fill was changed by the venue afterwards. The desk halts the spread and leaves the
        /// position to the risk resync.
        Corrected = 11 "corrected",
    }
}

message! {
    /// News of an order, decoded by a gateway stage.
    pub struct OrderEvent {
        /// What happened.
        pub kind: OrderEventKind,
        /// Our order; `OrderId::NONE` if the venue's message does not name one of ours.
        pub order_id: OrderId,
        /// The venue's number for it; 0 if not given.
        pub venue_order_id: u64,
        /// The venue's execution id, or a 64-bit digest of it when it is text; 0 if none.
        pub exec_id: u64,
        /// The order session.
        pub stream: StreamId,
        /// The session's sequence number of the message; 0 if it has none.
        pub seq_no: u32,
        /// The side that the venue reports.
        pub side: Side,
        /// Price of this fill; 0 if it is not one.
        pub price_e9: i64,
        /// Lots of this fill.
        pub qty_lots: u32,
        /// Lots filled in all, as the venue counts.
        pub cum_lots: u32,
        /// Lots still working, as the venue counts.
        pub leaves_lots: u32,
        /// The venue's reason code; 0 if none.
        pub reason: u32,
        /// When the venue says it happened.
        pub exchange: UnixNs,
        /// When the message was received.
        pub received: MonoNs,
    }
}

code! {
    /// The state of an order session.
    pub enum SessionState {
        /// No orders can be sent.
        Down = 0 "down",
        /// Orders can be sent.
        Up = 1 "up",
        /// Logged on, but messages of the venue are missing: no new orders.
        Gapped = 2 "gapped",
    }
}

message! {
    /// An order session changed state.
    pub struct SessionUpdate {
        /// The session.
        pub stream: StreamId,
        /// The gateway that owns it.
        pub gateway: GatewayIndex,
        /// What it is now.
        pub state: SessionState,
    }
}

// What the cold side tells the desk -----------------------------------------------------------

message! {
    /// Contract data of one instrument, and its limits. Sent again when anything changes.
    pub struct InstrumentSpec {
        /// Row of the instrument table.
        pub instrument: InstrumentIndex,
        /// The channel that quotes it.
        pub feed: StreamId,
        /// The gateway that trades it.
        pub gateway: GatewayIndex,
        /// Whether it may be traded at all; quotes are used either way (an FX leg only prices).
        pub is_tradable: bool,
        /// The venue's number.
        pub security_id: i32,
        /// Smallest price step.
        pub tick_e9: i64,
        /// Units of the quoted quantity in one lot, times 1e9: value of a lot = price * this.
        pub multiplier_e9: i64,
        /// Largest single order. 0 means that no order passes.
        pub max_order_lots: u32,
        /// Largest value of a single order, in whole units of the quote currency.
        pub max_order_value: i64,
        /// Largest net position, long or short, with everything live or unknown counted as filled.
        pub max_position_lots: u32,
        /// Sanity: no order has a price below. May be negative.
        pub min_price_e9: i64,
        /// Sanity: no order has a price above.
        pub max_price_e9: i64,
        /// How far an order's price may be from the best price on its own side of the book;
        /// `i64::MAX` leaves it to the fraction.
        pub collar_e9: i64,
        /// The same as a fraction of that best price, times 1e9; `i64::MAX` leaves it to
        /// `collar_e9`.
        pub collar_fraction_e9: i64,
        /// Orders of this instrument that may be open at once.
        pub max_open_orders: u16,
        /// Messages about it in `rate_window`. At most `risk::INSTRUMENT_RATE_MAX`.
        pub max_messages: u16,
        /// The sliding window.
        pub rate_window: Span,
        /// The market asks open or close, so orders carry a `PositionEffect`.
        pub needs_effect: bool,
    }
}

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
    }
}

impl LegSpec {
    /// A leg that is not there.
    pub const NONE: Self = Self {
        instrument: InstrumentIndex(u32::MAX),
        ratio_lots: 0,
        coefficient_q32: 0,
        pay_up_e9: 0,
    };
}

message! {
    /// A spread: what it is made of, when it fires, how much.
    ///
    /// Its value is `constant + Σ coefficient * price`. Buying it buys the legs of positive ratio
    /// and sells those of negative ratio. A leg prices at the ask where a higher price makes the
    /// direction worse, else at the bid.
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
        /// How far the value must leave a level before that level can fire again.
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
    }
}

message! {
    /// Limits of one gateway.
    pub struct GatewayLimits {
        /// Which.
        pub gateway: GatewayIndex,
        /// Messages that may be sent in `rate_window`. At most `risk::RATE_MAX`.
        pub max_messages: u16,
        /// The sliding window.
        pub rate_window: Span,
        /// Orders that may be open at once.
        pub max_open_orders: u16,
    }
}

message! {
    /// Limits of one account over all its instruments, or with `AccountId::ALL` of the whole desk.
    pub struct AccountLimits {
        /// Whose.
        pub account: AccountId,
        /// Largest single order.
        pub max_order_lots: u32,
        /// Largest sum of the lots held in all legs, whatever their side.
        pub max_position_lots: u32,
        /// Orders that may be open at once.
        pub max_open_orders: u16,
        /// Messages that may be sent in `rate_window`. At most `risk::RATE_MAX`.
        pub max_messages: u16,
        /// The sliding window.
        pub rate_window: Span,
    }
}

impl AccountId {
    /// All accounts of the desk together.
    pub const ALL: Self = Self(u32::MAX);
}

code! {
    /// What an operator, or the engine itself, orders the desk to do.
    pub enum CommandKind {
        /// Let a spread fire.
        Enable = 1 "enable",
        /// Keep a spread from firing.
        Disable = 2 "disable",
        /// Take a spread out of HALT (its residual has been dealt with by hand).
        ClearHalt = 3 "clear_halt",
        /// Stop everything: no new orders, live ones cancelled.
        Kill = 4 "kill",
        /// Allow opening again, after a restart or `NO_NEW`.
        Arm = 5 "arm",
        /// Open nothing; what is open may be closed.
        NoNew = 6 "no_new",
    }
}

message! {
    /// A command, already authenticated by the cold side.
    pub struct Command {
        /// What.
        pub kind: CommandKind,
        /// To which spread; `SpreadIndex(u32::MAX)` means all.
        pub spread: SpreadIndex,
        /// Who: the operator's number in the control file; 0 is the engine itself.
        pub operator: u32,
        /// The command's own number, for the receipt.
        pub command_id: u64,
    }
}

impl SpreadIndex {
    /// Every spread (in a `Command`), or none (in a record that concerns no spread).
    pub const ALL: Self = Self(u32::MAX);
}

message! {
    /// How this engine's clock stands to UTC: recorded so that monotonic stamps can be dated.
    pub struct ClockScale {
        /// A moment on the engine's clock.
        pub at: MonoNs,
        /// The same moment in UTC.
        pub utc: UnixNs,
        /// Known bound of the error of `utc`, in nanoseconds; `u64::MAX` means not known.
        pub error: Span,
    }
}

/// What the cold side tells the desk, through its control ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Contract data and limits.
    Instrument(InstrumentSpec),
    /// A spread added or changed.
    Spread(SpreadSpec),
    /// Limits of a gateway.
    Gateway(GatewayLimits),
    /// Limits of an account, or of the whole desk.
    Account(AccountLimits),
    /// An operator's command.
    Command(Command),
    /// The clock against UTC.
    Clock(ClockScale),
}

impl Control {
    /// The event that the desk sees.
    #[inline]
    #[must_use]
    pub const fn as_event(&self) -> Event<'_> {
        match self {
            Self::Instrument(spec) => Event::Instrument(spec),
            Self::Spread(spec) => Event::Spread(spec),
            Self::Gateway(limits) => Event::Gateway(*limits),
            Self::Account(limits) => Event::Account(*limits),
            Self::Command(command) => Event::Command(*command),
            Self::Clock(scale) => Event::Clock(*scale),
        }
    }
}

/// What a gateway tells the desk, in the order in which it became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayNews {
    /// News of an order.
    Order(OrderEvent),
    /// The session changed state.
    Session(SessionUpdate),
}

impl GatewayNews {
    /// The event that the desk sees.
    #[inline]
    #[must_use]
    pub const fn as_event(&self) -> Event<'_> {
        match self {
            Self::Order(event) => Event::Order(*event),
            Self::Session(update) => Event::Session(*update),
        }
    }
}

// The desk's input and outputs ------------------------------------------------------------------

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
    /// An operator's command.
    Command(Command),
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
        /// A leg's quote is of an older epoch, gapped or insane. Value: the quality's code.
        QuoteQuality = 7 "quote_quality",
        /// A leg's quote is too old. Value and limit in nanoseconds.
        QuoteAge = 8 "quote_age",
        /// Two legs' quotes differ too much in age. Value and limit in nanoseconds.
        QuoteSkew = 9 "quote_skew",
        /// The spread's position limit. Value and limit in units.
        SpreadPosition = 10 "spread_position",
        /// The order is too large. Value and limit in lots.
        OrderSize = 11 "order_size",
        /// The order is worth too much. Value and limit in whole units of currency.
        OrderValue = 12 "order_value",
        /// Too far from the book, or no reference. Value and limit in price units of 1e-9.
        Collar = 13 "collar",
        /// The instrument's worst-case position. Value and limit in lots.
        Position = 14 "position",
        /// Too many open orders. Value and limit: orders.
        OpenOrders = 15 "open_orders",
        /// Too many messages in the window. Value and limit: messages.
        Rate = 16 "rate",
        /// An own order rests on the other side. Value: its price.
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
        /// The value has not left the level since it fired last. Value: how far; limit: how far it
        /// must, in units of 1e-9.
        Hysteresis = 31 "hysteresis",
        /// Too many fires in the window: the spread halts. Value and limit: fires.
        FireRate = 32 "fire_rate",
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
        /// Decisions of the same spread, intent and gate since the last one written.
        pub repeated: u32,
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
        /// Why, as an alert kind; `None` is a command.
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
}
