//! One capture through the pipeline, on the capture's own time.

use super::Speed;
use super::capture::Loaded;
use super::summary::{Line, Lines, SpreadSummary, Summary};
use crate::audit;
use crate::cli::CliError;
use crate::clock::EngineClock;
use crate::config::Configuration;
use crate::engine::counters::Counters;
use crate::engine::feed::AnyFeed;
use crate::engine::recording::{Recording, Segments};
use crate::engine::replay;
use crate::engine::wire::{Memory, Origin, Pipeline, Ports, Starts, wire};
use crate::journal::shm::RingReader;
use crate::journal::{JournalWriter, Moment, Options, SealReason};
use crate::port::memory::{MemoryPort, Pace};
use crate::venue::cme::paper::PaperExchange;
use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};
use xmc_hotpath::book::View;
use xmc_hotpath::counter::{NoRecorder, Recorder};
use xmc_hotpath::desk::{Desk, SpreadState};
use xmc_hotpath::message::Quote;
use xmc_hotpath::port::{self, SendError, StreamPort, TxPort};
use xmc_hotpath::record::ring::Producer;
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, MonoNs, UnixNs};

/// Polls after which a pipeline that is still busy has gone wrong.
pub const POLLS_PER_PACKET: usize = 100_000;

/// The capture's own time, in nanoseconds after its first packet.
#[derive(Clone, Debug, Default)]
pub struct CaptureClock(Rc<Cell<u64>>);

impl CaptureClock {
    /// Shows `now`; it never goes back.
    pub fn set(&self, now: MonoNs) {
        self.0.set(now.0.max(self.0.get()));
    }
}

impl Clock for CaptureClock {
    fn now(&self) -> MonoNs {
        MonoNs(self.0.get())
    }
}

/// A paper exchange that notes when the last order came, and tells a witness.
struct Noted {
    exchange: PaperExchange,
    clock: EngineClock,
    last_sent: Rc<Cell<Option<MonoNs>>>,
    witness: Option<File>,
}

impl TxPort for Noted {
    fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.exchange.send(message)?;
        self.last_sent.set(Some(self.clock.now()));
        match &mut self.witness {
            Some(file) => file.write_all(message).map_err(|_| SendError::Torn),
            None => Ok(()),
        }
    }
}

impl StreamPort for Noted {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SendError> {
        self.exchange.read(buffer)
    }
}

type Replay<'m> =
    Pipeline<'m, MemoryPort<CaptureClock>, Noted, CaptureClock, Producer<'m>, NoRecorder>;
type Writer<'r> = JournalWriter<'r, crate::journal::disk::Directory>;

/// What is replayed, and how.
#[derive(Debug)]
pub struct Plan<'a> {
    /// What the packets come from, for the summary.
    pub source: String,
    /// The packets.
    pub loaded: &'a Loaded,
    /// The configuration.
    pub config: &'a Configuration,
    /// Where the record goes.
    pub directory: &'a Path,
    /// How fast.
    pub speed: Speed,
    /// How often.
    pub runs: u16,
    /// Where every order frame is noted as it leaves.
    pub witness: Option<&'a Path>,
}

/// Who looks on while packets are replayed.
pub trait Watch {
    /// A packet has been dealt with; the capture's clock shows `now`.
    fn packet(&mut self, now: MonoNs, desk: &Desk<'_>);
}

/// Replays the packets as often as asked, then verifies and replays the record that was written.
pub fn replay(plan: &Plan<'_>, watch: &mut dyn Watch) -> Result<Summary, CliError> {
    let Plan { loaded, directory, .. } = *plan;
    let clock = EngineClock::start();
    let mut summary = Summary::new(&plan.source, directory, loaded);
    let mut first_segment = None;
    for _ in 0..plan.runs {
        let mut one = OneRun { plan, clock: &clock, watch };
        let segment = one.run(&mut summary)?;
        first_segment.get_or_insert(segment);
    }
    let audited = audit::verify(directory).map_err(CliError::could_not_run)?;
    summary.record_is_whole = audited.finding.is_none();
    summary.records = audited.counts.records;
    let written = written_since(directory, first_segment.unwrap_or(1))?;
    let replayed = replay::verify(written.payloads(), &[]).map_err(CliError::could_not_run)?;
    summary.take_replayed(&replayed);
    Ok(summary)
}

/// The segments that this command wrote.
fn written_since(directory: &Path, first: u64) -> Result<Segments, CliError> {
    Segments::since(directory, first).map_err(|error| {
        let path = directory.display();
        CliError::could_not_run(format!("cannot read back the journal {path}: {error}"))
    })
}

/// What one run is made of.
struct OneRun<'a, 'w> {
    plan: &'a Plan<'a>,
    clock: &'a EngineClock,
    watch: &'w mut dyn Watch,
}

impl OneRun<'_, '_> {
    /// Replays the capture once; returns the first segment that it wrote.
    fn run(&mut self, summary: &mut Summary) -> Result<u64, CliError> {
        let Plan { config, loaded, directory, .. } = *self.plan;
        let mut recording =
            Recording::open(directory, config, self.moment()).map_err(CliError::could_not_run)?;
        summary.recovered_records += recording.recovered.map_or(0, |found| found.figures.records);
        let first_segment = next_segment(directory)?;
        let mut reader =
            RingReader::attach(recording.ring.path()).map_err(CliError::could_not_run)?;
        let consumer = reader.consumer().map_err(CliError::could_not_run)?;
        let (mut writer, _) = JournalWriter::start(
            recording.directory,
            consumer,
            recording.identity,
            Options::default(),
        )
        .map_err(CliError::could_not_run)?;

        let mut memory = Memory::new(config);
        let counters = Counters::new(config);
        counters.origin.utc_origin.set(loaded.first_utc_ns);
        let time = CaptureClock::default();
        let last_sent = Rc::new(Cell::new(None));
        let ports = self.ports(&time, &last_sent)?;
        let record = recording.ring.producer().map_err(CliError::could_not_run)?;
        let origin = Origin {
            run: recording.identity.run,
            now: MonoNs(0),
            utc: UnixNs(loaded.first_utc_ns),
            starts: Starts::nothing(config),
            carried: Vec::new(),
        };
        let mut pipeline =
            wire(config, &mut memory, &counters, ports, &time, record, || NoRecorder, origin)
                .map_err(CliError::usage)?;
        // The desk hears its configuration before the first packet.
        self.settle(&mut pipeline, &mut writer)?;
        self.packets(&mut pipeline, &mut writer, &time, &last_sent, summary)?;
        self.drain(&mut pipeline, &mut writer, &time)?;
        collect(summary, config, &pipeline, &counters);
        drop(pipeline);
        writer.finish(SealReason::Stopped, self.moment()).map_err(CliError::could_not_run)?;
        Ok(first_segment)
    }

    fn ports(
        &self,
        time: &CaptureClock,
        last_sent: &Rc<Cell<Option<MonoNs>>>,
    ) -> Result<Ports<MemoryPort<CaptureClock>, Noted>, CliError> {
        let Plan { config, loaded, .. } = *self.plan;
        let mut feeds: Vec<_> =
            config.feeds.iter().map(|_| MemoryPort::new(time.clone(), Pace::Recorded)).collect();
        for packet in &loaded.packets {
            feeds[packet.feed].push(packet.line, MonoNs(packet.at_ns), &packet.payload);
        }
        let gateways = config.gateways.iter().map(|_| {
            Ok(Noted {
                exchange: PaperExchange::new(1),
                clock: self.clock.clone(),
                last_sent: Rc::clone(last_sent),
                witness: self.witness()?,
            })
        });
        Ok(Ports { feeds, gateways: gateways.collect::<Result<_, CliError>>()? })
    }

    fn witness(&self) -> Result<Option<File>, CliError> {
        let Some(path) = self.plan.witness else {
            return Ok(None);
        };
        let file = OpenOptions::new().append(true).create(true).open(path).map_err(|error| {
            CliError::could_not_run(format!("cannot write {}: {error}", path.display()))
        })?;
        Ok(Some(file))
    }

    /// Sends the packets, each at its time.
    fn packets(
        &mut self,
        pipeline: &mut Replay<'_>,
        writer: &mut Writer<'_>,
        time: &CaptureClock,
        last_sent: &Cell<Option<MonoNs>>,
        summary: &mut Summary,
    ) -> Result<(), CliError> {
        let start = Instant::now();
        for (number, packet) in self.plan.loaded.packets.iter().enumerate() {
            let at = MonoNs(packet.at_ns);
            self.deadlines(pipeline, writer, time, at)?;
            wait(start, due(self.plan.speed, number, packet.at_ns));
            time.set(at);
            last_sent.set(None);
            let began = self.clock.now();
            self.settle(pipeline, writer)?;
            if let Some(sent) = last_sent.get() {
                summary.packet_to_orders.record(sent.since(began));
            }
            summary.crossed += crossed(pipeline);
            self.watch.packet(at, pipeline.desk.desk());
        }
        Ok(())
    }

    /// Lets the desk's deadlines come that lie before `until`.
    fn deadlines(
        &self,
        pipeline: &mut Replay<'_>,
        writer: &mut Writer<'_>,
        time: &CaptureClock,
        until: MonoNs,
    ) -> Result<(), CliError> {
        loop {
            let next = pipeline.desk.desk().next_deadline();
            if next >= until {
                return Ok(());
            }
            time.set(next);
            self.settle(pipeline, writer)?;
        }
    }

    /// After the last packet: every order gets its answer, or its deadline.
    fn drain(
        &self,
        pipeline: &mut Replay<'_>,
        writer: &mut Writer<'_>,
        time: &CaptureClock,
    ) -> Result<(), CliError> {
        self.settle(pipeline, writer)?;
        self.deadlines(pipeline, writer, time, MonoNs::NEVER)?;
        pipeline.housekeeping();
        Ok(())
    }

    /// Polls until there is nothing left to do.
    fn settle(&self, pipeline: &mut Replay<'_>, writer: &mut Writer<'_>) -> Result<(), CliError> {
        for _ in 0..POLLS_PER_PACKET {
            let work = pipeline.poll();
            if work != Work::Busy {
                writer.poll(self.moment()).map_err(CliError::could_not_run)?;
            }
            if work == Work::Idle {
                return Ok(());
            }
        }
        Err(CliError::could_not_run(format!(
            "the pipeline was still busy after {POLLS_PER_PACKET} polls of one packet: this is a \
             fault in the program, please report it with the capture and the configuration"
        )))
    }

    fn moment(&self) -> Moment {
        Moment { mono: self.clock.now(), utc: self.clock.utc().utc }
    }
}

/// The number that the next segment of the journal will have.
fn next_segment(directory: &Path) -> Result<u64, CliError> {
    let numbers = crate::journal::disk::list(directory).map_err(|error| {
        CliError::could_not_run(format!("cannot list {}: {error}", directory.display()))
    })?;
    Ok(numbers.last().map_or(1, |last| last + 1))
}

/// When packet `number` is due, after the start.
fn due(speed: Speed, number: usize, at_ns: u64) -> Option<Duration> {
    match speed {
        Speed::Top => None,
        Speed::PacketsPerSecond(pps) => {
            Some(Duration::from_secs_f64(number as f64 / f64::from(pps)))
        }
        Speed::Multiplier(times) => Some(Duration::from_nanos(at_ns).div_f64(times)),
    }
}

fn wait(start: Instant, due: Option<Duration>) {
    let Some(due) = due else {
        return;
    };
    let left = due.saturating_sub(start.elapsed());
    if !left.is_zero() {
        std::thread::sleep(left);
    }
}

/// Instruments that trade and whose outright book is crossed, when no event of the venue is half
/// told. Before the opening and in auctions books cross rightly.
fn crossed(pipeline: &Replay<'_>) -> u64 {
    let channels = pipeline.feeds.iter().map(AnyFeed::channel);
    let settled = channels.filter(|channel| !channel.is_event_open());
    settled
        .flat_map(|channel| channel.books().iter())
        .filter(|row| !row.is_shut())
        .filter(|row| {
            let mut quote = Quote::EMPTY;
            row.show(View::Outright, &mut quote);
            quote.bids.best_e9() >= quote.asks.best_e9()
        })
        .count() as u64
}

fn collect(
    summary: &mut Summary,
    config: &Configuration,
    pipeline: &Replay<'_>,
    counters: &Counters,
) {
    for (feed, counted) in pipeline.feeds.iter().zip(&counters.feeds) {
        let channel = feed.channel();
        summary.applied += counted.applied.get();
        summary.gaps += counted.gaps.get();
        summary.missing += counted.missing.get();
        summary.refused += counted.refused.iter().map(|counter| counter.get()).sum::<u64>();
        summary.divergent += counted.divergent.get();
        summary.sequence_breaks += counted.sequence_breaks.get();
        summary.instruments = summary.instruments.max(u64::from(channel.books().len()));
        summary.channels_usable &= channel.state().is_usable();
        summary.lines.add(&Lines {
            a: Line::of(counted.line(port::Line::A)),
            b: Line::of(counted.line(port::Line::B)),
        });
        summary.events += counted.events.get();
        summary.quotes += counted.quotes.get();
    }
    for counted in &counters.gateways {
        summary.orders_sent += counted.sent.get();
        summary.orders_not_sent += counted.not_sent.get();
    }
    let desk = pipeline.desk.desk();
    summary.desk_state = desk.state().word().to_owned();
    summary.spreads = desk
        .spreads()
        .iter()
        .zip(&config.spreads)
        .map(|(spread, configured)| SpreadSummary {
            name: configured.name.value.clone(),
            position_units: spread.position_units,
            is_halted: spread.state == SpreadState::Halted,
        })
        .collect();
}
