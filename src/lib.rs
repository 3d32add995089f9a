//! cross_market_connect: the cold side of the engine (std), around the hot path (`xmc_hotpath`).
//!
//! Recovery, configuration, wiring, ports, the record on disk, the simulator and the command line
//! live here. The dependency goes one way: nothing in `hotpath/` knows this crate.
#![deny(unsafe_code)]

pub mod alert;
pub mod allocation;
pub mod aside;
pub mod audit;
pub mod balance;
pub mod calendar;
pub mod capital;
pub mod cli;
pub mod clock;
pub mod compliance;
pub mod config;
pub mod conformance;
pub mod control;
pub mod counters;
pub mod engine;
pub mod feed;
pub mod governance;
pub mod guard;
pub mod hedge;
pub mod hex;
pub mod host;
mod http;
pub mod interrupt;
pub mod journal;
pub mod metrics;
pub mod monitor;
pub mod percentiles;
pub mod port;
pub mod recovery;
mod replace;
pub mod resync;
pub mod rule;
mod sealed;
pub mod secret;
pub mod sim;
pub mod topology;
pub mod venue;
