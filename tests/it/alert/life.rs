//! The life of alerts, beside a model that keeps lists and looks through all of them each time.

use cross_market_connect::alert::life::{Alert, Audience, Book, Notice, Policy, What};
use cross_market_connect::alert::rule::{Ends, Rule, Severity};
use cross_market_connect::alert::signal::{Labels, Raised, fingerprint, labels};
use proptest::prelude::*;
use std::collections::BTreeMap;

const S: u64 = 1_000_000_000;
const RULES: [Rule; 5] =
    [Rule::SpreadHalted, Rule::RepairFailed, Rule::FeedSingle, Rule::DeskSingleFeed, Rule::Fired];

fn policy() -> Policy {
    let audience = |sink: &str, least, after_s: u64| Audience {
        sink: sink.to_owned(),
        least,
        after_ns: after_s * S,
    };
    Policy {
        repeat_ns: 60 * S,
        quiet_ns: 100 * S,
        audiences: vec![
            audience("log", Severity::Info, 0),
            audience("chat", Severity::Warning, 0),
            audience("boss", Severity::Critical, 30),
        ],
        severities: [(Rule::Fired, Some(Severity::Info))].into(),
    }
}

fn of(spread: u8) -> Labels {
    labels([("spread", ["a", "b"][usize::from(spread)])])
}

fn raised(rule: Rule, spread: u8, at_ns: u64) -> Raised {
    Raised::new(rule, of(spread), at_ns)
}

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    Raise(usize, u8),
    Clear(usize, u8),
    Ack(usize, u8),
    Wait(u64),
}

/// What the model keeps of an alert.
#[derive(Clone, Debug)]
struct Row {
    key: (usize, u8),
    first: u64,
    last: u64,
    is_taken: bool,
    told: Vec<(&'static str, u64)>,
}

/// What is told: to whom, what, about which.
type Told = (String, What, String);

#[derive(Default)]
struct Model {
    rows: Vec<Row>,
    told: Vec<Told>,
}

const SINKS: [(&str, Severity, u64); 3] =
    [("log", Severity::Info, 0), ("chat", Severity::Warning, 0), ("boss", Severity::Critical, 30)];

fn severity(rule: usize) -> Severity {
    policy().severity(RULES[rule]).expect("it is told")
}

impl Model {
    fn tell(&mut self, sink: &str, what: What, key: (usize, u8)) {
        let which = fingerprint(RULES[key.0], &of(key.1));
        self.told.push((sink.to_owned(), what, which));
    }

    fn end(&mut self, key: (usize, u8)) {
        let gone: Vec<_> = self.rows.iter().filter(|row| row.key == key).cloned().collect();
        self.rows.retain(|row| row.key != key);
        for row in gone {
            for (sink, _) in row.told {
                self.tell(sink, What::Resolved, key);
            }
        }
    }

    fn step(&mut self, step: Step, now: u64) {
        match step {
            Step::Raise(rule, spread) => {
                let key = (rule, spread);
                if let Some(row) = self.rows.iter_mut().find(|row| row.key == key) {
                    row.last = now;
                    // An event that happens again after somebody took it on is a new one.
                    if row.is_taken && RULES[rule].ends() == Ends::Quiet {
                        (row.is_taken, row.first) = (false, now);
                        for (sink, least, after) in SINKS {
                            if severity(rule) >= least && after == 0 {
                                let place = self.rows.iter().position(|row| row.key == key);
                                let row = &mut self.rows[place.expect("it is there")];
                                row.told.retain(|(known, _)| *known != sink);
                                row.told.push((sink, now));
                                self.tell(sink, What::Firing, key);
                            }
                        }
                    }
                    return;
                }
                let mut row = Row { key, first: now, last: now, is_taken: false, told: Vec::new() };
                for (sink, least, after) in SINKS {
                    if severity(rule) >= least && after == 0 {
                        row.told.push((sink, now));
                        self.tell(sink, What::Firing, key);
                    }
                }
                if RULES[rule].ends() != Ends::Once {
                    self.rows.push(row);
                }
            }
            Step::Clear(rule, spread) => self.end((rule, spread)),
            Step::Ack(rule, spread) => {
                let key = (rule, spread);
                let Some(row) = self.rows.iter_mut().find(|row| row.key == key && !row.is_taken)
                else {
                    return;
                };
                row.is_taken = true;
                row.told.iter_mut().for_each(|(_, at)| *at = now);
                let told = row.told.clone();
                for (sink, _) in told {
                    self.tell(sink, What::Acknowledged, key);
                }
            }
            Step::Wait(_) => {}
        }
    }

    fn tick(&mut self, now: u64) {
        for row in self.rows.clone() {
            if RULES[row.key.0].ends() == Ends::Quiet && now - row.last >= 100 * S {
                self.end(row.key);
            }
        }
        for row in self.rows.clone().iter().filter(|row| !row.is_taken) {
            for (sink, least, after) in SINKS {
                if severity(row.key.0) < least {
                    continue;
                }
                let before = row.told.iter().find(|(known, _)| *known == sink);
                let what = match before {
                    None if now - row.first >= after * S => What::Escalated,
                    Some((_, at)) if severity(row.key.0) > Severity::Info && now - at >= 60 * S => {
                        What::Repeated
                    }
                    _ => continue,
                };
                let place = self.rows.iter().position(|known| known.key == row.key);
                let known = &mut self.rows[place.expect("it is there")];
                known.told.retain(|(known, _)| *known != sink);
                known.told.push((sink, now));
                self.tell(sink, what, row.key);
            }
        }
    }
}

fn told(notices: &[Notice]) -> Vec<Told> {
    let one =
        |notice: &Notice| (notice.sink.clone(), notice.what, notice.alert.fingerprint.clone());
    notices.iter().map(one).collect()
}

fn step() -> impl Strategy<Value = Step> {
    let which = || (0..RULES.len(), 0..2_u8);
    prop_oneof![
        4 => which().prop_map(|(rule, spread)| Step::Raise(rule, spread)),
        2 => which().prop_map(|(rule, spread)| Step::Clear(rule, spread)),
        1 => which().prop_map(|(rule, spread)| Step::Ack(rule, spread)),
        // The intervals, and a second on either side of them.
        3 => prop_oneof![Just(1), Just(29), Just(30), Just(31), Just(59), Just(60), Just(100)]
            .prop_map(Step::Wait),
    ]
}

proptest! {
    /// Who is told what when is what the model says, and a book that was put down and taken up
    /// again after any step says the same.
    #[test]
    fn everybody_is_told_what_the_model_says(
        steps in prop::collection::vec(step(), 1..40),
        cut in 0..40_usize,
    ) {
        let mut now = 1_000 * S;
        let (mut book, mut model) = (Book::new(policy(), [], now), Model::default());
        for (place, step) in steps.iter().enumerate() {
            let mut out = Vec::new();
            match *step {
                Step::Raise(rule, spread) => {
                    book.raise(&raised(RULES[rule], spread, now), now, &mut out);
                }
                Step::Clear(rule, spread) => book.clear(RULES[rule], &of(spread), now, &mut out),
                Step::Ack(rule, spread) => {
                    let which = fingerprint(RULES[rule], &of(spread));
                    book.acknowledge(&which, "ann", now, &mut out);
                }
                Step::Wait(seconds) => now += seconds * S,
            }
            model.step(*step, now);
            book.tick(now, &mut out);
            model.tick(now);
            let (mut found, mut expected) = (told(&out), std::mem::take(&mut model.told));
            found.sort();
            expected.sort();
            prop_assert_eq!(found, expected, "step {} of {:?}", place, steps);
            if place == cut {
                let kept: Vec<Alert> = book.alerts().cloned().collect();
                let text = serde_json::to_string(&kept).expect("JSON");
                let kept: Vec<Alert> = serde_json::from_str(&text).expect("the same");
                // As if the run had begun long ago: what was left is not over by itself.
                book = Book::new(policy(), kept, u64::MAX);
            }
        }
    }
}

#[test]
fn what_comes_again_is_counted_and_not_told() {
    let mut book = Book::new(policy(), [], 0);
    let mut out = Vec::new();
    for second in 0..50 {
        book.raise(&raised(Rule::FeedGap, 0, second * S), second * S, &mut out);
    }
    assert_eq!(out.len(), 2, "log and chat, once each");
    let alert = book.alerts().next().expect("it fires");
    assert_eq!((alert.count, alert.first_ns, alert.last_ns), (50, 0, 49 * S));
}

#[test]
fn what_happens_again_after_somebody_has_taken_it_on_is_told_again() {
    let mut book = Book::new(policy(), [], 0);
    let mut out = Vec::new();
    for (rule, again) in [(Rule::RepairFailed, 2), (Rule::FeedSingle, 0)] {
        book.raise(&raised(rule, 0, 0), 0, &mut out);
        book.acknowledge(&fingerprint(rule, &of(0)), "ann", S, &mut out);
        out.clear();
        book.raise(&raised(rule, 0, 2 * S), 2 * S, &mut out);
        book.raise(&raised(rule, 0, 3 * S), 3 * S, &mut out);
        let told: Vec<_> = out.iter().map(|notice| (notice.sink.as_str(), notice.what)).collect();
        let log_and_chat = [("log", What::Firing), ("chat", What::Firing)];
        assert_eq!(
            told,
            log_and_chat[..again],
            "{rule:?}: what stands is known, what happens is new"
        );
    }
}

#[test]
fn nobody_is_escalated_to_once_somebody_has_taken_it_on() {
    for is_taken in [false, true] {
        let mut book = Book::new(policy(), [], 0);
        let mut out = Vec::new();
        book.raise(&raised(Rule::RepairFailed, 0, 0), 0, &mut out);
        if is_taken {
            let which = fingerprint(Rule::RepairFailed, &of(0));
            assert!(book.acknowledge(&which, "ann", S, &mut out));
            assert!(!book.acknowledge(&which, "ben", S, &mut out), "the first one has it");
        }
        out.clear();
        book.tick(31 * S, &mut out);
        let boss: Vec<_> = out.iter().filter(|notice| notice.sink == "boss").collect();
        assert_eq!(boss.len(), usize::from(!is_taken));
        assert!(boss.iter().all(|notice| notice.what == What::Escalated));
    }
}

#[test]
fn what_is_switched_off_is_not_told_at_all() {
    let policy = Policy { severities: [(Rule::FeedGap, None)].into(), ..policy() };
    let (mut book, mut out) = (Book::new(policy, [], 0), Vec::new());
    book.raise(&raised(Rule::FeedGap, 0, 0), 0, &mut out);
    assert!(out.is_empty() && book.alerts().next().is_none());
}

#[test]
fn what_an_earlier_run_left_is_over_unless_it_comes_again() {
    let (mut before, mut out) = (Book::new(policy(), [], 0), Vec::new());
    for spread in 0..2 {
        before.raise(&raised(Rule::SinkFailing, spread, 0), 0, &mut out);
    }
    let mut book = Book::new(policy(), before.alerts().cloned().collect::<Vec<_>>(), 0);
    out.clear();
    book.raise(&raised(Rule::SinkFailing, 0, S), S, &mut out);
    assert!(out.is_empty(), "it was told before");
    book.tick(20 * S, &mut out);
    let over: BTreeMap<_, _> =
        out.iter().map(|notice| (notice.what, notice.alert.labels["spread"].as_str())).collect();
    assert_eq!(over, [(What::Resolved, "b")].into());
}
