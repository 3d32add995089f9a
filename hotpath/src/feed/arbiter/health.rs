//! What the lines are worth: what they have brought, and what the cold side says they can bring.

use super::Arbiter;
use crate::feed::SeqNo;
use crate::feed::verdict::{CutLines, LineHealth};
use crate::time::MonoNs;

impl Arbiter<'_> {
    /// When anything came last whose framing is good.
    #[must_use]
    pub const fn last_heard(&self) -> MonoNs {
        self.last_heard
    }

    /// Whether a packet is the one that is to be applied next, as far as that is known.
    #[must_use]
    pub fn is_next(&self, seq_no: SeqNo) -> bool {
        self.expected.is_none_or(|expected| expected == seq_no)
    }

    /// Lines that can bring nothing, as was said last.
    #[must_use]
    pub const fn cut(&self) -> CutLines {
        self.cut
    }

    /// Notes which lines can bring nothing from `now` on.
    pub fn note_cut(&mut self, cut: CutLines, now: MonoNs) {
        if self.cut.are_both() && !cut.are_both() {
            self.joined_up = now;
        }
        self.cut = cut;
    }

    /// What the lines are worth at `now`. After neither could bring anything they are stale until
    /// one has: what was sent meanwhile nobody knows.
    pub fn health(&mut self, now: MonoNs) -> LineHealth {
        let limits = self.limits;
        if self.cut.are_both()
            || self.last_heard < self.joined_up
            || now.since(self.last_heard) >= limits.stale_after
        {
            return LineHealth::Stale;
        }
        let [a, b] = &mut self.lines;
        let is_single = self.cut.a
            | self.cut.b
            | a.is_silent(now, limits.silent_after)
            | b.is_silent(now, limits.silent_after)
            | a.is_lossy(now, limits.lossy_after)
            | b.is_lossy(now, limits.lossy_after);
        if is_single { LineHealth::Single } else { LineHealth::Both }
    }
}
