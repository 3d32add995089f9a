//! Numbers that begin again, and what definitions on the channel say of books that are followed:
//! captures that begin in the middle, hold one line, or go on over a weekend.

use super::kit::{Bench, CHANNEL, Setup, bench};
use super::states::{CORN, END, WHEAT, ask, bid, book};
use cross_market_connect::venue::cme::mdp3::{BookChange, FutureTerms, Generation, PacketBuilder};
use xmc_hotpath::message::{ChannelState, QuoteQuality};
use xmc_hotpath::port::Line;
use xmc_hotpath::venue::cme::mdp3::layout::{
    Action, BookEntry, DefinitionAction, EntryKind, Mantissa, MatchEvent, StatusRoot,
    TradingStatus, U16_NULL,
};
use xmc_hotpath::wire::{I32Le, U16Le, U64Le};

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600 * SECOND;
/// When the old numbering's packets were sent, from here on one each millisecond.
const OLD: u64 = 1_000_000 * SECOND;

fn sent(seq_no: u32, sent_ns: u64) -> PacketBuilder {
    PacketBuilder::new(Generation::V13, seq_no, sent_ns)
}

fn old(seq_no: u32) -> Vec<u8> {
    let sent_ns = OLD + u64::from(seq_no) * 1_000_000;
    sent(seq_no, sent_ns).book(END, &[bid(CORN, seq_no, 400)], &[]).finish()
}

/// A packet of the week after: the first may say that the channel is reset.
fn new(seq_no: u32, has_reset: bool) -> Vec<u8> {
    let packet = sent(seq_no, OLD + HOUR + u64::from(seq_no) * 1_000_000);
    let packet = if has_reset && seq_no == 1 { packet.reset(END, CHANNEL) } else { packet };
    match seq_no {
        1 => packet.book(END, &[bid(CORN, 1, 300)], &[]).finish(),
        2 => packet.book(END, &[ask(CORN, 2, 302)], &[]).finish(),
        _ => packet.heartbeat().finish(),
    }
}

fn deliver(bench: &mut Bench<'_>, lines: &[Line], at: &mut u64, payload: &[u8]) {
    for line in lines {
        *at += 1_000;
        bench.send(&super::kit::shot(*line, *at, payload));
    }
}

/// Whatever lines there are and however short the old numbering was, nothing of a new one is lost
/// (M9).
#[test]
fn a_new_week_is_followed_from_its_first_packet() {
    for lines in [&Line::BOTH[..], &[Line::A], &[Line::B]] {
        for length in [2, 30, 63, 64, 500] {
            for has_reset in [false, true] {
                let what = format!("{lines:?}, {length} old packets, reset {has_reset}");
                bench(&Setup::new(&[CORN, WHEAT]), |bench| {
                    let mut at = 0;
                    for seq_no in 1..=length {
                        deliver(bench, lines, &mut at, &old(seq_no));
                    }
                    let (_, epoch) = bench.seen.state();
                    for seq_no in 1..=20 {
                        deliver(bench, lines, &mut at, &new(seq_no, has_reset));
                    }
                    assert_eq!(bench.state(), ChannelState::Live, "{what}");
                    assert!(bench.seen.state().1 > epoch, "{what}");
                    // The first packet may be a damaged copy until the second one comes.
                    assert!(bench.counters.divergent.get() <= 1, "{what}");
                    assert_eq!(bench.counters.gaps.get(), 0, "{what}");
                    let quote = bench.seen.quotes.last().expect("sent");
                    assert_eq!(quote.bids.best_e9(), 300, "{what}: the new book, whole");
                    assert_eq!(quote.quality, QuoteQuality::Good, "{what}");
                });
            }
        }
    }
}

/// Packets that were sent before the newest are no new numbering, however many come in a row.
#[test]
fn a_line_that_is_an_hour_behind_begins_nothing() {
    bench(&Setup::new(&[CORN]), |bench| {
        let mut at = 0;
        for seq_no in 1..=5_000 {
            deliver(bench, &[Line::A], &mut at, &old(seq_no));
        }
        let before = (bench.seen.state(), bench.seen.quotes.len());
        for seq_no in 1..=5_000 {
            deliver(bench, &[Line::B], &mut at, &old(seq_no));
        }
        assert_eq!((bench.seen.state(), bench.seen.quotes.len()), before);
        assert_eq!((bench.counters.restarts.get(), bench.counters.resets.get()), (0, 0));
        assert_eq!(bench.counters.applied.get(), 5_000);
        assert_eq!(bench.counters.sequence_breaks.get(), 0);
    });
}

/// One line has begun the new week while the other still brings the old one, with numbers that are
/// far ahead: they are of what is over.
#[test]
fn a_line_that_is_a_week_behind_throws_nothing_back() {
    bench(&Setup::new(&[CORN]), |bench| {
        let mut at = 0;
        for seq_no in 1..=1_000 {
            deliver(bench, &Line::BOTH, &mut at, &old(seq_no));
        }
        for seq_no in 1..=20 {
            deliver(bench, &[Line::A], &mut at, &new(seq_no, true));
        }
        let before = (bench.seen.state(), bench.counters.gaps.get());
        for seq_no in 1_001..=1_100 {
            deliver(bench, &[Line::B], &mut at, &old(seq_no));
        }
        assert_eq!((bench.seen.state(), bench.counters.gaps.get()), before);
        assert_eq!(before.1, 0);
        let (applied, strays) = (bench.counters.applied.get(), bench.counters.strays.get());
        assert_eq!((applied, strays), (1_020, 100));
        assert_eq!(bench.seen.quotes.last().expect("sent").bids.best_e9(), 300);
    });
}

/// A numbering that nobody follows, sent before the newest packet: the channel is not heard by it.
#[test]
fn packets_of_which_nothing_is_known_are_no_sign_of_life() {
    let mut setup = Setup::new(&[CORN]);
    setup.limits.stale_after.0 = 100_000_000;
    bench(&setup, |bench| {
        let mut at = 0;
        for seq_no in 5_000..=5_010 {
            deliver(bench, &Line::BOTH, &mut at, &old(seq_no));
        }
        assert!(bench.state().is_usable());
        for seq_no in 1..=30 {
            at += 10_000_000;
            let earlier = sent(seq_no, OLD - HOUR).heartbeat().finish();
            deliver(bench, &Line::BOTH, &mut at, &earlier);
        }
        assert_eq!(bench.state(), ChannelState::Stale);
        deliver(bench, &Line::BOTH, &mut at, &old(5_011));
        assert!(bench.state().is_usable());
    });
}

/// One packet whose time and number do not go together proves nothing.
#[test]
fn a_single_packet_of_the_future_begins_nothing() {
    bench(&Setup::new(&[CORN]), |bench| {
        let mut at = 0;
        for seq_no in 1..=100 {
            deliver(bench, &Line::BOTH, &mut at, &old(seq_no));
        }
        for seq_no in 101..=200 {
            deliver(bench, &[Line::A], &mut at, &new(seq_no - 60, false));
            deliver(bench, &Line::BOTH, &mut at, &old(seq_no));
        }
        assert_eq!((bench.counters.restarts.get(), bench.counters.resets.get()), (0, 0));
        assert_eq!(bench.counters.applied.get(), 200);
        // What had the number was other: that is said, and goes on.
        assert!(bench.counters.divergent.get() > 0);
        assert_eq!(bench.state(), ChannelState::Divergent);
    });
}

const GROUP: &str = "ZC";

fn definition(seq_no: u32, security_id: i32, depths: (i8, Option<i8>)) -> Vec<u8> {
    let terms = FutureTerms {
        report_count: u32::MAX,
        action: DefinitionAction::Add,
        channel: CHANNEL,
        market_segment: 54,
        exchange: "XCBT",
        security_group: GROUP,
        asset: GROUP,
        symbol: "ZCZ6",
        security_id,
        maturity: (2026, 12),
        currency: "USD",
        tick: Mantissa::new(25),
        display_factor: Mantissa::new(1),
        max_lots: 100,
        depths,
        active_ns: (1, 2),
    };
    sent(seq_no, OLD).future(&terms).finish()
}

fn group_status(seq_no: u32, status: TradingStatus) -> Vec<u8> {
    let mut group = [0; 6];
    group[..GROUP.len()].copy_from_slice(GROUP.as_bytes());
    let status = StatusRoot {
        transact_ns: U64Le::new(5),
        security_group: group,
        asset: group,
        // Null: of the group, not of one instrument.
        security_id: I32Le::new(i32::MAX),
        trade_date: U16Le::new(U16_NULL),
        match_event: MatchEvent::END_OF_EVENT,
        trading_status: status.to_wire(),
        halt_reason: 0,
        trading_event: 0,
    };
    sent(seq_no, OLD).status(&status).finish()
}

/// A group's halt is of every instrument that a definition on the channel puts into the group, and
/// of no other (M8).
#[test]
fn a_groups_status_finds_what_the_channel_has_defined() {
    bench(&Setup::new(&[CORN, WHEAT]), |bench| {
        bench.both(1, &definition(1, CORN, (10, Some(2))));
        bench.both(2, &book(2, END, &[bid(CORN, 1, 400), ask(CORN, 2, 402), bid(WHEAT, 1, 500)]));
        assert_eq!(bench.seen.usable().len(), 2);
        bench.both(3, &group_status(3, TradingStatus::TradingHalt));
        assert_eq!(bench.seen.usable(), [xmc_hotpath::message::InstrumentIndex(1)]);
        bench.both(4, &group_status(4, TradingStatus::ReadyToTrade));
        assert_eq!(bench.seen.usable().len(), 2);
    });
}

fn at_level(rpt_seq: u32, level: u8, price: i64) -> BookEntry {
    BookChange {
        security_id: CORN,
        rpt_seq,
        kind: EntryKind::Bid,
        action: Action::New,
        level,
        price: Mantissa::new(price),
        size_lots: Some(5),
        order_count: Some(2),
    }
    .into()
}

fn prices(bench: &mut Bench<'_>) -> Vec<i64> {
    let channel = bench.stage.feed_mut().channel_mut();
    let corn = channel.instrument(CORN).expect("it is followed");
    corn.bids().levels().iter().filter(|of| of.is_present()).map(|of| of.price_e9).collect()
}

/// The venue keeps as many levels as the definition says: the deepest falls off without a word
/// (client wiki 46108447), also where levels were there when the definition came.
#[test]
fn a_book_is_as_deep_as_its_definition() {
    bench(&Setup::new(&[CORN]), |bench| {
        let four = [(1, 400), (2, 399), (3, 398), (4, 397)];
        let entries: Vec<_> =
            (1..).zip(four).map(|(seq, (level, price))| at_level(seq, level, price)).collect();
        bench.both(1, &book(1, END, &entries));
        assert_eq!(prices(bench), [400, 399, 398, 397]);
        bench.both(2, &definition(2, CORN, (3, None)));
        assert_eq!(prices(bench), [400, 399, 398], "what is deeper is not the venue's");
        bench.both(3, &book(3, END, &[at_level(5, 1, 401)]));
        assert_eq!(prices(bench), [401, 400, 399]);
        let gone = BookEntry { action: Action::Delete.to_wire(), ..at_level(6, 1, 401) };
        bench.both(4, &book(4, END, &[gone]));
        assert_eq!(prices(bench), [400, 399]);
    });
}

/// What a definition leaves as it is is not quoted again: lots that were taken since are not there,
/// and nobody has said that they are. A depth below one is none.
#[test]
fn a_definition_that_changes_no_book_quotes_none() {
    bench(&Setup::new(&[CORN]), |bench| {
        bench.both(1, &book(1, END, &[at_level(1, 1, 400), at_level(2, 2, 399)]));
        let before = bench.seen.quotes.clone();
        for (seq_no, depth) in (2..).zip([10, 3, 2, 0, -1]) {
            bench.both(seq_no.into(), &definition(seq_no, CORN, (depth, Some(depth))));
            assert_eq!(bench.seen.quotes, before, "depth {depth}");
            assert_eq!(prices(bench), [400, 399], "depth {depth}");
        }
        bench.both(7, &book(7, END, &[at_level(3, 2, 398)]));
        assert_eq!((prices(bench), bench.state()), (vec![400, 398], ChannelState::Live));
    });
}

/// A book that is followed from the middle of the day: a level that was never told is deleted, and
/// those below it move up as they do at the venue (client wiki 46108447).
#[test]
fn a_level_that_was_never_told_makes_room_when_it_goes() {
    bench(&Setup::new(&[CORN]), |bench| {
        bench.both(1, &book(1, END, &[at_level(1, 2, 399), at_level(2, 3, 398)]));
        let gone = BookEntry { action: Action::Delete.to_wire(), ..at_level(3, 1, 400) };
        bench.both(2, &book(2, END, &[gone]));
        assert_eq!(prices(bench), [399, 398]);
    });
}
