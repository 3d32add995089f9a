//! Metrics: names, both formats, who is answered, and what a real Prometheus makes of them.

mod client;
mod demo;
mod monitoring;
mod names;
mod prometheus;
mod serve;
mod text;

use crate::shared::is_required;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// How long anything may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `found` is.
fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn xmc(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(args).output().expect("xmc runs")
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("it is text")
}

/// Whether Prometheus and its tool are here; their want is said loudly.
fn has_prometheus() -> bool {
    let is_there = |program: &str| {
        let asked = Command::new(program).arg("--version").output();
        asked.is_ok_and(|output| output.status.success())
    };
    if is_there("promtool") && is_there("prometheus") {
        return true;
    }
    assert!(!is_required("prometheus"), "XMC_REQUIRE names prometheus, but it does not start");
    eprintln!("SKIPPED for want of prometheus and promtool: Debian's package `prometheus`");
    false
}

/// Has promtool read text of version 0.0.4 and say what is wrong with it.
fn promtool_reads(text: &str) {
    use std::io::Write;
    use std::process::Stdio;
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(text.as_bytes()).expect("promtool reads");
    drop(stdin);
    let said = child.wait_with_output().expect("it ends");
    assert!(said.status.success() && said.stderr.is_empty(), "{said:?}");
}
