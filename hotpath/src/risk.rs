//! Gates: what every order passes before it exists. Pure and total; the desk holds the state.
//!
//! `admit` looks at one order against its instrument, `admit_batch` at all orders of a fire against
//! their gateways. A refusal names the gate, what it saw and what it allows, in the gate's unit.
//! Arithmetic that would overflow is a refusal, never a wrap.

use crate::message::{
    Credits, Gate, GatewayIndex, GatewayLimits, InstrumentSpec, MAX_GATEWAYS, SessionState, Side,
};
use crate::price::{self, NO_ASK_E9, NO_BID_E9};
use crate::time::{MonoNs, Span};

/// Messages that a gateway's rate window can hold: no limit may be above it.
pub const RATE_WINDOW_MAX: usize = 1024;

/// Above this the record ring takes nothing that opens a position.
pub const RECORD_OPEN_MAX_PCT: u8 = 50;
/// Above this it takes only what finishes a fire: fills, cancels, repairs.
pub const RECORD_CLOSE_MAX_PCT: u8 = 75;

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
    /// Orders that may still fill.
    pub open_orders: u16,
}

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

/// Passes `draft`, or says which gate of its instrument holds it back.
///
/// # Errors
/// The first gate that refuses.
#[inline]
pub fn admit(
    draft: &Draft,
    spec: &InstrumentSpec,
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
    if draft.price_e9 == NO_BID_E9 || draft.price_e9 == NO_ASK_E9 {
        return Err(Refusal::new(Gate::Price, draft.price_e9, 0));
    }
    collar(draft, spec, reference)?;
    order_value(draft, spec)?;
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
    let against = match draft.side {
        Side::Buy => exposure.live_sell_lots,
        Side::Sell => exposure.live_buy_lots,
    };
    if against > 0 {
        return Err(Refusal::new(Gate::SelfMatch, against, 0));
    }
    if exposure.open_orders >= spec.max_open_orders {
        let open = i64::from(exposure.open_orders).saturating_add(1);
        return Err(Refusal::new(Gate::OpenOrders, open, i64::from(spec.max_open_orders)));
    }
    Ok(())
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
    Ok(())
}

/// `|price| * lots * units per lot`, against whole units of currency.
#[inline]
fn order_value(draft: &Draft, spec: &InstrumentSpec) -> Result<(), Refusal> {
    const E18: i128 = 1_000_000_000_000_000_000;
    let value_e18 = price::widen(draft.price_e9)
        .checked_mul(price::widen(price::signed(draft.qty_lots)))
        .and_then(|value| value.checked_mul(price::widen(spec.multiplier_e9)))
        .and_then(i128::checked_abs);
    let limit_e18 = price::widen(spec.max_order_value).wrapping_mul(E18);
    match value_e18 {
        Some(value) if value <= limit_e18 => Ok(()),
        Some(value) => {
            // Cold: only a refusal pays for the division that makes the figure readable.
            Err(Refusal::new(Gate::OrderValue, whole_units(value), spec.max_order_value))
        }
        None => Err(Refusal::new(Gate::Overflow, i64::MAX, spec.max_order_value)),
    }
}

#[cold]
#[inline(never)]
#[expect(clippy::integer_division, reason = "by a constant, on the way to a refusal")]
fn whole_units(value_e18: i128) -> i64 {
    price::saturate(value_e18 / 1_000_000_000_000_000_000)
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
    window: RateWindow,
}

/// When the last messages were sent: a circle of moments.
#[derive(Clone, Copy, Debug)]
struct RateWindow {
    sent: [MonoNs; RATE_WINDOW_MAX],
    next: usize,
}

impl GatewayRisk {
    /// No session, no limits: nothing passes.
    pub const EMPTY: Self = Self {
        limits: GatewayLimits {
            gateway: GatewayIndex(0),
            max_messages: 0,
            rate_window: Span(0),
            max_open_orders: 0,
        },
        session: SessionState::Down,
        open_orders: 0,
        window: RateWindow { sent: [MonoNs(0); RATE_WINDOW_MAX], next: 0 },
    };

    /// Passes `count` new orders at `now`, or says which gate holds them back.
    ///
    /// # Errors
    /// The first gate that refuses.
    #[inline]
    pub fn admit(&self, count: u16, now: MonoNs, slots: u8) -> Result<(), Refusal> {
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
        if count > limit
            || self.window.is_full(limit.wrapping_sub(count), now, self.limits.rate_window)
        {
            let seen = i64::from(limit).saturating_add(1);
            return Err(Refusal::new(Gate::Rate, seen, i64::from(limit)));
        }
        Ok(())
    }

    /// Notes that a message leaves at `now`.
    #[inline]
    pub fn sent(&mut self, now: MonoNs) {
        self.window.push(now);
    }
}

impl RateWindow {
    /// Whether more than `room` messages were sent in the window that ends now.
    #[inline]
    fn is_full(&self, room: u16, now: MonoNs, window: Span) -> bool {
        // The message that was sent `room` + 1 ago: if it is inside the window there is no room.
        let back = usize::from(room).wrapping_add(1);
        let index = self.next.wrapping_sub(back) % RATE_WINDOW_MAX;
        match self.sent.get(index) {
            Some(MonoNs(0)) | None => false,
            Some(sent) => now.since(*sent) < window,
        }
    }

    #[inline]
    fn push(&mut self, now: MonoNs) {
        if let Some(slot) = self.sent.get_mut(self.next % RATE_WINDOW_MAX) {
            // 0 marks an empty slot; a message in the first nanosecond counts as the second.
            *slot = now.max(MonoNs(1));
        }
        self.next = self.next.wrapping_add(1) % RATE_WINDOW_MAX;
    }
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
    gateways: &[GatewayRisk; MAX_GATEWAYS],
    credits: &Credits,
    now: MonoNs,
) -> Result<(), Refusal> {
    let rows = batch.iter().zip(gateways).zip(&credits.gateway_slots);
    for ((count, gateway), slots) in rows {
        if *count > 0 {
            gateway.admit(*count, now, *slots)?;
        }
    }
    Ok(())
}
