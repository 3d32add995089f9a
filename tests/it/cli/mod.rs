//! The command line.

mod inspect;
