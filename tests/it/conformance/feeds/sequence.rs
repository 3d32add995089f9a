//! The channel over time: resets, silence of every kind, late joiners.

use super::super::rig::{CmeRig, Market, Options, cme_rig};
use super::failover::{listener, sender};
use cross_market_connect::sim::exchange::Phase;
use cross_market_connect::venue::cme::simulated::Silence;
use std::collections::BTreeMap;
use std::time::Instant;
use xmc_hotpath::feed::ArbiterLimits;
use xmc_hotpath::message::ChannelState;
use xmc_hotpath::time::Span;

/// The number of each instrument's last entry.
fn entries(rig: &CmeRig<'_, '_>) -> BTreeMap<i32, u32> {
    let books = rig.stage.feed().channel().books().iter();
    books.filter_map(|of| Some((of.security_id(), of.change_seq_no()?))).collect()
}

/// Gaps of the channel and of instruments: whoever joins late finds some, and from then on none.
fn breaks(rig: &CmeRig<'_, '_>) -> (u64, u64) {
    (rig.counters.gaps.get(), rig.counters.sequence_breaks.get())
}

/// All books are void at once, what holds is sent again, and instruments count from 1.
#[test]
fn m08_a_channel_reset_empties_the_books_and_fills_them_again() {
    cme_rig(&Options::default(), |rig| {
        rig.until_usable();
        let before = breaks(rig);
        for _ in 0..5 {
            rig.follow(200);
            rig.check();
            let (resets, epoch) = (rig.counters.resets.get(), rig.desk.seen.state().1);
            let told = entries(rig);
            rig.venue().fail_over();
            rig.until("to be void", |rig| rig.counters.resets.get() > resets);
            assert_eq!(rig.state(), ChannelState::Recovering);
            assert!(
                rig.stage
                    .feed()
                    .channel()
                    .books()
                    .iter()
                    .all(|of| { of.bids().levels().iter().all(|level| !level.is_present()) })
            );
            rig.until_usable();
            let after = entries(rig);
            assert!(after.iter().any(|(id, last)| told.get(id) > Some(last)), "from 1 again");
            assert!(rig.desk.seen.state().1 > epoch);
            rig.check();
        }
        assert_eq!(breaks(rig), before);
    });
}

/// Old packets come again on both lines, as they were, and nothing follows from it.
fn send_again(rig: &mut CmeRig<'_, '_>) {
    let groups = rig.venue().addresses().incremental;
    let taken = listener(groups[0]);
    let mut buffer = [0; 2_048];
    let mut old: Vec<Vec<u8>> = Vec::new();
    while old.len() < 40 {
        let len = taken.recv(&mut buffer).expect("the market moves");
        old.push(buffer[..len].to_vec());
        rig.poll();
    }
    drop(taken);
    rig.follow(1_200);
    let (position, before, epoch) = (rig.position(), breaks(rig), rig.desk.seen.state().1);
    let again = sender();
    for group in groups {
        for packet in &old {
            again.send_to(packet, group).expect("loopback takes it");
            rig.poll();
            assert!(rig.position() >= position, "nothing goes back");
        }
    }
    rig.follow(200);
    rig.check();
    assert_eq!((breaks(rig), rig.desk.seen.state().1), (before, epoch));
}

/// Numbers that were there: a new week, whose packets were sent long after, or old packets that
/// come again. The one ends with the new books, however short the old week was, and the other
/// changes nothing.
#[test]
fn m09_a_new_week_is_told_from_old_packets_that_come_again() {
    cme_rig(&Options::default(), |rig| {
        rig.until_usable();
        for week_ms in [1_000, 40, 200, 1_000, 80] {
            rig.follow(week_ms);
            rig.check();
            if week_ms >= 1_000 {
                send_again(rig);
            }
            let anew =
                |rig: &CmeRig<'_, '_>| rig.counters.resets.get() + rig.counters.restarts.get();
            let (position, before, epoch) = (rig.position(), anew(rig), rig.desk.seen.state().1);
            rig.begin_anew(2_000);
            rig.until("to be numbered anew", |rig| anew(rig) > before);
            println!("a week of {position} packets, then at {}", rig.position());
            assert!(rig.desk.seen.state().1 > epoch);
            rig.until_usable();
            rig.check();
        }
    });
}

/// A quiet channel beats and stays live for as long as it likes; one that says nothing at all is
/// stale, and live again when it speaks. What happened while only heartbeats came is told then.
#[test]
fn m14_a_quiet_channel_is_live_and_a_dead_one_is_not() {
    let limits = ArbiterLimits { stale_after: Span(1_200_000_000), ..Options::default().limits };
    cme_rig(&Options { limits, ..Options::default() }, |rig| {
        rig.until_usable();
        let before = breaks(rig);
        rig.venue().set_phase(None, Phase::Halted);
        rig.check();
        let (position, events) = (rig.position(), rig.counters.events.get());
        let began = Instant::now();
        for _ in 0..25 {
            rig.follow(100);
            assert!(rig.state().is_usable(), "{:?}", rig.state());
        }
        let beats = rig.position() - position;
        // One each half second, and a busy machine takes longer than it is told to.
        let most = 3 + began.elapsed().as_millis() / 500;
        assert!(beats >= 3 && u128::from(beats) <= most, "{beats} heartbeats, {most} at most");
        assert_eq!(rig.counters.events.get(), events, "nothing else came");
        rig.venue().set_phase(None, Phase::Open);
        rig.follow(100);
        rig.check();
        for (silence, is_dead) in [(Silence::Frozen, false), (Silence::Total, true)] {
            rig.venue().set_silence(silence);
            rig.follow(50);
            let events = rig.counters.events.get();
            rig.follow(1_800);
            assert_eq!(rig.counters.events.get(), events, "{silence:?}");
            assert_eq!(rig.state() == ChannelState::Stale, is_dead, "{silence:?}");
            assert!(!is_dead || rig.desk.seen.usable().is_empty());
            rig.venue().set_silence(Silence::Off);
            rig.until_usable();
            rig.follow(50);
            rig.until("all of it", |rig| rig.counters.events.get() > events + 500);
            rig.check();
        }
        assert_eq!(breaks(rig), before);
    });
}

/// Whoever comes late has the same books as whoever was there: from a market that moves, from one
/// that is halted, and while packets are lost.
#[test]
fn m18_a_late_joiner_has_the_books_of_the_venue() {
    for (phase, lost) in [(Phase::Open, 0), (Phase::Halted, 0), (Phase::Open, 50)] {
        cme_rig(&Options::default(), |rig| {
            // The lines were joined, but nobody has listened so far.
            std::thread::sleep(std::time::Duration::from_millis(600));
            rig.venue().set_phase(None, phase);
            rig.venue().set_lost_together(lost);
            let (last, _) = rig.venue().truth();
            assert!(last > 100, "{last} packets before");
            rig.until_usable();
            // Where the sockets kept all since the venue's first reset, books came with that.
            let (cold, resets) = (rig.counters.rejoined.get(), rig.counters.resets.get());
            assert!(cold + resets > 0, "books came from the cold side, or were sent again");
            rig.venue().set_lost_together(0);
            rig.follow(50);
            rig.check();
        });
    }
}
