//! Copies of a port's datagrams for the cold side, where no socket of its own can hear them: a port
//! that takes frames before the kernel's network stack leaves nothing for others.
//!
//! The hot side never waits: a copy that does not fit is left out and counted, and to the cold side
//! it is one more lost packet. Copies are made when a datagram has been used, not before.

use super::Line;
use crate::counter::Counter;

/// Before each payload: its length, little-endian, and the line.
const HEADER_BYTES: usize = 3;

/// The hot end.
#[derive(Debug)]
pub struct CopySender {
    bytes: rtrb::Producer<u8>,
}

/// The cold end.
#[derive(Debug)]
pub struct CopyReceiver {
    bytes: rtrb::Consumer<u8>,
}

/// Both ends of a ring of bytes that the cold side made.
#[must_use]
pub fn ends(ring: (rtrb::Producer<u8>, rtrb::Consumer<u8>)) -> (CopySender, CopyReceiver) {
    let (producer, consumer) = ring;
    (CopySender { bytes: producer }, CopyReceiver { bytes: consumer })
}

impl CopySender {
    /// Copies a payload, or counts it as `missed` if there is no room.
    #[inline]
    pub fn copy(&mut self, line: Line, payload: &[u8], missed: &Counter) {
        let Ok(len) = u16::try_from(payload.len()) else { return missed.add(1) };
        let [low, high] = len.to_le_bytes();
        let header = [low, high, u8::from(line == Line::B)];
        let whole = HEADER_BYTES.wrapping_add(payload.len());
        if self.bytes.cached_slots() < whole && self.bytes.slots() < whole {
            return missed.add(1);
        }
        // Only this end takes room, so what was seen is still there.
        let _ = self.bytes.push_entire_slice(&header);
        let _ = self.bytes.push_entire_slice(payload);
    }
}

impl CopyReceiver {
    /// Takes the oldest copy into `buffer`: its line and length; `None` if there is none, or none
    /// whole. One that is longer than `buffer` is cut.
    pub fn receive(&mut self, buffer: &mut [u8]) -> Option<(Line, usize)> {
        let chunk = self.bytes.read_chunk(HEADER_BYTES).ok()?;
        let (first, second) = chunk.as_slices();
        let mut header = first.iter().chain(second).copied();
        let (low, high) = (header.next()?, header.next()?);
        let line = if header.next()? == 0 { Line::A } else { Line::B };
        let len = usize::from(u16::from_le_bytes([low, high]));
        let whole = self.bytes.read_chunk(HEADER_BYTES.wrapping_add(len)).ok()?;
        let (first, second) = whole.as_slices();
        let payload = first.iter().chain(second).skip(HEADER_BYTES);
        let copied = buffer.iter_mut().zip(payload).map(|(to, from)| *to = *from).count();
        whole.commit_all();
        Some((line, copied))
    }
}
