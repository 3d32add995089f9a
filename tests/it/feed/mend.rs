//! One book that is wrong while its channel is live (M7): its row is asked for, and comes back as
//! new as all others, whatever happens on the way. Nothing of it is usable until then.

use super::kit::{Bench, CHANNEL, Setup, bench, bench_with};
use super::states::{CORN, END, OPEN, WHEAT, ask, bid, book, packet};
use cross_market_connect::recovery::replica::handover_ring;
use xmc_hotpath::book::{Day, Instrument};
use xmc_hotpath::feed::{Handed, HandedOf, SeqNo};
use xmc_hotpath::message::{ChannelState, InstrumentIndex, QuoteQuality};
use xmc_hotpath::ring::Sender;
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::UnixNs;
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;

/// The packet of which one entry is missing.
const TORN: u32 = 5;

fn setup() -> Setup {
    Setup { tail: 128, ..Setup::new(&[CORN, WHEAT]) }
}

/// Packet `seq_no` of a market whose every packet puts a better bid and a better ask.
fn told(seq_no: u32) -> Vec<u8> {
    let better = i64::from(seq_no);
    book(seq_no, END, &[bid(CORN, seq_no, 400 + better), ask(WHEAT, seq_no, 900 - better)])
}

/// The same without corn.
fn torn(seq_no: u32) -> Vec<u8> {
    book(seq_no, END, &[ask(WHEAT, seq_no, 900 - i64::from(seq_no))])
}

/// The books after packet `last`, none of them torn.
fn rows(last: u32) -> Vec<Instrument> {
    bench(&setup(), |bench| {
        (1..=last).for_each(|seq_no| bench.both(u64::from(seq_no), &told(seq_no)));
        bench.stage.feed().channel().books().iter().copied().collect()
    })
}

fn row(security_id: i32, last: u32) -> Instrument {
    let rows = rows(last);
    *rows.iter().find(|row| row.security_id() == security_id).expect("it is quoted")
}

fn alone(generation: u32, security_id: i32, last: u32) -> HandedOf<Mdp3> {
    let instrument = row(security_id, last);
    let (last, exchange) = (SeqNo(last), UnixNs(7));
    Handed::Alone { generation, last, exchange, instrument, day: Day::UNKNOWN, terms: () }
}

struct Hot<'a, 'b> {
    bench: &'a mut Bench<'b>,
    handing: Sender<HandedOf<Mdp3>>,
}

impl Hot<'_, '_> {
    fn both(&mut self, seq_no: u32) {
        self.bench.both(u64::from(seq_no), &told(seq_no));
    }

    fn hand(&mut self, message: HandedOf<Mdp3>) {
        self.handing.push(message).expect("there is room");
        self.settle();
    }

    fn settle(&mut self) {
        while self.bench.stage.poll() != Work::Idle {}
        self.bench.take();
    }

    /// Generation, last packet that must be included, and the row that is asked for.
    fn question(&self) -> Option<(u32, u32, Option<i32>)> {
        let request = &self.bench.counters.request;
        request.asked().map(|asked| (asked.generation, asked.through.0, request.row()))
    }

    fn generation(&self) -> u32 {
        self.question().expect("something is asked").0
    }

    fn usable(&self) -> Vec<u32> {
        self.bench.seen.usable().iter().map(|index| index.0).collect()
    }
}

/// A feed that lost corn's entry of packet 5 and went on through `newest`.
fn ailing<R>(newest: u32, body: impl FnOnce(&mut Hot<'_, '_>) -> R) -> R {
    let (handing, handed) = handover_ring();
    bench_with(&setup(), Some(handed), |bench| {
        let mut hot = Hot { bench, handing };
        (1..TORN).for_each(|seq_no| hot.both(seq_no));
        hot.bench.both(u64::from(TORN), &torn(TORN));
        assert_eq!((hot.usable(), hot.question()), (vec![0, 1], None), "nobody can know it");
        for seq_no in TORN + 1..=newest {
            hot.both(seq_no);
            assert_eq!(hot.usable(), [1], "wheat goes on");
        }
        hot.settle();
        assert_eq!(hot.bench.seen.state(), (ChannelState::Live, 1));
        assert_eq!(hot.question(), Some((1, TORN + 1, Some(CORN))));
        body(&mut hot)
    })
}

fn assert_mended(hot: &mut Hot<'_, '_>, newest: u32) {
    assert_eq!(hot.bench.seen.state(), (ChannelState::Live, 1), "no quote of wheat was voided");
    assert_eq!((hot.usable(), hot.question()), (vec![0, 1], None));
    let found: Vec<Instrument> = hot.bench.stage.feed().channel().books().iter().copied().collect();
    assert_eq!(found, rows(newest));
    (newest + 1..newest + 4).for_each(|seq_no| hot.both(seq_no));
    assert_eq!(hot.usable(), [0, 1]);
    let found: Vec<Instrument> = hot.bench.stage.feed().channel().books().iter().copied().collect();
    assert_eq!(found, rows(newest + 3));
}

/// Corn's quotes since the `from`th of all.
fn quotes_of_corn(hot: &Hot<'_, '_>, from: usize) -> Vec<(QuoteQuality, i64)> {
    let quotes = hot.bench.seen.quotes[from..].iter();
    let corn = quotes.filter(|quote| quote.instrument == InstrumentIndex(0));
    corn.map(|quote| (quote.quality, quote.bids.best_e9())).collect()
}

/// M7. The row is of any moment since it was asked for: what came since is carried out again, and
/// the desk sees one quote, of now.
#[test]
fn a_row_that_is_handed_over_goes_on_with_what_was_kept() {
    for last in TORN + 1..=20 {
        ailing(20, |hot| {
            let quotes = hot.bench.seen.quotes.len();
            hot.hand(alone(hot.generation(), CORN, last));
            assert_eq!(quotes_of_corn(hot, quotes), [(QuoteQuality::Good, 420)], "after {last}");
            assert_eq!(hot.bench.counters.mended.get(), 1);
            assert_mended(hot, 20);
        });
    }
}

/// The cold side was quicker: what comes of the row's packets is passed over for that row alone.
#[test]
fn a_row_that_is_ahead_waits_for_the_others() {
    ailing(8, |hot| {
        hot.hand(alone(hot.generation(), CORN, 11));
        assert_eq!(hot.usable(), [0, 1]);
        for seq_no in 9..=11 {
            hot.both(seq_no);
            let found: Vec<_> = hot.bench.stage.feed().channel().books().iter().copied().collect();
            assert_eq!(found, [row(CORN, 11), row(WHEAT, seq_no)]);
        }
        assert_eq!(hot.bench.counters.sequence_breaks.get(), 1);
        assert_mended(hot, 11);
    });
}

#[test]
fn a_row_that_does_not_fit_is_asked_for_again() {
    ailing(8, |hot| {
        // Nothing that was asked for.
        hot.hand(alone(7, CORN, 8));
        assert_eq!((hot.generation(), hot.bench.counters.refused_handovers.get()), (1, 0));
        // Another row; the beginning of all rows; a row that is too old.
        hot.hand(alone(1, WHEAT, 8));
        assert_eq!(hot.generation(), 2);
        let (last, exchange) = (SeqNo(8), UnixNs(7));
        hot.hand(Handed::Begin { generation: 2, last, exchange, course: (), is_anew: false });
        assert_eq!(hot.question(), Some((3, TORN + 1, Some(CORN))));
        hot.hand(alone(3, CORN, TORN));
        assert_eq!(hot.question(), Some((4, TORN + 1, Some(CORN))));
        assert_eq!((hot.usable(), hot.bench.counters.refused_handovers.get()), (vec![1], 3));
        hot.hand(alone(4, CORN, 8));
        assert_mended(hot, 8);
    });
    // 64 packets are carried out again in one poll, and no more.
    ailing(80, |hot| {
        hot.hand(alone(1, CORN, 15));
        assert_eq!((hot.usable(), hot.generation()), (vec![1], 2));
        hot.hand(alone(2, CORN, 16));
        assert_mended(hot, 80);
    });
}

/// An event that is under way has touched rows that are to be told when it ends.
#[test]
fn no_row_is_taken_while_an_event_is_under_way() {
    ailing(8, |hot| {
        hot.bench.both(9, &book(9, OPEN, &[ask(WHEAT, 9, 891)]));
        hot.hand(alone(1, CORN, 8));
        assert_eq!((hot.usable(), hot.generation()), (vec![1], 2));
        hot.bench.both(10, &book(10, END, &[bid(CORN, 9, 409)]));
        hot.hand(alone(2, CORN, 8));
        assert_eq!(hot.usable(), [0, 1]);
        let corn = hot.bench.stage.feed_mut().channel_mut().instrument(CORN).copied();
        assert_eq!(corn.map(|corn| *corn.bids()), Some(*row(CORN, 9).bids()));
    });
}

/// What is lost on both lines meanwhile is asked for whole.
#[test]
fn a_loss_meanwhile_asks_for_all_rows() {
    ailing(8, |hot| {
        hot.both(10);
        hot.settle();
        assert_eq!(hot.bench.seen.state(), (ChannelState::Suspect, 2));
        assert_eq!(hot.question(), Some((2, 10, None)));
        hot.hand(alone(1, CORN, 10));
        hot.hand(alone(2, CORN, 10));
        assert_eq!((hot.usable(), hot.question()), (vec![], Some((2, 10, None))));
        let (last, exchange) = (SeqNo(10), UnixNs(7));
        hot.hand(Handed::Begin { generation: 2, last, exchange, course: (), is_anew: false });
        for instrument in rows(10) {
            hot.hand(Handed::Row { instrument, day: Day::UNKNOWN, terms: () });
        }
        hot.hand(Handed::End { generation: 2, count: 2 });
        assert_eq!((hot.usable(), hot.bench.seen.state()), (vec![0, 1], (ChannelState::Live, 3)));
    });
}

/// The venue voids the channel: nothing is wrong any more, and what comes of before is not wanted.
#[test]
fn a_reset_heals_it_first() {
    ailing(8, |hot| {
        hot.bench.both(9, &packet(9).reset(END, CHANNEL).finish());
        hot.bench.both(10, &book(10, END, &[bid(CORN, 1, 400)]));
        hot.settle();
        assert_eq!((hot.usable(), hot.question()), (vec![0, 1], None));
        hot.hand(alone(1, CORN, 8));
        assert_eq!(hot.bench.counters.mended.get(), 0);
        // Damaged again behind the reset: a row of before it does not fit.
        hot.bench.both(11, &book(11, END, &[bid(CORN, 3, 401)]));
        hot.settle();
        assert_eq!(hot.question(), Some((2, 11, Some(CORN))));
        hot.hand(alone(2, CORN, 8));
        assert_eq!((hot.usable(), hot.bench.counters.mended.get()), (vec![1], 0));
    });
}

/// A row that nobody is told of is not asked for, and one after the other is.
#[test]
fn rows_are_taken_back_one_after_the_other() {
    ailing(8, |hot| {
        let both = [bid(CORN, 9, 409), ask(WHEAT, 10, 890), bid(UNQUOTED, 1, 1)];
        hot.bench.both(9, &book(9, END, &both));
        hot.bench.both(10, &book(10, END, &[bid(UNQUOTED, 3, 1)]));
        assert_eq!(hot.usable(), [] as [u32; 0]);
        hot.hand(alone(1, CORN, 9));
        assert_eq!(hot.usable(), [0]);
        assert_eq!(hot.question(), Some((2, 10, Some(WHEAT))));
        let mut wheat = row(WHEAT, 9);
        wheat.expect_after(10);
        let (last, exchange) = (SeqNo(10), UnixNs(7));
        let (generation, instrument) = (2, wheat);
        hot.hand(Handed::Alone {
            generation,
            last,
            exchange,
            instrument,
            day: Day::UNKNOWN,
            terms: (),
        });
        assert_eq!((hot.usable(), hot.question()), (vec![0, 1], None));
    });
}

const UNQUOTED: i32 = 90;
