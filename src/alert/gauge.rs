//! Counters read for what must be told: a record that is not safe in time, disks, witnesses,
//! threads and cores that have gone silent, packets that this host has dropped.
//!
//! Something that is so is told when it begins and when it ends; something that has happened is
//! told each time that its count has grown. Called by `engine::alerting`, a few times a second.

use super::rule::Rule;
use super::signal::{Labels, Raised, Signal, labels};
use crate::clock::EngineClock;
use crate::engine::counters::{Counters, ThreadCounters};
use crate::engine::interfaces::{BySockets, Cut, Found};
use crate::engine::sessions::SessionFigures;
use crate::engine::{resyncing, witnessing};
use std::collections::{BTreeMap, BTreeSet};
use xmc_hotpath::counter::Counter;

/// From which figures on something is told, by rule.
#[derive(Clone, Debug, Default)]
pub struct Limits(pub BTreeMap<Rule, i64>);

impl Limits {
    /// The limit of a rule: what was configured, or the table's.
    #[must_use]
    pub fn of(&self, rule: Rule) -> i64 {
        let default = || rule.limit().map_or(0, |limit| limit.default);
        self.0.get(&rule).copied().unwrap_or_else(default)
    }
}

/// What was told of the counters.
#[derive(Debug)]
pub struct Gauges {
    limits: Limits,
    feeds: Vec<String>,
    cores: Vec<String>,
    /// What is so now.
    standing: BTreeSet<(Rule, Labels)>,
    /// Counts that were told.
    told: BTreeMap<(Rule, Labels), u64>,
}

impl Gauges {
    /// Nothing is known yet of an engine with these feeds and hot cores.
    #[must_use]
    pub fn new(limits: Limits, feeds: Vec<String>, cores: Vec<String>) -> Self {
        Self { limits, feeds, cores, standing: BTreeSet::new(), told: BTreeMap::new() }
    }

    /// Looks at everything once, at `at_ns` (UTC).
    pub fn look(
        &mut self,
        counters: &Counters,
        witnessed: Option<&witnessing::Figures>,
        resync: &resyncing::Figures,
        clock: &EngineClock,
        at_ns: u64,
    ) -> Vec<Signal> {
        let mut look = Look { gauges: self, at_ns, out: Vec::new() };
        look.record(counters);
        look.witnesses(witnessed);
        look.resync(resync);
        look.heartbeats(counters, clock);
        look.latency(counters);
        look.drops(counters);
        look.out
    }

    /// Looks at the guard's sign of life, if there is to be one: how old it is, ms; `None`: there
    /// is none.
    pub fn guard(&mut self, age_ms: Option<u64>, run_for_ms: u64, at_ns: u64) -> Option<Signal> {
        // A guard that is started after the engine is given as long to begin.
        let age_ms = i64::try_from(age_ms.unwrap_or(run_for_ms)).unwrap_or(i64::MAX);
        let is_late = age_ms > self.limits.of(Rule::GuardSilent);
        self.stand(Rule::GuardSilent, Labels::new(), is_late.then_some(age_ms), at_ns)
    }

    /// Looks at the keys of order sessions: which are good for few more days, said the last logon.
    pub fn keys(&mut self, sessions: &[SessionFigures], at_ns: u64, out: &mut Vec<Signal>) {
        let limit = self.limits.of(Rule::KeyExpires);
        for session in sessions {
            let days = session.key_expires_days.map(i64::from).filter(|days| *days <= limit);
            let of = labels([("gateway", &session.gateway)]);
            out.extend(self.stand(Rule::KeyExpires, of, days, at_ns));
        }
    }

    /// Looks at the interfaces by which nothing can come or go, and at feeds that come by sockets
    /// instead of past the kernel.
    pub fn interfaces(&mut self, found: &Found, at_ns: u64, out: &mut Vec<Signal>) {
        let of = |cut: &Cut| {
            let (interface, state) = (cut.interface.as_str(), cut.state.word());
            labels([("interface", interface), ("state", state), ("used_by", &cut.used_by)])
        };
        let all: Vec<_> = found.cut.iter().map(of).collect();
        self.stand_alone(Rule::InterfaceDown, &all, at_ns, out);
        let of = |row: &BySockets| {
            let (feed, interface) = (row.feed.as_str(), row.interface.as_str());
            labels([("feed", feed), ("interface", interface), ("why", &row.why)])
        };
        let all: Vec<_> = found.by_sockets.iter().map(of).collect();
        self.stand_alone(Rule::FeedBySockets, &all, at_ns, out);
    }

    /// What is known elsewhere of something that stands: told when it changes.
    pub fn stand(
        &mut self,
        rule: Rule,
        labels: Labels,
        value: Option<i64>,
        at_ns: u64,
    ) -> Option<Signal> {
        let limit = rule.limit().map_or(0, |_| self.limits.of(rule));
        let key = (rule, labels);
        match value {
            Some(value) if self.standing.insert(key.clone()) => {
                let raised = Raised::new(rule, key.1, at_ns).value(value).over(limit);
                Some(Signal::Raise(raised))
            }
            None if self.standing.remove(&key) => Some(Signal::Clear { rule, labels: key.1 }),
            Some(_) | None => None,
        }
    }

    /// The same of a rule about which everything is known at once: what is not among `all` is over.
    pub fn stand_alone(&mut self, rule: Rule, all: &[Labels], at_ns: u64, out: &mut Vec<Signal>) {
        let known = self.standing.iter().filter(|(known, _)| *known == rule);
        let over: Vec<_> =
            known.filter(|(_, labels)| !all.contains(labels)).map(|row| row.1.clone()).collect();
        for labels in over {
            out.extend(self.stand(rule, labels, None, at_ns));
        }
        for labels in all {
            out.extend(self.stand(rule, labels.clone(), Some(0), at_ns));
        }
    }

    /// The limit of a rule.
    #[must_use]
    pub fn limit(&self, rule: Rule) -> i64 {
        self.limits.of(rule)
    }
}

/// One look.
struct Look<'g> {
    gauges: &'g mut Gauges,
    at_ns: u64,
    out: Vec<Signal>,
}

impl Look<'_> {
    /// It is so: the figure that explains it; `None`: it is not.
    fn stand(&mut self, rule: Rule, labels: Labels, value: Option<i64>) {
        let signal = self.gauges.stand(rule, labels, value, self.at_ns);
        self.out.extend(signal);
    }

    /// Whether a figure is above the rule's limit.
    fn above(&mut self, rule: Rule, labels: Labels, value: u64) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        let is_above = value > self.gauges.limits.of(rule);
        self.stand(rule, labels, is_above.then_some(value));
    }

    /// A count of what has happened.
    fn grown(&mut self, rule: Rule, labels: Labels, count: u64) {
        let told = self.gauges.told.entry((rule, labels.clone())).or_default();
        if count > *told {
            *told = count;
            let value = i64::try_from(count).unwrap_or(i64::MAX);
            self.out.push(Signal::Raise(Raised::new(rule, labels, self.at_ns).value(value)));
        }
    }

    fn record(&mut self, counters: &Counters) {
        let (desk, journal) = (&counters.desk, &counters.journal);
        let is = |counter: &Counter| (counter.get() != 0).then_some(0);
        self.stand(Rule::RecordLate, Labels::new(), is(&desk.record_late));
        self.above(Rule::JournalBehind, Labels::new(), desk.record_used_pct.get());
        self.grown(Rule::JournalFailure, Labels::new(), journal.failures.get());
        self.stand(Rule::JournalRoom, Labels::new(), is(&journal.room));
        let failures = counters.engine.snapshot_failures.get();
        self.grown(Rule::SnapshotFailure, Labels::new(), failures);
    }

    fn witnesses(&mut self, witnessed: Option<&witnessing::Figures>) {
        let Some(witnessed) = witnessed else { return };
        for witness in &witnessed.witnesses {
            let of = || labels([("witness", &witness.name)]);
            self.stand(Rule::WitnessTrouble, of(), witness.trouble.map(|_| 0));
        }
        let contradicted = witnessed.is_contradicted().then_some(0);
        self.stand(Rule::WitnessContradicts, Labels::new(), contradicted);
    }

    fn resync(&mut self, resync: &resyncing::Figures) {
        for source in &resync.sources {
            let of = || labels([("source", &source.name)]);
            self.stand(Rule::StatementOld, of(), source.is_old.then_some(0));
            self.stand(Rule::DropCopySilent, of(), source.is_silent.then_some(0));
            self.grown(Rule::StatementRefused, of(), source.refused);
            self.grown(Rule::DropCopyGap, of(), source.missing);
        }
        for (labels, value) in &resync.differences {
            self.stand(Rule::ResyncDiffers, labels.clone(), Some(*value));
        }
        let standing = self.gauges.standing.iter();
        let over = standing.filter(|(rule, labels)| {
            *rule == Rule::ResyncDiffers && !resync.differences.contains_key(labels)
        });
        let over: Vec<_> = over.map(|(_, labels)| labels.clone()).collect();
        over.into_iter().for_each(|labels| self.stand(Rule::ResyncDiffers, labels, None));
    }

    fn heartbeats(&mut self, counters: &Counters, clock: &EngineClock) {
        let ticks = clock.ticks();
        // A heartbeat may be newer than the reading of the ticks.
        let age_ms = |heartbeat: u64| {
            let age = ticks.saturating_sub(heartbeat);
            clock.span(age).0 / 1_000_000
        };
        let threads: [(&str, &ThreadCounters); 3] = [
            ("main", &counters.main_thread),
            ("journal", &counters.journal_thread),
            ("recovery", &counters.recovery_thread),
        ];
        for (name, thread) in threads {
            // One that was never round has not begun.
            let heartbeat = thread.heartbeat.get();
            let age_ms = if heartbeat == 0 { 0 } else { age_ms(heartbeat) };
            self.above(Rule::ThreadSilent, labels([("thread", name)]), age_ms);
        }
        let names = self.gauges.cores.clone();
        for (name, core) in names.iter().zip(&counters.cores) {
            let heartbeat = core.heartbeat.get();
            let age_ms = if heartbeat == 0 { 0 } else { age_ms(heartbeat) };
            self.above(Rule::CoreSilent, labels([("core", name)]), age_ms);
        }
    }

    fn latency(&mut self, counters: &Counters) {
        let p99_us = counters.engine.tick_to_order_p99.get() / 1_000;
        self.above(Rule::TickToOrderSlow, Labels::new(), p99_us);
    }

    fn drops(&mut self, counters: &Counters) {
        let names = self.gauges.feeds.clone();
        for (name, port) in names.iter().zip(&counters.feed_ports) {
            let kernel = &port.kernel;
            let lines = kernel.lines.iter().map(|line| &line.overflow);
            let dropped = lines.chain([&kernel.xdp_dropped, &kernel.xdp_ring_full]);
            let dropped = dropped.map(|count| count.get()).sum();
            self.grown(Rule::PacketsDropped, labels([("feed", name)]), dropped);
        }
    }
}
