//! Tells people outside what the record and the counters of a running engine show.
//!
//! One follower of the journal's files on a thread of its own, which nobody waits for: what it
//! finds goes through the outbox to the sinks, each on a thread besides, and what is slow there is
//! only slow there. It goes on in the record where it was: what a dead engine had written and not
//! told is told by the next. Not here: what is told (`alert`). Called by `live`.

use super::capital;
use super::counters::Counters;
use super::sessions::SessionFigures;
use super::{interfaces, resyncing, witnessing};
use crate::alert::ack;
use crate::alert::gauge::{Gauges, Limits};
use crate::alert::life::{Alert, Audience, Book, Notice, Policy};
use crate::alert::message::{Origin, now_ns};
use crate::alert::outbox::{Cursor, How, Line, Outbox, OutboxError, RunMark};
use crate::alert::record::{self, Reader};
use crate::alert::rule::Rule;
use crate::alert::signal::{Labels, Raised, Signal, labels};
use crate::alert::sink::{self, TargetError};
use crate::alert::worker::{Pace, Shared, Worker};
use crate::capital::Stage;
use crate::clock::EngineClock;
use crate::compliance::judge::{Forecast, Stands};
use crate::compliance::watch::Watch;
use crate::config::{AlertSink, Alerts, Configuration};
use crate::guard::beat::GuardBeat;
use crate::journal::disk;
use crate::journal::tail::Tail;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::time::{Duration, Instant};
use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::record::frame::{self, Body, Images, Kind};
use xmc_hotpath::time::UnixNs;

/// How long the thread sleeps when there is nothing new in the record.
const NAP: Duration = Duration::from_millis(1);
/// Between two looks at counters, acknowledgements and the time.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// Between two lines of alerts that were only counted.
const BETWEEN_COUNTS: Duration = Duration::from_secs(1);
/// Until a record that could not be read is read again.
const BEFORE_RETRY: Duration = Duration::from_secs(1);
/// What is told of margin that nothing carries: more than all of it.
const MOST_PERCENT: i64 = 999;
/// Blocks that are read before what they say is told.
const BLOCKS_A_POLL: usize = 64;
/// How long sinks are waited for when the run has ended.
const AT_THE_END: Duration = Duration::from_secs(3);

/// Why nobody outside can be told.
#[derive(Debug, thiserror::Error)]
pub enum AlertingError {
    /// The outbox.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// A sink.
    #[error(transparent)]
    Target(#[from] TargetError),
}

/// Tells of one run.
pub struct Alerting {
    /// Where the record is.
    record: PathBuf,
    directory: PathBuf,
    identity: DeskIdentity,
    reader: Reader,
    gauges: Gauges,
    book: Book,
    shared: Arc<Shared>,
    workers: Vec<Worker>,
    /// How far the record was read.
    cursor: Cursor,
    /// Notices that were dropped and told of, by sink.
    dropped: BTreeMap<String, u64>,
    /// The last run did not say that it ended.
    died: Option<u16>,
    /// How often each was raised in this run.
    raised: BTreeMap<Rule, u64>,
    /// Instructions about money that were told.
    instructed: u64,
    /// The same of what no route reaches.
    unmet: u64,
    sink_names: Vec<String>,
    /// What exchanges and supervisors count, if anybody watches it.
    /// What is counted of the record, read apart: a trading day may have begun in an earlier run.
    counted: Option<Watch>,
    /// Where a guard shows that it lives, if there is to be one.
    guard: Option<PathBuf>,
    since: Instant,
}

/// What an engine lends it.
pub struct Around<'e> {
    /// What all parts count.
    pub counters: &'e Counters,
    /// The engine's clock.
    pub clock: &'e EngineClock,
    /// How the money that orders use stands, if anybody watches it.
    pub capital: Option<&'e capital::Published>,
    /// What witnesses have.
    pub witnessed: &'e dyn Fn() -> Option<witnessing::Figures>,
    /// What has come of comparing the desk with statements.
    pub resync: &'e dyn Fn() -> resyncing::Figures,
    /// What has become of order sessions.
    pub sessions: &'e dyn Fn() -> Vec<SessionFigures>,
    /// What has become of the interfaces that ports are on.
    pub interfaces: &'e interfaces::Published,
    /// The first segment of the run.
    pub first_segment: u64,
    /// The stages have been stopped.
    pub is_over: &'e AtomicBool,
    /// The journal's writer has ended: nothing more will be written.
    pub has_ended: &'e AtomicBool,
    /// A thread has ended before it was told to.
    pub has_failed: &'e AtomicBool,
}

/// Whose alerts those of `config` are.
#[must_use]
pub fn origin(config: &Configuration, alerts: &Alerts) -> Origin {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Origin {
        site: config.engine.site_id,
        desk: config.engine.desk_id,
        project: config.engine.project.clone(),
        host: host.trim().to_owned(),
        tongue: alerts.tongue,
    }
}

fn ns(seconds: u32) -> u64 {
    u64::from(seconds) * 1_000_000_000
}

fn policy(alerts: &Alerts) -> Policy {
    let audience = |sink: &AlertSink| Audience {
        sink: sink.name.clone(),
        least: sink.least,
        after_ns: ns(sink.after_s),
    };
    Policy {
        repeat_ns: ns(alerts.repeat_s),
        quiet_ns: ns(alerts.quiet_s),
        audiences: alerts.sinks.iter().map(audience).collect(),
        severities: alerts.severities.clone(),
    }
}

impl Alerting {
    /// Opens the outbox beside the record in `record`, and the sinks.
    ///
    /// # Errors
    /// See `AlertingError`.
    pub fn open(
        alerts: &Alerts,
        config: &Configuration,
        record: &Path,
        identity: DeskIdentity,
    ) -> Result<Self, AlertingError> {
        let directory = crate::alert::directory(record);
        let at_ns = now_ns();
        let epoch = format!("{:x}{:x}", at_ns, std::process::id());
        let mut outbox = Outbox::open(&directory, alerts.outbox as usize, &epoch)?;
        forget_strangers(&mut outbox, alerts, at_ns);
        let state = outbox.state();
        let book = Book::new(policy(alerts), state.alerts.values().cloned(), at_ns);
        let dropped = state.sinks.iter().map(|(name, sink)| (name.clone(), sink.dropped));
        let (dropped, cursor) = (dropped.collect(), state.cursor.unwrap_or_default());
        let died = state.run.filter(|run| !run.is_over).map(|run| run.run);
        let limits = Limits(alerts.limits.clone());
        let reader = Reader::new(
            config,
            record::Limits {
                one_sided_ms: limits.of(Rule::OneSided),
                reject_pct: limits.of(Rule::RejectRatio),
            },
        );
        let feeds = config.feeds.iter().map(|feed| feed.name.value.clone()).collect();
        let cores = super::core::hot(config).map(|core| core.core.value.to_string()).collect();
        let workers = alerts.sinks.iter().map(|config| {
            let pace = Pace {
                group_ns: u64::from(config.group_ms) * 1_000_000,
                per_minute: config.per_minute,
                heartbeat_ns: ns(config.heartbeat_s),
                is_digest: config.kind.is_for_people(),
            };
            Ok(Worker::new(&config.name, sink::open(config, &directory)?, pace))
        });
        let workers = workers.collect::<Result<_, TargetError>>()?;
        Ok(Self {
            record: record.to_owned(),
            directory,
            identity,
            reader,
            gauges: Gauges::new(limits, feeds, cores),
            book,
            shared: Arc::new(Shared::new(outbox, origin(config, alerts))),
            workers,
            cursor,
            dropped,
            died,
            raised: BTreeMap::new(),
            instructed: 0,
            unmet: 0,
            sink_names: alerts.sinks.iter().map(|sink| sink.name.clone()).collect(),
            counted: config
                .compliance
                .as_ref()
                .and_then(|watched| Watch::new(record, watched).ok()),
            guard: config.guard.as_ref().map(|_| record.join(crate::guard::DIRECTORY)),
            since: Instant::now(),
        })
    }

    /// The body of its thread: until the journal has ended, and then a little longer for the
    /// sinks.
    pub fn run(mut self, around: &Around<'_>) {
        for worker in std::mem::take(&mut self.workers) {
            // One that has no thread says so where sinks are shown; what it would tell waits.
            worker.start(&self.shared);
        }
        let syncing = sync(&self.shared);
        self.begin(&syncing);
        let mut tail = Tail::new(&self.record, self.first_segment(around.first_segment));
        let (mut looked, mut counted) = (None::<Instant>, Instant::now());
        let mut retry: Option<Instant> = None;
        let mut changes = 0;
        loop {
            // Before reading: what is written after it was seen is not waited for.
            let has_ended = around.has_ended.load(Ordering::Acquire);
            let mut signals = Vec::new();
            let has_more = match retry {
                Some(at) if Instant::now() < at && !has_ended => false,
                _ => match self.read(&mut tail, &mut signals) {
                    Ok(has_more) => {
                        retry = None;
                        has_more
                    }
                    Err(_) => {
                        // From the run's beginning: what is counted is counted once.
                        self.reader = self.reader.anew();
                        tail = Tail::new(&self.record, around.first_segment);
                        retry = Some(Instant::now() + BEFORE_RETRY);
                        false
                    }
                },
            };
            if let Some(capital) = around.capital.filter(|capital| capital.changes() != changes) {
                changes = capital.changes();
                self.capital(capital, &mut signals);
            }
            self.count();
            let mut notices = self.take(&signals);
            if looked.is_none_or(|at| at.elapsed() >= BETWEEN_LOOKS) {
                looked = Some(Instant::now());
                notices.extend(self.look(around, retry.is_some()));
                self.show(around.counters);
            }
            let counts = counted.elapsed() >= BETWEEN_COUNTS;
            if !notices.is_empty() || counts {
                counted = Instant::now();
                self.commit(notices, Vec::new(), &syncing);
            }
            if has_ended && !has_more {
                break;
            }
            if !has_more {
                std::thread::sleep(NAP);
            }
        }
        self.show(around.counters);
        self.finish(around.has_failed.load(Ordering::Relaxed), &syncing);
    }

    /// Shows to other processes what fires.
    fn show(&self, counters: &Counters) {
        for (rule, told) in &counters.told.alerts {
            let firing = self.book.alerts().filter(|alert| alert.code == *rule).count();
            told.firing.set(firing as u64);
            told.raised.set(self.raised.get(rule).copied().unwrap_or(0));
        }
    }

    /// Tells of the run that begins, and of one that died.
    fn begin(&mut self, syncing: &SyncSender<()>) {
        let at_ns = now_ns();
        let mut signals = Vec::new();
        if let Some(run) = self.died {
            let raised = Raised::new(Rule::EngineDied, Labels::new(), at_ns);
            signals.push(Signal::Raise(raised.value(run.into())));
        }
        let run = self.identity.run;
        let raised = Raised::new(Rule::EngineStarted, Labels::new(), at_ns);
        signals.push(Signal::Raise(raised.value(run.into())));
        let notices = self.take(&signals);
        self.commit(notices, vec![Line::Run(RunMark { run, is_over: false })], syncing);
    }

    /// Tells how the run ended, and waits for the sinks.
    fn finish(mut self, has_failed: bool, syncing: &SyncSender<()>) {
        let rule = if has_failed { Rule::EngineFailed } else { Rule::EngineEnded };
        let run = self.identity.run;
        let raised = Raised::new(rule, Labels::new(), now_ns()).value(run.into());
        let notices = self.take(&[Signal::Raise(raised)]);
        self.commit(notices, vec![Line::Run(RunMark { run, is_over: true })], syncing);
        self.shared.end();
        let until = Instant::now() + AT_THE_END;
        while self.shared.workers() > 0 && Instant::now() < until {
            std::thread::sleep(NAP);
        }
        // What workers have noted meanwhile.
        if let Ok(file) = self.shared.outbox().handle() {
            let _ = file.sync_data();
        }
    }

    /// Where reading goes on: where it was, if that is still there.
    fn first_segment(&self, of_run: u64) -> u64 {
        let segment = self.cursor.segment;
        let is_there = (1..of_run).contains(&segment)
            && disk::find(&self.record, segment).is_ok_and(|found| found.is_some());
        if is_there { segment } else { of_run }
    }

    /// Reads some blocks of the record; whether there are more.
    fn read(&mut self, tail: &mut Tail, out: &mut Vec<Signal>) -> io::Result<bool> {
        let wrong = |fault| io::Error::other(format!("{fault:?}"));
        for _ in 0..BLOCKS_A_POLL {
            let segment = tail.end().segment;
            let Some(mut rest) = tail.next_block()? else { return Ok(false) };
            while !rest.is_empty() {
                let (header, body, after) = frame::split(rest).map_err(wrong)?;
                rest = after;
                let mut run = self.cursor.run;
                if header.kind == Kind::Start
                    && let Ok(Body::Start(start)) =
                        frame::decode(header, body, &mut Images::new(&mut []))
                {
                    run = start.identity.run;
                }
                let (seq_no, index) = (header.seq_no, header.index);
                let here = Cursor { run, seq_no, index, segment };
                let place = |cursor: &Cursor| (cursor.run, cursor.seq_no, cursor.index);
                if place(&here) > place(&self.cursor) {
                    self.reader.take(header, body, out).map_err(wrong)?;
                    self.cursor = here;
                } else {
                    // It was told before; what is counted still counts.
                    self.reader.take(header, body, &mut Vec::new()).map_err(wrong)?;
                }
            }
        }
        Ok(true)
    }

    /// What follows from counters, acknowledgements and time.
    fn look(&mut self, around: &Around<'_>, is_unread: bool) -> Vec<Notice> {
        let at_ns = now_ns();
        let mut signals = Vec::new();
        if !around.is_over.load(Ordering::Acquire) {
            self.reader.look(xmc_hotpath::time::Clock::now(around.clock), &mut signals);
            let witnessed = (around.witnessed)();
            let Around { counters, clock, .. } = around;
            let resync = (around.resync)();
            let looked = self.gauges.look(counters, witnessed.as_ref(), &resync, clock, at_ns);
            signals.extend(looked);
            self.gauges.keys(&(around.sessions)(), at_ns, &mut signals);
            self.gauges.interfaces(&around.interfaces.found(), at_ns, &mut signals);
            self.guard(at_ns, &mut signals);
            self.counts(at_ns, &mut signals);
        }
        let unread = is_unread.then_some(0);
        signals.extend(self.gauges.stand(Rule::RecordUnread, Labels::new(), unread, at_ns));
        self.sinks(at_ns, &mut signals);
        // It is told by the sinks that still take something: what waits is in memory alone.
        let fault = self.shared.outbox().fault().map(|_| 0);
        signals.extend(self.gauges.stand(Rule::OutboxFault, Labels::new(), fault, at_ns));
        let mut notices = self.take(&signals);
        for (path, ack) in ack::left(&self.directory).unwrap_or_default() {
            // One that could not be taken away is of what fired then, not of what fires since.
            let is_meant =
                |alert: &Alert| alert.fingerprint == ack.fingerprint && alert.first_ns <= ack.at_ns;
            if self.book.alerts().any(is_meant) {
                self.book.acknowledge(&ack.fingerprint, &ack.by, at_ns, &mut notices);
            }
            let _ = std::fs::remove_file(path);
        }
        self.book.tick(at_ns, &mut notices);
        self.shared.is_alive(self.book.alerts().cloned().collect());
        notices
    }

    /// What the money that orders use has come to.
    fn capital(&mut self, capital: &capital::Published, out: &mut Vec<Signal>) {
        let Some(figures) = capital.figures() else { return };
        let at_ns = now_ns();
        let levels = &figures.levels;
        let levels = [
            (Stage::Warn, levels.warn),
            (Stage::ReduceOnly, levels.reduce_only),
            (Stage::PairOff, levels.pair_off),
            (Stage::Stop, levels.stop),
        ];
        for account in &figures.accounts {
            // What nothing carries is all of it, and more.
            let used = account.utilisation.map_or(MOST_PERCENT, capital::percent);
            for (rule, (stage, level)) in Rule::OF_ACCOUNTS.into_iter().zip(levels) {
                // A doubt is told as such: it is not the account's.
                let is_so = account.own_stage >= stage;
                let of = labels([("account", &account.account)]);
                let signal = self.gauges.stand(rule, of, is_so.then_some(used), at_ns);
                out.extend(signal.map(|signal| match signal {
                    Signal::Raise(raised) => Signal::Raise(raised.over(capital::percent(level))),
                    clear @ Signal::Clear { .. } => clear,
                }));
            }
        }
        let doubts: Vec<_> = figures.doubts.iter().map(capital::Doubt::labels).collect();
        self.gauges.stand_alone(Rule::CapitalDoubt, &doubts, at_ns, out);
        let refused: Vec<_> = figures.refused.iter().map(|_| Labels::new()).collect();
        self.gauges.stand_alone(Rule::CapitalBook, &refused, at_ns, out);
        for transfer in figures.transfers.iter().filter(|row| row.number > self.instructed) {
            let to = figures.accounts.iter().find(|account| account.account == transfer.to);
            let used = to.and_then(|account| account.utilisation).map(capital::percent);
            let raised = Raised::new(Rule::CapitalTransfer, transfer.labels(), at_ns);
            out.push(Signal::Raise(raised.value(used.unwrap_or_default())));
        }
        self.instructed = figures.transfers.back().map_or(self.instructed, |row| row.number);
        for unmet in figures.unmet.iter().filter(|row| row.number > self.unmet) {
            let amount = unmet.amount.to_string();
            let of = [("account", unmet.account.as_str()), ("currency", &unmet.currency)];
            let [account, currency] = of;
            let of = labels([account, currency, ("amount", &amount)]);
            out.push(Signal::Raise(Raised::new(Rule::CapitalUnmet, of, at_ns)));
        }
        self.unmet = figures.unmet.back().map_or(self.unmet, |row| row.number);
    }

    /// Reads on what is counted.
    fn count(&mut self) {
        if let Some(counted) = &mut self.counted {
            counted.poll(BLOCKS_A_POLL);
        }
    }

    /// How what is counted stands to its thresholds.
    fn counts(&mut self, at_ns: u64, out: &mut Vec<Signal>) {
        let Some(counted) = &self.counted else { return };
        for one in counted.judged(UnixNs(at_ns)).iter().flatten() {
            let contract = one.of.contract.as_deref().unwrap_or("all");
            let of = labels([
                ("what", one.what),
                ("exchange", &one.of.exchange),
                ("contract", contract),
                ("group", &one.of.group),
                ("source", &one.source),
            ]);
            let is_coming = matches!(one.forecast, Forecast::At { .. });
            for (rule, is_so) in [
                (Rule::ComplianceNear, one.stands == Stands::Near),
                (Rule::ComplianceMet, one.stands == Stands::Met),
                (Rule::ComplianceForecast, is_coming),
            ] {
                let value = is_so.then_some(one.percent);
                out.extend(self.gauges.stand(rule, of.clone(), value, at_ns));
            }
        }
        let lost = counted.is_lost().then_some(0);
        out.extend(self.gauges.stand(Rule::ComplianceUnread, Labels::new(), lost, at_ns));
    }

    /// A guard that does not look is no guard.
    fn guard(&mut self, at_ns: u64, out: &mut Vec<Signal>) {
        let Some(directory) = &self.guard else { return };
        let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let age = GuardBeat::read(directory).map(|beat| ms(beat.age(at_ns)));
        let run_for = ms(self.since.elapsed());
        // A beat of before this run says nothing of a guard that is about to be started.
        let age = age.map(|age| age.min(run_for));
        out.extend(self.gauges.guard(age, run_for, at_ns));
    }

    /// Sinks that take nothing, and those for which notices were dropped.
    fn sinks(&mut self, at_ns: u64, out: &mut Vec<Signal>) {
        let limit = self.gauges.limit(Rule::SinkFailing);
        let shared = Arc::clone(&self.shared);
        let outbox = shared.outbox();
        // One that was taken out of the configuration is told nothing, and fails nobody.
        let known = |name: &&String| self.sink_names.contains(*name);
        for (name, sink) in outbox.state().sinks.iter().filter(|(name, _)| known(name)) {
            let of = labels([("sink", name)]);
            let failing = sink.failing_since_ns;
            let failing_s = failing.map_or(0, |since| at_ns.saturating_sub(since) / 1_000_000_000);
            let failing_s = i64::try_from(failing_s).unwrap_or(i64::MAX);
            let value = (failing_s > limit).then_some(failing_s);
            out.extend(self.gauges.stand(Rule::SinkFailing, of.clone(), value, at_ns));
            let told = self.dropped.entry(name.clone()).or_default();
            if sink.dropped > *told {
                *told = sink.dropped;
                let dropped = i64::try_from(sink.dropped).unwrap_or(i64::MAX);
                let raised = Raised::new(Rule::OutboxFull, of, at_ns).value(dropped);
                out.push(Signal::Raise(raised));
            }
        }
    }

    /// Takes signals into the book.
    fn take(&mut self, signals: &[Signal]) -> Vec<Notice> {
        let (at_ns, mut notices) = (now_ns(), Vec::new());
        for signal in signals {
            match signal {
                Signal::Raise(raised) => {
                    *self.raised.entry(raised.rule).or_default() += 1;
                    self.book.raise(raised, at_ns, &mut notices);
                }
                Signal::Clear { rule, labels } => {
                    self.book.clear(*rule, labels, at_ns, &mut notices);
                }
            }
        }
        notices
    }

    /// Writes what is to be told, then the alerts as they are now and how far was read, and wakes
    /// the workers.
    fn commit(&mut self, notices: Vec<Notice>, mut lines: Vec<Line>, syncing: &SyncSender<()>) {
        let changed = self.book.take_changed().into_iter().map(|changed| match changed {
            Ok(alert) => Line::Alert { alert: Box::new(alert) },
            Err(fingerprint) => Line::Over { fingerprint },
        });
        lines.extend(changed);
        let mut outbox = self.shared.outbox();
        if outbox.state().cursor != Some(self.cursor) {
            lines.push(Line::Read(self.cursor));
        }
        if notices.is_empty() && lines.is_empty() {
            return;
        }
        outbox.accept(notices, lines, now_ns());
        drop(outbox);
        self.shared.ring();
        // If one waits already, that one syncs this too.
        if let Err(TrySendError::Disconnected(())) = syncing.try_send(()) {
            let _ = self.shared.outbox().handle().and_then(|file| file.sync_data());
        }
    }
}

/// Notices of sinks that are configured no longer come to nothing.
fn forget_strangers(outbox: &mut Outbox, alerts: &Alerts, at_ns: u64) {
    let mut strangers: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (seq, waiting) in &outbox.state().waiting {
        let sink = &waiting.notice.sink;
        if !alerts.sinks.iter().any(|known| known.name == *sink) {
            strangers.entry(sink.clone()).or_default().push(*seq);
        }
    }
    let why = || Some("the sink is configured no longer".to_owned());
    let done = |(sink, seqs)| Line::Done { sink, seqs, how: How::Dead, at_ns, why: why() };
    let lines: Vec<_> = strangers.into_iter().map(done).collect();
    outbox.note(&lines);
}

/// A thread that makes what was written safe from a loss of power, so that nobody waits for the
/// disk. It ends with the sender.
fn sync(shared: &Arc<Shared>) -> SyncSender<()> {
    let (sender, receiver): (_, Receiver<()>) = mpsc::sync_channel(1);
    let shared = Arc::clone(shared);
    let body = move || {
        while receiver.recv().is_ok() {
            let file = shared.outbox().handle();
            // The file may have been written anew meanwhile, which syncs it.
            let _ = file.and_then(|file| file.sync_data());
        }
    };
    // Without it whoever writes syncs.
    let _ = std::thread::Builder::new().name("alert-sync".to_owned()).spawn(body);
    sender
}
