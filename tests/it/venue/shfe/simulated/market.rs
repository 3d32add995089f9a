//! The feed read by the engine's own: its books are the exchange's after every slice.

use super::{
    Bench, MS, Reader, bench, book, check_believed, deliver, moment, published, quiet, sent,
    settings,
};
use crate::venue::shfe::smdp::kit::TOPIC;
use crate::venue::shfe::smdp::plain;
use cross_market_connect::sim::exchange::{ListingIndex, Order, Phase, Price};
use cross_market_connect::venue::shfe::simulated::{
    Datagram, Group, LineFaults, Settings, TopicSettings, Venue,
};
use cross_market_connect::venue::shfe::smdp::client::Event;
use std::collections::{BTreeMap, BTreeSet};
use xmc_hotpath::message::{AccountId, ChannelState, PositionEffect, Side, TimeInForce};
use xmc_hotpath::port::Line;

/// The exchange's time from one slice to the next.
const SLICE: u64 = 500 * MS;

/// Runs the venue to `to` ms and gives everything to the bench, looking every 10 ms. Returns how
/// often all instruments could be traded on.
fn run(venue: &mut Venue, bench: &mut Bench<'_>, (from, to): (u64, u64)) -> usize {
    let mut usable = 0;
    for at in (from..to).step_by(10).map(|at| at * MS) {
        venue.poll(moment(at));
        deliver(venue, bench, at);
        bench.feed.on_time(moment(at));
        bench.take();
        usable += usize::from(check_believed(venue, bench));
    }
    usable
}

/// The same where packets are lost on both lines: what is believed is the book as it was when the
/// last packet before the first loss was sent.
fn run_lossy(venue: &mut Venue, bench: &mut Bench<'_>, (from, to): (u64, u64)) {
    let mut whole = venue.last_packet_no(TOPIC).unwrap();
    let mut came = BTreeSet::new();
    let mut truths = BTreeMap::new();
    let mut believed = 0;
    for at in (from..to).step_by(10).map(|at| at * MS) {
        venue.poll(moment(at));
        let truth = [0, 1, 2, 3].map(|index| published(venue, index));
        truths.insert(venue.last_packet_no(TOPIC).unwrap(), truth);
        for datagram in deliver(venue, bench, at) {
            came.insert(i32::from_le_bytes(datagram.bytes[4..8].try_into().unwrap()));
        }
        while came.contains(&(whole + 1)) {
            whole += 1;
        }
        bench.feed.on_time(moment(at));
        bench.take();
        for index in bench.seen.usable().into_keys().collect::<Vec<_>>() {
            let number = usize::try_from(7 - index).unwrap();
            let (_, truth) = truths.range(..=whole).next_back().expect("one was there at first");
            assert_eq!(book(bench, i32::try_from(number).unwrap()), truth[number]);
            believed += 1;
        }
    }
    assert!(believed > 0, "it takes a while to lose something on both");
}

fn seed(venue: &mut Venue, bench: &mut Bench<'_>, connection: u64, at: u64) {
    let snapshot = Reader::log_in(venue, connection, at).snapshot(venue, at);
    bench.now = at;
    bench.seed(&snapshot);
}

/// A venue that has run for 700 ms, and a bench that has joined it then.
fn joined(settings: Settings, body: impl FnOnce(&mut Venue, &mut Bench<'_>)) {
    bench(|bench| {
        let mut venue = Venue::new(settings);
        assert_eq!(run(&mut venue, bench, (0, 700)), 0, "no snapshot, no trading");
        seed(&mut venue, bench, 1, 700 * MS);
        body(&mut venue, bench);
    });
}

#[test]
fn books_of_the_engine_are_those_of_the_exchange() {
    joined(settings(7), |venue, bench| {
        assert_eq!(run(venue, bench, (700, 60_000)), 5_930, "always");
        let last = venue.last_packet_no(TOPIC).unwrap();
        println!("{last} packets, {} events", bench.counters.events.get());
        assert!(last >= 119, "{last} packets in 120 slices");
        for number in 0..4 {
            let truth = published(venue, number);
            assert_eq!(book(bench, number.into()), truth);
            assert!(truth.iter().all(|side| side.len() == 5));
        }
        assert_eq!(bench.counters.gaps.get() + bench.counters.divergent.get(), 0);
        assert!(bench.counters.book_errors.iter().all(|counter| counter.get() == 0));
    });
}

/// The crowd of one instrument steps back on command and comes again; the others stay.
#[test]
fn a_book_is_as_wide_as_is_told() {
    joined(settings(7), |venue, bench| {
        let width = |venue: &Venue, index: u16| {
            let tick_e9 = venue.exchange().engine(ListingIndex(index)).unwrap().listing().tick_e9;
            let [bids, asks] = published(venue, index);
            (asks[0].0 - bids[0].0) / tick_e9
        };
        let usual: Vec<i64> = (0..4).map(|index| width(venue, index)).collect();
        venue.set_width(moment(700 * MS), ListingIndex(1), Some(120));
        // The next slice but one is told after the crowd has had its time.
        run(venue, bench, (700, 1_700));
        let wide: Vec<i64> = (0..4).map(|index| width(venue, index)).collect();
        assert!((115..=121).contains(&wide[1]), "{wide:?}");
        for index in [0, 2, 3] {
            assert!((wide[index] - usual[index]).abs() <= 2, "{wide:?} and {usual:?}");
        }
        venue.set_width(moment(1_700 * MS), ListingIndex(1), None);
        run(venue, bench, (1_700, 2_700));
        assert!(width(venue, 1) <= 3, "{}", width(venue, 1));
    });
}

#[test]
fn messages_of_many_packets_are_the_same_books() {
    for max_packet_bytes in [60, 100, 200] {
        let mut settings = settings(8);
        settings.feed.max_packet_bytes = max_packet_bytes;
        joined(settings, |venue, bench| {
            assert_eq!(run(venue, bench, (700, 5_700)), 500);
            let packets = venue.last_packet_no(TOPIC).unwrap();
            assert!(packets > 20, "{packets} packets of {max_packet_bytes} bytes");
        });
    }
}

#[test]
fn either_line_may_lose_double_and_reorder_what_the_other_has() {
    let faults = LineFaults {
        lost_per_mille: 200,
        duplicated_per_mille: 100,
        swapped_per_mille: 100,
        ..LineFaults::NONE
    };
    for line in Line::BOTH {
        let mut settings = settings(9);
        settings.feed.max_packet_bytes = 200;
        joined(settings, |venue, bench| {
            venue.set_faults(line, faults);
            assert_eq!(run(venue, bench, (700, 10_700)), 1_000);
            assert!(bench.counters.line(line).missing.get() > 0);
            venue.set_faults(line, LineFaults { is_cut: true, ..faults });
            assert_eq!(run(venue, bench, (10_700, 20_700)), 1_000);
            assert_eq!(bench.state(), ChannelState::SingleLine);
            venue.set_faults(line, LineFaults::default());
            assert_eq!(run(venue, bench, (20_700, 50_700)), 3_000);
            assert_eq!(bench.state(), ChannelState::Live);
            assert_eq!(bench.counters.gaps.get(), 0, "the other line had everything");
        });
    }
}

/// A snapshot that is older than what the multicast has brought meanwhile.
#[test]
fn whoever_joins_in_the_middle_goes_on_from_the_snapshot() {
    for at_ms in [1_u64, 499, 501, 3_100, 7_777] {
        for late_slices in 0..4 {
            bench(|bench| {
                let mut settings = settings(10);
                settings.feed.max_packet_bytes = 300;
                let mut venue = Venue::new(settings);
                venue.poll(moment(at_ms * MS));
                deliver(&mut venue, bench, at_ms * MS);
                let mut reader = Reader::log_in(&mut venue, 1, at_ms * MS);
                let snapshot = reader.snapshot(&mut venue, at_ms * MS);
                // The multicast goes on while the snapshot is under way.
                let mut held = Vec::new();
                for slice in 1..=late_slices {
                    venue.poll(moment(at_ms * MS + slice * SLICE));
                    held.extend(sent(&mut venue));
                }
                let now = at_ms * MS + late_slices * SLICE;
                bench.now = now;
                bench.seed(&snapshot);
                for datagram in &held {
                    bench.send(datagram.group.line, &datagram.bytes);
                }
                assert!(check_believed(&venue, bench), "joined at {at_ms} ms");
                assert_eq!(bench.counters.gaps.get(), 0);
                assert_eq!(run(&mut venue, bench, (now / MS, now / MS + 2_000)), 200);
            });
        }
    }
}

#[test]
fn what_both_lines_lose_is_never_traded_on_and_a_snapshot_heals_it() {
    let lossy = LineFaults { lost_per_mille: 300, ..LineFaults::default() };
    joined(settings(11), |venue, bench| {
        Line::BOTH.iter().for_each(|line| venue.set_faults(*line, lossy));
        run_lossy(venue, bench, (700, 30_000));
        assert!(bench.counters.gaps.get() > 0, "packets were lost on both lines");
        assert!(matches!(bench.state(), ChannelState::Suspect | ChannelState::Stale));
        Line::BOTH.iter().for_each(|line| venue.set_faults(*line, LineFaults::default()));
        assert_eq!(run(venue, bench, (30_000, 32_000)), 0, "nothing heals it by itself");
        seed(venue, bench, 2, 32_000 * MS);
        assert_eq!(run(venue, bench, (32_000, 40_000)), 800);
    });
}

#[test]
fn missed_packets_are_those_that_were_sent() {
    let mut settings = settings(12);
    settings.feed.max_packet_bytes = 60;
    settings.feed.kept_packets = 200;
    let mut venue = Venue::new(settings);
    venue.poll(moment(30 * SLICE));
    let of_a = |datagram: Datagram| (datagram.group.line == Line::A).then_some(datagram.bytes);
    let sent: Vec<_> = sent(&mut venue).into_iter().filter_map(of_a).collect();
    let last = venue.last_packet_no(TOPIC).unwrap();
    assert_eq!(usize::try_from(last), Ok(sent.len()));
    assert!(last > 250, "{last} packets");
    let at = 30 * SLICE;
    let mut reader = Reader::log_in(&mut venue, 1, at);
    for (from, to) in [(last - 199, last), (last, last), (last - 100, last - 50)] {
        let told = reader.missed(&mut venue, (from, to), at);
        let range = usize::try_from(from - 1).unwrap()..usize::try_from(to).unwrap();
        assert_eq!(told, Event::Recovered(sent[range].to_vec()));
    }
    for range in [(last - 200, last), (last - 10, last + 1), (-5, 3), (1, 1), (i32::MIN, i32::MIN)]
    {
        let told = reader.missed(&mut venue, range, at);
        assert!(matches!(told, Event::Failed(_)), "{range:?}: {told:?}");
    }
    assert_eq!(venue.query_counters().refused, 5);
    assert_eq!(venue.query_counters().resent_packets, 200 + 1 + 51);
}

fn order(side: Side, price_e9: i64, lots: u32) -> Order {
    Order {
        account: AccountId(77),
        client_id: 1,
        listing: ListingIndex(0),
        side,
        price: Price::Limit(price_e9),
        time_in_force: TimeInForce::Day,
        lots,
        min_lots: 0,
        effect: PositionEffect::Open,
    }
}

/// Both readings of what a heartbeat's number is, over a long silence.
#[test]
fn a_quiet_topic_says_that_it_is_there() {
    for says_next in [false, true] {
        let mut settings = quiet(13);
        settings.feed.heartbeat_says_next = says_next;
        bench(|bench| {
            let mut venue = Venue::new(settings);
            seed(&mut venue, bench, 1, 0);
            assert_eq!(run(&mut venue, bench, (0, 60_000)), 6_000);
            assert_eq!(venue.last_packet_no(TOPIC), Some(1), "the day's limits");
            let beats = bench.counters.heartbeats.get();
            assert!((38..=40).contains(&beats), "{beats} heartbeats of two lines in a minute");
            assert_eq!(bench.counters.gaps.get(), 0);
        });
    }
}

/// A venue that is killed and comes back, as another data centre whose numbers go on.
#[test]
fn a_restarted_venue_is_another_centre_and_needs_a_snapshot() {
    for killed_ms in [700, 1_000, 1_250, 4_990] {
        joined(settings(14), |venue, bench| {
            run(venue, bench, (700, killed_ms));
            let back = killed_ms + 300;
            let mut again = settings(15);
            again.exchange.start = moment(back * MS);
            (again.feed.first_packet_no, again.feed.center_change_no) = (65_538, 1);
            *venue = Venue::new(again);
            assert_eq!(run(venue, bench, (back + 1, back + 2_000)), 0, "another sequence");
            seed(venue, bench, 1, (back + 2_000) * MS);
            assert_eq!(run(venue, bench, (back + 2_000, back + 4_000)), 200);
            assert!(venue.last_packet_no(TOPIC) > Some(65_538));
        });
    }
}

/// The first packet says which centre publishes and from which packet on, and so does a snapshot.
#[test]
fn a_change_of_the_centre_is_told_with_its_packet() {
    let mut settings = settings(14);
    (settings.feed.first_packet_no, settings.feed.center_change_no) = (65_538, -3);
    let mut venue = Venue::new(settings);
    venue.change_center(moment(700 * MS));
    let mut told = Vec::new();
    for datagram in sent(&mut venue).into_iter().filter(|one| one.group.line == Line::A) {
        let (header, fields) = plain::decode(&datagram.bytes).expect("it is a packet");
        for field in fields.iter().filter(|field| field.id == 0x0032) {
            assert_eq!(field.values[0], header.center_change_no.into());
            assert_eq!(field.values[2], header.packet_no.into());
            told.push((header.center_change_no, header.packet_no));
        }
    }
    // The day's limits, the slice of 500 ms, and the change.
    assert_eq!(told, [(-3, 65_538), (-2, 65_540)]);
    let snapshot = Reader::log_in(&mut venue, 1, 700 * MS).snapshot(&mut venue, 700 * MS);
    let listed: Vec<_> = snapshot
        .center_changes
        .iter()
        .map(|change| (change.change_no, change.packet_no.get()))
        .collect();
    assert_eq!((listed, snapshot.center_change_no()), (told, Some(-2)));
}

/// The same without another centre's number: it must not be believed wrongly either.
#[test]
fn a_venue_that_numbers_anew_is_not_believed_wrongly() {
    for killed_ms in [700, 1_000, 1_250, 9_990] {
        for seed in [14, 15] {
            joined(settings(14), |venue, bench| {
                run(venue, bench, (700, killed_ms));
                let back = killed_ms + 300;
                let mut again = settings(seed);
                again.exchange.start = moment(back * MS);
                *venue = Venue::new(again);
                let last = bench.counters.applied.get();
                for at in (back..back + 20_000).step_by(10).map(|at| at * MS) {
                    venue.poll(moment(at));
                    deliver(venue, bench, at);
                    bench.feed.on_time(moment(at));
                    bench.take();
                    // What stood before the kill may stand until the silence is noticed.
                    if bench.counters.applied.get() != last {
                        check_believed(venue, bench);
                    }
                }
            });
        }
    }
}

#[test]
fn another_centre_needs_a_snapshot() {
    joined(settings(16), |venue, bench| {
        assert_eq!(run(venue, bench, (700, 2_200)), 150);
        venue.change_center(moment(2_200 * MS));
        assert_eq!(run(venue, bench, (2_200, 4_000)), 0);
        seed(venue, bench, 2, 4_000 * MS);
        assert_eq!(run(venue, bench, (4_000, 6_000)), 200);
    });
}

#[test]
fn another_day_begins_anew() {
    joined(settings(17), |venue, bench| {
        assert_eq!(run(venue, bench, (700, 2_200)), 150);
        venue.next_day(moment(2_210 * MS));
        assert_eq!(venue.last_packet_no(TOPIC), Some(1));
        assert_eq!(run(venue, bench, (2_210, 2_490)), 0, "another day");
        let snapshot = Reader::log_in(venue, 2, 2_490 * MS).snapshot(venue, 2_490 * MS);
        assert_eq!((snapshot.packet_no, snapshot.snap_no), (1, 0));
        assert!(snapshot.instruments.iter().all(|one| one.bids.is_empty() && one.asks.is_empty()));
        bench.seed(&snapshot);
        assert_eq!(run(venue, bench, (2_500, 6_500)), 400);
        let snapshot = Reader::log_in(venue, 3, 6_500 * MS).snapshot(venue, 6_500 * MS);
        assert_eq!(snapshot.snap_no, 9);
        let state = snapshot.instruments[0].state.clone().unwrap();
        let figures = venue.exchange().published(ListingIndex(0)).unwrap().1;
        assert_eq!(u64::try_from(state.volume_lots), Ok(figures.volume_lots));
    });
}

#[test]
fn instruments_are_told_in_their_own_topics_only() {
    let mut settings = settings(18);
    let topic = |topic, listings: &[u16]| TopicSettings {
        topic,
        listings: listings.iter().copied().map(ListingIndex).collect(),
    };
    settings.feed.topics = vec![topic(TOPIC, &[2, 0]), topic(2_001, &[1, 3])];
    bench(|bench| {
        let mut venue = Venue::new(settings);
        seed(&mut venue, bench, 1, 0);
        let mut others = 0;
        for at in (0..20).map(|slice| slice * SLICE) {
            venue.poll(moment(at));
            for Datagram { group, bytes } in sent(&mut venue) {
                others += u32::from(group == Group { topic: 2_001, line: Line::A });
                bench.now = at;
                bench.send(group.line, &bytes);
            }
            assert_eq!(book(bench, 0), published(&venue, 2));
            assert_eq!(book(bench, 1), published(&venue, 0));
        }
        assert!(others > 15, "{others} packets of the other topic");
    });
}

fn all(settings: Settings, step_ms: u64, faults: LineFaults) -> Vec<Datagram> {
    let mut venue = Venue::new(settings);
    venue.set_faults(Line::B, faults);
    let mut all = sent(&mut venue);
    for at in (0..=20_000).step_by(usize::try_from(step_ms).unwrap()) {
        venue.poll(moment(at * MS));
        all.extend(sent(&mut venue));
    }
    all
}

#[test]
fn packets_follow_from_the_seed_and_from_nothing_else() {
    let sound = LineFaults::default();
    let clean = all(settings(19), 10, sound);
    assert_eq!(clean, all(settings(19), 10, sound));
    assert_ne!(clean, all(settings(20), 10, sound));
    for step_ms in [1, 250, 4_000, 20_000] {
        assert_eq!(clean, all(settings(19), step_ms, sound), "polled every {step_ms} ms");
        assert_eq!(all(quiet(19), 10, sound), all(quiet(19), step_ms, sound));
    }
    let of = |all: &[Datagram], line| -> Vec<Vec<u8>> {
        let of_line = all.iter().filter(|datagram| datagram.group.line == line);
        of_line.map(|datagram| datagram.bytes.clone()).collect()
    };
    assert_eq!(of(&clean, Line::A), of(&clean, Line::B));
    let lossy = LineFaults { lost_per_mille: 500, swapped_per_mille: 500, ..sound };
    let damaged = all(settings(19), 10, lossy);
    assert_eq!(of(&clean, Line::A), of(&damaged, Line::A));
    assert!(of(&damaged, Line::B).len() < of(&clean, Line::B).len() * 3 / 4);
}

#[test]
fn orders_of_a_slice_are_told_with_it_and_not_before() {
    bench(|bench| {
        let mut venue = Venue::new(quiet(21));
        venue.set_phase(moment(0), None, Phase::Open);
        seed(&mut venue, bench, 1, MS);
        let reference = venue.exchange().engine(ListingIndex(0)).unwrap().listing().reference_e9;
        for (account, side, lots) in [(77, Side::Buy, 4), (78, Side::Sell, 3)] {
            let account = AccountId(account);
            venue.submit(moment(2 * MS), &Order { account, ..order(side, reference, lots) });
        }
        assert_eq!(sent(&mut venue).len(), 2, "the first packet on both lines");
        assert_eq!(run(&mut venue, bench, (3, 490)), 49);
        assert_eq!(book(bench, 0), super::Sides::default());
        run(&mut venue, bench, (490, 600));
        assert_eq!(book(bench, 0), [vec![(reference, 1)], vec![]]);
    });
}
