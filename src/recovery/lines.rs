//! The cold side's own sockets of a feed: its lines, to see what comes, and its recovery groups.

use super::StartError;
use crate::config::{Feed, FeedLine};
use crate::port::udp::{JoinedSocket, LineSettings, MAX_PAYLOAD_BYTES, ReceiveSettings};
use xmc_hotpath::port::Line;

/// What the packets of a group are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The feed itself.
    Incremental(Line),
    /// Instruments, in a loop.
    Definitions,
    /// Books, in a loop.
    Snapshots,
}

/// A socket that is never empty is polled no longer than this.
const MOST_AT_ONCE: u32 = 1 << 16;

/// Joined groups, each with what its packets are.
#[derive(Debug)]
pub(super) struct Lines<K> {
    sockets: Vec<(K, JoinedSocket)>,
    buffer: Vec<u8>,
}

impl<K: Copy> Lines<K> {
    /// Joins groups of a feed, each by its key.
    pub fn join<'f>(
        feed: &Feed,
        groups: impl IntoIterator<Item = (K, &'static str, &'f FeedLine)>,
    ) -> Result<Self, StartError> {
        let name = || feed.name.value.clone();
        let receive = ReceiveSettings {
            buffer_bytes: feed.receive_buffer_bytes,
            is_buffer_required: false,
            busy_poll_us: None,
        };
        let mut sockets = Vec::new();
        for (kind, key, line) in groups {
            let Some(interface) = line.interface.clone() else {
                return Err(StartError::NoInterface { feed: name(), key });
            };
            let settings = LineSettings { group: line.group, source: line.source, interface };
            let socket = JoinedSocket::open(&settings, &receive)
                .map_err(|source| StartError::Socket { feed: name(), key, source })?;
            sockets.push((kind, socket));
        }
        Ok(Self { sockets, buffer: vec![0; MAX_PAYLOAD_BYTES + 1] })
    }

    /// Takes one datagram of each group that has one, and says whether any had.
    pub fn poll(&mut self, mut take: impl FnMut(K, &[u8])) -> bool {
        let mut is_any = false;
        for (kind, socket) in &self.sockets {
            // An error of the socket is as good as a lost packet: the lines repeat themselves.
            let Ok(len) = socket.receive(&mut self.buffer) else { continue };
            is_any = true;
            if len <= MAX_PAYLOAD_BYTES {
                take(*kind, &self.buffer[..len]);
            }
        }
        is_any
    }

    /// Takes what there is, at most a buffer full of the shortest packets.
    pub fn poll_all(&mut self, mut take: impl FnMut(K, &[u8])) {
        let _ = (0..MOST_AT_ONCE).any(|_| !self.poll(&mut take));
    }
}

/// The lines of the feed itself, with their keys.
pub(super) fn incremental(feed: &Feed) -> [(Line, &'static str, &FeedLine); 2] {
    [(Line::A, "line_a", &feed.line_a), (Line::B, "line_b", &feed.line_b)]
}
