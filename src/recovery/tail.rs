//! Packets of the incremental feed that came: from where on none is missing, and the packets
//! themselves.

use xmc_hotpath::feed::{Feed, Protocol, SeqNo};
use xmc_hotpath::port::{Datagram, Line};
use xmc_hotpath::time::MonoNs;

/// Stretches that are kept. Gaps beyond so many are older than any snapshot that is worth taking.
const KEPT: usize = 64;
/// So far behind the newest one a number is no old copy but a new numbering: more than any line can
/// lag. What an old copy would do here is only to begin anew.
const NEW_NUMBERING: u32 = 4_096;

/// A packet that the cold side received and the hot side may have lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub line: Line,
    pub seq_no: SeqNo,
    pub payload: Vec<u8>,
}

impl Kept {
    /// Gives a feed that begins after `last` what was kept of the packets behind it.
    pub fn give<V: Protocol>(kept: &[Self], feed: &mut Feed<'_, V>, now: MonoNs) {
        for Self { line, payload, .. } in kept {
            feed.on_datagram(&Datagram { payload, received: now, line: *line });
        }
    }

    /// Those that come after `last`.
    pub fn after(kept: &[Self], last: SeqNo) -> Vec<Self> {
        kept.iter().filter(|kept| kept.seq_no.0 > last.0).cloned().collect()
    }
}

/// Numbers that came, as stretches without a gap. Numbers do not wrap within a week.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// First and last of each, the newest last.
    stretches: Vec<(u32, u32)>,
}

/// What a number means for those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// One more of the numbering that is followed, or one again.
    Same,
    /// The first of a new numbering: nothing from before holds.
    Anew,
}

impl Tail {
    /// Notes that a packet came.
    pub fn note(&mut self, seq_no: SeqNo) -> Noted {
        let number = seq_no.0;
        if self.newest().is_some_and(|newest| newest.0.saturating_sub(number) > NEW_NUMBERING) {
            self.stretches = vec![(number, number)];
            return Noted::Anew;
        }
        let place = self.stretches.partition_point(|(_, last)| last.saturating_add(1) < number);
        match self.stretches.get_mut(place) {
            Some((first, last)) if number.saturating_add(1) >= *first => {
                (*first, *last) = ((*first).min(number), (*last).max(number));
            }
            _ => self.stretches.insert(place, (number, number)),
        }
        if let Some((first, last)) = self.stretches.get(place + 1).copied()
            && self.stretches[place].1.saturating_add(1) >= first
        {
            self.stretches[place].1 = last;
            self.stretches.remove(place + 1);
        }
        if self.stretches.len() > KEPT {
            self.stretches.remove(0);
        }
        Noted::Same
    }

    /// The newest packet.
    #[must_use]
    pub fn newest(&self) -> Option<SeqNo> {
        self.stretches.last().map(|(_, last)| SeqNo(*last))
    }

    /// Whether a book that includes everything through `last` can go on with what came: nothing
    /// after it is missing.
    #[must_use]
    pub fn goes_on_from(&self, last: SeqNo) -> bool {
        self.stretches.last().is_some_and(|(first, _)| *first <= last.0.saturating_add(1))
    }

    /// The first packet of those without a gap.
    #[must_use]
    pub fn first(&self) -> Option<SeqNo> {
        self.stretches.last().map(|(first, _)| SeqNo(*first))
    }
}

#[cfg(test)]
mod tests {
    use super::{NEW_NUMBERING, Noted, SeqNo, Tail};

    fn tail(numbers: &[u32]) -> Tail {
        let mut tail = Tail::default();
        numbers.iter().for_each(|number| assert_eq!(tail.note(SeqNo(*number)), Noted::Same));
        tail
    }

    #[test]
    fn stretches_grow_join_and_are_told_apart() {
        for (numbers, stretches) in [
            (&[5, 6, 7][..], &[(5, 7)][..]),
            (&[5, 5, 6, 5], &[(5, 6)]),
            (&[5, 7], &[(5, 5), (7, 7)]),
            (&[5, 7, 6], &[(5, 7)]),
            (&[7, 5, 6, 9], &[(5, 7), (9, 9)]),
            (&[9, 5, 6, 8, 7], &[(5, 9)]),
            (&[4, 8, 6], &[(4, 4), (6, 6), (8, 8)]),
        ] {
            assert_eq!(tail(numbers).stretches, stretches, "{numbers:?}");
        }
    }

    /// Against the plain meaning: every number after `last` up to the newest came.
    #[test]
    fn what_it_goes_on_from_is_what_the_numbers_say() {
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..2_000 {
            let numbers: Vec<u32> = (0..rng.u32(1..30)).map(|_| rng.u32(10..40)).collect();
            let tail = tail(&numbers);
            let newest = numbers.iter().copied().max().expect("some");
            for last in 0..50 {
                let is_whole = (last + 1..=newest).all(|number| numbers.contains(&number));
                assert_eq!(tail.goes_on_from(SeqNo(last)), is_whole, "{last} of {numbers:?}");
            }
            assert_eq!(tail.newest(), Some(SeqNo(newest)));
        }
        assert!(!Tail::default().goes_on_from(SeqNo(7)), "nothing came");
    }

    #[test]
    fn a_number_far_behind_begins_a_new_numbering() {
        let mut tail = tail(&[NEW_NUMBERING + 2]);
        assert_eq!(tail.note(SeqNo(2)), Noted::Same);
        assert_eq!(tail.note(SeqNo(1)), Noted::Anew);
        assert_eq!(tail.newest(), Some(SeqNo(1)));
    }
}
