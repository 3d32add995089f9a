//! Workers: what goes together, how much, and that one that is dead holds up nobody.

use super::receiver::{Receiver, Request, ok};
use super::sink::{open, secret};
use super::{alert, firing};
use crate::journal::scratch::Scratch;
use cross_market_connect::alert::life::{Notice, What};
use cross_market_connect::alert::message::{Item, Message, Origin, now_ns};
use cross_market_connect::alert::outbox::{Outbox, Waiting};
use cross_market_connect::alert::rule::{Rule, Severity};
use cross_market_connect::alert::sink::{SendError, Sink};
use cross_market_connect::alert::worker::{Pace, Shared, Step, Worker};
use cross_market_connect::config::AlertSinkKind;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
const S: u64 = 1_000_000_000;
const PACE: Pace = Pace { group_ns: 0, per_minute: 600, heartbeat_ns: 0, is_digest: false };
const DIGEST: Pace = Pace { is_digest: true, ..PACE };

fn notice(sink: &str, spread: usize, severity: Severity) -> Notice {
    firing(sink, alert(Rule::SpreadHalted, severity, &format!("s{spread}")))
}

fn waiting(rows: impl IntoIterator<Item = (u64, u64, Notice)>) -> BTreeMap<u64, Waiting> {
    rows.into_iter().map(|(seq, at_ns, notice)| (seq, Waiting { at_ns, notice })).collect()
}

#[test]
fn what_comes_within_the_window_goes_together_and_a_page_does_not_wait() {
    let pace = Pace { group_ns: 2 * S, ..DIGEST };
    let none = VecDeque::new();
    let mut rows = waiting([(1, 10 * S, notice("a", 1, Severity::Critical))]);
    assert_eq!(pace.step(&rows, &none, 11 * S, false), Step::Wait(12 * S));
    let now = |step: Step| match step {
        Step::Tell { told, .. } => told,
        other => panic!("{other:?}"),
    };
    assert_eq!(now(pace.step(&rows, &none, 11 * S, true)), [1], "the run ends");
    rows.extend(waiting([(2, 11 * S, notice("a", 2, Severity::Info))]));
    assert_eq!(now(pace.step(&rows, &none, 12 * S, false)), [1, 2]);
    rows.extend(waiting([(3, 11 * S, notice("a", 3, Severity::Page))]));
    assert_eq!(now(pace.step(&rows, &none, 11 * S, false)), [3, 1, 2], "the most severe first");
    assert_eq!(pace.step(&BTreeMap::new(), &none, 11 * S, false), Step::Rest);
}

#[test]
fn an_alert_stands_once_and_so_many_at_most_and_the_rest_by_its_number() {
    let mut rows = waiting((0..50).map(|seq| (seq, S, notice("a", seq as usize, Severity::Info))));
    let over = Notice { what: What::Resolved, ..notice("a", 7, Severity::Info) };
    rows.extend(waiting([(50, S, over), (51, S, notice("a", 99, Severity::Page))]));
    let Step::Tell { told, merged, suppressed } = DIGEST.step(&rows, &VecDeque::new(), S, false)
    else {
        panic!("it is time");
    };
    assert_eq!((told.len(), merged, told[0]), (20, vec![7], 51));
    let all: BTreeSet<_> = told.iter().chain(&suppressed).copied().collect();
    let expected: BTreeSet<_> = (0..52).filter(|seq| *seq != 7).collect();
    assert_eq!(all, expected, "nothing is forgotten");
    let Step::Tell { told, merged, suppressed } = PACE.step(&rows, &VecDeque::new(), S, false)
    else {
        panic!("it is time");
    };
    assert_eq!(told, (0..52).collect::<Vec<_>>(), "a program is told everything, in order");
    assert!(merged.is_empty() && suppressed.is_empty());
}

#[test]
fn no_more_go_in_a_minute_than_are_allowed_whatever_they_are() {
    let pace = Pace { per_minute: 3, ..PACE };
    let rows = waiting([(1, S, notice("a", 1, Severity::Page))]);
    let sent: VecDeque<_> = [100 * S, 110 * S, 120 * S].into();
    assert_eq!(pace.step(&rows, &sent, 130 * S, false), Step::Wait(160 * S));
    assert_eq!(pace.step(&rows, &sent, 159 * S, true), Step::Wait(160 * S));
    assert!(matches!(pace.step(&rows, &sent, 160 * S, false), Step::Tell { .. }));
}

/// A sink that never comes back.
struct Hanging;

impl Sink for Hanging {
    fn send(&mut self, _: &Message) -> Result<String, SendError> {
        std::thread::sleep(Duration::from_secs(3_600));
        Ok(String::new())
    }
}

fn shared(scratch: &Scratch) -> Arc<Shared> {
    let outbox = Outbox::open(&scratch.path("alerts"), 1_000, "e1").expect("a new one");
    Arc::new(Shared::new(outbox, Origin::default()))
}

fn ids(requests: &[Request]) -> Vec<String> {
    let all = requests
        .iter()
        .flat_map(|request| request.json()["alerts"].as_array().cloned().unwrap_or_default());
    all.map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

fn webhook(scratch: &Scratch, name: &str, receiver: &Receiver) -> Box<dyn Sink> {
    let url = secret(scratch, name, &receiver.url("/x"));
    open(AlertSinkKind::Webhook { url, secret: None })
}

#[track_caller]
fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn one_that_hangs_and_one_that_is_away_hold_up_neither_the_third_nor_who_tells() {
    let scratch = Scratch::new("alert_beside");
    let shared = shared(&scratch);
    let (well, away) = (Receiver::new(ok("")), Receiver::new(Some(("500 X", String::new()))));
    Worker::new("hanging", Box::new(Hanging), PACE).start(&shared);
    Worker::new("away", webhook(&scratch, "away", &away), PACE).start(&shared);
    Worker::new("well", webhook(&scratch, "well", &well), PACE).start(&shared);
    let since = Instant::now();
    for round in 0..100 {
        let each = ["hanging", "away", "well"].map(|sink| notice(sink, round, Severity::Page));
        shared.outbox().accept(each.to_vec(), Vec::new(), now_ns());
        shared.ring();
    }
    let told = since.elapsed();
    assert!(told < Duration::from_secs(10), "telling took {told:?}");
    well.wait_until(|requests| ids(requests).len() >= 100);
    wait_for("it is noted", || shared.outbox().state().sinks["well"].delivered == 100);
    let has_failed =
        || shared.outbox().state().sinks.get("away").is_some_and(|of| of.why.is_some());
    wait_for("it was tried", has_failed);
    let state = shared.outbox().state().clone();
    assert_eq!(state.waiting_of("hanging").count(), 100);
    assert_eq!(state.waiting_of("away").count(), 100);
    let sink = &state.sinks["away"];
    assert!(sink.failing_since_ns.is_some() && sink.why.as_deref() == Some("status 500"));
    // It comes back: all of it is told, once.
    away.answer(ok(""));
    wait_for("it was told", || shared.outbox().state().waiting_of("away").count() == 0);
    let state = shared.outbox().state().clone();
    let sink = &state.sinks["away"];
    assert_eq!((sink.delivered, sink.failing_since_ns, sink.dead), (100, None, 0));
    let told: BTreeSet<_> = ids(&away.requests()).into_iter().collect();
    assert_eq!(told.len(), 100);
    shared.end();
}

#[test]
fn what_is_refused_as_such_is_a_dead_letter_and_what_follows_goes_on() {
    let scratch = Scratch::new("alert_dead");
    let shared = shared(&scratch);
    let receiver = Receiver::new(Some(("422 X", "bad".to_owned())));
    Worker::new("one", webhook(&scratch, "url", &receiver), PACE).start(&shared);
    shared.outbox().accept(vec![notice("one", 1, Severity::Page)], Vec::new(), now_ns());
    shared.ring();
    wait_for("it is given up", || shared.outbox().state().sinks["one"].dead == 1);
    assert_eq!(receiver.requests().len(), 3, "after three tries");
    assert_eq!(shared.outbox().state().dead[0].why, "status 422: bad");
    receiver.answer(ok(""));
    shared.outbox().accept(vec![notice("one", 2, Severity::Page)], Vec::new(), now_ns());
    shared.ring();
    wait_for("it is told", || shared.outbox().state().sinks["one"].delivered == 1);
    shared.end();
}

/// Takes everything but messages with one certain alert in them.
struct Picky {
    bad: String,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Sink for Picky {
    fn send(&mut self, message: &Message) -> Result<String, SendError> {
        let of = |item: &Item| item.notice.alert.fingerprint.clone();
        let all: Vec<_> = message.items.iter().map(of).collect();
        if all.contains(&self.bad) {
            return Err(SendError::Refused("one of them is bad".to_owned()));
        }
        self.taken.lock().expect("nobody panics with it").extend(all);
        Ok(String::new())
    }
}

#[test]
fn one_that_is_refused_takes_nothing_with_it() {
    let scratch = Scratch::new("alert_picky");
    let shared = shared(&scratch);
    let notices: Vec<_> = (0..8).map(|spread| notice("one", spread, Severity::Page)).collect();
    let all: Vec<_> = notices.iter().map(|row| row.alert.fingerprint.clone()).collect();
    let taken = Arc::new(Mutex::new(Vec::new()));
    let picky = Picky { bad: all[5].clone(), taken: Arc::clone(&taken) };
    shared.outbox().accept(notices, Vec::new(), now_ns());
    Worker::new("one", Box::new(picky), PACE).start(&shared);
    wait_for("one is given up and the rest is told", || {
        let outbox = shared.outbox();
        let sink = &outbox.state().sinks["one"];
        (sink.dead, sink.delivered, outbox.state().waiting.len()) == (1, 7, 0)
    });
    let mut expected = all;
    let bad = expected.remove(5);
    assert_eq!(*taken.lock().expect("nobody panics with it"), expected, "in order");
    assert_eq!(shared.outbox().state().dead[0].notice.alert.fingerprint, bad);
    shared.end();
}

#[test]
fn a_heartbeat_comes_while_the_alert_thread_comes_round_and_is_not_kept() {
    let scratch = Scratch::new("alert_beat");
    let shared = shared(&scratch);
    let receiver = Receiver::new(Some(("500 X", String::new())));
    let pace = Pace { heartbeat_ns: S / 20, ..PACE };
    // The second one is not for this sink.
    let mut told = alert(Rule::DeskHalt, Severity::Page, "a");
    told.told.insert("one".to_owned(), 1);
    shared.is_alive(vec![told, alert(Rule::DeskHalt, Severity::Page, "b")]);
    Worker::new("one", webhook(&scratch, "url", &receiver), pace).start(&shared);
    let beats = |requests: &[Request]| {
        requests.iter().filter(|request| request.json()["kind"] == "heartbeat").count()
    };
    let requests = receiver.wait_until(|requests| beats(requests) >= 2);
    assert_eq!(requests[0].json()["firing"], 1);
    let state = shared.outbox().state().clone();
    assert!(state.waiting.is_empty() && state.sinks["one"].failing_since_ns.is_some());
    receiver.answer(ok(""));
    wait_for("it is well", || shared.outbox().state().sinks["one"].failing_since_ns.is_none());
    // The alert thread comes round no more: after five seconds the silence tells.
    wait_for("it falls silent", || {
        let before = receiver.requests().len();
        std::thread::sleep(Duration::from_secs(1));
        receiver.requests().len() == before
    });
    shared.end();
    wait_for("it ends", || shared.workers() == 0);
}

#[test]
fn what_waits_goes_out_after_a_restart_under_the_same_identities() {
    let scratch = Scratch::new("alert_restart");
    let all: BTreeSet<String> = (0..10).map(|seq| format!("e1-{seq}")).collect();
    {
        let shared = shared(&scratch);
        for seq in 0..10 {
            shared.outbox().accept(vec![notice("one", seq, Severity::Page)], Vec::new(), 1);
        }
    }
    let receiver = Receiver::new(ok(""));
    let outbox = Outbox::open(&scratch.path("alerts"), 1_000, "e2").expect("it is there");
    let shared = Arc::new(Shared::new(outbox, Origin::default()));
    Worker::new("one", webhook(&scratch, "url", &receiver), PACE).start(&shared);
    let requests = receiver.wait_until(|requests| ids(requests).len() >= 10);
    assert_eq!(ids(&requests).into_iter().collect::<BTreeSet<_>>(), all);
    wait_for("it is noted", || shared.outbox().state().waiting.is_empty());
    shared.end();
    // And not again.
    let outbox = Outbox::open(&scratch.path("alerts"), 1_000, "e3").expect("it is there");
    assert!(outbox.state().waiting.is_empty());
}
