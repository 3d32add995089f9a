//! CME: MDP 3.0 and iLink 3 against the exchange's XML, a real capture and golden frames.

pub mod channels;
pub mod ilink3;
mod mdp3;
mod sbe_schema;
pub mod simulated;
