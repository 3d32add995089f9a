//! Ports: capture files and the datagrams in their frames; sockets over loopback, also under fire.

mod capture;
mod datagram;
mod garbage;
pub mod interface;
mod line;
mod pair;
mod tcp;
mod udp;
pub mod xdp;

use std::thread::yield_now;
use std::time::{Duration, Instant};

/// What is sent over loopback is there at once, if the machine is not busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks until there is an answer.
fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        yield_now();
    }
}

/// Looks long enough for what was sent over loopback to have come.
pub fn never<T: std::fmt::Debug>(what: &str, mut ask: impl FnMut() -> Option<T>) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(50) {
        if let Some(answer) = ask() {
            panic!("{what}: {answer:?}");
        }
        yield_now();
    }
}
