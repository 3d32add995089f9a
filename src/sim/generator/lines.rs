//! The channel as it arrives: twice, on lines A and B, each with faults of its own.
//!
//! Faults follow from the channel's seed but never touch its packets: the same packets arrive with
//! and without them.

use super::{Generator, Sent};
use std::collections::VecDeque;
use xmc_hotpath::port::Line;

/// What goes wrong on one line. The default is a line without faults or delay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineFaults {
    /// Packets in a thousand that do not arrive.
    pub lost_per_mille: u32,
    /// Packets in a thousand that arrive twice.
    pub duplicated_per_mille: u32,
    /// Packets in a thousand that are overtaken by later ones.
    pub swapped_per_mille: u32,
    /// How long a packet takes at least.
    pub delay_ns: u64,
    /// How much longer it takes at most.
    pub skew_ns: u64,
}

/// A packet that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Where.
    pub line: Line,
    /// When, nanoseconds since 1970-01-01 UTC.
    pub arrived_ns: u64,
    /// What the venue sent.
    pub sent: Sent,
}

/// How much later than itself an overtaken packet arrives.
const SWAP_NS: u64 = 500_000;

/// Both lines.
#[derive(Debug)]
pub struct Lines {
    generator: Generator,
    /// Of lines A and B.
    faults: [LineFaults; 2],
    rng: fastrand::Rng,
    /// In the order of arrival.
    under_way: VecDeque<(Arrival, Vec<u8>)>,
    /// When the last packet arrived that kept its place, by line.
    latest_ns: [u64; 2],
    /// Nothing that is still to be sent arrives before.
    settled_ns: u64,
    packet: Vec<u8>,
}

impl Lines {
    /// `generator` on two lines with the faults of A and B.
    #[must_use]
    pub fn new(generator: Generator, faults: [LineFaults; 2]) -> Self {
        // Any other stream of the same seed: the packets must not depend on the faults.
        let seed = generator.settings.seed ^ 0x6C69_6E65_735F_6162;
        Self {
            rng: fastrand::Rng::with_seed(seed),
            generator,
            faults,
            under_way: VecDeque::new(),
            latest_ns: [0; 2],
            settled_ns: 0,
            packet: Vec::new(),
        }
    }

    /// The venue behind the lines. Its books are ahead of what has arrived.
    #[must_use]
    pub fn generator(&self) -> &Generator {
        &self.generator
    }

    /// Puts the next packet that arrives in place of what is in `out`.
    pub fn next_packet(&mut self, out: &mut Vec<u8>) -> Arrival {
        loop {
            if let Some((arrival, _)) = self.under_way.front()
                && arrival.arrived_ns <= self.settled_ns
                && let Some((arrival, bytes)) = self.under_way.pop_front()
            {
                out.clear();
                out.extend_from_slice(&bytes);
                return arrival;
            }
            let mut packet = std::mem::take(&mut self.packet);
            let sent = self.generator.next_packet(&mut packet);
            self.settled_ns = sent.sent_ns;
            for (place, line) in Line::BOTH.into_iter().enumerate() {
                self.travel(place, line, sent, &packet);
            }
            self.packet = packet;
        }
    }

    fn travel(&mut self, place: usize, line: Line, sent: Sent, packet: &[u8]) {
        let faults = self.faults[place];
        if self.happens(faults.lost_per_mille) {
            return;
        }
        let in_place = sent.sent_ns + faults.delay_ns + self.rng.u64(0..=faults.skew_ns);
        let in_place = in_place.max(self.latest_ns[place] + 1);
        let arrived_ns = if self.happens(faults.swapped_per_mille) {
            in_place + self.rng.u64(1..=SWAP_NS)
        } else {
            self.latest_ns[place] = in_place;
            in_place
        };
        self.insert(Arrival { line, arrived_ns, sent }, packet);
        if self.happens(faults.duplicated_per_mille) {
            let again_ns = arrived_ns + self.rng.u64(1..=SWAP_NS);
            self.insert(Arrival { line, arrived_ns: again_ns, sent }, packet);
        }
    }

    fn insert(&mut self, arrival: Arrival, packet: &[u8]) {
        let earlier = |(other, _): &(Arrival, Vec<u8>)| other.arrived_ns <= arrival.arrived_ns;
        let place = self.under_way.partition_point(earlier);
        self.under_way.insert(place, (arrival, packet.to_vec()));
    }

    fn happens(&mut self, per_mille: u32) -> bool {
        self.rng.u32(..1_000) < per_mille
    }
}
