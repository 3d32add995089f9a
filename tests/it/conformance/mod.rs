//! Conformance: what an exchange asks of whoever connects to it, each case a test of its own, over
//! real sockets.

pub mod feeds;
mod orders;
mod rig;
