//! `xmc guard` beside a running engine, as processes, on the sockets of simulated venues.

use super::run::{CREDENTIALS, Engine, SECRETS, booked, credentials, files, named, positions};
use super::{report_of, text_of};
use crate::journal::scratch::Scratch;
use cross_market_connect::config::{self, Configuration};
use cross_market_connect::counters::Attached;
use cross_market_connect::engine::lease::Fence;
use cross_market_connect::guard::Places;
use cross_market_connect::guard::act::case;
use cross_market_connect::guard::state::{Phase, Process, State};
use cross_market_connect::venue::simulated::Venues;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(90);
const NAP: Duration = Duration::from_millis(20);

/// The files of a guarded engine that alice and bob may command.
struct Stand {
    scratch: Scratch,
    venues: Venues,
    config: Configuration,
    file: PathBuf,
    record: PathBuf,
}

/// The sample with the sample of a guard.
fn guarded() -> Configuration {
    let text = std::fs::read_to_string("config/demo.toml").expect("the sample");
    let text = text.replace("\"demo_limits.toml\"]", "\"demo_limits.toml\", \"guard_demo.toml\"]");
    let config = config::load_text(Path::new("config/demo.toml"), &text);
    config.unwrap_or_else(|bad| panic!("{}", bad.render(false)))
}

impl Stand {
    fn new(name: &str, seed: u64) -> Self {
        Self::with_session(name, seed, true)
    }

    /// With a session of the guard's own, or without.
    fn with_session(name: &str, seed: u64, is_own: bool) -> Self {
        let scratch = Scratch::new(name);
        let mut config = guarded();
        let venues = Venues::open(&config, seed, None).expect("loopback has room");
        venues.address(&mut config);
        let file = files(&scratch, &Configuration { guard: None, ..config.clone() });
        let mut text = std::fs::read_to_string(&file).expect("it was written");
        // Other tests keep the disk and the cores busy.
        text = text.replace("desk_id = 1\n", "desk_id = 1\nrecord_late_ms = 20_000\n");
        let guard = std::fs::read_to_string("config/guard_demo.toml").expect("the sample");
        let section = guard.split("\n[[guard.session]]").next().expect("it comes first");
        let guard = if is_own { &guard } else { section };
        text.push_str(
            &guard
                .replace("hot_core_ms = 500", "hot_core_ms = 4_000")
                .replace("desk_ms = 500", "desk_ms = 4_000")
                .replace("writer_ms = 1_000", "writer_ms = 8_000")
                .replace("main_ms = 1_000", "main_ms = 8_000"),
        );
        text.push_str("\n[[alert.sink]]\nname = \"local\"\nkind = \"log\"\n\n[control]\n");
        for (name, id) in [("alice", 11), ("bob", 12)] {
            let key = scratch.path(&format!("{name}.key"));
            let made = report_of(&["control", "keygen", text_of(&key), "--name", name]);
            let public = made.1["public_key"].as_str().expect("a key").to_owned();
            text.push_str(&format!(
                "\n[[operator]]\nname = \"{name}\"\nid = {id}\nkey = \"{public}\"\n\
                 commands = [\"kill\", \"lift\", \"lift_unconfirmed\"]\nsecond = true\n"
            ));
        }
        std::fs::write(&file, text).expect("it is ours");
        let directory = file.parent().expect("it lies in one").join(CREDENTIALS);
        credentials(&directory, &SECRETS);
        let record = scratch.path("record");
        Self { scratch, venues, config, file, record }
    }

    fn engine(&self) -> Engine {
        Engine::start(&self.file, &self.record, &[])
    }

    /// A guard with more words.
    fn guard(&self, more: &[&str]) -> Guard {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
        command.args(["--json", "guard"]).args(more).arg(&self.file);
        command.arg("--record").arg(&self.record);
        let directory = self.file.parent().expect("it lies in one");
        command.env("CREDENTIALS_DIRECTORY", directory.join(CREDENTIALS));
        let command = command.stdout(Stdio::null()).stderr(Stdio::piped());
        Guard(command.spawn().expect("xmc runs"))
    }

    /// A subcommand of the guard, with its configuration and record.
    fn ask(&self, words: &[&str], more: &[&str]) -> (i32, Value) {
        let place = [text_of(&self.file), "--record", text_of(&self.record)];
        report_of(&[&["guard"], words, &place, more].concat())
    }

    fn status(&self) -> Value {
        self.ask(&["status"], &[]).1
    }

    /// Waits until the guard's status is such.
    fn wait(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let since = Instant::now();
        loop {
            let status = self.status();
            if is_so(&status) {
                return status;
            }
            assert!(since.elapsed() < PATIENCE, "{what}: {status}");
            std::thread::sleep(NAP);
        }
    }

    fn watches(&self, run: u64) {
        self.wait("it watches", |status| {
            status["beat"]["run"] == run && status["beat"]["verdict"] == "healthy"
        });
    }

    fn wait_for_fills(&self) {
        let (since, before) = (Instant::now(), booked(&self.venues).fills);
        while booked(&self.venues).fills < before + 6 {
            assert!(since.elapsed() < PATIENCE, "nothing is traded");
            std::thread::sleep(NAP);
        }
    }

    fn alerts(&self) -> String {
        std::fs::read_to_string(self.record.join("alerts/alerts.jsonl")).unwrap_or_default()
    }
}

struct Guard(Child);

impl Guard {
    fn wait(&mut self) -> Option<i32> {
        let since = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().expect("it is ours") {
                return status.code();
            }
            assert!(since.elapsed() < PATIENCE, "the guard does not end");
            std::thread::sleep(NAP);
        }
    }

    fn interrupt(&mut self) -> Option<i32> {
        signal(self.0.id(), "-INT");
        self.wait()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn signal(pid: u32, signal: &str) {
    let pid = pid.to_string();
    assert!(Command::new("kill").args([signal, &pid]).status().expect("kill runs").success());
}

#[test]
fn an_engine_that_is_held_still_is_ended_and_stays_out_until_two_people_lift_the_fence() {
    let stand = Stand::new("guard_held", 61);
    let mut engine = stand.engine();
    let mut guard = stand.guard(&[]);
    stand.watches(1);
    assert_eq!(stand.guard(&[]).wait(), Some(4), "one guard watches");
    stand.wait_for_fills();
    let (code, lifted) = stand.ask(&["lift"], &["--by", "carol", "--reason", "none", "--yes"]);
    assert_eq!(code, 2, "there is no fence: {lifted}");

    signal(engine.0.id(), "-STOP");
    let status = stand.wait("it acts", |status| status["case"]["phase"] == "done");
    let ended = engine.0.wait().expect("it is ours");
    assert!(!ended.success(), "{ended}");
    assert_eq!(booked(&stand.venues).live, 0, "{status}");
    assert_eq!(status["fence"]["run"], 1, "{status}");
    let case = &status["case"];
    assert!(case["why"].as_str().is_some_and(|why| why.contains("wedged")), "{case}");
    assert_eq!(case["troubles"].as_array().map(Vec::len), Some(0), "{case}");
    for gateway in case["gateways"].as_array().expect("a list") {
        assert_eq!(gateway["outcome"]["is"], "cancelled", "{gateway}");
    }
    let by = case["gateways"][1]["outcome"]["by"].as_str().expect("by a session");
    assert!(by.contains("XG1 on behalf of XM1XMC"), "{by}");
    assert!(stand.alerts().contains("XMC-A107"), "people are told: {}", stand.alerts());

    let (code, out, why) = stand.engine().rest();
    assert_eq!(code, Some(2), "{out}{why}");
    assert!(why.contains("is fenced") && why.contains("xmc guard lift"), "{why}");

    // One person prepares it, and alone it opens nothing.
    let file = stand.scratch.path("lift");
    let key = |name: &str| stand.scratch.path(&format!("{name}.key"));
    let alice = key("alice");
    let words = ["--key", text_of(&alice), "--out", text_of(&file), "--reason", "seen to", "--yes"];
    assert_eq!(stand.ask(&["lift"], &words).0, 0);
    let (code, alone) = stand.ask(&["lift"], &["--signed", text_of(&file)]);
    assert_eq!(code, 4, "{alone}");
    assert!(alone.to_string().contains("bob"), "{alone}");
    let bob = key("bob");
    let signed = report_of(&["control", "sign", text_of(&file), "--yes", "--key", text_of(&bob)]);
    assert_eq!(signed.0, 0, "{}", signed.1);
    let (code, lifted) = stand.ask(&["lift"], &["--signed", text_of(&file)]);
    assert_eq!(code, 0, "{lifted}");
    assert_eq!(lifted["by"], "alice and bob: seen to");

    // The old run's counters are still there, and nobody acts on them again; the next run is
    // watched by itself, and its orderly end is none of the guard's business.
    stand.wait("it is open", |status| {
        status["fence"].is_null() && status["beat"]["verdict"] != "fenced"
    });
    let (code, again) = stand.ask(&["lift"], &["--signed", text_of(&file)]);
    assert_eq!(code, 2, "{again}");
    let engine = stand.engine();
    stand.watches(2);
    signal(engine.0.id(), "-INT");
    let told = engine.end();
    assert_eq!(told["journal"]["is_whole"], true, "{told}");
    stand.wait("it ended", |status| status["beat"]["verdict"] == "ended in order");
    assert!(stand.status()["fence"].is_null());
    assert_eq!(guard.interrupt(), Some(0));
    assert!(stand.ask(&["status"], &[]).0 == 1, "nobody watches");
}

/// That a venue has not confirmed is in what two people sign, and cannot be added to it.
#[test]
fn a_fence_is_lifted_without_the_word_of_every_venue_only_if_two_have_signed_just_that() {
    let stand = Stand::new("guard_unconfirmed", 65);
    let places = Places::of(&stand.config, Some(&stand.record));
    let fence = Fence { run: 3, process: 1, at_ns: 1, why: "a test".to_owned() };
    fence.put(&places.leases, places.identity).expect("there is room");
    std::fs::create_dir_all(&places.guard).expect("it is ours");
    let signed = |name: &str, more: &[&str]| {
        let file = stand.scratch.path(name);
        let [alice, bob] = ["alice", "bob"].map(|one| stand.scratch.path(&format!("{one}.key")));
        let words = ["--key", text_of(&alice), "--out", text_of(&file), "--reason", "seen to"];
        let (code, prepared) = stand.ask(&["lift"], &[&words, more, &["--yes"]].concat());
        assert_eq!(code, 0, "{prepared}");
        let words = ["control", "sign", text_of(&file), "--yes", "--key", text_of(&bob)];
        assert_eq!(report_of(&words).0, 0);
        file
    };
    let plain = signed("plain", &[]);
    let (code, refused) = stand.ask(&["lift"], &["--signed", text_of(&plain)]);
    assert_eq!(code, 4, "{refused}");
    assert!(refused.to_string().contains("--unconfirmed"), "{refused}");
    let (code, refused) = stand.ask(&["lift"], &["--signed", text_of(&plain), "--unconfirmed"]);
    assert_eq!(code, 3, "{refused}");
    assert!(places.leases.join("site_1_desk_1.fence").exists());
    let both = signed("unconfirmed", &["--unconfirmed"]);
    let text = std::fs::read_to_string(&both).expect("it was written");
    assert!(text.contains("command: lift_unconfirmed\n"), "{text}");
    let (code, lifted) = stand.ask(&["lift"], &["--signed", text_of(&both)]);
    assert_eq!(code, 0, "{lifted}");
    assert!(!places.leases.join("site_1_desk_1.fence").exists());
}

/// The steps of a guard that was killed, at each place: what it had begun is done by the next.
#[test]
fn a_guard_that_was_killed_on_its_way_goes_on_where_it_was() {
    for (phase, seed) in [(Phase::Found, 62), (Phase::Killed, 63)] {
        // One by taking over the engine's session, one by its own.
        let is_own = phase == Phase::Killed;
        let stand = Stand::with_session(&format!("guard_resumed_{seed}"), seed, is_own);
        let mut engine = stand.engine();
        stand.wait_for_fills();
        let attached = Attached::open(&stand.record).expect("it runs");
        let process = Process::of(attached.run());
        if phase == Phase::Killed {
            engine.0.kill().expect("it is ours");
            engine.0.wait().expect("it is ours");
        }
        let mut found = case(&stand.config, process, "a test".to_owned());
        found.phase = phase;
        let state = State { watched: Some(process), case: Some(found), excused: None };
        let directory = stand.record.join("guard");
        std::fs::create_dir_all(&directory).expect("it is ours");
        state.write(&directory).expect("there is room");
        if phase == Phase::Killed {
            // The fence was put before.
            let fence = Fence { run: 1, process: process.pid, at_ns: 1, why: "a test".to_owned() };
            fence.put(&stand.record, attached.run().identity).expect("there is room");
        }
        assert_eq!(stand.guard(&["--until-acted"]).wait(), Some(1));
        assert!(engine.0.try_wait().expect("it is ours").is_some(), "it is killed");
        let status = stand.status();
        assert_eq!(
            (&status["case"]["phase"], &status["fence"]["run"]),
            (&"done".into(), &1.into())
        );
        assert_eq!(booked(&stand.venues).live, 0, "{status}");
        let by = status["case"]["gateways"][1]["outcome"]["by"].as_str().expect("by a session");
        assert_eq!(by.contains("XM1 of the engine, taken over"), !is_own, "{by}");
        // The next run goes on: it asks for what its own session has been told.
        Fence::lift(&stand.record, attached.run().identity).expect("it stands");
        let told = Engine::start(&stand.file, &stand.record, &["--seconds", "3"]).end();
        // What had left nobody before the kill, nobody can tell of.
        if told["live_orders"] == 0 {
            let booked = named(&stand.config, &booked(&stand.venues).lots);
            assert_eq!(positions(&told["positions"], "desk_lots"), booked, "{phase:?}: {told}");
        }
        assert_eq!(told["carried"]["run"].as_u64(), Some(1), "{told}");
        assert_eq!(told["journal"]["replays_equal"], true, "{told}");
    }
}

#[test]
fn an_engine_that_is_killed_is_fenced_and_one_in_announced_maintenance_is_not() {
    let stand = Stand::new("guard_killed", 64);
    let engine = stand.engine();
    let mut guard = stand.guard(&[]);
    stand.watches(1);
    stand.wait_for_fills();
    let words = ["--for", "600", "--by", "alice", "--reason", "a new build"];
    assert_eq!(stand.ask(&["maintenance"], &words).0, 0);
    // kill -9.
    drop(engine);
    stand.wait("it sees it", |status| {
        status["beat"]["verdict"].as_str().is_some_and(|verdict| verdict.contains("maintenance"))
    });
    assert!(stand.status()["fence"].is_null());
    assert_eq!(guard.interrupt(), Some(0));
    // It stays excused when maintenance is over, and for another guard.
    assert_eq!(stand.ask(&["maintenance"], &["--end"]).0, 0);
    let mut guard = stand.guard(&[]);
    stand.wait("it begins", |status| status["is_watching"] == true);
    let (code, seen) = stand.ask(&[], &["--once"]);
    assert_eq!(code, 4, "one guard looks: {seen}");
    let engine = stand.engine();
    stand.watches(2);
    stand.wait_for_fills();
    drop(engine);
    let status = stand.wait("it acts", |status| status["case"]["phase"] == "done");
    assert_eq!(status["fence"]["run"], 2, "{status}");
    assert_eq!(booked(&stand.venues).live, 0, "{status}");
    assert_eq!(guard.interrupt(), Some(1), "it has acted");
    let (code, seen) = stand.ask(&[], &["--once"]);
    assert_eq!((code, &seen["verdict"]["is"]), (1, &"gone".into()), "{seen}");
}

#[test]
fn a_configuration_without_a_guard_has_none() {
    let words = ["guard", "config/demo.toml", "--record", "nowhere"];
    let (code, why) = report_of(&words);
    assert_eq!(code, 3, "{why}");
    assert!(why.to_string().contains("[guard]"), "{why}");
}

/// Five of the trials that the command runs by the thousand, in a build without optimisation and
/// beside other tests: what is promised of time is promised elsewhere.
#[test]
fn trials_leave_nothing_alive() {
    let _alone = super::alone();
    let scratch = Scratch::new("guard_trials");
    let directory = scratch.path("trials");
    let output = Command::new(env!("CARGO_BIN_EXE_xmc"))
        .args(["--json", "guard", "trials", "--count", "3", "--seed", "1", "--directory"])
        .arg(&directory)
        .output()
        .expect("xmc runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let last = text.lines().last().expect("a report");
    let report: Value = serde_json::from_str(last).expect("JSON");
    println!("{text}");
    // On a machine that is too busy an engine may not come to rest any order.
    let (trials, void) = (report["trials"].as_u64(), report["void"].as_u64());
    assert_eq!(trials.zip(void).map(|(trials, void)| trials + void), Some(3), "{report}");
    assert!(report["failures"].as_u64() >= Some(1), "{report}");
    // An engine that such a machine does not run for half a second looks as if it hung, also
    // before its fault: such an alarm is false, and is not what is looked at.
    let [wrong, alarms] = ["wrong", "false_alarms"].map(|name| report[name].as_u64());
    let is_calm = wrong.zip(alarms).is_some_and(|(wrong, alarms)| wrong + alarms <= 2);
    assert!(is_calm, "{text}");
}
