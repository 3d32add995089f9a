//! Tells people what the guard has done: straight to the configured sinks, since the outbox is the
//! engine's and that is dead.
//!
//! Each sink has a thread, and some tries. Who has not taken it by then is written down, and told
//! again when a guard starts. Not here: acknowledging; these alerts are told once.

use crate::alert::message::Message;
use crate::alert::rule::Rule;
use crate::alert::signal::Labels;
use crate::alert::{self, sink};
use crate::config::{AlertSink, Configuration};
use crate::engine::alerting::origin;
use std::path::Path;
use std::time::Duration;

/// Tries for each sink.
const TRIES: u32 = 3;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(500);

/// What is told.
#[derive(Clone, Debug)]
pub struct Told {
    /// Which rule.
    pub rule: Rule,
    /// The run that it is about.
    pub run: u16,
    /// What it is about besides.
    pub labels: Labels,
    /// When, UTC in nanoseconds since 1970.
    pub at_ns: u64,
}

/// The sinks that are to be told of a rule; none if nothing is configured.
#[must_use]
pub fn audience(config: &Configuration, rule: Rule) -> Vec<String> {
    let Some(alerts) = &config.alerts else { return Vec::new() };
    let severity = alerts.severities.get(&rule).copied().unwrap_or(rule.severity());
    let Some(severity) = severity else { return Vec::new() };
    // What waits for an acknowledgement waits for nobody here: it is told at once.
    let meant = alerts.sinks.iter().filter(|sink| sink.least <= severity);
    meant.map(|sink| sink.name.clone()).collect()
}

/// Tells those of `names`; who has not taken it.
#[must_use]
pub fn tell(config: &Configuration, record: &Path, told: &Told, names: &[String]) -> Vec<String> {
    let Some(alerts) = &config.alerts else { return Vec::new() };
    let severity = alerts.severities.get(&told.rule).copied().unwrap_or(told.rule.severity());
    let Some(severity) = severity else { return Vec::new() };
    let directory = alert::directory(record);
    let _ = std::fs::create_dir_all(&directory);
    let meant = alerts.sinks.iter().filter(|sink| names.contains(&sink.name));
    let message = |sink: &AlertSink| {
        let (labels, origin) = (told.labels.clone(), origin(config, alerts));
        let rule = (told.rule, severity);
        Message::told(rule, labels, told.run.into(), &sink.name, origin, told.at_ns)
    };
    let one = |sink: &AlertSink| {
        let message = message(sink);
        for left in (0..TRIES).rev() {
            let opened = sink::open(sink, &directory);
            if opened.is_ok_and(|mut open| open.send(&message).is_ok()) {
                return true;
            }
            if left > 0 {
                std::thread::sleep(PAUSE);
            }
        }
        false
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            meant.map(|sink| (sink.name.clone(), scope.spawn(move || one(sink)))).collect();
        let failed = threads.into_iter().filter_map(|(name, thread)| {
            // A thread that panics has told nobody.
            (!thread.join().unwrap_or(false)).then_some(name)
        });
        failed.collect()
    })
}
