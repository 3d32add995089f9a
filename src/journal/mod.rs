//! The record on disk: the ring's memory, and from there sealed, hash-chained segments.

pub mod disk;
pub mod shm;
