//! TCP replay of MDP 3.0: packets of the last 24 hours, asked for by their numbers.
//!
//! A connection carries one request. The client logs on and asks in FIX text; the exchange answers
//! with the packets as they were, at most 2,000, each behind two bytes of length, and logs out.
//! "Not a performance-based recovery": it is asked where nothing quicker helps.
//!
//! Sources: client wiki pages 46466060 (what is sent, 2,000 packets, logout with a reason in tag 58
//! if refused, the exchange closes), 46183483 (tags 1182 and 1183 are 1 to 4294967295), and its
//! page on the limits (requests in FIX text, answers in SBE, 24 hours). UNPROVEN, from an open
//! client and no page of the exchange: the order of the fields, that a message begins with tag 9
//! and has no tag 8, that tags 553 and 554 have user and password, that tag 262 is channel and
//! count, the two bytes of length (little-endian) before each packet, that the answer to the logon
//! is packet 1 of the connection, and that nothing but packets, heartbeats and a logout follows it.
//!
//! Not here: sockets (`recovery::replica::sockets`), when to ask (`recovery::replica::mdp3`), the
//! exchange's side (`venue::cme::simulated`).

mod client;
pub mod text;

pub use client::{Asked, Login, MOST_PACKETS, ReplayClient, ReplayError};

/// Bytes of the length before each packet.
pub const LENGTH_BYTES: usize = 2;
