//! One thread for each sink: takes what waits for it from the outbox, tells it, and tries again
//! what it did not take.
//!
//! - What comes within the sink's window goes in one message; what must wake somebody does not wait
//!   for the window.
//! - Programs are told everything, in order. For people messages are digests: an alert stands once,
//!   as its last notice has it; so many stand in a message, the most severe first; the number of
//!   the rest is told, and the rest is done.
//! - A sink takes so many messages in a minute. What comes meanwhile waits, and goes together.
//! - After a failure it waits, twice as long each time and never two sinks alike, or as long as the
//!   sink asks. A message that is refused as such is told in halves, until what is refused stands
//!   alone: that is a dead letter after some tries. One that was never taken is so after a day.
//! - A heartbeat is only sent while the alert thread comes round: its absence is the alert.
//!
//! `Pace` decides, without a clock; `Worker` does. Called by `engine::alerting`.

use super::life::{Alert, What};
use super::message::{Item, Kind, Message, Origin, now_ns};
use super::outbox::{How, Line, Outbox, Waiting};
use super::rule::Severity;
use super::sink::{SendError, Sink};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Notices that stand in one digest.
const MOST_IN_DIGEST: usize = 20;
/// Notices that stand in one message to a program.
const MOST_ITEMS: usize = 100;
/// Tries of a message that is refused as such.
const TRIES: u32 = 3;
/// After a first failure.
const FIRST_WAIT_NS: u64 = 500_000_000;
/// After many.
const LONGEST_WAIT_NS: u64 = 60_000_000_000;
/// What was not taken for so long is a dead letter.
const GIVE_UP_NS: u64 = 24 * 3_600 * 1_000_000_000;
/// The window that messages are counted in.
const MINUTE_NS: u64 = 60_000_000_000;
/// An alert thread that has not come round for so long gives no sign of life.
const ALIVE_NS: u64 = 5_000_000_000;
/// Between two looks, if nothing wakes it.
const LOOK: Duration = Duration::from_millis(200);

/// How a sink is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// What comes within it goes together.
    pub group_ns: u64,
    /// Messages in a minute, at most.
    pub per_minute: u32,
    /// Between two heartbeats; 0: none.
    pub heartbeat_ns: u64,
    /// People read it.
    pub is_digest: bool,
}

/// What a worker does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Tells these, and so many more by their number alone.
    Tell {
        /// Notices that stand in the message, the most severe first.
        told: Vec<u64>,
        /// Notices that another one of the same alert stands for.
        merged: Vec<u64>,
        /// Notices of which the number is told.
        suppressed: Vec<u64>,
    },
    /// Nothing before this moment.
    Wait(u64),
    /// Nothing until something comes.
    Rest,
}

impl Pace {
    /// What is done at `now_ns` with what waits, when messages were sent at `sent`. Nobody waits
    /// for a window at the end of a run.
    #[must_use]
    pub fn step(
        &self,
        waiting: &BTreeMap<u64, Waiting>,
        sent: &VecDeque<u64>,
        now_ns: u64,
        is_ending: bool,
    ) -> Step {
        let Some(oldest) = waiting.values().map(|waiting| waiting.at_ns).min() else {
            return Step::Rest;
        };
        let is_urgent = |waiting: &Waiting| {
            let Waiting { notice, .. } = waiting;
            notice.alert.severity == Severity::Page
                && matches!(notice.what, What::Firing | What::Escalated)
        };
        let due_ns = oldest.saturating_add(self.group_ns);
        if now_ns < due_ns && !is_ending && !waiting.values().any(is_urgent) {
            return Step::Wait(due_ns);
        }
        let lately = sent.iter().filter(|at| now_ns.saturating_sub(**at) < MINUTE_NS);
        if lately.count() >= self.per_minute as usize {
            // The oldest of as many as are allowed leaves the window then.
            let place = sent.len().saturating_sub(self.per_minute as usize);
            let oldest = sent.get(place).copied().unwrap_or(now_ns);
            return Step::Wait(oldest.saturating_add(MINUTE_NS));
        }
        if !self.is_digest {
            let told = waiting.keys().take(MOST_ITEMS).copied().collect();
            return Step::Tell { told, merged: Vec::new(), suppressed: Vec::new() };
        }
        // The last notice of an alert stands for those before it.
        let mut last: BTreeMap<&str, u64> = BTreeMap::new();
        for (seq, waiting) in waiting {
            last.insert(&waiting.notice.alert.fingerprint, *seq);
        }
        let (mut told, mut merged) = (Vec::new(), Vec::new());
        for (seq, waiting) in waiting {
            let is_last = last.get(waiting.notice.alert.fingerprint.as_str()) == Some(seq);
            if is_last { told.push(*seq) } else { merged.push(*seq) }
        }
        let severity = |seq: &u64| waiting.get(seq).map(|waiting| waiting.notice.alert.severity);
        // Stable: among equals the oldest comes first.
        told.sort_by_key(|seq| std::cmp::Reverse(severity(seq)));
        let suppressed = told.split_off(told.len().min(MOST_IN_DIGEST));
        Step::Tell { told, merged, suppressed }
    }
}

/// What workers and the alert thread share.
#[derive(Debug)]
pub struct Shared {
    outbox: Mutex<Outbox>,
    bell: Condvar,
    firing: Mutex<Vec<Alert>>,
    /// When the alert thread last came round, UTC.
    alive_ns: AtomicU64,
    is_ending: AtomicBool,
    /// Workers that have not ended.
    workers: AtomicUsize,
    /// Whose alerts they are.
    pub origin: Origin,
}

impl Shared {
    /// Around an outbox.
    #[must_use]
    pub fn new(outbox: Outbox, origin: Origin) -> Self {
        Self {
            outbox: Mutex::new(outbox),
            bell: Condvar::new(),
            firing: Mutex::default(),
            alive_ns: AtomicU64::new(now_ns()),
            is_ending: AtomicBool::new(false),
            workers: AtomicUsize::new(0),
            origin,
        }
    }

    /// The outbox. A worker that panicked has left it whole: each of its changes is one call.
    pub fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something waits.
    pub fn ring(&self) {
        self.bell.notify_all();
    }

    /// The alert thread has come round, and this fires.
    pub fn is_alive(&self, firing: Vec<Alert>) {
        *self.firing.lock().unwrap_or_else(PoisonError::into_inner) = firing;
        self.alive_ns.store(now_ns(), Ordering::Relaxed);
    }

    /// No more comes: workers end when nothing waits, and try nothing twice.
    pub fn end(&self) {
        self.is_ending.store(true, Ordering::Relaxed);
        self.ring();
    }

    /// Workers that have not ended.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers.load(Ordering::Relaxed)
    }

    fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Relaxed)
    }
}

/// The thread of one sink.
pub struct Worker {
    name: String,
    sink: Box<dyn Sink>,
    pace: Pace,
    /// When messages were sent in the last minute.
    sent: VecDeque<u64>,
    /// Failures since the last message that was taken.
    failures: u32,
    /// Of them, the last ones that were refusals of one notice alone.
    refusals: u32,
    /// Notices that stand in the next message, at most: fewer while something is refused.
    most: usize,
    not_before_ns: u64,
    next_beat_ns: u64,
}

impl Worker {
    /// Tells `sink`.
    #[must_use]
    pub fn new(name: &str, sink: Box<dyn Sink>, pace: Pace) -> Self {
        let (sent, name) = (VecDeque::new(), name.to_owned());
        Self {
            name,
            sink,
            pace,
            sent,
            failures: 0,
            refusals: 0,
            most: usize::MAX,
            not_before_ns: 0,
            next_beat_ns: 0,
        }
    }

    /// Starts its thread: until `Shared::end`, and then until nothing waits that it has not tried.
    /// Where the system has no room for it, the sink is told of as failing.
    pub fn start(self, shared: &Arc<Shared>) {
        // The kernel keeps 15 characters.
        let name: String = format!("alert-{}", self.name).chars().take(15).collect();
        shared.workers.fetch_add(1, Ordering::Relaxed);
        let leaving = Leaving(Arc::clone(shared));
        let sink = self.name.clone();
        let made = std::thread::Builder::new().name(name).spawn(move || self.run(&leaving.0));
        if let Err(error) = made {
            let why = format!("it has no thread: {error}");
            shared.outbox().note(&[Line::Failed { sink, at_ns: now_ns(), why }]);
        }
    }

    fn run(mut self, shared: &Shared) {
        loop {
            let is_ending = shared.is_ending();
            if !is_ending {
                self.beat(shared);
            }
            let now_ns = now_ns();
            let mut outbox = shared.outbox();
            let step = match outbox.state().waiting_of(&self.name).next() {
                None => Step::Rest,
                Some(_) if now_ns < self.not_before_ns => Step::Wait(self.not_before_ns),
                Some(_) => {
                    let waiting = outbox.waiting(&self.name);
                    self.pace.step(&waiting, &self.sent, now_ns, is_ending)
                }
            };
            match step {
                Step::Tell { mut told, merged, mut suppressed } => {
                    if told.len() > self.most {
                        told.truncate(self.most);
                        suppressed.clear();
                    }
                    let message = self.message(&outbox, shared, &told, suppressed.len(), now_ns);
                    drop(outbox);
                    self.tell(shared, &message, [told, merged, suppressed]);
                }
                Step::Wait(_) | Step::Rest if is_ending => return,
                Step::Wait(until_ns) => {
                    let wait = Duration::from_nanos(until_ns.saturating_sub(now_ns)).min(LOOK);
                    outbox = self.wait(shared, outbox, wait);
                    drop(outbox);
                }
                Step::Rest => drop(self.wait(shared, outbox, LOOK)),
            }
        }
    }

    /// Waits for the bell.
    fn wait<'s>(
        &self,
        shared: &'s Shared,
        outbox: MutexGuard<'s, Outbox>,
        at_most: Duration,
    ) -> MutexGuard<'s, Outbox> {
        let waited = shared.bell.wait_timeout(outbox, at_most);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn message(
        &self,
        outbox: &Outbox,
        shared: &Shared,
        told: &[u64],
        suppressed: usize,
        at_ns: u64,
    ) -> Message {
        let item = |seq: &u64| {
            let waiting = outbox.state().waiting.get(seq)?;
            Some(Item { id: outbox.id(*seq), notice: waiting.notice.clone() })
        };
        Message {
            kind: Kind::Alerts,
            at_ns,
            origin: shared.origin.clone(),
            items: told.iter().filter_map(item).collect(),
            suppressed: suppressed as u64,
            dropped: outbox.state().sinks.get(&self.name).map_or(0, |sink| sink.untold),
            firing: Vec::new(),
        }
    }

    /// Tells the sink, and the outbox what came of it: of notices that stand in the message, of
    /// those that others stand for, and of those of which the number was told.
    fn tell(&mut self, shared: &Shared, message: &Message, seqs: [Vec<u64>; 3]) {
        let sent = self.sink.send(message);
        let at_ns = now_ns();
        let [told, merged, suppressed] = seqs;
        let done = |seqs, how, why| Line::Done { sink: self.name.clone(), seqs, how, at_ns, why };
        let lines = match sent {
            Ok(_) => {
                (self.failures, self.refusals, self.not_before_ns) = (0, 0, 0);
                self.most = self.most.saturating_mul(2);
                self.sent.push_back(at_ns);
                let kept = self.pace.per_minute as usize;
                while self.sent.len() > kept {
                    self.sent.pop_front();
                }
                vec![
                    done(told, How::Delivered, None),
                    done(merged, How::Delivered, None),
                    done(suppressed, How::Suppressed, None),
                ]
            }
            Err(error) => {
                let is_refusal = matches!(error, SendError::Refused(_));
                let is_halved = is_refusal && told.len() > 1;
                // Looking for what is refused is no reason to wait longer and longer.
                self.failures = if is_halved { 1 } else { self.failures + 1 };
                if is_halved {
                    self.most = told.len() / 2;
                }
                self.not_before_ns = at_ns.saturating_add(self.pause_ns(&error));
                let why = error.to_string();
                let failed = Line::Failed { sink: self.name.clone(), at_ns, why: why.clone() };
                self.refusals = if is_refusal && !is_halved { self.refusals + 1 } else { 0 };
                let is_refused = self.refusals >= TRIES;
                let given_up: Vec<_> = if is_refused {
                    // What comes after it is another message.
                    self.refusals = 0;
                    told
                } else {
                    let outbox = shared.outbox();
                    let waiting = outbox.state().waiting_of(&self.name);
                    let old = waiting
                        .filter(|(_, waiting)| at_ns.saturating_sub(waiting.at_ns) > GIVE_UP_NS);
                    old.map(|(seq, _)| *seq).collect()
                };
                vec![failed, done(given_up, How::Dead, Some(why))]
            }
        };
        let is_empty = |line: &Line| matches!(line, Line::Done { seqs, .. } if seqs.is_empty());
        let lines: Vec<_> = lines.into_iter().filter(|line| !is_empty(line)).collect();
        shared.outbox().note(&lines);
    }

    /// How long the sink is left alone now.
    fn pause_ns(&self, error: &SendError) -> u64 {
        let doubled = FIRST_WAIT_NS << self.failures.saturating_sub(1).min(16);
        let wait_ns = doubled.min(LONGEST_WAIT_NS);
        let asked_ns = match error {
            SendError::Later { after: Some(after), .. } => {
                u64::try_from(after.as_nanos()).unwrap_or(LONGEST_WAIT_NS)
            }
            _ => 0,
        };
        // Half of it to one and a half times as long, and no less than was asked for.
        (wait_ns / 2 + fastrand::u64(0..=wait_ns)).max(asked_ns)
    }

    /// Sends a sign of life, if it is time and there is life. One that is not taken is not kept:
    /// it would tell of a life that may be over.
    fn beat(&mut self, shared: &Shared) {
        let now_ns = now_ns();
        let alive_ns = shared.alive_ns.load(Ordering::Relaxed);
        let is_alive = now_ns.saturating_sub(alive_ns) < ALIVE_NS;
        if self.pace.heartbeat_ns == 0 || now_ns < self.next_beat_ns || !is_alive {
            return;
        }
        self.next_beat_ns = now_ns.saturating_add(self.pace.heartbeat_ns);
        let firing = shared.firing.lock().unwrap_or_else(PoisonError::into_inner);
        // What this sink was never told is not for it, and it would not hear of its end.
        let is_told = |alert: &&Alert| alert.told.contains_key(&self.name);
        let firing: Vec<_> = firing.iter().filter(is_told).cloned().collect();
        let message = Message::heartbeat(&self.name, shared.origin.clone(), firing, now_ns);
        if let Err(error) = self.sink.send(&message) {
            let (sink, why) = (self.name.clone(), format!("heartbeat: {error}"));
            shared.outbox().note(&[Line::Failed { sink, at_ns: now_ns, why }]);
        } else {
            let (sink, seqs) = (self.name.clone(), Vec::new());
            let (how, why) = (How::Delivered, None);
            shared.outbox().note(&[Line::Done { sink, seqs, how, at_ns: now_ns, why }]);
        }
    }
}

/// Counts a worker that ends, however it does.
struct Leaving(Arc<Shared>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.workers.fetch_sub(1, Ordering::Relaxed);
    }
}
