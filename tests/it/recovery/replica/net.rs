//! What a network does to the datagrams of one receiver: loss per line, copies, disorder, damage.

use xmc_hotpath::port::Line;

/// What goes wrong, in a thousand packets each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Lost on line A, and on line B.
    pub lost: [u32; 2],
    pub doubled: u32,
    /// Overtaken by the next packet of the line.
    pub swapped: u32,
    /// One line's copy is cut short, and the other's is sound: between two messages nothing else
    /// shows it, but for the length that UDP checks.
    pub cut_short: u32,
    /// One byte behind the sequence number differs, and the other line's copy is sound.
    pub damaged: u32,
}

impl Faults {
    /// Any mixture, up to 30 % loss on each line.
    pub fn any(rng: &mut fastrand::Rng) -> Self {
        Self {
            lost: [rng.u32(..=300), rng.u32(..=300)],
            doubled: rng.u32(..=100),
            swapped: rng.u32(..=100),
            cut_short: rng.u32(..=20),
            damaged: rng.u32(..=20),
        }
    }
}

/// The way of one receiver.
pub struct Net {
    rng: fastrand::Rng,
    pub faults: Faults,
    overtaken: [Option<Vec<u8>>; 2],
}

impl Net {
    pub fn new(seed: u64) -> Self {
        let rng = fastrand::Rng::with_seed(seed);
        Self { rng, faults: Faults::default(), overtaken: [None, None] }
    }

    /// What arrives of a packet that was sent on both lines; damage comes behind `head` bytes.
    pub fn carry(&mut self, payload: &[u8], head: usize) -> Vec<(Line, Vec<u8>)> {
        let faults = self.faults;
        let rng = &mut self.rng;
        let mut happens = |per_mille: u32| rng.u32(..1_000) < per_mille;
        let mut arrived = Vec::new();
        let lost = faults.lost.map(&mut happens);
        let [is_damaged, is_cut_short] = [faults.damaged, faults.cut_short].map(&mut happens);
        let is_bad = (is_damaged || is_cut_short) && lost == [false, false];
        let turns: [[bool; 2]; 2] =
            [0, 1].map(|_| [faults.doubled, faults.swapped].map(&mut happens));
        let bad = self.rng.usize(..2);
        for (index, line) in Line::BOTH.into_iter().enumerate() {
            let [is_doubled, is_swapped] = turns[index];
            if lost[index] {
                continue;
            }
            let mut bytes = payload.to_vec();
            if is_bad {
                if index == bad && is_cut_short {
                    bytes.truncate(self.rng.usize(..bytes.len()));
                } else if index == bad && bytes.len() > head {
                    let at = self.rng.usize(head..bytes.len());
                    bytes[at] ^= self.rng.u8(1..);
                }
                arrived.push((line, bytes));
                continue;
            }
            if is_swapped && self.overtaken[index].is_none() {
                self.overtaken[index] = Some(bytes);
                continue;
            }
            arrived.extend((0..1 + usize::from(is_doubled)).map(|_| (line, bytes.clone())));
            arrived.extend(self.overtaken[index].take().map(|bytes| (line, bytes)));
        }
        arrived
    }
}
