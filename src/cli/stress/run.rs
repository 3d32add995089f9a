//! The run: the stages on one core, the journal on another, and what they come to.

use super::Args;
use super::market::Market;
use super::schedule::Schedule;
use crate::allocation;
use crate::cli::CliError;
use crate::cli::latency::gaps::Detector;
use crate::cli::latency::host::{Cores, Machine};
use crate::cli::latency::recorded::Recorded;
use crate::cli::latency::{HOST_GAP, Noted, widen};
use crate::clock::EngineClock;
use crate::engine::core::place;
use crate::engine::counters::Counters;
use crate::engine::latency::Latencies;
use crate::engine::live::moment;
use crate::engine::recording::{Recording, Segments};
use crate::engine::wire::{Memory, Origin, Pipeline, Ports, Starts, wire};
use crate::journal::disk::Directory;
use crate::journal::shm::RingReader;
use crate::journal::{Figures as Journal, JournalWriter, SealReason};
use crate::topology::Sched;
use crate::venue::cme::paper::PaperExchange;
use crate::venue::digest::OrderDigest;
use crossbeam_utils::CachePadded;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use xmc_hotpath::counter::Recorder;
use xmc_hotpath::message::Gate;
use xmc_hotpath::port::{SendError, StreamPort, TxPort};
use xmc_hotpath::record::ring::Producer;
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, Span, UnixNs};

/// The paper exchange answers no sooner.
const ANSWERS_AFTER: Span = Span(2_000);
/// Seconds of the same before anything is counted.
const WARM_UP_SECONDS: u64 = 1;
/// Turns of the loop between two housekeepings.
const HOUSEKEEPING: u64 = 4_096;
/// The journal looks again so long after it found nothing.
const JOURNAL_NAP: Duration = Duration::from_micros(200);
/// Looks at how far it is.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// What it came to.
#[derive(Debug)]
pub struct Run {
    /// Packets that were due, each to make a spread fire.
    pub wanted: u64,
    /// Fires whose orders all left.
    pub fired: u64,
    /// Quotes that a newer one of the same instrument took the place of.
    pub conflated: u64,
    /// Triggers that were held back, by gate.
    pub refusals: Vec<(Gate, u64)>,
    /// From when a packet was due to the last leg's frame.
    pub tick_to_order: Latencies,
    /// The same, without the samples that a host gap fell into.
    pub undisturbed: Latencies,
    /// How long packets waited until they were first looked at.
    pub waited: Latencies,
    /// From the first leg's frame to the last one's.
    pub skew: Latencies,
    /// What the hot loop noted.
    pub noted: Noted,
    /// How long was measured, seconds.
    pub seconds: f64,
    /// Host gaps: the longest and all of them, nanoseconds.
    pub gaps_ns: [u64; 2],
    /// Polls that found no room in the record or in a ring.
    pub blocked: u64,
    /// The journal.
    pub journal: Journal,
    /// Records read back from it.
    pub records_read: u64,
    /// Orders as the exchange read them off the wire are those in the journal.
    pub frames_equal_record: bool,
    /// The machine, right after.
    pub machine: Machine,
}

/// The paper exchange, and how far apart the legs of each fire left.
#[derive(Debug)]
struct Wire {
    exchange: PaperExchange,
    clock: EngineClock,
    /// When the first leg of a fire left whose second has not.
    first: Option<u64>,
    skew: Latencies,
}

impl TxPort for Wire {
    #[inline]
    fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.exchange.send(message)?;
        // Every spread has two legs and one order for each; nothing else is ever sent.
        let now = self.clock.ticks();
        match self.first.take() {
            None => self.first = Some(now),
            Some(first) => self.skew.record(self.clock.span(now.wrapping_sub(first))),
        }
        Ok(())
    }
}

impl StreamPort for Wire {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SendError> {
        self.exchange.read(buffer)
    }
}

type Stressed<'m> = Pipeline<'m, Schedule, Wire, EngineClock, Producer<'m>, Detector>;

/// Runs it, with the journal in `directory`.
pub fn measure(
    args: &Args,
    market: Market,
    cores: Cores,
    directory: &Path,
) -> Result<Run, CliError> {
    let clock = CachePadded::new(EngineClock::start());
    let clock: &EngineClock = &clock;
    let config = market.config.clone();
    let mut recording =
        Recording::open(directory, &config, moment(clock)).map_err(CliError::could_not_run)?;
    let mut reader = RingReader::attach(recording.ring.path()).map_err(CliError::could_not_run)?;
    let consumer = reader.consumer().map_err(CliError::could_not_run)?;
    let (identity, options) = (recording.identity, recording.options);
    let (writer, _) = JournalWriter::start(recording.directory, consumer, identity, options)
        .map_err(CliError::could_not_run)?;

    let mut memory = Memory::new(&config);
    let counters = Counters::new(&config);
    let scale = clock.utc();
    counters.origin.utc_origin.set(scale.utc.0.wrapping_sub(scale.at.0));
    let exchange = PaperExchange::new(1).answering_after(clock.clone(), ANSWERS_AFTER);
    let wire_end = Wire { exchange, clock: clock.clone(), first: None, skew: Latencies::new() };
    let schedule = Schedule::new(clock.clone(), market, args.fires_per_second);
    let ports = Ports { feeds: vec![schedule], gateways: vec![wire_end] };
    let starts = Starts::nothing(&config);
    let origin =
        Origin { run: identity.run, now: clock.now(), utc: UnixNs(0), starts, carried: Vec::new() };
    let record = recording.ring.producer().map_err(CliError::could_not_run)?;
    let detector = || Detector::new(Arc::default());
    let wired = wire(&config, &mut memory, &counters, ports, clock, record, detector, origin);
    let mut pipeline = wired.map_err(CliError::usage)?;
    widen(&mut pipeline.control, &config)?;
    let late_after = Duration::from_millis(config.engine.record_late_ms.into());
    pipeline.desk.set_late_after(Span(late_after.as_nanos() as u64));

    let wanted = args.fires_per_second * args.seconds;
    let style = ProgressStyle::with_template("{elapsed_precise} {bar:40} {pos}/{len} fires due")
        .expect("the template is ours");
    let bar = ProgressBar::new(wanted).with_style(style);
    let (stop, due) = (AtomicBool::new(false), CachePadded::new(AtomicU64::new(0)));
    let (hot, journal) = std::thread::scope(|scope| {
        let journal = scope.spawn(|| write_journal(writer, clock, cores, &stop));
        let hot = scope.spawn(|| {
            place(cores.desk, Sched::Other)?;
            Ok::<_, crate::engine::core::PlaceError>(hot_loop(&mut pipeline, clock, args, &due))
        });
        while !hot.is_finished() && !journal.is_finished() {
            bar.set_position(due.load(Ordering::Relaxed));
            std::thread::sleep(BETWEEN_LOOKS);
        }
        let hot = hot.join().expect("the hot loop does not panic");
        stop.store(true, Ordering::Relaxed);
        (hot, journal.join().expect("the journal's thread does not panic"))
    });
    bar.finish_and_clear();
    let hot = hot.map_err(CliError::could_not_run)?;
    let journal = journal?;

    let sent = pipeline.gateways[0].port().exchange.orders();
    let figures = pipeline.gateways[0].latency().clone();
    let segments = Segments::of_run(directory, identity.run, 0).map_err(CliError::could_not_run)?;
    let read = read_back(&segments, hot.since, &journal);
    let ns = |ticks| clock.span(ticks).0;
    Ok(Run {
        wanted,
        fired: hot.fired,
        conflated: counters.feeds[0].conflated.get(),
        refusals: read.refusals().collect(),
        tick_to_order: figures.all,
        undisturbed: figures.undisturbed,
        waited: pipeline.feeds[0].port_mut().waited().clone(),
        skew: pipeline.gateways[0].port().skew.clone(),
        seconds: ns(hot.noted.measured) as f64 / 1e9,
        gaps_ns: [ns(hot.noted.gap_max), ns(hot.noted.gap_sum)],
        noted: hot.noted,
        blocked: counters.desk.record_full.get() + counters.desk.ring_full.get(),
        journal,
        records_read: read.records,
        frames_equal_record: read.equals(sent),
        machine: Machine::here(clock.source().word()),
    })
}

/// What the hot core leaves.
struct Hot {
    noted: Noted,
    fired: u64,
    /// The last input before.
    since: u64,
}

fn hot_loop(pipeline: &mut Stressed<'_>, clock: &EngineClock, args: &Args, due: &AtomicU64) -> Hot {
    // The session comes up.
    while pipeline.poll() != Work::Idle {}
    // The books first, at the same rate.
    let books = pipeline.feeds[0].port_mut().first_count();
    let warm_up = books + args.fires_per_second * WARM_UP_SECONDS;
    phase(pipeline, clock, warm_up, &AtomicU64::new(0));
    pipeline.gateways[0].latency_mut().clear();
    pipeline.gateways[0].port_mut().skew.clear();
    let before = pipeline.gateways[0].port().exchange.orders();
    let since = pipeline.desk.counters().inputs.get();
    let noted = phase(pipeline, clock, args.fires_per_second * args.seconds, due);
    let fires = |orders: OrderDigest| orders.count / 2;
    let fired = fires(pipeline.gateways[0].port().exchange.orders()) - fires(before);
    Hot { noted, fired, since }
}

/// Lets `wanted` packets come, and ends when all that they caused is over.
fn phase(pipeline: &mut Stressed<'_>, clock: &EngineClock, wanted: u64, due: &AtomicU64) -> Noted {
    let limit = clock.ticks_in(HOST_GAP);
    let allocations = allocation::count();
    let mut noted = Noted::default();
    pipeline.feeds[0].port_mut().begin(wanted);
    let began = clock.ticks();
    let mut last = began;
    let mut turns = 0_u64;
    loop {
        let work = pipeline.poll();
        let now = clock.ticks();
        let was_gap = noted.turn(now.wrapping_sub(last), limit);
        let detector = pipeline.gateways[0].latency_mut();
        detector.end_turn(was_gap, now, |span| clock.ticks_of(span));
        last = now;
        turns += 1;
        if turns.is_multiple_of(HOUSEKEEPING) {
            pipeline.housekeeping();
            due.store(pipeline.feeds[0].port_mut().sent(), Ordering::Relaxed);
            last = clock.ticks();
        }
        let is_quiet = work == Work::Idle && pipeline.gateways[0].port().exchange.is_quiet();
        if is_quiet && pipeline.feeds[0].port_mut().is_over() {
            noted.packets = wanted;
            noted.measured = clock.ticks().wrapping_sub(began);
            noted.allocations = allocation::count() - allocations;
            return noted;
        }
    }
}

fn write_journal(
    mut writer: JournalWriter<'_, Directory>,
    clock: &EngineClock,
    cores: Cores,
    stop: &AtomicBool,
) -> Result<Journal, CliError> {
    if cores.other != cores.desk {
        place(cores.other, Sched::Other).map_err(CliError::could_not_run)?;
    }
    loop {
        let is_done = stop.load(Ordering::Relaxed);
        let work = writer.poll(moment(clock)).map_err(CliError::could_not_run)?;
        if is_done {
            return writer
                .finish(SealReason::Stopped, moment(clock))
                .map_err(CliError::could_not_run);
        }
        if work != Work::Busy {
            std::thread::sleep(JOURNAL_NAP);
        }
    }
}

/// Reads the journal of this run as it lies on the disk.
fn read_back(segments: &Segments, since: u64, journal: &Journal) -> Recorded {
    let bar = ProgressBar::new(journal.records).with_style(
        ProgressStyle::with_template("{elapsed_precise} {bar:40} {pos}/{len} records read back")
            .expect("the template is ours"),
    );
    let mut read = Recorded::counting_since(since);
    for payload in segments.payloads() {
        read.take(payload);
        bar.set_position(read.records);
    }
    bar.finish_and_clear();
    read
}
