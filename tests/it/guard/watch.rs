//! Verdicts, from what is seen and when.

use crate::config::{base, load};
use cross_market_connect::config::Guard;
use cross_market_connect::counters::EngineState;
use cross_market_connect::guard::watch::{Beat, BeatKind, Doing, Signs, Verdict, Watch};
use std::time::Duration;
use xmc_hotpath::time::UnixNs;

const MS: Duration = Duration::from_millis(1);
const LOOK: u32 = 10;

fn limits() -> Guard {
    load(&(base() + "\n[guard]\n")).ok().and_then(|config| config.guard).expect("it may be empty")
}

/// A healthy engine in the middle of its run.
fn healthy() -> Signs {
    let beat = |name: &str, kind| Beat {
        name: name.to_owned(),
        kind,
        age: Some(MS),
        thread: None,
        doing: Doing::Unknown,
    };
    Signs {
        engine: EngineState::Running,
        is_ending: false,
        sent: 100,
        live_orders: 2,
        beats: vec![
            beat("core 1", BeatKind::Desk),
            beat("core 2", BeatKind::Core),
            beat("journal", BeatKind::Writer),
            beat("main", BeatKind::Main),
        ],
    }
}

fn late(place: usize, age: Duration) -> Signs {
    let mut signs = healthy();
    signs.beats[place].age = Some(age);
    signs
}

/// What is judged after so many looks at the same signs, ten milliseconds apart.
fn after(watch: &mut Watch, signs: &Signs, from_ms: u32, looks: u32) -> Verdict {
    let judge = |look: u32| watch.judge(signs, (from_ms + look * LOOK) * MS);
    (0..looks).map(judge).last().expect("at least one look")
}

#[test]
fn each_heartbeat_has_its_own_limit_and_three_looks_to_be_late_at() {
    let limits = limits();
    let rows = [limits.desk, limits.core, limits.writer, limits.main];
    for (place, limit) in rows.into_iter().enumerate() {
        let mut watch = Watch::new(&limits);
        assert_eq!(after(&mut watch, &healthy(), 0, 5), Verdict::Healthy);
        let at_limit = late(place, limit - MS);
        assert_eq!(after(&mut watch, &at_limit, 50, 5), Verdict::Healthy, "{place}");
        let over = late(place, limit + 7 * MS);
        for look in 0..2 {
            let verdict = watch.judge(&over, (100 + look * LOOK) * MS);
            assert!(matches!(verdict, Verdict::Late { .. }), "{place}: {verdict:?}");
        }
        let verdict = watch.judge(&over, 120 * MS);
        let who = over.beats[place].name.clone();
        let age_ms = u64::try_from((limit + 7 * MS).as_millis()).unwrap();
        assert_eq!(verdict, Verdict::Wedged { who, age_ms });
        assert!(verdict.is_failure());
    }
}

#[test]
fn one_beat_in_between_begins_the_count_anew() {
    let limits = limits();
    let mut watch = Watch::new(&limits);
    let over = late(1, limits.core + MS);
    for round in 0..20 {
        let from = round * 30;
        let verdict = after(&mut watch, &over, from, 2);
        assert!(matches!(verdict, Verdict::Late { .. }), "{verdict:?}");
        assert_eq!(watch.judge(&healthy(), (from + 20) * MS), Verdict::Healthy);
    }
}

/// The host was paused: engine and guard alike. The engine has as long to beat again as it always
/// has.
#[test]
fn a_guard_that_was_held_up_itself_waits_before_it_says_anything() {
    let limits = limits();
    let mut watch = Watch::new(&limits);
    assert_eq!(after(&mut watch, &healthy(), 0, 5), Verdict::Healthy);
    let paused = 10_000;
    let over = late(0, 9_990 * MS);
    let patience = u32::try_from(limits.desk.as_millis()).unwrap() / LOOK;
    let verdict = after(&mut watch, &over, paused, patience);
    assert!(matches!(verdict, Verdict::Late { .. }), "{verdict:?}");
    // And then it is wedged all the same.
    let verdict = after(&mut watch, &over, paused + patience * LOOK, 3);
    assert!(matches!(verdict, Verdict::Wedged { .. }), "{verdict:?}");
}

/// A guard whose every look comes late says what hangs all the same, and what beats is healthy.
#[test]
fn a_guard_that_is_held_up_again_and_again_does_not_wait_for_ever() {
    let limits = limits();
    let gap = limits.core.min(limits.desk) * 3 / 5;
    let looks = |signs: &Signs| -> Vec<_> {
        let mut watch = Watch::new(&limits);
        (0..200).map(|look| watch.judge(signs, look * gap)).collect()
    };
    let verdicts = looks(&healthy());
    assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Healthy), "{verdicts:?}");
    let verdicts = looks(&late(0, limits.desk + 60_000 * MS));
    assert!(!verdicts[1].is_failure(), "it may be the host: {verdicts:?}");
    let found = verdicts.iter().position(Verdict::is_failure).expect("it hangs");
    let patience = limits.patience(limits.core.min(limits.desk));
    assert!(u32::try_from(found).unwrap() * gap <= patience + 5 * gap, "{found}");
}

#[test]
fn a_stopped_process_is_wedged_by_its_heartbeats_and_not_at_once() {
    let limits = limits();
    let mut watch = Watch::new(&limits);
    let stopped = Signs { engine: EngineState::Stopped, ..healthy() };
    assert_eq!(after(&mut watch, &stopped, 0, 5), Verdict::Healthy);
    let silent = Signs { engine: EngineState::Stopped, ..late(0, limits.desk + MS) };
    assert!(after(&mut watch, &silent, 50, 3).is_failure());
}

/// Between its last look at the end of the run and the end itself a process may have said that it
/// ends, so it is looked at twice.
#[test]
fn a_process_that_is_gone_has_ended_in_order_if_it_said_so() {
    let limits = limits();
    let gone = Signs { engine: EngineState::Gone, ..healthy() };
    let mut watch = Watch::new(&limits);
    let first = watch.judge(&gone, MS);
    assert!(!first.is_failure(), "{first:?}");
    let ended = Signs { engine: EngineState::Ended(UnixNs(5)), live_orders: 1, ..healthy() };
    assert_eq!(watch.judge(&ended, 11 * MS), Verdict::Ended { live_orders: 1 });
    let mut watch = Watch::new(&limits);
    assert_eq!(after(&mut watch, &gone, 0, 2), Verdict::Gone);
    // One that has sent nothing has failed to start: nothing of it is at a venue.
    let mut watch = Watch::new(&limits);
    let early = Signs { sent: 0, live_orders: 0, ..gone };
    assert_eq!(after(&mut watch, &early, 0, 5), Verdict::NotStarted);
    // Unless an earlier run has left it orders that live.
    let mut watch = Watch::new(&limits);
    let heir = Signs { live_orders: 1, ..early };
    assert_eq!(after(&mut watch, &heir, 0, 5), Verdict::Gone);
}

#[test]
fn an_orderly_end_may_take_its_time_and_no_longer() {
    let limits = limits();
    let mut watch = Watch::new(&limits);
    // Cores have stopped, the journal is being finished.
    let ending = Signs { is_ending: true, ..late(0, 20_000 * MS) };
    assert_eq!(after(&mut watch, &ending, 0, 5), Verdict::Ending);
    let until = u32::try_from(limits.ending.as_millis()).unwrap();
    assert_eq!(watch.judge(&ending, until * MS), Verdict::Ending);
    let verdict = watch.judge(&ending, (until + LOOK) * MS);
    assert!(matches!(verdict, Verdict::Wedged { .. }), "{verdict:?}");
}

/// However old it is by a clock that was set: what counts is how long it was looked at.
#[test]
fn a_run_that_begins_has_its_own_time_until_everything_beats() {
    let limits = limits();
    let mut watch = Watch::new(&limits);
    let mut signs = healthy();
    signs.beats[1].age = None;
    let looks = u32::try_from(limits.start.as_millis()).unwrap() / LOOK;
    assert_eq!(after(&mut watch, &signs, 0, looks + 1), Verdict::Starting);
    // Late at one look, and at two; and at the third.
    let late = looks + 1;
    assert_eq!(after(&mut watch, &signs, late * LOOK, 2), Verdict::Starting);
    let verdict = watch.judge(&signs, (late + 2) * LOOK * MS);
    assert!(matches!(&verdict, Verdict::Wedged { who, .. } if who == "core 2"), "{verdict:?}");
}

/// A thread that could run and is not run by the host is late for a reason that kills nobody.
#[test]
fn a_starved_thread_has_a_longer_patience_and_an_end_of_it() {
    let limits = limits();
    let starved = |age| {
        let mut signs = late(1, age);
        signs.beats[1].doing = Doing::Queued;
        signs
    };
    let mut watch = Watch::new(&limits);
    let over = starved(limits.core + MS);
    let verdict = after(&mut watch, &over, 0, 2);
    assert!(matches!(verdict, Verdict::Late { .. }), "{verdict:?}");
    let verdict = after(&mut watch, &over, 20, 50);
    assert!(matches!(&verdict, Verdict::Starved { who, .. } if who == "core 2"), "{verdict:?}");
    assert!(!verdict.is_failure());
    let most = limits.patience(limits.core);
    assert_eq!(most, 3 * limits.core, "three times, by default");
    assert!(!after(&mut watch, &starved(most), 520, 3).is_failure());
    assert!(after(&mut watch, &starved(most + MS), 550, 3).is_failure());
    // It never lasts longer than the absolute end, nor less than without it.
    let short = Guard { starved_most: limits.core / 2, ..limits.clone() };
    assert_eq!(short.patience(limits.core), limits.core);
    // One that begins to hang meanwhile is taken for what it is, at once.
    for doing in [Doing::Blocked, Doing::Running, Doing::Unknown] {
        let mut watch = Watch::new(&limits);
        assert!(!after(&mut watch, &over, 0, 20).is_failure());
        let mut hangs = over.clone();
        hangs.beats[1].doing = doing;
        assert!(after(&mut watch, &hangs, 200, 3).is_failure(), "{doing:?}");
    }
}

/// Whatever else is starved: what hangs is named, and counts.
#[test]
fn one_that_hangs_beside_one_that_is_starved_is_a_failure() {
    let limits = limits();
    let mut signs = late(1, 2 * limits.core);
    signs.beats[1].doing = Doing::Queued;
    signs.beats[0].age = Some(limits.desk + MS);
    signs.beats[0].doing = Doing::Blocked;
    let verdict = after(&mut Watch::new(&limits), &signs, 0, 3);
    assert!(matches!(&verdict, Verdict::Wedged { who, .. } if who == "core 1"), "{verdict:?}");
}
