//! What goes wrong with a simulated feed, on purpose: on one line, on both, by number, by time.
//!
//! All of it follows from `FeedFaults::seed` and nothing else. Each kind of fault of each line
//! draws for itself, once per packet, so that no fault changes what another one hits; and none
//! changes what the venue says, only what becomes of it on the way. A late joiner needs nothing
//! from here: whoever comes late is one.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::{MonoNs, Span};

/// What goes wrong on one line of a feed; the default is nothing.
///
/// Rates are packets in a thousand. Of several damages to one packet the first that is listed here
/// happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineFaults {
    /// Nothing arrives.
    pub is_cut: bool,
    /// Do not arrive.
    pub lost_per_mille: u32,
    /// Arrive twice.
    pub duplicated_per_mille: u32,
    /// Arrive after later ones.
    pub swapped_per_mille: u32,
    /// How many later ones overtake those, at most; 0 means 1.
    pub swap_depth: u32,
    /// Some of their bits are flipped, anywhere.
    pub corrupted_per_mille: u32,
    /// They are cut short.
    pub truncated_per_mille: u32,
    /// Bytes that mean nothing stand behind them.
    pub oversized_per_mille: u32,
    /// One byte behind the packet's header is another one than on the other line.
    pub divergent_per_mille: u32,
    /// Damage spares the only sound copy of a packet. UDP's checksum sees to that elsewhere; here
    /// damage comes behind it, and books that had only a damaged copy can be wrong with nothing to
    /// tell it by.
    pub keeps_one_sound: bool,
    /// Every packet arrives after this many later ones of the line.
    pub delay_packets: u32,
    /// Every packet arrives this much later, by the venue's clock.
    pub delay: Span,
}

impl LineFaults {
    /// A line without faults.
    pub const NONE: Self = Self {
        is_cut: false,
        lost_per_mille: 0,
        duplicated_per_mille: 0,
        swapped_per_mille: 0,
        swap_depth: 0,
        corrupted_per_mille: 0,
        truncated_per_mille: 0,
        oversized_per_mille: 0,
        divergent_per_mille: 0,
        keeps_one_sound: false,
        delay_packets: 0,
        delay: Span(0),
    };

    /// A line of which nothing arrives.
    pub const CUT: Self = Self { is_cut: true, ..Self::NONE };
}

/// Packets that do not arrive, by their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostPackets {
    /// On which line; `None`: on both.
    pub line: Option<Line>,
    /// Their numbers. A heartbeat without a number of its own is not among them.
    pub numbers: RangeInclusive<u64>,
}

/// Whether a venue tells what happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Silence {
    /// It does.
    #[default]
    Off,
    /// Frozen: heartbeats and definitions go on, and nothing else.
    Frozen,
    /// Nothing leaves at all.
    Total,
}

/// What happens to a whole venue at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// It falls silent, or speaks again: then it tells all that has happened, late.
    Silence(Silence),
    /// Another component publishes from now on: a channel reset at CME, a change of the data centre
    /// at SHFE. It is not silent.
    Failover,
}

/// What goes wrong with a feed; the default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedFaults {
    /// What is hit follows from this.
    pub seed: u64,
    /// What goes wrong on line A and on line B.
    pub lines: [LineFaults; 2],
    /// Packets in a thousand that neither line delivers.
    pub lost_together_per_mille: u32,
    /// Packets of the recovery groups in a thousand that do not arrive, on each line.
    pub recovery_lost_per_mille: u32,
    /// Packets that do not arrive, by number.
    pub lost: Vec<LostPackets>,
    /// What happens how long after the start.
    pub plan: Vec<(Span, Happening)>,
}

/// The plan, while it is carried out.
#[derive(Clone, Debug)]
pub(in crate::venue) struct Plan(VecDeque<(MonoNs, Happening)>);

impl Plan {
    pub fn new(faults: &FeedFaults, start: MonoNs) -> Self {
        let due = |(after, what): &(Span, Happening)| (start.after(*after), *what);
        let mut plan: Vec<_> = faults.plan.iter().map(due).collect();
        plan.sort_by_key(|(at, _)| *at);
        Self(plan.into())
    }

    /// When the next thing happens.
    pub fn next_at(&self) -> MonoNs {
        self.0.front().map_or(MonoNs::NEVER, |(at, _)| *at)
    }

    /// What happens by `now`, one after the other, each at its own moment.
    pub fn take(&mut self, now: MonoNs) -> Option<(MonoNs, Happening)> {
        self.0.pop_front_if(|(at, _)| *at <= now)
    }
}

/// What a packet is turned into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DamageKind {
    Corrupted,
    Truncated,
    Oversized,
    Divergent,
}

/// Damage to one copy, as it was drawn.
#[derive(Clone, Debug)]
pub(super) struct Damage {
    kind: DamageKind,
    rng: fastrand::Rng,
}

/// Bits that are flipped, at most.
const MOST_FLIPPED: usize = 8;

/// Bytes that are added, at most: some packets are longer than a frame then.
const MOST_ADDED: usize = 2_048;

impl Damage {
    /// What arrives instead of `bytes`, whose header has `head` bytes.
    pub fn done_to(mut self, bytes: &[u8], head: usize) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        let rng = &mut self.rng;
        match self.kind {
            DamageKind::Corrupted => {
                let flipped = rng.usize(1..=MOST_FLIPPED);
                for bit in rng.choose_multiple(0..bytes.len() * 8, flipped) {
                    bytes[bit / 8] ^= 1 << (bit % 8);
                }
            }
            DamageKind::Truncated => bytes.truncate(rng.usize(..bytes.len().max(1))),
            DamageKind::Oversized => {
                let added = rng.usize(1..=MOST_ADDED);
                bytes.extend((0..added).map(|_| rng.u8(..)));
            }
            DamageKind::Divergent => {
                if bytes.len() > head {
                    let at = rng.usize(head..bytes.len());
                    bytes[at] ^= rng.u8(1..);
                }
            }
        }
        bytes
    }
}

/// What becomes of one packet on one line.
#[derive(Clone, Debug)]
pub(super) struct Fate {
    pub is_lost: bool,
    pub is_doubled: bool,
    /// How many later ones overtake it.
    pub behind: u32,
    pub damage: Option<Damage>,
}

impl Fate {
    pub fn is_sound(&self) -> bool {
        !self.is_lost && self.damage.is_none()
    }
}

/// Where the fates of a line's packets come from: a stream of draws for each kind of fault.
#[derive(Clone, Debug)]
pub(super) struct Draws([fastrand::Rng; 7]);

impl Draws {
    pub fn new(rng: &mut fastrand::Rng) -> Self {
        Self(std::array::from_fn(|_| rng.fork()))
    }

    /// Draws the fate of the next packet.
    pub fn draw(&mut self, faults: &LineFaults) -> Fate {
        let [lost, doubled, swapped, corrupted, truncated, oversized, divergent] = &mut self.0;
        let damages = [
            (DamageKind::Corrupted, happens(corrupted, faults.corrupted_per_mille)),
            (DamageKind::Truncated, happens(truncated, faults.truncated_per_mille)),
            (DamageKind::Oversized, happens(oversized, faults.oversized_per_mille)),
            (DamageKind::Divergent, happens(divergent, faults.divergent_per_mille)),
        ];
        let mut damages = damages.into_iter();
        let depth = |mut rng: fastrand::Rng| rng.u32(1..=faults.swap_depth.max(1));
        Fate {
            is_lost: happens(lost, faults.lost_per_mille).is_some() || faults.is_cut,
            is_doubled: happens(doubled, faults.duplicated_per_mille).is_some(),
            behind: faults.delay_packets
                + happens(swapped, faults.swapped_per_mille).map_or(0, depth),
            damage: damages.find_map(|(kind, rng)| rng.map(|rng| Damage { kind, rng })),
        }
    }
}

/// Whether something happens to the next packet, and then the details. One draw in any case.
pub(super) fn happens(rng: &mut fastrand::Rng, per_mille: u32) -> Option<fastrand::Rng> {
    let mut details = rng.fork();
    (details.u32(..1_000) < per_mille).then_some(details)
}
