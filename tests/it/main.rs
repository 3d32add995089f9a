//! The integration tests: one binary whose modules mirror the two source trees.
//!
//! Tests that read the shared captures, oracles, schemas and vectors go through `shared`, which
//! skips loudly when they are missing and fails when `XMC_REQUIRE` names `data`.

mod book;
mod cli;
mod config;
mod feed;
mod journal;
mod port;
mod record;
mod shared;
mod sim;
mod topology;
mod venue;
