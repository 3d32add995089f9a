//! The command line.

mod backtest;
mod balance;
mod bench;
mod calendar;
mod capital;
mod captures;
mod compliance;
mod conformance;
mod control;
mod decode_check;
mod demo;
mod demo_balance;
mod demo_book;
mod explain;
mod feeds;
mod frame;
mod govern;
mod guard;
mod hedge;
mod host;
mod inspect;
mod latency;
mod manual;
mod netlab;
mod nothing;
mod page;
mod percentiles;
mod plan;
mod replay;
pub mod run;
mod score;
mod second;
mod secrets;
mod sim;
mod sockets;
mod statistics;
mod stress;
mod top;
mod tracer;
pub mod venue;

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A path as an argument.
pub fn text_of(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// What `xmc --json` with these words ends with: exit code and report, or what it complained of.
pub fn report_of(words: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_xmc")).arg("--json").args(words).output();
    let output = output.expect("xmc runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_str(&text).unwrap_or(Value::String(why));
    (output.status.code().expect("it ends by itself"), report)
}

/// Waits until no other of those tests runs that fill the machine, or need some of it: two such at
/// once measure each other.
pub fn alone() -> MutexGuard<'static, ()> {
    static MACHINE: Mutex<()> = Mutex::new(());
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}
