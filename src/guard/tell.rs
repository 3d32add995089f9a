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
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

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

/// What goes to one sink.
#[derive(Clone, Debug)]
pub struct Letter {
    sink: AlertSink,
    message: Message,
}

/// What is told to those of `names`.
#[must_use]
pub fn letters(config: &Configuration, told: &Told, names: &[String]) -> Vec<Letter> {
    let Some(alerts) = &config.alerts else { return Vec::new() };
    let severity = alerts.severities.get(&told.rule).copied().unwrap_or(told.rule.severity());
    let Some(severity) = severity else { return Vec::new() };
    let meant = alerts.sinks.iter().filter(|sink| names.contains(&sink.name));
    let letter = |sink: &AlertSink| {
        let (labels, origin) = (told.labels.clone(), origin(config, alerts));
        let rule = (told.rule, severity);
        let run = told.run.into();
        let message = Message::told(rule, labels, run, &sink.name, origin, told.at_ns);
        Letter { sink: sink.clone(), message }
    };
    meant.map(letter).collect()
}

impl Letter {
    /// How long it may take, all tries together.
    fn patience(&self) -> Duration {
        (Duration::from_millis(self.sink.timeout_ms.into()) + PAUSE) * TRIES
    }

    fn is_delivered(&self, directory: &Path) -> bool {
        for left in (0..TRIES).rev() {
            let opened = sink::open(&self.sink, directory);
            if opened.is_ok_and(|mut open| open.send(&self.message).is_ok()) {
                return true;
            }
            if left > 0 {
                std::thread::sleep(PAUSE);
            }
        }
        false
    }
}

/// Delivers them for the record in `record`; the sinks that have not taken theirs in their time.
#[must_use]
pub fn deliver(record: &Path, letters: Vec<Letter>) -> Vec<String> {
    let directory = alert::directory(record);
    let patience = letters.iter().map(Letter::patience).max().unwrap_or_default();
    let mut untold: Vec<_> = letters.iter().map(|letter| letter.sink.name.clone()).collect();
    let (sender, delivered) = channel();
    for letter in letters {
        let (sender, directory) = (sender.clone(), directory.clone());
        // Apart, and left alone when its time is over: a disk may hang under the sink that is a
        // file.
        std::thread::spawn(move || {
            let _ = std::fs::create_dir_all(&directory);
            if letter.is_delivered(&directory) {
                let _ = sender.send(letter.sink.name);
            }
        });
    }
    drop(sender);
    let until = Instant::now() + patience;
    while let Ok(name) = delivered.recv_timeout(until.saturating_duration_since(Instant::now())) {
        untold.retain(|one| *one != name);
    }
    untold
}
