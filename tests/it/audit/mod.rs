//! Verify: what it finds, where, and what it calls it. Stories, queries and reports against what
//! simulated venues know.

mod cli;
mod damage;
mod duckdb;
mod gates;
mod index;
mod note;
mod prove;
mod report;
pub mod rig;
mod rules;
mod serve;
mod story;
mod witness;
