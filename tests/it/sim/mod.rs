//! The simulated market and venues.

mod generator;
