//! What the kernel says of threads, of processes that really do it.

use super::rig::{PATIENCE, Victim, config};
use cross_market_connect::counters::EngineState;
use cross_market_connect::guard::activity::Activity;
use cross_market_connect::guard::watch::{Beat, BeatKind, Doing, Signs};
use std::process::Command;
use std::time::{Duration, Instant};

/// What the main thread of a process does, when its heartbeat is of such an age.
fn doing(activity: &mut Activity, victim: &Victim, age: Duration) -> Doing {
    let guard = config("").guard.expect("it has one");
    let mut signs = Signs {
        engine: EngineState::Running,
        is_ending: false,
        sent: 1,
        live_orders: 0,
        beats: vec![Beat {
            name: "core 1".to_owned(),
            kind: BeatKind::Core,
            age: Some(age),
            thread: Some(victim.0.id().into()),
            doing: Doing::Unknown,
        }],
    };
    activity.observe(victim.0.id(), &mut signs, &guard);
    signs.beats[0].doing
}

const LATE: Duration = Duration::from_millis(600);

/// Looks until it is seen to do that.
fn is_seen(victim: &Victim, wanted: Doing) {
    let (mut activity, since) = (Activity::default(), Instant::now());
    while doing(&mut activity, victim, LATE) != wanted {
        assert!(since.elapsed() < PATIENCE, "it does not come to {wanted:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

const LOOP: &str = "while :; do :; done";

#[test]
fn a_thread_that_sleeps_or_is_held_still_is_blocked() {
    let victim = Victim::new();
    is_seen(&victim, Doing::Blocked);
    let looping = Victim::of("sh", &["-c", LOOP]);
    let pid = looping.0.id().to_string();
    assert!(Command::new("kill").args(["-STOP", &pid]).status().expect("it runs").success());
    is_seen(&looping, Doing::Blocked);
}

#[test]
fn a_thread_that_loops_runs() {
    is_seen(&Victim::of("sh", &["-c", LOOP]), Doing::Running);
}

/// With a core that others keep, it is on the queue and gets next to nothing of it. A heartbeat
/// that is young again forgets what was.
#[test]
fn a_thread_that_the_host_does_not_run_is_queued() {
    let on_one = |class: &[&str]| {
        let words = [&["-c", "0"][..], class, &["sh", "-c", LOOP]].concat();
        Victim::of("taskset", &words)
    };
    let _others = [on_one(&[]), on_one(&[]), on_one(&[])];
    let starved = on_one(&["chrt", "--idle", "0"]);
    let since = Instant::now();
    loop {
        // Until both programs before the loop have come to it.
        let mut activity = Activity::default();
        let seen: Vec<_> = (0..25)
            .map(|_| {
                std::thread::sleep(Duration::from_millis(10));
                doing(&mut activity, &starved, LATE)
            })
            .collect();
        if seen.iter().all(|seen| *seen == Doing::Queued) {
            assert_eq!(doing(&mut activity, &starved, Duration::ZERO), Doing::Unknown);
            break;
        }
        assert!(since.elapsed() < PATIENCE, "{seen:?}");
    }
}
