//! The incremental feed read by the engine's own feed stage: its books are the exchange's.

use super::{
    MS, ORIGIN, book, check_believed, deliver, ids, is_usable, moment, published, settings, setup,
};
use crate::feed::kit::{Bench, bench};
use cross_market_connect::sim::exchange::{self, Phase, Rules};
use cross_market_connect::venue::cme::simulated::{Datagram, Group, LineFaults, Settings, Venue};
use xmc_hotpath::message::ChannelState;
use xmc_hotpath::port::Line;
use xmc_hotpath::venue::cme::mdp3::decode::{self, Message};
use xmc_hotpath::venue::cme::mdp3::layout::TradingStatus;

/// Runs the venue from `from` to `to` ms and gives everything to the bench, looking each ms.
/// Returns how often all instruments could be traded on.
fn run(venue: &mut Venue, bench: &mut Bench<'_>, ids: &[i32], (from, to): (u64, u64)) -> usize {
    let mut usable = 0;
    for at in (from..to).map(|at| at * MS) {
        venue.poll(moment(at));
        deliver(venue, bench, at);
        bench.clock_on(at);
        usable += usize::from(check_believed(venue, bench, ids, at));
    }
    usable
}

#[test]
fn books_of_the_engine_are_those_of_the_exchange() {
    let settings = settings(7);
    let (setup, ids) = (setup(&settings), ids(&settings));
    bench(&setup, |bench| {
        let mut venue = Venue::new(settings);
        let usable = run(&mut venue, bench, &ids, (0, 9_000));
        let events = bench.counters.events.get();
        println!("{} packets, {events} events, usable {usable} ms", venue.last_seq_no());
        assert!(events > 4_000, "{events} events");
        assert!(usable > 8_900, "usable for {usable} ms of 9,000");
        for (index, id) in ids.iter().enumerate() {
            assert_eq!(book(bench, *id), published(&venue, index));
            assert!(!published(&venue, index)[0].is_empty());
        }
        assert_eq!(bench.counters.gaps.get() + bench.counters.divergent.get(), 0);
        assert_eq!(bench.counters.sequence_breaks.get(), 0);
    });
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
        let settings = settings(8);
        let (setup, ids) = (setup(&settings), ids(&settings));
        bench(&setup, |bench| {
            let mut venue = Venue::new(settings);
            venue.set_faults(line, faults);
            assert!(run(&mut venue, bench, &ids, (0, 1_500)) > 1_400);
            venue.set_faults(line, LineFaults { is_cut: true, ..faults });
            assert!(run(&mut venue, bench, &ids, (1_500, 3_000)) > 1_400);
            assert_eq!(bench.state(), ChannelState::SingleLine);
            venue.set_faults(line, LineFaults::default());
            assert!(run(&mut venue, bench, &ids, (3_000, 4_500)) > 1_400);
            assert_eq!(bench.state(), ChannelState::Live);
            assert_eq!(bench.counters.gaps.get(), 0, "the other line had everything");
        });
    }
}

#[test]
fn what_both_lines_lose_is_never_traded_on_and_a_reset_heals_it() {
    let settings = settings(9);
    let (setup, ids) = (setup(&settings), ids(&settings));
    let lossy = LineFaults { lost_per_mille: 300, ..LineFaults::default() };
    bench(&setup, |bench| {
        let mut venue = Venue::new(settings);
        assert!(run(&mut venue, bench, &ids, (0, 500)) > 400);
        for line in Line::BOTH {
            venue.set_faults(line, lossy);
        }
        for at in (500..1_500).map(|at| at * MS) {
            venue.poll(moment(at));
            deliver(&mut venue, bench, at);
        }
        assert!(bench.counters.gaps.get() > 0, "packets were lost on both lines");
        assert_eq!(bench.state(), ChannelState::Suspect);
        assert_eq!(bench.seen.usable(), []);
        for line in Line::BOTH {
            venue.set_faults(line, LineFaults::default());
        }
        assert_eq!(run(&mut venue, bench, &ids, (1_500, 2_000)), 0, "nothing heals it by itself");
        venue.reset_channel(moment(2_000 * MS));
        let usable = run(&mut venue, bench, &ids, (2_000, 2_500));
        assert!(usable > 400, "usable for {usable} ms of 500 after the reset");
        assert!(is_usable(bench));
    });
}

/// Two venues, one after the other; says how often all was usable with the second one.
fn restart(first: Settings, second: Settings, killed_ms: u64) -> (usize, ChannelState) {
    let (setup, ids) = (setup(&first), ids(&first));
    bench(&setup, |bench| {
        let mut venue = Venue::new(first);
        run(&mut venue, bench, &ids, (0, killed_ms));
        drop(venue);
        let back = killed_ms + 300;
        let mut again = second;
        again.exchange.start = moment(back * MS);
        let mut venue = Venue::new(again);
        let usable = run(&mut venue, bench, &ids, (back, back + 1_000));
        (usable, bench.state())
    })
}

#[test]
fn a_venue_that_goes_on_behind_its_numbers_is_believed_again_and_nothing_wrong_is() {
    for killed_ms in [1, 10, 100, 3_000] {
        let mut second = settings(10);
        second.channel.first_seq_no = 65_537;
        let (usable, state) = restart(settings(10), second, killed_ms);
        assert!(usable > 900, "killed after {killed_ms} ms: usable for {usable} ms of 1,000");
        assert_eq!(state, ChannelState::Live);
    }
}

#[test]
fn a_venue_that_numbers_anew_is_believed_again_if_its_numbers_are_far_behind() {
    let (usable, state) = restart(settings(11), settings(12), 3_000);
    assert!(usable > 900, "usable for {usable} ms of 1,000");
    assert_eq!(state, ChannelState::Live);
}

/// Numbers that are nearly the same look like damaged copies: the engine believes nothing.
#[test]
fn a_venue_that_numbers_anew_soon_after_its_start_is_not_believed_wrongly() {
    for killed_ms in [1, 2, 5, 10, 20, 50] {
        restart(settings(13), settings(14), killed_ms);
    }
}

fn all(settings: Settings, millis: u64, faults: LineFaults) -> Vec<Datagram> {
    let mut venue = Venue::new(settings);
    venue.set_faults(Line::B, faults);
    let mut sent = Vec::new();
    for at in 0..millis {
        venue.poll(moment(at * MS));
        sent.extend(std::iter::from_fn(|| venue.take_datagram()));
    }
    sent
}

#[test]
fn packets_follow_from_the_seed_and_faults_change_none_of_them() {
    let clean = all(settings(15), 500, LineFaults::default());
    assert_eq!(clean, all(settings(15), 500, LineFaults::default()));
    assert_ne!(clean, all(settings(16), 500, LineFaults::default()));
    let of = |sent: &[Datagram], line| -> Vec<Vec<u8>> {
        let group = Group::Incremental(line);
        sent.iter().filter(|sent| sent.group == group).map(|sent| sent.bytes.clone()).collect()
    };
    assert_eq!(of(&clean, Line::A), of(&clean, Line::B));
    let lossy = LineFaults { lost_per_mille: 500, swapped_per_mille: 500, ..Default::default() };
    let damaged = all(settings(15), 500, lossy);
    assert_eq!(of(&clean, Line::A), of(&damaged, Line::A));
    assert!(of(&damaged, Line::B).len() < of(&clean, Line::B).len() * 2 / 3);
}

/// How finely time is told to the venue makes no difference to what it says.
#[test]
fn the_feed_does_not_depend_on_how_often_the_venue_is_polled() {
    let incremental = |step: u64| -> Vec<Vec<u8>> {
        let mut venue = Venue::new(settings(17));
        let mut sent = Vec::new();
        for at in 0..=600 / step {
            venue.poll(moment(at * step * MS));
            sent.extend(std::iter::from_fn(|| venue.take_datagram()));
        }
        let of_a = |sent: &Datagram| sent.group == Group::Incremental(Line::A);
        sent.into_iter().filter(of_a).map(|sent| sent.bytes).collect()
    };
    assert_eq!(incremental(1), incremental(60));
}

#[test]
fn a_quiet_channel_says_that_it_is_there() {
    let mut settings = settings(18);
    let listings = settings.exchange.listings.clone();
    settings.exchange = exchange::Settings::quiet(Rules::cme(), listings);
    let setup = setup(&settings);
    let heartbeat = settings.channel.heartbeat.0;
    bench(&setup, |bench| {
        let mut venue = Venue::new(settings);
        let first = venue.last_seq_no();
        let mut at = 0;
        while at < 10 * heartbeat {
            at = venue.next_at().0.max(at + 1);
            venue.poll(moment(at));
            deliver(&mut venue, bench, at);
        }
        let beats = venue.last_seq_no() - first;
        assert!((9..=10).contains(&beats), "{beats} heartbeats in ten intervals");
        assert_eq!(bench.counters.gaps.get() + bench.counters.divergent.get(), 0);
    });
}

#[test]
fn phases_are_told_as_statuses() {
    let mut settings = settings(19);
    let halts = exchange::flow::Interruption {
        trouble: exchange::flow::Trouble::Halt,
        listing: exchange::ListingIndex(1),
        first: moment(100 * MS),
        every: xmc_hotpath::time::Span(1_000 * MS),
        lasts: xmc_hotpath::time::Span(50 * MS),
    };
    settings.exchange.flow.as_mut().expect("there is a crowd").interruptions.push(halts);
    let halted = settings.channel.contracts[1].security_id;
    let mut statuses = Vec::new();
    for sent in all(settings, 300, LineFaults::default()) {
        if sent.group != Group::Incremental(Line::A) {
            continue;
        }
        for message in decode::packet(&sent.bytes).unwrap().messages() {
            if let Message::Status(root) = message.decode().unwrap() {
                let at = (root.transact_ns.get() - ORIGIN.0) / MS;
                let status = TradingStatus::from_wire(root.trading_status).unwrap();
                statuses.push((at, root.security_id.get(), status));
            }
        }
    }
    let of_one: Vec<_> = statuses
        .iter()
        .filter(|(_, id, _)| *id == halted)
        .map(|(at, _, status)| (*at, *status))
        .collect();
    let expected = [
        (0, TradingStatus::PreOpen),
        (0, TradingStatus::ReadyToTrade),
        (100, TradingStatus::TradingHalt),
        (150, TradingStatus::ReadyToTrade),
    ];
    assert_eq!(of_one, expected);
    let phase = |venue: &Venue| venue.exchange().listings().next().map(|(_, e)| e.phase());
    assert_eq!(phase(&Venue::new(super::settings(1))), Some(Phase::PreOpen));
}
