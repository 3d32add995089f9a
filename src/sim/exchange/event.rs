//! What the exchange says: to participants about their orders, to the public about the market.
//!
//! One stream holds both, in the order in which things happened; whoever speaks a protocol picks
//! what its messages tell. Everything that follows from one request ends with `EndOfEvent`.

use super::figures::Figures;
use super::order::{Cancel, Change, FillNo, ListingIndex, Order, OrderNo, TradeNo};
use super::shown::Level;
use xmc_hotpath::message::{AccountId, PositionEffect, Side};
use xmc_hotpath::time::MonoNs;

/// Where events go.
pub trait Sink {
    /// One event, at the moment at which it happened.
    fn take(&mut self, now: MonoNs, event: &Event);
}

impl Sink for Vec<(MonoNs, Event)> {
    fn take(&mut self, now: MonoNs, event: &Event) {
        self.push((now, event.clone()));
    }
}

/// Nobody listens.
impl Sink for () {
    fn take(&mut self, _now: MonoNs, _event: &Event) {}
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An order is in the market; it may be gone again before the event ends.
    Accepted(Accepted),
    /// An order is not taken.
    Rejected {
        /// The order.
        order: Order,
        /// Why.
        reason: Refusal,
    },
    /// Some or all of an order has traded.
    Filled(Fill),
    /// What was left of an order is gone.
    Cancelled {
        /// The order.
        ticket: Ticket,
        /// What was left of it.
        lots: u32,
        /// Why.
        cause: CancelCause,
    },
    /// A cancel is not done.
    CancelRejected {
        /// The wish.
        cancel: Cancel,
        /// Why.
        reason: Refusal,
    },
    /// An order is another one.
    Replaced {
        /// The order, with its new client id.
        ticket: Ticket,
        /// Its limit now.
        price_e9: i64,
        /// Its lots in all now.
        lots: u32,
        /// What is left of it.
        leaves_lots: u32,
        /// Whether it stands where it stood among the orders of its price.
        keeps_place: bool,
    },
    /// A change is not done.
    ReplaceRejected {
        /// The wish.
        change: Change,
        /// Why.
        reason: Refusal,
    },
    /// Two orders have traded.
    Trade(Trade),
    /// A shown price level changed.
    Level(Level),
    /// What changed of one instrument since the last slice.
    Slice(Slice),
    /// The slice is complete; also said when nothing has changed.
    EndOfSlice {
        /// Counts slices from 0 at the exchange's start of time.
        number: u64,
    },
    /// An instrument is traded differently from now on.
    Phase {
        /// Which.
        listing: ListingIndex,
        /// Before.
        from: Phase,
        /// Now.
        to: Phase,
    },
    /// Books are whole again.
    EndOfEvent,
}

/// What names an order in all that is said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The exchange's number.
    pub order_no: OrderNo,
    /// Whose.
    pub account: AccountId,
    /// The sender's number.
    pub client_id: u64,
    /// What.
    pub listing: ListingIndex,
    /// Buy or sell.
    pub side: Side,
    /// Opens or closes.
    pub effect: PositionEffect,
}

/// An order as it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The order.
    pub ticket: Ticket,
    /// Its limit, also if it came without one.
    pub price_e9: i64,
    /// How many.
    pub lots: u32,
}

/// One side of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Its number.
    pub fill_no: FillNo,
    /// The trade.
    pub trade_no: TradeNo,
    /// The order.
    pub ticket: Ticket,
    /// At which price, units of 1e-9.
    pub price_e9: i64,
    /// How many.
    pub lots: u32,
    /// Filled in all.
    pub cum_lots: u32,
    /// Left.
    pub leaves_lots: u32,
    /// Whether the order came to one that rested.
    pub is_taker: bool,
}

/// A trade as the public sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Its number.
    pub trade_no: TradeNo,
    /// What.
    pub listing: ListingIndex,
    /// At which price, units of 1e-9.
    pub price_e9: i64,
    /// How many.
    pub lots: u32,
    /// The side of the order that came.
    pub aggressor: Side,
    /// The order that came.
    pub taker: OrderNo,
    /// The order that rested.
    pub maker: OrderNo,
}

/// What changed of one instrument between two slices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Counts slices from 0 at the exchange's start of time.
    pub number: u64,
    /// Which.
    pub listing: ListingIndex,
    /// How to come from the book of the last slice to that of this one, in this order.
    pub levels: Vec<Level>,
    /// The day's figures at the last slice.
    pub before: Figures,
    /// The day's figures now.
    pub after: Figures,
}

/// How an instrument is traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not yet: orders are refused, cancels done.
    PreOpen,
    /// Orders match as they come.
    Open,
    /// Not now: orders are refused, cancels done.
    Halted,
    /// No more: what was left is cancelled.
    Closed,
}

/// Why an order is gone before it was filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelCause {
    /// Its account wished so; the wish's own number.
    Requested {
        /// The sender's number of the wish.
        client_id: u64,
    },
    /// All orders of its account were cancelled.
    Mass,
    /// What could not be filled at once may not stay.
    Remainder,
    /// It could not be filled whole (or not to `min_lots`), so nothing of it was.
    NotEnough,
    /// It met an order of the same account.
    SelfMatch,
    /// It was changed to no more lots than are filled.
    ChangedToNothing,
    /// The market has closed.
    EndOfDay,
}

/// Why a request is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such instrument.
    UnknownListing,
    /// The instrument is not open.
    NotOpen(Phase),
    /// No lots, or more or fewer than an order may have.
    Lots,
    /// `min_lots` above `lots`, or with another time in force than `FillAndKill`.
    MinLots,
    /// The price is between two ticks.
    OffTick,
    /// The price is beyond the day's limits.
    PriceLimit,
    /// This market takes limit orders only.
    NeedsLimit,
    /// Nobody is on the other side.
    NoOpposite,
    /// Open or close is not said where it must be, or is said where it must not.
    Effect,
    /// The account holds less than the order closes.
    NotEnoughPosition,
    /// It would meet an order of the same account.
    SelfMatch,
    /// No such order is live, or it is another account's.
    UnknownOrder,
    /// Orders cannot be changed in this market.
    NoChanges,
}
