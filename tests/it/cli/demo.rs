//! `xmc demo`: both venues, the engine and the ledgers, as a newcomer starts them.

use super::sockets::Sockets;
use crate::garbage::{Barrage, Garbage, Target};
use crate::journal::scratch::Scratch;
use cross_market_connect::port::interface::InterfaceChoice;
use serde_json::{Value, json};
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(args);
    command
}

fn xmc(args: &[&str]) -> Output {
    command(args).output().expect("xmc runs")
}

fn report(output: &Output) -> Value {
    let report = serde_json::from_slice(&output.stdout);
    report.unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn count(report: &Value, key: &str) -> u64 {
    report[key].as_u64().unwrap_or_else(|| panic!("{key} in {report}"))
}

/// The first segment of a record.
fn segment(record: &Path) -> PathBuf {
    let names = fs::read_dir(record).expect("the record is there");
    let mut names: Vec<_> = names.map(|name| name.expect("it has a name").path()).collect();
    names.retain(|name| name.extension().is_some_and(|extension| extension == "xmj"));
    names.sort();
    names.swap_remove(0)
}

/// Amounts are small: other tests run beside this one, and nothing here is optimised. The README's
/// command is held to 50 round trips by `.ci/run`.
#[test]
fn the_demo_trades_and_everybody_agrees_about_it() {
    let scratch = Scratch::new("demo");
    let record = scratch.path("record");
    let path = record.to_str().expect("it is text");
    let output = xmc(&["demo", "--json", "--seconds", "8", "--record", path]);
    let demo = report(&output);
    assert_eq!(output.status.code(), Some(0), "{demo}");
    assert!(count(&demo, "round_trips") >= 2, "{demo}");
    assert!(count(&demo, "fills") >= 8 && count(&demo, "fires") >= 4, "{demo}");
    assert_eq!(demo["positions_agree"], true, "{demo}");
    assert_eq!(demo["ledger_fills"], demo["fills"], "{demo}");
    assert_eq!(demo["hot_allocations"], 0, "{demo}");
    assert_eq!(demo["order_sessions"][0]["is_stopped"], false, "{demo}");
    assert!(count(&demo, "decisions") >= count(&demo, "fires"));
    let latency = &demo["tick_to_order_ns"];
    assert_eq!(count(latency, "count"), count(&demo, "fires"), "{demo}");
    let histogram = latency["histogram"].as_str().expect("its path");
    assert!(fs::read_to_string(histogram).expect("it is there").contains("Percentile"));

    let witnessed = &demo["journal"]["witnessed"];
    assert_eq!(witnessed["witnesses"][0]["records"], witnessed["records"], "{demo}");
    assert_eq!(witnessed["witnesses"][0]["trouble"], Value::Null, "{demo}");

    let (witness, key) = (format!("{path}-witness"), format!("{path}/checkpoint.key.pub"));
    let args = ["audit", "verify", "--json", path, "--witness", &witness, "--key", &key];
    let audit = xmc(&args);
    assert_eq!(audit.status.code(), Some(0), "{audit:?}");
    let said = report(&audit);
    assert_eq!(said["witness"]["records"], said["counts"]["records"], "{said}");
    assert!(count(&said["witness"], "checkpoints") >= 4, "{said}");
    let replay = xmc(&["replay", "--json", "--verify", path]);
    assert_eq!(replay.status.code(), Some(0), "{replay:?}");

    let segment = segment(&record);
    let mut bytes = fs::read(&segment).expect("it is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&segment, bytes).expect("it is ours");
    assert_eq!(xmc(&["audit", "verify", path]).status.code(), Some(1));
}

/// Warning, instruction, the pairs that close only, the money of a bank that is SIMULATED, and the
/// pairs that open again: seen in the file beside the record, in alerts and in the record itself.
#[test]
fn an_account_that_runs_short_is_told_helped_and_held_meanwhile() {
    let scratch = Scratch::new("demo_margin");
    let record = scratch.path("record");
    let path = record.to_str().expect("it is text");
    let args = ["demo", "--scenario", "margin", "--json", "--seconds", "15", "--record", path];
    let output = xmc(&args);
    let demo = report(&output);
    assert_eq!(output.status.code(), Some(0), "{demo}");
    assert_eq!(demo["journal"]["replays_equal"], true, "{demo}");
    let capital = &demo["capital"];
    assert_eq!((&capital["is_sample"], &capital["doubts"]), (&Value::from(true), &json!([])));
    assert!(count(capital, "actions") > 0, "{demo}");

    let lines = fs::read_to_string(record.join("capital.log")).expect("it is there");
    let lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let first = |event: &str, from: usize| {
        let place = lines.iter().skip(from).position(|line| line["event"] == event);
        from + place.unwrap_or_else(|| panic!("no {event} in {lines:?}"))
    };
    let warned = first("stage", 0);
    let instructed = first("instruction", warned);
    let booked = first("book", instructed);
    assert!(
        lines[booked..].iter().any(|line| line["event"] == "stage" && line["stage"] == "normal")
            || capital["accounts"][0]["stage"] == "normal",
        "{lines:?}"
    );

    let alerts = fs::read_to_string(record.join("alerts/alerts.jsonl")).expect("it is there");
    for code in ["XMC-A160", "XMC-A164"] {
        assert!(alerts.contains(code), "{code} in {alerts}");
    }
}

/// The engine as a process of its own that is held still: what its guard does about it, what is
/// left at the venues by their own books, and that two people and another run end it well.
#[test]
fn an_engine_that_is_wedged_is_ended_by_its_guard_and_another_one_trades() {
    let _alone = super::alone();
    let scratch = Scratch::new("demo_wedge");
    let record = scratch.path("record");
    let path = record.to_str().expect("it is text");
    let args = ["demo", "--scenario", "wedge", "--json", "--seconds", "15", "--record", path];
    let output = xmc(&args);
    let demo = report(&output);
    assert_eq!(output.status.code(), Some(0), "{demo}");
    let wedged = demo["live_when_wedged"].as_array().expect("two venues");
    assert!(wedged.iter().any(|live| live.as_u64() > Some(0)), "{demo}");
    assert_eq!(demo["live_after"], json!([0, 0]));
    assert!(demo["warning"].as_str().is_some_and(|why| why.contains("has not beaten")), "{demo}");
    let case = &demo["case"];
    assert_eq!((&case["phase"], &case["end"]["is"]), (&"done".into(), &"gone".into()), "{demo}");
    for gateway in case["gateways"].as_array().expect("a list") {
        assert_eq!(gateway["outcome"]["is"], "cancelled", "{gateway}");
    }
    assert_eq!(demo["lifted_by"], "demo_risk and demo_desk");
    assert!(count(&demo, "fills_after") >= 4, "{demo}");
    let refused = fs::read_to_string(record.join("refused.err")).expect("it is there");
    assert!(refused.contains("is fenced"), "{refused}");
    let alerts = fs::read_to_string(record.join("record/alerts/alerts.jsonl")).expect("told");
    assert!(alerts.contains("XMC-A107"), "{alerts}");
}

/// Processes that were told of a path, by their numbers.
fn told_of(path: &str) -> Vec<String> {
    let all = fs::read_dir("/proc").expect("it is Linux").flatten();
    let numbers = all.filter_map(|entry| entry.file_name().into_string().ok());
    let is_told = |number: &String| {
        let words = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
        number.parse::<u32>().is_ok() && String::from_utf8_lossy(&words).contains(path)
    };
    numbers.filter(is_told).collect()
}

/// Whoever kills the demonstration itself kills the engine and the guard that it has started.
#[test]
fn a_wedge_that_is_killed_leaves_no_process_behind() {
    let _alone = super::alone();
    let scratch = Scratch::new("demo_wedge_killed");
    let record = scratch.path("record");
    let path = record.to_str().expect("it is text");
    let args = ["demo", "--scenario", "wedge", "--plain", "--lang", "zh", "--record", path];
    let mut demo = command(&args).stdout(Stdio::piped()).spawn().expect("xmc runs");
    let until = |what: &str, is_so: &dyn Fn(&[String]) -> bool| {
        let start = Instant::now();
        loop {
            let found = told_of(path);
            if is_so(&found) {
                return found;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{what}: {found:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let begun = until("demo, engine and guard run", &|found| found.len() >= 3);
    demo.kill().expect("it runs");
    let output = demo.wait_with_output().expect("it ends");
    let start = Instant::now();
    while !told_of(path).is_empty() && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let left = told_of(path);
    for number in &left {
        let _ = Command::new("kill").args(["-9", number]).status();
    }
    assert!(left.is_empty(), "of {begun:?} there are {left:?}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("引擎与看护进程启动") && !said.contains("engine and guard"), "{said}");
}

/// What each does to the engine, what the engine does, and that pairs fire again afterwards; that
/// the venues' ledgers agree is what the exit code says.
#[test]
fn a_scenario_is_survived_and_everybody_agrees_about_it() {
    for (scenario, code, word) in [
        ("rejects", "XMC-A027", "reducing"),
        ("slippage", "XMC-A025", "reducing"),
        ("feedcut", "XMC-A", "quote_age"),
    ] {
        let scratch = Scratch::new("demo_scenario");
        let record = scratch.path("record");
        let path = record.to_str().expect("it is text");
        let args = ["demo", "--scenario", scenario, "--json", "--seconds", "16", "--record", path];
        let output = xmc(&args);
        let demo = report(&output);
        assert_eq!(output.status.code(), Some(0), "{scenario}: {demo}");
        assert_eq!(demo["positions_agree"], true, "{scenario}: {demo}");
        let gates = demo["refused_by_gate"].as_array().expect("a list");
        assert!(gates.iter().any(|row| row["gate"] == word), "{scenario}: {demo}");
        let alerts = fs::read_to_string(record.join("alerts/alerts.jsonl")).expect("it is there");
        assert!(alerts.contains(code), "{scenario}: {alerts}");
        if scenario == "rejects" {
            assert!(count(&demo, "rejects") > 0, "{demo}");
        }
        // Two people have signed what lets pairs fire again.
        let said = xmc(&["audit", "query", path, "--kind", "instruction", "--json"]);
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let by_two = said.contains("operator #1 and operator #2") && said.contains(": taken");
        assert_eq!(by_two, word == "reducing", "{scenario}: {said}");
    }
}

/// Orders that rest at a venue on real sockets: they wait for the others,
/// what they fill is followed, and nothing is left at the end.
#[test]
fn a_leg_rests_is_followed_and_moves() {
    let scratch = Scratch::new("demo_working");
    let record = scratch.path("record");
    let path = record.to_str().expect("it is text");
    let args = ["demo", "--scenario", "working", "--json", "--seconds", "12", "--record", path];
    let output = xmc(&args);
    let demo = report(&output);
    assert_eq!(output.status.code(), Some(0), "{demo}");
    assert_eq!(demo["positions_agree"], true, "{demo}");
    let said = xmc(&["audit", "query", path, "--kind", "follow", "--json"]);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    for step in ["waits", "followed"] {
        assert!(said.contains(step), "no leg {step}: {demo}");
    }
    let replay = xmc(&["replay", "--json", "--verify", path]);
    assert_eq!(replay.status.code(), Some(0), "{replay:?}");
}

#[test]
fn lines_in_a_pipe_say_that_the_venues_are_simulated() {
    let scratch = Scratch::new("demo_lines");
    let record = scratch.path("record");
    let path = record.to_str().expect("it is text");
    for (lang, simulated) in [("en", "SIMULATED"), ("zh", "模拟")] {
        let output = xmc(&["demo", "--lang", lang, "--seconds", "2", "--record", path]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let why = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{text}{why}");
        assert!(text.contains(simulated), "{text}");
        assert!(text.contains("xmc audit verify"), "{text}");
    }
}

/// Gates of the summary have their names in the language of the rest, and their words beside.
#[test]
fn the_summary_names_gates_in_its_language() {
    let scratch = Scratch::new("demo_gates");
    let record = scratch.path("record");
    let path = record.to_str().expect("it is text");
    let args = ["demo", "--plain", "--lang", "zh", "--seconds", "3", "--record", path];
    let output = xmc(&args);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let summary = text.split_once("共运行").expect("a summary").1;
    let rows: Vec<_> = summary.lines().filter(|line| line.starts_with("    ")).collect();
    assert!(!rows.is_empty(), "something is held back: {text}");
    for row in rows {
        assert!(row.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{row}");
        assert!(row.chars().any(|c| c.is_ascii_lowercase()), "{row}");
    }
}

/// Every UDP socket and every TCP listener of the demonstration, venues and engine alike, as the
/// kernel names them.
fn targets(pid: u32) -> Vec<Target> {
    let start = Instant::now();
    // Datagrams: lines A and B of both feeds, which the engine keeps (it leaves the four groups of
    // definitions and snapshots once it has caught up), and requests to the counter. Streams:
    // orders, query, counter and two ledgers.
    let all = loop {
        let all = Sockets::of(pid);
        if all.listeners.len() >= 5
            && all.udp.iter().filter(|at| at.ip().is_multicast()).count() >= 4
        {
            break all;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "the demonstration opens {all:?}");
        std::thread::sleep(Duration::from_millis(50));
    };
    let reached = |at: SocketAddrV4| match at.ip().is_unspecified() {
        true => SocketAddrV4::new(Ipv4Addr::LOCALHOST, at.port()),
        false => at,
    };
    let datagrams = all.udp.into_iter().map(|at| match at.ip().is_multicast() {
        true => Target::Multicast(at, InterfaceChoice::LOOPBACK),
        false => Target::Udp(reached(at).into()),
    });
    let streams = all.listeners.into_iter().map(|at| Target::Tcp(reached(at).into()));
    datagrams.chain(streams).collect()
}

#[test]
fn garbage_at_every_port_of_the_demo_moves_counters_and_nothing_else() {
    let scratch = Scratch::new("demo_garbage");
    let record = scratch.path("record");
    let path = record.to_str().expect("it is text");
    let mut demo = command(&["demo", "--json", "--seconds", "10", "--record", path]);
    let demo = demo.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("xmc runs");
    // While it still opens and then while it trades.
    let targets = targets(demo.id());
    let barrage = Barrage::start(Garbage::new(11), &targets, 4_000);
    std::thread::sleep(Duration::from_secs(8));
    let fired = barrage.stop();
    let output = demo.wait_with_output().expect("it ends");
    let demo = report(&output);
    println!("{} targets: {fired:?}\n{}", targets.len(), demo["feeds"]);
    assert!(fired.datagrams > 5_000 && fired.connections > 50, "{fired:?}");
    assert_eq!(output.status.code(), Some(0), "{demo}");
    for feed in demo["feeds"].as_array().expect("two feeds") {
        assert!(count(feed, "refused") > 500 && count(feed, "quotes") > 10, "{feed}");
        assert_eq!(count(feed, "gaps"), 0, "{feed}");
    }
    for key in ["feeds_usable", "positions_agree"] {
        assert_eq!(demo[key], true, "{key} in {demo}");
    }
    // A machine that is late may be too late for a fire's second leg, or hear of an order only
    // after its deadline: lots are out of ratio in a spread that is halted, and nothing is wrong.
    // Garbage that was believed would be refused orders, fills that one side knows alone, a record
    // that differs, or an alert: a foreign order, a fill that cannot be, a gap.
    for key in ["rejects", "live_orders", "hot_allocations"] {
        assert_eq!(count(&demo, key), 0, "{key} in {demo}");
    }
    let alerts =
        xmc(&["audit", "report", path, "--recount", "--sheet", "alerts", "--format", "csv"]);
    let alerts = String::from_utf8(alerts.stdout).expect("UTF-8");
    let mut rows = alerts.lines();
    assert_eq!(rows.next(), Some("alert,count"), "{alerts}");
    for row in rows {
        // Venues that get no time to send at make their clocks look as if they had been set.
        let is_late = ["broken_spread,", "order_unknown,", "clock_step,"];
        assert!(is_late.iter().any(|word| row.starts_with(word)), "{alerts}");
    }
    assert_eq!(demo["ledger_fills"], demo["fills"], "{demo}");
    assert_eq!(count(&demo, "aligned") + count(&demo, "broken"), count(&demo, "fires"), "{demo}");
    for key in ["is_whole", "replays_equal"] {
        assert_eq!(demo["journal"][key], true, "{key} in {demo}");
    }
    assert!(count(&demo, "round_trips") >= 2, "{demo}");
}
