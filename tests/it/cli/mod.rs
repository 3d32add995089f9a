//! The command line.

mod inspect;
mod plan;
mod replay;
