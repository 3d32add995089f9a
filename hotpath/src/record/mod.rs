//! The record: what the desk was told and what it did, in order, as bytes.
//!
//! `codec` is the canonical encoding of fields, `frame` that of whole records, `ring` the
//! shared-memory ring that outlives the process. Writing them to disk, chaining, sealing and
//! verifying is the cold side's work (`cross_market_connect::journal`, `::audit`).

pub mod codec;
pub mod frame;
pub mod ring;
