//! What the guard keeps on the disk: its case, its log, announced maintenance.

use crate::journal::scratch::Scratch;
use cross_market_connect::guard::beat::GuardBeat;
use cross_market_connect::guard::log::{Log, NAME};
use cross_market_connect::guard::state::{Case, GatewayCase, Outcome, Phase, Process, State};
use cross_market_connect::guard::window::{MOST_S, Window};
use serde_json::json;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

const S: u64 = 1_000_000_000;

fn case(outcome: Outcome) -> Case {
    let process = Process { site: 1, desk: 1, run: 3, pid: 9, began: 8, boot: 7 };
    Case {
        process,
        why: "wedged".to_owned(),
        found_ns: 5,
        phase: Phase::Done,
        troubles: Vec::new(),
        gateways: vec![GatewayCase { name: "cme".to_owned(), outcome }],
        untold: vec!["desk_chat".to_owned()],
        is_lifted: false,
    }
}

#[test]
fn a_case_is_read_as_it_was_written_and_no_other_file_is_one() {
    let scratch = Scratch::new("guard_state");
    let directory = scratch.path("guard");
    fs::create_dir(&directory).expect("it is ours");
    assert_eq!(State::read(&directory).expect("none is nothing"), State::default());
    let done = case(Outcome::Cancelled { orders: 2, by: "XG1".to_owned(), after_ms: 40 });
    let watched = Some(done.process);
    let state = State { watched, case: Some(done), excused: watched };
    state.write(&directory).expect("there is room");
    assert_eq!(State::read(&directory).expect("it reads"), state);
    fs::write(directory.join("guard.json"), "{}x").expect("it is ours");
    let error = State::read(&directory).expect_err("it is damaged").to_string();
    assert!(error.contains("venues") && error.contains("remove it"), "{error}");
}

#[test]
fn a_case_is_confirmed_by_every_venue_or_not() {
    let confirmed = Outcome::Cancelled { orders: 0, by: String::new(), after_ms: 1 };
    assert!(case(confirmed.clone()).is_confirmed());
    assert!(!case(Outcome::Waiting).is_confirmed());
    assert!(!case(Outcome::Failed { why: String::new() }).is_confirmed());
    assert!(!Case { phase: Phase::Killed, ..case(confirmed) }.is_confirmed());
}

#[test]
fn a_damaged_line_of_the_log_is_counted_and_the_others_are_read() {
    let scratch = Scratch::new("guard_log");
    let directory = scratch.path("guard");
    fs::create_dir(&directory).expect("it is ours");
    let log = Log::new(&directory);
    for run in 1..=3 {
        log.write(run, "verdict", json!({ "text": "healthy" })).expect("there is room");
    }
    let path = directory.join(NAME);
    let text = fs::read_to_string(&path).expect("it is there");
    fs::write(&path, text.replacen("\"run\":2", "\"run\":7", 1)).expect("it is ours");
    let (lines, damaged) = log.read().expect("it reads");
    assert_eq!(lines.iter().map(|line| line.run).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(damaged, 1);
}

#[test]
fn announced_maintenance_ends_by_itself_and_is_its_owners_alone() {
    let scratch = Scratch::new("guard_window");
    let directory = scratch.path("guard");
    let window = Window {
        from_ns: 10 * S,
        until_ns: 20 * S,
        by: "alice".to_owned(),
        reason: "a new build".to_owned(),
    };
    window.announce(&directory).expect("there is room");
    for (at_s, holds) in [(9, false), (10, true), (19, true), (20, false)] {
        assert_eq!(Window::of(&directory, at_s * S).is_some(), holds, "at {at_s} s");
    }
    let path = directory.join("maintenance.json");
    fs::set_permissions(&path, Permissions::from_mode(0o620)).expect("it is ours");
    assert_eq!(Window::of(&directory, 15 * S), None, "others could have written it");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is ours");
    assert_eq!(Window::of(&directory, 15 * S), Some(window.clone()));
    let endless = Window { until_ns: (11 + MOST_S) * S, ..window };
    endless.announce(&directory).expect("there is room");
    assert_eq!(Window::of(&directory, 15 * S), None, "no maintenance is so long");
    Window::end(&directory).expect("it is there");
    Window::end(&directory).expect("none is no error");
}

#[test]
fn a_sign_of_life_says_how_old_it_is() {
    let scratch = Scratch::new("guard_beat");
    let directory = scratch.path("guard");
    fs::create_dir(&directory).expect("it is ours");
    assert_eq!(GuardBeat::read(&directory), None);
    let beat = GuardBeat { pid: 5, at_ns: 7 * S, run: Some(2), verdict: "healthy".to_owned() };
    beat.write(&directory).expect("there is room");
    let read = GuardBeat::read(&directory).expect("it reads");
    assert_eq!((read.age(9 * S), &read), (Duration::from_secs(2), &beat));
}
