//! What goes to gateways and comes back from them: commands, news of orders and of sessions.

use super::{
    AccountId, Event, GatewayIndex, HedgeFlag, InstrumentIndex, OrderId, PositionEffect, ProjectId,
    Side, SpreadIndex, StrategyId, StreamId, TimeInForce,
};
use crate::record::codec::{code, message};
use crate::time::{MonoNs, UnixNs};

code! {
    /// What the desk asks of a gateway.
    pub enum OrderAction {
        /// Enter an order.
        New = 1 "new",
        /// Cancel one.
        Cancel = 2 "cancel",
        /// Change price or quantity of one.
        Replace = 3 "replace",
        /// Ask the venue how one stands. Nothing may come back: then nothing has changed.
        Status = 4 "status",
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

impl OrderCommand {
    /// Nothing to send: what an unused place holds.
    pub const NONE: Self = Self {
        action: OrderAction::Cancel,
        order_id: OrderId::NONE,
        venue_order_id: 0,
        instrument: InstrumentIndex(u32::MAX),
        security_id: 0,
        gateway: GatewayIndex(u8::MAX),
        side: Side::Buy,
        time_in_force: TimeInForce::FillAndKill,
        effect: PositionEffect::Net,
        hedge: HedgeFlag::Speculate,
        price_e9: 0,
        qty_lots: 0,
        spread: SpreadIndex::ALL,
        leg: 0,
        strategy: StrategyId(0),
        account: AccountId(0),
        project: ProjectId(0),
        orders_left: 0,
        caused: MonoNs(0),
    };
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
        /// A cancel of it was not sent, or may never have arrived: it is to be asked for again.
        CancelNotSent = 12 "cancel_not_sent",
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
        /// The venue's reason code; 0 if none. Of what the gateway gave back by itself, the code
        /// of `gateway::CannotEncode`.
        pub reason: u32,
        /// When the venue says it happened.
        pub exchange: UnixNs,
        /// When the message was received.
        pub received: MonoNs,
    }
}

impl OrderEvent {
    /// No news: what an event is made from. No order, no lots, no price, no time.
    pub const NONE: Self = Self {
        kind: OrderEventKind::Unknown,
        order_id: OrderId::NONE,
        venue_order_id: 0,
        exec_id: 0,
        stream: StreamId(0),
        seq_no: 0,
        side: Side::Buy,
        price_e9: 0,
        qty_lots: 0,
        cum_lots: 0,
        leaves_lots: 0,
        reason: 0,
        exchange: UnixNs(0),
        received: MonoNs(0),
    };
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
