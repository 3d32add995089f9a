//! The command line.

mod explain;
mod inspect;
mod plan;
mod replay;
mod sim;
mod venue;
