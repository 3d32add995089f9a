//! What a hot thread asks of the kernel while it trades, seen by `strace`.

use super::alone;
use super::run::Engine;
use crate::journal::scratch::Scratch;
use crate::shared::is_required;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
const NAP: Duration = Duration::from_millis(50);
/// What the ports of the demonstration are made of: datagrams and streams, received and sent. A
/// topology that yields gives its core away between two polls.
const PORTS: [&str; 5] = ["recvfrom", "recvmsg", "sendto", "sendmsg", "sched_yield"];

/// The thread that runs the stages of process `pid`.
fn hot_thread(pid: u32) -> String {
    let start = Instant::now();
    loop {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("the process is there");
        let paths = threads.flatten().map(|thread| thread.path());
        let is_hot = |path: &PathBuf| {
            let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
            name.starts_with("xmc-core-") || name.starts_with("xmc-stages-")
        };
        if let Some(path) = paths.into_iter().find(is_hot) {
            return path.file_name().expect("a number").to_string_lossy().into_owned();
        }
        assert!(start.elapsed() < PATIENCE, "no thread runs stages");
        sleep(NAP);
    }
}

/// Calls by name, as `strace` has written them.
fn calls(written: &str) -> BTreeMap<&str, u64> {
    let names = written.lines().filter_map(|line| line.split_once('(')).map(|(name, _)| name);
    let is_name =
        |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let mut counts = BTreeMap::new();
    names.filter(is_name).for_each(|name| *counts.entry(name).or_default() += 1);
    counts
}

#[test]
fn a_hot_thread_asks_the_kernel_for_nothing_but_its_ports() {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        assert!(!is_required("strace"), "XMC_REQUIRE names strace, and there is none");
        return eprintln!("SKIPPED for want of strace");
    }
    let _alone = alone();
    let scratch = Scratch::new("tracer");
    let (record, written) = (scratch.path("record"), scratch.path("calls"));
    let mut demo = Command::new(env!("CARGO_BIN_EXE_xmc"));
    demo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["demo", "--json", "--seconds", "20"]);
    demo.arg("--record").arg(&record).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut demo = Engine(demo.spawn().expect("xmc runs"));
    let thread = hot_thread(demo.0.id());
    // Once it runs: what it does before its first round is no message's.
    sleep(Duration::from_secs(2));
    let mut strace = Command::new("strace");
    strace.args(["-q", "-p", &thread, "-o"]).arg(&written).stderr(Stdio::null());
    let mut strace = Engine(strace.spawn().expect("strace runs"));
    let start = Instant::now();
    let sent = loop {
        sleep(NAP);
        let text = fs::read_to_string(&written).unwrap_or_default();
        let sent = calls(&text).get("sendto").copied().unwrap_or_default();
        // Several orders, on a machine that is in no hurry.
        if sent >= 4 || start.elapsed() > Duration::from_secs(12) {
            break sent;
        }
    };
    let _ = Command::new("kill").args(["-INT", &strace.0.id().to_string()]).status();
    let _ = strace.0.wait();
    let text = fs::read_to_string(&written).expect("strace has written it");
    let calls = calls(&text);
    let others: Vec<_> = calls.keys().filter(|name| !PORTS.contains(name)).collect();
    let lines = || text.lines().filter(|line| others.iter().any(|name| line.starts_with(**name)));
    assert!(others.is_empty(), "{calls:?}: {:?}", lines().take(5).collect::<Vec<_>>());
    assert!(calls.get("recvfrom").is_some_and(|count| *count > 100), "{calls:?}");
    let (code, out, why) = demo.rest();
    assert_eq!(code, Some(0), "{why}");
    let report: Value = serde_json::from_str(&out).expect("a report");
    assert!(sent >= 1, "no order was seen, of {}: {calls:?}", report["orders"]);
    assert_eq!(report["hot_allocations"], 0);
}
