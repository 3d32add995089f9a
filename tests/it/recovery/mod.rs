//! The cold start of feeds, against the simulated venues.

mod covered;
mod live;
mod mdp3;
