//! Where the threads of an engine are and what it holds of its host, as the kernel says.

use crate::journal::scratch::Scratch;
use cross_market_connect::engine::core::promote;
use cross_market_connect::host::process::{IPC_LOCK, capability};
use cross_market_connect::topology::Sched;
use cross_market_connect::topology::host::{Host, of_list};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// As long as an engine may take to be there on a machine that does other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// The demonstration's configuration as files, with an edit of its topology: one hot executor that
/// spins on core 1, and a cold one on core 0.
fn files(scratch: &Scratch, edit: (&str, &str)) -> PathBuf {
    let names =
        ["demo.toml", "demo_market.toml", "demo_limits.toml", "topology_demo_one_core.toml"];
    for name in names {
        let mut text = fs::read_to_string(Path::new("config").join(name)).expect("a sample");
        if name.starts_with("topology") {
            assert!(text.contains(edit.0), "the sample has no {:?}", edit.0);
            text = text.replace(edit.0, edit.1);
        }
        fs::write(scratch.path(name), text).expect("a file for the test");
    }
    scratch.path("demo.toml")
}

/// They want the same core, and one of them for itself.
static TURN: Mutex<()> = Mutex::new(());

/// An engine that runs.
struct Running {
    _turn: MutexGuard<'static, ()>,
    child: Option<Child>,
    _scratch: Scratch,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Running {
    /// `None`, said loudly, on a machine of one core.
    fn start(name: &str, edit: (&str, &str)) -> Option<Self> {
        let host = Host::here().expect("cores can be read");
        if !(host.allowed.contains(&0) && host.allowed.contains(&1)) {
            eprintln!("SKIPPED for want of cores 0 and 1");
            return None;
        }
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let scratch = Scratch::new(name);
        let (config, record) = (files(&scratch, edit), scratch.path("record"));
        let child = Command::new(env!("CARGO_BIN_EXE_xmc"))
            .args(["demo", "--json", "--seconds", "120", "--config"])
            .arg(config)
            .arg("--record")
            .arg(record)
            .stdout(Stdio::piped())
            .spawn()
            .expect("xmc runs");
        Some(Self { _turn: turn, child: Some(child), _scratch: scratch })
    }

    fn folder(&self) -> PathBuf {
        let child = self.child.as_ref().expect("it runs");
        PathBuf::from(format!("/proc/{}", child.id()))
    }

    /// The threads by their names, once there is one of this name.
    fn threads(&self, name: &str) -> BTreeMap<String, PathBuf> {
        let begun = Instant::now();
        loop {
            let tasks = fs::read_dir(self.folder().join("task")).expect("it runs").flatten();
            let named = tasks.filter_map(|task| {
                let comm = fs::read_to_string(task.path().join("comm")).ok()?;
                Some((comm.trim().to_owned(), task.path()))
            });
            let threads: BTreeMap<_, _> = named.collect();
            if threads.contains_key(name) {
                return threads;
            }
            assert!(begun.elapsed() < PATIENCE, "no thread {name} among {threads:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks it to end, as Ctrl-C does.
    fn end(mut self) -> Value {
        let child = self.child.take().expect("it runs");
        let asked = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(asked.expect("kill is everywhere").success());
        let output: Output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

/// A row of `status`.
fn row(thread: &Path, name: &str) -> String {
    let status = fs::read_to_string(thread.join("status")).expect("it runs");
    let row = status.lines().find_map(|row| row.strip_prefix(name)).expect("the row is there");
    row.trim_start_matches(':').trim().to_owned()
}

/// A field of `stat`, counted from 1, after the name: `proc_pid_stat(5)`.
fn field(thread: &Path, number: usize) -> u64 {
    let stat = fs::read_to_string(thread.join("stat")).expect("it runs");
    let (_, rest) = stat.rsplit_once(')').expect("the name is closed");
    rest.split_whitespace().nth(number - 3).expect("the field").parse().expect("a number")
}

fn is_privileged() -> bool {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    capability(&status, IPC_LOCK) == Some(true)
}

const NO_EDIT: (&str, &str) = ("idle = \"spin\"", "idle = \"spin\"");

#[test]
fn threads_have_names_and_are_where_the_topology_says() {
    let Some(running) = Running::start("placed", NO_EDIT) else { return };
    let threads = running.threads("xmc-core-1");
    let hot = &threads["xmc-core-1"];
    let begun = Instant::now();
    // It waits for the others before it begins, and is pinned by then.
    while row(hot, "Cpus_allowed_list") != "1" {
        assert!(begun.elapsed() < PATIENCE, "it may run on {}", row(hot, "Cpus_allowed_list"));
        std::thread::sleep(Duration::from_millis(5));
    }
    // Two cores are too few to keep one of them free of cold threads.
    let is_kept = Host::here().expect("cores can be read").allowed.len() > 2;
    for (name, thread) in &threads {
        if is_kept && name.starts_with("xmc-") && name != "xmc-core-1" {
            let allowed = of_list(&row(thread, "Cpus_allowed_list")).expect("a list");
            assert!(!allowed.contains(&1), "{name} may run on {allowed:?}");
        }
    }
    assert_eq!(row(&threads["xmc-journal"], "Cpus_allowed_list"), "0", "it has a core");
    for name in ["xmc-journal", "xmc-recovery", "xmc-snapshot"] {
        assert!(threads.contains_key(name), "{:?}", threads.keys());
    }
    let report = running.end();
    assert_eq!(report["host"]["are_cores_kept"].as_bool(), is_kept.then_some(true));
}

#[test]
fn memory_is_locked_and_no_page_is_missing_on_a_hot_core() {
    let Some(running) = Running::start("locked", NO_EDIT) else { return };
    let hot = running.threads("xmc-core-1").remove("xmc-core-1").expect("found");
    if !is_privileged() {
        eprintln!("SKIPPED for want of CAP_IPC_LOCK: memory cannot be locked");
        let report = running.end();
        assert_eq!(report["host"]["is_memory_locked"], false);
        let refused = report["host"]["refused"].to_string();
        assert!(refused.contains("LimitMEMLOCK=infinity"), "{refused}");
        return;
    }
    let locked = row(&hot, "VmLck");
    assert_ne!(locked, "0 kB");
    // It has begun when it uses time; then it goes through what it was made with.
    let begun = Instant::now();
    while field(&hot, 14) < 100 {
        assert!(begun.elapsed() < PATIENCE, "it does not run");
        std::thread::sleep(Duration::from_millis(20));
    }
    let faults = || field(&hot, 10) + field(&hot, 12);
    let before = faults();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(faults(), before, "pages were missing");
    let files = fs::read_dir(running.folder().join("fd")).expect("it is ours").flatten();
    let holds = files.filter_map(|file| fs::read_link(file.path()).ok());
    let is_held = holds.into_iter().any(|path| path == Path::new("/dev/cpu_dma_latency"));
    let report = running.end();
    assert_eq!(report["host"]["is_memory_locked"], true);
    assert_eq!(report["host"]["is_latency_held"], is_held);
    assert_eq!(is_held, Path::new("/dev/cpu_dma_latency").exists());
}

#[test]
fn a_real_time_engine_begins_trades_and_ends() {
    let promoted = std::thread::spawn(|| promote(Sched::Fifo(50)).is_ok()).join();
    if !promoted.expect("it does not panic") {
        eprintln!("SKIPPED for want of CAP_SYS_NICE: real-time threads are refused");
        return;
    }
    // It sleeps between polls: one that spins would take the core from all other tests.
    let edit = ("idle = \"spin\"", "idle = \"sleep\"\nsched = \"fifo:50\"");
    let Some(running) = Running::start("fifo", edit) else { return };
    let threads = running.threads("xmc-core-1");
    let hot = &threads["xmc-core-1"];
    let begun = Instant::now();
    // Priority, and 1 for SCHED_FIFO.
    while (field(hot, 40), field(hot, 41)) != (50, 1) {
        assert!(begun.elapsed() < PATIENCE, "priority {}", field(hot, 40));
        std::thread::sleep(Duration::from_millis(5));
    }
    let cold = &threads["xmc-journal"];
    assert_eq!((field(cold, 40), field(cold, 41)), (0, 0), "only the hot thread is promoted");
    assert_eq!(running.end()["positions_agree"], true);
}

/// `xmc run` of an edited topology, which is to be refused before anything is opened.
fn refused(name: &str, edit: (&str, &str)) -> String {
    let scratch = Scratch::new(name);
    let (config, record) = (files(&scratch, edit), scratch.path("record"));
    let output = Command::new(env!("CARGO_BIN_EXE_xmc"))
        .args(["run", "--seconds", "1", "--config"])
        .arg(config)
        .arg("--record")
        .arg(&record)
        .output()
        .expect("xmc runs");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(!record.exists(), "nothing was begun");
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn a_topology_that_this_machine_cannot_run_is_refused_at_the_start() {
    let said = refused("absent", ("core = 1\n", "core = 1023\n"));
    assert!(said.contains("core 1023 is not online"), "{said}");
    assert!(said.contains("--unpinned"), "{said}");
    let said = refused("rivals", ("core = 1\n", "core = 0\nsched = \"fifo:50\"\n"));
    assert!(said.contains("a real-time thread polls on core 0, which others need"), "{said}");
}
