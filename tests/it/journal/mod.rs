//! The journal: the ring's memory, writing, reading back, and what is left after a crash.

mod desk;
mod memory;
mod scratch;
mod shm;
mod write;
