//! What a person sees: the figures against a model and against the desk, the screen cell by cell.

mod plain;
mod rig;
mod screen;
mod tally;
mod terminal;
