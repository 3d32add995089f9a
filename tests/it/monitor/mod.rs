//! What a person sees: the figures against a model and against the desk, the screen cell by cell,
//! the screen for browsers over its sockets.

mod plain;
mod rig;
mod screen;
mod tally;
mod terminal;
pub mod web;
