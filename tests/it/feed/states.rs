//! Events, resets, per-instrument gaps, silence: made packets, one behaviour at a time.

use super::kit::{Bench, CHANNEL, Setup, Shot, bench};
use cross_market_connect::venue::cme::mdp3::{
    BookChange, EventMark, Generation, PacketBuilder, volume_entry,
};
use xmc_hotpath::book::{BookError, View};
use xmc_hotpath::feed::Join;
use xmc_hotpath::message::{ChannelState, QuoteQuality};
use xmc_hotpath::port::Line;
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{MonoNs, UnixNs};
use xmc_hotpath::venue::cme::mdp3::layout::{
    Action, BookEntry, EntryKind, Mantissa, MatchEvent, StatusRoot, TradingStatus, U16_NULL,
};
use xmc_hotpath::wire::{I32Le, U16Le, U64Le};

pub const CORN: i32 = 70;
pub const WHEAT: i32 = 80;
const UNQUOTED: i32 = 90;

fn setup() -> Setup {
    Setup::new(&[CORN, WHEAT])
}

pub const END: EventMark = EventMark::end(77);
pub const OPEN: EventMark = EventMark { transact_ns: 77, match_event: MatchEvent(4) };

fn level(security_id: i32, rpt_seq: u32, kind: EntryKind, level: u8, price: i64) -> BookEntry {
    BookChange {
        security_id,
        rpt_seq,
        kind,
        action: Action::New,
        level,
        price: Mantissa::new(price),
        size_lots: Some(5),
        order_count: Some(2),
    }
    .into()
}

pub fn bid(security_id: i32, rpt_seq: u32, price: i64) -> BookEntry {
    level(security_id, rpt_seq, EntryKind::Bid, 1, price)
}

pub fn ask(security_id: i32, rpt_seq: u32, price: i64) -> BookEntry {
    level(security_id, rpt_seq, EntryKind::Offer, 1, price)
}

pub fn packet(seq_no: u32) -> PacketBuilder {
    PacketBuilder::new(Generation::V13, seq_no, 1)
}

pub fn book(seq_no: u32, mark: EventMark, entries: &[BookEntry]) -> Vec<u8> {
    packet(seq_no).book(mark, entries, &[]).finish()
}

impl Bench<'_> {
    /// Delivers a packet on both lines.
    pub fn both(&mut self, at: u64, payload: &[u8]) {
        for line in Line::BOTH {
            self.send(&Shot { line, at, payload: payload.to_vec() });
        }
    }

    fn counted(&self, error: BookError) -> u64 {
        self.counters.book_errors[error.index()].get()
    }
}

/// An event that spans packets sends nothing until it ends, and then each instrument once (M2).
#[test]
fn quotes_leave_when_the_event_is_over_and_only_then() {
    bench(&setup(), |bench| {
        bench.both(1, &book(1, OPEN, &[bid(CORN, 1, 400), bid(UNQUOTED, 1, 1)]));
        bench.both(2, &book(2, OPEN, &[ask(CORN, 2, 402), bid(WHEAT, 1, 500)]));
        assert_eq!(bench.seen.quotes, []);
        bench.both(3, &book(3, END, &[level(CORN, 3, EntryKind::Bid, 2, 399)]));
        let quotes = &bench.seen.quotes;
        assert_eq!(quotes.iter().map(|q| q.instrument.0).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(quotes[0].bids.levels().collect::<Vec<_>>(), [(400, 5), (399, 5)]);
        assert_eq!(quotes[0].asks.levels().collect::<Vec<_>>(), [(402, 5)]);
        assert_eq!(quotes[1].asks.count, 0);
        assert_eq!((quotes[0].received, quotes[0].exchange), (MonoNs(3), UnixNs(77)));
        assert_eq!((quotes[0].packet_seq_no, quotes[0].epoch, quotes[0].stream.0), (3, 1, 3));
        assert_eq!(quotes[0].quality, QuoteQuality::Good);
        // Two events in one packet: two quotes.
        let two = packet(4)
            .book(END, &[bid(CORN, 4, 401)], &[])
            .book(END, &[ask(CORN, 5, 401)], &[])
            .finish();
        bench.both(4, &two);
        let qualities: Vec<_> = bench.seen.quotes[2..].iter().map(|quote| quote.quality).collect();
        assert_eq!(qualities, [QuoteQuality::Good, QuoteQuality::Insane], "locked at 401");
        // An event that touched no book sends nothing.
        bench.both(5, &packet(5).volumes(END, &[volume_entry(CORN, 6, 9)]).finish());
        assert_eq!(bench.seen.quotes.len(), 4);
        assert_eq!((bench.counters.events.get(), bench.counters.quotes.get()), (4, 4));
    });
}

/// A jump in an instrument's own sequence, in whatever kind of entry, spoils that instrument alone.
#[test]
fn a_gap_in_an_instrument_s_own_sequence_spoils_that_instrument() {
    bench(&setup(), |bench| {
        bench.both(1, &book(1, END, &[bid(CORN, 11, 400), bid(WHEAT, 21, 500)]));
        assert_eq!(bench.seen.usable().len(), 2);
        bench.both(2, &packet(2).volumes(END, &[volume_entry(CORN, 13, 9)]).finish());
        assert_eq!(bench.seen.quotes.last().map(|q| q.quality), Some(QuoteQuality::Gapped));
        assert_eq!(bench.seen.usable().iter().map(|i| i.0).collect::<Vec<_>>(), [1]);
        // It stays so, though numbers go on without another jump.
        bench.both(3, &book(3, END, &[ask(CORN, 14, 402), ask(WHEAT, 22, 501)]));
        assert_eq!(bench.seen.usable().iter().map(|i| i.0).collect::<Vec<_>>(), [1]);
        assert_eq!(bench.counters.sequence_breaks.get(), 1);
        assert_eq!(bench.state(), ChannelState::Live);
    });
}

/// A channel reset empties everything, starts an epoch and ends a suspicion; what is sent again
/// is shown when it is complete (M8).
#[test]
fn a_channel_reset_begins_anew() {
    bench(&setup(), |bench| {
        bench.both(1, &book(1, END, &[bid(CORN, 11, 400), bid(WHEAT, 21, 500)]));
        bench.both(3, &book(3, END, &[ask(CORN, 12, 402)]));
        assert_eq!(bench.seen.state(), (ChannelState::Suspect, 2));
        // Another channel's reset is none of ours.
        bench.both(4, &packet(4).reset(END, CHANNEL + 1).finish());
        assert_eq!(bench.seen.state(), (ChannelState::Suspect, 2));
        bench.both(5, &packet(5).reset(END, CHANNEL).finish());
        assert_eq!(bench.seen.state(), (ChannelState::Recovering, 3));
        assert_eq!(bench.seen.usable(), []);
        let resent = EventMark {
            transact_ns: 78,
            match_event: MatchEvent::END_OF_EVENT.and(MatchEvent::RECOVERY),
        };
        bench.both(6, &book(6, resent, &[bid(CORN, 1, 401), bid(WHEAT, 1, 500)]));
        assert_eq!(bench.seen.quotes.len(), 2, "nothing is shown while it is sent again");
        bench.both(7, &book(7, END, &[ask(CORN, 2, 403)]));
        assert_eq!(bench.seen.state(), (ChannelState::Live, 3));
        assert_eq!(bench.seen.quotes.len(), 4, "both are shown, though one was touched");
        assert_eq!(bench.seen.usable().len(), 2);
        let corn = bench.seen.quotes[2..].iter().find(|q| q.instrument.0 == 0).expect("shown");
        assert_eq!((corn.bids.best_e9(), corn.asks.best_e9(), corn.bids.count), (401, 403, 1));
        // From now on a book that lacks what the venue takes away is damaged, and an instrument
        // that does not begin with 1 has lost something.
        let gone =
            BookEntry { action: Action::Delete.to_wire(), ..level(CORN, 3, EntryKind::Bid, 2, 1) };
        bench.both(8, &book(8, END, &[gone, bid(UNQUOTED, 2, 1)]));
        assert_eq!(bench.seen.quotes.last().map(|q| q.quality), Some(QuoteQuality::Gapped));
        assert_eq!(bench.counters.sequence_breaks.get(), 1);
    });
}

/// Packets numbered anew: whole from 1, empty books are the truth; else they are not (M9).
#[test]
fn a_new_week_begins_with_empty_books() {
    for (first, expected) in [(1, ChannelState::Live), (3, ChannelState::Suspect)] {
        bench(&setup(), |bench| {
            bench.both(1, &book(70_000, END, &[bid(CORN, 11, 400)]));
            bench.both(2, &book(first, END, &[bid(CORN, 1, 300)]));
            assert_eq!(bench.seen.state(), (ChannelState::Live, 1), "one packet proves nothing");
            bench.both(3, &book(first + 1, END, &[ask(CORN, 2, 301)]));
            assert_eq!(bench.seen.state(), (expected, 2));
            assert_eq!(bench.counters.restarts.get(), 1);
            let is_live = expected == ChannelState::Live;
            assert_eq!(bench.seen.usable().len(), usize::from(is_live));
            if is_live {
                let quote = bench.seen.quotes.last().expect("sent");
                assert_eq!((quote.bids.best_e9(), quote.bids.count, quote.epoch), (300, 1, 2));
            }
        });
    }
}

/// A channel that is to be recovered shows nothing until it is.
#[test]
fn a_channel_that_waits_for_recovery_shows_nothing() {
    bench(&Setup { join: Join::Recover, ..setup() }, |bench| {
        bench.both(1, &book(1, END, &[bid(CORN, 1, 400)]));
        bench.both(2, &book(2, END, &[ask(CORN, 2, 402)]));
        bench.both(9, &book(9, END, &[ask(CORN, 9, 402)]));
        assert_eq!(bench.seen.state(), (ChannelState::Recovering, 1));
        assert_eq!(bench.seen.quotes, []);
        bench.both(10, &packet(10).reset(END, CHANNEL).finish());
        bench.both(11, &book(11, END, &[bid(CORN, 1, 400)]));
        assert_eq!(bench.seen.state(), (ChannelState::Live, 2));
        assert_eq!(bench.seen.usable().len(), 2, "the other one's book is known to be empty");
    });
}

/// Silence of one line, of both, and their return (M14, F11, F12).
#[test]
fn silence_of_one_line_and_of_both_is_told() {
    let mut setup = setup();
    setup.limits.silent_after.0 = 10_000_000;
    setup.limits.stale_after.0 = 100_000_000;
    bench(&setup, |bench| {
        let mut at = 0;
        let mut seq_no = 0;
        let mut beat = |bench: &mut Bench<'_>, lines: &[Line], steps: u32| {
            for _ in 0..steps {
                at += 1_000_000;
                seq_no += 1;
                for &line in lines {
                    let payload = packet(seq_no).heartbeat().finish();
                    bench.send(&Shot { line, at, payload });
                }
            }
            at
        };
        let first = book(0, END, &[bid(CORN, 1, 400)]);
        bench.both(0, &first);
        beat(bench, &Line::BOTH, 30);
        assert_eq!(bench.seen.state(), (ChannelState::Live, 1));
        beat(bench, &[Line::B], 9);
        assert_eq!(bench.seen.state(), (ChannelState::Live, 1));
        beat(bench, &[Line::B], 3);
        assert_eq!(bench.seen.state(), (ChannelState::SingleLine, 1));
        assert_eq!(bench.seen.usable().len(), 1, "one line is enough");
        let at = beat(bench, &Line::BOTH, 3);
        assert_eq!(bench.seen.state(), (ChannelState::Live, 1));
        // Quiet is not silent: no line counts as gone while neither talks.
        bench.wait(at + 98_000_000);
        assert_eq!(bench.seen.state(), (ChannelState::Live, 1));
        bench.wait(at + 103_000_000);
        assert_eq!(bench.seen.state(), (ChannelState::Stale, 1));
        assert_eq!(bench.seen.usable(), []);
        let payload = book(46, END, &[ask(CORN, 2, 401)]);
        bench.both(at + 104_000_000, &payload);
        // In sequence: what was known is still true, and usable at once with the new state.
        assert_eq!(bench.seen.state(), (ChannelState::Live, 1));
        assert_eq!(bench.seen.quotes.last().map(|quote| quote.bids.best_e9()), Some(400));
        let states: Vec<_> = bench.seen.updates.iter().map(|update| update.state).collect();
        use ChannelState::{Live, SingleLine, Stale};
        assert_eq!(states, [Live, SingleLine, Live, Stale, Live]);
    });
}

/// A line that keeps losing packets counts as lossy, until it has not for a while.
#[test]
fn a_lossy_line_leaves_the_channel_on_one_line() {
    let mut setup = setup();
    setup.limits.lossy_after.0 = 20_000_000;
    bench(&setup, |bench| {
        let mut states = Vec::new();
        for seq_no in 1..200_u32 {
            let at = u64::from(seq_no) * 1_000_000;
            let payload = packet(seq_no).heartbeat().finish();
            // Line A loses every fifth packet for a time.
            if seq_no % 5 > 0 || seq_no > 100 {
                bench.send(&Shot { line: Line::A, at, payload: payload.clone() });
            }
            bench.send(&Shot { line: Line::B, at, payload });
            if states.last().is_none_or(|&(_, state)| state != bench.state()) {
                states.push((seq_no, bench.state()));
            }
        }
        let [live, single, again] = states[..] else { panic!("three states: {states:?}") };
        assert_eq!(live, (1, ChannelState::Live));
        assert_eq!(single.1, ChannelState::SingleLine);
        assert!((26..=30).contains(&single.0), "20 ms after the first loss: {single:?}");
        assert_eq!(again.1, ChannelState::Live);
        assert!((121..=125).contains(&again.0), "20 ms after the last loss: {again:?}");
        assert_eq!(bench.counters.line(Line::A).missing.get(), 20);
        assert_eq!(bench.counters.line(Line::B).missing.get(), 0);
    });
}

/// A full ring of quotes conflates; a full ring of states keeps the newest state until there is
/// room, and says so.
#[test]
fn full_rings_delay_and_conflate_but_lose_nothing() {
    bench(&Setup { quote_slots: 2, update_slots: 1, ..setup() }, |bench| {
        for seq_no in 1..=10_u32 {
            let price = 400 - i64::from(seq_no);
            let entries = [level(CORN, seq_no, EntryKind::Bid, seq_no as u8, price)];
            let payload = book(seq_no, END, &entries);
            bench.deliver(&Shot { line: Line::A, at: u64::from(seq_no), payload });
        }
        bench.stage.housekeeping();
        assert_eq!(bench.counters.conflated.get(), 7);
        bench.clock_on(11);
        assert_eq!(bench.stage.poll(), Work::Blocked);
        bench.take();
        bench.stage.poll();
        bench.take();
        let counts: Vec<_> =
            bench.seen.quotes.iter().map(|q| (q.packet_seq_no, q.skipped)).collect();
        assert_eq!(counts, [(1, 0), (2, 0), (10, 7)]);
        // Live waits in the ring; then a reset, its end and a gap have one slot between them.
        bench.deliver(&Shot {
            line: Line::A,
            at: 12,
            payload: packet(11).reset(END, CHANNEL).finish(),
        });
        bench.deliver(&Shot { line: Line::A, at: 13, payload: book(12, END, &[bid(CORN, 1, 1)]) });
        bench.take();
        bench.clock_on(14);
        bench.stage.poll();
        bench.take();
        let updates: Vec<_> =
            bench.seen.updates.iter().map(|update| (update.state, update.epoch)).collect();
        use ChannelState::{Live, Recovering};
        assert_eq!(updates, [(Live, 1), (Recovering, 2), (Live, 2)]);
        assert_eq!(bench.counters.delayed_updates.get(), 1);
        assert_eq!(bench.seen.usable().len(), 2);
    });
}

/// Entries that contradict a book spoil the instrument; what books that began empty cannot know is
/// excused.
#[test]
fn contradictions_spoil_the_instrument() {
    let change = |rpt_seq, action: u8, level_no, kind: u8, lots: i32, price: i64| BookEntry {
        action,
        kind,
        size_lots: I32Le::new(lots),
        ..level(CORN, rpt_seq, EntryKind::Bid, level_no, price)
    };
    let bid_side = EntryKind::Bid.to_wire();
    let cases = [
        (BookError::Level, change(3, 0, 0, bid_side, 5, 1)),
        (BookError::Level, change(3, 0, 11, bid_side, 5, 1)),
        (BookError::Lots, change(3, 0, 2, bid_side, 0, 1)),
        (BookError::Lots, change(3, 0, 2, bid_side, -4, 1)),
        (BookError::Lots, change(3, 1, 1, bid_side, i32::MAX, 400)),
        (BookError::Price, change(3, 0, 2, bid_side, 5, i64::MAX)),
        (BookError::Unknown, change(3, 6, 1, bid_side, 5, 400)),
        (BookError::Unknown, change(3, 0, 1, b'2', 5, 400)),
        (BookError::OtherPrice, change(3, 1, 1, bid_side, 5, 401)),
        (BookError::OtherPrice, change(3, 2, 1, bid_side, 5, 401)),
        (BookError::Inferred, change(3, 3, 1, bid_side, 5, 400)),
        (BookError::Inferred, change(3, 4, 1, bid_side, 5, 400)),
        (BookError::Vacant, change(3, 2, 4, bid_side, 5, 400)),
    ];
    for (error, entry) in cases {
        bench(&setup(), |bench| {
            bench.both(1, &book(1, END, &[bid(CORN, 1, 400), ask(CORN, 2, 402)]));
            assert_eq!(bench.seen.usable().len(), 1);
            bench.both(2, &book(2, END, &[entry]));
            assert_eq!(bench.counted(error), 1, "{error:?}");
            let is_excused = error == BookError::Vacant;
            assert_eq!(bench.seen.usable().len(), usize::from(is_excused), "{error:?}");
            assert_eq!(bench.seen.quotes.len(), 2, "the desk is told: {error:?}");
            assert_eq!(bench.state(), ChannelState::Live);
        });
    }
}

/// A book reset of one instrument empties it and its sequence goes on.
#[test]
fn a_book_reset_empties_one_instrument() {
    bench(&setup(), |bench| {
        bench.both(1, &book(1, END, &[bid(CORN, 1, 400), bid(WHEAT, 1, 500)]));
        bench.both(2, &book(2, END, &[level(CORN, 2, EntryKind::BookReset, 0, i64::MAX)]));
        let quote = bench.seen.quotes.last().expect("sent");
        assert_eq!((quote.instrument.0, quote.bids.count), (0, 0));
        assert_eq!(quote.quality, QuoteQuality::Good);
        bench.both(3, &book(3, END, &[bid(CORN, 3, 399)]));
        assert_eq!(bench.seen.usable().len(), 2);
    });
}

/// The best of the market, which is told since version 12, is counted among an instrument's changes
/// and is no level of its book.
#[test]
fn the_best_of_the_market_changes_no_level() {
    bench(&setup(), |bench| {
        bench.both(1, &book(1, END, &[bid(CORN, 1, 400), ask(CORN, 2, 402)]));
        let best = [EntryKind::MarketBestBid, EntryKind::MarketBestOffer];
        let best: Vec<_> =
            (3..).zip(best).map(|(rpt_seq, kind)| level(CORN, rpt_seq, kind, 1, 401)).collect();
        bench.both(2, &book(2, END, &best));
        bench.both(3, &book(3, END, &[bid(CORN, 5, 401)]));
        let quote = bench.seen.quotes.last().expect("sent");
        assert_eq!((quote.bids.best_e9(), quote.asks.best_e9()), (401, 402));
        let unknown = bench.counted(BookError::Unknown);
        assert_eq!((quote.quality, unknown), (QuoteQuality::Good, 0));
    });
}

/// An event may end with a message that is passed over: what came before in it is quoted then.
#[test]
fn a_message_that_is_passed_over_ends_its_event() {
    bench(&setup(), |bench| {
        let mut payload = book(1, OPEN, &[bid(CORN, 1, 400)]);
        // `CollateralMarketValue62` of version 13: a root of 11 bytes and a group without entries.
        let words = [10_u16 + 11 + 3, 11, 62, 1, 13];
        payload.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        payload.extend(88_u64.to_le_bytes());
        payload.extend([MatchEvent::END_OF_EVENT.0, 0, 0, 0, 0, 0]);
        bench.both(1, &payload);
        let quote = bench.seen.quotes.last().expect("the event is over");
        assert_eq!((quote.bids.best_e9(), quote.exchange), (400, UnixNs(88)));
    });
}

/// Damage inside a message, after part of the packet was applied: no book is believed any more.
#[test]
fn a_damaged_message_makes_the_channel_suspect() {
    bench(&setup(), |bench| {
        bench.both(1, &book(1, END, &[bid(CORN, 1, 400)]));
        let mut payload = packet(2)
            .book(END, &[ask(CORN, 2, 402)], &[])
            .book(END, &[bid(WHEAT, 1, 5)], &[])
            .finish();
        // The entry block of the second message: 4 bytes instead of 32.
        let second = 12 + (payload.len() - 12) / 2;
        payload[second + 10 + 11] = 4;
        bench.both(2, &payload);
        assert_eq!(bench.seen.state(), (ChannelState::Suspect, 2));
        assert_eq!(bench.seen.usable(), []);
        // What the first message said is quoted in the old epoch: nobody may use it.
        assert!(bench.seen.quotes.iter().all(|quote| quote.epoch == 1));
        assert_eq!(bench.counters.refused.iter().map(|c| c.get()).sum::<u64>(), 1);
        assert_eq!(bench.counters.divergent.get(), 0);
    });
}

/// The same in a packet that had to wait for the one before it.
#[test]
fn a_damaged_message_in_a_held_packet_makes_the_channel_suspect() {
    bench(&setup(), |bench| {
        bench.both(1, &book(1, END, &[bid(CORN, 1, 400)]));
        let mut damaged = book(3, END, &[ask(CORN, 3, 402)]);
        damaged[12 + 10 + 11] = 4;
        bench.send(&Shot { line: Line::A, at: 2, payload: damaged });
        assert_eq!(bench.seen.state(), (ChannelState::Live, 1));
        bench.send(&Shot { line: Line::B, at: 3, payload: book(2, END, &[ask(CORN, 2, 401)]) });
        assert_eq!(bench.seen.state(), (ChannelState::Suspect, 2));
        assert_eq!(bench.counters.applied.get(), 3);
        assert_eq!(bench.seen.usable(), []);
    });
}

/// Implied levels are shown only where that is asked for, merged with the outright ones (M12).
#[test]
fn implied_levels_are_merged_if_the_channel_says_so() {
    let entries = [
        level(CORN, 1, EntryKind::Bid, 1, 400),
        level(CORN, 2, EntryKind::Bid, 2, 398),
        level(CORN, 3, EntryKind::ImpliedBid, 1, 401),
        level(CORN, 4, EntryKind::ImpliedBid, 2, 398),
    ];
    for (view, expected) in [
        (View::Outright, &[(400, 5), (398, 5)][..]),
        (View::Consolidated, &[(401, 5), (400, 5), (398, 10)][..]),
    ] {
        bench(&Setup { view, ..setup() }, |bench| {
            bench.both(1, &book(1, END, &entries));
            assert_eq!(bench.seen.quotes[0].bids.levels().collect::<Vec<_>>(), expected);
        });
    }
}

/// More instruments than there are rows: the rest is counted, those that are quoted stay right.
#[test]
fn instruments_beyond_the_arena_are_counted() {
    bench(&Setup { instruments: 3, ..setup() }, |bench| {
        let entries: Vec<_> = (100..110).map(|id| bid(id, 1, 7)).collect();
        bench.both(1, &book(1, END, &entries));
        bench.both(2, &book(2, END, &[bid(WHEAT, 1, 500)]));
        assert_eq!(bench.counters.instruments_full.get(), 9);
        assert_eq!(bench.seen.usable().len(), 1);
    });
}

/// A trading status is noted with its instrument.
#[test]
fn a_trading_status_is_noted() {
    bench(&setup(), |bench| {
        bench.both(1, &book(1, END, &[bid(CORN, 1, 400)]));
        let status = StatusRoot {
            transact_ns: U64Le::new(5),
            security_group: *b"ZC\0\0\0\0",
            asset: *b"ZC\0\0\0\0",
            security_id: I32Le::new(CORN),
            trade_date: U16Le::new(U16_NULL),
            match_event: MatchEvent::END_OF_EVENT,
            trading_status: TradingStatus::TradingHalt.to_wire(),
            halt_reason: 0,
            trading_event: 0,
        };
        bench.both(2, &packet(2).status(&status).finish());
        let channel = bench.stage.feed_mut().channel_mut();
        assert_eq!(channel.instrument(CORN).and_then(|i| i.status()), Some(2));
        assert_eq!(bench.counters.statuses.get(), 1);
    });
}

/// What a copy that differs names is told one by one, and nothing else: of a quote that was used
/// for it the desk knows the packet.
#[test]
fn the_instruments_of_a_packet_whose_copies_differ_are_told() {
    bench(&setup(), |bench| {
        bench.both(1, &book(1, END, &[bid(CORN, 1, 400), bid(WHEAT, 1, 500)]));
        bench.send(&Shot { line: Line::A, at: 2, payload: book(2, END, &[bid(CORN, 2, 401)]) });
        assert_eq!(bench.seen.usable().len(), 2);
        let other = book(2, END, &[bid(CORN, 2, 409), ask(CORN, 3, 410), bid(UNQUOTED, 1, 1)]);
        bench.send(&Shot { line: Line::B, at: 3, payload: other });
        let told =
            bench.seen.updates.last().map(|told| (told.state, told.epoch, told.packet_seq_no));
        assert_eq!(told, Some((ChannelState::Divergent, 2, 2)));
        let marked = bench.seen.quotes.iter();
        let marked = marked.filter(|quote| quote.quality == QuoteQuality::Divergent);
        let marked: Vec<_> =
            marked.map(|quote| (quote.instrument.0, quote.epoch, quote.packet_seq_no)).collect();
        assert_eq!(marked, [(0, 2, 2)], "once, in the epoch that nothing is believed of");
        assert_eq!((bench.seen.usable(), bench.counters.divergent.get()), (vec![], 1));
        // What comes is followed, and shown to nobody; another difference is told too.
        bench.send(&Shot { line: Line::A, at: 4, payload: book(3, END, &[bid(WHEAT, 2, 501)]) });
        bench.send(&Shot { line: Line::B, at: 4, payload: book(3, END, &[bid(WHEAT, 2, 502)]) });
        let told =
            bench.seen.updates.last().map(|told| (told.state, told.epoch, told.packet_seq_no));
        assert_eq!(told, Some((ChannelState::Divergent, 2, 3)));
        assert_eq!(bench.seen.quotes.last().map(|quote| quote.instrument.0), Some(1));
        // The venue sends everything again: that is evidence.
        bench.both(5, &packet(4).reset(END, CHANNEL).finish());
        assert_eq!(bench.seen.state().0, ChannelState::Recovering);
        bench.both(6, &book(5, END, &[bid(CORN, 1, 400), bid(WHEAT, 1, 500)]));
        assert_eq!((bench.state(), bench.seen.usable().len()), (ChannelState::Live, 2));
    });
}

/// While the ring is full, the first packet whose copies differ is the one that is told: whatever
/// was priced off it or a later one is doubtful.
#[test]
fn of_two_differences_at_once_the_first_is_told() {
    let mut setup = setup();
    setup.update_slots = 1;
    bench(&setup, |bench| {
        // The ring's only place is taken by the state of the beginning.
        for (seq_no, line) in [(1, Line::A), (2, Line::A), (2, Line::B), (3, Line::A), (3, Line::B)]
        {
            let price = 400 + i64::from(line == Line::B);
            let payload = book(seq_no, END, &[bid(CORN, seq_no, price)]);
            bench.deliver(&Shot { line, at: u64::from(seq_no), payload });
        }
        bench.take();
        bench.wait(50_000_000);
        let told: Vec<_> =
            bench.seen.updates.iter().map(|told| (told.state, told.packet_seq_no)).collect();
        assert_eq!(told, [(ChannelState::Live, 1), (ChannelState::Divergent, 2)]);
    });
}
