//! The command line.

mod calendar;
mod decode_check;
mod demo;
mod explain;
mod feeds;
mod inspect;
mod plan;
mod replay;
mod run;
mod sim;
mod sockets;
mod venue;
