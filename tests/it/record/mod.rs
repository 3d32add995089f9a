//! The record: ring, codec and frames, against models.

mod ring;
