//! The command line.

mod calendar;
mod capital;
mod conformance;
mod control;
mod decode_check;
mod demo;
mod explain;
mod feeds;
mod frame;
mod guard;
mod host;
mod inspect;
mod manual;
mod netlab;
mod plan;
mod replay;
pub mod run;
mod score;
mod second;
mod secrets;
mod sim;
mod sockets;
mod statistics;
mod stress;
mod top;
pub mod venue;
