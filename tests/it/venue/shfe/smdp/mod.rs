//! SMDP 2.0: every vector, a second decoder, damage, books, heartbeats and the query service.

mod decimal;
mod messages;
mod packet;
mod plain;
mod vectors;
