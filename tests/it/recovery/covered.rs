//! Snapshots of different ages in one channel: which entries are passed over, and which are damage.

use crate::feed::kit::{Bench, Setup, bench, shot};
use cross_market_connect::venue::cme::mdp3::{BookChange, EventMark, Generation, PacketBuilder};
use xmc_hotpath::feed::{Join, SeqNo};
use xmc_hotpath::port::Line;
use xmc_hotpath::time::{MonoNs, UnixNs};
use xmc_hotpath::venue::cme::mdp3::layout::{Action, BookEntry, EntryKind, Mantissa};

const ID: i32 = 7;

/// A packet with one entry, which inserts a best bid.
fn packet(seq_no: u32, rpt_seq: u32) -> Vec<u8> {
    let entry = BookEntry::from(BookChange {
        security_id: ID,
        rpt_seq,
        kind: EntryKind::Bid,
        action: Action::New,
        level: 1,
        price: Mantissa::new(i64::from(rpt_seq) * 1_000_000_000),
        size_lots: Some(1),
        order_count: Some(1),
    });
    let builder = PacketBuilder::new(Generation::V13, seq_no, 0);
    builder.book(EventMark::end(0), &[entry], &[]).finish()
}

/// A feed whose oldest book includes packet 10, the newest 20; the one that is looked at includes
/// its entry 5, and no level of it.
fn begun<R>(body: impl FnOnce(&mut Bench<'_>) -> R) -> R {
    let setup = Setup { join: Join::Recover, ..Setup::new(&[ID]) };
    bench(&setup, |bench| {
        let feed = bench.stage.feed_mut();
        let books = feed.channel_mut().books_mut();
        let row = books.add(ID, None).expect("it is there");
        books.get_mut(row).expect("it is there").expect_after(5);
        feed.begin_between(SeqNo(10), SeqNo(20), UnixNs(0), MonoNs(0));
        body(bench)
    })
}

/// Sends entries with their packets' numbers; says the best bid in units, the levels, and whether
/// the book is damaged.
fn after(entries: &[(u32, u32)]) -> (i64, usize, bool) {
    begun(|bench| {
        for (seq_no, rpt_seq) in entries {
            bench.send(&shot(Line::A, 1, &packet(*seq_no, *rpt_seq)));
        }
        let instrument = bench.stage.feed_mut().channel_mut().instrument(ID).expect("a row");
        let levels = instrument.bids().levels();
        let count = levels.iter().filter(|level| level.is_present()).count();
        (levels[0].price_e9 / 1_000_000_000, count, instrument.is_damaged())
    })
}

#[test]
fn what_a_snapshot_includes_is_passed_over_and_nothing_else() {
    assert_eq!(after(&[(11, 4), (12, 5)]), (0, 0, false), "included");
    assert_eq!(
        after(&[(11, 4), (12, 5), (13, 6)]),
        (6, 1, false),
        "6 is the first one that is not"
    );
    assert_eq!(after(&[(11, 6), (12, 7)]), (7, 2, false), "nothing to pass over");
    assert_eq!(after(&[(11, 5), (12, 7)]), (7, 1, true), "6 is missing");
    assert_eq!(after(&[(11, 7)]), (7, 1, true), "so it is without anything before");
}

/// Behind the newest snapshot a number that goes backwards is what it always was.
#[test]
fn beyond_the_newest_snapshot_nothing_is_passed_over() {
    let quiet = |last: u32| (11..=last).map(|seq_no| (seq_no, 5)).collect::<Vec<_>>();
    assert_eq!(after(&quiet(20)), (0, 0, false));
    assert_eq!(after(&quiet(21)), (5, 1, true));
}

/// A reset starts the count at 1: the old numbers cover nothing any more.
#[test]
fn a_reset_ends_it() {
    begun(|bench| {
        let reset = PacketBuilder::new(Generation::V13, 11, 0);
        let reset = reset.reset(EventMark::end(0), crate::feed::kit::CHANNEL).finish();
        bench.send(&shot(Line::A, 1, &reset));
        bench.send(&shot(Line::A, 1, &packet(12, 2)));
        let instrument = bench.stage.feed_mut().channel_mut().instrument(ID).expect("a row");
        assert!(instrument.is_damaged(), "1 is missing");
    });
}
