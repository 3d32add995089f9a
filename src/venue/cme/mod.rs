//! CME, cold side.

pub mod channels;
pub mod ilink3;
pub mod mdp3;
pub mod paper;
pub mod simulated;
