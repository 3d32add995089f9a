//! Verify: what it finds, where, and what it calls it.

mod cli;
mod damage;
mod note;
mod prove;
mod rules;
mod witness;
