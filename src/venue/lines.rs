//! Lines A and B of a simulated feed and what goes wrong on them: packets in, datagrams per group
//! out.
//!
//! Both lines carry the same bytes. Faults are for tests; they follow from a seed of their own
//! (`faults`) and never change what is sent, only whether, when, how often, in which order and how
//! much damaged it arrives.
//!
//! Called by the simulated venues; what a group is, each of them says.

mod faults;

pub(super) use faults::Plan;
pub use faults::{FeedFaults, Happening, LineFaults, LostPackets, Silence};

use faults::{Draws, Fate, happens};
use std::collections::VecDeque;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::MonoNs;

/// A packet on its way to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram<G> {
    /// Where.
    pub group: G,
    /// The UDP payload.
    pub bytes: Vec<u8>,
}

/// A datagram that arrives later.
#[derive(Clone, Debug)]
struct Waiting<G> {
    datagram: Datagram<G>,
    /// Packets of the line that are still to overtake it.
    behind: u32,
    /// And not before this.
    due: MonoNs,
}

/// One line.
#[derive(Clone, Debug)]
struct Wire<G> {
    line: Line,
    faults: LineFaults,
    draws: Draws,
    /// Draws for the line of the recovery groups.
    recovery: fastrand::Rng,
    waiting: Vec<Waiting<G>>,
}

/// The way out.
#[derive(Clone, Debug)]
pub(super) struct Lines<G> {
    wires: [Wire<G>; 2],
    faults: FeedFaults,
    together: fastrand::Rng,
    /// Bytes of a packet's header: what a divergent copy has in common with the other.
    head: usize,
    out: VecDeque<Datagram<G>>,
}

impl<G> Lines<G> {
    /// Lines with these faults. `salt` tells feeds of one venue apart, so that they do not have
    /// their faults at the same packets.
    pub fn new(faults: FeedFaults, salt: u64, head: usize) -> Self {
        // Any other stream of the same seed: the packets must not depend on the faults.
        let mut rng = fastrand::Rng::with_seed(faults.seed ^ salt ^ 0x6C69_6E65_735F_6162);
        let wire = |line| Wire {
            line,
            faults: match line {
                Line::A => faults.lines[0],
                Line::B => faults.lines[1],
            },
            draws: Draws::new(&mut rng),
            recovery: rng.fork(),
            waiting: Vec::new(),
        };
        let wires = Line::BOTH.map(wire);
        Self { wires, together: rng.fork(), faults, head, out: VecDeque::new() }
    }

    /// What goes wrong on a line from now on. What was held up arrives.
    pub fn set_faults(&mut self, line: Line, faults: LineFaults) {
        for wire in self.wires.iter_mut().filter(|wire| wire.line == line) {
            wire.faults = faults;
            self.out.extend(wire.waiting.drain(..).map(|waiting| waiting.datagram));
        }
    }

    /// Packets in a thousand that neither line delivers from now on.
    pub fn set_lost_together(&mut self, per_mille: u32) {
        self.faults.lost_together_per_mille = per_mille;
    }

    /// Packets of the recovery groups in a thousand that do not arrive from now on.
    pub fn set_recovery_lost(&mut self, per_mille: u32) {
        self.faults.recovery_lost_per_mille = per_mille;
    }

    /// Packets that do not arrive, besides those that were named before.
    pub fn lose(&mut self, packets: LostPackets) {
        self.faults.lost.push(packets);
    }

    /// A packet, through what goes wrong; `number` if it has one of its own.
    pub fn send(
        &mut self,
        now: MonoNs,
        group_of: impl Fn(Line) -> G,
        number: Option<u64>,
        bytes: &[u8],
    ) {
        let (fates, head) = (self.fates(number), self.head);
        for (wire, fate) in self.wires.iter_mut().zip(fates) {
            if fate.is_lost {
                continue;
            }
            let due = now.after(wire.faults.delay);
            let before = wire.waiting.len();
            for _ in 0..1 + u8::from(fate.is_doubled) {
                let damage = fate.damage.clone();
                let bytes = damage.map_or(bytes.to_vec(), |damage| damage.done_to(bytes, head));
                let datagram = Datagram { group: group_of(wire.line), bytes };
                match (fate.behind, wire.faults.delay.0) {
                    (0, 0) => self.out.push_back(datagram),
                    (behind, _) => wire.waiting.push(Waiting { datagram, behind, due }),
                }
            }
            for waiting in wire.waiting.iter_mut().take(before) {
                waiting.behind = waiting.behind.saturating_sub(1);
            }
        }
        self.release(now);
    }

    /// A packet of which each line carries its own copy, whatever goes wrong otherwise.
    pub fn send_each(&mut self, group_of: impl Fn(Line) -> G, copies: [Vec<u8>; 2]) {
        let datagrams = Line::BOTH.into_iter().zip(copies);
        self.out.extend(datagrams.map(|(line, bytes)| Datagram { group: group_of(line), bytes }));
    }

    /// What becomes of a packet on each line.
    fn fates(&mut self, number: Option<u64>) -> [Fate; 2] {
        let Self { wires, faults, together, .. } = self;
        let is_lost_by_both = happens(together, faults.lost_together_per_mille).is_some();
        let is_named = |line| {
            let is_lost = |lost: &LostPackets| {
                lost.line.is_none_or(|of| of == line)
                    && number.is_some_and(|number| lost.numbers.contains(&number))
            };
            faults.lost.iter().any(is_lost)
        };
        let mut fates = wires.each_mut().map(|wire| {
            let mut fate = wire.draws.draw(&wire.faults);
            fate.is_lost |= is_lost_by_both || is_named(wire.line);
            fate
        });
        let [a, b] = [fates[0].is_sound(), fates[1].is_sound()];
        for ((wire, fate), is_other_sound) in wires.iter().zip(&mut fates).zip([b, a]) {
            if wire.faults.keeps_one_sound && !is_other_sound {
                fate.damage = None;
            }
        }
        fates
    }

    /// When something that was held up arrives though nothing is sent.
    pub fn next_at(&self) -> MonoNs {
        let waiting = self.wires.iter().flat_map(|wire| &wire.waiting);
        let free = waiting.filter(|waiting| waiting.behind == 0);
        free.map(|waiting| waiting.due).fold(MonoNs::NEVER, MonoNs::min)
    }

    /// What was held up and is due arrives.
    pub fn release(&mut self, now: MonoNs) {
        for wire in &mut self.wires {
            let is_due = |waiting: &mut Waiting<G>| waiting.behind == 0 && waiting.due <= now;
            let due = wire.waiting.extract_if(.., is_due);
            self.out.extend(due.map(|waiting| waiting.datagram));
        }
    }

    /// A packet of a recovery group on both lines. These have no faults but loss, because they
    /// repeat by themselves.
    pub fn send_recovery(&mut self, group_of: impl Fn(Line) -> G, bytes: &[u8]) {
        let Self { wires, faults, out, .. } = self;
        for wire in wires {
            if happens(&mut wire.recovery, faults.recovery_lost_per_mille).is_none() {
                out.push_back(Datagram { group: group_of(wire.line), bytes: bytes.to_vec() });
            }
        }
    }

    /// The next datagram that leaves.
    pub fn take(&mut self) -> Option<Datagram<G>> {
        self.out.pop_front()
    }
}
