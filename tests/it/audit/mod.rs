//! Verify: what it finds, where, and what it calls it. Stories, queries and reports against what
//! simulated venues know.

mod cli;
mod damage;
mod gates;
mod note;
mod prove;
mod rig;
mod rules;
mod story;
mod witness;
