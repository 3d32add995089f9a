//! One schedule at the wire level: from the bytes of a feed to the bytes of orders and back.
//!
//! The stages are wired by `engine::wire` as in production and polled on virtual time. Packets of a
//! generated MDP 3.0 channel come over two lossy lines, orders go to a simulated iLink 3 exchange
//! over a connection that delivers in pieces and may break. At the end (`judge`) the record is
//! replayed under the checker, every quote in it is compared with the venue's own books, what came
//! to the exchange with what the record says was sent, and what the exchange booked with what the
//! desk holds.
//!
//! Not here: the logon, heartbeats and gaps of the order session, a feed that joins late.
//!
//! Called by `sweep` and by tests.

mod exchange;
mod judge;
mod stream;

pub use exchange::Exchange;
pub use stream::SimStream;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use xmc_hotpath::book::BookSide;
use xmc_hotpath::counter::NoRecorder;
use xmc_hotpath::message::{InstrumentIndex, QUOTE_LEVELS, RepairEnd};
use xmc_hotpath::port::Line;
use xmc_hotpath::record::RecordSink;
use xmc_hotpath::risk::RECORD_CLOSE_MAX_PCT;
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, MonoNs, Span, UnixNs};

use crate::config::{self, Configuration, Repair, TimeInForce};
use crate::engine::counters::Counters;
use crate::engine::wire::{Memory, Origin, Pipeline, Ports, Starts, wire};
use crate::port::memory::{MemoryPort, Pace};
use crate::sim::agenda::Agenda;
use crate::sim::checker::Violation;
use crate::sim::clock::VirtualClock;
use crate::sim::fault::{Fault, Faults};
use crate::sim::generator::{Generator, Settings};
use crate::sim::network::{Delay, Link, LinkFaults};
use crate::sim::plan::{self, Seed};
use crate::sim::situation::Situation;
use crate::sim::tape::TapeSink;
use crate::sim::venue::{Manners, ToyVenue, Venue};
use crate::sim::world::{Outcome, Watch};
use judge::Remains;

type Stages<'m> =
    Pipeline<'m, MemoryPort<&'m VirtualClock>, SimStream, &'m VirtualClock, TapeSink, NoRecorder>;

/// Polls after which stages that are still busy have gone wrong.
const MOST_POLLS: u32 = 100_000;

/// A schedule has at most so many packets.
pub const MOST_PACKETS: u32 = 600;

/// Time between two looks at the clock when nothing else happens.
const PULSE_NS: u64 = 50_000_000;

/// How long the stages may be busy with something else: less than the time for which the feed
/// waits for a packet that the other line may still bring.
const BUSY_NS: [u64; 3] = [10_000, 100_000, 800_000];

/// A connection is gone so long after a send has broken.
const BREAK_NS: u64 = 400_000;

/// Orders that the desk of a pipeline has room for.
const ORDERS: usize = 4096;

/// What is going to happen.
#[derive(Debug)]
enum Happening {
    /// The venue sends a packet, which it has numbered so.
    Packet(u32, Vec<u8>),
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
    run_watched(seed, &mut |_, _| {})
}

/// As `run`, and shows `watch` each input of the desk and what followed from it, when all is over.
///
/// # Errors
/// The first invariant that does not hold.
pub fn run_watched(seed: Seed, watch: &mut Watch<'_>) -> Result<Outcome, Violation> {
    let mut rng = fastrand::Rng::with_seed(seed.seed);
    let config = configuration(&mut rng);
    let mut faults = plan::faults(&mut rng);
    faults.keep(seed.mask);
    // A connection cannot lose or reorder; the session has no way to tell of a foreign order.
    for fault in [Fault::LostReport, Fault::Overtaking, Fault::ForeignReport] {
        faults.set(fault, 0);
    }
    // A break ends the session for good here, so it must stay rare, or nothing else is seen.
    for fault in [Fault::TornSend, Fault::Disconnect] {
        faults.set(fault, faults.rate_ppm(fault) / 40);
    }
    let clock = VirtualClock::new(MonoNs(1_000));
    let mut memory = Memory::new(&config);
    let counters = Counters::new(&config);
    let mut run = Run::new(seed, &config, faults, rng);
    counters.origin.utc_origin.set(run.utc_origin);
    let ports = Ports {
        feeds: vec![MemoryPort::new(&clock, Pace::Recorded)],
        gateways: vec![SimStream::new(run.rng.usize(20..2_000))],
    };
    let starts = Starts::nothing(&config);
    let origin = Origin {
        run: 1,
        now: clock.now(),
        utc: UnixNs(run.utc_origin),
        starts,
        carried: Vec::new(),
    };
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
    let rested = run.drive(&mut stages, &clock);
    let rows = stages.desk.desk().instruments();
    let remains = Remains {
        record: stages.desk.record().published().to_vec(),
        positions: rows.iter().map(|row| row.exposure.position_lots).collect(),
        books: rows.iter().map(|row| judge::book(&row.quote)).collect(),
    };
    drop(stages);
    let judged = run.judge(&config, &remains, watch);
    rested.and(judged)
}

/// The demonstration's configuration, with what a schedule varies.
fn configuration(rng: &mut fastrand::Rng) -> Configuration {
    static DEMO: OnceLock<Configuration> = OnceLock::new();
    let demo = DEMO.get_or_init(|| {
        let files = [
            include_str!("../../../config/generated.toml"),
            include_str!("../../../config/topology_one_core.toml"),
            include_str!("../../../config/generated_market.toml"),
            include_str!("../../../config/generated_limits.toml"),
        ];
        let lines = files.iter().flat_map(|file| file.lines());
        let text: Vec<_> = lines.filter(|line| !line.starts_with("include")).collect();
        let loaded = config::load_text(Path::new("config/generated.toml"), &text.join("\n"));
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
        // Takes no number of the schedule, so that schedules stay what they were.
        spread.repair = repair(&mut fastrand::Rng::with_seed(rng.clone().u64(..)));
    }
    config
}

fn repair(rng: &mut fastrand::Rng) -> Option<Repair> {
    (rng.u8(..3) > 0).then(|| Repair {
        tries: rng.u8(1..=4),
        within_ms: *pick(rng, &[1, 5, 100]),
        max_cost_e9: (rng.u8(..4) == 0).then(|| rng.i64(0..10_000_000_000_000)),
        then: *pick(rng, RepairEnd::ALL),
    })
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
    /// How long the stages may be busy, and since when they are.
    busy_ns: u64,
    busy_since: Option<MonoNs>,
    /// A send has broken, the connection follows.
    is_breaking: bool,
    /// Books by packet number and instrument, where an event ended.
    books: BTreeMap<(u32, u32), Book>,
    /// A packet was lost on both lines.
    is_packet_lost: bool,
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
            busy_ns: *pick(&mut rng, &BUSY_NS),
            busy_since: None,
            is_breaking: false,
            books: BTreeMap::new(),
            is_packet_lost: false,
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
        self.busy_since = None;
        for _ in 0..MOST_POLLS {
            let work = stages.poll();
            let port = stages.gateways[0].port_mut();
            if port.is_torn() && !self.is_breaking {
                self.is_breaking = true;
                let ns = self.rng.u64(..BREAK_NS);
                self.agenda.push(self.after(ns), Happening::Cut);
            }
            let sent = port.take_sent();
            for message in sent {
                if let [Some(at), _] = self.up.carry(self.now, &mut self.rng) {
                    self.agenda.push(at, Happening::Request(message));
                }
            }
            let record = stages.desk.record_mut();
            // A record that is nearly full takes no quotes, which wait in their rings.
            let is_held_up = record.is_full || record.used_pct() > RECORD_CLOSE_MAX_PCT;
            if work == Work::Idle || (work == Work::Blocked && is_held_up) {
                return Ok(());
            }
        }
        let what = format!("the stages are still busy after {MOST_POLLS} polls");
        Err(self.violation("L1", what))
    }

    /// From the first packet to the last report.
    fn drive(&mut self, stages: &mut Stages<'_>, clock: &VirtualClock) -> Result<(), Violation> {
        self.settle(stages)?;
        self.trade(stages, clock)?;
        self.come_to_rest(stages, clock)
    }

    fn trade(&mut self, stages: &mut Stages<'_>, clock: &VirtualClock) -> Result<(), Violation> {
        self.agenda.push(self.now, Happening::Pulse);
        if self.packets > 0 {
            self.plan_packet();
        }
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
        let situation = Situation::of(stages.desk.desk());
        self.faults.stand(situation);
        self.exchange.venue_mut().stand(situation);
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
        let since = self.busy_since.unwrap_or(self.now);
        let is_soon = self.agenda.next_at() < since.after(Span(self.busy_ns));
        if is_soon && self.rng.bool() {
            self.busy_since = Some(since);
            return Ok(());
        }
        self.settle(stages)
    }

    fn take(&mut self, happening: Happening, stages: &mut Stages<'_>) -> Result<(), Violation> {
        match happening {
            Happening::Packet(seq_no, bytes) => self.packet(seq_no, &bytes, stages),
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

    /// Puts the venue's next packet on the agenda, at its own time: what is on its way meanwhile
    /// comes before it.
    fn plan_packet(&mut self) {
        let mut bytes = Vec::new();
        let sent = self.generator.next_packet(&mut bytes);
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
        let at = MonoNs(sent.sent_ns - self.utc_origin);
        self.agenda.push(at.max(self.now), Happening::Packet(sent.seq_no, bytes));
    }

    /// The venue sends a packet on both lines.
    fn packet(&mut self, seq_no: u32, bytes: &[u8], stages: &mut Stages<'_>) {
        self.packets = self.packets.saturating_sub(1);
        let mut has_come = false;
        for (line, link) in Line::BOTH.into_iter().zip(&mut self.lines) {
            let mut arrivals = link.carry(self.now, &mut self.rng);
            if seq_no == 1 && arrivals == [None, None] {
                // Without snapshots nobody can know that the very first packet is missing.
                arrivals[0] = Some(self.now);
            }
            for at in arrivals.into_iter().flatten() {
                has_come = true;
                self.agenda.push(at, Happening::Datagram(line, bytes.to_vec()));
            }
        }
        self.is_packet_lost |= !has_come;
        self.upset(stages);
        if self.packets > 0 {
            self.plan_packet();
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
        if self.strikes(Fault::TornSend) {
            stages.gateways[0].port_mut().tears = true;
        }
        if self.strikes(Fault::Disconnect) {
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
}
