//! A configured engine that runs: stages on their cores, the journal on its own thread, and a
//! shadow of the desk for whoever looks on.
//!
//! `run` wires the stages, starts a thread for each hot executor of the topology and one for the
//! journal, and follows the journal on the calling thread until the one who looks on has seen
//! enough. Then nothing is fired any more, live orders are waited for, and the stages are stopped
//! and drained, so that the journal holds everything that left.
//!
//! Not here: opening sockets, learning books, logging on (`opening`). Called by `xmc run` and `xmc
//! demo`.

use super::alerting::Alerting;
use super::capital::{self, CapitalDesk, Trades};
use super::controlling::{self, Controlling};
use super::core::{Gate, Resting, Turn, core_of, hot, pin, promote};
use super::counters::{Counters, thread_id};
use super::feed::catch_up;
use super::follower::Follower;
use super::gateway::AnyGateway;
use super::hold::{Held, Hold};
use super::interfaces::{self, Interfaces};
use super::latency::{Exchange, Exchanged, Latencies, exchanged};
use super::recording::Recording;
use super::recovering;
use super::resyncing::{self, Resyncing};
use super::sessions::{self, SessionFigures, Sessions};
use super::shadow::{Difference, Shadow, ShadowMemory};
use super::snapshotting::{self, Following, Snapshots};
use super::sockets::KernelWatch;
use super::telling::Telling;
use super::threads::{named, of_core};
use super::wire::{Memory, Origin, Pipeline, Ports, Starts, arm, desk_size, wire};
use super::witnessing::{self, Witnessing};
use crate::allocation;
use crate::clock::EngineClock;
use crate::config::Configuration;
use crate::journal::probe::{Probe, probe};
use crate::journal::shm::RingReader;
use crate::journal::{self, Durable, JournalWriter, Moment};
use crate::topology::{Executor, Idle, Stage as StageName};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use xmc_hotpath::message::{CommandKind, Control};
use xmc_hotpath::port::{RxPort, StreamPort};
use xmc_hotpath::record::ring::Producer;
use xmc_hotpath::ring::Sender;
use xmc_hotpath::stage::{self, Stage, Work};
use xmc_hotpath::time::{Clock, Span};

mod ending;
mod error;
mod showing;
mod sight;

pub(crate) use ending::ENDING_COMMANDS;
use ending::{command, is_settled};
pub use error::LiveError;
pub use sight::{Core, Sight, Watch};

/// Between two looks into the journal.
const BETWEEN_READS: Duration = Duration::from_millis(5);
/// Between two readings of the clock against UTC.
const BETWEEN_CLOCKS: Duration = Duration::from_secs(1);
/// How long the journal's thread sleeps when the ring is empty.
const JOURNAL_NAP: Duration = Duration::from_micros(200);
/// The number of the engine's command to open nothing more because the record is in danger.
const RECORD_COMMAND: u64 = 4;
/// What the disk is asked before a run: groups as a busy market makes them, for a moment.
const PROBE_GROUP: usize = 1 << 16;
const PROBE_GROUPS: u64 = 32;
const PROBE_PATIENCE: Duration = Duration::from_millis(150);
/// How long no gateway has told anything of orders before the desk may open positions.
const SETTLING: Duration = Duration::from_millis(250);
/// Polls after which stopped stages have nothing left to say.
const LAST_POLLS: u32 = 10_000;

/// What is run.
pub struct Plan<'a, F, G> {
    /// The configuration.
    pub config: &'a Configuration,
    /// The clock that everything is stamped with.
    pub clock: &'a EngineClock,
    /// Where the record goes.
    pub recording: Recording,
    /// The outside.
    pub ports: Ports<F, G>,
    /// Where the venues stand.
    pub starts: Starts,
    /// What an earlier run left: see `carry`.
    pub carried: Vec<Control>,
    /// Threads are put on the cores that the topology names, and nowhere else.
    pub is_pinned: bool,
    /// What all parts count.
    pub counters: Counters,
    /// By feed, where the kernel says what it has dropped; empty: it is not asked.
    pub kernel: Vec<KernelWatch>,
    /// The network interfaces that ports are on; `None`: nobody watches them.
    pub interfaces: Option<Interfaces>,
    /// How order sessions go on when they are lost; `None`: they do not.
    pub sessions: Option<Sessions<'a, G>>,
    /// Who signs the record, if anybody does.
    pub witnessing: Option<Witnessing>,
    /// Where operators command it, if anybody may.
    pub control: Option<Controlling>,
    /// Who tells people outside, if anybody does.
    pub alerting: Option<Alerting>,
    /// Who watches the money that orders use, if anybody does.
    pub capital: Option<CapitalDesk>,
    /// Who compares the desk with what venues say, if anybody does.
    pub resync: Option<Resyncing>,
}

/// What a run came to.
#[derive(Debug)]
pub struct Ended {
    /// The number of the first segment of the journal that is this run's.
    pub first_segment: u64,
    /// What the journal has written.
    pub journal: journal::Figures,
    /// What its disk did when the run began, without a journal; `None` if it refused.
    pub disk: Option<Probe>,
    /// What witnesses have of it; `None` if there are none.
    pub witnessed: Option<witnessing::Figures>,
    /// What has become of order sessions that go on.
    pub sessions: Vec<SessionFigures>,
    /// Snapshots of the desk.
    pub snapshots: snapshotting::Figures,
    /// From a packet to the last order that followed from it.
    pub latency: Latencies,
    /// The first difference between shadow and record.
    pub difference: Option<Difference>,
    /// Heap allocations of each hot core while it ran.
    pub allocations: Vec<u64>,
    /// Orders that were still live when patience ended.
    pub live_orders: usize,
    /// How capital stood at the end; `None`: nobody watched it.
    pub capital: Option<capital::Figures>,
    /// Records of a dead engine that were written first.
    pub recovered_records: u64,
    /// What was held of the host; `None` if threads were left where the system put them.
    pub held: Option<Held>,
}

/// Runs an engine until `watch` has seen enough.
///
/// # Errors
/// See `LiveError`. Whatever ended the run, what left is in the journal, or in the ring, from which
/// the next run completes it.
pub fn run<F, G>(plan: Plan<'_, F, G>, watch: &mut dyn Watch) -> Result<Ended, LiveError>
where
    F: RxPort + Send,
    G: StreamPort + Send,
{
    let Plan { config, clock, mut recording, ports, starts, carried, .. } = plan;
    let Plan { is_pinned, counters, kernel, sessions, witnessing, control, .. } = plan;
    let Plan { alerting, resync, capital, interfaces, .. } = plan;
    // Before memory and threads are made: both are as this says.
    let hold = is_pinned.then(|| Hold::take(config));
    let path = recording.path.clone();
    let directory = path.as_path();
    let recovered_records = recording.recovered.map_or(0, |found| found.figures.records);
    let follow = |source| LiveError::Follow { directory: directory.display().to_string(), source };
    let segments = journal::disk::list(directory).map_err(follow)?;
    let first_segment = segments.last().map_or(1, |last| last + 1);
    let disk = probe(directory, PROBE_GROUP, PROBE_GROUPS, PROBE_PATIENCE).ok();
    let mut reader = RingReader::attach(recording.ring.path())?;
    let (identity, options) = (recording.identity, recording.options);
    let (writer, _) =
        JournalWriter::start(recording.directory, reader.consumer()?, identity, options)?;

    let mut memory = Memory::new(config);
    if let Some(sessions) = &sessions {
        sessions.begin(config, &starts)?;
    }
    let key_expires_days = starts.key_expires_days.clone();
    let scale = clock.utc();
    let mut telling = Telling::of(config, &scale)?;
    counters.origin.utc_origin.set(scale.utc.0.wrapping_sub(scale.at.0));
    let watches_capital = capital.is_some();
    capital.into_iter().for_each(|capital| telling.watch_capital(capital));
    let compared = resyncing::Published::default();
    let begun = resyncing::begin(resync, config, &compared, scale, carried);
    let (statements, resync_desk, eye, carried) = begun;
    telling.compare(resync_desk);
    let (clerk, carried) = controlling::begin(control, config, &mut telling, carried);
    let origin = Origin { run: identity.run, now: clock.now(), utc: scale.utc, starts, carried };
    let mut exchanges = Vec::new();
    let latency = || {
        let (hot, cold) = exchanged();
        exchanges.push(cold);
        hot
    };
    let record = recording.ring.producer()?;
    let mut pipeline = wire(config, &mut memory, &counters, ports, clock, record, latency, origin)?;
    let late_after = Duration::from_millis(config.engine.record_late_ms.into());
    pipeline.desk.set_late_after(Span(late_after.as_nanos() as u64));
    let copies = pipeline.feeds.iter_mut().zip(&pipeline.handings).map(|(feed, handing)| {
        // Without a replica nobody would take them.
        handing.as_ref().and_then(|_| feed.port_mut().take_copies())
    });
    let copies = copies.collect();
    catch_up(&mut pipeline.feeds);
    let cores = Core::all(config, clock, &counters);
    let mut shadow_memory = ShadowMemory::new(desk_size(config));
    let shadow = Shadow::new(identity, &mut shadow_memory);
    let mut follower = Follower::new(directory, first_segment, shadow);
    follower.trades = watches_capital.then(|| Trades::new(config).of_run(identity, &scale));
    follower.eye = eye;
    let shared = Shared {
        clock,
        counters: &counters,
        kernel: &kernel,
        cores: &cores,
        journal: Mutex::default(),
        disk,
        exchanges: Mutex::new(exchanges),
        is_journal_done: AtomicBool::new(false),
        has_journal_ended: AtomicBool::new(false),
        witnessed: witnessing::Published::default(),
        snapshots: snapshotting::Published::default(),
        sessions: sessions::Published::default(),
        capital: telling.capital(),
        resync: compared,
        interfaces: interfaces::Published::default(),
        has_failed: AtomicBool::new(false),
        started: Instant::now(),
    };
    let snapshot_every = Duration::from_millis(config.engine.record_snapshot_ms.into());
    let journal_core = is_pinned.then(|| core_of(config, StageName::Journal)).flatten();

    let mut ended = std::thread::scope(|scope| {
        // Whatever happens below, the threads end: the scope waits for them.
        let stopping = StopOnDrop(&shared);
        let journal = named(scope, "xmc-journal", || {
            let written = shared.noted(shared.write_journal(writer, journal_core));
            shared.witnessed.end();
            shared.has_journal_ended.store(true, Ordering::Release);
            written
        })?;
        if let Some(witnessing) = witnessing {
            let witnessing = witnessing.from_segment(first_segment);
            named(scope, "xmc-witness", || shared.witnessed.run(witnessing, || shared.durable()))?;
        }
        if let Some(alerting) = alerting {
            named(scope, "xmc-alert", || shared.alert(alerting, first_segment))?;
        }
        if let Some(interfaces) = interfaces {
            let (counters, found, is_over) =
                (shared.counters, &shared.interfaces, &shared.is_journal_done);
            named(scope, "xmc-interface", move || interfaces.run(counters, found, is_over))?;
        }
        let (snapshots, taken) = Snapshots::new(snapshot_every);
        let (shared, follower) = (&shared, &mut follower);
        if let Some(clerk) = clerk {
            named(scope, "xmc-control", || clerk.run(clock, &shared.is_journal_done))?;
        }
        if let Some(statements) = statements {
            named(scope, "xmc-resync", || statements.run(&shared.is_journal_done))?;
        }
        named(scope, "xmc-snapshot", move || shared.snapshots.write_all(directory, &taken))?;
        let handings = std::mem::take(&mut pipeline.handings);
        named(scope, "xmc-recovery", move || {
            let cold = recovering::Ends { handings, copies };
            recovering::run(config, shared.counters, clock, cold, &shared.is_journal_done);
        })?;
        if let Some(sessions) = &sessions {
            let doors = std::mem::take(&mut pipeline.doors);
            sessions.serve(scope, config, doors, &shared.sessions, &shared.is_journal_done)?;
            shared.sessions.first_keys(&key_expires_days);
        }
        let following = Following { follower, snapshots, is_behind: false };
        let hot =
            shared.run_stages(config, is_pinned, &mut pipeline, following, &mut telling, watch);
        let hot = hot.inspect(|_| {
            // What the stages have not written yet: the details of the last input.
            let _ = (0..LAST_POLLS).any(|_| pipeline.poll() == Work::Idle);
            pipeline.housekeeping();
            // The venues need not find out by themselves. What they answer is not read: it comes
            // again with the next logon, and then the desk is there to hear it.
            pipeline.gateways.iter_mut().for_each(AnyGateway::log_out);
        });
        drop(stopping);
        let journal = journal.join().expect("the journal's thread does not panic")?;
        let Hot { allocations, live_orders } = hot?;
        let latency = shared.latency(&pipeline);
        Ok::<_, LiveError>(Ended {
            first_segment,
            journal,
            disk,
            witnessed: None,
            snapshots: snapshotting::Figures::default(),
            sessions: Vec::new(),
            latency,
            difference: None,
            allocations,
            live_orders,
            capital: None,
            recovered_records,
            held: hold.as_ref().map(|hold| hold.held().clone()),
        })
    })?;
    ended.witnessed = shared.witnessed.figures();
    follower.read(watch)?;
    telling.end_capital(&mut follower, &clock.utc());
    // The next start has nothing to follow.
    if let Some(snapshot) = follower.snapshot() {
        shared.snapshots.write(directory, &snapshot);
    }
    ended.snapshots = shared.snapshots.figures();
    ended.sessions = shared.sessions.figures();
    shared.show(&follower, &ended.latency);
    shared.ask_kernel();
    counters.end(clock.utc().utc);
    telling.on_clock(&clock.utc(), &counters);
    let capital = shared.capital();
    let sight = Sight {
        elapsed: shared.started.elapsed(),
        now: clock.now(),
        desk: follower.shadow.desk(),
        difference: follower.difference.as_ref(),
        counters: &counters,
        scores: telling.scores(),
        clocks: telling.clocks(),
        latency: ended.latency.figures(),
        journal: ended.journal,
        disk,
        witnessed: ended.witnessed.as_ref(),
        capital: capital.clone(),
        sessions: &ended.sessions,
        cores: &cores,
        is_last: true,
    };
    let _ = watch.look(&sight);
    ended.capital = capital.map(|figures| (*figures).clone());
    ended.difference = follower.difference;
    Ok(ended)
}

/// The pipeline of a running engine.
type Live<'m, F, G> = Pipeline<'m, F, G, EngineClock, Producer<'m>, Exchanged>;

/// What the hot cores leave.
struct Hot {
    allocations: Vec<u64>,
    live_orders: usize,
}

/// Both clocks now.
#[must_use]
pub fn moment(clock: &EngineClock) -> Moment {
    Moment { mono: clock.now(), utc: clock.utc().utc }
}

/// What the threads of a run share.
struct Shared<'r> {
    clock: &'r EngineClock,
    counters: &'r Counters,
    kernel: &'r [KernelWatch],
    cores: &'r [Core],
    journal: Mutex<journal::Figures>,
    disk: Option<Probe>,
    /// Where latencies come from; only the calling thread looks.
    exchanges: Mutex<Vec<Exchange>>,
    /// Nothing more comes: write what there is and end.
    is_journal_done: AtomicBool,
    /// Its writer has ended. Releases what it has written.
    has_journal_ended: AtomicBool,
    witnessed: witnessing::Published,
    snapshots: snapshotting::Published,
    sessions: sessions::Published,
    /// How capital stands; `None`: nobody watches it.
    capital: Option<Arc<capital::Published>>,
    resync: resyncing::Published,
    interfaces: interfaces::Published,
    /// A thread has ended before it was told to.
    has_failed: AtomicBool,
    started: Instant,
}

/// Stops all threads of a run when it goes.
struct StopOnDrop<'r>(&'r Shared<'r>);

impl StopOnDrop<'_> {
    fn stop_cores(&self) {
        for core in self.0.cores {
            core.switch.stop.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.stop_cores();
        self.0.is_journal_done.store(true, Ordering::Release);
    }
}

impl Shared<'_> {
    /// Every stage on its core, until `watch` has seen enough and nothing is live any more.
    fn run_stages<F: RxPort + Send, G: StreamPort + Send>(
        &self,
        config: &Configuration,
        is_pinned: bool,
        pipeline: &mut Live<'_, F, G>,
        mut following: Following<'_, '_>,
        telling: &mut Telling,
        watch: &mut dyn Watch,
    ) -> Result<Hot, LiveError> {
        let Pipeline { feeds, desk, gateways, control, .. } = pipeline;
        let mut all: Vec<(StageName, Box<dyn Stage + Send + '_>)> = Vec::new();
        for (feed, index) in feeds.iter_mut().zip(0..) {
            all.push((StageName::Feed(index), Box::new(feed)));
        }
        all.push((StageName::Desk, Box::new(desk)));
        for (gateway, index) in gateways.iter_mut().zip(0..) {
            all.push((StageName::Gateway(index), Box::new(gateway)));
        }
        let mut turns: Vec<Vec<Box<dyn Stage + Send + '_>>> = Vec::new();
        turns.resize_with(self.cores.len(), Vec::new);
        for (name, stage) in all {
            let runs = |executor: &Executor| executor.stages.iter().any(|one| one.value == name);
            let place = hot(config).position(runs);
            let place = place.ok_or_else(|| LiveError::NotRun(config.stage_name(name)))?;
            turns[place].push(stage);
        }
        let gate = Gate::default();
        std::thread::scope(|scope| {
            let stopping = StopOnDrop(self);
            let cores = hot(config).zip(self.cores).zip(turns);
            let made = cores.map(|((executor, core), stages)| {
                let (name, gate) = (of_core(core.core, is_pinned), &gate);
                let run = move || self.run_core(executor, core, stages, is_pinned, gate);
                named(scope, &name, move || self.noted(run()))
            });
            let made: Result<Vec<_>, _> = made.collect();
            if made.is_err() {
                // Those that were made do not begin.
                stopping.stop_cores();
            }
            gate.open(made.as_ref().map_or(0, Vec::len));
            let threads = made?;
            let watched = self.watch(&mut following, control, telling, watch);
            let live_orders = self.wind_down(&mut following, control, telling, watch);
            stopping.stop_cores();
            let mut allocations = Vec::new();
            for thread in threads {
                allocations.push(thread.join().expect("a hot core does not panic")?);
            }
            std::mem::forget(stopping);
            watched?;
            Ok(Hot { allocations, live_orders: live_orders? })
        })
    }

    /// Notes that a thread has failed, so that the run ends.
    fn noted<T>(&self, ended: Result<T, LiveError>) -> Result<T, LiveError> {
        if ended.is_err() {
            self.has_failed.store(true, Ordering::Relaxed);
        }
        ended
    }

    /// One hot core until it is stopped; how often it asked for memory.
    fn run_core(
        &self,
        executor: &Executor,
        core: &Core,
        stages: Vec<Box<dyn Stage + Send + '_>>,
        is_pinned: bool,
        gate: &Gate,
    ) -> Result<u64, LiveError> {
        let pinned = if is_pinned { pin(executor.core.value) } else { Ok(()) };
        // Also by one that is not where it should be: the others wait for it.
        gate.wait();
        pinned?;
        if is_pinned {
            promote(executor.sched.value)?;
        }
        // Without pins nobody knows who else is on the core: it gives way.
        let idle = if is_pinned { executor.idle.value } else { Idle::Yield };
        let mut turn = Resting::new(Turn::new(stages), idle);
        core.counters.thread.set(thread_id());
        let before = allocation::count();
        stage::run(&mut turn, &core.switch, &core.counters, || self.clock.ticks());
        Ok(allocation::count() - before)
    }

    /// Every latency of the run.
    fn latency<F: RxPort, G: StreamPort>(&self, pipeline: &Live<'_, F, G>) -> Latencies {
        let mut total = Latencies::new();
        let exchanges = std::mem::take(&mut *self.exchanges());
        for (exchange, gateway) in exchanges.into_iter().zip(&pipeline.gateways) {
            total.add(&exchange.end(gateway.latency()));
        }
        total
    }

    fn journal(&self) -> journal::Figures {
        *self.journal.lock().expect("nobody panics with it")
    }

    fn exchanges(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.exchanges.lock().expect("nobody panics with it")
    }

    /// How capital stands now.
    fn capital(&self) -> Option<Arc<capital::Figures>> {
        self.capital.as_ref().and_then(|published| published.figures())
    }

    /// How much of the journal is safe.
    fn durable(&self) -> Durable {
        self.journal.lock().expect("nobody panics with it").durable
    }

    /// Follows the run until `watch` has seen enough.
    fn watch(
        &self,
        following: &mut Following<'_, '_>,
        control: &mut Sender<Control>,
        telling: &mut Telling,
        watch: &mut dyn Watch,
    ) -> Result<(), LiveError> {
        let between_looks = watch.every();
        let mut looked = Instant::now();
        let mut told_clock = looked;
        let (mut is_armed, mut is_told_no_new) = (false, false);
        let (engine, thread) = (&self.counters.engine, &self.counters.main_thread);
        thread.begin();
        // Before it is armed: nothing is sent while a market is shut.
        telling.on_clock(&self.clock.utc(), self.counters);
        telling.flush(control);
        while !self.has_failed.load(Ordering::Relaxed) {
            following.read(watch)?;
            let (follower, is_behind) = (&mut *following.follower, following.is_behind);
            // What gateways tell again of earlier runs comes first: later it would be alarming.
            telling.on_operators(follower, control);
            telling.on_statements(self.clock.utc().utc, follower, control, is_behind);
            let may_arm = !is_told_no_new && !telling.is_held() && !is_behind;
            if !is_armed && may_arm && follower.quiet_for() >= SETTLING {
                control.push(arm()).map_err(|_| LiveError::Control)?;
                is_armed = true;
                engine.is_armed.set(1);
            }
            thread.round(self.clock.ticks());
            if told_clock.elapsed() >= BETWEEN_CLOCKS {
                told_clock = Instant::now();
                let scale = self.clock.utc();
                self.counters.origin.utc_origin.set(scale.utc.0.wrapping_sub(scale.at.0));
                self.ask_kernel();
                // A ring that is full has newer things to tell.
                let _ = control.push(Control::Clock(scale));
                telling.on_clock(&scale, self.counters);
            }
            let desk = follower.shadow.desk();
            self.sessions.settle(|gateway| is_settled(desk, gateway));
            telling.on_findings(&self.counters.replicas, desk, self.clock.now());
            telling.on_capital(follower, &self.clock.utc(), is_behind);
            telling.flush(control);
            // The next error of a disk would stop the record: nothing new is opened before a person
            // has seen to it.
            if !is_told_no_new && self.journal().is_degraded() {
                is_told_no_new = control.push(command(CommandKind::NoNew, RECORD_COMMAND)).is_ok();
            }
            if looked.elapsed() >= between_looks {
                looked = Instant::now();
                let mut latency = Latencies::new();
                self.exchanges().iter_mut().for_each(|exchange| latency.add(exchange.total()));
                let witnessed = self.witnessed.figures();
                self.show(follower, &latency);
                let sight = Sight {
                    elapsed: self.started.elapsed(),
                    now: self.clock.now(),
                    desk: follower.shadow.desk(),
                    difference: follower.difference.as_ref(),
                    counters: self.counters,
                    scores: telling.scores(),
                    clocks: telling.clocks(),
                    latency: latency.figures(),
                    journal: self.journal(),
                    disk: self.disk,
                    witnessed: witnessed.as_ref(),
                    capital: self.capital(),
                    sessions: &self.sessions.figures(),
                    cores: self.cores,
                    is_last: false,
                };
                if watch.look(&sight).is_break() {
                    return Ok(());
                }
            }
            // A command does not wait for the next look.
            std::thread::park_timeout(BETWEEN_READS);
        }
        Ok(())
    }
}
