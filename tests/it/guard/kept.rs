//! What the guard keeps on the disk: its case, its log, announced maintenance.

use crate::journal::scratch::Scratch;
use cross_market_connect::guard::beat::GuardBeat;
use cross_market_connect::guard::log::{Log, NAME};
use cross_market_connect::guard::state::{
    Case, GatewayCase, Outcome, Phase, Process, ProcessEnd, State,
};
use cross_market_connect::guard::window::{Announced, MOST_S, Window, WindowError};
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
        end: ProcessEnd::Gone,
        is_fenced: true,
        unwritten: vec!["the fence".to_owned()],
        troubles: Vec::new(),
        gateways: vec![GatewayCase { name: "cme".to_owned(), outcome }],
        told: "XMC-A107".to_owned(),
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
    assert!(!Case { phase: Phase::Killed, ..case(confirmed.clone()) }.is_confirmed());
    // A process that could not be killed may send again.
    let end = ProcessEnd::Failed { why: "not permitted".to_owned() };
    assert!(!Case { end, ..case(confirmed.clone()) }.is_confirmed());
    assert!(Case { end: ProcessEnd::Lingers, ..case(confirmed) }.is_confirmed());
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

/// Of run 3, for so many seconds.
fn window(from_s: u64, seconds: u64) -> Window {
    Window {
        run: 3,
        from_ns: from_s * S,
        until_ns: (from_s + seconds) * S,
        by: "alice".to_owned(),
        reason: "a new build".to_owned(),
    }
}

const HOURS: Duration = Duration::from_secs(4 * 3_600);

#[test]
fn announced_maintenance_ends_by_itself_and_is_its_owners_alone() {
    let scratch = Scratch::new("guard_window");
    let directory = scratch.path("guard");
    let announced = window(10, 10);
    Announced::announce(&directory, announced.clone(), HOURS).expect("there is room");
    let at = |second: u64| Announced::read(&directory).at(second * S, HOURS).cloned();
    for (at_s, holds) in [(9, false), (10, true), (19, true), (20, false)] {
        assert_eq!(at(at_s).is_some(), holds, "at {at_s} s");
    }
    let path = directory.join("maintenance.json");
    fs::set_permissions(&path, Permissions::from_mode(0o620)).expect("it is ours");
    assert_eq!(at(15), None, "others could have written it");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is ours");
    assert_eq!(at(15), Some(announced));
    Announced::end(&directory, 16 * S).expect("there is room");
    assert_eq!(at(17), None, "it was ended early");
    Announced::end(&directory, 16 * S).expect("none is no error");
    let endless = serde_json::json!({ "windows": [window(30, MOST_S + 1)] });
    fs::write(&path, endless.to_string()).expect("it is ours");
    assert_eq!(at(31), None, "no maintenance is so long");
}

#[test]
fn maintenance_is_announced_anew_only_when_the_last_has_ended() {
    let scratch = Scratch::new("guard_window_again");
    let directory = scratch.path("guard");
    let announce =
        |from_s, seconds| Announced::announce(&directory, window(from_s, seconds), HOURS);
    announce(10, 100).expect("the first");
    let error = announce(60, 100).expect_err("one holds");
    assert!(matches!(error, WindowError::Announced { run: 3, left_s: 50 }), "{error}");
    announce(110, 100).expect("it has ended");
    Announced::end(&directory, 120 * S).expect("there is room");
    announce(120, 100).expect("it was ended");
}

/// However many windows: together they are bounded, for whoever announces and for whoever reads.
#[test]
fn all_maintenance_of_a_day_is_bounded_together() {
    let scratch = Scratch::new("guard_window_day");
    let directory = scratch.path("guard");
    let most = Duration::from_secs(1_000);
    let announce = |from_s, seconds| Announced::announce(&directory, window(from_s, seconds), most);
    announce(0, 600).expect("the first");
    let error = announce(700, 500).expect_err("too much");
    let WindowError::TooMuch { wanted_s, total_s, most_s } = error else { panic!("{error}") };
    assert_eq!((wanted_s, total_s, most_s), (500, 1_100, 1_000));
    announce(700, 400).expect("just enough");
    let announced = Announced::read(&directory);
    assert!(announced.at(800 * S, most).is_some());
    assert!(announced.at(800 * S, most / 2).is_none(), "a guard with another bound");
    assert!(announce(2_000, 1).is_err());
    // What is a day old does not count any more.
    announce(86_400 + 600, 500).expect("it is the next day");
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
