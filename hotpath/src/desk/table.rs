//! The desk's tables: instruments, spreads, and which spreads an instrument is a leg of.
//!
//! Flat rows in storage that the cold side lends, linked by indices, so that a snapshot is a copy
//! and nothing is allocated. Rows are added and changed while the desk runs.

use super::Running;
use super::breaker::Watched;
use super::hours::Window;
use super::queue::Touched;
use super::rule::Rules;
use super::timers::Timer;
use super::work::Rested;
use crate::execute::offset::Holding;
use crate::execute::repair;
use crate::message::{
    Gate, InstrumentIndex, InstrumentSpec, Intent, MAX_LEGS, Measure, Quote, RepairSpec, SafeState,
    SpreadIndex, SpreadSpec, TriggerSpec, UserRule, WorkSpec,
};
use crate::order::Order;
use crate::record::codec::{Decoder, Encoder, code, fields, put_rows, take_rows};
use crate::risk::{Exposure, FIRE_RATE_MAX, InstrumentRate, RateWindow, ValueLimit};
use crate::spread::MAX_COEFFICIENT_Q32;
use crate::time::MonoNs;

/// The memory that a desk works in. The cold side makes it, once.
#[derive(Debug)]
pub struct Storage<'a> {
    /// One row per instrument.
    pub instruments: &'a mut [Instrument],
    /// One row per spread.
    pub spreads: &'a mut [Spread],
    /// `MAX_LEGS` per spread.
    pub edges: &'a mut [Edge],
    /// Two per spread.
    pub dirty: &'a mut [u32],
    /// One per spread.
    pub timers: &'a mut [Timer],
    /// One row per order that can live at once; at most `OrderId::SLOTS` are used.
    pub orders: &'a mut [Order],
    /// As long as `orders`.
    pub free_orders: &'a mut [u32],
    /// `RULES` per spread.
    pub rules: &'a mut [Option<UserRule>],
}

/// One instrument.
#[derive(Clone, Copy, Debug)]
pub struct Instrument {
    /// Contract data and limits; `None` if the cold side has not sent them.
    pub spec: Option<InstrumentSpec>,
    /// The last quote.
    pub quote: Quote,
    /// What is held and reserved.
    pub exposure: Exposure,
    /// What is held where the market keeps long and short apart.
    pub holding: Holding,
    /// Lots that orders of earlier runs may have bought: part of what is reserved.
    pub unknown_buy_lots: u32,
    /// Lots that they may have sold.
    pub unknown_sell_lots: u32,
    /// Lots sold to the bids of `quote` since it came: not counted again.
    pub taken_bid_lots: u32,
    /// Lots bought from the asks of `quote` since it came.
    pub taken_ask_lots: u32,
    /// When it may be traded.
    pub hours: Window,
    /// Why nothing is opened with it, a bit each (`desk::doubt`); 0 if it may be.
    pub doubts: u8,
    /// The value limit of `spec`.
    pub(super) value_limit: ValueLimit,
    /// When messages about it were sent.
    pub(super) rate: InstrumentRate,
    /// Messages about it that fires which have not ended may still need.
    pub(super) kept_messages: u16,
    /// Row of its feed channel.
    pub(super) channel: u8,
    /// First of the spreads that it is a leg of.
    pub(super) first_edge: u32,
}

fields! {
    Instrument {
        spec: Option<InstrumentSpec>,
        quote: Quote,
        exposure: Exposure,
        holding: Holding,
        unknown_buy_lots: u32,
        unknown_sell_lots: u32,
        taken_bid_lots: u32,
        taken_ask_lots: u32,
        hours: Window,
        doubts: u8,
        value_limit: ValueLimit,
        rate: InstrumentRate,
        kept_messages: u16,
        channel: u8,
        first_edge: u32,
    }
}

impl Instrument {
    /// A row that nothing is known of.
    pub const EMPTY: Self = Self {
        spec: None,
        quote: Quote::EMPTY,
        exposure: Exposure {
            position_lots: 0,
            live_buy_lots: 0,
            live_sell_lots: 0,
            kept_buy_lots: 0,
            kept_sell_lots: 0,
            open_orders: 0,
        },
        holding: Holding::NONE,
        unknown_buy_lots: 0,
        unknown_sell_lots: 0,
        taken_bid_lots: 0,
        taken_ask_lots: 0,
        hours: Window::ALWAYS,
        doubts: 0,
        value_limit: ValueLimit::NOTHING,
        rate: InstrumentRate::EMPTY,
        kept_messages: 0,
        channel: u8::MAX,
        first_edge: Edge::END,
    };
}

code! {
    /// Whether a spread may fire.
    pub enum SpreadState {
        /// It may.
        Enabled = 0 "enabled",
        /// It may not, by command or configuration.
        Disabled = 1 "disabled",
        /// It may not: something went wrong. Only a command takes it out.
        Halted = 2 "halted",
        /// It may close only: a breaker has tripped. A command that enables it takes it out.
        Reducing = 3 "reducing",
    }
}

/// Why nothing may be fired that opens (`is_open`) or closes, before any figure is looked at;
/// `None` if it may.
#[inline]
#[must_use]
pub const fn standing(desk: SafeState, spread: SpreadState, is_open: bool) -> Option<Gate> {
    match desk {
        SafeState::Halt | SafeState::Flatten => return Some(Gate::SafeState),
        SafeState::NoNew if is_open => return Some(Gate::SafeState),
        SafeState::NoNew | SafeState::SingleFeed | SafeState::Normal => {}
    }
    match spread {
        SpreadState::Reducing if is_open => Some(Gate::Reducing),
        SpreadState::Enabled | SpreadState::Reducing => None,
        SpreadState::Disabled => Some(Gate::Disabled),
        SpreadState::Halted => Some(Gate::Halted),
    }
}

/// One spread.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// What it is made of; `None` if the row is not used.
    pub spec: Option<SpreadSpec>,
    /// Whether it may fire.
    pub state: SpreadState,
    /// Units held: above zero bought, below sold.
    pub position_units: i32,
    /// Lots left over by fires that ended out of ratio, per leg, bought minus sold.
    pub residual_lots: [i64; MAX_LEGS],
    /// The fire that has not ended.
    pub fire: Running,
    /// Fires that were made: the number of the last one.
    pub(super) fires_made: u32,
    /// Of `spec`: `execute::repair::lot_q32` of each leg.
    pub(super) lot_q32: [i64; MAX_LEGS],
    /// When it last fired.
    pub last_fired: MonoNs,
    /// Whether it has ever fired.
    pub has_fired: bool,
    /// A bit for each intent whose level has fired and that the value has not left since.
    pub(super) spent: u8,
    /// The intent whose level was met when it was last looked at, and since when: see `hold`.
    pub(super) met: Option<(Intent, MonoNs)>,
    /// The turn in which it was marked to be looked at.
    pub(super) marked: u32,
    /// When it fired.
    pub(super) fires: RateWindow<64>,
    /// The last refusal written, so that the same one is not written for every quote.
    pub(super) refused: Option<(Intent, Gate)>,
    /// Refusals that were counted and not written.
    pub(super) repeated: u32,
    /// It is in the first queue.
    pub(super) is_dirty: bool,
    /// It is to be looked at out of the second queue.
    pub(super) is_later: bool,
    /// It has a place in the second queue.
    pub(super) has_later: bool,
    /// Its breakers; `None` if it has none.
    pub(super) watched: Option<Watched>,
    /// It was halted by a kill: its orders are cancelled.
    pub(super) is_killed: bool,
    /// Orders that were to rest and that the venue refused, in a row.
    pub(super) refused_rests: u8,
    /// The last order that rested.
    pub(super) rested: Option<Rested>,
    /// What it knows of its rules.
    pub(super) rules: Rules,
}

fields! {
    Spread {
        spec: Option<SpreadSpec>,
        state: SpreadState,
        position_units: i32,
        residual_lots: [i64; MAX_LEGS],
        fire: Running,
        fires_made: u32,
        lot_q32: [i64; MAX_LEGS],
        last_fired: MonoNs,
        has_fired: bool,
        spent: u8,
        met: Option<(Intent, MonoNs)>,
        marked: u32,
        fires: RateWindow<64>,
        refused: Option<(Intent, Gate)>,
        repeated: u32,
        is_dirty: bool,
        is_later: bool,
        has_later: bool,
        watched: Option<Watched>,
        is_killed: bool,
        refused_rests: u8,
        rested: Option<Rested>,
        rules: Rules,
    }
}

impl Spread {
    /// A row that is not used.
    pub const EMPTY: Self = Self {
        spec: None,
        state: SpreadState::Disabled,
        position_units: 0,
        residual_lots: [0; MAX_LEGS],
        fire: None,
        fires_made: 0,
        lot_q32: [0; MAX_LEGS],
        last_fired: MonoNs(0),
        has_fired: false,
        spent: 0,
        met: None,
        marked: 0,
        fires: RateWindow::EMPTY,
        refused: None,
        repeated: 0,
        is_dirty: false,
        is_later: false,
        has_later: false,
        watched: None,
        is_killed: false,
        refused_rests: 0,
        rested: None,
        rules: Rules::NONE,
    };
}

/// One link of the list of spreads that an instrument is a leg of.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    next: u32,
    /// The leg only prices.
    only_prices: bool,
}

fields! {
    Edge {
        next: u32,
        only_prices: bool,
    }
}

impl Edge {
    /// Not linked.
    pub const EMPTY: Self = Self { next: Self::END, only_prices: false };
    const END: u32 = u32::MAX;
    /// Edge `spread * 4 + leg` is that of a leg: the spread is the number without two bits.
    const LEG_BITS: u32 = 2;
}

const _: () = assert!(1 << Edge::LEG_BITS == MAX_LEGS);

/// The tables.
#[derive(Debug)]
pub(super) struct Table<'a> {
    pub(super) instruments: &'a mut [Instrument],
    pub(super) spreads: &'a mut [Spread],
    edges: &'a mut [Edge],
}

/// The specification cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadSpread;

impl<'a> Table<'a> {
    pub(super) fn new(
        instruments: &'a mut [Instrument],
        spreads: &'a mut [Spread],
        edges: &'a mut [Edge],
    ) -> Self {
        instruments.fill(Instrument::EMPTY);
        spreads.fill(Spread::EMPTY);
        edges.fill(Edge::EMPTY);
        Self { instruments, spreads, edges }
    }

    pub(super) fn save(&self, out: &mut Encoder<'_>) {
        let Self { instruments, spreads, edges } = self;
        put_rows(instruments, out);
        put_rows(spreads, out);
        put_rows(edges, out);
    }

    pub(super) fn load(&mut self, input: &mut Decoder<'_>) -> Option<()> {
        take_rows(self.instruments, input)?;
        take_rows(self.spreads, input)?;
        take_rows(self.edges, input)
    }

    #[inline]
    pub(super) fn instrument(&self, index: InstrumentIndex) -> Option<&Instrument> {
        self.instruments.get(usize::try_from(index.0).ok()?)
    }

    #[inline]
    pub(super) fn instrument_mut(&mut self, index: InstrumentIndex) -> Option<&mut Instrument> {
        self.instruments.get_mut(usize::try_from(index.0).ok()?)
    }

    #[inline]
    pub(super) fn spread(&self, index: SpreadIndex) -> Option<&Spread> {
        self.spreads.get(usize::try_from(index.0).ok()?)
    }

    #[inline]
    pub(super) fn spread_mut(&mut self, index: SpreadIndex) -> Option<&mut Spread> {
        self.spreads.get_mut(usize::try_from(index.0).ok()?)
    }

    /// The spread that an edge belongs to, and the next edge of the same instrument. Marks the
    /// spread; `None` at the end of the list.
    #[inline]
    pub(super) fn edge(&mut self, edge: u32) -> Option<(Touched<'_>, u32)> {
        let Edge { next, only_prices } = *self.edges.get(usize::try_from(edge).ok()?)?;
        let index = edge >> Edge::LEG_BITS;
        let row = self.spreads.get_mut(usize::try_from(index).ok()?)?;
        Some((Touched { index, row, only_prices }, next))
    }

    /// The spread, to be marked.
    pub(super) fn touch(&mut self, spread: SpreadIndex) -> Option<Touched<'_>> {
        let row = self.spread_mut(spread)?;
        Some(Touched { index: spread.0, row, only_prices: false })
    }

    /// The spreads that an instrument is a leg of.
    pub(super) fn spreads_of(&self, index: InstrumentIndex) -> impl Iterator<Item = SpreadIndex> {
        let first = self.instrument(index).map_or(Edge::END, |row| row.first_edge);
        core::iter::successors(Some(first), |edge| Some(self.next(*edge)))
            .take_while(|edge| *edge != Edge::END)
            .map(|edge| SpreadIndex(edge >> Edge::LEG_BITS))
    }

    /// Adds a spread, or changes it. Its legs can change only while it holds nothing.
    pub(super) fn set_spread(&mut self, spec: &SpreadSpec) -> Result<(), BadSpread> {
        self.check(spec)?;
        let row = self.spread_mut(spec.spread).ok_or(BadSpread)?;
        let old = row.spec;
        let is_busy = row.fire.is_some()
            || row.position_units != 0
            || row.residual_lots.iter().any(|lots| *lots != 0);
        let has_new_legs = old.is_none_or(|old| old.legs != spec.legs);
        // What is held, and what is kept for legs that follow, is of its account.
        let has_other_account = old.is_some_and(|old| old.account != spec.account);
        if is_busy && (has_other_account || (old.is_some() && has_new_legs)) {
            return Err(BadSpread);
        }
        row.state = match row.state {
            SpreadState::Halted => SpreadState::Halted,
            _ if !spec.is_enabled => SpreadState::Disabled,
            SpreadState::Reducing => SpreadState::Reducing,
            SpreadState::Enabled | SpreadState::Disabled => SpreadState::Enabled,
        };
        row.spec = Some(*spec);
        row.met = None;
        row.lot_q32 = spec.legs.each_ref().map(repair::lot_q32);
        if has_new_legs {
            if let Some(old) = old {
                self.unlink(&old);
            }
            self.link(spec);
        }
        Ok(())
    }

    /// Takes a spread out; its row is free.
    pub(super) fn remove_spread(&mut self, index: SpreadIndex) {
        if let Some(row) = self.spread_mut(index)
            && let Some(old) = row.spec
        {
            *row = row.without_spec();
            self.unlink(&old);
        }
    }

    fn check(&self, spec: &SpreadSpec) -> Result<(), BadSpread> {
        let count = usize::from(spec.leg_count);
        let (legs, unused) = spec.legs.split_at_checked(count).ok_or(BadSpread)?;
        let is_known = |index| self.instrument(index).is_some_and(|row| row.spec.is_some());
        let legs_are_sane = legs.iter().all(|leg| {
            let same_sign =
                leg.ratio_lots == 0 || (leg.ratio_lots > 0) == (leg.coefficient_q32 > 0);
            is_known(leg.instrument)
                && leg.coefficient_q32 != 0
                && leg.coefficient_q32.unsigned_abs() <= MAX_COEFFICIENT_Q32.unsigned_abs()
                && leg.ratio_lots != i32::MIN
                && leg.pay_up_e9 >= 0
                && same_sign
                && legs.iter().filter(|other| other.instrument == leg.instrument).count() == 1
        });
        let is_sane = count >= 2
            && legs.iter().any(|leg| leg.ratio_lots != 0)
            && unused.iter().all(|leg| leg.ratio_lots == 0)
            && spec.max_units > 0
            && i32::try_from(spec.max_units).is_ok()
            && spec.clip_units > 0
            && spec.hysteresis_e9 >= 0
            && measures_sanely(spec)
            && counts_fees_sanely(spec)
            && spec.max_fires > 0
            && spec.max_fires <= FIRE_RATE_MAX
            && spec.ack_timeout.0 > 0
            && repairs_sanely(&spec.repair)
            && works_sanely(spec)
            && spec.loss.max_e9 >= 0;
        if legs_are_sane && is_sane { Ok(()) } else { Err(BadSpread) }
    }

    fn link(&mut self, spec: &SpreadSpec) {
        let base = spec.spread.0 << Edge::LEG_BITS;
        for (leg, edge) in spec.legs().iter().zip(base..) {
            let Some(row) = self.instrument_mut(leg.instrument) else {
                continue;
            };
            let next = core::mem::replace(&mut row.first_edge, edge);
            self.set(edge, Edge { next, only_prices: leg.ratio_lots == 0 });
        }
    }

    fn unlink(&mut self, spec: &SpreadSpec) {
        let base = spec.spread.0 << Edge::LEG_BITS;
        for (leg, edge) in spec.legs().iter().zip(base..) {
            let after = self.next(edge);
            let Some(row) = self.instrument_mut(leg.instrument) else {
                continue;
            };
            if row.first_edge == edge {
                row.first_edge = after;
                continue;
            }
            let mut before = row.first_edge;
            while before != Edge::END && self.next(before) != edge {
                before = self.next(before);
            }
            self.set_next(before, after);
        }
    }

    fn next(&self, edge: u32) -> u32 {
        let row = usize::try_from(edge).ok().and_then(|edge| self.edges.get(edge));
        row.map_or(Edge::END, |row| row.next)
    }

    fn set(&mut self, edge: u32, to: Edge) {
        if let Some(row) = usize::try_from(edge).ok().and_then(|edge| self.edges.get_mut(edge)) {
            *row = to;
        }
    }

    fn set_next(&mut self, edge: u32, next: u32) {
        if let Some(row) = usize::try_from(edge).ok().and_then(|edge| self.edges.get_mut(edge)) {
            row.next = next;
        }
    }
}

/// Whether the levels count something that can be compared. Those of a ratio are above zero: below
/// it a larger size could look like a better price.
fn measures_sanely(spec: &SpreadSpec) -> bool {
    if spec.trigger.measure == Measure::Difference {
        return true;
    }
    let levels = [
        (spec.buy_open_e9, i64::MIN),
        (spec.buy_close_e9, i64::MAX),
        (spec.sell_open_e9, i64::MAX),
        (spec.sell_close_e9, i64::MIN),
    ];
    spec.legs.iter().any(|leg| leg.coefficient_q32 > 0)
        && spec.legs.iter().any(|leg| leg.coefficient_q32 < 0)
        && levels.iter().all(|(level_e9, never)| *level_e9 > 0 || level_e9 == never)
}

/// Whether the fees that the levels are after are fees: nothing is paid for trading, none turns a
/// leg round, and what only prices has none. Levels before fees have none either.
fn counts_fees_sanely(spec: &SpreadSpec) -> bool {
    let mut legs = spec.legs.iter().zip(&spec.trigger.fee_q32);
    let are_sane = legs.all(|(leg, fee_q32)| {
        let most = if leg.ratio_lots == 0 { 0 } else { leg.coefficient_q32.unsigned_abs() };
        u64::try_from(*fee_q32).is_ok_and(|fee| fee <= most)
    });
    let TriggerSpec { is_after_fees, fee_e9, short_fee_e9, fee_q32, .. } = spec.trigger;
    let has_none = fee_e9 == 0 && fee_q32 == [0; MAX_LEGS];
    are_sane && (0..=fee_e9).contains(&short_fee_e9) && (is_after_fees || has_none)
}

/// Whether the leg that rests is traded, and others follow it.
fn works_sanely(spec: &SpreadSpec) -> bool {
    let WorkSpec { leg, slop_e9, lag_e9, improve_e9, behind_e9 } = spec.work;
    let is_traded = spec.legs().get(usize::from(leg)).is_some_and(|leg| leg.ratio_lots != 0);
    let traded = spec.legs().iter().filter(|leg| leg.ratio_lots != 0).count();
    let are_distances = [slop_e9, lag_e9, improve_e9, behind_e9].iter().all(|by| *by >= 0);
    !spec.work.is_asked_for() || (is_traded && traded > 1 && are_distances)
}

/// Whether what is said of repairs can be done and priced.
fn repairs_sanely(spec: &RepairSpec) -> bool {
    let is_timed = spec.tries == 0 || spec.within.0 > 0;
    spec.tries <= repair::MAX_TRIES
        && is_timed
        && spec.max_cost_e9 >= 0
        && spec.money_q32 > 0
        && spec.fee_e9.iter().all(|fee_e9| *fee_e9 >= 0)
}
