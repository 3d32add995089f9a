//! The record: ring, codec and frames, against models.

pub mod arbitrary;
mod frame;
mod ring;
