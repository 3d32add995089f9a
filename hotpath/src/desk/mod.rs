//! The desk: one deterministic state machine. Inputs in, orders and details out, nothing else.
//!
//! It reads no clock, has no port, allocates nothing and cannot panic. Everything that can change
//! an output is in the `Input`: quotes, channel and session states, order events, specifications,
//! commands, time, and the room in the rings it writes to. The same inputs give the same outputs,
//! byte for byte, for one `record::frame::LOGIC_VERSION`. So replay, simulation, audit and recovery
//! are all this one function.
//!
//! What it deliberately does not do yet: repair what is taken back after a fire has ended (the
//! spread is halted with an alert).
//!
//! Called by `desk::stage::DeskStage` in production and by the simulator and replay directly.

mod age;
mod breaker;
mod carried;
mod command;
mod doubt;
mod ending;
mod fire;
pub mod gates;
mod hold;
mod hours;
mod internal;
mod lead;
mod loss;
mod news;
mod outputs;
mod queue;
mod remove;
mod repair;
mod rule;
mod send;
mod single;
mod snapshot;
pub mod stage;
mod table;
pub mod timers;
mod work;

pub use hours::Window;
pub use outputs::{DETAILS_MAX, ORDERS_MAX, Outputs};
pub use table::{Edge, Instrument, Spread, SpreadState, Storage, standing};

use crate::execute::offset::{Holding, Lots};
use crate::execute::{Fire, MAX_FIRE_ORDERS};
use crate::message::{
    AccountId, AccountLimits, Alert, AlertKind, ChannelState, ChannelUpdate, ClockScale, Credits,
    DeskIdentity, Detail, Detailing, Event, GatewayIndex, GatewayLimits, HeldLots, Hours, Input,
    InstrumentIndex, InstrumentSpec, MAX_GATEWAYS, OrderId, Quote, SafeState, SessionState,
    SessionUpdate, Sizing, SpreadIndex, SpreadSpec, StreamId, UserRule,
};
use crate::order::Orders;
use crate::risk::{AccountRisk, GatewayRisk, INSTRUMENT_RATE_MAX, RATE_MAX, ValueLimit};
use crate::time::MonoNs;
use command::Cause;
use doubt::Recent;
use queue::Dirty;
use table::Table;
use timers::Timers;

/// Feed channels that one desk can listen to.
pub const MAX_CHANNELS: usize = 32;

/// Accounts that one desk can trade for.
pub const MAX_ACCOUNTS: usize = 16;

/// Deadlines handled per input, as long as there is room for their cancels; more wait for the next,
/// which `next_deadline` asks for at once.
const DEADLINES_PER_INPUT: usize = 3;
// One may cancel all orders of a fire, and the input itself may cancel one order more.
const _: () = assert!(MAX_FIRE_ORDERS < ORDERS_MAX);

/// What the desk knows of one feed channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Channel {
    stream: StreamId,
    state: ChannelState,
    epoch: u32,
}

impl Channel {
    const UNUSED: Self = Self { stream: StreamId(u16::MAX), state: ChannelState::Down, epoch: 0 };
}

/// The state machine.
#[derive(Debug)]
pub struct Desk<'a> {
    identity: DeskIdentity,
    /// The last run that this one knows the whole of; 0 if none.
    known_run: u16,
    state: SafeState,
    channels: [Channel; MAX_CHANNELS],
    gateways: [GatewayRisk; MAX_GATEWAYS],
    /// The whole desk, then its accounts, as many as have been given limits.
    whole: AccountRisk,
    accounts: [Option<AccountRisk>; MAX_ACCOUNTS],
    table: Table<'a>,
    orders: Orders<'a>,
    timers: Timers<'a>,
    dirty: Dirty<'a>,
    /// Rows of the order arena that HALT has still to look at, to cancel what lives.
    kill_cursor: Option<usize>,
    /// Rows of it whose orders have still to be asked for, since a session came up.
    ask_cursor: Option<usize>,
    /// Rows of the spreads that have still to be looked at for legs that rest.
    rest_cursor: Option<usize>,
    /// A spread has had a leg that rests.
    has_work: bool,
    /// Spreads out of ratio whose repair would have met an order that rests.
    blocked_repairs: [Option<SpreadIndex>; work::MOST_BLOCKED],
    /// An input has been taken in, and spreads are looked at.
    is_acting: bool,
    /// The last fires: what they were priced off may turn out to be wrong.
    recent: Recent,
    /// The `more` of the last quote: evaluation waits for the end of the batch.
    is_batch_open: bool,
    /// Counts the times that spreads were looked at: what was marked before the last one waited.
    turn: u32,
    detailing: Detailing,
    sizing: Sizing,
    /// `RULES` for each spread.
    rules: &'a mut [Option<UserRule>],
    /// The clock against UTC, as it was told last: rules ask for it.
    clock: Option<ClockScale>,
    now: MonoNs,
}

impl<'a> Desk<'a> {
    /// A desk that knows nothing yet, in `NoNew`: it is told its instruments, spreads and limits by
    /// inputs, and armed by a command.
    #[must_use]
    pub fn new(identity: DeskIdentity, storage: Storage<'a>) -> Self {
        let Storage { instruments, spreads, edges, dirty, timers, orders, free_orders, rules } =
            storage;
        rules.fill(None);
        Self {
            identity,
            known_run: 0,
            state: SafeState::NoNew,
            channels: [Channel::UNUSED; MAX_CHANNELS],
            gateways: [GatewayRisk::EMPTY; MAX_GATEWAYS],
            whole: AccountRisk::EMPTY,
            accounts: [None; MAX_ACCOUNTS],
            orders: Orders::new(identity, orders, free_orders),
            timers: Timers::new(timers),
            dirty: Dirty::new(dirty),
            table: Table::new(instruments, spreads, edges),
            kill_cursor: None,
            ask_cursor: None,
            rest_cursor: None,
            has_work: false,
            blocked_repairs: [None; work::MOST_BLOCKED],
            is_acting: false,
            recent: Recent::EMPTY,
            is_batch_open: false,
            turn: 0,
            detailing: Detailing::ALL,
            sizing: Sizing::WHOLE,
            rules,
            clock: None,
            now: MonoNs(0),
        }
    }

    /// Whose desk it is.
    #[must_use]
    pub fn identity(&self) -> DeskIdentity {
        self.identity
    }

    /// The safe state.
    #[must_use]
    pub fn state(&self) -> SafeState {
        self.state
    }

    /// The instruments, row by row.
    #[must_use]
    pub fn instruments(&self) -> &[Instrument] {
        self.table.instruments
    }

    /// The spreads, row by row.
    #[must_use]
    pub fn spreads(&self) -> &[Spread] {
        self.table.spreads
    }

    /// The orders.
    #[must_use]
    pub fn orders(&self) -> &Orders<'a> {
        &self.orders
    }

    /// What it knows of a gateway: its limits and what is used of them.
    #[must_use]
    pub fn gateway(&self, gateway: GatewayIndex) -> Option<&GatewayRisk> {
        self.gateways.get(usize::from(gateway.0))
    }

    /// What it knows of an account, or of all together; `None` if it was given no limits.
    #[must_use]
    pub fn account_risk(&self, account: AccountId) -> Option<&AccountRisk> {
        if account == AccountId::ALL {
            return Some(&self.whole);
        }
        self.accounts.iter().flatten().find(|row| row.limits.account == account)
    }

    /// What it knows of a gateway's session.
    #[must_use]
    pub fn session(&self, gateway: GatewayIndex) -> SessionState {
        let row = self.gateways.get(usize::from(gateway.0));
        row.map_or(SessionState::Down, |row| row.session)
    }

    /// Whether the last quote of an instrument may be traded on, its age apart.
    #[must_use]
    pub fn believes(&self, instrument: InstrumentIndex) -> bool {
        self.table.instrument(instrument).is_some_and(|row| fire::is_usable(row, &self.channels))
    }

    /// When the desk wants to be called, at the latest: the shell then injects a `Tick`.
    #[inline]
    #[must_use]
    pub fn next_deadline(&self) -> MonoNs {
        let is_sweeping =
            self.kill_cursor.is_some() || self.ask_cursor.is_some() || self.rest_cursor.is_some();
        if is_sweeping || (!self.dirty.is_empty() && !self.is_batch_open) {
            // Work was left over: the last input fired, or its outputs were full.
            return MonoNs(0);
        }
        self.timers.next()
    }

    /// Takes one input and says what follows from it. `outputs` is cleared first.
    #[inline]
    pub fn on(&mut self, input: &Input<'_>, outputs: &mut Outputs) {
        self.learn(input, outputs);
        self.act(&input.credits, outputs);
    }

    /// The second half of `on`: looks at the spreads that the input touched.
    #[inline(always)]
    pub fn act(&mut self, credits: &Credits, outputs: &mut Outputs) {
        self.is_acting = true;
        if !self.is_batch_open {
            self.evaluate_dirty(credits, outputs);
            self.turn = self.turn.wrapping_add(1);
        }
        if outputs.is_overflowed() {
            self.output_overflowed(outputs);
        }
    }

    /// The first half of `on`: everything that an input tells, but no spread is looked at. After
    /// it the desk stands as it does when it decides, which is when `read_gates` has most to say.
    /// `outputs` is cleared first.
    #[inline(always)]
    pub fn learn(&mut self, input: &Input<'_>, outputs: &mut Outputs) {
        outputs.clear();
        self.is_acting = false;
        // Time never runs back for the desk, whatever the shell says.
        self.now = self.now.max(input.now);
        self.fire_deadlines(outputs);
        self.is_batch_open = false;
        match input.event {
            Event::Quote { quote, more } => {
                self.is_batch_open = more;
                self.on_quote(quote);
            }
            Event::Order(event) => self.on_order(&event, outputs),
            Event::Channel(update) => self.on_channel(&update, outputs),
            Event::Session(update) => self.on_session(&update, outputs),
            Event::Instrument(spec) => self.on_instrument(spec, outputs),
            Event::Spread(spec) => self.on_spread(spec, outputs),
            Event::Gateway(limits) => self.on_gateway(&limits, outputs),
            Event::Account(limits) => self.on_account(&limits, outputs),
            Event::Held(held) => self.on_held(&held, outputs),
            Event::Carried(carried) => self.on_carried(carried, outputs),
            Event::Instruction(asked) => self.on_instruction(&asked, outputs),
            Event::Command(command) => self.on_command(&command, outputs),
            Event::Detailing(detailing) => self.on_detailing(detailing),
            Event::Hours(hours) => self.on_hours(&hours, outputs),
            Event::Finding(finding) => self.on_finding(&finding, outputs),
            Event::Sizing(sizing) => self.on_sizing(sizing, outputs),
            Event::Breakers(breakers) => self.on_breakers(&breakers, outputs),
            Event::Rule(rule) => self.on_rule(rule, outputs),
            Event::Clock(scale) => self.clock = Some(scale),
            Event::Tick => {}
        }
        if !matches!(
            input.event,
            Event::Quote { .. } | Event::Order(_) | Event::Clock(_) | Event::Tick
        ) {
            self.doubt_resting();
        }
        self.sweep(outputs);
    }

    #[inline]
    fn on_quote(&mut self, quote: &Quote) {
        let Some(instrument) = self.table.instrument_mut(quote.instrument) else {
            return;
        };
        instrument.quote = *quote;
        instrument.taken_bid_lots = 0;
        instrument.taken_ask_lots = 0;
        let mut edge = instrument.first_edge;
        while let Some((spread, next)) = self.table.edge(edge) {
            self.dirty.mark(spread, self.turn);
            edge = next;
        }
    }

    fn on_channel(&mut self, update: &ChannelUpdate, outputs: &mut Outputs) {
        let Some(channel) = self.channel_mut(update.stream) else {
            self.bad_input(SpreadIndex::ALL, i64::from(update.stream.0), outputs);
            return;
        };
        let was_usable = channel.state.is_usable();
        channel.state = update.state;
        channel.epoch = update.epoch;
        if was_usable && update.state == ChannelState::Suspect {
            outputs.alert(Alert {
                kind: AlertKind::FeedGap,
                spread: SpreadIndex::ALL,
                order_id: OrderId::NONE,
                stream: update.stream,
                value: i64::from(update.missing),
            });
        }
        if update.state == ChannelState::Divergent {
            self.diverged(update, outputs);
        }
        if was_usable && update.state == ChannelState::Frozen {
            outputs.alert(Alert {
                kind: AlertKind::FeedFrozen,
                spread: SpreadIndex::ALL,
                order_id: OrderId::NONE,
                stream: update.stream,
                value: 0,
            });
        }
        self.settle_single(update.stream, outputs);
    }

    fn on_session(&mut self, update: &SessionUpdate, outputs: &mut Outputs) {
        let Some(gateway) = self.gateways.get_mut(usize::from(update.gateway.0)) else {
            self.bad_input(SpreadIndex::ALL, i64::from(update.gateway.0), outputs);
            return;
        };
        let was = gateway.session;
        gateway.session = update.state;
        if was == SessionState::Up && update.state != SessionState::Up {
            // Orders in flight there are found out by their deadlines: silence makes them unknown.
            outputs.alert(Alert {
                kind: AlertKind::SessionDown,
                spread: SpreadIndex::ALL,
                order_id: OrderId::NONE,
                stream: update.stream,
                value: i64::from(update.state.code()),
            });
        }
        if was != SessionState::Up && update.state == SessionState::Up {
            // What it told while it was away may be lost for good, and what was to be cancelled
            // may live: what still lives is looked at.
            self.ask_cursor = Some(0);
        }
    }

    fn on_instrument(&mut self, spec: &InstrumentSpec, outputs: &mut Outputs) {
        let channel = self.channel_of(spec.feed);
        let is_sane = spec.tick_e9 > 0
            && spec.multiplier_e9 > 0
            && spec.max_order_value >= 0
            && spec.min_price_e9 <= spec.max_price_e9
            && spec.collar_e9 >= 0
            && spec.collar_fraction_e9 >= 0
            && spec.max_messages <= INSTRUMENT_RATE_MAX
            && usize::from(spec.gateway.0) < MAX_GATEWAYS;
        match (channel, self.table.instrument_mut(spec.instrument)) {
            (Some(channel), Some(row)) if is_sane => {
                row.spec = Some(*spec);
                row.value_limit = ValueLimit::of(spec);
                row.channel = channel;
            }
            _ => self.bad_input(SpreadIndex::ALL, i64::from(spec.instrument.0), outputs),
        }
    }

    /// While an order lives, nobody can tell whether its fills are in what the venue says.
    fn on_held(&mut self, held: &HeldLots, outputs: &mut Outputs) {
        match self.table.instrument_mut(held.instrument) {
            Some(row) if row.exposure.open_orders == 0 => {
                let lots = |today, yesterday| Lots { today, yesterday, ..Lots::NONE };
                row.holding = Holding {
                    long: lots(held.long_today, held.long_yesterday),
                    short: lots(held.short_today, held.short_yesterday),
                };
                row.exposure.position_lots = row.holding.net();
            }
            _ => self.bad_input(SpreadIndex::ALL, i64::from(held.instrument.0), outputs),
        }
    }

    /// What is refused now and was not told is told anew, if it is to be from now on.
    fn on_detailing(&mut self, detailing: Detailing) {
        self.detailing = detailing;
        for row in self.table.spreads.iter_mut() {
            row.refused = None;
        }
    }

    fn on_hours(&mut self, hours: &Hours, outputs: &mut Outputs) {
        match self.table.instrument_mut(hours.instrument) {
            Some(row) => row.hours = Window::of(hours),
            None => self.bad_input(SpreadIndex::ALL, i64::from(hours.instrument.0), outputs),
        }
    }

    fn on_spread(&mut self, spec: &SpreadSpec, outputs: &mut Outputs) {
        match self.table.set_spread(spec) {
            Ok(()) => self.has_work |= spec.work.is_asked_for(),
            Err(_) => self.bad_input(spec.spread, i64::from(spec.spread.0), outputs),
        }
    }

    fn on_gateway(&mut self, limits: &GatewayLimits, outputs: &mut Outputs) {
        let is_sane = limits.max_messages <= RATE_MAX;
        match self.gateways.get_mut(usize::from(limits.gateway.0)) {
            Some(gateway) if is_sane => gateway.limits = *limits,
            _ => self.bad_input(SpreadIndex::ALL, i64::from(limits.gateway.0), outputs),
        }
    }

    fn on_account(&mut self, limits: &AccountLimits, outputs: &mut Outputs) {
        if limits.max_messages > RATE_MAX {
            self.bad_input(SpreadIndex::ALL, i64::from(limits.account.0), outputs);
            return;
        }
        if limits.account == AccountId::ALL {
            self.whole.limits = *limits;
            return;
        }
        // Rows are taken in order, so the first free one comes after all that are known.
        let row = self
            .accounts
            .iter_mut()
            .find(|row| row.as_ref().is_none_or(|row| row.limits.account == limits.account));
        match row {
            Some(row) => row.get_or_insert(AccountRisk::EMPTY).limits = *limits,
            None => self.bad_input(SpreadIndex::ALL, i64::from(limits.account.0), outputs),
        }
    }

    /// The account's row and what is in it; one that has been given no limits may not trade.
    #[inline]
    fn account(&self, account: AccountId) -> (AccountRow, &AccountRisk) {
        let rows = self.accounts.iter().flatten().zip(0_u8..);
        let mut known = rows.filter(|(row, _)| row.limits.account == account);
        known
            .next()
            .map_or((AccountRow::NONE, &AccountRisk::EMPTY), |(row, at)| (AccountRow(at), row))
    }

    /// Does `change` to the account's row and to that of the whole desk.
    #[inline]
    fn with_accounts(&mut self, account: AccountId, change: impl Fn(&mut AccountRisk)) {
        change(&mut self.whole);
        let rows = self.accounts.iter_mut().flatten();
        if let Some(row) = rows.into_iter().find(|row| row.limits.account == account) {
            change(row);
        }
    }

    #[cold]
    #[inline(never)]
    fn bad_input(&mut self, spread: SpreadIndex, value: i64, outputs: &mut Outputs) {
        outputs.alert(Alert {
            kind: AlertKind::BadInput,
            spread,
            order_id: OrderId::NONE,
            stream: StreamId(u16::MAX),
            value,
        });
    }

    /// The bounds in `outputs` are meant to make this unreachable; if it is reached, nothing more
    /// may be sent, because something was left unsaid.
    #[cold]
    #[inline(never)]
    fn output_overflowed(&mut self, outputs: &mut Outputs) {
        self.state = SafeState::Halt;
        self.kill_cursor = Some(0);
        outputs.insist(Detail::Alert(Alert {
            kind: AlertKind::OutputOverflow,
            spread: SpreadIndex::ALL,
            order_id: OrderId::NONE,
            stream: StreamId(u16::MAX),
            value: 0,
        }));
    }

    fn channel_mut(&mut self, stream: StreamId) -> Option<&mut Channel> {
        let index = self.channel_of(stream)?;
        self.channels.get_mut(usize::from(index))
    }

    /// The row of a channel, taken for it if it has none yet; `None` if all rows are taken.
    fn channel_of(&mut self, stream: StreamId) -> Option<u8> {
        if stream == Channel::UNUSED.stream {
            return None;
        }
        let known = self.channels.iter().position(|channel| channel.stream == stream);
        let index = known.or_else(|| {
            let free = self.channels.iter().position(|channel| *channel == Channel::UNUSED)?;
            *self.channels.get_mut(free)? = Channel { stream, ..Channel::UNUSED };
            Some(free)
        })?;
        u8::try_from(index).ok()
    }
}

/// A row of the accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AccountRow(u8);

impl AccountRow {
    /// No row.
    const NONE: Self = Self(u8::MAX);
}

/// A fire that has not ended, as the spread keeps it.
type Running = Option<Fire>;
