//! Simulation: markets and venues that exist nowhere, reproducible from a seed.

pub mod generator;
