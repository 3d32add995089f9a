//! Two lines: loss on one, on both, copies that differ, bursts.

use super::super::rig::{CmeRig, Market, Options, cme_rig};
use super::interject;
use crate::recovery::live::rig::PATIENCE;
use cross_market_connect::sim::exchange::Phase;
use cross_market_connect::venue::cme::mdp3::{BookChange, EventMark, Generation, PacketBuilder};
use cross_market_connect::venue::cme::simulated::{LineFaults, LostPackets};
use std::time::{Duration, Instant};
use xmc_hotpath::port::Line;
use xmc_hotpath::venue::cme::mdp3::layout::{Action, BookEntry, EntryKind, Mantissa};

/// Follows the venue and compares the books with its own, again and again.
fn check_for(rig: &mut CmeRig<'_, '_>, turns: u32) {
    for _ in 0..turns {
        rig.follow(20);
        rig.check();
    }
}

#[test]
fn m03_what_one_line_loses_the_other_has_and_nothing_is_recovered() {
    cme_rig(&Options::default(), |rig| {
        rig.until_usable();
        let counters = rig.counters;
        let before = counters.asked.get();
        let lossy = LineFaults { lost_per_mille: 300, ..LineFaults::NONE };
        for line in Line::BOTH {
            let missing = counters.line(line).missing.get();
            rig.venue().set_faults(line, lossy);
            check_for(rig, 15);
            rig.venue().set_faults(line, LineFaults::NONE);
            rig.follow(20);
            assert!(counters.line(line).missing.get() > missing, "{line:?} lost some");
        }
        // In turns: five packets of A, the next five of B.
        let next = rig.venue().truth().0 + 50;
        for block in 0..20 {
            let first = u64::from(next) + 5 * block;
            let line = Some(if block % 2 == 0 { Line::A } else { Line::B });
            rig.venue().lose(LostPackets { line, numbers: first..=first + 4 });
        }
        rig.until("to be beyond them", |rig| rig.position() > next + 100);
        check_for(rig, 3);
        assert_eq!(counters.gaps.get() + counters.asked.get(), before, "no gap, no question");
        assert_eq!(counters.divergent.get(), 0);
    });
}

/// One packet that neither line delivers: no book of the channel is believed until all are known
/// again, whichever instrument the packet was about.
#[test]
fn m04_the_same_gap_on_both_lines_makes_all_books_suspect() {
    cme_rig(&Options::default(), |rig| {
        rig.until_usable();
        check_for(rig, 3);
        for _ in 0..5 {
            let (gaps, rejoined) = (rig.counters.gaps.get(), rig.counters.rejoined.get());
            let lost = u64::from(rig.venue().truth().0) + 20;
            rig.venue().lose(LostPackets { line: None, numbers: lost..=lost });
            rig.until("to miss it", |rig| rig.counters.gaps.get() > gaps);
            let (state, epoch) = rig.desk.seen.state();
            assert!(!state.is_usable() && rig.desk.seen.usable().is_empty(), "{state:?}");
            rig.until_usable();
            assert!(rig.desk.seen.state().1 > epoch, "another epoch than in the dark");
            assert!(rig.counters.rejoined.get() > rejoined, "books came from the cold side");
            check_for(rig, 2);
        }
        assert!(rig.counters.missing.get() >= 5);
    });
}

/// Both sides lose the same packets: only the loop of snapshots has them. The market goes on
/// meanwhile: what comes is queued and carried out behind it.
#[test]
fn m05_books_come_back_from_the_loop_of_snapshots() {
    cme_rig(&Options::default(), |rig| {
        rig.until_usable();
        check_for(rig, 3);
        let loops = rig.cold.recovered.get();
        for turn in 1..=5 {
            let gaps = rig.counters.gaps.get();
            let lost = u64::from(rig.venue().truth().0) + 20;
            rig.venue().lose(LostPackets { line: None, numbers: lost..=lost + 10 });
            rig.until("to miss them", |rig| rig.counters.gaps.get() > gaps);
            rig.until_usable();
            check_for(rig, 2);
            rig.until("a loop for each gap", |rig| rig.cold.recovered.get() >= loops + turn);
        }
        assert_eq!(rig.cold.audit.last(), [], "and agree with the snapshots that follow");
    });
}

/// The same number with other bytes, on either line first.
#[test]
fn m17_copies_that_differ_are_found_within_the_packet() {
    cme_rig(&Options::default(), |rig| {
        rig.until_usable();
        for wrong in Line::BOTH {
            check_for(rig, 3);
            let divergent = rig.counters.divergent.get();
            let number = interject(rig, move |packet| {
                // A level that the venue has not: whoever believes it trades against nothing.
                let rpt_seq = packet.rpt_seq(5_001).expect("it is copper");
                let entry = BookEntry::from(BookChange {
                    security_id: 5_001,
                    rpt_seq,
                    kind: EntryKind::Bid,
                    action: Action::Overlay,
                    level: 1,
                    price: Mantissa::new(77_000_000_000),
                    size_lots: Some(7),
                    order_count: Some(1),
                });
                let builder = || PacketBuilder::new(Generation::V13, packet.seq_no, packet.sent_ns);
                let mark = EventMark::end(packet.sent_ns);
                let sound = builder().heartbeat().finish();
                let other = builder().book(mark, &[entry], &[]).finish();
                match wrong {
                    Line::A => [other, sound],
                    Line::B => [sound, other],
                }
            });
            rig.until("to find it", |rig| rig.counters.divergent.get() > divergent);
            assert!(rig.position() - number <= 1, "found at {} of {number}", rig.position());
            assert!(!rig.state().is_usable() && rig.desk.seen.usable().is_empty());
            // What each of the two said of the instrument's numbers, only a snapshot can settle.
            rig.until_usable();
        }
    });
}

/// Packets of a burst.
const BURST: u32 = 20_000;

/// Twenty thousand packets as fast as they can be sent: whatever the sockets have no room for is
/// found, counted and recovered, and what is kept meanwhile is bounded.
#[test]
fn m19_a_burst_at_line_rate_loses_nothing_that_is_not_found() {
    let options = Options { buffer_bytes: Some(1 << 16), ..Options::default() };
    cme_rig(&options, |rig| {
        rig.until_usable();
        rig.venue().set_phase(None, Phase::Halted);
        rig.check();
        let counters = rig.counters;
        let came = || Line::BOTH.map(|line| counters.line(line).packets.get());
        let skipped = || Line::BOTH.map(|line| counters.line(line).missing.get());
        let (position, came_before, skipped_before) = (rig.position(), came(), skipped());
        // Nobody reads while it is sent, so that the sockets have no room for most of it.
        let sent = || {
            let counts = rig.with(|shell, _| shell.counts().feed);
            counts.datagrams + counts.unsent
        };
        let all = sent() + 2 * u64::from(BURST);
        rig.with(|shell, now| {
            for _ in 0..BURST {
                shell.venue_mut().interject(now, |packet| {
                    let packet = PacketBuilder::new(Generation::V13, packet.seq_no, packet.sent_ns);
                    let packet = packet.heartbeat().finish();
                    [packet.clone(), packet]
                });
            }
        });
        let began = Instant::now();
        while sent() < all {
            assert!(began.elapsed() < PATIENCE, "the burst is sent");
            std::thread::sleep(Duration::from_millis(1));
        }
        rig.until("to be over", |rig| rig.position() >= position + BURST);
        rig.until_usable();
        rig.check();
        // The next heartbeat shows what was lost last.
        rig.follow(700);
        let told = u64::from(rig.position() - position);
        let (came, skipped) = (came(), skipped());
        for line in [0, 1] {
            let (came, skipped) =
                (came[line] - came_before[line], skipped[line] - skipped_before[line]);
            println!("of {told} packets {came} came on line {line}, {skipped} were missed");
            // What a hand-over jumps over a line may count again when it comes to it.
            let counted = told..told + told / 10;
            assert!(counted.contains(&(came + skipped)), "each that did not come is missing");
        }
        println!(
            "{} missing on both, {} gaps, {} hand-overs",
            counters.missing.get(),
            counters.gaps.get(),
            counters.rejoined.get()
        );
        assert!(skipped != skipped_before && counters.gaps.get() > 0, "nothing was lost");
        rig.venue().set_phase(None, Phase::Open);
        check_for(rig, 3);
    });
}
