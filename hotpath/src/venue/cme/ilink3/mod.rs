//! CME iLink 3 order entry: frames, the three requests as templates, and the exchange's reports.
//!
//! `layout` is the wire, `encode` patches requests, `decode` reads the stream, `session` ties them
//! to the gateway stage. The logon and its signatures are not here: the cold side logs on and hands
//! the session over when it stands. Called by the gateway stage; the simulated venue answers with
//! the same layouts.

pub mod decode;
pub mod encode;
pub mod layout;
pub mod session;
