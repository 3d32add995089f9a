//! The engine: a configuration made into stages, rings and cores.
//!
//! `inputs` turns a configuration into what the desk is told, `memory` makes what the hot stages
//! work in, `replay` runs a record through a fresh desk. Called by the commands.

pub mod inputs;
pub mod memory;
pub mod replay;
