//! Books that are handed over while a feed runs: whole, torn, stale, too old, too new.

use super::kit::{Bench, CHANNEL, Setup, bench, bench_with};
use super::states::{CORN, END, WHEAT, ask, bid, book, packet};
use cross_market_connect::recovery::replica::handover_ring;
use xmc_hotpath::book::{Day, Instrument};
use xmc_hotpath::feed::{Asked, Handed, HandedOf, Join, SeqNo};
use xmc_hotpath::message::ChannelState;
use xmc_hotpath::port::Line;
use xmc_hotpath::ring::Sender;
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::UnixNs;
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;

type Message = HandedOf<Mdp3>;

fn setup() -> Setup {
    Setup { instruments: 400, tail: 32, ..Setup::new(&[CORN, WHEAT]) }
}

/// Packet `seq_no` of a market whose every packet changes one instrument.
fn told(seq_no: u32) -> Vec<u8> {
    let entry = match seq_no % 2 {
        0 => bid(CORN, seq_no / 2, 400 + i64::from(seq_no)),
        _ => ask(WHEAT, seq_no.div_ceil(2), 900 - i64::from(seq_no)),
    };
    book(seq_no, END, &[entry])
}

/// The books after packet `last`.
fn rows(last: u32) -> Vec<Instrument> {
    bench(&setup(), |bench| {
        (1..=last).for_each(|seq_no| bench.both(u64::from(seq_no), &told(seq_no)));
        bench.stage.feed().channel().books().iter().copied().collect()
    })
}

fn begin(generation: u32, last: u32) -> Message {
    let (last, exchange) = (SeqNo(last), UnixNs(7));
    Handed::Begin { generation, last, exchange, course: (), is_anew: false }
}

fn end(generation: u32, count: usize) -> Message {
    Handed::End { generation, count: u32::try_from(count).expect("few") }
}

/// The books after packet `last`, in answer to `generation`.
fn whole(generation: u32, last: u32) -> Vec<Message> {
    let rows = rows(last);
    let count = rows.len();
    let row = |instrument| Handed::Row { instrument, day: Day::UNKNOWN, terms: () };
    let messages = std::iter::once(begin(generation, last)).chain(rows.into_iter().map(row));
    messages.chain([end(generation, count)]).collect()
}

struct Hot<'a, 'b> {
    bench: &'a mut Bench<'b>,
    handing: Sender<Message>,
}

impl Hot<'_, '_> {
    fn both(&mut self, seq_no: u32) {
        self.bench.both(u64::from(seq_no), &told(seq_no));
    }

    fn hand(&mut self, messages: &[Message]) {
        messages.iter().for_each(|message| self.handing.push(*message).expect("there is room"));
    }

    /// Polls until nothing is left to do.
    fn settle(&mut self) {
        while self.bench.stage.poll() != Work::Idle {}
        self.bench.take();
    }

    fn asked(&self) -> Option<Asked> {
        self.bench.counters.request.asked()
    }

    fn question(&self) -> (u32, u32) {
        let asked = self.asked().expect("something is asked");
        (asked.generation, asked.through.0)
    }
}

/// A feed that had packets 1 to 4, lost 5 and got 6 to `newest`.
fn lost<R>(newest: u32, body: impl FnOnce(&mut Hot<'_, '_>) -> R) -> R {
    let (handing, handed) = handover_ring();
    bench_with(&setup(), Some(handed), |bench| {
        let mut hot = Hot { bench, handing };
        (1..=4).for_each(|seq_no| hot.both(seq_no));
        assert_eq!(hot.bench.state(), ChannelState::Live);
        assert_eq!(hot.asked(), None);
        (6..=newest).for_each(|seq_no| hot.both(seq_no));
        hot.settle();
        assert_eq!(hot.bench.seen.state(), (ChannelState::Suspect, 2));
        assert_eq!(hot.bench.seen.usable(), []);
        body(&mut hot)
    })
}

/// What the desk must see in the end: the same books as without any loss.
fn assert_caught_up(hot: &mut Hot<'_, '_>, newest: u32) {
    assert_eq!(hot.bench.state(), ChannelState::Live);
    assert_eq!(hot.bench.seen.usable().len(), 2);
    let found: Vec<Instrument> = hot.bench.stage.feed().channel().books().iter().copied().collect();
    assert_eq!(found, rows(newest));
    assert_eq!(hot.asked(), None);
    let epoch = hot.bench.seen.state().1;
    hot.both(newest + 1);
    hot.both(newest + 2);
    let quotes = hot.bench.seen.quotes.len();
    assert!(hot.bench.seen.quotes[quotes - 2..].iter().all(|quote| quote.epoch == epoch));
    assert_eq!(hot.bench.seen.usable().len(), 2);
}

#[test]
fn books_that_are_handed_over_go_on_with_what_was_kept() {
    for last in 5..=20 {
        lost(20, |hot| {
            let (generation, through) = hot.question();
            assert_eq!(through, 5, "the first packet that was not lost is the 6th");
            hot.hand(&whole(generation, last));
            hot.settle();
            assert_eq!(hot.bench.counters.replayed.get(), u64::from(20 - last));
            assert_eq!(hot.bench.seen.state(), (ChannelState::Live, 3));
            assert_caught_up(hot, 20);
        });
    }
}

#[test]
fn what_comes_between_two_polls_of_a_hand_over_waits_its_turn() {
    lost(8, |hot| {
        let (generation, _) = hot.question();
        let messages = whole(generation, 7);
        for (message, seq_no) in messages.iter().zip(9..) {
            hot.hand(&[*message]);
            hot.both(seq_no);
            assert!(!hot.bench.state().is_usable() || message == &end(generation, 2));
        }
        hot.settle();
        assert_caught_up(hot, 12);
    });
}

#[test]
fn a_torn_or_stale_hand_over_leaves_the_channel_as_it_was() {
    lost(8, |hot| {
        let (generation, _) = hot.question();
        // Nothing that was asked for.
        hot.hand(&whole(generation + 1, 8));
        hot.hand(&whole(generation.wrapping_sub(1), 8));
        hot.settle();
        assert_eq!((hot.bench.state(), hot.question().0), (ChannelState::Suspect, generation));
        // A row is missing.
        let mut torn = whole(generation, 8);
        torn.remove(1);
        hot.hand(&torn);
        hot.settle();
        assert_eq!(hot.bench.counters.refused_handovers.get(), 1);
        assert_eq!(hot.question().0, generation + 1, "it is asked for again");
        assert_eq!(hot.bench.seen.usable(), []);
        // The end of another one.
        let mut mixed = whole(generation + 1, 8);
        let last = mixed.len() - 1;
        mixed[last] = end(generation, 2);
        hot.hand(&mixed);
        hot.settle();
        assert_eq!(hot.question().0, generation + 2);
        // Broken off and begun again: only the second counts.
        let again = whole(generation + 2, 8);
        hot.hand(&again[..2]);
        hot.settle();
        assert!(!hot.bench.state().is_usable());
        hot.hand(&again);
        hot.settle();
        assert_caught_up(hot, 8);
    });
}

#[test]
fn a_tail_that_does_not_reach_back_is_asked_for_again() {
    // 32 packets are kept, and 6 to 60 came.
    lost(60, |hot| {
        let (generation, through) = hot.question();
        assert_eq!(through, 5);
        hot.hand(&whole(generation, 27));
        hot.settle();
        assert_eq!(hot.bench.counters.refused_handovers.get(), 1);
        assert_eq!(hot.question(), (generation + 1, 28), "29 to 60 are kept");
        assert!(!hot.bench.state().is_usable());
        hot.hand(&whole(generation + 1, 28));
        hot.settle();
        assert_eq!(hot.bench.counters.replayed.get(), 32);
        assert_caught_up(hot, 60);
    });
}

#[test]
fn a_cold_side_that_is_further_is_followed() {
    lost(8, |hot| {
        let (generation, _) = hot.question();
        // 10 waits for 9 in the arbiter.
        hot.both(11);
        hot.hand(&whole(generation, 9));
        let late = hot.bench.counters.line(Line::A).late.get();
        hot.settle();
        hot.both(9);
        assert_eq!(hot.bench.counters.line(Line::A).late.get(), late + 1);
        hot.both(10);
        hot.settle();
        // Another loss is another question: 10 was given up before it came.
        if let Some(asked) = hot.asked() {
            hot.hand(&whole(asked.generation, 11));
            hot.settle();
        }
        assert_caught_up(hot, 11);
    });
}

#[test]
fn work_per_poll_is_bounded() {
    lost(36, |hot| {
        let (generation, _) = hot.question();
        let rows: Vec<_> = whole(generation, 5);
        hot.hand(&rows[..3]);
        let filler: Vec<_> = (0..200).map(|_| rows[1]).collect();
        hot.hand(&filler);
        let waiting = |hot: &Hot<'_, '_>| 256 - hot.handing.free(256);
        let before = waiting(hot);
        hot.bench.stage.poll();
        assert_eq!(before - waiting(hot), 64, "messages of a hand-over in one poll");
        hot.settle();
        let (count, asked) = (202, hot.question().0);
        hot.hand(&[end(asked, count)]);
        for replayed in [16, 31] {
            hot.bench.stage.poll();
            assert_eq!(hot.bench.counters.replayed.get(), replayed, "packets in one poll");
        }
        hot.settle();
        assert_caught_up(hot, 36);
    });
}

#[test]
fn a_loss_on_the_way_is_asked_for_again() {
    lost(8, |hot| {
        let (generation, _) = hot.question();
        let first = whole(generation, 8);
        hot.hand(&first[..2]);
        hot.settle();
        hot.both(10);
        hot.hand(&first[2..]);
        hot.settle();
        assert_eq!(hot.question(), (generation + 1, 9));
        assert!(!hot.bench.state().is_usable());
        hot.hand(&whole(generation + 1, 10));
        hot.settle();
        assert_caught_up(hot, 10);
    });
    // A packet behind the books that cannot be read is a loss too.
    lost(8, |hot| {
        let (generation, _) = hot.question();
        let first = whole(generation, 8);
        hot.hand(&first[..2]);
        hot.settle();
        let mut damaged = told(9);
        let size = 12 + 2 + 8 + 11 + 2;
        damaged[size] = 200;
        hot.bench.both(9, &damaged);
        hot.hand(&first[2..]);
        hot.settle();
        assert!(!hot.bench.state().is_usable(), "{:?}", hot.bench.state());
        assert_eq!(hot.question().0, generation + 1);
    });
}

#[test]
fn the_venue_may_heal_it_first() {
    lost(8, |hot| {
        let (generation, _) = hot.question();
        hot.bench.both(9, &packet(9).reset(END, CHANNEL).finish());
        hot.bench.both(10, &book(10, END, &[bid(CORN, 1, 400)]));
        hot.settle();
        assert_eq!((hot.bench.state(), hot.asked()), (ChannelState::Live, None));
        let epoch = hot.bench.seen.state().1;
        // What was asked for before comes too late, and is not wanted any more.
        hot.hand(&whole(generation, 8));
        hot.bench.both(11, &book(11, END, &[bid(CORN, 2, 401)]));
        hot.settle();
        assert_eq!(hot.bench.seen.state(), (ChannelState::Live, epoch));
        assert_eq!(hot.bench.counters.rejoined.get(), 0);
    });
}

/// Books of a new numbering are not believed before a packet goes on from them.
#[test]
fn a_new_numbering_is_confirmed_by_a_packet() {
    lost(40, |hot| {
        let (generation, through) = hot.question();
        assert_eq!(through, 5);
        let mut anew = whole(generation, 3);
        let (last, exchange) = (SeqNo(3), UnixNs(7));
        anew[0] = Handed::Begin { generation, last, exchange, course: (), is_anew: true };
        hot.hand(&anew);
        hot.settle();
        assert_eq!(hot.bench.state(), ChannelState::Recovering);
        hot.both(4);
        hot.settle();
        assert_caught_up(hot, 4);
    });
}

/// A channel without a replica behaves as one whose replica never answers.
#[test]
fn nobody_answers_and_the_venue_s_own_reset_still_heals() {
    let (_handing, handed) = handover_ring();
    bench_with(&Setup { join: Join::Recover, ..setup() }, Some(handed), |bench| {
        (1..=100).for_each(|seq_no| bench.both(u64::from(seq_no), &told(seq_no)));
        assert_eq!(bench.state(), ChannelState::Recovering);
        assert_eq!(bench.seen.quotes, []);
        assert_eq!(bench.counters.asked.get(), 1);
        bench.both(101, &packet(101).reset(END, CHANNEL).finish());
        bench.both(102, &book(102, END, &[bid(CORN, 1, 400)]));
        assert_eq!(bench.state(), ChannelState::Live);
    });
}
