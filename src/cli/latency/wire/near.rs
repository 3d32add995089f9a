//! One turn of one way: opens both ends, wires the engine between them, measures, and compares what
//! the venue read with the record.

use super::far::{Arrived, Far, Opening};
use super::market::{ACCOUNT_INDEX, REQUESTS_PORT, UDP_AUTH_CODE, configuration, far_address};
use super::{CABLES, Measured, Place, Way};
use crate::allocation;
use crate::cli::CliError;
use crate::cli::latency::Noted;
use crate::cli::latency::host::Cores;
use crate::cli::latency::market::Market;
use crate::cli::latency::run::{Drain, nothing_fired, record_ring, widen};
use crate::cli::latency::steps::Steps;
use crate::clock::EngineClock;
use crate::config::Configuration;
use crate::engine::core::{PlaceError, place};
use crate::engine::counters::Counters;
use crate::engine::gateway::GatewayStart;
use crate::engine::latency::Latencies;
use crate::engine::sockets::{FeedPort, GatewayPort, feed_port};
use crate::engine::wire::{Memory, Origin, Pipeline, Ports, Starts, arm, wire};
use crate::port::pair::PairPort;
use crate::port::tcp::{TcpPort, TcpSettings};
use crate::port::xdp::send::XdpSender;
use crate::topology::Sched;
use crate::venue::cme::mdp3::tape::Tape;
use crate::venue::esunny::dstar::logon::{self, Granted};
use crossbeam_utils::CachePadded;
use std::net::SocketAddrV4;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use xmc_hotpath::counter::Recorder;
use xmc_hotpath::message::SessionState;
use xmc_hotpath::port::TxPort;
use xmc_hotpath::record::ring::{Consumer, Producer};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, MonoNs, Span, UnixNs};
use xmc_hotpath::venue::esunny::dstar::encode::Account;
use xmc_hotpath::venue::esunny::dstar::layout::{ReqIdMode, V3};

/// Fires of each turn before anything is measured.
const WARM_UP: u64 = 1_000;
/// A turn of a loop that takes longer was interrupted by the host. The longest of our own sends two
/// orders over TCP, each of which takes the kernel some microseconds.
pub(super) const HOST_GAP: Duration = Duration::from_micros(50);
/// From one market packet to the next, when the last has been dealt with.
const SPACING: Duration = Duration::from_micros(20);
/// The engine's end is asked whether it is idle when nothing has come for so long.
const QUIET: Span = Span(30_000);
/// An order that has not come then does not come any more.
const LOST: Span = Span(1_000_000_000);
/// Orders of one fire.
const LEGS: u64 = 2;
/// Market packets within which there is another fire, or something is wrong.
const PACKETS_MOST: u64 = 200_000;
/// Loop turns between two housekeepings.
const HOUSEKEEPING: u64 = 4096;
/// Connecting takes at most so long.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the two loops tell each other.
#[derive(Default)]
struct Shared {
    stop: CachePadded<AtomicBool>,
    /// Polls of the engine that found nothing to do.
    idle: CachePadded<AtomicU64>,
    /// When the engine's last gap ended, in ticks.
    gap: CachePadded<AtomicU64>,
    /// The engine is to count from now on.
    is_warm: CachePadded<AtomicBool>,
    /// The engine's loop has ended, however it did.
    has_ended: CachePadded<AtomicBool>,
}

/// Says that the engine's loop has ended.
struct Ended<'s>(&'s Shared);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.has_ended.store(true, Ordering::Relaxed);
    }
}

type Engine<'m> =
    Pipeline<'m, FeedPort<EngineClock>, GatewayPort, EngineClock, Producer<'m>, Latencies>;

/// Measures `fires` fires of one way.
pub(super) fn turn(
    way: Way,
    market: &Market,
    cores: Cores,
    at: &Place<'_>,
    fires: u64,
) -> Result<Measured, CliError> {
    let clock = CachePadded::new(EngineClock::start());
    let clock: &EngineClock = &clock;
    let config = configuration(market, way)?;
    let opening = Opening::at(way, at)?;
    let (ports, starts) = open(way, &config, &opening, clock)?;
    let mut far = opening.accept()?;

    let words = record_ring(&config);
    let producer = Producer::attach(&words).expect("the ring was just made");
    let consumer = Consumer::attach(&words).expect("the ring was just made");
    let mut memory = Memory::new(&config);
    let counters = Counters::new(&config);
    let scale = clock.utc();
    counters.origin.utc_origin.set(scale.utc.0.wrapping_sub(scale.at.0));
    let origin = Origin { run: 1, now: clock.now(), utc: UnixNs(0), starts, carried: Vec::new() };
    let wired =
        wire(&config, &mut memory, &counters, ports, clock, producer, Latencies::new, origin);
    let mut engine = wired.map_err(CliError::usage)?;
    widen(&mut engine.control, &config)?;
    log_on(&mut engine, &mut far, clock, &counters)?;
    let tape = Tape::new(clock.clone(), &market.packets).map_err(CliError::could_not_run)?;
    let drain = Drain::new(consumer);
    let shared = Shared::default();
    let mut venue = Venue { far, tape, drain, clock, shared: &shared, fires };
    let mut steps = Steps::default();
    let (noted, found) = std::thread::scope(|scope| {
        let hot = scope.spawn(|| {
            let _ended = Ended(&shared);
            place(cores.desk, Sched::Other)?;
            Ok::<_, PlaceError>(hot_loop(&mut engine, clock, &shared, &mut steps))
        });
        let far = scope.spawn(|| {
            let placed = place(cores.other, Sched::Other).map_err(CliError::could_not_run);
            let found = placed.and_then(|()| venue.measure(way));
            shared.stop.store(true, Ordering::Relaxed);
            found
        });
        let found = far.join().expect("the venue's end does not panic");
        (hot.join().expect("the hot loop does not panic"), found)
    });
    let noted = noted.map_err(CliError::could_not_run)?;
    // What is still on its way arrives, with nothing measured any more.
    while venue.drain.poll() == Work::Busy {}
    let Some(mut found) = found? else {
        let quotes = counters.desk.quotes.get();
        return Err(CliError::could_not_run(nothing_fired(&venue.drain.read, quotes)));
    };
    found.inside = engine.gateways[0].latency().clone();
    found.steps = steps;
    found.gaps += noted.gaps;
    found.gap_sum_ns += clock.span(noted.gap_sum).0;
    found.gap_max_ns = found.gap_max_ns.max(clock.span(noted.gap_max).0);
    found.allocations = noted.allocations;
    found.frames_equal_record = venue.drain.read.equals(venue.far.orders());
    Ok(found)
}

/// The engine's ports, connected, and where its sessions stand.
fn open(
    way: Way,
    config: &Configuration,
    opening: &Opening,
    clock: &EngineClock,
) -> Result<(Ports<FeedPort<EngineClock>, GatewayPort>, Starts), CliError> {
    let feed = &config.feeds[0];
    let mut lines = feed_port(feed, clock.clone()).map_err(CliError::could_not_run)?;
    lines.attach(feed).map_err(CliError::could_not_run)?;
    let connection = TcpPort::connect(opening.address()?, PATIENCE, &TcpSettings::default())
        .map_err(CliError::could_not_run)?;
    let mut starts = Starts::nothing(config);
    let gateway = if way == Way::PastKernelBoth {
        let target = SocketAddrV4::new(far_address(way), REQUESTS_PORT);
        let on = CABLES[2].near.0.parse().expect("it is a name");
        let sender = XdpSender::open(target, &on, 0).map_err(CliError::could_not_run)?;
        let mut pair = PairPort::past_kernel(sender, connection);
        let account =
            Account { index: ACCOUNT_INDEX, udp_auth_code: UDP_AUTH_CODE, close_today: None };
        let auth = logon::udp_auth::<V3>(&account, ReqIdMode::Increasing);
        pair.send(&auth).map_err(|_| CliError::could_not_run("no request can be sent"))?;
        let contract =
            |one: &crate::config::Instrument| (one.security_id.cast_unsigned(), one.symbol.clone());
        starts.gateways = vec![GatewayStart::Dstar(Granted {
            account,
            contracts: config.instruments.iter().map(contract).collect(),
            next_client_req_id: 1,
            udp_port: REQUESTS_PORT,
            replies_seen: 0,
        })];
        GatewayPort::Pair(pair)
    } else {
        GatewayPort::Stream(connection)
    };
    Ok((Ports { feeds: vec![lines], gateways: vec![gateway] }, starts))
}

/// Lets the session come up and arms the desk, which on paper is armed from the beginning.
fn log_on(
    engine: &mut Engine<'_>,
    far: &mut Far,
    clock: &EngineClock,
    counters: &Counters,
) -> Result<(), CliError> {
    let up = u64::from(SessionState::Up.code());
    let begun = Instant::now();
    while engine.poll() != Work::Idle || counters.gateways[0].state.get() != up {
        // A session asks for what is missing only then.
        engine.housekeeping();
        far.read(clock)?;
        far.answer()?;
        if begun.elapsed() > PATIENCE {
            return Err(CliError::could_not_run("the order session did not come up in 5 s"));
        }
    }
    engine.control.push(arm()).map_err(|_| CliError::could_not_run("the control ring is full"))
}

fn hot_loop(
    engine: &mut Engine<'_>,
    clock: &EngineClock,
    shared: &Shared,
    steps: &mut Steps,
) -> Noted {
    let limit = clock.ticks_in(HOST_GAP);
    let (mut noted, mut idle, mut turns) = (Noted::default(), 0_u64, 0_u64);
    let mut is_warm = false;
    let mut allocations = allocation::count();
    let mut last = clock.ticks();
    while !shared.stop.load(Ordering::Relaxed) {
        if steps.poll(engine, clock, Latencies::count) == Work::Idle {
            idle += 1;
            // Release: what this poll and those before it sent has been sent.
            shared.idle.store(idle, Ordering::Release);
        }
        let now = clock.ticks();
        if noted.turn(now.wrapping_sub(last), limit) {
            shared.gap.store(now, Ordering::Relaxed);
        }
        last = now;
        turns += 1;
        if turns.is_multiple_of(HOUSEKEEPING) {
            engine.housekeeping();
            last = clock.ticks();
        }
        if !is_warm && shared.is_warm.load(Ordering::Relaxed) {
            is_warm = true;
            engine.gateways[0].latency_mut().clear();
            steps.clear();
            noted = Noted::default();
            allocations = allocation::count();
        }
    }
    noted.allocations = allocation::count() - allocations;
    noted
}

/// The loop of the venue's end.
struct Venue<'v> {
    far: Far,
    tape: Tape<EngineClock>,
    drain: Drain<'v>,
    clock: &'v EngineClock,
    shared: &'v Shared,
    fires: u64,
}

/// What came of one market packet.
#[derive(Default)]
struct Came {
    first: Option<MonoNs>,
    last: Option<MonoNs>,
    orders: u64,
    /// The longest turn of the loop meanwhile, ticks.
    longest: u64,
}

impl Venue<'_> {
    /// Measures; `None` if nothing fires.
    fn measure(&mut self, way: Way) -> Result<Option<Measured>, CliError> {
        let limit = self.clock.ticks_in(HOST_GAP);
        let mut found = Measured::nothing(way);
        let (mut fires, mut packets, mut is_warm) = (0_u64, 0_u64, false);
        let mut since_fire = 0;
        let mut began = self.clock.now();
        while fires < WARM_UP + self.fires {
            let before = self.clock.ticks();
            let sent = self.far.send(&mut self.tape, self.clock)?;
            packets += 1;
            since_fire += 1;
            let mut came =
                Came { longest: self.clock.ticks().wrapping_sub(before), ..Came::default() };
            self.receive(sent, &mut came)?;
            self.far.answer()?;
            // The engine tells of its gaps after the turn that they were in: it has by now.
            self.rest()?;
            let was_gap = came.longest > limit || self.gap_since(before);
            if let (Some(first), Some(last)) = (came.first, came.last) {
                fires += 1;
                since_fire = 0;
                if is_warm {
                    found.record(first.since(sent), last.since(sent), was_gap);
                }
            } else if came.orders > 0 {
                found.torn += 1;
            }
            if came.longest > limit && is_warm {
                let ns = self.clock.span(came.longest).0;
                (found.gaps, found.gap_sum_ns) = (found.gaps + 1, found.gap_sum_ns + ns);
                found.gap_max_ns = found.gap_max_ns.max(ns);
            }
            if !is_warm && fires >= WARM_UP {
                is_warm = true;
                self.shared.is_warm.store(true, Ordering::Relaxed);
                (packets, began) = (0, self.clock.now());
            }
            if since_fire > PACKETS_MOST {
                // A desk that misses an order stops firing: that is told with the figures.
                if found.torn == 0 {
                    return Ok(None);
                }
                break;
            }
        }
        found.packets = packets;
        found.measured_ns = self.clock.now().since(began).0;
        Ok(Some(found))
    }

    /// Whether the engine was interrupted after this tick. The rest after the orders counts too:
    /// whether it was interrupted does not depend on what is measured.
    fn gap_since(&self, ticks: u64) -> bool {
        let ended = self.shared.gap.load(Ordering::Relaxed);
        ended != 0 && ended.wrapping_sub(ticks).cast_signed() > 0
    }

    /// Reads until all orders of a fire have come, or the engine has nothing left to do.
    fn receive(&mut self, sent: MonoNs, came: &mut Came) -> Result<(), CliError> {
        let mut last_turn = self.clock.ticks();
        // The poll of the engine after which it has seen what was sent, once it is asked.
        let mut idle_at = None;
        loop {
            let mut arrived = self.far.read(self.clock)?;
            if arrived.is_none() && self.clock.now().since(sent) >= QUIET {
                let idle = self.shared.idle.load(Ordering::Acquire);
                // One that had begun before may not have seen it; the next one has.
                let seen = *idle_at.get_or_insert(idle + 2);
                let is_over = came.orders == 0 || self.clock.now().since(sent) >= LOST;
                self.check_engine()?;
                if idle > seen && is_over {
                    // What was sent before that poll has come.
                    arrived = self.far.read(self.clock)?;
                    if arrived.is_none() {
                        return Ok(());
                    }
                }
            }
            let ticks = self.clock.ticks();
            came.longest = came.longest.max(ticks.wrapping_sub(last_turn));
            last_turn = ticks;
            if let Some(Arrived { orders, at }) = arrived {
                came.first.get_or_insert(at);
                came.orders += orders;
                idle_at = None;
                if came.orders >= LEGS {
                    came.last = Some(at);
                    return Ok(());
                }
            }
        }
    }

    /// That the engine's loop goes on: nothing is waited for that it will not do.
    fn check_engine(&self) -> Result<(), CliError> {
        if self.shared.has_ended.load(Ordering::Relaxed) {
            return Err(CliError::could_not_run("the engine's loop has ended"));
        }
        Ok(())
    }

    /// Until the answers have been dealt with and the next packet is due; the record is read.
    fn rest(&mut self) -> Result<(), CliError> {
        let begun = self.clock.now();
        let spacing = Span(u64::try_from(SPACING.as_nanos()).expect("some microseconds"));
        let idle = self.shared.idle.load(Ordering::Acquire);
        while self.drain.poll() == Work::Busy {}
        while self.clock.now().since(begun) < spacing
            || self.shared.idle.load(Ordering::Acquire) < idle + 3
        {
            self.check_engine()?;
            if self.clock.now().since(begun) > LOST {
                return Err(CliError::could_not_run("the engine's end does not come to rest"));
            }
        }
        Ok(())
    }
}

impl Measured {
    fn record(&mut self, first: Span, last: Span, was_gap: bool) {
        self.first.record(first);
        self.last.record(last);
        if !was_gap {
            self.first_undisturbed.record(first);
            self.last_undisturbed.record(last);
        }
    }
}
