//! What goes wrong with simulated feeds on purpose: as much as was asked for, where its seed says,
//! and nothing else.

use super::cme::simulated::{MS, book, ids, moment, published, settings, setup};
use super::shfe::simulated as shfe;
use super::shfe::smdp::kit::TOPIC;
use crate::feed::kit::{bench, shot};
use cross_market_connect::venue::cme::simulated::{
    FeedFaults, Group, Happening, LineFaults, LostPackets, Silence, Venue,
};
use cross_market_connect::venue::shfe::simulated as smdp;
use std::collections::{BTreeMap, BTreeSet};
use xmc_hotpath::port::Line;
use xmc_hotpath::time::Span;

/// What arrived of the incremental feed, and when.
type Arrived = Vec<(Line, u64, Vec<u8>)>;

/// Runs a venue for `millis`, polled each `step` ms.
fn run(faults: FeedFaults, seed: u64, millis: usize, step: usize) -> (Venue, Arrived) {
    let mut settings = settings(seed);
    settings.channel.faults = faults;
    let mut venue = Venue::new(settings);
    let mut arrived = Vec::new();
    for at in (0..=millis).step_by(step).map(|at| at as u64 * MS) {
        venue.poll(moment(at));
        take(&mut venue, at, &mut arrived);
    }
    (venue, arrived)
}

fn take(venue: &mut Venue, at: u64, arrived: &mut Arrived) {
    while let Some(datagram) = venue.take_datagram() {
        if let Group::Incremental(line) = datagram.group {
            arrived.push((line, at, datagram.bytes));
        }
    }
}

const MILLIS: usize = 4_000;

fn feed(faults: FeedFaults) -> Arrived {
    run(faults, 7, MILLIS, 1).1
}

/// Faults on line B only.
fn on_b(faults: LineFaults) -> FeedFaults {
    FeedFaults { seed: 3, lines: [LineFaults::NONE, faults], ..FeedFaults::default() }
}

fn of(arrived: &Arrived, line: Line) -> Vec<&[u8]> {
    arrived.iter().filter(|(of, ..)| *of == line).map(|(.., bytes)| &bytes[..]).collect()
}

fn number(packet: &[u8]) -> u32 {
    packet.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn numbers(packets: &[&[u8]]) -> BTreeSet<u32> {
    packets.iter().map(|packet| number(packet)).collect()
}

/// What line A had and line B did not.
fn lost(arrived: &Arrived) -> BTreeSet<u32> {
    let [a, b] = Line::BOTH.map(|line| numbers(&of(arrived, line)));
    a.difference(&b).copied().collect()
}

fn near(count: usize, of: usize, per_mille: usize) {
    let expected = of * per_mille / 1_000;
    let slack = expected / 4 + 10;
    assert!(count.abs_diff(expected) < slack, "{count} of {of}, not about {expected}");
}

#[test]
fn the_same_seed_has_the_same_faults_and_another_seed_others() {
    let faults = LineFaults {
        lost_per_mille: 50,
        duplicated_per_mille: 50,
        swapped_per_mille: 50,
        swap_depth: 4,
        corrupted_per_mille: 50,
        truncated_per_mille: 50,
        oversized_per_mille: 50,
        divergent_per_mille: 50,
        ..LineFaults::NONE
    };
    let arrived = feed(on_b(faults));
    assert_eq!(arrived, feed(on_b(faults)));
    assert_ne!(arrived, feed(FeedFaults { seed: 4, ..on_b(faults) }));
    let clean = feed(FeedFaults::default());
    assert_eq!(of(&arrived, Line::A), of(&clean, Line::A));
    assert_eq!(of(&clean, Line::A), of(&clean, Line::B));
    // What is sound on B is a packet of A.
    let sound: BTreeSet<_> = of(&clean, Line::A).into_iter().collect();
    let all = of(&arrived, Line::B);
    let bad = all.iter().filter(|packet| !sound.contains(*packet)).count();
    near(bad, all.len(), 186);
}

#[test]
fn no_fault_changes_what_another_one_hits() {
    let lossy = LineFaults { lost_per_mille: 100, ..LineFaults::NONE };
    let alone = lost(&feed(on_b(lossy)));
    let among = LineFaults { duplicated_per_mille: 300, swapped_per_mille: 300, ..lossy };
    let mut faults = on_b(among);
    faults.lines[0] = LineFaults { duplicated_per_mille: 500, ..LineFaults::NONE };
    faults.recovery_lost_per_mille = 500;
    let mut found = lost(&feed(faults));
    // One that is held up when the time is over has not arrived yet.
    let last = *alone.last().expect("some are lost");
    found.retain(|number| *number <= last);
    assert_eq!(alone, found);
}

#[test]
fn rates_are_about_what_was_asked_for() {
    let clean = feed(FeedFaults::default());
    let all = of(&clean, Line::A);
    assert!(all.len() > 1_000, "{} packets", all.len());
    let arrived = feed(on_b(LineFaults { lost_per_mille: 200, ..LineFaults::NONE }));
    near(lost(&arrived).len(), all.len(), 200);
    let arrived = feed(on_b(LineFaults { duplicated_per_mille: 100, ..LineFaults::NONE }));
    near(of(&arrived, Line::B).len() - all.len(), all.len(), 100);
    let together = FeedFaults { lost_together_per_mille: 100, ..FeedFaults::default() };
    let arrived = feed(together);
    assert_eq!(of(&arrived, Line::A), of(&arrived, Line::B));
    near(all.len() - of(&arrived, Line::A).len(), all.len(), 100);
    let arrived = feed(on_b(LineFaults::CUT));
    assert_eq!((of(&arrived, Line::A), of(&arrived, Line::B).len()), (all, 0));
}

/// The damaged packets of line B beside what they were.
fn damaged<'a>(arrived: &'a Arrived, clean: &'a Arrived) -> Vec<(&'a [u8], &'a [u8])> {
    let (sound, found) = (of(clean, Line::B), of(arrived, Line::B));
    assert_eq!(sound.len(), found.len());
    let pairs = sound.into_iter().zip(found);
    pairs.filter(|(sound, found)| sound != found).collect()
}

#[test]
fn damage_is_what_it_is_called() {
    let clean = feed(FeedFaults::default());
    let all = of(&clean, Line::B).len();
    let with = |faults: LineFaults| feed(on_b(faults));
    let corrupted = with(LineFaults { corrupted_per_mille: 200, ..LineFaults::NONE });
    let mut flipped = BTreeSet::new();
    for (sound, found) in damaged(&corrupted, &clean) {
        assert_eq!(sound.len(), found.len());
        let bits = sound.iter().zip(found).map(|(one, other)| (one ^ other).count_ones());
        flipped.insert(bits.sum::<u32>());
    }
    assert_eq!(flipped, (1..=8).collect());
    near(damaged(&corrupted, &clean).len(), all, 200);

    let truncated = with(LineFaults { truncated_per_mille: 200, ..LineFaults::NONE });
    near(damaged(&truncated, &clean).len(), all, 200);
    for (sound, found) in damaged(&truncated, &clean) {
        assert!(found.len() < sound.len() && sound.starts_with(found));
    }
    let oversized = with(LineFaults { oversized_per_mille: 200, ..LineFaults::NONE });
    let pairs = damaged(&oversized, &clean);
    near(pairs.len(), all, 200);
    assert!(pairs.iter().all(|(sound, found)| found.starts_with(sound)));
    assert!(pairs.iter().any(|(_, found)| found.len() > 1_500), "longer than a frame");

    let divergent = with(LineFaults { divergent_per_mille: 200, ..LineFaults::NONE });
    near(damaged(&divergent, &clean).len(), all, 200);
    for (sound, found) in damaged(&divergent, &clean) {
        assert_eq!((sound.len(), &sound[..12]), (found.len(), &found[..12]));
        assert_eq!(sound.iter().zip(found).filter(|(one, other)| one != other).count(), 1);
    }
}

/// Of a packet that is damaged or lost on both lines a sound copy arrives where that is asked for.
#[test]
fn damage_that_spares_one_copy_leaves_a_sound_one() {
    let faults = LineFaults {
        lost_per_mille: 200,
        corrupted_per_mille: 300,
        truncated_per_mille: 300,
        keeps_one_sound: true,
        ..LineFaults::NONE
    };
    let both = |faults| FeedFaults { seed: 5, lines: [faults; 2], ..FeedFaults::default() };
    let clean = feed(FeedFaults::default());
    let without = |faults: LineFaults| {
        let arrived = feed(both(faults));
        let arrived: BTreeSet<_> = arrived.iter().map(|(.., bytes)| &bytes[..]).collect();
        of(&clean, Line::A).into_iter().filter(|packet| !arrived.contains(packet)).count()
    };
    let all = of(&clean, Line::A).len();
    // Only what both lines lose is gone: 4 in 100.
    near(without(faults), all, 40);
    assert!(without(LineFaults { keeps_one_sound: false, ..faults }) > all / 5);
}

#[test]
fn named_packets_are_lost_and_no_others() {
    let lose = |line, numbers| LostPackets { line, numbers };
    let lost_packets = vec![lose(Some(Line::B), 100..=102), lose(None, 200..=200)];
    let arrived = feed(FeedFaults { lost: lost_packets, ..FeedFaults::default() });
    let clean = feed(FeedFaults::default());
    let whole = numbers(&of(&clean, Line::A));
    let missing =
        |line| -> Vec<u32> { whole.difference(&numbers(&of(&arrived, line))).copied().collect() };
    assert_eq!((missing(Line::A), missing(Line::B)), (vec![200], vec![100, 101, 102, 200]));
}

#[test]
fn packets_are_overtaken_by_as_many_as_was_asked_for() {
    let faults = LineFaults { swapped_per_mille: 100, swap_depth: 5, ..LineFaults::NONE };
    let arrived = feed(on_b(faults));
    let (mut highest, mut behind) = (0, BTreeMap::new());
    for packet in of(&arrived, Line::B) {
        let number = number(packet);
        if number < highest {
            *behind.entry(highest - number).or_insert(0) += 1;
        }
        highest = highest.max(number);
    }
    println!("{behind:?}");
    assert!(behind.keys().any(|by| *by >= 4) && behind.values().sum::<u32>() > 100);
    // Those that overtake may themselves be overtaken.
    assert!(behind.keys().all(|by| *by <= 10), "{behind:?}");
}

#[test]
fn a_late_line_has_the_same_packets_later() {
    let clean = feed(FeedFaults::default());
    let arrived = feed(on_b(LineFaults { delay: Span(30 * MS), ..LineFaults::NONE }));
    let at = |arrived: &Arrived, line| -> Vec<(u32, u64)> {
        let of_line = arrived.iter().filter(|(of, ..)| *of == line);
        of_line.map(|(_, at, bytes)| (number(bytes), *at)).collect()
    };
    let (on_time, late) = (at(&clean, Line::B), at(&arrived, Line::B));
    assert_eq!(at(&arrived, Line::A), on_time);
    assert!(late.len() > on_time.len() * 9 / 10);
    for ((number, sent), (late_number, came)) in on_time.iter().zip(&late) {
        assert_eq!((number, sent + 30 * MS), (late_number, *came));
    }
    let arrived = feed(on_b(LineFaults { delay_packets: 50, ..LineFaults::NONE }));
    let late = of(&arrived, Line::B);
    assert_eq!(late[..], of(&clean, Line::B)[..late.len()]);
    assert_eq!(late.len() + 50, of(&clean, Line::B).len());
    // The fault is over: what was held up arrives.
    let faults = on_b(LineFaults { delay_packets: 50, ..LineFaults::NONE });
    let (mut venue, mut arrived) = run(faults, 7, MILLIS, 1);
    venue.set_faults(Line::B, LineFaults::NONE);
    take(&mut venue, 0, &mut arrived);
    assert_eq!(of(&arrived, Line::B), of(&clean, Line::B));
}

/// Heartbeats go on or do not; what happened in the meantime is told afterwards, and all of it.
#[test]
fn a_feed_that_falls_silent_tells_it_all_later() {
    for (silence, beats) in [(Silence::Frozen, 3..=4), (Silence::Total, 0..=0)] {
        let plan = [(1_000, silence), (3_000, Silence::Off)]
            .map(|(at, silence)| (Span(at * MS), Happening::Silence(silence)));
        let faults = FeedFaults { plan: plan.to_vec(), ..FeedFaults::default() };
        // Soon after it speaks again: a book that moves forgets what was not told of it.
        for (step, millis) in [(1, 3_002), (250, 3_000)] {
            let (venue, arrived) = run(faults.clone(), 7, millis, step);
            let during = arrived.iter().filter(|(line, at, _)| {
                *line == Line::A && (1_000 * MS + 1..3_000 * MS).contains(at)
            });
            assert!(beats.contains(&during.count()) || step > 1, "{silence:?}");
            let settings = settings(7);
            bench(&setup(&settings), |bench| {
                arrived.iter().for_each(|(line, at, bytes)| bench.send(&shot(*line, *at, bytes)));
                assert_eq!(bench.counters.gaps.get() + bench.counters.sequence_breaks.get(), 0);
                for (index, id) in ids(&settings).iter().enumerate() {
                    assert_eq!(book(bench, *id), published(&venue, index), "{silence:?}");
                }
            });
            let clean = run(FeedFaults::default(), 7, millis, step).0;
            let [late, clean] = [&venue, &clean].map(Venue::last_seq_no);
            assert!(late.abs_diff(clean) <= 8, "{late} packets instead of {clean}");
        }
    }
}

#[test]
fn a_failover_ends_a_silence_and_voids_the_books() {
    let plan = vec![
        (Span(1_000 * MS), Happening::Silence(Silence::Total)),
        (Span(2_000 * MS), Happening::Failover),
    ];
    let arrived = feed(FeedFaults { plan, ..FeedFaults::default() });
    let resets = arrived.iter().filter(|(line, _, bytes)| {
        // Behind the packet's header and a message's size and block: its template.
        *line == Line::A && bytes.get(16..18) == Some(&[4, 0])
    });
    let at: Vec<_> = resets.map(|(_, at, _)| *at / MS).collect();
    assert_eq!(at, [0, 2_000]);
    assert!(arrived.iter().any(|(_, at, _)| *at > 2_100 * MS));
}

#[test]
fn recovery_groups_lose_packets_of_their_own() {
    let count = |faults: FeedFaults| {
        let mut settings = settings(7);
        settings.channel.faults = faults;
        let mut venue = Venue::new(settings);
        let mut counts = [0; 2];
        for at in 0..20_000 {
            venue.poll(moment(at * MS));
            while let Some(datagram) = venue.take_datagram() {
                counts[usize::from(!matches!(datagram.group, Group::Incremental(_)))] += 1;
            }
        }
        counts
    };
    let [told, loops] = count(FeedFaults::default());
    let [still_told, left] =
        count(FeedFaults { recovery_lost_per_mille: 300, ..FeedFaults::default() });
    assert_eq!(told, still_told);
    near(loops - left, loops, 300);
}

/// A topic has the same faults, by its own numbers; heartbeats have none.
#[test]
fn topics_have_faults_too() {
    let sent = |faults: FeedFaults| {
        let mut settings = shfe::settings(7);
        settings.feed.faults = faults;
        let mut venue = smdp::Venue::new(settings);
        let mut arrived = Vec::new();
        for at in 0..20_000 {
            venue.poll(shfe::moment(at * MS));
            while let Some(datagram) = venue.take_datagram() {
                arrived.push((datagram.group.line, at, datagram.bytes));
            }
        }
        (arrived, venue.last_packet_no(TOPIC).expect("it is its topic"))
    };
    let (clean, last) = sent(FeedFaults::default());
    assert!(last > 30, "{last} packets");
    let lose = LostPackets { line: Some(Line::B), numbers: 10..=19 };
    let (arrived, _) = sent(FeedFaults { lost: vec![lose], ..FeedFaults::default() });
    assert_eq!(of(&arrived, Line::A), of(&clean, Line::A));
    assert_eq!(of(&arrived, Line::B).len() + 10, of(&clean, Line::B).len());
    let plan = [(5_000, Silence::Frozen), (12_000, Silence::Off)]
        .map(|(at, silence)| (Span(at * MS), Happening::Silence(silence)));
    let (arrived, silent_last) = sent(FeedFaults { plan: plan.to_vec(), ..FeedFaults::default() });
    let during = arrived.iter().filter(|(_, at, _)| (5_001..12_000).contains(at)).count();
    assert_eq!((during, silent_last), (2 * 2, last), "heartbeats, and then all that was told");
    let failover = vec![(Span(7_000 * MS), Happening::Failover)];
    let (_, after) = sent(FeedFaults { plan: failover, ..FeedFaults::default() });
    assert_eq!(after, last + 1, "a centre's first packet");
}
