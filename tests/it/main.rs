//! The integration tests: one binary whose modules mirror the two source trees.
//!
//! Tests that read the shared captures, oracles, schemas and vectors go through `shared`, which
//! skips loudly when they are missing and fails when `XMC_REQUIRE` names `data`. Tests in network
//! namespaces go through `netns`, which does the same for `netns`.

mod alert;
mod aside;
mod audit;
mod balance;
mod book;
mod calendar;
mod capital;
mod cli;
mod compliance;
mod config;
mod conformance;
mod control;
mod counter;
mod counters;
mod desk;
mod engine;
mod execute;
mod feed;
mod firing;
mod fuzz;
mod garbage;
mod gateway;
mod governance;
mod guard;
mod hedge;
mod host;
mod journal;
mod metrics;
mod monitor;
mod netns;
mod offset;
mod order;
mod percentiles;
mod place;
mod port;
mod price;
mod record;
mod recovery;
mod resync;
mod ring;
mod risk;
mod rule;
mod shared;
mod sim;
mod spread;
mod stage;
mod tidy;
mod time;
mod topology;
mod venue;
mod wire;
