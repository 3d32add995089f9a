//! The life of alerts: firing, acknowledged, resolved; and who is told of it when.
//!
//! A pure state machine: signals and time in, notices out. It reads no clock and does no I/O, and
//! the same calls give the same notices.
//!
//! - What is raised again while it fires is the same alert; it is counted, not told. Something that
//!   happens again after somebody has taken it on fires anew.
//! - A sink is told of an alert that matters enough to it when the alert begins, or, if the sink is
//!   one to escalate to, when nobody has acknowledged it for so long.
//! - What fires and is not acknowledged is told again after the repeat interval. What is `info` is
//!   told once.
//! - Whoever was told that it fires is told that it was acknowledged, and that it is over.
//!
//! Called by `engine::alerting`; `outbox` keeps its alerts over restarts.

use super::rule::{Ends, Rule, Severity};
use super::signal::{Labels, Raised, fingerprint};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What an earlier run left firing is over this long after the new one began, if it does not come
/// again.
const INHERITED_NS: u64 = 15_000_000_000;

/// Who has taken an alert on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// By the name that was given.
    pub by: String,
    /// When, UTC in nanoseconds since 1970.
    pub at_ns: u64,
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// What tells it from others.
    pub fingerprint: String,
    /// What it is.
    pub code: Rule,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub labels: Labels,
    /// When it began, UTC in nanoseconds since 1970.
    pub first_ns: u64,
    /// When it was raised last.
    pub last_ns: u64,
    /// How often it was raised.
    pub count: u64,
    /// The figure of the last time; 0 if there is none.
    pub value: i64,
    /// The limit that it broke; 0 if there is none.
    pub limit: i64,
    /// Who has taken it on; `None`: nobody yet.
    pub acknowledged: Option<Acknowledged>,
    /// When it was over; `None`: it fires.
    pub resolved_ns: Option<u64>,
    /// Sinks that were told, and when last.
    pub told: BTreeMap<String, u64>,
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// It has begun.
    Firing,
    /// It fires still.
    Repeated,
    /// Nobody has acknowledged it for too long.
    Escalated,
    /// Somebody has taken it on.
    Acknowledged,
    /// It is over.
    Resolved,
}

impl What {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Repeated => "repeated",
            Self::Escalated => "escalated",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// Something to be told to one sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// To whom.
    pub sink: String,
    /// What.
    pub what: What,
    /// The alert, as it was then.
    pub alert: Alert,
}

/// What a sink is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience {
    /// Its name.
    pub sink: String,
    /// The least that matters to it.
    pub least: Severity,
    /// Only what nobody has acknowledged for so long; 0: everything, at once.
    pub after_ns: u64,
}

/// What is told, to whom, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Until what fires is told again.
    pub repeat_ns: u64,
    /// Until what has happened and did not come again is over.
    pub quiet_ns: u64,
    /// Everybody.
    pub audiences: Vec<Audience>,
    /// Severities other than the table's; `None`: not told.
    pub severities: BTreeMap<Rule, Option<Severity>>,
}

impl Policy {
    /// Sinks that are told when an alert of this severity begins.
    fn at_once(&self, severity: Severity) -> Vec<String> {
        let at_once = |to: &&Audience| to.least <= severity && to.after_ns == 0;
        self.audiences.iter().filter(at_once).map(|to| to.sink.clone()).collect()
    }

    /// How much a rule matters; `None`: it is not told.
    #[must_use]
    pub fn severity(&self, rule: Rule) -> Option<Severity> {
        self.severities.get(&rule).copied().unwrap_or_else(|| rule.severity())
    }
}

/// All alerts that fire.
#[derive(Debug, Default)]
pub struct Book {
    policy: Policy,
    alerts: BTreeMap<String, Alert>,
    /// Left firing by an earlier run, and not raised again since.
    inherited: BTreeSet<String>,
    began_ns: u64,
    /// Fingerprints of what has changed since the last look.
    changed: BTreeSet<String>,
}

impl Book {
    /// A book of `alerts` that an earlier run left firing, at `now_ns`.
    #[must_use]
    pub fn new(policy: Policy, alerts: impl IntoIterator<Item = Alert>, now_ns: u64) -> Self {
        let alerts: BTreeMap<_, _> =
            alerts.into_iter().map(|alert| (alert.fingerprint.clone(), alert)).collect();
        let inherited = alerts.keys().cloned().collect();
        Self { policy, alerts, inherited, began_ns: now_ns, changed: BTreeSet::new() }
    }

    /// What fires.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.values()
    }

    /// What has changed since the last call: an alert as it is now, or the fingerprint of one that
    /// fires no longer.
    pub fn take_changed(&mut self) -> Vec<Result<Alert, String>> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        changed.map(|which| self.alerts.get(&which).cloned().ok_or(which)).collect()
    }

    /// Something is so, or has happened.
    pub fn raise(&mut self, raised: &Raised, now_ns: u64, out: &mut Vec<Notice>) {
        let Some(severity) = self.policy.severity(raised.rule) else { return };
        let fingerprint = fingerprint(raised.rule, &raised.labels);
        if let Some(alert) = self.alerts.get_mut(&fingerprint) {
            alert.count += 1;
            alert.last_ns = now_ns;
            (alert.value, alert.limit) = (raised.value, raised.limit);
            self.inherited.remove(&fingerprint);
            self.changed.insert(fingerprint);
            if raised.rule.ends() == Ends::Quiet && alert.acknowledged.take().is_some() {
                // It has happened once more: whoever took it on knows of what was before.
                alert.first_ns = raised.at_ns;
                tell(alert, &self.policy.at_once(severity), What::Firing, now_ns, out);
            }
            return;
        }
        let mut alert = Alert {
            fingerprint: fingerprint.clone(),
            code: raised.rule,
            severity,
            labels: raised.labels.clone(),
            first_ns: raised.at_ns,
            last_ns: now_ns,
            count: 1,
            value: raised.value,
            limit: raised.limit,
            acknowledged: None,
            resolved_ns: None,
            told: BTreeMap::new(),
        };
        tell(&mut alert, &self.policy.at_once(severity), What::Firing, now_ns, out);
        if raised.rule.ends() != Ends::Once {
            self.changed.insert(fingerprint.clone());
            self.alerts.insert(fingerprint, alert);
        }
    }

    /// Something is so no longer.
    pub fn clear(&mut self, rule: Rule, labels: &Labels, now_ns: u64, out: &mut Vec<Notice>) {
        self.resolve(&fingerprint(rule, labels), now_ns, out);
    }

    /// Somebody has taken an alert on; whether there is one that nobody has.
    pub fn acknowledge(
        &mut self,
        fingerprint: &str,
        by: &str,
        now_ns: u64,
        out: &mut Vec<Notice>,
    ) -> bool {
        let Some(alert) = self.alerts.get_mut(fingerprint) else { return false };
        if alert.acknowledged.is_some() {
            return false;
        }
        alert.acknowledged = Some(Acknowledged { by: by.to_owned(), at_ns: now_ns });
        let told: Vec<_> = alert.told.keys().cloned().collect();
        tell(alert, &told, What::Acknowledged, now_ns, out);
        self.changed.insert(fingerprint.to_owned());
        true
    }

    /// What follows from time alone.
    pub fn tick(&mut self, now_ns: u64, out: &mut Vec<Notice>) {
        let is_over = |alert: &Alert| {
            let quiet_ns = now_ns.saturating_sub(alert.last_ns);
            let is_left = self.inherited.contains(&alert.fingerprint)
                && now_ns.saturating_sub(self.began_ns) >= INHERITED_NS;
            match alert.code.ends() {
                Ends::Quiet | Ends::Once => quiet_ns >= self.policy.quiet_ns,
                Ends::Cleared => is_left,
            }
        };
        let over: Vec<_> = self.alerts.values().filter(|alert| is_over(alert)).collect();
        let over: Vec<_> = over.into_iter().map(|alert| alert.fingerprint.clone()).collect();
        for fingerprint in over {
            self.resolve(&fingerprint, now_ns, out);
        }
        let Self { policy, alerts, changed, .. } = self;
        for alert in alerts.values_mut().filter(|alert| alert.acknowledged.is_none()) {
            let before = out.len();
            let severity = alert.severity;
            for to in policy.audiences.iter().filter(|to| to.least <= severity) {
                let (sink, waited_ns) =
                    (vec![to.sink.clone()], now_ns.saturating_sub(alert.first_ns));
                match alert.told.get(&to.sink) {
                    None if to.after_ns > 0 && waited_ns >= to.after_ns => {
                        tell(alert, &sink, What::Escalated, now_ns, out);
                    }
                    Some(at_ns)
                        if severity > Severity::Info
                            && now_ns.saturating_sub(*at_ns) >= policy.repeat_ns =>
                    {
                        tell(alert, &sink, What::Repeated, now_ns, out);
                    }
                    // A sink that was added meanwhile.
                    None if to.after_ns == 0 => tell(alert, &sink, What::Firing, now_ns, out),
                    None | Some(_) => {}
                }
            }
            if out.len() > before {
                changed.insert(alert.fingerprint.clone());
            }
        }
    }

    fn resolve(&mut self, fingerprint: &str, now_ns: u64, out: &mut Vec<Notice>) {
        let Some(mut alert) = self.alerts.remove(fingerprint) else { return };
        self.inherited.remove(fingerprint);
        alert.resolved_ns = Some(now_ns);
        let told: Vec<_> = alert.told.keys().cloned().collect();
        tell(&mut alert, &told, What::Resolved, now_ns, out);
        self.changed.insert(fingerprint.to_owned());
    }
}

/// Tells `sinks` of an alert.
fn tell(alert: &mut Alert, sinks: &[String], what: What, now_ns: u64, out: &mut Vec<Notice>) {
    for sink in sinks {
        alert.told.insert(sink.clone(), now_ns);
    }
    let notice = |sink: &String| Notice { sink: sink.clone(), what, alert: alert.clone() };
    out.extend(sinks.iter().map(notice));
}
