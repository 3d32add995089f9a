//! Every sequence of order news up to a length: eleven events on each of two legs.
//!
//! The fault schedules draw what is likely; this leaves nothing out. One spread of two legs, each
//! at a gateway of its own, has fired; then come all sequences of the alphabet, also those that no
//! honest venue sends, with a quote after each event that makes the desk fire again if it may; once
//! with both legs sent together, once with the one first that is the hardest to get, and, one event
//! shorter, once with one that rests and moves at every other quote. The checker looks on after
//! every input, and at the end after every deadline has passed.

use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::{
    AccountId, AccountLimits, ChannelState, ChannelUpdate, CloseFirst, Command, CommandKind,
    Credits, Depth, Event, GatewayIndex, GatewayLimits, HedgeFlag, Input, InstrumentIndex,
    InstrumentSpec, LegSpec, LegsFirst, LossSpec, OffsetRule, OrderAction, OrderCommand,
    OrderEvent, OrderEventKind, ProjectId, Quote, QuoteQuality, RepairSpec, Scope, SessionState,
    SessionUpdate, SpreadIndex, SpreadSpec, StrategyId, StreamId, TimeInForce, TriggerSpec,
    WorkSpec,
};
use xmc_hotpath::price::ONE_Q32;
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

use super::checker::{Checker, Violation};
use super::tape::{self, Tape};
use super::world::IDENTITY;
use crate::engine::memory::{DeskMemory, DeskSize};

/// What can happen to a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The venue has the order.
    Ack,
    /// It refuses it.
    Reject,
    /// One lot is filled.
    Partial,
    /// What is left is filled; one lot too many if nothing is.
    Fill,
    /// The order is cancelled.
    CancelAck,
    /// A cancel is refused.
    CancelReject,
    /// The last report comes again.
    Again,
    /// The order is cancelled, and filled by one lot after that.
    FillAfterCancel,
    /// The leg's session breaks.
    Disconnect,
    /// It is back.
    Reconnect,
    /// Nothing comes until the deadline.
    Timeout,
}

impl Step {
    /// The alphabet of one leg.
    pub const ALL: [Self; 11] = [
        Self::Ack,
        Self::Reject,
        Self::Partial,
        Self::Fill,
        Self::CancelAck,
        Self::CancelReject,
        Self::Again,
        Self::FillAfterCancel,
        Self::Disconnect,
        Self::Reconnect,
        Self::Timeout,
    ];
}

/// Events to choose from at each place of a sequence.
pub const ALPHABET: u64 = 2 * Step::ALL.len() as u64;

/// How legs are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Both at once.
    Together,
    /// The one first that is the hardest to get.
    OneFirst,
    /// One rests.
    Rests,
}

/// Sequences of so many events: each is run with the legs together and with one of them first, and
/// those of one event less with a leg that rests.
#[must_use]
pub const fn count(depth: u32) -> u64 {
    2 * ALPHABET.pow(depth) + ALPHABET.pow(depth.saturating_sub(1))
}

/// A sequence by its number: its digits to the base of the alphabet, the first event the lowest;
/// beyond them 0 if the legs go together, 1 if one goes first, 2 if one rests, which has one event
/// less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// Which.
    pub number: u64,
    /// Events.
    pub depth: u32,
}

impl Sequence {
    /// How its legs are sent.
    #[must_use]
    pub const fn manner(self) -> Manner {
        match self.number / ALPHABET.pow(self.depth) {
            0 => Manner::Together,
            1 => Manner::OneFirst,
            _ => Manner::Rests,
        }
    }

    /// Leg and event, in order.
    pub fn steps(self) -> impl Iterator<Item = (usize, Step)> {
        let depth = match self.manner() {
            Manner::Rests => self.depth.saturating_sub(1),
            Manner::Together | Manner::OneFirst => self.depth,
        };
        let digits = (0..depth).map(move |place| self.number / ALPHABET.pow(place) % ALPHABET);
        digits.map(|digit| {
            let digit = usize::try_from(digit).expect("below 22");
            (digit / Step::ALL.len(), Step::ALL[digit % Step::ALL.len()])
        })
    }
}

/// A sequence that breaks an invariant.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which.
    pub sequence: Sequence,
    /// What.
    pub violation: Violation,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<_> = self.sequence.steps().collect();
        writeln!(f, "{}", self.violation)?;
        writeln!(f, "legs {:?}, after {steps:?}", self.sequence.manner())?;
        let Sequence { number, depth } = self.sequence;
        writeln!(
            f,
            "XMC_SIM_SEQUENCE={number} XMC_SIM_DEPTH={depth} \
             cargo test --test it sim::exhaustive::one -- --nocapture"
        )?;
        write!(f, "xmc sim --level sequences --seed {number} --depth {depth} --tell 0")
    }
}

/// What all sequences came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Sequences run.
    pub sequences: u64,
    /// Inputs given.
    pub inputs: u64,
    /// Orders sent.
    pub orders: u64,
    /// Records replayed.
    pub replays: u64,
}

/// Runs every sequence of `depth` events.
///
/// # Errors
/// The failing sequence with the lowest number, of those that were run.
pub fn all(depth: u32, threads: usize) -> Result<Count, Failure> {
    all_told(depth, threads, &|_| {})
}

/// As `all`, and tells `done` now and then how many more have been run.
///
/// # Errors
/// As for `all`.
pub fn all_told(depth: u32, threads: usize, done: &(dyn Fn(u64) + Sync)) -> Result<Count, Failure> {
    /// Sequences that a thread takes at a time.
    const CHUNK: u64 = 1_024;
    let total = count(depth);
    let next = AtomicU64::new(0);
    let found = Mutex::new((Count::default(), None::<Failure>));
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                let mut count = Count::default();
                let mut failure = None;
                while failure.is_none() {
                    // Relaxed: only the count itself is shared.
                    let from = next.fetch_add(CHUNK, Ordering::Relaxed);
                    if from >= total {
                        break;
                    }
                    let numbers = from..total.min(from + CHUNK);
                    let mut sequences = numbers.map(|number| Sequence { number, depth });
                    let run = |sequence| {
                        run(sequence, &mut count, &mut |_, _| {})
                            .err()
                            .map(|violation| Failure { sequence, violation })
                    };
                    failure = sequences.find_map(run);
                    done(CHUNK.min(total - from));
                }
                if failure.is_some() {
                    next.store(total, Ordering::Relaxed);
                }
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                found.0.sequences += count.sequences;
                found.0.inputs += count.inputs;
                found.0.orders += count.orders;
                found.0.replays += count.replays;
                found.1 = match (found.1.take(), failure) {
                    (Some(one), Some(other)) if one.sequence.number > other.sequence.number => {
                        Some(other)
                    }
                    (one, other) => one.or(other),
                };
            });
        }
    });
    let (count, failure) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or(Ok(count), Err)
}

/// Records of every so many sequences are replayed: each costs as much again.
const REPLAY_EVERY: u64 = 61;

/// Runs one sequence and shows `watch` every input with what followed from it.
///
/// # Errors
/// The first invariant that does not hold.
pub fn run(
    sequence: Sequence,
    count: &mut Count,
    watch: &mut super::world::Watch<'_>,
) -> Result<(), Violation> {
    let mut arenas = DeskMemory::new(DeskSize { instruments: 2, spreads: 1, orders: 16 });
    let mut table = Table::new(&mut arenas, watch, sequence.manner());
    table.set_up()?;
    for (leg, step) in sequence.steps() {
        table.take(leg, step)?;
        table.quote()?;
    }
    table.come_to_rest()?;
    count.sequences += 1;
    count.inputs += table.inputs;
    count.orders += table.checker.model.orders.len() as u64;
    if sequence.number.is_multiple_of(REPLAY_EVERY) {
        count.replays += 1;
        let (at, bytes) = (table.now, table.tape.bytes().to_vec());
        let mut arenas = DeskMemory::new(DeskSize { instruments: 2, spreads: 1, orders: 16 });
        let mut desk = Desk::new(IDENTITY, arenas.lend());
        tape::replay(&bytes, 2, &mut desk).map_err(|what| Violation {
            invariant: "S15",
            at,
            what,
        })?;
    }
    Ok(())
}

/// What the venue of a leg knows of the leg's last order.
#[derive(Clone, Copy, Debug)]
struct Venue {
    order: OrderCommand,
    cum: u32,
    last: OrderEvent,
}

struct Table<'a> {
    desk: Desk<'a>,
    watch: &'a mut super::world::Watch<'a>,
    outputs: Outputs,
    checker: Checker,
    tape: Tape,
    now: MonoNs,
    venues: [Option<Venue>; 2],
    executions: u64,
    inputs: u64,
    manner: Manner,
    quotes: i64,
}

const TIMEOUT: Span = Span(1_000_000);

impl<'a> Table<'a> {
    fn new(
        arenas: &'a mut DeskMemory,
        watch: &'a mut super::world::Watch<'a>,
        manner: Manner,
    ) -> Self {
        Self {
            desk: Desk::new(IDENTITY, arenas.lend()),
            watch,
            outputs: Outputs::new(),
            checker: Checker::default(),
            tape: Tape::new(IDENTITY, 2),
            now: MonoNs(1_000),
            venues: [None; 2],
            executions: 0,
            inputs: 0,
            manner,
            quotes: 0,
        }
    }

    fn tell(&mut self, event: Event<'_>) -> Result<(), Violation> {
        self.now = self.now.after(Span(10));
        let input = Input { now: self.now, credits: Credits::FULL, event };
        self.desk.on(&input, &mut self.outputs);
        self.inputs += 1;
        (self.watch)(&input, &self.outputs);
        self.tape.add(&input, &self.outputs);
        self.checker.check(&input, &self.outputs, &self.desk)?;
        for order in self.outputs.orders() {
            if order.action == OrderAction::New {
                let last = report(order, OrderEventKind::Accepted, 0);
                let venue = Venue { order: *order, cum: 0, last };
                self.venues[usize::from(order.leg)] = Some(venue);
            }
        }
        Ok(())
    }

    fn set_up(&mut self) -> Result<(), Violation> {
        for row in 0..2 {
            self.tell(Event::Gateway(gateway(row)))?;
            self.session(usize::from(row), SessionState::Up)?;
        }
        for account in [ACCOUNT, AccountId::ALL] {
            self.tell(Event::Account(limits(account)))?;
        }
        for row in 0..2 {
            self.tell(Event::Instrument(&instrument(row)))?;
        }
        self.tell(Event::Spread(&spread(self.manner)))?;
        self.tell(Event::Channel(ChannelUpdate {
            stream: FEED,
            state: ChannelState::Live,
            epoch: 1,
            packet_seq_no: 1,
            missing: 0,
        }))?;
        self.tell(Event::Command(Command {
            kind: CommandKind::Arm,
            scope: Scope::All,
            operator: 1,
            command_id: 1,
        }))?;
        let book = book(1, 0, self.now);
        self.tell(Event::Quote { quote: &book, more: false })?;
        self.quote()
    }

    /// A quote at which the spread fires if it may; what rests leans on it, and every other one is
    /// a step away from the last.
    fn quote(&mut self) -> Result<(), Violation> {
        let by = if self.manner == Manner::Rests { self.quotes / 2 % 2 } else { 0 };
        self.quotes += 1;
        let book = book(0, by, self.now);
        self.tell(Event::Quote { quote: &book, more: false })
    }

    fn session(&mut self, leg: usize, state: SessionState) -> Result<(), Violation> {
        let gateway = GatewayIndex(u8::try_from(leg).expect("two legs"));
        self.tell(Event::Session(SessionUpdate { stream: session(leg), gateway, state }))
    }

    fn take(&mut self, leg: usize, step: Step) -> Result<(), Violation> {
        let Some(venue) = self.venues[leg] else {
            return self.tell(Event::Tick);
        };
        let cum = venue.cum;
        let open = venue.order.qty_lots.saturating_sub(cum);
        match step {
            Step::Ack => self.report(leg, OrderEventKind::Accepted),
            Step::Reject => self.report(leg, OrderEventKind::Rejected),
            Step::Partial => self.fill(leg, 1),
            Step::Fill => self.fill(leg, open.max(1)),
            Step::CancelAck => self.report(leg, OrderEventKind::Cancelled),
            Step::CancelReject => self.report(leg, OrderEventKind::CancelRejected),
            Step::Again => self.tell(Event::Order(venue.last)),
            Step::FillAfterCancel => {
                self.report(leg, OrderEventKind::Cancelled)?;
                self.fill(leg, 1)
            }
            Step::Disconnect => self.session(leg, SessionState::Down),
            Step::Reconnect => self.session(leg, SessionState::Up),
            Step::Timeout => {
                self.now = self.now.after(TIMEOUT);
                self.tell(Event::Tick)
            }
        }
    }

    fn report(&mut self, leg: usize, kind: OrderEventKind) -> Result<(), Violation> {
        let Some(venue) = &mut self.venues[leg] else {
            return Ok(());
        };
        venue.last = report(&venue.order, kind, venue.cum);
        let event = venue.last;
        self.tell(Event::Order(event))
    }

    fn fill(&mut self, leg: usize, lots: u32) -> Result<(), Violation> {
        self.executions += 1;
        let Some(venue) = &mut self.venues[leg] else {
            return Ok(());
        };
        venue.cum += lots;
        venue.last = OrderEvent {
            exec_id: self.executions,
            price_e9: venue.order.price_e9,
            qty_lots: lots,
            ..report(&venue.order, OrderEventKind::Filled, venue.cum)
        };
        let event = venue.last;
        self.tell(Event::Order(event))
    }

    /// Time goes on until the desk waits for nothing; then it may fire once more.
    fn come_to_rest(&mut self) -> Result<(), Violation> {
        for _ in 0..24 {
            let deadline = self.desk.next_deadline();
            if deadline == MonoNs::NEVER {
                self.checker.at_rest()?;
                return self.quote();
            }
            self.now = self.now.max(deadline);
            self.tell(Event::Tick)?;
        }
        let what = "the desk never comes to rest".to_owned();
        Err(Violation { invariant: "L1", at: self.now, what })
    }
}

const FEED: StreamId = StreamId(1);
const ACCOUNT: AccountId = AccountId(1);
const TICK_E9: i64 = 1_000_000_000;

fn session(leg: usize) -> StreamId {
    StreamId(10 + u16::try_from(leg).expect("two legs"))
}

fn gateway(row: u8) -> GatewayLimits {
    GatewayLimits {
        gateway: GatewayIndex(row),
        max_messages: 100,
        rate_window: Span(TIMEOUT.0),
        max_open_orders: 4,
        asks_status: false,
    }
}

fn limits(account: AccountId) -> AccountLimits {
    AccountLimits {
        account,
        max_order_lots: 10,
        max_position_lots: 40,
        max_open_orders: 8,
        max_messages: 100,
        rate_window: Span(TIMEOUT.0),
    }
}

fn instrument(row: u8) -> InstrumentSpec {
    InstrumentSpec {
        instrument: InstrumentIndex(row.into()),
        feed: FEED,
        gateway: GatewayIndex(row),
        is_tradable: true,
        security_id: 100 + i32::from(row),
        tick_e9: TICK_E9,
        multiplier_e9: TICK_E9,
        max_order_lots: 3,
        max_order_value: 1_000,
        max_position_lots: 6,
        min_price_e9: 0,
        max_price_e9: 1_000 * TICK_E9,
        collar_e9: 5 * TICK_E9,
        collar_fraction_e9: i64::MAX,
        max_open_orders: 2,
        max_messages: 100,
        rate_window: TIMEOUT,
        offset_rule: OffsetRule::Net,
        close_first: CloseFirst::Yesterday,
    }
}

/// Buys two lots of leg 0 and sells three of leg 1, at most twice.
/// One unit a fire; two where the other leg can follow the first of them. What rests is of leg 1,
/// offered at one more than leg 0 costs.
fn spread(manner: Manner) -> SpreadSpec {
    let rests = manner == Manner::Rests;
    let legs_first =
        if manner == Manner::OneFirst { LegsFirst::LeastLiquid } else { LegsFirst::Together };
    let resting = WorkSpec { leg: 1, slop_e9: 0, lag_e9: 0, improve_e9: 0, behind_e9: 3 * TICK_E9 };
    let leg = |row: u32, ratio_lots: i32| LegSpec {
        instrument: InstrumentIndex(row),
        ratio_lots,
        coefficient_q32: i64::from(ratio_lots.signum()) * ONE_Q32,
        pay_up_e9: 0,
        min_lean_lots: 0,
    };
    SpreadSpec {
        spread: SpreadIndex(0),
        strategy: StrategyId(1),
        account: ACCOUNT,
        project: ProjectId(1),
        is_enabled: true,
        leg_count: 2,
        legs: [leg(0, 2), leg(1, -3), LegSpec::NONE, LegSpec::NONE],
        constant_e9: 0,
        trigger: TriggerSpec::PLAIN,
        buy_open_e9: if rests { -TICK_E9 } else { 0 },
        buy_close_e9: i64::MAX,
        sell_open_e9: i64::MAX,
        sell_close_e9: i64::MIN,
        max_units: 2,
        clip_units: if manner == Manner::Together { 1 } else { 2 },
        hysteresis_e9: 0,
        cool_down: Span(0),
        max_fires: 60,
        fire_window: TIMEOUT,
        max_quote_age: Span(100 * TIMEOUT.0),
        max_quote_skew: Span(100 * TIMEOUT.0),
        ack_timeout: TIMEOUT,
        time_in_force: TimeInForce::FillAndKill,
        hedge: HedgeFlag::Arbitrage,
        repair: RepairSpec { tries: 2, within: Span(2 * TIMEOUT.0), ..RepairSpec::NONE },
        loss: LossSpec::NONE,
        legs_first,
        work: if rests { resting } else { WorkSpec::NONE },
    }
}

/// Leg 0 at 99 to 100, leg 1 at 100 to 101: buying the spread costs nothing. All of it by so much
/// higher.
fn book(row: u8, by: i64, now: MonoNs) -> Quote {
    let bid = 99 + i64::from(row) + by;
    let side = |price: i64, empty: Depth| {
        let mut depth = Depth { count: 1, ..empty };
        (depth.price_e9[0], depth.lots[0]) = (price * TICK_E9, 50);
        depth
    };
    Quote {
        received: now,
        instrument: InstrumentIndex(row.into()),
        epoch: 1,
        stream: FEED,
        quality: QuoteQuality::Good,
        bids: side(bid, Depth::NO_BIDS),
        asks: side(bid + 1, Depth::NO_ASKS),
        ..Quote::EMPTY
    }
}

fn report(order: &OrderCommand, kind: OrderEventKind, cum_lots: u32) -> OrderEvent {
    OrderEvent {
        kind,
        order_id: order.order_id,
        venue_order_id: order.order_id.0,
        exec_id: 0,
        stream: session(usize::from(order.leg)),
        seq_no: 0,
        side: order.side,
        price_e9: 0,
        qty_lots: 0,
        cum_lots,
        leaves_lots: order.qty_lots.saturating_sub(cum_lots),
        reason: 0,
        exchange: UnixNs(0),
        received: MonoNs(0),
    }
}
