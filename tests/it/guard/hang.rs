//! A disk that hangs, a process that may not be killed: what is done all the same.

use super::rig::{Engine, PATIENCE, Victim, config};
use crate::journal::scratch::Scratch;
use cross_market_connect::engine::lease::Fence;
use cross_market_connect::guard::act::{self, Actor, Kill};
use cross_market_connect::guard::disk::{BOUND, Disk, Disks};
use cross_market_connect::guard::kill::{KillError, Killed, kill};
use cross_market_connect::guard::log::Log;
use cross_market_connect::guard::state::{Phase, ProcessEnd, State};
use cross_market_connect::guard::watcher::{Manner, Watcher};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// What is promised from a fault to the end of the engine.
const PROMISED: Duration = Duration::from_secs(2);

#[test]
fn a_disk_that_hangs_is_waited_for_no_longer_than_stated() {
    let disk = Disk::start("test").expect("there are threads");
    let (free, held) = std::sync::mpsc::channel::<()>();
    disk.hand(move || held.recv());
    assert!(disk.is_busy());
    let since = Instant::now();
    assert_eq!(disk.ask(|| 1), None);
    assert!(since.elapsed() < BOUND, "what comes behind a job that hangs is not waited for");
    let later = disk.hand(|| 2);
    assert_eq!(later.until(Instant::now() + BOUND), None);
    drop(free);
    assert_eq!(later.until(Instant::now() + PATIENCE), Some(2), "it is done in its turn");
    // More than has room is dropped, and nobody waits for it.
    let (free, held) = std::sync::mpsc::channel::<()>();
    disk.hand(move || held.recv());
    let many: Vec<_> = (0..5_000).map(|_| disk.hand(|| 3)).collect();
    let last = many.last().expect("many");
    let since = Instant::now();
    assert_eq!(last.until(Instant::now() + PATIENCE), None);
    assert!(since.elapsed() < PATIENCE, "it was dropped");
    drop(free);
}

/// Files whose opening hangs: pipes that nobody reads.
fn hang(paths: &[std::path::PathBuf]) {
    for path in paths {
        let made = Command::new("mkfifo").arg(path).status().expect("mkfifo runs");
        assert!(made.success(), "{}", path.display());
    }
}

#[test]
fn an_engine_is_killed_in_time_although_every_file_of_the_guard_hangs() {
    let scratch = Scratch::new("guard_hangs");
    let mut victim = Victim::new();
    let engine = Engine::new(&scratch, &victim, 1);
    let config = config("");
    let (guard, leases) = (&engine.places.guard, &engine.places.leases);
    let fence = Fence::path(leases, engine.places.identity).with_extension("fence.unfinished");
    hang(&[
        guard.join("guard.log"),
        guard.join("guard.json.unfinished"),
        guard.join("beat.unfinished"),
        fence,
    ]);
    let secrets = |_, _: Option<&_>| Err("there are none".to_owned());
    let manner = Manner::default();
    let opened = Watcher::open(engine.places.clone(), &config, &secrets, manner);
    let mut watcher = opened.expect("there is one");
    let (is_over, mut found) = (AtomicBool::new(false), None);
    let (is_watched, killed) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_watched.load(Ordering::Relaxed) {
                engine.beat_for(Duration::from_millis(20));
            }
            engine.beat_for(Duration::from_millis(300));
            let took = victim.wait();
            is_over.store(true, Ordering::Relaxed);
            killed.store(true, Ordering::Relaxed);
            assert!(took <= PROMISED, "from the last heartbeat to the end: {took:?}");
        });
        watcher.run(&is_over, &mut |news| match news.event {
            "verdict" => is_watched.store(true, Ordering::Relaxed),
            "found" => found = Some(news.text.clone()),
            _ => {}
        });
    });
    assert!(killed.load(Ordering::Relaxed));
    assert!(found.is_some_and(|text| text.contains("wedged: core 1")), "it hangs, not the guard");
}

/// A case, acted on with a way to kill, and disks that are busy for a while.
fn act(engine: &Engine, state: &mut State, kill: &Kill<'_>, busy: Duration) -> (bool, Duration) {
    let config = config("");
    let disks = Disks::start(&engine.places, false).expect("there are threads");
    if !busy.is_zero() {
        disks.files.hand(move || std::thread::sleep(busy));
        disks.fence.hand(move || std::thread::sleep(busy));
    }
    let killed_after = AtomicU32::new(u32::MAX);
    let since = Instant::now();
    let timed = |run: &_, patience| {
        let ms = u32::try_from(since.elapsed().as_millis()).unwrap_or(u32::MAX);
        killed_after.fetch_min(ms, Ordering::Relaxed);
        kill(run, patience)
    };
    let secrets = |_, _: Option<&_>| Err("there are none".to_owned());
    let actor = Actor {
        places: &engine.places,
        config: &config,
        guard: config.guard.as_ref().expect("it has one"),
        secrets: &secrets,
        disks: &disks,
        kill: &timed,
        is_over: &AtomicBool::new(false),
    };
    let is_confirmed = actor.run(state);
    // Until all of it is on the disk.
    disks.files.hand(|| ()).until(Instant::now() + PATIENCE).expect("it ends");
    let after = killed_after.load(Ordering::Relaxed);
    (is_confirmed, Duration::from_millis(after.into()))
}

fn found(engine: &Engine) -> State {
    let case = act::case(&config(""), engine.process, "a test".to_owned());
    State { watched: Some(engine.process), case: Some(case), excused: None }
}

#[test]
fn what_was_not_on_the_disk_at_the_kill_is_said_and_comes_later() {
    let scratch = Scratch::new("guard_late_disk");
    let mut victim = Victim::new();
    let engine = Engine::new(&scratch, &victim, 1);
    let mut state = found(&engine);
    let (is_confirmed, after) = act(&engine, &mut state, &kill, Duration::from_secs(1));
    assert!(is_confirmed && !victim.lives());
    assert!(after < Duration::from_millis(500), "it was not waited for: {after:?}");
    let kept = State::read(&engine.places.guard).expect("it reads");
    let case = kept.case.expect("it is kept");
    assert_eq!(case.unwritten, ["the fence", "the case"]);
    assert!(case.is_fenced && case.troubles.is_empty(), "it came later: {case:?}");
    let fence = Fence::of(&engine.places.leases, engine.places.identity).expect("it reads");
    assert_eq!(fence.map(|fence| fence.run), Some(1));
    let (lines, _) = Log::new(&engine.places.guard).read().expect("it reads");
    let line = lines.iter().find(|line| line.event == "fenced").expect("it is said");
    assert_eq!(line.what["unwritten"][0], "the fence");
}

#[test]
fn a_process_that_may_not_be_killed_is_no_case_that_is_done() {
    let scratch = Scratch::new("guard_not_permitted");
    let mut victim = Victim::new();
    let engine = Engine::new(&scratch, &victim, 1);
    let mut state = found(&engine);
    let refused = |run: &cross_market_connect::counters::Run, _| -> Result<Killed, _> {
        Err(KillError::Permission(run.pid))
    };
    let (is_confirmed, _) = act(&engine, &mut state, &refused, Duration::ZERO);
    assert!(!is_confirmed && victim.lives());
    let case = state.case.as_ref().expect("it is kept");
    assert!(matches!(&case.end, ProcessEnd::Failed { why } if why.contains("engine's user")));
    assert_eq!((case.phase, case.told.as_str()), (Phase::Done, "XMC-A172"));
    let (lines, _) = Log::new(&engine.places.guard).read().expect("it reads");
    assert!(lines.iter().any(|line| line.event == "failed"), "{lines:?}");
    // The next attempt may.
    if let Some(case) = &mut state.case {
        case.phase = Phase::Killed;
    }
    let (is_confirmed, _) = act(&engine, &mut state, &kill, Duration::ZERO);
    assert!(is_confirmed && !victim.lives());
    let case = state.case.expect("it is kept");
    assert_eq!((case.end, case.told.as_str()), (ProcessEnd::Gone, "XMC-A107"));
}
