//! Builds MDP 3.0 packets: for the simulated venue, for tests and for generated captures.
//!
//! Writes the layouts that the hot path reads, so a packet and its decoding cannot drift apart;
//! that the layouts are right is proved elsewhere, against the exchange's XML. It keeps no state:
//! sequence numbers, `RptSeq` and the events are the caller's, and so is keeping a packet below the
//! network's limit (`PacketBuilder::len`). Groups that the engine never reads are sent empty.

mod entry;
mod packet;
pub mod replay;
pub mod tape;

pub use entry::{
    BookChange, DailyFigure, FutureTerms, SnapshotMark, TradePrint, limits_entry,
    session_statistic, snapshot_level, volume_entry,
};
pub use packet::{EventMark, Generation, PacketBuilder};
