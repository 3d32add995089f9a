//! Damage on purpose: nothing panics, and no quote can be used once damage was found.

use super::kit::{Bench, Setup, Shot, bench, capture, instruments, run, seq_no, shot};
use xmc_hotpath::feed::digest;
use xmc_hotpath::message::{ChannelState, Quote, QuoteQuality};
use xmc_hotpath::port::Line;

/// After the desk was told that the channel is suspect, no quote follows, and none is usable.
fn assert_unusable_from(bench: &Bench<'_>, quotes_before: usize) {
    assert!(is_lost(bench.seen.state().0));
    assert_eq!(bench.seen.usable(), []);
    // One is sent of each instrument in doubt, so that it is known.
    let is_doubt = |quote: &Quote| quote.quality == QuoteQuality::Divergent;
    let quotes = &bench.seen.quotes[quotes_before..];
    assert!(quotes.iter().all(is_doubt), "no quote leaves a channel that is not believed");
}

/// Whether no book of a channel is believed.
fn is_lost(state: ChannelState) -> bool {
    // A number that was changed on the way may look like one of a new numbering.
    matches!(state, ChannelState::Suspect | ChannelState::Divergent | ChannelState::Recovering)
}

/// The same packet missing on both lines makes every book unusable, at once and for good (M4, F3).
#[test]
fn a_packet_lost_on_both_lines_makes_all_books_unusable() {
    let Some(shots) = capture() else { return };
    let setup = Setup::new(&instruments(&shots));
    for lost in [5616, 5700, 7000, 9000] {
        bench(&setup, |bench| {
            let mut quotes_then = None;
            for shot in shots.iter().filter(|shot| seq_no(shot) != lost) {
                bench.send(shot);
                if quotes_then.is_none() && bench.state() == ChannelState::Suspect {
                    // Both lines have passed the lost packet by now, and not by more than one.
                    assert!(seq_no(shot) <= lost + 2, "found after {}", seq_no(shot));
                    quotes_then = Some(bench.seen.quotes.len());
                }
            }
            assert_unusable_from(bench, quotes_then.expect("the gap is found"));
            let update = bench.seen.updates.last().expect("the desk was told");
            assert_eq!((update.epoch, update.missing), (2, 1));
            assert_eq!(bench.counters.gaps.get(), 1);
            assert_eq!(bench.counters.missing.get(), 1);
            assert_eq!(bench.seen.updates.len(), 2, "once");
        });
    }
}

/// A run of the capture's packets on which one is damaged: what both lines bring of it.
struct Damage<'a> {
    before: &'a [Shot],
    after: &'a [Shot],
}

impl Damage<'_> {
    /// Delivers `on_a` and `on_b` in place of one packet, between its neighbours.
    fn deliver(&self, bench: &mut Bench<'_>, on_a: &[u8], on_b: &[u8]) {
        bench.run(self.before);
        bench.send(&shot(Line::A, self.before[1].at, on_a));
        bench.send(&shot(Line::B, self.before[1].at, on_b));
        for shot in self.after {
            let quotes_before = bench.seen.quotes.len();
            let was_suspect = is_lost(bench.state());
            bench.send(shot);
            if was_suspect {
                assert_unusable_from(bench, quotes_before);
            }
        }
        // What is held for a number that never comes is given up in time.
        let end = self.after.last().expect("there are some").at;
        bench.wait(end + 3_000_000);
    }
}

/// Pairs A, B of consecutive packets: the capture sorted by number.
fn paired(shots: &[Shot]) -> Vec<Shot> {
    let mut pairs = shots.to_vec();
    pairs.sort_by_key(|shot| (seq_no(shot), shot.line));
    for (index, shot) in pairs.iter_mut().enumerate() {
        shot.at = index as u64 * 1000;
    }
    pairs
}

/// Any bit flipped on one line: the copy of the other line is used instead, or the difference is
/// found; in no case a wrong quote stays usable (F7, F9, M17).
#[test]
fn any_bit_flipped_on_one_line_is_found_within_the_packet() {
    let Some(shots) = capture() else { return };
    let mut setup = Setup::new(&instruments(&shots));
    setup.held = 16;
    let pairs = paired(&shots);
    let (mut refused, mut divergent, mut other) = (0, 0, 0);
    for start in (0..9_900).step_by(990) {
        let damage =
            Damage { before: &pairs[start..start + 2], after: &pairs[start + 4..start + 8] };
        let clean_shots = &pairs[start..start + 8];
        let clean = run(&setup, clean_shots);
        let good = &pairs[start + 2].payload;
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            for (on_a, on_b) in [(&bad, good), (good, &bad)] {
                bench(&setup, |bench| {
                    damage.deliver(bench, on_a, on_b);
                    let is_refused = bench.counters.refused.iter().any(|c| c.get() > 0);
                    if is_lost(bench.state()) {
                        divergent += 1;
                        assert_eq!(bench.seen.usable(), []);
                    } else if is_refused {
                        refused += 1;
                        assert!(bench.seen.timeless() == clean.timeless(), "bit {bit}");
                    } else {
                        // Only a number far from any other can be passed over as an old copy.
                        assert!(bit < 32, "bit {bit} was not found");
                        assert!(bench.seen.timeless() == clean.timeless(), "bit {bit}");
                        other += 1;
                    }
                });
            }
        }
    }
    println!("{refused} refused, {divergent} made suspect, {other} passed over as strays");
    assert!(refused > 100 && divergent > 10_000);
}

/// The same damage on both lines cannot be told by comparison; it must not panic, and what is found
/// by other means must end all use.
#[test]
fn the_same_damage_on_both_lines_never_panics_and_never_leaves_a_suspect_channel_usable() {
    let Some(shots) = capture() else { return };
    let mut setup = Setup::new(&instruments(&shots));
    setup.held = 16;
    let pairs = paired(&shots);
    let mut random = fastrand::Rng::with_seed(7);
    let (mut suspect, mut live) = (0, 0);
    for _ in 0..4000 {
        let start = random.usize(..4_990) * 2;
        let damage =
            Damage { before: &pairs[start..start + 2], after: &pairs[start + 4..start + 8] };
        let good = &pairs[start + 2].payload;
        let mut bad = good.clone();
        match random.u8(..4) {
            0 => bad.truncate(random.usize(..good.len())),
            1 => bad.extend((0..random.usize(1..40)).map(|_| random.u8(..))),
            2 => bad.iter_mut().for_each(|byte| *byte = random.u8(..)),
            _ => {
                let bit = random.usize(..good.len() * 8);
                bad[bit / 8] ^= 1 << (bit % 8);
            }
        }
        bench(&setup, |bench| {
            damage.deliver(bench, &bad, &bad);
            let is_suspect = is_lost(bench.state());
            if is_suspect {
                suspect += 1;
                assert_eq!(bench.seen.usable(), []);
            } else {
                live += 1;
            }
        });
    }
    println!("{suspect} made suspect, {live} not to be told from the truth");
    assert!(suspect > 2000);
}

/// Every prefix of a packet on both lines: refused whole, so the packet is lost and that shows.
#[test]
fn any_truncation_is_refused_whole() {
    let Some(shots) = capture() else { return };
    let mut setup = Setup::new(&instruments(&shots));
    setup.held = 16;
    let pairs = paired(&shots);
    for start in [0, 2000, 6000] {
        let damage =
            Damage { before: &pairs[start..start + 2], after: &pairs[start + 4..start + 8] };
        let good = &pairs[start + 2].payload;
        for len in 0..good.len() {
            bench(&setup, |bench| {
                damage.deliver(bench, &good[..len], &good[..len]);
                let refused: u64 = bench.counters.refused.iter().map(|c| c.get()).sum();
                // A cut between two messages leaves a sound packet: nothing tells it from one.
                if refused > 0 {
                    assert_eq!(refused, 2);
                    assert_eq!(bench.counters.missing.get(), 1);
                    assert_eq!(bench.state(), ChannelState::Suspect);
                } else {
                    assert!(len > 12, "a header alone is no packet");
                }
            });
        }
    }
}

/// A divergent copy is found within the packet, whichever of the two came first.
#[test]
fn copies_that_differ_end_all_belief_in_the_channel() {
    let Some(shots) = capture() else { return };
    let setup = Setup::new(&instruments(&shots));
    let pairs = paired(&shots);
    bench(&setup, |bench| {
        bench.run(&pairs[..400]);
        let quotes = bench.seen.quotes.len();
        assert!(!bench.seen.usable().is_empty());
        // The sending time alone differs: it means nothing to a book, and yet one line is wrong.
        let mut other = pairs[400].payload.clone();
        other[4] ^= 1;
        bench.send(&pairs[400]);
        let quotes_before = bench.seen.quotes.len();
        assert!(quotes_before >= quotes);
        bench.send(&shot(Line::B, pairs[401].at, &other));
        assert_eq!(bench.counters.divergent.get(), 1);
        let told = bench.seen.updates.last().expect("the desk is told");
        let told = (told.state, told.packet_seq_no, told.missing);
        assert_eq!(told, (ChannelState::Divergent, seq_no(&pairs[400]), 0));
        assert_unusable_from(bench, quotes_before);
        bench.run(&pairs[402..1000]);
        assert_unusable_from(bench, quotes_before);
        assert_eq!(bench.counters.applied.get(), 500, "packets are applied all the same");
    });
}

/// A digest tells any single change of a bit, and of any aligned word, for certain.
#[test]
fn digests_differ_after_any_flip() {
    let mut random = fastrand::Rng::with_seed(11);
    for len in 0..200 {
        let bytes: Vec<u8> = (0..len).map(|_| random.u8(..)).collect();
        let whole = digest(&bytes);
        for bit in 0..len * 8 {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(digest(&other), whole, "length {len}, bit {bit}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_ne!(digest(&longer), whole, "a zero more is a difference");
    }
    // The top bits of two words, which a plain polynomial would let cancel.
    let mut other = [0_u8; 64];
    (other[7], other[15]) = (0x80, 0x80);
    assert_ne!(digest(&other), digest(&[0; 64]));
    (other[15], other[39]) = (0, 0x80);
    assert_ne!(digest(&other), digest(&[0; 64]));
}
