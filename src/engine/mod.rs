//! The engine: a configuration made into stages, rings and cores.
//!
//! `inputs` turns a configuration into what the desk is told, `memory` makes what the hot stages
//! work in, `sockets` opens what the configuration names outside this process, `logon` logs its
//! gateways on and `sessions` does so again, `feed` and `gateway` make one stage of a protocol,
//! `wire` joins the stages, `counters` is what all of it counts, `core` runs them on a core,
//! `threads` names them, `hold` holds the host meanwhile, `recording` opens the record, `live` does
//! all of that and watches it run. `recovering` keeps books of its own for feeds that lose theirs,
//! `hours` knows when the desk's markets trade, `limits` takes over the price limits that venues
//! tell, `quiet` finds instruments that have stopped moving, `clocks` watches those of this host
//! and of venues, `score` compares lines A and B, and `telling` tells the desk what follows, also
//! of what operators have signed, which `controlling` takes in, and of the money that its orders
//! use (`capital`). `witnessing` signs the record and has it kept elsewhere, `alerting` tells
//! people outside, `resyncing` compares the desk with what venues say, `shadow` follows it with a
//! second desk, `snapshotting` keeps its state, `replay` does so with a record of the past, and
//! `carry` makes of the last run's end what the next begins with.
//! Called by the commands.

pub mod alerting;
pub mod capital;
pub mod carry;
pub mod clocks;
pub mod controlling;
pub mod core;
pub mod counters;
pub mod feed;
mod follower;
pub mod gateway;
pub mod hold;
pub mod hours;
pub mod inputs;
pub mod interfaces;
pub mod latency;
pub mod lease;
pub mod limits;
pub mod live;
pub mod logon;
pub mod memory;
pub mod opening;
pub mod quiet;
pub mod recording;
pub mod recovering;
pub mod replay;
pub mod resyncing;
pub mod score;
pub mod sessions;
pub mod shadow;
pub mod snapshotting;
pub mod sockets;
pub mod telling;
pub mod threads;
pub mod wire;
pub mod witnessing;
