//! The hot path: from the bytes of a market-data packet to the bytes of the orders that answer it.
//!
//! Everything here runs on pinned, busy-polling cores. It never allocates, locks, logs, sleeps,
//! divides or uses floats, and no entry point can reach a panic: `hotpath/probe` is a library that
//! links only if that is so. Storage is made by the cold side (`cross_market_connect`) and lent
//! here at start. Sockets are not here either: they are ports (`port`) that the cold side brings.
//!
//! Read in this order: `message` (what flows), `desk` (the deterministic state machine), `stage`
//! (the one loop), `record` (what is kept), then the venue that interests you.
#![no_std]
#![deny(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::integer_division,
    clippy::panic,
    clippy::todo,
    clippy::unimplemented,
    clippy::unreachable,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm
)]

#[cfg(not(target_endian = "little"))]
compile_error!("wire layouts are read in place: the hot path needs a little-endian target");

pub mod book;
pub mod counter;
pub mod desk;
pub mod execute;
pub mod feed;
pub mod gateway;
pub mod message;
pub mod order;
pub mod port;
pub mod price;
pub mod record;
pub mod ring;
pub mod risk;
pub mod rule;
pub mod spread;
pub mod stage;
pub mod sync;
pub mod time;
pub mod venue;
pub mod wire;
