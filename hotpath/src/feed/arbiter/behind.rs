//! Packets whose numbers were there before: copies, late ones, strays, and where another numbering
//! begins.

use super::{Arbiter, CONVINCING, Run};
use crate::feed::digest::digest;
use crate::feed::held::{Digest, HELD_BYTES};
use crate::feed::verdict::{Arrived, Verdict};
use crate::port::Line;

impl Arbiter<'_> {
    /// Says what to do with a packet that is behind and was sent before the newest one: it is of no
    /// other numbering, however far behind it is.
    #[inline]
    pub(in crate::feed) fn place_older(&mut self, packet: &Arrived<'_>) -> Verdict {
        let Some(expected) = self.expected else { return self.place(packet) };
        let beyond = packet.seq_no.beyond(expected);
        if beyond >= 0 {
            return self.place(packet);
        }
        self.compare_with(packet, digest(packet.payload), beyond, false)
    }

    /// Says what to do with a packet that is behind and was sent long after the newest one: one
    /// proves nothing. Where its number is remembered with other bytes it may as well be a damaged
    /// copy, and that is said.
    #[cold]
    #[inline(never)]
    pub(in crate::feed) fn suspect(&mut self, packet: &Arrived<'_>) -> Verdict {
        let value = digest(packet.payload);
        let place = packet.seq_no.place(self.digests.len());
        let is_other = self.digests.get(place).is_some_and(|known| {
            known.is_used && known.seq_no == packet.seq_no && known.value != value
        });
        let verdict = self.stray(packet, value);
        if verdict == Verdict::Stray && is_other { Verdict::Divergent } else { verdict }
    }

    /// The same of a packet that proves that another numbering has begun: `Restart`, or `Stray` if
    /// it cannot be kept for its turn.
    #[cold]
    #[inline(never)]
    pub(in crate::feed) fn begins_anew(&mut self, packet: &Arrived<'_>) -> Verdict {
        match (self.stray(packet, digest(packet.payload)), self.run) {
            (Verdict::Stray, Some(run)) => self.restart(run),
            (verdict, _) => verdict,
        }
    }

    /// A packet that was behind: a copy, or a stray.
    pub(super) fn compare(&mut self, packet: &Arrived<'_>, beyond: i32) -> Verdict {
        self.compare_with(packet, digest(packet.payload), beyond, true)
    }

    fn compare_with(
        &mut self,
        packet: &Arrived<'_>,
        value: u64,
        beyond: i32,
        may_be_anew: bool,
    ) -> Verdict {
        let place = packet.seq_no.place(self.digests.len());
        let known = self
            .digests
            .get(place)
            .filter(|known| known.is_used && known.seq_no == packet.seq_no)
            .copied();
        let is_same = known.is_some_and(|known| known.value == value);
        let behind = usize::try_from(beyond.unsigned_abs()).unwrap_or(usize::MAX);
        let is_far = behind >= self.held.len() && packet.received >= self.kept_until;
        if may_be_anew && is_far && !is_same {
            return self.stray(packet, value);
        }
        let counters = self.follow(packet);
        let Some(known) = known else {
            counters.late.add(1);
            return Verdict::Late;
        };
        counters.duplicates.add(1);
        self.follows(packet, known.line, known.received);
        if is_same { Verdict::Duplicate } else { Verdict::Divergent }
    }

    #[cold]
    #[inline(never)]
    fn stray(&mut self, packet: &Arrived<'_>, value: u64) -> Verdict {
        let seq_no = packet.seq_no;
        let run = match self.run {
            Some(run) if seq_no.beyond(run.start) >= 0 && seq_no.beyond(run.next) <= 0 => run,
            _ => {
                self.drop_run();
                Run { start: seq_no, next: seq_no, is_on_a: false, is_on_b: false, count: 0 }
            }
        };
        let place = seq_no.place(self.held.len());
        let is_new = seq_no == run.next;
        let is_free = self.held.get(place).is_some_and(|held| !held.is_used);
        if packet.payload.len() > HELD_BYTES || (is_new && !is_free) {
            // It could not be applied later: it proves nothing.
            self.drop_run();
            return Verdict::Stray;
        }
        if is_new {
            self.keep(packet, value);
        }
        let run = Run {
            next: if is_new { run.next.next() } else { run.next },
            is_on_a: run.is_on_a || packet.line == Line::A,
            is_on_b: run.is_on_b || packet.line == Line::B,
            ..run
        };
        self.run = Some(run);
        let len = run.next.beyond(run.start);
        if len >= CONVINCING || (len >= 2 && run.is_on_a && run.is_on_b) {
            return self.restart(run);
        }
        Verdict::Stray
    }

    fn restart(&mut self, run: Run) -> Verdict {
        let from = self.expected.unwrap_or(run.start);
        let mut kept = 0_usize;
        for held in self.held.iter_mut() {
            held.is_used &= run.has(held.seq_no);
            kept = kept.wrapping_add(usize::from(held.is_used));
        }
        self.held_count = kept;
        self.digests.fill(Digest::FREE);
        self.lines.iter_mut().for_each(|line| line.restart(None));
        self.expected = Some(run.start);
        self.run = None;
        self.leap = None;
        self.owed = None;
        self.wait();
        Verdict::Restart { from, to: run.start }
    }
}
