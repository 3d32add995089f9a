//! The journal: the ring's memory, writing, reading back, and what is left after a crash.

mod chain;
mod crash;
pub mod desk;
mod failing;
mod flips;
mod keep;
mod kill;
pub mod memory;
pub mod platter;
pub mod scratch;
mod second;
mod shm;
mod snapshot;
mod tree;
pub mod write;
