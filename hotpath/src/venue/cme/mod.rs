//! CME Group: market data (MDP 3.0) and order entry (iLink 3), both on Simple Binary Encoding.

pub mod ilink3;
pub mod mdp3;
pub mod sbe;
