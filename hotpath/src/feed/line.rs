//! What is known of one line: how far it got, what it lost, how long it has been behind.

use super::counters::LineCounters;
use super::sequence::SeqNo;
use crate::time::{MonoNs, Span};

/// Packets back from the furthest one that are remembered one by one.
const REMEMBERED: u32 = 64;

#[derive(Clone, Copy, Debug)]
pub(super) struct LineTrack {
    /// The furthest packet it delivered or said that it had sent; `None` until there was one.
    furthest: Option<SeqNo>,
    /// Bit n: it delivered the packet n before `furthest`, or that one lies before its beginning.
    seen: u64,
    /// Since when the other line has been further, without a word from this one.
    owing_since: Option<MonoNs>,
    /// When the loss that still goes on began.
    loss_began: Option<MonoNs>,
    last_loss: MonoNs,
}

impl LineTrack {
    pub(super) const NEW: Self = Self {
        furthest: None,
        seen: u64::MAX,
        owing_since: None,
        loss_began: None,
        last_loss: MonoNs(0),
    };

    /// It delivered a packet of the current sequence.
    #[inline(always)]
    pub(super) fn follow(&mut self, seq_no: SeqNo, now: MonoNs, counters: &LineCounters) {
        let Some(furthest) = self.furthest else {
            self.furthest = Some(seq_no);
            return;
        };
        let beyond = seq_no.beyond(furthest);
        if beyond == 1 {
            self.furthest = Some(seq_no);
            self.seen = self.seen << 1 | 1;
        } else {
            self.jump(seq_no, beyond, now, counters);
        }
    }

    #[cold]
    #[inline(never)]
    fn jump(&mut self, seq_no: SeqNo, beyond: i32, now: MonoNs, counters: &LineCounters) {
        let distance = beyond.unsigned_abs();
        if beyond > 0 {
            self.seen = self.seen.checked_shl(distance).unwrap_or(0) | 1;
            self.furthest = Some(seq_no);
            counters.missing.add(u64::from(distance.wrapping_sub(1)));
            counters.gaps.add(1);
            self.loss_began = self.loss_began.or(Some(now));
            self.last_loss = now;
        } else if distance < REMEMBERED {
            let bit = 1_u64.checked_shl(distance).unwrap_or(0);
            if self.seen & bit == 0 {
                self.seen |= bit;
                counters.missing.set(counters.missing.get().saturating_sub(1));
                counters.reordered.add(1);
            }
        }
    }

    /// It says that it has sent everything through `last`, without delivering it just now.
    pub(super) fn announce(&mut self, last: SeqNo, now: MonoNs, counters: &LineCounters) {
        let Some(furthest) = self.furthest else {
            // What it sent before it was heard is not lost.
            self.furthest = Some(last);
            return;
        };
        let distance = u32::try_from(last.beyond(furthest)).unwrap_or(0);
        if distance > 0 {
            self.seen = self.seen.checked_shl(distance).unwrap_or(0);
            self.furthest = Some(last);
            counters.missing.add(u64::from(distance));
            counters.gaps.add(1);
            self.loss_began = self.loss_began.or(Some(now));
            self.last_loss = now;
        }
    }

    /// The packet after what it said that it had sent, if it did not deliver the last of that.
    #[inline]
    pub(super) fn announced(&self) -> Option<SeqNo> {
        if self.seen & 1 == 0 { self.furthest.map(SeqNo::next) } else { None }
    }

    /// Whether `seq_no` is less than `far` beyond what it delivered or said that it had sent.
    pub(super) fn is_within(&self, seq_no: SeqNo, far: i32) -> bool {
        self.furthest.is_some_and(|furthest| seq_no.beyond(furthest) < far)
    }

    /// Whether it will not deliver `seq_no` any more: it is further by more than `reorder` packets.
    #[inline]
    pub(super) fn has_passed(&self, seq_no: SeqNo, reorder: u32) -> bool {
        self.announced().or(self.furthest).is_some_and(|furthest| {
            u32::try_from(furthest.beyond(seq_no)).is_ok_and(|beyond| beyond > reorder)
        })
    }

    /// It was followed to a packet: it owes nothing now, and the other line may.
    #[inline(always)]
    pub(super) fn settle_with(&mut self, other: &mut Self, now: MonoNs) {
        let ahead = match (self.furthest, other.furthest) {
            (Some(own), Some(other)) => own.beyond(other),
            (own, other) => i32::from(own.is_some()).wrapping_sub(i32::from(other.is_some())),
        };
        self.owing_since = None;
        if ahead > 0 {
            other.owing_since = other.owing_since.or(Some(now));
        }
    }

    /// Whether the other line has been further for `limit` and this one has said nothing since. A
    /// line is not silent for as long as the other is not further: a quiet channel is no fault.
    #[inline]
    pub(super) fn is_silent(&self, now: MonoNs, limit: Span) -> bool {
        self.owing_since.is_some_and(|since| now.since(since) >= limit)
    }

    /// Whether it has been losing packets for `limit`, without as long a pause between two losses.
    pub(super) fn is_lossy(&mut self, now: MonoNs, limit: Span) -> bool {
        if now.since(self.last_loss) >= limit {
            self.loss_began = None;
        }
        self.loss_began.is_some_and(|began| now.since(began) >= limit)
    }

    /// The sequence begins anew after `last`, if that is known: what was delivered before says
    /// nothing about it.
    pub(super) const fn restart(&mut self, last: Option<SeqNo>) {
        self.furthest = last;
        self.seen = u64::MAX;
        self.owing_since = None;
    }
}
