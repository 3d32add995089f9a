//! A running engine, on the sockets of simulated venues, is commanded by operators with `xmc`.

use super::run::{Engine, booked, files, named, positions, sample};
use super::{report_of, text_of};
use crate::journal::scratch::Scratch;
use cross_market_connect::config::Configuration;
use cross_market_connect::engine::recording::Segments;
use cross_market_connect::venue::simulated::Venues;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use xmc_hotpath::message::OrderAction;
use xmc_hotpath::record::frame::{self, Body, Image, Images, Kind};

const PATIENCE: Duration = Duration::from_secs(60);

const ALL: &str = "commands = [\"kill\", \"no_new\", \"disable\", \"arm\", \"enable\", \
    \"clear_halt\", \"acknowledge\", \"limit\"]";

/// An engine's files, and keys of two operators who may command it.
pub struct Stand {
    scratch: Scratch,
    config: Configuration,
    venues: Venues,
    file: PathBuf,
    record: PathBuf,
}

impl Stand {
    fn new(name: &str, seed: u64) -> Self {
        Self::with(name, seed, "")
    }

    /// With `more` at the end of the configuration.
    pub fn with(name: &str, seed: u64, more: &str) -> Self {
        let scratch = Scratch::new(name);
        let mut config = sample();
        let venues = Venues::open(&config, seed, None).expect("loopback has room");
        venues.address(&mut config);
        let file = files(&scratch, &config);
        let mut text = std::fs::read_to_string(&file).expect("it was written");
        // Other tests keep the disk busy.
        let patient = "desk_id = 1\nrecord_late_ms = 20_000\n";
        text = text.replace("desk_id = 1\n", patient);
        text.push_str("\n[control]\n");
        for (name, id) in [("alice", 11), ("bob", 12)] {
            let key = scratch.path(&format!("{name}.key"));
            let made = report_of(&["control", "keygen", text_of(&key), "--name", name]);
            let public = made.1["public_key"].as_str().expect("a key").to_owned();
            text.push_str(&format!(
                "\n[[operator]]\nname = \"{name}\"\nid = {id}\nkey = \"{public}\"\n{ALL}\n\
                 second = true\n"
            ));
        }
        std::fs::write(&file, text + more).expect("it is ours");
        let record = scratch.path("record");
        Self { scratch, config, venues, file, record }
    }

    fn start(&self) -> Engine {
        self.start_with(&[])
    }

    /// An engine that was started with `more` on its command line.
    pub fn start_with(&self, more: &[&str]) -> Engine {
        self.answering(Engine::start(&self.file, &self.record, more))
    }

    /// A file of this test.
    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.path(name)
    }

    /// Where the engine records.
    pub fn record(&self) -> &Path {
        &self.record
    }

    /// Ends the venues.
    pub fn stop(self) {
        self.venues.stop().expect("they ran");
    }

    /// Waits until the engine can be commanded.
    fn answering(&self, engine: Engine) -> Engine {
        let start = Instant::now();
        while !self.socket().exists() || self.status().0 != 0 {
            assert!(start.elapsed() < PATIENCE, "no engine answers");
            std::thread::sleep(Duration::from_millis(20));
        }
        engine
    }

    fn socket(&self) -> PathBuf {
        self.record.join("control.sock")
    }

    pub fn status(&self) -> (i32, Value) {
        report_of(&["control", "status", "--socket", text_of(&self.socket())])
    }

    /// A command of `name`, and what came of it.
    pub fn give(&self, name: &str, words: &[&str]) -> (i32, Value) {
        let (socket, key) = (self.socket(), self.scratch.path(&format!("{name}.key")));
        let more = ["--reason", "a test", "--yes", "--socket", text_of(&socket), "--key"];
        report_of(&[words, &more, &[text_of(&key)]].concat())
    }

    /// The same, signed by alice and bob.
    fn give_by_two(&self, file: &str, words: &[&str]) -> (i32, Value) {
        let file = self.scratch.path(file);
        let (code, prepared) = self.give("alice", &[words, &["--out", text_of(&file)]].concat());
        assert_eq!(code, 0, "{prepared}");
        let key = self.scratch.path("bob.key");
        let signed =
            report_of(&["control", "sign", text_of(&file), "--yes", "--key", text_of(&key)]);
        assert_eq!(signed.0, 0, "{}", signed.1);
        self.send(&file)
    }

    fn send(&self, file: &Path) -> (i32, Value) {
        report_of(&["control", "send", text_of(file), "--socket", text_of(&self.socket())])
    }

    pub fn wait_for_fills(&self, more: usize) {
        let (start, before) = (Instant::now(), booked(&self.venues).fills);
        while booked(&self.venues).fills < before + more {
            assert!(start.elapsed() < PATIENCE, "nothing is traded: {}", self.status().1);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends an engine as Ctrl-C does; what it says.
    pub fn end(&self, engine: Engine) -> Value {
        let pid = engine.0.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
        engine.end()
    }

    /// Every order of a run that was sent by an input from `first` on, and cancels.
    fn sent_since(&self, run: u16, first: u64) -> (usize, usize) {
        let segments = Segments::of_run(&self.record, run, 0).expect("it was recorded");
        let mut rows = vec![Image::EMPTY; self.config.instruments.len()];
        let mut images = Images::new(&mut rows);
        let (mut orders, mut cancels) = (0, 0);
        for mut rest in segments.payloads() {
            while !rest.is_empty() {
                let (header, body, after) = frame::split(rest).expect("a record");
                rest = after;
                if header.kind != Kind::Order || header.seq_no < first {
                    continue;
                }
                let body = frame::decode(header, body, &mut images).expect("an order");
                let Body::Order(order) = body else { panic!("{body:?}") };
                orders += usize::from(order.action == OrderAction::New);
                cancels += usize::from(order.action == OrderAction::Cancel);
            }
        }
        (orders, cancels)
    }

    /// The receipts of a kind, in words, as `xmc audit query` shows them.
    fn receipts(&self, kind: &str) -> Vec<String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
        command.args(["audit", "query", "--json", "--limit", "1000", "--kind", kind]);
        let output = command.arg(&self.record).output().expect("xmc runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let words = |row: &Value| row["what"].as_str().map(str::to_owned);
        let rows = rows.flat_map(|row| match row["receipts"].as_array() {
            Some(rows) => rows.clone(),
            None => vec![row],
        });
        rows.filter_map(|row| words(&row)).collect()
    }
}

fn limit(status: &Value, of: &str, field: &str) -> u64 {
    let rows = status["limits"].as_array().expect("a list");
    let row = rows.iter().find(|row| row["scope"] == of && row["field"] == field);
    row.and_then(|row| row["limit"].as_u64()).unwrap_or_else(|| panic!("{of} {field}: {status}"))
}

#[test]
fn a_kill_stops_a_trading_engine_and_only_two_people_let_it_trade_again() {
    let stand = Stand::new("control_kill", 41);
    let engine = stand.start();
    stand.wait_for_fills(12);
    let (_, before) = stand.status();
    assert_eq!(before["state"], "NORMAL", "{before}");

    // Prepared before the kill, given after it.
    let late = stand.scratch.path("late");
    let words = ["no-new", "--scope", "all", "--out", text_of(&late)];
    assert_eq!(stand.give("alice", &words).0, 0);

    let (code, killed) = stand.give("alice", &["kill"]);
    assert_eq!((code, &killed["outcome"]), (0, &Value::from("done")), "{killed}");
    assert_eq!(killed["state"], "HALT", "{killed}");
    let input = killed["input"].as_u64().expect("it is in the record");
    let (code, again) = stand.send(&late);
    assert_eq!((code, again["denial"].as_str()), (4, Some("counter")), "{again}");
    let (code, alone) = stand.give("alice", &["arm"]);
    assert_eq!(code, 4, "one person is told at once: {alone}");
    let (code, armed) = stand.give_by_two("in_halt", &["arm"]);
    assert_eq!((code, armed["denial"].as_str()), (4, Some("state")), "{armed}");
    let (_, status) = stand.status();
    assert!(status["is_held"] == true && status["refused"] == 2, "{status}");
    let told = stand.end(engine);
    assert_eq!(told["journal"]["replays_equal"], true, "{told}");
    assert_eq!(told["live_orders"], 0, "{told}");
    let after = booked(&stand.venues);
    assert_eq!(after.live, 0, "{after:?}");
    let desk = positions(&told["positions"], "desk_lots");
    assert_eq!(desk, named(&stand.config, &after.lots), "{told}");
    let (orders, cancels) = stand.sent_since(1, input);
    println!("behind the kill, input {input}: {orders} orders, {cancels} cancels");
    assert_eq!(orders, 0, "no order left after the kill");

    // The next run stays stopped, whoever starts it.
    let engine = stand.start();
    let fills = booked(&stand.venues).fills;
    std::thread::sleep(Duration::from_millis(600));
    let (_, status) = stand.status();
    assert!(status["state"] == "NO_NEW" && status["is_held"] == true, "{status}");
    assert_eq!(booked(&stand.venues).fills, fills, "it has not traded");
    let (code, old) = stand.send(&stand.scratch.path("in_halt"));
    assert_eq!((code, old["denial"].as_str()), (4, Some("audience")), "{old}");
    let (code, armed) = stand.give_by_two("armed", &["arm"]);
    assert_eq!((code, armed["state"].as_str()), (0, Some("NORMAL")), "{armed}");
    let (code, enabled) = stand.give_by_two("enabled", &["enable", "--scope", "all"]);
    assert_eq!((code, &enabled["outcome"]), (0, &Value::from("done")), "{enabled}");
    stand.wait_for_fills(4);
    let told = stand.end(engine);
    assert_eq!(told["journal"]["replays_equal"], true, "{told}");

    let given = stand.receipts("instruction");
    let count = |words: &str| given.iter().filter(|what| what.contains(words)).count();
    let alone = given.iter().filter(|what| what.contains("alice, number"));
    let taken: Vec<_> = alone.filter(|what| what.ends_with(": taken")).collect();
    assert_eq!(taken.len(), 1, "the kill: {given:#?}");
    assert_eq!(count("alice and bob"), 4, "{given:#?}");
    assert_eq!((count("DENIED (counter)"), count("DENIED (state)")), (1, 1), "{given:#?}");
    let commands = stand.receipts("command");
    let by = |words: &str| commands.iter().filter(|what| what.contains(words)).count();
    assert_eq!((by("kill all by alice"), by("arm all by alice")), (1, 1), "{commands:#?}");
    let stops = (by("no_new all by alice"), by("disable all by alice"));
    assert_eq!(stops, (1, 1), "the next run begins with the stop");
    stand.venues.stop().expect("they ran");
}

/// A terminal that was stopped, or a pipe that nobody reads, keeps no kill from the desk.
#[test]
fn a_kill_is_heard_while_nobody_reads_what_the_engine_says() {
    let stand = Stand::new("control_unread", 43);
    let mut engine = Engine::telling(&stand.file, &stand.record);
    let page = 4_096;
    let stdout = engine.0.stdout.as_ref().expect("it is piped");
    rustix::pipe::fcntl_setpipe_size(stdout, page).expect("a smaller pipe");
    engine = stand.answering(engine);
    let waits = |engine: &Engine| {
        let stdout = engine.0.stdout.as_ref().expect("it is piped");
        rustix::io::ioctl_fionread(stdout).expect("it is a pipe")
    };
    let start = Instant::now();
    while waits(&engine) < page as u64 {
        assert!(start.elapsed() < PATIENCE, "the engine says little");
        std::thread::sleep(Duration::from_millis(20));
    }
    stand.wait_for_fills(12);
    let (code, killed) = stand.give("alice", &["kill"]);
    assert_eq!((code, &killed["outcome"]), (0, &Value::from("done")), "{killed}");
    assert_eq!(killed["state"], "HALT", "{killed}");
    let pid = engine.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
    let (code, said, why) = engine.rest();
    assert_eq!(code, Some(0), "{why}");
    assert!(said.contains("HALT") && said.contains("The record"), "nothing is lost: {said}");
    assert_eq!(booked(&stand.venues).live, 0);
    stand.venues.stop().expect("they ran");
}

#[test]
fn spreads_are_stopped_by_what_they_have_in_common_and_limits_hold_at_once() {
    let stand = Stand::new("control_scope", 42);
    let engine = stand.start();
    stand.wait_for_fills(4);
    let state = |name: &str| {
        let (_, status) = stand.status();
        let rows = status["spreads"].as_array().expect("a list").clone();
        let row = rows.iter().find(|row| row["name"] == name).cloned().expect("it is there");
        row["state"].as_str().expect("a word").to_owned()
    };
    let (code, told) = stand.give("bob", &["disable", "--scope", "spread=cu_bc"]);
    assert_eq!((code, state("cu_bc").as_str()), (0, "disabled"), "{told}");
    let (code, told) = stand.give_by_two("enable", &["enable", "--scope", "spread=cu_bc"]);
    assert_eq!((code, state("cu_bc").as_str()), (0, "enabled"), "{told}");
    let (code, told) = stand.give("bob", &["kill", "--scope", "spread=cu_bc"]);
    assert_eq!((code, state("cu_bc").as_str()), (0, "halted"), "{told}");
    let (code, told) = stand.give_by_two("halted", &["enable", "--scope", "spread=cu_bc"]);
    assert_eq!((code, told["denial"].as_str()), (4, Some("state")), "{told}");
    let (code, told) = stand.give("bob", &["no-new", "--scope", "gateway=nowhere"]);
    assert_eq!((code, told["denial"].as_str()), (4, Some("scope")), "{told}");

    let of = ("instrument=cu", "max_position_lots");
    let lots = limit(&stand.status().1, of.0, of.1);
    let set = |figure: u64| {
        ["limits", "set", of.0, of.1].map(str::to_owned).into_iter().chain([figure.to_string()])
    };
    let words = |figure| set(figure).collect::<Vec<_>>();
    let give = |name: &str, figure: u64| {
        let words = words(figure);
        stand.give(name, &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let (code, told) = give("bob", lots / 2);
    assert_eq!((code, limit(&stand.status().1, of.0, of.1)), (0, lots / 2), "{told}");
    let (code, told) = give("bob", lots);
    assert_eq!(code, 4, "raising it takes two: {told}");
    let raised = words(lots);
    let raised: Vec<_> = raised.iter().map(String::as_str).collect();
    let (code, told) = stand.give_by_two("raise", &raised);
    assert_eq!((code, limit(&stand.status().1, of.0, of.1)), (0, lots), "{told}");
    let (code, told) = give("bob", lots * 100);
    assert_eq!(code, 4, "{told}");
    let unchanged = limit(&stand.status().1, of.0, of.1);
    assert_eq!(unchanged, lots);
    let told = stand.end(engine);
    assert_eq!(told["journal"]["replays_equal"], true, "{told}");
    stand.venues.stop().expect("they ran");
}

/// Without `[control]` there is nothing to command through, and the plan says so.
#[test]
fn an_engine_without_operators_has_no_socket() {
    let output = Command::new(env!("CARGO_BIN_EXE_xmc"))
        .args(["plan", "--elsewhere", "config/demo.toml"])
        .output()
        .expect("xmc runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("none: there is no [control]"), "{text}");
}
