//! Links between the simulated engine and its venues: delay, loss, duplication, reordering, cuts.
//!
//! A link is one direction. It does not hold messages: it says when what is sent now arrives, and
//! the caller puts that on its agenda.

use xmc_hotpath::time::MonoNs;

/// How long a message is on its way: `least_ns` and an even share of `spread_ns` more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// At least this long.
    pub least_ns: u64,
    /// And up to this much longer.
    pub spread_ns: u64,
}

impl Delay {
    /// One delay.
    pub fn draw(self, rng: &mut fastrand::Rng) -> u64 {
        self.least_ns + rng.u64(..=self.spread_ns)
    }
}

/// Rates in parts per million of the messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkFaults {
    /// Never arrives.
    pub loss_ppm: u32,
    /// Arrives twice.
    pub duplicate_ppm: u32,
    /// Takes up to eight times as long, and may be overtaken.
    pub reorder_ppm: u32,
}

/// One direction of a connection.
#[derive(Clone, Debug)]
pub struct Link {
    delay: Delay,
    /// What the link does to messages.
    pub faults: LinkFaults,
    /// Partitioned: nothing arrives.
    pub is_cut: bool,
    is_ordered: bool,
    last: MonoNs,
}

/// When a message arrives: not at all, once, or twice.
pub type Arrivals = [Option<MonoNs>; 2];

impl Link {
    /// A link that keeps the order of messages, as TCP does.
    pub fn ordered(delay: Delay) -> Self {
        Self {
            delay,
            faults: LinkFaults::default(),
            is_cut: false,
            is_ordered: true,
            last: MonoNs(0),
        }
    }

    /// A link that may lose, double and reorder them, as UDP does.
    pub fn lossy(delay: Delay, faults: LinkFaults) -> Self {
        Self { faults, is_ordered: false, ..Self::ordered(delay) }
    }

    /// When a message that is sent `now` arrives.
    pub fn carry(&mut self, now: MonoNs, rng: &mut fastrand::Rng) -> Arrivals {
        let mut hits = |ppm: u32| rng.u32(..1_000_000) < ppm;
        let (is_lost, is_doubled, is_slow) = (
            hits(self.faults.loss_ppm),
            hits(self.faults.duplicate_ppm),
            hits(self.faults.reorder_ppm),
        );
        let (delay, again) = (self.delay.draw(rng), self.delay.draw(rng));
        let factor = if is_slow { rng.u64(2..=8) } else { 1 };
        if self.is_cut || is_lost {
            return [None, None];
        }
        let mut at = MonoNs(now.0 + delay * factor);
        if self.is_ordered {
            at = at.max(MonoNs(self.last.0 + 1));
            self.last = at;
        }
        [Some(at), is_doubled.then_some(MonoNs(at.0 + again))]
    }
}
