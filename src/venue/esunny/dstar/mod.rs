//! DSTAR, the cold half: a client's logon, and a simulated counter.
//!
//! The counter here is a SIMULATION of this project: its datagrams are the vendor's public ones,
//! its TCP stream is not (see `simulated_counter` of the hot half). It is sans-IO: bytes and
//! exchange events go in, bytes and exchange requests come out; sockets are the venue process's.

pub mod counter;
mod ledger;
pub mod logon;
mod orders;
pub mod paper;
pub mod plain;
pub mod reply;
pub mod request;
pub mod sweep;
pub mod wish;
