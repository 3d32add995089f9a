//! SMDP 2.0: every vector, a second decoder, damage, books, heartbeats and the query service.

mod client;
mod decimal;
mod messages;
mod packet;
mod plain;
mod snapshot;
mod vectors;
