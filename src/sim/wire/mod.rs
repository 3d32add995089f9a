//! One schedule at the wire level: from the bytes of a feed to the bytes of orders and back.
//!
//! The stages are wired by `engine::wire` as in production and polled on virtual time. Packets of a
//! generated MDP 3.0 channel come over two lossy lines, orders go to a simulated iLink 3 exchange
//! over a connection that delivers in pieces and may break. At the end the record is replayed under
//! the checker, every quote in it is compared with the venue's own books, and what the exchange
//! booked with what the desk holds.

mod exchange;
mod stream;

pub use exchange::Exchange;
pub use stream::SimStream;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use xmc_hotpath::book::BookSide;
use xmc_hotpath::counter::NoRecorder;
use xmc_hotpath::desk::Desk;
use xmc_hotpath::message::{
    Event, InstrumentIndex, OrderEventKind, QUOTE_LEVELS, Quote, SessionState,
};
use xmc_hotpath::port::Line;
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, MonoNs, Span, UnixNs};

use crate::config::{self, Configuration, TimeInForce};
use crate::engine::wire::{Counters, Memory, Origin, Pipeline, Ports, identity, wire};
use crate::port::memory::{MemoryPort, Pace};
use crate::sim::agenda::Agenda;
use crate::sim::checker::{Checker, Violation};
use crate::sim::clock::VirtualClock;
use crate::sim::fault::{Fault, Faults};
use crate::sim::generator::{Generator, Settings};
use crate::sim::ledger::Booking;
use crate::sim::network::{Delay, Link, LinkFaults};
use crate::sim::plan::{self, Seed};
use crate::sim::storage::Arenas;
use crate::sim::tape::{self, TapeSink};
use crate::sim::venue::{Manners, ToyVenue, Venue};
use crate::sim::world::Outcome;

type Stages<'m> =
    Pipeline<'m, MemoryPort<&'m VirtualClock>, SimStream, &'m VirtualClock, TapeSink, NoRecorder>;

/// Polls after which stages that are still busy have gone wrong.
const MOST_POLLS: u32 = 100_000;

/// A schedule has at most so many packets.
pub const MOST_PACKETS: u32 = 600;

/// Time between two looks at the clock when nothing else happens.
const PULSE_NS: u64 = 50_000_000;

/// How long the stages may be busy with something else.
const BUSY_NS: u64 = 30_000;

/// Orders that the desk of a pipeline has room for.
const ORDERS: usize = 4096;

/// What is going to happen.
#[derive(Debug)]
enum Happening {
    /// The venue sends a packet.
    Packet,
    /// A packet arrives.
    Datagram(Line, Vec<u8>),
    /// A message of the gateway arrives at the exchange.
    Request(Vec<u8>),
    /// The exchange does what it has planned.
    Exchange,
    /// A report arrives at the gateway.
    Report(Vec<u8>),
    /// The connection breaks.
    Cut,
    /// The record ring has room again.
    Room,
    /// Nothing but time.
    Pulse,
}

/// A book as the venue has it: bids and asks, price and lots, best first.
type Book = [Vec<(i64, u32)>; 2];

/// Runs the schedule of `seed`.
///
/// # Errors
/// The first invariant that does not hold.
pub fn run(seed: Seed) -> Result<Outcome, Violation> {
    let mut rng = fastrand::Rng::with_seed(seed.seed);
    let config = configuration(&mut rng);
    let mut faults = plan::faults(&mut rng);
    faults.keep(seed.mask);
    // A connection cannot lose or reorder; the session has no way to tell of a foreign order.
    for fault in [Fault::LostReport, Fault::Overtaking, Fault::ForeignReport] {
        faults.set(fault, 0);
    }
    let clock = VirtualClock::new(MonoNs(1_000));
    let mut memory = Memory::new(&config);
    let counters = Counters::new(&config);
    let mut run = Run::new(seed, &config, faults, rng);
    counters.utc_origin.set(run.utc_origin);
    let ports = Ports {
        feeds: vec![MemoryPort::new(&clock, Pace::Recorded)],
        gateways: vec![SimStream::new(run.rng.usize(20..2_000))],
    };
    let origin = Origin { run: 1, now: clock.now(), utc: UnixNs(run.utc_origin) };
    let wired = wire(
        &config,
        &mut memory,
        &counters,
        ports,
        &&clock,
        TapeSink::default(),
        || NoRecorder,
        origin,
    );
    let mut stages = wired.map_err(|error| run.violation("wiring", error.to_string()))?;
    run.settle(&mut stages)?;
    run.trade(&mut stages, &clock)?;
    run.come_to_rest(&mut stages, &clock)?;
    let record = stages.desk.record().published().to_vec();
    let positions: Vec<_> =
        stages.desk.desk().instruments().iter().map(|row| row.exposure.position_lots).collect();
    drop(stages);
    run.judge(&config, &record, &positions)
}

/// The demonstration's configuration, with what a schedule varies.
fn configuration(rng: &mut fastrand::Rng) -> Configuration {
    static DEMO: OnceLock<Configuration> = OnceLock::new();
    let demo = DEMO.get_or_init(|| {
        let files = [
            include_str!("../../../config/demo.toml"),
            include_str!("../../../config/topology_one_core.toml"),
            include_str!("../../../config/demo_market.toml"),
            include_str!("../../../config/demo_limits.toml"),
        ];
        let lines = files.iter().flat_map(|file| file.lines());
        let text: Vec<_> = lines.filter(|line| !line.starts_with("include")).collect();
        let loaded = config::load_text(Path::new("config/demo.toml"), &text.join("\n"));
        loaded.unwrap_or_else(|invalid| panic!("{}", invalid.render(false)))
    });
    let mut config = demo.clone();
    config.logic.ack_timeout_ms = *pick(rng, &[1, 3, 100]);
    for spread in &mut config.spreads {
        spread.cool_down_ms = *pick(rng, &[0, 1, 20]);
        spread.hysteresis_e9.value = *pick(rng, &[0, 0, 250_000_000]);
        spread.max_quote_age_ms.value = *pick(rng, &[5, 1_000]);
        spread.max_quote_skew_ms.value = *pick(rng, &[20, 1_000]);
        spread.time_in_force =
            *pick(rng, &[TimeInForce::FillAndKill, TimeInForce::FillOrKill, TimeInForce::Day]);
    }
    config
}

fn pick<'t, T>(rng: &mut fastrand::Rng, from: &'t [T]) -> &'t T {
    &from[rng.usize(..from.len())]
}

struct Run {
    rng: fastrand::Rng,
    faults: Faults,
    agenda: Agenda<Happening>,
    now: MonoNs,
    packets: u32,
    generator: Generator,
    utc_origin: u64,
    lines: [Link; 2],
    up: Link,
    down: Link,
    exchange: Exchange,
    wake: MonoNs,
    /// Books by packet number and instrument, where an event ended.
    books: BTreeMap<(u32, u32), Book>,
    /// Bytes of reports that have arrived at the gateway.
    arrived_bytes: u64,
}

impl Run {
    fn new(seed: Seed, config: &Configuration, faults: Faults, mut rng: fastrand::Rng) -> Self {
        let mut settings = Settings::of(config, 0, rng.u64(..));
        for listing in &mut settings.listings {
            // Quotes are made from the outright book alone.
            listing.implied_depth = 0;
        }
        settings.burst_one_in = *pick(&mut rng, &[5, 20, 100]);
        settings.event_gap_ns = *pick(&mut rng, &[50_000, 200_000, 2_000_000]);
        let utc_origin = settings.start_ns - 1_000_000;
        let manners = Manners {
            ack: Delay { least_ns: 20_000, spread_ns: 60_000 },
            fill: Delay { least_ns: 1_000, spread_ns: 40_000 },
            late: Delay { least_ns: 1_000_000, spread_ns: 150_000_000 },
            cancels_on_disconnect: rng.bool(),
            tick_e9: 100_000_000,
            first_number: 1 << 32,
        };
        let venue = ToyVenue::new(manners, faults.clone(), rng.u64(..));
        let numbers = config.instruments.iter().zip(0..);
        let numbers =
            numbers.map(|(row, index)| (row.security_id.value, InstrumentIndex(index))).collect();
        // One line in three schedules is bad; both at once lose the same packet now and then.
        let line = |rng: &mut fastrand::Rng| {
            let bad = rng.u8(..3) == 0;
            let faults = LinkFaults {
                loss_ppm: if bad { *pick(rng, &[10_000, 100_000, 300_000]) } else { 0 },
                duplicate_ppm: *pick(rng, &[0, 0, 20_000, 200_000]),
                // A line delivers in order, as the feed is told.
                reorder_ppm: 0,
            };
            let mut link = Link::ordered(Delay { least_ns: 5_000, spread_ns: rng.u64(..50_000) });
            link.faults = faults;
            link
        };
        let wire = Delay { least_ns: 10_000, spread_ns: 20_000 };
        Self {
            lines: [line(&mut rng), line(&mut rng)],
            agenda: Agenda::new(rng.u64(..)),
            now: MonoNs(1_000),
            packets: rng.u32(100..MOST_PACKETS).min(seed.most_steps),
            generator: Generator::new(settings),
            utc_origin,
            up: Link::ordered(wire),
            down: Link::ordered(wire),
            exchange: Exchange::new(venue, numbers, utc_origin),
            wake: MonoNs::NEVER,
            books: BTreeMap::new(),
            arrived_bytes: 0,
            faults,
            rng,
        }
    }

    fn violation(&self, invariant: &'static str, what: String) -> Violation {
        Violation { invariant, at: self.now, what }
    }

    fn strikes(&mut self, fault: Fault) -> bool {
        self.faults.strikes(fault, &mut self.rng)
    }

    fn after(&self, ns: u64) -> MonoNs {
        self.now.after(Span(ns))
    }

    /// Polls the stages until they have nothing left to do, and takes what they sent.
    fn settle(&mut self, stages: &mut Stages<'_>) -> Result<(), Violation> {
        for _ in 0..MOST_POLLS {
            let work = stages.poll();
            let sent = stages.gateways[0].port_mut().take_sent();
            for message in sent {
                if let [Some(at), _] = self.up.carry(self.now, &mut self.rng) {
                    self.agenda.push(at, Happening::Request(message));
                }
            }
            let is_held_up = stages.desk.record().is_full;
            if work == Work::Idle || (work == Work::Blocked && is_held_up) {
                return Ok(());
            }
        }
        let what = format!("the stages are still busy after {MOST_POLLS} polls");
        Err(self.violation("L1", what))
    }

    fn trade(&mut self, stages: &mut Stages<'_>, clock: &VirtualClock) -> Result<(), Violation> {
        self.agenda.push(self.now, Happening::Packet);
        self.agenda.push(self.now, Happening::Pulse);
        while self.packets > 0 {
            self.happen(stages, clock)?;
        }
        Ok(())
    }

    /// No more faults; everything that is on its way arrives, every deadline passes.
    fn come_to_rest(
        &mut self,
        stages: &mut Stages<'_>,
        clock: &VirtualClock,
    ) -> Result<(), Violation> {
        self.faults.keep(0);
        self.exchange.venue_mut().behave();
        stages.desk.record_mut().is_full = false;
        stages.desk.record_mut().used_pct = 0;
        for _ in 0..MOST_POLLS {
            let is_waiting = stages.desk.desk().next_deadline() != MonoNs::NEVER;
            // What is left at the end is the pulse.
            if !is_waiting && self.agenda.len() == 1 {
                self.settle(stages)?;
                let read = stages.gateways[0].port_mut().read_bytes();
                if read == self.arrived_bytes {
                    return Ok(());
                }
                let what =
                    format!("{} bytes of reports came, {read} were read", self.arrived_bytes);
                return Err(self.violation("S5", what));
            }
            self.happen(stages, clock)?;
        }
        Err(self.violation("L1", "the pipeline never comes to rest".to_owned()))
    }

    fn happen(&mut self, stages: &mut Stages<'_>, clock: &VirtualClock) -> Result<(), Violation> {
        let deadline = stages.desk.desk().next_deadline();
        let is_full = stages.desk.record().is_full;
        if deadline <= self.agenda.next_at() && deadline > self.now && !is_full {
            self.now = deadline;
            clock.advance_to(self.now);
            return self.settle(stages);
        }
        let Some((at, happening)) = self.agenda.pop() else {
            return Ok(());
        };
        self.now = self.now.max(at);
        clock.advance_to(self.now);
        self.take(happening, stages)?;
        // A core is not always there at once: things pile up, and are found together.
        let is_late = self.agenda.next_at() < self.after(BUSY_NS) && self.rng.u8(..3) == 0;
        if is_late { Ok(()) } else { self.settle(stages) }
    }

    fn take(&mut self, happening: Happening, stages: &mut Stages<'_>) -> Result<(), Violation> {
        match happening {
            Happening::Packet => self.packet(stages),
            Happening::Datagram(line, bytes) => {
                stages.feeds[0].port_mut().push(line, self.now, &bytes);
            }
            Happening::Request(bytes) => {
                let taken = self.exchange.take(self.now, &bytes);
                taken.map_err(|what| self.violation("wire", what))?;
                self.poll_exchange(stages);
            }
            Happening::Exchange => {
                self.wake = MonoNs::NEVER;
                self.poll_exchange(stages);
            }
            Happening::Report(frame) => {
                let port = stages.gateways[0].port_mut();
                if !port.is_closed() {
                    port.piece = self.rng.usize(1..2_000);
                    port.arrive(&frame);
                    self.arrived_bytes += frame.len() as u64;
                }
            }
            Happening::Cut => {
                stages.gateways[0].port_mut().close();
                self.up.is_cut = true;
                self.exchange.venue_mut().disconnected(self.now);
                self.poll_exchange(stages);
            }
            Happening::Room => stages.desk.record_mut().is_full = false,
            Happening::Pulse => self.agenda.push(self.after(PULSE_NS), Happening::Pulse),
        }
        Ok(())
    }

    /// The venue sends its next packet on both lines.
    fn packet(&mut self, stages: &mut Stages<'_>) {
        self.packets = self.packets.saturating_sub(1);
        let mut bytes = Vec::new();
        let sent = self.generator.next_packet(&mut bytes);
        self.now = self.now.max(MonoNs(sent.sent_ns - self.utc_origin));
        if sent.ends_event {
            for (row, instrument) in (0..).zip(self.generator.instruments()) {
                let side = |side| {
                    let levels = instrument.levels(side).take(QUOTE_LEVELS);
                    levels.map(|level| (level.price_e9, level.lots)).collect()
                };
                let book = [side(BookSide::Bid), side(BookSide::Ask)];
                self.books.insert((sent.seq_no, row), book);
            }
        }
        for (line, link) in Line::BOTH.into_iter().zip(&mut self.lines) {
            let mut arrivals = link.carry(self.now, &mut self.rng);
            if sent.seq_no == 1 && arrivals == [None, None] {
                // Without snapshots nobody can know that the very first packet is missing.
                arrivals[0] = Some(self.now);
            }
            for at in arrivals.into_iter().flatten() {
                self.agenda.push(at, Happening::Datagram(line, bytes.clone()));
            }
        }
        self.upset(stages);
        if self.packets > 0 {
            self.agenda.push(self.now, Happening::Packet);
        }
    }

    fn upset(&mut self, stages: &mut Stages<'_>) {
        if self.strikes(Fault::FullRecord) {
            stages.desk.record_mut().used_pct = self.rng.u8(40..=100);
            if self.rng.u8(..4) == 0 {
                stages.desk.record_mut().is_full = true;
                let ns = self.rng.u64(..3_000_000);
                self.agenda.push(self.after(ns), Happening::Room);
            }
        }
        if self.strikes(Fault::FullRing) {
            stages.gateways[0].port_mut().busy = self.rng.u32(1..5);
        }
        // A break ends a session for good here, so it is rarer than at the desk level.
        if self.strikes(Fault::TornSend) && self.rng.u8(..40) == 0 {
            stages.gateways[0].port_mut().tears = true;
        }
        if self.strikes(Fault::Disconnect) && self.rng.u8(..40) == 0 {
            self.agenda.push(self.now, Happening::Cut);
        }
    }

    fn poll_exchange(&mut self, stages: &mut Stages<'_>) {
        while let Some(frame) = self.exchange.report(self.now) {
            let is_doubled = self.strikes(Fault::DuplicateReport);
            if stages.gateways[0].port_mut().is_closed() {
                continue;
            }
            if let [Some(at), _] = self.down.carry(self.now, &mut self.rng) {
                if is_doubled && let [Some(again), _] = self.down.carry(at, &mut self.rng) {
                    self.agenda.push(again, Happening::Report(frame.clone()));
                }
                self.agenda.push(at, Happening::Report(frame));
            }
        }
        let next = self.exchange.venue().next_at();
        if next < self.wake {
            self.wake = next;
            self.agenda.push(next.max(self.now), Happening::Exchange);
        }
    }

    /// Replays the record under the checker and compares it with the venue's truth.
    fn judge(
        &self,
        config: &Configuration,
        record: &[u8],
        positions: &[i64],
    ) -> Result<Outcome, Violation> {
        let (instruments, spreads) = (config.instruments.len(), config.spreads.len());
        let mut arenas = Arenas::new(instruments, spreads, ORDERS);
        let mut desk = Desk::new(identity(config, 1), arenas.lend());
        let mut checker = Checker::default();
        let mut found = None;
        let mut told = BTreeMap::new();
        let replayed = tape::replay_watched(record, instruments, &mut desk, |input, out, desk| {
            if let Event::Order(event) = input.event
                && matches!(event.kind, OrderEventKind::Filled | OrderEventKind::Busted)
            {
                *told.entry(event.exec_id).or_insert(0_u32) += 1;
            }
            let checked = self.quote(input.now, input.event);
            let checked = checked.and_then(|()| checker.check(input, out, desk));
            checked.map_err(|violation| {
                let what = violation.to_string();
                found = Some(violation);
                what
            })
        });
        let inputs = match (replayed, found) {
            (Ok(inputs), _) => inputs,
            (Err(_), Some(violation)) => return Err(violation),
            (Err(what), None) => return Err(self.violation("S15", what)),
        };
        checker.at_rest()?;
        self.truth(&checker, positions, &told)?;
        Ok(self.outcome(inputs, record, &checker))
    }

    /// S9: a quote that the desk saw as good is the venue's own book at that packet.
    fn quote(&self, at: MonoNs, event: Event<'_>) -> Result<(), Violation> {
        let Event::Quote { quote: Quote { instrument, packet_seq_no, bids, asks, .. }, .. } = event
        else {
            return Ok(());
        };
        let seen: Book = [bids, asks].map(|side| side.levels().collect());
        let expected = self.books.get(&(*packet_seq_no, instrument.0));
        if expected == Some(&seen) {
            return Ok(());
        }
        let what = format!(
            "instrument {} after packet {packet_seq_no}: {seen:?}, the venue has {expected:?}",
            instrument.0
        );
        Err(Violation { invariant: "S9", at, what })
    }

    /// S1, S5: what is booked is held, or was never told, and then the desk still reckons with it.
    fn truth(
        &self,
        checker: &Checker,
        positions: &[i64],
        told: &BTreeMap<u64, u32>,
    ) -> Result<(), Violation> {
        let ledger = self.exchange.venue().ledger();
        let is_told = |booking: &&Booking| told.contains_key(&Exchange::digest(booking.exec_id));
        let model = &checker.model;
        for (row, held) in (0..).zip(positions) {
            let own = ledger.bookings().iter().filter(|booking| booking.instrument == row);
            let (known, unknown): (Vec<&Booking>, Vec<_>) = own.partition(is_told);
            let known: i64 = known.iter().map(|booking| booking.signed()).sum();
            if known != *held || Some(*held) != model.instruments.get(&row).map(|row| row.position)
            {
                let what = format!("instrument {row}: {held} held, {known} booked and told");
                return Err(self.violation("S5", what));
            }
            for booking in unknown.iter().filter(|booking| booking.is_honest) {
                let is_gone = model.sessions[0] != Some(SessionState::Up);
                let order = model.orders.get(&booking.order_id.0);
                if !is_gone || !order.is_some_and(|order| order.is_live && order.is_unknown) {
                    let what = format!("{booking:?} was never told, and {order:?} ignores it");
                    return Err(self.violation("S1", what));
                }
            }
        }
        Ok(())
    }

    fn outcome(&self, inputs: u64, record: &[u8], checker: &Checker) -> Outcome {
        let model = &checker.model;
        let mut hits = self.faults.hits().clone();
        hits.add(self.exchange.venue().faults().hits());
        Outcome {
            inputs,
            orders: model.orders.len() as u64,
            traded: model.spreads.values().map(|spread| spread.traded).sum(),
            bookings: self.exchange.venue().ledger().bookings().len() as u64,
            record_bytes: record.len() as u64,
            hits,
            gates: checker.gates.clone(),
            alerts: model.alerts.clone(),
        }
    }
}
