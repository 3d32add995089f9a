//! The command line.

mod calendar;
mod capital;
mod conformance;
mod control;
mod decode_check;
mod demo;
mod explain;
mod feeds;
mod frame;
mod guard;
mod host;
mod inspect;
mod manual;
mod netlab;
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
pub mod venue;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits until no other of those tests runs that fill the machine, or need some of it: two such at
/// once measure each other.
pub fn alone() -> MutexGuard<'static, ()> {
    static MACHINE: Mutex<()> = Mutex::new(());
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}
