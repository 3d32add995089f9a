//! An engine on the sockets of simulated venues tells people, is killed, and goes on telling; and
//! `xmc alert` shows it.

use super::receiver::{Receiver, Request, ok};
use crate::cli::run::{Engine, booked, files, sample};
use crate::journal::scratch::Scratch;
use cross_market_connect::metrics::{Format, Source};
use cross_market_connect::venue::simulated::Venues;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

pub const PATIENCE: Duration = Duration::from_secs(60);
pub const TOKEN: &str = "tok3nThatIsSecret";
pub const SECRET: &str = "SECthatSigns4711";

/// An engine's files, and venues for it.
pub struct Stand {
    pub scratch: Scratch,
    pub venues: Venues,
    pub file: PathBuf,
    pub record: PathBuf,
}

impl Stand {
    /// With `alerts` behind the demonstration's configuration; its addresses lie in files.
    pub fn new(name: &str, seed: u64, alerts: &str, urls: &[(&str, &str)]) -> Self {
        let scratch = Scratch::new(name);
        let mut config = sample();
        let venues = Venues::open(&config, seed, None).expect("loopback has room");
        venues.address(&mut config);
        let file = files(&scratch, &config);
        let mut text = fs::read_to_string(&file).expect("it was written");
        // Other tests keep the disk busy.
        text = text.replace("desk_id = 1\n", "desk_id = 1\nrecord_late_ms = 20_000\n");
        let mut alerts = alerts.to_owned();
        for (name, url) in urls {
            let path = scratch.path(name);
            fs::write(&path, format!("{url}\n")).expect("a file for the test");
            fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is ours");
            alerts = alerts.replace(&format!("FILE({name})"), path.to_str().expect("UTF-8"));
        }
        fs::write(&file, text + &alerts).expect("it is ours");
        let record = scratch.path("record");
        Self { scratch, venues, file, record }
    }

    pub fn trade(&self, more: usize) {
        let (since, before) = (Instant::now(), booked(&self.venues).fills);
        while booked(&self.venues).fills < before + more {
            assert!(since.elapsed() < PATIENCE, "nothing is traded");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What `xmc alert` says: its exit code, and JSON.
    pub fn alert(&self, words: &[&str]) -> (i32, Value) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
        command.arg("alert").args(words).args(["--json", "--record"]).arg(&self.record);
        let output = command.output().expect("xmc runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        let json = serde_json::from_str(&text);
        let json = json.unwrap_or_else(|error| panic!("{error}: {text}{why}"));
        (output.status.code().expect("it ends"), json)
    }

    /// Waits until `xmc alert list` is so.
    #[track_caller]
    pub fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let since = Instant::now();
        loop {
            let directory = self.record.join("alerts");
            if directory.join("outbox.log").exists() {
                let (_, list) = self.alert(&["list"]);
                if is_so(&list) {
                    return list;
                }
                assert!(since.elapsed() < PATIENCE, "{what}: {list}");
            }
            assert!(since.elapsed() < PATIENCE, "{what}: there is no outbox");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends an engine as Ctrl-C does.
    pub fn end(&self, engine: Engine) -> Value {
        let pid = engine.0.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
        engine.end()
    }
}

/// The alerts of all messages, in the order in which they came.
pub fn items(requests: &[Request]) -> Vec<Value> {
    let messages = requests.iter().map(Request::json).filter(|body| body["kind"] == "alerts");
    messages.flat_map(|body| body["alerts"].as_array().cloned().unwrap_or_default()).collect()
}

fn codes(items: &[Value]) -> BTreeSet<&str> {
    items.iter().map(|item| item["code"].as_str().expect("a code")).collect()
}

/// How metrics begin that say that sinks take nothing.
const FIRING: &str = "xmc_alert_firing{code=\"XMC-A120\"";

const ALERTS: &str = "
[alert]
lang = \"both\"

# Each of them once at least: a silent sink fails at once, and each fire is told.
[[alert.rule]]
code = \"XMC-A130\"
severity = \"critical\"

[[alert.rule]]
code = \"XMC-A120\"
limit = 1

[[alert.rule]]
code = \"XMC-A072\"
severity = \"off\"

[[alert.sink]]
name = \"log\"
kind = \"log\"

[[alert.sink]]
name = \"hook\"
kind = \"webhook\"
url_file = \"FILE(hook)\"
heartbeat_s = 1

[[alert.sink]]
name = \"dead\"
kind = \"webhook\"
url_file = \"FILE(dead)\"
least = \"critical\"
timeout_ms = 500
";

/// The webhook is away, then there; another sink is dead all the time. The engine is killed while
/// notices wait: all of them come in the end, each fire of the record once, in both sinks.
#[test]
fn every_fire_of_the_record_is_told_though_a_sink_is_dead_and_the_engine_is_killed() {
    let receiver = Receiver::new(Some(("503 X", String::new())));
    let hook = receiver.url("/hook");
    // Nobody listens there.
    let urls = [("hook", hook.as_str()), ("dead", "http://127.0.0.1:9/x")];
    let stand = Stand::new("alert_engine", 41, ALERTS, &urls);
    let mut engine = Engine::start(&stand.file, &stand.record, &[]);
    let sink = |list: &Value, name: &str| {
        let sinks = list["sinks"].as_array().cloned().unwrap_or_default();
        sinks.into_iter().find(|sink| sink["sink"] == name).unwrap_or_default()
    };
    stand.trade(8);
    let list = stand.until("a sink that is dead is told of to the others", |list| {
        let firing = list["firing"].as_array().cloned().unwrap_or_default();
        let of = |sink| {
            firing.iter().any(|one| one["code"] == "XMC-A120" && one["labels"]["sink"] == sink)
        };
        of("hook") && of("dead")
    });
    assert_eq!(list["engine"], "running");
    assert_eq!(sink(&list, "log")["is_failing"], false, "{list}");
    assert!(sink(&list, "hook")["waiting"].as_u64() > Some(0), "{list}");
    assert!(sink(&list, "dead")["failures"].as_u64() > Some(0), "{list}");
    // Metrics have the same, at the next look.
    let since = Instant::now();
    let exported = loop {
        let families = Source::new(stand.record.clone()).read().expect("the engine runs");
        let text = Format::Text.write(&families);
        let is_told = |line: &str| line.starts_with(FIRING) && !line.ends_with(" 0");
        if text.lines().any(is_told) {
            break text;
        }
        assert!(since.elapsed() < PATIENCE, "{text}");
        std::thread::sleep(Duration::from_millis(50));
    };
    let raised = "xmc_alert_raised_total{code=\"XMC-A102\",severity=\"info\"} 1";
    assert!(exported.lines().any(|line| line == raised), "{exported}");
    let loud = "xmc_alert_firing{code=\"XMC-A130\",severity=\"critical\"}";
    assert!(exported.contains(loud), "as it is configured");
    assert!(!exported.contains("XMC-A072"), "it is off");
    // It is killed where it stands.
    engine.0.kill().expect("it is ours");
    drop(engine);
    let (code, list) = stand.alert(&["list"]);
    assert_eq!((code, &list["engine"]), (1, &Value::from("gone")));
    assert!(sink(&list, "hook")["waiting"].as_u64() > Some(0), "{list}");
    receiver.answer(ok(""));
    let engine = Engine::start(&stand.file, &stand.record, &[]);
    let requests = receiver.wait_until(|requests| {
        codes(&items(requests)).is_superset(&["XMC-A105", "XMC-A102"].into())
    });
    let died = items(&requests).into_iter().find(|item| item["code"] == "XMC-A105");
    assert_eq!(died.expect("it is there")["value"], 1, "the first run died");
    stand.trade(2);
    stand.end(engine);
    let list = stand.until("the webhook has all", |list| sink(list, "hook")["waiting"] == 0);
    assert_eq!(list["engine"], "ended");
    assert!(sink(&list, "dead")["waiting"].as_u64() > Some(0), "nothing is lost: {list}");

    // The log has what the record has: each fire once.
    let path = stand.record.join("alerts/alerts.jsonl");
    let text = fs::read_to_string(path).expect("it is there");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let fires = |items: &[Value]| {
        let mut of = BTreeMap::new();
        for item in items.iter().filter(|item| item["code"] == "XMC-A130") {
            *of.entry(item["id"].as_str().expect("an id").to_owned()).or_insert(0) += 1;
        }
        of
    };
    let logged = fires(&lines);
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    command.args(["audit", "query", "--json", "--limit", "100000", "--kind", "decision"]);
    let output = command.arg(&stand.record).output().expect("xmc runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let rows = rows.flat_map(|row| row["receipts"].as_array().cloned().unwrap_or(vec![row]));
    let fired = rows.filter(|row| row["gate"] == "passed").count();
    println!("{fired} fires in the record, {} in the log", logged.len());
    assert_eq!(logged.len(), fired, "{list}");
    // A kill between the write of the log and the note of it writes it again, with its identity.
    assert!(logged.values().filter(|count| **count > 1).count() <= 20, "{logged:?}");
    // The webhook has it all, too: what it refused came again, under the same identity. Its own
    // identities are others than the log's, so they are counted.
    let taken = items(&receiver.requests());
    assert_eq!(fires(&taken).len(), fired, "{list}");
    let told = sink(&list, "hook");
    let count = |key: &str| told[key].as_u64().expect("a count");
    assert_eq!(count("dropped") + count("dead"), 0, "{told}");
    // Signs of life, while it lived.
    let beats = receiver.requests().iter().filter(|one| one.json()["kind"] == "heartbeat").count();
    assert!(beats >= 1);
    stand.venues.stop().expect("they ran");
}

#[test]
fn an_alert_is_listed_shown_and_taken_on_by_name() {
    let receiver = Receiver::new(ok(""));
    let hook = receiver.url("/hook");
    let urls = [("hook", hook.as_str()), ("dead", "http://127.0.0.1:9/x")];
    let stand = Stand::new("alert_ack", 42, ALERTS, &urls);
    let engine = Engine::start(&stand.file, &stand.record, &[]);
    let find = |list: &Value| {
        let firing = list["firing"].as_array().cloned().unwrap_or_default();
        firing.into_iter().find(|one| one["labels"]["sink"] == "dead")
    };
    let list = stand.until("a sink is dead", |list| find(list).is_some());
    let which = find(&list).expect("it is there")["fingerprint"].as_str().expect("text").to_owned();
    let (code, shown) = stand.alert(&["show", &which[..6]]);
    assert_eq!((code, shown["alert"]["fingerprint"].as_str()), (0, Some(which.as_str())));
    assert!(shown["alert"]["next"]["zh"].as_str().is_some_and(|next| !next.is_empty()));
    let told = shown["told"].as_array().expect("a list").iter();
    assert!(told.clone().any(|row| row["sink"] == "log"), "{shown}");
    let (code, answer) = stand.alert(&["ack", &which[..8], "--by", "ann"]);
    assert_eq!((code, answer["acknowledged_by"].as_str()), (0, Some("ann")), "{answer}");
    let list = stand.until("it is noted", |list| {
        find(list).is_some_and(|alert| alert["acknowledged"]["by"] == "ann")
    });
    assert_eq!(list["acknowledgements_waiting"], 0);
    // Those who were told are told.
    receiver.wait_until(|requests| {
        items(requests)
            .iter()
            .any(|item| item["what"] == "acknowledged" && item["fingerprint"] == which.as_str())
    });
    stand.end(engine);
    // On a dead engine it waits for the next.
    let (_, answer) = stand.alert(&["ack", &which, "--by", "ben"]);
    assert_eq!(answer["acknowledged_by"], Value::Null);
    assert_eq!(stand.alert(&["list"]).1["acknowledgements_waiting"], 1);
    for words in [["ack", "0123456789abcdef", "--by", "x"], ["ack", &which, "--by", "a\nb"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
        command.arg("alert").args(words).arg("--record").arg(&stand.record);
        assert!(!command.output().expect("xmc runs").status.success(), "{words:?}");
    }
    stand.venues.stop().expect("they ran");
}

#[test]
fn a_test_goes_the_real_way_and_says_what_each_sink_answers() {
    let receiver = Receiver::new(ok("{\"errcode\":0,\"errmsg\":\"ok\"}"));
    let hook = receiver.url("/hook");
    let urls = [("hook", hook.as_str()), ("dead", "http://127.0.0.1:9/x")];
    let stand = Stand::new("alert_test", 43, ALERTS, &urls);
    let file = stand.file.to_str().expect("UTF-8");
    let (code, told) = stand.alert(&["test", "--config", file]);
    assert_eq!((code, &told["schema"]), (1, &Value::from("xmc.alert.test")));
    let sinks = told["sinks"].as_array().expect("a list");
    let is_taken: Vec<_> =
        sinks.iter().map(|row| (row["sink"].as_str().unwrap(), row["is_taken"] == true)).collect();
    assert_eq!(is_taken, [("log", true), ("hook", true), ("dead", false)], "{told}");
    assert!(sinks[2]["answer"].as_str().is_some_and(|why| why.contains("refused")), "{told}");
    let request = &receiver.wait(1)[0];
    assert_eq!(request.json()["kind"], "test");
    assert_eq!(request.json()["alerts"][0]["code"], "XMC-A900");
    let (code, _) = stand.alert(&["test", "--config", file, "--sink", "hook"]);
    assert_eq!(code, 0);
    assert!(!stand.record.join("alerts/outbox.log").exists(), "the outbox is the engine's");
    stand.venues.stop().expect("they ran");
}
