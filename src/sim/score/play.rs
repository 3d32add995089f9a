//! A desk in the score's market, on virtual time: quotes to it, orders from it, and what it wrote.
//!
//! Both ways to trade are played by this: the legs all at once, or one after the other. All that is
//! different is when orders leave (`Apart`).

use serde::Serialize;
use xmc_hotpath::desk::{Desk, Outputs, SpreadState};
use xmc_hotpath::message::{
    AccountId, AccountLimits, ChannelState, ChannelUpdate, CloseFirst, Command, CommandKind,
    Credits, Event, GatewayIndex, GatewayLimits, HedgeFlag, Input, InstrumentIndex, InstrumentSpec,
    LegSpec, LegsFirst, LossSpec, OffsetRule, OrderAction, OrderCommand, OrderEvent, ProjectId,
    Quote, QuoteQuality, RepairEnd, RepairSpec, Scope, SessionState, SessionUpdate, SpreadIndex,
    SpreadSpec, StrategyId, StreamId, TimeInForce, TriggerSpec, WorkSpec,
};
use xmc_hotpath::price::ONE_Q32;
use xmc_hotpath::record::frame::Start;
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

use super::market::{Path, TICK_E9};
use super::venue::MatchingVenue;
use crate::engine::memory::{DeskMemory, DeskSize};
use crate::sim::agenda::Agenda;
use crate::sim::checker::{Checker, Violation};
use crate::sim::network::{Delay, Link};
use crate::sim::tape::{self, Tape};
use crate::sim::world::IDENTITY;

/// When the desk is set up.
pub const START: MonoNs = MonoNs(1_000_000);

const US: u64 = 1_000;
const MS: u64 = 1_000_000;
const SECOND: Span = Span(1_000 * MS);
const ONE_E9: i64 = 1_000_000_000;
const ACCOUNT: AccountId = AccountId(7);
const SPREAD: SpreadIndex = SpreadIndex(0);
const SIZE: DeskSize = DeskSize { instruments: 2, spreads: 1, orders: 64 };

/// How long a person takes to see to a spread that was halted.
pub const CLEARED_AFTER: Span = Span(5_000 * MS);

/// Things that may happen after the market has closed, until nothing is under way.
const MOST_AT_END: u32 = 10_000;

/// One way to each venue and back from it, at home and abroad: messages take that long.
pub const WIRE: [Delay; 2] = [
    Delay { least_ns: 100 * US, spread_ns: 200 * US },
    Delay { least_ns: 1_000 * US, spread_ns: 1_000 * US },
];

/// The longest that a quote is on its way, with what orders on the line may add.
pub const MOST_WIRE: Span = Span(5 * MS);

/// The legs leave one after the other.
///
/// Of the new orders that follow from one input, those of the first leg leave at once. Those of the
/// next leg are held back on their way to the venue for a time that is drawn anew for each such
/// batch, evenly from `least_ms` to `most_ms`; those of a third for another such time, and so on.
/// What the desk sends to the same venue meanwhile stays behind them. A repair that trades one leg
/// is a batch of one leg and leaves at once. The desk is not told of any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Apart {
    /// At least, in milliseconds.
    pub least_ms: u64,
    /// At most.
    pub most_ms: u64,
}

impl Apart {
    fn draw(self, rng: &mut fastrand::Rng) -> u64 {
        rng.u64(self.least_ms * MS..=self.most_ms * MS)
    }
}

/// What a desk wrote.
#[derive(Clone, Debug)]
pub struct Played {
    /// How the record begins.
    pub start: Start,
    /// The record, as the journal's bytes.
    pub record: Vec<u8>,
}

enum Happening {
    /// The next change of the market.
    Moves,
    Quote(Box<Quote>),
    Arrives(Box<OrderCommand>),
    Report(Box<OrderEvent>),
    /// A person has seen to the spread.
    Cleared,
}

struct World<'a> {
    desk: Desk<'a>,
    outputs: Outputs,
    checker: Checker,
    tape: Tape,
    agenda: Agenda<Happening>,
    now: MonoNs,
    path: &'a Path,
    /// Changes of the market that have happened.
    moved: usize,
    feeds: [Link; 2],
    up: [Link; 2],
    down: [Link; 2],
    venues: [MatchingVenue; 2],
    /// Delays of the wires, and how far legs are apart.
    rng: fastrand::Rng,
    apart: Option<Apart>,
    apart_rng: fastrand::Rng,
    packets: u32,
    commands: u64,
    is_clearing: bool,
}

/// Plays a desk in the market of `path`. `seed` is for what is not the market: delays.
///
/// # Errors
/// The first invariant that does not hold.
pub fn play(
    path: &Path,
    spec: &SpreadSpec,
    wire: [Delay; 2],
    apart: Option<Apart>,
    seed: u64,
) -> Result<Played, Violation> {
    let mut arenas = DeskMemory::new(SIZE);
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x7363_6f72);
    let link = |venue: usize| Link::ordered(wire[venue]);
    let venue = |venue: usize| MatchingVenue::new(session(venue), (venue as u64 + 1) << 32);
    let mut world = World {
        desk: Desk::new(IDENTITY, arenas.lend()),
        outputs: Outputs::new(),
        checker: Checker::default(),
        tape: Tape::new(IDENTITY, SIZE.instruments),
        agenda: Agenda::new(rng.u64(..)),
        now: START,
        path,
        moved: 0,
        feeds: [link(0), link(1)],
        up: [link(0), link(1)],
        down: [link(0), link(1)],
        venues: [venue(0), venue(1)],
        apart_rng: fastrand::Rng::with_seed(rng.u64(..)),
        rng,
        apart,
        packets: 0,
        commands: 0,
        is_clearing: false,
    };
    world.set_up(spec)?;
    world.trade()?;
    let (record, at) = (world.tape.bytes().to_vec(), world.now);
    drop(world);
    let mut arenas = DeskMemory::new(SIZE);
    let mut desk = Desk::new(IDENTITY, arenas.lend());
    tape::replay(&record, SIZE.instruments, &mut desk).map_err(|what| Violation {
        invariant: "S15",
        at,
        what,
    })?;
    let start = tape::start(IDENTITY, SIZE, START);
    Ok(Played { start, record })
}

impl World<'_> {
    fn set_up(&mut self, spec: &SpreadSpec) -> Result<(), Violation> {
        for venue in 0..2 {
            let state = SessionState::Up;
            let gateway = gateway(venue);
            self.tell(Event::Gateway(limits(gateway)))?;
            self.tell(Event::Session(SessionUpdate { stream: session(venue), gateway, state }))?;
        }
        for account in [ACCOUNT, AccountId::ALL] {
            self.tell(Event::Account(account_limits(account)))?;
        }
        for venue in 0..2 {
            self.tell(Event::Instrument(&instrument(venue)))?;
            self.tell(Event::Channel(ChannelUpdate {
                stream: feed(venue),
                state: ChannelState::Live,
                epoch: 1,
                packet_seq_no: 0,
                missing: 0,
            }))?;
        }
        self.tell(Event::Spread(spec))?;
        self.command(CommandKind::Arm, Scope::All)?;
        self.plan_move();
        Ok(())
    }

    fn plan_move(&mut self) {
        if let Some(next) = self.path.moves.get(self.moved) {
            self.agenda.push(next.at, Happening::Moves);
        }
    }

    /// Lets things happen until nothing is under way.
    fn trade(&mut self) -> Result<(), Violation> {
        let mut left = MOST_AT_END;
        loop {
            let (deadline, next) = (self.desk.next_deadline(), self.agenda.next_at());
            if deadline == MonoNs::NEVER && next == MonoNs::NEVER {
                return self.checker.at_rest();
            }
            if self.moved == self.path.moves.len() {
                left -= 1;
            }
            if left == 0 {
                let what = format!("still under way: {}, asks for {deadline:?}", self.agenda.len());
                return Err(Violation { invariant: "L1", at: self.now, what });
            }
            if deadline <= next {
                self.now = self.now.max(deadline);
                self.tell(Event::Tick)?;
            } else if let Some((at, happening)) = self.agenda.pop() {
                self.now = self.now.max(at);
                self.take(happening)?;
            }
        }
    }

    fn take(&mut self, happening: Happening) -> Result<(), Violation> {
        match happening {
            Happening::Moves => {
                let path = self.path;
                let change = &path.moves[self.moved];
                self.venues[change.venue].change(&change.book);
                self.moved += 1;
                self.publish(change.venue);
                self.plan_move();
                Ok(())
            }
            Happening::Quote(mut quote) => {
                quote.received = self.now;
                self.tell(Event::Quote { quote: &quote, more: false })
            }
            Happening::Arrives(command) => {
                let venue = usize::from(command.gateway.0);
                let before = self.venues[venue].shown();
                for event in self.venues[venue].request(self.now, &command) {
                    let at = carry(&mut self.down[venue], self.now, &mut self.rng);
                    self.agenda.push(at, Happening::Report(Box::new(event)));
                }
                if self.venues[venue].shown() != before {
                    self.publish(venue);
                }
                Ok(())
            }
            Happening::Report(mut event) => {
                event.received = self.now;
                self.tell(Event::Order(*event))
            }
            Happening::Cleared => {
                self.is_clearing = false;
                self.command(CommandKind::ClearHalt, Scope::Spread(SPREAD))?;
                self.command(CommandKind::Enable, Scope::Spread(SPREAD))
            }
        }
    }

    /// A venue shows its book to whoever listens.
    fn publish(&mut self, venue: usize) {
        self.packets += 1;
        let (bids, asks) = self.venues[venue].shown();
        let quote = Quote {
            received: self.now,
            exchange: UnixNs(self.now.0),
            instrument: row(venue),
            epoch: 1,
            packet_seq_no: self.packets,
            skipped: 0,
            stream: feed(venue),
            quality: QuoteQuality::Good,
            bids,
            asks,
        };
        let at = carry(&mut self.feeds[venue], self.now, &mut self.rng);
        self.agenda.push(at, Happening::Quote(Box::new(quote)));
    }

    fn command(&mut self, kind: CommandKind, scope: Scope) -> Result<(), Violation> {
        self.commands += 1;
        let command_id = self.commands;
        self.tell(Event::Command(Command { kind, scope, operator: 1, command_id }))
    }

    fn tell(&mut self, event: Event<'_>) -> Result<(), Violation> {
        let input = Input { now: self.now, credits: Credits::FULL, event };
        self.desk.on(&input, &mut self.outputs);
        self.tape.add(&input, &self.outputs);
        self.checker.check(&input, &self.outputs, &self.desk)?;
        self.send();
        let spread = &self.desk.spreads()[0];
        let is_over = spread.state == SpreadState::Halted && spread.fire.is_none();
        if is_over && !self.is_clearing {
            self.is_clearing = true;
            self.agenda.push(self.now.after(CLEARED_AFTER), Happening::Cleared);
        }
        Ok(())
    }

    /// Puts what the desk sends on its way.
    fn send(&mut self) {
        let mut last_leg = None;
        let mut held_ns = 0;
        for command in self.outputs.orders() {
            let is_new = command.action == OrderAction::New;
            if is_new && last_leg.is_some_and(|leg| leg != command.leg) {
                held_ns += self.apart.map_or(0, |apart| apart.draw(&mut self.apart_rng));
            }
            if is_new {
                last_leg = Some(command.leg);
            }
            let venue = usize::from(command.gateway.0);
            let leaves = self.now.after(Span(if is_new { held_ns } else { 0 }));
            let at = carry(&mut self.up[venue], leaves, &mut self.rng);
            self.agenda.push(at, Happening::Arrives(Box::new(*command)));
        }
    }
}

/// When what is sent `now` arrives: links lose and double nothing here.
fn carry(link: &mut Link, now: MonoNs, rng: &mut fastrand::Rng) -> MonoNs {
    let [at, _] = link.carry(now, rng);
    at.expect("a link without faults")
}

fn row(venue: usize) -> InstrumentIndex {
    InstrumentIndex(u32::try_from(venue).expect("two venues"))
}

fn gateway(venue: usize) -> GatewayIndex {
    GatewayIndex(u8::try_from(venue).expect("two venues"))
}

fn feed(venue: usize) -> StreamId {
    StreamId(1 + u16::try_from(venue).expect("two venues"))
}

fn session(venue: usize) -> StreamId {
    StreamId(10 + u16::try_from(venue).expect("two venues"))
}

fn limits(gateway: GatewayIndex) -> GatewayLimits {
    GatewayLimits {
        gateway,
        max_messages: 1_000,
        rate_window: SECOND,
        max_open_orders: 50,
        asks_status: false,
    }
}

fn account_limits(account: AccountId) -> AccountLimits {
    AccountLimits {
        account,
        max_order_lots: 100,
        max_position_lots: 100_000,
        max_open_orders: 50,
        max_messages: 1_000,
        rate_window: SECOND,
    }
}

fn instrument(venue: usize) -> InstrumentSpec {
    InstrumentSpec {
        instrument: row(venue),
        feed: feed(venue),
        gateway: gateway(venue),
        is_tradable: true,
        security_id: 100 + i32::try_from(venue).expect("two venues"),
        tick_e9: TICK_E9,
        multiplier_e9: 1_000 * ONE_E9,
        max_order_lots: 100,
        max_order_value: 1_000_000_000,
        max_position_lots: 50_000,
        min_price_e9: i64::MIN,
        max_price_e9: i64::MAX,
        collar_e9: 50 * TICK_E9,
        collar_fraction_e9: i64::MAX,
        max_open_orders: 20,
        max_messages: 120,
        rate_window: SECOND,
        offset_rule: OffsetRule::Net,
        close_first: CloseFirst::Yesterday,
    }
}

/// The level that the spread is bought at and below, and sold at and above it on the other side
/// of zero, in ticks.
pub const LEVEL_TICKS: i64 = 3;

/// The spread: a lot at home against a lot abroad, bought at three ticks below zero and sold at
/// three above, whether that opens or closes.
#[must_use]
pub fn spread() -> SpreadSpec {
    let leg = |venue: usize, ratio_lots: i32| LegSpec {
        instrument: row(venue),
        ratio_lots,
        coefficient_q32: i64::from(ratio_lots) * ONE_Q32,
        pay_up_e9: TICK_E9,
        min_lean_lots: 0,
    };
    let level_e9 = LEVEL_TICKS * TICK_E9;
    SpreadSpec {
        spread: SPREAD,
        strategy: StrategyId(1),
        account: ACCOUNT,
        project: ProjectId(1),
        is_enabled: true,
        leg_count: 2,
        legs: [leg(0, 1), leg(1, -1), LegSpec::NONE, LegSpec::NONE],
        constant_e9: 0,
        trigger: TriggerSpec::PLAIN,
        buy_open_e9: -level_e9,
        buy_close_e9: level_e9,
        sell_open_e9: level_e9,
        sell_close_e9: -level_e9,
        max_units: 10_000,
        clip_units: 5,
        hysteresis_e9: 0,
        cool_down: Span(20 * MS),
        max_fires: 60,
        fire_window: SECOND,
        max_quote_age: SECOND,
        max_quote_skew: SECOND,
        // Longer than legs can be apart: no order is given up that is only held back.
        ack_timeout: SECOND,
        time_in_force: TimeInForce::FillAndKill,
        hedge: HedgeFlag::Arbitrage,
        repair: RepairSpec {
            tries: 3,
            then: RepairEnd::Flatten,
            within: SECOND,
            max_cost_e9: i64::MAX,
            money_q32: 1_000 * ONE_Q32,
            ..RepairSpec::NONE
        },
        loss: LossSpec::NONE,
        legs_first: LegsFirst::Together,
        work: WorkSpec::NONE,
    }
}
