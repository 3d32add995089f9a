//! The guard's loop, on counters of engines that are none.

use super::rig::{Engine, PATIENCE, Victim, config};
use crate::journal::scratch::Scratch;
use cross_market_connect::config::Configuration;
use cross_market_connect::engine::lease::Fence;
use cross_market_connect::guard::act;
use cross_market_connect::guard::state::{GatewayCase, Outcome, Phase, State};
use cross_market_connect::guard::watcher::{Conclusion, Manner, News, Watcher};
use cross_market_connect::guard::window::{Announced, Window};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Everything that is said until `is_enough`, or patience ends.
fn news(
    engine: &Engine,
    config: &Configuration,
    manner: Manner,
    is_enough: impl Fn(&[News]) -> bool,
) -> (Vec<News>, Conclusion) {
    let secrets = |_, _: Option<&_>| Err("there are none".to_owned());
    let opened = Watcher::open(engine.places.clone(), config, &secrets, manner);
    let mut watcher = opened.expect("it can watch");
    let (is_over, mut said) = (AtomicBool::new(false), Vec::new());
    let has_ended = AtomicBool::new(false);
    let conclusion = std::thread::scope(|scope| {
        scope.spawn(|| {
            let since = Instant::now();
            while since.elapsed() < PATIENCE && !has_ended.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
            is_over.store(true, Ordering::Relaxed);
        });
        let conclusion = watcher.run(&is_over, &mut |news| {
            said.push(news.clone());
            if is_enough(&said) {
                is_over.store(true, Ordering::Relaxed);
            }
        });
        has_ended.store(true, Ordering::Relaxed);
        conclusion
    });
    (said, conclusion)
}

fn has(event: &str) -> impl Fn(&[News]) -> bool {
    move |said| said.iter().any(|news| news.event == event)
}

fn is_fenced(engine: &Engine) -> bool {
    Fence::path(&engine.places.leases, engine.places.identity).exists()
}

/// A dead engine that a guard had seen alive, and the last run of its desk.
fn dead(scratch: &Scratch, number: u16, epoch: u16) -> Engine {
    let mut victim = Victim::new();
    let engine = Engine::new(scratch, &victim, number);
    let state = State { watched: Some(engine.process), case: None, excused: None };
    state.write(&engine.places.guard).expect("there is room");
    let name = format!("site_{}_desk_{}.lease", engine.process.site, engine.process.desk);
    let lease = format!("{{\"epoch\":{epoch},\"process\":1,\"record\":\"/elsewhere\"}}");
    fs::write(engine.places.leases.join(name), lease).expect("it is ours");
    victim.0.kill().expect("it is ours");
    victim.wait();
    engine
}

#[test]
fn a_dead_run_fences_its_desk_unless_that_trades_with_another_record() {
    for (epoch, event, stands) in [(4, "fenced", true), (5, "passed", false)] {
        let scratch = Scratch::new("guard_other_record");
        let engine = dead(&scratch, 4, epoch);
        let (said, _) = news(&engine, &config(""), Manner::default(), has(event));
        assert_eq!(is_fenced(&engine), stands, "{said:?}");
        assert!(has(event)(&said), "{said:?}");
    }
}

/// What was announced is the stop of one run, and not what happens to the next.
#[test]
fn announced_maintenance_excuses_the_run_that_it_was_announced_in_and_no_later_one() {
    for (run, event, stands) in [(4, "maintenance", false), (3, "fenced", true)] {
        let scratch = Scratch::new("guard_announced");
        let engine = dead(&scratch, 4, 4);
        let from_ns = cross_market_connect::alert::message::now_ns();
        let until_ns = from_ns + 600_000_000_000;
        let [by, reason] = ["alice", "a new build"].map(str::to_owned);
        let window = Window { run, from_ns, until_ns, by, reason };
        let most = Duration::from_secs(3_600);
        Announced::announce(&engine.places.guard, window, most).expect("there is room");
        let (said, _) = news(&engine, &config(""), Manner::default(), has(event));
        assert_eq!(is_fenced(&engine), stands, "{said:?}");
        assert!(has(event)(&said), "{said:?}");
    }
}

#[test]
fn what_was_not_confirmed_is_tried_again_by_the_same_guard() {
    let scratch = Scratch::new("guard_again");
    let engine = dead(&scratch, 4, 4);
    let config = config("again_s = 1");
    let mut case = act::case(&config, engine.process, "a test".to_owned());
    case.phase = Phase::Killed;
    let (name, outcome) = ("gone".to_owned(), Outcome::Waiting);
    case.gateways.push(GatewayCase { name, outcome });
    let state = State { watched: Some(engine.process), case: Some(case), excused: None };
    state.write(&engine.places.guard).expect("there is room");
    let tried = |said: &[News]| said.iter().filter(|news| news.event == "resumed").count();
    let (said, conclusion) = news(&engine, &config, Manner::default(), |said| tried(said) == 3);
    assert_eq!(tried(&said), 3, "{said:?}");
    assert_eq!(conclusion, Conclusion::Acted { is_confirmed: false });
    assert!(is_fenced(&engine));
}

/// It neither keeps another guard out nor makes anybody believe that one watches.
#[test]
fn a_dry_run_looks_and_leaves_no_trace() {
    let scratch = Scratch::new("guard_dry");
    let engine = dead(&scratch, 4, 4);
    let config = config("");
    let secrets = |_, _: Option<&_>| Err("there are none".to_owned());
    let files = || {
        let entries = fs::read_dir(&engine.places.guard).expect("it is there");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("it reads").file_name()).collect();
        names.sort();
        names
    };
    let before = files();
    let dry = Manner { is_dry: true, until_acted: false };
    let (said, conclusion) = news(&engine, &config, dry, has("seen"));
    assert!(said.iter().any(|news| news.text.contains("gone")), "{said:?}");
    assert_eq!(conclusion, Conclusion::Quiet);
    assert_eq!(files(), before);
    assert!(!is_fenced(&engine));
    let manner = Manner::default();
    let _real = Watcher::open(engine.places.clone(), &config, &secrets, manner).expect("the one");
    let (said, _) = news(&engine, &config, dry, has("seen"));
    assert!(has("seen")(&said), "beside another: {said:?}");
}
