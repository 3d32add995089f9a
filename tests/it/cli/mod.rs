//! The command line.

mod calendar;
mod demo;
mod explain;
mod inspect;
mod plan;
mod replay;
mod run;
mod sim;
mod sockets;
mod venue;
