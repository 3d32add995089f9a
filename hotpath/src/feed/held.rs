//! What arbitration keeps of packets: those that came too early, whole, and the digests of those
//! that were used.

use super::sequence::SeqNo;
use super::verdict::Arrived;
use crate::port::Line;
use crate::time::MonoNs;

/// Bytes that a held packet may have. CME fills a packet up to 1420 bytes, so that it fits in an
/// Ethernet frame; jumbo frames are not used on any feed here.
pub const HELD_BYTES: usize = 2048;

/// A packet that waits for those before it.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    bytes: [u8; HELD_BYTES],
    len: usize,
    pub(super) digest: u64,
    pub(super) received: MonoNs,
    pub(super) seq_no: SeqNo,
    pub(super) line: Line,
    pub(super) is_used: bool,
}

impl Held {
    /// A free place.
    pub const FREE: Self = Self {
        bytes: [0; HELD_BYTES],
        len: 0,
        digest: 0,
        received: MonoNs(0),
        seq_no: SeqNo(0),
        line: Line::A,
        is_used: false,
    };

    /// The packet.
    #[must_use]
    pub fn packet(&self) -> Arrived<'_> {
        Arrived {
            line: self.line,
            seq_no: self.seq_no,
            received: self.received,
            payload: self.bytes.get(..self.len).unwrap_or_default(),
        }
    }

    /// Keeps a packet that is not longer than `HELD_BYTES`.
    pub(super) fn keep(&mut self, packet: &Arrived<'_>, digest: u64) {
        let Some(room) = self.bytes.get_mut(..packet.payload.len()) else { return };
        for (to, from) in room.iter_mut().zip(packet.payload) {
            *to = *from;
        }
        self.len = packet.payload.len();
        self.digest = digest;
        self.received = packet.received;
        self.seq_no = packet.seq_no;
        self.line = packet.line;
        self.is_used = true;
    }

    pub(super) fn holds(&self, seq_no: SeqNo) -> bool {
        self.is_used && self.seq_no == seq_no
    }
}

/// The digest of a packet that was used, and where it came from.
#[derive(Clone, Copy, Debug)]
pub struct Digest {
    pub(super) value: u64,
    pub(super) received: MonoNs,
    pub(super) seq_no: SeqNo,
    pub(super) line: Line,
    pub(super) is_used: bool,
}

impl Digest {
    /// A free place.
    pub const FREE: Self =
        Self { value: 0, received: MonoNs(0), seq_no: SeqNo(0), line: Line::A, is_used: false };
}
