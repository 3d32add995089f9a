//! From datagrams on two lines to quotes: arbitration, books, the channel's state.
//!
//! `arbiter` decides which packet to apply, `channel` holds the books and tells the desk what they
//! are and what they are worth, `stage` polls a port and joins the two through a venue's
//! `Protocol`. Storage comes from the cold side. Not here: sockets, snapshots, reference data.

mod arbiter;
mod channel;
mod counters;
mod digest;
mod handover;
mod held;
mod line;
mod mend;
mod pulse;
mod rejoin;
mod sequence;
mod stage;
mod verdict;

pub use arbiter::Arbiter;
pub use channel::{Channel, ChannelSettings, Join};
pub use counters::{FeedCounters, LEAD_BUCKETS, LineCounters, MAX_REFUSALS};
pub use digest::digest;
pub use handover::{Asked, Handed, HandedOf, RejoinStorage, Request};
pub use held::{Digest, HELD_BYTES, Held};
pub use pulse::{FrozenLimits, Pulse, Session};
pub use sequence::SeqNo;
pub use stage::{Feed, FeedStage, FeedStorage, Protocol, Standing};
pub use verdict::{ArbiterLimits, Arrived, CutLines, Gap, LineHealth, Verdict};
