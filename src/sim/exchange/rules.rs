//! What is configured: the market's rules and its instruments.

use xmc_hotpath::time::Span;

/// What happens when an order would trade with one of the same account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfMatch {
    /// They trade.
    Allowed,
    /// The order is refused when it comes; nothing of it trades.
    RejectIncoming,
    /// The order that rests is cancelled, the other goes on.
    CancelResting,
    /// What is left of the order that came is cancelled when they meet.
    CancelIncoming,
}

/// What `Close` without today or yesterday means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseRule {
    /// Yesterday's position only. UNPROVEN: how SHFE and INE are remembered to read it.
    Yesterday,
    /// Today's first.
    TodayFirst,
    /// Yesterday's first.
    YesterdayFirst,
}

/// How positions are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Positions {
    /// One number per instrument.
    Net,
    /// Long and short apart, today's and yesterday's apart; orders say whether they open or close.
    Gross(CloseRule),
}

/// How the public is told of books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publish {
    /// Level by level, at the end of each event.
    Events,
    /// What changed, every so often, counted from the exchange's start of time.
    Slices(Span),
}

/// What holds for all instruments of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Orders of one account against each other.
    pub self_match: SelfMatch,
    /// How positions are held.
    pub positions: Positions,
    /// Whether market-to-limit orders are taken.
    pub takes_market_orders: bool,
    /// Whether resting orders can be changed. Only where positions are net: a change could
    /// otherwise close more than is held.
    pub takes_changes: bool,
    /// Levels shown of each side, 1 to 10.
    pub depth: u8,
    /// How books are told.
    pub publish: Publish,
    /// The number before the first one given to an order, a trade or a fill; markets that report to
    /// the same place must not share numbers.
    pub first_number: u64,
}

impl Rules {
    /// SHFE and INE as far as they are imitated: gross positions, slices of five levels twice a
    /// second, limit orders only, no changes.
    ///
    /// UNPROVEN: that an order which would meet one of the same account is refused.
    #[must_use]
    pub fn shfe() -> Self {
        Self {
            self_match: SelfMatch::RejectIncoming,
            positions: Positions::Gross(CloseRule::Yesterday),
            takes_market_orders: false,
            takes_changes: false,
            depth: 5,
            publish: Publish::Slices(Span(500_000_000)),
            first_number: 1_000_000,
        }
    }

    /// CME as far as it is imitated: net positions, ten levels event by event, changes.
    #[must_use]
    pub fn cme() -> Self {
        Self {
            self_match: SelfMatch::CancelResting,
            positions: Positions::Net,
            takes_market_orders: true,
            takes_changes: true,
            depth: 10,
            publish: Publish::Events,
            first_number: 9_000_000_000,
        }
    }
}

/// What a fill costs: so much per lot and a part of its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fee {
    /// Money per lot, units of 1e-9 of the currency.
    pub per_lot_e9: i64,
    /// Part of the value, units of 1e-9.
    pub of_value_e9: i64,
}

/// Fees of one instrument. Where positions are net every fill opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fees {
    /// To open.
    pub open: Fee,
    /// To close what was carried over.
    pub close: Fee,
    /// To close what was opened today.
    pub close_today: Fee,
}

/// One instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The venue's name for it.
    pub symbol: String,
    /// Smallest price step, units of 1e-9.
    pub tick_e9: i64,
    /// Units of the quoted quantity in one lot: value = price * multiplier * lots.
    pub multiplier: i64,
    /// The last settlement: what positions carried over are worth, units of 1e-9.
    pub reference_e9: i64,
    /// Limit down: no order is below, units of 1e-9.
    pub lower_e9: i64,
    /// Limit up: no order is above, units of 1e-9.
    pub upper_e9: i64,
    /// Smallest order.
    pub min_order_lots: u32,
    /// Largest order.
    pub max_order_lots: u32,
    /// What fills cost.
    pub fees: Fees,
}
