//! `xmc top` and `xmc dump` of an engine in another process: running, held still, dead, ended.

use super::run::{Engine, files, sample};
use crate::journal::scratch::Scratch;
use cross_market_connect::config::Configuration;
use cross_market_connect::engine::recording::Segments;
use cross_market_connect::venue::simulated::Venues;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use xmc_hotpath::record::frame::{self, Kind};

const PATIENCE: Duration = Duration::from_secs(60);

fn xmc(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xmc")).args(args).output().expect("xmc runs")
}

fn json(output: &Output) -> Value {
    let value = serde_json::from_slice(&output.stdout);
    value.unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// All counters by name, as `xmc dump` tells them.
fn dump(record: &Path) -> BTreeMap<String, u64> {
    let output = xmc(&["dump", "--json", record.to_str().expect("it is text")]);
    let told = json(&output);
    assert_eq!((told["schema"].as_str(), told["version"].as_u64()), (Some("xmc.dump"), Some(1)));
    let rows = told["counters"].as_array().expect("a list").iter().map(|row| {
        let value = row["value"]
            .as_u64()
            .unwrap_or_else(|| row["value"].as_i64().expect("a number").cast_unsigned());
        (row["name"].as_str().expect("a name").to_owned(), value)
    });
    rows.collect()
}

/// One picture, and the exit code.
fn top(record: &Path) -> (Value, Option<i32>) {
    let path = record.to_str().expect("it is text");
    let output = xmc(&["top", "--json", "--once", "--interval", "200", path]);
    (json(&output), output.status.code())
}

fn signal(name: &str, pid: u32) {
    let status = Command::new("kill").args([name, &pid.to_string()]).status();
    assert!(status.expect("kill runs").success());
}

/// Waits until `is_so`.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Two venues in this process, and what an engine in another one needs to trade with them.
fn market(scratch: &Scratch, seed: u64) -> (Configuration, Venues, PathBuf, PathBuf) {
    let mut config = sample();
    let venues = Venues::open(&config, seed, None).expect("loopback has room");
    venues.address(&mut config);
    let (file, record) = (files(scratch, &config), scratch.path("record"));
    (config, venues, file, record)
}

/// What two venues have got of orders: messages over TCP, and datagrams.
fn taken(venues: &Venues) -> (u64, u64) {
    let cme = venues.cme.with(|shell, _| shell.counts().gateway.messages);
    let shfe = venues.shfe.with(|shell, _| shell.counts().requests);
    (cme.expect("it runs"), shfe.expect("it runs"))
}

/// Holds a venue still: says the number of its last packet when it does.
fn freeze(venues: &Venues) -> (u32, std::sync::mpsc::Sender<()>) {
    let (go_on, wait) = channel::<()>();
    let (tell, told) = channel();
    let hold = move |last: u32| {
        let _ = tell.send(last);
        let _ = wait.recv_timeout(PATIENCE);
    };
    assert!(venues.cme.post(move |shell, _| hold(shell.counts().last_seq_no)), "it runs");
    (told.recv_timeout(PATIENCE).expect("it answers"), go_on)
}

/// Packets of the overseas feed by line, once no more come, less those outside of the numbering.
fn packets(record: &Path) -> (u64, u64, u64) {
    let mut last = dump(record);
    let key = |counters: &BTreeMap<String, u64>| {
        let of = |name: &str| counters[&format!("feed.cme.{name}")];
        (of("lines.a.packets"), of("lines.b.packets"), of("heartbeats"))
    };
    until("packets come on and on", || {
        std::thread::sleep(Duration::from_millis(200));
        let now = dump(record);
        let is_still = key(&now) == key(&last);
        last = now;
        is_still
    });
    key(&last)
}

#[test]
fn a_running_engine_is_seen_as_the_venues_and_the_record_see_it() {
    let scratch = Scratch::new("top_running");
    let (config, venues, file, record) = market(&scratch, 31);
    let engine = Engine::start(&file, &record, &[]);
    let pid = engine.0.id();
    until("nothing is traded", || {
        record.join("counters.shm").exists() && dump(&record)["engine.fires"] >= 6
    });

    let (picture, _) = top(&record);
    assert_eq!(picture["schema"], "xmc.top", "{picture}");
    assert_eq!(
        (&picture["engine"]["state"], picture["engine"]["pid"].as_u64()),
        (&"running".into(), Some(pid.into())),
        "{picture}"
    );
    let tiles = picture["tiles"].as_array().expect("a list");
    assert!(tiles.len() >= 4, "{picture}");
    for tile in tiles {
        // The thread is where it says, under the name that it says.
        let id = tile["thread_id"].as_u64().expect("it has begun");
        let name = std::fs::read_to_string(format!("/proc/{pid}/task/{id}/comm"));
        let name = name.expect("the kernel lists it");
        assert_eq!(tile["thread"].as_str(), Some(name.trim()), "{tile}");
    }
    let core = &tiles[0];
    let share = |key: &str| core[key].as_f64().expect("a share");
    let all = share("busy_pct") + share("idle_pct") + share("blocked_pct");
    assert!((99.0..=101.0).contains(&all) && share("busy_pct") > 0.0, "{core}");

    // Between two moments at which the venue holds still, each line has brought every packet that
    // it numbered, and nothing else but what is outside of the numbering.
    let (first, go_on) = freeze(&venues);
    let before = packets(&record);
    drop(go_on);
    std::thread::sleep(Duration::from_secs(1));
    let (last, go_on) = freeze(&venues);
    let after = packets(&record);
    drop(go_on);
    let sent = u64::from(last - first);
    let (a, b) = (after.0 - before.0, after.1 - before.1);
    println!("{sent} packets sent, {a} and {b} seen");
    assert!(sent > 50, "{sent}");
    assert_eq!(a + b, 2 * sent + (after.2 - before.2));

    // Held still, it shows so, and its counters stand.
    signal("-STOP", pid);
    until("it is not late", || {
        let (picture, code) = top(&record);
        let tiles = picture["tiles"].as_array().expect("a list");
        code == Some(1)
            && picture["engine"]["state"] == "stopped"
            && tiles.iter().all(|tile| tile["state"] == "late")
    });
    let mut came = taken(&venues);
    until("orders come on and on", || {
        std::thread::sleep(Duration::from_millis(200));
        let now = taken(&venues);
        now == std::mem::replace(&mut came, now)
    });
    let held = dump(&record);
    println!(
        "venues have {came:?}, gateways sent {} and {}",
        held["gateway.cme.sent"], held["gateway.shfe.sent"]
    );
    // It may be held still between a send and its count. The counter's first datagram was the
    // logon's.
    for (came, sent) in [(came.0, "gateway.cme.sent"), (came.1 - 1, "gateway.shfe.sent")] {
        assert!([0, 1].contains(&(came - held[sent])), "{sent}: {came} came");
    }
    assert!(held["gateway.cme.sent"] > 5 && held["gateway.shfe.sent"] > 5);

    // Killed, it leaves them as they were.
    drop(engine);
    let (picture, code) = top(&record);
    assert_eq!((&picture["engine"]["state"], code), (&"gone".into(), Some(1)), "{picture}");
    assert_eq!(picture["engine"]["means"], "engine gone: values are what it left");
    assert_eq!(dump(&record), held);

    // The next run completes the record of the dead one: it has every input and order that was
    // counted, and at most what was being written.
    let told = Engine::start(&file, &record, &["--seconds", "1"]).end();
    let (inputs, orders, _) = recorded(&record, 1);
    let spare = |recorded: u64, counted: u64, most| {
        assert!(recorded + 1 >= counted && recorded <= counted + most, "{recorded} of {counted}");
    };
    spare(inputs, held["desk.inputs"], 1);
    spare(orders, held["desk.orders"], 4);

    // That run ended in order: its last counters are what it says of itself, and what is recorded.
    let (picture, code) = top(&record);
    assert_eq!((&picture["engine"]["state"], code), (&"ended".into(), Some(0)), "{picture}");
    let last = dump(&record);
    let (inputs, orders, records) = recorded(&record, 2);
    assert_eq!((last["desk.inputs"], last["desk.orders"]), (inputs, orders));
    assert_eq!((last["desk.records"] + 1, last["journal.records"]), (records, records));
    assert_eq!(last["engine.fires"], told["fires"].as_u64().expect("a count"), "{told}");
    let feeds = told["feeds"].as_array().expect("a list");
    assert_eq!(feeds.len(), config.feeds.len());
    for feed in feeds {
        let name = feed["feed"].as_str().expect("a name");
        for (line, place) in [("a", 0), ("b", 1)] {
            let told = feed["packets"][place].as_u64().expect("a count");
            assert_eq!(last[&format!("feed.{name}.lines.{line}.packets")], told, "{feed}");
        }
        assert_eq!(
            last[&format!("feed.{name}.quotes")],
            feed["quotes"].as_u64().expect("a count"),
            "{feed}"
        );
    }
    venues.stop().expect("they ran");
}

/// Inputs, orders and all records of a run in the journal.
fn recorded(record: &Path, run: u16) -> (u64, u64, u64) {
    let segments = Segments::of_run(record, run, 0).expect("the run is there");
    let (mut inputs, mut orders, mut records) = (0, 0, 0);
    for mut payload in segments.payloads() {
        while !payload.is_empty() {
            let (header, _, rest) = frame::split(payload).expect("it is a record");
            inputs += u64::from(header.kind.is_input());
            orders += u64::from(header.kind == Kind::Order);
            records += 1;
            payload = rest;
        }
    }
    (inputs, orders, records)
}

#[test]
fn what_cannot_be_looked_at_is_said_with_what_to_do() {
    let scratch = Scratch::new("top_nothing");
    let nothing = scratch.path("nothing");
    let path = nothing.to_str().expect("it is text");
    for command in ["top", "dump"] {
        let output = xmc(&[command, path]);
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{why}");
        assert!(why.contains("no counters in") && why.contains("xmc run --record"), "{why}");
        assert_eq!(xmc(&[command]).status.code(), Some(3), "nothing is named");
    }
    std::fs::create_dir(&nothing).expect("a directory for the test");
    std::fs::write(nothing.join("counters.shm"), "something else").expect("a file for the test");
    let output = xmc(&["dump", path]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("holds no counters"), "{output:?}");
}

#[test]
fn one_counter_is_explained_by_its_name() {
    let (_scratch, record) = crate::counters::scratch("top_explain");
    let counters = crate::counters::shown(&record, 1);
    counters.feeds[1].gaps.add(12_345);
    let path = record.to_str().expect("it is text");
    let output = xmc(&["dump", path, "--explain", "feed.cme.gaps"]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(
        text,
        "feed.cme.gaps  12,345 gaps\n    Times that packets were given up on both lines.\n"
    );
    let several = xmc(&["dump", path, "--explain", "engine.tick_to_order"]);
    assert_eq!(String::from_utf8_lossy(&several.stdout).lines().count(), 6);
    let none = xmc(&["dump", path, "--explain", "no_such"]);
    assert_eq!(none.status.code(), Some(3), "{none:?}");
    assert!(String::from_utf8_lossy(&none.stderr).contains("no counter is called no_such"));

    // Lines for a person: no line is wider than the pipe's, and none has a colour.
    let output = xmc(&["top", path, "--once", "--interval", "50"]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("site 1 desk 1 run 1") && text.contains("not started"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 140 && line.is_ascii()), "{text}");
}
