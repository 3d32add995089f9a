//! MIRP on a feed: the start from a snapshot, slices, gaps, heartbeats, the end of a sequence.

use super::kit::{
    Bench, DAY, E9, LIMITS, MS, TOPIC, bench, index_of, level, mark, price, seeded, slice, snapshot,
};
use super::vectors::{self, MIRP};
use cross_market_connect::venue::shfe::smdp::message::{Frame, Message};
use cross_market_connect::venue::shfe::smdp::mirp::{MirpBuilder, PacketMark};
use cross_market_connect::venue::shfe::smdp::seed::SeedError;
use cross_market_connect::venue::shfe::smdp::snapshot::Snapshot;
use xmc_hotpath::book::BookError;
use xmc_hotpath::message::{ChannelState, InstrumentIndex, Quote, QuoteQuality};
use xmc_hotpath::port::Line;
use xmc_hotpath::time::{MonoNs, UnixNs};
use xmc_hotpath::venue::shfe::smdp::decode::DecodeError;
use xmc_hotpath::venue::shfe::smdp::layout::{CenterChange, LevelEvent, LevelSide, PriceKind};
use xmc_hotpath::wire::I32Le;

const BID: LevelSide = LevelSide::Bid;
const ASK: LevelSide = LevelSide::Ask;

fn assert_unusable(bench: &Bench<'_>, state: ChannelState) {
    assert_eq!(bench.seen.updates.last().map(|update| update.state), Some(state));
    assert!(bench.seen.usable().is_empty());
}

#[test]
fn a_seeded_feed_is_live_at_once_and_goes_on_after_its_packet() {
    seeded(&snapshot(3, 5, 100), |bench| {
        assert_eq!(bench.state(), ChannelState::Live);
        assert_eq!(bench.seen.usable().len(), 3);
        let quote = bench.seen.quotes[0];
        assert_eq!((quote.instrument, quote.packet_seq_no), (InstrumentIndex(7), 100));
        assert_eq!(quote.exchange, UnixNs(1_326_286_800_500_000_000));
        assert_eq!((quote.bids.best_e9(), quote.bids.best_lots()), (17_995 * E9, 10));
        assert_eq!((quote.asks.best_e9(), quote.asks.best_lots()), (18_005 * E9, 20));
        // What the snapshot includes comes late, on both lines, and changes nothing.
        for packet_no in [98, 99, 100] {
            bench.both(&slice(packet_no, 0, 77));
        }
        assert_eq!(bench.seen.quotes.len(), 3);
        bench.both(&slice(101, 0, 11));
        bench.both(&slice(102, 1, 12));
        assert_eq!((bench.bid_lots(0), bench.bid_lots(1)), (Some(11), Some(12)));
        let quote = bench.seen.quotes.last().expect("a quote");
        assert_eq!(quote.exchange, UnixNs(1_326_286_801_250_000_000));
        assert_eq!((bench.state(), bench.seen.updates.len()), (ChannelState::Live, 1));
        assert_eq!(bench.counters.applied.get(), 2);
    });
}

#[test]
fn nothing_is_believed_before_the_snapshot() {
    bench(|bench| {
        bench.both(&slice(1, 0, 5));
        assert_unusable(bench, ChannelState::Recovering);
        bench.both(&mark(2).heartbeat());
        bench.both(&slice(5, 0, 5));
        bench.wait_ms(20);
        assert_unusable(bench, ChannelState::Recovering);
        bench.seed(&snapshot(2, 5, 5));
        assert_eq!((bench.state(), bench.seen.usable().len()), (ChannelState::Live, 2));
        bench.both(&slice(6, 0, 6));
        assert_eq!(bench.bid_lots(0), Some(6));
    });
}

/// The appendix: its snapshot, then its packet, which holds only limits.
#[test]
fn the_appendix_seeds_a_feed() {
    let Some(vectors) = vectors::all() else { return };
    let frame = Frame::decode(&vectors["SnapshotResponse"]).unwrap();
    let Message::SnapshotResponse(fields) = frame.message else { panic!("a snapshot") };
    let mut told = Snapshot::gather(TOPIC, &fields).unwrap();
    seeded(&told, |bench| {
        bench.both(&vectors[MIRP]);
        assert_eq!(bench.counters.line(Line::A).late.get(), 1, "the snapshot includes it");
        assert_eq!(bench.state(), ChannelState::Live);
    });
    told.packet_no = 0;
    seeded(&told, |bench| {
        bench.both(&vectors[MIRP]);
        assert_eq!(bench.counters.applied.get(), 1);
        assert_eq!(bench.counters.statistics.get(), 24);
        assert_eq!(bench.counters.skipped.get(), 8, "instruments 4 to 11 are in no snapshot");
        assert_eq!(bench.state(), ChannelState::Live);
        assert_eq!(bench.seen.quotes.len(), 4, "limits move no book");
    });
}

#[test]
fn a_message_of_many_packets_is_shown_when_it_ends() {
    seeded(&snapshot(3, 5, 0), |bench| {
        let part = |packet_no| PacketMark { snap_no: 9, ..mark(packet_no) };
        let change = |lots| level(LevelEvent::Modify, BID, 1, -1, lots);
        let first = MirpBuilder::new(part(1)).instrument(0, 1).level(&change(1)).instrument(1, 1);
        bench.both(&first.finish(false));
        // Instrument 1 was begun in the packet before.
        let second = MirpBuilder::new(part(2)).level(&change(2)).instrument(0, 2).level(&change(3));
        bench.both(&second.finish(false));
        assert_eq!(bench.seen.quotes.len(), 3);
        bench.both(&MirpBuilder::new(part(3)).instrument(2, 1).level(&change(4)).finish(true));
        assert_eq!(bench.seen.quotes.len(), 6);
        assert_eq!([0, 1, 2].map(|no| bench.bid_lots(no)), [Some(3), Some(2), Some(4)]);
        // What follows is another message: nothing is begun any more.
        bench.both(&MirpBuilder::new(part(4)).level(&change(5)).finish(true));
        assert_eq!(bench.counters.refused[DecodeError::NoInstrument.index()].get(), 1);
        assert_unusable(bench, ChannelState::Suspect);
    });
}

/// A venue that never sets the flag (the vector has none) is still followed, one slice late.
#[test]
fn another_slice_ends_a_message_that_did_not_end_itself() {
    seeded(&snapshot(1, 5, 0), |bench| {
        let change = |lots| level(LevelEvent::Modify, BID, 1, -1, lots);
        for (packet_no, shown) in [(1, 10), (2, 1), (3, 2)] {
            let builder = MirpBuilder::new(mark(packet_no)).instrument(0, 1);
            bench.both(&builder.level(&change(packet_no.into())).finish(false));
            assert_eq!(bench.bid_lots(0), Some(shown));
        }
        assert_eq!(bench.state(), ChannelState::Live);
    });
}

#[test]
fn fields_that_no_book_needs_are_checked_and_counted() {
    seeded(&snapshot(1, 5, 0), |bench| {
        let packet = MirpBuilder::new(mark(1))
            .field(0x7777, b"abc")
            .instrument(0, 1)
            .trade([1, 2, 3, 4])
            .price(PriceKind::High, 3)
            .delta(f64::NAN)
            .instrument(5, 1)
            .level(&level(LevelEvent::Modify, BID, 1, -1, 9))
            .trade([1, 2, 3, 4])
            .finish(true);
        bench.both(&packet);
        let counters = bench.counters;
        assert_eq!((counters.trades.get(), counters.statistics.get()), (2, 2));
        assert_eq!(counters.skipped.get(), 2, "an unknown field and an unknown instrument");
        assert_eq!((bench.state(), bench.seen.quotes.len()), (ChannelState::Live, 1));
    });
}

/// What contradicts a book damages that book, and no other.
#[test]
fn a_contradiction_damages_its_book_alone() {
    let cases = [
        (level(LevelEvent::Add, BID, 3, -3, 1), BookError::Vacant),
        (level(LevelEvent::Modify, BID, 2, -2, 1), BookError::Vacant),
        (level(LevelEvent::Delete, ASK, 2, 2, 1), BookError::Vacant),
        (level(LevelEvent::Add, BID, 0, -1, 1), BookError::Level),
        (level(LevelEvent::Add, BID, 6, -1, 1), BookError::Level),
        (level(LevelEvent::Add, BID, -1, -1, 1), BookError::Level),
        (level(LevelEvent::Add, BID, 257, -1, 1), BookError::Level),
        (level(LevelEvent::Modify, BID, 1, -1, 0), BookError::Lots),
        (level(LevelEvent::Modify, BID, 1, -1, -5), BookError::Lots),
        (level(LevelEvent::Modify, BID, 1, -1, 1 << 32), BookError::Lots),
    ];
    for (change, error) in cases {
        seeded(&snapshot(2, 5, 0), |bench| {
            bench.both(&MirpBuilder::new(mark(1)).instrument(0, 1).level(&change).finish(true));
            assert_eq!(bench.counters.book_errors[error.index()].get(), 1, "{change:?}");
            assert_eq!(bench.state(), ChannelState::Live);
            let usable = bench.seen.usable();
            assert_eq!(usable.keys().collect::<Vec<_>>(), [&6], "{change:?}");
            assert_eq!(bench.seen.quotes.last().map(|q| q.quality), Some(QuoteQuality::Gapped));
        });
    }
}

/// Letters that mean nothing known: the product reads them, the book does not take them.
#[test]
fn an_unknown_event_or_side_damages_its_book() {
    for letters in [*b"40", *b"12", *b"\x001"] {
        seeded(&snapshot(2, 5, 0), |bench| {
            let body = [letters[0], letters[1], 2, 2, 2];
            bench.both(
                &MirpBuilder::new(mark(1)).instrument(0, 1).field(0x1001, &body).finish(true),
            );
            assert_eq!(bench.counters.book_errors[BookError::Unknown.index()].get(), 1);
            assert_eq!(bench.seen.usable().len(), 1);
        });
    }
}

#[test]
fn a_price_beyond_all_bounds_ends_all_belief() {
    for offset in [i64::MAX, i64::MIN, 2_000_000_000] {
        seeded(&snapshot(2, 5, 0), |bench| {
            let change = level(LevelEvent::Modify, BID, 1, offset, 1);
            bench.both(&MirpBuilder::new(mark(1)).instrument(0, 1).level(&change).finish(true));
            assert_eq!(bench.counters.refused[DecodeError::PriceOverflow.index()].get(), 1);
            assert_unusable(bench, ChannelState::Suspect);
        });
    }
}

#[test]
fn a_packet_lost_on_both_lines_makes_all_books_unusable() {
    seeded(&snapshot(3, 5, 10), |bench| {
        bench.both(&slice(11, 0, 1));
        bench.both(&slice(13, 0, 2));
        assert_unusable(bench, ChannelState::Suspect);
        let update = bench.seen.updates.last().expect("the desk was told");
        assert_eq!((update.epoch, update.missing), (2, 1));
        let quotes = bench.seen.quotes.len();
        bench.both(&slice(14, 0, 3));
        assert_eq!(bench.seen.quotes.len(), quotes, "no quote leaves a suspect channel");
        // Another snapshot makes it whole.
        bench.seed(&snapshot(3, 5, 14));
        bench.both(&slice(15, 0, 4));
        assert_eq!((bench.state(), bench.bid_lots(0)), (ChannelState::Live, Some(4)));
    });
}

/// Open point 3: whether a heartbeat tells the last number or the next, it shows no gap that is
/// none.
#[test]
fn a_heartbeat_of_the_last_or_of_the_next_number_is_no_gap() {
    seeded(&snapshot(1, 5, 10), |bench| {
        for number in [10, 11, 9, 1, -5] {
            bench.both(&mark(number).heartbeat());
            bench.wait_ms(100);
            assert_eq!(bench.state(), ChannelState::Live, "heartbeat {number}");
        }
        assert_eq!((bench.counters.heartbeats.get(), bench.counters.applied.get()), (10, 0));
        bench.both(&slice(11, 0, 1));
        assert_eq!((bench.state(), bench.bid_lots(0)), (ChannelState::Live, Some(1)));
    });
}

#[test]
fn heartbeats_of_both_lines_beyond_the_next_number_are_a_gap_at_once() {
    seeded(&snapshot(1, 5, 10), |bench| {
        bench.send(Line::A, &mark(12).heartbeat());
        assert_eq!(bench.state(), ChannelState::Live, "the other line may still bring it");
        bench.send(Line::B, &mark(12).heartbeat());
        assert_unusable(bench, ChannelState::Suspect);
        assert_eq!(bench.counters.missing.get(), 1, "12 may be the next one");
        assert_eq!(bench.counters.line(Line::A).missing.get(), 1);
    });
}

#[test]
fn a_heartbeat_of_one_line_waits_for_the_other_as_long_as_a_held_packet_does() {
    seeded(&snapshot(1, 5, 10), |bench| {
        bench.send(Line::A, &mark(12).heartbeat());
        bench.wait_ms(9);
        assert_eq!(bench.state(), ChannelState::Live);
        bench.wait_ms(1);
        assert_unusable(bench, ChannelState::Suspect);
    });
    seeded(&snapshot(1, 5, 10), |bench| {
        bench.send(Line::A, &mark(13).heartbeat());
        bench.wait_ms(5);
        bench.send(Line::B, &slice(11, 0, 1));
        bench.send(Line::B, &slice(12, 0, 2));
        bench.wait_ms(50);
        assert_eq!((bench.state(), bench.bid_lots(0)), (ChannelState::Live, Some(2)));
        assert_eq!(bench.counters.line(Line::A).missing.get(), 2);
    });
    // What was owed has come: a packet that is early then waits its own time.
    seeded(&snapshot(1, 5, 10), |bench| {
        bench.send(Line::A, &mark(12).heartbeat());
        bench.wait_ms(5);
        bench.send(Line::B, &slice(11, 0, 1));
        bench.send(Line::A, &slice(13, 0, 3));
        bench.wait_ms(9);
        assert_eq!(bench.state(), ChannelState::Live);
        bench.send(Line::B, &slice(12, 0, 2));
        assert_eq!((bench.state(), bench.bid_lots(0)), (ChannelState::Live, Some(3)));
    });
}

/// A line's heartbeat tells of what it lost itself; the other line may go on from there.
#[test]
fn what_a_line_announces_is_given_up_no_further_than_the_other_has_gone() {
    seeded(&snapshot(1, 5, 10), |bench| {
        bench.send(Line::A, &mark(15).heartbeat());
        bench.send(Line::B, &mark(12).heartbeat());
        // Both have passed 11; 12 to 14 may still come on B.
        assert_eq!(bench.counters.missing.get(), 1);
        for packet_no in [12, 13, 14] {
            bench.send(Line::B, &slice(packet_no, 0, 1));
        }
        bench.wait_ms(50);
        assert_eq!((bench.counters.missing.get(), bench.counters.gaps.get()), (1, 1));
        assert_eq!(bench.counters.applied.get(), 3);
    });
}

#[test]
fn heartbeats_keep_a_quiet_channel_alive_and_its_lines_whole() {
    seeded(&snapshot(1, 5, 10), |bench| {
        for _ in 0..20 {
            bench.wait_ms(3_000);
            bench.both(&mark(10).heartbeat());
            assert_eq!(bench.state(), ChannelState::Live);
        }
        bench.wait_ms(9_000);
        assert_eq!(bench.state(), ChannelState::Live);
        bench.wait_ms(2_500);
        assert_unusable(bench, ChannelState::Stale);
        bench.both(&mark(10).heartbeat());
        assert_eq!((bench.state(), bench.seen.usable().len()), (ChannelState::Live, 1));
        assert_eq!(LIMITS.stale_after.0, 10_000 * MS);
    });
}

#[test]
fn a_line_that_says_nothing_more_is_found_by_what_the_other_says() {
    seeded(&snapshot(1, 5, 10), |bench| {
        bench.both(&slice(11, 0, 1));
        bench.send(Line::A, &slice(12, 0, 2));
        bench.wait_ms(1_000);
        assert_eq!(bench.state(), ChannelState::Live);
        bench.wait_ms(400);
        assert_eq!(bench.state(), ChannelState::SingleLine);
        // It lives after all, and tells what it has lost.
        bench.send(Line::B, &mark(13).heartbeat());
        bench.wait_ms(400);
        assert_eq!(bench.state(), ChannelState::Live);
        assert_eq!(bench.counters.line(Line::B).missing.get(), 1);
    });
}

/// Another trading day or centre, in a packet or in a heartbeat, on whichever line: the sequence is
/// over, and what comes late of the old one is dropped.
#[test]
fn another_day_or_centre_ends_the_sequence() {
    let day = |mark: PacketMark| PacketMark { comm_phase_no: DAY + 1, ..mark };
    let center = |mark: PacketMark| PacketMark { center_change_no: 1, ..mark };
    let ends: [Vec<u8>; 8] = [
        PacketMark { comm_phase_no: DAY - 1, ..mark(12) }.heartbeat(),
        PacketMark { center_change_no: -1, ..mark(12) }.heartbeat(),
        day(mark(1)).heartbeat(),
        center(mark(12)).heartbeat(),
        MirpBuilder::new(day(mark(1))).finish(true),
        MirpBuilder::new(center(mark(12))).finish(true),
        MirpBuilder::new(center(mark(40))).finish(true),
        MirpBuilder::new(mark(12))
            .center_change(&CenterChange {
                change_no: 1,
                snap_no: I32Le::new(12),
                packet_no: I32Le::new(12),
            })
            .field(0x1001, b"damaged, but nobody reads on")
            .finish(true),
    ];
    for end in ends {
        seeded(&snapshot(2, 5, 10), |bench| {
            bench.both(&slice(11, 0, 1));
            bench.send(Line::A, &end);
            assert_unusable(bench, ChannelState::Recovering);
            assert_eq!(bench.seen.updates.last().map(|update| update.epoch), Some(2));
            let quotes = bench.seen.quotes.len();
            bench.send(Line::B, &slice(12, 0, 2));
            bench.both(&slice(13, 0, 3));
            bench.send(Line::B, &end);
            bench.wait_ms(100);
            assert_unusable(bench, ChannelState::Recovering);
            assert_eq!((bench.seen.quotes.len(), bench.seen.updates.len()), (quotes, 2));
            assert!(bench.counters.refused.iter().all(|counter| counter.get() == 0));
            // A snapshot of the new sequence.
            let mut next = snapshot(2, 5, 0);
            next.trading_day.comm_phase_no = DAY + 1;
            next.center_changes = vec![CenterChange {
                change_no: 1,
                snap_no: I32Le::new(0),
                packet_no: I32Le::new(0),
            }];
            bench.seed(&next);
            let mark = PacketMark { comm_phase_no: DAY + 1, center_change_no: 1, ..mark(1) };
            let change = level(LevelEvent::Modify, BID, 1, -1, 5);
            bench.both(&MirpBuilder::new(mark).instrument(0, 1).level(&change).finish(true));
            assert_eq!((bench.state(), bench.bid_lots(0)), (ChannelState::Live, Some(5)));
        });
    }
}

/// The list of centre changes may be told again; an older one ends nothing.
#[test]
fn a_centre_change_that_is_known_ends_nothing() {
    seeded(&snapshot(1, 5, 10), |bench| {
        let change =
            CenterChange { change_no: 0, snap_no: I32Le::new(1), packet_no: I32Le::new(1) };
        bench.both(&MirpBuilder::new(mark(11)).center_change(&change).finish(true));
        bench.both(&slice(12, 0, 3));
        assert_eq!((bench.state(), bench.bid_lots(0)), (ChannelState::Live, Some(3)));
    });
}

#[test]
fn packets_of_another_topic_are_not_ours() {
    seeded(&snapshot(1, 5, 10), |bench| {
        let other = PacketMark { topic: 1002, ..mark(500) };
        bench.both(&MirpBuilder::new(other).finish(true));
        bench.both(&other.heartbeat());
        bench.wait_ms(20);
        assert_eq!((bench.state(), bench.counters.strays.get()), (ChannelState::Live, 4));
        // They do not keep the channel alive either.
        for _ in 0..120 {
            bench.wait_ms(100);
            bench.both(&other.heartbeat());
        }
        assert_unusable(bench, ChannelState::Stale);
    });
}

/// A new day numbers its instruments anew: nothing of the old numbers is left.
#[test]
fn a_second_snapshot_forgets_the_instruments_of_the_first() {
    seeded(&snapshot(3, 5, 10), |bench| {
        let mut next = snapshot(2, 1, 20);
        next.instruments[1].contract.instrument_no = 2;
        let index = |contract: &cross_market_connect::venue::shfe::smdp::contract::Contract| {
            (contract.instrument_no == 2).then_some(InstrumentIndex(0))
        };
        next.seed(&mut bench.feed, index, MonoNs(bench.now)).unwrap();
        bench.take();
        assert_eq!(bench.seen.usable().keys().collect::<Vec<_>>(), [&0]);
        bench.both(&slice(21, 0, 9));
        bench.both(&slice(22, 1, 9));
        let rows: Vec<_> = bench.seen.quotes[3..].iter().map(|quote| quote.instrument).collect();
        assert_eq!(rows, [InstrumentIndex(0)]);
    });
}

#[test]
fn a_snapshot_that_does_not_fit_leaves_nothing_believable() {
    seeded(&snapshot(3, 5, 10), |bench| {
        let mut other = snapshot(1, 5, 10);
        other.topic = 1002;
        let error = other.seed(&mut bench.feed, index_of, MonoNs(0));
        assert_eq!(error, Err(SeedError::Topic { topic: 1002, feed: TOPIC }));
        bench.take();
        assert_unusable(bench, ChannelState::Recovering);
        bench.seed(&snapshot(3, 5, 10));
        let traded = |contract: &cross_market_connect::venue::shfe::smdp::contract::Contract| {
            Some(InstrumentIndex(contract.instrument_no.unsigned_abs()))
        };
        let error = snapshot(9, 5, 10).seed(&mut bench.feed, traded, MonoNs(0));
        assert_eq!(error, Err(SeedError::Full { instrument_no: 8, capacity: 8 }));
        bench.take();
        assert_unusable(bench, ChannelState::Recovering);
        let mut deep = snapshot(1, 1, 10);
        let again = deep.instruments[0].bids[0];
        deep.instruments[0].bids.push(again);
        let error = deep.seed(&mut bench.feed, index_of, MonoNs(0));
        assert_eq!(error, Err(SeedError::Level { instrument_no: 0, level: 2 }));
    });
}

/// The depth of the topic is the depth of its books.
#[test]
fn books_are_as_deep_as_the_topic() {
    seeded(&snapshot(1, 1, 0), |bench| {
        let better = level(LevelEvent::Add, BID, 1, 0, 7);
        bench.both(&MirpBuilder::new(mark(1)).instrument(0, 1).level(&better).finish(true));
        let quote: &Quote = bench.seen.quotes.last().expect("a quote");
        assert_eq!((quote.bids.count, quote.bids.best_e9()), (1, price(0)));
        let deeper = level(LevelEvent::Add, BID, 2, -1, 7);
        bench.both(&MirpBuilder::new(mark(2)).instrument(0, 2).level(&deeper).finish(true));
        assert_eq!(bench.counters.book_errors[BookError::Level.index()].get(), 1);
    });
}
