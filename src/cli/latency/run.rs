//! One measurement: threads, cores, the loop that lets packets come.

use super::gaps::{Detector, FeedGaps};
use super::host::{Cores, Machine, cache_line_round_trip};
use super::market::Market;
use super::recorded::Recorded;
use super::steps::{StepFigures, Steps};
use super::{Args, DECISIONS};
use crate::allocation;
use crate::cli::CliError;
use crate::clock::EngineClock;
use crate::config::Configuration;
use crate::engine::core::{PlaceError, place};
use crate::engine::counters::Counters;
use crate::engine::inputs;
use crate::engine::latency::Latencies;
use crate::engine::wire::{Memory, Origin, Pipeline, Ports, Starts, identity, wire};
use crate::topology::Sched;
use crate::venue::cme::mdp3::tape::Tape;
use crate::venue::cme::paper::PaperExchange;
use crossbeam_utils::CachePadded;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use xmc_hotpath::message::Control;
use xmc_hotpath::record::ring::{self, Consumer, Producer};
use xmc_hotpath::ring::Sender;
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, Span, UnixNs};

/// Fires before anything is measured: caches and branch predictors have seen the work.
const WARM_UP: u64 = 50_000;
/// The paper exchange answers no sooner: all orders of a packet leave before the first is answered.
/// A real exchange takes a hundred times as long.
const ANSWERS_AFTER: Span = Span(2_000);
/// The reader of the record looks again so long after it found nothing.
const BETWEEN_READS: Duration = Duration::from_micros(20);
/// Words of the record ring: 64 MiB of records.
const RING_WORDS: u64 = 1 << 23;
/// A loop turn that takes longer than this was interrupted by the host.
pub(in crate::cli) const HOST_GAP: Duration = Duration::from_micros(10);
/// Loop turns between two housekeepings.
const HOUSEKEEPING: u64 = 4096;
/// Passes over the tape within which there is a first fire, or something is wrong.
const PASSES_MOST: u64 = 20;
/// Bytes that the reader of the record takes at once.
const DRAIN_BYTES: usize = 1 << 16;

/// What one topology gave.
#[derive(Debug, Serialize)]
pub struct Run {
    /// Which cores did what.
    pub topology: &'static str,
    /// From the packet to the last leg's frame.
    #[serde(skip)]
    pub tick_to_order: Latencies,
    /// The same, without the samples that a host gap fell into.
    #[serde(skip)]
    pub undisturbed: Latencies,
    /// Where it goes, by stages; `null` where they have no core in common.
    pub steps_ns: Option<StepFigures>,
    /// Packets that came, on both lines.
    pub packets: u64,
    /// Quotes that reached the desk.
    pub quotes: u64,
    /// Orders that left.
    pub orders: u64,
    /// Inputs that the desk consumed.
    pub inputs: u64,
    /// Records that the reader of the record ring read.
    pub records_read: u64,
    /// Records that the desk wrote.
    pub records_written: u64,
    /// Rings between a packet and its orders, and back.
    pub rings_crossed: &'static [&'static str],
    /// Turns of the hot loop that the host interrupted for more than 10 µs, and for how long in
    /// all.
    pub host_gaps: u64,
    /// The longest of them, nanoseconds.
    pub host_gap_max_ns: u64,
    /// All of them together, nanoseconds.
    pub host_gap_sum_ns: u64,
    /// How long was measured, nanoseconds.
    pub measured_ns: u64,
    /// Heap allocations on hot threads while measuring.
    pub allocations: u64,
    /// Polls that found no room in the record or in a ring.
    pub blocked: u64,
    /// Round trip of a cache line between the cores, nanoseconds, before the run and after it;
    /// `null` where one core does everything or threads cannot be pinned.
    pub cache_line_round_trip_ns: [Option<u64>; 2],
    /// Orders as the exchange read them off the wire are those in the record.
    pub frames_equal_record: bool,
    /// The machine, right after.
    #[serde(skip)]
    pub machine: Machine,
}

const RINGS: &[&str] = &["quotes", "record", "orders", "events"];

type Measured<'m> =
    Pipeline<'m, Tape<EngineClock>, PaperExchange, EngineClock, Producer<'m>, Detector>;

/// Feed, desk and gateway in turn on one core, the reader of the record on the other.
pub fn one_core(args: &Args, market: &Market, cores: Cores) -> Result<Run, CliError> {
    let mut steps = Steps::default();
    let run = measure(&market.config, market, &Arc::default(), |pipeline, drain, clock, stop| {
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                if cores.other != cores.desk {
                    place(cores.other, Sched::Other)?;
                }
                while !stop.load(Ordering::Relaxed) {
                    if drain.poll() != Work::Busy {
                        std::thread::sleep(BETWEEN_READS);
                    }
                }
                Ok::<_, PlaceError>(())
            });
            let hot = scope.spawn(|| {
                place(cores.desk, Sched::Other)?;
                Ok::<_, PlaceError>(one_core_loop(
                    pipeline,
                    clock,
                    args.decisions.unwrap_or(DECISIONS),
                    &mut steps,
                ))
            });
            let found = hot.join().expect("the hot loop does not panic");
            stop.store(true, Ordering::Relaxed);
            reader.join().expect("the reader does not panic").map_err(CliError::could_not_run)?;
            found.map_err(CliError::could_not_run)
        })
    })?;
    let topology = "one core: feed, desk, gateway; record reader on the other";
    Ok(Run { topology, steps_ns: Some(steps.figures()), ..run })
}

/// What a hot loop notes about itself.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::cli) struct Noted {
    /// Packets that came.
    pub packets: u64,
    /// Turns that the host interrupted.
    pub gaps: u64,
    /// The longest of them, ticks.
    pub gap_max: u64,
    /// All of them together, ticks.
    pub gap_sum: u64,
    /// How long was measured, ticks.
    pub measured: u64,
    /// Heap allocations meanwhile.
    pub allocations: u64,
}

impl Noted {
    /// A turn took so many ticks; whether that is above the limit.
    #[inline]
    pub fn turn(&mut self, took: u64, limit: u64) -> bool {
        let was_gap = took > limit;
        if was_gap {
            self.gaps += 1;
            self.gap_sum += took;
            self.gap_max = self.gap_max.max(took);
        }
        was_gap
    }
}

fn one_core_loop(
    pipeline: &mut Measured<'_>,
    clock: &EngineClock,
    decisions: u64,
    steps: &mut Steps,
) -> Noted {
    let limit = clock.ticks_in(HOST_GAP);
    let mut noted = Noted::default();
    let mut is_warm = false;
    let mut began = clock.ticks();
    let mut last = began;
    let mut allocations = allocation::count();
    loop {
        pipeline.feeds[0].port_mut().admit();
        while steps.poll(pipeline, clock, |detector| detector.all.count()) != Work::Idle
            || !pipeline.gateways[0].port().is_quiet()
        {}
        noted.packets += 1;
        let now = clock.ticks();
        let was_gap = noted.turn(now.wrapping_sub(last), limit);
        let detector = pipeline.gateways[0].latency_mut();
        detector.end_turn(was_gap, now, |span| clock.ticks_of(span));
        last = now;
        if noted.packets.is_multiple_of(HOUSEKEEPING) {
            pipeline.housekeeping();
            last = clock.ticks();
        }
        let fired = pipeline.gateways[0].latency().all.count();
        if !is_warm && fired >= WARM_UP {
            is_warm = true;
            pipeline.gateways[0].latency_mut().clear();
            steps.clear();
            noted = Noted::default();
            allocations = allocation::count();
            began = clock.ticks();
            last = began;
        } else if (is_warm && fired >= decisions)
            || (!is_warm && fired == 0 && pipeline.feeds[0].port_mut().passes() > PASSES_MOST)
        {
            noted.measured = clock.ticks().wrapping_sub(began);
            noted.allocations = allocation::count() - allocations;
            return noted;
        }
    }
}

/// The feed and the reader of the record on one core, desk and gateway on the other.
pub fn two_cores(args: &Args, market: &Market, cores: Cores) -> Result<Run, CliError> {
    let feed_gaps = Arc::new(FeedGaps::default());
    let ticks = EngineClock::start();
    let before = cache_line_round_trip(cores, &ticks);
    let decisions = args.decisions.unwrap_or(DECISIONS);
    measure(
        &market.apart(cores.desk, cores.other),
        market,
        &feed_gaps,
        |pipeline, drain, clock, stop| {
            let Pipeline { feeds, desk, gateways, .. } = pipeline;
            let fired = CachePadded::new(AtomicU64::new(0));
            let warm = CachePadded::new(AtomicBool::new(false));
            std::thread::scope(|scope| {
                let feeding = scope.spawn(|| {
                    place(cores.other, Sched::Other)?;
                    let spacing = clock.ticks_in(Duration::from_nanos(args.spacing_ns));
                    let mut packets = 0_u64;
                    let mut due = clock.ticks();
                    let between_reads = clock.ticks_in(BETWEEN_READS);
                    let mut drained = due;
                    let mut allocations = None;
                    let limit = clock.ticks_in(HOST_GAP);
                    let mut last = due;
                    while !stop.load(Ordering::Relaxed) {
                        let now = clock.ticks();
                        if now.wrapping_sub(last) > limit {
                            feed_gaps.end(now);
                        }
                        last = now;
                        if now.wrapping_sub(due).cast_signed() >= 0 {
                            // From now, not from when it was due: a feed that was interrupted
                            // does not catch up in a burst.
                            due = now.wrapping_add(spacing);
                            feeds[0].port_mut().admit();
                            packets += 1;
                        }
                        if feeds[0].poll() == Work::Idle
                            && now.wrapping_sub(drained) >= between_reads
                            && drain.poll() == Work::Idle
                        {
                            drained = now;
                        }
                        if packets.is_multiple_of(HOUSEKEEPING) {
                            feeds[0].housekeeping();
                        }
                        if allocations.is_none() && warm.load(Ordering::Relaxed) {
                            allocations = Some(allocation::count());
                        }
                    }
                    let allocated =
                        allocation::count() - allocations.unwrap_or(allocation::count());
                    Ok::<_, PlaceError>((packets, allocated))
                });
                let deciding = scope.spawn(|| {
                    place(cores.desk, Sched::Other)?;
                    let limit = clock.ticks_in(HOST_GAP);
                    let mut noted = Noted::default();
                    let mut began = clock.ticks();
                    let mut last = began;
                    let mut allocations = allocation::count();
                    loop {
                        desk.poll();
                        gateways[0].poll();
                        let now = clock.ticks();
                        let was_gap = noted.turn(now.wrapping_sub(last), limit);
                        let detector = gateways[0].latency_mut();
                        detector.end_turn(was_gap, now, |span| clock.ticks_of(span));
                        last = now;
                        let count = gateways[0].latency().all.count();
                        if !warm.load(Ordering::Relaxed) && count >= WARM_UP {
                            warm.store(true, Ordering::Relaxed);
                            gateways[0].latency_mut().clear();
                            noted = Noted::default();
                            allocations = allocation::count();
                            began = clock.ticks();
                            last = began;
                        } else if warm.load(Ordering::Relaxed) && count >= decisions {
                            noted.measured = clock.ticks().wrapping_sub(began);
                            noted.allocations = allocation::count() - allocations;
                            fired.store(count, Ordering::Relaxed);
                            return Ok::<_, PlaceError>(noted);
                        }
                    }
                });
                let found = deciding.join().expect("the hot loop does not panic");
                stop.store(true, Ordering::Relaxed);
                let fed = feeding.join().expect("the feed loop does not panic");
                let (packets, allocated) = fed.map_err(CliError::could_not_run)?;
                let noted = found.map_err(CliError::could_not_run)?;
                Ok(Noted { packets, allocations: noted.allocations + allocated, ..noted })
            })
        },
    )
    .map(|run| Run {
        topology: "two cores: feed and record reader | desk and gateway",
        cache_line_round_trip_ns: [before, cache_line_round_trip(cores, &ticks)],
        ..run
    })
}

/// Wires the pipeline, lets `hot` run it, and collects what it came to.
fn measure(
    config: &Configuration,
    market: &Market,
    feed_gaps: &Arc<FeedGaps>,
    hot: impl FnOnce(
        &mut Measured<'_>,
        &mut Drain<'_>,
        &EngineClock,
        &AtomicBool,
    ) -> Result<Noted, CliError>,
) -> Result<Run, CliError> {
    let clock = CachePadded::new(EngineClock::start());
    let clock: &EngineClock = &clock;
    let words = record_ring(config);
    let producer = Producer::attach(&words).expect("the ring was just made");
    let consumer = Consumer::attach(&words).expect("the ring was just made");
    let mut memory = Memory::new(config);
    let counters = Counters::new(config);
    let scale = clock.utc();
    counters.origin.utc_origin.set(scale.utc.0.wrapping_sub(scale.at.0));
    let tape = Tape::new(clock.clone(), &market.packets).map_err(CliError::could_not_run)?;
    let exchange = PaperExchange::new(1).answering_after(clock.clone(), ANSWERS_AFTER);
    let ports = Ports { feeds: vec![tape], gateways: vec![exchange] };
    let starts = Starts::nothing(config);
    let origin = Origin { run: 1, now: clock.now(), utc: UnixNs(0), starts, carried: Vec::new() };
    let detector = || Detector::new(Arc::clone(feed_gaps));
    let wired = wire(config, &mut memory, &counters, ports, clock, producer, detector, origin);
    let mut pipeline = wired.map_err(CliError::usage)?;
    widen(&mut pipeline.control, &market.config)?;
    let mut drain = Drain::new(consumer);
    let stop = CachePadded::new(AtomicBool::new(false));
    let noted = hot(&mut pipeline, &mut drain, clock, &stop)?;
    // What is still on its way arrives, with nothing measured any more.
    let figures = pipeline.gateways[0].latency().clone();
    while pipeline.poll() != Work::Idle || !pipeline.gateways[0].port().is_quiet() {}
    while drain.poll() == Work::Busy {}
    if figures.all.count() == 0 {
        return Err(CliError::could_not_run(nothing_fired(
            &drain.read,
            counters.desk.quotes.get(),
        )));
    }
    let sent = pipeline.gateways[0].port().orders();
    let ns = |ticks| clock.span(ticks).0;
    let desk = &counters.desk;
    Ok(Run {
        topology: "",
        tick_to_order: figures.all,
        undisturbed: figures.undisturbed,
        steps_ns: None,
        packets: noted.packets,
        quotes: desk.quotes.get(),
        orders: desk.orders.get(),
        inputs: desk.inputs.get(),
        records_read: drain.read.records,
        records_written: desk.records.get() + 1,
        rings_crossed: RINGS,
        host_gaps: noted.gaps,
        host_gap_max_ns: ns(noted.gap_max),
        host_gap_sum_ns: ns(noted.gap_sum),
        measured_ns: ns(noted.measured),
        allocations: noted.allocations,
        blocked: desk.record_full.get() + desk.ring_full.get(),
        cache_line_round_trip_ns: [None; 2],
        frames_equal_record: drain.read.equals(sent),
        machine: Machine::here(clock.source().word()),
    })
}

/// The memory of a record ring that nothing was written to.
pub(super) fn record_ring(config: &Configuration) -> Vec<AtomicU64> {
    let words = ring::words(RING_WORDS).expect("the ring's size is a power of two");
    let words: Vec<AtomicU64> = (0..words).map(|_| AtomicU64::new(0)).collect();
    // Memory that nobody has written to comes page by page, in the middle of a measurement.
    words.iter().for_each(|word| word.store(0, Ordering::Relaxed));
    ring::format(&words, identity(config, 1)).expect("the ring's memory was made for it");
    words
}

/// Why there is nothing to report.
pub(super) fn nothing_fired(read: &Recorded, quotes: u64) -> String {
    let held: Vec<_> =
        read.refusals().map(|(gate, count)| format!("{} {count}", gate.word())).collect();
    format!(
        "nothing fired on {quotes} quotes; held back by: {}; trade more instruments, or give \
         another capture",
        if held.is_empty() {
            "no gate, the book of a leg was never whole".into()
        } else {
            held.join(", ")
        }
    )
}

/// Gives every rate a window of a nanosecond: the gates run, and never hold back.
pub(in crate::cli) fn widen(
    control: &mut Sender<Control>,
    config: &Configuration,
) -> Result<(), CliError> {
    let (controls, _) = inputs::controls(config);
    for told in controls {
        let wide = match told {
            Control::Gateway(mut limits) => {
                limits.rate_window = Span(1);
                Control::Gateway(limits)
            }
            Control::Account(mut limits) => {
                limits.rate_window = Span(1);
                Control::Account(limits)
            }
            Control::Instrument(mut spec) => {
                spec.rate_window = Span(1);
                Control::Instrument(spec)
            }
            Control::Spread(mut spec) => {
                spec.fire_window = Span(1);
                Control::Spread(spec)
            }
            other @ (Control::Held(_)
            | Control::Carried(_)
            | Control::Instruction(_)
            | Control::Command(_)
            | Control::Detailing(_)
            | Control::Hours(_)
            | Control::Finding(_)
            | Control::Sizing(_)
            | Control::Breakers(_)
            | Control::Rule(_)
            | Control::Clock(_)) => other,
        };
        control.push(wide).map_err(|_| {
            CliError::could_not_run("the control ring is too short for the configuration")
        })?;
    }
    Ok(())
}

/// Reads the record ring as a journal writer would.
#[repr(align(128))]
pub(super) struct Drain<'r> {
    consumer: Consumer<'r>,
    buffer: Vec<u8>,
    /// What was read.
    pub read: Recorded,
}

impl<'r> Drain<'r> {
    /// A reader that has read nothing.
    pub fn new(consumer: Consumer<'r>) -> Self {
        Self { consumer, buffer: vec![0; DRAIN_BYTES], read: Recorded::default() }
    }

    /// Reads what has been published, a piece of it.
    pub fn poll(&mut self) -> Work {
        let Ok(len @ 1..) = self.consumer.read(&mut self.buffer) else {
            return Work::Idle;
        };
        self.read.take(&self.buffer[..len]);
        self.consumer.release(self.consumer.position());
        Work::Busy
    }
}
