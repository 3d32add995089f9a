//! Gates: what every order passes before it exists. Pure and total; the desk holds the state.
//!
//! `admit` looks at one order against its instrument, `admit_batch` at all orders of a fire against
//! their gateways. A refusal names the gate, what it saw and what it allows, in the gate's unit.
//! Arithmetic that would overflow is a refusal, never a wrap.

mod rate;
mod room;

pub use rate::RateWindow;
pub use room::{FireSize, Room};

use crate::message::{
    AccountId, AccountLimits, Credits, Gate, GatewayIndex, GatewayLimits, InstrumentSpec,
    MAX_GATEWAYS, SessionState, Side,
};
use crate::price::{self, NO_ASK_E9, NO_BID_E9};
use crate::record::codec::{fields, newtypes};
use crate::time::{MonoNs, Span};

/// Messages per window that a gateway's or an account's limit can be at most.
pub const RATE_MAX: u16 = 1023;
/// Messages per window that an instrument's limit can be at most.
pub const INSTRUMENT_RATE_MAX: u16 = 127;
/// Fires per window that a spread's limit can be at most.
pub const FIRE_RATE_MAX: u16 = 63;

/// Things that a breaker can look back on at most.
pub const BREAKER_MAX: u8 = 64;

/// Above this the record ring takes nothing that opens a position.
pub const RECORD_OPEN_MAX_PCT: u8 = 50;
/// Above this it takes only what finishes a fire: fills, cancels, repairs.
pub const RECORD_CLOSE_MAX_PCT: u8 = 75;
/// What a record that is late counts for at least: too full to open, and for nothing else.
pub const RECORD_LATE_PCT: u8 = RECORD_OPEN_MAX_PCT.wrapping_add(1);

/// A gate held an order back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which gate.
    pub gate: Gate,
    /// The leg that it looked at; `NO_LEG` if none.
    pub leg: u8,
    /// What it saw.
    pub seen: i64,
    /// What it allows.
    pub limit: i64,
}

/// A refusal that concerns no leg in particular.
pub const NO_LEG: u8 = u8::MAX;

impl Refusal {
    /// A refusal that concerns no leg in particular.
    #[must_use]
    pub const fn new(gate: Gate, seen: i64, limit: i64) -> Self {
        Self { gate, leg: NO_LEG, seen, limit }
    }
}

/// What an order would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Buy or sell.
    pub side: Side,
    /// Limit price, pay-up included.
    pub price_e9: i64,
    /// Lots.
    pub qty_lots: u32,
    /// Orders that it becomes: several where today's and yesterday's lots are closed apart. Size
    /// and value are looked at for all of them together.
    pub orders: u8,
}

/// What is reserved and held in one instrument. The worst case on each side is the position plus
/// everything on that side that is live or unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// Net lots filled, bought minus sold.
    pub position_lots: i64,
    /// Lots of buy orders that may still fill.
    pub live_buy_lots: i64,
    /// Lots of sell orders that may still fill.
    pub live_sell_lots: i64,
    /// Of the lots to buy, those of orders that are still to come.
    pub kept_buy_lots: i64,
    /// Of the lots to sell.
    pub kept_sell_lots: i64,
    /// Orders that may still fill.
    pub open_orders: u16,
}

fields! {
    Exposure {
        position_lots: i64,
        live_buy_lots: i64,
        live_sell_lots: i64,
        kept_buy_lots: i64,
        kept_sell_lots: i64,
        open_orders: u16,
    }
}

/// The window of messages about one instrument.
pub type InstrumentRate = RateWindow<128>;

impl Exposure {
    /// The largest position that can come of what is live.
    #[must_use]
    pub const fn most(&self) -> i64 {
        self.position_lots.saturating_add(self.live_buy_lots)
    }

    /// The smallest position that can come of what is live.
    #[must_use]
    pub const fn least(&self) -> i64 {
        self.position_lots.saturating_sub(self.live_sell_lots)
    }

    /// Takes `lots` of a new order into the worst case.
    #[inline]
    pub fn reserve(&mut self, side: Side, lots: u32) {
        let live = self.live(side);
        *live = live.saturating_add(price::signed(lots));
        self.open_orders = self.open_orders.saturating_add(1);
    }

    /// Takes `lots` of orders that are still to come into the worst case.
    pub(crate) fn keep(&mut self, side: Side, lots: u32) {
        let live = self.live(side);
        *live = live.saturating_add(price::signed(lots));
        let kept = self.kept(side);
        *kept = kept.saturating_add(price::signed(lots));
    }

    /// Gives such lots back.
    pub(crate) fn free_kept(&mut self, side: Side, lots: u32) {
        self.release(side, lots);
        let kept = self.kept(side);
        *kept = kept.saturating_sub(price::signed(lots)).max(0);
    }

    /// Lots that an order of `side` could meet in the market: nobody meets what is still to come.
    #[inline]
    #[must_use]
    pub const fn against(&self, side: Side) -> i64 {
        match side {
            Side::Buy => self.live_sell_lots.saturating_sub(self.kept_sell_lots),
            Side::Sell => self.live_buy_lots.saturating_sub(self.kept_buy_lots),
        }
    }

    fn kept(&mut self, side: Side) -> &mut i64 {
        match side {
            Side::Buy => &mut self.kept_buy_lots,
            Side::Sell => &mut self.kept_sell_lots,
        }
    }

    /// Adds `lots` bought or sold to the position. What of them was reserved is released apart: a
    /// fill that comes after its order's end has no reservation any more.
    #[inline]
    pub fn trade(&mut self, side: Side, lots: u32) {
        let lots = price::signed(lots);
        self.position_lots = match side {
            Side::Buy => self.position_lots.saturating_add(lots),
            Side::Sell => self.position_lots.saturating_sub(lots),
        };
    }

    /// Gives `lots` of the reservation back.
    #[inline]
    pub fn release(&mut self, side: Side, lots: u32) {
        let live = self.live(side);
        *live = live.saturating_sub(price::signed(lots)).max(0);
    }

    /// One order can no longer fill.
    #[inline]
    pub fn close_order(&mut self) {
        self.open_orders = self.open_orders.saturating_sub(1);
    }

    #[inline]
    fn live(&mut self, side: Side) -> &mut i64 {
        match side {
            Side::Buy => &mut self.live_buy_lots,
            Side::Sell => &mut self.live_sell_lots,
        }
    }
}

/// Best prices of the book that a price is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Best bid, or `NO_BID_E9`.
    pub bid_e9: i64,
    /// Best ask, or `NO_ASK_E9`.
    pub ask_e9: i64,
}

/// Passes `draft`, or says which gate of its instrument holds it back. The instrument's rate is
/// `admit_rate`'s.
///
/// # Errors
/// The first gate that refuses.
#[inline]
pub fn admit(
    draft: &Draft,
    spec: &InstrumentSpec,
    value_limit: ValueLimit,
    exposure: &Exposure,
    reference: Reference,
) -> Result<(), Refusal> {
    if !spec.is_tradable {
        return Err(Refusal::new(Gate::Instrument, 0, 1));
    }
    let qty = price::signed(draft.qty_lots);
    let max_lots = price::signed(spec.max_order_lots);
    if draft.qty_lots == 0 || qty > max_lots {
        return Err(Refusal::new(Gate::OrderSize, qty, max_lots));
    }
    if draft.price_e9 < spec.min_price_e9 || draft.price_e9 == NO_BID_E9 {
        return Err(Refusal::new(Gate::PriceBand, draft.price_e9, spec.min_price_e9));
    }
    if draft.price_e9 > spec.max_price_e9 || draft.price_e9 == NO_ASK_E9 {
        return Err(Refusal::new(Gate::PriceBand, draft.price_e9, spec.max_price_e9));
    }
    collar(draft, spec, reference)?;
    if !value_limit.has_room(draft) {
        return Err(worth_too_much(draft, spec));
    }
    let max_position = price::signed(spec.max_position_lots);
    let worst = match draft.side {
        Side::Buy => exposure.most().checked_add(qty),
        Side::Sell => exposure.least().checked_neg().and_then(|sold| sold.checked_add(qty)),
    };
    match worst {
        None => return Err(Refusal::new(Gate::Overflow, i64::MAX, max_position)),
        Some(lots) if lots > max_position => {
            return Err(Refusal::new(Gate::Position, lots, max_position));
        }
        Some(_) => {}
    }
    let against = exposure.against(draft.side);
    if against > 0 {
        return Err(Refusal::new(Gate::SelfMatch, against, 0));
    }
    let open = exposure.open_orders.saturating_add(u16::from(draft.orders));
    if open > spec.max_open_orders {
        let limit = i64::from(spec.max_open_orders);
        return Err(Refusal::new(Gate::OpenOrders, i64::from(open), limit));
    }
    Ok(())
}

/// The largest `|price| * lots` that an instrument's value limit allows: the division by the
/// multiplier is done when the limit comes, so that an order costs one multiplication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueLimit(u128);

newtypes! {
    ValueLimit(u128);
}

impl ValueLimit {
    /// No order passes, unless its price is zero.
    pub const NOTHING: Self = Self(0);

    /// The limit of `spec`, whose multiplier is above zero and whose limit is not below; other
    /// specifications allow nothing.
    #[must_use]
    pub fn of(spec: &InstrumentSpec) -> Self {
        let whole = u128::from(spec.max_order_value.max(0).unsigned_abs());
        let multiplier = u128::from(spec.multiplier_e9.max(0).unsigned_abs());
        // Below 2^63 * 10^18 < 2^123.
        Self(whole.wrapping_mul(E18.unsigned_abs()).checked_div(multiplier).unwrap_or(0))
    }

    #[inline(always)]
    fn has_room(self, draft: &Draft) -> bool {
        // Below 2^63 * 2^32.
        let price = u128::from(draft.price_e9.unsigned_abs());
        price.wrapping_mul(u128::from(draft.qty_lots)) <= self.0
    }
}

/// The price must lie within the collar of the best price on its own side, and there must be one.
#[inline]
fn collar(draft: &Draft, spec: &InstrumentSpec, reference: Reference) -> Result<(), Refusal> {
    let own_best = match draft.side {
        Side::Buy => reference.bid_e9,
        Side::Sell => reference.ask_e9,
    };
    if own_best == NO_BID_E9 || own_best == NO_ASK_E9 {
        return Err(Refusal::new(Gate::Collar, i64::MAX, spec.collar_e9));
    }
    let distance = price::widen(draft.price_e9).wrapping_sub(price::widen(own_best));
    let distance = price::saturate(distance).saturating_abs();
    if distance > spec.collar_e9 {
        return Err(Refusal::new(Gate::Collar, distance, spec.collar_e9));
    }
    if spec.collar_fraction_e9 == i64::MAX {
        return Ok(());
    }
    // distance / |best| > fraction, without the division.
    let distance_e18 = price::widen(distance).wrapping_mul(E9);
    let allowed_e18 =
        price::widen(own_best).abs().wrapping_mul(price::widen(spec.collar_fraction_e9));
    if distance_e18 > allowed_e18 {
        return Err(Refusal::new(Gate::CollarFraction, distance, spec.collar_fraction_e9));
    }
    Ok(())
}

/// One, in units of 1e-9.
const E9: i128 = 1_000_000_000;
/// One, in units of 1e-18.
const E18: i128 = 1_000_000_000_000_000_000;

/// Passes an order, if there is room for `count` more messages about its instrument.
///
/// # Errors
/// `Gate::InstrumentRate`.
#[inline]
pub fn admit_rate(
    rate: &InstrumentRate,
    spec: &InstrumentSpec,
    count: u16,
    now: MonoNs,
) -> Result<(), Refusal> {
    if rate.has_room(count, spec.max_messages, now, spec.rate_window) {
        Ok(())
    } else {
        Err(over(Gate::InstrumentRate, spec.max_messages))
    }
}

/// An order's `|price| * lots * units per lot` is above `spec`'s limit in whole units of currency.
#[cold]
#[inline(never)]
fn worth_too_much(draft: &Draft, spec: &InstrumentSpec) -> Refusal {
    match order_value(draft, spec) {
        Some(whole) => Refusal::new(Gate::OrderValue, whole, spec.max_order_value),
        None => Refusal::new(Gate::Overflow, i64::MAX, spec.max_order_value),
    }
}

/// What an order is worth in whole units of currency, rounded up, so that what is seen lies above
/// the limit that it broke; `None` if that is more than can be counted.
#[must_use]
#[expect(clippy::integer_division, reason = "by a constant, never on the way of an order")]
pub fn order_value(draft: &Draft, spec: &InstrumentSpec) -> Option<i64> {
    let value_e18 = u128::from(draft.price_e9.unsigned_abs())
        .wrapping_mul(u128::from(draft.qty_lots))
        .checked_mul(u128::from(spec.multiplier_e9.unsigned_abs()))?;
    let value_e18 = i128::try_from(value_e18).ok()?;
    Some(price::saturate(value_e18.saturating_add(E18.wrapping_sub(1)) / E18))
}

/// What the desk knows of one gateway.
#[derive(Clone, Copy, Debug)]
pub struct GatewayRisk {
    /// Its limits; a gateway without limits refuses.
    pub limits: GatewayLimits,
    /// The state of its session.
    pub session: SessionState,
    /// Orders that may still fill.
    pub open_orders: u16,
    /// Messages that fires which have not ended may still need.
    pub kept_messages: u16,
    window: RateWindow<1024>,
}

fields! {
    GatewayRisk {
        limits: GatewayLimits,
        session: SessionState,
        open_orders: u16,
        kept_messages: u16,
        window: RateWindow<1024>,
    }
}

impl GatewayRisk {
    /// No session, no limits: nothing passes.
    pub const EMPTY: Self = Self {
        limits: GatewayLimits {
            gateway: GatewayIndex(0),
            max_messages: 0,
            rate_window: Span(0),
            max_open_orders: 0,
            asks_status: false,
        },
        session: SessionState::Down,
        open_orders: 0,
        kept_messages: 0,
        window: RateWindow::EMPTY,
    };

    /// Passes `count` new orders at `now` with `room` for messages, or says which gate holds them
    /// back.
    ///
    /// # Errors
    /// The first gate that refuses.
    #[inline]
    pub fn admit(&self, count: u16, room: Room, now: MonoNs, slots: u8) -> Result<(), Refusal> {
        if self.session != SessionState::Up {
            let up = i64::from(SessionState::Up.code());
            return Err(Refusal::new(Gate::SessionState, i64::from(self.session.code()), up));
        }
        if u16::from(slots) < count {
            return Err(Refusal::new(Gate::RingRoom, i64::from(slots), i64::from(count)));
        }
        let open = self.open_orders.saturating_add(count);
        if open > self.limits.max_open_orders {
            let limit = i64::from(self.limits.max_open_orders);
            return Err(Refusal::new(Gate::OpenOrders, i64::from(open), limit));
        }
        let limit = self.limits.max_messages;
        let messages = room.messages(count, self.kept_messages);
        if !self.window.has_room(messages, limit, now, self.limits.rate_window) {
            return Err(over(Gate::Rate, limit));
        }
        Ok(())
    }

    /// Messages in the window that ends at `now`.
    #[must_use]
    pub fn messages(&self, now: MonoNs) -> u16 {
        self.window.count(now, self.limits.rate_window)
    }

    /// Notes that a message leaves at `now`.
    #[inline]
    pub fn sent(&mut self, now: MonoNs) {
        self.window.push(now);
    }
}

/// What the desk knows of one account, or of all of them together.
#[derive(Clone, Copy, Debug)]
pub struct AccountRisk {
    /// Its limits; an account without limits refuses.
    pub limits: AccountLimits,
    /// Lots of all legs that are held, or may come to be held: opened, and not closed.
    pub gross_lots: i64,
    /// Orders that may still fill.
    pub open_orders: u16,
    /// Messages that fires which have not ended may still need.
    pub kept_messages: u16,
    window: RateWindow<1024>,
}

fields! {
    AccountRisk {
        limits: AccountLimits,
        gross_lots: i64,
        open_orders: u16,
        kept_messages: u16,
        window: RateWindow<1024>,
    }
}

impl AccountRisk {
    /// An account without limits: nothing passes.
    pub const EMPTY: Self = Self {
        limits: AccountLimits {
            account: AccountId(0),
            max_order_lots: 0,
            max_position_lots: 0,
            max_open_orders: 0,
            max_messages: 0,
            rate_window: Span(0),
        },
        gross_lots: 0,
        open_orders: 0,
        kept_messages: 0,
        window: RateWindow::EMPTY,
    };

    /// The position that is counted, against its limit: for orders whose lots are in it already.
    ///
    /// # Errors
    /// It is above.
    pub fn admit_counted(&self) -> Result<(), Refusal> {
        let limit = i64::from(self.limits.max_position_lots);
        if self.gross_lots > limit {
            return Err(Refusal::new(Gate::AccountPosition, self.gross_lots, limit));
        }
        Ok(())
    }

    /// Passes the orders of a fire, or says which gate holds them back.
    ///
    /// # Errors
    /// The first gate that refuses.
    #[inline]
    pub fn admit(&self, fire: &FireSize, now: MonoNs) -> Result<(), Refusal> {
        let limits = &self.limits;
        if fire.largest_lots > limits.max_order_lots {
            let largest = i64::from(fire.largest_lots);
            let limit = i64::from(limits.max_order_lots);
            return Err(Refusal::new(Gate::AccountOrderSize, largest, limit));
        }
        let gross = self.gross_lots.saturating_add(fire.opened_lots);
        if fire.opened_lots > 0 && gross > i64::from(limits.max_position_lots) {
            let limit = i64::from(limits.max_position_lots);
            return Err(Refusal::new(Gate::AccountPosition, gross, limit));
        }
        let open = self.open_orders.saturating_add(fire.orders);
        if open > limits.max_open_orders {
            let limit = i64::from(limits.max_open_orders);
            return Err(Refusal::new(Gate::AccountOpenOrders, i64::from(open), limit));
        }
        let messages = fire.room.messages(fire.orders, self.kept_messages);
        if !self.window.has_room(messages, limits.max_messages, now, limits.rate_window) {
            return Err(over(Gate::AccountRate, limits.max_messages));
        }
        Ok(())
    }

    /// Messages in the window that ends at `now`.
    #[must_use]
    pub fn messages(&self, now: MonoNs) -> u16 {
        self.window.count(now, self.limits.rate_window)
    }

    /// Notes that a message leaves at `now`.
    #[inline]
    pub fn sent(&mut self, now: MonoNs) {
        self.window.push(now);
    }

    /// Notes a new order that leaves at `now`; `opened` lots of it count as held from now on.
    #[inline]
    pub fn ordered(&mut self, opened: i64, now: MonoNs) {
        self.sent(now);
        self.open_orders = self.open_orders.saturating_add(1);
        self.gross_lots = self.gross_lots.saturating_add(opened);
    }
}

/// One more than the limit of a window.
fn over(gate: Gate, limit: u16) -> Refusal {
    Refusal::new(gate, i64::from(limit).saturating_add(1), i64::from(limit))
}

/// Orders of one fire, counted per gateway.
pub type Batch = [u16; MAX_GATEWAYS];

/// Passes all orders of a fire, or says which gateway's gate holds them back.
///
/// # Errors
/// The first gate that refuses.
#[inline]
pub fn admit_batch(
    batch: &Batch,
    room: Room,
    gateways: &[GatewayRisk; MAX_GATEWAYS],
    credits: &Credits,
    now: MonoNs,
) -> Result<(), Refusal> {
    let rows = batch.iter().zip(gateways).zip(&credits.gateway_slots);
    for ((count, gateway), slots) in rows {
        if *count > 0 {
            gateway.admit(*count, room, now, *slots)?;
        }
    }
    Ok(())
}
