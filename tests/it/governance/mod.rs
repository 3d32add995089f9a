//! Governance: what a register takes, what it refuses and why, and who may start an engine.

mod admission;
mod chain;
mod effect;
mod evidence;
mod items;
mod people;
pub mod rig;
