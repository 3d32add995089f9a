//! The multicast groups of the simulated CME.

use crate::venue::lines;
use xmc_hotpath::port::Line;

/// A multicast group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// The incremental feed, one of its lines.
    Incremental(Line),
    /// Definitions, one of the lines.
    Definitions(Line),
    /// Snapshots, one of the lines.
    Snapshots(Line),
}

impl Group {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Incremental(Line::A),
        Self::Incremental(Line::B),
        Self::Definitions(Line::A),
        Self::Definitions(Line::B),
        Self::Snapshots(Line::A),
        Self::Snapshots(Line::B),
    ];
}

/// A packet on its way to a group.
pub type Datagram = lines::Datagram<Group>;

/// The way out. Faults are those of the incremental feed: recovery groups have none but loss,
/// because they repeat by themselves.
pub(super) type Lines = lines::Lines<Group>;

/// Bytes of a packet's header: its number and when it was sent.
pub(super) const HEAD_BYTES: usize = 12;
