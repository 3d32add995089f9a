//! The start of feeds and their recovery while they run, against the simulated venues.

mod covered;
pub mod live;
mod mdp3;
mod replica;
