//! Arbitration against what is true by definition: a packet is lost if neither line brought it.

use proptest::prelude::*;
use std::collections::BTreeSet;
use xmc_hotpath::book::StorageError;
use xmc_hotpath::feed::{
    Arbiter, ArbiterLimits, Arrived, Digest, FeedCounters, Gap, Held, SeqNo, Verdict,
};
use xmc_hotpath::port::Line;
use xmc_hotpath::time::{MonoNs, Span};

const LIMITS: ArbiterLimits = ArbiterLimits {
    hold_for: Span(u64::MAX),
    line_reorder: 0,
    silent_after: Span(u64::MAX),
    lossy_after: Span(u64::MAX),
    stale_after: Span(u64::MAX),
};

/// What an arbiter did with what it was given.
#[derive(Debug, Default, PartialEq, Eq)]
struct Done {
    applied: Vec<u32>,
    gaps: Vec<(u32, u32)>,
    divergent: u32,
    strays: u32,
    restarts: Vec<(u32, u32)>,
}

/// Feeds an arbiter as the stage does.
struct Harness<'a> {
    arbiter: Arbiter<'a>,
    done: Done,
}

impl Harness<'_> {
    fn give(&mut self, line: Line, seq_no: u32, now: u64, payload: &[u8]) -> Verdict {
        let packet = Arrived { line, seq_no: SeqNo(seq_no), received: MonoNs(now), payload };
        self.arbiter.heard(packet.received);
        let mut verdict = self.arbiter.place(&packet);
        while verdict == Verdict::NoRoom {
            let gap = self.arbiter.give_up(packet.seq_no);
            self.gap(gap);
            self.drain();
            verdict = self.arbiter.place(&packet);
        }
        match verdict {
            Verdict::Apply => {
                self.done.applied.push(seq_no);
                self.arbiter.applied(&packet);
            }
            Verdict::Divergent => self.done.divergent += 1,
            Verdict::Stray => self.done.strays += 1,
            Verdict::Restart { from, to } => self.done.restarts.push((from.0, to.0)),
            _ => {}
        }
        self.time(now);
        verdict
    }

    fn time(&mut self, now: u64) {
        self.drain();
        while let Some(gap) = self.arbiter.lost(MonoNs(now)) {
            self.gap(gap);
            self.drain();
        }
    }

    fn gap(&mut self, gap: Gap) {
        self.done.gaps.push((gap.from.0, gap.missing));
    }

    fn drain(&mut self) {
        while let Some(held) = self.arbiter.ready() {
            let packet = held.packet();
            assert_eq!(packet.payload, body(packet.seq_no.0), "held bytes come back unharmed");
            self.done.applied.push(packet.seq_no.0);
            self.arbiter.release_ready();
        }
    }
}

fn body(seq_no: u32) -> Vec<u8> {
    vec![(seq_no % 251) as u8; (seq_no % 97) as usize]
}

fn with<R>(limits: ArbiterLimits, held: usize, use_it: impl FnOnce(&mut Harness<'_>) -> R) -> R {
    let counters = FeedCounters::default();
    let mut places = vec![Held::FREE; held];
    let mut digests = vec![Digest::FREE; 256];
    let arbiter = Arbiter::new(limits, &mut places, &mut digests, &counters.lines);
    let arbiter = arbiter.expect("the sizes are right");
    use_it(&mut Harness { arbiter, done: Done::default() })
}

/// The runs of consecutive numbers that are missing from `known`, within its ends.
fn holes(known: &BTreeSet<u32>) -> Vec<(u32, u32)> {
    let numbers: Vec<u32> = known.iter().copied().collect();
    let pairs = numbers.windows(2).filter(|pair| pair[1] > pair[0] + 1);
    pairs.map(|pair| (pair[0] + 1, pair[1] - pair[0] - 1)).collect()
}

/// Two in-order lines, each losing some packets, in any interleaving up to a skew.
fn deliveries() -> impl Strategy<Value = Vec<(Line, u32)>> {
    let fates = prop::collection::vec((0_u8..8, 0_u32..12, 0_u32..12), 2..150);
    (fates, 0_u32..16).prop_map(|(fates, skew)| {
        let mut keyed = Vec::new();
        let (mut last_a, mut last_b) = (0, 0);
        for (number, (fate, jitter_a, jitter_b)) in (0_u32..).zip(fates) {
            // In order within a line: a packet comes no earlier than the one before it.
            last_a = last_a.max(number + jitter_a);
            last_b = last_b.max(number + skew + jitter_b);
            let (on_a, on_b) = match fate {
                _ if number == 0 => (true, true),
                0 => (false, false),
                1 | 2 => (true, false),
                3 | 4 => (false, true),
                _ => (true, true),
            };
            if on_a {
                keyed.push((last_a, number, Line::A));
            }
            if on_b {
                keyed.push((last_b, number, Line::B));
            }
        }
        keyed.sort_by_key(|&(key, number, _)| (key, number));
        // The first delivery fixes where the channel begins.
        keyed.into_iter().map(|(_, number, line)| (line, number)).collect()
    })
}

fn wild_number() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0_u32..200, 1 => any::<u32>(), 1 => 60_000_u32..60_020]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// What is applied is every packet that any line brought, once, in order; what is reported lost
    /// is exactly what neither brought. Numbers may wrap.
    #[test]
    fn every_packet_of_either_line_is_applied_once_and_in_order(
        deliveries in deliveries(),
        origin in prop_oneof![Just(1_u32), Just(u32::MAX - 40), any::<u32>()],
    ) {
        with(LIMITS, 64, |harness| {
            let start = deliveries[0].1;
            for &(line, number) in &deliveries {
                let seq_no = origin.wrapping_add(number);
                harness.give(line, seq_no, 0, &body(seq_no));
            }
            // The end of the run: what waits for packets that no line can bring any more.
            for line in Line::BOTH {
                let seq_no = origin.wrapping_add(150);
                harness.give(line, seq_no, 0, &body(seq_no));
            }
            let mut brought: BTreeSet<u32> =
                deliveries.iter().map(|&(_, number)| number).filter(|&n| n >= start).collect();
            brought.insert(150);
            let relative = |seq_no: u32| seq_no.wrapping_sub(origin);
            let applied: Vec<u32> =
                harness.done.applied.iter().map(|&seq_no| relative(seq_no)).collect();
            prop_assert_eq!(applied, brought.iter().copied().collect::<Vec<_>>());
            let gaps = harness.done.gaps.iter().map(|&(from, missing)| (relative(from), missing));
            prop_assert_eq!(gaps.collect::<Vec<_>>(), holes(&brought));
            // The first copy of the last packet may be far ahead of all that came before.
            prop_assert_eq!((harness.done.divergent, harness.done.strays > 1), (0, false));
            Ok(())
        })?;
    }

    /// Whatever numbers come, nothing is applied twice in one numbering or out of order.
    #[test]
    fn any_numbers_are_survived(
        numbers in prop::collection::vec((any::<bool>(), wild_number()), 1..300),
    ) {
        with(ArbiterLimits { hold_for: Span(40), ..LIMITS }, 16, |harness| {
            for (now, (is_a, seq_no)) in (0..).zip(numbers) {
                let before = harness.done.applied.len();
                let restarts = harness.done.restarts.len();
                let last = harness.done.applied.last().copied();
                let line = if is_a { Line::A } else { Line::B };
                harness.give(line, seq_no, now, &body(seq_no));
                let mut previous = last.filter(|_| harness.done.restarts.len() == restarts);
                for &applied in &harness.done.applied[before..] {
                    let is_later = previous.is_none_or(|p| SeqNo(applied).beyond(SeqNo(p)) > 0);
                    prop_assert!(is_later, "{applied} after {previous:?}");
                    previous = Some(applied);
                }
            }
            Ok(())
        })?;
    }
}

/// Both lines out of order by as much as they may be, and by one packet more.
#[test]
fn a_line_may_be_out_of_order_by_what_its_limit_says() {
    for (limit, order, gaps) in [
        (0, &[1, 3][..], &[(2, 1)][..]),
        (1, &[1, 3, 2][..], &[][..]),
        (1, &[1, 3, 4][..], &[(2, 1)][..]),
        (2, &[1, 4, 3, 2][..], &[][..]),
    ] {
        with(ArbiterLimits { line_reorder: limit, ..LIMITS }, 16, |harness| {
            for &seq_no in order {
                harness.give(Line::A, seq_no, 0, &body(seq_no));
                harness.give(Line::B, seq_no, 0, &body(seq_no));
            }
            assert_eq!(harness.done.gaps, gaps, "limit {limit}, order {order:?}");
        });
    }
}

#[test]
fn a_gap_is_given_up_by_time_room_and_silence() {
    let limits = ArbiterLimits { hold_for: Span(100), silent_after: Span(1000), ..LIMITS };
    // Time: line B has not passed it, but the wait is over.
    with(limits, 16, |harness| {
        harness.give(Line::A, 1, 0, &body(1));
        harness.give(Line::B, 1, 0, &body(1));
        assert_eq!(harness.give(Line::A, 3, 50, &body(3)), Verdict::Held);
        harness.time(149);
        assert_eq!(harness.done.gaps, []);
        assert_eq!(harness.arbiter.deadline(), MonoNs(150));
        harness.time(150);
        assert_eq!(harness.done.gaps, [(2, 1)]);
        assert_eq!(harness.done.applied, [1, 3]);
        assert_eq!(harness.arbiter.deadline(), MonoNs::NEVER);
        // Too late: it was given up.
        assert_eq!(harness.give(Line::B, 2, 151, &body(2)), Verdict::Late);
    });
    // The wait of a second hole begins with the packet behind it, not with the first hole's.
    with(limits, 16, |harness| {
        for (seq_no, now) in [(1, 0), (3, 10), (5, 60), (2, 70)] {
            harness.give(Line::A, seq_no, now, &body(seq_no));
        }
        assert_eq!(harness.done.applied, [1, 2, 3]);
        assert_eq!(harness.arbiter.deadline(), MonoNs(160));
    });
    // Room: 16 places hold what is less than 16 ahead.
    with(LIMITS, 16, |harness| {
        harness.give(Line::A, 1, 0, &body(1));
        for seq_no in 3..=17 {
            assert_eq!(harness.give(Line::A, seq_no, 0, &body(seq_no)), Verdict::Held);
        }
        assert_eq!(harness.done.gaps, []);
        assert_eq!(harness.give(Line::A, 18, 0, &body(18)), Verdict::Apply);
        assert_eq!(harness.done.gaps, [(2, 1)]);
        assert_eq!(harness.done.applied.len(), 17);
    });
    // Silence: a line that is gone brings nothing; no use to wait for it.
    with(ArbiterLimits { hold_for: LIMITS.hold_for, ..limits }, 16, |harness| {
        harness.give(Line::A, 1, 0, &body(1));
        assert_eq!(harness.give(Line::A, 3, 999, &body(3)), Verdict::Held);
        assert_eq!(harness.done.gaps, [], "line B has owed for 999 only");
        harness.give(Line::A, 4, 1000, &body(4));
        assert_eq!(harness.done.gaps, [(2, 1)]);
    });
}

/// The weekly reset is followed when both lines agree, or one insists; a rewind is not (M9).
#[test]
fn a_new_numbering_is_told_from_old_copies() {
    let start = |harness: &mut Harness<'_>| {
        for seq_no in 5000..5300 {
            harness.give(Line::A, seq_no, 0, &body(seq_no));
            harness.give(Line::B, seq_no, 0, &body(seq_no));
        }
        harness.done.applied.clear();
    };
    with(LIMITS, 16, |harness| {
        start(harness);
        // Both lines.
        assert_eq!(harness.give(Line::A, 1, 0, &body(1)), Verdict::Stray);
        assert_eq!(harness.give(Line::B, 1, 0, &body(1)), Verdict::Stray);
        let verdict = harness.give(Line::A, 2, 0, &body(2));
        assert_eq!(verdict, Verdict::Restart { from: SeqNo(5300), to: SeqNo(1) });
        assert_eq!(harness.give(Line::B, 2, 0, &body(2)), Verdict::Duplicate);
        harness.give(Line::B, 3, 0, &body(3));
        assert_eq!((&harness.done.applied[..], &harness.done.gaps[..]), (&[1, 2, 3][..], &[][..]));
    });
    with(LIMITS, 16, |harness| {
        start(harness);
        // One line alone, eight in a row.
        for seq_no in 1..8 {
            assert_eq!(harness.give(Line::B, seq_no, 0, &body(seq_no)), Verdict::Stray);
        }
        harness.give(Line::B, 8, 0, &body(8));
        assert_eq!(harness.done.applied, [1, 2, 3, 4, 5, 6, 7, 8]);
    });
    with(LIMITS, 16, |harness| {
        start(harness);
        // Old copies, single or on one line while the other goes on: ignored for ever.
        for turn in 0..20 {
            for old in 100..107 {
                assert_eq!(harness.give(Line::A, old, 0, &body(old)), Verdict::Stray);
            }
            let seq_no = 5300 + turn;
            assert_eq!(harness.give(Line::B, seq_no, 0, &body(seq_no)), Verdict::Apply);
            // A copy that is far behind but remembered is no stray.
            assert_eq!(harness.give(Line::A, 5280, 0, &body(5280)), Verdict::Duplicate);
        }
        assert_eq!((harness.done.restarts.len(), harness.done.applied.len()), (0, 20));
    });
    with(LIMITS, 16, |harness| {
        start(harness);
        // A run that is broken off does not stay in the way of a packet that has to be held.
        for old in [1, 2, 3] {
            harness.give(Line::A, old, 0, &body(old));
        }
        harness.give(Line::A, 5302, 0, &body(5302));
        harness.give(Line::B, 5300, 0, &body(5300));
        harness.give(Line::B, 5301, 0, &body(5301));
        assert_eq!(harness.done.applied, [5300, 5301, 5302]);
        assert_eq!(harness.arbiter.held_count(), 0);
    });
}

/// Copies are compared while the packet is held, after it was applied, and until it is forgotten.
#[test]
fn copies_are_compared_as_long_as_they_are_remembered() {
    with(LIMITS, 16, |harness| {
        harness.give(Line::A, 1, 0, &body(1));
        harness.give(Line::A, 3, 0, &body(3));
        assert_eq!(harness.give(Line::B, 3, 0, b"other"), Verdict::Divergent);
        assert_eq!(harness.give(Line::A, 3, 0, &body(3)), Verdict::Duplicate);
        assert_eq!(harness.give(Line::B, 1, 0, b"other"), Verdict::Divergent);
        for seq_no in 2..300 {
            harness.give(Line::A, seq_no, 0, &body(seq_no));
        }
        assert_eq!(harness.give(Line::B, 290, 0, b"other"), Verdict::Divergent);
        // 16 and more behind, with other bytes: no copy at all, but perhaps a new numbering.
        assert_eq!(harness.give(Line::B, 280, 0, b"other"), Verdict::Stray);
        assert_eq!(harness.done.divergent, 3);
    });
}

#[test]
fn storage_of_a_wrong_size_is_refused() {
    let counters = FeedCounters::default();
    let size = |held: usize, digests: usize| {
        let (mut held, mut digests) = (vec![Held::FREE; held], vec![Digest::FREE; digests]);
        Arbiter::new(LIMITS, &mut held, &mut digests, &counters.lines).err()
    };
    assert_eq!(size(16, 16), None);
    assert_eq!(size(24, 16), Some(StorageError::NotPowerOfTwo));
    assert_eq!(size(16, 24), Some(StorageError::NotPowerOfTwo));
    assert_eq!(size(8, 16), Some(StorageError::TooSmall));
    assert_eq!(size(16, 0), Some(StorageError::TooSmall));
}

/// One number far ahead of both lines is believed when they go on from it, and not before.
#[test]
fn a_stray_number_far_ahead_gives_nothing_up() {
    let limits = ArbiterLimits { hold_for: Span(1_000), ..LIMITS };
    let start = |harness: &mut Harness<'_>| {
        for seq_no in 1..=10 {
            harness.give(Line::A, seq_no, 0, &body(seq_no));
            harness.give(Line::B, seq_no, 0, &body(seq_no));
        }
        harness.done.applied.clear();
    };
    with(limits, 16, |harness| {
        start(harness);
        for turn in 0..5 {
            let far = 5_000 + 1_000 * turn;
            assert_eq!(harness.give(Line::A, far, 0, &body(far)), Verdict::Stray);
            harness.time(1_000_000);
            let seq_no = 11 + turn;
            assert_eq!(harness.give(Line::A, seq_no, 0, &body(seq_no)), Verdict::Apply);
            assert_eq!(harness.give(Line::B, seq_no, 0, &body(seq_no)), Verdict::Duplicate);
        }
        assert_eq!((harness.done.gaps.len(), harness.done.applied.len()), (0, 5));
    });
    with(limits, 16, |harness| {
        start(harness);
        // Both lines are there, with the same packet or with others.
        assert_eq!(harness.give(Line::A, 500, 0, &body(500)), Verdict::Stray);
        harness.give(Line::B, 503, 0, &body(503));
        assert_eq!(harness.done.applied, [500]);
        harness.give(Line::A, 504, 0, &body(504));
        assert_eq!(harness.done.applied, [500, 503, 504]);
        assert_eq!(harness.done.gaps, [(11, 489), (501, 2)]);
    });
    with(limits, 16, |harness| {
        start(harness);
        // One line alone: eight packets.
        for seq_no in 500..507 {
            assert_eq!(harness.give(Line::A, seq_no, 0, &body(seq_no)), Verdict::Stray);
        }
        harness.give(Line::A, 507, 0, &body(507));
        assert_eq!(harness.done.applied, (500..508).collect::<Vec<_>>());
        assert_eq!(harness.done.gaps, [(11, 489)]);
    });
}
