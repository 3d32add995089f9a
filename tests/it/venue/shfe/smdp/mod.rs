//! SMDP 2.0: every vector, a second decoder, damage, books, heartbeats and the query service.

mod books;
mod client;
mod decimal;
mod feed;
pub mod kit;
mod messages;
mod packet;
pub mod plain;
mod snapshot;
pub mod vectors;
