//! SMDP 2.0 on the cold side: MDQP, the query service over TCP, both ways (logon, snapshot, missed
//! packets), and the making of MIRP packets for the simulated venue and for tests.
//!
//! MIRP is written from the layouts that the hot path reads (`xmc_hotpath::venue::shfe::smdp`);
//! MDQP has its own here, because nothing of it runs on a hot core. Sans-IO throughout: bytes and
//! times in, bytes and typed results out. What is SOURCED and UNPROVEN is told beside the hot twin.

pub mod client;
pub mod contract;
pub mod day;
pub mod decimal;
pub mod layout;
pub mod message;
pub mod mirp;
pub mod seed;
pub mod slice;
pub mod snapshot;
