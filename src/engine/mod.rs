//! The engine: a configuration made into stages, rings and cores.
//!
//! `inputs` turns a configuration into what the desk is told, `memory` makes what the hot stages
//! work in, `sockets` opens what the configuration names outside this process, `wire` joins the
//! stages, `core` runs them, `recording` opens the record, and `replay` runs a record through a
//! fresh desk. Called by the commands.

pub mod core;
pub mod inputs;
pub mod latency;
pub mod memory;
pub mod recording;
pub mod replay;
pub mod sockets;
pub mod wire;
