//! One schedule at the desk level: market, sessions and venues around a desk, on virtual time.
//!
//! The desk is stepped directly with inputs, as its stage would step it, and the checker looks at
//! it after each. At the end faults stop, everything that can still arrive arrives, and the record
//! is replayed on a fresh desk.

mod ends;
mod feed;
mod operator;
mod outcome;
mod venues;

pub use ends::Ends;
pub use outcome::Outcome;

use std::collections::{BTreeMap, BTreeSet};

use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::{
    AccountLimits, AlertKind, ChannelState, ChannelUpdate, ClockScale, Command, CommandKind,
    Control, Credits, DeskId, DeskIdentity, Event, GatewayLimits, Input, InstrumentIndex,
    InstrumentSpec, OrderCommand, OrderEvent, OrderEventKind, OrderId, Quote, QuoteQuality, Scope,
    SessionState, SiteId, SpreadIndex, SpreadSpec, StreamId,
};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

use crate::engine::memory::{DeskMemory, DeskSize};
use crate::sim::agenda::Agenda;
use crate::sim::checker::{Checker, Violation};
use crate::sim::endings::Endings;
use crate::sim::fault::{Fault, Faults};
use crate::sim::ledger::Booking;
use crate::sim::market::Market;
use crate::sim::network::Delay;
use crate::sim::plan::{self, Plan, Regime, Seed};
use crate::sim::session::{Generation, Line};
use crate::sim::situation::Situation;
use crate::sim::tape::{self, Tape};
use crate::sim::venue::{Manners, ToyVenue, Venue};

/// Whose desk is simulated.
pub const IDENTITY: DeskIdentity = DeskIdentity { site: SiteId(1), desk: DeskId(2), run: 3 };

/// When a schedule starts, ns.
const START: u64 = 1_000_000;

/// Time between two heartbeats of a session.
const HEARTBEAT_NS: u64 = 2_000_000;

/// The same where venues answer: what takes microseconds otherwise takes milliseconds there.
const ANSWERING_HEARTBEAT_NS: u64 = 500_000_000;

/// Steps of the market until the last fire has ended, where it goes on until then.
const MOST_STEPS_AT_END: u32 = 10_000;

/// More happenings than this after the market has stopped, and it does not come to rest.
const MOST_AT_END: u32 = 20_000;

/// A desk that asks for more ticks in a row than this asks for ever.
const MOST_TICKS: u32 = 100;

/// Is shown an input and what followed from it.
pub type Watch<'a> = dyn FnMut(&Input<'_>, &Outputs) + 'a;

/// What is going to happen.
#[derive(Clone, Debug)]
enum Happening {
    /// The market moves.
    Step,
    /// Quotes arrive together.
    Quotes(Vec<Quote>),
    Channel(ChannelUpdate),
    /// A channel has recovered.
    Recovered(usize),
    /// A command reaches its venue.
    Arrives {
        gateway: usize,
        generation: Generation,
        command: OrderCommand,
    },
    /// A venue does what it has planned.
    Venue(usize),
    /// A report reaches the gateway.
    Report {
        gateway: usize,
        generation: Generation,
        number: usize,
    },
    /// The gateway itself says something.
    Gateway(OrderEvent),
    Heartbeat(usize),
    /// The venue sends again what is missing.
    Resend {
        gateway: usize,
        generation: Generation,
    },
    Cut(usize),
    Connect(usize),
    Command(Command),
    Clock(ClockScale),
    Specify(Box<Control>),
}

struct Channel {
    state: ChannelState,
    epoch: u32,
    /// Steps for which nothing comes.
    silent: u32,
}

/// One schedule of so many is replayed once more through a snapshot.
const RESTORE_EVERY: u64 = 8;

/// Runs the schedule of `seed`.
///
/// # Errors
/// The first invariant that does not hold.
pub fn run(seed: Seed) -> Result<Outcome, Violation> {
    run_watched(seed, &mut |_, _| {})
}

/// Runs the schedule of `seed` and shows `watch` every input with what followed from it.
///
/// # Errors
/// The first invariant that does not hold.
pub fn run_watched(seed: Seed, watch: &mut Watch<'_>) -> Result<Outcome, Violation> {
    let plan = Plan::draw(seed);
    let mut arenas = DeskMemory::new(size(&plan));
    let mut world = World::new(&plan, &mut arenas, watch);
    world.set_up()?;
    world.trade()?;
    world.come_to_rest()?;
    world.compare()?;
    let mut outcome = world.outcome();
    let bytes = world.tape.bytes().to_vec();
    outcome.record_bytes = bytes.len() as u64;
    let at = world.now;
    drop(world);
    let mut arenas = DeskMemory::new(size(&plan));
    let mut desk = Desk::new(IDENTITY, arenas.lend());
    let replayed = tape::replay(&bytes, plan.instruments.len(), &mut desk);
    let replayed = replayed.map_err(|what| Violation { invariant: "S15", at, what })?;
    if replayed != outcome.inputs {
        let what = format!("{replayed} of {} inputs were replayed", outcome.inputs);
        return Err(Violation { invariant: "S15", at, what });
    }
    if seed.seed.is_multiple_of(RESTORE_EVERY) {
        let state = tape::state(&desk);
        restore(&plan, &bytes, replayed, &state).map_err(|what| Violation {
            invariant: "S15",
            at,
            what,
        })?;
        outcome.snapshots = 1;
    }
    Ok(outcome)
}

fn size(plan: &Plan) -> DeskSize {
    let (instruments, spreads) = (plan.instruments.len(), plan.spreads.len());
    DeskSize { instruments, spreads, orders: plan.orders }
}

/// A desk that was restored from a snapshot somewhere on the way ends as the one that was not.
fn restore(plan: &Plan, bytes: &[u8], inputs: u64, state: &[u8]) -> Result<(), String> {
    let (mut first, mut then) = (DeskMemory::new(size(plan)), DeskMemory::new(size(plan)));
    let at = fastrand::Rng::with_seed(plan.seed.seed).u64(..=inputs);
    let (desk, storage) = (Desk::new(IDENTITY, first.lend()), then.lend());
    let ended = tape::replay_restored(bytes, plan.instruments.len(), desk, storage, at);
    let ended = ended.map_err(|what| format!("restored behind input {at}: {what}"))?;
    if ended == state {
        Ok(())
    } else {
        Err(format!("restored behind input {at}, the desk ends in another state"))
    }
}

struct World<'a> {
    plan: &'a Plan,
    watch: &'a mut Watch<'a>,
    desk: Desk<'a>,
    outputs: Outputs,
    checker: Checker,
    tape: Tape,
    agenda: Agenda<Happening>,
    /// Happenings planned that are not heartbeats.
    planned: u32,
    now: MonoNs,
    rng: fastrand::Rng,
    faults: Faults,
    market: Market,
    channels: Vec<Channel>,
    instruments: Vec<InstrumentSpec>,
    spreads: Vec<SpreadSpec>,
    gateways: Vec<GatewayLimits>,
    lines: Vec<Line>,
    venues: Vec<ToyVenue>,
    /// When each venue will be looked at, at the latest.
    wakes: Vec<MonoNs>,
    /// Bookings looked at, per venue.
    seen: Vec<usize>,
    /// Bookings that the desk has not been told of.
    untold: BTreeMap<u64, Booking>,
    /// Bookings told when the desk no longer knew the order.
    orphans: Vec<Booking>,
    /// Orders of which the venue broke its own rules.
    tainted: BTreeSet<u64>,
    /// Some session lost its memory.
    is_amnesic: bool,
    /// The deadline that the desk asked for, and when it will be called for it.
    asked: MonoNs,
    called: MonoNs,
    /// Ticks since something else happened.
    ticks: u32,
    steps: u32,
    packets: u32,
    inputs: u64,
    ends: Ends,
    endings: Endings,
    commands: u64,
}

impl<'a> World<'a> {
    fn new(plan: &'a Plan, arenas: &'a mut DeskMemory, watch: &'a mut Watch<'a>) -> Self {
        let mut rng = fastrand::Rng::with_seed(plan.seed.seed ^ 0x5bd1_e995);
        let venue = |(gateway, rng): (usize, &mut fastrand::Rng)| {
            let manners = Manners {
                ack: plan.ack,
                fill: Delay { least_ns: 200, spread_ns: 20_000 },
                late: Delay { least_ns: 200_000, spread_ns: 3_000_000 },
                cancels_on_disconnect: plan.cancels_on_disconnect,
                tick_e9: plan.tick_e9,
                first_number: (gateway as u64 + 1) << 32,
            };
            ToyVenue::new(manners, plan.faults.clone(), rng.u64(..))
        };
        let venues = (0..plan.gateways.len()).map(|gateway| venue((gateway, &mut rng))).collect();
        let line = |(row, limits): (usize, &GatewayLimits)| {
            Line::new(limits.gateway, Plan::session(row), plan.wire)
        };
        let channel = |_| Channel { state: ChannelState::Down, epoch: 0, silent: 0 };
        Self {
            desk: Desk::new(IDENTITY, arenas.lend()),
            outputs: Outputs::new(),
            checker: Checker::default(),
            tape: Tape::new(IDENTITY, plan.instruments.len()),
            agenda: Agenda::new(rng.u64(..)),
            planned: 0,
            now: MonoNs(START),
            faults: plan.faults.clone(),
            market: Market::new(
                rng.u64(..),
                plan.instruments.len(),
                plan.tick_e9,
                plan.common_ticks,
                plan.most_lots,
            ),
            channels: (0..plan.channels).map(channel).collect(),
            instruments: plan.instruments.clone(),
            spreads: plan.spreads.clone(),
            gateways: plan.gateways.clone(),
            lines: plan.gateways.iter().enumerate().map(line).collect(),
            venues,
            wakes: vec![MonoNs::NEVER; plan.gateways.len()],
            seen: vec![0; plan.gateways.len()],
            untold: BTreeMap::new(),
            orphans: Vec::new(),
            tainted: BTreeSet::new(),
            is_amnesic: false,
            asked: MonoNs::NEVER,
            called: MonoNs::NEVER,
            ticks: 0,
            steps: plan.steps,
            packets: 0,
            inputs: 0,
            ends: Ends::default(),
            endings: Endings::default(),
            commands: 0,
            rng,
            plan,
            watch,
        }
    }

    fn strikes(&mut self, fault: Fault) -> bool {
        self.faults.strikes(fault, &mut self.rng)
    }

    fn after(&self, ns: u64) -> MonoNs {
        self.now.after(Span(ns))
    }

    fn push(&mut self, at: MonoNs, happening: Happening) {
        if !matches!(happening, Happening::Heartbeat(_)) {
            self.planned += 1;
        }
        self.agenda.push(at, happening);
    }

    /// Tells the desk what it needs before it can trade.
    fn set_up(&mut self) -> Result<(), Violation> {
        for limits in self.gateways.clone() {
            self.tell(Event::Gateway(limits))?;
        }
        for limits in self.plan.accounts {
            self.tell(Event::Account(limits))?;
        }
        for spec in self.instruments.clone() {
            self.tell(Event::Instrument(&spec))?;
            let is_held = self.rng.bool();
            if is_held && !self.is_answering() {
                let held = plan::held(&mut self.rng, spec.instrument);
                self.tell(Event::Held(held))?;
            }
        }
        for spec in self.spreads.clone() {
            self.tell(Event::Spread(&spec))?;
        }
        for breakers in self.plan.breakers.iter().flatten().copied() {
            self.tell(Event::Breakers(breakers))?;
        }
        for rule in self.plan.rules.clone() {
            self.tell(Event::Rule(&rule))?;
        }
        for gateway in 0..self.lines.len() {
            if let Some(update) = self.lines[gateway].connect(true) {
                self.tell(Event::Session(update))?;
            }
            let at = self.after(self.heartbeat_ns() + gateway as u64);
            self.push(at, Happening::Heartbeat(gateway));
        }
        for channel in 0..self.channels.len() {
            self.recovered(channel)?;
        }
        self.tell(Event::Command(self.command(CommandKind::Arm, Scope::All)))?;
        self.push(self.now, Happening::Step);
        Ok(())
    }

    /// Lets things happen until the market has made all its steps.
    fn trade(&mut self) -> Result<(), Violation> {
        while self.steps > 0 {
            self.happen()?;
        }
        if self.is_answering() {
            // Books stay live until no fire needs them any more.
            self.order(self.now, CommandKind::Disable, Scope::All);
            for _ in 0..MOST_STEPS_AT_END {
                self.step()?;
                let pace_ns = self.plan.pace.draw(&mut self.rng);
                let until = self.after(pace_ns);
                while self.agenda.next_at().min(self.desk.next_deadline()) < until {
                    self.happen()?;
                }
                self.now = until;
                if self.desk.spreads().iter().all(|row| row.fire.is_none()) {
                    break;
                }
            }
        }
        Ok(())
    }

    fn is_answering(&self) -> bool {
        self.plan.seed.regime == Regime::Answering
    }

    pub(super) fn heartbeat_ns(&self) -> u64 {
        if self.is_answering() { ANSWERING_HEARTBEAT_NS } else { HEARTBEAT_NS }
    }

    /// Stops all faults and lets happen what is still on its way.
    fn come_to_rest(&mut self) -> Result<(), Violation> {
        self.faults.keep(0);
        for venue in &mut self.venues {
            venue.behave();
        }
        for line in &mut self.lines {
            line.is_mute = false;
        }
        for _ in 0..MOST_AT_END {
            let is_quiet = self.planned == 0
                && self.desk.next_deadline() == MonoNs::NEVER
                && self.lines.iter().all(|line| line.is_connected() && line.is_whole());
            if is_quiet {
                return self.checker.at_rest();
            }
            self.happen()?;
        }
        let what = format!("{} happenings are still planned", self.planned);
        Err(Violation { invariant: "L1", at: self.now, what })
    }

    /// The next thing happens: a deadline of the desk or an entry of the agenda.
    fn happen(&mut self) -> Result<(), Violation> {
        let deadline = self.desk.next_deadline();
        if deadline != self.asked {
            let late = if self.strikes(Fault::LateTick) { self.rng.u64(..500_000) } else { 0 };
            (self.asked, self.called) = (deadline, deadline.after(Span(late)));
        }
        if self.called <= self.agenda.next_at() && self.called != MonoNs::NEVER {
            self.now = self.now.max(self.called);
            (self.asked, self.called) = (MonoNs::NEVER, MonoNs::NEVER);
            self.ticks += 1;
            if self.ticks > MOST_TICKS {
                let what = format!("{} ticks in a row, it still asks for {deadline:?}", self.ticks);
                return Err(Violation { invariant: "L1", at: self.now, what });
            }
            return self.tell(Event::Tick);
        }
        self.ticks = 0;
        let Some((at, happening)) = self.agenda.pop() else {
            return Ok(());
        };
        self.now = self.now.max(at);
        if !matches!(happening, Happening::Heartbeat(_)) {
            self.planned -= 1;
        }
        self.take(happening)
    }

    fn take(&mut self, happening: Happening) -> Result<(), Violation> {
        match happening {
            Happening::Step => self.step(),
            Happening::Quotes(quotes) => self.quotes(&quotes),
            Happening::Channel(update) => self.tell(Event::Channel(update)),
            Happening::Recovered(channel) => self.recovered(channel),
            Happening::Arrives { gateway, generation, command } => {
                if self.lines[gateway].generation() == generation {
                    self.venues[gateway].request(self.now, &command);
                    self.poll_venue(gateway);
                }
                Ok(())
            }
            Happening::Venue(gateway) => {
                self.wakes[gateway] = MonoNs::NEVER;
                self.poll_venue(gateway);
                Ok(())
            }
            Happening::Report { gateway, generation, number } => {
                self.report(gateway, generation, number)
            }
            Happening::Gateway(event) => self.tell(Event::Order(event)),
            Happening::Heartbeat(gateway) => self.heartbeat(gateway),
            Happening::Resend { gateway, generation } => {
                self.resend(gateway, generation);
                Ok(())
            }
            Happening::Cut(gateway) => self.cut(gateway),
            Happening::Connect(gateway) => self.connect(gateway),
            Happening::Command(command) => self.tell(Event::Command(command)),
            Happening::Clock(scale) => self.tell(Event::Clock(scale)),
            Happening::Specify(control) => self.tell(control.as_event()),
        }
    }

    /// Gives the desk an input, checks what follows, and sends what it sends.
    fn tell(&mut self, event: Event<'_>) -> Result<(), Violation> {
        let input = Input { now: self.now, credits: self.credits(), event };
        self.ends.pass(self.now, &self.checker.model);
        self.desk.on(&input, &mut self.outputs);
        self.inputs += 1;
        (self.watch)(&input, &self.outputs);
        self.tape.add(&input, &self.outputs);
        self.checker.check(&input, &self.outputs, &self.desk)?;
        self.read_endings();
        let situation = Situation::of(&self.desk);
        self.faults.stand(situation);
        self.venues.iter_mut().for_each(|venue| venue.stand(situation));
        let orders: Vec<_> = self.outputs.orders().copied().collect();
        for order in orders {
            self.send(&order);
        }
        Ok(())
    }

    fn credits(&mut self) -> Credits {
        let mut credits = Credits::FULL;
        if self.strikes(Fault::FullRing) {
            let gateway = self.rng.usize(..self.lines.len());
            credits.gateway_slots[gateway] = self.rng.u8(..4);
        }
        if self.strikes(Fault::FullRecord) {
            credits.record_used_pct = self.rng.u8(40..=100);
        }
        credits
    }

    /// What the gateway stage does with a command.
    fn send(&mut self, command: &OrderCommand) {
        let gateway = usize::from(command.gateway.0);
        let line = &mut self.lines[gateway];
        if !line.is_connected() {
            if let Some(event) = line.refuse(self.now, command, OrderEventKind::NotSent) {
                self.push(self.after(300), Happening::Gateway(event));
            }
            return;
        }
        let generation = line.generation();
        let [at, _] = line.up.carry(self.now, &mut self.rng);
        if let Some(at) = at {
            self.push(at, Happening::Arrives { gateway, generation, command: *command });
        }
        if self.strikes(Fault::TornSend) {
            let line = &self.lines[gateway];
            if let Some(event) = line.refuse(self.now, command, OrderEventKind::Unknown) {
                self.push(self.after(200), Happening::Gateway(event));
            }
            self.push(self.after(200), Happening::Cut(gateway));
        } else if self.strikes(Fault::Disconnect) {
            let ns = self.rng.u64(..200_000);
            self.push(self.after(ns), Happening::Cut(gateway));
        } else if self.strikes(Fault::SilentVenue) {
            self.lines[gateway].is_mute = true;
        }
    }

    fn outcome(&self) -> Outcome {
        let model = &self.checker.model;
        let (fire_ends, causes) = self.endings.clone().end(|spread| {
            let row = self.desk.spreads().get(spread.0 as usize);
            row.is_some_and(|row| row.fire.is_some())
        });
        let mut hits = self.faults.hits().clone();
        for venue in &self.venues {
            hits.add(venue.faults().hits());
        }
        Outcome {
            inputs: self.inputs,
            orders: model.orders.len() as u64,
            asks: model.asks,
            traded: model.spreads.values().map(|spread| spread.traded).sum(),
            bookings: self.seen.iter().map(|count| *count as u64).sum(),
            record_bytes: 0,
            snapshots: 0,
            gates: self.checker.gates.clone(),
            alerts: model.alerts.clone(),
            repairs: self.checker.repairs.clone(),
            repaired: self.checker.repaired,
            may_meet: self.checker.may_meet(),
            inside: self.checker.inside,
            inside_lots: self.checker.inside_lots,
            removed: self.checker.removed,
            followed: self.checker.followed,
            pulled: self.checker.pulled,
            ruled: self.checker.ruled,
            ends: self.ends.clone().rest(&self.desk, &hits, &self.endings),
            fire_ends,
            causes,
            hits,
        }
    }
}
