//! Verify: what it finds, where, and what it calls it.

mod cli;
mod damage;
mod rules;
