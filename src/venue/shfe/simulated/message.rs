//! One message of a topic: fields in, packets out, as many as it takes.
//!
//! A packet that goes on with an instrument begins it again, since nothing says that a reader may
//! carry it over.

use crate::venue::shfe::smdp::mirp::{MirpBuilder, PacketMark};

/// A message under construction.
#[derive(Debug)]
pub(super) struct MessageWriter {
    mark: PacketMark,
    max_packet_bytes: usize,
    /// Number and change of the instrument that was begun.
    begun: Option<(i32, i64)>,
    open: MirpBuilder,
    /// Whether the open packet says anything yet.
    is_empty: bool,
    done: Vec<MirpBuilder>,
}

impl MessageWriter {
    /// A message whose first packet is `mark`.
    pub fn new(mark: PacketMark, max_packet_bytes: usize) -> Self {
        let open = MirpBuilder::new(mark);
        Self { mark, max_packet_bytes, begun: None, open, is_empty: true, done: Vec::new() }
    }

    /// What follows belongs to this instrument.
    pub fn begin(&mut self, instrument_no: i32, change_no: i64) {
        self.begun = None;
        self.push(|packet| packet.instrument(instrument_no, change_no));
        self.begun = Some((instrument_no, change_no));
    }

    /// One field. It is written into another packet if it does not fit in this one.
    pub fn push(&mut self, write: impl Fn(MirpBuilder) -> MirpBuilder) {
        let longer = write(self.open.clone());
        if longer.len() <= self.max_packet_bytes || self.is_empty {
            self.open = longer;
        } else {
            self.mark.packet_no = self.mark.packet_no.wrapping_add(1);
            let next = MirpBuilder::new(self.mark);
            let next = match self.begun {
                Some((instrument_no, change_no)) => next.instrument(instrument_no, change_no),
                None => next,
            };
            self.done.push(std::mem::replace(&mut self.open, write(next)));
        }
        self.is_empty = false;
    }

    /// The packets, the last one marked so; none if nothing was said.
    pub fn finish(self) -> Vec<Vec<u8>> {
        if self.is_empty {
            return Vec::new();
        }
        let mut packets: Vec<_> =
            self.done.into_iter().map(|packet| packet.finish(false)).collect();
        packets.push(self.open.finish(true));
        packets
    }
}
