//! DSTAR V10 UDP order entry: requests as datagrams, replies as structs of the vendor's library.
//!
//! `layout` is the wire in its two live generations, `encode` the requests as templates, `decode`
//! the replies, `session` ties them to the gateway stage. Requests are public: byte-packed structs
//! of the vendor's headers. Logon over TCP, and how replies are told apart on their stream, live in
//! the vendor's library: they stay behind `session::CounterSession`, and the only one here is
//! `simulated_counter`, which is not the vendor's.
//!
//! No public sample of any datagram exists, so what is written here has been checked against the
//! field tables only. What is not even in those is marked UNPROVEN where it stands.

pub mod decode;
pub mod encode;
pub mod layout;
pub mod requests;
pub mod session;
pub mod simulated_counter;
