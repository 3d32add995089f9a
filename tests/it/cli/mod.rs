//! The command line.

mod inspect;
mod plan;
mod replay;
mod sim;
mod venue;
