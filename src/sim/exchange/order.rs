//! What participants ask of the exchange: orders, cancels, changes.
//!
//! They carry what matching and booking need. What a protocol wants echoed beyond `client_id`
//! (references, seats, hedge flags, sequence numbers) is kept by whoever speaks that protocol.

use xmc_hotpath::message::{AccountId, PositionEffect, Side, TimeInForce};

/// A row of the exchange's list of instruments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListingIndex(pub u16);

/// The exchange's number of an order: unique, rising, kept when the order is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderNo(pub u64);

/// The exchange's number of a trade: both of its fills have the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TradeNo(pub u64);

/// The exchange's number of one side of a trade: unique over all accounts, rising.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FillNo(pub u64);

/// At which prices an order may trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// No worse than this, units of 1e-9.
    Limit(i64),
    /// At the best price of the other side; what is left of it is a limit order at that price.
    MarketToLimit,
}

/// A new order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Whose money; orders of one account do not trade with each other unless the market lets
    /// them.
    pub account: AccountId,
    /// The sender's number, echoed. Whether it may be used twice is the session's business.
    pub client_id: u64,
    /// What.
    pub listing: ListingIndex,
    /// Buy or sell.
    pub side: Side,
    /// At which price.
    pub price: Price,
    /// How long what is left of it may stay.
    pub time_in_force: TimeInForce,
    /// How many.
    pub lots: u32,
    /// Fewer than this are not filled; 0 for no such wish. Only with `FillAndKill`.
    pub min_lots: u32,
    /// Opens or closes, where positions are held gross; else `Net`.
    pub effect: PositionEffect,
}

/// The wish that an order be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// Whose order.
    pub account: AccountId,
    /// The sender's number of this wish, echoed.
    pub client_id: u64,
    /// Which order.
    pub order_no: OrderNo,
}

/// The wish that a resting order be another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whose order.
    pub account: AccountId,
    /// The sender's number of the order from now on.
    pub client_id: u64,
    /// Which order.
    pub order_no: OrderNo,
    /// Its new limit, units of 1e-9.
    pub price_e9: i64,
    /// Its new lots in all, those included that are filled.
    pub lots: u32,
}

/// Anything that a participant may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Enter an order.
    Submit(Order),
    /// Cancel one.
    Cancel(Cancel),
    /// Change one.
    Change(Change),
}
