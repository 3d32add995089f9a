//! CME, cold side.

pub mod ilink3;
