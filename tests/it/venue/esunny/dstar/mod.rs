//! DSTAR: requests against a second encoder, replies cut and turned, the session's news, and a
//! session with the simulated counter before an exchange.

mod counter;
mod datagrams;
mod day;
mod logon;
mod lost;
mod plain;
mod requests;
pub mod rig;
mod session;
mod sockets;
pub mod venue;
