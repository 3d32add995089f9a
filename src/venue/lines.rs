//! Lines A and B of a simulated feed and what goes wrong on them: packets in, datagrams per group
//! out.
//!
//! Both lines carry the same bytes. Faults are for tests; they follow from a seed of their own and
//! never change what is sent, only whether, how often and in which order it arrives.
//!
//! Called by the simulated venues; what a group is, each of them says.

use std::collections::VecDeque;
use xmc_hotpath::port::Line;

/// A packet on its way to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram<G> {
    /// Where.
    pub group: G,
    /// The UDP payload.
    pub bytes: Vec<u8>,
}

/// What goes wrong on one line of a feed; the default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineFaults {
    /// Nothing arrives.
    pub is_cut: bool,
    /// Packets in a thousand that do not arrive.
    pub lost_per_mille: u32,
    /// Packets in a thousand that arrive twice.
    pub duplicated_per_mille: u32,
    /// Packets in a thousand that arrive after the next one.
    pub swapped_per_mille: u32,
}

/// One line.
#[derive(Clone, Debug)]
struct Wire {
    line: Line,
    faults: LineFaults,
    /// A packet that the next one overtakes.
    overtaken: Option<Vec<u8>>,
}

/// The way out.
#[derive(Clone, Debug)]
pub(super) struct Lines<G> {
    wires: [Wire; 2],
    rng: fastrand::Rng,
    out: VecDeque<Datagram<G>>,
}

impl<G> Lines<G> {
    /// Lines without faults; faults that are set later follow from `seed`.
    pub fn new(seed: u64) -> Self {
        let wire = |line| Wire { line, faults: LineFaults::default(), overtaken: None };
        // Any other stream of the same seed: the packets must not depend on the faults.
        let rng = fastrand::Rng::with_seed(seed ^ 0x6C69_6E65_735F_6162);
        Self { wires: Line::BOTH.map(wire), rng, out: VecDeque::new() }
    }

    pub fn set_faults(&mut self, line: Line, faults: LineFaults) {
        for wire in self.wires.iter_mut().filter(|wire| wire.line == line) {
            wire.faults = faults;
        }
    }

    /// A packet, through what goes wrong.
    pub fn send(&mut self, group_of: impl Fn(Line) -> G, bytes: &[u8]) {
        let Self { wires, rng, out } = self;
        for wire in wires {
            let mut happens = |per_mille| rng.u32(..1_000) < per_mille;
            // The same draws whatever the faults: one more of a kind changes no other kind.
            let faults = wire.faults;
            let [is_lost, is_doubled, is_swapped] =
                [faults.lost_per_mille, faults.duplicated_per_mille, faults.swapped_per_mille]
                    .map(&mut happens);
            if faults.is_cut || is_lost {
                continue;
            }
            if is_swapped && wire.overtaken.is_none() {
                wire.overtaken = Some(bytes.to_vec());
                continue;
            }
            let datagram = |bytes| Datagram { group: group_of(wire.line), bytes };
            for _ in 0..1 + u8::from(is_doubled) {
                out.push_back(datagram(bytes.to_vec()));
            }
            out.extend(wire.overtaken.take().map(datagram));
        }
    }

    /// A packet on both lines, whatever goes wrong otherwise.
    pub fn send_sound(&mut self, group_of: impl Fn(Line) -> G, bytes: &[u8]) {
        for line in Line::BOTH {
            self.out.push_back(Datagram { group: group_of(line), bytes: bytes.to_vec() });
        }
    }

    /// The next datagram that leaves.
    pub fn take(&mut self) -> Option<Datagram<G>> {
        self.out.pop_front()
    }
}
